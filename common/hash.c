/* SPDX-License-Identifier: Apache-2.0 */
#include "hash.h"

#include <string.h>

static uint64_t key[2];

void hash_key(uint64_t low, uint64_t high)
{
    key[0] = low;
    key[1] = high;
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

uint64_t hash_16(const void *bytes)
{
    uint64_t word[3] = {0, 0, UINT64_C(16) << 56}; /* the last one tells the length */
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                     key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    memcpy(word, bytes, 16);
    for (unsigned i = 0; i < 3; i++) {
        v[3] ^= word[i];
        sip_round(v);
        v[0] ^= word[i];
    }
    v[2] ^= 0xff;
    for (unsigned i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
