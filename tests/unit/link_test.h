/* SPDX-License-Identifier: Apache-2.0
 *
 * Parties that have a link each, and a proxy between them and the broker at EASEL_TEST_AMQP that
 * can be cut, frozen and made to say things. It runs on the test's own loop.
 */
#ifndef EASEL_LINK_TEST_H
#define EASEL_LINK_TEST_H

#include "link.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SHARDS         32u
#define PATIENCE_MS    15000
#define PARTY_MESSAGES 5000

static uv_loop_t loop;
static bool out_of_patience;

/* ---- waiting --------------------------------------------------------------------------------- */

static inline void on_patience(uv_timer_t *timer)
{
    (void)timer;
    out_of_patience = true;
}

/* Runs the loop until the condition holds; fails the test when it does not come true. */
#define UNTIL_ON(l, condition)                                                                     \
    do {                                                                                           \
        uv_timer_t patience;                                                                       \
        out_of_patience = false;                                                                   \
        uv_timer_init((l), &patience);                                                             \
        uv_timer_start(&patience, on_patience, PATIENCE_MS, 0);                                    \
        while (!(condition) && !out_of_patience)                                                   \
            uv_run((l), UV_RUN_ONCE);                                                              \
        uv_close((uv_handle_t *)&patience, NULL);                                                  \
        uv_run((l), UV_RUN_NOWAIT);                                                                \
        ck_assert_msg(!out_of_patience, "waited in vain for %s", #condition);                      \
    } while (0)
#define UNTIL(condition) UNTIL_ON(&loop, condition)

/* ---- a party: one link and what it heard ----------------------------------------------------- */

struct party {
    struct link *link;
    struct id self;
    bool up, silent;
    unsigned ups, downs, troubles, silences, count, returned_count;
    struct {
        uint64_t tag;
        int shard;
        char text[64];
        size_t len;
    } heard[PARTY_MESSAGES];
    enum exchange returned_exchange;
    char returned_key[40], returned_text[64];
    bool held[SHARDS];
};

/* In every text: shared queues may hold what an earlier run left. */
static char nonce[17];

static inline struct span text_of(const char *text)
{
    static char full[128];
    snprintf(full, sizeof full, "%s %s", nonce, text);
    return span_of(full);
}

static inline void on_state(void *owner, bool up)
{
    struct party *p = owner;
    if (up)
        p->ups++;
    else if (p->up)
        p->downs++;
    else
        p->troubles++; /* it stays down, for another reason */
    p->silent = p->silent && !up;
    p->up = up;
}

static inline void on_silent(void *owner, bool silent)
{
    struct party *p = owner;
    ck_assert(p->up && silent != p->silent);
    p->silent = silent;
    p->silences += silent;
}

static inline void copy_text(struct span body, char *ret, size_t size)
{
    size_t skip = sizeof nonce;
    size_t len = body.len - skip < size - 1 ? body.len - skip : size - 1;
    memcpy(ret, body.data + skip, len);
    ret[len] = '\0';
}

static inline void on_message(void *owner, const struct link_delivery *delivery)
{
    struct party *p = owner;
    if (delivery->body.len < sizeof nonce || memcmp(delivery->body.data, nonce, 16) != 0) {
        link_done(p->link, delivery->tag);
        return;
    }
    ck_assert_uint_lt(p->count, PARTY_MESSAGES);
    p->heard[p->count].tag = delivery->tag;
    p->heard[p->count].shard = delivery->shard;
    p->heard[p->count].len = delivery->body.len;
    copy_text(delivery->body, p->heard[p->count].text, sizeof p->heard[0].text);
    p->count++;
}

static inline void on_returned(void *owner, enum exchange exchange, const char *key,
                               struct span body)
{
    struct party *p = owner;
    p->returned_count++;
    p->returned_exchange = exchange;
    snprintf(p->returned_key, sizeof p->returned_key, "%s", key);
    copy_text(body, p->returned_text, sizeof p->returned_text);
}

static inline void on_shard(void *owner, unsigned shard, bool held)
{
    ((struct party *)owner)->held[shard] = held;
}

static const struct link_events EVENTS = {on_state, on_silent, on_message, on_returned, on_shard};

static inline const char *broker_url(void)
{
    const char *url = getenv("EASEL_TEST_AMQP");
    ck_assert_msg(url != NULL, "EASEL_TEST_AMQP must name a broker");
    return url;
}

static inline struct id random_id(char kind)
{
    uint8_t bits[8];
    ck_assert_int_eq(getrandom(bits, sizeof bits, 0), sizeof bits);
    return id_from_bits(kind, REPLICA_CHARS - 1, bits);
}

static inline struct broker_address at(const char *url)
{
    return (struct broker_address){url, "", "", "", "", ""};
}

static inline struct link_config board_config(void)
{
    return (struct link_config){.broker = at(broker_url()),
                                .self = random_id('b'),
                                .shards = SHARDS,
                                .hears_board = true,
                                .hears_peers = true};
}

static inline struct link_config gateway_config(void)
{
    return (struct link_config){.broker = at(broker_url()),
                                .self = random_id('g'),
                                .shards = SHARDS,
                                .hears_gateway = true};
}

static inline struct link_config history_config(void)
{
    return (struct link_config){.broker = at(broker_url()),
                                .self = random_id('h'),
                                .shards = SHARDS,
                                .hears_history = true,
                                .serves_replay = true,
                                .prefetch = 2};
}

static inline struct party *party_start(uv_loop_t *on, const struct link_config *config)
{
    struct party *p = calloc(1, sizeof *p);
    p->self = config->self;
    ck_assert_int_eq(link_create(on, config, &EVENTS, p, &p->link), 0);
    return p;
}

static inline struct party *party_up(struct link_config config)
{
    struct party *p = party_start(&loop, &config);
    UNTIL(link_stats(p->link)->up);
    return p;
}

static inline void party_end(struct party *p)
{
    link_destroy(p->link, 2000);
    free(p);
}

static inline int say_to(struct party *p, enum exchange exchange, const char *destination,
                         struct span body)
{
    struct outbox_message m = {.exchange = exchange,
                               .body = body,
                               .mandatory =
                                   exchange == EXCHANGE_BOARD ||
                                   (exchange == EXCHANGE_HISTORY && destination[0] == 'h')};
    snprintf(m.key, sizeof m.key, "%s.%s", destination, "k3v9x2mq4t");
    return link_publish(p->link, &m);
}

static inline int say(struct party *p, enum exchange exchange, const char *destination,
                      const char *text)
{
    return say_to(p, exchange, destination, text_of(text));
}

/* ---- a proxy that can be cut, frozen and made to say things ---------------------------------- */

#define PIPES_MAX 16

struct pipe_end {
    uv_tcp_t tcp;
    struct pipe_end *other;
    bool connected, closed;
    bool publishes;   /* a client's: it is the publishing connection */
    struct buf early; /* before the broker's side is connected */
};

static struct proxy {
    uv_tcp_t listener;
    struct sockaddr_in broker;
    struct pipe_end client[PIPES_MAX], server[PIPES_MAX];
    unsigned pipes;
    bool frozen, deaf; /* deaf: new connections are closed */
    char url[128];
} proxy;

struct relay {
    uv_write_t write;
    size_t len;
    char data[];
};

static inline void on_relayed(uv_write_t *write, int status)
{
    (void)status;
    free(write->data);
}

static inline void relay(struct pipe_end *to, const void *data, size_t len)
{
    struct relay *r = malloc(sizeof *r + len);
    if (len)
        memcpy(r->data, data, len);
    r->write.data = r;
    uv_buf_t out = uv_buf_init(r->data, (unsigned)len);
    if (uv_write(&r->write, (uv_stream_t *)&to->tcp, &out, 1, on_relayed) < 0)
        free(r);
}

static inline void end_close(struct pipe_end *e)
{
    if (!e->closed)
        uv_close((uv_handle_t *)&e->tcp, NULL);
    e->closed = true;
}

static inline void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    (void)handle;
    (void)suggested;
    static char room[65536];
    *ret = uv_buf_init(room, sizeof room);
}

static inline void on_data(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct pipe_end *e = stream->data;
    if (n > 0 && memmem(buf->base, (size_t)n, " publishes", 10))
        e->publishes = true;
    if (n < 0) {
        end_close(e);
        end_close(e->other);
    } else if (e->other->connected) {
        relay(e->other, buf->base, (size_t)n);
    } else {
        buf_append(&e->other->early, buf->base, (size_t)n);
    }
}

static inline void on_connect(uv_connect_t *connect, int status)
{
    struct pipe_end *e = connect->data;
    free(connect);
    if (status < 0 || e->closed) {
        end_close(e->other);
        return;
    }
    e->connected = true;
    relay(e, e->early.data, e->early.len);
    buf_free(&e->early);
    uv_read_start((uv_stream_t *)&e->tcp, on_room, on_data);
}

static inline void pipe_init(struct pipe_end *e, struct pipe_end *other)
{
    *e = (struct pipe_end){.other = other};
    uv_tcp_init(&loop, &e->tcp);
    e->tcp.data = e;
}

static inline void on_pipe(uv_stream_t *listener, int status)
{
    ck_assert_int_eq(status, 0);
    ck_assert_uint_lt(proxy.pipes, PIPES_MAX);
    struct pipe_end *client = &proxy.client[proxy.pipes], *server = &proxy.server[proxy.pipes];
    pipe_init(client, server);
    pipe_init(server, client);
    ck_assert_int_eq(uv_accept(listener, (uv_stream_t *)&client->tcp), 0);
    proxy.pipes++;
    if (proxy.deaf) {
        end_close(client);
        end_close(server);
        return;
    }
    client->connected = true;
    uv_connect_t *connect = malloc(sizeof *connect);
    connect->data = server;
    uv_tcp_connect(connect, &server->tcp, (struct sockaddr *)&proxy.broker, on_connect);
    uv_read_start((uv_stream_t *)&client->tcp, on_room, on_data);
}

static inline const char *proxy_start(void)
{
    unsigned port;
    struct sockaddr_in at;
    int len = sizeof at;
    const char *host = strrchr(broker_url(), '@');
    ck_assert(host && sscanf(host, "@127.0.0.1:%u", &port) == 1);
    int credentials = (int)(host - broker_url());
    uv_ip4_addr("127.0.0.1", (int)port, &proxy.broker);
    uv_ip4_addr("127.0.0.1", 0, &at);
    uv_tcp_init(&loop, &proxy.listener);
    ck_assert_int_eq(uv_tcp_bind(&proxy.listener, (struct sockaddr *)&at, 0), 0);
    ck_assert_int_eq(uv_listen((uv_stream_t *)&proxy.listener, 16, on_pipe), 0);
    uv_tcp_getsockname(&proxy.listener, (struct sockaddr *)&at, &len);
    snprintf(proxy.url, sizeof proxy.url, "%.*s@127.0.0.1:%u/", credentials, broker_url(),
             ntohs(at.sin_port));
    return proxy.url;
}

static inline void proxy_cut(void)
{
    for (unsigned i = 0; i < proxy.pipes; i++) {
        end_close(&proxy.client[i]);
        end_close(&proxy.server[i]);
    }
}

enum half { PUBLISHING = 1, CONSUMING = 2, BOTH = 3 };

/* The connections of this kind that are there stay, and carry nothing (or go on to carry). */
static inline void proxy_freeze(enum half half, bool frozen)
{
    for (unsigned i = 0; i < proxy.pipes; i++) {
        struct pipe_end *ends[] = {&proxy.client[i], &proxy.server[i]};
        if (!(half & (ends[0]->publishes ? PUBLISHING : CONSUMING)))
            continue;
        for (unsigned j = 0; j < 2 && !ends[j]->closed; j++) {
            uv_stream_t *stream = (uv_stream_t *)&ends[j]->tcp;
            if (frozen)
                uv_read_stop(stream);
            else
                uv_read_start(stream, on_room, on_data);
        }
    }
}

/* Between two frames, since the broker is silent. */
static inline void proxy_say(const char *frame, size_t len)
{
    for (unsigned i = 0; i < proxy.pipes; i++)
        if (!proxy.client[i].closed)
            relay(&proxy.client[i], frame, len);
}

static inline void proxy_end(void)
{
    proxy_cut();
    uv_close((uv_handle_t *)&proxy.listener, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
}

/* ---- fixture --------------------------------------------------------------------------------- */

static inline void begin(void)
{
    uint64_t random;
    ck_assert_int_eq(getrandom(&random, sizeof random, 0), sizeof random);
    snprintf(nonce, sizeof nonce, "%016llx", (unsigned long long)random);
    uv_loop_init(&loop);
}

static inline void end(void)
{
    while (uv_run(&loop, UV_RUN_DEFAULT))
        ;
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

#endif
