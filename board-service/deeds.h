/* SPDX-License-Identifier: Apache-2.0
 *
 * What who owns the board does to it, beside drawing: the rules, and who gets the pen.
 */
#ifndef EASEL_BOARD_DEEDS_H
#define EASEL_BOARD_DEEDS_H

#include "board_core_private.h"

/* One deed of a member, who repeats it until the log shows it. What may not be, or is late, changes
 * nothing. */
void deeds_take(struct board *b, const struct msg_deed *m);

#endif
