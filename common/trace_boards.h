/* SPDX-License-Identifier: Apache-2.0
 *
 * Which boards of this process somebody asks why, until when, and how many lines that may cost a
 * second. Pure; the time comes in.
 */
#ifndef EASEL_TRACE_BOARDS_H
#define EASEL_TRACE_BOARDS_H

#include <stdbool.h>
#include <stdint.h>

#include "id.h"
#include "limit_values.h"

struct trace_board {
    struct id board;
    uint64_t until_ms;
    uint64_t told; /* lines */
};

/* All zero at the start. */
struct trace_boards {
    struct trace_board at[TRACE_BOARDS_MAX];
    unsigned count;
    uint64_t left_out; /* since the start */

    /* private */
    uint64_t second_at_ms; /* since when `lines` and `over` count */
    uint64_t lines, over;
    uint64_t unsaid;
};

/* From now on, for so many seconds; of one that is traced already the time begins anew. -ENOSPC:
 * there are TRACE_BOARDS_MAX. */
int trace_boards_begin(struct trace_boards *t, uint64_t now_ms, const struct id *board,
                       unsigned seconds);
/* -ENOENT: it is not traced. */
int trace_boards_end(struct trace_boards *t, const struct id *board);
/* The next one whose time is over, which by that is traced no more; false: there is none. */
bool trace_boards_over(struct trace_boards *t, uint64_t now_ms, struct id *ret);

/* Whether a decision about that board is to become a line. If not for the limit, it is counted. */
bool trace_boards_line(struct trace_boards *t, uint64_t now_ms, const struct id *board);
/* How many lines were left out in the seconds that are over, each told once; 0: none. */
uint64_t trace_boards_unsaid(struct trace_boards *t, uint64_t now_ms);

#endif
