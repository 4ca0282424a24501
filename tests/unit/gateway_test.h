/* SPDX-License-Identifier: Apache-2.0
 *
 * Drives the gateway's core as the board service, history and sockets do. What a client pulls is
 * rendered as one line of text: "welcome@0 event 1 event 2 mark 2/5".
 */
#ifndef EASEL_GATEWAY_TEST_H
#define EASEL_GATEWAY_TEST_H

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway_core.h"

#define BOARD "k3v9x2mq4t"

static struct gateway_core *core;
static const struct trace *listening; /* to its decisions; NULL: nobody */
static uint64_t now;
static char seen[8192];
static char sentence[600];       /* of the newest error */
static const char *in_line = ""; /* who waits for the pen, in what the owner tells */
static unsigned seats = 10;      /* that the owner tells of */
static uint32_t knows = FEATURES, uses, client_knows = FEATURES; /* owner, board, who says hello */
static uint64_t told_features;                                   /* by the newest welcome */
static struct span ruled;        /* the newest ev_rules that the owner tells of; empty: none */
static const char *outside = ""; /* who waits there, as it tells */
static enum outside why_out;     /* whoever is "full" is that */
static const char *pen_of;       /* who holds the pen of term 3, with instance 11 */

static inline struct id id_of(const char *text)
{
    struct id id;
    ck_assert_int_eq(id_parse(text, strlen(text), &id), 0);
    return id;
}

static inline char *make_token(void *owner, const struct identity *who)
{
    char text[32];
    (void)owner;
    snprintf(text, sizeof text, "own %u", (unsigned)who->links);
    return strdup(text);
}

/* The token is "role member", and perhaps for how many ms, and the generation of the link; the
 * session does not matter. */
static inline int authenticate(void *owner, uint64_t now_ms, struct span token, struct span session,
                               struct identity *ret)
{
    (void)owner, (void)now_ms, (void)session;
    char text[64] = {0};
    char role[8], member[16];
    memcpy(text, token.data, token.len < 63 ? token.len : 63);
    unsigned long long valid_ms = UINT64_MAX, links = 0;
    if (sscanf(text, "%7s %15s %llu %llu", role, member, &valid_ms, &links) < 2)
        return -EACCES;
    *ret = (struct identity){id_of(BOARD), id_of(member), ROLE_DRAW, valid_ms, 0, links};
    if (strcmp(role, "watch") == 0)
        ret->role = ROLE_WATCH;
    if (strcmp(role, "own") == 0)
        ret->role = ROLE_OWN;
    return 0;
}

static inline void setup(void)
{
    now = 1000000;
    pen_of = outside = "";
    ruled = (struct span){0};
    why_out = OUTSIDE_FULL;
    knows = client_knows = FEATURES;
    uses = 0;
    struct gateway_core_config config = {.self = id_of("g1"),
                                         .seed = 7,
                                         .shards = 1,
                                         .pace_ms = 0,
                                         .dead_ms = 60000,
                                         .authenticate = authenticate,
                                         .make_token = make_token,
                                         .trace = listening};
    core = gateway_core_create(&config, now);
    gateway_core_link(core, now, true);
}

static uint64_t from_address; /* of who connects */
static struct client *open_clients[512];
static unsigned open_count;

static inline struct client *opens(void)
{
    struct client *cl = client_open(core, now, from_address, NULL);
    open_clients[open_count++] = cl;
    return cl;
}

static inline void closes(struct client *cl)
{
    for (unsigned i = 0; i < open_count; i++)
        if (open_clients[i] == cl)
            open_clients[i] = open_clients[--open_count];
    client_closed(cl, now);
}

static inline void teardown(void)
{
    while (open_count > 0)
        closes(open_clients[0]);
    gateway_core_destroy(core);
}

/* ---- the board service's side ---------------------------------------------------------------- */

static struct buf body;

static inline void message_from(const char *sender)
{
    buf_clear(&body);
    PUT(&body, envelope, BROKER_VERSION, id_of(sender));
}

/* Each epoch has one. */
static inline void message_from_owner(uint64_t epoch)
{
    char owner[16];
    snprintf(owner, sizeof owner, "b%u", (unsigned)epoch);
    message_from(owner);
}

static inline void deliver(void)
{
    gateway_core_message(core, now, buf_span(&body));
}

static inline void put_event(struct buf *out, uint64_t offset, uint64_t term, uint32_t cseq)
{
    static const uint8_t point[4] = {0, 1, 0, 2};
    PUT(out, ev_begin, offset, 5, term, cseq, 0, 0, 80, 1, STROKE_END, {point, 4});
}

/* Stroke events first..last of term 3 with cseq = offset - 3, from owner `b<epoch>`. */
static inline void owner_sends(uint64_t epoch, uint64_t first, uint64_t last, uint64_t mark)
{
    struct buf events = {0};
    for (uint64_t at = first; at <= last; at++)
        put_event(&events, at, 3, (uint32_t)(at - 3));
    message_from_owner(epoch);
    PUT(&body, events, id_of(BOARD), epoch, first, last < first ? first - 1 : last, mark, 0,
        buf_span(&events));
    deliver();
    buf_free(&events);
}

static inline void owner_grants(uint64_t epoch, uint64_t offset, const char *member,
                                uint64_t instance, uint64_t mark)
{
    struct buf events = {0};
    PUT(&events, ev_grant, offset, 5, id_of(member), instance, {0}, 0, 0);
    message_from_owner(epoch);
    PUT(&body, events, id_of(BOARD), epoch, offset, offset, mark, 0, buf_span(&events));
    deliver();
    buf_free(&events);
}

static uint64_t state_number = 1;

/* The owner wants frames of term 3 again, from `cseq` on; those up to `stored` are stored. */
static inline void owner_wants(const char *member, uint64_t instance, uint64_t cseq,
                               uint64_t stored)
{
    message_from("b2");
    PUT(&body, want, id_of(BOARD), 2, id_of(member), instance, 3, cseq, stored);
    deliver();
}

/* `members`: those seated, separated by blanks; `full`: one without a seat, or NULL. */
static inline void owner_tells(uint64_t epoch, uint64_t mark, const char *members, const char *full)
{
    struct buf list = {0}, without = {0}, out = {0};
    uint32_t count = 0;
    char text[4096];
    snprintf(text, sizeof text, "%s", members);
    for (char *m = strtok(text, " "); m; m = strtok(NULL, " "), count++)
        PUT(&list, member, id_of(m), {0}, ROLE_DRAW, 0, strcmp(m, in_line) == 0);
    if (full)
        PUT(&without, member_id, id_of(full), why_out);
    if (*outside)
        PUT(&out, outsider, id_of(outside), span_of("Out"), ROLE_DRAW, OUTSIDE_CLOSED);
    message_from_owner(epoch);
    PUT(&body, board_state, .board = id_of(BOARD), .epoch = epoch, .number = state_number++,
        .head = mark ? mark : 1, .mark = mark, .holder = id_of(pen_of),
        .instance = pen_of[0] ? 11 : 0, .term = pen_of[0] ? 3 : 0, .seats = seats,
        .lost_grace_ms = 5000, .keep_ms = 60000, .features = knows, .uses = uses,
        .members = list_of(count, &list), .full = list_of(full ? 1 : 0, &without), .rules = ruled,
        .outside = list_of(*outside ? 1 : 0, &out));
    deliver();
    buf_free(&out);
    buf_free(&list);
    buf_free(&without);
}

/* What left for the broker since the last call, as text. */
static char left[65536];

static inline void render_item(unsigned code, struct cursor *in)
{
    char *end = left + strlen(left);
    size_t room = sizeof left - strlen(left);
    struct msg_frame frame;
    struct msg_read read;
    struct msg_pointing pointing;
    struct msg_deed doing;
    uint32_t n;
    unsigned inner;
    struct cursor at = *in;
    if (code == MSG_frame && GET(&at, frame, &frame) == 0) {
        struct cursor body_in = cursor_of(frame.body.data, frame.body.len);
        uint64_t term = 0, cseq = 0;
        message_begin(&body_in, &inner, &n);
        wire_uint(&body_in, &term);
        wire_uint(&body_in, &cseq);
        snprintf(end, room, "frame %u/%u ", (unsigned)term, (unsigned)cseq);
    } else if (code == MSG_read && GET(&at, read, &read) == 0) {
        snprintf(end, room, "read %d ", read.from == NIL ? -1 : (int)read.from);
    } else if (code == MSG_deed && GET(&at, deed, &doing) == 0) {
        struct cursor body_in = cursor_of(doing.body.data, doing.body.len);
        message_begin(&body_in, &inner, &n);
        snprintf(end, room, "deed %s/%u %s ", doing.member.text, (unsigned)doing.instance,
                 message_type(inner)->name);
    } else if (code == MSG_pointing && GET(&at, pointing, &pointing) == 0) {
        snprintf(end, room, "pointing %s/%u %u,%u ", pointing.member.text,
                 (unsigned)pointing.instance, (unsigned)pointing.x, (unsigned)pointing.y);
    } else if (code != MSG_envelope && code != MSG_attach) {
        snprintf(end, room, "%s ", message_type(code)->name);
    }
}

static struct msg_attach last_attach;
static uint8_t attach_bytes[65536];
static uint64_t last_nonce;
static char last_key[40];

static size_t sent_bytes; /* of all messages that left */

static inline const char *sent(void)
{
    left[0] = '\0';
    struct outbox_message m;
    while (outbox_next(gateway_core_outbox(core), now, &m)) {
        snprintf(last_key, sizeof last_key, "%s", m.key);
        sent_bytes += m.body.len;
        struct cursor in = cursor_of(m.body.data, m.body.len);
        while (cursor_left(&in) > 0) {
            struct cursor start = in, probe = in;
            unsigned code;
            uint32_t fields;
            ck_assert_int_eq(message_begin(&probe, &code, &fields), 0);
            render_item(code, &in);
            if (code == MSG_attach) {
                memcpy(attach_bytes, m.body.data, m.body.len);
                struct cursor copy =
                    cursor_of(attach_bytes + (start.pos - m.body.data), cursor_left(&start));
                ck_assert_int_eq(GET(&copy, attach, &last_attach), 0);
            }
            struct msg_read read;
            if (code == MSG_read && GET(&start, read, &read) == 0)
                last_nonce = read.nonce;
            ck_assert_int_eq(wire_skip(&in), 0);
        }
    }
    return left;
}

static inline void tick(uint64_t ms)
{
    now += ms;
    gateway_core_tick(core, now);
}

/* ---- the sockets' side ----------------------------------------------------------------------- */

/* 0: it is not closed. */
static inline unsigned close_code_of(const struct client *cl)
{
    enum error_code error;
    return client_ends(cl, &error) ? ERRORS[error].close : 0;
}

static inline struct client *hello(const char *token, uint64_t instance, uint64_t conn,
                                   uint64_t from, uint64_t since)
{
    static const uint8_t session[16];
    struct client *cl = opens();
    struct buf b = {0};
    PUT(&b, hello, span_of(token), {session, 16}, instance, conn, span_of("Ana"), from, since,
        client_knows);
    client_message(cl, now, buf_span(&b));
    buf_free(&b);
    return cl;
}

static inline void says(struct client *cl, struct buf *b)
{
    client_message(cl, now, buf_span(b));
    buf_free(b);
}

static inline void draws(struct client *cl, uint64_t term, uint64_t cseq)
{
    static const uint8_t point[4] = {0, 1, 0, 2};
    struct buf b = {0};
    PUT(&b, begin, term, cseq, 0, 0, 80, 1, STROKE_END, {point, 4});
    says(cl, &b);
}

static inline void render_frame(struct cursor *in)
{
    char *end = seen + strlen(seen);
    size_t room = sizeof seen - strlen(seen);
    struct cursor at = *in;
    unsigned code;
    uint32_t fields;
    ck_assert_int_eq(message_begin(&at, &code, &fields), 0);
    struct msg_welcome welcome;
    struct msg_own own;
    struct msg_mark mark;
    struct msg_cut cut;
    struct msg_full full;
    struct msg_error error;
    struct msg_pointer_at pointer;
    struct msg_rules rules;
    struct msg_token token;
    uint64_t offset = 0;
    if (code == MSG_welcome && GET(in, welcome, &welcome) == 0) {
        ck_assert_uint_le(welcome.start, welcome.mark); /* it stands on what is stored */
        ck_assert_uint_le(welcome.mark, welcome.head);
        told_features = welcome.features;
        snprintf(end, room, "welcome@%u ", (unsigned)welcome.start);
    } else if (code == MSG_own && GET(in, own, &own) == 0) {
        snprintf(end, room, "own %u=%u+%u ", (unsigned)own.offset, (unsigned)own.cseq,
                 (unsigned)own.count);
    } else if (code == MSG_mark && GET(in, mark, &mark) == 0) {
        snprintf(end, room, "mark %u/%u%s%s%s%s ", (unsigned)mark.mark, (unsigned)mark.head,
                 mark.flags & MARK_BUSY ? " busy" : "", mark.flags & MARK_TROUBLE ? " trouble" : "",
                 mark.flags & MARK_UNSAVED ? " unsaved" : "",
                 mark.flags & MARK_FULL          ? " full"
                 : mark.flags & MARK_NEARLY_FULL ? " nearly full"
                                                 : "");
    } else if (code == MSG_cut && GET(in, cut, &cut) == 0) {
        snprintf(end, room, "cut %u ", (unsigned)cut.to);
    } else if (code == MSG_full && GET(in, full, &full) == 0) {
        snprintf(end, room, "full %u ", (unsigned)full.seats);
    } else if (code == MSG_error && GET(in, error, &error) == 0) {
        snprintf(end, room, "error %.*s@%u ", (int)error.code.len, (const char *)error.code.data,
                 (unsigned)error.frame);
        snprintf(sentence, sizeof sentence, "%.*s", (int)error.sentence.len,
                 (const char *)error.sentence.data);
    } else if (code == MSG_rules && GET(in, rules, &rules) == 0) {
        snprintf(end, room, "rules %u flags %u removed %u outside %u ", (unsigned)rules.rules,
                 (unsigned)rules.flags, rules.removed.count, rules.outside.count);
    } else if (code == MSG_token && GET(in, token, &token) == 0) {
        snprintf(end, room, "token %.*s ", (int)token.token.len, (const char *)token.token.data);
    } else if (code == MSG_pointer_at && GET(in, pointer_at, &pointer) == 0) {
        snprintf(end, room, "pointer %s %u,%u ", pointer.member.text, (unsigned)pointer.x,
                 (unsigned)pointer.y);
    } else if (code == MSG_state || code == MSG_goaway) {
        ck_assert_int_eq(wire_skip(in), 0);
        snprintf(end, room, "%s ", message_type(code)->name);
    } else {
        wire_uint(&at, &offset);
        ck_assert_int_eq(wire_skip(in), 0);
        snprintf(end, room, "event %u ", (unsigned)offset);
    }
}

/* Strips the WebSocket header and renders the frames of one message. */
static inline void render_message(struct span m)
{
    size_t head = m.data[1] < 126 ? 2 : m.data[1] == 126 ? 4 : 10;
    ck_assert_uint_eq(m.data[0], 0x82);
    struct cursor in = cursor_of(m.data + head, m.len - head);
    while (cursor_left(&in) > 0)
        render_frame(&in);
}

static uint64_t drawn; /* what client_pulled said last */

static inline const char *pulls_at_most(struct client *cl, unsigned frames)
{
    static struct pull p;
    seen[0] = '\0';
    client_pull(cl, now, &p);
    unsigned n = p.count < frames ? p.count : frames;
    for (unsigned i = 0; i < n; i++)
        render_message(p.frame[i]);
    drawn = client_pulled(cl, &p, n);
    if (seen[0])
        seen[strlen(seen) - 1] = '\0';
    return seen;
}

static inline const char *pulls(struct client *cl)
{
    return pulls_at_most(cl, PULL_FRAMES_MAX);
}

static inline bool is_dirty(const struct client *cl)
{
    bool found = false;
    struct client *d;
    while ((d = gateway_core_dirty(core)))
        found = found || d == cl;
    return found;
}

/* A drawer and a viewer on a board of epoch 2, the pen granted at 3, all stored. */
static struct client *drawer, *viewer;

static inline void two_on_a_board(void)
{
    drawer = hello("draw ana", 11, 1, 2, NIL);
    viewer = hello("watch ben", 22, 1, 2, NIL);
    owner_sends(2, 3, 2, 2);
    owner_tells(2, 2, "ana ben", NULL);
    owner_grants(2, 3, "ana", 11, 2);
    owner_sends(2, 4, 3, 3);
    pen_of = "ana";
    owner_tells(2, 3, "ana ben", NULL);
    pulls(drawer);
    pulls(viewer);
    is_dirty(NULL);
    tick(50);
    sent();
}

static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
