/* SPDX-License-Identifier: Apache-2.0 */
#include "items.h"

#include <string.h>

/* The kinds of those who may say it; NULL: it is no broker message. */
static const char *senders(unsigned code)
{
    switch (code) {
    case MSG_frame:
    case MSG_attach:
    case MSG_pointing:
    case MSG_create:
    case MSG_look:
    case MSG_read:
        return "g";
    case MSG_events:
    case MSG_board_state:
    case MSG_sync:
    case MSG_want:
    case MSG_not_drawer:
    case MSG_not_owner:
    case MSG_replaced:
    case MSG_pointed:
    case MSG_invalid:
    case MSG_open:
    case MSG_append:
        return "b";
    case MSG_opened:
    case MSG_refused:
    case MSG_stored:
    case MSG_hole:
    case MSG_created:
    case MSG_looked:
    case MSG_page:
    case MSG_behind:
        return "h";
    case MSG_no_board:
    case MSG_alive:
        return "bh";
    case MSG_bye:
    case MSG_gone:
        return "gbh";
    }
    return NULL;
}

static bool may_say(const struct id *sender, unsigned code)
{
    const char *kinds = senders(code);
    return kinds && !id_empty(sender) && strchr(kinds, sender->text[0]);
}

struct items items_of(struct span body, uint64_t *bad)
{
    struct items it = {.in = cursor_of(body.data, body.len), .bad = bad};
    struct msg_envelope envelope;
    if (GET(&it.in, envelope, &envelope) < 0 || envelope.version > BROKER_VERSION) {
        ++*bad;
        it.in.pos = it.in.end;
        return it;
    }
    it.sender = envelope.sender;
    return it;
}

bool items_next(struct items *it, bool (*takes)(unsigned code), unsigned *ret_code, void *ret)
{
    while (cursor_left(&it->in) > 0) {
        struct cursor at = it->in;
        uint32_t fields;
        if (wire_skip(&it->in) < 0) { /* nobody knows where the next one begins */
            ++*it->bad;
            it->in.pos = it->in.end;
            return false;
        }
        if (message_begin(&at, ret_code, &fields) < 0) {
            ++*it->bad;
            continue;
        }
        if (!takes(*ret_code))
            continue;
        if (may_say(&it->sender, *ret_code) &&
            message_fields(&at, message_type(*ret_code), fields, false, ret, NULL) == 0)
            return true;
        ++*it->bad;
    }
    return false;
}
