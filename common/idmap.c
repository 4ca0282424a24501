/* SPDX-License-Identifier: Apache-2.0 */
#include "idmap.h"

#include <stdlib.h>

#include "buf.h"
#include "checks.h"
#include "hash.h"

static size_t home(const struct idmap *m, const struct id *key)
{
    return (size_t)hash_16(key) & (m->slots - 1);
}

/* The slot of `key`, or the free slot where it would go. */
static size_t find(const struct idmap *m, const struct id *key)
{
    size_t i = home(m, key);
    while (m->slot[i].value && !id_equal(&m->slot[i].key, key))
        i = (i + 1) & (m->slots - 1);
    return i;
}

void *idmap_get(const struct idmap *m, const struct id *key)
{
    return m->slots ? m->slot[find(m, key)].value : NULL;
}

static void grow(struct idmap *m)
{
    struct idmap old = *m;
    m->slots = old.slots ? old.slots * 2 : 16;
    m->slot = xcalloc(m->slots, sizeof *m->slot);
    for (size_t i = 0; i < old.slots; i++)
        if (old.slot[i].value)
            m->slot[find(m, &old.slot[i].key)] = old.slot[i];
    free(old.slot);
}

void idmap_put(struct idmap *m, const struct id *key, void *value)
{
    CHECK(value != NULL);
    if ((m->count + 1) * 4 > m->slots * 3)
        grow(m);
    size_t i = find(m, key);
    if (!m->slot[i].value)
        m->count++;
    m->slot[i] = (struct idmap_entry){*key, value};
    CHECKED(idmap_invariants(m));
}

void *idmap_remove(struct idmap *m, const struct id *key)
{
    if (!m->slots)
        return NULL;
    size_t hole = find(m, key);
    void *value = m->slot[hole].value;
    if (!value)
        return NULL;
    m->count--;
    for (size_t i = (hole + 1) & (m->slots - 1); m->slot[i].value; i = (i + 1) & (m->slots - 1)) {
        size_t from_home = (i - home(m, &m->slot[i].key)) & (m->slots - 1);
        size_t from_hole = (i - hole) & (m->slots - 1);
        if (from_home < from_hole)
            continue; /* it would land before its home */
        m->slot[hole] = m->slot[i];
        hole = i;
    }
    m->slot[hole].value = NULL;
    CHECKED(idmap_invariants(m));
    return value;
}

void idmap_free(struct idmap *m)
{
    free(m->slot);
    *m = (struct idmap){0};
}
