/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A last word: an abort alone would look like a fault of ours. */
static void out_of_memory(size_t n, size_t size)
{
    fprintf(stderr, "out of memory: %zu times %zu bytes\n", n, size);
    abort();
}

void *xrealloc(void *p, size_t n, size_t size)
{
    void *q = reallocarray(p, n ? n : 1, size ? size : 1);
    if (!q)
        out_of_memory(n, size);
    return q;
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p)
        out_of_memory(n, size);
    return p;
}

uint8_t *buf_grow(struct buf *b, size_t len)
{
    if (len > SIZE_MAX / 2 - b->len)
        abort();
    if (len > b->cap - b->len) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap - b->len < len)
            cap *= 2;
        b->data = xrealloc(b->data, cap, 1);
        b->cap = cap;
    }
    uint8_t *room = b->data + b->len;
    b->len += len;
    return room;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
    if (len > 0)
        memcpy(buf_grow(b, len), data, len);
}

void buf_print(struct buf *b, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0)
        buf_append(b, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void buf_drop(struct buf *b, size_t len)
{
    if (len >= b->len) {
        b->len = 0;
        return;
    }
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}

struct span span_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}
