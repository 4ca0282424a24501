/* SPDX-License-Identifier: Apache-2.0 */
#include "link_connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void link_connection_init(struct link_connection *c)
{
    *c = (struct link_connection){.fd = -1};
    pthread_mutex_init(&c->lock, NULL);
}

void link_connection_finish(struct link_connection *c)
{
    link_connection_close(c, false);
    pthread_mutex_destroy(&c->lock);
}

int link_connection_fail(struct link_connection *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->trouble, sizeof c->trouble, format, args);
    va_end(args);
    c->code = 0;
    return -EIO;
}

static int fail_close(struct link_connection *c, const char *what, uint16_t code, amqp_bytes_t text)
{
    link_connection_fail(c, "%s: %.*s", what, (int)text.len, (const char *)text.bytes);
    c->code = code;
    return -EIO;
}

static int fail_method(struct link_connection *c, const char *what, const amqp_method_t *m)
{
    if (m->id == AMQP_CONNECTION_CLOSE_METHOD) {
        const amqp_connection_close_t *close = m->decoded;
        return fail_close(c, what, close->reply_code, close->reply_text);
    }
    if (m->id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *close = m->decoded;
        return fail_close(c, what, close->reply_code, close->reply_text);
    }
    return link_connection_fail(c, "%s: the broker answered %s", what, amqp_method_name(m->id));
}

/* `error` is the library's; that of TLS has more to say about it. */
static int fail_library(struct link_connection *c, const char *what, int error)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return link_connection_fail(c, "%s: %s%s%s", what, amqp_error_string2(error),
                                reason ? ", " : "", reason ? reason : "");
}

int link_connection_check(struct link_connection *c, const char *what, amqp_rpc_reply_t reply)
{
    switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
        return 0;
    case AMQP_RESPONSE_SERVER_EXCEPTION:
        return fail_method(c, what, &reply.reply);
    default:
        return fail_library(c, what, reply.library_error);
    }
}

int link_connection_rpc(struct link_connection *c, const char *what)
{
    return link_connection_check(c, what, amqp_get_rpc_reply(c->amqp));
}

/* ---- opening and closing --------------------------------------------------------------------- */

static void set_fd(struct link_connection *c, int fd)
{
    pthread_mutex_lock(&c->lock);
    c->fd = fd;
    pthread_mutex_unlock(&c->lock);
}

/* The send buffer is so large that a socket which poll calls writable (a third is free) takes any
 * message of ours whole; so a publish never waits. */
static void tune(int fd)
{
    unsigned unacked = LINK_UNACKED_MS;
    int bytes = LINK_SEND_BYTES;
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked, sizeof unacked);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static int login(struct link_connection *c, const struct amqp_connection_info *at, const char *name)
{
    amqp_table_entry_t can[] = {
        AMQP_YES("connection.blocked"),
        AMQP_YES("consumer_cancel_notify"),
        AMQP_YES("authentication_failure_close"),
    };
    amqp_table_entry_t own[] = {
        AMQP_ROW("capabilities", TABLE, table, ((amqp_table_t){sizeof can / sizeof *can, can})),
        AMQP_TEXT("connection_name", name),
    };
    amqp_table_t properties = {sizeof own / sizeof *own, own};
    const char *vhost = *at->vhost ? at->vhost : "/";
    const char *what = at->ssl ? "login" : "login (amqps:// where TLS is spoken)";
    return link_connection_check(
        c, what,
        amqp_login_with_properties(c->amqp, vhost, 0, AMQP_FRAME_BYTES_MAX, LINK_HEARTBEAT_S,
                                   &properties, AMQP_SASL_METHOD_PLAIN, at->user, at->password));
}

/* The files are read at each connect: a certificate that was renewed counts from then on. */
static amqp_socket_t *tls_socket(struct link_connection *c, const struct broker_address *broker)
{
    amqp_socket_t *socket = amqp_ssl_socket_new(c->amqp);
    if (!socket)
        return NULL;
    amqp_ssl_socket_set_verify_peer(socket, true);
    amqp_ssl_socket_set_verify_hostname(socket, true);
    if (amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST) < 0 ||
        amqp_ssl_socket_set_cacert(socket, broker->ca) < 0) {
        link_connection_fail(c, "cannot use EASEL_AMQP_CA %s", broker->ca);
        return NULL;
    }
    const char *key = *broker->key ? broker->key : broker->cert; /* a file may hold both */
    if (*broker->cert && amqp_ssl_socket_set_key(socket, broker->cert, key) < 0) {
        link_connection_fail(c, "cannot use EASEL_AMQP_CERT %s with the key %s", broker->cert, key);
        return NULL;
    }
    return socket;
}

static int open_at(struct link_connection *c, const struct amqp_connection_info *at,
                   const struct broker_address *broker, const char *name)
{
    struct timeval rpc = {.tv_sec = LINK_RPC_S}, connecting = {.tv_sec = LINK_CONNECT_S};
    link_connection_fail(c, "connect: out of memory"); /* unless something else is said */
    c->amqp = amqp_new_connection();
    if (!c->amqp)
        return -EIO;
    ERR_clear_error();
    amqp_socket_t *socket = at->ssl ? tls_socket(c, broker) : amqp_tcp_socket_new(c->amqp);
    if (!socket)
        return -EIO;
    amqp_set_handshake_timeout(c->amqp, &rpc);
    amqp_set_rpc_timeout(c->amqp, &rpc);
    int r = amqp_socket_open_noblock(socket, at->host, at->port, &connecting);
    if (r != AMQP_STATUS_OK) {
        char what[300];
        snprintf(what, sizeof what, "connect to %s port %d", at->host, at->port);
        return fail_library(c, what, r);
    }
    set_fd(c, amqp_get_sockfd(c->amqp));
    tune(c->fd);
    return login(c, at, name);
}

int broker_parse(const struct broker_address *broker, struct address_text *ret_text,
                 struct amqp_connection_info *ret)
{
    if (address_open(broker->url, ret_text) < 0 ||
        amqp_parse_url(ret_text->url, ret) != AMQP_STATUS_OK) /* in place */
        return -EINVAL;
    if (ret_text->password)
        ret->password = ret_text->password;
    if (*broker->user)
        ret->user = (char *)(uintptr_t)broker->user; /* the library only reads it */
    if (*broker->password)
        ret->password = (char *)(uintptr_t)broker->password;
    return 0;
}

int link_connection_open(struct link_connection *c, const struct broker_address *broker,
                         const char *name)
{
    struct amqp_connection_info at;
    struct address_text text;
    int r = broker_parse(broker, &text, &at) == 0
                ? open_at(c, &at, broker, name)
                : link_connection_fail(c, "EASEL_AMQP is no valid address");
    address_close(&text);
    if (r < 0)
        link_connection_close(c, false);
    return r;
}

void link_connection_close(struct link_connection *c, bool politely)
{
    if (!c->amqp)
        return;
    if (politely && c->fd >= 0)
        amqp_connection_close(c->amqp, AMQP_REPLY_SUCCESS);
    set_fd(c, -1);
    amqp_destroy_connection(c->amqp);
    c->amqp = NULL;
    c->blocked = false;
}

void link_connection_abort(struct link_connection *c)
{
    pthread_mutex_lock(&c->lock);
    if (c->fd >= 0)
        shutdown(c->fd, SHUT_RDWR);
    pthread_mutex_unlock(&c->lock);
}

/* ---- waiting, reading and writing ------------------------------------------------------------ */

void link_connection_wait(struct link_connection *c, int wake, bool to_write, bool only_wake)
{
    struct pollfd fds[2] = {{.fd = wake, .events = POLLIN},
                            {.fd = only_wake ? -1 : c->fd, .events = POLLIN}};
    if (to_write)
        fds[1].events |= POLLOUT;
    poll(fds, 2, LINK_TURN_MS);
    uint64_t count;
    if (fds[0].revents && read(wake, &count, sizeof count) < 0)
        count = 0;
}

bool link_connection_writable(const struct link_connection *c)
{
    struct pollfd fd = {.fd = c->fd, .events = POLLOUT};
    return poll(&fd, 1, 0) == 1;
}

void link_connection_cork(const struct link_connection *c, bool on)
{
    int value = on;
    setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &value, sizeof value);
}

int link_connection_tell(struct link_connection *c, amqp_channel_t channel,
                         amqp_method_number_t method, void *decoded)
{
    int r = amqp_send_method(c->amqp, channel, method, decoded);
    return r == AMQP_STATUS_OK ? 0 : fail_library(c, "set-up", r);
}

int link_connection_read(struct link_connection *c, amqp_frame_t *ret)
{
    struct timeval no_time = {0};
    int r = amqp_simple_wait_frame_noblock(c->amqp, ret, &no_time);
    if (r == AMQP_STATUS_TIMEOUT)
        return 0;
    if (r != AMQP_STATUS_OK)
        return link_connection_fail(c, "%s", amqp_error_string2(r));
    if (ret->frame_type != AMQP_FRAME_METHOD)
        return 1;
    switch (ret->payload.method.id) {
    case AMQP_CONNECTION_CLOSE_METHOD:
    case AMQP_CHANNEL_CLOSE_METHOD:
        return fail_method(c, "closed", &ret->payload.method);
    case AMQP_BASIC_CANCEL_METHOD:
        return link_connection_fail(c, "a queue that we consume is gone");
    case AMQP_CONNECTION_BLOCKED_METHOD:
        c->blocked = true;
        return 1;
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
        c->blocked = false;
        return 1;
    default:
        return 1;
    }
}

void content_begin(struct content *in)
{
    in->open = true;
    in->skipped = false;
    in->left = UINT64_MAX; /* the header tells */
    buf_clear(&in->body);
}

int content_frame(struct content *in, const amqp_frame_t *frame)
{
    if (!in->open)
        return 0;
    if (frame->frame_type == AMQP_FRAME_HEADER) {
        in->left = frame->payload.properties.body_size;
        in->skipped = in->left > BROKER_MESSAGE_BYTES_MAX;
    } else if (frame->frame_type == AMQP_FRAME_BODY && in->left != UINT64_MAX) {
        amqp_bytes_t part = frame->payload.body_fragment;
        if (!in->skipped)
            buf_append(&in->body, part.bytes, part.len);
        in->left -= part.len < in->left ? part.len : in->left;
    }
    in->open = in->left > 0;
    return !in->open;
}

/* ---- exchanges ------------------------------------------------------------------------------- */

static const struct {
    const char *name, *type;
} EXCHANGES[EXCHANGE_COUNT] = {
    [EXCHANGE_BOARD] = {"easel.board", "topic"},
    [EXCHANGE_GATEWAY] = {"easel.gateway", "topic"},
    [EXCHANGE_HISTORY] = {"easel.history", "topic"},
    [EXCHANGE_REPLAY] = {"", NULL}, /* the default exchange: the key is the queue's name */
    [EXCHANGE_PEERS] = {"easel.peers", "fanout"},
};

const char *exchange_name(enum exchange exchange)
{
    return EXCHANGES[exchange].name;
}

int link_connection_declare_exchanges(struct link_connection *c, amqp_channel_t channel)
{
    for (unsigned i = 0; i < EXCHANGE_COUNT; i++) {
        if (!EXCHANGES[i].type)
            continue;
        amqp_exchange_declare_t declare = {.exchange = amqp_cstring_bytes(EXCHANGES[i].name),
                                           .type = amqp_cstring_bytes(EXCHANGES[i].type),
                                           .durable = true,
                                           .nowait = true};
        if (link_connection_tell(c, channel, AMQP_EXCHANGE_DECLARE_METHOD, &declare) < 0)
            return -EIO;
    }
    return 0;
}
