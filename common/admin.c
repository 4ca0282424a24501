/* SPDX-License-Identifier: Apache-2.0
 *
 * One request per connection: read until the empty line, answer, close. Nothing in a request but
 * its first line matters. libuv's callbacks: on_read comes until the answer is begun, which stops
 * reading; on_written once after that, also when the connection was closed meanwhile; on_closed
 * last, once. What comes otherwise closes the connection.
 */
#include "admin.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "limit_values.h"

/* A connection, from accept to close. */
struct admin_visit {
    uv_tcp_t tcp;
    uv_write_t write;
    struct admin *admin;
    LIST_ENTRY(admin_visit) list; /* admin.visits */
    uint64_t since_ms;
    bool answered;
    char request[ADMIN_REQUEST_BYTES_MAX];
    size_t len;
    struct buf answer;
};

struct admin {
    uv_tcp_t listener;
    uv_timer_t sweep;
    const struct admin_events *events;
    void *owner;
    LIST_HEAD(, admin_visit) visits;
    unsigned visit_count;
    unsigned handles; /* open ones; the last one to close frees */
    unsigned port;
};

static void drop(struct admin *a)
{
    if (--a->handles == 0)
        free(a);
}

static void on_handle_closed(uv_handle_t *handle)
{
    drop(handle->data);
}

static void on_visit_closed(uv_handle_t *handle)
{
    struct admin_visit *v = handle->data;
    LIST_REMOVE(v, list);
    v->admin->visit_count--;
    drop(v->admin);
    buf_free(&v->answer);
    free(v);
}

static void hang_up(struct admin_visit *v)
{
    if (!uv_is_closing((uv_handle_t *)&v->tcp))
        uv_close((uv_handle_t *)&v->tcp, on_visit_closed);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    hang_up(write->data);
}

static void answer(struct admin_visit *v, const char *status, struct span body)
{
    buf_print(&v->answer,
              "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
              "Content-Length: %zu\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
              status, body.len);
    buf_append(&v->answer, body.data, body.len);
    v->answered = true;
    v->write.data = v;
    uv_buf_t out = uv_buf_init((char *)v->answer.data, (unsigned)v->answer.len);
    if (uv_write(&v->write, (uv_stream_t *)&v->tcp, &out, 1, on_written) < 0)
        hang_up(v);
}

static void answer_ready(struct admin_visit *v)
{
    struct admin *a = v->admin;
    const char *reason = a->events->ready(a->owner);
    char line[256];
    snprintf(line, sizeof line, "%s\n", reason ? reason : "ready");
    answer(v, reason ? "503 Service Unavailable" : "200 OK", span_of(line));
}

static void answer_metrics(struct admin_visit *v)
{
    struct buf text = {0};
    v->admin->events->metrics(v->admin->owner, &text);
    answer(v, "200 OK", buf_span(&text));
    buf_free(&text);
}

/* The first line of the request up to its first blank, and from there up to the next. */
static struct span method_of(const struct admin_visit *v)
{
    return (struct span){(const uint8_t *)v->request, strcspn(v->request, " \r")};
}

/* Whether the first line of the request asks for `path`. */
static bool asks_for(const struct admin_visit *v, const char *path)
{
    size_t n = strlen(path);
    const char *at = v->request + method_of(v).len;
    return strncmp(at, " ", 1) == 0 && strncmp(at + 1, path, n) == 0 &&
           (at[1 + n] == ' ' || at[1 + n] == '?');
}

static void answer_trace(struct admin_visit *v)
{
    struct buf text = {0};
    const char *at = v->request + method_of(v).len + strlen(" /trace");
    struct span query = span_of("");
    if (*at == '?')
        query = (struct span){(const uint8_t *)at + 1, strcspn(at + 1, " \r")};
    const char *status = v->admin->events->trace(v->admin->owner, method_of(v), query, &text);
    answer(v, status, buf_span(&text));
    buf_free(&text);
}

static void answer_request(struct admin_visit *v)
{
    if (asks_for(v, "/trace"))
        answer_trace(v);
    else if (strncmp(v->request, "GET ", 4) != 0)
        answer(v, "405 Method Not Allowed\r\nAllow: GET", span_of("only GET\n"));
    else if (asks_for(v, "/healthz"))
        answer(v, "200 OK", span_of("ok\n"));
    else if (asks_for(v, "/readyz"))
        answer_ready(v);
    else if (asks_for(v, "/metrics"))
        answer_metrics(v);
    else
        answer(v, "404 Not Found", span_of("/healthz, /readyz, /metrics or /trace\n"));
}

/* ---- connections ----------------------------------------------------------------------------- */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct admin_visit *v = handle->data;
    (void)suggested;
    /* The last byte stays free for the end of the text. */
    *ret = uv_buf_init(v->request + v->len, (unsigned)(sizeof v->request - 1 - v->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct admin_visit *v = stream->data;
    (void)buf;
    if (n == 0)
        return;
    if (v->answered || (n < 0 && n != UV_ENOBUFS)) {
        hang_up(v);
        return;
    }
    if (n > 0)
        v->len += (size_t)n;
    v->request[v->len] = '\0';
    bool whole = strstr(v->request, "\r\n\r\n") != NULL;
    if (!whole && v->len < sizeof v->request - 1)
        return;
    uv_read_stop(stream);
    if (whole)
        answer_request(v);
    else
        answer(v, "431 Request Header Fields Too Large", span_of("the request is too long\n"));
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct admin *a = listener->data;
    if (status < 0)
        return;
    struct admin_visit *v = xcalloc(1, sizeof *v);
    v->admin = a;
    v->since_ms = uv_now(listener->loop);
    v->tcp.data = v;
    uv_tcp_init(listener->loop, &v->tcp);
    LIST_INSERT_HEAD(&a->visits, v, list);
    a->visit_count++;
    a->handles++;
    /* One too many is accepted, too, or it would wait in the kernel and wake us for ever. */
    if (uv_accept(listener, (uv_stream_t *)&v->tcp) < 0 || a->visit_count > ADMIN_VISITS_MAX ||
        uv_read_start((uv_stream_t *)&v->tcp, on_room, on_read) < 0)
        hang_up(v);
}

static void on_sweep(uv_timer_t *sweep)
{
    struct admin *a = sweep->data;
    struct admin_visit *v;
    LIST_FOREACH (v, &a->visits, list) {
        if (uv_now(sweep->loop) - v->since_ms > ADMIN_VISIT_MS)
            hang_up(v); /* frees later, in the close callback */
    }
}

/* ---- create and destroy ---------------------------------------------------------------------- */

int tcp_listen(uv_tcp_t *listener, const char *host, unsigned port, int backlog,
               uv_connection_cb came, unsigned *ret_port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    if (uv_ip4_addr(host, (int)port, &at.v4) < 0 && uv_ip6_addr(host, (int)port, &at.v6) < 0)
        return -EINVAL;
    int r = uv_tcp_bind(listener, &at.any, 0), len = sizeof at;
    if (r == 0)
        r = uv_listen((uv_stream_t *)listener, backlog, came);
    if (r == 0)
        r = uv_tcp_getsockname(listener, &at.any, &len);
    if (r == 0)
        *ret_port = ntohs(at.any.sa_family == AF_INET ? at.v4.sin_port : at.v6.sin6_port);
    return r;
}

int admin_create(uv_loop_t *loop, const char *host, unsigned port,
                 const struct admin_events *events, void *owner, struct admin **ret)
{
    struct admin *a = xcalloc(1, sizeof *a);
    a->events = events;
    a->owner = owner;
    a->handles = 2;
    LIST_INIT(&a->visits);
    uv_tcp_init(loop, &a->listener);
    uv_timer_init(loop, &a->sweep);
    a->listener.data = a->sweep.data = a;
    int r = tcp_listen(&a->listener, host, port, ADMIN_VISITS_MAX, on_connection, &a->port);
    if (r == 0)
        r = uv_timer_start(&a->sweep, on_sweep, ADMIN_SWEEP_MS, ADMIN_SWEEP_MS);
    if (r < 0) {
        admin_destroy(a);
        return r;
    }
    *ret = a;
    return 0;
}

unsigned admin_port(const struct admin *a)
{
    return a->port;
}

void admin_destroy(struct admin *a)
{
    if (!a)
        return;
    struct admin_visit *v;
    LIST_FOREACH (v, &a->visits, list) {
        hang_up(v);
    }
    uv_close((uv_handle_t *)&a->sweep, on_handle_closed);
    uv_close((uv_handle_t *)&a->listener, on_handle_closed);
}
