/* SPDX-License-Identifier: Apache-2.0
 *
 * How records are kept: what programs of schema 1 wrote is read, they read what is written now, and
 * a store of a schema to come is refused.
 */
#include <errno.h>
#include <mongoc/mongoc.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "store_test.h"

#define BOARD "k3v9x2mq4t"

/* The table as schema 1 has it. */
static const char TABLE_1[] =
    "DROP TABLE record;"
    "CREATE TABLE record (board TEXT NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, opener TEXT NOT NULL, nonce INTEGER NOT NULL, holder TEXT NOT NULL,"
    " instance INTEGER NOT NULL, term INTEGER NOT NULL, cseq INTEGER NOT NULL, base INTEGER NOT "
    "NULL,"
    " time INTEGER NOT NULL, flags INTEGER NOT NULL, events BLOB NOT NULL,"
    " UNIQUE (board, first)) STRICT";

/* A segment of a program of schema 1: it ends with released, and with a stroke of 77 points with
 * pressure under way. */
static void write_1(unsigned first)
{
    unsigned flags = APPEND_RELEASED | (4096 + 77) << APPEND_STROKE_SHIFT;
    char text[600];
    if (strcmp(kind, "sqlite") == 0) {
        snprintf(text, sizeof text,
                 "INSERT INTO record (board, first, count, epoch, opener, nonce, holder, instance,"
                 " term, cseq, base, time, flags, events) VALUES ('" BOARD "', %u, 5, 2, 'b1', 70,"
                 " 'ana', 1001, 3, 9, 4, 5000, %u, x'6576656e7473')",
                 first, flags);
        sql(text);
        return;
    }
    snprintf(text, sizeof text,
             "{\"insert\": \"record\", \"documents\": [{\"_id\": \"" BOARD ":%016u\", \"board\":"
             " \"" BOARD "\", \"first\": %u, \"count\": 5, \"epoch\": 2, \"opener\": \"b1\","
             " \"nonce\": 70, \"holder\": \"ana\", \"instance\": 1001, \"term\": 3, \"cseq\": 9,"
             " \"base\": 4, \"time\": 5000, \"flags\": %u, \"events\": {\"$binary\": {\"base64\":"
             " \"ZXZlbnRz\", \"subType\": \"00\"}}}]}",
             first, first, flags);
    database_command(text);
}

static struct record segment(uint64_t first)
{
    struct record r = {.board = id_of(BOARD), .first = first, .count = 5, .epoch = 2};
    struct log_state state = {.holder = id_of("ana"),
                              .instance = 1001,
                              .term = 3,
                              .cseq = 9,
                              .base = 4,
                              .stroke = {77, true, true}};
    r.opener = id_of("b1");
    r.nonce = 70;
    r.time = 5000;
    r.flags = RECORD_RELEASED;
    r.state = log_state_pack(&state);
    r.events = span_of("events");
    return r;
}

static void expect_last(const struct record *expected)
{
    struct record last;
    struct seen seen = {0};
    ck_assert_int_eq(store_last(store, &expected->board, &last), 0);
    expect_same_state(&last, expected);
    ck_assert_int_eq(store_read(store, &expected->board, expected->first, OFFSET_MAX, see, &seen),
                     0);
    ck_assert_uint_eq(seen.count, 1);
    expect_same_state(&seen.newest, expected);
    ck_assert_mem_eq(seen.events.data, "events", 6);
    buf_free(&seen.events);
}

START_TEST(records_of_schema_1_are_read)
{
    struct record expected = segment(1);
    if (strcmp(kind, "sqlite") == 0)
        sql(TABLE_1);
    write_1(1);
    store_close(store);
    store = open_store();
    expect_last(&expected);
}
END_TEST

START_TEST(a_program_of_schema_1_may_go_on_writing_beside_us)
{
    struct record ours = segment(1), theirs = segment(6);
    ck_assert_int_eq(append(store, ours), 0);
    write_1(6);
    expect_last(&theirs);
    ck_assert_int_eq(append(store, segment(11)), 0);
    EXPECT_READ(BOARD, 1, 1, 6, 11);
}
END_TEST

static bson_t *first_document(void)
{
    const bson_t *doc;
    bson_t *everything = bson_new();
    mongoc_client_t *client = mongoc_client_new(url);
    const char *name = strrchr(url, '/') + 1;
    char database[64];
    snprintf(database, sizeof database, "%.*s", (int)strcspn(name, "?"), name);
    mongoc_collection_t *records = mongoc_client_get_collection(client, database, "record");
    bson_append_utf8(everything, "board", -1, BOARD, -1);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(records, everything, NULL, NULL);
    ck_assert(mongoc_cursor_next(cursor, &doc));
    bson_t *copy = bson_copy(doc);
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(records);
    mongoc_client_destroy(client);
    bson_destroy(everything);
    return copy;
}

/* The columns that it knows, of the one record that is there. */
static void read_1(char *ret, size_t size)
{
    static const char *const names[] = {"opener", "nonce", "holder", "instance", "term",
                                        "cseq",   "base",  "time",   "flags"};
    size_t n = 0;
    if (strcmp(kind, "sqlite") == 0) {
        sqlite3 *other;
        sqlite3_stmt *st;
        ck_assert_int_eq(sqlite3_open(url + strlen("sqlite:"), &other), SQLITE_OK);
        sqlite3_prepare_v2(other,
                           "SELECT opener, nonce, holder, instance, term, cseq, base, time, flags"
                           " FROM record",
                           -1, &st, NULL);
        ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
        for (int i = 0; i < 9; i++)
            n += (size_t)snprintf(ret + n, size - n, "%s ", sqlite3_column_text(st, i));
        sqlite3_finalize(st);
        sqlite3_close(other);
        return;
    }
    bson_t *doc = first_document();
    for (unsigned i = 0; i < 9; i++) {
        bson_iter_t it;
        ck_assert(bson_iter_init_find(&it, doc, names[i]));
        if (BSON_ITER_HOLDS_UTF8(&it))
            n += (size_t)snprintf(ret + n, size - n, "%s ", bson_iter_utf8(&it, NULL));
        else
            n += (size_t)snprintf(ret + n, size - n, "%lld ", (long long)bson_iter_as_int64(&it));
    }
    bson_destroy(doc);
}

START_TEST(what_is_written_now_is_read_by_programs_of_schema_1)
{
    char columns[200] = "";
    ck_assert_int_eq(append(store, segment(1)), 0);
    read_1(columns, sizeof columns);
    ck_assert_str_eq(columns, "b1 70 ana 1001 3 9 4 5000 1068289 ");
    ck_assert_uint_eq(1068289, APPEND_RELEASED | (4096 + 77) << APPEND_STROKE_SHIFT);
}
END_TEST

/* A newer version may have more in it than we know. */
START_TEST(the_bytes_of_a_state_are_kept_as_they_came)
{
    struct record r = segment(1);
    r.state.data[0]++;                  /* the array has one element more, */
    r.state.data[r.state.len++] = 0xc3; /* true */
    ck_assert_int_eq(append(store, r), 0);
    expect_last(&r);
}
END_TEST

static void set_schema(unsigned schema)
{
    char text[200];
    if (strcmp(kind, "sqlite") == 0) {
        snprintf(text, sizeof text, "UPDATE setting SET value = %u WHERE name = 'schema'", schema);
        sql(text);
        return;
    }
    snprintf(text, sizeof text,
             "{\"update\": \"setting\", \"updates\": [{\"q\": {\"_id\": \"schema\"}, \"u\":"
             " {\"$set\": {\"value\": %u}}}]}",
             schema);
    database_command(text);
}

START_TEST(a_store_of_a_schema_that_is_not_known_is_refused_with_a_sentence)
{
    struct store *s;
    const char *why = "";
    set_schema(STORE_SCHEMA);
    store_close(open_store());
    set_schema(STORE_SCHEMA + 1);
    ck_assert_int_eq(store_open(&at(url), SHARDS, &s, &why), -EINVAL);
    ck_assert_str_eq(why, "the store has schema 3, and this program knows none above 2: start the"
                          " release that has used the store before, or a later one");
}
END_TEST

void add_schema_tests(TCase *t)
{
    tcase_add_test(t, records_of_schema_1_are_read);
    tcase_add_test(t, a_program_of_schema_1_may_go_on_writing_beside_us);
    tcase_add_test(t, what_is_written_now_is_read_by_programs_of_schema_1);
    tcase_add_test(t, the_bytes_of_a_state_are_kept_as_they_came);
    tcase_add_test(t, a_store_of_a_schema_that_is_not_known_is_refused_with_a_sentence);
}
