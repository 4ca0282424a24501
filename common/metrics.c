/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

const double SECONDS_BOUNDS[] = {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
const unsigned SECONDS_BOUND_COUNT = sizeof SECONDS_BOUNDS / sizeof *SECONDS_BOUNDS;

void histogram_add(struct histogram *h, double value)
{
    unsigned i = 0;
    while (i < h->bound_count && value > h->bounds[i])
        i++;
    h->count[i]++;
    h->sum += value;
}

static void peak_turn(struct peak *p, uint64_t slot)
{
    if (slot <= p->slot)
        return;
    p->before = slot == p->slot + 1 ? p->now : 0;
    p->now = 0;
    p->slot = slot;
}

void peak_add(struct peak *p, uint64_t now_ms, double value)
{
    peak_turn(p, now_ms / PEAK_MS);
    p->now = fmax(p->now, value);
}

double peak_value(struct peak *p, uint64_t now_ms)
{
    peak_turn(p, now_ms / PEAK_MS);
    return fmax(p->now, p->before);
}

__attribute__((format(printf, 2, 3))) static void print(struct buf *out, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0)
        buf_append(out, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static void head(struct buf *out, const char *name, const char *help, const char *type)
{
    print(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void sample_head(struct buf *out, const char *name, const char *labels)
{
    if (labels)
        print(out, "%s{%s} ", name, labels);
    else
        print(out, "%s ", name);
}

void metric_sample(struct buf *out, const char *name, const char *labels, double value)
{
    sample_head(out, name, labels);
    /* Whole numbers in full: a counter that stands still for being rounded looks dead. */
    if (value == floor(value) && fabs(value) < 9e15)
        print(out, "%.0f\n", value);
    else
        print(out, "%.9g\n", value);
}

void metric_counter(struct buf *out, const char *name, const char *help, const char *labels,
                    uint64_t value)
{
    head(out, name, help, "counter");
    sample_head(out, name, labels);
    print(out, "%llu\n", (unsigned long long)value);
}

void metric_counters(struct buf *out, const char *name, const char *help, const char *label,
                     const char *const *values, const uint64_t *counts, unsigned count)
{
    head(out, name, help, "counter");
    for (unsigned i = 0; i < count; i++)
        print(out, "%s{%s=\"%s\"} %llu\n", name, label, values[i], (unsigned long long)counts[i]);
}

void metric_gauge(struct buf *out, const char *name, const char *help, const char *labels,
                  double value)
{
    head(out, name, help, "gauge");
    metric_sample(out, name, labels, value);
}

void metric_histogram(struct buf *out, const char *name, const char *help,
                      const struct histogram *h)
{
    uint64_t sum = 0;
    head(out, name, help, "histogram");
    for (unsigned i = 0; i < h->bound_count; i++) {
        sum += h->count[i];
        print(out, "%s_bucket{le=\"%g\"} %llu\n", name, h->bounds[i], (unsigned long long)sum);
    }
    sum += h->count[h->bound_count];
    print(out, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)sum);
    print(out, "%s_sum %.9g\n%s_count %llu\n", name, h->sum, name, (unsigned long long)sum);
}

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static double resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    if (fscanf(f, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_fds(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count > 3 ? count - 3 : 0; /* without ".", ".." and the directory itself */
}

void metric_process(struct buf *out, const char *program)
{
    char labels[128];
    snprintf(labels, sizeof labels, "program=\"%s\",version=\"%s\"", program, EASEL_VERSION);
    metric_gauge(out, "easel_build_info", "The program and its version.", labels, 1);
    head(out, "process_cpu_seconds_total", "CPU time used, user and system.", "counter");
    metric_sample(out, "process_cpu_seconds_total", NULL, cpu_seconds());
    metric_gauge(out, "process_resident_memory_bytes", "Resident memory.", NULL, resident_bytes());
    metric_gauge(out, "process_open_fds", "Open file descriptors.", NULL, open_fds());
}
