/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* ---- routes --------------------------------------------------------------------------------- */

static bool span_is(struct span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

/* Takes `prefix` off the front of `s`, if it is there. */
static bool span_skip(struct span *s, const char *prefix)
{
    size_t len = strlen(prefix);
    if (s->len < len || memcmp(s->data, prefix, len) != 0)
        return false;
    s->data += len;
    s->len -= len;
    return true;
}

static struct route board_route(struct span rest)
{
    struct route nothing = {.kind = ROUTE_NOTHING};
    struct route r = {.kind = ROUTE_BOARD, .methods = METHOD_GET | METHOD_HEAD | METHOD_DELETE};
    if (rest.len < BOARD_CHARS || id_parse((const char *)rest.data, BOARD_CHARS, &r.board) < 0 ||
        !id_is_board(&r.board))
        return nothing;
    rest.data += BOARD_CHARS;
    rest.len -= BOARD_CHARS;
    if (rest.len == 0)
        return r;
    r.methods = METHOD_POST;
    r.kind = span_is(rest, "/watch")   ? ROUTE_WATCH
             : span_is(rest, "/links") ? ROUTE_LINKS
                                       : ROUTE_NOTHING;
    return r.kind == ROUTE_NOTHING ? nothing : r;
}

struct route route_of(struct span path)
{
    struct route r = {.kind = ROUTE_FILE, .methods = METHOD_GET | METHOD_HEAD};
    if (span_is(path, "/")) {
        r.file = span_of("index.html");
    } else if (span_is(path, "/ws")) {
        r = (struct route){.kind = ROUTE_SOCKET, .methods = METHOD_GET};
    } else if (span_is(path, "/api/boards")) {
        r = (struct route){.kind = ROUTE_BOARDS, .methods = METHOD_POST};
    } else if (span_skip(&path, "/api/boards/")) {
        r = board_route(path);
    } else if (span_skip(&path, "/b/")) {
        /* Whatever the code looks like: the page explains what is wrong with it. */
        if (path.len == 0 || memchr(path.data, '/', path.len))
            r.kind = ROUTE_NOTHING;
        r.file = span_of("board.html");
    } else if (span_skip(&path, "/")) {
        r.file = path;
    } else {
        r.kind = ROUTE_NOTHING;
    }
    return r;
}

const char *methods_text(unsigned methods)
{
    switch (methods) {
    case METHOD_GET | METHOD_HEAD:
        return "GET, HEAD";
    case METHOD_GET | METHOD_HEAD | METHOD_DELETE:
        return "GET, HEAD, DELETE";
    case METHOD_POST:
        return "POST";
    default:
        return "GET";
    }
}

/* ---- headers -------------------------------------------------------------------------------- */

int content_length(struct span text, size_t max, size_t *ret)
{
    size_t n = 0;
    if (text.len == 0)
        return -EINVAL;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -EINVAL;
        if (n <= max) /* beyond it the number no longer matters, only that it is one */
            n = n * 10 + (size_t)(text.data[i] - '0');
    }
    if (n > max)
        return -E2BIG;
    *ret = n;
    return 0;
}

static struct span trimmed(struct span s)
{
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
        s.data++, s.len--;
    while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* The next element of a list, without the blanks around it. */
static bool list_item(struct span *list, char separator, struct span *ret)
{
    if (list->len == 0)
        return false;
    const uint8_t *at = memchr(list->data, separator, list->len);
    size_t len = at ? (size_t)(at - list->data) : list->len;
    *ret = trimmed((struct span){list->data, len});
    size_t used = len + (at ? 1 : 0);
    list->data += used;
    list->len -= used;
    return true;
}

static bool same_word(struct span s, const char *word)
{
    return s.len == strlen(word) && strncasecmp((const char *)s.data, word, s.len) == 0;
}

bool list_names(struct span list, const char *token)
{
    struct span item;
    while (list_item(&list, ',', &item))
        if (same_word(item, token))
            return true;
    return false;
}

/* "q=0", "q=0.0", "q=0.000" */
static bool weight_is_zero(struct span weight)
{
    if (!span_skip(&weight, "q=0"))
        return false;
    for (size_t i = 0; i < weight.len; i++)
        if (weight.data[i] != '0' && weight.data[i] != '.')
            return false;
    return true;
}

bool accepts_gzip(struct span accept_encoding)
{
    struct span item, coding, weight;
    while (list_item(&accept_encoding, ',', &item)) {
        if (!list_item(&item, ';', &coding) || !same_word(coding, "gzip"))
            continue;
        return !list_item(&item, ';', &weight) || !weight_is_zero(weight);
    }
    return false;
}

bool tag_matches(struct span if_none_match, const char *tag)
{
    return list_names(if_none_match, tag) || list_names(if_none_match, "*");
}

struct span bearer_token(struct span authorization)
{
    struct span none = {NULL, 0}, scheme;
    if (!list_item(&authorization, ' ', &scheme) || !same_word(scheme, "Bearer"))
        return none;
    return trimmed(authorization);
}

bool host_valid(struct span host)
{
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            !strchr(".-_:[]", c ? c : ' '))
            return false;
    }
    return host.len > 0;
}

bool origin_allowed(struct span origin, struct span host, const char *public_url,
                    const char *allowed)
{
    if (origin.len == 0)
        return true;
    char text[256];
    if (origin.len >= sizeof text)
        return false;
    memcpy(text, origin.data, origin.len);
    text[origin.len] = '\0';
    if (allowed[0] != '\0')
        return list_names(span_of(allowed), text);
    if (strcasecmp(text, public_url) == 0)
        return true;
    /* http or https: behind an ingress that ends TLS we cannot tell which it was. */
    return (span_skip(&origin, "http://") || span_skip(&origin, "https://")) && host.len > 0 &&
           origin.len == host.len &&
           strncasecmp((const char *)origin.data, (const char *)host.data, host.len) == 0;
}
