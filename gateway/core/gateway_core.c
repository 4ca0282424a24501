/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway_core_private.h"

#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "gateway_invariants.h"

struct gateway_core *gateway_core_create(const struct gateway_core_config *config, uint64_t now_ms)
{
    CHECK(config->shards > 0 && config->authenticate);
    struct gateway_core *c = xcalloc(1, sizeof *c);
    c->config = *config;
    c->config.trace = trace_or_none(config->trace);
    c->now = now_ms;
    c->random = config->seed;
    c->stats.stored_seconds = HISTOGRAM_OF_SECONDS;
    struct outbox_config out = {config->self, config->pace_ms, config->messages_per_s_max};
    c->outbox = outbox_create(&out);
    c->shard = xcalloc(config->shards, sizeof *c->shard);
    c->answers = xcalloc(ANSWERS_MAX, sizeof *c->answers);
    TAILQ_INIT(&c->dirty);
    TAILQ_INIT(&c->resend.turns);
    LIST_INIT(&c->busy);
    c->resend.bytes = RESEND_BURST;
    c->resend.filled_at = now_ms;
    return c;
}

void gateway_core_destroy(struct gateway_core *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->boards.slots;) {
        struct board *b = idmap_at(&c->boards, i);
        if (b)
            board_destroy(b); /* may move another board into this slot */
        else
            i++;
    }
    idmap_free(&c->boards);
    outbox_destroy(c->outbox);
    free(c->shard);
    free(c->answers);
    free(c);
}

struct outbox *gateway_core_outbox(struct gateway_core *c)
{
    return c->outbox;
}

const struct gateway_core_stats *gateway_core_stats(const struct gateway_core *c)
{
    return &c->stats;
}

uint64_t gateway_core_unowned_boards(const struct gateway_core *c, uint64_t now_ms)
{
    uint64_t count = 0;
    const struct board *b;
    BOARD_FOREACH (b, c)
        count += !LIST_EMPTY(&b->clients) && now_ms >= b->heard_at + OWNER_SILENT_MS;
    return count;
}

struct client *gateway_core_dirty(struct gateway_core *c)
{
    struct client *cl = TAILQ_FIRST(&c->dirty);
    if (cl) {
        TAILQ_REMOVE(&c->dirty, cl, dirty_link);
        cl->dirty = false;
    }
    return cl;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* What an owner says beside its log counts in the epoch that we know, of the past that we know. */
static bool is_owned(struct board *b, const struct id *sender, uint64_t epoch, uint64_t incarnation)
{
    return epoch == b->window.epoch && !is_other_past(b->incarnation, incarnation) &&
           trust_owner(b, sender);
}

/* The owner wants what we never had: the frames before the client's first one, which it may have
 * sent by way of another gateway. There is nothing to send. */
static void on_hole(struct session *s, uint64_t now, const struct kept *first)
{
    CHECK(first == TAILQ_FIRST(&s->kept));
    /* An owner of the past may want what its successor has stored long since: the client knows
     * [D8]. */
    if (s->client && s->client->cursor > window_applied(&s->board->window))
        return;
    TRACE(s->board->core, &s->board->id, frames_missing, first->cseq, s->holes + UINT64_C(1));
    if (++s->holes <= HOLES_MAX) {
        resend_wait(s, now);
        return;
    }
    if (s->client)
        client_fail(s->client, ERROR_bad_frame, "A cseq is missing before this frame.",
                    first->number);
    session_drop_kept(s, now, first->term, 0); /* they can never be taken */
}

static void on_want(struct board *b, const struct id *sender, const struct msg_want *m)
{
    bool owned = is_owned(b, sender, m->epoch, m->incarnation);
    struct session *s = owned ? session_find(b, &m->member, m->instance) : NULL;
    if (!s || b->core->now < s->wanted_at + WANT_AGAIN_MS)
        return;
    struct gateway_core *c = b->core;
    s->wanted_at = c->now;
    c->stats.wants++;
    TRACE(c, &b->id, frames_wanted, m->cseq, m->term, m->stored);
    resend_heard(b, c->now, false);
    const struct kept *first = TAILQ_FIRST(&s->kept);
    if (m->stored > 0) {
        session_acked(s, c->now, m->term, (uint32_t)m->stored);
        resend_answered(s, c->now);
    } else if (first && first->term == m->term && first->cseq > m->cseq) {
        on_hole(s, c->now, first);
    } else {
        resend_wanted(s, c->now, m);
    }
}

static void on_not_drawer(struct board *b, const struct id *sender, const struct msg_not_drawer *m)
{
    bool owned = is_owned(b, sender, m->epoch, m->incarnation);
    struct session *s = owned ? session_find(b, &m->member, m->instance) : NULL;
    const struct kept *k = s ? session_kept(s, m->term, (uint32_t)m->cseq) : NULL;
    if (!k) {
        TRACE(b->core, &b->id, refusal_ignored, m->cseq, m->term);
        return; /* acked meanwhile, or told already */
    }
    TRACE(b->core, &b->id, refusal_told, m->cseq, m->term);
    resend_heard(b, b->core->now, false);
    if (s->client)
        client_warn(s->client, ERROR_not_drawer, NULL, k->number);
    session_drop_kept(s, b->core->now, m->term, (uint32_t)m->cseq - 1);
}

/* A client's sentence must outlive the message that brought it. */
static void fail_as_told(struct client *cl, struct span why, uint64_t number)
{
    if (cl->ends)
        return;
    cl->told_sentence = xcalloc(1, why.len + 1);
    memcpy(cl->told_sentence, why.data, why.len);
    client_fail(cl, ERROR_bad_frame, cl->told_sentence, number);
}

static void on_invalid(struct board *b, const struct id *sender, const struct msg_invalid *m)
{
    bool owned = is_owned(b, sender, m->epoch, m->incarnation);
    struct session *s = owned ? session_find(b, &m->member, m->instance) : NULL;
    const struct kept *k = s ? session_kept(s, m->term, (uint32_t)m->cseq) : NULL;
    if (!k)
        return; /* told already */
    TRACE(b->core, &b->id, fault_told, m->cseq, m->term);
    uint64_t number = k->number;
    session_reject(s, k);
    if (s->client)
        fail_as_told(s->client, m->why, number);
}

/* Only a connection that the owner has seen [D25]: this may come late, and the member with a newer
 * one of which the owner did not know. */
static bool is_older(const struct session *s, const struct msg_replaced *m)
{
    if (m->older)
        return s->instance == m->older && s->conn == m->older_conn;
    uint64_t below = m->conn + (m->flags & REPLACED_EQUAL ? 1 : 0);
    return s->instance != m->instance || s->conn < below;
}

static void on_replaced(struct board *b, const struct id *sender, const struct msg_replaced *m)
{
    if (!is_owned(b, sender, m->epoch, m->incarnation))
        return;
    struct session *s;
    LIST_FOREACH (s, &b->sessions, link) {
        if (!s->client || !id_equal(&s->member, &m->member) || !is_older(s, m))
            continue;
        TRACE(b->core, &b->id, connection_replaced, m->conn);
        client_fail(s->client, ERROR_replaced, NULL, 0);
        s->flags &= ~(unsigned)MEMBER_SEATED; /* it sits elsewhere: nothing is kept here */
    }
}

/* Noted here, and looked at in the next tick: there may be many boards, and many of these. */
static void on_not_owner(struct gateway_core *c, const struct id *sender,
                         const struct msg_not_owner *m)
{
    if (m->shard >= c->config.shards)
        return;
    c->shard[m->shard].not_owner = *sender;
    c->not_owners = true;
    attach_asked(c, c->now, (unsigned)m->shard);
}

static void forget_not_owners(struct gateway_core *c)
{
    if (!c->not_owners)
        return;
    struct board *b;
    BOARD_FOREACH (b, c)
        if (id_equal(&b->owner, &c->shard[b->shard].not_owner))
            b->owner = (struct id){0};
    for (unsigned i = 0; i < c->config.shards; i++)
        c->shard[i].not_owner = (struct id){0};
    c->not_owners = false;
}

static void on_created(struct gateway_core *c, const struct msg_created *m)
{
    struct http_answer a = {.nonce = m->nonce, .board = m->board};
    /* Whatever else it may be in a version to come: there is no board. */
    a.what = m->status == CREATED_STORED  ? ANSWER_CREATED
             : m->status == CREATED_TAKEN ? ANSWER_TAKEN
                                          : ANSWER_FULL;
    core_answer(c, &a);
}

static void on_looked(struct gateway_core *c, struct board *b, const struct msg_looked *m)
{
    if (b && answers_looked(b, m))
        return;
    struct http_answer a = {.nonce = m->nonce, .board = m->board, .tail = m->tail, .time = m->time};
    a.what = m->tail ? ANSWER_LOOKED : ANSWER_NO_BOARD;
    struct cursor in = cursor_of(m->rules.data, m->rules.len);
    struct msg_ev_rules rules = {0};
    if (m->rules.len > 0 && GET(&in, ev_rules, &rules) < 0) {
        c->stats.bad_messages++;
        return; /* who asks, asks again */
    }
    struct span name = rules.name.len > 0 ? rules.name : m->name;
    memcpy(a.name, name.data, name.len);
    a.links[ROLE_WATCH] = rules.watch;
    a.links[ROLE_DRAW] = rules.draw;
    a.links[ROLE_OWN] = rules.own;
    a.rules = (unsigned)rules.flags;
    a.knows_members = b && b->state.number > 0;
    a.members = a.knows_members ? b->state.members.count : 0;
    core_answer(c, &a);
}

static void on_pointed(struct board *b, const struct id *sender, const struct msg_pointed *m)
{
    if (is_owned(b, sender, m->epoch, m->incarnation))
        pointer_told(b, b->core->now, m);
}

static void on_no_board(struct board *b, const struct id *sender, const struct msg_no_board *m)
{
    if (trust_incarnation(b, b->core->now, m->incarnation) &&
        trust_no_board(b, b->core->now, sender))
        board_not_there(b);
}

/* What is about a board means nothing when nobody has it open here; but somebody may have asked
 * over HTTP. */
static bool is_for_us(const struct board *b, enum to_gateway code)
{
    return b || code == TO_GATEWAY_sync || code == TO_GATEWAY_not_owner ||
           code == TO_GATEWAY_created || code == TO_GATEWAY_looked;
}

static void on_item(struct gateway_core *c, struct board *b, const struct id *sender,
                    enum to_gateway code, const union any_item *item)
{
    switch (code) {
    case TO_GATEWAY_events:
        board_events(b, c->now, sender, &item->events);
        return;
    case TO_GATEWAY_board_state:
        board_told_state(b, c->now, sender, &item->board_state);
        return;
    case TO_GATEWAY_want:
        on_want(b, sender, &item->want);
        return;
    case TO_GATEWAY_not_drawer:
        on_not_drawer(b, sender, &item->not_drawer);
        return;
    case TO_GATEWAY_invalid:
        on_invalid(b, sender, &item->invalid);
        return;
    case TO_GATEWAY_replaced:
        on_replaced(b, sender, &item->replaced);
        return;
    case TO_GATEWAY_pointed:
        on_pointed(b, sender, &item->pointed);
        return;
    case TO_GATEWAY_sync:
        attach_asked(c, c->now, (unsigned)item->sync.shard);
        return;
    case TO_GATEWAY_not_owner:
        on_not_owner(c, sender, &item->not_owner);
        return;
    case TO_GATEWAY_no_board:
        on_no_board(b, sender, &item->no_board);
        return;
    case TO_GATEWAY_created:
        on_created(c, &item->created);
        return;
    case TO_GATEWAY_looked:
        on_looked(c, b, &item->looked);
        return;
    case TO_GATEWAY_page:
        answers_page(b, c->now, &item->page);
        return;
    case TO_GATEWAY_behind:
        answers_behind(b, c->now, &item->behind);
        return;
    }
}

void gateway_core_message(struct gateway_core *c, uint64_t now_ms, struct span body)
{
    c->now = now_ms;
    struct items it = items_of(body, &c->stats.bad_messages);
    unsigned code;
    union any_item item = {.board = {""}}; /* no board's, for those that are about none */
    while (items_next(&it, KIND_GATEWAY, &code, &item)) {
        struct board *b = idmap_get(&c->boards, &item.board);
        if (is_for_us(b, (enum to_gateway)code))
            on_item(c, b, &it.sender, (enum to_gateway)code, &item);
    }
    resend_run(c, now_ms);
    CHECKED(gateway_invariants(c));
}

/* A frame or list reached no queue. When it was meant for a replica, that replica is gone:
 * everybody should know, and its boards' frames wait for the next owner. */
void gateway_core_returned(struct gateway_core *c, uint64_t now_ms, enum exchange exchange,
                           const char *key)
{
    c->now = now_ms;
    struct id replica;
    size_t n = strcspn(key, ".");
    if (exchange != EXCHANGE_BOARD || id_parse(key, n, &replica) < 0 || key[0] != 'b')
        return;
    bool any = false;
    struct board *b;
    BOARD_FOREACH (b, c)
        if (id_equal(&b->owner, &replica)) {
            b->owner = (struct id){0};
            any = true;
        }
    if (any) {
        struct msg_gone gone = {replica};
        outbox_put(c->outbox, EXCHANGE_PEERS, &(struct id){0}, NULL, &TYPE_gone, &gone);
    }
    CHECKED(gateway_invariants(c));
}

void gateway_core_link(struct gateway_core *c, uint64_t now_ms, bool up)
{
    if (c->link_up == up)
        return;
    c->now = now_ms;
    c->link_up = up;
    c->link_silent = false;
    if (up)
        c->link_up_at = now_ms;
    else
        outbox_clear(c->outbox);
    for (unsigned i = 0; i < c->config.shards; i++) {
        c->shard[i].attach_dirty = true;
        c->shard[i].attach_due = now_ms;
    }
    struct board *b;
    BOARD_FOREACH (b, c)
        board_link_changed(b, now_ms, up);
    resend_run(c, now_ms);
    CHECKED(gateway_invariants(c));
}

void gateway_core_silent(struct gateway_core *c, uint64_t now_ms, bool silent)
{
    c->now = now_ms;
    c->link_silent = silent;
    struct board *b;
    BOARD_FOREACH (b, c)
        board_link_changed(b, now_ms, false);
    CHECKED(gateway_invariants(c));
}

/* ---- time ------------------------------------------------------------------------------------ */

/* Visits every board once in HEARTBEAT_MS, a slice at a time. */
static void heartbeats(struct gateway_core *c, uint64_t now)
{
    size_t slice = c->boards.slots * GATEWAY_TICK_MS / (HEARTBEAT_MS / 2) + 1;
    for (size_t i = 0; i < slice && c->boards.slots; i++) {
        c->heartbeat_slot = (c->heartbeat_slot + 1) & (c->boards.slots - 1);
        struct board *b = idmap_at(&c->boards, c->heartbeat_slot);
        if (b)
            board_heartbeat(b, now);
    }
}

void gateway_core_tick(struct gateway_core *c, uint64_t now_ms)
{
    c->now = now_ms;
    attach_tick(c, now_ms);
    if (now_ms < c->next_tick)
        return;
    c->next_tick = now_ms + GATEWAY_TICK_MS;
    forget_not_owners(c);
    struct board *b, *next;
    for (b = LIST_FIRST(&c->busy); b; b = next) {
        next = LIST_NEXT(b, busy_link);
        board_tick(b, now_ms);
    }
    resend_run(c, now_ms);
    heartbeats(c, now_ms);
    CHECKED(gateway_invariants(c));
}

uint64_t gateway_core_deadline(const struct gateway_core *c)
{
    uint64_t due = c->next_tick;
    for (unsigned i = 0; c->link_up && i < c->config.shards; i++)
        due = smaller(due, attach_due(&c->shard[i]));
    return due;
}

/* ---- questions over HTTP --------------------------------------------------------------------- */

bool gateway_core_answer(struct gateway_core *c, struct http_answer *ret)
{
    if (c->answer_count == 0)
        return false;
    *ret = c->answers[c->answer_first];
    c->answer_first = (c->answer_first + 1) % ANSWERS_MAX;
    c->answer_count--;
    return true;
}

void gateway_core_create_board(struct gateway_core *c, const struct id *board, struct span name,
                               uint64_t nonce)
{
    struct msg_create m = {*board, nonce, name};
    core_ask_history(c, board, &TYPE_create, &m);
}

void gateway_core_look(struct gateway_core *c, const struct id *board, uint64_t nonce)
{
    struct msg_look m = {*board, nonce};
    core_ask_history(c, board, &TYPE_look, &m);
}

void gateway_core_delete(struct gateway_core *c, uint64_t now_ms, const struct id *board,
                         uint64_t nonce)
{
    c->now = now_ms;
    struct board *b = board_obtain(c, board);
    if (!b)
        return;
    b->deleting = true;
    b->delete_nonce = nonce;
    b->delete_until = now_ms + DELETE_FOR_MS;
    attach_changed(b);
    board_wake(b);
    CHECKED(gateway_invariants(c));
}
