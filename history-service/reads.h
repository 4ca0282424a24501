/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers the read requests of gateways: pages of the stored log.
 */
#ifndef EASEL_READS_H
#define EASEL_READS_H

#include "database.h"
#include "outbox.h"

#define READS_WAITING_MAX 512u /* beyond it requests are dropped: gateways repeat */

struct reads;

struct reads *reads_create(struct database *db, struct outbox *out,
                           void (*message_done)(void *owner, uint64_t tag), void *owner);
void reads_destroy(struct reads *r);

/* A message of the replay queue. It is done when its last request is. */
void reads_message(struct reads *r, uint64_t tag, struct span body);
void reads_metrics(const struct reads *r, struct buf *out);

#endif
