/* SPDX-License-Identifier: Apache-2.0
 *
 * mongodb://HOST[,HOST...]/DATABASE. Writes wait for a majority and its journal, reads go to the
 * primary and see only what a majority has.
 *
 * A record's _id is "board:first", first with leading zeros. So the index that every collection has
 * anyway is the unique one, and the one that serves all queries: there is no other to be paid for,
 * or to be missing.
 *
 * A collection that was dropped is made anew by the next insert, and a log would go on over a hole.
 * So the collection has a marker, a document with a number that nobody else has. It is looked for
 * before we say that a board has no records, and behind inserts, but then not more often than every
 * MONGO_MARKER_MS: what is acked in that time may be of a collection that is gone. Without it the
 * store is lost, as in store_sqlite.c. A collection put back from a backup has its marker, too:
 * programs are to be stopped for that.
 */
#include <errno.h>
#include <inttypes.h>
#include <mongoc/mongoc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "address.h"
#include "store_private.h"

#define DATABASE           "easel" /* when the URL names none */
#define CODE_DUPLICATE_KEY 11000
#define KEY_CHARS          (ID_CHARS_MAX + 1 + 16)
#define BOARD_KEY          "^[0-9a-z]{1,15}:" /* how the keys of boards begin */
#define MARKER             "!"                /* its _id; before all boards' */

struct mongo {
    struct store store;
    mongoc_client_pool_t *pool; /* its monitors look for servers: a lone client does when used */
    mongoc_client_t *client;
    mongoc_collection_t *records, *settings;
    int64_t marker;
    int64_t marker_seen_us;
};

static int fail(struct mongo *s, const bson_error_t *error)
{
    return store_fail(&s->store, -EIO, "MongoDB: %s", error->message);
}

/* 2^53 - 1, the largest offset, has 16 digits. */
static void make_key(char *ret, const struct id *board, uint64_t first)
{
    snprintf(ret, KEY_CHARS + 1, "%s:%016" PRIu64, board->text, first);
}

/* ---- records as documents -------------------------------------------------------------------- */

static void put_bytes(bson_t *doc, const char *name, struct span bytes)
{
    bson_append_binary(doc, name, -1, BSON_SUBTYPE_BINARY, bytes.data, (uint32_t)bytes.len);
}

static bson_t *document_of(const struct record *r)
{
    struct store_row row = store_row_of(r);
    char key[KEY_CHARS + 1];
    make_key(key, &r->board, r->first);
    bson_t *doc = bson_sized_new(r->events.len + 512);
    bson_append_utf8(doc, "_id", -1, key, -1);
#define PUT_ID(name)     bson_append_utf8(doc, #name, -1, row.name.text, -1);
#define PUT_NUMBER(name) bson_append_int64(doc, #name, -1, (int64_t)row.name);
    STORE_COLUMNS(PUT_ID, PUT_NUMBER);
    put_bytes(doc, "state", row.state);
    put_bytes(doc, "events", row.events);
    return doc;
}

static uint64_t get_number(const bson_t *doc, const char *name)
{
    bson_iter_t at;
    return bson_iter_init_find(&at, doc, name) ? (uint64_t)bson_iter_as_int64(&at) : 0;
}

static struct id get_id(const bson_t *doc, const char *name)
{
    struct id id = {0};
    bson_iter_t at;
    uint32_t len;
    if (!bson_iter_init_find(&at, doc, name) || !BSON_ITER_HOLDS_UTF8(&at))
        return id;
    const char *text = bson_iter_utf8(&at, &len);
    id_parse(text, len, &id);
    return id;
}

static struct span get_bytes(const bson_t *doc, const char *name)
{
    bson_iter_t at;
    uint32_t len = 0;
    const uint8_t *data = NULL;
    if (bson_iter_init_find(&at, doc, name) && BSON_ITER_HOLDS_BINARY(&at))
        bson_iter_binary(&at, NULL, &len, &data);
    return (struct span){data, len};
}

static const char *get_key(const bson_t *doc)
{
    bson_iter_t at;
    bool found = bson_iter_init_find(&at, doc, "_id") && BSON_ITER_HOLDS_UTF8(&at);
    return found ? bson_iter_utf8(&at, NULL) : "";
}

/* One that is not what its key says is broken: 0 is nobody's first. */
static struct record record_of(const bson_t *doc)
{
    char key[KEY_CHARS + 1];
    struct store_row row = {.state = get_bytes(doc, "state"), .events = get_bytes(doc, "events")};
#define GET_ID(name)     row.name = get_id(doc, #name);
#define GET_NUMBER(name) row.name = get_number(doc, #name);
    STORE_COLUMNS(GET_ID, GET_NUMBER);
    make_key(key, &row.board, row.first);
    if (strcmp(key, get_key(doc)) != 0)
        row.first = 0;
    return store_record_of(&row);
}

/* The first document that the cursor gives goes to `take`. Ends the cursor. 0, -ENOENT or -EIO. */
static int take_first(struct mongo *s, mongoc_cursor_t *cursor,
                      void (*take)(const bson_t *doc, void *ret), void *ret)
{
    const bson_t *doc;
    bson_error_t error;
    int r = -ENOENT;
    if (mongoc_cursor_next(cursor, &doc)) {
        take(doc, ret);
        r = 0;
    } else if (mongoc_cursor_error(cursor, &error)) {
        r = fail(s, &error);
    }
    mongoc_cursor_destroy(cursor);
    return r;
}

static void take_value(const bson_t *doc, void *ret)
{
    *(int64_t *)ret = (int64_t)get_number(doc, "value");
}

static void take_record(const bson_t *doc, void *ret)
{
    *(struct record *)ret = record_of(doc);
}

static void take_board(const bson_t *doc, void *ret)
{
    const char *key = get_key(doc);
    id_parse(key, strcspn(key, ":"), ret); /* the query gave no other */
}

/* ---- documents that are found by their _id --------------------------------------------------- */

/* The number in it. 0, -ENOENT or -EIO. */
static int read_value(struct mongo *s, mongoc_collection_t *all, const char *name, int64_t *ret)
{
    bson_t *filter = BCON_NEW("_id", BCON_UTF8(name));
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(all, filter, NULL, NULL);
    int r = take_first(s, cursor, take_value, ret);
    bson_destroy(filter);
    return r;
}

/* Puts the number there, if there is none yet. 0 or -EIO. */
static int put_value(struct mongo *s, mongoc_collection_t *all, const char *name, int64_t value)
{
    bson_error_t error;
    bson_t *mine = BCON_NEW("_id", BCON_UTF8(name), "value", BCON_INT64(value));
    bool written = mongoc_collection_insert_one(all, mine, NULL, NULL, &error);
    bson_destroy(mine);
    return written || error.code == CODE_DUPLICATE_KEY ? 0 : fail(s, &error);
}

/* Changes it as `update` says, which is destroyed. 0 or -EIO. */
static int change(struct mongo *s, mongoc_collection_t *all, const char *name, bson_t *update)
{
    bson_error_t error;
    bson_t *filter = BCON_NEW("_id", BCON_UTF8(name));
    bool done = mongoc_collection_update_one(all, filter, update, NULL, NULL, &error);
    bson_destroy(update);
    bson_destroy(filter);
    return done ? 0 : fail(s, &error);
}

/* ---- the marker ------------------------------------------------------------------------------ */

/* Whether the collection is the one that we opened: else -EIO, and the store is lost. */
static int check_marker(struct mongo *s)
{
    int64_t found = 0;
    int r = read_value(s, s->records, MARKER, &found);
    if (r == -EIO)
        return r;
    s->store.lost = r < 0 || found != s->marker;
    s->marker_seen_us = bson_get_monotonic_time();
    if (!s->store.lost)
        return 0;
    return store_fail(
        &s->store, -EIO,
        "MongoDB: the collection \"record\" is not the one that was opened, it was dropped"
        " or replaced: nothing is stored until it is back or this program is started"
        " again");
}

static int check_marker_if_due(struct mongo *s)
{
    bool due = bson_get_monotonic_time() - s->marker_seen_us >= MONGO_MARKER_MS * INT64_C(1000);
    return due || s->store.lost ? check_marker(s) : 0;
}

/* The first to open the collection puts it there. */
static int find_marker(struct mongo *s)
{
    int64_t number;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        abort();
    int r = put_value(s, s->records, MARKER, number);
    if (r == 0)
        r = read_value(s, s->records, MARKER, &s->marker);
    s->marker_seen_us = bson_get_monotonic_time();
    return r == -ENOENT ? store_fail(&s->store, -EIO, "MongoDB: the marker was not kept") : r;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The records of the board with low <= first <= high. The key says all; a server that finds no
 * range of keys by itself (tests/mongo) can have an index of (board, _id). */
static mongoc_cursor_t *find(struct mongo *s, const struct id *board, uint64_t low, uint64_t high,
                             const bson_t *opts)
{
    char low_key[KEY_CHARS + 1], high_key[KEY_CHARS + 1];
    make_key(low_key, board, low);
    make_key(high_key, board, high);
    bson_t *filter = BCON_NEW("board", BCON_UTF8(board->text), "_id", "{", "$gte",
                              BCON_UTF8(low_key), "$lte", BCON_UTF8(high_key), "}");
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(s->records, filter, opts, NULL);
    bson_destroy(filter);
    return cursor;
}

static int mongo_at(struct store *store, const struct id *board, uint64_t offset,
                    struct record *ret)
{
    struct mongo *s = (struct mongo *)store;
    if (s->store.lost && check_marker(s) < 0)
        return -EIO;
    bson_t *opts = BCON_NEW("sort", "{", "_id", BCON_INT32(-1), "}", "limit", BCON_INT64(1),
                            "projection", "{", "events", BCON_INT32(0), "}");
    mongoc_cursor_t *cursor = find(s, board, 0, offset, opts);
    bson_destroy(opts);
    int r = take_first(s, cursor, take_record, ret);
    if (r != -ENOENT)
        return r;
    return check_marker(s) < 0 ? -EIO : -ENOENT;
}

static int mongo_read(struct store *store, const struct id *board, uint64_t low, uint64_t high,
                      bool (*each)(void *owner, const struct record *record), void *owner)
{
    struct mongo *s = (struct mongo *)store;
    if (check_marker_if_due(s) < 0)
        return -EIO;
    bson_t *opts =
        BCON_NEW("sort", "{", "_id", BCON_INT32(1), "}", "batchSize", BCON_INT64(MONGO_READ_BATCH));
    mongoc_cursor_t *cursor = find(s, board, low, high, opts);
    bson_destroy(opts);
    const bson_t *doc;
    bson_error_t error;
    bool more = true;
    while (more && mongoc_cursor_next(cursor, &doc)) {
        struct record record = record_of(doc);
        more = each(owner, &record);
    }
    int r = mongoc_cursor_error(cursor, &error) ? fail(s, &error) : 0;
    mongoc_cursor_destroy(cursor);
    return r;
}

/* In the order of the keys, in which ':' comes before the letters, and behind the digits. */
static int mongo_next(struct store *store, const struct id *after, struct id *ret)
{
    struct mongo *s = (struct mongo *)store;
    char key[KEY_CHARS + 1];
    snprintf(key, sizeof key, id_empty(after) ? "0" : "%s:~", after->text);
    bson_t *filter =
        BCON_NEW("_id", "{", "$gt", BCON_UTF8(key), "$regex", BCON_UTF8(BOARD_KEY), "}");
    bson_t *opts = BCON_NEW("sort", "{", "_id", BCON_INT32(1), "}", "limit", BCON_INT64(1),
                            "projection", "{", "_id", BCON_INT32(1), "}");
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(s->records, filter, opts, NULL);
    int r = take_first(s, cursor, take_board, ret);
    bson_destroy(opts);
    bson_destroy(filter);
    return r;
}

/* ---- appending ------------------------------------------------------------------------------- */

static bool has_elements(const bson_t *reply, const char *array)
{
    bson_iter_t at, element;
    return bson_iter_init_find(&at, reply, array) && BSON_ITER_HOLDS_ARRAY(&at) &&
           bson_iter_recurse(&at, &element) && bson_iter_next(&element);
}

/* Which insert failed, and why. Returns how many did. */
static unsigned note_write_errors(const bson_t *reply, unsigned count, int *results)
{
    bson_iter_t at, element;
    unsigned noted = 0;
    if (!bson_iter_init_find(&at, reply, "writeErrors") || !bson_iter_recurse(&at, &element))
        return 0;
    while (bson_iter_next(&element)) {
        bson_iter_t index, code;
        if (!bson_iter_recurse(&element, &index) || !bson_iter_find(&index, "index") ||
            !bson_iter_recurse(&element, &code) || !bson_iter_find(&code, "code"))
            continue;
        int64_t i = bson_iter_as_int64(&index);
        if (i < 0 || i >= count)
            continue;
        results[i] = bson_iter_as_int64(&code) == CODE_DUPLICATE_KEY ? -EEXIST : -EIO;
        noted++;
    }
    return noted;
}

/* What has no error of its own is stored only if the server counts all of these as inserted, and a
 * majority has them. */
static void read_reply(const bson_t *reply, unsigned count, int *results)
{
    for (unsigned i = 0; i < count; i++)
        results[i] = 1;
    unsigned failed = note_write_errors(reply, count, results);
    bool sure = get_number(reply, "nInserted") == count - failed &&
                !has_elements(reply, "writeConcernErrors");
    for (unsigned i = 0; i < count; i++)
        if (results[i] == 1)
            results[i] = sure ? 0 : -EIO;
}

/* MongoDB quotes the keys that it refuses, and no log holds the whole id of a board. */
static void hide_boards(struct mongo *s, const struct record *records, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        size_t len = strlen(records[i].board.text);
        char *at = s->store.why;
        while (len && (at = strstr(at, records[i].board.text)))
            memset(at, '*', len);
    }
}

static int all_unknown(unsigned count, int *ret_results)
{
    for (unsigned i = 0; i < count; i++)
        ret_results[i] = -EIO;
    return -EIO;
}

static int mongo_append(struct store *store, const struct record *records, unsigned count,
                        int *ret_results)
{
    struct mongo *s = (struct mongo *)store;
    if (s->store.lost && check_marker(s) < 0)
        return all_unknown(count, ret_results);
    bson_t *opts = BCON_NEW("ordered", BCON_BOOL(false));
    mongoc_bulk_operation_t *bulk =
        mongoc_collection_create_bulk_operation_with_opts(s->records, opts);
    bson_destroy(opts);
    bson_error_t error = {0};
    bson_t reply;
    for (unsigned i = 0; i < count; i++) {
        bson_t *doc = document_of(&records[i]);
        mongoc_bulk_operation_insert(bulk, doc);
        bson_destroy(doc);
    }
    mongoc_bulk_operation_execute(bulk, &reply, &error);
    read_reply(&reply, count, ret_results);
    bson_destroy(&reply);
    mongoc_bulk_operation_destroy(bulk);
    int r = store_result(ret_results, count);
    if (r == -EIO)
        fail(s, &error);
    else if (check_marker_if_due(s) < 0)
        r = all_unknown(count, ret_results);
    hide_boards(s, records, count);
    return r;
}

/* ---- erasing --------------------------------------------------------------------------------- */

/* The newest of the records below `below` that one step erases: 0 with its key, which is the
 * caller's to free; -ENOENT: there are none. */
static int measure_step(struct mongo *s, const struct id *board, uint64_t below, char **ret_last)
{
    bson_t *opts =
        BCON_NEW("sort", "{", "_id", BCON_INT32(1), "}", "limit", BCON_INT64(MONGO_ERASE_RECORDS),
                 "projection", "{", "_id", BCON_INT32(1), "}");
    mongoc_cursor_t *cursor = find(s, board, 0, below - 1, opts);
    bson_destroy(opts);
    const bson_t *doc;
    bson_error_t error;
    char *last = NULL;
    while (mongoc_cursor_next(cursor, &doc)) {
        bson_free(last);
        last = bson_strdup(get_key(doc));
    }
    int r = mongoc_cursor_error(cursor, &error) ? fail(s, &error) : last ? 0 : -ENOENT;
    if (r == 0)
        *ret_last = last;
    else
        bson_free(last);
    mongoc_cursor_destroy(cursor);
    return r;
}

/* How many were removed, or -EIO. */
static int erase_upto(struct mongo *s, const struct id *board, const char *last)
{
    char low_key[KEY_CHARS + 1];
    make_key(low_key, board, 0);
    bson_t *filter = BCON_NEW("_id", "{", "$gte", BCON_UTF8(low_key), "$lte", BCON_UTF8(last), "}");
    bson_error_t error;
    bson_t reply;
    bool done = mongoc_collection_delete_many(s->records, filter, NULL, &reply, &error);
    int r = done ? (int)get_number(&reply, "deletedCount") : fail(s, &error);
    bson_destroy(&reply);
    bson_destroy(filter);
    return r == 0 ? 1 : r; /* another service was quicker: there is more to do all the same */
}

static int bare(struct mongo *s, const struct id *board, uint64_t first)
{
    char key[KEY_CHARS + 1];
    make_key(key, board, first);
    bson_t *update = BCON_NEW(
        "$set", "{", "events", BCON_BIN(BSON_SUBTYPE_BINARY, (const uint8_t *)"", 0), "holder",
        BCON_UTF8(""), "instance", BCON_INT64(0), "term", BCON_INT64(0), "cseq", BCON_INT64(0),
        "base", BCON_INT64(0), "flags", BCON_INT64(RECORD_DELETED | RECORD_ERASED), "}", "$unset",
        "{", "state", BCON_INT32(1), "}");
    return change(s, s->records, key, update) < 0 ? -EIO : 1;
}

static int mongo_erase(struct store *store, const struct id *board, uint64_t tombstone)
{
    struct mongo *s = (struct mongo *)store;
    char *last;
    int r = measure_step(s, board, tombstone, &last);
    if (r == -ENOENT)
        return bare(s, board, tombstone);
    if (r < 0)
        return r;
    r = erase_upto(s, board, last);
    bson_free(last);
    return r;
}

/* ---- opening --------------------------------------------------------------------------------- */

static void mongo_close(struct store *store)
{
    struct mongo *s = (struct mongo *)store;
    mongoc_collection_destroy(s->records);
    mongoc_collection_destroy(s->settings);
    if (s->client)
        mongoc_client_pool_push(s->pool, s->client);
    mongoc_client_pool_destroy(s->pool);
    free(s);
}

/* What the URL says wins, but for what makes a stored record safe. */
static void set_options(mongoc_uri_t *uri)
{
    const struct {
        const char *name;
        int32_t value;
    } times[] = {
        {MONGOC_URI_SERVERSELECTIONTIMEOUTMS, MONGO_CONNECT_MS},
        {MONGOC_URI_CONNECTTIMEOUTMS, MONGO_CONNECT_MS},
        {MONGOC_URI_SOCKETTIMEOUTMS, MONGO_SOCKET_MS},
        {MONGOC_URI_HEARTBEATFREQUENCYMS, MONGO_HEARTBEAT_MS},
    };
    for (unsigned i = 0; i < sizeof times / sizeof *times; i++)
        if (!mongoc_uri_has_option(uri, times[i].name))
            mongoc_uri_set_option_as_int32(uri, times[i].name, times[i].value);
    mongoc_write_concern_t *write = mongoc_write_concern_new();
    mongoc_write_concern_set_wmajority(write, MONGO_WRITE_CONCERN_MS);
    mongoc_write_concern_set_journal(write, true);
    mongoc_uri_set_write_concern(uri, write);
    mongoc_write_concern_destroy(write);
    mongoc_read_concern_t *read = mongoc_read_concern_new();
    mongoc_read_concern_set_level(read, MONGOC_READ_CONCERN_LEVEL_MAJORITY);
    mongoc_uri_set_read_concern(uri, read);
    mongoc_read_concern_destroy(read);
    mongoc_read_prefs_t *prefs = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);
    mongoc_uri_set_read_prefs_t(uri, prefs);
    mongoc_read_prefs_destroy(prefs);
    mongoc_uri_set_appname(uri, "easel-history");
}

/* libmongoc would take the missing password for a string, and crash. */
static bool lacks_password(const mongoc_uri_t *uri)
{
    const char *how = mongoc_uri_get_auth_mechanism(uri);
    return mongoc_uri_get_username(uri) && !mongoc_uri_get_password(uri) &&
           (!how || strncmp(how, "SCRAM", 5) == 0);
}

/* `text` is the address taken apart. NULL, or what is wrong. */
static const char *set_credentials(mongoc_uri_t *uri, const struct store_address *address,
                                   const struct address_text *text)
{
    const char *password = *address->password ? address->password : text->password;
    if ((*address->user && !mongoc_uri_set_username(uri, address->user)) ||
        (password && !mongoc_uri_set_password(uri, password)))
        return "user and password must be UTF-8";
    return lacks_password(uri) ? "there is a user, but no password" : NULL;
}

static mongoc_uri_t *make_uri(struct mongo *s, const struct store_address *address)
{
    bson_error_t error;
    struct address_text text;
    mongoc_uri_t *uri = NULL;
    const char *wrong = NULL;
    if (address_open(address->url, &text) < 0)
        wrong = address_check(address->url);
    else if (!(uri = mongoc_uri_new_with_error(text.url, &error)))
        wrong = error.message;
    else
        wrong = set_credentials(uri, address, &text);
    address_close(&text);
    if (wrong) {
        store_fail(&s->store, -EINVAL, "MongoDB: %s", wrong);
        mongoc_uri_destroy(uri); /* or NULL */
        return NULL;
    }
    set_options(uri);
    return uri;
}

static int connect_to(struct mongo *s, const struct store_address *address)
{
    bson_error_t error;
    mongoc_uri_t *uri = make_uri(s, address);
    if (!uri)
        return -EINVAL;
    s->pool = mongoc_client_pool_new_with_error(uri, &error);
    if (s->pool) {
        mongoc_client_pool_set_error_api(s->pool, MONGOC_ERROR_API_VERSION_2);
        const char *database = mongoc_uri_get_database(uri);
        database = database ? database : DATABASE;
        s->client = mongoc_client_pool_pop(s->pool);
        s->records = mongoc_client_get_collection(s->client, database, "record");
        s->settings = mongoc_client_get_collection(s->client, database, "setting");
    }
    mongoc_uri_destroy(uri);
    return s->pool ? 0 : fail(s, &error);
}

static int mongo_setting(struct store *store, const char *name, uint64_t value, bool anew,
                         uint64_t *ret)
{
    struct mongo *s = (struct mongo *)store;
    int64_t number = (int64_t)value;
    int r =
        anew ? change(s, s->settings, name, BCON_NEW("$set", "{", "value", BCON_INT64(number), "}"))
             : put_value(s, s->settings, name, number);
    if (r == 0)
        r = read_value(s, s->settings, name, &number);
    if (r == 0)
        *ret = (uint64_t)number;
    return r == -ENOENT ? store_fail(store, -EIO, "MongoDB: a setting was not kept") : r;
}

static int mongo_open(const struct store_address *address, struct store **ret)
{
    mongoc_init();
    mongoc_log_set_handler(NULL, NULL); /* our own log says what failed */
    struct mongo *s = xcalloc(1, sizeof *s);
    s->store.kind = &STORE_MONGO;
    *ret = &s->store;
    int r = connect_to(s, address);
    return r < 0 ? r : find_marker(s);
}

const struct store_kind STORE_MONGO = {
    .scheme = "mongodb",
    .open = mongo_open,
    .close = mongo_close,
    .setting = mongo_setting,
    .at = mongo_at,
    .append = mongo_append,
    .read = mongo_read,
    .next = mongo_next,
    .erase = mongo_erase,
};
