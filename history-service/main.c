/* SPDX-License-Identifier: Apache-2.0
 *
 * easel-history: the thin shell around history_core. Rounds and reads have a database thread each
 * (rounds.c, reads.c); here are the broker link, the shards that are ours, and the polite end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "items.h"
#include "log.h"
#include "process.h"
#include "reads.h"
#include "rounds.h"
#include "service.h"
#include "sharing.h"
#include "upkeep.h"

#define STORES 3u /* rounds, reads, upkeep */
#define DAY_MS UINT64_C(86400000)

/* What is no kind of store is refused when it is opened. */
static const char *check_store(const char *value)
{
    const char *address = strstr(value, "://");
    if (strncmp(value, "sqlite:", 7) == 0)
        return address ? "sqlite:PATH" : NULL;
    return address || strncmp(value, "mongodb", 7) == 0 ? address_check(value) : NULL;
}

struct settings {
    struct store_address store;
    uint64_t keep_days, boards_max, restored;
};

#define AT(field) offsetof(struct settings, field)
static const struct setting SETTINGS[] = {
#include "history_settings.def"
    SETTINGS_END,
};

struct shell {
    struct service service;
    struct settings settings;
    struct history_core *core;
    struct sharing *sharing;
    struct database *rounds_db, *reads_db, *upkeep_db;
    struct rounds *rounds;
    struct reads *reads;
    struct upkeep *upkeep;
    unsigned stores_open;
    char trouble[400]; /* why the stores are not open, in one line */
    uint64_t leave_until_ms;
    uint64_t bad_segments;        /* that the log tells of */
    bool lost, full, nearly_full; /* the store; of boards; that the log tells of */
};

static void consume_shards(struct shell *s)
{
    for (unsigned shard = 0; shard < s->service.common.shards; shard++)
        link_consume(s->service.link, shard, sharing_wants(s->sharing, shard));
}

/* ---- the broker link ------------------------------------------------------------------------- */

static void on_state(void *owner, bool up)
{
    struct shell *s = owner;
    service_log_link(&s->service, up);
    sharing_link(s->sharing, process_now_ms(), up);
    if (!up)
        outbox_clear(history_core_outbox(s->core));
}

/* Who leaves takes nothing more: what is not done goes to others when the link is closed. */
static void on_message(void *owner, const struct link_delivery *d)
{
    struct shell *s = owner;
    if (s->service.leaving)
        return;
    if (d->shard >= 0)
        rounds_message(s->rounds, d->tag, d->body);
    else if (d->tag)
        reads_message(s->reads, d->tag, d->body);
    else
        sharing_message(s->sharing, process_now_ms(), d->body);
}

static void on_returned(void *owner, enum exchange exchange, const char *key, struct span body)
{
    struct shell *s = owner;
    (void)body;
    if (exchange == EXCHANGE_HISTORY)
        sharing_returned(s->sharing, process_now_ms(), key);
}

static void on_shard(void *owner, unsigned shard, bool held)
{
    (void)owner;
    log_debug("shard %u is %s", shard, held ? "consumed" : "not consumed");
}

static const struct link_events LINK_EVENTS = {
    .state = on_state,
    .message = on_message,
    .returned = on_returned,
    .shard = on_shard,
};

/* ---- the database ---------------------------------------------------------------------------- */

/* Nobody sends us anything before we can store it. */
static void open_link(struct shell *s)
{
    struct link_config hears = {.hears_history = true, .hears_peers = true, .serves_replay = true};
    if (service_open_link(&s->service, hears, &LINK_EVENTS) < 0)
        service_stop(&s->service, 1);
}

static void on_opened(void *owner, int result, const char *why, uint64_t incarnation)
{
    struct shell *s = owner;
    if (result == 0) {
        history_core_incarnation(s->core, incarnation);
        sharing_incarnation(s->sharing, incarnation);
        if (*why && s->stores_open == 0)
            log_warn("%s", why);
        if (++s->stores_open == STORES && !s->service.leaving) {
            log_info("the store is open");
            open_link(s);
        }
    } else if (result == -EIO) {
        snprintf(s->trouble, sizeof s->trouble, "%s", why);
        log_warn("cannot open the store, trying again: %s", why);
    } else {
        log_error("cannot use EASEL_STORE: %s", why);
        service_stop(&s->service, 2);
    }
}

static void on_message_done(void *owner, uint64_t tag)
{
    struct shell *s = owner;
    link_done(s->service.link, tag);
}

static void on_trouble(void *owner, const char *why)
{
    (void)owner;
    if (why)
        log_warn("nothing is stored now: %s", why);
    else
        log_info("boards are stored again");
}

static const struct rounds_events ROUNDS_EVENTS = {
    .message_done = on_message_done,
    .trouble = on_trouble,
};

static void tell_bad_segments(struct shell *s)
{
    uint64_t bad = history_core_stats(s->core)->bad_segments;
    if (bad > s->bad_segments)
        log_error("%llu malformed segments refused", (unsigned long long)(bad - s->bad_segments));
    s->bad_segments = bad;
}

/* It stays so until people start this program again, or bring the store back. The service remains
 * ready all the same (see service.c): to be told why is better than not to be let in. */
static void tell_lost(struct shell *s)
{
    const char *why = rounds_stats(s->rounds)->lost;
    if (!*why)
        why = upkeep_stats(s->upkeep)->lost;
    bool lost = *why != '\0';
    if (lost && !s->lost)
        log_error("the store is lost: %s", why);
    if (!lost && s->lost)
        log_info("the store is back");
    s->lost = lost;
}

static void tell_boards(struct shell *s)
{
    unsigned long long boards = history_core_stats(s->core)->boards, max = s->settings.boards_max;
    bool full = boards >= max, nearly_full = boards >= max - max / 10;
    if (full && !s->full)
        log_error("there are %llu boards, as many as EASEL_BOARDS_MAX: no more are made", boards);
    else if (nearly_full && !s->nearly_full)
        log_warn("there are %llu boards of the %llu that EASEL_BOARDS_MAX allows", boards, max);
    s->full = full;
    s->nearly_full = nearly_full;
}

/* ---- a turn ---------------------------------------------------------------------------------- */

static void say_goodbye(struct shell *s, uint64_t now)
{
    sharing_goodbye(s->sharing);
    outbox_flush_all(history_core_outbox(s->core));
    service_publish(&s->service, history_core_outbox(s->core), now);
    service_stop(&s->service, 0);
}

static bool has_left(struct shell *s, uint64_t now)
{
    bool idle = rounds_idle(s->rounds) && reads_waiting(s->reads) == 0;
    return s->service.leaving && (idle || now >= s->leave_until_ms);
}

/* Who leaves beats no more, and does no upkeep, but does not stay for ever. */
static uint64_t deadline(const struct shell *s)
{
    uint64_t own = s->service.leaving ? s->leave_until_ms : upkeep_deadline(s->upkeep);
    if (!link_stats(s->service.link)->up)
        return own;
    return smaller(
        own, smaller(sharing_deadline(s->sharing), outbox_deadline(history_core_outbox(s->core))));
}

static void on_turn(void *owner)
{
    struct shell *s = owner;
    uint64_t now = process_now_ms();
    if (!s->service.link) {
        if (s->service.leaving)
            service_stop(&s->service, 0);
        return;
    }
    rounds_turn(s->rounds);
    if (!s->service.leaving)
        upkeep_turn(s->upkeep, now);
    tell_bad_segments(s);
    tell_lost(s);
    tell_boards(s);
    if (has_left(s, now)) {
        say_goodbye(s, now);
        return;
    }
    sharing_tick(s->sharing, now);
    consume_shards(s);
    service_publish(&s->service, history_core_outbox(s->core), now);
    service_wake_at(&s->service, deadline(s));
}

/* ---- metrics --------------------------------------------------------------------------------- */

static unsigned count_consumed(const struct shell *s)
{
    unsigned count = 0;
    for (unsigned shard = 0; shard < s->service.common.shards; shard++)
        count += sharing_wants(s->sharing, shard);
    return count;
}

static void put_metrics(void *owner, struct buf *out)
{
    static const char *const KINDS[] = {"append", "open", "create", "look"};
    static const char *const OPERATIONS[] = {"load", "append", "read", "upkeep"};
    struct shell *s = owner;
    const struct history_core_stats *t = history_core_stats(s->core);
    const struct rounds_stats *o = rounds_stats(s->rounds);
    const struct reads_stats *r = reads_stats(s->reads);
    const struct upkeep_stats *u = upkeep_stats(s->upkeep);
#include "history_metrics.def"
    shell_metrics("history", history_core_outbox(s->core), s->service.link, &s->service.turns, out);
}

/* ---- start and end --------------------------------------------------------------------------- */

static const char *unready(void *owner)
{
    struct shell *s = owner;
    if (s->service.link)
        return NULL;
    return *s->trouble ? s->trouble : "the store is not open yet";
}

/* Stops consuming; what was taken is still stored and answered. */
static void leave(void *owner)
{
    struct shell *s = owner;
    s->leave_until_ms = process_now_ms() + HISTORY_LEAVE_MS;
    sharing_leave(s->sharing);
    if (s->service.link)
        consume_shards(s);
}

static void create_core(struct shell *s)
{
    s->core = history_core_create(&(struct history_core_config){
        .self = s->service.self,
        .shards = (unsigned)s->service.common.shards,
        .pace_ms = (uint32_t)s->service.common.pace_ms,
        .messages_per_s_max = (uint32_t)s->service.common.budget,
        .boards_max = s->settings.boards_max,
        .trace = &s->service.trace.trace,
    });
    s->sharing = sharing_create(&s->service.self, (unsigned)s->service.common.shards,
                                history_core_outbox(s->core), process_now_ms());
}

static int open_databases(struct shell *s)
{
    unsigned shards = (unsigned)s->service.common.shards;
    const struct store_address *at = &s->settings.store;
    int r = database_create(&s->service.loop, at, shards, 1, on_opened, s, &s->rounds_db);
    if (r == 0)
        r = database_create(&s->service.loop, at, shards, READS_UNDER_WAY_MAX, on_opened, s,
                            &s->reads_db);
    if (r == 0)
        r = database_create(&s->service.loop, at, shards, 1, on_opened, s, &s->upkeep_db);
    if (r < 0) {
        log_error("cannot start a database thread: %s", strerror(-r));
        return r;
    }
    s->rounds = rounds_create(s->core, s->rounds_db, &ROUNDS_EVENTS, s);
    s->reads = reads_create(s->reads_db, history_core_outbox(s->core), on_message_done, s);
    s->upkeep = upkeep_create(s->core, s->upkeep_db, s->settings.keep_days * DAY_MS);
    return 0;
}

static const struct service_kind KIND = {
    .name = "history",
    .settings = SETTINGS,
    .leave = leave,
    .metrics = put_metrics,
    .unready = unready,
    .turn = on_turn,
};

static void finish(struct shell *s)
{
    service_close(&s->service, LINK_CLOSE_MS);
    database_destroy(s->rounds_db);
    database_destroy(s->reads_db);
    database_destroy(s->upkeep_db);
    service_finish(&s->service);
    upkeep_destroy(s->upkeep);
    reads_destroy(s->reads);
    rounds_destroy(s->rounds);
    sharing_destroy(s->sharing);
    history_core_destroy(s->core);
}

/* A backup was restored: who knows of what came after it is to be told from those who begin now. */
static int renew_store(struct shell *s)
{
    struct store *store;
    const char *why = "";
    int r = store_open(&s->settings.store, (unsigned)s->service.common.shards, &store, &why);
    if (r < 0) {
        log_error("cannot open the store: %s", why);
        return 1;
    }
    r = store_renew(store);
    if (r < 0)
        log_error("cannot renew the store: %s", store_why(store));
    else
        log_info("the store has another incarnation: pages that know more than it begin anew");
    store_close(store);
    return r < 0;
}

int main(int argc, char **argv)
{
    static struct shell shell;
    struct shell *s = &shell;
    if (service_init(&s->service, &KIND, s, argc, argv, &s->settings) < 0)
        return 2;
    create_core(s);
    if (s->settings.restored) {
        s->service.exit_code = renew_store(s);
    } else if (open_databases(s) == 0 && service_open_admin(&s->service) == 0) {
        uv_run(&s->service.loop, UV_RUN_DEFAULT);
        log_info("left");
    } else {
        s->service.exit_code = 1;
    }
    finish(s);
    return s->service.exit_code;
}
