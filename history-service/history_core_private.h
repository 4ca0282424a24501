/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the history core share. They stand in floors.
 *
 *   history_core.c        requests, and the rounds that store what they add
 *   history_plan.c        what is decided about a request
 *   history_answers.c     what board services and gateways are told
 *   history_invariants.c  what is true at the end of each entry
 *
 * Beside them, and without this header: history_page.c, lines.c and sharing.c.
 */
#ifndef EASEL_HISTORY_CORE_PRIVATE_H
#define EASEL_HISTORY_CORE_PRIVATE_H

#include <sys/queue.h>

#include "history_core.h"
#include "idmap.h"
#include "items.h"

struct request {
    STAILQ_ENTRY(request) queue; /* board.requests or board.batch */
    enum to_history code;
    struct id sender;
    uint64_t came_ms;
    bool read;                /* since it came the board's last record was read */
    struct state_bytes state; /* of an append; none: it cannot be */
    union {
        union any_item item; /* which is one of these; every one begins with its board */
        struct id board;
        struct msg_create create;
        struct msg_look look;
        struct msg_open open;
        struct msg_append append;
    };
    size_t len;
    uint8_t bytes[]; /* the name of a create, the events of an append */
};
STAILQ_HEAD(request_queue, request);

struct board {
    TAILQ_ENTRY(board) list; /* core.waiting when it has requests or a batch, else core.idle */
    struct id id;
    bool waits;
    bool known;         /* last and name are those of the store, as far as we heard */
    struct record last; /* count 0: it has no records */
    uint64_t rules_at;  /* the newest ev_rules, by its state; 0: none */
    struct buf rules;   /* that event, while somebody waits for it; empty: not read */
    char name[NAME_BYTES_MAX + 1];
    uint64_t opened_ms; /* the newest open that we know the time of */
    unsigned tries;
    struct request_queue requests, batch;
};
TAILQ_HEAD(board_list, board);

/* One record of the plan. */
struct planned {
    struct board *board;
    struct buf events;
};

struct history_core {
    struct history_core_config config;
    struct outbox *out;
    uint64_t incarnation; /* of the store; 0: not known yet */
    struct idmap boards;
    struct board_list waiting, idle; /* idle: the one longest unused first */
    unsigned idle_count;
    bool loaded; /* this round asked for last records: what is still unknown waits for the next */
    struct id load[ROUND_LOADS_MAX];
    struct record records[ROUND_BOARDS_MAX];
    struct planned planned[ROUND_BOARDS_MAX];
    struct history_plan plan;
    struct id deleted[HISTORY_DELETED_MAX];
    unsigned deleted_count;
    struct history_core_stats stats;
};

/* ---- what a last record says ----------------------------------------------------------------- */

static inline uint64_t tail_of(const struct board *b)
{
    return b->last.count ? record_last(&b->last) : 0;
}

static inline bool is_open(const struct record *r)
{
    return r->first == r->epoch;
}

static inline bool is_there(const struct board *b)
{
    return b->last.count > 0 && !record_is_tombstone(&b->last);
}

/* The epoch ended with released, or there was none yet. An open's record carries the flags of the
 * state before it, for the answer. */
static inline bool ended_cleanly(const struct record *last)
{
    return last->epoch == 0 || (!is_open(last) && last->flags & RECORD_RELEASED);
}

/* Who opens the board, or looks at it, is to know its rules. */
static inline bool lacks_rules(const struct board *b)
{
    return b->rules_at > 0 && b->rules.len == 0 && is_there(b);
}

/* How long until the next open may come. */
uint64_t open_wait(struct board *b, uint64_t now_ms);

/* ---- history_plan.c -------------------------------------------------------------------------- */

enum verdict {
    ANSWERED, /* done with it */
    TAKEN,    /* part of the batch: answered when the record is stored */
    LATER     /* it needs a round of its own, or the last record read again */
};

/* Adds to what `record` and `events` hold of this round so far; a no may be answered at once. */
enum verdict history_plan_request(struct history_core *c, struct board *b, struct record *record,
                                  struct buf *events, const struct request *r, uint64_t now_ms);

/* ---- history_answers.c ----------------------------------------------------------------------- */

void answer_no_board(struct history_core *c, const struct request *r);
/* An open or an append of a wrong epoch. */
void answer_refused(struct history_core *c, struct board *b, uint64_t now_ms,
                    const struct request *r);
void answer_stored(struct history_core *c, const struct board *b, const struct request *r);
void answer_opened(struct history_core *c, const struct board *b, const struct request *r);
void answer_created(struct history_core *c, const struct request *r, unsigned status);
void answer_looked(struct history_core *c, const struct board *b, const struct request *r);
/* All requests of the batch, whose record is stored. */
void answer_batch(struct history_core *c, const struct board *b, uint64_t now_ms);

/* ---- history_invariants.c -------------------------------------------------------------------- */

/* Of what waits, and of the round under way; of very much some is looked at. See checks.h. */
void history_core_invariants(const struct history_core *c);

#endif
