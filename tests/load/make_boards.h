/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EASEL_LOAD_MAKE_BOARDS_H
#define EASEL_LOAD_MAKE_BOARDS_H

#include "crowd.h"

/* Makes them by POST /api/boards at the gateway on that port of this machine, some at a time, and
 * keeps their tokens. 0, or a negative errno after it said what went wrong. */
int make_boards(struct board *boards, unsigned count, uint16_t port);

#endif
