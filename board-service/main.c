/* SPDX-License-Identifier: Apache-2.0
 *
 * easel-board: the thin shell around board_core. It carries messages between the core and the
 * broker link, gives the core the time, and leaves politely on SIGTERM and SIGINT.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "admin.h"
#include "board_core.h"
#include "board_metrics.h"
#include "config.h"
#include "link.h"
#include "log.h"
#include "process.h"
#include "shell_metrics.h"

#define SEGMENT_MS      50u
#define LINK_DESTROY_MS 500u
#define SLEEP_MS_MAX    UINT64_C(3600000)

struct settings {
    uint64_t seats, pen_idle_s, pen_grace_s;
};

static const struct setting SETTINGS[] = {
    {"EASEL_BOARD_SEATS", SETTING_UINT, 1, 200, "10", offsetof(struct settings, seats),
     "how many members may be at a board at once", NULL},
    {"EASEL_PEN_IDLE_S", SETTING_UINT, 1, 86400, "30", offsetof(struct settings, pen_idle_s),
     "when others wait, an idle drawer's pen passes on after so many seconds", NULL},
    {"EASEL_PEN_GRACE_S", SETTING_UINT, 0, 3600, "5", offsetof(struct settings, pen_grace_s),
     "who loses the connection keeps pen and seat for so many seconds", NULL},
    SETTINGS_END,
};

struct shell {
    uv_loop_t loop;
    struct common_settings common;
    struct settings own;
    struct id self;
    struct board_core *core;
    struct link *link;
    struct admin *admin;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_signal_t sigterm, sigint;
    bool *wanted; /* shards whose key we asked the link to bind */
    bool leaving;
    uint64_t fenced; /* boards lost to others, as logged */
    struct turns turns;
};

/* ---- a turn ---------------------------------------------------------------------------------- */

static void bind_shards(struct shell *s)
{
    for (unsigned i = 0; i < s->common.shards; i++) {
        bool wanted = board_core_wants(s->core, i);
        if (wanted != s->wanted[i])
            link_bind(s->link, i, wanted);
        s->wanted[i] = wanted;
    }
}

/* What the link has no room for is dropped and counted there: every hop repeats. */
static void publish_due(struct shell *s)
{
    struct outbox_message message;
    while (outbox_next(board_core_outbox(s->core), process_now_ms(), &message))
        link_publish(s->link, &message);
}

/* The core has no log of its own. This is the one event in it that an operator should hear of. */
static void log_fenced(struct shell *s)
{
    uint64_t fenced = board_core_stats(s->core)->fenced;
    if (fenced != s->fenced)
        log_warn("another replica took %llu board(s) that we held",
                 (unsigned long long)(fenced - s->fenced));
    s->fenced = fenced;
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer; /* it only ends the poll: the turn follows in on_prepare */
}

/* Runs before each poll, so after all messages of the turn. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct shell *s = prepare->data;
    board_core_tick(s->core, process_now_ms());
    bind_shards(s);
    publish_due(s);
    log_fenced(s);
    if (board_core_left(s->core)) {
        uv_stop(&s->loop);
        return;
    }
    uint64_t now = process_now_ms(), deadline = board_core_deadline(s->core);
    uint64_t wait = deadline <= now ? 0 : deadline - now;
    uv_update_time(&s->loop);
    uv_timer_start(&s->timer, on_timer, wait < SLEEP_MS_MAX ? wait : SLEEP_MS_MAX, 0);
    turns_count(&s->turns);
}

/* ---- the broker link ------------------------------------------------------------------------- */

static void on_up(void *owner)
{
    struct shell *s = owner;
    log_info("broker link up");
    board_core_link(s->core, process_now_ms(), true);
}

static void on_down(void *owner)
{
    struct shell *s = owner;
    log_warn("broker link down: %s", link_trouble(s->link));
    board_core_link(s->core, process_now_ms(), false);
}

static void on_message(void *owner, const struct link_delivery *delivery)
{
    struct shell *s = owner;
    board_core_message(s->core, process_now_ms(), delivery->body);
}

static void on_returned(void *owner, enum exchange exchange, const char *key, struct span body)
{
    struct shell *s = owner;
    (void)body;
    board_core_returned(s->core, process_now_ms(), exchange, key);
}

static void on_shard(void *owner, unsigned shard, bool held)
{
    struct shell *s = owner;
    log_debug("shard %u is %s", shard, held ? "bound" : "not bound");
    board_core_bound(s->core, process_now_ms(), shard, held);
}

static const struct link_events LINK_EVENTS = {
    .up = on_up,
    .down = on_down,
    .message = on_message,
    .returned = on_returned,
    .shard = on_shard,
};

/* ---- the admin port -------------------------------------------------------------------------- */

static const char *is_ready(void *owner)
{
    struct shell *s = owner;
    if (s->leaving)
        return "leaving";
    if (!link_is_up(s->link))
        return "the broker link is down";
    return NULL;
}

static void put_metrics(void *owner, struct buf *out)
{
    struct shell *s = owner;
    board_metrics(s->core, out);
    shell_metrics("board", board_core_outbox(s->core), s->link, &s->turns, out);
}

static const struct admin_events ADMIN_EVENTS = {.ready = is_ready, .metrics = put_metrics};

/* ---- start and end --------------------------------------------------------------------------- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct shell *s = handle->data;
    if (s->leaving) {
        log_warn("signal %d again: leaving at once", number);
        uv_stop(&s->loop);
        return;
    }
    log_info("signal %d: leaving", number);
    s->leaving = true;
    board_core_leave(s->core, process_now_ms());
}

static void create_core(struct shell *s)
{
    s->core = board_core_create(
        &(struct board_core_config){
            .self = s->self,
            .seed = process_random(),
            .shards = (unsigned)s->common.shards,
            .seats = (unsigned)s->own.seats,
            .pen_idle_ms = s->own.pen_idle_s * 1000,
            .pen_grace_ms = s->own.pen_grace_s * 1000,
            .pace_ms = (uint32_t)s->common.pace_ms,
            .messages_per_s_max = (uint32_t)s->common.budget,
            .segment_ms = SEGMENT_MS,
        },
        process_now_ms());
    s->wanted = xcalloc(s->common.shards, sizeof *s->wanted);
}

static int open_doors(struct shell *s)
{
    struct link_config config = {.url = s->common.amqp,
                                 .self = s->self,
                                 .shards = (unsigned)s->common.shards,
                                 .hears_board = true,
                                 .hears_peers = true};
    int r = link_create(&s->loop, &config, &LINK_EVENTS, s, &s->link);
    if (r < 0) {
        log_error("cannot use EASEL_AMQP: %s", strerror(-r));
        return r;
    }
    r = admin_create(&s->loop, s->common.admin_host, (unsigned)s->common.admin_port, &ADMIN_EVENTS,
                     s, &s->admin);
    if (r < 0) {
        log_error("cannot listen on %s:%u: %s", s->common.admin_host,
                  (unsigned)s->common.admin_port, strerror(-r));
        return r;
    }
    log_info("admin on http://%s:%u", s->common.admin_host, admin_port(s->admin));
    return 0;
}

static void start_handles(struct shell *s)
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

static void close_all(struct shell *s)
{
    if (s->link)
        link_destroy(s->link, LINK_DESTROY_MS);
    if (s->admin)
        admin_destroy(s->admin);
    uv_close((uv_handle_t *)&s->timer, NULL);
    uv_close((uv_handle_t *)&s->prepare, NULL);
    uv_close((uv_handle_t *)&s->sigterm, NULL);
    uv_close((uv_handle_t *)&s->sigint, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    uv_loop_close(&s->loop);
    board_core_destroy(s->core);
    free(s->wanted);
}

int main(int argc, char **argv)
{
    static struct shell shell;
    struct shell *s = &shell;
    enum log_level level;
    if (settings_read(argc, argv, "easel-board", COMMON_SETTINGS, &s->common, SETTINGS, &s->own) <
        0)
        return 2;
    if (log_level_parse(s->common.log_level, &level) < 0)
        return 2;
    s->self = process_id('b');
    log_setup("board", &s->self, level);
    uv_loop_init(&s->loop);
    turns_init(&s->turns, &s->loop);
    create_core(s);
    start_handles(s);
    int r = open_doors(s);
    if (r == 0) {
        uv_run(&s->loop, UV_RUN_DEFAULT);
        log_info("left");
    }
    close_all(s);
    return r < 0 ? 1 : 0;
}
