/* SPDX-License-Identifier: Apache-2.0
 *
 * The board service without its sockets: it opens boards, gives each event its offset, lends the
 * pen, seats the members, and repeats itself until it is heard (DESIGN §5 to §9). Pure: no I/O, no
 * clock, no globals. Given the time and one message it changes its state and fills its outbox.
 */
#ifndef EASEL_BOARD_CORE_H
#define EASEL_BOARD_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "outbox.h"
#include "trace.h"

struct board_core;

struct board_core_config {
    struct id self; /* random at each start, begins with b */
    uint64_t seed;  /* of the nonces and waits: random at each start */
    unsigned shards;
    unsigned seats;        /* of a board; and one more for an own link */
    uint64_t seat_keep_ms; /* who loses the connection finds it again for so long */
    uint64_t pen_idle_ms, pen_grace_ms, pen_keep_ms;
    uint64_t board_events_max;  /* of a board's log; then nobody draws on it any more */
    uint64_t board_bytes_per_s; /* of a board's events, on average */
    uint32_t pace_ms, messages_per_s_max;
    uint64_t segment_ms; /* how often segments go to history: 50 */
    /* Who is told its decisions; outlives the core. NULL: nobody. */
    const struct trace *trace;
};

struct board_core *board_core_create(const struct board_core_config *config, uint64_t now_ms);
void board_core_destroy(struct board_core *c);

/* One broker message, whole. What is not understood is counted and skipped. */
void board_core_message(struct board_core *c, uint64_t now_ms, struct span body);
/* A mandatory message of ours reached no queue. */
void board_core_returned(struct board_core *c, uint64_t now_ms, enum exchange exchange,
                         const char *key);
/* The broker link went up or down. Owner timers run only while it is up. */
void board_core_link(struct board_core *c, uint64_t now_ms, bool up);
/* Does what time brings; call it at the deadline and after each turn with messages. */
void board_core_tick(struct board_core *c, uint64_t now_ms);
uint64_t board_core_deadline(const struct board_core *c); /* UINT64_MAX: none */
struct outbox *board_core_outbox(struct board_core *c);

/* Shards: the core wants some; the shell binds and unbinds their keys and reports what is bound. */
bool board_core_wants(const struct board_core *c, unsigned shard);
void board_core_bound(struct board_core *c, uint64_t now_ms, unsigned shard, bool bound);

/* Polite leave: accepts nothing more, waits until all is stored (at most 500 ms), releases its
 * boards, says bye. board_core_left turns true when nothing is left to send. */
void board_core_leave(struct board_core *c, uint64_t now_ms);
bool board_core_left(const struct board_core *c);

/* What became of a frame that was understood. One that is held is counted when it is judged. */
enum frame_result {
    FRAME_ACCEPTED,  /* an event, or the pen passed on */
    FRAME_REPEATED,  /* in the log already */
    FRAME_EARLY,     /* ahead of what we have, or its board is not open yet */
    FRAME_REFUSED,   /* not from the holder of the pen */
    FRAME_NOT_OWNER, /* of a shard that is not ours */
    FRAME_NO_ROOM,   /* too much is unstored: the gateway keeps it */
    FRAME_INVALID,   /* can never be an event: its client is at fault */
    FRAME_RESULTS
};

struct board_core_stats {
    uint64_t boards_open, boards_opening, shards_held, peers;
    uint64_t frames[FRAME_RESULTS], events;
    uint64_t opens, opens_refused, fenced, grants, busy_boards, unstored_events, unstored_bytes,
        bad_messages;
    uint64_t stores_changed; /* boards that were opened anew, out of a store that was restored */
    uint64_t full_boards, throttled; /* times that a board was busy for its bytes a second */
    uint64_t pointers, pointers_ignored;
    uint64_t deeds, deeds_refused; /* of who owns a board; refused: late, or by somebody else */
    uint64_t voided;               /* frames that the rules do not allow */
    uint64_t dropped;              /* boards and lists beyond a limit */
    uint64_t list_bytes; /* what is kept of the gateways' lists: at most LISTS_BYTES_MAX */
};

const struct board_core_stats *board_core_stats(const struct board_core *c);
/* The age of the oldest event that is not stored, by the owner's clock; 0: there is none. */
uint64_t board_core_unstored_ms(const struct board_core *c);
/* How long ago we heard ourselves, over the broker; 0: the link is down. */
uint64_t board_core_unheard_ms(const struct board_core *c);

#endif
