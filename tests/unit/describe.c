/* SPDX-License-Identifier: Apache-2.0 */
#include "describe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE(name, code) static const struct field_description fields_##name[] = {
#define TUPLE(name)         static const struct field_description fields_##name[] = {
#define FIELD(message, name, type, low, high)                                                      \
    {#name, KIND_##type, offsetof(struct msg_##message, name), low, high, NULL},
#define LIST(message, name, tuple, low, high)                                                      \
    {#name, KIND_LIST, offsetof(struct msg_##message, name), low, high, #tuple},
#define END(name)                                                                                  \
    {                                                                                              \
        0                                                                                          \
    }                                                                                              \
    }                                                                                              \
    ;
#include "messages.def"

const struct description DESCRIPTIONS[] = {
#define MESSAGE(name, code) {#name, code, sizeof(struct msg_##name), &TYPE_##name, fields_##name},
#define TUPLE(name)         {#name, 0, sizeof(struct msg_##name), &TYPE_##name, fields_##name},
#include "messages.def"
    {0}};

const struct description *description_of(const char *name)
{
    for (const struct description *d = DESCRIPTIONS; d->name; d++)
        if (strcmp(d->name, name) == 0)
            return d;
    return NULL;
}

static void put_text(struct buf *out, const char *text)
{
    buf_append(out, text, strlen(text));
}

static void put_uint(struct buf *out, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put_text(out, text);
}

static void put_json(struct buf *out, struct span text)
{
    static const char PLAIN[] = "\"\\\b\f\n\r\t", LETTER[] = "\"\\bfnrt";
    put_text(out, "\"");
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        const char *at = c ? strchr(PLAIN, c) : NULL;
        char escaped[8];
        if (at)
            snprintf(escaped, sizeof escaped, "\\%c", LETTER[at - PLAIN]);
        else if (c < 0x20)
            snprintf(escaped, sizeof escaped, "\\u%04x", c);
        else
            snprintf(escaped, sizeof escaped, "%c", c);
        put_text(out, escaped);
    }
    put_text(out, "\"");
}

static void put_hex(struct buf *out, struct span bytes)
{
    char text[4];
    for (size_t i = 0; i < bytes.len; i++) {
        snprintf(text, sizeof text, "%02x", bytes.data[i]);
        put_text(out, text);
    }
}

static void put_fields(struct buf *out, const struct description *d, const void *message);

static void put_list(struct buf *out, const struct description *element, struct list list)
{
    void *tuple = xcalloc(1, element->size);
    int r;
    put_text(out, "[");
    for (unsigned i = 0; (r = list_next(&list, element->type, tuple)) == 1; i++) {
        put_text(out, i ? " {" : "{");
        put_fields(out, element, tuple);
        put_text(out, "}");
    }
    put_text(out, r < 0 ? "BAD]" : "]");
    free(tuple);
}

static void put_field(struct buf *out, const struct field_description *f, const void *at)
{
    switch (f->kind) {
    case KIND_UINT:
    case KIND_NUINT:
        if (f->kind == KIND_NUINT && *(const uint64_t *)at == NIL)
            put_text(out, "nil");
        else
            put_uint(out, *(const uint64_t *)at);
        return;
    case KIND_ID:
        put_json(out, span_of(((const struct id *)at)->text));
        return;
    case KIND_STR:
        put_json(out, *(const struct span *)at);
        return;
    case KIND_BIN:
        put_hex(out, *(const struct span *)at);
        return;
    case KIND_LIST:
        put_list(out, description_of(f->tuple), *(const struct list *)at);
        return;
    }
}

static void put_fields(struct buf *out, const struct description *d, const void *message)
{
    for (const struct field_description *f = d->fields; f->name; f++) {
        put_text(out, f == d->fields ? "" : " ");
        put_text(out, f->name);
        put_text(out, "=");
        put_field(out, f, (const char *)message + f->at);
    }
}

void describe(struct buf *out, const struct description *d, const void *message)
{
    put_text(out, d->name);
    put_text(out, d->fields[0].name ? " " : "");
    put_fields(out, d, message);
}

int decode(struct cursor *in, const struct description *d, void *ret)
{
    uint32_t fields;
    if (d->code)
        return message_get(in, d->type, ret);
    if (wire_array(in, &fields) < 0)
        return -EBADMSG;
    return message_fields(in, d->type, fields, false, ret, NULL);
}
