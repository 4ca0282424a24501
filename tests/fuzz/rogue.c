/* SPDX-License-Identifier: Apache-2.0 */
#include "rogue.h"

#include <stdio.h>
#include <stdlib.h>

#include "describe.h"

#define REPEATS_MAX 4000u

unsigned choose(struct choices *c, unsigned n)
{
    return c->at < c->end && n > 0 ? *c->at++ % n : 0;
}

void facts_number(struct facts *f, uint64_t number)
{
    f->numbers[f->number_count++ % 64] = number;
}

/* ---- msgpack, also such as nobody would write ------------------------------------------------ */

static void put_be(struct buf *out, uint8_t head, uint64_t value, unsigned bytes)
{
    uint8_t *p = buf_grow(out, 1 + bytes);
    *p++ = head;
    while (bytes-- > 0)
        *p++ = (uint8_t)(value >> 8 * bytes);
}

static void put_number(struct buf *out, uint64_t value)
{
    put_be(out, 0xcf, value, 8);
}

static void put_text(struct buf *out, const char *text, size_t len)
{
    put_be(out, 0xd9, len, 1);
    buf_append(out, text, len);
}

static void put_bytes(struct buf *out, const struct buf *bytes)
{
    put_be(out, 0xc5, bytes->len, 2);
    buf_append(out, bytes->data, bytes->len);
}

/* ---- values ---------------------------------------------------------------------------------- */

struct rogue {
    struct choices *c;
    const struct facts *facts;
    uint64_t base;      /* of the item's events */
    const char *forced; /* this field jumps */
};

static uint64_t jump(struct choices *c)
{
    static const uint64_t FAR[] = {OFFSET_MAX, OFFSET_MAX - 1, OFFSET_MAX - JUMP_MAX + 1,
                                   UINT64_C(1) << 40, UINT64_C(1) << 33};
    return FAR[choose(c, 5)];
}

static uint64_t heard(const struct rogue *r)
{
    const struct facts *f = r->facts;
    unsigned n = f->number_count < 64 ? f->number_count : 64;
    return n ? f->numbers[choose(r->c, n)] : 1;
}

static uint64_t number(const struct rogue *r, uint64_t low, uint64_t high)
{
    switch (choose(r->c, 10)) {
    case 0:
        return low;
    case 1:
        return high;
    case 2:
    case 3:
    case 4:
        return heard(r);
    case 5:
        return heard(r) + choose(r->c, 16);
    case 6:
        return JUMP_MAX + choose(r->c, 3) - 1;
    case 7:
        return jump(r->c);
    case 8:
        return choose(r->c, 256);
    default:
        return UINT64_C(0xfedcba9876543210) >> choose(r->c, 64);
    }
}

static void put_id(const struct rogue *r, struct buf *out)
{
    unsigned n = choose(r->c, r->facts->id_count + 2);
    char invented[16];
    if (n < r->facts->id_count) {
        put_text(out, r->facts->ids[n].text, strlen(r->facts->ids[n].text));
        return;
    }
    snprintf(invented, sizeof invented, "%c%u", "gbhx"[choose(r->c, 4)], choose(r->c, 256));
    put_text(out, invented, n > r->facts->id_count ? 0 : strlen(invented));
}

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const unsigned EVENTS[] = {
#define EVENT(name, code) code,
#include "messages.def"
};
static const unsigned ITEMS[] = {
#define ITEM(name, code, from, to) code,
#include "messages.def"
};

static const struct description *described(unsigned code)
{
    const struct description *d = DESCRIPTIONS;
    while (d->code != code)
        d++;
    return d;
}

static void put_fields(struct rogue *r, const struct description *d, struct buf *out);

/* Events from the base on, one after the other, mostly. */
static void put_events(struct rogue *r, struct buf *out)
{
    struct buf events = {0};
    unsigned count = choose(r->c, 40);
    unsigned code = EVENTS[choose(r->c, COUNT(EVENTS))];
    for (unsigned i = 0; i < count && events.len < 50000; i++) {
        struct choices before = *r->c;
        put_fields(r, described(code), &events);
        r->base++;
        if (i + 1 < count && choose(r->c, 4))
            *r->c = before; /* the next one looks the same */
    }
    put_bytes(out, &events);
    buf_free(&events);
}

static void put_bin(struct rogue *r, const struct field_description *f, struct buf *out)
{
    if (strcmp(f->name, "events") == 0) {
        put_events(r, out);
        return;
    }
    struct buf bytes = {0};
    unsigned len = choose(r->c, 40);
    for (unsigned i = 0; i < len; i++)
        *buf_grow(&bytes, 1) = (uint8_t)choose(r->c, 256);
    put_bytes(out, &bytes);
    buf_free(&bytes);
}

static void put_list(struct rogue *r, const struct field_description *f, struct buf *out)
{
    unsigned count = choose(r->c, 6), claimed = choose(r->c, 16) ? count : choose(r->c, 256);
    put_be(out, 0xdc, claimed, 2);
    for (unsigned i = 0; i < count; i++)
        put_fields(r, description_of(f->tuple), out);
}

static void put_field(struct rogue *r, const struct field_description *f, struct buf *out)
{
    if (r->forced && strcmp(f->name, r->forced) == 0) {
        put_number(out, jump(r->c));
        return;
    }
    switch (f->kind) {
    case KIND_UINT:
    case KIND_NUINT:
        if (strcmp(f->name, "offset") == 0 || strcmp(f->name, "first") == 0 ||
            strcmp(f->name, "from") == 0)
            put_number(out, r->base);
        else
            put_number(out, number(r, f->low, f->high));
        return;
    case KIND_ID:
        put_id(r, out);
        return;
    case KIND_STR:
        put_text(out, "rogue", choose(r->c, 6));
        return;
    case KIND_BIN:
        put_bin(r, f, out);
        return;
    case KIND_LIST:
        put_list(r, f, out);
        return;
    }
}

static void put_fields(struct rogue *r, const struct description *d, struct buf *out)
{
    unsigned count = 0;
    while (d->fields[count].name)
        count++;
    put_be(out, 0xdc, count + (d->code != 0), 2);
    if (d->code)
        put_number(out, d->code);
    for (unsigned i = 0; i < count; i++)
        put_field(r, &d->fields[i], out);
}

/* ---- messages -------------------------------------------------------------------------------- */

/* What a sender of the right kind may say without lying plausibly: these numbers jump; the others
 * are checked before they count. */
static const struct {
    unsigned code;
    char kind;
    const char *jumps;
} IMPLAUSIBLE[] = {
    {MSG_events, 'b', "epoch"},     {MSG_events, 'b', "mark"},      {MSG_events, 'b', "head"},
    {MSG_board_state, 'b', "mark"}, {MSG_board_state, 'b', "base"}, {MSG_board_state, 'b', "epoch"},
    {MSG_want, 'b', "epoch"},       {MSG_replaced, 'b', "epoch"},   {MSG_not_drawer, 'b', "epoch"},
    {MSG_pointed, 'b', "epoch"},    {MSG_invalid, 'b', "epoch"},    {MSG_stored, 'h', "mark"},
    {MSG_hole, 'h', "want"},        {MSG_opened, 'h', "epoch"},     {MSG_refused, 'h', "newest"},
    {MSG_append, 'b', "epoch"},     {MSG_sync, 'b', NULL},          {MSG_not_owner, 'b', NULL},
    {MSG_alive, 'b', NULL},         {MSG_alive, 'h', NULL},         {MSG_gone, 'g', NULL},
    {MSG_gone, 'b', NULL},
};

/* A kind that cannot say it. */
static char wrong_kind(unsigned code)
{
    const char *kind = "hgbx";
    while (strchr(message_type(code)->senders, *kind))
        kind++;
    return *kind;
}

/* The code and the sender of a message that does not lie plausibly. */
static unsigned choose_implausible(struct rogue *r, struct id *ret_sender)
{
    unsigned n = choose(r->c, 2 * COUNT(IMPLAUSIBLE));
    unsigned invented = choose(r->c, 256), code = ITEMS[choose(r->c, COUNT(ITEMS))];
    char kind = wrong_kind(code);
    if (n < COUNT(IMPLAUSIBLE)) {
        code = IMPLAUSIBLE[n].code;
        kind = IMPLAUSIBLE[n].kind;
        r->forced = IMPLAUSIBLE[n].jumps;
    }
    snprintf(ret_sender->text, sizeof ret_sender->text, "%c%u", kind, invented + 100);
    if (r->forced && choose(r->c, 2)) /* or one of the true ones has gone mad */
        snprintf(ret_sender->text, sizeof ret_sender->text, "%c1", kind);
    return code;
}

static unsigned choose_any(struct rogue *r, struct id *ret_sender)
{
    unsigned invented = choose(r->c, 256);
    char kind = "gbhx"[choose(r->c, 4)];
    snprintf(ret_sender->text, sizeof ret_sender->text, "%c%u", kind,
             choose(r->c, 2) ? invented + 100 : 1);
    return ITEMS[choose(r->c, COUNT(ITEMS))];
}

void rogue_message(struct choices *c, const struct facts *f, bool plausible, struct buf *out)
{
    struct rogue r = {.c = c, .facts = f};
    struct id sender = {0};
    unsigned code = plausible ? choose_any(&r, &sender) : choose_implausible(&r, &sender);
    PUT(out, envelope, BROKER_VERSION, sender);
    unsigned items = 1 + choose(c, 4);
    for (unsigned i = 0; i < items; i++) {
        r.base = number(&r, 1, OFFSET_MAX);
        size_t start = out->len;
        put_fields(&r, described(code), out);
        if (plausible && choose(c, 16) == 15) /* cut off, or with something strange in it */
            out->data[start + choose(c, 20) % (out->len - start)] ^= (uint8_t)choose(c, 256);
    }
    size_t len = out->len;
    unsigned repeats = choose(c, 8) == 7 ? REPEATS_MAX : 0;
    struct buf item = {0};
    struct cursor in = cursor_of(out->data, len);
    wire_skip(&in); /* the envelope */
    buf_append(&item, in.pos, cursor_left(&in));
    for (unsigned i = 0; i < repeats && out->len + item.len <= BROKER_MESSAGE_BYTES_MAX; i++)
        buf_append(out, item.data, item.len);
    buf_free(&item);
}
