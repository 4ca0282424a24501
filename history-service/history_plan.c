/* SPDX-License-Identifier: Apache-2.0
 *
 * One request is decided against the last record of its board, and what this round adds to it.
 */
#include "checks.h"
#include "event.h"
#include "history_core_private.h"

/* Whether a no may be answered now; else the last record is read again first. */
static bool may_refuse(struct board *b, const struct request *r)
{
    CHECK(b->known);
    if (!r->read)
        b->known = false;
    return r->read;
}

/* Whether it is to be read again, with the rules. */
static bool must_read_rules(struct board *b)
{
    bool lacks = lacks_rules(b);
    b->known = b->known && !lacks;
    return lacks;
}

static void start_record(const struct board *b, struct record *r, uint64_t epoch)
{
    CHECK(!r->count && b->known);
    *r = (struct record){.board = b->id,
                         .first = tail_of(b) + 1,
                         .epoch = epoch,
                         .opener = b->last.opener,
                         .nonce = b->last.nonce,
                         .time = b->last.time,
                         .state = b->last.state};
}

static enum verdict plan_create(struct history_core *c, struct board *b, struct record *record,
                                struct buf *events, const struct request *r, uint64_t now_ms)
{
    CHECK(r->code == TO_HISTORY_create);
    const struct msg_create *m = &r->create;
    if (record->count || (b->last.count && !may_refuse(b, r)))
        return LATER;
    if (b->last.count) {
        bool same = b->last.epoch == 0 && b->last.nonce == m->nonce &&
                    strlen(b->name) == m->name.len &&
                    memcmp(b->name, m->name.data, m->name.len) == 0;
        answer_created(c, r, same ? CREATED_STORED : CREATED_TAKEN);
        return ANSWERED;
    }
    if (c->config.boards_max && c->stats.boards >= c->config.boards_max) {
        c->stats.boards_refused++;
        answer_created(c, r, CREATED_FULL);
        return ANSWERED;
    }
    start_record(b, record, 0);
    record->count = 1;
    record->nonce = m->nonce;
    record->time = now_ms;
    record->state = log_state_pack(&(struct log_state){0});
    PUT(events, ev_created, record->first, now_ms, m->name);
    return TAKEN;
}

/* The open's record keeps the state before it, so that the same question gets the same answer. */
static void admit(const struct board *b, struct record *record, struct buf *events,
                  const struct msg_open *m, uint64_t now_ms)
{
    CHECK(m->over == b->last.epoch && !record->count); /* [D10], [D19] */
    start_record(b, record, tail_of(b) + 1);
    record->count = 1;
    record->opener = m->replica;
    record->nonce = m->nonce;
    record->time = larger(now_ms, b->last.time);
    record->flags = ended_cleanly(&b->last) ? RECORD_RELEASED : 0u;
    PUT(events, ev_open, record->first, record->time, m->replica);
}

static enum verdict plan_open(struct history_core *c, struct board *b, struct record *record,
                              struct buf *events, const struct request *r, uint64_t now_ms)
{
    CHECK(r->code == TO_HISTORY_open);
    const struct msg_open *m = &r->open;
    /* Never behind the old epoch's appends: their answer would name our event as theirs [D19]. */
    if (record->count || !STAILQ_EMPTY(&b->batch) || (!is_there(b) && !may_refuse(b, r)) ||
        must_read_rules(b))
        return LATER;
    if (!is_there(b)) {
        answer_no_board(c, r);
        return ANSWERED;
    }
    if (is_open(&b->last) && id_equal(&b->last.opener, &m->replica) && b->last.nonce == m->nonce) {
        TRACE(c, &b->id, open_repeated, b->last.epoch);
        answer_opened(c, b, r);
        return ANSWERED;
    }
    if (m->over != b->last.epoch || open_wait(b, now_ms) > 0) {
        if (!may_refuse(b, r))
            return LATER;
        c->stats.opens_refused++;
        answer_refused(c, b, now_ms, r);
        return ANSWERED;
    }
    admit(b, record, events, m, now_ms);
    return TAKEN;
}

/* Checks that the segment is what it says, and gives its events above `tail`. */
static int segment_rest(const struct request *r, uint64_t tail, struct span *ret)
{
    const struct msg_append *m = &r->append;
    struct cursor in = cursor_of(m->events.data, m->events.len), rest = in;
    if (m->count && !r->state.len)
        return -EBADMSG;
    for (uint64_t offset = m->first; offset - m->first < m->count; offset++) {
        uint64_t found, time;
        if (event_next(&in, &found, &time) < 0 || found != offset)
            return -EBADMSG;
        if (offset <= tail)
            rest = in;
    }
    *ret = (struct span){rest.pos, cursor_left(&rest)};
    return cursor_left(&in) ? -EBADMSG : 0;
}

static void extend(const struct board *b, struct record *record, struct buf *events,
                   const struct request *r, struct span rest)
{
    CHECK(rest.len > 0 && r->append.count > 0);
    const struct msg_append *m = &r->append;
    if (!record->count)
        start_record(b, record, b->last.epoch);
    record->count = (uint32_t)(m->first + m->count - record->first);
    record->time = larger(m->time, record->time);
    record->flags = m->flags & (APPEND_RELEASED | APPEND_DELETED);
    record->state = r->state;
    buf_append(events, rest.data, rest.len);
}

static bool epoch_is(const struct board *b, uint64_t epoch)
{
#ifdef EASEL_NO_EPOCH_CHECK /* [D17], a simulator's switch: an owner of the past then writes on */
    return b->last.epoch == epoch || true;
#else
    return b->last.epoch == epoch;
#endif
}

/* Of a past that a restored backup ended: an epoch of it can have the number of ours [D34]. */
static bool is_of_our_past(const struct history_core *c, const struct request *r)
{
#ifdef EASEL_PASTS_ALIKE /* a simulator's switch: equal numbers then mean the same epoch */
    (void)c, (void)r;
    return true;
#else
    return !is_other_past(c->incarnation, r->append.incarnation);
#endif
}

/* If so it is answered; else `ret_rest` is what lies above the tail. */
static bool append_refused(struct history_core *c, struct board *b, const struct request *r,
                           uint64_t tail, uint64_t now_ms, struct span *ret_rest)
{
    if (!is_there(b)) {
        answer_no_board(c, r);
        return true;
    }
    if (!epoch_is(b, r->append.epoch)) {
        c->stats.appends_refused++;
        answer_refused(c, b, now_ms, r);
        return true;
    }
    /* Whoever owns the board now may get this answer, too, and it is true. */
    if (!is_of_our_past(c, r)) {
        c->stats.appends_refused++;
        TRACE(c, &b->id, append_of_another_past, r->append.epoch, r->append.first);
        answer_stored(c, b, r);
        return true;
    }
    /* A malformed segment would be repeated for ever; refused, its owner opens the board again. */
    if (segment_rest(r, tail, ret_rest) < 0) {
        c->stats.bad_segments++;
        TRACE(c, &b->id, append_broken, r->append.count, r->append.first);
        answer_refused(c, b, now_ms, r);
        return true;
    }
    return false;
}

static enum verdict plan_append(struct history_core *c, struct board *b, struct record *record,
                                struct buf *events, const struct request *r, uint64_t now_ms)
{
    CHECK(r->code == TO_HISTORY_append);
    const struct msg_append *m = &r->append;
    uint64_t tail = record->count ? record_last(record) : tail_of(b);
    struct span rest;
    if ((!is_there(b) || !epoch_is(b, m->epoch)) && !may_refuse(b, r))
        return LATER;
    if (append_refused(c, b, r, tail, now_ms, &rest))
        return ANSWERED;
    /* A probe adds nothing, so no key would be taken: from memory an owner of the past would be
     * told for ever that all is well. */
    if ((m->first > tail + 1 || m->count == 0) && !record->count && !may_refuse(b, r))
        return LATER;
    if (m->count > 0 && m->first <= tail)
        TRACE(c, &b->id, append_repeated, m->first, tail);
    if (m->first > tail + 1 || rest.len == 0)
        return TAKEN; /* nothing to add: the answer tells where the log ends */
    if (events->len + rest.len > RECORD_BYTES_MAX)
        return LATER;
    c->stats.trimmed += tail + 1 - m->first;
    extend(b, record, events, r, rest);
    return TAKEN;
}

static enum verdict plan_look(struct history_core *c, struct board *b, const struct record *record,
                              const struct request *r)
{
    CHECK(r->code == TO_HISTORY_look);
    if (record->count || must_read_rules(b))
        return LATER;
    answer_looked(c, b, r);
    return ANSWERED;
}

enum verdict history_plan_request(struct history_core *c, struct board *b, struct record *record,
                                  struct buf *events, const struct request *r, uint64_t now_ms)
{
    switch (r->code) {
    case TO_HISTORY_create:
        return plan_create(c, b, record, events, r, now_ms);
    case TO_HISTORY_open:
        return plan_open(c, b, record, events, r, now_ms);
    case TO_HISTORY_append:
        return plan_append(c, b, record, events, r, now_ms);
    case TO_HISTORY_look:
        return plan_look(c, b, record, r);
    case TO_HISTORY_read:
    case TO_HISTORY_alive:
    case TO_HISTORY_bye:
    case TO_HISTORY_gone:
        break;
    }
    return ANSWERED; /* nobody queues these */
}
