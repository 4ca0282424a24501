/* SPDX-License-Identifier: Apache-2.0 */
#include "stats.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* Below 64 each value has a bucket; above, the six bits after the leading one choose it. */
static unsigned bucket_of(uint64_t value)
{
    if (value < 64)
        return (unsigned)value;
    unsigned power = 63 - (unsigned)__builtin_clzll(value);
    return (power - 5) * 64 + (unsigned)(value >> (power - 6) & 63);
}

static uint64_t value_of(unsigned bucket)
{
    if (bucket < 64)
        return bucket;
    unsigned power = bucket / 64 + 5;
    return UINT64_C(1) << power | (uint64_t)(bucket % 64) << (power - 6);
}

void histogram_add(struct histogram *h, uint64_t value)
{
    h->count++;
    h->bucket[bucket_of(value)]++;
}

uint64_t histogram_percentile(const struct histogram *h, double share)
{
    uint64_t below = (uint64_t)((double)h->count * share);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (below < h->bucket[i])
            return value_of(i);
        below -= h->bucket[i];
    }
    return 0;
}

/* schedstat counts nanoseconds where stat counts 1/100 s, but a thread at a time. */
static int cpu_of_threads(pid_t pid, uint64_t *ret)
{
    char path[300];
    uint64_t sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (threads == NULL)
        return -ESRCH;
    for (struct dirent *e; (e = readdir(threads)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "r"); /* ".." is the process again */
        uint64_t ns;
        if (f == NULL)
            continue;
        if (fscanf(f, "%" SCNu64, &ns) == 1)
            sum += ns;
        fclose(f);
    }
    closedir(threads);
    *ret = sum;
    return 0;
}

static uint64_t resident_kib(pid_t pid)
{
    char path[64], line[256];
    uint64_t kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL && sscanf(line, "VmRSS: %" SCNu64, &kib) != 1)
        ;
    fclose(f);
    return kib;
}

int usage_read(pid_t pid, struct usage *ret)
{
    uint64_t cpu_ns;
    int r = cpu_of_threads(pid, &cpu_ns);
    if (r < 0)
        return r;
    *ret = (struct usage){cpu_ns, resident_kib(pid)};
    return 0;
}
