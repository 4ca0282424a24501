/* SPDX-License-Identifier: Apache-2.0
 *
 * Who waits, board by board. Boards have their turns one after the other, so one that asks for much
 * makes only itself wait; and when there is no room for more, it is the board with the most of them
 * that loses one. Pure; what waits is the caller's.
 */
#ifndef EASEL_LINES_H
#define EASEL_LINES_H

#include <sys/queue.h>

#include "id.h"

struct waiting {
    struct id board;
    TAILQ_ENTRY(waiting) link; /* of its board's, the oldest first */
};

TAILQ_HEAD(waitings, waiting);

struct lines;

struct lines *lines_create(unsigned max);
void lines_destroy(struct lines *all); /* when nobody waits any more */
unsigned lines_count(const struct lines *all);

/* It waits from now on. Returns who must go, since there is no room for all: NULL, or the newest of
 * the board of which the most wait, perhaps this one. */
struct waiting *lines_put(struct lines *all, struct waiting *w);
/* Whose turn it is: it waits no more. NULL: nobody waits. */
struct waiting *lines_next(struct lines *all);
/* Of this board the one that waits longest; NULL: none. The others are linked to it. */
struct waiting *lines_first(const struct lines *all, const struct id *board);

#endif
