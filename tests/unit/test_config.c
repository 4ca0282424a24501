/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct own {
    uint64_t port;
    const char *host, *secret, *must;
};

static const char *check_host(const char *value)
{
    return strcmp(value, "nowhere") == 0 ? "somewhere" : NULL;
}

static const struct setting OWN[] = {
    {"EASEL_PORT", SETTING_UINT, 0, 65535, "8080", offsetof(struct own, port), "The port.", NULL},
    {"EASEL_HOST", SETTING_TEXT, 1, 20, "127.0.0.1", offsetof(struct own, host), "The address.",
     check_host},
    {"EASEL_SECRET", SETTING_SECRET, 8, 64, "", offsetof(struct own, secret), "A secret.", NULL},
    SETTINGS_END};

static const struct setting REQUIRED[] = {
    {"EASEL_MUST", SETTING_TEXT, 1, 20, NULL, offsetof(struct own, must), "Must be set.", NULL},
    SETTINGS_END};

static struct common_settings common;
static struct own own;
static char output[8192]; /* what the last run said */

/* Reads the settings with stdout and stderr caught. */
static int read_with(const struct setting *table, int argc, char **argv)
{
    FILE *caught = tmpfile();
    fflush(stdout);
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    dup2(fileno(caught), STDOUT_FILENO);
    dup2(fileno(caught), STDERR_FILENO);
    int r = settings_read(argc, argv, "easel-test", COMMON_SETTINGS, &common, table, &own);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    rewind(caught);
    output[fread(output, 1, sizeof output - 1, caught)] = '\0';
    fclose(caught);
    return r;
}

static int read_settings(void)
{
    char *argv[] = {"easel-test", NULL};
    return read_with(OWN, 1, argv);
}

static void no_settings(void)
{
    for (char **e = environ; e && *e;) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*e, "="), *e);
        if (strncmp(name, "EASEL_", 6) == 0)
            unsetenv(name);
        else
            e++;
    }
}

static void expect_refused(const char *name, const char *value, const char *says)
{
    setenv(name, value, 1);
    ck_assert_int_eq(read_settings(), -EINVAL);
    ck_assert_msg(strstr(output, name) && strstr(output, says), "it said: %s", output);
    unsetenv(name);
}

START_TEST(without_an_environment_all_settings_have_their_defaults)
{
    ck_assert_int_eq(read_settings(), 0);
    ck_assert_str_eq(common.broker.url, "amqp://127.0.0.1:5672/");
    ck_assert_uint_eq(common.shards, 32);
    ck_assert_uint_eq(common.pace_ms, 4);
    ck_assert_uint_eq(common.budget, 2000);
    ck_assert_str_eq(common.log_level, "info");
    ck_assert_uint_eq(own.port, 8080);
    ck_assert_str_eq(own.host, "127.0.0.1");
    ck_assert_str_eq(own.secret, "");
    ck_assert_str_eq(output, "");
}
END_TEST

START_TEST(the_environment_decides)
{
    setenv("EASEL_PORT", "0", 1);
    setenv("EASEL_HOST", "::1", 1);
    setenv("EASEL_SHARDS", "1024", 1);
    ck_assert_int_eq(read_settings(), 0);
    ck_assert_uint_eq(own.port, 0);
    ck_assert_str_eq(own.host, "::1");
    ck_assert_uint_eq(common.shards, 1024);
}
END_TEST

START_TEST(numbers_that_are_none_or_out_of_range_are_refused)
{
    static const char *const BAD[] = {
        "", "-1", "65536", "8080x", " 80", "0x50", "1e3", "+80", "99999999999999999999"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        expect_refused("EASEL_PORT", BAD[i], "0..65535");
}
END_TEST

START_TEST(texts_of_the_wrong_length_are_refused)
{
    expect_refused("EASEL_HOST", "", "1..20");
    expect_refused("EASEL_HOST", "a.name.that.is.too.long", "1..20");
}
END_TEST

START_TEST(a_further_check_says_what_is_allowed)
{
    expect_refused("EASEL_HOST", "nowhere", "must be somewhere");
    expect_refused("EASEL_LOG_LEVEL", "loud", "error, warn, info, debug");
    expect_refused("EASEL_AMQP", "http://127.0.0.1/", "amqp://");
}
END_TEST

START_TEST(a_secret_is_never_printed)
{
    expect_refused("EASEL_SECRET", "hunter2", "8..64");
    ck_assert_ptr_null(strstr(output, "hunter2"));
    expect_refused("EASEL_AMQP", "amqp:/user:hunter2@host", "amqp://");
    ck_assert_ptr_null(strstr(output, "hunter2"));
}
END_TEST

START_TEST(all_wrong_settings_are_named_at_once)
{
    setenv("EASEL_PORT", "x", 1);
    setenv("EASEL_SHARDS", "0", 1);
    ck_assert_int_eq(read_settings(), -EINVAL);
    ck_assert_ptr_nonnull(strstr(output, "EASEL_PORT"));
    ck_assert_ptr_nonnull(strstr(output, "EASEL_SHARDS"));
}
END_TEST

START_TEST(a_setting_without_a_default_must_be_set)
{
    char *argv[] = {"easel-test", NULL};
    ck_assert_int_eq(read_with(REQUIRED, 1, argv), -EINVAL);
    ck_assert_ptr_nonnull(strstr(output, "EASEL_MUST: must be set"));
    setenv("EASEL_MUST", "yes", 1);
    ck_assert_int_eq(read_with(REQUIRED, 1, argv), 0);
    ck_assert_str_eq(own.must, "yes");
}
END_TEST

START_TEST(a_setting_that_the_program_does_not_have_is_mentioned)
{
    setenv("EASEL_PROT", "80", 1);
    ck_assert_int_eq(read_settings(), 0);
    ck_assert_ptr_nonnull(strstr(output, "EASEL_PROT is no setting"));
}
END_TEST

START_TEST(an_argument_is_refused)
{
    char *argv[] = {"easel-test", "--port=80", NULL};
    ck_assert_int_eq(read_with(OWN, 2, argv), -EINVAL);
    ck_assert_ptr_nonnull(strstr(output, "--port=80"));
}
END_TEST

START_TEST(help_ends_the_program_well)
{
    char *argv[] = {"easel-test", "--help", NULL};
    settings_read(2, argv, "easel-test", COMMON_SETTINGS, &common, OWN, &own);
    _exit(1);
}
END_TEST

START_TEST(version_ends_the_program_well)
{
    char *argv[] = {"easel-test", "--version", NULL};
    settings_read(2, argv, "easel-test", COMMON_SETTINGS, &common, OWN, &own);
    _exit(1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config");
    TCase *c = tcase_create("config");
    tcase_add_checked_fixture(c, no_settings, NULL);
    tcase_add_test(c, without_an_environment_all_settings_have_their_defaults);
    tcase_add_test(c, the_environment_decides);
    tcase_add_test(c, numbers_that_are_none_or_out_of_range_are_refused);
    tcase_add_test(c, texts_of_the_wrong_length_are_refused);
    tcase_add_test(c, a_further_check_says_what_is_allowed);
    tcase_add_test(c, a_secret_is_never_printed);
    tcase_add_test(c, all_wrong_settings_are_named_at_once);
    tcase_add_test(c, a_setting_without_a_default_must_be_set);
    tcase_add_test(c, a_setting_that_the_program_does_not_have_is_mentioned);
    tcase_add_test(c, an_argument_is_refused);
    tcase_add_exit_test(c, help_ends_the_program_well, 0);
    tcase_add_exit_test(c, version_ends_the_program_well, 0);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
