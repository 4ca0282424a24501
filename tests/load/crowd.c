/* SPDX-License-Identifier: Apache-2.0 */
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMPLAINTS_MAX 20u

static struct member *member_of(struct ws_client *c)
{
    return (struct member *)c;
}

void complain(struct member *m, uint64_t *counter, const char *what, struct span why)
{
    (*counter)++;
    if (m->crowd->complaints++ < COMPLAINTS_MAX)
        fprintf(stderr, "load: %s of %s: %s %.*s\n", m->draws ? "drawer" : "viewer",
                m->board->id.text, what, (int)why.len, (const char *)why.data);
}

void member_send(struct member *m, struct buf *frame)
{
    ws_client_send(&m->ws, buf_span(frame));
    buf_free(frame);
}

static void came_in(struct member *m)
{
    m->crowd->welcome += !m->welcome;
    m->welcome = true;
}

/* ---- events ---------------------------------------------------------------------------------- */

/* The slot of a frame that is measured, or NULL. */
static struct sent *measured(struct board *b, uint64_t cseq)
{
    struct sent *s = &b->sent[cseq % FRAMES_UNSAVED_MAX];
    return s->cseq == cseq && s->at_ns != 0 ? s : NULL;
}

static void measure_view(struct member *m, uint64_t cseq, uint64_t now)
{
    struct latencies *l = &m->crowd->latencies;
    struct sent *s = measured(m->board, cseq);
    if (s == NULL || m->stalled || m->errand != STAYS)
        return;
    histogram_add(&l->view, (now - s->at_ns) / 1000);
    if (s->seen++ == 0)
        s->first_seen_ns = now;
    if (s->seen == m->board->readers)
        histogram_add(&l->skew, (now - s->first_seen_ns) / 1000);
}

/* Offsets without holes. False: the event is one that we have. */
static bool apply(struct member *m, uint64_t offset)
{
    if (offset <= m->applied) {
        complain(m, &m->crowd->tally.repeated, "an offset again", span_of(""));
        return false;
    }
    if (offset != m->applied + 1)
        complain(m, &m->crowd->tally.disordered, "a hole in the offsets", span_of(""));
    m->applied = offset;
    return true;
}

/* A frame of the drawer, as a viewer sees it. */
static void take_drawn(struct member *m, uint64_t offset, uint64_t term, uint64_t cseq,
                       uint64_t now)
{
    struct tally *t = &m->crowd->tally;
    if (!apply(m, offset))
        return;
    uint64_t next = m->cseq + 1;
    if (term != m->board->term)
        complain(m, &t->disordered, "a frame of another term", span_of(""));
    else if (cseq > next)
        complain(m, &t->lost, "a frame is missing", span_of(""));
    else if (cseq < next && !m->was_cut)
        complain(m, &t->repeated, "a frame again", span_of(""));
    m->was_cut = false;
    m->cseq = cseq;
    t->deliveries++;
    measure_view(m, cseq, now);
}

/* The mark moved: what the drawer's frames are at or below it is saved. */
static void settle(struct member *m, uint64_t now)
{
    struct board *b = m->board;
    uint64_t mark = smaller(m->told, m->applied);
    if (m->grant != 0 && m->grant <= mark && b->term != m->grant) {
        b->term = m->grant;
        came_in(m);
    }
    while (b->saved < b->cseq) {
        struct sent *s = &b->sent[(b->saved + 1) % FRAMES_UNSAVED_MAX];
        if (s->offset == 0 || s->offset > mark)
            break;
        if (s->at_ns != 0)
            histogram_add(&m->crowd->latencies.stored, (now - s->at_ns) / 1000);
        b->saved++;
    }
}

/* Each frame of the drawer is acked once, and in order. */
static void take_acked(struct member *m, uint64_t offset, uint64_t cseq)
{
    struct sent *s = &m->board->sent[cseq % FRAMES_UNSAVED_MAX];
    if (cseq > m->cseq + 1)
        complain(m, &m->crowd->tally.lost, "a frame was left out", span_of(""));
    else if (cseq <= m->cseq && !m->was_cut)
        complain(m, &m->crowd->tally.repeated, "a frame is acked again", span_of(""));
    m->was_cut = false;
    m->cseq = cseq;
    m->applied = offset;
    if (s->cseq == cseq)
        s->offset = offset;
}

/* Own frames come as a run, of which we may have the first part. */
static void take_own(struct member *m, const struct msg_own *own)
{
    if (own->term != m->board->term || own->offset > m->applied + 1)
        complain(m, &m->crowd->tally.disordered, "a hole before an own run", span_of(""));
    for (uint64_t i = 0; i < own->count; i++)
        if (own->offset + i > m->applied)
            take_acked(m, own->offset + i, own->cseq + i);
}

static void take_grant(struct member *m, const struct msg_ev_grant *g)
{
    if (!apply(m, g->offset) || !m->draws)
        return;
    bool ours = id_equal(&g->member, &m->id) && g->instance == m->instance;
    if (m->board->term != 0)
        complain(m, &m->crowd->tally.pens_lost, "another grant", span_of(""));
    else if (ours)
        m->grant = g->offset;
}

/* What was not stored is taken back. It comes again, maybe at other offsets. */
static void take_cut(struct member *m, uint64_t to)
{
    uint64_t mark = smaller(m->told, m->applied);
    uint64_t down_to = to > mark ? to : mark;
    m->crowd->tally.cuts++;
    if (down_to >= m->applied)
        return;
    m->applied = down_to;
    m->told = smaller(m->told, down_to);
    m->was_cut = true;
    for (uint64_t i = m->board->saved + 1; m->draws && i <= m->board->cseq; i++) {
        struct sent *s = &m->board->sent[i % FRAMES_UNSAVED_MAX];
        if (s->offset > down_to)
            s->offset = 0;
    }
}

/* ---- frames from the gateway ----------------------------------------------------------------- */

union incoming {
    struct msg_welcome welcome;
    struct msg_own own;
    struct msg_mark mark;
    struct msg_cut cut;
    struct msg_error error;
    struct msg_ev_grant grant;
    struct msg_ev_begin begin;
    struct msg_ev_points points;
    struct msg_ev_created created; /* open and released begin with their offset, as it does */
    struct msg_ev_open open;
    struct msg_ev_released released;
};

/* Who was here before gets on from its mark: what it had above comes again. */
static void resume(struct member *m, const struct msg_welcome *w)
{
    m->applied = smaller(m->told, m->applied);
    m->was_cut = true;
    m->waits = false;
    if (w->start != m->applied)
        complain(m, &m->crowd->tally.disordered, "a resume elsewhere than asked", span_of(""));
    if (m->crowd->measuring)
        histogram_add(&m->crowd->latencies.back, (now_ns() - m->came_ns) / 1000);
}

static void take_welcome(struct member *m, const struct msg_welcome *w)
{
    struct buf out = {0};
    m->id = w->member;
    if (m->welcomes++ > 0)
        resume(m, w);
    m->applied = w->start;
    m->told = w->mark;
    if (!m->draws) {
        came_in(m);
        return;
    }
    PUT(&out, ask);
    member_send(m, &out);
}

static void take_error(struct member *m, const struct msg_error *e)
{
    static const char WAITING[] = "waiting";
    if (e->code.len == sizeof WAITING - 1 &&
        memcmp(e->code.data, WAITING, e->code.len) == 0) /* it stays, and the welcome comes */
        m->crowd->tally.waits++;
    else
        complain(m, &m->crowd->tally.errors, "is told", e->sentence);
}

static void take(struct member *m, unsigned code, const union incoming *in, uint64_t now)
{
    switch (code) {
    case MSG_welcome:
        take_welcome(m, &in->welcome);
        break;
    case MSG_ev_begin:
        take_drawn(m, in->begin.offset, in->begin.term, in->begin.cseq, now);
        break;
    case MSG_ev_points:
        take_drawn(m, in->points.offset, in->points.term, in->points.cseq, now);
        break;
    case MSG_own:
        take_own(m, &in->own);
        break;
    case MSG_mark:
        m->told = in->mark.mark;
        m->crowd->tally.troubled += in->mark.flags != 0;
        break;
    case MSG_ev_grant:
        take_grant(m, &in->grant);
        break;
    case MSG_cut:
        take_cut(m, in->cut.to);
        break;
    case MSG_error:
        take_error(m, &in->error);
        break;
    case MSG_ev_created:
    case MSG_ev_open:
    case MSG_ev_released:
        apply(m, in->open.offset);
        break;
    }
}

/* The rest, like the state of a board, is skipped: it is not what is measured. */
static bool is_taken(unsigned code)
{
    switch (code) {
    case MSG_welcome:
    case MSG_own:
    case MSG_mark:
    case MSG_cut:
    case MSG_error:
    case MSG_ev_created:
    case MSG_ev_open:
    case MSG_ev_released:
    case MSG_ev_grant:
    case MSG_ev_begin:
    case MSG_ev_points:
        return true;
    default:
        return false;
    }
}

static int take_next(struct member *m, struct cursor *in, uint64_t now)
{
    union incoming message;
    unsigned code;
    uint32_t fields;
    int r = message_begin(in, &code, &fields);
    if (r == 0 && is_taken(code)) {
        r = message_fields(in, message_type(code), fields, false, &message, NULL);
        if (r == 0)
            take(m, code, &message, now);
        return r;
    }
    for (uint32_t i = 0; r == 0 && i < fields; i++)
        r = wire_skip(in);
    return r;
}

static void on_message(struct ws_client *c, struct span message, uint64_t now)
{
    struct member *m = member_of(c);
    struct cursor in = cursor_of(message.data, message.len);
    m->crowd->tally.bytes += message.len;
    while (cursor_left(&in) > 0) {
        if (take_next(m, &in, now) < 0) {
            complain(m, &m->crowd->tally.bad, "cannot read a message", span_of(""));
            return;
        }
    }
    if (m->draws && !m->crowd->relay)
        settle(m, now);
}

/* The first hello, a resume of the same instance, or one of a new instance of the same person. */
static void say_hello(struct member *m)
{
    struct buf out = {0};
    uint64_t from = m->hellos > 0 ? smaller(m->told, m->applied) : NIL;
    if (m->hellos == 0)
        for (size_t i = 0; i < sizeof m->session; i++)
            m->session[i] = (uint8_t)random();
    if (m->hellos == 0 || m->errand == RELOADS) {
        m->instance = (uint64_t)random() + 1;
        m->conn = 0;
    }
    m->conn++;
    m->hellos++;
    PUT(&out, hello, span_of(m->token), {m->session, sizeof m->session}, m->instance, m->conn,
        span_of(m->draws ? "drawer" : "viewer"), from, NIL, FEATURES);
    member_send(m, &out);
}

static void on_open(struct ws_client *c)
{
    struct member *m = member_of(c);
    if (m->crowd->relay) {
        m->board->term = 1;
        came_in(m);
    } else {
        say_hello(m);
    }
}

static void on_close(struct ws_client *c)
{
    struct member *m = member_of(c);
    char code[16];
    snprintf(code, sizeof code, "%u", c->close_code);
    complain(m, &m->crowd->tally.closed, "connection closed", span_of(code));
}

const struct ws_client_handler MEMBER = {on_open, on_message, on_close};

uint64_t crowd_missing(const struct crowd *c)
{
    uint64_t missing = 0;
    for (unsigned i = 0; i < c->board_count * c->members_each; i++) {
        const struct member *m = &c->members[i];
        if (!m->draws)
            missing += m->board->cseq - smaller(m->cseq, m->board->cseq);
        else if (!c->relay)
            missing += m->board->cseq - m->board->saved;
    }
    return missing;
}
