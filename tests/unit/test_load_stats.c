/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
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

#define WORK_NS UINT64_C(100000000)

static sem_t worked, read_by_now;

static void work(void)
{
    struct timespec t;
    uint64_t used = 0;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    struct timespec begin = t;
    while (used < WORK_NS) {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        used = (uint64_t)(t.tv_sec - begin.tv_sec) * 1000000000 + (uint64_t)t.tv_nsec -
               (uint64_t)begin.tv_nsec;
    }
}

static void *thread_main(void *unused)
{
    work();
    sem_post(&worked);
    sem_wait(&read_by_now); /* a thread that has ended is not counted */
    return unused;
}

START_TEST(the_cpu_of_all_threads_is_counted_once)
{
    struct usage before, after;
    pthread_t thread;
    sem_init(&worked, 0, 0);
    sem_init(&read_by_now, 0, 0);
    ck_assert_int_eq(usage_read(getpid(), &before), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, thread_main, NULL), 0);
    work();
    sem_wait(&worked);
    ck_assert_int_eq(usage_read(getpid(), &after), 0);
    sem_post(&read_by_now);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    uint64_t counted = after.cpu_ns - before.cpu_ns;
    ck_assert_uint_ge(counted, 2 * WORK_NS * 8 / 10); /* the kernel counts in ticks of some ms */
    ck_assert_uint_le(counted, 2 * WORK_NS * 12 / 10);
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
    tcase_add_test(c, the_cpu_of_all_threads_is_counted_once);
    tcase_add_test(c, a_process_that_is_gone_is_an_error);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
