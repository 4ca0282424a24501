/* SPDX-License-Identifier: Apache-2.0
 *
 * What a drawer sends.
 */
#include <time.h>

#include "crowd.h"
#include "stroke.h"

#define POINT_BYTES 4u

/* A wave of the pen: the deltas are small, as a hand's are. */
static struct span some_points(unsigned points, uint64_t cseq)
{
    static uint8_t data[1024 * POINT_BYTES];
    for (unsigned i = 0; i < points; i++) {
        uint8_t *p = data + i * POINT_BYTES;
        p[0] = p[2] = 0;
        p[1] = (uint8_t)(cseq + i);
        p[3] = (uint8_t)(cseq * 3 + i);
    }
    return (struct span){data, points * POINT_BYTES};
}

/* Which frame of its stroke this is, from 0 on; and the flag of the last one. A stroke has only so
 * many points. */
static uint64_t place_in_stroke(const struct board *b, unsigned points, uint64_t *ret_flags)
{
    uint64_t most = STROKE_POINTS_MAX / points;
    uint64_t frames = most < FRAMES_A_STROKE ? most : FRAMES_A_STROKE;
    uint64_t place = (b->cseq - 1) % frames;
    *ret_flags = place == frames - 1 ? STROKE_END : 0;
    return place;
}

static void put_frame(struct buf *out, struct board *b, unsigned points)
{
    struct span p = some_points(points, b->cseq);
    uint64_t flags;
    if (place_in_stroke(b, points, &flags) == 0)
        PUT(out, begin, b->term, b->cseq, TOOL_PEN, 5, 80, 1, flags, p);
    else
        PUT(out, points, b->term, b->cseq, flags, p);
}

/* The relay changes nothing: so its drawer sends the events that a gateway would make. */
static void put_event(struct buf *out, struct board *b, unsigned points)
{
    struct span p = some_points(points, b->cseq);
    uint64_t time_ms = (uint64_t)time(NULL) * 1000;
    uint64_t flags;
    if (place_in_stroke(b, points, &flags) == 0)
        PUT(out, ev_begin, b->cseq, time_ms, b->term, b->cseq, TOOL_PEN, 5, 80, 1, flags, p);
    else
        PUT(out, ev_points, b->cseq, time_ms, b->term, b->cseq, flags, p);
}

void draw(struct board *b)
{
    struct crowd *c = b->drawer->crowd;
    struct buf out = {0};
    if (c->relay)
        b->saved = b->cseq;
    if (b->cseq - b->saved >= FRAMES_UNSAVED_MAX) {
        c->tally.held++;
        return;
    }
    b->cseq++;
    if (c->relay)
        put_event(&out, b, c->points);
    else
        put_frame(&out, b, c->points);
    b->sent[b->cseq % FRAMES_UNSAVED_MAX] =
        (struct sent){.cseq = b->cseq, .at_ns = c->measuring ? now_ns() : 0};
    c->tally.frames++;
    member_send(b->drawer, &out);
}
