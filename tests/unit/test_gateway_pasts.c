/* SPDX-License-Identifier: Apache-2.0
 *
 * A backup was restored into the store: what an owner said before is of another past, whose epochs
 * and terms have the very numbers of ours [D34].
 */
#include "gateway_test.h"

#define BEFORE 11 /* the incarnation of the store before the backup was restored, and since */
#define SINCE  22

/* Ana has drawn a frame that is not stored, and the board is of the past that is ours. */
static void set_up_since(void)
{
    setup();
    two_on_a_board();
    message_from("b2");
    PUT(&body, events, id_of(BOARD), 2, 4, 3, 3, 0, {0}, SINCE);
    deliver();
    draws(drawer, 3, 1);
    pulls(drawer);
    pulls(viewer);
}

static bool is_kept(void)
{
    return gateway_core_stats(core)->frames_kept == 1;
}

START_TEST(frames_say_of_which_past_they_are)
{
    struct outbox_message m;
    struct msg_envelope envelope;
    struct msg_frame frame;
    ck_assert(outbox_next(gateway_core_outbox(core), now, &m));
    struct cursor in = cursor_of(m.body.data, m.body.len);
    ck_assert_int_eq(GET(&in, envelope, &envelope), 0);
    ck_assert_int_eq(GET(&in, frame, &frame), 0);
    ck_assert_uint_eq(frame.incarnation, SINCE);
}
END_TEST

START_TEST(what_was_stored_in_another_past_is_no_ack)
{
    message_from("b2");
    PUT(&body, want, id_of(BOARD), 2, id_of("ana"), 11, 3, 2, 1, BEFORE);
    deliver();
    ck_assert(is_kept());
    message_from("b2");
    PUT(&body, want, id_of(BOARD), 2, id_of("ana"), 11, 3, 2, 1, SINCE);
    deliver();
    ck_assert(!is_kept());
}
END_TEST

START_TEST(who_was_not_the_drawer_in_another_past_is_it_in_ours)
{
    message_from("b2");
    PUT(&body, not_drawer, id_of(BOARD), 2, id_of("ana"), 11, 3, 1, BEFORE);
    deliver();
    ck_assert_str_eq(pulls(drawer), "");
    ck_assert(is_kept());
    message_from("b2");
    PUT(&body, not_drawer, id_of(BOARD), 2, id_of("ana"), 11, 3, 1, SINCE);
    deliver();
    ck_assert_str_eq(pulls(drawer), "error not_drawer@2");
}
END_TEST

START_TEST(a_frame_that_was_wrong_in_another_past_ends_nobody)
{
    message_from("b2");
    PUT(&body, invalid, id_of(BOARD), 2, id_of("ana"), 11, 3, 1, span_of("It is wrong."), BEFORE);
    deliver();
    ck_assert_uint_eq(close_code_of(drawer), 0);
    ck_assert(is_kept());
}
END_TEST

START_TEST(who_was_replaced_in_another_past_stays)
{
    message_from("b2");
    PUT(&body, replaced, id_of(BOARD), 2, id_of("ana"), 11, 2, 0, 11, 1, BEFORE);
    deliver();
    ck_assert_uint_eq(close_code_of(drawer), 0);
}
END_TEST

START_TEST(a_pointer_of_another_past_is_nowhere)
{
    message_from("b2");
    PUT(&body, pointed, id_of(BOARD), 2, id_of("ana"), 5, 7, BEFORE);
    deliver();
    ck_assert_str_eq(pulls(viewer), "");
    message_from("b2");
    PUT(&body, pointed, id_of(BOARD), 2, id_of("ana"), 5, 7, SINCE);
    deliver();
    ck_assert_str_eq(pulls(viewer), "pointer ana 5,7");
}
END_TEST

/* It was deleted after the backup was made; or we do not know yet. So history is asked. */
START_TEST(that_a_board_was_gone_in_another_past_ends_it_not)
{
    sent();
    message_from("b2");
    PUT(&body, no_board, id_of(BOARD), BEFORE);
    deliver();
    ck_assert_uint_eq(close_code_of(viewer), 0);
    ck_assert_str_eq(sent(), "look ");
    message_from("b2");
    PUT(&body, no_board, id_of(BOARD), SINCE);
    deliver();
    ck_assert_uint_eq(close_code_of(viewer), 4404);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway pasts");
    TCase *t = tcase_create("pasts");
    tcase_add_checked_fixture(t, set_up_since, teardown);
    tcase_add_test(t, frames_say_of_which_past_they_are);
    tcase_add_test(t, what_was_stored_in_another_past_is_no_ack);
    tcase_add_test(t, who_was_not_the_drawer_in_another_past_is_it_in_ours);
    tcase_add_test(t, a_frame_that_was_wrong_in_another_past_ends_nobody);
    tcase_add_test(t, who_was_replaced_in_another_past_stays);
    tcase_add_test(t, a_pointer_of_another_past_is_nowhere);
    tcase_add_test(t, that_a_board_was_gone_in_another_past_ends_it_not);
    suite_add_tcase(s, t);
    return run_suite(s);
}
