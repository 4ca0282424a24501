/* SPDX-License-Identifier: Apache-2.0
 *
 * A board as the gateway sees it: the window, its epoch and owner, and the state the owner tells.
 * Messages count only in the board's newest epoch; a higher one cuts the view back to its own mark
 * first (DESIGN §6, §10).
 */
#include "gateway_core_private.h"

#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "gateway_invariants.h"

/* ---- life ------------------------------------------------------------------------------------ */

struct board *board_obtain(struct gateway_core *c, const struct id *id)
{
    struct board *b = idmap_get(&c->boards, id);
    if (b || c->boards.count >= OPEN_BOARDS_MAX)
        return b;
    b = xcalloc(1, sizeof *b);
    *b = (struct board){.core = c, .id = *id, .shard = board_shard(id, c->config.shards)};
    b->heard_at = c->now;
    LIST_INIT(&b->sessions);
    LIST_INIT(&b->clients);
    LIST_INIT(&b->pages);
    idmap_put(&c->boards, id, b);
    c->stats.boards++;
    return b;
}

void board_destroy(struct board *b)
{
    CHECK(LIST_EMPTY(&b->clients));
    struct gateway_core *c = b->core;
    while (!LIST_EMPTY(&b->sessions))
        session_destroy(LIST_FIRST(&b->sessions));
    if (b->busy)
        LIST_REMOVE(b, busy_link);
    replay_forget(b);
    c->stats.unsaved_boards -= b->unsaved;
    c->stats.window_bytes -= b->window.bytes;
    window_free(&b->window);
    buf_free(&b->members);
    ruled_free(b);
    idmap_remove(&c->boards, &b->id);
    c->stats.boards--;
    attach_changed(b);
    free(b);
}

void board_drop_if_unused(struct board *b)
{
    if (LIST_EMPTY(&b->sessions) && LIST_EMPTY(&b->clients) && !b->deleting)
        board_destroy(b);
}

static void touch_all(struct board *b, unsigned flags, const struct session *but)
{
    struct client *cl;
    LIST_FOREACH (cl, &b->clients, link)
        if (cl->state == CLIENT_LIVE && !(but && cl->session == but))
            client_touch(cl, flags);
}

/* ---- epochs ---------------------------------------------------------------------------------- */

/* Cuts the window and every cursor beyond it back to the view's own mark, at once: a cursor that
 * has not run since must not miss the cut because the head has grown again. */
static void cut(struct board *b, uint64_t now)
{
    CHECK(b->window.first != 0);
#ifdef EASEL_NO_CUT /* [D26], a simulator's switch: a rewound event then stays */
    return;
#endif
    struct window *w = &b->window;
    uint64_t to = window_mark(w);
    TRACE(b->core, &b->id, view_cut, to, b->head);
    b->core->stats.window_bytes -= w->bytes;
    window_cut(w, to);
    b->core->stats.window_bytes += w->bytes;
    b->core->stats.cuts++;
#ifndef EASEL_TOLD_STAYS /* [D27], a simulator's switch: what another epoch told still counts */
    w->told = to;        /* it means nothing of events beyond */
#endif
    b->head = to;
    b->behind_since = 0;

    struct client *cl;
    LIST_FOREACH (cl, &b->clients, link) {
        if (cl->awaited > to)
            cl->awaited = 0;
        if (cl->state != CLIENT_LIVE || cl->flags & PULL_WELCOME || cl->cursor <= to)
            continue;
        if (!(cl->flags & PULL_CUT) || to < cl->cut_to)
            cl->cut_to = to;
        cl->cursor = to;
        client_touch(cl, PULL_CUT);
    }
    struct session *s;
    LIST_FOREACH (s, &b->sessions, link)
        session_cut(s, now, to);
    CHECKED(gateway_cut_invariants(b));
}

void board_new_epoch(struct board *b, uint64_t now, uint64_t epoch)
{
    CHECK(epoch > b->window.epoch); /* never back */
    if (b->window.first != 0)
        cut(b, now);
    b->window.epoch = epoch;
    b->owner = (struct id){0};
    b->state.number = 0;
    b->mark_flags = 0;
    board_wake(b);
}

/* True when a message of that epoch counts, with numbers as large as `largest`. Who speaks first in
 * an epoch is its owner. */
static bool admit(struct board *b, uint64_t now, const struct id *sender, uint64_t incarnation,
                  uint64_t epoch, uint64_t largest)
{
    if (!trust_incarnation(b, now, incarnation) || epoch < b->window.epoch ||
        !trust_number(b, now, larger(epoch, largest))) {
        TRACE(b->core, &b->id, epoch_ignored, epoch, b->window.epoch, largest);
        return false;
    }
    bool news = epoch > b->window.epoch;
    if (news) {
        board_new_epoch(b, now, epoch);
        attach_changed(b);
    }
    if (!trust_owner(b, sender))
        return false;
    b->heard_at = now;
    if (b->incarnation == 0)
        b->incarnation = incarnation;
    news = news || id_empty(&b->owner);
    b->owner = *sender;
    resend_heard(b, now, news);
    return true;
}

/* ---- events ---------------------------------------------------------------------------------- */

/* An event joined the window: what does it mean to the sessions here? Returns the session whose
 * own frame it is, which needs no copy of it. */
static const struct session *note_event(struct board *b, uint64_t now, const struct event *e,
                                        uint64_t offset)
{
    CHECK(offset == window_applied(&b->window));
    struct session *s;
    struct msg_ev_grant grant;
    if (e->code == MSG_ev_grant && event_grant(e, &grant) == 0) {
        LIST_FOREACH (s, &b->sessions, link)
            if (s->instance == grant.instance && id_equal(&s->member, &grant.member))
                session_granted(s, offset, offset <= b->window.told);
        return NULL;
    }
    if (e->term == 0)
        return NULL;
    LIST_FOREACH (s, &b->sessions, link)
        if (s->term == e->term) {
            session_logged(s, now, e, offset);
            return s;
        }
    return NULL;
}

/* The event is stored now: acks and losses. */
static void note_stored(struct board *b, uint64_t now, const struct event *e)
{
    struct session *s;
    struct msg_ev_grant grant;
    struct msg_ev_refuse refuse;
    if (event_refuse(e, &refuse) == 0)
        ruled_refused(b, now, &refuse);
    if (e->code == MSG_ev_grant && event_grant(e, &grant) == 0) {
        LIST_FOREACH (s, &b->sessions, link) {
            if (!TAILQ_EMPTY(&s->kept)) {
                session_acked(s, now, grant.ended, (uint32_t)grant.last);
                session_drop_kept(s, now, grant.ended, (uint32_t)grant.last);
            }
            if (s->served_at == grant.offset) {
                s->request = REQUEST_NONE;
                s->served_at = 0;
                attach_changed(b);
            }
        }
        return;
    }
    if (e->term != 0)
        LIST_FOREACH (s, &b->sessions, link)
            if (s->term == e->term)
                session_acked(s, now, e->term, e->cseq);
}

/* A new told mark. What it covers is acked; a mark that covers a grant goes to clients at once. */
static void mark_told(struct board *b, uint64_t now, uint64_t told)
{
    CHECK(told <= b->head);
    struct window *w = &b->window;
    if (told <= w->told)
        return;
    uint64_t old = window_mark(w);
    w->told = told;
    b->behind_since = told < b->head ? now : 0;
    uint64_t mark = window_mark(w);
    bool grant = false;
    /* From the window on, however far below it the old mark lies. */
    for (uint64_t at = larger(old + 1, w->first); at <= mark; at++) {
        const struct event *e = window_at(w, at);
        note_stored(b, now, e);
        grant = grant || e->code == MSG_ev_grant;
    }
    if (grant)
        touch_all(b, PULL_MARK, NULL);
    if (b->mark_moved_at == 0)
        b->mark_moved_at = now;
    board_wake(b);
}

static void raise_head(struct board *b, uint64_t now, uint64_t head)
{
    if (head <= b->head)
        return;
    b->head = head;
    if (b->behind_since == 0 && head > b->window.told)
        b->behind_since = now;
    board_wake(b);
}

static void append_event(struct board *b, uint64_t now, struct cursor *in)
{
    CHECK(b->window.bytes < WINDOW_BYTES_LIMIT);
    struct window *w = &b->window;
    if (window_append(w, now, in) < 0) {
        b->core->stats.bad_messages++;
        in->pos = in->end;
        return;
    }
    b->core->stats.events++;
    uint64_t offset = window_applied(w);
    const struct event *e = window_at(w, offset);
    const struct session *author = note_event(b, now, e, offset);
    if (offset <= w->told)
        note_stored(b, now, e);
    touch_all(b, 0, author);
}

/* Brings the window to where events from `first` on fit. False: there is a hole of events that are
 * not stored yet; the owner serves it after the next attach list. */
static bool reach(struct board *b, uint64_t first, uint64_t told)
{
    struct window *w = &b->window;
    if (w->first != 0 && first <= window_applied(w) + 1)
        return true;
    if (first - 1 > told) {
        TRACE(b->core, &b->id, events_too_early, first, window_applied(w));
        return false;
    }
    b->core->stats.window_bytes -= w->bytes;
    window_reset(w, first);
    return true;
}

static void append_events(struct board *b, uint64_t now, const struct msg_events *m)
{
    CHECK(b->window.first != 0);
    struct window *w = &b->window;
    struct cursor in = cursor_of(m->events.data, m->events.len);
    size_t before = w->bytes;
    for (uint64_t offset = m->first; cursor_left(&in) > 0; offset++) {
        if (offset == window_applied(w) + 1 && w->bytes < WINDOW_BYTES_LIMIT)
            append_event(b, now, &in);
        else if (wire_skip(&in) < 0)
            break;
    }
    window_evict(w);
    b->core->stats.window_bytes += w->bytes - before; /* or less */
    raise_head(b, now, window_applied(w));
}

/* The grant that the state tells of may be among the events that the window passed over. */
static void learn_terms(struct board *b)
{
    struct session *s;
    LIST_FOREACH (s, &b->sessions, link)
        session_learn_term(s);
}

static void note_lag(struct board *b, uint64_t now)
{
    if (window_applied(&b->window) >= b->head) {
        b->lag_since = 0;
    } else if (b->lag_since == 0) {
        b->lag_since = now;
        board_wake(b);
    }
}

void board_events(struct board *b, uint64_t now, const struct id *sender,
                  const struct msg_events *m)
{
    if (!admit(b, now, sender, m->incarnation, m->epoch,
               larger(larger(m->first, m->head), m->mark)))
        return;
    struct window *w = &b->window;
    if (w->first == 0)
        window_reset(w, m->events.len > 0 && m->first <= m->mark + 1 ? m->first : m->mark + 1);
    raise_head(b, now, larger(m->head, m->mark));
    unsigned flags = (unsigned)m->flags & MARKS_OF_OWNER;
    if (flags != b->mark_flags) {
        b->mark_flags = flags;
        touch_all(b, PULL_MARK, NULL);
    }
    if (m->events.len > 0 && reach(b, m->first, larger(m->mark, w->told)))
        append_events(b, now, m);
    mark_told(b, now, m->mark);
    learn_terms(b);
    note_lag(b, now);
    board_wake(b);
}

/* Events that the window lacks were stored meanwhile: nobody sends them by itself any more. The
 * window starts anew behind them, and cursors read them from history. */
static void mend_lag(struct board *b, uint64_t now)
{
    struct window *w = &b->window;
    if (b->lag_since == 0 || now - b->lag_since < LAG_RESET_MS)
        return;
    b->lag_since = now;
    attach_changed(b);
    if (window_applied(w) >= w->told)
        return;
    TRACE(b->core, &b->id, window_skips, window_applied(w), w->told);
    b->core->stats.window_bytes -= w->bytes;
    window_reset(w, w->told + 1);
    learn_terms(b);
    touch_all(b, 0, NULL);
}

/* ---- state ----------------------------------------------------------------------------------- */

static uint64_t until(uint64_t left_ms, uint64_t now)
{
    return left_ms ? now + left_ms : 0;
}

static void keep_state(struct board *b, uint64_t now, const struct msg_board_state *m)
{
    CHECK(m->number > b->state.number);
    b->state = *m;
    memcpy(b->name, m->name.data, m->name.len);
    b->state.name.data = (const uint8_t *)b->name;
    buf_clear(&b->members);
    buf_append(&b->members, m->members.at.pos, cursor_left(&m->members.at));
    b->state.members = list_of(m->members.count, &b->members);
    b->state.full = b->state.outside = (struct list){0}; /* not kept, or elsewhere */
    b->state.rules = (struct span){0};
    b->grace_until = until(m->grace_ms, now);
    b->pass_until = until(m->pass_ms, now);
}

static bool time_moved(uint64_t before, uint64_t at)
{
    return at > before + STATE_TIME_MS || before > at + STATE_TIME_MS;
}

/* The owner repeats its states, since nobody acks them; clients hear only what is new. */
static bool state_is_news(const struct board *b, uint64_t now, const struct msg_board_state *m)
{
    const struct buf *members = &b->members;
    return b->state.number == 0 || b->state.term != m->term || b->state.instance != m->instance ||
           !id_equal(&b->state.holder, &m->holder) ||
           time_moved(b->grace_until, until(m->grace_ms, now)) ||
           time_moved(b->pass_until, until(m->pass_ms, now)) ||
           members->len != cursor_left(&m->members.at) ||
           (members->len > 0 && memcmp(members->data, m->members.at.pos, members->len) != 0);
}

static void seat(struct board *b, uint64_t now, const struct msg_member *m)
{
    CHECK(b->state.number != 0);
    struct session *s;
    LIST_FOREACH (s, &b->sessions, link) {
        if (!id_equal(&s->member, &m->member))
            continue;
        s->flags |= MEMBER_SEATED;
        session_learn_line(s, m->line);
        if (s->client && s->client->state == CLIENT_JOINING)
            client_seated(s->client, now);
    }
}

/* What a newer owner says that we do not know is the mildest that we do. */
static enum error_code why_outside(uint64_t why)
{
    return why == OUTSIDE_REMOVED  ? ERROR_removed
           : why == OUTSIDE_ENDED  ? ERROR_ended
           : why == OUTSIDE_CLOSED ? ERROR_closed
                                   : ERROR_full;
}

static void refuse_seat(struct board *b, const struct id *member, enum error_code why)
{
    struct session *s, *next;
    for (s = LIST_FIRST(&b->sessions); s; s = next) {
        next = LIST_NEXT(s, link);
        if (!id_equal(&s->member, member))
            continue;
        TRACE(b->core, &b->id, seat_not_given, b->state.seats, why);
        if (s->client)
            client_fail(s->client, why, NULL, 0);
        session_destroy(s);
        attach_changed(b);
    }
}

/* Whether each of the list's tuples can be read. They go to clients as they are. */
static bool members_are_whole(struct list list)
{
    struct msg_member member;
    int r;
    while ((r = NEXT(&list, member, &member)) > 0)
        ;
    return r == 0;
}

void board_told_state(struct board *b, uint64_t now, const struct id *sender,
                      const struct msg_board_state *m)
{
    if (!members_are_whole(m->members) || !ruled_are_whole(m)) {
        b->core->stats.bad_messages++;
        return;
    }
    uint64_t largest = larger(larger(m->head, m->mark), larger(m->base, m->term));
    if (!admit(b, now, sender, m->incarnation, m->epoch, largest) || m->number <= b->state.number)
        return;
    if (b->window.first == 0)
        window_reset(&b->window, m->mark + 1);
    raise_head(b, now, larger(m->head, m->mark));
    mark_told(b, now, m->mark);
#ifndef EASEL_NO_LAG_BY_STATE /* [D30], a simulator's switch: what is lost last is not missed */
    note_lag(b, now);         /* the last events may be lost, and none come that would show it */
#endif
    bool news = state_is_news(b, now, m);
    keep_state(b, now, m);
    ruled_told(b, m);
    learn_terms(b);
    struct client *cl;
    LIST_FOREACH (cl, &b->clients, link)
        if (cl->state == CLIENT_LIVE)
            client_lacks(cl);

    struct msg_member member;
    struct list list = m->members;
    while (NEXT(&list, member, &member) > 0)
        seat(b, now, &member);
    struct msg_member_id full;
    list = m->full;
    while (NEXT(&list, member_id, &full) > 0)
        refuse_seat(b, &full.member, why_outside(full.why));
    if (news)
        touch_all(b, PULL_STATE, NULL);
}

void board_not_there(struct board *b)
{
    struct gateway_core *c = b->core;
    TRACE(c, &b->id, board_ended, b->head, b->window.told);
    if (b->deleting) {
        core_answer(c, &(struct http_answer){
                           .what = ANSWER_DELETED, .nonce = b->delete_nonce, .board = b->id});
        b->deleting = false;
    }
    struct client *cl;
    LIST_FOREACH (cl, &b->clients, link)
        client_fail(cl, ERROR_no_board, NULL, 0);
    while (!LIST_EMPTY(&b->sessions))
        session_destroy(LIST_FIRST(&b->sessions));
    b->state.number = 0; /* nobody is welcomed to what was there */
    attach_changed(b);
    board_drop_if_unused(b);
}

static void forget_past(struct board *b)
{
    CHECK(LIST_EMPTY(&b->sessions)); /* they are of that past */
    struct window *w = &b->window;
    b->core->stats.window_bytes -= w->bytes;
    window_free(w);
    replay_forget(b);
    b->owner = (struct id){0};
    b->trust.confirmed = 0;
    b->state.number = 0;
    b->head = 0;
    b->mark_flags = 0;
    b->lag_since = b->behind_since = b->mark_moved_at = 0;
}

void board_restored(struct board *b, uint64_t incarnation)
{
    CHECK(incarnation != 0 && incarnation != b->incarnation); /* [D34] */
    struct client *cl;
    LIST_FOREACH (cl, &b->clients, link)
        client_fail(
            cl, ERROR_start_fresh,
            "A backup was restored: begin anew (from nil), what you know is of another past.", 0);
    while (!LIST_EMPTY(&b->sessions))
        session_destroy(LIST_FIRST(&b->sessions));
    TRACE(b->core, &b->id, past_forgotten, b->head);
    forget_past(b);
    b->incarnation = incarnation;
    b->core->stats.restored++;
    attach_changed(b);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* A mark alone: to the drawer at most every 100 ms. A viewer's waits 500 ms for an event to ride
 * on, so while events come none goes alone. */
static bool mark_due(const struct client *cl, uint64_t now)
{
    const struct board *b = cl->board;
    if (cl->session && session_draws(cl->session))
        return now - cl->told_at >= MARK_DRAWER_MS;
    return now - cl->told_at >= MARK_VIEWER_MS && now - b->mark_moved_at >= MARK_VIEWER_MS;
}

static bool tell_marks(struct board *b, uint64_t now)
{
    if (b->mark_moved_at == 0)
        return false;
    struct client *cl;
    bool later = false;
    uint64_t mark = window_mark(&b->window);
    LIST_FOREACH (cl, &b->clients, link) {
        if (cl->state != CLIENT_LIVE || cl->told >= mark)
            continue;
        if (mark_due(cl, now))
            client_touch(cl, PULL_MARK);
        else
            later = true;
    }
    if (!later)
        b->mark_moved_at = 0;
    return later;
}

/* Since when the oldest of what is not saved has waited; NIL: all is saved. */
static uint64_t unsaved_since(const struct board *b)
{
    const struct window *w = &b->window;
    uint64_t since = NIL;
    const struct event *e = window_at(w, w->told + 1);
    if (e)
        since = e->came_ms;
    else if (b->head > w->told)
        since = b->behind_since; /* it did not come yet */
    const struct session *s;
    LIST_FOREACH (s, &b->sessions, link) {
        const struct kept *k = TAILQ_FIRST(&s->kept);
        if (k && k->came_ms < since)
            since = k->came_ms;
    }
    return since;
}

/* Everybody is told at once, and again when nothing is old any more. What is told does not come and
 * go with each mark of a slow store. */
static bool tell_unsaved(struct board *b, uint64_t now)
{
    uint64_t since = unsaved_since(b);
    bool unsaved = since != NIL && now - since >= (b->unsaved ? SAVED_MS : UNSAVED_MS);
    if (unsaved != b->unsaved) {
        b->unsaved = unsaved;
        TRACE(b->core, &b->id, unsaved_told, unsaved);
        b->core->stats.unsaved_boards += unsaved ? 1 : (uint64_t)-1;
        touch_all(b, PULL_MARK, NULL);
    }
    return since != NIL || unsaved;
}

/* Who draws into a store that stands still gets no acks: this is all it hears of us. */
static void beat_for_drawer(struct client *cl, uint64_t now)
{
    if (cl->state == CLIENT_LIVE && cl->session && !TAILQ_EMPTY(&cl->session->kept) &&
        now - cl->told_at >= DRAWER_BEAT_MS)
        client_touch(cl, PULL_MARK);
}

static bool tick_clients(struct board *b, uint64_t now)
{
    bool pending = false;
    struct client *cl;
    LIST_FOREACH (cl, &b->clients, link) {
        joining_tick(cl, now);
        beat_for_drawer(cl, now);
        pending = pending || cl->state == CLIENT_JOINING;
    }
    return pending;
}

static bool tick_sessions(struct board *b, uint64_t now)
{
    bool pending = resend_tick(b, now);
    struct session *s, *next;
    for (s = LIST_FIRST(&b->sessions); s; s = next) {
        next = LIST_NEXT(s, link);
        pending = pointer_tick(s, now) || pending;
        pending = pending || !s->client;
        session_tick(s, now);
        if (session_is_over(s, now)) {
            session_destroy(s);
            attach_changed(b);
        }
    }
    if (session_forget_gone(b))
        attach_changed(b);
    return pending;
}

void board_tick(struct board *b, uint64_t now)
{
    CHECK(b->busy);
    bool pending = tell_marks(b, now);
    pending = tick_clients(b, now) || pending; /* before their sessions: one may end */
    pending = tick_sessions(b, now) || pending;
    pending = tell_unsaved(b, now) || pending;
    pending = attach_said_tick(b, now) || pending;
    mend_lag(b, now);
    replay_tick(b, now);
    pending = pending || b->lag_since != 0 || !LIST_EMPTY(&b->pages) || b->deleting;
    for (unsigned i = 0; i < PAGES_MAX; i++)
        pending = pending || b->reads[i].ask.nonce != 0;
    if (b->deleting && now >= b->delete_until) {
        b->deleting = false;
        attach_changed(b);
    }
    if (!pending) {
        b->busy = false;
        LIST_REMOVE(b, busy_link);
    }
    board_drop_if_unused(b);
}

void board_heartbeat(struct board *b, uint64_t now)
{
    struct client *cl;
    LIST_FOREACH (cl, &b->clients, link) {
        if (now >= cl->expires_at)
            client_fail(cl, ERROR_expired, NULL, 0);
        if (cl->state != CLIENT_LIVE)
            continue;
        client_note_slow(cl); /* who does not read at all is not pulled either */
        if (now - cl->told_at >= HEARTBEAT_MS)
            client_touch(cl, PULL_MARK);
    }
}

/* Clients learn at once that the service has a problem, or no longer has one. */
void board_link_changed(struct board *b, uint64_t now, bool anew)
{
    touch_all(b, PULL_MARK, NULL);
    if (anew)
        resend_heard(b, now, true);
}
