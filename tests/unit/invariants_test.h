/* SPDX-License-Identifier: Apache-2.0
 *
 * Each fact that is checked is broken by hand on an object that is well otherwise: then that check
 * says so, and none before it. In the end each check of the file was heard.
 */
#ifndef EASEL_INVARIANTS_TEST_H
#define EASEL_INVARIANTS_TEST_H

#include <check.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"

#define LINES 1000

static jmp_buf back;
static bool awaited;
static char heard[400];         /* the condition that does not hold; empty: all do */
static bool heard_lines[LINES]; /* of the file that is tested */
static void (*look)(void);      /* calls what checks */

_Noreturn void check_failed(const char *file, int line, const char *function, const char *condition)
{
    if (!awaited) {
        fprintf(stderr, "%s:%d: %s: this does not hold: %s\n", file, line, function, condition);
        abort();
    }
    snprintf(heard, sizeof heard, "%s", condition);
    if (strstr(file, "_invariants.") && line < LINES)
        heard_lines[line] = true;
    longjmp(back, 1);
}

static const char *hears(void)
{
    heard[0] = '\0';
    awaited = true;
    if (!setjmp(back))
        look();
    awaited = false;
    return heard;
}

#define IS_WELL() ck_assert_str_eq(hears(), "")

/* With that value there, and only with it, that condition does not hold. */
#define BREAKS(place, value, condition)                                                            \
    do {                                                                                           \
        __typeof__(place) was = (place);                                                           \
        IS_WELL();                                                                                 \
        (place) = (value);                                                                         \
        ck_assert_str_eq(hears(), condition);                                                      \
        (place) = was;                                                                             \
        IS_WELL();                                                                                 \
    } while (0)

/* The checks of the file that nobody has heard, as a text. A check begins in one line and may end
 * in one of the next two. */
static const char *unheard(const char *path)
{
    static char text[4000];
    char line[400];
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    text[0] = '\0';
    for (unsigned at = 1; fgets(line, sizeof line, file) && at + 2 < LINES; at++) {
        bool known =
            heard_lines[at] || (!strchr(line, ';') && (heard_lines[at + 1] || heard_lines[at + 2]));
        if (strstr(line, " CHECK(") && !known)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%u: %s", at, line);
    }
    fclose(file);
    return text;
}

/* In one process, so that the last test knows what those before it have heard. */
static int run_invariants(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
