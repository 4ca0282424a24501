/* SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"

unsigned ws_header(uint8_t out[10], size_t len)
{
    out[0] = 0x82;
    if (len < 126) {
        out[1] = (uint8_t)len;
        return 2;
    }
    unsigned bytes = len < 65536 ? 2 : 8;
    out[1] = bytes == 2 ? 126 : 127;
    for (unsigned i = 0; i < bytes; i++)
        out[2 + i] = (uint8_t)((uint64_t)len >> (8 * (bytes - 1 - i)));
    return 2 + bytes;
}

static bool is_count(uint64_t n, uint64_t max)
{
    return n > 0 && n <= max;
}

static int parse(struct cursor *in, uint64_t offset, struct event *ret)
{
    struct cursor fields = *in;
    uint64_t at = 0, time, term, cseq;
    uint32_t n;
    unsigned code;
    if (wire_skip(in) < 0 || message_begin(&fields, &code, &n) < 0 || n < 2 ||
        wire_uint(&fields, &at) < 0 || wire_uint(&fields, &time) < 0 || at != offset ||
        at > OFFSET_MAX)
        return -EBADMSG;
    *ret = (struct event){.code = code};
    if (!event_is_drawn(code))
        return 0;
    if (n < 4 || wire_uint(&fields, &term) < 0 || wire_uint(&fields, &cseq) < 0 ||
        !is_count(term, OFFSET_MAX) || !is_count(cseq, UINT32_MAX))
        return -EBADMSG;
    ret->term = term;
    ret->cseq = (uint32_t)cseq;
    return 0;
}

static void make_room(struct window *w)
{
    if (w->count < w->cap)
        return;
    uint32_t cap = w->cap ? w->cap * 2 : 16;
    struct event **ring = xcalloc(cap, sizeof(struct event *));
    for (uint32_t i = 0; i < w->count; i++)
        ring[i] = w->ring[(w->start + i) & (w->cap - 1)];
    free(w->ring);
    w->ring = ring;
    w->cap = cap;
    w->start = 0;
}

int window_append(struct window *w, uint64_t now_ms, struct cursor *in)
{
    CHECK(w->first != 0);
    struct event parsed;
    const uint8_t *data = in->pos;
    if (parse(in, window_applied(w) + 1, &parsed) < 0)
        return -EBADMSG;

    size_t len = (size_t)(in->pos - data);
    uint8_t header[10];
    parsed.head = ws_header(header, len);
    parsed.len = (uint32_t)(parsed.head + len);
    struct event *e = xrealloc(NULL, sizeof *e + parsed.len, 1);
    *e = parsed;
    e->came_ms = now_ms;
    memcpy(e->frame, header, e->head);
    memcpy(e->frame + e->head, data, len);

    make_room(w);
    w->ring[(w->start + w->count) & (w->cap - 1)] = e;
    w->count++;
    w->bytes += e->len;
    return 0;
}

static void drop(struct window *w, uint32_t at)
{
    CHECK(w->count > 0 && w->ring[at & (w->cap - 1)] != NULL);
    struct event **slot = &w->ring[at & (w->cap - 1)];
    w->bytes -= (*slot)->len;
    free(*slot);
    *slot = NULL;
}

void window_cut(struct window *w, uint64_t to)
{
    while (w->count > 0 && window_applied(w) > to) {
        drop(w, w->start + w->count - 1);
        w->count--;
    }
}

/* Never above the mark [D29]. */
void window_evict(struct window *w)
{
    uint64_t mark = window_mark(w);
    while (w->bytes > WINDOW_BYTES_MAX && w->count > 0 && w->first <= mark) {
        drop(w, w->start);
        w->start++;
        w->count--;
        w->first++;
    }
}

void window_reset(struct window *w, uint64_t first)
{
    CHECK(first != 0);
    window_cut(w, 0);
    w->first = first;
}

void window_free(struct window *w)
{
    window_cut(w, 0);
    free(w->ring);
    *w = (struct window){0};
}

int event_refuse(const struct event *e, struct msg_ev_refuse *ret)
{
    struct cursor in = cursor_of(e->frame + e->head, e->len - e->head);
    return e->code == MSG_ev_refuse ? GET(&in, ev_refuse, ret) : -EBADMSG;
}

int event_grant(const struct event *e, struct msg_ev_grant *ret)
{
    struct cursor in = cursor_of(e->frame + e->head, e->len - e->head);
    return e->code == MSG_ev_grant ? GET(&in, ev_grant, ret) : -EBADMSG;
}
