/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the gateway's shell share. Everything here runs on one loop and thread. They
 * stand in floors: each calls what is below it, and none of its own floor.
 *
 *   main.c        settings and the table of contents
 *   shell.c       the loop's turn, broker link, start and finish
 *   metrics.c     what /metrics tells
 *   drain.c       leaving
 *   listener.c    TCP: listens, and looks at all connections once a second
 *   http.c        HTTP: a request that is whole finds its way
 *   upgrade.c     from HTTP to WebSocket: who may, and the hand-over to libwebsockets
 *   api.c         the JSON API
 *   guest.c       HTTP: whose request it is, and whether it may use us
 *   answer.c      HTTP: answers
 *   visit.c       HTTP: one connection: whether it has a place, its bytes, its requests in turn
 *   ws.c          WebSocket: messages in, reading limits, closing
 *   flush.c       WebSocket: the way out
 *   connection.c  time; WebSocket: phases and ends
 *
 * Below them, and without this header: head.c, limit.c, request.c and tokens.c, which are pure;
 * received.c, which asks a socket, and web.c, which reads the page at the start.
 */
#ifndef EASEL_SHELL_PRIVATE_H
#define EASEL_SHELL_PRIVATE_H

#include <libwebsockets.h>
#include <sys/queue.h>
#include <uv.h>

#include "gateway_core.h"
#include "head.h"
#include "limit.h"
#include "metrics.h"
#include "request.h"
#include "service.h"
#include "tokens.h"
#include "web.h"

struct gateway_settings {
    const char *host, *public_url, *allowed_origins, *trusted_proxies;
    const char *secret, *secret_old, *create_token, *web_root;
    uint64_t port, creates_per_min, creates_per_day, codes_per_min;
    uint64_t connections_max, connections_per_address;
    uint64_t hello_timeout_s;
    uint64_t drain_delay_s, drain_per_s, drain_grace_s;
};

/* ---- HTTP ----------------------------------------------------------------------------------- */

enum visit_phase {
    VISIT_READS,   /* the next request is awaited; only now, and when it lingers, we read */
    VISIT_ASKED,   /* the core knows the question */
    VISIT_ANSWERS, /* the answer is on its way */
    VISIT_LINGERS, /* the last answer has left: what still comes is thrown away */
    VISIT_CLOSED,  /* freed soon */
};

enum question_kind {
    QUESTION_CREATE,
    QUESTION_LOOK,
    QUESTION_WATCH,
    QUESTION_LINKS,
    QUESTION_DELETE
};

struct question {
    TAILQ_ENTRY(question) link; /* gateway.questions */
    struct visit *visit;
    enum question_kind kind;
    bool deleting; /* the board is known, and the core told to delete it */
    uint64_t nonce, again_ms, until_ms;
    struct id board;
    uint64_t exp_s; /* of the links, as of the token that asked for them; 0: none */
    uint64_t links; /* the generation of that token */
    char name[NAME_BYTES_MAX + 1];
};

/* A request that is whole, or bad (head.status), and its answer. Its spans point into visit.in,
 * which nobody touches until the answer has left. */
struct request {
    struct head head;
    struct route route;
    struct span body, token; /* "Authorization: Bearer" */
    char link_base[300];     /* "https://host" */
    struct question *question;
    bool close_after;
    struct buf answer; /* the head, and the body unless it is a file */
    struct span file_body;
};

/* A TCP connection that speaks HTTP, from accept to its end or to the upgrade. */
struct visit {
    TAILQ_ENTRY(visit) link; /* gateway.visits */
    struct gateway *gateway;
    uv_tcp_t tcp;
    uv_write_t write;
    uv_shutdown_t shutdown;
    enum visit_phase phase;
    uint64_t since_ms;            /* this phase began, or made progress */
    size_t unsent;                /* of the answer, as the last sweep saw it */
    struct address peer, address; /* who connected; whose it is (behind a proxy: differs) */
    bool counted;                 /* limits_hold(address) */
    bool placed;                  /* limits_connect */
    unsigned over;                /* above a limit: the status that tells it; else 0 */
    struct buf in;
    struct request *request; /* NULL in VISIT_READS and VISIT_LINGERS */
};

/* ---- WebSocket ------------------------------------------------------------------------------ */

enum phase {
    PHASE_UPGRADE, /* libwebsockets has it, and has not said yet that it is open */
    PHASE_HELLO,   /* has not said hello */
    PHASE_JOINED,
    PHASE_FAILED,  /* its error frame and CLOSE wait until the socket takes them */
    PHASE_CLOSING, /* nothing may be written any more */
};

/* A WebSocket, from the hand-over to the end. */
struct connection {
    TAILQ_ENTRY(connection) link; /* gateway.connections */
    struct gateway *gateway;
    struct lws *wsi;
    enum phase phase;
    uint64_t since_ms; /* this phase began */
    uint64_t heard_ms; /* last sign of life */
    struct address address;
    bool counted; /* limits_hold(address) */
    bool opened;  /* it left PHASE_UPGRADE for PHASE_HELLO */

    struct client *client;                /* NULL before PHASE_HELLO and after a failure */
    struct buf message;                   /* an unfinished message */
    TAILQ_ENTRY(connection) waiting_link; /* gateway.slowed or .lingering */
    struct bucket reading;
    uint64_t seen_bytes;  /* that the socket had received before, and those that we were given */
    uint64_t other_bytes; /* received besides, and charged */
    bool slowed, lingering, reads_off, ping_due, waits_writeable;
    uint64_t pinged_ms, message_since_ms;
    uint64_t ending_ms; /* since when the core wants it closed; 0: it does not */
    uint64_t goaway_ms; /* when it was asked to go; 0: it was not */
    bool told_end;
    enum error_code error; /* of PHASE_FAILED */
    const char *sentence;  /* NULL: it was told already */
};

TAILQ_HEAD(visits, visit);
TAILQ_HEAD(connections, connection);
TAILQ_HEAD(questions, question);

struct shell_stats {
    uint64_t accepted, sockets, upgrades, upgrades_refused, messages, reassembly_bytes;
    uint64_t slowed, sent_messages, sent_bytes, sends, joined_sends, cut_frames, blocked_sends;
    uint64_t closed_silent, closed_slow;
    uint64_t bad_requests, foreign, courtesies_dropped;
    uint64_t http[6];              /* by hundreds of the status */
    uint64_t errors[ERROR_CODES];  /* that clients were told, those of the core not counted */
    struct histogram view_seconds; /* from reading a frame until it is given to a viewer's socket */
};

struct gateway {
    struct service service;
    struct gateway_settings settings;
    uv_check_t check;
    uv_timer_t sweep;

    uint64_t start_ms; /* gateway_now - the loop's clock: never changes */

    uint64_t leave_since_ms; /* service.leaving: SIGTERM came */
    bool draining;           /* later: takes no new sockets, and asks its clients to go */

    struct gateway_core *core;
    struct limits *limits;
    struct networks trusted;
    struct tokens_config tokens;
    struct web *web;

    uv_tcp_t listener;
    unsigned port;
    void (*serve)(struct visit *v); /* each request that is whole, or bad: http_request */
    struct visits visits;
    struct visit *swept_visit; /* where the sweep goes on */
    unsigned visit_count, courtesy_count;
    uint64_t foreign_logged_ms; /* 0: never */

    struct lws_context *context;
    struct lws_vhost *vhost;
    struct connection *upgrading; /* within the hand-over, until lws has it; else NULL */
    struct connections connections;
    struct connection *swept; /* where the sweep goes on */
    uint64_t connection_count;
    struct connections slowed, lingering;
    struct questions questions;
    unsigned question_count;

    struct pull pull;
    uint8_t scratch[LWS_PRE + 2 * TX_BYTES_MAX]; /* one more frame than TX_BYTES_MAX */
    struct shell_stats stats;
};

/* ---- connection.c: no decisions ------------------------------------------------------------- */

/* Milliseconds of a clock that nobody can set, the same for one turn of the loop: all deadlines are
 * in it. */
uint64_t gateway_now(const struct gateway *g);

void connection_phase(struct connection *c, enum phase phase);
/* Closes soon; allowed from everywhere. */
void connection_kill(struct connection *c);
void connection_read(struct connection *c, bool on);
void connection_ask_writeable(struct connection *c);
void connection_forget_message(struct connection *c);
void connection_drop_client(struct connection *c);
/* Tells the client that, with the error's own sentence where `sentence` is NULL, and closes. */
void connection_fail(struct connection *c, enum error_code error, const char *sentence);
void connection_end(struct connection *c, enum error_code error); /* it was told: closes only */
/* CLOSE has left: waits for the client to hang up. */
void connection_linger(struct connection *c);

/* ---- flush.c -------------------------------------------------------------------------------- */

/* Sends what the core has for this client, straight to the socket. */
void flush_client(struct connection *c);
/* In LWS_CALLBACK_SERVER_WRITEABLE. */
void flush_writeable(struct connection *c);

/* ---- ws.c ----------------------------------------------------------------------------------- */

void ws_open(struct connection *c);
void ws_receive(struct connection *c, const uint8_t *data, size_t len);
void ws_heard(struct connection *c);
/* No byte may follow: the peer closed, or lws does. */
void ws_closing(struct connection *c);
/* The peer's CLOSE came; `payload` begins with its code, if it has one. */
void ws_peer_closes(struct connection *c, const uint8_t *payload, size_t len);
void ws_closed(struct connection *c);
/* Reads or not, as the rate and the core want it. */
void ws_update_reading(struct connection *c);
void ws_sweep(struct connection *c, uint64_t now_ms);
/* Several times a second: who was slowed may go on, who lingers may be gone. */
void ws_tick(struct gateway *g);

/* ---- visit.c -------------------------------------------------------------------------------- */

/* A connection waits to be accepted. */
void visit_accept(struct gateway *g, uv_stream_t *listener);
void visit_close(struct visit *v);
void visit_sweep(struct visit *v, uint64_t now_ms);
/* The question is with the core; somebody calls one of answer_... later. */
void visit_asked(struct visit *v);
void visit_forget_question(struct visit *v);
/* Sends request.answer and .file_body, which are complete. Once per request. */
void visit_answer(struct visit *v);

/* ---- answer.c ------------------------------------------------------------------------------- */

/* One answer per request. `extra` is NULL or a header's name with its value. */
void answer_json(struct visit *v, unsigned status, const char *text, const char *extra,
                 const char *value);
void answer_empty(struct visit *v, unsigned status);
void answer_file(struct visit *v, unsigned status, const struct web_file *f);
void answer_moved(struct visit *v, const struct id *board); /* to its page */
void answer_error(struct visit *v, unsigned status, const char *sentence);
void answer_error_with(struct visit *v, unsigned status, const char *sentence, const char *extra,
                       const char *value);
/* 429 or 503, and after how many seconds to come again. */
void answer_later(struct visit *v, unsigned status, unsigned seconds, const char *sentence);
/* An error after which nothing more can be read: closes behind the answer. */
void answer_refuse(struct visit *v, unsigned status, const char *sentence);

/* ---- guest.c -------------------------------------------------------------------------------- */

/* Whose request it is, for the limits. */
void guest_learn_address(struct visit *v);
/* May this Host, and the page that asks, use us? Else an answer was given. */
bool guest_at_home(struct visit *v);

/* ---- api.c ---------------------------------------------------------------------------------- */

void api_request(struct visit *v);
void api_answers(struct gateway *g);
void api_tick(struct gateway *g, uint64_t now_ms);

/* ---- upgrade.c ------------------------------------------------------------------------------ */

/* Opens nothing: sockets come by hand-over. */
int upgrade_start(struct gateway *g);
/* To be called twice: lws closes its handles while the loop runs, and frees the rest after that. */
void upgrade_stop(struct gateway *g);
/* The request wants a WebSocket: it becomes one, and the visit ends; or an answer says why not. */
void upgrade_request(struct visit *v);

/* ---- http.c --------------------------------------------------------------------------------- */

/* The request is whole, or bad: answers it now, or asks the core. */
void http_request(struct visit *v);

/* ---- listener.c ----------------------------------------------------------------------------- */

/* Lowers connections_max to what the limit of open files allows. */
void listener_limit_files(struct gateway *g);
int listener_start(struct gateway *g);
void listener_stop(struct gateway *g);
void listener_sweep(struct gateway *g);

/* ---- drain.c -------------------------------------------------------------------------------- */

/* Several times a second. */
void drain_tick(struct gateway *g, uint64_t now_ms);

/* ---- metrics.c ------------------------------------------------------------------------------ */

void gateway_metrics(void *gateway, struct buf *out);

/* ---- shell.c -------------------------------------------------------------------------------- */

/* Everything up to the open port; g->service and the settings are there. Negative errno after
 * logging why. */
int gateway_start(struct gateway *g);
/* What follows everything that happened since the last time: right after poll, and before it. */
void gateway_turn(void *gateway);
/* Runs until SIGTERM or SIGINT and the leave-taking that follows. */
void gateway_run(struct gateway *g);
/* Also after a start that failed half-way. */
void gateway_finish(struct gateway *g);

#endif
