/* SPDX-License-Identifier: Apache-2.0
 *
 * A board's way through this process: somebody has it open, so we ask history for it (WAITING,
 * OPENING); the open event is stored, so it is ours (OPEN); we end its log and wait until that is
 * stored (ENDING). A refusal leads back to WAITING from everywhere: the log is the lock.
 */
#include "owner.h"

#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "checks.h"
#include "fanout.h"
#include "pen.h"
#include "rules.h"
#include "seats.h"
#include "sequencer.h"
#include "telling.h"

static bool has_members(const struct board *b)
{
    const struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link)
        if (at->entry_count > 0)
            return true;
    return false;
}

void owner_forget(struct board *b)
{
    struct board_core *c = b->core;
    sequencer_drop(b);
    while (!LIST_EMPTY(&b->attachments))
        attachment_free(LIST_FIRST(&b->attachments));
    seats_free(b);
    rules_free(b);
    if (b->is_dirty)
        TAILQ_REMOVE(&c->dirty, b, dirty_link);
    if (b->is_active)
        TAILQ_REMOVE(&c->active, b, active_link);
    TAILQ_REMOVE(&c->shard[b->shard].boards, b, shard_link);
    idmap_remove(&c->boards, &b->id);
    c->stats.boards_open -= board_has_log(b);
    c->stats.boards_opening -= b->ownership == BOARD_OPENING;
    free(b);
}

/* The next state, or the first one again. */
static bool may_become(enum ownership from, enum ownership to)
{
    return to == BOARD_WAITING ? from != BOARD_WAITING : from + 1 == to;
}

/* Every change of a board's state happens here. */
static void become(struct board *b, enum ownership to)
{
    CHECK(may_become(b->ownership, to));
    struct board_core_stats *stats = &b->core->stats;
    stats->boards_open -= board_has_log(b);
    stats->boards_opening -= b->ownership == BOARD_OPENING;
    b->ownership = to;
    stats->boards_open += board_has_log(b);
    stats->boards_opening += to == BOARD_OPENING;
    if (!board_has_log(b))
        sequencer_drop(b); /* nobody goes on in an epoch whose unstored events are lost */
    if (to == BOARD_OPENING)
        b->nonce = splitmix64(&b->core->random) & OFFSET_MAX;
    board_touch(b);
}

static void wait_and_open(struct board *b, uint64_t wait_ms)
{
    b->open_at = b->core->clock + wait_ms;
    become(b, BOARD_WAITING);
}

/* ---- taking over ----------------------------------------------------------------------------- */

/* The same question until it is answered: history knows it by (replica, nonce). */
static void put_open(struct board *b)
{
    CHECK(b->ownership == BOARD_OPENING);
    struct board_core *c = b->core;
    struct msg_open m = {b->id, c->config.self, b->nonce, b->over};
    struct id to = shard_destination(b->shard);
    outbox_put(c->out, EXCHANGE_HISTORY, &to, &b->id, &TYPE_open, &m);
    b->asked_at = c->clock;
    c->stats.opens++;
}

static void ask_to_open(struct board *b)
{
    CHECK(b->ownership == BOARD_WAITING);
    become(b, BOARD_OPENING);
    b->over = b->newest;
    put_open(b);
}

/* What its state names lies below the open event; above it there is room for all that we add. */
static bool is_sound(const struct msg_opened *m, struct log_state *ret)
{
    return m->epoch <= OFFSET_MAX - JUMP_MAX && log_state_of_opened(m, ret) == 0;
}

/* An answer to another question of ours may come any time late, when what it opened is over. */
static bool answers_us(const struct board *b, const struct msg_opened *m)
{
#ifdef EASEL_ANY_NONCE /* [D10], a simulator's switch: answers to older questions count, too */
    (void)b, (void)m;
    return true;
#else
    return m->nonce == b->nonce && m->epoch > b->over;
#endif
}

void owner_opened(struct board *b, const struct msg_opened *m)
{
    if (b->ownership != BOARD_OPENING || !answers_us(b, m)) {
        TRACE(b->core, &b->id, answer_ignored, m->epoch, b->log.epoch);
        return;
    }
    struct log_state state;
    /* A history service of before does not tell the rules: without them nobody is let in. */
    if (!is_sound(m, &state) || (state.rules > 0) != (m->rules.len > 0) ||
        rules_keep(b, m->rules) < 0) {
        b->core->stats.bad_messages++; /* we ask again */
        return;
    }
    TRACE(b->core, &b->id, epoch_begun, m->epoch, b->over);
    become(b, BOARD_OPEN);
    b->newest = m->epoch;
    b->incarnation = m->incarnation;
    memcpy(b->name, m->name.data, m->name.len);
    b->name[m->name.len] = '\0';
    b->empty_since = NEVER;
    sequencer_start(b, m, &state);
    pen_start(b);
    /* Before the very first owner (event 2, after created) nobody had a seat. */
    seats_start(b, m->clean == 1 || m->epoch == 2);
    fanout_start(b, m->time);
}

bool owner_same_store(struct board *b, uint64_t incarnation)
{
    if (!is_other_past(b->incarnation, incarnation))
        return true;
    TRACE(b->core, &b->id, store_changed, b->log.epoch);
    b->newest = 0; /* its epochs were others */
    b->core->stats.stores_changed++;
    wait_and_open(b, 0);
    return false;
}

/* Who held the board leaves it to the one who took it. If it hears the other, both soon agree on
 * who should have it, and the other may be about to release it. Else it asks again only after a
 * while: two who do not hear each other must not take the board from one another all the time. */
static void fenced(struct board *b, const struct msg_refused *m)
{
    CHECK(board_has_log(b));
    struct board_core *c = b->core;
    c->stats.fenced++;
    bool unheard = peers_trust(c->peers, c->now, &m->replica, c->now + TRUST_MS);
    uint64_t span = WAIT_FENCED_HIGH_MS - WAIT_FENCED_LOW_MS + 1;
    uint64_t wait_ms = WAIT_RELEASE_MS + smaller(m->wait_ms, WAIT_REFUSED_MAX_MS);
    if (unheard) {
        wait_ms = WAIT_FENCED_LOW_MS + (splitmix64(&c->random) & OFFSET_MAX) % span;
        c->owners_changed = true; /* the shard may be the other's now */
    }
    TRACE(c, &b->id, epoch_lost, b->log.epoch, b->newest, wait_ms);
    wait_and_open(b, wait_ms);
}

void owner_refused(struct board *b, const struct msg_refused *m)
{
    bool open = b->ownership == BOARD_OPENING && m->nonce != 0 && m->nonce == b->nonce;
    bool append = board_has_log(b) && m->nonce == 0 && m->asked == b->log.epoch;
    if (!open && !append) {
        TRACE(b->core, &b->id, answer_ignored, m->asked, b->log.epoch);
        return;
    }
    if (append && !owner_same_store(b, m->incarnation))
        return;
    if (append && m->newest > b->log.epoch + JUMP_MAX) {
        b->core->stats.bad_messages++; /* no nonce says that it answers us */
        return;
    }
    b->newest = m->newest;
    if (append) {
        fenced(b, m);
        return;
    }
    b->core->stats.opens_refused++;
    uint64_t wait_ms = smaller(m->wait_ms, WAIT_REFUSED_MAX_MS);
    if (wait_ms == 0 && m->newest == b->over)
        wait_ms = OPEN_AGAIN_MS; /* it cannot say why: do not ask at the speed of the wire */
    TRACE(b->core, &b->id, open_refused, b->over, m->newest, wait_ms);
    wait_and_open(b, wait_ms);
}

/* ---- letting go ------------------------------------------------------------------------------ */

static void end(struct board *b, enum append_flag flag)
{
    CHECK(b->ownership == BOARD_OPEN);
    become(b, BOARD_ENDING);
    sequencer_end(b, flag);
}

void owner_let_go(struct board *b)
{
    if (b->ownership == BOARD_OPEN)
        end(b, APPEND_RELEASED);
    else if (b->ownership != BOARD_ENDING)
        owner_forget(b);
}

void owner_no_board(struct board *b)
{
    const struct attachment *at;
    TRACE(b->core, &b->id, board_forgotten, b->log.epoch);
    LIST_FOREACH (at, &b->attachments, board_link)
        TELL(b, &at->list->gateway, no_board);
    owner_forget(b);
}

static void ended(struct board *b)
{
    CHECK(b->log.mark == b->log.head && b->log.end_flags != 0);
    if (b->log.end_flags & APPEND_DELETED)
        owner_no_board(b);
    else
        wait_and_open(b, 0); /* somebody may have come meanwhile */
}

/* Somebody has it open, and it is up to us. */
static bool is_ours_to_open(const struct board *b)
{
    CHECK(b->ownership == BOARD_WAITING);
    return b->core->shard[b->shard].wanted && !b->core->leaving &&
           (has_members(b) || b->delete_wanted);
}

/* ---- turns ----------------------------------------------------------------------------------- */

static void watch_emptiness(struct board *b)
{
    CHECK(b->ownership == BOARD_OPEN);
    uint64_t clock = b->core->clock;
    if (has_members(b))
        b->empty_since = NEVER;
    else if (b->empty_since == NEVER)
        b->empty_since = clock;
    if (b->empty_since != NEVER && clock >= b->empty_since + RELEASE_EMPTY_MS)
        end(b, APPEND_RELEASED);
}

static void speak(struct board *b)
{
    CHECK(board_has_log(b));
    sequencer_turn(b);
    fanout_turn(b);
    if (b->ownership == BOARD_OPEN)
        telling_turn(b);
    if (b->flush)
        fanout_flush(b);
    b->flush = false;
}

static void turn_open(struct board *b)
{
    CHECK(b->ownership == BOARD_OPEN);
    seats_update(b);
    watch_emptiness(b);
    if (b->ownership == BOARD_OPEN && b->delete_wanted)
        end(b, APPEND_DELETED);
    if (b->ownership == BOARD_OPEN)
        pen_turn(b);
    speak(b);
}

static uint64_t deadline(const struct board *b)
{
    if (b->ownership == BOARD_WAITING)
        return b->open_at;
    if (b->ownership == BOARD_OPENING)
        return b->asked_at + OPEN_AGAIN_MS;
    uint64_t at = smaller(sequencer_deadline(b), fanout_deadline(b));
    if (b->ownership == BOARD_OPEN)
        at = smaller(at, smaller(seats_deadline(b), pen_deadline(b)));
    if (b->ownership == BOARD_OPEN && b->empty_since != NEVER)
        at = smaller(at, b->empty_since + RELEASE_EMPTY_MS);
    return at;
}

/* Puts the board where the next sweep finds it, on the grid of segments. */
static void schedule(struct board *b)
{
    struct board_core *c = b->core;
    uint64_t interval = c->config.segment_ms, at = deadline(b);
    if (at != NEVER) {
        at = at > c->clock ? at : c->clock + 1;
        at = (at + interval - 1) / interval * interval;
        c->sweep_at = smaller(c->sweep_at, at);
    }
    b->deadline = at;
    if ((at != NEVER) == b->is_active)
        return;
    b->is_active = at != NEVER;
    if (b->is_active)
        TAILQ_INSERT_TAIL(&c->active, b, active_link);
    else
        TAILQ_REMOVE(&c->active, b, active_link);
}

void owner_turn(struct board *b)
{
    CHECK(!b->is_dirty);
    uint64_t clock = b->core->clock;
    switch (b->ownership) {
    case BOARD_WAITING:
        if (!is_ours_to_open(b)) {
            owner_forget(b);
            return;
        }
        if (clock >= b->open_at)
            ask_to_open(b);
        break;
    case BOARD_OPENING:
        if (clock >= b->asked_at + OPEN_AGAIN_MS)
            put_open(b);
        break;
    case BOARD_OPEN:
        turn_open(b);
        break;
    case BOARD_ENDING:
        speak(b);
        if (b->log.mark == b->log.head) {
            ended(b);
            return;
        }
        break;
    }
    schedule(b);
}
