/* SPDX-License-Identifier: Apache-2.0 */
#include "upkeep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "process.h"

enum task { ERASE, TIDY, PASS, CHECK, TASKS };

/* What a step of a pass found. */
struct found {
    struct id deleted[UPKEEP_STEP_BOARDS]; /* and not erased yet */
    unsigned deleted_count, there, expired;
    bool end;
    char broken[200]; /* the last record of a board, or empty */
};

struct upkeep {
    struct job job; /* first, so that the job is the upkeep */
    struct history_core *core;
    struct database *db;
    uint64_t keep_ms;

    struct id erase[UPKEEP_ERASE_MAX]; /* a ring from `head` on, stats.waiting of them */
    unsigned head;
    bool untidy;
    uint64_t pause_until_ms, tidy_ms, pass_ms, check_ms;
    uint64_t yields_since_ms; /* to those who wait; 0: it does not */

    /* the pass under way */
    bool passing;
    struct id after;
    uint64_t there, made_before;

    /* the step under way */
    bool busy;
    enum task task, first; /* first: of those that are due */
    uint64_t begun_ms;
    struct found found;
    int result;
    bool lost, failed; /* failed: the last step, and the log says so */
    char why[400];

    struct upkeep_stats stats;
};

struct upkeep *upkeep_create(struct history_core *core, struct database *db, uint64_t keep_ms)
{
    struct upkeep *u = xcalloc(1, sizeof *u);
    u->core = core;
    u->db = db;
    u->keep_ms = keep_ms;
    u->stats.seconds = HISTOGRAM_OF_SECONDS;
    return u;
}

void upkeep_destroy(struct upkeep *u)
{
    free(u);
}

const struct upkeep_stats *upkeep_stats(const struct upkeep *u)
{
    return &u->stats;
}

/* ---- in the database's thread ---------------------------------------------------------------- */

/* Its end, as if its owner had deleted it. -EEXIST: it is used again, or another was quicker. */
static int expire(struct store *store, const struct record *last, uint64_t now_ms)
{
    struct buf events = {0};
    struct record tombstone = {.board = last->board,
                               .first = record_last(last) + 1,
                               .count = 1,
                               .epoch = last->epoch,
                               .opener = last->opener,
                               .nonce = last->nonce,
                               .time = now_ms,
                               .flags = RECORD_DELETED,
                               .state = last->state};
    int result = -EIO;
    PUT(&events, ev_deleted, tombstone.first, now_ms);
    tombstone.events = buf_span(&events);
    store_append(store, &tombstone, 1, &result);
    buf_free(&events);
    return result;
}

static bool is_overdue(const struct upkeep *u, const struct record *last)
{
    return u->keep_ms > 0 && last->time + u->keep_ms < u->begun_ms;
}

/* A board whose last record is broken is there: nothing is known of its end. */
static int look_at(struct upkeep *u, struct store *store, const struct id *board)
{
    struct found *f = &u->found;
    struct record last;
    int r = store_last(store, board, &last);
    if (r == -EBADMSG) {
        snprintf(f->broken, sizeof f->broken, "%s", store_why(store));
        f->there++;
        return 0;
    }
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    bool tombstone = record_is_tombstone(&last);
    if (!tombstone && is_overdue(u, &last)) {
        r = expire(store, &last, u->begun_ms);
        tombstone = r == 0;
        f->expired += r == 0;
        if (r < 0 && r != -EEXIST)
            return r;
    }
    if (!tombstone)
        f->there++;
    else if (!(last.flags & RECORD_ERASED))
        f->deleted[f->deleted_count++] = *board;
    return 0;
}

static int pass_step(struct upkeep *u, struct store *store)
{
    uint64_t until_ms = process_now_ms() + UPKEEP_STEP_MS;
    u->found = (struct found){0};
    for (unsigned i = 0; i < UPKEEP_STEP_BOARDS && process_now_ms() < until_ms; i++) {
        struct id board;
        int r = store_next_board(store, &u->after, &board);
        if (r == -ENOENT) {
            u->found.end = true;
            return 0;
        }
        if (r == 0)
            r = look_at(u, store, &board);
        if (r < 0)
            return r;
        u->after = board;
    }
    return 0;
}

/* Any question will do. */
static int check(struct store *store)
{
    struct record last;
    int r = store_last(store, &(struct id){"0"}, &last);
    return r == -ENOENT ? 0 : r;
}

static void run_step(struct job *job, struct store *store)
{
    struct upkeep *u = (struct upkeep *)job;
    switch (u->task) {
    case ERASE:
        u->result = store_erase(store, &u->erase[u->head]);
        break;
    case TIDY:
        u->result = store_tidy(store);
        break;
    case PASS:
        u->result = pass_step(u, store);
        break;
    default:
        u->result = check(store);
    }
    u->lost = store_lost(store);
    snprintf(u->why, sizeof u->why, "%s", u->result < 0 ? store_why(store) : "");
}

/* ---- on the loop ----------------------------------------------------------------------------- */

static void want_erased(struct upkeep *u, const struct id *board)
{
    for (unsigned i = 0; i < u->stats.waiting; i++)
        if (id_equal(&u->erase[(u->head + i) % UPKEEP_ERASE_MAX], board))
            return;
    if (u->stats.waiting < UPKEEP_ERASE_MAX)
        u->erase[(u->head + u->stats.waiting++) % UPKEEP_ERASE_MAX] = *board;
}

static void take_first(struct upkeep *u)
{
    u->head = (u->head + 1) % UPKEEP_ERASE_MAX;
    u->stats.waiting--;
}

static void erased(struct upkeep *u)
{
    u->first = ERASE;
    if (u->result > 0) {
        u->stats.erased_records += (unsigned)u->result;
        return;
    }
    u->stats.erased_boards++;
    take_first(u);
    u->untidy = true;
    u->tidy_ms = 0;
}

/* What we made during the pass it may have seen or not: counting it twice only errs on the safe
 * side of the bound, until the next pass. */
static void passed(struct upkeep *u, uint64_t now_ms)
{
    const struct found *f = &u->found;
    const struct history_core_stats *core = history_core_stats(u->core);
    u->there += f->there;
    u->stats.expired_boards += f->expired;
    for (unsigned i = 0; i < f->deleted_count; i++)
        want_erased(u, &f->deleted[i]);
    if (*f->broken)
        log_error("a board gets no answer: %s", f->broken);
    if (f->end) {
        u->passing = false;
        u->pass_ms = now_ms + UPKEEP_PASS_MS;
        u->stats.passes++;
        history_core_boards(u->core, u->there + core->boards_made - u->made_before);
    } else if (u->there > core->boards) {
        history_core_boards(u->core, u->there);
    }
}

/* Perhaps it always will: all else that is due comes before it, and another board; a pass goes on
 * where it was. */
static void failed(struct upkeep *u, uint64_t now_ms)
{
    u->stats.errors++;
    u->pause_until_ms = now_ms + UPKEEP_CHECK_MS;
    u->first = (u->task + 1) % TASKS;
    if (u->task == ERASE) {
        struct id board = u->erase[u->head];
        take_first(u);
        want_erased(u, &board);
    }
}

static void tell(struct upkeep *u)
{
    if (u->result < 0 && !u->failed)
        log_warn("the store's upkeep waits: %s", u->why);
    u->failed = u->result < 0;
    snprintf(u->stats.lost, sizeof u->stats.lost, "%s", u->lost ? u->why : "");
}

static void on_step(struct job *job)
{
    struct upkeep *u = (struct upkeep *)job;
    uint64_t now_ms = process_now_ms(), took_ms = (uint64_t)(job->seconds * 1000);
    u->busy = false;
    u->pause_until_ms = now_ms + UPKEEP_PAUSE_MS + took_ms;
    u->check_ms = now_ms + UPKEEP_CHECK_MS;
    histogram_add(&u->stats.seconds, job->seconds);
    tell(u);
    if (u->result < 0)
        failed(u, now_ms);
    else if (u->task == ERASE)
        erased(u);
    else if (u->task == PASS)
        passed(u, now_ms);
    else if (u->task == TIDY && u->result == 0)
        u->untidy = false;
    else if (u->task == TIDY)
        u->tidy_ms = now_ms + UPKEEP_TIDY_AGAIN_MS;
}

static void begin_pass(struct upkeep *u)
{
    u->passing = true;
    u->after = (struct id){0};
    u->there = 0;
    u->made_before = history_core_stats(u->core)->boards_made;
}

static bool is_due(const struct upkeep *u, enum task task, uint64_t now_ms)
{
    switch (task) {
    case ERASE:
        return u->stats.waiting > 0;
    case TIDY:
        return u->untidy && now_ms >= u->tidy_ms;
    case PASS:
        return u->passing || now_ms >= u->pass_ms;
    default:
        return now_ms >= u->check_ms;
    }
}

/* Somebody has waited for long: what can wait leaves the store to them, though not for ever. */
static bool yields(struct upkeep *u, uint64_t now_ms)
{
    if (history_core_age_ms(u->core, now_ms) < UPKEEP_YIELDS_AT_MS)
        u->yields_since_ms = 0;
    else if (u->yields_since_ms == 0)
        u->yields_since_ms = now_ms;
    return u->yields_since_ms != 0 && now_ms - u->yields_since_ms < UPKEEP_YIELDS_MS;
}

/* False: nothing is due. */
static bool choose(struct upkeep *u, uint64_t now_ms, bool checks_only)
{
    for (unsigned i = 0; i < TASKS; i++) {
        u->task = (u->first + i) % TASKS;
        if (!is_due(u, u->task, now_ms) || (checks_only && u->task != CHECK))
            continue;
        if (u->task == PASS && !u->passing)
            begin_pass(u);
        return true;
    }
    return false;
}

void upkeep_turn(struct upkeep *u, uint64_t now_ms)
{
    struct id board;
    if (u->busy)
        return; /* the ring is the thread's to read */
    while (history_core_deleted(u->core, &board))
        want_erased(u, &board);
    if (now_ms < u->pause_until_ms)
        return;
    bool checks_only = yields(u, now_ms);
    if (checks_only)
        u->pause_until_ms = now_ms + UPKEEP_YIELD_AGAIN_MS;
    if (!choose(u, now_ms, checks_only))
        return;
    u->busy = true;
    u->begun_ms = now_ms;
    u->job = (struct job){.run = run_step, .done = on_step};
    database_submit(u->db, &u->job); /* there is one job at a time, and room for one */
}

uint64_t upkeep_deadline(const struct upkeep *u)
{
    uint64_t at = smaller(u->check_ms, u->pass_ms);
    if (u->busy)
        return UINT64_MAX;
    if (u->untidy)
        at = smaller(at, u->tidy_ms);
    if (u->stats.waiting > 0 || u->passing)
        at = 0;
    return at > u->pause_until_ms ? at : u->pause_until_ms;
}
