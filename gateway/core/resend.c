/* SPDX-License-Identifier: Apache-2.0
 *
 * When a drawer's frames go to the owner, and when again. Nothing but the log acks them, and either
 * may be lost.
 *
 * While the owner answers, a frame goes at once. Without an answer for a second the session goes
 * back to its first frame that the log is not known to have, and sends that one alone, after 1, 2,
 * 4, 8, 8 ... s; the others, and what is drawn meanwhile, wait for an answer and follow it. A new
 * owner gets that first frame at once. While a board's owner says nothing at all, its sessions take
 * turns: so a board without an owner costs the broker one frame in 8 s, however much waits.
 *
 * What is sent in this way, again or late, shares a budget over all boards, and so does what
 * somebody sends who does not have the pen: sessions take turns of a few bytes, so that one with
 * much to send does not make the others wait.
 */
#include "gateway_core_private.h"

#include "checks.h"

static bool owner_answers(const struct board *b, uint64_t now)
{
    return b->core->link_up && !id_empty(&b->owner) &&
           (b->asked_at == 0 || now - b->asked_at < RESEND_MS);
}

static bool is_logged(const struct session *s, const struct kept *k)
{
    return k->term == s->term && k->cseq <= s->logged;
}

/* Frames wait for an answer; the newest is logged last. */
static bool awaits(const struct session *s)
{
    const struct kept *last = TAILQ_LAST(&s->kept, kept_frames);
    return last && !is_logged(s, last);
}

static void send_frame(struct session *s, uint64_t now, struct kept *k)
{
    CHECK(s->board->core->link_up && k->len > 0);
    struct board *b = s->board;
    struct id to = id_empty(&b->owner) ? shard_destination(b->shard) : b->owner;
    struct msg_frame m = {b->id,   s->member,     s->instance, {k->frame, k->len},
                          s->role, b->incarnation};
    outbox_put(b->core->outbox, EXCHANGE_BOARD, &to, &b->id, &TYPE_frame, &m);
    if (b->asked_at == 0)
        b->asked_at = now;
    b->core->stats.resent += k->sent;
    k->sent = true;
}

/* ---- turns ----------------------------------------------------------------------------------- */

static void take_turn(struct session *s)
{
    CHECK(s->resend.next != NULL);
    struct gateway_core *c = s->board->core;
    if (s->resend.in_turn)
        return;
    s->resend.in_turn = true;
    s->resend.credit = 0;
    c->stats.resends_waiting++;
    TAILQ_INSERT_TAIL(&c->resend.turns, s, resend.turn_link);
}

void resend_leave(struct session *s)
{
    struct gateway_core *c = s->board->core;
    if (!s->resend.in_turn)
        return;
    s->resend.in_turn = false;
    c->stats.resends_waiting--;
    TAILQ_REMOVE(&c->resend.turns, s, resend.turn_link);
}

/* True when it has nothing more to send for now. */
static bool send_some(struct session *s, uint64_t now)
{
    struct gateway_core *c = s->board->core;
    struct kept *k;
    while ((k = s->resend.next)) {
        uint32_t bytes = k->len + RESEND_FRAME_BYTES;
        if (bytes > s->resend.credit)
            return false;
        s->resend.next = TAILQ_NEXT(k, link);
        if (is_logged(s, k))
            continue;
        s->resend.credit -= bytes;
        c->resend.bytes -= bytes;
        send_frame(s, now, k);
        if (s->resend.alone)
            return true;
    }
    return true;
}

static void fill(struct gateway_core *c, uint64_t now)
{
    uint64_t passed = now > c->resend.filled_at ? now - c->resend.filled_at : 0;
    c->resend.filled_at = now;
    c->resend.bytes += (int64_t)(smaller(passed, 1000) * RESEND_BYTES_S / 1000);
    if (c->resend.bytes > (int64_t)RESEND_BURST)
        c->resend.bytes = RESEND_BURST;
}

void resend_run(struct gateway_core *c, uint64_t now)
{
    struct session *s;
    if (!c->link_up)
        return;
    fill(c, now);
    while ((s = TAILQ_FIRST(&c->resend.turns))) {
        if (c->resend.bytes <= 0) {
            c->stats.resends_delayed++;
            return;
        }
        s->resend.credit += RESEND_TURN_BYTES;
        bool done = send_some(s, now);
        uint32_t credit = s->resend.credit;
        resend_leave(s);
        if (done)
            continue;
        take_turn(s);
        s->resend.credit = credit;
    }
}

/* ---- one session ----------------------------------------------------------------------------- */

/* What is logged is looked at again later: it may be stored, and nobody have said so. */
void resend_wait(struct session *s, uint64_t now)
{
    s->resend.wait_ms = RESEND_MS;
    s->resend.at = UINT64_MAX;
    if (TAILQ_EMPTY(&s->kept))
        return;
    s->resend.at = now + (awaits(s) ? RESEND_MS : RESEND_MAX_MS);
    board_wake(s->board);
}

/* All of its frames are logged and all of the log is stored, yet they are not acked: their events
 * came before these frames did (again), and the owner's word that they are stored was lost. So the
 * owner is asked. */
static void doubt_logged(struct session *s)
{
    if (!awaits(s) && s->board->window.told >= s->board->head)
        s->logged = 0;
}

static void double_up(uint64_t *wait_ms)
{
    *wait_ms = *wait_ms * 2 < RESEND_MAX_MS ? *wait_ms * 2 : RESEND_MAX_MS;
}

/* Back to the first frame that the log is not known to have: it goes alone. */
static void go_back(struct session *s)
{
    CHECK(!TAILQ_EMPTY(&s->kept));
    struct kept *k;
    TAILQ_FOREACH (k, &s->kept, link)
        if (!is_logged(s, k))
            break;
    s->resend.next = k;
    s->resend.alone = true;
    if (!k)
        return;
    TRACE(s->board->core, &s->board->id, frame_goes_again, k->cseq, k->term, s->resend.wait_ms);
    take_turn(s);
}

/* Of who has the pen it goes at once: the owner bounds what a board takes. Of others it is most
 * likely refused, and shares the budget. */
static void send_new(struct session *s, uint64_t now, struct kept *k)
{
    CHECK(s->resend.next == k && !s->resend.alone);
    if (session_draws(s) && k->term == s->term) {
        s->resend.next = NULL;
        send_frame(s, now, k);
        return;
    }
    take_turn(s);
    resend_run(s->board->core, now);
}

void resend_kept(struct session *s, uint64_t now, struct kept *k)
{
    CHECK(k == TAILQ_LAST(&s->kept, kept_frames));
    const struct kept *before = TAILQ_PREV(k, kept_frames, link);
    bool first = !before || is_logged(s, before); /* that waits for an answer */
    if (!s->resend.next)
        s->resend.next = k;
    if (!owner_answers(s->board, now))
        s->resend.alone = true;
    else if (first)
        s->resend.alone = false;
    if (s->resend.next == k && !s->resend.alone)
        send_new(s, now, k);
    if (!first)
        return;
    resend_wait(s, now);
    if (s->resend.alone) {
        s->resend.at = now;
        s->resend.wait_ms = RESEND_MS / 2;
        resend_tick(s->board, now);
        resend_run(s->board->core, now);
    }
}

void resend_forgotten(struct session *s, const struct kept *k)
{
    if (s->resend.next == k)
        s->resend.next = TAILQ_NEXT(k, link);
}

void resend_answered(struct session *s, uint64_t now)
{
    s->resend.alone = false;
    resend_wait(s, now);
    if (s->resend.next)
        take_turn(s);
}

/* Everything from the wanted frame on goes again; but once in a while only, since each frame that
 * was on its way makes the owner want the same one. */
void resend_wanted(struct session *s, uint64_t now, const struct msg_want *m)
{
    uint32_t cseq = (uint32_t)m->cseq;
    if (m->term == s->term) {
        s->logged = cseq - 1;
        s->logged_at = UINT64_MAX; /* perhaps not stored: a cut takes it back */
    }
    if (cseq == s->resend.wanted && now - s->resend.wanted_at < RESEND_MS && !s->resend.alone)
        return;
    s->resend.wanted = cseq;
    s->resend.wanted_at = now;
    struct kept *k;
    TAILQ_FOREACH (k, &s->kept, link)
        if (k->term > m->term || (k->term == m->term && k->cseq >= cseq))
            break;
    s->resend.next = k;
    resend_answered(s, now);
}

/* ---- a board --------------------------------------------------------------------------------- */

void resend_heard(struct board *b, uint64_t now, bool news)
{
    bool again = news || !owner_answers(b, now);
    b->asked_at = b->probe_at = 0;
    b->probe_ms = RESEND_MS;
    if (!again)
        return;
    struct session *s;
    LIST_FOREACH (s, &b->sessions, link) {
        resend_wait(s, now);
        if (awaits(s))
            go_back(s);
    }
}

static struct session *longest_due(const struct board *b, uint64_t now)
{
    struct session *s, *due = NULL;
    LIST_FOREACH (s, &b->sessions, link)
        if (s->resend.at <= now && (!due || s->resend.at < due->resend.at))
            due = s;
    return due;
}

bool resend_tick(struct board *b, uint64_t now)
{
    struct session *s;
    while (b->core->link_up && (s = longest_due(b, now))) {
        doubt_logged(s);
        if (!awaits(s)) {
            resend_wait(s, now);
            continue;
        }
        bool answers = owner_answers(b, now);
        if (!answers && now < b->probe_at)
            break;
        if (!answers) {
            b->probe_at = now + b->probe_ms;
            double_up(&b->probe_ms);
        }
        double_up(&s->resend.wait_ms);
        s->resend.at = now + s->resend.wait_ms;
        go_back(s);
    }
    LIST_FOREACH (s, &b->sessions, link)
        if (s->resend.at != UINT64_MAX)
            return true;
    return false;
}
