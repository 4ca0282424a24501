/* SPDX-License-Identifier: Apache-2.0
 *
 * A WebSocket client on an epoll loop: connects to this machine only, checks the handshake, masks
 * what it sends, answers PINGs.
 */
#ifndef EASEL_LOAD_WS_CLIENT_H
#define EASEL_LOAD_WS_CLIENT_H

#include "ws.h"

enum ws_state { WS_NONE, WS_UPGRADING, WS_OPEN, WS_CLOSED };

struct ws_client {
    int fd;
    int epoll;         /* where it is registered, with itself as data.ptr */
    uint32_t interest; /* what epoll was told */
    enum ws_state state;
    unsigned close_code; /* what the server closed with; 0: none was said */
    struct buf in, out;  /* a message not whole yet; what the socket does not take yet */
    char key[WS_KEY_CHARS + 1];
};

struct ws_client_handler {
    void (*opened)(struct ws_client *c);
    /* now_ns: when the message was read from the socket. */
    void (*message)(struct ws_client *c, struct span message, uint64_t now_ns);
    void (*closed)(struct ws_client *c);
};

/* Begins to connect to 127.0.0.1. 0 or a negative errno. */
int ws_client_start(struct ws_client *c, int epoll, uint16_t port, const char *path);

/* What epoll said of it: sends what waits, reads once, and calls the handler. */
void ws_client_turn(struct ws_client *c, uint32_t events, const struct ws_client_handler *handler);

void ws_client_send(struct ws_client *c, struct span message);

/* Reads nothing more until `reading` again; so its server sees a client that does not read. */
void ws_client_read(struct ws_client *c, bool reading);

void ws_client_finish(struct ws_client *c);

#endif
