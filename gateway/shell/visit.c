/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection that speaks HTTP. Its phases, and which callback of libuv may come in which:
 *
 *   phase     reads from the socket                      may come
 *   READS     until a request is whole                   on_read
 *   ASKED     no                                         nothing: the core's answer ends it
 *   ANSWERS   no                                         on_written
 *   LINGERS   and throws it away                         on_read, on_shut
 *   CLOSED    no                                         on_written, on_shut (cancelled), on_closed
 *
 * So a request is begun only when the answer of the one before has left, and what comes behind it
 * waits here (VISIT_BYTES_MAX) and in the kernel. A callback in another phase would be a fault of
 * ours or of libuv: it closes this connection, is counted, and changes nothing else.
 */
#include "shell_private.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "log.h"

static void enter(struct visit *v, enum visit_phase phase)
{
    v->phase = phase;
    v->since_ms = gateway_now(v->gateway);
}

/* ---- the end --------------------------------------------------------------------------------- */

void visit_forget_question(struct visit *v)
{
    struct question *q = v->request->question;
    if (!q)
        return;
    TAILQ_REMOVE(&v->gateway->questions, q, link);
    v->gateway->question_count--;
    limits_release(v->gateway->limits, &v->address, HOLD_QUESTIONS, 1);
    v->request->question = NULL;
    free(q);
}

static void request_end(struct visit *v)
{
    if (!v->request)
        return;
    visit_forget_question(v);
    buf_free(&v->request->answer);
    free(v->request);
    v->request = NULL;
}

static void on_closed(uv_handle_t *handle)
{
    struct visit *v = handle->data;
    buf_free(&v->in);
    free(v);
}

void visit_close(struct visit *v)
{
    struct gateway *g = v->gateway;
    if (v->phase == VISIT_CLOSED)
        return;
    /* The answer is freed only when libuv has given up writing it. */
    if (v->phase != VISIT_ANSWERS)
        request_end(v);
    enter(v, VISIT_CLOSED);
    if (v->counted)
        limits_release(g->limits, &v->address, HOLD_CONNECTIONS, 1);
    if (v->placed)
        limits_disconnect(g->limits);
    if (v->over)
        g->courtesy_count--;
    if (g->swept_visit == v)
        g->swept_visit = TAILQ_NEXT(v, link);
    TAILQ_REMOVE(&g->visits, v, link);
    g->visit_count--;
    uv_close((uv_handle_t *)&v->tcp, on_closed);
}

static void misplaced(struct visit *v, const char *callback)
{
    log_warn("libuv: %s in phase %d of an HTTP connection, which is closed", callback, v->phase);
    visit_close(v);
}

static void on_shut(uv_shutdown_t *shutdown, int status)
{
    (void)status; /* the client hangs up, or the sweep ends it */
    struct visit *v = shutdown->data;
    if (v->phase != VISIT_LINGERS && v->phase != VISIT_CLOSED)
        misplaced(v, "shutdown");
}

/* ---- reading --------------------------------------------------------------------------------- */

static void take_requests(struct visit *v);

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct visit *v = handle->data;
    (void)suggested;
    /* Into the scratch buffer: an idle connection needs no room of its own. */
    *ret = uv_buf_init((char *)v->gateway->scratch, (unsigned)(VISIT_BYTES_MAX - v->in.len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct visit *v = stream->data;
    if (v->phase != VISIT_READS && v->phase != VISIT_LINGERS) {
        misplaced(v, "read");
    } else if (n < 0) {
        visit_close(v);
    } else if (n > 0 && v->phase == VISIT_READS) {
        buf_append(&v->in, buf->base, (size_t)n);
        take_requests(v);
    }
}

static void read_on(struct visit *v)
{
    int r = uv_read_start((uv_stream_t *)&v->tcp, on_room, on_read);
    if (r < 0 && r != UV_EALREADY)
        visit_close(v);
}

static void refuse_head(struct visit *v, unsigned status, const char *why)
{
    v->gateway->stats.bad_requests++;
    v->request->head = (struct head){.method = METHOD_OTHER, .status = status, .why = why};
    v->gateway->serve(v);
}

/* Whole: its head is read, and as much of a body as it announces is here. */
static bool take_request(struct visit *v)
{
    struct head *head = &v->request->head;
    switch (head_read(buf_span(&v->in), head)) {
    case HEAD_MORE:
        return false;
    case HEAD_BAD:
        refuse_head(v, head->status, head->why);
        return true;
    case HEAD_WHOLE:
        break;
    }
    bool bare = head->method & (METHOD_GET | METHOD_HEAD | METHOD_DELETE);
    if (head->body_bytes > (bare ? 0 : BODY_BYTES_MAX)) {
        refuse_head(v, 413, "The body is too long.");
        return true;
    }
    if (head->body_bytes > v->in.len - head->bytes)
        return false;
    v->request->body = (struct span){v->in.data + head->bytes, head->body_bytes};
    v->request->close_after = v->gateway->service.leaving || !head->keeps_alive;
    v->gateway->serve(v);
    return true;
}

/* One request, when it is whole; the next one when its answer has left. */
static void take_requests(struct visit *v)
{
    if (v->in.len > 0) {
        uv_read_stop((uv_stream_t *)&v->tcp);
        v->request = xcalloc(1, sizeof *v->request);
        if (take_request(v))
            return; /* it may even have ended the visit */
        request_end(v);
    }
    read_on(v);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Closing at once, with bytes of the client unread, would reset the connection, and the client
 * might never see the answer. */
static void linger(struct visit *v)
{
    enter(v, VISIT_LINGERS);
    buf_free(&v->in);
    v->shutdown.data = v;
    if (uv_shutdown(&v->shutdown, (uv_stream_t *)&v->tcp, on_shut) < 0)
        visit_close(v);
    else
        read_on(v);
}

static void next_request(struct visit *v)
{
    size_t used = v->request->head.bytes + v->request->body.len;
    request_end(v);
    buf_drop(&v->in, used);
    if (v->in.len == 0)
        buf_free(&v->in);
    enter(v, VISIT_READS);
    take_requests(v);
}

static void on_written(uv_write_t *write, int status)
{
    struct visit *v = write->data;
    if (v->phase == VISIT_CLOSED)
        request_end(v);
    else if (v->phase != VISIT_ANSWERS)
        misplaced(v, "write");
    else if (status < 0) {
        enter(v, VISIT_READS); /* nothing is being written any more */
        visit_close(v);
    } else if (v->request->close_after) {
        request_end(v);
        linger(v);
    } else
        next_request(v);
}

void visit_asked(struct visit *v)
{
    enter(v, VISIT_ASKED);
}

void visit_answer(struct visit *v)
{
    struct request *r = v->request;
    if (v->phase != VISIT_READS && v->phase != VISIT_ASKED)
        abort(); /* a second answer: our own mistake, and the two would mix */
    enter(v, VISIT_ANSWERS);
    uv_buf_t out[] = {
        uv_buf_init((char *)r->answer.data, (unsigned)r->answer.len),
        uv_buf_init((char *)(uintptr_t)r->file_body.data, (unsigned)r->file_body.len),
    };
    v->unsent = SIZE_MAX;
    v->write.data = v;
    if (uv_write(&v->write, (uv_stream_t *)&v->tcp, out, r->file_body.len ? 2 : 1, on_written) == 0)
        return;
    enter(v, VISIT_READS);
    visit_close(v);
}

/* ---- time ------------------------------------------------------------------------------------ */

void visit_sweep(struct visit *v, uint64_t now_ms)
{
    static const uint64_t patience[] = {
        [VISIT_READS] = REQUEST_MS,
        [VISIT_ASKED] = QUESTION_MS + HTTP_ANSWER_MS, /* api_tick answers long before */
        [VISIT_ANSWERS] = HTTP_ANSWER_MS,
        [VISIT_LINGERS] = CLOSING_MS,
        [VISIT_CLOSED] = UINT64_MAX,
    };
    size_t unsent = v->tcp.write_queue_size;
    if (v->phase == VISIT_ANSWERS && unsent < v->unsent) {
        v->unsent = unsent;
        v->since_ms = now_ms;
    }
    if (now_ms - v->since_ms < patience[v->phase])
        return;
    v->gateway->stats.closed_slow += v->phase != VISIT_LINGERS;
    visit_close(v);
}

/* ---- the beginning --------------------------------------------------------------------------- */

/* Without it a client that never reads hides 2 MB in the kernel before anybody notices. */
static void limit_unsent(const struct visit *v)
{
    int fd = -1, low = NOTSENT_LOW_BYTES;
    if (uv_fileno((const uv_handle_t *)&v->tcp, &fd) == 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low, sizeof low);
}

static bool learn_peer(struct visit *v)
{
    struct sockaddr_storage peer = {0};
    int len = sizeof peer;
    if (uv_tcp_getpeername(&v->tcp, (struct sockaddr *)&peer, &len) < 0 ||
        address_of_socket(&peer, &v->peer) < 0)
        return false;
    v->address = v->peer;
    return true;
}

/* 0, or the status that tells that there are too many connections. */
static unsigned count(struct visit *v)
{
    struct gateway *g = v->gateway;
    v->placed = limits_connect(g->limits);
    if (!v->placed)
        return 503;
    if (networks_have(&g->trusted, &v->peer))
        return 0; /* a proxy: whose connection it is, its requests say */
    v->counted = limits_hold(g->limits, &v->address, HOLD_CONNECTIONS, 1);
    return v->counted ? 0 : 429;
}

/* Above a limit only few are told so; the others are closed. */
static bool has_place(struct visit *v)
{
    struct gateway *g = v->gateway;
    if (g->draining || !learn_peer(v))
        return false;
    v->over = count(v);
    if (!v->over)
        return true;
    bool courtesy = g->courtesy_count++ < COURTESIES_MAX;
    g->stats.courtesies_dropped += !courtesy;
    return courtesy;
}

void visit_accept(struct gateway *g, uv_stream_t *listener)
{
    struct visit *v = xcalloc(1, sizeof *v);
    v->gateway = g;
    v->tcp.data = v;
    uv_tcp_init(&g->service.loop, &v->tcp);
    TAILQ_INSERT_TAIL(&g->visits, v, link);
    g->visit_count++;
    g->stats.accepted++;
    enter(v, VISIT_READS);
    if (uv_accept(listener, (uv_stream_t *)&v->tcp) < 0 || !has_place(v)) {
        visit_close(v);
        return;
    }
    limit_unsent(v);
    uv_tcp_nodelay(&v->tcp, 1);
    read_on(v);
}
