/* SPDX-License-Identifier: Apache-2.0
 *
 * The way out. What is sent stands framed in the core; at the end of a turn each client that has
 * something gets one sendmsg of whole frames, past libwebsockets. That library has its own small
 * buffer per connection, for what the kernel did not take and for PONG and CLOSE, and it flushes
 * that before anything of its own, but knows nothing of ours. From this follow the rules:
 *
 *  1. While lws has something buffered, or we wait for WRITEABLE, nothing is sent directly.
 *  2. The tail of a frame that was cut goes to lws at once: kept here, a PONG could land inside it.
 *  3. After EAGAIN the client is left to WRITEABLE, or each event would try again.
 *  4. Flush from uv_check and uv_prepare (shell.c), since lws and timers also run outside of poll.
 *  5. No byte after CLOSE, ours or the peer's: PHASE_FAILED and PHASE_CLOSING send nothing here.
 */
#include "shell_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "window.h"

/* With a payload, since an empty PONG reaches no callback of lws. */
static const uint8_t PING[] = {0x89, 5, 'e', 'a', 's', 'e', 'l'};

static void count_sent(struct gateway *g, unsigned messages, size_t bytes)
{
    g->stats.sent_messages += messages;
    g->stats.sent_bytes += bytes;
}

/* The clock is read anew: the turn's own time is from before all that it had to send. */
static void pulled(struct connection *c, struct pull *p, unsigned frames)
{
    struct gateway *g = c->gateway;
    uint64_t drawn_ms = client_pulled(c->client, p, frames);
    if (drawn_ms)
        histogram_add_ms(&g->stats.view_seconds, drawn_ms, uv_hrtime() / 1000000 + g->start_ms);
}

static bool lws_take(struct connection *c, size_t len)
{
    uint8_t *data = c->gateway->scratch + LWS_PRE;
    if (lws_write(c->wsi, data, len, LWS_WRITE_RAW) >= 0)
        return true;
    connection_kill(c);
    return false;
}

static void append(struct connection *c, size_t *len, const void *data, size_t n)
{
    if (n > sizeof c->gateway->scratch - LWS_PRE - *len)
        abort(); /* a frame holds at most one broker message */
    memcpy(c->gateway->scratch + LWS_PRE + *len, data, n);
    *len += n;
}

/* One sendmsg of the ping that is due and the whole pull. True: all of it left. */
static bool send_direct(struct connection *c, struct pull *p)
{
    struct gateway *g = c->gateway;
    struct iovec iov[PULL_FRAMES_MAX + 1];
    unsigned first = c->ping_due ? 1 : 0, n = first + p->count, i = 0;
    iov[0] = (struct iovec){(void *)(uintptr_t)PING, sizeof PING};
    for (; i < p->count; i++)
        iov[first + i] = (struct iovec){(void *)(uintptr_t)p->frame[i].data, p->frame[i].len};

    struct msghdr message = {.msg_iov = iov, .msg_iovlen = n};
    ssize_t sent = sendmsg(lws_get_socket_fd(c->wsi), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        connection_kill(c);
        return false;
    }
    size_t left = sent > 0 ? (size_t)sent : 0;
    g->stats.sends++;
    count_sent(g, 0, left);
    for (i = 0; i < n && left >= iov[i].iov_len; i++)
        left -= iov[i].iov_len;
    if (left > 0) { /* frame i was cut; lws takes what it does not send itself */
        size_t tail = 0;
        append(c, &tail, (const uint8_t *)iov[i].iov_base + left, iov[i].iov_len - left);
        g->stats.cut_frames++;
        count_sent(g, 0, tail);
        if (!lws_take(c, tail))
            return false;
        i++;
    }
    if (i > 0)
        c->ping_due = false;
    unsigned frames = i > first ? i - first : 0;
    count_sent(g, frames, 0);
    pulled(c, p, frames);
    return i == n && left == 0;
}

void flush_client(struct connection *c)
{
    struct gateway *g = c->gateway;
    if (!c->client || c->phase > PHASE_JOINED || c->waits_writeable)
        return;
    if (lws_partial_buffered(c->wsi)) {
        connection_ask_writeable(c);
        return;
    }
    for (unsigned round = 0; round < PULL_ROUNDS_MAX; round++) {
        client_pull(c->client, gateway_now(g), &g->pull);
        if (g->pull.count == 0 && !c->ping_due) {
            if (client_ends(c->client, NULL))
                connection_ask_writeable(c); /* closing is done there */
            return;
        }
        if (!send_direct(c, &g->pull)) {
            if (c->phase == PHASE_CLOSING)
                return;
            g->stats.blocked_sends++;
            break;
        }
    }
    connection_ask_writeable(c);
}

/* ---- the slow way --------------------------------------------------------------------------- */

static void append_error(struct connection *c, size_t *len)
{
    struct buf body = {0};
    PUT(&body, error, .code = span_of(ERRORS[c->error].name), .sentence = span_of(c->sentence));
    uint8_t head[10];
    append(c, len, head, ws_header(head, body.len));
    append(c, len, body.data, body.len);
    buf_free(&body);
}

static void append_close(struct connection *c, size_t *len)
{
    const struct error_kind *e = &ERRORS[c->error];
    uint8_t reason_len = (uint8_t)strnlen(e->name, 100);
    uint8_t head[] = {0x88, (uint8_t)(2 + reason_len), (uint8_t)(e->close >> 8), (uint8_t)e->close};
    append(c, len, head, sizeof head);
    append(c, len, e->name, reason_len);
}

/* The error frame and CLOSE; then, when they have left, nothing more. CLOSE is not left to lws: it
 * keeps the reason where it keeps a PING's payload, so that a PING now would change the code, and
 * in a build with assertions it closes a second time, before CLOSE is sent. */
static void write_end(struct connection *c)
{
    size_t len = 0;
    if (c->told_end) {
        connection_linger(c);
        return;
    }
    c->told_end = true;
    if (c->sentence)
        append_error(c, &len);
    append_close(c, &len);
    if (lws_take(c, len))
        connection_ask_writeable(c);
}

/* Joins whole frames up to what lws takes at once, and leaves the rest to the next WRITEABLE. */
static void write_joined(struct connection *c, struct pull *p)
{
    struct gateway *g = c->gateway;
    size_t len = 0;
    unsigned i = 0;
    if (c->ping_due)
        append(c, &len, PING, sizeof PING);
    for (; i < p->count && (i == 0 || len + p->frame[i].len <= TX_BYTES_MAX); i++)
        append(c, &len, p->frame[i].data, p->frame[i].len);
    c->ping_due = false;
    g->stats.joined_sends++;
    count_sent(g, i, len);
    if (!lws_take(c, len))
        return;
    pulled(c, p, i);
    connection_ask_writeable(c);
}

void flush_writeable(struct connection *c)
{
    struct gateway *g = c->gateway;
    c->waits_writeable = false;
    if (c->phase == PHASE_CLOSING)
        return;
    if (lws_send_pipe_choked(c->wsi)) {
        connection_ask_writeable(c);
        return;
    }
    if (c->phase == PHASE_FAILED) {
        write_end(c);
        return;
    }
    if (!c->client)
        return;
    client_pull(c->client, gateway_now(g), &g->pull);
    enum error_code error;
    bool ends = client_ends(c->client, &error);
    if (g->pull.count > 0 || c->ping_due)
        write_joined(c, &g->pull);
    else if (ends)
        connection_end(c, error); /* the core has sent its error frame */
}
