/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the gateway's core share. They stand in floors: each calls what is below it,
 * and none of its own floor.
 *
 *   gateway_core.c        the broker's messages, time, questions over HTTP
 *   client.c              frames from a socket: hello, strokes, requests
 *   attach.c              the numbered lists that tell the board service who is here
 *   answers.c             what history answers
 *   board.c               events, states and epochs from the board service
 *   joining.c             from the hello to the welcome
 *   trust.c               which numbers and senders are believed
 *   pull.c                what a socket gets next
 *   replay.c              pages from history, for cursors older than the window
 *   pointer.c             where the drawer's pointer is, beside the log
 *   ruled.c               how the board is ruled, and what its owner does to it
 *   session.c             a person's place at a board; frames until acked or lost
 *   resend.c              when frames go to the owner, and when again
 *   gateway_invariants.c  what is true at the end of each entry
 *   core.c                finding, marking, telling a client an error; no decisions
 *
 * Below them, and without this header: window.c, the newest events, framed.
 */
#ifndef EASEL_GATEWAY_CORE_PRIVATE_H
#define EASEL_GATEWAY_CORE_PRIVATE_H

#include <sys/queue.h>

#include "gateway_core.h"
#include "idmap.h"
#include "items.h"
#include "stroke.h"
#include "window.h"

#define MARKS_OF_OWNER (MARK_BUSY | MARK_NEARLY_FULL | MARK_FULL)

/* ---- sessions -------------------------------------------------------------------------------- */

/* A drawer's frame that the log has not stored yet. */
struct kept {
    TAILQ_ENTRY(kept) link; /* session.kept, in order of cseq */
    uint64_t term;
    uint64_t number; /* the client's count of its frames, for errors */
    uint64_t came_ms;
    uint32_t cseq;
    uint32_t len;
    bool sent; /* to some owner */
    uint8_t frame[];
};

/* One instance (a page) of one member at one board: its entry in the attach list. It outlives its
 * connection until its frames are acked or lost and its grace is over. */
struct session {
    LIST_ENTRY(session) link; /* board.sessions */
    struct board *board;
    struct client *client; /* NULL: the connection is lost */
    struct id member;
    uint64_t instance, conn;
    uint64_t came; /* its newest hello */
    bool goes;     /* its page said so, and may be loaded again */
    bool unsaid; /* it did not say yet whether it wants the pen: what stands at the owner goes on */
    enum role role;
    uint64_t links;         /* the generation of its link */
    uint64_t refused_until; /* the pen was; 0: it was not */
    char name[NAME_BYTES_MAX + 1];
    unsigned flags; /* enum member_flag */
    uint64_t lost_at;

    enum pen_request request;
    uint64_t served_at; /* offset of the grant that serves the request, not stored yet; 0: none */

    uint64_t term; /* "own": the newest term granted to this instance; 0: none */
    TAILQ_HEAD(kept_frames, kept) kept;
    unsigned kept_count;
    size_t kept_bytes;
    bool full;            /* no more may be read from it until some of it is stored */
    uint64_t kept_term;   /* the term and */
    uint32_t kept_cseq;   /* cseq of the newest frame that came from the client; 0: none yet */
    uint32_t logged;      /* newest cseq of `term` that the log is known to have */
    uint64_t logged_at;   /* where that one stands; UINT64_MAX: not known */
    unsigned holes;       /* how often the owner wanted a frame that never came */
    uint64_t wanted_at;   /* when it last wanted any */
    struct stroke stroke; /* under way, as far as it came through here */
    struct kept *again;   /* what comes again on this connection is this one or a later one */

    struct {
        struct kept *next;  /* the first one that is to be sent; NULL: none */
        bool alone;         /* it goes alone: the others wait for an answer */
        uint64_t at;        /* without an answer it goes again; UINT64_MAX: the log has all */
        uint64_t wait_ms;   /* and then again after so long */
        uint64_t wanted_at; /* when the owner's wish for the frame */
        uint32_t wanted;    /* of that cseq was served */
        uint32_t credit;    /* bytes that it may send in its turn */
        bool in_turn;       /* it stands in core.resend.turns */
        TAILQ_ENTRY(session) turn_link;
    } resend;

    struct {
        uint64_t due; /* not before then is a place sent */
        uint32_t x, y;
        bool waits;
    } pointer;
};

/* A question to history until its answer comes. It keeps its number when it goes again (after 1, 2,
 * 2 ... s, and when the link is up anew): an answer counts however late it is, and a history
 * service where it still waits knows the repeat. */
struct ask {
    uint64_t nonce, sent_at, again_ms; /* nonce 0: none */
};

/* ---- clients --------------------------------------------------------------------------------- */

enum client_state {
    CLIENT_NEW,     /* no hello yet */
    CLIENT_JOINING, /* waits for a seat, and for what only history knows */
    CLIENT_LIVE,    /* was welcomed (or is as soon as it pulls) */
    CLIENT_CLOSING, /* gets its error and is closed */
};

enum client_flag { /* frames that wait to be made by the next pull */
                   PULL_WELCOME = 1,
                   PULL_CUT = 2,
                   PULL_STATE = 4,
                   PULL_MARK = 8,
                   PULL_ERROR = 16,
                   PULL_POINTER = 32,
                   PULL_GOAWAY = 64,
                   PULL_RULES = 128,
                   PULL_TOKEN = 256,
};

struct client {
    LIST_ENTRY(client) link;        /* board.clients */
    TAILQ_ENTRY(client) dirty_link; /* core.dirty */
    bool dirty, slow;
    struct gateway_core *core;
    void *shell;
    uint64_t address; /* a hash of where it comes from */
    enum client_state state;
    struct board *board;     /* NULL before hello */
    struct session *session; /* NULL before hello and after replaced */

    uint64_t number; /* frames received on this connection */
    uint64_t term;   /* of the newest drawer's frame on it, */
    uint64_t cseq;   /* and the first one in that term */
    uint64_t knows;  /* its mark is at most this: an owner or history told it, not the client */
    unsigned flags;
    uint64_t cursor; /* the last offset that it was sent */
    uint64_t cut_to;
    uint64_t since;      /* a join by time: not found yet; NIL otherwise */
    uint64_t answer;     /* the number of the question of its board that it waits for; 0: none */
    uint64_t waiting_at; /* when it is told (again) that its hello has no answer yet */
    bool from_base;      /* its cursor starts at the base that the state tells */
    uint64_t features;   /* what it knows, as its hello says */
    uint64_t told, told_flags, told_at; /* the newest mark frame it was sent */
    uint64_t awaited, drawn_ms;         /* an event on its way to it, as a sample; 0: none */

    uint64_t goaway_ms;  /* as the frame says it */
    uint64_t expires_at; /* its token; UINT64_MAX: never */
    uint64_t exp_s;      /* the same, as the token says it; 0: never */
    bool ends;           /* with this error: */
    enum error_code error;
    const char *sentence;
    char *told_sentence; /* of an owner, owned; NULL: none */
    uint64_t error_number;
};

/* ---- boards ---------------------------------------------------------------------------------- */

struct page {
    LIST_ENTRY(page) link; /* board.pages */
    struct window events;  /* used as a plain run of events */
    uint64_t used_at;
};

struct read_request {
    struct ask ask; /* nonce 0: free */
    uint64_t from;
};

struct board {
    struct gateway_core *core;
    struct id id;
    unsigned shard;
    struct id owner;   /* of the window's epoch; empty: not known */
    uint64_t heard_at; /* an owner of the newest epoch said something then */
    struct {
        uint64_t confirmed;      /* the largest epoch or offset that history told us */
        uint64_t nonce, look_at; /* our question to it (0: none waits); when the next may go */
    } trust;
    uint64_t incarnation; /* of the store that all here is of; 0: not known */
    struct window window;
    uint64_t head;          /* as the owner told, at least window_applied */
    unsigned mark_flags;    /* MARKS_OF_OWNER, as it told */
    uint64_t lag_since;     /* applied < told, or a hole above, since then; 0: no */
    uint64_t mark_moved_at; /* the first move that not all clients were told; 0: all know */
    uint64_t behind_since;  /* head is above the told mark, and that did not move since then */
    bool unsaved;           /* MARK_UNSAVED is told */
    uint64_t asked_at;      /* frames went to the owner since then and it said nothing; 0: no */
    uint64_t probe_at, probe_ms; /* while it says nothing: when one frame goes again */

    struct msg_board_state state;     /* number 0: none yet in this epoch */
    char name[NAME_BYTES_MAX];        /* what its spans point to, */
    struct buf members;               /* encoded member tuples */
    uint64_t grace_until, pass_until; /* and when its times end; 0: not under way */

    struct {
        struct buf event;        /* the newest ev_rules that is stored; empty: none */
        struct msg_ev_rules now; /* what it says */
        struct buf outside;      /* encoded outsider tuples */
        uint32_t outside_count;
    } rules;

    struct {
        struct id member;
        uint32_t x, y;
        uint64_t at;
    } pointer; /* the newest that the owner told */

    LIST_HEAD(, session) sessions;
    unsigned session_count;
    LIST_HEAD(, client) clients;
    LIST_HEAD(, page) pages;
    unsigned page_count;
    struct read_request reads[PAGES_MAX];
    struct ask tail; /* how far does the stored log reach? */
    struct {
        struct ask ask; /* which is the first event */
        uint64_t since; /* of that time? */
    } seek;

    uint64_t said_due; /* when what members say of themselves may go out again, */
    bool said;         /* and whether something waits for that */

    bool deleting;
    uint64_t delete_nonce, delete_until;
    LIST_ENTRY(board) busy_link; /* core.busy: boards that time must look at */
    bool busy;
};

struct shard {
    uint64_t attach_due; /* when the next list goes out */
    bool attach_dirty;
    uint64_t attach_sent_at, attach_bytes; /* of the newest list */
    uint64_t asked_due;                    /* when a list that is asked for may go out again */
    struct id not_owner; /* said since the last tick that it does not own this shard */
};

struct gateway_core {
    struct gateway_core_config config;
    struct outbox *outbox;
    uint64_t now;        /* of the call under way */
    uint64_t random;     /* state of the nonces */
    struct idmap boards; /* those open here */
    struct shard *shard;
    uint64_t attach_number;
    TAILQ_HEAD(, client) dirty;
    LIST_HEAD(, board) busy;
    struct {
        TAILQ_HEAD(, session) turns; /* who has frames that go again, or went not yet */
        int64_t bytes;               /* may be sent now; below 0 after a long frame */
        uint64_t filled_at;
    } resend;
    bool link_up, link_silent;
    uint64_t link_up_at; /* what went before then may be lost */
    bool not_owners;     /* some shard's not_owner is set */
    uint64_t next_tick;
    size_t heartbeat_slot;       /* of boards: where the sweep goes on */
    struct http_answer *answers; /* a ring of ANSWERS_MAX */
    unsigned answer_first, answer_count;
    struct gateway_core_stats stats;
};

/* All boards, of which none may be opened or dropped meanwhile. */
#define BOARD_FOREACH(b, c)                                                                        \
    for (size_t slot = 0; slot < (c)->boards.slots; slot++)                                        \
        if (((b) = idmap_at(&(c)->boards, slot)))

/* ---- core.c: no decisions ------------------------------------------------------------------- */

uint64_t core_nonce(struct gateway_core *c);
void core_answer(struct gateway_core *c, const struct http_answer *answer);
void core_ask_history(struct gateway_core *c, const struct id *board,
                      const struct message_type *type, const void *message);

void board_wake(struct board *b);                                 /* let time look at it */
bool board_lists(const struct board *b, const struct id *member); /* with a seat, by the state */
void attach_changed(struct board *b);
void attach_said(struct board *b);                    /* a member changed what it says of itself */
bool attach_said_tick(struct board *b, uint64_t now); /* true: something waits */

void session_lose_client(struct session *s, uint64_t now);
bool session_draws(const struct session *s); /* its instance has the pen, as far as we know */

void client_touch(struct client *cl, unsigned flags); /* onto the dirty list, and these wait */
/* It is told that, with its own sentence of the error where `sentence` is NULL, and is closed. */
void client_fail(struct client *cl, enum error_code error, const char *sentence, uint64_t number);
void client_warn(struct client *cl, enum error_code error, const char *sentence, uint64_t number);

/* ---- session.c ------------------------------------------------------------------------------ */

struct session *session_find(struct board *b, const struct id *member, uint64_t instance);
/* NULL: too many wait for a seat, and none of them makes way. */
struct session *session_create(struct board *b, const struct id *member, uint64_t instance,
                               enum role role, uint64_t address);
/* The member has a new instance: of the older ones only those stay that have unsaved frames. */
void session_outdated(struct board *b, const struct session *newest);
void session_destroy(struct session *s);
void session_tick(struct session *s, uint64_t now);
/* A frame from the client that is next in cseq: kept and sent. */
void session_keep(struct session *s, uint64_t now, uint64_t number, uint64_t term, uint32_t cseq,
                  struct span frame);
/* The client sends a frame again that it sent before: on this connection it has another number. */
void session_repeated(struct session *s, uint64_t number, uint64_t term, uint32_t cseq);
/* Its frames may come again from the first one on: there is a new connection. */
void session_expect_repeats(struct session *s);
const struct kept *session_kept(const struct session *s, uint64_t term, uint32_t cseq);
/* The owner says that this frame can never be an event: it and all behind it are forgotten. */
void session_reject(struct session *s, const struct kept *k);
/* An own event stands in the window. Now and then somebody who looks on is chosen, and its copy of
 * the event followed until it leaves. */
void session_logged(struct session *s, uint64_t now, const struct event *e, uint64_t offset);
void session_acked(struct session *s, uint64_t now, uint64_t term, uint32_t cseq);
void session_granted(struct session *s, uint64_t term, bool stored);
void session_learn_term(struct session *s); /* from the board's state */
void session_learn_line(struct session *s, uint64_t line);
/* Time has passed since its connection was lost: true when nothing is left to wait for. */
bool session_is_over(const struct session *s, uint64_t now);
/* Of those without a connection only as many stay as the board's seats give reason for. */
bool session_forget_gone(struct board *b); /* true: some went */
void session_cut(struct session *s, uint64_t now, uint64_t to);
void session_drop_kept(struct session *s, uint64_t now, uint64_t term, uint32_t above_cseq);

/* ---- resend.c ------------------------------------------------------------------------------- */

void resend_kept(struct session *s, uint64_t now, struct kept *k); /* the newest, from its client */
void resend_forgotten(struct session *s, const struct kept *k);    /* before it is freed */
void resend_answered(struct session *s, uint64_t now);             /* the log has more of it */
void resend_wanted(struct session *s, uint64_t now, const struct msg_want *m);
void resend_wait(struct session *s, uint64_t now);           /* for an answer, as from now on */
void resend_leave(struct session *s);                        /* before the session is freed */
void resend_heard(struct board *b, uint64_t now, bool news); /* the owner, or a new one, is there */
bool resend_tick(struct board *b, uint64_t now);       /* true: something waits for an answer */
void resend_run(struct gateway_core *c, uint64_t now); /* whoever has its turn sends */

/* ---- pointer.c ------------------------------------------------------------------------------ */

void pointer_moved(struct session *s, uint64_t now, const struct msg_pointer *m);
bool pointer_tick(struct session *s, uint64_t now); /* true: a place waits */
void pointer_told(struct board *b, uint64_t now, const struct msg_pointed *m);
bool pointer_fresh(const struct client *cl, uint64_t now); /* it may have the newest */

/* ---- ruled.c -------------------------------------------------------------------------------- */

bool ruled_are_whole(const struct msg_board_state *m);
void ruled_told(struct board *b, const struct msg_board_state *m);
void ruled_free(struct board *b);
void ruled_welcome(struct client *cl); /* who comes is told them, if there are any */
/* It ended its own link itself, and is to get another one. */
bool ruled_owe_token(const struct client *cl);
/* Whom the pen was refused is told so, once that is stored. */
void ruled_refused(struct board *b, uint64_t now, const struct msg_ev_refuse *m);
/* False: it may not ask for the pen (now), and was told. */
bool ruled_let_ask(struct client *cl, uint64_t now);
/* A frame about the rules, or about who gets the pen; `may`: its sender is one who may do that. */
void ruled_deed(struct client *cl, bool may, struct span frame);

/* ---- replay.c ------------------------------------------------------------------------------- */

const struct event *replay_event(struct board *b, uint64_t now, uint64_t offset);
bool replay_has(const struct board *b, uint64_t offset); /* asks for nothing */
void replay_keep(struct board *b, uint64_t now, const struct msg_page *m);
void replay_touch_readers(struct board *b);      /* there may be something for them */
bool replay_seeks(const struct client *cl);      /* it joins by time, */
void replay_seek(struct board *b, uint64_t now); /* and so the first event of that is asked for */
bool replay_asks_tail(const struct client *cl);  /* it knows more than we do, */
void replay_ask_tail(struct board *b, uint64_t now); /* and so is asked how far the board reaches */
void replay_tick(struct board *b, uint64_t now);
void replay_forget(struct board *b); /* the pages, and what is asked for */

/* ---- pull.c --------------------------------------------------------------------------------- */

void client_note_slow(struct client *cl);

/* ---- trust.c -------------------------------------------------------------------------------- */

/* Whether numbers of this board as large as that are believed; if not, history is asked. */
bool trust_number(struct board *b, uint64_t now, uint64_t largest);
void trust_confirmed(struct board *b, uint64_t number); /* history says so */
/* Whether what is of that incarnation of the store counts; if not, history is asked. */
bool trust_incarnation(struct board *b, uint64_t now, uint64_t incarnation);
/* Whether it may speak as the owner in the window's epoch. */
bool trust_owner(struct board *b, const struct id *sender);
/* Whether it may say that the board is gone; if not, history is asked. */
bool trust_no_board(struct board *b, uint64_t now, const struct id *sender);

/* ---- joining.c ------------------------------------------------------------------------------ */

void client_seated(struct client *cl, uint64_t now); /* the state may let it in */
bool client_lacks(struct client *cl); /* what the board uses: then it is told, and closed */
void joining_tick(struct client *cl, uint64_t now);

/* ---- board.c -------------------------------------------------------------------------------- */

struct board *board_obtain(struct gateway_core *c, const struct id *id); /* NULL: too many */
void board_drop_if_unused(struct board *b);
void board_destroy(struct board *b);
void board_tick(struct board *b, uint64_t now);
void board_new_epoch(struct board *b, uint64_t now, uint64_t epoch);
void board_events(struct board *b, uint64_t now, const struct id *sender,
                  const struct msg_events *m);
void board_told_state(struct board *b, uint64_t now, const struct id *sender,
                      const struct msg_board_state *m);
void board_not_there(struct board *b);
/* The store is of another past: clients are to begin anew, and what is known here counts for
 * nothing. */
void board_restored(struct board *b, uint64_t incarnation);
void board_heartbeat(struct board *b, uint64_t now);
/* `anew`: it is up, and what was on its way to the owner before is lost. */
void board_link_changed(struct board *b, uint64_t now, bool anew);

/* ---- answers.c ------------------------------------------------------------------------------ */

void answers_page(struct board *b, uint64_t now, const struct msg_page *m);
void answers_behind(struct board *b, uint64_t now, const struct msg_behind *m);
/* True: it answers us. The board may have ended by that. */
bool answers_looked(struct board *b, const struct msg_looked *m);

/* ---- attach.c ------------------------------------------------------------------------------- */

uint64_t attach_due(const struct shard *s);
/* Somebody asks for the list of a shard: it goes out at once, though not as often as one asks. */
void attach_asked(struct gateway_core *c, uint64_t now, unsigned shard);
void attach_tick(struct gateway_core *c, uint64_t now);

#endif
