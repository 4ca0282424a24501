/* SPDX-License-Identifier: Apache-2.0
 *
 * Events and marks to the gateways that have the board open (DESIGN §5, §6).
 */
#ifndef EASEL_BOARD_FANOUT_H
#define EASEL_BOARD_FANOUT_H

#include "board_core_private.h"

void fanout_start(struct board *b, uint64_t time); /* the board was opened */
void fanout_attached(struct attachment *at);       /* first seen at that gateway */
void fanout_listed(struct attachment *at);         /* in a list again */
void fanout_all_again(struct board *b);            /* the link was down */
void fanout_marks(struct board *b);                /* tell the mark at once */
/* The event at `offset` (not above the head) again. */
void fanout_repeat(struct attachment *at, uint64_t offset);
void fanout_pointer(const struct board *b, uint64_t x, uint64_t y); /* of the pen's holder */
void fanout_turn(struct board *b);
/* What was put for this board in this turn does not wait for the pace. */
void fanout_flush(struct board *b);
uint64_t fanout_deadline(const struct board *b);

#endif
