/* SPDX-License-Identifier: Apache-2.0 */
#include "shell_metrics.h"

#include "process.h"

void turns_init(struct turns *t, uv_loop_t *loop)
{
    uv_loop_configure(loop, UV_METRICS_IDLE_TIME);
    *t = (struct turns){.loop = loop, .since_ns = uv_hrtime(), .seconds = HISTOGRAM_OF_SECONDS};
}

void turns_count(struct turns *t)
{
    uint64_t now_ns = uv_hrtime(), idle_ns = uv_metrics_idle_time(t->loop);
    double seconds = (double)(now_ns - t->since_ns - (idle_ns - t->idle_ns)) / 1e9;
    t->since_ns = now_ns;
    t->idle_ns = idle_ns;
    histogram_add(&t->seconds, seconds);
    peak_add(&t->longest, now_ns / 1000000, seconds);
}

static void turn_metrics(const struct turns *t, struct buf *out)
{
    metric_histogram(out, "easel_loop_turn_seconds", "Busy time of the event loop's turns.",
                     &t->seconds);
    GAUGE("easel_loop_longest_turn_seconds", "The longest turn of the last 15 to 30 seconds.",
          peak_value(&t->longest, uv_hrtime() / 1000000));
}

static void outbox_metrics(const struct outbox *o, struct buf *out)
{
    const struct outbox_stats *s = outbox_stats(o);
    metric_histogram(out, "easel_outbox_batch_items",
                     "Items in a broker message; their sum is all items that left.", &s->batch);
    COUNTER("easel_outbox_dropped_items_total", "Items dropped at a limit.", s->dropped);
    COUNTER("easel_outbox_dropped_offers_total",
            "Places of pointers dropped: no room, or no budget.", s->offers_dropped);
    GAUGE("easel_outbox_bytes", "Bytes that wait for their pace.", s->waiting_bytes);
    GAUGE("easel_outbox_limit_bytes", "The limit of these.", OUTBOX_BYTES_MAX);
}

static void link_metrics(struct link *l, struct buf *out)
{
    static const struct link_stats none;
    const struct link_stats *s = l ? link_stats(l) : &none;
    GAUGE("easel_link_up", "1 while the link to the broker is up.", s->up);
    GAUGE("easel_link_blocked", "1 while the broker has an alarm and takes nothing.", s->blocked);
    GAUGE("easel_link_silent", "1 while the link is up and nothing comes back by it.", s->silent);
    COUNTER("easel_link_connects_total", "Connections made to the broker.", s->connects);
    COUNTER("easel_link_sent_messages_total", "Messages given to the broker.", s->published);
    COUNTER("easel_link_sent_bytes_total", "Bytes of these.", s->publish_bytes);
    COUNTER("easel_link_received_messages_total", "Messages from the broker.", s->received);
    COUNTER("easel_link_received_bytes_total", "Bytes of these.", s->receive_bytes);
    COUNTER("easel_link_returned_messages_total", "Messages that reached no queue.", s->returned);
    COUNTER("easel_link_dropped_messages_total", "Messages dropped: the link was down or full.",
            s->dropped);
    GAUGE("easel_link_out_bytes", "Bytes that wait to be given to the broker.", s->out_bytes);
    GAUGE("easel_link_out_limit_bytes", "The limit of these.", LINK_OUT_BYTES_MAX);
    GAUGE("easel_link_in_bytes", "Bytes from the broker that wait for the loop.", s->in_bytes);
    GAUGE("easel_link_in_limit_bytes", "The limit of these.", LINK_IN_BYTES_MAX);
}

void shell_metrics(const char *program, const struct outbox *outbox, struct link *link,
                   const struct turns *turns, struct buf *out)
{
    outbox_metrics(outbox, out);
    link_metrics(link, out);
    turn_metrics(turns, out);
    process_metrics(program, out);
}
