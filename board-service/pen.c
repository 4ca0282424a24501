/* SPDX-License-Identifier: Apache-2.0
 *
 * One rule stands before all others: while a grant is not stored, nothing here happens.
 */
#include "pen.h"

#include "checks.h"
#include "fanout.h"
#include "members.h"
#include "rules.h"
#include "seats.h"
#include "sequencer.h"

void pen_start(struct board *b)
{
    CHECK(b->ownership == BOARD_OPEN);
    b->pen = (struct pen){.term = b->log.stored.term,
                          .lost_at = NEVER,
                          .grace_until = NEVER,
                          .active_at = b->core->clock,
                          .wait_since = NEVER};
}

static void active(struct board *b, uint64_t at)
{
    b->pen.active_at = at;
    if (!b->pen.passing)
        return;
    b->pen.passing = false;
    b->seats.stale = true;
    board_touch(b);
}

bool pen_points(struct board *b, const struct msg_pointing *m)
{
    const struct log_state *s = &b->log.stored;
    if (sequencer_grant_pending(b) || !id_equal(&s->holder, &m->member) ||
        s->instance != m->instance)
        return false;
    active(b, b->core->clock);
    b->pen.points = true;
    b->pen.x = m->x;
    b->pen.y = m->y;
    board_touch(b);
    return true;
}

/* Once a turn: a place costs a message to each gateway, however many came. */
static void tell_place(struct board *b)
{
    if (b->pen.points)
        fanout_pointer(b, b->pen.x, b->pen.y);
    b->pen.points = false;
}

/* To the connection of `m` that counts, or to nobody. */
static void give_after(struct board *b, struct member *m, uint64_t last)
{
    CHECK(!m || (m->seated && m->role != ROLE_WATCH)); /* P3 */
    uint64_t term = sequencer_grant(b, m, m ? m->newest.instance : 0, last);
    if (!m)
        return;
    m->granted = term; /* its request is served, whatever older lists say */
    m->request = REQUEST_NONE;
}

void pen_give(struct board *b, struct member *m)
{
    give_after(b, m, b->log.newest.cseq);
}

bool pen_may_have(const struct board *b, const struct member *m)
{
    bool has_it = member_holds(b, m) && m->newest.instance == b->log.stored.instance;
    return m->seated && m->connected && m->role != ROLE_WATCH && !has_it;
}

/* To somebody who is not there the pen is put down; whoever waits gets it by the next grant. */
static void hand_over(struct board *b)
{
    CHECK(b->log.pass.cseq != 0);
    struct member *m = members_find(b, &b->log.pass.to);
    if (m && (!m->seated || !m->connected || m->role == ROLE_WATCH))
        m = NULL;
    if (!m)
        TRACE(b->core, &b->id, pen_put_down, b->log.newest.term, b->log.pass.cseq);
    give_after(b, m, b->log.pass.cseq);
}

/* A grant is stored, the holder has drawn, or handed the pen over. */
static void follow_log(struct board *b)
{
    const struct log *l = &b->log;
    if (b->pen.term != l->stored.term)
        pen_start(b);
    if (l->active_at > b->pen.active_at)
        active(b, l->active_at);
    if (l->pass.cseq)
        hand_over(b);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* A page that was reloaded has no use for the pen of the one before it: the instance counts. */
static void watch_holder(struct board *b, const struct member *holder)
{
    CHECK(!sequencer_grant_pending(b)); /* [D22] */
    struct pen *p = &b->pen;
    bool here = holder && holder->pen_is_here && !holder->outside;
    bool lost = !id_empty(&b->log.stored.holder) && !here;
    if (lost != (p->lost_at != NEVER))
        p->lost_at = lost ? b->core->clock : NEVER;
}

/* When the pen of a holder who is lost becomes free. It is kept as long as nobody else has a use
 * for it: the grace runs from when both somebody waits and the holder is lost. Who left for good,
 * whose seat went to somebody else, and who is here with another page keeps nothing. */
static uint64_t free_at(const struct board *b, const struct member *holder)
{
    const struct pen *p = &b->pen;
    const struct board_core_config *config = &b->core->config;
    uint64_t heard_all = members_heard_all(b);
    if (p->lost_at == NEVER)
        return NEVER;
    if (holder && (holder->left || holder->outside))
        return p->lost_at;
    if (holder && (holder->connected || !holder->seated))
        return larger(p->lost_at + config->pen_grace_ms, heard_all);
    if (p->wait_since != NEVER)
        return larger(larger(p->lost_at, p->wait_since) + config->pen_grace_ms, heard_all);
    return larger(p->lost_at + larger(config->pen_keep_ms, config->pen_grace_ms), heard_all);
}

static void count_down(struct board *b, const struct member *holder)
{
    uint64_t until = free_at(b, holder);
    if (until == b->pen.grace_until)
        return;
    b->pen.grace_until = until;
    b->seats.stale = true;
}

/* When an idle holder's pen passes on: after half of the interval it is warned, and never later
 * than half of it before. While who owns the board is there it is for them to give it on. */
static uint64_t passes_at(const struct board *b)
{
    const struct pen *p = &b->pen;
    uint64_t idle = b->core->config.pen_idle_ms;
    if (p->wait_since == NEVER || id_empty(&b->log.stored.holder) || b->log.busy ||
        (seats_owner_here(b) && !rules_have(b, RULE_IDLE)))
        return NEVER;
    uint64_t idle_end = p->active_at + idle, warned = p->wait_since + idle / 2;
    return larger(idle_end, warned);
}

static uint64_t warns_at(const struct board *b)
{
    uint64_t at = passes_at(b);
    return at == NEVER ? NEVER : at - b->core->config.pen_idle_ms / 2;
}

static void watch_line(struct board *b)
{
    struct pen *p = &b->pen;
    if (!seats_first_in_line(b))
        p->wait_since = NEVER;
    else if (p->wait_since == NEVER)
        p->wait_since = b->core->clock;
    bool passing = b->core->clock >= warns_at(b);
    if (passing != p->passing)
        b->seats.stale = true;
    p->passing = passing;
}

/* To who has waited longest, or to nobody. */
static void withdraw(struct board *b)
{
    uint64_t clock = b->core->clock, lost_ms = b->pen.lost_at == NEVER ? 0 : clock - b->pen.lost_at;
    TRACE(b->core, &b->id, pen_withdrawn, b->pen.term, lost_ms, clock - b->pen.active_at);
    pen_give(b, seats_first_in_line(b));
}

static void take(struct board *b, struct member *taker)
{
    TRACE(b->core, &b->id, pen_taken, b->pen.term);
    pen_give(b, taker);
}

/* The holder's own session asks with another instance: a reload, or a second tab. */
static bool asks_anew(const struct board *b, const struct member *holder)
{
    return holder && member_asks(holder) && holder->newest.instance != b->log.stored.instance;
}

void pen_turn(struct board *b)
{
    CHECK(b->ownership == BOARD_OPEN);
    follow_log(b);
    if (sequencer_grant_pending(b))
        return;
    tell_place(b);
    const struct id *id = &b->log.stored.holder;
    struct member *holder = id_empty(id) ? NULL : members_find(b, id);
    struct member *taker = seats_taker(b);
    watch_holder(b, holder);
    watch_line(b);
    count_down(b, holder);

    if (b->log.full && !id_empty(id))
        pen_give(b, NULL);
    else if (b->log.full)
        return; /* it is lent to nobody any more */
    else if (taker)
        take(b, taker);
    else if (asks_anew(b, holder))
        pen_give(b, holder);
    else if (b->core->clock >= b->pen.grace_until || b->core->clock >= passes_at(b))
        withdraw(b);
    else if (id_empty(id) && seats_first_in_line(b))
        pen_give(b, seats_first_in_line(b));
}

static uint64_t left(uint64_t until, uint64_t clock)
{
    return until > clock ? until - clock : 1;
}

uint64_t pen_grace_left(const struct board *b)
{
    return b->pen.grace_until == NEVER ? 0 : left(b->pen.grace_until, b->core->clock);
}

uint64_t pen_pass_left(const struct board *b)
{
    uint64_t at = passes_at(b);
    return b->pen.passing && at != NEVER ? left(at, b->core->clock) : 0;
}

uint64_t pen_deadline(const struct board *b)
{
    if (sequencer_grant_pending(b))
        return NEVER;
    return smaller(b->pen.grace_until, b->pen.passing ? passes_at(b) : warns_at(b));
}
