/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP: a request that is whole is routed and answered, once. How the bytes come and go is in
 * visit.c.
 */
#include "shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define LOG_FOREIGN_MS UINT64_C(60000)

/* ---- answers -------------------------------------------------------------------------------- */

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
    "publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), "
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

static void head_with(struct visit *v, unsigned status, const char *policy)
{
    char line[64];
    snprintf(line, sizeof line, "HTTP/1.1 %u %s\r\n", status,
             STATUSES[status_index(status)].phrase);
    put_text(v, line);
    put(v, "content-security-policy", policy);
    put_text(v, HEADERS);
    v->gateway->stats.http[status / 100 % 6]++;
}

static void head_begin(struct visit *v, unsigned status)
{
    head_with(v, status, NO_PAGE);
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

void http_answer_json(struct visit *v, unsigned status, const char *text, const char *extra,
                      const char *value)
{
    head_begin(v, status);
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

void http_answer_empty(struct visit *v, unsigned status)
{
    head_begin(v, status);
    head_end(v);
    visit_answer(v);
}

static void answer_error(struct visit *v, unsigned status, const char *sentence, const char *extra,
                         const char *value)
{
    char text[256];
    /* Sentences are constants without anything to escape. */
    snprintf(text, sizeof text, "{\"error\":{\"code\":\"%s\",\"sentence\":\"%s\"}}\n",
             STATUSES[status_index(status)].code, sentence);
    http_answer_json(v, status, text, extra, value);
}

void http_answer_error(struct visit *v, unsigned status, const char *sentence)
{
    answer_error(v, status, sentence, NULL, NULL);
}

void http_answer_denied(struct visit *v, const char *sentence)
{
    answer_error(v, 401, sentence, "www-authenticate", "Bearer realm=\"easel\"");
}

void http_answer_later(struct visit *v, unsigned status, unsigned seconds, const char *sentence)
{
    char text[16];
    snprintf(text, sizeof text, "%u", seconds);
    answer_error(v, status, sentence, "retry-after", text);
}

void http_refuse(struct visit *v, unsigned status, const char *sentence)
{
    v->request->close_after = true;
    http_answer_error(v, status, sentence);
}

/* ---- files ---------------------------------------------------------------------------------- */

static void answer_file(struct visit *v, const struct web_file *f)
{
    char room[HEAD_BYTES_MAX];
    const struct head *h = &v->request->head;
    bool same = tag_matches(head_list(h, "if-none-match", room, sizeof room), f->tag);
    bool gzip = f->gzip.len > 0 && accepts_gzip(head_list(h, "accept-encoding", room, sizeof room));
    struct span body = buf_span(gzip ? &f->gzip : &f->body);

    head_with(v, same ? 304 : 200, f->policy ? f->policy : NO_PAGE);
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

static void answer_file_of(struct visit *v)
{
    const struct web *web = v->gateway->web;
    const struct web_file *f = web ? web_find(web, v->request->route.file) : NULL;
    if (f)
        answer_file(v, f);
    else
        http_answer_error(v, 404, "There is nothing at this address.");
}

/* People type a board's code in capitals, too. */
static void answer_moved(struct visit *v)
{
    char to[32];
    snprintf(to, sizeof to, "/b/%s", v->request->route.board.text);
    head_begin(v, 308);
    put(v, "location", to);
    put_number(v, "content-length", 0);
    head_end(v);
    visit_answer(v);
}

/* ---- whose request it is -------------------------------------------------------------------- */

void http_learn_address(struct visit *v)
{
    char room[HEAD_BYTES_MAX];
    if (v->counted)
        return;
    struct span list = head_list(&v->request->head, "x-forwarded-for", room, sizeof room);
    v->address = client_address(&v->gateway->trusted, &v->peer, list);
}

/* Where links of this request lead: the public URL, or the host it came to. */
static void keep_link_base(struct visit *v)
{
    struct gateway *g = v->gateway;
    struct request *r = v->request;
    if (g->settings.public_url[0] != '\0') {
        snprintf(r->link_base, sizeof r->link_base, "%s", g->settings.public_url);
        return;
    }
    struct span host = head_get(&r->head, "host"), proto = {(const uint8_t *)"", 0};
    if (networks_have(&g->trusted, &v->peer))
        proto = head_get(&r->head, "x-forwarded-proto");
    snprintf(r->link_base, sizeof r->link_base, "%s://%.*s",
             list_names(proto, "https") ? "https" : "http", (int)host.len, (const char *)host.data);
}

/* ---- whose page it is ------------------------------------------------------------------------ */

/* At most once a minute: anybody could fill our log. */
static void log_foreign(struct visit *v, const char *what, struct span text, const char *with)
{
    struct gateway *g = v->gateway;
    uint64_t now_ms = gateway_now(g);
    g->stats.foreign++;
    if (g->foreign_logged_ms && now_ms - g->foreign_logged_ms < LOG_FOREIGN_MS)
        return;
    g->foreign_logged_ms = now_ms;
    struct span host = head_get(&v->request->head, "host");
    log_warn("refused the %s \"%.*s\" (Host \"%.*s\"): %s; EASEL_PUBLIC_URL is \"%s\", "
             "EASEL_ALLOWED_ORIGINS \"%s\"",
             what, (int)(text.len < 200 ? text.len : 200), (const char *)text.data,
             (int)(host.len < 200 ? host.len : 200), (const char *)host.data, with,
             g->settings.public_url, g->settings.allowed_origins);
}

/* A page that only loads something, an image perhaps, names no origin; browsers say over HTTPS that
 * it is a foreign one. */
static bool is_foreign_load(const struct head *h)
{
    struct span site = head_get(h, "sec-fetch-site");
    return !head_has(h, "origin") &&
           (list_names(site, "cross-site") || list_names(site, "same-site"));
}

static void refuse_origin(struct visit *v, const char *what, struct span text, const char *with)
{
    log_foreign(v, what, text, with);
    http_refuse(v, 403,
                "Pages of this origin may not do that: see EASEL_PUBLIC_URL and "
                "EASEL_ALLOWED_ORIGINS.");
}

bool http_at_home(struct visit *v)
{
    const struct gateway_settings *s = &v->gateway->settings;
    const struct head *h = &v->request->head;
    struct span host = head_get(h, "host"), origin = head_get(h, "origin");
    if (!host_valid(host)) {
        http_refuse(v, 400, "The Host header is missing or wrong.");
        return false;
    }
    /* A proxy may name us by a name of its own; but a page says where it is from. */
    bool known = head_has(h, "origin") && origin_named(origin, s->public_url, s->allowed_origins);
    if (!known && !host_ours(host, s->public_url, s->allowed_origins)) {
        log_foreign(v, "Host", host, "it is no address, not localhost, and no name of ours");
        http_refuse(v, 403,
                    "This host name is not ours: set EASEL_PUBLIC_URL to the address in use.");
        return false;
    }
    if (head_has(h, "origin") &&
        (origin.len == 0 || !origin_allowed(origin, host, s->public_url, s->allowed_origins))) {
        refuse_origin(v, "Origin", origin, "it is no origin of ours");
        return false;
    }
    if (is_foreign_load(h)) {
        refuse_origin(v, "Sec-Fetch-Site", head_get(h, "sec-fetch-site"), "without an Origin");
        return false;
    }
    return true;
}

/* ---- requests ------------------------------------------------------------------------------- */

static void start_api(struct visit *v)
{
    if (!http_at_home(v))
        return;
    keep_link_base(v);
    http_learn_address(v);
    v->request->token = bearer_token(head_get(&v->request->head, "authorization"));
    api_request(v);
}

static void answer_too_many(struct visit *v, unsigned status)
{
    http_answer_later(v, status, 5,
                      status == 429 ? "Too many connections from this address."
                                    : "This gateway has too many connections.");
}

/* A browser does not tell a page why its WebSocket did not open. So who asks without a handshake is
 * told of a limit that would refuse one. */
static void answer_socket(struct visit *v)
{
    const struct limits *l = v->gateway->limits;
    http_learn_address(v);
    if (!limits_may_connect(l))
        answer_too_many(v, 503);
    else if (!limits_may_hold(l, &v->address))
        answer_too_many(v, 429);
    else
        answer_error(v, 426, "This address takes WebSockets only.", "upgrade", "websocket");
}

static void start(struct visit *v)
{
    switch (v->request->route.kind) {
    case ROUTE_FILE:
        answer_file_of(v);
        return;
    case ROUTE_MOVED:
        answer_moved(v);
        return;
    case ROUTE_NOTHING:
        http_answer_error(v, 404, "There is nothing at this address.");
        return;
    case ROUTE_SOCKET:
        answer_socket(v);
        return;
    default:
        start_api(v);
    }
}

static void tell_over(struct visit *v)
{
    v->gateway->stats.upgrades_refused += head_has(&v->request->head, "upgrade");
    v->request->close_after = true;
    answer_too_many(v, v->over);
}

void http_request(struct visit *v)
{
    struct request *r = v->request;
    r->route = route_of(r->head.path);
    if (v->over)
        tell_over(v);
    else if (list_names(head_get(&r->head, "upgrade"), "websocket"))
        upgrade_request(v);
    else if (r->route.kind != ROUTE_NOTHING && !(r->route.methods & r->head.method))
        answer_error(v, 405, "This address does not take that method.", "allow",
                     methods_text(r->route.methods));
    else
        start(v);
}
