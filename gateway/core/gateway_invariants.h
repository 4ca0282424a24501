/* SPDX-License-Identifier: Apache-2.0
 *
 * What is true of the gateway's core at the end of each of its entries, whatever others send. It
 * reads the structs, and calls nothing that decides. See checks.h.
 */
#ifndef EASEL_GATEWAY_INVARIANTS_H
#define EASEL_GATEWAY_INVARIANTS_H

#include "gateway_core_private.h"

/* Of the core, and of its boards; of very many some are looked at each time. */
void gateway_invariants(const struct gateway_core *c);
/* Of one board; NULL: of none. */
void gateway_board_invariants(const struct board *b);
/* Right after a cut: its offsets are the window's then, and nothing else is known. */
void gateway_cut_invariants(const struct board *b);

#endif
