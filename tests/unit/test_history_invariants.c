/* SPDX-License-Identifier: Apache-2.0
 *
 * What is true of the history service's core, broken fact by fact.
 */
#include "invariants_test.h"

#include "history_core_private.h"

#define BOARD "k3v9x2mq4t"

static struct history_core *core;
static struct board *board, *idle;
static const uint64_t now = 1000000;

static struct id id_of(const char *text)
{
    struct id id;
    ck_assert_int_eq(id_parse(text, strlen(text), &id), 0);
    return id;
}

static void look_at_core(void)
{
    history_core_invariants(core);
}

static void from(const char *sender, const struct message_type *type, const void *message)
{
    struct buf out = {0};
    PUT(&out, envelope, BROKER_VERSION, id_of(sender));
    message_put(&out, type, message);
    ck_assert_uint_eq(history_core_message(core, now, buf_span(&out)), 1);
    buf_free(&out);
}
#define FROM(sender, name, ...) from((sender), &TYPE_##name, &(struct msg_##name){__VA_ARGS__})

/* What is planned waits to be inserted; no board was in the store before. */
static void plan(void)
{
    const struct history_plan *plan = history_core_plan(core, now);
    for (unsigned i = 0; i < plan->load_count; i++)
        history_core_loaded(core, &plan->load[i], NULL, span_of(""), (struct span){0});
    if (plan->load_count)
        plan = history_core_plan(core, now);
    ck_assert_uint_eq(plan->record_count, 1);
}

static void settle(void)
{
    int results[1] = {0};
    history_core_settle(core, now, results);
}

static void append(uint64_t first)
{
    struct buf events = {0};
    PUT(&events, ev_points, first, now, 1, 1, 0, {(const uint8_t *)"1234", 4});
    FROM("b1", append, .board = id_of(BOARD), .epoch = 2, .first = first, .count = 1, .time = now,
         .events = buf_span(&events));
    buf_free(&events);
}

static void create(const char *name)
{
    FROM("g1", create, id_of(name), 7, span_of("Physics"));
}

static void ask_to_open(void)
{
    FROM("b1", open, id_of(BOARD), id_of("b1"), 70, 0);
}

static struct board *find(const char *name)
{
    struct id id = id_of(name);
    return idmap_get(&core->boards, &id);
}

static void set_up(void)
{
    core = history_core_create(&(struct history_core_config){.self = id_of("h1"), .shards = 1});
    look = look_at_core;
}

static void tear_down(void)
{
    history_core_destroy(core);
}

/* One board is open at 2, another one was made: nothing waits. */
static void two_boards(void)
{
    create("another");
    plan();
    settle();
    create(BOARD);
    plan();
    settle();
    ask_to_open();
    plan();
    settle();
    board = find(BOARD);
    idle = find("another");
}

/* And one event is to be inserted at 3. */
static void in_a_round(void)
{
    two_boards();
    append(3);
    plan();
    append(4);
}

START_TEST(boards)
{
    two_boards();
    append(3);
    BREAKS(idle->id, id_of("a"), "idmap_get(&c->boards, &b->id) == b");
    BREAKS(idle->last.events.len, 1, "b->last.events.len == 0");
    BREAKS(idle->last.first, 0, "b->last.count == 0 || b->last.first > 0");
    BREAKS(idle->known, false, "b->waits || (b->known && b->last.count > 0)");
    BREAKS(idle->tries, 1, "b->waits || b->tries == 0");
    BREAKS(idle->waits, true, "!b->waits");
    BREAKS(board->waits, false,
           "b->waits || (STAILQ_EMPTY(&b->requests) && STAILQ_EMPTY(&b->batch))");
    struct request *first = STAILQ_FIRST(&board->requests);
    board->waits = false;
    board->requests.stqh_first = NULL;
    ck_assert_str_eq(hears(), "b->waits");
    board->waits = true;
    board->requests.stqh_first = first;
    BREAKS(first->code, TO_HISTORY_read,
           "r->code == TO_HISTORY_create || r->code == TO_HISTORY_look || "
           "r->code == TO_HISTORY_open || r->code == TO_HISTORY_append");
}
END_TEST

START_TEST(sums)
{
    two_boards();
    append(3);
    BREAKS(core->config.tails_max, 0, "c->idle_count <= c->config.tails_max");
    BREAKS(core->stats.waiting_bytes, HISTORY_WAITING_BYTES_MAX + 1,
           "c->stats.waiting_bytes <= HISTORY_WAITING_BYTES_MAX");
    BREAKS(core->deleted_count, HISTORY_DELETED_MAX + 1, "c->deleted_count <= HISTORY_DELETED_MAX");
    BREAKS(core->idle_count, 9, "idle == c->idle_count");
    BREAKS(core->boards.count, 9, "count == c->boards.count");
    BREAKS(core->stats.waiting_requests, 9, "requests == c->stats.waiting_requests");
    BREAKS(core->stats.waiting_bytes, 1, "bytes == c->stats.waiting_bytes");
}
END_TEST

START_TEST(a_round)
{
    in_a_round();
    BREAKS(core->plan.load_count, ROUND_LOADS_MAX + 1,
           "plan->load_count <= ROUND_LOADS_MAX && plan->record_count <= ROUND_BOARDS_MAX");
    BREAKS(core->plan.load_count, 1, "plan->load_count == 0 || plan->record_count == 0");
    BREAKS(core->loaded, false, "c->loaded || plan->record_count == 0");
    settle();
    IS_WELL();
    core->plan.load_count = 1;
    ck_assert_str_eq(hears(), "plan->load_count == 0 || c->loaded");
    core->plan.load_count = 0;
}
END_TEST

START_TEST(a_record_of_a_round)
{
    in_a_round();
    struct record *r = &core->records[0];
    struct planned *p = &core->planned[0];
    BREAKS(r->board, idle->id, "id_equal(&r->board, &p->board->id)");
    BREAKS(board->waits, false, "p->board->waits");
    BREAKS(r->first, 9, "r->count > 0 && r->first == tail_of(p->board) + 1"); /* P4 */
    BREAKS(r->epoch, 5, "is_open(r) || r->epoch == p->board->last.epoch");    /* [D17] */
    BREAKS(r->events.len, 1, "r->events.data == p->events.data && r->events.len == p->events.len");
    size_t len = p->events.len;
    r->events.len = p->events.len = 0;
    ck_assert_str_eq(hears(), "r->events.len > 0 && r->events.len <= RECORD_BYTES_MAX");
    r->events.len = p->events.len = len;
    core->records[1] = *r;
    core->planned[1] = *p;
    BREAKS(core->plan.record_count, 2, "c->planned[j].board != p->board"); /* [D18] */
    settle();
}
END_TEST

START_TEST(what_a_record_answers)
{
    in_a_round();
    struct record *r = &core->records[0];
    struct request *first = STAILQ_FIRST(&board->batch);
    BREAKS(board->batch.stqh_first, NULL, "first != NULL");
    BREAKS(r->epoch, 3, "!is_open(r) || (alone && first->code == TO_HISTORY_open)"); /* [D19] */
    BREAKS(first->code, TO_HISTORY_create, "(r->epoch == 0) == (first->code == TO_HISTORY_create)");
    settle();
}
END_TEST

START_TEST(a_record_of_a_created_event)
{
    create(BOARD);
    plan();
    ask_to_open();
    board = find(BOARD);
    BREAKS(STAILQ_FIRST(&board->batch)->queue.stqe_next, STAILQ_FIRST(&board->requests),
           "r->epoch != 0 || (alone && r->first == 1)");
    settle();
}
END_TEST

START_TEST(a_record_of_an_open)
{
    create(BOARD);
    plan();
    settle();
    ask_to_open();
    plan();
    board = find(BOARD);
    BREAKS(STAILQ_FIRST(&board->batch)->open.over, 9,
           "is_open(r) && r->count == 1 && first->open.over == p->board->last.epoch"); /* [D10] */
    settle();
}
END_TEST

START_TEST(each_check_bites)
{
    ck_assert_str_eq(unheard(INVARIANTS "history-service/history_invariants.c"), "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("history invariants");
    TCase *t = tcase_create("facts");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, boards);
    tcase_add_test(t, sums);
    tcase_add_test(t, a_round);
    tcase_add_test(t, a_record_of_a_round);
    tcase_add_test(t, what_a_record_answers);
    tcase_add_test(t, a_record_of_a_created_event);
    tcase_add_test(t, a_record_of_an_open);
    tcase_add_test(t, each_check_bites);
    suite_add_tcase(s, t);
    return run_invariants(s);
}
