/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway_invariants.h"

#include "checks.h"

#define ALONE_MAX 16u /* of so many sessions each is compared with each */

/* ---- the window ------------------------------------------------------------------------------ */

static void check_window(const struct window *w)
{
    size_t bytes = 0;
    CHECK(w->count <= w->cap);
    CHECK((w->cap & (w->cap - 1)) == 0);
    CHECK((w->count == 0) == (w->bytes == 0));
    CHECK(w->bytes < WINDOW_BYTES_LIMIT + BROKER_MESSAGE_BYTES_MAX);
    for (uint32_t i = 0; i < w->count && w->count <= CHECK_FEW; i++) {
        const struct event *e = w->ring[(w->start + i) & (w->cap - 1)];
        CHECK(e->head < e->len);
        CHECK((e->term == 0) == (e->cseq == 0));
        bytes += e->len;
    }
    CHECK(w->count > CHECK_FEW || bytes == w->bytes);
}

/* ---- how far the board is -------------------------------------------------------------------- */

static void check_view(const struct board *b)
{
    const struct window *w = &b->window;
    CHECK(w->first != 0 || (w->count == 0 && w->told == 0 && b->head == 0));
    CHECK(w->first <= w->told + 1); /* below it history has all [D29] */
    CHECK(window_applied(w) <= b->head);
    CHECK(w->told <= b->head);
    CHECK(b->head > w->told || b->behind_since == 0);
    CHECK(w->epoch <= b->trust.confirmed + JUMP_MAX); /* [D31] */
    CHECK(w->told <= b->trust.confirmed + JUMP_MAX);
    CHECK(b->state.number == 0 || w->first != 0);
    CHECK(id_empty(&b->owner) || id_is_of(&b->owner, KIND_BOARD)); /* [D32] */
}

static void check_pages(const struct board *b)
{
    const struct page *p;
    unsigned count = 0;
    LIST_FOREACH (p, &b->pages, link) {
        check_window(&p->events);
        CHECK(p->events.first > 0 && p->events.count > 0);
        CHECK(p->events.told == 0); /* a page moves no mark [D28] */
        count++;
    }
    CHECK(count == b->page_count);
    CHECK(count <= PAGES_MAX);
    for (unsigned i = 0; i < PAGES_MAX; i++)
        for (unsigned j = 0; j < i; j++)
            CHECK(!b->reads[i].ask.nonce || !b->reads[j].ask.nonce ||
                  b->reads[i].from != b->reads[j].from); /* one question for all */
}

/* What waits for time is looked at by time: for ever if nobody does. */
static void check_woken(const struct board *b)
{
    CHECK(b->busy || LIST_EMPTY(&b->pages));
    for (unsigned i = 0; i < PAGES_MAX; i++)
        CHECK(b->busy || b->reads[i].ask.nonce == 0);
    CHECK(b->busy || b->lag_since == 0);
    CHECK(b->busy || b->mark_moved_at == 0);
    CHECK(b->busy || !b->said);
    CHECK(b->busy || !b->deleting);
    CHECK(b->busy || !b->unsaved);
    CHECK(b->busy || !LIST_EMPTY(&b->sessions) || !LIST_EMPTY(&b->clients)); /* else it goes */
}

/* ---- sessions -------------------------------------------------------------------------------- */

static void check_frames(const struct session *s)
{
    const struct kept *k, *before = NULL;
    unsigned count = 0;
    bool next = !s->resend.next, again = !s->again;
    size_t bytes = 0;
    if (s->kept_count > CHECK_FEW)
        return;
    TAILQ_FOREACH (k, &s->kept, link) {
        CHECK(!before || before->term < k->term ||
              (before->term == k->term && before->cseq < k->cseq));
        next = next || k == s->resend.next;
        again = again || k == s->again;
        bytes += k->len;
        count++;
        before = k;
    }
    CHECK(count == s->kept_count);
    CHECK(bytes == s->kept_bytes);
    CHECK(next); /* not one of another session, nor one that is freed */
    CHECK(again);
}

static void check_kept(const struct session *s)
{
    const struct kept *last = TAILQ_LAST(&s->kept, kept_frames);
    CHECK((last == NULL) == (s->kept_count == 0));
    CHECK((last == NULL) == (s->resend.at == UINT64_MAX)); /* they go again until they are acked */
    CHECK(!last || s->board->busy);
    CHECK(!last || last->term < s->kept_term ||
          (last->term == s->kept_term && last->cseq <= s->kept_cseq));
    CHECK(last || !s->full);
    check_frames(s);
}

/* Of a member one connection counts, and a page is one session [D25]. */
static void check_alone(const struct session *s)
{
    const struct session *other = s;
    while ((other = LIST_NEXT(other, link))) {
        bool same = id_equal(&s->member, &other->member);
        CHECK(!same || s->instance != other->instance);
        CHECK(!same || !s->client || !other->client);
    }
}

static void check_session(const struct board *b, const struct session *s)
{
    uint64_t applied = window_applied(&b->window);
    CHECK(s->board == b);
    CHECK(!s->client || (s->client->session == s && s->client->board == b));
    CHECK(s->client || s->flags & MEMBER_LOST);
    CHECK(s->client || b->busy); /* time forgets it */
    CHECK(s->term <= applied);   /* a rewound grant is none [D26] */
    CHECK(s->served_at <= applied);
    CHECK(s->logged_at == UINT64_MAX || s->logged_at <= applied);
    CHECK(!s->pointer.waits || b->busy);
    CHECK(s->stroke.points <= STROKE_POINTS_MAX);
    check_kept(s);
    if (b->session_count <= ALONE_MAX)
        check_alone(s);
}

/* ---- clients --------------------------------------------------------------------------------- */

static void check_live(const struct board *b, const struct client *cl)
{
    uint64_t applied = window_applied(&b->window);
    CHECK(cl->session->flags & MEMBER_SEATED);
    CHECK(cl->cursor <= larger(applied, cl->knows)); /* it reads nothing that was cut [D26] */
    CHECK(!(cl->flags & PULL_CUT) || cl->cut_to <= cl->cursor);
    CHECK(cl->awaited <= applied);
    CHECK(cl->since == NIL);
}

static void check_client(const struct board *b, const struct client *cl)
{
    CHECK(cl->board == b && cl->core == b->core);
    CHECK(cl->state != CLIENT_NEW);
    CHECK((cl->state == CLIENT_CLOSING) == cl->ends);
    CHECK((cl->session == NULL) == cl->ends);
    CHECK(!cl->ends || !(cl->flags & ~(unsigned)PULL_ERROR)); /* it hears nothing else */
    CHECK(!cl->session || cl->session->client == cl);
    CHECK(cl->state != CLIENT_JOINING || b->busy);
    if (cl->state == CLIENT_LIVE)
        check_live(b, cl);
}

void gateway_board_invariants(const struct board *b)
{
    const struct session *s;
    const struct client *cl;
    unsigned sessions = 0, clients = 0;
    if (!b)
        return;
    CHECK(b->shard < b->core->config.shards);
    CHECK(idmap_get(&b->core->boards, &b->id) == b);
    check_window(&b->window);
    check_view(b);
    check_pages(b);
    check_woken(b);
    LIST_FOREACH (s, &b->sessions, link)
        if (++sessions <= CHECK_FEW)
            check_session(b, s);
    CHECK(sessions == b->session_count);
    LIST_FOREACH (cl, &b->clients, link)
        if (++clients <= CHECK_FEW)
            check_client(b, cl);
}

void gateway_cut_invariants(const struct board *b)
{
    uint64_t applied = window_applied(&b->window);
    const struct client *cl;
    CHECK(b->window.told <= applied); /* [D27] */
    CHECK(b->head <= applied);
    LIST_FOREACH (cl, &b->clients, link)
        CHECK(cl->state != CLIENT_LIVE || cl->flags & PULL_WELCOME || cl->cursor <= applied);
}

/* ---- the core -------------------------------------------------------------------------------- */

static void add_board(struct gateway_core_stats *sum, const struct board *b)
{
    const struct session *s;
    const struct client *cl;
    const struct page *p;
    sum->boards++;
    sum->window_bytes += b->window.bytes;
    sum->unsaved_boards += b->unsaved;
    LIST_FOREACH (p, &b->pages, link)
        sum->page_bytes += p->events.bytes;
    LIST_FOREACH (s, &b->sessions, link) {
        sum->members++;
        sum->frames_kept += s->kept_count;
        sum->frame_bytes += s->kept_bytes;
        sum->resends_waiting += s->resend.in_turn;
    }
    LIST_FOREACH (cl, &b->clients, link) {
        sum->clients++;
        sum->slow_viewers += cl->slow;
    }
}

static void check_sums(const struct gateway_core *c, const struct gateway_core_stats *sum)
{
    CHECK(sum->boards == c->stats.boards);
    CHECK(sum->window_bytes == c->stats.window_bytes);
    CHECK(sum->page_bytes == c->stats.page_bytes);
    CHECK(sum->unsaved_boards == c->stats.unsaved_boards);
    CHECK(sum->members == c->stats.members);
    CHECK(sum->frames_kept == c->stats.frames_kept);
    CHECK(sum->frame_bytes == c->stats.frame_bytes);
    CHECK(sum->resends_waiting == c->stats.resends_waiting);
    CHECK(sum->slow_viewers == c->stats.slow_viewers);
    CHECK(sum->clients <= c->stats.clients); /* some did not say hello yet */
}

static void check_queues(const struct gateway_core *c)
{
    const struct session *s;
    const struct client *cl;
    unsigned few = 0;
    TAILQ_FOREACH (s, &c->resend.turns, resend.turn_link) {
        CHECK(s->resend.in_turn);
        if (++few == CHECK_FEW)
            break;
    }
    TAILQ_FOREACH (cl, &c->dirty, dirty_link) {
        CHECK(cl->dirty && cl->core == c);
        if (++few >= 2 * CHECK_FEW)
            break;
    }
}

void gateway_invariants(const struct gateway_core *c)
{
    const struct idmap *boards = &c->boards;
    struct gateway_core_stats sum = {0};
    size_t slots = boards->slots <= CHECK_FEW ? boards->slots : CHECK_FEW / 4;
    for (size_t i = 0; i < slots; i++) {
        const struct board *b = idmap_at(boards, (c->now + i) & (boards->slots - 1));
        gateway_board_invariants(b);
        if (b)
            add_board(&sum, b);
    }
    if (slots == boards->slots)
        check_sums(c, &sum);
    for (unsigned i = 0; i < c->config.shards; i++)
        CHECK(c->not_owners || id_empty(&c->shard[i].not_owner));
    CHECK(c->resend.bytes <= (int64_t)RESEND_BURST);
    CHECK(c->answer_count <= ANSWERS_MAX && c->answer_first < ANSWERS_MAX);
    check_queues(c);
}
