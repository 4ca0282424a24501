/* SPDX-License-Identifier: Apache-2.0
 *
 * Joins, events, epochs and requests (DESIGN §5, §10).
 */
#include "gateway_test.h"

/* ---- join ------------------------------------------------------------------------------------ */

START_TEST(a_client_is_welcomed_when_the_owner_has_seated_it)
{
    struct client *cl = hello("draw ana", 11, 1, NIL, NIL);
    ck_assert_str_eq(pulls(cl), "");
    owner_sends(2, 3, 2, 2);
    owner_tells(2, 2, "ana", NULL);
    ck_assert(is_dirty(cl));
    ck_assert_str_eq(pulls(cl), "welcome@0 state mark 2/2");
}
END_TEST

START_TEST(a_client_is_told_what_gateway_and_owner_both_know)
{
    struct client *cl = hello("draw ana", 11, 1, NIL, NIL);
    knows = 0x80 | FEATURE_RESTORE;
    owner_tells(2, 2, "ana ben", NULL);
    pulls(cl);
    ck_assert_uint_eq(told_features, FEATURE_RESTORE);
    knows = 0; /* an owner of before */
    owner_tells(2, 2, "ana ben", NULL);
    pulls(hello("draw ben", 22, 1, NIL, NIL));
    ck_assert_uint_eq(told_features, 0);
}
END_TEST

START_TEST(who_does_not_know_what_a_board_uses_is_told_so)
{
    client_knows = 0;
    struct client *before = hello("draw ana", 11, 1, NIL, NIL);
    owner_tells(2, 2, "ana ben cat", NULL);
    ck_assert_str_eq(pulls(before), "welcome@0 state mark 2/2");
    client_knows = FEATURES;
    struct client *knowing = hello("draw cat", 33, 1, NIL, NIL);
    pulls(knowing);
    uses = FEATURE_RESTORE; /* from now on */
    owner_tells(2, 2, "ana ben cat", NULL);
    ck_assert_str_eq(pulls(before), "error too_old@0");
    ck_assert_uint_eq(close_code_of(before), 4426);
    ck_assert_uint_eq(close_code_of(knowing), 0);
    client_knows = 0;
    struct client *after = hello("draw ben", 22, 1, NIL, NIL);
    ck_assert_str_eq(pulls(after), "error too_old@0");
}
END_TEST

START_TEST(a_client_without_a_seat_is_told_that_the_board_is_full)
{
    struct client *cl = hello("draw ana", 11, 1, NIL, NIL);
    owner_tells(2, 2, "ben", "ana");
    ck_assert_str_eq(pulls(cl), "full 10 error full@0");
    ck_assert_uint_eq(close_code_of(cl), 4423);
}
END_TEST

START_TEST(a_client_that_is_asked_to_go_is_served_on)
{
    two_on_a_board();
    ck_assert(client_goaway(viewer, 1000));
    ck_assert(is_dirty(viewer));
    ck_assert_str_eq(pulls(viewer), "goaway");
    owner_sends(2, 4, 4, 3);
    ck_assert_str_eq(pulls(viewer), "event 4");
    ck_assert_uint_eq(close_code_of(viewer), 0);
}
END_TEST

START_TEST(a_client_that_was_not_welcomed_is_not_asked_to_go)
{
    struct client *cl = hello("draw ana", 11, 1, NIL, NIL);
    ck_assert(!client_goaway(cl, 1000));
    ck_assert_str_eq(pulls(cl), "");
}
END_TEST

START_TEST(an_unknown_board_is_no_board)
{
    struct client *cl = hello("draw ana", 11, 1, NIL, NIL);
    message_from("b2");
    PUT(&body, no_board, id_of(BOARD));
    deliver();
    ck_assert_str_eq(pulls(cl), "error no_board@0");
    ck_assert_uint_eq(close_code_of(cl), 4404);
}
END_TEST

START_TEST(a_wrong_token_is_forbidden)
{
    struct client *cl = hello("?", 11, 1, NIL, NIL);
    ck_assert_str_eq(pulls(cl), "error forbidden@1");
    ck_assert_uint_eq(close_code_of(cl), 4403);
}
END_TEST

START_TEST(a_connection_ends_when_its_token_does)
{
    struct client *lasting = hello("draw ben", 12, 1, NIL, NIL);
    struct client *cl = hello("draw ana 10000", 11, 1, NIL, NIL);
    struct client *waiting = hello("draw eve 10000", 13, 1, NIL, NIL);
    owner_tells(2, 2, "ana ben", NULL);
    pulls(cl), pulls(lasting), pulls(waiting);
    tick(9999);
    ck_assert_uint_eq(close_code_of(cl), 0);
    for (unsigned i = 0; i < 100; i++) /* all are looked at every few seconds */
        tick(50);
    enum error_code error;
    ck_assert(client_ends(cl, &error));
    ck_assert_int_eq(error, ERROR_expired);
    ck_assert_str_eq(pulls(cl), "error expired@0");
    ck_assert_uint_eq(close_code_of(waiting), 4403);
    ck_assert_uint_eq(close_code_of(lasting), 0);
}
END_TEST

START_TEST(the_first_frame_must_be_a_hello)
{
    struct client *cl = opens();
    draws(cl, 1, 1);
    ck_assert_str_eq(pulls(cl), "error bad_frame@1");
    ck_assert_uint_eq(close_code_of(cl), 4400);
}
END_TEST

START_TEST(a_client_resumes_from_its_mark)
{
    two_on_a_board();
    owner_sends(2, 4, 9, 9);
    struct client *cl = hello("watch cem", 33, 1, 6, NIL);
    owner_tells(2, 9, "ana ben cem", NULL);
    ck_assert_str_eq(pulls(cl), "welcome@6 state event 7 event 8 event 9 mark 9/9");
}
END_TEST

START_TEST(a_second_tab_replaces_the_first)
{
    two_on_a_board();
    struct client *second = hello("draw ana", 12, 1, NIL, NIL);
    ck_assert_str_eq(pulls(drawer), "error replaced@0");
    ck_assert_uint_eq(close_code_of(drawer), 4409);
    ck_assert_str_eq(pulls(second), "welcome@0 state mark 3/3");
}
END_TEST

START_TEST(a_lower_conn_of_the_same_page_is_refused)
{
    two_on_a_board();
    struct client *old = hello("draw ana", 11, 1, NIL, NIL);
    ck_assert_str_eq(pulls(old), "error replaced@1");
    ck_assert_uint_eq(close_code_of(drawer), 0);
}
END_TEST

/* ---- events ---------------------------------------------------------------------------------- */

START_TEST(events_fan_out_before_they_are_stored)
{
    two_on_a_board();
    owner_sends(2, 4, 5, 3);
    ck_assert_str_eq(pulls(viewer), "event 4 event 5");
}
END_TEST

START_TEST(a_repeated_event_is_sent_once)
{
    two_on_a_board();
    owner_sends(2, 4, 5, 3);
    owner_sends(2, 4, 6, 3);
    ck_assert_str_eq(pulls(viewer), "event 4 event 5 event 6");
}
END_TEST

START_TEST(a_hole_of_unstored_events_waits_for_the_owner)
{
    two_on_a_board();
    owner_sends(2, 6, 7, 3);
    ck_assert_str_eq(pulls(viewer), "");
    owner_sends(2, 4, 7, 3);
    ck_assert_str_eq(pulls(viewer), "event 4 event 5 event 6 event 7");
}
END_TEST

START_TEST(many_waiting_events_are_joined_into_one_message)
{
    two_on_a_board();
    owner_sends(2, 4, 23, 3);
    static struct pull p;
    client_pull(viewer, now, &p);
    ck_assert_uint_le(p.count, 5);
    client_pulled(viewer, &p, p.count);
    ck_assert_str_eq(pulls(viewer), "");
}
END_TEST

START_TEST(a_pull_that_was_not_sent_changes_nothing)
{
    two_on_a_board();
    owner_sends(2, 4, 5, 3);
    ck_assert_str_eq(pulls_at_most(viewer, 0), "");
    ck_assert_str_eq(pulls_at_most(viewer, 1), "event 4");
    ck_assert_str_eq(pulls(viewer), "event 5");
}
END_TEST

START_TEST(a_drawer_gets_runs_in_place_of_its_own_frames)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    owner_sends(2, 4, 6, 3);
    ck_assert(!is_dirty(drawer));
    owner_sends(2, 7, 6, 6);
    tick(100);
    ck_assert(is_dirty(drawer));
    ck_assert_str_eq(pulls(drawer), "own 4=1+3 mark 6/6");
}
END_TEST

/* Who reads again what she drew before, may not have it any more. */
START_TEST(what_did_not_come_by_this_connection_goes_as_it_is_to_its_drawer_too)
{
    two_on_a_board();
    draws(drawer, 3, 2); /* the first one went by another */
    owner_sends(2, 4, 6, 6);
    ck_assert_str_eq(pulls(drawer), "event 4 own 5=2+2 mark 6/6");
}
END_TEST

/* It tells where the picture begins again, which its drawer may not know. */
START_TEST(a_restore_comes_to_its_drawer_as_the_event_that_it_is)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    struct buf events = {0};
    put_event(&events, 4, 3, 1);
    PUT(&events, ev_restore, .offset = 5, .term = 3, .cseq = 2, .clear = 2, .start = 0);
    put_event(&events, 6, 3, 3);
    message_from_owner(2);
    PUT(&body, events, id_of(BOARD), 2, 4, 6, 6, 0, buf_span(&events));
    deliver();
    buf_free(&events);
    ck_assert_str_eq(pulls(drawer), "own 4=1+1 event 5 own 6=3+1 mark 6/6");
}
END_TEST

START_TEST(a_mark_that_covers_a_grant_goes_at_once)
{
    two_on_a_board();
    owner_grants(2, 4, "ben", 22, 3);
    pulls(viewer);
    is_dirty(NULL);
    owner_sends(2, 5, 4, 4);
    ck_assert(is_dirty(viewer));
    ck_assert_str_eq(pulls(viewer), "mark 4/4");
}
END_TEST

/* The mark moves every 20 ms for two seconds. */
static unsigned marks_told(struct client *cl, bool events_too)
{
    unsigned told = 0;
    for (unsigned i = 0; i < 100; i++) {
        if (events_too)
            owner_sends(2, 4 + i, 4 + i, 3 + i);
        pulls(cl); /* what rides on events */
        if (!events_too)
            owner_sends(2, 104, 103, 4 + i);
        tick(20);
        told += strstr(pulls(cl), "mark") != NULL;
    }
    return told;
}

START_TEST(marks_alone_come_to_a_drawer_every_100_ms_at_most)
{
    two_on_a_board();
    owner_sends(2, 4, 103, 3);
    unsigned told = marks_told(drawer, false);
    ck_assert_uint_ge(told, 10);
    ck_assert_uint_le(told, 20);
}
END_TEST

START_TEST(marks_alone_come_to_a_viewer_every_500_ms_at_most)
{
    two_on_a_board();
    owner_sends(2, 4, 103, 3);
    unsigned told = marks_told(viewer, false);
    ck_assert_uint_ge(told, 2);
    ck_assert_uint_le(told, 4);
}
END_TEST

START_TEST(a_mark_that_rides_on_events_never_comes_alone)
{
    two_on_a_board();
    ck_assert_uint_eq(marks_told(viewer, true), 0);
}
END_TEST

START_TEST(after_a_pause_a_mark_comes_to_the_drawer_at_the_next_tick)
{
    two_on_a_board();
    tick(1000);
    owner_sends(2, 4, 4, 3);
    pulls(drawer);
    owner_sends(2, 5, 4, 4);
    tick(50);
    ck_assert_str_eq(pulls(drawer), "mark 4/4");
}
END_TEST

START_TEST(after_a_pause_a_viewers_mark_still_waits_for_an_event_to_ride_on)
{
    two_on_a_board();
    tick(1000);
    owner_sends(2, 4, 4, 3);
    ck_assert_str_eq(pulls(viewer), "event 4");
    owner_sends(2, 5, 4, 4);
    tick(400);
    ck_assert_str_eq(pulls(viewer), "");
    owner_sends(2, 5, 5, 4);
    ck_assert_str_eq(pulls(viewer), "event 5 mark 4/5");
    owner_sends(2, 6, 5, 5);
    tick(450);
    ck_assert_str_eq(pulls(viewer), "");
    tick(100);
    ck_assert_str_eq(pulls(viewer), "mark 5/5");
}
END_TEST

START_TEST(a_state_that_is_repeated_is_told_once)
{
    two_on_a_board();
    pulls(viewer);
    owner_tells(2, 3, "ana ben", NULL);
    ck_assert_str_eq(pulls(viewer), "");
    owner_tells(2, 3, "ana ben cem", NULL);
    ck_assert_str_eq(pulls(viewer), "state");
}
END_TEST

START_TEST(a_silent_client_hears_head_and_mark_every_few_seconds)
{
    two_on_a_board();
    is_dirty(NULL);
    for (int i = 0; i < 140; i++)
        tick(50);
    ck_assert(is_dirty(viewer));
    ck_assert_str_eq(pulls(viewer), "mark 3/3");
}
END_TEST

START_TEST(a_board_whose_owner_is_silent_is_counted_after_15_s)
{
    two_on_a_board();
    owner_sends(2, 4, 4, 3);
    now += OWNER_SILENT_MS - 1;
    ck_assert_uint_eq(gateway_core_unowned_boards(core, now), 0);
    ck_assert_uint_eq(gateway_core_unowned_boards(core, ++now), 1);
    owner_sends(1, 5, 5, 3); /* an owner of the past */
    ck_assert_uint_eq(gateway_core_unowned_boards(core, now), 1);
    owner_sends(2, 5, 5, 3);
    ck_assert_uint_eq(gateway_core_unowned_boards(core, now), 0);
}
END_TEST

/* ---- cuts ------------------------------------------------------------------------------------ */

START_TEST(a_new_epoch_cuts_back_to_the_mark)
{
    two_on_a_board();
    owner_sends(2, 4, 8, 5);
    pulls(viewer);
    owner_sends(9, 6, 6, 5);
    ck_assert_str_eq(pulls(viewer), "cut 5 event 6");
}
END_TEST

/* [D26] */
START_TEST(a_cursor_that_has_not_run_gets_one_cut_to_the_smallest_offset)
{
    two_on_a_board();
    owner_sends(2, 4, 9, 4);
    pulls(viewer);
    owner_sends(9, 5, 8, 4);
    owner_sends(12, 5, 9, 4);
    ck_assert_str_eq(pulls(viewer), "cut 4 event 5 event 6 event 7 event 8 event 9");
}
END_TEST

START_TEST(an_older_epoch_is_ignored)
{
    two_on_a_board();
    owner_sends(9, 4, 4, 3);
    pulls(viewer);
    owner_sends(2, 5, 7, 7);
    ck_assert_str_eq(pulls(viewer), "");
}
END_TEST

/* [D27] */
START_TEST(a_mark_of_another_epoch_says_nothing_about_events_beyond)
{
    two_on_a_board();
    owner_sends(2, 4, 6, 3);
    pulls(viewer);
    owner_sends(9, 30, 29, 29); /* far ahead: 4..6 may be others there */
    ck_assert_str_eq(pulls(viewer), "cut 3");
}
END_TEST

/* ---- requests -------------------------------------------------------------------------------- */

static unsigned request_of(const char *member)
{
    struct msg_at_board board;
    struct msg_at_member m;
    struct list boards = last_attach.boards;
    while (NEXT(&boards, at_board, &board) > 0)
        while (NEXT(&board.members, at_member, &m) > 0)
            if (strcmp(m.member.text, member) == 0)
                return (unsigned)m.request;
    return 99;
}

static void asks(struct client *cl)
{
    struct buf b = {0};
    message_put(&b, &TYPE_ask, &(char){0});
    says(cl, &b);
}

START_TEST(a_request_stands_in_the_attach_list_until_a_stored_grant_serves_it)
{
    two_on_a_board();
    struct client *dia = hello("draw dia", 44, 1, NIL, NIL);
    owner_tells(2, 3, "ana ben dia", NULL);
    pulls(dia);
    asks(dia);
    tick(50);
    sent();
    ck_assert_uint_eq(request_of("dia"), REQUEST_ASK);
    owner_grants(2, 4, "dia", 44, 3);
    tick(2000);
    sent();
    ck_assert_uint_eq(request_of("dia"), REQUEST_NONE);
    owner_sends(9, 4, 3, 3); /* the grant is rewound */
    tick(2000);
    sent();
    ck_assert_uint_eq(request_of("dia"), REQUEST_ASK);
    owner_grants(9, 4, "dia", 44, 4);
    owner_sends(12, 5, 4, 4);
    tick(2000);
    sent();
    ck_assert_uint_eq(request_of("dia"), REQUEST_NONE);
}
END_TEST

START_TEST(a_watcher_cannot_ask_for_the_pen)
{
    two_on_a_board();
    asks(viewer);
    ck_assert_str_eq(pulls(viewer), "error not_allowed@2");
}
END_TEST

/* ---- the owner ------------------------------------------------------------------------------- */

START_TEST(a_returned_frame_tells_all_that_its_replica_is_gone)
{
    two_on_a_board();
    gateway_core_returned(core, now, EXCHANGE_BOARD, "b2.k3v9x2mq4t");
    ck_assert_str_eq(sent(), "gone ");
    draws(drawer, 3, 1);
    sent();
    ck_assert_str_eq(last_key, "s00.k3v9x2mq4t");
}
END_TEST

START_TEST(clients_hear_when_the_broker_is_away)
{
    two_on_a_board();
    gateway_core_link(core, now, false);
    ck_assert(is_dirty(viewer));
    ck_assert_str_eq(pulls(viewer), "mark 3/3 trouble");
    gateway_core_link(core, now, true);
    ck_assert_str_eq(pulls(viewer), "mark 3/3");
}
END_TEST

/* ---- what is measured ------------------------------------------------------------------------ */

START_TEST(the_event_of_a_frame_is_followed_until_a_viewer_has_it)
{
    two_on_a_board();
    uint64_t read_at = now += 10;
    draws(drawer, 3, 1);
    now += 7;
    owner_sends(2, 4, 4, 3);
    pulls(drawer);
    ck_assert_uint_eq(drawn, 0);
    pulls_at_most(viewer, 0);
    ck_assert_uint_eq(drawn, 0);
    pulls(viewer);
    ck_assert_uint_eq(drawn, read_at);
    pulls(viewer);
    ck_assert_uint_eq(drawn, 0);
}
END_TEST

START_TEST(one_frame_in_eight_is_followed)
{
    two_on_a_board();
    unsigned followed = 0;
    for (unsigned cseq = 1; cseq <= 16; cseq++) {
        draws(drawer, 3, cseq);
        owner_sends(2, 3 + cseq, 3 + cseq, 3);
        pulls(viewer);
        followed += drawn != 0;
    }
    ck_assert_uint_eq(followed, 2);
}
END_TEST

START_TEST(an_event_that_was_cut_is_followed_no_more)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    owner_sends(2, 4, 4, 3);
    now += 1000;
    struct buf events = {0};
    put_event(&events, 4, 2, 9); /* another one has its place */
    message_from("b9");
    PUT(&body, events, id_of(BOARD), 9, 4, 4, 3, 0, buf_span(&events));
    deliver();
    buf_free(&events);
    ck_assert_str_eq(pulls(viewer), "event 4");
    ck_assert_uint_eq(drawn, 0);
}
END_TEST

START_TEST(the_time_until_a_frame_is_stored_is_counted_once)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 2);
    owner_sends(2, 4, 5, 3);
    const struct histogram *h = &gateway_core_stats(core)->stored_seconds;
    ck_assert_uint_eq(gateway_core_stats(core)->frames_kept, 2);
    ck_assert(h->sum == 0);
    now += 250;
    owner_sends(2, 6, 5, 5);
    owner_sends(2, 6, 5, 5);
    ck_assert_uint_eq(gateway_core_stats(core)->frames_kept, 0);
    ck_assert(h->sum == .5);
    ck_assert_uint_eq(h->count[7], 2); /* up to 0.25 */
}
END_TEST

START_TEST(errors_are_counted_by_their_code)
{
    const uint64_t *errors = gateway_core_stats(core)->errors;
    hello("?", 11, 1, NIL, NIL);
    draws(opens(), 1, 1);
    ck_assert_uint_eq(errors[ERROR_forbidden], 1);
    ck_assert_uint_eq(errors[ERROR_bad_frame], 1);
    ck_assert_uint_eq(errors[ERROR_full], 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("gateway core");
    TCase *t = tcase_create("gateway core");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_client_is_welcomed_when_the_owner_has_seated_it);
    tcase_add_test(t, a_client_is_told_what_gateway_and_owner_both_know);
    tcase_add_test(t, who_does_not_know_what_a_board_uses_is_told_so);
    tcase_add_test(t, a_client_without_a_seat_is_told_that_the_board_is_full);
    tcase_add_test(t, an_unknown_board_is_no_board);
    tcase_add_test(t, a_wrong_token_is_forbidden);
    tcase_add_test(t, a_connection_ends_when_its_token_does);
    tcase_add_test(t, the_first_frame_must_be_a_hello);
    tcase_add_test(t, a_client_resumes_from_its_mark);
    tcase_add_test(t, a_second_tab_replaces_the_first);
    tcase_add_test(t, a_lower_conn_of_the_same_page_is_refused);
    tcase_add_test(t, events_fan_out_before_they_are_stored);
    tcase_add_test(t, a_repeated_event_is_sent_once);
    tcase_add_test(t, a_hole_of_unstored_events_waits_for_the_owner);
    tcase_add_test(t, many_waiting_events_are_joined_into_one_message);
    tcase_add_test(t, a_pull_that_was_not_sent_changes_nothing);
    tcase_add_test(t, a_drawer_gets_runs_in_place_of_its_own_frames);
    tcase_add_test(t, what_did_not_come_by_this_connection_goes_as_it_is_to_its_drawer_too);
    tcase_add_test(t, a_restore_comes_to_its_drawer_as_the_event_that_it_is);
    tcase_add_test(t, a_mark_that_covers_a_grant_goes_at_once);
    tcase_add_test(t, marks_alone_come_to_a_drawer_every_100_ms_at_most);
    tcase_add_test(t, marks_alone_come_to_a_viewer_every_500_ms_at_most);
    tcase_add_test(t, a_mark_that_rides_on_events_never_comes_alone);
    tcase_add_test(t, after_a_pause_a_mark_comes_to_the_drawer_at_the_next_tick);
    tcase_add_test(t, after_a_pause_a_viewers_mark_still_waits_for_an_event_to_ride_on);
    tcase_add_test(t, a_state_that_is_repeated_is_told_once);
    tcase_add_test(t, a_silent_client_hears_head_and_mark_every_few_seconds);
    tcase_add_test(t, a_board_whose_owner_is_silent_is_counted_after_15_s);
    tcase_add_test(t, a_new_epoch_cuts_back_to_the_mark);
    tcase_add_test(t, a_cursor_that_has_not_run_gets_one_cut_to_the_smallest_offset);
    tcase_add_test(t, an_older_epoch_is_ignored);
    tcase_add_test(t, a_mark_of_another_epoch_says_nothing_about_events_beyond);
    tcase_add_test(t, a_request_stands_in_the_attach_list_until_a_stored_grant_serves_it);
    tcase_add_test(t, a_watcher_cannot_ask_for_the_pen);
    tcase_add_test(t, a_client_that_is_asked_to_go_is_served_on);
    tcase_add_test(t, a_client_that_was_not_welcomed_is_not_asked_to_go);
    tcase_add_test(t, a_returned_frame_tells_all_that_its_replica_is_gone);
    tcase_add_test(t, clients_hear_when_the_broker_is_away);
    tcase_add_test(t, the_event_of_a_frame_is_followed_until_a_viewer_has_it);
    tcase_add_test(t, one_frame_in_eight_is_followed);
    tcase_add_test(t, an_event_that_was_cut_is_followed_no_more);
    tcase_add_test(t, the_time_until_a_frame_is_stored_is_counted_once);
    tcase_add_test(t, errors_are_counted_by_their_code);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
