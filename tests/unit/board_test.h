/* SPDX-License-Identifier: Apache-2.0
 *
 * Drives the board service's core as gateways, history and its peers do. All that it sends is
 * rendered as one line of text each, and a test names the lines it expects:
 *
 *   attach("g1", 0, 0, "ann/11 draw, bob/12 watch");
 *   expect("history open over 0");
 *
 * One shard, one board, the process b1. Time begins at 1,000,000 and moves with pass(ms) only.
 */
#ifndef EASEL_BOARD_TEST_H
#define EASEL_BOARD_TEST_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board_core.h"
#include "log_state.h"

#define BOARD       "k3v9x2mq4t"
#define SEATS       3u
#define PEOPLE      "ann/11, bob/12, cat/13"
#define GRACE_MS    5000u
#define KEEP_PEN_MS 600000
#define KEEP_MS     60000u
#define IDLE_MS     30000u
#ifndef EVENTS_MAX
#define EVENTS_MAX 5000000u
#endif
#define BYTES_PER_S 65536u
#define LINES_MAX   4096u

static struct board_core *core;
static const struct trace *listening; /* to its decisions; NULL: nobody */
static uint64_t now;
static uint64_t list_number;
static uint64_t nonce;                       /* of the newest open that it sent */
static struct msg_append append;             /* the newest one, its events in `append_events` */
static struct msg_append appends[LINES_MAX]; /* all since forget_lines, without their events */
static unsigned append_count;
static uint8_t append_events[BROKER_MESSAGE_BYTES_MAX];
static uint8_t sent_events[BROKER_MESSAGE_BYTES_MAX]; /* of the newest events message */
static size_t sent_events_len;
static char *lines[LINES_MAX];
static unsigned line_count;

static inline struct id id_of(const char *text)
{
    struct id id;
    ck_assert_int_eq(id_parse(text, strlen(text), &id), 0);
    return id;
}

/* ---- what it sends --------------------------------------------------------------------------- */

static inline void forget_lines(void)
{
    while (line_count > 0)
        free(lines[--line_count]);
    append_count = 0;
}

__attribute__((format(printf, 1, 2))) static inline void add_line(const char *format, ...)
{
    ck_assert_uint_lt(line_count, LINES_MAX);
    va_list args;
    va_start(args, format);
    ck_assert_int_ge(vasprintf(&lines[line_count++], format, args), 0);
    va_end(args);
}

static inline const char *or_nobody(const struct id *id)
{
    return id_empty(id) ? "nobody" : id->text;
}

static inline void render_events(const char *to, const struct msg_events *m)
{
    struct cursor in = cursor_of(m->events.data, m->events.len);
    uint64_t last = m->first - 1;
    for (; cursor_left(&in) > 0; last++)
        ck_assert_int_eq(wire_skip(&in), 0);
    const char *busy = m->flags & MARK_BUSY ? " busy" : "";
    const char *full = m->flags & MARK_FULL          ? " full"
                       : m->flags & MARK_NEARLY_FULL ? " nearly full"
                                                     : "";
    if (m->events.len == 0) {
        add_line("%s mark %lu head %lu epoch %lu%s%s", to, m->mark, m->head, m->epoch, busy, full);
        return;
    }
    memcpy(sent_events, m->events.data, m->events.len);
    sent_events_len = m->events.len;
    add_line("%s events %lu..%lu mark %lu head %lu epoch %lu%s%s", to, m->first, last, m->mark,
             m->head, m->epoch, busy, full);
}

static const char *const WHY[] = {"full", "removed", "ended", "closed"};
static struct span told_rules; /* with the newest state */
static uint8_t told_rules_bytes[RULES_BYTES_MAX];
static uint32_t told_outside; /* how many are there */
static char told_numbers[17]; /* who has which, by the first letter */
static char told_name[NAME_BYTES_MAX + 1];

static inline void render_state(const char *to, const struct msg_board_state *m)
{
    char text[4096];
    snprintf(told_numbers, sizeof told_numbers, "%s", "................");
    snprintf(told_name, sizeof told_name, "%.*s", (int)m->name.len, (const char *)m->name.data);
    if (m->rules.len > 0)
        memcpy(told_rules_bytes, m->rules.data, m->rules.len);
    told_rules = (struct span){told_rules_bytes, m->rules.len};
    int n = snprintf(text, sizeof text, "%s state %s/%lu term %lu base %lu", to,
                     or_nobody(&m->holder), m->instance, m->term, m->base);
    struct list list = m->members;
    struct msg_member member;
    while (NEXT(&list, member, &member) > 0) {
        n += snprintf(text + n, sizeof text - (size_t)n, " %s%s%s", member.member.text,
                      member.flags & MEMBER_AWAY ? "-away" : "",
                      member.flags & MEMBER_LOST ? "-lost" : "");
        told_numbers[member.number % 16] = member.member.text[0];
        if (member.line)
            n += snprintf(text + n, sizeof text - (size_t)n, "-%lu", member.line);
    }
    list = m->full;
    struct msg_member_id full;
    while (NEXT(&list, member_id, &full) > 0)
        n += snprintf(text + n, sizeof text - (size_t)n, " %s:%s", WHY[full.why], full.member.text);
    list = m->outside;
    struct msg_outsider outsider;
    told_outside = m->outside.count;
    while (NEXT(&list, outsider, &outsider) > 0 && outsider.why != OUTSIDE_FULL)
        n += snprintf(text + n, sizeof text - (size_t)n, " outside:%s", outsider.member.text);
    if (m->grace_ms)
        n += snprintf(text + n, sizeof text - (size_t)n, " grace %lu", m->grace_ms);
    if (m->pass_ms)
        snprintf(text + n, sizeof text - (size_t)n, " pass %lu", m->pass_ms);
    add_line("%s", text);
}

static inline void render_append(const char *to, const struct msg_append *m)
{
    append = *m;
    ck_assert_uint_lt(append_count, LINES_MAX);
    appends[append_count++] = *m;
    if (m->events.len > 0)
        memcpy(append_events, m->events.data, m->events.len);
    append.events.data = append_events;
    if (m->count == 0)
        add_line("%s probe epoch %lu", to, m->epoch);
    else
        add_line("%s append %lu..%lu epoch %lu%s%s", to, m->first, m->first + m->count - 1,
                 m->epoch, m->flags & APPEND_RELEASED ? " released" : "",
                 m->flags & APPEND_DELETED ? " deleted" : "");
}

union any_message {
    struct msg_events events;
    struct msg_board_state state;
    struct msg_append append;
    struct msg_open open;
    struct msg_want want;
    struct msg_not_drawer not_drawer;
    struct msg_replaced replaced;
    struct msg_sync sync;
    struct msg_not_owner not_owner;
    struct msg_no_board no_board;
    struct msg_alive alive;
    struct msg_pointed pointed;
    struct msg_invalid invalid;
};

static inline void render_item(const char *to, unsigned code, const union any_message *m)
{
    switch (code) {
    case MSG_events:
        render_events(to, &m->events);
        break;
    case MSG_board_state:
        render_state(to, &m->state);
        break;
    case MSG_append:
        render_append("history", &m->append);
        break;
    case MSG_open:
        nonce = m->open.nonce;
        add_line("history open over %lu", m->open.over);
        break;
    case MSG_want:
        add_line("%s want %s/%lu term %lu cseq %lu stored %lu", to, m->want.member.text,
                 m->want.instance, m->want.term, m->want.cseq, m->want.stored);
        break;
    case MSG_not_drawer:
        add_line("%s not_drawer %s/%lu term %lu cseq %lu", to, m->not_drawer.member.text,
                 m->not_drawer.instance, m->not_drawer.term, m->not_drawer.cseq);
        break;
    case MSG_invalid:
        add_line("%s invalid %s/%lu term %lu cseq %lu: %.*s", to, m->invalid.member.text,
                 m->invalid.instance, m->invalid.term, m->invalid.cseq, (int)m->invalid.why.len,
                 (const char *)m->invalid.why.data);
        break;
    case MSG_replaced:
        add_line("%s replaced %s by %lu conn %lu%s", to, m->replaced.member.text,
                 m->replaced.instance, m->replaced.conn,
                 m->replaced.flags & REPLACED_EQUAL ? " and equal ones" : "");
        break;
    case MSG_pointed:
        add_line("%s pointed %s %lu,%lu epoch %lu", to, m->pointed.member.text, m->pointed.x,
                 m->pointed.y, m->pointed.epoch);
        break;
    case MSG_sync:
        add_line("%s sync %lu", to, m->sync.shard);
        break;
    case MSG_not_owner:
        add_line("%s not_owner %lu", to, m->not_owner.shard);
        break;
    case MSG_no_board:
        add_line("%s no_board", to);
        break;
    default:
        add_line("%s %s", *to ? to : "peers", message_type(code)->name);
    }
}

static inline void render(const struct outbox_message *message)
{
    char to[16];
    snprintf(to, sizeof to, "%.*s", (int)strcspn(message->key, "."), message->key);
    struct cursor in = cursor_of(message->body.data, message->body.len);
    struct msg_envelope envelope;
    ck_assert_int_eq(GET(&in, envelope, &envelope), 0);
    while (cursor_left(&in) > 0) {
        unsigned code;
        uint32_t fields;
        union any_message m;
        ck_assert_int_eq(message_begin(&in, &code, &fields), 0);
        ck_assert_int_eq(message_fields(&in, message_type(code), fields, true, &m, NULL), 0);
        render_item(to, code, &m);
    }
}

static bool broker_stands; /* takes everything, and delivers nothing */

/* A fanout reaches its sender, too. */
static inline void echo(struct span body)
{
    uint8_t copy[256];
    ck_assert_uint_le(body.len, sizeof copy);
    memcpy(copy, body.data, body.len);
    board_core_message(core, now, (struct span){copy, body.len});
}

static inline void turn(void)
{
    board_core_tick(core, now);
    struct outbox_message message;
    while (outbox_next(board_core_outbox(core), now, &message)) {
        render(&message);
        if (message.exchange == EXCHANGE_PEERS && !broker_stands)
            echo(message.body);
    }
}

/* Lets time go by, from deadline to deadline. */
static inline void pass(uint64_t ms)
{
    uint64_t end = now + ms;
    while (now < end) {
        uint64_t at = board_core_deadline(core);
        now = at <= now ? now + 1 : at < end ? at : end;
        turn();
    }
}

static inline unsigned count_lines(const char *part)
{
    unsigned n = 0;
    for (unsigned i = 0; i < line_count; i++)
        n += strstr(lines[i], part) != NULL;
    return n;
}

static inline void show_lines(void)
{
    for (unsigned i = 0; i < line_count; i++)
        if (strcmp(lines[i], "peers alive") != 0)
            fprintf(stderr, "  sent: %s\n", lines[i]);
}

/* A line that is exactly this was sent since the last forget_lines. */
static inline void expect(const char *line)
{
    for (unsigned i = 0; i < line_count; i++)
        if (strcmp(lines[i], line) == 0)
            return;
    show_lines();
    ck_abort_msg("not sent: %s", line);
}

static inline void expect_count(const char *part, unsigned n)
{
    if (count_lines(part) != n)
        show_lines();
    ck_assert_msg(count_lines(part) == n, "%u lines with \"%s\", expected %u", count_lines(part),
                  part, n);
}

/* No line has this in it. */
static inline void expect_no(const char *part)
{
    expect_count(part, 0);
}

/* ---- what it hears --------------------------------------------------------------------------- */

static bool in_one_turn; /* what is delivered meanwhile is of one turn of the loop */

static inline void deliver(const char *sender, const struct message_type *type, const void *message)
{
    struct buf body = {0};
    PUT(&body, envelope, .version = BROKER_VERSION, .sender = id_of(sender));
    message_put(&body, type, message);
    board_core_message(core, now, buf_span(&body));
    buf_free(&body);
    if (!in_one_turn)
        turn();
}
#define FROM(sender, name, ...) deliver((sender), &TYPE_##name, &(struct msg_##name){__VA_ARGS__})

static inline void put_person(struct buf *out, char *text)
{
    char *save = NULL;
    struct msg_at_member m = {.conn = 1, .role = ROLE_DRAW};
    char *word = strtok_r(text, " ", &save);
    char *slash = strchr(word, '/');
    *slash = '\0';
    m.member = id_of(word);
    m.name = span_of(word);
    m.instance = strtoull(slash + 1, NULL, 10);
    while ((word = strtok_r(NULL, " ", &save))) {
        m.role = strcmp(word, "watch") == 0 ? ROLE_WATCH
                 : strcmp(word, "own") == 0 ? ROLE_OWN
                                            : m.role;
        m.flags |= strcmp(word, "away") == 0     ? MEMBER_AWAY
                   : strcmp(word, "lost") == 0   ? MEMBER_LOST
                   : strcmp(word, "seated") == 0 ? MEMBER_SEATED
                   : strcmp(word, "unsaid") == 0 ? MEMBER_UNSAID
                   : strcmp(word, "left") == 0   ? MEMBER_LEFT | MEMBER_LOST
                                                 : 0u;
        m.request = strcmp(word, "ask") == 0    ? REQUEST_ASK
                    : strcmp(word, "take") == 0 ? REQUEST_TAKE
                                                : m.request;
        if (strncmp(word, "conn", 4) == 0)
            m.conn = strtoull(word + 4, NULL, 10);
        if (strncmp(word, "links", 5) == 0)
            m.links = strtoull(word + 5, NULL, 10);
        if (strncmp(word, "since", 5) == 0)
            m.came = now - strtoull(word + 5, NULL, 10);
    }
    message_put(out, &TYPE_at_member, &m);
}

/* "ann/11 own ask, bob/12 watch lost conn2 since500": the people of one board; ann's gateway does
 * not say when she came, bob came 500 ms ago. */
static inline uint32_t put_people(struct buf *out, const char *people)
{
    uint32_t count = 0;
    char *text = strdup(people), *save = NULL;
    for (char *p = strtok_r(text, ",", &save); p; p = strtok_r(NULL, ",", &save), count++)
        put_person(out, p);
    free(text);
    return count;
}

/* What the gateways say they were told: all there is. */
static uint64_t gateway_told = OFFSET_MAX, gateway_state = OFFSET_MAX;

static inline void put_at_board(struct buf *out, const char *board, uint64_t epoch,
                                uint64_t applied, unsigned flags, const char *people)
{
    struct buf members = {0};
    uint32_t count = put_people(&members, people);
    PUT(out, at_board, id_of(board), epoch, applied, flags, list_of(count, &members), gateway_told,
        gateway_state);
    buf_free(&members);
}

/* The gateway's next list: this board with these people. */
static inline void attach_flags(const char *gateway, uint64_t epoch, uint64_t applied,
                                unsigned flags, const char *people)
{
    struct buf boards = {0};
    put_at_board(&boards, BOARD, epoch, applied, flags, people);
    FROM(gateway, attach, 0, ++list_number, 1, 1, list_of(1, &boards), now);
    buf_free(&boards);
}

static inline void attach(const char *gateway, uint64_t epoch, uint64_t applied, const char *people)
{
    attach_flags(gateway, epoch, applied, 0, people);
}

static inline void attach_nothing(const char *gateway)
{
    struct buf none = {0};
    FROM(gateway, attach, 0, ++list_number, 1, 1, list_of(0, &none));
}

static inline void opened_as(struct msg_opened m)
{
    m.board = id_of(BOARD);
    m.nonce = nonce;
    m.time = now;
    m.name = span_of("a board");
    deliver("h1", &TYPE_opened, &m);
}

static inline void stored(uint64_t epoch, uint64_t mark)
{
    FROM("h1", stored, id_of(BOARD), epoch, mark);
}

static inline void send_body(const char *gateway, const char *member, uint64_t instance,
                             const struct buf *body)
{
    FROM(gateway, frame, id_of(BOARD), id_of(member), instance, buf_span(body));
}

static const uint8_t POINTS[5000] = {1, 2, 3, 4};

/* A stroke with `bytes` bytes of points. */
static inline void draw_bytes(const char *gateway, const char *member, uint64_t instance,
                              uint64_t term, uint64_t cseq, size_t bytes)
{
    struct buf body = {0};
    PUT(&body, begin, term, cseq, TOOL_PEN, 0, 80, 1, 0, {POINTS, bytes});
    send_body(gateway, member, instance, &body);
    buf_free(&body);
}

static inline void draw(const char *gateway, const char *member, uint64_t instance, uint64_t term,
                        uint64_t cseq)
{
    draw_bytes(gateway, member, instance, term, cseq, 4);
}

static inline void point(const char *gateway, const char *member, uint64_t instance, uint64_t x,
                         uint64_t y)
{
    FROM(gateway, pointing, id_of(BOARD), id_of(member), instance, x, y);
}

static inline void hand_over(const char *gateway, const char *member, uint64_t instance,
                             uint64_t term, uint64_t cseq, const char *to)
{
    struct buf body = {0};
    PUT(&body, pass, term, cseq, id_of(to));
    send_body(gateway, member, instance, &body);
    buf_free(&body);
}

/* The grant that stands last in the newest segment. */
static inline struct msg_ev_grant last_grant(void)
{
    struct cursor in = cursor_of(append_events, append.events.len);
    struct msg_ev_grant grant = {0};
    while (cursor_left(&in) > 0) {
        struct cursor at = in;
        if (GET(&at, ev_grant, &grant) < 0)
            grant = (struct msg_ev_grant){0};
        ck_assert_int_eq(wire_skip(&in), 0);
    }
    ck_assert_uint_ne(grant.offset, 0);
    return grant;
}

static inline void expect_grant(const char *member, uint64_t instance)
{
    struct msg_ev_grant grant = last_grant();
    ck_assert_str_eq(grant.member.text, member);
    ck_assert_uint_eq(grant.instance, instance);
}

/* ---- setups ---------------------------------------------------------------------------------- */

static inline void setup_with_grace(uint64_t pen_grace_ms)
{
    now = 1000000;
    list_number = 0;
    in_one_turn = false;
    core = board_core_create(&(struct board_core_config){.self = id_of("b1"),
                                                         .seed = 7,
                                                         .shards = 1,
                                                         .seats = SEATS,
                                                         .seat_keep_ms = KEEP_MS,
                                                         .pen_idle_ms = IDLE_MS,
                                                         .pen_grace_ms = pen_grace_ms,
                                                         .pen_keep_ms = KEEP_PEN_MS,
                                                         .board_events_max = EVENTS_MAX,
                                                         .board_bytes_per_s = BYTES_PER_S,
                                                         .segment_ms = 50,
                                                         .trace = listening},
                             now);
    board_core_link(core, now, true);
    pass(1000);
    board_core_bound(core, now, 0, true);
    turn();
}

/* Connected, counted among the peers, its shard bound. */
static inline void setup(void)
{
    setup_with_grace(GRACE_MS);
}

static inline void teardown(void)
{
    broker_stands = false;
    forget_lines();
    board_core_destroy(core);
}

/* A new board with these people at g1: created at 1, opened at 2, free pen, all told. */
static inline void open_board(const char *people)
{
    attach("g1", 0, 0, people);
    opened_as((struct msg_opened){.epoch = 2, .clean = 1});
    attach("g1", 2, 2, people);
    pass(100);
    forget_lines();
}

/* The same, and ann (instance 11) has the pen: her grant is event 3, stored. */
static inline void open_with_ann_drawing(void)
{
    attach("g1", 0, 0, "ann/11, bob/12, cat/13");
    opened_as((struct msg_opened){.epoch = 2, .clean = 1});
    attach("g1", 2, 2, "ann/11 ask, bob/12, cat/13");
    stored(2, 3);
    attach("g1", 2, 3, "ann/11, bob/12, cat/13");
    pass(200);
    forget_lines();
}

static inline void expect_no_grant(void)
{
    expect_no("append");
}

/* Gateways repeat their lists, as long as they live; g1 has all events up to `applied`. */
static inline void pass_with_lists(uint64_t ms, uint64_t applied, const char *people)
{
    for (uint64_t end = now + ms; now < end;) {
        attach("g1", 2, applied, people);
        pass(end - now < 2000 ? end - now : 2000);
    }
}

static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline TCase *add_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, teardown);
    suite_add_tcase(suite, tcase);
    return tcase;
}

#endif
