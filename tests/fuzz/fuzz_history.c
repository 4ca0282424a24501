/* SPDX-License-Identifier: Apache-2.0
 *
 * The input is a list of orders to two history services, which share a store of one board and do
 * not know of each other: requests, right and wrong ones, and the steps of their rounds in any
 * order, with results that get lost. Whatever they are: the log has no hole and no epoch but the
 * newest one grows, an epoch is given to one owner only, and what an owner is told to be stored is
 * its own and there. Requests come from any sender and with any numbers, also from rogue programs:
 * what a sender of another kind asks for is not even queued. Pages are read with any numbers, too,
 * and have no hole.
 */
#include <errno.h>
#include <stdlib.h>

#include "event.h"
#include "history_core.h"

#define RECORDS_MAX 400u
#define OWNERS      4u
#define BOARDS_MAX  3u

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
    expect(record_is_sound(r) && !(r->flags & RECORD_ERASED));
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

/* The state, which came in an append, may name an event that is none. */
static void load(struct history_core *core, const struct id *board)
{
    struct log_state state = {0};
    struct span rules = {0};
    const struct record *last = record_count ? &records[record_count - 1] : NULL;
    if (last)
        expect(log_state_unpack(state_span(&last->state), record_last(last), &state) == 0);
    for (unsigned i = 0; state.rules && i < record_count && rules.len == 0; i++)
        rules = event_find(buf_span(&events[i]), state.rules);
    if (state.rules && rules.len == 0)
        history_core_broken(core, board);
    else
        history_core_loaded(core, board, last, span_of("name"), rules);
}

/* Two bits say whether the insert is done, and whether the service hears of it. */
static void step(struct service *s, unsigned fate)
{
    if (!s->plan) {
        const struct history_plan *plan = history_core_plan(s->core, now_ms);
        if (plan->load_count == 0)
            s->plan = plan;
        for (unsigned i = 0; i < plan->load_count; i++)
            load(s->core, &plan->load[i]);
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
            expect(id_equal(&records[i].opener, to));
            expect(records[i].nonce == m->nonce);
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
        expect(record_count > 0 || m.created.status == CREATED_FULL);
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

static const uint64_t NUMBERS[] = {
    1, 2, 3, 65535, UINT32_MAX, UINT64_C(1) << 32, OFFSET_MAX - UINT32_MAX, OFFSET_MAX};

static uint64_t number(unsigned n)
{
    return NUMBERS[n % 8];
}

/* Nothing of it is as it should be, but within the bounds of the fields. */
static void put_wild_append(struct buf *out, unsigned a, unsigned b)
{
    struct buf bytes = {0};
    uint64_t first = number(a >> 3);
    for (unsigned i = 0; i < b >> 6; i++)
        PUT(&bytes, ev_released, first + i <= OFFSET_MAX ? first + i : 1, number(b >> 3));
    PUT(out, append, .board = BOARD, .epoch = a & 64 ? epoch_of(0) + 1 : number(a), .first = first,
        .count = number(b) & UINT32_MAX, .time = number(b >> 3), .instance = number(a >> 1),
        .term = number(a >> 2), .cseq = UINT32_MAX, .base = number(b >> 2), .flags = UINT32_MAX,
        .events = buf_span(&bytes));
    buf_free(&bytes);
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

/* Of the right kind, or not. */
static struct id sender_of(unsigned kind, unsigned a, unsigned b, bool *ret_right)
{
    static const char letters[] = "gbhx";
    struct id id = owner(kind == 2 ? a : b);
    *ret_right = true;
    if (kind < 2)
        id.text[0] = 'g';
    if (a >> 5 == 7 && kind != 1) {
        *ret_right = letters[b & 3] == id.text[0];
        id.text[0] = letters[b & 3];
    }
    return id;
}

static void request(struct service *s, unsigned kind, unsigned a, unsigned b)
{
    struct buf out = {0};
    bool right;
    PUT(&out, envelope, BROKER_VERSION, sender_of(kind, a, b, &right));
    switch (kind) {
    case 0:
        PUT(&out, create, BOARD, a % 3, span_of("name"));
        break;
    case 1:
        PUT(&out, look, BOARD, a);
        break;
    case 2:
        if (b >= 248)
            PUT(&out, open, BOARD, owner(a), OFFSET_MAX, number(b));
        else
            PUT(&out, open, BOARD, owner(a), b % 4 + 1, epoch_of(b / 4 % 8));
        break;
    default:
        if (a >> 4 == 13)
            put_wild_append(&out, a, b);
        else
            put_append(&out, a, b);
    }
    uint64_t repeats = history_core_stats(s->core)->repeats; /* of what waits already */
    unsigned queued = history_core_message(s->core, now_ms, buf_span(&out));
    expect(queued + history_core_stats(s->core)->repeats - repeats == right);
    buf_free(&out);
}

/* ---- pages ----------------------------------------------------------------------------------- */

static void check_page(const struct msg_page *m)
{
    struct cursor in = cursor_of(m->events.data, m->events.len);
    uint64_t next = m->from;
    while (cursor_left(&in) > 0) {
        struct cursor at = in;
        unsigned code;
        uint32_t fields;
        uint64_t offset;
        expect(wire_skip(&in) == 0 && message_begin(&at, &code, &fields) == 0);
        expect(wire_uint(&at, &offset) == 0 && offset == next++);
    }
    expect(next == m->to + 1 && m->to <= m->tail);
}

/* As reads.c does it. */
static void read_page(unsigned a, unsigned b)
{
    struct id gateway = {"g1"};
    struct msg_read request = {.board = BOARD,
                               .nonce = OFFSET_MAX,
                               .from = a & 128  ? NIL
                                       : a & 64 ? number(a)
                                                : a % 64 + 1,
                               .to = b & 128 ? number(b) : 0,
                               .since = number(b >> 3),
                               .bytes_max = b & 64 ? 65535 : b % 64 + 1};
    struct outbox *out = outbox_create(&(struct outbox_config){.self = {"h1"}});
    struct history_page page;
    history_page_begin(&page, &request);
    for (unsigned i = 0; i < record_count; i++) {
        struct record r = records[i];
        r.events = buf_span(&events[i]);
        bool before = request.from == NIL ? r.time < request.since : record_last(&r) < request.from;
        if (!before && !history_page_record(&page, &r))
            break;
    }
    history_page_answer(&page, tail(), 1, &gateway, out);
    history_page_free(&page);
    struct outbox_message message;
    while (outbox_next(out, now_ms, &message)) {
        struct cursor in = cursor_of(message.body.data, message.body.len);
        struct msg_envelope envelope;
        struct msg_page m;
        expect(message.body.len <= BROKER_MESSAGE_BYTES_MAX);
        expect(GET(&in, envelope, &envelope) == 0);
        if (GET(&in, page, &m) == 0)
            check_page(&m);
    }
    outbox_destroy(out);
}

/* Upkeep: boards are counted, and a deleted one is erased. */
static void keep_up(struct service *s, unsigned a)
{
    struct id board;
    if (a & 1)
        history_core_boards(s->core, number(a >> 1));
    else if (history_core_deleted(s->core, &board) && record_count > 0 &&
             record_is_tombstone(&records[record_count - 1]))
        records[record_count - 1].flags |= RECORD_ERASED;
}

/* Three bytes each: what, and two numbers for it. */
static void obey(const uint8_t *order)
{
    struct service *s = &services[order[0] & 1];
    now_ms += order[0] & 2 ? HISTORY_OPEN_EVERY_MS : 1;
    if (order[0] >= 0xf0)
        read_page(order[1], order[2]);
    else if (order[0] >= 0xe0)
        keep_up(s, order[1]);
    else if (order[0] & 4)
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
    struct history_core_config config = {
        .self = {"h1"}, .shards = 1, .tails_max = 1, .boards_max = BOARDS_MAX};
    for (unsigned i = 0; i < 2; i++) {
        services[i] = (struct service){.core = history_core_create(&config)};
        history_core_incarnation(services[i].core, 1);
    }
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
