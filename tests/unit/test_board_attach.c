/* SPDX-License-Identifier: Apache-2.0
 *
 * The gateways' numbered lists, and what gateways are sent because of them (DESIGN §6).
 */
#include "board_test.h"

#define OTHER "7777777777"

static void attach_part(uint64_t number, unsigned part, unsigned parts, const char *board,
                        const char *people)
{
    struct buf boards = {0};
    put_at_board(&boards, board, 0, 0, 0, people);
    FROM("g1", attach, 0, number, part, parts, list_of(1, &boards));
    buf_free(&boards);
}

static void attach_numbered(uint64_t number, const char *people)
{
    attach_part(number, 1, 1, BOARD, people);
}

/* ---- lists ----------------------------------------------------------------------------------- */

START_TEST(an_older_list_is_ignored)
{
    list_number = 100;
    open_board("ann/11, bob/12");
    attach_numbered(99, "zoe/19");
    pass(100);
    expect_no("g1");
}
END_TEST

START_TEST(a_newer_list_replaces_all_older_ones)
{
    open_board("ann/11, bob/12");
    attach_numbered(1000, "zoe/19");
    expect("g1 state nobody/0 term 0 base 0 zoe");
}
END_TEST

/* Ann's role, request and flags are of a version to come. */
static void attach_of_a_version_to_come(uint64_t number, uint64_t role, uint64_t request)
{
    struct buf boards = {0}, people = {0};
    PUT(&people, at_member, id_of("ann"), 11, 1, role, span_of("ann"), UINT64_C(1) << 20, request);
    PUT(&boards, at_board, id_of(BOARD), 2, 2, 0, list_of(1, &people), gateway_told, gateway_state);
    FROM("g1", attach, 0, number, 1, 1, list_of(1, &boards));
    pass(300);
    buf_free(&people);
    buf_free(&boards);
}

START_TEST(what_a_gateway_of_a_version_to_come_says_is_taken_for_the_least_that_we_know)
{
    open_board("bob/12");
    attach_of_a_version_to_come(1000, ROLE_OWN + 1, REQUEST_TAKE);
    expect("g1 state nobody/0 term 0 base 0 ann");
    attach_of_a_version_to_come(1001, 255, REQUEST_ASK);
    attach_of_a_version_to_come(1002, ROLE_OWN, 255);
    expect_no("append");
    attach_of_a_version_to_come(1003, ROLE_OWN, REQUEST_ASK);
    expect("history append 3..3 epoch 2"); /* her grant */
}
END_TEST

START_TEST(a_list_counts_when_all_its_parts_are_there)
{
    open_board("ann/11");
    attach_part(1000, 2, 2, OTHER, "bob/12");
    pass(100);
    expect_no("open");
    attach_part(1000, 1, 2, BOARD, "zoe/19");
    expect("history open over 0");
    expect("g1 state nobody/0 term 0 base 0 zoe");
}
END_TEST

START_TEST(parts_of_different_lists_do_not_mix)
{
    open_board("ann/11");
    attach_part(1000, 1, 2, BOARD, "zoe/19");
    attach_part(1001, 2, 2, OTHER, "bob/12");
    pass(100);
    expect_no("g1 state");
    expect_no("open");
    attach_part(1000, 2, 2, OTHER, "bob/12"); /* too late */
    pass(100);
    expect_no("g1 state");
    attach_part(1001, 1, 2, BOARD, "dan/14");
    expect("g1 state nobody/0 term 0 base 0 dan");
}
END_TEST

START_TEST(a_repeated_part_is_counted_once)
{
    open_board("ann/11");
    attach_part(1000, 1, 2, BOARD, "zoe/19");
    attach_part(1000, 1, 2, BOARD, "zoe/19");
    pass(100);
    expect_no("g1 state");
}
END_TEST

START_TEST(a_board_that_is_no_longer_in_the_list_is_no_longer_open_there)
{
    open_board("ann/11");
    attach("g2", 2, 2, "bob/12");
    attach_nothing("g1");
    expect("g2 state nobody/0 term 0 base 0 bob");
}
END_TEST

START_TEST(a_list_with_impossible_parts_is_refused)
{
    uint64_t bad = board_core_stats(core)->bad_messages;
    attach_part(1000, 3, 2, BOARD, "ann/11");
    attach_part(1001, 1, 65535, BOARD, "ann/11");
    ck_assert_uint_eq(board_core_stats(core)->bad_messages, bad + 2);
    expect_no("open");
}
END_TEST

START_TEST(a_malformed_list_takes_nobody_away)
{
    open_board("ann/11");
    struct buf boards = {0};
    put_at_board(&boards, BOARD, 2, 2, 0, "ann/11, bob/12");
    boards.data[0] = 0x92; /* now it has two fields, and then values that are no board */
    uint32_t values = 0;
    for (struct cursor in = cursor_of(boards.data, boards.len); cursor_left(&in) > 0; values++)
        ck_assert_int_eq(wire_skip(&in), 0);
    FROM("g1", attach, 0, 1000, 1, 1, list_of(values, &boards));
    pass(100);
    expect_no("g1 state");
    ck_assert_uint_ge(board_core_stats(core)->bad_messages, 1);
    buf_free(&boards);
}
END_TEST

START_TEST(a_gateway_silent_for_6_s_is_gone)
{
    open_board("ann/11");
    attach("g2", 2, 2, "bob/12");
    for (unsigned i = 0; i < 2; i++) {
        pass(2000);
        attach("g2", 2, 2, "bob/12");
    }
    expect_no("lost");
    pass(2100);
    expect("g2 state nobody/0 term 0 base 0 ann-lost bob");
}
END_TEST

START_TEST(after_the_link_was_down_gateways_get_6_s_anew)
{
    open_board("ann/11");
    pass(5000);
    board_core_link(core, now, false);
    pass(60000);
    board_core_link(core, now, true);
    turn();
    pass(5900);
    attach("g2", 2, 2, "bob/12");
    expect("g2 state nobody/0 term 0 base 0 ann bob");
    pass(200);
    expect("g2 state nobody/0 term 0 base 0 ann-lost bob");
}
END_TEST

/* [D14] */
START_TEST(while_the_broker_stands_still_no_gateway_counts_as_silent)
{
    open_board("ann/11");
    broker_stands = true;
    pass(60000);
    broker_stands = false;
    turn();
    pass(4000);
    attach("g2", 2, 2, "bob/12");
    expect("g2 state nobody/0 term 0 base 0 ann bob");
    pass(2200);
    expect("g2 state nobody/0 term 0 base 0 ann-lost bob");
}
END_TEST

/* [D15] */
START_TEST(when_the_broker_goes_on_every_gateway_is_told_again_what_it_may_have_missed)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    broker_stands = true;
    pass(3000);
    forget_lines();
    broker_stands = false;
    pass(300);
    expect("g1 events 4..4 mark 3 head 4 epoch 2");
    expect("history probe epoch 2");
}
END_TEST

START_TEST(a_gateway_that_says_bye_is_gone_at_once)
{
    open_board("ann/11");
    attach("g2", 2, 2, "bob/12");
    FROM("g1", bye);
    expect("g2 state nobody/0 term 0 base 0 ann-lost bob");
}
END_TEST

START_TEST(only_gateways_have_lists)
{
    attach("b2", 0, 0, "ann/11");
    expect_no("open");
}
END_TEST

START_TEST(a_board_of_another_shard_is_not_opened)
{
    board_core_destroy(core);
    core = board_core_create(
        &(struct board_core_config){
            .self = id_of("b1"), .seed = 7, .shards = 32, .seats = 3, .segment_ms = 50},
        now);
    board_core_link(core, now, true);
    pass(1000);
    struct id board = id_of(BOARD);
    unsigned shard = (board_shard(&board, 32) + 1) % 32;
    board_core_bound(core, now, shard, true);
    struct buf boards = {0};
    put_at_board(&boards, BOARD, 0, 0, 0, "ann/11");
    FROM("g1", attach, shard, 1000, 1, 1, list_of(1, &boards));
    expect_no("open");
    buf_free(&boards);
}
END_TEST

/* ---- what a gateway lacks -------------------------------------------------------------------- */

START_TEST(a_new_gateway_gets_what_it_lacks_above_the_mark_at_once)
{
    open_with_ann_drawing();
    for (unsigned i = 1; i <= 4; i++)
        draw("g1", "ann", 11, 3, i);
    attach("g2", 2, 5, "dan/14");
    expect("g2 events 6..7 mark 3 head 7 epoch 2");
}
END_TEST

START_TEST(what_a_gateway_has_of_another_epoch_does_not_count)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    attach("g2", 1, 99, "dan/14");
    expect("g2 events 4..4 mark 3 head 4 epoch 2");
}
END_TEST

START_TEST(a_new_gateway_that_lacks_nothing_still_hears_the_mark)
{
    open_with_ann_drawing();
    attach("g2", 2, 3, "dan/14");
    expect("g2 mark 3 head 3 epoch 2");
}
END_TEST

START_TEST(a_list_that_lacks_young_events_is_not_answered_with_them)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    pass(900);
    forget_lines();
    attach("g1", 2, 3, "ann/11, bob/12, cat/13");
    expect_no("events");
}
END_TEST

START_TEST(a_list_that_lacks_events_older_than_a_second_gets_them_again)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    draw("g1", "ann", 11, 3, 2);
    pass(1100);
    forget_lines();
    attach("g1", 2, 4, "ann/11, bob/12, cat/13");
    expect("g1 events 5..5 mark 3 head 5 epoch 2");
}
END_TEST

START_TEST(a_gateway_that_did_not_hear_of_the_epoch_is_told_again)
{
    open_with_ann_drawing();
    pass(1100);
    attach("g1", 0, 0, "ann/11, bob/12, cat/13");
    expect("g1 mark 3 head 3 epoch 2");
}
END_TEST

/* Its link was stuck. What answers the old list goes to a queue that it no longer reads. */
START_TEST(a_list_of_long_ago_and_the_newest_at_once_are_both_answered)
{
    open_with_ann_drawing();
    gateway_told = gateway_state = 0;
    uint64_t real = now;
    now -= 3000; /* the gateway's clock, when it sent the list that comes now */
    attach("g2", 2, 3, "dan/14");
    now = real;
    pass(1);
    forget_lines();
    attach("g2", 2, 3, "dan/14");
    pass(1);
    expect("g2 mark 3 head 3 epoch 2");
    expect("g2 state ann/11 term 3 base 0 ann bob cat full:dan");
    forget_lines();
    attach("g2", 2, 3, "dan/14"); /* but not each list that comes soon */
    pass(1);
    expect_no("g2");
    gateway_told = gateway_state = OFFSET_MAX;
}
END_TEST

START_TEST(a_gateway_that_claims_to_be_ahead_misses_nothing)
{
    open_with_ann_drawing();
    attach("g2", 2, 99, "dan/14");
    forget_lines();
    draw("g1", "ann", 11, 3, 1);
    expect("g2 events 4..4 mark 3 head 4 epoch 2");
}
END_TEST

START_TEST(many_unstored_events_go_in_messages_that_fit_the_broker)
{
    open_with_ann_drawing();
    for (unsigned i = 1; i <= 30; i++)
        draw_bytes("g1", "ann", 11, 3, i, 5000);
    attach("g2", 2, 3, "dan/14");
    expect("g2 events 4..12 mark 3 head 33 epoch 2");
    expect("g2 events 13..21 mark 3 head 33 epoch 2");
    expect("g2 events 22..30 mark 3 head 33 epoch 2");
    expect("g2 events 31..33 mark 3 head 33 epoch 2");
}
END_TEST

START_TEST(a_gateway_where_nobody_is_gets_nothing)
{
    open_with_ann_drawing();
    attach("g2", 2, 3, "dan/14");
    attach_nothing("g2");
    forget_lines();
    draw("g1", "ann", 11, 3, 1);
    expect_no("g2");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("board_attach");
    TCase *t = add_case(s, "lists");
    tcase_add_test(t, an_older_list_is_ignored);
    tcase_add_test(t, a_newer_list_replaces_all_older_ones);
    tcase_add_test(t, what_a_gateway_of_a_version_to_come_says_is_taken_for_the_least_that_we_know);
    tcase_add_test(t, a_list_counts_when_all_its_parts_are_there);
    tcase_add_test(t, parts_of_different_lists_do_not_mix);
    tcase_add_test(t, a_repeated_part_is_counted_once);
    tcase_add_test(t, a_board_that_is_no_longer_in_the_list_is_no_longer_open_there);
    tcase_add_test(t, a_list_with_impossible_parts_is_refused);
    tcase_add_test(t, a_malformed_list_takes_nobody_away);
    tcase_add_test(t, a_gateway_silent_for_6_s_is_gone);
    tcase_add_test(t, after_the_link_was_down_gateways_get_6_s_anew);
    tcase_add_test(t, while_the_broker_stands_still_no_gateway_counts_as_silent);
    tcase_add_test(t, when_the_broker_goes_on_every_gateway_is_told_again_what_it_may_have_missed);
    tcase_add_test(t, a_gateway_that_says_bye_is_gone_at_once);
    tcase_add_test(t, only_gateways_have_lists);
    tcase_add_test(t, a_board_of_another_shard_is_not_opened);
    t = add_case(s, "what a gateway lacks");
    tcase_add_test(t, a_new_gateway_gets_what_it_lacks_above_the_mark_at_once);
    tcase_add_test(t, what_a_gateway_has_of_another_epoch_does_not_count);
    tcase_add_test(t, a_new_gateway_that_lacks_nothing_still_hears_the_mark);
    tcase_add_test(t, a_list_that_lacks_young_events_is_not_answered_with_them);
    tcase_add_test(t, a_list_that_lacks_events_older_than_a_second_gets_them_again);
    tcase_add_test(t, a_gateway_that_did_not_hear_of_the_epoch_is_told_again);
    tcase_add_test(t, a_list_of_long_ago_and_the_newest_at_once_are_both_answered);
    tcase_add_test(t, a_gateway_that_claims_to_be_ahead_misses_nothing);
    tcase_add_test(t, many_unstored_events_go_in_messages_that_fit_the_broker);
    tcase_add_test(t, a_gateway_where_nobody_is_gets_nothing);
    return run_suite(s);
}
