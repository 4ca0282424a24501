/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "stats.h"

START_TEST(a_percentile_is_at_most_a_64th_too_low)
{
    static struct histogram h;
    for (uint64_t value = 1; value <= 100000; value++)
        histogram_add(&h, value);
    for (double share = .01; share < 1; share += .01) {
        double exact = share * 100000, found = (double)histogram_percentile(&h, share);
        ck_assert(found <= exact + 1 && found >= exact * 63 / 64 - 1);
    }
}
END_TEST

START_TEST(small_and_huge_values_have_buckets)
{
    static struct histogram h;
    histogram_add(&h, 0);
    histogram_add(&h, 63);
    histogram_add(&h, UINT64_MAX);
    ck_assert_uint_eq(histogram_percentile(&h, 0), 0);
    ck_assert_uint_eq(histogram_percentile(&h, .5), 63);
    ck_assert_uint_ge(histogram_percentile(&h, .99), UINT64_MAX / 64 * 63);
}
END_TEST

START_TEST(an_empty_histogram_says_0)
{
    static struct histogram h;
    ck_assert_uint_eq(histogram_percentile(&h, .5), 0);
}
END_TEST

START_TEST(the_cpu_of_a_process_is_counted)
{
    struct usage before, after;
    uint64_t begin = now_ns();
    ck_assert_int_eq(usage_read(getpid(), &before), 0);
    do
        ck_assert_int_eq(usage_read(getpid(), &after), 0);
    while (after.cpu_ns < before.cpu_ns + 20000000);
    ck_assert_uint_ge(now_ns() - begin, 15000000); /* one thread uses no more than it has */
    ck_assert_uint_gt(after.memory_kib, 500);
}
END_TEST

START_TEST(a_process_that_is_gone_is_an_error)
{
    struct usage u;
    ck_assert_int_lt(usage_read(1 << 30, &u), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("load_stats");
    TCase *c = tcase_create("stats");
    tcase_add_test(c, a_percentile_is_at_most_a_64th_too_low);
    tcase_add_test(c, small_and_huge_values_have_buckets);
    tcase_add_test(c, an_empty_histogram_says_0);
    tcase_add_test(c, the_cpu_of_a_process_is_counted);
    tcase_add_test(c, a_process_that_is_gone_is_an_error);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
