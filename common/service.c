/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "hash.h"
#include "log.h"
#include "process.h"

/* ---- the admin port -------------------------------------------------------------------------- */

/* Once ready a program stays so until it leaves, also while the broker or the database is away: it
 * goes on by itself when they are back. Were it unready meanwhile, all replicas would be at once:
 * nobody would get the page any more, and nobody would learn why. */
static const char *why_not_ready(void *owner)
{
    struct service *s = owner;
    if (s->leaving)
        return "leaving";
    if (s->link && link_stats(s->link)->was_up)
        return NULL;
    const char *why = s->kind->unready ? s->kind->unready(s->owner) : NULL;
    if (why)
        return why;
    snprintf(s->unready, sizeof s->unready, "no broker yet: %s",
             s->link ? link_trouble(s->link) : "");
    return s->unready;
}

static void put_metrics(void *owner, struct buf *out)
{
    struct service *s = owner;
    s->kind->metrics(s->owner, out);
    trace_log_metrics(&s->trace, out);
}

static const char *on_trace(void *owner, struct span method, struct span query, struct buf *out)
{
    struct service *s = owner;
    return trace_log_request(&s->trace, method, query, out);
}

int service_open_admin(struct service *s)
{
    static const struct admin_events events = {
        .ready = why_not_ready, .metrics = put_metrics, .trace = on_trace};
    const char *host = s->common.admin_host;
    unsigned port = (unsigned)s->common.admin_port;
    int r = admin_create(&s->loop, host, port, &events, s, &s->admin);
    if (r < 0)
        log_error("cannot listen on EASEL_ADMIN_HOST %s, EASEL_ADMIN_PORT %u: %s", host, port,
                  strerror(-r));
    else
        log_info("admin on http://%s:%u", host, admin_port(s->admin));
    return r;
}

/* ---- the broker link ------------------------------------------------------------------------- */

int service_open_link(struct service *s, struct link_config config,
                      const struct link_events *events)
{
    config.broker = s->common.broker;
    config.self = s->self;
    config.shards = (unsigned)s->common.shards;
    config.quorum = s->common.quorum != 0;
    int r = link_create(&s->loop, &config, events, s->owner, &s->link);
    if (r < 0)
        log_error(r == -EINVAL ? "cannot use EASEL_AMQP: %s" : "cannot start the broker link: %s",
                  strerror(-r));
    return r;
}

void service_log_link(struct service *s, bool up)
{
    if (up)
        log_info("broker link up");
    else
        log_warn("broker link down: %s", link_trouble(s->link));
}

void service_publish(struct service *s, struct outbox *out, uint64_t now_ms)
{
    struct outbox_message message;
    while (outbox_next(out, now_ms, &message))
        link_publish(s->link, &message);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    (void)timer; /* it only ends the poll: the turn follows */
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct service *s = prepare->data;
    s->kind->turn(s->owner);
    trace_log_turn(&s->trace);
    turns_count(&s->turns);
}

void service_wake_in(struct service *s, uint64_t wait_ms)
{
    uv_timer_start(&s->timer, on_timer, smaller(wait_ms, LOOP_SLEEP_MS_MAX), 0);
}

void service_wake_at(struct service *s, uint64_t at_ms)
{
    uint64_t now_ms = process_now_ms();
    uv_update_time(&s->loop);
    service_wake_in(s, at_ms <= now_ms ? 0 : at_ms - now_ms);
}

void service_stop(struct service *s, int exit_code)
{
    s->exit_code = exit_code;
    uv_stop(&s->loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct service *s = handle->data;
    if (s->leaving) {
        log_warn("%s again: leaving at once", strsignal(number));
        service_stop(s, 0);
        return;
    }
    log_info("%s: leaving", strsignal(number));
    s->leaving = true;
    s->kind->leave(s->owner);
}

static void start_handles(struct service *s)
{
    uv_timer_init(&s->loop, &s->timer);
    uv_prepare_init(&s->loop, &s->prepare);
    uv_signal_init(&s->loop, &s->sigterm);
    uv_signal_init(&s->loop, &s->sigint);
    s->timer.data = s->prepare.data = s->sigterm.data = s->sigint.data = s;
    uv_prepare_start(&s->prepare, on_prepare);
    uv_signal_start(&s->sigterm, on_signal, SIGTERM);
    uv_signal_start(&s->sigint, on_signal, SIGINT);
}

/* ---- start and end --------------------------------------------------------------------------- */

int service_init(struct service *s, const struct service_kind *kind, void *owner, int argc,
                 char **argv, void *ret_own)
{
    char program[32];
    enum log_level level;
    snprintf(program, sizeof program, "easel-%s", kind->name);
    *s = (struct service){.kind = kind, .owner = owner};
    int r =
        settings_read(argc, argv, program, COMMON_SETTINGS, &s->common, kind->settings, ret_own);
    if (r < 0)
        return r;
    hash_key(process_random(), process_random());
    s->self = process_id(kind->name[0]);
    log_level_parse(s->common.log_level, &level); /* was checked with the settings */
    log_setup(kind->name, &s->self, level);
    trace_log_init(&s->trace, level);
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&s->loop);
    turns_init(&s->turns, &s->loop);
    start_handles(s);
    r = watchdog_start(&s->loop, &s->watchdog);
    if (r < 0)
        log_error("cannot start the watchdog's thread: %s", strerror(-r));
    return r;
}

void service_close(struct service *s, unsigned link_ms)
{
    uv_handle_t *const handles[] = {(uv_handle_t *)&s->timer, (uv_handle_t *)&s->prepare,
                                    (uv_handle_t *)&s->sigterm, (uv_handle_t *)&s->sigint};
    watchdog_stop(s->watchdog); /* what follows takes its time */
    link_destroy(s->link, link_ms);
    admin_destroy(s->admin);
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
        uv_close(handles[i], NULL);
}

void service_finish(struct service *s)
{
    uv_run(&s->loop, UV_RUN_DEFAULT);
    uv_loop_close(&s->loop);
}
