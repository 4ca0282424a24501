/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program that is wrong, or lies, can do to a gateway through the broker: nothing that ends
 * or hangs it, and nothing to a board as long as it does not lie plausibly.
 */
#include "gateway_test.h"
#include "window.h"

#define FAR (OFFSET_MAX - 1)

/* The true owner still counts: its next event comes through. */
static void expect_board_is_well(void)
{
    owner_sends(2, 4, 4, 3);
    ck_assert_str_eq(pulls(viewer), "event 4");
    owner_sends(2, 5, 4, 4);
    ck_assert_uint_eq(close_code_of(viewer), 0);
    ck_assert_uint_eq(close_code_of(drawer), 0);
}

static void put_mark(uint64_t epoch, uint64_t first, uint64_t head, uint64_t mark)
{
    PUT(&body, events, id_of(BOARD), epoch, first, head, mark, 0, {0});
}

static uint64_t bad(void)
{
    return gateway_core_stats(core)->bad_messages;
}

/* The nonce of the look that left, 0: none did. */
static uint64_t look_nonce(void)
{
    struct outbox_message m;
    uint64_t nonce = 0;
    while (outbox_next(gateway_core_outbox(core), now, &m)) {
        struct cursor in = cursor_of(m.body.data, m.body.len);
        while (cursor_left(&in) > 0) {
            struct cursor at = in;
            struct msg_look look;
            if (GET(&at, look, &look) == 0)
                nonce = look.nonce;
            ck_assert_int_eq(wire_skip(&in), 0);
        }
    }
    return nonce;
}

static void history_looked(uint64_t nonce, uint64_t epoch, uint64_t tail)
{
    message_from("h1");
    PUT(&body, looked, id_of(BOARD), nonce, span_of("x"), epoch, tail, 5);
    deliver();
}

/* The epoch that the next attach list names. */
static uint64_t told_epoch(void)
{
    tick(2000);
    sent();
    struct msg_at_board at;
    struct list boards = last_attach.boards;
    ck_assert_int_eq(NEXT(&boards, at_board, &at), 1);
    return at.epoch;
}

/* ---- numbers --------------------------------------------------------------------------------- */

START_TEST(the_last_offset_of_all_hangs_nothing)
{
    drawer = hello("draw ana", 11, 1, 2, NIL);
    message_from("b2");
    put_mark(2, OFFSET_MAX, OFFSET_MAX, OFFSET_MAX);
    put_mark(OFFSET_MAX, OFFSET_MAX, OFFSET_MAX, OFFSET_MAX);
    put_mark(FAR, FAR, FAR, FAR);
    deliver();
    tick(3000);
    sent(); /* its attach list can be written */
    ck_assert_uint_eq(last_attach.boards.count, 1);
}
END_TEST

/* history confirms them, and then they count: whoever counts from 0 to there is not back today. */
START_TEST(a_mark_far_above_the_window_is_not_counted_up_to)
{
    viewer = hello("watch ben", 22, 1, 2, NIL);
    sent();
    message_from("b2");
    put_mark(FAR, FAR, FAR, FAR);
    deliver();
    history_looked(look_nonce(), FAR, FAR);
    message_from("b2");
    put_mark(FAR, FAR, FAR, 0);
    deliver();
    message_from("b2");
    put_mark(FAR, FAR, FAR, FAR);
    deliver();
    ck_assert_uint_eq(told_epoch(), FAR);
}
END_TEST

/* [D31] */
START_TEST(an_epoch_that_jumps_leaves_the_board_alone)
{
    two_on_a_board();
    uint64_t before = bad();
    message_from("b7");
    put_mark(2 + JUMP_MAX + 1, 4, 4, 3);
    put_mark(FAR, FAR, FAR, FAR);
    PUT(&body, board_state, .board = id_of(BOARD), .epoch = FAR, .number = 999, .head = FAR,
        .seats = 10);
    deliver();
    ck_assert_uint_eq(bad(), before + 3);
    expect_board_is_well();
}
END_TEST

/* [D31] */
START_TEST(offsets_that_jump_leave_the_board_alone)
{
    two_on_a_board();
    message_from("b2"); /* the owner itself has gone mad */
    put_mark(2, FAR, 4, 3);
    put_mark(2, 4, FAR, 3);
    put_mark(2, 4, FAR, FAR);
    PUT(&body, board_state, .board = id_of(BOARD), .epoch = 2, .number = 999, .head = 4, .mark = 3,
        .base = FAR, .seats = 10);
    PUT(&body, board_state, .board = id_of(BOARD), .epoch = 2, .number = 999, .head = 4, .mark = 3,
        .term = FAR, .seats = 10);
    deliver();
    expect_board_is_well();
}
END_TEST

START_TEST(history_is_asked_at_most_once_a_second_whether_a_jump_is_true)
{
    two_on_a_board();
    for (unsigned i = 0; i < 100; i++) {
        message_from("b7");
        put_mark(FAR - 7, FAR - 7, FAR - 7, FAR - 7);
        deliver();
        if (i > 0)
            ck_assert_uint_eq(look_nonce(), 0);
        else
            ck_assert_uint_ne(look_nonce(), 0);
    }
    now += 1000;
    message_from("b7");
    put_mark(FAR - 7, FAR - 7, FAR - 7, FAR - 7);
    deliver();
    ck_assert_uint_ne(look_nonce(), 0);
}
END_TEST

START_TEST(a_jump_that_history_confirms_counts)
{
    uint64_t far = UINT64_C(1) << 40;
    two_on_a_board();
    message_from("b7");
    put_mark(far, far + 1, far, far);
    deliver();
    history_looked(look_nonce(), far, far);
    ck_assert_str_eq(pulls(viewer), "");
    message_from("b7");
    put_mark(far, far + 1, far, far);
    deliver();
    ck_assert_uint_eq(told_epoch(), far);
}
END_TEST

START_TEST(a_confirmation_that_nobody_asked_for_confirms_nothing)
{
    two_on_a_board();
    history_looked(0, FAR, FAR);
    history_looked(7, FAR, FAR);
    message_from("b7");
    put_mark(FAR, FAR, FAR, FAR);
    deliver();
    expect_board_is_well();
}
END_TEST

START_TEST(an_event_with_cseq_0_is_none)
{
    two_on_a_board();
    struct buf events = {0};
    static const uint8_t zero[] = {0x95, MSG_ev_clear, 4, 5, 3, 0}; /* own term, cseq 0 */
    buf_append(&events, zero, sizeof zero);
    message_from("b2");
    PUT(&body, events, id_of(BOARD), 2, 4, 4, 3, 0, buf_span(&events));
    deliver();
    buf_free(&events);
    pulls(drawer); /* would be an own run from cseq 0 on */
    expect_board_is_well();
}
END_TEST

START_TEST(members_that_cannot_be_read_are_not_told)
{
    two_on_a_board();
    struct buf members = {0};
    static const uint8_t junk[] = {0xa1, 'x'};
    buf_append(&members, junk, sizeof junk);
    message_from("b2");
    PUT(&body, board_state, .board = id_of(BOARD), .epoch = 2, .number = 999, .head = 4, .mark = 3,
        .seats = 10, .members = list_of(1, &members));
    deliver();
    buf_free(&members);
    ck_assert_str_eq(pulls(viewer), "");
    owner_tells(2, 3, "ana ben cat", NULL);
    ck_assert_str_eq(pulls(viewer), "state");
}
END_TEST

START_TEST(a_window_is_bounded_also_above_the_mark)
{
    two_on_a_board();
    for (uint64_t at = 4; at < 200000; at += 1000)
        owner_sends(2, at, at + 999, 3);
    ck_assert_uint_le(gateway_core_stats(core)->window_bytes, WINDOW_BYTES_LIMIT + 100);
}
END_TEST

/* ---- pages ----------------------------------------------------------------------------------- */

START_TEST(a_page_of_nonce_0_finds_nobody)
{
    struct client *cl = hello("watch ben", 22, 1, NIL, 5); /* by time, and not seated yet */
    message_from("h1");
    PUT(&body, page, .board = id_of(BOARD), .nonce = 0, .epoch = 2, .from = 3, .to = 2, .tail = 2);
    deliver();
    ck_assert_str_eq(pulls(cl), "");
    ck_assert_uint_eq(close_code_of(cl), 0);
}
END_TEST

/* ---- senders --------------------------------------------------------------------------------- */

START_TEST(a_bad_item_harms_no_other)
{
    two_on_a_board();
    uint64_t before = bad();
    struct buf events = {0};
    put_event(&events, 4, 3, 1);
    message_from("b2");
    buf_append(&body, "\xc0", 1);          /* no array */
    buf_append(&body, "\x92\x64\xa1x", 4); /* a state of a board without its fields */
    PUT(&body, look, id_of(BOARD), 7);     /* what only history takes */
    PUT(&body, events, id_of(BOARD), 2, 4, 4, 3, 0, buf_span(&events));
    deliver();
    buf_free(&events);
    ck_assert_uint_eq(bad(), before + 2);
    ck_assert_str_eq(pulls(viewer), "event 4");
    ck_assert_uint_eq(close_code_of(drawer), 0);
}
END_TEST

START_TEST(each_kind_says_only_its_own)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    sent();
    uint64_t before = bad();
    message_from("h1");
    put_mark(9, 4, 4, 3);
    PUT(&body, not_drawer, id_of(BOARD), 2, id_of("ana"), 11, 3, 1);
    PUT(&body, want, id_of(BOARD), 2, id_of("ana"), 11, 3, 1);
    PUT(&body, replaced, id_of(BOARD), 2, id_of("ana"), 12, 1, 0);
    PUT(&body, sync, 0);
    PUT(&body, not_owner, 0);
    PUT(&body, pointed, id_of(BOARD), 2, id_of("ana"), 1, 1);
    PUT(&body, board_state, .board = id_of(BOARD), .epoch = 9, .number = 9, .head = 4, .seats = 10);
    deliver();
    message_from("b2");
    PUT(&body, page, .board = id_of(BOARD), .nonce = 5, .epoch = 9, .from = 1, .to = 0);
    PUT(&body, looked, .board = id_of(BOARD), .nonce = 5);
    PUT(&body, created, .board = id_of(BOARD), .nonce = 5);
    PUT(&body, behind, .board = id_of(BOARD), .nonce = 5);
    deliver();
    message_from("g7");
    put_mark(9, 4, 4, 3);
    PUT(&body, no_board, id_of(BOARD));
    deliver();
    ck_assert_uint_eq(bad(), before + 14);
    ck_assert_str_eq(sent(), "");
    struct http_answer answer;
    ck_assert(!gateway_core_answer(core, &answer));
    expect_board_is_well();
}
END_TEST

static void says_no_board(const char *sender)
{
    message_from(sender);
    PUT(&body, no_board, id_of(BOARD));
    deliver();
}

START_TEST(the_owner_ends_a_board)
{
    two_on_a_board();
    says_no_board("b2");
    ck_assert_uint_eq(close_code_of(viewer), 4404);
}
END_TEST

/* The owner may have died with the board: whoever takes the shard then never opens an epoch. */
/* [D33] */
START_TEST(history_is_asked_when_another_than_the_owner_ends_a_board)
{
    two_on_a_board();
    uint64_t before = bad();
    says_no_board("b7");
    ck_assert_uint_eq(close_code_of(viewer), 0);
    history_looked(look_nonce(), 0, 0);
    ck_assert_uint_eq(close_code_of(viewer), 4404);
    ck_assert_uint_eq(close_code_of(drawer), 4404);
    ck_assert_uint_eq(bad(), before);
}
END_TEST

START_TEST(a_board_that_history_has_does_not_end)
{
    two_on_a_board();
    says_no_board("b7");
    history_looked(look_nonce(), 2, 3);
    expect_board_is_well();
}
END_TEST

START_TEST(history_is_asked_at_most_once_a_second_whether_a_board_is_there)
{
    two_on_a_board();
    says_no_board("b7");
    uint64_t nonce = look_nonce();
    ck_assert_uint_ne(nonce, 0);
    for (unsigned i = 0; i < 100; i++)
        says_no_board("b7");
    ck_assert_uint_eq(look_nonce(), 0);
    now += 1000;
    says_no_board("b7");
    ck_assert_uint_eq(look_nonce(), nonce); /* the same question, and its answer may only be late */
    history_looked(nonce + 1, 0, 0);
    expect_board_is_well();
}
END_TEST

START_TEST(who_comes_to_a_board_that_has_just_ended_is_not_welcomed_to_what_was_there)
{
    two_on_a_board();
    says_no_board("b2"); /* and nobody has closed the connection yet */
    struct client *again = hello("watch ben", 23, 1, NIL, NIL);
    ck_assert_str_eq(pulls(again), "");
}
END_TEST

/* [D32] */
START_TEST(an_epoch_has_one_owner)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    sent();
    message_from("b7");
    put_mark(2, 4, 4, 3);
    PUT(&body, board_state, .board = id_of(BOARD), .epoch = 2, .number = 999, .head = 4, .mark = 3,
        .seats = 10);
    PUT(&body, replaced, id_of(BOARD), 2, id_of("ana"), 12, 1, 0);
    PUT(&body, want, id_of(BOARD), 2, id_of("ana"), 11, 3, 1);
    PUT(&body, not_drawer, id_of(BOARD), 2, id_of("ana"), 11, 3, 1);
    deliver();
    ck_assert_str_eq(sent(), ""); /* and no frame goes to it */
    expect_board_is_well();
}
END_TEST

START_TEST(an_owner_that_is_gone_leaves_the_epoch_to_whoever_speaks)
{
    two_on_a_board();
    gateway_core_returned(core, now, EXCHANGE_BOARD, "b2.k3v9x2mq4t");
    draws(drawer, 3, 1);
    sent();
    expect_board_is_well(); /* it was not gone: its queue was, for a moment */
}
END_TEST

/* ---- floods ---------------------------------------------------------------------------------- */

/* [D36] */
START_TEST(lists_are_not_sent_as_often_as_somebody_asks)
{
    two_on_a_board();
    tick(500);
    sent();
    unsigned lists = 0;
    for (unsigned i = 0; i < 1000; i++) {
        message_from("b7");
        PUT(&body, sync, 0);
        PUT(&body, not_owner, 0);
        deliver();
        uint64_t before = last_attach.number;
        tick(1);
        sent();
        lists += last_attach.number != before;
    }
    ck_assert_uint_ge(lists, 2);
    ck_assert_uint_le(lists, 10);
}
END_TEST

START_TEST(frames_are_not_sent_as_often_as_somebody_wants)
{
    two_on_a_board();
    for (unsigned i = 1; i <= 10; i++)
        draws(drawer, 3, i);
    sent();
    uint64_t before = gateway_core_stats(core)->resent;
    now += 100;
    message_from("b2");
    for (unsigned i = 0; i < 1000; i++)
        PUT(&body, want, id_of(BOARD), 2, id_of("ana"), 11, 3, 1);
    deliver();
    ck_assert_uint_eq(gateway_core_stats(core)->resent, before + 10);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway rogue");
    TCase *t = tcase_create("gateway rogue");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_last_offset_of_all_hangs_nothing);
    tcase_add_test(t, a_mark_far_above_the_window_is_not_counted_up_to);
    tcase_add_test(t, an_epoch_that_jumps_leaves_the_board_alone);
    tcase_add_test(t, offsets_that_jump_leave_the_board_alone);
    tcase_add_test(t, history_is_asked_at_most_once_a_second_whether_a_jump_is_true);
    tcase_add_test(t, a_jump_that_history_confirms_counts);
    tcase_add_test(t, a_confirmation_that_nobody_asked_for_confirms_nothing);
    tcase_add_test(t, an_event_with_cseq_0_is_none);
    tcase_add_test(t, members_that_cannot_be_read_are_not_told);
    tcase_add_test(t, a_window_is_bounded_also_above_the_mark);
    tcase_add_test(t, a_page_of_nonce_0_finds_nobody);
    tcase_add_test(t, a_bad_item_harms_no_other);
    tcase_add_test(t, each_kind_says_only_its_own);
    tcase_add_test(t, the_owner_ends_a_board);
    tcase_add_test(t, history_is_asked_when_another_than_the_owner_ends_a_board);
    tcase_add_test(t, a_board_that_history_has_does_not_end);
    tcase_add_test(t, history_is_asked_at_most_once_a_second_whether_a_board_is_there);
    tcase_add_test(t, who_comes_to_a_board_that_has_just_ended_is_not_welcomed_to_what_was_there);
    tcase_add_test(t, an_epoch_has_one_owner);
    tcase_add_test(t, an_owner_that_is_gone_leaves_the_epoch_to_whoever_speaks);
    tcase_add_test(t, lists_are_not_sent_as_often_as_somebody_asks);
    tcase_add_test(t, frames_are_not_sent_as_often_as_somebody_wants);
    suite_add_tcase(s, t);
    return run_suite(s);
}
