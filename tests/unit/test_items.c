/* SPDX-License-Identifier: Apache-2.0 */
#include "items.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct buf body;
static uint64_t bad;

static void begin(const char *sender)
{
    bad = 0;
    buf_clear(&body);
    struct id id = {0};
    snprintf(id.text, sizeof id.text, "%s", sender);
    PUT(&body, envelope, BROKER_VERSION, id);
}

static void put_mark(uint64_t mark)
{
    PUT(&body, stored, {"k3v9x2mq4t"}, 2, mark);
}

static void put_raw(const char *bytes, size_t len)
{
    buf_append(&body, bytes, len);
}

/* The items that come out for that kind of program: the mark of a stored, the name of any other. */
static const char *read_as(enum process_kind taker)
{
    static char text[256];
    struct items it = items_of(buf_span(&body), &bad);
    unsigned code;
    union any_item item;
    text[0] = '\0';
    while (items_next(&it, taker, &code, &item)) {
        size_t n = strlen(text);
        if (code == MSG_stored)
            snprintf(text + n, sizeof text - n, "%u ", (unsigned)item.stored.mark);
        else
            snprintf(text + n, sizeof text - n, "%s ", message_type(code)->name);
    }
    return text;
}

START_TEST(items_come_in_order_and_those_of_others_are_skipped)
{
    begin("h1");
    put_mark(3);
    PUT(&body, created, {"k3v9x2mq4t"}, 1, 0); /* for somebody else */
    put_raw("\x91\x7f", 2);                    /* a code that there is none of */
    PUT(&body, no_board, {"k3v9x2mq4t"});
    put_mark(4);
    ck_assert_str_eq(read_as(KIND_BOARD), "3 no_board 4 ");
    ck_assert_uint_eq(bad, 0);
}
END_TEST

START_TEST(a_malformed_item_harms_no_other)
{
    begin("h1");
    put_raw("\x92\x71\x01", 3); /* stored, with too few fields */
    put_mark(3);
    put_raw("\xa1x", 2); /* no array */
    put_mark(4);
    put_raw("\x90", 1); /* without a code */
    put_mark(5);
    ck_assert_str_eq(read_as(KIND_BOARD), "3 4 5 ");
    ck_assert_uint_eq(bad, 3);
}
END_TEST

START_TEST(what_is_no_msgpack_ends_the_message)
{
    begin("h1");
    put_mark(3);
    put_raw("\xc1", 1);
    put_mark(4);
    ck_assert_str_eq(read_as(KIND_BOARD), "3 ");
    ck_assert_uint_eq(bad, 1);
}
END_TEST

/* [D32] */
START_TEST(an_item_counts_only_from_the_kind_that_says_it)
{
    begin("b1");
    put_mark(3);
    PUT(&body, alive, 8);
    PUT(&body, no_board, {"k3v9x2mq4t"});
    ck_assert_str_eq(read_as(KIND_BOARD), "alive no_board ");
    ck_assert_uint_eq(bad, 1);
    begin("g1");
    put_mark(3);
    PUT(&body, alive, 8);
    PUT(&body, no_board, {"k3v9x2mq4t"});
    ck_assert_str_eq(read_as(KIND_BOARD), "");
    ck_assert_uint_eq(bad, 3);
    begin("x1");
    put_mark(3);
    ck_assert_str_eq(read_as(KIND_BOARD), "");
    ck_assert_uint_eq(bad, 1);
}
END_TEST

START_TEST(each_kind_of_program_gets_what_is_for_it)
{
    begin("b1");
    PUT(&body, sync, 0);
    PUT(&body, alive, 8);
    PUT(&body, no_board, {"k3v9x2mq4t"});
    PUT(&body, open, {"k3v9x2mq4t"}, {"b1"}, 1, 0);
    ck_assert_str_eq(read_as(KIND_GATEWAY), "sync no_board ");
    ck_assert_str_eq(read_as(KIND_BOARD), "alive no_board ");
    ck_assert_str_eq(read_as(KIND_HISTORY), "alive open ");
    ck_assert_uint_eq(bad, 0);
}
END_TEST

START_TEST(a_message_without_an_envelope_of_our_version_has_no_items)
{
    begin("h1");
    buf_clear(&body);
    put_mark(3);
    ck_assert_str_eq(read_as(KIND_BOARD), "");
    ck_assert_uint_eq(bad, 1);
    buf_clear(&body);
    bad = 0;
    PUT(&body, envelope, BROKER_VERSION + 1, {"h1"});
    put_mark(3);
    ck_assert_str_eq(read_as(KIND_BOARD), "");
    ck_assert_uint_eq(bad, 1);
    buf_clear(&body);
    bad = 0;
    ck_assert_str_eq(read_as(KIND_BOARD), "");
    ck_assert_uint_eq(bad, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("items");
    TCase *t = tcase_create("items");
    tcase_add_test(t, items_come_in_order_and_those_of_others_are_skipped);
    tcase_add_test(t, a_malformed_item_harms_no_other);
    tcase_add_test(t, what_is_no_msgpack_ends_the_message);
    tcase_add_test(t, an_item_counts_only_from_the_kind_that_says_it);
    tcase_add_test(t, each_kind_of_program_gets_what_is_for_it);
    tcase_add_test(t, a_message_without_an_envelope_of_our_version_has_no_items);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    buf_free(&body);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
