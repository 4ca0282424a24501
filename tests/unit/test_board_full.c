/* SPDX-License-Identifier: Apache-2.0
 *
 * What the sequencer does when the store is slow and its room is used up (DESIGN §5, §7).
 */
#include "board_test.h"

/* ---- limits ---------------------------------------------------------------------------------- */

/* Draws `frames` frames of 5,000 bytes from `cseq` on. */
static void draw_much(uint64_t cseq, unsigned frames)
{
    for (unsigned i = 0; i < frames; i++)
        draw_bytes("g1", "ann", 11, 3, cseq + i, 5000);
}

START_TEST(at_192_kb_unstored_the_board_says_busy)
{
    open_with_ann_drawing();
    draw_much(1, 38);
    expect_no("busy");
    draw_much(39, 2);
    ck_assert_uint_ge(count_lines("busy"), 1);
    ck_assert_uint_eq(board_core_stats(core)->busy_boards, 1);
}
END_TEST

/* Its drawer pauses, so no event would tell the gateway that it may go on. */
START_TEST(the_end_of_busy_is_told_again_with_the_next_list)
{
    open_with_ann_drawing();
    draw_much(1, 40);
    stored(2, 43);
    pass(1900);
    forget_lines(); /* all that told of it is lost */
    attach_flags("g1", 2, 43, MARK_BUSY << ATTACH_MARK_SHIFT, "ann/11, bob/12, cat/13");
    expect("g1 mark 43 head 43 epoch 2");
}
END_TEST

START_TEST(a_mark_is_told_again_until_the_lists_have_it)
{
    open_with_ann_drawing();
    draw_much(1, 1);
    stored(2, 4);
    pass(2000);
    for (unsigned i = 0; i < 3; i++) {
        gateway_told = 3 + i / 2;
        forget_lines();
        attach("g1", 2, 4, "ann/11, bob/12, cat/13");
        expect_count("g1 mark 4 head 4 epoch 2", i < 2);
        pass(2000);
    }
}
END_TEST

START_TEST(busy_ends_when_half_of_it_is_stored)
{
    open_with_ann_drawing();
    draw_much(1, 40);
    forget_lines();
    stored(2, 3 + 25);
    expect("g1 mark 28 head 43 epoch 2");
    ck_assert_uint_eq(board_core_stats(core)->busy_boards, 0);
}
END_TEST

START_TEST(at_512_kb_unstored_frames_stay_with_the_gateway_and_are_wanted_later)
{
    open_with_ann_drawing();
    draw_much(1, 110);
    uint64_t taken = board_core_stats(core)->events - 1;
    ck_assert_uint_ge(taken, 103);
    ck_assert_uint_lt(taken, 105);
    ck_assert_uint_le(board_core_stats(core)->unstored_bytes, 512u << 10);
    expect_no("want");
    forget_lines();
    stored(2, 3 + taken);
    char line[64];
    snprintf(line, sizeof line, "g1 want ann/11 term 3 cseq %lu stored 0", taken + 1);
    expect(line);
}
END_TEST

START_TEST(an_old_want_does_not_follow_the_pen)
{
    open_with_ann_drawing();
    draw_much(1, 110);
    uint64_t taken = board_core_stats(core)->events - 1;
    attach("g1", 2, 3 + taken, "ann/11, bob/12, cat/13 own take");
    forget_lines();
    stored(2, 3 + taken + 1);
    expect_no("want");
}
END_TEST

/* Ann draws faster than history stores, and leaves: her pen goes to nobody before there is room
 * again. */
START_TEST(nobody_is_asked_for_frames_when_nobody_has_the_pen)
{
    open_with_ann_drawing();
    draw_much(1, 110);
    uint64_t taken = board_core_stats(core)->events - 1;
    attach("g1", 2, 3 + taken, "ann/11 lost left, bob/12");
    turn();
    expect("g1 events 108..108 mark 3 head 108 epoch 2 busy"); /* the grant */
    forget_lines();
    stored(2, 3 + taken);
    expect_no("want");
    ck_assert_uint_eq(board_core_stats(core)->busy_boards, 0);
}
END_TEST

/* Three boards of the shard, each with 96 frames of 5,000 bytes. */
static const char *const BOARDS[] = {"aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc"};

static void open_three(uint64_t nonces[3])
{
    struct buf list = {0}, body = {0};
    for (unsigned i = 0; i < 3; i++)
        put_at_board(&list, BOARDS[i], 0, 0, 0, "ann/11");
    PUT(&body, envelope, .version = BROKER_VERSION, .sender = id_of("g1"));
    PUT(&body, attach, 0, ++list_number, 1, 1, list_of(3, &list));
    board_core_message(core, now, buf_span(&body));
    board_core_tick(core, now);
    struct outbox_message message;
    while (outbox_next(board_core_outbox(core), now, &message)) {
        struct cursor in = cursor_of(message.body.data, message.body.len);
        struct msg_envelope envelope;
        struct msg_open open;
        GET(&in, envelope, &envelope);
        while (cursor_left(&in) > 0 && GET(&in, open, &open) == 0)
            for (unsigned i = 0; i < 3; i++)
                if (strcmp(open.board.text, BOARDS[i]) == 0)
                    nonces[i] = open.nonce;
    }
    buf_free(&body);
    buf_free(&list);
}

static void fill_three(void)
{
    uint64_t nonces[3] = {0};
    open_three(nonces);
    for (unsigned i = 0; i < 3; i++)
        FROM("h1", opened, .board = id_of(BOARDS[i]), .nonce = nonces[i], .epoch = 2,
             .name = span_of("x"), .holder = id_of("ann"), .instance = 11, .term = 1, .clean = 1);
    forget_lines();
    struct buf body = {0};
    for (unsigned cseq = 1; cseq <= 96; cseq++)
        for (unsigned i = 0; i < 3; i++) {
            buf_clear(&body);
            PUT(&body, begin, 1, cseq, TOOL_PEN, 0, 80, 1, 0, {POINTS, 5000});
            FROM("g1", frame, id_of(BOARDS[i]), id_of("ann"), 11, buf_span(&body));
        }
    buf_free(&body);
}

static uint64_t appended_events(void)
{
    uint64_t events = 0;
    for (unsigned i = 0; i < append_count; i++)
        events += appends[i].count;
    return events;
}

START_TEST(at_most_1_mb_of_a_shard_is_unanswered)
{
    fill_three();
    pass(900);
    ck_assert_uint_ge(board_core_stats(core)->unstored_bytes, 1400u << 10);
    size_t bytes = 0;
    for (unsigned i = 0; i < append_count; i++)
        bytes += appends[i].events.len;
    ck_assert_uint_le(bytes, 1u << 20);
    ck_assert_uint_ge(bytes, 900u << 10);
}
END_TEST

START_TEST(answers_make_room_for_the_rest_of_the_shard)
{
    fill_three();
    pass(500);
    unsigned answered = 0;
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned end = append_count; answered < end; answered++)
            FROM("h1", stored, appends[answered].board, 2,
                 appends[answered].first + appends[answered].count - 1);
        pass(50);
    }
    ck_assert_uint_eq(appended_events(), 3 * 96);
    ck_assert_uint_eq(board_core_stats(core)->unstored_bytes, 0);
}
END_TEST

START_TEST(a_board_that_is_lost_makes_room_for_the_rest_of_the_shard)
{
    fill_three();
    pass(500);
    uint64_t before = appended_events();
    ck_assert_uint_lt(before, 3 * 96 - 70);
    struct id first = appends[0].board;
    FROM("h1", refused, .board = first, .asked = 2, .newest = 9, .replica = id_of("b1"));
    pass(300);
    ck_assert_uint_ge(appended_events(), before + 70);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("board_full");
    TCase *t = add_case(s, "segments");
    tcase_add_test(t, a_mark_is_told_again_until_the_lists_have_it);
    t = add_case(s, "limits");
    tcase_add_test(t, at_192_kb_unstored_the_board_says_busy);
    tcase_add_test(t, the_end_of_busy_is_told_again_with_the_next_list);
    tcase_add_test(t, busy_ends_when_half_of_it_is_stored);
    tcase_add_test(t, at_512_kb_unstored_frames_stay_with_the_gateway_and_are_wanted_later);
    tcase_add_test(t, an_old_want_does_not_follow_the_pen);
    tcase_add_test(t, nobody_is_asked_for_frames_when_nobody_has_the_pen);
    tcase_add_test(t, at_most_1_mb_of_a_shard_is_unanswered);
    tcase_add_test(t, answers_make_room_for_the_rest_of_the_shard);
    tcase_add_test(t, a_board_that_is_lost_makes_room_for_the_rest_of_the_shard);
    return run_suite(s);
}
