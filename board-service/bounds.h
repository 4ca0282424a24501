/* SPDX-License-Identifier: Apache-2.0
 *
 * What one board may take of the store: so many events in its log, and so many bytes a second on
 * average. Whoever has the pen of a board can use up both, and hurts that board alone.
 *
 * A board whose log is nearly full says so, and one that is full lends its pen to nobody. Events of
 * the service itself may go beyond: the grant that puts the pen down, and an open and a released
 * each time that the board changes hands.
 *
 * Bytes are paid off by time, after the fact: a board may be some 16 s of them in debt, so a hand
 * that draws much for a while, or comes back with all that it kept, is not held up. Beyond it the
 * board is busy, and gateways read nothing from its drawer, until a second of it is paid.
 *
 * An event counts as some bytes at least: what is costly of a dot, an undo or a frame without
 * points is not its bytes, and it fills the log as any other. A hand makes 60 in a second.
 */
#ifndef EASEL_BOARD_BOUNDS_H
#define EASEL_BOARD_BOUNDS_H

#include "board_core_private.h"

void bounds_start(struct board *b); /* the board was opened */
/* An event of so many bytes is at the head now. */
void bounds_took(struct board *b, size_t bytes);
unsigned bounds_flags(const struct board *b); /* of enum mark_flag */
bool bounds_in_debt(const struct board *b);   /* it is to be busy, or to stay so */
uint64_t bounds_deadline(const struct board *b);

#endif
