/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of HTTP heads: whatever comes, in whatever pieces, it stays within its input, and says
 * of the whole what it said of any beginning that was enough.
 */
#include <stdlib.h>

#include "head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct span part, const uint8_t *data, size_t size)
{
    return part.len == 0 || (part.data >= data && part.data + part.len <= data + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct head head, again;
    char room[HEAD_BYTES_MAX];
    enum head_result r = head_read((struct span){data, size}, &head);
    if (r == HEAD_BAD && (head.status < 400 || !head.why))
        abort();
    if (r != HEAD_WHOLE)
        return 0;
    if (head.bytes > size || !within(head.path, data, size))
        abort();
    for (unsigned i = 0; i < head.count; i++)
        if (!within(head.field[i].name, data, size) || !within(head.field[i].value, data, size))
            abort();
    if (head_read((struct span){data, head.bytes}, &again) != HEAD_WHOLE ||
        again.bytes != head.bytes || again.body_bytes != head.body_bytes)
        abort();
    if (head_read((struct span){data, head.bytes - 1}, &again) != HEAD_MORE)
        abort();
    route_of(head.path);
    struct span host = head_get(&head, "host"), origin = head_get(&head, "origin");
    host_ours(host, "https://easel.example", "https://a.example");
    origin_allowed(origin, host, "", "");
    head_list(&head, "connection", room, sizeof room);
    return 0;
}
