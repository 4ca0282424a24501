/* SPDX-License-Identifier: Apache-2.0 */
#include "stroke.h"

#include <stddef.h>

#define POINT_BYTES          4u
#define PRESSURE_POINT_BYTES 5u
#define HIGHLIGHTER_COLOUR   8u /* the first of them */

#define BITS_POINTS   0xfffu
#define BITS_PRESSURE 0x1000u

static bool has_its_colour(const struct msg_begin *m)
{
    switch (m->tool) {
    case TOOL_PEN:
        return m->colour < HIGHLIGHTER_COLOUR;
    case TOOL_HIGHLIGHTER:
        return m->colour >= HIGHLIGHTER_COLOUR;
    }
    return true;
}

/* How many points these bytes are; -1: a point is cut off. */
static int points_in(const struct stroke *s, size_t bytes)
{
    bool five = s->known ? s->pressure : bytes % PRESSURE_POINT_BYTES == 0;
    size_t each = five ? PRESSURE_POINT_BYTES : POINT_BYTES;
    return bytes % each == 0 ? (int)(bytes / each) : -1;
}

static const char *add(struct stroke *s, size_t bytes)
{
    int points = points_in(s, bytes);
    if (points < 0)
        return "The points are cut off in the middle of a point.";
    if (points > STROKE_POINTS_MAX - s->points)
        return "A stroke can have at most 2000 points.";
    s->points = (uint16_t)(s->points + points);
    return NULL;
}

static const char *begin(struct stroke *s, const struct msg_begin *m)
{
    struct stroke begun = {.known = true, .pressure = m->flags & STROKE_PRESSURE};
    if (!has_its_colour(m))
        return "A pen has the colours 0 to 7, a highlighter 8 to 11.";
    const char *why = add(&begun, m->points.len);
    if (!why)
        *s = begun;
    return why;
}

static const char *go_on(struct stroke *s, const struct msg_points *m)
{
    if (m->flags & ~(uint64_t)STROKE_END)
        return "The flags of points can only be 0 or 4.";
    return add(s, m->points.len);
}

const char *stroke_draw(struct stroke *s, enum drawers_code code, const union any_frame *f)
{
    switch (code) {
    case DRAWER_begin:
        return begin(s, &f->begin);
    case DRAWER_points:
        return go_on(s, &f->points);
    case DRAWER_undo:
    case DRAWER_redo:
    case DRAWER_clear:
    case DRAWER_restore:
    case DRAWER_pass:
        break;
    }
    return NULL;
}

uint32_t stroke_bits(const struct stroke *s)
{
    if (!s->known)
        return 0;
    return s->points | (s->pressure ? BITS_PRESSURE : 0);
}

struct stroke stroke_of_bits(uint64_t bits)
{
    uint16_t points = bits & BITS_POINTS;
    if (points == 0 || points > STROKE_POINTS_MAX)
        return (struct stroke){0};
    return (struct stroke){points, true, (bits & BITS_PRESSURE) != 0};
}
