/* SPDX-License-Identifier: Apache-2.0
 *
 * What all kinds of stores have in common.
 */
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

struct store_columns store_columns_of(const struct record *r)
{
    struct store_columns columns = {.flags = r->flags};
    struct log_state s;
    if (log_state_unpack(state_span(&r->state), record_last(r), &s) < 0)
        return columns;
    columns.holder = s.holder;
    columns.instance = s.instance;
    columns.term = s.term;
    columns.cseq = s.cseq;
    columns.base = s.base;
    columns.flags |= stroke_bits(&s.stroke) << APPEND_STROKE_SHIFT;
    return columns;
}

void store_take_state(struct record *r, struct span bytes, const struct store_columns *columns)
{
    const struct store_columns *c = columns;
    r->flags = c->flags & (RECORD_RELEASED | RECORD_DELETED | RECORD_ERASED);
    r->state = (struct state_bytes){0};
    if (bytes.len > LOG_STATE_BYTES_MAX || c->instance > OFFSET_MAX || c->term > OFFSET_MAX ||
        c->cseq > UINT32_MAX || c->base > OFFSET_MAX || c->flags > UINT32_MAX)
        return;
    if (bytes.len > 0) {
        r->state.len = (uint8_t)bytes.len;
        memcpy(r->state.data, bytes.data, bytes.len);
        return;
    }
    struct log_state s = {c->holder, c->instance, c->term,
                          c->cseq,   c->base,     stroke_of_bits(c->flags >> APPEND_STROKE_SHIFT)};
    r->state = log_state_pack(&s);
}

int store_result(const int *results, unsigned count)
{
    int worst = 0;
    for (unsigned i = 0; i < count; i++)
        if (results[i] < 0 && worst != -EIO)
            worst = results[i];
    return worst;
}
