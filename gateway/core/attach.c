/* SPDX-License-Identifier: Apache-2.0
 *
 * Attach lists: per shard, all boards that somebody has open here, and who. They go to the key of
 * the shard, so whoever has it bound hears them; again at every change and every 2 s. Their numbers
 * rise, so that an owner can ignore an old one.
 */
#include "gateway_core_private.h"

#include <stdlib.h>

#include "checks.h"

struct list_part {
    struct buf boards;
    uint32_t count;
};

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
    s->attach_due = smaller(s->attach_due, at);
}

/* Who comes first: should there be too many for one message, the last are left out. */
static unsigned rank(const struct session *s)
{
    if (s->client)
        return s->flags & MEMBER_SEATED ? 0 : 1;
    return s->flags & MEMBER_LEFT ? 3 : 2;
}

static uint32_t put_members(struct buf *out, const struct board *b, unsigned wanted)
{
    uint32_t count = 0;
    const struct session *s;
    LIST_FOREACH (s, &b->sessions, link) {
        size_t before = out->len;
        if (rank(s) != wanted)
            continue;
        PUT(out, at_member, s->member, s->instance, s->conn, s->role, span_of(s->name),
            s->flags | (s->unsaid ? MEMBER_UNSAID : 0), s->served_at ? REQUEST_NONE : s->request,
            s->came, s->links);
        if (out->len > ATTACH_MEMBERS_BYTES) {
            out->len = before;
            return count;
        }
        count++;
    }
    return count;
}

static void put_board(struct buf *out, const struct board *b)
{
    struct buf members = {0};
    uint32_t count = 0;
    for (unsigned wanted = 0; wanted <= 3; wanted++)
        count += put_members(&members, b, wanted);
    PUT(out, at_board, b->id, b->window.epoch, window_applied(&b->window),
        (b->deleting ? ATTACH_DELETE : 0u) | b->mark_flags << ATTACH_MARK_SHIFT,
        list_of(count, &members), b->window.told, b->state.number, b->incarnation);
    buf_free(&members);
}

static void send_parts(struct gateway_core *c, unsigned shard, const struct list_part *parts,
                       unsigned count)
{
    CHECK(count > 0); /* an empty list is one part */
    struct id to = shard_destination(shard);
    c->attach_number++;
    c->shard[shard].attach_bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        c->shard[shard].attach_bytes += parts[i].boards.len;
        struct msg_attach m = {
            shard, c->attach_number, i + 1, count, list_of(parts[i].count, &parts[i].boards),
            c->now};
        outbox_put(c->outbox, EXCHANGE_BOARD, &to, NULL, &TYPE_attach, &m);
    }
}

/* Sends the lists of all shards in `due` in one pass over the boards. */
static void send_lists(struct gateway_core *c, const bool *due)
{
    struct list_part **parts = xcalloc(c->config.shards, sizeof *parts);
    unsigned *count = xcalloc(c->config.shards, sizeof *count);
    struct buf one = {0};
    const struct board *b;
    BOARD_FOREACH (b, c) {
        if (!due[b->shard] || (LIST_EMPTY(&b->sessions) && !b->deleting))
            continue;
        unsigned n = count[b->shard];
        buf_clear(&one);
        put_board(&one, b);
        if (n == 0 || parts[b->shard][n - 1].boards.len + one.len > ATTACH_PART_BYTES) {
            parts[b->shard] = xrealloc(parts[b->shard], n + 1, sizeof **parts);
            parts[b->shard][n] = (struct list_part){0};
            count[b->shard] = ++n;
        }
        buf_append(&parts[b->shard][n - 1].boards, one.data, one.len);
        parts[b->shard][n - 1].count++;
    }
    buf_free(&one);
    static const struct list_part empty;
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

uint64_t attach_due(const struct shard *s)
{
    uint64_t pace = larger(s->attach_bytes / ATTACH_BYTES_MS, ATTACH_PACE_MS);
    return s->attach_dirty ? smaller(s->attach_sent_at + pace, s->attach_due) : s->attach_due;
}

void attach_tick(struct gateway_core *c, uint64_t now)
{
    if (!c->link_up)
        return;
    bool any = false;
    bool *due = xcalloc(c->config.shards, sizeof *due);
    for (unsigned i = 0; i < c->config.shards; i++) {
        struct shard *s = &c->shard[i];
        if (now < attach_due(s))
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
