/* SPDX-License-Identifier: Apache-2.0
 *
 * A board as the files of the board service's core share it. They stand in floors: each calls what
 * is below it, and none of its own floor.
 *
 *   board_core.c        messages, time, peers and shards
 *   owner.c             taking boards over, their turns, letting them go
 *   attach.c            the gateways' lists: who is where
 *   telling.c           the state of the board, as gateways are told it
 *   deeds.c             what who owns the board does to it
 *   pen.c               who may draw
 *   seats.c             who has a seat, and who waits for the pen
 *   members.c           what the lists say of each member
 *   sequencer.c         frames become events, events are stored
 *   unstored.c          the log above the mark
 *   rules.c             how the board is ruled: who has to stay out
 *   fanout.c            events and marks to the gateways
 *   bounds.c            what a board may take of the store
 *   board_invariants.c  what is true at the end of each entry
 *   board.c             finding and touching; no decisions
 *
 * A turn: messages change boards and put them on `dirty`; board_core_tick then lets each of these
 * speak once, so that what belongs together leaves together. What waits for time stands in `active`
 * and is looked at on a grid of segment_ms: timers are late by that at most, and all segments leave
 * in the same messages.
 *
 * The owner's clock stands still while the broker link is down, and while not even what we say
 * ourselves comes back over it: nobody loses a pen or a seat because we could not hear them. All
 * times of a board are of that clock, except those in events.
 */
#ifndef EASEL_BOARD_CORE_PRIVATE_H
#define EASEL_BOARD_CORE_PRIVATE_H

#include <sys/queue.h>

#include "board_core.h"
#include "idmap.h"
#include "items.h"
#include "log_state.h"
#include "peers.h"

#define NEVER UINT64_MAX

struct board;

/* What a gateway has told us, by its id. */
struct gateway {
    LIST_HEAD(, gateway_list) lists; /* one a shard */
};

/* One gateway's list of one shard. */
struct gateway_list {
    TAILQ_ENTRY(gateway_list) heard_link;  /* core.lists, longest silent first */
    LIST_ENTRY(gateway_list) gateway_link; /* gateway.lists */
    LIST_HEAD(, attachment) attachments;
    struct idmap boards; /* the attachments again, by board */
    struct id gateway;
    unsigned shard;
    uint64_t number; /* of the list in force */
    uint64_t heard_at;
    uint64_t sent_at; /* the list in force, by the gateway's clock; 0: it does not say */
    int64_t skew;     /* the time here less the gateway's, by the list that took the least time */
    uint64_t skew_at; /* when that was learned; 0: not yet */
    /* a list of several parts under way */
    uint64_t part_number;
    unsigned part_count, parts_there;
    struct buf *parts;
    uint32_t *part_boards;
};

/* A board in a gateway's list. */
struct attachment {
    LIST_ENTRY(attachment) board_link; /* board.attachments */
    LIST_ENTRY(attachment) list_link;  /* gateway_list.attachments */
    struct board *board;
    struct gateway_list *list;
    uint64_t number; /* of the newest list that names it */
    uint64_t epoch, applied;
    struct buf members; /* as they came; names in `entries` point into it */
    struct msg_at_member *entries;
    unsigned entry_count;
    bool cut_short; /* the board had no room for all entries */
    /* what this gateway was told */
    uint64_t next;                          /* the first event that it was not sent */
    uint64_t told_mark, told_at, told_list; /* a ..._list: when its newest list before was sent */
    unsigned told_flags;
    uint64_t repeated_at; /* when a list made us send something again */
    uint64_t repeat_at;   /* not before then does a frame */
    bool force;           /* tell the mark at once */
    bool state_due;
    uint64_t state_at, state_list, state_number; /* of the state that was sent last */
    uint64_t has_state; /* the newest that it has, as its list says; 0: none of our epoch */
};

struct event {
    uint64_t at; /* position in the stream of bytes; log.bytes_at is that of its first byte */
    uint64_t time;
    uint64_t made_at; /* owner's clock */
    uint32_t len;
    uint32_t cseq; /* 0: not a frame */
    enum event_code code;
    struct stroke stroke; /* after it */
};

/* What a board has taken of its bytes a second and has not paid off, as of the owner's clock. */
struct debt {
    uint64_t bytes_1000; /* thousandths of a byte */
    uint64_t at;
};

/* The events above the mark, and how far they went. mark <= sent <= head. */
struct log {
    uint64_t epoch, head, mark, sent;
    struct log_state stored, reached, newest; /* after mark, sent, head */
    uint64_t newest_time;
    struct buf bytes;
    uint64_t bytes_at;
    struct event *events; /* mark + 1 ... head */
    size_t count, cap;
    uint64_t segment_at;    /* when the first unsent event is due */
    uint64_t asked_at;      /* history owes us an answer since then; NEVER: it does not */
    uint64_t heard_at;      /* history spoke of it last */
    uint64_t hole, hole_at; /* the last hole that made us go back */
    uint64_t want_at;       /* not before then is the drawer asked to repeat */
    uint64_t doubt_at;      /* not before then does somebody's word make us probe */
    struct id drawer;       /* the gateway of the newest frame */
    uint64_t active_at;     /* the drawer drew then, or could not because of us */
    struct {
        struct id to;  /* the drawer hands the pen to that member, or puts it down (empty), */
        uint64_t cseq; /* with this frame, and its grant is yet to come; 0: it does not */
    } pass;
    bool urgent; /* a grant: nothing waits for its interval */
    bool probing;
    bool busy;
    bool full;          /* nobody draws on it any more */
    bool turned_away;   /* a frame found no room */
    unsigned end_flags; /* enum append_flag: the log ends here */
    struct buf held;    /* frames that came while a grant was not stored */
    struct debt debt;
};

struct pen {
    uint64_t term;        /* that all this is about */
    uint64_t lost_at;     /* the holder's page; NEVER: it is here */
    uint64_t grace_until; /* a lost holder keeps the pen until then; NEVER: it is here */
    uint64_t active_at;   /* the holder's last frame or place, or when its grant was stored */
    uint64_t wait_since;  /* somebody waits since then; NEVER: nobody does */
    bool passing;         /* the countdown of idleness is told */
    bool points;          /* its holder, and that is not told: */
    uint64_t x, y;        /* where to, the newest place */
};

/* The newest ev_rules that is stored. */
struct rules {
    struct buf event;        /* empty: there was none yet */
    struct msg_ev_rules now; /* what it says; it points into `event` */
    uint64_t flags;          /* of the newest one, stored or not: for what stands behind it */
};

struct member_connection {
    struct id gateway;
    uint64_t instance, conn;
    uint64_t came; /* its hello, by the time here */
};

struct member {
    struct id id;
    char name[NAME_BYTES_MAX + 1];
    enum role role;
    unsigned flags;             /* MEMBER_AWAY, MEMBER_LOST as it is told */
    bool listed, seated_before; /* at some gateway now; under another owner */
    bool orphaned;              /* its gateway is gone: it may come back at another one */
    bool left;                  /* it went by itself */
    bool pen_is_here;           /* a connection of the instance that holds the pen is up */
    bool connected;
    struct member_connection newest; /* the one that counts: up if one is, then the last to come */
    uint64_t rivals;                 /* those that are up, as one number; 0: not more than one is */
    uint64_t rivals_since;           /* since then; NEVER */
    uint64_t rivals_state; /* whoever has a state of that number has heard from us since */
    uint64_t lost_at;      /* NEVER: it is connected */
    bool seated;
    unsigned seat;                      /* which */
    unsigned number;                    /* while it is seated, that of nobody else; 0: it is not */
    bool given_up;                      /* its seat was, since it is lost */
    uint64_t links;                     /* the generation of its link */
    enum outside outside;               /* why the rules keep it out; OUTSIDE_FULL: they do not */
    uint64_t refused_until;             /* the pen was; 0: it was not */
    enum pen_request request, standing; /* now, and before the lists were read anew */
    uint64_t granted;                   /* offset of what served its request last: grant, refusal */
    uint64_t line;                      /* order of arrival; 0: does not wait */
};

/* A seat may be kept for who is away from it for so long; used up meanwhile, filled up again while
 * nobody is away from it. */
struct seat {
    uint64_t left_ms, counted_at;
    bool away;
};

/* Who came and found no place, or a closed door. A gateway sends it away at once; it comes again.
 */
struct outsider {
    struct id member;
    char name[NAME_BYTES_MAX + 1];
    enum role role;
    enum outside why;
    uint64_t seen_at;
};

struct seats {
    struct outsider outsiders[OUTSIDE_MAX];
    unsigned outsider_count;
    struct member *members;
    unsigned count, cap;
    struct seat *seat; /* config.seats for all, and behind them one for an own link */
    bool dirty;        /* lists or grants changed */
    bool stale;        /* what we told may no longer be true */
    uint64_t opened_at;
    uint64_t closed_until; /* nobody new is admitted before */
    uint64_t line;         /* arrivals so far */
    uint64_t told_hash;    /* of the state told last */
};

enum ownership {
    BOARD_WAITING, /* not ours (yet): asks at open_at */
    BOARD_OPENING, /* asked history */
    BOARD_OPEN,
    BOARD_ENDING, /* its log is ended (released or deleted); gone once that is stored */
};

struct board {
    struct board_core *core;
    struct id id;
    unsigned shard;
    enum ownership ownership; /* changed by become() in owner.c only */
    TAILQ_ENTRY(board) shard_link, dirty_link, active_link;
    bool is_dirty, is_active;
    bool flush; /* what this turn sends does not wait for the pace */
    uint64_t deadline;
    LIST_HEAD(, attachment) attachments;
    unsigned entry_count; /* of all of them */

    uint64_t newest;      /* the newest epoch that we know of */
    uint64_t incarnation; /* of the store that it was opened from; 0: not known */
    uint64_t nonce, over, open_at, asked_at; /* what we ask history for */
    bool delete_wanted;
    uint64_t empty_since; /* NEVER: members are here */
    char name[NAME_BYTES_MAX + 1];

    struct log log;
    struct pen pen;
    struct rules rules;
    struct seats seats;
};

TAILQ_HEAD(board_queue, board);

struct shard {
    bool wanted, bound, held;
    uint64_t unanswered; /* bytes at history */
    struct board_queue boards;
    unsigned list_count;
    struct id sent_away;   /* the gateway told last that we do not own it, */
    uint64_t sent_away_at; /* and when */
};

struct board_core {
    struct board_core_config config;
    struct outbox *out;
    struct peers *peers;
    uint64_t now;   /* of the call under way */
    uint64_t clock; /* the owner's */
    uint64_t random;
    bool link_up;
    bool leaving, gone;
    uint64_t leave_until;
    uint64_t heartbeat_at;
    unsigned heartbeats;
    bool owners_changed; /* who has which shard is to be computed anew */
    struct shard *shard;
    struct idmap boards;
    struct board_queue dirty, active;
    uint64_t sweep_at; /* owner's clock */
    TAILQ_HEAD(, gateway_list) lists;
    struct idmap gateways; /* those that have lists */
    uint64_t state_number;
    uint64_t incarnation; /* of the store, as history services say */
    struct buf scratch, scratch2, scratch3;
    struct board_core_stats stats;
};

/* ---- board.c: no decisions ------------------------------------------------------------------ */

/* A board that a list named; NULL: there are too many. */
struct board *board_add(struct board_core *c, const struct id *id);
/* The board speaks at the end of this turn. */
void board_touch(struct board *b);
/* Events have offsets here that history may still have to store. */
bool board_has_log(const struct board *b);
/* That gateway's list of the shard, and the board in it; NULL: there is none. */
struct gateway_list *board_list_of(const struct board_core *c, const struct id *gateway,
                                   unsigned shard);
struct attachment *board_at(const struct board *b, const struct id *gateway);
/* An item about the board, and of the past that we know of it. */
#define ITEM_OF(b, name, ...)                                                                      \
    (struct msg_##name)                                                                            \
    {                                                                                              \
        .incarnation = (b)->incarnation, .board = (b)->id, __VA_ARGS__                             \
    }
/* Such a one to a gateway. */
#define TELL(b, gateway, name, ...)                                                                \
    outbox_put((b)->core->out, EXCHANGE_GATEWAY, (gateway), &(b)->id, &TYPE_##name,                \
               &ITEM_OF((b), name, __VA_ARGS__))

#endif
