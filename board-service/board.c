/* SPDX-License-Identifier: Apache-2.0 */
#include "board_core_private.h"

#include <stdlib.h>

#include "checks.h"

struct board *board_add(struct board_core *c, const struct id *id)
{
    CHECK(!idmap_get(&c->boards, id) && !id_empty(id));
    if (c->boards.count >= OPEN_BOARDS_MAX) {
        c->stats.dropped++;
        return NULL;
    }
    struct board *b = xcalloc(1, sizeof *b);
    b->core = c;
    b->id = *id;
    b->shard = board_shard(id, c->config.shards);
    b->ownership = BOARD_WAITING;
    b->open_at = c->clock;
    b->deadline = NEVER;
    LIST_INIT(&b->attachments);
    TAILQ_INSERT_TAIL(&c->shard[b->shard].boards, b, shard_link);
    idmap_put(&c->boards, id, b);
    board_touch(b);
    return b;
}

bool board_has_log(const struct board *b)
{
    return b->ownership == BOARD_OPEN || b->ownership == BOARD_ENDING;
}

void board_touch(struct board *b)
{
    if (b->is_dirty)
        return;
    b->is_dirty = true;
    TAILQ_INSERT_TAIL(&b->core->dirty, b, dirty_link);
}

/* There may be many lists, and many items that name one: so none is looked for among all. */
struct gateway_list *board_list_of(const struct board_core *c, const struct id *gateway,
                                   unsigned shard)
{
    const struct gateway *g = idmap_get(&c->gateways, gateway);
    struct gateway_list *list = g ? LIST_FIRST(&g->lists) : NULL;
    while (list && list->shard != shard)
        list = LIST_NEXT(list, gateway_link);
    return list;
}

struct attachment *board_at(const struct board *b, const struct id *gateway)
{
    const struct gateway_list *list = board_list_of(b->core, gateway, b->shard);
    return list ? idmap_get(&list->boards, &b->id) : NULL;
}
