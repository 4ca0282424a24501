/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <check.h>
#include <errno.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

/* A copy of exactly that size on the heap, so that the sanitizer sees one byte too many. */
static void *copy;

static struct cursor input(const void *data, size_t len)
{
    free(copy);
    copy = malloc(len ? len : 1);
    memcpy(copy, data, len);
    return cursor_of(copy, len);
}

static void drop_copy(void)
{
    free(copy);
    copy = NULL;
}

#define INPUT(bytes) input(bytes, sizeof(bytes) - 1)

static void expect_uint(struct cursor in, uint64_t value)
{
    uint64_t got;
    ck_assert_int_eq(wire_uint(&in, &got), 0);
    ck_assert_uint_eq(got, value);
    ck_assert_uint_eq(cursor_left(&in), 0);
}

static void expect_no_uint(struct cursor in)
{
    uint64_t got;
    const uint8_t *before = in.pos;
    ck_assert_int_eq(wire_uint(&in, &got), -EBADMSG);
    ck_assert_ptr_eq(in.pos, before);
}

START_TEST(whole_numbers_of_all_forms_are_read)
{
    expect_uint(INPUT("\x00"), 0);
    expect_uint(INPUT("\x7f"), 127);
    expect_uint(INPUT("\xcc\xff"), 255);
    expect_uint(INPUT("\xcd\xff\xfe"), 65534);
    expect_uint(INPUT("\xce\x01\x02\x03\x04"), 0x01020304);
    expect_uint(INPUT("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), UINT64_MAX);
    expect_uint(INPUT("\xd0\x7f"), 127); /* signed forms, as some writers use them */
    expect_uint(INPUT("\xd1\x7f\xff"), 32767);
    expect_uint(INPUT("\xd2\x7f\xff\xff\xff"), INT32_MAX);
    expect_uint(INPUT("\xd3\x7f\xff\xff\xff\xff\xff\xff\xff"), INT64_MAX);
    expect_uint(INPUT("\xcf\x00\x00\x00\x00\x00\x00\x00\x05"), 5); /* longer than needed */
}
END_TEST

START_TEST(negative_numbers_and_other_types_are_not_whole_numbers)
{
    expect_no_uint(INPUT(""));
    expect_no_uint(INPUT("\xff"));
    expect_no_uint(INPUT("\xe0"));
    expect_no_uint(INPUT("\xd0\x80"));
    expect_no_uint(INPUT("\xd1\x80\x00"));
    expect_no_uint(INPUT("\xd2\xff\xff\xff\xff"));
    expect_no_uint(INPUT("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"));
    expect_no_uint(INPUT("\xc0"));
    expect_no_uint(INPUT("\xc1"));
    expect_no_uint(INPUT("\xc2"));
    expect_no_uint(INPUT("\xca\x00\x00\x00\x00"));
    expect_no_uint(INPUT("\xcb\x00\x00\x00\x00\x00\x00\x00\x00"));
    expect_no_uint(INPUT("\xa1\x31"));
    expect_no_uint(INPUT("\x91\x01"));
}
END_TEST

START_TEST(a_number_that_is_cut_off_is_refused)
{
    static const char *const FORMS[] = {"\xcc\x01", "\xcd\x01\x01", "\xce\x01\x01\x01\x01",
                                        "\xcf\x01\x01\x01\x01\x01\x01\x01\x01"};
    for (size_t f = 0; f < 4; f++)
        for (size_t len = 0; len < strlen(FORMS[f]); len++)
            expect_no_uint(input(FORMS[f], len));
}
END_TEST

START_TEST(nil_is_not_the_largest_number)
{
    uint64_t got;
    struct cursor in = INPUT("\xc0");
    ck_assert_int_eq(wire_nil_or_uint(&in, &got), 0);
    ck_assert_uint_eq(got, UINT64_MAX);
    ck_assert_uint_eq(cursor_left(&in), 0);
    in = INPUT("\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    ck_assert_int_eq(wire_nil_or_uint(&in, &got), -EBADMSG);
    in = INPUT("\x05");
    ck_assert_int_eq(wire_nil_or_uint(&in, &got), 0);
    ck_assert_uint_eq(got, 5);
}
END_TEST

typedef int reader(struct cursor *, struct span *);

static void expect_bytes(reader *read, const void *head, size_t head_len, size_t len)
{
    size_t size = head_len + len + 1; /* and something behind */
    uint8_t *bytes = malloc(size);
    memcpy(bytes, head, head_len);
    memset(bytes + head_len, 'x', len + 1);
    struct cursor in = input(bytes, size);
    struct span got;
    ck_assert_int_eq(read(&in, &got), 0);
    ck_assert_uint_eq(got.len, len);
    ck_assert_ptr_eq(got.data, (uint8_t *)copy + head_len);
    ck_assert_uint_eq(cursor_left(&in), 1);
    for (size_t cut = 0; cut < head_len + len; cut += cut < head_len ? 1 : 1 + len / 7) {
        in = input(bytes, cut);
        ck_assert_int_eq(read(&in, &got), -EBADMSG);
        ck_assert_ptr_eq(in.pos, copy);
    }
    free(bytes);
}

START_TEST(text_and_bytes_of_all_forms_are_read_and_refused_when_cut_off)
{
    expect_bytes(wire_str, "\xa0", 1, 0);
    expect_bytes(wire_str, "\xbf", 1, 31);
    expect_bytes(wire_str, "\xd9\xff", 2, 255);
    expect_bytes(wire_str, "\xda\x01\x00", 3, 256);
    expect_bytes(wire_str, "\xdb\x00\x01\x00\x00", 5, 65536);
    expect_bytes(wire_bin, "\xc4\x00", 2, 0);
    expect_bytes(wire_bin, "\xc4\xff", 2, 255);
    expect_bytes(wire_bin, "\xc5\x01\x00", 3, 256);
    expect_bytes(wire_bin, "\xc6\x00\x01\x00\x00", 5, 65536);
}
END_TEST

START_TEST(text_is_not_bytes)
{
    struct span got;
    struct cursor in = INPUT("\xa1x");
    ck_assert_int_eq(wire_bin(&in, &got), -EBADMSG);
    in = INPUT("\xc4\x01x");
    ck_assert_int_eq(wire_str(&in, &got), -EBADMSG);
}
END_TEST

START_TEST(a_length_of_four_gigabytes_is_refused)
{
    struct span got;
    uint32_t count;
    struct cursor in = INPUT("\xdb\xff\xff\xff\xff.");
    ck_assert_int_eq(wire_str(&in, &got), -EBADMSG);
    in = INPUT("\xc6\xff\xff\xff\xff.");
    ck_assert_int_eq(wire_bin(&in, &got), -EBADMSG);
    in = INPUT("\xdd\xff\xff\xff\xff.");
    ck_assert_int_eq(wire_array(&in, &count), -EBADMSG);
    in = INPUT("\xdf\xff\xff\xff\xff.");
    ck_assert_int_eq(wire_skip(&in), -EBADMSG);
    in = INPUT("\xc9\xff\xff\xff\xff.");
    ck_assert_int_eq(wire_skip(&in), -EBADMSG);
}
END_TEST

START_TEST(an_array_claims_no_more_elements_than_there_are_bytes)
{
    uint32_t count;
    struct cursor in = INPUT("\x93\x01\x02");
    ck_assert_int_eq(wire_array(&in, &count), -EBADMSG);
    in = INPUT("\x93\x01\x02\x03");
    ck_assert_int_eq(wire_array(&in, &count), 0);
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(cursor_left(&in), 3);
    in = INPUT("\xdc\x00\x01\xc0");
    ck_assert_int_eq(wire_array(&in, &count), 0);
    ck_assert_uint_eq(count, 1);
    in = INPUT("\x81\x01\x02");
    ck_assert_int_eq(wire_array(&in, &count), -EBADMSG);
}
END_TEST

START_TEST(nesting_has_a_limit)
{
    uint8_t nested[WIRE_DEPTH_MAX + 2];
    memset(nested, 0x91, sizeof nested);
    nested[WIRE_DEPTH_MAX] = 0xc0;
    struct cursor in = input(nested, WIRE_DEPTH_MAX + 1);
    ck_assert_int_eq(wire_skip(&in), 0);
    ck_assert_uint_eq(cursor_left(&in), 0);
    nested[WIRE_DEPTH_MAX] = 0x91;
    nested[WIRE_DEPTH_MAX + 1] = 0xc0;
    in = input(nested, WIRE_DEPTH_MAX + 2);
    ck_assert_int_eq(wire_skip(&in), -EBADMSG);
    ck_assert_ptr_eq(in.pos, copy);
}
END_TEST

START_TEST(the_byte_that_is_never_used_is_refused)
{
    struct cursor in = INPUT("\xc1");
    ck_assert_int_eq(wire_skip(&in), -EBADMSG);
    in = INPUT("\x92\x01\xc1");
    ck_assert_int_eq(wire_skip(&in), -EBADMSG);
}
END_TEST

/* ---- against msgpack-c ----------------------------------------------------------------------- */

static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (random_state >> 33) % n;
}

static void pack_random(msgpack_packer *pk, unsigned depth)
{
    static const char BYTES[70000];
    size_t len = random_below(8) ? random_below(40) : random_below(sizeof BYTES);
    size_t count = random_below(depth ? 20 : 1);
    switch (random_below(depth ? 9 : 7)) {
    case 0:
        msgpack_pack_uint64(pk, random_state >> random_below(64));
        return;
    case 1:
        msgpack_pack_int64(pk, -(int64_t)(random_state >> (1 + random_below(63))));
        return;
    case 2:
        msgpack_pack_str(pk, len);
        msgpack_pack_str_body(pk, BYTES, len);
        return;
    case 3:
        msgpack_pack_bin(pk, len);
        msgpack_pack_bin_body(pk, BYTES, len);
        return;
    case 4:
        msgpack_pack_ext(pk, len ? len : 1, 5);
        msgpack_pack_ext_body(pk, BYTES, len ? len : 1);
        return;
    case 5:
        random_below(2) ? msgpack_pack_nil(pk) : msgpack_pack_true(pk);
        return;
    case 6:
        random_below(2) ? msgpack_pack_float(pk, 1.5f) : msgpack_pack_double(pk, 1e300);
        return;
    case 7:
        msgpack_pack_array(pk, count);
        break;
    default:
        msgpack_pack_map(pk, count);
        count *= 2;
    }
    while (count--)
        pack_random(pk, depth - 1);
}

START_TEST(skip_passes_exactly_one_value_of_any_kind)
{
    random_state = 1;
    for (unsigned i = 0; i < 3000; i++) {
        msgpack_sbuffer out;
        msgpack_packer pk;
        msgpack_sbuffer_init(&out);
        msgpack_packer_init(&pk, &out, msgpack_sbuffer_write);
        pack_random(&pk, 3);
        size_t len = out.size;
        msgpack_pack_nil(&pk);
        struct cursor in = input(out.data, out.size);
        ck_assert_int_eq(wire_skip(&in), 0);
        ck_assert_uint_eq(cursor_left(&in), 1);
        struct cursor cut = input(out.data, random_below(len));
        ck_assert_int_eq(wire_skip(&cut), -EBADMSG);
        ck_assert_ptr_eq(cut.pos, copy);
        msgpack_sbuffer_destroy(&out);
    }
}
END_TEST

START_TEST(random_bytes_do_no_harm)
{
    random_state = 2;
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t bytes[40];
        size_t len = random_below(sizeof bytes + 1);
        for (size_t k = 0; k < len; k++)
            bytes[k] = (uint8_t)random_below(256);
        struct cursor in = input(bytes, len);
        int r = wire_skip(&in);
        if (r == 0 ? in.pos <= (uint8_t *)copy || in.pos > in.end : in.pos != copy)
            ck_abort_msg("round %u", i);
    }
}
END_TEST

/* ---- UTF-8 ----------------------------------------------------------------------------------- */

static bool utf8(const char *text)
{
    struct cursor in = input(text, strlen(text));
    return utf8_valid((struct span){in.pos, cursor_left(&in)});
}

START_TEST(every_character_is_valid_in_its_only_form)
{
    for (uint32_t c = 1; c <= 0x110fff; c++) {
        char text[8] = {0};
        if (c < 0x80) {
            text[0] = (char)c;
        } else if (c < 0x800) {
            text[0] = (char)(0xc0 | c >> 6);
            text[1] = (char)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            text[0] = (char)(0xe0 | c >> 12);
            text[1] = (char)(0x80 | (c >> 6 & 0x3f));
            text[2] = (char)(0x80 | (c & 0x3f));
        } else {
            text[0] = (char)(0xf0 | c >> 18);
            text[1] = (char)(0x80 | (c >> 12 & 0x3f));
            text[2] = (char)(0x80 | (c >> 6 & 0x3f));
            text[3] = (char)(0x80 | (c & 0x3f));
        }
        bool expected = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        if (utf8_valid(span_of(text)) != expected) /* an assertion costs more than the check */
            ck_abort_msg("U+%04X", (unsigned)c);
    }
    ck_assert(utf8_valid((struct span){(const uint8_t *)"a\0b", 3}));
    ck_assert(utf8(""));
}
END_TEST

START_TEST(what_is_cut_off_overlong_or_alone_is_not_utf8)
{
    ck_assert(!utf8("\x80"));
    ck_assert(!utf8("a\xbf"));
    ck_assert(!utf8("\xc3"));
    ck_assert(!utf8("\xc3("));
    ck_assert(!utf8("\xe2\x82"));
    ck_assert(!utf8("\xe2\x28\xa1"));
    ck_assert(!utf8("\xf0\x9f\x98"));
    ck_assert(!utf8("\xc0\xaf"));
    ck_assert(!utf8("\xc1\xbf"));
    ck_assert(!utf8("\xe0\x9f\xbf"));
    ck_assert(!utf8("\xf0\x8f\xbf\xbf"));
    ck_assert(!utf8("\xf8\x88\x80\x80\x80"));
    ck_assert(!utf8("\xfe"));
    ck_assert(!utf8("\xff"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("wire");
    TCase *c = tcase_create("wire");
    tcase_add_checked_fixture(c, NULL, drop_copy);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, whole_numbers_of_all_forms_are_read);
    tcase_add_test(c, negative_numbers_and_other_types_are_not_whole_numbers);
    tcase_add_test(c, a_number_that_is_cut_off_is_refused);
    tcase_add_test(c, nil_is_not_the_largest_number);
    tcase_add_test(c, text_and_bytes_of_all_forms_are_read_and_refused_when_cut_off);
    tcase_add_test(c, text_is_not_bytes);
    tcase_add_test(c, a_length_of_four_gigabytes_is_refused);
    tcase_add_test(c, an_array_claims_no_more_elements_than_there_are_bytes);
    tcase_add_test(c, nesting_has_a_limit);
    tcase_add_test(c, the_byte_that_is_never_used_is_refused);
    tcase_add_test(c, skip_passes_exactly_one_value_of_any_kind);
    tcase_add_test(c, random_bytes_do_no_harm);
    tcase_add_test(c, every_character_is_valid_in_its_only_form);
    tcase_add_test(c, what_is_cut_off_overlong_or_alone_is_not_utf8);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
