/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.h"
#include "event.h"
#include "history_core.h"

void history_page_begin(struct history_page *p, const struct msg_read *request)
{
    *p = (struct history_page){.request = *request};
    p->request.to = request->to ? request->to : OFFSET_MAX;
    p->request.bytes_max = smaller(request->bytes_max, EVENT_BYTES_MAX);
}

/* By offset when it was named, else by time: from the first event that is new enough on. */
static bool is_before(const struct history_page *p, uint64_t offset, uint64_t time)
{
    if (p->events.len > 0)
        return false;
    return p->request.from != NIL ? offset < p->request.from : time < p->request.since;
}

/* The records are read one after the other, and of a board that is being erased they may vanish
 * meanwhile. A page ends there: it has no hole. */
static bool is_next(const struct history_page *p, const struct record *record)
{
    if (p->events.len > 0)
        return record->first == p->last + 1;
    return p->request.from == NIL || record->first <= p->request.from;
}

bool history_page_record(void *page, const struct record *record)
{
    struct history_page *p = page;
    if (!is_next(p, record))
        return false;
    struct cursor in = cursor_of(record->events.data, record->events.len);
    for (uint64_t offset = record->first; offset <= record_last(record); offset++) {
        const uint8_t *start = in.pos;
        uint64_t found, time;
        p->broken = event_next(&in, &found, &time) < 0 || found != offset;
        if (p->broken || offset > p->request.to)
            return false;
        if (is_before(p, offset, time))
            continue;
        size_t len = (size_t)(in.pos - start);
        if (p->events.len > 0 && p->events.len + len > p->request.bytes_max)
            return false;
        if (p->events.len == 0)
            p->from = offset;
        buf_append(&p->events, start, len);
        p->last = offset;
        p->epoch = record->epoch;
    }
    if (p->events.len == 0)
        p->passed += record->events.len;
    return p->events.len < p->request.bytes_max && p->passed < PASS_BYTES_MAX;
}

static void put_page(const struct history_page *p, uint64_t tail, uint64_t incarnation,
                     const struct id *gateway, struct outbox *out)
{
    CHECK(p->events.len == 0 || p->from <= p->last);
    struct msg_page m = {.board = p->request.board,
                         .nonce = p->request.nonce,
                         .epoch = p->epoch,
                         .from = p->from,
                         .to = p->last,
                         .tail = tail > p->last ? tail : p->last,
                         .events = buf_span(&p->events),
                         .incarnation = incarnation};
    if (p->events.len == 0) { /* nothing is that new */
        m.from = tail + 1;
        m.to = tail;
    }
    outbox_put(out, EXCHANGE_GATEWAY, gateway, &p->request.board, &TYPE_page, &m);
}

void history_page_answer(struct history_page *p, uint64_t tail, uint64_t incarnation,
                         const struct id *gateway, struct outbox *out)
{
    if (tail == 0)
        outbox_put(out, EXCHANGE_GATEWAY, gateway, &p->request.board, &TYPE_no_board,
                   &(struct msg_no_board){p->request.board, incarnation});
    else if (p->events.len == 0 && p->request.from != NIL)
        outbox_put(out, EXCHANGE_GATEWAY, gateway, &p->request.board, &TYPE_behind,
                   &(struct msg_behind){p->request.board, p->request.nonce, tail, incarnation});
    else
        put_page(p, tail, incarnation, gateway, out);
}

void history_page_free(struct history_page *p)
{
    buf_free(&p->events);
}
