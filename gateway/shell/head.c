/* SPDX-License-Identifier: Apache-2.0 */
#include "head.h"

#include <errno.h>
#include <string.h>

#define NO_END "Lines end with CR and LF."

static bool bad(struct head *h, unsigned status, const char *why)
{
    h->status = status;
    h->why = why;
    return false;
}

/* ---- characters ------------------------------------------------------------------------------ */

static bool is_token(struct span s)
{
    return s.len > 0 && has_only(s, "!#$%&'*+-.^_`|~");
}

static bool is_visible(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] <= ' ' || s.data[i] >= 0x7f)
            return false;
    return s.len > 0;
}

static bool has_control(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((s.data[i] < ' ' && s.data[i] != '\t') || s.data[i] == 0x7f)
            return true;
    return false;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* The end of the head, behind its empty line; 0: it is not here. LF alone ends nothing, and is
 * refused at once: whoever sends it waits for an answer. */
static size_t find_end(struct span in, struct head *h)
{
    for (size_t i = 0; i < in.len; i++) {
        if (in.data[i] != '\n')
            continue;
        if (i == 0 || in.data[i - 1] != '\r') {
            bad(h, 400, NO_END);
            return 0;
        }
        if (i >= 3 && in.data[i - 2] == '\n' && in.data[i - 3] == '\r')
            return i + 1;
    }
    return 0;
}

/* The next line, without its end. All are whole. */
static struct span next_line(struct span *rest)
{
    const uint8_t *lf = memchr(rest->data, '\n', rest->len);
    struct span line = {rest->data, (size_t)(lf - rest->data) - 1};
    rest->data += line.len + 2;
    rest->len -= line.len + 2;
    return line;
}

static enum method method_of(struct span word)
{
    return span_is(word, "GET")      ? METHOD_GET
           : span_is(word, "HEAD")   ? METHOD_HEAD
           : span_is(word, "POST")   ? METHOD_POST
           : span_is(word, "DELETE") ? METHOD_DELETE
                                     : METHOD_OTHER;
}

static bool request_line(struct span *rest, struct head *h)
{
    struct span line = next_line(rest), method = span_cut(&line, ' '),
                target = span_cut(&line, ' ');
    h->keeps_alive = span_is(line, "HTTP/1.1");
    if (!is_token(method) || !is_visible(target) || (!h->keeps_alive && !span_is(line, "HTTP/1.0")))
        return bad(h, 400, "This is no request of HTTP/1.1.");
    h->method = method_of(method);
    h->path = span_cut(&target, '?');
    return true;
}

static bool field_line(struct span *rest, struct head *h)
{
    struct span line = next_line(rest);
    const uint8_t *colon = line.len > 0 ? memchr(line.data, ':', line.len) : NULL;
    struct head_field f = {.name = {line.data, colon ? (size_t)(colon - line.data) : 0}};
    if (!is_token(f.name)) /* a blank before the colon, or in front of the line, too */
        return bad(h, 400, "A header line is wrong.");
    f.value = trimmed((struct span){colon + 1, line.len - f.name.len - 1});
    if (has_control(f.value))
        return bad(h, 400, "A header line is wrong.");
    if (h->count == HEAD_FIELDS_MAX)
        return bad(h, 431, "The request has too many header lines.");
    h->field[h->count++] = f;
    return true;
}

/* ---- what the fields mean together ---------------------------------------------------------- */

static unsigned count_of(const struct head *h, const char *name)
{
    unsigned n = 0;
    for (unsigned i = 0; i < h->count; i++)
        n += same_word(h->field[i].name, name);
    return n;
}

/* Where the body ends must be as clear to us as to any proxy. */
static bool body_length(struct head *h)
{
    unsigned lengths = count_of(h, "content-length");
    bool encoded = head_has(h, "transfer-encoding");
    if (lengths > 1 || (lengths == 1 && encoded))
        return bad(h, 400, "The length of the body is told twice.");
    if (encoded)
        return bad(h, 411, "Send a Content-Length.");
    h->body_bytes = 0;
    if (lengths == 0)
        return true;
    int e = number_read(head_get(h, "content-length"), SIZE_MAX / 16, &h->body_bytes);
    return e == 0 ||
           bad(h, e == -E2BIG ? 413 : 400,
               e == -E2BIG ? "The body is too long." : "The Content-Length is no number.");
}

/* These decide who somebody is: two of them, and another program may have read the other one. */
static bool once_only(struct head *h)
{
    static const char *const names[] = {
        "host", "origin", "authorization", "upgrade", "sec-websocket-key", "sec-websocket-version"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (count_of(h, names[i]) > 1)
            return bad(h, 400, "A header that may come once came twice.");
    if (h->keeps_alive && !head_has(h, "host"))
        return bad(h, 400, "The Host header is missing.");
    return true;
}

static bool read_all(struct span rest, struct head *h)
{
    char room[HEAD_BYTES_MAX];
    h->count = 0;
    if (!request_line(&rest, h))
        return false;
    while (rest.len > 2)
        if (!field_line(&rest, h))
            return false;
    if (!once_only(h) || !body_length(h))
        return false;
    h->keeps_alive =
        h->keeps_alive && !list_names(head_list(h, "connection", room, sizeof room), "close");
    return true;
}

/* No method of HTTP begins otherwise: a TLS handshake, or noise, is not waited for. */
static bool begins_well(struct span in)
{
    return in.len == 0 || (in.data[0] >= 'A' && in.data[0] <= 'Z');
}

enum head_result head_read(struct span in, struct head *ret)
{
    size_t before = 0;
    ret->status = 0;
    /* Some clients send a line end behind a body; one at a time is no more than that. */
    while (in.len - before >= 2 && memcmp(in.data + before, "\r\n", 2) == 0 && before < 4)
        before += 2;
    struct span from = {in.data + before, smaller(in.len - before, HEAD_BYTES_MAX)};
    if (!(from.len == 1 && from.data[0] == '\r') && !begins_well(from))
        bad(ret, 400, "This is no request of HTTP/1.1.");
    size_t end = ret->status ? 0 : find_end(from, ret);
    ret->bytes = before + end;
    if (end > 0 && read_all((struct span){from.data, end}, ret))
        return HEAD_WHOLE;
    if (end == 0 && ret->status == 0 && from.len == HEAD_BYTES_MAX)
        bad(ret, 431, "The head of the request is too long.");
    return ret->status ? HEAD_BAD : HEAD_MORE;
}

/* ---- access ---------------------------------------------------------------------------------- */

struct span head_get(const struct head *h, const char *name)
{
    for (unsigned i = 0; i < h->count; i++)
        if (same_word(h->field[i].name, name))
            return h->field[i].value;
    return (struct span){(const uint8_t *)"", 0};
}

bool head_has(const struct head *h, const char *name)
{
    return count_of(h, name) > 0;
}

struct span head_list(const struct head *h, const char *name, char *room, size_t size)
{
    size_t len = 0;
    for (unsigned i = 0; i < h->count; i++) {
        struct span value = h->field[i].value;
        if (!same_word(h->field[i].name, name))
            continue;
        if (value.len + 1 > size - len)
            break;
        memcpy(room + len, value.data, value.len);
        len += value.len;
        room[len++] = ',';
    }
    return (struct span){(const uint8_t *)room, len > 0 ? len - 1 : 0};
}
