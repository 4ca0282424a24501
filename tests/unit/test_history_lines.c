/* SPDX-License-Identifier: Apache-2.0
 *
 * Boards have their turns: three of them, a, b and c, and six places.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "lines.h"

static struct lines *lines;
static struct waiting room[20];
static unsigned used;
static char text[200];

static void set_up(void)
{
    lines = lines_create(6);
    used = 0;
}

static void tear_down(void)
{
    while (lines_next(lines))
        ;
    lines_destroy(lines);
}

/* Its board and how many were put before it: "a0". */
static const char *name_of(const struct waiting *w)
{
    static char name[20];
    snprintf(name, sizeof name, "%c%d", w->board.text[0], (int)(w - room));
    return name;
}

/* Each letter is a board of which one more waits; who had to go, with blanks between. */
static const char *put(const char *boards)
{
    text[0] = '\0';
    for (; *boards; boards++) {
        struct waiting *w = &room[used++];
        *w = (struct waiting){.board = {.text = {*boards}}};
        struct waiting *gone = lines_put(lines, w);
        if (gone)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", name_of(gone));
    }
    return text;
}

/* All who wait, as they have their turns. */
static const char *take(void)
{
    struct waiting *w;
    text[0] = '\0';
    while ((w = lines_next(lines)))
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", name_of(w));
    return text;
}

START_TEST(of_one_board_who_came_first_is_first)
{
    put("aaa");
    ck_assert_str_eq(take(), "a0 a1 a2 ");
}
END_TEST

START_TEST(boards_have_their_turns_one_after_the_other)
{
    put("aaabac");
    ck_assert_str_eq(take(), "a0 b3 c5 a1 a2 a4 ");
}
END_TEST

START_TEST(whoever_comes_waits_for_one_turn_of_each_other_board)
{
    put("aaa");
    ck_assert_str_eq(name_of(lines_next(lines)), "a0");
    put("b");
    ck_assert_str_eq(name_of(lines_next(lines)), "a1");
    put("c");
    ck_assert_str_eq(take(), "b3 a2 c4 ");
}
END_TEST

START_TEST(without_room_the_board_of_which_the_most_wait_loses_the_newest)
{
    ck_assert_str_eq(put("baaaaa"), "");
    ck_assert_str_eq(put("a"), "a6 ");
    ck_assert_str_eq(put("bc"), "a5 a4 ");
    ck_assert_uint_eq(lines_count(lines), 6);
    ck_assert_str_eq(take(), "b0 a1 c8 b7 a2 a3 ");
}
END_TEST

START_TEST(who_waits_of_a_board_can_be_looked_at)
{
    put("ab");
    ck_assert_str_eq(name_of(lines_first(lines, &room[1].board)), "b1");
    lines_next(lines);
    ck_assert_ptr_null(lines_first(lines, &room[0].board));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("history lines");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, of_one_board_who_came_first_is_first);
    tcase_add_test(t, boards_have_their_turns_one_after_the_other);
    tcase_add_test(t, whoever_comes_waits_for_one_turn_of_each_other_board);
    tcase_add_test(t, without_room_the_board_of_which_the_most_wait_loses_the_newest);
    tcase_add_test(t, who_waits_of_a_board_can_be_looked_at);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
