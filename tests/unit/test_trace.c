/* SPDX-License-Identifier: Apache-2.0
 *
 * The decisions as sentences; which boards are traced, for how long, and with how many lines; and
 * what the admin port answers.
 */
#include "trace.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "trace_boards.h"
#include "trace_log.h"

static struct id board_number(unsigned i)
{
    struct id id = {"k3v9x2mq4"};
    id.text[9] = (char)('0' + i);
    return id;
}

/* ---- sentences ------------------------------------------------------------------------------- */

static const struct {
    const char *name, *sentence;
    unsigned numbers;
} KINDS[] = {
#define DECISION(kind, numbers, sentence) {#kind, sentence, numbers},
#include "trace.def"
#undef DECISION
};

START_TEST(each_decision_is_one_line_with_as_many_numbers_as_it_says)
{
    ck_assert_uint_eq(sizeof KINDS / sizeof *KINDS, TRACE_KINDS);
    for (unsigned kind = 0; kind < TRACE_KINDS; kind++) {
        unsigned places = 0;
        for (const char *at = KINDS[kind].sentence; *at; at++)
            places += *at == '%' || *at == '@';
        ck_assert_msg(places == KINDS[kind].numbers, "%s", KINDS[kind].name);
        ck_assert_uint_ge(places, 1);
        ck_assert_uint_le(places, TRACE_NUMBERS_MAX);
        ck_assert_str_eq(trace_name((enum trace_kind)kind), KINDS[kind].name);
        struct buf line = {0};
        trace_print(&line, (enum trace_kind)kind, (const uint64_t[3]){1, UINT64_MAX, UINT64_MAX});
        ck_assert_msg(line.len < 300 && !memchr(line.data, '\n', line.len), "%s", KINDS[kind].name);
        buf_free(&line);
    }
}
END_TEST

START_TEST(a_sentence_has_its_numbers_in_order_and_errors_by_name)
{
    struct buf line = {0};
    trace_print(&line, TRACE_frame_wrong, (const uint64_t[3]){7, UINT64_MAX});
    trace_print(&line, TRACE_error_told, (const uint64_t[3]){ERROR_bad_frame, 12});
    buf_append(&line, "", 1);
    ck_assert_str_eq((const char *)line.data,
                     "frame_wrong: frame 7 of term 18446744073709551615 can never be an event: its "
                     "client is at fault"
                     "error_told: a client is told bad_frame, of its frame 12 (0: of none)");
    buf_free(&line);
}
END_TEST

START_TEST(to_a_core_without_a_trace_nobody_listens)
{
    ck_assert_ptr_null(trace_or_none(NULL)->tell);
    struct trace trace = {NULL, NULL};
    ck_assert_ptr_eq(trace_or_none(&trace), &trace);
}
END_TEST

/* ---- which boards, and how many lines -------------------------------------------------------- */

START_TEST(a_board_is_traced_until_its_time_is_over)
{
    struct trace_boards t = {0};
    struct id board = board_number(1), other = board_number(2), over;
    ck_assert(!trace_boards_line(&t, 5000, &board));
    ck_assert_int_eq(trace_boards_begin(&t, 5000, &board, 10), 0);
    ck_assert(trace_boards_line(&t, 5000, &board));
    ck_assert(!trace_boards_line(&t, 5000, &other));
    ck_assert(trace_boards_line(&t, 14999, &board));
    ck_assert(!trace_boards_over(&t, 14999, &over));
    ck_assert(!trace_boards_line(&t, 15000, &board));
    ck_assert(trace_boards_over(&t, 15000, &over));
    ck_assert(id_equal(&over, &board));
    ck_assert(!trace_boards_over(&t, 15000, &over));
    ck_assert_uint_eq(t.count, 0);
    ck_assert_uint_eq(t.left_out, 0);
}
END_TEST

START_TEST(it_begins_anew_when_somebody_asks_again_and_ends_when_somebody_says_so)
{
    struct trace_boards t = {0};
    struct id board = board_number(1);
    trace_boards_begin(&t, 5000, &board, 10);
    ck_assert_int_eq(trace_boards_begin(&t, 14000, &board, 10), 0);
    ck_assert_uint_eq(t.count, 1);
    ck_assert(trace_boards_line(&t, 20000, &board));
    ck_assert_int_eq(trace_boards_end(&t, &board), 0);
    ck_assert(!trace_boards_line(&t, 20000, &board));
    ck_assert_int_eq(trace_boards_end(&t, &board), -ENOENT);
}
END_TEST

START_TEST(eight_boards_are_traced_at_once_and_no_ninth)
{
    struct trace_boards t = {0};
    for (unsigned i = 0; i < TRACE_BOARDS_MAX; i++) {
        struct id board = board_number(i);
        ck_assert_int_eq(trace_boards_begin(&t, 5000, &board, 10), 0);
    }
    struct id ninth = board_number(8), first = board_number(0);
    ck_assert_int_eq(trace_boards_begin(&t, 5000, &ninth, 10), -ENOSPC);
    ck_assert_int_eq(trace_boards_begin(&t, 5000, &first, 10), 0);
    trace_boards_end(&t, &first);
    ck_assert_int_eq(trace_boards_begin(&t, 5000, &ninth, 10), 0);
    for (unsigned i = 1; i <= 8; i++) {
        struct id board = board_number(i);
        ck_assert(trace_boards_line(&t, 6000, &board));
    }
}
END_TEST

START_TEST(beyond_so_many_lines_a_second_they_are_left_out_counted_and_told_once_it_is_over)
{
    struct trace_boards t = {0};
    struct id one = board_number(1), two = board_number(2);
    trace_boards_begin(&t, 5000, &one, 100);
    trace_boards_begin(&t, 5000, &two, 100);
    for (unsigned i = 0; i < TRACE_LINES_PER_S; i++)
        ck_assert(trace_boards_line(&t, 5000, i % 2 ? &one : &two));
    ck_assert(!trace_boards_line(&t, 5000, &one));
    ck_assert(!trace_boards_line(&t, 5999, &two));
    ck_assert_uint_eq(t.left_out, 2);
    ck_assert_uint_eq(trace_boards_unsaid(&t, 5999), 0);
    ck_assert(trace_boards_line(&t, 6000, &one));
    ck_assert_uint_eq(trace_boards_unsaid(&t, 6000), 2);
    ck_assert_uint_eq(trace_boards_unsaid(&t, 7000), 0);
    ck_assert_uint_eq(t.left_out, 2);
}
END_TEST

/* ---- what the admin port answers ------------------------------------------------------------- */

static struct trace_log tracer;

static void expect(const char *method, const char *query, const char *status, const char *text)
{
    struct buf out = {0};
    ck_assert_str_eq(trace_log_request(&tracer, span_of(method), span_of(query), &out), status);
    buf_append(&out, "", 1);
    ck_assert_str_eq((const char *)out.data, text);
    buf_free(&out);
}

static void set_up(void)
{
    trace_log_init(&tracer, LOG_ERROR);
}

START_TEST(somebody_listens_while_a_board_is_traced)
{
    ck_assert_ptr_null(tracer.trace.tell);
    expect("GET", "", "200 OK", "no board is traced\n");
    expect("POST", "board=k3v9x2mq4t", "200 OK", "board k3v9… is traced in the log, for 600 s\n");
    ck_assert_ptr_nonnull(tracer.trace.tell);
    tracer.trace.tell(tracer.trace.owner, &(struct id){"k3v9x2mq4t"}, TRACE_frame_wrong,
                      (const uint64_t[3]){1, 2});
    expect("GET", "", "200 OK", "board k3v9… for 600 s more, 1 lines so far\n");
    expect("DELETE", "board=k3v9x2mq4t", "200 OK", "board k3v9… is traced no more\n");
    ck_assert_ptr_null(tracer.trace.tell);
    expect("DELETE", "board=k3v9x2mq4t", "404 Not Found", "board k3v9… is not traced\n");
}
END_TEST

START_TEST(a_ninth_board_is_refused)
{
    char query[] = "seconds=60&board=k3v9x2mq40";
    for (; query[26] < '8'; query[26]++)
        expect("POST", query, "200 OK", "board k3v9… is traced in the log, for 60 s\n");
    expect("POST", query, "409 Conflict", "8 boards are traced already: end one of them\n");
}
END_TEST

START_TEST(what_is_wrong_with_a_request_is_said)
{
    static const char NO_ID[] = "that is no board's id: ten of 0-9 and a-z, without i l o u\n";
    static const char WHICH[] = "say which one: /trace?board=ID\n";
    static const char SECONDS[] = "seconds is a number from 1 to 600\n";
    expect("PUT", "board=k3v9x2mq4t", "405 Method Not Allowed\r\nAllow: GET, POST, DELETE",
           "POST begins, DELETE ends, GET tells which\n");
    expect("POST", "", "400 Bad Request", WHICH);
    expect("DELETE", "seconds=5", "400 Bad Request", WHICH);
    expect("POST", "board=", "400 Bad Request", NO_ID);
    expect("POST", "board=k3v9x2mq4", "400 Bad Request", NO_ID);
    expect("POST", "board=k3v9x2mq4tt", "400 Bad Request", NO_ID);
    expect("POST", "board=k3v9x2mq4o", "400 Bad Request", NO_ID);
    expect("POST", "board=k3v9x2mq%34", "400 Bad Request", NO_ID);
    expect("POST", "board=k3v9x2mq4t&seconds=0", "400 Bad Request", SECONDS);
    expect("POST", "board=k3v9x2mq4t&seconds=", "400 Bad Request", SECONDS);
    expect("POST", "board=k3v9x2mq4t&seconds=601", "400 Bad Request", SECONDS);
    expect("POST", "board=k3v9x2mq4t&seconds=99999999999999999999", "400 Bad Request", SECONDS);
    expect("POST", "board=k3v9x2mq4t&seconds=-1", "400 Bad Request", SECONDS);
    expect("POST", "all", "400 Bad Request", "only board and seconds are asked for\n");
    expect("POST", "board=k3v9x2mq4t&&", "400 Bad Request",
           "only board and seconds are asked for\n");
    ck_assert_ptr_null(tracer.trace.tell);
}
END_TEST

static void add(Suite *s, const char *name, const TTest *const *tests, size_t count)
{
    TCase *c = tcase_create(name);
    tcase_add_checked_fixture(c, set_up, NULL);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
}

int main(void)
{
    const TTest *const tests[] = {
        each_decision_is_one_line_with_as_many_numbers_as_it_says,
        a_sentence_has_its_numbers_in_order_and_errors_by_name,
        to_a_core_without_a_trace_nobody_listens,
        a_board_is_traced_until_its_time_is_over,
        it_begins_anew_when_somebody_asks_again_and_ends_when_somebody_says_so,
        eight_boards_are_traced_at_once_and_no_ninth,
        beyond_so_many_lines_a_second_they_are_left_out_counted_and_told_once_it_is_over,
        somebody_listens_while_a_board_is_traced,
        a_ninth_board_is_refused,
        what_is_wrong_with_a_request_is_said,
    };
    Suite *s = suite_create("trace");
    add(s, "trace", tests, sizeof tests / sizeof *tests);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
