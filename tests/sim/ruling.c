/* SPDX-License-Identifier: Apache-2.0
 *
 * In some worlds who owns a board rules it, in the midst of what breaks: removes people and lets
 * them in again, closes the door, ends links, gives the pen and refuses it. A deed that is lost is
 * lost; what became an event holds for everybody, whoever owns the board and wherever they come.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define RULED_EVERY 4u

void plan_ruling(struct world *w)
{
    w->ruled = w->seed % RULED_EVERY == 2;
}

static struct msg_ev_rules stored_rules(struct world *w, unsigned board)
{
    struct record last;
    struct msg_ev_rules m = {0};
    if (memory_last(w, &w->board_id[board], &last) < 0)
        return m;
    struct span event = memory_rules(w, &last);
    struct cursor in = cursor_of(event.data, event.len);
    if (event.len > 0 && GET(&in, ev_rules, &m) < 0)
        fail(w, "the rules of board %u cannot be read", board);
    return m;
}

static uint64_t generation(const struct msg_ev_rules *m, enum role role)
{
    return role == ROLE_WATCH ? m->watch : role == ROLE_DRAW ? m->draw : m->own;
}

/* ---- links ------------------------------------------------------------------------------------
 */

char *make_link(void *owner, const struct identity *who)
{
    char text[16];
    (void)owner;
    snprintf(text, sizeof text, "own %u", (unsigned)who->links);
    return strdup(text);
}

/* "draw <board> <member>", "watch ..." or "own ...". */
int authenticate_person(void *owner, uint64_t now_ms, struct span token, struct span session,
                        struct identity *ret)
{
    (void)owner, (void)now_ms, (void)session;
    char text[64] = {0}, role[8], board[16], member[16];
    unsigned links = 0;
    if (token.len >= sizeof text)
        return -EACCES;
    memcpy(text, token.data, token.len);
    if (sscanf(text, "%7s %15s %15s %u", role, board, member, &links) < 3)
        return -EACCES;
    if (id_parse(board, strlen(board), &ret->board) < 0 ||
        id_parse(member, strlen(member), &ret->member) < 0)
        return -EACCES;
    ret->links = links;
    ret->role = role[0] == 'w' ? ROLE_WATCH : role[0] == 'd' ? ROLE_DRAW : ROLE_OWN;
    return 0;
}

/* ---- deeds ----------------------------------------------------------------------------------- */

static struct id somebody(struct world *w, const struct person *p)
{
    return w->person[below(w, PEOPLE / BOARDS) * BOARDS + p->board].member;
}

bool ruling_act(struct world *w, struct person *p, struct buf *ret)
{
    if (!w->ruled || p->role != ROLE_OWN || !odds(w, 250))
        return false;
    uint64_t rules = odds(w, 300) ? 0 : p->rules;
    switch (below(w, 9)) {
    case 0:
        PUT(ret, set, rules, 0);
        break;
    case 1:
        PUT(ret, set, rules, below(w, 32));
        break;
    case 2:
        PUT(ret, remove, rules, somebody(w, p));
        break;
    case 3:
        PUT(ret, let_in, rules, somebody(w, p));
        break;
    case 4:
        PUT(ret, end_links, rules, 1 + below(w, 7));
        break;
    case 5:
        PUT(ret, rename, rules, span_of(odds(w, 5000) ? "one name" : ""));
        break;
    case 6:
        PUT(ret, refuse, p->pen_term, somebody(w, p));
        break;
    default:
        PUT(ret, give, p->pen_term, odds(w, 2000) ? (struct id){{0}} : somebody(w, p));
        break;
    }
    w->count.deeds++;
    return true;
}

/* ---- what comes ------------------------------------------------------------------------------ */

void ruling_told(struct world *w, struct person *p, const struct msg_rules *m)
{
    (void)w;
    p->rules = m->rules;
}

void ruling_token(struct world *w, struct person *p, const struct msg_token *m)
{
    char text[16] = {0};
    unsigned links;
    memcpy(text, m->token.data, m->token.len < 15 ? m->token.len : 15);
    if (p->role != ROLE_OWN || sscanf(text, "own %u", &links) != 1 || links < p->links)
        fail(w, "person %u gets the token %s, of generation %u", p->number, text,
             (unsigned)p->links);
    else
        p->links = links;
}

/* Somebody gives it a new link. */
void ruling_link_ended(struct world *w, struct person *p)
{
    struct msg_ev_rules m = stored_rules(w, p->board);
    uint64_t newest = generation(&m, p->role);
    if (newest > p->links)
        p->links = newest;
}

/* ---- the promise ----------------------------------------------------------------------------- */

static bool is_removed(const struct msg_ev_rules *r, const struct id *member)
{
    struct list list = r->removed;
    struct msg_person m;
    while (NEXT(&list, person, &m) > 0)
        if (id_equal(&m.member, member))
            return true;
    return false;
}

static bool is_inside(const struct msg_ev_rules *r, const struct id *member)
{
    struct list list = r->inside;
    struct msg_member_id m;
    while (NEXT(&list, member_id, &m) > 0)
        if (id_equal(&m.member, member))
            return true;
    return false;
}

void promise_ruled(struct world *w, const struct person *p)
{
    struct msg_ev_rules r = stored_rules(w, p->board);
    if (is_removed(&r, &p->member))
        fail(w, "person %u was removed, and is there", p->number);
    if (p->links < generation(&r, p->role) && !id_equal(&p->member, &r.keeper))
        fail(w, "person %u is there by a link that was ended", p->number);
    if (r.flags & RULE_DOOR && p->role != ROLE_OWN && !is_inside(&r, &p->member))
        fail(w, "person %u came in by a closed door", p->number);
}

static enum role role_of(const struct world *w, const struct id *member)
{
    for (unsigned i = 0; i < PEOPLE; i++)
        if (id_equal(&w->person[i].member, member))
            return w->person[i].role;
    return ROLE_WATCH;
}

void promise_ruling(struct world *w, unsigned board, const struct seen *event, uint64_t tail)
{
    uint64_t flags = 0;
    struct id holder = {0};
    for (uint64_t at = 1; at <= tail; at++) {
        const struct seen *e = &event[at - 1];
        if (e->code == MSG_ev_rules)
            flags = e->flags;
        if (e->code == MSG_ev_grant)
            holder = e->member;
        w->count.voided += e->code == MSG_ev_void;
        bool may = !(flags & RULE_CLEARS) || role_of(w, &holder) == ROLE_OWN;
        if (e->code == MSG_ev_void && may)
            fail(w, "the frame at %u of board %u was allowed", (unsigned)at, board);
        if ((e->code == MSG_ev_clear || e->code == MSG_ev_restore) && !may)
            fail(w, "the frame at %u of board %u was not allowed", (unsigned)at, board);
    }
}
