/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics in Prometheus text form. A program describes its metrics in tables that point at the
 * counters its parts keep anyway; nothing is registered or locked.
 */
#ifndef EASEL_METRICS_H
#define EASEL_METRICS_H

#include <stdint.h>

#include "buf.h"

#define HISTOGRAM_BUCKETS_MAX 16

/* Values in seconds (or bytes); buckets are upper bounds, cumulative only when printed. */
struct histogram {
    uint64_t count[HISTOGRAM_BUCKETS_MAX + 1];
    double sum;
    const double *bounds; /* bound_count of them, rising */
    unsigned bound_count;
};
extern const double SECONDS_BOUNDS[]; /* .001 .0025 .005 .01 .025 .05 .1 .25 .5 1 2.5 5 10 */
extern const unsigned SECONDS_BOUND_COUNT;

void histogram_add(struct histogram *h, double value);

/* Each appends one metric with its # HELP and # TYPE; labels may be NULL ("code=\"bad_frame\""). */
void metric_counter(struct buf *out, const char *name, const char *help, const char *labels,
                    uint64_t value);
void metric_gauge(struct buf *out, const char *name, const char *help, const char *labels,
                  double value);
void metric_histogram(struct buf *out, const char *name, const char *help,
                      const struct histogram *h);
/* One more sample of the metric just printed, with other labels. */
void metric_sample(struct buf *out, const char *name, const char *labels, double value);
/* easel_build_info, process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds. */
void metric_process(struct buf *out, const char *program);

#endif
