/* SPDX-License-Identifier: Apache-2.0
 *
 * What is true of the history service's core, and of its shards, at the end of each entry, whatever
 * others send. It reads the structs, and calls nothing that decides.
 */
#include "checks.h"
#include "history_core_private.h"

/* ---- boards and what waits ------------------------------------------------------------------- */

static size_t bytes_of_queue(const struct request_queue *queue, uint64_t *count)
{
    const struct request *r;
    size_t bytes = 0;
    STAILQ_FOREACH(r, queue, queue)
    {
        CHECK(r->code == TO_HISTORY_create || r->code == TO_HISTORY_look ||
              r->code == TO_HISTORY_open || r->code == TO_HISTORY_append);
        bytes += sizeof *r + r->len;
        ++*count;
    }
    return bytes;
}

static void check_board(const struct history_core *c, const struct board *b)
{
    CHECK(idmap_get(&c->boards, &b->id) == b);
    CHECK(b->last.events.len == 0); /* nobody owns these any more */
    CHECK(b->last.count == 0 || b->last.first > 0);
    CHECK(b->waits || (STAILQ_EMPTY(&b->requests) && STAILQ_EMPTY(&b->batch)));
    CHECK(b->waits || (b->known && b->last.count > 0)); /* else there is nothing to remember */
    CHECK(b->waits || b->tries == 0);
}

static void check_waiting(const struct history_core *c, uint64_t count)
{
    const struct board *b;
    uint64_t requests = 0;
    size_t bytes = 0;
    TAILQ_FOREACH (b, &c->waiting, list) {
        check_board(c, b);
        CHECK(b->waits);
        bytes += bytes_of_queue(&b->requests, &requests) + bytes_of_queue(&b->batch, &requests);
        count++;
    }
    CHECK(count == c->boards.count);
    CHECK(requests == c->stats.waiting_requests);
    CHECK(bytes == c->stats.waiting_bytes);
}

/* ---- the round ------------------------------------------------------------------------------- */

/* An open or a created event is a record of its own [D19]. */
static void check_kind(const struct planned *p, const struct record *r)
{
    const struct request *first = STAILQ_FIRST(&p->board->batch);
    bool alone = first && !STAILQ_NEXT(first, queue);
    CHECK(first != NULL); /* somebody is to be answered */
    if (!first)
        return;
    CHECK(!is_open(r) || (alone && first->code == TO_HISTORY_open));
    CHECK((r->epoch == 0) == (first->code == TO_HISTORY_create));
    CHECK(r->epoch != 0 || (alone && r->first == 1));
    if (first->code == TO_HISTORY_open)
        CHECK(is_open(r) && r->count == 1 && first->open.over == p->board->last.epoch); /* [D10] */
}

static void check_planned(const struct history_core *c, unsigned i)
{
    const struct planned *p = &c->planned[i];
    const struct record *r = &c->records[i];
    CHECK(id_equal(&r->board, &p->board->id));
    CHECK(p->board->waits);
    CHECK(r->count > 0 && r->first == tail_of(p->board) + 1); /* P4 */
    CHECK(is_open(r) || r->epoch == p->board->last.epoch);    /* [D17] */
    CHECK(r->events.data == p->events.data && r->events.len == p->events.len);
    CHECK(r->events.len > 0 && r->events.len <= RECORD_BYTES_MAX);
    for (unsigned j = 0; j < i && c->plan.record_count <= CHECK_FEW; j++)
        CHECK(c->planned[j].board != p->board); /* [D18] */
    check_kind(p, r);
}

static void check_round(const struct history_core *c)
{
    const struct history_plan *plan = &c->plan;
    CHECK(plan->load_count <= ROUND_LOADS_MAX && plan->record_count <= ROUND_BOARDS_MAX);
    CHECK(plan->load_count == 0 || plan->record_count == 0);
    CHECK(plan->load_count == 0 || c->loaded);
    CHECK(c->loaded || plan->record_count == 0);
    for (unsigned i = 0; i < plan->record_count && i < CHECK_FEW; i++)
        check_planned(c, i);
}

void history_core_invariants(const struct history_core *c)
{
    const struct board *b;
    uint64_t idle = 0;
    CHECK(c->idle_count <= c->config.tails_max);
    CHECK(c->stats.waiting_bytes <= HISTORY_WAITING_BYTES_MAX);
    CHECK(c->deleted_count <= HISTORY_DELETED_MAX);
    check_round(c);
    if (c->boards.count > CHECK_FEW || c->stats.waiting_requests > CHECK_FEW)
        return;
    TAILQ_FOREACH (b, &c->idle, list) {
        check_board(c, b);
        CHECK(!b->waits);
        idle++;
    }
    CHECK(idle == c->idle_count);
    check_waiting(c, idle);
}
