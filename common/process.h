/* SPDX-License-Identifier: Apache-2.0
 *
 * Who this process is, its time, its threads, and what it has used.
 */
#ifndef EASEL_PROCESS_H
#define EASEL_PROCESS_H

#include <pthread.h>

#include "id.h"
#include "metrics.h"

/* A new id of that kind (g, b or h): random at each start, so that a process that was started again
 * is never taken for the one before it. Ends the process when there is no randomness. */
struct id process_id(char kind);
uint64_t process_random(void);

/* Wall time at the first call, and from then on a clock that counts while the machine sleeps and
 * never jumps. Milliseconds since 1970. Of the loop's thread only. */
uint64_t process_now_ms(void);
/* Milliseconds since 1970. It may jump: only for what other machines and people call time. */
uint64_t process_wall_ms(void);

/* A thread that gets no signals: they are the loop's. Negative errno. */
int process_thread(pthread_t *ret, void *(*run)(void *), void *data);

/* What every process tells, under the names that all the world uses; and easel_build_info. What
 * cannot be known is 0. */
void process_metrics(const char *program, struct buf *out);

#endif
