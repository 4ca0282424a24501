/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

#define BOARD "k3v9x2mq4t"

/* ---- routes --------------------------------------------------------------------------------- */

static void expect_file(const char *path, const char *file)
{
    struct route r = route_of(span_of(path));
    ck_assert_msg(r.kind == ROUTE_FILE, "%s", path);
    ck_assert_msg(r.file.len == strlen(file) && memcmp(r.file.data, file, r.file.len) == 0, "%s",
                  path);
    ck_assert_uint_eq(r.methods, METHOD_GET | METHOD_HEAD);
}

static void expect_kind(const char *path, enum route_kind kind, unsigned methods)
{
    struct route r = route_of(span_of(path));
    ck_assert_msg(r.kind == kind, "%s is %d", path, r.kind);
    if (kind != ROUTE_NOTHING)
        ck_assert_uint_eq(r.methods, methods);
    if (kind == ROUTE_BOARD || kind == ROUTE_MOVED || kind == ROUTE_WATCH || kind == ROUTE_LINKS)
        ck_assert_str_eq(r.board.text, BOARD);
}

START_TEST(the_root_and_the_address_of_a_board_are_pages)
{
    expect_file("/", "index.html");
    expect_file("/b/" BOARD, "board.html");
    expect_file("/b/a-code-that-is-none", "board.html");
}
END_TEST

START_TEST(other_paths_are_files_by_their_whole_name)
{
    expect_file("/assets/board-5f3a.js", "assets/board-5f3a.js");
    expect_file("/../etc/passwd", "../etc/passwd"); /* a name that no file has: see web.h */
    expect_file("//etc/passwd", "/etc/passwd");
}
END_TEST

START_TEST(the_api_has_these_addresses_and_no_others)
{
    expect_kind("/api/boards", ROUTE_BOARDS, METHOD_POST);
    expect_kind("/api/boards/" BOARD, ROUTE_BOARD, METHOD_GET | METHOD_HEAD | METHOD_DELETE);
    expect_kind("/api/boards/" BOARD "/watch", ROUTE_WATCH, METHOD_POST);
    expect_kind("/api/boards/" BOARD "/links", ROUTE_LINKS, METHOD_POST);
    expect_kind("/api/boards/K3v9X2MQ4T/watch", ROUTE_WATCH, METHOD_POST); /* as people type it */
    expect_kind("/b/K3V9X2MQ4T", ROUTE_MOVED, METHOD_GET | METHOD_HEAD);
    expect_kind("/ws", ROUTE_SOCKET, METHOD_GET);
    static const char *const wrong[] = {
        "",
        "*",
        "api/boards",
        "/api/boards/",
        "/api/boards/k3v9",
        "/api/boards/k3v9x2mq4u", /* u is not of the alphabet */
        "/api/boards/k3v9x2mq4t0",
        "/api/boards/" BOARD "/",
        "/api/boards/" BOARD "/watch/",
        "/api/boards/" BOARD "/links/",
        "/api/boards/" BOARD "/links2",
        "/api/boards/" BOARD "/draw",
        "/api/boards/../boards",
        "/b/",
        "/b/" BOARD "/x",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_kind(wrong[i], ROUTE_NOTHING, 0);
}
END_TEST

START_TEST(the_methods_of_every_route_have_a_text)
{
    ck_assert_str_eq(methods_text(route_of(span_of("/")).methods), "GET, HEAD");
    ck_assert_str_eq(methods_text(route_of(span_of("/ws")).methods), "GET");
    ck_assert_str_eq(methods_text(route_of(span_of("/api/boards")).methods), "POST");
    ck_assert_str_eq(methods_text(route_of(span_of("/api/boards/" BOARD)).methods),
                     "GET, HEAD, DELETE");
}
END_TEST

/* ---- headers -------------------------------------------------------------------------------- */

static int length_of(const char *text, size_t *ret)
{
    return number_read(span_of(text), 4096, ret);
}

START_TEST(a_content_length_is_digits_within_the_limit)
{
    size_t n = 7;
    ck_assert_int_eq(length_of("0", &n), 0);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(length_of("4096", &n), 0);
    ck_assert_uint_eq(n, 4096);
    ck_assert_int_eq(length_of("4097", &n), -E2BIG);
    ck_assert_int_eq(length_of("18446744073709551617", &n), -E2BIG);
    ck_assert_int_eq(length_of("99999999999999999999999999999999", &n), -E2BIG);
    static const char *const wrong[] = {"", "-1", "+1", "0x10", "1 ", " 1", "1,1", "ten", "99999x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(length_of(wrong[i], &n) == -EINVAL, "%s", wrong[i]);
    ck_assert_uint_eq(n, 4096);
}
END_TEST

START_TEST(a_list_names_whole_items_in_any_case)
{
    ck_assert(list_names(span_of("easel.v1"), "easel.v1"));
    ck_assert(list_names(span_of("chat, EASEL.v1 ,x"), "easel.v1"));
    ck_assert(!list_names(span_of("easel.v10"), "easel.v1"));
    ck_assert(!list_names(span_of("xeasel.v1"), "easel.v1"));
    ck_assert(!list_names(span_of(""), "easel.v1"));
    ck_assert(!list_names(span_of(",,,"), "easel.v1"));
}
END_TEST

START_TEST(gzip_is_accepted_unless_its_weight_is_zero)
{
    ck_assert(accepts_gzip(span_of("gzip")));
    ck_assert(accepts_gzip(span_of("br, GZIP;q=0.5, deflate")));
    ck_assert(!accepts_gzip(span_of("gzip;q=0")));
    ck_assert(!accepts_gzip(span_of("gzip; q=0.000")));
    ck_assert(accepts_gzip(span_of("gzip; q=0.001")));
    ck_assert(!accepts_gzip(span_of("br, deflate")));
    ck_assert(!accepts_gzip(span_of("")));
}
END_TEST

START_TEST(a_page_that_is_known_is_not_sent_again)
{
    ck_assert(tag_matches(span_of("W/\"5f3a\""), "W/\"5f3a\""));
    ck_assert(tag_matches(span_of("W/\"1\", W/\"5f3a\""), "W/\"5f3a\""));
    ck_assert(tag_matches(span_of("*"), "W/\"5f3a\""));
    ck_assert(!tag_matches(span_of("W/\"5f3b\""), "W/\"5f3a\""));
    ck_assert(!tag_matches(span_of(""), "W/\"5f3a\""));
}
END_TEST

static bool bearer_is(const char *header, const char *token)
{
    struct span s = bearer_token(span_of(header));
    return s.len == strlen(token) && (s.len == 0 || memcmp(s.data, token, s.len) == 0);
}

START_TEST(a_bearer_token_is_what_follows_the_word)
{
    ck_assert(bearer_is("Bearer a.b.c", "a.b.c"));
    ck_assert(bearer_is("bearer   a.b.c ", "a.b.c"));
    ck_assert(bearer_is("Bearer only for friends", "only for friends"));
    ck_assert(bearer_is("Basic YTpi", ""));
    ck_assert(bearer_is("Bearer", ""));
    ck_assert(bearer_is("Bearera.b.c", ""));
    ck_assert(bearer_is("", ""));
}
END_TEST

START_TEST(a_host_is_a_name_or_an_address_and_nothing_that_needs_escaping)
{
    ck_assert(host_valid(span_of("easel.example")));
    ck_assert(host_valid(span_of("127.0.0.1:8080")));
    ck_assert(host_valid(span_of("[2001:db8::1]:443")));
    static const char *const wrong[] = {"",        "a b",       "a\"b", "a/b",    "a@b",  "<b>",
                                        "a\\b",    "b\xc3\xa4", "[::",  "[::1]x", "[zz]", "a:b",
                                        "a:99999", "::1",       "[]",   ":80"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!host_valid(span_of(wrong[i])), "%s", wrong[i]);
    ck_assert(!host_valid((struct span){(const uint8_t *)"a\0b", 3}));
}
END_TEST

static bool allowed(const char *origin, const char *host, const char *public_url, const char *list)
{
    return origin_allowed(span_of(origin), span_of(host), public_url, list);
}

START_TEST(without_a_list_our_own_host_and_public_url_are_allowed)
{
    ck_assert(allowed("http://127.0.0.1:8080", "127.0.0.1:8080", "", ""));
    ck_assert(allowed("https://Easel.example", "easel.example", "", ""));
    ck_assert(allowed("https://easel.example", "10.0.0.7:8080", "https://easel.example", ""));
    ck_assert(!allowed("https://evil.example", "easel.example", "https://easel.example", ""));
    ck_assert(!allowed("https://easel.example.evil", "easel.example", "", ""));
    ck_assert(!allowed("https://easel.example:444", "easel.example", "", ""));
    ck_assert(!allowed("ftp://easel.example", "easel.example", "", ""));
    ck_assert(!allowed("null", "easel.example", "", ""));
    ck_assert(!allowed("http://", "", "", ""));
}
END_TEST

START_TEST(origins_are_compared_as_origins_and_not_as_text)
{
    ck_assert(allowed("https://easel.example", "easel.example:443", "", ""));
    ck_assert(allowed("http://easel.example:80", "easel.example", "", ""));
    ck_assert(allowed("HTTPS://EASEL.example", "x", "https://easel.EXAMPLE:443", ""));
    ck_assert(allowed("http://[::1]:8080", "[0:0::1]:8080", "", ""));
    ck_assert(allowed("https://a.example", "x", "", "https://A.example:443"));
    ck_assert(!allowed("http://easel.example", "easel.example:443", "", ""));
    ck_assert(!allowed("http://easel.example", "x", "https://easel.example", ""));
    ck_assert(!allowed("http://[::1]", "[::2]", "", ""));
    ck_assert(!allowed("https://a.example", "x", "", "http://a.example"));
    ck_assert(!allowed("easel.example", "easel.example", "", ""));
}
END_TEST

START_TEST(a_host_is_ours_when_no_foreign_name_can_stand_there)
{
    static const char *const ours[] = {"127.0.0.1:8080", "192.0.2.7",    "[2001:db8::1]:8080",
                                       "localhost",      "LocalHost:80", "easel.localhost:8080"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        ck_assert_msg(host_ours(span_of(ours[i]), "", ""), "%s", ours[i]);
        ck_assert_msg(host_ours(span_of(ours[i]), "https://easel.example", ""), "%s", ours[i]);
    }
    ck_assert(host_ours(span_of("Easel.example:8080"), "https://easel.example", ""));
    ck_assert(host_ours(span_of("b.example"), "", "https://a.example, https://b.example"));
    static const char *const foreign[] = {"evil.example",       "localhost.evil.example",
                                          "evillocalhost",      "127.0.0.1.evil.example",
                                          "easel.example.evil", ""};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        ck_assert_msg(!host_ours(span_of(foreign[i]), "", ""), "%s", foreign[i]);
        ck_assert_msg(!host_ours(span_of(foreign[i]), "https://easel.example", ""), "%s",
                      foreign[i]);
    }
}
END_TEST

START_TEST(a_list_of_origins_is_read_or_refused)
{
    ck_assert(origins_valid(""));
    ck_assert(origins_valid("https://a.example, http://[::1]:8080,capacitor://localhost"));
    ck_assert(!origins_valid("a.example"));
    ck_assert(!origins_valid("https://a.example/"));
    ck_assert(!origins_valid("https://a.example, *"));
}
END_TEST

START_TEST(a_subprotocol_is_named_in_its_own_letters)
{
    ck_assert(list_has(span_of("chat, easel.v1"), "easel.v1"));
    ck_assert(!list_has(span_of("EASEL.V1"), "easel.v1"));
}
END_TEST

START_TEST(with_a_list_only_that_counts)
{
    const char *list = "https://a.example, https://b.example";
    ck_assert(allowed("https://a.example", "easel.example", "", list));
    ck_assert(allowed("https://b.example", "easel.example", "", list));
    ck_assert(!allowed("https://easel.example", "easel.example", "https://easel.example", list));
}
END_TEST

START_TEST(what_has_no_origin_is_no_page_and_allowed)
{
    ck_assert(allowed("", "easel.example", "", ""));
    ck_assert(allowed("", "easel.example", "", "https://a.example"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway request");
    TCase *c = tcase_create("request");
    tcase_add_test(c, the_root_and_the_address_of_a_board_are_pages);
    tcase_add_test(c, other_paths_are_files_by_their_whole_name);
    tcase_add_test(c, the_api_has_these_addresses_and_no_others);
    tcase_add_test(c, the_methods_of_every_route_have_a_text);
    tcase_add_test(c, a_content_length_is_digits_within_the_limit);
    tcase_add_test(c, a_list_names_whole_items_in_any_case);
    tcase_add_test(c, gzip_is_accepted_unless_its_weight_is_zero);
    tcase_add_test(c, a_page_that_is_known_is_not_sent_again);
    tcase_add_test(c, a_bearer_token_is_what_follows_the_word);
    tcase_add_test(c, a_host_is_a_name_or_an_address_and_nothing_that_needs_escaping);
    tcase_add_test(c, without_a_list_our_own_host_and_public_url_are_allowed);
    tcase_add_test(c, origins_are_compared_as_origins_and_not_as_text);
    tcase_add_test(c, a_host_is_ours_when_no_foreign_name_can_stand_there);
    tcase_add_test(c, a_list_of_origins_is_read_or_refused);
    tcase_add_test(c, a_subprotocol_is_named_in_its_own_letters);
    tcase_add_test(c, with_a_list_only_that_counts);
    tcase_add_test(c, what_has_no_origin_is_no_page_and_allowed);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
