/* SPDX-License-Identifier: Apache-2.0 */
#include "link_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- from the threads to the loop ------------------------------------------------------------ */

/* After `up`, so that whoever is told of a shard can publish. */
static void tell_shards(struct link *l)
{
    for (unsigned s = 0; s < l->config.shards; s++) {
        bool held = l->held[s] && (l->stats.up || l->told[s]);
        if (held == l->told[s])
            continue;
        l->told[s] = held;
        if (l->events->shard)
            l->events->shard(l->owner, s, held);
    }
}

static bool trouble_is_new(struct link *l)
{
    const char *now = link_trouble(l);
    bool is_new = strcmp(now, l->trouble_told) != 0;
    snprintf(l->trouble_told, sizeof l->trouble_told, "%s", now);
    return is_new;
}

static void update_up(struct link *l)
{
    bool up = l->publisher_up && l->consumer_up;
    if (!up)
        tell_shards(l);
    bool changed = up != l->stats.up;
    l->stats.up = up;
    l->stats.silent = l->stats.silent && up;
    l->stats.was_up = l->stats.was_up || up;
    if (trouble_is_new(l) || changed) /* no trouble while it is up */
        l->events->state(l->owner, up);
    tell_shards(l);
}

/* What is down is more than silent, and was told. */
static void tell_silent(struct link *l, bool silent)
{
    if (!l->stats.up || silent == l->stats.silent)
        return;
    l->stats.silent = silent;
    if (l->events->silent)
        l->events->silent(l->owner, silent);
}

static void dispatch(struct link *l, const struct note *note)
{
    struct span body = {note->body, note->len};
    switch (note->kind) {
    case NOTE_MESSAGE:
        l->events->message(l->owner, &(struct link_delivery){note->tag, note->shard, body});
        return;
    case NOTE_RETURNED:
        if (l->events->returned)
            l->events->returned(l->owner, note->exchange, note->key, body);
        return;
    case NOTE_SHARD:
        l->held[note->shard] = note->yes;
        tell_shards(l);
        return;
    case NOTE_PUBLISHER:
        l->publisher_up = note->yes;
        update_up(l);
        return;
    case NOTE_CONSUMER:
        l->consumer_up = note->yes;
        if (!l->consumer_up) /* here alone: its next connection tells of shards before it is up */
            memset(l->held, 0, l->config.shards * sizeof *l->held);
        update_up(l);
        return;
    case NOTE_SILENT:
        tell_silent(l, note->yes);
        return;
    }
}

static void on_notes(uv_async_t *async)
{
    struct link *l = async->data;
    struct note_queue notes = STAILQ_HEAD_INITIALIZER(notes);
    pthread_mutex_lock(&l->lock);
    STAILQ_CONCAT(&notes, &l->notes);
    bool was_full = l->in_full;
    l->stats.in_bytes = 0;
    l->in_full = false;
    pthread_mutex_unlock(&l->lock);
    if (was_full)
        link_wake(l->consumer.wake);
    struct note *note;
    while ((note = STAILQ_FIRST(&notes))) {
        STAILQ_REMOVE_HEAD(&notes, queue);
        dispatch(l, note);
        free(note);
    }
}

/* ---- from the loop to the threads ------------------------------------------------------------ */

int link_publish(struct link *l, const struct outbox_message *message)
{
    size_t len = message->body.len;
    if (!l->stats.up || l->stats.out_bytes + len > LINK_OUT_BYTES_MAX) {
        l->stats.dropped++;
        return l->stats.up ? -ENOBUFS : -ENOTCONN;
    }
    struct post *post = xcalloc(1, sizeof *post + len);
    post->exchange = message->exchange;
    post->mandatory = message->mandatory;
    snprintf(post->key, sizeof post->key, "%s",
             message->exchange == EXCHANGE_REPLAY ? "easel.replay" : message->key);
    post->len = len;
    memcpy(post->body, message->body.data, len);
    pthread_mutex_lock(&l->lock);
    bool first = STAILQ_EMPTY(&l->posts);
    STAILQ_INSERT_TAIL(&l->posts, post, queue);
    l->stats.out_bytes += len;
    pthread_mutex_unlock(&l->lock);
    if (first)
        link_wake(l->publisher.wake);
    return 0;
}

static void want(struct link *l, unsigned shard, enum hold hold)
{
    if (shard >= l->config.shards || l->wanted[shard] == hold) /* only this thread changes it */
        return;
    pthread_mutex_lock(&l->lock);
    l->wanted[shard] = hold;
    l->wants_changed = true;
    pthread_mutex_unlock(&l->lock);
    link_wake(l->consumer.wake);
}

void link_bind(struct link *l, unsigned shard, bool wanted)
{
    want(l, shard, wanted ? HOLD_BINDING : HOLD_NONE);
}

void link_consume(struct link *l, unsigned shard, bool wanted)
{
    want(l, shard, wanted ? HOLD_CONSUMER : HOLD_NONE);
}

/* Bounded by the prefetch: there is one for each delivery at most. */
void link_done(struct link *l, uint64_t tag)
{
    if (tag == 0)
        return;
    pthread_mutex_lock(&l->lock);
    if (l->done_count == l->done_cap) {
        l->done_cap = l->done_cap ? l->done_cap * 2 : 64;
        l->done = xrealloc(l->done, l->done_cap, sizeof *l->done);
    }
    l->done[l->done_count++] = tag;
    bool first = l->done_count == 1;
    pthread_mutex_unlock(&l->lock);
    if (first)
        link_wake(l->consumer.wake);
}

/* ---- create and destroy ---------------------------------------------------------------------- */

static void link_free(struct link *l)
{
    struct post_queue posts = STAILQ_HEAD_INITIALIZER(posts);
    struct note *note;
    link_drop_posts(l, &posts);
    while ((note = STAILQ_FIRST(&l->notes))) {
        STAILQ_REMOVE_HEAD(&l->notes, queue);
        free(note);
    }
    worker_finish(&l->publisher);
    worker_finish(&l->consumer);
    pthread_mutex_destroy(&l->lock);
    free(l->wanted);
    free(l->done);
    free(l->held);
    free(l->told);
    free(l);
}

static void on_closed(uv_handle_t *async)
{
    link_free(async->data);
}

static int check_config(const struct link_config *config)
{
    struct amqp_connection_info at;
    struct address_text text;
    int r = broker_parse(&config->broker, &text, &at);
    address_close(&text);
    return r;
}

int link_create(uv_loop_t *loop, const struct link_config *config, const struct link_events *events,
                void *owner, struct link **ret)
{
    int r = check_config(config);
    if (r < 0)
        return r;
    struct link *l = xcalloc(1, sizeof *l);
    l->config = *config;
    l->events = events;
    l->owner = owner;
    pthread_mutex_init(&l->lock, NULL);
    STAILQ_INIT(&l->posts);
    STAILQ_INIT(&l->notes);
    l->wanted = xcalloc(config->shards, sizeof *l->wanted);
    l->held = xcalloc(config->shards, sizeof *l->held);
    l->told = xcalloc(config->shards, sizeof *l->told);
    int p = worker_init(&l->publisher), c = worker_init(&l->consumer);
    r = p < 0 ? p : c;
    if (r == 0)
        r = uv_async_init(loop, &l->async, on_notes);
    if (r < 0) {
        link_free(l);
        return r;
    }
    l->async.data = l;
    r = worker_start(&l->publisher, l, publisher_session);
    if (r == 0)
        r = worker_start(&l->consumer, l, consumer_session);
    if (r < 0) {
        link_destroy(l, 0);
        return r;
    }
    *ret = l;
    return 0;
}

void link_destroy(struct link *l, unsigned timeout_ms)
{
    if (!l)
        return;
    l->stop_ms = link_now_ms() + timeout_ms;
    link_wake(l->publisher.wake);
    link_wake(l->consumer.wake);
    bool joined = worker_join(&l->publisher, timeout_ms);
    joined = worker_join(&l->consumer, timeout_ms) && joined;
    pthread_mutex_lock(&l->lock);
    l->closed = true;
    pthread_mutex_unlock(&l->lock);
    uv_close((uv_handle_t *)&l->async, joined ? on_closed : NULL);
}

/* ---- looking at it --------------------------------------------------------------------------- */

const char *link_trouble(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    snprintf(l->trouble_copy, sizeof l->trouble_copy, "%s", l->stats.up ? "" : l->trouble);
    pthread_mutex_unlock(&l->lock);
    return l->trouble_copy;
}

const struct link_stats *link_stats(const struct link *l)
{
    return &l->stats;
}
