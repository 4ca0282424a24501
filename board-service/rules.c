/* SPDX-License-Identifier: Apache-2.0 */
#include "rules.h"

#include <errno.h>

#include "checks.h"

int rules_keep(struct board *b, struct span event)
{
    struct rules rules = {0};
    buf_append(&rules.event, event.data, event.len);
    struct cursor in = cursor_of(rules.event.data, rules.event.len);
    if (event.len > 0 && GET(&in, ev_rules, &rules.now) < 0) {
        buf_free(&rules.event);
        return -EBADMSG;
    }
    rules.flags = rules.now.flags;
    rules_free(b);
    b->rules = rules;
    return 0;
}

void rules_free(struct board *b)
{
    buf_free(&b->rules.event);
    b->rules = (struct rules){0};
}

bool rules_list_has(struct list members, const struct id *member)
{
    struct msg_member_id m;
    while (NEXT(&members, member_id, &m) > 0)
        if (id_equal(&m.member, member))
            return true;
    return false;
}

static bool is_removed(const struct msg_ev_rules *r, const struct id *member)
{
    struct list removed = r->removed;
    struct msg_person p;
    while (NEXT(&removed, person, &p) > 0)
        if (id_equal(&p.member, member))
            return true;
    return false;
}

static bool is_ended(const struct msg_ev_rules *r, const struct id *member, enum role role,
                     uint64_t links)
{
    switch (role) {
    case ROLE_WATCH:
        return links < r->watch;
    case ROLE_DRAW:
        return links < r->draw;
    case ROLE_OWN:
        return links < r->own && !id_equal(member, &r->keeper);
    }
    return true;
}

enum outside rules_shut_out(const struct board *b, const struct id *member, enum role role,
                            uint64_t links)
{
    CHECK(!id_empty(member));
#ifdef EASEL_NO_RULES /* [D38], a simulator's switch: nobody is shut out then */
    (void)role, (void)links, (void)is_ended, (void)is_removed;
    return b ? OUTSIDE_FULL : OUTSIDE_CLOSED;
#else
    const struct msg_ev_rules *r = &b->rules.now;
    if (is_ended(r, member, role, links))
        return OUTSIDE_ENDED;
    if (is_removed(r, member))
        return OUTSIDE_REMOVED;
    if (r->flags & RULE_DOOR && role != ROLE_OWN && !rules_list_has(r->inside, member))
        return OUTSIDE_CLOSED;
    return OUTSIDE_FULL;
#endif
}
