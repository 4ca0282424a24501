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
#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "history_core.h"

#define BOARD "k3v9x2mq4t"

static struct history_core *core, *other; /* other: a second history service, on the same store */
static struct store *store;
static uint64_t now;
static unsigned inserts, loads; /* of records, last records */
static int insert_result;       /* what the next insert seems to give, if not 0 */
static bool insert_done;        /* ... though it is done */
static void (*meddle)(void);    /* happens right before the next insert */

static void set_up(void)
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

static void tear_down(void)
{
    history_core_destroy(core);
    history_core_destroy(other);
    store_close(store);
}

static struct id id_of(const char *text)
{
    struct id id;
    ck_assert_int_eq(id_parse(text, strlen(text), &id), 0);
    return id;
}

/* ---- rounds ---------------------------------------------------------------------------------- */

static bool take_name(void *owner, const struct record *record)
{
    struct cursor in = cursor_of(record->events.data, record->events.len);
    struct msg_ev_created created;
    ck_assert_int_eq(GET(&in, ev_created, &created), 0);
    snprintf(owner, 129, "%.*s", (int)created.name.len, (const char *)created.name.data);
    return false;
}

static void load(struct history_core *c, const struct id *board)
{
    struct record last;
    char name[129] = "";
    int r = store_last(store, board, &last);
    ck_assert(r == 0 || r == -ENOENT);
    if (r == 0)
        ck_assert_int_eq(store_read(store, board, 1, take_name, name), 0);
    history_core_loaded(c, board, r == 0 ? &last : NULL, span_of(name));
    loads++;
}

static void insert(const struct history_plan *plan, int *results)
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
static void round_of(struct history_core *c)
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

static void rounds_of(struct history_core *c)
{
    for (unsigned i = 0; history_core_waiting(c); i++) {
        ck_assert_uint_lt(i, 20);
        round_of(c);
    }
}

/* ---- what it answers ------------------------------------------------------------------------- */

static char said[4000];

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
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

static union answer newest; /* the last one rendered; a name in it is gone */

static void render(const char *to, unsigned code, const union answer *m)
{
    say("%s%s ", *said ? "; " : "", to);
    switch (code) {
    case MSG_opened:
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
        say("looked %.*s epoch %lu tail %lu", (int)m->looked.name.len,
            (const char *)m->looked.name.data, m->looked.epoch, m->looked.tail);
        return;
    case MSG_no_board:
        say("no_board");
        return;
    }
    ck_abort_msg("an answer of kind %u", code);
}

static void take_answers(struct history_core *c)
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
static void expect(const char *answers)
{
    rounds_of(core);
    take_answers(core);
    ck_assert_str_eq(said, answers);
}

static bool add_to_log(void *owner, const struct record *r)
{
    (void)owner;
    say("%s%lu+%u@%lu", *said ? " " : "", r->first, r->count, r->epoch);
    return true;
}

static void expect_log(const char *records)
{
    struct id board = id_of(BOARD);
    *said = '\0';
    ck_assert_int_eq(store_read(store, &board, 1, add_to_log, NULL), 0);
    ck_assert_str_eq(said, records);
}

static struct record last_record(void)
{
    struct record last;
    struct id board = id_of(BOARD);
    ck_assert_int_eq(store_last(store, &board, &last), 0);
    return last;
}

static struct log_state state_of(const struct record *r)
{
    struct log_state state;
    ck_assert_int_eq(log_state_unpack(state_span(&r->state), record_last(r), &state), 0);
    return state;
}

static const struct history_core_stats *stats(void)
{
    return history_core_stats(core);
}

/* ---- what it is asked ------------------------------------------------------------------------ */

static struct history_core *to; /* NULL: core */

static void from(const char *sender, const struct message_type *type, const void *message)
{
    struct buf out = {0};
    PUT(&out, envelope, BROKER_VERSION, id_of(sender));
    message_put(&out, type, message);
    history_core_message(to ? to : core, now, buf_span(&out));
    buf_free(&out);
}
#define FROM(sender, name, ...) from((sender), &TYPE_##name, &(struct msg_##name){__VA_ARGS__})

static void create(const char *gateway, uint64_t nonce, const char *name)
{
    FROM(gateway, create, id_of(BOARD), nonce, span_of(name));
}

static void look(void)
{
    FROM("g1", look, id_of(BOARD), 1);
}

static void ask_to_open(const char *replica, uint64_t nonce, uint64_t over)
{
    FROM(replica, open, id_of(BOARD), id_of(replica), nonce, over);
}

static void put_events(struct buf *out, uint64_t first, uint32_t count)
{
    for (uint64_t offset = first; offset < first + count; offset++)
        PUT(out, ev_points, offset, now, 1, 1, 0, {(const uint8_t *)"1234", 4});
}

static struct msg_append segment_of(struct buf *events, uint64_t epoch, uint64_t first,
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

static void append_flags(const char *replica, uint64_t epoch, uint64_t first, uint32_t count,
                         unsigned flags)
{
    struct buf events = {0};
    struct msg_append m = segment_of(&events, epoch, first, count);
    m.flags = flags;
    from(replica, &TYPE_append, &m);
    buf_free(&events);
}

static void append(const char *replica, uint64_t epoch, uint64_t first, uint32_t count)
{
    append_flags(replica, epoch, first, count, 0);
}

static void probe(const char *replica, uint64_t epoch, uint64_t first)
{
    append(replica, epoch, first, 0);
}

/* The board was made, and b1 opened it: epoch 2, the tail is 2. */
static void opened_by_b1(void)
{
    create("g1", 7, "Physics");
    expect("g1 created");
    ask_to_open("b1", 70, 0);
    expect("b1 opened 2 clean");
}

/* And b2 took it over, at 6: epoch 6. */
static void fenced_by_b2(void)
{
    opened_by_b1();
    append("b1", 2, 3, 3);
    expect("b1 stored 5 epoch 2");
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 6");
}

static void deleted(void)
{
    opened_by_b1();
    append_flags("b1", 2, 3, 1, APPEND_DELETED);
    expect("b1 stored 3 epoch 2");
}

/* The other history service does something, and nobody hears its answers. */
static void elsewhere(void (*what)(void))
{
    to = other;
    what();
    to = NULL;
    rounds_of(other);
    outbox_clear(history_core_outbox(other));
}

/* ---- create ---------------------------------------------------------------------------------- */

START_TEST(a_board_is_made_by_storing_its_first_event)
{
    create("g1", 7, "Physics");
    expect("g1 created");
    expect_log("1+1@0");
    ck_assert_uint_eq(last_record().time, now);
}
END_TEST

START_TEST(nothing_is_answered_before_it_is_stored)
{
    create("g1", 7, "Physics");
    const struct history_plan *plan = history_core_plan(core, now);
    load(core, &plan->load[0]);
    plan = history_core_plan(core, now);
    ck_assert_uint_eq(plan->record_count, 1);
    take_answers(core);
    ck_assert_str_eq(said, "");
    history_core_settle(core, now, (int[]){0});
    take_answers(core);
    ck_assert_str_eq(said, "g1 created");
}
END_TEST

START_TEST(the_same_create_again_is_answered_again_and_adds_nothing)
{
    create("g1", 7, "Physics");
    expect("g1 created");
    create("g1", 7, "Physics");
    expect("g1 created");
    expect_log("1+1@0");
}
END_TEST

START_TEST(a_create_with_another_nonce_or_name_finds_the_id_taken)
{
    create("g1", 7, "Physics");
    create("g1", 8, "Physics");
    create("g1", 7, "Chemistry");
    create("g1", 7, "Physic");
    expect("g1 created; g1 taken; g1 taken; g1 taken");
    expect_log("1+1@0");
}
END_TEST

START_TEST(a_create_of_an_opened_board_finds_the_id_taken)
{
    opened_by_b1();
    create("g1", 7, "Physics");
    expect("g1 taken");
}
END_TEST

START_TEST(a_create_of_a_deleted_board_finds_the_id_taken)
{
    deleted();
    create("g1", 7, "Physics");
    expect("g1 taken");
}
END_TEST

/* ---- look ------------------------------------------------------------------------------------ */

START_TEST(a_look_tells_name_epoch_tail_and_time)
{
    opened_by_b1();
    append("b1", 2, 3, 5);
    expect("b1 stored 7 epoch 2");
    uint64_t time = now;
    now += 5000;
    look();
    expect("g1 looked Physics epoch 2 tail 7");
    ck_assert_uint_eq(newest.looked.time, time);
}
END_TEST

START_TEST(a_look_at_no_board_or_a_deleted_one_has_tail_0)
{
    look();
    expect("g1 looked  epoch 0 tail 0");
    deleted();
    look();
    expect("g1 looked  epoch 0 tail 0");
}
END_TEST

static void append_elsewhere(void)
{
    append("b1", 2, 3, 2);
}

START_TEST(a_look_sees_what_another_history_service_stored)
{
    opened_by_b1();
    elsewhere(append_elsewhere);
    look();
    expect("g1 looked Physics epoch 2 tail 4");
}
END_TEST

/* ---- open ------------------------------------------------------------------------------------ */

START_TEST(an_open_over_the_newest_epoch_is_appended_and_its_offset_is_the_epoch)
{
    opened_by_b1();
    expect_log("1+1@0 2+1@2");
    append("b1", 2, 3, 4);
    expect("b1 stored 6 epoch 2");
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 7");
    expect_log("1+1@0 2+1@2 3+4@2 7+1@7");
}
END_TEST

START_TEST(an_open_is_answered_with_the_state_before_it)
{
    fenced_by_b2();
    ck_assert_uint_eq(newest.opened.nonce, 71);
    ck_assert_str_eq(newest.opened.holder.text, "0123456789ab");
    ck_assert_uint_eq(newest.opened.instance, 1001);
    ck_assert_uint_eq(newest.opened.term, 3);
    ck_assert_uint_eq(newest.opened.cseq, 6);
    ck_assert_uint_eq(newest.opened.base, 1);
    ck_assert_uint_eq(newest.opened.time, now);
}
END_TEST

START_TEST(an_open_over_another_epoch_than_the_newest_is_refused)
{
    fenced_by_b2();
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b3", 72, 2);
    ask_to_open("b3", 73, 0);
    ask_to_open("b3", 74, 7);
    expect("b3 refused open 2 newest 6 by b2 wait 0; b3 refused open 0 newest 6 by b2 wait 0; "
           "b3 refused open 7 newest 6 by b2 wait 0");
}
END_TEST

START_TEST(a_repeated_open_gets_the_same_answer_and_adds_nothing)
{
    fenced_by_b2();
    struct msg_opened first = newest.opened;
    now += 10 * HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 6");
    first.name = newest.opened.name = (struct span){0};
    ck_assert_mem_eq(&newest.opened, &first, sizeof first);
    expect_log("1+1@0 2+1@2 3+3@2 6+1@6");
}
END_TEST

START_TEST(a_repeated_open_gets_the_same_answer_from_another_history_service)
{
    opened_by_b1();
    to = other;
    ask_to_open("b1", 70, 0);
    to = NULL;
    rounds_of(other);
    take_answers(other);
    ck_assert_str_eq(said, "b1 opened 2 clean");
}
END_TEST

/* [D10] */
START_TEST(an_open_that_comes_again_after_another_one_fences_nobody)
{
    fenced_by_b2();
    now += 10 * HISTORY_OPEN_EVERY_MS;
    ask_to_open("b1", 70, 0);
    expect("b1 refused open 0 newest 6 by b2 wait 0");
    append("b2", 6, 7, 1);
    expect("b2 stored 7 epoch 6");
}
END_TEST

START_TEST(an_open_that_comes_again_after_its_owner_wrote_is_refused)
{
    opened_by_b1();
    append("b1", 2, 3, 1);
    expect("b1 stored 3 epoch 2");
    ask_to_open("b1", 70, 0);
    expect("b1 refused open 0 newest 2 by b1 wait 2000");
}
END_TEST

/* [D11] */
START_TEST(an_owner_that_lost_its_events_opens_again_with_another_nonce)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b1", 99, 2);
    expect("b1 opened 3");
    append("b1", 2, 4, 1);
    expect("b1 refused append 2 newest 3 by b1 wait 2000");
}
END_TEST

/* [D12] */
START_TEST(one_open_is_admitted_per_board_and_two_seconds)
{
    opened_by_b1();
    ask_to_open("b2", 71, 2);
    expect("b2 refused open 2 newest 2 by b1 wait 2000");
    now += 1999;
    ask_to_open("b2", 71, 2);
    expect("b2 refused open 2 newest 2 by b1 wait 1");
    now += 1;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 3");
}
END_TEST

START_TEST(another_history_service_keeps_the_two_seconds_too)
{
    opened_by_b1();
    now += 500;
    to = other;
    ask_to_open("b2", 71, 2);
    to = NULL;
    rounds_of(other);
    take_answers(other);
    ck_assert_str_eq(said, "b2 refused open 2 newest 2 by b1 wait 1500");
}
END_TEST

START_TEST(after_released_the_next_open_need_not_wait_and_is_clean)
{
    opened_by_b1();
    append_flags("b1", 2, 3, 1, APPEND_RELEASED);
    ask_to_open("b2", 71, 2);
    expect("b1 stored 3 epoch 2; b2 opened 4 clean");
    ask_to_open("b2", 71, 2);
    expect("b2 opened 4 clean");
}
END_TEST

START_TEST(an_open_after_a_clean_one_is_not_clean_itself)
{
    opened_by_b1();
    ask_to_open("b2", 71, 2);
    expect("b2 refused open 2 newest 2 by b1 wait 2000");
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 3");
}
END_TEST

/* The stroke under way is the owners' business: history keeps its bits and gives them back. */
START_TEST(an_open_is_told_the_stroke_that_was_under_way)
{
    opened_by_b1();
    append_flags("b1", 2, 3, 1, 1000 << APPEND_STROKE_SHIFT);
    expect("b1 stored 3 epoch 2");
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 4 stroke 1000");
    ask_to_open("b2", 71, 2);
    expect("b2 opened 4 stroke 1000");
}
END_TEST

START_TEST(a_stroke_goes_on_over_owners_who_add_nothing_to_it)
{
    opened_by_b1();
    append_flags("b1", 2, 3, 1, 1000 << APPEND_STROKE_SHIFT | APPEND_RELEASED);
    ask_to_open("b2", 71, 2);
    expect("b1 stored 3 epoch 2; b2 opened 4 clean stroke 1000");
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b3", 72, 4);
    expect("b3 opened 5 stroke 1000");
}
END_TEST

START_TEST(the_bits_of_a_stroke_end_and_delete_nothing)
{
    opened_by_b1();
    append_flags("b1", 2, 3, 1, UINT32_MAX << APPEND_STROKE_SHIFT);
    expect("b1 stored 3 epoch 2");
    ask_to_open("b2", 71, 2);
    expect("b2 refused open 2 newest 2 by b1 wait 2000");
    append("b1", 2, 4, 1);
    expect("b1 stored 4 epoch 2");
}
END_TEST

START_TEST(a_record_from_a_clock_that_is_ahead_delays_an_open_by_two_seconds_at_most)
{
    opened_by_b1();
    now += 3600000;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 3");
    now -= 1800000;
    ask_to_open("b3", 72, 3);
    expect("b3 refused open 3 newest 3 by b2 wait 2000");
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b3", 72, 3);
    expect("b3 opened 4");
}
END_TEST

START_TEST(the_time_of_an_open_is_not_before_the_event_before_it)
{
    opened_by_b1();
    now += 5000;
    append("b1", 2, 3, 1);
    expect("b1 stored 3 epoch 2");
    now -= 1000;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 4");
    ck_assert_uint_eq(newest.opened.time, now + 1000);
}
END_TEST

START_TEST(a_board_that_never_was_or_is_deleted_cannot_be_opened)
{
    ask_to_open("b1", 70, 0);
    expect("b1 no_board");
    expect_log("");
    deleted();
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    expect("b2 no_board");
}
END_TEST

/* ---- append ---------------------------------------------------------------------------------- */

START_TEST(a_segment_at_the_tail_is_stored_with_its_state)
{
    opened_by_b1();
    append("b1", 2, 3, 4);
    expect("b1 stored 6 epoch 2");
    struct record last = last_record();
    ck_assert_uint_eq(last.first, 3);
    ck_assert_uint_eq(last.count, 4);
    ck_assert_str_eq(last.opener.text, "b1");
    ck_assert_uint_eq(last.nonce, 70);
    ck_assert_str_eq(state_of(&last).holder.text, "0123456789ab");
    ck_assert_uint_eq(state_of(&last).cseq, 7);
}
END_TEST

/* As a newer owner sends it: only as bytes, with more in them than we know. */
static struct state_bytes newer_state(void)
{
    struct log_state state = {.holder = id_of("zoe"), .instance = 9, .term = 3, .cseq = 4};
    struct state_bytes bytes = log_state_pack(&state);
    bytes.data[0]++;
    bytes.data[bytes.len++] = 0xc3;
    return bytes;
}

static void append_newer(void)
{
    struct buf events = {0};
    struct state_bytes bytes = newer_state();
    put_events(&events, 3, 4);
    struct msg_append m = {.board = id_of(BOARD),
                           .epoch = 2,
                           .first = 3,
                           .count = 4,
                           .time = now,
                           .events = buf_span(&events),
                           .state = state_span(&bytes)};
    from("b1", &TYPE_append, &m);
    buf_free(&events);
}

START_TEST(a_state_is_stored_as_it_came_and_given_to_the_next_owner)
{
    struct state_bytes bytes = newer_state();
    opened_by_b1();
    append_newer();
    expect("b1 stored 6 epoch 2");
    struct record last = last_record();
    ck_assert_uint_eq(last.state.len, bytes.len);
    ck_assert_mem_eq(last.state.data, bytes.data, bytes.len);
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    round_of(core);
    take_answers(core);
    ck_assert_uint_eq(newest.opened.epoch, 7);
    last = last_record(); /* the open's: it keeps the state before it */
    ck_assert_uint_eq(last.state.len, bytes.len);
    ck_assert_mem_eq(last.state.data, bytes.data, bytes.len);
    ck_assert_str_eq(newest.opened.holder.text, "zoe"); /* for a board service of before */
    ck_assert_uint_eq(newest.opened.cseq, 4);
}
END_TEST

START_TEST(a_segment_of_an_older_epoch_is_refused)
{
    fenced_by_b2();
    append("b1", 2, 6, 2);
    expect("b1 refused append 2 newest 6 by b2 wait 2000");
    expect_log("1+1@0 2+1@2 3+3@2 6+1@6");
}
END_TEST

START_TEST(a_segment_of_an_epoch_that_never_was_is_refused)
{
    fenced_by_b2();
    append("b1", 7, 7, 2);
    expect("b1 refused append 7 newest 6 by b2 wait 2000");
}
END_TEST

/* [D17] */
START_TEST(the_epoch_is_checked_before_all_else_and_a_refusal_carries_no_mark)
{
    fenced_by_b2();
    now += HISTORY_OPEN_EVERY_MS;
    probe("b1", 2, 6);
    append("b1", 2, 3, 3);  /* was stored before */
    append("b1", 2, 60, 1); /* behind a hole */
    expect("b1 refused append 2 newest 6 by b2 wait 0; b1 refused append 2 newest 6 by b2 wait 0; "
           "b1 refused append 2 newest 6 by b2 wait 0");
}
END_TEST

START_TEST(a_segment_that_comes_again_adds_nothing_and_is_answered_with_the_mark)
{
    opened_by_b1();
    append("b1", 2, 3, 4);
    expect("b1 stored 6 epoch 2");
    append("b1", 2, 3, 4);
    append("b1", 2, 4, 1);
    expect("b1 stored 6 epoch 2");
    expect_log("1+1@0 2+1@2 3+4@2");
}
END_TEST

START_TEST(a_resend_that_is_grouped_differently_is_trimmed)
{
    opened_by_b1();
    append("b1", 2, 3, 4);
    expect("b1 stored 6 epoch 2");
    append("b1", 2, 5, 5);
    expect("b1 stored 9 epoch 2");
    expect_log("1+1@0 2+1@2 3+4@2 7+3@2");
    struct buf events = {0};
    put_events(&events, 7, 3);
    ck_assert_uint_eq(stats()->trimmed, 2);
    ck_assert_uint_ge(stats()->bytes, events.len);
    buf_free(&events);
}
END_TEST

static bool expect_events(void *owner, const struct record *r)
{
    struct buf events = {0};
    (void)owner;
    put_events(&events, r->first, r->count);
    ck_assert_uint_eq(r->events.len, events.len);
    ck_assert_mem_eq(r->events.data, events.data, events.len);
    buf_free(&events);
    return true;
}

START_TEST(the_bytes_of_joined_and_trimmed_segments_are_those_of_the_events)
{
    opened_by_b1();
    append("b1", 2, 3, 4);
    expect("b1 stored 6 epoch 2");
    append("b1", 2, 5, 5);
    append("b1", 2, 8, 4);
    append("b1", 2, 12, 1);
    expect("b1 stored 12 epoch 2");
    struct id board = id_of(BOARD);
    ck_assert_int_eq(store_read(store, &board, 3, expect_events, NULL), 0);
    expect_log("1+1@0 2+1@2 3+4@2 7+6@2");
}
END_TEST

START_TEST(a_segment_beyond_the_tail_is_answered_with_where_to_go_on)
{
    opened_by_b1();
    append("b1", 2, 5, 2);
    expect("b1 stored 2 epoch 2; b1 want 3 epoch 2");
    append("b1", 2, 3, 1);
    append("b1", 2, 6, 1);
    expect("b1 stored 3 epoch 2; b1 want 4 epoch 2");
    expect_log("1+1@0 2+1@2 3+1@2");
}
END_TEST

START_TEST(a_probe_is_answered_with_the_mark)
{
    opened_by_b1();
    append("b1", 2, 3, 4);
    expect("b1 stored 6 epoch 2");
    probe("b1", 2, 3);
    expect("b1 stored 6 epoch 2");
    expect_log("1+1@0 2+1@2 3+4@2");
}
END_TEST

/* [D18] */
START_TEST(waiting_segments_of_a_board_become_one_record_and_one_answer)
{
    opened_by_b1();
    append("b1", 2, 3, 1);
    append("b1", 2, 4, 2);
    probe("b1", 2, 3);
    append("b1", 2, 6, 3);
    round_of(core);
    expect("b1 stored 8 epoch 2");
    expect_log("1+1@0 2+1@2 3+6@2");
    struct record last = last_record();
    ck_assert_uint_eq(state_of(&last).cseq, 9);
}
END_TEST

START_TEST(requests_of_several_boards_share_a_round)
{
    struct buf events = {0};
    opened_by_b1();
    append("b1", 2, 3, 1);
    struct msg_append m = segment_of(&events, 2, 3, 1);
    m.board = id_of("another");
    from("b1", &TYPE_append, &m);
    buf_free(&events);
    unsigned before = (unsigned)stats()->rounds;
    expect("b1 no_board; b1 stored 3 epoch 2");
    ck_assert_uint_eq(stats()->rounds, before + 1);
}
END_TEST

START_TEST(a_record_is_256_KB_at_most_and_the_rest_waits_for_the_next)
{
    opened_by_b1();
    static const uint8_t points[5000];
    uint64_t offset = 3;
    for (unsigned i = 0; i < 9; i++) { /* 9 segments of 10 * 5,000 bytes */
        struct buf events = {0};
        struct msg_append m = segment_of(&events, 2, offset, 0);
        for (m.count = 0; m.count < 10; m.count++, offset++)
            PUT(&events, ev_points, offset, now, 1, 1, 0, {points, sizeof points});
        m.events = buf_span(&events);
        from("b1", &TYPE_append, &m);
        buf_free(&events);
    }
    expect("b1 stored 52 epoch 2; b1 stored 92 epoch 2");
    expect_log("1+1@0 2+1@2 3+50@2 53+40@2");
}
END_TEST

START_TEST(an_open_behind_segments_waits_until_they_are_stored)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    append("b1", 2, 3, 2);
    ask_to_open("b2", 71, 2);
    round_of(core);
    expect_log("1+1@0 2+1@2 3+2@2");
    expect("b1 stored 4 epoch 2; b2 opened 5");
    expect_log("1+1@0 2+1@2 3+2@2 5+1@5");
}
END_TEST

/* [D19] */
START_TEST(an_open_never_raises_the_mark_that_the_owner_before_is_told)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    probe("b1", 2, 3);
    ask_to_open("b2", 71, 2);
    expect("b1 stored 2 epoch 2; b2 opened 3");
}
END_TEST

START_TEST(segments_behind_an_open_are_judged_after_it)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b2", 71, 2);
    append("b1", 2, 3, 1);
    expect("b2 opened 3; b1 refused append 2 newest 3 by b2 wait 2000");
    expect_log("1+1@0 2+1@2 3+1@3");
}
END_TEST

START_TEST(a_deleted_board_takes_nothing_more)
{
    deleted();
    append("b1", 2, 4, 1);
    append("b1", 2, 3, 1);
    probe("b1", 2, 3);
    expect("b1 no_board; b1 no_board; b1 no_board");
}
END_TEST

START_TEST(a_segment_that_is_not_what_it_says_is_refused)
{
    opened_by_b1();
    static const char *const CASES[] = {"one event less", "one event more", "another offset",
                                        "a cut event",    "no event",       "a byte more"};
    for (unsigned i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct buf events = {0};
        struct msg_append m = segment_of(&events, 2, 3, 3);
        m.count = i == 0 ? 4 : i == 1 ? 2 : 3;
        m.first += i == 2;
        if (i == 3)
            m.events.len--;
        if (i == 4)
            m.events.len = 0;
        if (i == 5)
            buf_append(&events, "", 1);
        if (i == 5)
            m.events = buf_span(&events);
        from("b1", &TYPE_append, &m);
        buf_free(&events);
        rounds_of(core);
        take_answers(core);
        ck_assert_msg(strcmp(said, "b1 refused append 2 newest 2 by b1 wait 2000") == 0, "%s: %s",
                      CASES[i], said);
        ck_assert_uint_eq(stats()->bad_segments, i + 1);
    }
    expect_log("1+1@0 2+1@2");
}
END_TEST

/* ---- keys that are taken, and results that nobody knows -------------------------------------- */

static void open_elsewhere(void)
{
    ask_to_open("b2", 71, 2);
}

static void fence_elsewhere(void)
{
    elsewhere(open_elsewhere);
}

START_TEST(a_segment_whose_key_an_open_took_is_refused)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    meddle = fence_elsewhere;
    append("b1", 2, 3, 2);
    expect("b1 refused append 2 newest 3 by b2 wait 2000");
    ck_assert_uint_eq(stats()->duplicate_keys, 1);
    expect_log("1+1@0 2+1@2 3+1@3");
}
END_TEST

static void store_elsewhere(void)
{
    elsewhere(append_elsewhere);
}

/* [D20] */
START_TEST(a_segment_whose_key_its_own_copy_took_is_stored)
{
    opened_by_b1();
    meddle = store_elsewhere;
    append("b1", 2, 3, 2);
    expect("b1 stored 4 epoch 2");
    expect_log("1+1@0 2+1@2 3+2@2");
}
END_TEST

START_TEST(a_longer_segment_whose_key_a_shorter_one_took_is_stored_behind_it)
{
    opened_by_b1();
    meddle = store_elsewhere;
    append("b1", 2, 3, 5);
    expect("b1 stored 7 epoch 2");
    expect_log("1+1@0 2+1@2 3+2@2 5+3@2");
}
END_TEST

START_TEST(an_open_whose_key_another_open_took_is_refused)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    meddle = fence_elsewhere;
    ask_to_open("b3", 72, 2);
    expect("b3 refused open 2 newest 3 by b2 wait 2000");
}
END_TEST

START_TEST(an_unknown_result_is_not_answered)
{
    opened_by_b1();
    insert_result = -EIO;
    append("b1", 2, 3, 2);
    expect("");
    ck_assert_uint_eq(stats()->unknown_results, 1);
    insert_result = 0;
    append("b1", 2, 3, 2);
    expect("b1 stored 4 epoch 2");
}
END_TEST

START_TEST(what_was_stored_although_nobody_knew_counts_once)
{
    opened_by_b1();
    insert_result = -EIO;
    insert_done = true;
    append("b1", 2, 3, 2);
    expect("");
    insert_result = 0;
    append("b1", 2, 3, 3);
    expect("b1 stored 5 epoch 2");
    expect_log("1+1@0 2+1@2 3+2@2 5+1@2");
}
END_TEST

START_TEST(an_open_that_was_stored_although_nobody_knew_is_answered_when_asked_again)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    insert_result = -EIO;
    insert_done = true;
    ask_to_open("b2", 71, 2);
    expect("");
    insert_result = 0;
    ask_to_open("b2", 71, 2);
    expect("b2 opened 3");
    expect_log("1+1@0 2+1@2 3+1@3");
}
END_TEST

START_TEST(a_key_that_is_taken_again_and_again_is_given_up)
{
    opened_by_b1();
    insert_result = -EEXIST;
    insert_done = false;
    append("b1", 2, 3, 1);
    expect("");
    ck_assert_uint_eq(stats()->dropped, 1);
    ck_assert_uint_eq(stats()->waiting_bytes, 0);
    insert_result = 0;
    append("b1", 2, 3, 1);
    expect("b1 stored 3 epoch 2");
}
END_TEST

START_TEST(while_the_database_is_away_requests_are_dropped_and_nothing_is_answered)
{
    opened_by_b1();
    append("b1", 2, 3, 1);
    ask_to_open("b2", 71, 2);
    history_core_plan(core, now);
    history_core_unavailable(core);
    expect("");
    ck_assert(!history_core_waiting(core));
    ck_assert_uint_eq(stats()->waiting_requests, 0);
    append("b1", 2, 3, 1);
    expect("b1 stored 3 epoch 2");
}
END_TEST

START_TEST(the_oldest_request_that_is_not_answered_tells_the_age)
{
    opened_by_b1();
    ck_assert_uint_eq(history_core_age_ms(core, now), 0);
    append("b1", 2, 3, 1);
    now += 20;
    const struct history_plan *plan = history_core_plan(core, now); /* it moves to the record */
    ck_assert_uint_eq(plan->record_count, 1);
    append("b1", 2, 4, 1);
    now += 5;
    ck_assert_uint_eq(history_core_age_ms(core, now), 25);
    history_core_settle(core, now, (int[]){-EIO});
    ck_assert_uint_eq(history_core_age_ms(core, now), 5);
    expect("b1 stored 2 epoch 2; b1 want 3 epoch 2");
    ck_assert_uint_eq(history_core_age_ms(core, now), 0);
}
END_TEST

/* ---- memory of last records ------------------------------------------------------------------ */

START_TEST(a_last_record_is_read_once)
{
    opened_by_b1();
    loads = 0;
    for (uint64_t offset = 3; offset < 20; offset++) {
        append("b1", 2, offset, 1);
        rounds_of(core);
    }
    ck_assert_uint_eq(loads, 0);
    ck_assert_uint_eq(inserts, 19);
}
END_TEST

/* [D21] */
START_TEST(a_hole_is_never_answered_from_memory)
{
    opened_by_b1();
    elsewhere(append_elsewhere); /* 3 and 4 */
    append("b1", 2, 5, 2);
    expect("b1 stored 6 epoch 2");
}
END_TEST

static void open_and_append_elsewhere(void)
{
    ask_to_open("b2", 71, 2);
    append("b2", 3, 4, 2);
}

/* [D21] */
START_TEST(a_segment_is_never_refused_from_memory)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    elsewhere(open_and_append_elsewhere);
    append("b2", 3, 6, 1);
    expect("b2 stored 6 epoch 3");
}
END_TEST

/* [D21] */
START_TEST(a_probe_of_an_owner_of_the_past_is_never_answered_from_memory)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    elsewhere(open_and_append_elsewhere);
    probe("b1", 2, 3);
    expect("b1 refused append 2 newest 3 by b2 wait 0");
}
END_TEST

/* [D21] */
START_TEST(an_open_is_never_refused_from_memory)
{
    opened_by_b1();
    now += HISTORY_OPEN_EVERY_MS;
    elsewhere(open_and_append_elsewhere);
    now += HISTORY_OPEN_EVERY_MS;
    ask_to_open("b3", 72, 3);
    expect("b3 opened 6");
}
END_TEST

static void create_elsewhere(void)
{
    create("g1", 7, "Physics");
}

START_TEST(that_a_board_is_not_there_is_never_remembered)
{
    ask_to_open("b1", 70, 0);
    expect("b1 no_board");
    elsewhere(create_elsewhere);
    ask_to_open("b1", 70, 0);
    expect("b1 opened 2 clean");
}
END_TEST

START_TEST(more_boards_than_a_round_reads_are_all_answered)
{
    for (unsigned i = 0; i < 500; i++) {
        char id[16];
        snprintf(id, sizeof id, "board%u", i);
        FROM("g1", create, id_of(id), i, span_of("name"));
    }
    rounds_of(core);
    ck_assert_uint_eq(stats()->records, 500);
    ck_assert_uint_eq(loads, 500);
    ck_assert_uint_gt(stats()->rounds, 1);
}
END_TEST

START_TEST(only_so_many_last_records_are_kept)
{
    struct history_core_config config = {.shards = 1, .tails_max = 3, .self = {"h"}};
    history_core_destroy(core);
    core = history_core_create(&config);
    for (unsigned i = 0; i < 10; i++) {
        char board[16];
        snprintf(board, sizeof board, "board%u", i);
        FROM("g1", create, id_of(board), i, span_of("name"));
        expect("g1 created");
        ck_assert_uint_le(stats()->tails, 3);
    }
    ck_assert_uint_eq(stats()->tails, 3);
}
END_TEST

/* ---- input ----------------------------------------------------------------------------------- */

START_TEST(beyond_the_limit_of_what_waits_requests_are_dropped_and_counted)
{
    static const uint8_t bytes[60000];
    opened_by_b1();
    struct msg_append m = {.board = id_of(BOARD), .epoch = 1, .first = 3, .count = 1};
    m.events = (struct span){bytes, sizeof bytes};
    unsigned sent = HISTORY_WAITING_BYTES_MAX / sizeof bytes + 10;
    for (unsigned i = 0; i < sent; i++)
        from("b1", &TYPE_append, &m);
    ck_assert_uint_le(stats()->waiting_bytes, HISTORY_WAITING_BYTES_MAX);
    ck_assert_uint_ge(stats()->dropped, 10);
    ck_assert_uint_eq(stats()->waiting_requests, sent - stats()->dropped);
    rounds_of(core);
    ck_assert_uint_eq(stats()->waiting_bytes, 0);
}
END_TEST

START_TEST(a_message_of_a_newer_version_is_not_read)
{
    struct buf out = {0};
    PUT(&out, envelope, BROKER_VERSION + 1, id_of("g1"));
    PUT(&out, create, id_of(BOARD), 7, span_of("Physics"));
    ck_assert_uint_eq(history_core_message(core, now, buf_span(&out)), 0);
    ck_assert_uint_eq(stats()->bad_messages, 1);
    expect("");
    buf_free(&out);
}
END_TEST

START_TEST(items_that_are_not_for_history_are_skipped)
{
    struct buf out = {0};
    PUT(&out, envelope, BROKER_VERSION, id_of("g1"));
    PUT(&out, alive, 32);
    PUT(&out, create, id_of(BOARD), 7, span_of("Physics"));
    buf_append(&out,
               "\x92\x7f\xa3"
               "new",
               6);
    PUT(&out, look, id_of(BOARD), 1);
    ck_assert_uint_eq(history_core_message(core, now, buf_span(&out)), 2);
    expect("g1 created; g1 looked Physics epoch 0 tail 1");
    buf_free(&out);
}
END_TEST

START_TEST(bytes_that_are_no_items_are_counted)
{
    struct buf out = {0};
    PUT(&out, envelope, BROKER_VERSION, id_of("g1"));
    PUT(&out, create, id_of(BOARD), 7, span_of("Physics"));
    buf_append(&out, "\xff", 1);
    ck_assert_uint_eq(history_core_message(core, now, buf_span(&out)), 1);
    ck_assert_uint_eq(stats()->bad_messages, 1);
    expect("g1 created");
    buf_free(&out);
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 */

static Suite *history_core_suite(void)
{
    Suite *suite = suite_create("history_core");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, a_board_is_made_by_storing_its_first_event);
    tcase_add_test(all, nothing_is_answered_before_it_is_stored);
    tcase_add_test(all, the_same_create_again_is_answered_again_and_adds_nothing);
    tcase_add_test(all, a_create_with_another_nonce_or_name_finds_the_id_taken);
    tcase_add_test(all, a_create_of_an_opened_board_finds_the_id_taken);
    tcase_add_test(all, a_create_of_a_deleted_board_finds_the_id_taken);
    tcase_add_test(all, a_look_tells_name_epoch_tail_and_time);
    tcase_add_test(all, a_look_at_no_board_or_a_deleted_one_has_tail_0);
    tcase_add_test(all, a_look_sees_what_another_history_service_stored);
    tcase_add_test(all, an_open_over_the_newest_epoch_is_appended_and_its_offset_is_the_epoch);
    tcase_add_test(all, an_open_is_answered_with_the_state_before_it);
    tcase_add_test(all, an_open_over_another_epoch_than_the_newest_is_refused);
    tcase_add_test(all, a_repeated_open_gets_the_same_answer_and_adds_nothing);
    tcase_add_test(all, a_repeated_open_gets_the_same_answer_from_another_history_service);
    tcase_add_test(all, an_open_that_comes_again_after_another_one_fences_nobody);
    tcase_add_test(all, an_open_that_comes_again_after_its_owner_wrote_is_refused);
    tcase_add_test(all, an_owner_that_lost_its_events_opens_again_with_another_nonce);
    tcase_add_test(all, one_open_is_admitted_per_board_and_two_seconds);
    tcase_add_test(all, another_history_service_keeps_the_two_seconds_too);
    tcase_add_test(all, after_released_the_next_open_need_not_wait_and_is_clean);
    tcase_add_test(all, an_open_after_a_clean_one_is_not_clean_itself);
    tcase_add_test(all, an_open_is_told_the_stroke_that_was_under_way);
    tcase_add_test(all, a_stroke_goes_on_over_owners_who_add_nothing_to_it);
    tcase_add_test(all, the_bits_of_a_stroke_end_and_delete_nothing);
    tcase_add_test(all, a_record_from_a_clock_that_is_ahead_delays_an_open_by_two_seconds_at_most);
    tcase_add_test(all, the_time_of_an_open_is_not_before_the_event_before_it);
    tcase_add_test(all, a_board_that_never_was_or_is_deleted_cannot_be_opened);
    tcase_add_test(all, a_segment_at_the_tail_is_stored_with_its_state);
    tcase_add_test(all, a_state_is_stored_as_it_came_and_given_to_the_next_owner);
    tcase_add_test(all, a_segment_of_an_older_epoch_is_refused);
    tcase_add_test(all, a_segment_of_an_epoch_that_never_was_is_refused);
    tcase_add_test(all, the_epoch_is_checked_before_all_else_and_a_refusal_carries_no_mark);
    tcase_add_test(all, a_segment_that_comes_again_adds_nothing_and_is_answered_with_the_mark);
    tcase_add_test(all, a_resend_that_is_grouped_differently_is_trimmed);
    tcase_add_test(all, the_bytes_of_joined_and_trimmed_segments_are_those_of_the_events);
    tcase_add_test(all, a_segment_beyond_the_tail_is_answered_with_where_to_go_on);
    tcase_add_test(all, a_probe_is_answered_with_the_mark);
    tcase_add_test(all, waiting_segments_of_a_board_become_one_record_and_one_answer);
    tcase_add_test(all, requests_of_several_boards_share_a_round);
    tcase_add_test(all, a_record_is_256_KB_at_most_and_the_rest_waits_for_the_next);
    tcase_add_test(all, an_open_behind_segments_waits_until_they_are_stored);
    tcase_add_test(all, an_open_never_raises_the_mark_that_the_owner_before_is_told);
    tcase_add_test(all, segments_behind_an_open_are_judged_after_it);
    tcase_add_test(all, a_deleted_board_takes_nothing_more);
    tcase_add_test(all, a_segment_that_is_not_what_it_says_is_refused);
    tcase_add_test(all, a_segment_whose_key_an_open_took_is_refused);
    tcase_add_test(all, a_segment_whose_key_its_own_copy_took_is_stored);
    tcase_add_test(all, a_longer_segment_whose_key_a_shorter_one_took_is_stored_behind_it);
    tcase_add_test(all, an_open_whose_key_another_open_took_is_refused);
    tcase_add_test(all, an_unknown_result_is_not_answered);
    tcase_add_test(all, what_was_stored_although_nobody_knew_counts_once);
    tcase_add_test(all, an_open_that_was_stored_although_nobody_knew_is_answered_when_asked_again);
    tcase_add_test(all, a_key_that_is_taken_again_and_again_is_given_up);
    tcase_add_test(all, while_the_database_is_away_requests_are_dropped_and_nothing_is_answered);
    tcase_add_test(all, the_oldest_request_that_is_not_answered_tells_the_age);
    tcase_add_test(all, a_last_record_is_read_once);
    tcase_add_test(all, a_hole_is_never_answered_from_memory);
    tcase_add_test(all, a_segment_is_never_refused_from_memory);
    tcase_add_test(all, a_probe_of_an_owner_of_the_past_is_never_answered_from_memory);
    tcase_add_test(all, an_open_is_never_refused_from_memory);
    tcase_add_test(all, that_a_board_is_not_there_is_never_remembered);
    tcase_add_test(all, more_boards_than_a_round_reads_are_all_answered);
    tcase_add_test(all, only_so_many_last_records_are_kept);
    tcase_add_test(all, beyond_the_limit_of_what_waits_requests_are_dropped_and_counted);
    tcase_add_test(all, a_message_of_a_newer_version_is_not_read);
    tcase_add_test(all, items_that_are_not_for_history_are_skipped);
    tcase_add_test(all, bytes_that_are_no_items_are_counted);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(history_core_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
