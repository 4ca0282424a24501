/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store_private.h"

int store_fail(struct store *s, int r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->why, sizeof s->why, format, args);
    va_end(args);
    return r;
}

struct store_row store_row_of(const struct record *r)
{
    struct store_row row = {.board = r->board,
                            .first = r->first,
                            .count = r->count,
                            .epoch = r->epoch,
                            .opener = r->opener,
                            .nonce = r->nonce,
                            .time = r->time,
                            .flags = r->flags,
                            .state = state_span(&r->state),
                            .events = r->events};
    struct log_state s;
    if (log_state_unpack(row.state, record_last(r), &s) < 0)
        return row;
    row.holder = s.holder;
    row.instance = s.instance;
    row.term = s.term;
    row.cseq = s.cseq;
    row.base = s.base;
    row.flags |= stroke_bits(&s.stroke) << APPEND_STROKE_SHIFT;
    return row;
}

struct record store_record_of(const struct store_row *row)
{
    struct record r = {.board = row->board,
                       .first = row->first,
                       .count = row->count <= UINT32_MAX ? (uint32_t)row->count : 0,
                       .epoch = row->epoch,
                       .opener = row->opener,
                       .nonce = row->nonce,
                       .time = row->time,
                       .flags = row->flags & (RECORD_RELEASED | RECORD_DELETED | RECORD_ERASED),
                       .events = row->events};
    if (row->state.len > LOG_STATE_BYTES_MAX || row->instance > OFFSET_MAX ||
        row->term > OFFSET_MAX || row->cseq > UINT32_MAX || row->base > OFFSET_MAX ||
        row->flags > UINT32_MAX)
        return r;
    if (row->state.len > 0) {
        r.state.len = (uint8_t)row->state.len;
        memcpy(r.state.data, row->state.data, row->state.len);
        return r;
    }
    struct log_state s = log_state_of_before(&row->holder, row->instance, row->term, row->cseq,
                                             row->base, row->flags >> APPEND_STROKE_SHIFT);
    r.state = log_state_pack(&s);
    return r;
}

int store_result(const int *results, unsigned count)
{
    int worst = 0;
    for (unsigned i = 0; i < count; i++)
        if (results[i] < 0 && worst != -EIO)
            worst = results[i];
    return worst;
}
