/* SPDX-License-Identifier: Apache-2.0
 *
 * What the history service's core does with items that no honest program sends, with rows that
 * somebody broke, with too many boards, and with deleted ones. The store is a real one, in memory.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>

#include "history_core.h"

#define BOARD "k3v9x2mq4t"

static struct history_core *core;
static struct store *store;
static const uint64_t now = 1000000;

static void set_up_with(uint64_t boards_max)
{
    const char *why;
    core = history_core_create(
        &(struct history_core_config){.self = {"h1"}, .shards = 1, .boards_max = boards_max});
    ck_assert_int_eq(
        store_open(&(struct store_address){"sqlite::memory:", "", ""}, 1, &store, &why), 0);
}

static void set_up(void)
{
    set_up_with(0);
}

static void tear_down(void)
{
    history_core_destroy(core);
    store_close(store);
}

static struct id id_of(const char *text)
{
    struct id id;
    ck_assert_int_eq(id_parse(text, strlen(text), &id), 0);
    return id;
}

static const struct history_core_stats *stats(void)
{
    return history_core_stats(core);
}

/* ---- messages and answers -------------------------------------------------------------------- */

static struct buf message;

static void begin(const char *sender)
{
    buf_clear(&message);
    PUT(&message, envelope, BROKER_VERSION, id_of(sender));
}

static unsigned deliver(void)
{
    return history_core_message(core, now, buf_span(&message));
}

static void run_round(void)
{
    int results[10];
    const struct history_plan *plan = history_core_plan(core, now);
    for (unsigned i = 0; i < plan->load_count; i++) {
        struct record last;
        int r = store_last(store, &plan->load[i], &last);
        if (r == -EBADMSG)
            history_core_broken(core, &plan->load[i]);
        else
            history_core_loaded(core, &plan->load[i], r == 0 ? &last : NULL, span_of("Physics"),
                                (struct span){0});
    }
    if (plan->load_count > 0)
        plan = history_core_plan(core, now);
    store_append(store, plan->records, plan->record_count, results);
    history_core_settle(core, now, results);
}

/* The codes of the answers, and the newest created's status. */
static char answers[200];
static uint64_t created_status;

static void take_answer(struct cursor *in)
{
    unsigned code;
    uint32_t fields;
    struct cursor at = *in, copy = *in;
    struct msg_created created;
    ck_assert_int_eq(wire_skip(in), 0);
    ck_assert_int_eq(message_begin(&at, &code, &fields), 0);
    if (GET(&copy, created, &created) == 0 && code == MSG_created)
        created_status = created.status;
    size_t len = strlen(answers);
    snprintf(answers + len, sizeof answers - len, "%s%s", len ? " " : "", message_type(code)->name);
}

static void expect(const char *wanted)
{
    struct outbox_message m;
    for (unsigned i = 0; history_core_waiting(core); i++) {
        ck_assert_uint_lt(i, 20);
        run_round();
    }
    *answers = '\0';
    while (outbox_next(history_core_outbox(core), now + 100000, &m)) {
        struct cursor in = cursor_of(m.body.data, m.body.len);
        struct msg_envelope envelope;
        ck_assert_int_eq(GET(&in, envelope, &envelope), 0);
        while (cursor_left(&in) > 0)
            take_answer(&in);
    }
    ck_assert_str_eq(answers, wanted);
}

static void create(const char *board)
{
    begin("g1");
    PUT(&message, create, id_of(board), 7, span_of("Physics"));
    deliver();
}

static void opened(void)
{
    create(BOARD);
    expect("created");
    begin("b1");
    PUT(&message, open, id_of(BOARD), id_of("b1"), 70, 0);
    deliver();
    expect("opened");
}

static struct msg_append segment_of(struct buf *events, uint64_t first, uint32_t count)
{
    for (uint64_t offset = first; offset < first + count; offset++)
        PUT(events, ev_points, offset, now, 1, 1, 0, {(const uint8_t *)"1234", 4});
    return (struct msg_append){.board = id_of(BOARD),
                               .epoch = 2,
                               .first = first,
                               .count = count,
                               .time = now,
                               .events = buf_span(events)};
}

static void append(const struct msg_append *m)
{
    begin("b1");
    message_put(&message, &TYPE_append, m);
    deliver();
}

static struct record last_record(void)
{
    struct record last;
    struct id board = id_of(BOARD);
    ck_assert_int_eq(store_last(store, &board, &last), 0);
    return last;
}

/* ---- who may ask -------------------------------------------------------------------------------
 */

static void put_request(unsigned kind, const char *replica)
{
    struct id board = id_of(BOARD);
    if (kind == 0)
        PUT(&message, create, board, 7, span_of("Physics"));
    else if (kind == 1)
        PUT(&message, look, board, 7);
    else if (kind == 2)
        PUT(&message, open, board, id_of(replica), 7, 0);
    else
        PUT(&message, append, .board = board, .epoch = 1, .first = 1);
}

START_TEST(only_gateways_create_and_look_only_board_services_open_and_append)
{
    static const char *const senders[] = {"g1", "g1", "b1", "b1"};
    static const char *const others[] = {"g1", "b1", "h1", "x1", "0"};
    unsigned bad = 0;
    for (unsigned kind = 0; kind < 4; kind++)
        for (unsigned i = 0; i < 5; i++) {
            bool right = strcmp(others[i], senders[kind]) == 0;
            begin(others[i]);
            put_request(kind, others[i]);
            ck_assert_uint_eq(deliver(), right);
            ck_assert_uint_eq(stats()->bad_messages, bad += !right);
        }
}
END_TEST

START_TEST(nobody_opens_a_board_in_the_name_of_another)
{
    create(BOARD);
    expect("created");
    begin("b1");
    put_request(2, "b2");
    ck_assert_uint_eq(deliver(), 0);
    ck_assert_uint_eq(stats()->bad_messages, 1);
    expect("");
}
END_TEST

START_TEST(a_bad_item_harms_no_other_of_its_message)
{
    begin("g1");
    buf_append(&message, "\xc0", 1);             /* no array */
    buf_append(&message, "\x90", 1);             /* an empty one */
    buf_append(&message, "\x92\x6a\x01", 3);     /* a create without its fields */
    buf_append(&message, "\x93\x7f\x01\x01", 4); /* of a later version */
    PUT(&message, append, .board = id_of(BOARD), .epoch = 1, .first = 1); /* of another's */
    PUT(&message, sync, 1);                                               /* for another: skipped */
    PUT(&message, create, id_of(BOARD), 7, span_of("Physics"));
    ck_assert_uint_eq(deliver(), 1);
    ck_assert_uint_eq(stats()->bad_messages, 4);
    expect("created");
}
END_TEST

/* ---- numbers -----------------------------------------------------------------------------------
 */

START_TEST(numbers_at_their_ends_are_answered_and_store_nothing)
{
    static const uint64_t numbers[] = {1, 2, 3, UINT32_MAX, OFFSET_MAX - UINT32_MAX, OFFSET_MAX};
    opened();
    for (unsigned i = 0; i < 6 * 6 * 6; i++) {
        struct msg_append m = {.board = id_of(BOARD),
                               .epoch = numbers[i % 6],
                               .first = numbers[i / 6 % 6],
                               .count = numbers[i / 36] & UINT32_MAX,
                               .time = OFFSET_MAX,
                               .instance = OFFSET_MAX,
                               .term = OFFSET_MAX,
                               .cseq = UINT32_MAX,
                               .base = OFFSET_MAX,
                               .flags = UINT32_MAX};
        append(&m);
        m.count = 0;
        append(&m);
        begin("b1");
        PUT(&message, open, id_of(BOARD), id_of("b1"), OFFSET_MAX, numbers[i % 6]);
        deliver();
        while (history_core_waiting(core))
            run_round();
    }
    struct record last = last_record();
    ck_assert_uint_eq(record_last(&last), 2);
    ck_assert_uint_eq(last.epoch, 2);
}
END_TEST

START_TEST(a_segment_whose_state_names_an_event_behind_it_is_refused)
{
    opened();
    for (unsigned i = 0; i < 2; i++) {
        struct buf events = {0};
        struct msg_append m = segment_of(&events, 3, 2);
        m.term = i ? 5 : 3;
        m.base = i ? 3 : OFFSET_MAX;
        append(&m);
        expect("refused");
        ck_assert_uint_eq(stats()->bad_segments, i + 1);
        m.term = m.base = 4;
        append(&m);
        expect("stored");
        buf_free(&events);
    }
}
END_TEST

START_TEST(a_row_of_the_store_that_cannot_be_harms_its_own_board_only)
{
    struct record bad = {
        .board = id_of(BOARD), .first = OFFSET_MAX, .count = 1, .epoch = 2, .events = span_of("x")};
    int result;
    ck_assert_int_eq(store_append(store, &bad, 1, &result), 0);
    begin("b1");
    PUT(&message, open, id_of(BOARD), id_of("b1"), 70, 2);
    deliver();
    create("another");
    expect("created");
    ck_assert_uint_eq(stats()->bad_records, 1);
}
END_TEST

/* ---- how many boards ---------------------------------------------------------------------------
 */

START_TEST(no_board_is_made_beyond_the_bound)
{
    tear_down();
    set_up_with(2);
    history_core_boards(core, 1);
    create("aaaa");
    expect("created");
    ck_assert_uint_eq(created_status, CREATED_STORED);
    create("bbbb");
    expect("created");
    ck_assert_uint_eq(created_status, CREATED_FULL);
    ck_assert_uint_eq(stats()->boards_refused, 1);
    create("aaaa"); /* it is there, and the question the same */
    expect("created");
    ck_assert_uint_eq(created_status, CREATED_STORED);
    history_core_boards(core, 1);
    create("bbbb");
    expect("created");
    ck_assert_uint_eq(created_status, CREATED_STORED);
}
END_TEST

static void delete_board(void)
{
    struct buf events = {0};
    opened();
    struct msg_append m = segment_of(&events, 3, 1);
    m.flags = APPEND_DELETED | RECORD_ERASED;
    append(&m);
    expect("stored");
    buf_free(&events);
}

START_TEST(a_deleted_board_makes_room_for_another)
{
    tear_down();
    set_up_with(1);
    delete_board();
    ck_assert_uint_eq(stats()->boards, 0);
    create("bbbb");
    expect("created");
    ck_assert_uint_eq(created_status, CREATED_STORED);
}
END_TEST

/* ---- deleted boards ----------------------------------------------------------------------------
 */

START_TEST(a_deleted_board_is_named_for_erasing_once)
{
    struct id board;
    delete_board();
    ck_assert(history_core_deleted(core, &board));
    ck_assert_str_eq(board.text, BOARD);
    ck_assert(!history_core_deleted(core, &board));
}
END_TEST

START_TEST(a_board_that_another_deleted_is_named_for_erasing_until_it_is_erased)
{
    struct id board;
    delete_board();
    history_core_destroy(core);
    core = history_core_create(&(struct history_core_config){.self = {"h2"}, .shards = 1});
    begin("g1");
    PUT(&message, look, id_of(BOARD), 1);
    deliver();
    expect("looked");
    ck_assert(history_core_deleted(core, &board));
    while (store_erase(store, &board) > 0)
        ;
    deliver();
    expect("looked");
    ck_assert(!history_core_deleted(core, &board));
}
END_TEST

START_TEST(behind_the_end_of_a_board_nothing_is_stored)
{
    struct buf end = {0}, more = {0};
    opened();
    struct msg_append m = segment_of(&end, 3, 1), behind = segment_of(&more, 4, 1);
    m.flags = APPEND_DELETED;
    begin("b1");
    message_put(&message, &TYPE_append, &m);
    message_put(&message, &TYPE_append, &behind);
    ck_assert_uint_eq(deliver(), 2);
    expect("stored no_board");
    struct record last = last_record();
    ck_assert(record_is_tombstone(&last));
    ck_assert_uint_eq(record_last(&last), 3);
    buf_free(&end);
    buf_free(&more);
}
END_TEST

/* A board service holds it open, and somebody else appended the tombstone. */
START_TEST(an_owner_whose_board_was_deleted_elsewhere_is_told_at_its_next_append)
{
    struct buf events = {0}, end = {0};
    int result;
    opened();
    PUT(&end, ev_deleted, 3, now);
    struct record tombstone = last_record();
    tombstone.first = 3;
    tombstone.flags = RECORD_DELETED;
    tombstone.events = buf_span(&end);
    ck_assert_int_eq(store_append(store, &tombstone, 1, &result), 0);
    struct msg_append m = segment_of(&events, 3, 2);
    append(&m);
    expect("no_board");
    buf_free(&events);
    buf_free(&end);
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 */

int main(void)
{
    Suite *suite = suite_create("history_limits");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, only_gateways_create_and_look_only_board_services_open_and_append);
    tcase_add_test(all, nobody_opens_a_board_in_the_name_of_another);
    tcase_add_test(all, a_bad_item_harms_no_other_of_its_message);
    tcase_add_test(all, numbers_at_their_ends_are_answered_and_store_nothing);
    tcase_add_test(all, a_segment_whose_state_names_an_event_behind_it_is_refused);
    tcase_add_test(all, a_row_of_the_store_that_cannot_be_harms_its_own_board_only);
    tcase_add_test(all, no_board_is_made_beyond_the_bound);
    tcase_add_test(all, a_deleted_board_makes_room_for_another);
    tcase_add_test(all, a_deleted_board_is_named_for_erasing_once);
    tcase_add_test(all, a_board_that_another_deleted_is_named_for_erasing_until_it_is_erased);
    tcase_add_test(all, behind_the_end_of_a_board_nothing_is_stored);
    tcase_add_test(all, an_owner_whose_board_was_deleted_elsewhere_is_told_at_its_next_append);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
