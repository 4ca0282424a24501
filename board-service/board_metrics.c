/* SPDX-License-Identifier: Apache-2.0 */
#include "board_metrics.h"

#include "metrics.h"

#define COUNTER(name, help, value) metric_counter(out, "easel_board_" name, help, (value))
#define GAUGE(name, help, value)   metric_gauge(out, "easel_board_" name, help, (double)(value))

static const char *const RESULTS[FRAME_RESULTS] = {
    [FRAME_ACCEPTED] = "accepted", [FRAME_REPEATED] = "repeated",   [FRAME_EARLY] = "early",
    [FRAME_REFUSED] = "refused",   [FRAME_NOT_OWNER] = "not_owner", [FRAME_NO_ROOM] = "no_room",
    [FRAME_INVALID] = "invalid",
};

static void work(const struct board_core_stats *t, struct buf *out)
{
    metric_counters(out, "easel_board_frames_total",
                    "Frames of drawers that came in, by what became of them.", "result", RESULTS,
                    t->frames, FRAME_RESULTS);
    COUNTER("events_total", "Events that got an offset.", t->events);
    COUNTER("grants_total", "Times the pen changed hands.", t->grants);
    COUNTER("throttled_total", "Times that drawing paused for a board's bytes a second.",
            t->throttled);
    COUNTER("pointers_total", "Places of pointers that came in.", t->pointers);
    COUNTER("pointers_ignored_total", "Places not from the holder.", t->pointers_ignored);
    COUNTER("bad_messages_total", "Broker messages and frames not understood.", t->bad_messages);
    COUNTER("dropped_total", "Boards and lists beyond a limit.", t->dropped);
}

static void ownership(const struct board_core_stats *t, struct buf *out)
{
    GAUGE("boards", "Boards owned here.", t->boards_open);
    GAUGE("full_boards", "Of these, boards with so many events that nobody draws on them.",
          t->full_boards);
    GAUGE("opening_boards", "Boards that history was asked for.", t->boards_opening);
    GAUGE("shards", "Shards whose key is bound here.", t->shards_held);
    GAUGE("replicas", "Board services that count as alive.", t->peers);
    COUNTER("opens_total", "Open requests, repeats included.", t->opens);
    COUNTER("opens_refused_total", "Open requests that were refused.", t->opens_refused);
    GAUGE("list_bytes", "What is kept of the gateways' lists of who is where.", t->list_bytes);
    GAUGE("list_limit_bytes", "The limit of these.", LISTS_BYTES_MAX);
    COUNTER("restored_total", "Boards opened anew, since a backup was restored into the store.",
            t->stores_changed);
    COUNTER("fenced_total", "Boards lost to another replica.", t->fenced);
}

static void behind(const struct board_core *core, struct buf *out)
{
    const struct board_core_stats *t = board_core_stats(core);
    GAUGE("busy_boards", "Boards with so much unstored that drawing pauses.", t->busy_boards);
    GAUGE("unstored_events", "Events not yet stored.", t->unstored_events);
    GAUGE("unstored_bytes", "Bytes of these.", t->unstored_bytes);
    GAUGE("oldest_unstored_seconds", "The age of the oldest event that is not stored; 0: all are.",
          (double)board_core_unstored_ms(core) / 1000);
}

static void hearing(const struct board_core *core, struct buf *out)
{
    GAUGE("unheard_seconds", "Since our last heartbeat came back; above 1 nobody can be heard.",
          (double)board_core_unheard_ms(core) / 1000);
}

void board_metrics(const struct board_core *core, struct buf *out)
{
    work(board_core_stats(core), out);
    ownership(board_core_stats(core), out);
    behind(core, out);
    hearing(core, out);
}
