/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages from history, for cursors older than the window. A page holds stored events, which never
 * change; all cursors of the board share it. It leads into the next page or into the window without
 * a hole or a repeat, since offsets count on.
 *
 * And what only history knows of a hello: the offset of a time, and whether the log reaches as far
 * as the client says.
 */
#include "gateway_core_private.h"

#include <stdlib.h>

#include "checks.h"

static void page_free(struct board *b, struct page *p)
{
    CHECK(b->page_count > 0);
    LIST_REMOVE(p, link);
    b->page_count--;
    b->core->stats.page_bytes -= p->events.bytes;
    window_free(&p->events);
    free(p);
}

void replay_forget(struct board *b)
{
    while (!LIST_EMPTY(&b->pages))
        page_free(b, LIST_FIRST(&b->pages));
    memset(b->reads, 0, sizeof b->reads);
    memset(&b->tail, 0, sizeof b->tail);
    memset(&b->seek, 0, sizeof b->seek);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Whether the question is to go now: for the first time, or again. */
static bool ask_due(struct ask *a, struct gateway_core *c, uint64_t now)
{
    CHECK(a->nonce == 0 || a->again_ms > 0);
    if (a->nonce == 0) {
        a->nonce = core_nonce(c);
        a->again_ms = READ_AGAIN_MS;
    } else if (now - a->sent_at < a->again_ms && a->sent_at >= c->link_up_at) {
        return false;
    } else {
        a->again_ms = READ_AGAIN_MAX_MS;
    }
    a->sent_at = now;
    return true;
}

static void send_read(struct board *b, uint64_t nonce, uint64_t from, uint64_t since)
{
    CHECK(nonce != 0 && from != 0);
    struct msg_read m = {.board = b->id,
                         .nonce = nonce,
                         .from = from,
                         .to = 0,
                         .since = since,
                         .bytes_max = PAGE_BYTES};
    outbox_put(b->core->outbox, EXCHANGE_REPLAY, &(struct id){0}, &b->id, &TYPE_read, &m);
    b->core->stats.history_reads++;
    board_wake(b);
}

/* A reader stands there. */
static bool is_needed(const struct board *b, uint64_t from)
{
    const struct client *cl;
    LIST_FOREACH (cl, &b->clients, link)
        if (cl->state == CLIENT_LIVE && cl->cursor + 1 == from)
            return true;
    return false;
}

static void request(struct board *b, uint64_t now, uint64_t from)
{
    CHECK(from != 0);
    struct read_request *slot = NULL;
    for (unsigned i = 0; i < PAGES_MAX; i++) {
        struct read_request *r = &b->reads[i];
        if (r->ask.nonce && r->from == from)
            return; /* it goes again by itself */
        if (!r->ask.nonce)
            slot = r;
    }
    if (!slot)
        return; /* the cursor asks again when it is pulled */
    *slot = (struct read_request){.from = from};
    ask_due(&slot->ask, b->core, now);
    send_read(b, slot->ask.nonce, from, NIL);
}

bool replay_seeks(const struct client *cl)
{
    return cl->state == CLIENT_JOINING && cl->since != NIL && cl->session &&
           cl->session->flags & MEMBER_SEATED;
}

static bool is_sought(const struct board *b)
{
    const struct client *cl;
    LIST_FOREACH (cl, &b->clients, link)
        if (replay_seeks(cl) && cl->answer == b->seek.ask.nonce)
            return true;
    return false;
}

/* The time of whoever came first, who stands last; for all who wait for the same one by now. */
static bool seek_next(struct board *b, uint64_t now)
{
    CHECK(b->seek.ask.nonce == 0); /* one question after the other */
    struct client *cl, *first = NULL;
    LIST_FOREACH (cl, &b->clients, link)
        if (replay_seeks(cl))
            first = cl;
    if (!first)
        return false;
    b->seek.since = first->since;
    ask_due(&b->seek.ask, b->core, now);
    LIST_FOREACH (cl, &b->clients, link)
        if (replay_seeks(cl) && cl->since == b->seek.since)
            cl->answer = b->seek.ask.nonce;
    return true;
}

/* Joins by time: the page that comes tells the offset. One question after the other, however many
 * come; one whose clients are gone still waits at history, so another one may go only when it would
 * go again. */
void replay_seek(struct board *b, uint64_t now)
{
    struct ask *ask = &b->seek.ask;
    bool under_way = ask->nonce != 0;
    if (under_way && !ask_due(ask, b->core, now))
        return;
    if (!under_way || !is_sought(b)) {
        ask->nonce = 0;
        if (!seek_next(b, now))
            return;
    }
    send_read(b, ask->nonce, NIL, b->seek.since);
}

bool replay_asks_tail(const struct client *cl)
{
    return cl->state == CLIENT_JOINING && cl->since == NIL && cl->session &&
           cl->session->flags & MEMBER_SEATED && cl->cursor > cl->board->window.told;
}

/* One question for all who wait when it is asked first. It asks for what cannot be there, and is
 * told the tail. */
void replay_ask_tail(struct board *b, uint64_t now)
{
    bool again = b->tail.nonce != 0;
    if (!ask_due(&b->tail, b->core, now))
        return;
    struct client *cl;
    LIST_FOREACH (cl, &b->clients, link)
        if (!again && replay_asks_tail(cl))
            cl->answer = b->tail.nonce;
    send_read(b, b->tail.nonce, OFFSET_MAX, NIL);
}

const struct event *replay_event(struct board *b, uint64_t now, uint64_t offset)
{
    struct page *p;
    LIST_FOREACH (p, &b->pages, link) {
        const struct event *e = window_at(&p->events, offset);
        if (!e)
            continue;
        p->used_at = now;
        uint64_t next = window_applied(&p->events) + 1;
        if (offset == p->events.first && next < b->window.first)
            request(b, now, next); /* fetched while this one is read */
        return e;
    }
    request(b, now, offset);
    return NULL;
}

bool replay_has(const struct board *b, uint64_t offset)
{
    const struct page *p;
    LIST_FOREACH (p, &b->pages, link)
        if (window_at(&p->events, offset))
            return true;
    return false;
}

void replay_touch_readers(struct board *b)
{
    struct client *cl;
    LIST_FOREACH (cl, &b->clients, link)
        if (cl->state == CLIENT_LIVE && cl->cursor + 1 < b->window.first)
            client_touch(cl, 0);
}

/* ---- pages ----------------------------------------------------------------------------------- */

static void make_room(struct board *b)
{
    struct page *p, *oldest = NULL;
    if (b->page_count < PAGES_MAX)
        return;
    LIST_FOREACH (p, &b->pages, link)
        if (!oldest || p->used_at < oldest->used_at)
            oldest = p;
    page_free(b, oldest);
}

void replay_keep(struct board *b, uint64_t now, const struct msg_page *m)
{
    CHECK(m->to >= m->from);
    struct page *p = xcalloc(1, sizeof *p);
    p->used_at = now;
    window_reset(&p->events, m->from);
    struct cursor in = cursor_of(m->events.data, m->events.len);
    while (cursor_left(&in) > 0 && window_append(&p->events, now, &in) == 0)
        ;
    if (p->events.count == 0 || window_applied(&p->events) != m->to) {
        b->core->stats.bad_messages++;
        window_free(&p->events);
        free(p);
        return;
    }
    make_room(b);
    LIST_INSERT_HEAD(&b->pages, p, link);
    b->page_count++;
    b->core->stats.page_bytes += p->events.bytes;
    b->core->stats.history_pages++;
    board_wake(b); /* time drops it, also when nobody waits for it any more */
}

static void request_again(struct board *b, uint64_t now, struct read_request *r)
{
    if (r->ask.nonce == 0 || !ask_due(&r->ask, b->core, now))
        return;
    if (is_needed(b, r->from))
        send_read(b, r->ask.nonce, r->from, NIL);
    else
        r->ask.nonce = 0;
    replay_touch_readers(b); /* who found no place asks now */
}

void replay_tick(struct board *b, uint64_t now)
{
    for (unsigned i = 0; i < PAGES_MAX; i++)
        request_again(b, now, &b->reads[i]);
    struct page *p, *next;
    for (p = LIST_FIRST(&b->pages); p; p = next) {
        next = LIST_NEXT(p, link);
        if (now - p->used_at > PAGE_KEEP_MS)
            page_free(b, p);
    }
}
