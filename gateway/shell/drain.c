/* SPDX-License-Identifier: Apache-2.0
 *
 * Leaving. From SIGTERM on the gateway is not ready, but serves everybody as before until balancers
 * have noticed (EASEL_DRAIN_DELAY_S). Then it takes no new sockets, and asks its clients to go
 * (goaway), so many a second that the other gateways can take them. Whoever has not gone some
 * seconds later is closed with 1012. It stays until the log has the frames of those drawers whose
 * sockets are gone, or until EASEL_DRAIN_GRACE_S are over.
 */
#include "shell_private.h"

#include "log.h"

static uint64_t end_ms(const struct gateway *g)
{
    return g->leave_since_ms + g->settings.drain_grace_s * 1000;
}

/* From then on whoever is still there is closed. */
static uint64_t last_call_ms(const struct gateway *g)
{
    uint64_t quarter = g->settings.drain_grace_s * 1000 / 4;
    return end_ms(g) - (DRAIN_CLOSE_MS < quarter ? DRAIN_CLOSE_MS : quarter);
}

/* How many are asked in this tick: as many as the setting says, or more when the time would not
 * suffice for all. */
static uint64_t slice(const struct gateway *g, uint64_t now_ms)
{
    uint64_t configured = g->settings.drain_per_s * SWEEP_MS / 1000;
    uint64_t spare = GOAWAY_MS + DRAIN_STAY_MS + DRAIN_CLOSE_MS, end = end_ms(g);
    uint64_t ticks = now_ms + spare < end ? (end - spare - now_ms) / SWEEP_MS : 0;
    uint64_t needed = g->stats.sockets / (ticks + 1) + 1;
    return configured > needed ? configured : needed;
}

static bool must_go(const struct gateway *g, const struct connection *c, uint64_t now_ms)
{
    return now_ms >= c->goaway_ms + GOAWAY_MS + DRAIN_STAY_MS || now_ms >= last_call_ms(g);
}

/* The delay that is told is kept: half of the time that is left, at most, so that who goes at its
 * end has the other half to arrive elsewhere. */
static uint64_t delay_ms(const struct gateway *g, uint64_t now_ms)
{
    uint64_t last_ms = last_call_ms(g), half = now_ms < last_ms ? (last_ms - now_ms) / 2 : 0;
    return half < GOAWAY_MS ? half : GOAWAY_MS;
}

/* One that has not said hello, or was not welcomed yet, is closed at once: it loses nothing. */
static bool ask_to_go(struct connection *c, uint64_t now_ms)
{
    uint64_t delay = delay_ms(c->gateway, now_ms);
    c->goaway_ms = now_ms;
    return delay > 0 && c->phase == PHASE_JOINED && client_goaway(c->client, delay);
}

static void ask_some(struct gateway *g, uint64_t now_ms)
{
    uint64_t left = slice(g, now_ms);
    struct connection *c;
    TAILQ_FOREACH (c, &g->connections, link) {
        if (!c->client || c->phase >= PHASE_FAILED)
            continue;
        bool asked = c->goaway_ms != 0;
        if (!asked && left == 0)
            continue;
        if (!asked)
            left--;
        if (asked ? must_go(g, c, now_ms) : !ask_to_go(c, now_ms))
            connection_fail(c, ERROR_restart, "This gateway restarts: connect again.");
    }
}

void drain_tick(struct gateway *g, uint64_t now_ms)
{
    if (!g->service.leaving || now_ms < g->leave_since_ms + g->settings.drain_delay_s * 1000)
        return;
    if (!g->draining)
        log_info("no new clients; %llu are asked to go", (unsigned long long)g->stats.sockets);
    g->draining = true;
    ask_some(g, now_ms);
    uint64_t frame_bytes = gateway_core_stats(g->core)->frame_bytes;
    if ((g->stats.sockets > 0 || frame_bytes > 0) && now_ms < end_ms(g))
        return;
    if (g->stats.sockets > 0 || frame_bytes > 0)
        log_warn("leaving with %llu sockets open, and %llu bytes of drawings not known to be saved",
                 (unsigned long long)g->stats.sockets, (unsigned long long)frame_bytes);
    service_stop(&g->service, 0);
}
