/* SPDX-License-Identifier: Apache-2.0
 *
 * Each board's requests are decided in the order in which they came, against its last record. What
 * they add to the log becomes one record a round and board: either an open, or a created event, or
 * all segments that wait and follow each other, joined. The answers of those wait, in `batch`, for
 * the record to be stored; all others are given at once.
 *
 * Last records are remembered. An insert is safe although another history service may have appended
 * meanwhile: the log has no holes, so the record that we do not know of begins at our tail + 1, the
 * very key that ours needs, and the insert fails. And what was stored stays stored. But a refusal
 * or a hole must not rest on a memory [D21]: an owner who is ahead of it would ask for ever. Those
 * are decided only on a last record that was read in this round.
 */
#include <errno.h>
#include <stdlib.h>

#include "checks.h"
#include "event.h"
#include "history_core_private.h"

struct history_core *history_core_create(const struct history_core_config *config)
{
    struct history_core *c = xcalloc(1, sizeof *c);
    c->config = *config;
    c->config.trace = trace_or_none(config->trace);
    if (c->config.tails_max == 0)
        c->config.tails_max = TAILS_MAX;
    c->out = outbox_create(
        &(struct outbox_config){config->self, config->pace_ms, config->messages_per_s_max});
    TAILQ_INIT(&c->waiting);
    TAILQ_INIT(&c->idle);
    c->stats.waited = HISTOGRAM_OF_SECONDS;
    return c;
}

struct outbox *history_core_outbox(struct history_core *c)
{
    return c->out;
}

const struct history_core_stats *history_core_stats(const struct history_core *c)
{
    return &c->stats;
}

bool history_core_waiting(const struct history_core *c)
{
    return !TAILQ_EMPTY(&c->waiting);
}

uint64_t history_core_age_ms(const struct history_core *c, uint64_t now_ms)
{
    uint64_t oldest_ms = now_ms;
    const struct board *b;
    TAILQ_FOREACH (b, &c->waiting, list) {
        const struct request *r = STAILQ_FIRST(STAILQ_EMPTY(&b->batch) ? &b->requests : &b->batch);
        if (r && r->came_ms < oldest_ms)
            oldest_ms = r->came_ms;
    }
    return now_ms - oldest_ms;
}

/* ---- boards and their requests --------------------------------------------------------------- */

static size_t request_size(const struct request *r)
{
    return sizeof *r + r->len;
}

static void request_free(struct history_core *c, struct request *r)
{
    CHECK(c->stats.waiting_requests > 0 && c->stats.waiting_bytes >= request_size(r));
    c->stats.waiting_requests--;
    c->stats.waiting_bytes -= request_size(r);
    free(r);
}

static void queue_free(struct history_core *c, struct request_queue *queue)
{
    struct request *r;
    while ((r = STAILQ_FIRST(queue))) {
        STAILQ_REMOVE_HEAD(queue, queue);
        request_free(c, r);
    }
}

static void drop_requests(struct history_core *c, struct board *b)
{
    struct request *r;
    TRACE(c, &b->id, requests_dropped, b->tries);
    STAILQ_FOREACH(r, &b->requests, queue)
    c->stats.dropped++;
    queue_free(c, &b->requests);
}

static struct board *board_obtain(struct history_core *c, const struct id *id)
{
    struct board *b = idmap_get(&c->boards, id);
    if (b)
        return b;
    b = xcalloc(1, sizeof *b);
    b->id = *id;
    STAILQ_INIT(&b->requests);
    STAILQ_INIT(&b->batch);
    TAILQ_INSERT_TAIL(&c->idle, b, list);
    c->idle_count++;
    idmap_put(&c->boards, id, b);
    return b;
}

static void board_free(struct history_core *c, struct board *b)
{
    CHECK(!b->waits && STAILQ_EMPTY(&b->requests) && STAILQ_EMPTY(&b->batch));
    TAILQ_REMOVE(&c->idle, b, list);
    c->idle_count--;
    idmap_remove(&c->boards, &b->id);
    buf_free(&b->rules);
    free(b);
}

static void board_wait(struct history_core *c, struct board *b)
{
    if (b->waits)
        return;
    b->waits = true;
    TAILQ_REMOVE(&c->idle, b, list);
    c->idle_count--;
    TAILQ_INSERT_TAIL(&c->waiting, b, list);
}

/* Once nothing of it waits: what we know of it is kept while there is room. */
static void board_rest(struct history_core *c, struct board *b)
{
    CHECK(b->waits);
    if (!STAILQ_EMPTY(&b->requests) || !STAILQ_EMPTY(&b->batch))
        return;
    b->waits = false;
    b->tries = 0;
    buf_free(&b->rules); /* it is read again when it is asked for */
    TAILQ_REMOVE(&c->waiting, b, list);
    TAILQ_INSERT_TAIL(&c->idle, b, list);
    c->idle_count++;
    if (!b->known || !b->last.count)
        board_free(c, b);
    if (c->idle_count > c->config.tails_max)
        board_free(c, TAILQ_FIRST(&c->idle));
}

static void rest_all(struct history_core *c)
{
    for (struct board *b = TAILQ_FIRST(&c->waiting), *next; b; b = next) {
        next = TAILQ_NEXT(b, list);
        board_rest(c, b);
    }
    c->stats.tails = c->boards.count;
}

void history_core_destroy(struct history_core *c)
{
    if (!c)
        return;
    history_core_unavailable(c);
    struct board *b;
    while ((b = TAILQ_FIRST(&c->idle)))
        board_free(c, b);
    idmap_free(&c->boards);
    outbox_destroy(c->out);
    free(c);
}

/* ---- requests -------------------------------------------------------------------------------- */

static struct span *bytes_of(struct request *r)
{
    return r->code == TO_HISTORY_create   ? &r->create.name
           : r->code == TO_HISTORY_append ? &r->append.events
                                          : NULL;
}

static void count_request(struct history_core_stats *stats, const struct request *r)
{
    stats->waiting_requests++;
    stats->waiting_bytes += request_size(r);
    stats->creates += r->code == TO_HISTORY_create;
    stats->looks += r->code == TO_HISTORY_look;
    stats->opens += r->code == TO_HISTORY_open;
    stats->appends += r->code == TO_HISTORY_append;
}

/* The same question, of the same sender, which waits for its answer. */
static bool is_repeat(const struct request *r, const struct request *before)
{
    if (r->code != before->code || !id_equal(&r->sender, &before->sender))
        return false;
    switch (r->code) {
    case TO_HISTORY_look:
        return r->look.nonce == before->look.nonce;
    case TO_HISTORY_open:
        return r->open.nonce == before->open.nonce && r->open.over == before->open.over;
    case TO_HISTORY_append:
        return r->append.count == 0 && before->append.count == 0 &&
               r->append.epoch == before->append.epoch &&
               r->append.incarnation == before->append.incarnation;
    case TO_HISTORY_create:
    case TO_HISTORY_read:
    case TO_HISTORY_alive:
    case TO_HISTORY_bye:
    case TO_HISTORY_gone:
        break;
    }
    return false;
}

/* Whoever waits long asks again. Were each of these questions decided on a last record of its own,
 * a store that takes longer for all boards than askers wait would never do anything else. */
static bool waits_already(const struct history_core *c, const struct request *r)
{
    const struct board *b = idmap_get(&c->boards, &r->board);
    const struct request *before;
    if (!b || (r->code == TO_HISTORY_append && r->append.count > 0))
        return false;
    STAILQ_FOREACH(before, &b->batch, queue)
    if (is_repeat(r, before))
        return true;
    STAILQ_FOREACH(before, &b->requests, queue)
    if (is_repeat(r, before))
        return true;
    return false;
}

static bool enqueue(struct history_core *c, uint64_t now_ms, const struct request *decoded)
{
    struct request copy = *decoded;
    struct span *bytes = bytes_of(&copy);
    if (waits_already(c, decoded)) {
        c->stats.repeats++;
        return false;
    }
    copy.len = bytes ? bytes->len : 0;
    copy.came_ms = now_ms;
    if (c->stats.waiting_bytes + request_size(&copy) > HISTORY_WAITING_BYTES_MAX) {
        c->stats.dropped++;
        TRACE(c, &copy.board, request_dropped, c->stats.waiting_bytes);
        return false;
    }
    struct request *r = xcalloc(1, request_size(&copy));
    *r = copy;
    if (copy.len > 0)
        memcpy(r->bytes, bytes->data, copy.len);
    if (bytes)
        *bytes_of(r) = (struct span){r->bytes, copy.len};
    count_request(&c->stats, r);
    struct board *b = board_obtain(c, &r->board);
    if (r->code == TO_HISTORY_look)
        b->known = false; /* it asks for the newest, and we may not have seen that */
    STAILQ_INSERT_TAIL(&b->requests, r, queue);
    board_wait(c, b);
    return true;
}

/* As it came, whatever a newer version has in it; an older version's is made. None: it cannot be.
 */
static struct state_bytes state_of(const struct msg_append *m)
{
    struct log_state state;
    struct state_bytes bytes = {0};
    if (log_state_of_append(m, &state) < 0)
        return bytes;
    if (m->state.len == 0)
        return log_state_pack(&state);
    bytes.len = (uint8_t)m->state.len;
    memcpy(bytes.data, m->state.data, m->state.len);
    return bytes;
}

/* Whether the item is one of those that are served here, in the order of their coming. */
static bool read_request(const struct id *sender, enum to_history code, const union any_item *item,
                         struct request *ret)
{
    *ret = (struct request){.code = code, .sender = *sender, .item = *item};
    switch (code) {
    case TO_HISTORY_create:
    case TO_HISTORY_look:
        return true;
    case TO_HISTORY_open:
        return id_equal(sender, &item->open.replica);
    case TO_HISTORY_append:
        ret->state = state_of(&item->append);
        ret->append.state = (struct span){0};
        return true;
    case TO_HISTORY_read:
    case TO_HISTORY_alive:
    case TO_HISTORY_bye:
    case TO_HISTORY_gone:
        break;
    }
    return false;
}

unsigned history_core_message(struct history_core *c, uint64_t now_ms, struct span body)
{
    struct items it = items_of(body, &c->stats.bad_messages);
    unsigned code, queued = 0;
    union any_item item;
    struct request r;
    while (items_next(&it, KIND_HISTORY, &code, &item))
        if (read_request(&it.sender, (enum to_history)code, &item, &r))
            queued += enqueue(c, now_ms, &r);
        else
            c->stats.bad_messages++;
    CHECKED(history_core_invariants(c));
    return queued;
}

/* The record of the batch is stored, or there is none to wait for. */
static void end_batch(struct history_core *c, struct board *b, uint64_t now_ms)
{
    answer_batch(c, b, now_ms);
    queue_free(c, &b->batch);
}

/* ---- rounds ---------------------------------------------------------------------------------- */

/* Ends behind an open or a created event, which are records of their own, and behind deleted. */
static bool is_whole(const struct record *record)
{
    return record->count &&
           (record->epoch == 0 || is_open(record) || record->flags & RECORD_DELETED);
}

/* At most one record [D18]: a second could land behind another's open that refused the first. */
static void plan_board(struct history_core *c, struct board *b, uint64_t now_ms)
{
    CHECK(b->known && b->waits && STAILQ_EMPTY(&b->batch)); /* [D18] */
    struct record *record = &c->records[c->plan.record_count];
    struct planned *planned = &c->planned[c->plan.record_count];
    struct request *r;
    *record = (struct record){0};
    *planned = (struct planned){.board = b};
    while (!is_whole(record) && (r = STAILQ_FIRST(&b->requests))) {
        enum verdict verdict = history_plan_request(c, b, record, &planned->events, r, now_ms);
        if (verdict == LATER)
            break;
        STAILQ_REMOVE_HEAD(&b->requests, queue);
        if (verdict == TAKEN)
            STAILQ_INSERT_TAIL(&b->batch, r, queue);
        else
            request_free(c, r);
    }
    if (!record->count) {
        end_batch(c, b, now_ms);
        return;
    }
    record->events = buf_span(&planned->events);
    c->plan.record_count++;
}

static void plan_loads(struct history_core *c)
{
    CHECK(!c->loaded && c->plan.load_count == 0);
    struct board *b;
    struct request *r;
    TAILQ_FOREACH (b, &c->waiting, list) {
        if (c->plan.load_count == ROUND_LOADS_MAX)
            break;
        if (b->known)
            continue;
        c->load[c->plan.load_count++] = b->id;
        STAILQ_FOREACH(r, &b->requests, queue)
        r->read = true;
    }
}

static void plan_records(struct history_core *c, uint64_t now_ms)
{
    CHECK(c->plan.load_count == 0 && c->plan.record_count == 0);
    uint64_t bytes = 0;
    for (struct board *b = TAILQ_FIRST(&c->waiting), *next; b; b = next) {
        next = TAILQ_NEXT(b, list);
        if (c->plan.record_count == ROUND_BOARDS_MAX || bytes >= ROUND_BYTES_MAX)
            break;
        unsigned before = c->plan.record_count;
        if (b->known)
            plan_board(c, b, now_ms);
        if (c->plan.record_count > before)
            bytes += c->records[before].events.len;
        board_rest(c, b);
    }
}

const struct history_plan *history_core_plan(struct history_core *c, uint64_t now_ms)
{
    c->plan = (struct history_plan){.load = c->load, .records = c->records};
    if (!c->loaded)
        plan_loads(c);
    c->loaded = true;
    if (c->plan.load_count == 0)
        plan_records(c, now_ms);
    CHECKED(history_core_invariants(c));
    return &c->plan;
}

void history_core_incarnation(struct history_core *c, uint64_t incarnation)
{
    c->incarnation = incarnation;
}

void history_core_boards(struct history_core *c, uint64_t boards)
{
    c->stats.boards = boards;
}

bool history_core_deleted(struct history_core *c, struct id *ret)
{
    if (c->deleted_count == 0)
        return false;
    *ret = c->deleted[--c->deleted_count];
    return true;
}

static void note_deleted(struct history_core *c, const struct id *board)
{
    if (c->deleted_count < HISTORY_DELETED_MAX)
        c->deleted[c->deleted_count++] = *board;
}

/* With rules of its own the event of before is of no use any more. */
static void keep_last(struct board *b, const struct record *last)
{
    struct log_state state = {.rules = 0};
    b->last = *last;
    b->last.events = (struct span){0};
    if (last->count && log_state_unpack(state_span(&last->state), record_last(last), &state) < 0)
        abort(); /* no store gives such a record, and none is made */
    if (state.rules != b->rules_at)
        buf_clear(&b->rules);
    b->rules_at = state.rules;
}

void history_core_loaded(struct history_core *c, const struct id *board, const struct record *last,
                         struct span name, struct span rules)
{
    struct board *b = idmap_get(&c->boards, board);
    if (!b)
        return;
    if (last && record_is_tombstone(last) && !(last->flags & RECORD_ERASED))
        note_deleted(c, board);
    b->known = true;
    keep_last(b, last ? last : &(struct record){0});
    buf_clear(&b->rules);
    buf_append(&b->rules, rules.data, rules.len);
    size_t len = name.len < sizeof b->name ? name.len : sizeof b->name - 1;
    memcpy(b->name, name.len ? (const void *)name.data : "", len);
    b->name[len] = '\0';
    if (last && is_open(last))
        b->opened_ms = last->time;
    CHECKED(history_core_invariants(c));
}

void history_core_broken(struct history_core *c, const struct id *board)
{
    struct board *b = idmap_get(&c->boards, board);
    c->stats.bad_records++;
    TRACE(c, board, record_broken, c->stats.bad_records);
    if (b)
        drop_requests(c, b);
    CHECKED(history_core_invariants(c));
}

static void stored(struct history_core *c, struct board *b, uint64_t now_ms,
                   const struct record *record)
{
    CHECK(!STAILQ_EMPTY(&b->batch) && record->first == tail_of(b) + 1);
    const struct request *first = STAILQ_FIRST(&b->batch);
    c->stats.records++;
    c->stats.events += record->count;
    c->stats.bytes += record->events.len;
    keep_last(b, record);
    b->tries = 0;
    if (is_open(record))
        b->opened_ms = now_ms;
    if (record_is_tombstone(record)) {
        note_deleted(c, &b->id);
        c->stats.boards -= c->stats.boards > 0;
    }
    if (first->code == TO_HISTORY_create) {
        c->stats.boards++;
        c->stats.boards_made++;
        memcpy(b->name, first->create.name.data, first->create.name.len);
        b->name[first->create.name.len] = '\0';
    }
    end_batch(c, b, now_ms);
}

/* It may be another's record, or our own of an attempt whose end we never heard: this decides
 * nothing [D20]. All is planned again, after what is there was read. */
static void taken(struct history_core *c, struct board *b)
{
    CHECK(!STAILQ_EMPTY(&b->batch));
    c->stats.duplicate_keys++;
    TRACE(c, &b->id, key_taken, tail_of(b) + 1, b->tries + 1);
    b->known = false;
    STAILQ_CONCAT(&b->batch, &b->requests);
    STAILQ_CONCAT(&b->requests, &b->batch);
    if (++b->tries == ROUND_TRIES_MAX)
        drop_requests(c, b);
}

static void unknown(struct history_core *c, struct board *b)
{
    CHECK(!STAILQ_EMPTY(&b->batch));
    c->stats.unknown_results++;
    TRACE(c, &b->id, result_unknown, tail_of(b) + 1);
    b->known = false;
    queue_free(c, &b->batch);
}

void history_core_settle(struct history_core *c, uint64_t now_ms, const int *results)
{
    CHECK(results || !c->plan.record_count);
    for (unsigned i = 0; i < c->plan.record_count; i++) {
        struct board *b = c->planned[i].board;
        if (results[i] == 0)
            stored(c, b, now_ms, &c->records[i]);
        else if (results[i] == -EEXIST)
            taken(c, b);
        else
            unknown(c, b);
        buf_free(&c->planned[i].events);
        TAILQ_REMOVE(&c->waiting, b, list); /* the others first, next time */
        TAILQ_INSERT_TAIL(&c->waiting, b, list);
    }
    c->plan = (struct history_plan){0};
    c->loaded = false;
    c->stats.rounds++;
    rest_all(c);
    CHECKED(history_core_invariants(c));
}

void history_core_unavailable(struct history_core *c)
{
    for (unsigned i = 0; i < c->plan.record_count; i++)
        buf_free(&c->planned[i].events);
    c->plan = (struct history_plan){0};
    c->loaded = false;
    struct board *b;
    TAILQ_FOREACH (b, &c->waiting, list) {
        b->known = false;
        drop_requests(c, b);
        queue_free(c, &b->batch);
    }
    rest_all(c);
    CHECKED(history_core_invariants(c));
}
