/* SPDX-License-Identifier: Apache-2.0 */
#include "sequencer.h"

#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "checks.h"
#include "fanout.h"
#include "rules.h"
#include "unstored.h"

/* ---- epochs ---------------------------------------------------------------------------------- */

void sequencer_start(struct board *b, const struct msg_opened *m, const struct log_state *before)
{
    struct log_state state = *before;
    CHECK(m->nonce == b->nonce && m->epoch > b->over); /* it is what we asked for last [D10] */
#ifdef EASEL_NO_STROKE_COUNT /* [D7], a simulator's switch: each owner then counts from nothing */
    state.stroke = (struct stroke){0};
#endif
    b->log = (struct log){
        .epoch = m->epoch,
        .head = m->epoch,
        .mark = m->epoch,
        .sent = m->epoch,
        .stored = state,
        .reached = state,
        .newest = state,
        .newest_time = m->time,
        .asked_at = NEVER,
        .heard_at = b->core->clock,
    };
    bounds_start(b);
}

void sequencer_drop(struct board *b)
{
    struct log *l = &b->log;
    b->core->shard[b->shard].unanswered -= unstored_unanswered(l);
    b->core->stats.unstored_bytes -= l->bytes.len;
    b->core->stats.unstored_events -= l->count;
    b->core->stats.busy_boards -= l->busy;
    b->core->stats.full_boards -= l->full;
    buf_free(&l->bytes);
    buf_free(&l->held);
    free(l->events);
    *l = (struct log){0};
}

/* ---- events get their offsets ---------------------------------------------------------------- */

/* Times never go back, whoever's clock they came from. */
static uint64_t event_time(const struct board *b)
{
    return larger(b->core->now, b->log.newest_time);
}

/* Too much is not stored, or more was drawn than the board may take: the drawer pauses until half
 * of it is stored, and some of it is paid off. */
static void watch_busy(struct board *b)
{
    CHECK(board_has_log(b));
    struct log *l = &b->log;
    bool in_debt = bounds_in_debt(b);
    bool busy = in_debt || l->bytes.len >= (l->busy ? BUSY_BYTES / 2 : BUSY_BYTES);
    if (busy == l->busy)
        return;
    l->busy = busy;
    TRACE(b->core, &b->id, busy_told, busy, l->bytes.len, in_debt);
    if (busy) {
        b->core->stats.busy_boards++;
        b->core->stats.throttled += in_debt;
    } else {
        b->core->stats.busy_boards--;
        l->active_at = b->core->clock; /* it was us who made the drawer pause */
    }
    fanout_marks(b);
}

/* Counts the event whose bytes were just appended, from `start` on. */
static void add_event(struct board *b, size_t start, enum event_code code, uint32_t cseq,
                      struct stroke stroke, uint64_t time)
{
    CHECK(b->log.bytes.len > start && (b->ownership == BOARD_OPEN || b->log.end_flags));
    struct log *l = &b->log;
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 8;
        l->events = xrealloc(l->events, l->cap, sizeof *l->events);
    }
    l->events[l->count++] = (struct event){.at = l->bytes_at + start,
                                           .time = time,
                                           .made_at = b->core->clock,
                                           .len = (uint32_t)(l->bytes.len - start),
                                           .cseq = cseq,
                                           .code = code,
                                           .stroke = stroke};
    uint64_t interval = b->core->config.segment_ms;
    if (l->sent == l->head)
        l->segment_at = (b->core->clock / interval + 1) * interval;
    l->head++;
    l->newest_time = time;
    unstored_step(l, &l->newest, l->head);
    b->core->stats.events++;
    b->core->stats.unstored_events++;
    b->core->stats.unstored_bytes += l->bytes.len - start;
    bounds_took(b, l->bytes.len - start);
    watch_busy(b);
    board_touch(b);
}

uint64_t sequencer_grant(struct board *b, const struct member *m, uint64_t instance, uint64_t last)
{
    CHECK(b->ownership == BOARD_OPEN && b->log.newest.term <= b->log.mark); /* [D22] */
    struct log *l = &b->log;
    uint64_t time = event_time(b);
    size_t start = l->bytes.len;
    struct msg_ev_grant grant = {
        .offset = l->head + 1, .time = time, .ended = l->newest.term, .last = last};
    if (m) {
        grant.member = m->id;
        grant.instance = instance;
        grant.name = span_of(m->name);
    }
    message_put(&l->bytes, &TYPE_ev_grant, &grant);
    l->urgent = b->flush = true;
    l->pass.cseq = 0;
    b->core->stats.grants++;
    TRACE(b->core, &b->id, pen_granted, grant.offset, grant.ended, grant.last);
    add_event(b, start, MSG_ev_grant, 0, (struct stroke){0}, time);
    return l->head;
}

uint64_t sequencer_note(struct board *b, enum event_code code, const struct message_type *type,
                        void *event)
{
    CHECK(b->ownership == BOARD_OPEN && !sequencer_grant_pending(b)); /* [D22] */
    struct log *l = &b->log;
    struct {
        uint64_t offset, time;
    } *head = event;
    size_t start = l->bytes.len;
    head->offset = l->head + 1;
    head->time = event_time(b);
    message_put(&l->bytes, type, event);
    l->urgent = b->flush = true;
    add_event(b, start, code, 0, l->newest.stroke, head->time);
    return l->head;
}

void sequencer_end(struct board *b, enum append_flag flag)
{
    CHECK(b->ownership == BOARD_ENDING && !b->log.end_flags);
    struct log *l = &b->log;
    uint64_t time = event_time(b);
    size_t start = l->bytes.len;
    if (flag == APPEND_DELETED)
        PUT(&l->bytes, ev_deleted, .offset = l->head + 1, .time = time);
    else
        PUT(&l->bytes, ev_released, .offset = l->head + 1, .time = time);
    l->urgent = b->flush = true;
    l->end_flags = flag;
    TRACE(b->core, &b->id, log_ended, l->head, flag == APPEND_DELETED ? 2 : 1);
    buf_free(&l->held); /* they stay with the gateway, for the next owner */
    add_event(b, start, flag == APPEND_DELETED ? MSG_ev_deleted : MSG_ev_released, 0,
              l->newest.stroke, time);
}

/* ---- frames ---------------------------------------------------------------------------------- */

struct frame {
    enum drawers_code code;
    uint32_t fields;
    uint64_t term, cseq;
    struct span rest; /* all fields, term and cseq first, as the client wrote them */
    union any_frame is;
    const char *fault; /* why it can be no event, whatever was before it; NULL: it can */
};

/* The gateway checked it; but nothing that is not whole may get into the log. -1: it is of no use
 * to know that, since it does not say which frame it is. */
static int frame_parse(struct span body, struct frame *ret)
{
    struct cursor in = cursor_of(body.data, body.len);
    unsigned code;
    if (message_begin(&in, &code, &ret->fields) < 0 || !drawers_type(code))
        return -1;
    ret->code = (enum drawers_code)code;
    struct cursor rest = in;
    ret->rest = (struct span){rest.pos, cursor_left(&rest)};
    if (message_fields(&in, drawers_type(code), ret->fields, true, &ret->is, &ret->fault) == 0)
        ret->fault = cursor_left(&in) > 0 ? "There is something behind the frame." : NULL;
    if (wire_uint(&rest, &ret->term) < 0 || wire_uint(&rest, &ret->cseq) < 0)
        return -1;
    bool named = ret->term > 0 && ret->term <= OFFSET_MAX && ret->cseq > 0;
    return named && ret->cseq <= UINT32_MAX ? 0 : -1;
}

static void put_uint(struct buf *out, uint64_t value)
{
    unsigned log2 = value <= UINT8_MAX ? 0 : value <= UINT16_MAX ? 1 : value <= UINT32_MAX ? 2 : 3;
    unsigned bytes = value < 0x80 ? 0 : 1u << log2;
    uint8_t *p = buf_grow(out, 1 + bytes);
    *p++ = (uint8_t)(bytes ? 0xcc + log2 : value);
    while (bytes-- > 0)
        *p++ = (uint8_t)(value >> 8 * bytes);
}

/* What the event says besides what the frame did: nothing, or who drew, or where the picture begins
 * again. */
static void put_besides(struct buf *out, const struct frame *f, const struct log_state *s)
{
    if (f->code == DRAWER_clear) {
        size_t n = strlen(s->holder.text);
        *buf_grow(out, 1) = (uint8_t)(0xa0 | n);
        buf_append(out, s->holder.text, n);
    } else if (f->code == DRAWER_restore) {
        uint64_t start = log_state_restores(s, f->is.restore.clear);
        if (start == NIL)
            *buf_grow(out, 1) = 0xc0;
        else
            put_uint(out, start);
    }
}

/* [code, offset, time, the frame's fields as they are, what the event says besides]. */
static void append_frame(struct board *b, const struct frame *f, struct stroke stroke)
{
    CHECK(!sequencer_grant_pending(b));                                        /* [D22] */
    CHECK(f->term == b->log.newest.term && f->cseq == b->log.newest.cseq + 1); /* P1 */
    struct log *l = &b->log;
    const struct message_type *event = drawn_event(f->code);
    uint32_t fields = event->field_count;
    uint64_t time = event_time(b);
    size_t start = l->bytes.len;
    *buf_grow(&l->bytes, 1) = (uint8_t)(0x90 | (fields + 1));
    put_uint(&l->bytes, event->code);
    put_uint(&l->bytes, l->head + 1);
    put_uint(&l->bytes, time);
    buf_append(&l->bytes, f->rest.data, f->rest.len);
    put_besides(&l->bytes, f, &l->newest);
    add_event(b, start, (enum event_code)event->code, (uint32_t)f->cseq, stroke, time);
}

/* [code, offset, time, term, cseq]: it takes its place, and changes nothing. */
static void append_void(struct board *b, const struct frame *f)
{
    struct log *l = &b->log;
    uint64_t time = event_time(b);
    size_t start = l->bytes.len;
    TRACE(b->core, &b->id, frame_void, f->cseq, f->term, f->code);
    PUT(&l->bytes, ev_void, l->head + 1, time, f->term, f->cseq);
    b->core->stats.voided++;
    add_event(b, start, MSG_ev_void, (uint32_t)f->cseq, l->newest.stroke, time);
}

static bool from_holder(const struct board *b, const struct msg_frame *m)
{
    const struct log_state *s = &b->log.newest;
    if (id_empty(&s->holder))
        return false;
#ifdef EASEL_NO_INSTANCE_CHECK /* [D5], a simulator's switch: two tabs then mix their strokes */
    return id_equal(&s->holder, &m->member);
#else
    return id_equal(&s->holder, &m->member) && s->instance == m->instance;
#endif
}

static void refuse(struct board *b, const struct id *gateway, const struct msg_frame *m,
                   const struct frame *f)
{
    b->core->stats.frames[FRAME_REFUSED]++;
    TRACE(b->core, &b->id, frame_refused, f->cseq, f->term, b->log.newest.term);
    TELL(b, gateway, not_drawer, b->log.epoch, m->member, m->instance, f->term, f->cseq);
}

static void ask_again(struct board *b, const struct id *gateway, const struct id *member,
                      uint64_t instance, uint64_t stored)
{
    struct log *l = &b->log;
    if (b->core->clock < l->want_at || l->newest.cseq >= UINT32_MAX)
        return;
    l->want_at = b->core->clock + WANT_EVERY_MS;
    TELL(b, gateway, want, l->epoch, *member, instance, l->newest.term, l->newest.cseq + 1, stored);
}

/* What stands in the log is answered with the log: its event, or the mark that covers it. All
 * frames of this term that are not stored stand there one cseq after the other. */
static void answer_repeated(struct board *b, const struct id *gateway, const struct frame *f)
{
    CHECK(f->cseq <= b->log.newest.cseq);
    struct log *l = &b->log;
    b->core->stats.frames[FRAME_REPEATED]++;
    TRACE(b->core, &b->id, frame_repeated, f->cseq, l->newest.cseq, l->mark);
    struct attachment *at = board_at(b, gateway);
    uint64_t back = l->newest.cseq - f->cseq;
    uint64_t offset = back < l->head ? l->head - back : 0;
    while (offset > l->mark && unstored_event(l, offset)->cseq != f->cseq)
        offset--; /* there are notes between */
    if (at)
        fanout_repeat(at, offset);
    /* A window that has skipped the event would not see by the mark alone that it is covered, nor
     * that those after it are. */
    if (offset <= l->mark)
        ask_again(b, gateway, &l->newest.holder, l->newest.instance, l->stored.cseq);
}

/* It was the next one: so its client waits for it in vain, and all that come behind it. */
static void reject(struct board *b, const struct id *gateway, const struct msg_frame *m,
                   const struct frame *f, const char *why)
{
    CHECK(why != NULL && f->cseq == b->log.newest.cseq + 1);
    b->core->stats.frames[FRAME_INVALID]++;
    TRACE(b->core, &b->id, frame_wrong, f->cseq, f->term);
    TELL(b, gateway, invalid, .epoch = b->log.epoch, .member = m->member, .instance = m->instance,
         .term = f->term, .cseq = f->cseq, .why = span_of(why));
}

static void accept(struct board *b, const struct id *gateway, const struct msg_frame *m,
                   const struct frame *f)
{
    CHECK(!b->log.full && f->cseq == b->log.newest.cseq + 1);
    struct log *l = &b->log;
    if (l->bytes.len + f->rest.len > UNSTORED_BYTES_MAX) {
        b->core->stats.frames[FRAME_NO_ROOM]++;
        TRACE(b->core, &b->id, frame_no_room, f->cseq, l->bytes.len);
        l->turned_away = true; /* it stays with the gateway; we ask for it when there is room */
        l->drawer = *gateway;
        return;
    }
    struct stroke stroke = l->newest.stroke;
    const char *why = f->fault ? f->fault : stroke_draw(&stroke, f->code, &f->is);
    if (why) {
        reject(b, gateway, m, f, why);
        return;
    }
    b->core->stats.frames[FRAME_ACCEPTED]++;
    l->drawer = *gateway;
    l->active_at = b->core->clock;
    switch (f->code) {
    case DRAWER_begin:
    case DRAWER_points:
    case DRAWER_undo:
    case DRAWER_redo:
        append_frame(b, f, stroke);
        return;
    case DRAWER_clear:
    case DRAWER_restore:
        if (m->role == ROLE_OWN || !rules_have(b, RULE_CLEARS))
            append_frame(b, f, stroke);
        else
            append_void(b, f);
        return;
    case DRAWER_pass:
        l->pass.to = f->is.pass.to;
        l->pass.cseq = f->cseq;
        board_touch(b);
        return;
    }
}

/* [D22] Until the grant is stored nobody knows whether the old term goes on: neither taken nor
 * refused. What finds no room is repeated by the gateway. */
static void hold(struct board *b, const struct id *gateway, const struct msg_frame *m)
{
    CHECK(sequencer_grant_pending(b) || b->log.full);
    struct buf *held = &b->log.held;
    if (held->len + m->body.len > HELD_BYTES_MAX) {
        b->core->stats.frames[FRAME_NO_ROOM]++;
        TRACE(b->core, &b->id, frame_not_held, held->len);
        return;
    }
    TRACE(b->core, &b->id, frame_held, held->len, HELD_BYTES_MAX);
    buf_append(held, gateway, sizeof *gateway);
    message_put(held, &TYPE_frame, m);
}

static void judge(struct board *b, const struct id *gateway, const struct msg_frame *m,
                  const struct frame *f)
{
    CHECK(!sequencer_grant_pending(b)); /* [D22] */
    struct log *l = &b->log;
    /* Up to the mark all have the same log: a grant there that we do not have never was. */
    if (f->term > l->newest.term && f->term > l->mark) {
        b->core->stats.frames[FRAME_EARLY]++; /* a newer epoch's, which makes ours void */
        TRACE(b->core, &b->id, frame_of_future, f->term, l->newest.term, l->mark);
        return;
    }
    if (f->term != l->newest.term || !from_holder(b, m)) {
        refuse(b, gateway, m, f);
    } else if (f->cseq <= l->newest.cseq) {
        answer_repeated(b, gateway, f);
    } else if (l->full) {
        hold(b, gateway, m); /* the pen is put down at the end of this turn */
    } else if (f->cseq > l->newest.cseq + 1) {
        b->core->stats.frames[FRAME_EARLY]++;
        TRACE(b->core, &b->id, frame_too_early, f->cseq, l->newest.cseq + 1);
        if (!l->turned_away)
            ask_again(b, gateway, &m->member, m->instance, 0);
    } else {
        accept(b, gateway, m, f);
    }
}

static void judge_held(struct board *b)
{
    CHECK(!sequencer_grant_pending(b)); /* [D22] */
    struct buf held = b->log.held;
    b->log.held = (struct buf){0};
    struct cursor in = cursor_of(held.data, held.len);
    while (cursor_left(&in) > sizeof(struct id)) {
        struct id gateway;
        memcpy(&gateway, in.pos, sizeof gateway);
        in.pos += sizeof gateway;
        struct msg_frame m;
        if (GET(&in, frame, &m) < 0)
            break;
        sequencer_frame(b, &gateway, &m);
    }
    buf_free(&held);
}

void sequencer_frame(struct board *b, const struct id *gateway, const struct msg_frame *m)
{
    CHECK(b->ownership == BOARD_OPEN);
    struct frame f = {0};
    if (frame_parse(m->body, &f) < 0)
        b->core->stats.bad_messages++;
    else if (sequencer_grant_pending(b))
        hold(b, gateway, m);
    else
        judge(b, gateway, m, &f);
}

/* ---- history --------------------------------------------------------------------------------- */

static void put_append(struct board *b, uint64_t first, uint32_t count, uint64_t time,
                       const struct log_state *s, unsigned flags, struct span events)
{
    CHECK(first > b->log.mark && first + count <= b->log.head + 1);
    struct msg_append m = ITEM_OF(b, append, .epoch = b->log.epoch, .first = first, .count = count,
                                  .time = time, .flags = flags, .events = events);
    struct state_bytes state = log_state_pack(s);
    struct id to = shard_destination(b->shard);
    log_state_to_append(s, &state, &m);
    outbox_put(b->core->out, EXCHANGE_HISTORY, &to, &b->id, &TYPE_append, &m);
}

static void send_segment(struct board *b)
{
    CHECK(b->log.sent < b->log.head);
    struct log *l = &b->log;
    uint64_t first = l->sent + 1, last = first;
    uint64_t start = unstored_event(l, first)->at;
    while (last < l->head && unstored_end(l, last + 1) - start <= SEGMENT_BYTES_MAX)
        last++;
    unstored_set_sent(b, last);
    struct span events = {l->bytes.data + (start - l->bytes_at),
                          (size_t)(unstored_end(l, last) - start)};
    put_append(b, first, (uint32_t)(last - first + 1), unstored_event(l, last)->time, &l->reached,
               last == l->head ? l->end_flags : 0, events);
    if (l->asked_at == NEVER)
        l->asked_at = b->core->clock;
}

static void put_probe(struct board *b)
{
    put_append(b, b->log.mark + 1, 0, 0, &b->log.stored, 0, (struct span){0});
}

void sequencer_probe(struct board *b)
{
    CHECK(board_has_log(b));
    struct log *l = &b->log;
    if (l->probing)
        return;
    l->probing = true;
    l->asked_at = b->core->clock;
    put_probe(b);
    board_touch(b);
}

/* Nothing waits for the answer; if it is lost, the next one is soon. */
void sequencer_confirm(struct board *b)
{
    CHECK(board_has_log(b));
    if (b->log.sent == b->log.mark && b->core->clock >= b->log.heard_at + CONFIRM_MS / 2)
        put_probe(b);
}

void sequencer_doubt(struct board *b)
{
    CHECK(board_has_log(b));
    if (b->core->clock < b->log.doubt_at)
        return;
    b->log.doubt_at = b->core->clock + SEGMENT_ANSWER_MS;
    sequencer_probe(b);
}

/* History answered: what it did not store by now was lost on the way. */
static void answered(struct board *b)
{
    struct log *l = &b->log;
    l->asked_at = l->sent > l->mark ? b->core->clock : NEVER;
}

static void go_back(struct board *b)
{
    unstored_set_sent(b, b->log.mark);
    b->log.segment_at = b->core->clock;
    answered(b);
}

/* Not while the pen is on its way to somebody, or nobody: what was turned away is the old one's. */
static void ask_for_turned_away(struct board *b)
{
    struct log *l = &b->log;
    if (!l->turned_away || l->busy || sequencer_grant_pending(b))
        return;
    l->turned_away = false;
    l->want_at = 0;
    ask_again(b, &l->drawer, &l->newest.holder, l->newest.instance, 0);
}

static void advance(struct board *b, uint64_t mark)
{
    CHECK(mark > b->log.mark && mark <= b->log.head);
    struct log *l = &b->log;
    uint64_t term = l->stored.term, base = l->stored.base;
    unstored_set_mark(b, mark);
    answered(b);
    if (l->stored.base != base)
        b->seats.stale = true;
    watch_busy(b);
    if (l->stored.term != term) {
        l->want_at = 0;
        l->turned_away = false;
        fanout_marks(b);
        b->flush = b->seats.dirty = true;
        judge_held(b);
    }
    if (l->end_flags && mark == l->head) {
        b->flush = true; /* all that gateways may need to know, before we forget it */
        fanout_marks(b);
    }
    ask_for_turned_away(b);
}

void sequencer_stored(struct board *b, uint64_t mark)
{
    struct log *l = &b->log;
    if (mark > l->head) {
        TRACE(b->core, &b->id, mark_impossible, mark, l->head);
        b->core->stats.bad_messages++;
        return;
    }
    l->heard_at = b->core->clock;
    if (mark > l->mark)
        advance(b, mark);
    if (l->probing) {
        l->probing = false;
        go_back(b);
    }
    board_touch(b);
}

/* Each segment behind a lost one gives a hole: going back once is enough. */
void sequencer_hole(struct board *b, uint64_t want)
{
    struct log *l = &b->log;
    bool old = want - 1 > l->head || want - 1 < l->mark; /* or not of this log */
    if (old ||
        (!l->probing && want == l->hole && b->core->clock - l->hole_at < SEGMENT_ANSWER_MS)) {
        TRACE(b->core, &b->id, hole_ignored, want, l->mark, l->head);
        return;
    }
    TRACE(b->core, &b->id, segments_go_again, want, l->mark, l->head);
    l->hole = want;
    l->hole_at = b->core->clock;
    l->probing = true;
    sequencer_stored(b, want - 1); /* the epoch is ours: so all below is stored */
}

static bool may_send(const struct board *b)
{
    const struct log *l = &b->log;
    return !l->probing && l->sent < l->head &&
           b->core->shard[b->shard].unanswered + SEGMENT_BYTES_MAX <= SHARD_UNANSWERED_MAX;
}

void sequencer_turn(struct board *b)
{
    CHECK(board_has_log(b));
    struct log *l = &b->log;
    watch_busy(b); /* what it owed may be paid */
    ask_for_turned_away(b);
    if (l->asked_at != NEVER && b->core->clock >= l->asked_at + SEGMENT_ANSWER_MS) {
        TRACE(b->core, &b->id, answer_overdue, l->mark, l->sent);
        l->probing = false; /* the probe may be lost too */
        sequencer_probe(b);
    }
    if (!l->urgent && b->core->clock < l->segment_at)
        return;
    while (may_send(b))
        send_segment(b);
    if (l->sent == l->head)
        l->urgent = false;
}

uint64_t sequencer_deadline(const struct board *b)
{
    const struct log *l = &b->log;
    uint64_t at = l->asked_at == NEVER ? NEVER : l->asked_at + SEGMENT_ANSWER_MS;
    if (!l->probing && l->sent < l->head)
        at = smaller(at, l->segment_at);
    return smaller(at, bounds_deadline(b));
}
