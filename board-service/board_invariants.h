/* SPDX-License-Identifier: Apache-2.0
 *
 * What is true of the board service's core at the end of each of its entries, whatever others send.
 * It reads the structs, and calls nothing that decides. See checks.h.
 */
#ifndef EASEL_BOARD_INVARIANTS_H
#define EASEL_BOARD_INVARIANTS_H

#include "board_core_private.h"

/* Of the core, and of its boards and lists; of very many boards some are looked at each time. */
void board_core_invariants(const struct board_core *c);

#endif
