/* SPDX-License-Identifier: Apache-2.0 */
#include "board_core.h"

#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "board_invariants.h"
#include "checks.h"
#include "deeds.h"
#include "fanout.h"
#include "owner.h"
#include "pen.h"
#include "sequencer.h"

struct board_core *board_core_create(const struct board_core_config *config, uint64_t now_ms)
{
    CHECK(config->shards > 0 && id_is_of(&config->self, KIND_BOARD));
    struct board_core *c = xcalloc(1, sizeof *c);
    c->config = *config;
    c->config.trace = trace_or_none(config->trace);
    c->now = c->clock = now_ms;
    c->random = config->seed;
    c->sweep_at = NEVER;
    c->out = outbox_create(
        &(struct outbox_config){config->self, config->pace_ms, config->messages_per_s_max});
    c->peers = peers_create(&config->self, now_ms);
    TAILQ_INIT(&c->dirty);
    TAILQ_INIT(&c->active);
    TAILQ_INIT(&c->lists);
    c->shard = xcalloc(config->shards, sizeof *c->shard);
    for (unsigned i = 0; i < config->shards; i++)
        TAILQ_INIT(&c->shard[i].boards);
    return c;
}

static void for_boards(struct board_core *c, unsigned shard, void (*each)(struct board *b))
{
    struct board *b, *next;
    for (b = TAILQ_FIRST(&c->shard[shard].boards); b; b = next) {
        next = TAILQ_NEXT(b, shard_link);
        each(b);
    }
}

void board_core_destroy(struct board_core *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < c->config.shards; i++)
        for_boards(c, i, owner_forget);
    attachment_forget_all(c);
    idmap_free(&c->boards);
    idmap_free(&c->gateways);
    outbox_destroy(c->out);
    peers_destroy(c->peers);
    buf_free(&c->scratch);
    buf_free(&c->scratch2);
    buf_free(&c->scratch3);
    free(c->shard);
    free(c);
}

/* ---- time and hearing ----------------------------------------------------------------------- */

/* An owner of the past that has nothing to store must ask, too: when its successor has deleted the
 * board, nobody is left who knows of a newer epoch. */
static void hear_again(struct board *b)
{
    if (board_has_log(b)) {
        fanout_all_again(b);
        sequencer_probe(b);
    }
    board_touch(b);
}

/* We were deaf for a while and can hear again: nobody was silent meanwhile, and whoever missed
 * something of us is told again. */
static void hear_all_again(struct board_core *c)
{
    c->heartbeat_at = c->now;
    peers_link(c->peers, c->now, false);
    peers_link(c->peers, c->now, true);
    attachment_link_up(c);
    for (unsigned i = 0; i < c->config.shards; i++)
        for_boards(c, i, hear_again);
}

/* Each call from outside begins here. Time does not go back, and the owner's clock runs only while
 * we can hear: not while the link is down, not while this process was frozen (its heartbeat wakes
 * it more often than that), and not while nothing comes back from the broker. The silence of
 * everybody is our own trouble: nobody loses a pen or a seat for it. */
static void enter(struct board_core *c, uint64_t now_ms)
{
    uint64_t before = c->now, heard = peers_hear_until(c->peers);
    c->now = larger(now_ms, before);
    if (!c->link_up)
        return;
    if (c->now - before >= PEER_SILENT_MS)
        hear_all_again(c);
    else if (before < heard)
        c->clock += (c->now < heard ? c->now : heard) - before;
}

/* ---- shards ---------------------------------------------------------------------------------- */

static void shard_changed(struct board_core *c, unsigned shard)
{
    CHECK(shard < c->config.shards);
    struct shard *s = &c->shard[shard];
    bool held = s->wanted && s->bound;
    if (held == s->held)
        return;
    c->stats.shards_held += held - (uint64_t)s->held;
    s->held = held;
    if (!held)
        return;
    struct id all = {"all"};
    outbox_put(c->out, EXCHANGE_GATEWAY, &all, NULL, &TYPE_sync, &(struct msg_sync){shard});
    outbox_flush(c->out, EXCHANGE_GATEWAY, &all);
}

/* All this only steers traffic; the log decides who owns a board. */
static void assign_shards(struct board_core *c)
{
    c->owners_changed = false;
    for (unsigned i = 0; i < c->config.shards; i++) {
        struct id owner = peers_owner(c->peers, i);
        bool wanted = id_equal(&owner, &c->config.self);
        if (wanted == c->shard[i].wanted)
            continue;
        c->shard[i].wanted = wanted;
        if (!wanted)
            for_boards(c, i, owner_let_go);
        shard_changed(c, i);
    }
    c->stats.peers = peers_count(c->peers);
}

bool board_core_wants(const struct board_core *c, unsigned shard)
{
    CHECK(shard < c->config.shards);
    return c->shard[shard].wanted;
}

void board_core_bound(struct board_core *c, uint64_t now_ms, unsigned shard, bool bound)
{
    enter(c, now_ms);
    c->shard[shard].bound = bound;
    shard_changed(c, shard);
    CHECKED(board_core_invariants(c));
}

static void send_away(struct board_core *c, const struct id *gateway, unsigned shard)
{
    CHECK(shard < c->config.shards && !c->shard[shard].held);
    struct shard *s = &c->shard[shard];
    if (c->leaving ||
        (id_equal(&s->sent_away, gateway) && c->now < s->sent_away_at + SENT_AWAY_EVERY_MS))
        return;
    s->sent_away = *gateway;
    s->sent_away_at = c->now;
    outbox_put(c->out, EXCHANGE_GATEWAY, gateway, NULL, &TYPE_not_owner,
               &(struct msg_not_owner){shard});
}

/* ---- messages -------------------------------------------------------------------------------- */

/* What a gateway says out of a past that is not our log's: history says whose is void. The gateway
 * repeats what counts, when it knows what we know. */
static bool is_of_our_past(struct board *b, uint64_t incarnation)
{
    CHECK(board_has_log(b));
#ifndef EASEL_PASTS_ALIKE /* [D34], a simulator's switch: equal numbers then mean the same */
    if (is_other_past(b->incarnation, incarnation)) {
        TRACE(b->core, &b->id, past_ignored, b->log.epoch);
        sequencer_doubt(b);
        return false;
    }
#else
    (void)incarnation;
#endif
    return true;
}

static void on_frame(struct board_core *c, struct board *b, const struct id *sender,
                     const struct msg_frame *m)
{
    unsigned shard = board_shard(&m->board, c->config.shards);
    if (!c->shard[shard].held) {
        c->stats.frames[FRAME_NOT_OWNER]++;
        TRACE(c, &m->board, frame_not_ours, shard);
        send_away(c, sender, shard);
        return;
    }
    if (!b || b->ownership != BOARD_OPEN) {
        TRACE(c, &m->board, frame_not_open, b ? b->ownership : BOARD_WAITING);
        c->stats.frames[FRAME_EARLY]++; /* the gateway repeats it when it hears of the new epoch */
    } else if (is_of_our_past(b, m->incarnation)) {
        sequencer_frame(b, sender, m);
    } else {
        c->stats.frames[FRAME_EARLY]++;
    }
}

static void on_pointing(struct board_core *c, struct board *b, const struct msg_pointing *m)
{
    c->stats.pointers++;
    if (!b || b->ownership != BOARD_OPEN || is_other_past(b->incarnation, m->incarnation) ||
        !pen_points(b, m))
        c->stats.pointers_ignored++;
}

/* Its page repeats it. */
static void on_deed(struct board_core *c, struct board *b, const struct msg_deed *m)
{
    if (b && b->ownership == BOARD_OPEN && is_of_our_past(b, m->incarnation))
        deeds_take(b, m);
    else
        c->stats.deeds_refused++;
}

static void on_attach(struct board_core *c, const struct id *sender, const struct msg_attach *m)
{
    if (m->shard >= c->config.shards)
        c->stats.bad_messages++;
    else if (!c->shard[m->shard].held)
        send_away(c, sender, (unsigned)m->shard);
    else
        attachment_list(c, sender, m);
}

/* Whether what history says of an epoch is about our log. */
static bool is_ours(struct board *b, uint64_t epoch, uint64_t incarnation)
{
    bool has = b && board_has_log(b) && b->log.epoch == epoch;
    if (b && !has)
        TRACE(b->core, &b->id, answer_ignored, epoch, b->log.epoch);
    return has && owner_same_store(b, incarnation);
}

/* Owners tell gateways that there is no board; only history can tell us. What the backup has may
 * have been deleted later, in the past that is gone: we ask again. */
static void on_no_board(struct board_core *c, struct board *b, const struct id *sender,
                        const struct msg_no_board *m)
{
    if (!id_is_of(sender, KIND_HISTORY))
        c->stats.bad_messages++;
    else if (b && is_other_past(c->incarnation, m->incarnation))
        TRACE(c, &b->id, past_ignored, b->log.epoch);
    else if (b)
        owner_no_board(b);
}

static void on_bye(struct board_core *c, const struct id *sender)
{
    if (id_is_of(sender, KIND_GATEWAY))
        attachment_gateway_gone(c, sender);
    else
        c->owners_changed = peers_gone(c->peers, sender) || c->owners_changed;
}

/* Boards that were opened from another store ask history, also where nobody draws any more. */
static void hear_of_store(struct board_core *c, uint64_t incarnation)
{
    if (incarnation == 0 || incarnation == c->incarnation)
        return;
    c->incarnation = incarnation;
    for (unsigned i = 0; i < c->config.shards; i++) {
        struct board *b;
        TAILQ_FOREACH (b, &c->shard[i].boards, shard_link)
            if (board_has_log(b) && is_other_past(b->incarnation, incarnation))
                sequencer_doubt(b);
    }
}

static void on_alive(struct board_core *c, const struct id *sender, const struct msg_alive *m)
{
    if (id_equal(sender, &c->config.self) && c->now > peers_hear_until(c->peers))
        hear_all_again(c);
    if (id_is_of(sender, KIND_HISTORY))
        hear_of_store(c, m->incarnation);
    if (m->shards == c->config.shards)
        c->owners_changed = peers_alive(c->peers, c->now, sender) || c->owners_changed;
}

static void on_opened(struct board *b, const struct msg_opened *m)
{
    if (b)
        owner_opened(b, m);
}

static void on_refused(struct board *b, const struct msg_refused *m)
{
    if (b)
        owner_refused(b, m);
}

static void on_hole(struct board *b, const struct msg_hole *m)
{
    if (is_ours(b, m->epoch, m->incarnation))
        sequencer_hole(b, m->want);
}

/* `b` is the board that it is about, if we have that. */
static void on_item(struct board_core *c, struct board *b, const struct id *sender,
                    enum to_board code, const union any_item *item)
{
    switch (code) {
    case TO_BOARD_frame:
        on_frame(c, b, sender, &item->frame);
        return;
    case TO_BOARD_attach:
        on_attach(c, sender, &item->attach);
        return;
    case TO_BOARD_pointing:
        on_pointing(c, b, &item->pointing);
        return;
    case TO_BOARD_deed:
        on_deed(c, b, &item->deed);
        return;
    case TO_BOARD_opened:
        on_opened(b, &item->opened);
        return;
    case TO_BOARD_refused:
        on_refused(b, &item->refused);
        return;
    case TO_BOARD_stored:
        if (is_ours(b, item->stored.epoch, item->stored.incarnation))
            sequencer_stored(b, item->stored.mark);
        return;
    case TO_BOARD_hole:
        on_hole(b, &item->hole);
        return;
    case TO_BOARD_no_board:
        on_no_board(c, b, sender, &item->no_board);
        return;
    case TO_BOARD_alive:
        on_alive(c, sender, &item->alive);
        return;
    case TO_BOARD_bye:
        on_bye(c, sender);
        return;
    case TO_BOARD_gone:
        peers_doubt(c->peers, c->now, &item->gone.replica);
        return;
    }
}

void board_core_message(struct board_core *c, uint64_t now_ms, struct span body)
{
    enter(c, now_ms);
    if (c->gone)
        return;
    struct items it = items_of(body, &c->stats.bad_messages);
    unsigned code;
    union any_item item = {.board = {""}}; /* no board's, for those that are about none */
    while (items_next(&it, KIND_BOARD, &code, &item))
        on_item(c, idmap_get(&c->boards, &item.board), &it.sender, (enum to_board)code, &item);
    CHECKED(board_core_invariants(c));
}

void board_core_returned(struct board_core *c, uint64_t now_ms, enum exchange exchange,
                         const char *key)
{
    enter(c, now_ms);
    struct id to;
    if (exchange == EXCHANGE_BOARD && id_parse(key, strcspn(key, "."), &to) == 0)
        c->owners_changed = peers_returned(c->peers, c->now, &to) || c->owners_changed;
    CHECKED(board_core_invariants(c));
}

/* ---- time ------------------------------------------------------------------------------------ */

void board_core_link(struct board_core *c, uint64_t now_ms, bool up)
{
    enter(c, now_ms);
    if (up == c->link_up)
        return;
    c->link_up = up;
    if (up) {
        hear_all_again(c);
    } else {
        peers_link(c->peers, c->now, false);
        outbox_clear(c->out); /* every hop repeats what it did not hear back */
    }
    CHECKED(board_core_invariants(c));
}

/* [D40] Of a successor we may hear nothing: the gateways that knew it lost all who looked at the
 * board, and it has released it since. History knows. */
static void confirm(struct board *b)
{
    if (board_has_log(b))
        sequencer_confirm(b);
}

static void heartbeat(struct board_core *c)
{
    CHECK(c->link_up);
    if (c->now < c->heartbeat_at)
        return;
    c->heartbeat_at = c->now + PEER_HEARTBEAT_MS;
    outbox_put(c->out, EXCHANGE_PEERS, &(struct id){0}, NULL, &TYPE_alive,
               &(struct msg_alive){.shards = c->config.shards});
    const unsigned turns = CONFIRM_MS / PEER_HEARTBEAT_MS;
    for (unsigned i = c->heartbeats++ % turns; i < c->config.shards; i += turns)
        for_boards(c, i, confirm);
}

/* A direct message to each whose queue is to be tried; it says what our heartbeat says. */
static void probe_peers(struct board_core *c)
{
    struct id to;
    while (peers_probe(c->peers, c->now, &to)) {
        outbox_put(c->out, EXCHANGE_BOARD, &to, NULL, &TYPE_alive,
                   &(struct msg_alive){.shards = c->config.shards});
        outbox_flush(c->out, EXCHANGE_BOARD, &to);
    }
}

static void sweep(struct board_core *c)
{
    CHECK(c->link_up);
    if (c->clock < c->sweep_at)
        return;
    c->sweep_at = NEVER;
    struct board *b;
    TAILQ_FOREACH (b, &c->active, active_link) {
        if (b->deadline <= c->clock)
            board_touch(b);
        else if (b->deadline < c->sweep_at)
            c->sweep_at = b->deadline;
    }
}

static void take_turns(struct board_core *c)
{
    struct board *b;
    while ((b = TAILQ_FIRST(&c->dirty))) {
        TAILQ_REMOVE(&c->dirty, b, dirty_link);
        b->is_dirty = false;
        owner_turn(b);
    }
}

static void finish_leaving(struct board_core *c)
{
    CHECK(c->leaving && !c->gone);
    if (c->boards.count > 0 && c->now < c->leave_until)
        return;
    peers_leave(c->peers);
    for (unsigned i = 0; i < c->config.shards; i++)
        for_boards(c, i, owner_forget);
    assign_shards(c);
    outbox_put(c->out, EXCHANGE_PEERS, &(struct id){0}, NULL, &TYPE_bye, &(struct msg_bye){});
    outbox_flush(c->out, EXCHANGE_PEERS, &(struct id){0});
    if (!c->link_up)
        outbox_clear(c->out);
    c->gone = true;
}

void board_core_tick(struct board_core *c, uint64_t now_ms)
{
    enter(c, now_ms);
    if (c->gone)
        return;
    if (c->link_up) {
        heartbeat(c);
        c->owners_changed = peers_tick(c->peers, c->now) || c->owners_changed;
        probe_peers(c);
        if (c->owners_changed && !c->leaving)
            assign_shards(c);
        attachment_tick(c);
        sweep(c);
        take_turns(c);
    }
    if (c->leaving)
        finish_leaving(c);
    CHECKED(board_core_invariants(c));
}

uint64_t board_core_deadline(const struct board_core *c)
{
    uint64_t at = outbox_deadline(c->out);
    if (c->gone)
        return at;
    if (c->leaving)
        at = smaller(at, c->leave_until);
    if (!c->link_up)
        return at;
    if (!TAILQ_EMPTY(&c->dirty) || (c->owners_changed && !c->leaving))
        return c->now;
    at = smaller(at, smaller(c->heartbeat_at, peers_deadline(c->peers)));
    uint64_t on_clock = smaller(c->sweep_at, attachment_deadline(c));
    return on_clock == NEVER ? at : smaller(at, on_clock - c->clock + c->now);
}

struct outbox *board_core_outbox(struct board_core *c)
{
    return c->out;
}

void board_core_leave(struct board_core *c, uint64_t now_ms)
{
    enter(c, now_ms);
    if (c->leaving)
        return;
    c->leaving = true;
    c->leave_until = c->now + BOARD_LEAVE_MS;
    for (unsigned i = 0; i < c->config.shards; i++)
        for_boards(c, i, owner_let_go);
    CHECKED(board_core_invariants(c));
}

bool board_core_left(const struct board_core *c)
{
    return c->gone && outbox_deadline(c->out) == UINT64_MAX;
}

const struct board_core_stats *board_core_stats(const struct board_core *c)
{
    return &c->stats;
}

uint64_t board_core_unheard_ms(const struct board_core *c)
{
    uint64_t since = peers_hear_until(c->peers) - PEER_SILENT_MS;
    return c->link_up && c->now > since ? c->now - since : 0;
}

/* A board with unstored events waits for time: its segment is due, or history's answer. */
uint64_t board_core_unstored_ms(const struct board_core *c)
{
    uint64_t oldest = c->clock;
    const struct board *b;
    TAILQ_FOREACH (b, &c->active, active_link)
        if (b->log.count > 0 && b->log.events[0].made_at < oldest)
            oldest = b->log.events[0].made_at;
    return c->clock - oldest;
}
