/* SPDX-License-Identifier: Apache-2.0
 *
 * The input is a list of orders to two history services, which share a store of one board and do
 * not know of each other: requests, right and wrong ones, and the steps of their rounds in any
 * order, with results that get lost. Whatever they are: the log has no hole and no epoch but the
 * newest one grows, an epoch is given to one owner only, and what an owner is told to be stored is
 * its own and there.
 */
#include <errno.h>
#include <stdlib.h>

#include "history_core.h"

#define RECORDS_MAX 400u
#define OWNERS      4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct id BOARD = {"k3v9x2mq4t"};

struct service {
    struct history_core *core;
    const struct history_plan *plan; /* its records are to be inserted, or to be settled */
    bool inserted;
    int result;
};

static struct service services[2];
static struct record records[RECORDS_MAX];
static struct buf events[RECORDS_MAX];
static unsigned record_count;
static uint64_t now_ms;

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* ---- the store ------------------------------------------------------------------------------- */

static uint64_t tail(void)
{
    return record_count ? record_last(&records[record_count - 1]) : 0;
}

/* A log grows at its end, in its newest epoch, or by an open. */
static int insert(const struct record *r)
{
    for (unsigned i = 0; i < record_count; i++)
        if (records[i].first == r->first)
            return -EEXIST;
    expect(record_count < RECORDS_MAX && r->first == tail() + 1 && r->count > 0);
    if (record_count > 0)
        expect(!record_is_tombstone(&records[record_count - 1]));
    if (r->epoch != r->first)
        expect(r->epoch == (record_count ? records[record_count - 1].epoch : 0));
    events[record_count] = (struct buf){0};
    buf_append(&events[record_count], r->events.data, r->events.len);
    records[record_count] = *r;
    records[record_count++].events = (struct span){0};
    return 0;
}

/* The epoch of the event with that offset. */
static uint64_t epoch_at(uint64_t offset)
{
    for (unsigned i = 0; i < record_count; i++)
        if (offset >= records[i].first && offset <= record_last(&records[i]))
            return records[i].epoch;
    return UINT64_MAX;
}

/* ---- rounds ---------------------------------------------------------------------------------- */

/* Two bits say whether the insert is done, and whether the service hears of it. */
static void step(struct service *s, unsigned fate)
{
    if (!s->plan) {
        const struct history_plan *plan = history_core_plan(s->core, now_ms);
        if (plan->load_count == 0)
            s->plan = plan;
        for (unsigned i = 0; i < plan->load_count; i++)
            history_core_loaded(s->core, &plan->load[i],
                                record_count ? &records[record_count - 1] : NULL, span_of("name"));
    } else if (!s->inserted) {
        expect(s->plan->record_count <= 1);
        s->result = 0;
        if (s->plan->record_count && fate & 1)
            s->result = insert(&s->plan->records[0]);
        if (fate != 1)
            s->result = -EIO;
        s->inserted = true;
    } else {
        history_core_settle(s->core, now_ms, &s->result);
        s->plan = NULL;
        s->inserted = false;
    }
}

/* ---- answers --------------------------------------------------------------------------------- */

static void check_opened(const struct id *to, const struct msg_opened *m)
{
    for (unsigned i = 0; i < record_count; i++)
        if (records[i].first == m->epoch) {
            expect(records[i].epoch == m->epoch);
            expect(id_equal(&records[i].state.opener, to));
            expect(records[i].state.nonce == m->nonce);
            return;
        }
    abort();
}

/* All of its epoch up to the mark is there; and nothing of another's is called its own. */
static void check_mark(uint64_t epoch, uint64_t mark)
{
    expect(mark <= tail() && mark >= epoch);
    expect(epoch_at(mark) == epoch);
}

static void check_item(const struct id *to, unsigned code, uint32_t fields, struct cursor *in)
{
    union {
        struct msg_opened opened;
        struct msg_stored stored;
        struct msg_hole hole;
        struct msg_created created;
        struct msg_refused refused;
        struct msg_looked looked;
        struct msg_no_board no_board;
    } m;
    expect(message_fields(in, message_type(code), fields, true, &m, NULL) == 0);
    if (code == MSG_opened)
        check_opened(to, &m.opened);
    if (code == MSG_stored)
        check_mark(m.stored.epoch, m.stored.mark);
    if (code == MSG_hole)
        check_mark(m.hole.epoch, m.hole.want - 1);
    if (code == MSG_created)
        expect(record_count > 0);
    if (code == MSG_refused) /* by an epoch that is there */
        expect(m.refused.newest == 0 || epoch_at(m.refused.newest) == m.refused.newest);
}

static void check_answers(struct service *s)
{
    struct outbox_message message;
    while (outbox_next(history_core_outbox(s->core), now_ms + 1000, &message)) {
        struct cursor in = cursor_of(message.body.data, message.body.len);
        struct msg_envelope envelope;
        struct id to;
        expect(id_parse(message.key, strcspn(message.key, "."), &to) == 0);
        expect(GET(&in, envelope, &envelope) == 0);
        while (cursor_left(&in) > 0) {
            unsigned code;
            uint32_t fields;
            expect(message_begin(&in, &code, &fields) == 0);
            check_item(&to, code, fields, &in);
        }
    }
}

/* ---- orders ---------------------------------------------------------------------------------- */

static struct id owner(unsigned n)
{
    return (struct id){{'b', (char)('0' + n % OWNERS)}};
}

/* One of the newest few epochs, or one that never was. */
static uint64_t epoch_of(unsigned n)
{
    for (unsigned i = record_count; i > 0; i--)
        if (n-- == 0)
            return records[i - 1].epoch;
    return n;
}

static void put_append(struct buf *out, unsigned a, unsigned b)
{
    struct buf bytes = {0};
    uint64_t first = tail() + 2 > a % 8 ? tail() + 2 - a % 8 : 1;
    unsigned count = b % 5, wrong = b >> 6 == 3;
    for (unsigned i = 0; i < count; i++)
        PUT(&bytes, ev_released, first + i + wrong, now_ms);
    uint64_t epoch = epoch_of(a / 8 % 8) + (b >> 5 & 1);
    PUT(out, append, .board = BOARD, .epoch = epoch ? epoch : 1, .first = first, .count = count,
        .time = now_ms, .flags = b >> 3 & 3, .events = buf_span(&bytes));
    buf_free(&bytes);
}

static void request(struct service *s, unsigned kind, unsigned a, unsigned b)
{
    struct buf out = {0};
    PUT(&out, envelope, BROKER_VERSION, owner(kind == 2 ? a : b));
    switch (kind) {
    case 0:
        PUT(&out, create, BOARD, a % 3, span_of("name"));
        break;
    case 1:
        PUT(&out, look, BOARD, a);
        break;
    case 2:
        PUT(&out, open, BOARD, owner(a), b % 4 + 1, epoch_of(b / 4 % 8));
        break;
    default:
        put_append(&out, a, b);
    }
    history_core_message(s->core, now_ms, buf_span(&out));
    buf_free(&out);
}

/* Three bytes each: what, and two numbers for it. */
static void obey(const uint8_t *order)
{
    struct service *s = &services[order[0] & 1];
    now_ms += order[0] & 2 ? HISTORY_OPEN_EVERY_MS : 1;
    if (order[0] & 4)
        request(s, order[0] >> 3 & 3, order[1], order[2]);
    else if (order[0] & 8 && order[1] == 0 && s->plan == NULL)
        history_core_unavailable(s->core);
    else
        step(s, order[1] < 16 ? order[1] & 3 : 1);
    check_answers(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    now_ms = 1000000;
    record_count = 0;
    struct history_core_config config = {.self = {"h1"}, .shards = 1, .tails_max = 1};
    for (unsigned i = 0; i < 2; i++)
        services[i] = (struct service){.core = history_core_create(&config)};
    for (size_t at = 0; at + 3 <= size && record_count < RECORDS_MAX - 1; at += 3)
        obey(data + at);
    if (size > 0) /* and as a broker message it is skipped, or read */
        history_core_message(services[0].core, now_ms, (struct span){data, size});
    for (unsigned i = 0; i < 2; i++)
        history_core_destroy(services[i].core);
    while (record_count > 0)
        buf_free(&events[--record_count]);
    return 0;
}
