/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store needs besides rounds and reads, in a thread with a store of its own, in small
 * steps with pauses between, and none while somebody waits for long: deleted boards are erased,
 * boards that nobody used for long are deleted, boards are counted, and once a second it is looked
 * whether the store is still there.
 *
 * Boards are erased as the core hears of them. A pass over all boards, at the start and every
 * UPKEEP_PASS_MS, finds the others: those whose erasing was cut short, and those that are overdue.
 * Several history services may do all this at once: erasing twice is erasing, and a board is
 * deleted by compare-and-swap like everything that is appended. Who holds it open hears of it at
 * the next append.
 */
#ifndef EASEL_UPKEEP_H
#define EASEL_UPKEEP_H

#include "database.h"
#include "history_core.h"

struct upkeep;

/* keep_ms: boards without a new event for so long are deleted; 0: none is. */
struct upkeep *upkeep_create(struct history_core *core, struct database *db, uint64_t keep_ms);
void upkeep_destroy(struct upkeep *u);

/* Begins a step if one is due. */
void upkeep_turn(struct upkeep *u, uint64_t now_ms);
/* When the next one is; UINT64_MAX while one is under way. */
uint64_t upkeep_deadline(const struct upkeep *u);

struct upkeep_stats {
    uint64_t erased_boards, erased_records; /* since the start */
    uint64_t expired_boards;                /* deleted since nobody used them */
    uint64_t errors, passes;
    unsigned waiting; /* boards to be erased, now */
    char lost[400];   /* why the store is lost (store_lost), or empty */
    struct histogram seconds;
};
const struct upkeep_stats *upkeep_stats(const struct upkeep *u);

#endif
