/* SPDX-License-Identifier: Apache-2.0
 *
 * A destination holds its messages ready made, one behind the other in one buffer, so that taking
 * one costs nothing. Destinations with something to send stand in `waiting`, first come, first
 * served; the others in `idle`, the one longest without traffic first, until they are forgotten.
 *
 * The budget is one allowance for all destinations: it fills with time, each message uses one, and
 * an empty one holds back everybody for a pace interval. So what waits joins, and all destinations
 * slow down alike, without anybody having to count how many are busy.
 */
#include "outbox_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "checks.h"
#include "items.h"

#define TOKEN 1000u /* a message, in the unit of struct outbox.tokens */

static uint64_t tokens_max(const struct outbox *o)
{
    return larger((uint64_t)o->config.messages_per_s_max * OUTBOX_BURST_MS, TOKEN);
}

struct outbox *outbox_create(const struct outbox_config *config)
{
    struct outbox *o = xcalloc(1, sizeof *o);
    o->config = *config;
    o->stats.batch = HISTOGRAM_OF_COUNTS;
    TAILQ_INIT(&o->waiting);
    TAILQ_INIT(&o->idle);
    o->tokens = tokens_max(o);
    PUT(&o->envelope, envelope, .version = BROKER_VERSION_WRITTEN, .sender = config->self);
    return o;
}

static void forget(struct outbox *o, struct destination *d)
{
    CHECK(d->taken == d->part_count); /* nothing is lost with it */
    TAILQ_REMOVE(&o->idle, d, queue);
    idmap_remove(&o->destinations[d->exchange], &d->id);
    buf_free(&d->bytes);
    free(d->parts);
    free(d);
    o->stats.destinations--;
}

void outbox_destroy(struct outbox *o)
{
    if (!o)
        return;
    outbox_clear(o);
    while (!TAILQ_EMPTY(&o->idle))
        forget(o, TAILQ_FIRST(&o->idle));
    for (unsigned i = 0; i < EXCHANGE_COUNT; i++)
        idmap_free(&o->destinations[i]);
    buf_free(&o->envelope);
    buf_free(&o->item);
    free(o);
}

struct id shard_destination(unsigned shard)
{
    struct id id = {0};
    snprintf(id.text, sizeof id.text, "s%02u", shard);
    return id;
}

static struct destination *find_or_add(struct outbox *o, enum exchange exchange,
                                       const struct id *id)
{
    struct destination *d = idmap_get(&o->destinations[exchange], id);
    if (d)
        return d;
    d = xcalloc(1, sizeof *d);
    d->exchange = exchange;
    d->id = *id;
    idmap_put(&o->destinations[exchange], id, d);
    TAILQ_INSERT_TAIL(&o->idle, d, queue);
    o->stats.destinations++;
    return d;
}

static bool has_waiting(const struct destination *d)
{
    return d->taken < d->part_count;
}

/* What was taken is no longer borrowed: its room is used again. */
static void reclaim(struct destination *d)
{
    if (has_waiting(d))
        return;
    d->part_count = d->taken = d->taken_bytes = 0;
    if (d->bytes.cap > OUTBOX_BUFFER_BYTES)
        buf_free(&d->bytes);
    buf_clear(&d->bytes);
}

/* The message that an item of that length joins: the last one, or a new one. */
static struct part *part_for(struct outbox *o, struct destination *d, const struct id *board,
                             size_t len)
{
    struct part *last = has_waiting(d) ? &d->parts[d->part_count - 1] : NULL;
    if (last && last->len + len <= BROKER_MESSAGE_BYTES_MAX) {
        last->many = last->many || !board || !id_equal(&last->board, board);
        return last;
    }
    if (d->part_count == d->part_cap) {
        d->part_cap = d->part_cap ? d->part_cap * 2 : 4;
        d->parts = xrealloc(d->parts, d->part_cap, sizeof *d->parts);
    }
    struct part *part = &d->parts[d->part_count++];
    *part = (struct part){.len = o->envelope.len, .many = !board};
    if (board)
        part->board = *board;
    buf_append(&d->bytes, o->envelope.data, o->envelope.len);
    o->stats.waiting_bytes += o->envelope.len;
    return part;
}

/* `most`: how many bytes may wait for that destination. */
static int put(struct outbox *o, struct destination *d, const struct id *board,
               const struct message_type *type, const void *message, size_t most)
{
    buf_clear(&o->item);
    message_put(&o->item, type, message);
    size_t len = o->item.len;
    CHECK(len > 0);
    reclaim(d);
    if (o->envelope.len + len > BROKER_MESSAGE_BYTES_MAX)
        return -EMSGSIZE;
    if (d->bytes.len - d->taken_bytes + len > most ||
        o->stats.waiting_bytes + len > OUTBOX_BYTES_MAX)
        return -ENOBUFS;
    if (!has_waiting(d)) {
        TAILQ_REMOVE(&o->idle, d, queue);
        TAILQ_INSERT_TAIL(&o->waiting, d, queue);
    }
    struct part *part = part_for(o, d, board, len);
    part->len += len;
    part->items++;
    buf_append(&d->bytes, o->item.data, len);
    o->stats.waiting_bytes += len;
    o->stats.items++;
    return 0;
}

int outbox_put(struct outbox *o, enum exchange exchange, const struct id *destination,
               const struct id *board, const struct message_type *type, const void *message)
{
    struct destination *d = find_or_add(o, exchange, destination);
    int r = put(o, d, board, type, message, OUTBOX_DESTINATION_BYTES_MAX);
    if (r < 0)
        o->stats.dropped++;
    else
        d->has_items = true;
    CHECKED(outbox_invariants(o));
    return r;
}

int outbox_offer(struct outbox *o, enum exchange exchange, const struct id *destination,
                 const struct id *board, const struct message_type *type, const void *message)
{
    struct destination *d = find_or_add(o, exchange, destination);
    int r = put(o, d, board, type, message, BROKER_MESSAGE_BYTES_MAX);
    if (r < 0)
        o->stats.offers_dropped++;
    CHECKED(outbox_invariants(o));
    return r;
}

void outbox_flush(struct outbox *o, enum exchange exchange, const struct id *destination)
{
    struct destination *d = idmap_get(&o->destinations[exchange], destination);
    if (d && has_waiting(d))
        d->flush = true;
}

void outbox_flush_all(struct outbox *o)
{
    struct destination *d;
    TAILQ_FOREACH (d, &o->waiting, queue)
        d->flush = true;
}

/* ---- taking ---------------------------------------------------------------------------------- */

static void refill(struct outbox *o, uint64_t now_ms)
{
    uint64_t rate = o->config.messages_per_s_max; /* messages a second = thousandths a ms */
    uint64_t most = tokens_max(o);
    if (now_ms <= o->tokens_ms)
        return;
    uint64_t passed = smaller(now_ms - o->tokens_ms, most); /* no less fills it */
    o->tokens = smaller(o->tokens + passed * rate, most);
    o->tokens_ms = now_ms;
}

/* Whether the budget allows one more; if not, all wait for the same moment, to leave together. */
static bool allowed(struct outbox *o, const struct destination *d, uint64_t now_ms)
{
    if (o->config.messages_per_s_max == 0)
        return true;
    if (now_ms < o->held_until_ms)
        return false;
    refill(o, now_ms);
    if (!d->has_items)
        return o->tokens >= TOKEN && o->tokens >= tokens_max(o) / 2;
    if (o->tokens >= TOKEN)
        return true;
    uint64_t wait =
        (TOKEN - o->tokens + o->config.messages_per_s_max - 1) / o->config.messages_per_s_max;
    o->held_until_ms = now_ms + larger(wait, o->config.pace_ms);
    return false;
}

static uint64_t due_ms(const struct outbox *o, const struct destination *d)
{
    bool paced = d->sent && (d->sent_items || !d->has_items);
    return paced ? d->last_ms + o->config.pace_ms : 0;
}

/* Forgets what waits for it. */
static void drop(struct outbox *o, struct destination *d)
{
    TAILQ_REMOVE(&o->waiting, d, queue);
    TAILQ_INSERT_TAIL(&o->idle, d, queue);
    o->stats.waiting_bytes -= d->bytes.len - d->taken_bytes;
    d->taken = d->part_count;
    d->flush = d->has_items = false;
    reclaim(d);
}

/* The first in line that is due. Its other messages follow it: they were due together. Offers that
 * are due and find no budget are dropped. */
static struct destination *pick(struct outbox *o, uint64_t now_ms)
{
    struct destination *d, *next;
    for (d = TAILQ_FIRST(&o->waiting); d; d = next) {
        next = TAILQ_NEXT(d, queue);
        bool due = due_ms(o, d) <= now_ms;
        if (d->flush || (due && allowed(o, d, now_ms)))
            return d;
        if (due && !d->has_items) {
            o->stats.offers_dropped++;
            drop(o, d);
        }
    }
    return NULL;
}

static void forget_idle(struct outbox *o, uint64_t now_ms)
{
    struct destination *d;
    while ((d = TAILQ_FIRST(&o->idle)) && now_ms > d->last_ms &&
           now_ms - d->last_ms > OUTBOX_IDLE_MS + o->config.pace_ms)
        forget(o, d);
}

static void make_key(const struct destination *d, const struct part *part, char *ret, size_t size)
{
    if (id_empty(&d->id))
        *ret = '\0';
    else
        snprintf(ret, size, "%s.%s", d->id.text, part->many ? "many" : part->board.text);
}

/* All messages of a destination go together: the time of the last one counts. */
static void took(struct outbox *o, struct destination *d, const struct part *part, uint64_t now_ms)
{
    o->stats.messages++;
    histogram_add(&o->stats.batch, part->items);
    o->stats.waiting_bytes -= part->len;
    o->tokens -= o->tokens < TOKEN ? o->tokens : TOKEN;
    if (has_waiting(d))
        return;
    d->sent_items = d->has_items;
    d->flush = d->has_items = false;
    d->sent = true;
    d->last_ms = now_ms;
    TAILQ_REMOVE(&o->waiting, d, queue);
    TAILQ_INSERT_TAIL(&o->idle, d, queue);
}

bool outbox_next(struct outbox *o, uint64_t now_ms, struct outbox_message *ret)
{
    struct destination *d = pick(o, now_ms);
    if (!d) {
        forget_idle(o, now_ms);
        CHECKED(outbox_invariants(o));
        return false;
    }
    CHECK(has_waiting(d));
    const struct part *part = &d->parts[d->taken];
    ret->exchange = d->exchange;
    /* A shard's queue at history is always there. */
    ret->mandatory = d->exchange == EXCHANGE_BOARD ||
                     (d->exchange == EXCHANGE_HISTORY && id_is_of(&d->id, KIND_HISTORY));
    ret->body = (struct span){d->bytes.data + d->taken_bytes, part->len};
    make_key(d, part, ret->key, sizeof ret->key);
    d->taken++;
    d->taken_bytes += part->len;
    took(o, d, part, now_ms);
    CHECKED(outbox_invariants(o));
    return true;
}

uint64_t outbox_deadline(const struct outbox *o)
{
    uint64_t at = UINT64_MAX;
    const struct destination *d;
    TAILQ_FOREACH (d, &o->waiting, queue) {
        uint64_t due = due_ms(o, d);
        if (o->config.messages_per_s_max)
            due = larger(due, o->held_until_ms);
        at = smaller(at, d->flush ? 0 : due);
    }
    return at;
}

void outbox_clear(struct outbox *o)
{
    struct destination *d;
    while ((d = TAILQ_FIRST(&o->waiting)))
        drop(o, d);
    CHECKED(outbox_invariants(o));
}

const struct outbox_stats *outbox_stats(const struct outbox *o)
{
    return &o->stats;
}
