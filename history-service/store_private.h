/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the store share, first of all what a kind of store must do. They stand in
 * floors: each calls what is below it, and none of its own floor.
 *
 *   store.c         opening with its checks, and the way to the kind
 *   store_mongo.c   MongoDB
 *   store_sqlite.c  SQLite
 *   store_kind.c    what both kinds have in common
 *
 * Below them, and without this header: store_files.c.
 */
#ifndef EASEL_STORE_PRIVATE_H
#define EASEL_STORE_PRIVATE_H

#include "store.h"

struct store_kind {
    const char *scheme; /* the URL's, with its colon */
    /* As store_open. The store is to begin with a struct store, and keeps its errors in `why`. On
     * failure a store that was allocated is given all the same, for its `why`, and then closed. */
    int (*open)(const struct store_address *address, struct store **ret);
    void (*close)(struct store *s);
    /* A number that the store keeps by that name: `value`, if it had none yet, or if it is to
     * `change`. 0 or -EIO. */
    int (*setting)(struct store *s, const char *name, uint64_t value, bool change, uint64_t *ret);
    /* The record with the largest `first` that is not above `offset`, without its events. 0,
     * -ENOENT or -EIO. */
    int (*at)(struct store *s, const struct id *board, uint64_t offset, struct record *ret);
    int (*append)(struct store *s, const struct record *records, unsigned count, int *ret_results);
    /* The records with `first` in low .. high. */
    int (*read)(struct store *s, const struct id *board, uint64_t low, uint64_t high,
                bool (*each)(void *owner, const struct record *record), void *owner);
    /* Some board behind `after` (empty: the first of all), in an order that stays, without what is
     * no id. 0, -ENOENT or -EIO. */
    int (*next)(struct store *s, const struct id *after, struct id *ret);
    /* One step of store_erase for a board whose tombstone, not erased yet, has that `first`. */
    int (*erase)(struct store *s, const struct id *board, uint64_t tombstone);
    int (*tidy)(struct store *s); /* as store_tidy; NULL: nothing to do */
};

extern const struct store_kind STORE_SQLITE, STORE_MONGO;

struct store {
    const struct store_kind *kind;
    char why[TROUBLE_BYTES];
    bool lost;
    uint64_t incarnation;
};

/* A record as a row of columns, beside the bytes of its state and its events. Holder to base, and
 * the stroke under way in the flags from APPEND_STROKE_SHIFT on, are the state as schema 1 has it:
 * for the release before. */
#define STORE_COLUMNS(ID, NUMBER)                                                                  \
    ID(board)                                                                                      \
    NUMBER(first)                                                                                  \
    NUMBER(count)                                                                                  \
    NUMBER(epoch)                                                                                  \
    ID(opener)                                                                                     \
    NUMBER(nonce)                                                                                  \
    ID(holder) NUMBER(instance) NUMBER(term) NUMBER(cseq) NUMBER(base) NUMBER(time) NUMBER(flags)

struct store_row {
#define ID_MEMBER(name)     struct id name;
#define NUMBER_MEMBER(name) uint64_t name;
    STORE_COLUMNS(ID_MEMBER, NUMBER_MEMBER)
    struct span state, events;
};
/* Borrows the bytes from the record. */
struct store_row store_row_of(const struct record *r);
/* Borrows the events from the row. The state is that of the bytes, or if there are none of the
 * columns. What cannot be makes the record unsound. */
struct record store_record_of(const struct store_row *row);

/* Notes the sentence and returns `r`. */
int store_fail(struct store *s, int r, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What the results of an append amount to. */
int store_result(const int *results, unsigned count);

#endif
