/* SPDX-License-Identifier: Apache-2.0
 *
 * Chance and time: what a run of the simulator is made from.
 */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- chance ---------------------------------------------------------------------------------- */

uint64_t chance(struct world *w)
{
    return splitmix64(&w->random);
}

uint64_t below(struct world *w, uint64_t n)
{
    return chance(w) % n;
}

bool odds(struct world *w, unsigned in_ten_thousand)
{
    return below(w, 10000) < in_ten_thousand;
}

void say(struct world *w, const char *format, ...)
{
    if (!w->verbose)
        return;
    va_list args;
    va_start(args, format);
    printf("%8.3f ", (double)(w->now - 1000000) / 1000);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

void fail(struct world *w, const char *format, ...)
{
    if (w->failure[0])
        return;
    int n =
        snprintf(w->failure, sizeof w->failure, "at %.3f s: ", (double)(w->now - 1000000) / 1000);
    va_list args;
    va_start(args, format);
    vsnprintf(w->failure + n, sizeof w->failure - (size_t)n, format, args);
    va_end(args);
    say(w, "BROKEN %s", w->failure);
}

/* ---- the clock: a binary heap, ordered by time and then by when it was put in ---------------- */

static bool earlier(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct world *w, struct event e)
{
    if (w->heap_count == w->heap_cap) {
        w->heap_cap = w->heap_cap ? w->heap_cap * 2 : 256;
        w->heap = xrealloc(w->heap, w->heap_cap, sizeof *w->heap);
    }
    size_t i = w->heap_count++;
    for (; i > 0 && earlier(&e, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = e;
}

void happen(struct world *w, uint64_t at, struct event e)
{
    e.at = at > w->now ? at : w->now;
    e.order = w->order++;
    push(w, e);
}

void postpone(struct world *w, uint64_t at, const struct event *e)
{
    struct event later = *e;
    later.at = at;
    push(w, later);
}

struct event next_event(struct world *w)
{
    struct event first = w->heap[0], last = w->heap[--w->heap_count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= w->heap_count)
            break;
        if (child + 1 < w->heap_count && earlier(&w->heap[child + 1], &w->heap[child]))
            child++;
        if (!earlier(&w->heap[child], &last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return first;
}
