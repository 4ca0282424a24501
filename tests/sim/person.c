/* SPDX-License-Identifier: Apache-2.0
 *
 * A person: a model client that keeps the log as PROTOCOL.md says, draws when it has the pen, asks,
 * hands over, reloads, loses its connection, and sometimes reads slowly. The author and a counter
 * are drawn into the points of each stroke, so that the checks know who drew what.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stroke.h"

#define FRAME_POINTS_MAX 1280u

uint64_t person_mark(const struct person *p)
{
    return p->told < p->applied ? p->told : p->applied;
}

void person_free(struct person *p)
{
    free(p->log);
    free(p->frames);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void to_gateway(struct world *w, struct person *p, struct buf *bytes)
{
    uint64_t at = w->now + 1 + below(w, 5);
    if (at < p->last_to_gateway)
        at = p->last_to_gateway;
    p->last_to_gateway = at;
    happen(w, at,
           (struct event){
               .what = TO_GATEWAY, .who = p->number, .generation = p->connection, .bytes = *bytes});
}

static void send_frame(struct world *w, struct person *p, const struct own_frame *f)
{
    struct buf b = {0};
    uint8_t points[FRAME_POINTS_MAX * POINT_BYTES] = {(uint8_t)(p->author >> 8), (uint8_t)p->author,
                                                      (uint8_t)(f->counter >> 8),
                                                      (uint8_t)f->counter};
    struct span drawn = {points, f->points * POINT_BYTES};
    switch (f->what) {
    case STROKE:
        PUT(&b, begin, f->term, f->cseq, TOOL_PEN, 0, 80, 1, f->flags, drawn);
        break;
    case GO_ON:
        PUT(&b, points, f->term, f->cseq, f->flags, drawn);
        break;
    case CLEAR:
        PUT(&b, clear, f->term, f->cseq);
        break;
    case UNCLEAR:
        PUT(&b, restore, f->term, f->cseq, f->clear);
        break;
    case PASS:
        PUT(&b, pass, f->term, f->cseq, f->to);
        break;
    }
    to_gateway(w, p, &b);
}

static void add_frame(struct world *w, struct person *p, struct own_frame f)
{
    if (p->frame_count == p->frame_cap) {
        p->frame_cap = p->frame_cap ? p->frame_cap * 2 : 64;
        p->frames = xrealloc(p->frames, p->frame_cap, sizeof *p->frames);
    }
    f.term = p->term;
    f.cseq = ++p->cseq;
    bool draws = f.what == STROKE || f.what == GO_ON;
    f.counter = draws ? ++p->counter & 0xffff : 0;
    p->frames[p->frame_count++] = f;
    send_frame(w, p, &f);
}

static struct seen *at_offset(struct person *p, uint64_t offset)
{
    return &p->log[offset - p->start - 1];
}

void person_leave(struct world *w, struct person *p)
{
    if (!p->client)
        return;
    happen(w, w->now + 1 + below(w, 50),
           (struct event){.what = HANG_UP, .who = p->number, .generation = p->connection});
    p->welcomed = false;
}

/* Whoever moves a pointer says so, the pen or not: the owner knows whom to believe. */
static void point(struct world *w, struct person *p)
{
    struct buf b = {0};
    PUT(&b, pointer, .x = p->number, .y = p->role);
    to_gateway(w, p, &b);
}

static void add_stroke(struct world *w, struct person *p, uint16_t points, unsigned flags)
{
    add_frame(w, p, (struct own_frame){.what = STROKE, .points = points, .flags = (uint16_t)flags});
    p->stroke_points = flags & STROKE_END ? 0 : points;
}

static void go_on(struct world *w, struct person *p, uint16_t points, unsigned flags)
{
    add_frame(w, p, (struct own_frame){.what = GO_ON, .points = points, .flags = (uint16_t)flags});
    p->stroke_points = flags & STROKE_END ? 0 : p->stroke_points + points;
}

/* A long line: joined strokes, each of as many points as it can have. */
static void draw_long(struct world *w, struct person *p)
{
    uint32_t room = STROKE_POINTS_MAX - p->stroke_points;
    uint16_t points = (uint16_t)(1 + below(w, FRAME_POINTS_MAX));
    if (room == 0)
        add_stroke(w, p, points, STROKE_JOINED);
    else
        go_on(w, p, (uint16_t)(points < room ? points : room), odds(w, 4000) ? STROKE_END : 0);
}

static bool all_is_stored(const struct person *p)
{
    return p->frame_first == p->frame_count && p->applied == person_mark(p);
}

static bool newest_is_an_open(struct person *p)
{
    return p->applied > p->start && at_offset(p, p->applied)->code == MSG_ev_open;
}

/* The rest of a stroke that has no room for it, at the right moment. */
static void draw_greedily(struct world *w, struct person *p)
{
    if (p->greed == WAITS_FOR_OWNER && all_is_stored(p) && newest_is_an_open(p)) {
        p->greed = CHANGES_GATEWAY;
        person_leave(w, p);
    } else if (p->greed == CHANGES_GATEWAY) {
        p->greed = NO_GREED;
        p->cheated = true;
        go_on(w, p, FRAME_POINTS_MAX, 0);
    } else {
        point(w, p); /* so that it keeps the pen */
    }
}

/* Most often of the clear that is in force, as far as it knows; else of one that may be none. */
static void restore(struct world *w, struct person *p)
{
    uint64_t at = p->applied;
    while (at > p->start && at_offset(p, at)->code != MSG_ev_clear)
        at--;
    if (at == p->start || odds(w, 1000))
        at = 1 + below(w, 20);
    add_frame(w, p, (struct own_frame){.what = UNCLEAR, .clear = at});
}

static void draw(struct world *w, struct person *p)
{
    if (p->greed != NO_GREED) {
        draw_greedily(w, p);
    } else if (odds(w, 100)) {
        add_frame(w, p, (struct own_frame){.what = CLEAR});
        p->stroke_points = 0;
    } else if (odds(w, 60)) {
        restore(w, p);
    } else if (p->stroke_points > 0) {
        draw_long(w, p);
    } else if (odds(w, 100)) {
        add_stroke(w, p, FRAME_POINTS_MAX, 0);
        if (w->trouble && !p->tab && odds(w, 5000))
            p->greed = WAITS_FOR_OWNER;
    } else {
        add_stroke(w, p, 1, STROKE_END);
    }
}

/* Hands the pen over, or puts it down. Its cseq comes back in the grant, not as an event. */
static void pass(struct world *w, struct person *p)
{
    const struct person *to = &w->person[below(w, PEOPLE)];
    struct own_frame f = {.what = PASS};
    if (to->board == p->board && odds(w, 5000))
        f.to = to->member;
    add_frame(w, p, f);
}

/* Has the pen by the stored log, knows of no newer grant, and has not passed it on. */
static bool may_draw(const struct person *p)
{
    size_t waiting = p->frame_count - p->frame_first;
    return p->welcomed && p->term != 0 && p->newest_grant == p->term && p->term <= person_mark(p) &&
           waiting < 1000 && !(waiting > 0 && p->frames[p->frame_count - 1].what == PASS);
}

/* ---- the log --------------------------------------------------------------------------------- */

/* A stored grant ends a term: its frames up to `last` are acked (a pass only here), the rest lost.
 */
static void end_term(struct person *p, uint64_t ended, uint32_t last)
{
    for (; p->frame_first < p->frame_count; p->frame_first++) {
        const struct own_frame *f = &p->frames[p->frame_first];
        if (f->term > ended)
            break;
        if (f->term == ended && f->cseq <= last)
            p->acked++;
        else
            p->lost++;
    }
}

/* The event is stored: the ack of an own frame, the loss of frames after their term. */
static void note_stored(struct world *w, struct person *p, uint64_t offset)
{
    const struct seen *e = at_offset(p, offset);
    promise_stored(w, p, offset);
    if (e->code == MSG_ev_grant) {
        end_term(p, e->ended, e->last);
        if (e->instance == p->instance && id_equal(&e->member, &p->member))
            if (offset > p->term) {
                p->term = offset;
                p->cseq = 0;
                p->stroke_points = 0;
                p->greed = NO_GREED;
            }
    }
    if (e->term == 0 || p->frame_first == p->frame_count)
        return;
    const struct own_frame *f = &p->frames[p->frame_first];
    if (f->term == e->term && f->cseq == e->cseq) {
        promise_acked(w, p, f);
        p->frame_first++;
        p->acked++;
    }
}

static void raise_mark(struct world *w, struct person *p, uint64_t before)
{
    uint64_t from = before > p->start ? before : p->start;
    for (uint64_t at = from + 1; at <= person_mark(p); at++)
        note_stored(w, p, at);
}

static void apply(struct world *w, struct person *p, uint64_t offset, const struct seen *e)
{
    if (offset <= p->applied)
        return;
    if (offset != p->applied + 1 || offset <= p->start) {
        fail(w, "person %u: offset %u came after %u, from %u on", p->number, (unsigned)offset,
             (unsigned)p->applied, (unsigned)p->start);
        return;
    }
    uint64_t before = person_mark(p);
    size_t n = offset - p->start;
    if (n > p->log_cap) {
        p->log_cap = p->log_cap ? p->log_cap * 2 : 256;
        p->log = xrealloc(p->log, p->log_cap, sizeof *p->log);
    }
    p->log[n - 1] = *e;
    p->applied = offset;
    if (e->code == MSG_ev_grant)
        p->newest_grant = offset;
    raise_mark(w, p, before);
}

static void cut(struct world *w, struct person *p, uint64_t to)
{
    uint64_t mark = person_mark(p);
    p->told = mark; /* about what lies beyond, another epoch said it */
    if (to < mark)
        to = mark;
    if (to >= p->applied)
        return;
    w->count.cuts++;
    p->applied = to;
    p->newest_grant = 0;
    for (uint64_t at = to; at > p->start && p->newest_grant == 0; at--)
        if (at_offset(p, at)->code == MSG_ev_grant)
            p->newest_grant = at;
    if (p->newest_grant == 0) /* it was before we came */
        p->newest_grant = p->term;
}

/* ---- what comes ------------------------------------------------------------------------------ */

static void resend(struct world *w, struct person *p)
{
    for (size_t i = p->frame_first; i < p->frame_count; i++)
        send_frame(w, p, &p->frames[i]);
}

static void reload(struct world *w, struct person *p);

/* Another incarnation of the store than what it knows is of: it begins anew (PROTOCOL J10). */
static bool is_of_another_past(struct world *w, struct person *p, uint64_t incarnation)
{
#ifdef SIM_NO_INCARNATION /* [D34], a switch: two pasts are mixed then */
    (void)w;
#else
    if (p->incarnation && incarnation && incarnation != p->incarnation) {
        say(w, "person %u begins anew", p->number);
        person_leave(w, p);
        reload(w, p);
        return true;
    }
#endif
    if (incarnation)
        p->incarnation = incarnation;
    return false;
}

static void on_welcome(struct world *w, struct person *p, const struct msg_welcome *m)
{
    if (m->incarnation == 0)
        fail(w, "person %u: welcomed without an incarnation", p->number);
    if (is_of_another_past(w, p, m->incarnation))
        return;
    promise_there(w, p);
    if (m->mark < m->start || m->head < m->mark)
        fail(w, "person %u: welcomed at %u, mark %u, head %u", p->number, (unsigned)m->start,
             (unsigned)m->mark, (unsigned)m->head);
    if (p->fresh) {
        p->start = p->applied = m->start;
        p->told = m->mark; /* so nothing takes it back behind its start */
        p->fresh = false;
    } else if (m->start > p->applied) {
        fail(w, "person %u: asked from %u, got %u", p->number, (unsigned)p->applied,
             (unsigned)m->start);
    }
    p->welcomed = true;
    say(w, "person %u welcome, applied %u mark %u", p->number, (unsigned)p->applied,
        (unsigned)person_mark(p));
    resend(w, p);
}

static void on_own(struct world *w, struct person *p, const struct msg_own *m)
{
    for (uint64_t i = 0; i < m->count; i++) {
        uint64_t offset = m->offset + i;
        uint32_t cseq = (uint32_t)(m->cseq + i);
        if (offset <= p->applied)
            continue;
        const struct own_frame *f = NULL;
        for (size_t k = p->frame_count; k > 0 && !f; k--)
            if (p->frames[k - 1].term == m->term && p->frames[k - 1].cseq == cseq)
                f = &p->frames[k - 1];
        if (!f) {
            fail(w, "person %u: own %u/%u is no frame of mine", p->number, (unsigned)m->term,
                 (unsigned)cseq);
            return;
        }
        static const uint32_t CODES[] = {
            [STROKE] = MSG_ev_begin, [GO_ON] = MSG_ev_points, [CLEAR] = MSG_ev_clear};
        if (f->what > CLEAR) {
            fail(w, "person %u: own %u/%u is no event as it was sent", p->number, (unsigned)m->term,
                 (unsigned)cseq);
            return;
        }
        struct seen e = {.code = CODES[f->what], .term = f->term, .cseq = cseq};
        e.author = f->what == CLEAR ? 0 : p->author;
        e.counter = f->counter;
        e.hash = seen_hash(e.code, e.term, e.cseq, e.author, e.counter);
        apply(w, p, offset, &e);
    }
}

static void on_mark(struct world *w, struct person *p, const struct msg_mark *m)
{
    uint64_t before = person_mark(p);
    if (is_of_another_past(w, p, m->incarnation))
        return;
    if (m->mark > p->told)
        p->told = m->mark;
    p->head = m->head;
    raise_mark(w, p, before);
}

static bool is_code(const struct msg_error *m, const char *code)
{
    return m->code.len == strlen(code) && memcmp(m->code.data, code, m->code.len) == 0;
}

static void on_error(struct world *w, struct person *p, const struct msg_error *m)
{
    w->count.refused++;
    say(w, "person %u error %.*s", p->number, (int)m->code.len, (const char *)m->code.data);
    /* It does not know what was restored, or a gateway learns it that has not yet looked at what it
     * knows. */
    bool behind = p->incarnation != w->incarnation || (w->incarnation > 1 && !p->welcomed);
    if (is_code(m, "start_fresh") && behind)
        reload(w, p);
    else if (is_code(m, "start_fresh"))
        fail(w, "person %u: history is said not to reach %u", p->number, (unsigned)p->applied);
    if (is_code(m, "replaced"))
        p->replaced = true;
    /* Those last are pairs, a person and a second tab of hers; all others have one page only. */
    if (p->replaced && p->number < PEOPLE - 2 * BOARDS)
        fail(w, "person %u is replaced, and has no other page", p->number);
    if (is_code(m, "ended"))
        ruling_link_ended(w, p);
    if (is_code(m, "no_board")) {
        promise_no_board(w, p);
        p->gone = true;
    }
    if (p->tab || behind || !is_code(m, "bad_frame"))
        return;
    if (p->cheated)
        p->caught = true;
    else
        fail(w, "person %u: bad_frame: %.*s", p->number, (int)m->sentence.len,
             (const char *)m->sentence.data);
}

static void receive_frame(struct world *w, struct person *p, struct cursor *in)
{
    union {
        struct msg_welcome welcome;
        struct msg_own own;
        struct msg_mark mark;
        struct msg_cut cut;
        struct msg_state state;
        struct msg_error error;
        struct msg_pointer_at pointer;
        struct msg_rules rules;
        struct msg_token token;
    } m;
    struct cursor at = *in;
    unsigned code;
    uint32_t fields;
    if (message_begin(&at, &code, &fields) < 0) {
        fail(w, "person %u: a frame is broken", p->number);
        in->pos = in->end;
        return;
    }
    at = *in;
    if (code >= EVENT_CODE_LOW && code <= EVENT_CODE_HIGH) {
        struct seen e;
        uint64_t offset;
        if (seen_event(in, &offset, &e) == 0)
            apply(w, p, offset, &e);
        else
            in->pos = in->end;
        return;
    }
    wire_skip(in);
    if (message_get(&at, message_type(code), &m) < 0) {
        fail(w, "person %u: frame %u is broken", p->number, code);
        return;
    }
    switch (code) {
    case MSG_welcome:
        on_welcome(w, p, &m.welcome);
        break;
    case MSG_own:
        on_own(w, p, &m.own);
        break;
    case MSG_mark:
        on_mark(w, p, &m.mark);
        break;
    case MSG_cut:
        cut(w, p, m.cut.to);
        break;
    case MSG_pointer_at:
        promise_pointer(w, p, &m.pointer);
        break;
    case MSG_state:
        promise_seats(w, p->board, m.state.members);
        p->pen_term = m.state.term;
        break;
    case MSG_rules:
        ruling_told(w, p, &m.rules);
        break;
    case MSG_token:
        ruling_token(w, p, &m.token);
        break;
    case MSG_error:
        on_error(w, p, &m.error);
        break;
    }
}

void person_receive(struct world *w, struct person *p, struct span message)
{
    size_t head = message.data[1] < 126 ? 2 : message.data[1] == 126 ? 4 : 10;
    struct cursor in = cursor_of(message.data + head, message.len - head);
    while (cursor_left(&in) > 0 && !w->failure[0] && !p->reloaded)
        receive_frame(w, p, &in);
}

void person_hung_up(struct world *w, struct person *p)
{
    (void)w;
    p->welcomed = false;
    p->connection++;
}

/* ---- what it does ---------------------------------------------------------------------------- */

static void connect_person(struct world *w, struct person *p)
{
    struct process *g = random_process(w, GATEWAY);
    if (!g || (w->silent && g == w->hurt))
        return;
    static const char *const ROLES[] = {"watch", "draw", "own"};
    static const uint8_t session[16];
    char token[64];
    snprintf(token, sizeof token, "%s %s %s %u", ROLES[p->role], w->board_id[p->board].text,
             p->member.text, (unsigned)p->links);
    cut(w, p, 0); /* to its own mark */
    p->connection++;
    p->conn++;
    p->gateway = (unsigned)(g - w->process);
    p->gateway_generation = g->generation;
    p->client = client_open(g->gateway, w->now, p->number + 1, NULL);
    p->welcomed = false;
    p->reading = true;
    p->replaced = p->reloaded = false;
    p->last_to_gateway = p->last_to_person = p->connected_at = w->now;
    w->count.reconnects++;
    struct buf b = {0};
    PUT(&b, hello, span_of(token), {session, 16}, p->instance, p->conn, span_of("somebody"),
        p->fresh ? NIL : p->applied, NIL, FEATURES);
    to_gateway(w, p, &b);
}

/* A reload: another instance, which knows nothing. */
static void reload(struct world *w, struct person *p)
{
    p->reloaded = true;
    p->incarnation = 0;
    p->author = ++w->authors;
    p->instance = (chance(w) & OFFSET_MAX) | 1;
    p->conn = 0;
    p->fresh = true;
    p->start = p->applied = p->told = p->head = 0;
    p->term = p->newest_grant = 0;
    p->cseq = 0;
    p->frame_first = p->frame_count = 0;
    p->stroke_points = 0;
    p->greed = NO_GREED;
    p->cheated = p->caught = false;
}

static void request(struct world *w, struct person *p, const struct message_type *type)
{
    struct buf b = {0};
    message_put(&b, type, &(char){0});
    to_gateway(w, p, &b);
}

/* A second tab whose page takes the member's pen for its own. The instance must stop it. */
static void draw_with_another_tabs_pen(struct world *w, struct person *p)
{
    if (!p->welcomed || p->newest_grant == 0 || p->newest_grant > person_mark(p) ||
        p->newest_grant <= p->start)
        return;
    const struct seen *grant = at_offset(p, p->newest_grant);
    if (!id_equal(&grant->member, &p->member) || grant->instance == p->instance)
        return;
    uint32_t cseq = 0;
    for (uint64_t at = p->newest_grant; at <= p->applied; at++)
        if (at_offset(p, at)->term == p->newest_grant)
            cseq = at_offset(p, at)->cseq;
    struct own_frame f = {p->newest_grant, cseq + 1, 1, STROKE, 1, STROKE_END, {{0}}};
    send_frame(w, p, &f);
}

static void act_connected(struct world *w, struct person *p)
{
    struct buf deed = {0};
    if (w->trouble && !w->calm && !w->silent && odds(w, 40)) {
        person_leave(w, p);
    } else if (p->reading ? w->trouble && odds(w, 100) : !w->trouble || odds(w, 500)) {
        if (p->reading)
            p->reading = false;
        else
            pull_person(w, p);
    } else if (!p->welcomed || w->silent) {
        return;
    } else if (odds(w, 500)) {
        point(w, p);
    } else if (may_draw(p) && odds(w, 8500)) {
        draw(w, p);
    } else if (w->calm) {
        return;
    } else if (ruling_act(w, p, &deed)) {
        to_gateway(w, p, &deed);
    } else if (w->trouble && may_draw(p) && odds(w, 800)) {
        pass(w, p);
    } else if (p->role != ROLE_WATCH && odds(w, 400)) {
        request(w, p, odds(w, 8000) ? &TYPE_ask : &TYPE_cancel);
    } else if (p->role == ROLE_OWN && odds(w, 50)) {
        request(w, p, &TYPE_take);
    } else if (p->tab && w->trouble && odds(w, 2000)) {
        draw_with_another_tabs_pen(w, p);
    }
}

void person_act(struct world *w, struct person *p)
{
    if (!p->client) {
        bool wants = !w->closed && ((!p->replaced && !p->gone) || odds(w, 200));
        if (wants && odds(w, 2000)) {
            w->count.caught += p->caught;
            if (p->caught || (w->trouble && odds(w, 500)))
                reload(w, p);
            connect_person(w, p);
        }
    } else {
        act_connected(w, p);
    }
    happen(w, w->now + 20 + below(w, 60), (struct event){.what = ACT, .who = p->number});
}

void person_start(struct world *w, unsigned number)
{
    struct person *p = &w->person[number];
    uint64_t bits = chance(w);
    uint8_t bytes[8];
    memcpy(bytes, &bits, sizeof bytes);
    p->number = number;
    p->board = number % BOARDS;
    p->tab = number >= PEOPLE - BOARDS;
    p->member = p->tab ? w->person[number - BOARDS].member : id_from_bits(0, MEMBER_CHARS, bytes);
    p->role = number < BOARDS ? ROLE_OWN : number == BOARDS ? ROLE_WATCH : ROLE_DRAW;
    reload(w, p);
    happen(w, w->now + below(w, 2000), (struct event){.what = ACT, .who = number});
}
