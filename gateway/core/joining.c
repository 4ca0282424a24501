/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway_core_private.h"

#include "checks.h"

bool client_lacks(struct client *cl)
{
    bool lacks = cl->board->state.uses & ~cl->features;
    if (lacks)
        client_fail(cl, ERROR_too_old, NULL, 0);
    return lacks;
}

void client_seated(struct client *cl, uint64_t now)
{
    CHECK(cl->state == CLIENT_JOINING && cl->session != NULL);
    struct board *b = cl->board;
    if (client_lacks(cl))
        return;
    if (cl->since != NIL) {
        replay_seek(b, now);
        return;
    }
    if (cl->from_base)
        cl->cursor = b->state.base ? b->state.base - 1 : 0;
    if (cl->cursor > b->window.told && cl->cursor > cl->knows) {
        replay_ask_tail(b, now);
        return;
    }
    cl->knows = larger(cl->knows, cl->cursor);
    cl->state = CLIENT_LIVE;
    cl->flags = 0; /* it need not be told that it waits */
    client_touch(cl, PULL_WELCOME | PULL_STATE | PULL_MARK);
    ruled_welcome(cl);
}

/* What it waits for may be there, or is to be asked for again. That it waits is nothing new, so
 * this must not hide an error that is; and it is never said after welcome. */
void joining_tick(struct client *cl, uint64_t now)
{
    bool seated = cl->session && cl->session->flags & MEMBER_SEATED && cl->board->state.number != 0;
    if (cl->state == CLIENT_JOINING && seated)
        client_seated(cl, now);
    if (cl->state != CLIENT_JOINING || now < cl->waiting_at)
        return;
    cl->waiting_at = now + WAITING_AGAIN_MS;
    client_warn(cl, ERROR_waiting,
                !cl->core->link_up ? "The broker does not answer."
                : !seated          ? "The board's service does not answer yet."
                                   : "History does not answer yet.",
                0);
}
