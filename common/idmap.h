/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash map from ids to pointers: open addressing, linear probing, backward-shift deletion. Others
 * may choose the ids (hash.h).
 * Holds no copy of what the pointers mean. Iterate with idmap_at over 0 .. idmap_slots - 1; a
 * deletion may move an entry to an earlier slot, so delete from a copy of what you saw.
 */
#ifndef EASEL_IDMAP_H
#define EASEL_IDMAP_H

#include <stddef.h>

#include "id.h"

struct idmap {
    struct idmap_entry {
        struct id key;
        void *value; /* NULL: the slot is free */
    } * slot;
    size_t slots; /* a power of two, or 0 */
    size_t count;
};

void *idmap_get(const struct idmap *m, const struct id *key); /* NULL: not there */
void idmap_put(struct idmap *m, const struct id *key, void *value);
void *idmap_remove(struct idmap *m, const struct id *key); /* what was there, or NULL */
void idmap_free(struct idmap *m);

static inline void *idmap_at(const struct idmap *m, size_t slot)
{
    return m->slot[slot].value;
}

/* What is true after each call; see checks.h. */
void idmap_invariants(const struct idmap *m);

#endif
