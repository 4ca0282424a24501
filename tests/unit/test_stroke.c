/* SPDX-License-Identifier: Apache-2.0
 *
 * What a stroke may be: so many points, whole ones, in the colours of its tool.
 */
#include "stroke.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t BYTES[5120];

static const char *draw_begin(struct stroke *s, struct msg_begin m)
{
    return stroke_draw(s, DRAWER_begin, &(union any_frame){.begin = m});
}

static const char *draw_points(struct stroke *s, struct msg_points m)
{
    return stroke_draw(s, DRAWER_points, &(union any_frame){.points = m});
}

static const char *begin(struct stroke *s, uint64_t flags, size_t bytes)
{
    return draw_begin(s, (struct msg_begin){.flags = flags, .points = {BYTES, bytes}});
}

static const char *points(struct stroke *s, size_t bytes)
{
    return draw_points(s, (struct msg_points){.points = {BYTES, bytes}});
}

static const char *colour(uint64_t tool, uint64_t number)
{
    struct stroke s = {0};
    return draw_begin(&s, (struct msg_begin){.tool = tool, .colour = number, .points = {BYTES, 4}});
}

#define ONE_POINT_TOO_MANY "A stroke can have at most 2000 points."
#define CUT_OFF            "The points are cut off in the middle of a point."

START_TEST(a_stroke_has_2000_points_and_not_one_more)
{
    struct stroke s = {0};
    ck_assert_ptr_null(begin(&s, 0, 4 * 1000));
    ck_assert_ptr_null(points(&s, 4 * 999));
    ck_assert_str_eq(points(&s, 4 * 2), ONE_POINT_TOO_MANY);
    ck_assert_ptr_null(points(&s, 4));
    ck_assert_str_eq(points(&s, 4), ONE_POINT_TOO_MANY);
    ck_assert_ptr_null(points(&s, 0));
}
END_TEST

START_TEST(with_pressure_a_point_has_five_bytes)
{
    struct stroke s = {0};
    ck_assert_ptr_null(begin(&s, STROKE_PRESSURE, 5 * 1000));
    ck_assert_ptr_null(points(&s, 5 * 1000));
    ck_assert_str_eq(points(&s, 5), ONE_POINT_TOO_MANY);
}
END_TEST

START_TEST(a_begin_counts_from_nothing)
{
    struct stroke s = {0};
    begin(&s, 0, 4 * 1200);
    ck_assert_ptr_null(begin(&s, STROKE_JOINED, 4 * 1200));
    ck_assert_uint_eq(s.points, 1200);
}
END_TEST

START_TEST(points_are_whole_and_of_their_strokes_kind)
{
    struct stroke s = {0};
    ck_assert_str_eq(begin(&s, STROKE_PRESSURE, 8), CUT_OFF);
    ck_assert_ptr_null(begin(&s, STROKE_PRESSURE, 10));
    ck_assert_str_eq(points(&s, 4), CUT_OFF);
    ck_assert_ptr_null(begin(&s, 0, 8));
    ck_assert_str_eq(points(&s, 5), CUT_OFF);
}
END_TEST

START_TEST(a_frame_that_is_refused_changes_nothing)
{
    struct stroke s = {0};
    begin(&s, 0, 4 * 10);
    begin(&s, STROKE_PRESSURE, 4);
    points(&s, 7);
    ck_assert_uint_eq(s.points, 10);
    ck_assert(!s.pressure);
}
END_TEST

/* Whoever does not know the begin refuses nothing that somebody who knows it would take. */
START_TEST(points_without_a_begin_are_of_either_kind_and_counted_as_few_as_they_can_be)
{
    struct stroke s = {0};
    ck_assert_ptr_null(points(&s, 20)); /* five points, or four with pressure */
    ck_assert_uint_eq(s.points, 4);
    ck_assert_ptr_null(points(&s, 8));
    ck_assert_ptr_null(points(&s, 5));
    ck_assert_uint_eq(s.points, 7);
    ck_assert_str_eq(points(&s, 7), CUT_OFF);
}
END_TEST

START_TEST(points_without_a_begin_have_an_end_too)
{
    struct stroke s = {0};
    ck_assert_ptr_null(points(&s, 5000));
    ck_assert_ptr_null(points(&s, 5000));
    ck_assert_str_eq(points(&s, 5), ONE_POINT_TOO_MANY);
}
END_TEST

START_TEST(a_pen_has_the_first_eight_colours_a_highlighter_the_others_an_eraser_any)
{
    const char *why = "A pen has the colours 0 to 7, a highlighter 8 to 11.";
    for (uint64_t i = 0; i < 12; i++) {
        ck_assert_pstr_eq(colour(TOOL_PEN, i), i < 8 ? NULL : why);
        ck_assert_pstr_eq(colour(TOOL_HIGHLIGHTER, i), i >= 8 ? NULL : why);
        ck_assert_ptr_null(colour(TOOL_ERASER, i));
    }
}
END_TEST

START_TEST(points_have_no_flag_but_the_end)
{
    struct stroke s = {0};
    for (uint64_t flags = 0; flags < 8; flags++) {
        struct msg_points m = {.flags = flags, .points = {BYTES, 4}};
        ck_assert_pstr_eq(draw_points(&s, m), flags == 0 || flags == STROKE_END
                                                  ? NULL
                                                  : "The flags of points can only be 0 or 4.");
    }
}
END_TEST

START_TEST(a_stroke_is_carried_in_thirteen_bits)
{
    struct stroke s = {0};
    ck_assert_uint_eq(stroke_bits(&s), 0);
    points(&s, 8);
    ck_assert_uint_eq(stroke_bits(&s), 0); /* nobody needs to know of these */
    begin(&s, 0, 4 * 7);
    ck_assert_uint_eq(stroke_bits(&s), 7);
    begin(&s, STROKE_PRESSURE, 5 * 1000);
    points(&s, 5 * 1000);
    ck_assert_uint_eq(stroke_bits(&s), 2000 | 1 << 12);
    struct stroke t = stroke_of_bits(stroke_bits(&s));
    ck_assert(t.known && t.pressure && t.points == 2000);
}
END_TEST

START_TEST(bits_that_mean_no_stroke_are_none)
{
    uint64_t none[] = {0, 1 << 12, 2001, 4095, 1 << 13};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ck_assert(!stroke_of_bits(none[i]).known);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stroke");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_stroke_has_2000_points_and_not_one_more);
    tcase_add_test(all, with_pressure_a_point_has_five_bytes);
    tcase_add_test(all, a_begin_counts_from_nothing);
    tcase_add_test(all, points_are_whole_and_of_their_strokes_kind);
    tcase_add_test(all, a_frame_that_is_refused_changes_nothing);
    tcase_add_test(all,
                   points_without_a_begin_are_of_either_kind_and_counted_as_few_as_they_can_be);
    tcase_add_test(all, points_without_a_begin_have_an_end_too);
    tcase_add_test(all, a_pen_has_the_first_eight_colours_a_highlighter_the_others_an_eraser_any);
    tcase_add_test(all, points_have_no_flag_but_the_end);
    tcase_add_test(all, a_stroke_is_carried_in_thirteen_bits);
    tcase_add_test(all, bits_that_mean_no_stroke_are_none);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
