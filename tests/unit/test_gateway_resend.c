/* SPDX-License-Identifier: Apache-2.0
 *
 * When frames go to the owner, and when again (gateway/core/resend.c).
 */
#include "gateway_test.h"

static unsigned count(const char *text, const char *word)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
        n++;
    return n;
}

/* Time passes and nobody answers. Returns the moments at which something left, "1.0 frame 3/1 ..."
 */
static const char *silence(uint64_t ms)
{
    static char log[8192];
    uint64_t start = now, end = now + ms;
    log[0] = '\0';
    while (now < end) {
        tick(50);
        const char *text = sent();
        size_t n = strlen(log);
        if (text[0])
            snprintf(log + n, sizeof log - n, "%.1f %s", (double)(now - start) / 1000, text);
    }
    return log;
}

/* The owner has given the frame `cseq` of term 3 its place. */
static void owner_logs(uint64_t epoch, uint64_t cseq)
{
    owner_sends(epoch, 3 + cseq, 3 + cseq, 3);
}

/* ---- one drawer ------------------------------------------------------------------------------ */

START_TEST(without_an_answer_the_first_frame_goes_again_alone_and_later_and_later)
{
    two_on_a_board();
    for (uint64_t cseq = 1; cseq <= 3; cseq++)
        draws(drawer, 3, cseq);
    ck_assert_str_eq(sent(), "frame 3/1 frame 3/2 frame 3/3 ");
    ck_assert_str_eq(silence(32000),
                     "1.0 frame 3/1 3.0 frame 3/1 7.0 frame 3/1 15.0 frame 3/1 23.0 frame 3/1 "
                     "31.0 frame 3/1 ");
    ck_assert_uint_eq(gateway_core_stats(core)->resent, 6);
}
END_TEST

START_TEST(what_is_drawn_while_nobody_answers_follows_the_answer)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    silence(1500);
    draws(drawer, 3, 2);
    draws(drawer, 3, 3);
    ck_assert_str_eq(sent(), "");
    owner_logs(2, 1);
    ck_assert_str_eq(sent(), "frame 3/2 frame 3/3 ");
    ck_assert_uint_eq(gateway_core_stats(core)->resent, 1);
    draws(drawer, 3, 4);
    ck_assert_str_eq(sent(), "frame 3/4 ");
}
END_TEST

START_TEST(an_answer_makes_it_patient_no_longer)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 2);
    silence(10000);
    owner_logs(2, 1);
    sent();
    ck_assert_str_eq(silence(2000), "1.0 frame 3/2 ");
}
END_TEST

/* While frames before it are logged and not stored yet, as they mostly are. */
START_TEST(a_frame_that_is_lost_behind_logged_ones_goes_again_after_a_second)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    owner_logs(2, 1);
    sent();
    draws(drawer, 3, 2);
    ck_assert_str_eq(sent(), "frame 3/2 ");
    ck_assert_str_eq(silence(1500), "1.0 frame 3/2 ");
}
END_TEST

START_TEST(a_new_owner_gets_the_first_frame_at_once_and_the_others_when_it_answers)
{
    two_on_a_board();
    for (uint64_t cseq = 1; cseq <= 3; cseq++)
        draws(drawer, 3, cseq);
    silence(10000);
    owner_sends(9, 4, 3, 3);
    ck_assert_str_eq(sent(), "frame 3/1 ");
    owner_logs(9, 1);
    ck_assert_str_eq(sent(), "frame 3/2 frame 3/3 ");
}
END_TEST

START_TEST(an_owner_that_speaks_again_gets_the_first_frame_at_once)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 2);
    silence(10000);
    owner_sends(2, 4, 3, 3); /* nothing but its mark */
    ck_assert_str_eq(sent(), "frame 3/1 ");
}
END_TEST

START_TEST(what_is_drawn_while_no_owner_is_known_is_one_frame_to_the_shard)
{
    two_on_a_board();
    gateway_core_returned(core, now, EXCHANGE_BOARD, "b2.k3v9x2mq4t");
    sent();
    draws(drawer, 3, 1);
    draws(drawer, 3, 2);
    ck_assert_str_eq(sent(), "frame 3/1 ");
    ck_assert_str_eq(last_key, "s00.k3v9x2mq4t");
    ck_assert_str_eq(silence(8000), "1.0 frame 3/1 3.0 frame 3/1 7.0 frame 3/1 ");
}
END_TEST

START_TEST(while_the_link_is_down_nothing_is_sent_and_then_the_first_frame_at_once)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    sent();
    gateway_core_link(core, now, false);
    draws(drawer, 3, 2);
    ck_assert_str_eq(silence(20000), "");
    gateway_core_link(core, now, true);
    ck_assert_str_eq(sent(), "frame 3/1 ");
}
END_TEST

/* ---- what the owner wants -------------------------------------------------------------------- */

START_TEST(what_the_owner_wants_goes_again_from_there_on)
{
    two_on_a_board();
    for (uint64_t cseq = 1; cseq <= 4; cseq++)
        draws(drawer, 3, cseq);
    sent();
    owner_wants("ana", 11, 3, 0);
    ck_assert_str_eq(sent(), "frame 3/3 frame 3/4 ");
}
END_TEST

/* Three frames, of which the owner says that it wants the third. */
static void the_third_is_wanted(void)
{
    two_on_a_board();
    for (uint64_t cseq = 1; cseq <= 3; cseq++)
        draws(drawer, 3, cseq);
    owner_wants("ana", 11, 3, 0);
    sent();
}

/* It had them, and is gone before they were stored. */
START_TEST(what_an_owner_has_had_goes_again_to_the_next_one)
{
    the_third_is_wanted();
    owner_sends(9, 4, 3, 3);
    ck_assert_str_eq(sent(), "frame 3/1 ");
}
END_TEST

START_TEST(what_the_owner_lacks_after_all_goes_again)
{
    the_third_is_wanted();
    now += 100;
    owner_wants("ana", 11, 2, 0);
    ck_assert_str_eq(sent(), "frame 3/2 frame 3/3 ");
}
END_TEST

START_TEST(a_wish_that_comes_again_is_served_once_a_second)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 2);
    sent();
    for (unsigned i = 0; i < 9; i++) {
        owner_wants("ana", 11, 1, 0);
        now += 100;
    }
    ck_assert_str_eq(sent(), "frame 3/1 frame 3/2 ");
    now += 100;
    owner_wants("ana", 11, 1, 0);
    ck_assert_str_eq(sent(), "frame 3/1 frame 3/2 ");
}
END_TEST

START_TEST(a_wish_for_what_never_came_sends_nothing)
{
    two_on_a_board();
    draws(drawer, 3, 5);
    draws(drawer, 3, 6);
    sent();
    owner_wants("ana", 11, 1, 0);
    ck_assert_str_eq(sent(), "");
    ck_assert_uint_eq(gateway_core_stats(core)->wants, 1);
}
END_TEST

START_TEST(frames_behind_a_hole_end_with_an_error_and_are_not_kept)
{
    two_on_a_board();
    draws(drawer, 3, UINT32_MAX - 1);
    draws(drawer, 3, UINT32_MAX);
    for (unsigned i = 0; i < 6; i++) {
        owner_wants("ana", 11, 1, 0);
        now += 100;
    }
    ck_assert_str_eq(pulls(drawer), "error bad_frame@2");
    ck_assert_uint_eq(gateway_core_stats(core)->frames_kept, 0);
    sent();
    ck_assert_str_eq(silence(10000), "");
}
END_TEST

START_TEST(behind_the_last_cseq_there_is_none)
{
    two_on_a_board();
    draws(drawer, 3, UINT32_MAX);
    draws(drawer, 3, 1);
    ck_assert_str_eq(pulls(drawer), ""); /* sent before */
    draws(drawer, 3, UINT32_MAX);
    ck_assert_str_eq(pulls(drawer), "");
    ck_assert_uint_eq(gateway_core_stats(core)->frames_kept, 1);
}
END_TEST

/* Its event went by unseen: a window that lagged was started anew behind it. */
START_TEST(the_owner_says_of_a_frame_that_came_again_that_it_is_stored)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 2);
    silence(1500);
    draws(drawer, 3, 3);
    owner_wants("ana", 11, 3, 2);
    ck_assert_str_eq(sent(), "frame 3/3 ");
    ck_assert_uint_eq(gateway_core_stats(core)->frames_kept, 1);
}
END_TEST

/* It had them before they came (again) here, and its word that they are stored was lost. */
START_TEST(what_the_owner_has_and_nobody_acks_is_asked_for_in_the_end)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 2);
    sent();
    owner_wants("ana", 11, 3, 0);
    ck_assert_str_eq(silence(9000), "8.0 frame 3/1 ");
    owner_wants("ana", 11, 3, 2);
    ck_assert_uint_eq(gateway_core_stats(core)->frames_kept, 0);
    ck_assert_str_eq(silence(20000), "");
}
END_TEST

START_TEST(frames_of_a_term_that_is_over_are_refused_by_the_first_one)
{
    two_on_a_board();
    for (uint64_t cseq = 1; cseq <= 3; cseq++)
        draws(drawer, 2, cseq); /* may have been a term: the owner knows */
    silence(1500);
    message_from("b2");
    PUT(&body, not_drawer, id_of(BOARD), 2, id_of("ana"), 11, 2, 1);
    deliver();
    ck_assert_ptr_nonnull(strstr(pulls(drawer), "error not_drawer@2"));
    ck_assert_uint_eq(gateway_core_stats(core)->frames_kept, 0);
    sent();
    ck_assert_str_eq(silence(10000), "");
}
END_TEST

/* ---- many ------------------------------------------------------------------------------------ */

#define MANY 10u

static struct client *many[MANY];
static char names[128];

/* MANY more people at the board, of whom each has drawn `frames` frames with `bytes` of points. */
static void many_draw(unsigned frames, size_t bytes)
{
    static const uint8_t points[5120];
    char token[32];
    names[0] = '\0';
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(token, sizeof token, "draw m%u", i);
        many[i] = hello(token, 100 + i, 1, 3, NIL);
        snprintf(names + strlen(names), sizeof names - strlen(names), "m%u ", i);
    }
    owner_tells(2, 3, names, NULL);
    for (unsigned i = 0; i < MANY; i++) {
        pulls(many[i]);
        for (uint64_t cseq = 1; cseq <= frames; cseq++) {
            struct buf b = {0};
            PUT(&b, begin, 3, cseq, 0, 0, 80, 1, STROKE_END, {points, bytes});
            says(many[i], &b);
        }
    }
}

START_TEST(a_board_that_nobody_owns_costs_one_frame_however_many_draw_on_it)
{
    two_on_a_board();
    gateway_core_returned(core, now, EXCHANGE_BOARD, "b2.k3v9x2mq4t");
    many_draw(5, 4);
    sent();
    unsigned first = count(silence(60000), "frame"), later = count(silence(60000), "frame");
    ck_assert_uint_le(first, 11); /* 1, 2, 4, then every 8 s */
    ck_assert_uint_le(later, 8);
    ck_assert_uint_ge(later, 7);
}
END_TEST

START_TEST(what_goes_again_has_a_budget_and_who_has_little_to_send_does_not_wait)
{
    two_on_a_board();
    many_draw(60, 5000); /* 300 KB each, 3 MB */
    draws(drawer, 3, 1);
    sent();
    silence(1000);
    sent_bytes = 0;
    for (unsigned i = 0; i < MANY; i++) {
        char name[8];
        snprintf(name, sizeof name, "m%u", i);
        owner_wants(name, 100 + i, 1, 0);
    }
    owner_wants("ana", 11, 1, 0);
    tick(50);
    sent();
    ck_assert_uint_ge(sent_bytes, 2u << 20);
    ck_assert_uint_lt(sent_bytes, 5u << 19); /* the burst, and what 50 ms bring */
    ck_assert_uint_gt(gateway_core_stats(core)->resends_waiting, 0);
    ck_assert_uint_gt(gateway_core_stats(core)->resends_delayed, 0);
    for (uint64_t cseq = 2; cseq <= 3; cseq++)
        draws(drawer, 3, cseq);
    ck_assert_str_eq(sent(), "frame 3/2 frame 3/3 "); /* what is new has no part in it */
    owner_wants("ana", 11, 2, 0);
    tick(50);
    ck_assert_ptr_nonnull(strstr(sent(), "frame 3/2 frame 3/3 "));
    ck_assert_uint_gt(gateway_core_stats(core)->resends_waiting, 0);
    silence(900);
    ck_assert_uint_eq(gateway_core_stats(core)->resends_waiting, 0);
}
END_TEST

START_TEST(what_others_send_than_who_has_the_pen_shares_the_budget_and_they_are_not_read_on)
{
    two_on_a_board();
    sent();
    sent_bytes = 0;
    many_draw(60, 5000); /* 3 MB */
    sent();
    ck_assert_uint_ge(sent_bytes, 3u << 19);
    ck_assert_uint_lt(sent_bytes, 5u << 19);
    for (unsigned i = 0; i < MANY; i++)
        ck_assert(client_paused(many[i]));
    draws(drawer, 3, 1);
    ck_assert_str_eq(sent(), "frame 3/1 ");
    ck_assert(!client_paused(drawer));
}
END_TEST

START_TEST(who_gets_the_pen_is_read_on)
{
    two_on_a_board();
    struct client *dia = hello("draw dia", 44, 1, NIL, NIL);
    owner_tells(2, 3, "ana ben dia", NULL);
    pulls(dia);
    for (uint64_t cseq = 1; cseq <= 100; cseq++)
        draws(dia, 3, cseq);
    ck_assert(client_paused(dia));
    owner_grants(2, 4, "dia", 44, 3);
    ck_assert(!client_paused(dia));
    ck_assert(is_dirty(dia)); /* and the shell hears of it */
}
END_TEST

START_TEST(a_session_that_ends_leaves_its_turn)
{
    two_on_a_board();
    many_draw(60, 5000);
    silence(1000);
    for (unsigned i = 0; i < MANY; i++) {
        char name[8];
        snprintf(name, sizeof name, "m%u", i);
        owner_wants(name, 100 + i, 1, 0);
    }
    ck_assert_uint_gt(gateway_core_stats(core)->resends_waiting, 0);
    message_from("b2");
    PUT(&body, no_board, id_of(BOARD));
    deliver();
    ck_assert_uint_eq(gateway_core_stats(core)->resends_waiting, 0);
    ck_assert_uint_eq(gateway_core_stats(core)->frames_kept, 0);
    tick(50);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("gateway resend");
    TCase *t = tcase_create("gateway resend");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, without_an_answer_the_first_frame_goes_again_alone_and_later_and_later);
    tcase_add_test(t, what_is_drawn_while_nobody_answers_follows_the_answer);
    tcase_add_test(t, an_answer_makes_it_patient_no_longer);
    tcase_add_test(t, a_frame_that_is_lost_behind_logged_ones_goes_again_after_a_second);
    tcase_add_test(t, a_new_owner_gets_the_first_frame_at_once_and_the_others_when_it_answers);
    tcase_add_test(t, an_owner_that_speaks_again_gets_the_first_frame_at_once);
    tcase_add_test(t, what_is_drawn_while_no_owner_is_known_is_one_frame_to_the_shard);
    tcase_add_test(t, while_the_link_is_down_nothing_is_sent_and_then_the_first_frame_at_once);
    tcase_add_test(t, what_the_owner_wants_goes_again_from_there_on);
    tcase_add_test(t, a_wish_that_comes_again_is_served_once_a_second);
    tcase_add_test(t, what_an_owner_has_had_goes_again_to_the_next_one);
    tcase_add_test(t, what_the_owner_lacks_after_all_goes_again);
    tcase_add_test(t, a_wish_for_what_never_came_sends_nothing);
    tcase_add_test(t, frames_behind_a_hole_end_with_an_error_and_are_not_kept);
    tcase_add_test(t, behind_the_last_cseq_there_is_none);
    tcase_add_test(t, what_the_owner_has_and_nobody_acks_is_asked_for_in_the_end);
    tcase_add_test(t, the_owner_says_of_a_frame_that_came_again_that_it_is_stored);
    tcase_add_test(t, frames_of_a_term_that_is_over_are_refused_by_the_first_one);
    tcase_add_test(t, a_board_that_nobody_owns_costs_one_frame_however_many_draw_on_it);
    tcase_add_test(t, what_goes_again_has_a_budget_and_who_has_little_to_send_does_not_wait);
    tcase_add_test(
        t, what_others_send_than_who_has_the_pen_shares_the_budget_and_they_are_not_read_on);
    tcase_add_test(t, who_gets_the_pen_is_read_on);
    tcase_add_test(t, a_session_that_ends_leaves_its_turn);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
