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

/* What each kind of program takes: TO_GATEWAY_events = MSG_events, ... A switch over one of these
 * that lacks an item is told by the compiler. */
#define TO_g(g, b, h, ...)     g(__VA_ARGS__)
#define TO_b(g, b, h, ...)     b(__VA_ARGS__)
#define TO_h(g, b, h, ...)     h(__VA_ARGS__)
#define TO_gb(g, b, h, ...)    g(__VA_ARGS__) b(__VA_ARGS__)
#define TO_bh(g, b, h, ...)    b(__VA_ARGS__) h(__VA_ARGS__)
#define ENUMERATOR(name, code) name = (code),
#define NO_ENUMERATOR(name, code)
enum to_gateway {
#define ITEM(name, code, from, to)                                                                 \
    TO_##to(ENUMERATOR, NO_ENUMERATOR, NO_ENUMERATOR, TO_GATEWAY_##name, code)
#include "messages.def"
};
enum to_board {
#define ITEM(name, code, from, to)                                                                 \
    TO_##to(NO_ENUMERATOR, ENUMERATOR, NO_ENUMERATOR, TO_BOARD_##name, code)
#include "messages.def"
};
enum to_history {
#define ITEM(name, code, from, to)                                                                 \
    TO_##to(NO_ENUMERATOR, NO_ENUMERATOR, ENUMERATOR, TO_HISTORY_##name, code)
#include "messages.def"
};

struct items {
    struct id sender; /* who the envelope says it is from */
    struct cursor in;
    uint64_t *bad;
};

/* `bad` counts: the message, when its envelope is not one of our version (then it has no items),
 * and each item that is skipped for a fault. Both are borrowed, and decoded items point into
 * `body`. */
struct items items_of(struct span body, uint64_t *bad);

/* Of two incarnations of a store, both known: numbers of the one say nothing about the other's log
 * [D34]. */
static inline bool is_other_past(uint64_t known, uint64_t said)
{
    return known != 0 && said != 0 && known != said;
}

/* The next item that this kind of program takes; then `*ret_code` is one of its enum to_*. Others
 * are skipped: they are of a newer version, or for somebody else. False at the end. */
bool items_next(struct items *it, enum process_kind taker, unsigned *ret_code, union any_item *ret);

#endif
