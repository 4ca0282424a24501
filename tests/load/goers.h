/* SPDX-License-Identifier: Apache-2.0
 *
 * Who sits where, and who comes and goes: owners whose line breaks, and viewers that reload.
 */
#ifndef EASEL_LOAD_GOERS_H
#define EASEL_LOAD_GOERS_H

#include "crowd.h"

#define OWNER_AWAY_NS UINT64_C(7000000000) /* longer than a seat's grace */
#define SHUT_OUT_NS   UINT64_C(5000000000) /* who waits so long for the welcome was not let in */
#define RELOADS_A_ROW 4u

/* Of the first boards, so many have an owner who drops, a viewer who reloads, one who stalls. */
struct seating {
    unsigned boards, members, owners, reloaders, stalled;
};

/* Makes the boards and the members of the crowd. Of a board's seats the first draws, the second may
 * reload, the last may be the owner's or stall. */
void crowd_seat(struct crowd *c, const struct seating *s);

/* Begins to connect member i to the next gateway. 0 or a negative errno. */
int crowd_start(struct crowd *c, unsigned i);

/* Does what is due of the errands; called often. 0 or a negative errno. */
int goers_step(struct crowd *c, uint64_t now);

/* Brings everybody back who is away: nobody goes again. 0 or a negative errno. */
int goers_gather(struct crowd *c);

#endif
