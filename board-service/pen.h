/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has the pen, and who gets it next (DESIGN §5).
 */
#ifndef EASEL_BOARD_PEN_H
#define EASEL_BOARD_PEN_H

#include "owner.h"

void pen_start(struct board *b);  /* the board was opened, or a grant is stored */
void pen_active(struct board *b); /* the holder drew, or could not because of us */
bool pen_points(struct board *b, const struct msg_pointing *m); /* false: not the holder */
/* By the holder, with its frame of that cseq; empty: it is put down. */
void pen_pass(struct board *b, const struct id *to, uint64_t cseq);
void pen_turn(struct board *b);
uint64_t pen_deadline(const struct board *b);

/* What is left of the two countdowns, at least 1; 0: not under way. */
uint64_t pen_grace_left(const struct board *b);
uint64_t pen_pass_left(const struct board *b);

#endif
