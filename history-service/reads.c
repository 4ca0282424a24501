/* SPDX-License-Identifier: Apache-2.0 */
#include "reads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history_core.h"
#include "items.h"
#include "lines.h"
#include "log.h"

struct reads {
    struct database *db;
    struct outbox *out;
    void (*message_done)(void *owner, uint64_t tag);
    void *owner;
    struct lines *lines;
    TAILQ_HEAD(, read) under_way;
    char told[200]; /* what the log was told last */
    struct reads_stats stats;
};

struct read {
    struct job job; /* first, so that a job is its read */
    struct waiting waiting;
    TAILQ_ENTRY(read) link; /* reads.under_way */
    struct reads *reads;
    struct message *message;
    struct id gateway;
    struct history_page page; /* with what is asked */
    uint64_t tail, incarnation;
    int error;
    char why[200];
};

/* A broker message, until all its requests are answered or dropped. */
struct message {
    uint64_t tag;
    unsigned users; /* these, and whoever reads the message */
};

struct reads *reads_create(struct database *db, struct outbox *out,
                           void (*message_done)(void *owner, uint64_t tag), void *owner)
{
    struct reads *r = xcalloc(1, sizeof *r);
    r->db = db;
    r->out = out;
    r->message_done = message_done;
    r->owner = owner;
    r->lines = lines_create(READS_WAITING_MAX);
    TAILQ_INIT(&r->under_way);
    r->stats.seconds = HISTOGRAM_OF_SECONDS;
    return r;
}

static void message_leave(struct reads *r, struct message *message)
{
    if (--message->users > 0)
        return;
    r->message_done(r->owner, message->tag);
    free(message);
}

static void read_end(struct read *read)
{
    message_leave(read->reads, read->message);
    history_page_free(&read->page);
    free(read);
}

static struct read *read_of(struct waiting *w)
{
    return w ? (struct read *)((char *)w - offsetof(struct read, waiting)) : NULL;
}

static void nobody_listens(void *owner, uint64_t tag)
{
    (void)owner, (void)tag;
}

void reads_destroy(struct reads *r)
{
    if (!r)
        return;
    r->message_done = nobody_listens;
    struct read *read, *next;
    for (read = TAILQ_FIRST(&r->under_way); read; read = next) {
        next = TAILQ_NEXT(read, link);
        read_end(read);
    }
    while ((read = read_of(lines_next(r->lines))))
        read_end(read);
    lines_destroy(r->lines);
    free(r);
}

/* ---- in the database's thread ---------------------------------------------------------------- */

/* The tail is read before the events: what is said to be there, is. Or else it was erased
 * meanwhile, which the next question tells. A page ends before what is broken; one that would begin
 * with that is none. */
static int read_page(struct store *store, struct read *read)
{
    const struct msg_read *m = &read->page.request;
    struct record last;
    uint64_t first = m->from;
    int e = store_last(store, &m->board, &last);
    if (e < 0 || record_is_tombstone(&last))
        return e == -ENOENT ? 0 : e;
    read->tail = record_last(&last);
    if (m->from == NIL)
        e = store_find_time(store, &m->board, m->since, &first);
    if (e < 0 || first > read->tail)
        return e == -ENOENT ? 0 : e;
    e = store_read(store, &m->board, first, m->to, history_page_record, &read->page);
    if (e == 0 && read->page.broken)
        e = -EBADMSG;
    return e == -EBADMSG && read->page.events.len > 0 ? 0 : e;
}

static void run_read(struct job *job, struct store *store)
{
    struct read *read = (struct read *)job;
    read->error = read_page(store, read);
    read->incarnation = store_incarnation(store);
    if (read->page.broken)
        snprintf(read->why, sizeof read->why, "a record of board %s is not the events that it says",
                 log_board(&read->page.request.board));
    else if (read->error < 0)
        snprintf(read->why, sizeof read->why, "%s", store_why(store));
}

/* ---- on the loop ----------------------------------------------------------------------------- */

/* Gateways ask again and again: the same is told once. */
static void tell(struct reads *r, const struct read *read)
{
    if (strcmp(read->why, r->told) == 0)
        return;
    log_error("cannot read: %s", read->why);
    snprintf(r->told, sizeof r->told, "%s", read->why);
}

static void start_reads(struct reads *r)
{
    struct read *read;
    while (database_waiting(r->db) < READS_UNDER_WAY_MAX &&
           (read = read_of(lines_next(r->lines)))) {
        TAILQ_INSERT_TAIL(&r->under_way, read, link);
        database_submit(r->db, &read->job); /* it has room */
    }
}

static void on_read(struct job *job)
{
    struct read *read = (struct read *)job;
    struct reads *r = read->reads;
    TAILQ_REMOVE(&r->under_way, read, link);
    start_reads(r);
    histogram_add(&r->stats.seconds, job->seconds);
    r->stats.bytes += read->page.events.len;
    r->stats.broken += read->error == -EBADMSG;
    if (*read->why)
        tell(r, read);
    if (read->error < 0)
        r->stats.errors++; /* no answer: the gateway asks again */
    else
        history_page_answer(&read->page, read->tail, read->incarnation, &read->gateway, r->out);
    read_end(read);
}

static bool is_same(const struct read *read, const struct id *gateway, const struct msg_read *m)
{
    return read->page.request.nonce == m->nonce && read->page.request.from == m->from &&
           id_equal(&read->gateway, gateway) && id_equal(&read->page.request.board, &m->board);
}

/* It came before and is not answered yet: a gateway that waits long repeats what it asked. */
static bool waits(const struct reads *r, const struct id *gateway, const struct msg_read *m)
{
    const struct read *read;
    TAILQ_FOREACH (read, &r->under_way, link)
        if (is_same(read, gateway, m))
            return true;
    struct waiting *w = lines_first(r->lines, &m->board);
    for (; w; w = TAILQ_NEXT(w, link))
        if (is_same(read_of(w), gateway, m))
            return true;
    return false;
}

static void add(struct reads *r, struct message *message, const struct id *gateway,
                const struct msg_read *request)
{
    r->stats.requests++;
    if (waits(r, gateway, request)) {
        r->stats.repeats++;
        return;
    }
    struct read *read = xcalloc(1, sizeof *read);
    *read = (struct read){.job = {.run = run_read, .done = on_read},
                          .waiting = {.board = request->board},
                          .reads = r,
                          .message = message,
                          .gateway = *gateway};
    history_page_begin(&read->page, request);
    message->users++;
    struct read *dropped = read_of(lines_put(r->lines, &read->waiting));
    if (dropped) {
        r->stats.dropped++;
        read_end(dropped);
    }
}

static void take_requests(struct reads *r, struct message *message, struct span body)
{
    struct items it = items_of(body, &r->stats.bad_messages);
    unsigned code;
    union any_item item;
    while (items_next(&it, KIND_HISTORY, &code, &item))
        if (code == TO_HISTORY_read && (item.read.from != NIL || item.read.since != NIL))
            add(r, message, &it.sender, &item.read);
        else
            r->stats.bad_messages++;
}

void reads_message(struct reads *r, uint64_t tag, struct span body)
{
    struct message *message = xcalloc(1, sizeof *message);
    *message = (struct message){.tag = tag, .users = 1};
    take_requests(r, message, body);
    message_leave(r, message);
    start_reads(r);
}

const struct reads_stats *reads_stats(const struct reads *r)
{
    return &r->stats;
}

unsigned reads_waiting(const struct reads *r)
{
    return lines_count(r->lines) + database_waiting(r->db);
}
