/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON API: boards are made, looked at, opened by their code, shared, and deleted. Each request
 * becomes a question to the core, asked again every second until its answer comes, and given up
 * after ten.
 */
#include "shell.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"

enum question_kind {
    QUESTION_CREATE,
    QUESTION_LOOK,
    QUESTION_WATCH,
    QUESTION_LINKS,
    QUESTION_DELETE
};

struct question {
    TAILQ_ENTRY(question) link; /* gateway.questions */
    struct connection *connection;
    enum question_kind kind;
    bool deleting; /* the board is known, and the core told to delete it */
    uint64_t nonce, again_ms, until_ms;
    struct id board;
    uint64_t exp_s; /* of the links, as of the token that asked for them; 0: none */
    char name[129];
};

/* ---- questions ------------------------------------------------------------------------------ */

static void random_bytes(void *ret, size_t len)
{
    if (getrandom(ret, len, 0) != (ssize_t)len) /* never for so few bytes, once there is entropy */
        abort();
}

static void question_new_board(struct question *q)
{
    uint8_t bits[8];
    random_bytes(bits, sizeof bits);
    q->board = id_from_bits(0, BOARD_CHARS, bits);
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

static void question_start(struct connection *c, enum question_kind kind, const char *name,
                           uint64_t exp_s)
{
    struct gateway *g = c->gateway;
    uint64_t now_ms = gateway_now(g);
    if (g->question_count >= QUESTIONS_MAX || g->draining) {
        http_answer_error(c, 503, "The service is busy: please try again.");
        return;
    }
    struct question *q = xcalloc(1, sizeof *q);
    *q = (struct question){
        .connection = c, .kind = kind, .until_ms = now_ms + QUESTION_MS, .exp_s = exp_s};
    random_bytes(&q->nonce, sizeof q->nonce);
    q->nonce &= OFFSET_MAX;
    if (kind == QUESTION_CREATE)
        question_new_board(q);
    else
        q->board = c->request->route.board;
    memcpy(q->name, name, strlen(name) + 1);
    TAILQ_INSERT_TAIL(&g->questions, q, link);
    g->question_count++;
    c->request->question = q;
    connection_phase(c, PHASE_ASKED);
    question_ask(g, q, now_ms);
}

void api_forget(struct connection *c)
{
    if (!c->request->question)
        return;
    TAILQ_REMOVE(&c->gateway->questions, c->request->question, link);
    c->gateway->question_count--;
    free(c->request->question);
    c->request->question = NULL;
}

/* ---- answers -------------------------------------------------------------------------------- */

/* Takes `body`. */
static void answer_json(struct connection *c, unsigned status, json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    if (!text)
        abort(); /* out of memory; all texts in it were checked */
    http_answer_json(c, status, text, NULL, NULL);
    free(text);
    json_decref(body);
}

/* {"<role>": token, …} and {"<role>": link, …} */
static void add_links(struct connection *c, const struct question *q, enum role role,
                      json_t *tokens, json_t *links)
{
    char *token = token_make(&c->gateway->tokens, &(struct claims){q->board, role, q->exp_s});
    if (!token)
        abort();
    json_object_set_new(tokens, role_name(role), json_string(token));
    json_object_set_new(links, role_name(role),
                        json_sprintf("%s/b/%s#%s", c->request->link_base, q->board.text, token));
    free(token);
}

static void answer_links(struct connection *c, const struct question *q, unsigned status,
                         const char *name)
{
    json_t *tokens = json_object(), *links = json_object();
    for (enum role role = ROLE_WATCH; role <= ROLE_OWN; role++)
        add_links(c, q, role, tokens, links);
    answer_json(c, status,
                json_pack("{s:s, s:s, s:o, s:o}", "board", q->board.text, "name", name, "links",
                          links, "tokens", tokens));
}

static void answer_looked(struct connection *c, const struct http_answer *a)
{
    answer_json(c, 200,
                json_pack("{s:s, s:s, s:I, s:I, s:i}", "board", a->board.text, "name", a->name,
                          "head", (json_int_t)a->tail, "time", (json_int_t)a->time, "members",
                          (int)a->members_here));
}

static void answer_watch(struct connection *c, const struct question *q)
{
    json_t *tokens = json_object(), *links = json_object();
    add_links(c, q, ROLE_WATCH, tokens, links);
    answer_json(c, 200,
                json_pack("{s:O, s:O}", "token", json_object_get(tokens, "watch"), "link",
                          json_object_get(links, "watch")));
    json_decref(tokens);
    json_decref(links);
}

/* The board is there. */
static void answer_found(struct connection *c, const struct question *q,
                         const struct http_answer *a)
{
    if (q->kind == QUESTION_WATCH) {
        answer_watch(c, q);
        return;
    }
    limits_give_back(c->gateway->limits, &c->address, LIMIT_CODES); /* it was no guess */
    if (q->kind == QUESTION_LINKS)
        answer_links(c, q, 200, a->name);
    else
        answer_looked(c, a);
}

static void on_answer(struct gateway *g, struct question *q, const struct http_answer *a)
{
    struct connection *c = q->connection;
    bool found = a->what == ANSWER_LOOKED;
    if (a->what == ANSWER_TAKEN) { /* once in 2^50 boards, or a create that came twice */
        question_new_board(q);
        question_ask(g, q, gateway_now(g));
        return;
    }
    if (q->kind == QUESTION_DELETE && found && !q->deleting) {
        q->deleting = true;
        question_ask(g, q, gateway_now(g));
        return;
    }
    if (q->kind == QUESTION_DELETE && found)
        return; /* a second answer of the look */
    if (a->what == ANSWER_CREATED) {
        log_info("board %s made", log_board(&q->board));
        answer_links(c, q, 201, q->name);
    } else if (a->what == ANSWER_FULL)
        http_answer_error(c, 507, "No more boards can be made here until some are deleted.");
    else if (a->what == ANSWER_DELETED || (q->deleting && a->what == ANSWER_NO_BOARD))
        http_answer_empty(c, 204);
    else if (found)
        answer_found(c, q, a);
    else
        http_answer_error(c, 404, "There is no such board.");
    api_forget(c);
}

void api_answers(struct gateway *g)
{
    struct http_answer a;
    while (gateway_core_answer(g->core, &a)) {
        struct question *q;
        TAILQ_FOREACH (q, &g->questions, link)
            if (q->nonce == a.nonce && id_equal(&q->board, &a.board))
                break;
        if (q)
            on_answer(g, q, &a);
    }
}

void api_tick(struct gateway *g, uint64_t now_ms)
{
    struct question *q, *next;
    for (q = TAILQ_FIRST(&g->questions); q; q = next) {
        next = TAILQ_NEXT(q, link);
        if (now_ms >= q->until_ms) {
            struct connection *c = q->connection;
            http_answer_error(c, 503, "The board cannot be reached: please try again later.");
            api_forget(c);
        } else if (now_ms >= q->again_ms && !q->deleting) { /* the core repeats deleting itself */
            question_ask(g, q, now_ms);
        }
    }
}

/* ---- requests ------------------------------------------------------------------------------- */

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

/* {"name": "…"}; without a body, or without a name in it, the board has none. */
static int name_read(struct span body, char ret[129])
{
    ret[0] = '\0';
    if (body.len == 0)
        return 0;
    json_t *json = json_loadb((const char *)body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *name = json_object_get(json, "name");
    const char *text = json_string_value(name);
    int r = json_is_object(json) && (text || !name) ? 0 : -EINVAL;
    if (r == 0 && text) {
        if (json_string_length(name) > 128 || has_control(text))
            r = -EINVAL;
        else
            strcpy(ret, text);
    }
    json_decref(json);
    return r;
}

static bool may_create(struct connection *c)
{
    const char *wanted = c->gateway->settings.create_token;
    struct span token = c->request->token;
    size_t len = strlen(wanted);
    return len == 0 || (token.len == len && CRYPTO_memcmp(token.data, wanted, len) == 0);
}

static bool within_rate(struct connection *c, enum limit what)
{
    struct gateway *g = c->gateway;
    unsigned seconds = limits_take(g->limits, gateway_now(g) * 1000, &c->address, what);
    if (seconds > 0)
        http_answer_too_many(c, seconds);
    return seconds == 0;
}

static void create(struct connection *c)
{
    char name[129];
    if (!within_rate(c, LIMIT_CREATES))
        return;
    if (!may_create(c))
        http_answer_error(c, 403, "Making boards here needs the create token.");
    else if (name_read(buf_span(&c->request->body), name) < 0)
        http_answer_error(c, 400, "Send a JSON object with a name of at most 128 bytes.");
    else
        question_start(c, QUESTION_CREATE, name, 0);
}

static bool owns_board(struct connection *c, struct claims *ret)
{
    int r = token_check(&c->gateway->tokens, gateway_now(c->gateway), c->request->token, ret);
    return r == 0 && ret->role == ROLE_OWN && id_equal(&ret->board, &c->request->route.board);
}

/* What only the owner may. */
static void as_owner(struct connection *c, enum question_kind kind)
{
    struct claims claims;
    if (owns_board(c, &claims))
        question_start(c, kind, "", claims.exp_s);
    else
        http_answer_error(c, 403, "That needs the token of the board's owner.");
}

void api_request(struct connection *c, enum method method)
{
    if (c->request->route.kind == ROUTE_BOARDS)
        create(c);
    else if (method == METHOD_DELETE)
        as_owner(c, QUESTION_DELETE);
    else if (!within_rate(c, LIMIT_CODES))
        return;
    else if (c->request->route.kind == ROUTE_LINKS)
        as_owner(c, QUESTION_LINKS);
    else
        question_start(c, method == METHOD_POST ? QUESTION_WATCH : QUESTION_LOOK, "", 0);
}
