/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <inttypes.h>
#include <stdio.h>

#include "errors.h"

static const struct {
    const char *name, *sentence;
} KINDS[] = {
#define DECISION(kind, numbers, sentence) {#kind, sentence},
#include "trace.def"
#undef DECISION
};

const struct trace *trace_or_none(const struct trace *trace)
{
    static const struct trace NONE = {NULL, NULL};
    return trace ? trace : &NONE;
}

const char *trace_name(enum trace_kind kind)
{
    return KINDS[kind].name;
}

static void put(struct buf *out, const char *text)
{
    buf_append(out, text, strlen(text));
}

static void put_number(struct buf *out, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    put(out, text);
}

void trace_print(struct buf *out, enum trace_kind kind, const uint64_t *number)
{
    put(out, KINDS[kind].name);
    put(out, ": ");
    for (const char *at = KINDS[kind].sentence; *at; at++) {
        if (*at == '%')
            put_number(out, *number++);
        else if (*at == '@')
            put(out, ERRORS[*number++].name);
        else
            buf_append(out, at, 1);
    }
}
