/* SPDX-License-Identifier: Apache-2.0
 *
 * More people than seats: whom a crowd costs the place, and whom not (DESIGN §9). There are 3
 * seats.
 */
#include "board_test.h"

/* ---- crowds ---------------------------------------------------------------------------------- */

static void add_crowd(char *people, unsigned from, unsigned to, const char *who)
{
    for (unsigned i = from; i < to; i++)
        sprintf(people + strlen(people), "%sx%u/%u %s", *people ? ", " : "", i, 100 + i, who);
}

/* Of a list 16 are looked at: 4 for each place. */
START_TEST(a_crowd_is_told_that_it_is_full_all_of_it)
{
    char people[4096] = "ann/11, bob/12, cat/13";
    open_board(people);
    add_crowd(people, 0, 16, "watch");
    attach("g1", 2, 2, people);
    expect_count("ann bob cat full:x0", 1);
    expect_count("full:x12", 1);
    expect_no("full:x13");
    forget_lines();
    strcpy(people, "ann/11, bob/12, cat/13"); /* who was told is no longer there */
    add_crowd(people, 13, 16, "watch");
    attach("g1", 2, 2, people);
    expect_count("ann bob cat full:x13 full:x14 full:x15", 1);
}
END_TEST

START_TEST(an_owner_who_comes_when_a_crowd_has_gone_is_seated)
{
    char people[4096] = "ann/11, bob/12, cat/13";
    open_board(people);
    add_crowd(people, 0, 13, "watch");
    attach("g1", 2, 2, people);
    forget_lines();
    attach("g1", 2, 2, "ann/11, bob/12, cat/13, olga/19 own");
    expect_count("ann bob cat olga", 1);
}
END_TEST

static void expect_class_and_owner_beside(const char *who)
{
    open_with_ann_drawing();
    char people[4096] = "";
    add_crowd(people, 0, 60, who); /* the newest come first */
    strcat(people, ", ann/11 seated, bob/12 watch seated, cat/13 seated");
    pass_with_lists(2 * KEEP_MS, 2, people);
    strcat(people, ", olga/19 own");
    forget_lines();
    attach("g1", 2, 3, people);
    expect_count("state ann/11 term 3 base 0 ann bob cat olga", 1);
    pass(1000);
    ck_assert_uint_eq(board_core_stats(core)->grants, 1);
}

START_TEST(a_crowd_of_seated_and_lost_costs_nobody_who_is_here_the_seat_or_the_pen)
{
    expect_class_and_owner_beside("watch seated lost");
}
END_TEST

START_TEST(a_crowd_of_seated_and_left_costs_nobody_who_is_here_the_seat_or_the_pen)
{
    expect_class_and_owner_beside("watch seated left");
}
END_TEST

START_TEST(a_crowd_of_lost_owners_costs_nobody_who_is_here_the_seat_or_the_pen)
{
    expect_class_and_owner_beside("own seated lost");
}
END_TEST

START_TEST(a_crowd_of_lost_people_costs_nobody_the_seat_that_is_kept)
{
    open_board("ann/11, bob/12, cat/13");
    char people[4096] = "ann/11 seated, cat/13 seated";
    add_crowd(people, 0, 60, "watch seated lost");
    strcat(people, ", bob/12 lost seated");
    attach("g1", 2, 2, people);
    expect_count("ann bob-lost cat", 1);
}
END_TEST

/* One after the other sat there for a moment, and left by another gateway. */
START_TEST(a_crowd_that_is_known_already_hides_nobody_who_comes)
{
    open_board("ann/11, bob/12");
    pass_with_lists(3000, 2, "ann/11, bob/12");
    char people[4096] = "ann/11, bob/12";
    for (unsigned i = 0; i < 20; i++) {
        char with[4096];
        snprintf(with, sizeof with, "x%u/%u watch", i, 100 + i);
        attach("g2", 2, 2, with);
        strcat(with, " left");
        attach("g2", 2, 2, with);
        add_crowd(people, i, i + 1, "watch lost seated");
        attach("g1", 2, 2, people);
    }
    attach_nothing("g2");
    forget_lines();
    attach("g3", 2, 2, "olga/19 own, cat/13");
    expect("g3 state nobody/0 term 0 base 0 ann bob olga cat");
}
END_TEST

/* Of three places and one for an owner. */
START_TEST(the_seat_of_a_lost_holder_goes_to_who_finds_no_other_after_a_minute_and_the_pen_with_it)
{
    open_with_ann_drawing();
    pass_with_lists(KEEP_MS - 1000, 2, "ann/11 lost, bob/12, cat/13");
    attach("g1", 2, 3, "ann/11 lost, bob/12, cat/13, dan/14");
    expect_count("full:dan", 1);
    pass_with_lists(10 * KEEP_MS / 2, 2, "bob/12, cat/13"); /* her gateway has forgotten her */
    forget_lines();
    attach("g1", 2, 3, "bob/12, cat/13, dan/14");
    expect_count("bob cat dan", 1);
    expect_grant("", 0);
}
END_TEST

START_TEST(a_lost_holder_whose_seat_nobody_needs_finds_it_again)
{
    open_with_ann_drawing();
    pass_with_lists(2 * KEEP_MS, 2, "ann/11 lost, bob/12");
    attach("g1", 2, 3, "ann/11 lost, bob/12, dan/14");
    forget_lines();
    attach("g1", 2, 3, "ann/11 conn2, bob/12, dan/14");
    expect_count("state ann/11 term 3 base 0 ann bob dan", 1);
}
END_TEST

START_TEST(a_lost_member_without_a_seat_is_not_told_that_it_is_full)
{
    open_board("ann/11, bob/12, cat/13");
    attach("g1", 2, 2, "ann/11, bob/12, cat/13, dan/14 lost");
    expect_no("full");
}
END_TEST

START_TEST(one_gateway_s_lost_connection_is_outdone_by_the_newer_one_elsewhere)
{
    open_board("ann/11, bob/12");
    attach("g1", 2, 2, "ann/11, bob/12 lost");
    attach("g2", 2, 2, "bob/12 conn2");
    expect("g1 state nobody/0 term 0 base 0 ann bob");
    for (unsigned i = 0; i < 5; i++) {
        pass(2000);
        attach("g1", 2, 2, "ann/11, bob/12 lost");
        attach("g2", 2, 2, "bob/12 conn2");
    }
    forget_lines();
    attach("g2", 2, 2, "bob/12 conn2, cat/13");
    expect("g2 state nobody/0 term 0 base 0 ann bob cat");
}
END_TEST

START_TEST(a_newer_connection_that_is_lost_does_not_outdo_one_that_is_up)
{
    open_board("ann/11, bob/12");
    attach("g2", 2, 2, "bob/12 conn2 lost"); /* the move to that gateway failed */
    expect("g2 state nobody/0 term 0 base 0 ann bob");
    expect_no("lost");
}
END_TEST

/* [D24] */
START_TEST(after_an_epoch_that_was_not_released_nobody_new_is_admitted_for_an_attach_interval)
{
    attach("g1", 40, 50, "zoe/19, ann/11 seated, bob/12 seated");
    opened_as((struct msg_opened){.epoch = 51, .clean = 0});
    expect("g1 state nobody/0 term 0 base 0 ann bob");
    expect_no("full");
    pass(1000);
    attach("g2", 40, 50, "cat/13 seated");
    expect("g1 state nobody/0 term 0 base 0 ann bob cat");
    expect_no("full");
    pass(1100);
    expect("g1 state nobody/0 term 0 base 0 ann bob cat full:zoe");
}
END_TEST

START_TEST(the_seats_that_are_left_after_that_interval_go_to_the_others)
{
    attach("g1", 40, 50, "zoe/19, ann/11 seated");
    opened_as((struct msg_opened){.epoch = 51, .clean = 0});
    expect_no("zoe");
    pass(2100);
    expect("g1 state nobody/0 term 0 base 0 ann zoe");
}
END_TEST

START_TEST(after_a_released_epoch_all_are_admitted_at_once)
{
    attach("g1", 40, 50, "zoe/19, ann/11 seated");
    opened_as((struct msg_opened){.epoch = 51, .clean = 1});
    expect("g1 state nobody/0 term 0 base 0 ann zoe");
}
END_TEST

START_TEST(the_first_owner_of_all_admits_at_once)
{
    attach("g1", 0, 0, "ann/11");
    opened_as((struct msg_opened){.epoch = 2, .clean = 0});
    expect("g1 state nobody/0 term 0 base 0 ann");
}
END_TEST

START_TEST(a_crowd_of_connections_costs_nobody_a_seat)
{
    char crowd[4096] = "";
    for (unsigned i = 0; i < 50; i++)
        sprintf(crowd + strlen(crowd), "x%u/%u, ", i, 100 + i);
    strcat(crowd, "ann/11 seated, bob/12 seated");
    open_board("ann/11, bob/12");
    attach("g1", 2, 2, crowd);
    expect_count("state nobody/0 term 0 base 0 ann bob x0 full:", 1);
}
END_TEST

START_TEST(a_crowd_of_connections_costs_nobody_a_seat_under_a_new_owner)
{
    char crowd[4096] = "";
    for (unsigned i = 0; i < 50; i++)
        sprintf(crowd + strlen(crowd), "x%u/%u, ", i, 100 + i);
    strcat(crowd, "ann/11 seated, bob/12 seated");
    attach("g1", 40, 50, crowd);
    opened_as((struct msg_opened){.epoch = 51, .clean = 0});
    expect("g1 state nobody/0 term 0 base 0 ann bob");
}
END_TEST

START_TEST(a_crowd_at_another_gateway_costs_nobody_a_seat_under_a_new_owner)
{
    char crowd[4096] = "x0/100";
    for (unsigned i = 1; i < 50; i++)
        sprintf(crowd + strlen(crowd), ", x%u/%u", i, 100 + i);
    attach("g1", 40, 50, "ann/11 seated, bob/12 seated");
    attach("g2", 40, 50, crowd);
    opened_as((struct msg_opened){.epoch = 51, .clean = 1});
    expect_count("g1 state nobody/0 term 0 base 0 ann bob x0 full:", 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("board_crowds");
    TCase *t = add_case(s, "crowds");
    tcase_add_test(t, a_crowd_is_told_that_it_is_full_all_of_it);
    tcase_add_test(t, an_owner_who_comes_when_a_crowd_has_gone_is_seated);
    tcase_add_test(t, a_crowd_of_seated_and_lost_costs_nobody_who_is_here_the_seat_or_the_pen);
    tcase_add_test(t, a_crowd_of_seated_and_left_costs_nobody_who_is_here_the_seat_or_the_pen);
    tcase_add_test(t, a_crowd_of_lost_owners_costs_nobody_who_is_here_the_seat_or_the_pen);
    tcase_add_test(t, a_crowd_of_lost_people_costs_nobody_the_seat_that_is_kept);
    tcase_add_test(t, a_crowd_that_is_known_already_hides_nobody_who_comes);
    t = add_case(s, "more seats");
    tcase_add_test(
        t, the_seat_of_a_lost_holder_goes_to_who_finds_no_other_after_a_minute_and_the_pen_with_it);
    tcase_add_test(t, a_lost_holder_whose_seat_nobody_needs_finds_it_again);
    tcase_add_test(t, a_lost_member_without_a_seat_is_not_told_that_it_is_full);
    tcase_add_test(t, one_gateway_s_lost_connection_is_outdone_by_the_newer_one_elsewhere);
    tcase_add_test(t, a_newer_connection_that_is_lost_does_not_outdo_one_that_is_up);
    tcase_add_test(
        t, after_an_epoch_that_was_not_released_nobody_new_is_admitted_for_an_attach_interval);
    tcase_add_test(t, the_seats_that_are_left_after_that_interval_go_to_the_others);
    tcase_add_test(t, after_a_released_epoch_all_are_admitted_at_once);
    tcase_add_test(t, the_first_owner_of_all_admits_at_once);
    tcase_add_test(t, a_crowd_of_connections_costs_nobody_a_seat);
    tcase_add_test(t, a_crowd_of_connections_costs_nobody_a_seat_under_a_new_owner);
    tcase_add_test(t, a_crowd_at_another_gateway_costs_nobody_a_seat_under_a_new_owner);
    return run_suite(s);
}
