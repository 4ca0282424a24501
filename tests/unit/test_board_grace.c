/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a drawer who is lost, or idle, keeps the pen (DESIGN §8).
 */
#include "board_test.h"

/* ---- grace ----------------------------------------------------------------------------------- */

START_TEST(a_holder_whose_connection_is_lost_keeps_the_pen_for_the_grace)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11 lost, bob/12, cat/13 ask");
    expect("g1 state ann/11 term 3 base 0 ann-lost bob cat-1 grace 5000");
    pass(GRACE_MS - 100);
    expect_no_grant();
    pass(200);
    expect_grant("cat", 13);
}
END_TEST

START_TEST(while_nobody_waits_a_lost_holder_keeps_the_pen_for_ten_minutes)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11 lost, bob/12, cat/13");
    expect("g1 state ann/11 term 3 base 0 ann-lost bob cat grace 600000");
    pass_with_lists(KEEP_PEN_MS - 500, 3, "ann/11 lost, bob/12, cat/13");
    expect_no_grant();
    forget_lines();
    pass(600);
    expect_grant("", 0);
}
END_TEST

START_TEST(the_grace_runs_from_when_somebody_waits)
{
    open_with_ann_drawing();
    pass_with_lists(60000, 3, "ann/11 lost, bob/12, cat/13");
    forget_lines();
    attach("g1", 2, 3, "ann/11 lost, bob/12, cat/13 ask");
    expect("g1 state ann/11 term 3 base 0 ann-lost bob cat-1 grace 5000 pass 15000");
    attach("g1", 2, 3, "ann/11 lost, bob/12, cat/13");
    pass_with_lists(60000, 3, "ann/11 lost, bob/12, cat/13");
    attach("g1", 2, 3, "ann/11 lost, bob/12 ask, cat/13");
    pass(GRACE_MS - 100);
    expect_no_grant();
    pass(200);
    expect_grant("bob", 12);
}
END_TEST

START_TEST(a_holder_whom_its_gateway_has_forgotten_still_keeps_pen_and_seat)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "bob/12, cat/13");
    expect("g1 state ann/11 term 3 base 0 ann-lost bob cat grace 600000");
    pass_with_lists(300000, 3, "bob/12, cat/13");
    forget_lines();
    attach("g2", 2, 3, "ann/11 conn2");
    expect("g1 state ann/11 term 3 base 0 ann bob cat");
    expect_no_grant();
}
END_TEST

START_TEST(who_leaves_for_good_keeps_nothing)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11 lost left, bob/12, cat/13");
    pass(10);
    expect_grant("", 0);
}
END_TEST

START_TEST(who_is_here_with_another_page_has_no_use_for_the_pen_of_the_one_before)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11 lost, ann/14, bob/12, cat/13");
    pass(GRACE_MS - 100);
    expect_no_grant();
    pass(200);
    expect_grant("", 0);
}
END_TEST

START_TEST(a_new_owner_lets_the_one_keep_it_whom_nobody_has_seen_for_long)
{
    attach("g1", 40, 50, "bob/12 seated");
    opened_as((struct msg_opened){
        .epoch = 51, .clean = 1, .holder = id_of("ann"), .instance = 11, .term = 30, .cseq = 9});
    for (unsigned i = 0; i < 60; i++) {
        pass(2000);
        attach("g1", 51, 51, "bob/12 seated");
    }
    expect_no_grant();
    attach("g1", 51, 51, "bob/12 seated ask");
    pass(GRACE_MS + 100);
    expect_grant("bob", 12);
}
END_TEST

START_TEST(a_holder_who_comes_back_in_time_keeps_the_pen)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11 lost, bob/12, cat/13 ask");
    pass(GRACE_MS - 1000);
    attach("g1", 2, 3, "ann/11 conn2, bob/12, cat/13 ask");
    pass(2000);
    expect_no_grant();
    forget_lines();
    attach("g1", 2, 3, "ann/11 lost conn2, bob/12, cat/13 ask");
    expect("g1 state ann/11 term 3 base 0 ann-lost bob cat-1 grace 5000");
}
END_TEST

START_TEST(a_holder_who_comes_back_at_another_gateway_keeps_the_pen)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11 lost, bob/12, cat/13 ask");
    pass(1000);
    attach("g2", 2, 3, "ann/11 conn2");
    for (unsigned i = 0; i < 5; i++) {
        attach("g1", 2, 3, "ann/11 lost, bob/12, cat/13 ask");
        attach("g2", 2, 3, "ann/11 conn2");
        pass(2000);
    }
    expect_no_grant();
}
END_TEST

START_TEST(if_the_new_holder_is_gone_when_its_grant_is_stored_its_grace_starts_then)
{
    open_with_ann_drawing();
    hand_over("g1", "ann", 11, 3, 1, "bob");
    attach("g1", 2, 4, "ann/11 ask, cat/13");
    pass(900);
    forget_lines();
    stored(2, 4);
    expect("g1 state bob/12 term 4 base 0 ann-1 cat grace 5000");
    pass(GRACE_MS - 100);
    expect_no_grant();
    pass(200);
    expect_grant("ann", 11);
}
END_TEST

START_TEST(the_grace_stands_still_while_the_broker_link_is_down)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11 lost, bob/12, cat/13 ask");
    pass(1000);
    board_core_link(core, now, false);
    pass(60000);
    board_core_link(core, now, true);
    turn();
    stored(2, 3); /* it asks history whether the board is still its own */
    pass(3500);
    expect_no_grant();
    pass(600);
    expect_grant("cat", 13);
}
END_TEST

/* [D14] */
START_TEST(the_grace_stands_still_while_the_broker_does)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11 lost, bob/12, cat/13 ask");
    pass(1000);
    broker_stands = true;
    pass(60000);
    broker_stands = false;
    turn();
    pass(2500);
    stored(2, 3);
    expect_no_grant();
    pass(1000);
    expect_grant("cat", 13);
}
END_TEST

START_TEST(a_new_owner_gives_the_holder_an_attach_interval_to_show_up)
{
    attach("g1", 40, 50, "bob/12 seated");
    opened_as((struct msg_opened){
        .epoch = 51, .clean = 0, .holder = id_of("ann"), .instance = 11, .term = 30, .cseq = 9});
    pass(1000);
    attach("g2", 51, 51, "ann/11 seated");
    pass(10000);
    expect_no_grant();
}
END_TEST

START_TEST(a_new_owner_gives_it_that_interval_even_when_the_grace_is_shorter)
{
    teardown();
    setup_with_grace(500);
    attach("g1", 40, 50, "bob/12 seated ask");
    opened_as((struct msg_opened){
        .epoch = 51, .clean = 1, .holder = id_of("ann"), .instance = 11, .term = 30, .cseq = 9});
    pass(1500);
    attach("g2", 51, 51, "ann/11 seated");
    pass(1500);
    expect_no_grant();
    attach("g2", 51, 51, "ann/11 seated lost");
    pass(700);
    expect_grant("bob", 12);
}
END_TEST

/* ---- idleness -------------------------------------------------------------------------------- */

START_TEST(an_idle_holder_s_pen_passes_on_when_others_wait)
{
    open_with_ann_drawing();
    pass_with_lists(1000, 3, "ann/11, bob/12 ask, cat/13");
    forget_lines();
    pass_with_lists(IDLE_MS - 2000, 3, "ann/11, bob/12 ask, cat/13");
    expect_no_grant();
    pass_with_lists(1500, 3, "ann/11, bob/12 ask, cat/13");
    expect_grant("bob", 12);
}
END_TEST

START_TEST(an_idle_holder_keeps_the_pen_while_nobody_waits)
{
    open_with_ann_drawing();
    pass_with_lists(IDLE_MS * 3, 3, PEOPLE);
    expect_no_grant();
}
END_TEST

START_TEST(the_state_warns_of_the_idle_countdown_at_its_half)
{
    open_with_ann_drawing();
    pass_with_lists(16000, 3, "ann/11, bob/12 ask, cat/13");
    ck_assert_uint_ge(count_lines("ann bob-1 cat pass 1"), 1); /* 15,000 or a bit less */
}
END_TEST

START_TEST(whoever_begins_to_wait_behind_a_holder_long_idle_waits_for_half_the_countdown)
{
    open_with_ann_drawing();
    pass_with_lists(IDLE_MS * 2, 3, PEOPLE);
    attach("g1", 2, 3, "ann/11, bob/12 ask, cat/13");
    expect("g1 state ann/11 term 3 base 0 ann bob-1 cat pass 15000");
    pass_with_lists(IDLE_MS / 2 - 100, 3, "ann/11, bob/12 ask, cat/13");
    expect_no_grant();
    pass_with_lists(200, 3, "ann/11, bob/12 ask, cat/13");
    expect_grant("bob", 12);
}
END_TEST

START_TEST(a_frame_ends_the_idle_countdown)
{
    open_with_ann_drawing();
    pass_with_lists(20000, 3, "ann/11, bob/12 ask, cat/13");
    forget_lines();
    draw("g1", "ann", 11, 3, 1);
    stored(2, 4);
    expect("g1 state ann/11 term 3 base 0 ann bob-1 cat");
    pass_with_lists(IDLE_MS - 1000, 3, "ann/11, bob/12 ask, cat/13");
    ck_assert_uint_eq(board_core_stats(core)->grants, 1);
}
END_TEST

START_TEST(pointing_ends_the_idle_countdown)
{
    open_with_ann_drawing();
    pass_with_lists(20000, 3, "ann/11, bob/12 ask, cat/13");
    forget_lines();
    point("g1", "ann", 11, 7, 8);
    expect("g1 state ann/11 term 3 base 0 ann bob-1 cat");
    pass_with_lists(IDLE_MS - 1000, 3, "ann/11, bob/12 ask, cat/13");
    ck_assert_uint_eq(board_core_stats(core)->grants, 1);
    pass_with_lists(1500, 3, "ann/11, bob/12 ask, cat/13");
    ck_assert_uint_eq(board_core_stats(core)->grants, 2);
}
END_TEST

START_TEST(a_drawer_whom_busy_makes_pause_is_not_idle)
{
    open_with_ann_drawing();
    for (unsigned i = 1; i <= 45; i++)
        draw_bytes("g1", "ann", 11, 3, i, 5000);
    pass_with_lists(IDLE_MS * 3, 3, "ann/11, bob/12 ask, cat/13");
    ck_assert_uint_eq(board_core_stats(core)->grants, 1);
    stored(2, 48);
    pass_with_lists(IDLE_MS - 1000, 3, "ann/11, bob/12 ask, cat/13");
    ck_assert_uint_eq(board_core_stats(core)->grants, 1);
    pass_with_lists(1200, 3, "ann/11, bob/12 ask, cat/13");
    ck_assert_uint_eq(board_core_stats(core)->grants, 2);
}
END_TEST

START_TEST(who_is_lost_keeps_the_place_in_line_but_is_passed_over)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11, bob/12 ask, cat/13");
    attach("g1", 2, 3, "ann/11, bob/12 ask, cat/13 ask");
    attach("g1", 2, 3, "ann/11, bob/12 ask lost, cat/13 ask");
    expect("g1 state ann/11 term 3 base 0 ann bob-lost-1 cat-2");
    hand_over("g1", "ann", 11, 3, 1, "");
    forget_lines();
    stored(2, 4);
    expect_grant("cat", 13);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("board_grace");
    TCase *t = add_case(s, "grace");
    tcase_add_test(t, a_holder_whose_connection_is_lost_keeps_the_pen_for_the_grace);
    tcase_add_test(t, while_nobody_waits_a_lost_holder_keeps_the_pen_for_ten_minutes);
    tcase_add_test(t, the_grace_runs_from_when_somebody_waits);
    tcase_add_test(t, a_holder_whom_its_gateway_has_forgotten_still_keeps_pen_and_seat);
    tcase_add_test(t, who_leaves_for_good_keeps_nothing);
    tcase_add_test(t, who_is_here_with_another_page_has_no_use_for_the_pen_of_the_one_before);
    tcase_add_test(t, a_new_owner_lets_the_one_keep_it_whom_nobody_has_seen_for_long);
    tcase_add_test(t, a_holder_who_comes_back_in_time_keeps_the_pen);
    tcase_add_test(t, a_holder_who_comes_back_at_another_gateway_keeps_the_pen);
    tcase_add_test(t, if_the_new_holder_is_gone_when_its_grant_is_stored_its_grace_starts_then);
    tcase_add_test(t, the_grace_stands_still_while_the_broker_link_is_down);
    tcase_add_test(t, the_grace_stands_still_while_the_broker_does);
    tcase_add_test(t, a_new_owner_gives_the_holder_an_attach_interval_to_show_up);
    tcase_add_test(t, a_new_owner_gives_it_that_interval_even_when_the_grace_is_shorter);
    t = add_case(s, "idleness");
    tcase_add_test(t, an_idle_holder_s_pen_passes_on_when_others_wait);
    tcase_add_test(t, an_idle_holder_keeps_the_pen_while_nobody_waits);
    tcase_add_test(t, the_state_warns_of_the_idle_countdown_at_its_half);
    tcase_add_test(t,
                   whoever_begins_to_wait_behind_a_holder_long_idle_waits_for_half_the_countdown);
    tcase_add_test(t, a_frame_ends_the_idle_countdown);
    tcase_add_test(t, pointing_ends_the_idle_countdown);
    tcase_add_test(t, a_drawer_whom_busy_makes_pause_is_not_idle);
    tcase_add_test(t, who_is_lost_keeps_the_place_in_line_but_is_passed_over);
    return run_suite(s);
}
