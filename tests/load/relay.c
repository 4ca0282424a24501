/* SPDX-License-Identifier: Apache-2.0
 *
 * The yardstick: the least that a WebSocket relay can do. One process on one epoll loop; what a
 * socket of a board sends goes to the board's other sockets, at once, one send each. It checks,
 * stores and queues nothing, and serves this machine only.
 *
 *   relay         prints "PORT pid" and runs until SIGTERM, or an hour at most
 *
 * The path of a connection is its board's number: GET /17.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "messages.h"
#include "ws.h"

#define BOARDS_MAX        5000u
#define MEMBERS_MAX       100u
#define REQUEST_BYTES_MAX 4096u
#define RUNS_AT_MOST_S    3600u

struct peer {
    int fd;
    bool open; /* the handshake is done */
    unsigned board;
    struct buf in; /* a request or a message not whole yet */
};

struct board {
    struct peer *peers[MEMBERS_MAX];
    unsigned count;
};

static struct board boards[BOARDS_MAX];
static int epoll;

static void leave(struct peer *p)
{
    struct board *b = &boards[p->board];
    for (unsigned i = 0; p->open && i < b->count; i++) {
        if (b->peers[i] == p) {
            b->peers[i] = b->peers[--b->count];
            break;
        }
    }
    close(p->fd);
    buf_free(&p->in);
    free(p);
}

/* A viewer whose socket takes no more misses it: the load client counts it as lost. */
static void forward(const struct peer *from, struct span message)
{
    static struct buf frame;
    const struct board *b = &boards[from->board];
    buf_clear(&frame);
    ws_frame_put(&frame, WS_BINARY, message, false);
    for (unsigned i = 0; i < b->count; i++)
        if (b->peers[i] != from)
            (void)!send(b->peers[i]->fd, frame.data, frame.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int join(struct peer *p, const char *request)
{
    char accept[WS_ACCEPT_CHARS + 1], text[256];
    const char *key = strcasestr(request, "\r\nsec-websocket-key: ");
    if (sscanf(request, "GET /%u ", &p->board) != 1 || p->board >= BOARDS_MAX || key == NULL ||
        boards[p->board].count == MEMBERS_MAX)
        return -EPROTO;
    ws_accept_of(key + strlen("\r\nsec-websocket-key: "), accept);
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
                     "Sec-WebSocket-Protocol: " PROTOCOL_WS "\r\n\r\n",
                     accept);
    if (send(p->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        return -EPIPE;
    p->open = true;
    boards[p->board].peers[boards[p->board].count++] = p;
    return 0;
}

/* The request, when it is whole. */
static int shake_hands(struct peer *p)
{
    char text[REQUEST_BYTES_MAX + 1];
    if (p->in.len > REQUEST_BYTES_MAX)
        return -EPROTO;
    if (p->in.len < 4 || memcmp(p->in.data + p->in.len - 4, "\r\n\r\n", 4) != 0)
        return 0;
    memcpy(text, p->in.data, p->in.len);
    text[p->in.len] = '\0';
    buf_clear(&p->in);
    return join(p, text);
}

static int receive(struct peer *p)
{
    static uint8_t scratch[65536];
    ssize_t n = recv(p->fd, scratch, sizeof scratch, 0);
    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -ECONNRESET;
    buf_append(&p->in, scratch, (size_t)n);
    if (!p->open)
        return shake_hands(p);
    size_t done = 0;
    struct ws_frame f;
    while ((n = ws_frame_read(p->in.data + done, p->in.len - done, &f)) > 0) {
        if (f.opcode == WS_CLOSE)
            return -ECONNRESET;
        if (f.opcode == WS_BINARY)
            forward(p, f.payload);
        done += (size_t)n;
    }
    buf_drop(&p->in, done);
    return (int)n;
}

static void welcome(int listener)
{
    int yes = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct peer *p = xcalloc(1, sizeof *p);
    p->fd = fd;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
        leave(p);
}

static int listen_here(uint16_t *ret_port)
{
    struct sockaddr_in here = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
    socklen_t len = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct epoll_event e = {.events = EPOLLIN};
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, len) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)&here, &len) < 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
        return -errno;
    *ret_port = ntohs(here.sin_port);
    return fd;
}

static void serve(int listener)
{
    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            struct peer *p = events[i].data.ptr;
            if (p == NULL)
                welcome(listener);
            else if (receive(p) < 0)
                leave(p);
        }
    }
}

int main(void)
{
    struct rlimit limit;
    uint16_t port = 0;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
    setrlimit(RLIMIT_NOFILE, &limit);
    alarm(RUNS_AT_MOST_S);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = epoll < 0 ? -errno : listen_here(&port);
    if (listener < 0) {
        fprintf(stderr, "relay: cannot listen: %s\n", strerror(-listener));
        return 1;
    }
    printf("%u %d\n", port, (int)getpid());
    fflush(stdout);
    serve(listener);
}
