/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *const LEVELS[] = {"error", "warn", "info", "debug"};
static const char *program_name = "easel";
static struct id self_id;
static enum log_level least = LOG_INFO;

void log_setup(const char *program, const struct id *self, enum log_level level)
{
    program_name = program;
    self_id = self ? *self : (struct id){0};
    least = level;
}

int log_level_parse(const char *text, enum log_level *ret)
{
    for (unsigned i = 0; i < sizeof LEVELS / sizeof *LEVELS; i++) {
        if (strcmp(text, LEVELS[i]) == 0) {
            *ret = (enum log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

static size_t line_begin(char *line, size_t size, enum log_level level)
{
    struct timespec now;
    struct tm utc;
    char second[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S", &utc);
    int n = snprintf(line, size, "%s.%03ldZ %s %s%s%s ", second, now.tv_nsec / 1000000,
                     program_name, self_id.text, id_empty(&self_id) ? "" : " ", LEVELS[level]);
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

void log_line(enum log_level level, const char *format, ...)
{
    if (level > least)
        return;
    char line[LOG_LINE_BYTES_MAX];
    size_t len = line_begin(line, sizeof line - 1, level);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line + len, sizeof line - 1 - len, format, args);
    va_end(args);
    if (n > 0)
        len += (size_t)n < sizeof line - 1 - len ? (size_t)n : sizeof line - 2 - len;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' '; /* what others wrote must not forge lines */
    line[len++] = '\n';
    /* One write: lines of several threads do not mix. Nobody to tell when it fails. */
    ssize_t written = write(STDERR_FILENO, line, len);
    (void)written;
}

const char *log_board(const struct id *board)
{
    static _Thread_local char text[16];
    snprintf(text, sizeof text, "%.4s…", board->text);
    return text;
}
