/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer. Memory that cannot be had ends the process: every buffer of Easel has a
 * limit that its owner checks before it appends.
 */
#ifndef EASEL_BUF_H
#define EASEL_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
};

/* Bytes that somebody else owns. */
struct span {
    const uint8_t *data;
    size_t len;
};

void buf_append(struct buf *b, const void *data, size_t len);
/* At most 511 characters; what is longer is cut off. */
void buf_print(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for `len` more bytes, uninitialised; returns where they begin and counts them in. */
uint8_t *buf_grow(struct buf *b, size_t len);
/* Drops the first `len` bytes. */
void buf_drop(struct buf *b, size_t len);
static inline void buf_clear(struct buf *b)
{
    b->len = 0;
}
void buf_free(struct buf *b);

static inline struct span buf_span(const struct buf *b)
{
    return (struct span){b->data, b->len};
}

struct span span_of(const char *text);

/* Of two numbers, or times. */
static inline uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* calloc and realloc that never return NULL. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);

#endif
