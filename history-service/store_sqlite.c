/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite:PATH. One file; several processes of the machine may use it at once. A transaction is on
 * the disk when its commit returns (WAL with synchronous=FULL); readers never wait for the writer.
 *
 * Whoever may write to the file or its log does so under the lock of store_files.h: transactions,
 * with the checkpoint that their commit may make; opening, which may recover the log; and closing,
 * which may checkpoint it. A read does neither: should it find the index of the log (PATH-shm) half
 * written by a process that died, it rebuilds that, under SQLite's own locks, and touches no file
 * that is kept.
 *
 * A database that is lost (removed, replaced) is refused for as long as the very files that we
 * opened are not back. It is not opened anew: an empty database in its place would answer to all
 * that their boards are not there, for good, while board services and gateways still hold newer
 * events. Who starts the program again decides that. Until then the lost file can be copied from
 * /proc/PID/fd.
 *
 * What is erased is overwritten (secure_delete), also in the log, and leaves the file
 * (auto_vacuum=INCREMENTAL). A file that was made without is rewritten once, when it is opened.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store_files.h"
#include "store_private.h"

#define TEXT_COLUMN(name)   " " #name " TEXT NOT NULL,"
#define NUMBER_COLUMN(name) " " #name " INTEGER NOT NULL,"
#define TYPED_COLUMNS       STORE_COLUMNS(TEXT_COLUMN, NUMBER_COLUMN)
#define COLUMN(name)        #name ", "
#define COLUMNS             STORE_COLUMNS(COLUMN, COLUMN) "state"
#define EVENTS_COLUMN       14

/* An ordinary table with an index, since WITHOUT ROWID suits short rows only. */
static const char SETUP[] =
    "PRAGMA auto_vacuum = INCREMENTAL;"
    "PRAGMA secure_delete = ON;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "CREATE TABLE IF NOT EXISTS setting ("
    " name TEXT PRIMARY KEY NOT NULL,"
    " value INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS record (" TYPED_COLUMNS " events BLOB NOT NULL,"
    " state BLOB,"
    " UNIQUE (board, first)) STRICT;";

/* Of schema 1, which has none. */
static const char ADD_STATE[] = "ALTER TABLE record ADD COLUMN state BLOB";

enum statement {
#define STATEMENT(name, sql) name,
#include "store_sqlite.def"
#undef STATEMENT
    STATEMENTS
};

static const char *const SQL[] = {
#define STATEMENT(name, sql) [name] = sql,
#include "store_sqlite.def"
#undef STATEMENT
};

struct sqlite {
    struct store store;
    sqlite3 *db;
    sqlite3_stmt *statement[STATEMENTS];
    bool on_disk; /* not of a test, in memory */
    struct store_files files;
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

/* ---- the files, and whose turn it is --------------------------------------------------------- */

static int check_files(struct sqlite *s)
{
    const char *path = s->on_disk ? store_files_lost(&s->files) : NULL;
    s->store.lost = path != NULL;
    if (!path)
        return 0;
    return store_fail(&s->store, -EIO,
                      "SQLite: %s is not the file that was opened, it was removed or replaced:"
                      " nothing is stored until it is back or this program is started again",
                      path);
}

static int take_turn(struct sqlite *s)
{
    int r = s->on_disk ? store_files_lock(&s->files) : 0;
    if (r == -ETIMEDOUT)
        return store_fail(&s->store, -EIO, "SQLite: another process has held %s for %u s",
                          s->files.lock_path, STORE_LOCK_MS / 1000);
    if (r < 0)
        return store_fail(&s->store, -EIO, "SQLite: cannot lock %s: %s", s->files.lock_path,
                          strerror(-r));
    return 0;
}

static void end_turn(struct sqlite *s)
{
    if (s->on_disk)
        store_files_unlock(&s->files);
}

/* Begins a transaction. When that fails, there is nothing to end. */
static int begin(struct sqlite *s)
{
    int r = check_files(s);
    if (r == 0)
        r = take_turn(s);
    if (r < 0)
        return r;
    r = run(s, BEGIN);
    if (r < 0)
        end_turn(s);
    return r;
}

/* Commits, if all went well so far (`r` is 0). Were the files lost meanwhile, nobody knows what it
 * was that was written. */
static int end(struct sqlite *s, int r)
{
    if (r == 0)
        r = run(s, COMMIT);
    if (!sqlite3_get_autocommit(s->db)) {
        sqlite3_step(s->statement[ROLLBACK]); /* `why` keeps the cause */
        sqlite3_reset(s->statement[ROLLBACK]);
    }
    int files = check_files(s);
    end_turn(s);
    return files < 0 ? files : r;
}

/* ---- columns --------------------------------------------------------------------------------- */

static void bind_id(sqlite3_stmt *st, int at, const struct id *id)
{
    sqlite3_bind_text(st, at, id->text, (int)strlen(id->text), SQLITE_TRANSIENT);
}

static void bind_number(sqlite3_stmt *st, int at, uint64_t value)
{
    sqlite3_bind_int64(st, at, (sqlite3_int64)value);
}

static void bind_record(sqlite3_stmt *st, const struct record *r)
{
    struct store_row row = store_row_of(r);
    int at = 1;
#define BIND_ID(name)     bind_id(st, at++, &row.name);
#define BIND_NUMBER(name) bind_number(st, at++, row.name);
    STORE_COLUMNS(BIND_ID, BIND_NUMBER);
    sqlite3_bind_blob64(st, at++, row.state.data, row.state.len, SQLITE_STATIC);
    sqlite3_bind_blob64(st, at, row.events.data, row.events.len, SQLITE_STATIC);
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

static struct span column_blob(sqlite3_stmt *st, int at)
{
    const void *data = sqlite3_column_blob(st, at);
    return (struct span){data, (size_t)sqlite3_column_bytes(st, at)};
}

/* Without its events. */
static struct record column_record(sqlite3_stmt *st)
{
    struct store_row row = {0};
    int at = 0;
#define GET_ID(name)     row.name = column_id(st, at++);
#define GET_NUMBER(name) row.name = column_number(st, at++);
    STORE_COLUMNS(GET_ID, GET_NUMBER);
    row.state = column_blob(st, at);
    return store_record_of(&row);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* A statement about a board, to be stepped; NULL: the files are lost. */
static sqlite3_stmt *ask(struct sqlite *s, enum statement which, const struct id *board,
                         uint64_t number)
{
    sqlite3_stmt *st = s->statement[which];
    bind_id(st, 1, board);
    bind_number(st, 2, number);
    return check_files(s) < 0 ? NULL : st;
}

/* Ends it, when the last step gave `r`. `none`: what it means that there is no such row. */
static int answered(struct sqlite *s, sqlite3_stmt *st, int r, int none)
{
    int result = r == SQLITE_ROW ? 0 : r == SQLITE_DONE ? none : fail(s);
    sqlite3_reset(st);
    return result;
}

static int sqlite_at(struct store *store, const struct id *board, uint64_t offset,
                     struct record *ret)
{
    struct sqlite *s = (struct sqlite *)store;
    sqlite3_stmt *st = ask(s, AT, board, offset);
    if (!st)
        return -EIO;
    int r = sqlite3_step(st);
    if (r == SQLITE_ROW)
        *ret = column_record(st);
    return answered(s, st, r, -ENOENT);
}

static int sqlite_read(struct store *store, const struct id *board, uint64_t low, uint64_t high,
                       bool (*each)(void *owner, const struct record *record), void *owner)
{
    struct sqlite *s = (struct sqlite *)store;
    sqlite3_stmt *st = ask(s, READ, board, low);
    if (!st)
        return -EIO;
    bind_number(st, 3, high);
    int r;
    while ((r = sqlite3_step(st)) == SQLITE_ROW) {
        struct record record = column_record(st);
        record.events = column_blob(st, EVENTS_COLUMN);
        if (!each(owner, &record))
            break;
    }
    return answered(s, st, r, 0);
}

/* In the order of their ids. */
static int sqlite_next(struct store *store, const struct id *after, struct id *ret)
{
    struct sqlite *s = (struct sqlite *)store;
    sqlite3_stmt *st = s->statement[NEXT];
    if (check_files(s) < 0)
        return -EIO;
    bind_id(st, 1, after);
    struct id id = {0};
    int r = SQLITE_ROW;
    while (id_empty(&id) && r == SQLITE_ROW)
        if ((r = sqlite3_step(st)) == SQLITE_ROW)
            id = column_id(st, 0);
    if (r == SQLITE_ROW)
        *ret = id;
    return answered(s, st, r, -ENOENT);
}

/* ---- appending ------------------------------------------------------------------------------- */

/* A taken key undoes its own insert only, any other error the whole transaction. */
static int insert_all(struct sqlite *s, const struct record *records, unsigned count,
                      int *ret_results)
{
    int r = 0;
    for (unsigned i = 0; i < count && r == 0; i++) {
        bind_record(s->statement[INSERT], &records[i]);
        ret_results[i] = run(s, INSERT);
        if (ret_results[i] != -EEXIST)
            r = ret_results[i];
    }
    sqlite3_clear_bindings(s->statement[INSERT]);
    return r;
}

static int sqlite_append(struct store *store, const struct record *records, unsigned count,
                         int *ret_results)
{
    struct sqlite *s = (struct sqlite *)store;
    int r = begin(s);
    if (r == 0)
        r = end(s, insert_all(s, records, count, ret_results));
    for (unsigned i = 0; i < count && r < 0; i++)
        ret_results[i] = -EIO;
    return store_result(ret_results, count);
}

/* ---- erasing --------------------------------------------------------------------------------- */

/* Up to which of the records before `below` one step erases, and how many these are. */
static int measure_step(struct sqlite *s, const struct id *board, uint64_t below,
                        uint64_t *ret_last, unsigned *ret_count)
{
    sqlite3_stmt *st = ask(s, SIZES, board, below);
    uint64_t bytes = 0;
    int r = SQLITE_DONE;
    *ret_count = 0;
    if (!st)
        return -EIO;
    while (*ret_count < SQLITE_ERASE_RECORDS && bytes < SQLITE_ERASE_BYTES &&
           (r = sqlite3_step(st)) == SQLITE_ROW) {
        *ret_last = column_number(st, 0);
        bytes += column_number(st, 1);
        ++*ret_count;
    }
    return answered(s, st, r, 0);
}

/* Runs ERASE_UPTO or BARE. */
static int erase(struct sqlite *s, enum statement which, const struct id *board, uint64_t first)
{
    sqlite3_stmt *st = s->statement[which];
    bind_id(st, 1, board);
    bind_number(st, 2, first);
    if (which == BARE)
        bind_number(st, 3, RECORD_DELETED | RECORD_ERASED);
    return run(s, which);
}

static int sqlite_erase(struct store *store, const struct id *board, uint64_t tombstone)
{
    struct sqlite *s = (struct sqlite *)store;
    uint64_t last = 0;
    unsigned count = 0;
    int r = measure_step(s, board, tombstone, &last, &count);
    if (r == 0)
        r = begin(s);
    if (r < 0)
        return r;
    r = end(s, count ? erase(s, ERASE_UPTO, board, last) : erase(s, BARE, board, tombstone));
    return r < 0 ? r : count ? (int)count : 1;
}

static int get_number(struct sqlite *s, enum statement which, uint64_t *ret)
{
    sqlite3_stmt *st = s->statement[which];
    int r = sqlite3_step(st) == SQLITE_ROW ? 0 : fail(s);
    if (r == 0)
        *ret = column_number(st, 0);
    sqlite3_reset(st);
    return r;
}

/* Free pages leave the file, some at a time. Then the log is emptied, which takes what was erased
 * out of it; as long as somebody reads from it, that has to wait. 1: there is more to do. */
static int tidy(struct sqlite *s)
{
    uint64_t pages = 0;
    int r = get_number(s, FREE_PAGES, &pages);
    if (r < 0)
        return r;
    if (pages > 0) {
        char sql[64];
        snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", SQLITE_TIDY_PAGES);
        return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 1 : fail(s);
    }
    sqlite3_busy_timeout(s->db, SQLITE_TIDY_BUSY_MS);
    r = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(s->db, SQLITE_BUSY_MS);
    return r == SQLITE_OK ? 0 : r == SQLITE_BUSY ? 1 : fail(s);
}

static int sqlite_tidy(struct store *store)
{
    struct sqlite *s = (struct sqlite *)store;
    int r = check_files(s);
    if (r == 0)
        r = take_turn(s);
    if (r < 0)
        return r;
    r = tidy(s);
    end_turn(s);
    return r;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* The last one to close checkpoints, and removes PATH-wal by its name: so not where that may be
 * another's file by now, or while somebody else is at work. */
static void sqlite_close(struct store *store)
{
    struct sqlite *s = (struct sqlite *)store;
    for (unsigned i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(s->statement[i]);
    bool turn = s->on_disk && check_files(s) == 0 && take_turn(s) == 0;
    if (s->on_disk && !turn)
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(s->db);
    if (turn)
        end_turn(s);
    if (s->on_disk)
        store_files_finish(&s->files);
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

static int sqlite_setting(struct store *store, const char *name, uint64_t value, bool change,
                          uint64_t *ret)
{
    struct sqlite *s = (struct sqlite *)store;
    enum statement put = change ? SETTING_CHANGE : SETTING_PUT;
    int r = take_turn(s);
    if (r < 0)
        return r;
    sqlite3_bind_text(s->statement[put], 1, name, -1, SQLITE_STATIC);
    bind_number(s->statement[put], 2, value);
    r = run(s, put);
    sqlite3_bind_text(s->statement[SETTING_GET], 1, name, -1, SQLITE_STATIC);
    if (r == 0)
        r = get_number(s, SETTING_GET, ret);
    sqlite3_clear_bindings(s->statement[put]);
    sqlite3_clear_bindings(s->statement[SETTING_GET]);
    end_turn(s);
    return r;
}

/* A table that was made before it has none. */
static int add_state(struct sqlite *s)
{
    if (sqlite3_table_column_metadata(s->db, NULL, "record", "state", NULL, NULL, NULL, NULL,
                                      NULL) == SQLITE_OK)
        return 0;
    return sqlite3_exec(s->db, ADD_STATE, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(s);
}

/* A file that was made before files shrank is rewritten, once. That needs time, and room for a copy
 * on the disk; without room all works as before, and `why` says so. */
static int convert(struct sqlite *s)
{
    enum { INCREMENTAL = 2 };
    uint64_t mode = INCREMENTAL;
    int r = get_number(s, VACUUM_MODE, &mode);
    if (r < 0 || mode == INCREMENTAL)
        return r;
    if (sqlite3_exec(s->db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL) !=
        SQLITE_OK)
        store_fail(&s->store, 0, "SQLite: the file cannot be rewritten, so it will not shrink: %s",
                   sqlite3_errmsg(s->db));
    return 0;
}

static int set_up(struct sqlite *s)
{
    if (sqlite3_exec(s->db, SETUP, NULL, NULL, NULL) != SQLITE_OK)
        return fail(s);
    int r = add_state(s);
    if (r == 0)
        r = prepare_all(s);
    if (r == 0 && s->on_disk && (r = store_files_remember(&s->files)) < 0)
        r = store_fail(&s->store, -EIO, "SQLite: a file of the database: %s", strerror(-r));
    return r == 0 && s->on_disk ? convert(s) : r;
}

static int sqlite_open(const struct store_address *address, struct store **ret)
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
    sqlite3_busy_timeout(s->db, SQLITE_BUSY_MS);
    const char *file = sqlite3_db_filename(s->db, "main"); /* behind symbolic links */
    s->on_disk = file && *file;
    if (s->on_disk)
        store_files_init(&s->files, file);
    int r = take_turn(s);
    if (r < 0)
        return r;
    r = set_up(s);
    end_turn(s);
    return r;
}

const struct store_kind STORE_SQLITE = {
    .scheme = "sqlite:",
    .open = sqlite_open,
    .close = sqlite_close,
    .setting = sqlite_setting,
    .at = sqlite_at,
    .append = sqlite_append,
    .read = sqlite_read,
    .next = sqlite_next,
    .erase = sqlite_erase,
    .tidy = sqlite_tidy,
};
