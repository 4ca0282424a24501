/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct outbox *box;

static struct id id_of(const char *text)
{
    struct id id;
    if (id_parse(text, strlen(text), &id) < 0) /* an assertion each time would take seconds */
        ck_abort_msg("not an id: %s", text);
    return id;
}

static void make(uint32_t pace_ms, uint32_t messages_per_s_max)
{
    box = outbox_create(&(struct outbox_config){id_of("b0123456789"), pace_ms, messages_per_s_max});
}

static void unmake(void)
{
    outbox_destroy(box);
    box = NULL;
}

/* An item that can be told apart: not_owner of that shard. */
static int put(const char *destination, const char *board, unsigned number)
{
    struct id to = id_of(destination), of = id_of(board ? board : "");
    return outbox_put(box, EXCHANGE_GATEWAY, &to, board ? &of : NULL, &TYPE_not_owner,
                      &(struct msg_not_owner){number});
}

static int offer(const char *destination, const char *board, unsigned number)
{
    struct id to = id_of(destination), of = id_of(board);
    return outbox_offer(box, EXCHANGE_GATEWAY, &to, &of, &TYPE_not_owner,
                        &(struct msg_not_owner){number});
}

static int put_bytes(const char *destination, size_t len)
{
    static uint8_t bytes[65535];
    struct id to = id_of(destination), board = id_of("k3v9x2mq4t");
    struct msg_events events = {.board = board, .epoch = 1, .first = 1, .head = 1};
    events.events = (struct span){bytes, len};
    return outbox_put(box, EXCHANGE_GATEWAY, &to, &board, &TYPE_events, &events);
}

/* Takes the next message, whose items must be those with the numbers first..last. */
static void expect(uint64_t now_ms, const char *key, unsigned first, unsigned last)
{
    struct outbox_message m;
    struct msg_envelope envelope;
    struct msg_not_owner item;
    ck_assert(outbox_next(box, now_ms, &m));
    ck_assert_str_eq(m.key, key);
    struct cursor in = cursor_of(m.body.data, m.body.len);
    ck_assert_int_eq(GET(&in, envelope, &envelope), 0);
    ck_assert_uint_eq(envelope.version, BROKER_VERSION_WRITTEN);
    ck_assert_str_eq(envelope.sender.text, "b0123456789");
    for (unsigned n = first; n <= last; n++) {
        ck_assert_int_eq(GET(&in, not_owner, &item), 0);
        ck_assert_uint_eq(item.shard, n);
    }
    ck_assert_uint_eq(cursor_left(&in), 0);
}

static void expect_none(uint64_t now_ms)
{
    struct outbox_message m;
    ck_assert(!outbox_next(box, now_ms, &m));
}

START_TEST(the_first_item_goes_at_once)
{
    make(4, 0);
    put("g1", "k3v9x2mq4t", 1);
    ck_assert_uint_le(outbox_deadline(box), 1000);
    expect(1000, "g1.k3v9x2mq4t", 1, 1);
    expect_none(1000);
    ck_assert_uint_eq(outbox_deadline(box), UINT64_MAX);
}
END_TEST

START_TEST(what_follows_within_the_pace_goes_together)
{
    make(4, 0);
    put("g1", "k3v9x2mq4t", 1);
    expect(1000, "g1.k3v9x2mq4t", 1, 1);
    put("g1", "k3v9x2mq4t", 2);
    put("g1", "k3v9x2mq4t", 3);
    expect_none(1000);
    expect_none(1003);
    ck_assert_uint_eq(outbox_deadline(box), 1004);
    expect(1004, "g1.k3v9x2mq4t", 2, 3);
}
END_TEST

START_TEST(after_a_pause_nothing_is_delayed)
{
    make(4, 0);
    for (uint64_t now = 1000; now < 1100; now += 4) {
        put("g1", "k3v9x2mq4t", 1);
        expect(now, "g1.k3v9x2mq4t", 1, 1);
    }
}
END_TEST

START_TEST(destinations_do_not_wait_for_each_other)
{
    make(4, 0);
    put("g1", "k3v9x2mq4t", 1);
    expect(1000, "g1.k3v9x2mq4t", 1, 1);
    put("g1", "k3v9x2mq4t", 2);
    put("g2", "k3v9x2mq4t", 3);
    expect(1001, "g2.k3v9x2mq4t", 3, 3);
    expect_none(1001);
}
END_TEST

START_TEST(several_boards_share_a_message_with_the_key_many)
{
    make(4, 0);
    put("g1", "k3v9x2mq4t", 1);
    put("g1", "zzzzzzzzzz", 2);
    put("g1", "k3v9x2mq4t", 3);
    expect(1000, "g1.many", 1, 3);
}
END_TEST

START_TEST(an_item_of_no_board_makes_the_key_many)
{
    make(4, 0);
    put("g1", NULL, 1);
    expect(1000, "g1.many", 1, 1);
    put("g1", "k3v9x2mq4t", 2);
    put("g1", NULL, 3);
    expect(1004, "g1.many", 2, 3);
}
END_TEST

START_TEST(a_fanout_has_an_empty_key)
{
    struct outbox_message m;
    make(4, 0);
    outbox_put(box, EXCHANGE_PEERS, &(struct id){0}, NULL, &TYPE_alive, &(struct msg_alive){32});
    ck_assert(outbox_next(box, 1000, &m));
    ck_assert_int_eq(m.exchange, EXCHANGE_PEERS);
    ck_assert_str_eq(m.key, "");
    ck_assert(!m.mandatory);
}
END_TEST

START_TEST(only_what_goes_to_boards_is_mandatory)
{
    struct id to = shard_destination(7);
    for (enum exchange e = 0; e < EXCHANGE_COUNT; e++) {
        struct outbox_message m;
        make(0, 0);
        outbox_put(box, e, &to, NULL, &TYPE_sync, &(struct msg_sync){7});
        ck_assert(outbox_next(box, 1000, &m));
        ck_assert_int_eq(m.exchange, e);
        ck_assert_str_eq(m.key, "s07.many");
        ck_assert_int_eq(m.mandatory, e == EXCHANGE_BOARD);
        unmake();
    }
    make(0, 0);
}
END_TEST

START_TEST(a_flush_does_not_wait_for_the_pace_or_the_budget)
{
    struct id to = id_of("g1");
    make(100, 1);
    put("g1", "k3v9x2mq4t", 1);
    expect(1000, "g1.k3v9x2mq4t", 1, 1);
    put("g1", "k3v9x2mq4t", 2);
    expect_none(1001);
    outbox_flush(box, EXCHANGE_GATEWAY, &to);
    ck_assert_uint_le(outbox_deadline(box), 1001);
    expect(1001, "g1.k3v9x2mq4t", 2, 2);
    put("g1", "k3v9x2mq4t", 3);
    expect_none(1002); /* it counted once */
}
END_TEST

START_TEST(at_the_end_all_that_waits_goes_at_once)
{
    make(100, 1);
    put("g1", "k3v9x2mq4t", 1);
    expect(1000, "g1.k3v9x2mq4t", 1, 1);
    put("g1", "k3v9x2mq4t", 2);
    put("g2", "k3v9x2mq4t", 3);
    put("g3", "k3v9x2mq4t", 4);
    expect_none(1001);
    outbox_flush_all(box);
    expect(1001, "g1.k3v9x2mq4t", 2, 2);
    expect(1001, "g2.k3v9x2mq4t", 3, 3);
    expect(1001, "g3.k3v9x2mq4t", 4, 4);
    ck_assert_uint_eq(outbox_deadline(box), UINT64_MAX);
}
END_TEST

START_TEST(a_long_queue_is_split_and_keeps_its_order)
{
    struct outbox_message m;
    struct msg_envelope envelope;
    struct msg_not_owner item;
    unsigned next = 0, messages = 0;
    make(4, 0);
    for (unsigned i = 0; i < 60000; i++)
        put("g1", i % 2 ? "k3v9x2mq4t" : "zzzzzzzzzz", i);
    while (outbox_next(box, 1000, &m)) {
        messages++;
        ck_assert_uint_le(m.body.len, BROKER_MESSAGE_BYTES_MAX);
        struct cursor in = cursor_of(m.body.data, m.body.len);
        ck_assert_int_eq(GET(&in, envelope, &envelope), 0);
        while (cursor_left(&in)) {
            if (GET(&in, not_owner, &item) < 0 || item.shard != next++)
                ck_abort_msg("item %u", next);
        }
    }
    ck_assert_uint_eq(next, 60000);
    ck_assert_uint_gt(messages, 1);
    ck_assert_uint_eq(outbox_stats(box)->messages, messages);
    ck_assert_uint_eq(outbox_stats(box)->items, 60000);
    ck_assert(outbox_stats(box)->batch.sum == 60000);
    ck_assert_uint_eq(outbox_stats(box)->batch.count[COUNT_BOUND_COUNT], messages);
    ck_assert_uint_eq(outbox_stats(box)->waiting_bytes, 0);
}
END_TEST

START_TEST(an_item_that_fits_no_message_is_refused)
{
    make(4, 0);
    ck_assert_int_eq(put_bytes("g1", 65535), -EMSGSIZE);
    ck_assert_uint_eq(outbox_stats(box)->dropped, 1);
    expect_none(1000);
}
END_TEST

START_TEST(a_destination_takes_no_more_than_its_limit)
{
    int r;
    make(4, 0);
    while ((r = put_bytes("g1", 60000)) == 0)
        ck_assert_uint_le(outbox_stats(box)->waiting_bytes, OUTBOX_DESTINATION_BYTES_MAX);
    ck_assert_int_eq(r, -ENOBUFS);
    ck_assert_uint_eq(outbox_stats(box)->dropped, 1);
    ck_assert_int_eq(put_bytes("g2", 60000), 0);
    struct outbox_message m;
    while (outbox_next(box, 1000, &m))
        ;
    ck_assert_int_eq(put_bytes("g1", 60000), 0);
}
END_TEST

START_TEST(all_destinations_together_take_no_more_than_the_limit)
{
    char name[16];
    make(4, 0);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "g%u", i);
        while (put_bytes(name, 60000) == 0)
            ;
    }
    ck_assert_uint_le(outbox_stats(box)->waiting_bytes, OUTBOX_BYTES_MAX);
    ck_assert_uint_gt(outbox_stats(box)->waiting_bytes, OUTBOX_BYTES_MAX - 70000);
}
END_TEST

/* Puts one item a millisecond for each of `count` destinations, for ten seconds. */
static void busy(unsigned count, unsigned taken[])
{
    struct outbox_message m;
    char name[16];
    unsigned refused = 0;
    for (uint64_t now = 1000; now < 11000; now++) {
        for (unsigned i = 0; i < count; i++) {
            snprintf(name, sizeof name, "g%u", i);
            refused += put(name, "k3v9x2mq4t", i) != 0;
        }
        while (outbox_next(box, now, &m))
            taken[strtoul(m.key + 1, NULL, 10)]++;
    }
    ck_assert_uint_eq(refused, 0);
}

START_TEST(the_budget_holds_however_many_destinations_are_busy)
{
    unsigned taken[100] = {0}, sum = 0, least = UINT32_MAX, most = 0;
    make(4, 1000);
    busy(100, taken);
    for (unsigned i = 0; i < 100; i++) {
        sum += taken[i];
        least = taken[i] < least ? taken[i] : least;
        most = taken[i] > most ? taken[i] : most;
    }
    ck_assert_uint_le(sum, 10 * 1000 + 100); /* and what was saved up */
    ck_assert_uint_ge(sum, 10 * 1000 - 100);
    ck_assert_uint_le(most - least, 2); /* they take turns */
}
END_TEST

START_TEST(when_the_budget_is_used_up_messages_leave_several_at_a_time)
{
    struct outbox_message m;
    char name[16];
    unsigned taken = 0, times = 0;
    make(50, 100);
    for (unsigned i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "g%u", i);
        put(name, NULL, i);
    }
    for (uint64_t now = 1000; taken < 60; now++) {
        unsigned before = taken;
        while (outbox_next(box, now, &m))
            taken++;
        times += taken > before;
    }
    ck_assert_uint_le(times, 1 + 50 / 5); /* each pause brings five */
}
END_TEST

START_TEST(a_new_outbox_has_all_its_budget_whatever_the_time)
{
    make(4, 10);
    put("g1", "k3v9x2mq4t", 1);
    expect(0, "g1.k3v9x2mq4t", 1, 1);
}
END_TEST

START_TEST(below_the_budget_only_the_pace_counts)
{
    unsigned taken[3] = {0};
    make(4, 1000);
    busy(3, taken);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(taken[i], 2500);
}
END_TEST

START_TEST(when_the_budget_is_used_up_the_deadline_says_when_it_goes_on)
{
    struct outbox_message m;
    char name[16];
    unsigned taken = 0;
    make(4, 100);
    for (unsigned i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "g%u", i);
        put(name, NULL, i);
    }
    uint64_t now = 1000;
    while (outbox_next(box, now, &m))
        taken++;
    ck_assert_uint_eq(taken, 10); /* a tenth of a second's */
    while (taken < 50) {
        ck_assert_uint_gt(outbox_deadline(box), now);
        now = outbox_deadline(box);
        ck_assert_uint_lt(now, 2000);
        while (outbox_next(box, now, &m))
            taken++;
    }
    ck_assert_uint_ge(now, 1390);
    ck_assert_uint_eq(outbox_deadline(box), UINT64_MAX);
}
END_TEST

/* ---- offers ---------------------------------------------------------------------------------- */

START_TEST(an_offer_makes_no_item_wait)
{
    make(4, 0);
    offer("g1", "k3v9x2mq4t", 1);
    expect(1000, "g1.k3v9x2mq4t", 1, 1);
    put("g1", "k3v9x2mq4t", 2);
    ck_assert_uint_le(outbox_deadline(box), 1001);
    expect(1001, "g1.k3v9x2mq4t", 2, 2);
}
END_TEST

START_TEST(offers_wait_for_the_pace_and_join_what_goes)
{
    make(4, 0);
    put("g1", "k3v9x2mq4t", 1);
    expect(1000, "g1.k3v9x2mq4t", 1, 1);
    offer("g1", "k3v9x2mq4t", 2);
    expect_none(1003);
    expect(1004, "g1.k3v9x2mq4t", 2, 2);
    offer("g1", "k3v9x2mq4t", 3);
    expect_none(1007);
    put("g1", "k3v9x2mq4t", 4);
    expect(1007, "g1.k3v9x2mq4t", 3, 4);
    put("g1", "k3v9x2mq4t", 5); /* an item went: the next one waits again */
    expect_none(1010);
    expect(1011, "g1.k3v9x2mq4t", 5, 5);
}
END_TEST

START_TEST(an_offer_begins_no_second_message)
{
    make(4, 0);
    put_bytes("g1", 65400);
    ck_assert_int_eq(offer("g1", "k3v9x2mq4t", 1), 0);
    while (offer("g1", "k3v9x2mq4t", 1) == 0)
        ;
    ck_assert_int_eq(offer("g1", "k3v9x2mq4t", 1), -ENOBUFS);
    struct outbox_message m;
    ck_assert(outbox_next(box, 1000, &m));
    expect_none(2000);
    ck_assert_uint_eq(outbox_stats(box)->offers_dropped, 2);
    ck_assert_uint_eq(outbox_stats(box)->dropped, 0);
}
END_TEST

START_TEST(when_half_of_the_budget_is_used_offers_are_dropped)
{
    make(4, 100); /* a burst of ten */
    char name[16];
    for (unsigned i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "g%u", i);
        offer(name, "k3v9x2mq4t", i);
    }
    for (unsigned i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "g%u", i);
        snprintf(name + strlen(name), sizeof name - strlen(name), ".k3v9x2mq4t");
        expect(1000, name, i, i);
    }
    expect_none(1000);
    ck_assert_uint_eq(outbox_stats(box)->offers_dropped, 4);
    ck_assert_uint_eq(outbox_stats(box)->waiting_bytes, 0);
    ck_assert_uint_eq(outbox_deadline(box), UINT64_MAX);
    for (unsigned i = 0; i < 4; i++) { /* what is left is for items */
        put("g1", "k3v9x2mq4t", i);
        expect(1000 + 4 * i, "g1.k3v9x2mq4t", i, i);
    }
}
END_TEST

START_TEST(clear_forgets_what_waits)
{
    make(4, 0);
    put("g1", "k3v9x2mq4t", 1);
    put("g2", "k3v9x2mq4t", 2);
    outbox_clear(box);
    expect_none(1000);
    ck_assert_uint_eq(outbox_deadline(box), UINT64_MAX);
    ck_assert_uint_eq(outbox_stats(box)->waiting_bytes, 0);
    put("g1", "zzzzzzzzzz", 3);
    expect(1001, "g1.zzzzzzzzzz", 3, 3);
}
END_TEST

START_TEST(destinations_without_traffic_are_forgotten)
{
    make(4, 0);
    put("g1", "k3v9x2mq4t", 1);
    put("g2", "k3v9x2mq4t", 2);
    expect(1000, "g1.k3v9x2mq4t", 1, 1);
    expect(1000, "g2.k3v9x2mq4t", 2, 2);
    ck_assert_uint_eq(outbox_stats(box)->destinations, 2);
    put("g2", "k3v9x2mq4t", 3);
    expect(1900, "g2.k3v9x2mq4t", 3, 3);
    expect_none(2500);
    ck_assert_uint_eq(outbox_stats(box)->destinations, 1);
    expect_none(4000);
    ck_assert_uint_eq(outbox_stats(box)->destinations, 0);
}
END_TEST

START_TEST(shards_have_at_least_two_digits)
{
    ck_assert_str_eq(shard_destination(0).text, "s00");
    ck_assert_str_eq(shard_destination(31).text, "s31");
    ck_assert_str_eq(shard_destination(1023).text, "s1023");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("outbox");
    TCase *c = tcase_create("outbox");
    tcase_add_checked_fixture(c, NULL, unmake);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, the_first_item_goes_at_once);
    tcase_add_test(c, what_follows_within_the_pace_goes_together);
    tcase_add_test(c, after_a_pause_nothing_is_delayed);
    tcase_add_test(c, destinations_do_not_wait_for_each_other);
    tcase_add_test(c, several_boards_share_a_message_with_the_key_many);
    tcase_add_test(c, an_item_of_no_board_makes_the_key_many);
    tcase_add_test(c, a_fanout_has_an_empty_key);
    tcase_add_test(c, only_what_goes_to_boards_is_mandatory);
    tcase_add_test(c, a_flush_does_not_wait_for_the_pace_or_the_budget);
    tcase_add_test(c, at_the_end_all_that_waits_goes_at_once);
    tcase_add_test(c, a_long_queue_is_split_and_keeps_its_order);
    tcase_add_test(c, an_item_that_fits_no_message_is_refused);
    tcase_add_test(c, a_destination_takes_no_more_than_its_limit);
    tcase_add_test(c, all_destinations_together_take_no_more_than_the_limit);
    tcase_add_test(c, the_budget_holds_however_many_destinations_are_busy);
    tcase_add_test(c, when_the_budget_is_used_up_messages_leave_several_at_a_time);
    tcase_add_test(c, a_new_outbox_has_all_its_budget_whatever_the_time);
    tcase_add_test(c, below_the_budget_only_the_pace_counts);
    tcase_add_test(c, when_the_budget_is_used_up_the_deadline_says_when_it_goes_on);
    tcase_add_test(c, an_offer_makes_no_item_wait);
    tcase_add_test(c, offers_wait_for_the_pace_and_join_what_goes);
    tcase_add_test(c, an_offer_begins_no_second_message);
    tcase_add_test(c, when_half_of_the_budget_is_used_offers_are_dropped);
    tcase_add_test(c, clear_forgets_what_waits);
    tcase_add_test(c, destinations_without_traffic_are_forgotten);
    tcase_add_test(c, shards_have_at_least_two_digits);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
