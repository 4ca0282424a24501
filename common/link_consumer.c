/* SPDX-License-Identifier: Apache-2.0
 *
 * The consuming thread: declares what Easel uses in the broker, consumes the process's own
 * exclusive queue and the shared queues that were asked for, and acks what was dealt with. It never
 * publishes, so that the broker goes on reading it in an alarm.
 */
#include "link_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "process.h"

#define OWN_CHANNEL    1 /* the exclusive queue, and declarations */
#define REPLAY_CHANNEL 2
#define SHARD_CHANNEL  3 /* and up: one per history queue, closed to give the queue away */

/* A tag for link_done: which opening of which channel, and the broker's delivery tag there. */
#define TAG_BITS        40
#define CHANNEL_BITS    11
#define GENERATION_BITS 13

struct channel {
    unsigned generation; /* 0: not open */
    bool is_pulse;       /* the message that comes in */
    uint64_t delivery;   /* the broker's tag of the message that comes in */
    struct content content;
};

struct consumer {
    struct link *link;
    struct worker *worker;
    struct link_connection *connection;
    struct channel *channels;
    unsigned channel_count;
    enum hold *have; /* per shard */
    char own_queue[48];
    bool full; /* the loop has enough: read nothing */
};

/* ---- declaring ------------------------------------------------------------------------------- */

static int bind_queue(struct consumer *k, const char *queue, enum exchange exchange,
                      const char *key)
{
    amqp_queue_bind_t bind = {.queue = amqp_cstring_bytes(queue),
                              .exchange = amqp_cstring_bytes(exchange_name(exchange)),
                              .routing_key = amqp_cstring_bytes(key),
                              .nowait = true};
    return link_connection_tell(k->connection, OWN_CHANNEL, AMQP_QUEUE_BIND_METHOD, &bind);
}

static int declare(struct consumer *k, const char *queue, bool exclusive,
                   amqp_table_entry_t *entries, int count)
{
    amqp_queue_declare_t declare = {.queue = amqp_cstring_bytes(queue),
                                    .durable = !exclusive,
                                    .exclusive = exclusive,
                                    .auto_delete = exclusive,
                                    .nowait = true,
                                    .arguments = {count, entries}};
    return link_connection_tell(k->connection, OWN_CHANNEL, AMQP_QUEUE_DECLARE_METHOD, &declare);
}

static void history_queue(unsigned shard, char *ret, size_t size)
{
    snprintf(ret, size, "history.%s", shard_destination(shard).text);
}

/* A queue that is there with other arguments: what an operator can do about it. */
static int blame_quorum(struct consumer *k)
{
    char said[TROUBLE_BYTES];
    memcpy(said, k->connection->trouble, sizeof said);
    if (k->connection->code == AMQP_PRECONDITION_FAILED)
        link_connection_fail(
            k->connection,
            "EASEL_QUORUM is %d here, but a queue was declared otherwise: set it alike in all "
            "programs; to change it, stop them all and delete the queues history.* (%.200s)",
            k->link->config.quorum, said);
    return -EIO;
}

/* The shared queues are durable, so that they are there when the broker comes back, whoever
 * connects first; their messages are not. */
static int declare_shared(struct consumer *k)
{
    amqp_table_entry_t replay[] = {AMQP_NUMBER("x-max-length-bytes", QUEUE_REPLAY_BYTES_MAX),
                                   AMQP_TEXT("x-overflow", "drop-head"),
                                   AMQP_NUMBER("x-message-ttl", QUEUE_REPLAY_TTL_MS)};
    if (declare(k, "easel.replay", false, replay, 3) < 0)
        return -EIO;
    amqp_table_entry_t history[] = {
        AMQP_NUMBER("x-max-length-bytes", QUEUE_HISTORY_BYTES_MAX),
        AMQP_TEXT("x-overflow", "drop-head"), AMQP_YES("x-single-active-consumer"),
        AMQP_TEXT("x-queue-type", k->link->config.quorum ? "quorum" : "classic")};
    for (unsigned shard = 0; shard < k->link->config.shards; shard++) {
        char queue[32], key[32];
        history_queue(shard, queue, sizeof queue);
        snprintf(key, sizeof key, "%s.#", shard_destination(shard).text);
        if (declare(k, queue, false, history, 4) < 0 ||
            bind_queue(k, queue, EXCHANGE_HISTORY, key) < 0)
            return -EIO;
    }
    return 0;
}

/* The name has a nonce: the broker may not have noticed yet that our last connection is gone. */
static int declare_own(struct consumer *k)
{
    const struct link_config *config = &k->link->config;
    amqp_table_entry_t limits[] = {AMQP_NUMBER("x-max-length-bytes", QUEUE_OWN_BYTES_MAX),
                                   AMQP_TEXT("x-overflow", "drop-head"),
                                   AMQP_NUMBER("x-message-ttl", QUEUE_OWN_TTL_MS)};
    char key[32];
    snprintf(k->own_queue, sizeof k->own_queue, "%s.%016llx", config->self.text,
             (unsigned long long)process_random());
    snprintf(key, sizeof key, "%s.#", config->self.text);
    if (declare(k, k->own_queue, true, limits, 3) < 0)
        return -EIO;
    const struct {
        bool hears;
        enum exchange exchange;
        const char *key;
    } bindings[] = {
        {config->hears_board, EXCHANGE_BOARD, key},
        {config->hears_gateway, EXCHANGE_GATEWAY, key},
        {config->hears_gateway, EXCHANGE_GATEWAY, "all.#"},
        {config->hears_history, EXCHANGE_HISTORY, key},
        {config->hears_peers, EXCHANGE_PEERS, ""},
    };
    for (unsigned i = 0; i < sizeof bindings / sizeof *bindings; i++)
        if (bindings[i].hears &&
            bind_queue(k, k->own_queue, bindings[i].exchange, bindings[i].key) < 0)
            return -EIO;
    return 0;
}

/* ---- channels -------------------------------------------------------------------------------- */

static int open_channel(struct consumer *k, unsigned channel)
{
    amqp_channel_open(k->connection->amqp, (amqp_channel_t)channel);
    if (link_connection_rpc(k->connection, "channel") < 0)
        return -EIO;
    unsigned *last = &k->link->generation;
    *last = *last % ((1u << GENERATION_BITS) - 1) + 1;
    k->channels[channel].generation = *last;
    return 0;
}

static int consume(struct consumer *k, unsigned channel, const char *queue)
{
    bool acked = channel != OWN_CHANNEL;
    unsigned prefetch = k->link->config.prefetch ? k->link->config.prefetch : QUEUE_PREFETCH;
    amqp_connection_state_t amqp = k->connection->amqp;
    if (acked) {
        amqp_basic_qos(amqp, (amqp_channel_t)channel, 0, (uint16_t)prefetch, false);
        if (link_connection_rpc(k->connection, "qos") < 0)
            return -EIO;
    }
    amqp_basic_consume(amqp, (amqp_channel_t)channel, amqp_cstring_bytes(queue), amqp_empty_bytes,
                       false, !acked, !acked, amqp_empty_table);
    return link_connection_rpc(k->connection, queue);
}

/* The broker gives what is not acked to the next consumer, in order. (Cancelling instead of closing
 * crashes a classic queue with a single active consumer.) */
static int close_channel(struct consumer *k, unsigned channel)
{
    k->channels[channel].generation = 0;
    k->channels[channel].content.open = false;
    return link_connection_check(
        k->connection, "close",
        amqp_channel_close(k->connection->amqp, (amqp_channel_t)channel, AMQP_REPLY_SUCCESS));
}

/* ---- shards ---------------------------------------------------------------------------------- */

/* It is in force, or no longer, when this returns. */
static int change_binding(struct consumer *k, unsigned shard, bool bound)
{
    char text[32];
    snprintf(text, sizeof text, "%s.#", shard_destination(shard).text);
    amqp_bytes_t queue = amqp_cstring_bytes(k->own_queue), key = amqp_cstring_bytes(text);
    amqp_bytes_t exchange = amqp_cstring_bytes(exchange_name(EXCHANGE_BOARD));
    amqp_connection_state_t amqp = k->connection->amqp;
    if (bound)
        amqp_queue_bind(amqp, OWN_CHANNEL, queue, exchange, key, amqp_empty_table);
    else
        amqp_queue_unbind(amqp, OWN_CHANNEL, queue, exchange, key, amqp_empty_table);
    return link_connection_rpc(k->connection, bound ? "bind" : "unbind");
}

static int take_shard(struct consumer *k, unsigned shard, enum hold hold)
{
    char name[32];
    if (hold == HOLD_BINDING)
        return change_binding(k, shard, true);
    history_queue(shard, name, sizeof name);
    int r = open_channel(k, SHARD_CHANNEL + shard);
    return r < 0 ? r : consume(k, SHARD_CHANNEL + shard, name);
}

static int drop_shard(struct consumer *k, unsigned shard, enum hold hold)
{
    if (hold == HOLD_CONSUMER)
        return close_channel(k, SHARD_CHANNEL + shard);
    return change_binding(k, shard, false);
}

static int change_shard(struct consumer *k, unsigned shard, enum hold wanted)
{
    enum hold have = k->have[shard];
    int r = have == HOLD_NONE ? 0 : drop_shard(k, shard, have);
    if (r == 0 && wanted != HOLD_NONE)
        r = take_shard(k, shard, wanted);
    if (r < 0)
        return r;
    k->have[shard] = wanted;
    struct note *note = note_new(NOTE_SHARD, (struct span){0});
    note->shard = (int)shard;
    note->yes = wanted != HOLD_NONE;
    link_note(k->link, note, NULL);
    return 0;
}

static int change_shards(struct consumer *k)
{
    for (unsigned shard = 0; shard < k->link->config.shards; shard++) {
        pthread_mutex_lock(&k->link->lock);
        enum hold wanted = k->link->wanted[shard];
        pthread_mutex_unlock(&k->link->lock);
        if (wanted != k->have[shard] && change_shard(k, shard, wanted) < 0)
            return -EIO;
    }
    return 0;
}

/* ---- deliveries ------------------------------------------------------------------------------ */

static bool is_pulse(const struct consumer *k, unsigned channel, amqp_bytes_t key)
{
    char own[40];
    pulse_key(k->link, own, sizeof own);
    return channel == OWN_CHANNEL && key.len == strlen(own) && memcmp(key.bytes, own, key.len) == 0;
}

/* It is for the publisher, not for the loop, which may be slow. */
static void take_pulse(struct consumer *k, struct span body)
{
    uint64_t clock;
    if (body.len != sizeof clock)
        return;
    memcpy(&clock, body.data, sizeof clock);
    k->link->pulse_back = clock;
}

static void deliver(struct consumer *k, unsigned channel)
{
    struct channel *ch = &k->channels[channel];
    if (ch->is_pulse) {
        take_pulse(k, buf_span(&ch->content.body));
        return;
    }
    struct note *note = note_new(NOTE_MESSAGE, buf_span(&ch->content.body));
    if (channel >= SHARD_CHANNEL)
        note->shard = (int)(channel - SHARD_CHANNEL);
    if (channel != OWN_CHANNEL)
        note->tag = (uint64_t)ch->generation << (TAG_BITS + CHANNEL_BITS) |
                    (uint64_t)channel << TAG_BITS | ch->delivery;
    k->link->stats.received++;
    k->link->stats.receive_bytes += note->len;
    link_note(k->link, note, &k->full);
}

static void take_frame(struct consumer *k, const amqp_frame_t *frame)
{
    if (frame->channel == 0 || frame->channel >= k->channel_count)
        return;
    struct channel *ch = &k->channels[frame->channel];
    if (ch->generation == 0)
        return; /* still under way when the channel was closed */
    if (frame->frame_type != AMQP_FRAME_METHOD) {
        if (content_frame(&ch->content, frame))
            deliver(k, frame->channel);
    } else if (frame->payload.method.id == AMQP_BASIC_DELIVER_METHOD) {
        const amqp_basic_deliver_t *deliver = frame->payload.method.decoded;
        ch->delivery = deliver->delivery_tag;
        ch->is_pulse = is_pulse(k, frame->channel, deliver->routing_key);
        content_begin(&ch->content);
    }
}

/* 1: there may be more. */
static int read_some(struct consumer *k)
{
    amqp_frame_t frame;
    for (unsigned i = 0; i < LINK_FRAMES_PER_TURN && !k->full; i++) {
        int r = link_connection_read(k->connection, &frame);
        if (r <= 0)
            return r;
        take_frame(k, &frame);
        amqp_maybe_release_buffers(k->connection->amqp);
    }
    return !k->full;
}

/* The broker always reads this connection; should it be frozen, the kernel ends it. */
static int ack(struct consumer *k, uint64_t tag)
{
    unsigned channel = (unsigned)(tag >> TAG_BITS) & ((1u << CHANNEL_BITS) - 1);
    if (channel >= k->channel_count ||
        k->channels[channel].generation != tag >> (TAG_BITS + CHANNEL_BITS))
        return 0; /* of a channel that is gone: the broker sends it again */
    int r = amqp_basic_ack(k->connection->amqp, (amqp_channel_t)channel,
                           tag & ((UINT64_C(1) << TAG_BITS) - 1), false);
    if (r == AMQP_STATUS_OK)
        return 0;
    return link_connection_fail(k->connection, "ack: %s", amqp_error_string2(r));
}

static int ack_all(struct consumer *k, const uint64_t *done, size_t count)
{
    int r = 0;
    if (count > 1)
        link_connection_cork(k->connection, true);
    for (size_t i = 0; i < count && r == 0; i++)
        r = ack(k, done[i]);
    if (count > 1)
        link_connection_cork(k->connection, false);
    return r;
}

/* Does what the loop asked for since the last turn. */
static int take_orders(struct consumer *k)
{
    struct link *l = k->link;
    pthread_mutex_lock(&l->lock);
    uint64_t *done = l->done;
    size_t count = l->done_count;
    bool wants_changed = l->wants_changed;
    l->done = NULL;
    l->done_count = l->done_cap = 0;
    l->wants_changed = false;
    k->full = l->in_full;
    pthread_mutex_unlock(&l->lock);
    int r = ack_all(k, done, count);
    free(done);
    return r == 0 && wants_changed ? change_shards(k) : r;
}

/* ---- a connection's life --------------------------------------------------------------------- */

static int open_connection(struct consumer *k)
{
    char name[64];
    snprintf(name, sizeof name, "%s consumes", k->link->config.self.text);
    if (link_connection_open(k->connection, &k->link->config.broker, name) < 0 ||
        open_channel(k, OWN_CHANNEL) < 0)
        return -EIO;
    link_connection_cork(k->connection, true);
    int r = link_connection_declare_exchanges(k->connection, OWN_CHANNEL);
    r = r < 0 ? r : declare_shared(k);
    r = r < 0 ? r : declare_own(k);
    link_connection_cork(k->connection, false);
    if (r < 0)
        return r;
    /* The first answer since the channel was opened: all that was told before is done by then. */
    if (consume(k, OWN_CHANNEL, k->own_queue) < 0)
        return blame_quorum(k);
    if (k->link->config.serves_replay &&
        (open_channel(k, REPLAY_CHANNEL) < 0 || consume(k, REPLAY_CHANNEL, "easel.replay") < 0))
        return -EIO;
    return change_shards(k);
}

static int serve(struct consumer *k)
{
    while (k->link->stop_ms == 0) {
        /* Reading comes last: an RPC may have read ahead, and then the socket is silent. */
        int more = take_orders(k);
        if (more == 0)
            more = read_some(k);
        if (more < 0)
            return -EIO;
        if (more == 0)
            link_connection_wait(k->connection, k->worker->wake, false, k->full);
    }
    return 0;
}

void consumer_session(struct worker *w)
{
    struct link *l = w->link;
    struct consumer k = {.link = l, .worker = w, .connection = &w->connection};
    k.channel_count = SHARD_CHANNEL + l->config.shards;
    k.channels = xcalloc(k.channel_count, sizeof *k.channels);
    k.have = xcalloc(l->config.shards, sizeof *k.have);
    int r = open_connection(&k);
    if (r == 0) {
        l->stats.connects++;
        link_note_state(l, NOTE_CONSUMER, true, "");
        l->consuming = true;
        r = serve(&k);
        l->consuming = false;
    }
    link_connection_close(&w->connection, r == 0);
    link_note_state(l, NOTE_CONSUMER, false, w->connection.trouble);
    for (unsigned i = 0; i < k.channel_count; i++)
        buf_free(&k.channels[i].content.body);
    free(k.channels);
    free(k.have);
}
