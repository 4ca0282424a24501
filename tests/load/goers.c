/* SPDX-License-Identifier: Apache-2.0 */
#include "goers.h"

#include <stdio.h>
#include <stdlib.h>

#define MS UINT64_C(1000000)

/* ---- seats ----------------------------------------------------------------------------------- */

static void seat(struct crowd *c, struct member *m, unsigned board, unsigned place,
                 const struct seating *s)
{
    bool last = place == c->members_each - 1;
    struct board *b = &c->boards[board];
    m->crowd = c;
    m->board = b;
    m->draws = place == 0;
    m->token = m->draws ? b->draw : b->watch;
    m->stalled = last && board < s->stalled;
    if (last && board < s->owners) {
        m->errand = DROPS;
        m->token = b->own;
    } else if (place == 1 && board < s->reloaders) {
        m->errand = RELOADS;
    }
    if (m->draws)
        b->drawer = m;
    else
        b->readers += !m->stalled && m->errand == STAYS;
}

void crowd_seat(struct crowd *c, const struct seating *s)
{
    c->board_count = s->boards;
    c->members_each = s->members;
    c->boards = xcalloc(c->board_count, sizeof *c->boards);
    c->members = xcalloc(c->board_count * c->members_each, sizeof *c->members);
    for (unsigned i = 0; i < c->board_count * c->members_each; i++)
        seat(c, &c->members[i], i / c->members_each, i % c->members_each, s);
}

/* The members of a board are spread over the gateways, and each comes back at the next one. */
static int start(struct member *m)
{
    struct crowd *c = m->crowd;
    unsigned i = (unsigned)(m - c->members), board = (unsigned)(m->board - c->boards);
    uint16_t port = c->ports[(board + i % c->members_each + m->hellos) % c->port_count];
    char path[32] = "/ws";
    if (c->relay)
        snprintf(path, sizeof path, "/%u", board);
    return ws_client_start(&m->ws, c->epoll, port, path);
}

int crowd_start(struct crowd *c, unsigned i)
{
    return start(&c->members[i]);
}

/* ---- errands --------------------------------------------------------------------------------- */

static uint64_t in_ms(uint64_t now, uint64_t low, uint64_t high)
{
    return now + (low + (uint64_t)random() % (high - low)) * MS;
}

static int come_back(struct member *m, uint64_t now)
{
    m->away = false;
    m->came_ns = now;
    m->waits = true;
    m->crowd->tally.came_back++;
    return start(m);
}

static int drop_step(struct member *m, uint64_t now)
{
    if (m->away) {
        m->step_ns = in_ms(now, 6000, 9000);
        return come_back(m, now);
    }
    ws_client_finish(&m->ws);
    m->away = true;
    m->waits = false;
    m->step_ns = now + OWNER_AWAY_NS;
    return 0;
}

/* Quick ones in a row, some so quick that the gateway before has only just heard the hello. */
static int reload_step(struct member *m, uint64_t now)
{
    if (m->burst == 0)
        m->burst = RELOADS_A_ROW;
    m->burst--;
    m->step_ns = m->burst > 0 ? in_ms(now, 5, 80) : in_ms(now, 6000, 9000);
    m->crowd->tally.reloaded++;
    ws_client_finish(&m->ws);
    return come_back(m, now);
}

static int step(struct member *m, uint64_t now)
{
    if (m->waits && now > m->came_ns + SHUT_OUT_NS) {
        m->waits = false;
        complain(m, &m->crowd->tally.shut_out, "came back, and is not let in", span_of(""));
    }
    if (now < m->step_ns)
        return 0;
    if (m->step_ns == 0) { /* the first time: not all at once */
        m->step_ns = in_ms(now, 500, 5000);
        return 0;
    }
    return m->errand == DROPS ? drop_step(m, now) : reload_step(m, now);
}

int goers_step(struct crowd *c, uint64_t now)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < c->board_count * c->members_each; i++)
        if (c->members[i].errand != STAYS)
            r = step(&c->members[i], now);
    return r;
}

int goers_gather(struct crowd *c)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < c->board_count * c->members_each; i++)
        if (c->members[i].away)
            r = come_back(&c->members[i], now_ns());
    return r;
}
