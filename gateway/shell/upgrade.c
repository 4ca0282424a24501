/* SPDX-License-Identifier: Apache-2.0
 *
 * From HTTP to WebSocket. Who may is decided here, with an answer; then libwebsockets gets the
 * socket and a request that we have written ourselves, so that nothing of HTTP that a client sent
 * reaches it. Its HTTP server is not used: it takes bytes behind a request for more of it, and of a
 * pipelined one it reads the head as the body.
 *
 * The callbacks that we handle, and the phases in which they may come; in any other, and before or
 * after its connection is known, a callback does nothing, or ends the connection (-1):
 *
 *   SERVER_NEW_CLIENT_INSTANTIATED   within hand_over, once: lws has made its wsi      -> UPGRADE
 *   ESTABLISHED                      UPGRADE: the answer 101 has left                  -> HELLO
 *   RECEIVE, RECEIVE_PONG            HELLO, JOINED; what comes later is dropped
 *   SERVER_WRITEABLE                 any but UPGRADE; CLOSING sends nothing
 *   WS_PEER_INITIATED_CLOSE,
 *   WS_SERVER_DROP_PROTOCOL          any: nothing may be sent any more                 -> CLOSING
 *   CLOSED                           any, at most once, before WSI_DESTROY             -> CLOSING
 *   WSI_DESTROY                      any, once, the last one: frees the connection
 *   RAW_ADOPT, HTTP and all of HTTP  never: -1
 */
#include "shell_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* ---- connections ---------------------------------------------------------------------------- */

/* Takes over what the visit has counted. */
static struct connection *connection_create(struct visit *v)
{
    struct gateway *g = v->gateway;
    struct connection *c = xcalloc(1, sizeof *c);
    c->gateway = g;
    c->address = v->address;
    c->counted = v->counted;
    v->counted = v->placed = false;
    connection_phase(c, PHASE_UPGRADE);
    TAILQ_INSERT_TAIL(&g->connections, c, link);
    g->connection_count++;
    return c;
}

static void connection_destroy(struct connection *c)
{
    struct gateway *g = c->gateway;
    ws_closed(c);
    if (c->opened)
        g->stats.sockets--;
    if (c->counted)
        limits_release(g->limits, &c->address, HOLD_CONNECTIONS, 1);
    limits_disconnect(g->limits);
    if (g->swept == c)
        g->swept = TAILQ_NEXT(c, link);
    TAILQ_REMOVE(&g->connections, c, link);
    g->connection_count--;
    free(c);
}

/* ---- callbacks ------------------------------------------------------------------------------ */

static int on_created(struct lws *wsi)
{
    struct gateway *g = lws_context_user(lws_get_context(wsi));
    struct connection *c = g->upgrading;
    if (!c)
        return -1; /* nobody else may bring a socket */
    g->upgrading = NULL;
    c->wsi = wsi;
    lws_set_opaque_user_data(wsi, c);
    return 0;
}

static int on_destroyed(struct lws *wsi)
{
    struct connection *c = lws_get_opaque_user_data(wsi);
    lws_set_opaque_user_data(wsi, NULL);
    if (c)
        connection_destroy(c);
    return 0;
}

/* protocols[0], which each wsi has until it is upgraded. */
static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len)
{
    (void)user, (void)in, (void)len;
    switch (reason) {
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        return on_created(wsi);
    case LWS_CALLBACK_WSI_DESTROY:
        return on_destroyed(wsi);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return lws_get_opaque_user_data(wsi) ? 0 : -1;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: /* this protocol is no subprotocol */
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return -1;
    default:
        return 0;
    }
}

static int on_socket(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t len)
{
    struct connection *c = lws_get_opaque_user_data(wsi);
    (void)user;
    if (!c)
        return reason == LWS_CALLBACK_ESTABLISHED ? -1 : 0;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return c->phase == PHASE_UPGRADE ? ws_open(c), 0 : -1;
    case LWS_CALLBACK_RECEIVE:
        ws_receive(c, in, len);
        return 0;
    case LWS_CALLBACK_RECEIVE_PONG:
        ws_heard(c);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        if (c->phase != PHASE_UPGRADE)
            flush_writeable(c);
        return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        ws_peer_closes(c, in, len);
        return 0;
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
        ws_closing(c);
        return 0;
    case LWS_CALLBACK_CLOSED:
        ws_closed(c);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        return on_destroyed(wsi);
    default:
        return 0;
    }
}

/* ---- the hand-over --------------------------------------------------------------------------- */

static const char REQUEST[] = "GET /ws HTTP/1.1\r\nHost: easel\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Protocol: " PROTOCOL_WS "\r\nSec-WebSocket-Key: ";

/* What lws reads first: the request, and what the client has sent behind its own. */
static struct buf request_for_lws(struct visit *v)
{
    const struct request *r = v->request;
    struct span key = head_get(&r->head, "sec-websocket-key");
    struct buf text = {0};
    buf_append(&text, REQUEST, sizeof REQUEST - 1);
    buf_append(&text, key.data, key.len);
    buf_append(&text, "\r\n\r\n", 4);
    buf_append(&text, v->in.data + r->head.bytes, v->in.len - r->head.bytes);
    return text;
}

/* The visit's own descriptor is closed by libuv: lws gets another one of the same socket. */
static void hand_over(struct visit *v)
{
    struct gateway *g = v->gateway;
    int fd = -1;
    if (uv_fileno((const uv_handle_t *)&v->tcp, &fd) < 0 || (fd = dup(fd)) < 0) {
        log_warn("dup: %s", strerror(errno));
        answer_refuse(v, 503, "This gateway is busy: connect again.");
        return;
    }
    struct buf text = request_for_lws(v);
    g->upgrading = connection_create(v);
    visit_close(v);
    lws_adopt_socket_vhost_readbuf(g->vhost, fd, (const char *)text.data, text.len);
    buf_free(&text);
    if (g->upgrading) { /* lws did not even begin, and has closed the descriptor */
        connection_destroy(g->upgrading);
        g->upgrading = NULL;
    }
    /* Else it is lws's, which may have destroyed it already. What it has not read yet of the text
     * it reads when the loop comes by, and nothing else may come: */
    lws_cancel_service(g->context);
}

/* ---- who may --------------------------------------------------------------------------------- */

static void refuse(struct visit *v, unsigned status, const char *sentence)
{
    v->gateway->stats.upgrades_refused++;
    answer_refuse(v, status, sentence);
}

/* Behind a proxy the address is known, and counted, only now. */
static bool count_address(struct visit *v)
{
    if (v->counted)
        return true;
    guest_learn_address(v);
    v->counted = limits_hold(v->gateway->limits, &v->address, HOLD_CONNECTIONS, 1);
    return v->counted;
}

/* Base64 of 16 bytes. */
static bool key_valid(struct span key)
{
    struct span digits = span_cut(&key, '=');
    return digits.len == 22 && has_only(digits, "+/") && span_is(key, "=");
}

/* Is it a handshake of RFC 6455, for us? NULL, or what is wrong with it. */
static const char *wrong_handshake(const struct head *h)
{
    char room[HEAD_BYTES_MAX];
    if (!h->keeps_alive || h->method != METHOD_GET || h->body_bytes > 0 ||
        !list_names(head_list(h, "connection", room, sizeof room), "upgrade"))
        return "This is no handshake of a WebSocket.";
    if (!list_names(head_get(h, "sec-websocket-version"), "13"))
        return "Speak version 13 of the WebSocket protocol.";
    if (!key_valid(head_get(h, "sec-websocket-key")))
        return "The Sec-WebSocket-Key is wrong.";
    if (!list_has(head_list(h, "sec-websocket-protocol", room, sizeof room), PROTOCOL_WS))
        return "Ask for the subprotocol " PROTOCOL_WS ", in small letters.";
    return NULL;
}

void upgrade_request(struct visit *v)
{
    struct gateway *g = v->gateway;
    if (v->request->route.kind != ROUTE_SOCKET) {
        refuse(v, 404, "WebSockets are served at /ws.");
        return;
    }
    const char *wrong = wrong_handshake(&v->request->head);
    if (wrong)
        refuse(v, 400, wrong);
    else if (g->draining)
        refuse(v, 503, "This gateway is leaving: connect again.");
    else if (!guest_at_home(v))
        g->stats.upgrades_refused++;
    else if (!count_address(v)) {
        g->stats.upgrades_refused++;
        v->request->close_after = true;
        answer_later(v, 429, 5, "Too many connections from this address.");
    } else
        hand_over(v);
}

/* ---- start and stop -------------------------------------------------------------------------- */

static const struct lws_protocols PROTOCOLS[] = {
    {.name = "http",
     .callback = on_http,
     .rx_buffer_size = RX_BUFFER_BYTES,
     .tx_packet_size = TX_BYTES_MAX},
    {.name = PROTOCOL_WS,
     .callback = on_socket,
     .rx_buffer_size = RX_BUFFER_BYTES,
     .tx_packet_size = TX_BYTES_MAX},
    {.name = NULL},
};

/* Zero seconds, not NULL, which means 300: with lws's own keep-alive an accept costs three times as
 * much, and pending PONGs suffer. Our sweep pings. */
static const lws_retry_bo_t NO_KEEPALIVE = {.secs_since_valid_ping = 0};

static void on_lws_log(int level, const char *line)
{
    int len = (int)strcspn(line, "\n");
    log_line(level & LLL_ERR ? LOG_WARN : LOG_INFO, "libwebsockets: %.*s", len, line);
}

int upgrade_start(struct gateway *g)
{
    void *loops[] = {&g->service.loop};
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .user = g,
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .vhost_name = "easel",
        .protocols = PROTOCOLS,
        .retry_and_idle_policy = &NO_KEEPALIVE,
        .timeout_secs = REQUEST_MS / 1000,
        .timeout_secs_ah_idle = REQUEST_MS / 1000,
    };
    g->context = lws_create_context(&info);
    if (!g->context)
        return -ENOMEM;
    g->vhost = lws_create_vhost(g->context, &info);
    if (!g->vhost)
        return -ENOMEM;
    /* From here on what lws finds wrong is what clients send: anybody could fill our log. */
    lws_set_log_level(strcmp(g->service.common.log_level, "debug") == 0 ? LLL_ERR | LLL_WARN : 0,
                      on_lws_log);
    return 0;
}

void upgrade_stop(struct gateway *g)
{
    if (g->context)
        lws_context_destroy(g->context);
}
