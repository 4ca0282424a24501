/* SPDX-License-Identifier: Apache-2.0
 *
 * Which shards are ours, as that is kept, and looked at.
 *
 *   sharing.c             hears of others, and decides
 *   history_invariants.c  what is true after each call
 */
#ifndef EASEL_SHARING_PRIVATE_H
#define EASEL_SHARING_PRIVATE_H

#include "peers.h"
#include "sharing.h"

struct sharing {
    struct id self;
    unsigned shards;
    struct outbox *out;
    struct peers *peers;
    uint64_t incarnation;
    uint64_t heartbeat_at;
    bool link_up, leaving;
    bool *wanted;
    uint64_t bad_messages;
};

void sharing_invariants(const struct sharing *s);

#endif
