/* SPDX-License-Identifier: Apache-2.0
 *
 * Joins, events, epochs, frames and replay (DESIGN §5, §10).
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
    owner_sends(2, 4, 6, 3);
    ck_assert(!is_dirty(drawer));
    owner_sends(2, 7, 6, 6);
    tick(100);
    ck_assert(is_dirty(drawer));
    ck_assert_str_eq(pulls(drawer), "own 4=1+3 mark 6/6");
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
    ck_assert_str_eq(pulls(drawer), "own 4=1+6");
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
    client_left(viewer, now);
    closes(viewer);
    ck_assert_str_eq(listed(), "ben/22 lost left seated unsaid, ana/11 seated");
    tick(5100);
    ck_assert_str_eq(listed(), "ana/11 seated");
}
END_TEST

START_TEST(whose_page_goes_has_left_when_it_is_not_back_soon)
{
    two_on_a_board();
    client_goes(viewer);
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
    client_goes(viewer);
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
        client_left(cl, now);
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

START_TEST(a_watcher_cannot_ask_for_the_pen)
{
    two_on_a_board();
    asks(viewer);
    ck_assert_str_eq(pulls(viewer), "error not_allowed@2");
}
END_TEST

/* ---- replay ---------------------------------------------------------------------------------- */

static void history_pages(uint64_t nonce, uint64_t epoch, uint64_t from, uint64_t to)
{
    struct buf events = {0};
    for (uint64_t at = from; at <= to; at++)
        put_event(&events, at, 1, (uint32_t)at);
    message_from("h1");
    PUT(&body, page, id_of(BOARD), nonce, epoch, from, to, to, buf_span(&events));
    deliver();
    buf_free(&events);
}

START_TEST(a_page_from_history_leads_into_the_window)
{
    struct client *cl = hello("watch ben", 22, 1, 0, NIL);
    owner_sends(2, 4, 5, 3);
    owner_tells(2, 3, "ben", NULL);
    ck_assert_str_eq(pulls(cl), "welcome@0 state mark 3/5");
    ck_assert_str_eq(sent(), "read 1 ");
    history_pages(last_nonce, 2, 1, 3);
    ck_assert(is_dirty(cl));
    ck_assert_str_eq(pulls(cl), "event 1 event 2 event 3 event 4 event 5");
}
END_TEST

/* Ben begins at 1, the window at 4: history was asked for a page. */
static struct client *reader(void)
{
    struct client *cl = hello("watch ben", 22, 1, 0, NIL);
    owner_sends(2, 4, 5, 3);
    owner_tells(2, 3, "ben", NULL);
    pulls(cl);
    sent();
    return cl;
}

START_TEST(a_lost_read_is_asked_again)
{
    struct client *cl = reader();
    tick(1100);
    ck_assert(is_dirty(cl));
    pulls(cl);
    ck_assert_str_eq(sent(), "read 1 ");
}
END_TEST

/* A slow store: each answer takes longer than the gateway waits before it asks again. */
START_TEST(an_answer_counts_however_late_and_the_question_goes_again_every_two_seconds)
{
    struct client *cl = reader();
    uint64_t nonce = last_nonce;
    unsigned asked = 0;
    for (unsigned i = 0; i < 100; i++) { /* after 1, 3, 5, 7 and 9 s */
        tick(100);
        pulls(cl);
        asked += strstr(sent(), "read 1 ") != NULL;
    }
    ck_assert_uint_eq(asked, 5);
    history_pages(nonce, 2, 1, 3);
    ck_assert_str_eq(pulls(cl), "event 1 event 2 event 3 event 4 event 5");
}
END_TEST

START_TEST(what_history_is_asked_goes_again_at_once_when_the_link_is_back)
{
    reader();
    tick(100);
    gateway_core_link(core, now, false);
    tick(100);
    gateway_core_link(core, now, true);
    tick(100);
    ck_assert_ptr_nonnull(strstr(sent(), "read 1 "));
    tick(100);
    ck_assert_ptr_null(strstr(sent(), "read"));
}
END_TEST

START_TEST(the_offset_of_a_time_is_found_however_late)
{
    struct client *cl = hello("watch ben", 22, 1, NIL, 777);
    owner_sends(2, 6, 5, 5);
    owner_tells(2, 5, "ben", NULL);
    sent();
    uint64_t nonce = last_nonce;
    for (unsigned i = 0; i < 40; i++) {
        tick(100);
        pulls(cl);
        sent();
    }
    history_pages(nonce, 2, 3, 5);
    ck_assert_ptr_nonnull(strstr(pulls(cl), "welcome@2"));
}
END_TEST

START_TEST(a_join_by_time_starts_where_history_says)
{
    struct client *cl = hello("watch ben", 22, 1, NIL, 777);
    owner_sends(2, 6, 5, 5);
    owner_tells(2, 5, "ben", NULL);
    ck_assert_str_eq(pulls(cl), "");
    ck_assert_str_eq(sent(), "read -1 ");
    history_pages(last_nonce, 2, 3, 5);
    ck_assert_str_eq(pulls(cl), "welcome@2 state event 3 event 4 event 5 mark 5/5");
}
END_TEST

/* How often that is asked of history in what leaves now. */
static unsigned questions(const char *kind)
{
    unsigned n = 0;
    for (const char *at = sent(); (at = strstr(at, kind)); at++)
        n++;
    return n;
}

#define BY_TIME "read -1 "

static void on_a_long_board(void)
{
    hello("watch ben", 22, 1, 100, NIL);
    owner_sends(2, 101, 105, 100);
    owner_tells(2, 100, "ben cem dan", NULL);
    sent();
}

START_TEST(who_comes_and_goes_has_history_asked_for_four_pages_at_a_time)
{
    unsigned asked = 0;
    on_a_long_board();
    for (unsigned i = 1; i <= 50; i++) {
        struct client *cl = hello("watch cem", 33, i, i, NIL);
        pulls(cl);
        asked += questions("read ");
        closes(cl);
    }
    ck_assert_uint_eq(asked, 4);
    tick(1100); /* nobody needs these any more */
    struct client *cl = hello("watch cem", 33, 51, 51, NIL);
    pulls(cl);
    ck_assert_str_eq(sent(), "read 52 ");
}
END_TEST

START_TEST(who_comes_and_goes_has_history_asked_for_one_time_at_a_time)
{
    unsigned asked = 0;
    on_a_long_board();
    for (unsigned i = 1; i <= 50; i++) {
        struct client *cl = hello("watch cem", 33, i, NIL, 700 + i);
        asked += questions(BY_TIME);
        closes(cl);
    }
    ck_assert_uint_eq(asked, 1);
    tick(1100); /* whoever asked is gone: it does not go again */
    ck_assert_uint_eq(questions(BY_TIME), 0);
    hello("watch cem", 33, 51, NIL, 777);
    ck_assert_uint_eq(questions(BY_TIME), 1);
}
END_TEST

START_TEST(those_who_join_by_time_have_their_turns_as_they_came)
{
    on_a_long_board();
    struct client *cem = hello("watch cem", 33, 1, NIL, 701);
    ck_assert_uint_eq(questions(BY_TIME), 1);
    uint64_t first = last_nonce;
    struct client *dan = hello("watch dan", 44, 1, NIL, 702);
    struct client *ben = hello("watch ben", 23, 1, NIL, 703);
    ck_assert_uint_eq(questions(BY_TIME), 0);
    history_pages(first, 2, 3, 5);
    ck_assert_uint_eq(questions(BY_TIME), 1);
    ck_assert_ptr_nonnull(strstr(pulls(cem), "welcome@2"));
    history_pages(last_nonce, 2, 4, 5);
    ck_assert_uint_eq(questions(BY_TIME), 1);
    ck_assert_ptr_nonnull(strstr(pulls(dan), "welcome@3"));
    history_pages(last_nonce, 2, 5, 5);
    ck_assert_ptr_nonnull(strstr(pulls(ben), "welcome@4"));
}
END_TEST

/* Who comes later may know of more than the answer under way. */
START_TEST(those_who_wait_for_the_same_time_share_the_next_question)
{
    on_a_long_board();
    struct client *cem = hello("watch cem", 33, 1, NIL, 701);
    ck_assert_uint_eq(questions(BY_TIME), 1);
    uint64_t first = last_nonce;
    struct client *dan = hello("watch dan", 44, 1, NIL, 701);
    struct client *ben = hello("watch ben", 23, 1, NIL, 701);
    history_pages(first, 2, 3, 5);
    ck_assert_uint_eq(questions(BY_TIME), 1);
    ck_assert_ptr_nonnull(strstr(pulls(cem), "welcome@2"));
    ck_assert_str_eq(pulls(dan), "");
    history_pages(last_nonce, 2, 3, 5);
    ck_assert_ptr_nonnull(strstr(pulls(dan), "welcome@2"));
    ck_assert_ptr_nonnull(strstr(pulls(ben), "welcome@2"));
    ck_assert_uint_eq(questions(BY_TIME), 0);
}
END_TEST

START_TEST(the_mark_of_the_welcome_counts_before_any_other)
{
    two_on_a_board();
    struct client *cl = hello("draw ana", 11, 2, NIL, NIL);
    ck_assert_str_eq(pulls_at_most(cl, 1), "welcome@0");
    sent();
    draws(cl, 3, 1);
    ck_assert_str_eq(sent(), "frame 3/1 ");
}
END_TEST

START_TEST(a_client_that_joins_by_time_knows_at_most_what_history_had)
{
    two_on_a_board();
    struct client *cl = hello("draw ana", 11, 2, NIL, 777);
    ck_assert_str_eq(sent(), "read -1 ");
    history_pages(last_nonce, 2, 3, 9);
    ck_assert_str_eq(pulls(cl), "welcome@2 state event 3 mark 3/3");
    draws(cl, 10, 1);
    ck_assert_str_eq(pulls(cl), "error not_drawer@2");
    draws(cl, 9, 1);
    ck_assert_str_eq(sent(), "frame 9/1 ");
}
END_TEST

/* [D28] */
START_TEST(a_page_of_a_higher_epoch_cuts_the_window_first)
{
    struct client *late = hello("watch ben", 22, 1, 0, NIL);
    struct client *live = hello("watch cem", 33, 1, 3, NIL);
    owner_sends(2, 4, 6, 3);
    owner_tells(2, 3, "ben cem", NULL);
    pulls(live);
    pulls(late);
    sent();
    history_pages(last_nonce, 9, 1, 3);
    ck_assert_str_eq(pulls(live), "cut 3");
}
END_TEST

START_TEST(a_window_that_missed_stored_events_starts_anew_and_reads_them_from_history)
{
    two_on_a_board();
    owner_sends(2, 8, 7, 7); /* 4..7 were lost on the way and are stored */
    tick(500);
    tick(600);
    ck_assert_str_eq(pulls(viewer), "");
    ck_assert_str_eq(sent(), "read 4 ");
    history_pages(last_nonce, 2, 4, 7);
    ck_assert_str_eq(pulls(viewer), "event 4 event 5 event 6 event 7 mark 7/7");
}
END_TEST

/* They go to the page as they are, and it knows what to make of them. */
START_TEST(members_of_a_version_to_come_are_members)
{
    struct buf members = {0};
    two_on_a_board();
    pulls(viewer);
    PUT(&members, member, id_of("ana"), {0}, 255, 255, 0);
    PUT(&members, member, id_of("ben"), {0}, ROLE_DRAW, MEMBER_LOST | 4, 0);
    message_from_owner(2);
    PUT(&body, board_state, .board = id_of(BOARD), .epoch = 2, .number = state_number++, .head = 3,
        .mark = 3, .seats = 10, .members = list_of(2, &members));
    deliver();
    ck_assert_ptr_nonnull(strstr(pulls(viewer), "state"));
    ck_assert_uint_eq(gateway_core_stats(core)->bad_messages, 0);
    buf_free(&members);
}
END_TEST

/* Nobody draws any more, and the last events were lost on their way. */
/* [D30] */
START_TEST(events_that_only_the_state_tells_of_are_read_from_history)
{
    two_on_a_board();
    owner_tells(2, 6, "ana ben", NULL);
    pulls(viewer);
    tick(2000);
    pulls(viewer);
    ck_assert_ptr_nonnull(strstr(sent(), "read 4"));
}
END_TEST

/* ana's pen, granted at 5: the state tells of it, the events from 4 on were lost. */
static void grant_is_lost(void)
{
    struct buf members = {0};
    two_on_a_board();
    PUT(&members, member, id_of("ana"), {0}, ROLE_DRAW, 0, 0);
    PUT(&members, member, id_of("ben"), {0}, ROLE_DRAW, 0, 0);
    message_from_owner(2);
    PUT(&body, board_state, .board = id_of(BOARD), .epoch = 2, .number = state_number++, .head = 5,
        .mark = 3, .holder = id_of("ana"), .instance = 11, .term = 5, .seats = 10,
        .members = list_of(2, &members));
    deliver();
    buf_free(&members);
}

static void ana_drew(uint64_t offset)
{
    struct buf events = {0};
    put_event(&events, offset, 5, 1);
    message_from_owner(2);
    PUT(&body, events, id_of(BOARD), 2, offset, offset, 5, 0, buf_span(&events));
    deliver();
    buf_free(&events);
}

START_TEST(a_grant_that_the_window_passes_over_is_learned_when_its_mark_is_told)
{
    grant_is_lost();
    owner_sends(2, 6, 5, 5);
    ana_drew(6); /* behind the mark: the window starts anew there */
    pulls(drawer);
    draws(drawer, 5, 1);
    ana_drew(6);
    message_from_owner(2);
    PUT(&body, events, id_of(BOARD), 2, 7, 6, 6, 0, {0});
    deliver();
    ck_assert_ptr_nonnull(strstr(sent(), "read 4 "));
    history_pages(last_nonce, 2, 4, 5);
    ck_assert_ptr_nonnull(strstr(pulls(drawer), "own 6=1+1"));
}
END_TEST

START_TEST(a_grant_that_is_never_sent_again_is_learned_when_the_window_starts_anew)
{
    grant_is_lost();
    owner_sends(2, 6, 5, 5);
    tick(500);
    tick(600);
    pulls(drawer);
    sent();
    history_pages(last_nonce, 2, 4, 5);
    pulls(drawer);
    draws(drawer, 5, 1);
    ck_assert_str_eq(sent(), "frame 5/1 ");
    ana_drew(6);
    ck_assert_str_eq(pulls(drawer), "own 6=1+1");
}
END_TEST

/* [D29] */
START_TEST(a_window_never_evicts_above_the_mark)
{
    two_on_a_board();
    owner_sends(2, 4, 503, 3);
    for (uint64_t at = 504; at < 12000; at += 500)
        owner_sends(2, at, at + 499, 3);
    ck_assert_uint_gt(gateway_core_stats(core)->window_bytes, WINDOW_BYTES_MAX);
    owner_sends(2, 12004, 12003, 12003);
    owner_sends(2, 12004, 12004, 12003);
    ck_assert_uint_le(gateway_core_stats(core)->window_bytes, WINDOW_BYTES_MAX);
}
END_TEST

START_TEST(a_viewer_that_does_not_read_counts_as_slow)
{
    two_on_a_board();
    pulls(viewer);
    for (uint64_t at = 4; at < 12004; at += 500) {
        owner_sends(2, at, at + 499, at + 499);
        pulls(drawer);
    }
    for (int i = 0; i < 100; i++)
        tick(50);
    ck_assert_uint_eq(gateway_core_stats(core)->slow_viewers, 1);
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
    tcase_add_test(t, the_mark_of_the_welcome_counts_before_any_other);
    tcase_add_test(t, a_client_that_joins_by_time_knows_at_most_what_history_had);
    tcase_add_test(t, who_comes_while_history_is_asked_for_its_tail_is_not_told_to_begin_anew);
    tcase_add_test(t, a_busy_board_pauses_its_drawer_only);
    tcase_add_test(t, a_request_stands_in_the_attach_list_until_a_stored_grant_serves_it);
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
    tcase_add_test(t, a_watcher_cannot_ask_for_the_pen);
    tcase_add_test(t, a_page_from_history_leads_into_the_window);
    tcase_add_test(t, a_lost_read_is_asked_again);
    tcase_add_test(t, an_answer_counts_however_late_and_the_question_goes_again_every_two_seconds);
    tcase_add_test(t, what_history_is_asked_goes_again_at_once_when_the_link_is_back);
    tcase_add_test(t, the_offset_of_a_time_is_found_however_late);
    tcase_add_test(t, a_join_by_time_starts_where_history_says);
    tcase_add_test(t, who_comes_and_goes_has_history_asked_for_four_pages_at_a_time);
    tcase_add_test(t, who_comes_and_goes_has_history_asked_for_one_time_at_a_time);
    tcase_add_test(t, those_who_join_by_time_have_their_turns_as_they_came);
    tcase_add_test(t, those_who_wait_for_the_same_time_share_the_next_question);
    tcase_add_test(t, a_page_of_a_higher_epoch_cuts_the_window_first);
    tcase_add_test(t, a_window_that_missed_stored_events_starts_anew_and_reads_them_from_history);
    tcase_add_test(t, events_that_only_the_state_tells_of_are_read_from_history);
    tcase_add_test(t, members_of_a_version_to_come_are_members);
    tcase_add_test(t, a_grant_that_the_window_passes_over_is_learned_when_its_mark_is_told);
    tcase_add_test(t, a_grant_that_is_never_sent_again_is_learned_when_the_window_starts_anew);
    tcase_add_test(t, a_window_never_evicts_above_the_mark);
    tcase_add_test(t, a_client_that_is_asked_to_go_is_served_on);
    tcase_add_test(t, a_client_that_was_not_welcomed_is_not_asked_to_go);
    tcase_add_test(t, a_viewer_that_does_not_read_counts_as_slow);
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
