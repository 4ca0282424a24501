/* SPDX-License-Identifier: Apache-2.0 */
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COMPLAINTS_MAX 20u
#define POINT_BYTES    4u

static struct member *member_of(struct ws_client *c)
{
    return (struct member *)c;
}

static void complain(struct member *m, uint64_t *counter, const char *what, struct span why)
{
    (*counter)++;
    if (m->crowd->complaints++ < COMPLAINTS_MAX)
        fprintf(stderr, "load: %s of %s: %s %.*s\n", m->draws ? "drawer" : "viewer",
                m->board->id.text, what, (int)why.len, (const char *)why.data);
}

static void came_in(struct member *m)
{
    m->crowd->welcome += !m->welcome;
    m->welcome = true;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- what a drawer sends --------------------------------------------------------------------- */

static void send_frame(struct member *m, struct buf *frame)
{
    ws_client_send(&m->ws, buf_span(frame));
    buf_free(frame);
}

/* A wave of the pen: the deltas are small, as a hand's are. */
static struct span some_points(unsigned points, uint64_t cseq)
{
    static uint8_t data[1024 * POINT_BYTES];
    for (unsigned i = 0; i < points; i++) {
        uint8_t *p = data + i * POINT_BYTES;
        p[0] = p[2] = 0;
        p[1] = (uint8_t)(cseq + i);
        p[3] = (uint8_t)(cseq * 3 + i);
    }
    return (struct span){data, points * POINT_BYTES};
}

static void put_frame(struct buf *out, struct board *b, unsigned points)
{
    struct span p = some_points(points, b->cseq);
    uint64_t flags = b->cseq % FRAMES_A_STROKE == 0 ? STROKE_END : 0;
    if (b->cseq % FRAMES_A_STROKE == 1)
        PUT(out, begin, b->term, b->cseq, TOOL_PEN, 5, 80, 1, flags, p);
    else
        PUT(out, points, b->term, b->cseq, flags, p);
}

/* The relay changes nothing: so its drawer sends the events that a gateway would make. */
static void put_event(struct buf *out, struct board *b, unsigned points)
{
    struct span p = some_points(points, b->cseq);
    uint64_t time_ms = (uint64_t)time(NULL) * 1000;
    uint64_t flags = b->cseq % FRAMES_A_STROKE == 0 ? STROKE_END : 0;
    if (b->cseq % FRAMES_A_STROKE == 1)
        PUT(out, ev_begin, b->cseq, time_ms, b->term, b->cseq, TOOL_PEN, 5, 80, 1, flags, p);
    else
        PUT(out, ev_points, b->cseq, time_ms, b->term, b->cseq, flags, p);
}

void draw(struct board *b)
{
    struct crowd *c = b->drawer->crowd;
    struct buf out = {0};
    if (c->relay)
        b->saved = b->cseq;
    if (b->cseq - b->saved >= FRAMES_UNSAVED_MAX) {
        c->tally.held++;
        return;
    }
    b->cseq++;
    if (c->relay)
        put_event(&out, b, c->points);
    else
        put_frame(&out, b, c->points);
    b->sent[b->cseq % FRAMES_UNSAVED_MAX] =
        (struct sent){.cseq = b->cseq, .at_ns = c->measuring ? now_ns() : 0};
    c->tally.frames++;
    send_frame(b->drawer, &out);
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
    if (s == NULL || m->stalled)
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

/* Own frames come as a run, of which we may have the first part. */
static void take_own(struct member *m, const struct msg_own *own)
{
    if (own->term != m->board->term || own->offset > m->applied + 1)
        complain(m, &m->crowd->tally.disordered, "a hole before an own run", span_of(""));
    for (uint64_t i = 0; i < own->count; i++) {
        struct sent *s = &m->board->sent[(own->cseq + i) % FRAMES_UNSAVED_MAX];
        if (s->cseq == own->cseq + i)
            s->offset = own->offset + i;
    }
    if (own->offset + own->count - 1 > m->applied)
        m->applied = own->offset + own->count - 1;
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

static void take_welcome(struct member *m, const struct msg_welcome *w)
{
    struct buf out = {0};
    m->id = w->member;
    m->applied = w->start;
    m->told = w->mark;
    if (!m->draws) {
        came_in(m);
        return;
    }
    PUT(&out, ask);
    send_frame(m, &out);
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
        break;
    case MSG_ev_grant:
        take_grant(m, &in->grant);
        break;
    case MSG_cut:
        take_cut(m, in->cut.to);
        break;
    case MSG_error:
        complain(m, &m->crowd->tally.errors, "is told", in->error.sentence);
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

static void on_open(struct ws_client *c)
{
    struct member *m = member_of(c);
    uint8_t session[16];
    struct buf out = {0};
    if (m->crowd->relay) {
        m->board->term = 1;
        came_in(m);
        return;
    }
    for (size_t i = 0; i < sizeof session; i++)
        session[i] = (uint8_t)random();
    m->instance = (uint64_t)random() + 1;
    PUT(&out, hello, span_of(m->draws ? m->board->draw : m->board->watch),
        {session, sizeof session}, m->instance, 1, span_of(m->draws ? "drawer" : "viewer"), NIL,
        NIL);
    send_frame(m, &out);
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
