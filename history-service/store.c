/* SPDX-License-Identifier: Apache-2.0 */
#include "store_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"

static const struct store_kind *const KINDS[] = {&STORE_SQLITE, &STORE_MONGO};

static const struct store_kind *kind_of(const char *url)
{
    for (unsigned i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (strncmp(url, KINDS[i]->scheme, strlen(KINDS[i]->scheme)) == 0)
            return KINDS[i];
    return NULL;
}

static int check_shards(struct store *s, unsigned shards)
{
    uint64_t stored = 0;
    int r = s->kind->setting(s, "shards", shards, false, &stored);
    if (r < 0 || stored == shards)
        return r;
    return store_fail(s, -EINVAL, "the store was made with EASEL_SHARDS=%llu, and now it is %u",
                      (unsigned long long)stored, shards);
}

/* What we write, programs that know schema 1 can read. */
static int check_schema(struct store *s)
{
    uint64_t stored = 0;
    int r = s->kind->setting(s, "schema", STORE_SCHEMA_WRITTEN, false, &stored);
    if (r < 0 || stored <= STORE_SCHEMA)
        return r;
    return store_fail(s, -EINVAL,
                      "the store has schema %llu, and this program knows none above %u: start the"
                      " release that has used the store before, or a later one",
                      (unsigned long long)stored, STORE_SCHEMA);
}

static uint64_t random_number(void)
{
    uint32_t number = 0;
    while (number == 0)
        if (getrandom(&number, sizeof number, 0) != sizeof number)
            abort();
    return number;
}

int store_open(const struct store_address *address, unsigned shards, struct store **ret,
               const char **ret_why)
{
    static _Thread_local char why[TROUBLE_BYTES];
    const struct store_kind *kind = kind_of(address->url);
    if (!kind) {
        *ret_why = "there is no such kind of store: it is sqlite:PATH or mongodb://...";
        return -ENOTSUP;
    }
    struct store *s = NULL;
    int r = kind->open(address, &s);
    if (r == 0)
        r = check_schema(s);
    if (r == 0)
        r = check_shards(s, shards);
    if (r == 0)
        r = kind->setting(s, "incarnation", random_number(), false, &s->incarnation);
    snprintf(why, sizeof why, "%s", s->why);
    *ret_why = why;
    if (r == 0)
        *ret = s;
    else
        kind->close(s);
    return r;
}

void store_close(struct store *s)
{
    if (s)
        s->kind->close(s);
}

uint64_t store_incarnation(const struct store *s)
{
    return s->incarnation;
}

int store_renew(struct store *s)
{
    return s->kind->setting(s, "incarnation", random_number(), true, &s->incarnation);
}

const char *store_why(const struct store *s)
{
    return s->why;
}

static int check(struct store *s, const struct id *board, const struct record *r)
{
    if (record_is_sound(r))
        return 0;
    return store_fail(s, -EBADMSG, "a record of board %s has numbers that cannot be: first %lld",
                      log_board(board), (long long)r->first);
}

/* As the kind's, but what it gives is sound. */
static int at(struct store *s, const struct id *board, uint64_t offset, struct record *ret)
{
    struct record r;
    int error = s->kind->at(s, board, offset, &r);
    if (error == 0)
        error = check(s, board, &r);
    if (error == 0)
        *ret = r;
    return error;
}

int store_last(struct store *s, const struct id *board, struct record *ret)
{
    return at(s, board, OFFSET_MAX, ret);
}

int store_append(struct store *s, const struct record *records, unsigned count, int *ret_results)
{
    return count ? s->kind->append(s, records, count, ret_results) : 0;
}

struct reader {
    struct store *store;
    const struct id *board;
    bool (*each)(void *owner, const struct record *record);
    void *owner;
    int error;
};

static bool give(void *owner, const struct record *record)
{
    struct reader *reader = owner;
    reader->error = check(reader->store, reader->board, record);
    return reader->error == 0 && reader->each(reader->owner, record);
}

int store_read(struct store *s, const struct id *board, uint64_t from, uint64_t to,
               bool (*each)(void *owner, const struct record *record), void *owner)
{
    struct reader reader = {s, board, each, owner, 0};
    struct record first = {.first = 1};
    int r = from > 1 ? at(s, board, from, &first) : 0;
    if (r == -ENOENT || (r == 0 && from > 1 && record_last(&first) < from))
        return 0;
    if (r == 0)
        r = s->kind->read(s, board, first.first, to, give, &reader);
    return r < 0 ? r : reader.error;
}

/* Times never go back and offsets have no holes: so a search by halves, in some twenty look-ups,
 * and no index by time that each append would have to pay for. A record that does not hold the
 * offset would leave us where we are, for ever. */
int store_find_time(struct store *s, const struct id *board, uint64_t time, uint64_t *ret_first)
{
    struct record r;
    int error = store_last(s, board, &r);
    if (error < 0)
        return error;
    if (r.time < time)
        return -ENOENT;
    uint64_t low = 1, high = r.first; /* the record at high is late enough, those below low not */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        error = at(s, board, middle, &r);
        if (error < 0 && error != -ENOENT)
            return error;
        if (error == -ENOENT || record_last(&r) < middle)
            return store_fail(s, -EIO, "the log of board %s has a hole", log_board(board));
        if (r.time >= time)
            high = r.first;
        else
            low = record_last(&r) + 1;
    }
    *ret_first = high;
    return 0;
}

int store_next_board(struct store *s, const struct id *after, struct id *ret)
{
    return s->kind->next(s, after, ret);
}

int store_erase(struct store *s, const struct id *board)
{
    struct record last;
    int r = store_last(s, board, &last);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (!record_is_tombstone(&last) || last.flags & RECORD_ERASED)
        return 0;
    return s->kind->erase(s, board, last.first);
}

int store_tidy(struct store *s)
{
    return s->kind->tidy ? s->kind->tidy(s) : 0;
}

bool store_lost(const struct store *s)
{
    return s->lost;
}
