/* SPDX-License-Identifier: Apache-2.0
 *
 * The owner keeps count of the stroke under way, and takes no frame that makes it what a stroke
 * cannot be (PROTOCOL §5): whatever gateways let pass, and across owners.
 */
#include "board_test.h"

#include "stroke.h"

#define TOO_LONG "A stroke can have at most 2000 points."
#define CUT_OFF  "The points are cut off in the middle of a point."

static const uint8_t ZEROS[5120];

static void send(struct buf *body)
{
    send_body("g1", "ann", 11, body);
    buf_free(body);
}

static void begins_with(uint64_t cseq, uint64_t tool, uint64_t colour, uint64_t flags, size_t bytes)
{
    struct buf body = {0};
    PUT(&body, begin, 3, cseq, tool, colour, 80, 1, flags, {ZEROS, bytes});
    send(&body);
}

static void begins(uint64_t cseq, uint64_t flags, size_t bytes)
{
    begins_with(cseq, TOOL_PEN, 0, flags, bytes);
}

static void goes_on(uint64_t cseq, uint64_t flags, size_t bytes)
{
    struct buf body = {0};
    PUT(&body, points, 3, cseq, flags, {ZEROS, bytes});
    send(&body);
}

static void clears(uint64_t cseq)
{
    struct buf body = {0};
    PUT(&body, clear, 3, cseq);
    send(&body);
}

static void expect_invalid(unsigned cseq, const char *why)
{
    char line[200];
    snprintf(line, sizeof line, "g1 invalid ann/11 term 3 cseq %u: %s", cseq, why);
    expect(line);
    expect_no("events");
}

/* ann drew 1,900 points. */
static void long_stroke(void)
{
    open_with_ann_drawing();
    begins(1, 0, 4 * 1000);
    goes_on(2, 0, 4 * 900);
    forget_lines();
}

START_TEST(a_frame_that_makes_a_stroke_too_long_is_invalid_and_moves_nothing)
{
    long_stroke();
    goes_on(3, 0, 4 * 101);
    expect_invalid(3, TOO_LONG);
    ck_assert_uint_eq(board_core_stats(core)->frames[FRAME_INVALID], 1);
    goes_on(3, 0, 4 * 100);
    expect("g1 events 6..6 mark 3 head 6 epoch 2");
}
END_TEST

START_TEST(a_begin_counts_anew)
{
    long_stroke();
    begins(3, STROKE_JOINED, 4 * 1000);
    goes_on(4, 0, 4 * 1000);
    expect_no("invalid");
    goes_on(5, 0, 4);
    expect("g1 invalid ann/11 term 3 cseq 5: " TOO_LONG);
}
END_TEST

/* It means nothing to readers; but whoever sends it gets no more room than with a stroke. */
START_TEST(points_behind_the_end_or_a_clear_count_as_if_the_stroke_went_on)
{
    long_stroke();
    goes_on(3, STROKE_END, 4 * 50);
    clears(4);
    goes_on(5, 0, 4 * 50);
    forget_lines();
    goes_on(6, 0, 4);
    expect_invalid(6, TOO_LONG);
}
END_TEST

START_TEST(points_without_a_stroke_have_an_end_too)
{
    open_with_ann_drawing();
    goes_on(1, 0, 5000);
    goes_on(2, 0, 5000);
    expect_no("invalid");
    forget_lines();
    goes_on(3, 0, 5);
    expect_invalid(3, TOO_LONG);
}
END_TEST

START_TEST(points_of_another_kind_than_their_stroke_are_invalid)
{
    open_with_ann_drawing();
    begins(1, STROKE_PRESSURE, 10);
    forget_lines();
    goes_on(2, 0, 4);
    expect_invalid(2, CUT_OFF);
}
END_TEST

START_TEST(a_begin_that_is_cut_off_or_in_a_foreign_colour_is_invalid)
{
    open_with_ann_drawing();
    begins(1, STROKE_PRESSURE, 8);
    expect_invalid(1, CUT_OFF);
    forget_lines();
    begins_with(1, TOOL_PEN, 8, 0, 4);
    expect_invalid(1, "A pen has the colours 0 to 7, a highlighter 8 to 11.");
    forget_lines();
    begins_with(1, TOOL_HIGHLIGHTER, 7, 0, 4);
    expect_invalid(1, "A pen has the colours 0 to 7, a highlighter 8 to 11.");
    begins_with(1, TOOL_ERASER, 11, 0, 4);
    expect("g1 events 4..4 mark 3 head 4 epoch 2");
}
END_TEST

START_TEST(what_is_invalid_is_judged_only_when_it_is_next_and_from_the_holder)
{
    long_stroke();
    struct buf body = {0};
    PUT(&body, points, 3, 3, 0, {ZEROS, 4 * 101});
    send_body("g1", "bob", 12, &body);
    expect("g1 not_drawer bob/12 term 3 cseq 3");
    buf_free(&body);
    goes_on(2, 0, 7); /* a repeat, by its number: whatever else it says */
    goes_on(4, 0, 7);
    expect("g1 want ann/11 term 3 cseq 3 stored 0");
    expect_no("invalid");
}
END_TEST

START_TEST(a_segment_carries_the_stroke_at_its_end)
{
    open_with_ann_drawing();
    begins(1, STROKE_PRESSURE, 5 * 1000);
    goes_on(2, 0, 5 * 1);
    pass(50);
    ck_assert_uint_eq(append.flags, (1001 | 1 << 12) << APPEND_STROKE_SHIFT);
    begins(3, 0, 4 * 3);
    pass(50);
    ck_assert_uint_eq(append.flags, 3 << APPEND_STROKE_SHIFT);
}
END_TEST

START_TEST(a_segment_before_a_begin_carries_the_stroke_before_it)
{
    open_with_ann_drawing();
    begins(1, 0, 4 * 2);
    for (unsigned i = 2; i <= 12; i++) /* 60 KB: two segments */
        begins(i, 0, 4 * 1250);
    pass(50);
    ck_assert_uint_eq(append_count, 2);
    ck_assert_uint_eq(appends[0].flags, 1250 << APPEND_STROKE_SHIFT);
    stored(2, 4);
    pass(1100);
    expect("history probe epoch 2");
    ck_assert_uint_eq(append.flags, 2 << APPEND_STROKE_SHIFT);
}
END_TEST

START_TEST(a_grant_ends_the_stroke)
{
    long_stroke();
    hand_over("g1", "ann", 11, 3, 3, "bob");
    ck_assert_uint_eq(append.flags, 0);
    stored(2, 6);
    struct buf body = {0};
    PUT(&body, points, 6, 1, 0, {ZEROS, 5 * 101});
    send_body("g1", "bob", 12, &body);
    buf_free(&body);
    expect("g1 events 7..7 mark 6 head 7 epoch 2");
}
END_TEST

/* ---- across owners --------------------------------------------------------------------------- */

static void taken_over_with(uint64_t stroke)
{
    attach("g1", 0, 0, "ann/11, bob/12, cat/13");
    opened_as((struct msg_opened){.epoch = 9,
                                  .holder = id_of("ann"),
                                  .instance = 11,
                                  .term = 3,
                                  .cseq = 2,
                                  .stroke = stroke});
    attach("g1", 9, 9, "ann/11, bob/12, cat/13");
    pass(100);
    forget_lines();
}

/* [D7] */
START_TEST(the_next_owner_goes_on_counting)
{
    taken_over_with(1900);
    goes_on(3, 0, 4 * 101);
    expect_invalid(3, TOO_LONG);
    goes_on(3, 0, 4 * 100);
    expect("g1 events 10..10 mark 9 head 10 epoch 9");
    pass(50);
    ck_assert_uint_eq(append.flags, 2000 << APPEND_STROKE_SHIFT);
}
END_TEST

START_TEST(the_next_owner_knows_the_kind_of_the_points)
{
    taken_over_with(1900 | 1 << 12);
    goes_on(3, 0, 4);
    expect_invalid(3, CUT_OFF);
    goes_on(3, 0, 5);
    expect("g1 events 10..10 mark 9 head 10 epoch 9");
}
END_TEST

START_TEST(after_an_owner_that_did_not_count_nobody_is_refused_who_keeps_the_rules)
{
    taken_over_with(0);
    goes_on(3, 0, 5 * 4); /* of which kind they are nobody knows */
    goes_on(4, 0, 5);
    goes_on(5, 0, 4);
    expect_no("invalid");
    begins(6, 0, 4 * 1000);
    forget_lines();
    goes_on(7, 0, 4 * 1001);
    expect_invalid(7, TOO_LONG);
}
END_TEST

START_TEST(an_owner_that_adds_nothing_hands_the_stroke_on)
{
    taken_over_with(1900);
    board_core_leave(core, now);
    turn();
    expect("history append 10..10 epoch 9 released");
    ck_assert_uint_eq(append.flags, APPEND_RELEASED | 1900 << APPEND_STROKE_SHIFT);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("board_strokes");
    TCase *t = add_case(s, "counting");
    tcase_add_test(t, a_frame_that_makes_a_stroke_too_long_is_invalid_and_moves_nothing);
    tcase_add_test(t, a_begin_counts_anew);
    tcase_add_test(t, points_behind_the_end_or_a_clear_count_as_if_the_stroke_went_on);
    tcase_add_test(t, points_without_a_stroke_have_an_end_too);
    tcase_add_test(t, points_of_another_kind_than_their_stroke_are_invalid);
    tcase_add_test(t, a_begin_that_is_cut_off_or_in_a_foreign_colour_is_invalid);
    tcase_add_test(t, what_is_invalid_is_judged_only_when_it_is_next_and_from_the_holder);
    tcase_add_test(t, a_segment_carries_the_stroke_at_its_end);
    tcase_add_test(t, a_segment_before_a_begin_carries_the_stroke_before_it);
    tcase_add_test(t, a_grant_ends_the_stroke);
    t = add_case(s, "owners");
    tcase_add_test(t, the_next_owner_goes_on_counting);
    tcase_add_test(t, the_next_owner_knows_the_kind_of_the_points);
    tcase_add_test(t, after_an_owner_that_did_not_count_nobody_is_refused_who_keeps_the_rules);
    tcase_add_test(t, an_owner_that_adds_nothing_hands_the_stroke_on);
    return run_suite(s);
}
