/* SPDX-License-Identifier: Apache-2.0
 *
 * The gateway's core, driven as the board service, history and sockets drive it. What a client
 * pulls is rendered as one line of text: "welcome@0 event 1 event 2 mark 2/5".
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway_core.h"

#define BOARD "k3v9x2mq4t"

static struct gateway_core *core;
static uint64_t now;
static char seen[8192];
static const char *pen_of; /* who holds the pen of term 3, with instance 11 */

static struct id id_of(const char *text)
{
    struct id id;
    ck_assert_int_eq(id_parse(text, strlen(text), &id), 0);
    return id;
}

/* The token is "role member"; the session does not matter. */
static int authenticate(void *owner, uint64_t now_ms, struct span token, struct span session,
                        struct grant *ret)
{
    (void)owner, (void)now_ms, (void)session;
    char text[64] = {0};
    char role[8], member[16];
    memcpy(text, token.data, token.len < 63 ? token.len : 63);
    if (sscanf(text, "%7s %15s", role, member) != 2)
        return -EACCES;
    *ret = (struct grant){id_of(BOARD), id_of(member), ROLE_DRAW};
    if (strcmp(role, "watch") == 0)
        ret->role = ROLE_WATCH;
    if (strcmp(role, "own") == 0)
        ret->role = ROLE_OWN;
    return 0;
}

static void setup(void)
{
    now = 1000000;
    pen_of = "";
    struct gateway_core_config config = {.self = id_of("g1"),
                                         .seed = 7,
                                         .shards = 1,
                                         .pace_ms = 0,
                                         .dead_ms = 60000,
                                         .authenticate = authenticate};
    core = gateway_core_create(&config, now);
    gateway_core_link(core, now, true);
}

static struct client *open_clients[16];
static unsigned open_count;

static struct client *opens(void)
{
    struct client *cl = client_open(core, now, NULL);
    open_clients[open_count++] = cl;
    return cl;
}

static void closes(struct client *cl)
{
    for (unsigned i = 0; i < open_count; i++)
        if (open_clients[i] == cl)
            open_clients[i] = open_clients[--open_count];
    client_closed(cl, now);
}

static void teardown(void)
{
    while (open_count > 0)
        closes(open_clients[0]);
    gateway_core_destroy(core);
}

/* ---- the board service's side ---------------------------------------------------------------- */

static struct buf body;

static void message_from(const char *sender)
{
    buf_clear(&body);
    PUT(&body, envelope, BROKER_VERSION, id_of(sender));
}

static void deliver(void)
{
    gateway_core_message(core, now, buf_span(&body));
}

static void put_event(struct buf *out, uint64_t offset, uint64_t term, uint32_t cseq)
{
    static const uint8_t point[4] = {0, 1, 0, 2};
    PUT(out, ev_begin, offset, 5, term, cseq, 0, 0, 80, 1, STROKE_END, {point, 4});
}

/* Stroke events first..last of term 3 with cseq = offset - 3, from owner `b<epoch>`. */
static void owner_sends(uint64_t epoch, uint64_t first, uint64_t last, uint64_t mark)
{
    char owner[16];
    snprintf(owner, sizeof owner, "b%u", (unsigned)epoch);
    struct buf events = {0};
    for (uint64_t at = first; at <= last; at++)
        put_event(&events, at, 3, (uint32_t)(at - 3));
    message_from(owner);
    PUT(&body, events, id_of(BOARD), epoch, first, last < first ? first - 1 : last, mark, 0,
        buf_span(&events));
    deliver();
    buf_free(&events);
}

static void owner_grants(uint64_t epoch, uint64_t offset, const char *member, uint64_t instance,
                         uint64_t mark)
{
    struct buf events = {0};
    PUT(&events, ev_grant, offset, 5, id_of(member), instance, {0}, 0, 0);
    message_from("b2");
    PUT(&body, events, id_of(BOARD), epoch, offset, offset, mark, 0, buf_span(&events));
    deliver();
    buf_free(&events);
}

static uint64_t state_number = 1;

/* `members`: those seated, separated by blanks; `full`: one without a seat, or NULL. */
static void owner_tells(uint64_t epoch, uint64_t mark, const char *members, const char *full)
{
    struct buf list = {0}, without = {0};
    uint32_t count = 0;
    char text[256];
    snprintf(text, sizeof text, "%s", members);
    for (char *m = strtok(text, " "); m; m = strtok(NULL, " "), count++)
        PUT(&list, member, id_of(m), {0}, ROLE_DRAW, 0, 0);
    if (full)
        PUT(&without, member_id, id_of(full));
    message_from(epoch == 2 ? "b2" : "b9");
    PUT(&body, board_state, .board = id_of(BOARD), .epoch = epoch, .number = state_number++,
        .head = mark ? mark : 1, .mark = mark, .holder = id_of(pen_of),
        .instance = pen_of[0] ? 11 : 0, .term = pen_of[0] ? 3 : 0, .seats = 10,
        .lost_grace_ms = 5000, .members = list_of(count, &list),
        .full = list_of(full ? 1 : 0, &without));
    deliver();
    buf_free(&list);
    buf_free(&without);
}

/* What left for the broker since the last call, as text. */
static char left[65536];

static void render_item(unsigned code, struct cursor *in)
{
    char *end = left + strlen(left);
    size_t room = sizeof left - strlen(left);
    struct msg_frame frame;
    struct msg_read read;
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
    } else if (code != MSG_envelope && code != MSG_attach) {
        snprintf(end, room, "%s ", message_name(message_type(code)));
    }
}

static struct msg_attach last_attach;
static uint8_t attach_bytes[65536];
static uint64_t last_nonce;
static char last_key[40];

static const char *sent(void)
{
    left[0] = '\0';
    struct outbox_message m;
    while (outbox_next(gateway_core_outbox(core), now, &m)) {
        snprintf(last_key, sizeof last_key, "%s", m.key);
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

static void tick(uint64_t ms)
{
    now += ms;
    gateway_core_tick(core, now);
}

/* ---- the sockets' side ----------------------------------------------------------------------- */

static struct client *hello(const char *token, uint64_t instance, uint64_t conn, uint64_t from,
                            uint64_t since)
{
    static const uint8_t session[16];
    struct client *cl = opens();
    struct buf b = {0};
    PUT(&b, hello, span_of(token), {session, 16}, instance, conn, span_of("Ana"), from, since);
    client_message(cl, now, buf_span(&b));
    buf_free(&b);
    return cl;
}

static void says(struct client *cl, struct buf *b)
{
    client_message(cl, now, buf_span(b));
    buf_free(b);
}

static void draws(struct client *cl, uint64_t term, uint64_t cseq)
{
    static const uint8_t point[4] = {0, 1, 0, 2};
    struct buf b = {0};
    PUT(&b, begin, term, cseq, 0, 0, 80, 1, STROKE_END, {point, 4});
    says(cl, &b);
}

static void render_frame(struct cursor *in)
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
    struct msg_error error;
    uint64_t offset = 0;
    if (code == MSG_welcome && GET(in, welcome, &welcome) == 0) {
        snprintf(end, room, "welcome@%u ", (unsigned)welcome.start);
    } else if (code == MSG_own && GET(in, own, &own) == 0) {
        snprintf(end, room, "own %u=%u+%u ", (unsigned)own.offset, (unsigned)own.cseq,
                 (unsigned)own.count);
    } else if (code == MSG_mark && GET(in, mark, &mark) == 0) {
        snprintf(end, room, "mark %u/%u%s%s ", (unsigned)mark.mark, (unsigned)mark.head,
                 mark.flags & MARK_BUSY ? " busy" : "",
                 mark.flags & MARK_TROUBLE ? " trouble" : "");
    } else if (code == MSG_cut && GET(in, cut, &cut) == 0) {
        snprintf(end, room, "cut %u ", (unsigned)cut.to);
    } else if (code == MSG_error && GET(in, error, &error) == 0) {
        snprintf(end, room, "error %.*s@%u ", (int)error.code.len, (const char *)error.code.data,
                 (unsigned)error.frame);
    } else if (code == MSG_state) {
        ck_assert_int_eq(wire_skip(in), 0);
        snprintf(end, room, "state ");
    } else {
        wire_uint(&at, &offset);
        ck_assert_int_eq(wire_skip(in), 0);
        snprintf(end, room, "event %u ", (unsigned)offset);
    }
}

/* Strips the WebSocket header and renders the frames of one message. */
static void render_message(struct span m)
{
    size_t head = m.data[1] < 126 ? 2 : m.data[1] == 126 ? 4 : 10;
    ck_assert_uint_eq(m.data[0], 0x82);
    struct cursor in = cursor_of(m.data + head, m.len - head);
    while (cursor_left(&in) > 0)
        render_frame(&in);
}

static const char *pulls_at_most(struct client *cl, unsigned frames)
{
    static struct pull p;
    seen[0] = '\0';
    client_pull(cl, now, &p);
    unsigned n = p.count < frames ? p.count : frames;
    for (unsigned i = 0; i < n; i++)
        render_message(p.frame[i]);
    client_pulled(cl, &p, n);
    if (seen[0])
        seen[strlen(seen) - 1] = '\0';
    return seen;
}

static const char *pulls(struct client *cl)
{
    return pulls_at_most(cl, PULL_FRAMES_MAX);
}

static bool is_dirty(const struct client *cl)
{
    bool found = false;
    struct client *d;
    while ((d = gateway_core_dirty(core)))
        found = found || d == cl;
    return found;
}

/* A drawer and a viewer on a board of epoch 2, the pen granted at 3, all stored. */
static struct client *drawer, *viewer;

static void two_on_a_board(void)
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

/* ---- join ------------------------------------------------------------------------------------ */

START_TEST(a_client_is_welcomed_when_the_owner_has_seated_it)
{
    struct client *cl = hello("draw ana", 11, 1, NIL, NIL);
    ck_assert_str_eq(pulls(cl), "");
    owner_sends(2, 3, 2, 2);
    owner_tells(2, 2, "ana", NULL);
    ck_assert(is_dirty(cl));
    ck_assert_str_eq(pulls(cl), "welcome@0 state mark 2/2");
}
END_TEST

START_TEST(a_client_without_a_seat_is_told_that_the_board_is_full)
{
    struct client *cl = hello("draw ana", 11, 1, NIL, NIL);
    owner_tells(2, 2, "ben", "ana");
    const char *reason;
    ck_assert_str_eq(pulls(cl), "error full@0");
    ck_assert_uint_eq(client_close_code(cl, &reason), 4423);
}
END_TEST

START_TEST(an_unknown_board_is_no_board)
{
    struct client *cl = hello("draw ana", 11, 1, NIL, NIL);
    message_from("b2");
    PUT(&body, no_board, id_of(BOARD));
    deliver();
    ck_assert_str_eq(pulls(cl), "error no_board@0");
    ck_assert_uint_eq(client_close_code(cl, &(const char *){0}), 4404);
}
END_TEST

START_TEST(a_wrong_token_is_forbidden)
{
    struct client *cl = hello("?", 11, 1, NIL, NIL);
    ck_assert_str_eq(pulls(cl), "error forbidden@1");
    ck_assert_uint_eq(client_close_code(cl, &(const char *){0}), 4403);
}
END_TEST

START_TEST(the_first_frame_must_be_a_hello)
{
    struct client *cl = opens();
    draws(cl, 1, 1);
    ck_assert_str_eq(pulls(cl), "error bad_frame@1");
    ck_assert_uint_eq(client_close_code(cl, &(const char *){0}), 4400);
}
END_TEST

START_TEST(a_client_resumes_from_its_mark)
{
    two_on_a_board();
    owner_sends(2, 4, 9, 9);
    struct client *cl = hello("watch cem", 33, 1, 6, NIL);
    owner_tells(2, 9, "ana ben cem", NULL);
    ck_assert_str_eq(pulls(cl), "welcome@6 state event 7 event 8 event 9 mark 9/9");
}
END_TEST

START_TEST(a_second_tab_replaces_the_first)
{
    two_on_a_board();
    struct client *second = hello("draw ana", 12, 1, NIL, NIL);
    ck_assert_str_eq(pulls(drawer), "error replaced@0");
    ck_assert_uint_eq(client_close_code(drawer, &(const char *){0}), 4409);
    ck_assert_str_eq(pulls(second), "welcome@0 state mark 3/3");
}
END_TEST

START_TEST(a_lower_conn_of_the_same_page_is_refused)
{
    two_on_a_board();
    struct client *old = hello("draw ana", 11, 1, NIL, NIL);
    ck_assert_str_eq(pulls(old), "error replaced@1");
    ck_assert_uint_eq(client_close_code(drawer, &(const char *){0}), 0);
}
END_TEST

/* ---- events ---------------------------------------------------------------------------------- */

START_TEST(events_fan_out_before_they_are_stored)
{
    two_on_a_board();
    owner_sends(2, 4, 5, 3);
    ck_assert_str_eq(pulls(viewer), "event 4 event 5");
}
END_TEST

START_TEST(a_repeated_event_is_sent_once)
{
    two_on_a_board();
    owner_sends(2, 4, 5, 3);
    owner_sends(2, 4, 6, 3);
    ck_assert_str_eq(pulls(viewer), "event 4 event 5 event 6");
}
END_TEST

START_TEST(a_hole_of_unstored_events_waits_for_the_owner)
{
    two_on_a_board();
    owner_sends(2, 6, 7, 3);
    ck_assert_str_eq(pulls(viewer), "");
    owner_sends(2, 4, 7, 3);
    ck_assert_str_eq(pulls(viewer), "event 4 event 5 event 6 event 7");
}
END_TEST

START_TEST(many_waiting_events_are_joined_into_one_message)
{
    two_on_a_board();
    owner_sends(2, 4, 23, 3);
    static struct pull p;
    client_pull(viewer, now, &p);
    ck_assert_uint_le(p.count, 5);
    client_pulled(viewer, &p, p.count);
    ck_assert_str_eq(pulls(viewer), "");
}
END_TEST

START_TEST(a_pull_that_was_not_sent_changes_nothing)
{
    two_on_a_board();
    owner_sends(2, 4, 5, 3);
    ck_assert_str_eq(pulls_at_most(viewer, 0), "");
    ck_assert_str_eq(pulls_at_most(viewer, 1), "event 4");
    ck_assert_str_eq(pulls(viewer), "event 5");
}
END_TEST

START_TEST(a_drawer_gets_runs_in_place_of_its_own_frames)
{
    two_on_a_board();
    owner_sends(2, 4, 6, 3);
    ck_assert(!is_dirty(drawer));
    owner_sends(2, 7, 6, 6);
    tick(100);
    ck_assert(is_dirty(drawer));
    ck_assert_str_eq(pulls(drawer), "own 4=1+3 mark 6/6");
}
END_TEST

START_TEST(a_mark_that_covers_a_grant_goes_at_once)
{
    two_on_a_board();
    owner_grants(2, 4, "ben", 22, 3);
    pulls(viewer);
    is_dirty(NULL);
    owner_sends(2, 5, 4, 4);
    ck_assert(is_dirty(viewer));
    ck_assert_str_eq(pulls(viewer), "mark 4/4");
}
END_TEST

/* The mark moves every 20 ms for two seconds. */
static unsigned marks_told(struct client *cl, bool events_too)
{
    unsigned told = 0;
    for (unsigned i = 0; i < 100; i++) {
        if (events_too)
            owner_sends(2, 4 + i, 4 + i, 3 + i);
        pulls(cl); /* what rides on events */
        if (!events_too)
            owner_sends(2, 104, 103, 4 + i);
        tick(20);
        told += strstr(pulls(cl), "mark") != NULL;
    }
    return told;
}

START_TEST(marks_alone_come_to_a_drawer_every_100_ms_at_most)
{
    two_on_a_board();
    owner_sends(2, 4, 103, 3);
    unsigned told = marks_told(drawer, false);
    ck_assert_uint_ge(told, 10);
    ck_assert_uint_le(told, 20);
}
END_TEST

START_TEST(marks_alone_come_to_a_viewer_every_500_ms_at_most)
{
    two_on_a_board();
    owner_sends(2, 4, 103, 3);
    unsigned told = marks_told(viewer, false);
    ck_assert_uint_ge(told, 2);
    ck_assert_uint_le(told, 4);
}
END_TEST

START_TEST(a_mark_that_rides_on_events_never_comes_alone)
{
    two_on_a_board();
    ck_assert_uint_eq(marks_told(viewer, true), 0);
}
END_TEST

START_TEST(after_a_pause_a_mark_comes_to_the_drawer_at_the_next_tick)
{
    two_on_a_board();
    tick(1000);
    owner_sends(2, 4, 4, 3);
    pulls(drawer);
    owner_sends(2, 5, 4, 4);
    tick(50);
    ck_assert_str_eq(pulls(drawer), "mark 4/4");
}
END_TEST

START_TEST(after_a_pause_a_viewers_mark_still_waits_for_an_event_to_ride_on)
{
    two_on_a_board();
    tick(1000);
    owner_sends(2, 4, 4, 3);
    ck_assert_str_eq(pulls(viewer), "event 4");
    owner_sends(2, 5, 4, 4);
    tick(400);
    ck_assert_str_eq(pulls(viewer), "");
    owner_sends(2, 5, 5, 4);
    ck_assert_str_eq(pulls(viewer), "event 5 mark 4/5");
    owner_sends(2, 6, 5, 5);
    tick(450);
    ck_assert_str_eq(pulls(viewer), "");
    tick(100);
    ck_assert_str_eq(pulls(viewer), "mark 5/5");
}
END_TEST

START_TEST(a_state_that_is_repeated_is_told_once)
{
    two_on_a_board();
    pulls(viewer);
    owner_tells(2, 3, "ana ben", NULL);
    ck_assert_str_eq(pulls(viewer), "");
    owner_tells(2, 3, "ana ben cem", NULL);
    ck_assert_str_eq(pulls(viewer), "state");
}
END_TEST

START_TEST(a_silent_client_hears_head_and_mark_every_few_seconds)
{
    two_on_a_board();
    is_dirty(NULL);
    for (int i = 0; i < 140; i++)
        tick(50);
    ck_assert(is_dirty(viewer));
    ck_assert_str_eq(pulls(viewer), "mark 3/3");
}
END_TEST

/* ---- cuts ------------------------------------------------------------------------------------ */

START_TEST(a_new_epoch_cuts_back_to_the_mark)
{
    two_on_a_board();
    owner_sends(2, 4, 8, 5);
    pulls(viewer);
    owner_sends(9, 6, 6, 5);
    ck_assert_str_eq(pulls(viewer), "cut 5 event 6");
}
END_TEST

START_TEST(a_cursor_that_has_not_run_gets_one_cut_to_the_smallest_offset)
{
    two_on_a_board();
    owner_sends(2, 4, 9, 4);
    pulls(viewer);
    owner_sends(9, 5, 8, 4);
    owner_sends(12, 5, 9, 4);
    ck_assert_str_eq(pulls(viewer), "cut 4 event 5 event 6 event 7 event 8 event 9");
}
END_TEST

START_TEST(an_older_epoch_is_ignored)
{
    two_on_a_board();
    owner_sends(9, 4, 4, 3);
    pulls(viewer);
    owner_sends(2, 5, 7, 7);
    ck_assert_str_eq(pulls(viewer), "");
}
END_TEST

START_TEST(a_mark_of_another_epoch_says_nothing_about_events_beyond)
{
    two_on_a_board();
    owner_sends(2, 4, 6, 3);
    pulls(viewer);
    owner_sends(9, 30, 29, 29); /* far ahead: 4..6 may be others there */
    ck_assert_str_eq(pulls(viewer), "cut 3");
}
END_TEST

/* ---- frames ---------------------------------------------------------------------------------- */

START_TEST(a_frame_goes_to_the_owner_and_is_repeated_until_it_stands_in_the_log)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    ck_assert_str_eq(sent(), "frame 3/1 ");
    ck_assert_str_eq(last_key, "b2.k3v9x2mq4t");
    tick(1000);
    ck_assert_str_eq(sent(), "frame 3/1 ");
    owner_sends(2, 4, 4, 3);
    tick(1000);
    ck_assert_str_eq(sent(), "");
}
END_TEST

START_TEST(frames_that_a_cut_took_from_the_log_are_sent_to_the_new_owner)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 2);
    owner_sends(2, 4, 5, 4);
    sent();
    owner_sends(9, 5, 4, 4);
    ck_assert_str_eq(sent(), "frame 3/2 ");
    ck_assert_str_eq(last_key, "b9.k3v9x2mq4t");
}
END_TEST

START_TEST(stored_frames_are_forgotten)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    owner_sends(2, 4, 4, 4);
    ck_assert_uint_eq(gateway_core_stats(core)->frame_bytes, 0);
}
END_TEST

START_TEST(frames_beyond_the_last_one_of_an_ended_term_are_lost)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    struct buf events = {0};
    PUT(&events, ev_grant, 4, 5, id_of("ben"), 22, {0}, 3, 0);
    message_from("b2");
    PUT(&body, events, id_of(BOARD), 2, 4, 4, 4, 0, buf_span(&events));
    deliver();
    buf_free(&events);
    ck_assert_uint_eq(gateway_core_stats(core)->frame_bytes, 0);
}
END_TEST

START_TEST(a_dead_connection_keeps_its_frames_until_they_are_stored)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    closes(drawer);
    sent();
    tick(1000);
    ck_assert_str_eq(sent(), "frame 3/1 ");
    owner_sends(2, 4, 4, 4);
    ck_assert_uint_eq(gateway_core_stats(core)->frame_bytes, 0);
}
END_TEST

START_TEST(a_jump_in_cseq_closes_the_connection)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 3);
    ck_assert_str_eq(pulls(drawer), "error bad_frame@3");
}
END_TEST

START_TEST(frames_sent_again_after_a_reconnect_are_taken_once)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    draws(drawer, 3, 2);
    sent();
    struct client *again = hello("draw ana", 11, 2, 3, NIL);
    pulls(again);
    draws(again, 3, 1);
    draws(again, 3, 2);
    draws(again, 3, 3);
    ck_assert_str_eq(sent(), "frame 3/3 ");
}
END_TEST

START_TEST(a_viewer_who_draws_is_refused_and_stays)
{
    two_on_a_board();
    draws(viewer, 3, 1);
    ck_assert_str_eq(pulls(viewer), "error not_drawer@2");
    ck_assert_uint_eq(client_close_code(viewer, &(const char *){0}), 0);
    ck_assert_str_eq(sent(), "");
}
END_TEST

START_TEST(the_owners_refusal_names_the_frame)
{
    two_on_a_board();
    draws(drawer, 9, 1);
    message_from("b2");
    PUT(&body, not_drawer, id_of(BOARD), 2, id_of("ana"), 11, 9, 1);
    deliver();
    ck_assert_str_eq(pulls(drawer), "error not_drawer@2");
    ck_assert_uint_eq(gateway_core_stats(core)->frame_bytes, 0);
}
END_TEST

START_TEST(a_busy_board_pauses_its_drawer_only)
{
    two_on_a_board();
    message_from("b2");
    PUT(&body, board_state, .board = id_of(BOARD), .epoch = 2, .number = state_number++, .head = 3,
        .mark = 3, .holder = id_of("ana"), .instance = 11, .term = 3, .seats = 10);
    PUT(&body, events, id_of(BOARD), 2, 4, 3, 3, MARK_BUSY, {0});
    deliver();
    ck_assert(client_paused(drawer));
    ck_assert(!client_paused(viewer));
}
END_TEST

/* ---- requests -------------------------------------------------------------------------------- */

static unsigned request_of(const char *member)
{
    struct msg_at_board board;
    struct msg_at_member m;
    struct list boards = last_attach.boards;
    while (NEXT(&boards, at_board, &board) > 0)
        while (NEXT(&board.members, at_member, &m) > 0)
            if (strcmp(m.member.text, member) == 0)
                return (unsigned)m.request;
    return 99;
}

static void asks(struct client *cl)
{
    struct buf b = {0};
    message_put(&b, &TYPE_ask, &(char){0});
    says(cl, &b);
}

START_TEST(a_request_stands_in_the_attach_list_until_a_stored_grant_serves_it)
{
    two_on_a_board();
    struct client *dia = hello("draw dia", 44, 1, NIL, NIL);
    owner_tells(2, 3, "ana ben dia", NULL);
    pulls(dia);
    asks(dia);
    tick(50);
    sent();
    ck_assert_uint_eq(request_of("dia"), REQUEST_ASK);
    owner_grants(2, 4, "dia", 44, 3);
    tick(2000);
    sent();
    ck_assert_uint_eq(request_of("dia"), REQUEST_NONE);
    owner_sends(9, 4, 3, 3); /* the grant is rewound */
    tick(2000);
    sent();
    ck_assert_uint_eq(request_of("dia"), REQUEST_ASK);
    owner_grants(9, 4, "dia", 44, 4);
    owner_sends(12, 5, 4, 4);
    tick(2000);
    sent();
    ck_assert_uint_eq(request_of("dia"), REQUEST_NONE);
}
END_TEST

START_TEST(a_watcher_cannot_ask_for_the_pen)
{
    two_on_a_board();
    asks(viewer);
    ck_assert_str_eq(pulls(viewer), "error not_allowed@2");
}
END_TEST

/* ---- replay ---------------------------------------------------------------------------------- */

static void history_pages(uint64_t nonce, uint64_t epoch, uint64_t from, uint64_t to)
{
    struct buf events = {0};
    for (uint64_t at = from; at <= to; at++)
        put_event(&events, at, 1, (uint32_t)at);
    message_from("h1");
    PUT(&body, page, id_of(BOARD), nonce, epoch, from, to, to, buf_span(&events));
    deliver();
    buf_free(&events);
}

START_TEST(a_page_from_history_leads_into_the_window)
{
    struct client *cl = hello("watch ben", 22, 1, 0, NIL);
    owner_sends(2, 4, 5, 3);
    owner_tells(2, 3, "ben", NULL);
    ck_assert_str_eq(pulls(cl), "welcome@0 state mark 3/5");
    ck_assert_str_eq(sent(), "read 1 ");
    history_pages(last_nonce, 2, 1, 3);
    ck_assert(is_dirty(cl));
    ck_assert_str_eq(pulls(cl), "event 1 event 2 event 3 event 4 event 5");
}
END_TEST

START_TEST(a_lost_read_is_asked_again)
{
    struct client *cl = hello("watch ben", 22, 1, 0, NIL);
    owner_sends(2, 4, 5, 3);
    owner_tells(2, 3, "ben", NULL);
    pulls(cl);
    sent();
    tick(1100);
    ck_assert(is_dirty(cl));
    pulls(cl);
    ck_assert_str_eq(sent(), "read 1 ");
}
END_TEST

START_TEST(a_join_by_time_starts_where_history_says)
{
    struct client *cl = hello("watch ben", 22, 1, NIL, 777);
    owner_sends(2, 6, 5, 5);
    owner_tells(2, 5, "ben", NULL);
    ck_assert_str_eq(pulls(cl), "");
    ck_assert_str_eq(sent(), "read -1 ");
    history_pages(last_nonce, 2, 3, 5);
    ck_assert_str_eq(pulls(cl), "welcome@2 state event 3 event 4 event 5 mark 5/5");
}
END_TEST

START_TEST(a_page_of_a_higher_epoch_cuts_the_window_first)
{
    struct client *late = hello("watch ben", 22, 1, 0, NIL);
    struct client *live = hello("watch cem", 33, 1, 3, NIL);
    owner_sends(2, 4, 6, 3);
    owner_tells(2, 3, "ben cem", NULL);
    pulls(live);
    pulls(late);
    sent();
    history_pages(last_nonce, 9, 1, 3);
    ck_assert_str_eq(pulls(live), "cut 3");
}
END_TEST

START_TEST(a_window_that_missed_stored_events_starts_anew_and_reads_them_from_history)
{
    two_on_a_board();
    owner_sends(2, 8, 7, 7); /* 4..7 were lost on the way and are stored */
    tick(500);
    tick(600);
    ck_assert_str_eq(pulls(viewer), "");
    ck_assert_str_eq(sent(), "read 4 ");
    history_pages(last_nonce, 2, 4, 7);
    ck_assert_str_eq(pulls(viewer), "event 4 event 5 event 6 event 7 mark 7/7");
}
END_TEST

START_TEST(a_window_never_evicts_above_the_mark)
{
    two_on_a_board();
    owner_sends(2, 4, 503, 3);
    for (uint64_t at = 504; at < 12000; at += 500)
        owner_sends(2, at, at + 499, 3);
    ck_assert_uint_gt(gateway_core_stats(core)->window_bytes, 256u << 10);
    owner_sends(2, 12004, 12003, 12003);
    owner_sends(2, 12004, 12004, 12003);
    ck_assert_uint_le(gateway_core_stats(core)->window_bytes, 256u << 10);
}
END_TEST

START_TEST(a_viewer_that_does_not_read_counts_as_slow)
{
    two_on_a_board();
    pulls(viewer);
    for (uint64_t at = 4; at < 12004; at += 500) {
        owner_sends(2, at, at + 499, at + 499);
        pulls(drawer);
    }
    for (int i = 0; i < 100; i++)
        tick(50);
    ck_assert_uint_eq(gateway_core_stats(core)->slow_clients, 1);
}
END_TEST

/* ---- the owner ------------------------------------------------------------------------------- */

START_TEST(a_returned_frame_tells_all_that_its_replica_is_gone)
{
    two_on_a_board();
    gateway_core_returned(core, now, EXCHANGE_BOARD, "b2.k3v9x2mq4t");
    ck_assert_str_eq(sent(), "gone ");
    draws(drawer, 3, 1);
    sent();
    ck_assert_str_eq(last_key, "s00.k3v9x2mq4t");
}
END_TEST

START_TEST(clients_hear_when_the_broker_is_away)
{
    two_on_a_board();
    gateway_core_link(core, now, false);
    ck_assert(is_dirty(viewer));
    ck_assert_str_eq(pulls(viewer), "mark 3/3 trouble");
    gateway_core_link(core, now, true);
    ck_assert_str_eq(pulls(viewer), "mark 3/3");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("gateway core");
    TCase *t = tcase_create("gateway core");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_client_is_welcomed_when_the_owner_has_seated_it);
    tcase_add_test(t, a_client_without_a_seat_is_told_that_the_board_is_full);
    tcase_add_test(t, an_unknown_board_is_no_board);
    tcase_add_test(t, a_wrong_token_is_forbidden);
    tcase_add_test(t, the_first_frame_must_be_a_hello);
    tcase_add_test(t, a_client_resumes_from_its_mark);
    tcase_add_test(t, a_second_tab_replaces_the_first);
    tcase_add_test(t, a_lower_conn_of_the_same_page_is_refused);
    tcase_add_test(t, events_fan_out_before_they_are_stored);
    tcase_add_test(t, a_repeated_event_is_sent_once);
    tcase_add_test(t, a_hole_of_unstored_events_waits_for_the_owner);
    tcase_add_test(t, many_waiting_events_are_joined_into_one_message);
    tcase_add_test(t, a_pull_that_was_not_sent_changes_nothing);
    tcase_add_test(t, a_drawer_gets_runs_in_place_of_its_own_frames);
    tcase_add_test(t, a_mark_that_covers_a_grant_goes_at_once);
    tcase_add_test(t, marks_alone_come_to_a_drawer_every_100_ms_at_most);
    tcase_add_test(t, marks_alone_come_to_a_viewer_every_500_ms_at_most);
    tcase_add_test(t, a_mark_that_rides_on_events_never_comes_alone);
    tcase_add_test(t, after_a_pause_a_mark_comes_to_the_drawer_at_the_next_tick);
    tcase_add_test(t, after_a_pause_a_viewers_mark_still_waits_for_an_event_to_ride_on);
    tcase_add_test(t, a_state_that_is_repeated_is_told_once);
    tcase_add_test(t, a_silent_client_hears_head_and_mark_every_few_seconds);
    tcase_add_test(t, a_new_epoch_cuts_back_to_the_mark);
    tcase_add_test(t, a_cursor_that_has_not_run_gets_one_cut_to_the_smallest_offset);
    tcase_add_test(t, an_older_epoch_is_ignored);
    tcase_add_test(t, a_mark_of_another_epoch_says_nothing_about_events_beyond);
    tcase_add_test(t, a_frame_goes_to_the_owner_and_is_repeated_until_it_stands_in_the_log);
    tcase_add_test(t, frames_that_a_cut_took_from_the_log_are_sent_to_the_new_owner);
    tcase_add_test(t, stored_frames_are_forgotten);
    tcase_add_test(t, frames_beyond_the_last_one_of_an_ended_term_are_lost);
    tcase_add_test(t, a_dead_connection_keeps_its_frames_until_they_are_stored);
    tcase_add_test(t, a_jump_in_cseq_closes_the_connection);
    tcase_add_test(t, frames_sent_again_after_a_reconnect_are_taken_once);
    tcase_add_test(t, a_viewer_who_draws_is_refused_and_stays);
    tcase_add_test(t, the_owners_refusal_names_the_frame);
    tcase_add_test(t, a_busy_board_pauses_its_drawer_only);
    tcase_add_test(t, a_request_stands_in_the_attach_list_until_a_stored_grant_serves_it);
    tcase_add_test(t, a_watcher_cannot_ask_for_the_pen);
    tcase_add_test(t, a_page_from_history_leads_into_the_window);
    tcase_add_test(t, a_lost_read_is_asked_again);
    tcase_add_test(t, a_join_by_time_starts_where_history_says);
    tcase_add_test(t, a_page_of_a_higher_epoch_cuts_the_window_first);
    tcase_add_test(t, a_window_that_missed_stored_events_starts_anew_and_reads_them_from_history);
    tcase_add_test(t, a_window_never_evicts_above_the_mark);
    tcase_add_test(t, a_viewer_that_does_not_read_counts_as_slow);
    tcase_add_test(t, a_returned_frame_tells_all_that_its_replica_is_gone);
    tcase_add_test(t, clients_hear_when_the_broker_is_away);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(suite());
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
