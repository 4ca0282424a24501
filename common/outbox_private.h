/* SPDX-License-Identifier: Apache-2.0
 *
 * An outbox as it is kept, and looked at.
 *
 *   outbox.c             puts in and takes out
 *   common_invariants.c  what is true after each call
 */
#ifndef EASEL_OUTBOX_PRIVATE_H
#define EASEL_OUTBOX_PRIVATE_H

#include <sys/queue.h>

#include "idmap.h"
#include "outbox.h"

/* One broker message: its envelope and its items. */
struct part {
    size_t len;
    unsigned items;
    struct id board;
    bool many;
};

struct destination {
    enum exchange exchange;
    struct id id;
    struct buf bytes; /* of all parts */
    struct part *parts;
    size_t part_count, part_cap;
    size_t taken, taken_bytes; /* parts that outbox_next gave out */
    bool sent;                 /* last_ms counts */
    bool flush;
    bool has_items, sent_items; /* not only offers: in what waits, in the last message */
    uint64_t last_ms;
    TAILQ_ENTRY(destination) queue; /* outbox.waiting or outbox.idle */
};

TAILQ_HEAD(queue, destination);

struct outbox {
    struct outbox_config config;
    struct buf envelope, item;
    struct idmap destinations[EXCHANGE_COUNT]; /* by id */
    struct queue waiting, idle;
    uint64_t tokens, tokens_ms; /* thousandths of a message, at that time */
    uint64_t held_until_ms;     /* the allowance ran out */
    struct outbox_stats stats;
};

void outbox_invariants(const struct outbox *o);

#endif
