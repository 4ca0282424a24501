/* SPDX-License-Identifier: Apache-2.0
 *
 * The items of a broker message, one after the other, with one rule for all programs: what is
 * malformed, or comes from a sender of whose kind it cannot come, is counted and skipped, and harms
 * no other item. A sender's kind is the first letter of its id: g gateway, b board service, h
 * history service. Allocates nothing; each item costs time in proportion to its bytes.
 */
#ifndef EASEL_ITEMS_H
#define EASEL_ITEMS_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

enum process_kind { KIND_GATEWAY = 'g', KIND_BOARD = 'b', KIND_HISTORY = 'h' };

static inline bool id_is_of(const struct id *id, enum process_kind kind)
{
    return id->text[0] == (char)kind;
}

struct items {
    struct id sender; /* who the envelope says it is from */
    struct cursor in;
    uint64_t *bad;
};

/* `bad` counts: the message, when its envelope is not one of our version (then it has no items),
 * and each item that is skipped for a fault. Both are borrowed, and decoded items point into
 * `body`. */
struct items items_of(struct span body, uint64_t *bad);

/* The next item that this program takes, decoded into `ret`, which must have room for the struct
 * msg_* of every code that `takes` is true for. Others are skipped: they are of a newer version, or
 * for somebody else. False at the end. */
bool items_next(struct items *it, bool (*takes)(unsigned code), unsigned *ret_code, void *ret);

#endif
