/* SPDX-License-Identifier: Apache-2.0
 *
 * Who of the members has a seat, and who waits for the pen (DESIGN §9). There are config.seats for
 * everybody, and one more that only an own link can take: so no crowd keeps an owner out. Whoever
 * is seated and connected is never evicted.
 */
#ifndef EASEL_BOARD_SEATS_H
#define EASEL_BOARD_SEATS_H

#include "board_core_private.h"

void seats_start(struct board *b, bool clean);
void seats_free(struct board *b);
/* The first of those who wait and could draw now; NULL: nobody. */
struct member *seats_first_in_line(const struct board *b);
/* Somebody with an own link is. */
bool seats_owner_here(const struct board *b);
/* Of who was seen outside lately; empty: of nobody. */
struct span seats_outsider_name(const struct board *b, const struct id *member);
struct member *seats_taker(const struct board *b); /* the owner role takes the pen */

void seats_update(struct board *b); /* from the lists; when something changed or is due */
uint64_t seats_deadline(const struct board *b);

#endif
