/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway_core_private.h"

#include "checks.h"

uint64_t core_nonce(struct gateway_core *c)
{
    uint64_t x = splitmix64(&c->random) & OFFSET_MAX;
    return x ? x : 1;
}

void core_answer(struct gateway_core *c, const struct http_answer *answer)
{
    if (c->answer_count == ANSWERS_MAX)
        return; /* whoever asked asks again */
    c->answers[(c->answer_first + c->answer_count++) % ANSWERS_MAX] = *answer;
}

void client_touch(struct client *cl, unsigned flags)
{
    cl->flags |= flags;
    if (cl->dirty)
        return;
    cl->dirty = true;
    TAILQ_INSERT_TAIL(&cl->core->dirty, cl, dirty_link);
}

void core_ask_history(struct gateway_core *c, const struct id *board,
                      const struct message_type *type, const void *message)
{
    CHECK(!id_empty(board));
    struct id to = shard_destination(board_shard(board, c->config.shards));
    outbox_put(c->outbox, EXCHANGE_HISTORY, &to, board, type, message);
}

/* ---- boards ---------------------------------------------------------------------------------- */

void board_wake(struct board *b)
{
    if (b->busy)
        return;
    b->busy = true;
    LIST_INSERT_HEAD(&b->core->busy, b, busy_link);
}

bool board_lists(const struct board *b, const struct id *member)
{
    struct list list = b->state.members;
    struct msg_member m;
    while (b->state.number && NEXT(&list, member, &m) > 0)
        if (id_equal(&m.member, member))
            return true;
    return false;
}

void attach_changed(struct board *b)
{
    CHECK(b->shard < b->core->config.shards);
    b->core->shard[b->shard].attach_dirty = true;
}

bool attach_said_tick(struct board *b, uint64_t now)
{
    if (!b->said || now < b->said_due)
        return b->said;
    b->said = false;
    b->said_due = now + ATTACH_SAID_MS;
    attach_changed(b);
    return false;
}

/* They may say it as often as they like; the whole list of a shard goes out for it. */
void attach_said(struct board *b)
{
    b->said = true;
    if (attach_said_tick(b, b->core->now))
        board_wake(b);
}

/* ---- clients and sessions -------------------------------------------------------------------- */

void session_lose_client(struct session *s, uint64_t now)
{
    CHECK(s->client != NULL);
    s->client = NULL;
    s->flags |= MEMBER_LOST;
    s->lost_at = now;
    attach_changed(s->board);
    board_wake(s->board);
}

bool session_draws(const struct session *s)
{
    return s->term != 0 &&
           s->term >= s->board->state.term; /* its grant may come before the state */
}

void client_warn(struct client *cl, enum error_code error, const char *sentence, uint64_t number)
{
    CHECK(error < ERROR_CODES);
    if (cl->ends)
        return;
    cl->core->stats.errors[error]++;
    if (cl->board)
        TRACE(cl->core, &cl->board->id, error_told, error, number);
    cl->error = error;
    cl->sentence = sentence ? sentence : ERRORS[error].sentence;
    cl->error_number = number;
    client_touch(cl, PULL_ERROR);
}

void client_fail(struct client *cl, enum error_code error, const char *sentence, uint64_t number)
{
    if (cl->ends)
        return;
    client_warn(cl, error, sentence, number);
    cl->flags = PULL_ERROR;
    cl->ends = true;
    cl->state = CLIENT_CLOSING;
    cl->since = NIL;
    if (cl->session) {
        /* The instance ends with a bad frame; after `replaced` its frames are still good. */
        struct session *s = cl->session;
        cl->session = NULL;
        session_lose_client(s, cl->core->now);
    }
}

bool client_paused(const struct client *cl)
{
    const struct session *s = cl->session;
    if (!s)
        return false;
    return s->full || (session_draws(s) && s->board->mark_flags & MARK_BUSY);
}
