/* SPDX-License-Identifier: Apache-2.0 */
#include "log_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"

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

/* ---- pictures that were cleared -------------------------------------------------------------- */

/* How many events that picture has, and those that were cleared since have not. */
static uint64_t events_of(const struct log_state *s, unsigned picture)
{
    uint64_t next = picture + 1 < s->under_count ? s->under[picture + 1] : s->base;
    return next - s->under[picture];
}

static unsigned smallest(const struct log_state *s)
{
    unsigned ret = 0;
    for (unsigned i = 1; i < s->under_count; i++)
        if (events_of(s, i) < events_of(s, ret))
            ret = i;
    return ret;
}

/* The picture that was there can be restored. Where there are too many the smallest one goes: so
 * nobody drives out an hour's work by clearing often. */
static void clear(struct log_state *s, uint64_t offset)
{
    if (s->under_count == PICTURES_UNDER_MAX) {
        unsigned gone = smallest(s);
        s->under_count--;
        memmove(&s->under[gone], &s->under[gone + 1], (s->under_count - gone) * sizeof *s->under);
    }
    s->under[s->under_count++] = s->base;
    s->base = offset;
}

uint64_t log_state_restores(const struct log_state *s, uint64_t clear)
{
    return s->under_count > 0 && s->base == clear ? s->under[s->under_count - 1] : NIL;
}

static void restore(struct log_state *s, const struct log_event *e)
{
    struct cursor in = cursor_of(e->bytes.data, e->bytes.len);
    struct msg_ev_restore m;
    if (GET(&in, ev_restore, &m) < 0)
        abort(); /* whoever steps wrote it */
    if (m.start == NIL)
        return;
    s->uses |= FEATURE_RESTORE;
    CHECK(m.start == log_state_restores(s, m.clear));
    s->under_count--;
    s->base = m.start;
}

/* Of what is drawn only these two say where the picture begins. */
static void draw(struct log_state *s, const struct log_event *e)
{
    if (e->code == MSG_ev_clear)
        clear(s, e->offset);
    else if (e->code == MSG_ev_restore)
        restore(s, e);
}

/* ---- a step ---------------------------------------------------------------------------------- */

void log_state_step(struct log_state *s, const struct log_event *e)
{
    s->stroke = e->stroke;
    if (e->cseq)
        s->cseq = e->cseq;
    switch (e->code) {
#define DRAWN(name, number, event) case MSG_##event:
#include "messages.def"
        draw(s, e);
        return;
    case MSG_ev_grant:
        grant(s, e);
        return;
    case MSG_ev_rules:
        s->rules = e->offset;
        return;
    case MSG_ev_void:
        s->uses |= FEATURE_RULES;
        return;
    case MSG_ev_refuse:
    case MSG_ev_created:
    case MSG_ev_open:
    case MSG_ev_released:
    case MSG_ev_deleted:
        return;
    }
}

/* ---- as bytes -------------------------------------------------------------------------------- */

#define NUMBER_BYTES sizeof(uint64_t)

struct state_bytes log_state_pack(const struct log_state *s)
{
    struct state_bytes ret = {0};
    struct buf out = {0};
    uint8_t under[PICTURES_UNDER_MAX * NUMBER_BYTES];
    for (size_t i = 0; i < s->under_count * NUMBER_BYTES; i++)
        under[i] =
            (uint8_t)(s->under[i / NUMBER_BYTES] >> 8 * (NUMBER_BYTES - 1 - i % NUMBER_BYTES));
    PUT(&out, log_state, s->holder, s->instance, s->term, s->cseq, s->base, stroke_bits(&s->stroke),
        {under, s->under_count * NUMBER_BYTES}, s->uses, s->rules);
    ret.len = (uint8_t)out.len;
    memcpy(ret.data, out.data, out.len);
    buf_free(&out);
    return ret;
}

/* A state names no event behind the last one: whoever opens the board and reads from there would
 * wait for ever. */
static int check(const struct log_state *s, uint64_t last)
{
    for (unsigned i = 0; i < s->under_count; i++)
        if (s->under[i] >= (i + 1 < s->under_count ? s->under[i + 1] : s->base))
            return -EBADMSG;
    return s->term > last || s->base > last || s->rules > last ? -EBADMSG : 0;
}

int log_state_unpack(struct span bytes, uint64_t last, struct log_state *ret)
{
    struct list one = {1, cursor_of(bytes.data, bytes.len)};
    struct msg_log_state m;
    if (bytes.len > LOG_STATE_BYTES_MAX || NEXT(&one, log_state, &m) != 1 || cursor_left(&one.at))
        return -EBADMSG;
    *ret = (struct log_state){.holder = m.holder,
                              .instance = m.instance,
                              .term = m.term,
                              .cseq = m.cseq,
                              .base = m.base,
                              .stroke = stroke_of_bits(m.stroke),
                              .under_count = (unsigned)(m.under.len / NUMBER_BYTES),
                              .uses = m.uses,
                              .rules = m.rules};
    for (size_t i = 0; i < ret->under_count * NUMBER_BYTES; i++)
        ret->under[i / NUMBER_BYTES] = ret->under[i / NUMBER_BYTES] << 8 | m.under.data[i];
    return check(ret, last);
}

/* ---- in messages ----------------------------------------------------------------------------- */

struct log_state log_state_of_before(const struct id *holder, uint64_t instance, uint64_t term,
                                     uint64_t cseq, uint64_t base, uint64_t stroke)
{
    return (struct log_state){.holder = *holder,
                              .instance = instance,
                              .term = term,
                              .cseq = cseq,
                              .base = base,
                              .stroke = stroke_of_bits(stroke)};
}

int log_state_of_append(const struct msg_append *m, struct log_state *ret)
{
    uint64_t last = m->first + m->count - 1;
    if (m->state.len > 0)
        return log_state_unpack(m->state, last, ret);
    *ret = log_state_of_before(&m->holder, m->instance, m->term, m->cseq, m->base,
                               m->flags >> APPEND_STROKE_SHIFT);
    return check(ret, last);
}

int log_state_of_opened(const struct msg_opened *m, struct log_state *ret)
{
    if (m->state.len > 0)
        return log_state_unpack(m->state, m->epoch - 1, ret);
    *ret = log_state_of_before(&m->holder, m->instance, m->term, m->cseq, m->base, m->stroke);
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
