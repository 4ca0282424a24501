/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of a log as one value: what each event makes of it, its bytes, and the fields that
 * programs of the version before have instead. [D37]
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
    ck_assert_uint_eq(a->under_count, b->under_count);
    for (unsigned i = 0; i < a->under_count; i++)
        ck_assert_uint_eq(a->under[i], b->under[i]);
    ck_assert_uint_eq(a->uses, b->uses);
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
    expected.under[0] = 5;
    expected.under_count = 1;
    expect_equal(&s, &expected);
}
END_TEST

static void clear(struct log_state *s, uint64_t offset)
{
    log_state_step(s, &(struct log_event){MSG_ev_clear, offset, 10, SOME.stroke, {0}});
}

static void restore(struct log_state *s, uint64_t clear, uint64_t start)
{
    struct buf event = {0};
    PUT(&event, ev_restore, .offset = 99, .term = 7, .cseq = 10, .clear = clear, .start = start);
    log_state_step(s, &(struct log_event){MSG_ev_restore, 99, 10, SOME.stroke, buf_span(&event)});
    buf_free(&event);
}

START_TEST(the_newest_clear_can_be_taken_back_and_then_the_one_before)
{
    struct log_state s = {.term = 7};
    clear(&s, 12);
    clear(&s, 20);
    ck_assert_uint_eq(log_state_restores(&s, 12), NIL);
    ck_assert_uint_eq(log_state_restores(&s, 20), 12);
    restore(&s, 20, 12);
    ck_assert_uint_eq(s.base, 12);
    ck_assert_uint_eq(s.uses, FEATURE_RESTORE);
    ck_assert_uint_eq(log_state_restores(&s, 12), 0);
    restore(&s, 12, 0);
    ck_assert_uint_eq(s.base, 0);
    ck_assert_uint_eq(log_state_restores(&s, 0), NIL);
}
END_TEST

START_TEST(a_restore_of_what_is_not_the_newest_clear_changes_nothing)
{
    struct log_state s = {.term = 7}, expected;
    clear(&s, 12);
    expected = s;
    restore(&s, 11, NIL);
    expect_equal(&s, &expected);
}
END_TEST

/* Whoever clears again and again drives out what she drew herself, not what was there before. */
START_TEST(of_many_pictures_the_smallest_one_goes)
{
    struct log_state s = {.term = 7};
    clear(&s, 1000);
    for (unsigned i = 1; i <= 3 * PICTURES_UNDER_MAX; i++)
        clear(&s, 1000 + 2 * i);
    ck_assert_uint_eq(s.under_count, PICTURES_UNDER_MAX);
    ck_assert_uint_eq(s.under[0], 0);
    for (uint64_t start; (start = log_state_restores(&s, s.base)) != NIL;)
        restore(&s, s.base, start);
    ck_assert_uint_eq(s.base, 0);
}
END_TEST

START_TEST(a_grant_begins_a_term)
{
    struct log_state s = SOME;
    struct log_state expected = {.holder = {"bob"}, .instance = 2002, .term = 12, .base = 5};
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
    struct log_state most = {.holder = {"zzzzzzzzzzzzzzz"},
                             .instance = OFFSET_MAX,
                             .term = OFFSET_MAX,
                             .cseq = UINT32_MAX,
                             .base = OFFSET_MAX,
                             .stroke = {2000, true, true},
                             .under_count = PICTURES_UNDER_MAX,
                             .uses = UINT32_MAX};
    for (unsigned i = 0; i < PICTURES_UNDER_MAX; i++)
        most.under[i] = OFFSET_MAX - PICTURES_UNDER_MAX + i;
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

/* Of one that a version of before wrote, what came since is not known. */
START_TEST(fields_that_are_not_there_read_as_nothing)
{
    struct log_state back, more = SOME;
    more.under[0] = 3;
    more.under_count = 1;
    more.uses = 1;
    more.rules = 5;
    struct state_bytes bytes = log_state_pack(&more);
    bytes.data[0] -= 3;
    bytes.len -= 2 + 8 + 1 + 1;
    ck_assert_int_eq(log_state_unpack(state_span(&bytes), 11, &back), 0);
    expect_equal(&back, &SOME);
}
END_TEST

START_TEST(pictures_that_do_not_rise_are_no_state)
{
    struct log_state back, wrong = SOME;
    wrong.under_count = 2;
    wrong.under[0] = wrong.under[1] = 3;
    struct state_bytes bytes = log_state_pack(&wrong);
    ck_assert_int_eq(log_state_unpack(state_span(&bytes), 11, &back), -EBADMSG);
    wrong.under[1] = 5; /* as high as the base */
    bytes = log_state_pack(&wrong);
    ck_assert_int_eq(log_state_unpack(state_span(&bytes), 11, &back), -EBADMSG);
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
    tcase_add_test(all, the_newest_clear_can_be_taken_back_and_then_the_one_before);
    tcase_add_test(all, a_restore_of_what_is_not_the_newest_clear_changes_nothing);
    tcase_add_test(all, of_many_pictures_the_smallest_one_goes);
    tcase_add_test(all, a_grant_begins_a_term);
    tcase_add_test(all, the_end_of_an_epoch_changes_nothing);
    tcase_add_test(all, a_state_comes_back_from_its_bytes);
    tcase_add_test(all, what_a_newer_version_has_besides_is_passed_over);
    tcase_add_test(all, bytes_that_are_no_state_are_refused);
    tcase_add_test(all, fields_that_are_not_there_read_as_nothing);
    tcase_add_test(all, pictures_that_do_not_rise_are_no_state);
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
