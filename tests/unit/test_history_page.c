/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of the stored log. Three records: 1 (created), 2..5 of epoch 2, 6..9 of epoch 6; the event
 * with offset n has the time 1,000 n.
 */
#include <check.h>
#include <stdio.h>

#include "history_core.h"

#define BOARD       "k3v9x2mq4t"
#define TAIL        9u
#define INCARNATION 77u

static struct buf bytes[3];
static struct record records[3];
static struct history_page page;
static size_t event_len;

static struct id id_of(const char *text)
{
    struct id id;
    ck_assert_int_eq(id_parse(text, strlen(text), &id), 0);
    return id;
}

static void make_record(unsigned i, uint64_t epoch, uint64_t first, uint32_t count)
{
    buf_clear(&bytes[i]);
    for (uint64_t offset = first; offset < first + count; offset++) {
        size_t before = bytes[i].len;
        PUT(&bytes[i], ev_points, offset, offset * 1000, 1, 1, 0, {(const uint8_t *)"1234", 4});
        event_len = bytes[i].len - before;
    }
    records[i] = (struct record){.board = id_of(BOARD),
                                 .first = first,
                                 .count = count,
                                 .epoch = epoch,
                                 .time = (first + count - 1) * 1000,
                                 .events = buf_span(&bytes[i])};
}

static void set_up(void)
{
    make_record(0, 0, 1, 1);
    make_record(1, 2, 2, 4);
    make_record(2, 6, 6, 4);
}

static void tear_down(void)
{
    history_page_free(&page);
    for (unsigned i = 0; i < 3; i++)
        buf_free(&bytes[i]);
}

/* Feeds the page as a store does: from the record on that holds the offset, or is late enough. */
static void collect(const struct msg_read *m)
{
    history_page_begin(&page, m);
    bool more = true;
    for (unsigned i = 0; i < 3 && more; i++)
        if (m->from == NIL ? records[i].time >= m->since : record_last(&records[i]) >= m->from)
            more = history_page_record(&page, &records[i]);
}

/* The one message that the answer is, as text. */
static void expect_answer(uint64_t tail, const char *answer)
{
    struct outbox *out = outbox_create(&(struct outbox_config){.self = id_of("h1")});
    struct id gateway = id_of("g1");
    history_page_answer(&page, tail, INCARNATION, &gateway, out);
    struct outbox_message message;
    ck_assert(outbox_next(out, 1000, &message));
    ck_assert_int_eq(message.exchange, EXCHANGE_GATEWAY);
    ck_assert_str_eq(message.key, "g1." BOARD);
    struct cursor in = cursor_of(message.body.data, message.body.len);
    struct msg_envelope envelope;
    struct msg_page m;
    struct msg_behind behind;
    struct msg_no_board no_board;
    char text[100];
    ck_assert_int_eq(GET(&in, envelope, &envelope), 0);
    struct cursor second = in, third = in;
    if (GET(&in, page, &m) == 0) {
        ck_assert_uint_eq(m.incarnation, INCARNATION);
        snprintf(text, sizeof text, "%lu..%lu epoch %lu tail %lu nonce %lu, %zu events", m.from,
                 m.to, m.epoch, m.tail, m.nonce, m.events.len / event_len);
    } else if (GET(&second, behind, &behind) == 0) {
        ck_assert_uint_eq(behind.incarnation, INCARNATION);
        snprintf(text, sizeof text, "behind, tail %lu nonce %lu", behind.tail, behind.nonce);
    } else {
        snprintf(text, sizeof text, "%s", GET(&third, no_board, &no_board) == 0 ? "no_board" : "?");
    }
    ck_assert_str_eq(text, answer);
    outbox_destroy(out);
}

static void read_from(uint64_t offset, uint64_t to, uint64_t bytes_max, const char *answer)
{
    history_page_free(&page);
    collect(&(struct msg_read){id_of(BOARD), 5, offset, to, NIL, bytes_max});
    expect_answer(TAIL, answer);
}

static void read_since(uint64_t time, const char *answer)
{
    history_page_free(&page);
    collect(&(struct msg_read){id_of(BOARD), 5, NIL, 0, time, 60000});
    expect_answer(TAIL, answer);
}

/* Records of a board that is being erased vanish, oldest first, while it is read. */
/* [D28] */
START_TEST(a_page_has_no_hole_where_records_have_vanished)
{
    struct msg_read m = {id_of(BOARD), 5, 1, 0, NIL, 60000};
    history_page_begin(&page, &m);
    ck_assert(history_page_record(&page, &records[0]));
    ck_assert(!history_page_record(&page, &records[2]));
    expect_answer(TAIL, "1..1 epoch 0 tail 9 nonce 5, 1 events");
    history_page_free(&page);
    history_page_begin(&page, &m);
    ck_assert(!history_page_record(&page, &records[1]));
    expect_answer(TAIL, "behind, tail 9 nonce 5");
}
END_TEST

/* Times of records that are not those of their events: a lie of their owner. */
START_TEST(a_read_by_time_does_not_look_through_the_whole_log)
{
    unsigned looked = 0;
    struct buf long_record = {0};
    struct record r = records[0];
    for (r.count = 0; long_record.len + 200 < RECORD_BYTES_MAX; r.count++)
        PUT(&long_record, ev_points, r.count + 1, 1000, 1, 1, 0, {(const uint8_t *)"1234", 4});
    r.events = buf_span(&long_record);
    history_page_begin(&page, &(struct msg_read){id_of(BOARD), 5, NIL, 0, OFFSET_MAX, 60000});
    while (history_page_record(&page, &r))
        ck_assert_uint_lt(looked++, 10);
    expect_answer(TAIL, "10..9 epoch 0 tail 9 nonce 5, 0 events");
    buf_free(&long_record);
}
END_TEST

START_TEST(a_page_goes_from_the_offset_to_the_tail)
{
    read_from(1, 0, 60000, "1..9 epoch 6 tail 9 nonce 5, 9 events");
    read_from(6, 0, 60000, "6..9 epoch 6 tail 9 nonce 5, 4 events");
}
END_TEST

START_TEST(a_page_begins_in_the_middle_of_a_record)
{
    read_from(4, 0, 60000, "4..9 epoch 6 tail 9 nonce 5, 6 events");
    ck_assert_mem_eq(page.events.data, bytes[1].data + 2 * event_len, 2 * event_len);
    ck_assert_mem_eq(page.events.data + 2 * event_len, bytes[2].data, bytes[2].len);
}
END_TEST

START_TEST(a_page_never_goes_beyond_what_was_asked_for)
{
    read_from(2, 7, 60000, "2..7 epoch 6 tail 9 nonce 5, 6 events");
    read_from(2, 5, 60000, "2..5 epoch 2 tail 9 nonce 5, 4 events");
    read_from(3, 3, 60000, "3..3 epoch 2 tail 9 nonce 5, 1 events");
}
END_TEST

START_TEST(a_page_has_the_epoch_of_its_last_event)
{
    read_from(1, 1, 60000, "1..1 epoch 0 tail 9 nonce 5, 1 events");
    read_from(1, 5, 60000, "1..5 epoch 2 tail 9 nonce 5, 5 events");
    read_from(1, 6, 60000, "1..6 epoch 6 tail 9 nonce 5, 6 events");
}
END_TEST

START_TEST(a_page_is_cut_between_events_at_the_bytes_that_were_asked_for)
{
    read_from(1, 0, 3 * event_len, "1..3 epoch 2 tail 9 nonce 5, 3 events");
    read_from(1, 0, 4 * event_len - 1, "1..3 epoch 2 tail 9 nonce 5, 3 events");
    read_from(4, 0, 3 * event_len, "4..6 epoch 6 tail 9 nonce 5, 3 events");
}
END_TEST

START_TEST(a_page_holds_one_event_however_small_it_is_to_be)
{
    read_from(2, 0, 1, "2..2 epoch 2 tail 9 nonce 5, 1 events");
}
END_TEST

START_TEST(a_full_page_wants_no_more_records)
{
    history_page_begin(&page, &(struct msg_read){id_of(BOARD), 5, 2, 0, NIL, 4 * event_len});
    ck_assert(!history_page_record(&page, &records[1]));
    ck_assert_uint_eq(page.last, 5);
}
END_TEST

START_TEST(the_largest_page_is_a_broker_message)
{
    static const uint8_t points[5120];
    buf_clear(&bytes[1]);
    for (uint64_t offset = 2; offset < 42; offset++)
        PUT(&bytes[1], ev_points, offset, 1, 1, 1, 0, {points, sizeof points});
    records[1].count = 40;
    records[1].events = buf_span(&bytes[1]);
    history_page_begin(&page, &(struct msg_read){id_of(BOARD), 5, 2, 0, NIL, 65535});
    ck_assert(!history_page_record(&page, &records[1]));
    struct outbox *out = outbox_create(&(struct outbox_config){.self = id_of("h1")});
    struct id gateway = id_of("g1");
    history_page_answer(&page, 41, INCARNATION, &gateway, out);
    ck_assert_uint_eq(outbox_stats(out)->items, 1);
    ck_assert_uint_gt(page.events.len, BROKER_MESSAGE_BYTES_MAX - 7000);
    outbox_destroy(out);
}
END_TEST

START_TEST(beyond_the_tail_history_says_behind)
{
    read_from(10, 0, 60000, "behind, tail 9 nonce 5");
}
END_TEST

START_TEST(by_time_a_page_begins_at_the_first_event_that_is_new_enough)
{
    read_since(0, "1..9 epoch 6 tail 9 nonce 5, 9 events");
    read_since(4000, "4..9 epoch 6 tail 9 nonce 5, 6 events");
    read_since(4001, "5..9 epoch 6 tail 9 nonce 5, 5 events");
    read_since(5001, "6..9 epoch 6 tail 9 nonce 5, 4 events");
    read_since(9000, "9..9 epoch 6 tail 9 nonce 5, 1 events");
}
END_TEST

START_TEST(by_time_a_page_is_empty_when_nothing_is_new_enough)
{
    read_since(9001, "10..9 epoch 0 tail 9 nonce 5, 0 events");
}
END_TEST

START_TEST(a_board_that_is_not_there_is_no_board)
{
    history_page_begin(&page, &(struct msg_read){id_of(BOARD), 5, 1, 0, NIL, 60000});
    expect_answer(0, "no_board");
    history_page_begin(&page, &(struct msg_read){id_of(BOARD), 5, NIL, 0, 1000, 60000});
    expect_answer(0, "no_board");
}
END_TEST

START_TEST(the_tail_is_that_of_the_page_when_more_was_stored_meanwhile)
{
    collect(&(struct msg_read){id_of(BOARD), 5, 4, 0, NIL, 60000});
    expect_answer(5, "4..9 epoch 6 tail 9 nonce 5, 6 events");
}
END_TEST

START_TEST(a_record_that_is_damaged_ends_the_page_before_the_damage)
{
    bytes[2].data[event_len] = 0xc1;
    read_from(4, 0, 60000, "4..6 epoch 6 tail 9 nonce 5, 3 events");
    ck_assert(page.broken);
}
END_TEST

static void expect_broken_by_time(uint64_t since)
{
    history_page_free(&page);
    history_page_begin(&page, &(struct msg_read){id_of(BOARD), 5, NIL, 0, since, 60000});
    records[2].events = buf_span(&bytes[2]);
    ck_assert(!history_page_record(&page, &records[2]));
    ck_assert(page.broken);
    ck_assert_uint_eq(page.events.len, 0);
}

/* The offset, a small number, is one byte behind those of the array and the kind. An offset of 0
 * fits into no message. */
START_TEST(events_that_are_not_those_that_their_record_says_end_the_page)
{
    for (uint8_t offset = 0; offset < 10; offset++) {
        bytes[2].data[2] = offset;
        if (offset != 6)
            expect_broken_by_time(0);
    }
}
END_TEST

START_TEST(a_record_that_lacks_its_events_ends_the_page)
{
    buf_clear(&bytes[2]);
    expect_broken_by_time(0);
}
END_TEST

static void put_long_event(size_t len)
{
    const uint8_t head[] = {
        0x94, 63, 6, 6, 0xc6, 0, (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};
    buf_clear(&bytes[2]);
    buf_append(&bytes[2], head, sizeof head);
    for (size_t i = 0; i < len; i++)
        buf_append(&bytes[2], "x", 1);
}

START_TEST(an_event_that_fits_into_no_page_ends_it)
{
    put_long_event(65535);
    expect_broken_by_time(0);
    put_long_event(65537);
    expect_broken_by_time(0);
    put_long_event(64000);
    event_len = bytes[2].len;
    records[2].count = 1;
    records[2].events = buf_span(&bytes[2]);
    history_page_free(&page);
    history_page_begin(&page, &(struct msg_read){id_of(BOARD), 5, 6, 0, NIL, 1});
    ck_assert(!history_page_record(&page, &records[2]));
    expect_answer(6, "6..6 epoch 6 tail 6 nonce 5, 1 events");
}
END_TEST

static Suite *history_page_suite(void)
{
    Suite *suite = suite_create("history_page");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, a_page_goes_from_the_offset_to_the_tail);
    tcase_add_test(all, a_page_has_no_hole_where_records_have_vanished);
    tcase_add_test(all, a_read_by_time_does_not_look_through_the_whole_log);
    tcase_add_test(all, a_page_begins_in_the_middle_of_a_record);
    tcase_add_test(all, a_page_never_goes_beyond_what_was_asked_for);
    tcase_add_test(all, a_page_has_the_epoch_of_its_last_event);
    tcase_add_test(all, a_page_is_cut_between_events_at_the_bytes_that_were_asked_for);
    tcase_add_test(all, a_page_holds_one_event_however_small_it_is_to_be);
    tcase_add_test(all, a_full_page_wants_no_more_records);
    tcase_add_test(all, the_largest_page_is_a_broker_message);
    tcase_add_test(all, beyond_the_tail_history_says_behind);
    tcase_add_test(all, by_time_a_page_begins_at_the_first_event_that_is_new_enough);
    tcase_add_test(all, by_time_a_page_is_empty_when_nothing_is_new_enough);
    tcase_add_test(all, a_board_that_is_not_there_is_no_board);
    tcase_add_test(all, the_tail_is_that_of_the_page_when_more_was_stored_meanwhile);
    tcase_add_test(all, a_record_that_is_damaged_ends_the_page_before_the_damage);
    tcase_add_test(all, events_that_are_not_those_that_their_record_says_end_the_page);
    tcase_add_test(all, a_record_that_lacks_its_events_ends_the_page);
    tcase_add_test(all, an_event_that_fits_into_no_page_ends_it);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(history_page_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
