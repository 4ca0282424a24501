/* SPDX-License-Identifier: Apache-2.0
 *
 * How a board is ruled, by the newest ev_rules of its log that is stored: who has to stay out, and
 * what is left to its owner. deeds.c makes those events.
 */
#ifndef EASEL_BOARD_RULES_H
#define EASEL_BOARD_RULES_H

#include "board_core_private.h"

/* The event becomes what counts; empty: nobody ruled the board yet. -EBADMSG: it is no such event,
 * and nothing changed. */
int rules_keep(struct board *b, struct span event);
void rules_free(struct board *b);

static inline bool rules_have(const struct board *b, enum rule rule)
{
    return b->rules.flags & rule;
}

/* Why that member has to stay out, who comes by a link of that generation; OUTSIDE_FULL: it need
 * not. */
enum outside rules_shut_out(const struct board *b, const struct id *member, enum role role,
                            uint64_t links);

bool rules_list_has(struct list members, const struct id *member); /* a list of member_id */

#endif
