/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has the pen, and who gets it next (DESIGN §8).
 */
#ifndef EASEL_BOARD_PEN_H
#define EASEL_BOARD_PEN_H

#include "board_core_private.h"

void pen_start(struct board *b);                                /* the board was opened */
bool pen_points(struct board *b, const struct msg_pointing *m); /* false: not the holder */
/* What the log has since the last turn, and who waits: the pen may go to another. */
void pen_turn(struct board *b);
uint64_t pen_deadline(const struct board *b);
/* It is here, and may draw. */
bool pen_may_have(const struct board *b, const struct member *m);
/* To it, or to nobody (NULL); no grant is under way. */
void pen_give(struct board *b, struct member *m);

/* What is left of the two countdowns, at least 1; 0: not under way. */
uint64_t pen_grace_left(const struct board *b);
uint64_t pen_pass_left(const struct board *b);

#endif
