/* SPDX-License-Identifier: Apache-2.0
 *
 * What history answers: pages, how far a board reaches, which is the first event of a time, and
 * which store it all comes from. Only what was asked for counts, known by its nonce.
 */
#include "gateway_core_private.h"

/* False: what we knew was of another past, and is gone. */
static bool same_store(struct board *b, uint64_t incarnation)
{
    if (b->incarnation == 0)
        b->incarnation = incarnation;
    if (!is_other_past(b->incarnation, incarnation))
        return true;
    board_restored(b, incarnation);
    return false;
}

static void found_time(struct client *cl, uint64_t now, uint64_t offset, uint64_t tail)
{
    cl->since = NIL;
    cl->from_base = false;
    cl->cursor = offset - 1;
    cl->knows = tail; /* it may know of all that was stored when it came */
    client_seated(cl, now);
}

static void told_time(struct board *b, uint64_t now, const struct msg_page *m)
{
    struct client *cl;
    b->seek.ask.nonce = 0;
    LIST_FOREACH (cl, &b->clients, link)
        if (replay_seeks(cl) && cl->answer == m->nonce)
            found_time(cl, now, m->from, m->tail);
    replay_seek(b, now);
}

/* Who came after the question may know more than its answer: for them it is asked again. */
static void told_tail(struct board *b, uint64_t now, uint64_t tail)
{
    uint64_t nonce = b->tail.nonce;
    bool again = false;
    struct client *cl;
    b->tail.nonce = 0;
    LIST_FOREACH (cl, &b->clients, link) {
        if (!replay_asks_tail(cl))
            continue;
        if (cl->cursor <= tail) {
            cl->knows = cl->cursor;
            client_seated(cl, now);
        } else if (cl->answer == nonce) {
            TRACE(b->core, &b->id, client_ahead, cl->cursor, tail);
            client_fail(cl, ERROR_start_fresh, NULL, cl->number);
        } else {
            again = true;
        }
    }
    if (again)
        replay_ask_tail(b, now);
}

void answers_page(struct board *b, uint64_t now, const struct msg_page *m)
{
    bool sought = m->nonce == b->seek.ask.nonce, asked = sought;
    if (m->nonce == 0)
        return; /* nobody asks by it */
    for (unsigned i = 0; i < PAGES_MAX; i++)
        if (b->reads[i].ask.nonce == m->nonce) {
            b->reads[i].ask.nonce = 0;
            asked = true;
        }
    if (!asked)
        TRACE(b->core, &b->id, page_ignored, m->from, m->to);
    if (!asked || !same_store(b, m->incarnation))
        return;
    if (sought)
        told_time(b, now, m);
    trust_confirmed(b, m->epoch > m->to ? m->epoch : m->to);
    /* Our window may hold events that a newer epoch has rewound. */
    if (m->epoch > b->window.epoch)
        board_new_epoch(b, now, m->epoch);
    if (m->to >= m->from)
        replay_keep(b, now, m);
    replay_touch_readers(b);
}

void answers_behind(struct board *b, uint64_t now, const struct msg_behind *m)
{
    if (m->nonce == 0)
        return;
    bool asked = m->nonce == b->tail.nonce;
    for (unsigned i = 0; i < PAGES_MAX; i++)
        asked = asked || b->reads[i].ask.nonce == m->nonce;
    if (!asked || !same_store(b, m->incarnation))
        return;
    if (m->nonce == b->tail.nonce)
        told_tail(b, now, m->tail);
    for (unsigned i = 0; i < PAGES_MAX; i++)
        if (b->reads[i].ask.nonce == m->nonce)
            b->reads[i].ask = (struct ask){m->nonce, now, READ_AGAIN_MS};
}

bool answers_looked(struct board *b, const struct msg_looked *m)
{
    if (m->nonce == 0 || m->nonce != b->trust.nonce)
        return false;
    b->trust.nonce = 0;
    same_store(b, m->incarnation);
    trust_confirmed(b, m->epoch);
    trust_confirmed(b, m->tail);
    if (m->tail == 0)
        board_not_there(b);
    return true;
}
