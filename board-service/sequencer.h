/* SPDX-License-Identifier: Apache-2.0
 *
 * The log above its mark: frames get offsets, segments go to history until they are stored
 * (DESIGN §5, §7).
 */
#ifndef EASEL_BOARD_SEQUENCER_H
#define EASEL_BOARD_SEQUENCER_H

#include "board_core_private.h"

void sequencer_start(struct board *b, const struct msg_opened *m, const struct log_state *state);
void sequencer_drop(struct board *b); /* forgets all that is not stored */

void sequencer_frame(struct board *b, const struct id *gateway, const struct msg_frame *f);
/* The pen goes to `m`, or to nobody (NULL); `last`: the newest accepted cseq of the term that ends.
 * Returns the new term. */
uint64_t sequencer_grant(struct board *b, const struct member *m, uint64_t instance, uint64_t last);
/* An event that no frame became; a struct msg_* of that type, whose offset and time are filled in.
 * Returns its offset. */
uint64_t sequencer_note(struct board *b, enum event_code code, const struct message_type *type,
                        void *event);
/* The last event of this epoch: released or deleted. */
void sequencer_end(struct board *b, enum append_flag flag);

void sequencer_stored(struct board *b, uint64_t mark);
void sequencer_hole(struct board *b, uint64_t want);
/* Asks history how far the log is stored, and so whether our epoch still counts. */
void sequencer_probe(struct board *b);
/* Asks whether the epoch is still ours, when history has said nothing of it for a while and owes us
 * nothing. */
void sequencer_confirm(struct board *b);
/* Somebody says that there is a newer epoch: a probe, at most one a second. */
void sequencer_doubt(struct board *b);

void sequencer_turn(struct board *b);
uint64_t sequencer_deadline(const struct board *b);

/* A grant has its offset and is not stored, or is about to get it: no frame of any term and no
 * other grant gets one. */
static inline bool sequencer_grant_pending(const struct board *b)
{
    return b->log.newest.term > b->log.mark || b->log.pass.cseq != 0;
}

#endif
