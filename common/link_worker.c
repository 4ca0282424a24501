/* SPDX-License-Identifier: Apache-2.0 */
#include "link_private.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "process.h"

/* ---- between a thread and the loop ----------------------------------------------------------- */

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
    l->stats.in_bytes += sizeof *note + note->len;
    if (full)
        l->in_full = *full = l->stats.in_bytes >= LINK_IN_BYTES_MAX;
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

void link_wake(int eventfd)
{
    uint64_t one = 1;
    ssize_t written = write(eventfd, &one, sizeof one);
    (void)written; /* fails only when the count is at its end, which wakes just as well */
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
        l->stats.out_bytes -= post->len;
        l->stats.dropped++;
        free(post);
    }
}

void pulse_key(const struct link *l, char *ret, size_t size)
{
    snprintf(ret, size, "%s.pulse", l->config.self.text);
}

/* ---- the life of a thread -------------------------------------------------------------------- */

/* Waits for about `ms`, or until the link stops. */
static void pause_before_retry(struct worker *w, unsigned ms)
{
    uint64_t until = link_now_ms() + ms / 2 + process_random() % (ms / 2 + 1);
    for (uint64_t now; w->link->stop_ms == 0 && (now = link_now_ms()) < until;) {
        struct pollfd fd = {.fd = w->wake, .events = POLLIN};
        uint64_t count;
        if (poll(&fd, 1, (int)(until - now)) == 1 && read(w->wake, &count, sizeof count) < 0)
            return;
    }
}

static void *run(void *worker)
{
    struct worker *w = worker;
    unsigned backoff_ms = LINK_BACKOFF_MIN_MS;
    while (w->link->stop_ms == 0) {
        uint64_t begun = link_now_ms();
        w->session(w);
        if (link_now_ms() - begun >= LINK_STABLE_MS)
            backoff_ms = LINK_BACKOFF_MIN_MS;
        pause_before_retry(w, backoff_ms);
        backoff_ms = backoff_ms * 2 < LINK_BACKOFF_MAX_MS ? backoff_ms * 2 : LINK_BACKOFF_MAX_MS;
    }
    link_wake(w->ended);
    return NULL;
}

int worker_start(struct worker *w, struct link *l, void (*session)(struct worker *w))
{
    w->link = l;
    w->session = session;
    int r = process_thread(&w->thread, run, w);
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

bool worker_join(struct worker *w, uint64_t timeout_ms)
{
    if (!w->started)
        return true;
    if (!await_end(w, timeout_ms)) {
        link_connection_abort(&w->connection);
        if (!await_end(w, LINK_ABORTED_MS)) {
            pthread_detach(w->thread);
            return false;
        }
    }
    pthread_join(w->thread, NULL);
    return true;
}

int worker_init(struct worker *w)
{
    link_connection_init(&w->connection);
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->ended = eventfd(0, EFD_CLOEXEC);
    return w->wake < 0 || w->ended < 0 ? -errno : 0;
}

void worker_finish(struct worker *w)
{
    link_connection_finish(&w->connection);
    if (w->wake >= 0)
        close(w->wake);
    if (w->ended >= 0)
        close(w->ended);
}
