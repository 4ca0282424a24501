/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include <stdlib.h>

#include "buf.h"

/* A board of which somebody waits. */
struct line {
    TAILQ_ENTRY(line) link; /* lines.list: the first one is next */
    struct waitings waitings;
    unsigned count;
};

struct lines {
    TAILQ_HEAD(, line) list;
    unsigned count, max;
};

struct lines *lines_create(unsigned max)
{
    struct lines *all = xcalloc(1, sizeof *all);
    TAILQ_INIT(&all->list);
    all->max = max;
    return all;
}

void lines_destroy(struct lines *all)
{
    free(all);
}

unsigned lines_count(const struct lines *all)
{
    return all->count;
}

static struct line *line_find(const struct lines *all, const struct id *board)
{
    struct line *l;
    TAILQ_FOREACH (l, &all->list, link)
        if (id_equal(&TAILQ_FIRST(&l->waitings)->board, board))
            return l;
    return NULL;
}

static struct line *line_longest(const struct lines *all)
{
    struct line *l, *longest = TAILQ_FIRST(&all->list);
    TAILQ_FOREACH (l, &all->list, link)
        if (l->count > longest->count)
            longest = l;
    return longest;
}

static void take_out(struct lines *all, struct line *l, struct waiting *w)
{
    TAILQ_REMOVE(&l->waitings, w, link);
    all->count--;
    if (--l->count > 0)
        return;
    TAILQ_REMOVE(&all->list, l, link);
    free(l);
}

struct waiting *lines_put(struct lines *all, struct waiting *w)
{
    struct line *l = line_find(all, &w->board);
    if (!l) {
        l = xcalloc(1, sizeof *l);
        TAILQ_INIT(&l->waitings);
        TAILQ_INSERT_TAIL(&all->list, l, link);
    }
    TAILQ_INSERT_TAIL(&l->waitings, w, link);
    l->count++;
    if (++all->count <= all->max)
        return NULL;
    l = line_longest(all);
    struct waiting *newest = TAILQ_LAST(&l->waitings, waitings);
    take_out(all, l, newest);
    return newest;
}

struct waiting *lines_next(struct lines *all)
{
    struct line *l = TAILQ_FIRST(&all->list);
    if (!l)
        return NULL;
    struct waiting *w = TAILQ_FIRST(&l->waitings);
    TAILQ_REMOVE(&all->list, l, link);
    TAILQ_INSERT_TAIL(&all->list, l, link);
    take_out(all, l, w);
    return w;
}

struct waiting *lines_first(const struct lines *all, const struct id *board)
{
    const struct line *l = line_find(all, board);
    return l ? TAILQ_FIRST(&l->waitings) : NULL;
}
