/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <stdbool.h>
#include <string.h>

struct range {
    uint32_t low, high;
};

static const struct range LEFT_OUT[] = {
    {0x0000, 0x001f}, /* control: C0 */
    {0x007f, 0x009f}, /* DEL, C1 */
    {0x061c, 0x061c}, /* Arabic letter mark */
    {0x200b, 0x200b}, /* zero width space */
    {0x200e, 0x200f}, /* left-to-right and right-to-left mark */
    {0x2028, 0x202e}, /* line and paragraph separator; embeddings and overrides of direction */
    {0x2060, 0x206f}, /* word joiner, invisible operators, isolates of direction, deprecated ones */
    {0xfdd0, 0xfdef}, /* noncharacters */
    {0xfeff, 0xfeff}, /* byte order mark */
    {0xfff9, 0xfffb}, /* interlinear annotation */
    {0xe0000, 0xe007f}, /* tags */
};

static const struct range BLANK[] = {
    {0x0020, 0x0020}, {0x00a0, 0x00a0}, {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
};

static bool is_among(const struct range *ranges, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++)
        if (c >= ranges[i].low && c <= ranges[i].high)
            return true;
    return false;
}
#define IS_AMONG(ranges, c) is_among((ranges), sizeof(ranges) / sizeof *(ranges), (c))

static bool is_left_out(uint32_t c)
{
    return IS_AMONG(LEFT_OUT, c) || (c & 0xfffe) == 0xfffe; /* the last two of each plane */
}

/* The character at `p`, and how many bytes it has. */
static uint32_t character(const uint8_t *p, size_t *ret_bytes)
{
    size_t bytes = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
    uint32_t c = bytes == 1 ? *p : *p & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++)
        c = c << 6 | (p[i] & 0x3fu);
    *ret_bytes = bytes;
    return c;
}

size_t text_clean(struct span text, char *ret)
{
    const uint8_t *p = text.data, *end = p + text.len;
    size_t n = 0, bytes;
    bool blank = false; /* came before this character */
    for (; p < end; p += bytes) {
        uint32_t c = character(p, &bytes);
        if (is_left_out(c))
            continue;
        if (IS_AMONG(BLANK, c)) {
            blank = n > 0;
            continue;
        }
        if (blank)
            ret[n++] = ' ';
        blank = false;
        memcpy(ret + n, p, bytes);
        n += bytes;
    }
    ret[n] = '\0';
    return n;
}
