/* SPDX-License-Identifier: Apache-2.0
 *
 * Members, who of them has a seat, and what the gateways are told (DESIGN §9). There are 3 seats.
 */
#include "board_test.h"

#define REPLACE_MS 2000u

/* ---- seats ----------------------------------------------------------------------------------- */

START_TEST(whoever_comes_gets_a_seat_while_there_are_some)
{
    open_board("ann/11");
    attach("g1", 2, 2, "ann/11, bob/12 watch");
    expect("g1 state nobody/0 term 0 base 0 ann bob");
}
END_TEST

START_TEST(each_member_has_the_lowest_number_that_is_free_and_keeps_it)
{
    open_board("ann/11, bob/12, cat/13");
    attach("g1", 2, 2, "ann/11, cat/13");
    ck_assert_str_eq(told_numbers, ".a.c............");
    attach("g1", 2, 2, "ann/11, cat/13, dan/14");
    ck_assert_str_eq(told_numbers, ".adc............");
    attach("g1", 2, 2, "ann/11, cat/13, dan/14, olga/15 own");
    ck_assert_str_eq(told_numbers, ".adco...........");
}
END_TEST

START_TEST(when_all_seats_are_taken_the_next_is_told_that_it_is_full)
{
    open_board("ann/11, bob/12, cat/13");
    attach("g1", 2, 2, "ann/11, bob/12, cat/13, dan/14");
    expect("g1 state nobody/0 term 0 base 0 ann bob cat full:dan");
}
END_TEST

START_TEST(a_member_is_a_session_however_many_connections_it_has)
{
    open_board("ann/11, bob/12");
    attach("g1", 2, 2, "ann/11, ann/21, ann/31 lost, bob/12, cat/13");
    expect("g1 state nobody/0 term 0 base 0 ann bob cat");
}
END_TEST

START_TEST(members_of_all_gateways_share_the_seats)
{
    open_board("ann/11, bob/12");
    attach("g2", 2, 2, "cat/13, dan/14");
    expect("g1 state nobody/0 term 0 base 0 ann bob cat full:dan");
    expect("g2 state nobody/0 term 0 base 0 ann bob cat full:dan");
}
END_TEST

START_TEST(who_leaves_frees_the_seat)
{
    open_board("ann/11, bob/12, cat/13");
    attach("g1", 2, 2, "ann/11, cat/13, dan/14");
    expect("g1 state nobody/0 term 0 base 0 ann cat dan");
}
END_TEST

START_TEST(who_is_lost_finds_the_seat_again_for_a_minute)
{
    open_board("ann/11, bob/12, cat/13");
    attach("g1", 2, 2, "ann/11, bob/12 lost, cat/13, dan/14");
    expect("g1 state nobody/0 term 0 base 0 ann bob-lost cat full:dan");
    pass(KEEP_MS - 200);
    attach("g1", 2, 2, "ann/11, bob/12 lost, cat/13");
    forget_lines();
    attach("g1", 2, 2, "ann/11, bob/12 conn2, cat/13, dan/14");
    expect("g1 state nobody/0 term 0 base 0 ann bob cat full:dan");
}
END_TEST

START_TEST(then_the_seat_is_free_for_others)
{
    open_board("ann/11, bob/12, cat/13");
    pass_with_lists(KEEP_MS + 100, 2, "ann/11, bob/12 lost seated, cat/13");
    attach("g1", 2, 2, "ann/11, bob/12 lost seated, cat/13, dan/14");
    attach("g1", 2, 2, "ann/11, bob/12 conn2 seated, cat/13, dan/14");
    expect("g1 state nobody/0 term 0 base 0 ann cat dan full:bob");
}
END_TEST

START_TEST(sessions_that_come_and_go_cannot_hold_a_seat)
{
    open_board("ann/11, bob/12, cat/13");
    pass_with_lists(KEEP_MS + 100, 2, "ann/11, bob/12 lost seated, cat/13");
    attach("g1", 2, 2, "ann/11, x1/21, cat/13");
    attach("g1", 2, 2, "ann/11, x1/21 lost seated, cat/13");
    pass(100);
    attach("g1", 2, 2, "ann/11, x1/21 lost seated, cat/13, dan/14");
    expect("g1 state nobody/0 term 0 base 0 ann cat dan");
}
END_TEST

START_TEST(a_seat_on_which_somebody_sat_is_kept_again)
{
    open_board("ann/11, bob/12, cat/13");
    pass_with_lists(KEEP_MS + 100, 2, "ann/11, bob/12 lost seated, cat/13");
    pass_with_lists(KEEP_MS / 2, 2, "ann/11, dan/14, cat/13");
    attach("g1", 2, 2, "ann/11, dan/14 lost seated, cat/13");
    pass_with_lists(KEEP_MS / 2 - 3000, 2, "ann/11, dan/14 lost seated, cat/13");
    forget_lines();
    attach("g1", 2, 2, "ann/11, dan/14 lost seated, cat/13, eve/15");
    expect("g1 state nobody/0 term 0 base 0 ann cat dan-lost full:eve");
    pass_with_lists(3200, 2, "ann/11, dan/14 lost seated, cat/13, eve/15");
    expect("g1 state nobody/0 term 0 base 0 ann cat eve");
}
END_TEST

START_TEST(who_leaves_by_itself_frees_the_seat_at_once)
{
    open_board("ann/11, bob/12, cat/13");
    attach("g1", 2, 2, "ann/11, bob/12 left seated, cat/13, dan/14");
    expect("g1 state nobody/0 term 0 base 0 ann cat dan");
}
END_TEST

START_TEST(who_left_at_one_gateway_and_is_at_another_did_not_leave)
{
    open_board("ann/11, bob/12, cat/13");
    attach("g2", 2, 2, "bob/12 conn2 seated unsaid");
    attach("g1", 2, 2, "ann/11, bob/12 left seated, cat/13, dan/14");
    expect("g1 state nobody/0 term 0 base 0 ann bob cat full:dan");
}
END_TEST

START_TEST(who_is_lost_with_the_gateway_finds_the_seat_again)
{
    open_board("ann/11");
    attach("g2", 2, 2, "bob/12, cat/13");
    FROM("g2", bye, );
    expect("g1 state nobody/0 term 0 base 0 ann bob-lost cat-lost");
    attach("g1", 2, 2, "ann/11, dan/14, bob/12 conn2");
    expect("g1 state nobody/0 term 0 base 0 ann bob cat-lost full:dan");
    pass_with_lists(KEEP_MS, 2, "ann/11, bob/12 conn2");
    forget_lines();
    attach("g1", 2, 2, "ann/11, dan/14, bob/12 conn2");
    expect("g1 state nobody/0 term 0 base 0 ann bob dan");
}
END_TEST

/* ---- own links ------------------------------------------------------------------------------- */

START_TEST(one_seat_more_is_for_an_own_link)
{
    open_board("ann/11, bob/12 watch, cat/13 watch");
    attach("g1", 2, 2, "ann/11, bob/12 watch, cat/13 watch, dan/14, olga/19 own");
    expect("g1 state nobody/0 term 0 base 0 ann bob cat olga full:dan");
}
END_TEST

START_TEST(an_owner_who_came_first_takes_no_seat_from_the_others)
{
    open_board("olga/19 own, ann/11");
    attach("g1", 2, 2, "olga/19 own, ann/11, bob/12, cat/13, dan/14");
    expect("g1 state nobody/0 term 0 base 0 olga ann bob cat full:dan");
}
END_TEST

START_TEST(a_second_owner_moves_to_the_free_seat_of_the_first)
{
    open_board("olga/18 own, otto/19 own, ann/11, bob/12");
    attach("g1", 2, 2, "olga/18 left, otto/19 own, ann/11, bob/12");
    attach("g1", 2, 2, "otto/19 own, ann/11, bob/12, cat/13, dan/14");
    expect("g1 state nobody/0 term 0 base 0 otto ann bob cat full:dan");
}
END_TEST

START_TEST(an_owner_on_another_device_takes_the_seat_of_the_lost_one)
{
    open_board("olga/18 own, ann/11, bob/12, cat/13");
    attach("g1", 2, 2, "olga/18 own lost seated, ann/11, bob/12, cat/13");
    attach("g1", 2, 2, "olga/18 own lost seated, ann/11, bob/12, cat/13, otto/19 own");
    expect("g1 state nobody/0 term 0 base 0 ann bob cat otto");
}
END_TEST

START_TEST(an_owner_who_is_seated_and_there_keeps_the_seat)
{
    open_board("olga/18 own, ann/11, bob/12, cat/13");
    attach("g1", 2, 2, "olga/18 own, ann/11, bob/12, cat/13, otto/19 own");
    expect("g1 state nobody/0 term 0 base 0 olga ann bob cat full:otto");
}
END_TEST

START_TEST(a_crowd_does_not_hide_an_owner)
{
    char crowd[4096] = "ann/11 seated, bob/12 seated, cat/13 seated";
    for (unsigned i = 0; i < 60; i++)
        sprintf(crowd + strlen(crowd), ", x%u/%u watch", i, 100 + i);
    strcat(crowd, ", olga/19 own");
    open_board("ann/11, bob/12, cat/13");
    attach("g1", 2, 2, crowd);
    expect_count("ann bob cat olga full:", 1);
}
END_TEST

START_TEST(a_free_seat_goes_to_own_links_then_to_draw_links)
{
    open_board("ann/11, bob/12 watch, cat/13 watch");
    attach("g1", 2, 2,
           "ann/11, cat/13 watch, dan/14 watch, eve/15, otto/18 own, olga/19 own, bob/12 left");
    expect_count("ann cat otto olga full:", 1);
    attach("g1", 2, 2, "ann/11, dan/14 watch, eve/15, otto/18 own, olga/19 own, cat/13 left");
    expect_count("ann otto olga eve full:dan", 1);
}
END_TEST

START_TEST(the_holder_of_the_pen_is_seated_first)
{
    attach("g1", 40, 50, "x1/21 own, x2/22 own, x3/23 own, x4/24 own, ann/11");
    opened_as((struct msg_opened){
        .epoch = 51, .clean = 1, .holder = id_of("ann"), .instance = 11, .term = 30});
    expect_count("term 30 base 0", 1);
    expect_count("ann full:", 1);
}
END_TEST

/* ---- newer connections ----------------------------------------------------------------------- */

START_TEST(an_older_connection_elsewhere_is_replaced_after_a_while)
{
    open_board("ann/11");
    attach("g2", 2, 2, "ann/11 conn2");
    pass(REPLACE_MS - 100);
    expect_no("replaced");
    pass(200);
    expect("g1 replaced ann by 11 conn 2");
    expect_no("g2 replaced");
}
END_TEST

START_TEST(another_tab_elsewhere_replaces_the_first)
{
    open_board("ann/11 since5000");
    attach("g2", 2, 2, "ann/21 since100");
    pass(REPLACE_MS + 100);
    expect("g1 replaced ann by 21 conn 1");
    expect_no("g2 replaced");
    forget_lines();
    attach("g1", 2, 2, "ann/11 since7000, bob/12"); /* it has not heard */
    pass(REPLACE_MS + 100);
    expect("g1 replaced ann by 21 conn 1");
    expect_no("g2 replaced");
}
END_TEST

START_TEST(of_two_pages_the_one_that_came_last_stays_whichever_list_comes_first)
{
    open_board("bob/12");
    attach("g2", 2, 2, "ann/21 since50");
    attach("g1", 2, 2, "bob/12, ann/11 since300"); /* its list was late */
    pass(REPLACE_MS + 100);
    expect("g1 replaced ann by 21 conn 1");
    expect_no("g2 replaced");
}
END_TEST

START_TEST(a_page_that_was_reloaded_through_another_gateway_is_replaced_by_nobody)
{
    open_board("bob/12");
    attach("g2", 2, 2, "ann/21");
    attach("g1", 2, 2, "bob/12, ann/11"); /* late: that page is gone already */
    attach("g1", 2, 2, "bob/12, ann/11 lost seated");
    for (unsigned i = 0; i < 5; i++) {
        pass(2000);
        attach("g2", 2, 2, "ann/21");
        attach("g1", 2, 2, "bob/12, ann/11 lost seated");
    }
    expect_no("replaced");
}
END_TEST

/* The link of its gateway hangs: the page ended before the other one came, and nobody can say so.
 */
/* [D25] */
START_TEST(nobody_is_replaced_by_a_page_whose_gateway_has_not_heard_of_us_since)
{
    open_board("bob/12, ann/21 since300");
    for (unsigned i = 0; i < 5; i++) {
        gateway_state = 0;
        attach("g2", 2, 2, "ann/11 since50"); /* as if it had come later: the list was on its way */
        gateway_state = OFFSET_MAX;
        attach("g1", 2, 2, "bob/12, ann/21 since300");
        pass(2000);
    }
    expect_no("replaced");
    attach("g2", 2, 2, "ann/11 since50");
    expect("g1 replaced ann by 11 conn 1");
}
END_TEST

START_TEST(a_list_that_was_long_on_its_way_makes_nobody_come_later)
{
    open_board("bob/12, ann/11 since0");
    uint64_t sent = now, came = now;
    pass(1000);
    attach("g2", 2, 2, "ann/21 since0");
    pass(2900);
    struct buf boards = {0}, members = {0};
    PUT(&members, at_member, id_of("ann"), 11, 1, ROLE_DRAW, span_of("ann"), 0, REQUEST_NONE, came);
    PUT(&boards, at_board, id_of(BOARD), 2, 2, 0, list_of(1, &members), gateway_told,
        gateway_state);
    forget_lines();
    FROM("g1", attach, 0, ++list_number, 1, 1, list_of(1, &boards), sent + 100);
    buf_free(&boards);
    buf_free(&members);
    pass(REPLACE_MS + 100);
    expect("g1 replaced ann by 21 conn 1");
    expect_no("g2 replaced");
}
END_TEST

START_TEST(of_two_connections_with_one_number_the_one_that_came_last_stays)
{
    open_board("ann/11 since5000");
    attach("g2", 2, 2, "ann/11 since100");
    pass(REPLACE_MS + 100);
    expect("g1 replaced ann by 11 conn 1 and equal ones");
    expect_no("g2 replaced");
}
END_TEST

START_TEST(a_tab_that_was_replaced_may_come_back_on_purpose)
{
    open_board("ann/11 since9000");
    attach("g2", 2, 2, "ann/21 since5000");
    attach("g1", 2, 2, "ann/11 lost since9000");
    forget_lines();
    attach("g1", 2, 2, "ann/11 conn2 since10");
    pass(REPLACE_MS + 100);
    expect("g2 replaced ann by 11 conn 2");
    expect_no("g1 replaced");
}
END_TEST

START_TEST(a_member_of_whom_only_lost_connections_are_known_replaces_nobody)
{
    attach("g1", 40, 50, "ann/11");
    attach("g2", 40, 50, "ann/11 conn2 lost");
    opened_as((struct msg_opened){.epoch = 51, .clean = 1});
    pass(REPLACE_MS + 100);
    expect_no("replaced");
}
END_TEST

/* ---- the line ------------------------------------------------------------------------------- */

/* ann has the pen, bob and cat wait for it in that order. */
static void two_in_line(void)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11, bob/12 ask, cat/13");
    attach("g1", 2, 3, "ann/11, bob/12 ask, cat/13 ask");
    expect("g1 state ann/11 term 3 base 0 ann bob-1 cat-2");
    forget_lines();
}

START_TEST(a_place_in_the_line_goes_along_to_another_gateway)
{
    two_in_line();
    attach("g2", 2, 3, "bob/12 conn2 seated unsaid");
    attach("g1", 2, 3, "ann/11, bob/12 ask lost seated, cat/13 ask");
    attach("g1", 2, 3, "ann/11, cat/13 ask");
    pass(100);
    forget_lines();
    attach("g2", 2, 3, "bob/12 conn2 seated unsaid away");
    expect("g1 state ann/11 term 3 base 0 ann bob-away-1 cat-2");
    hand_over("g1", "ann", 11, 3, 1, "");
    stored(2, 4);
    pass(100);
    expect_grant("bob", 12);
}
END_TEST

START_TEST(a_place_in_the_line_goes_along_to_the_page_after_a_reload)
{
    two_in_line();
    attach("g2", 2, 3, "bob/77 seated unsaid");
    attach("g1", 2, 3, "ann/11, bob/12 ask lost seated, cat/13 ask");
    hand_over("g1", "ann", 11, 3, 1, "");
    stored(2, 4);
    pass(100);
    expect_grant("bob", 77);
}
END_TEST

START_TEST(who_is_lost_with_the_gateway_keeps_the_place_in_the_line)
{
    two_in_line();
    attach("g2", 2, 3, "ann/11 conn2 seated, cat/13 conn2 seated unsaid");
    FROM("g1", bye, );
    attach("g2", 2, 3,
           "ann/11 conn2 seated, cat/13 conn2 seated unsaid, bob/12 conn2 seated unsaid");
    expect("g2 state ann/11 term 3 base 0 ann bob-1 cat-2");
}
END_TEST

START_TEST(what_is_said_anew_counts_more_than_what_stands)
{
    two_in_line();
    attach("g2", 2, 3, "bob/12 conn2 seated");
    attach("g1", 2, 3, "ann/11, bob/12 ask lost seated, cat/13 ask");
    expect("g2 state ann/11 term 3 base 0 ann bob cat-1");
}
END_TEST

START_TEST(a_request_that_was_served_does_not_stand_on)
{
    two_in_line();
    attach("g2", 2, 3, "bob/12 conn2 seated unsaid");
    attach("g1", 2, 3, "ann/11, cat/13");
    hand_over("g1", "ann", 11, 3, 1, "bob");
    stored(2, 4);
    hand_over("g2", "bob", 12, 4, 1, "ann");
    stored(2, 5);
    forget_lines();
    attach("g2", 2, 5, "bob/12 conn2 seated unsaid away");
    expect("g1 state ann/11 term 5 base 0 ann bob-away cat");
}
END_TEST

/* ---- what is told ---------------------------------------------------------------------------- */

START_TEST(who_is_away_is_shown_as_such)
{
    open_board("ann/11, bob/12");
    attach("g1", 2, 2, "ann/11, bob/12 away");
    expect("g1 state nobody/0 term 0 base 0 ann bob-away");
}
END_TEST

START_TEST(with_one_connection_here_nobody_is_away)
{
    open_board("ann/11, bob/12");
    attach("g1", 2, 2, "ann/11, bob/12 away, bob/22");
    expect_no("away");
}
END_TEST

START_TEST(a_list_without_changes_is_answered_with_nothing_when_all_is_old)
{
    open_board("ann/11");
    for (unsigned i = 0; i < 4; i++) {
        pass(2000);
        attach("g1", 2, 2, "ann/11");
    }
    forget_lines();
    attach("g1", 2, 2, "ann/11");
    expect_no("g1");
}
END_TEST

/* The wire may lose it, and nothing else may come; a gateway of before does not say what it has. */
/* [D16] */
START_TEST(a_state_is_told_again_until_the_lists_have_it)
{
    const uint64_t has[] = {0, 1, NIL, 0};
    open_board("ann/11");
    attach("g1", 2, 2, "ann/11, bob/12");
    for (unsigned i = 0; i < 4; i++) {
        gateway_state = has[i];
        forget_lines();
        pass(500);
        attach("g1", 2, 2, "ann/11, bob/12");
        expect_no("state"); /* it may be on its way */
        pass(500);
        attach("g1", 2, 2, "ann/11, bob/12");
        expect("g1 state nobody/0 term 0 base 0 ann bob");
    }
    gateway_state = OFFSET_MAX;
    forget_lines();
    pass(1000);
    attach("g1", 2, 2, "ann/11, bob/12");
    expect_no("state");
}
END_TEST

START_TEST(each_state_has_a_higher_number_than_the_one_before)
{
    open_board("ann/11");
    uint64_t last = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct buf body = {0}, boards = {0};
        put_at_board(&boards, BOARD, 2, 2, 0, i % 2 ? "ann/11" : "ann/11, bob/12");
        PUT(&body, envelope, .version = BROKER_VERSION, .sender = id_of("g1"));
        PUT(&body, attach, 0, ++list_number, 1, 1, list_of(1, &boards));
        board_core_message(core, now, buf_span(&body));
        board_core_tick(core, now);
        struct outbox_message message;
        bool found = false;
        while (outbox_next(board_core_outbox(core), now, &message)) {
            struct cursor in = cursor_of(message.body.data, message.body.len);
            struct msg_envelope envelope;
            struct msg_board_state state;
            GET(&in, envelope, &envelope);
            for (struct cursor at = in; cursor_left(&in) > 0; at = in) {
                if (GET(&at, board_state, &state) == 0) {
                    ck_assert_uint_gt(state.number, last);
                    last = state.number;
                    ck_assert_uint_eq(state.seats, SEATS);
                    ck_assert_uint_eq(state.lost_grace_ms, GRACE_MS);
                    ck_assert_uint_eq(state.idle_ms, IDLE_MS);
                    ck_assert_mem_eq(state.name.data, "a board", 7);
                    found = true;
                }
                wire_skip(&in);
            }
        }
        ck_assert(found);
        buf_free(&body);
        buf_free(&boards);
    }
}
END_TEST

START_TEST(the_base_is_the_newest_stored_clear)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    struct buf body = {0};
    PUT(&body, clear, 3, 2);
    send_body("g1", "ann", 11, &body);
    buf_free(&body);
    pass(100);
    stored(2, 4);
    expect_no("base 5");
    stored(2, 5);
    expect("g1 state ann/11 term 3 base 5 ann bob cat");
}
END_TEST

START_TEST(after_a_restore_fresh_readers_begin_where_they_began_before_the_clear)
{
    open_with_ann_drawing();
    struct buf body = {0};
    PUT(&body, clear, 3, 1);
    send_body("g1", "ann", 11, &body);
    buf_clear(&body);
    PUT(&body, restore, 3, 2, 4);
    send_body("g1", "ann", 11, &body);
    buf_free(&body);
    pass(100);
    stored(2, 4);
    expect("g1 state ann/11 term 3 base 4 ann bob cat");
    stored(2, 5);
    expect("g1 state ann/11 term 3 base 0 ann bob cat");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("board_seats");
    TCase *t = add_case(s, "seats");
    tcase_add_test(t, whoever_comes_gets_a_seat_while_there_are_some);
    tcase_add_test(t, each_member_has_the_lowest_number_that_is_free_and_keeps_it);
    tcase_add_test(t, when_all_seats_are_taken_the_next_is_told_that_it_is_full);
    tcase_add_test(t, a_member_is_a_session_however_many_connections_it_has);
    tcase_add_test(t, members_of_all_gateways_share_the_seats);
    tcase_add_test(t, who_leaves_frees_the_seat);
    tcase_add_test(t, who_is_lost_finds_the_seat_again_for_a_minute);
    tcase_add_test(t, then_the_seat_is_free_for_others);
    tcase_add_test(t, sessions_that_come_and_go_cannot_hold_a_seat);
    tcase_add_test(t, a_seat_on_which_somebody_sat_is_kept_again);
    tcase_add_test(t, who_leaves_by_itself_frees_the_seat_at_once);
    tcase_add_test(t, who_left_at_one_gateway_and_is_at_another_did_not_leave);
    tcase_add_test(t, who_is_lost_with_the_gateway_finds_the_seat_again);
    t = add_case(s, "own links");
    tcase_add_test(t, one_seat_more_is_for_an_own_link);
    tcase_add_test(t, an_owner_who_came_first_takes_no_seat_from_the_others);
    tcase_add_test(t, a_second_owner_moves_to_the_free_seat_of_the_first);
    tcase_add_test(t, an_owner_on_another_device_takes_the_seat_of_the_lost_one);
    tcase_add_test(t, an_owner_who_is_seated_and_there_keeps_the_seat);
    tcase_add_test(t, a_crowd_does_not_hide_an_owner);
    tcase_add_test(t, a_free_seat_goes_to_own_links_then_to_draw_links);
    tcase_add_test(t, the_holder_of_the_pen_is_seated_first);
    t = add_case(s, "newer connections");
    tcase_add_test(t, an_older_connection_elsewhere_is_replaced_after_a_while);
    tcase_add_test(t, another_tab_elsewhere_replaces_the_first);
    tcase_add_test(t, of_two_pages_the_one_that_came_last_stays_whichever_list_comes_first);
    tcase_add_test(t, a_page_that_was_reloaded_through_another_gateway_is_replaced_by_nobody);
    tcase_add_test(t, nobody_is_replaced_by_a_page_whose_gateway_has_not_heard_of_us_since);
    tcase_add_test(t, a_list_that_was_long_on_its_way_makes_nobody_come_later);
    tcase_add_test(t, of_two_connections_with_one_number_the_one_that_came_last_stays);
    tcase_add_test(t, a_tab_that_was_replaced_may_come_back_on_purpose);
    tcase_add_test(t, a_member_of_whom_only_lost_connections_are_known_replaces_nobody);
    t = add_case(s, "the line");
    tcase_add_test(t, a_place_in_the_line_goes_along_to_another_gateway);
    tcase_add_test(t, a_place_in_the_line_goes_along_to_the_page_after_a_reload);
    tcase_add_test(t, who_is_lost_with_the_gateway_keeps_the_place_in_the_line);
    tcase_add_test(t, what_is_said_anew_counts_more_than_what_stands);
    tcase_add_test(t, a_request_that_was_served_does_not_stand_on);
    t = add_case(s, "what is told");
    tcase_add_test(t, who_is_away_is_shown_as_such);
    tcase_add_test(t, with_one_connection_here_nobody_is_away);
    tcase_add_test(t, a_list_without_changes_is_answered_with_nothing_when_all_is_old);
    tcase_add_test(t, a_state_is_told_again_until_the_lists_have_it);
    tcase_add_test(t, each_state_has_a_higher_number_than_the_one_before);
    tcase_add_test(t, the_base_is_the_newest_stored_clear);
    tcase_add_test(t, after_a_restore_fresh_readers_begin_where_they_began_before_the_clear);
    return run_suite(s);
}
