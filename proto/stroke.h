/* SPDX-License-Identifier: Apache-2.0
 *
 * What a stroke may be (PROTOCOL §5), besides the bounds of its frames' fields: the colours of its
 * tool, whole points of one kind, and so many of them at most. The owner of the board judges, since
 * it has all frames of a term in their order; a gateway knows what came through it, which is enough
 * to tell most wrong clients sooner. Pure.
 */
#ifndef EASEL_STROKE_H
#define EASEL_STROKE_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

/* The stroke that was begun last in a term. All zero: its begin is not known. `points` that come
 * nevertheless may be of either kind, and are counted as if there had been one, as few as their
 * bytes can be: none who knows more is refused. */
struct stroke {
    uint16_t points; /* so far, at most STROKE_POINTS_MAX */
    bool known;      /* its begin: so is the kind of its points */
    bool pressure;
};

/* What the stroke becomes with this frame. NULL, or a constant sentence that tells what is wrong
 * with the frame; then the stroke is as it was. */
const char *stroke_draw(struct stroke *s, enum drawers_code code, const union any_frame *f);

/* As in the flags of append, from APPEND_STROKE_SHIFT on: 12 bits of points, 1 of pressure. 0: not
 * known. Bits of later versions mean nothing. */
uint32_t stroke_bits(const struct stroke *s);
struct stroke stroke_of_bits(uint64_t bits);

#endif
