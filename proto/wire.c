/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <errno.h>

/* Reads the type byte and a big-endian argument of `bytes` bytes. The cursor is a copy: callers
 * commit it when all is well. */
static int head(struct cursor *c, unsigned bytes, uint64_t *ret)
{
    if (cursor_left(c) < 1u + bytes)
        return -EBADMSG;
    uint64_t value = 0;
    for (unsigned i = 1; i <= bytes; i++)
        value = value << 8 | c->pos[i];
    c->pos += 1 + bytes;
    *ret = value;
    return 0;
}

/* How many argument bytes follow type byte `t` when types first, first+1, ... have 1, 2, 4, 8;
 * 0 when `t` is none of these `kinds`. */
static unsigned argument(unsigned t, unsigned first, unsigned kinds)
{
    return t >= first && t < first + kinds ? 1u << (t - first) : 0;
}

int wire_uint(struct cursor *in, uint64_t *ret)
{
    struct cursor c = *in;
    if (cursor_left(&c) < 1)
        return -EBADMSG;
    unsigned t = *c.pos;
    if (t < 0x80) {
        *ret = t;
        in->pos++;
        return 0;
    }
    unsigned bytes = argument(t, 0xcc, 4);
    bool is_signed = bytes == 0;
    if (is_signed)
        bytes = argument(t, 0xd0, 4);
    uint64_t value;
    if (bytes == 0 || head(&c, bytes, &value) < 0)
        return -EBADMSG;
    if (is_signed && value >> (bytes * 8 - 1))
        return -EBADMSG; /* negative */
    *ret = value;
    *in = c;
    return 0;
}

int wire_nil_or_uint(struct cursor *in, uint64_t *ret)
{
    if (cursor_left(in) >= 1 && *in->pos == 0xc0) {
        in->pos++;
        *ret = UINT64_MAX;
        return 0;
    }
    struct cursor c = *in;
    uint64_t value;
    if (wire_uint(&c, &value) < 0 || value == UINT64_MAX)
        return -EBADMSG;
    *ret = value;
    *in = c;
    return 0;
}

/* Where a count stands: in the low bits of a type byte that is `fix` under `mask`, or behind it in
 * `unit` bytes for type byte `first`, twice as many for the next one, and so on for all `kinds`. */
struct form {
    uint8_t fix, mask, first, kinds, unit;
};
static const struct form STR = {0xa0, 0xe0, 0xd9, 3, 1};
static const struct form BIN = {0xff, 0x00, 0xc4, 3, 1}; /* none of them is short */
static const struct form ARRAY = {0x90, 0xf0, 0xdc, 2, 2};
static const struct form MAP = {0x80, 0xf0, 0xde, 2, 2};

static int counted(struct cursor *in, const struct form *form, uint64_t *ret)
{
    struct cursor c = *in;
    if (cursor_left(&c) < 1)
        return -EBADMSG;
    unsigned t = *c.pos, bytes = argument(t, form->first, form->kinds) * form->unit;
    uint64_t count = t & ~(unsigned)form->mask;
    if ((t & form->mask) != form->fix && bytes == 0)
        return -EBADMSG;
    if (head(&c, bytes, bytes ? &count : &(uint64_t){0}) < 0 || count > cursor_left(&c))
        return -EBADMSG;
    *ret = count;
    *in = c;
    return 0;
}

static int bytes_of(struct cursor *in, const struct form *form, struct span *ret)
{
    uint64_t len;
    if (counted(in, form, &len) < 0)
        return -EBADMSG;
    *ret = (struct span){in->pos, (size_t)len};
    in->pos += len;
    return 0;
}

int wire_str(struct cursor *in, struct span *ret)
{
    return bytes_of(in, &STR, ret);
}

int wire_bin(struct cursor *in, struct span *ret)
{
    return bytes_of(in, &BIN, ret);
}

int wire_array(struct cursor *in, uint32_t *ret_count)
{
    uint64_t count;
    if (counted(in, &ARRAY, &count) < 0)
        return -EBADMSG;
    *ret_count = (uint32_t)count;
    return 0;
}

/* A value that is its type byte: small numbers, nil, false and true. */
static bool is_bare(unsigned t)
{
    return t < 0x80 || t >= 0xe0 || t == 0xc0 || t == 0xc2 || t == 0xc3;
}

/* Skips a scalar, text, bytes or an extension; -ENOMSG for arrays and maps. */
static int skip_leaf(struct cursor *c)
{
    unsigned t = *c->pos;
    uint64_t len = 0;
    unsigned bytes = 0;   /* of the argument */
    bool has_len = false; /* the argument is the data's length */

    if (is_bare(t)) {
        bytes = 0;
    } else if ((t & 0xe0) == 0xa0) {
        len = t & 0x1f;
    } else if ((bytes = argument(t, 0xc4, 3)) || (bytes = argument(t, 0xd9, 3))) {
        has_len = true;
    } else if ((bytes = argument(t, 0xc7, 3))) {
        has_len = true;
        len = 1; /* the type byte */
    } else if ((bytes = argument(t, 0xca, 2) * 4) || (bytes = argument(t, 0xcc, 4)) ||
               (bytes = argument(t, 0xd0, 4))) {
        has_len = false;
    } else if (t >= 0xd4 && t <= 0xd8) {
        len = (1u << (t - 0xd4)) + 1u; /* fixext: a type byte and the data */
    } else {
        return t == 0xc1 ? -EBADMSG : -ENOMSG;
    }
    uint64_t value;
    if (head(c, bytes, &value) < 0)
        return -EBADMSG;
    if (has_len)
        len += value;
    if (len > cursor_left(c))
        return -EBADMSG;
    c->pos += len;
    return 0;
}

int wire_skip(struct cursor *in)
{
    struct cursor c = *in;
    uint64_t left[WIRE_DEPTH_MAX + 1] = {1}; /* values still to skip, per depth */
    unsigned depth = 0;
    for (;;) {
        while (left[depth] == 0) {
            if (depth == 0) {
                *in = c;
                return 0;
            }
            depth--;
        }
        left[depth]--;
        if (cursor_left(&c) < 1)
            return -EBADMSG;
        int r = skip_leaf(&c);
        if (r == 0)
            continue;
        uint64_t count;
        if (r != -ENOMSG || depth == WIRE_DEPTH_MAX)
            return -EBADMSG;
        if (counted(&c, &ARRAY, &count) < 0) {
            if (counted(&c, &MAP, &count) < 0)
                return -EBADMSG;
            count *= 2;
        }
        left[++depth] = count;
    }
}

bool utf8_valid(struct span text)
{
    const uint8_t *p = text.data, *end = p + text.len;
    while (p < end) {
        uint32_t c = *p++;
        unsigned more = c < 0x80 ? 0 : (c & 0xe0) == 0xc0 ? 1 : (c & 0xf0) == 0xe0 ? 2 : 3;
        if (more == 3 && (c & 0xf8) != 0xf0)
            return false;
        if ((size_t)(end - p) < more)
            return false;
        uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        c &= 0x7fu >> (more ? more + 1 : 0);
        for (unsigned i = 0; i < more; i++, p++) {
            if ((*p & 0xc0) != 0x80)
                return false;
            c = c << 6 | (*p & 0x3fu);
        }
        if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
            return false;
    }
    return true;
}
