/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection to the broker, used by one thread. Everything here returns within a few seconds,
 * whatever the broker does, except a name look-up (the resolver's own limits).
 */
#ifndef EASEL_LINK_CONNECTION_H
#define EASEL_LINK_CONNECTION_H

#include <pthread.h>
#include <stdbool.h>

#include "address.h"
#include "amqp_headers.h"
#include "config.h"
#include "outbox.h"

struct link_connection {
    amqp_connection_state_t amqp; /* NULL: not connected */
    pthread_mutex_t lock;         /* of fd, which link_connection_abort reads */
    int fd;                       /* -1: none */
    bool blocked;                 /* the broker has an alarm: publish nothing */
    char trouble[TROUBLE_BYTES];  /* why the last call failed */
    uint16_t code;                /* which the broker gave with it; 0: none */
};

/* A message of several frames as it comes in: content header, then bodies. */
struct content {
    bool open;    /* a delivery or return was announced, the message is not complete */
    bool skipped; /* too long for a message of ours: `body` stays empty */
    uint64_t left;
    struct buf body;
};

void link_connection_init(struct link_connection *c);
void link_connection_finish(struct link_connection *c);

/* Takes the address of the broker apart. `ret` borrows from `ret_text`, which the caller closes,
 * and from `broker`. 0 or -EINVAL. */
int broker_parse(const struct broker_address *broker, struct address_text *ret_text,
                 struct amqp_connection_info *ret);
/* Connects and logs in; `name` is what the broker's tools show. 0 or -EIO. */
int link_connection_open(struct link_connection *c, const struct broker_address *broker,
                         const char *name);
void link_connection_close(struct link_connection *c, bool politely);
/* From any thread: ends whatever the connection is waiting for. */
void link_connection_abort(struct link_connection *c);

/* Waits until there is something to read (or room to write, if `to_write`), `wake` is written to,
 * or half a second has passed (heartbeats, pulses). A `wake` is cleared. With `only_wake` the
 * socket is not watched. */
void link_connection_wait(struct link_connection *c, int wake, bool to_write, bool only_wake);
bool link_connection_writable(const struct link_connection *c);
/* Between true and false what is sent leaves together. */
void link_connection_cork(const struct link_connection *c, bool on);

/* The next frame that is there: 1, 0 (none) or -EIO (also when the broker closed a channel). Notes
 * what it says about alarms. The frame is valid until amqp_maybe_release_buffers. */
int link_connection_read(struct link_connection *c, amqp_frame_t *ret);
/* How the RPC just made ended: 0 or -EIO. */
int link_connection_rpc(struct link_connection *c, const char *what);
int link_connection_check(struct link_connection *c, const char *what, amqp_rpc_reply_t reply);

/* Says why a call failed: -EIO. */
int link_connection_fail(struct link_connection *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes one header or body frame: 1 complete, 0 more to come. Frames out of place are skipped. */
int content_frame(struct content *in, const amqp_frame_t *frame);
void content_begin(struct content *in);

/* Sends a method that is told to need no answer: what is wrong with it is what the next call on the
 * channel that has one answers. So a long set-up takes one round trip. 0 or -EIO. */
int link_connection_tell(struct link_connection *c, amqp_channel_t channel,
                         amqp_method_number_t method, void *decoded);

const char *exchange_name(enum exchange exchange);
/* Tells the broker all exchanges of Easel on `channel`. */
int link_connection_declare_exchanges(struct link_connection *c, amqp_channel_t channel);

#endif
