/* SPDX-License-Identifier: Apache-2.0
 *
 * The gateway without its sockets: windows, cursors, attach lists, and the drawers' frames until
 * they are acked or lost (DESIGN §5, §10). Pure: no I/O, no clock, no globals.
 *
 * Towards clients it works by pull: events wait once, framed, in their board's window, and a client
 * is a cursor into it plus a few dirty flags. When a socket can take more, the shell pulls: so no
 * client has a queue, and a client that never reads costs its cursor and nothing else.
 */
#ifndef EASEL_GATEWAY_CORE_H
#define EASEL_GATEWAY_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "errors.h"
#include "metrics.h"
#include "outbox.h"
#include "trace.h"

struct gateway_core;
struct client; /* one WebSocket that was upgraded; owned by the core until client_closed */

/* Who comes, as its token and its session say. */
struct identity {
    struct id board;
    struct id member; /* the truncated hash of the session */
    enum role role;
    uint64_t valid_ms; /* how long from now on; 0 or UINT64_MAX: without end */
    uint64_t exp_s;    /* the same, since 1970; 0: without end */
    uint64_t links;    /* the generation of the link */
};

struct gateway_core_config {
    struct id self; /* random at each start, begins with g */
    uint64_t seed;
    unsigned shards;
    uint32_t pace_ms, messages_per_s_max;
    uint64_t dead_ms; /* a dead connection's frames and seat are kept so long without news: 60000 */
    /* Checks the token and hashes the session. Returns 0, -EACCES (not valid for any board) or
     * -ETIME (expired). Does no I/O. */
    int (*authenticate)(void *owner, uint64_t now_ms, struct span token, struct span session,
                        struct identity *ret);
    /* A new link for that board, role, generation and end, to be freed. */
    char *(*make_token)(void *owner, const struct identity *who);
    /* Milliseconds since 1970, only to be told to clients; NULL: now_ms is that. All times given to
     * the core as now_ms are of a clock that nobody sets. */
    uint64_t (*wall_ms)(void);
    void *owner; /* of authenticate and make_token */
    /* Who is told its decisions; outlives the core. NULL: nobody. */
    const struct trace *trace;
};

struct gateway_core *gateway_core_create(const struct gateway_core_config *config, uint64_t now_ms);
void gateway_core_destroy(struct gateway_core *c);

void gateway_core_message(struct gateway_core *c, uint64_t now_ms, struct span body);
void gateway_core_returned(struct gateway_core *c, uint64_t now_ms, enum exchange exchange,
                           const char *key);
void gateway_core_link(struct gateway_core *c, uint64_t now_ms, bool up);
/* While the link is up: nothing comes back by it (or it does again). Clients are told. */
void gateway_core_silent(struct gateway_core *c, uint64_t now_ms, bool silent);
void gateway_core_tick(struct gateway_core *c, uint64_t now_ms);
uint64_t gateway_core_deadline(const struct gateway_core *c);
struct outbox *gateway_core_outbox(struct gateway_core *c);

/* ---- clients --------------------------------------------------------------------------------- */

/* `address`: a hash of where it comes from, for whom it may crowd out. `shell` is the shell's own
 * handle, given back by client_shell. */
struct client *client_open(struct gateway_core *c, uint64_t now_ms, uint64_t address, void *shell);
/* One whole WebSocket binary message: one or more frames, one after the other. */
void client_message(struct client *cl, uint64_t now_ms, struct span message);
/* Asks it to connect to another gateway within delay_ms, and serves it until it does. False: it was
 * not welcomed yet. */
bool client_goaway(struct client *cl, uint64_t delay_ms);
/* It says that it goes: `for_good`, and its seat and the pen are free at once; else perhaps to be
 * loaded again, and who is not back soon has left. client_closed follows. */
void client_goes(struct client *cl, bool for_good);
/* The socket is gone: the client is freed. */
void client_closed(struct client *cl, uint64_t now_ms);
void *client_shell(const struct client *cl);

/* Something is there to pull, to close, or the reading state changed: the next dirty client, which
 * thereby leaves the list; NULL when the list is empty. Run it at the end of each turn. */
struct client *gateway_core_dirty(struct gateway_core *c);

/* The drawer must be slowed down (busy): the shell stops reading its socket while true. */
bool client_paused(const struct client *cl);

/* Whole WebSocket messages, framed, ready for the socket, in order. */
struct pull {
    struct span frame[PULL_FRAMES_MAX];
    unsigned count;
    size_t bytes;
    /* private: what is done when frame i was sent */
    struct {
        uint32_t flag;
        uint64_t cursor;
    } done[PULL_FRAMES_MAX];
    struct buf scratch; /* frames made for this client; reuse the pull, then pull_free */
};

/* Fills `p` from the client's cursor, without changing the client; spans are borrowed until the
 * next call into the core. */
void client_pull(struct client *cl, uint64_t now_ms, struct pull *p);
/* The first `frames` of the pull left (or were handed over to be sent). Returns 0, or when the
 * frame was read from its drawer whose event a viewer now got (a sample: see session_logged). */
uint64_t client_pulled(struct client *cl, struct pull *p, unsigned frames);
void pull_free(struct pull *p);

/* Whether the shell closes once everything is pulled, and (if asked for) for which error. */
bool client_ends(const struct client *cl, enum error_code *ret);

/* ---- boards over HTTP ------------------------------------------------------------------------ */

/* Asks history to store a new board; gateway_core_answer gives the outcome of that nonce. */
void gateway_core_create_board(struct gateway_core *c, const struct id *board, struct span name,
                               uint64_t nonce);
void gateway_core_look(struct gateway_core *c, const struct id *board, uint64_t nonce);
/* Keeps asking the owner to delete the board until it is gone (or 30 s have passed). */
void gateway_core_delete(struct gateway_core *c, uint64_t now_ms, const struct id *board,
                         uint64_t nonce);

struct http_answer {
    uint64_t nonce;
    struct id board;
    enum {
        ANSWER_CREATED,
        ANSWER_TAKEN,
        ANSWER_FULL, /* there are too many boards */
        ANSWER_LOOKED,
        ANSWER_NO_BOARD,
        ANSWER_DELETED
    } what;
    char name[NAME_BYTES_MAX + 1];
    uint64_t tail, time;
    uint64_t links[ROLE_OWN + 1]; /* the generations of links that open it, */
    unsigned rules;               /* and enum rule, as history knows it */
    bool knows_members;           /* this gateway has the board open */
    unsigned members;             /* all people at the board */
};
/* The next answer; false when there is none. Questions are not repeated: the shell asks again after
 * a second and gives up after ten. */
bool gateway_core_answer(struct gateway_core *c, struct http_answer *ret);

struct gateway_core_stats {
    uint64_t clients, boards, members, window_bytes, page_bytes, frames_kept, frame_bytes;
    uint64_t frames, events, cuts, history_reads, history_pages, slow_viewers, slowed, wants,
        bad_messages, resent, lost;
    uint64_t resends_waiting; /* sessions whose frames wait for the budget of what goes again */
    uint64_t resends_delayed; /* turns of the loop that ended so */
    uint64_t restored;        /* boards whose past was forgotten, since the store was restored */
    uint64_t unsaved_boards;  /* where clients are told that nothing is saved */
    uint64_t pointers, pointers_given, pointers_dropped;
    uint64_t errors[ERROR_CODES];    /* that clients were told */
    struct histogram stored_seconds; /* from reading a frame until it is known to be stored */
};
const struct gateway_core_stats *gateway_core_stats(const struct gateway_core *c);

/* Boards that somebody has open here, and of which no owner was heard for so long. */
uint64_t gateway_core_unowned_boards(const struct gateway_core *c, uint64_t now_ms);

#endif
