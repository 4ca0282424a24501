/* SPDX-License-Identifier: Apache-2.0
 *
 * A seat is kept for who lost the connection, up to config.seat_keep_ms. That time belongs to the
 * seat: it is used up while its member is away, and comes back as fast while nobody is away from
 * it. So sessions that come and go cannot hold a seat for longer than they sit on it. That of the
 * pen's holder is kept beyond that, as long as nobody needs it.
 */
#include "seats.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "members.h"
#include "pen.h"
#include "sequencer.h"

/* The seat of an own link is the last one. */
static unsigned seat_count(const struct board *b)
{
    return b->core->config.seats + 1;
}

void seats_start(struct board *b, bool clean)
{
    CHECK(b->ownership == BOARD_OPEN);
    struct seats *s = &b->seats;
    uint64_t clock = b->core->clock;
    s->count = s->outsider_count = 0; /* what we knew of grants and places is another epoch's */
    s->seat = xrealloc(s->seat, seat_count(b), sizeof *s->seat);
    for (unsigned i = 0; i < seat_count(b); i++)
        s->seat[i] = (struct seat){.left_ms = b->core->config.seat_keep_ms, .counted_at = clock};
    s->opened_at = clock;
    /* Those who were seated under the last owner come first [D24]. */
    s->closed_until = clean ? clock : clock + ATTACH_EVERY_MS;
    s->dirty = s->stale = true;
}

void seats_free(struct board *b)
{
    free(b->seats.members);
    free(b->seats.seat);
}

/* ---- the line -------------------------------------------------------------------------------- */

struct member *seats_first_in_line(const struct board *b)
{
    struct member *first = NULL;
    for (unsigned i = 0; i < b->seats.count; i++) {
        struct member *m = &b->seats.members[i];
        if (m->line && m->connected && (!first || m->line < first->line))
            first = m;
    }
    return first;
}

static struct member *find_owner(const struct board *b, bool connected)
{
    for (unsigned i = 0; i < b->seats.count; i++) {
        struct member *m = &b->seats.members[i];
        if (m->seated && m->role == ROLE_OWN && m->connected == connected)
            return m;
    }
    return NULL;
}

bool seats_owner_here(const struct board *b)
{
    return find_owner(b, true) != NULL;
}

struct member *seats_taker(const struct board *b)
{
    const struct log_state *pen = &b->log.stored;
    for (unsigned i = 0; i < b->seats.count; i++) {
        struct member *m = &b->seats.members[i];
        bool has_it = member_holds(b, m) && m->newest.instance == pen->instance;
        if (member_asks(m) && m->request == REQUEST_TAKE && !has_it)
            return m;
    }
    return NULL;
}

/* Who is lost keeps the place, and is passed over. */
static void line_up(struct board *b, struct member *m)
{
    bool waits =
        m->seated && m->role != ROLE_WATCH && m->request != REQUEST_NONE && !member_holds(b, m);
    if (!waits)
        m->line = 0;
    else if (m->line == 0)
        m->line = ++b->seats.line;
}

/* ---- keeping a seat -------------------------------------------------------------------------- */

static struct member *on_seat(const struct board *b, unsigned seat)
{
    for (unsigned i = 0; i < b->seats.count; i++)
        if (b->seats.members[i].seated && b->seats.members[i].seat == seat)
            return &b->seats.members[i];
    return NULL;
}

/* Brings what is left up to now. */
static void count_time(const struct board *b, struct seat *s)
{
    CHECK(s->counted_at <= b->core->clock);
    uint64_t clock = b->core->clock, passed = clock - s->counted_at;
    if (s->away)
        s->left_ms -= smaller(passed, s->left_ms);
    else
        s->left_ms = smaller(s->left_ms + passed, b->core->config.seat_keep_ms);
    s->counted_at = clock;
}

/* Until when the seat is kept for this member, who is lost. The pen's grace is not cut short. */
static uint64_t kept_until(const struct board *b, const struct member *m)
{
    CHECK(m->seated);
    const struct seat *s = &b->seats.seat[m->seat];
    uint64_t until = s->away ? s->counted_at + s->left_ms : b->core->clock + s->left_ms;
    uint64_t grace = m->lost_at + b->core->config.pen_grace_ms;
    return member_holds(b, m) && until < grace ? grace : until;
}

static void lose_seat(const struct board *b, struct member *m)
{
    CHECK(m->seated);
    uint64_t clock = b->core->clock;
    TRACE(b->core, &b->id, seat_given_up, m->seat, clock - smaller(m->lost_at, clock), m->outside);
    m->seated = false;
    m->number = 0;
    m->given_up = !m->connected;
}

/* Whose seat is kept for the pen's sake alone. */
static struct member *find_lost_holder(const struct board *b)
{
    struct member *m = members_find(b, &b->log.stored.holder);
    bool over = m && m->seated && !m->connected && b->core->clock >= kept_until(b, m);
    return over ? m : NULL;
}

static void free_seats_left(struct board *b)
{
    for (unsigned i = 0; i < seat_count(b); i++) {
        struct seat *s = &b->seats.seat[i];
        struct member *m = on_seat(b, i);
        count_time(b, s);
        bool over = m && !member_holds(b, m) && b->core->clock >= kept_until(b, m);
        if (m && (m->outside || (!m->connected && (m->left || over)))) {
            lose_seat(b, m);
            m = NULL;
        }
        s->away = m && !m->connected;
    }
}

/* ---- taking a seat --------------------------------------------------------------------------- */

/* Who of two comes first when a seat is free: the holder of the pen, the line, own links, draw
 * links; then who came earlier. */
static bool goes_before(const struct board *b, const struct member *m, const struct member *other)
{
    bool holds = member_holds(b, m), asks = m->request != REQUEST_NONE && m->role != ROLE_WATCH;
    bool other_asks = other->request != REQUEST_NONE && other->role != ROLE_WATCH;
    if (holds != member_holds(b, other))
        return holds;
    if (asks != other_asks)
        return asks;
    if (m->role != other->role)
        return m->role > other->role;
    return m->newest.came < other->newest.came;
}

/* Somebody new must be there; who was seated under the owner before may be on the way. */
static bool may_sit(const struct member *m, bool seated_before)
{
    if (m->seated || m->left || m->outside || m->seated_before != seated_before)
        return false;
    return m->connected || (seated_before && !m->given_up);
}

static struct member *next_to_seat(const struct board *b, bool seated_before, bool own)
{
    struct member *next = NULL;
    for (unsigned i = 0; i < b->seats.count; i++) {
        struct member *m = &b->seats.members[i];
        if (may_sit(m, seated_before) && (!own || m->role == ROLE_OWN) &&
            (!next || goes_before(b, m, next)))
            next = m;
    }
    return next;
}

#define NO_SEAT UINT_MAX

/* Of the seats for everybody the free one that is kept longest, or NO_SEAT. */
static unsigned find_free(const struct board *b)
{
    const struct seat *seat = b->seats.seat;
    unsigned best = NO_SEAT;
    for (unsigned i = 0; i < b->core->config.seats; i++)
        if (!on_seat(b, i) && (best == NO_SEAT || seat[i].left_ms > seat[best].left_ms))
            best = i;
    return best;
}

static bool has_number(const struct board *b, unsigned number)
{
    for (unsigned i = 0; i < b->seats.count; i++)
        if (b->seats.members[i].number == number)
            return true;
    return false;
}

/* It keeps the number, should it move to another seat. */
static void number(struct board *b, struct member *m)
{
    unsigned lowest = 1;
    while (m->number == 0 && has_number(b, lowest))
        lowest++;
    if (m->number == 0)
        m->number = lowest;
}

static void sit_down(struct board *b, struct member *m, unsigned seat)
{
    CHECK(seat <= b->core->config.seats && !on_seat(b, seat)); /* P5 */
    m->seated = true;
    m->seat = seat;
    number(b, m);
    b->seats.seat[seat].away = !m->connected;
}

/* An own link takes the seat of its own; failing that, and all others, that of an own link that is
 * lost (the same person on another device). Others get an owner's seat if that one can move; else
 * the one that is kept only for the pen's sake. */
static bool take_seat(struct board *b, struct member *m)
{
    CHECK(!m->seated);
    unsigned last = b->core->config.seats, seat = find_free(b);
    bool own = m->role == ROLE_OWN, last_is_free = !on_seat(b, last);
    struct member *owner, *holder;
    if (own && last_is_free) {
        sit_down(b, m, last);
    } else if (seat != NO_SEAT) {
        sit_down(b, m, seat);
    } else if (own && m->connected && (owner = find_owner(b, false))) {
        lose_seat(b, owner);
        sit_down(b, m, owner->seat);
    } else if (!own && last_is_free && (owner = find_owner(b, true))) {
        seat = owner->seat;
        sit_down(b, owner, last);
        sit_down(b, m, seat);
    } else if (m->connected && (holder = find_lost_holder(b)) && (own || holder->seat != last)) {
        lose_seat(b, holder);
        sit_down(b, m, holder->seat);
    } else {
        return false;
    }
    return true;
}

/* When no seat is left for the first one there may still be one for an own link. */
static void seat_all(struct board *b, bool seated_before)
{
    struct member *m;
    while ((m = next_to_seat(b, seated_before, false)) && take_seat(b, m))
        ;
    while ((m = next_to_seat(b, seated_before, true)) && take_seat(b, m))
        ;
}

/* ---- who is outside -------------------------------------------------------------------------- */

static struct outsider *find_outsider(struct seats *s, const struct id *member)
{
    for (unsigned i = 0; i < s->outsider_count; i++)
        if (id_equal(&s->outsiders[i].member, member))
            return &s->outsiders[i];
    return NULL;
}

/* Those who have to stay out are no news to who wanted it so. */
static bool waits_outside(const struct board *b, const struct member *m)
{
    return members_turned_away(b, m) && m->outside != OUTSIDE_REMOVED &&
           m->outside != OUTSIDE_ENDED;
}

static void note_outsider(struct board *b, const struct member *m)
{
    struct seats *s = &b->seats;
    struct outsider *o = find_outsider(s, &m->id);
    if (!o && s->outsider_count == OUTSIDE_MAX)
        return;
    if (!o)
        o = &s->outsiders[s->outsider_count++];
    *o = (struct outsider){
        .member = m->id, .role = m->role, .why = m->outside, .seen_at = b->core->clock};
    memcpy(o->name, m->name, sizeof o->name);
}

/* Whoever came in is not outside, nor who has not tried again for long. */
static bool is_outside(const struct board *b, const struct outsider *o)
{
    const struct member *m = members_find(b, &o->member);
    bool waits = !m || waits_outside(b, m);
    return waits && b->core->clock < o->seen_at + OUTSIDE_MS;
}

static void update_outsiders(struct board *b)
{
    struct seats *s = &b->seats;
    unsigned kept = 0;
    for (unsigned i = 0; i < s->count; i++)
        if (waits_outside(b, &s->members[i]))
            note_outsider(b, &s->members[i]);
    for (unsigned i = 0; i < s->outsider_count; i++)
        if (is_outside(b, &s->outsiders[i]))
            s->outsiders[kept++] = s->outsiders[i];
    s->outsider_count = kept;
}

struct span seats_outsider_name(const struct board *b, const struct id *member)
{
    for (unsigned i = 0; i < b->seats.outsider_count; i++)
        if (id_equal(&b->seats.outsiders[i].member, member))
            return span_of(b->seats.outsiders[i].name);
    return (struct span){0};
}

void seats_update(struct board *b)
{
    CHECK(b->ownership == BOARD_OPEN);
    struct seats *s = &b->seats;
    if (!s->dirty && b->core->clock < seats_deadline(b))
        return;
    members_read(b);
    free_seats_left(b);
    seat_all(b, true);
    if (b->core->clock >= s->closed_until) {
        s->closed_until = 0;
        seat_all(b, false);
    }
    for (unsigned i = 0; i < s->count; i++)
        line_up(b, &s->members[i]);
    update_outsiders(b);
    members_tell_replaced(b);
    s->dirty = false;
    s->stale = true;
}

uint64_t seats_deadline(const struct board *b)
{
    const struct seats *s = &b->seats;
    uint64_t at = smaller(s->closed_until ? s->closed_until : NEVER, members_deadline(b));
    for (unsigned i = 0; i < s->outsider_count; i++)
        at = smaller(at, s->outsiders[i].seen_at + OUTSIDE_MS);
    for (unsigned i = 0; i < s->count; i++) {
        const struct member *m = &s->members[i];
        if (m->seated && !m->connected && !member_holds(b, m))
            at = smaller(at, kept_until(b, m));
    }
    return at;
}
