/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int report_add_process(struct report *r, const char *name, pid_t pid)
{
    struct usage now;
    if (r->process_count == PROCESSES_MAX)
        return -ENOSPC;
    if (usage_read(pid, &now) < 0)
        return -ESRCH;
    r->processes[r->process_count++] = (struct process){.name = name, .pid = pid};
    return 0;
}

void report_begin(struct report *r, const struct crowd *c)
{
    r->begin_ns = now_ns();
    r->begin = c->tally;
    memset(&r->late, 0, sizeof r->late);
    for (unsigned i = 0; i < r->process_count; i++)
        usage_read(r->processes[i].pid, &r->processes[i].begin);
}

void report_stalled(struct report *r)
{
    struct usage now = {0};
    r->stalled = true;
    for (unsigned i = 0; i < r->process_count; i++) {
        usage_read(r->processes[i].pid, &now);
        r->processes[i].stalled_kib = now.memory_kib;
    }
}

void report_end(struct report *r, const struct crowd *c)
{
    r->end_ns = now_ns();
    r->end = c->tally;
    for (unsigned i = 0; i < r->process_count; i++)
        usage_read(r->processes[i].pid, &r->processes[i].end);
}

bool report_failed(const struct crowd *c)
{
    const struct tally *t = &c->tally;
    return t->lost + t->repeated + t->disordered + t->closed + t->errors + t->pens_lost + t->bad +
               t->shut_out >
           0;
}

/* ---- figures --------------------------------------------------------------------------------- */

static double seconds(const struct report *r)
{
    return (double)(r->end_ns - r->begin_ns) / 1e9;
}

/* 0 of one that has died. */
static double cpu_us(const struct process *p)
{
    uint64_t used = p->end.cpu_ns > p->begin.cpu_ns ? p->end.cpu_ns - p->begin.cpu_ns : 0;
    return (double)used / 1e3;
}

static double per_delivery(const struct report *r, double value)
{
    uint64_t n = r->end.deliveries - r->begin.deliveries;
    return n == 0 ? 0 : value / (double)n;
}

/* ---- the table ------------------------------------------------------------------------------- */

static void print_latency(const char *name, const struct histogram *h)
{
    if (h->count > 0)
        fprintf(stderr, "  %-16s p50 %8.2f ms   p99 %8.2f ms   most %8.2f ms\n", name,
                (double)histogram_percentile(h, .5) / 1e3,
                (double)histogram_percentile(h, .99) / 1e3,
                (double)histogram_percentile(h, 1 - 1e-12) / 1e3);
}

static void print_process(const struct report *r, const struct process *p)
{
    fprintf(stderr, "  %-16s %6.2f us a delivery   %5.2f cores   %6.1f MiB", p->name,
            per_delivery(r, cpu_us(p)), cpu_us(p) / 1e6 / seconds(r),
            (double)p->end.memory_kib / 1024);
    if (r->stalled)
        fprintf(stderr, "   (%+.1f MiB while some stalled)",
                ((double)p->stalled_kib - (double)p->begin.memory_kib) / 1024);
    fprintf(stderr, "\n");
}

static void print_table(const struct report *r, const struct crowd *c, const char *label)
{
    const struct tally *t = &c->tally;
    double deliveries = (double)(r->end.deliveries - r->begin.deliveries);
    fprintf(stderr, "%s: %u boards, %u people each, who came in within %.2f s; %.1f s\n", label,
            c->board_count, c->members_each, (double)r->come_in_ns / 1e9, seconds(r));
    fprintf(stderr, "  %-16s %.0f a second, %.0f bytes each\n", "deliveries",
            deliveries / seconds(r), per_delivery(r, (double)(r->end.bytes - r->begin.bytes)));
    fprintf(stderr, "  %-16s %" PRIu64 " lost, %" PRIu64 " repeated, %" PRIu64 " out of order\n",
            "", t->lost, t->repeated, t->disordered);
    fprintf(stderr,
            "  %-16s %" PRIu64 " closed, %" PRIu64 " errors, %" PRIu64 " pens lost, %" PRIu64
            " unreadable, %" PRIu64 " cuts, %" PRIu64 " held\n",
            "", t->closed, t->errors, t->pens_lost, t->bad, t->cuts, t->held);
    if (t->came_back > 0)
        fprintf(stderr,
                "  %-16s %" PRIu64 " came back, %" PRIu64 " of them by reloads, %" PRIu64
                " not let in; %" PRIu64 " told to wait\n",
                "", t->came_back, t->reloaded, t->shut_out, t->waits);
    print_latency("draw to view", &c->latencies.view);
    print_latency("draw to stored", &c->latencies.stored);
    print_latency("skew of viewers", &c->latencies.skew);
    print_latency("coming back", &c->latencies.back);
    print_latency("sent late by", &r->late);
    for (unsigned i = 0; i < r->process_count; i++)
        print_process(r, &r->processes[i]);
}

/* ---- the line of JSON ------------------------------------------------------------------------ */

static void json_latency(const char *name, const struct histogram *h)
{
    printf(",\"%s_us\":{\"count\":%" PRIu64 ",\"p50\":%" PRIu64 ",\"p99\":%" PRIu64 "}", name,
           h->count, histogram_percentile(h, .5), histogram_percentile(h, .99));
}

static void json_processes(const struct report *r)
{
    printf(",\"processes\":[");
    for (unsigned i = 0; i < r->process_count; i++) {
        const struct process *p = &r->processes[i];
        printf("%s{\"name\":\"%s\",\"cpu_us\":%.3f,\"cores\":%.4f,\"memory_kib\":%" PRIu64
               ",\"memory_before_kib\":%" PRIu64,
               i > 0 ? "," : "", p->name, per_delivery(r, cpu_us(p)), cpu_us(p) / 1e6 / seconds(r),
               p->end.memory_kib, p->begin.memory_kib);
        if (r->stalled)
            printf(",\"memory_stalled_kib\":%" PRIu64, p->stalled_kib);
        printf("}");
    }
    printf("]");
}

static void print_json(const struct report *r, const struct crowd *c, const char *label,
                       uint64_t rate)
{
    const struct tally *t = &c->tally;
    printf("{\"label\":\"%s\",\"relay\":%s,\"boards\":%u,\"members\":%u,\"rate\":%" PRIu64
           ",\"points\":%u,\"come_in_s\":%.3f,\"seconds\":%.2f",
           label, c->relay ? "true" : "false", c->board_count, c->members_each, rate, c->points,
           (double)r->come_in_ns / 1e9, seconds(r));
    printf(",\"frames\":%" PRIu64 ",\"deliveries\":%" PRIu64 ",\"deliveries_per_s\":%.1f",
           r->end.frames - r->begin.frames, r->end.deliveries - r->begin.deliveries,
           (double)(r->end.deliveries - r->begin.deliveries) / seconds(r));
    printf(",\"lost\":%" PRIu64 ",\"repeated\":%" PRIu64 ",\"disordered\":%" PRIu64
           ",\"closed\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"pens_lost\":%" PRIu64
           ",\"unreadable\":%" PRIu64 ",\"shut_out\":%" PRIu64 ",\"cuts\":%" PRIu64
           ",\"held\":%" PRIu64 ",\"waits\":%" PRIu64 ",\"troubled\":%" PRIu64
           ",\"came_back\":%" PRIu64 ",\"reloaded\":%" PRIu64,
           t->lost, t->repeated, t->disordered, t->closed, t->errors, t->pens_lost, t->bad,
           t->shut_out, t->cuts, t->held, t->waits, t->troubled, t->came_back, t->reloaded);
    json_latency("view", &c->latencies.view);
    json_latency("stored", &c->latencies.stored);
    json_latency("skew", &c->latencies.skew);
    json_latency("back", &c->latencies.back);
    json_latency("late", &r->late);
    json_processes(r);
    printf("}\n");
}

void report_print(const struct report *r, const struct crowd *c, const char *label, uint64_t rate)
{
    print_table(r, c, label);
    print_json(r, c, label, rate);
}
