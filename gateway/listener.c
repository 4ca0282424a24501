/* SPDX-License-Identifier: Apache-2.0
 *
 * libwebsockets on our loop: its callbacks become calls into http.c and ws.c, and a connection is
 * followed from accept to destruction, with one sweep instead of a timer each.
 */
#include "shell.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log.h"

#define FILES_MAX   65536 /* lws takes more than 10,000,000 for a mistake and falls to 2,560 */
#define NOTSENT_LOW (32 * 1024)

/* ---- connections ---------------------------------------------------------------------------- */

void connection_phase(struct connection *c, enum phase phase)
{
    c->phase = phase;
    c->since_ms = gateway_now(c->gateway);
}

void connection_kill(struct connection *c)
{
    connection_phase(c, PHASE_CLOSING);
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    /* lws looks at its timeouts only after something came in, and nothing else may come. */
    lws_cancel_service(c->gateway->context);
}

struct span connection_header(struct connection *c, enum lws_token_indexes header, char *room,
                              size_t size)
{
    int n = lws_hdr_copy(c->wsi, room, (int)size, header);
    return (struct span){(const uint8_t *)room, n > 0 ? (size_t)n : 0};
}

/* Without it a client that never reads hides 2 MB in the kernel before anybody notices. */
static void limit_unsent(int fd)
{
    int low = NOTSENT_LOW;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low, sizeof low) < 0)
        log_debug("TCP_NOTSENT_LOWAT: %s", strerror(errno));
}

static bool connection_count(struct connection *c)
{
    struct gateway *g = c->gateway;
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;
    if (getpeername(lws_get_socket_fd(c->wsi), (struct sockaddr *)&peer, &len) < 0 ||
        address_of_socket(&peer, &c->peer) < 0)
        return false;
    c->address = c->peer;
    if (networks_have(&g->trusted, &c->peer))
        return true; /* a proxy: whose connection it is, its requests say */
    c->counted = limits_hold(g->limits, &c->address);
    return c->counted;
}

static int connection_create(struct gateway *g, struct lws *wsi)
{
    if (!limits_connect(g->limits))
        return -1;
    struct connection *c = xcalloc(1, sizeof *c);
    c->gateway = g;
    c->wsi = wsi;
    connection_phase(c, PHASE_REQUEST);
    TAILQ_INSERT_TAIL(&g->connections, c, link);
    g->connection_count++;
    g->stats.accepted++;
    lws_set_opaque_user_data(wsi, c);
    return connection_count(c) ? 0 : -1;
}

static void connection_destroy(struct connection *c)
{
    struct gateway *g = c->gateway;
    if (c->upgraded)
        g->stats.sockets--;
    ws_closed(c);
    http_closed(c);
    if (c->counted)
        limits_release(g->limits, &c->address);
    limits_disconnect(g->limits);
    if (g->swept == c)
        g->swept = TAILQ_NEXT(c, link);
    TAILQ_REMOVE(&g->connections, c, link);
    g->connection_count--;
    lws_set_opaque_user_data(c->wsi, NULL);
    free(c);
}

static void sweep_one(struct connection *c, uint64_t now_ms)
{
    static const uint64_t patience[] = {
        [PHASE_REQUEST] = REQUEST_MS,
        [PHASE_ASKED] = QUESTION_MS + ANSWER_MS, /* api_tick answers long before */
        [PHASE_ANSWER] = ANSWER_MS,
    };
    if (c->phase >= PHASE_HELLO && c->phase != PHASE_CLOSING) {
        ws_sweep(c, now_ms);
    } else if (c->phase == PHASE_CLOSING) {
        if (now_ms - c->since_ms >= CLOSING_MS)
            connection_kill(c);
    } else if (now_ms - c->since_ms >= patience[c->phase]) {
        c->gateway->stats.closed_slow++;
        connection_kill(c);
    }
}

void listener_sweep(struct gateway *g)
{
    uint64_t now_ms = gateway_now(g), slice = g->connection_count / SWEEP_SLICES + 1;
    for (; slice > 0 && g->connection_count > 0; slice--) {
        struct connection *c = g->swept ? g->swept : TAILQ_FIRST(&g->connections);
        g->swept = TAILQ_NEXT(c, link);
        sweep_one(c, now_ms);
    }
}

/* ---- callbacks ------------------------------------------------------------------------------ */

static struct gateway *gateway_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

static struct connection *connection_of(struct lws *wsi)
{
    return lws_get_opaque_user_data(wsi);
}

/* What both protocols share. */
static int on_any(struct lws *wsi, enum lws_callback_reasons reason, struct connection *c)
{
    switch (reason) {
    case LWS_CALLBACK_WSI_DESTROY:
        if (c)
            connection_destroy(c);
        return 0;
    case LWS_CALLBACK_RAW_ADOPT: /* CONNECT would make a raw connection */
        return -1;
    default:
        (void)wsi;
        return 0;
    }
}

/* protocols[0]: everything before an upgrade. */
static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len)
{
    struct connection *c = connection_of(wsi);
    (void)user;
    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        limit_unsent(((struct lws_filter_network_conn_args *)user)->accept_fd);
        return gateway_of(wsi)->draining ? -1 : 0;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        return connection_create(gateway_of(wsi), wsi);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return c ? ws_confirm(c) : -1;
    case LWS_CALLBACK_HTTP:
        return c ? http_request(c, (struct span){in, len}) : -1;
    case LWS_CALLBACK_HTTP_BODY:
        return c ? http_body(c, in, len) : -1;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return c ? http_body_complete(c) : -1;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return c ? http_writeable(c) : -1;
    case LWS_CALLBACK_CLOSED_HTTP:
        if (c)
            http_closed(c);
        return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: /* this protocol is no subprotocol */
    case LWS_CALLBACK_ESTABLISHED:
        return -1;
    default:
        return on_any(wsi, reason, c);
    }
}

static int on_socket(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t len)
{
    struct connection *c = connection_of(wsi);
    (void)user;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        if (!c)
            return -1;
        ws_open(c);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        if (c)
            ws_receive(c, in, len);
        return 0;
    case LWS_CALLBACK_RECEIVE_PONG:
        if (c)
            ws_heard(c);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        if (c)
            flush_writeable(c);
        return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (c && c->upgraded)
            ws_peer_closes(c, in, len);
        return 0;
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
        if (c && c->upgraded)
            ws_closing(c);
        return 0;
    case LWS_CALLBACK_CLOSED:
        if (c)
            ws_closed(c);
        return 0;
    default:
        return on_any(wsi, reason, c);
    }
}

/* ---- start and stop ------------------------------------------------------------------------- */

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

/* On every answer, those that lws itself gives included. What the page needs and nothing else. */
#define HEADER(number, name_, value_)                                                              \
    [number] = {.next = &HEADERS[(number) + 1], .name = name_ ":", .value = value_}
static const struct lws_protocol_vhost_options HEADERS[] = {
    HEADER(0, "content-security-policy",
           "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
           "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
           "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
           "trusted-types 'none'"),
    HEADER(1, "x-content-type-options", "nosniff"),
    HEADER(2, "referrer-policy", "no-referrer"),
    HEADER(3, "cross-origin-opener-policy", "same-origin"),
    HEADER(4, "cross-origin-resource-policy", "same-origin"),
    [5] = {.name = "permissions-policy:",
           .value = "accelerometer=(), autoplay=(), camera=(), display-capture=(), "
                    "encrypted-media=(), fullscreen=(self), geolocation=(), gyroscope=(), "
                    "hid=(), idle-detection=(), magnetometer=(), microphone=(), midi=(), "
                    "payment=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), "
                    "usb=(), xr-spatial-tracking=()"},
};

/* Zero seconds, not NULL, which means 300: with lws's own keep-alive an accept costs three times as
 * much, and pending PONGs suffer. Our sweep pings. */
static const lws_retry_bo_t NO_KEEPALIVE = {.secs_since_valid_ping = 0};

static void on_lws_log(int level, const char *line)
{
    int len = (int)strcspn(line, "\n");
    log_line(level & LLL_ERR ? LOG_WARN : LOG_INFO, "libwebsockets: %.*s", len, line);
}

static void raise_file_limit(const struct gateway *g)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        log_warn("setrlimit: %s", strerror(errno));
    if (limit.rlim_cur < g->settings.connections_max + 100)
        log_warn("only %llu open files are allowed, fewer than EASEL_CONNECTIONS_MAX needs",
                 (unsigned long long)limit.rlim_cur);
}

static uint64_t address_family(const char *host)
{
    struct in_addr v4;
    return inet_pton(AF_INET, host, &v4) == 1 ? LWS_SERVER_OPTION_DISABLE_IPV6 : 0;
}

/* lws would go on trying an address that this machine does not have. */
static int try_address(const char *host)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at = {0};
    socklen_t len = sizeof at.v4;
    if (uv_ip4_addr(host, 0, &at.v4) < 0) {
        uv_ip6_addr(host, 0, &at.v6);
        len = sizeof at.v6;
    }
    int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = fd < 0 || bind(fd, &at.any, len) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return r;
}

int listener_start(struct gateway *g)
{
    const char *host = g->settings.host;
    bool any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    void *loops[] = {&g->service.loop};
    int r = try_address(host);
    if (r < 0)
        return r;
    raise_file_limit(g);
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    struct lws_context_creation_info info = {
        .options =
            LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | address_family(host),
        .foreign_loops = loops,
        .user = g,
        .port = (int)g->settings.port,
        .iface = any ? NULL : host,
        .vhost_name = "easel",
        .server_string = "easel",
        .protocols = PROTOCOLS,
        .headers = HEADERS,
        .retry_and_idle_policy = &NO_KEEPALIVE,
        .timeout_secs = REQUEST_MS / 1000,
        .timeout_secs_ah_idle = REQUEST_MS / 1000,
        .keepalive_timeout = REQUEST_MS / 1000,
    };
    g->context = lws_create_context(&info);
    if (!g->context)
        return -ENOMEM;
    g->vhost = lws_create_vhost(g->context, &info);
    if (!g->vhost)
        return -EADDRINUSE;
    /* From here on what lws finds wrong is what clients send: anybody could fill our log. */
    lws_set_log_level(strcmp(g->service.common.log_level, "debug") == 0 ? LLL_ERR | LLL_WARN : 0,
                      on_lws_log);
    return 0;
}

void listener_stop(struct gateway *g)
{
    if (g->context)
        lws_context_destroy(g->context);
}
