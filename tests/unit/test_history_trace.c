/* SPDX-License-Identifier: Apache-2.0
 *
 * The history service's core tells why, when somebody listens. The store is what the test says that
 * it is.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "history_core.h"
#include "trace_test.h"

#define BOARD "k3v9x2mq4t"

static struct history_core *core;
static struct record last; /* of the store; count 0: it has none */

static void set_up(void)
{
    core = history_core_create(
        &(struct history_core_config){.self = {"h1"}, .shards = 1, .trace = &listener});
    last = (struct record){.board = {BOARD}, .first = 4, .count = 1, .epoch = 2, .opener = {"b2"}};
    last.state = log_state_pack(&(struct log_state){0});
}

static void tear_down(void)
{
    history_core_destroy(core);
    forget_told();
}

static const struct history_plan *plan(void)
{
    const struct history_plan *p = history_core_plan(core, 1000000);
    for (unsigned i = 0; i < p->load_count; i++)
        history_core_loaded(core, &p->load[i], last.count ? &last : NULL, span_of("a board"),
                            (struct span){0});
    return p->load_count ? history_core_plan(core, 1000000) : p;
}

/* One message with a request, and its round; `result`: of what it inserts. */
static void ask(const char *sender, const struct message_type *type, const void *request,
                int result)
{
    struct buf body = {0};
    struct id from = {0};
    ck_assert_int_eq(id_parse(sender, strlen(sender), &from), 0);
    PUT(&body, envelope, BROKER_VERSION, from);
    message_put(&body, type, request);
    ck_assert_uint_eq(history_core_message(core, 1000000, buf_span(&body)), 1);
    plan();
    history_core_settle(core, 1000000, &result);
    buf_free(&body);
}

static void append_of_epoch(uint64_t epoch, int result)
{
    struct buf events = {0};
    PUT(&events, ev_released, 5, 1000);
    struct state_bytes state = log_state_pack(&(struct log_state){0});
    struct msg_append m = {.board = {BOARD},
                           .epoch = epoch,
                           .first = 5,
                           .count = 1,
                           .time = 1000,
                           .events = buf_span(&events),
                           .state = state_span(&state)};
    ask("b1", &TYPE_append, &m, result);
    buf_free(&events);
}

START_TEST(a_refused_append_is_told_with_its_epochs)
{
    listen_to_it();
    append_of_epoch(1, 0);
    expect_told("append_denied: events of epoch 1 are refused: the newest epoch is 2\n");
    ck_assert_uint_eq(told_count, 1);
}
END_TEST

START_TEST(a_refused_open_is_told)
{
    listen_to_it();
    ask("b1", &TYPE_open, &(struct msg_open){{BOARD}, {"b1"}, 7, 1}, 0);
    expect_told("open_denied: an open over epoch 1 is refused: the newest is 2");
}
END_TEST

START_TEST(a_board_that_is_there_already_is_told)
{
    listen_to_it();
    ask("g1", &TYPE_create, &(struct msg_create){{BOARD}, 7, span_of("Physics")}, 0);
    expect_told("create_denied: the board is not made: it is there (1)");
}
END_TEST

START_TEST(a_board_that_is_not_there_is_told)
{
    listen_to_it();
    last.count = 0;
    ask("b1", &TYPE_open, &(struct msg_open){{BOARD}, {"b1"}, 7, 1}, 0);
    expect_told("board_unknown: there is no such board");
}
END_TEST

START_TEST(a_round_that_did_not_end_well_is_told)
{
    listen_to_it();
    append_of_epoch(2, -EIO);
    expect_told("result_unknown: whether events from 5 on are stored is not known");
    append_of_epoch(2, -EEXIST);
    expect_told("key_taken: somebody else has stored event 5: all is decided anew, time 1\n");
    history_core_unavailable(core);
    expect_told("requests_dropped: all requests that wait are dropped, after 1 tries");
}
END_TEST

START_TEST(what_is_stored_is_no_decision_and_nothing_is_told_when_nobody_listens)
{
    append_of_epoch(1, 0);
    listen_to_it();
    append_of_epoch(2, 0);
    ck_assert_uint_eq(history_core_stats(core)->records, 1);
    ck_assert_uint_eq(told_count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history_trace");
    TCase *c = tcase_create("trace");
    tcase_add_checked_fixture(c, set_up, tear_down);
    suite_add_tcase(suite, c);
    tcase_add_test(c, a_refused_append_is_told_with_its_epochs);
    tcase_add_test(c, a_refused_open_is_told);
    tcase_add_test(c, a_board_that_is_there_already_is_told);
    tcase_add_test(c, a_board_that_is_not_there_is_told);
    tcase_add_test(c, a_round_that_did_not_end_well_is_told);
    tcase_add_test(c, what_is_stored_is_no_decision_and_nothing_is_told_when_nobody_listens);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
