/* SPDX-License-Identifier: Apache-2.0
 *
 * A member may stand in several lists, and several times in one: a page that moves to another
 * gateway, a reload, a second tab, a connection whose end nobody has noticed. One of these
 * connections counts: one that is up rather than a lost one; of one instance the one with the
 * highest number; else the one whose hello came last. Gateways tell when a hello came, since the
 * order in which lists arrive says nothing, nor does when they arrive: a page that was reloaded
 * through another gateway would be replaced by the page before it.
 */
#include "members.h"

#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "rules.h"

struct member *members_find(const struct board *b, const struct id *member)
{
    for (unsigned i = 0; i < b->seats.count; i++)
        if (id_equal(&b->seats.members[i].id, member))
            return &b->seats.members[i];
    return NULL;
}

/* Somebody who has no seat and is not here. */
static struct member *find_spare(const struct seats *s)
{
    for (unsigned i = 0; i < s->count; i++)
        if (!s->members[i].seated && !s->members[i].connected)
            return &s->members[i];
    return NULL;
}

/* Room for one more; whoever is here takes that of one who is not. NULL: there is none. */
static struct member *make_room(struct board *b, bool here)
{
    struct seats *s = &b->seats;
    if (s->count >= LISTED_PER_SEAT * (b->core->config.seats + 1))
        return here ? find_spare(s) : NULL;
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 4;
        s->members = xrealloc(s->members, s->cap, sizeof *s->members);
    }
    return &s->members[s->count++];
}

static void for_entries(struct board *b,
                        void (*each)(const struct attachment *at, const struct msg_at_member *e))
{
    const struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link)
        for (unsigned i = 0; i < at->entry_count; i++)
            each(at, &at->entries[i]);
}

/* ---- which connection counts ----------------------------------------------------------------- */

static bool is_up(const struct msg_at_member *e)
{
    return !(e->flags & MEMBER_LOST);
}

/* A time of that gateway's by the time here, but for what its quickest list took on its way. */
static uint64_t time_here(const struct gateway_list *list, uint64_t time)
{
    int64_t ours = (int64_t)time + list->skew;
    return ours > 0 ? (uint64_t)ours : 1;
}

/* Its hello by the time here. 0: a gateway of before, which does not say. */
static uint64_t came_at(const struct gateway_list *list, uint64_t came)
{
    if (came == 0 || list->sent_at == 0)
        return 0;
    return time_here(list, came < list->sent_at ? came : list->sent_at);
}

static struct member_connection connection_of(const struct attachment *at,
                                              const struct msg_at_member *e)
{
    return (struct member_connection){at->list->gateway, e->instance, e->conn,
                                      came_at(at->list, e->came)};
}

/* Whether `c` counts rather than the newest one so far, both up or both lost. */
static bool is_newer(const struct member_connection *c, const struct member_connection *than)
{
    if (c->instance == than->instance && c->conn != than->conn)
        return c->conn > than->conn;
    return c->came > than->came;
}

/* ---- who is looked at ------------------------------------------------------------------------ */

unsigned entry_rank(const struct msg_at_member *e)
{
    bool seated = e->flags & MEMBER_SEATED;
    if (is_up(e))
        return seated ? 0 : 1 + ROLE_OWN - (unsigned)e->role;
    if (e->flags & MEMBER_LEFT)
        return ENTRY_RANKS - 1;
    return seated ? 4 : 5;
}

/* Of those whom we know: who is still named, and who is here. */
static void note_named(const struct attachment *at, const struct msg_at_member *e)
{
    struct member *m = members_find(at->board, &e->member);
    if (!m)
        return;
    m->listed = true;
    m->connected = m->connected || is_up(e);
}

static void admit(struct board *b, const struct msg_at_member *e)
{
    struct member *m = members_find(b, &e->member);
    if (m || !(m = make_room(b, is_up(e))))
        return;
    *m = (struct member){
        .id = e->member, .connected = is_up(e), .lost_at = b->core->clock, .rivals_since = NEVER};
    bool holds = member_holds(b, m), heard_all = b->core->clock >= members_heard_all(b);
    m->granted = holds ? b->log.stored.term : 0;
    m->given_up = heard_all && !holds; /* if it is lost: we would know, had it a seat here */
}

static void admit_rank(struct board *b, unsigned rank)
{
    const struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link)
        for (unsigned i = 0; i < at->entry_count; i++)
            if (entry_rank(&at->entries[i]) == rank)
                admit(b, &at->entries[i]);
}

/* ---- from the lists -------------------------------------------------------------------------- */

static void begin_reading(struct member *m)
{
    m->listed = m->connected = m->seated_before = m->left = m->pen_is_here = false;
    m->standing = m->request;
    m->flags = MEMBER_LOST;
}

/* The request stands only until its grant: a gateway that has not seen the member's newest grant
 * may still name the request that it served. */
static bool request_counts(const struct attachment *at, const struct member *m)
{
    return m->granted == 0 || (at->epoch == at->board->log.epoch && at->applied >= m->granted);
}

/* Who moved to another gateway, or was reloaded, has not said anew what it wants: what stands goes
 * on, and its place in the line with it. */
static enum pen_request request_of(const struct attachment *at, const struct member *m,
                                   const struct msg_at_member *e)
{
    if (e->flags & MEMBER_UNSAID)
        return m->standing;
    bool asks = e->role == ROLE_OWN || !rules_have(at->board, RULE_GIVEN);
    if (e->role == ROLE_WATCH || !asks || !request_counts(at, m) ||
        at->board->core->clock < m->refused_until)
        return REQUEST_NONE;
    return e->request == REQUEST_TAKE && e->role != ROLE_OWN ? REQUEST_ASK
                                                             : (enum pen_request)e->request;
}

static void take_for_newest(const struct attachment *at, struct member *m,
                            const struct msg_at_member *e, const struct member_connection *c)
{
    CHECK(e->name.len < sizeof m->name);
    m->newest = *c;
    m->role = (enum role)e->role;
    m->links = e->links;
    m->left = e->flags & MEMBER_LEFT;
    m->request = request_of(at, m, e);
    memcpy(m->name, e->name.data, e->name.len);
    m->name[e->name.len] = '\0';
}

static void read_entry(const struct attachment *at, const struct msg_at_member *e)
{
    struct member *m = members_find(at->board, &e->member);
    if (!m)
        return;
    struct member_connection c = connection_of(at, e);
    bool up = is_up(e);
    if (!m->listed || (up && !m->connected) || (up == m->connected && is_newer(&c, &m->newest)))
        take_for_newest(at, m, e, &c);
    if (up && !m->connected)
        m->flags = MEMBER_AWAY;
    if (up && !(e->flags & MEMBER_AWAY))
        m->flags = 0;
    m->pen_is_here = m->pen_is_here || (up && e->instance == at->board->log.stored.instance);
    m->seated_before = m->seated_before || e->flags & MEMBER_SEATED;
    m->connected = m->connected || up;
    m->listed = true;
    m->orphaned = false;
}

/* Its gateway is gone, but it may be on its way to another one, or has forgotten it, but the pen is
 * kept for it: it is shown as lost. */
static bool is_kept(const struct board *b, const struct member *m)
{
    return m->listed || (m->seated && (m->orphaned || member_holds(b, m)));
}

static void drop_unlisted(struct board *b)
{
    struct seats *s = &b->seats;
    unsigned kept = 0;
    for (unsigned i = 0; i < s->count; i++)
        if (is_kept(b, &s->members[i]))
            s->members[kept++] = s->members[i];
    s->count = kept;
}

/* Those whom no list names any more make room first: mostly they are the ones who were told that
 * there is no place, and nothing else would make us look at those who came behind them. */
static void choose_members(struct board *b)
{
    struct seats *s = &b->seats;
    for (unsigned i = 0; i < s->count; i++)
        s->members[i].listed = s->members[i].connected = false;
    for_entries(b, note_named);
    drop_unlisted(b);
    for (unsigned rank = 0; rank < ENTRY_RANKS; rank++)
        admit_rank(b, rank);
}

void members_read(struct board *b)
{
    struct seats *s = &b->seats;
    choose_members(b);
    for (unsigned i = 0; i < s->count; i++)
        begin_reading(&s->members[i]);
    for_entries(b, read_entry);
    for (unsigned i = 0; i < s->count; i++) {
        struct member *m = &s->members[i];
        m->given_up = m->given_up && !m->connected;
        m->outside = rules_shut_out(b, &m->id, m->role, m->links);
        if (m->connected)
            m->lost_at = NEVER;
        else if (m->lost_at == NEVER)
            m->lost_at = b->core->clock;
    }
}

void members_orphan(const struct attachment *at)
{
    for (unsigned i = 0; i < at->entry_count; i++) {
        struct member *m = members_find(at->board, &at->entries[i].member);
        if (m)
            m->orphaned = true;
    }
}

/* ---- newer connections ----------------------------------------------------------------------- */

/* Which connections of a member are up, as one number; 0: not more than one is. */
static uint64_t rivals_of(const struct board *b, const struct member *m)
{
    const struct attachment *at;
    uint64_t ret = 0;
    unsigned up = 0;
    LIST_FOREACH (at, &b->attachments, board_link)
        for (unsigned i = 0; i < at->entry_count; i++) {
            const struct msg_at_member *e = &at->entries[i];
            if (!is_up(e) || !id_equal(&e->member, &m->id))
                continue;
            ret += e->instance * 31 + e->conn;
            up++;
        }
    return up > 1 ? ret | 1 : 0;
}

/* All gateways are told something, which they will confirm. */
static void meet_rivals(struct board *b, struct member *m, uint64_t rivals)
{
    CHECK(rivals != 0);
    struct attachment *at;
    m->rivals = rivals;
    m->rivals_since = b->core->clock;
    m->rivals_state = b->core->state_number + 1;
    LIST_FOREACH (at, &b->attachments, board_link)
        at->state_due = true;
}

/* Whether the newest one was still up when its gateway had what we said after we saw them all. Else
 * it may be the page before a reload, whose end that gateway could not tell us yet. */
static bool is_confirmed(const struct board *b, const struct member *m)
{
    const struct attachment *at = board_at(b, &m->newest.gateway);
    return at && at->has_state >= m->rivals_state;
}

/* The gateway of an older connection may not know of the newer one, which is elsewhere. */
static void tell_older(struct board *b, const struct member *m)
{
    CHECK(m->connected && m->rivals != 0);
    const struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link)
        for (unsigned i = 0; i < at->entry_count; i++) {
            const struct msg_at_member *e = &at->entries[i];
            struct member_connection c = connection_of(at, e);
            bool equal = c.instance == m->newest.instance && c.conn == m->newest.conn;
            bool newest = equal && id_equal(&c.gateway, &m->newest.gateway);
            if (!is_up(e) || !id_equal(&e->member, &m->id) || newest)
                continue;
            TRACE(b->core, &b->id, connection_outrun, m->newest.conn);
            TELL(b, &at->list->gateway, replaced, b->log.epoch, m->id, m->newest.instance,
                 m->newest.conn, equal ? REPLACED_EQUAL : 0, c.instance, c.conn);
        }
}

/* Not at once: mostly the older one has ended already, and the news of it are on their way. So
 * nobody is replaced by a page that is gone. */
void members_tell_replaced(struct board *b)
{
    uint64_t clock = b->core->clock;
    for (unsigned i = 0; i < b->seats.count; i++) {
        struct member *m = &b->seats.members[i];
        uint64_t rivals = m->connected ? rivals_of(b, m) : 0;
        if (!rivals) {
            m->rivals = 0;
            m->rivals_since = NEVER;
        } else if (rivals != m->rivals) {
            meet_rivals(b, m, rivals);
        } else if (clock >= m->rivals_since + REPLACE_AFTER_MS && is_confirmed(b, m)) {
            tell_older(b, m);
            m->rivals_since = clock; /* again, should it be lost on the way */
        }
    }
}

uint64_t members_deadline(const struct board *b)
{
    uint64_t at = NEVER;
    for (unsigned i = 0; i < b->seats.count; i++) {
        const struct member *m = &b->seats.members[i];
        if (m->rivals_since != NEVER && is_confirmed(b, m)) /* the list that confirms wakes us */
            at = smaller(at, m->rivals_since + REPLACE_AFTER_MS);
    }
    return at;
}
