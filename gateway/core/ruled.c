/* SPDX-License-Identifier: Apache-2.0
 *
 * How a board is ruled, as its owner's service tells it with each state. What is judged here is
 * what a client is told at once; who may stay is judged there.
 */
#include "gateway_core_private.h"

#include <stdlib.h>
#include <string.h>

#include "checks.h"

static bool same(const struct buf *kept, struct span told)
{
    return kept->len == told.len && (told.len == 0 || !memcmp(kept->data, told.data, told.len));
}

static void keep(struct buf *kept, struct span told)
{
    buf_clear(kept);
    buf_append(kept, told.data, told.len);
}

bool ruled_are_whole(const struct msg_board_state *m)
{
    struct list outside = m->outside;
    struct msg_outsider o;
    struct msg_ev_rules rules;
    struct cursor in = cursor_of(m->rules.data, m->rules.len);
    int r;
    while ((r = NEXT(&outside, outsider, &o)) > 0)
        ;
    return r == 0 && (m->rules.len == 0 || GET(&in, ev_rules, &rules) == 0);
}

void ruled_told(struct board *b, const struct msg_board_state *m)
{
    CHECK(ruled_are_whole(m));
    struct span outside = {m->outside.at.pos, cursor_left(&m->outside.at)};
    bool ruled = !same(&b->rules.event, m->rules), waits = !same(&b->rules.outside, outside);
    if (!ruled && !waits)
        return;
    keep(&b->rules.event, m->rules);
    keep(&b->rules.outside, outside);
    b->rules.outside_count = m->outside.count;
    b->rules.now = (struct msg_ev_rules){0};
    struct cursor in = cursor_of(b->rules.event.data, b->rules.event.len);
    if (b->rules.event.len > 0 && GET(&in, ev_rules, &b->rules.now) < 0)
        abort(); /* it was looked at */
    struct client *cl;
    LIST_FOREACH (cl, &b->clients, link)
        if (cl->state == CLIENT_LIVE && (ruled || cl->session->role == ROLE_OWN))
            client_touch(cl, PULL_RULES | (ruled ? PULL_TOKEN : 0));
}

void ruled_welcome(struct client *cl)
{
    const struct board *b = cl->board;
    bool waits = cl->session->role == ROLE_OWN && b->rules.outside_count > 0;
    if (b->rules.event.len > 0 || waits)
        client_touch(cl, PULL_RULES | PULL_TOKEN);
}

void ruled_free(struct board *b)
{
    buf_free(&b->rules.event);
    buf_free(&b->rules.outside);
}

bool ruled_owe_token(const struct client *cl)
{
    const struct session *s = cl->session;
    const struct msg_ev_rules *r = &cl->board->rules.now;
    return s->role == ROLE_OWN && s->links < r->own && id_equal(&s->member, &r->keeper);
}

/* ---- who asks for the pen ---------------------------------------------------------------------
 */

void ruled_refused(struct board *b, uint64_t now, const struct msg_ev_refuse *m)
{
    struct session *s;
    LIST_FOREACH (s, &b->sessions, link) {
        if (!id_equal(&s->member, &m->whom))
            continue;
        s->request = REQUEST_NONE;
        s->served_at = 0;
        s->unsaid = false;
        s->refused_until = now + REFUSED_MS;
        if (s->client)
            client_warn(s->client, ERROR_refused, NULL, 0);
        attach_changed(b);
    }
}

bool ruled_let_ask(struct client *cl, uint64_t now)
{
    const struct session *s = cl->session;
    if (s->role == ROLE_OWN)
        return true;
    if (cl->board->rules.now.flags & RULE_GIVEN) {
        client_warn(cl, ERROR_not_allowed, "On this board the pen is given, not asked for.",
                    cl->number);
        return false;
    }
    if (now < s->refused_until) {
        client_warn(cl, ERROR_refused, NULL, cl->number);
        return false;
    }
    return true;
}

/* ---- deeds ----------------------------------------------------------------------------------- */

/* Nothing keeps it here: its client repeats it until the log, or the state, shows it. */
void ruled_deed(struct client *cl, bool may, struct span frame)
{
    CHECK(cl->session != NULL);
    struct board *b = cl->board;
    if (!may) {
        client_warn(cl, ERROR_not_allowed, NULL, cl->number);
        return;
    }
    if (!(b->state.features & FEATURE_RULES)) {
        client_warn(cl, ERROR_not_allowed,
                    "The service that holds this board does not know that yet.", cl->number);
        return;
    }
    struct id to = id_empty(&b->owner) ? shard_destination(b->shard) : b->owner;
    struct msg_deed m = {b->id, cl->session->member, cl->session->instance, frame, b->incarnation};
    outbox_put(b->core->outbox, EXCHANGE_BOARD, &to, &b->id, &TYPE_deed, &m);
}
