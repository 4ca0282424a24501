/* SPDX-License-Identifier: Apache-2.0 */
#include "board_invariants.h"

#include "checks.h"
#include "sequencer.h"

#define FRAME_BYTES_MORE 4096u /* what bounds do not count: a frame's head, a grant, the end */
#define ALONE_MAX        16u   /* of so many members each is compared with each */

/* ---- the log --------------------------------------------------------------------------------- */

static uint64_t end_of_bytes(const struct log *l)
{
    return l->bytes_at + l->bytes.len;
}

/* Of the events up to `sent`, which history has not answered. */
static uint64_t unanswered_of(const struct log *l)
{
    if (l->sent <= l->mark)
        return 0;
    const struct event *e = &l->events[l->sent - l->mark - 1];
    return e->at + e->len - l->bytes_at;
}

static void check_events(const struct log *l)
{
    CHECK(l->count <= l->cap);
    CHECK((l->count == 0) == (l->bytes.len == 0));
    if (l->count == 0)
        return;
    const struct event *first = l->events, *last = &l->events[l->count - 1];
    CHECK(first->at == l->bytes_at);
    CHECK(last->at + last->len == end_of_bytes(l));
    CHECK(last->time == l->newest_time); /* times never go back */
    for (size_t i = 1; i < l->count && l->count <= CHECK_FEW; i++)
        CHECK(l->events[i - 1].at + l->events[i - 1].len == l->events[i].at);
}

static void check_states(const struct log *l)
{
    CHECK(l->stored.term <= l->mark && l->stored.base <= l->mark);
    CHECK(l->reached.term <= l->sent && l->reached.base <= l->sent);
    CHECK(l->newest.term <= l->head && l->newest.base <= l->head);
    CHECK(l->mark != l->head || l->stored.term == l->newest.term);
    CHECK(l->stored.stroke.points <= STROKE_POINTS_MAX); /* [D7] */
    CHECK(l->newest.stroke.points <= STROKE_POINTS_MAX);
}

/* While a grant is not stored nothing but the end of the log gets an offset [D22]. */
static void check_grant(const struct log *l)
{
    bool pending = l->newest.term > l->mark;
    CHECK(!pending || l->head == l->newest.term + (l->end_flags != 0));
    CHECK(l->held.len == 0 || pending || l->pass.cseq != 0 || l->full);
    CHECK(l->held.len <= HELD_BYTES_MAX + BROKER_MESSAGE_BYTES_MAX);
}

static void check_log(const struct board *b)
{
    const struct log *l = &b->log;
    CHECK(l->epoch > b->over); /* of an answer to what was asked [D10] */
    CHECK(l->epoch <= b->newest);
    CHECK(l->epoch <= l->mark);
    CHECK(l->mark <= l->sent);
    CHECK(l->sent <= l->head);
    CHECK(l->head - l->mark == l->count);
    CHECK(l->sent == l->mark || l->asked_at != NEVER); /* history is asked until it answers */
    CHECK(!l->probing || l->asked_at != NEVER);
    CHECK(l->full == (l->head >= b->core->config.board_events_max));
    CHECK(l->bytes.len <= UNSTORED_BYTES_MAX + FRAME_BYTES_MORE);
    CHECK((l->end_flags != 0) == (b->ownership == BOARD_ENDING));
    check_events(l);
    check_states(l);
    check_grant(l);
}

static void check_pen(const struct board *b)
{
    const struct pen *p = &b->pen;
    CHECK(p->term <= b->log.stored.term);
    CHECK(p->lost_at != NEVER || p->grace_until == NEVER);
    CHECK(!p->passing || p->wait_since != NEVER);
}

/* ---- seats ----------------------------------------------------------------------------------- */

/* Nobody else is that member, or sits there. */
static void check_alone(const struct seats *s, unsigned i)
{
    const struct member *m = &s->members[i];
    for (unsigned j = 0; j < i; j++) {
        CHECK(!id_equal(&s->members[j].id, &m->id));
        CHECK(!m->seated || !s->members[j].seated || s->members[j].seat != m->seat);
        CHECK(m->number == 0 || s->members[j].number != m->number);
    }
}

static void check_member(const struct board *b, const struct member *m)
{
    CHECK(m->connected == (m->lost_at == NEVER));
    CHECK(!m->seated || m->seat <= b->core->config.seats);
    CHECK(!m->seated || !m->given_up);
    CHECK(m->seated == (m->number > 0));
    CHECK(m->line <= b->seats.line);
    CHECK((m->rivals == 0) == (m->rivals_since == NEVER));
}

/* A seat is used up while its member is away, and only then. */
static void check_seat(const struct board *b, unsigned seat)
{
    bool away = false;
    for (unsigned i = 0; i < b->seats.count; i++) {
        const struct member *m = &b->seats.members[i];
        away = away || (m->seated && m->seat == seat && !m->connected);
    }
    CHECK(b->seats.seat[seat].away == away);
    CHECK(b->seats.seat[seat].left_ms <= b->core->config.seat_keep_ms);
    CHECK(b->seats.seat[seat].counted_at <= b->core->clock);
}

static void check_seats(const struct board *b)
{
    const struct seats *s = &b->seats;
    unsigned seated = 0;
    CHECK(s->count <= s->cap);
    CHECK(s->count <= LISTED_PER_SEAT * (b->core->config.seats + 1));
    for (unsigned i = 0; i < s->count; i++) {
        check_member(b, &s->members[i]);
        if (s->count <= ALONE_MAX)
            check_alone(s, i);
        seated += s->members[i].seated;
    }
    CHECK(seated <= b->core->config.seats + 1); /* P5 */
    for (unsigned i = 0; s->seat && s->count <= ALONE_MAX && i <= b->core->config.seats; i++)
        check_seat(b, i);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void check_attachment(const struct board *b, const struct attachment *at)
{
    CHECK(at->board == b);
    CHECK(at->list->shard == b->shard);
    CHECK(idmap_get(&at->list->boards, &b->id) == at);
    CHECK(at->entry_count <= LISTED_PER_SEAT * (b->core->config.seats + 1));
    CHECK(at->state_number <= b->core->state_number);
    if (b->log.epoch == 0)
        return;
    CHECK(at->next >= 1 && at->next <= b->log.head + 1);
    CHECK(at->told_mark <= b->log.mark); /* nobody is told what is not stored */
}

static void check_attachments(const struct board *b)
{
    const struct attachment *at;
    unsigned entries = 0;
    LIST_FOREACH (at, &b->attachments, board_link) {
        check_attachment(b, at);
        entries += at->entry_count;
    }
    CHECK(entries == b->entry_count);
}

static void check_lists(const struct board_core *c)
{
    const struct gateway_list *list, *before = NULL;
    unsigned few = 0;
    TAILQ_FOREACH (list, &c->lists, heard_link) {
        CHECK(list->shard < c->config.shards && c->shard[list->shard].list_count > 0);
        CHECK(list->parts_there <= list->part_count);
        CHECK((list->parts == NULL) == (list->part_count == 0));
        CHECK(!before || before->heard_at <= list->heard_at); /* the longest silent first */
        before = list;
        if (++few == CHECK_FEW)
            return;
    }
}

/* ---- boards ---------------------------------------------------------------------------------- */

/* Who waits for time is looked at by the next sweep, or in this turn. */
static void check_woken(const struct board *b)
{
    CHECK(b->is_active == (b->deadline != NEVER));
    CHECK(!b->is_active || b->is_dirty || b->core->sweep_at <= b->deadline);
    CHECK(b->is_active || b->is_dirty || b->ownership == BOARD_OPEN);
    CHECK(b->is_active || b->is_dirty || b->log.count == 0);
}

static void check_board(const struct board *b)
{
    bool open = board_has_log(b);
    CHECK(b->shard < b->core->config.shards);
    CHECK(idmap_get(&b->core->boards, &b->id) == b);
    CHECK(open || (b->log.epoch == 0 && b->log.count == 0 && b->log.bytes.len == 0)); /* [D11] */
    CHECK(b->ownership != BOARD_OPENING || b->over <= b->newest);
    if (open) {
        check_log(b);
        check_pen(b);
    }
    check_seats(b);
    check_attachments(b);
    check_woken(b);
}

/* ---- the core -------------------------------------------------------------------------------- */

static void add_board(struct board_core_stats *sum, uint64_t *unanswered, const struct board *b)
{
    sum->boards_open += board_has_log(b);
    sum->boards_opening += b->ownership == BOARD_OPENING;
    sum->unstored_events += b->log.count;
    sum->unstored_bytes += b->log.bytes.len;
    sum->busy_boards += b->log.busy;
    sum->full_boards += b->log.full;
    *unanswered += unanswered_of(&b->log);
}

static void check_sums(const struct board_core *c, const struct board_core_stats *sum,
                       uint64_t unanswered)
{
    uint64_t counted = 0, held = 0;
    for (unsigned i = 0; i < c->config.shards; i++) {
        counted += c->shard[i].unanswered;
        held += c->shard[i].held;
    }
    CHECK(unanswered == counted);
    CHECK(held == c->stats.shards_held);
    CHECK(sum->boards_open == c->stats.boards_open);
    CHECK(sum->boards_opening == c->stats.boards_opening);
    CHECK(sum->unstored_events == c->stats.unstored_events);
    CHECK(sum->unstored_bytes == c->stats.unstored_bytes);
    CHECK(sum->busy_boards == c->stats.busy_boards);
    CHECK(sum->full_boards == c->stats.full_boards);
}

void board_core_invariants(const struct board_core *c)
{
    const struct idmap *boards = &c->boards;
    struct board_core_stats sum = {0};
    uint64_t unanswered = 0;
    size_t slots = boards->slots <= CHECK_FEW ? boards->slots : CHECK_FEW / 4;
    for (size_t i = 0; i < slots; i++) {
        const struct board *b = idmap_at(boards, (c->now + i) & (boards->slots - 1));
        if (!b)
            continue;
        check_board(b);
        add_board(&sum, &unanswered, b);
    }
    if (slots == boards->slots)
        check_sums(c, &sum, unanswered);
    for (unsigned i = 0; i < c->config.shards; i++)
        CHECK(c->shard[i].held == (c->shard[i].wanted && c->shard[i].bound));
    CHECK(c->clock <= c->now); /* the owner's clock stands still at times [D14] */
    CHECK(c->stats.list_bytes <= LISTS_BYTES_MAX);
    CHECK(!c->gone || boards->count == 0);
    check_lists(c);
}
