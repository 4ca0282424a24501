/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids: short texts of [a-z0-9], padded with zeros so that they compare and hash as 16 bytes.
 * A board's id is 10 characters (50 random bits), also the code that people type. The id of a
 * process is a letter for its kind and 10 such characters; a member's is 12.
 */
#ifndef EASEL_ID_H
#define EASEL_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "limit_values.h"

struct id {
    char text[16];
};

static inline bool id_equal(const struct id *a, const struct id *b)
{
    return memcmp(a->text, b->text, sizeof a->text) == 0;
}

static inline bool id_empty(const struct id *a)
{
    return a->text[0] == '\0';
}

static inline int id_compare(const struct id *a, const struct id *b)
{
    return memcmp(a->text, b->text, sizeof a->text);
}

/* 0, or -EINVAL when `n` is above 15 or a character is not of [a-z0-9]. */
int id_parse(const char *text, size_t n, struct id *ret);

/* An id of `chars` base-32 characters (0-9 a-z without i l o u), made from `bytes` bytes of
 * randomness or hash: 5 bits a character, so bytes >= (chars * 5 + 7) / 8. `prefix` 0: none. */
struct id id_from_bits(char prefix, unsigned chars, const uint8_t *bits);

/* A board id: exactly BOARD_CHARS characters of the base-32 alphabet. */
bool id_is_board(const struct id *id);

/* The shard of a board: FNV-1a 64 over the id's characters, then mod `shards`.
 * Test vectors: proto/vectors.txt. */
unsigned board_shard(const struct id *board, unsigned shards);

/* The next number of the sequence that `*state` begins. Nothing is secret about it. */
uint64_t splitmix64(uint64_t *state);

/* Rendezvous weight of a replica for a shard; the live replica with the largest weight (then the
 * largest id) has it. */
uint64_t shard_weight(unsigned shard, const struct id *replica);

#endif
