/* SPDX-License-Identifier: Apache-2.0 */
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

const char *kind;
char url[600];
struct store *store;

static char directory[] = "/tmp/easel-store-XXXXXX";

struct id id_of(const char *text)
{
    struct id id;
    ck_assert_int_eq(id_parse(text, strlen(text), &id), 0);
    return id;
}

struct store *open_store(void)
{
    struct store *s = NULL;
    const char *why = "";
    int r = store_open(&at(url), SHARDS, &s, &why);
    ck_assert_msg(r == 0, "%s: %s", url, why);
    return s;
}

struct record record_at(const char *board, uint64_t first, uint32_t count, uint64_t time)
{
    return (struct record){.board = id_of(board),
                           .first = first,
                           .count = count,
                           .epoch = 1,
                           .time = time,
                           .state = log_state_pack(&(struct log_state){.term = 0}),
                           .events = span_of("events")};
}

int append(struct store *s, struct record r)
{
    int result = 1;
    ck_assert_int_eq(store_append(s, &r, 1, &result), result);
    return result;
}

void expect_same_state(const struct record *a, const struct record *b)
{
    ck_assert_str_eq(a->board.text, b->board.text);
    ck_assert_uint_eq(a->first, b->first);
    ck_assert_uint_eq(a->count, b->count);
    ck_assert_uint_eq(a->epoch, b->epoch);
    ck_assert_str_eq(a->opener.text, b->opener.text);
    ck_assert_uint_eq(a->nonce, b->nonce);
    ck_assert_uint_eq(a->state.len, b->state.len);
    ck_assert_mem_eq(a->state.data, b->state.data, a->state.len);
    ck_assert_uint_eq(a->time, b->time);
    ck_assert_uint_eq(a->flags, b->flags);
}

bool see(void *owner, const struct record *r)
{
    struct seen *seen = owner;
    seen->first[seen->count++] = r->first;
    seen->newest = *r;
    buf_clear(&seen->events);
    buf_append(&seen->events, r->events.data, r->events.len);
    return seen->count != seen->stop_after;
}

void expect_read(const char *board, uint64_t from, unsigned count, const uint64_t *first)
{
    struct seen seen = {0};
    struct id id = id_of(board);
    ck_assert_int_eq(store_read(store, &id, from, OFFSET_MAX, see, &seen), 0);
    ck_assert_uint_eq(seen.count, count);
    for (unsigned i = 0; i < count; i++)
        ck_assert_uint_eq(seen.first[i], first[i]);
    buf_free(&seen.events);
}

uint64_t tail_of(struct store *s, const char *board)
{
    struct record last;
    struct id id = id_of(board);
    int r = store_last(s, &id, &last);
    ck_assert_int_eq(r == -ENOENT ? 0 : r, 0);
    return r == 0 ? record_last(&last) : 0;
}

double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A place of its own for each test. */
void make_url(void)
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

void set_up(void)
{
    make_url();
    store = open_store();
}
/* 1..2, the broken one where 3 should be, and 4. */
void make_broken(const char *board, const struct record *broken)
{
    struct record r = *broken;
    r.board = id_of(board);
    ck_assert_int_eq(append(store, record_at(board, 1, 2, 100)), 0);
    ck_assert_int_eq(append(store, r), 0);
    ck_assert_int_eq(append(store, record_at(board, 4, 1, 300)), 0);
}

void expect_read_broken(const char *board, uint64_t from, unsigned count)
{
    struct seen seen = {0};
    struct id id = id_of(board);
    ck_assert_int_eq(store_read(store, &id, from, OFFSET_MAX, see, &seen), -EBADMSG);
    ck_assert_uint_eq(seen.count, count);
    ck_assert_msg(strstr(store_why(store), "cannot be"), "%s", store_why(store));
    buf_free(&seen.events);
}

void expect_last_broken(const char *board)
{
    struct record last;
    struct id id = id_of(board);
    ck_assert_int_eq(store_last(store, &id, &last), -EBADMSG);
    ck_assert_int_eq(store_erase(store, &id), -EBADMSG);
}

/* The last segment of a board: a stroke, and behind it the end. */
struct record tombstone_at(const char *board, uint64_t first, uint32_t count)
{
    struct record r = record_at(board, first, count, 500);
    r.flags = RECORD_DELETED;
    r.state = log_state_pack(
        &(struct log_state){.holder = id_of("0123456789ab"), .instance = 70, .term = 1, .base = 1});
    return r;
}

void erase_all(struct store *s, const char *board)
{
    struct id id = id_of(board);
    int r;
    for (unsigned steps = 0; (r = store_erase(s, &id)) > 0; steps++)
        ck_assert_uint_lt(steps, 100);
    ck_assert_int_eq(r, 0);
}

void expect_erased(const char *board, uint64_t first, uint32_t count)
{
    struct seen seen = {0};
    struct id id = id_of(board);
    struct record bare = {.board = id,
                          .first = first,
                          .count = count,
                          .epoch = 1,
                          .time = 500,
                          .flags = RECORD_DELETED | RECORD_ERASED,
                          .state = log_state_pack(&(struct log_state){.term = 0})};
    ck_assert_int_eq(store_read(store, &id, first, OFFSET_MAX, see, &seen), 0);
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

void make_board(const char *board, uint64_t tail)
{
    for (uint64_t first = 1; first <= tail; first++)
        ck_assert_int_eq(append(store, record_at(board, first, 1, 100)), 0);
}

/* What the boards are called that are listed. */
void expect_listed(const char *names)
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

void sql(const char *text)
{
    sqlite3 *other;
    ck_assert_int_eq(sqlite3_open(url + strlen("sqlite:"), &other), SQLITE_OK);
    int r = sqlite3_exec(other, text, NULL, NULL, NULL);
    ck_assert_msg(r == SQLITE_OK, "%s", sqlite3_errmsg(other));
    sqlite3_close(other);
}

void command(const char *database, const char *text)
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

void database_command(const char *text)
{
    const char *name = strrchr(url, '/') + 1;
    char database[64];
    snprintf(database, sizeof database, "%.*s", (int)strcspn(name, "?"), name);
    command(database, text);
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
    add_common_tests(all);
    add_schema_tests(all);
    if (strcmp(kind, "sqlite") == 0)
        add_sqlite_tests(all);
    else
        add_mongo_tests(all);
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
