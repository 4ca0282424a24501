/* SPDX-License-Identifier: Apache-2.0 */
#include "shell_private.h"

#include <errno.h>
#include <sys/socket.h>

#include "received.h"

static const struct rate READING = {1000000 / READ_PER_S, READ_BURST};

/* ---- the beginning --------------------------------------------------------------------------- */

void ws_open(struct connection *c)
{
    struct gateway *g = c->gateway;
    uint64_t now = gateway_now(g);
    connection_phase(c, PHASE_HELLO);
    c->opened = true;
    c->heard_ms = now;
    c->seen_bytes = received_bytes(lws_get_socket_fd(c->wsi));
    c->client = client_open(g->core, now, address_hash(&c->address), c);
    g->stats.upgrades++;
    g->stats.sockets++;
}

/* ---- the end -------------------------------------------------------------------------------- */

void ws_closing(struct connection *c)
{
    if (c->phase < PHASE_FAILED)
        connection_phase(c, PHASE_CLOSING);
}

#define CLOSE_LEAVES 1000
#define CLOSE_GOES   1001 /* browsers say so when a page is closed, and when it is loaded again */

void ws_peer_closes(struct connection *c, const uint8_t *payload, size_t len)
{
    int code = c->client && len >= 2 ? payload[0] << 8 | payload[1] : 0;
    if (code == CLOSE_LEAVES || code == CLOSE_GOES)
        client_goes(c->client, code == CLOSE_LEAVES);
    ws_closing(c);
}

void ws_closed(struct connection *c)
{
    connection_phase(c, PHASE_CLOSING);
    connection_drop_client(c);
    if (c->lingering)
        TAILQ_REMOVE(&c->gateway->lingering, c, waiting_link);
    c->lingering = false;
}

static bool has_hung_up(const struct connection *c)
{
    char unread[4096];
    ssize_t n = 1;
    for (unsigned i = 0; i < 16 && n > 0; i++)
        n = recv(lws_get_socket_fd(c->wsi), unread, sizeof unread, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void end_lingering(struct gateway *g)
{
    struct connection *c, *next;
    for (c = TAILQ_FIRST(&g->lingering); c; c = next) {
        next = TAILQ_NEXT(c, waiting_link);
        if (!has_hung_up(c))
            continue;
        TAILQ_REMOVE(&g->lingering, c, waiting_link);
        c->lingering = false;
        connection_kill(c);
    }
}

/* ---- reading -------------------------------------------------------------------------------- */

void ws_heard(struct connection *c)
{
    c->heard_ms = gateway_now(c->gateway);
}

static void charge(struct connection *c, uint64_t n)
{
    struct gateway *g = c->gateway;
    uint64_t now_us = gateway_now(g) * 1000;
    bucket_charge(&c->reading, READING, now_us, n);
    if (c->slowed || !c->client || bucket_debt_us(&c->reading, READING, now_us) == 0)
        return;
    c->slowed = true;
    TAILQ_INSERT_TAIL(&g->slowed, c, waiting_link);
    g->stats.slowed++;
    ws_update_reading(c);
}

/* PINGs come to no callback, and PONGs to one only if they say something; lws reads them all the
 * same, as many as come. What lies unread counts as well, and that much less the next time. */
static void charge_others(struct connection *c)
{
    uint64_t received = received_bytes(lws_get_socket_fd(c->wsi));
    uint64_t counted = c->seen_bytes + c->other_bytes;
    if (received < counted + RX_BUFFER_BYTES)
        return;
    c->other_bytes += received - counted;
    charge(c, (received - counted) / RX_BUFFER_BYTES);
}

static void wake_slowed(struct gateway *g)
{
    uint64_t now_us = gateway_now(g) * 1000;
    struct connection *c, *next;
    for (c = TAILQ_FIRST(&g->slowed); c; c = next) {
        next = TAILQ_NEXT(c, waiting_link);
        if (bucket_debt_us(&c->reading, READING, now_us) > 0)
            continue;
        TAILQ_REMOVE(&g->slowed, c, waiting_link);
        c->slowed = false;
        ws_update_reading(c);
    }
}

void ws_update_reading(struct connection *c)
{
    if (c->phase != PHASE_HELLO && c->phase != PHASE_JOINED)
        return;
    bool on = !c->slowed && !client_paused(c->client);
    if (on && c->reads_off)
        ws_heard(c); /* its silence begins when we listen again */
    connection_read(c, on);
}

/* Frames in a message, as many as are well-formed. */
static uint64_t count_frames(struct span message)
{
    struct cursor in = cursor_of(message.data, message.len);
    uint64_t n = 0;
    while (cursor_left(&in) > 0 && wire_skip(&in) == 0)
        n++;
    return n;
}

static void take_message(struct connection *c, struct span message)
{
    struct gateway *g = c->gateway;
    g->stats.messages++;
    client_message(c->client, gateway_now(g), message);
    if (c->phase == PHASE_HELLO)
        connection_phase(c, PHASE_JOINED);
    charge(c, count_frames(message));
}

/* `left` bytes of the frame under way are still to come: refused before they are. */
static const char *why_too_long(const struct connection *c, size_t len, size_t left)
{
    size_t max = c->phase == PHASE_HELLO ? FIRST_MESSAGE_BYTES_MAX : MESSAGE_BYTES_MAX;
    size_t room = max - c->message.len;
    if (len > room || left > room - len)
        return c->phase == PHASE_HELLO ? "The first message is longer than 4 KB."
                                       : "A message is longer than 64 KB.";
    return NULL;
}

void ws_receive(struct connection *c, const uint8_t *data, size_t len)
{
    struct gateway *g = c->gateway;
    if (!c->client || c->phase >= PHASE_FAILED)
        return;
    ws_heard(c);
    /* lws lets the first of them pass; the message is not what it seems. */
    if (lws_get_reserved_bits(c->wsi)) {
        connection_fail(c, ERROR_bad_websocket, NULL);
        return;
    }
    if (!lws_frame_is_binary(c->wsi)) {
        connection_fail(c, ERROR_bad_frame, "Messages are binary, not text.");
        return;
    }
    const char *why = why_too_long(c, len, lws_remaining_packet_payload(c->wsi));
    if (why) {
        connection_fail(c, ERROR_too_long, why);
        return;
    }
    c->seen_bytes += len;
    charge(c, 1); /* lws reads at most RX_BUFFER_BYTES at once */
    bool whole = lws_is_final_fragment(c->wsi);
    if (whole && c->message.len == 0) {
        take_message(c, (struct span){data, len});
        return;
    }
    if (len > REASSEMBLY_BYTES_MAX - g->stats.reassembly_bytes ||
        !limits_hold(g->limits, &c->address, HOLD_BYTES, len)) {
        connection_fail(c, ERROR_too_many, "There are too many unfinished messages.");
        return;
    }
    if (c->message.len == 0)
        c->message_since_ms = c->heard_ms;
    buf_append(&c->message, data, len);
    g->stats.reassembly_bytes += len;
    if (whole) {
        take_message(c, buf_span(&c->message));
        connection_forget_message(c);
    }
}

void ws_tick(struct gateway *g)
{
    wake_slowed(g);
    end_lingering(g);
}

/* ---- time ----------------------------------------------------------------------------------- */

static bool core_ends(struct connection *c, uint64_t now_ms)
{
    if (!client_ends(c->client, NULL))
        return false;
    if (c->ending_ms == 0)
        c->ending_ms = now_ms;
    if (now_ms - c->ending_ms >= CLOSING_MS)
        connection_kill(c);
    return true;
}

/* No byte of the client is needed for the upgrade: it has none to wait for. */
void ws_sweep(struct connection *c, uint64_t now_ms)
{
    struct gateway *g = c->gateway;
    if (c->phase >= PHASE_FAILED || c->phase == PHASE_UPGRADE) {
        if (now_ms - c->since_ms >= CLOSING_MS)
            connection_kill(c);
        return;
    }
    if (core_ends(c, now_ms))
        return;
    if (c->phase == PHASE_HELLO && now_ms - c->since_ms >= g->settings.hello_timeout_s * 1000) {
        connection_fail(c, ERROR_no_hello, NULL);
        return;
    }
    charge_others(c);
    if (c->reads_off) {
        ws_heard(c);                  /* its PONGs lie unread, */
        c->message_since_ms = now_ms; /* and the rest of its message */
    } else if (c->message.len > 0 && now_ms - c->message_since_ms >= REQUEST_MS) {
        connection_fail(c, ERROR_bad_frame, "A message was not finished in time.");
        return;
    } else if (now_ms - c->heard_ms >= SILENT_MS) {
        g->stats.closed_silent++;
        connection_kill(c);
        return;
    }
    if (now_ms - c->heard_ms >= PING_AFTER_MS && now_ms - c->pinged_ms >= PING_AFTER_MS) {
        c->ping_due = true;
        c->pinged_ms = now_ms;
        flush_client(c);
    }
}
