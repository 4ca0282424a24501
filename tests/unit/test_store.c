/* SPDX-License-Identifier: Apache-2.0
 *
 * One suite for all kinds of stores: `test_store sqlite` in a directory of its own, `test_store
 * mongo` in databases of its own on the server at EASEL_TEST_MONGO (which knows test commands).
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

#include "store.h"

#define SHARDS 32u

static const char *kind;
static char directory[] = "/tmp/easel-store-XXXXXX";
static char url[600];
static struct store *store;

#define at(url_) ((struct store_address){.url = (url_), .user = "", .password = ""})

/* ---- helpers --------------------------------------------------------------------------------- */

static struct id id_of(const char *text)
{
    struct id id;
    ck_assert_int_eq(id_parse(text, strlen(text), &id), 0);
    return id;
}

static struct store *open_store(void)
{
    struct store *s = NULL;
    const char *why = "";
    int r = store_open(&at(url), SHARDS, &s, &why);
    ck_assert_msg(r == 0, "%s: %s", url, why);
    return s;
}

static struct record record_at(const char *board, uint64_t first, uint32_t count, uint64_t time)
{
    return (struct record){.board = id_of(board),
                           .first = first,
                           .count = count,
                           .epoch = 1,
                           .state = {.time = time},
                           .events = span_of("events")};
}

static int append(struct store *s, struct record r)
{
    int result = 1;
    ck_assert_int_eq(store_append(s, &r, 1, &result), result);
    return result;
}

static void expect_same_state(const struct record *a, const struct record *b)
{
    ck_assert_str_eq(a->board.text, b->board.text);
    ck_assert_uint_eq(a->first, b->first);
    ck_assert_uint_eq(a->count, b->count);
    ck_assert_uint_eq(a->epoch, b->epoch);
    ck_assert_str_eq(a->state.opener.text, b->state.opener.text);
    ck_assert_uint_eq(a->state.nonce, b->state.nonce);
    ck_assert_str_eq(a->state.holder.text, b->state.holder.text);
    ck_assert_uint_eq(a->state.instance, b->state.instance);
    ck_assert_uint_eq(a->state.term, b->state.term);
    ck_assert_uint_eq(a->state.cseq, b->state.cseq);
    ck_assert_uint_eq(a->state.base, b->state.base);
    ck_assert_uint_eq(a->state.time, b->state.time);
    ck_assert_uint_eq(a->state.flags, b->state.flags);
}

/* What a read gave: the `first` of each record. */
struct seen {
    uint64_t first[64];
    unsigned count, stop_after;
    struct record newest;
    struct buf events; /* of the newest */
};

static bool see(void *owner, const struct record *r)
{
    struct seen *seen = owner;
    seen->first[seen->count++] = r->first;
    seen->newest = *r;
    buf_clear(&seen->events);
    buf_append(&seen->events, r->events.data, r->events.len);
    return seen->count != seen->stop_after;
}

static void expect_read(const char *board, uint64_t from, unsigned count, const uint64_t *first)
{
    struct seen seen = {0};
    struct id id = id_of(board);
    ck_assert_int_eq(store_read(store, &id, from, see, &seen), 0);
    ck_assert_uint_eq(seen.count, count);
    for (unsigned i = 0; i < count; i++)
        ck_assert_uint_eq(seen.first[i], first[i]);
    buf_free(&seen.events);
}
#define EXPECT_READ(board, from, ...)                                                              \
    expect_read(board, from, sizeof(uint64_t[]){__VA_ARGS__} / sizeof(uint64_t),                   \
                (uint64_t[]){__VA_ARGS__})

static uint64_t tail_of(struct store *s, const char *board)
{
    struct record last;
    struct id id = id_of(board);
    int r = store_last(s, &id, &last);
    ck_assert_int_eq(r == -ENOENT ? 0 : r, 0);
    return r == 0 ? record_last(&last) : 0;
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A place of its own for each test. */
static void make_url(void)
{
    static unsigned number;
    if (strcmp(kind, "sqlite") == 0) {
        snprintf(url, sizeof url, "sqlite:%s/%d/%u.db", directory, getpid(), number++);
        return;
    }
    const char *server = getenv("EASEL_TEST_MONGO");
    size_t host = strlen("mongodb://") + strcspn(server + strlen("mongodb://"), "/?");
    const char *options = strchr(server, '?');
    snprintf(url, sizeof url, "%.*s/easel_test_%d_%u%s", (int)host, server, getpid(), number++,
             options ? options : "");
}

static void set_up(void)
{
    make_url();
    store = open_store();
}

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
                       .state = {.opener = id_of("b0123456789"),
                                 .nonce = OFFSET_MAX,
                                 .holder = id_of("0123456789ab"),
                                 .instance = OFFSET_MAX - 1,
                                 .term = OFFSET_MAX - 2,
                                 .cseq = UINT32_MAX,
                                 .base = OFFSET_MAX - 3,
                                 .time = OFFSET_MAX - 4,
                                 .flags = UINT32_MAX},
                       .events = {(const uint8_t *)"\0\xff\0", 3}};
    struct record last;
    struct seen seen = {0};
    ck_assert_int_eq(append(store, r), 0);
    ck_assert_int_eq(store_last(store, &r.board, &last), 0);
    expect_same_state(&last, &r);
    ck_assert_int_eq(store_read(store, &r.board, LAST_FIRST + 9, see, &seen), 0);
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
    ck_assert_int_eq(store_read(store, &board, 2, see, &seen), 0);
    ck_assert_uint_eq(seen.count, 12);
    buf_free(&seen.events);
    EXPECT_READ("k3v9x2mq4t", 29, 29, 30); /* and it can be asked again */
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
    ck_assert_int_eq(store_read(store, &r.board, 500, see, &seen), 0);
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

/* 1..2, the broken one where 3 should be, and 4. */
static void make_broken(const char *board, const struct record *broken)
{
    struct record r = *broken;
    r.board = id_of(board);
    ck_assert_int_eq(append(store, record_at(board, 1, 2, 100)), 0);
    ck_assert_int_eq(append(store, r), 0);
    ck_assert_int_eq(append(store, record_at(board, 4, 1, 300)), 0);
}

static void expect_read_broken(const char *board, uint64_t from, unsigned count)
{
    struct seen seen = {0};
    struct id id = id_of(board);
    ck_assert_int_eq(store_read(store, &id, from, see, &seen), -EBADMSG);
    ck_assert_uint_eq(seen.count, count);
    ck_assert_msg(strstr(store_why(store), "cannot be"), "%s", store_why(store));
    buf_free(&seen.events);
}

static void expect_last_broken(const char *board)
{
    struct record last;
    struct id id = id_of(board);
    ck_assert_int_eq(store_last(store, &id, &last), -EBADMSG);
    ck_assert_int_eq(store_erase(store, &id), -EBADMSG);
}

static struct record broken_at_3(unsigned how)
{
    struct record r = record_at("unused", 3, 1, 200);
    uint64_t *const numbers[] = {&r.epoch,      &r.state.nonce, &r.state.instance, &r.state.term,
                                 &r.state.base, &r.state.time,  &r.state.cseq,     &r.state.flags};
    if (how == 0)
        r.count = 0;
    else if (how < 7)
        *numbers[how - 1] = how % 2 ? OFFSET_MAX + 1 : ~UINT64_C(0); /* that is: -1 */
    else
        *numbers[how - 1] = UINT32_MAX + UINT64_C(1);
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
        ck_assert_int_eq(store_read(store, &board, 1 + i * 10, see, &seen), 0);
        ck_assert_uint_eq(seen.newest.count, racers[0].won[i] ? 1 : 2);
        buf_free(&seen.events);
    }
}
END_TEST

/* ---- deleted boards -------------------------------------------------------------------------- */

/* The last segment of a board: a stroke, and behind it the end. */
static struct record tombstone_at(const char *board, uint64_t first, uint32_t count)
{
    struct record r = record_at(board, first, count, 500);
    r.state.flags = APPEND_DELETED;
    r.state.holder = id_of("0123456789ab");
    r.state.instance = 70;
    r.state.term = r.state.base = 3;
    return r;
}

static void erase_all(struct store *s, const char *board)
{
    struct id id = id_of(board);
    int r;
    for (unsigned steps = 0; (r = store_erase(s, &id)) > 0; steps++)
        ck_assert_uint_lt(steps, 100);
    ck_assert_int_eq(r, 0);
}

static void expect_erased(const char *board, uint64_t first, uint32_t count)
{
    struct seen seen = {0};
    struct id id = id_of(board);
    struct record bare = {.board = id,
                          .first = first,
                          .count = count,
                          .epoch = 1,
                          .state = {.time = 500, .flags = APPEND_DELETED | RECORD_ERASED}};
    ck_assert_int_eq(store_read(store, &id, first, see, &seen), 0);
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_uint_eq(seen.first[0], first);
    expect_same_state(&seen.newest, &bare);
    ck_assert_uint_eq(seen.events.len, 0);
    ck_assert(record_is_tombstone(&seen.newest));
    buf_free(&seen.events);
    struct record last;
    ck_assert_int_eq(store_last(store, &id, &last), 0);
    ck_assert_uint_eq(record_last(&last), first + count - 1);
}

static void make_board(const char *board, uint64_t tail)
{
    for (uint64_t first = 1; first <= tail; first++)
        ck_assert_int_eq(append(store, record_at(board, first, 1, 100)), 0);
}

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

/* ---- SQLite ---------------------------------------------------------------------------------- */

START_TEST(sqlite_answers_unknown_while_another_process_holds_the_write_lock)
{
    sqlite3 *other;
    ck_assert_int_eq(sqlite3_open(url + strlen("sqlite:"), &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    double begun = seconds_now();
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), -EIO);
    ck_assert_double_lt(seconds_now() - begun, 10);
    ck_assert_str_ne(store_why(store), "");
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 0); /* it can be read */
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), 0);
    sqlite3_close(other);
}
END_TEST

START_TEST(sqlite_keeps_a_write_ahead_log)
{
    sqlite3_stmt *st;
    sqlite3 *other;
    ck_assert_int_eq(sqlite3_open(url + strlen("sqlite:"), &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(other, "PRAGMA journal_mode", -1, &st, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(st, 0), "wal");
    sqlite3_finalize(st);
    sqlite3_close(other);
}
END_TEST

START_TEST(sqlite_says_which_file_cannot_be_opened)
{
    struct store *s;
    const char *why = "";
    ck_assert_int_eq(store_open(&at("sqlite:/dev/null/none.db"), SHARDS, &s, &why), -EIO);
    ck_assert_msg(strstr(why, "/dev/null/none.db"), "%s", why);
}
END_TEST

static void sql(const char *text)
{
    sqlite3 *other;
    ck_assert_int_eq(sqlite3_open(url + strlen("sqlite:"), &other), SQLITE_OK);
    int r = sqlite3_exec(other, text, NULL, NULL, NULL);
    ck_assert_msg(r == SQLITE_OK, "%s", sqlite3_errmsg(other));
    sqlite3_close(other);
}

START_TEST(sqlite_takes_no_count_for_another_that_it_is_in_32_bits)
{
    make_board("k3v9x2mq4t", 3);
    sql("UPDATE record SET count = 4294967297 WHERE first = 3");
    expect_last_broken("k3v9x2mq4t");
    sql("UPDATE record SET count = -4294967295 WHERE first = 3");
    expect_last_broken("k3v9x2mq4t");
}
END_TEST

/* What the boards are called that are listed. */
static void expect_listed(const char *names)
{
    char listed[200] = "";
    struct id after = {0};
    while (store_next_board(store, &after, &after) == 0) {
        strcat(listed, after.text);
        strcat(listed, " ");
        ck_assert_uint_lt(strlen(listed), 100);
    }
    ck_assert_str_eq(listed, names);
}

START_TEST(sqlite_lists_the_boards_behind_a_row_whose_board_is_no_id)
{
    make_board("0", 2);
    make_board("zzzz", 2);
    sql("INSERT INTO record SELECT 'AAAA', first, count, epoch, opener, nonce, holder, instance,"
        " term, cseq, base, time, flags, events FROM record WHERE board = '0';"
        "UPDATE record SET board = 'k3v' || char(0) || 'x' WHERE board = 'AAAA' AND first = 1");
    expect_listed("0 zzzz ");
}
END_TEST

/* ---- SQLite: what is erased leaves the files ---------------------------------------------------
 */

static const char *file_at(const char *ending)
{
    static char path[4][700];
    static unsigned turn;
    char *at = path[turn++ % 4];
    snprintf(at, sizeof path[0], "%s%s", url + strlen("sqlite:"), ending);
    return at;
}

static bool file_has(const char *path, const char *text)
{
    struct stat about;
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    ck_assert_int_eq(fstat(fd, &about), 0);
    char *bytes = malloc((size_t)about.st_size + 1);
    ck_assert_int_eq(read(fd, bytes, (size_t)about.st_size), about.st_size);
    bool found = memmem(bytes, (size_t)about.st_size, text, strlen(text)) != NULL;
    free(bytes);
    close(fd); /* only of files that no store of ours has open: SQLite's locks */
    return found;
}

/* Copies, since a database that is open must not be opened and closed here. */
static bool some_file_has(const char *text)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    bool found = false;
    for (unsigned i = 0; i < 3; i++) {
        char copy[1600];
        snprintf(copy, sizeof copy, "cp -f %s %s", file_at(endings[i]), file_at(".copy"));
        ck_assert_int_eq(system(copy), 0);
        found = found || file_has(file_at(".copy"), text);
    }
    return found;
}

static void tidy_all(struct store *s)
{
    int r;
    for (unsigned steps = 0; (r = store_tidy(s)) > 0; steps++)
        ck_assert_uint_lt(steps, 1000);
    ck_assert_int_eq(r, 0);
}

static off_t size_of(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 ? about.st_size : -1;
}

/* Records of all sizes, of two boards in turns, so that they share pages. */
static void make_two_boards(struct store *s, unsigned records)
{
    static char text[6000];
    for (uint64_t first = 1; first <= records; first++)
        for (unsigned i = 0; i < 2; i++) {
            size_t len = 30 + (first * 7919 + i * 104729) % (sizeof text - 40);
            for (size_t at = 0; at < len; at += 10)
                memcpy(text + at, i ? "of another" : "strokebyte", 10);
            struct record r = record_at(i ? "another" : "deleted", first, 1, 100);
            r.state.holder = id_of(i ? "stays" : "holderdeleted");
            r.events = (struct span){(const uint8_t *)text, len};
            ck_assert_int_eq(append(s, r), 0);
        }
}

static void delete_board(struct store *s, uint64_t first)
{
    struct record r = tombstone_at("deleted", first, 1);
    r.events = span_of("strokebyte, and the end");
    r.state.holder = id_of("holderdeleted");
    ck_assert_int_eq(append(s, r), 0);
    erase_all(s, "deleted");
    tidy_all(s);
}

START_TEST(sqlite_has_nothing_of_an_erased_board_in_its_files_and_they_shrink)
{
    make_two_boards(store, 1500);
    off_t before = size_of(file_at(""));
    ck_assert(some_file_has("strokebyte"));
    delete_board(store, 1501);
    ck_assert(!some_file_has("strokebyte"));
    ck_assert(!some_file_has("holderdeleted"));
    ck_assert(some_file_has("of another"));
    ck_assert_int_lt(size_of(file_at("")), before * 6 / 10);
    ck_assert_int_eq(size_of(file_at("-wal")), 0);
    ck_assert_uint_eq(tail_of(store, "another"), 1500);
}
END_TEST

START_TEST(sqlite_rewrites_a_file_that_was_made_before_files_shrank)
{
    sqlite3 *old;
    make_two_boards(store, 300);
    store_close(store);
    ck_assert_int_eq(sqlite3_open(file_at(""), &old), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(old, "PRAGMA auto_vacuum = NONE; VACUUM", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(old);
    store = open_store();
    off_t before = size_of(file_at(""));
    delete_board(store, 301);
    ck_assert(!some_file_has("strokebyte"));
    ck_assert_int_lt(size_of(file_at("")), before * 6 / 10);
    ck_assert_uint_eq(tail_of(store, "another"), 300);
}
END_TEST

START_TEST(sqlite_tidies_when_the_last_reader_has_left)
{
    sqlite3 *reader;
    make_two_boards(store, 20);
    ck_assert_int_eq(sqlite3_open(file_at(""), &reader), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(reader, "BEGIN; SELECT * FROM record", NULL, NULL, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(append(store, tombstone_at("deleted", 21, 1)), 0);
    erase_all(store, "deleted");
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(store_tidy(store), 1);
    ck_assert_int_eq(append(store, record_at("another", 21, 1, 0)), 0);
    sqlite3_close(reader);
    tidy_all(store);
    ck_assert(!some_file_has("strokebyte"));
}
END_TEST

/* ---- SQLite: one writer at a time --------------------------------------------------------------
 */

/* Another process, which does `work` when it is told to and says when it has done it. */
struct process {
    pid_t pid;
    int to, from;
};

static struct process start_process(void (*work)(struct process *))
{
    int down[2], up[2];
    ck_assert_int_eq(pipe(down), 0);
    ck_assert_int_eq(pipe(up), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    struct process p = {pid, down[1], up[0]};
    if (pid == 0) {
        struct process parent = {0, up[1], down[0]};
        close(down[1]);
        close(up[0]);
        work(&parent);
        _exit(0);
    }
    close(down[0]);
    close(up[1]);
    return p;
}

static void say(struct process *p)
{
    ck_assert_int_eq(write(p->to, "x", 1), 1);
}

static void hear(struct process *p)
{
    char c;
    ck_assert_int_eq(read(p->from, &c, 1), 1);
}

static void end_process(struct process *p)
{
    int status;
    ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
    ck_assert_int_eq(status, 0);
    close(p->to);
    close(p->from);
}

/* As the program of another kind of store would. */
static int take_lock_file(void)
{
    int fd = open(file_at("-lock"), O_RDWR | O_CREAT, 0666);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void hold_lock(struct process *parent)
{
    int fd = take_lock_file();
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    say(parent);
    hear(parent);
    flock(fd, LOCK_UN);
    say(parent);
}

static void *append_one(void *data)
{
    (void)data;
    return (void *)(intptr_t)append(store, record_at("k3v9x2mq4t", 1, 1, 0));
}

START_TEST(sqlite_waits_with_writing_while_another_process_holds_the_lock)
{
    struct process holder = start_process(hold_lock);
    pthread_t thread;
    void *result;
    hear(&holder);
    ck_assert_int_eq(pthread_create(&thread, NULL, append_one, NULL), 0);
    usleep(300000); /* had it not to wait, it would be done by now */
    ck_assert_int_eq(pthread_tryjoin_np(thread, &result), EBUSY);
    say(&holder);
    pthread_join(thread, &result);
    ck_assert_int_eq((intptr_t)result, 0);
    end_process(&holder);
}
END_TEST

START_TEST(sqlite_gives_up_when_another_process_holds_the_lock_for_long)
{
    struct store *s;
    const char *why = "";
    make_board("deleted", 1);
    ck_assert_int_eq(append(store, tombstone_at("deleted", 2, 1)), 0);
    struct process holder = start_process(hold_lock);
    hear(&holder);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), -EIO);
    ck_assert_msg(strstr(store_why(store), "another process has held"), "%s", store_why(store));
    ck_assert_int_eq(store_erase(store, &(struct id){"deleted"}), -EIO);
    ck_assert_int_eq(store_tidy(store), -EIO);
    ck_assert_int_eq(store_open(&at(url), SHARDS, &s, &why), -EIO);
    ck_assert_msg(strstr(why, "another process has held"), "%s", why);
    ck_assert_uint_eq(tail_of(store, "deleted"), 2); /* readers do not wait */
    say(&holder);
    end_process(&holder);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), 0);
}
END_TEST

/* Its transaction cannot begin, since we hold SQLite's own lock. */
static void append_when_told(struct process *parent)
{
    struct store *s = open_store();
    say(parent);
    hear(parent);
    append(s, record_at("k3v9x2mq4t", 1, 1, 0));
    _exit(0);
}

START_TEST(sqlite_holds_the_lock_during_a_transaction_and_no_longer)
{
    sqlite3 *other;
    int fd = take_lock_file();
    struct process writer = start_process(append_when_told);
    hear(&writer);
    ck_assert_int_eq(sqlite3_open(file_at(""), &other), SQLITE_OK);
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0); /* an open store does not hold it */
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    flock(fd, LOCK_UN);
    say(&writer);
    double begun = seconds_now();
    while (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        ck_assert_double_lt(seconds_now() - begun, 10);
        flock(fd, LOCK_UN);
        usleep(1000);
    }
    sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(other);
    end_process(&writer);
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    close(fd);
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 1);
}
END_TEST

/* The last store to close checkpoints the log. */
START_TEST(sqlite_does_not_checkpoint_at_closing_while_another_process_holds_the_lock)
{
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), 0);
    off_t before = size_of(file_at("-wal"));
    struct process holder = start_process(hold_lock);
    hear(&holder);
    store_close(store);
    ck_assert_int_eq(size_of(file_at("-wal")), before);
    say(&holder);
    end_process(&holder);
    store = open_store();
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 1);
    store_close(store);
    ck_assert_int_eq(size_of(file_at("-wal")), -1);
    store = open_store();
}
END_TEST

START_TEST(sqlite_makes_a_lock_file_that_was_removed_anew_so_that_all_take_the_same)
{
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), 0);
    ck_assert_int_eq(unlink(file_at("-lock")), 0);
    struct process holder = start_process(hold_lock);
    hear(&holder);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 2, 1, 0)), -EIO);
    say(&holder);
    end_process(&holder);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 2, 1, 0)), 0);
}
END_TEST

/* ---- SQLite: a database that is lost -----------------------------------------------------------
 */

static void expect_refused(struct store *s)
{
    struct record last;
    struct seen seen = {0};
    struct id board = id_of("k3v9x2mq4t"), next = {0};
    ck_assert_int_eq(append(s, record_at("k3v9x2mq4t", 4, 1, 0)), -EIO);
    ck_assert_msg(strstr(store_why(s), "removed or replaced"), "%s", store_why(s));
    ck_assert(store_lost(s));
    ck_assert_int_eq(store_last(s, &board, &last), -EIO);
    ck_assert_int_eq(store_read(s, &board, 1, see, &seen), -EIO);
    ck_assert_int_eq(store_next_board(s, &next, &next), -EIO);
    ck_assert_int_eq(store_tidy(s), -EIO);
    ck_assert_uint_eq(seen.count, 0);
}

static void move(const char *ending, const char *to)
{
    ck_assert_int_eq(rename(file_at(ending), file_at(to)), 0);
}

static void expect_lost_while_moved(const char *ending)
{
    move(ending, ".away");
    expect_refused(store);
    move(".away", ending);
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 3);
    ck_assert(!store_lost(store));
}

START_TEST(sqlite_refuses_a_database_that_was_moved_away_until_it_is_back)
{
    make_board("k3v9x2mq4t", 3);
    expect_lost_while_moved("");
    expect_lost_while_moved("-wal");
    expect_lost_while_moved("-shm");
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 4, 1, 0)), 0);
}
END_TEST

START_TEST(sqlite_refuses_a_database_that_was_removed_and_leaves_the_new_one_alone)
{
    make_board("k3v9x2mq4t", 3);
    ck_assert_int_eq(unlink(file_at("")), 0);
    expect_refused(store);
    struct store *other = open_store(); /* a new, empty one is there */
    ck_assert_uint_eq(tail_of(other, "k3v9x2mq4t"), 0);
    expect_refused(store);
    ck_assert_int_eq(append(other, record_at("k3v9x2mq4u", 1, 1, 0)), 0);
    store_close(store);
    ck_assert_int_eq(append(other, record_at("k3v9x2mq4u", 2, 1, 0)), 0);
    ck_assert_uint_eq(tail_of(other, "k3v9x2mq4u"), 2);
    store = other;
}
END_TEST

START_TEST(sqlite_refuses_a_database_that_was_replaced_by_another_file)
{
    char copy[1600];
    make_board("k3v9x2mq4t", 3);
    snprintf(copy, sizeof copy, "cp %s %s", file_at(""), file_at(".backup"));
    ck_assert_int_eq(system(copy), 0);
    move(".backup", "");
    expect_refused(store);
}
END_TEST

START_TEST(sqlite_refuses_a_database_whose_directory_is_gone)
{
    char old[700], away[710];
    make_board("k3v9x2mq4t", 3);
    snprintf(old, sizeof old, "%s", file_at(""));
    *strrchr(old, '/') = '\0';
    snprintf(away, sizeof away, "%s.away", old);
    ck_assert_int_eq(rename(old, away), 0);
    expect_refused(store);
    ck_assert_int_eq(rename(away, old), 0);
}
END_TEST

START_TEST(sqlite_goes_on_when_the_full_disk_has_room_again)
{
    struct rlimit before, small;
    make_board("k3v9x2mq4t", 3);
    struct buf events = {0};
    for (uint32_t i = 0; i < RECORD_BYTES_MAX / 4; i++)
        buf_append(&events, &i, sizeof i);
    struct record r = record_at("k3v9x2mq4t", 4, 1, 0);
    r.events = buf_span(&events);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = (rlim_t)size_of(file_at("-wal")) + 10000;
    setrlimit(RLIMIT_FSIZE, &small);
    ck_assert_int_eq(append(store, r), -EIO);
    ck_assert(!store_lost(store));
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 3);
    setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_int_eq(append(store, r), 0);
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 4);
    buf_free(&events);
}
END_TEST

/* ---- MongoDB --------------------------------------------------------------------------------- */

static void command(const char *database, const char *text)
{
    bson_error_t error;
    bson_t *command = bson_new_from_json((const uint8_t *)text, -1, &error);
    ck_assert_msg(command != NULL, "%s", error.message);
    mongoc_client_t *client = mongoc_client_new(url);
    if (!mongoc_client_command_simple(client, database, command, NULL, NULL, &error))
        ck_abort_msg("%s", error.message);
    mongoc_client_destroy(client);
    bson_destroy(command);
}

/* How the server fails inserts; mode is "off" or {"times": N}. */
static void fail_inserts(const char *mode, const char *how)
{
    char text[400];
    snprintf(text, sizeof text,
             "{\"configureFailPoint\": \"failCommand\", \"mode\": %s,"
             " \"data\": {\"failCommands\": [\"insert\"], %s}}",
             mode, how);
    command("admin", text);
}

START_TEST(mongo_answers_unknown_when_the_majority_was_not_reached)
{
    fail_inserts("{\"times\": 1}",
                 "\"writeConcernError\": {\"code\": 64, \"errmsg\": \"too slow\"}");
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), -EIO);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), -EEXIST);
}
END_TEST

START_TEST(mongo_tells_no_board_when_keys_are_taken_and_the_majority_was_not_reached)
{
    struct record two[] = {record_at("k3v9x2mq4t", 1, 1, 0), record_at("aaaaaaaaaa", 1, 1, 0)};
    int results[2];
    ck_assert_int_eq(append(store, two[0]), 0);
    fail_inserts("{\"times\": 1}",
                 "\"writeConcernError\": {\"code\": 64, \"errmsg\": \"too slow\"}");
    ck_assert_int_eq(store_append(store, two, 2, results), -EIO);
    ck_assert_int_eq(results[0], -EEXIST);
    ck_assert_str_ne(store_why(store), "");
    ck_assert_msg(!strstr(store_why(store), "k3v9x2mq4t"), "%s", store_why(store));
}
END_TEST

START_TEST(mongo_answers_unknown_when_the_connection_breaks)
{
    fail_inserts("{\"times\": 5}", "\"closeConnection\": true");
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), -EIO);
    fail_inserts("\"off\"", "\"closeConnection\": true");
    int r = append(store, record_at("k3v9x2mq4t", 1, 1, 0));
    ck_assert_msg(r == 0 || r == -EEXIST, "%d", r);
}
END_TEST

/* The hardest case: an error is all that we hear, and the record is stored all the same, later. */
START_TEST(mongo_answers_unknown_when_the_answer_is_late)
{
    struct record r = record_at("k3v9x2mq4t", 1, 1, 0);
    size_t len = strlen(url);
    snprintf(url + len, sizeof url - len, "%cretryWrites=false&socketTimeoutMS=500",
             strchr(url, '?') ? '&' : '?');
    struct store *hasty = open_store();
    url[len] = '\0';
    fail_inserts("{\"times\": 1}", "\"blockConnection\": true, \"blockTimeMS\": 1500");
    ck_assert_int_eq(append(hasty, r), -EIO);
    store_close(hasty);
    int again = append(store, r);
    ck_assert_msg(again == 0 || again == -EEXIST, "%d", again);
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 1);
}
END_TEST

static void database_command(const char *text)
{
    const char *name = strrchr(url, '/') + 1;
    char database[64];
    snprintf(database, sizeof database, "%.*s", (int)strcspn(name, "?"), name);
    command(database, text);
}

START_TEST(mongo_refuses_a_collection_that_was_dropped)
{
    struct record last;
    struct id board = id_of("k3v9x2mq4t");
    uint64_t tail = 3;
    make_board("k3v9x2mq4t", tail);
    database_command("{\"drop\": \"record\"}");
    ck_assert_int_eq(store_last(store, &board, &last), -EIO); /* not: there is no such board */
    ck_assert(store_lost(store));
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", tail + 1, 1, 0)), -EIO);
    ck_assert_msg(strstr(store_why(store), "dropped"), "%s", store_why(store));
    struct store *other = open_store();
    ck_assert_int_eq(store_last(other, &board, &last), -ENOENT);
    ck_assert_int_eq(store_last(store, &board, &last), -EIO);
    store_close(other);
}
END_TEST

START_TEST(mongo_that_only_appends_notices_soon_that_its_collection_was_dropped)
{
    uint64_t first = 1;
    double begun = seconds_now();
    make_board("k3v9x2mq4t", first++);
    database_command("{\"drop\": \"record\"}");
    while (append(store, record_at("k3v9x2mq4t", first++, 1, 0)) == 0)
        ck_assert_double_lt(seconds_now() - begun, 20);
    ck_assert(store_lost(store));
}
END_TEST

START_TEST(mongo_lists_the_boards_behind_a_document_whose_key_names_none)
{
    make_board("aaaa", 2);
    make_board("zzzz", 2);
    database_command("{\"insert\": \"record\", \"documents\": ["
                     "{\"_id\": \"AAAA:0000000000000001\", \"board\": \"0\", \"first\": 1},"
                     "{\"_id\": \"k3v9\", \"board\": \"aaaa\", \"first\": 1}]}");
    expect_listed("aaaa zzzz ");
}
END_TEST

static void set_first(unsigned first, const char *to)
{
    char text[300];
    snprintf(text, sizeof text,
             "{\"update\": \"record\", \"updates\": [{\"q\": {\"_id\":"
             " \"k3v9x2mq4t:%016u\"}, \"u\": {\"$set\": {\"first\": %s}}}]}",
             first, to);
    database_command(text);
}

START_TEST(mongo_takes_a_document_that_is_not_what_its_key_says_for_broken)
{
    make_board("k3v9x2mq4t", 3);
    set_first(3, "2");
    expect_last_broken("k3v9x2mq4t");
    expect_read_broken("k3v9x2mq4t", 1, 2);
}
END_TEST

START_TEST(mongo_erases_a_document_that_is_not_what_its_key_says)
{
    make_board("k3v9x2mq4t", 3);
    ck_assert_int_eq(append(store, tombstone_at("k3v9x2mq4t", 4, 1)), 0);
    set_first(3, "-5");
    erase_all(store, "k3v9x2mq4t");
    expect_erased("k3v9x2mq4t", 4, 1);
}
END_TEST

START_TEST(mongo_that_does_not_answer_is_given_up_in_bounded_time)
{
    struct store *s;
    const char *why = "";
    double begun = seconds_now();
    int r = store_open(&at("mongodb://127.0.0.1:1/easel"), SHARDS, &s, &why);
    ck_assert_int_eq(r, -EIO);
    ck_assert_double_lt(seconds_now() - begun, 10);
    ck_assert_str_ne(why, "");
}
END_TEST

START_TEST(mongo_url_that_is_none_is_refused)
{
    struct store *s;
    const char *why = "";
    ck_assert_int_eq(store_open(&at("mongodb://:::/"), SHARDS, &s, &why), -EINVAL);
    ck_assert_str_ne(why, "");
}
END_TEST

START_TEST(mongo_user_without_a_password_is_refused)
{
    struct store *s;
    const char *why = "";
    ck_assert_int_eq(store_open(&at("mongodb://ann@127.0.0.1:1/easel"), SHARDS, &s, &why), -EINVAL);
    ck_assert_str_eq(why, "MongoDB: there is a user, but no password");
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 */

static void add_tests_of_kind(TCase *own)
{
    if (strcmp(kind, "sqlite") == 0) {
        tcase_add_test(own, sqlite_answers_unknown_while_another_process_holds_the_write_lock);
        tcase_add_test(own, sqlite_keeps_a_write_ahead_log);
        tcase_add_test(own, sqlite_says_which_file_cannot_be_opened);
        tcase_add_test(own, sqlite_takes_no_count_for_another_that_it_is_in_32_bits);
        tcase_add_test(own, sqlite_lists_the_boards_behind_a_row_whose_board_is_no_id);
        tcase_add_test(own, sqlite_has_nothing_of_an_erased_board_in_its_files_and_they_shrink);
        tcase_add_test(own, sqlite_rewrites_a_file_that_was_made_before_files_shrank);
        tcase_add_test(own, sqlite_tidies_when_the_last_reader_has_left);
        tcase_add_test(own, sqlite_waits_with_writing_while_another_process_holds_the_lock);
        tcase_add_test(own, sqlite_gives_up_when_another_process_holds_the_lock_for_long);
        tcase_add_test(own, sqlite_holds_the_lock_during_a_transaction_and_no_longer);
        tcase_add_test(own,
                       sqlite_does_not_checkpoint_at_closing_while_another_process_holds_the_lock);
        tcase_add_test(own,
                       sqlite_makes_a_lock_file_that_was_removed_anew_so_that_all_take_the_same);
        tcase_add_test(own, sqlite_refuses_a_database_that_was_moved_away_until_it_is_back);
        tcase_add_test(own,
                       sqlite_refuses_a_database_that_was_removed_and_leaves_the_new_one_alone);
        tcase_add_test(own, sqlite_refuses_a_database_that_was_replaced_by_another_file);
        tcase_add_test(own, sqlite_refuses_a_database_whose_directory_is_gone);
        tcase_add_test(own, sqlite_goes_on_when_the_full_disk_has_room_again);
        return;
    }
    tcase_add_test(own, mongo_refuses_a_collection_that_was_dropped);
    tcase_add_test(own, mongo_that_only_appends_notices_soon_that_its_collection_was_dropped);
    tcase_add_test(own, mongo_answers_unknown_when_the_majority_was_not_reached);
    tcase_add_test(own, mongo_tells_no_board_when_keys_are_taken_and_the_majority_was_not_reached);
    tcase_add_test(own, mongo_answers_unknown_when_the_connection_breaks);
    tcase_add_test(own, mongo_answers_unknown_when_the_answer_is_late);
    tcase_add_test(own, mongo_lists_the_boards_behind_a_document_whose_key_names_none);
    tcase_add_test(own, mongo_takes_a_document_that_is_not_what_its_key_says_for_broken);
    tcase_add_test(own, mongo_erases_a_document_that_is_not_what_its_key_says);
    tcase_add_test(own, mongo_that_does_not_answer_is_given_up_in_bounded_time);
    tcase_add_test(own, mongo_url_that_is_none_is_refused);
    tcase_add_test(own, mongo_user_without_a_password_is_refused);
}

static void tear_down(void)
{
    store_close(store);
    if (strcmp(kind, "mongo") != 0)
        return;
    database_command("{\"dropDatabase\": 1}");
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about, (void)type, (void)where;
    return remove(path);
}

static Suite *store_suite(void)
{
    Suite *suite = suite_create("store");
    TCase *all = tcase_create(kind);
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, a_board_without_records_has_no_last_one);
    tcase_add_test(all, the_last_record_comes_back_as_it_was_stored);
    tcase_add_test(all, records_are_read_in_order_from_the_one_that_holds_the_offset);
    tcase_add_test(all, beyond_the_tail_there_is_nothing_to_read);
    tcase_add_test(all, a_reader_who_has_enough_is_given_no_more);
    tcase_add_test(all, boards_whose_ids_begin_alike_are_kept_apart);
    tcase_add_test(all, the_largest_record_comes_back_whole);
    tcase_add_test(all, a_key_that_is_taken_keeps_its_first_record);
    tcase_add_test(all, each_record_of_a_round_has_its_own_result);
    tcase_add_test(all, a_round_of_a_thousand_boards_is_stored);
    tcase_add_test(all, of_two_who_want_the_same_key_exactly_one_gets_it);
    tcase_add_test(all, the_search_by_time_finds_the_earliest_record_that_is_late_enough);
    tcase_add_test(all, the_search_by_time_finds_nothing_on_a_board_without_records);
    tcase_add_test(all, the_search_by_time_ends_at_a_hole);
    tcase_add_test(all, the_search_by_time_ends_at_a_broken_record);
    tcase_add_test(all, a_read_gives_what_lies_before_a_broken_record_and_says_so);
    tcase_add_test(all, a_last_record_that_is_broken_is_no_last_record);
    tcase_add_test(all, of_a_deleted_board_nothing_is_left_but_a_bare_tombstone);
    tcase_add_test(all, a_board_that_is_not_deleted_keeps_all);
    tcase_add_test(all, erasing_goes_on_where_another_has_left_it);
    tcase_add_test(all, all_boards_are_listed_with_their_last_records);
    tcase_add_test(all, what_is_stored_is_seen_by_every_other_store_at_once);
    tcase_add_test(all, what_is_stored_is_there_after_opening_again);
    tcase_add_test(all, another_number_of_shards_is_refused_with_both_numbers);
    tcase_add_test(all, another_kind_of_store_is_refused);
    add_tests_of_kind(all);
    suite_add_tcase(suite, all);
    return suite;
}

int main(int argc, char **argv)
{
    kind = argc == 2 ? argv[1] : "";
    bool mongo = strcmp(kind, "mongo") == 0;
    if (!mongo && strcmp(kind, "sqlite") != 0) {
        fprintf(stderr, "usage: test_store sqlite|mongo\n");
        return 2;
    }
    if (mongo && !getenv("EASEL_TEST_MONGO")) {
        fprintf(stderr, "EASEL_TEST_MONGO is not set: the URL of a MongoDB-wire server\n");
        return 1;
    }
    if (!mongo && !mkdtemp(directory)) {
        perror("mkdtemp");
        return 1;
    }
    SRunner *runner = srunner_create(store_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (!mongo)
        nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return failed ? 1 : 0;
}
