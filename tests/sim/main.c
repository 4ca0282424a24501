/* SPDX-License-Identifier: Apache-2.0
 *
 * sim [--seeds N] [--from SEED] [--verbose] [--first] [--quiet | --restored]: runs N seeds, or as
 * many as it takes to break a promise, and names those that did; of these only the worlds in which
 * nobody draws any more after the last fault, or those in which a backup is restored. Exit 1 when
 * one did. A seed runs again the same way: sim --seeds 1 --from SEED --verbose, which also prints
 * what the cores refuse, repeat, cut or drop.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

int main(int argc, char **argv)
{
    uint64_t seeds = 100, from = 1, steps = 0;
    bool verbose = false, first = false, quiet = false, restored = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0)
            verbose = true;
        else if (strcmp(argv[i], "--first") == 0)
            first = true;
        else if (strcmp(argv[i], "--quiet") == 0)
            quiet = true;
        else if (strcmp(argv[i], "--restored") == 0)
            restored = true;
        else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
            seeds = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--from") == 0 && i + 1 < argc)
            from = strtoull(argv[++i], NULL, 10);
        else
            return fprintf(stderr, "usage: sim [--seeds N] [--from SEED] [--verbose] [--first] "
                                   "[--quiet | --restored]\n"),
                   2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    static struct world w;
    uint64_t resent = 0, early = 0, ran = 0;
    unsigned broken = 0, acked = 0, cuts = 0, epochs = 0, kills = 0, pointers = 0, caught = 0;
    unsigned restores = 0, deeds = 0, voided = 0;
    for (uint64_t seed = from; seed < from + seeds && !(first && broken); seed++) {
        if ((quiet && seed % QUIET_END_EVERY != 0) || (restored && !is_restored(seed)))
            continue;
        if (!world_run(&w, seed, verbose)) {
            printf("seed %llu: %s\n", (unsigned long long)seed, w.failure);
            broken++;
        }
        ran++;
        steps += w.steps;
        acked += w.count.acked;
        cuts += w.count.cuts;
        epochs += w.count.epochs;
        kills += w.count.kills;
        pointers += w.count.pointers;
        caught += w.count.caught;
        restores += w.count.restores;
        deeds += w.count.deeds;
        voided += w.count.voided;
        world_free(&w);
        resent += w.count.resent;
        early += w.count.early;
    }
    printf("%llu seeds, %u broken; %llu steps, %u frames acked, %u cuts, %u epochs, %u kills, "
           "%u pointers, %llu frames again, %llu too early, %u caught with a stroke too long, %u "
           "restores, %u deeds, %u void\n",
           (unsigned long long)ran, broken, (unsigned long long)steps, acked, cuts, epochs, kills,
           pointers, (unsigned long long)resent, (unsigned long long)early, caught, restores, deeds,
           voided);
    return broken ? 1 : 0;
}
