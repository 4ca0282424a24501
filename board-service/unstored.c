/* SPDX-License-Identifier: Apache-2.0 */
#include "unstored.h"

#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "rules.h"

const struct event *unstored_event(const struct log *l, uint64_t offset)
{
    CHECK(offset > l->mark && offset <= l->head);
    return &l->events[offset - l->mark - 1];
}

uint64_t unstored_end(const struct log *l, uint64_t offset)
{
    if (offset <= l->mark)
        return l->bytes_at;
    const struct event *e = unstored_event(l, offset);
    return e->at + e->len;
}

uint64_t unstored_unanswered(const struct log *l)
{
    return unstored_end(l, l->sent) - l->bytes_at;
}

void unstored_step(const struct log *l, struct log_state *s, uint64_t offset)
{
    const struct event *e = unstored_event(l, offset);
    struct span bytes = {l->bytes.data + (e->at - l->bytes_at), e->len};
    log_state_step(s, &(struct log_event){e->code, offset, e->cseq, e->stroke, bytes});
}

static void step_all(const struct log *l, struct log_state *s, uint64_t from, uint64_t to)
{
    for (uint64_t offset = from; offset <= to; offset++)
        unstored_step(l, s, offset);
}

void unstored_set_sent(struct board *b, uint64_t sent)
{
    CHECK(sent >= b->log.mark && sent <= b->log.head);
    struct log *l = &b->log;
    uint64_t before = unstored_unanswered(l);
    if (sent < l->sent) {
        l->reached = l->stored;
        l->sent = l->mark;
    }
    step_all(l, &l->reached, l->sent + 1, sent);
    l->sent = sent;
    b->core->shard[b->shard].unanswered += unstored_unanswered(l) - before;
}

/* They are stored: from now on they count. We wrote them ourselves. */
static void learn_rules(struct board *b, uint64_t from)
{
    const struct log *l = &b->log;
    if (l->stored.rules < from)
        return;
    const struct event *e = unstored_event(l, l->stored.rules);
    if (rules_keep(b, (struct span){l->bytes.data + (e->at - l->bytes_at), e->len}) < 0)
        abort();
    b->seats.dirty = true;
    b->flush = true;
}

void unstored_set_mark(struct board *b, uint64_t mark)
{
    CHECK(mark > b->log.mark && mark <= b->log.head);
    struct log *l = &b->log;
    if (l->sent < mark)
        unstored_set_sent(b, mark); /* an answer to what was sent before we went back */
    size_t bytes = (size_t)(unstored_end(l, mark) - l->bytes_at);
    size_t events = (size_t)(mark - l->mark);
    step_all(l, &l->stored, l->mark + 1, mark);
    learn_rules(b, l->mark + 1);
    buf_drop(&l->bytes, bytes);
    l->bytes_at += bytes;
    l->count -= events;
    memmove(l->events, l->events + events, l->count * sizeof *l->events);
    l->mark = mark;
    b->core->shard[b->shard].unanswered -= bytes;
    b->core->stats.unstored_bytes -= bytes;
    b->core->stats.unstored_events -= events;
    if (l->count == 0 && l->bytes.cap > LOG_BUFFER_BYTES)
        buf_free(&l->bytes);
}
