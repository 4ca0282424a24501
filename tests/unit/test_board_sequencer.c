/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames become events, and events are repeated until they are stored (DESIGN §5, §7).
 */
#include "board_test.h"

/* ---- frames ---------------------------------------------------------------------------------- */

START_TEST(a_frame_gets_the_next_offset_and_goes_to_the_gateways_at_once)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    expect("g1 events 4..4 mark 3 head 4 epoch 2");
    ck_assert_uint_eq(board_core_stats(core)->frames[FRAME_ACCEPTED], 1);
}
END_TEST

START_TEST(an_event_is_the_frame_with_offset_and_time)
{
    open_with_ann_drawing();
    struct buf body = {0};
    PUT(&body, begin, .term = 3, .cseq = 1, .tool = 2, .colour = 7, .size = 99, .shape = 1,
        .flags = 4, .points = {POINTS, 8});
    send_body("g1", "ann", 11, &body);
    buf_free(&body);
    struct cursor in = cursor_of(sent_events, sent_events_len);
    struct msg_ev_begin e;
    ck_assert_int_eq(GET(&in, ev_begin, &e), 0);
    ck_assert_uint_eq(cursor_left(&in), 0);
    ck_assert_uint_eq(e.offset, 4);
    ck_assert_uint_eq(e.time, now);
    ck_assert_uint_eq(e.term, 3);
    ck_assert_uint_eq(e.cseq, 1);
    ck_assert_uint_eq(e.tool, 2);
    ck_assert_uint_eq(e.colour, 7);
    ck_assert_uint_eq(e.size, 99);
    ck_assert_uint_eq(e.flags, 4);
    ck_assert_mem_eq(e.points.data, POINTS, 8);
    ck_assert_uint_eq(e.points.len, 8);
}
END_TEST

/* [D9] */
START_TEST(undo_and_redo_name_their_stroke_by_term_and_cseq)
{
    open_with_ann_drawing();
    struct buf body = {0};
    PUT(&body, undo, 3, 1, 3, 77);
    send_body("g1", "ann", 11, &body);
    struct cursor in = cursor_of(sent_events, sent_events_len);
    struct msg_ev_undo undo;
    ck_assert_int_eq(GET(&in, ev_undo, &undo), 0);
    ck_assert_uint_eq(undo.stroke_term, 3);
    ck_assert_uint_eq(undo.stroke_cseq, 77);
    buf_clear(&body);
    PUT(&body, redo, 3, 2, 3, 77);
    send_body("g1", "ann", 11, &body);
    in = cursor_of(sent_events, sent_events_len);
    struct msg_ev_redo redo;
    ck_assert_int_eq(GET(&in, ev_redo, &redo), 0);
    ck_assert_uint_eq(redo.stroke_cseq, 77);
    buf_free(&body);
}
END_TEST

START_TEST(a_clear_names_its_author)
{
    open_with_ann_drawing();
    struct buf body = {0};
    PUT(&body, clear, 3, 1);
    send_body("g1", "ann", 11, &body);
    buf_free(&body);
    struct cursor in = cursor_of(sent_events, sent_events_len);
    struct msg_ev_clear e;
    ck_assert_int_eq(GET(&in, ev_clear, &e), 0);
    ck_assert_uint_eq(cursor_left(&in), 0);
    ck_assert_str_eq(e.member.text, "ann");
}
END_TEST

static uint64_t restored_to(uint64_t cseq, uint64_t clear)
{
    struct buf body = {0};
    PUT(&body, restore, 3, cseq, clear);
    send_body("g1", "ann", 11, &body);
    buf_free(&body);
    struct cursor in = cursor_of(sent_events, sent_events_len);
    struct msg_ev_restore e;
    ck_assert_int_eq(GET(&in, ev_restore, &e), 0);
    ck_assert_uint_eq(cursor_left(&in), 0);
    ck_assert_uint_eq(e.cseq, cseq);
    ck_assert_uint_eq(e.clear, clear);
    return e.start;
}

static void clears(uint64_t cseq)
{
    struct buf body = {0};
    PUT(&body, clear, 3, cseq);
    send_body("g1", "ann", 11, &body);
    buf_free(&body);
}

START_TEST(a_restore_says_where_the_picture_begins_again)
{
    open_with_ann_drawing();
    clears(1); /* is event 4 */
    clears(2);
    ck_assert_uint_eq(restored_to(3, 4), NIL); /* not the newest one */
    ck_assert_uint_eq(restored_to(4, 5), 4);
    ck_assert_uint_eq(restored_to(5, 5), NIL); /* it is taken back already */
    ck_assert_uint_eq(restored_to(6, 4), 0);
    ck_assert_uint_eq(restored_to(7, 4), NIL);
}
END_TEST

START_TEST(event_times_never_go_back)
{
    attach("g1", 0, 0, "ann/11");
    struct msg_opened m = {.board = id_of(BOARD),
                           .nonce = nonce,
                           .epoch = 2,
                           .time = now + 5000,
                           .holder = id_of("ann"),
                           .instance = 11,
                           .term = 1,
                           .clean = 1};
    deliver("h1", &TYPE_opened, &m);
    draw("g1", "ann", 11, 1, 1);
    struct cursor in = cursor_of(sent_events, sent_events_len);
    struct msg_ev_begin e;
    ck_assert_int_eq(GET(&in, ev_begin, &e), 0);
    ck_assert_uint_eq(e.time, m.time);
}
END_TEST

START_TEST(a_repeated_frame_is_answered_with_its_event_while_it_is_not_stored)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    draw("g1", "ann", 11, 3, 2);
    forget_lines();
    draw("g1", "ann", 11, 3, 1);
    expect("g1 events 4..5 mark 3 head 5 epoch 2");
    ck_assert_uint_eq(board_core_stats(core)->events, 3);
}
END_TEST

START_TEST(a_repeated_frame_is_answered_with_the_mark_when_it_is_stored)
{
    open_with_ann_drawing();
    for (uint64_t cseq = 1; cseq <= 3; cseq++)
        draw("g1", "ann", 11, 3, cseq);
    stored(2, 5);
    pass(200);
    forget_lines();
    draw("g1", "ann", 11, 3, 1);
    expect("g1 mark 5 head 6 epoch 2");
    expect("g1 want ann/11 term 3 cseq 4 stored 2"); /* and not only the one that came again */
}
END_TEST

START_TEST(a_repeated_frame_that_is_stored_in_the_same_turn_is_answered_with_the_mark)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    forget_lines();
    in_one_turn = true;
    draw("g1", "ann", 11, 3, 1);
    stored(2, 4);
    in_one_turn = false;
    turn();
    pass(100);
    expect("g1 mark 4 head 4 epoch 2");
    expect_no("events");
}
END_TEST

START_TEST(a_frame_behind_a_hole_is_not_taken_and_the_missing_one_is_wanted)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 2);
    expect("g1 want ann/11 term 3 cseq 1 stored 0");
    expect_no("events");
}
END_TEST

/* [D4] */
START_TEST(a_term_up_to_the_mark_that_no_grant_began_is_refused)
{
    open_with_ann_drawing();
    for (unsigned i = 1; i <= 3; i++)
        draw("g1", "ann", 11, 3, i); /* events 4, 5, 6 */
    stored(2, 5);
    draw("g1", "ann", 11, 5, 1);
    expect("g1 not_drawer ann/11 term 5 cseq 1");
    forget_lines();
    draw("g1", "ann", 11, 6, 1); /* not stored: a newer owner may have put a grant there */
    pass(1000);
    expect_no("not_drawer");
}
END_TEST

START_TEST(what_is_missing_is_wanted_at_most_every_100_ms)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 2);
    draw("g1", "ann", 11, 3, 3);
    expect_count("want", 1);
    pass(100);
    draw("g1", "ann", 11, 3, 4);
    expect_count("want", 2);
}
END_TEST

START_TEST(a_frame_of_another_member_is_refused)
{
    open_with_ann_drawing();
    draw("g1", "bob", 12, 3, 1);
    expect("g1 not_drawer bob/12 term 3 cseq 1");
    expect_no("events");
}
END_TEST

/* [D5] */
START_TEST(a_frame_of_the_holder_s_other_instance_is_refused)
{
    open_with_ann_drawing();
    draw("g1", "ann", 99, 3, 1);
    expect("g1 not_drawer ann/99 term 3 cseq 1");
    expect_no("events");
}
END_TEST

START_TEST(a_frame_of_a_term_that_we_do_not_know_is_neither_taken_nor_refused)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 9, 1);
    expect_no("not_drawer");
    expect_no("events");
}
END_TEST

START_TEST(a_malformed_frame_never_gets_into_the_log)
{
    open_with_ann_drawing();
    uint64_t bad = board_core_stats(core)->bad_messages;
    struct buf body = {0};
    PUT(&body, points, 3, 1, 0, {POINTS, 4});
    const size_t names_itself = 6; /* an array needs a byte for each element */
    for (size_t len = 1; len < body.len; len++) {
        struct buf part = {body.data, len, len};
        send_body("g1", "ann", 11, &part);
        expect_count("invalid", len < names_itself ? 0 : (unsigned)(len - names_itself + 1));
    }
    ck_assert_uint_eq(board_core_stats(core)->bad_messages, bad + names_itself - 1);
    forget_lines();
    buf_append(&body, "\0", 1);
    send_body("g1", "ann", 11, &body);
    expect("g1 invalid ann/11 term 3 cseq 1: There is something behind the frame.");
    buf_clear(&body);
    PUT(&body, ask);
    send_body("g1", "ann", 11, &body);
    expect_no("events");
    ck_assert_uint_eq(board_core_stats(core)->bad_messages, bad + names_itself);
    buf_free(&body);
}
END_TEST

START_TEST(a_frame_for_a_board_that_is_not_open_yet_is_left_to_the_gateway)
{
    attach("g1", 0, 0, "ann/11");
    draw("g1", "ann", 11, 3, 1);
    expect_no("events");
    expect_no("not_");
}
END_TEST

/* ---- segments -------------------------------------------------------------------------------- */

START_TEST(events_go_to_history_together_every_50_ms)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    draw("g1", "ann", 11, 3, 2);
    expect_no("append");
    pass(50);
    expect("history append 4..5 epoch 2");
    expect_count("append", 1);
}
END_TEST

START_TEST(the_oldest_event_that_is_not_stored_tells_how_far_history_is_behind)
{
    open_with_ann_drawing();
    ck_assert_uint_eq(board_core_unstored_ms(core), 0);
    draw("g1", "ann", 11, 3, 1);
    pass(300);
    draw("g1", "ann", 11, 3, 2);
    pass(50);
    ck_assert_uint_eq(board_core_unstored_ms(core), 350);
    ck_assert_uint_eq(board_core_stats(core)->unstored_events, 2);
    stored(2, 4);
    ck_assert_uint_eq(board_core_unstored_ms(core), 50);
    stored(2, 5);
    ck_assert_uint_eq(board_core_unstored_ms(core), 0);
    ck_assert_uint_eq(board_core_stats(core)->unstored_events, 0);
}
END_TEST

START_TEST(a_segment_carries_the_state_at_its_end)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    struct buf body = {0};
    PUT(&body, clear, 3, 2);
    send_body("g1", "ann", 11, &body);
    buf_free(&body);
    uint64_t time = now;
    pass(50);
    ck_assert_str_eq(append.holder.text, "ann");
    ck_assert_uint_eq(append.instance, 11);
    ck_assert_uint_eq(append.term, 3);
    ck_assert_uint_eq(append.cseq, 2);
    ck_assert_uint_eq(append.base, 5);
    ck_assert_uint_eq(append.time, time);
}
END_TEST

START_TEST(a_segment_before_a_grant_carries_the_state_before_it)
{
    open_with_ann_drawing();
    for (unsigned i = 1; i <= 12; i++) /* 60 KB: two segments */
        draw_bytes("g1", "ann", 11, 3, i, 5000);
    hand_over("g1", "ann", 11, 3, 13, "bob");
    expect("history append 4..12 epoch 2");
    expect("history append 13..16 epoch 2");
    ck_assert_uint_eq(append.term, 16);
    ck_assert_str_eq(append.holder.text, "bob");
    /* Sent again in other pieces, the first of which ends within ann's term. */
    stored(2, 5);
    pass(1100);
    forget_lines();
    stored(2, 5);
    expect("history append 6..14 epoch 2");
    expect("history append 15..16 epoch 2");
    ck_assert_uint_eq(appends[append_count - 2].term, 3);
    ck_assert_uint_eq(appends[append_count - 2].cseq, 11);
    ck_assert_str_eq(appends[append_count - 2].holder.text, "ann");
    stored(2, 15);
    pass(1100);
    expect("history probe epoch 2");
    ck_assert_uint_eq(append.term, 3);
    ck_assert_str_eq(append.holder.text, "ann");
    ck_assert_uint_eq(append.cseq, 12);
}
END_TEST

START_TEST(a_grant_waits_for_no_interval)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    hand_over("g1", "ann", 11, 3, 2, "bob");
    expect("history append 4..5 epoch 2");
}
END_TEST

START_TEST(after_a_second_without_an_answer_history_is_probed_before_anything_is_resent)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    pass(50);
    forget_lines();
    pass(1100);
    expect("history probe epoch 2");
    expect_no("append");
    draw("g1", "ann", 11, 3, 2);
    pass(200);
    expect_no("append");
}
END_TEST

START_TEST(the_answer_to_a_probe_makes_us_go_back_to_the_mark_it_tells)
{
    open_with_ann_drawing();
    for (unsigned i = 1; i <= 4; i++)
        draw("g1", "ann", 11, 3, i);
    pass(1200);
    forget_lines();
    stored(2, 5); /* of 4..7 */
    pass(50);
    expect("history append 6..7 epoch 2");
}
END_TEST

START_TEST(a_probe_without_an_answer_is_repeated)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    pass(5000);
    ck_assert_uint_ge(count_lines("probe"), 4);
    expect_count("append", 1);
}
END_TEST

/* [D40] */
START_TEST(of_a_quiet_board_history_is_asked_now_and_then_whether_it_is_still_ours)
{
    open_with_ann_drawing();
    for (unsigned i = 0; i < 3; i++) {
        pass(2 * CONFIRM_MS);
        expect("history probe epoch 2");
        stored(2, 3);
        forget_lines();
        pass(CONFIRM_MS / 2 - 500);
        expect_no("probe");
    }
}
END_TEST

START_TEST(what_is_drawn_waits_for_no_such_answer)
{
    open_with_ann_drawing();
    pass(2 * CONFIRM_MS);
    expect("history probe epoch 2");
    draw("g1", "ann", 11, 3, 1);
    pass(50);
    expect("history append 4..4 epoch 2");
}
END_TEST

START_TEST(of_a_board_that_stores_something_nobody_asks)
{
    open_with_ann_drawing();
    for (unsigned i = 1; i <= 40; i++) {
        draw("g1", "ann", 11, 3, i);
        pass(500);
        stored(2, 3 + i);
    }
    expect_no("probe");
}
END_TEST

START_TEST(a_steady_drawer_does_not_keep_us_from_probing)
{
    open_with_ann_drawing();
    for (unsigned i = 1; i <= 30; i++) {
        draw("g1", "ann", 11, 3, i);
        pass(50);
    }
    expect("history probe epoch 2");
}
END_TEST

START_TEST(a_hole_makes_us_append_again_from_there)
{
    open_with_ann_drawing();
    for (unsigned i = 1; i <= 3; i++) {
        draw("g1", "ann", 11, 3, i);
        pass(50);
    }
    forget_lines();
    FROM("h1", hole, id_of(BOARD), 2, 5);
    expect("history append 5..6 epoch 2");
    pass(100);
    expect("g1 mark 4 head 6 epoch 2");
}
END_TEST

START_TEST(several_holes_from_one_loss_make_us_go_back_once)
{
    open_with_ann_drawing();
    for (unsigned i = 1; i <= 4; i++) {
        draw("g1", "ann", 11, 3, i);
        pass(50);
    }
    forget_lines();
    for (unsigned i = 0; i < 3; i++)
        FROM("h1", hole, id_of(BOARD), 2, 4);
    expect_count("append", 1);
}
END_TEST

START_TEST(a_hole_of_another_epoch_or_below_the_mark_means_nothing)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    pass(50);
    stored(2, 4);
    pass(200);
    forget_lines();
    FROM("h1", hole, id_of(BOARD), 1, 4);
    FROM("h1", hole, id_of(BOARD), 2, 3);
    FROM("h1", hole, id_of(BOARD), 2, 99);
    pass(200);
    expect_no("append");
    draw("g1", "ann", 11, 3, 2);
    expect("g1 events 5..5 mark 4 head 5 epoch 2");
}
END_TEST

START_TEST(a_mark_of_another_epoch_means_nothing)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    stored(1, 4);
    pass(200);
    expect_no("mark 4");
}
END_TEST

START_TEST(a_mark_beyond_the_head_means_nothing)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    stored(2, 5);
    pass(200);
    expect_no("mark 5");
}
END_TEST

START_TEST(a_late_answer_after_going_back_moves_the_mark)
{
    open_with_ann_drawing();
    for (unsigned i = 1; i <= 3; i++)
        draw("g1", "ann", 11, 3, i);
    pass(1200);
    stored(2, 3); /* the probe: nothing there */
    forget_lines();
    stored(2, 6); /* and yet it was */
    pass(200);
    expect("g1 mark 6 head 6 epoch 2");
    pass(2000);
    expect_no("append");
    expect_no("probe");
}
END_TEST

START_TEST(the_mark_alone_is_told_at_most_every_100_ms)
{
    open_with_ann_drawing();
    for (unsigned i = 1; i <= 5; i++)
        draw("g1", "ann", 11, 3, i);
    pass(100);
    forget_lines();
    for (uint64_t mark = 4; mark <= 8; mark++) {
        stored(2, mark);
        pass(10);
    }
    pass(150);
    ck_assert_uint_le(count_lines("g1 mark"), 2);
    expect("g1 mark 8 head 8 epoch 2");
}
END_TEST

START_TEST(the_mark_that_covers_a_grant_is_told_at_once)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    hand_over("g1", "ann", 11, 3, 2, "bob");
    forget_lines();
    stored(2, 5);
    expect("g1 mark 5 head 5 epoch 2");
}
END_TEST

/* ---- the link -------------------------------------------------------------------------------- */

START_TEST(when_the_link_is_up_again_history_is_probed_and_gateways_get_what_is_not_stored)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    pass(50);
    board_core_link(core, now, false);
    pass(10000);
    forget_lines();
    board_core_link(core, now, true);
    turn();
    expect("history probe epoch 2");
    expect("g1 events 4..4 mark 3 head 4 epoch 2");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("board_sequencer");
    TCase *t = add_case(s, "frames");
    tcase_add_test(t, a_frame_gets_the_next_offset_and_goes_to_the_gateways_at_once);
    tcase_add_test(t, an_event_is_the_frame_with_offset_and_time);
    tcase_add_test(t, undo_and_redo_name_their_stroke_by_term_and_cseq);
    tcase_add_test(t, a_clear_names_its_author);
    tcase_add_test(t, a_restore_says_where_the_picture_begins_again);
    tcase_add_test(t, event_times_never_go_back);
    tcase_add_test(t, a_repeated_frame_is_answered_with_its_event_while_it_is_not_stored);
    tcase_add_test(t, a_repeated_frame_is_answered_with_the_mark_when_it_is_stored);
    tcase_add_test(t, a_repeated_frame_that_is_stored_in_the_same_turn_is_answered_with_the_mark);
    tcase_add_test(t, a_frame_behind_a_hole_is_not_taken_and_the_missing_one_is_wanted);
    tcase_add_test(t, a_term_up_to_the_mark_that_no_grant_began_is_refused);
    tcase_add_test(t, what_is_missing_is_wanted_at_most_every_100_ms);
    tcase_add_test(t, a_frame_of_another_member_is_refused);
    tcase_add_test(t, a_frame_of_the_holder_s_other_instance_is_refused);
    tcase_add_test(t, a_frame_of_a_term_that_we_do_not_know_is_neither_taken_nor_refused);
    tcase_add_test(t, a_malformed_frame_never_gets_into_the_log);
    tcase_add_test(t, a_frame_for_a_board_that_is_not_open_yet_is_left_to_the_gateway);
    t = add_case(s, "segments");
    tcase_add_test(t, events_go_to_history_together_every_50_ms);
    tcase_add_test(t, the_oldest_event_that_is_not_stored_tells_how_far_history_is_behind);
    tcase_add_test(t, a_segment_carries_the_state_at_its_end);
    tcase_add_test(t, a_segment_before_a_grant_carries_the_state_before_it);
    tcase_add_test(t, a_grant_waits_for_no_interval);
    tcase_add_test(t, after_a_second_without_an_answer_history_is_probed_before_anything_is_resent);
    tcase_add_test(t, the_answer_to_a_probe_makes_us_go_back_to_the_mark_it_tells);
    tcase_add_test(t, a_probe_without_an_answer_is_repeated);
    tcase_add_test(t, of_a_quiet_board_history_is_asked_now_and_then_whether_it_is_still_ours);
    tcase_add_test(t, what_is_drawn_waits_for_no_such_answer);
    tcase_add_test(t, of_a_board_that_stores_something_nobody_asks);
    tcase_add_test(t, a_steady_drawer_does_not_keep_us_from_probing);
    tcase_add_test(t, a_hole_makes_us_append_again_from_there);
    tcase_add_test(t, several_holes_from_one_loss_make_us_go_back_once);
    tcase_add_test(t, a_hole_of_another_epoch_or_below_the_mark_means_nothing);
    tcase_add_test(t, a_mark_of_another_epoch_means_nothing);
    tcase_add_test(t, a_mark_beyond_the_head_means_nothing);
    tcase_add_test(t, a_late_answer_after_going_back_moves_the_mark);
    tcase_add_test(t, the_mark_alone_is_told_at_most_every_100_ms);
    tcase_add_test(t, the_mark_that_covers_a_grant_is_told_at_once);
    tcase_add_test(t,
                   when_the_link_is_up_again_history_is_probed_and_gateways_get_what_is_not_stored);
    t = add_case(s, "link");
    tcase_add_test(t,
                   when_the_link_is_up_again_history_is_probed_and_gateways_get_what_is_not_stored);
    return run_suite(s);
}
