/* SPDX-License-Identifier: Apache-2.0
 *
 * What history decides of segments: appended, refused, trimmed; and whose key is taken (DESIGN §7).
 */
#include "history_test.h"

/* ---- append ---------------------------------------------------------------------------------- */

START_TEST(a_segment_at_the_tail_is_stored_with_its_state)
{
    opened_by_b1();
    append("b1", 2, 3, 4);
    expect("b1 stored 6 epoch 2");
    struct record last = last_record();
    ck_assert_uint_eq(last.first, 3);
    ck_assert_uint_eq(last.count, 4);
    ck_assert_str_eq(last.opener.text, "b1");
    ck_assert_uint_eq(last.nonce, 70);
    ck_assert_str_eq(state_of(&last).holder.text, "0123456789ab");
    ck_assert_uint_eq(state_of(&last).cseq, 7);
}
END_TEST

/* As a newer owner sends it: only as bytes, with more in them than we know. */
static struct state_bytes newer_state(void)
{
    struct log_state state = {.holder = id_of("zoe"), .instance = 9, .term = 3, .cseq = 4};
    struct state_bytes bytes = log_state_pack(&state);
    bytes.data[0]++;
    bytes.data[bytes.len++] = 0xc3;
    return bytes;
}

static void append_newer(void)
{
    struct buf events = {0};
    struct state_bytes bytes = newer_state();
    put_events(&events, 3, 4);
    struct msg_append m = {.board = id_of(BOARD),
                           .epoch = 2,
                           .first = 3,
                           .count = 4,
                           .time = now,
                           .events = buf_span(&events),
                           .state = state_span(&bytes)};
    from("b1", &TYPE_append, &m);
    buf_free(&events);
}

START_TEST(a_state_is_stored_as_it_came_and_given_to_the_next_owner)
{
    struct state_bytes bytes = newer_state();
    opened_by_b1();
    append_newer();
    expect("b1 stored 6 epoch 2");
    struct record last = last_record();
    ck_assert_uint_eq(last.state.len, bytes.len);
    ck_assert_mem_eq(last.state.data, bytes.data, bytes.len);
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    round_of(core);
    take_answers(core);
    ck_assert_uint_eq(newest.opened.epoch, 7);
    last = last_record(); /* the open's: it keeps the state before it */
    ck_assert_uint_eq(last.state.len, bytes.len);
    ck_assert_mem_eq(last.state.data, bytes.data, bytes.len);
    ck_assert_str_eq(newest.opened.holder.text, "zoe"); /* for a board service of before */
    ck_assert_uint_eq(newest.opened.cseq, 4);
}
END_TEST

START_TEST(a_segment_of_an_older_epoch_is_refused)
{
    fenced_by_b2();
    append("b1", 2, 6, 2);
    expect("b1 refused append 2 newest 6 by b2 wait 2000");
    expect_log("1+1@0 2+1@2 3+3@2 6+1@6");
}
END_TEST

START_TEST(a_segment_of_an_epoch_that_never_was_is_refused)
{
    fenced_by_b2();
    append("b1", 7, 7, 2);
    expect("b1 refused append 7 newest 6 by b2 wait 2000");
}
END_TEST

/* [D17] */
START_TEST(the_epoch_is_checked_before_all_else_and_a_refusal_carries_no_mark)
{
    fenced_by_b2();
    now += HISTORY_OPEN_EVERY_MS;
    probe("b1", 2, 6);
    append("b1", 2, 3, 3);  /* was stored before */
    append("b1", 2, 60, 1); /* behind a hole */
    expect("b1 refused append 2 newest 6 by b2 wait 0; b1 refused append 2 newest 6 by b2 wait 0; "
           "b1 refused append 2 newest 6 by b2 wait 0");
}
END_TEST

START_TEST(a_segment_that_comes_again_adds_nothing_and_is_answered_with_the_mark)
{
    opened_by_b1();
    append("b1", 2, 3, 4);
    expect("b1 stored 6 epoch 2");
    append("b1", 2, 3, 4);
    append("b1", 2, 4, 1);
    expect("b1 stored 6 epoch 2");
    expect_log("1+1@0 2+1@2 3+4@2");
}
END_TEST

START_TEST(a_resend_that_is_grouped_differently_is_trimmed)
{
    opened_by_b1();
    append("b1", 2, 3, 4);
    expect("b1 stored 6 epoch 2");
    append("b1", 2, 5, 5);
    expect("b1 stored 9 epoch 2");
    expect_log("1+1@0 2+1@2 3+4@2 7+3@2");
    struct buf events = {0};
    put_events(&events, 7, 3);
    ck_assert_uint_eq(stats()->trimmed, 2);
    ck_assert_uint_ge(stats()->bytes, events.len);
    buf_free(&events);
}
END_TEST

static bool expect_events(void *owner, const struct record *r)
{
    struct buf events = {0};
    (void)owner;
    put_events(&events, r->first, r->count);
    ck_assert_uint_eq(r->events.len, events.len);
    ck_assert_mem_eq(r->events.data, events.data, events.len);
    buf_free(&events);
    return true;
}

START_TEST(the_bytes_of_joined_and_trimmed_segments_are_those_of_the_events)
{
    opened_by_b1();
    append("b1", 2, 3, 4);
    expect("b1 stored 6 epoch 2");
    append("b1", 2, 5, 5);
    append("b1", 2, 8, 4);
    append("b1", 2, 12, 1);
    expect("b1 stored 12 epoch 2");
    struct id board = id_of(BOARD);
    ck_assert_int_eq(store_read(store, &board, 3, OFFSET_MAX, expect_events, NULL), 0);
    expect_log("1+1@0 2+1@2 3+4@2 7+6@2");
}
END_TEST

START_TEST(a_segment_beyond_the_tail_is_answered_with_where_to_go_on)
{
    opened_by_b1();
    append("b1", 2, 5, 2);
    expect("b1 stored 2 epoch 2; b1 want 3 epoch 2");
    append("b1", 2, 3, 1);
    append("b1", 2, 6, 1);
    expect("b1 stored 3 epoch 2; b1 want 4 epoch 2");
    expect_log("1+1@0 2+1@2 3+1@2");
}
END_TEST

START_TEST(a_probe_is_answered_with_the_mark)
{
    opened_by_b1();
    append("b1", 2, 3, 4);
    expect("b1 stored 6 epoch 2");
    probe("b1", 2, 3);
    expect("b1 stored 6 epoch 2");
    expect_log("1+1@0 2+1@2 3+4@2");
}
END_TEST

/* [D18] */
START_TEST(waiting_segments_of_a_board_become_one_record_and_one_answer)
{
    opened_by_b1();
    append("b1", 2, 3, 1);
    append("b1", 2, 4, 2);
    probe("b1", 2, 3);
    append("b1", 2, 6, 3);
    round_of(core);
    expect("b1 stored 8 epoch 2");
    expect_log("1+1@0 2+1@2 3+6@2");
    struct record last = last_record();
    ck_assert_uint_eq(state_of(&last).cseq, 9);
}
END_TEST

START_TEST(requests_of_several_boards_share_a_round)
{
    struct buf events = {0};
    opened_by_b1();
    append("b1", 2, 3, 1);
    struct msg_append m = segment_of(&events, 2, 3, 1);
    m.board = id_of("another");
    from("b1", &TYPE_append, &m);
    buf_free(&events);
    unsigned before = (unsigned)stats()->rounds;
    expect("b1 no_board; b1 stored 3 epoch 2");
    ck_assert_uint_eq(stats()->rounds, before + 1);
}
END_TEST

START_TEST(a_record_is_256_KB_at_most_and_the_rest_waits_for_the_next)
{
    opened_by_b1();
    static const uint8_t points[5000];
    uint64_t offset = 3;
    for (unsigned i = 0; i < 9; i++) { /* 9 segments of 10 * 5,000 bytes */
        struct buf events = {0};
        struct msg_append m = segment_of(&events, 2, offset, 0);
        for (m.count = 0; m.count < 10; m.count++, offset++)
            PUT(&events, ev_points, offset, now, 1, 1, 0, {points, sizeof points});
        m.events = buf_span(&events);
        from("b1", &TYPE_append, &m);
        buf_free(&events);
    }
    expect("b1 stored 52 epoch 2; b1 stored 92 epoch 2");
    expect_log("1+1@0 2+1@2 3+50@2 53+40@2");
}
END_TEST

START_TEST(an_open_behind_segments_waits_until_they_are_stored)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    append("b1", 2, 3, 2);
    ask_to_open("b2", 71, 2);
    round_of(core);
    expect_log("1+1@0 2+1@2 3+2@2");
    expect("b1 stored 4 epoch 2; b2 opened 5");
    expect_log("1+1@0 2+1@2 3+2@2 5+1@5");
}
END_TEST

/* [D19] */
START_TEST(an_open_never_raises_the_mark_that_the_owner_before_is_told)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    probe("b1", 2, 3);
    ask_to_open("b2", 71, 2);
    expect("b1 stored 2 epoch 2; b2 opened 3");
}
END_TEST

START_TEST(segments_behind_an_open_are_judged_after_it)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    append("b1", 2, 3, 1);
    expect("b2 opened 3; b1 refused append 2 newest 3 by b2 wait 2000");
    expect_log("1+1@0 2+1@2 3+1@3");
}
END_TEST

START_TEST(a_deleted_board_takes_nothing_more)
{
    deleted();
    append("b1", 2, 4, 1);
    append("b1", 2, 3, 1);
    probe("b1", 2, 3);
    expect("b1 no_board; b1 no_board; b1 no_board");
}
END_TEST

START_TEST(a_segment_that_is_not_what_it_says_is_refused)
{
    opened_by_b1();
    static const char *const CASES[] = {"one event less", "one event more", "another offset",
                                        "a cut event",    "no event",       "a byte more"};
    for (unsigned i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct buf events = {0};
        struct msg_append m = segment_of(&events, 2, 3, 3);
        m.count = i == 0 ? 4 : i == 1 ? 2 : 3;
        m.first += i == 2;
        if (i == 3)
            m.events.len--;
        if (i == 4)
            m.events.len = 0;
        if (i == 5)
            buf_append(&events, "", 1);
        if (i == 5)
            m.events = buf_span(&events);
        from("b1", &TYPE_append, &m);
        buf_free(&events);
        rounds_of(core);
        take_answers(core);
        ck_assert_msg(strcmp(said, "b1 refused append 2 newest 2 by b1 wait 2000") == 0, "%s: %s",
                      CASES[i], said);
        ck_assert_uint_eq(stats()->bad_segments, i + 1);
    }
    expect_log("1+1@0 2+1@2");
}
END_TEST

/* ---- keys that are taken, and results that nobody knows -------------------------------------- */

static void open_elsewhere(void)
{
    ask_to_open("b2", 71, 2);
}

static void fence_elsewhere(void)
{
    elsewhere(open_elsewhere);
}

START_TEST(a_segment_whose_key_an_open_took_is_refused)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    meddle = fence_elsewhere;
    append("b1", 2, 3, 2);
    expect("b1 refused append 2 newest 3 by b2 wait 2000");
    ck_assert_uint_eq(stats()->duplicate_keys, 1);
    expect_log("1+1@0 2+1@2 3+1@3");
}
END_TEST

static void store_elsewhere(void)
{
    elsewhere(append_elsewhere);
}

/* [D20] */
START_TEST(a_segment_whose_key_its_own_copy_took_is_stored)
{
    opened_by_b1();
    meddle = store_elsewhere;
    append("b1", 2, 3, 2);
    expect("b1 stored 4 epoch 2");
    expect_log("1+1@0 2+1@2 3+2@2");
}
END_TEST

START_TEST(a_longer_segment_whose_key_a_shorter_one_took_is_stored_behind_it)
{
    opened_by_b1();
    meddle = store_elsewhere;
    append("b1", 2, 3, 5);
    expect("b1 stored 7 epoch 2");
    expect_log("1+1@0 2+1@2 3+2@2 5+3@2");
}
END_TEST

START_TEST(an_open_whose_key_another_open_took_is_refused)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    meddle = fence_elsewhere;
    ask_to_open("b3", 72, 2);
    expect("b3 refused open 2 newest 3 by b2 wait 2000");
}
END_TEST

START_TEST(an_unknown_result_is_not_answered)
{
    opened_by_b1();
    insert_result = -EIO;
    append("b1", 2, 3, 2);
    expect("");
    ck_assert_uint_eq(stats()->unknown_results, 1);
    insert_result = 0;
    append("b1", 2, 3, 2);
    expect("b1 stored 4 epoch 2");
}
END_TEST

START_TEST(what_was_stored_although_nobody_knew_counts_once)
{
    opened_by_b1();
    insert_result = -EIO;
    insert_done = true;
    append("b1", 2, 3, 2);
    expect("");
    insert_result = 0;
    append("b1", 2, 3, 3);
    expect("b1 stored 5 epoch 2");
    expect_log("1+1@0 2+1@2 3+2@2 5+1@2");
}
END_TEST

START_TEST(an_open_that_was_stored_although_nobody_knew_is_answered_when_asked_again)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    insert_result = -EIO;
    insert_done = true;
    ask_to_open("b2", 71, 2);
    expect("");
    insert_result = 0;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 3");
    expect_log("1+1@0 2+1@2 3+1@3");
}
END_TEST

START_TEST(a_key_that_is_taken_again_and_again_is_given_up)
{
    opened_by_b1();
    insert_result = -EEXIST;
    insert_done = false;
    append("b1", 2, 3, 1);
    expect("");
    ck_assert_uint_eq(stats()->dropped, 1);
    ck_assert_uint_eq(stats()->waiting_bytes, 0);
    insert_result = 0;
    append("b1", 2, 3, 1);
    expect("b1 stored 3 epoch 2");
}
END_TEST

START_TEST(while_the_database_is_away_requests_are_dropped_and_nothing_is_answered)
{
    opened_by_b1();
    append("b1", 2, 3, 1);
    ask_to_open("b2", 71, 2);
    history_core_plan(core, now);
    history_core_unavailable(core);
    expect("");
    ck_assert(!history_core_waiting(core));
    ck_assert_uint_eq(stats()->waiting_requests, 0);
    append("b1", 2, 3, 1);
    expect("b1 stored 3 epoch 2");
}
END_TEST

START_TEST(the_oldest_request_that_is_not_answered_tells_the_age)
{
    opened_by_b1();
    ck_assert_uint_eq(history_core_age_ms(core, now), 0);
    append("b1", 2, 3, 1);
    now += 20;
    const struct history_plan *plan = history_core_plan(core, now); /* it moves to the record */
    ck_assert_uint_eq(plan->record_count, 1);
    append("b1", 2, 4, 1);
    now += 5;
    ck_assert_uint_eq(history_core_age_ms(core, now), 25);
    history_core_settle(core, now, (int[]){-EIO});
    ck_assert_uint_eq(history_core_age_ms(core, now), 5);
    expect("b1 stored 2 epoch 2; b1 want 3 epoch 2");
    ck_assert_uint_eq(history_core_age_ms(core, now), 0);
}
END_TEST

/* ---- memory of last records ------------------------------------------------------------------ */

START_TEST(a_last_record_is_read_once)
{
    opened_by_b1();
    loads = 0;
    for (uint64_t offset = 3; offset < 20; offset++) {
        append("b1", 2, offset, 1);
        rounds_of(core);
    }
    ck_assert_uint_eq(loads, 0);
    ck_assert_uint_eq(inserts, 19);
}
END_TEST

/* [D21] */
START_TEST(a_hole_is_never_answered_from_memory)
{
    opened_by_b1();
    elsewhere(append_elsewhere); /* 3 and 4 */
    append("b1", 2, 5, 2);
    expect("b1 stored 6 epoch 2");
}
END_TEST

static void open_and_append_elsewhere(void)
{
    ask_to_open("b2", 71, 2);
    append("b2", 3, 4, 2);
}

/* [D21] */
START_TEST(a_segment_is_never_refused_from_memory)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    elsewhere(open_and_append_elsewhere);
    append("b2", 3, 6, 1);
    expect("b2 stored 6 epoch 3");
}
END_TEST

/* [D21] */
/* Asks while the last record is read, and while its board's turn comes. */
static void ask_during_a_round(void (*again)(void))
{
    static int results[1];
    again();
    const struct history_plan *plan = history_core_plan(core, now);
    if (plan->load_count == 0) { /* first it is seen that it must be read */
        history_core_settle(core, now, results);
        plan = history_core_plan(core, now);
    }
    ck_assert_uint_eq(plan->load_count, 1);
    again();
    load(core, &plan->load[0]);
    plan = history_core_plan(core, now);
    ck_assert_uint_eq(plan->load_count, 0);
    again();
    insert(plan, results);
    history_core_settle(core, now, results);
}

static void probe_again(void)
{
    probe("b1", 2, 3);
}

static void look_again(void)
{
    look();
}

/* [D39] Else a store that is slower than askers are patient would do nothing but answer them. */
START_TEST(a_question_that_waits_already_is_asked_once)
{
    opened_by_b1();
    loads = 0;
    ask_during_a_round(probe_again);
    take_answers(core);
    ck_assert_str_eq(said, "b1 stored 2 epoch 2");
    rounds_of(core);
    ck_assert_uint_le(loads, 2); /* the last one came when the first was answered */
    loads = 0;
    ask_during_a_round(look_again);
    rounds_of(core);
    ck_assert_uint_le(loads, 2); /* the last one came when the first was answered */
    ck_assert_uint_ge(stats()->repeats, 2);
}
END_TEST

START_TEST(a_probe_of_an_owner_of_the_past_is_never_answered_from_memory)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    elsewhere(open_and_append_elsewhere);
    probe("b1", 2, 3);
    expect("b1 refused append 2 newest 3 by b2 wait 0");
}
END_TEST

/* [D21] */
START_TEST(an_open_is_never_refused_from_memory)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    elsewhere(open_and_append_elsewhere);
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b3", 72, 3);
    expect("b3 opened 6");
}
END_TEST

static void create_elsewhere(void)
{
    create("g1", 7, "Physics");
}

START_TEST(that_a_board_is_not_there_is_never_remembered)
{
    ask_to_open("b1", 70, 0);
    expect("b1 no_board");
    elsewhere(create_elsewhere);
    ask_to_open("b1", 70, 0);
    expect("b1 opened 2 clean");
}
END_TEST

START_TEST(more_boards_than_a_round_reads_are_all_answered)
{
    for (unsigned i = 0; i < 500; i++) {
        char id[16];
        snprintf(id, sizeof id, "board%u", i);
        FROM("g1", create, id_of(id), i, span_of("name"));
    }
    rounds_of(core);
    ck_assert_uint_eq(stats()->records, 500);
    ck_assert_uint_eq(loads, 500);
    ck_assert_uint_gt(stats()->rounds, 1);
}
END_TEST

START_TEST(only_so_many_last_records_are_kept)
{
    struct history_core_config config = {.shards = 1, .tails_max = 3, .self = {"h"}};
    history_core_destroy(core);
    core = history_core_create(&config);
    for (unsigned i = 0; i < 10; i++) {
        char board[16];
        snprintf(board, sizeof board, "board%u", i);
        FROM("g1", create, id_of(board), i, span_of("name"));
        expect("g1 created");
        ck_assert_uint_le(stats()->tails, 3);
    }
    ck_assert_uint_eq(stats()->tails, 3);
}
END_TEST

static Suite *history_append_suite(void)
{
    Suite *suite = suite_create("history_append");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, a_segment_at_the_tail_is_stored_with_its_state);
    tcase_add_test(all, a_state_is_stored_as_it_came_and_given_to_the_next_owner);
    tcase_add_test(all, a_segment_of_an_older_epoch_is_refused);
    tcase_add_test(all, a_segment_of_an_epoch_that_never_was_is_refused);
    tcase_add_test(all, the_epoch_is_checked_before_all_else_and_a_refusal_carries_no_mark);
    tcase_add_test(all, a_segment_that_comes_again_adds_nothing_and_is_answered_with_the_mark);
    tcase_add_test(all, a_resend_that_is_grouped_differently_is_trimmed);
    tcase_add_test(all, the_bytes_of_joined_and_trimmed_segments_are_those_of_the_events);
    tcase_add_test(all, a_segment_beyond_the_tail_is_answered_with_where_to_go_on);
    tcase_add_test(all, a_probe_is_answered_with_the_mark);
    tcase_add_test(all, waiting_segments_of_a_board_become_one_record_and_one_answer);
    tcase_add_test(all, requests_of_several_boards_share_a_round);
    tcase_add_test(all, a_record_is_256_KB_at_most_and_the_rest_waits_for_the_next);
    tcase_add_test(all, an_open_behind_segments_waits_until_they_are_stored);
    tcase_add_test(all, an_open_never_raises_the_mark_that_the_owner_before_is_told);
    tcase_add_test(all, segments_behind_an_open_are_judged_after_it);
    tcase_add_test(all, a_deleted_board_takes_nothing_more);
    tcase_add_test(all, a_segment_that_is_not_what_it_says_is_refused);
    tcase_add_test(all, a_segment_whose_key_an_open_took_is_refused);
    tcase_add_test(all, a_segment_whose_key_its_own_copy_took_is_stored);
    tcase_add_test(all, a_longer_segment_whose_key_a_shorter_one_took_is_stored_behind_it);
    tcase_add_test(all, an_open_whose_key_another_open_took_is_refused);
    tcase_add_test(all, an_unknown_result_is_not_answered);
    tcase_add_test(all, what_was_stored_although_nobody_knew_counts_once);
    tcase_add_test(all, an_open_that_was_stored_although_nobody_knew_is_answered_when_asked_again);
    tcase_add_test(all, a_key_that_is_taken_again_and_again_is_given_up);
    tcase_add_test(all, while_the_database_is_away_requests_are_dropped_and_nothing_is_answered);
    tcase_add_test(all, the_oldest_request_that_is_not_answered_tells_the_age);
    tcase_add_test(all, a_last_record_is_read_once);
    tcase_add_test(all, a_hole_is_never_answered_from_memory);
    tcase_add_test(all, a_segment_is_never_refused_from_memory);
    tcase_add_test(all, a_question_that_waits_already_is_asked_once);
    tcase_add_test(all, a_probe_of_an_owner_of_the_past_is_never_answered_from_memory);
    tcase_add_test(all, an_open_is_never_refused_from_memory);
    tcase_add_test(all, that_a_board_is_not_there_is_never_remembered);
    tcase_add_test(all, more_boards_than_a_round_reads_are_all_answered);
    tcase_add_test(all, only_so_many_last_records_are_kept);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return run_suite(history_append_suite());
}
