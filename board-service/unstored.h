/* SPDX-License-Identifier: Apache-2.0
 *
 * The events of a board's log above the mark: their bytes, how far they went to history, and the
 * state of the log after what is stored and after what was sent.
 */
#ifndef EASEL_BOARD_UNSTORED_H
#define EASEL_BOARD_UNSTORED_H

#include "board_core_private.h"

const struct event *unstored_event(const struct log *l, uint64_t offset); /* one of them */
/* Where the bytes of the events up to `offset` end, counted as `bytes_at` is. */
uint64_t unstored_end(const struct log *l, uint64_t offset);
uint64_t unstored_unanswered(const struct log *l); /* bytes that were sent */
/* The state after one more event. */
void unstored_step(const struct log *l, struct log_state *s, uint64_t offset);
/* History has been sent the events up to `sent`, or they go again from there on. */
void unstored_set_sent(struct board *b, uint64_t sent);
/* The events up to `mark` are stored, and forgotten here. */
void unstored_set_mark(struct board *b, uint64_t mark);

#endif
