/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway_core_private.h"

#include <stdlib.h>
#include <string.h>

#include "checks.h"

struct session *session_find(struct board *b, const struct id *member, uint64_t instance)
{
    struct session *s;
    LIST_FOREACH (s, &b->sessions, link)
        if (s->instance == instance && id_equal(&s->member, member))
            return s;
    return NULL;
}

static bool waits(const struct session *s)
{
    return s->client && !(s->flags & MEMBER_SEATED);
}

/* How many of that role wait for a seat who come from there. */
static unsigned crowd_of(const struct board *b, enum role role, uint64_t address)
{
    const struct session *s;
    unsigned count = 0;
    LIST_FOREACH (s, &b->sessions, link)
        count += waits(s) && s->role == role && s->client->address == address;
    return count;
}

/* Who goes first when too many wait, which are some hundred: the weakest role, of these where the
 * most come from, and of these the last. NULL: nobody waits. */
static struct session *first_to_go(const struct board *b, unsigned *ret_crowd)
{
    struct session *s, *first = NULL;
    LIST_FOREACH (s, &b->sessions, link) {
        if (!waits(s) || (first && s->role > first->role))
            continue;
        unsigned crowd = crowd_of(b, s->role, s->client->address);
        if (!first || s->role < first->role || crowd > *ret_crowd ||
            (crowd == *ret_crowd && s->came > first->came)) {
            first = s;
            *ret_crowd = crowd;
        }
    }
    return first;
}

/* As many may be connected as have a seat or may get one, and some more. Beyond that a crowd keeps
 * out neither who has a seat, nor the board's owner, nor who comes from where fewer do. */
static bool make_room(struct board *b, const struct id *who, enum role role, uint64_t address)
{
    uint64_t seats = b->state.seats, connected = 0;
    const struct session *s;
    LIST_FOREACH (s, &b->sessions, link)
        connected += s->client != NULL;
    if (seats == 0 || seats > BOARD_SEATS_MAX) /* no owner has said, or what cannot be */
        seats = BOARD_SEATS_MAX;
    if (connected < seats + 1 + UNSEATED_MORE || board_lists(b, who))
        return true;
    unsigned crowd;
    struct session *first = first_to_go(b, &crowd);
    if (!first || first->role > role ||
        (first->role == role && crowd_of(b, role, address) + 1 >= crowd))
        return false;
    client_fail(first->client, ERROR_full, NULL, 0);
    session_destroy(first);
    return true;
}

struct session *session_create(struct board *b, const struct id *member, uint64_t instance,
                               enum role role, uint64_t address)
{
    CHECK(!session_find(b, member, instance));
    if (!make_room(b, member, role, address))
        return NULL;
    struct session *s = xcalloc(1, sizeof *s);
    *s = (struct session){.board = b, .member = *member, .instance = instance, .role = role};
    s->unsaid = true;
    s->resend.at = UINT64_MAX;
    TAILQ_INIT(&s->kept);
    LIST_INSERT_HEAD(&b->sessions, s, link);
    b->session_count++;
    b->core->stats.members++;
    return s;
}

/* The list has the newest ones first. */
void session_outdated(struct board *b, const struct session *newest)
{
    CHECK(newest->client != NULL && newest->board == b);
    struct session *s, *next;
    unsigned instances = 1;
    for (s = LIST_FIRST(&b->sessions); s; s = next) {
        next = LIST_NEXT(s, link);
        if (s == newest || !id_equal(&s->member, &newest->member))
            continue;
        if (TAILQ_EMPTY(&s->kept) || ++instances > INSTANCES_MAX)
            session_destroy(s);
    }
}

/* Full until a quarter is free again: its client is not told of each frame that finds room. Who
 * does not have the pen needs room for what was on its way when the pen passed on. */
static void update_full(struct session *s)
{
    bool draws = session_draws(s);
    unsigned frames = draws ? KEPT_FRAMES_MAX : KEPT_OTHERS_FRAMES;
    size_t bytes = draws ? KEPT_BYTES_MAX : KEPT_OTHERS_BYTES;
    unsigned parts = s->full ? 3 : 4;
    bool full = s->kept_count * 4 >= frames * parts || s->kept_bytes * 4 >= bytes * parts;
    if (full == s->full)
        return;
    s->full = full;
    TRACE(s->board->core, &s->board->id, reading_paused, full, s->kept_count, s->kept_bytes);
    if (s->client)
        client_touch(s->client, PULL_MARK); /* and the shell reads, or not */
}

static void forget(struct session *s, struct kept *k)
{
    CHECK(s->kept_count > 0 && s->kept_bytes >= k->len);
    resend_forgotten(s, k);
    if (s->again == k)
        s->again = TAILQ_NEXT(k, link);
    TAILQ_REMOVE(&s->kept, k, link);
    s->kept_count--;
    s->board->core->stats.frames_kept--;
    s->kept_bytes -= k->len;
    s->board->core->stats.frame_bytes -= k->len;
    free(k);
    update_full(s);
}

void session_destroy(struct session *s)
{
    CHECK(!s->client || s->client->session == s);
    if (s->client)
        s->client->session = NULL;
    s->client = NULL;
    while (!TAILQ_EMPTY(&s->kept))
        forget(s, TAILQ_FIRST(&s->kept));
    resend_leave(s);
    LIST_REMOVE(s, link);
    s->board->session_count--;
    s->board->core->stats.members--;
    free(s);
}

void session_tick(struct session *s, uint64_t now)
{
    if (!s->goes || s->client || now - s->lost_at < GOES_MS)
        return;
    s->goes = false;
    s->flags |= MEMBER_LEFT;
    s->lost_at = now;
    attach_changed(s->board);
}

void session_keep(struct session *s, uint64_t now, uint64_t number, uint64_t term, uint32_t cseq,
                  struct span frame)
{
    CHECK(s->client != NULL && frame.len > 0);
    CHECK(term > s->kept_term || (term == s->kept_term && cseq > s->kept_cseq)); /* in order [D6] */
    struct kept *k = xrealloc(NULL, sizeof *k + frame.len, 1);
    *k = (struct kept){
        .term = term, .number = number, .came_ms = now, .cseq = cseq, .len = (uint32_t)frame.len};
    memcpy(k->frame, frame.data, frame.len);
    TAILQ_INSERT_TAIL(&s->kept, k, link);
    s->kept_count++;
    s->board->core->stats.frames_kept++;
    s->kept_bytes += k->len;
    s->kept_term = term;
    s->kept_cseq = cseq;
    s->pointer.waits = false; /* it draws: the tip of the ink is its pointer */
    s->board->core->stats.frame_bytes += k->len;
    update_full(s);
    board_wake(s->board);
    resend_kept(s, now, k);
}

void session_expect_repeats(struct session *s)
{
    CHECK(s->client != NULL);
    struct kept *k;
    TAILQ_FOREACH (k, &s->kept, link)
        k->number = 0;
    s->again = TAILQ_FIRST(&s->kept);
}

static bool is_before(const struct kept *k, uint64_t term, uint32_t cseq)
{
    return k->term < term || (k->term == term && k->cseq < cseq);
}

/* They come again in their order: so each kept frame is passed once. */
void session_repeated(struct session *s, uint64_t number, uint64_t term, uint32_t cseq)
{
    CHECK(s->client != NULL);
    while (s->again && is_before(s->again, term, cseq))
        s->again = TAILQ_NEXT(s->again, link);
    if (s->again && s->again->term == term && s->again->cseq == cseq)
        s->again->number = number;
}

const struct kept *session_kept(const struct session *s, uint64_t term, uint32_t cseq)
{
    const struct kept *k;
    TAILQ_FOREACH (k, &s->kept, link)
        if (k->term == term && k->cseq == cseq)
            break;
    return k;
}

void session_reject(struct session *s, const struct kept *k)
{
    CHECK(k->cseq > 0);
    s->stroke = (struct stroke){0};
    if (s->kept_term == k->term)
        s->kept_cseq = k->cseq - 1; /* whoever sends it again is judged again */
    session_drop_kept(s, s->board->core->now, k->term, k->cseq - 1);
}

/* Somebody who looks on, and is not being followed already. */
static struct client *choose_viewer(const struct session *drawer)
{
    struct client *cl;
    LIST_FOREACH (cl, &drawer->board->clients, link)
        if (cl->state == CLIENT_LIVE && cl != drawer->client && cl->awaited == 0)
            return cl;
    return NULL;
}

static void follow(struct session *s, const struct event *e, uint64_t offset)
{
    struct client *viewer = choose_viewer(s);
    const struct kept *k;
    if (!viewer || viewer->cursor >= offset)
        return;
    TAILQ_FOREACH_REVERSE(k, &s->kept, kept_frames, link)
    if (k->cseq == e->cseq && k->term == e->term) {
        viewer->awaited = offset;
        viewer->drawn_ms = k->came_ms;
        return;
    }
}

void session_logged(struct session *s, uint64_t now, const struct event *e, uint64_t offset)
{
    CHECK(e->term == s->term && offset <= window_applied(&s->board->window));
    if (e->cseq % VIEW_SAMPLE == 1)
        follow(s, e, offset);
    if (e->cseq > s->logged) {
        s->logged = e->cseq;
        s->logged_at = offset;
    }
    s->holes = 0;
    resend_answered(s, now);
}

/* Frames of `term` up to `cseq` are stored. */
void session_acked(struct session *s, uint64_t now, uint64_t term, uint32_t cseq)
{
    struct gateway_core *c = s->board->core;
    struct kept *k, *first = TAILQ_FIRST(&s->kept);
    while ((k = TAILQ_FIRST(&s->kept)) && k->term <= term && !(k->term == term && k->cseq > cseq)) {
        histogram_add_ms(&c->stats.stored_seconds, k->came_ms, c->now);
        forget(s, k);
    }
    if (k != first && (!k || s->resend.alone))
        resend_answered(s, now);
}

/* Frames of `term` above `cseq` are lost: a later grant is stored without them. */
void session_drop_kept(struct session *s, uint64_t now, uint64_t term, uint32_t above_cseq)
{
    struct kept *k, *next;
    for (k = TAILQ_FIRST(&s->kept); k && k->term <= term; k = next) {
        next = TAILQ_NEXT(k, link);
        if (k->term == term && k->cseq > above_cseq) {
            s->board->core->stats.lost++;
            TRACE(s->board->core, &s->board->id, frame_lost, k->cseq, term);
            forget(s, k);
        }
    }
    resend_answered(s, now);
}

/* The pen was granted to this instance, at offset `term`. A grant that is not stored yet may be
 * rewound: then the request stands again. */
void session_granted(struct session *s, uint64_t term, bool stored)
{
    CHECK(term > 0 && term <= window_applied(&s->board->window));
    if (term > s->term) {
        s->term = term;
        s->logged = 0;
        s->holes = 0;
    }
    s->served_at = stored ? 0 : term;
    s->unsaid = false;
    if (stored)
        s->request = REQUEST_NONE;
    update_full(s);
}

/* The owner still counts it as one who waits, as it did before it came here. So that this also
 * outlives the owner, it is from now on said here. */
void session_learn_line(struct session *s, uint64_t line)
{
    if (!s->unsaid || !s->client || line == 0)
        return;
    s->unsaid = false;
    s->request = REQUEST_ASK;
    attach_changed(s->board);
}

/* A seat is kept at the owner, who hears of it by our list; who has none, or left, waits for
 * nothing but the answer to its last frames. */
bool session_is_over(const struct session *s, uint64_t now)
{
    const struct board *b = s->board;
    uint64_t lost_ms = now - s->lost_at, keep_ms = 0;
    if (s->client)
        return false;
    if (s->flags & MEMBER_LEFT)
        keep_ms = LEFT_MS;
    else if (s->flags & MEMBER_SEATED)
        keep_ms = larger(b->state.keep_ms, b->state.lost_grace_ms) + 1000;
    if (!TAILQ_EMPTY(&s->kept))
        keep_ms = larger(keep_ms, b->core->config.dead_ms);
    return lost_ms >= keep_ms;
}

static bool is_holder(const struct session *s)
{
    const struct board *b = s->board;
    return s->instance == b->state.instance && id_equal(&s->member, &b->state.holder);
}

/* How much there is to wait for, of one without a connection. */
static unsigned worth(const struct session *s)
{
    CHECK(!s->client);
    if (is_holder(s))
        return 4;
    unsigned seat = !(s->flags & MEMBER_LEFT) && board_lists(s->board, &s->member) ? 2 : 0;
    unsigned ink = TAILQ_EMPTY(&s->kept) ? 0 : 1;
    return seat + ink;
}

/* The one with the least worth, and of these the first that was lost. */
static struct session *least_of_gone(const struct board *b)
{
    struct session *s, *least = NULL;
    LIST_FOREACH (s, &b->sessions, link)
        if (!s->client && (!least || worth(s) < worth(least) ||
                           (worth(s) == worth(least) && s->lost_at < least->lost_at)))
            least = s;
    return least;
}

/* Sessions that come, get a seat somewhere and go again would else fill the lists with seats that
 * they do not have any more. They are only counted as long as they are few: worth is dear. */
bool session_forget_gone(struct board *b)
{
    const uint64_t most = GONE_PER_SEAT * (b->state.seats + 1);
    uint64_t gone = 0;
    const struct session *s;
    LIST_FOREACH (s, &b->sessions, link)
        gone += !s->client;
    const bool any = gone > most;
    for (; gone > most; gone--)
        session_destroy(least_of_gone(b));
    return any;
}

/* A session that joins after its grant went by learns its term from the board's state. A grant that
 * is not stored yet comes as an event. */
void session_learn_term(struct session *s)
{
    const struct board *b = s->board;
    if (is_holder(s) && b->state.term > s->term && b->state.term <= window_mark(&b->window))
        session_granted(s, b->state.term, true);
    update_full(s);
}

/* Its newest event up to `to`. */
static void find_logged(struct session *s, uint64_t to)
{
    CHECK(to <= window_applied(&s->board->window));
    const struct event *e;
    s->logged = 0;
    s->logged_at = 0;
    for (uint64_t at = to; s->term && (e = window_at(&s->board->window, at)); at--)
        if (e->term == s->term) {
            s->logged = e->cseq;
            s->logged_at = at;
            return;
        }
}

/* Events above `to` are gone from the log: what they acknowledged waits again. */
void session_cut(struct session *s, uint64_t now, uint64_t to)
{
    CHECK(to == window_applied(&s->board->window));
    if (s->served_at > to)
        s->served_at = 0;
    if (s->term > to)
        s->term = 0; /* a rewound grant never had frames */
    if (s->term == 0 || s->logged_at > to)
        find_logged(s, to);
    if (!TAILQ_EMPTY(&s->kept))
        s->resend.at = now; /* and as soon as the new owner is known */
}
