/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec of messages.def, for every message and tuple in it, with random values: there is
 * nothing here that a new message would have to be added to.
 */
#include "messages.h"

#include <check.h>
#include <errno.h>
#include <msgpack.h>
#include <signal.h>
#include <stdlib.h>

#include "describe.h"

#define ROUNDS      50
#define BYTES_MAX   700 /* of random BIN and STR, unless their lower bound is above */
#define ELEMENT_MAX 20

/* ---- random messages ------------------------------------------------------------------------- */

static uint64_t random_state;
static struct buf arena[64]; /* what the random message points to */
static unsigned arena_count;

static uint64_t random_below(uint64_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (random_state >> 33) % n;
}

static struct buf *new_buf(void)
{
    ck_assert_uint_lt(arena_count, 64);
    return &arena[arena_count++];
}

static void drop_random(void)
{
    while (arena_count > 0)
        buf_free(&arena[--arena_count]);
}

static uint64_t random_uint(const struct field_description *f)
{
    uint64_t span = f->high - f->low, value = random_state >> random_below(64);
    switch (random_below(4)) {
    case 0:
        return f->low;
    case 1:
        return f->high;
    default:
        return f->low + (span == UINT64_MAX ? value : value % (span + 1));
    }
}

static size_t random_len(const struct field_description *f, size_t most)
{
    uint64_t high = f->high < most ? f->high : most;
    return random_below(6) == 0 || high < f->low ? f->low
                                                 : f->low + random_below(high - f->low + 1);
}

static struct span random_text(const struct field_description *f)
{
    static const char *const CHARACTERS[] = {"a", "Z", " ", "\"", "\n", "é", "漢", "😀"};
    struct buf *b = new_buf();
    size_t len = random_len(f, BYTES_MAX);
    while (b->len < len) {
        const char *c = CHARACTERS[random_below(8)];
        if (b->len + strlen(c) > len)
            c = "x";
        buf_append(b, c, strlen(c));
    }
    return buf_span(b);
}

static struct span random_bytes(const struct field_description *f)
{
    struct buf *b = new_buf();
    size_t len = random_len(f, BYTES_MAX);
    for (size_t i = 0; i < len; i++)
        *buf_grow(b, 1) = (uint8_t)random_below(256);
    return buf_span(b);
}

static struct id random_name(const struct field_description *f)
{
    struct id id = {0};
    size_t len = random_len(f, ID_CHARS_MAX);
    for (size_t i = 0; i < len; i++)
        id.text[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[random_below(36)];
    return id;
}

static void make_random(const struct description *d, void *ret, unsigned elements_max);

static struct list random_list(const struct field_description *f, unsigned elements_max)
{
    const struct description *element = description_of(f->tuple);
    struct buf *tuples = new_buf();
    uint32_t count = (uint32_t)random_below(elements_max + 1);
    void *tuple = xcalloc(1, element->size);
    for (uint32_t i = 0; i < count; i++) {
        unsigned mark = arena_count;
        make_random(element, tuple, 2);
        message_put(tuples, element->type, tuple);
        while (arena_count > mark)
            buf_free(&arena[--arena_count]);
    }
    free(tuple);
    return list_of(count, tuples);
}

static void make_random(const struct description *d, void *ret, unsigned elements_max)
{
    for (const struct field_description *f = d->fields; f->name; f++) {
        void *at = (char *)ret + f->at;
        switch (f->kind) {
        case KIND_UINT:
            *(uint64_t *)at = random_uint(f);
            break;
        case KIND_NUINT:
            *(uint64_t *)at = random_below(3) ? random_uint(f) : NIL;
            break;
        case KIND_ID:
            *(struct id *)at = random_name(f);
            break;
        case KIND_STR:
            *(struct span *)at = random_text(f);
            break;
        case KIND_BIN:
            *(struct span *)at = random_bytes(f);
            break;
        case KIND_LIST:
            *(struct list *)at = random_list(f, elements_max);
            break;
        }
    }
}

/* Calls `check` with random messages of every kind, encoded on the heap in exactly their size. */
static void for_all(void (*check)(const struct description *d, const void *message,
                                  const uint8_t *bytes, size_t len))
{
    random_state = 1;
    for (const struct description *d = DESCRIPTIONS; d->name; d++) {
        for (unsigned round = 0; round < ROUNDS; round++) {
            union any_message message;
            struct buf out = {0};
            make_random(d, &message, ELEMENT_MAX);
            message_put(&out, d->type, &message);
            uint8_t *bytes = malloc(out.len);
            memcpy(bytes, out.data, out.len);
            check(d, &message, bytes, out.len);
            free(bytes);
            buf_free(&out);
            drop_random();
        }
    }
}

static void expect_same(const struct description *d, const void *a, const void *b)
{
    struct buf one = {0}, two = {0};
    describe(&one, d, a);
    describe(&two, d, b);
    ck_assert_uint_eq(one.len, two.len);
    ck_assert_mem_eq(one.data, two.data, one.len);
    buf_free(&one);
    buf_free(&two);
}

/* ---- whole messages -------------------------------------------------------------------------- */

static void check_round_trip(const struct description *d, const void *message, const uint8_t *bytes,
                             size_t len)
{
    union any_message got;
    struct cursor in = cursor_of(bytes, len);
    ck_assert_int_eq(decode(&in, d, &got), 0);
    ck_assert_uint_eq(cursor_left(&in), 0);
    expect_same(d, message, &got);
}

START_TEST(what_is_put_is_what_is_got)
{
    for_all(check_round_trip);
}
END_TEST

static void check_object(const struct description *d, const void *message, msgpack_object object);

static void check_bytes(const char *data, size_t len, const void *expected, size_t expected_len)
{
    ck_assert_uint_eq(len, expected_len);
    if (len > 0)
        ck_assert_mem_eq(data, expected, len);
}

static void check_object_field(const struct field_description *f, const void *at, msgpack_object o)
{
    const struct span *bytes = at;
    const struct id *id = at;
    struct list list;
    switch (f->kind) {
    case KIND_UINT:
    case KIND_NUINT:
        if (*(const uint64_t *)at == NIL) {
            ck_assert_int_eq(o.type, MSGPACK_OBJECT_NIL);
        } else {
            ck_assert_int_eq(o.type, MSGPACK_OBJECT_POSITIVE_INTEGER);
            ck_assert_uint_eq(o.via.u64, *(const uint64_t *)at);
        }
        return;
    case KIND_ID:
        ck_assert_int_eq(o.type, MSGPACK_OBJECT_STR);
        check_bytes(o.via.str.ptr, o.via.str.size, id->text, strlen(id->text));
        return;
    case KIND_STR:
        ck_assert_int_eq(o.type, MSGPACK_OBJECT_STR);
        check_bytes(o.via.str.ptr, o.via.str.size, bytes->data, bytes->len);
        return;
    case KIND_BIN:
        ck_assert_int_eq(o.type, MSGPACK_OBJECT_BIN);
        check_bytes(o.via.bin.ptr, o.via.bin.size, bytes->data, bytes->len);
        return;
    case KIND_LIST:
        list = *(const struct list *)at;
        ck_assert_int_eq(o.type, MSGPACK_OBJECT_ARRAY);
        ck_assert_uint_eq(o.via.array.size, list.count);
        for (uint32_t i = 0; i < o.via.array.size; i++) {
            union any_message tuple;
            const struct description *element = description_of(f->tuple);
            ck_assert_int_eq(list_next(&list, element->type, &tuple), 1);
            check_object(element, &tuple, o.via.array.ptr[i]);
        }
        return;
    }
}

static void check_object(const struct description *d, const void *message, msgpack_object object)
{
    ck_assert_int_eq(object.type, MSGPACK_OBJECT_ARRAY);
    uint32_t i = 0;
    if (d->code)
        ck_assert_uint_eq(object.via.array.ptr[i++].via.u64, d->code);
    for (const struct field_description *f = d->fields; f->name; f++)
        check_object_field(f, (const char *)message + f->at, object.via.array.ptr[i++]);
    ck_assert_uint_eq(object.via.array.size, i);
}

static void check_msgpack(const struct description *d, const void *message, const uint8_t *bytes,
                          size_t len)
{
    msgpack_unpacked unpacked;
    size_t at = 0;
    msgpack_unpacked_init(&unpacked);
    ck_assert_int_eq(msgpack_unpack_next(&unpacked, (const char *)bytes, len, &at),
                     MSGPACK_UNPACK_SUCCESS);
    ck_assert_uint_eq(at, len);
    check_object(d, message, unpacked.data);
    msgpack_unpacked_destroy(&unpacked);
}

START_TEST(msgpack_c_reads_the_same)
{
    for_all(check_msgpack);
}
END_TEST

static void check_cut_off(const struct description *d, const void *message, const uint8_t *bytes,
                          size_t len)
{
    (void)message;
    for (size_t cut = 0; cut < len; cut += 1 + len / 40) {
        uint8_t *copy = malloc(cut ? cut : 1);
        memcpy(copy, bytes, cut);
        union any_message got;
        struct cursor in = cursor_of(copy, cut);
        ck_assert_int_eq(decode(&in, d, &got), -EBADMSG);
        free(copy);
    }
}

START_TEST(what_is_cut_off_is_refused)
{
    for_all(check_cut_off);
}
END_TEST

/* Bytes changed at random are refused, or are a message like any other. */
static void check_changed(const struct description *d, const void *message, const uint8_t *bytes,
                          size_t len)
{
    (void)message;
    for (unsigned i = 0; i < 40; i++) {
        uint8_t *copy = malloc(len);
        memcpy(copy, bytes, len);
        for (uint64_t n = 1 + random_below(3); n > 0; n--)
            copy[random_below(len < 40 ? len : 40)] = (uint8_t)random_below(256);
        union any_message got;
        struct cursor in = cursor_of(copy, len);
        int r = decode(&in, d, &got);
        ck_assert(r == 0 || r == -EBADMSG);
        if (r == 0) {
            struct buf text = {0};
            describe(&text, d, &got); /* reads the lists */
            buf_free(&text);
        }
        free(copy);
    }
}

START_TEST(changed_bytes_do_no_harm)
{
    for_all(check_changed);
}
END_TEST

/* ---- bounds ---------------------------------------------------------------------------------- */

START_TEST(each_number_is_held_to_its_bounds)
{
    random_state = 3;
    for (const struct description *d = DESCRIPTIONS; d->name; d++) {
        union any_message message;
        make_random(d, &message, 1);
        for (const struct field_description *f = d->fields; f->name; f++) {
            if (f->kind != KIND_UINT)
                continue;
            uint64_t *at = (uint64_t *)((char *)&message + f->at), kept = *at;
            /* The bytes up to this field, then the value beyond, then the rest. */
            for (int below = f->low == 0; below < 2; below++) {
                struct buf before = {0}, out = {0};
                struct cursor in;
                uint32_t count;
                *at = kept;
                message_put(&before, d->type, &message);
                in = cursor_of(before.data, before.len);
                ck_assert_int_eq(wire_array(&in, &count), 0);
                for (uint32_t i = 0; i < (uint32_t)(f - d->fields) + (d->code ? 1 : 0); i++)
                    ck_assert_int_eq(wire_skip(&in), 0);
                buf_append(&out, before.data, (size_t)(in.pos - before.data));
                uint64_t value = below ? f->high + 1 : f->low - 1;
                *buf_grow(&out, 1) = 0xcf;
                for (int shift = 56; shift >= 0; shift -= 8)
                    *buf_grow(&out, 1) = (uint8_t)(value >> shift);
                ck_assert_int_eq(wire_skip(&in), 0);
                buf_append(&out, in.pos, cursor_left(&in));
                union any_message got;
                in = cursor_of(out.data, out.len);
                ck_assert_msg(decode(&in, d, &got) == -EBADMSG, "%s.%s", d->name, f->name);
                buf_free(&before);
                buf_free(&out);
            }
        }
        drop_random();
    }
}
END_TEST

START_TEST(a_refusal_names_the_field)
{
    static const uint8_t UNDO[] = {0x95, 4, 1, 2, 0, 4};
    struct cursor in = cursor_of(UNDO, sizeof UNDO);
    struct msg_undo undo;
    const char *why;
    unsigned code;
    uint32_t fields;
    ck_assert_int_eq(message_begin(&in, &code, &fields), 0);
    ck_assert_uint_eq(code, MSG_undo);
    ck_assert_uint_eq(fields, 4);
    ck_assert_int_eq(message_fields(&in, message_type(code), fields, true, &undo, &why), -EBADMSG);
    ck_assert_str_eq(why, "The field stroke_term of undo is not UINT in 1..OFFSET_MAX.");
}
END_TEST

START_TEST(fields_of_a_later_version_are_skipped_unless_exactly_these_are_asked_for)
{
    static const uint8_t BYTES[] = {0x95, 6, 1, 2, 0x92, 0xa1, 'x', 0x81, 0xc0, 0x01, 0xc3};
    struct msg_clear clear;
    struct cursor in = cursor_of(BYTES, sizeof BYTES);
    ck_assert_int_eq(GET(&in, clear, &clear), 0);
    ck_assert_uint_eq(cursor_left(&in), 0);
    ck_assert_uint_eq(clear.cseq, 2);
    unsigned code;
    uint32_t fields;
    in = cursor_of(BYTES, sizeof BYTES);
    ck_assert_int_eq(message_begin(&in, &code, &fields), 0);
    ck_assert_int_eq(message_fields(&in, &TYPE_clear, fields, true, &clear, NULL), -EBADMSG);
}
END_TEST

START_TEST(a_field_that_a_sender_of_before_does_not_know_reads_as_nothing)
{
    struct buf out = {0};
    PUT(&out, replaced, .board = {"k3v9x2mq4t"}, .epoch = 1, .member = {"ana"}, .instance = 1,
        .conn = 1, .flags = REPLACED_EQUAL);
    out.data[0] = (uint8_t)(out.data[0] - 4); /* four fields fewer: */
    out.len -= 4;                             /* the last ones, of one byte each */
    struct cursor in = cursor_of(out.data, out.len);
    struct msg_replaced got;
    memset(&got, 0xff, sizeof got);
    ck_assert_int_eq(GET(&in, replaced, &got), 0);
    ck_assert_uint_eq(got.conn, 1);
    ck_assert_uint_eq(got.flags, 0);
    out.data[0]--; /* conn is older than any reader */
    in = cursor_of(out.data, out.len);
    ck_assert_int_eq(GET(&in, replaced, &got), -EBADMSG);
    buf_free(&out);
}
END_TEST

START_TEST(a_message_of_another_kind_is_not_got)
{
    static const uint8_t BYTES[] = {0x93, 6, 1, 2};
    struct msg_profile profile;
    struct cursor in = cursor_of(BYTES, sizeof BYTES);
    ck_assert_int_eq(GET(&in, profile, &profile), -EBADMSG);
}
END_TEST

START_TEST(types_are_found_by_their_code)
{
    ck_assert_ptr_eq(message_type(MSG_hello), &TYPE_hello);
    ck_assert_ptr_eq(message_type(MSG_gone), &TYPE_gone);
    ck_assert_ptr_null(message_type(0));
    ck_assert_ptr_null(message_type(31));
    ck_assert_ptr_null(message_type(128));
    ck_assert_ptr_null(message_type(UINT32_MAX));
    for (unsigned code = 0; code < 200; code++)
        if (message_type(code))
            ck_assert_uint_eq(message_type(code)->code, code);
    ck_assert_str_eq(TYPE_hello.name, "hello");
}
END_TEST

/* The fields of a drawer's frame stand in its event as they are, behind offset and time; there may
 * be one more, which the owner knows. */
static void check_event_of(const char *frame, const char *event)
{
    const struct field_description *f = description_of(frame)->fields;
    const struct field_description *e = description_of(event)->fields;
    ck_assert_str_eq(e[0].name, "offset");
    ck_assert_str_eq(e[1].name, "time");
    for (e += 2; f->name; f++, e++) {
        ck_assert_str_eq(f->name, e->name);
        ck_assert_int_eq(f->kind, e->kind);
        ck_assert_uint_ge(f->low, e->low);
        ck_assert_uint_le(f->high, e->high);
    }
    ck_assert(!e->name || !e[1].name);
}

START_TEST(an_event_has_the_fields_of_its_frame)
{
#define DRAWN(frame, code, event) check_event_of(#frame, #event);
#include "messages.def"
}
END_TEST

START_TEST(a_code_tells_what_a_message_is)
{
    ck_assert_ptr_eq(frame_type(MSG_pass), &TYPE_pass);
    ck_assert_ptr_eq(frame_type(MSG_pointer), &TYPE_pointer);
    ck_assert_ptr_null(frame_type(MSG_ev_begin));
    ck_assert_ptr_null(frame_type(0));
    ck_assert_ptr_null(frame_type(UINT32_MAX));
    ck_assert_ptr_eq(drawers_type(MSG_pass), &TYPE_pass);
    ck_assert_ptr_null(drawers_type(MSG_hello));
    ck_assert_ptr_eq(drawn_event(DRAWER_clear), &TYPE_ev_clear);
    ck_assert_ptr_null(drawn_event(DRAWER_pass));
    ck_assert(event_is_drawn(MSG_ev_redo));
    ck_assert(!event_is_drawn(MSG_ev_grant));
    ck_assert(!event_is_drawn(63));
}
END_TEST

START_TEST(a_list_is_read_to_its_end_and_no_further)
{
    struct buf tuples = {0}, out = {0};
    struct msg_board_state state = {.board = {"a"}, .epoch = 1, .number = 1, .head = 1, .seats = 1};
    PUT(&tuples, member_id, .member = {"one"});
    PUT(&tuples, member_id, .member = {"two"});
    state.members = list_of(2, &tuples);
    state.full = list_of(0, &(struct buf){0});
    message_put(&out, &TYPE_board_state, &state);
    struct msg_board_state got;
    struct msg_member_id id;
    struct cursor in = cursor_of(out.data, out.len);
    ck_assert_int_eq(GET(&in, board_state, &got), 0);
    ck_assert_int_eq(NEXT(&got.members, member_id, &id), 1);
    ck_assert_str_eq(id.member.text, "one");
    ck_assert_int_eq(NEXT(&got.members, member_id, &id), 1);
    ck_assert_str_eq(id.member.text, "two");
    ck_assert_int_eq(NEXT(&got.members, member_id, &id), 0);
    ck_assert_int_eq(NEXT(&got.members, member_id, &id), 0);
    ck_assert_int_eq(NEXT(&got.full, member_id, &id), 0);
    buf_free(&tuples);
    buf_free(&out);
}
END_TEST

START_TEST(a_number_out_of_bounds_is_a_bug_of_the_writer)
{
    struct buf out = {0};
    PUT(&out, clear, .term = 0, .cseq = 1);
}
END_TEST

START_TEST(a_text_out_of_bounds_is_a_bug_of_the_writer)
{
    struct buf out = {0};
    PUT(&out, hello, .token = span_of(""));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("messages");
    TCase *c = tcase_create("messages");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, what_is_put_is_what_is_got);
    tcase_add_test(c, msgpack_c_reads_the_same);
    tcase_add_test(c, what_is_cut_off_is_refused);
    tcase_add_test(c, changed_bytes_do_no_harm);
    tcase_add_test(c, each_number_is_held_to_its_bounds);
    tcase_add_test(c, a_refusal_names_the_field);
    tcase_add_test(c, fields_of_a_later_version_are_skipped_unless_exactly_these_are_asked_for);
    tcase_add_test(c, a_field_that_a_sender_of_before_does_not_know_reads_as_nothing);
    tcase_add_test(c, a_message_of_another_kind_is_not_got);
    tcase_add_test(c, types_are_found_by_their_code);
    tcase_add_test(c, an_event_has_the_fields_of_its_frame);
    tcase_add_test(c, a_code_tells_what_a_message_is);
    tcase_add_test(c, a_list_is_read_to_its_end_and_no_further);
    tcase_add_test_raise_signal(c, a_number_out_of_bounds_is_a_bug_of_the_writer, SIGABRT);
    tcase_add_test_raise_signal(c, a_text_out_of_bounds_is_a_bug_of_the_writer, SIGABRT);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
