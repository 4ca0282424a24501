/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the drawer's pointer is while it does not draw. It stands beside the log: the newest place
 * counts, and any may be lost. One place waits for each session towards the owner, and one for each
 * board towards its clients; so nothing queues, and nothing here delays a frame.
 */
#include "gateway_core_private.h"

#include "checks.h"

static bool is_of_use(const struct session *s)
{
    const struct board *b = s->board;
    return session_draws(s) && b->state.members.count > 1 && b->core->link_up &&
           !id_empty(&b->owner);
}

static void send_place(struct session *s, uint64_t now)
{
    CHECK(s->pointer.waits);
    struct board *b = s->board;
    struct msg_pointing m = {b->id,        s->member,    s->instance,
                             s->pointer.x, s->pointer.y, b->incarnation};
    s->pointer.waits = false;
    s->pointer.due = now + POINTER_EVERY_MS;
    if (is_of_use(s))
        outbox_offer(b->core->outbox, EXCHANGE_BOARD, &b->owner, &b->id, &TYPE_pointing, &m);
    else
        b->core->stats.pointers_dropped++;
}

void pointer_moved(struct session *s, uint64_t now, const struct msg_pointer *m)
{
    CHECK(s->client != NULL);
    struct gateway_core_stats *stats = &s->board->core->stats;
    stats->pointers++;
    stats->pointers_dropped += s->pointer.waits;
    s->pointer.x = (uint32_t)m->x;
    s->pointer.y = (uint32_t)m->y;
    s->pointer.waits = true;
    if (pointer_tick(s, now))
        board_wake(s->board);
}

bool pointer_tick(struct session *s, uint64_t now)
{
    if (s->pointer.waits && now >= s->pointer.due)
        send_place(s, now);
    return s->pointer.waits;
}

/* Not for the drawer, who knows; for whom another's place may still wait. */
static bool is_for(const struct client *cl, const struct id *member)
{
    return cl->state == CLIENT_LIVE && cl->session && !id_equal(&cl->session->member, member);
}

void pointer_told(struct board *b, uint64_t now, const struct msg_pointed *m)
{
    struct client *cl;
    b->pointer.member = m->member;
    b->pointer.x = (uint32_t)m->x;
    b->pointer.y = (uint32_t)m->y;
    b->pointer.at = now;
    LIST_FOREACH (cl, &b->clients, link) {
        b->core->stats.pointers_dropped += (cl->flags & PULL_POINTER) != 0;
        cl->flags &= ~(unsigned)PULL_POINTER;
        if (is_for(cl, &m->member))
            client_touch(cl, PULL_POINTER);
    }
}

bool pointer_fresh(const struct client *cl, uint64_t now)
{
    return cl->flags & PULL_POINTER && now - cl->board->pointer.at <= POINTER_FRESH_MS;
}
