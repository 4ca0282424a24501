/* SPDX-License-Identifier: Apache-2.0 */
#include "ws.h"

#include <errno.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIN = 0x80, MASKED = 0x80, OPCODE = 0x0f, LENGTH = 0x7f };

static uint64_t big_endian(const uint8_t *p, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | p[i];
    return value;
}

static void mask(uint8_t *data, size_t len, const uint8_t key[4])
{
    for (size_t i = 0; i < len; i++)
        data[i] ^= key[i & 3];
}

ssize_t ws_frame_read(uint8_t *data, size_t len, struct ws_frame *ret)
{
    if (len < 2)
        return 0;
    bool masked = data[1] & MASKED;
    uint64_t size = data[1] & LENGTH;
    size_t extra = size == 126 ? 2 : size == 127 ? 8 : 0;
    size_t head = 2 + extra + (masked ? 4 : 0);
    if (!(data[0] & FIN))
        return -EBADMSG;
    if (len < head)
        return 0;
    if (extra != 0)
        size = big_endian(data + 2, extra);
    if (size > WS_MESSAGE_BYTES_MAX)
        return -EBADMSG;
    if (size > len - head)
        return 0;
    if (masked)
        mask(data + head, (size_t)size, data + head - 4);
    *ret = (struct ws_frame){data[0] & OPCODE, {data + head, (size_t)size}};
    return (ssize_t)(head + size);
}

void ws_frame_put(struct buf *out, unsigned opcode, struct span payload, bool masked)
{
    uint8_t head[8] = {(uint8_t)(FIN | opcode), masked ? MASKED : 0};
    size_t n = 2;
    if (payload.len < 126) {
        head[1] |= (uint8_t)payload.len;
    } else {
        head[1] |= 126; /* no message is longer than 65,535 bytes: all have room in 16 bits */
        head[n++] = (uint8_t)(payload.len >> 8);
        head[n++] = (uint8_t)payload.len;
    }
    uint32_t key = (uint32_t)random();
    if (masked) {
        memcpy(head + n, &key, sizeof key);
        n += sizeof key;
    }
    buf_append(out, head, n);
    size_t at = out->len;
    buf_append(out, payload.data, payload.len);
    if (masked)
        mask(out->data + at, payload.len, head + n - sizeof key);
}

void ws_base64(const uint8_t *data, size_t len, char *ret)
{
    char text[64]; /* the library wants more room than it fills */
    int n = lws_b64_encode_string((const char *)data, (int)len, text, sizeof text);
    memcpy(ret, text, n > 0 ? (size_t)n : 0);
    ret[n > 0 ? n : 0] = '\0';
}

void ws_accept_of(const char *key, char ret[WS_ACCEPT_CHARS + 1])
{
    char text[128];
    uint8_t hash[20];
    int n =
        snprintf(text, sizeof text, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", WS_KEY_CHARS, key);
    lws_SHA1((const uint8_t *)text, (size_t)n, hash);
    ws_base64(hash, sizeof hash, ret);
}
