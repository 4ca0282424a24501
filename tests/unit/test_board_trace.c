/* SPDX-License-Identifier: Apache-2.0
 *
 * The board service's core tells why, when somebody listens.
 */
#include "board_test.h"
#include "trace_test.h"

static void set_up(void)
{
    listening = &listener;
    setup();
    open_with_ann_drawing();
}

static void tear_down(void)
{
    teardown();
    forget_told();
}

START_TEST(a_refused_frame_is_told_with_its_numbers)
{
    listen_to_it();
    draw("g1", "bob", 12, 3, 1);
    expect_told("frame_refused: frame 1 of term 3 is refused: the pen is lent in term 3, to "
                "another page or to nobody\n");
    ck_assert_uint_eq(told_count, 1);
}
END_TEST

START_TEST(a_frame_that_is_too_early_or_repeated_is_told)
{
    draw("g1", "ann", 11, 3, 1);
    listen_to_it();
    draw("g1", "ann", 11, 3, 7);
    expect_told("frame_too_early: frame 7 comes too early: 2 is the next one");
    draw("g1", "ann", 11, 3, 1);
    expect_told("frame_repeated: frame 1 is in the log already, which has those up to 1");
}
END_TEST

START_TEST(a_grant_and_what_it_ends_are_told_and_frames_that_wait_for_it)
{
    listen_to_it();
    hand_over("g1", "ann", 11, 3, 1, "bob");
    expect_told("pen_granted: the grant 4 ends term 3 after its frame 1\n");
    draw("g1", "bob", 12, 4, 1);
    expect_told("frame_held: a frame is held until a grant is stored: 0 bytes are");
}
END_TEST

START_TEST(an_answer_of_another_epoch_is_told_and_an_epoch_that_another_replica_took)
{
    listen_to_it();
    FROM("h1", stored, id_of(BOARD), 1, 3);
    expect_told("answer_ignored: an answer of history about epoch 1 is ignored: ours is 2");
    FROM("h1", refused, id_of(BOARD), 0, 2, 9, id_of("b2"), 100);
    expect_told(
        "epoch_lost: history takes no more events of our epoch 2: the newest is 9, we wait ");
}
END_TEST

START_TEST(who_finds_no_seat_is_told_of)
{
    listen_to_it();
    attach("g1", 2, 3, "ann/11, bob/12, cat/13, dan/14");
    expect_told("seat_refused: 1 members find no seat, of 3 and one for an own link\n");
}
END_TEST

START_TEST(events_that_go_by_are_no_decisions)
{
    listen_to_it();
    for (unsigned cseq = 1; cseq <= 20; cseq++)
        draw("g1", "ann", 11, 3, cseq);
    pass(100);
    stored(2, 23);
    pass(200);
    ck_assert_uint_eq(told_count, 0);
}
END_TEST

START_TEST(nothing_is_told_when_nobody_listens)
{
    draw("g1", "bob", 12, 3, 1);
    expect("g1 not_drawer bob/12 term 3 cseq 1");
    ck_assert_uint_eq(told_count, 0);
    listen_to_it();
    listener.tell = NULL; /* also no longer */
    draw("g1", "bob", 12, 3, 2);
    ck_assert_uint_eq(told_count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("board_trace");
    TCase *c = tcase_create("trace");
    tcase_add_checked_fixture(c, set_up, tear_down);
    suite_add_tcase(suite, c);
    tcase_add_test(c, a_refused_frame_is_told_with_its_numbers);
    tcase_add_test(c, a_frame_that_is_too_early_or_repeated_is_told);
    tcase_add_test(c, a_grant_and_what_it_ends_are_told_and_frames_that_wait_for_it);
    tcase_add_test(c, an_answer_of_another_epoch_is_told_and_an_epoch_that_another_replica_took);
    tcase_add_test(c, who_finds_no_seat_is_told_of);
    tcase_add_test(c, events_that_go_by_are_no_decisions);
    tcase_add_test(c, nothing_is_told_when_nobody_listens);
    return run_suite(suite);
}
