/* SPDX-License-Identifier: Apache-2.0
 *
 * Names keep what can be read, and lose what could only do harm to what stands around them.
 */
#include "text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

/* In a buffer that is as large as it must be, and no larger. */
static void expect_from(struct span text, const char *clean)
{
    ck_assert(utf8_valid(text));
    char *ret = malloc(text.len + 1);
    size_t n = text_clean(text, ret);
    ck_assert_str_eq(ret, clean);
    ck_assert_uint_eq(n, strlen(clean));
    ck_assert(utf8_valid((struct span){(const uint8_t *)ret, n}));
    free(ret);
}

static void expect(const char *text, const char *clean)
{
    expect_from(span_of(text), clean);
}

static void expect_same(const char *text)
{
    expect(text, text);
}

START_TEST(names_of_all_languages_stay_as_they_are)
{
    expect_same("");
    expect_same("Ana");
    expect_same("José Ñandú");
    expect_same("Ольга");
    expect_same("أحمد");
    expect_same("नमस्ते");
    expect_same("田中 花子");
    expect_same("\U00020BB7野家"); /* a character of four bytes */
}
END_TEST

START_TEST(what_joins_and_chooses_stays)
{
    expect_same("\U0001F469\u200D\U0001F3EB"); /* a teacher: woman, joined with school */
    expect_same("می\u200Cخواهم");              /* Persian, with its non-joiner */
    expect_same("\u2764\uFE0F");               /* a heart, in colours */
    expect_same("葛\U000E0100");               /* a variant of a Chinese character */
    expect_same("\U0001F44D\U0001F3FD");       /* a thumb with a colour of skin */
}
END_TEST

START_TEST(control_characters_go)
{
    expect_from((struct span){(const uint8_t *)"A\0n\na\t\x7f", 7}, "Ana");
    expect("A\xC2\x80n\xC2\x85"
           "a\xC2\x9F",
           "Ana"); /* U+0080, U+0085, U+009F */
    expect("\x1b[31mAna", "[31mAna");
}
END_TEST

START_TEST(what_directs_the_order_of_writing_goes)
{
    expect("\u202Eanna\u202C", "anna");
    expect("\u202A\u202B\u202DA\u2066n\u2067n\u2068a\u2069", "Anna");
    expect("\u061CAna\u200E\u200F", "Ana");
}
END_TEST

START_TEST(ends_of_lines_and_what_has_no_width_go)
{
    expect("A\u2028n\u2029a", "Ana");
    expect("\uFEFFA\u200Bn\u2060a\u206F", "Ana");
    expect("A\uFFF9n\uFFFBa", "Ana");
}
END_TEST

START_TEST(tags_and_what_is_no_character_go)
{
    expect("\U0001F3F4\U000E0067\U000E007F", "\U0001F3F4");
    expect("A\U000E0001", "A");
    expect("A\xEF\xB7\x90\xEF\xB7\xAF", "A");                             /* U+FDD0, U+FDEF */
    expect("A\xEF\xBF\xBE\xEF\xBF\xBF", "A");                             /* U+FFFE, U+FFFF */
    expect("A\xF0\x9F\xBF\xBE\xF4\x8F\xBF\xBF", "A");                     /* U+1FFFE, U+10FFFF */
    expect_same("A\xEF\xB7\x8F\xEF\xB7\xB0\xEF\xBF\xBD\xF0\x9F\xBF\xBD"); /* their neighbours */
}
END_TEST

START_TEST(blanks_are_one_space_between_words)
{
    expect("  Ana   María ", "Ana María");
    expect("Ana\u00A0\u3000\u2003María\u202F", "Ana María");
    expect(" ", "");
    expect("\u3000\u00A0", "");
}
END_TEST

START_TEST(blanks_around_what_goes_are_one_space)
{
    expect("Ana \u200B María", "Ana María");
    expect(" \u202E Ana \u202C ", "Ana");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *all = tcase_create("all");
    tcase_add_test(all, names_of_all_languages_stay_as_they_are);
    tcase_add_test(all, what_joins_and_chooses_stays);
    tcase_add_test(all, control_characters_go);
    tcase_add_test(all, what_directs_the_order_of_writing_goes);
    tcase_add_test(all, ends_of_lines_and_what_has_no_width_go);
    tcase_add_test(all, tags_and_what_is_no_character_go);
    tcase_add_test(all, blanks_are_one_space_between_words);
    tcase_add_test(all, blanks_around_what_goes_are_one_space);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
