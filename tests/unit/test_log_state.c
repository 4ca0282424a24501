/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of a log as one value: what each event makes of it, its bytes, and the fields that
 * programs of the version before have instead.
 */
#include "log_state.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct log_state SOME = {
    .holder = {"ana"},
    .instance = 1001,
    .term = 7,
    .cseq = 9,
    .base = 5,
    .stroke = {77, true, true},
};

static void expect_equal(const struct log_state *a, const struct log_state *b)
{
    ck_assert_str_eq(a->holder.text, b->holder.text);
    ck_assert_uint_eq(a->instance, b->instance);
    ck_assert_uint_eq(a->term, b->term);
    ck_assert_uint_eq(a->cseq, b->cseq);
    ck_assert_uint_eq(a->base, b->base);
    ck_assert_uint_eq(stroke_bits(&a->stroke), stroke_bits(&b->stroke));
}

/* ---- events ---------------------------------------------------------------------------------- */

START_TEST(a_frame_counts_in_its_term_and_leaves_its_stroke)
{
    struct log_state s = SOME, expected = SOME;
    log_state_step(&s, &(struct log_event){MSG_ev_points, 12, 10, {80, true, true}, {0}});
    expected.cseq = 10;
    expected.stroke.points = 80;
    expect_equal(&s, &expected);
}
END_TEST

START_TEST(a_clear_is_where_fresh_readers_begin)
{
    struct log_state s = SOME, expected = SOME;
    log_state_step(&s, &(struct log_event){MSG_ev_clear, 12, 10, SOME.stroke, {0}});
    expected.cseq = 10;
    expected.base = 12;
    expect_equal(&s, &expected);
}
END_TEST

START_TEST(a_grant_begins_a_term)
{
    struct log_state s = SOME, expected = {{"bob"}, 2002, 12, 0, 5, {0, false, false}};
    struct buf grant = {0};
    PUT(&grant, ev_grant, .offset = 12, .member = {"bob"}, .instance = 2002);
    log_state_step(&s,
                   &(struct log_event){MSG_ev_grant, 12, 0, {0, false, false}, buf_span(&grant)});
    expect_equal(&s, &expected);
    buf_free(&grant);
}
END_TEST

START_TEST(the_end_of_an_epoch_changes_nothing)
{
    struct log_state s = SOME;
    log_state_step(&s, &(struct log_event){MSG_ev_released, 12, 0, SOME.stroke, {0}});
    expect_equal(&s, &SOME);
}
END_TEST

/* ---- bytes ----------------------------------------------------------------------------------- */

START_TEST(a_state_comes_back_from_its_bytes)
{
    struct log_state most = {{"zzzzzzzzzzzzzzz"}, OFFSET_MAX, OFFSET_MAX,
                             UINT32_MAX,          OFFSET_MAX, {2000, true, true}};
    struct log_state none = {.term = 0}, back;
    const struct log_state *all[] = {&SOME, &most, &none};
    for (unsigned i = 0; i < 3; i++) {
        struct state_bytes bytes = log_state_pack(all[i]);
        ck_assert_int_eq(log_state_unpack(state_span(&bytes), OFFSET_MAX, &back), 0);
        expect_equal(&back, all[i]);
    }
}
END_TEST

START_TEST(what_a_newer_version_has_besides_is_passed_over)
{
    struct state_bytes bytes = log_state_pack(&SOME);
    struct log_state back;
    bytes.data[0]++;
    bytes.data[bytes.len++] = 0xc3;
    ck_assert_int_eq(log_state_unpack(state_span(&bytes), 11, &back), 0);
    expect_equal(&back, &SOME);
}
END_TEST

START_TEST(bytes_that_are_no_state_are_refused)
{
    struct state_bytes whole = log_state_pack(&SOME);
    struct log_state back;
    for (uint8_t len = 0; len < whole.len; len++)
        ck_assert_int_eq(log_state_unpack((struct span){whole.data, len}, 11, &back), -EBADMSG);
    struct state_bytes more = whole;
    more.data[more.len++] = 0;
    ck_assert_int_eq(log_state_unpack(state_span(&more), 11, &back), -EBADMSG);
    uint8_t long_one[LOG_STATE_BYTES_MAX + 1] = {0};
    ck_assert_int_eq(log_state_unpack((struct span){long_one, sizeof long_one}, 11, &back),
                     -EBADMSG);
}
END_TEST

START_TEST(a_state_names_nothing_behind_its_last_event)
{
    struct log_state back, base = SOME;
    struct state_bytes bytes = log_state_pack(&SOME);
    ck_assert_int_eq(log_state_unpack(state_span(&bytes), 7, &back), 0);
    ck_assert_int_eq(log_state_unpack(state_span(&bytes), 6, &back), -EBADMSG);
    base.base = 9;
    bytes = log_state_pack(&base);
    ck_assert_int_eq(log_state_unpack(state_span(&bytes), 8, &back), -EBADMSG);
}
END_TEST

/* ---- in messages ----------------------------------------------------------------------------- */

START_TEST(an_append_carries_the_state_for_programs_of_now_and_of_before)
{
    struct msg_append m = {.first = 8, .count = 4, .flags = APPEND_RELEASED};
    struct state_bytes bytes = log_state_pack(&SOME);
    struct log_state back;
    log_state_to_append(&SOME, &bytes, &m);
    ck_assert_int_eq(log_state_of_append(&m, &back), 0);
    expect_equal(&back, &SOME);
    m.state = (struct span){0};
    ck_assert_int_eq(log_state_of_append(&m, &back), 0);
    expect_equal(&back, &SOME);
    ck_assert(m.flags & APPEND_RELEASED);
    m.term = 12; /* behind the last of its events */
    ck_assert_int_eq(log_state_of_append(&m, &back), -EBADMSG);
}
END_TEST

START_TEST(an_answer_to_an_open_does_so_too)
{
    struct msg_opened m = {.epoch = 12};
    struct state_bytes bytes = log_state_pack(&SOME);
    struct log_state back;
    log_state_to_opened(&SOME, &bytes, &m);
    ck_assert_int_eq(log_state_of_opened(&m, &back), 0);
    expect_equal(&back, &SOME);
    m.state = (struct span){0};
    ck_assert_int_eq(log_state_of_opened(&m, &back), 0);
    expect_equal(&back, &SOME);
    m.base = 12; /* the open event is no clear */
    ck_assert_int_eq(log_state_of_opened(&m, &back), -EBADMSG);
}
END_TEST

/* As version 2 of the broker's messages has them. */
START_TEST(the_fields_of_before_mean_nothing_where_the_state_is)
{
    struct state_bytes bytes = log_state_pack(&SOME);
    struct msg_append append = {.first = 8, .count = 4, .state = state_span(&bytes)};
    struct msg_opened opened = {.epoch = 12, .state = state_span(&bytes)};
    struct log_state back;
    ck_assert_int_eq(log_state_of_append(&append, &back), 0);
    expect_equal(&back, &SOME);
    ck_assert_int_eq(log_state_of_opened(&opened, &back), 0);
    expect_equal(&back, &SOME);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_state");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_frame_counts_in_its_term_and_leaves_its_stroke);
    tcase_add_test(all, a_clear_is_where_fresh_readers_begin);
    tcase_add_test(all, a_grant_begins_a_term);
    tcase_add_test(all, the_end_of_an_epoch_changes_nothing);
    tcase_add_test(all, a_state_comes_back_from_its_bytes);
    tcase_add_test(all, what_a_newer_version_has_besides_is_passed_over);
    tcase_add_test(all, bytes_that_are_no_state_are_refused);
    tcase_add_test(all, a_state_names_nothing_behind_its_last_event);
    tcase_add_test(all, an_append_carries_the_state_for_programs_of_now_and_of_before);
    tcase_add_test(all, an_answer_to_an_open_does_so_too);
    tcase_add_test(all, the_fields_of_before_mean_nothing_where_the_state_is);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
