/* SPDX-License-Identifier: Apache-2.0
 *
 * A backup was restored into the store: what owners sent before is of another past, whose epochs
 * have the very numbers of ours [D34].
 */
#include "history_test.h"

static void append_of_past(uint64_t incarnation, uint64_t first, uint32_t count)
{
    struct buf events = {0};
    struct msg_append m = segment_of(&events, 2, first, count);
    m.incarnation = incarnation;
    from("b1", &TYPE_append, &m);
    buf_free(&events);
}

/* The log had another epoch 2 before the backup was restored. Its owner is told of which past the
 * mark is; should it be the owner of this one, too, the mark is true. */
START_TEST(a_segment_of_another_past_adds_nothing_though_its_epoch_has_the_same_number)
{
    history_core_incarnation(core, 22);
    opened_by_b1();
    append_of_past(11, 3, 4);
    append_of_past(11, 60, 1); /* no hole of ours */
    append_of_past(11, 3, 0);
    expect("b1 stored 2 epoch 2; b1 stored 2 epoch 2; b1 stored 2 epoch 2");
    ck_assert_uint_eq(newest.stored.incarnation, 22);
    expect_log("1+1@0 2+1@2");
    append_of_past(22, 3, 2);
    append_of_past(0, 5, 1); /* an owner of before does not say it */
    expect("b1 stored 5 epoch 2");
    append_of_past(11, 6, 2);
    expect("b1 stored 5 epoch 2");
    expect_log("1+1@0 2+1@2 3+3@2");
}
END_TEST

START_TEST(that_a_board_is_not_there_is_said_of_a_past)
{
    history_core_incarnation(core, 22);
    append_of_past(22, 3, 2);
    expect("b1 no_board");
    ck_assert_uint_eq(newest.no_board.incarnation, 22);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("history pasts");
    TCase *t = tcase_create("pasts");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_segment_of_another_past_adds_nothing_though_its_epoch_has_the_same_number);
    tcase_add_test(t, that_a_board_is_not_there_is_said_of_a_past);
    suite_add_tcase(s, t);
    return run_suite(s);
}
