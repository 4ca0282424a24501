/* SPDX-License-Identifier: Apache-2.0
 *
 * What the checks compare of an event.
 */
#include "world.h"

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x100000001b3) + (value >> 7);
}

uint64_t seen_hash(uint32_t code, uint64_t term, uint32_t cseq, uint32_t author, uint32_t counter)
{
    return mix(mix(mix(mix(mix(14695981039346656037u, code), term), cseq), author), counter) | 1;
}

/* The first point says who drew it. */
static void seen_points(struct seen *ret, struct span points)
{
    const uint8_t *d = points.data;
    ret->author = (uint32_t)d[0] << 8 | d[1];
    ret->counter = (uint32_t)d[2] << 8 | d[3];
    ret->points = (uint32_t)(points.len / POINT_BYTES);
}

int seen_event(struct cursor *in, uint64_t *ret_offset, struct seen *ret)
{
    struct cursor start = *in;
    struct msg_ev_begin begin;
    struct msg_ev_points points;
    struct msg_ev_clear clear;
    struct msg_ev_restore restore;
    struct msg_ev_grant grant;
    struct msg_ev_rules rules;
    struct msg_ev_void nothing;
    unsigned code;
    uint32_t fields;
    uint64_t offset;
    struct cursor at = *in;
    if (wire_skip(in) < 0 || message_begin(&at, &code, &fields) < 0 || wire_uint(&at, &offset) < 0)
        return -1;
    *ret_offset = offset;
    *ret = (struct seen){.code = code};
    at = start;
    if (code == MSG_ev_begin && GET(&at, ev_begin, &begin) == 0) {
        ret->term = begin.term;
        ret->cseq = (uint32_t)begin.cseq;
        seen_points(ret, begin.points);
    } else if (code == MSG_ev_points && GET(&at, ev_points, &points) == 0) {
        ret->term = points.term;
        ret->cseq = (uint32_t)points.cseq;
        seen_points(ret, points.points);
    } else if (code == MSG_ev_clear && GET(&at, ev_clear, &clear) == 0) {
        ret->term = clear.term;
        ret->cseq = (uint32_t)clear.cseq;
        ret->member = clear.member;
    } else if (code == MSG_ev_restore && GET(&at, ev_restore, &restore) == 0) {
        ret->term = restore.term;
        ret->cseq = (uint32_t)restore.cseq;
        ret->clear = restore.clear;
        ret->start = restore.start;
    } else if (code == MSG_ev_rules && GET(&at, ev_rules, &rules) == 0) {
        ret->flags = rules.flags;
    } else if (code == MSG_ev_void && GET(&at, ev_void, &nothing) == 0) {
        ret->term = nothing.term;
        ret->cseq = (uint32_t)nothing.cseq;
    } else if (code == MSG_ev_grant && GET(&at, ev_grant, &grant) == 0) {
        ret->member = grant.member;
        ret->instance = grant.instance;
        ret->ended = grant.ended;
        ret->last = (uint32_t)grant.last;
    }
    ret->hash = seen_hash(code, ret->term, ret->cseq, ret->author, ret->counter);
    if (code == MSG_ev_restore)
        ret->hash = mix(mix(ret->hash, ret->clear), ret->start) | 1;
    if (ret->term == 0) /* not a drawer's: all bytes count */
        for (const uint8_t *b = start.pos; b < in->pos; b++)
            ret->hash = mix(ret->hash, *b) | 1;
    return 0;
}
