/* SPDX-License-Identifier: Apache-2.0
 *
 * One suite for all kinds of stores: `test_store sqlite` in a directory of its own, `test_store
 * mongo` in databases of its own on the server at EASEL_TEST_MONGO (which knows test commands).
 */
#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <mongoc/mongoc.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
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

START_TEST(the_last_record_comes_back_as_it_was_stored)
{
    struct record r = {.board = id_of("k3v9x2mq4t"),
                       .first = OFFSET_MAX - 9,
                       .count = 10,
                       .epoch = OFFSET_MAX - 10,
                       .state = {.opener = id_of("b0123456789"),
                                 .nonce = OFFSET_MAX,
                                 .holder = id_of("0123456789ab"),
                                 .instance = OFFSET_MAX - 1,
                                 .term = OFFSET_MAX - 2,
                                 .cseq = UINT32_MAX,
                                 .base = OFFSET_MAX - 3,
                                 .time = OFFSET_MAX - 4,
                                 .flags = APPEND_RELEASED | APPEND_DELETED},
                       .events = {(const uint8_t *)"\0\xff\0", 3}};
    struct record last;
    struct seen seen = {0};
    ck_assert_int_eq(append(store, r), 0);
    ck_assert_int_eq(store_last(store, &r.board, &last), 0);
    expect_same_state(&last, &r);
    ck_assert_int_eq(store_read(store, &r.board, OFFSET_MAX, see, &seen), 0);
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
        return;
    }
    tcase_add_test(own, mongo_answers_unknown_when_the_majority_was_not_reached);
    tcase_add_test(own, mongo_tells_no_board_when_keys_are_taken_and_the_majority_was_not_reached);
    tcase_add_test(own, mongo_answers_unknown_when_the_connection_breaks);
    tcase_add_test(own, mongo_answers_unknown_when_the_answer_is_late);
    tcase_add_test(own, mongo_that_does_not_answer_is_given_up_in_bounded_time);
    tcase_add_test(own, mongo_url_that_is_none_is_refused);
    tcase_add_test(own, mongo_user_without_a_password_is_refused);
}

static void tear_down(void)
{
    store_close(store);
    if (strcmp(kind, "mongo") != 0)
        return;
    const char *name = strrchr(url, '/') + 1;
    char database[64];
    snprintf(database, sizeof database, "%.*s", (int)strcspn(name, "?"), name);
    command(database, "{\"dropDatabase\": 1}");
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
