/* SPDX-License-Identifier: Apache-2.0
 *
 * What history decides of boards: made, looked at, opened (DESIGN §6, §7).
 */
#include "history_test.h"

/* ---- create ---------------------------------------------------------------------------------- */

START_TEST(a_board_is_made_by_storing_its_first_event)
{
    create("g1", 7, "Physics");
    expect("g1 created");
    expect_log("1+1@0");
    ck_assert_uint_eq(last_record().time, now);
}
END_TEST

START_TEST(nothing_is_answered_before_it_is_stored)
{
    create("g1", 7, "Physics");
    const struct history_plan *plan = history_core_plan(core, now);
    load(core, &plan->load[0]);
    plan = history_core_plan(core, now);
    ck_assert_uint_eq(plan->record_count, 1);
    take_answers(core);
    ck_assert_str_eq(said, "");
    history_core_settle(core, now, (int[]){0});
    take_answers(core);
    ck_assert_str_eq(said, "g1 created");
}
END_TEST

START_TEST(the_same_create_again_is_answered_again_and_adds_nothing)
{
    create("g1", 7, "Physics");
    expect("g1 created");
    create("g1", 7, "Physics");
    expect("g1 created");
    expect_log("1+1@0");
}
END_TEST

START_TEST(a_create_with_another_nonce_or_name_finds_the_id_taken)
{
    create("g1", 7, "Physics");
    create("g1", 8, "Physics");
    create("g1", 7, "Chemistry");
    create("g1", 7, "Physic");
    expect("g1 created; g1 taken; g1 taken; g1 taken");
    expect_log("1+1@0");
}
END_TEST

START_TEST(a_create_of_an_opened_board_finds_the_id_taken)
{
    opened_by_b1();
    create("g1", 7, "Physics");
    expect("g1 taken");
}
END_TEST

START_TEST(a_create_of_a_deleted_board_finds_the_id_taken)
{
    deleted();
    create("g1", 7, "Physics");
    expect("g1 taken");
}
END_TEST

/* ---- look ------------------------------------------------------------------------------------ */

START_TEST(a_look_tells_name_epoch_tail_and_time)
{
    opened_by_b1();
    append("b1", 2, 3, 5);
    expect("b1 stored 7 epoch 2");
    uint64_t time = now;
    now += 5000;
    look();
    expect("g1 looked Physics epoch 2 tail 7");
    ck_assert_uint_eq(newest.looked.time, time);
}
END_TEST

START_TEST(a_look_at_no_board_or_a_deleted_one_has_tail_0)
{
    look();
    expect("g1 looked  epoch 0 tail 0");
    deleted();
    look();
    expect("g1 looked  epoch 0 tail 0");
}
END_TEST

START_TEST(a_look_sees_what_another_history_service_stored)
{
    opened_by_b1();
    elsewhere(append_elsewhere);
    look();
    expect("g1 looked Physics epoch 2 tail 4");
}
END_TEST

/* ---- open ------------------------------------------------------------------------------------ */

START_TEST(an_open_over_the_newest_epoch_is_appended_and_its_offset_is_the_epoch)
{
    opened_by_b1();
    expect_log("1+1@0 2+1@2");
    append("b1", 2, 3, 4);
    expect("b1 stored 6 epoch 2");
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 7");
    expect_log("1+1@0 2+1@2 3+4@2 7+1@7");
}
END_TEST

START_TEST(an_open_is_answered_with_the_state_before_it)
{
    fenced_by_b2();
    ck_assert_uint_eq(newest.opened.nonce, 71);
    ck_assert_str_eq(newest.opened.holder.text, "0123456789ab");
    ck_assert_uint_eq(newest.opened.instance, 1001);
    ck_assert_uint_eq(newest.opened.term, 3);
    ck_assert_uint_eq(newest.opened.cseq, 6);
    ck_assert_uint_eq(newest.opened.base, 1);
    ck_assert_uint_eq(newest.opened.time, now);
}
END_TEST

/* ---- rules ----------------------------------------------------------------------------------- */

/* One event more, ev_rules at that offset; the state names it. */
static void append_rules(const char *replica, uint64_t epoch, uint64_t offset)
{
    struct buf events = {0};
    PUT(&events, ev_rules, .offset = offset, .time = now, .member = id_of("olga"));
    struct state_bytes state = log_state_pack(&(struct log_state){.rules = offset});
    FROM(replica, append, .board = id_of(BOARD), .epoch = epoch, .first = offset, .count = 1,
         .time = now, .events = buf_span(&events), .state = state_span(&state));
    buf_free(&events);
}

static void append_after_rules(const char *replica, uint64_t epoch, uint64_t first, uint64_t rules)
{
    struct buf events = {0};
    struct state_bytes state = log_state_pack(&(struct log_state){.rules = rules});
    struct msg_append m = segment_of(&events, epoch, first, 2);
    m.state = state_span(&state);
    from(replica, &TYPE_append, &m);
    buf_free(&events);
}

START_TEST(who_opens_a_board_or_looks_at_it_is_told_how_it_is_ruled)
{
    opened_by_b1();
    look();
    expect("g1 looked Physics epoch 2 tail 2");
    ck_assert_uint_eq(told_rules, 0);
    append_rules("b1", 2, 3);
    append_after_rules("b1", 2, 4, 3);
    expect("b1 stored 5 epoch 2");
    look();
    expect("g1 looked Physics epoch 2 tail 5");
    ck_assert_uint_eq(told_rules, 3);
    append_rules("b1", 2, 6);
    expect("b1 stored 6 epoch 2");
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 7");
    ck_assert_uint_eq(told_rules, 6);
    ask_to_open("b2", 71, 2);
    expect("b2 opened 7");
    ck_assert_uint_eq(told_rules, 6);
}
END_TEST

START_TEST(an_open_over_another_epoch_than_the_newest_is_refused)
{
    fenced_by_b2();
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b3", 72, 2);
    ask_to_open("b3", 73, 0);
    ask_to_open("b3", 74, 7);
    expect("b3 refused open 2 newest 6 by b2 wait 0; b3 refused open 0 newest 6 by b2 wait 0; "
           "b3 refused open 7 newest 6 by b2 wait 0");
}
END_TEST

START_TEST(a_repeated_open_gets_the_same_answer_and_adds_nothing)
{
    fenced_by_b2();
    struct msg_opened first = newest.opened;
    now += 10 * HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 6");
    first.name = newest.opened.name = (struct span){0};
    ck_assert_mem_eq(&newest.opened, &first, sizeof first);
    expect_log("1+1@0 2+1@2 3+3@2 6+1@6");
}
END_TEST

START_TEST(a_repeated_open_gets_the_same_answer_from_another_history_service)
{
    opened_by_b1();
    to = other;
    ask_to_open("b1", 70, 0);
    to = NULL;
    rounds_of(other);
    take_answers(other);
    ck_assert_str_eq(said, "b1 opened 2 clean");
}
END_TEST

/* [D10] */
START_TEST(an_open_that_comes_again_after_another_one_fences_nobody)
{
    fenced_by_b2();
    now += 10 * HISTORY_OPEN_EVERY_MS;
    ask_to_open("b1", 70, 0);
    expect("b1 refused open 0 newest 6 by b2 wait 0");
    append("b2", 6, 7, 1);
    expect("b2 stored 7 epoch 6");
}
END_TEST

START_TEST(an_open_that_comes_again_after_its_owner_wrote_is_refused)
{
    opened_by_b1();
    append("b1", 2, 3, 1);
    expect("b1 stored 3 epoch 2");
    ask_to_open("b1", 70, 0);
    expect("b1 refused open 0 newest 2 by b1 wait 2000");
}
END_TEST

/* [D11] */
START_TEST(an_owner_that_lost_its_events_opens_again_with_another_nonce)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b1", 99, 2);
    expect("b1 opened 3");
    append("b1", 2, 4, 1);
    expect("b1 refused append 2 newest 3 by b1 wait 2000");
}
END_TEST

/* [D12] */
START_TEST(one_open_is_admitted_per_board_and_two_seconds)
{
    opened_by_b1();
    ask_to_open("b2", 71, 2);
    expect("b2 refused open 2 newest 2 by b1 wait 2000");
    now += 1999;
    ask_to_open("b2", 71, 2);
    expect("b2 refused open 2 newest 2 by b1 wait 1");
    now += 1;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 3");
}
END_TEST

START_TEST(another_history_service_keeps_the_two_seconds_too)
{
    opened_by_b1();
    now += 500;
    to = other;
    ask_to_open("b2", 71, 2);
    to = NULL;
    rounds_of(other);
    take_answers(other);
    ck_assert_str_eq(said, "b2 refused open 2 newest 2 by b1 wait 1500");
}
END_TEST

START_TEST(after_released_the_next_open_need_not_wait_and_is_clean)
{
    opened_by_b1();
    append_flags("b1", 2, 3, 1, APPEND_RELEASED);
    ask_to_open("b2", 71, 2);
    expect("b1 stored 3 epoch 2; b2 opened 4 clean");
    ask_to_open("b2", 71, 2);
    expect("b2 opened 4 clean");
}
END_TEST

START_TEST(an_open_after_a_clean_one_is_not_clean_itself)
{
    opened_by_b1();
    ask_to_open("b2", 71, 2);
    expect("b2 refused open 2 newest 2 by b1 wait 2000");
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 3");
}
END_TEST

/* The stroke under way is the owners' business: history keeps its bits and gives them back. */
START_TEST(an_open_is_told_the_stroke_that_was_under_way)
{
    opened_by_b1();
    append_flags("b1", 2, 3, 1, 1000 << APPEND_STROKE_SHIFT);
    expect("b1 stored 3 epoch 2");
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 4 stroke 1000");
    ask_to_open("b2", 71, 2);
    expect("b2 opened 4 stroke 1000");
}
END_TEST

START_TEST(a_stroke_goes_on_over_owners_who_add_nothing_to_it)
{
    opened_by_b1();
    append_flags("b1", 2, 3, 1, 1000 << APPEND_STROKE_SHIFT | APPEND_RELEASED);
    ask_to_open("b2", 71, 2);
    expect("b1 stored 3 epoch 2; b2 opened 4 clean stroke 1000");
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b3", 72, 4);
    expect("b3 opened 5 stroke 1000");
}
END_TEST

START_TEST(the_bits_of_a_stroke_end_and_delete_nothing)
{
    opened_by_b1();
    append_flags("b1", 2, 3, 1, UINT32_MAX << APPEND_STROKE_SHIFT);
    expect("b1 stored 3 epoch 2");
    ask_to_open("b2", 71, 2);
    expect("b2 refused open 2 newest 2 by b1 wait 2000");
    append("b1", 2, 4, 1);
    expect("b1 stored 4 epoch 2");
}
END_TEST

START_TEST(a_record_from_a_clock_that_is_ahead_delays_an_open_by_two_seconds_at_most)
{
    opened_by_b1();
    now += 3600000;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 3");
    now -= 1800000;
    ask_to_open("b3", 72, 3);
    expect("b3 refused open 3 newest 3 by b2 wait 2000");
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b3", 72, 3);
    expect("b3 opened 4");
}
END_TEST

START_TEST(the_time_of_an_open_is_not_before_the_event_before_it)
{
    opened_by_b1();
    now += 5000;
    append("b1", 2, 3, 1);
    expect("b1 stored 3 epoch 2");
    now -= 1000;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 4");
    ck_assert_uint_eq(newest.opened.time, now + 1000);
}
END_TEST

START_TEST(a_board_that_never_was_or_is_deleted_cannot_be_opened)
{
    ask_to_open("b1", 70, 0);
    expect("b1 no_board");
    expect_log("");
    deleted();
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    expect("b2 no_board");
}
END_TEST

/* ---- input ----------------------------------------------------------------------------------- */

START_TEST(beyond_the_limit_of_what_waits_requests_are_dropped_and_counted)
{
    static const uint8_t bytes[60000];
    opened_by_b1();
    struct msg_append m = {.board = id_of(BOARD), .epoch = 1, .first = 3, .count = 1};
    m.events = (struct span){bytes, sizeof bytes};
    unsigned sent = HISTORY_WAITING_BYTES_MAX / sizeof bytes + 10;
    for (unsigned i = 0; i < sent; i++)
        from("b1", &TYPE_append, &m);
    ck_assert_uint_le(stats()->waiting_bytes, HISTORY_WAITING_BYTES_MAX);
    ck_assert_uint_ge(stats()->dropped, 10);
    ck_assert_uint_eq(stats()->waiting_requests, sent - stats()->dropped);
    rounds_of(core);
    ck_assert_uint_eq(stats()->waiting_bytes, 0);
}
END_TEST

START_TEST(a_message_of_a_newer_version_is_not_read)
{
    struct buf out = {0};
    PUT(&out, envelope, BROKER_VERSION + 1, id_of("g1"));
    PUT(&out, create, id_of(BOARD), 7, span_of("Physics"));
    ck_assert_uint_eq(history_core_message(core, now, buf_span(&out)), 0);
    ck_assert_uint_eq(stats()->bad_messages, 1);
    expect("");
    buf_free(&out);
}
END_TEST

START_TEST(items_that_are_not_for_history_are_skipped)
{
    struct buf out = {0};
    PUT(&out, envelope, BROKER_VERSION, id_of("g1"));
    PUT(&out, alive, 32);
    PUT(&out, create, id_of(BOARD), 7, span_of("Physics"));
    buf_append(&out,
               "\x92\x7f\xa3"
               "new",
               6);
    PUT(&out, look, id_of(BOARD), 1);
    ck_assert_uint_eq(history_core_message(core, now, buf_span(&out)), 2);
    expect("g1 created; g1 looked Physics epoch 0 tail 1");
    buf_free(&out);
}
END_TEST

START_TEST(bytes_that_are_no_items_are_counted)
{
    struct buf out = {0};
    PUT(&out, envelope, BROKER_VERSION, id_of("g1"));
    PUT(&out, create, id_of(BOARD), 7, span_of("Physics"));
    buf_append(&out, "\xff", 1);
    ck_assert_uint_eq(history_core_message(core, now, buf_span(&out)), 1);
    ck_assert_uint_eq(stats()->bad_messages, 1);
    expect("g1 created");
    buf_free(&out);
}
END_TEST

static Suite *history_core_suite(void)
{
    Suite *suite = suite_create("history_core");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, a_board_is_made_by_storing_its_first_event);
    tcase_add_test(all, nothing_is_answered_before_it_is_stored);
    tcase_add_test(all, the_same_create_again_is_answered_again_and_adds_nothing);
    tcase_add_test(all, a_create_with_another_nonce_or_name_finds_the_id_taken);
    tcase_add_test(all, a_create_of_an_opened_board_finds_the_id_taken);
    tcase_add_test(all, a_create_of_a_deleted_board_finds_the_id_taken);
    tcase_add_test(all, a_look_tells_name_epoch_tail_and_time);
    tcase_add_test(all, a_look_at_no_board_or_a_deleted_one_has_tail_0);
    tcase_add_test(all, a_look_sees_what_another_history_service_stored);
    tcase_add_test(all, an_open_over_the_newest_epoch_is_appended_and_its_offset_is_the_epoch);
    tcase_add_test(all, an_open_is_answered_with_the_state_before_it);
    tcase_add_test(all, who_opens_a_board_or_looks_at_it_is_told_how_it_is_ruled);
    tcase_add_test(all, an_open_over_another_epoch_than_the_newest_is_refused);
    tcase_add_test(all, a_repeated_open_gets_the_same_answer_and_adds_nothing);
    tcase_add_test(all, a_repeated_open_gets_the_same_answer_from_another_history_service);
    tcase_add_test(all, an_open_that_comes_again_after_another_one_fences_nobody);
    tcase_add_test(all, an_open_that_comes_again_after_its_owner_wrote_is_refused);
    tcase_add_test(all, an_owner_that_lost_its_events_opens_again_with_another_nonce);
    tcase_add_test(all, one_open_is_admitted_per_board_and_two_seconds);
    tcase_add_test(all, another_history_service_keeps_the_two_seconds_too);
    tcase_add_test(all, after_released_the_next_open_need_not_wait_and_is_clean);
    tcase_add_test(all, an_open_after_a_clean_one_is_not_clean_itself);
    tcase_add_test(all, an_open_is_told_the_stroke_that_was_under_way);
    tcase_add_test(all, a_stroke_goes_on_over_owners_who_add_nothing_to_it);
    tcase_add_test(all, the_bits_of_a_stroke_end_and_delete_nothing);
    tcase_add_test(all, a_record_from_a_clock_that_is_ahead_delays_an_open_by_two_seconds_at_most);
    tcase_add_test(all, the_time_of_an_open_is_not_before_the_event_before_it);
    tcase_add_test(all, a_board_that_never_was_or_is_deleted_cannot_be_opened);
    tcase_add_test(all, beyond_the_limit_of_what_waits_requests_are_dropped_and_counted);
    tcase_add_test(all, a_message_of_a_newer_version_is_not_read);
    tcase_add_test(all, items_that_are_not_for_history_are_skipped);
    tcase_add_test(all, bytes_that_are_no_items_are_counted);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return run_suite(history_core_suite());
}
