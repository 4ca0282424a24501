/* SPDX-License-Identifier: Apache-2.0
 *
 * What is true of the gateway's core, broken fact by fact.
 */
#include "invariants_test.h"

#include "gateway_invariants.h"
#include "gateway_test.h"

static struct board *board;
static struct session *ana, *ben;

static void look_at_board(void)
{
    gateway_board_invariants(board);
}

static void look_after_cut(void)
{
    gateway_cut_invariants(board);
}

static void look_at_core(void)
{
    gateway_invariants(core);
}

/* Ana draws, ben watches; nothing waits for anything. */
static void quiet_board(void)
{
    two_on_a_board();
    for (unsigned i = 0; i < 100; i++)
        tick(50);
    struct id id = id_of(BOARD);
    board = idmap_get(&core->boards, &id);
    ana = drawer->session;
    ben = viewer->session;
    look = look_at_board;
    ck_assert(!board->busy);
}

/* Two frames of ana's wait to be stored, one of them is an event; and a page for cem is there. */
static void busy_board(void)
{
    struct buf events = {0};
    quiet_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 2);
    owner_sends(2, 4, 4, 3);
    struct client *cem = hello("watch cem", 33, 1, 0, NIL);
    owner_tells(2, 3, "ana ben cem", NULL);
    sent();
    pulls(cem);
    sent();
    put_event(&events, 1, 1, 1);
    put_event(&events, 2, 1, 2);
    message_from("h1");
    PUT(&body, page, id_of(BOARD), last_nonce, 2, 1, 2, 3, buf_span(&events));
    deliver();
    buf_free(&events);
    ck_assert_uint_eq(board->page_count, 1);
}

START_TEST(the_window_and_the_view)
{
    busy_board();
    struct window *w = &board->window;
    struct event *event = w->ring[(w->start + 1) & (w->cap - 1)];
    BREAKS(w->cap, 1, "w->count <= w->cap");
    BREAKS(w->cap, 17, "(w->cap & (w->cap - 1)) == 0");
    BREAKS(w->bytes, 0, "(w->count == 0) == (w->bytes == 0)");
    BREAKS(w->bytes, WINDOW_BYTES_LIMIT + BROKER_MESSAGE_BYTES_MAX,
           "w->bytes < WINDOW_BYTES_LIMIT + BROKER_MESSAGE_BYTES_MAX");
    BREAKS(event->head, event->len, "e->head < e->len");
    BREAKS(event->cseq, 0, "(e->term == 0) == (e->cseq == 0)");
    BREAKS(w->bytes, w->bytes + 1, "w->count > CHECK_FEW || bytes == w->bytes");
    BREAKS(w->first, 0, "w->first != 0 || (w->count == 0 && w->told == 0 && b->head == 0)");
    BREAKS(w->first, w->told + 2, "w->first <= w->told + 1"); /* [D29] */
    BREAKS(board->head, 3, "window_applied(w) <= b->head");
    BREAKS(w->told, 5, "w->told <= b->head");
    BREAKS(w->told, 4, "b->head > w->told || b->behind_since == 0");
    BREAKS(w->epoch, JUMP_MAX + 9, "w->epoch <= b->trust.confirmed + JUMP_MAX"); /* [D31] */
    BREAKS(board->trust.confirmed, 2 - JUMP_MAX, "w->told <= b->trust.confirmed + JUMP_MAX");
    BREAKS(board->owner, id_of("g1"),
           "id_empty(&b->owner) || id_is_of(&b->owner, KIND_BOARD)"); /* [D32] */
    BREAKS(board->shard, 5, "b->shard < b->core->config.shards");
    BREAKS(board->id, id_of("another"), "idmap_get(&b->core->boards, &b->id) == b");
}
END_TEST

START_TEST(a_board_of_which_nobody_told)
{
    hello("watch ben", 22, 1, 2, NIL);
    struct id id = id_of(BOARD);
    board = idmap_get(&core->boards, &id);
    look = look_at_board;
    BREAKS(board->state.number, 1, "b->state.number == 0 || w->first != 0");
}
END_TEST

START_TEST(pages)
{
    struct page more[PAGES_MAX];
    busy_board();
    struct page *page = LIST_FIRST(&board->pages);
    BREAKS(page->events.first, 0, "p->events.first > 0 && p->events.count > 0");
    BREAKS(page->events.told, 1, "p->events.told == 0"); /* [D28] */
    BREAKS(board->page_count, 2, "count == b->page_count");
    for (unsigned i = 0; i < PAGES_MAX; i++) {
        more[i] = *page;
        LIST_INSERT_AFTER(page, &more[i], link);
    }
    board->page_count = PAGES_MAX + 1;
    ck_assert_str_eq(hears(), "count <= PAGES_MAX");
    for (unsigned i = 0; i < PAGES_MAX; i++)
        LIST_REMOVE(&more[i], link);
    board->page_count = 1;
    board->reads[0] = (struct read_request){.ask = {.nonce = 7}, .from = 9};
    board->reads[1].from = 9;
    BREAKS(board->reads[1].ask.nonce, 8,
           "!b->reads[i].ask.nonce || !b->reads[j].ask.nonce || "
           "b->reads[i].from != b->reads[j].from");
    BREAKS(board->busy, false, "b->busy || LIST_EMPTY(&b->pages)");
}
END_TEST

START_TEST(what_waits_is_woken)
{
    quiet_board();
    BREAKS(board->reads[0].ask.nonce, 1, "b->busy || b->reads[i].ask.nonce == 0");
    BREAKS(board->lag_since, 1, "b->busy || b->lag_since == 0");
    BREAKS(board->mark_moved_at, 1, "b->busy || b->mark_moved_at == 0");
    BREAKS(board->said, true, "b->busy || !b->said");
    BREAKS(board->deleting, true, "b->busy || !b->deleting");
    BREAKS(board->unsaved, true, "b->busy || !b->unsaved");
    BREAKS(ana->pointer.waits, true, "!s->pointer.waits || b->busy");
    ana->flags |= MEMBER_LOST;
    BREAKS(ana->client, NULL, "s->client || b->busy");
    ana->flags &= ~(unsigned)MEMBER_LOST;
    __typeof__(board->clients) clients = board->clients;
    LIST_INIT(&board->clients);
    BREAKS(board->sessions.lh_first, NULL,
           "b->busy || !LIST_EMPTY(&b->sessions) || !LIST_EMPTY(&b->clients)");
    board->clients = clients;
    hello("watch cem", 33, 1, 2, NIL);
    BREAKS(board->busy, false, "cl->state != CLIENT_JOINING || b->busy");
    draws(drawer, 3, 1);
    BREAKS(board->busy, false, "!last || s->board->busy");
}
END_TEST

START_TEST(sessions)
{
    busy_board();
    BREAKS(ana->board, NULL, "s->board == b");
    BREAKS(ana->client, viewer, "!s->client || (s->client->session == s && s->client->board == b)");
    BREAKS(ana->client, NULL, "s->client || s->flags & MEMBER_LOST");
    BREAKS(ana->term, 9, "s->term <= applied"); /* [D26] */
    BREAKS(ana->served_at, 9, "s->served_at <= applied");
    BREAKS(ana->logged_at, 9, "s->logged_at == UINT64_MAX || s->logged_at <= applied");
    BREAKS(ana->stroke.points, STROKE_POINTS_MAX + 1, "s->stroke.points <= STROKE_POINTS_MAX");
    BREAKS(ben->member, ana->member, "!same || !s->client || !other->client"); /* [D25] */
    ana->instance = ben->instance;
    BREAKS(ben->member, ana->member, "!same || s->instance != other->instance");
    ana->instance = 11;
    BREAKS(board->session_count, 7, "sessions == b->session_count");
}
END_TEST

START_TEST(frames_that_are_kept)
{
    static struct kept other;
    busy_board();
    struct kept *first = TAILQ_FIRST(&ana->kept);
    BREAKS(ana->kept_count, 0, "(last == NULL) == (s->kept_count == 0)");
    BREAKS(ana->resend.at, UINT64_MAX, "(last == NULL) == (s->resend.at == UINT64_MAX)");
    BREAKS(ana->kept_cseq, 1,
           "!last || last->term < s->kept_term || "
           "(last->term == s->kept_term && last->cseq <= s->kept_cseq)");
    BREAKS(ben->full, true, "last || !s->full");
    BREAKS(first->cseq, 2,
           "!before || before->term < k->term || "
           "(before->term == k->term && before->cseq < k->cseq)");
    BREAKS(ana->kept_count, 3, "count == s->kept_count");
    BREAKS(ana->kept_bytes, 1, "bytes == s->kept_bytes");
    BREAKS(ana->resend.next, &other, "next");
    BREAKS(ana->again, &other, "again");
}
END_TEST

START_TEST(clients)
{
    busy_board();
    BREAKS(viewer->core, NULL, "cl->board == b && cl->core == b->core");
    BREAKS(viewer->state, CLIENT_NEW, "cl->state != CLIENT_NEW");
    BREAKS(viewer->ends, true, "(cl->state == CLIENT_CLOSING) == cl->ends");
    BREAKS(ben->flags, 0, "cl->session->flags & MEMBER_SEATED");
    BREAKS(viewer->cursor, 99, "cl->cursor <= larger(applied, cl->knows)"); /* [D26] */
    BREAKS(viewer->awaited, 99, "cl->awaited <= applied");
    BREAKS(viewer->since, 5, "cl->since == NIL");
    viewer->flags |= PULL_CUT;
    BREAKS(viewer->cut_to, 99, "!(cl->flags & PULL_CUT) || cl->cut_to <= cl->cursor");
    viewer->flags &= ~(unsigned)PULL_CUT;
}
END_TEST

START_TEST(a_client_that_ends)
{
    struct buf empty = {0};
    busy_board();
    struct client *cl = hello("watch dan", 44, 1, 2, NIL);
    says(cl, &empty);
    ck_assert(cl->ends);
    BREAKS(cl->flags, PULL_MARK, "!cl->ends || !(cl->flags & ~(unsigned)PULL_ERROR)");
    BREAKS(cl->session, ana, "(cl->session == NULL) == cl->ends");
    cl->state = CLIENT_JOINING;
    cl->ends = false;
    cl->session = ana;
    ck_assert_str_eq(hears(), "!cl->session || cl->session->client == cl");
    cl->state = CLIENT_CLOSING;
    cl->ends = true;
    cl->session = NULL;
    IS_WELL();
}
END_TEST

START_TEST(a_cut)
{
    busy_board();
    look = look_after_cut;
    BREAKS(board->window.told, 5, "b->window.told <= applied"); /* [D27] */
    BREAKS(board->head, 5, "b->head <= applied");
    BREAKS(viewer->cursor, 5,
           "cl->state != CLIENT_LIVE || cl->flags & PULL_WELCOME || cl->cursor <= applied");
}
END_TEST

START_TEST(sums)
{
    busy_board();
    look = look_at_core;
    struct gateway_core_stats *stats = &core->stats;
    BREAKS(stats->boards, 2, "sum->boards == c->stats.boards");
    BREAKS(stats->window_bytes, 1, "sum->window_bytes == c->stats.window_bytes");
    BREAKS(stats->page_bytes, 1, "sum->page_bytes == c->stats.page_bytes");
    BREAKS(stats->unsaved_boards, 9, "sum->unsaved_boards == c->stats.unsaved_boards");
    BREAKS(stats->members, 9, "sum->members == c->stats.members");
    BREAKS(stats->frames_kept, 9, "sum->frames_kept == c->stats.frames_kept");
    BREAKS(stats->frame_bytes, 9, "sum->frame_bytes == c->stats.frame_bytes");
    BREAKS(stats->resends_waiting, 9, "sum->resends_waiting == c->stats.resends_waiting");
    BREAKS(stats->slow_viewers, 9, "sum->slow_viewers == c->stats.slow_viewers");
    BREAKS(stats->clients, 1, "sum->clients <= c->stats.clients");
}
END_TEST

START_TEST(the_core)
{
    busy_board();
    look = look_at_core;
    BREAKS(core->shard[0].not_owner, id_of("b1"),
           "c->not_owners || id_empty(&c->shard[i].not_owner)");
    BREAKS(core->resend.bytes, (int64_t)RESEND_BURST + 1,
           "c->resend.bytes <= (int64_t)RESEND_BURST");
    BREAKS(core->answer_first, ANSWERS_MAX,
           "c->answer_count <= ANSWERS_MAX && c->answer_first < ANSWERS_MAX");
    client_touch(viewer, 0);
    BREAKS(viewer->dirty, false, "cl->dirty && cl->core == c");
    TAILQ_INSERT_TAIL(&core->resend.turns, ana, resend.turn_link);
    ck_assert_str_eq(hears(), "s->resend.in_turn");
    TAILQ_REMOVE(&core->resend.turns, ana, resend.turn_link);
    IS_WELL();
}
END_TEST

START_TEST(each_check_bites)
{
    ck_assert_str_eq(unheard(INVARIANTS "gateway/core/gateway_invariants.c"), "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway invariants");
    TCase *t = tcase_create("facts");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_window_and_the_view);
    tcase_add_test(t, a_board_of_which_nobody_told);
    tcase_add_test(t, pages);
    tcase_add_test(t, what_waits_is_woken);
    tcase_add_test(t, sessions);
    tcase_add_test(t, frames_that_are_kept);
    tcase_add_test(t, clients);
    tcase_add_test(t, a_client_that_ends);
    tcase_add_test(t, a_cut);
    tcase_add_test(t, sums);
    tcase_add_test(t, the_core);
    tcase_add_test(t, each_check_bites);
    suite_add_tcase(s, t);
    return run_invariants(s);
}
