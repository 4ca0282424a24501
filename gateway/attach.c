/* SPDX-License-Identifier: Apache-2.0
 *
 * Attach lists: per shard, all boards that somebody has open here, and who. They go to the key of
 * the shard, so whoever has it bound hears them; again at every change and every 2 s. Their numbers
 * rise, so that an owner can ignore an old one.
 */
#include "core.h"

#include <stdlib.h>

#define PART_BYTES (40u << 10) /* a list is split into messages of about this size */

struct part {
    struct buf boards;
    uint32_t count;
};

void attach_changed(struct board *b)
{
    b->core->shard[b->shard].attach_dirty = true;
}

void attach_asked(struct gateway_core *c, uint64_t now, unsigned shard)
{
    if (shard >= c->config.shards)
        return;
    struct shard *s = &c->shard[shard];
    uint64_t at = s->asked_due;
    if (now >= at) {
        at = now;
        s->asked_due = now + ATTACH_ASKED_MS;
    }
    if (at < s->attach_due)
        s->attach_due = at;
}

void attach_sync(struct gateway_core *c, uint64_t now, unsigned shard)
{
    c->shard[shard].attach_dirty = true;
    c->shard[shard].attach_due = now;
}

static enum pen_request request_of(const struct session *s)
{
    return s->served_at ? REQUEST_NONE : s->request;
}

static void put_board(struct buf *out, const struct board *b)
{
    struct buf members = {0};
    uint32_t count = 0;
    const struct session *s;
    LIST_FOREACH (s, &b->sessions, link) {
        PUT(&members, at_member, s->member, s->instance, s->conn, s->role, span_of(s->name),
            s->flags | (s->unsaid ? MEMBER_UNSAID : 0), request_of(s), s->came);
        count++;
    }
    PUT(out, at_board, b->id, b->window.epoch, window_applied(&b->window),
        (b->deleting ? ATTACH_DELETE : 0u) | b->mark_flags << ATTACH_MARK_SHIFT,
        list_of(count, &members), b->window.told, b->state.number);
    buf_free(&members);
}

static void send_parts(struct gateway_core *c, unsigned shard, const struct part *parts,
                       unsigned count)
{
    struct id to = shard_destination(shard);
    c->attach_number++;
    for (unsigned i = 0; i < count; i++) {
        struct msg_attach m = {
            shard, c->attach_number, i + 1, count, list_of(parts[i].count, &parts[i].boards),
            c->now};
        outbox_put(c->outbox, EXCHANGE_BOARD, &to, NULL, &TYPE_attach, &m);
    }
}

/* Sends the lists of all shards in `due` in one pass over the boards. */
static void send_lists(struct gateway_core *c, const bool *due)
{
    struct part **parts = xcalloc(c->config.shards, sizeof *parts);
    unsigned *count = xcalloc(c->config.shards, sizeof *count);
    for (size_t i = 0; i < c->boards.slots; i++) {
        const struct board *b = idmap_at(&c->boards, i);
        if (!b || !due[b->shard] || (LIST_EMPTY(&b->sessions) && !b->deleting))
            continue;
        unsigned n = count[b->shard];
        if (n == 0 || parts[b->shard][n - 1].boards.len > PART_BYTES) {
            parts[b->shard] = xrealloc(parts[b->shard], n + 1, sizeof **parts);
            parts[b->shard][n] = (struct part){0};
            count[b->shard] = ++n;
        }
        put_board(&parts[b->shard][n - 1].boards, b);
        parts[b->shard][n - 1].count++;
    }
    static const struct part empty;
    for (unsigned shard = 0; shard < c->config.shards; shard++) {
        if (due[shard])
            send_parts(c, shard, count[shard] ? parts[shard] : &empty,
                       count[shard] ? count[shard] : 1);
        for (unsigned i = 0; i < count[shard]; i++)
            buf_free(&parts[shard][i].boards);
        free(parts[shard]);
    }
    free(parts);
    free(count);
}

void attach_tick(struct gateway_core *c, uint64_t now)
{
    if (!c->link_up)
        return;
    bool any = false;
    bool *due = xcalloc(c->config.shards, sizeof *due);
    for (unsigned i = 0; i < c->config.shards; i++) {
        struct shard *s = &c->shard[i];
        if (s->attach_dirty && s->attach_due > s->attach_sent_at + ATTACH_PACE_MS)
            s->attach_due = s->attach_sent_at + ATTACH_PACE_MS;
        if (now < s->attach_due)
            continue;
        due[i] = any = true;
        s->attach_dirty = false;
        s->attach_sent_at = now;
        s->attach_due = now + ATTACH_EVERY_MS;
    }
    if (any)
        send_lists(c, due);
    free(due);
}
