/* SPDX-License-Identifier: Apache-2.0 */
#include "shell_private.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- files ---------------------------------------------------------------------------------- */

static const struct web_file *find_file(const struct visit *v, struct span name)
{
    const struct web *web = v->gateway->web;
    return web ? web_find(web, name) : NULL;
}

/* Whoever reads pages gets one, the start page, which says so. */
static void answer_nothing(struct visit *v)
{
    const struct head *h = &v->request->head;
    bool reads_pages =
        h->method & (METHOD_GET | METHOD_HEAD) && list_names(head_get(h, "accept"), "text/html");
    const struct web_file *f = reads_pages ? find_file(v, span_of("index.html")) : NULL;
    if (f)
        answer_file(v, 404, f);
    else
        answer_error(v, 404, "There is nothing at this address.");
}

static void answer_file_of(struct visit *v)
{
    const struct web_file *f = find_file(v, v->request->route.file);
    if (f)
        answer_file(v, 200, f);
    else
        answer_nothing(v);
}

/* ---- requests ------------------------------------------------------------------------------- */

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

static void start_api(struct visit *v)
{
    if (!guest_at_home(v))
        return;
    keep_link_base(v);
    guest_learn_address(v);
    v->request->token = bearer_token(head_get(&v->request->head, "authorization"));
    api_request(v);
}

static void answer_too_many(struct visit *v, unsigned status)
{
    answer_later(v, status, 5,
                 status == 429 ? "Too many connections from this address."
                               : "This gateway has too many connections.");
}

/* A browser does not tell a page why its WebSocket did not open. So who asks without a handshake is
 * told of a limit that would refuse one. */
static void answer_socket(struct visit *v)
{
    const struct limits *l = v->gateway->limits;
    guest_learn_address(v);
    if (!limits_may_connect(l))
        answer_too_many(v, 503);
    else if (!limits_may_connect_from(l, &v->address))
        answer_too_many(v, 429);
    else
        answer_error_with(v, 426, "This address takes WebSockets only.", "upgrade", "websocket");
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
    if (r->head.status) {
        answer_refuse(v, r->head.status, r->head.why);
        return;
    }
    r->route = route_of(r->head.path);
    enum route_kind kind = r->route.kind;
    if (v->over)
        tell_over(v);
    else if (list_names(head_get(&r->head, "upgrade"), "websocket"))
        upgrade_request(v);
    else if (kind == ROUTE_NOTHING)
        answer_nothing(v);
    else if (!(r->route.methods & r->head.method))
        answer_error_with(v, 405, "This address does not take that method.", "allow",
                          methods_text(r->route.methods));
    else if (kind == ROUTE_FILE)
        answer_file_of(v);
    else if (kind == ROUTE_MOVED) /* people type a board's code in capitals, too */
        answer_moved(v, &r->route.board);
    else if (kind == ROUTE_SOCKET)
        answer_socket(v);
    else
        start_api(v);
}
