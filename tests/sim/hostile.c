/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody with a link to draw who makes numbers up: offsets that the log does not have, terms that
 * are not theirs, any cseq. They never ask for the pen, so nothing of theirs may get into the log;
 * and no gateway may welcome them beyond it. They sit beside the gateway: without delay, without
 * loss.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define ACTS_EVERY_MS 300u

static uint64_t made_up(struct world *w)
{
    return odds(w, 2000) ? OFFSET_MAX - below(w, 3) : below(w, odds(w, 5000) ? 20 : 1000);
}

static uint64_t tail_of(const struct world *w, unsigned board)
{
    uint64_t tail = 0;
    for (unsigned i = 0; i < w->store.count; i++) {
        const struct record *r = &w->store.records[i].record;
        if (id_equal(&r->board, &w->board_id[board]) && record_last(r) > tail)
            tail = record_last(r);
    }
    return tail;
}

static void say_bytes(struct world *w, struct hostile *h, struct buf *b)
{
    client_message(h->client, w->now, buf_span(b));
    buf_free(b);
}

static void say_hello(struct world *w, struct hostile *h, struct process *g)
{
    static const uint8_t session[16];
    char token[64];
    struct buf b = {0};
    snprintf(token, sizeof token, "draw %s %s", w->board_id[h->board].text, h->member.text);
    h->gateway = (unsigned)(g - w->process);
    h->client = client_open(g->gateway, w->now, 0, NULL);
    if (odds(w, 5000))
        h->instance = (chance(w) & OFFSET_MAX) | 1;
    bool by_time = odds(w, 2000);
    PUT(&b, hello, span_of(token), {session, 16}, h->instance, ++h->conn, span_of("somebody"),
        by_time || odds(w, 2000) ? NIL : made_up(w), by_time ? made_up(w) : NIL);
    say_bytes(w, h, &b);
}

static void draw(struct world *w, struct hostile *h)
{
    static const uint8_t point[4] = {HOSTILE_AUTHOR >> 8, HOSTILE_AUTHOR & 255, 0, 1};
    struct buf b = {0};
    uint64_t term = made_up(w) | 1;
    uint64_t cseq = odds(w, 3000) ? UINT32_MAX - below(w, 3) : 1 + below(w, 30);
    for (unsigned i = 0; i < 5 && cseq + i <= UINT32_MAX; i++)
        PUT(&b, begin, term, cseq + i, TOOL_PEN, 0, 80, 1, STROKE_END, {point, 4});
    say_bytes(w, h, &b);
}

static void check_frame(struct world *w, const struct hostile *h, struct span frame)
{
    size_t head = frame.data[1] < 126 ? 2 : frame.data[1] == 126 ? 4 : 10;
    struct cursor in = cursor_of(frame.data + head, frame.len - head);
    struct msg_welcome m;
    unsigned code;
    uint32_t fields;
    struct cursor at = in;
    if (message_begin(&at, &code, &fields) < 0 || code != MSG_welcome)
        return;
    if (GET(&in, welcome, &m) == 0 && m.incarnation == w->incarnation &&
        m.start > tail_of(w, h->board))
        fail(w, "somebody was welcomed at %llu, and the log ends at %llu",
             (unsigned long long)m.start, (unsigned long long)tail_of(w, h->board));
}

/* Reads all that is there. False: the gateway closes. */
static bool reads(struct world *w, struct hostile *h)
{
    static struct pull pull;
    for (;;) {
        client_pull(h->client, w->now, &pull);
        if (pull.count == 0)
            return !client_ends(h->client, NULL);
        for (unsigned i = 0; i < pull.count; i++)
            check_frame(w, h, pull.frame[i]);
        client_pulled(h->client, &pull, pull.count);
    }
}

void hostile_leave(struct world *w, struct hostile *h)
{
    if (h->client)
        client_closed(h->client, w->now);
    h->client = NULL;
}

static void act_connected(struct world *w, struct hostile *h)
{
    struct process *g = &w->process[h->gateway];
    if (w->now < g->frozen_until)
        return;
    if (!reads(w, h) || w->silent || odds(w, 2000))
        hostile_leave(w, h);
    else
        draw(w, h);
    turn(w, g);
}

void hostile_act(struct world *w, struct hostile *h)
{
    struct process *g = random_process(w, GATEWAY);
    if (h->client)
        act_connected(w, h);
    else if (g && w->now >= g->frozen_until && !w->silent)
        say_hello(w, h, g);
    happen(w, w->now + below(w, ACTS_EVERY_MS),
           (struct event){.what = HOSTILE_ACT, .who = (unsigned)(h - w->hostile)});
}

void hostile_start(struct world *w, unsigned number)
{
    struct hostile *h = &w->hostile[number];
    uint64_t bits = chance(w);
    uint8_t bytes[8];
    memcpy(bytes, &bits, sizeof bytes);
    *h = (struct hostile){.board = number % BOARDS, .instance = 1};
    h->member = id_from_bits(0, MEMBER_CHARS, bytes);
    happen(w, w->now + 1000, (struct event){.what = HOSTILE_ACT, .who = number});
}
