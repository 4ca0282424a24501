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

/* The largest value of the last PEAK_MS to 2 * PEAK_MS: a gauge that shows what fell between two
 * scrapes, and to every scraper the same. All zero at the start. */
#define PEAK_MS UINT64_C(15000)
struct peak {
    uint64_t slot; /* time is cut into slots of PEAK_MS */
    double now, before;
};
void peak_add(struct peak *p, uint64_t now_ms, double value);
double peak_value(struct peak *p, uint64_t now_ms);

/* Each appends one metric with its # HELP and # TYPE; labels may be NULL ("code=\"bad_frame\""). */
void metric_counter(struct buf *out, const char *name, const char *help, const char *labels,
                    uint64_t value);
void metric_gauge(struct buf *out, const char *name, const char *help, const char *labels,
                  double value);
void metric_histogram(struct buf *out, const char *name, const char *help,
                      const struct histogram *h);
/* One counter for each value of a label, all under one head. */
void metric_counters(struct buf *out, const char *name, const char *help, const char *label,
                     const char *const *values, const uint64_t *counts, unsigned count);
/* One more sample of the metric just printed, with other labels. */
void metric_sample(struct buf *out, const char *name, const char *labels, double value);
/* easel_build_info, process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds. */
void metric_process(struct buf *out, const char *program);

#endif
