/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has the pen, and who gets it next (DESIGN §8).
 */
#include "board_test.h"

/* ---- asking ---------------------------------------------------------------------------------- */

START_TEST(a_free_pen_goes_to_the_first_who_asks)
{
    open_board(PEOPLE);
    attach("g1", 2, 2, "ann/11, bob/12 ask, cat/13");
    expect("g1 events 3..3 mark 2 head 3 epoch 2");
    expect("history append 3..3 epoch 2");
    expect_grant("bob", 12);
    struct msg_ev_grant grant = last_grant();
    ck_assert_uint_eq(grant.ended, 0);
    ck_assert_uint_eq(grant.last, 0);
    ck_assert_mem_eq(grant.name.data, "bob", 3);
}
END_TEST

START_TEST(the_state_shows_the_new_holder_when_the_grant_is_stored)
{
    open_board(PEOPLE);
    attach("g1", 2, 2, "ann/11, bob/12 ask, cat/13");
    expect_no("state bob");
    stored(2, 3);
    expect("g1 state bob/12 term 3 base 0 ann bob cat");
}
END_TEST

START_TEST(whoever_asks_for_a_held_pen_stands_in_line)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11, bob/12, cat/13 ask");
    expect("g1 state ann/11 term 3 base 0 ann bob cat-1");
    attach("g1", 2, 3, "ann/11, bob/12 ask, cat/13 ask");
    expect("g1 state ann/11 term 3 base 0 ann bob-2 cat-1");
    expect_no_grant();
}
END_TEST

START_TEST(who_cancels_leaves_the_line)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11, bob/12 ask, cat/13 ask");
    attach("g1", 2, 3, "ann/11, bob/12, cat/13 ask");
    expect("g1 state ann/11 term 3 base 0 ann bob cat-1");
}
END_TEST

START_TEST(who_only_watches_cannot_ask)
{
    open_board(PEOPLE);
    attach("g1", 2, 2, "ann/11, bob/12 watch ask, cat/13");
    pass(1000);
    expect_no_grant();
}
END_TEST

START_TEST(a_request_that_its_grant_served_does_not_count_again)
{
    open_with_ann_drawing();
    hand_over("g1", "ann", 11, 3, 1, "");
    stored(2, 4); /* put down; this list was written before ann's grant was seen */
    forget_lines();
    attach("g1", 2, 2, "ann/11 ask, bob/12, cat/13");
    pass(1000);
    expect_no_grant();
    attach("g1", 2, 4, "ann/11 ask, bob/12, cat/13");
    expect_grant("ann", 11);
}
END_TEST

START_TEST(a_request_from_another_epoch_does_not_count_against_a_grant_of_this_one)
{
    open_with_ann_drawing();
    hand_over("g1", "ann", 11, 3, 1, "");
    stored(2, 4);
    forget_lines();
    attach("g1", 1, 99, "ann/11 ask, bob/12, cat/13");
    pass(1000);
    expect_no_grant();
}
END_TEST

START_TEST(requests_in_the_lists_survive_a_change_of_owner)
{
    attach("g1", 40, 50, "ann/11 seated, bob/12 seated, cat/13 seated ask");
    opened_as((struct msg_opened){
        .epoch = 51, .clean = 0, .holder = id_of("ann"), .instance = 11, .term = 30, .cseq = 9});
    expect("g1 state ann/11 term 30 base 0 ann bob cat-1");
}
END_TEST

/* ---- handing over ---------------------------------------------------------------------------- */

START_TEST(the_holder_hands_over)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    hand_over("g1", "ann", 11, 3, 2, "cat");
    expect_grant("cat", 13);
    struct msg_ev_grant grant = last_grant();
    ck_assert_uint_eq(grant.offset, 5);
    ck_assert_uint_eq(grant.ended, 3);
    ck_assert_uint_eq(grant.last, 2); /* the pass itself: so it is acked */
}
END_TEST

START_TEST(the_pen_goes_to_the_connection_that_came_last)
{
    open_with_ann_drawing();
    attach("g2", 2, 3, "bob/77 since100");
    attach("g1", 2, 3, "ann/11, bob/12 ask since5000, cat/13");
    hand_over("g1", "ann", 11, 3, 1, "bob");
    expect_grant("bob", 77);
}
END_TEST

START_TEST(putting_the_pen_down_is_a_grant_to_nobody)
{
    open_with_ann_drawing();
    hand_over("g1", "ann", 11, 3, 1, "");
    expect_grant("", 0);
    ck_assert_uint_eq(last_grant().last, 1);
    stored(2, 4);
    expect("g1 state nobody/0 term 4 base 0 ann bob cat");
}
END_TEST

START_TEST(handing_over_to_somebody_who_is_not_there_puts_the_pen_down)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11, bob/12, cat/13 ask");
    hand_over("g1", "ann", 11, 3, 1, "zoe");
    expect_grant("", 0);
    forget_lines();
    stored(2, 4); /* only now does the first in line get it */
    expect_grant("cat", 13);
    expect("history append 5..5 epoch 2");
}
END_TEST

START_TEST(handing_over_to_one_who_only_watches_or_is_lost_puts_the_pen_down)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11, bob/12 watch, cat/13");
    hand_over("g1", "ann", 11, 3, 1, "bob");
    expect_grant("", 0);
    stored(2, 4);
    attach("g1", 2, 4, "ann/11 ask, bob/12, cat/13");
    stored(2, 5);
    attach("g1", 2, 5, "ann/11, bob/12, cat/13 lost");
    hand_over("g1", "ann", 11, 5, 1, "cat");
    expect_grant("", 0);
}
END_TEST

/* [D22] */
START_TEST(until_a_grant_is_stored_no_frame_and_no_other_grant_gets_an_offset)
{
    open_with_ann_drawing();
    hand_over("g1", "ann", 11, 3, 1, "bob");
    forget_lines();
    draw("g1", "ann", 11, 3, 2);
    draw("g1", "bob", 12, 4, 1);
    hand_over("g1", "ann", 11, 3, 2, "cat");
    attach("g1", 2, 3, "ann/11, bob/12, cat/13 own take");
    attach("g1", 2, 3, "bob/12 lost, cat/13 own take");
    pass(900);
    expect_no("events 5");
    expect_no("not_drawer");
    expect_no("append");
}
END_TEST

START_TEST(frames_of_the_old_term_are_held_and_refused_once_the_grant_is_stored)
{
    open_with_ann_drawing();
    hand_over("g1", "ann", 11, 3, 1, "bob");
    draw("g1", "ann", 11, 3, 2);
    expect_no("not_drawer");
    stored(2, 4);
    expect("g1 not_drawer ann/11 term 3 cseq 2");
}
END_TEST

START_TEST(frames_of_the_new_term_that_came_early_are_taken_once_the_grant_is_stored)
{
    open_with_ann_drawing();
    hand_over("g1", "ann", 11, 3, 1, "bob");
    draw("g1", "bob", 12, 4, 1);
    forget_lines();
    stored(2, 4);
    expect("g1 events 5..5 mark 4 head 5 epoch 2");
}
END_TEST

START_TEST(held_frames_beyond_64_kb_are_left_to_the_gateway)
{
    open_with_ann_drawing();
    hand_over("g1", "ann", 11, 3, 1, "bob");
    for (unsigned i = 0; i < 20; i++)
        draw_bytes("g1", "ann", 11, 3, 2 + i, 5000);
    ck_assert_uint_ge(board_core_stats(core)->frames[FRAME_NO_ROOM], 6);
    stored(2, 4);
    ck_assert_uint_le(count_lines("not_drawer"), 13);
    ck_assert_uint_ge(count_lines("not_drawer"), 10);
}
END_TEST

/* [D22] */
START_TEST(if_the_grant_is_rewound_the_old_term_goes_on_with_its_next_cseq)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    hand_over("g1", "ann", 11, 3, 2, "bob");
    FROM("h1", refused, .board = id_of(BOARD), .asked = 2, .newest = 5, .replica = id_of("b2"));
    pass(31000);
    attach("g1", 5, 5, "ann/11 seated, bob/12 seated");
    pass(100);
    opened_as((struct msg_opened){
        .epoch = 7, .clean = 1, .holder = id_of("ann"), .instance = 11, .term = 3, .cseq = 1});
    forget_lines();
    draw("g1", "ann", 11, 3, 2);
    expect("g1 events 8..8 mark 7 head 8 epoch 7");
}
END_TEST

START_TEST(what_was_granted_in_a_lost_epoch_does_not_count_in_the_next)
{
    open_with_ann_drawing();
    for (unsigned i = 1; i <= 9; i++)
        draw("g1", "ann", 11, 3, i);
    hand_over("g1", "ann", 11, 3, 10, "bob"); /* at 13 */
    FROM("h1", refused, .board = id_of(BOARD), .asked = 2, .newest = 5, .replica = id_of("b2"));
    pass(31000);
    attach("g1", 5, 5, "bob/12");
    opened_as((struct msg_opened){.epoch = 7, .clean = 1});
    attach("g1", 7, 7, "bob/12 ask");
    expect_grant("bob", 12);
    ck_assert_uint_eq(last_grant().offset, 8);
}
END_TEST

/* ---- the owner role -------------------------------------------------------------------------- */

START_TEST(the_owner_role_may_take_the_pen)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    attach("g1", 2, 4, "ann/11, bob/12 own take, cat/13 ask");
    expect_grant("bob", 12);
    ck_assert_uint_eq(last_grant().last, 1);
}
END_TEST

START_TEST(without_the_owner_role_taking_is_only_asking)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11, bob/12 take, cat/13");
    expect("g1 state ann/11 term 3 base 0 ann bob-1 cat");
    expect_no_grant();
}
END_TEST

START_TEST(a_take_is_served_once)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11, bob/12 own take, cat/13");
    stored(2, 4);
    forget_lines();
    attach("g1", 2, 3, "ann/11, bob/12 own take, cat/13"); /* it has not seen the grant yet */
    pass(1000);
    expect_no_grant();
}
END_TEST

/* ---- instances ------------------------------------------------------------------------------- */

START_TEST(another_instance_of_the_holder_s_session_gets_the_pen_at_once_when_it_asks)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11 lost, ann/21 ask, bob/12 ask, cat/13");
    expect_grant("ann", 21);
    ck_assert_uint_eq(last_grant().ended, 3);
}
END_TEST

START_TEST(another_instance_that_does_not_ask_gets_nothing_and_keeps_nothing)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11 lost, ann/21, bob/12, cat/13");
    expect_no_grant();
    pass_with_lists(GRACE_MS, 3, "ann/11 lost, ann/21, bob/12, cat/13");
    expect_grant("", 0);
}
END_TEST

START_TEST(the_holder_s_own_instance_does_not_stand_in_line)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11 ask, bob/12, cat/13");
    pass(1000);
    expect_no_grant();
    expect_no("ann-1");
}
END_TEST

/* ---- pointing -------------------------------------------------------------------------------- */

START_TEST(the_holders_pointer_is_told_to_every_gateway_and_never_logged)
{
    open_with_ann_drawing();
    attach("g2", 2, 3, "dan/14 watch");
    forget_lines();
    point("g1", "ann", 11, 7, 8);
    expect("g1 pointed ann 7,8 epoch 2");
    expect("g2 pointed ann 7,8 epoch 2");
    pass(1000);
    expect_no("events");
    expect_no("append");
}
END_TEST

START_TEST(who_does_not_have_the_pen_points_at_nothing)
{
    open_with_ann_drawing();
    point("g1", "bob", 12, 7, 8);
    point("g1", "ann", 99, 7, 8); /* another page of hers */
    expect_no("pointed");
    ck_assert_uint_eq(board_core_stats(core)->pointers_ignored, 2);
}
END_TEST

START_TEST(while_a_grant_is_not_stored_nobody_points)
{
    open_with_ann_drawing();
    hand_over("g1", "ann", 11, 3, 1, "bob");
    point("g1", "ann", 11, 7, 8);
    point("g1", "bob", 12, 7, 8);
    expect_no("pointed");
    stored(2, 4);
    point("g1", "bob", 12, 9, 9);
    expect("g1 pointed bob 9,9 epoch 2");
}
END_TEST

START_TEST(nobody_points_on_a_board_that_is_not_open)
{
    attach("g1", 0, 0, PEOPLE);
    point("g1", "ann", 11, 7, 8);
    expect_no("pointed");
    ck_assert_uint_eq(board_core_stats(core)->bad_messages, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("board_pen");
    TCase *t = add_case(s, "asking");
    tcase_add_test(t, a_free_pen_goes_to_the_first_who_asks);
    tcase_add_test(t, the_state_shows_the_new_holder_when_the_grant_is_stored);
    tcase_add_test(t, whoever_asks_for_a_held_pen_stands_in_line);
    tcase_add_test(t, who_cancels_leaves_the_line);
    tcase_add_test(t, who_only_watches_cannot_ask);
    tcase_add_test(t, a_request_that_its_grant_served_does_not_count_again);
    tcase_add_test(t, a_request_from_another_epoch_does_not_count_against_a_grant_of_this_one);
    tcase_add_test(t, requests_in_the_lists_survive_a_change_of_owner);
    t = add_case(s, "handing over");
    tcase_add_test(t, the_holder_hands_over);
    tcase_add_test(t, the_pen_goes_to_the_connection_that_came_last);
    tcase_add_test(t, putting_the_pen_down_is_a_grant_to_nobody);
    tcase_add_test(t, handing_over_to_somebody_who_is_not_there_puts_the_pen_down);
    tcase_add_test(t, handing_over_to_one_who_only_watches_or_is_lost_puts_the_pen_down);
    tcase_add_test(t, until_a_grant_is_stored_no_frame_and_no_other_grant_gets_an_offset);
    tcase_add_test(t, frames_of_the_old_term_are_held_and_refused_once_the_grant_is_stored);
    tcase_add_test(t, frames_of_the_new_term_that_came_early_are_taken_once_the_grant_is_stored);
    tcase_add_test(t, held_frames_beyond_64_kb_are_left_to_the_gateway);
    tcase_add_test(t, if_the_grant_is_rewound_the_old_term_goes_on_with_its_next_cseq);
    tcase_add_test(t, what_was_granted_in_a_lost_epoch_does_not_count_in_the_next);
    t = add_case(s, "the owner role");
    tcase_add_test(t, the_owner_role_may_take_the_pen);
    tcase_add_test(t, without_the_owner_role_taking_is_only_asking);
    tcase_add_test(t, a_take_is_served_once);
    t = add_case(s, "instances");
    tcase_add_test(t, another_instance_of_the_holder_s_session_gets_the_pen_at_once_when_it_asks);
    tcase_add_test(t, another_instance_that_does_not_ask_gets_nothing_and_keeps_nothing);
    tcase_add_test(t, the_holder_s_own_instance_does_not_stand_in_line);
    t = add_case(s, "pointing");
    tcase_add_test(t, the_holders_pointer_is_told_to_every_gateway_and_never_logged);
    tcase_add_test(t, who_does_not_have_the_pen_points_at_nothing);
    tcase_add_test(t, while_a_grant_is_not_stored_nobody_points);
    tcase_add_test(t, nobody_points_on_a_board_that_is_not_open);
    return run_suite(s);
}
