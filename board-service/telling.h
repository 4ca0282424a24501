/* SPDX-License-Identifier: Apache-2.0
 *
 * What the gateways are told of a board beside its events: who is there, who has the pen.
 */
#ifndef EASEL_BOARD_TELLING_H
#define EASEL_BOARD_TELLING_H

#include "board_core_private.h"

/* Tells whom it concerns, if there is news or a list is to be answered. */
void telling_turn(struct board *b);

#endif
