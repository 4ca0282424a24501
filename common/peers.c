/* SPDX-License-Identifier: Apache-2.0 */
#include "peers_private.h"

#include <stdlib.h>

#include "buf.h"
#include "checks.h"

#define SILENT_BEATS (PEER_SILENT_MS / PEER_HEARTBEAT_MS)

struct peers *peers_create(const struct id *self, uint64_t now_ms)
{
    struct peers *p = xcalloc(1, sizeof *p);
    p->peer[0] = (struct peer){.id = *self, .since_ms = now_ms};
    p->count = 1;
    CHECKED(peers_invariants(p));
    return p;
}

void peers_destroy(struct peers *p)
{
    free(p);
}

static struct peer *find(struct peers *p, const struct id *id)
{
    for (unsigned i = 0; i < p->count; i++)
        if (id_equal(&p->peer[i].id, id))
            return &p->peer[i];
    return NULL;
}

/* As find, but for ourselves. */
static struct peer *find_other(struct peers *p, const struct id *id)
{
    struct peer *peer = find(p, id);
    return peer == &p->peer[0] ? NULL : peer;
}

static struct ignored *find_ignored(struct peers *p, uint64_t now_ms, const struct id *id)
{
    for (unsigned i = 0; i < PEERS_MAX; i++)
        if (now_ms < p->ignored[i].until_ms && id_equal(&p->ignored[i].id, id))
            return &p->ignored[i];
    return NULL;
}

/* The replica's entry, made when need be; NULL: self, another kind, or one too many. */
static struct peer *find_or_add(struct peers *p, uint64_t now_ms, const struct id *id)
{
    struct peer *peer = find(p, id);
    if (peer == &p->peer[0] || id->text[0] != p->peer[0].id.text[0])
        return NULL;
    if (!peer && p->count <= PEERS_MAX) {
        peer = &p->peer[p->count++];
        *peer = (struct peer){.id = *id, .since_ms = now_ms, .heard_ms = now_ms, .doubted = true};
    }
    return peer;
}

static void forget(struct peers *p, struct peer *peer)
{
    CHECK(peer > &p->peer[0] && peer < &p->peer[p->count]); /* never ourselves */
    *peer = p->peer[--p->count];
    CHECKED(peers_invariants(p));
}

/* When `peer` begins to count. While we are new ourselves, those we hear were here before us. */
static uint64_t counts_from(const struct peers *p, const struct peer *peer)
{
    if (peer == &p->peer[0])
        return peer->since_ms + PEER_NEWCOMER_MS;
    if (!p->peer[0].counts)
        return peer->since_ms;
    return peer->probed_ms ? peer->probed_ms + PEER_NEWCOMER_MS : UINT64_MAX;
}

/* Our own heartbeat came back: so the broker works, and who is silent is silent. A bunch that comes
 * after a standstill counts once: those of the others may be right behind it. */
static bool beat(struct peers *p, uint64_t now_ms)
{
    p->heard_own_ms = now_ms;
    if (now_ms < p->beat_ms + PEER_HEARTBEAT_MS / 2)
        return false;
    p->beat_ms = now_ms;
    for (unsigned i = 1; i < p->count; i++)
        p->peer[i].beats++;
    return peers_tick(p, now_ms);
}

bool peers_alive(struct peers *p, uint64_t now_ms, const struct id *replica)
{
    if (id_equal(replica, &p->peer[0].id))
        return beat(p, now_ms);
    if (find_ignored(p, now_ms, replica))
        return false;
    struct peer *peer = find_or_add(p, now_ms, replica);
    if (!peer)
        return false;
    peer->heard_ms = now_ms;
    peer->beats = 0;
    CHECKED(peers_invariants(p));
    if (peer->counts || now_ms < counts_from(p, peer))
        return false;
    return peer->counts = true;
}

bool peers_gone(struct peers *p, const struct id *replica)
{
    struct peer *peer = find_other(p, replica);
    if (!peer)
        return false;
    bool counted = peer->counts;
    forget(p, peer);
    return counted;
}

bool peers_returned(struct peers *p, uint64_t now_ms, const struct id *replica)
{
    if (!find_other(p, replica))
        return false;
    p->ignored[p->next_ignored] = (struct ignored){*replica, now_ms + PEER_IGNORED_MS};
    p->next_ignored = (p->next_ignored + 1) % PEERS_MAX;
    return peers_gone(p, replica);
}

/* When `peer` has been silent for too long; UINT64_MAX: not before our next own heartbeat. */
static uint64_t silent_at(const struct peer *peer)
{
    if (peer->beats < SILENT_BEATS)
        return UINT64_MAX;
    return larger(peer->heard_ms + PEER_SILENT_MS, peer->trust_until_ms);
}

bool peers_tick(struct peers *p, uint64_t now_ms)
{
    struct peer *self = &p->peer[0];
    bool changed = false;
    if (!p->up)
        return false; /* nobody can be heard, so nobody is silent */
    for (unsigned i = p->count - 1; i >= 1; i--) {
        struct peer *peer = &p->peer[i];
        if (now_ms >= silent_at(peer)) {
            changed = changed || peer->counts;
            forget(p, peer);
        } else if (!peer->counts && now_ms >= counts_from(p, peer)) {
            changed = peer->counts = true;
        }
    }
    if (!self->counts && !p->left && now_ms >= counts_from(p, self))
        changed = self->counts = true;
    CHECKED(peers_invariants(p));
    return changed;
}

uint64_t peers_hear_until(const struct peers *p)
{
    return p->heard_own_ms + PEER_SILENT_MS;
}

void peers_link(struct peers *p, uint64_t now_ms, bool up)
{
    if (up && !p->up) {
        for (unsigned i = 1; i < p->count; i++) {
            p->peer[i].heard_ms = now_ms;
            p->peer[i].beats = 0;
        }
        if (!p->peer[0].counts)
            p->peer[0].since_ms = now_ms;
        p->heard_own_ms = now_ms;
    }
    p->up = up;
    CHECKED(peers_invariants(p));
}

bool peers_trust(struct peers *p, uint64_t now_ms, const struct id *replica, uint64_t until_ms)
{
    struct ignored *ignored = find_ignored(p, now_ms, replica);
    if (ignored)
        ignored->until_ms = 0; /* the log names it: it is there again */
    struct peer *peer = find_or_add(p, 0, replica);
    bool heard = peer && peer->counts && now_ms < peer->heard_ms + PEER_SILENT_MS;
    if (!peer || heard)
        return false;
    peer->trust_until_ms = larger(peer->trust_until_ms, until_ms);
    bool changed = !peer->counts;
    peer->counts = true;
    CHECKED(peers_invariants(p));
    return changed;
}

bool peers_leave(struct peers *p)
{
    p->left = true;
    bool changed = p->peer[0].counts;
    p->peer[0].counts = false;
    CHECKED(peers_invariants(p));
    return changed;
}

/* ---- probes ---------------------------------------------------------------------------------- */

void peers_doubt(struct peers *p, uint64_t now_ms, const struct id *replica)
{
    struct peer *peer = find_other(p, replica);
    if (peer && now_ms >= peer->probed_ms + PEER_HEARTBEAT_MS)
        peer->doubted = true;
}

static bool probes_left(struct peers *p, uint64_t now_ms)
{
    if (now_ms >= p->probes_ms + PEER_HEARTBEAT_MS) {
        p->probes_ms = now_ms;
        p->probes = 0;
    }
    return p->probes < PEER_PROBES_MAX;
}

bool peers_probe(struct peers *p, uint64_t now_ms, struct id *ret)
{
    for (unsigned i = 1; i < p->count && p->up; i++) {
        struct peer *peer = &p->peer[i];
        if (!peer->doubted)
            continue;
        if (!probes_left(p, now_ms))
            return false;
        p->probes++;
        peer->doubted = false;
        peer->probed_ms = now_ms;
        *ret = peer->id;
        CHECKED(peers_invariants(p));
        return true;
    }
    return false;
}

/* ---- who counts ------------------------------------------------------------------------------ */

struct id peers_owner(const struct peers *p, unsigned shard)
{
    struct id owner = {0};
    uint64_t most = 0;
    for (unsigned i = 0; i < p->count; i++) {
        if (!p->peer[i].counts)
            continue;
        uint64_t weight = shard_weight(shard, &p->peer[i].id);
        if (id_empty(&owner) || weight > most ||
            (weight == most && id_compare(&p->peer[i].id, &owner) > 0)) {
            owner = p->peer[i].id;
            most = weight;
        }
    }
    return owner;
}

unsigned peers_count(const struct peers *p)
{
    unsigned count = 0;
    for (unsigned i = 0; i < p->count; i++)
        count += p->peer[i].counts;
    return count;
}

uint64_t peers_deadline(const struct peers *p)
{
    uint64_t at = UINT64_MAX;
    if (!p->up)
        return at;
    if (!p->peer[0].counts && !p->left)
        at = counts_from(p, &p->peer[0]);
    for (unsigned i = 1; i < p->count; i++) {
        const struct peer *peer = &p->peer[i];
        at = smaller(at, silent_at(peer));
        if (!peer->counts)
            at = smaller(at, counts_from(p, peer));
        if (peer->doubted)
            at = smaller(at, p->probes_ms + PEER_HEARTBEAT_MS);
    }
    return at;
}
