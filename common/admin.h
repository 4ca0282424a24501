/* SPDX-License-Identifier: Apache-2.0
 *
 * The admin port of every program: GET /healthz (200: the loop turns), /readyz (200 or 503 with a
 * reason), /metrics, and /trace (trace_log.h). A few lines of HTTP/1.1 on the program's own loop,
 * with bounds on everything (64 connections, 4 KB of request, 5 s).
 */
#ifndef EASEL_ADMIN_H
#define EASEL_ADMIN_H

#include <uv.h>

#include "buf.h"

struct admin;

struct admin_events {
    /* NULL when ready, else the reason, one line. */
    const char *(*ready)(void *owner);
    void (*metrics)(void *owner, struct buf *out);
    /* Any method, and what stands behind the path's question mark. Appends the answer's text, and
     * returns its status line. */
    const char *(*trace)(void *owner, struct span method, struct span query, struct buf *out);
};

/* Binds and listens; port 0 picks a free one. -EINVAL: `host` is no address; -EADDRINUSE and the
 * like. */
int tcp_listen(uv_tcp_t *listener, const char *host, unsigned port, int backlog,
               uv_connection_cb came, unsigned *ret_port);

/* Port 0 picks a free one. -EADDRINUSE and the like. */
int admin_create(uv_loop_t *loop, const char *host, unsigned port,
                 const struct admin_events *events, void *owner, struct admin **ret);
unsigned admin_port(const struct admin *a);
void admin_destroy(struct admin *a); /* closes its handles; run the loop once more afterwards */

#endif
