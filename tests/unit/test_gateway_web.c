/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "web.h"

static char root[] = "/tmp/easel-web-XXXXXX";
static struct web *web;

static const char *at(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(at(name), "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static void setup(void)
{
    strcpy(root + strlen(root) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(mkdir(at("assets"), 0700), 0);
    write_file("index.html", "<p>start");
    write_file("index.html.gz", "packed");
    write_file("board.html", "<style>p{}</style><script type=\"module\">go()</script><p>board"
                             "<script>1</script><script>cut off");
    write_file("assets/board-5f3a.js", "go()");
    write_file("assets/only.gz", "a file of its own");
    write_file("assets/empty.css", "");
    write_file(".hidden", "secret");
    ck_assert_int_eq(symlink("/etc/passwd", at("passwd")), 0);
    ck_assert_int_eq(web_load(root, &web), 0);
}

static void teardown(void)
{
    static const char *const names[] = {
        "index.html",     "index.html.gz",
        "board.html",     "assets/board-5f3a.js",
        "assets/only.gz", "assets/empty.css",
        ".hidden",        "passwd",
        "assets",         "",
    };
    web_destroy(web);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_int_eq(remove(at(names[i])), 0);
}

static const struct web_file *find(const char *name)
{
    return web_find(web, span_of(name));
}

static void expect_body(const struct buf *body, const char *text)
{
    ck_assert_uint_eq(body->len, strlen(text));
    ck_assert_int_eq(memcmp(body->data, text, body->len), 0);
}

START_TEST(files_are_found_by_their_whole_name)
{
    expect_body(&find("index.html")->body, "<p>start");
    expect_body(&find("assets/board-5f3a.js")->body, "go()");
    ck_assert_uint_eq(find("assets/empty.css")->body.len, 0);
    ck_assert_uint_eq(web_count(web), 5);
}
END_TEST

START_TEST(a_file_and_its_gzip_are_one)
{
    expect_body(&find("index.html")->body, "<p>start");
    expect_body(&find("index.html")->gzip, "packed");
    ck_assert_uint_eq(find("board.html")->gzip.len, 0);
    ck_assert_ptr_null(find("index.html.gz"));
    expect_body(&find("assets/only.gz")->body, "a file of its own");
}
END_TEST

START_TEST(nothing_else_can_be_named)
{
    static const char *const wrong[] = {
        "",
        ".",
        "..",
        "assets",
        "assets/",
        "../etc/passwd",
        "/etc/passwd",
        "passwd",
        ".hidden",
        "assets/../index.html",
        "./index.html",
        "index.htm",
        "index.html2",
        "Index.html",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(find(wrong[i]) == NULL, "%s", wrong[i]);
    ck_assert_ptr_null(web_find(web, (struct span){(const uint8_t *)"index.html\0", 11}));
}
END_TEST

START_TEST(a_page_may_run_what_is_in_it_and_nothing_else)
{
    const char *may = "default-src 'none'; "
                      "script-src 'sha256-5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw=' "
                      "'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='; "
                      "style-src 'sha256-gG2yISYereRMiG2lMXrbiUgi0Ubw9p7QCeWcroOvy9Y='; ";
    const char *policy = find("board.html")->policy;
    ck_assert_msg(strncmp(policy, may, strlen(may)) == 0, "%s", policy);
    ck_assert_ptr_nonnull(strstr(policy, "connect-src 'self'"));
    ck_assert_ptr_nonnull(
        strstr(find("index.html")->policy, "script-src 'none'; style-src 'none';"));
    ck_assert_ptr_null(find("assets/board-5f3a.js")->policy);
}
END_TEST

START_TEST(types_follow_from_names)
{
    ck_assert_str_eq(find("index.html")->type, "text/html; charset=utf-8");
    ck_assert_str_eq(find("assets/board-5f3a.js")->type, "text/javascript; charset=utf-8");
    ck_assert_str_eq(find("assets/only.gz")->type, "application/octet-stream");
}
END_TEST

START_TEST(the_tag_follows_the_content)
{
    ck_assert_int_eq(strncmp(find("index.html")->tag, "W/\"", 3), 0);
    ck_assert_str_ne(find("index.html")->tag, find("board.html")->tag);
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_an_error)
{
    struct web *none;
    ck_assert_int_eq(web_load("/nowhere", &none), -ENOENT);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway web");
    TCase *c = tcase_create("web");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, files_are_found_by_their_whole_name);
    tcase_add_test(c, a_file_and_its_gzip_are_one);
    tcase_add_test(c, nothing_else_can_be_named);
    tcase_add_test(c, a_page_may_run_what_is_in_it_and_nothing_else);
    tcase_add_test(c, types_follow_from_names);
    tcase_add_test(c, the_tag_follows_the_content);
    tcase_add_test(c, a_directory_that_is_not_there_is_an_error);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
