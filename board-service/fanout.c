/* SPDX-License-Identifier: Apache-2.0 */
#include "fanout.h"

#include "bounds.h"
#include "checks.h"
#include "sequencer.h"

/* Events first .. first + n - 1 (none when n is 0), with the head and the mark. */
static void put_events(struct attachment *at, uint64_t first, struct span events)
{
    CHECK(at->board->log.epoch != 0 && first <= at->board->log.head + 1);
    struct board *b = at->board;
    const struct log *l = &b->log;
    at->told_mark = l->mark;
    at->told_flags = (l->busy ? MARK_BUSY : 0u) | bounds_flags(b);
    TELL(b, &at->list->gateway, events, .epoch = l->epoch, .first = first, .head = l->head,
         .mark = l->mark, .flags = at->told_flags, .events = events);
    at->told_at = b->core->clock;
    at->told_list = at->list->sent_at;
    at->force = false;
}

static void send_events(struct attachment *at)
{
    const struct log *l = &at->board->log;
    if (at->next <= l->mark)
        at->next = l->mark + 1; /* history serves what is stored */
    while (at->next <= l->head) {
        const struct event *e = &l->events[at->next - l->mark - 1];
        uint64_t first = at->next, start = e->at;
        size_t len = 0;
        for (; at->next <= l->head && len + e->len <= SEGMENT_BYTES_MAX; at->next++, e++)
            len += e->len;
        put_events(at, first, (struct span){l->bytes.data + (start - l->bytes_at), len});
    }
}

void fanout_turn(struct board *b)
{
    struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link) {
        uint64_t due = at->told_at + MARK_EVERY_MS;
        if (at->next <= b->log.head)
            send_events(at);
        if (at->force || (at->told_mark != b->log.mark && b->core->clock >= due))
            put_events(at, b->log.head + 1, (struct span){0});
    }
}

uint64_t fanout_deadline(const struct board *b)
{
    uint64_t at_ms = NEVER;
    const struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link)
        if (at->told_mark != b->log.mark)
            at_ms = smaller(at_ms, at->told_at + MARK_EVERY_MS);
    return at_ms;
}

/* Tells the new epoch. The open event itself is stored, so history would serve it; but nearly every
 * window ends right before it, and would ask for this one event. */
void fanout_start(struct board *b, uint64_t time)
{
    CHECK(b->log.mark == b->log.epoch && b->log.count == 0);
    struct buf *open = &b->core->scratch;
    buf_clear(open);
    PUT(open, ev_open, .offset = b->log.epoch, .time = time, .replica = b->core->config.self);
    struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link) {
        at->next = b->log.head + 1;
        put_events(at, b->log.epoch, buf_span(open));
    }
}

/* The first event above the mark that this gateway lacks. What it has of another epoch it cuts. */
static uint64_t lacks_from(const struct attachment *at)
{
    const struct log *l = &at->board->log;
    if (at->epoch != l->epoch || at->applied <= l->mark)
        return l->mark + 1;
    return at->applied < l->head ? at->applied + 1 : l->head + 1;
}

void fanout_attached(struct attachment *at)
{
    CHECK(at->board->log.epoch != 0);
    at->next = lacks_from(at);
    at->force = true;
}

void fanout_listed(struct attachment *at)
{
    const struct log *l = &at->board->log;
    uint64_t lacks = lacks_from(at), clock = at->board->core->clock;
    if (lacks < at->next && lacks <= l->head && clock >= at->repeated_at + LACKING_MS &&
        clock >= l->events[lacks - l->mark - 1].made_at + LACKING_MS) {
        at->next = lacks;
        at->repeated_at = clock;
    }
}

void fanout_all_again(struct board *b)
{
    struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link) {
        at->next = b->log.mark + 1;
        at->force = at->state_due = true;
    }
}

void fanout_marks(struct board *b)
{
    struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link)
        at->force = true;
}

void fanout_repeat(struct attachment *at, uint64_t offset)
{
    uint64_t clock = at->board->core->clock;
    if (offset < at->next && clock < at->repeat_at)
        return; /* who repeats frames in earnest does so again */
    if (offset < at->next)
        at->repeat_at = clock + REPEAT_EVERY_MS;
    if (offset <= at->board->log.mark)
        at->force = true;
    else if (offset < at->next)
        at->next = offset;
    board_touch(at->board);
}

/* To all gateways; that of the drawer may have others, too. */
void fanout_pointer(const struct board *b, uint64_t x, uint64_t y)
{
    struct msg_pointed place = ITEM_OF(b, pointed, b->log.epoch, b->log.stored.holder, x, y);
    const struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link)
        outbox_offer(b->core->out, EXCHANGE_GATEWAY, &at->list->gateway, &b->id, &TYPE_pointed,
                     &place);
}

void fanout_flush(struct board *b)
{
    struct id history = shard_destination(b->shard);
    outbox_flush(b->core->out, EXCHANGE_HISTORY, &history);
    struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link)
        outbox_flush(b->core->out, EXCHANGE_GATEWAY, &at->list->gateway);
}
