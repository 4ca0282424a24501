/* SPDX-License-Identifier: Apache-2.0
 *
 * The broker as the cores see it: topic keys, exclusive queues, one active consumer a history
 * queue (mostly), returns of mandatory messages. It loses, delays and repeats.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define QUEUE_LOOK_MS 20u   /* so often it is seen that a queue has a consumer */
#define LATE_ODDS     2000u /* an answer to an older open comes right after another one */

static uint64_t delay(struct world *w)
{
    if (!w->trouble)
        return 1 + below(w, 3);
    if (odds(w, 50))
        return below(w, 3000);
    return below(w, odds(w, 1000) ? 200 : 8);
}

/* Whether an item of that code is in the message. */
static bool has_item(struct span body, unsigned wanted)
{
    struct cursor in = cursor_of(body.data, body.len);
    while (cursor_left(&in) > 0) {
        struct cursor item = in;
        unsigned code;
        uint32_t fields;
        if (message_begin(&item, &code, &fields) < 0 || wire_skip(&in) < 0)
            break;
        if (code == wanted)
            return true;
    }
    return false;
}

/* Whoever asks to open a board may have been answered before, to a question that is given up. Lost
 * or not by then, that answer comes just now (again). */
static void note_opened(struct process *p, struct span body)
{
    if (!p->board || !has_item(body, MSG_opened))
        return;
    buf_clear(&p->opened);
    buf_append(&p->opened, body.data, body.len);
}

static void bring_old_answer(struct world *w, unsigned from, struct span body)
{
    struct process *p = &w->process[from];
    if (!w->trouble || p->opened.len == 0 || !has_item(body, MSG_open) || !odds(w, LATE_ODDS))
        return;
    struct event e = {
        .what = DELIVERY, .who = from, .generation = p->generation, .sent_at = w->now};
    buf_append(&e.bytes, p->opened.data, p->opened.len);
    happen(w, w->now + delay(w), e);
}

static void deliver_to(struct world *w, struct process *from, unsigned to,
                       const struct outbox_message *m)
{
    unsigned src = (unsigned)(from - w->process);
    struct process *p = &w->process[to];
    if (!p->alive || !p->hearing)
        return;
    note_opened(p, m->body);
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

/* One of those who consume the shard's queue, the same one mostly: it has one active consumer, but
 * a change of consumer can leave two at work. NULL: nobody does. */
static struct process *consumer(struct world *w, unsigned shard)
{
    struct process *found = NULL;
    for (unsigned i = GATEWAYS + BOARD_CORES; i < PROCESSES; i++) {
        struct process *p = &w->process[i];
        if (p->alive && p->hearing && p->bound[shard] && (!found || odds(w, 300)))
            found = p;
    }
    return found;
}

/* What nobody consumes stays in the queue. */
static void to_shard(struct world *w, unsigned from, const struct outbox_message *m)
{
    unsigned shard = 0;
    sscanf(m->key, "s%u", &shard);
    struct process *p = consumer(w, shard % SHARDS);
    if (p) {
        deliver_to(w, &w->process[from], (unsigned)(p - w->process), m);
        return;
    }
    struct event e = {.what = QUEUED, .arg = from, .sent_at = w->now};
    snprintf(e.key, sizeof e.key, "%s", m->key);
    buf_append(&e.bytes, m->body.data, m->body.len);
    happen(w, w->now + QUEUE_LOOK_MS, e);
}

void broker_queued(struct world *w, const struct event *e)
{
    struct outbox_message m = {.exchange = EXCHANGE_HISTORY, .body = buf_span(&e->bytes)};
    snprintf(m.key, sizeof m.key, "%s", e->key);
    to_shard(w, e->arg, &m);
}

static void to_any_history(struct world *w, struct process *from, const struct outbox_message *m)
{
    struct process *p = random_process(w, HISTORY);
    if (p)
        deliver_to(w, from, (unsigned)(p - w->process), m);
}

void broker_publish(struct world *w, struct process *from, const struct outbox_message *m)
{
    if (!from->linked || w->now < from->mute_until || w->now < w->broker_down_until)
        return;
    bool of_shard = m->exchange == EXCHANGE_HISTORY && m->key[0] == 's';
    if (of_shard) {
        bring_old_answer(w, (unsigned)(from - w->process), m->body);
        to_shard(w, (unsigned)(from - w->process), m);
        return;
    }
    if (m->exchange == EXCHANGE_REPLAY) {
        to_any_history(w, from, m);
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
