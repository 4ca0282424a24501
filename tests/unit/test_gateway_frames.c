/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a client's frames.
 */
#include "gateway_test.h"

/* ---- frames ---------------------------------------------------------------------------------- */

START_TEST(a_frame_goes_to_the_owner_and_is_repeated_until_it_stands_in_the_log)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    ck_assert_str_eq(sent(), "frame 3/1 ");
    ck_assert_str_eq(last_key, "b2.k3v9x2mq4t");
    tick(1000);
    ck_assert_str_eq(sent(), "frame 3/1 ");
    owner_sends(2, 4, 4, 3);
    tick(1000);
    ck_assert_str_eq(sent(), "");
}
END_TEST

START_TEST(frames_that_a_cut_took_from_the_log_are_sent_to_the_new_owner)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 2);
    owner_sends(2, 4, 5, 4);
    sent();
    owner_sends(9, 5, 4, 4);
    ck_assert_str_eq(sent(), "frame 3/2 ");
    ck_assert_str_eq(last_key, "b9.k3v9x2mq4t");
}
END_TEST

START_TEST(stored_frames_are_forgotten)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    owner_sends(2, 4, 4, 4);
    ck_assert_uint_eq(gateway_core_stats(core)->frame_bytes, 0);
}
END_TEST

START_TEST(frames_beyond_the_last_one_of_an_ended_term_are_lost)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    struct buf events = {0};
    PUT(&events, ev_grant, 4, 5, id_of("ben"), 22, {0}, 3, 0);
    message_from("b2");
    PUT(&body, events, id_of(BOARD), 2, 4, 4, 4, 0, buf_span(&events));
    deliver();
    buf_free(&events);
    ck_assert_uint_eq(gateway_core_stats(core)->frame_bytes, 0);
    ck_assert_uint_eq(gateway_core_stats(core)->lost, 1);
    ck_assert(gateway_core_stats(core)->stored_seconds.sum == 0);
}
END_TEST

START_TEST(a_dead_connection_keeps_its_frames_until_they_are_stored)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    closes(drawer);
    sent();
    tick(1000);
    ck_assert_str_eq(sent(), "frame 3/1 ");
    owner_sends(2, 4, 4, 4);
    ck_assert_uint_eq(gateway_core_stats(core)->frame_bytes, 0);
}
END_TEST

START_TEST(a_jump_in_cseq_closes_the_connection)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 3);
    ck_assert_str_eq(pulls(drawer), "error bad_frame@3");
}
END_TEST

START_TEST(frames_sent_again_after_a_reconnect_are_taken_once)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 2);
    sent();
    struct client *again = hello("draw ana", 11, 2, 3, NIL);
    pulls(again);
    draws(again, 3, 1);
    draws(again, 3, 2);
    draws(again, 3, 3);
    ck_assert_str_eq(sent(), "frame 3/3 ");
}
END_TEST

START_TEST(a_viewer_who_draws_is_refused_and_stays)
{
    two_on_a_board();
    draws(viewer, 3, 1);
    ck_assert_str_eq(pulls(viewer), "error not_drawer@2");
    ck_assert_uint_eq(close_code_of(viewer), 0);
    ck_assert_str_eq(sent(), "");
}
END_TEST

START_TEST(the_owners_refusal_names_the_frame)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    message_from("b2");
    PUT(&body, not_drawer, id_of(BOARD), 2, id_of("ana"), 11, 3, 1);
    deliver();
    ck_assert_str_eq(pulls(drawer), "error not_drawer@2");
    ck_assert_uint_eq(gateway_core_stats(core)->frame_bytes, 0);
}
END_TEST

/* [D4] */
START_TEST(a_term_beyond_every_mark_that_the_client_was_told_is_made_up)
{
    two_on_a_board();
    owner_sends(2, 4, 9, 3); /* not stored: a grant among these would be no term yet */
    ck_assert_str_eq(pulls(drawer), "event 4 event 5 event 6 event 7 event 8 event 9");
    draws(drawer, 4, 1);
    ck_assert_str_eq(pulls(drawer), "error not_drawer@2");
    owner_sends(2, 10, 9, 9);
    draws(drawer, 9, 1); /* stored, and told by now to nobody */
    tick(100);
    ck_assert_str_eq(pulls(drawer), "mark 9/9 error not_drawer@3");
    ck_assert_str_eq(sent(), "");
    draws(drawer, 9, 1); /* it may be: the owner knows */
    ck_assert_str_eq(sent(), "frame 9/1 ");
    ck_assert_str_eq(pulls(drawer), "");
}
END_TEST

static void history_tail(uint64_t tail)
{
    message_from("h1");
    PUT(&body, behind, id_of(BOARD), last_nonce, tail);
    deliver();
}

START_TEST(a_client_that_resumes_is_ahead_of_its_gateway_when_history_says_so)
{
    two_on_a_board();
    struct client *cl = hello("draw ana", 11, 2, 50, NIL);
    sent();
    history_tail(60);
    ck_assert_str_eq(pulls(cl), "welcome@50 state mark 3/3");
    draws(cl, 50, 1);
    ck_assert_str_eq(sent(), "frame 50/1 ");
    draws(cl, 51, 1);
    ck_assert_str_eq(pulls(cl), "error not_drawer@3");
    ck_assert_str_eq(sent(), "");
}
END_TEST

/* [D8] */
START_TEST(an_owner_that_is_behind_its_client_puts_it_at_no_fault)
{
    two_on_a_board();
    struct client *cl = hello("draw ana", 11, 2, 50, NIL);
    sent();
    history_tail(60);
    pulls(cl);
    draws(cl, 50, 7);
    for (unsigned i = 0; i < 20; i++) {
        message_from("b2");
        PUT(&body, want, id_of(BOARD), 2, id_of("ana"), 11, 50, 1, 0);
        deliver();
        now += 100;
    }
    ck_assert_str_eq(pulls(cl), "");
    ck_assert_uint_eq(gateway_core_stats(core)->wants, 20);
    ck_assert_uint_eq(gateway_core_stats(core)->frames_kept, 1);
}
END_TEST

/* It may know more than the answer to an older question tells. */
START_TEST(who_comes_while_history_is_asked_for_its_tail_is_not_told_to_begin_anew)
{
    two_on_a_board();
    hello("draw ana", 11, 2, 50, NIL);
    sent();
    uint64_t nonce = last_nonce;
    tick(500);
    struct client *late = hello("watch ben", 22, 2, 60, NIL);
    tick(600); /* the question goes again */
    sent();
    last_nonce = nonce;
    history_tail(55);
    ck_assert_ptr_null(strstr(pulls(late), "error"));
    sent();
    ck_assert_uint_ne(last_nonce, nonce);
    history_tail(60);
    ck_assert_ptr_nonnull(strstr(pulls(late), "welcome@60"));
}
END_TEST

START_TEST(a_busy_board_pauses_its_drawer_only)
{
    two_on_a_board();
    message_from("b2");
    PUT(&body, board_state, .board = id_of(BOARD), .epoch = 2, .number = state_number++, .head = 3,
        .mark = 3, .holder = id_of("ana"), .instance = 11, .term = 3, .seats = 10);
    PUT(&body, events, id_of(BOARD), 2, 4, 3, 3, MARK_BUSY, {0});
    deliver();
    ck_assert(client_paused(drawer));
    ck_assert(!client_paused(viewer));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("gateway frames");
    TCase *t = tcase_create("gateway frames");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_frame_goes_to_the_owner_and_is_repeated_until_it_stands_in_the_log);
    tcase_add_test(t, frames_that_a_cut_took_from_the_log_are_sent_to_the_new_owner);
    tcase_add_test(t, stored_frames_are_forgotten);
    tcase_add_test(t, frames_beyond_the_last_one_of_an_ended_term_are_lost);
    tcase_add_test(t, a_dead_connection_keeps_its_frames_until_they_are_stored);
    tcase_add_test(t, a_jump_in_cseq_closes_the_connection);
    tcase_add_test(t, frames_sent_again_after_a_reconnect_are_taken_once);
    tcase_add_test(t, a_viewer_who_draws_is_refused_and_stays);
    tcase_add_test(t, the_owners_refusal_names_the_frame);
    tcase_add_test(t, a_term_beyond_every_mark_that_the_client_was_told_is_made_up);
    tcase_add_test(t, a_client_that_resumes_is_ahead_of_its_gateway_when_history_says_so);
    tcase_add_test(t, an_owner_that_is_behind_its_client_puts_it_at_no_fault);
    tcase_add_test(t, who_comes_while_history_is_asked_for_its_tail_is_not_told_to_begin_anew);
    tcase_add_test(t, a_busy_board_pauses_its_drawer_only);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
