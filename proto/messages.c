/* SPDX-License-Identifier: Apache-2.0 */
#include "messages.h"

#include <errno.h>
#include <msgpack.h>
#include <stdlib.h>

enum field_type { FIELD_UINT, FIELD_NUINT, FIELD_ID, FIELD_STR, FIELD_BIN, FIELD_LIST };

struct field {
    const char *bad; /* the sentence of a refusal */
    enum field_type type;
    size_t at, size; /* in the struct */
    uint64_t low, high;
    bool later; /* a sender of before leaves it out */
};

#define FIELD_ROW(message, name, type, low, high, bounds, later)                                   \
    {"The field " #name " of " #message " is not " #type " in " bounds ".",                        \
     FIELD_##type,                                                                                 \
     offsetof(struct msg_##message, name),                                                         \
     sizeof(field_##type),                                                                         \
     low,                                                                                          \
     high,                                                                                         \
     later},

/* Each table ends with an empty entry, since C has no empty arrays. */
#define MESSAGE(name, code) static const struct field fields_##name[] = {
#define TUPLE(name)         static const struct field fields_##name[] = {
#define FIELD(message, name, type, low, high)                                                      \
    FIELD_ROW(message, name, type, low, high, #low ".." #high, false)
#define LATER(message, name, type, low, high)                                                      \
    FIELD_ROW(message, name, type, low, high, #low ".." #high, true)
#define LATER_LIST(message, name, tuple, low, high) LATER(message, name, LIST, low, high)
#define END(name)                                                                                  \
    {                                                                                              \
        0                                                                                          \
    }                                                                                              \
    }                                                                                              \
    ;
#include "messages.def"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]) - 1)
#define TYPE_ROW(name, code, from, to)                                                             \
    const struct message_type TYPE_##name = {#name,         code, COUNT(fields_##name),            \
                                             fields_##name, from, to};

#define MESSAGE(name, code)        TYPE_ROW(name, code, "", "")
#define TUPLE(name)                TYPE_ROW(name, 0, "", "")
#define ITEM(name, code, from, to) TYPE_ROW(name, code, #from, #to)
#include "messages.def"

/* What readers and writers count on that do not decode the whole message. */
#define IS_FIELD(at, message, name)                                                                \
    _Static_assert(offsetof(struct msg_##message, name) == (at), #name " of " #message);
#define EVENT(name, code)                                                                          \
    _Static_assert((code) >= EVENT_CODE_LOW && (code) <= EVENT_CODE_HIGH, "code of " #name);       \
    _Static_assert(COUNT(fields_##name) < 15, "with its code " #name " is at most a fixarray");
#include "messages.def"
#define DRAWN(name, code, event) IS_FIELD(16, event, term) IS_FIELD(24, event, cseq)
#include "messages.def"
IS_FIELD(16, ev_void, term)
IS_FIELD(24, ev_void, cseq)

static const struct message_type *const TYPES[128] = {
#define MESSAGE(name, code) [code] = &TYPE_##name,
#include "messages.def"
};

const struct message_type *message_type(unsigned code)
{
    return code < sizeof TYPES / sizeof *TYPES ? TYPES[code] : NULL;
}

const struct message_type *frame_type(unsigned code)
{
    switch (code) {
#define FRAME(name, number) case number:
#include "messages.def"
        return TYPES[code];
    }
    return NULL;
}

const struct message_type *drawers_type(unsigned code)
{
    switch (code) {
#define DRAWERS(name, number) case number:
#include "messages.def"
        return TYPES[code];
    }
    return NULL;
}

const struct message_type *rulings_type(unsigned code)
{
    switch (code) {
#define RULING(name, number) case number:
#include "messages.def"
        return TYPES[code];
    }
    return NULL;
}

const struct message_type *drawn_event(enum drawers_code code)
{
    static const struct message_type *const EVENTS[] = {
#define DRAWN(name, number, event) [number] = &TYPE_##event,
#define DRAWERS(name, number)      [number] = NULL,
#include "messages.def"
    };
    return EVENTS[code];
}

bool event_is_drawn(unsigned code)
{
    switch (code) {
    case MSG_ev_void: /* in the place of any of them */
#define DRAWN(name, number, event) case MSG_##event:
#include "messages.def"
        return true;
    }
    return false;
}

/* ---- encoding -------------------------------------------------------------------------------- */

static int append(void *out, const char *data, size_t len)
{
    buf_append(out, data, len);
    return 0;
}

static void expect_bounds(const struct field *f, uint64_t n)
{
    if (n < f->low || n > f->high)
        abort();
}

static void put_field(msgpack_packer *pk, const struct field *f, const void *at)
{
    const struct span *bytes = at;
    const struct list *list = at;
    uint64_t value;
    size_t n;

    switch (f->type) {
    case FIELD_UINT:
    case FIELD_NUINT:
        value = *(const uint64_t *)at;
        if (f->type == FIELD_NUINT && value == NIL) {
            msgpack_pack_nil(pk);
            return;
        }
        expect_bounds(f, value);
        msgpack_pack_uint64(pk, value);
        return;
    case FIELD_ID:
        n = strnlen(((const struct id *)at)->text, sizeof(struct id));
        expect_bounds(f, n);
        msgpack_pack_str(pk, n);
        msgpack_pack_str_body(pk, at, n);
        return;
    case FIELD_STR:
    case FIELD_BIN:
        expect_bounds(f, bytes->len);
        if (f->type == FIELD_STR)
            msgpack_pack_str(pk, bytes->len);
        else
            msgpack_pack_bin(pk, bytes->len);
        buf_append(pk->data, bytes->data, bytes->len);
        return;
    case FIELD_LIST:
        msgpack_pack_array(pk, list->count);
        buf_append(pk->data, list->at.pos, cursor_left(&list->at));
        return;
    }
}

void message_put(struct buf *out, const struct message_type *type, const void *message)
{
    msgpack_packer pk;
    msgpack_packer_init(&pk, out, append);
    msgpack_pack_array(&pk, type->field_count + (type->code ? 1 : 0));
    if (type->code)
        msgpack_pack_uint64(&pk, type->code);
    for (uint32_t i = 0; i < type->field_count; i++)
        put_field(&pk, &type->fields[i], (const char *)message + type->fields[i].at);
}

struct list list_of(uint32_t count, const struct buf *tuples)
{
    return (struct list){count, cursor_of(tuples->data, tuples->len)};
}

/* ---- decoding -------------------------------------------------------------------------------- */

static int get_uint(struct cursor *in, const struct field *f, uint64_t *ret)
{
    uint64_t value;
    int r = f->type == FIELD_NUINT ? wire_nil_or_uint(in, &value) : wire_uint(in, &value);
    if (r < 0)
        return r;
    bool nil = f->type == FIELD_NUINT && value == NIL;
    if (!nil && (value < f->low || value > f->high))
        return -EBADMSG;
    *ret = value;
    return 0;
}

static int get_id(struct cursor *in, const struct field *f, struct id *ret)
{
    struct span text;
    if (wire_str(in, &text) < 0 || text.len < f->low || text.len > f->high)
        return -EBADMSG;
    return id_parse((const char *)text.data, text.len, ret) < 0 ? -EBADMSG : 0;
}

static int get_bytes(struct cursor *in, const struct field *f, struct span *ret)
{
    struct span bytes;
    int r = f->type == FIELD_STR ? wire_str(in, &bytes) : wire_bin(in, &bytes);
    if (r < 0 || bytes.len < f->low || bytes.len > f->high)
        return -EBADMSG;
    if (f->type == FIELD_STR && !utf8_valid(bytes))
        return -EBADMSG;
    *ret = bytes;
    return 0;
}

static int get_list(struct cursor *in, const struct field *f, struct list *ret)
{
    struct list list;
    if (wire_array(in, &list.count) < 0 || list.count < f->low || list.count > f->high)
        return -EBADMSG;
    list.at = *in;
    for (uint32_t i = 0; i < list.count; i++)
        if (wire_skip(in) < 0)
            return -EBADMSG;
    list.at.end = in->pos;
    *ret = list;
    return 0;
}

static int get_field(struct cursor *in, const struct field *f, void *at)
{
    switch (f->type) {
    case FIELD_UINT:
    case FIELD_NUINT:
        return get_uint(in, f, at);
    case FIELD_ID:
        return get_id(in, f, at);
    case FIELD_STR:
    case FIELD_BIN:
        return get_bytes(in, f, at);
    case FIELD_LIST:
        return get_list(in, f, at);
    }
    return -EBADMSG;
}

int message_begin(struct cursor *in, unsigned *ret_code, uint32_t *ret_fields)
{
    struct cursor c = *in;
    uint32_t count;
    uint64_t code;
    if (wire_array(&c, &count) < 0 || count < 1 || wire_uint(&c, &code) < 0 || code > UINT32_MAX)
        return -EBADMSG;
    *ret_code = (unsigned)code;
    *ret_fields = count - 1;
    *in = c;
    return 0;
}

/* What a field reads as that its sender does not know. */
static void get_absent(const struct field *f, void *at)
{
    memset(at, 0, f->size);
    if (f->type == FIELD_NUINT)
        *(uint64_t *)at = NIL;
}

int message_fields(struct cursor *in, const struct message_type *type, uint32_t fields, bool exact,
                   void *ret, const char **ret_why)
{
    const char *why = "The number of fields is wrong.";
    bool fewer = fields<type->field_count, more = fields> type->field_count;
    if ((fewer && !type->fields[fields].later) || (more && exact))
        goto bad;
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct field *f = &type->fields[i];
        why = f->bad;
        if (i >= fields)
            get_absent(f, (char *)ret + f->at);
        else if (get_field(in, f, (char *)ret + f->at) < 0)
            goto bad;
    }
    why = "A field that we do not know is not valid msgpack.";
    for (uint32_t i = type->field_count; i < fields; i++)
        if (wire_skip(in) < 0)
            goto bad;
    return 0;
bad:
    if (ret_why)
        *ret_why = why;
    return -EBADMSG;
}

int message_get(struct cursor *in, const struct message_type *type, void *ret)
{
    unsigned code;
    uint32_t fields;
    if (message_begin(in, &code, &fields) < 0 || code != type->code)
        return -EBADMSG;
    return message_fields(in, type, fields, false, ret, NULL);
}

int list_next(struct list *list, const struct message_type *type, void *ret)
{
    if (list->count == 0)
        return 0;
    uint32_t fields;
    if (wire_array(&list->at, &fields) < 0 ||
        message_fields(&list->at, type, fields, false, ret, NULL) < 0)
        return -EBADMSG;
    list->count--;
    return 1;
}
