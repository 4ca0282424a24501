/* SPDX-License-Identifier: Apache-2.0
 *
 * The gateway's core tells why, when somebody listens.
 */
#include "gateway_test.h"
#include "trace_test.h"

static void set_up(void)
{
    listening = &listener;
    setup();
    two_on_a_board();
}

static void tear_down(void)
{
    teardown();
    forget_told();
}

START_TEST(what_a_client_is_told_is_told_with_its_frame)
{
    listen_to_it();
    draws(viewer, 3, 1);
    expect_told("term_not_clients: a frame of term 3 is refused: its client may only watch, or has "
                "drawn in term 0, or knows the log only up to 3\n");
    expect_told("error_told: a client is told not_drawer, of its frame 2 (0: of none)\n");
    ck_assert_uint_eq(told_count, 2);
}
END_TEST

START_TEST(a_cseq_that_is_not_the_next_is_told)
{
    draws(drawer, 3, 1);
    listen_to_it();
    draws(drawer, 3, 3);
    expect_told("cseq_not_next: frame 3 of term 3 is refused: the client's newest one is 1\n");
    expect_told("error_told: a client is told bad_frame, of its frame 3");
}
END_TEST

START_TEST(what_the_owner_refuses_is_told_and_what_is_lost_by_that)
{
    draws(drawer, 3, 1);
    listen_to_it();
    message_from("b2");
    PUT(&body, not_drawer, id_of(BOARD), 2, id_of("ana"), 11, 3, 1);
    deliver();
    expect_told("refusal_told: the owner refuses frame 1 of term 3");
    expect_told("frame_lost: frame 1 of term 3 is lost");
    message_from("b2");
    PUT(&body, not_drawer, id_of(BOARD), 2, id_of("ana"), 11, 3, 1);
    deliver();
    expect_told("refusal_ignored: the owner refuses frame 1 of term 3, which does not wait here");
}
END_TEST

START_TEST(a_cut_is_told_and_messages_of_the_past_after_it)
{
    owner_sends(2, 4, 5, 3);
    listen_to_it();
    owner_sends(4, 4, 3, 3);
    expect_told("view_cut: a newer epoch begins: the view is cut to 3, and knew of events up to 5");
    owner_sends(2, 6, 6, 3);
    expect_told("epoch_ignored: a message of epoch 2 is ignored: the view is in epoch 4");
}
END_TEST

START_TEST(events_that_go_by_are_no_decisions)
{
    listen_to_it();
    for (unsigned cseq = 1; cseq <= 20; cseq++)
        draws(drawer, 3, cseq);
    owner_sends(2, 4, 23, 23);
    pulls(drawer);
    pulls(viewer);
    tick(50);
    ck_assert_uint_eq(told_count, 0);
}
END_TEST

START_TEST(nothing_is_told_when_nobody_listens)
{
    draws(viewer, 3, 1);
    ck_assert_str_eq(pulls(viewer), "error not_drawer@2");
    ck_assert_uint_eq(told_count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gateway_trace");
    TCase *c = tcase_create("trace");
    tcase_add_checked_fixture(c, set_up, tear_down);
    suite_add_tcase(suite, c);
    tcase_add_test(c, what_a_client_is_told_is_told_with_its_frame);
    tcase_add_test(c, a_cseq_that_is_not_the_next_is_told);
    tcase_add_test(c, what_the_owner_refuses_is_told_and_what_is_lost_by_that);
    tcase_add_test(c, a_cut_is_told_and_messages_of_the_past_after_it);
    tcase_add_test(c, events_that_go_by_are_no_decisions);
    tcase_add_test(c, nothing_is_told_when_nobody_listens);
    return run_suite(suite);
}
