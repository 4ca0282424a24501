/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers the read requests of gateways: pages of the stored log. Boards have their turns.
 */
#ifndef EASEL_READS_H
#define EASEL_READS_H

#include "database.h"
#include "metrics.h"
#include "outbox.h"

struct reads;

struct reads *reads_create(struct database *db, struct outbox *out,
                           void (*message_done)(void *owner, uint64_t tag), void *owner);
void reads_destroy(struct reads *r);

/* A message of the replay queue. It is done when its last request is. */
void reads_message(struct reads *r, uint64_t tag, struct span body);

struct reads_stats {
    uint64_t requests, repeats, dropped, errors, bytes, bad_messages;
    uint64_t broken;          /* of the errors: records that cannot be */
    struct histogram seconds; /* the database's share */
};
const struct reads_stats *reads_stats(const struct reads *r);
unsigned reads_waiting(const struct reads *r); /* or under way */

#endif
