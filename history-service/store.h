/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the stored log lives. Two implementations behind one test suite: store_sqlite.c
 * ("sqlite:PATH") and store_mongo.c ("mongodb://..."). A store is used by one thread at a time; a
 * program opens one for each thread. Calls block, each for a bounded time.
 */
#ifndef EASEL_STORE_H
#define EASEL_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "log_state.h"
#include "messages.h"

/* Events first .. first + count - 1. Unique on (board, first). */
struct record {
    struct id board;
    uint64_t first;
    uint32_t count;
    uint64_t epoch;           /* 0: the record of the created event */
    struct id opener;         /* of the epoch, */
    uint64_t nonce;           /* by that question (of the created event: by that) */
    uint64_t time;            /* of the last event */
    unsigned flags;           /* enum record_flag */
    struct state_bytes state; /* after the last event; of an open: before it (log_state.h) */
    struct span events;       /* whoever passes the record owns the bytes */
};

/* What a record is, beside its events. Of an open: what the record before it was. */
enum record_flag {
    RECORD_RELEASED = APPEND_RELEASED, /* the last event is released, */
    RECORD_DELETED = APPEND_DELETED,   /* or deleted */
    RECORD_ERASED = 4,                 /* a tombstone: nothing is left of the board but this */
};

static inline uint64_t record_last(const struct record *r)
{
    return r->first + r->count - 1;
}

/* A deleted board: its id is never used again. */
static inline bool record_is_tombstone(const struct record *r)
{
    return r->first != r->epoch && r->flags & RECORD_DELETED;
}

/* Its numbers are within the bounds of the messages that carry them, with room for those that
 * follow. Each record that a store gives is: a row that somebody broke must not end us. */
static inline bool record_is_sound(const struct record *r)
{
    struct log_state state;
    return r->first >= 1 && r->count >= 1 && r->first <= OFFSET_MAX - 2 * (uint64_t)UINT32_MAX &&
           r->epoch <= OFFSET_MAX && r->nonce <= OFFSET_MAX && r->time <= OFFSET_MAX &&
           log_state_unpack(state_span(&r->state), record_last(r), &state) == 0;
}

struct store;

/* Texts that are not given are empty. */
struct store_address {
    const char *url;
    const char *user, *password; /* of MongoDB; win over those in the URL; without any encoding */
};

/* How records are kept. A store says which schema a program must know to use it; we know all up to
 * the first of these, and what we write is read by who knows the second:
 *
 *   1  the state of a record in columns of its own: holder, instance, term, cseq, base, and the
 *      stroke under way in the flags
 *   2  in bytes, and in these columns as well for programs that know schema 1
 *
 * Records of schema 1 are read as they are, for ever: nothing has to be converted. */
#define STORE_SCHEMA         2u
#define STORE_SCHEMA_WRITTEN 1u

/* Opens (and sets up) the store. `shards` is written at the first start of all; later another
 * number gives -EINVAL, and so does a schema that we do not know. `ret_why` is then, and on every
 * other error, a sentence for the log, valid until the next call; empty, or something worth a
 * warning, when all is well. -ENOTSUP: no such kind of store. */
int store_open(const struct store_address *address, unsigned shards, struct store **ret,
               const char **ret_why);
void store_close(struct store *s);
/* A random number, 1..UINT32_MAX, that the store got when it was made; and since then, when a
 * backup was restored into it. */
uint64_t store_incarnation(const struct store *s);
/* Gives it another one: a backup was restored. Who has it open does not learn of it. 0 or -EIO. */
int store_renew(struct store *s);

/* The last record of a board (events are not read); -ENOENT: it has none. -EIO: the database
 * cannot be asked now. -EBADMSG: it is broken (record_is_sound). */
int store_last(struct store *s, const struct id *board, struct record *ret);

/* Inserts records, at most one per board. ret_results[i]: 0 stored (durably, by a majority),
 * -EEXIST the key is taken (this decides nothing: read again), -EIO unknown: it may be there or
 * not. Returns 0 when every result is 0, else -EIO or -EEXIST. */
int store_append(struct store *s, const struct record *records, unsigned count, int *ret_results);

/* Calls `each` for the records that hold offsets from .. to, in order, until it returns false. The
 * record is borrowed during the call. 0 or -EIO; -EBADMSG: the next one is broken. */
int store_read(struct store *s, const struct id *board, uint64_t from, uint64_t to,
               bool (*each)(void *owner, const struct record *record), void *owner);

/* The `first` of the earliest record whose last event's time is >= time; -ENOENT: none; -EIO: or
 * there is a hole in the log, as while it is erased; -EBADMSG: a record on the way is broken. */
int store_find_time(struct store *s, const struct id *board, uint64_t time, uint64_t *ret_first);

/* The board behind `after` (empty: the first), in an order that stays; -ENOENT: no more; -EIO. */
int store_next_board(struct store *s, const struct id *after, struct id *ret);

/* One bounded step of erasing what a deleted board had: its records, oldest first, and at the end
 * what is in the tombstone beside its key and flags (then RECORD_ERASED). How many records that
 * were; 0: nothing is left, or the board is not deleted; -EIO, -EBADMSG. It may be stopped at any
 * time, and go on in another process, or in several. */
int store_erase(struct store *s, const struct id *board);
/* One bounded step of giving back the room of what was erased, so that none of it is left in any
 * file. 1: there is more to do, some of it perhaps only a little later; 0: all is done; -EIO. */
int store_tidy(struct store *s);

const char *store_why(const struct store *s); /* the newest error, a sentence */
/* That is: the store is not what was opened. It was removed, or another is in its place. Nothing is
 * read from it or written to it until it is back, or is opened again, which is for people to
 * decide: others may still hold what is newer than a store that was put there. */
bool store_lost(const struct store *s);

#endif
