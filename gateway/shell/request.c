/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

/* ---- routes --------------------------------------------------------------------------------- */

bool span_is(struct span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

struct span span_cut(struct span *rest, char at)
{
    const uint8_t *found = rest->len > 0 ? memchr(rest->data, at, rest->len) : NULL;
    struct span part = {rest->data, found ? (size_t)(found - rest->data) : rest->len};
    size_t used = part.len + (found ? 1 : 0);
    rest->data += used;
    rest->len -= used;
    return part;
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

/* The code at the front of `rest`, as people may type it. */
static bool take_board(struct span *rest, struct id *ret)
{
    char text[BOARD_CHARS];
    if (rest->len < BOARD_CHARS)
        return false;
    for (size_t i = 0; i < BOARD_CHARS; i++) {
        char c = (char)rest->data[i];
        text[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    rest->data += BOARD_CHARS;
    rest->len -= BOARD_CHARS;
    return id_parse(text, BOARD_CHARS, ret) == 0 && id_is_board(ret);
}

static struct route board_route(struct span rest)
{
    struct route nothing = {.kind = ROUTE_NOTHING};
    struct route r = {.kind = ROUTE_BOARD, .methods = METHOD_GET | METHOD_HEAD | METHOD_DELETE};
    if (!take_board(&rest, &r.board))
        return nothing;
    if (rest.len == 0)
        return r;
    r.methods = METHOD_POST;
    r.kind = span_is(rest, "/watch")   ? ROUTE_WATCH
             : span_is(rest, "/links") ? ROUTE_LINKS
                                       : ROUTE_NOTHING;
    return r.kind == ROUTE_NOTHING ? nothing : r;
}

/* Whatever the code looks like: the page explains what is wrong with it. */
static struct route page_route(struct span code)
{
    struct route r = {.kind = ROUTE_FILE, .methods = METHOD_GET | METHOD_HEAD};
    struct span rest = code;
    if (code.len == 0 || memchr(code.data, '/', code.len))
        r.kind = ROUTE_NOTHING;
    else if (take_board(&rest, &r.board) && rest.len == 0 && !span_is(code, r.board.text))
        r.kind = ROUTE_MOVED;
    r.file = span_of("board.html");
    return r;
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
        r = page_route(path);
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

bool has_only(struct span s, const char *others)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == '\0' || !strchr(others, c)))
            return false;
    }
    return true;
}

int number_read(struct span text, size_t max, size_t *ret)
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

struct span trimmed(struct span s)
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
    *ret = trimmed(span_cut(list, separator));
    return true;
}

bool same_word(struct span s, const char *word)
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

bool list_has(struct span list, const char *token)
{
    struct span item;
    while (list_item(&list, ',', &item))
        if (span_is(item, token))
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

/* ---- hosts and origins ---------------------------------------------------------------------- */

struct host {
    struct span name; /* an IPv6 address without its brackets */
    bool is_address;
    uint8_t v6[16];
    size_t port; /* 0: none is named */
};

bool is_ip(int family, struct span s, void *ret)
{
    char text[INET6_ADDRSTRLEN];
    if (s.len == 0 || s.len >= sizeof text)
        return false;
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    return inet_pton(family, text, ret) == 1;
}

/* A name may have what host names have, and underscores. */
static bool name_parse(struct host *h)
{
    struct in_addr v4;
    h->is_address = is_ip(AF_INET, h->name, &v4);
    return h->name.len > 0 && h->name.len <= 253 && has_only(h->name, ".-_");
}

static bool host_parse(struct span text, struct host *ret)
{
    bool v6 = text.len > 0 && text.data[0] == '[';
    const uint8_t *end = text.len > 0 ? memchr(text.data, v6 ? ']' : ':', text.len) : NULL;
    if (v6 && !end)
        return false;
    *ret = (struct host){.name = {text.data, end ? (size_t)(end - text.data) : text.len}};
    struct span rest = {text.data + ret->name.len, text.len - ret->name.len};
    if (v6) {
        ret->name.data++, ret->name.len--;
        rest.data++, rest.len--;
    }
    if (rest.len > 0 && !span_skip(&rest, ":"))
        return false;
    if (rest.len > 0 && number_read(rest, 65535, &ret->port) < 0)
        return false;
    ret->is_address = v6;
    return v6 ? is_ip(AF_INET6, ret->name, ret->v6) : name_parse(ret);
}

static bool same_name(const struct host *a, const struct host *b)
{
    static const uint8_t none[16];
    if (memcmp(a->v6, none, sizeof none) != 0)
        return memcmp(a->v6, b->v6, sizeof a->v6) == 0;
    return a->name.len == b->name.len &&
           strncasecmp((const char *)a->name.data, (const char *)b->name.data, a->name.len) == 0;
}

struct origin {
    struct span scheme;
    struct host host; /* with its default port, if there is one */
};

static size_t default_port(struct span scheme)
{
    return same_word(scheme, "http") ? 80 : same_word(scheme, "https") ? 443 : 0;
}

static bool origin_parse(struct span text, struct origin *ret)
{
    const uint8_t *colon = text.len > 0 ? memchr(text.data, ':', text.len) : NULL;
    if (!colon || colon == text.data)
        return false;
    ret->scheme = (struct span){text.data, (size_t)(colon - text.data)};
    struct span rest = {colon, text.len - ret->scheme.len};
    if (!span_skip(&rest, "://") || !host_parse(rest, &ret->host))
        return false;
    if (ret->host.port == 0)
        ret->host.port = default_port(ret->scheme);
    return true;
}

static bool same_origin(const struct origin *a, const struct origin *b)
{
    return a->scheme.len == b->scheme.len && a->host.port == b->host.port &&
           strncasecmp((const char *)a->scheme.data, (const char *)b->scheme.data, a->scheme.len) ==
               0 &&
           same_name(&a->host, &b->host);
}

bool host_valid(struct span host)
{
    struct host h;
    return host_parse(host, &h);
}

bool origins_valid(const char *text)
{
    struct span list = span_of(text), item;
    struct origin o;
    while (list_item(&list, ',', &item))
        if (!origin_parse(item, &o))
            return false;
    return true;
}

static bool ends_with(struct span s, const char *end)
{
    size_t len = strlen(end);
    return s.len > len && strncasecmp((const char *)s.data + s.len - len, end, len) == 0;
}

bool host_ours(struct span host, const char *public_url, const char *allowed)
{
    struct host h;
    struct origin o;
    struct span list = span_of(allowed), item;
    if (!host_parse(host, &h))
        return false;
    if (h.is_address || same_word(h.name, "localhost") || ends_with(h.name, ".localhost"))
        return true;
    if (origin_parse(span_of(public_url), &o) && same_name(&h, &o.host))
        return true;
    while (list_item(&list, ',', &item))
        if (origin_parse(item, &o) && same_name(&h, &o.host))
            return true;
    return false;
}

static bool is_listed(const struct origin *o, const char *allowed)
{
    struct span list = span_of(allowed), item;
    struct origin other;
    while (list_item(&list, ',', &item))
        if (origin_parse(item, &other) && same_origin(o, &other))
            return true;
    return false;
}

/* http or https: behind an ingress that ends TLS we cannot tell which it was. */
static bool is_own(const struct origin *o, struct span host)
{
    struct host h;
    size_t port = default_port(o->scheme);
    if (port == 0 || !host_parse(host, &h))
        return false;
    return same_name(&o->host, &h) && o->host.port == (h.port ? h.port : port);
}

bool origin_named(struct span origin, const char *public_url, const char *allowed)
{
    struct origin o, own;
    if (!origin_parse(origin, &o))
        return false;
    if (allowed[0] != '\0')
        return is_listed(&o, allowed);
    return origin_parse(span_of(public_url), &own) && same_origin(&o, &own);
}

bool origin_allowed(struct span origin, struct span host, const char *public_url,
                    const char *allowed)
{
    struct origin o;
    if (origin.len == 0 || origin_named(origin, public_url, allowed))
        return true;
    return allowed[0] == '\0' && origin_parse(origin, &o) && is_own(&o, host);
}
