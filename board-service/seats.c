/* SPDX-License-Identifier: Apache-2.0 */
#include "seats.h"

#include <stdlib.h>
#include <string.h>

#include "pen.h"
#include "sequencer.h"

void seats_start(struct board *b, bool clean)
{
    uint64_t clock = b->core->clock;
    b->seats.count = 0; /* what we knew of grants and places is another epoch's */
    b->seats.opened_at = clock;
    /* Those who were seated under the last owner come first. */
    b->seats.closed_until = clean ? clock : clock + ATTACH_EVERY_MS;
    b->seats.news_at = clock;
    b->seats.dirty = b->seats.stale = true;
}

void seats_free(struct board *b)
{
    free(b->seats.members);
}

struct member *seats_find(const struct board *b, const struct id *member)
{
    for (unsigned i = 0; i < b->seats.count; i++)
        if (id_equal(&b->seats.members[i].id, member))
            return &b->seats.members[i];
    return NULL;
}

struct member *seats_first_in_line(const struct board *b)
{
    struct member *first = NULL;
    for (unsigned i = 0; i < b->seats.count; i++) {
        struct member *m = &b->seats.members[i];
        if (m->line && !m->ask_lost && (!first || m->line < first->line))
            first = m;
    }
    return first;
}

struct member *seats_taker(const struct board *b)
{
    const struct log_state *pen = &b->log.stored;
    for (unsigned i = 0; i < b->seats.count; i++) {
        struct member *m = &b->seats.members[i];
        bool has_it = id_equal(&m->id, &pen->holder) && m->ask_instance == pen->instance;
        if (m->request == REQUEST_TAKE && m->seated && !m->ask_lost && !has_it)
            return m;
    }
    return NULL;
}

/* ---- from the lists -------------------------------------------------------------------------- */

static bool entry_lost(const struct msg_at_member *e)
{
    return e->flags & MEMBER_LOST;
}

/* Of several connections of one instance the newest counts, whatever gateway it is at. */
static const struct msg_at_member *newer_connection(const struct board *b,
                                                    const struct msg_at_member *e)
{
    const struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link)
        for (unsigned i = 0; i < at->entry_count; i++) {
            const struct msg_at_member *other = &at->entries[i];
            if (other->instance != e->instance || !id_equal(&other->member, &e->member))
                continue;
            if (other->conn > e->conn ||
                (other->conn == e->conn && entry_lost(e) && !entry_lost(other)))
                return other;
        }
    return NULL;
}

static struct member *find_or_add(struct board *b, const struct id *id)
{
    struct seats *s = &b->seats;
    struct member *m = seats_find(b, id);
    if (m || s->count >= LISTED_PER_SEAT * b->core->config.seats)
        return m;
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 4;
        s->members = xrealloc(s->members, s->cap, sizeof *s->members);
    }
    m = &s->members[s->count++];
    *m = (struct member){.id = *id, .lost_at = b->core->clock};
    if (id_equal(id, &b->log.stored.holder))
        m->granted = b->log.stored.term;
    return m;
}

/* The request stands only until its grant: a gateway that has not seen the member's newest grant
 * may still name the request that it served. */
static bool request_counts(const struct attachment *at, const struct member *m)
{
    return m->granted == 0 || (at->epoch == at->board->log.epoch && at->applied >= m->granted);
}

static void fold_request(const struct attachment *at, struct member *m,
                         const struct msg_at_member *e)
{
    if (e->request == REQUEST_NONE || e->role == ROLE_WATCH || !request_counts(at, m))
        return;
    bool better = m->request == REQUEST_NONE || (m->ask_lost && !entry_lost(e));
    if (!better && (entry_lost(e) || e->request <= m->request))
        return;
    m->request = e->request == REQUEST_TAKE && e->role != ROLE_OWN ? REQUEST_ASK
                                                                   : (enum pen_request)e->request;
    m->ask_instance = e->instance;
    m->ask_lost = entry_lost(e);
}

static void fold(const struct attachment *at, struct member *m, const struct msg_at_member *e)
{
    bool up = !entry_lost(e);
    if (up && !m->connected) {
        m->connected = true;
        m->instance = 0;
        m->flags = MEMBER_AWAY;
        m->role = ROLE_WATCH;
    }
    if (up && (m->instance == 0 || e->role > m->role))
        m->instance = e->instance;
    if (up && e->instance == at->board->log.stored.instance)
        m->pen_is_here = true;
    if (up || !m->listed) {
        memcpy(m->name, e->name.data, e->name.len);
        m->name[e->name.len] = '\0';
    }
    if (up && !(e->flags & MEMBER_AWAY))
        m->flags = 0;
    if ((up || !m->connected) && e->role > m->role)
        m->role = (enum role)e->role;
    m->seated_before = m->seated_before || e->flags & MEMBER_SEATED;
    m->listed = true;
    fold_request(at, m, e);
}

/* A member has one connection: the one that came last. Within an instance `conn` tells, between
 * instances (another tab, another device of the session) the order in which we see them. */
static void note_connection(struct member *m, const struct msg_at_member *e)
{
    struct connection c = {e->instance, e->conn};
    if (c.instance == m->newest.instance) {
        if (c.conn > m->newest.conn)
            m->newest = c;
    } else if (!entry_lost(e) && !(c.instance == m->older.instance && c.conn <= m->older.conn)) {
        m->older = m->newest;
        m->newest = c;
    }
}

static void read_entry(const struct attachment *at, const struct msg_at_member *e)
{
    struct member *m = newer_connection(at->board, e) ? NULL : find_or_add(at->board, &e->member);
    if (!m)
        return;
    note_connection(m, e);
    fold(at, m, e);
}

/* The gateway of an older connection may not know of the newer one, which is elsewhere. */
static void tell_replaced(const struct attachment *at, const struct msg_at_member *e)
{
    struct board *b = at->board;
    const struct member *m = seats_find(b, &e->member);
    if (!m || m->newest.instance == 0) /* all that we ever saw of it was lost */
        return;
    if (entry_lost(e) || (e->instance == m->newest.instance && e->conn >= m->newest.conn))
        return;
    struct msg_replaced told = {b->id, b->log.epoch, m->id, m->newest.instance, m->newest.conn, 0};
    outbox_put(b->core->out, EXCHANGE_GATEWAY, &at->list->gateway, &b->id, &TYPE_replaced, &told);
}

static void for_entries(struct board *b,
                        void (*each)(const struct attachment *at, const struct msg_at_member *e))
{
    const struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link)
        for (unsigned i = 0; i < at->entry_count; i++)
            each(at, &at->entries[i]);
}

/* However many crowd in, those who had a seat are looked at. */
static void admit_seated(const struct attachment *at, const struct msg_at_member *e)
{
    if (e->flags & MEMBER_SEATED)
        find_or_add(at->board, &e->member);
}

static void read_lists(struct board *b)
{
    for (unsigned i = 0; i < b->seats.count; i++) {
        struct member *m = &b->seats.members[i];
        m->listed = m->connected = m->seated_before = m->ask_lost = m->pen_is_here = false;
        m->request = REQUEST_NONE;
        m->flags = MEMBER_LOST;
        m->role = ROLE_WATCH;
    }
    for_entries(b, admit_seated);
    for_entries(b, read_entry);
    for_entries(b, tell_replaced);
}

static void drop_unlisted(struct seats *s)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < s->count; i++)
        if (s->members[i].listed)
            s->members[kept++] = s->members[i];
    s->count = kept;
}

/* ---- seats and line -------------------------------------------------------------------------- */

static bool lost_too_long(const struct board *b, const struct member *m)
{
    return m->lost_at != NEVER && b->core->clock >= m->lost_at + b->core->config.pen_grace_ms;
}

static unsigned free_seats(const struct board *b)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < b->seats.count; i++)
        taken += b->seats.members[i].seated;
    return taken < b->core->config.seats ? b->core->config.seats - taken : 0;
}

static void seat(struct board *b, bool seated_before)
{
    unsigned left = free_seats(b);
    for (unsigned i = 0; i < b->seats.count && left > 0; i++) {
        struct member *m = &b->seats.members[i];
        if (m->seated || m->seated_before != seated_before || lost_too_long(b, m) ||
            (!m->connected && !seated_before))
            continue;
        m->seated = true;
        left--;
    }
}

static void line_up(struct board *b, struct member *m)
{
    bool holds = id_equal(&m->id, &b->log.stored.holder);
    bool waits = m->seated && m->role != ROLE_WATCH && m->request != REQUEST_NONE && !holds;
    if (!waits)
        m->line = 0;
    else if (m->line == 0)
        m->line = ++b->seats.line;
}

void seats_update(struct board *b)
{
    struct seats *s = &b->seats;
    if (!s->dirty && b->core->clock < seats_deadline(b))
        return;
    read_lists(b);
    drop_unlisted(s);
    for (unsigned i = 0; i < s->count; i++) {
        struct member *m = &s->members[i];
        if (m->connected)
            m->lost_at = NEVER;
        else if (m->lost_at == NEVER)
            m->lost_at = b->core->clock;
        if (lost_too_long(b, m))
            m->seated = false;
    }
    seat(b, true);
    if (b->core->clock >= s->closed_until) {
        s->closed_until = 0;
        seat(b, false);
    }
    for (unsigned i = 0; i < s->count; i++)
        line_up(b, &s->members[i]);
    s->dirty = false;
    s->stale = true;
}

uint64_t seats_deadline(const struct board *b)
{
    const struct seats *s = &b->seats;
    uint64_t at = s->closed_until ? s->closed_until : NEVER;
    for (unsigned i = 0; i < s->count; i++) {
        const struct member *m = &s->members[i];
        if (m->seated && m->lost_at != NEVER && m->lost_at + b->core->config.pen_grace_ms < at)
            at = m->lost_at + b->core->config.pen_grace_ms;
    }
    return at;
}

/* ---- telling --------------------------------------------------------------------------------- */

static unsigned place_in_line(const struct seats *s, const struct member *m)
{
    unsigned place = m->line ? 1 : 0;
    for (unsigned i = 0; m->line && i < s->count; i++)
        place += s->members[i].line && s->members[i].line < m->line;
    return place;
}

/* Whoever has no seat and could have had one is told so; others still wait. */
static bool is_turned_away(const struct board *b, const struct member *m)
{
    return !m->seated && m->connected && !b->seats.closed_until;
}

struct lists {
    struct list members, full;
};

static struct lists put_lists(struct board *b)
{
    const struct seats *s = &b->seats;
    struct buf *members = &b->core->scratch, *full = &b->core->scratch2;
    uint32_t member_count = 0, full_count = 0;
    buf_clear(members);
    buf_clear(full);
    for (unsigned i = 0; i < s->count; i++) {
        const struct member *m = &s->members[i];
        if (m->seated) {
            PUT(members, member, .member = m->id, .name = span_of(m->name), .role = m->role,
                .flags = m->flags, .line = place_in_line(s, m));
            member_count++;
        } else if (is_turned_away(b, m)) {
            PUT(full, member_id, .member = m->id);
            full_count++;
        }
    }
    return (struct lists){list_of(member_count, members), list_of(full_count, full)};
}

static void hash_add(uint64_t *h, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++)
        *h = (*h ^ p[i]) * UINT64_C(0x100000001b3);
}

/* Two states with one hash look the same to everybody. What only counts time is left out. */
static uint64_t hash_of(const struct board *b, const struct lists *lists)
{
    const struct log_state *pen = &b->log.stored;
    uint64_t numbers[] = {
        b->log.epoch, pen->instance, pen->term, pen->base, b->pen.grace_until, b->pen.passing,
    };
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    hash_add(&h, numbers, sizeof numbers);
    hash_add(&h, lists->members.at.pos, cursor_left(&lists->members.at));
    hash_add(&h, &lists->members.count, sizeof lists->members.count);
    hash_add(&h, lists->full.at.pos, cursor_left(&lists->full.at));
    return h;
}

static void put_state(struct attachment *at, const struct lists *lists)
{
    struct board *b = at->board;
    const struct board_core_config *config = &b->core->config;
    const struct log_state *pen = &b->log.stored;
    struct msg_board_state m = {.board = b->id,
                                .epoch = b->log.epoch,
                                .number = ++b->core->state_number,
                                .head = b->log.head,
                                .mark = b->log.mark,
                                .name = span_of(b->name),
                                .base = pen->base,
                                .holder = pen->holder,
                                .instance = pen->instance,
                                .term = pen->term,
                                .grace_ms = pen_grace_left(b),
                                .pass_ms = pen_pass_left(b),
                                .seats = config->seats,
                                .lost_grace_ms = config->pen_grace_ms,
                                .idle_ms = config->pen_idle_ms,
                                .members = lists->members,
                                .full = lists->full};
    outbox_put(b->core->out, EXCHANGE_GATEWAY, &at->list->gateway, &b->id, &TYPE_board_state, &m);
    at->told_mark = b->log.mark;
    at->state_at = b->core->clock;
    at->state_due = false;
}

static bool anything_due(const struct board *b)
{
    const struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link)
        if (at->state_due)
            return true;
    return false;
}

void seats_tell(struct board *b)
{
    struct seats *s = &b->seats;
    if (!s->stale && !anything_due(b))
        return;
    struct lists lists = put_lists(b);
    uint64_t hash = hash_of(b, &lists);
    bool news = hash != s->told_hash;
    if (news) {
        s->told_hash = hash;
        s->news_at = b->core->clock;
    }
    s->stale = false;
    struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link)
        if (news || at->state_due)
            put_state(at, &lists);
}
