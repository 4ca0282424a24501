/* SPDX-License-Identifier: Apache-2.0
 *
 * The link to the broker: a publishing and a consuming connection, each in a thread of its own
 * behind bounded queues, so that a blocked, frozen or dead broker never blocks the event loop.
 * All callbacks run on the loop's thread. The link reconnects by itself, with backoff, and declares
 * at every connect all exchanges and the queues and bindings that this process uses.
 *
 * A connection that is there may carry nothing, in one direction or in both, and neither TCP nor
 * the heartbeats of AMQP tell soon. So a pulse goes round all the time: out by the one connection,
 * through the broker, back by the other. A link whose pulse does not come back is silent, and then
 * down.
 *
 * Nothing is promised because it was published: every hop of Easel repeats until it hears back.
 */
#ifndef EASEL_LINK_H
#define EASEL_LINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "config.h"
#include "outbox.h"

struct link;

struct link_delivery {
    uint64_t tag; /* for link_done; 0 for the exclusive queue, which needs none */
    int shard;    /* >= 0: came from queue history.<shard>; -1 otherwise */
    struct span body;
};

struct link_events {
    /* Up: both connections are, and the broker has no alarm (or no longer). At each time all
     * bindings are in place; `shard` is called right afterwards for those that are new. Down:
     * called again when it stays down for another reason. See link_trouble. */
    void (*state)(void *owner, bool up);
    /* While it is up: for LINK_SILENT_MS nothing has come back from the broker (or it does again).
     * What stays silent for longer goes down and connects anew. May be NULL. */
    void (*silent)(void *owner, bool silent);
    /* One message; borrowed during the call. */
    void (*message)(void *owner, const struct link_delivery *delivery);
    /* A mandatory message reached no queue. key as published. */
    void (*returned)(void *owner, enum exchange exchange, const char *key, struct span body);
    /* What link_bind or link_consume asked for is in force (or no longer is). */
    void (*shard)(void *owner, unsigned shard, bool held);
};

struct link_config {
    struct broker_address broker; /* its texts must outlive the link */
    struct id self;
    unsigned shards;
    /* What the exclusive queue hears; its keys are "<self>.#" on the one exchange of its kind. */
    bool hears_board;   /* easel.board: self, and the shards of link_bind */
    bool hears_gateway; /* easel.gateway: self and all */
    bool hears_history; /* easel.history: self */
    bool hears_peers;   /* easel.peers */
    bool serves_replay; /* consumes the shared queue easel.replay */
    bool quorum;        /* history.<shard> queues are quorum queues (a broker cluster) */
    unsigned prefetch;  /* per consumed shared queue; 0: QUEUE_PREFETCH */
};

int link_create(uv_loop_t *loop, const struct link_config *config, const struct link_events *events,
                void *owner, struct link **ret);

/* Queues one message (copied). 0, -ENOTCONN while down, -ENOBUFS at the limit: dropped, counted. */
int link_publish(struct link *l, const struct outbox_message *message);

/* Both may be asked for what is asked for already: that costs nothing.
 * Board service: the exclusive queue hears (no longer hears) "<shard>.#" of easel.board. */
void link_bind(struct link *l, unsigned shard, bool wanted);
/* History service: consumes (lets go, by closing its channel) the queue history.<shard>. */
void link_consume(struct link *l, unsigned shard, bool wanted);
/* The delivery with that tag is dealt with, whatever the outcome. */
void link_done(struct link *l, uint64_t tag);

/* Why it is not, in one line ("" if unknown); valid until the next call. */
const char *link_trouble(struct link *l);

/* What the link is, and has done. Its threads count on. */
struct link_stats {
    bool up, was_up; /* was: now or earlier */
    _Atomic uint64_t published, publish_bytes, dropped, returned, received, receive_bytes, connects;
    _Atomic uint64_t out_bytes, in_bytes; /* waiting now */
    atomic_bool blocked;                  /* the broker has an alarm */
    bool silent;                          /* see link_events */
};
const struct link_stats *link_stats(const struct link *l);

/* Publishes what waits (at most `timeout_ms`), closes, joins the threads. No callback after it; not
 * to be called from one. Run the loop once more afterwards. */
void link_destroy(struct link *l, unsigned timeout_ms);

#endif
