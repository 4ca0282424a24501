/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <check.h>
#include <errno.h>
#include <string.h>

static void expect(const char *text, const char *url, const char *password)
{
    struct address_text a;
    ck_assert_msg(address_open(text, &a) == 0, "%s is refused", text);
    ck_assert_str_eq(a.url, url);
    if (password)
        ck_assert_str_eq(a.password, password);
    else
        ck_assert_ptr_null(a.password);
    ck_assert_ptr_null(address_check(text));
    address_close(&a);
    ck_assert_ptr_null(a.url);
}

static void expect_refused(const char *text)
{
    struct address_text a;
    ck_assert_msg(address_open(text, &a) == -EINVAL, "%s is taken", text);
    ck_assert_ptr_null(a.url);
    ck_assert_ptr_nonnull(address_check(text));
    ck_assert_ptr_null(strstr(address_check(text), "hunter"));
    address_close(&a);
}

START_TEST(an_address_without_credentials_stays_as_it_is)
{
    expect("amqp://127.0.0.1:5672/", "amqp://127.0.0.1:5672/", NULL);
    expect("mongodb://a,b:1/db?x=y:z", "mongodb://a,b:1/db?x=y:z", NULL);
    expect("mongodb://", "mongodb://", NULL);
}
END_TEST

START_TEST(a_user_alone_stays)
{
    expect("amqp://user@host/", "amqp://user@host/", NULL);
    expect("amqp://us%40er@host/", "amqp://us%40er@host/", NULL);
}
END_TEST

START_TEST(the_password_is_taken_out_and_decoded)
{
    expect("amqp://user:hunter2@host/v", "amqp://user:x@host/v", "hunter2");
    expect("amqp://user:@host", "amqp://user:x@host", "");
    expect("amqp://:h@host", "amqp://:x@host", "h");
    expect("mongodb://u:p%40%3A%2f%25%C3%a9@h", "mongodb://u:x@h", "p@:/%\xc3\xa9");
}
END_TEST

START_TEST(what_ends_no_password_needs_no_encoding)
{
    expect("mongodb://u:a?b#c[d]e&f=g h@host/", "mongodb://u:x@host/", "a?b#c[d]e&f=g h");
}
END_TEST

START_TEST(an_address_whose_password_cannot_be_told_is_refused)
{
    expect_refused("amqp://user:hunt@er2@host");
    expect_refused("amqp://user:hunter2@host@");
    expect_refused("amqp://us@er:hunter2@host");
    expect_refused("amqp://user:hunt:er2@host");
    expect_refused("amqp://user:hunt/er2@host");
    expect_refused("amqp://user:1234/hunter2@host");
    expect_refused("amqp://host/a@b");
    expect_refused("amqp://user:hunter%2@host");
    expect_refused("amqp://user:hunter%@host");
    expect_refused("amqp://user:hunter%zz@host");
    expect_refused("amqp://user:hunter%002@host");
    expect_refused("amqp://amqp://user:hunter2@host");
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    expect_refused("");
    expect_refused("user:hunter2@host");
    expect_refused("mongodb:user:hunter2@host");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("address");
    TCase *c = tcase_create("address");
    tcase_add_test(c, an_address_without_credentials_stays_as_it_is);
    tcase_add_test(c, a_user_alone_stays);
    tcase_add_test(c, the_password_is_taken_out_and_decoded);
    tcase_add_test(c, what_ends_no_password_needs_no_encoding);
    tcase_add_test(c, an_address_whose_password_cannot_be_told_is_refused);
    tcase_add_test(c, what_is_no_address_is_refused);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
