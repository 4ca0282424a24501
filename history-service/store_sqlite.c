/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite:PATH. One file; several processes of the machine may use it at once. A transaction is on
 * the disk when its commit returns (WAL with synchronous=FULL); readers never wait for the writer.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store_private.h"

#define BUSY_MS 2000 /* how long another process may hold the write lock */

/* An ordinary table with an index, since WITHOUT ROWID suits short rows only. */
static const char SETUP[] = "PRAGMA journal_mode = WAL;"
                            "PRAGMA synchronous = FULL;"
                            "CREATE TABLE IF NOT EXISTS setting ("
                            " name TEXT PRIMARY KEY NOT NULL,"
                            " value INTEGER NOT NULL) STRICT;"
                            "CREATE TABLE IF NOT EXISTS record ("
                            " board TEXT NOT NULL,"
                            " first INTEGER NOT NULL,"
                            " count INTEGER NOT NULL,"
                            " epoch INTEGER NOT NULL,"
                            " opener TEXT NOT NULL,"
                            " nonce INTEGER NOT NULL,"
                            " holder TEXT NOT NULL,"
                            " instance INTEGER NOT NULL,"
                            " term INTEGER NOT NULL,"
                            " cseq INTEGER NOT NULL,"
                            " base INTEGER NOT NULL,"
                            " time INTEGER NOT NULL,"
                            " flags INTEGER NOT NULL,"
                            " events BLOB NOT NULL,"
                            " UNIQUE (board, first)) STRICT;";

#define COLUMNS                                                                                    \
    "board, first, count, epoch, opener, nonce, holder, instance, term, cseq, base, time, flags"
#define EVENTS_COLUMN 13

enum statement { BEGIN, COMMIT, ROLLBACK, INSERT, AT, READ, SHARDS_PUT, SHARDS_GET, STATEMENTS };

static const char *const SQL[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [INSERT] = "INSERT INTO record (" COLUMNS ", events)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [AT] = "SELECT " COLUMNS " FROM record WHERE board = ? AND first <= ?"
           " ORDER BY first DESC LIMIT 1",
    [READ] = "SELECT " COLUMNS ", events FROM record WHERE board = ? AND first >= ?"
             " ORDER BY first",
    [SHARDS_PUT] = "INSERT INTO setting VALUES ('shards', ?) ON CONFLICT DO NOTHING",
    [SHARDS_GET] = "SELECT value FROM setting WHERE name = 'shards'",
};

struct sqlite {
    struct store store;
    sqlite3 *db;
    sqlite3_stmt *statement[STATEMENTS];
};

static int fail(struct sqlite *s)
{
    return store_fail(&s->store, -EIO, "SQLite: %s", sqlite3_errmsg(s->db));
}

/* Runs a statement that gives no rows. 0, -EEXIST or -EIO. */
static int run(struct sqlite *s, enum statement which)
{
    int r = sqlite3_step(s->statement[which]);
    int result = r == SQLITE_DONE ? 0 : r == SQLITE_CONSTRAINT_UNIQUE ? -EEXIST : fail(s);
    sqlite3_reset(s->statement[which]);
    return result;
}

/* ---- columns --------------------------------------------------------------------------------- */

static void bind_id(sqlite3_stmt *st, int at, const struct id *id)
{
    sqlite3_bind_text(st, at, id->text, (int)strlen(id->text), SQLITE_STATIC);
}

static void bind_number(sqlite3_stmt *st, int at, uint64_t value)
{
    sqlite3_bind_int64(st, at, (sqlite3_int64)value);
}

static void bind_record(sqlite3_stmt *st, const struct record *r)
{
    const struct board_log_state *state = &r->state;
    int at = 1;
    bind_id(st, at++, &r->board);
    bind_number(st, at++, r->first);
    bind_number(st, at++, r->count);
    bind_number(st, at++, r->epoch);
    bind_id(st, at++, &state->opener);
    bind_number(st, at++, state->nonce);
    bind_id(st, at++, &state->holder);
    bind_number(st, at++, state->instance);
    bind_number(st, at++, state->term);
    bind_number(st, at++, state->cseq);
    bind_number(st, at++, state->base);
    bind_number(st, at++, state->time);
    bind_number(st, at++, state->flags);
    sqlite3_bind_blob64(st, at, r->events.data, r->events.len, SQLITE_STATIC);
}

static struct id column_id(sqlite3_stmt *st, int at)
{
    struct id id = {0};
    const char *text = (const char *)sqlite3_column_text(st, at);
    id_parse(text ? text : "", (size_t)sqlite3_column_bytes(st, at), &id);
    return id;
}

static uint64_t column_number(sqlite3_stmt *st, int at)
{
    return (uint64_t)sqlite3_column_int64(st, at);
}

static struct record column_record(sqlite3_stmt *st)
{
    struct record r = {0};
    int at = 0;
    r.board = column_id(st, at++);
    r.first = column_number(st, at++);
    r.count = (uint32_t)column_number(st, at++);
    r.epoch = column_number(st, at++);
    r.state.opener = column_id(st, at++);
    r.state.nonce = column_number(st, at++);
    r.state.holder = column_id(st, at++);
    r.state.instance = column_number(st, at++);
    r.state.term = column_number(st, at++);
    r.state.cseq = column_number(st, at++);
    r.state.base = column_number(st, at++);
    r.state.time = column_number(st, at++);
    r.state.flags = column_number(st, at++);
    return r;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int sqlite_at(struct store *store, const struct id *board, uint64_t offset,
                     struct record *ret)
{
    struct sqlite *s = (struct sqlite *)store;
    sqlite3_stmt *st = s->statement[AT];
    bind_id(st, 1, board);
    bind_number(st, 2, offset);
    int r = sqlite3_step(st), result = 0;
    if (r == SQLITE_ROW)
        *ret = column_record(st);
    else
        result = r == SQLITE_DONE ? -ENOENT : fail(s);
    sqlite3_reset(st);
    return result;
}

static int sqlite_read(struct store *store, const struct id *board, uint64_t first,
                       bool (*each)(void *owner, const struct record *record), void *owner)
{
    struct sqlite *s = (struct sqlite *)store;
    sqlite3_stmt *st = s->statement[READ];
    bind_id(st, 1, board);
    bind_number(st, 2, first);
    int r;
    while ((r = sqlite3_step(st)) == SQLITE_ROW) {
        struct record record = column_record(st);
        record.events.data = sqlite3_column_blob(st, EVENTS_COLUMN);
        record.events.len = (size_t)sqlite3_column_bytes(st, EVENTS_COLUMN);
        if (!each(owner, &record))
            break;
    }
    int result = r == SQLITE_ROW || r == SQLITE_DONE ? 0 : fail(s);
    sqlite3_reset(st);
    return result;
}

/* ---- appending ------------------------------------------------------------------------------- */

/* A taken key undoes its own insert only, any other error the whole transaction. */
static int insert_all(struct sqlite *s, const struct record *records, unsigned count,
                      int *ret_results)
{
    int r = run(s, BEGIN);
    for (unsigned i = 0; i < count && r == 0; i++) {
        bind_record(s->statement[INSERT], &records[i]);
        ret_results[i] = run(s, INSERT);
        if (ret_results[i] != -EEXIST)
            r = ret_results[i];
    }
    return r == 0 ? run(s, COMMIT) : r;
}

static int sqlite_append(struct store *store, const struct record *records, unsigned count,
                         int *ret_results)
{
    struct sqlite *s = (struct sqlite *)store;
    if (insert_all(s, records, count, ret_results) < 0) {
        for (unsigned i = 0; i < count; i++)
            ret_results[i] = -EIO;
        if (!sqlite3_get_autocommit(s->db)) {
            sqlite3_step(s->statement[ROLLBACK]); /* `why` keeps the cause */
            sqlite3_reset(s->statement[ROLLBACK]);
        }
    }
    sqlite3_clear_bindings(s->statement[INSERT]);
    return store_result(ret_results, count);
}

/* ---- opening --------------------------------------------------------------------------------- */

static void sqlite_close(struct store *store)
{
    struct sqlite *s = (struct sqlite *)store;
    for (unsigned i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(s->statement[i]);
    sqlite3_close(s->db);
    free(s);
}

/* The directory of a file is made if only that is missing. */
static void make_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash ? strndup(path, (size_t)(slash - path)) : NULL;
    if (directory)
        mkdir(directory, 0777);
    free(directory);
}

static int prepare_all(struct sqlite *s)
{
    for (unsigned i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(s->db, SQL[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statement[i],
                               NULL) != SQLITE_OK)
            return fail(s);
    return 0;
}

static int check_shards(struct sqlite *s, unsigned shards)
{
    sqlite3_stmt *get = s->statement[SHARDS_GET];
    bind_number(s->statement[SHARDS_PUT], 1, shards);
    int r = run(s, SHARDS_PUT);
    if (r < 0)
        return r;
    r = sqlite3_step(get) == SQLITE_ROW
            ? store_check_shards(&s->store, column_number(get, 0), shards)
            : fail(s);
    sqlite3_reset(get);
    return r;
}

static int sqlite_open(const struct store_address *address, unsigned shards, struct store **ret)
{
    struct sqlite *s = xcalloc(1, sizeof *s);
    s->store.kind = &STORE_SQLITE;
    *ret = &s->store;
    const char *path = address->url + strlen(STORE_SQLITE.scheme);
    make_directory(path);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK)
        return store_fail(&s->store, -EIO, "SQLite: %s: %s", path, sqlite3_errmsg(s->db));
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    if (sqlite3_exec(s->db, SETUP, NULL, NULL, NULL) != SQLITE_OK)
        return fail(s);
    int r = prepare_all(s);
    return r < 0 ? r : check_shards(s, shards);
}

const struct store_kind STORE_SQLITE = {
    .scheme = "sqlite:",
    .open = sqlite_open,
    .close = sqlite_close,
    .at = sqlite_at,
    .append = sqlite_append,
    .read = sqlite_read,
};
