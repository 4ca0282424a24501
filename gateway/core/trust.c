/* SPDX-License-Identifier: Apache-2.0
 *
 * What the gateway believes of what others say of a board ([D31] to [D34]). An offset or an epoch
 * lies at most JUMP_MAX above the largest that history told us, else it does not count, and history
 * is asked once a second. So a number that is wrong by far moves nothing, and one that is right
 * counts as soon as history has answered; no board gets beyond the first JUMP_MAX in practice.
 * Likewise a board ends by the word of its owner, or of history: who else says that it is gone
 * makes us ask. And only history can say that a backup was restored into the store.
 */
#include "gateway_core_private.h"

static void ask_history(struct board *b, uint64_t now)
{
    if (now < b->trust.look_at)
        return;
    b->trust.look_at = now + LOOK_AGAIN_MS;
    if (b->trust.nonce == 0) /* else the same one again: its answer may only be late */
        b->trust.nonce = core_nonce(b->core);
    struct msg_look m = {b->id, b->trust.nonce};
    core_ask_history(b->core, &b->id, &TYPE_look, &m);
}

bool trust_number(struct board *b, uint64_t now, uint64_t largest)
{
    /* The last number is nobody's: what comes behind an event has a number, too. */
    if (largest < OFFSET_MAX &&
        (largest <= b->trust.confirmed || largest - b->trust.confirmed <= JUMP_MAX))
        return true;
    TRACE(b->core, &b->id, number_doubted, largest, b->trust.confirmed);
    b->core->stats.bad_messages++;
    ask_history(b, now);
    return false;
}

void trust_confirmed(struct board *b, uint64_t number)
{
    b->trust.confirmed = larger(b->trust.confirmed, number);
}

bool trust_incarnation(struct board *b, uint64_t now, uint64_t incarnation)
{
    if (!is_other_past(b->incarnation, incarnation))
        return true;
    ask_history(b, now);
    return false;
}

static bool is_owner(const struct board *b, const struct id *sender)
{
    return id_empty(&b->owner) || id_equal(&b->owner, sender);
}

/* An epoch has one owner for ever: nobody else speaks in it, and while we do not know it, whoever
 * does is it. */
bool trust_owner(struct board *b, const struct id *sender)
{
    b->core->stats.bad_messages += !is_owner(b, sender);
    if (!is_owner(b, sender))
        TRACE(b->core, &b->id, voice_ignored, b->window.epoch);
    return is_owner(b, sender);
}

/* The owner may have died with the board: who has the shard then opens no epoch, and so will never
 * be its owner. It says so again, with each list of ours. */
bool trust_no_board(struct board *b, uint64_t now, const struct id *sender)
{
    if (id_is_of(sender, KIND_HISTORY) || is_owner(b, sender))
        return true;
    TRACE(b->core, &b->id, end_doubted, b->window.epoch);
    ask_history(b, now);
    return false;
}
