/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a board, in some worlds, in the midst of what breaks: its owner deletes it, and asks
 * one gateway after the other until one says that it is done; or history does so for its age, and
 * tells nobody, and the board services that had it open end before they hear of it.
 */
#include "world.h"

#define ASK_AGAIN_MS 4000u

bool board_is_gone(const struct world *w, unsigned board)
{
    for (unsigned i = w->store.count; i > 0; i--) {
        const struct record *r = &w->store.records[i - 1].record;
        if (id_equal(&r->board, &w->board_id[board]))
            return r->flags & RECORD_DELETED;
    }
    return false;
}

void plan_end(struct world *w)
{
    w->doomed = BOARDS;
    if (w->seed % END_EVERY != 1)
        return;
    w->doomed = (unsigned)below(w, BOARDS);
    uint64_t at = odds(w, 5000) ? TROUBLE_MS - below(w, 6000) : 2000 + below(w, TROUBLE_MS - 2000);
    happen(w, w->now + at, (struct event){.what = END, .arg = odds(w, 3000)});
}

static void ask_to_delete(struct world *w)
{
    struct process *g = random_process(w, GATEWAY);
    if (g && w->now >= g->frozen_until) {
        say(w, "board %u is to be deleted, by %s", w->doomed, g->id.text);
        gateway_core_delete(g->gateway, w->now, &w->board_id[w->doomed], 1);
        turn(w, g);
    }
    happen(w, w->now + ASK_AGAIN_MS, (struct event){.what = END});
}

static void expire(struct world *w)
{
    struct record last;
    struct buf events = {0};
    if (memory_last(w, &w->board_id[w->doomed], &last) < 0) {
        happen(w, w->now + ASK_AGAIN_MS, (struct event){.what = END, .arg = 1});
        return;
    }
    say(w, "board %u is too old", w->doomed);
    struct record r = {.board = last.board, .first = record_last(&last) + 1, .count = 1};
    r.epoch = last.epoch;
    r.opener = last.opener;
    r.nonce = last.nonce;
    r.time = last.time;
    r.state = last.state;
    r.flags = RECORD_DELETED;
    PUT(&events, ev_deleted, r.first, w->now);
    r.events = buf_span(&events);
    memory_append(w, &r);
    buf_free(&events);
    for (unsigned i = 0; i < PROCESSES; i++)
        if (w->process[i].kind == BOARD_CORE && w->process[i].alive)
            kill_process(w, &w->process[i]);
}

void end_board(struct world *w, bool for_age)
{
    if (board_is_gone(w, w->doomed))
        return; /* whoever asks now is told so by history */
    if (for_age)
        expire(w);
    else
        ask_to_delete(w);
}

void take_answers(struct world *w, struct process *p)
{
    struct http_answer a;
    while (gateway_core_answer(p->gateway, &a))
        if (a.what == ANSWER_DELETED && !board_is_gone(w, w->doomed))
            fail(w, "it is said that board %u is deleted, and it is not", w->doomed);
}
