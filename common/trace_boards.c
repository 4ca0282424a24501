/* SPDX-License-Identifier: Apache-2.0 */
#include "trace_boards.h"

#include <errno.h>
#include <stddef.h>

#define SECOND_MS UINT64_C(1000)

static struct trace_board *find(struct trace_boards *t, const struct id *board)
{
    for (unsigned i = 0; i < t->count; i++)
        if (id_equal(&t->at[i].board, board))
            return &t->at[i];
    return NULL;
}

int trace_boards_begin(struct trace_boards *t, uint64_t now_ms, const struct id *board,
                       unsigned seconds)
{
    struct trace_board *b = find(t, board);
    if (!b && t->count == TRACE_BOARDS_MAX)
        return -ENOSPC;
    if (!b) {
        b = &t->at[t->count++];
        *b = (struct trace_board){.board = *board};
    }
    b->until_ms = now_ms + seconds * SECOND_MS;
    return 0;
}

static void forget(struct trace_boards *t, struct trace_board *b)
{
    *b = t->at[--t->count];
}

int trace_boards_end(struct trace_boards *t, const struct id *board)
{
    struct trace_board *b = find(t, board);
    if (!b)
        return -ENOENT;
    forget(t, b);
    return 0;
}

bool trace_boards_over(struct trace_boards *t, uint64_t now_ms, struct id *ret)
{
    for (unsigned i = 0; i < t->count; i++) {
        if (now_ms < t->at[i].until_ms)
            continue;
        *ret = t->at[i].board;
        forget(t, &t->at[i]);
        return true;
    }
    return false;
}

/* What was left out is said when its second is over: so the line that says it is one a second. */
static void end_second(struct trace_boards *t, uint64_t now_ms)
{
    if (now_ms - t->second_at_ms < SECOND_MS)
        return;
    t->second_at_ms = now_ms;
    t->unsaid += t->over;
    t->lines = t->over = 0;
}

bool trace_boards_line(struct trace_boards *t, uint64_t now_ms, const struct id *board)
{
    struct trace_board *b = find(t, board);
    if (!b || now_ms >= b->until_ms)
        return false;
    end_second(t, now_ms);
    if (t->lines == TRACE_LINES_PER_S) {
        t->over++;
        t->left_out++;
        return false;
    }
    t->lines++;
    b->told++;
    return true;
}

uint64_t trace_boards_unsaid(struct trace_boards *t, uint64_t now_ms)
{
    end_second(t, now_ms);
    uint64_t unsaid = t->unsaid;
    t->unsaid = 0;
    return unsaid;
}
