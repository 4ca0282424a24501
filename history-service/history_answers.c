/* SPDX-License-Identifier: Apache-2.0 */
#include "history_core_private.h"

#include "checks.h"

/* Should the clock go back, it is HISTORY_OPEN_EVERY_MS at most. */
uint64_t open_wait(struct board *b, uint64_t now_ms)
{
    if (ended_cleanly(&b->last))
        return 0;
    if (b->opened_ms > now_ms)
        b->opened_ms = now_ms;
    uint64_t passed = now_ms - b->opened_ms;
    return passed < HISTORY_OPEN_EVERY_MS ? HISTORY_OPEN_EVERY_MS - passed : 0;
}

static void answer(struct history_core *c, enum exchange exchange, const struct request *r,
                   const struct message_type *type, const void *message)
{
    CHECK(id_is_of(&r->sender, exchange == EXCHANGE_BOARD ? KIND_BOARD : KIND_GATEWAY));
    outbox_put(c->out, exchange, &r->sender, &r->board, type, message);
}

void answer_no_board(struct history_core *c, const struct request *r)
{
    TRACE(c, &r->board, board_unknown, r->code);
    CHECK(r->code == TO_HISTORY_open || r->code == TO_HISTORY_append);
    answer(c, EXCHANGE_BOARD, r, &TYPE_no_board, &(struct msg_no_board){r->board, c->incarnation});
}

void answer_refused(struct history_core *c, struct board *b, uint64_t now_ms,
                    const struct request *r)
{
    CHECK(r->code == TO_HISTORY_open || r->code == TO_HISTORY_append);
    bool open = r->code == TO_HISTORY_open;
    struct msg_refused m = {.board = b->id,
                            .nonce = open ? r->open.nonce : 0,
                            .asked = open ? r->open.over : r->append.epoch,
                            .newest = b->last.epoch,
                            .replica = b->last.opener,
                            .wait_ms = open_wait(b, now_ms),
                            .incarnation = c->incarnation};
    if (open)
        TRACE(c, &b->id, open_denied, m.asked, m.newest, m.wait_ms);
    else
        TRACE(c, &b->id, append_denied, m.asked, m.newest);
    answer(c, EXCHANGE_BOARD, r, &TYPE_refused, &m);
}

void answer_opened(struct history_core *c, const struct board *b, const struct request *r)
{
    CHECK(is_open(&b->last) && b->last.nonce == r->open.nonce); /* [D10] */
    const struct record *last = &b->last;
    struct msg_opened m = {.board = b->id,
                           .nonce = last->nonce,
                           .epoch = last->epoch,
                           .time = last->time,
                           .name = span_of(b->name),
                           .clean = (last->flags & RECORD_RELEASED) != 0,
                           .incarnation = c->incarnation};
    struct log_state before;
    if (log_state_unpack(state_span(&last->state), last->epoch, &before) < 0)
        return; /* no store gives such a record, and none is made */
    log_state_to_opened(&before, &last->state, &m);
    m.rules = buf_span(&b->rules);
    answer(c, EXCHANGE_BOARD, r, &TYPE_opened, &m);
}

void answer_created(struct history_core *c, const struct request *r, unsigned status)
{
    if (status != CREATED_STORED)
        TRACE(c, &r->board, create_denied, status == CREATED_TAKEN ? 1 : 2);
    CHECK(r->code == TO_HISTORY_create);
    answer(c, EXCHANGE_GATEWAY, r, &TYPE_created,
           &(struct msg_created){r->board, r->create.nonce, status});
}

void answer_looked(struct history_core *c, const struct board *b, const struct request *r)
{
    CHECK(r->code == TO_HISTORY_look);
    struct msg_looked m = {.board = b->id, .nonce = r->look.nonce, .incarnation = c->incarnation};
    if (is_there(b)) {
        m.name = span_of(b->name);
        m.epoch = b->last.epoch;
        m.tail = tail_of(b);
        m.time = b->last.time;
        m.rules = buf_span(&b->rules);
    }
    answer(c, EXCHANGE_GATEWAY, r, &TYPE_looked, &m);
}

/* The true mark, and of which past that is. */
void answer_stored(struct history_core *c, const struct board *b, const struct request *r)
{
    CHECK(r->code == TO_HISTORY_append && r->append.epoch == b->last.epoch);
    answer(c, EXCHANGE_BOARD, r, &TYPE_stored,
           &(struct msg_stored){b->id, r->append.epoch, tail_of(b), c->incarnation});
}

/* To the owner, once: its new mark, and where its next segment must begin if one came too early.
 * Both only now, since a hole says too that all below it is stored. */
static void answer_appends(struct history_core *c, const struct board *b)
{
    const struct request *newest = NULL, *early = NULL, *r;
    STAILQ_FOREACH(r, &b->batch, queue)
    {
        if (r->code != TO_HISTORY_append)
            continue;
        newest = r;
        if (r->append.first > tail_of(b) + 1)
            early = r;
    }
    if (newest)
        answer_stored(c, b, newest);
    if (!early)
        return;
    c->stats.holes++;
    TRACE(c, &b->id, append_too_early, early->append.first, tail_of(b) + 1);
    answer(c, EXCHANGE_BOARD, early, &TYPE_hole,
           &(struct msg_hole){b->id, early->append.epoch, tail_of(b) + 1, c->incarnation});
}

void answer_batch(struct history_core *c, const struct board *b, uint64_t now_ms)
{
    const struct request *r;
    STAILQ_FOREACH(r, &b->batch, queue)
    {
        if (r->code == TO_HISTORY_open)
            answer_opened(c, b, r);
        if (r->code == TO_HISTORY_create)
            answer_created(c, r, CREATED_STORED);
        histogram_add_ms(&c->stats.waited, r->came_ms, now_ms);
    }
    answer_appends(c, b);
}
