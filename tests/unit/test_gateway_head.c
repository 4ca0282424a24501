/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "head.h"

static struct head head;

static enum head_result read_text(const char *text)
{
    head.why = NULL;
    return head_read(span_of(text), &head);
}

static bool is(struct span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

static void expect_refused(const char *text, unsigned expected)
{
    ck_assert_msg(read_text(text) == HEAD_BAD && head.status == expected, "%u, not %u: %s",
                  head.status, expected, text);
    ck_assert_ptr_nonnull(head.why);
}

START_TEST(a_head_is_a_line_fields_and_an_empty_line)
{
    const char *text = "POST /api/boards?x=1 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2 \r\n"
                       "X-Empty:\r\n\r\n{}GET / HTTP";
    ck_assert_int_eq(read_text(text), HEAD_WHOLE);
    ck_assert_int_eq(head.method, METHOD_POST);
    ck_assert(is(head.path, "/api/boards"));
    ck_assert(head.keeps_alive);
    ck_assert_uint_eq(head.body_bytes, 2);
    ck_assert_uint_eq(head.bytes, strlen(text) - strlen("{}GET / HTTP"));
    ck_assert(is(head_get(&head, "host"), "a.example"));
    ck_assert(is(head_get(&head, "x-empty"), ""));
    ck_assert(head_has(&head, "x-empty") && !head_has(&head, "x-none"));
}
END_TEST

START_TEST(before_its_end_every_beginning_of_it_wants_more)
{
    const char *text = "\r\nGET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";
    char part[64];
    for (size_t len = 0; len < strlen(text); len++) {
        memcpy(part, text, len);
        part[len] = '\0';
        ck_assert_msg(read_text(part) == HEAD_MORE, "%zu", len);
    }
    ck_assert_int_eq(read_text(text), HEAD_WHOLE);
}
END_TEST

START_TEST(whether_more_requests_follow_is_told)
{
    ck_assert_int_eq(read_text("GET / HTTP/1.1\r\nHost: x\r\nConnection: CLOSE, x\r\n\r\n"),
                     HEAD_WHOLE);
    ck_assert(!head.keeps_alive);
    ck_assert_int_eq(read_text("GET / HTTP/1.0\r\n\r\n"), HEAD_WHOLE);
    ck_assert(!head.keeps_alive);
}
END_TEST

START_TEST(fields_of_one_name_are_one_list)
{
    char room[HEAD_BYTES_MAX];
    ck_assert_int_eq(read_text("GET / HTTP/1.1\r\nHost: x\r\nX-A: 1, 2\r\nB: 9\r\nx-a: 3\r\n\r\n"),
                     HEAD_WHOLE);
    ck_assert(is(head_list(&head, "x-a", room, sizeof room), "1, 2,3"));
    ck_assert(is(head_list(&head, "x-b", room, sizeof room), ""));
}
END_TEST

#define POST    "POST /api/boards HTTP/1.1\r\nHost: x\r\n"
#define REQUEST "GET / HTTP/1.1\r\nHost: x\r\n"

START_TEST(what_two_readers_could_understand_differently_is_refused)
{
    static const char *const wrong[] = {
        POST "Content-Length : 2\r\n\r\n",
        POST "Transfer-Encoding : chunked\r\n\r\n",
        POST "Transfer-Encoding\t: chunked\r\n\r\n",
        POST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n",
        POST "Content-Length: 2\r\ncontent-length: 2\r\n\r\n",
        POST "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        POST "Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n",
        POST "Content-Length: 2, 2\r\n\r\n",
        POST "Content-Length: +2\r\n\r\n",
        POST "Content-Length: 0x2\r\n\r\n",
        POST "Content-Length:\r\n\r\n",
        POST "Content-Length: -5\r\n\r\n",
        POST "X: 1\r\n Transfer-Encoding: chunked\r\n\r\n",
        POST "X: 1\r\n\tcontinued\r\n\r\n",
        POST "X: 1\nTransfer-Encoding: chunked\r\n\r\n",
        POST "X: 1\rTransfer-Encoding: chunked\r\n\r\n",
        POST "no colon\r\n\r\n",
        POST ": no name\r\n\r\n",
        POST "N\xc3\xa4me: x\r\n\r\n",
        POST "X: \x01\r\n\r\n",
        REQUEST "Host: y\r\n\r\n",
        REQUEST "Origin: http://a\r\nOrigin: http://b\r\n\r\n",
        REQUEST "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: x\r\n\r\n",
        "GET /\r\nHost: x\r\n\r\n",
        "GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n",
        "G(T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\nHost: x\n\n",
        "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\x02",
        " GET /",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_refused(wrong[i], 400);
    expect_refused(POST "Transfer-Encoding: chunked\r\n\r\n", 411);
}
END_TEST

START_TEST(a_zero_byte_is_no_end_of_anything)
{
    const char text[] = "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n";
    struct span in = {(const uint8_t *)text, sizeof text - 1};
    ck_assert_int_eq(head_read(in, &head), HEAD_BAD);
}
END_TEST

START_TEST(a_head_has_at_most_so_many_bytes_and_fields)
{
    static char text[HEAD_BYTES_MAX + 100];
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "GET /", 5);
    expect_refused(text, 431);
    size_t len = (size_t)sprintf(text, REQUEST);
    for (unsigned i = 0; i < HEAD_FIELDS_MAX; i++)
        len += (size_t)sprintf(text + len, "A: b\r\n");
    sprintf(text + len, "\r\n");
    expect_refused(text, 431);
}
END_TEST

START_TEST(a_length_beyond_all_measure_is_still_read)
{
    ck_assert_int_eq(read_text(POST "Content-Length: 100000\r\n\r\n"), HEAD_WHOLE);
    ck_assert_uint_eq(head.body_bytes, 100000);
    expect_refused(POST "Content-Length: 99999999999999999999999\r\n\r\n", 413);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway head");
    TCase *c = tcase_create("head");
    tcase_add_test(c, a_head_is_a_line_fields_and_an_empty_line);
    tcase_add_test(c, before_its_end_every_beginning_of_it_wants_more);
    tcase_add_test(c, whether_more_requests_follow_is_told);
    tcase_add_test(c, fields_of_one_name_are_one_list);
    tcase_add_test(c, what_two_readers_could_understand_differently_is_refused);
    tcase_add_test(c, a_zero_byte_is_no_end_of_anything);
    tcase_add_test(c, a_head_has_at_most_so_many_bytes_and_fields);
    tcase_add_test(c, a_length_beyond_all_measure_is_still_read);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
