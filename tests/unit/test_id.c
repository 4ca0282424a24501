/* SPDX-License-Identifier: Apache-2.0 */
#include "id.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

static struct id parse(const char *text)
{
    struct id id;
    ck_assert_int_eq(id_parse(text, strlen(text), &id), 0);
    return id;
}

START_TEST(an_id_is_padded_with_zeros)
{
    struct id id = parse("k3v9x2mq4t");
    for (size_t i = 10; i < sizeof id.text; i++)
        ck_assert_int_eq(id.text[i], 0);
}
END_TEST

START_TEST(fifteen_characters_are_the_most)
{
    struct id id;
    ck_assert_int_eq(id_parse("abcdefghijklmno", 15, &id), 0);
    ck_assert_int_eq(id_parse("abcdefghijklmnop", 16, &id), -EINVAL);
}
END_TEST

START_TEST(other_characters_are_refused)
{
    static const char BAD[] = "ABCXYZ-_./*#+ \n\x7f\x80\xff";
    for (const char *c = BAD; *c; c++) {
        struct id id;
        ck_assert_int_eq(id_parse(c, 1, &id), -EINVAL);
    }
    struct id id;
    ck_assert_int_eq(id_parse("a\0b", 3, &id), -EINVAL);
}
END_TEST

START_TEST(what_is_refused_leaves_the_result_alone)
{
    struct id id = parse("abc");
    ck_assert_int_eq(id_parse("xYz", 3, &id), -EINVAL);
    ck_assert_str_eq(id.text, "abc");
}
END_TEST

START_TEST(bits_become_five_at_a_time)
{
    static const uint8_t BITS[] = {0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6};
    struct id id = id_from_bits(0, 8, BITS);
    ck_assert_str_eq(id.text, "01234567");
    id = id_from_bits('g', 3, BITS);
    ck_assert_str_eq(id.text, "g012");
    static const uint8_t ONES[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    id = id_from_bits(0, 10, ONES);
    ck_assert_str_eq(id.text, "zzzzzzzzzz");
    id = id_from_bits('b', 99, ONES);
    ck_assert_str_eq(id.text, "bzzzzzzzzzzzzzz");
}
END_TEST

START_TEST(every_bit_counts)
{
    uint8_t zero[7] = {0};
    struct id none = id_from_bits(0, 10, zero);
    for (unsigned bit = 0; bit < 50; bit++) {
        uint8_t bits[7] = {0};
        bits[bit / 8] = (uint8_t)(0x80 >> bit % 8);
        struct id id = id_from_bits(0, 10, bits);
        unsigned differ = 0;
        for (unsigned i = 0; i < 10; i++)
            differ += id.text[i] != none.text[i];
        ck_assert_uint_eq(differ, 1);
        ck_assert_int_ne(id.text[bit / 5], '0');
    }
}
END_TEST

START_TEST(a_board_has_ten_characters_that_people_do_not_confuse)
{
    struct id good = parse("k3v9x2mq4t"), shorter = parse("k3v9x2mq4"),
              longer = parse("k3v9x2mq4ta");
    struct id i = parse("i3v9x2mq4t"), l = parse("k3v9x2mq4l"), o = parse("k3v9o2mq4t");
    ck_assert(id_is_board(&good));
    ck_assert(!id_is_board(&shorter));
    ck_assert(!id_is_board(&longer));
    ck_assert(!id_is_board(&i));
    ck_assert(!id_is_board(&l));
    ck_assert(!id_is_board(&o));
}
END_TEST

START_TEST(shards_are_evenly_filled)
{
    unsigned count[32] = {0};
    for (unsigned n = 0; n < 32000; n++) {
        uint8_t bits[7] = {(uint8_t)(n >> 8), (uint8_t)n, (uint8_t)(n * 7), 3, 1};
        struct id board = id_from_bits(0, BOARD_CHARS, bits);
        count[board_shard(&board, 32)]++;
    }
    for (unsigned s = 0; s < 32; s++) {
        ck_assert_uint_gt(count[s], 800);
        ck_assert_uint_lt(count[s], 1200);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("id");
    TCase *c = tcase_create("id");
    tcase_add_test(c, an_id_is_padded_with_zeros);
    tcase_add_test(c, fifteen_characters_are_the_most);
    tcase_add_test(c, other_characters_are_refused);
    tcase_add_test(c, what_is_refused_leaves_the_result_alone);
    tcase_add_test(c, bits_become_five_at_a_time);
    tcase_add_test(c, every_bit_counts);
    tcase_add_test(c, a_board_has_ten_characters_that_people_do_not_confuse);
    tcase_add_test(c, shards_are_evenly_filled);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
