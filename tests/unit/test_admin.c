/* SPDX-License-Identifier: Apache-2.0
 *
 * The admin port over real sockets. The clients are sockets on the same loop.
 */
#include "admin.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS_MAX 80

static uv_loop_t loop;
static struct admin *admin;
static const char *trouble; /* what `ready` says */

struct client {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    bool connected, ended;
    char got[65536];
    size_t len;
};
static struct client clients[CLIENTS_MAX];

static const char *on_ready(void *owner)
{
    ck_assert_ptr_eq(owner, &loop);
    return trouble;
}

static void on_metrics(void *owner, struct buf *out)
{
    ck_assert_ptr_eq(owner, &loop);
    for (unsigned i = 0; i < 1000; i++)
        buf_append(out, "easel_frames_total 7\n", 21);
}

static const char *on_trace(void *owner, struct span method, struct span query, struct buf *out)
{
    ck_assert_ptr_eq(owner, &loop);
    buf_append(out, method.data, method.len);
    buf_append(out, " with ", 6);
    buf_append(out, query.data, query.len);
    return method.data[0] == 'P' ? "200 OK" : "400 Bad Request";
}

static const struct admin_events EVENTS = {on_ready, on_metrics, on_trace};

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct client *c = handle->data;
    (void)suggested;
    *ret = uv_buf_init(c->got + c->len, (unsigned)(sizeof c->got - 1 - c->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct client *c = stream->data;
    (void)buf;
    if (n < 0) {
        c->ended = true;
        uv_close((uv_handle_t *)stream, NULL);
    } else {
        c->len += (size_t)n;
    }
}

static void on_connect(uv_connect_t *connect, int status)
{
    struct client *c = connect->data;
    ck_assert_int_eq(status, 0);
    c->connected = true;
    uv_read_start((uv_stream_t *)&c->tcp, on_room, on_read);
}

static void connect_client(struct client *c)
{
    struct sockaddr_in at;
    *c = (struct client){0};
    c->tcp.data = c->connect.data = c;
    uv_ip4_addr("127.0.0.1", (int)admin_port(admin), &at);
    uv_tcp_init(&loop, &c->tcp);
    uv_tcp_connect(&c->connect, &c->tcp, (struct sockaddr *)&at, on_connect);
    while (!c->connected)
        uv_run(&loop, UV_RUN_ONCE);
}

static void send_text(struct client *c, const char *text)
{
    uv_buf_t out = uv_buf_init((char *)text, (unsigned)strlen(text));
    ck_assert_int_eq(uv_write(&c->write, (uv_stream_t *)&c->tcp, &out, 1, NULL), 0);
}

/* The whole answer to a request. */
static const char *ask(const char *request)
{
    struct client *c = &clients[0];
    connect_client(c);
    send_text(c, request);
    while (!c->ended)
        uv_run(&loop, UV_RUN_ONCE);
    return c->got;
}

static void expect(const char *request, const char *status, const char *body)
{
    const char *answer = ask(request);
    ck_assert_msg(strncmp(answer, "HTTP/1.1 ", 9) == 0 &&
                      strncmp(answer + 9, status, strlen(status)) == 0,
                  "%s", answer);
    const char *end = strstr(answer, "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    ck_assert_str_eq(end + 4, body);
}

static void begin(void)
{
    uv_loop_init(&loop);
    ck_assert_int_eq(admin_create(&loop, "127.0.0.1", 0, &EVENTS, &loop, &admin), 0);
}

static void end(void)
{
    admin_destroy(admin);
    while (uv_run(&loop, UV_RUN_DEFAULT))
        ;
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

START_TEST(a_loop_that_turns_is_healthy)
{
    expect("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "ok\n");
}
END_TEST

START_TEST(readiness_names_the_reason_it_lacks)
{
    trouble = "no broker";
    expect("GET /readyz HTTP/1.1\r\n\r\n", "503 ", "no broker\n");
    trouble = NULL;
    expect("GET /readyz HTTP/1.1\r\n\r\n", "200 OK", "ready\n");
}
END_TEST

START_TEST(metrics_come_whole)
{
    const char *answer = ask("GET /metrics?x=1 HTTP/1.1\r\nAccept: */*\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(answer, "200 OK"));
    ck_assert_ptr_nonnull(strstr(answer, "Content-Length: 21000\r\n"));
    ck_assert_ptr_nonnull(strstr(answer, "Content-Type: text/plain; version=0.0.4"));
    ck_assert_uint_eq(strlen(strstr(answer, "\r\n\r\n") + 4), 21000);
}
END_TEST

START_TEST(other_paths_and_methods_are_refused)
{
    expect("GET / HTTP/1.1\r\n\r\n", "404 ", "/healthz, /readyz, /metrics or /trace\n");
    expect("GET /healthzz HTTP/1.1\r\n\r\n", "404 ", "/healthz, /readyz, /metrics or /trace\n");
    expect("POST /healthz HTTP/1.1\r\n\r\n", "405 ", "only GET\n");
    expect("\r\n\r\n", "405 ", "only GET\n");
    expect("POST\r\n /trace\r\n\r\n", "405 ", "only GET\n");
    expect("nonsense\r\n\r\n", "405 ", "only GET\n");
}
END_TEST

START_TEST(the_trace_is_asked_for_with_any_method_and_query)
{
    expect("POST /trace?board=k3v9x2mq4t HTTP/1.1\r\n\r\n", "200 OK", "POST with board=k3v9x2mq4t");
    expect("POST /trace? HTTP/1.1\r\n\r\n", "200 OK", "POST with ");
    expect("DELETE /trace HTTP/1.1\r\n\r\n", "400 Bad Request", "DELETE with ");
    expect("GET /trace?x\r\n\r\n", "400 Bad Request", "GET with x");
    expect("POST /tracer HTTP/1.1\r\n\r\n", "405 ", "only GET\n");
}
END_TEST

START_TEST(a_request_may_come_in_pieces)
{
    struct client *c = &clients[0];
    connect_client(c);
    for (const char *p = "GET /healthz HTTP/1.1\r\n\r\n"; *p; p++) {
        char piece[2] = {*p, '\0'};
        send_text(c, piece);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    while (!c->ended)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_ptr_nonnull(strstr(c->got, "200 OK"));
}
END_TEST

START_TEST(a_request_that_is_too_long_is_refused)
{
    static char request[4200] = "GET /healthz HTTP/1.1\r\nX: ";
    memset(request + strlen(request), 'x', sizeof request - 1 - strlen(request));
    ck_assert_ptr_nonnull(strstr(ask(request), "431 "));
}
END_TEST

START_TEST(who_says_nothing_is_closed_after_some_seconds)
{
    struct client *c = &clients[0];
    uint64_t begun = uv_hrtime();
    connect_client(c);
    send_text(c, "GET /heal");
    while (!c->ended)
        uv_run(&loop, UV_RUN_ONCE);
    double seconds = (double)(uv_hrtime() - begun) / 1e9;
    ck_assert_uint_eq(c->len, 0);
    ck_assert(seconds > 4.9 && seconds < 9);
}
END_TEST

START_TEST(one_connection_too_many_is_closed_and_the_next_is_served_when_there_is_room)
{
    for (unsigned i = 0; i < 64; i++)
        connect_client(&clients[i]);
    connect_client(&clients[64]);
    while (!clients[64].ended)
        uv_run(&loop, UV_RUN_ONCE);
    for (unsigned i = 0; i < 64; i++)
        ck_assert(!clients[i].ended);
    send_text(&clients[7], "GET /healthz HTTP/1.1\r\n\r\n");
    while (!clients[7].ended)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_ptr_nonnull(strstr(clients[7].got, "200 OK"));
    connect_client(&clients[65]);
    send_text(&clients[65], "GET /healthz HTTP/1.1\r\n\r\n");
    while (!clients[65].ended)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_ptr_nonnull(strstr(clients[65].got, "200 OK"));
}
END_TEST

START_TEST(a_port_that_is_taken_is_an_error)
{
    struct admin *second;
    int r = admin_create(&loop, "127.0.0.1", admin_port(admin), &EVENTS, &loop, &second);
    ck_assert_int_eq(r, -EADDRINUSE);
}
END_TEST

START_TEST(an_address_that_is_none_is_an_error)
{
    struct admin *second;
    ck_assert_int_eq(admin_create(&loop, "nowhere", 0, &EVENTS, &loop, &second), -EINVAL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("admin");
    TCase *c = tcase_create("admin");
    tcase_add_checked_fixture(c, begin, end);
    tcase_set_timeout(c, 30);
    tcase_add_test(c, a_loop_that_turns_is_healthy);
    tcase_add_test(c, readiness_names_the_reason_it_lacks);
    tcase_add_test(c, metrics_come_whole);
    tcase_add_test(c, other_paths_and_methods_are_refused);
    tcase_add_test(c, the_trace_is_asked_for_with_any_method_and_query);
    tcase_add_test(c, a_request_may_come_in_pieces);
    tcase_add_test(c, a_request_that_is_too_long_is_refused);
    tcase_add_test(c, who_says_nothing_is_closed_after_some_seconds);
    tcase_add_test(c, one_connection_too_many_is_closed_and_the_next_is_served_when_there_is_room);
    tcase_add_test(c, a_port_that_is_taken_is_an_error);
    tcase_add_test(c, an_address_that_is_none_is_an_error);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
