/* SPDX-License-Identifier: Apache-2.0
 *
 * What breaks: processes die, freeze and lose their links or one half of them; the store and the
 * broker go away or stand still, and queues overflow.
 */
#include "world.h"

#include <string.h>

#define LINK_PULSE_MS 600 /* what silence is noticed late by */

#ifdef SIM_NO_PULSE /* [D2], a switch: the heartbeats of AMQP tell, each connection for itself */
#define NOTICED_MS 20000
#else
#define NOTICED_MS LINK_DEAD_MS
#endif

#ifdef SIM_UP_BY_HALF /* [D3], a switch: up though the consuming connection is down */
#define UP_BY_HALF 1
#else
#define UP_BY_HALF 0
#endif

static void link_happens(struct world *w, struct process *p, uint64_t at, enum happening what,
                         unsigned arg)
{
    unsigned who = (unsigned)(p - w->process);
    happen(w, at,
           (struct event){.what = what, .who = who, .generation = p->generation, .arg = arg});
}

/* What the broker has bound stays while the consuming connection does; but the core is told of
 * shards only while both are up. */
static void tell_bound(struct world *w, struct process *p, enum link_change change)
{
    for (unsigned s = 0; s < SHARDS; s++) {
        if (!p->linked || p->bound[s])
            board_core_bound(p->board, w->now, s, p->linked);
        if (change == LINK_DOWN || change == LINK_UP)
            p->bound[s] = p->wants[s] = false;
    }
}

void set_link(struct world *w, struct process *p, enum link_change change)
{
    bool up = change == LINK_UP || change == PUBLISHER_UP;
    if ((change == PUBLISHER_UP && !p->hearing) || (change == PUBLISHER_DOWN && !p->linked))
        return; /* the other connection is down */
    if (change == PUBLISHER_UP && p->linked)
        return; /* since another fault */
    say(w, "link of %s %s%s", p->id.text, up ? "up" : "down",
        change == PUBLISHER_DOWN ? ", but it hears" : "");
    if (change == LINK_UP || change == LINK_DOWN) {
        p->hearing = up && !UP_BY_HALF;
        p->mute_until = p->deaf_until = 0; /* those were other connections */
        for (unsigned s = 0; s < SHARDS; s++)
            p->bound[s] = p->bound[s] && !up;
    }
    p->linked = up;
    if (p->gateway)
        gateway_core_link(p->gateway, w->now, up);
    if (p->board) {
        board_core_link(p->board, w->now, up);
        tell_bound(w, p, change);
    }
    if (p->sharing) {
        sharing_link(p->sharing, w->now, up);
        if (change == LINK_DOWN || change == LINK_UP)
            memset(p->wants, 0, sizeof p->wants); /* what it wants it consumes anew */
    }
}

static void freeze(struct world *w, struct process *p)
{
    if (!p->alive || w->now < p->frozen_until)
        return;
    p->frozen_until = w->now + 300 + below(w, 8000);
    w->count.freezes++;
    say(w, "freeze %s", p->id.text);
}

static void restart_broker(struct world *w)
{
    say(w, "broker restarts");
    w->broker_down_until = w->now + 500 + below(w, 3000);
    for (unsigned i = 0; i < PROCESSES; i++) {
        struct process *p = &w->process[i];
        if (!p->alive)
            continue;
        link_happens(w, p, w->now + below(w, 100), LINK, LINK_DOWN);
        link_happens(w, p, w->broker_down_until + below(w, 1000), LINK, LINK_UP);
    }
}

static void stop_broker(struct world *w)
{
    say(w, "broker stands still");
    w->broker_stands_until = w->now + 1000 + below(w, 20000);
    if (w->broker_stands_until > w->trouble_until)
        w->broker_stands_until = w->trouble_until;
}

static void cut_link(struct world *w, struct process *p)
{
    if (!p->alive || !p->linked)
        return;
    bool both = odds(w, 5000);
    link_happens(w, p, w->now, LINK, both ? LINK_DOWN : PUBLISHER_DOWN);
    link_happens(w, p, w->now + 100 + below(w, 5000), LINK, both ? LINK_UP : PUBLISHER_UP);
}

/* Connections that are there and carry nothing, one of the two or both: for a while, or for good.
 * The link finds out in the end, and connects anew: at once, or when new connections carry
 * something. */
static void swallow(struct world *w, struct process *p)
{
    if (!p->alive || !p->linked)
        return;
    bool for_good = odds(w, 5000);
    uint64_t silent = w->now + LINK_SILENT_MS + below(w, LINK_PULSE_MS);
    uint64_t dead = w->now + NOTICED_MS + below(w, LINK_PULSE_MS);
    uint64_t until = for_good ? dead + 1 : w->now + 300 + below(w, 25000);
    if (!for_good && until > w->trouble_until)
        until = w->trouble_until;
    unsigned half = 1 + (unsigned)below(w, 3);
    if (half & 1)
        p->mute_until = until;
    if (half & 2)
        p->deaf_until = until;
    say(w, "%s is%s%s for %u ms", p->id.text, half & 1 ? " mute" : "", half & 2 ? " deaf" : "",
        (unsigned)(until - w->now));
    if (silent < until && silent < dead)
        link_happens(w, p, silent, SILENT, 1);
    if (until <= dead) {
        link_happens(w, p, until + below(w, LINK_PULSE_MS), SILENT, 0);
        return;
    }
    link_happens(w, p, dead, LINK, LINK_DOWN);
    link_happens(w, p, (odds(w, 5000) ? dead : until) + 50 + below(w, 1000), LINK, LINK_UP);
}

/* Its queue is full, or what stands in it is too old: the broker drops some of what comes, or all.
 */
static void overflow(struct world *w, struct process *p, uint64_t until)
{
    p->drops_until = until < w->trouble_until ? until : w->trouble_until;
    p->drops = odds(w, 5000) ? 5000 : 10000;
    say(w, "queue of %s overflows", p->id.text);
}

void last_fault(struct world *w)
{
    w->hurt = random_process(w, GATEWAY);
    if (w->hurt && odds(w, 3000))
        swallow(w, w->hurt);
    else if (w->hurt)
        overflow(w, w->hurt, w->trouble_until);
}

void fault(struct world *w)
{
    if (!w->trouble || w->calm)
        return;
    struct process *p = &w->process[below(w, PROCESSES)];
    switch (below(w, 12)) {
    case 0:
    case 1:
    case 2:
        if (p->alive)
            kill_process(w, p);
        break;
    case 3:
    case 4:
        freeze(w, p);
        break;
    case 5:
        w->store.away_until = w->now + below(w, 5000);
        say(w, "store away");
        break;
    case 6:
        restart_broker(w);
        break;
    case 7:
        cut_link(w, p);
        break;
    case 8:
        stop_broker(w);
        break;
    case 9:
        overflow(w, p, w->now + 300 + below(w, 8000));
        break;
    default:
        swallow(w, p);
    }
    happen(w, w->now + 500 + below(w, 5000), (struct event){.what = FAULT});
}
