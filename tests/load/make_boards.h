/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EASEL_LOAD_MAKE_BOARDS_H
#define EASEL_LOAD_MAKE_BOARDS_H

#include "crowd.h"

/* Makes them by POST /api/boards at the gateway on that port of this machine, some at a time, and
 * keeps their tokens. 0, or a negative errno after it said what went wrong. */
int make_boards(struct board *boards, unsigned count, uint16_t port);

/* One line of JSON a board: its code and its links' tokens, but for the owner's. The file is
 * complete as soon as it is there. 0 or a negative errno. */
int write_links(const struct board *boards, unsigned count, const char *path);

#endif
