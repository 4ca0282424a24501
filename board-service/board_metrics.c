/* SPDX-License-Identifier: Apache-2.0 */
#include "board_metrics.h"

#include "metrics.h"

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
    COUNTER("easel_board_events_total", "Events that got an offset.", t->events);
    COUNTER("easel_board_grants_total", "Times the pen changed hands.", t->grants);
    COUNTER("easel_board_throttled_total",
            "Times that drawing paused for a board's bytes a second.", t->throttled);
    COUNTER("easel_board_pointers_total", "Places of pointers that came in.", t->pointers);
    COUNTER("easel_board_pointers_ignored_total", "Places not from the holder.",
            t->pointers_ignored);
    COUNTER("easel_board_bad_messages_total", "Broker messages and frames not understood.",
            t->bad_messages);
    COUNTER("easel_board_dropped_total", "Boards and lists beyond a limit.", t->dropped);
}

static void ownership(const struct board_core_stats *t, struct buf *out)
{
    GAUGE("easel_board_boards", "Boards owned here.", t->boards_open);
    GAUGE("easel_board_full_boards",
          "Of these, boards with so many events that nobody draws on them.", t->full_boards);
    GAUGE("easel_board_opening_boards", "Boards that history was asked for.", t->boards_opening);
    GAUGE("easel_board_shards", "Shards whose key is bound here.", t->shards_held);
    GAUGE("easel_board_replicas", "Board services that count as alive.", t->peers);
    COUNTER("easel_board_opens_total", "Open requests, repeats included.", t->opens);
    COUNTER("easel_board_opens_refused_total", "Open requests that were refused.",
            t->opens_refused);
    GAUGE("easel_board_list_bytes", "What is kept of the gateways' lists of who is where.",
          t->list_bytes);
    GAUGE("easel_board_list_limit_bytes", "The limit of these.", LISTS_BYTES_MAX);
    COUNTER("easel_board_restored_total",
            "Boards opened anew, since a backup was restored into the store.", t->stores_changed);
    COUNTER("easel_board_fenced_total", "Boards lost to another replica.", t->fenced);
}

static void behind(const struct board_core *core, struct buf *out)
{
    const struct board_core_stats *t = board_core_stats(core);
    GAUGE("easel_board_busy_boards", "Boards with so much unstored that drawing pauses.",
          t->busy_boards);
    GAUGE("easel_board_unstored_events", "Events not yet stored.", t->unstored_events);
    GAUGE("easel_board_unstored_bytes", "Bytes of these.", t->unstored_bytes);
    GAUGE("easel_board_oldest_unstored_seconds",
          "The age of the oldest event that is not stored; 0: all are.",
          (double)board_core_unstored_ms(core) / 1000);
}

static void hearing(const struct board_core *core, struct buf *out)
{
    GAUGE("easel_board_unheard_seconds",
          "Since our last heartbeat came back; above 1 nobody can be heard.",
          (double)board_core_unheard_ms(core) / 1000);
}

void board_metrics(const struct board_core *core, struct buf *out)
{
    work(board_core_stats(core), out);
    ownership(board_core_stats(core), out);
    behind(core, out);
    hearing(core, out);
}
