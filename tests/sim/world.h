/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator: gateways, board services and history services (the real cores) with people who
 * draw and watch, in one process, under a simulated network, store and clock. One seed decides
 * everything that happens, so a failure can be run again, step by step.
 *
 *   world.c    processes, their turns, the clock
 *   faults.c   what breaks
 *   broker.c   exchanges and queues: loss, delay, repeats, returns
 *   memory.c   a store in memory that can be away, or answer "unknown"
 *   person.c   a client: its log, its frames, what it does
 *   hostile.c  a client that makes its numbers up
 *   ends.c     a board is deleted
 *   restore.c  a backup is restored
 *   promises.c P1..P5, checked while it runs and at the end
 */
#ifndef EASEL_SIM_WORLD_H
#define EASEL_SIM_WORLD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "board_core.h"
#include "gateway_core.h"
#include "history_core.h"
#include "link.h"
#include "sharing.h"

#define SHARDS          2u
#define BOARDS          2u
#define GATEWAYS        3u
#define BOARD_CORES     3u
#define HISTORIES       2u
#define PROCESSES       (GATEWAYS + BOARD_CORES + HISTORIES)
#define PEOPLE          12u
#define SEATS           4u
#define SEAT_KEEP_MS    UINT64_C(15000)
#define EVENTS_MAX      100000u /* more than anybody draws; but in some worlds boards get full */
#define EVENTS_FEW      300u
#define FEW_EVERY       8u
#define QUIET_END_EVERY 3u
#define END_EVERY       4u /* in so many worlds a board is deleted, */
#define RESTORE_EVERY   8u /* and in so many others a backup is restored */
#define BYTES_PER_S     65536u
#define TROUBLE_MS      40000u /* faults happen so long */
#define QUIET_MS        30000u /* then people go on without */
#define REST_TRIES      60u    /* seconds, for things to be at rest all at once */
#define SILENT_MS       20000u /* then nobody draws, and all must come to rest */
#define WELL_MS         15000u /* after the last fault and the last frame all is well */
#define CALM_MS         10000u /* before the last fault */
#define SLACK_MS        2000u  /* what was stored so lately may be on its way */
#define JOIN_MS         5000u  /* who comes then is welcomed, or told why not */
#define DEAD_MS_MAX     4200u  /* who was killed is back */
#define POINT_BYTES     4u

struct world;

/* ---- chance ---------------------------------------------------------------------------------- */

uint64_t chance(struct world *w);            /* 64 random bits */
uint64_t below(struct world *w, uint64_t n); /* 0 .. n - 1 */
bool odds(struct world *w, unsigned in_ten_thousand);

/* ---- the clock ------------------------------------------------------------------------------- */

enum happening {
    WAKE,     /* a process looks at its deadlines */
    DELIVERY, /* a broker message arrives at a process */
    RETURN,   /* a mandatory message came back */
    BOUND, /* a shard is bound (arg % 2: 1), or consumed, by this process, or is not (0) any more */
    ROUND, /* a history core takes the next step of its round */
    READ,  /* a history core answers a read */
    TO_GATEWAY, /* bytes of a person arrive at its gateway */
    TO_PERSON,  /* bytes of a gateway arrive at the person */
    HANG_UP,    /* a socket is closed, seen by the gateway */
    HUNG_UP,    /* a socket is closed, seen by the person */
    ACT,        /* a person does something */
    HOSTILE_ACT,
    FAULT, /* something breaks */
    END,   /* a board is to be deleted; for its age (arg 1), by its owner (0) */
    BACKUP,
    RESTORE,
    QUEUED, /* a message to a shard's history whose queue nobody consumes */
    START,  /* a process starts again */
    LINK,   /* a process's broker link goes up or down (arg: enum link_change) */
    SILENT  /* nothing comes back by it (arg 1), or something does again (0) */
};

struct event {
    uint64_t at, order;
    enum happening what;
    unsigned who;        /* process or person */
    unsigned generation; /* of the process, or connection of the person */
    unsigned arg;
    uint64_t sent_at;
    struct buf bytes;
    char key[40];
};

void happen(struct world *w, uint64_t at, struct event e);
/* Later, but still before what was sent after it. */
void postpone(struct world *w, uint64_t at, const struct event *e);
struct event next_event(struct world *w); /* there is one */

/* ---- processes ------------------------------------------------------------------------------- */

enum kind { GATEWAY, BOARD_CORE, HISTORY };

/* Both of its connections, or the publishing one alone. */
enum link_change { LINK_DOWN, LINK_UP, PUBLISHER_DOWN, PUBLISHER_UP };

struct process {
    enum kind kind;
    bool alive;
    bool linked;                     /* both connections are up, as it was told */
    bool hearing;                    /* the consuming one is */
    uint64_t mute_until, deaf_until; /* a connection is there and carries nothing */
    uint64_t drops_until;            /* its queue loses some of what comes: */
    unsigned drops;                  /* so many of 10,000 messages */
    unsigned generation;
    uint64_t frozen_until, wake_at;
    struct id id;
    struct gateway_core *gateway;
    struct board_core *board;
    struct history_core *history;
    struct sharing *sharing; /* of a history service */
    uint64_t incarnation;    /* of the store that it opened */
    struct buf opened; /* of a board service: the newest answer to an open that was sent to it */
    bool wants[SHARDS], bound[SHARDS];
    bool in_round;
    const struct history_plan *plan; /* its records wait to be inserted, or settled */
    bool inserted;
    int results[64];
    struct world *world;
    struct trace trace; /* its core tells why, with --verbose */
};

/* ---- store ----------------------------------------------------------------------------------- */

struct stored_record {
    struct record record;
    struct buf events;
};

struct memory {
    struct stored_record *records;
    unsigned count, cap;
    uint64_t away_until, grown_at;
};

int memory_last(struct world *w, const struct id *board, struct record *ret);
/* The ev_rules that the state of that last record names; empty: it names none. */
struct span memory_rules(const struct world *w, const struct record *last);
int memory_append(struct world *w, const struct record *record);
void memory_free(struct memory *m);

/* ---- people ---------------------------------------------------------------------------------- */

/* What the checks compare of an event. */
struct seen {
    uint64_t hash; /* of all that is the same for everybody */
    uint64_t term;
    uint32_t cseq;
    uint32_t code;
    uint32_t author, counter; /* drawn into the points */
    uint32_t points;          /* how many */
    uint64_t clear, start;    /* of a restore */
    uint64_t flags;           /* of the rules */
    struct id member;         /* of a grant */
    uint64_t instance, ended;
    uint32_t last;
};

struct own_frame {
    uint64_t term;
    uint32_t cseq, counter;
    enum { STROKE, GO_ON, CLEAR, UNCLEAR, PASS } what;
    uint16_t points, flags; /* of a stroke, and of what goes on with it */
    struct id to;           /* of a pass */
    uint64_t clear;         /* of a restore */
};

/* Somebody who draws a stroke longer than strokes can be, where it would be noticed least: its
 * first part is stored, another owner has the board, and it comes by way of another gateway. */
enum greed { NO_GREED, WAITS_FOR_OWNER, CHANGES_GATEWAY };

struct person {
    unsigned number, board;
    struct id member;
    uint64_t instance, conn;
    uint32_t author; /* a new one for each instance */
    enum role role;
    bool tab;             /* shares its member with the person before */
    uint64_t incarnation; /* of the store that all it knows is of; 0: not known */

    /* connection */
    unsigned gateway, gateway_generation;
    struct client *client; /* at the gateway; NULL: not connected */
    unsigned connection;   /* counts connections */
    bool welcomed, reading, replaced, full;
    uint64_t links; /* the generation of its link */
    uint64_t rules; /* the newest that it was told */
    bool gone;      /* it was told that there is no such board */
    bool reloaded;  /* since it called: what the old line still says is nobody's */
    uint64_t last_to_gateway, last_to_person, connected_at;

    /* log */
    bool fresh; /* nothing applied yet: joins from the base */
    uint64_t start, applied, told, head;
    uint64_t pen_term; /* as the newest state says */
    struct seen *log;  /* log[offset - start - 1] */
    size_t log_cap;

    /* pen */
    uint64_t term;         /* the newest stored grant to this instance */
    uint64_t newest_grant; /* offset of the newest grant in the log, stored or not */
    uint32_t cseq;         /* last used */
    struct own_frame *frames;
    size_t frame_count, frame_cap;
    size_t frame_first; /* frames before it are acked or lost */
    uint32_t counter;
    uint32_t stroke_points; /* of the stroke under way; 0: there is none */
    enum greed greed;
    bool cheated, caught; /* this instance sent what breaks a rule; and heard so */
    uint64_t acked, lost;
};

#define HOSTILE_AUTHOR 0xffffu /* drawn into their points */

struct hostile {
    unsigned board, gateway;
    struct id member;
    uint64_t instance, conn;
    struct client *client; /* NULL: not connected */
};

void hostile_start(struct world *w, unsigned number);
void hostile_act(struct world *w, struct hostile *h);
void hostile_leave(struct world *w, struct hostile *h);

char *make_link(void *owner, const struct identity *who);
int authenticate_person(void *owner, uint64_t now_ms, struct span token, struct span session,
                        struct identity *ret);
void plan_ruling(struct world *w); /* in some worlds */
/* True: `ret` is a deed of this person's. */
bool ruling_act(struct world *w, struct person *p, struct buf *ret);
void ruling_told(struct world *w, struct person *p, const struct msg_rules *m);
void ruling_token(struct world *w, struct person *p, const struct msg_token *m);
void ruling_link_ended(struct world *w, struct person *p);
void promise_ruled(struct world *w, const struct person *p); /* who is there may be there */
void promise_ruling(struct world *w, unsigned board, const struct seen *event, uint64_t tail);

void person_start(struct world *w, unsigned number);
void person_act(struct world *w, struct person *p);
void person_receive(struct world *w, struct person *p, struct span message);
void person_hung_up(struct world *w, struct person *p);
uint64_t person_mark(const struct person *p);
void person_leave(struct world *w, struct person *p); /* its connection ends */
void person_free(struct person *p);
int seen_event(struct cursor *in, uint64_t *ret_offset, struct seen *ret);
uint64_t seen_hash(uint32_t code, uint64_t term, uint32_t cseq, uint32_t author, uint32_t counter);

/* ---- promises -------------------------------------------------------------------------------- */

struct acked {
    unsigned board;
    uint64_t term;
    uint32_t cseq, author, counter;
};

struct truth {      /* what was told to be stored, by offset */
    uint64_t *hash; /* 0: nobody was told yet */
    size_t cap;
};

/* A check of a core that fails from now on is a broken promise of this world, and goes to its
 * check_failed. */
void promise_checks(struct world *w);
void promise_stored(struct world *w, const struct person *p, uint64_t offset);
void promise_acked(struct world *w, const struct person *p, const struct own_frame *f);
void promise_pointer(struct world *w, const struct person *p, const struct msg_pointer_at *m);
void promise_seats(struct world *w, unsigned board, struct list members);
void promise_there(struct world *w, const struct person *p);    /* it is welcomed */
void promise_no_board(struct world *w, const struct person *p); /* it is told so */
void promise_restored(struct world *w); /* what was promised since the backup does not count */
/* What everybody must have seen soon. */
struct due {
    uint64_t tail, grant;
};
struct due promise_due(struct world *w, unsigned board);
void promise_well(struct world *w, const struct person *p, const struct due *due);
void check_at_rest(struct world *w);
void fail(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- the world ------------------------------------------------------------------------------- */

struct world {
    uint64_t seed, random, now, order, steps;
    struct event *heap;
    size_t heap_count, heap_cap;
    struct process process[PROCESSES];
    uint64_t last_delivery[PROCESSES][PROCESSES]; /* the broker keeps the order of a pair */
    struct memory store;
    uint64_t incarnation;  /* of the store, from 1 on */
    unsigned backup_count; /* its records when the backup was made */
    bool backup_at_open;   /* it is made right before the next open */
    struct person person[PEOPLE];
    struct hostile hostile[BOARDS];
    struct id board_id[BOARDS];
    uint64_t events_max; /* of each board */
    struct truth truth[BOARDS];
    struct acked *acked;
    size_t acked_count, acked_cap;
    bool trouble; /* faults happen, */
    uint64_t trouble_until;
    bool calm;            /* no new faults, and people only draw */
    bool silent;          /* nobody draws */
    struct process *hurt; /* by the last fault; nobody comes to this gateway any more */
    bool closed;          /* nobody comes any more */
    bool ruled;           /* who owns a board rules it */
    bool settled;         /* it is long since the last fault */
    unsigned doomed;      /* the board that is deleted; BOARDS: none */
    uint32_t authors;
    uint64_t broker_down_until;
    uint64_t broker_stands_until; /* takes what is sent, and delivers nothing before */
    bool verbose;
    char failure[400];
    jmp_buf check_failed; /* a core says that it is not what it must be */
    bool is_broken;       /* it did */
    struct {
        unsigned kills, freezes, cuts, epochs, reconnects, acked, lost, events, refused, pointers,
            caught, restores, deeds, voided;
        uint64_t resent, early; /* frames: by gateways again, at owners that could not take them */
    } count;
};

/* Runs one seed. Returns false when a promise broke; `w->failure` says which. */
bool world_run(struct world *w, uint64_t seed, bool verbose);
void world_free(struct world *w);
void turn(struct world *w, struct process *p);
void fault(struct world *w);      /* something breaks; the next thing in a while */
void last_fault(struct world *w); /* before the silence: some gateway's link carries nothing */
void plan_end(struct world *w);   /* of a board, perhaps */
void end_board(struct world *w, bool for_age);
bool is_restored(uint64_t seed); /* in its world a backup is restored */
void plan_restore(struct world *w);
void plan_backup(struct world *w); /* now, or before the next open */
void back_up_before(struct world *w, const struct record *record);
void restore_backup(struct world *w);
void broker_queued(struct world *w, const struct event *e); /* a QUEUED message is tried again */
void take_answers(struct world *w, struct process *p);      /* of a gateway, to who deletes */
bool board_is_gone(const struct world *w, unsigned board);
void kill_process(struct world *w, struct process *p);
void set_link(struct world *w, struct process *p, enum link_change change);
void pull_person(struct world *w, struct person *p); /* it reads again */
void broker_publish(struct world *w, struct process *from, const struct outbox_message *m);
struct process *random_process(struct world *w, enum kind kind); /* alive; NULL: none */
void say(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
