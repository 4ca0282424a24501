/* SPDX-License-Identifier: Apache-2.0
 *
 * A board's way through this process: taking it over, its turns, letting it go.
 */
#ifndef EASEL_BOARD_OWNER_H
#define EASEL_BOARD_OWNER_H

#include "board_core_private.h"

void owner_forget(struct board *b); /* frees it */
void owner_turn(struct board *b);
/* Politely: nothing more is accepted, and all that was is stored first. */
void owner_let_go(struct board *b);
void owner_opened(struct board *b, const struct msg_opened *m);
void owner_refused(struct board *b, const struct msg_refused *m);
void owner_no_board(struct board *b);
/* History answers out of a store of this incarnation. False: of another one, so our log is of
 * another past, and the board is opened anew. */
bool owner_same_store(struct board *b, uint64_t incarnation);

#endif
