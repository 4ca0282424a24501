/* SPDX-License-Identifier: Apache-2.0
 *
 * The board's state towards the gateways: told when it looks different, and again to whose lists do
 * not have it.
 */
#include "telling.h"

#include "checks.h"
#include "members.h"
#include "pen.h"

static unsigned place_in_line(const struct seats *s, const struct member *m)
{
    unsigned place = m->line ? 1 : 0;
    for (unsigned i = 0; m->line && i < s->count; i++)
        place += s->members[i].line && s->members[i].line < m->line;
    return place;
}

struct lists {
    struct list members, full, outside;
};

static struct list put_outside(struct board *b)
{
    struct buf *out = &b->core->scratch3;
    const struct seats *s = &b->seats;
    buf_clear(out);
    for (unsigned i = 0; i < s->outsider_count; i++) {
        const struct outsider *o = &s->outsiders[i];
        PUT(out, outsider, o->member, span_of(o->name), o->role, o->why);
    }
    return list_of(s->outsider_count, out);
}

static struct lists put_lists(struct board *b)
{
    const struct seats *s = &b->seats;
    struct buf *members = &b->core->scratch, *full = &b->core->scratch2;
    uint32_t member_count = 0, full_count = 0;
    buf_clear(members);
    buf_clear(full);
    for (unsigned i = 0; i < s->count; i++) {
        const struct member *m = &s->members[i];
        if (m->seated) {
            PUT(members, member, .member = m->id, .name = span_of(m->name), .role = m->role,
                .flags = m->flags, .line = place_in_line(s, m), .number = m->number);
            member_count++;
        } else if (members_turned_away(b, m)) {
            PUT(full, member_id, m->id, m->outside);
            full_count++;
        }
    }
    if (full_count > 0)
        TRACE(b->core, &b->id, seat_refused, full_count, b->core->config.seats);
    return (struct lists){list_of(member_count, members), list_of(full_count, full),
                          put_outside(b)};
}

static void hash_add(uint64_t *h, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++)
        *h = (*h ^ p[i]) * UINT64_C(0x100000001b3);
}

/* Two states with one hash look the same to everybody. What only counts time is left out. */
static uint64_t hash_of(const struct board *b, const struct lists *lists)
{
    const struct log_state *pen = &b->log.stored;
    uint64_t numbers[] = {
        b->log.epoch, pen->instance,      pen->term,      pen->base,
        pen->uses,    b->pen.grace_until, b->pen.passing, pen->rules,
    };
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    hash_add(&h, numbers, sizeof numbers);
    hash_add(&h, lists->members.at.pos, cursor_left(&lists->members.at));
    hash_add(&h, &lists->members.count, sizeof lists->members.count);
    hash_add(&h, lists->full.at.pos, cursor_left(&lists->full.at));
    hash_add(&h, lists->outside.at.pos, cursor_left(&lists->outside.at));
    return h;
}

static void put_state(struct attachment *at, const struct lists *lists)
{
    struct board *b = at->board;
    const struct board_core_config *config = &b->core->config;
    const struct log_state *pen = &b->log.stored;
    at->state_number = ++b->core->state_number;
    TELL(b, &at->list->gateway, board_state, .epoch = b->log.epoch, .number = at->state_number,
         .head = b->log.head, .mark = b->log.mark,
         .name = b->rules.now.name.len ? b->rules.now.name : span_of(b->name), .base = pen->base,
         .holder = pen->holder, .instance = pen->instance, .term = pen->term,
         .grace_ms = pen_grace_left(b), .pass_ms = pen_pass_left(b), .seats = config->seats,
         .lost_grace_ms = config->pen_grace_ms, .idle_ms = config->pen_idle_ms,
         .members = lists->members, .full = lists->full, .keep_ms = (uint32_t)config->seat_keep_ms,
         .features = FEATURES, .uses = pen->uses, .rules = buf_span(&b->rules.event),
         .outside = lists->outside);
    at->told_mark = b->log.mark;
    at->state_at = b->core->clock;
    at->state_list = at->list->sent_at;
    at->state_due = false;
}

static bool anything_due(const struct board *b)
{
    const struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link)
        if (at->state_due)
            return true;
    return false;
}

void telling_turn(struct board *b)
{
    CHECK(b->ownership == BOARD_OPEN);
    struct seats *s = &b->seats;
    if (!s->stale && !anything_due(b))
        return;
    struct lists lists = put_lists(b);
    uint64_t hash = hash_of(b, &lists);
    bool news = hash != s->told_hash;
    s->told_hash = hash;
    s->stale = false;
    struct attachment *at;
    LIST_FOREACH (at, &b->attachments, board_link)
        if (news || at->state_due)
            put_state(at, &lists);
}
