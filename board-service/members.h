/* SPDX-License-Identifier: Apache-2.0
 *
 * The members of a board, as the gateways' lists have them. A member is a session; of its
 * connections one counts. Here the lists become one entry a member; who gets a seat is in seats.c.
 */
#ifndef EASEL_BOARD_MEMBERS_H
#define EASEL_BOARD_MEMBERS_H

#include "board_core_private.h"

/* Who is looked at first when there are too many: who is seated and here, then own links, draw
 * links and watchers that are here; then who is lost, and last who has left. So however many crowd
 * in, or have been here, nobody is hidden by who matters less. */
#define ENTRY_RANKS 7u
unsigned entry_rank(const struct msg_at_member *e);
/* Reads all lists of the board anew. Members that no list names any more and that have no seat, or
 * whose gateway said itself that they are gone, are forgotten. */
void members_read(struct board *b);
struct member *members_find(const struct board *b, const struct id *member);
/* This gateway is gone, and with it its list: who was there may come back elsewhere. */
void members_orphan(const struct attachment *at);
/* Tells the older connections of members that have several; sets when to look again. */
void members_tell_replaced(struct board *b);
uint64_t members_deadline(const struct board *b);

/* A new owner hears of all members only after an attach interval. */
static inline uint64_t members_heard_all(const struct board *b)
{
    return b->seats.opened_at + ATTACH_EVERY_MS;
}

/* It has the pen, as far as that is stored. */
static inline bool member_holds(const struct board *b, const struct member *m)
{
    return id_equal(&m->id, &b->log.stored.holder);
}

/* Whoever has no seat and could have had one is told so; others still wait. */
static inline bool members_turned_away(const struct board *b, const struct member *m)
{
    return !m->seated && m->connected && (m->outside || !b->seats.closed_until);
}

/* It wants the pen and is there to draw. */
static inline bool member_asks(const struct member *m)
{
    return m->seated && m->connected && m->role != ROLE_WATCH && m->request != REQUEST_NONE;
}

#endif
