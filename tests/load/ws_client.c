/* SPDX-License-Identifier: Apache-2.0 */
#include "ws_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "messages.h"
#include "stats.h"

#define ANSWER_BYTES_MAX 4096u

static void watch(struct ws_client *c, uint32_t interest)
{
    if (interest == c->interest)
        return;
    struct epoll_event e = {.events = interest, .data.ptr = c};
    if (epoll_ctl(c->epoll, EPOLL_CTL_MOD, c->fd, &e) == 0)
        c->interest = interest;
}

static void put_request(struct ws_client *c, const char *path)
{
    char text[512];
    uint8_t nonce[16];
    for (size_t i = 0; i < sizeof nonce; i++)
        nonce[i] = (uint8_t)random();
    ws_base64(nonce, sizeof nonce, c->key);
    int n = snprintf(text, sizeof text,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Protocol: " PROTOCOL_WS "\r\n\r\n",
                     path, c->key);
    buf_append(&c->out, text, (size_t)n);
}

int ws_client_start(struct ws_client *c, int epoll, uint16_t port, const char *path)
{
    struct sockaddr_in to = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
    int yes = 1;
    *c = (struct ws_client){.epoll = epoll, .interest = EPOLLIN | EPOLLOUT};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return -errno;
    struct epoll_event e = {.events = c->interest, .data.ptr = c};
    if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) < 0 ||
        (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e) < 0) {
        int error = -errno;
        close(c->fd);
        return error;
    }
    c->state = WS_UPGRADING;
    put_request(c, path);
    return 0;
}

static void end(struct ws_client *c, const struct ws_client_handler *handler)
{
    if (c->state == WS_CLOSED)
        return;
    c->state = WS_CLOSED;
    close(c->fd);
    handler->closed(c);
}

/* 0, or a negative errno when the connection is of no more use. */
static int flush(struct ws_client *c)
{
    while (c->out.len > 0) {
        ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        buf_drop(&c->out, (size_t)n);
    }
    watch(c, c->interest & ~(uint32_t)EPOLLOUT);
    return 0;
}

static void put(struct ws_client *c, unsigned opcode, struct span payload)
{
    ws_frame_put(&c->out, opcode, payload, true);
    flush(c); /* an error comes again as an epoll event */
    if (c->out.len > 0)
        watch(c, c->interest | EPOLLOUT);
}

void ws_client_send(struct ws_client *c, struct span message)
{
    if (c->state == WS_OPEN)
        put(c, WS_BINARY, message);
}

/* The answer to the handshake. Returns its length, 0 when more is to come, or -EPROTO. */
static ssize_t answer(struct ws_client *c, const uint8_t *data, size_t len)
{
    char text[ANSWER_BYTES_MAX + 1], accept[WS_ACCEPT_CHARS + 1];
    const uint8_t *head_end = memmem(data, len, "\r\n\r\n", 4);
    if (head_end == NULL)
        return len > ANSWER_BYTES_MAX ? -EPROTO : 0;
    size_t n = (size_t)(head_end - data) + 4;
    if (n > ANSWER_BYTES_MAX)
        return -EPROTO;
    memcpy(text, data, n);
    text[n] = '\0';
    ws_accept_of(c->key, accept);
    if (strncmp(text, "HTTP/1.1 101", 12) != 0 || strstr(text, accept) == NULL ||
        strcasestr(text, "sec-websocket-protocol: " PROTOCOL_WS "\r\n") == NULL) {
        fprintf(stderr, "load: refused: %.*s\n", (int)strcspn(text, "\r\n"), text);
        return -EPROTO;
    }
    c->state = WS_OPEN;
    return (ssize_t)n;
}

static int take_frame(struct ws_client *c, const struct ws_frame *f, uint64_t now,
                      const struct ws_client_handler *handler)
{
    if (f->opcode == WS_BINARY)
        handler->message(c, f->payload, now);
    else if (f->opcode == WS_PING)
        put(c, WS_PONG, f->payload);
    else if (f->opcode == WS_CLOSE) {
        if (f->payload.len >= 2)
            c->close_code = (unsigned)(f->payload.data[0] << 8 | f->payload.data[1]);
        return -ECONNRESET;
    }
    return 0;
}

/* Takes all that is whole; returns how much that was. */
static ssize_t take(struct ws_client *c, uint8_t *data, size_t len, uint64_t now,
                    const struct ws_client_handler *handler)
{
    size_t done = 0;
    if (c->state == WS_UPGRADING) {
        ssize_t n = answer(c, data, len);
        if (n <= 0)
            return n;
        done = (size_t)n;
        handler->opened(c);
    }
    for (;;) {
        struct ws_frame f;
        ssize_t n = ws_frame_read(data + done, len - done, &f);
        if (n == 0)
            return (ssize_t)done;
        int r = n < 0 ? (int)n : take_frame(c, &f, now, handler);
        if (r < 0)
            return r;
        done += (size_t)n;
    }
}

/* Most reads bring whole messages: those are taken where they lie, and only a rest is kept. */
static int receive(struct ws_client *c, const struct ws_client_handler *handler)
{
    static uint8_t scratch[65536];
    ssize_t n = recv(c->fd, scratch, sizeof scratch, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (n == 0)
        return -ECONNRESET;
    uint64_t now = now_ns();
    if (c->in.len == 0) {
        ssize_t done = take(c, scratch, (size_t)n, now, handler);
        if (done < 0)
            return (int)done;
        buf_append(&c->in, scratch + done, (size_t)(n - done));
        return 0;
    }
    buf_append(&c->in, scratch, (size_t)n);
    ssize_t done = take(c, c->in.data, c->in.len, now, handler);
    if (done < 0)
        return (int)done;
    buf_drop(&c->in, (size_t)done);
    return 0;
}

void ws_client_turn(struct ws_client *c, uint32_t events, const struct ws_client_handler *handler)
{
    int r = 0;
    if (c->state == WS_CLOSED)
        return;
    if (events & EPOLLOUT)
        r = flush(c);
    if (r == 0 && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        r = receive(c, handler);
    if (r < 0)
        end(c, handler);
}

void ws_client_read(struct ws_client *c, bool reading)
{
    if (c->state == WS_OPEN)
        watch(c, reading ? c->interest | EPOLLIN : c->interest & ~(uint32_t)EPOLLIN);
}

void ws_client_finish(struct ws_client *c)
{
    if (c->state == WS_UPGRADING || c->state == WS_OPEN)
        close(c->fd);
    c->state = WS_CLOSED;
    buf_free(&c->in);
    buf_free(&c->out);
}
