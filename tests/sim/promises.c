/* SPDX-License-Identifier: Apache-2.0
 *
 * P1..P5 of DESIGN §3, checked while the world runs and when it has come to rest.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "stroke.h"

/* Of the seed that runs. What a core holds when it is broken is of no use, not even to be freed. */
static struct world *running;

void promise_checks(struct world *w)
{
    running = w;
}

_Noreturn void check_failed(const char *file, int line, const char *function, const char *condition)
{
    const char *name = strrchr(file, '/');
    running->is_broken = true;
    fail(running, "%s:%d: %s: this does not hold: %s", name ? name + 1 : file, line, function,
         condition);
    longjmp(running->check_failed, 1);
}

/* P4: what somebody was told is stored never changes. */
void promise_stored(struct world *w, const struct person *p, uint64_t offset)
{
    struct truth *t = &w->truth[p->board];
    const struct seen *e = &p->log[offset - p->start - 1];
    if (p->incarnation != w->incarnation)
        return; /* it is yet to hear that a backup was restored */
    if (offset >= t->cap) {
        size_t cap = (size_t)offset * 2 + 64;
        t->hash = xrealloc(t->hash, cap, sizeof *t->hash);
        for (size_t i = t->cap; i < cap; i++)
            t->hash[i] = 0;
        t->cap = cap;
    }
    if (t->hash[offset] == 0)
        t->hash[offset] = e->hash;
    if (t->hash[offset] != e->hash)
        fail(w, "P4: person %u was told another stored event %u", p->number, (unsigned)offset);
}

void promise_acked(struct world *w, const struct person *p, const struct own_frame *f)
{
    w->count.acked++;
    if (p->incarnation != w->incarnation)
        return;
    if (w->acked_count == w->acked_cap) {
        w->acked_cap = w->acked_cap ? w->acked_cap * 2 : 256;
        w->acked = xrealloc(w->acked, w->acked_cap, sizeof *w->acked);
    }
    w->acked[w->acked_count++] =
        (struct acked){p->board, f->term, f->cseq,
                       f->what == CLEAR || f->what == UNCLEAR ? 0 : p->author, f->counter};
}

/* P3 beside the log: nobody sees the pointer of one who may only watch, nor their own. */
void promise_pointer(struct world *w, const struct person *p, const struct msg_pointer_at *m)
{
    const struct person *who = &w->person[m->x % PEOPLE];
    w->count.pointers++;
    if (!id_equal(&who->member, &m->member) || m->y == ROLE_WATCH)
        fail(w, "P3: person %u was shown a pointer of person %u", p->number, who->number);
    if (id_equal(&p->member, &m->member))
        fail(w, "person %u was shown their own pointer", p->number);
}

/* P5: never more than the allowed seats under one owner, and one more for an own link. */
void promise_seats(struct world *w, unsigned board, struct list members)
{
    unsigned count = 0, others = 0;
    struct msg_member m;
    for (; NEXT(&members, member, &m) > 0; count++)
        others += m.role != ROLE_OWN;
    if (count > SEATS + 1 || others > SEATS)
        fail(w, "P5: %u members are seated on board %u, %u without an own link", count, board,
             others);
}

/* Whoever comes to a board that was deleted finds none, once all have heard of it. */
void promise_there(struct world *w, const struct person *p)
{
    if (w->settled && board_is_gone(w, p->board))
        fail(w, "person %u is welcomed to a board that was deleted", p->number);
}

void promise_no_board(struct world *w, const struct person *p)
{
    if (!board_is_gone(w, p->board))
        fail(w, "person %u is told that there is no board, and there is", p->number);
}

/* ---- the stored log -------------------------------------------------------------------------- */

struct log {
    struct seen *event; /* event[offset - 1] */
    uint64_t tail;
};

static void read_log(struct world *w, unsigned board, struct log *log)
{
    for (unsigned i = 0; i < w->store.count; i++) {
        const struct stored_record *r = &w->store.records[i];
        if (!id_equal(&r->record.board, &w->board_id[board]))
            continue;
        struct cursor in = cursor_of(r->events.data, r->events.len);
        if (r->record.first != log->tail + 1)
            fail(w, "P4: a record begins at %u after %u", (unsigned)r->record.first,
                 (unsigned)log->tail);
        while (cursor_left(&in) > 0 && !w->failure[0]) {
            struct seen e;
            uint64_t offset;
            if (seen_event(&in, &offset, &e) < 0 || offset != log->tail + 1) {
                fail(w, "P4: event %u of board %u is not where it belongs", (unsigned)log->tail + 1,
                     board);
                return;
            }
            log->event = xrealloc(log->event, log->tail + 1, sizeof *log->event);
            log->event[log->tail++] = e;
        }
        if (log->tail != record_last(&r->record))
            fail(w, "P4: a record counts %u events wrongly", r->record.count);
    }
    w->count.events += (unsigned)log->tail;
}

/* P1, in the order drawn and once; P3, by the holder; P5, one holder. */
static void check_log(struct world *w, unsigned board, const struct log *log)
{
    uint64_t term = 0;
    uint32_t next = 1;
    uint32_t author = 0;
    const struct seen *grant = NULL;
    for (uint64_t at = 1; at <= log->tail; at++) {
        const struct seen *e = &log->event[at - 1];
        if (e->code == MSG_ev_deleted && at != log->tail)
            fail(w, "event %u stands behind the end of board %u", (unsigned)at + 1, board);
        if (e->code == MSG_ev_open)
            w->count.epochs++;
        if (e->code == MSG_ev_grant) {
            if (grant && e->ended != term)
                fail(w, "P5: the grant at %u ends term %u, not %u", (unsigned)at,
                     (unsigned)e->ended, (unsigned)term);
            /* A pass takes a cseq of its own and is no event. */
            if (grant && e->last + 1 != next && e->last != next)
                fail(w, "P1: the grant at %u says last %u, the log says %u", (unsigned)at, e->last,
                     next - 1);
            grant = e;
            term = at;
            next = 1;
            author = 0;
        }
        if (e->term == 0)
            continue;
        if (at > w->events_max)
            fail(w, "event %u was drawn on a board that was full", (unsigned)at);
        if (e->term != term || !grant || id_empty(&grant->member))
            fail(w, "P3: event %u is of term %u, the pen's is %u", (unsigned)at, (unsigned)e->term,
                 (unsigned)term);
        if (e->author == HOSTILE_AUTHOR)
            fail(w, "P3: event %u is of somebody who never had the pen", (unsigned)at);
        if (e->cseq != next)
            fail(w, "P1: event %u has cseq %u where %u is next", (unsigned)at, e->cseq, next);
        if (e->author && author && e->author != author)
            fail(w, "P3: two pages drew in term %u of board %u", (unsigned)term, board);
        author = e->author ? e->author : author;
        next = e->cseq + 1;
    }
}

/* No stroke in the log is longer than strokes can be, whoever drew and whoever took it. */
static void check_strokes(struct world *w, unsigned board, const struct log *log)
{
    uint32_t points = 0;
    for (uint64_t at = 1; at <= log->tail; at++) {
        const struct seen *e = &log->event[at - 1];
        if (e->code == MSG_ev_begin)
            points = 0;
        points += e->points;
        if (points > STROKE_POINTS_MAX)
            fail(w, "the stroke at %u of board %u has %u points", (unsigned)at, board, points);
    }
}

/* A restore names the newest clear in force and goes back to where a picture began that was
 * cleared, or nothing is restored. */
static void check_pictures(struct world *w, unsigned board, const struct log *log)
{
    uint64_t *under = xcalloc(log->tail + 1, sizeof *under), base = 0;
    size_t count = 0;
    for (uint64_t at = 1; at <= log->tail; at++) {
        const struct seen *e = &log->event[at - 1];
        if (e->code == MSG_ev_clear) {
            under[count++] = base;
            base = at;
        }
        if (e->code != MSG_ev_restore || e->start == NIL)
            continue;
        bool wrong = e->clear != base;
        do
            wrong = wrong || count == 0;
        while (!wrong && (base = under[--count]) != e->start);
        w->count.restores++;
        if (wrong)
            fail(w, "the restore at %u of board %u goes back to %u", (unsigned)at, board,
                 (unsigned)e->start);
    }
    free(under);
}

static void check_acked(struct world *w, unsigned board, const struct log *log)
{
    for (size_t i = 0; i < w->acked_count; i++) {
        const struct acked *a = &w->acked[i];
        if (a->board != board)
            continue;
        bool found = false;
        for (uint64_t at = a->term; at < log->tail && !found; at++) {
            const struct seen *e = &log->event[at];
            found = e->term == a->term && e->cseq == a->cseq;
            if (found && (e->author != a->author || e->counter != a->counter))
                fail(w, "P1: frame %u/%u is stored as another's", (unsigned)a->term, a->cseq);
            if (e->code == MSG_ev_grant)
                break;
        }
        if (!found)
            fail(w, "P1: frame %u/%u was acked and is not stored", (unsigned)a->term, a->cseq);
    }
}

static void check_truth(struct world *w, unsigned board, const struct log *log)
{
    const struct truth *t = &w->truth[board];
    for (uint64_t at = 1; at < t->cap; at++)
        if (t->hash[at] && (at > log->tail || t->hash[at] != log->event[at - 1].hash))
            fail(w, "P4: event %u was told to be stored and is not", (unsigned)at);
}

static bool is_stored(const struct acked *a, const struct log *log)
{
    for (uint64_t at = a->term; at < log->tail; at++)
        if (log->event[at].term == a->term && log->event[at].cseq == a->cseq)
            return true;
    return false;
}

/* What came behind the backup is gone, and so is what was said about it. */
void promise_restored(struct world *w)
{
    struct log logs[BOARDS] = {0};
    size_t kept = 0;
    for (unsigned i = 0; i < BOARDS; i++) {
        read_log(w, i, &logs[i]);
        for (size_t at = (size_t)logs[i].tail + 1; at < w->truth[i].cap; at++)
            w->truth[i].hash[at] = 0;
    }
    for (size_t i = 0; i < w->acked_count; i++)
        if (is_stored(&w->acked[i], &logs[w->acked[i].board]))
            w->acked[kept++] = w->acked[i];
    w->acked_count = kept;
    for (unsigned i = 0; i < BOARDS; i++)
        free(logs[i].event);
}

/* An open shows nothing. One by a board service that was not the owner any more when history took
 * it is the true owner's to find out when it appends something, be it hours later, or never. */
static uint64_t must_be_seen(const struct log *log)
{
    uint64_t tail = log->tail;
    while (tail > 0 && log->event[tail - 1].code == MSG_ev_open)
        tail--;
    return tail;
}

/* Whoever is there has been told. */
static void check_told(struct world *w, const struct person *p)
{
    if (p->client && p->connected_at + JOIN_MS < w->now)
        fail(w, "person %u is still at a board that was deleted", p->number);
}

/* P2: everybody sees the log, and nothing but the log; nobody waits for anything. */
static void check_person(struct world *w, const struct person *p, const struct log *log)
{
    if (!p->client || !p->welcomed)
        return;
    promise_ruled(w, p);
    uint64_t least = must_be_seen(log);
    if (p->applied < least || p->applied > log->tail || person_mark(p) != p->applied)
        fail(w, "P2: person %u stands at %u (mark %u), the log at %u", p->number,
             (unsigned)p->applied, (unsigned)person_mark(p), (unsigned)log->tail);
    for (uint64_t at = p->start + 1; at <= p->applied && at <= log->tail; at++)
        if (p->log[at - p->start - 1].hash != log->event[at - 1].hash)
            fail(w, "P2: person %u sees another event %u", p->number, (unsigned)at);
    if (p->frame_count > p->frame_first)
        fail(w, "person %u still waits for %u frames", p->number,
             (unsigned)(p->frame_count - p->frame_first));
}

/* ---- soon after the last fault --------------------------------------------------------------- */

struct due promise_due(struct world *w, unsigned board)
{
    struct log log = {0};
    struct due due = {0};
    read_log(w, board, &log);
    due.tail = must_be_seen(&log);
    for (uint64_t at = 1; at <= log.tail; at++)
        if (log.event[at - 1].code == MSG_ev_grant)
            due.grant = at;
    free(log.event);
    return due;
}

/* Who is there sees what is stored, knows of all that it drew, and who has the pen. */
void promise_well(struct world *w, const struct person *p, const struct due *due)
{
    if (board_is_gone(w, p->board)) {
        check_told(w, p);
        return;
    }
    if (p->client && !p->welcomed && p->connected_at + JOIN_MS < w->now)
        fail(w, "person %u waits for a welcome soon after the last fault", p->number);
    if (!p->client || !p->welcomed)
        return;
    if (person_mark(p) < due->tail)
        fail(w, "P2: person %u stands at %u (mark %u) soon after the last fault, the log at %u",
             p->number, (unsigned)p->applied, (unsigned)person_mark(p), (unsigned)due->tail);
    if (p->frame_count > p->frame_first)
        fail(w, "person %u waits for %u frames soon after the last fault", p->number,
             (unsigned)(p->frame_count - p->frame_first));
    if (p->pen_term < due->grant)
        fail(w, "P5: person %u is told of term %u soon after the last fault, the log says %u",
             p->number, (unsigned)p->pen_term, (unsigned)due->grant);
}

/* What can never get into the log ends with an error. */
static void check_kept(struct world *w)
{
    for (unsigned i = 0; i < GATEWAYS; i++) {
        const struct process *p = &w->process[i];
        if (p->alive && gateway_core_stats(p->gateway)->frames_kept > 0)
            fail(w, "gateway %s still keeps %u frames", p->id.text,
                 (unsigned)gateway_core_stats(p->gateway)->frames_kept);
    }
}

static void check_people(struct world *w, unsigned board, const struct log *log)
{
    bool gone = board_is_gone(w, board);
    unsigned live = 0;
    for (unsigned i = 0; i < PEOPLE; i++) {
        const struct person *p = &w->person[i];
        if (p->board != board)
            continue;
        if (gone)
            check_told(w, p);
        else
            check_person(w, p, log);
        live += p->client && p->welcomed;
    }
    if (board == w->doomed && !gone)
        fail(w, "board %u was to be deleted, and is there", board);
    if (live == 0 && !gone)
        fail(w, "nobody is live on board %u after %u s without faults", board,
             (QUIET_MS + SILENT_MS) / 1000);
}

void check_at_rest(struct world *w)
{
    check_kept(w);
    for (unsigned board = 0; board < BOARDS; board++) {
        struct log log = {0};
        read_log(w, board, &log);
        if (!w->failure[0]) {
            check_log(w, board, &log);
            check_strokes(w, board, &log);
            check_pictures(w, board, &log);
            promise_ruling(w, board, log.event, log.tail);
            check_acked(w, board, &log);
            check_truth(w, board, &log);
            check_people(w, board, &log);
        }
        free(log.event);
    }
}
