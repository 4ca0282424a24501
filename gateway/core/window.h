/* SPDX-License-Identifier: Apache-2.0
 *
 * A window: the newest events of a board, each framed once as a whole WebSocket message. Cursors
 * read from it; a page from history is a small window that stays as it is. Pure.
 *
 * `applied` is the last offset that is in it without a hole; `told` is the newest mark that was
 * told in this epoch. The view's own mark is the smaller of the two: what lies at or below it stays
 * true in every later epoch (DESIGN §10).
 */
#ifndef EASEL_WINDOW_H
#define EASEL_WINDOW_H

#include <stdint.h>

#include "messages.h"

/* One event, framed. */
struct event {
    uint64_t term;    /* 0: not a frame of a drawer */
    uint64_t came_ms; /* when it came here */
    uint32_t cseq;
    uint32_t code; /* enum event_code, or one of a newer version */
    uint32_t len;  /* of frame, WebSocket header included */
    uint32_t head; /* how many of these bytes are the WebSocket header */
    uint8_t frame[];
};

struct window {
    uint64_t epoch;
    uint64_t first; /* offset of the oldest event, or of the next one when it is empty; 0: unset */
    uint64_t told;
    struct event **ring;
    uint32_t cap, start, count;
    size_t bytes;
};

void window_free(struct window *w);

static inline uint64_t window_applied(const struct window *w)
{
    return w->first == 0 ? 0 : w->first + w->count - 1;
}

static inline uint64_t window_mark(const struct window *w)
{
    uint64_t applied = window_applied(w);
    return w->told < applied ? w->told : applied;
}

/* The event at `offset`, or NULL when it is not in the window. */
static inline const struct event *window_at(const struct window *w, uint64_t offset)
{
    if (w->first == 0 || offset < w->first || offset - w->first >= w->count)
        return NULL;
    return w->ring[(w->start + (uint32_t)(offset - w->first)) & (w->cap - 1)];
}

/* Empties the window; the next event will be `first`. Epoch and told stay. */
void window_reset(struct window *w, uint64_t first);

/* Appends the event at the cursor (one whole msgpack event with the offset applied + 1) and moves
 * the cursor behind it. -EBADMSG: it is not such an event. */
int window_append(struct window *w, uint64_t now_ms, struct cursor *in);

/* Drops the events above `to`. */
void window_cut(struct window *w, uint64_t to);

/* Drops the oldest events while there are more than WINDOW_BYTES_MAX, but never one above the
 * view's own mark. */
void window_evict(struct window *w);

/* Decodes a grant that stands in the window. */
int event_refuse(const struct event *e, struct msg_ev_refuse *ret);
int event_grant(const struct event *e, struct msg_ev_grant *ret);

/* The header of an unmasked, final, binary WebSocket message; returns its length, 2, 4 or 10. */
unsigned ws_header(uint8_t out[10], size_t len);

#endif
