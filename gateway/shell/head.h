/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of an HTTP/1 request, read strictly: whatever two readers could understand differently
 * (a blank before a colon, a folded line, a line that ends in LF alone, two lengths) is refused,
 * since the other reader may be a proxy in front of us. Pure; spans point into the input.
 */
#ifndef EASEL_HEAD_H
#define EASEL_HEAD_H

#include "request.h"

struct head_field {
    struct span name, value; /* the value without the blanks around it */
};

struct head {
    enum method method;
    bool keeps_alive;  /* HTTP/1.1 without "Connection: close" */
    struct span path;  /* without what follows a question mark */
    size_t body_bytes; /* as Content-Length says */
    size_t bytes;      /* of the head itself: the body begins there */
    unsigned status;   /* of a refusal; else 0 */
    const char *why;   /* its sentence */
    unsigned count;
    struct head_field field[HEAD_FIELDS_MAX];
};

enum head_result {
    HEAD_WHOLE,
    HEAD_MORE, /* not all of it is here */
    HEAD_BAD,
};

/* Reads the head that `in` begins with. HEAD_BAD: of `ret` only `status` and `why` count, and
 * nothing behind it can be read. Looks at HEAD_BYTES_MAX at most. */
enum head_result head_read(struct span in, struct head *ret);

/* The first field of that name (in lower case), or the empty span. */
struct span head_get(const struct head *h, const char *name);
bool head_has(const struct head *h, const char *name);
/* All fields of that name, as one comma list. `room` of HEAD_BYTES_MAX holds any. */
struct span head_list(const struct head *h, const char *name, char *room, size_t size);

#endif
