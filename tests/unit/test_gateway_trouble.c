/* SPDX-License-Identifier: Apache-2.0
 *
 * What clients are told when something does not go on: a hello without an answer, nothing saved,
 * too much unsaved. And whether their own numbers are believed.
 */
#include "gateway_test.h"

static void history_tail(uint64_t nonce, uint64_t tail)
{
    message_from("h1");
    PUT(&body, behind, id_of(BOARD), nonce, tail);
    deliver();
}

/* Ticks for so long, and pulls; what came, without the pauses. */
static const char *hears(struct client *cl, uint64_t ms)
{
    static char all[2 * sizeof seen];
    all[0] = '\0';
    for (uint64_t end = now + ms; now < end;) {
        tick(50);
        const char *text = pulls(cl);
        if (all[0] && text[0])
            strcat(all, " ");
        strncat(all, text, sizeof seen - strlen(all) - 1);
    }
    return all;
}

/* The page takes three seconds of silence after a stroke for a gateway that is gone. */
START_TEST(who_draws_hears_of_its_gateway_every_two_seconds_also_while_nothing_is_saved)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    owner_sends(2, 4, 4, 3);
    for (unsigned i = 0; i < 5; i++) {
        pulls(drawer);
        for (unsigned ms = 0; ms < 2000; ms += 50)
            tick(50);
        ck_assert_ptr_nonnull(strstr(pulls(drawer), "mark 3/4"));
    }
}
END_TEST

/* ---- how far a client says that it is -------------------------------------------------------- */

START_TEST(a_from_beyond_what_history_has_is_told_to_start_fresh)
{
    two_on_a_board();
    struct client *cl = hello("draw cem", 33, 1, OFFSET_MAX, NIL);
    owner_tells(2, 3, "ana ben cem", NULL);
    ck_assert_str_eq(pulls(cl), "");
    ck_assert_ptr_nonnull(strstr(sent(), "read"));
    history_tail(last_nonce, 3);
    ck_assert_str_eq(pulls(cl), "error start_fresh@1");
    ck_assert_str_eq(sentence, "History has nothing at that offset: begin anew (from nil).");
    ck_assert_uint_eq(close_code_of(cl), 4410);
}
END_TEST

START_TEST(a_from_that_history_has_is_welcomed_though_the_gateway_is_behind)
{
    two_on_a_board();
    struct client *cl = hello("draw ana", 11, 2, 50, NIL);
    sent();
    history_tail(last_nonce, 50);
    ck_assert_str_eq(pulls(cl), "welcome@50 state mark 3/3");
    draws(cl, 51, 1);
    ck_assert_str_eq(pulls(cl), "error not_drawer@2");
}
END_TEST

START_TEST(a_from_that_the_owner_told_is_welcomed_at_once)
{
    two_on_a_board();
    struct client *cl = hello("draw ana", 11, 2, 3, NIL);
    ck_assert_str_eq(pulls(cl), "welcome@3 state mark 3/3");
    ck_assert_ptr_null(strstr(sent(), "read"));
}
END_TEST

START_TEST(a_fresh_gateway_waits_for_the_owner_before_it_judges)
{
    struct client *cl = hello("draw ana", 11, 1, 7, NIL);
    tick(50);
    ck_assert_ptr_null(strstr(sent(), "read"));
    owner_tells(2, 7, "ana", NULL);
    ck_assert_str_eq(pulls(cl), "welcome@7 state mark 7/7");
    ck_assert_ptr_null(strstr(sent(), "read"));
}
END_TEST

START_TEST(a_mark_that_the_owner_tells_meanwhile_is_an_answer_too)
{
    two_on_a_board();
    struct client *cl = hello("draw ana", 11, 2, 5, NIL);
    owner_sends(2, 4, 5, 5);
    tick(50);
    ck_assert_str_eq(pulls(cl), "welcome@5 state mark 5/5");
}
END_TEST

START_TEST(while_history_is_away_a_client_waits_and_it_is_asked_again)
{
    two_on_a_board();
    struct client *cl = hello("draw ana", 11, 2, 50, NIL);
    sent();
    uint64_t old = last_nonce;
    for (unsigned i = 0; i < 21; i++)
        tick(50);
    ck_assert_ptr_nonnull(strstr(sent(), "read"));
    ck_assert_uint_eq(last_nonce, old); /* the same question: each answer to it counts */
    ck_assert_uint_eq(close_code_of(cl), 0);
    history_tail(old, 3);
    ck_assert_uint_eq(close_code_of(cl), 4410);
}
END_TEST

START_TEST(all_who_wait_are_judged_by_one_answer_but_not_by_an_older_one)
{
    two_on_a_board();
    struct client *first = hello("draw cem", 33, 1, 50, NIL);
    owner_tells(2, 3, "ana ben cem dia", NULL);
    sent();
    struct client *second = hello("draw dia", 44, 1, 60, NIL);
    ck_assert_str_eq(sent(), "");
    history_tail(last_nonce, 55); /* as it was when only the first one was there */
    ck_assert_str_eq(pulls(first), "welcome@50 state mark 3/3");
    ck_assert_uint_eq(close_code_of(second), 0);
    ck_assert_ptr_nonnull(strstr(sent(), "read"));
    history_tail(last_nonce, 60);
    ck_assert_str_eq(pulls(second), "welcome@60 state mark 3/3");
}
END_TEST

START_TEST(from_and_since_do_not_go_together)
{
    struct client *cl = hello("draw ana", 11, 1, 5, 777);
    ck_assert_str_eq(pulls(cl), "error bad_frame@1");
    ck_assert_uint_eq(close_code_of(cl), 4400);
}
END_TEST

/* ---- a hello without an answer --------------------------------------------------------------- */

START_TEST(a_hello_that_is_not_answered_is_told_why_after_a_second_and_a_half_and_every_4_s)
{
    struct client *cl = hello("draw ana", 11, 1, NIL, NIL);
    ck_assert_str_eq(hears(cl, 1450), "");
    ck_assert_str_eq(hears(cl, 50), "error waiting@0");
    ck_assert_str_eq(sentence, "The board's service does not answer yet.");
    ck_assert_str_eq(hears(cl, 3950), "");
    ck_assert_str_eq(hears(cl, 50), "error waiting@0");
    ck_assert_uint_eq(close_code_of(cl), 0);
    owner_tells(2, 2, "ana", NULL);
    ck_assert_str_eq(hears(cl, 3900), "welcome@0 state mark 2/2");
}
END_TEST

START_TEST(it_is_told_when_it_is_the_broker)
{
    struct client *cl = hello("draw ana", 11, 1, NIL, NIL);
    gateway_core_link(core, now, false);
    ck_assert_str_eq(hears(cl, 1500), "error waiting@0");
    ck_assert_str_eq(sentence, "The broker does not answer.");
}
END_TEST

START_TEST(it_is_told_when_it_is_history)
{
    two_on_a_board();
    struct client *cl = hello("draw ana", 11, 2, NIL, 777);
    struct client *ahead = hello("watch ben", 22, 2, 777, NIL);
    ck_assert_str_eq(hears(cl, 1500), "error waiting@0");
    ck_assert_str_eq(sentence, "History does not answer yet.");
    ck_assert_str_eq(pulls(ahead), "error waiting@0");
    ck_assert_str_eq(sentence, "History does not answer yet.");
}
END_TEST

START_TEST(that_it_waits_is_never_told_after_the_welcome)
{
    struct client *cl = hello("draw ana", 11, 1, NIL, NIL);
    tick(1500); /* told, but it did not read yet */
    owner_tells(2, 2, "ana", NULL);
    ck_assert_str_eq(pulls(cl), "welcome@0 state mark 2/2");
}
END_TEST

START_TEST(that_it_waits_is_never_told_in_place_of_an_error)
{
    struct client *cl = hello("draw ana", 11, 1, NIL, NIL);
    tick(1500);
    owner_tells(2, 2, "ben", "ana");
    tick(5000);
    ck_assert_str_eq(pulls(cl), "full 10 error full@0");
}
END_TEST

/* ---- nothing is saved ------------------------------------------------------------------------ */

START_TEST(that_nothing_is_saved_is_told_to_everybody_until_the_mark_catches_up)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    owner_sends(2, 4, 4, 3);
    pulls(drawer);
    pulls(viewer);
    tick(1450);
    ck_assert_str_eq(pulls(viewer), "");
    tick(50);
    ck_assert_str_eq(pulls(drawer), "mark 3/4 unsaved");
    ck_assert_str_eq(pulls(viewer), "mark 3/4 unsaved");
    ck_assert_uint_eq(gateway_core_stats(core)->unsaved_boards, 1);
    owner_sends(2, 5, 4, 4);
    tick(50);
    ck_assert_str_eq(pulls(drawer), "mark 4/4");
    ck_assert_str_eq(pulls(viewer), "mark 4/4");
    ck_assert_uint_eq(gateway_core_stats(core)->unsaved_boards, 0);
}
END_TEST

START_TEST(a_frame_that_no_owner_answers_is_not_saved_either)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    tick(1500);
    ck_assert_str_eq(pulls(drawer), "mark 3/3 unsaved");
    ck_assert_str_eq(pulls(viewer), "mark 3/3 unsaved");
    owner_sends(2, 4, 4, 4);
    tick(50);
    ck_assert_str_eq(pulls(viewer), "event 4 mark 4/4");
}
END_TEST

START_TEST(events_that_did_not_come_are_not_saved_either)
{
    two_on_a_board();
    message_from("b2");
    PUT(&body, events, id_of(BOARD), 2, 6, 5, 3, 0, {0}); /* 4 and 5 are somewhere */
    deliver();
    ck_assert_str_eq(hears(viewer, 1500), "mark 3/5 unsaved");
    owner_sends(2, 4, 5, 5);
    ck_assert_str_eq(hears(viewer, 50), "event 4 event 5 mark 5/5");
}
END_TEST

START_TEST(a_cut_does_not_make_frames_saved)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    owner_sends(2, 4, 4, 3);
    pulls(viewer);
    tick(1000);
    owner_sends(9, 4, 3, 3);
    tick(500);
    ck_assert_str_eq(pulls(viewer), "cut 3 mark 3/3 unsaved");
}
END_TEST

/* One event every 50 ms; the mark follows `late` events later, in steps of `step`. Returns how
 * often the viewer was told that nothing is saved, and then that it is. */
static unsigned changes(unsigned late, unsigned step)
{
    unsigned n = 0;
    bool was = false;
    for (uint64_t i = 0; i < 400; i++) {
        uint64_t mark = 3 + (i < late ? 0 : (i - late) / step * step);
        owner_sends(2, 4 + i, 4 + i, mark);
        tick(50);
        const char *text = pulls(viewer);
        bool is = strstr(text, "unsaved") != NULL;
        if (strstr(text, "mark") && is != was) {
            was = is;
            n++;
        }
    }
    return n;
}

START_TEST(a_store_that_takes_a_quarter_of_a_second_is_no_trouble)
{
    two_on_a_board();
    ck_assert_uint_eq(changes(5, 4), 0);
}
END_TEST

START_TEST(a_store_that_takes_two_seconds_is_told_once)
{
    two_on_a_board();
    ck_assert_uint_eq(changes(40, 40), 1);
}
END_TEST

START_TEST(a_board_that_nobody_has_open_any_more_is_not_counted)
{
    two_on_a_board();
    owner_sends(2, 4, 4, 3);
    tick(1500);
    ck_assert_uint_eq(gateway_core_stats(core)->unsaved_boards, 1);
    message_from("b2");
    PUT(&body, no_board, id_of(BOARD));
    deliver();
    closes(drawer);
    closes(viewer);
    ck_assert_uint_eq(gateway_core_stats(core)->unsaved_boards, 0);
}
END_TEST

/* ---- too much is not saved ------------------------------------------------------------------- */

START_TEST(a_drawer_with_4000_unsaved_frames_is_told_that_it_is_busy_and_is_not_read)
{
    two_on_a_board();
    for (uint64_t cseq = 1; cseq < 4000; cseq++)
        draws(drawer, 3, cseq);
    ck_assert(!client_paused(drawer));
    ck_assert_str_eq(pulls(drawer), "");
    draws(drawer, 3, 4000);
    ck_assert(client_paused(drawer));
    ck_assert(is_dirty(drawer));
    ck_assert_str_eq(pulls(drawer), "mark 3/3 busy");
    ck_assert_str_eq(pulls(viewer), "");
}
END_TEST

START_TEST(it_is_busy_until_a_quarter_is_saved)
{
    two_on_a_board();
    for (uint64_t cseq = 1; cseq <= 4000; cseq++)
        draws(drawer, 3, cseq);
    pulls(drawer);
    owner_sends(2, 4, 1003, 1003); /* 1,000 */
    ck_assert(client_paused(drawer));
    ck_assert_str_eq(pulls(drawer), "own 4=1+1000 mark 1003/1003 busy");
    owner_sends(2, 1004, 1004, 1004);
    ck_assert(!client_paused(drawer));
    ck_assert(is_dirty(drawer));
    ck_assert_str_eq(pulls(drawer), "own 1004=1001+1 mark 1004/1004");
}
END_TEST

/* ---- leaving the line, and leaving ----------------------------------------------------------- */

START_TEST(a_watcher_that_leaves_the_line_is_in_none)
{
    two_on_a_board();
    struct buf b = {0};
    message_put(&b, &TYPE_cancel, &(char){0});
    says(viewer, &b);
    ck_assert_str_eq(pulls(viewer), "");
}
END_TEST

static unsigned flags_of(const char *member)
{
    struct msg_at_board board;
    struct msg_at_member m;
    struct list boards = last_attach.boards;
    while (NEXT(&boards, at_board, &board) > 0)
        while (NEXT(&board.members, at_member, &m) > 0)
            if (strcmp(m.member.text, member) == 0)
                return (unsigned)m.flags;
    return 0;
}

START_TEST(whoever_says_that_it_leaves_is_listed_as_one_who_left)
{
    two_on_a_board();
    client_goes(drawer, true);
    closes(drawer);
    closes(viewer);
    tick(50);
    sent();
    ck_assert_uint_eq(flags_of("ana") & (MEMBER_LOST | MEMBER_LEFT), MEMBER_LOST | MEMBER_LEFT);
    ck_assert_uint_eq(flags_of("ben") & (MEMBER_LOST | MEMBER_LEFT), MEMBER_LOST);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("gateway trouble");
    TCase *t = tcase_create("gateway trouble");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, who_draws_hears_of_its_gateway_every_two_seconds_also_while_nothing_is_saved);
    tcase_add_test(t, a_from_beyond_what_history_has_is_told_to_start_fresh);
    tcase_add_test(t, a_from_that_history_has_is_welcomed_though_the_gateway_is_behind);
    tcase_add_test(t, a_from_that_the_owner_told_is_welcomed_at_once);
    tcase_add_test(t, a_fresh_gateway_waits_for_the_owner_before_it_judges);
    tcase_add_test(t, a_mark_that_the_owner_tells_meanwhile_is_an_answer_too);
    tcase_add_test(t, while_history_is_away_a_client_waits_and_it_is_asked_again);
    tcase_add_test(t, all_who_wait_are_judged_by_one_answer_but_not_by_an_older_one);
    tcase_add_test(t, from_and_since_do_not_go_together);
    tcase_add_test(
        t, a_hello_that_is_not_answered_is_told_why_after_a_second_and_a_half_and_every_4_s);
    tcase_add_test(t, it_is_told_when_it_is_the_broker);
    tcase_add_test(t, it_is_told_when_it_is_history);
    tcase_add_test(t, that_it_waits_is_never_told_after_the_welcome);
    tcase_add_test(t, that_it_waits_is_never_told_in_place_of_an_error);
    tcase_add_test(t, that_nothing_is_saved_is_told_to_everybody_until_the_mark_catches_up);
    tcase_add_test(t, a_frame_that_no_owner_answers_is_not_saved_either);
    tcase_add_test(t, events_that_did_not_come_are_not_saved_either);
    tcase_add_test(t, a_cut_does_not_make_frames_saved);
    tcase_add_test(t, a_store_that_takes_a_quarter_of_a_second_is_no_trouble);
    tcase_add_test(t, a_store_that_takes_two_seconds_is_told_once);
    tcase_add_test(t, a_board_that_nobody_has_open_any_more_is_not_counted);
    tcase_add_test(t, a_drawer_with_4000_unsaved_frames_is_told_that_it_is_busy_and_is_not_read);
    tcase_add_test(t, it_is_busy_until_a_quarter_is_saved);
    tcase_add_test(t, a_watcher_that_leaves_the_line_is_in_none);
    tcase_add_test(t, whoever_says_that_it_leaves_is_listed_as_one_who_left);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
