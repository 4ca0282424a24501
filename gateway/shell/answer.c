/* SPDX-License-Identifier: Apache-2.0 */
#include "shell_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is no page may do nothing. */
static const char NO_PAGE[] = "default-src 'none'; frame-ancestors 'none'";

/* On every answer. */
static const char HEADERS[] =
    "x-content-type-options: nosniff\r\n"
    "referrer-policy: no-referrer\r\n"
    "cross-origin-opener-policy: same-origin\r\n"
    "cross-origin-resource-policy: same-origin\r\n"
    "permissions-policy: accelerometer=(), autoplay=(), camera=(), display-capture=(), "
    "encrypted-media=(), fullscreen=(self), geolocation=(), gyroscope=(), hid=(), "
    "idle-detection=(), magnetometer=(), microphone=(), midi=(), payment=(), "
    "publickey-credentials-get=(), screen-wake-lock=(self), serial=(), usb=(), "
    "xr-spatial-tracking=()\r\n";

static const struct {
    unsigned status;
    const char *phrase, *code; /* of an error, in JSON */
} STATUSES[] = {
    {200, "OK", NULL},
    {201, "Created", NULL},
    {204, "No Content", NULL},
    {304, "Not Modified", NULL},
    {308, "Permanent Redirect", NULL},
    {400, "Bad Request", "bad_request"},
    {401, "Unauthorized", "unauthorized"},
    {403, "Forbidden", "forbidden"},
    {404, "Not Found", "not_found"},
    {405, "Method Not Allowed", "wrong_method"},
    {411, "Length Required", "length_required"},
    {413, "Content Too Large", "too_long"},
    {426, "Upgrade Required", "upgrade_required"},
    {429, "Too Many Requests", "too_many"},
    {431, "Request Header Fields Too Large", "too_long"},
    {503, "Service Unavailable", "unavailable"},
    {507, "Insufficient Storage", "boards_full"},
};

static size_t status_index(unsigned status)
{
    for (size_t i = 0; i < sizeof STATUSES / sizeof *STATUSES; i++)
        if (STATUSES[i].status == status)
            return i;
    abort(); /* the status is ours */
}

static void put_text(struct visit *v, const char *text)
{
    buf_append(&v->request->answer, text, strlen(text));
}

static void put(struct visit *v, const char *name, const char *value)
{
    put_text(v, name);
    put_text(v, ": ");
    put_text(v, value);
    put_text(v, "\r\n");
}

static void put_number(struct visit *v, const char *name, size_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", value);
    put(v, name, text);
}

static void head_begin(struct visit *v, unsigned status, const char *policy)
{
    char line[64];
    snprintf(line, sizeof line, "HTTP/1.1 %u %s\r\n", status,
             STATUSES[status_index(status)].phrase);
    put_text(v, line);
    put(v, "content-security-policy", policy);
    put_text(v, HEADERS);
    v->gateway->stats.http[status / 100 % 6]++;
}

static void head_end(struct visit *v)
{
    if (v->request->close_after)
        put(v, "connection", "close");
    put_text(v, "\r\n");
}

static bool is_head(const struct visit *v)
{
    return v->request->head.method == METHOD_HEAD;
}

void answer_json(struct visit *v, unsigned status, const char *text, const char *extra,
                 const char *value)
{
    head_begin(v, status, NO_PAGE);
    put(v, "content-type", "application/json");
    put(v, "cache-control", "no-store");
    if (extra)
        put(v, extra, value);
    put_number(v, "content-length", strlen(text));
    head_end(v);
    if (!is_head(v))
        put_text(v, text);
    visit_answer(v);
}

void answer_empty(struct visit *v, unsigned status)
{
    head_begin(v, status, NO_PAGE);
    head_end(v);
    visit_answer(v);
}

void answer_error_with(struct visit *v, unsigned status, const char *sentence, const char *extra,
                       const char *value)
{
    char text[256];
    /* Sentences are constants without anything to escape. */
    snprintf(text, sizeof text, "{\"error\":{\"code\":\"%s\",\"sentence\":\"%s\"}}\n",
             STATUSES[status_index(status)].code, sentence);
    answer_json(v, status, text, extra, value);
}

void answer_error(struct visit *v, unsigned status, const char *sentence)
{
    answer_error_with(v, status, sentence, NULL, NULL);
}

void answer_later(struct visit *v, unsigned status, unsigned seconds, const char *sentence)
{
    char text[16];
    snprintf(text, sizeof text, "%u", seconds);
    answer_error_with(v, status, sentence, "retry-after", text);
}

void answer_refuse(struct visit *v, unsigned status, const char *sentence)
{
    v->request->close_after = true;
    answer_error(v, status, sentence);
}

void answer_file(struct visit *v, unsigned status, const struct web_file *f)
{
    char room[HEAD_BYTES_MAX];
    const struct head *h = &v->request->head;
    bool same =
        status == 200 && tag_matches(head_list(h, "if-none-match", room, sizeof room), f->tag);
    bool gzip = f->gzip.len > 0 && accepts_gzip(head_list(h, "accept-encoding", room, sizeof room));
    struct span body = buf_span(gzip ? &f->gzip : &f->body);

    head_begin(v, same ? 304 : status, f->policy ? f->policy : NO_PAGE);
    put(v, "etag", f->tag);
    put(v, "cache-control", "no-cache");
    if (f->gzip.len > 0)
        put(v, "vary", "accept-encoding");
    if (!same) {
        put(v, "content-type", f->type);
        if (gzip)
            put(v, "content-encoding", "gzip");
        put_number(v, "content-length", body.len);
    }
    head_end(v);
    if (!same && !is_head(v))
        v->request->file_body = body;
    visit_answer(v);
}

void answer_moved(struct visit *v, const struct id *board)
{
    char to[32];
    snprintf(to, sizeof to, "/b/%s", board->text);
    head_begin(v, 308, NO_PAGE);
    put(v, "location", to);
    put_number(v, "content-length", 0);
    head_end(v);
    visit_answer(v);
}
