/* SPDX-License-Identifier: Apache-2.0
 *
 * easel-board: the thin shell around board_core. It carries messages between the core and the
 * broker link, gives the core the time, and leaves politely on SIGTERM and SIGINT.
 */
#include <stdlib.h>

#include "board_core.h"
#include "log.h"
#include "metrics.h"
#include "process.h"
#include "service.h"

struct settings {
    uint64_t seats, seat_keep_s, pen_idle_s, pen_grace_s, pen_keep_s, events_max, bytes_per_s;
};

#define AT(field) offsetof(struct settings, field)
static const struct setting SETTINGS[] = {
#include "board_settings.def"
    SETTINGS_END,
};

struct shell {
    struct service service;
    struct settings own;
    struct board_core *core;
    uint64_t fenced; /* boards lost to others, as logged */
};

/* ---- a turn ---------------------------------------------------------------------------------- */

static void bind_shards(struct shell *s)
{
    for (unsigned i = 0; i < s->service.common.shards; i++)
        link_bind(s->service.link, i, board_core_wants(s->core, i));
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

static void on_turn(void *owner)
{
    struct shell *s = owner;
    board_core_tick(s->core, process_now_ms());
    bind_shards(s);
    service_publish(&s->service, board_core_outbox(s->core), process_now_ms());
    log_fenced(s);
    if (board_core_left(s->core))
        service_stop(&s->service, 0);
    else
        service_wake_at(&s->service, board_core_deadline(s->core));
}

/* ---- the broker link ------------------------------------------------------------------------- */

static void on_state(void *owner, bool up)
{
    struct shell *s = owner;
    service_log_link(&s->service, up);
    board_core_link(s->core, process_now_ms(), up);
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
    .state = on_state,
    .message = on_message,
    .returned = on_returned,
    .shard = on_shard,
};

/* ---- metrics --------------------------------------------------------------------------------- */

static const char *const RESULTS[FRAME_RESULTS] = {
    [FRAME_ACCEPTED] = "accepted", [FRAME_REPEATED] = "repeated",   [FRAME_EARLY] = "early",
    [FRAME_REFUSED] = "refused",   [FRAME_NOT_OWNER] = "not_owner", [FRAME_NO_ROOM] = "no_room",
    [FRAME_INVALID] = "invalid",
};

static void put_metrics(void *owner, struct buf *out)
{
    struct shell *s = owner;
    const struct board_core_stats *t = board_core_stats(s->core);
#include "board_metrics.def"
    shell_metrics("board", board_core_outbox(s->core), s->service.link, &s->service.turns, out);
}

/* ---- start and end --------------------------------------------------------------------------- */

static void leave(void *owner)
{
    struct shell *s = owner;
    board_core_leave(s->core, process_now_ms());
}

static void create_core(struct shell *s)
{
    const struct common_settings *common = &s->service.common;
    s->core = board_core_create(
        &(struct board_core_config){
            .self = s->service.self,
            .seed = process_random(),
            .shards = (unsigned)common->shards,
            .seats = (unsigned)s->own.seats,
            .seat_keep_ms = s->own.seat_keep_s * 1000,
            .pen_idle_ms = s->own.pen_idle_s * 1000,
            .pen_grace_ms = s->own.pen_grace_s * 1000,
            .pen_keep_ms = s->own.pen_keep_s * 1000,
            .board_events_max = s->own.events_max,
            .board_bytes_per_s = s->own.bytes_per_s,
            .pace_ms = (uint32_t)common->pace_ms,
            .messages_per_s_max = (uint32_t)common->budget,
            .trace = &s->service.trace.trace,
            .segment_ms = common->quorum ? QUORUM_SEGMENT_MS : SEGMENT_MS,
        },
        process_now_ms());
}

static const struct service_kind KIND = {
    .name = "board",
    .settings = SETTINGS,
    .leave = leave,
    .metrics = put_metrics,
    .turn = on_turn,
};

int main(int argc, char **argv)
{
    static struct shell shell;
    struct shell *s = &shell;
    struct link_config hears = {.hears_board = true, .hears_peers = true};
    if (service_init(&s->service, &KIND, s, argc, argv, &s->own) < 0)
        return 2;
    create_core(s);
    if (service_open_link(&s->service, hears, &LINK_EVENTS) == 0 &&
        service_open_admin(&s->service) == 0) {
        uv_run(&s->service.loop, UV_RUN_DEFAULT);
        log_info("left");
    } else {
        s->service.exit_code = 1;
    }
    service_close(&s->service, LINK_CLOSE_MS);
    service_finish(&s->service);
    board_core_destroy(s->core);
    return s->service.exit_code;
}
