/* SPDX-License-Identifier: Apache-2.0
 *
 * Cursors that are older than the window: pages from history.
 */
#include "gateway_test.h"

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

/* Who asked is gone by then, and nothing else would make time look at the board. */
START_TEST(a_page_that_nobody_waits_for_any_more_is_not_kept)
{
    struct client *gone = hello("watch ben", 22, 1, NIL, 777);
    owner_sends(2, 6, 5, 5);
    owner_tells(2, 5, "ben", NULL);
    sent();
    pulls(hello("watch ben", 22, 2, 5, NIL));
    closes(gone);
    for (unsigned i = 0; i < 40; i++)
        tick(100);
    history_pages(last_nonce, 2, 3, 5);
    ck_assert_uint_gt(gateway_core_stats(core)->page_bytes, 0);
    for (unsigned i = 0; i < 60; i++)
        tick(100);
    ck_assert_uint_eq(gateway_core_stats(core)->page_bytes, 0);
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
    tick(100);
    ck_assert_ptr_nonnull(strstr(pulls(drawer), "mark 5"));
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

static Suite *suite(void)
{
    Suite *s = suite_create("gateway replay");
    TCase *t = tcase_create("gateway replay");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_mark_of_the_welcome_counts_before_any_other);
    tcase_add_test(t, a_client_that_joins_by_time_knows_at_most_what_history_had);
    tcase_add_test(t, a_page_from_history_leads_into_the_window);
    tcase_add_test(t, a_lost_read_is_asked_again);
    tcase_add_test(t, an_answer_counts_however_late_and_the_question_goes_again_every_two_seconds);
    tcase_add_test(t, what_history_is_asked_goes_again_at_once_when_the_link_is_back);
    tcase_add_test(t, the_offset_of_a_time_is_found_however_late);
    tcase_add_test(t, a_join_by_time_starts_where_history_says);
    tcase_add_test(t, a_page_that_nobody_waits_for_any_more_is_not_kept);
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
    tcase_add_test(t, a_viewer_that_does_not_read_counts_as_slow);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
