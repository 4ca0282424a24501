/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics in Prometheus' text form. The parts of a program keep their counters anyway; when
 * somebody asks, they are printed one after the other. Nothing is registered or locked.
 */
#ifndef EASEL_METRICS_H
#define EASEL_METRICS_H

#include <stdint.h>

#include "buf.h"
#include "limit_values.h"

/* Buckets are upper bounds, cumulative only when printed. */
struct histogram {
    uint64_t count[HISTOGRAM_BUCKETS_MAX + 1];
    double sum;
    const double *bounds; /* bound_count of them, rising */
    unsigned bound_count;
};
extern const double SECONDS_BOUNDS[]; /* .001 .0025 .005 .01 .025 .05 .1 .25 .5 1 2.5 5 10 */
extern const double COUNT_BOUNDS[];   /* 1 2 5 10 20 50 100 200 500 1000 */
#define SECONDS_BOUND_COUNT 13u
#define COUNT_BOUND_COUNT   10u

/* An empty one. */
#define HISTOGRAM_OF_SECONDS                                                                       \
    ((struct histogram){.bounds = SECONDS_BOUNDS, .bound_count = SECONDS_BOUND_COUNT})
#define HISTOGRAM_OF_COUNTS                                                                        \
    ((struct histogram){.bounds = COUNT_BOUNDS, .bound_count = COUNT_BOUND_COUNT})

void histogram_add(struct histogram *h, double value);
/* The time between two moments of a clock in milliseconds; 0 if it went back. */
void histogram_add_ms(struct histogram *h, uint64_t from_ms, uint64_t to_ms);

/* The largest value of the last PEAK_MS to 2 * PEAK_MS: a gauge that shows what fell between two
 * scrapes, and to every scraper the same. All zero at the start. */
struct peak {
    uint64_t slot; /* time is cut into slots of PEAK_MS */
    double now, before;
};
void peak_add(struct peak *p, uint64_t now_ms, double value);
double peak_value(const struct peak *p, uint64_t now_ms);

/* One metric, with its # HELP and # TYPE. */
void metric_counter(struct buf *out, const char *name, const char *help, uint64_t value);
void metric_gauge(struct buf *out, const char *name, const char *help, double value);
void metric_histogram(struct buf *out, const char *name, const char *help,
                      const struct histogram *h);
/* For functions that print into `out`. */
#define COUNTER(name, help, value) metric_counter(out, name, help, (value))
#define GAUGE(name, help, value)   metric_gauge(out, name, help, (double)(value))

/* One series for each of `count` values of a label. */
void metric_counters(struct buf *out, const char *name, const char *help, const char *label,
                     const char *const *values, const uint64_t *counts, unsigned count);
void metric_histograms(struct buf *out, const char *name, const char *help, const char *label,
                       const char *const *values, const struct histogram *const *h, unsigned count);

/* The head of one whose lines have another form. */
void metric_head(struct buf *out, const char *name, const char *help, const char *type);

#endif
