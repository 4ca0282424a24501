/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking boards over and letting them go: the log is the lock (DESIGN §6).
 */
#include "board_test.h"

static void refused(uint64_t asked_nonce, uint64_t asked_epoch, uint64_t newest,
                    const char *replica, uint64_t wait_ms)
{
    FROM("h1", refused, id_of(BOARD), asked_nonce, asked_epoch, newest, id_of(replica), wait_ms);
}

/* A peer that beats for `ms`. */
static void pass_with_peer(const char *peer, uint64_t ms)
{
    for (uint64_t end = now + ms; now < end; pass(250))
        FROM(peer, alive, 1);
}

/* An id with which a peer gets (or does not get) the only shard from us. */
static const char *peer_id(bool stronger)
{
    static char text[16];
    struct id self = id_of("b1");
    for (unsigned i = 2;; i++) {
        snprintf(text, sizeof text, "b%u", i);
        struct id peer = id_of(text);
        if ((shard_weight(0, &peer) > shard_weight(0, &self)) == stronger)
            return text;
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

START_TEST(a_list_that_names_a_board_opens_it_over_the_newest_epoch_that_gateways_know)
{
    attach("g1", 40, 50, "ann/11");
    expect("history open over 40");
}
END_TEST

START_TEST(an_opened_board_is_told_with_its_new_epoch_and_the_open_event)
{
    attach("g1", 40, 50, "ann/11");
    opened_as((struct msg_opened){.epoch = 51, .clean = 1});
    expect("g1 events 51..51 mark 51 head 51 epoch 51");
    struct cursor in = cursor_of(sent_events, sent_events_len);
    struct msg_ev_open open;
    ck_assert_int_eq(GET(&in, ev_open, &open), 0);
    ck_assert_str_eq(open.replica.text, "b1");
    ck_assert_uint_eq(open.time, now);
}
END_TEST

START_TEST(an_open_without_an_answer_is_repeated_with_the_same_nonce)
{
    attach("g1", 40, 50, "ann/11");
    uint64_t first = nonce;
    pass(2500);
    expect_count("history open over 40", 3);
    ck_assert_uint_eq(nonce, first);
}
END_TEST

START_TEST(an_answer_to_another_nonce_is_ignored)
{
    attach("g1", 40, 50, "ann/11");
    FROM("h1", opened, .board = id_of(BOARD), .nonce = nonce + 1, .epoch = 51);
    refused(nonce + 1, 40, 60, "b2", 500);
    pass(100);
    expect_no("epoch 51");
    opened_as((struct msg_opened){.epoch = 52, .clean = 1});
    expect("g1 events 52..52 mark 52 head 52 epoch 52");
}
END_TEST

START_TEST(who_did_not_hold_the_board_asks_again_over_the_newest_epoch_when_the_wait_ends)
{
    attach("g1", 40, 50, "ann/11");
    uint64_t first = nonce;
    refused(nonce, 40, 60, "b2", 700);
    forget_lines();
    pass(600);
    expect_no("open");
    pass(200);
    expect("history open over 60");
    ck_assert_uint_ne(nonce, first);
}
END_TEST

START_TEST(a_refusal_that_gives_no_reason_is_not_answered_at_the_speed_of_the_wire)
{
    attach("g1", 40, 50, "ann/11");
    for (unsigned i = 0; i < 5; i++)
        refused(nonce, 40, 40, "b2", 0);
    expect_count("history open", 1);
    pass(1200);
    expect_count("history open", 2);
}
END_TEST

START_TEST(a_second_opened_for_a_board_that_is_open_changes_nothing)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    forget_lines();
    opened_as((struct msg_opened){.epoch = 2, .clean = 1});
    draw("g1", "ann", 11, 3, 2);
    expect("g1 events 5..5 mark 3 head 5 epoch 2");
}
END_TEST

START_TEST(a_board_that_never_was_is_told_to_the_gateways_and_forgotten)
{
    attach("g1", 0, 0, "ann/11");
    FROM("h1", no_board, id_of(BOARD));
    expect("g1 no_board");
    forget_lines();
    pass(3000);
    expect_no("open");
}
END_TEST

START_TEST(only_history_decides_that_there_is_no_board)
{
    open_with_ann_drawing();
    FROM("g2", no_board, id_of(BOARD));
    FROM("b2", stored, id_of(BOARD), 2, 3);
    draw("g1", "ann", 11, 3, 1);
    expect("g1 events 4..4 mark 3 head 4 epoch 2");
}
END_TEST

START_TEST(a_board_that_everybody_left_before_it_was_asked_for_is_forgotten)
{
    attach("g1", 40, 50, "ann/11");
    refused(nonce, 40, 60, "b2", 700);
    attach_nothing("g1");
    forget_lines();
    pass(3000);
    expect_no("open");
}
END_TEST

/* ---- losing a board -------------------------------------------------------------------------- */

START_TEST(a_refused_append_drops_the_board_and_its_unstored_events)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    pass(50);
    forget_lines();
    refused(0, 2, 9, peer_id(false), 0);
    ck_assert_uint_eq(board_core_stats(core)->unstored_bytes, 0);
    ck_assert_uint_eq(board_core_stats(core)->unstored_events, 0);
    ck_assert_uint_eq(board_core_stats(core)->fenced, 1);
    draw("g1", "ann", 11, 3, 2);
    pass(1500);
    expect_no("g1");
    expect_no("append");
}
END_TEST

START_TEST(who_lost_a_board_to_one_it_does_not_hear_waits_2_to_6_s_and_lets_it_own)
{
    open_with_ann_drawing();
    refused(0, 2, 9, peer_id(false), 0);
    uint64_t start = now;
    forget_lines();
    while (count_lines("history open over 9") == 0) {
        ck_assert_uint_lt(now, start + 6200);
        attach("g1", 9, 9, "ann/11");
        pass(100);
    }
    ck_assert_uint_ge(now, start + 2000);
}
END_TEST

START_TEST(who_lost_a_board_to_a_replica_with_more_weight_counts_it_as_alive_for_6_s)
{
    open_with_ann_drawing();
    refused(0, 2, 9, peer_id(true), 0);
    turn();
    ck_assert(!board_core_wants(core, 0));
    pass(5900);
    ck_assert(!board_core_wants(core, 0));
    expect_no("open");
    pass(1200);
    ck_assert(board_core_wants(core, 0));
}
END_TEST

START_TEST(who_lost_a_board_to_one_it_hears_gives_it_a_second_to_release_it)
{
    const char *peer = peer_id(false);
    pass_with_peer(peer, 1000);
    open_with_ann_drawing();
    FROM(peer, alive, 1);
    refused(0, 2, 9, peer, 300);
    forget_lines();
    pass_with_peer(peer, 1250);
    expect_no("open");
    pass_with_peer(peer, 250);
    expect("history open over 9");
}
END_TEST

START_TEST(a_refusal_of_another_epoch_s_append_means_nothing)
{
    open_with_ann_drawing();
    refused(0, 1, 9, "b2", 0);
    draw("g1", "ann", 11, 3, 1);
    expect("g1 events 4..4 mark 3 head 4 epoch 2");
}
END_TEST

START_TEST(a_board_that_was_lost_is_opened_anew_with_a_new_nonce)
{
    attach("g1", 0, 0, "ann/11");
    uint64_t first = nonce;
    opened_as((struct msg_opened){.epoch = 2, .clean = 1});
    refused(0, 2, 9, "b2", 0);
    for (unsigned i = 0; i < 16; i++) {
        pass(2000);
        attach("g1", 9, 9, "ann/11");
    }
    ck_assert_uint_ne(nonce, first);
    forget_lines();
    FROM("h1", opened, .board = id_of(BOARD), .nonce = first, .epoch = 2);
    pass(200);
    expect_no("g1 events");
}
END_TEST

START_TEST(a_gateway_that_knows_a_newer_epoch_makes_us_ask_history_about_ours)
{
    open_with_ann_drawing();
    attach("g1", 9, 9, "ann/11, bob/12, cat/13");
    expect("history probe epoch 2");
}
END_TEST

/* ---- letting go ------------------------------------------------------------------------------ */

START_TEST(sixty_seconds_after_the_last_member_left_the_board_is_released)
{
    open_with_ann_drawing();
    attach_nothing("g1");
    for (unsigned i = 0; i < 29; i++) {
        pass(2000);
        attach_nothing("g1");
    }
    expect_no("released");
    pass(3000);
    expect("history append 4..4 epoch 2 released"); /* with the pen: who finds it may go on */
}
END_TEST

START_TEST(a_released_board_is_forgotten_once_that_is_stored)
{
    open_board("ann/11");
    attach_nothing("g1");
    pass(61000);
    expect("history append 3..3 epoch 2 released");
    ck_assert_uint_eq(board_core_stats(core)->boards_open, 1);
    stored(2, 3);
    ck_assert_uint_eq(board_core_stats(core)->boards_open, 0);
}
END_TEST

START_TEST(the_release_is_repeated_until_it_is_stored)
{
    open_board("ann/11");
    attach_nothing("g1");
    pass(63000);
    expect("history probe epoch 2");
    forget_lines();
    stored(2, 2);
    expect("history append 3..3 epoch 2 released");
}
END_TEST

START_TEST(who_comes_back_while_a_board_is_released_opens_it_anew)
{
    open_board("ann/11");
    attach_nothing("g1");
    pass(61000);
    attach("g1", 2, 2, "ann/11");
    forget_lines();
    stored(2, 3);
    expect("history open over 2");
}
END_TEST

START_TEST(a_board_to_delete_gets_a_deleted_event_and_is_gone_once_that_is_stored)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    attach_flags("g1", 2, 3, ATTACH_DELETE, "ann/11, bob/12, cat/13");
    expect("g1 events 5..5 mark 3 head 5 epoch 2");
    expect("history append 4..5 epoch 2 deleted");
    expect_no("no_board");
    stored(2, 5);
    expect("g1 no_board");
    ck_assert_uint_eq(board_core_stats(core)->boards_open, 0);
}
END_TEST

/* Another one may have owned and deleted the board meanwhile: no list will ever tell of it. */
/* [D15] */
START_TEST(an_owner_that_was_deaf_asks_history_also_when_all_is_stored)
{
    open_with_ann_drawing();
    board_core_link(core, now, false);
    board_core_link(core, now, true);
    turn();
    expect("history probe epoch 2");
    FROM("h1", no_board, id_of(BOARD));
    expect("g1 no_board");
    ck_assert_uint_eq(board_core_stats(core)->boards_open, 0);
}
END_TEST

START_TEST(a_board_that_nobody_has_open_is_opened_to_delete_it)
{
    attach_flags("g1", 0, 0, ATTACH_DELETE, "");
    expect("history open over 0");
    opened_as((struct msg_opened){.epoch = 2, .clean = 1});
    expect("history append 3..3 epoch 2 deleted");
}
END_TEST

START_TEST(what_ends_a_log_is_the_last_thing_in_it)
{
    open_with_ann_drawing();
    attach_flags("g1", 2, 3, ATTACH_DELETE, "ann/11, bob/12, cat/13");
    forget_lines();
    draw("g1", "ann", 11, 3, 1);
    attach("g1", 2, 3, "ann/11, bob/12, cat/13 own take");
    pass(500);
    expect_no("events 5");
    expect_no("append 5");
}
END_TEST

/* ---- shards ---------------------------------------------------------------------------------- */

START_TEST(whoever_takes_a_shard_asks_all_gateways_for_their_lists)
{
    expect("all sync 0");
}
END_TEST

START_TEST(a_shard_counts_as_ours_only_when_its_key_is_bound)
{
    board_core_bound(core, now, 0, false);
    forget_lines();
    attach("g1", 0, 0, "ann/11");
    expect("g1 not_owner 0");
    expect_no("open");
}
END_TEST

START_TEST(a_newcomer_with_more_weight_gets_the_shard_and_its_boards_are_let_go)
{
    const char *peer = peer_id(true);
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    FROM(peer, alive, 1);
    ck_assert(board_core_wants(core, 0));
    pass_with_peer(peer, 600);
    ck_assert(!board_core_wants(core, 0));
    expect("history append 5..5 epoch 2 released");
    forget_lines();
    draw("g1", "ann", 11, 3, 2);
    expect("g1 not_owner 0");
    stored(2, 5);
    ck_assert_uint_eq(board_core_stats(core)->boards_open, 0);
}
END_TEST

START_TEST(gateways_learn_the_last_mark_of_a_board_that_is_let_go)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    pass_with_peer(peer_id(true), 600);
    forget_lines();
    stored(2, 5);
    expect("g1 mark 5 head 5 epoch 2");
}
END_TEST

START_TEST(a_peer_with_another_number_of_shards_does_not_count)
{
    const char *peer = peer_id(true);
    for (unsigned i = 0; i < 8; i++) {
        FROM(peer, alive, 2);
        pass(250);
    }
    ck_assert(board_core_wants(core, 0));
}
END_TEST

START_TEST(a_departure_counts_at_once)
{
    const char *peer = peer_id(true);
    pass_with_peer(peer, 600);
    ck_assert(!board_core_wants(core, 0));
    FROM(peer, bye);
    ck_assert(board_core_wants(core, 0));
    pass_with_peer(peer, 600);
    ck_assert(!board_core_wants(core, 0));
    pass(250);
    forget_lines();
    FROM("g1", gone, id_of(peer));
    char probe[40], key[40];
    snprintf(probe, sizeof probe, "%s alive", peer);
    snprintf(key, sizeof key, "%s.many", peer);
    expect(probe); /* that can be said by anybody */
    board_core_returned(core, now, EXCHANGE_BOARD, key);
    turn();
    ck_assert(board_core_wants(core, 0));
}
END_TEST

/* [D13] */
START_TEST(a_broker_restart_moves_nothing)
{
    open_with_ann_drawing();
    board_core_link(core, now, false);
    board_core_bound(core, now, 0, false);
    pass(20000);
    forget_lines();
    board_core_link(core, now, true);
    board_core_bound(core, now, 0, true);
    turn();
    expect("all sync 0");
    draw("g1", "ann", 11, 3, 1);
    expect("g1 events 4..4 mark 3 head 4 epoch 2");
    expect_no("released");
}
END_TEST

/* [D13] */
START_TEST(whoever_was_frozen_takes_nobody_for_dead)
{
    pass_with_peer(peer_id(true), 600);
    ck_assert(!board_core_wants(core, 0));
    now += 10000; /* no turn in between */
    turn();
    ck_assert(!board_core_wants(core, 0));
    pass(1100);
    ck_assert(board_core_wants(core, 0));
}
END_TEST

/* [D14] */
START_TEST(whoever_was_frozen_takes_no_pen_and_no_seat_for_it)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    pass(50);
    attach("g1", 2, 3, "ann/11 lost, bob/12, cat/13 ask");
    forget_lines();
    now += 60000;
    turn();
    expect("history probe epoch 2");
    expect("g1 events 4..4 mark 3 head 4 epoch 2");
    pass(GRACE_MS - 100);
    ck_assert_uint_eq(board_core_stats(core)->grants, 1);
    pass(200);
    ck_assert_uint_eq(board_core_stats(core)->grants, 2);
}
END_TEST

START_TEST(frames_of_a_shard_that_is_not_ours_are_answered_at_most_every_100_ms)
{
    board_core_bound(core, now, 0, false);
    for (unsigned i = 1; i <= 10; i++)
        draw("g1", "ann", 11, 3, i);
    expect_count("not_owner", 1);
    pass(100);
    draw("g1", "ann", 11, 3, 11);
    expect_count("not_owner", 2);
}
END_TEST

/* ---- leaving --------------------------------------------------------------------------------- */

START_TEST(who_leaves_stores_all_releases_its_boards_and_says_bye)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    board_core_leave(core, now);
    turn();
    expect("history append 4..5 epoch 2 released");
    expect_no("bye");
    draw("g1", "ann", 11, 3, 2);
    expect_no("not_owner");
    stored(2, 5);
    expect("g1 mark 5 head 5 epoch 2");
    expect("peers bye");
    ck_assert(board_core_left(core));
}
END_TEST

START_TEST(who_leaves_waits_for_history_at_most_500_ms)
{
    open_with_ann_drawing();
    board_core_leave(core, now);
    turn();
    pass(490);
    expect_no("bye");
    pass(20);
    expect("peers bye");
    ck_assert(board_core_left(core));
    ck_assert_uint_eq(board_core_stats(core)->boards_open, 0);
}
END_TEST

START_TEST(who_leaves_sleeps_while_it_waits_also_when_another_leaves)
{
    const char *peer = peer_id(false);
    pass_with_peer(peer, 600);
    open_with_ann_drawing();
    board_core_leave(core, now);
    turn();
    FROM(peer, bye);
    turn();
    ck_assert_uint_gt(board_core_deadline(core), now);
}
END_TEST

START_TEST(who_leaves_without_boards_is_gone_at_once)
{
    board_core_leave(core, now);
    turn();
    expect("peers bye");
    ck_assert(board_core_left(core));
}
END_TEST

START_TEST(who_leaves_while_the_link_is_down_does_not_wait_for_it)
{
    open_with_ann_drawing();
    board_core_link(core, now, false);
    board_core_leave(core, now);
    turn();
    pass(600);
    ck_assert(board_core_left(core));
}
END_TEST

START_TEST(a_heartbeat_goes_out_every_250_ms_while_the_link_is_up)
{
    forget_lines();
    pass(2000);
    expect_count("peers alive", 8);
    board_core_link(core, now, false);
    forget_lines();
    pass(2000);
    expect_no("alive");
}
END_TEST

/* ---- messages -------------------------------------------------------------------------------- */

START_TEST(what_is_not_understood_is_counted_and_skipped)
{
    uint64_t bad = board_core_stats(core)->bad_messages;
    static const uint8_t junk[] = {0xc1, 0xff, 0x00};
    board_core_message(core, now, (struct span){junk, sizeof junk});
    board_core_message(core, now, (struct span){junk, 0});
    ck_assert_uint_eq(board_core_stats(core)->bad_messages, bad + 2);
    struct buf body = {0};
    PUT(&body, envelope, .version = BROKER_VERSION, .sender = id_of("g1"));
    PUT(&body, looked, .board = id_of(BOARD)); /* not for us: skipped */
    struct buf boards = {0};
    put_at_board(&boards, BOARD, 0, 0, 0, "ann/11");
    PUT(&body, attach, 0, ++list_number, 1, 1, list_of(1, &boards));
    board_core_message(core, now, buf_span(&body));
    turn();
    expect("history open over 0");
    ck_assert_uint_eq(board_core_stats(core)->bad_messages, bad + 2);
    buf_free(&body);
    buf_free(&boards);
}
END_TEST

START_TEST(a_message_of_a_version_to_come_is_not_read)
{
    struct buf body = {0};
    PUT(&body, envelope, .version = BROKER_VERSION + 1, .sender = id_of(peer_id(true)));
    PUT(&body, bye);
    uint64_t bad = board_core_stats(core)->bad_messages;
    board_core_message(core, now, buf_span(&body));
    ck_assert_uint_eq(board_core_stats(core)->bad_messages, bad + 1);
    buf_free(&body);
}
END_TEST

START_TEST(no_prefix_of_a_message_does_harm)
{
    open_with_ann_drawing();
    struct buf body = {0}, boards = {0};
    put_at_board(&boards, BOARD, 2, 3, 0, "ann/11 seated, bob/12, cat/13 own ask");
    PUT(&body, envelope, .version = BROKER_VERSION, .sender = id_of("g1"));
    PUT(&body, attach, 0, ++list_number, 1, 1, list_of(1, &boards));
    for (size_t len = 0; len <= body.len; len++) {
        uint8_t *copy = malloc(len ? len : 1); /* so that reading beyond is noticed */
        memcpy(copy, body.data, len);
        board_core_message(core, now, (struct span){copy, len});
        turn();
        free(copy);
    }
    expect("g1 state ann/11 term 3 base 0 ann bob cat-1");
    buf_free(&body);
    buf_free(&boards);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("board_owner");
    TCase *t = add_case(s, "opening");
    tcase_add_test(t, a_list_that_names_a_board_opens_it_over_the_newest_epoch_that_gateways_know);
    tcase_add_test(t, an_opened_board_is_told_with_its_new_epoch_and_the_open_event);
    tcase_add_test(t, an_open_without_an_answer_is_repeated_with_the_same_nonce);
    tcase_add_test(t, an_answer_to_another_nonce_is_ignored);
    tcase_add_test(t,
                   who_did_not_hold_the_board_asks_again_over_the_newest_epoch_when_the_wait_ends);
    tcase_add_test(t, a_refusal_that_gives_no_reason_is_not_answered_at_the_speed_of_the_wire);
    tcase_add_test(t, a_second_opened_for_a_board_that_is_open_changes_nothing);
    tcase_add_test(t, a_board_that_never_was_is_told_to_the_gateways_and_forgotten);
    tcase_add_test(t, only_history_decides_that_there_is_no_board);
    tcase_add_test(t, a_board_that_everybody_left_before_it_was_asked_for_is_forgotten);
    t = add_case(s, "losing a board");
    tcase_add_test(t, a_refused_append_drops_the_board_and_its_unstored_events);
    tcase_add_test(t, who_lost_a_board_to_one_it_does_not_hear_waits_2_to_6_s_and_lets_it_own);
    tcase_add_test(t, who_lost_a_board_to_a_replica_with_more_weight_counts_it_as_alive_for_6_s);
    tcase_add_test(t, who_lost_a_board_to_one_it_hears_gives_it_a_second_to_release_it);
    tcase_add_test(t, a_refusal_of_another_epoch_s_append_means_nothing);
    tcase_add_test(t, a_board_that_was_lost_is_opened_anew_with_a_new_nonce);
    tcase_add_test(t, a_gateway_that_knows_a_newer_epoch_makes_us_ask_history_about_ours);
    t = add_case(s, "letting go");
    tcase_add_test(t, sixty_seconds_after_the_last_member_left_the_board_is_released);
    tcase_add_test(t, a_released_board_is_forgotten_once_that_is_stored);
    tcase_add_test(t, the_release_is_repeated_until_it_is_stored);
    tcase_add_test(t, who_comes_back_while_a_board_is_released_opens_it_anew);
    tcase_add_test(t, a_board_to_delete_gets_a_deleted_event_and_is_gone_once_that_is_stored);
    tcase_add_test(t, an_owner_that_was_deaf_asks_history_also_when_all_is_stored);
    tcase_add_test(t, a_board_that_nobody_has_open_is_opened_to_delete_it);
    tcase_add_test(t, what_ends_a_log_is_the_last_thing_in_it);
    t = add_case(s, "shards");
    tcase_add_test(t, whoever_takes_a_shard_asks_all_gateways_for_their_lists);
    tcase_add_test(t, a_shard_counts_as_ours_only_when_its_key_is_bound);
    tcase_add_test(t, a_newcomer_with_more_weight_gets_the_shard_and_its_boards_are_let_go);
    tcase_add_test(t, gateways_learn_the_last_mark_of_a_board_that_is_let_go);
    tcase_add_test(t, a_peer_with_another_number_of_shards_does_not_count);
    tcase_add_test(t, a_departure_counts_at_once);
    tcase_add_test(t, a_broker_restart_moves_nothing);
    tcase_add_test(t, whoever_was_frozen_takes_nobody_for_dead);
    tcase_add_test(t, whoever_was_frozen_takes_no_pen_and_no_seat_for_it);
    tcase_add_test(t, frames_of_a_shard_that_is_not_ours_are_answered_at_most_every_100_ms);
    t = add_case(s, "leaving");
    tcase_add_test(t, who_leaves_stores_all_releases_its_boards_and_says_bye);
    tcase_add_test(t, who_leaves_waits_for_history_at_most_500_ms);
    tcase_add_test(t, who_leaves_sleeps_while_it_waits_also_when_another_leaves);
    tcase_add_test(t, who_leaves_without_boards_is_gone_at_once);
    tcase_add_test(t, who_leaves_while_the_link_is_down_does_not_wait_for_it);
    tcase_add_test(t, a_heartbeat_goes_out_every_250_ms_while_the_link_is_up);
    t = add_case(s, "messages");
    tcase_add_test(t, what_is_not_understood_is_counted_and_skipped);
    tcase_add_test(t, a_message_of_a_version_to_come_is_not_read);
    tcase_add_test(t, no_prefix_of_a_message_does_harm);
    return run_suite(s);
}
