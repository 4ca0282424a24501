/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int caught[2];
static char line[4096];

static void begin(void)
{
    ck_assert_int_eq(pipe(caught), 0);
    dup2(caught[1], STDERR_FILENO);
    log_setup("gateway", &(struct id){"g0123456789"}, LOG_INFO);
}

/* All that was written to stderr since the last call. */
static const char *said(void)
{
    ssize_t n = write(caught[1], "", 1); /* so that there is something to read */
    ck_assert_int_eq(n, 1);
    n = read(caught[0], line, sizeof line);
    ck_assert_int_gt(n, 0);
    return line;
}

START_TEST(a_line_has_time_program_id_level_and_text)
{
    unsigned year, month, day, hour, minute, second, ms;
    char rest[100];
    log_warn("broker link down: %s", "reset");
    ck_assert_int_eq(sscanf(said(), "%4u-%2u-%2uT%2u:%2u:%2u.%3uZ %99[^\n]", &year, &month, &day,
                            &hour, &minute, &second, &ms, rest),
                     8);
    ck_assert_uint_ge(year, 2026);
    ck_assert_str_eq(rest, "gateway g0123456789 warn broker link down: reset");
    ck_assert_int_eq(line[strlen(line) - 1], '\n');
}
END_TEST

START_TEST(less_important_lines_than_asked_for_are_left_out)
{
    log_debug("fine");
    ck_assert_str_eq(said(), "");
    log_setup("gateway", NULL, LOG_DEBUG);
    log_debug("fine");
    ck_assert_ptr_nonnull(strstr(said(), "gateway debug fine"));
    log_setup("gateway", NULL, LOG_ERROR);
    log_warn("not so fine");
    ck_assert_str_eq(said(), "");
}
END_TEST

START_TEST(a_long_line_is_cut_and_still_ends)
{
    log_info("%01500d", 7);
    ck_assert_uint_lt(strlen(said()), 1025);
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

START_TEST(what_others_wrote_cannot_forge_a_line)
{
    log_info("name %s", "Ann\n2026-01-01T00:00:00.000Z gateway error forged\x1b[2J");
    said();
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    ck_assert_ptr_null(strchr(line, '\x1b'));
}
END_TEST

START_TEST(levels_are_known_by_name)
{
    enum log_level level;
    ck_assert_int_eq(log_level_parse("error", &level), 0);
    ck_assert_int_eq(level, LOG_ERROR);
    ck_assert_int_eq(log_level_parse("debug", &level), 0);
    ck_assert_int_eq(level, LOG_DEBUG);
    ck_assert_int_eq(log_level_parse("Debug", &level), -EINVAL);
    ck_assert_int_eq(log_level_parse("", &level), -EINVAL);
}
END_TEST

START_TEST(a_board_is_never_named_in_full)
{
    ck_assert_str_eq(log_board(&(struct id){"k3v9x2mq4t"}), "k3v9…");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("log");
    TCase *c = tcase_create("log");
    tcase_add_checked_fixture(c, begin, NULL);
    tcase_add_test(c, a_line_has_time_program_id_level_and_text);
    tcase_add_test(c, less_important_lines_than_asked_for_are_left_out);
    tcase_add_test(c, a_long_line_is_cut_and_still_ends);
    tcase_add_test(c, what_others_wrote_cannot_forge_a_line);
    tcase_add_test(c, levels_are_known_by_name);
    tcase_add_test(c, a_board_is_never_named_in_full);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
