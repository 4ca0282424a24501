/* SPDX-License-Identifier: Apache-2.0
 *
 * Each deed names what it was decided on: the newest rules, or the term. So a deed that comes
 * twice, late, or beside another device's changes nothing; its page sees by the log what became of
 * it.
 */
#include "deeds.h"

#include <string.h>

#include "bounds.h"
#include "checks.h"
#include "members.h"
#include "pen.h"
#include "rules.h"
#include "seats.h"
#include "sequencer.h"

static void refuse_deed(struct board *b, unsigned code)
{
    b->core->stats.deeds_refused++;
    TRACE(b->core, &b->id, deed_refused, code, b->log.newest.rules, b->log.newest.term);
}

/* ---- the rules ------------------------------------------------------------------------------- */

/* The people of the rules to be, as tuples. */
struct people {
    struct buf removed, inside;
    uint32_t removed_count, inside_count;
};

static void free_people(struct people *l)
{
    buf_free(&l->removed);
    buf_free(&l->inside);
}

static void add_person(struct people *l, const struct msg_person *p)
{
    message_put(&l->removed, &TYPE_person, p);
    l->removed_count++;
}

static void add_inside(struct people *l, const struct id *member)
{
    PUT(&l->inside, member_id, .member = *member);
    l->inside_count++;
}

/* The removed ones but `but`; of more than there may be the oldest are left out. */
static void keep_removed(const struct msg_ev_rules *r, const struct id *but, unsigned most,
                         struct people *l)
{
    struct list list = r->removed;
    uint32_t passed = r->removed.count > most ? r->removed.count - most : 0;
    struct msg_person p;
    while (NEXT(&list, person, &p) > 0)
        if (passed > 0)
            passed--;
        else if (!id_equal(&p.member, but))
            add_person(l, &p);
}

static void keep_inside(const struct msg_ev_rules *r, const struct id *but, unsigned most,
                        struct people *l)
{
    struct list list = r->inside;
    uint32_t passed = r->inside.count > most ? r->inside.count - most : 0;
    struct msg_member_id m;
    while (NEXT(&list, member_id, &m) > 0)
        if (passed > 0)
            passed--;
        else if (!id_equal(&m.member, but))
            add_inside(l, &m.member);
}

/* The door closes behind those who are in. */
static void shut_door(const struct board *b, struct people *l)
{
    for (unsigned i = 0; i < b->seats.count && l->inside_count < RULES_INSIDE_MAX; i++)
        if (b->seats.members[i].seated)
            add_inside(l, &b->seats.members[i].id);
}

static struct span name_of(const struct board *b, const struct id *member)
{
    const struct member *m = members_find(b, member);
    return m ? span_of(m->name) : seats_outsider_name(b, member);
}

static void do_set(struct board *b, const struct msg_set *m, struct msg_ev_rules *r,
                   struct people *l)
{
    bool was = r->flags & RULE_DOOR, is = m->flags & RULE_DOOR;
    keep_removed(r, &(struct id){0}, RULES_REMOVED_MAX, l);
    if (was && is)
        keep_inside(r, &(struct id){0}, RULES_INSIDE_MAX, l);
    else if (is)
        shut_door(b, l);
    r->flags = m->flags;
}

static void do_remove(struct board *b, const struct msg_remove *m, struct msg_ev_rules *r,
                      struct people *l)
{
    r->whom = m->member;
    keep_removed(r, &m->member, RULES_REMOVED_MAX - 1, l);
    keep_inside(r, &m->member, RULES_INSIDE_MAX, l);
    add_person(l, &(struct msg_person){m->member, name_of(b, &m->member)});
}

static void do_let_in(const struct msg_let_in *m, struct msg_ev_rules *r, struct people *l)
{
    r->whom = m->member;
    keep_removed(r, &m->member, RULES_REMOVED_MAX, l);
    keep_inside(r, &m->member, RULES_INSIDE_MAX - 1, l);
    if (r->flags & RULE_DOOR)
        add_inside(l, &m->member);
}

static uint64_t next_generation(uint64_t now, bool ends)
{
    return ends && now < UINT32_MAX ? now + 1 : now;
}

/* Whoever is here by a code has a link to watch: without those the code is of no use either. */
static void do_end_links(const struct msg_end_links *m, struct msg_ev_rules *r, struct people *l)
{
    keep_removed(r, &(struct id){0}, RULES_REMOVED_MAX, l);
    keep_inside(r, &(struct id){0}, RULES_INSIDE_MAX, l);
    r->watch = next_generation(r->watch, m->roles & 1 << ROLE_WATCH);
    r->draw = next_generation(r->draw, m->roles & 1 << ROLE_DRAW);
    r->own = next_generation(r->own, m->roles & 1 << ROLE_OWN);
    if (m->roles & 1 << ROLE_WATCH)
        r->flags |= RULE_CODE_ENDS;
    if (m->roles & 1 << ROLE_OWN)
        r->keeper = r->member;
}

static void rule(struct board *b, const struct member *owner, enum rulings_code code,
                 const union any_frame *f)
{
    CHECK(owner->role == ROLE_OWN && f->rules == b->log.newest.rules);
    struct msg_ev_rules r = b->rules.now;
    struct people people = {0};
    r.member = owner->id;
    r.what = code;
    r.whom = (struct id){0};
    switch (code) {
    case RULING_set:
        do_set(b, &f->set, &r, &people);
        break;
    case RULING_rename:
        keep_removed(&r, &r.whom, RULES_REMOVED_MAX, &people);
        keep_inside(&r, &r.whom, RULES_INSIDE_MAX, &people);
        r.name = f->rename.name;
        break;
    case RULING_remove:
        do_remove(b, &f->remove, &r, &people);
        break;
    case RULING_let_in:
        do_let_in(&f->let_in, &r, &people);
        break;
    case RULING_end_links:
        do_end_links(&f->end_links, &r, &people);
        break;
    }
    r.removed = list_of(people.removed_count, &people.removed);
    r.inside = list_of(people.inside_count, &people.inside);
    sequencer_note(b, MSG_ev_rules, &TYPE_ev_rules, &r);
    b->rules.flags = r.flags;
    b->core->stats.deeds++;
    free_people(&people);
}

/* For one event more; and none comes while a grant is under way. */
static bool has_room(const struct board *b)
{
    return !sequencer_grant_pending(b) && !bounds_in_debt(b) &&
           b->log.bytes.len + RULES_BYTES_MAX <= UNSTORED_BYTES_MAX;
}

/* The rules of before are stored, and the board may grow: by a bounded number of events also when
 * nobody can draw on it any more. */
static bool may_rule(const struct board *b, const struct member *owner, enum rulings_code code,
                     const union any_frame *f)
{
    const struct log *l = &b->log;
    bool self = code == RULING_remove && id_equal(&f->remove.member, &owner->id);
    return owner->role == ROLE_OWN && f->rules == l->newest.rules && l->newest.rules <= l->mark &&
           !self && has_room(b) && l->head < b->core->config.board_events_max + DEEDS_BEYOND_MAX;
}

/* ---- who gets the pen ------------------------------------------------------------------------ */

static bool may_give(const struct board *b, const struct member *owner, const struct msg_give *m)
{
    return owner->role == ROLE_OWN && m->term == b->log.newest.term && !b->log.full &&
           !sequencer_grant_pending(b);
}

static void give(struct board *b, const struct member *owner, const struct msg_give *m)
{
    struct member *to = id_empty(&m->to) ? NULL : members_find(b, &m->to);
    bool nobody = id_empty(&m->to) && !id_empty(&b->log.stored.holder);
    if (may_give(b, owner, m) && (nobody || (to && pen_may_have(b, to))))
        pen_give(b, to);
    else
        refuse_deed(b, MSG_give);
}

/* Who owns the board, or has the pen in that term. */
static bool may_refuse(const struct board *b, const struct member *who, const struct msg_deed *m,
                       uint64_t term)
{
    const struct log_state *s = &b->log.newest;
    bool holds = id_equal(&s->holder, &who->id) && s->instance == m->instance;
    return term == s->term && (who->role == ROLE_OWN || holds) && has_room(b);
}

static void refuse(struct board *b, const struct member *who, const struct msg_deed *m,
                   const struct msg_refuse *f)
{
    struct member *whom = members_find(b, &f->member);
    if (!may_refuse(b, who, m, f->term) || !whom || whom->line == 0 || whom->role == ROLE_OWN) {
        refuse_deed(b, MSG_refuse);
        return;
    }
    struct msg_ev_refuse event = {.member = who->id, .whom = whom->id};
    whom->granted = sequencer_note(b, MSG_ev_refuse, &TYPE_ev_refuse, &event);
    whom->request = REQUEST_NONE; /* it is served, whatever older lists say */
    whom->refused_until = b->core->clock + REFUSED_MS;
    b->seats.dirty = true;
    b->core->stats.deeds++;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static int parse(struct span body, unsigned *ret_code, union any_frame *ret)
{
    struct cursor in = cursor_of(body.data, body.len);
    uint32_t fields;
    if (message_begin(&in, ret_code, &fields) < 0)
        return -1;
    bool known = rulings_type(*ret_code) || *ret_code == MSG_give || *ret_code == MSG_refuse;
    if (!known || message_fields(&in, frame_type(*ret_code), fields, true, ret, NULL) < 0)
        return -1;
    return cursor_left(&in) > 0 ? -1 : 0;
}

void deeds_take(struct board *b, const struct msg_deed *m)
{
    CHECK(b->ownership == BOARD_OPEN);
    unsigned code;
    union any_frame f;
    if (parse(m->body, &code, &f) < 0) {
        b->core->stats.bad_messages++;
        return;
    }
    const struct member *who = members_find(b, &m->member);
    if (!who || !who->connected || who->outside)
        refuse_deed(b, code);
    else if (code == MSG_give)
        give(b, who, &f.give);
    else if (code == MSG_refuse)
        refuse(b, who, m, &f.refuse);
    else if (may_rule(b, who, (enum rulings_code)code, &f))
        rule(b, who, (enum rulings_code)code, &f);
    else
        refuse_deed(b, code);
}
