/* SPDX-License-Identifier: Apache-2.0 */
#include "rounds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "checks.h"
#include "event.h"
#include "process.h"

/* What was read of one board. */
struct loaded {
    int result; /* of store_last */
    struct record last;
    char name[NAME_BYTES_MAX + 1];
    uint64_t rules_at; /* that event is looked for */
    struct buf rules;
};

struct tags {
    uint64_t *tag;
    size_t count, cap;
};

struct rounds {
    struct job job; /* first, so that the job is the rounds */
    struct history_core *core;
    struct database *db;
    const struct rounds_events *events;
    void *owner;
    struct tags current, next; /* of the messages that this round and the next one deal with */

    /* the step under way */
    bool busy;
    const struct history_plan *plan;
    struct loaded *loaded;
    unsigned loaded_count;
    int *results;
    int error;
    bool lost;
    bool append_failed; /* the last time */
    char why[400];

    struct rounds_stats stats;
    struct peak lag; /* in seconds */
};

static void tags_add(struct tags *t, uint64_t tag)
{
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 64;
        t->tag = xrealloc(t->tag, t->cap, sizeof *t->tag);
    }
    t->tag[t->count++] = tag;
}

struct rounds *rounds_create(struct history_core *core, struct database *db,
                             const struct rounds_events *events, void *owner)
{
    struct rounds *r = xcalloc(1, sizeof *r);
    r->core = core;
    r->db = db;
    r->events = events;
    r->owner = owner;
    r->stats.load_seconds = r->stats.append_seconds = HISTOGRAM_OF_SECONDS;
    r->stats.records = HISTOGRAM_OF_COUNTS;
    return r;
}

static void forget_loaded(struct rounds *r)
{
    for (unsigned i = 0; i < r->loaded_count; i++)
        buf_free(&r->loaded[i].rules);
    free(r->loaded);
    r->loaded = NULL;
    r->loaded_count = 0;
}

void rounds_destroy(struct rounds *r)
{
    if (!r)
        return;
    free(r->next.tag);
    free(r->current.tag);
    forget_loaded(r);
    free(r->results);
    free(r);
}

bool rounds_idle(const struct rounds *r)
{
    return !r->busy && !history_core_waiting(r->core);
}

void rounds_message(struct rounds *r, uint64_t tag, struct span body)
{
    if (history_core_message(r->core, process_now_ms(), body) > 0)
        tags_add(&r->next, tag);
    else
        r->events->message_done(r->owner, tag);
}

/* ---- in the database's thread ---------------------------------------------------------------- */

static bool take_name(void *owner, const struct record *record)
{
    struct loaded *l = owner;
    struct cursor in = cursor_of(record->events.data, record->events.len);
    struct msg_ev_created created;
    if (GET(&in, ev_created, &created) == 0) {
        memcpy(l->name, created.name.data, created.name.len);
        l->name[created.name.len] = '\0';
    }
    return false;
}

static bool take_rules(void *owner, const struct record *record)
{
    struct loaded *l = owner;
    struct span event = event_find(record->events, l->rules_at);
    buf_append(&l->rules, event.data, event.len);
    return false;
}

/* The event that the last record's state names; without it the board gets no answer. */
static int load_rules(struct store *store, const struct id *board, struct loaded *l)
{
    struct log_state state;
    buf_clear(&l->rules);
    if (log_state_unpack(state_span(&l->last.state), record_last(&l->last), &state) < 0)
        return l->result = -EBADMSG; /* no store gives such a record */
    l->rules_at = state.rules;
    if (state.rules == 0 || record_is_tombstone(&l->last))
        return 0;
    int e = store_read(store, board, state.rules, state.rules, take_rules, l);
    if (e == 0 && l->rules.len == 0)
        e = -EBADMSG;
    if (e == -EBADMSG)
        l->result = e;
    return e;
}

static int load_one(struct store *store, const struct id *board, struct loaded *l)
{
    int e = l->result = store_last(store, board, &l->last);
    if (e == 0)
        e = store_read(store, board, 1, 1, take_name, l);
    if (e == 0)
        e = load_rules(store, board, l);
    return e == -EIO ? e : 0;
}

static void note_error(struct rounds *r, struct store *store, int error)
{
    r->error = error;
    r->lost = store_lost(store);
    if (error < 0)
        snprintf(r->why, sizeof r->why, "%s", store_why(store));
}

static void run_load(struct job *job, struct store *store)
{
    struct rounds *r = (struct rounds *)job;
    int e = 0;
    for (unsigned i = 0; i < r->plan->load_count && e == 0; i++)
        e = load_one(store, &r->plan->load[i], &r->loaded[i]);
    note_error(r, store, e);
}

static void run_append(struct job *job, struct store *store)
{
    struct rounds *r = (struct rounds *)job;
    int e = store_append(store, r->plan->records, r->plan->record_count, r->results);
    note_error(r, store, e == -EEXIST ? 0 : e);
}

/* ---- on the loop ----------------------------------------------------------------------------- */

/* A database that is read but takes nothing is in trouble until it has stored something. */
static void tell_trouble(struct rounds *r, bool appended)
{
    snprintf(r->stats.lost, sizeof r->stats.lost, "%s", r->lost ? r->why : "");
    bool trouble = r->error < 0 || (r->append_failed && !appended);
    if (appended)
        r->append_failed = r->error < 0;
    if (trouble != r->stats.trouble)
        r->events->trouble(r->owner, trouble ? r->why : NULL);
    r->stats.trouble = trouble;
}

static double waited_seconds(const struct rounds *r)
{
    return (double)history_core_age_ms(r->core, process_now_ms()) / 1000;
}

static void tags_done(struct rounds *r, struct tags *t)
{
    for (size_t i = 0; i < t->count; i++)
        r->events->message_done(r->owner, t->tag[i]);
    t->count = 0;
}

/* What came in the meantime may have been dealt with too. */
static void end_round(struct rounds *r)
{
    tags_done(r, &r->current);
    if (!history_core_waiting(r->core))
        tags_done(r, &r->next);
}

static void submit(struct rounds *r, void (*run)(struct job *, struct store *),
                   void (*done)(struct job *))
{
    CHECK(!r->busy); /* one job at a time */
    r->busy = true;
    r->job = (struct job){.run = run, .done = done};
    database_submit(r->db, &r->job);
}

static void step(struct rounds *r);

static void on_loaded(struct job *job)
{
    struct rounds *r = (struct rounds *)job;
    r->busy = false;
    histogram_add(&r->stats.load_seconds, job->seconds);
    tell_trouble(r, false);
    if (r->error < 0) { /* what it dealt with had waited so long all the same */
        peak_add(&r->lag, process_now_ms(), waited_seconds(r));
        history_core_unavailable(r->core);
        end_round(r);
        return;
    }
    for (unsigned i = 0; i < r->plan->load_count; i++) {
        const struct loaded *l = &r->loaded[i];
        if (l->result == -EBADMSG)
            history_core_broken(r->core, &r->plan->load[i]);
        else
            history_core_loaded(r->core, &r->plan->load[i], l->result == 0 ? &l->last : NULL,
                                span_of(l->name), buf_span(&l->rules));
    }
    step(r);
}

static void on_appended(struct job *job)
{
    struct rounds *r = (struct rounds *)job;
    r->busy = false;
    histogram_add(&r->stats.append_seconds, job->seconds);
    histogram_add(&r->stats.records, (double)r->plan->record_count);
    tell_trouble(r, true);
    peak_add(&r->lag, process_now_ms(), waited_seconds(r));
    history_core_settle(r->core, process_now_ms(), r->results);
    end_round(r);
}

/* Plans; then the database is asked, or the round ends here. */
static void step(struct rounds *r)
{
    CHECK(!r->busy);
    r->plan = history_core_plan(r->core, process_now_ms());
    if (r->plan->load_count > 0) {
        forget_loaded(r);
        r->loaded_count = r->plan->load_count;
        r->loaded = xcalloc(r->loaded_count, sizeof *r->loaded);
        submit(r, run_load, on_loaded);
    } else if (r->plan->record_count > 0) {
        free(r->results);
        r->results = xcalloc(r->plan->record_count, sizeof *r->results);
        submit(r, run_append, on_appended);
    } else {
        history_core_settle(r->core, process_now_ms(), NULL);
        end_round(r);
    }
}

void rounds_turn(struct rounds *r)
{
    while (!r->busy && history_core_waiting(r->core)) {
        struct tags empty = r->current;
        r->current = r->next;
        r->next = empty;
        step(r);
    }
}

const struct rounds_stats *rounds_stats(const struct rounds *r)
{
    return &r->stats;
}

double rounds_lag_seconds(const struct rounds *r)
{
    double lately = peak_value(&r->lag, process_now_ms()), now = waited_seconds(r);
    return now > lately ? now : lately;
}
