/* SPDX-License-Identifier: Apache-2.0 */
#include "board_metrics.h"

#include "metrics.h"

static const char *const RESULTS[FRAME_RESULTS] = {
    [FRAME_ACCEPTED] = "accepted", [FRAME_REPEATED] = "repeated",   [FRAME_EARLY] = "early",
    [FRAME_REFUSED] = "refused",   [FRAME_NOT_OWNER] = "not_owner", [FRAME_NO_ROOM] = "no_room",
    [FRAME_INVALID] = "invalid",
};

void board_metrics(const struct board_core *core, struct buf *out)
{
    const struct board_core_stats *t = board_core_stats(core);
#include "board_metrics.def"
}
