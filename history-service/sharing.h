/* SPDX-License-Identifier: Apache-2.0
 *
 * Which shards this history service has: it beats, hears the other ones, tries their queues, and
 * takes the shards that are its own by that. All this only steers traffic; the store's unique key
 * decides. Pure: what it says goes to the core's outbox.
 */
#ifndef EASEL_HISTORY_SHARING_H
#define EASEL_HISTORY_SHARING_H

#include "outbox.h"

struct sharing;

/* `out` is borrowed. */
struct sharing *sharing_create(const struct id *self, unsigned shards, struct outbox *out,
                               uint64_t now_ms);
void sharing_destroy(struct sharing *s);

/* The store is open: heartbeats tell which it is. */
void sharing_incarnation(struct sharing *s, uint64_t incarnation);
void sharing_link(struct sharing *s, uint64_t now_ms, bool up);
/* A message of easel.peers, or straight to us. What is not understood is counted and skipped. */
void sharing_message(struct sharing *s, uint64_t now_ms, struct span body);
/* A mandatory message of ours, with that key, reached no queue. */
void sharing_returned(struct sharing *s, uint64_t now_ms, const char *key);
/* Does what time brings; call it at the deadline, and after each turn with messages. */
void sharing_tick(struct sharing *s, uint64_t now_ms);
uint64_t sharing_deadline(const struct sharing *s); /* UINT64_MAX: none */

/* Whether the shard's queue is to be consumed here. */
bool sharing_wants(const struct sharing *s, unsigned shard);

/* No shard is ours any more, and we beat no more. */
void sharing_leave(struct sharing *s);
void sharing_goodbye(struct sharing *s); /* the last word */

unsigned sharing_replicas(const struct sharing *s); /* that count as alive */
uint64_t sharing_bad_messages(const struct sharing *s);

#endif
