/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes, as a WebSocket message of a client, as a broker message, and as one value. What is
 * taken must mean the same after it was encoded again.
 */
#include <stdlib.h>
#include <string.h>

#include "describe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static const struct description *description_of_code(unsigned code)
{
    for (const struct description *d = DESCRIPTIONS; d->name; d++)
        if (d->code && d->code == code)
            return d;
    return NULL;
}

/* False when the text shows a list with a bad element: only reading a list tells. */
static bool described(struct buf *out, const struct description *d, const void *message)
{
    describe(out, d, message);
    return memmem(out->data, out->len, "BAD]", 4) == NULL;
}

static void expect_stable(const struct description *d, const void *message)
{
    struct buf text = {0}, again = {0}, bytes = {0};
    union any_message copy;
    if (described(&text, d, message)) {
        message_put(&bytes, d->type, message);
        struct cursor in = cursor_of(bytes.data, bytes.len);
        expect(decode(&in, d, &copy) == 0 && cursor_left(&in) == 0);
        expect(described(&again, d, &copy));
        expect(text.len == again.len && memcmp(text.data, again.data, text.len) == 0);
    }
    buf_free(&text);
    buf_free(&again);
    buf_free(&bytes);
}

/* Reads message after message until one is refused. */
static void read_messages(const uint8_t *data, size_t size, bool exact)
{
    struct cursor in = cursor_of(data, size);
    while (cursor_left(&in)) {
        union any_message message;
        unsigned code;
        uint32_t fields;
        const char *why = NULL;
        const uint8_t *before = in.pos;
        if (message_begin(&in, &code, &fields) < 0)
            return;
        const struct description *d = description_of_code(code);
        expect((d != NULL) == (message_type(code) != NULL));
        if (!d)
            return;
        if (message_fields(&in, d->type, fields, exact, &message, &why) < 0) {
            expect(why && *why);
            return;
        }
        expect(in.pos > before && in.pos <= in.end);
        expect_stable(d, &message);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor in = cursor_of(data, size);
    int r = wire_skip(&in);
    expect(r == 0 ? in.pos > data && in.pos <= in.end : in.pos == data);
    read_messages(data, size, true);
    read_messages(data, size, false);
    return 0;
}
