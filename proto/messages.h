/* SPDX-License-Identifier: Apache-2.0
 *
 * The structs, codes and codec of messages.def.
 *
 * Encoding appends to a struct buf with msgpack-c. Decoding reads with our own bounded cursor
 * (wire.h): nothing is allocated, whatever the input claims, and text, bytes and lists of a decoded
 * message point into the input, which must outlive it.
 */
#ifndef EASEL_MESSAGES_H
#define EASEL_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "id.h"
#include "wire.h"

#define OFFSET_MAX  UINT64_C(9007199254740991) /* 2^53 - 1 */
#define NIL         UINT64_MAX                 /* what a NUINT field holds for nil */
#define PROTOCOL_WS "easel.v1"
/* Of the broker's messages: what is read, up to, and what is written, which programs of the release
 * before can read. */
#define BROKER_VERSION         2
#define BROKER_VERSION_WRITTEN 1

enum role { ROLE_WATCH = 0, ROLE_DRAW = 1, ROLE_OWN = 2 };
enum tool { TOOL_PEN = 0, TOOL_HIGHLIGHTER = 1, TOOL_ERASER = 2 };
enum stroke_flag { STROKE_PRESSURE = 1, STROKE_JOINED = 2, STROKE_END = 4, STROKE_EVEN = 8 };
enum member_flag {
    MEMBER_AWAY = 1,
    MEMBER_LOST = 2,
    MEMBER_SEATED = 4,
    MEMBER_UNSAID = 8, /* its request goes on as it stands */
    MEMBER_LEFT = 16,
};
enum pen_request { REQUEST_NONE = 0, REQUEST_ASK = 1, REQUEST_TAKE = 2 };
enum attach_flag {
    ATTACH_DELETE = 1,
    ATTACH_MARK_SHIFT = 8, /* enum mark_flag from this bit on */
};
enum mark_flag {
    MARK_BUSY = 1,
    MARK_TROUBLE = 2,
    MARK_UNSAVED = 4,
    MARK_NEARLY_FULL = 8,
    MARK_FULL = 16,
};
enum append_flag {
    APPEND_RELEASED = 1,
    APPEND_DELETED = 2,
    APPEND_STROKE_SHIFT = 8, /* for programs of before: the stroke under way from this bit on */
};
enum created_status { CREATED_STORED = 0, CREATED_TAKEN = 1, CREATED_FULL = 2 };
enum replaced_flag { REPLACED_EQUAL = 1 };
/* Of a board, as its owner wants it. */
enum rule {
    RULE_DOOR = 1,      /* the door is closed: nobody new comes in */
    RULE_CLEARS = 2,    /* only who owns it clears it */
    RULE_GIVEN = 4,     /* the pen is not asked for, but given */
    RULE_IDLE = 8,      /* an idle pen passes on also while an own link is here */
    RULE_CODE_ENDS = 16 /* its code opens it no longer */
};
enum outside { OUTSIDE_FULL = 0, OUTSIDE_REMOVED = 1, OUTSIDE_ENDED = 2, OUTSIDE_CLOSED = 3 };
/* What came within the version and changes the picture: hello, welcome and board_state say which of
 * them a client, a gateway and an owner know. */
enum feature { FEATURE_RESTORE = 1, FEATURE_RULES = 2 };
#define FEATURES ((uint32_t)(FEATURE_RESTORE | FEATURE_RULES)) /* all that we know */

/* Events have these codes, also those of newer versions. */
#define EVENT_CODE_LOW  32u
#define EVENT_CODE_HIGH 63u

/* Codes: MSG_hello = 1, ... */
enum frame_code {
#define FRAME(name, code) MSG_##name = (code),
#include "messages.def"
};
enum event_code {
#define EVENT(name, code) MSG_##name = (code),
#include "messages.def"
};
enum told_code {
#define TOLD(name, code) MSG_##name = (code),
#include "messages.def"
};
enum item_code {
#define ITEM(name, code, from, to) MSG_##name = (code),
#define ENVELOPE(name, code)       MSG_##name = (code),
#include "messages.def"
};

/* Those of the frames that need the pen: DRAWER_begin = MSG_begin, ... */
enum drawers_code {
#define DRAWERS(name, code) DRAWER_##name = (code),
#include "messages.def"
};

/* Those that rule it: RULING_set = MSG_set, ... */
enum rulings_code {
#define RULING(name, code) RULING_##name = (code),
#include "messages.def"
};

typedef uint64_t field_UINT;
typedef uint64_t field_NUINT;
typedef struct id field_ID;
typedef struct span field_STR;
typedef struct span field_BIN;
typedef struct list field_LIST;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic" /* ask, cancel, take and bye have no fields */
#define MESSAGE(name, code)                   struct msg_##name {
#define TUPLE(name)                           struct msg_##name {
#define FIELD(message, name, type, low, high) field_##type name;
#define END(name)                                                                                  \
    }                                                                                              \
    ;
#include "messages.def"
#pragma GCC diagnostic pop

/* Any frame of a client, and any item of a broker message, decoded. */
union any_frame {
    struct {
        uint64_t term, cseq;
    } drawers;      /* the first fields of each that needs the pen */
    uint64_t rules; /* and of each that rules the board */
#define FRAME(name, code) struct msg_##name name;
#include "messages.def"
};
union any_item {
    struct id board; /* the first field of each that is about a board */
#define ITEM(name, code, from, to) struct msg_##name name;
#include "messages.def"
};

struct message_type {
    const char *name;
    unsigned code; /* 0: a tuple */
    uint32_t field_count;
    const struct field *fields; /* the codec's */
    /* The kinds of programs that may say an item, and those that take it, as the first letters of
     * their ids; empty: it is no item. */
    const char *senders, *takers;
};

/* &TYPE_hello, ...: what the codec knows of each message and tuple. */
#define MESSAGE(name, code) extern const struct message_type TYPE_##name;
#define TUPLE(name)         extern const struct message_type TYPE_##name;
#include "messages.def"

/* Appends `message`, a struct msg_* of that type, to `out`. Fields out of their bounds are a bug of
 * the caller and abort. */
void message_put(struct buf *out, const struct message_type *type, const void *message);
#define PUT(out, name, ...) message_put((out), &TYPE_##name, &(struct msg_##name){__VA_ARGS__})

/* The type with that code; NULL when there is none. */
const struct message_type *message_type(unsigned code);
/* The type of a client's frame, or of a drawer's or a ruling one only; NULL: it is none of these.
 */
const struct message_type *frame_type(unsigned code);
const struct message_type *drawers_type(unsigned code);
const struct message_type *rulings_type(unsigned code);
/* The event that a drawer's frame becomes; NULL: none of its own. */
const struct message_type *drawn_event(enum drawers_code code);
/* Whether the event was a drawer's frame: [code, offset, time, term, cseq, ...]. Those of newer
 * versions are not. */
bool event_is_drawn(unsigned code);

/* Reads the array head and the code of the message at the cursor and moves the cursor to its first
 * field. `ret_fields` is how many elements follow the code. 0, or -EBADMSG. */
int message_begin(struct cursor *in, unsigned *ret_code, uint32_t *ret_fields);

/* Reads the fields of one message after message_begin into `ret`, a struct msg_* of that type.
 * With `exact` there must not be more than the type has; else they are skipped. On -EBADMSG
 * `*ret_why`, if asked for, is a constant sentence that names the field. */
int message_fields(struct cursor *in, const struct message_type *type, uint32_t fields, bool exact,
                   void *ret, const char **ret_why);

/* message_begin and message_fields of one whole message of a known type; trailing fields are
 * skipped. */
int message_get(struct cursor *in, const struct message_type *type, void *ret);
#define GET(in, name, ret) message_get((in), &TYPE_##name, (struct msg_##name *){(ret)})

/* The next tuple of a list: 1 and `ret` filled, 0 at the end, -EBADMSG. */
int list_next(struct list *list, const struct message_type *type, void *ret);
#define NEXT(list, name, ret) list_next((list), &TYPE_##name, (struct msg_##name *){(ret)})

/* A list under construction: LIST fields are made from already encoded tuples. */
struct list list_of(uint32_t count, const struct buf *tuples);

#endif
