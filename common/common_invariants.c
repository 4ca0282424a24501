/* SPDX-License-Identifier: Apache-2.0
 *
 * What is true of the parts that all programs share, after each call. See checks.h.
 */
#include "checks.h"
#include "hash.h"
#include "idmap.h"
#include "outbox_private.h"
#include "peers_private.h"

/* ---- idmap ----------------------------------------------------------------------------------- */

/* No free slot lies between an entry and its home, or it would not be found. */
static void check_reachable(const struct idmap *m, size_t slot)
{
    for (size_t i = (size_t)hash_16(&m->slot[slot].key) & (m->slots - 1); i != slot;
         i = (i + 1) & (m->slots - 1))
        CHECK(m->slot[i].value != NULL);
}

void idmap_invariants(const struct idmap *m)
{
    size_t found = 0;
    CHECK((m->slots & (m->slots - 1)) == 0);
    CHECK((m->slots == 0) == (m->slot == NULL));
    CHECK(m->count * 4 <= m->slots * 3); /* a search ends */
    if (m->slots > CHECK_FEW)
        return;
    for (size_t i = 0; i < m->slots; i++)
        if (m->slot[i].value) {
            check_reachable(m, i);
            found++;
        }
    CHECK(found == m->count);
}

/* ---- outbox ---------------------------------------------------------------------------------- */

static void check_parts(const struct destination *d)
{
    size_t bytes = 0, taken = 0;
    for (size_t i = 0; i < d->part_count && d->part_count <= CHECK_FEW; i++) {
        const struct part *part = &d->parts[i];
        CHECK(part->items > 0);
        CHECK(part->len <= BROKER_MESSAGE_BYTES_MAX);
        bytes += part->len;
        taken += i < d->taken ? part->len : 0;
    }
    if (d->part_count > CHECK_FEW)
        return;
    CHECK(bytes == d->bytes.len);
    CHECK(taken == d->taken_bytes);
}

static void check_destination(const struct destination *d)
{
    CHECK(d->taken <= d->part_count);
    CHECK(d->part_count <= d->part_cap);
    CHECK(d->taken_bytes <= d->bytes.len);
    /* Besides what is bounded each message has its envelope. */
    CHECK(d->bytes.len - d->taken_bytes <= OUTBOX_DESTINATION_BYTES_MAX + BROKER_MESSAGE_BYTES_MAX);
    check_parts(d);
}

static void check_idle(const struct outbox *o)
{
    const struct destination *d;
    TAILQ_FOREACH (d, &o->idle, queue) {
        check_destination(d);
        CHECK(d->taken == d->part_count);
        CHECK(!d->flush && !d->has_items);
    }
}

void outbox_invariants(const struct outbox *o)
{
    const struct destination *d;
    uint64_t bytes = 0, count = 0;
    CHECK(o->envelope.len > 0); /* each message begins with it */
    if (o->stats.destinations > CHECK_FEW)
        return;
    TAILQ_FOREACH (d, &o->waiting, queue) {
        check_destination(d);
        CHECK(d->taken < d->part_count);
        bytes += d->bytes.len - d->taken_bytes;
        count++;
    }
    check_idle(o);
    TAILQ_FOREACH (d, &o->idle, queue)
        count++;
    CHECK(bytes == o->stats.waiting_bytes);
    CHECK(count == o->stats.destinations);
}

/* ---- peers ----------------------------------------------------------------------------------- */

static void check_peer(const struct peers *p, unsigned i)
{
    const struct peer *peer = &p->peer[i];
    CHECK(peer->id.text[0] == p->peer[0].id.text[0]); /* others are of another kind */
    CHECK(i == 0 || !id_equal(&peer->id, &p->peer[0].id));
    for (unsigned j = 1; j < i && p->count <= CHECK_FEW; j++)
        CHECK(!id_equal(&peer->id, &p->peer[j].id));
}

void peers_invariants(const struct peers *p)
{
    CHECK(p->count >= 1 && p->count <= 1 + PEERS_MAX);
    for (unsigned i = 0; i < p->count; i++)
        check_peer(p, i);
    CHECK(!p->left || !p->peer[0].counts);
    CHECK(!p->peer[0].doubted && !p->peer[0].probed_ms); /* nobody probes itself [D35] */
    CHECK(p->probes <= PEER_PROBES_MAX);
    CHECK(p->next_ignored < PEERS_MAX);
}
