/* SPDX-License-Identifier: Apache-2.0
 *
 * The broker as the cores see it: topic keys, exclusive queues, one active consumer a history
 * queue (mostly), returns of mandatory messages. It loses, delays and repeats.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define QUEUE_TTL_MS 5000u

static uint64_t delay(struct world *w)
{
    if (!w->trouble)
        return 1 + below(w, 3);
    if (odds(w, 50))
        return below(w, 3000);
    return below(w, odds(w, 1000) ? 200 : 8);
}

static void deliver_to(struct world *w, struct process *from, unsigned to,
                       const struct outbox_message *m)
{
    unsigned src = (unsigned)(from - w->process);
    struct process *p = &w->process[to];
    if (!p->alive || !p->hearing)
        return;
    if (w->trouble && odds(w, w->now < p->drops_until ? p->drops : 100))
        return; /* lost */
    uint64_t at = w->now + delay(w);
    if (at < w->broker_stands_until)
        at = w->broker_stands_until + below(w, 20);
    if (at < w->last_delivery[src][to])
        at = w->last_delivery[src][to];
    w->last_delivery[src][to] = at;
    struct event e = {.what = DELIVERY, .who = to, .generation = p->generation, .sent_at = w->now};
    buf_append(&e.bytes, m->body.data, m->body.len);
    happen(w, at, e);
    if (w->trouble && odds(w, 100)) { /* again, much later */
        struct event again = e;
        again.bytes = (struct buf){0};
        buf_append(&again.bytes, m->body.data, m->body.len);
        happen(w, at + below(w, 6000), again);
    }
}

static bool hears(const struct process *p, enum exchange exchange, const char *destination)
{
    unsigned shard;
    if (!p->alive || !p->hearing)
        return false;
    switch (exchange) {
    case EXCHANGE_BOARD:
        if (p->kind != BOARD_CORE)
            return false;
        if (sscanf(destination, "s%u", &shard) == 1)
            return shard < SHARDS && p->bound[shard];
        return strcmp(p->id.text, destination) == 0;
    case EXCHANGE_GATEWAY:
        return p->kind == GATEWAY &&
               (strcmp(destination, "all") == 0 || strcmp(p->id.text, destination) == 0);
    case EXCHANGE_HISTORY:
        return p->kind == HISTORY && strcmp(p->id.text, destination) == 0;
    case EXCHANGE_PEERS:
        return p->kind != GATEWAY;
    default:
        return false;
    }
}

/* History queues have one active consumer, but a change of consumer can leave two at work. */
static void to_history(struct world *w, struct process *from, const struct outbox_message *m)
{
    struct process *p = random_process(w, HISTORY);
    if (!p)
        return;
    unsigned shard = 0;
    sscanf(m->key, "s%u", &shard);
    struct process *usual = &w->process[GATEWAYS + BOARD_CORES + shard % HISTORIES];
    if (usual->alive && usual->hearing && m->exchange == EXCHANGE_HISTORY &&
        !(w->trouble && odds(w, 300)))
        p = usual;
    deliver_to(w, from, (unsigned)(p - w->process), m);
}

void broker_publish(struct world *w, struct process *from, const struct outbox_message *m)
{
    if (!from->linked || w->now < from->mute_until || w->now < w->broker_down_until)
        return;
    bool of_shard = m->exchange == EXCHANGE_HISTORY && m->key[0] == 's';
    if (of_shard || m->exchange == EXCHANGE_REPLAY) {
        to_history(w, from, m);
        return;
    }
    char destination[40];
    snprintf(destination, sizeof destination, "%.*s", (int)strcspn(m->key, "."), m->key);
    bool any = false;
    for (unsigned i = 0; i < PROCESSES; i++)
        if (hears(&w->process[i], m->exchange, destination)) {
            deliver_to(w, from, i, m);
            any = true;
        }
    if (any || !m->mandatory)
        return;
    struct event e = {.what = RETURN,
                      .who = (unsigned)(from - w->process),
                      .generation = from->generation,
                      .arg = m->exchange};
    snprintf(e.key, sizeof e.key, "%s", m->key);
    happen(w, w->now + 1, e);
}
