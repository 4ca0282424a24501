/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread with a store of its own behind a bounded queue, since a store blocks and the loop must
 * not. Jobs run there one after the other.
 */
#ifndef EASEL_DATABASE_H
#define EASEL_DATABASE_H

#include <sys/queue.h>
#include <uv.h>

#include "store.h"

struct job {
    STAILQ_ENTRY(job) queue;
    void (*run)(struct job *job, struct store *store); /* in the thread */
    void (*done)(struct job *job);                     /* on the loop */
    double seconds;                                    /* that `run` took */
};

struct database;

/* The store, of that incarnation, was opened (0; `why` is empty or worth a warning), or could not
 * be: -EIO, tried again every second; -EINVAL, -ENOTSUP, for good. On the loop, at each change. */
typedef void database_opened(void *owner, int result, const char *why, uint64_t incarnation);

int database_create(uv_loop_t *loop, const struct store_address *address, unsigned shards,
                    unsigned jobs_max, database_opened *opened, void *owner, struct database **ret);
/* At most jobs_max at a time. The job is the caller's again when `done` is called. */
void database_submit(struct database *db, struct job *job);
unsigned database_waiting(const struct database *db); /* submitted, and not done */
/* Waits for the job under way. `done` is called for no further job. Run the loop once more. */
void database_destroy(struct database *db);

#endif
