/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"
#include "process.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct buf out;

static const char *text(void)
{
    buf_append(&out, "", 1);
    out.len--;
    return (const char *)out.data;
}

static void drop(void)
{
    buf_free(&out);
}

START_TEST(a_counter_has_help_type_and_value)
{
    metric_counter(&out, "easel_frames_total", "Frames of clients.", 7);
    ck_assert_str_eq(text(), "# HELP easel_frames_total Frames of clients.\n"
                             "# TYPE easel_frames_total counter\n"
                             "easel_frames_total 7\n");
}
END_TEST

START_TEST(whole_numbers_are_printed_in_full)
{
    metric_counter(&out, "c", "C.", UINT64_MAX);
    ck_assert_ptr_nonnull(strstr(text(), "\nc 18446744073709551615\n"));
    metric_gauge(&out, "g", "G.", 1234567890123.0);
    ck_assert_ptr_nonnull(strstr(text(), "\ng 1234567890123\n"));
}
END_TEST

START_TEST(counters_of_one_name_differ_by_their_label)
{
    static const char *const codes[] = {"bad_frame", "full"};
    metric_counters(&out, "closed_total", "Closed.", "code", codes, (const uint64_t[]){1, 2}, 2);
    ck_assert_str_eq(text(), "# HELP closed_total Closed.\n"
                             "# TYPE closed_total counter\n"
                             "closed_total{code=\"bad_frame\"} 1\n"
                             "closed_total{code=\"full\"} 2\n");
}
END_TEST

START_TEST(a_peak_stays_for_one_to_two_slots)
{
    struct peak p = {0};
    ck_assert(peak_value(&p, 7 * PEAK_MS) == 0);
    peak_add(&p, 7 * PEAK_MS + 1, 5);
    peak_add(&p, 7 * PEAK_MS + 2, 3);
    ck_assert(peak_value(&p, 8 * PEAK_MS - 1) == 5);
    peak_add(&p, 8 * PEAK_MS, 4);
    ck_assert(peak_value(&p, 9 * PEAK_MS - 1) == 5);
    ck_assert(peak_value(&p, 9 * PEAK_MS) == 4);
    ck_assert(peak_value(&p, 10 * PEAK_MS) == 0);
}
END_TEST

START_TEST(an_old_peak_is_forgotten_after_a_long_silence)
{
    struct peak p = {0};
    peak_add(&p, PEAK_MS, 5);
    ck_assert(peak_value(&p, 100 * PEAK_MS) == 0);
}
END_TEST

START_TEST(a_gauge_keeps_its_fraction)
{
    metric_gauge(&out, "lag_seconds", "Lag.", .0025);
    ck_assert_ptr_nonnull(strstr(text(), "# TYPE lag_seconds gauge\nlag_seconds 0.0025\n"));
}
END_TEST

START_TEST(a_histogram_is_cumulative)
{
    struct histogram h = HISTOGRAM_OF_SECONDS;
    histogram_add(&h, .0005);
    histogram_add(&h, .001); /* a bound belongs to its bucket */
    histogram_add(&h, .002);
    histogram_add(&h, 100);
    metric_histogram(&out, "h", "H.", &h);
    ck_assert_ptr_nonnull(strstr(text(), "# TYPE h histogram\nh_bucket{le=\"0.001\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(text(), "h_bucket{le=\"0.0025\"} 3\n"));
    ck_assert_ptr_nonnull(strstr(text(), "h_bucket{le=\"10\"} 3\n"));
    ck_assert_ptr_nonnull(strstr(text(), "h_bucket{le=\"+Inf\"} 4\n"));
    ck_assert_ptr_nonnull(strstr(text(), "h_sum 100.0035\nh_count 4\n"));
}
END_TEST

START_TEST(histograms_of_one_name_differ_by_their_label)
{
    static const char *const operations[] = {"read", "append"};
    struct histogram read = HISTOGRAM_OF_COUNTS, append = HISTOGRAM_OF_COUNTS;
    histogram_add(&read, 2);
    histogram_add(&append, 1001);
    metric_histograms(&out, "h", "H.", "operation", operations,
                      (const struct histogram *const[]){&read, &append}, 2);
    ck_assert_ptr_nonnull(strstr(text(), "# TYPE h histogram\n"
                                         "h_bucket{operation=\"read\",le=\"1\"} 0\n"
                                         "h_bucket{operation=\"read\",le=\"2\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(text(), "h_bucket{operation=\"append\",le=\"1000\"} 0\n"
                                         "h_bucket{operation=\"append\",le=\"+Inf\"} 1\n"
                                         "h_sum{operation=\"append\"} 1001\n"
                                         "h_count{operation=\"append\"} 1\n"));
    ck_assert_ptr_null(strstr(strstr(text(), "# TYPE") + 1, "# TYPE"));
}
END_TEST

START_TEST(times_are_added_in_seconds_and_never_negative)
{
    struct histogram h = HISTOGRAM_OF_SECONDS;
    histogram_add_ms(&h, 1000, 1250);
    histogram_add_ms(&h, 1250, 1000);
    ck_assert_uint_eq(h.count[0], 1);
    ck_assert_uint_eq(h.count[7], 1); /* 0.25 */
    ck_assert(h.sum == .25);
}
END_TEST

static void expect_rising(const struct histogram *h)
{
    ck_assert_uint_le(h->bound_count, HISTOGRAM_BUCKETS_MAX);
    for (unsigned i = 1; i < h->bound_count; i++)
        ck_assert(h->bounds[i] > h->bounds[i - 1]);
}

START_TEST(the_usual_bounds_fit_and_rise)
{
    expect_rising(&HISTOGRAM_OF_SECONDS);
    expect_rising(&HISTOGRAM_OF_COUNTS);
}
END_TEST

static time_t started;

static double value_of(const char *name)
{
    double value = -1;
    char start[64];
    snprintf(start, sizeof start, "\n%s ", name);
    const char *at = strstr(text(), start);
    ck_assert_msg(at != NULL, "no %s", name);
    ck_assert_int_eq(sscanf(at + strlen(start), "%lf", &value), 1);
    return value;
}

START_TEST(the_process_tells_of_itself)
{
    process_metrics("easel-test", &out);
    ck_assert_ptr_nonnull(strstr(text(), "easel_build_info{program=\"easel-test\",version=\""));
    ck_assert(value_of("process_cpu_seconds_total") >= 0);
    ck_assert(value_of("process_resident_memory_bytes") > 100000);
    ck_assert(value_of("process_start_time_seconds") >= (double)started);
    ck_assert(value_of("process_start_time_seconds") <= (double)time(NULL));
    double before = value_of("process_open_fds");
    ck_assert(value_of("process_max_fds") > before);
    FILE *one_more = fopen("/dev/null", "re");
    buf_clear(&out);
    process_metrics("easel-test", &out);
    ck_assert(value_of("process_open_fds") == before + 1);
    fclose(one_more);
}
END_TEST

int main(void)
{
    started = time(NULL) - 2; /* it was loaded just now */
    Suite *s = suite_create("metrics");
    TCase *c = tcase_create("metrics");
    tcase_add_checked_fixture(c, NULL, drop);
    tcase_add_test(c, a_counter_has_help_type_and_value);
    tcase_add_test(c, whole_numbers_are_printed_in_full);
    tcase_add_test(c, counters_of_one_name_differ_by_their_label);
    tcase_add_test(c, a_peak_stays_for_one_to_two_slots);
    tcase_add_test(c, an_old_peak_is_forgotten_after_a_long_silence);
    tcase_add_test(c, a_gauge_keeps_its_fraction);
    tcase_add_test(c, a_histogram_is_cumulative);
    tcase_add_test(c, histograms_of_one_name_differ_by_their_label);
    tcase_add_test(c, times_are_added_in_seconds_and_never_negative);
    tcase_add_test(c, the_usual_bounds_fit_and_rise);
    tcase_add_test(c, the_process_tells_of_itself);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
