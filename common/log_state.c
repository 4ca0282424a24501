/* SPDX-License-Identifier: Apache-2.0 */
#include "log_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void grant(struct log_state *s, const struct log_event *e)
{
    struct cursor in = cursor_of(e->bytes.data, e->bytes.len);
    struct msg_ev_grant m;
    if (GET(&in, ev_grant, &m) < 0)
        abort(); /* whoever steps wrote it */
    s->holder = m.member;
    s->instance = m.instance;
    s->term = e->offset;
    s->cseq = 0;
}

void log_state_step(struct log_state *s, const struct log_event *e)
{
    s->stroke = e->stroke;
    if (e->cseq)
        s->cseq = e->cseq;
    switch (e->code) {
    case MSG_ev_clear:
        s->base = e->offset;
        return;
    case MSG_ev_grant:
        grant(s, e);
        return;
    case MSG_ev_created:
    case MSG_ev_open:
    case MSG_ev_released:
    case MSG_ev_deleted:
    case MSG_ev_begin:
    case MSG_ev_points:
    case MSG_ev_undo:
    case MSG_ev_redo:
        return;
    }
}

struct state_bytes log_state_pack(const struct log_state *s)
{
    struct state_bytes ret = {0};
    struct buf out = {0};
    PUT(&out, log_state, s->holder, s->instance, s->term, s->cseq, s->base,
        stroke_bits(&s->stroke));
    ret.len = (uint8_t)out.len;
    memcpy(ret.data, out.data, out.len);
    buf_free(&out);
    return ret;
}

/* A state names no event behind the last one: whoever opens the board and reads from there would
 * wait for ever. */
static int check(const struct log_state *s, uint64_t last)
{
    return s->term > last || s->base > last ? -EBADMSG : 0;
}

int log_state_unpack(struct span bytes, uint64_t last, struct log_state *ret)
{
    struct list one = {1, cursor_of(bytes.data, bytes.len)};
    struct msg_log_state m;
    if (bytes.len > LOG_STATE_BYTES_MAX || NEXT(&one, log_state, &m) != 1 || cursor_left(&one.at))
        return -EBADMSG;
    *ret =
        (struct log_state){m.holder, m.instance, m.term, m.cseq, m.base, stroke_of_bits(m.stroke)};
    return check(ret, last);
}

/* ---- in messages ----------------------------------------------------------------------------- */

int log_state_of_append(const struct msg_append *m, struct log_state *ret)
{
    uint64_t last = m->first + m->count - 1;
    if (m->state.len > 0)
        return log_state_unpack(m->state, last, ret);
    *ret =
        (struct log_state){m->holder, m->instance, m->term,
                           m->cseq,   m->base,     stroke_of_bits(m->flags >> APPEND_STROKE_SHIFT)};
    return check(ret, last);
}

int log_state_of_opened(const struct msg_opened *m, struct log_state *ret)
{
    if (m->state.len > 0)
        return log_state_unpack(m->state, m->epoch - 1, ret);
    *ret = (struct log_state){m->holder, m->instance, m->term,
                              m->cseq,   m->base,     stroke_of_bits(m->stroke)};
    return check(ret, m->epoch - 1);
}

void log_state_to_append(const struct log_state *s, const struct state_bytes *bytes,
                         struct msg_append *m)
{
    m->holder = s->holder;
    m->instance = s->instance;
    m->term = s->term;
    m->cseq = s->cseq;
    m->base = s->base;
    m->flags |= stroke_bits(&s->stroke) << APPEND_STROKE_SHIFT;
    m->state = state_span(bytes);
}

void log_state_to_opened(const struct log_state *s, const struct state_bytes *bytes,
                         struct msg_opened *m)
{
    m->holder = s->holder;
    m->instance = s->instance;
    m->term = s->term;
    m->cseq = s->cseq;
    m->base = s->base;
    m->stroke = stroke_bits(&s->stroke);
    m->state = state_span(bytes);
}
