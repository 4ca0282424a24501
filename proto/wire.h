/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded reader of msgpack. It allocates nothing and never trusts a claimed length: a count is
 * taken only when at least that many bytes are left. msgpack-c is not used on input, since 160
 * bytes make it reserve 64 GB (msgpack-c #1013).
 */
#ifndef EASEL_WIRE_H
#define EASEL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "limit_values.h"

struct cursor {
    const uint8_t *pos;
    const uint8_t *end;
};

/* An array that is read later: `count` elements begin at `at.pos`. When encoding, at.pos..at.end
 * are the encoded elements. */
struct list {
    uint32_t count;
    struct cursor at;
};

static inline struct cursor cursor_of(const void *data, size_t len)
{
    const uint8_t *p = data;
    return (struct cursor){p, len > 0 ? p + len : p}; /* NULL with a length of 0, too */
}

static inline size_t cursor_left(const struct cursor *in)
{
    return (size_t)(in->end - in->pos);
}

/* Each returns 0 and moves the cursor, or -EBADMSG and leaves it. */
int wire_uint(struct cursor *in, uint64_t *ret);
int wire_nil_or_uint(struct cursor *in, uint64_t *ret); /* nil gives UINT64_MAX */
int wire_str(struct cursor *in, struct span *ret);      /* any bytes: the caller checks UTF-8 */
int wire_bin(struct cursor *in, struct span *ret);
int wire_array(struct cursor *in, uint32_t *ret_count);
int wire_skip(struct cursor *in); /* one value of any type, at most WIRE_DEPTH_MAX deep */

bool utf8_valid(struct span text);

#endif
