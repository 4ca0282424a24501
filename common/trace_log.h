/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody asks a board of this process why: switched by the admin port, told in the log. All on
 * the program's loop, where its core runs and its admin port answers: so nothing here is shared
 * with another thread, and nothing is locked.
 *
 *   POST /trace?board=ID             begins, for TRACE_SECONDS_MAX; &seconds=N: for fewer
 *   DELETE /trace?board=ID           ends
 *   GET /trace                       which boards, and for how long
 *
 * Ids of boards are told in the log, and in answers, as everywhere: not in full (log_board). That a
 * board exists is not told, nor asked.
 */
#ifndef EASEL_TRACE_LOG_H
#define EASEL_TRACE_LOG_H

#include "buf.h"
#include "log.h"
#include "trace.h"
#include "trace_boards.h"

struct trace_log {
    struct trace trace; /* for the core */
    struct trace_boards boards;
    enum log_level level;
};

/* `least`: the log's level. Lines are of level info, or of that if it hides these: who asks shall
 * get an answer. `t` must outlive the core, and stay where it is. */
void trace_log_init(struct trace_log *t, enum log_level least);
/* Says what has ended, and what was left out. Once a second at least. */
void trace_log_turn(struct trace_log *t);
/* Answers a request: appends the text, and returns the status line. `query` may be empty. */
const char *trace_log_request(struct trace_log *t, struct span method, struct span query,
                              struct buf *out);
void trace_log_metrics(const struct trace_log *t, struct buf *out);

#endif
