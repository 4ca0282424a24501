/* SPDX-License-Identifier: Apache-2.0
 *
 * A check that does not hold ends the process, and says where and what.
 */
#include "checks.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int calls;

static int counted(void)
{
    return ++calls;
}

/* What a process that checks this says, and how it ends. */
static int status_of(int one, char *said, size_t size)
{
    int out[2], status;
    ck_assert_int_eq(pipe(out), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(out[1], STDERR_FILENO);
        CHECK(one == 1);
        _exit(0);
    }
    close(out[1]);
    ssize_t n = read(out[0], said, size - 1);
    said[n > 0 ? n : 0] = '\0';
    close(out[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

START_TEST(what_holds_says_nothing)
{
    char said[400];
    ck_assert_int_eq(status_of(1, said, sizeof said), 0);
    ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(what_does_not_hold_is_told_and_ends_the_process)
{
    char said[400];
    int status = status_of(2, said, sizeof said);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
    ck_assert_ptr_nonnull(strstr(said, "test_checks.c:"));
    ck_assert_ptr_nonnull(strstr(said, ": status_of: this does not hold: one == 1\n"));
}
END_TEST

/* As other builds have it. */
#undef CHECKS_ARE_ON
#define CHECKS_ARE_ON false

START_TEST(where_checks_are_off_nothing_is_looked_at)
{
    CHECK(counted() == 2);
    CHECKED(counted());
    ck_assert_int_eq(calls, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("checks");
    TCase *t = tcase_create("checks");
    tcase_add_test(t, what_holds_says_nothing);
    tcase_add_test(t, what_does_not_hold_is_told_and_ends_the_process);
    tcase_add_test(t, where_checks_are_off_nothing_is_looked_at);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
