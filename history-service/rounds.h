/* SPDX-License-Identifier: Apache-2.0
 *
 * Carries the core's rounds to the database and back: last records are read, records are inserted.
 */
#ifndef EASEL_ROUNDS_H
#define EASEL_ROUNDS_H

#include "database.h"
#include "history_core.h"
#include "metrics.h"

struct rounds;

struct rounds_events {
    /* The broker message with that tag is dealt with. */
    void (*message_done)(void *owner, uint64_t tag);
    /* The database answered (NULL), or could not be asked and why; at each change. */
    void (*trouble)(void *owner, const char *why);
};

struct rounds *rounds_create(struct history_core *core, struct database *db,
                             const struct rounds_events *events, void *owner);
void rounds_destroy(struct rounds *r);

/* A message of a history queue. It is done when a round has dealt with what it asks for. */
void rounds_message(struct rounds *r, uint64_t tag, struct span body);
/* Starts a round if something waits and none is under way. */
void rounds_turn(struct rounds *r);
bool rounds_idle(const struct rounds *r);

struct rounds_stats {
    struct histogram load_seconds, append_seconds; /* the database's share of a round */
    struct histogram records;                      /* stored together */
    bool trouble;                                  /* the database does not answer, or store */
    char lost[400]; /* why the store is lost (store_lost), or empty */
};
const struct rounds_stats *rounds_stats(const struct rounds *r);
/* The longest wait of what was dealt with lately, or of what still waits. */
double rounds_lag_seconds(const struct rounds *r);

#endif
