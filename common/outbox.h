/* SPDX-License-Identifier: Apache-2.0
 *
 * What a core wants to send through the broker: one buffer per destination, sent as few messages.
 * Pure: no I/O, no clock of its own.
 *
 * The first at once, the rest together: if nothing went to a destination within the pace interval,
 * what was put for it is due at the end of this turn, else when the interval has passed. All
 * messages together keep within `messages_per_s_max`: when that is used up, destinations take
 * turns, so that the interval grows with the number of busy ones. Order per destination is kept.
 *
 * The routing key is "<destination>.<board>" when all items of the message are of one board, else
 * "<destination>.many". Destinations are the id of a process, "all" (every gateway), "s07" (a
 * shard), or "" (fanout and replay).
 */
#ifndef EASEL_OUTBOX_H
#define EASEL_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"
#include "metrics.h"

enum exchange {
    EXCHANGE_BOARD,   /* easel.board, topic, mandatory */
    EXCHANGE_GATEWAY, /* easel.gateway, topic */
    EXCHANGE_HISTORY, /* easel.history, topic; mandatory when it is for a process */
    EXCHANGE_REPLAY,  /* easel.replay: the default exchange's queue of that name */
    EXCHANGE_PEERS,   /* easel.peers, fanout */
    EXCHANGE_COUNT
};

struct outbox_config {
    struct id self;              /* sender of every envelope */
    uint32_t pace_ms;            /* 0: every turn */
    uint32_t messages_per_s_max; /* over all destinations; 0: no budget */
};

struct outbox;

struct outbox *outbox_create(const struct outbox_config *config);
void outbox_destroy(struct outbox *o);

/* The destination of a shard: "s07". */
struct id shard_destination(unsigned shard);

/* Adds one item. `board` may be NULL (the item is of no board). Returns 0, -ENOBUFS (dropped;
 * whoever sent it repeats), or -EMSGSIZE: with its envelope it is too long for a message. */
int outbox_put(struct outbox *o, enum exchange exchange, const struct id *destination,
               const struct id *board, const struct message_type *type, const void *message);

/* The same for an item that may be lost, like a pointer's place. It never delays others: a message
 * with nothing else in it starts no pace, and uses no more than half of the budget; what comes
 * short is dropped. It joins the message that waits, and -ENOBUFS when that is full. */
int outbox_offer(struct outbox *o, enum exchange exchange, const struct id *destination,
                 const struct id *board, const struct message_type *type, const void *message);

/* Makes what is there for that destination due at once (grants do this). */
void outbox_flush(struct outbox *o, enum exchange exchange, const struct id *destination);
/* All that is there is due at once, for who leaves. */
void outbox_flush_all(struct outbox *o);

struct outbox_message {
    enum exchange exchange;
    char key[40];
    struct span body; /* borrowed until the next outbox_* call */
    bool mandatory;   /* to a board service or a history process: comes back if it has no queue */
};

/* The next message that is due at `now_ms`; false when there is none. */
bool outbox_next(struct outbox *o, uint64_t now_ms, struct outbox_message *ret);

/* When the next message falls due; UINT64_MAX: none waits. */
uint64_t outbox_deadline(const struct outbox *o);

/* Forgets all that waits, for when the link is down: hops repeat what they miss. */
void outbox_clear(struct outbox *o);

struct outbox_stats {
    uint64_t items, messages, dropped; /* since the start */
    uint64_t offers_dropped;
    struct histogram batch;               /* items in the messages that left */
    uint64_t waiting_bytes, destinations; /* now */
};
const struct outbox_stats *outbox_stats(const struct outbox *o);

#endif
