/* SPDX-License-Identifier: Apache-2.0
 *
 * What one board may take of the store: its log comes to an end, which is told before, and its
 * bytes a second are paid off before its drawer goes on.
 */
#define EVENTS_MAX 100u
#include "board_test.h"

#define DEBT_BYTES (16u * BYTES_PER_S)

static uint64_t cseq;

/* ann draws until the head is there. */
static void draw_up_to(uint64_t head, uint64_t from)
{
    for (uint64_t at = from + 1; at <= head; at++)
        draw("g1", "ann", 11, 3, ++cseq);
}

static void fill_up_to(uint64_t head)
{
    cseq = 0;
    open_with_ann_drawing();
    draw_up_to(head, 3);
    stored(2, head);
    pass(100);
    forget_lines();
}

/* ---- events ---------------------------------------------------------------------------------- */

START_TEST(from_95_percent_on_a_board_says_that_it_is_nearly_full)
{
    fill_up_to(93);
    draw("g1", "ann", 11, 3, ++cseq);
    expect("g1 events 94..94 mark 93 head 94 epoch 2");
    draw("g1", "ann", 11, 3, ++cseq);
    expect("g1 events 95..95 mark 93 head 95 epoch 2 nearly full");
    stored(2, 95);
    pass(200);
    expect("g1 mark 95 head 95 epoch 2 nearly full");
}
END_TEST

START_TEST(at_the_bound_the_pen_is_put_down_and_nobody_gets_it)
{
    fill_up_to(99);
    draw("g1", "ann", 11, 3, ++cseq);
    expect("g1 events 100..101 mark 99 head 101 epoch 2 full");
    ck_assert_uint_eq(last_grant().offset, 101);
    expect_grant("", 0);
    ck_assert_uint_eq(last_grant().last, cseq);
    stored(2, 101);
    attach("g1", 2, 101, "ann/11 ask, bob/12 own take, cat/13 ask");
    pass(60000);
    ck_assert_uint_eq(board_core_stats(core)->events, 99 - 3 + 2 + 1);
    ck_assert_uint_eq(board_core_stats(core)->full_boards, 1);
}
END_TEST

START_TEST(a_frame_above_the_bound_is_refused_as_not_the_drawers)
{
    fill_up_to(99);
    in_one_turn = true;
    draw("g1", "ann", 11, 3, ++cseq);
    draw("g1", "ann", 11, 3, ++cseq);
    draw("g1", "ann", 11, 3, ++cseq);
    in_one_turn = false;
    turn();
    expect("g1 events 100..101 mark 99 head 101 epoch 2 full");
    expect_no("not_drawer"); /* not before the grant is stored: it may be rewound */
    stored(2, 101);
    expect("g1 not_drawer ann/11 term 3 cseq 98");
    expect("g1 not_drawer ann/11 term 3 cseq 99");
}
END_TEST

START_TEST(a_repeat_of_what_is_in_a_full_log_is_answered)
{
    fill_up_to(99);
    draw("g1", "ann", 11, 3, ++cseq);
    forget_lines();
    draw("g1", "ann", 11, 3, cseq);
    stored(2, 101);
    pass(200);
    expect("g1 mark 101 head 101 epoch 2 full");
}
END_TEST

START_TEST(a_grant_that_fills_the_board_is_followed_by_another_to_nobody)
{
    fill_up_to(99);
    hand_over("g1", "ann", 11, 3, ++cseq, "bob");
    expect_grant("bob", 12);
    struct buf body = {0};
    PUT(&body, begin, 100, 1, TOOL_PEN, 0, 80, 1, 0, {POINTS, 4});
    send_body("g1", "bob", 12, &body);
    buf_free(&body);
    stored(2, 100);
    expect_grant("", 0);
    stored(2, 101);
    expect("g1 not_drawer bob/12 term 100 cseq 1");
}
END_TEST

START_TEST(who_opens_a_full_board_knows_that_it_is_full)
{
    attach("g1", 0, 0, "ann/11 ask, bob/12");
    opened_as((struct msg_opened){.epoch = 102, .clean = 1});
    attach("g1", 102, 102, "ann/11 ask, bob/12");
    pass(1000);
    expect("g1 events 102..102 mark 102 head 102 epoch 102 full");
    expect_no("append");
    ck_assert_uint_eq(board_core_stats(core)->full_boards, 1);
}
END_TEST

START_TEST(who_opens_a_full_board_with_a_holder_puts_the_pen_down)
{
    attach("g1", 0, 0, "ann/11");
    opened_as((struct msg_opened){
        .epoch = 102, .holder = id_of("ann"), .instance = 11, .term = 3, .cseq = 7});
    expect("history append 103..103 epoch 102");
    expect_grant("", 0);
    ck_assert_uint_eq(last_grant().last, 7);
}
END_TEST

START_TEST(a_full_board_is_deleted_and_released_as_any_other)
{
    fill_up_to(99);
    draw("g1", "ann", 11, 3, ++cseq);
    stored(2, 101);
    attach_flags("g1", 2, 101, ATTACH_DELETE, "ann/11");
    expect("history append 102..102 epoch 2 deleted");
    stored(2, 102);
    expect("g1 no_board");
    ck_assert_uint_eq(board_core_stats(core)->full_boards, 0);
}
END_TEST

/* ---- bytes a second -------------------------------------------------------------------------- */

#define FRAME_BYTES 5000u

static bool is_busy(void)
{
    return board_core_stats(core)->busy_boards > 0;
}

/* ann draws frames of 5,000 bytes, all stored at once, until the board is busy; how many bytes. */
static uint64_t flood(uint64_t from_cseq)
{
    uint64_t bytes = 0;
    for (cseq = from_cseq; !is_busy(); cseq++) {
        ck_assert_uint_lt(bytes, 10 * DEBT_BYTES);
        draw_bytes("g1", "ann", 11, 3, cseq, FRAME_BYTES);
        bytes += FRAME_BYTES;
        stored(2, board_core_stats(core)->events + 2);
    }
    return bytes;
}

/* As flood, on a board whose log has room for it. */
static void open_wide(void)
{
    teardown();
    now = 1000000;
    core = board_core_create(&(struct board_core_config){.self = id_of("b1"),
                                                         .seed = 7,
                                                         .shards = 1,
                                                         .seats = SEATS,
                                                         .pen_idle_ms = IDLE_MS,
                                                         .pen_grace_ms = GRACE_MS,
                                                         .pen_keep_ms = KEEP_PEN_MS,
                                                         .board_events_max = 5000000,
                                                         .board_bytes_per_s = BYTES_PER_S,
                                                         .segment_ms = 50},
                             now);
    board_core_link(core, now, true);
    pass(1000);
    board_core_bound(core, now, 0, true);
    turn();
    open_with_ann_drawing();
}

START_TEST(sixteen_seconds_of_its_bytes_come_at_once_then_the_board_is_busy)
{
    open_wide();
    uint64_t bytes = flood(1);
    ck_assert_uint_le(bytes, DEBT_BYTES + FRAME_BYTES);
    ck_assert_uint_gt(bytes, DEBT_BYTES - DEBT_BYTES / 50); /* events have heads of their own */
    expect_count(" busy", 1);
    ck_assert_uint_eq(board_core_stats(core)->throttled, 1);
}
END_TEST

START_TEST(the_board_is_not_busy_any_more_by_itself_when_a_second_is_paid)
{
    open_wide();
    flood(1);
    pass(900);
    ck_assert(is_busy());
    forget_lines();
    pass(300);
    ck_assert(!is_busy());
    char line[64];
    snprintf(line, sizeof line, "g1 mark %lu head %lu epoch 2", cseq + 2, cseq + 2);
    expect(line);
}
END_TEST

START_TEST(a_drawer_who_never_stops_gets_its_bytes_a_second)
{
    open_wide();
    flood(1);
    uint64_t bytes = 0, until = now + 60000;
    for (; now < until; pass(50)) {
        attach("g1", 2, cseq + 2, "ann/11, bob/12, cat/13");
        bytes += flood(cseq);
        forget_lines();
    }
    ck_assert_uint_gt(bytes, 55 * BYTES_PER_S);
    ck_assert_uint_lt(bytes, 65 * BYTES_PER_S);
}
END_TEST

/* ann draws dots, all stored at once, until the board is busy; how many. */
static uint64_t flood_of_dots(uint64_t from_cseq)
{
    for (cseq = from_cseq; !is_busy(); cseq++) {
        ck_assert_uint_lt(cseq - from_cseq, 10 * DEBT_BYTES / 256);
        draw("g1", "ann", 11, 3, cseq);
        stored(2, board_core_stats(core)->events + 2);
        forget_lines();
    }
    return cseq - from_cseq;
}

/* With 5,000,000 events the board is full: so that takes 5 h 25 min. */
START_TEST(a_drawer_of_dots_who_never_stops_gets_256_of_them_a_second)
{
    open_wide();
    flood_of_dots(1);
    uint64_t dots = 0, until = now + 60000;
    for (; now < until; pass(50)) {
        attach("g1", 2, cseq + 2, "ann/11, bob/12, cat/13");
        dots += flood_of_dots(cseq);
    }
    ck_assert_uint_gt(dots, 55 * 256);
    ck_assert_uint_lt(dots, 65 * 256);
}
END_TEST

START_TEST(the_4000_frames_that_a_drawer_may_have_kept_come_at_once)
{
    open_wide();
    ck_assert_uint_ge(flood_of_dots(1), 4000);
}
END_TEST

START_TEST(nothing_that_comes_while_the_board_is_in_debt_is_lost)
{
    open_wide();
    flood(1);
    uint64_t events = board_core_stats(core)->events;
    draw_bytes("g1", "ann", 11, 3, cseq, FRAME_BYTES);
    ck_assert_uint_eq(board_core_stats(core)->events, events + 1);
}
END_TEST

START_TEST(a_hand_that_draws_without_a_pause_is_never_held_up)
{
    open_wide();
    for (cseq = 1; cseq <= 60 * 120; cseq++) { /* two minutes, 60 frames a second of 100 bytes */
        draw_bytes("g1", "ann", 11, 3, cseq, 100);
        if (cseq % 3 == 0)
            pass(50);
        stored(2, board_core_stats(core)->events + 2);
        expect_no("busy");
        forget_lines();
    }
    ck_assert_uint_eq(board_core_stats(core)->throttled, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("board_bounds");
    TCase *t = add_case(s, "events");
    tcase_add_test(t, from_95_percent_on_a_board_says_that_it_is_nearly_full);
    tcase_add_test(t, at_the_bound_the_pen_is_put_down_and_nobody_gets_it);
    tcase_add_test(t, a_frame_above_the_bound_is_refused_as_not_the_drawers);
    tcase_add_test(t, a_repeat_of_what_is_in_a_full_log_is_answered);
    tcase_add_test(t, a_grant_that_fills_the_board_is_followed_by_another_to_nobody);
    tcase_add_test(t, who_opens_a_full_board_knows_that_it_is_full);
    tcase_add_test(t, who_opens_a_full_board_with_a_holder_puts_the_pen_down);
    tcase_add_test(t, a_full_board_is_deleted_and_released_as_any_other);
    t = add_case(s, "bytes");
    tcase_add_test(t, sixteen_seconds_of_its_bytes_come_at_once_then_the_board_is_busy);
    tcase_add_test(t, the_board_is_not_busy_any_more_by_itself_when_a_second_is_paid);
    tcase_add_test(t, a_drawer_who_never_stops_gets_its_bytes_a_second);
    tcase_add_test(t, a_drawer_of_dots_who_never_stops_gets_256_of_them_a_second);
    tcase_add_test(t, the_4000_frames_that_a_drawer_may_have_kept_come_at_once);
    tcase_add_test(t, nothing_that_comes_while_the_board_is_in_debt_is_lost);
    tcase_add_test(t, a_hand_that_draws_without_a_pause_is_never_held_up);
    return run_suite(s);
}
