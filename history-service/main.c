/* SPDX-License-Identifier: Apache-2.0
 *
 * easel-history: the thin shell around history_core. Rounds and reads have a database thread each
 * (rounds.c, reads.c); here are the broker link, the shards that are ours, and the polite end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "history_metrics.h"
#include "items.h"
#include "log.h"
#include "peers.h"
#include "process.h"
#include "reads.h"
#include "rounds.h"
#include "service.h"

#define PREFETCH      100u
#define TAILS_MAX     100000u        /* some 35 MB */
#define LEAVE_MS_MAX  UINT64_C(4000) /* for what waits to be stored */
#define LINK_CLOSE_MS 500u
#define STORES        3u /* rounds, reads, upkeep */
#define DAY_MS        UINT64_C(86400000)

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
    uint64_t keep_days, boards_max;
};

#define AT(field) offsetof(struct settings, field)
static const struct setting SETTINGS[] = {
    {"EASEL_STORE", SETTING_SECRET, 1, 2000, "sqlite:./data/easel.db", AT(store.url),
     "Where boards are stored: sqlite:PATH, or mongodb://... with replica set and database.",
     check_store},
    {"EASEL_STORE_USER", SETTING_TEXT, 1, 255, "", AT(store.user),
     "Who we are at MongoDB; empty: whoever the address names.", NULL},
    {"EASEL_STORE_PASSWORD", SETTING_SECRET, 1, 1024, "", AT(store.password), "The password.",
     NULL},
    {"EASEL_KEEP_DAYS", SETTING_UINT, 0, 36500, "0", AT(keep_days),
     "Boards without a new event for so many days are deleted; 0: none is.", NULL},
    {"EASEL_BOARDS_MAX", SETTING_UINT, 1, 1000000000, "1000000", AT(boards_max),
     "No board is made beyond so many; deleted ones do not count.", NULL},
    SETTINGS_END,
};

struct shell {
    struct service service;
    struct settings settings;
    struct history_core *core;
    struct peers *peers;
    struct database *rounds_db, *reads_db, *upkeep_db;
    struct rounds *rounds;
    struct reads *reads;
    struct upkeep *upkeep;
    bool *consumed; /* shards that we asked the link for */
    unsigned stores_open;
    char trouble[400]; /* why the stores are not open, in one line */
    uint64_t heartbeat_ms, leave_until_ms;
    uint64_t bad_segments; /* that the log tells of */
    uint64_t bad_peer_messages;
    bool lost, full, nearly_full; /* the store; of boards; that the log tells of */
};

/* ---- shards and peers ------------------------------------------------------------------------ */

static void consume_shards(struct shell *s)
{
    for (unsigned shard = 0; shard < s->service.common.shards; shard++) {
        struct id owner = peers_owner(s->peers, shard);
        bool wanted = !s->service.leaving && id_equal(&owner, &s->service.self);
        if (wanted != s->consumed[shard])
            link_consume(s->service.link, shard, wanted);
        s->consumed[shard] = wanted;
    }
}

static void to_peers(struct shell *s, const struct message_type *type, const void *message)
{
    outbox_put(history_core_outbox(s->core), EXCHANGE_PEERS, &(struct id){0}, NULL, type, message);
}

static void beat(struct shell *s, uint64_t now)
{
    if (now < s->heartbeat_ms || !link_is_up(s->service.link) || s->service.leaving)
        return;
    s->heartbeat_ms = now + PEER_HEARTBEAT_MS;
    to_peers(s, &TYPE_alive, &(struct msg_alive){s->service.common.shards});
}

/* A direct message to each whose queue is to be tried; it says what our heartbeat says. */
static void probe(struct shell *s, uint64_t now)
{
    struct id to;
    while (peers_probe(s->peers, now, &to))
        outbox_put(history_core_outbox(s->core), EXCHANGE_HISTORY, &to, NULL, &TYPE_alive,
                   &(struct msg_alive){s->service.common.shards});
}

/* True: the replicas changed. */
static bool on_peer(struct shell *s, const struct id *sender, enum to_history code,
                    const union any_item *item)
{
    switch (code) {
    case TO_HISTORY_alive:
        return item->alive.shards == s->service.common.shards &&
               peers_alive(s->peers, process_now_ms(), sender);
    case TO_HISTORY_bye:
        return peers_gone(s->peers, sender);
    case TO_HISTORY_gone:
        peers_doubt(s->peers, process_now_ms(), &item->gone.replica);
        return false;
    case TO_HISTORY_create:
    case TO_HISTORY_look:
    case TO_HISTORY_read:
    case TO_HISTORY_open:
    case TO_HISTORY_append:
        s->bad_peer_messages++; /* by the wrong exchange */
        return false;
    }
    return false;
}

static void on_peers_message(struct shell *s, struct span body)
{
    struct items it = items_of(body, &s->bad_peer_messages);
    union any_item item;
    unsigned code;
    bool changed = false;
    while (items_next(&it, KIND_HISTORY, &code, &item))
        changed = on_peer(s, &it.sender, (enum to_history)code, &item) || changed;
    if (changed)
        consume_shards(s);
}

/* ---- the broker link ------------------------------------------------------------------------- */

static void on_up(void *owner)
{
    struct shell *s = owner;
    log_info("broker link up");
    peers_link(s->peers, process_now_ms(), true);
    s->heartbeat_ms = 0;
}

static void on_down(void *owner)
{
    struct shell *s = owner;
    log_warn("broker link down: %s", link_trouble(s->service.link));
    peers_link(s->peers, process_now_ms(), false);
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
        on_peers_message(s, d->body);
}

static void on_returned(void *owner, enum exchange exchange, const char *key, struct span body)
{
    struct shell *s = owner;
    struct id to;
    (void)body;
    if (exchange == EXCHANGE_HISTORY && id_parse(key, strcspn(key, "."), &to) == 0 &&
        peers_returned(s->peers, process_now_ms(), &to))
        consume_shards(s);
}

static void on_shard(void *owner, unsigned shard, bool held)
{
    (void)owner;
    log_debug("shard %u is %s", shard, held ? "consumed" : "not consumed");
}

static const struct link_events LINK_EVENTS = {
    .up = on_up,
    .down = on_down,
    .message = on_message,
    .returned = on_returned,
    .shard = on_shard,
};

/* ---- the database ---------------------------------------------------------------------------- */

/* Nobody sends us anything before we can store it. */
static void open_link(struct shell *s)
{
    struct link_config hears = {
        .hears_history = true, .hears_peers = true, .serves_replay = true, .prefetch = PREFETCH};
    if (service_open_link(&s->service, hears, &LINK_EVENTS) < 0)
        service_stop(&s->service, 1);
}

static void on_opened(void *owner, int result, const char *why)
{
    struct shell *s = owner;
    if (result == 0) {
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
 * ready all the same (see service.c): those who are told why are better off than those who are not
 * let in. */
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

static void publish(struct shell *s, uint64_t now)
{
    struct outbox_message message;
    while (outbox_next(history_core_outbox(s->core), now, &message))
        link_publish(s->service.link, &message);
}

static void say_goodbye(struct shell *s, uint64_t now)
{
    to_peers(s, &TYPE_bye, NULL); /* it has no fields */
    outbox_flush_all(history_core_outbox(s->core));
    publish(s, now);
    service_stop(&s->service, 0);
}

static bool has_left(struct shell *s, uint64_t now)
{
    bool idle = rounds_idle(s->rounds) && reads_waiting(s->reads) == 0;
    return s->service.leaving && (idle || now >= s->leave_until_ms);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Who leaves beats no more, and does no upkeep, but does not stay for ever. */
static uint64_t deadline(const struct shell *s)
{
    uint64_t own = s->service.leaving ? s->leave_until_ms : upkeep_deadline(s->upkeep);
    if (!link_is_up(s->service.link))
        return own;
    if (!s->service.leaving)
        own = earlier(own, s->heartbeat_ms);
    return earlier(
        own, earlier(peers_deadline(s->peers), outbox_deadline(history_core_outbox(s->core))));
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
    if (peers_tick(s->peers, now))
        consume_shards(s);
    beat(s, now);
    probe(s, now);
    publish(s, now);
    service_wake_at(&s->service, deadline(s));
}

/* ---- metrics --------------------------------------------------------------------------------- */

static unsigned count_consumed(const struct shell *s)
{
    unsigned count = 0;
    for (unsigned shard = 0; shard < s->service.common.shards; shard++)
        count += s->consumed[shard];
    return count;
}

static void put_metrics(void *owner, struct buf *out)
{
    struct shell *s = owner;
    history_metrics(&(struct history_parts){.core = s->core,
                                            .rounds = s->rounds,
                                            .reads = s->reads,
                                            .upkeep = s->upkeep,
                                            .boards_max = s->settings.boards_max,
                                            .bad_peer_messages = s->bad_peer_messages,
                                            .tails_max = TAILS_MAX,
                                            .shards = count_consumed(s),
                                            .replicas = peers_count(s->peers),
                                            .lost = s->lost},
                    out);
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
    s->leave_until_ms = process_now_ms() + LEAVE_MS_MAX;
    peers_leave(s->peers);
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
        .tails_max = TAILS_MAX,
        .boards_max = s->settings.boards_max,
    });
    s->peers = peers_create(&s->service.self, process_now_ms());
    s->consumed = xcalloc(s->service.common.shards, sizeof *s->consumed);
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
    history_core_destroy(s->core);
    peers_destroy(s->peers);
    free(s->consumed);
}

int main(int argc, char **argv)
{
    static struct shell shell;
    struct shell *s = &shell;
    if (service_init(&s->service, &KIND, s, argc, argv, &s->settings) < 0)
        return 2;
    create_core(s);
    if (open_databases(s) == 0 && service_open_admin(&s->service) == 0) {
        uv_run(&s->service.loop, UV_RUN_DEFAULT);
        log_info("left");
    } else {
        s->service.exit_code = 1;
    }
    finish(s);
    return s->service.exit_code;
}
