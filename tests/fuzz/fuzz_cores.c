/* SPDX-License-Identifier: Apache-2.0
 *
 * The three cores, joined by a small broker that loses and repeats, with honest visitors at three
 * boards and a rogue with the broker's account (rogue.h). The input decides what happens, and what
 * the rogue says. Whatever that is: nothing crashes, no turn takes a second, memory keeps within
 * its bounds; and after the rogue fell silent, visitors draw again, and what they draw is stored:
 * at the board that it never named, and, if it did not lie plausibly, at all of them.
 *
 * The first byte says whether it may lie plausibly; then come orders, a byte each, with what they
 * need behind.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rogue.h"
#include "world.h"

#define STEP_MS        25u
#define HEAL_MS        90000u
#define TURN_MS        1000u /* of CPU time: a hang */
#define VISITORS       5u
#define QUEUE_MAX      4096u
#define LOG_EVENTS_MAX 500u /* visitors alone can fill a board */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct id GATEWAY_ID = {"g1"}, BOARD_ID = {"b1"}, HISTORY_ID = {"h1"};
static const char *const BOARD_NAMES[] = {"a3v9x2mq4t", "k3v9x2mq4t", "z3v9x2mq4t"};
#define NEVER_NAMED 2u /* of these */

/* Somebody who draws, one stroke after the other. */
struct visitor {
    unsigned board;
    struct id member;
    struct client *client;
    uint64_t instance, conn, asked_at;
    uint64_t term, granted; /* the newest grant to it; once that is stored */
    uint32_t cseq;
    uint64_t mark, own; /* the offset of its newest event */
    bool saved;         /* something that it drew since the rogue is silent is stored */
    bool full;          /* nobody can draw on the board any more, for it has all its events */
};

/* A message on its way. */
struct letter {
    enum exchange exchange;
    char key[40];
    struct buf body;
    bool back; /* it reached no queue, and returns to `from` */
    char from;
};

static struct world world; /* the store and its clock */
static struct gateway_core *gateway;
static struct board_core *board;
static struct history_core *history;
static struct visitor visitors[VISITORS];
static struct client *stranger;
static struct letter queue[QUEUE_MAX];
static unsigned queue_count;
static bool bound[SHARDS];
static unsigned lost, doubled; /* so many of the next messages */
static struct facts facts;

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

bool odds(struct world *w, unsigned in_ten_thousand)
{
    (void)w, (void)in_ten_thousand;
    return false; /* the store has no troubles here */
}

static uint64_t cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

#define TURN(call)                                                                                 \
    do {                                                                                           \
        uint64_t begun = cpu_ms();                                                                 \
        call;                                                                                      \
        expect(cpu_ms() - begun < TURN_MS, "a turn took more than a second: " #call);              \
    } while (0)

/* ---- visitors -------------------------------------------------------------------------------- */

static struct id name_of_board(unsigned n)
{
    struct id id = {0};
    snprintf(id.text, sizeof id.text, "%s", BOARD_NAMES[n]);
    return id;
}

static char *make_token(void *owner, const struct identity *who)
{
    (void)owner, (void)who;
    return strdup("a new one");
}

/* The token is the number of the board and the member's letter. */
static int authenticate(void *owner, uint64_t now_ms, struct span token, struct span session,
                        struct identity *ret)
{
    (void)owner, (void)now_ms, (void)session;
    if (token.len != 2 || token.data[0] < '0' || token.data[0] > '2' || token.data[1] < 'm' ||
        token.data[1] > 'z')
        return -1;
    *ret = (struct identity){name_of_board(token.data[0] - '0'), {{(char)token.data[1]}}, ROLE_OWN};
    if (token.data[1] == 'z')
        ret->role = ROLE_WATCH;
    return 0;
}

static void says(struct client *client, struct buf *frame)
{
    TURN(client_message(client, world.now, buf_span(frame)));
    buf_free(frame);
}

static void arrive(struct visitor *v)
{
    static const uint8_t session[16];
    struct buf hello = {0};
    char token[3] = {(char)('0' + v->board), v->member.text[0], '\0'};
    struct visitor fresh = {.board = v->board, .member = v->member, .instance = v->instance + 1};
    *v = fresh;
    v->client = client_open(gateway, world.now, v->instance & 1, v);
    PUT(&hello, hello, span_of(token), {session, 16}, v->instance, 1, span_of("v"), NIL, NIL);
    says(v->client, &hello);
}

static void draw(struct visitor *v, size_t bytes)
{
    static const uint8_t points[5000];
    struct buf begin = {0};
    PUT(&begin, begin, v->granted, ++v->cseq, 0, 0, 80, 1, STROKE_END, {points, bytes});
    says(v->client, &begin);
}

/* Something that needs no pen, and asks for nothing but that. */
static void requests(struct visitor *v, const struct message_type *type)
{
    struct buf frame = {0};
    message_put(&frame, type, &(char){0});
    says(v->client, &frame);
}

static void act(struct visitor *v)
{
    if (!v->client) {
        arrive(v);
        return;
    }
    if (client_paused(v->client))
        return; /* its gateway does not read */
    if (v->granted && v->cseq < 1000000) {
        draw(v, 4);
    } else if (v->mark && world.now >= v->asked_at + 1000) {
        v->asked_at = world.now;
        requests(v, &TYPE_take);
    }
}

static void pass_pen(struct visitor *v, const struct id *to)
{
    struct buf pass = {0};
    PUT(&pass, pass, v->granted, ++v->cseq, *to);
    says(v->client, &pass);
}

/* What people do besides: much at once, hand the pen on, go. */
static void act_oddly(struct visitor *v, struct choices *c)
{
    unsigned what = choose(c, 6);
    if (!v->client)
        return;
    if (what == 0 && v->granted) {
        for (unsigned i = 4 * choose(c, 50); i > 0 && !client_paused(v->client); i--)
            draw(v, 2400);
    } else if (what == 1 && v->granted) {
        pass_pen(v, choose(c, 2) ? &(struct id){0} : &facts.ids[choose(c, facts.id_count)]);
    } else if (what == 2 && v->mark) {
        requests(v, &TYPE_ask);
    } else if (what == 3 && v->mark) {
        requests(v, &TYPE_cancel);
    } else if (what == 4) {
        client_goes(v->client, true);
        client_closed(v->client, world.now);
        v->client = NULL;
    } else if (what == 5) {
        client_closed(v->client, world.now);
        v->client = NULL;
    }
}

static void hears(struct visitor *v, unsigned code, struct cursor at)
{
    union {
        struct msg_state state;
        struct msg_own own;
        struct msg_mark mark;
        struct msg_cut cut;
    } m;
    if (code == MSG_state && GET(&at, state, &m.state) == 0) {
        bool mine = id_equal(&m.state.holder, &v->member) && m.state.instance == v->instance;
        v->term = mine ? m.state.term : 0;
    } else if (code == MSG_own && GET(&at, own, &m.own) == 0) {
        v->own = m.own.offset + m.own.count - 1;
    } else if (code == MSG_mark && GET(&at, mark, &m.mark) == 0) {
        v->mark = m.mark.mark;
        v->full = m.mark.flags & MARK_FULL && v->mark >= LOG_EVENTS_MAX / 2;
    } else if (code == MSG_cut && GET(&at, cut, &m.cut) == 0) {
        v->own = v->own > m.cut.to ? 0 : v->own;
    }
    if (v->term == 0 || v->term <= v->mark) {
        v->cseq = v->granted == v->term ? v->cseq : 0;
        v->granted = v->term;
    }
    v->saved = v->saved || (v->own && v->own <= v->mark);
}

static void reads(struct visitor *v, struct span frame)
{
    size_t head = frame.data[1] < 126 ? 2 : frame.data[1] == 126 ? 4 : 10;
    struct cursor in = cursor_of(frame.data + head, frame.len - head);
    while (cursor_left(&in) > 0) {
        struct cursor at = in, begin = in;
        unsigned code = 0;
        uint32_t fields;
        expect(wire_skip(&in) == 0 && message_begin(&begin, &code, &fields) == 0,
               "a client gets whole messages");
        hears(v, code, at);
    }
}

static void flush(struct client *client)
{
    static struct pull pull;
    struct visitor *v = client_shell(client);
    do {
        TURN(client_pull(client, world.now, &pull));
        for (unsigned i = 0; v && i < pull.count; i++)
            reads(v, pull.frame[i]);
        TURN(client_pulled(client, &pull, pull.count));
    } while (pull.count > 0);
    if (!client_ends(client, NULL))
        return;
    client_closed(client, world.now);
    if (v)
        v->client = NULL;
    else
        stranger = NULL;
}

/* ---- the broker ------------------------------------------------------------------------------ */

static void post(char from, const struct outbox_message *m)
{
    if (lost > 0 || queue_count == QUEUE_MAX) {
        lost -= lost > 0;
        return;
    }
    unsigned copies = doubled > 0 ? 2 : 1;
    doubled -= doubled > 0;
    for (; copies > 0 && queue_count < QUEUE_MAX; copies--) {
        struct letter *l = &queue[queue_count++];
        *l = (struct letter){.exchange = m->exchange, .from = from};
        snprintf(l->key, sizeof l->key, "%s", m->key);
        buf_append(&l->body, m->body.data, m->body.len);
    }
}

static void post_all(char from, struct outbox *outbox)
{
    struct outbox_message m;
    while (outbox_next(outbox, world.now, &m))
        post(from, &m);
}

static void answer_read(const struct msg_read *m, const struct id *asker)
{
    struct history_page page = {0};
    uint64_t tail = 0;
    bool more = true;
    history_page_begin(&page, m);
    for (unsigned i = 0; i < world.store.count; i++) {
        struct record r = world.store.records[i].record;
        if (!id_equal(&r.board, &m->board))
            continue;
        r.events = buf_span(&world.store.records[i].events);
        tail = record_last(&r);
        if (more && (m->from == NIL ? r.time >= m->since : record_last(&r) >= m->from))
            more = history_page_record(&page, &r);
    }
    history_page_answer(&page, tail, 1, asker, history_core_outbox(history));
    history_page_free(&page);
}

static void answer_reads(struct span body)
{
    struct cursor in = cursor_of(body.data, body.len);
    struct msg_envelope envelope;
    if (GET(&in, envelope, &envelope) < 0)
        return;
    for (unsigned most = 100; cursor_left(&in) > 0 && most > 0; most--) {
        struct cursor at = in;
        struct msg_read m;
        if (wire_skip(&in) < 0)
            return;
        if (GET(&at, read, &m) == 0 && (m.from != NIL || m.since != NIL))
            answer_read(&m, &envelope.sender);
    }
}

/* True when somebody hears it. */
static bool deliver(const struct letter *l)
{
    struct span body = buf_span(&l->body);
    unsigned shard = SHARDS;
    char to[40];
    snprintf(to, sizeof to, "%.*s", (int)strcspn(l->key, "."), l->key);
    bool of_shard = sscanf(to, "s%u", &shard) == 1;
    switch (l->exchange) {
    case EXCHANGE_GATEWAY:
        if (strcmp(to, "all") == 0 || strcmp(to, GATEWAY_ID.text) == 0)
            TURN(gateway_core_message(gateway, world.now, body));
        return true;
    case EXCHANGE_BOARD:
        if (of_shard ? shard >= SHARDS || !bound[shard] : strcmp(to, BOARD_ID.text) != 0)
            return false;
        TURN(board_core_message(board, world.now, body));
        return true;
    case EXCHANGE_PEERS:
        TURN(board_core_message(board, world.now, body));
        return true;
    case EXCHANGE_HISTORY:
        if (!of_shard)
            return strcmp(to, HISTORY_ID.text) == 0;
        TURN(history_core_message(history, world.now, body));
        return true;
    default:
        TURN(answer_reads(body));
        return true;
    }
}

static void deliver_all(void)
{
    static struct letter now_there[QUEUE_MAX];
    unsigned count = queue_count;
    memcpy(now_there, queue, count * sizeof *queue);
    queue_count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct letter *l = &now_there[i];
        bool mandatory = l->exchange == EXCHANGE_BOARD;
        if (l->back && l->from == 'g')
            TURN(gateway_core_returned(gateway, world.now, l->exchange, l->key));
        else if (l->back && l->from == 'b')
            TURN(board_core_returned(board, world.now, l->exchange, l->key));
        else if (!l->back && !deliver(l) && mandatory && queue_count < QUEUE_MAX) {
            queue[queue_count] = *l;
            queue[queue_count].body = (struct buf){0};
            queue[queue_count++].back = true;
        }
        buf_free(&l->body);
    }
}

/* ---- a step ---------------------------------------------------------------------------------- */

/* False: the store is away. */
static bool load(const struct history_plan *plan)
{
    for (unsigned i = 0; i < plan->load_count; i++) {
        struct record last;
        struct id id = plan->load[i];
        int r = memory_last(&world, &id, &last);
        if (r == -EIO)
            return false;
        struct span rules = r == 0 ? memory_rules(&world, &last) : (struct span){0};
        TURN(history_core_loaded(history, &id, r == 0 ? &last : NULL, span_of("board"), rules));
    }
    return true;
}

static void round_of_history(void)
{
    static int results[1000];
    const struct history_plan *plan;
    if (!history_core_waiting(history))
        return;
    TURN(plan = history_core_plan(history, world.now));
    if (plan->load_count > 0) {
        if (!load(plan)) {
            TURN(history_core_unavailable(history));
            return;
        }
        TURN(plan = history_core_plan(history, world.now));
    }
    for (unsigned i = 0; i < plan->record_count; i++)
        results[i] = memory_append(&world, &plan->records[i]);
    TURN(history_core_settle(history, world.now, results));
}

static void bind_shards(void)
{
    for (unsigned s = 0; s < SHARDS; s++) {
        if (bound[s] == board_core_wants(board, s))
            continue;
        bound[s] = !bound[s];
        TURN(board_core_bound(board, world.now, s, bound[s]));
    }
}

static void check_bounds(void)
{
    const struct gateway_core_stats *g = gateway_core_stats(gateway);
    const struct board_core_stats *b = board_core_stats(board);
    const struct history_core_stats *h = history_core_stats(history);
    struct outbox *const outboxes[] = {gateway_core_outbox(gateway), board_core_outbox(board),
                                       history_core_outbox(history)};
    for (unsigned i = 0; i < 3; i++)
        expect(outbox_stats(outboxes[i])->waiting_bytes <= OUTBOX_BYTES_MAX + 1000, "outbox");
    expect(g->window_bytes <= g->boards * (WINDOW_BYTES_LIMIT + BROKER_MESSAGE_BYTES_MAX),
           "windows");
    expect(g->page_bytes <= g->boards * 4 * BROKER_MESSAGE_BYTES_MAX, "pages");
    expect(g->boards <= 3, "boards of the gateway are those that somebody opened");
    expect(b->list_bytes <= LISTS_BYTES_MAX, "lists");
    expect(b->unstored_bytes <= b->boards_open * (544u << 10), "unstored");
    expect(b->peers <= 257, "peers");
    expect(h->waiting_bytes <= HISTORY_WAITING_BYTES_MAX, "requests");
}

static void step(void)
{
    world.now += STEP_MS;
    struct client *client;
    deliver_all();
    TURN(gateway_core_tick(gateway, world.now));
    TURN(board_core_tick(board, world.now));
    bind_shards();
    round_of_history();
    while ((client = gateway_core_dirty(gateway)))
        flush(client);
    post_all('g', gateway_core_outbox(gateway));
    post_all('b', board_core_outbox(board));
    post_all('h', history_core_outbox(history));
    check_bounds();
}

static void pass(uint64_t ms)
{
    for (uint64_t end = world.now + ms; world.now < end;)
        step();
}

/* ---- orders ---------------------------------------------------------------------------------- */

/* What the rogue can know of a run. */
static void learn(void)
{
    if (world.store.count == 0)
        return;
    const struct record *r = &world.store.records[world.store.count - 1].record;
    struct log_state s = {.term = 0};
    log_state_unpack(state_span(&r->state), record_last(r), &s);
    uint64_t numbers[] = {r->epoch, r->first, record_last(r), s.term, s.instance};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        facts_number(&facts, numbers[i]);
}

static void deliver_rogue(struct span body, unsigned to)
{
    switch (to) {
    case 0:
    case 1:
        TURN(gateway_core_message(gateway, world.now, body));
        return;
    case 2:
    case 3:
        TURN(board_core_message(board, world.now, body));
        return;
    case 4:
        TURN(history_core_message(history, world.now, body));
        return;
    default:
        TURN(answer_reads(body));
    }
}

static void rogue_speaks(struct choices *c, bool plausible)
{
    struct buf body = {0};
    unsigned to = choose(c, 6);
    learn();
    rogue_message(c, &facts, plausible, &body);
    deliver_rogue(buf_span(&body), to);
    buf_free(&body);
}

/* Bytes as they are: a message to a core, or of a client. */
static struct span raw(struct choices *c)
{
    size_t len = choose(c, 128), left = (size_t)(c->end - c->at);
    struct span bytes = {c->at, len < left ? len : left};
    c->at += bytes.len;
    return bytes;
}

static void stranger_speaks(struct choices *c)
{
    static const uint8_t session[16];
    if (!stranger) {
        struct buf hello = {0};
        stranger = client_open(gateway, world.now, 0, NULL);
        PUT(&hello, hello, span_of("0z"), {session, 16}, 1, 1, span_of("z"), NIL, NIL);
        says(stranger, &hello);
    }
    struct span bytes = raw(c);
    TURN(client_message(stranger, world.now, bytes));
}

static void obey(struct choices *c, bool plausible)
{
    switch (choose(c, 10)) {
    case 0:
        pass(choose(c, 40) * STEP_MS);
        return;
    case 1:
        act(&visitors[choose(c, VISITORS)]);
        step();
        return;
    case 2:
        lost = choose(c, 4);
        doubled = choose(c, 4);
        return;
    case 3:
        stranger_speaks(c);
        return;
    case 4:
        if (plausible)
            deliver_rogue(raw(c), choose(c, 6));
        return;
    case 5:
        act_oddly(&visitors[choose(c, VISITORS)], c);
        return;
    case 6:
        world.store.away_until = world.now + choose(c, 100) * STEP_MS;
        return;
    default:
        rogue_speaks(c, plausible);
        if (choose(c, 2))
            step();
    }
}

/* ---- a run ----------------------------------------------------------------------------------- */

static void create_boards(void)
{
    for (unsigned i = 0; i < 3; i++) {
        struct buf created = {0};
        PUT(&created, ev_created, 1, world.now, span_of("board"));
        struct record r = {.board = name_of_board(i),
                           .first = 1,
                           .count = 1,
                           .time = world.now,
                           .state = log_state_pack(&(struct log_state){.term = 0}),
                           .events = buf_span(&created)};
        memory_append(&world, &r);
        buf_free(&created);
    }
}

static void begin(void)
{
    memset(&world, 0, sizeof world);
    world.now = 1000000;
    queue_count = lost = doubled = 0;
    memset(bound, 0, sizeof bound);
    create_boards();
    gateway = gateway_core_create(&(struct gateway_core_config){.self = GATEWAY_ID,
                                                                .seed = 7,
                                                                .shards = SHARDS,
                                                                .dead_ms = 60000,
                                                                .authenticate = authenticate,
                                                                .make_token = make_token},
                                  world.now);
    board = board_core_create(&(struct board_core_config){.self = BOARD_ID,
                                                          .seed = 8,
                                                          .shards = SHARDS,
                                                          .seats = 10,
                                                          .pen_idle_ms = 6000,
                                                          .pen_grace_ms = 3000,
                                                          .pen_keep_ms = 9000,
                                                          .board_events_max = LOG_EVENTS_MAX,
                                                          .board_bytes_per_s = 65536,
                                                          .segment_ms = 50},
                              world.now);
    history = history_core_create(
        &(struct history_core_config){.self = HISTORY_ID, .shards = SHARDS, .tails_max = 100});
    history_core_incarnation(history, 1);
    gateway_core_link(gateway, world.now, true);
    board_core_link(board, world.now, true);
}

/* Two at each board, and one at that which the rogue never names; it draws. */
static void bring_visitors(void)
{
    static const char *const IDS[] = {"g1", "b1", "h1",         "m",         "n",
                                      "o",  "p",  "a3v9x2mq4t", "k3v9x2mq4t"};
    facts = (struct facts){0};
    for (unsigned i = 0; i < sizeof IDS / sizeof *IDS; i++)
        snprintf(facts.ids[facts.id_count++].text, sizeof(struct id), "%s", IDS[i]);
    for (unsigned i = 0; i < VISITORS; i++) {
        visitors[i] = (struct visitor){.board = i / 2, .member = {{(char)('m' + i)}}};
        arrive(&visitors[i]);
    }
    for (unsigned i = 0; i < 12; i++) {
        pass(250);
        act(&visitors[0]);
        act(&visitors[2]);
        act(&visitors[4]);
    }
}

static bool is_well(const struct visitor *v)
{
    return v->saved || v->full;
}

static bool all_saved(bool everywhere)
{
    bool well = is_well(&visitors[2 * NEVER_NAMED]);
    return everywhere ? well && is_well(&visitors[0]) && is_well(&visitors[2]) : well;
}

static void expect_healed(bool everywhere)
{
    lost = doubled = 0;
    world.store.away_until = 0;
    for (unsigned i = 0; i < VISITORS; i++) {
        visitors[i].saved = false;
        visitors[i].own = 0;
    }
    for (uint64_t end = world.now + HEAL_MS; world.now < end && !all_saved(everywhere);) {
        pass(250);
        act(&visitors[0]);
        act(&visitors[2]);
        act(&visitors[4]);
    }
    expect(is_well(&visitors[2 * NEVER_NAMED]), "who sits at another board draws again");
    expect(all_saved(everywhere), "after lies that nobody can believe all draw again");
}

static void end(void)
{
    for (unsigned i = 0; i < VISITORS; i++)
        if (visitors[i].client)
            client_closed(visitors[i].client, world.now);
    if (stranger)
        client_closed(stranger, world.now);
    stranger = NULL;
    for (unsigned i = 0; i < queue_count; i++)
        buf_free(&queue[i].body);
    gateway_core_destroy(gateway);
    board_core_destroy(board);
    history_core_destroy(history);
    memory_free(&world.store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices c = {data, data + size};
    bool plausible = choose(&c, 2);
    begin();
    bring_visitors();
    while (c.at < c.end)
        obey(&c, plausible);
    expect_healed(!plausible);
    end();
    return 0;
}
