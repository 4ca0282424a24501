/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames from a client. What is wrong closes this connection with a reason and harms nobody else; a
 * frame that is well-formed is never dropped [D6], since a hole in cseq would stop the drawer for
 * ever.
 */
#include "gateway_core_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "gateway_invariants.h"
#include "text.h"

struct client *client_open(struct gateway_core *c, uint64_t now_ms, uint64_t address, void *shell)
{
    struct client *cl = xcalloc(1, sizeof *cl);
    *cl = (struct client){.core = c, .shell = shell, .address = address, .told_at = now_ms};
    cl->since = NIL;
    cl->expires_at = UINT64_MAX;
    c->stats.clients++;
    return cl;
}

void client_closed(struct client *cl, uint64_t now_ms)
{
    CHECK(!cl->session || cl->session->client == cl);
    struct gateway_core *c = cl->core;
    struct board *b = cl->board;
    if (cl->session)
        session_lose_client(cl->session, now_ms);
    if (b) {
        LIST_REMOVE(cl, link);
        board_drop_if_unused(b);
    }
    if (cl->dirty)
        TAILQ_REMOVE(&c->dirty, cl, dirty_link);
    if (cl->slow)
        c->stats.slow_viewers--;
    c->stats.clients--;
    free(cl->told_sentence);
    free(cl);
    CHECKED(gateway_invariants(c));
}

void client_goes(struct client *cl, bool for_good)
{
    if (cl->session && for_good) /* said with the next list, when the connection is lost */
        cl->session->flags |= MEMBER_LEFT;
    else if (cl->session)
        cl->session->goes = true;
    CHECKED(gateway_board_invariants(cl->board));
}

void *client_shell(const struct client *cl)
{
    return cl->shell;
}

bool client_goaway(struct client *cl, uint64_t delay_ms)
{
    if (cl->state != CLIENT_LIVE)
        return false;
    cl->goaway_ms = delay_ms;
    client_touch(cl, PULL_GOAWAY);
    CHECKED(gateway_board_invariants(cl->board));
    return true;
}

bool client_ends(const struct client *cl, enum error_code *ret)
{
    if (cl->ends && ret)
        *ret = cl->error;
    return cl->ends;
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void bad_frame(struct client *cl, const char *sentence)
{
    client_fail(cl, ERROR_bad_frame, sentence, cl->number);
}

/* ---- hello ----------------------------------------------------------------------------------- */

/* The session of this hello; the member's older connections are replaced. NULL: refused. */
static struct session *enter_session(struct client *cl, struct board *b, const struct identity *who,
                                     const struct msg_hello *m)
{
    CHECK(!cl->session);
    struct session *s = session_find(b, &who->member, m->instance);
    if (s && m->conn <= s->conn) {
        TRACE(cl->core, &b->id, hello_outrun, m->conn, s->conn);
        client_fail(cl, ERROR_replaced, "A newer connection of this page is here.", cl->number);
        return NULL;
    }
    struct session *other;
    bool seated = false;
    LIST_FOREACH (other, &b->sessions, link) {
        if (!id_equal(&other->member, &who->member))
            continue;
        seated = seated || (other->flags & MEMBER_SEATED);
        if (other->client)
            client_fail(other->client, ERROR_replaced, NULL, 0);
    }
    if (!s)
        s = session_create(b, &who->member, m->instance, who->role, cl->address);
    if (!s) {
        client_fail(cl, ERROR_full, NULL, cl->number);
        return NULL;
    }
    s->client = cl;
    s->conn = m->conn;
    s->came = cl->core->now;
    s->role = who->role;
    s->links = who->links;
    text_clean(m->name, s->name);
    session_expect_repeats(s);
    s->flags = seated ? MEMBER_SEATED : 0;
    s->goes = false;
    session_outdated(b, s);
    return s;
}

static void join(struct client *cl, uint64_t now, const struct identity *who,
                 const struct msg_hello *m)
{
    CHECK(cl->state == CLIENT_NEW && !cl->board);
    struct board *b = board_obtain(cl->core, &who->board);
    if (!b) {
        client_fail(cl, ERROR_too_many, NULL, cl->number);
        return;
    }
    cl->board = b;
    LIST_INSERT_HEAD(&b->clients, cl, link);
    struct session *s = enter_session(cl, b, who, m);
    if (!s)
        return;
    cl->session = s;
    cl->state = CLIENT_JOINING;
    cl->since = m->since;
    cl->from_base = m->since == NIL && m->from == NIL;
    cl->features = m->features;
    cl->cursor = m->from == NIL ? 0 : m->from;
    cl->waiting_at = now + WAITING_MS;
    session_learn_term(s);
    attach_changed(b);
    board_wake(b);
    if (board_lists(b, &s->member)) {
        s->flags |= MEMBER_SEATED;
        client_seated(cl, now);
    }
}

static void on_hello(struct client *cl, uint64_t now, const struct msg_hello *m)
{
    CHECK(cl->state == CLIENT_NEW);
    struct gateway_core *c = cl->core;
    struct identity who = {.valid_ms = 0};
    if (m->from != NIL && m->since != NIL) {
        bad_frame(cl, "A hello has from or since, not both.");
        return;
    }
    int r = c->config.authenticate(c->config.owner, now, m->token, m->session, &who);
    if (r < 0) {
        client_fail(cl, r == -ETIME ? ERROR_expired : ERROR_forbidden, NULL, cl->number);
        return;
    }
    if (who.valid_ms != 0 && who.valid_ms < UINT64_MAX - now)
        cl->expires_at = now + who.valid_ms;
    cl->exp_s = who.exp_s;
    join(cl, now, &who, m);
}

/* ---- frames of the drawer -------------------------------------------------------------------- */

static void on_drawers(struct client *cl, uint64_t now, enum drawers_code code,
                       const union any_frame *f, struct span bytes)
{
    CHECK(cl->session != NULL);
    struct session *s = cl->session;
    uint64_t term = f->drawers.term, cseq = f->drawers.cseq;
    /* A grant that the client cannot know to be stored is none [D4]. Only here this can be told:
     * the owner (and our window) may be behind the client. */
    if (s->role == ROLE_WATCH || term < s->kept_term || term > cl->knows) {
        TRACE(cl->core, &s->board->id, term_not_clients, term, s->kept_term, cl->knows);
        client_warn(cl, ERROR_not_drawer, NULL, cl->number);
        return;
    }
    /* The frames before its first one may have gone by way of another gateway. */
    bool first = cl->term != term;
    cl->term = term;
    if (first)
        cl->cseq = cseq;
    if (term == s->kept_term && cseq <= s->kept_cseq) {
        TRACE(cl->core, &s->board->id, frame_sent_before, cseq, term);
        /* Sent again after a reconnect. By its number alone: nothing else in it counts. */
        session_repeated(s, cl->number, term, (uint32_t)cseq);
        return;
    }
    bool next = term == s->kept_term && cseq == (uint64_t)s->kept_cseq + 1;
    if (!first && !next) {
        TRACE(cl->core, &s->board->id, cseq_not_next, cseq, term, s->kept_cseq);
        bad_frame(cl, "The cseq is not the next one of its term.");
        return;
    }
    if (!next)
        s->stroke = (struct stroke){0};
    const char *why = stroke_draw(&s->stroke, code, f);
    if (why)
        bad_frame(cl, why);
    else
        session_keep(s, now, cl->number, term, (uint32_t)cseq, bytes);
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static void on_request(struct client *cl, uint64_t now, enum pen_request request)
{
    CHECK(cl->session != NULL);
    struct session *s = cl->session;
    if (request == REQUEST_NONE && s->role == ROLE_WATCH)
        return; /* it stands in no line */
    enum role least = request == REQUEST_TAKE ? ROLE_OWN : ROLE_DRAW;
    if (s->role < least) {
        client_warn(cl, ERROR_not_allowed, NULL, cl->number);
        return;
    }
    if (request != REQUEST_NONE && s->board->mark_flags & MARK_FULL) {
        client_warn(cl, ERROR_not_allowed, "This board is full: nobody can draw on it any more.",
                    cl->number);
        return;
    }
    if (request != REQUEST_NONE && !ruled_let_ask(cl, now))
        return;
    bool said = request == s->request && !s->unsaid && !s->served_at;
    s->request = request;
    s->unsaid = false;
    s->served_at = 0;
    if (!said)
        attach_said(s->board);
}

static void on_profile(struct client *cl, const struct msg_profile *m)
{
    CHECK(cl->session != NULL);
    struct session *s = cl->session;
    char name[sizeof s->name];
    unsigned flags = (s->flags & ~(unsigned)MEMBER_AWAY) | (m->flags & MEMBER_AWAY);
    text_clean(m->name, name);
    if (flags == s->flags && strcmp(name, s->name) == 0)
        return;
    memcpy(s->name, name, sizeof name);
    s->flags = flags;
    attach_said(s->board);
}

static void on_frame(struct client *cl, uint64_t now, enum frame_code code,
                     const union any_frame *f, struct span bytes)
{
    bool own = cl->session && cl->session->role == ROLE_OWN;
    switch (code) {
#define DRAWERS(name, number) case MSG_##name:
#include "messages.def"
        on_drawers(cl, now, (enum drawers_code)code, f, bytes);
        return;
#define RULING(name, number) case MSG_##name:
#include "messages.def"
    case MSG_give:
        ruled_deed(cl, own, bytes);
        return;
    case MSG_hello:
        on_hello(cl, now, &f->hello);
        return;
    case MSG_ask:
        on_request(cl, now, REQUEST_ASK);
        return;
    case MSG_cancel:
        on_request(cl, now, REQUEST_NONE);
        return;
    case MSG_take:
        on_request(cl, now, REQUEST_TAKE);
        return;
    case MSG_profile:
        on_profile(cl, &f->profile);
        return;
    case MSG_refuse:
        ruled_deed(cl, own || session_draws(cl->session), bytes);
        return;
    case MSG_pointer:
        pointer_moved(cl->session, now, &f->pointer);
        return;
    }
}

/* Reads the next frame of the message and acts on it. */
static void next_frame(struct client *cl, uint64_t now, struct cursor *in)
{
    CHECK(!cl->ends);
    const uint8_t *start = in->pos;
    struct cursor end = *in;
    uint32_t fields;
    unsigned code;
    union any_frame frame;
    const char *why = NULL;
    cl->number++;
    cl->core->stats.frames++;
    if (wire_skip(&end) < 0 || message_begin(in, &code, &fields) < 0) {
        bad_frame(cl, "This is not a msgpack array that begins with a frame code.");
        return;
    }
    const struct message_type *type = frame_type(code);
    if (!type)
        bad_frame(cl, "There is no frame with that code.");
    else if ((size_t)(end.pos - start) > FRAME_BYTES_MAX)
        client_fail(cl, ERROR_too_long, NULL, cl->number);
    else if ((code == MSG_hello) != (cl->state == CLIENT_NEW))
        bad_frame(cl, code == MSG_hello ? "There was a hello already."
                                        : "The first frame must be a hello.");
    else if (code != MSG_hello && cl->state != CLIENT_LIVE)
        bad_frame(cl, "No frame may come between hello and welcome.");
    else if (message_fields(in, type, fields, true, &frame, &why) < 0)
        bad_frame(cl, why);
    else
        on_frame(cl, now, (enum frame_code)code, &frame,
                 (struct span){start, (size_t)(end.pos - start)});
}

void client_message(struct client *cl, uint64_t now_ms, struct span message)
{
    cl->core->now = now_ms;
    struct cursor in = cursor_of(message.data, message.len);
    if (message.len == 0 && !cl->ends) {
        cl->number++;
        bad_frame(cl, "The message is empty.");
    }
    while (cursor_left(&in) > 0 && !cl->ends)
        next_frame(cl, now_ms, &in);
    CHECKED(gateway_invariants(cl->core));
}
