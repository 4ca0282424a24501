/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <math.h>
#include <stdio.h>

const double SECONDS_BOUNDS[] = {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
const double COUNT_BOUNDS[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};
_Static_assert(sizeof SECONDS_BOUNDS == SECONDS_BOUND_COUNT * sizeof(double), "one count for all");
_Static_assert(sizeof COUNT_BOUNDS == COUNT_BOUND_COUNT * sizeof(double), "one count for all");

void histogram_add(struct histogram *h, double value)
{
    unsigned i = 0;
    while (i < h->bound_count && value > h->bounds[i])
        i++;
    h->count[i]++;
    h->sum += value;
}

void histogram_add_ms(struct histogram *h, uint64_t from_ms, uint64_t to_ms)
{
    histogram_add(h, to_ms > from_ms ? (double)(to_ms - from_ms) / 1000 : 0);
}

/* What it holds in the slot of that time. */
static struct peak peak_at(const struct peak *p, uint64_t now_ms)
{
    uint64_t slot = now_ms / PEAK_MS;
    if (slot <= p->slot)
        return *p;
    return (struct peak){.slot = slot, .before = slot == p->slot + 1 ? p->now : 0};
}

void peak_add(struct peak *p, uint64_t now_ms, double value)
{
    *p = peak_at(p, now_ms);
    p->now = fmax(p->now, value);
}

double peak_value(const struct peak *p, uint64_t now_ms)
{
    struct peak at = peak_at(p, now_ms);
    return fmax(at.now, at.before);
}

/* ---- printing -------------------------------------------------------------------------------- */

void metric_head(struct buf *out, const char *name, const char *help, const char *type)
{
    buf_print(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metric_gauge(struct buf *out, const char *name, const char *help, double value)
{
    metric_head(out, name, help, "gauge");
    /* Whole numbers in full: a value that stands still for being rounded looks dead. */
    if (value == floor(value) && fabs(value) < 9e15)
        buf_print(out, "%s %.0f\n", name, value);
    else
        buf_print(out, "%s %.9g\n", name, value);
}

void metric_counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
    metric_head(out, name, help, "counter");
    buf_print(out, "%s %llu\n", name, (unsigned long long)value);
}

void metric_counters(struct buf *out, const char *name, const char *help, const char *label,
                     const char *const *values, const uint64_t *counts, unsigned count)
{
    metric_head(out, name, help, "counter");
    for (unsigned i = 0; i < count; i++)
        buf_print(out, "%s{%s=\"%s\"} %llu\n", name, label, values[i],
                  (unsigned long long)counts[i]);
}

/* `labels` is what stands between the braces, beside `le`: "" or "operation=\"read\"". */
static void buckets(struct buf *out, const char *name, const char *labels,
                    const struct histogram *h)
{
    const char *comma = *labels ? "," : "", *open = *labels ? "{" : "", *close = *labels ? "}" : "";
    uint64_t sum = 0;
    for (unsigned i = 0; i < h->bound_count; i++) {
        sum += h->count[i];
        buf_print(out, "%s_bucket{%s%sle=\"%g\"} %llu\n", name, labels, comma, h->bounds[i],
                  (unsigned long long)sum);
    }
    sum += h->count[h->bound_count];
    buf_print(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, labels, comma,
              (unsigned long long)sum);
    buf_print(out, "%s_sum%s%s%s %.9g\n", name, open, labels, close, h->sum);
    buf_print(out, "%s_count%s%s%s %llu\n", name, open, labels, close, (unsigned long long)sum);
}

void metric_histogram(struct buf *out, const char *name, const char *help,
                      const struct histogram *h)
{
    metric_head(out, name, help, "histogram");
    buckets(out, name, "", h);
}

void metric_histograms(struct buf *out, const char *name, const char *help, const char *label,
                       const char *const *values, const struct histogram *const *h, unsigned count)
{
    metric_head(out, name, help, "histogram");
    for (unsigned i = 0; i < count; i++) {
        char labels[64];
        snprintf(labels, sizeof labels, "%s=\"%s\"", label, values[i]);
        buckets(out, name, labels, h[i]);
    }
}
