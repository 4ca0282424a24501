/* SPDX-License-Identifier: Apache-2.0 */
#include "shell.h"

#include <stdio.h>

#include "shell_metrics.h"

#define COUNTER(name, help, value) metric_counter(out, "easel_gateway_" name, help, NULL, (value))
#define GAUGE(name, help, value)                                                                   \
    metric_gauge(out, "easel_gateway_" name, help, NULL, (double)(value))

static void core_metrics(const struct gateway_core_stats *s, struct buf *out)
{
    GAUGE("boards", "Boards that somebody has open here.", s->boards);
    GAUGE("members", "Sessions, those whose connection is lost included.", s->members);
    GAUGE("window_bytes", "Events in the windows of all boards.", s->window_bytes);
    GAUGE("page_bytes", "Pages from history that cursors read.", s->page_bytes);
    GAUGE("frame_bytes", "Drawers' frames that are not acked yet.", s->frame_bytes);
    GAUGE("slow_clients", "Clients that have fallen behind their window.", s->slow_clients);
    COUNTER("frames_total", "Frames from clients.", s->frames);
    COUNTER("frames_refused_total", "Frames that closed their connection.", s->frames_refused);
    COUNTER("events_total", "Events that came from owners.", s->events);
    COUNTER("deliveries_total", "Events given to clients.", s->deliveries);
    COUNTER("cuts_total", "Windows cut back to their mark.", s->cuts);
    COUNTER("history_reads_total", "Reads asked of history.", s->history_reads);
    COUNTER("history_pages_total", "Pages that history sent.", s->history_pages);
    COUNTER("wants_total", "Frames an owner wanted again.", s->wants);
    COUNTER("resent_total", "Frames sent again.", s->resent);
    COUNTER("pointers_total", "Places of pointers from clients.", s->pointers);
    COUNTER("pointers_given_total", "Places of drawers' pointers given to clients.",
            s->pointers_given);
    COUNTER("pointers_dropped_total", "Places that a newer one replaced, or that nobody may see.",
            s->pointers_dropped);
    COUNTER("bad_messages_total", "Broker messages that could not be read.", s->bad_messages);
}

static void socket_metrics(const struct shell_stats *s, struct buf *out)
{
    GAUGE("connections", "WebSockets that are open.", s->sockets);
    GAUGE("reassembly_bytes", "Messages from clients that are not whole yet.", s->reassembly_bytes);
    COUNTER("tcp_connections_total", "TCP connections taken.", s->accepted);
    COUNTER("connections_total", "WebSockets opened.", s->upgrades);
    COUNTER("upgrades_refused_total", "WebSockets refused.", s->upgrades_refused);
    COUNTER("messages_total", "WebSocket messages from clients.", s->messages);
    COUNTER("slowed_total", "Times a client was read more slowly.", s->slowed);
    COUNTER("pings_total", "Pings sent.", s->pings);
    COUNTER("closed_silent_total", "WebSockets that answered no ping.", s->closed_silent);
    COUNTER("closed_slow_total", "HTTP connections that took too long.", s->closed_slow);
    COUNTER("sent_messages_total", "WebSocket messages to clients.", s->sent_messages);
    COUNTER("sent_bytes_total", "Bytes to clients.", s->sent_bytes);
    COUNTER("sends_total", "Direct sends.", s->sends);
    COUNTER("blocked_sends_total", "Direct sends that the socket did not take whole.",
            s->blocked_sends);
    COUNTER("joined_sends_total", "Sends to clients that lag.", s->joined_sends);
    COUNTER("cut_frames_total", "Frames that were sent in two parts.", s->cut_frames);
}

static void http_metrics(const struct gateway *g, struct buf *out)
{
    for (unsigned i = 2; i < 6; i++) {
        char label[16];
        snprintf(label, sizeof label, "code=\"%uxx\"", i);
        if (i == 2)
            metric_counter(out, "easel_gateway_http_total", "HTTP answers.", label,
                           g->stats.http[i]);
        else
            metric_sample(out, "easel_gateway_http_total", label, (double)g->stats.http[i]);
    }
    GAUGE("questions", "HTTP requests that wait for the broker.", g->question_count);
    const struct limits_stats *l = limits_stats(g->limits);
    GAUGE("tcp_connections", "TCP connections that are open.", l->connections);
    GAUGE("addresses", "Addresses whose limits are kept.", l->addresses);
    COUNTER("addresses_forgotten_total", "Addresses that made room for others.", l->forgotten);
    COUNTER("tcp_connections_refused_total", "TCP connections above a limit.",
            l->refused_connections);
    COUNTER("creates_refused_total", "Boards not made: above the rate.", l->refused[LIMIT_CREATES]);
    COUNTER("codes_refused_total", "Codes not tried: above the rate.", l->refused[LIMIT_CODES]);
}

void gateway_metrics(struct gateway *g, struct buf *out)
{
    core_metrics(gateway_core_stats(g->core), out);
    socket_metrics(&g->stats, out);
    http_metrics(g, out);
    link_metrics(g->link, out);
    outbox_metrics(gateway_core_outbox(g->core), out);
    COUNTER("publish_failed_total", "Messages dropped since the link was down or full.",
            g->stats.publish_failed);
    metric_histogram(out, "easel_gateway_turn_seconds", "Busy time of the loop's turns.",
                     &g->stats.turns);
    GAUGE("longest_turn_seconds", "The longest turn since the last scrape.",
          g->stats.longest_turn_s);
    g->stats.longest_turn_s = 0;
    metric_process(out, "gateway");
}
