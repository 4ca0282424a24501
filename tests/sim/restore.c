/* SPDX-License-Identifier: Apache-2.0
 *
 * A backup is restored, in some worlds: the store is again as it was some seconds ago, and has
 * another incarnation. History is stopped for that, and in every second of these worlds all else as
 * well; in the others gateways and board services go on, and know more than history does. In every
 * second one the backup is made right before a board is opened: then the first epoch that follows
 * the restored log has the very number of the one that is gone.
 */
#include "world.h"

#define BACKUP_FROM_MS  4000u
#define BACKUP_SPAN_MS  12000u /* the backup is made within so long */
#define RESTORE_SPAN_MS 12000u /* and restored within so long behind it */

bool is_restored(uint64_t seed)
{
    return seed % RESTORE_EVERY == 2;
}

void plan_restore(struct world *w)
{
    if (!is_restored(w->seed))
        return;
    uint64_t backup = BACKUP_FROM_MS + below(w, BACKUP_SPAN_MS);
    uint64_t restore = backup + 1000 + below(w, RESTORE_SPAN_MS);
    happen(w, w->now + backup, (struct event){.what = BACKUP});
    happen(w, w->now + restore, (struct event){.what = RESTORE});
}

static void make_backup(struct world *w)
{
    say(w, "a backup is made");
    w->backup_at_open = false;
    w->backup_count = w->store.count;
}

void plan_backup(struct world *w)
{
    w->backup_at_open = odds(w, 5000);
    if (!w->backup_at_open)
        make_backup(w);
}

void back_up_before(struct world *w, const struct record *record)
{
    if (w->backup_at_open && record->epoch == record->first)
        make_backup(w);
}

static bool stops(const struct process *p, bool all)
{
    return p->alive && (all || p->kind == HISTORY);
}

void restore_backup(struct world *w)
{
    struct memory *m = &w->store;
    if (w->backup_at_open)
        make_backup(w); /* nothing was opened */
    bool all = odds(w, 5000);
    say(w, "a backup is restored%s", all ? ", and everything starts anew" : "");
    for (unsigned i = 0; i < PROCESSES; i++)
        if (stops(&w->process[i], all))
            kill_process(w, &w->process[i]);
    while (m->count > w->backup_count)
        buf_free(&m->records[--m->count].events);
    m->grown_at = w->now;
    w->incarnation++;
    promise_restored(w);
}
