/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EASEL_HISTORY_METRICS_H
#define EASEL_HISTORY_METRICS_H

#include "reads.h"
#include "rounds.h"
#include "upkeep.h"

struct history_parts {
    const struct history_core *core;
    const struct rounds *rounds;
    const struct reads *reads;
    const struct upkeep *upkeep;
    uint64_t boards_max, bad_peer_messages;
    unsigned shards, replicas;
    bool lost;
};

void history_metrics(const struct history_parts *p, struct buf *out);

#endif
