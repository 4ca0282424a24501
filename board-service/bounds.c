/* SPDX-License-Identifier: Apache-2.0 */
#include "bounds.h"

#include "checks.h"

static void note_full(struct board *b)
{
    bool full = b->log.head >= b->core->config.board_events_max;
    b->core->stats.full_boards += full - (uint64_t)b->log.full;
    if (full && !b->log.full)
        TRACE(b->core, &b->id, full_told, b->log.head, b->core->config.board_events_max);
    b->log.full = full;
}

/* An owner does not know what the one before it was owed. */
void bounds_start(struct board *b)
{
    b->log.debt = (struct debt){.at = b->core->clock};
    note_full(b);
}

/* Thousandths of a byte: bytes a second times milliseconds. */
static uint64_t debt_now(const struct board *b)
{
    const struct debt *debt = &b->log.debt;
    uint64_t paid = (b->core->clock - debt->at) * b->core->config.board_bytes_per_s;
    return debt->bytes_1000 > paid ? debt->bytes_1000 - paid : 0;
}

void bounds_took(struct board *b, size_t bytes)
{
    CHECK(bytes > 0);
    uint64_t counted_1000 = larger(bytes, EVENT_BYTES_MIN) * 1000;
    b->log.debt = (struct debt){debt_now(b) + counted_1000, b->core->clock};
    note_full(b);
}

unsigned bounds_flags(const struct board *b)
{
    uint64_t nearly = b->core->config.board_events_max * NEARLY_FULL_PERCENT / 100;
    return (b->log.head >= nearly ? MARK_NEARLY_FULL : 0u) | (b->log.full ? MARK_FULL : 0u);
}

static uint64_t debt_max(const struct board *b)
{
    uint64_t rate = b->core->config.board_bytes_per_s, most = larger(rate * DEBT_S, DEBT_BYTES_MIN);
    return (b->log.busy ? most - rate : most) * 1000;
}

bool bounds_in_debt(const struct board *b)
{
    return debt_now(b) > debt_max(b);
}

uint64_t bounds_deadline(const struct board *b)
{
    if (!b->log.busy || !bounds_in_debt(b))
        return NEVER;
    uint64_t rate = b->core->config.board_bytes_per_s;
    return b->core->clock + (debt_now(b) - debt_max(b) + rate - 1) / rate;
}
