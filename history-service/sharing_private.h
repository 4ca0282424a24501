/* SPDX-License-Identifier: Apache-2.0
 *
 * Which shards are ours, as sharing.c keeps it, and invariants.c looks at it.
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

#endif
