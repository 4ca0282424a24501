/* SPDX-License-Identifier: Apache-2.0 */
#include "sharing.h"

#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "items.h"
#include "peers.h"

struct sharing {
    struct id self;
    unsigned shards;
    struct outbox *out;
    struct peers *peers;
    uint64_t incarnation;
    uint64_t heartbeat_at;
    bool link_up, leaving;
    uint64_t bad_messages;
};

struct sharing *sharing_create(const struct id *self, unsigned shards, struct outbox *out,
                               uint64_t now_ms)
{
    struct sharing *s = xcalloc(1, sizeof *s);
    s->self = *self;
    s->shards = shards;
    s->out = out;
    CHECK(id_is_of(self, KIND_HISTORY) && shards > 0);
    s->peers = peers_create(self, now_ms);
    return s;
}

void sharing_destroy(struct sharing *s)
{
    if (!s)
        return;
    peers_destroy(s->peers);
    free(s);
}

void sharing_incarnation(struct sharing *s, uint64_t incarnation)
{
    s->incarnation = incarnation;
}

bool sharing_wants(const struct sharing *s, unsigned shard)
{
    CHECK(shard < s->shards);
    struct id owner = peers_owner(s->peers, shard);
    return id_equal(&owner, &s->self);
}

void sharing_link(struct sharing *s, uint64_t now_ms, bool up)
{
    s->link_up = up;
    s->heartbeat_at = now_ms;
    peers_link(s->peers, now_ms, up);
}

/* ---- what others say ------------------------------------------------------------------------- */

static void on_item(struct sharing *s, uint64_t now_ms, const struct id *sender,
                    enum to_history code, const union any_item *item)
{
    switch (code) {
    case TO_HISTORY_alive:
        if (item->alive.shards == s->shards)
            peers_alive(s->peers, now_ms, sender);
        return;
    case TO_HISTORY_bye:
        peers_gone(s->peers, sender);
        return;
    case TO_HISTORY_gone:
        peers_doubt(s->peers, now_ms, &item->gone.replica);
        return;
    case TO_HISTORY_create:
    case TO_HISTORY_look:
    case TO_HISTORY_read:
    case TO_HISTORY_open:
    case TO_HISTORY_append:
        s->bad_messages++; /* these have queues of their own */
        return;
    }
}

void sharing_message(struct sharing *s, uint64_t now_ms, struct span body)
{
    struct items it = items_of(body, &s->bad_messages);
    union any_item item;
    unsigned code;
    while (items_next(&it, KIND_HISTORY, &code, &item))
        on_item(s, now_ms, &it.sender, (enum to_history)code, &item);
}

void sharing_returned(struct sharing *s, uint64_t now_ms, const char *key)
{
    struct id to;
    if (id_parse(key, strcspn(key, "."), &to) == 0)
        peers_returned(s->peers, now_ms, &to);
}

/* ---- what we say ----------------------------------------------------------------------------- */

static void beat(struct sharing *s, uint64_t now_ms)
{
    if (now_ms < s->heartbeat_at)
        return;
    CHECK(s->link_up && !s->leaving); /* what it says would be of the past */
    s->heartbeat_at = now_ms + PEER_HEARTBEAT_MS;
    outbox_put(s->out, EXCHANGE_PEERS, &(struct id){0}, NULL, &TYPE_alive,
               &(struct msg_alive){s->shards, s->incarnation});
}

/* A direct message to each whose queue is to be tried; it says what our heartbeat says. */
static void probe(struct sharing *s, uint64_t now_ms)
{
    CHECK(s->link_up && !s->leaving);
    struct id to;
    while (peers_probe(s->peers, now_ms, &to))
        outbox_put(s->out, EXCHANGE_HISTORY, &to, NULL, &TYPE_alive,
                   &(struct msg_alive){s->shards, s->incarnation});
}

void sharing_tick(struct sharing *s, uint64_t now_ms)
{
    if (!s->link_up || s->leaving)
        return;
    peers_tick(s->peers, now_ms);
    beat(s, now_ms);
    probe(s, now_ms);
}

uint64_t sharing_deadline(const struct sharing *s)
{
    if (!s->link_up || s->leaving)
        return UINT64_MAX;
    return smaller(peers_deadline(s->peers), s->heartbeat_at);
}

void sharing_leave(struct sharing *s)
{
    s->leaving = true;
    peers_leave(s->peers);
}

void sharing_goodbye(struct sharing *s)
{
    CHECK(s->leaving);
    outbox_put(s->out, EXCHANGE_PEERS, &(struct id){0}, NULL, &TYPE_bye, &(struct msg_bye){});
}

unsigned sharing_replicas(const struct sharing *s)
{
    return peers_count(s->peers);
}

uint64_t sharing_bad_messages(const struct sharing *s)
{
    return s->bad_messages;
}
