/* SPDX-License-Identifier: Apache-2.0
 *
 * What a socket gets next. A pull changes nothing: each of its frames notes what becomes true once
 * that frame has left, and client_pulled makes it true.
 *
 * Order matters: welcome before all, a cut before the events that follow it, a mark after the
 * events that it speaks of, a pointer's place only for who has all events.
 */
#include "gateway_core_private.h"

#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "gateway_invariants.h"

/* A full pull, and the largest state besides: the buffer never moves within a pull. */
#define SCRATCH_BYTES (PULL_BYTES_MAX + BROKER_MESSAGE_BYTES_MAX + JOIN_BYTES_MAX + TOKEN_BYTES_MAX)
#define DONE_CURSOR   (1u << 30) /* the frame moves the cursor */

static void begin(struct pull *p)
{
    p->count = 0;
    p->bytes = 0;
    buf_clear(&p->scratch);
    buf_grow(&p->scratch, SCRATCH_BYTES);
    buf_clear(&p->scratch);
}

void pull_free(struct pull *p)
{
    buf_free(&p->scratch);
}

static void add(struct pull *p, struct span frame, uint32_t flag, uint64_t cursor)
{
    CHECK(p->count < PULL_FRAMES_MAX && frame.len > 0);
    p->frame[p->count] = frame;
    p->done[p->count].flag = flag;
    p->done[p->count].cursor = cursor;
    p->count++;
    p->bytes += frame.len;
}

/* Frames that are made here lie in the scratch buffer, which never moves within a pull: room for
 * the header is kept in front, and the header is written right before the payload. */
static size_t frame_open(struct pull *p)
{
    buf_grow(&p->scratch, 10);
    return p->scratch.len;
}

static struct span frame_close(struct pull *p, size_t payload)
{
    CHECK(p->scratch.len > payload && payload >= 10);
    uint8_t header[10];
    unsigned n = ws_header(header, p->scratch.len - payload);
    uint8_t *start = p->scratch.data + payload - n;
    memcpy(start, header, n);
    return (struct span){start, p->scratch.len - payload + n};
}

#define ADD_FRAME(p, flag, cursor, name, ...)                                                      \
    do {                                                                                           \
        size_t payload = frame_open(p);                                                            \
        PUT(&(p)->scratch, name, __VA_ARGS__);                                                     \
        add((p), frame_close((p), payload), (flag), (cursor));                                     \
    } while (0)

/* ---- single frames --------------------------------------------------------------------------- */

static void add_welcome(struct client *cl, uint64_t now, struct pull *p)
{
    CHECK(cl->state == CLIENT_LIVE && cl->session != NULL);
    struct board *b = cl->board;
    const struct gateway_core_config *config = &cl->core->config;
    uint64_t wall_ms = config->wall_ms ? config->wall_ms() : now;
    /* Where it stands is stored, also when this gateway has not heard of it yet. */
    uint64_t mark = larger(b->window.told, cl->cursor);
    ADD_FRAME(p, PULL_WELCOME, 0, welcome, .board = b->id, .name = b->state.name,
              .member = cl->session->member, .role = cl->session->role, .epoch = b->window.epoch,
              .head = larger(b->head, mark), .mark = mark, .start = cl->cursor, .now = wall_ms,
              .seats = b->state.seats, .grace_ms = b->state.lost_grace_ms,
              .idle_ms = b->state.idle_ms, .incarnation = b->incarnation,
              .features = b->state.features & FEATURES);
}

static uint64_t left(uint64_t until, uint64_t now)
{
    return until == 0 ? 0 : until > now ? until - now : 1;
}

static void add_state(struct client *cl, uint64_t now, struct pull *p)
{
    const struct board *b = cl->board;
    if (b->state.number == 0)
        return; /* a new epoch has not told one: it comes */
    ADD_FRAME(p, PULL_STATE, 0, state, .holder = b->state.holder, .instance = b->state.instance,
              .term = b->state.term, .grace_ms = left(b->grace_until, now),
              .pass_ms = left(b->pass_until, now), .members = b->state.members);
}

/* What only its owner is to see is told to own links. */
static void add_told_rules(struct client *cl, struct pull *p)
{
    const struct board *b = cl->board;
    const struct msg_ev_rules *r = &b->rules.now;
    bool own = cl->session->role == ROLE_OWN;
    struct list outside =
        own ? list_of(b->rules.outside_count, &b->rules.outside) : (struct list){0};
    ADD_FRAME(p, PULL_RULES, 0, rules, .rules = r->offset, .member = r->member, .what = r->what,
              .flags = r->flags, .name = b->state.name,
              .removed = own ? r->removed : (struct list){0}, .outside = outside);
}

static void add_token(struct client *cl, struct pull *p)
{
    const struct gateway_core_config *config = &cl->core->config;
    struct identity who = {.board = cl->board->id,
                           .role = ROLE_OWN,
                           .links = cl->board->rules.now.own,
                           .exp_s = cl->exp_s};
    char *token = config->make_token(config->owner, &who);
    ADD_FRAME(p, PULL_TOKEN, 0, token, span_of(token));
    free(token);
}

static void add_rules(struct client *cl, struct pull *p)
{
    if (cl->flags & PULL_RULES && cl->board->state.number != 0)
        add_told_rules(cl, p);
    if (cl->flags & PULL_TOKEN && ruled_owe_token(cl))
        add_token(cl, p);
}

static unsigned mark_flags(const struct client *cl)
{
    const struct board *b = cl->board;
    return b->mark_flags | (b->core->link_up && !b->core->link_silent ? 0 : MARK_TROUBLE) |
           (b->unsaved ? MARK_UNSAVED : 0) | (client_paused(cl) ? MARK_BUSY : 0);
}

/* A mark rides on events, or goes alone when it is due. */
static void add_mark(struct client *cl, uint64_t cursor, bool with_events, struct pull *p)
{
    const struct board *b = cl->board;
    unsigned flags = mark_flags(cl);
    bool news = cl->told != b->window.told || cl->told_flags != flags;
    bool reached = cursor >= window_applied(&b->window);
    if (!(cl->flags & PULL_MARK) && !(news && with_events && reached))
        return;
    uint64_t head = larger(b->head, window_applied(&b->window));
    ADD_FRAME(p, PULL_MARK, 0, mark, head, b->window.told, flags, b->incarnation);
}

static void add_pointer(struct client *cl, uint64_t now, uint64_t cursor, struct pull *p)
{
    const struct board *b = cl->board;
    if (pointer_fresh(cl, now) && cursor >= window_applied(&b->window))
        ADD_FRAME(p, PULL_POINTER, 0, pointer_at, b->pointer.member, b->pointer.x, b->pointer.y);
}

static void add_error(struct client *cl, struct pull *p)
{
    if (cl->ends && cl->error == ERROR_full && cl->board->state.seats > 0)
        ADD_FRAME(p, 0, 0, full, cl->board->state.seats);
    ADD_FRAME(p, PULL_ERROR, 0, error, span_of(ERRORS[cl->error].name), span_of(cl->sentence),
              cl->error_number);
}

/* ---- events ---------------------------------------------------------------------------------- */

static const struct event *event_after(struct client *cl, uint64_t now, uint64_t cursor)
{
    struct board *b = cl->board;
    const struct event *e = window_at(&b->window, cursor + 1);
    if (e || b->window.first == 0 || cursor + 1 >= b->window.first)
        return e;
    return replay_event(b, now, cursor + 1);
}

/* Whether several events wait beyond the cursor. */
static bool many_wait(const struct client *cl, uint64_t cursor)
{
    const struct board *b = cl->board;
    return window_at(&b->window, cursor + JOIN_FROM) || replay_has(b, cursor + JOIN_FROM);
}

/* It came, or came again, by this connection: so its client has it. Who sent a restore does not
 * know where the picture begins again, and nobody that a frame is void. */
static bool is_own(const struct client *cl, const struct event *e)
{
    return e->term != 0 && e->term == cl->session->term && e->term == cl->term &&
           e->cseq >= cl->cseq && e->code != MSG_ev_restore && e->code != MSG_ev_void;
}

/* A run of own frames: cseq counts with the offset. */
static uint64_t add_own(struct client *cl, uint64_t now, uint64_t cursor, const struct event *e,
                        struct pull *p)
{
    CHECK(e->term == cl->session->term);
    uint64_t first = cursor + 1;
    uint32_t cseq = e->cseq;
    do
        cursor++;
    while ((e = event_after(cl, now, cursor)) && is_own(cl, e) &&
           e->cseq == cseq + (uint32_t)(cursor + 1 - first));
    ADD_FRAME(p, DONE_CURSOR, cursor, own, cl->session->term, first, cseq, cursor + 1 - first);
    return cursor;
}

/* Several events as one WebSocket message. */
static uint64_t add_joined(struct client *cl, uint64_t now, uint64_t cursor, struct pull *p)
{
    const struct event *e;
    size_t payload = frame_open(p);
    while ((e = event_after(cl, now, cursor)) && !is_own(cl, e) &&
           p->scratch.len - payload + e->len <= JOIN_BYTES_MAX) {
        buf_append(&p->scratch, e->frame + e->head, e->len - e->head);
        cursor++;
    }
    add(p, frame_close(p, payload), DONE_CURSOR, cursor);
    return cursor;
}

static uint64_t add_events(struct client *cl, uint64_t now, uint64_t cursor, struct pull *p)
{
    const struct event *e;
    while (p->count < PULL_FRAMES_MAX && p->bytes < PULL_BYTES_MAX &&
           (e = event_after(cl, now, cursor))) {
        bool scratch_left = p->scratch.cap - p->scratch.len > JOIN_BYTES_MAX + 64;
        if (is_own(cl, e)) {
            if (!scratch_left)
                break;
            cursor = add_own(cl, now, cursor, e, p);
        } else if (scratch_left && e->len < JOIN_BYTES_MAX / 2 && many_wait(cl, cursor)) {
            cursor = add_joined(cl, now, cursor, p);
        } else {
            cursor++;
            add(p, (struct span){e->frame, e->len}, DONE_CURSOR, cursor);
        }
    }
    return cursor;
}

/* ---- the pull -------------------------------------------------------------------------------- */

void client_note_slow(struct client *cl)
{
    const struct window *w = &cl->board->window;
    bool slow = w->first != 0 && cl->cursor + 1 < w->first;
    if (slow == cl->slow)
        return;
    cl->slow = slow;
    cl->core->stats.slow_viewers += slow ? 1 : (uint64_t)-1;
    cl->core->stats.slowed += slow;
}

void client_pull(struct client *cl, uint64_t now_ms, struct pull *p)
{
    cl->core->now = now_ms;
    begin(p);
    if (cl->state == CLIENT_LIVE && cl->session) {
        client_note_slow(cl);
        if (cl->flags & PULL_WELCOME)
            add_welcome(cl, now_ms, p);
        if (cl->flags & PULL_CUT)
            ADD_FRAME(p, PULL_CUT, 0, cut, cl->cut_to);
        if (cl->flags & PULL_STATE)
            add_state(cl, now_ms, p);
        add_rules(cl, p);
        uint64_t cursor = add_events(cl, now_ms, cl->cursor, p);
        if (p->count < PULL_FRAMES_MAX)
            add_mark(cl, cursor, cursor != cl->cursor, p);
        if (p->count < PULL_FRAMES_MAX)
            add_pointer(cl, now_ms, cursor, p);
        if (cl->flags & PULL_GOAWAY && p->count < PULL_FRAMES_MAX)
            ADD_FRAME(p, PULL_GOAWAY, 0, goaway, cl->goaway_ms);
    }
    if (cl->flags & PULL_ERROR && p->count + 1 < PULL_FRAMES_MAX)
        add_error(cl, p);
    CHECKED(gateway_board_invariants(cl->board));
}

/* Own frames that the drawer reads in the log as stored are acked, wherever they were read from. */
static void note_read(struct client *cl, uint64_t from, uint64_t to)
{
    CHECK(from <= to);
    struct session *s = cl->session;
    struct board *b = cl->board;
    if (!s || TAILQ_EMPTY(&s->kept) || to > window_mark(&b->window) || from >= b->window.first)
        return;
    for (uint64_t at = from; at <= to; at++) {
        const struct event *e = replay_event(b, cl->core->now, at);
        if (e && e->term == s->term)
            session_acked(s, b->core->now, e->term, e->cseq);
    }
}

static uint64_t take_sample(struct client *cl)
{
    if (cl->awaited == 0 || cl->cursor < cl->awaited)
        return 0;
    cl->awaited = 0;
    return cl->drawn_ms;
}

uint64_t client_pulled(struct client *cl, struct pull *p, unsigned frames)
{
    CHECK(frames <= p->count);
    for (unsigned i = 0; i < frames; i++) {
        uint32_t flag = p->done[i].flag;
        if (flag & DONE_CURSOR) {
            uint64_t from = cl->cursor + 1;
            cl->cursor = p->done[i].cursor;
            note_read(cl, from, cl->cursor);
            continue;
        }
        cl->flags &= ~flag;
        cl->core->stats.pointers_given += flag == PULL_POINTER;
        if (flag & (PULL_MARK | PULL_WELCOME))
            cl->knows = larger(cl->knows, cl->board->window.told);
        if (flag == PULL_MARK) {
            cl->told = cl->board->window.told;
            cl->told_flags = mark_flags(cl);
            cl->told_at = cl->core->now;
        }
    }
    if (cl->board && cl->state == CLIENT_LIVE)
        client_note_slow(cl);
    CHECKED(gateway_board_invariants(cl->board));
    return take_sample(cl);
}
