/* SPDX-License-Identifier: Apache-2.0
 *
 * Where tables keep what others name: SipHash-1-3 with a key that each process draws for itself.
 * Who does not know the key cannot choose ids or addresses that fall together, as could be done
 * with FNV at a desk, and made each step of a table as long as the table. It does not help against
 * somebody who sees the process's memory, or who measures long enough; nor is it one that two
 * processes agree on: board_shard and shard_weight are (id.h).
 * The method is Aumasson's and Bernstein's; a test compares it with libcrypto's, which takes 62 ns
 * where this takes 13, and each frame looks several things up.
 */
#ifndef EASEL_HASH_H
#define EASEL_HASH_H

#include <stdint.h>

/* Before anything is put into a table. Without it the key is 0: the simulator and the fuzzers take
 * the same way each time. */
void hash_key(uint64_t low, uint64_t high);

/* Of 16 bytes: an id, or an address. */
uint64_t hash_16(const void *bytes);

#endif
