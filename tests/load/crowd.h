/* SPDX-License-Identifier: Apache-2.0
 *
 * The people: on each board one draws and the others watch. A member speaks easel.v1 and checks
 * what it is sent; what all of them see is added up in one place.
 */
#ifndef EASEL_LOAD_CROWD_H
#define EASEL_LOAD_CROWD_H

#include "messages.h"
#include "stats.h"
#include "ws_client.h"

#define FRAMES_UNSAVED_MAX 1024u /* of a drawer; beyond it does not draw, and says so */
#define FRAMES_A_STROKE    20u
#define TOKEN_BYTES_MAX    512u
#define PORTS_MAX          16u

/* A frame under way. Times are of now_ns. */
struct sent {
    uint64_t cseq;
    uint64_t offset; /* 0: not known yet */
    uint64_t at_ns, first_seen_ns;
    unsigned seen; /* by how many viewers that read */
};

struct board {
    struct id id;
    char own[TOKEN_BYTES_MAX], draw[TOKEN_BYTES_MAX], watch[TOKEN_BYTES_MAX];
    struct member *drawer;
    unsigned readers; /* viewers that read all the time: all but the stalled and those who go */
    uint64_t term;    /* stored; 0: the drawer has no pen yet */
    uint64_t cseq;    /* newest sent */
    uint64_t saved;   /* newest cseq at or below the mark */
    struct sent sent[FRAMES_UNSAVED_MAX];
};

/* What a viewer does besides watching. */
enum errand {
    STAYS,
    DROPS,  /* an owner whose line breaks for longer than the grace, again and again */
    RELOADS /* comes as a new instance, several times in a row, at another gateway each time */
};

struct member {
    struct ws_client ws; /* first: epoll gives us this */
    struct crowd *crowd;
    struct board *board;
    const char *token;
    bool draws, stalled;
    enum errand errand;
    bool away;        /* its line is broken, by itself */
    unsigned burst;   /* reloads that are left of this row */
    uint64_t step_ns; /* when it does the next step of its errand */
    bool waits;       /* for its welcome, after it came back */
    uint64_t came_ns; /* when it came back */
    bool welcome;     /* it is where it wants to be; a drawer: it has the pen */
    bool was_cut;     /* the next event may repeat a cseq */
    struct id id;     /* as the service names it */
    uint8_t session[16];
    uint64_t instance, conn, hellos, welcomes;
    uint64_t applied, told; /* offsets */
    uint64_t grant;         /* drawer: the offset of its newest grant */
    uint64_t cseq;          /* newest seen */
};

struct tally {
    uint64_t frames, deliveries, bytes;
    uint64_t lost, repeated, disordered;     /* these three must stay 0 */
    uint64_t closed, errors, pens_lost, bad; /* and these: nothing should fail in a load run */
    uint64_t shut_out;                       /* and this: came back, and was not let in in time */
    uint64_t cuts, held, waits, troubled;    /* these may happen */
    uint64_t came_back, reloaded;            /* of those who go */
};

/* In microseconds. */
struct latencies {
    struct histogram view, stored, skew, back; /* back: of those who go, to the welcome */
};

struct crowd {
    struct board *boards;
    struct member *members; /* members_each in a row are of one board, the drawer first */
    unsigned board_count, members_each;
    uint16_t ports[PORTS_MAX]; /* of the gateways */
    unsigned port_count;
    int epoll;
    bool relay; /* drives the bare relay instead: no hello, no pen, events are sent as they are */
    bool measuring;  /* latencies count */
    unsigned points; /* a frame */
    unsigned welcome;
    unsigned complaints;
    struct tally tally;
    struct latencies latencies;
};

extern const struct ws_client_handler MEMBER;

/* A finding: counts it, and says the first few of them. */
void complain(struct member *m, uint64_t *counter, const char *what, struct span why);

/* Takes the frame. */
void member_send(struct member *m, struct buf *frame);

/* The drawer of a board sends its next frame. */
void draw(struct board *b);

/* How many frames some viewer or the store does not have yet. */
uint64_t crowd_missing(const struct crowd *c);

#endif
