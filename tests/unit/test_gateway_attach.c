/* SPDX-License-Identifier: Apache-2.0
 *
 * What the lists tell the board service.
 */
#include "gateway_test.h"

/* ---- who stands in the attach list ----------------------------------------------------------- */

/* "ana/11 lost seated, ben/22": the entries of the newest list, from the last one to the first. */
static const char *listed(void)
{
    static char text[8192];
    char one[128], before[8192];
    struct list boards = last_attach.boards;
    struct msg_at_board board;
    struct msg_at_member m;
    tick(50);
    sent();
    boards = last_attach.boards;
    text[0] = '\0';
    if (NEXT(&boards, at_board, &board) <= 0)
        return text;
    while (NEXT(&board.members, at_member, &m) > 0) {
        snprintf(one, sizeof one, "%s/%u%s%s%s%s%s%s", m.member.text, (unsigned)m.instance,
                 m.flags & MEMBER_LOST ? " lost" : "", m.flags & MEMBER_LEFT ? " left" : "",
                 m.flags & MEMBER_SEATED ? " seated" : "", m.flags & MEMBER_UNSAID ? " unsaid" : "",
                 m.request == REQUEST_ASK ? " ask" : "", text[0] ? ", " : "");
        snprintf(before, sizeof before, "%s", text);
        snprintf(text, sizeof text, "%.128s%.8000s", one, before);
    }
    return text;
}

START_TEST(a_new_instance_takes_the_place_of_the_one_before)
{
    two_on_a_board();
    for (unsigned i = 0; i < 100; i++) {
        struct client *again = hello("watch ben", 100 + i, 1, NIL, NIL);
        closes(i ? open_clients[open_count - 2] : viewer);
        viewer = again;
    }
    ck_assert_str_eq(listed(), "ana/11 seated, ben/199 seated unsaid");
    ck_assert_str_eq(pulls(viewer), "welcome@0 state mark 3/3");
}
END_TEST

START_TEST(of_the_instances_before_those_with_unsaved_frames_stay_up_to_a_number)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    struct client *last = hello("draw ana", 12, 1, 3, NIL);
    ck_assert_str_eq(listed(), "ana/11 lost seated, ben/22 seated unsaid, ana/12 seated unsaid");
    pulls(drawer);
    (void)last;
    owner_sends(2, 4, 4, 4); /* its frame is stored */
    tick(62000);
    ck_assert_str_eq(listed(), "ben/22 seated unsaid, ana/12 seated unsaid");
}
END_TEST

START_TEST(who_lost_the_connection_is_listed_while_the_owner_keeps_the_seat)
{
    two_on_a_board();
    closes(viewer);
    tick(59000);
    ck_assert_str_eq(listed(), "ben/22 lost seated unsaid, ana/11 seated");
    tick(2100);
    ck_assert_str_eq(listed(), "ana/11 seated");
}
END_TEST

START_TEST(who_left_is_listed_as_such_for_a_few_seconds)
{
    two_on_a_board();
    client_goes(viewer, true);
    closes(viewer);
    ck_assert_str_eq(listed(), "ben/22 lost left seated unsaid, ana/11 seated");
    tick(5100);
    ck_assert_str_eq(listed(), "ana/11 seated");
}
END_TEST

START_TEST(whose_page_goes_has_left_when_it_is_not_back_soon)
{
    two_on_a_board();
    client_goes(viewer, false);
    closes(viewer);
    tick(4900);
    ck_assert_str_eq(listed(), "ben/22 lost seated unsaid, ana/11 seated");
    tick(100);
    ck_assert_str_eq(listed(), "ben/22 lost left seated unsaid, ana/11 seated");
    tick(5100);
    ck_assert_str_eq(listed(), "ana/11 seated");
}
END_TEST

START_TEST(whose_page_goes_and_is_loaded_again_stays)
{
    two_on_a_board();
    client_goes(viewer, false);
    closes(viewer);
    tick(1000);
    hello("watch ben", 23, 1, NIL, NIL);
    tick(10000);
    ck_assert_ptr_nonnull(strstr(listed(), "ben/23 seated"));
    ck_assert_ptr_null(strstr(listed(), "left"));
}
END_TEST

START_TEST(who_was_never_seated_is_not_listed_when_the_connection_is_gone)
{
    two_on_a_board();
    struct client *crowd = hello("watch eve", 33, 1, NIL, NIL);
    ck_assert_str_eq(listed(), "eve/33 unsaid, ana/11 seated, ben/22 seated unsaid");
    closes(crowd);
    tick(50);
    ck_assert_str_eq(listed(), "ana/11 seated, ben/22 seated unsaid");
}
END_TEST

/* `count` sessions that nobody has seated yet. */
static void crowd(const char *role, unsigned count)
{
    char token[32];
    for (unsigned i = 0; i < count; i++) {
        snprintf(token, sizeof token, "%s x%u", role, i);
        hello(token, 1000 + i, 1, NIL, NIL);
    }
}

START_TEST(a_crowd_that_waits_for_seats_keeps_no_owner_out)
{
    two_on_a_board();
    crowd("watch", 10 + 1 + 64 - 2);
    struct client *more = hello("watch eve", 33, 1, NIL, NIL);
    ck_assert_str_eq(pulls(more), "full 10 error full@1");
    struct client *owner = hello("own olga", 44, 1, NIL, NIL);
    ck_assert_uint_eq(close_code_of(owner), 0);
    owner_tells(2, 3, "ana ben olga", NULL);
    ck_assert_str_eq(pulls(owner), "welcome@0 state mark 3/3");
    ck_assert_uint_eq(close_code_of(drawer), 0);
    closes(viewer);
    ck_assert_uint_eq(close_code_of(hello("watch fay", 55, 1, NIL, NIL)), 0);
    ck_assert_uint_eq(close_code_of(hello("watch gil", 66, 1, NIL, NIL)), 4423);
    owner_tells(2, 4, "ana ben olga", NULL);
    ck_assert_uint_eq(close_code_of(hello("watch ben", 23, 1, NIL, NIL)), 0); /* has a seat */
}
END_TEST

START_TEST(a_crowd_from_one_address_keeps_out_nobody_from_another)
{
    two_on_a_board();
    crowd("watch", 10 + 1 + 64 - 2);
    from_address = 2;
    struct client *eve = hello("watch eve", 33, 1, NIL, NIL);
    ck_assert_uint_eq(close_code_of(eve), 0);
    for (unsigned i = 0; i < 100; i++) {
        char token[32];
        snprintf(token, sizeof token, "watch y%u", i);
        hello(token, 2000 + i, 1, NIL, NIL);
    }
    ck_assert_uint_eq(close_code_of(eve), 0); /* the two crowds share what there is, */
    from_address = 3;
    struct client *dia = hello("watch dia", 44, 1, NIL, NIL); /* and make way together */
    ck_assert_uint_eq(close_code_of(dia), 0);
    ck_assert_uint_eq(gateway_core_stats(core)->errors[ERROR_full], 1 + 100 + 1);
    from_address = 0;
}
END_TEST

START_TEST(before_an_owner_has_answered_there_is_room_for_the_largest_board)
{
    crowd("watch", 200 + 1 + 64);
    ck_assert_uint_eq(gateway_core_stats(core)->errors[ERROR_full], 0);
    struct client *more = hello("watch eve", 33, 1, NIL, NIL);
    ck_assert_uint_eq(close_code_of(more), 4423);
}
END_TEST

START_TEST(who_came_and_went_takes_no_place_of_who_waits_for_a_seat)
{
    two_on_a_board();
    for (unsigned i = 0; i < 100; i++) {
        char token[32];
        snprintf(token, sizeof token, "draw x%u", i);
        struct client *cl = hello(token, 1000 + i, 1, NIL, NIL);
        client_goes(cl, true);
        closes(cl);
    }
    struct client *dia = hello("watch dia", 44, 1, NIL, NIL);
    ck_assert_uint_eq(close_code_of(dia), 0);
    tick(50);
    ck_assert_uint_le(gateway_core_stats(core)->members, 3 + 2 * 11);
}
END_TEST

/* One after the other gets a seat, here or at another gateway, and is gone from both. */
START_TEST(who_had_a_seat_for_a_moment_leaves_those_in_the_list_who_have_one)
{
    two_on_a_board();
    closes(viewer);
    closes(drawer);
    for (unsigned i = 0; i < 200; i++) {
        char token[32], names[64];
        snprintf(token, sizeof token, "watch x%u", i);
        snprintf(names, sizeof names, "ana ben x%u", i);
        struct client *cl = hello(token, 1000 + i, 1, NIL, NIL);
        owner_tells(2, 3, names, NULL);
        closes(cl);
        owner_tells(2, 3, "ana ben", NULL);
        tick(50);
        sent();
    }
    ck_assert_uint_le(gateway_core_stats(core)->members, 2 * 11);
    ck_assert_ptr_nonnull(strstr(listed(), "ana/11 lost seated"));
    ck_assert_ptr_nonnull(strstr(listed(), "ben/22 lost seated"));
}
END_TEST

/* A name as long as they can be: so do lists. */
static void has_a_long_name(struct client *cl, unsigned flags)
{
    struct buf b = {0};
    char name[129];
    memset(name, 'n', sizeof name - 1);
    name[128] = 0;
    PUT(&b, profile, span_of(name), flags);
    says(cl, &b);
}

static bool is_listed(uint64_t instance)
{
    struct list boards = last_attach.boards;
    struct msg_at_board board;
    struct msg_at_member m;
    ck_assert_int_gt(NEXT(&boards, at_board, &board), 0);
    while (NEXT(&board.members, at_member, &m) > 0)
        if (m.instance == instance)
            return true;
    return false;
}

START_TEST(a_list_fits_its_messages_and_has_everybody_who_is_here)
{
    static char names[4096];
    seats = 300;
    two_on_a_board();
    snprintf(names, sizeof names, "ana ben");
    for (unsigned i = 0; i < 470; i++) {
        char token[32];
        snprintf(token, sizeof token, "watch x%u", i);
        struct client *cl = hello(token, 1000 + i, 1, NIL, NIL);
        snprintf(names + strlen(names), sizeof names - strlen(names), " x%u", i);
        owner_tells(2, 3, names, NULL);
        pulls(cl);
        has_a_long_name(cl, 0);
        if (i >= 200)
            closes(cl);
    }
    tick(2000);
    sent();
    ck_assert_uint_eq(gateway_core_stats(core)->members, 472);
    for (unsigned i = 0; i < 200; i++)
        ck_assert(is_listed(1000 + i));
    ck_assert(is_listed(1469)); /* and some of the others */
    seats = 10;
}
END_TEST

/* How many lists go out within `ms`, in which ben says something every 10 ms. */
static unsigned lists_while_ben_says(unsigned ms, bool something_new)
{
    uint64_t before = last_attach.number;
    for (unsigned at = 0; at < ms; at += 10) {
        struct buf b = {0};
        PUT(&b, profile, span_of("Ben"), something_new && at / 10 % 2 ? MEMBER_AWAY : 0);
        says(viewer, &b);
        tick(10);
        sent();
    }
    return (unsigned)(last_attach.number - before);
}

START_TEST(what_members_say_of_themselves_goes_out_ten_times_a_second)
{
    two_on_a_board();
    lists_while_ben_says(10, true);
    tick(500);
    sent();
    ck_assert_uint_le(lists_while_ben_says(10000, false), 6); /* the usual ones */
    unsigned lists = lists_while_ben_says(10000, true);
    ck_assert_uint_ge(lists, 60);
    ck_assert_uint_le(lists, 110);
    tick(200);
    ck_assert_ptr_nonnull(strstr(listed(), "ben/22"));
}
END_TEST

START_TEST(as_many_as_the_owner_seats_find_room_at_one_gateway)
{
    seats = 200;
    two_on_a_board();
    char names[4096] = "ana ben";
    for (unsigned i = 0; i < 198; i++) {
        char token[32];
        snprintf(token, sizeof token, "watch x%u", i);
        struct client *cl = hello(token, 1000 + i, 1, NIL, NIL);
        ck_assert_uint_eq(close_code_of(cl), 0);
        snprintf(names + strlen(names), sizeof names - strlen(names), " x%u", i);
        owner_tells(2, 3, names, NULL);
    }
    ck_assert_uint_eq(gateway_core_stats(core)->members, 200);
    seats = 10;
}
END_TEST

START_TEST(who_comes_from_another_gateway_stands_in_the_line_as_the_owner_says)
{
    two_on_a_board();
    ck_assert_str_eq(listed(), "ana/11 seated, ben/22 seated unsaid");
    in_line = "ben";
    owner_tells(2, 3, "ana ben", NULL);
    in_line = "";
    ck_assert_str_eq(listed(), "ana/11 seated, ben/22 seated ask");
}
END_TEST

START_TEST(of_an_equal_number_the_connection_that_is_elsewhere_may_count)
{
    two_on_a_board();
    message_from("b2");
    PUT(&body, replaced, id_of(BOARD), 2, id_of("ben"), 22, 1, 0);
    deliver();
    ck_assert_uint_eq(close_code_of(viewer), 0);
    message_from("b2");
    PUT(&body, replaced, id_of(BOARD), 2, id_of("ben"), 22, 1, REPLACED_EQUAL);
    deliver();
    ck_assert_uint_eq(close_code_of(viewer), 4409);
}
END_TEST

/* The word of an owner was long on its way: meanwhile the page was loaded again. */
/* [D25] */
START_TEST(only_a_connection_that_the_owner_has_seen_is_replaced)
{
    two_on_a_board();
    message_from("b2");
    PUT(&body, replaced, id_of(BOARD), 2, id_of("ben"), 23, 1, 0, 21, 1);
    PUT(&body, replaced, id_of(BOARD), 2, id_of("ben"), 23, 1, 0, 22, 7);
    deliver();
    ck_assert_uint_eq(close_code_of(viewer), 0);
    message_from("b2");
    PUT(&body, replaced, id_of(BOARD), 2, id_of("ben"), 23, 1, 0, 22, 1);
    deliver();
    ck_assert_uint_eq(close_code_of(viewer), 4409);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("gateway attach");
    TCase *t = tcase_create("gateway attach");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_new_instance_takes_the_place_of_the_one_before);
    tcase_add_test(t, of_the_instances_before_those_with_unsaved_frames_stay_up_to_a_number);
    tcase_add_test(t, who_lost_the_connection_is_listed_while_the_owner_keeps_the_seat);
    tcase_add_test(t, who_left_is_listed_as_such_for_a_few_seconds);
    tcase_add_test(t, whose_page_goes_has_left_when_it_is_not_back_soon);
    tcase_add_test(t, whose_page_goes_and_is_loaded_again_stays);
    tcase_add_test(t, who_was_never_seated_is_not_listed_when_the_connection_is_gone);
    tcase_add_test(t, a_crowd_that_waits_for_seats_keeps_no_owner_out);
    tcase_add_test(t, a_crowd_from_one_address_keeps_out_nobody_from_another);
    tcase_add_test(t, before_an_owner_has_answered_there_is_room_for_the_largest_board);
    tcase_add_test(t, as_many_as_the_owner_seats_find_room_at_one_gateway);
    tcase_add_test(t, who_came_and_went_takes_no_place_of_who_waits_for_a_seat);
    tcase_add_test(t, who_had_a_seat_for_a_moment_leaves_those_in_the_list_who_have_one);
    tcase_add_test(t, a_list_fits_its_messages_and_has_everybody_who_is_here);
    tcase_add_test(t, what_members_say_of_themselves_goes_out_ten_times_a_second);
    tcase_add_test(t, who_comes_from_another_gateway_stands_in_the_line_as_the_owner_says);
    tcase_add_test(t, of_an_equal_number_the_connection_that_is_elsewhere_may_count);
    tcase_add_test(t, only_a_connection_that_the_owner_has_seen_is_replaced);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
