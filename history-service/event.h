/* SPDX-License-Identifier: Apache-2.0
 *
 * What history reads of an event: [code, offset, time, ...]. The rest is none of its business, so
 * events that it does not know are stored all the same.
 */
#ifndef EASEL_HISTORY_EVENT_H
#define EASEL_HISTORY_EVENT_H

#include <errno.h>

#include "messages.h"

/* Moves past one event. 0, or -EBADMSG. */
static inline int event_next(struct cursor *in, uint64_t *ret_offset, uint64_t *ret_time)
{
    struct cursor c = *in;
    unsigned code;
    uint32_t fields;
    if (message_begin(&c, &code, &fields) < 0 || code < EVENT_CODE_LOW || code > EVENT_CODE_HIGH)
        return -EBADMSG;
    if (fields < 2 || wire_uint(&c, ret_offset) < 0 || wire_uint(&c, ret_time) < 0)
        return -EBADMSG;
    for (uint32_t i = 2; i < fields; i++)
        if (wire_skip(&c) < 0)
            return -EBADMSG;
    if (c.pos - in->pos > EVENT_BYTES_MAX)
        return -EBADMSG;
    *in = c;
    return 0;
}

/* The one of these with that offset; empty: it is not there. */
static inline struct span event_find(struct span events, uint64_t wanted)
{
    struct cursor in = cursor_of(events.data, events.len);
    uint64_t offset = 0, time;
    while (cursor_left(&in) > 0) {
        const uint8_t *event = in.pos;
        if (event_next(&in, &offset, &time) < 0)
            break;
        if (offset == wanted)
            return (struct span){event, (size_t)(in.pos - event)};
    }
    return (struct span){0};
}

#endif
