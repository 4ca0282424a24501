/* SPDX-License-Identifier: Apache-2.0 */
#include "items.h"

#include <string.h>

static bool is_among(const char *kinds, char kind)
{
    return kind != '\0' && strchr(kinds, kind) != NULL;
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

bool items_next(struct items *it, enum process_kind taker, unsigned *ret_code, union any_item *ret)
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
        const struct message_type *type = message_type(*ret_code);
        if (!type || !is_among(type->takers, (char)taker))
            continue;
        if (is_among(type->senders, it->sender.text[0]) &&
            message_fields(&at, type, fields, false, ret, NULL) == 0)
            return true;
        ++*it->bad;
    }
    return false;
}
