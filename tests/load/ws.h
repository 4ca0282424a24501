/* SPDX-License-Identifier: Apache-2.0
 *
 * WebSocket framing (RFC 6455), for the load client and the relay alike.
 */
#ifndef EASEL_LOAD_WS_H
#define EASEL_LOAD_WS_H

#include <stdbool.h>
#include <sys/types.h>

#include "buf.h"

#define WS_MESSAGE_BYTES_MAX 65536u
#define WS_KEY_CHARS         24
#define WS_ACCEPT_CHARS      28

enum ws_opcode { WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

struct ws_frame {
    unsigned opcode;
    struct span payload; /* unmasked, in the input */
};

/* Reads the frame at the begin of `data` and unmasks it there. Returns its length with its head, 0
 * when the rest of it is not there yet, or -EBADMSG; a fragment is bad, since no end sends any. */
ssize_t ws_frame_read(uint8_t *data, size_t len, struct ws_frame *ret);

void ws_frame_put(struct buf *out, unsigned opcode, struct span payload, bool masked);

/* Of at most 32 bytes. */
void ws_base64(const uint8_t *data, size_t len, char *ret);

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key, with its 0. */
void ws_accept_of(const char *key, char ret[WS_ACCEPT_CHARS + 1]);

#endif
