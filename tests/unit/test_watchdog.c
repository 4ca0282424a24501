/* SPDX-License-Identifier: Apache-2.0
 *
 * When a loop is taken to hang. That a program then ends, and one that only waits does not, is
 * tested with the real ones: tests/service/probes.test.mjs.
 */
#include "watchdog.h"

#include <check.h>

#define IN_TIME WATCHDOG_TICK_MS

/* How many of the next `ticks` it took until the loop counted as hanging; 0: it does not. */
static unsigned hangs_after(struct watch *w, unsigned ticks, uint64_t slept_ms)
{
    for (unsigned i = 1; i <= ticks; i++)
        if (watch_tick(w, slept_ms, false))
            return i;
    return 0;
}

START_TEST(a_loop_that_gives_no_sign_for_ten_seconds_hangs)
{
    struct watch w = {0};
    ck_assert_uint_eq(hangs_after(&w, 100, IN_TIME), 10);
}
END_TEST

START_TEST(one_sign_in_ten_seconds_is_enough)
{
    struct watch w = {0};
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_uint_eq(hangs_after(&w, 9, IN_TIME), 0);
        ck_assert(!watch_tick(&w, IN_TIME, true));
    }
}
END_TEST

START_TEST(time_in_which_the_whole_process_was_frozen_does_not_count)
{
    struct watch w = {0};
    ck_assert_uint_eq(hangs_after(&w, 9, IN_TIME), 0);
    ck_assert(!watch_tick(&w, 60000, false)); /* stopped for a minute, and just woken */
    ck_assert(!watch_tick(&w, IN_TIME, true));
}
END_TEST

START_TEST(a_loop_that_hung_before_and_after_a_freeze_hangs)
{
    struct watch w = {0};
    ck_assert_uint_eq(hangs_after(&w, 9, IN_TIME), 0);
    ck_assert(!watch_tick(&w, 60000, false));
    ck_assert_uint_eq(hangs_after(&w, 1, IN_TIME), 1);
}
END_TEST

START_TEST(a_machine_that_gives_nobody_time_ends_nobody)
{
    struct watch w = {0};
    ck_assert_uint_eq(hangs_after(&w, 1000, WATCHDOG_LATE_MS), 0);
}
END_TEST

START_TEST(a_watched_loop_that_idles_turns_and_ends_as_others_do)
{
    uv_loop_t loop;
    struct watchdog *w;
    uv_loop_init(&loop);
    ck_assert_int_eq(watchdog_start(&loop, &w), 0);
    uv_run(&loop, UV_RUN_ONCE); /* has nothing to do but to give a sign */
    watchdog_stop(w);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("watchdog");
    TCase *c = tcase_create("watchdog");
    tcase_add_test(c, a_loop_that_gives_no_sign_for_ten_seconds_hangs);
    tcase_add_test(c, one_sign_in_ten_seconds_is_enough);
    tcase_add_test(c, time_in_which_the_whole_process_was_frozen_does_not_count);
    tcase_add_test(c, a_loop_that_hung_before_and_after_a_freeze_hangs);
    tcase_add_test(c, a_machine_that_gives_nobody_time_ends_nobody);
    tcase_add_test(c, a_watched_loop_that_idles_turns_and_ends_as_others_do);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
