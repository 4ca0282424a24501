/* SPDX-License-Identifier: Apache-2.0 */
#include "shell_private.h"

static void connections(const struct gateway *g, struct buf *out)
{
    const struct shell_stats *s = &g->stats;
    const struct limits_stats *l = limits_stats(g->limits);
    GAUGE("easel_gateway_connections", "WebSockets that are open.", s->sockets);
    COUNTER("easel_gateway_connections_total", "WebSockets opened.", s->upgrades);
    COUNTER("easel_gateway_connections_refused_total", "WebSockets refused.", s->upgrades_refused);
    COUNTER("easel_gateway_connections_silent_total",
            "WebSockets closed since no ping was answered.", s->closed_silent);
    GAUGE("easel_gateway_tcp_connections",
          "TCP connections that are open, those of WebSockets included.", l->connections);
    GAUGE("easel_gateway_tcp_connections_limit", "The limit of these.",
          g->settings.connections_max);
    COUNTER("easel_gateway_tcp_connections_total", "TCP connections taken.", s->accepted);
    COUNTER("easel_gateway_tcp_connections_refused_total", "TCP connections above a limit.",
            l->refused_connections);
    COUNTER("easel_gateway_tcp_connections_untold_total",
            "Of these: closed without an answer, as too many were being told.",
            s->courtesies_dropped);
    COUNTER("easel_gateway_tcp_connections_slow_total",
            "HTTP connections closed since they took too long.", s->closed_slow);
}

/* What comes from clients. */
static void inwards(const struct gateway *g, struct buf *out)
{
    const struct gateway_core_stats *t = gateway_core_stats(g->core);
    const struct shell_stats *s = &g->stats;
    uint64_t errors[ERROR_CODES];
    for (unsigned i = 0; i < ERROR_CODES; i++)
        errors[i] = t->errors[i] + s->errors[i];
    COUNTER("easel_gateway_received_messages_total", "WebSocket messages from clients.",
            s->messages);
    COUNTER("easel_gateway_frames_total", "Frames in these.", t->frames);
    metric_counters(out, "easel_gateway_errors_total", "Errors that clients were told.", "code",
                    ERROR_NAMES, errors, ERROR_CODES);
    COUNTER("easel_gateway_reads_slowed_total",
            "Times that a client's frames were too many, and read later.", s->slowed);
    GAUGE("easel_gateway_reassembly_bytes", "Messages from clients that are not whole yet.",
          s->reassembly_bytes);
    GAUGE("easel_gateway_reassembly_limit_bytes", "The limit of these.", REASSEMBLY_BYTES_MAX);
}

/* What drawers drew, until it is stored. */
static void drawing(const struct gateway *g, struct buf *out)
{
    const struct gateway_core_stats *t = gateway_core_stats(g->core);
    GAUGE("easel_gateway_unacked_frames", "Drawers' frames that are not known to be stored.",
          t->frames_kept);
    GAUGE("easel_gateway_unacked_bytes", "Bytes of these.", t->frame_bytes);
    COUNTER("easel_gateway_frames_wanted_total", "Times that an owner asked for frames again.",
            t->wants);
    COUNTER("easel_gateway_frames_resent_total", "Frames sent again.", t->resent);
    GAUGE("easel_gateway_resends_waiting",
          "Drawers whose frames wait for the budget of what is sent again.", t->resends_waiting);
    COUNTER("easel_gateway_resends_delayed_total", "Times that this budget was used up.",
            t->resends_delayed);
    COUNTER("easel_gateway_frames_lost_total", "Frames that the log went on without.", t->lost);
    metric_histogram(out, "easel_gateway_draw_to_view_seconds",
                     "From reading a frame until its event was given to a viewer's socket here.",
                     &g->stats.view_seconds);
    metric_histogram(out, "easel_gateway_draw_to_stored_seconds",
                     "From reading a frame until it is known here to be stored.",
                     &t->stored_seconds);
}

static void pointers(const struct gateway_core_stats *t, struct buf *out)
{
    COUNTER("easel_gateway_pointers_total", "Places of drawers' pointers from clients.",
            t->pointers);
    COUNTER("easel_gateway_pointers_given_total", "Places given to clients.", t->pointers_given);
    COUNTER("easel_gateway_pointers_dropped_total",
            "Places that a newer one replaced, or that nobody may see.", t->pointers_dropped);
}

static void boards(const struct gateway *g, struct buf *out)
{
    const struct gateway_core_stats *t = gateway_core_stats(g->core);
    GAUGE("easel_gateway_boards", "Boards that somebody has open here.", t->boards);
    GAUGE("easel_gateway_unowned_boards", "Boards of which no owner was heard for 15 s.",
          gateway_core_unowned_boards(g->core, gateway_now(g)));
    GAUGE("easel_gateway_unsaved_boards",
          "Boards where nothing was saved for a while, and clients are told.", t->unsaved_boards);
    GAUGE("easel_gateway_members", "People at these, those whose connection is lost included.",
          t->members);
    GAUGE("easel_gateway_window_bytes", "Events in the windows of all boards.", t->window_bytes);
    GAUGE("easel_gateway_page_bytes", "Pages from history that cursors read.", t->page_bytes);
    COUNTER("easel_gateway_events_total", "Events that came from owners.", t->events);
    COUNTER("easel_gateway_cuts_total", "Windows cut back to their mark.", t->cuts);
    COUNTER("easel_gateway_restored_total",
            "Boards that began anew, since a backup was restored into the store.", t->restored);
    COUNTER("easel_gateway_history_reads_total", "Reads asked of history.", t->history_reads);
    COUNTER("easel_gateway_history_pages_total", "Pages that history sent.", t->history_pages);
    COUNTER("easel_gateway_bad_messages_total", "Broker messages that could not be read.",
            t->bad_messages);
}

/* What goes to clients. */
static void outwards(const struct gateway *g, struct buf *out)
{
    const struct gateway_core_stats *t = gateway_core_stats(g->core);
    const struct shell_stats *s = &g->stats;
    GAUGE("easel_gateway_slow_viewers",
          "Clients that are behind their window and read from history.", t->slow_viewers);
    COUNTER("easel_gateway_slow_viewers_total",
            "Times that a client was behind its window: slow, or new.", t->slowed);
    COUNTER("easel_gateway_sent_messages_total", "WebSocket messages to clients.",
            s->sent_messages);
    COUNTER("easel_gateway_sent_bytes_total", "Bytes to clients.", s->sent_bytes);
    COUNTER("easel_gateway_sends_total", "Sends straight to a socket.", s->sends);
    COUNTER("easel_gateway_sends_blocked_total", "Sends that the socket did not take whole.",
            s->blocked_sends);
    COUNTER("easel_gateway_sends_cut_total", "Sends that ended within a message.", s->cut_frames);
    COUNTER("easel_gateway_sends_joined_total", "Sends to clients whose socket was full before.",
            s->joined_sends);
}

static void http(const struct gateway *g, struct buf *out)
{
    static const char *const CODES[] = {"2xx", "3xx", "4xx", "5xx"};
    static const char *const LIMITS[LIMIT_COUNT] = {
        [LIMIT_CREATES] = "create", [LIMIT_CREATES_DAY] = "create_day", [LIMIT_CODES] = "code"};
    const struct limits_stats *l = limits_stats(g->limits);
    metric_counters(out, "easel_gateway_http_responses_total", "HTTP answers, by status.", "code",
                    CODES, g->stats.http + 2, 4);
    GAUGE("easel_gateway_http_waiting", "HTTP requests that wait for history or an owner.",
          g->question_count);
    GAUGE("easel_gateway_http_waiting_limit", "The limit of these.", QUESTIONS_MAX);
    COUNTER("easel_gateway_http_waiting_refused_total",
            "Requests that one address had too many of at once.", l->refused_questions);
    COUNTER("easel_gateway_http_bad_requests_total", "Requests whose head could not be read.",
            g->stats.bad_requests);
    COUNTER("easel_gateway_http_foreign_total", "Requests of a foreign Host, Origin or page.",
            g->stats.foreign);
    metric_counters(out, "easel_gateway_rate_limited_total",
                    "Boards not made and codes not tried: too many from one address.", "what",
                    LIMITS, l->refused, LIMIT_COUNT);
    GAUGE("easel_gateway_addresses", "Addresses whose limits are kept.", l->addresses);
    COUNTER("easel_gateway_addresses_forgotten_total", "Addresses that made room for others.",
            l->forgotten);
}

void gateway_metrics(struct gateway *g, struct buf *out)
{
    connections(g, out);
    inwards(g, out);
    drawing(g, out);
    pointers(gateway_core_stats(g->core), out);
    boards(g, out);
    outwards(g, out);
    http(g, out);
    shell_metrics("gateway", gateway_core_outbox(g->core), g->service.link, &g->service.turns, out);
}
