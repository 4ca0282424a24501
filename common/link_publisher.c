/* SPDX-License-Identifier: Apache-2.0
 *
 * The publishing thread. amqp_basic_publish waits without end when the broker stops reading, so
 * each publish is preceded by reading what the broker said (it announces an alarm) and by asking
 * whether the socket has room. A broker that takes nothing for some seconds loses the connection.
 */
#include "link_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CHANNEL 1

struct publisher {
    struct link *link;
    struct worker *worker;
    struct link_connection *connection;
    struct post_queue mine; /* taken from link.posts */
    struct content content; /* of the message that comes back */
    enum exchange back_exchange;
    char back_key[40];
    bool up;                             /* as told to the loop */
    uint64_t turn_ms, heard, next_pulse; /* the two later ones by link.pulse_clock */
    bool silent;                         /* as told to the loop */
};

/* ---- what comes back ------------------------------------------------------------------------- */

static enum exchange exchange_of(amqp_bytes_t name)
{
    for (unsigned i = 0; i < EXCHANGE_COUNT; i++) {
        const char *known = exchange_name((enum exchange)i);
        if (strlen(known) == name.len &&
            (name.len == 0 || memcmp(known, name.bytes, name.len) == 0))
            return (enum exchange)i;
    }
    return EXCHANGE_REPLAY; /* the only one without a name of its own */
}

static void begin_return(struct publisher *p, const amqp_basic_return_t *back)
{
    p->back_exchange = exchange_of(back->exchange);
    snprintf(p->back_key, sizeof p->back_key, "%.*s", (int)back->routing_key.len,
             (const char *)back->routing_key.bytes);
    content_begin(&p->content);
}

static void take_frame(struct publisher *p, const amqp_frame_t *frame)
{
    if (frame->frame_type == AMQP_FRAME_METHOD) {
        if (frame->payload.method.id == AMQP_BASIC_RETURN_METHOD)
            begin_return(p, frame->payload.method.decoded);
        return;
    }
    if (!content_frame(&p->content, frame))
        return;
    struct note *note = note_new(NOTE_RETURNED, buf_span(&p->content.body));
    note->exchange = p->back_exchange;
    memcpy(note->key, p->back_key, sizeof note->key);
    p->link->stats.returned++;
    link_note(p->link, note, NULL);
}

/* ---- state ----------------------------------------------------------------------------------- */

/* While the broker has an alarm the link counts as down: nobody hears us, and what would wait here
 * grows old. */
static void tell_state(struct publisher *p, bool connected)
{
    bool up = connected && !p->connection->blocked;
    p->link->stats.blocked = p->connection->blocked;
    if (up == p->up)
        return;
    p->up = up;
    if (up)
        link_drop_posts(p->link, &p->mine); /* posted before the loop knew that we were down */
    link_note_state(p->link, NOTE_PUBLISHER, up,
                    p->connection->blocked ? "the broker has an alarm"
                    : up                   ? ""
                                           : p->connection->trouble);
    if (!up)
        link_drop_posts(p->link, &p->mine);
}

static int read_all(struct publisher *p)
{
    amqp_frame_t frame;
    int r;
    while ((r = link_connection_read(p->connection, &frame)) > 0)
        take_frame(p, &frame);
    if (r == 0)
        tell_state(p, true);
    return r;
}

/* ---- publishing ------------------------------------------------------------------------------ */

static int publish(struct publisher *p, enum exchange exchange, const char *key, bool mandatory,
                   amqp_bytes_t body)
{
    int r = amqp_basic_publish(p->connection->amqp, CHANNEL,
                               amqp_cstring_bytes(exchange_name(exchange)), amqp_cstring_bytes(key),
                               mandatory, false, NULL, body);
    if (r == AMQP_STATUS_OK)
        return 0;
    return link_connection_fail(p->connection, "publish: %s", amqp_error_string2(r));
}

static struct post *next_post(struct publisher *p)
{
    if (STAILQ_EMPTY(&p->mine))
        link_take_posts(p->link, &p->mine);
    return STAILQ_FIRST(&p->mine);
}

static void post_done(struct publisher *p, struct post *post)
{
    p->link->stats.published++;
    p->link->stats.publish_bytes += post->len;
    STAILQ_REMOVE_HEAD(&p->mine, queue);
    p->link->stats.out_bytes -= post->len;
    free(post);
}

/* Publishes what waits, as far as the broker takes it. */
static int publish_waiting(struct publisher *p)
{
    struct post *post;
    bool corked = false;
    int r;
    while ((r = read_all(p)) == 0 && !p->connection->blocked && (post = next_post(p)) &&
           link_connection_writable(p->connection)) {
        if (!corked && STAILQ_NEXT(post, queue))
            link_connection_cork(p->connection, corked = true);
        r = publish(p, post->exchange, post->key, post->mandatory,
                    (amqp_bytes_t){post->len, post->body});
        if (r < 0)
            break;
        post_done(p, post);
    }
    if (corked)
        link_connection_cork(p->connection, false);
    return r;
}

/* ---- the pulse ------------------------------------------------------------------------------- */

/* Its clock runs while this thread does: who was frozen as a whole has not been silent. */
static void run_clock(struct publisher *p)
{
    uint64_t now = link_now_ms(), passed = now - p->turn_ms;
    p->turn_ms = now;
    p->link->pulse_clock += smaller(passed, LINK_PUBLISH_TURN_MS);
}

/* Silence that has other reasons than the broker's is none. */
static void hear(struct publisher *p)
{
    struct link *l = p->link;
    uint64_t back = l->pulse_back;
    if (!l->consuming || p->connection->blocked || l->in_full)
        p->heard = l->pulse_clock;
    else if (back > p->heard && back <= l->pulse_clock)
        p->heard = back;
}

/* Again and again while it lasts: the loop takes it only while the link is up. */
static void tell_silent(struct publisher *p, bool silent)
{
    if (!silent && !p->silent)
        return;
    p->silent = silent;
    struct note *note = note_new(NOTE_SILENT, (struct span){0});
    note->yes = silent;
    link_note(p->link, note, NULL);
}

static enum exchange pulse_exchange(const struct link *l)
{
    return l->config.hears_board     ? EXCHANGE_BOARD
           : l->config.hears_gateway ? EXCHANGE_GATEWAY
                                     : EXCHANGE_HISTORY;
}

static int send_pulse(struct publisher *p)
{
    struct link *l = p->link;
    char key[40];
    pulse_key(l, key, sizeof key);
    amqp_bytes_t clock = {sizeof l->pulse_clock, &l->pulse_clock};
    return publish(p, pulse_exchange(l), key, false, clock);
}

/* One of the two connections carries nothing, or the broker stands still: both begin anew, since
 * nobody can tell which. */
static int give_up(struct publisher *p)
{
    link_connection_abort(&p->link->consumer.connection);
    return link_connection_fail(p->connection, "nothing comes back from the broker for %d s",
                                LINK_DEAD_MS / 1000);
}

static int feel_pulse(struct publisher *p)
{
    struct link *l = p->link;
    run_clock(p);
    hear(p);
    uint64_t silence = l->pulse_clock - p->heard;
    tell_silent(p, silence >= LINK_SILENT_MS);
    if (silence >= LINK_DEAD_MS)
        return give_up(p);
    if (!l->consuming || p->connection->blocked || l->pulse_clock < p->next_pulse ||
        !link_connection_writable(p->connection))
        return 0;
    p->next_pulse = l->pulse_clock + LINK_PULSE_MS;
    return send_pulse(p);
}

/* ---- a connection's life --------------------------------------------------------------------- */

static int open_connection(struct publisher *p)
{
    char name[64];
    snprintf(name, sizeof name, "%s publishes", p->link->config.self.text);
    struct link_connection *c = p->connection;
    if (link_connection_open(c, &p->link->config.broker, name) < 0)
        return -EIO;
    amqp_channel_open(c->amqp, CHANNEL);
    if (link_connection_rpc(c, "channel") < 0)
        return -EIO;
    return link_connection_declare_exchanges(c, CHANNEL);
}

static bool must_end(struct publisher *p, bool idle)
{
    uint64_t stop_ms = p->link->stop_ms;
    return stop_ms != 0 && (idle || link_now_ms() >= stop_ms);
}

static int serve(struct publisher *p)
{
    for (;;) {
        int r = publish_waiting(p);
        if (r == 0)
            r = feel_pulse(p);
        if (r < 0)
            return r;
        amqp_maybe_release_buffers(p->connection->amqp);
        bool idle = !next_post(p);
        if (must_end(p, idle))
            return 0;
        /* Not idle: the socket has no room, or the broker an alarm. */
        bool to_write = !idle && !p->connection->blocked;
        link_connection_wait(p->connection, p->worker->wake, to_write, false);
    }
}

void publisher_session(struct worker *w)
{
    struct publisher p = {.link = w->link, .worker = w, .connection = &w->connection};
    STAILQ_INIT(&p.mine);
    p.turn_ms = link_now_ms();
    p.heard = p.next_pulse = p.link->pulse_clock;
    int r = open_connection(&p);
    if (r == 0) {
        p.link->stats.connects++;
        r = serve(&p);
    } else {
        link_note_state(p.link, NOTE_PUBLISHER, false, w->connection.trouble);
    }
    /* The polite close returns when the broker has taken all that was published. */
    link_connection_close(&w->connection, r == 0);
    tell_state(&p, false);
    link_drop_posts(p.link, &p.mine);
    buf_free(&p.content.body);
}
