/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EASEL_RECEIVED_H
#define EASEL_RECEIVED_H

#include <stdint.h>

/* Bytes that came on a TCP socket so far, read or not; 0 where the kernel does not tell. */
uint64_t received_bytes(int fd);

#endif
