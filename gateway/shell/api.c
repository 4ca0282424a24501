/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON API: boards are made, looked at, opened by their code, shared, and deleted. Each request
 * becomes a question to the core, asked again every second until its answer comes, and given up
 * after ten.
 */
#include "shell_private.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "process.h"
#include "text.h"

/* ---- questions ------------------------------------------------------------------------------ */

static void question_new_board(struct question *q)
{
    uint64_t bits = process_random();
    q->board = id_from_bits(0, BOARD_CHARS, (const uint8_t *)&bits);
}

static void question_ask(struct gateway *g, struct question *q, uint64_t now_ms)
{
    q->again_ms = now_ms + ASK_AGAIN_MS;
    if (q->kind == QUESTION_CREATE)
        gateway_core_create_board(g->core, &q->board, span_of(q->name), q->nonce);
    else if (q->deleting)
        gateway_core_delete(g->core, now_ms, &q->board, q->nonce);
    else
        gateway_core_look(g->core, &q->board, q->nonce);
}

/* False: there are too many questions, and that was answered. */
static bool question_start(struct visit *v, enum question_kind kind, const char *name,
                           const struct claims *as)
{
    struct gateway *g = v->gateway;
    if (g->question_count >= QUESTIONS_MAX || g->draining) {
        answer_later(v, 503, 1, "The service is busy: please try again.");
        return false;
    }
    if (!limits_hold(g->limits, &v->address, HOLD_QUESTIONS, 1)) {
        answer_later(v, 429, 1, "Too many requests at once from this address.");
        return false;
    }
    struct question *q = xcalloc(1, sizeof *q);
    *q = (struct question){.visit = v,
                           .kind = kind,
                           .until_ms = gateway_now(g) + QUESTION_MS,
                           .nonce = process_random() & OFFSET_MAX,
                           .exp_s = as->exp_s,
                           .links = as->links,
                           .board = v->request->route.board};
    if (kind == QUESTION_CREATE)
        question_new_board(q);
    memcpy(q->name, name, strlen(name) + 1);
    TAILQ_INSERT_TAIL(&g->questions, q, link);
    g->question_count++;
    v->request->question = q;
    visit_asked(v);
    question_ask(g, q, gateway_now(g));
    return true;
}

/* ---- answers -------------------------------------------------------------------------------- */

/* Takes `body`. */
static void answer_body(struct visit *v, unsigned status, json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    if (text)
        answer_json(v, status, text, NULL, NULL);
    else /* a name from the broker that is no text */
        answer_error(v, 503, "The answer cannot be told.");
    free(text);
    json_decref(body);
}

/* {"<role>": token, …} and {"<role>": link, …} */
static void add_links(struct visit *v, const struct question *q, enum role role,
                      uint64_t generation, json_t *tokens, json_t *links)
{
    char *token =
        token_make(&v->gateway->tokens, &(struct claims){q->board, role, q->exp_s, generation});
    if (!token)
        abort();
    json_object_set_new(tokens, ROLE_NAMES[role], json_string(token));
    json_object_set_new(links, ROLE_NAMES[role],
                        json_sprintf("%s/b/%s#%s", v->request->link_base, q->board.text, token));
    free(token);
}

static void answer_links(struct visit *v, const struct question *q, unsigned status,
                         const char *name, const uint64_t generations[])
{
    json_t *tokens = json_object(), *links = json_object();
    for (enum role role = ROLE_WATCH; role <= ROLE_OWN; role++)
        add_links(v, q, role, generations[role], tokens, links);
    answer_body(v, status,
                json_pack("{s:s, s:s, s:o, s:o}", "board", q->board.text, "name", name, "links",
                          links, "tokens", tokens));
}

static void answer_looked(struct visit *v, const struct http_answer *a)
{
    json_t *body = json_pack("{s:s, s:s, s:I, s:I}", "board", a->board.text, "name", a->name,
                             "head", (json_int_t)a->tail, "time", (json_int_t)a->time);
    if (a->knows_members)
        json_object_set_new(body, "members", json_integer(a->members));
    answer_body(v, 200, body);
}

static void answer_watch(struct visit *v, const struct question *q, const struct http_answer *a)
{
    json_t *tokens = json_object(), *links = json_object();
    add_links(v, q, ROLE_WATCH, a->links[ROLE_WATCH], tokens, links);
    answer_body(v, 200,
                json_pack("{s:O, s:O}", "token", json_object_get(tokens, "watch"), "link",
                          json_object_get(links, "watch")));
    json_decref(tokens);
    json_decref(links);
}

static void charge(struct visit *v, enum limit what)
{
    struct gateway *g = v->gateway;
    limits_charge(g->limits, gateway_now(g) * 1000, &v->address, what);
}

#define ENDED "The owner of this board has ended the link with that token."

/* It was asked as who owns the board, by a link that opens it no longer. */
static bool is_ended(const struct question *q, const struct http_answer *a)
{
    bool owner = q->kind == QUESTION_LINKS || q->kind == QUESTION_DELETE;
    return owner && a->what == ANSWER_LOOKED && q->links < a->links[ROLE_OWN];
}

static void answer_question(struct visit *v, const struct question *q, const struct http_answer *a)
{
    if (a->what == ANSWER_CREATED) {
        log_info("board %s made", log_board(&q->board));
        answer_links(v, q, 201, q->name, a->links);
    } else if (a->what == ANSWER_FULL) {
        answer_error(v, 507, "No more boards can be made here until some are deleted.");
    } else if (a->what == ANSWER_DELETED && q->kind == QUESTION_DELETE) {
        answer_empty(v, 204);
    } else if (a->what == ANSWER_DELETED || a->what == ANSWER_NO_BOARD) {
        charge(v, LIMIT_CODES); /* a guess, perhaps; right codes cost nothing */
        answer_error(v, 404, "There is no such board.");
    } else if (q->kind == QUESTION_WATCH && a->rules & (RULE_DOOR | RULE_CODE_ENDS)) {
        answer_error(v, 403, "The owner of this board lets nobody in by its code: ask for a link.");
    } else if (q->kind == QUESTION_WATCH) {
        answer_watch(v, q, a);
    } else if (is_ended(q, a)) {
        answer_error(v, 403, ENDED);
    } else if (q->kind == QUESTION_LINKS) {
        answer_links(v, q, 200, a->name, a->links);
    } else {
        answer_looked(v, a);
    }
}

static void on_answer(struct gateway *g, struct question *q, const struct http_answer *a)
{
    struct visit *v = q->visit;
    struct question asked = *q;
    bool found = a->what == ANSWER_LOOKED;
    if (a->what == ANSWER_TAKEN) { /* once in 2^50 boards, or a create that came twice */
        question_new_board(q);
        question_ask(g, q, gateway_now(g));
        return;
    }
    if (q->kind == QUESTION_DELETE && found && !is_ended(q, a)) {
        if (q->deleting)
            return; /* a second answer of the look */
        q->deleting = true;
        question_ask(g, q, gateway_now(g));
        return;
    }
    visit_forget_question(v); /* first: an answer that cannot be sent ends the visit */
    answer_question(v, &asked, a);
}

/* A board is deleted once, however many ask for it: that it is gone is for all of them. */
static bool is_for(const struct http_answer *a, const struct question *q)
{
    bool deleted = a->what == ANSWER_DELETED && q->kind == QUESTION_DELETE;
    return id_equal(&q->board, &a->board) && (q->nonce == a->nonce || deleted);
}

static bool is_being_deleted(const struct gateway *g, const struct id *board)
{
    const struct question *q;
    TAILQ_FOREACH (q, &g->questions, link)
        if (q->deleting && id_equal(&q->board, board))
            return true;
    return false;
}

void api_answers(struct gateway *g)
{
    struct http_answer a;
    while (gateway_core_answer(g->core, &a)) {
        if (a.what == ANSWER_NO_BOARD && is_being_deleted(g, &a.board))
            a.what = ANSWER_DELETED; /* history can say so before the owner does */
        struct question *q, *next;
        for (q = TAILQ_FIRST(&g->questions); q; q = next) {
            next = TAILQ_NEXT(q, link);
            if (is_for(&a, q))
                on_answer(g, q, &a);
        }
    }
}

void api_tick(struct gateway *g, uint64_t now_ms)
{
    struct question *q, *next;
    for (q = TAILQ_FIRST(&g->questions); q; q = next) {
        next = TAILQ_NEXT(q, link);
        if (now_ms >= q->until_ms) {
            struct visit *v = q->visit;
            visit_forget_question(v);
            answer_later(v, 503, 5, "The board cannot be reached: please try again later.");
        } else if (now_ms >= q->again_ms && !q->deleting) { /* the core repeats deleting itself */
            question_ask(g, q, now_ms);
        }
    }
}

/* ---- requests ------------------------------------------------------------------------------- */

/* {"name": "…"}, cleaned; without a body, or without a name in it, the board has none. */
static int name_read(struct span body, char ret[NAME_BYTES_MAX + 1])
{
    ret[0] = '\0';
    if (body.len == 0)
        return 0;
    json_t *json = json_loadb((const char *)body.data, body.len,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const json_t *name = json_object_get(json, "name");
    const char *text = json_string_value(name);
    int r = json_is_object(json) && (text || !name) ? 0 : -EINVAL;
    struct span given = {(const uint8_t *)text, json_string_length(name)};
    if (given.len > NAME_BYTES_MAX)
        r = -EINVAL;
    if (r == 0)
        text_clean(given, ret);
    json_decref(json);
    return r;
}

static bool may_create(struct visit *v)
{
    const char *wanted = v->gateway->settings.create_token;
    struct span token = v->request->token;
    size_t len = strlen(wanted);
    return len == 0 || (token.len == len && CRYPTO_memcmp(token.data, wanted, len) == 0);
}

static bool within_rate(struct visit *v, enum limit what)
{
    struct gateway *g = v->gateway;
    unsigned seconds = limits_wait(g->limits, gateway_now(g) * 1000, &v->address, what);
    if (seconds > 0)
        answer_later(v, 429, seconds, "Too many requests from this address.");
    return seconds == 0;
}

static void create(struct visit *v)
{
    char name[NAME_BYTES_MAX + 1];
    if (!within_rate(v, LIMIT_CREATES) || !within_rate(v, LIMIT_CREATES_DAY))
        return;
    if (!may_create(v)) {
        charge(v, LIMIT_CREATES);
        answer_error_with(v, 401, "Making boards here needs the create token.", "www-authenticate",
                          "Bearer realm=\"easel\"");
    } else if (name_read(v->request->body, name) < 0) {
        answer_error(v, 400, "Send a JSON object with a name of at most 128 bytes.");
    } else if (question_start(v, QUESTION_CREATE, name, &(struct claims){.exp_s = 0})) {
        charge(v, LIMIT_CREATES);
        charge(v, LIMIT_CREATES_DAY);
    }
}

static bool owns_board(struct visit *v, struct claims *ret)
{
    int r = token_check(&v->gateway->tokens, process_wall_ms(), v->request->token, ret);
    return r == 0 && ret->role == ROLE_OWN && id_equal(&ret->board, &v->request->route.board);
}

/* What only the owner may. Whose token is right is no guesser, whatever others behind the same
 * address have tried. */
static void as_owner(struct visit *v, enum question_kind kind)
{
    struct claims claims;
    if (owns_board(v, &claims)) {
        question_start(v, kind, "", &claims);
    } else if (within_rate(v, LIMIT_CODES)) {
        charge(v, LIMIT_CODES);
        answer_error(v, 403, "That needs the token of the board's owner.");
    }
}

void api_request(struct visit *v)
{
    enum method method = v->request->head.method;
    enum route_kind kind = v->request->route.kind;
    if (kind == ROUTE_BOARDS)
        create(v);
    else if (kind == ROUTE_LINKS)
        as_owner(v, QUESTION_LINKS);
    else if (method == METHOD_DELETE)
        as_owner(v, QUESTION_DELETE);
    else if (within_rate(v, LIMIT_CODES))
        question_start(v, method == METHOD_POST ? QUESTION_WATCH : QUESTION_LOOK, "",
                       &(struct claims){.exp_s = 0});
}
