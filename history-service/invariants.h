/* SPDX-License-Identifier: Apache-2.0
 *
 * What is true of the history service's core, and of its shards, at the end of each entry, whatever
 * others send. It reads the structs, and calls nothing that decides. See checks.h.
 */
#ifndef EASEL_HISTORY_INVARIANTS_H
#define EASEL_HISTORY_INVARIANTS_H

#include "history_core_private.h"
#include "sharing_private.h"

/* Of the core: what waits, and the round under way; of very much some is looked at. */
void history_core_invariants(const struct history_core *c);
void sharing_invariants(const struct sharing *s);

#endif
