/* SPDX-License-Identifier: Apache-2.0 */
#include "id.h"

#include <errno.h>

static const char BASE32[] = "0123456789abcdefghjkmnpqrstvwxyz";

int id_parse(const char *text, size_t n, struct id *ret)
{
    if (n > ID_CHARS_MAX)
        return -EINVAL;
    struct id id = {0};
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')))
            return -EINVAL;
        id.text[i] = c;
    }
    *ret = id;
    return 0;
}

struct id id_from_bits(char prefix, unsigned chars, const uint8_t *bits)
{
    struct id id = {0};
    unsigned at = 0;
    if (prefix)
        id.text[at++] = prefix;
    for (unsigned i = 0; i < chars && at < ID_CHARS_MAX; i++) {
        unsigned bit = i * 5, byte = bit / 8, shift = bit % 8;
        unsigned two = (unsigned)bits[byte] << 8 | (shift > 3 ? bits[byte + 1] : 0u);
        id.text[at++] = BASE32[two >> (11 - shift) & 31];
    }
    return id;
}

bool id_is_board(const struct id *id)
{
    return strlen(id->text) == BOARD_CHARS && strspn(id->text, BASE32) == BOARD_CHARS;
}

static uint64_t fnv1a(const struct id *id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *text = id->text; *text; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return hash;
}

unsigned board_shard(const struct id *board, unsigned shards)
{
    return (unsigned)(fnv1a(board) % shards);
}

uint64_t splitmix64(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t shard_weight(unsigned shard, const struct id *replica)
{
    /* FNV alone leaves neighbouring shards in step. */
    uint64_t state = fnv1a(replica) + shard * UINT64_C(0x9e3779b97f4a7c15);
    return splitmix64(&state);
}
