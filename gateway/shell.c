/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop of the gateway, and what is not a client: time, broker link, admin port, leaving.
 */
#include "shell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "process.h"

#define DEAD_MS         UINT64_C(60000) /* a lost connection's frames and seat wait so long */
#define CLOCK_STEP_MS   UINT64_C(100)
#define LINK_LEAVE_MS   2000
#define ADDRESSES_EXTRA 8192 /* rows for addresses without connections */

/* ---- time ----------------------------------------------------------------------------------- */

uint64_t gateway_now(const struct gateway *g)
{
    return uv_now(&g->loop) + g->wall_offset_ms;
}

/* Our time is the loop's clock, moved to the wall clock. It follows when that was ahead (the
 * machine slept, or its clock was set), but never goes back: all our deadlines are in it. */
static void follow_wall_clock(struct gateway *g)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    uint64_t wall_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000;
    if (wall_ms > gateway_now(g) + CLOCK_STEP_MS)
        g->wall_offset_ms = wall_ms - uv_now(&g->loop);
}

/* ---- the turn ------------------------------------------------------------------------------- */

static void flush_dirty(struct gateway *g)
{
    struct client *cl;
    while ((cl = gateway_core_dirty(g->core))) {
        struct connection *c = client_shell(cl);
        ws_update_reading(c);
        flush_client(c);
    }
}

static void publish_due(struct gateway *g, uint64_t now_ms)
{
    struct outbox_message m;
    while (outbox_next(gateway_core_outbox(g->core), now_ms, &m))
        link_publish(g->link,
                     &m); /* dropped at a limit, and counted there: its sender repeats it */
}

static void arm_deadline(struct gateway *g, uint64_t now_ms);

/* What follows everything that happened since the last time. */
static void turn(struct gateway *g)
{
    uint64_t now_ms = gateway_now(g);
    if (gateway_core_deadline(g->core) <= now_ms)
        gateway_core_tick(g->core, now_ms);
    api_answers(g);
    flush_dirty(g);
    publish_due(g, now_ms);
    arm_deadline(g, now_ms);
}

static void on_deadline(uv_timer_t *timer)
{
    (void)timer; /* the turn that follows is what it was for */
}

static void arm_deadline(struct gateway *g, uint64_t now_ms)
{
    uint64_t core = gateway_core_deadline(g->core);
    uint64_t outbox = outbox_deadline(gateway_core_outbox(g->core));
    uint64_t due = core < outbox ? core : outbox;
    if (due == g->deadline_at_ms && due > now_ms)
        return;
    g->deadline_at_ms = due;
    if (due == UINT64_MAX)
        uv_timer_stop(&g->deadline);
    else
        uv_timer_start(&g->deadline, on_deadline, due > now_ms ? due - now_ms : 0, 0);
}

/* Right after poll. */
static void on_check(uv_check_t *check)
{
    turn(check->data);
}

/* Right before it: so a turn that was long is noticed here. Time in poll does not count. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct gateway *g = prepare->data;
    turn(g);
    turns_count(&g->stats.turns);
}

/* ---- leaving -------------------------------------------------------------------------------- */

/* The sweep closes all sockets with 1012, a tenth each time; the core keeps serving them and the
 * link publishes what they sent until they are gone. */
static void drain_tick(struct gateway *g, uint64_t now_ms)
{
    if (!g->draining || (g->stats.sockets > 0 && now_ms < g->drain_until_ms))
        return;
    if (g->stats.sockets > 0)
        log_warn("leaving with %llu sockets open", (unsigned long long)g->stats.sockets);
    uv_stop(&g->loop);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct gateway *g = signal->data;
    if (g->draining)
        return;
    log_info("%s: leaving, %llu sockets", strsignal(number), (unsigned long long)g->stats.sockets);
    g->draining = true;
    g->drain_until_ms = gateway_now(g) + DRAIN_MS;
}

static void on_sweep(uv_timer_t *timer)
{
    struct gateway *g = timer->data;
    follow_wall_clock(g);
    uint64_t now_ms = gateway_now(g);
    listener_sweep(g);
    ws_tick(g);
    api_tick(g, now_ms);
    drain_tick(g, now_ms);
}

/* ---- broker link ---------------------------------------------------------------------------- */

static void on_link_up(void *owner)
{
    struct gateway *g = owner;
    log_info("broker link up");
    g->was_up = g->link_up = true;
    gateway_core_link(g->core, gateway_now(g), true);
}

static void on_link_down(void *owner)
{
    struct gateway *g = owner;
    log_warn("broker link down: %s", link_trouble(g->link));
    g->link_up = false;
    gateway_core_link(g->core, gateway_now(g), false);
}

static void on_link_message(void *owner, const struct link_delivery *delivery)
{
    struct gateway *g = owner;
    gateway_core_message(g->core, gateway_now(g), delivery->body);
}

static void on_link_returned(void *owner, enum exchange exchange, const char *key, struct span body)
{
    struct gateway *g = owner;
    (void)body;
    gateway_core_returned(g->core, gateway_now(g), exchange, key);
}

static int start_link(struct gateway *g)
{
    static const struct link_events events = {
        .up = on_link_up,
        .down = on_link_down,
        .message = on_link_message,
        .returned = on_link_returned,
    };
    struct link_config config = {
        .url = g->common->amqp,
        .self = g->self,
        .shards = (unsigned)g->common->shards,
        .hears_gateway = true,
    };
    return link_create(&g->loop, &config, &events, g, &g->link);
}

/* ---- admin port ----------------------------------------------------------------------------- */

/* Once ready it stays so while the broker is away: clients keep their sockets and are told; taking
 * every gateway out of service would only hide the page as well. */
static const char *on_ready(void *owner)
{
    struct gateway *g = owner;
    if (g->draining)
        return "leaving";
    return g->was_up ? NULL : "no broker yet";
}

static void on_metrics(void *owner, struct buf *out)
{
    gateway_metrics(owner, out);
}

static int start_admin(struct gateway *g)
{
    static const struct admin_events events = {.ready = on_ready, .metrics = on_metrics};
    return admin_create(&g->loop, g->common->admin_host, (unsigned)g->common->admin_port, &events,
                        g, &g->admin);
}

/* ---- start and finish ----------------------------------------------------------------------- */

static int authenticate(void *owner, uint64_t now_ms, struct span token, struct span session,
                        struct grant *ret)
{
    struct gateway *g = owner;
    int r = token_check(&g->tokens, now_ms, token, &ret->board, &ret->role);
    if (r == 0)
        ret->member = member_of(&ret->board, session);
    return r;
}

static void start_core(struct gateway *g)
{
    struct gateway_core_config config = {
        .self = g->self,
        .seed = process_random(),
        .shards = (unsigned)g->common->shards,
        .pace_ms = (uint32_t)g->common->pace_ms,
        .messages_per_s_max = (uint32_t)g->common->budget,
        .dead_ms = DEAD_MS,
        .authenticate = authenticate,
        .owner = g,
    };
    g->core = gateway_core_create(&config, gateway_now(g));
}

static void start_limits(struct gateway *g)
{
    const struct gateway_settings *s = g->settings;
    struct limits_config config = {
        .addresses_max = s->connections_max + ADDRESSES_EXTRA,
        .connections_max = s->connections_max,
        .connections_per_address = s->connections_per_address,
        .per_minute = {[LIMIT_CREATES] = s->creates_per_min, [LIMIT_CODES] = s->codes_per_min},
    };
    g->limits = limits_create(&config);
    networks_parse(s->trusted_proxies, &g->trusted); /* was checked with the settings */
    g->tokens = (struct tokens_config){s->secret, s->secret_old};
}

static void start_web(struct gateway *g)
{
    int r = web_load(g->settings->web_root, &g->web);
    if (r < 0) /* bots and tests need no page */
        log_warn("EASEL_WEB_ROOT %s: %s; only the API is served", g->settings->web_root,
                 strerror(-r));
}

static void start_handles(struct gateway *g)
{
    uv_prepare_init(&g->loop, &g->prepare);
    uv_check_init(&g->loop, &g->check);
    uv_timer_init(&g->loop, &g->deadline);
    uv_timer_init(&g->loop, &g->sweep);
    uv_signal_init(&g->loop, &g->sigterm);
    uv_signal_init(&g->loop, &g->sigint);
    g->prepare.data = g->check.data = g->deadline.data = g->sweep.data = g;
    g->sigterm.data = g->sigint.data = g;
    uv_prepare_start(&g->prepare, on_prepare);
    uv_check_start(&g->check, on_check);
    uv_timer_start(&g->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    uv_signal_start(&g->sigterm, on_signal, SIGTERM);
    uv_signal_start(&g->sigint, on_signal, SIGINT);
}

static int failed(int r, const char *what)
{
    log_error("%s: %s", what, strerror(-r));
    return r;
}

int gateway_start(struct gateway *g)
{
    TAILQ_INIT(&g->connections);
    TAILQ_INIT(&g->slowed);
    TAILQ_INIT(&g->lingering);
    TAILQ_INIT(&g->questions);
    uv_loop_init(&g->loop);
    turns_init(&g->stats.turns, &g->loop);
    g->stats.view_seconds = HISTOGRAM_OF_SECONDS;
    follow_wall_clock(g);
    start_limits(g);
    start_web(g);
    start_core(g);
    start_handles(g);
    int r = start_link(g);
    if (r < 0)
        return failed(r, "EASEL_AMQP");
    r = start_admin(g);
    if (r < 0)
        return failed(r, "EASEL_ADMIN_PORT");
    r = listener_start(g);
    if (r < 0)
        return failed(r, "EASEL_PORT");
    return 0;
}

void gateway_run(struct gateway *g)
{
    log_info("admin on http://%s:%u", g->common->admin_host, admin_port(g->admin));
    log_info("listening on http://%s:%d", g->settings->host, lws_get_vhost_listen_port(g->vhost));
    uv_run(&g->loop, UV_RUN_DEFAULT);
    publish_due(g, UINT64_MAX - 1); /* frames that came just before their sockets were closed */
}

void gateway_finish(struct gateway *g)
{
    listener_stop(g);
    admin_destroy(g->admin);
    link_destroy(g->link, LINK_LEAVE_MS);
    uv_handle_t *const own[] = {
        (uv_handle_t *)&g->prepare, (uv_handle_t *)&g->check,   (uv_handle_t *)&g->deadline,
        (uv_handle_t *)&g->sweep,   (uv_handle_t *)&g->sigterm, (uv_handle_t *)&g->sigint,
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        uv_close(own[i], NULL);
    uv_run(&g->loop, UV_RUN_DEFAULT); /* ends when the last handle of each is closed */
    listener_stop(g);
    uv_loop_close(&g->loop);
    gateway_core_destroy(g->core);
    pull_free(&g->pull);
    limits_destroy(g->limits);
    web_destroy(g->web);
}
