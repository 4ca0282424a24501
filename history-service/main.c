/* SPDX-License-Identifier: Apache-2.0
 *
 * easel-history: the thin shell around history_core. Rounds and reads have a database thread each
 * (rounds.c, reads.c); here are the broker link, the shards that are ours, and the polite end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "admin.h"
#include "config.h"
#include "history_metrics.h"
#include "link.h"
#include "log.h"
#include "peers.h"
#include "process.h"
#include "reads.h"
#include "rounds.h"
#include "shell_metrics.h"

#define PREFETCH        100u
#define TAILS_MAX       100000u        /* some 35 MB */
#define LEAVE_MS_MAX    UINT64_C(4000) /* for what waits to be stored */
#define LINK_DESTROY_MS 500u
#define SLEEP_MS_MAX    UINT64_C(3600000)

struct settings {
    const char *store;
};

static const struct setting SETTINGS[] = {
    {"EASEL_STORE", SETTING_SECRET, 1, 2000, "sqlite:./data/easel.db",
     offsetof(struct settings, store),
     "where boards are stored: sqlite:PATH, or mongodb://... with replica set and database", NULL},
    SETTINGS_END,
};

struct shell {
    uv_loop_t loop;
    struct common_settings common;
    struct settings own;
    struct id self;
    struct history_core *core;
    struct peers *peers;
    struct database *rounds_db, *reads_db;
    struct rounds *rounds;
    struct reads *reads;
    struct link *link; /* NULL until the stores are open */
    struct admin *admin;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_signal_t sigterm, sigint;
    bool *consumed; /* shards that we asked the link for */
    unsigned stores_open;
    bool trouble, leaving;
    uint64_t heartbeat_ms, leave_until_ms;
    uint64_t bad_segments; /* that the log tells of */
    struct turns turns;
    int exit_code;
};

/* ---- shards and peers ------------------------------------------------------------------------ */

static void consume_shards(struct shell *s)
{
    for (unsigned shard = 0; shard < s->common.shards; shard++) {
        struct id owner = peers_owner(s->peers, shard);
        bool wanted = !s->leaving && id_equal(&owner, &s->self);
        if (wanted != s->consumed[shard])
            link_consume(s->link, shard, wanted);
        s->consumed[shard] = wanted;
    }
}

static void to_peers(struct shell *s, const struct message_type *type, const void *message)
{
    outbox_put(history_core_outbox(s->core), EXCHANGE_PEERS, &(struct id){0}, NULL, type, message);
}

static void beat(struct shell *s, uint64_t now)
{
    if (now < s->heartbeat_ms || !link_is_up(s->link) || s->leaving)
        return;
    s->heartbeat_ms = now + PEER_HEARTBEAT_MS;
    to_peers(s, &TYPE_alive, &(struct msg_alive){s->common.shards});
}

static bool on_peer(struct shell *s, const struct id *sender, unsigned code, struct cursor in)
{
    struct msg_gone gone;
    struct msg_alive alive;
    if (code == MSG_bye)
        return peers_gone(s->peers, sender);
    if (code == MSG_gone && GET(&in, gone, &gone) == 0)
        return peers_gone(s->peers, &gone.replica);
    if (code == MSG_alive && GET(&in, alive, &alive) == 0)
        return peers_alive(s->peers, process_now_ms(), sender);
    return false;
}

static void on_peers_message(struct shell *s, struct span body)
{
    struct cursor in = cursor_of(body.data, body.len);
    struct msg_envelope envelope;
    bool changed = false;
    if (GET(&in, envelope, &envelope) < 0 || envelope.version > BROKER_VERSION)
        return;
    while (cursor_left(&in) > 0) {
        struct cursor at = in, head = in;
        unsigned code;
        uint32_t fields;
        if (wire_skip(&in) < 0 || message_begin(&head, &code, &fields) < 0)
            break;
        changed = on_peer(s, &envelope.sender, code, at) || changed;
    }
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
    log_warn("broker link down: %s", link_trouble(s->link));
    peers_link(s->peers, process_now_ms(), false);
    outbox_clear(history_core_outbox(s->core));
}

/* Who leaves takes nothing more: what is not done goes to others when the link is closed. */
static void on_message(void *owner, const struct link_delivery *d)
{
    struct shell *s = owner;
    if (s->leaving)
        return;
    if (d->shard >= 0)
        rounds_message(s->rounds, d->tag, d->body);
    else if (d->tag)
        reads_message(s->reads, d->tag, d->body);
    else
        on_peers_message(s, d->body);
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
    .shard = on_shard,
};

static void stop(struct shell *s, int exit_code)
{
    s->exit_code = exit_code;
    uv_stop(&s->loop);
}

static void open_link(struct shell *s)
{
    struct link_config config = {.url = s->common.amqp,
                                 .self = s->self,
                                 .shards = (unsigned)s->common.shards,
                                 .hears_peers = true,
                                 .serves_replay = true,
                                 .prefetch = PREFETCH};
    int r = link_create(&s->loop, &config, &LINK_EVENTS, s, &s->link);
    if (r == 0)
        return;
    log_error("cannot use EASEL_AMQP: %s", strerror(-r));
    stop(s, 1);
}

/* ---- the database ---------------------------------------------------------------------------- */

/* Nobody sends us anything before we can store it. */
static void on_opened(void *owner, int result, const char *why)
{
    struct shell *s = owner;
    if (result == 0) {
        if (++s->stores_open == 2 && !s->leaving) {
            log_info("the store is open");
            open_link(s);
        }
    } else if (result == -EIO) {
        log_warn("cannot open the store, trying again: %s", why);
    } else {
        log_error("cannot use EASEL_STORE: %s", why);
        stop(s, 2);
    }
}

static void on_message_done(void *owner, uint64_t tag)
{
    struct shell *s = owner;
    link_done(s->link, tag);
}

static void on_trouble(void *owner, const char *why)
{
    struct shell *s = owner;
    s->trouble = why != NULL;
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

/* ---- a turn ---------------------------------------------------------------------------------- */

static void publish(struct shell *s, uint64_t until_ms)
{
    struct outbox_message message;
    while (outbox_next(history_core_outbox(s->core), until_ms, &message))
        link_publish(s->link, &message);
}

static void say_goodbye(struct shell *s)
{
    to_peers(s, &TYPE_bye, NULL);                /* it has no fields */
    publish(s, process_now_ms() + SLEEP_MS_MAX); /* all that is there, due or not */
    stop(s, 0);
}

static bool has_left(struct shell *s, uint64_t now)
{
    bool idle = rounds_idle(s->rounds) && database_waiting(s->reads_db) == 0;
    return s->leaving && (idle || now >= s->leave_until_ms);
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer; /* it only ends the poll: the turn follows in on_prepare */
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void sleep_until(struct shell *s, uint64_t deadline)
{
    uint64_t now = process_now_ms(), wait = deadline <= now ? 0 : deadline - now;
    uv_update_time(&s->loop);
    uv_timer_start(&s->timer, on_timer, earlier(wait, SLEEP_MS_MAX), 0);
}

/* Runs before each poll, so after all messages of the turn. */
static void turn(struct shell *s)
{
    uint64_t now = process_now_ms();
    if (!s->link) {
        if (s->leaving)
            stop(s, 0);
        return;
    }
    rounds_turn(s->rounds);
    tell_bad_segments(s);
    if (has_left(s, now)) {
        say_goodbye(s);
        return;
    }
    if (peers_tick(s->peers, now))
        consume_shards(s);
    beat(s, now);
    publish(s, now);
    uint64_t deadline = earlier(peers_deadline(s->peers), s->heartbeat_ms);
    deadline = link_is_up(s->link)
                   ? earlier(deadline, outbox_deadline(history_core_outbox(s->core)))
                   : UINT64_MAX;
    sleep_until(s, s->leaving ? earlier(deadline, s->leave_until_ms) : deadline);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct shell *s = prepare->data;
    turn(s);
    turns_count(&s->turns);
}

/* ---- the admin port -------------------------------------------------------------------------- */

static const char *is_ready(void *owner)
{
    struct shell *s = owner;
    if (s->leaving)
        return "leaving";
    if (!s->link)
        return "the store is not open yet";
    if (!link_is_up(s->link))
        return "the broker link is down";
    if (s->trouble)
        return "the database does not answer";
    return NULL;
}

static unsigned count_consumed(const struct shell *s)
{
    unsigned count = 0;
    for (unsigned shard = 0; shard < s->common.shards; shard++)
        count += s->consumed[shard];
    return count;
}

static void put_metrics(void *owner, struct buf *out)
{
    struct shell *s = owner;
    history_metrics(&(struct history_parts){s->core, s->rounds, s->reads, TAILS_MAX,
                                            count_consumed(s), peers_count(s->peers)},
                    out);
    shell_metrics("history", history_core_outbox(s->core), s->link, &s->turns, out);
}

static const struct admin_events ADMIN_EVENTS = {.ready = is_ready, .metrics = put_metrics};

/* ---- start and end --------------------------------------------------------------------------- */

/* Stops consuming; what was taken is still stored and answered. */
static void leave(struct shell *s)
{
    s->leaving = true;
    s->leave_until_ms = process_now_ms() + LEAVE_MS_MAX;
    peers_leave(s->peers);
    if (s->link)
        consume_shards(s);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct shell *s = handle->data;
    if (s->leaving) {
        log_warn("signal %d again: leaving at once", number);
        stop(s, 0);
        return;
    }
    log_info("signal %d: leaving", number);
    leave(s);
}

static void create_core(struct shell *s)
{
    s->core = history_core_create(&(struct history_core_config){
        .self = s->self,
        .shards = (unsigned)s->common.shards,
        .pace_ms = (uint32_t)s->common.pace_ms,
        .messages_per_s_max = (uint32_t)s->common.budget,
        .tails_max = TAILS_MAX,
    });
    s->peers = peers_create(&s->self, process_now_ms());
    s->consumed = xcalloc(s->common.shards, sizeof *s->consumed);
}

static int open_databases(struct shell *s)
{
    unsigned shards = (unsigned)s->common.shards;
    int r = database_create(&s->loop, s->own.store, shards, 1, on_opened, s, &s->rounds_db);
    if (r == 0)
        r = database_create(&s->loop, s->own.store, shards, READS_WAITING_MAX, on_opened, s,
                            &s->reads_db);
    if (r < 0) {
        log_error("cannot start a database thread: %s", strerror(-r));
        return r;
    }
    s->rounds = rounds_create(s->core, s->rounds_db, &ROUNDS_EVENTS, s);
    s->reads = reads_create(s->reads_db, history_core_outbox(s->core), on_message_done, s);
    return 0;
}

static int open_admin(struct shell *s)
{
    int r = admin_create(&s->loop, s->common.admin_host, (unsigned)s->common.admin_port,
                         &ADMIN_EVENTS, s, &s->admin);
    if (r < 0)
        log_error("cannot listen on %s:%u: %s", s->common.admin_host,
                  (unsigned)s->common.admin_port, strerror(-r));
    else
        log_info("admin on http://%s:%u", s->common.admin_host, admin_port(s->admin));
    return r;
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
    database_destroy(s->rounds_db);
    database_destroy(s->reads_db);
    if (s->admin)
        admin_destroy(s->admin);
    uv_close((uv_handle_t *)&s->timer, NULL);
    uv_close((uv_handle_t *)&s->prepare, NULL);
    uv_close((uv_handle_t *)&s->sigterm, NULL);
    uv_close((uv_handle_t *)&s->sigint, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    uv_loop_close(&s->loop);
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
    enum log_level level;
    if (settings_read(argc, argv, "easel-history", COMMON_SETTINGS, &s->common, SETTINGS, &s->own) <
        0)
        return 2;
    if (log_level_parse(s->common.log_level, &level) < 0)
        return 2;
    s->self = process_id('h');
    log_setup("history", &s->self, level);
    uv_loop_init(&s->loop);
    turns_init(&s->turns, &s->loop);
    create_core(s);
    start_handles(s);
    if (open_databases(s) == 0 && open_admin(s) == 0) {
        uv_run(&s->loop, UV_RUN_DEFAULT);
        log_info("left");
    } else {
        s->exit_code = 1;
    }
    close_all(s);
    return s->exit_code;
}
