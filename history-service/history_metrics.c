/* SPDX-License-Identifier: Apache-2.0 */
#include "history_metrics.h"

void history_metrics(const struct history_parts *p, struct buf *out)
{
    static const char *const KINDS[] = {"append", "open", "create", "look"};
    static const char *const OPERATIONS[] = {"load", "append", "read", "upkeep"};
    const struct history_core_stats *t = history_core_stats(p->core);
    const struct rounds_stats *o = rounds_stats(p->rounds);
    const struct reads_stats *r = reads_stats(p->reads);
    const struct upkeep_stats *u = upkeep_stats(p->upkeep);
#include "history_metrics.def"
}
