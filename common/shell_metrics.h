/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics of what all programs have: a loop, an outbox, a broker link, and a process.
 */
#ifndef EASEL_SHELL_METRICS_H
#define EASEL_SHELL_METRICS_H

#include "link.h"
#include "metrics.h"

/* How long the loop's turns keep everything else waiting; time in poll does not count. */
struct turns {
    uv_loop_t *loop;
    uint64_t since_ns, idle_ns;
    struct histogram seconds;
    struct peak longest;
};

/* Right after uv_loop_init. */
void turns_init(struct turns *t, uv_loop_t *loop);
/* At the end of uv_prepare, right before poll: a turn is over. */
void turns_count(struct turns *t);

/* `link` may be NULL: not there yet. */
void shell_metrics(const char *program, const struct outbox *outbox, struct link *link,
                   const struct turns *turns, struct buf *out);

#endif
