/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run has shown: counters and latencies of the crowd, CPU and memory of the processes.
 */
#ifndef EASEL_LOAD_REPORT_H
#define EASEL_LOAD_REPORT_H

#include <stdbool.h>

#include "crowd.h"
#include "stats.h"

#define PROCESSES_MAX 32u

struct process {
    const char *name;
    pid_t pid;
    struct usage begin, end;
    uint64_t stalled_kib; /* memory at the end of the stall */
};

struct report {
    struct process processes[PROCESSES_MAX];
    unsigned process_count;
    uint64_t come_in_ns; /* until everybody was welcome, and the drawers had their pens */
    uint64_t begin_ns, end_ns;
    struct tally begin, end; /* of the crowd; the difference is what was measured */
    bool stalled;
    struct histogram late; /* how late frames were sent, in microseconds */
};

/* 0, -ENOSPC, or -ESRCH. The name must outlive the report. */
int report_add_process(struct report *r, const char *name, pid_t pid);

void report_begin(struct report *r, const struct crowd *c);
void report_stalled(struct report *r);
void report_end(struct report *r, const struct crowd *c);

bool report_failed(const struct crowd *c);

/* The table to stderr, and one line of JSON to stdout. */
void report_print(const struct report *r, const struct crowd *c, const char *label, uint64_t rate);

#endif
