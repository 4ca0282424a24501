/* SPDX-License-Identifier: Apache-2.0 */
#include "trace_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "metrics.h"
#include "process.h"

/* ---- the log --------------------------------------------------------------------------------- */

static void on_decision(void *owner, const struct id *board, enum trace_kind kind,
                        const uint64_t *number)
{
    struct trace_log *t = owner;
    if (!trace_boards_line(&t->boards, process_now_ms(), board))
        return;
    struct buf text = {0};
    trace_print(&text, kind, number);
    log_line(t->level, "trace board %s %.*s", log_board(board), (int)text.len,
             (const char *)text.data);
    buf_free(&text);
}

/* The core's places cost one branch while no board is traced. */
static void listen_if_any(struct trace_log *t)
{
    t->trace.tell = t->boards.count > 0 ? on_decision : NULL;
}

void trace_log_init(struct trace_log *t, enum log_level least)
{
    *t = (struct trace_log){.level = least < LOG_INFO ? least : LOG_INFO};
    t->trace.owner = t;
}

void trace_log_turn(struct trace_log *t)
{
    struct id board;
    uint64_t now_ms = process_now_ms(), unsaid = trace_boards_unsaid(&t->boards, now_ms);
    if (unsaid > 0)
        log_line(t->level, "trace: %" PRIu64 " lines left out, beyond %u in a second", unsaid,
                 TRACE_LINES_PER_S);
    while (trace_boards_over(&t->boards, now_ms, &board))
        log_line(t->level, "trace board %s ends: its time is over", log_board(&board));
    listen_if_any(t);
}

void trace_log_metrics(const struct trace_log *t, struct buf *out)
{
    COUNTER("easel_trace_left_out_lines_total",
            "Decisions of traced boards that got no line in the log: too many in a second.",
            t->boards.left_out);
}

/* ---- requests -------------------------------------------------------------------------------- */

struct trace_question {
    struct id board;
    unsigned seconds;
};

/* The value of "name=value"; false: it is another one. */
static bool take_value(struct span part, const char *name, struct span *ret)
{
    size_t n = strlen(name);
    if (part.len < n || memcmp(part.data, name, n) != 0)
        return false;
    *ret = (struct span){part.data + n, part.len - n};
    return true;
}

static unsigned seconds_of(struct span text)
{
    unsigned seconds = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || seconds > TRACE_SECONDS_MAX)
            return 0;
        seconds = seconds * 10 + text.data[i] - '0';
    }
    return seconds <= TRACE_SECONDS_MAX ? seconds : 0;
}

/* NULL, or what is wrong with it. */
static const char *read_query(struct span query, struct trace_question *ret)
{
    *ret = (struct trace_question){.seconds = TRACE_SECONDS_MAX};
    while (query.len > 0) {
        const uint8_t *end = memchr(query.data, '&', query.len);
        struct span part = {query.data, end ? (size_t)(end - query.data) : query.len}, value;
        size_t passed = part.len + (end ? 1 : 0);
        query = (struct span){query.data + passed, query.len - passed};
        if (take_value(part, "seconds=", &value)) {
            ret->seconds = seconds_of(value);
        } else if (!take_value(part, "board=", &value)) {
            return "only board and seconds are asked for";
        } else if (id_parse((const char *)value.data, value.len, &ret->board) < 0 ||
                   !id_is_board(&ret->board)) {
            return "that is no board's id: ten of 0-9 and a-z, without i l o u";
        }
    }
    if (ret->seconds == 0)
        return "seconds is a number from 1 to 600";
    return id_empty(&ret->board) ? "say which one: /trace?board=ID" : NULL;
}
_Static_assert(TRACE_SECONDS_MAX == 600, "as the sentence says");

static const char *answer_list(const struct trace_log *t, struct buf *out)
{
    uint64_t now_ms = process_now_ms();
    if (t->boards.count == 0)
        buf_print(out, "no board is traced\n");
    for (unsigned i = 0; i < t->boards.count; i++) {
        const struct trace_board *b = &t->boards.at[i];
        uint64_t left_ms = b->until_ms > now_ms ? b->until_ms - now_ms : 0;
        buf_print(out, "board %s for %" PRIu64 " s more, %" PRIu64 " lines so far\n",
                  log_board(&b->board), (left_ms + 999) / 1000, b->told);
    }
    return "200 OK";
}

static const char *begin(struct trace_log *t, const struct trace_question *q, struct buf *out)
{
    if (trace_boards_begin(&t->boards, process_now_ms(), &q->board, q->seconds) < 0) {
        buf_print(out, "%u boards are traced already: end one of them\n", TRACE_BOARDS_MAX);
        return "409 Conflict";
    }
    log_line(t->level, "trace board %s begins, for %u s", log_board(&q->board), q->seconds);
    buf_print(out, "board %s is traced in the log, for %u s\n", log_board(&q->board), q->seconds);
    return "200 OK";
}

static const char *end(struct trace_log *t, const struct trace_question *q, struct buf *out)
{
    if (trace_boards_end(&t->boards, &q->board) < 0) {
        buf_print(out, "board %s is not traced\n", log_board(&q->board));
        return "404 Not Found";
    }
    log_line(t->level, "trace board %s ends: somebody asked for that", log_board(&q->board));
    buf_print(out, "board %s is traced no more\n", log_board(&q->board));
    return "200 OK";
}

static bool is(struct span text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

const char *trace_log_request(struct trace_log *t, struct span method, struct span query,
                              struct buf *out)
{
    struct trace_question q;
    if (is(method, "GET"))
        return answer_list(t, out);
    if (!is(method, "POST") && !is(method, "DELETE")) {
        buf_print(out, "POST begins, DELETE ends, GET tells which\n");
        return "405 Method Not Allowed\r\nAllow: GET, POST, DELETE";
    }
    const char *wrong = read_query(query, &q);
    if (wrong) {
        buf_print(out, "%s\n", wrong);
        return "400 Bad Request";
    }
    const char *status = is(method, "POST") ? begin(t, &q, out) : end(t, &q, out);
    listen_if_any(t);
    return status;
}
