/* SPDX-License-Identifier: Apache-2.0
 *
 * What all kinds of stores do alike.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <mongoc/mongoc.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store_test.h"

/* ---- a board's log --------------------------------------------------------------------------- */

START_TEST(a_board_without_records_has_no_last_one)
{
    struct record last;
    struct id board = id_of("k3v9x2mq4t");
    ck_assert_int_eq(store_last(store, &board, &last), -ENOENT);
    expect_read("k3v9x2mq4t", 1, 0, NULL);
}
END_TEST

#define LAST_FIRST (OFFSET_MAX - 2 * (uint64_t)UINT32_MAX) /* the largest that may be */

START_TEST(the_last_record_comes_back_as_it_was_stored)
{
    struct record r = {.board = id_of("k3v9x2mq4t"),
                       .first = LAST_FIRST,
                       .count = 10,
                       .epoch = LAST_FIRST - 1,
                       .opener = id_of("b0123456789"),
                       .nonce = OFFSET_MAX,
                       .time = OFFSET_MAX - 4,
                       .flags = RECORD_RELEASED | RECORD_DELETED | RECORD_ERASED,
                       .state = log_state_pack(&(struct log_state){.holder = id_of("0123456789ab"),
                                                                   .instance = OFFSET_MAX,
                                                                   .term = LAST_FIRST + 9,
                                                                   .cseq = UINT32_MAX,
                                                                   .base = LAST_FIRST + 8,
                                                                   .stroke = {2000, true, true}}),
                       .events = {(const uint8_t *)"\0\xff\0", 3}};
    struct record last;
    struct seen seen = {0};
    ck_assert_int_eq(append(store, r), 0);
    ck_assert_int_eq(store_last(store, &r.board, &last), 0);
    expect_same_state(&last, &r);
    ck_assert_int_eq(store_read(store, &r.board, LAST_FIRST + 9, OFFSET_MAX, see, &seen), 0);
    ck_assert_uint_eq(seen.count, 1);
    expect_same_state(&seen.newest, &r);
    ck_assert_uint_eq(seen.events.len, 3);
    ck_assert_mem_eq(seen.events.data, r.events.data, 3);
    buf_free(&seen.events);
}
END_TEST

START_TEST(records_are_read_in_order_from_the_one_that_holds_the_offset)
{
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), 0);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 2, 7, 0)), 0);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 9, 1, 0)), 0);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 10, 90, 0)), 0);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 100, 5, 0)), 0);
    EXPECT_READ("k3v9x2mq4t", 1, 1, 2, 9, 10, 100);
    EXPECT_READ("k3v9x2mq4t", 2, 2, 9, 10, 100);
    EXPECT_READ("k3v9x2mq4t", 8, 2, 9, 10, 100);
    EXPECT_READ("k3v9x2mq4t", 9, 9, 10, 100);
    EXPECT_READ("k3v9x2mq4t", 99, 10, 100);
    EXPECT_READ("k3v9x2mq4t", 104, 100);
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 104);
}
END_TEST

START_TEST(beyond_the_tail_there_is_nothing_to_read)
{
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 4, 0)), 0);
    expect_read("k3v9x2mq4t", 5, 0, NULL);
    expect_read("k3v9x2mq4t", OFFSET_MAX, 0, NULL);
}
END_TEST

START_TEST(a_reader_who_has_enough_is_given_no_more)
{
    for (uint64_t first = 1; first <= 30; first++)
        ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", first, 1, 0)), 0);
    struct seen seen = {.stop_after = 12};
    struct id board = id_of("k3v9x2mq4t");
    ck_assert_int_eq(store_read(store, &board, 2, OFFSET_MAX, see, &seen), 0);
    ck_assert_uint_eq(seen.count, 12);
    buf_free(&seen.events);
    EXPECT_READ("k3v9x2mq4t", 29, 29, 30); /* and it can be asked again */
}
END_TEST

START_TEST(a_reader_is_given_nothing_beyond_where_it_stops)
{
    for (uint64_t first = 1; first <= 9; first += 2)
        ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", first, 2, 0)), 0);
    struct id board = id_of("k3v9x2mq4t");
    struct seen seen = {0};
    ck_assert_int_eq(store_read(store, &board, 4, 6, see, &seen), 0);
    ck_assert_uint_eq(seen.count, 2); /* those that hold 4, and 5 and 6 */
    ck_assert_uint_eq(seen.first[0], 3);
    ck_assert_uint_eq(seen.first[1], 5);
    seen.count = 0;
    ck_assert_int_eq(store_read(store, &board, 1, 1, see, &seen), 0);
    ck_assert_uint_eq(seen.count, 1);
    buf_free(&seen.events);
}
END_TEST

START_TEST(boards_whose_ids_begin_alike_are_kept_apart)
{
    const char *boards[] = {"aaaa", "aaaaa", "aaaa0", "aaaa9z", "aaa", "b"};
    for (unsigned i = 0; i < sizeof boards / sizeof *boards; i++) {
        ck_assert_int_eq(append(store, record_at(boards[i], 1, i + 1, 0)), 0);
        ck_assert_int_eq(append(store, record_at(boards[i], i + 2, 1, 0)), 0);
    }
    for (unsigned i = 0; i < sizeof boards / sizeof *boards; i++) {
        ck_assert_uint_eq(tail_of(store, boards[i]), i + 2);
        EXPECT_READ(boards[i], 1, 1, i + 2);
    }
}
END_TEST

START_TEST(the_largest_record_comes_back_whole)
{
    struct buf events = {0};
    for (uint32_t i = 0; i < RECORD_BYTES_MAX / 4; i++)
        buf_append(&events, &i, sizeof i);
    struct record r = record_at("k3v9x2mq4t", 1, 1000, 0);
    r.events = buf_span(&events);
    ck_assert_int_eq(append(store, r), 0);
    struct seen seen = {0};
    ck_assert_int_eq(store_read(store, &r.board, 500, OFFSET_MAX, see, &seen), 0);
    ck_assert_uint_eq(seen.events.len, RECORD_BYTES_MAX);
    ck_assert_mem_eq(seen.events.data, events.data, RECORD_BYTES_MAX);
    buf_free(&seen.events);
    buf_free(&events);
}
END_TEST

/* ---- by time --------------------------------------------------------------------------------- */

static void expect_time(uint64_t time, int result, uint64_t first)
{
    struct id board = id_of("k3v9x2mq4t");
    uint64_t found = 0;
    ck_assert_int_eq(store_find_time(store, &board, time, &found), result);
    ck_assert_uint_eq(found, first);
}

START_TEST(the_search_by_time_finds_the_earliest_record_that_is_late_enough)
{
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 100)), 0);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 2, 50, 200)), 0);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 52, 1, 200)), 0);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 53, 400, 200)), 0);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 453, 2, 300)), 0);
    expect_time(0, 0, 1);
    expect_time(100, 0, 1);
    expect_time(101, 0, 2);
    expect_time(200, 0, 2);
    expect_time(201, 0, 453);
    expect_time(300, 0, 453);
    expect_time(301, -ENOENT, 0);
}
END_TEST

START_TEST(the_search_by_time_finds_nothing_on_a_board_without_records)
{
    expect_time(0, -ENOENT, 0);
}
END_TEST

/* Two records, with a hole between. */
START_TEST(the_search_by_time_ends_at_a_hole)
{
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 10, 100)), 0);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 21, 10, 300)), 0);
    expect_time(200, -EIO, 0);
    ck_assert_msg(strstr(store_why(store), "hole"), "%s", store_why(store));
}
END_TEST

/* ---- records that somebody broke -------------------------------------------------------------
 */

static struct record broken_at_3(unsigned how)
{
    struct record r = record_at("unused", 3, 1, 200);
    uint64_t *const numbers[] = {&r.epoch, &r.nonce, &r.time};
    struct log_state behind[] = {{.term = 4}, {.base = 4}}; /* the last event */
    if (how == 0)
        r.count = 0;
    else if (how < 4)
        *numbers[how - 1] = how % 2 ? OFFSET_MAX + 1 : ~UINT64_C(0); /* that is: -1 */
    else if (how < 6)
        r.state = log_state_pack(&behind[how - 4]);
    else if (how == 6)
        r.state.data[0] = 0xc1; /* no msgpack */
    else if (how == 7)
        r.state.len--;
    else
        r.state.data[r.state.len++] = 0;
    return r;
}

START_TEST(a_read_gives_what_lies_before_a_broken_record_and_says_so)
{
    for (unsigned how = 0; how < 9; how++) {
        struct record broken = broken_at_3(how);
        char board[] = "broken0";
        board[6] = (char)('0' + how);
        make_broken(board, &broken);
        expect_read_broken(board, 1, 1);
        expect_read_broken(board, 2, 1);
        expect_read_broken(board, 3, 0);
        EXPECT_READ(board, 4, 4);
    }
}
END_TEST

START_TEST(a_last_record_that_is_broken_is_no_last_record)
{
    for (unsigned how = 0; how < 9; how++) {
        char board[] = "broken0";
        board[6] = (char)('0' + how);
        struct record broken = broken_at_3(how);
        broken.board = id_of(board);
        ck_assert_int_eq(append(store, record_at(board, 1, 2, 100)), 0);
        ck_assert_int_eq(append(store, broken), 0);
        expect_last_broken(board);
    }
}
END_TEST

START_TEST(the_search_by_time_ends_at_a_broken_record)
{
    struct record empty = record_at("k3v9x2mq4t", 3, 0, 200);
    make_broken("k3v9x2mq4t", &empty);
    expect_time(300, -EBADMSG, 0);
}
END_TEST

/* ---- the unique key -------------------------------------------------------------------------- */

START_TEST(a_key_that_is_taken_keeps_its_first_record)
{
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 3, 30)), 0);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 5, 50)), -EEXIST);
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 3);
}
END_TEST

START_TEST(each_record_of_a_round_has_its_own_result)
{
    ck_assert_int_eq(append(store, record_at("bbbb", 1, 1, 0)), 0);
    ck_assert_int_eq(append(store, record_at("dddd", 1, 1, 0)), 0);
    const struct record records[] = {record_at("aaaa", 1, 2, 0), record_at("bbbb", 1, 2, 0),
                                     record_at("cccc", 1, 2, 0), record_at("dddd", 1, 2, 0),
                                     record_at("eeee", 1, 2, 0)};
    int results[5];
    ck_assert_int_eq(store_append(store, records, 5, results), -EEXIST);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_int_eq(results[i], i % 2 ? -EEXIST : 0);
        ck_assert_uint_eq(tail_of(store, records[i].board.text), i % 2 ? 1 : 2);
    }
}
END_TEST

START_TEST(a_round_of_a_thousand_boards_is_stored)
{
    static struct record records[1000];
    static int results[1000];
    for (unsigned i = 0; i < 1000; i++) {
        char board[16];
        snprintf(board, sizeof board, "board%u", i);
        records[i] = record_at(board, 1, i + 1, 0);
        results[i] = 1;
    }
    ck_assert_int_eq(store_append(store, records, 1000, results), 0);
    for (unsigned i = 0; i < 1000; i += 37) {
        ck_assert_int_eq(results[i], 0);
        ck_assert_uint_eq(tail_of(store, records[i].board.text), i + 1);
    }
}
END_TEST

#define RACE_KEYS 60

struct racer {
    uint32_t number;
    bool won[RACE_KEYS];
};

static void *race(void *data)
{
    struct racer *racer = data;
    struct store *s = NULL;
    const char *why;
    if (store_open(&at(url), SHARDS, &s, &why) < 0)
        return NULL;
    for (unsigned i = 0; i < RACE_KEYS; i++) {
        struct record r = record_at("k3v9x2mq4t", 1 + i * 10, racer->number, 0);
        int result = 1;
        store_append(s, &r, 1, &result);
        racer->won[i] = result == 0;
        if (result != 0 && result != -EEXIST)
            break;
    }
    store_close(s);
    return s;
}

START_TEST(of_two_who_want_the_same_key_exactly_one_gets_it)
{
    struct racer racers[2] = {{.number = 1}, {.number = 2}};
    pthread_t threads[2];
    void *ends[2];
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(threads[i], &ends[i]);
        ck_assert_ptr_nonnull(ends[i]);
    }
    for (unsigned i = 0; i < RACE_KEYS; i++) {
        ck_assert_int_eq(racers[0].won[i] + racers[1].won[i], 1);
        struct seen seen = {.stop_after = 1};
        struct id board = id_of("k3v9x2mq4t");
        ck_assert_int_eq(store_read(store, &board, 1 + i * 10, OFFSET_MAX, see, &seen), 0);
        ck_assert_uint_eq(seen.newest.count, racers[0].won[i] ? 1 : 2);
        buf_free(&seen.events);
    }
}
END_TEST

/* ---- deleted boards -------------------------------------------------------------------------- */

START_TEST(of_a_deleted_board_nothing_is_left_but_a_bare_tombstone)
{
    make_board("k3v9x2mq4t", 4);
    make_board("k3v9x2mq4u", 2);
    ck_assert_int_eq(append(store, tombstone_at("k3v9x2mq4t", 5, 3)), 0);
    erase_all(store, "k3v9x2mq4t");
    expect_erased("k3v9x2mq4t", 5, 3);
    EXPECT_READ("k3v9x2mq4u", 1, 1, 2);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4u", 3, 1, 100)), 0);
}
END_TEST

START_TEST(a_board_that_is_not_deleted_keeps_all)
{
    struct id board = id_of("k3v9x2mq4t"), none = id_of("nothere");
    make_board("k3v9x2mq4t", 3);
    ck_assert_int_eq(store_erase(store, &board), 0);
    ck_assert_int_eq(store_erase(store, &none), 0);
    EXPECT_READ("k3v9x2mq4t", 1, 1, 2, 3);
}
END_TEST

START_TEST(erasing_goes_on_where_another_has_left_it)
{
    struct id board = id_of("k3v9x2mq4t");
    make_board("k3v9x2mq4t", 3);
    ck_assert_int_eq(append(store, tombstone_at("k3v9x2mq4t", 4, 1)), 0);
    ck_assert_int_eq(store_erase(store, &board), 3);
    store_close(store);
    store = open_store();
    struct store *other = open_store();
    ck_assert_int_eq(store_erase(other, &board), 1);
    ck_assert_int_eq(store_erase(store, &board), 0);
    expect_erased("k3v9x2mq4t", 4, 1);
    store_close(other);
}
END_TEST

START_TEST(all_boards_are_listed_with_their_last_records)
{
    static const char *const boards[] = {"aaaa", "aaaaa", "aaaa0", "0", "zzzz", "k3v9x2mq4t"};
    enum { COUNT = sizeof boards / sizeof *boards };
    bool listed[COUNT] = {0};
    for (unsigned i = 0; i < COUNT; i++)
        make_board(boards[i], i + 1);
    struct id after = {0};
    struct record last;
    unsigned count = 0;
    while (store_next_board(store, &after, &after) == 0) {
        ck_assert_int_eq(store_last(store, &after, &last), 0);
        for (unsigned i = 0; i < COUNT; i++)
            if (strcmp(boards[i], last.board.text) == 0) {
                ck_assert(!listed[i]);
                ck_assert_uint_eq(record_last(&last), i + 1);
                listed[i] = true;
                count++;
            }
    }
    ck_assert_uint_eq(count, COUNT);
    ck_assert_int_eq(store_next_board(store, &after, &after), -ENOENT);
}
END_TEST

/* ---- stores ---------------------------------------------------------------------------------- */

START_TEST(what_is_stored_is_seen_by_every_other_store_at_once)
{
    struct store *other = open_store();
    for (uint64_t first = 1; first <= 5; first++) {
        ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", first, 1, 0)), 0);
        ck_assert_uint_eq(tail_of(other, "k3v9x2mq4t"), first);
    }
    store_close(other);
}
END_TEST

START_TEST(what_is_stored_is_there_after_opening_again)
{
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 7, 0)), 0);
    store_close(store);
    store = open_store();
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 7);
}
END_TEST

START_TEST(another_number_of_shards_is_refused_with_both_numbers)
{
    struct store *s;
    const char *why = "";
    ck_assert_int_eq(store_open(&at(url), SHARDS / 2, &s, &why), -EINVAL);
    ck_assert_msg(strstr(why, "32") && strstr(why, "16"), "%s", why);
}
END_TEST

START_TEST(another_kind_of_store_is_refused)
{
    struct store *s;
    const char *why = "";
    ck_assert_int_eq(store_open(&at("postgres://localhost/easel"), SHARDS, &s, &why), -ENOTSUP);
    ck_assert_str_ne(why, "");
}
END_TEST

void add_common_tests(TCase *t)
{
    tcase_add_test(t, a_board_without_records_has_no_last_one);
    tcase_add_test(t, the_last_record_comes_back_as_it_was_stored);
    tcase_add_test(t, records_are_read_in_order_from_the_one_that_holds_the_offset);
    tcase_add_test(t, beyond_the_tail_there_is_nothing_to_read);
    tcase_add_test(t, a_reader_who_has_enough_is_given_no_more);
    tcase_add_test(t, a_reader_is_given_nothing_beyond_where_it_stops);
    tcase_add_test(t, boards_whose_ids_begin_alike_are_kept_apart);
    tcase_add_test(t, the_largest_record_comes_back_whole);
    tcase_add_test(t, a_key_that_is_taken_keeps_its_first_record);
    tcase_add_test(t, each_record_of_a_round_has_its_own_result);
    tcase_add_test(t, a_round_of_a_thousand_boards_is_stored);
    tcase_add_test(t, of_two_who_want_the_same_key_exactly_one_gets_it);
    tcase_add_test(t, the_search_by_time_finds_the_earliest_record_that_is_late_enough);
    tcase_add_test(t, the_search_by_time_finds_nothing_on_a_board_without_records);
    tcase_add_test(t, the_search_by_time_ends_at_a_hole);
    tcase_add_test(t, the_search_by_time_ends_at_a_broken_record);
    tcase_add_test(t, a_read_gives_what_lies_before_a_broken_record_and_says_so);
    tcase_add_test(t, a_last_record_that_is_broken_is_no_last_record);
    tcase_add_test(t, of_a_deleted_board_nothing_is_left_but_a_bare_tombstone);
    tcase_add_test(t, a_board_that_is_not_deleted_keeps_all);
    tcase_add_test(t, erasing_goes_on_where_another_has_left_it);
    tcase_add_test(t, all_boards_are_listed_with_their_last_records);
    tcase_add_test(t, what_is_stored_is_seen_by_every_other_store_at_once);
    tcase_add_test(t, what_is_stored_is_there_after_opening_again);
    tcase_add_test(t, another_number_of_shards_is_refused_with_both_numbers);
    tcase_add_test(t, another_kind_of_store_is_refused);
}
