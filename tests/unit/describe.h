/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests know of messages.def besides the codec: each message as a table of fields, its text in
 * the form of vectors.txt, and which tuples its lists hold.
 */
#ifndef EASEL_DESCRIBE_H
#define EASEL_DESCRIBE_H

#include "messages.h"

enum kind { KIND_UINT, KIND_NUINT, KIND_ID, KIND_STR, KIND_BIN, KIND_LIST };

struct field_description {
    const char *name;
    enum kind kind;
    size_t at;
    uint64_t low, high;
    const char *tuple; /* the elements of a list */
};

struct description {
    const char *name;
    unsigned code; /* 0: a tuple */
    size_t size;   /* of the struct */
    const struct message_type *type;
    const struct field_description *fields; /* the last one has no name */
};

/* All messages and tuples; the last one has no name. */
extern const struct description DESCRIPTIONS[];
const struct description *description_of(const char *name); /* NULL: there is none */

/* "undo term=1 cseq=2 ..." */
void describe(struct buf *out, const struct description *d, const void *message);
/* Reads one message or tuple, trailing fields skipped. 0 or -EBADMSG. */
int decode(struct cursor *in, const struct description *d, void *ret);

union any_message {
#define MESSAGE(name, code) struct msg_##name name;
#define TUPLE(name)         struct msg_##name name;
#include "messages.def"
};

#endif
