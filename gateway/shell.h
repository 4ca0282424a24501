/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the gateway's shell share. Everything here runs on one loop and thread.
 *
 *   main.c       settings and the table of contents
 *   shell.c      the loop's turn, time, broker link
 *   drain.c      leaving
 *   listener.c   libwebsockets: context, callbacks, a connection from accept to destruction, sweep
 *   ws.c         WebSocket: upgrade, messages in, reading limits, closing
 *   flush.c      WebSocket: the way out
 *   http.c       HTTP: routes, answers, files
 *   api.c        the JSON API
 *
 * Pure or nearly so, and without this header: limit.c, tokens.c, request.c, web.c.
 */
#ifndef EASEL_SHELL_H
#define EASEL_SHELL_H

#include <libwebsockets.h>
#include <sys/queue.h>
#include <uv.h>

#include "gateway_core.h"
#include "limit.h"
#include "metrics.h"
#include "request.h"
#include "service.h"
#include "tokens.h"
#include "web.h"

#define MESSAGE_BYTES_MAX       (64u << 10) /* one WebSocket message */
#define FIRST_MESSAGE_BYTES_MAX (4u << 10)  /* the one with hello */
#define REASSEMBLY_BYTES_MAX    (64u << 20) /* unfinished messages of all connections */
#define BODY_BYTES_MAX          (4u << 10)  /* of an HTTP request */
#define QUESTIONS_MAX           1000u       /* HTTP requests that wait for the core's answer */
#define RX_BUFFER_BYTES         4096u
#define TX_BYTES_MAX            (64u << 10)

#define SWEEP_MS      UINT64_C(100)
#define SWEEP_SLICES  10              /* so each connection is looked at once a second */
#define REQUEST_MS    UINT64_C(10000) /* a request's head, its body; and idle before the next */
#define ANSWER_MS     UINT64_C(30000) /* to take one 32 KB piece of an answer */
#define QUESTION_MS   UINT64_C(10000)
#define ASK_AGAIN_MS  UINT64_C(1000)
#define PING_AFTER_MS UINT64_C(13000) /* of silence: two more chances before the limit */
#define SILENT_MS     UINT64_C(30000)
#define CLOSING_MS    UINT64_C(5000)

/* Reading, per connection: each frame costs 1, and each piece of at most 4 KB that is read. A page
 * sends up to 60 frames a second; after a reconnect it may send 4,000 or 512 KB at once. */
#define READ_PER_S 500
#define READ_BURST 1000

struct gateway_settings {
    const char *host, *public_url, *allowed_origins, *trusted_proxies;
    const char *secret, *secret_old, *create_token, *web_root;
    uint64_t port, creates_per_min, codes_per_min, connections_max, connections_per_address;
    uint64_t hello_timeout_s;
    uint64_t drain_delay_s, drain_per_s, drain_grace_s;
};

enum phase {
    PHASE_REQUEST, /* the next request's head and body are awaited */
    PHASE_ASKED,   /* the core knows the question */
    PHASE_ANSWER,  /* the answer is on its way */
    PHASE_HELLO,   /* a WebSocket that has not said hello */
    PHASE_JOINED,
    PHASE_FAILED,  /* its error frame and CLOSE wait until the socket takes them */
    PHASE_CLOSING, /* nothing may be written any more */
};

struct question;

/* An HTTP request and its answer. */
struct request {
    struct route route;
    struct buf body;
    char authorization[2304], link_base[300]; /* kept until the body is there; "https://host" */
    struct span token;                        /* within `authorization` */
    struct question *question;                /* in PHASE_ASKED */

    struct buf answer; /* the head, and the body unless it is a file */
    struct span file_body;
    size_t answered;
    bool close_after;
};

/* One TCP connection, from accept to the end. */
struct connection {
    TAILQ_ENTRY(connection) link; /* gateway.connections */
    struct gateway *gateway;
    struct lws *wsi;
    enum phase phase;
    uint64_t since_ms;            /* this phase began, or made progress */
    uint64_t heard_ms;            /* last sign of life of a WebSocket */
    struct address peer, address; /* who connected; whose it is (behind a proxy: differs) */
    bool counted;                 /* limits_hold(address) */
    bool upgraded;                /* is a WebSocket */

    struct request *request; /* NULL between requests, and for a WebSocket */

    /* WebSocket */
    struct client *client;                /* NULL before the upgrade and after a failure */
    struct buf message;                   /* an unfinished message */
    TAILQ_ENTRY(connection) waiting_link; /* gateway.slowed or .lingering */
    struct bucket reading;
    bool slowed, lingering, reads_off, ping_due, waits_writeable;
    uint64_t pinged_ms, message_since_ms;
    uint64_t ending_ms; /* since when the core wants it closed; 0: it does not */
    uint64_t goaway_ms; /* when it was asked to go; 0: it was not */
    bool told_end;
    unsigned close_code; /* of PHASE_FAILED */
    const char *close_name, *close_sentence;
};

TAILQ_HEAD(connections, connection);
TAILQ_HEAD(questions, question);

struct shell_stats {
    uint64_t accepted, sockets, upgrades, upgrades_refused, messages, reassembly_bytes;
    uint64_t slowed, sent_messages, sent_bytes, sends, joined_sends, cut_frames, blocked_sends;
    uint64_t closed_silent, closed_slow, pings;
    uint64_t http[6];              /* by hundreds of the status */
    uint64_t errors[ERROR_CODES];  /* that clients were told, those of the core not counted */
    struct histogram view_seconds; /* from reading a frame until it is given to a viewer's socket */
};

struct gateway {
    struct service service;
    struct gateway_settings settings;
    uv_check_t check;
    uv_timer_t deadline, sweep;

    uint64_t wall_offset_ms; /* wall clock - loop clock */
    uint64_t deadline_at_ms;

    uint64_t leave_since_ms; /* service.leaving: SIGTERM came */
    bool draining;           /* later: takes no new sockets, and asks its clients to go */

    struct gateway_core *core;
    struct limits *limits;
    struct networks trusted;
    struct tokens_config tokens;
    struct web *web;

    struct lws_context *context;
    struct lws_vhost *vhost;
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

/* ---- shell.c -------------------------------------------------------------------------------- */

/* Everything up to the open port; g->service and the settings are there. Negative errno after
 * logging why. */
int gateway_start(struct gateway *g);
/* Runs until SIGTERM or SIGINT and the leave-taking that follows. */
void gateway_run(struct gateway *g);
/* Also after a start that failed half-way. */
void gateway_finish(struct gateway *g);

/* ---- drain.c -------------------------------------------------------------------------------- */

/* SIGTERM came. */
void drain_begin(struct gateway *g);
/* Several times a second. */
void drain_tick(struct gateway *g, uint64_t now_ms);
/* What follows everything that happened since the last time: right after poll, and before it. */
void gateway_turn(struct gateway *g);
/* Milliseconds since 1970, the same for one turn of the loop. */
uint64_t gateway_now(const struct gateway *g);

/* ---- metrics.c ------------------------------------------------------------------------------ */

void gateway_metrics(struct gateway *g, struct buf *out);

/* ---- listener.c ----------------------------------------------------------------------------- */

int listener_start(struct gateway *g);
/* To be called twice: lws closes its handles while the loop runs, and frees the rest after that. */
void listener_stop(struct gateway *g);
void listener_sweep(struct gateway *g);
/* Closes soon; allowed from everywhere. */
void connection_kill(struct connection *c);
void connection_phase(struct connection *c, enum phase phase);
/* A header as text; the empty span when it is absent or does not fit. */
struct span connection_header(struct connection *c, enum lws_token_indexes header, char *room,
                              size_t size);

/* ---- ws.c ----------------------------------------------------------------------------------- */

/* As LWS_CALLBACK_HTTP_CONFIRM_UPGRADE wants it: 0 go on, 1 an answer was given, -1 hang up. */
int ws_confirm(struct connection *c);
void ws_open(struct connection *c);
void ws_receive(struct connection *c, const uint8_t *data, size_t len);
void ws_heard(struct connection *c);
/* No byte may follow: the peer closed, or lws does. */
void ws_closing(struct connection *c);
/* The peer's CLOSE came; `payload` begins with its code, if it has one. */
void ws_peer_closes(struct connection *c, const uint8_t *payload, size_t len);
void ws_closed(struct connection *c);
/* Tells the client why, and closes. No `sentence`: it knows already. */
void ws_fail(struct connection *c, unsigned close_code, const char *name, const char *sentence);
/* Reads or not, as the rate and the core want it. */
void ws_update_reading(struct connection *c);
void ws_sweep(struct connection *c, uint64_t now_ms);
/* CLOSE has left: waits for the client to hang up. */
void ws_linger(struct connection *c);
/* Several times a second: who was slowed may go on, who lingers may be gone. */
void ws_tick(struct gateway *g);

/* ---- flush.c -------------------------------------------------------------------------------- */

/* Sends what the core has for this client, straight to the socket. */
void flush_client(struct connection *c);
/* In LWS_CALLBACK_SERVER_WRITEABLE. */
void flush_writeable(struct connection *c);
void flush_ask_writeable(struct connection *c);

/* ---- http.c --------------------------------------------------------------------------------- */

/* Each as the callback of that name; -1: close. */
int http_request(struct connection *c, struct span path);
int http_body(struct connection *c, const uint8_t *data, size_t len);
int http_body_complete(struct connection *c);
int http_writeable(struct connection *c);
void http_closed(struct connection *c);

/* One answer per request. `extra` is NULL or a header, "retry-after:", with its value. */
void http_answer_json(struct connection *c, unsigned status, const char *text, const char *extra,
                      const char *value);
void http_answer_empty(struct connection *c, unsigned status);
void http_answer_error(struct connection *c, unsigned status, const char *sentence);
void http_answer_too_many(struct connection *c, unsigned seconds);
/* Writes an answer at once, for when the request is not read to its end: close afterwards. */
int http_refuse(struct connection *c, unsigned status, const char *sentence);

/* ---- api.c ---------------------------------------------------------------------------------- */

void api_request(struct connection *c, enum method method);
void api_forget(struct connection *c);
void api_answers(struct gateway *g);
void api_tick(struct gateway *g, uint64_t now_ms);

#endif
