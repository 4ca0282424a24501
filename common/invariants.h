/* SPDX-License-Identifier: Apache-2.0
 *
 * What is true of the parts that all programs share, after each call. See checks.h.
 */
#ifndef EASEL_COMMON_INVARIANTS_H
#define EASEL_COMMON_INVARIANTS_H

#include "idmap.h"
#include "outbox_private.h"
#include "peers_private.h"

void idmap_invariants(const struct idmap *m);
void outbox_invariants(const struct outbox *o);
void peers_invariants(const struct peers *p);

#endif
