/* SPDX-License-Identifier: Apache-2.0 */
#include "attach.h"

#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "fanout.h"
#include "members.h"
#include "sequencer.h"
#include "telling.h"

/* With its places in gateway_list.boards. */
#define ATTACHMENT_BYTES (sizeof(struct attachment) + 2 * sizeof(struct idmap_entry))

/* ---- lists ----------------------------------------------------------------------------------- */

/* False: all lists together have too many bytes. */
static bool has_room(struct board_core *c, size_t bytes)
{
    bool fits = bytes <= LISTS_BYTES_MAX - c->stats.list_bytes;
    c->stats.dropped += !fits;
    return fits;
}

static void forget_parts(struct board_core *c, struct gateway_list *list)
{
    for (unsigned i = 0; i < list->part_count; i++) {
        c->stats.list_bytes -= list->parts[i].len;
        buf_free(&list->parts[i]);
    }
    free(list->parts);
    free(list->part_boards);
    list->parts = NULL;
    list->part_boards = NULL;
    list->part_count = list->parts_there = 0;
}

static size_t bytes_of(const struct attachment *at)
{
    return ATTACHMENT_BYTES + at->members.len + at->entry_count * sizeof *at->entries;
}

void attachment_free(struct attachment *at)
{
    CHECK(at->board->entry_count >= at->entry_count);
    at->board->seats.dirty = true;
    board_touch(at->board);
    LIST_REMOVE(at, board_link);
    LIST_REMOVE(at, list_link);
    idmap_remove(&at->list->boards, &at->board->id);
    at->board->entry_count -= at->entry_count;
    at->board->core->stats.list_bytes -= bytes_of(at);
    buf_free(&at->members);
    free(at->entries);
    free(at);
}

static void drop_list(struct board_core *c, struct gateway_list *list)
{
    CHECK(c->shard[list->shard].list_count > 0);
    struct gateway *gateway = idmap_get(&c->gateways, &list->gateway);
    struct attachment *at;
    while ((at = LIST_FIRST(&list->attachments))) {
        members_orphan(at);
        attachment_free(at);
    }
    TAILQ_REMOVE(&c->lists, list, heard_link);
    LIST_REMOVE(list, gateway_link);
    if (LIST_EMPTY(&gateway->lists)) {
        idmap_remove(&c->gateways, &list->gateway);
        free(gateway);
    }
    c->shard[list->shard].list_count--;
    forget_parts(c, list);
    idmap_free(&list->boards);
    free(list);
}

static struct gateway *obtain_gateway(struct board_core *c, const struct id *id)
{
    struct gateway *g = idmap_get(&c->gateways, id);
    if (g)
        return g;
    g = xcalloc(1, sizeof *g);
    LIST_INIT(&g->lists);
    idmap_put(&c->gateways, id, g);
    return g;
}

static struct gateway_list *find_or_add_list(struct board_core *c, const struct id *gateway,
                                             unsigned shard)
{
    CHECK(shard < c->config.shards && c->shard[shard].held);
    struct shard *s = &c->shard[shard];
    struct gateway_list *list = board_list_of(c, gateway, shard);
    if (list)
        return list;
    if (s->list_count >= SHARD_LISTS_MAX) {
        c->stats.dropped++;
        return NULL;
    }
    list = xcalloc(1, sizeof *list);
    list->gateway = *gateway;
    list->shard = shard;
    LIST_INIT(&list->attachments);
    LIST_INSERT_HEAD(&obtain_gateway(c, gateway)->lists, list, gateway_link);
    TAILQ_INSERT_TAIL(&c->lists, list, heard_link);
    s->list_count++;
    return list;
}

/* ---- a board in a list ----------------------------------------------------------------------- */

static struct attachment *add(struct board *b, struct gateway_list *list)
{
    CHECK(list->shard == b->shard && !idmap_get(&list->boards, &b->id));
    if (!has_room(b->core, ATTACHMENT_BYTES))
        return NULL;
    struct attachment *at = xcalloc(1, sizeof *at);
    b->core->stats.list_bytes += ATTACHMENT_BYTES;
    at->board = b;
    at->list = list;
    LIST_INSERT_HEAD(&b->attachments, at, board_link);
    LIST_INSERT_HEAD(&list->attachments, at, list_link);
    idmap_put(&list->boards, &b->id, at);
    return at;
}

/* Whoever sits here comes first, lost or not; of the others we know what their gateway says. */
static unsigned rank(const struct board *b, const struct msg_at_member *e)
{
    const struct member *m = members_find(b, &e->member);
    return m && m->seated ? 0 : entry_rank(e);
}

/* What only a gateway of a version to come says is taken for the least that we know. */
static int next_entry(struct list *list, struct msg_at_member *ret)
{
    int r = NEXT(list, at_member, ret);
    if (r > 0 && ret->role > ROLE_OWN)
        ret->role = ROLE_WATCH;
    if (r > 0 && ret->request > REQUEST_TAKE)
        ret->request = REQUEST_NONE;
    return r;
}

static void keep_entries(struct attachment *at, uint32_t count, unsigned most, unsigned wanted)
{
    struct list list = list_of(count, &at->members);
    struct msg_at_member m;
    while (at->entry_count < most && next_entry(&list, &m) > 0)
        if (rank(at->board, &m) == wanted)
            at->entries[at->entry_count++] = m;
}

/* How many entries of the list count: those for each seat, as far as the board has room. */
static unsigned entries_most(struct attachment *at, uint32_t count)
{
    unsigned seats = at->board->core->config.seats + 1;
    unsigned most = seats * LISTED_PER_SEAT;
    unsigned others = at->board->entry_count - at->entry_count;
    unsigned room = LISTED_PER_BOARD + seats * LISTED_SEATS - others;
    at->cut_short = room < most && room < count;
    most = room < most ? room : most;
    return count < most ? count : most;
}

/* Keeps a copy of the entries; false when they are what we have already, or there is no room. */
static bool keep_members(struct attachment *at, const struct list *members)
{
    struct board *b = at->board;
    size_t len = cursor_left(&members->at);
    bool same =
        at->members.len == len && (len == 0 || !memcmp(at->members.data, members->at.pos, len));
    if (same && !at->cut_short)
        return false;
    unsigned most = entries_most(at, members->count);
    if (!has_room(b->core, len + most * sizeof *at->entries)) {
        TRACE(b->core, &b->id, list_dropped, len);
        return false;
    }
    if (most < members->count)
        TRACE(b->core, &b->id, entries_left_out, members->count, most);
    b->core->stats.list_bytes -= bytes_of(at);
    b->entry_count -= at->entry_count;
    at->entry_count = 0;
    buf_clear(&at->members);
    buf_append(&at->members, members->at.pos, len);
    at->entries = xrealloc(at->entries, most, sizeof *at->entries);
    for (unsigned wanted = 0; wanted < ENTRY_RANKS; wanted++)
        keep_entries(at, members->count, most, wanted);
    b->entry_count += at->entry_count;
    b->core->stats.list_bytes += bytes_of(at);
    return true;
}

static bool has_request(const struct attachment *at)
{
    for (unsigned i = 0; i < at->entry_count; i++)
        if (at->entries[i].request != REQUEST_NONE)
            return true;
    return false;
}

#ifndef EASEL_ANSWERS_ONCE /* [D16], a simulator's switch: what is lost is lost for good then */
/* Whether it would have come by now: a second has passed here, or there between the list that it
 * answered and this one. (A link that was stuck brings lists of long ago and the newest at once;
 * what answered those went to a queue that is gone.) */
static bool is_lost(const struct attachment *at, uint64_t told_at, uint64_t told_list)
{
    return at->board->core->clock >= told_at + LACKING_MS ||
           at->list->sent_at >= told_list + LACKING_MS;
}
#endif

/* What it was told and does not have is told again: it may be lost, and nothing else may come. What
 * is young may be on its way. */
static void tell_again(struct attachment *at, const struct msg_at_board *m)
{
#ifndef EASEL_ANSWERS_ONCE
    bool other = at->epoch != at->board->log.epoch;
    bool lacks =
        other || m->told < at->told_mark || m->flags >> ATTACH_MARK_SHIFT != at->told_flags;
    if (lacks && is_lost(at, at->told_at, at->told_list))
        at->force = true;
    lacks = other || m->state == NIL || m->state < at->state_number;
    if (lacks && is_lost(at, at->state_at, at->state_list))
        at->state_due = true;
#else
    (void)at, (void)m;
#endif
}

/* What this gateway should be told in answer to its list. */
static void answer(struct attachment *at, const struct msg_at_board *m, bool first, bool changed)
{
    CHECK(board_has_log(at->board));
    if (first)
        fanout_attached(at);
    else
        fanout_listed(at);
    /* Ours is void, or a backup was restored and one of us does not know it yet: history knows. */
    if (at->epoch > at->board->log.epoch || is_other_past(at->board->incarnation, m->incarnation))
        sequencer_doubt(at->board);
    if (first || changed)
        at->state_due = at->force = true;
    else
        tell_again(at, m);
}

/* A board that nobody looks at is not opened for it. */
static bool is_wanted(const struct msg_at_board *m)
{
    return m->members.count > 0 || m->flags & ATTACH_DELETE;
}

/* How far the gateway is, as far as it is believed. */
static void keep_progress(struct board *b, struct attachment *at, const struct msg_at_board *m)
{
    bool jumps = m->epoch > b->newest && m->epoch - b->newest > JUMP_MAX;
    bool other = is_other_past(b->incarnation, m->incarnation);
    b->core->stats.bad_messages += jumps;
    if (jumps)
        TRACE(b->core, &b->id, epoch_doubted, m->epoch, b->newest);
    at->epoch = jumps || other ? 0 : m->epoch;
    at->applied = other ? 0 : m->applied;
    at->has_state = at->epoch == b->log.epoch ? m->state : 0; /* NIL: an older gateway, who knows */
    b->newest = larger(b->newest, at->epoch);
}

static void apply_board(struct board_core *c, struct gateway_list *list, uint64_t number,
                        const struct msg_at_board *m)
{
    struct board *b = idmap_get(&c->boards, &m->board);
    if (!b && is_wanted(m))
        b = board_add(c, &m->board);
    if (!b)
        return;
    struct attachment *at = idmap_get(&list->boards, &b->id);
    bool first = !at;
    if (first && !(at = add(b, list)))
        return;
    at->number = number;
    keep_progress(b, at, m);
    if (m->flags & ATTACH_DELETE)
        b->delete_wanted = true;
    bool changed = keep_members(at, &m->members);
    if (first || changed || has_request(at))
        b->seats.dirty = true;
    if (board_has_log(b))
        answer(at, m, first, changed);
    board_touch(b);
}

/* False when the part is malformed: then the list counts for nothing more. */
static bool apply_part(struct board_core *c, struct gateway_list *list, uint64_t number,
                       struct list boards)
{
    struct msg_at_board m;
    int r;
    while ((r = NEXT(&boards, at_board, &m)) > 0) {
        if (board_shard(&m.board, c->config.shards) != list->shard)
            c->stats.bad_messages++;
        else
            apply_board(c, list, number, &m);
    }
    c->stats.bad_messages += r < 0;
    return r == 0;
}

/* All parts were applied: what the list no longer names is no longer open there. */
static void apply_absence(struct gateway_list *list, uint64_t number)
{
    struct attachment *at, *next;
    for (at = LIST_FIRST(&list->attachments); at; at = next) {
        next = LIST_NEXT(at, list_link);
        if (at->number != number)
            attachment_free(at);
    }
    list->number = number;
}

/* ---- parts ----------------------------------------------------------------------------------- */

static void keep_part(struct board_core *c, struct gateway_list *list, const struct msg_attach *m)
{
    CHECK(m->part >= 1 && m->part <= m->parts && m->parts <= LIST_PARTS_MAX);
    size_t len = cursor_left(&m->boards.at);
    if (list->part_count != m->parts || list->part_number != m->number) {
        forget_parts(c, list);
        list->part_count = (unsigned)m->parts;
        list->part_number = m->number;
        list->parts = xcalloc(m->parts, sizeof *list->parts);
        list->part_boards = xcalloc(m->parts, sizeof *list->part_boards);
    }
    struct buf *part = &list->parts[m->part - 1];
    if (part->len > 0 || m->boards.count == 0 || !has_room(c, len))
        return; /* a repeat; only a list of one part is empty */
    c->stats.list_bytes += len;
    buf_append(part, m->boards.at.pos, len);
    list->part_boards[m->part - 1] = m->boards.count;
    list->parts_there++;
}

static void apply_parts(struct board_core *c, struct gateway_list *list)
{
    CHECK(list->parts_there == list->part_count && list->part_count > 0);
    bool whole = true;
    for (unsigned i = 0; i < list->part_count; i++)
        whole = apply_part(c, list, list->part_number,
                           list_of(list->part_boards[i], &list->parts[i])) &&
                whole;
    if (whole)
        apply_absence(list, list->part_number);
    forget_parts(c, list);
}

/* How far the time here is ahead of the gateway's. A list that was long on its way says too much,
 * so the least counts; it may grow by a 64th of the time that passes, since no two clocks run
 * alike. This is not of the owner's clock, which stands still at times. */
static void learn_skew(const struct board_core *c, struct gateway_list *list, uint64_t sent_at)
{
    int64_t skew = (int64_t)(c->now - sent_at);
    int64_t known = list->skew + (int64_t)((c->now - list->skew_at) / 64);
    list->skew = list->skew_at == 0 || skew < known ? skew : known;
    list->skew_at = c->now;
}

void attachment_list(struct board_core *c, const struct id *gateway, const struct msg_attach *m)
{
    if (m->parts > LIST_PARTS_MAX || m->part > m->parts) {
        c->stats.bad_messages++;
        return;
    }
    struct gateway_list *list = find_or_add_list(c, gateway, (unsigned)m->shard);
    if (!list || m->number <= list->number || m->number < list->part_number)
        return;
    learn_skew(c, list, m->now);
    list->heard_at = c->clock;
    TAILQ_REMOVE(&c->lists, list, heard_link);
    TAILQ_INSERT_TAIL(&c->lists, list, heard_link);
    if (m->parts == 1) {
        list->sent_at = m->now;
        if (apply_part(c, list, m->number, m->boards))
            apply_absence(list, m->number);
        return;
    }
    keep_part(c, list, m);
    if (list->parts_there == list->part_count) {
        list->sent_at = m->now;
        apply_parts(c, list);
    }
}

/* ---- gateways come and go -------------------------------------------------------------------- */

void attachment_gateway_gone(struct board_core *c, const struct id *gateway)
{
    struct gateway *g = idmap_get(&c->gateways, gateway);
    struct gateway_list *list, *next;
    for (list = g ? LIST_FIRST(&g->lists) : NULL; list; list = next) {
        next = LIST_NEXT(list, gateway_link); /* the gateway goes with its last one */
        drop_list(c, list);
    }
}

void attachment_forget_all(struct board_core *c)
{
    while (!TAILQ_EMPTY(&c->lists))
        drop_list(c, TAILQ_FIRST(&c->lists));
}

void attachment_link_up(struct board_core *c)
{
    struct gateway_list *list;
    TAILQ_FOREACH (list, &c->lists, heard_link)
        list->heard_at = c->clock;
}

void attachment_tick(struct board_core *c)
{
    struct gateway_list *list;
    while ((list = TAILQ_FIRST(&c->lists)) && c->clock >= list->heard_at + ATTACH_SILENT_MS)
        drop_list(c, list);
}

uint64_t attachment_deadline(const struct board_core *c)
{
    const struct gateway_list *list = TAILQ_FIRST(&c->lists);
    return list ? list->heard_at + ATTACH_SILENT_MS : NEVER;
}
