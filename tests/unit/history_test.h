/* SPDX-License-Identifier: Apache-2.0
 *
 * Drives the history service's core as gateways, owners and a store do; the store is a real one, in
 * memory. What it answers is rendered as one line each, what it stored as "first+count@epoch":
 *
 *   create("g1", 7, "Physics");
 *   expect("g1 created");
 *   expect_log("1+1@0");
 *
 * Time begins at 1,000,000 and moves by hand only.
 */
#ifndef EASEL_HISTORY_TEST_H
#define EASEL_HISTORY_TEST_H

#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "event.h"
#include "history_core.h"

#define BOARD "k3v9x2mq4t"

static struct history_core *core, *other; /* other: a second history service, on the same store */
static struct store *store;
static uint64_t now;
static unsigned inserts, loads; /* of records, last records */
static int insert_result;       /* what the next insert seems to give, if not 0 */
static bool insert_done;        /* ... though it is done */
static void (*meddle)(void);    /* happens right before the next insert */

static inline void set_up(void)
{
    const char *why;
    struct history_core_config config = {.shards = 1};
    now = 1000000;
    inserts = loads = 0;
    insert_result = 0;
    meddle = NULL;
    config.self.text[0] = 'h';
    core = history_core_create(&config);
    other = history_core_create(&config);
    ck_assert_int_eq(
        store_open(&(struct store_address){"sqlite::memory:", "", ""}, 1, &store, &why), 0);
}

static inline void tear_down(void)
{
    history_core_destroy(core);
    history_core_destroy(other);
    store_close(store);
}

static inline struct id id_of(const char *text)
{
    struct id id;
    ck_assert_int_eq(id_parse(text, strlen(text), &id), 0);
    return id;
}

/* ---- rounds ---------------------------------------------------------------------------------- */

static inline bool take_name(void *owner, const struct record *record)
{
    struct cursor in = cursor_of(record->events.data, record->events.len);
    struct msg_ev_created created;
    ck_assert_int_eq(GET(&in, ev_created, &created), 0);
    snprintf(owner, 129, "%.*s", (int)created.name.len, (const char *)created.name.data);
    return false;
}

static inline bool take_event(void *owner, const struct record *record)
{
    struct {
        uint64_t offset;
        struct buf event;
    } *wanted = owner;
    struct span event = event_find(record->events, wanted->offset);
    buf_append(&wanted->event, event.data, event.len);
    return false;
}

static inline void load(struct history_core *c, const struct id *board)
{
    struct record last;
    char name[129] = "";
    struct log_state state = {0};
    struct {
        uint64_t offset;
        struct buf event;
    } rules = {0};
    int r = store_last(store, board, &last);
    ck_assert(r == 0 || r == -ENOENT);
    if (r == 0)
        ck_assert_int_eq(store_read(store, board, 1, OFFSET_MAX, take_name, name), 0);
    if (r == 0)
        ck_assert_int_eq(log_state_unpack(state_span(&last.state), record_last(&last), &state), 0);
    rules.offset = state.rules;
    if (state.rules)
        ck_assert_int_eq(store_read(store, board, state.rules, state.rules, take_event, &rules), 0);
    history_core_loaded(c, board, r == 0 ? &last : NULL, span_of(name), buf_span(&rules.event));
    buf_free(&rules.event);
    loads++;
}

static inline void insert(const struct history_plan *plan, int *results)
{
    if (meddle) {
        void (*now_once)(void) = meddle;
        meddle = NULL;
        now_once();
    }
    for (unsigned i = 0; i < plan->record_count; i++)
        for (unsigned j = 0; j < i; j++)
            ck_assert(!id_equal(&plan->records[i].board, &plan->records[j].board));
    inserts += plan->record_count;
    if (!insert_result || insert_done)
        store_append(store, plan->records, plan->record_count, results);
    for (unsigned i = 0; insert_result && i < plan->record_count; i++)
        results[i] = insert_result;
}

/* One round: at most one time of reading, and one of inserting. */
static inline void round_of(struct history_core *c)
{
    static int results[1000];
    const struct history_plan *plan = history_core_plan(c, now);
    if (plan->load_count > 0) {
        for (unsigned i = 0; i < plan->load_count; i++)
            load(c, &plan->load[i]);
        plan = history_core_plan(c, now);
        ck_assert_uint_eq(plan->load_count, 0);
    }
    insert(plan, results);
    history_core_settle(c, now, results);
}

static inline void rounds_of(struct history_core *c)
{
    for (unsigned i = 0; history_core_waiting(c); i++) {
        ck_assert_uint_lt(i, 20);
        round_of(c);
    }
}

/* ---- what it answers ------------------------------------------------------------------------- */

static char said[4000];

__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...)
{
    size_t len = strlen(said);
    va_list args;
    va_start(args, format);
    vsnprintf(said + len, sizeof said - len, format, args);
    va_end(args);
}

union answer {
    struct msg_opened opened;
    struct msg_refused refused;
    struct msg_stored stored;
    struct msg_hole hole;
    struct msg_created created;
    struct msg_looked looked;
    struct msg_no_board no_board;
};

static uint64_t told_rules; /* where the ev_rules of the newest answer is; 0: it had none */

static inline void take_rules(struct span event)
{
    struct cursor in = cursor_of(event.data, event.len);
    struct msg_ev_rules m = {0};
    if (event.len > 0)
        ck_assert_int_eq(GET(&in, ev_rules, &m), 0);
    told_rules = m.offset;
}

static union answer newest; /* the last one rendered; a name in it is gone */

static inline void render(const char *to, unsigned code, const union answer *m)
{
    say("%s%s ", *said ? "; " : "", to);
    switch (code) {
    case MSG_opened:
        take_rules(m->opened.rules);
        say("opened %lu%s", m->opened.epoch, m->opened.clean ? " clean" : "");
        if (m->opened.stroke)
            say(" stroke %lu", m->opened.stroke);
        return;
    case MSG_refused:
        say("refused %s %lu newest %lu by %s wait %lu", m->refused.nonce ? "open" : "append",
            m->refused.asked, m->refused.newest, m->refused.replica.text, m->refused.wait_ms);
        return;
    case MSG_stored:
        say("stored %lu epoch %lu", m->stored.mark, m->stored.epoch);
        return;
    case MSG_hole:
        say("want %lu epoch %lu", m->hole.want, m->hole.epoch);
        return;
    case MSG_created:
        say("%s", m->created.status ? "taken" : "created");
        return;
    case MSG_looked:
        take_rules(m->looked.rules);
        say("looked %.*s epoch %lu tail %lu", (int)m->looked.name.len,
            (const char *)m->looked.name.data, m->looked.epoch, m->looked.tail);
        return;
    case MSG_no_board:
        say("no_board");
        return;
    }
    ck_abort_msg("an answer of kind %u", code);
}

static inline void take_answers(struct history_core *c)
{
    struct outbox_message message;
    *said = '\0';
    while (outbox_next(history_core_outbox(c), now + 100000, &message)) {
        char to[20];
        snprintf(to, sizeof to, "%.*s", (int)strcspn(message.key, "."), message.key);
        ck_assert_int_eq(message.exchange, *to == 'g' ? EXCHANGE_GATEWAY : EXCHANGE_BOARD);
        struct cursor in = cursor_of(message.body.data, message.body.len);
        struct msg_envelope envelope;
        ck_assert_int_eq(GET(&in, envelope, &envelope), 0);
        while (cursor_left(&in) > 0) {
            unsigned code;
            uint32_t fields;
            ck_assert_int_eq(message_begin(&in, &code, &fields), 0);
            ck_assert_int_eq(message_fields(&in, message_type(code), fields, true, &newest, NULL),
                             0);
            render(to, code, &newest);
        }
    }
}

/* Goes on until nothing waits: then it has given these answers and no others. */
static inline void expect(const char *answers)
{
    rounds_of(core);
    take_answers(core);
    ck_assert_str_eq(said, answers);
}

static inline bool add_to_log(void *owner, const struct record *r)
{
    (void)owner;
    say("%s%lu+%u@%lu", *said ? " " : "", r->first, r->count, r->epoch);
    return true;
}

static inline void expect_log(const char *records)
{
    struct id board = id_of(BOARD);
    *said = '\0';
    ck_assert_int_eq(store_read(store, &board, 1, OFFSET_MAX, add_to_log, NULL), 0);
    ck_assert_str_eq(said, records);
}

static inline struct record last_record(void)
{
    struct record last;
    struct id board = id_of(BOARD);
    ck_assert_int_eq(store_last(store, &board, &last), 0);
    return last;
}

static inline struct log_state state_of(const struct record *r)
{
    struct log_state state;
    ck_assert_int_eq(log_state_unpack(state_span(&r->state), record_last(r), &state), 0);
    return state;
}

static inline const struct history_core_stats *stats(void)
{
    return history_core_stats(core);
}

/* ---- what it is asked ------------------------------------------------------------------------ */

static struct history_core *to; /* NULL: core */

static inline void from(const char *sender, const struct message_type *type, const void *message)
{
    struct buf out = {0};
    PUT(&out, envelope, BROKER_VERSION, id_of(sender));
    message_put(&out, type, message);
    history_core_message(to ? to : core, now, buf_span(&out));
    buf_free(&out);
}
#define FROM(sender, name, ...) from((sender), &TYPE_##name, &(struct msg_##name){__VA_ARGS__})

static inline void create(const char *gateway, uint64_t nonce, const char *name)
{
    FROM(gateway, create, id_of(BOARD), nonce, span_of(name));
}

static inline void look(void)
{
    FROM("g1", look, id_of(BOARD), 1);
}

static inline void ask_to_open(const char *replica, uint64_t nonce, uint64_t over)
{
    FROM(replica, open, id_of(BOARD), id_of(replica), nonce, over);
}

static inline void put_events(struct buf *out, uint64_t first, uint32_t count)
{
    for (uint64_t offset = first; offset < first + count; offset++)
        PUT(out, ev_points, offset, now, 1, 1, 0, {(const uint8_t *)"1234", 4});
}

static inline struct msg_append segment_of(struct buf *events, uint64_t epoch, uint64_t first,
                                           uint32_t count)
{
    put_events(events, first, count);
    return (struct msg_append){.board = id_of(BOARD),
                               .epoch = epoch,
                               .first = first,
                               .count = count,
                               .time = now,
                               .holder = id_of("0123456789ab"),
                               .instance = 1001,
                               .term = 3,
                               .cseq = first + count,
                               .base = 1,
                               .events = buf_span(events)};
}

static inline void append_flags(const char *replica, uint64_t epoch, uint64_t first, uint32_t count,
                                unsigned flags)
{
    struct buf events = {0};
    struct msg_append m = segment_of(&events, epoch, first, count);
    m.flags = flags;
    from(replica, &TYPE_append, &m);
    buf_free(&events);
}

static inline void append(const char *replica, uint64_t epoch, uint64_t first, uint32_t count)
{
    append_flags(replica, epoch, first, count, 0);
}

static inline void probe(const char *replica, uint64_t epoch, uint64_t first)
{
    append(replica, epoch, first, 0);
}

/* The board was made, and b1 opened it: epoch 2, the tail is 2. */
static inline void opened_by_b1(void)
{
    create("g1", 7, "Physics");
    expect("g1 created");
    ask_to_open("b1", 70, 0);
    expect("b1 opened 2 clean");
}

/* And b2 took it over, at 6: epoch 6. */
static inline void fenced_by_b2(void)
{
    opened_by_b1();
    append("b1", 2, 3, 3);
    expect("b1 stored 5 epoch 2");
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 6");
}

static inline void deleted(void)
{
    opened_by_b1();
    append_flags("b1", 2, 3, 1, APPEND_DELETED);
    expect("b1 stored 3 epoch 2");
}

/* The other history service does something, and nobody hears its answers. */
static inline void elsewhere(void (*what)(void))
{
    to = other;
    what();
    to = NULL;
    rounds_of(other);
    outbox_clear(history_core_outbox(other));
}

static inline void append_elsewhere(void)
{
    append("b1", 2, 3, 2);
}

static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
