/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that has the broker's account and says whatever comes to its mind: items of any code,
 * with numbers from 0 to 2^53 - 1 and beyond, of senders of any kind. What it says is chosen by the
 * fuzzer's input.
 */
#ifndef EASEL_FUZZ_ROGUE_H
#define EASEL_FUZZ_ROGUE_H

#include "messages.h"

struct choices {
    const uint8_t *at, *end;
};

/* 0 .. n - 1 (n at most 256); 0 when the input is used up. */
unsigned choose(struct choices *c, unsigned n);

/* What it has heard: ids and numbers of the run. */
struct facts {
    struct id ids[24];
    unsigned id_count;
    uint64_t numbers[64];
    unsigned number_count; /* in all; the newest 64 are there */
};
void facts_number(struct facts *f, uint64_t number);

/* A whole message. A rogue that does not lie plausibly says only what no honest program could: of
 * senders of the wrong kind, with numbers that jump, or what is to be checked before it counts. */
void rogue_message(struct choices *c, const struct facts *f, bool plausible, struct buf *out);

#endif
