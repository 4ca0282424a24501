/* SPDX-License-Identifier: Apache-2.0
 *
 * A store in memory, with what makes a real one hard: it is away for a while, and an insert can be
 * done although its answer is lost.
 */
#include "event.h"
#include "world.h"

#include <errno.h>
#include <stdlib.h>

/* Records of a board are appended in rising order, so the newest is the first found from the end.
 */
static struct stored_record *newest(struct memory *m, const struct id *board)
{
    for (unsigned i = m->count; i > 0; i--)
        if (id_equal(&m->records[i - 1].record.board, board))
            return &m->records[i - 1];
    return NULL;
}

int memory_last(struct world *w, const struct id *board, struct record *ret)
{
    if (w->now < w->store.away_until)
        return -EIO;
    const struct stored_record *last = newest(&w->store, board);
    if (!last)
        return -ENOENT;
    *ret = last->record;
    ret->events = buf_span(&last->events);
    return 0;
}

struct span memory_rules(const struct world *w, const struct record *last)
{
    struct log_state state;
    if (log_state_unpack(state_span(&last->state), record_last(last), &state) < 0)
        abort();
    for (unsigned i = 0; state.rules && i < w->store.count; i++) {
        const struct stored_record *r = &w->store.records[i];
        if (id_equal(&r->record.board, &last->board) && state.rules >= r->record.first &&
            state.rules <= record_last(&r->record))
            return event_find(buf_span(&r->events), state.rules);
    }
    return (struct span){0};
}

/* The unique key (board, first). */
static bool taken(const struct memory *m, const struct record *record)
{
    for (unsigned i = m->count; i > 0; i--) {
        const struct record *r = &m->records[i - 1].record;
        if (id_equal(&r->board, &record->board) && r->first <= record->first)
            return r->first == record->first;
    }
    return false;
}

int memory_append(struct world *w, const struct record *record)
{
    struct memory *m = &w->store;
    if (w->now < m->away_until)
        return -EIO;
    if (taken(m, record))
        return -EEXIST;
    if (m->count == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 64;
        m->records = xrealloc(m->records, m->cap, sizeof *m->records);
    }
    m->grown_at = w->now;
    struct stored_record *r = &m->records[m->count++];
    *r = (struct stored_record){.record = *record};
    buf_append(&r->events, record->events.data, record->events.len);
    r->record.events = (struct span){0};
    return w->trouble && odds(w, 200) ? -EIO : 0; /* done, but nobody heard */
}

void memory_free(struct memory *m)
{
    for (unsigned i = 0; i < m->count; i++)
        buf_free(&m->records[i].events);
    free(m->records);
}
