/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody who listens to a core's decisions: what is told, as lines of text.
 */
#ifndef EASEL_TRACE_TEST_H
#define EASEL_TRACE_TEST_H

#include <check.h>

#include "trace.h"

static struct buf told; /* ended by a 0 that is not counted */
static unsigned told_count;

static inline void on_told(void *owner, const struct id *board, enum trace_kind kind,
                           const uint64_t *number)
{
    ck_assert_ptr_eq(owner, &told);
    ck_assert_str_eq(board->text, "k3v9x2mq4t");
    trace_print(&told, kind, number);
    buf_append(&told, "\n", 2);
    told.len--;
    told_count++;
}

static struct trace listener = {.owner = &told};

static inline void listen_to_it(void)
{
    listener.tell = on_told;
}

static inline void forget_told(void)
{
    listener.tell = NULL;
    buf_free(&told);
    told = (struct buf){0};
    told_count = 0;
}

static inline void expect_told(const char *line)
{
    ck_assert_msg(told.len > 0 && strstr((const char *)told.data, line), "told: %s",
                  told.len > 0 ? (const char *)told.data : "nothing");
}

#endif
