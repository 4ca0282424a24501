/* SPDX-License-Identifier: Apache-2.0 */
#include "shell_private.h"

#include <sys/socket.h>

uint64_t gateway_now(const struct gateway *g)
{
    return uv_now(&g->service.loop) + g->start_ms;
}

void connection_phase(struct connection *c, enum phase phase)
{
    c->phase = phase;
    c->since_ms = gateway_now(c->gateway);
}

void connection_kill(struct connection *c)
{
    connection_phase(c, PHASE_CLOSING);
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    /* lws looks at its timeouts only after something came in, and nothing else may come. */
    lws_cancel_service(c->gateway->context);
}

void connection_ask_writeable(struct connection *c)
{
    c->waits_writeable = true;
    lws_callback_on_writable(c->wsi);
}

/* ---- the end --------------------------------------------------------------------------------- */

void connection_forget_message(struct connection *c)
{
    c->gateway->stats.reassembly_bytes -= c->message.len;
    limits_release(c->gateway->limits, &c->address, HOLD_BYTES, c->message.len);
    buf_free(&c->message);
}

void connection_drop_client(struct connection *c)
{
    if (!c->client)
        return;
    client_closed(c->client, gateway_now(c->gateway));
    c->client = NULL;
    connection_forget_message(c);
    if (c->slowed)
        TAILQ_REMOVE(&c->gateway->slowed, c, waiting_link);
    c->slowed = false;
}

void connection_read(struct connection *c, bool on)
{
    if (c->reads_off == !on)
        return;
    c->reads_off = !on;
    lws_rx_flow_control(c->wsi, on);
}

void connection_end(struct connection *c, enum error_code error)
{
    if (c->phase >= PHASE_FAILED)
        return;
    connection_phase(c, PHASE_FAILED);
    c->error = error;
    connection_drop_client(c);
    connection_read(c, false); /* lws would answer a PING behind CLOSE */
    connection_ask_writeable(c);
}

void connection_fail(struct connection *c, enum error_code error, const char *sentence)
{
    if (c->phase >= PHASE_FAILED)
        return;
    c->sentence = sentence ? sentence : ERRORS[error].sentence;
    c->gateway->stats.errors[error]++;
    connection_end(c, error);
}

/* Closing at once, with bytes of the client unread, would reset the connection, and the client
 * might never see why. */
void connection_linger(struct connection *c)
{
    connection_phase(c, PHASE_CLOSING);
    shutdown(lws_get_socket_fd(c->wsi), SHUT_WR);
    c->lingering = true;
    TAILQ_INSERT_TAIL(&c->gateway->lingering, c, waiting_link);
}
