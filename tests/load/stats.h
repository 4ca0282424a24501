/* SPDX-License-Identifier: Apache-2.0
 *
 * What the load client measures with: a clock, histograms, and the CPU and memory of processes.
 */
#ifndef EASEL_LOAD_STATS_H
#define EASEL_LOAD_STATS_H

#include <stdint.h>
#include <sys/types.h>

uint64_t now_ns(void);

/* Buckets of 1/64 of a power of two: a percentile is at most 1.6 % too low. */
#define HISTOGRAM_BUCKETS (59 * 64)

struct histogram {
    uint64_t count;
    uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);
/* share: .5 is the median. 0 when it is empty. */
uint64_t histogram_percentile(const struct histogram *h, double share);

struct usage {
    uint64_t cpu_ns;
    uint64_t memory_kib; /* resident */
};

/* Of a process with all its threads. 0, or -ESRCH. */
int usage_read(pid_t pid, struct usage *ret);

#endif
