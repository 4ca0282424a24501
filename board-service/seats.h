/* SPDX-License-Identifier: Apache-2.0
 *
 * Members, who of them has a seat, and the board's state as the gateways are told it (DESIGN §5).
 */
#ifndef EASEL_BOARD_SEATS_H
#define EASEL_BOARD_SEATS_H

#include "owner.h"

#define STATE_REPEAT_MS UINT64_C(10000) /* told again in answer to a list */
#define STATE_NEWS_MS   UINT64_C(6000)  /* with each list while the last change is so fresh */

void seats_start(struct board *b, bool clean);
void seats_free(struct board *b);
struct member *seats_find(const struct board *b, const struct id *member);
/* The first of those who wait and could draw now; NULL: nobody. */
struct member *seats_first_in_line(const struct board *b);
struct member *seats_taker(const struct board *b); /* the owner role takes the pen */

void seats_update(struct board *b); /* from the lists; when something changed or is due */
void seats_tell(struct board *b);
uint64_t seats_deadline(const struct board *b);

#endif
