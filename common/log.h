/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines on stderr: "2026-11-24T15:04:05.123Z gateway g3k9… warn broker link down: …".
 * Services log, once, where they handle an error; common/ returns errors. Ids of boards are never
 * logged in full: use log_board.
 */
#ifndef EASEL_LOG_H
#define EASEL_LOG_H

#include "id.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_setup(const char *program, const struct id *self, enum log_level level);
int log_level_parse(const char *text, enum log_level *ret);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* "k3v9…": enough to tell boards apart in a log, not enough to open one. In a static buffer. */
const char *log_board(const struct id *board);

#endif
