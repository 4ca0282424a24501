/* SPDX-License-Identifier: Apache-2.0 */
#include "history_metrics.h"

static void requests(const struct history_parts *p, struct buf *out)
{
    const struct history_core_stats *t = history_core_stats(p->core);
    static const char *const KINDS[] = {"append", "open", "create", "look"};
    metric_counters(out, "easel_history_requests_total", "Requests that came in.", "kind", KINDS,
                    (const uint64_t[]){t->appends, t->opens, t->creates, t->looks}, 4);
    metric_counters(out, "easel_history_refused_total", "Requests of a wrong epoch.", "kind", KINDS,
                    (const uint64_t[]){t->appends_refused, t->opens_refused}, 2);
    COUNTER("easel_history_holes_total", "Segments that began beyond the tail.", t->holes);
    COUNTER("easel_history_trimmed_events_total", "Events that came although they were stored.",
            t->trimmed);
    COUNTER("easel_history_dropped_total",
            "Requests dropped: too many wait, or the database is away.", t->dropped);
    COUNTER(
        "easel_history_bad_messages_total",
        "Broker messages, or items of them, that were not understood, or came from who must not.",
        t->bad_messages + p->bad_peer_messages);
    COUNTER("easel_history_bad_segments_total", "Segments that are not the events that they say.",
            t->bad_segments);
}

static void behind(const struct history_parts *p, struct buf *out)
{
    const struct history_core_stats *t = history_core_stats(p->core);
    GAUGE("easel_history_append_lag_seconds",
          "The longest wait for being stored in the last 15 to 30 seconds, or until now.",
          rounds_lag_seconds(p->rounds));
    metric_histogram(out, "easel_history_append_seconds",
                     "From a request's arrival until what it adds to the log is stored.",
                     &t->waited);
    GAUGE("easel_history_waiting_requests", "Requests that wait.", t->waiting_requests);
    GAUGE("easel_history_waiting_bytes", "Bytes of these.", t->waiting_bytes);
    GAUGE("easel_history_waiting_limit_bytes", "The limit of these.", HISTORY_WAITING_BYTES_MAX);
}

static void storing(const struct history_parts *p, struct buf *out)
{
    const struct history_core_stats *t = history_core_stats(p->core);
    metric_histogram(out, "easel_history_round_records", "Records stored together.",
                     &rounds_stats(p->rounds)->records);
    COUNTER("easel_history_events_total", "Events stored.", t->events);
    COUNTER("easel_history_event_bytes_total", "Bytes of these.", t->bytes);
    COUNTER("easel_history_duplicate_keys_total", "Records whose key was taken: read again.",
            t->duplicate_keys);
    COUNTER("easel_history_unknown_results_total",
            "Records of which nobody knows whether they are stored.", t->unknown_results);
    GAUGE("easel_history_tails", "Boards whose last record is kept in memory.", t->tails);
    GAUGE("easel_history_tails_limit", "The limit of these.", TAILS_MAX);
}

static void reading(const struct reads *r, struct buf *out)
{
    const struct reads_stats *t = reads_stats(r);
    COUNTER("easel_history_reads_total", "Reads that gateways asked for.", t->requests);
    COUNTER("easel_history_reads_repeated_total", "Reads that were asked again while they waited.",
            t->repeats);
    COUNTER("easel_history_reads_dropped_total", "Reads dropped since too many waited.",
            t->dropped);
    COUNTER("easel_history_read_errors_total", "Reads that the database did not answer.",
            t->errors);
    COUNTER("easel_history_read_bad_messages_total", "Reads that were not understood.",
            t->bad_messages);
    COUNTER("easel_history_read_bytes_total", "Bytes of events that were read.", t->bytes);
    GAUGE("easel_history_waiting_reads", "Reads that wait, or are under way.", reads_waiting(r));
    GAUGE("easel_history_waiting_reads_limit", "The limit of these.", READS_WAITING_MAX);
}

static void boards(const struct history_parts *p, struct buf *out)
{
    const struct history_core_stats *t = history_core_stats(p->core);
    const struct upkeep_stats *u = upkeep_stats(p->upkeep);
    GAUGE("easel_history_boards",
          "Boards that there are, as far as counted; without the deleted ones.", t->boards);
    GAUGE("easel_history_boards_limit", "The limit of these.", p->boards_max);
    COUNTER("easel_history_boards_refused_total", "Boards not made, since there were too many.",
            t->boards_refused);
    COUNTER("easel_history_boards_expired_total",
            "Boards deleted since nobody had used them for long.", u->expired_boards);
    COUNTER("easel_history_boards_erased_total", "Deleted boards whose events were erased.",
            u->erased_boards);
    COUNTER("easel_history_records_erased_total", "Records of these.", u->erased_records);
    GAUGE("easel_history_erasing_boards", "Deleted boards that wait to be erased.", u->waiting);
    GAUGE("easel_history_erasing_boards_limit", "The limit of these.", UPKEEP_ERASE_MAX);
    COUNTER("easel_history_upkeep_errors_total",
            "Steps of erasing and counting that the database refused.", u->errors);
    COUNTER("easel_history_passes_total", "Times that all boards were looked at.", u->passes);
}

static void database(const struct history_parts *p, struct buf *out)
{
    static const char *const OPERATIONS[] = {"load", "append", "read", "upkeep"};
    const struct rounds_stats *t = rounds_stats(p->rounds);
    GAUGE("easel_history_database_up", "1 while the database answers, and stores.",
          !t->trouble && !p->lost);
    GAUGE("easel_history_store_lost", "1: the store was removed or replaced; nothing is stored.",
          p->lost);
    COUNTER("easel_history_bad_records_total",
            "Times that a record of the store was met that cannot be.",
            history_core_stats(p->core)->bad_records + reads_stats(p->reads)->broken);
    metric_histograms(
        out, "easel_history_store_seconds",
        "Time in the database: last records are loaded, records appended, pages read; upkeep.",
        "operation", OPERATIONS,
        (const struct histogram *const[]){&t->load_seconds, &t->append_seconds,
                                          &reads_stats(p->reads)->seconds,
                                          &upkeep_stats(p->upkeep)->seconds},
        4);
}

void history_metrics(const struct history_parts *p, struct buf *out)
{
    GAUGE("easel_history_shards", "Shards consumed here.", p->shards);
    GAUGE("easel_history_replicas", "History services that count as alive.", p->replicas);
    requests(p, out);
    behind(p, out);
    storing(p, out);
    reading(p->reads, out);
    boards(p, out);
    database(p, out);
}
