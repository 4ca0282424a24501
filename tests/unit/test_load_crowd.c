/* SPDX-License-Identifier: Apache-2.0
 *
 * The load client finds fault: its people are told what a faulty gateway would tell them.
 */
#include <check.h>

#include "goers.h"
#include "report.h"

#define TERM 3u

static struct crowd crowd;
static struct board board;
static struct member people[3];
static struct buf message;
static struct member *drawer = &people[0], *viewer = &people[1], *other = &people[2];

/* A board whose drawer has the pen since offset 3, and has sent four frames. */
static void setup(void)
{
    crowd = (struct crowd){
        .boards = &board, .members = people, .board_count = 1, .members_each = 3, .points = 2};
    board = (struct board){.drawer = drawer, .readers = 2, .term = TERM};
    crowd.measuring = true;
    for (unsigned i = 0; i < 3; i++)
        people[i] = (struct member){
            .crowd = &crowd, .board = &board, .draws = i == 0, .applied = TERM, .told = TERM};
    drawer->grant = TERM;
    for (unsigned i = 0; i < 4; i++)
        draw(&board);
}

static void teardown(void)
{
    buf_free(&message);
    message = (struct buf){0};
}

static void event(uint64_t offset, uint64_t cseq)
{
    static const uint8_t point[4];
    PUT(&message, ev_points, offset, 1, TERM, cseq, 0, {point, sizeof point});
}

static void tell_at(struct member *m, uint64_t now)
{
    MEMBER.message(&m->ws, buf_span(&message), now);
    buf_clear(&message);
}

static void tell(struct member *m)
{
    tell_at(m, now_ns());
}

START_TEST(what_comes_in_order_is_no_fault)
{
    for (unsigned i = 1; i <= 4; i++)
        event(TERM + i, i);
    tell(viewer);
    ck_assert_uint_eq(crowd.tally.deliveries, 4);
    ck_assert_uint_eq(crowd.tally.lost + crowd.tally.repeated + crowd.tally.disordered, 0);
}
END_TEST

START_TEST(a_frame_that_was_left_out_is_lost)
{
    event(TERM + 1, 1);
    event(TERM + 2, 3);
    tell(viewer);
    ck_assert_uint_eq(crowd.tally.lost, 1);
}
END_TEST

START_TEST(a_hole_in_the_offsets_is_out_of_order)
{
    event(TERM + 2, 1);
    tell(viewer);
    ck_assert_uint_eq(crowd.tally.disordered, 1);
}
END_TEST

START_TEST(an_offset_that_comes_again_is_repeated)
{
    event(TERM + 1, 1);
    event(TERM + 1, 1);
    tell(viewer);
    ck_assert_uint_eq(crowd.tally.repeated, 1);
    ck_assert_uint_eq(crowd.tally.deliveries, 1);
}
END_TEST

START_TEST(a_frame_at_a_second_offset_is_repeated)
{
    event(TERM + 1, 1);
    event(TERM + 2, 1);
    tell(viewer);
    ck_assert_uint_eq(crowd.tally.repeated, 1);
}
END_TEST

START_TEST(what_a_cut_takes_back_may_come_again)
{
    event(TERM + 1, 1);
    event(TERM + 2, 2);
    PUT(&message, cut, TERM);
    PUT(&message, ev_open, TERM + 1, 1, id_from_bits('b', 10, (const uint8_t *)"1234567"));
    event(TERM + 2, 1);
    event(TERM + 3, 2);
    tell(viewer);
    ck_assert_uint_eq(crowd.tally.cuts, 1);
    ck_assert_uint_eq(crowd.tally.lost + crowd.tally.repeated + crowd.tally.disordered, 0);
    ck_assert_uint_eq(viewer->cseq, 2);
}
END_TEST

START_TEST(what_nobody_saw_at_the_end_is_missing)
{
    for (unsigned i = 1; i <= 4; i++)
        event(TERM + i, i);
    tell(viewer);
    ck_assert_uint_eq(crowd_missing(&crowd), 4 + 4); /* of the other viewer, and of the store */
}
END_TEST

START_TEST(own_frames_are_stored_when_the_mark_covers_them)
{
    PUT(&message, own, TERM, TERM + 1, 1, 4);
    PUT(&message, mark, TERM + 4, TERM + 3, 0);
    tell(drawer);
    ck_assert_uint_eq(board.saved, 3);
    ck_assert_uint_eq(crowd.latencies.stored.count, 3);
}
END_TEST

START_TEST(the_pen_is_there_when_its_grant_is_stored)
{
    board.term = 0;
    drawer->grant = 0;
    drawer->applied = drawer->told = 2;
    drawer->instance = 7;
    id_parse("0123456789ab", 12, &drawer->id);
    PUT(&message, ev_grant, 3, 1, drawer->id, 7, span_of(""), 0, 0);
    tell(drawer);
    ck_assert_uint_eq(board.term, 0);
    PUT(&message, mark, 3, 3, 0);
    tell(drawer);
    ck_assert_uint_eq(board.term, 3);
    ck_assert_uint_eq(crowd.welcome, 1);
}
END_TEST

START_TEST(skew_is_the_time_from_the_first_viewer_to_the_last)
{
    uint64_t now = now_ns();
    event(TERM + 1, 1);
    tell_at(viewer, now + 1000000);
    ck_assert_uint_eq(crowd.latencies.skew.count, 0);
    event(TERM + 1, 1);
    tell_at(other, now + 6000000);
    ck_assert_uint_eq(crowd.latencies.skew.count, 1);
    uint64_t skew_us = histogram_percentile(&crowd.latencies.skew, .5);
    ck_assert(skew_us > 4900 && skew_us <= 5000);
}
END_TEST

START_TEST(a_frame_that_is_acked_again_is_repeated)
{
    PUT(&message, own, TERM, TERM + 1, 1, 2);
    PUT(&message, own, TERM, TERM + 3, 2, 1);
    tell(drawer);
    ck_assert_uint_eq(crowd.tally.repeated, 1);
}
END_TEST

START_TEST(a_frame_of_the_drawer_that_is_left_out_is_lost)
{
    PUT(&message, own, TERM, TERM + 1, 1, 1);
    PUT(&message, own, TERM, TERM + 2, 3, 1);
    tell(drawer);
    ck_assert_uint_eq(crowd.tally.lost, 1);
}
END_TEST

START_TEST(a_run_whose_first_part_is_here_is_no_fault)
{
    PUT(&message, own, TERM, TERM + 1, 1, 2);
    PUT(&message, own, TERM, TERM + 1, 1, 4);
    tell(drawer);
    ck_assert_uint_eq(crowd.tally.lost + crowd.tally.repeated + crowd.tally.disordered, 0);
    ck_assert_uint_eq(drawer->applied, TERM + 4);
}
END_TEST

/* The pen went to somebody else. */
START_TEST(a_grant_to_somebody_else_is_a_lost_pen)
{
    struct id who;
    id_parse("0123456789ab", 12, &who);
    PUT(&message, ev_grant, TERM + 1, 1, who, 7, span_of(""), TERM, 0);
    tell(drawer);
    ck_assert_uint_eq(crowd.tally.pens_lost, 1);
}
END_TEST

START_TEST(an_error_is_a_fault_but_a_word_to_wait_is_none)
{
    PUT(&message, error, span_of("waiting"), span_of("Nobody answers for this board yet."), 1);
    tell(viewer);
    ck_assert_uint_eq(crowd.tally.errors, 0);
    ck_assert_uint_eq(crowd.tally.waits, 1);
    PUT(&message, error, span_of("full"), span_of("All places are taken."), 1);
    tell(viewer);
    ck_assert_uint_eq(crowd.tally.errors, 1);
}
END_TEST

START_TEST(a_connection_that_the_gateway_closes_is_a_fault)
{
    viewer->ws.close_code = 4409;
    MEMBER.closed(&viewer->ws);
    ck_assert_uint_eq(crowd.tally.closed, 1);
}
END_TEST

static void welcome(struct member *m, uint64_t start)
{
    struct id id, member;
    id_parse("k3v9x2mq4t", 10, &id);
    id_parse("0123456789ab", 12, &member);
    PUT(&message, welcome, id, span_of(""), member, 0, 1, start, start, start, 1, 10, 5000, 30000);
    tell(m);
}

START_TEST(who_comes_back_goes_on_from_the_mark)
{
    viewer->welcomes = 1;
    event(TERM + 1, 1);
    PUT(&message, mark, TERM + 1, TERM, 0);
    tell(viewer);
    welcome(viewer, TERM);
    event(TERM + 1, 1);
    event(TERM + 2, 2);
    tell(viewer);
    ck_assert_uint_eq(crowd.tally.lost + crowd.tally.repeated + crowd.tally.disordered, 0);
}
END_TEST

START_TEST(who_comes_back_and_misses_a_frame_has_lost_it)
{
    viewer->welcomes = 1;
    welcome(viewer, TERM);
    event(TERM + 1, 2);
    tell(viewer);
    ck_assert_uint_eq(crowd.tally.lost, 1);
}
END_TEST

START_TEST(who_comes_back_elsewhere_than_asked_is_out_of_order)
{
    viewer->welcomes = 1;
    welcome(viewer, TERM + 5);
    ck_assert_uint_eq(crowd.tally.disordered, 1);
}
END_TEST

START_TEST(who_came_back_and_hears_nothing_is_shut_out)
{
    viewer->errand = DROPS;
    viewer->waits = true;
    viewer->came_ns = 1;
    viewer->step_ns = UINT64_MAX;
    goers_step(&crowd, SHUT_OUT_NS);
    ck_assert_uint_eq(crowd.tally.shut_out, 0);
    goers_step(&crowd, SHUT_OUT_NS + 2);
    goers_step(&crowd, SHUT_OUT_NS + 3);
    ck_assert_uint_eq(crowd.tally.shut_out, 1);
}
END_TEST

START_TEST(who_was_welcomed_again_is_not_shut_out)
{
    viewer->errand = DROPS;
    viewer->waits = true;
    viewer->welcomes = 1;
    viewer->came_ns = 1;
    viewer->step_ns = UINT64_MAX;
    welcome(viewer, TERM);
    goers_step(&crowd, SHUT_OUT_NS + 2);
    ck_assert_uint_eq(crowd.tally.shut_out, 0);
}
END_TEST

/* Each kind of fault makes the run one that failed, and what may happen does not. */
START_TEST(each_fault_fails_the_run)
{
    struct tally *t = &crowd.tally;
    uint64_t *faults[] = {&t->lost,   &t->repeated,  &t->disordered, &t->closed,
                          &t->errors, &t->pens_lost, &t->bad,        &t->shut_out};
    *t = (struct tally){.cuts = 1, .held = 1, .waits = 1, .troubled = 1, .came_back = 1};
    ck_assert(!report_failed(&crowd));
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) {
        *faults[i] = 1;
        ck_assert(report_failed(&crowd));
        *faults[i] = 0;
    }
}
END_TEST

START_TEST(a_message_that_is_none_is_a_fault)
{
    buf_append(&message, "\xc1", 1);
    tell(viewer);
    ck_assert_uint_eq(crowd.tally.bad, 1);
}
END_TEST

START_TEST(a_drawer_with_too_much_unsaved_waits)
{
    for (unsigned i = 4; i < FRAMES_UNSAVED_MAX + 5; i++)
        draw(&board);
    ck_assert_uint_eq(board.cseq, FRAMES_UNSAVED_MAX);
    ck_assert_uint_eq(crowd.tally.held, 5);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("load_crowd");
    TCase *c = tcase_create("crowd");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, what_comes_in_order_is_no_fault);
    tcase_add_test(c, a_frame_that_was_left_out_is_lost);
    tcase_add_test(c, a_hole_in_the_offsets_is_out_of_order);
    tcase_add_test(c, an_offset_that_comes_again_is_repeated);
    tcase_add_test(c, a_frame_at_a_second_offset_is_repeated);
    tcase_add_test(c, what_a_cut_takes_back_may_come_again);
    tcase_add_test(c, what_nobody_saw_at_the_end_is_missing);
    tcase_add_test(c, own_frames_are_stored_when_the_mark_covers_them);
    tcase_add_test(c, the_pen_is_there_when_its_grant_is_stored);
    tcase_add_test(c, skew_is_the_time_from_the_first_viewer_to_the_last);
    tcase_add_test(c, a_frame_that_is_acked_again_is_repeated);
    tcase_add_test(c, a_frame_of_the_drawer_that_is_left_out_is_lost);
    tcase_add_test(c, a_run_whose_first_part_is_here_is_no_fault);
    tcase_add_test(c, a_grant_to_somebody_else_is_a_lost_pen);
    tcase_add_test(c, an_error_is_a_fault_but_a_word_to_wait_is_none);
    tcase_add_test(c, a_connection_that_the_gateway_closes_is_a_fault);
    tcase_add_test(c, who_comes_back_goes_on_from_the_mark);
    tcase_add_test(c, who_comes_back_and_misses_a_frame_has_lost_it);
    tcase_add_test(c, who_comes_back_elsewhere_than_asked_is_out_of_order);
    tcase_add_test(c, who_came_back_and_hears_nothing_is_shut_out);
    tcase_add_test(c, who_was_welcomed_again_is_not_shut_out);
    tcase_add_test(c, each_fault_fails_the_run);
    tcase_add_test(c, a_message_that_is_none_is_a_fault);
    tcase_add_test(c, a_drawer_with_too_much_unsaved_waits);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
