/* SPDX-License-Identifier: Apache-2.0 */
#include "shell_private.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "process.h"

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

void gateway_turn(void *gateway)
{
    struct gateway *g = gateway;
    uint64_t now_ms = gateway_now(g);
    if (gateway_core_deadline(g->core) <= now_ms)
        gateway_core_tick(g->core, now_ms);
    api_answers(g);
    flush_dirty(g);
    service_publish(&g->service, gateway_core_outbox(g->core), now_ms);
    uint64_t due =
        smaller(gateway_core_deadline(g->core), outbox_deadline(gateway_core_outbox(g->core)));
    service_wake_in(&g->service, due > now_ms ? due - now_ms : 0);
}

/* Right after poll; before it the service takes a turn. */
static void on_check(uv_check_t *check)
{
    gateway_turn(check->data);
}

static void on_sweep(uv_timer_t *timer)
{
    struct gateway *g = timer->data;
    uint64_t now_ms = gateway_now(g);
    listener_sweep(g);
    ws_tick(g);
    api_tick(g, now_ms);
    drain_tick(g, now_ms);
}

/* ---- broker link ---------------------------------------------------------------------------- */

static void on_link_state(void *owner, bool up)
{
    struct gateway *g = owner;
    service_log_link(&g->service, up);
    gateway_core_link(g->core, gateway_now(g), up);
}

static void on_link_silent(void *owner, bool silent)
{
    struct gateway *g = owner;
    if (silent)
        log_warn("broker link silent: nothing comes back for %g s", (double)LINK_SILENT_MS / 1000);
    else
        log_info("broker link no longer silent");
    gateway_core_silent(g->core, gateway_now(g), silent);
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

static const struct link_events LINK_EVENTS = {
    .state = on_link_state,
    .silent = on_link_silent,
    .message = on_link_message,
    .returned = on_link_returned,
};

/* ---- start and finish ----------------------------------------------------------------------- */

/* The claims speak of the wall clock; the core counts from now on, by a clock that nobody sets. */
static uint64_t valid_ms(const struct claims *claims, uint64_t wall_ms)
{
    uint64_t left_s = claims->exp_s - wall_ms / 1000;
    return claims->exp_s == 0 || left_s > UINT32_MAX ? UINT64_MAX : left_s * 1000 - wall_ms % 1000;
}

static int authenticate(void *owner, uint64_t now_ms, struct span token, struct span session,
                        struct identity *ret)
{
    struct gateway *g = owner;
    struct claims claims;
    uint64_t wall_ms = process_wall_ms();
    (void)now_ms;
    int r = token_check(&g->tokens, wall_ms, token, &claims);
    if (r == 0)
        *ret = (struct identity){claims.board, member_of(&claims.board, session),
                                 claims.role,  valid_ms(&claims, wall_ms),
                                 claims.exp_s, claims.links};
    return r;
}

static char *make_token(void *owner, const struct identity *who)
{
    const struct gateway *g = owner;
    char *token =
        token_make(&g->tokens, &(struct claims){who->board, who->role, who->exp_s, who->links});
    if (!token)
        abort();
    return token;
}

static void start_core(struct gateway *g)
{
    struct gateway_core_config config = {
        .self = g->service.self,
        .seed = process_random(),
        .shards = (unsigned)g->service.common.shards,
        .pace_ms = (uint32_t)g->service.common.pace_ms,
        .messages_per_s_max = (uint32_t)g->service.common.budget,
        .dead_ms = DEAD_MS,
        .authenticate = authenticate,
        .make_token = make_token,
        .wall_ms = process_wall_ms,
        .owner = g,
        .trace = &g->service.trace.trace,
    };
    g->core = gateway_core_create(&config, gateway_now(g));
}

static void start_limits(struct gateway *g)
{
    const struct gateway_settings *s = &g->settings;
    struct limits_config config = {
        .addresses_max = s->connections_max + ADDRESSES_EXTRA,
        .connections_max = s->connections_max,
        .per_address = {[HOLD_CONNECTIONS] = s->connections_per_address,
                        [HOLD_QUESTIONS] = QUESTIONS_PER_ADDRESS,
                        [HOLD_BYTES] = REASSEMBLY_PER_ADDRESS},
        .quota = {[LIMIT_CREATES] = {s->creates_per_min, 60},
                  [LIMIT_CREATES_DAY] = {s->creates_per_day, UINT64_C(86400)},
                  [LIMIT_CODES] = {s->codes_per_min, 60}},
    };
    g->limits = limits_create(&config);
    networks_parse(s->trusted_proxies, &g->trusted); /* was checked with the settings */
    g->tokens = (struct tokens_config){s->secret, s->secret_old};
}

static void start_web(struct gateway *g)
{
    int r = web_load(g->settings.web_root, &g->web);
    if (r < 0) /* bots and tests need no page */
        log_warn("EASEL_WEB_ROOT %s: %s; only the API is served", g->settings.web_root,
                 strerror(-r));
}

static void start_handles(struct gateway *g)
{
    uv_tcp_init(&g->service.loop, &g->listener);
    uv_check_init(&g->service.loop, &g->check);
    uv_timer_init(&g->service.loop, &g->sweep);
    g->listener.data = g->check.data = g->sweep.data = g;
    uv_check_start(&g->check, on_check);
    uv_timer_start(&g->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
}

int gateway_start(struct gateway *g)
{
    TAILQ_INIT(&g->visits);
    TAILQ_INIT(&g->connections);
    TAILQ_INIT(&g->slowed);
    TAILQ_INIT(&g->lingering);
    TAILQ_INIT(&g->questions);
    g->stats.view_seconds = HISTOGRAM_OF_SECONDS;
    g->start_ms = process_wall_ms() - uv_now(&g->service.loop); /* any number would do */
    listener_limit_files(g);
    start_limits(g);
    start_web(g);
    start_core(g);
    start_handles(g);
    int r =
        service_open_link(&g->service, (struct link_config){.hears_gateway = true}, &LINK_EVENTS);
    if (r == 0)
        r = service_open_admin(&g->service);
    if (r < 0)
        return r;
    r = listener_start(g);
    if (r < 0)
        log_error("cannot listen on EASEL_HOST %s, EASEL_PORT %u: %s", g->settings.host,
                  (unsigned)g->settings.port, strerror(-r));
    return r;
}

void gateway_run(struct gateway *g)
{
    log_info("listening on http://%s:%u", g->settings.host, g->port);
    uv_run(&g->service.loop, UV_RUN_DEFAULT);
    outbox_flush_all(gateway_core_outbox(g->core));
    /* Frames that came just before their sockets were closed. */
    service_publish(&g->service, gateway_core_outbox(g->core), process_now_ms());
}

void gateway_finish(struct gateway *g)
{
    listener_stop(g);
    service_close(&g->service, LINK_LEAVE_MS);
    uv_close((uv_handle_t *)&g->listener, NULL);
    uv_close((uv_handle_t *)&g->check, NULL);
    uv_close((uv_handle_t *)&g->sweep, NULL);
    uv_run(&g->service.loop, UV_RUN_DEFAULT); /* ends when the last handle of each is closed */
    upgrade_stop(g);
    service_finish(&g->service);
    gateway_core_destroy(g->core);
    pull_free(&g->pull);
    limits_destroy(g->limits);
    web_destroy(g->web);
}
