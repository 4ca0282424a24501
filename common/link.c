/* SPDX-License-Identifier: Apache-2.0 */
#include "link_private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define BACKOFF_MIN_MS 100u
#define BACKOFF_MAX_MS 500u   /* there is always work: somebody waits */
#define STABLE_MS      10000u /* a connection that lasted so long starts the backoff anew */
#define ABORTED_MS     10000  /* for a thread to end after its socket was shut down */

uint64_t link_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- from the threads to the loop ------------------------------------------------------------ */

struct note *note_new(enum note_kind kind, struct span body)
{
    struct note *note = xcalloc(1, sizeof *note + body.len);
    note->kind = kind;
    note->shard = -1;
    note->len = body.len;
    if (body.len)
        memcpy(note->body, body.data, body.len);
    return note;
}

void link_note(struct link *l, struct note *note, bool *full)
{
    pthread_mutex_lock(&l->lock);
    bool first = STAILQ_EMPTY(&l->notes) && !l->closed;
    STAILQ_INSERT_TAIL(&l->notes, note, queue);
    l->in_bytes += sizeof *note + note->len;
    if (full)
        *full = l->in_full = l->in_bytes >= LINK_IN_BYTES_MAX;
    pthread_mutex_unlock(&l->lock);
    if (first)
        uv_async_send(&l->async);
}

void link_note_state(struct link *l, enum note_kind kind, bool up, const char *trouble)
{
    pthread_mutex_lock(&l->lock);
    if (*trouble)
        snprintf(l->trouble, sizeof l->trouble, "%s", trouble);
    pthread_mutex_unlock(&l->lock);
    struct note *note = note_new(kind, (struct span){0});
    note->yes = up;
    link_note(l, note, NULL);
}

/* After `up`, so that whoever is told of a shard can publish. */
static void tell_shards(struct link *l)
{
    for (unsigned s = 0; s < l->config.shards; s++) {
        bool held = l->held[s] && (l->up || l->told[s]);
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
    bool changed = up != l->up;
    l->up = up;
    l->silent = l->silent && up;
    l->was_up = l->was_up || up;
    if (trouble_is_new(l) || changed) /* no trouble while it is up */
        (up ? l->events->up : l->events->down)(l->owner);
    tell_shards(l);
}

/* What is down is more than silent, and was told. */
static void tell_silent(struct link *l, bool silent)
{
    if (!l->up || silent == l->silent)
        return;
    l->silent = silent;
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
    l->in_bytes = 0;
    l->in_full = false;
    pthread_mutex_unlock(&l->lock);
    if (was_full)
        worker_wake(&l->consumer);
    struct note *note;
    while ((note = STAILQ_FIRST(&notes))) {
        STAILQ_REMOVE_HEAD(&notes, queue);
        dispatch(l, note);
        free(note);
    }
}

/* ---- from the loop to the threads ------------------------------------------------------------ */

void worker_wake(struct worker *w)
{
    uint64_t one = 1;
    ssize_t written = write(w->wake, &one, sizeof one);
    (void)written; /* fails only when the count is at its end, which wakes just as well */
}

int link_publish(struct link *l, const struct outbox_message *message)
{
    size_t len = message->body.len;
    pthread_mutex_lock(&l->lock);
    bool fits = l->out_bytes + len <= LINK_OUT_BYTES_MAX;
    pthread_mutex_unlock(&l->lock);
    if (!l->up || !fits) {
        l->dropped++;
        return l->up ? -ENOBUFS : -ENOTCONN;
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
    l->out_bytes += len;
    pthread_mutex_unlock(&l->lock);
    if (first)
        worker_wake(&l->publisher);
    return 0;
}

static void want(struct link *l, unsigned shard, enum hold hold)
{
    if (shard >= l->config.shards)
        return;
    pthread_mutex_lock(&l->lock);
    bool changed = l->wanted[shard] != hold;
    l->wanted[shard] = hold;
    l->wants_changed = l->wants_changed || changed;
    pthread_mutex_unlock(&l->lock);
    if (changed)
        worker_wake(&l->consumer);
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
        worker_wake(&l->consumer);
}

void link_take_posts(struct link *l, struct post_queue *ret)
{
    pthread_mutex_lock(&l->lock);
    STAILQ_CONCAT(ret, &l->posts);
    pthread_mutex_unlock(&l->lock);
}

/* What waited for a connection that is gone is old: the hops repeat what is still wanted. */
void link_drop_posts(struct link *l, struct post_queue *posts)
{
    struct post *post;
    link_take_posts(l, posts);
    while ((post = STAILQ_FIRST(posts))) {
        STAILQ_REMOVE_HEAD(posts, queue);
        pthread_mutex_lock(&l->lock);
        l->out_bytes -= post->len;
        pthread_mutex_unlock(&l->lock);
        l->dropped++;
        free(post);
    }
}

uint64_t link_stop_ms(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    uint64_t stop_ms = l->stop_ms;
    pthread_mutex_unlock(&l->lock);
    return stop_ms;
}

bool link_is_full(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    bool full = l->in_full;
    pthread_mutex_unlock(&l->lock);
    return full;
}

/* ---- the pulse ------------------------------------------------------------------------------- */

enum exchange pulse_exchange(const struct link *l)
{
    return l->config.hears_board     ? EXCHANGE_BOARD
           : l->config.hears_gateway ? EXCHANGE_GATEWAY
                                     : EXCHANGE_HISTORY;
}

void pulse_key(const struct link *l, char *ret, size_t size)
{
    snprintf(ret, size, "%s.pulse", l->config.self.text);
}

/* ---- the life of a thread -------------------------------------------------------------------- */

/* Waits for about `ms`, or until the link stops. */
static void pause_before_retry(struct worker *w, unsigned ms)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, 0) < 0)
        random = 0;
    uint64_t until = link_now_ms() + ms / 2 + random % (ms / 2 + 1);
    for (uint64_t now; link_stop_ms(w->link) == 0 && (now = link_now_ms()) < until;) {
        struct pollfd fd = {.fd = w->wake, .events = POLLIN};
        uint64_t count;
        if (poll(&fd, 1, (int)(until - now)) == 1 && read(w->wake, &count, sizeof count) < 0)
            return;
    }
}

void worker_run(struct worker *w, void (*session)(struct worker *w))
{
    unsigned backoff_ms = BACKOFF_MIN_MS;
    while (link_stop_ms(w->link) == 0) {
        uint64_t begun = link_now_ms();
        session(w);
        if (link_now_ms() - begun >= STABLE_MS)
            backoff_ms = BACKOFF_MIN_MS;
        pause_before_retry(w, backoff_ms);
        backoff_ms = backoff_ms * 2 < BACKOFF_MAX_MS ? backoff_ms * 2 : BACKOFF_MAX_MS;
    }
    uint64_t one = 1;
    ssize_t written = write(w->ended, &one, sizeof one);
    (void)written;
}

static int worker_start(struct worker *w, struct link *l, void *(*run)(void *))
{
    sigset_t all, before;
    w->link = l;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    int r = -pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    w->started = r == 0;
    return r;
}

static bool await_end(struct worker *w, uint64_t timeout_ms)
{
    struct pollfd fd = {.fd = w->ended, .events = POLLIN};
    int r;
    while ((r = poll(&fd, 1, (int)timeout_ms)) < 0 && errno == EINTR)
        ;
    return r == 1;
}

/* False: the thread hangs in a name look-up. It and its memory are left to the end of the process.
 */
static bool worker_join(struct worker *w, uint64_t timeout_ms)
{
    if (!w->started)
        return true;
    if (!await_end(w, timeout_ms)) {
        connection_abort(&w->connection);
        if (!await_end(w, ABORTED_MS)) {
            pthread_detach(w->thread);
            return false;
        }
    }
    pthread_join(w->thread, NULL);
    return true;
}

/* ---- create and destroy ---------------------------------------------------------------------- */

static int worker_init(struct worker *w)
{
    connection_init(&w->connection);
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->ended = eventfd(0, EFD_CLOEXEC);
    return w->wake < 0 || w->ended < 0 ? -errno : 0;
}

static void worker_finish(struct worker *w)
{
    connection_finish(&w->connection);
    if (w->wake >= 0)
        close(w->wake);
    if (w->ended >= 0)
        close(w->ended);
}

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
    struct address text;
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
    r = worker_start(&l->publisher, l, publisher_main);
    if (r == 0)
        r = worker_start(&l->consumer, l, consumer_main);
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
    pthread_mutex_lock(&l->lock);
    l->stop_ms = link_now_ms() + timeout_ms;
    pthread_mutex_unlock(&l->lock);
    worker_wake(&l->publisher);
    worker_wake(&l->consumer);
    bool joined = worker_join(&l->publisher, timeout_ms);
    joined = worker_join(&l->consumer, timeout_ms) && joined;
    pthread_mutex_lock(&l->lock);
    l->closed = true;
    pthread_mutex_unlock(&l->lock);
    uv_close((uv_handle_t *)&l->async, joined ? on_closed : NULL);
}

/* ---- looking at it --------------------------------------------------------------------------- */

bool link_is_up(const struct link *l)
{
    return l->up;
}

bool link_was_up(const struct link *l)
{
    return l->was_up;
}

const char *link_trouble(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    snprintf(l->trouble_copy, sizeof l->trouble_copy, "%s", l->up ? "" : l->trouble);
    pthread_mutex_unlock(&l->lock);
    return l->trouble_copy;
}

void link_stats(struct link *l, struct link_stats *ret)
{
    pthread_mutex_lock(&l->lock);
    *ret = (struct link_stats){.out_bytes = l->out_bytes, .in_bytes = l->in_bytes};
    pthread_mutex_unlock(&l->lock);
    ret->published = l->published;
    ret->publish_bytes = l->publish_bytes;
    ret->dropped = l->dropped;
    ret->returned = l->returned;
    ret->received = l->received;
    ret->receive_bytes = l->receive_bytes;
    ret->connects = l->connects;
    ret->blocked = l->blocked;
    ret->silent = l->silent;
}
