/* SPDX-License-Identifier: Apache-2.0
 *
 * Replicas as they are kept, and looked at.
 *
 *   peers.c              hears, probes and forgets them
 *   common_invariants.c  what is true after each call
 */
#ifndef EASEL_PEERS_PRIVATE_H
#define EASEL_PEERS_PRIVATE_H

#include "peers.h"

struct peer {
    struct id id;
    bool counts;
    uint64_t since_ms; /* first heard */
    uint64_t heard_ms;
    uint64_t beats;          /* of our own that came back to us since then */
    uint64_t trust_until_ms; /* counts until then even if silent */
    bool doubted;            /* is to be probed */
    uint64_t probed_ms;      /* 0: never */
};

struct ignored {
    struct id id;
    uint64_t until_ms;
};

/* peer[0] is self. */
struct peers {
    struct peer peer[1 + PEERS_MAX];
    unsigned count;
    bool up, left;
    uint64_t beat_ms;      /* the last of our own that counted */
    uint64_t heard_own_ms; /* the last of our own, or the link came up */
    uint64_t probes_ms;    /* since then so many were sent: */
    unsigned probes;
    struct ignored ignored[PEERS_MAX];
    unsigned next_ignored; /* a ring */
};

void peers_invariants(const struct peers *p);

#endif
