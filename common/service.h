/* SPDX-License-Identifier: Apache-2.0
 *
 * What the three programs share of their start and their end: settings and log, the loop and its
 * signals, the broker link, the admin port. What a turn of the loop does is each program's own.
 */
#ifndef EASEL_SERVICE_H
#define EASEL_SERVICE_H

#include "admin.h"
#include "config.h"
#include "shell_metrics.h"
#include "trace_log.h"
#include "watchdog.h"

struct service_kind {
    const char *name; /* "board": the program is easel-board, and its ids begin with b */
    const struct setting *settings;
    /* The first SIGTERM or SIGINT. At a second one the loop is stopped at once. */
    void (*leave)(void *owner);
    void (*metrics)(void *owner, struct buf *out);
    /* NULL, or: why there cannot even be a broker link yet. */
    const char *(*unready)(void *owner);
    /* Before each poll, so after everything that happened in a turn. */
    void (*turn)(void *owner);
};

struct service {
    uv_loop_t loop;
    struct common_settings common;
    struct id self;
    struct link *link; /* NULL until service_open_link */
    struct turns turns;
    struct trace_log trace; /* its `trace` is for the core */
    struct admin *admin;
    bool leaving;
    int exit_code;

    /* private */
    const struct service_kind *kind;
    void *owner;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_signal_t sigterm, sigint;
    struct watchdog *watchdog;
    char unready[512];
};

/* Reads the settings (`ret_own`: those of kind->settings) and begins the log, the loop and the
 * watchdog: from here on the loop is to turn within 10 s. Negative after saying what is wrong:
 * exit 2. */
int service_init(struct service *s, const struct service_kind *kind, void *owner, int argc,
                 char **argv, void *ret_own);
/* `config` says what is heard; broker, id, shards, quorum are filled in. Negative errno, logged. */
int service_open_link(struct service *s, struct link_config config,
                      const struct link_events *events);
/* Logs that the link is up, or down and why. */
void service_log_link(struct service *s, bool up);
/* Opens the admin port and logs where it is. Negative errno, logged. */
int service_open_admin(struct service *s);

/* Gives the link what is due. What it has no room for is dropped and counted there: every hop
 * repeats. */
void service_publish(struct service *s, struct outbox *out, uint64_t now_ms);

/* The next turn comes at the latest that much after the loop's time, */
void service_wake_in(struct service *s, uint64_t wait_ms);
/* or at `at_ms` (process_now_ms). */
void service_wake_at(struct service *s, uint64_t at_ms);
/* Ends the loop. */
void service_stop(struct service *s, int exit_code);

/* Closes what stands above, the watchdog first; link_ms: for what waits to be published. */
void service_close(struct service *s, unsigned link_ms);
/* Runs the loop until all handles are closed, also the program's own. */
void service_finish(struct service *s);

#endif
