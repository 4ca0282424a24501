/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of a board's log after one of its events: one value, which an owner carries on from
 * event to event, each append carries to history, and the store keeps as bytes with each record.
 * The next owner begins with it. To all but owners it is a whole that is handed on. Pure.
 *
 * A new field is one at the end of the tuple in messages.def, one here, and what an event makes of
 * it in log_state_step. Bytes of before it read as 0; what bytes of a newer version have besides is
 * kept by history, and lost when an owner of before appends.
 */
#ifndef EASEL_LOG_STATE_H
#define EASEL_LOG_STATE_H

#include "messages.h"
#include "stroke.h"

struct log_state {
    struct id holder;  /* of the pen; empty: nobody */
    uint64_t instance; /* which page of the holder */
    uint64_t term;     /* the offset of its grant; 0: there was none yet */
    uint64_t cseq;     /* of the newest frame of the term */
    uint64_t base;     /* the clear where the picture begins, for fresh readers; 0: the beginning */
    struct stroke stroke; /* begun last in the term */
    /* Where the pictures begin that were cleared, rising: a restore goes back to the last one. */
    uint64_t under[PICTURES_UNDER_MAX];
    unsigned under_count;
    uint64_t uses;  /* features of the events that are in the log */
    uint64_t rules; /* the offset of the newest ev_rules; 0: there was none yet */
};

/* As bytes, which are this struct's own. */
struct state_bytes {
    uint8_t len; /* 0: none */
    uint8_t data[LOG_STATE_BYTES_MAX];
};

static inline struct span state_span(const struct state_bytes *bytes)
{
    return (struct span){bytes->data, bytes->len};
}

/* An event as far as it changes the state. */
struct log_event {
    enum event_code code;
    uint64_t offset;
    uint32_t cseq;        /* of the drawer's frame that became it; 0: it was none */
    struct stroke stroke; /* after it */
    struct span bytes;    /* whole, of a grant or restore */
};

/* Where the picture would begin if the clear at that offset were taken back; NIL: it cannot be. */
uint64_t log_state_restores(const struct log_state *s, uint64_t clear);

/* Makes the state before the event the one after it. Nothing else changes a state. */
void log_state_step(struct log_state *s, const struct log_event *e);

struct state_bytes log_state_pack(const struct log_state *s);
/* 0, or -EBADMSG: it is no state, or one that names an event beyond `last`. */
int log_state_unpack(struct span bytes, uint64_t last, struct log_state *ret);

/* As the version before knows it; stroke: its bits. */
struct log_state log_state_of_before(const struct id *holder, uint64_t instance, uint64_t term,
                                     uint64_t cseq, uint64_t base, uint64_t stroke);
/* The state of an append, and that of the log before an open. Of a program of before it stands in
 * fields of their own. As log_state_unpack. */
int log_state_of_append(const struct msg_append *m, struct log_state *ret);
int log_state_of_opened(const struct msg_opened *m, struct log_state *ret);
/* The other way round, for programs of before as well. `bytes` is borrowed by the message. */
void log_state_to_append(const struct log_state *s, const struct state_bytes *bytes,
                         struct msg_append *m);
void log_state_to_opened(const struct log_state *s, const struct state_bytes *bytes,
                         struct msg_opened *m);

#endif
