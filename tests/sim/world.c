/* SPDX-License-Identifier: Apache-2.0
 *
 * The clock, the processes and their turns.
 */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- processes ------------------------------------------------------------------------------- */

struct process *random_process(struct world *w, enum kind kind)
{
    struct process *found[PROCESSES];
    unsigned n = 0;
    for (unsigned i = 0; i < PROCESSES; i++)
        if (w->process[i].kind == kind && w->process[i].alive && w->process[i].linked)
            found[n++] = &w->process[i];
    return n ? found[below(w, n)] : NULL;
}

static void on_decision(void *owner, const struct id *board, enum trace_kind kind,
                        const uint64_t *number)
{
    struct process *p = owner;
    struct buf text = {0};
    trace_print(&text, kind, number);
    say(p->world, "%s of %s: %.*s", p->id.text, board->text, (int)text.len,
        (const char *)text.data);
    buf_free(&text);
}

static void start_core(struct world *w, struct process *p)
{
    p->world = w;
    p->trace = (struct trace){w->verbose ? on_decision : NULL, p};
    if (p->kind == GATEWAY) {
        struct gateway_core_config c = {.self = p->id,
                                        .seed = chance(w),
                                        .shards = SHARDS,
                                        .pace_ms = 4,
                                        .dead_ms = 60000,
                                        .authenticate = authenticate_person,
                                        .make_token = make_link,
                                        .trace = &p->trace};
        p->gateway = gateway_core_create(&c, w->now);
        gateway_core_link(p->gateway, w->now, true);
    } else if (p->kind == BOARD_CORE) {
        struct board_core_config c = {.self = p->id,
                                      .seed = chance(w),
                                      .shards = SHARDS,
                                      .seats = SEATS,
                                      .seat_keep_ms = SEAT_KEEP_MS,
                                      .pen_idle_ms = 6000,
                                      .pen_grace_ms = 3000,
                                      .pen_keep_ms = 9000,
                                      .board_events_max = w->events_max,
                                      .board_bytes_per_s = BYTES_PER_S,
                                      .pace_ms = 4,
                                      .segment_ms = 50,
                                      .trace = &p->trace};
        p->board = board_core_create(&c, w->now);
        board_core_link(p->board, w->now, true);
    } else {
        struct history_core_config c = {.self = p->id,
                                        .shards = SHARDS,
                                        .pace_ms = 4,
                                        .tails_max = 1 + (unsigned)below(w, 3),
                                        .trace = &p->trace};
        p->history = history_core_create(&c);
        p->incarnation = w->incarnation;
        p->sharing = sharing_create(&p->id, SHARDS, history_core_outbox(p->history), w->now);
        history_core_incarnation(p->history, w->incarnation);
        sharing_incarnation(p->sharing, w->incarnation);
        sharing_link(p->sharing, w->now, true);
    }
}

static void start_process(struct world *w, struct process *p)
{
    uint64_t bits = chance(w);
    uint8_t bytes[8];
    memcpy(bytes, &bits, sizeof bytes);
    p->id = id_from_bits(p->kind == GATEWAY      ? 'g'
                         : p->kind == BOARD_CORE ? 'b'
                                                 : 'h',
                         REPLICA_CHARS - 1, bytes);
    p->generation++;
    p->alive = p->linked = p->hearing = true;
    p->frozen_until = p->wake_at = p->deaf_until = p->mute_until = 0;
    p->in_round = p->inserted = false;
    p->plan = NULL;
    memset(p->wants, 0, sizeof p->wants);
    memset(p->bound, 0, sizeof p->bound);
    start_core(w, p);
    say(w, "start %s", p->id.text);
    turn(w, p);
}

static void free_core(struct world *w, struct process *p)
{
    if (p->gateway)
        w->count.resent += gateway_core_stats(p->gateway)->resent;
    if (p->board)
        w->count.early += board_core_stats(p->board)->frames[FRAME_EARLY];
    gateway_core_destroy(p->gateway);
    if (p->board)
        board_core_destroy(p->board);
    buf_free(&p->opened);
    sharing_destroy(p->sharing);
    if (p->history)
        history_core_destroy(p->history);
    p->sharing = NULL;
    p->gateway = NULL;
    p->board = NULL;
    p->history = NULL;
}

void kill_process(struct world *w, struct process *p)
{
    unsigned slot = (unsigned)(p - w->process);
    say(w, "kill %s", p->id.text);
    w->count.kills++;
    p->alive = false;
    for (unsigned i = 0; i < PEOPLE; i++) {
        struct person *m = &w->person[i];
        if (p->kind != GATEWAY || !m->client || m->gateway != slot)
            continue;
        client_closed(m->client, w->now);
        m->client = NULL;
        happen(w, w->now + 1,
               (struct event){.what = HUNG_UP, .who = i, .generation = m->connection});
    }
    for (unsigned i = 0; i < BOARDS; i++)
        if (p->kind == GATEWAY && w->hostile[i].gateway == slot)
            hostile_leave(w, &w->hostile[i]);
    free_core(w, p);
    happen(w, w->now + 200 + below(w, 4000),
           (struct event){.what = START, .who = slot, .generation = p->generation});
}

/* ---- turns ----------------------------------------------------------------------------------- */

static void bind_shards(struct world *w, struct process *p)
{
    for (unsigned s = 0; s < SHARDS; s++) {
        bool wants = p->board ? board_core_wants(p->board, s) : sharing_wants(p->sharing, s);
        if (wants == p->wants[s])
            continue;
        p->wants[s] = wants;
        happen(w, w->now + 1 + below(w, 20),
               (struct event){.what = BOUND,
                              .who = (unsigned)(p - w->process),
                              .generation = p->generation,
                              .arg = s * 2 + wants});
    }
}

static struct person *person_of(struct world *w, struct client *cl)
{
    for (unsigned i = 0; i < PEOPLE; i++)
        if (w->person[i].client == cl)
            return &w->person[i];
    return NULL;
}

static void to_person(struct world *w, struct person *m, struct span bytes)
{
    uint64_t at = w->now + 1 + below(w, 5);
    if (at < m->last_to_person)
        at = m->last_to_person;
    m->last_to_person = at;
    struct event e = {.what = TO_PERSON, .who = m->number, .generation = m->connection};
    buf_append(&e.bytes, bytes.data, bytes.len);
    happen(w, at, e);
}

static void flush_client(struct world *w, struct client *cl)
{
    static struct pull pull;
    struct person *m = person_of(w, cl);
    if (!m || !m->reading)
        return;
    for (;;) {
        client_pull(cl, w->now, &pull);
        if (pull.count == 0)
            break;
        unsigned n = odds(w, 500) ? 1 : pull.count;
        for (unsigned i = 0; i < n; i++)
            to_person(w, m, pull.frame[i]);
        client_pulled(cl, &pull, n);
    }
    if (!client_ends(cl, NULL))
        return;
    client_closed(cl, w->now);
    m->client = NULL;
    happen(w, m->last_to_person,
           (struct event){.what = HUNG_UP, .who = m->number, .generation = m->connection});
}

void pull_person(struct world *w, struct person *p)
{
    if (!p->client || w->now < w->process[p->gateway].frozen_until)
        return;
    p->reading = true;
    flush_client(w, p->client);
}

static struct outbox *outbox_of(struct process *p)
{
    return p->gateway ? gateway_core_outbox(p->gateway)
           : p->board ? board_core_outbox(p->board)
                      : history_core_outbox(p->history);
}

static void wake(struct world *w, struct process *p)
{
    uint64_t due = outbox_deadline(outbox_of(p)), core_due = UINT64_MAX;
    if (p->gateway)
        core_due = gateway_core_deadline(p->gateway);
    if (p->board)
        core_due = board_core_deadline(p->board);
    if (p->history)
        core_due = sharing_deadline(p->sharing);
    due = core_due < due ? core_due : due;
    if (due == UINT64_MAX)
        return;
    due = due > w->now ? due : w->now + 1;
    if (p->wake_at > w->now && p->wake_at <= due)
        return;
    p->wake_at = due;
    happen(w, due,
           (struct event){
               .what = WAKE, .who = (unsigned)(p - w->process), .generation = p->generation});
}

static void start_round(struct world *w, struct process *p)
{
    if (p->in_round || !history_core_waiting(p->history))
        return;
    p->in_round = true;
    happen(w, w->now + 1 + below(w, 4),
           (struct event){
               .what = ROUND, .who = (unsigned)(p - w->process), .generation = p->generation});
}

/* What a shell does at the end of a turn of its loop. */
void turn(struct world *w, struct process *p)
{
    if (!p->alive || w->now < p->frozen_until)
        return;
    if (p->gateway) {
        gateway_core_tick(p->gateway, w->now);
        struct client *cl;
        while ((cl = gateway_core_dirty(p->gateway)))
            flush_client(w, cl);
        take_answers(w, p);
    }
    if (p->board) {
        board_core_tick(p->board, w->now);
        bind_shards(w, p);
    }
    if (p->history) {
        sharing_tick(p->sharing, w->now);
        bind_shards(w, p);
        start_round(w, p);
    }
    struct outbox_message m;
    while (outbox_next(outbox_of(p), w->now, &m))
        broker_publish(w, p, &m);
    wake(w, p);
}

/* ---- history: rounds and reads --------------------------------------------------------------- */

static void load(struct world *w, struct process *p, const struct history_plan *plan)
{
    for (unsigned i = 0; i < plan->load_count; i++) {
        struct record last;
        struct id board = plan->load[i];
        int r = memory_last(w, &board, &last);
        if (r == -EIO) {
            history_core_unavailable(p->history);
            p->in_round = false;
            return;
        }
        struct span rules = r == 0 ? memory_rules(w, &last) : (struct span){0};
        history_core_loaded(p->history, &board, r == 0 ? &last : NULL, span_of("board"), rules);
    }
}

/* The next step: plan, insert what was planned, or settle. Others work in between. */
static void round_step(struct world *w, struct process *p)
{
    if (!p->plan) {
        const struct history_plan *plan = history_core_plan(p->history, w->now);
        if (plan->load_count > 0)
            load(w, p, plan);
        else
            p->plan = plan;
    } else if (!p->inserted) {
        for (unsigned i = 0; i < p->plan->record_count && i < 64; i++) {
            back_up_before(w, &p->plan->records[i]);
            p->results[i] = memory_append(w, &p->plan->records[i]);
        }
        p->inserted = true;
    } else {
        history_core_settle(p->history, w->now, p->results);
        p->plan = NULL;
        p->inserted = false;
        p->in_round = history_core_waiting(p->history);
    }
    if (p->in_round)
        happen(w, w->now + 1 + below(w, 6),
               (struct event){
                   .what = ROUND, .who = (unsigned)(p - w->process), .generation = p->generation});
}

static void answer_read(struct world *w, struct process *p, const struct msg_read *m,
                        const struct id *gateway)
{
    struct history_page page = {0};
    uint64_t tail = 0;
    if (w->now < w->store.away_until)
        return;
    history_page_begin(&page, m);
    bool more = true;
    for (unsigned i = 0; i < w->store.count; i++) {
        struct record r = w->store.records[i].record;
        if (!id_equal(&r.board, &m->board))
            continue;
        r.events = buf_span(&w->store.records[i].events);
        tail = record_last(&r);
        if (more && (m->from == NIL ? r.time >= m->since : record_last(&r) >= m->from))
            more = history_page_record(&page, &r);
    }
    history_page_answer(&page, tail, p->incarnation, gateway, history_core_outbox(p->history));
    history_page_free(&page);
}

static void reads_of(struct world *w, struct process *p, struct span body)
{
    struct cursor in = cursor_of(body.data, body.len);
    struct msg_envelope envelope;
    if (GET(&in, envelope, &envelope) < 0)
        return;
    while (cursor_left(&in) > 0) {
        struct cursor at = in;
        struct msg_read m;
        if (wire_skip(&in) < 0)
            return;
        if (GET(&at, read, &m) == 0)
            answer_read(w, p, &m, &envelope.sender);
    }
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void deliver(struct world *w, struct process *p, const struct event *e)
{
    struct span body = buf_span(&e->bytes);
    if (p->gateway)
        gateway_core_message(p->gateway, w->now, body);
    if (p->board)
        board_core_message(p->board, w->now, body);
    if (p->history) {
        history_core_message(p->history, w->now, body);
        reads_of(w, p, body);
        sharing_message(p->sharing, w->now, body);
    }
}

/* A frozen process sees what arrived when it thaws, except what the broker dropped by then. */
static bool defer(struct world *w, struct process *p, struct event *e)
{
    if (!p->alive || w->now >= p->frozen_until)
        return false;
    if (e->what == DELIVERY && p->frozen_until - e->sent_at > 5000)
        return false; /* dropped: the caller frees it, see below */
    postpone(w, p->frozen_until, e);
    e->bytes = (struct buf){0};
    return true;
}

static void to_process(struct world *w, struct event *e)
{
    struct process *p = &w->process[e->who];
    if (e->what == START) {
        if (!p->alive)
            start_process(w, p);
        return;
    }
    if (!p->alive || e->generation != p->generation || defer(w, p, e))
        return;
    if (w->now < p->frozen_until)
        return;
    switch (e->what) {
    case DELIVERY:
        if (p->hearing && w->now >= p->deaf_until)
            deliver(w, p, e);
        break;
    case RETURN:
        if (w->now < p->mute_until)
            break;
        if (p->gateway)
            gateway_core_returned(p->gateway, w->now, (enum exchange)e->arg, e->key);
        if (p->board)
            board_core_returned(p->board, w->now, (enum exchange)e->arg, e->key);
        if (p->sharing && e->arg == EXCHANGE_HISTORY)
            sharing_returned(p->sharing, w->now, e->key);
        break;
    case BOUND:
        if (p->wants[e->arg / 2] != e->arg % 2)
            break; /* it wants something else by now */
        p->bound[e->arg / 2] = e->arg % 2;
        if (p->linked && p->board) /* else at its next up */
            board_core_bound(p->board, w->now, e->arg / 2, e->arg % 2);
        break;
    case ROUND:
        round_step(w, p);
        break;
    case LINK:
        set_link(w, p, (enum link_change)e->arg);
        break;
    case SILENT:
        if (p->gateway && p->linked)
            gateway_core_silent(p->gateway, w->now, e->arg);
        break;
    default:
        break;
    }
    turn(w, p);
}

static void to_gateway(struct world *w, struct event *e)
{
    struct person *m = &w->person[e->who];
    if (e->generation != m->connection || !m->client)
        return;
    struct process *g = &w->process[m->gateway];
    if (defer(w, g, e))
        return;
    if (e->what == HANG_UP) {
        if (odds(w, 3000))
            client_goes(m->client, true); /* and may come back all the same */
        else if (odds(w, 3000))
            client_goes(m->client, false);
        client_closed(m->client, w->now);
        m->client = NULL;
    } else {
        client_message(m->client, w->now, buf_span(&e->bytes));
    }
    turn(w, g);
}

static void dispatch(struct world *w, struct event *e)
{
    struct person *m = e->who < PEOPLE ? &w->person[e->who] : NULL;
    switch (e->what) {
    case TO_GATEWAY:
    case HANG_UP:
        to_gateway(w, e);
        return;
    case TO_PERSON:
        if (e->generation == m->connection)
            person_receive(w, m, buf_span(&e->bytes));
        return;
    case HUNG_UP:
        if (e->generation == m->connection)
            person_hung_up(w, m);
        return;
    case ACT:
        person_act(w, m);
        return;
    case HOSTILE_ACT:
        hostile_act(w, &w->hostile[e->who]);
        return;
    case FAULT:
        fault(w);
        return;
    case END:
        end_board(w, e->arg);
        return;
    case BACKUP:
        plan_backup(w);
        return;
    case RESTORE:
        restore_backup(w);
        return;
    case QUEUED:
        broker_queued(w, e);
        return;
    default:
        to_process(w, e);
    }
}

/* ---- a run ----------------------------------------------------------------------------------- */

static void create_boards(struct world *w)
{
    for (unsigned i = 0; i < BOARDS; i++) {
        uint64_t bits = chance(w);
        uint8_t bytes[8];
        memcpy(bytes, &bits, sizeof bytes);
        w->board_id[i] = id_from_bits(0, BOARD_CHARS, bytes);
        struct buf event = {0};
        PUT(&event, ev_created, 1, w->now, span_of("board"));
        struct record r = {.board = w->board_id[i],
                           .first = 1,
                           .count = 1,
                           .time = w->now,
                           .events = buf_span(&event)};
        r.state = log_state_pack(&(struct log_state){.term = 0});
        memory_append(w, &r);
        buf_free(&event);
    }
}

static void settle_down(struct world *w)
{
    w->trouble = false;
    w->store.away_until = w->broker_down_until = 0;
    for (unsigned i = 0; i < PROCESSES; i++) {
        struct process *p = &w->process[i];
        p->wake_at = 0;
        if (p->alive && !(p->linked && p->hearing))
            set_link(w, p, LINK_UP);
        turn(w, p);
    }
}

static void run_until(struct world *w, uint64_t end)
{
    while (w->heap_count > 0 && w->heap[0].at <= end && !w->failure[0]) {
        struct event e = next_event(w);
        w->now = e.at;
        w->steps++;
        dispatch(w, &e);
        buf_free(&e.bytes);
    }
    w->now = end;
}

/* Something was stored just now, or somebody sees what is not stored yet. */
static bool goes_on(const struct world *w)
{
    const struct memory *m = &w->store;
    bool unstored = false;
    for (unsigned i = 0; i < PEOPLE; i++) {
        const struct person *p = &w->person[i];
        unstored = unstored || (p->client && p->welcomed && p->applied > person_mark(p));
    }
    return unstored || m->records[m->count - 1].record.time + 1000 > w->now;
}

/* The pen still goes round among those who wait: not just now. */
static void come_to_rest(struct world *w)
{
    for (unsigned i = 0; i < REST_TRIES && !w->failure[0] && goes_on(w); i++)
        run_until(w, w->now + 1000);
}

/* Who was killed or frozen last is back. */
static uint64_t last_fault_over(const struct world *w)
{
    uint64_t at = w->now;
    for (unsigned i = 0; i < PROCESSES; i++) {
        const struct process *p = &w->process[i];
        uint64_t back = p->alive ? p->frozen_until : w->now + DEAD_MS_MAX;
        at = back > at ? back : at;
    }
    return at;
}

/* The last fault of a world that ends quietly, and what is drawn last, while it lasts. In every
 * second one things were calm before, since people who come and ask mend much by that. */
static void break_last(struct world *w)
{
    uint64_t at = w->trouble_until - below(w, LINK_DEAD_MS);
    run_until(w, at - CALM_MS);
    w->calm = odds(w, 5000);
    run_until(w, at);
    last_fault(w);
    uint64_t left = w->trouble_until - at;
    run_until(w, w->trouble_until - below(w, left < SLACK_MS ? left + 1 : SLACK_MS));
    w->silent = true;
}

/* Nobody draws again after the last fault, and nobody comes where it was: nothing that comes by
 * shows what was lost. That somebody goes and comes elsewhere must not hide it. */
static void end_quietly(struct world *w)
{
    w->silent = true;
    for (unsigned i = 0; i < BOARDS; i++) {
        struct person *p = &w->person[i + BOARDS * below(w, PEOPLE / BOARDS)];
        if (p->client && &w->process[p->gateway] != w->hurt)
            person_leave(w, p);
    }
    run_until(w, last_fault_over(w) + WELL_MS / 2);
    w->closed = true;
    run_until(w, w->now + WELL_MS / 2 - SLACK_MS);
    struct due due[BOARDS];
    for (unsigned i = 0; i < BOARDS; i++)
        due[i] = promise_due(w, i);
    run_until(w, w->now + SLACK_MS);
    for (unsigned i = 0; i < PEOPLE && !w->failure[0]; i++)
        promise_well(w, &w->person[i], &due[w->person[i].board]);
    w->closed = false;
}

bool world_run(struct world *w, uint64_t seed, bool verbose)
{
    memset(w, 0, sizeof *w);
    w->seed = w->random = seed;
    w->verbose = verbose;
    w->now = 1000000;
    w->incarnation = 1;
    w->events_max = seed % FEW_EVERY == 0 ? EVENTS_FEW : EVENTS_MAX;
    promise_checks(w);
    if (setjmp(w->check_failed))
        return false;
    create_boards(w);
    w->trouble = true;
    w->trouble_until = w->now + TROUBLE_MS;
    for (unsigned i = 0; i < PROCESSES; i++) {
        w->process[i].kind = i < GATEWAYS                 ? GATEWAY
                             : i < GATEWAYS + BOARD_CORES ? BOARD_CORE
                                                          : HISTORY;
        start_process(w, &w->process[i]);
    }
    for (unsigned i = 0; i < PEOPLE; i++)
        person_start(w, i);
    for (unsigned i = 0; i < BOARDS; i++)
        hostile_start(w, i);
    happen(w, w->now + 3000, (struct event){.what = FAULT});
    plan_end(w);
    plan_ruling(w);
    plan_restore(w);
    if (seed % QUIET_END_EVERY == 0)
        break_last(w);
    run_until(w, w->trouble_until);
    if (!w->failure[0]) {
        say(w, "trouble ends");
        settle_down(w);
        if (seed % QUIET_END_EVERY == 0)
            end_quietly(w);
        else
            run_until(w, w->now + QUIET_MS);
        w->settled = w->silent = true;
        run_until(w, w->now + SILENT_MS / 2);
        w->closed = true;
        run_until(w, w->now + SILENT_MS / 2);
        come_to_rest(w);
    }
    if (!w->failure[0])
        check_at_rest(w);
    return !w->failure[0];
}

void world_free(struct world *w)
{
    if (w->is_broken)
        return;
    for (size_t i = 0; i < w->heap_count; i++)
        buf_free(&w->heap[i].bytes);
    free(w->heap);
    for (unsigned i = 0; i < BOARDS; i++)
        hostile_leave(w, &w->hostile[i]);
    for (unsigned i = 0; i < PEOPLE; i++) {
        if (w->person[i].client)
            client_closed(w->person[i].client, w->now);
        w->person[i].client = NULL;
        person_free(&w->person[i]);
    }
    for (unsigned i = 0; i < PROCESSES; i++)
        free_core(w, &w->process[i]);
    memory_free(&w->store);
    for (unsigned i = 0; i < BOARDS; i++)
        free(w->truth[i].hash);
    free(w->acked);
}
