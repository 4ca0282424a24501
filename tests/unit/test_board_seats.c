/* SPDX-License-Identifier: Apache-2.0
 *
 * Members, who of them has a seat, and what the gateways are told (DESIGN §5). There are 3 seats.
 */
#include "board_test.h"

/* ---- seats ----------------------------------------------------------------------------------- */

START_TEST(whoever_comes_gets_a_seat_while_there_are_some)
{
    open_board("ann/11");
    attach("g1", 2, 2, "ann/11, bob/12 watch");
    expect("g1 state nobody/0 term 0 base 0 ann bob");
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

START_TEST(who_is_lost_keeps_the_seat_for_the_grace)
{
    open_board("ann/11, bob/12, cat/13");
    attach("g1", 2, 2, "ann/11, bob/12 lost, cat/13, dan/14");
    expect("g1 state nobody/0 term 0 base 0 ann bob-lost cat full:dan");
    forget_lines();
    pass(GRACE_MS + 100);
    expect("g1 state nobody/0 term 0 base 0 ann cat dan");
}
END_TEST

START_TEST(who_lost_the_seat_may_be_turned_away_when_coming_back)
{
    open_board("ann/11, bob/12, cat/13");
    attach("g1", 2, 2, "ann/11, bob/12 lost, cat/13");
    pass(GRACE_MS + 100);
    attach("g1", 2, 2, "ann/11, bob/12 lost seated, cat/13, dan/14");
    attach("g1", 2, 2, "ann/11, bob/12 conn2 seated, cat/13, dan/14");
    expect("g1 state nobody/0 term 0 base 0 ann cat dan full:bob");
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

START_TEST(a_newer_connection_that_is_lost_outdoes_an_older_one_that_seems_up)
{
    open_board("ann/11, bob/12");
    attach("g2", 2, 2, "bob/12 conn2 lost");
    expect("g1 state nobody/0 term 0 base 0 ann bob-lost");
}
END_TEST

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

/* ---- newer connections ----------------------------------------------------------------------- */

START_TEST(an_older_connection_elsewhere_is_replaced)
{
    open_board("ann/11");
    attach("g2", 2, 2, "ann/11 conn2");
    expect("g1 replaced ann by 11 conn 2");
    expect_no("g2 replaced");
}
END_TEST

START_TEST(another_tab_elsewhere_replaces_the_first)
{
    open_board("ann/11");
    attach("g2", 2, 2, "ann/21");
    expect("g1 replaced ann by 21 conn 1");
    expect_no("g2 replaced");
    forget_lines();
    attach("g1", 2, 2, "ann/11, bob/12"); /* it has not heard yet */
    expect("g1 replaced ann by 21 conn 1");
    expect_no("g2 replaced");
}
END_TEST

START_TEST(a_tab_that_was_replaced_may_come_back_on_purpose)
{
    open_board("ann/11");
    attach("g2", 2, 2, "ann/21");
    attach("g1", 2, 2, "ann/11 lost");
    forget_lines();
    attach("g1", 2, 2, "ann/11 conn2");
    expect("g2 replaced ann by 11 conn 2");
    expect_no("g1 replaced");
}
END_TEST

START_TEST(a_member_of_whom_only_lost_connections_are_known_replaces_nobody)
{
    attach("g1", 40, 50, "ann/11");
    attach("g2", 40, 50, "ann/11 conn2 lost");
    opened_as((struct msg_opened){.epoch = 51, .clean = 1});
    expect_no("replaced");
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

START_TEST(news_are_told_again_with_the_next_lists_since_the_wire_may_lose_them)
{
    open_board("ann/11");
    attach("g1", 2, 2, "ann/11, bob/12");
    forget_lines();
    pass(2000);
    attach("g1", 2, 2, "ann/11, bob/12");
    expect("g1 state nobody/0 term 0 base 0 ann bob");
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

int main(void)
{
    Suite *s = suite_create("board_seats");
    TCase *t = add_case(s, "seats");
    tcase_add_test(t, whoever_comes_gets_a_seat_while_there_are_some);
    tcase_add_test(t, when_all_seats_are_taken_the_next_is_told_that_it_is_full);
    tcase_add_test(t, a_member_is_a_session_however_many_connections_it_has);
    tcase_add_test(t, members_of_all_gateways_share_the_seats);
    tcase_add_test(t, who_leaves_frees_the_seat);
    tcase_add_test(t, who_is_lost_keeps_the_seat_for_the_grace);
    tcase_add_test(t, who_lost_the_seat_may_be_turned_away_when_coming_back);
    tcase_add_test(t, a_lost_member_without_a_seat_is_not_told_that_it_is_full);
    tcase_add_test(t, one_gateway_s_lost_connection_is_outdone_by_the_newer_one_elsewhere);
    tcase_add_test(t, a_newer_connection_that_is_lost_outdoes_an_older_one_that_seems_up);
    tcase_add_test(
        t, after_an_epoch_that_was_not_released_nobody_new_is_admitted_for_an_attach_interval);
    tcase_add_test(t, the_seats_that_are_left_after_that_interval_go_to_the_others);
    tcase_add_test(t, after_a_released_epoch_all_are_admitted_at_once);
    tcase_add_test(t, the_first_owner_of_all_admits_at_once);
    tcase_add_test(t, a_crowd_of_connections_costs_nobody_a_seat);
    tcase_add_test(t, a_crowd_of_connections_costs_nobody_a_seat_under_a_new_owner);
    tcase_add_test(t, a_crowd_at_another_gateway_costs_nobody_a_seat_under_a_new_owner);
    t = add_case(s, "newer connections");
    tcase_add_test(t, an_older_connection_elsewhere_is_replaced);
    tcase_add_test(t, another_tab_elsewhere_replaces_the_first);
    tcase_add_test(t, a_tab_that_was_replaced_may_come_back_on_purpose);
    tcase_add_test(t, a_member_of_whom_only_lost_connections_are_known_replaces_nobody);
    t = add_case(s, "what is told");
    tcase_add_test(t, who_is_away_is_shown_as_such);
    tcase_add_test(t, with_one_connection_here_nobody_is_away);
    tcase_add_test(t, a_list_without_changes_is_answered_with_nothing_when_all_is_old);
    tcase_add_test(t, news_are_told_again_with_the_next_lists_since_the_wire_may_lose_them);
    tcase_add_test(t, each_state_has_a_higher_number_than_the_one_before);
    tcase_add_test(t, the_base_is_the_newest_stored_clear);
    return run_suite(s);
}
