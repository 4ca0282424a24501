/* SPDX-License-Identifier: Apache-2.0
 *
 * What is true of the board service's core, broken fact by fact.
 */
#include "invariants_test.h"

#include "board_invariants.h"
#include "board_test.h"
#include "sequencer.h"

static struct board *board;
static struct log *log_;
static struct gateway_list *list;
static struct attachment *at;

static void look_at_core(void)
{
    board_core_invariants(core);
}

static void find_board(void)
{
    struct id id = id_of(BOARD);
    board = idmap_get(&core->boards, &id);
    log_ = &board->log;
    at = LIST_FIRST(&board->attachments);
    list = at->list;
    look = look_at_core;
}

/* History is yet to answer. */
static void opening_board(void)
{
    attach("g1", 0, 0, "ann/11");
    find_board();
    ck_assert_int_eq(board->ownership, BOARD_OPENING);
}

/* Ann draws: 3 is stored, up to 5 is sent, 6 is the newest. */
static void busy_board(void)
{
    open_with_ann_drawing();
    draw("g1", "ann", 11, 3, 1);
    draw("g1", "ann", 11, 3, 2);
    pass(50);
    draw("g1", "ann", 11, 3, 3);
    find_board();
    ck_assert_uint_eq(log_->mark, 3);
    ck_assert_uint_eq(log_->sent, 5);
    ck_assert_uint_eq(log_->head, 6);
}

static void quiet_board(void)
{
    open_with_ann_drawing();
    find_board();
    ck_assert_uint_eq(log_->mark, log_->head);
}

START_TEST(the_log)
{
    busy_board();
    BREAKS(board->over, 2, "l->epoch > b->over"); /* [D10] */
    BREAKS(board->newest, 1, "l->epoch <= b->newest");
    BREAKS(log_->mark, 1, "l->epoch <= l->mark");
    BREAKS(log_->sent, 2, "l->mark <= l->sent");
    BREAKS(log_->sent, 9, "l->sent <= l->head");
    BREAKS(log_->count, 2, "l->head - l->mark == l->count");
    BREAKS(log_->asked_at, NEVER, "l->sent == l->mark || l->asked_at != NEVER");
    BREAKS(log_->full, true, "l->full == (l->head >= b->core->config.board_events_max)");
    BREAKS(log_->bytes.len, UNSTORED_BYTES_MAX + 5000,
           "l->bytes.len <= UNSTORED_BYTES_MAX + FRAME_BYTES_MORE");
    BREAKS(log_->end_flags, 1, "(l->end_flags != 0) == (b->ownership == BOARD_ENDING)");
    BREAKS(log_->cap, 1, "l->count <= l->cap");
    BREAKS(log_->bytes.len, 0, "(l->count == 0) == (l->bytes.len == 0)");
    BREAKS(log_->bytes_at, log_->bytes_at + 1, "first->at == l->bytes_at");
    BREAKS(log_->bytes.len, log_->bytes.len + 1, "last->at + last->len == end_of_bytes(l)");
    BREAKS(log_->newest_time, 1, "last->time == l->newest_time");
    BREAKS(log_->events[0].len, 1, "l->events[i - 1].at + l->events[i - 1].len == l->events[i].at");
}
END_TEST

START_TEST(states_of_the_log)
{
    busy_board();
    BREAKS(log_->stored.base, 4, "l->stored.term <= l->mark && l->stored.base <= l->mark");
    BREAKS(log_->reached.base, 6, "l->reached.term <= l->sent && l->reached.base <= l->sent");
    BREAKS(log_->newest.base, 7, "l->newest.term <= l->head && l->newest.base <= l->head");
    BREAKS(log_->stored.stroke.points, STROKE_POINTS_MAX + 1,
           "l->stored.stroke.points <= STROKE_POINTS_MAX"); /* [D7] */
    BREAKS(log_->newest.stroke.points, STROKE_POINTS_MAX + 1,
           "l->newest.stroke.points <= STROKE_POINTS_MAX");
    BREAKS(log_->newest.term, 5,
           "!pending || l->head == l->newest.term + (l->end_flags != 0)"); /* [D22] */
    BREAKS(log_->held.len, 1,
           "l->held.len == 0 || pending || l->pass.cseq != 0 || l->full"); /* [D22] */
    log_->pass.cseq = 1;
    BREAKS(log_->held.len, HELD_BYTES_MAX + BROKER_MESSAGE_BYTES_MAX + 1,
           "l->held.len <= HELD_BYTES_MAX + BROKER_MESSAGE_BYTES_MAX");
    log_->pass.cseq = 0;
}
END_TEST

START_TEST(a_log_that_is_stored)
{
    quiet_board();
    BREAKS(log_->probing, true, "!l->probing || l->asked_at != NEVER");
    BREAKS(log_->newest.term, 2, "l->mark != l->head || l->stored.term == l->newest.term");
}
END_TEST

START_TEST(a_board_that_is_not_ours_yet)
{
    opening_board();
    BREAKS(log_->epoch, 1,
           "open || (b->log.epoch == 0 && b->log.count == 0 && b->log.bytes.len == 0)"); /* [D11] */
    BREAKS(board->over, 9, "b->ownership != BOARD_OPENING || b->over <= b->newest");
    BREAKS(board->shard, 7, "b->shard < b->core->config.shards");
    BREAKS(board->id, id_of("another"), "idmap_get(&b->core->boards, &b->id) == b");
}
END_TEST

START_TEST(who_waits_for_time)
{
    busy_board();
    uint64_t deadline = board->deadline;
    BREAKS(board->is_active, false, "b->is_active == (b->deadline != NEVER)");
    BREAKS(core->sweep_at, NEVER,
           "!b->is_active || b->is_dirty || b->core->sweep_at <= b->deadline");
    board->is_active = false;
    board->deadline = NEVER;
    ck_assert_str_eq(hears(), "b->is_active || b->is_dirty || b->log.count == 0");
    board->is_active = true;
    board->deadline = deadline;
    IS_WELL();
}
END_TEST

START_TEST(who_waits_for_history)
{
    opening_board();
    uint64_t deadline = board->deadline;
    IS_WELL();
    board->is_active = false;
    board->deadline = NEVER;
    ck_assert_str_eq(hears(), "b->is_active || b->is_dirty || b->ownership == BOARD_OPEN");
    board->is_active = true;
    board->deadline = deadline;
    IS_WELL();
}
END_TEST

START_TEST(the_pen)
{
    quiet_board();
    BREAKS(board->pen.term, 9, "p->term <= b->log.stored.term");
    BREAKS(board->pen.grace_until, 5, "p->lost_at != NEVER || p->grace_until == NEVER");
    BREAKS(board->pen.passing, true, "!p->passing || p->wait_since != NEVER");
}
END_TEST

START_TEST(members_and_seats)
{
    quiet_board();
    struct seats *s = &board->seats;
    struct member *m = &s->members[1];
    BREAKS(s->cap, 1, "s->count <= s->cap");
    s->cap += 20;
    BREAKS(s->count, 17, "s->count <= LISTED_PER_SEAT * (b->core->config.seats + 1)");
    s->cap -= 20;
    BREAKS(m->lost_at, 5, "m->connected == (m->lost_at == NEVER)");
    BREAKS(m->seat, 9, "!m->seated || m->seat <= b->core->config.seats");
    BREAKS(m->given_up, true, "!m->seated || !m->given_up");
    BREAKS(m->number, 0, "m->seated == (m->number > 0)");
    BREAKS(m->line, 99, "m->line <= b->seats.line");
    BREAKS(m->rivals, 5, "(m->rivals == 0) == (m->rivals_since == NEVER)");
    BREAKS(m->id, s->members[0].id, "!id_equal(&s->members[j].id, &m->id)");
    BREAKS(m->seat, s->members[0].seat,
           "!m->seated || !s->members[j].seated || s->members[j].seat != m->seat");
    BREAKS(m->number, s->members[0].number, "m->number == 0 || s->members[j].number != m->number");
    BREAKS(s->seat[m->seat].away, true, "b->seats.seat[seat].away == away");
    BREAKS(s->seat[0].left_ms, KEEP_MS + 1,
           "b->seats.seat[seat].left_ms <= b->core->config.seat_keep_ms");
    BREAKS(s->seat[0].counted_at, now + 1, "b->seats.seat[seat].counted_at <= b->core->clock");
}
END_TEST

START_TEST(more_members_than_seats)
{
    static struct member many[17];
    quiet_board();
    struct seats was = board->seats;
    IS_WELL();
    for (unsigned i = 0; i < 17; i++)
        many[i] = was.members[0];
    board->seats.members = many;
    board->seats.count = board->seats.cap = 17;
    core->config.seats = 10;
    ck_assert_str_eq(hears(), "seated <= b->core->config.seats + 1");
    board->seats = was;
    core->config.seats = SEATS;
    IS_WELL();
}
END_TEST

START_TEST(attachments)
{
    busy_board();
    BREAKS(at->board, NULL, "at->board == b");
    BREAKS(list->shard, 7, "at->list->shard == b->shard");
    BREAKS(list->boards.slots, 0, "idmap_get(&at->list->boards, &b->id) == at");
    BREAKS(at->entry_count, 99, "at->entry_count <= LISTED_PER_SEAT * (b->core->config.seats + 1)");
    BREAKS(at->state_number, 99, "at->state_number <= b->core->state_number");
    BREAKS(at->next, 8, "at->next >= 1 && at->next <= b->log.head + 1");
    BREAKS(at->told_mark, 4, "at->told_mark <= b->log.mark");
    BREAKS(board->entry_count, 9, "entries == b->entry_count");
}
END_TEST

START_TEST(lists)
{
    busy_board();
    attach("g2", 2, 3, "");
    BREAKS(core->shard[0].list_count, 0,
           "list->shard < c->config.shards && c->shard[list->shard].list_count > 0");
    BREAKS(list->parts_there, 1, "list->parts_there <= list->part_count");
    BREAKS(list->part_count, 1, "(list->parts == NULL) == (list->part_count == 0)");
    BREAKS(list->heard_at, now + 9, "!before || before->heard_at <= list->heard_at");
}
END_TEST

START_TEST(sums)
{
    busy_board();
    struct board_core_stats *stats = &core->stats;
    BREAKS(core->shard[0].unanswered, 1, "unanswered == counted");
    BREAKS(stats->shards_held, 9, "held == c->stats.shards_held");
    BREAKS(stats->boards_open, 9, "sum->boards_open == c->stats.boards_open");
    BREAKS(stats->boards_opening, 9, "sum->boards_opening == c->stats.boards_opening");
    BREAKS(stats->unstored_events, 9, "sum->unstored_events == c->stats.unstored_events");
    BREAKS(stats->unstored_bytes, 9, "sum->unstored_bytes == c->stats.unstored_bytes");
    BREAKS(stats->busy_boards, 9, "sum->busy_boards == c->stats.busy_boards");
    BREAKS(stats->full_boards, 9, "sum->full_boards == c->stats.full_boards");
}
END_TEST

START_TEST(the_core)
{
    busy_board();
    BREAKS(core->shard[0].bound, false,
           "c->shard[i].held == (c->shard[i].wanted && c->shard[i].bound)");
    BREAKS(core->clock, now + 1, "c->clock <= c->now"); /* [D14] */
    BREAKS(core->stats.list_bytes, LISTS_BYTES_MAX + 1, "c->stats.list_bytes <= LISTS_BYTES_MAX");
    BREAKS(core->gone, true, "!c->gone || boards->count == 0");
}
END_TEST

START_TEST(each_check_bites)
{
    ck_assert_str_eq(unheard(INVARIANTS "board-service/board_invariants.c"), "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("board invariants");
    TCase *t = add_case(s, "facts");
    tcase_add_test(t, the_log);
    tcase_add_test(t, states_of_the_log);
    tcase_add_test(t, a_log_that_is_stored);
    tcase_add_test(t, a_board_that_is_not_ours_yet);
    tcase_add_test(t, who_waits_for_time);
    tcase_add_test(t, who_waits_for_history);
    tcase_add_test(t, the_pen);
    tcase_add_test(t, members_and_seats);
    tcase_add_test(t, more_members_than_seats);
    tcase_add_test(t, attachments);
    tcase_add_test(t, lists);
    tcase_add_test(t, sums);
    tcase_add_test(t, the_core);
    tcase_add_test(t, each_check_bites);
    return run_invariants(s);
}
