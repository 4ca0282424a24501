/* SPDX-License-Identifier: Apache-2.0
 *
 * The trace of decisions: a core tells why it refuses, repeats, cuts or drops, one line of code at
 * each place. It tells whom it was given at its making, by `config.trace`; while that one does not
 * listen a place costs one branch. Pure: who listens sees to it that somebody reads it, and how
 * much (trace_boards.h, trace_log.h).
 */
#ifndef EASEL_TRACE_H
#define EASEL_TRACE_H

#include <stdint.h>

#include "buf.h"
#include "id.h"

#define TRACE_NUMBERS_MAX 3

enum trace_kind {
#define DECISION(kind, numbers, sentence) TRACE_##kind,
#include "trace.def"
#undef DECISION
    TRACE_KINDS
};

enum trace_numbers {
#define DECISION(kind, numbers, sentence) TRACE_NUMBERS_##kind = (numbers),
#include "trace.def"
#undef DECISION
};

/* Who listens. Its owner may begin and end that at any time, in the thread of the core. */
struct trace {
    /* NULL: nobody. `number` has TRACE_NUMBERS_MAX, those that the kind does not have are 0; both
     * are the caller's. It must not call into the core. */
    void (*tell)(void *owner, const struct id *board, enum trace_kind kind, const uint64_t *number);
    void *owner;
};

/* `trace`, or one to which nobody listens where there is none. */
const struct trace *trace_or_none(const struct trace *trace);

/* Tells a decision about that board (const struct id *): its kind, and as many numbers as
 * trace.def says. Any core has a config.trace. */
#define TRACE(core, board, kind, ...)                                                              \
    do {                                                                                           \
        _Static_assert(sizeof((uint64_t[]){__VA_ARGS__}) ==                                        \
                           (size_t)TRACE_NUMBERS_##kind * sizeof(uint64_t),                        \
                       "as many numbers as trace.def says");                                       \
        const struct trace *trace_to = (core)->config.trace;                                       \
        if (trace_to->tell)                                                                        \
            trace_to->tell(trace_to->owner, (board), TRACE_##kind,                                 \
                           (const uint64_t[TRACE_NUMBERS_MAX]){__VA_ARGS__});                      \
    } while (0)

const char *trace_name(enum trace_kind kind); /* "frame_refused" */
/* The kind and its sentence with the numbers, without an end: "frame_refused: frame 7 of ...". */
void trace_print(struct buf *out, enum trace_kind kind, const uint64_t *number);

#endif
