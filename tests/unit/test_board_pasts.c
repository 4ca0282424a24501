/* SPDX-License-Identifier: Apache-2.0
 *
 * A backup was restored into the store: what gateways and history said before is of another past,
 * whose epochs and terms have the very numbers of ours [D34].
 */
#include "board_test.h"

#define BEFORE 11 /* the incarnation of the store before the backup was restored, and since */
#define SINCE  22

static void set_up_since(void)
{
    setup();
    attach("g1", 0, 0, "ann/11, bob/12");
    opened_as((struct msg_opened){.epoch = 2, .clean = 1, .incarnation = SINCE});
    attach("g1", 2, 2, "ann/11 ask, bob/12");
    FROM("h1", stored, id_of(BOARD), 2, 3, SINCE);
    attach("g1", 2, 3, "ann/11, bob/12");
    pass(200);
    forget_lines();
}

/* Ann's first frame of term 3, as a gateway sends it out of that past. */
static void draw_of(uint64_t incarnation)
{
    struct buf body = {0};
    PUT(&body, begin, 3, 1, TOOL_PEN, 0, 80, 1, 0, {POINTS, 4});
    FROM("g1", frame, .board = id_of(BOARD), .member = id_of("ann"), .instance = 11,
         .body = buf_span(&body), .incarnation = incarnation);
    buf_free(&body);
}

START_TEST(a_frame_of_another_past_gets_no_place_although_its_term_has_the_number_of_ours)
{
    draw_of(BEFORE);
    expect_no("events 4");
    expect_no("not_drawer");         /* its client knows by the welcome that it began anew */
    expect("history probe epoch 2"); /* or it is us who do not know yet */
    draw_of(SINCE);
    expect("g1 events 4..4 mark 3 head 4 epoch 2");
}
END_TEST

START_TEST(a_gateway_of_before_does_not_say_of_which_past_its_frames_are)
{
    draw_of(0);
    expect("g1 events 4..4 mark 3 head 4 epoch 2");
}
END_TEST

START_TEST(segments_say_of_which_past_they_are)
{
    draw_of(SINCE);
    pass(100);
    expect("history append 4..4 epoch 2");
    ck_assert_uint_eq(append.incarnation, SINCE);
}
END_TEST

static void place_of(uint64_t incarnation)
{
    FROM("g1", pointing, id_of(BOARD), id_of("ann"), 11, 5, 7, incarnation);
}

START_TEST(a_pointer_of_another_past_is_nowhere)
{
    place_of(BEFORE);
    expect_no("pointed");
    place_of(SINCE);
    expect("g1 pointed ann 5,7 epoch 2");
}
END_TEST

/* Ann has the pen; by her own link bob gives it to himself. */
static void deed_of(uint64_t incarnation)
{
    struct buf body = {0};
    PUT(&body, give, 3, id_of("bob"));
    FROM("g1", deed, id_of(BOARD), id_of("bob"), 12, buf_span(&body), incarnation);
    buf_free(&body);
}

START_TEST(a_deed_of_another_past_does_nothing)
{
    attach("g1", 2, 3, "ann/11, bob/12 own");
    forget_lines();
    deed_of(BEFORE);
    expect_no("g1 events");
    deed_of(SINCE);
    expect("g1 events 4..4 mark 3 head 4 epoch 2"); /* her grant's end */
}
END_TEST

/* It was deleted after the backup was made. */
START_TEST(that_a_board_was_gone_in_another_past_ends_it_not)
{
    FROM("h1", alive, .shards = 1, .incarnation = SINCE);
    forget_lines();
    FROM("h1", no_board, id_of(BOARD), BEFORE);
    expect_no("no_board");
    draw_of(SINCE);
    expect("g1 events 4..4 mark 3 head 4 epoch 2");
    FROM("h1", no_board, id_of(BOARD), SINCE);
    expect("g1 no_board");
}
END_TEST

START_TEST(an_answer_out_of_another_store_makes_us_open_the_board_anew)
{
    FROM("h1", stored, id_of(BOARD), 2, 3, 33);
    expect("history open over 0");
    ck_assert_uint_eq(board_core_stats(core)->stores_changed, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("board pasts");
    TCase *t = tcase_create("pasts");
    tcase_add_checked_fixture(t, set_up_since, teardown);
    tcase_add_test(t,
                   a_frame_of_another_past_gets_no_place_although_its_term_has_the_number_of_ours);
    tcase_add_test(t, a_gateway_of_before_does_not_say_of_which_past_its_frames_are);
    tcase_add_test(t, segments_say_of_which_past_they_are);
    tcase_add_test(t, a_pointer_of_another_past_is_nowhere);
    tcase_add_test(t, a_deed_of_another_past_does_nothing);
    tcase_add_test(t, that_a_board_was_gone_in_another_past_ends_it_not);
    tcase_add_test(t, an_answer_out_of_another_store_makes_us_open_the_board_anew);
    suite_add_tcase(s, t);
    return run_suite(s);
}
