/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is alive, and so who has which shard. Pure.
 *
 * A table of replicas of one kind (the first letter of their ids), fed with what came over
 * easel.peers. A newcomer counts after two heartbeat intervals, and so do we ourselves, from our
 * first `up` on: whom we hear until then was here before us and counts at once. (Else each start
 * would take all boards from the others and give them back.) A departure counts at once: it said
 * goodbye, its queue is gone, or it was silent for a second, in which our own heartbeats came back
 * to us. So while the broker is down or stands still nobody is silent, and boards do not move. All
 * this only steers traffic: being wrong costs time, never data.
 *
 * Anybody can say that somebody is alive, or gone [D35]. What counts is whether there is a queue:
 * whoever is new, and whoever is said to be gone, is sent a direct mandatory message, a probe. When
 * it comes back, the replica is gone, and is not listened to for a while.
 */
#ifndef EASEL_PEERS_H
#define EASEL_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "id.h"

struct peers;

/* `self` counts from PEER_HEARTBEAT_MS * 2 after the first peers_link(up) until peers_leave. */
struct peers *peers_create(const struct id *self, uint64_t now_ms);
void peers_destroy(struct peers *p);

/* Each returns true when the set of those who count may have changed. What comes over easel.peers
 * goes to peers_alive whoever sent it: our own heartbeats too. */
bool peers_alive(struct peers *p, uint64_t now_ms, const struct id *replica);
bool peers_gone(struct peers *p, const struct id *replica); /* it said goodbye */
/* A message to it came back: its queue is gone. */
bool peers_returned(struct peers *p, uint64_t now_ms, const struct id *replica);
bool peers_tick(struct peers *p, uint64_t now_ms);
/* A refusal named `replica`: if we do not hear it, it counts as alive until then all the same. Whom
 * we hear needs no trust: when it falls silent, it is gone. */
bool peers_trust(struct peers *p, uint64_t now_ms, const struct id *replica, uint64_t until_ms);
bool peers_leave(struct peers *p); /* self no longer counts */

void peers_link(struct peers *p, uint64_t now_ms, bool up);

/* Somebody says that it is gone: it is probed, at most once in a heartbeat interval. */
void peers_doubt(struct peers *p, uint64_t now_ms, const struct id *replica);
/* Whom to send a probe now; false: nobody (more). Ask after each of the calls above. */
bool peers_probe(struct peers *p, uint64_t now_ms, struct id *ret);

/* Until then we hear, as far as we know: when our own heartbeats have not come back for a second,
 * nobody's would. */
uint64_t peers_hear_until(const struct peers *p);

/* The replica with the largest shard_weight (then id) among those who count; empty: nobody does. */
struct id peers_owner(const struct peers *p, unsigned shard);
unsigned peers_count(const struct peers *p);
uint64_t peers_deadline(const struct peers *p); /* when peers_tick may change something */

#endif
