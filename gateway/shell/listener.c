/* SPDX-License-Identifier: Apache-2.0
 *
 * The port for browsers: it accepts, and looks at all connections once a second, in slices instead
 * of with a timer each.
 */
#include "shell_private.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "log.h"

/* Who comes when there are no descriptors left would be hung up on by libuv, without an answer. */
void listener_limit_files(struct gateway *g)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        log_warn("setrlimit: %s", strerror(errno));
    if (limit.rlim_cur >= g->settings.connections_max + FILES_ELSE)
        return;
    g->settings.connections_max = limit.rlim_cur > FILES_ELSE ? limit.rlim_cur - FILES_ELSE : 1;
    log_warn("only %llu open files are allowed: so at most %llu connections are taken",
             (unsigned long long)limit.rlim_cur, (unsigned long long)g->settings.connections_max);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status == 0)
        visit_accept(listener->data, listener);
}

int listener_start(struct gateway *g)
{
    g->serve = http_request;
    int r = upgrade_start(g);
    return r < 0 ? r
                 : tcp_listen(&g->listener, g->settings.host, (unsigned)g->settings.port,
                              LISTEN_BACKLOG, on_connection, &g->port);
}

void listener_stop(struct gateway *g)
{
    while (!TAILQ_EMPTY(&g->visits))
        visit_close(TAILQ_FIRST(&g->visits));
    upgrade_stop(g);
}

/* Both lists, a tenth of each at a time. */
void listener_sweep(struct gateway *g)
{
    uint64_t now_ms = gateway_now(g), slice = g->connection_count / SWEEP_SLICES + 1;
    for (; slice > 0 && g->connection_count > 0; slice--) {
        struct connection *c = g->swept ? g->swept : TAILQ_FIRST(&g->connections);
        g->swept = TAILQ_NEXT(c, link);
        ws_sweep(c, now_ms);
    }
    for (slice = g->visit_count / SWEEP_SLICES + 1; slice > 0 && g->visit_count > 0; slice--) {
        struct visit *v = g->swept_visit ? g->swept_visit : TAILQ_FIRST(&g->visits);
        g->swept_visit = TAILQ_NEXT(v, link);
        visit_sweep(v, now_ms);
    }
}
