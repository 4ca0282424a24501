/* SPDX-License-Identifier: Apache-2.0
 *
 * The input is a list of orders to an outbox. Whatever they are: each destination gets its items
 * once and in order, no message is too long, none comes before its deadline, and all come in the
 * end. Offers come at most once, in order.
 */
#include <stdlib.h>
#include <string.h>

#include "outbox.h"

#define DESTINATIONS 4u
#define PACE_MS      4u
#define BUDGET       200u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct outbox *box;
static uint64_t now_ms;
static uint64_t put_count[DESTINATIONS], got_count[DESTINATIONS];
static uint64_t offer_count, offer_seen[DESTINATIONS];

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static struct id destination(unsigned n)
{
    return (struct id){{'g', (char)('0' + n % DESTINATIONS)}};
}

/* An item with its number in it, and as long as the order says. */
static void put(unsigned to, unsigned board, size_t len)
{
    static uint8_t filler[65000];
    struct id id = destination(to), of = {{'k', (char)('0' + board)}};
    struct msg_page page = {.board = of, .from = 1, .nonce = put_count[to]};
    page.events = (struct span){filler, len};
    int r = outbox_put(box, EXCHANGE_GATEWAY, &id, board ? &of : NULL, &TYPE_page, &page);
    put_count[to] += r == 0;
}

static void offer(unsigned to, unsigned board)
{
    struct id id = destination(to), of = {{'k', (char)('0' + board)}};
    struct msg_behind behind = {.board = of, .nonce = ++offer_count};
    outbox_offer(box, EXCHANGE_GATEWAY, &id, &of, &TYPE_behind, &behind);
}

static bool take_offer(struct cursor *in, unsigned to)
{
    struct msg_behind behind;
    struct cursor at = *in;
    unsigned code;
    uint32_t fields;
    if (message_begin(&at, &code, &fields) < 0 || code != MSG_behind)
        return false;
    expect(GET(in, behind, &behind) == 0);
    expect(behind.nonce > offer_seen[to]);
    offer_seen[to] = behind.nonce;
    return true;
}

static void check_message(const struct outbox_message *m)
{
    struct msg_envelope envelope;
    struct msg_page page;
    struct cursor in = cursor_of(m->body.data, m->body.len);
    unsigned to = (unsigned)(m->key[1] - '0');
    expect(m->exchange == EXCHANGE_GATEWAY && m->key[0] == 'g' && to < DESTINATIONS);
    expect(m->body.len <= BROKER_MESSAGE_BYTES_MAX);
    expect(GET(&in, envelope, &envelope) == 0 && cursor_left(&in) > 0);
    const char *board = m->key + strcspn(m->key, ".") + 1;
    while (cursor_left(&in)) {
        if (take_offer(&in, to))
            continue;
        expect(GET(&in, page, &page) == 0);
        expect(page.nonce == got_count[to]++);
        expect(strcmp(board, "many") == 0 || strcmp(board, page.board.text) == 0);
    }
}

static void take_all(void)
{
    struct outbox_message m;
    uint64_t deadline = outbox_deadline(box);
    for (bool first = true; outbox_next(box, now_ms, &m); first = false) {
        expect(!first || deadline <= now_ms);
        check_message(&m);
    }
}

static void clear(void)
{
    outbox_clear(box);
    memcpy(got_count, put_count, sizeof got_count);
}

static void obey(uint8_t order, uint8_t how)
{
    struct id id = destination(how);
    switch (order % 7) {
    case 0:
    case 1:
        put(how % DESTINATIONS, how / 16 % 10, order);
        return;
    case 2:
        put(how % DESTINATIONS, how / 16 % 10, (size_t)order * 250);
        return;
    case 3:
        now_ms += how;
        take_all();
        return;
    case 4:
        outbox_flush(box, EXCHANGE_GATEWAY, &id);
        return;
    case 5:
        offer(how % DESTINATIONS, how / 16 % 10);
        return;
    default:
        if (how == 0)
            clear();
        else
            take_all();
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    now_ms = 1000;
    memset(put_count, 0, sizeof put_count);
    memset(got_count, 0, sizeof got_count);
    memset(offer_seen, 0, sizeof offer_seen);
    offer_count = 0;
    box = outbox_create(&(struct outbox_config){{"b0"}, PACE_MS, BUDGET});
    for (size_t i = 0; i + 1 < size; i += 2)
        obey(data[i], data[i + 1]);
    for (unsigned i = 0; i < 10000 && outbox_deadline(box) != UINT64_MAX; i++) {
        now_ms = outbox_deadline(box) > now_ms ? outbox_deadline(box) : now_ms;
        take_all();
    }
    expect(memcmp(put_count, got_count, sizeof put_count) == 0);
    expect(outbox_stats(box)->waiting_bytes == 0);
    outbox_destroy(box);
    return 0;
}
