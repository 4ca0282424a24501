/* SPDX-License-Identifier: Apache-2.0
 *
 * What is drawn, and what people are called: the gateway refuses what it can see to be wrong, tells
 * what the owner found, and a frame that comes again changes nothing.
 */
#include "gateway_test.h"

#include "stroke.h"

#define TOO_LONG "A stroke can have at most 2000 points."
#define CUT_OFF  "The points are cut off in the middle of a point."

static const uint8_t ZEROS[5120];

static void begins_in(struct client *cl, uint64_t tool, uint64_t colour)
{
    struct buf b = {0};
    PUT(&b, begin, 3, 1, tool, colour, 80, 1, 0, {ZEROS, 4});
    says(cl, &b);
}

static void begins(struct client *cl, uint64_t cseq, uint64_t flags, size_t bytes)
{
    struct buf b = {0};
    PUT(&b, begin, 3, cseq, TOOL_PEN, 0, 80, 1, flags, {ZEROS, bytes});
    says(cl, &b);
}

static void goes_on(struct client *cl, uint64_t cseq, size_t bytes)
{
    struct buf b = {0};
    PUT(&b, points, 3, cseq, 0, {ZEROS, bytes});
    says(cl, &b);
}

static void expect_bad_frame(struct client *cl, unsigned frame, const char *why)
{
    char line[40];
    snprintf(line, sizeof line, "error bad_frame@%u", frame);
    ck_assert_str_eq(pulls(cl), line);
    ck_assert_str_eq(sentence, why);
    ck_assert_uint_eq(close_code_of(cl), 4400);
}

static void expect_fine(struct client *cl)
{
    ck_assert_uint_eq(close_code_of(cl), 0);
}

/* ---- strokes --------------------------------------------------------------------------------- */

START_TEST(a_stroke_that_gets_too_long_closes_its_client)
{
    two_on_a_board();
    begins(drawer, 1, 0, 4 * 1000);
    goes_on(drawer, 2, 4 * 1000);
    ck_assert_str_eq(sent(), "frame 3/1 frame 3/2 ");
    goes_on(drawer, 3, 4);
    expect_bad_frame(drawer, 4, TOO_LONG);
    ck_assert_str_eq(sent(), "");
}
END_TEST

START_TEST(points_are_of_their_strokes_kind)
{
    two_on_a_board();
    begins(drawer, 1, STROKE_PRESSURE, 10);
    goes_on(drawer, 2, 5);
    goes_on(drawer, 3, 4);
    expect_bad_frame(drawer, 4, CUT_OFF);
}
END_TEST

START_TEST(a_pen_has_no_colour_of_a_highlighter)
{
    two_on_a_board();
    begins_in(drawer, TOOL_PEN, 8);
    expect_bad_frame(drawer, 2, "A pen has the colours 0 to 7, a highlighter 8 to 11.");
}
END_TEST

START_TEST(a_highlighter_has_no_colour_of_a_pen)
{
    two_on_a_board();
    begins_in(drawer, TOOL_HIGHLIGHTER, 7);
    expect_bad_frame(drawer, 2, "A pen has the colours 0 to 7, a highlighter 8 to 11.");
}
END_TEST

/* The owner has all frames of the term; this gateway only those that came through it. */
START_TEST(of_a_stroke_begun_elsewhere_nothing_is_refused_that_may_be_right)
{
    two_on_a_board();
    goes_on(drawer, 40, 5 * 3);
    goes_on(drawer, 41, 4 * 7);
    goes_on(drawer, 42, 5000);
    expect_fine(drawer);
    ck_assert_str_eq(sent(), "frame 3/40 frame 3/41 frame 3/42 ");
}
END_TEST

START_TEST(a_stroke_does_not_go_on_over_what_went_another_way)
{
    two_on_a_board();
    begins(drawer, 1, STROKE_PRESSURE, 10);
    struct client *again = hello("draw ana", 11, 2, 3, NIL);
    pulls(again);
    goes_on(again, 9, 4); /* 2 … 8 went by way of another gateway: one of them may be a begin */
    expect_fine(again);
    goes_on(again, 10, 4);
    expect_fine(again);
}
END_TEST

/* ---- repeats --------------------------------------------------------------------------------- */

START_TEST(a_repeated_begin_does_not_change_the_kind_of_the_points)
{
    two_on_a_board();
    begins(drawer, 1, 0, 8);
    begins(drawer, 1, STROKE_PRESSURE, 10);
    goes_on(drawer, 2, 5);
    expect_bad_frame(drawer, 4, CUT_OFF);
    ck_assert_str_eq(sent(), "frame 3/1 ");
}
END_TEST

START_TEST(a_repeated_begin_does_not_begin_the_count_anew)
{
    two_on_a_board();
    begins(drawer, 1, 0, 4 * 1000);
    goes_on(drawer, 2, 4 * 1000);
    begins(drawer, 1, 0, 4);
    goes_on(drawer, 3, 4);
    expect_bad_frame(drawer, 5, TOO_LONG);
}
END_TEST

START_TEST(repeats_are_not_counted)
{
    two_on_a_board();
    begins(drawer, 1, 0, 4 * 1000);
    goes_on(drawer, 2, 4 * 900);
    goes_on(drawer, 2, 4 * 900);
    goes_on(drawer, 2, 7);
    goes_on(drawer, 3, 4 * 100);
    expect_fine(drawer);
}
END_TEST

START_TEST(an_error_names_a_frame_by_its_number_on_this_connection)
{
    two_on_a_board();
    for (unsigned i = 1; i <= 3; i++)
        draws(drawer, 3, i); /* frames 2, 3, 4 */
    closes(drawer);
    struct client *again = hello("draw ana", 11, 2, 3, NIL);
    pulls(again);
    struct buf b = {0};
    PUT(&b, ask);
    says(again, &b);
    draws(again, 3, 1);
    draws(again, 3, 2); /* frame 4 of this one */
    message_from("b2");
    PUT(&body, not_drawer, id_of(BOARD), 2, id_of("ana"), 11, 3, 2);
    deliver();
    ck_assert_str_eq(pulls(again), "error not_drawer@4");
}
END_TEST

START_TEST(an_error_blames_no_frame_that_this_connection_has_not_sent)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 2);
    closes(drawer);
    struct client *again = hello("draw ana", 11, 2, 3, NIL);
    pulls(again);
    draws(again, 3, 2);
    message_from("b2");
    PUT(&body, not_drawer, id_of(BOARD), 2, id_of("ana"), 11, 3, 1);
    deliver();
    ck_assert_str_eq(pulls(again), "error not_drawer@0");
}
END_TEST

/* ---- what the owner finds -------------------------------------------------------------------- */

static void owner_rejects(uint64_t epoch, uint64_t cseq, const char *why)
{
    message_from("b2");
    PUT(&body, invalid, id_of(BOARD), epoch, id_of("ana"), 11, 3, cseq, span_of(why));
    deliver();
    memset(body.data, 'x', body.len); /* what it said is kept by nobody */
}

START_TEST(what_the_owner_cannot_take_closes_its_client_with_the_owners_sentence)
{
    two_on_a_board();
    for (unsigned i = 1; i <= 4; i++)
        draws(drawer, 3, i);
    sent();
    owner_rejects(2, 3, TOO_LONG);
    expect_bad_frame(drawer, 4, TOO_LONG);
    tick(2000);
    ck_assert_str_eq(sent(), "frame 3/1 "); /* the first one alone asks, */
    owner_sends(2, 4, 4, 3);
    tick(50);
    ck_assert_str_eq(sent(), "frame 3/2 "); /* and 3 and 4 are not repeated */
}
END_TEST

START_TEST(the_owners_no_counts_once_and_only_in_its_epoch)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    owner_rejects(1, 1, TOO_LONG);
    owner_rejects(2, 7, TOO_LONG);
    expect_fine(drawer);
    owner_rejects(2, 1, TOO_LONG);
    owner_rejects(2, 1, "Something else.");
    expect_bad_frame(drawer, 2, TOO_LONG);
}
END_TEST

START_TEST(who_sends_again_what_the_owner_could_not_take_is_judged_again)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 2);
    closes(drawer);
    owner_rejects(2, 2, TOO_LONG);
    struct client *again = hello("draw ana", 11, 2, 3, NIL);
    pulls(again);
    sent();
    draws(again, 3, 1);
    draws(again, 3, 2);
    ck_assert_str_eq(sent(), "frame 3/2 ");
    owner_rejects(2, 2, TOO_LONG);
    expect_bad_frame(again, 3, TOO_LONG);
}
END_TEST

/* ---- names ----------------------------------------------------------------------------------- */

/* What the newest attach list calls the one who is there. */
static const char *name_in_list(void)
{
    static char name[129];
    tick(3000);
    sent();
    struct list boards = last_attach.boards;
    struct msg_at_board at;
    struct msg_at_member m;
    ck_assert_int_eq(NEXT(&boards, at_board, &at), 1);
    ck_assert_int_eq(NEXT(&at.members, at_member, &m), 1);
    snprintf(name, sizeof name, "%.*s", (int)m.name.len, (const char *)m.name.data);
    return name;
}

START_TEST(a_name_is_cleaned)
{
    static const uint8_t session[16];
    struct client *cl = opens();
    struct buf b = {0};
    PUT(&b, hello, span_of("draw ana"), {session, 16}, 11, 1,
        {(const uint8_t *)"\0 A\xE2\x80\xAEna\n", 8}, 0, NIL);
    says(cl, &b);
    owner_tells(2, 2, "ana", NULL);
    ck_assert_str_eq(name_in_list(), "Ana");
    PUT(&b, profile, span_of("  Ana \u2066\u3000María\x07 "), 0);
    says(cl, &b);
    ck_assert_str_eq(name_in_list(), "Ana María");
    expect_fine(cl);
}
END_TEST

/* ---- full boards ----------------------------------------------------------------------------- */

static void owner_says(unsigned flags, uint64_t head)
{
    message_from("b2");
    PUT(&body, events, id_of(BOARD), 2, head + 1, head, head, flags, {0});
    deliver();
}

static uint64_t request_of_first(void)
{
    tick(3000);
    sent();
    struct list boards = last_attach.boards;
    struct msg_at_board at;
    struct msg_at_member m;
    ck_assert_int_eq(NEXT(&boards, at_board, &at), 1);
    while (NEXT(&at.members, at_member, &m) > 0)
        if (strcmp(m.member.text, "ana") == 0)
            return m.request;
    return 99;
}

START_TEST(all_are_told_that_a_board_is_nearly_full_and_full)
{
    two_on_a_board();
    owner_says(MARK_NEARLY_FULL, 3);
    ck_assert_str_eq(pulls(drawer), "mark 3/3 nearly full");
    ck_assert_str_eq(pulls(viewer), "mark 3/3 nearly full");
    owner_says(MARK_NEARLY_FULL | MARK_FULL | MARK_BUSY, 3);
    ck_assert_str_eq(pulls(drawer), "mark 3/3 busy full");
    ck_assert_str_eq(pulls(viewer), "mark 3/3 busy full");
    owner_says(MARK_NEARLY_FULL | MARK_FULL | 1u << 20, 3);
    ck_assert_str_eq(pulls(viewer), "mark 3/3 full");
}
END_TEST

START_TEST(nobody_gets_in_line_for_the_pen_of_a_full_board)
{
    two_on_a_board();
    owner_says(MARK_NEARLY_FULL | MARK_FULL, 3);
    pulls(drawer);
    struct buf b = {0};
    PUT(&b, ask);
    says(drawer, &b);
    ck_assert_str_eq(pulls(drawer), "error not_allowed@2");
    ck_assert_str_eq(sentence, "This board is full: nobody can draw on it any more.");
    ck_assert_uint_eq(request_of_first(), REQUEST_NONE);
    expect_fine(drawer);
}
END_TEST

START_TEST(who_is_in_line_when_the_board_is_full_can_leave_it)
{
    two_on_a_board();
    struct buf b = {0};
    PUT(&b, ask);
    says(drawer, &b);
    owner_says(MARK_NEARLY_FULL | MARK_FULL, 3);
    ck_assert_uint_eq(request_of_first(), REQUEST_ASK);
    PUT(&b, cancel);
    says(drawer, &b);
    ck_assert_uint_eq(request_of_first(), REQUEST_NONE);
    expect_fine(drawer);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway_strokes");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_stroke_that_gets_too_long_closes_its_client);
    tcase_add_test(t, points_are_of_their_strokes_kind);
    tcase_add_test(t, a_pen_has_no_colour_of_a_highlighter);
    tcase_add_test(t, a_highlighter_has_no_colour_of_a_pen);
    tcase_add_test(t, of_a_stroke_begun_elsewhere_nothing_is_refused_that_may_be_right);
    tcase_add_test(t, a_stroke_does_not_go_on_over_what_went_another_way);
    tcase_add_test(t, a_repeated_begin_does_not_change_the_kind_of_the_points);
    tcase_add_test(t, a_repeated_begin_does_not_begin_the_count_anew);
    tcase_add_test(t, repeats_are_not_counted);
    tcase_add_test(t, an_error_names_a_frame_by_its_number_on_this_connection);
    tcase_add_test(t, an_error_blames_no_frame_that_this_connection_has_not_sent);
    tcase_add_test(t, what_the_owner_cannot_take_closes_its_client_with_the_owners_sentence);
    tcase_add_test(t, the_owners_no_counts_once_and_only_in_its_epoch);
    tcase_add_test(t, who_sends_again_what_the_owner_could_not_take_is_judged_again);
    tcase_add_test(t, a_name_is_cleaned);
    tcase_add_test(t, all_are_told_that_a_board_is_nearly_full_and_full);
    tcase_add_test(t, nobody_gets_in_line_for_the_pen_of_a_full_board);
    tcase_add_test(t, who_is_in_line_when_the_board_is_full_can_leave_it);
    suite_add_tcase(s, t);
    return run_suite(s);
}
