/* SPDX-License-Identifier: Apache-2.0 */
#include "shell_metrics.h"

#include "metrics.h"

void link_metrics(struct link *l, struct buf *out)
{
    struct link_stats s;
    link_stats(l, &s);
    metric_gauge(out, "easel_link_up", "1 while the broker link is up.", NULL, link_is_up(l));
    metric_gauge(out, "easel_link_blocked", "1 while the broker has an alarm.", NULL, s.blocked);
    metric_counter(out, "easel_link_connects_total", "Connections made to the broker.", NULL,
                   s.connects);
    metric_counter(out, "easel_link_published_total", "Messages given to the broker.", NULL,
                   s.published);
    metric_counter(out, "easel_link_publish_bytes_total", "Bytes of these.", NULL, s.publish_bytes);
    metric_counter(out, "easel_link_received_total", "Messages from the broker.", NULL, s.received);
    metric_counter(out, "easel_link_receive_bytes_total", "Bytes of these.", NULL, s.receive_bytes);
    metric_counter(out, "easel_link_returned_total", "Messages that reached no queue.", NULL,
                   s.returned);
    metric_counter(out, "easel_link_dropped_total",
                   "Messages dropped since the link was down or full.", NULL, s.dropped);
    metric_gauge(out, "easel_link_out_bytes", "Bytes that wait to be published.", NULL,
                 (double)s.out_bytes);
    metric_gauge(out, "easel_link_out_bytes_max", "The limit of these.", NULL, LINK_OUT_BYTES_MAX);
    metric_gauge(out, "easel_link_in_bytes", "Bytes that wait for the loop.", NULL,
                 (double)s.in_bytes);
    metric_gauge(out, "easel_link_in_bytes_max", "The limit of these.", NULL, LINK_IN_BYTES_MAX);
}

void outbox_metrics(const struct outbox *o, struct buf *out)
{
    const struct outbox_stats *s = outbox_stats(o);
    metric_counter(out, "easel_outbox_items_total", "Items put for other processes.", NULL,
                   s->items);
    metric_counter(out, "easel_outbox_messages_total", "Messages they left in.", NULL, s->messages);
    metric_counter(out, "easel_outbox_dropped_total", "Items dropped at a limit.", NULL,
                   s->dropped);
    metric_counter(out, "easel_outbox_offers_dropped_total",
                   "Times a pointer's place was dropped: no room, or no budget.", NULL,
                   s->offers_dropped);
    metric_gauge(out, "easel_outbox_waiting_bytes", "Bytes that wait for their pace.", NULL,
                 (double)s->waiting_bytes);
    metric_gauge(out, "easel_outbox_waiting_bytes_max", "The limit of these.", NULL,
                 OUTBOX_BYTES_MAX);
}
