/* SPDX-License-Identifier: Apache-2.0
 *
 * The link against a real broker, EASEL_TEST_AMQP. Faults of the network are made by a small proxy
 * on the test's own loop; the link's threads do not notice the difference.
 */
#include "link_private.h"
#include "link_test.h"

/* ---- messages -------------------------------------------------------------------------------- */

START_TEST(a_message_to_oneself_arrives)
{
    struct party *p = party_up(board_config());
    ck_assert_int_eq(say(p, EXCHANGE_BOARD, p->self.text, "hello"), 0);
    UNTIL(p->count == 1);
    ck_assert_str_eq(p->heard[0].text, "hello");
    ck_assert_int_eq(p->heard[0].shard, -1);
    ck_assert_uint_eq(p->heard[0].tag, 0);
    ck_assert_uint_eq(p->ups, 1);
    party_end(p);
}
END_TEST

START_TEST(all_gateways_hear_what_is_for_all)
{
    struct party *one = party_up(gateway_config()), *two = party_up(gateway_config());
    say(one, EXCHANGE_GATEWAY, "all", "sync");
    say(one, EXCHANGE_GATEWAY, two->self.text, "for two");
    UNTIL(one->count == 1 && two->count == 2);
    ck_assert_str_eq(one->heard[0].text, "sync");
    ck_assert_str_eq(two->heard[0].text, "sync");
    ck_assert_str_eq(two->heard[1].text, "for two");
    party_end(one);
    party_end(two);
}
END_TEST

START_TEST(peers_hear_each_other)
{
    struct party *one = party_up(board_config()), *two = party_up(board_config());
    say(one, EXCHANGE_PEERS, "", "alive");
    UNTIL(one->count == 1 && two->count == 1);
    party_end(one);
    party_end(two);
}
END_TEST

START_TEST(many_messages_arrive_in_order)
{
    struct party *p = party_up(board_config());
    char text[16];
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "%u", i);
        ck_assert_int_eq(say(p, EXCHANGE_BOARD, p->self.text, text), 0);
    }
    UNTIL(p->count == 2000);
    for (unsigned i = 0; i < 2000; i++)
        ck_assert_int_eq(atoi(p->heard[i].text), i);
    ck_assert_uint_eq(link_stats(p->link)->published, 2000);
    ck_assert_uint_eq(link_stats(p->link)->received, 2000);
    ck_assert_uint_eq(link_stats(p->link)->out_bytes, 0);
    party_end(p);
}
END_TEST

START_TEST(the_longest_message_arrives_whole)
{
    struct party *p = party_up(board_config());
    struct buf body = {0};
    buf_append(&body, text_of("long").data, text_of("long").len);
    memset(buf_grow(&body, BROKER_MESSAGE_BYTES_MAX - body.len), 'x',
           BROKER_MESSAGE_BYTES_MAX - body.len);
    body.len = BROKER_MESSAGE_BYTES_MAX;
    ck_assert_int_eq(say_to(p, EXCHANGE_BOARD, p->self.text, buf_span(&body)), 0);
    UNTIL(p->count == 1);
    ck_assert_uint_eq(p->heard[0].len, BROKER_MESSAGE_BYTES_MAX);
    buf_free(&body);
    party_end(p);
}
END_TEST

START_TEST(a_mandatory_message_to_nobody_comes_back)
{
    struct party *p = party_up(board_config());
    ck_assert_int_eq(say(p, EXCHANGE_BOARD, "b0000000000", "anybody?"), 0);
    UNTIL(p->returned_count == 1);
    ck_assert_int_eq(p->returned_exchange, EXCHANGE_BOARD);
    ck_assert_str_eq(p->returned_key, "b0000000000.k3v9x2mq4t");
    ck_assert_str_eq(p->returned_text, "anybody?");
    party_end(p);
}
END_TEST

START_TEST(a_message_to_a_process_that_left_comes_back)
{
    struct party *stays = party_up(board_config()), *leaves = party_up(board_config());
    struct id gone = leaves->self;
    party_end(leaves);
    say(stays, EXCHANGE_BOARD, gone.text, "anybody?");
    UNTIL(stays->returned_count == 1);
    party_end(stays);
}
END_TEST

START_TEST(a_history_process_hears_what_is_for_it_and_what_is_for_nobody_comes_back)
{
    struct party *asks = party_up(history_config()), *there = party_up(history_config());
    say(asks, EXCHANGE_HISTORY, there->self.text, "are you there?");
    UNTIL(there->count == 1);
    ck_assert_int_eq(there->heard[0].shard, -1);
    ck_assert_uint_eq(there->heard[0].tag, 0);
    say(asks, EXCHANGE_HISTORY, "h0000000000", "anybody?");
    UNTIL(asks->returned_count == 1);
    ck_assert_int_eq(asks->returned_exchange, EXCHANGE_HISTORY);
    ck_assert_str_eq(asks->returned_text, "anybody?");
    party_end(asks);
    party_end(there);
}
END_TEST

/* ---- shards ---------------------------------------------------------------------------------- */

START_TEST(a_bound_shard_is_heard_until_it_is_unbound)
{
    struct party *p = party_up(board_config());
    link_bind(p->link, 7, true);
    UNTIL(p->held[7]);
    say(p, EXCHANGE_BOARD, "s07", "bound");
    UNTIL(p->count == 1);
    link_bind(p->link, 7, false);
    UNTIL(!p->held[7]);
    say(p, EXCHANGE_BOARD, "s07", "unbound");
    UNTIL(p->returned_count == 1);
    ck_assert_str_eq(p->returned_text, "unbound");
    ck_assert_uint_eq(p->count, 1);
    party_end(p);
}
END_TEST

START_TEST(shards_wanted_before_the_link_is_up_are_reported_after_up)
{
    struct link_config config = board_config();
    struct party *p = party_start(&loop, &config);
    for (unsigned s = 0; s < SHARDS; s += 2)
        link_bind(p->link, s, true);
    UNTIL(p->held[30]);
    ck_assert_uint_eq(p->ups, 1);
    for (unsigned s = 0; s < SHARDS; s++)
        ck_assert_int_eq(p->held[s], s % 2 == 0);
    party_end(p);
}
END_TEST

START_TEST(what_is_for_history_waits_for_a_consumer)
{
    struct party *board = party_up(board_config());
    say(board, EXCHANGE_HISTORY, "s03", "append");
    struct party *history = party_up(history_config());
    link_consume(history->link, 3, true);
    UNTIL(history->count == 1);
    ck_assert(history->held[3]);
    ck_assert_int_eq(history->heard[0].shard, 3);
    ck_assert_uint_ne(history->heard[0].tag, 0);
    ck_assert_str_eq(history->heard[0].text, "append");
    link_done(history->link, history->heard[0].tag);
    party_end(history);
    party_end(board);
}
END_TEST

START_TEST(no_more_than_the_prefetch_comes_before_something_is_done)
{
    struct party *board = party_up(board_config()), *history = party_up(history_config());
    link_consume(history->link, 4, true);
    say(board, EXCHANGE_HISTORY, "s04", "1");
    say(board, EXCHANGE_HISTORY, "s04", "2");
    say(board, EXCHANGE_HISTORY, "s04", "3");
    UNTIL(history->count == 2);
    /* Were there no limit, the third would come before this one, which goes the same way. */
    say(board, EXCHANGE_REPLAY, "", "read");
    UNTIL(history->count == 3);
    ck_assert_str_eq(history->heard[2].text, "read");
    ck_assert_int_eq(history->heard[2].shard, -1);
    link_done(history->link, history->heard[2].tag);
    link_done(history->link, history->heard[0].tag);
    UNTIL(history->count == 4);
    ck_assert_str_eq(history->heard[3].text, "3");
    link_done(history->link, history->heard[1].tag);
    link_done(history->link, history->heard[3].tag);
    party_end(history);
    party_end(board);
}
END_TEST

START_TEST(a_shard_let_go_passes_on_with_what_is_not_done)
{
    struct party *board = party_up(board_config());
    struct party *old = party_up(history_config()), *new = party_up(history_config());
    link_consume(old->link, 5, true);
    UNTIL(old->held[5]);
    link_consume(new->link, 5, true);
    UNTIL(new->held[5]);
    say(board, EXCHANGE_HISTORY, "s05", "done");
    say(board, EXCHANGE_HISTORY, "s05", "not done");
    UNTIL(old->count == 2);
    ck_assert_uint_eq(new->count, 0); /* a single active consumer */
    link_done(old->link, old->heard[0].tag);
    link_consume(old->link, 5, false);
    UNTIL(!old->held[5] && new->count == 1);
    ck_assert_str_eq(new->heard[0].text, "not done");
    link_done(old->link, old->heard[1].tag); /* too late: ignored */
    link_done(new->link, new->heard[0].tag);
    say(board, EXCHANGE_HISTORY, "s05", "next");
    UNTIL(new->count == 2);
    link_done(new->link, new->heard[1].tag);
    ck_assert_uint_eq(old->count, 2);
    party_end(old);
    party_end(new);
    party_end(board);
}
END_TEST

START_TEST(a_shard_can_be_taken_again)
{
    struct party *board = party_up(board_config()), *history = party_up(history_config());
    char text[16];
    uint64_t begun = uv_hrtime();
    for (unsigned i = 0; i < 20; i++) {
        link_consume(history->link, 6, true);
        UNTIL(history->held[6]);
        snprintf(text, sizeof text, "%u", i);
        say(board, EXCHANGE_HISTORY, "s06", text);
        UNTIL(history->count == i + 1);
        ck_assert_str_eq(history->heard[i].text, text);
        link_done(history->link, history->heard[i].tag);
        link_consume(history->link, 6, false);
        UNTIL(!history->held[6]);
    }
    /* The thread is woken for each of these 60 orders; it does not only look now and then. */
    ck_assert_uint_lt(uv_hrtime() - begun, UINT64_C(15000000000));
    ck_assert_uint_eq(history->downs, 0);
    party_end(history);
    party_end(board);
}
END_TEST

START_TEST(replay_requests_are_shared_out)
{
    struct party *gateway = party_up(gateway_config());
    struct party *one = party_up(history_config()), *two = party_up(history_config());
    for (unsigned i = 0; i < 4; i++)
        say(gateway, EXCHANGE_REPLAY, "", "read");
    UNTIL(one->count + two->count == 4); /* the prefetch is 2 */
    ck_assert_uint_eq(one->count, 2);
    for (unsigned i = 0; i < 2; i++) {
        link_done(one->link, one->heard[i].tag);
        link_done(two->link, two->heard[i].tag);
    }
    party_end(one);
    party_end(two);
    party_end(gateway);
}
END_TEST

/* ---- trouble --------------------------------------------------------------------------------- */

START_TEST(after_a_cut_the_link_comes_up_again_with_all_bindings)
{
    struct link_config config = board_config();
    config.broker.url = proxy_start();
    struct party *p = party_up(config);
    link_bind(p->link, 7, true);
    UNTIL(p->held[7]);
    proxy_cut();
    UNTIL(p->downs == 1 && !p->held[7]);
    ck_assert_str_ne(link_trouble(p->link), "");
    UNTIL(p->ups == 2 && p->held[7]);
    ck_assert_str_eq(link_trouble(p->link), "");
    say(p, EXCHANGE_BOARD, "s07", "again");
    say(p, EXCHANGE_BOARD, p->self.text, "and again");
    UNTIL(p->count == 2);
    link_destroy(p->link, 0);
    free(p);
    proxy_end();
}
END_TEST

/* The two threads connect anew at the same time: what one tells may come in the midst of what the
 * other tells. */
/* [D3] */
START_TEST(a_shard_is_held_again_whichever_connection_is_back_first)
{
    for (int publisher_first = 0; publisher_first < 2; publisher_first++) {
        struct party *p = party_up(board_config());
        link_bind(p->link, 7, true);
        UNTIL(p->held[7]);
        link_note_state(p->link, NOTE_CONSUMER, false, "cut");
        link_note_state(p->link, NOTE_PUBLISHER, false, "cut");
        UNTIL(p->downs == 1 && !p->held[7]);
        if (publisher_first)
            link_note_state(p->link, NOTE_PUBLISHER, true, "");
        struct note *bound = note_new(NOTE_SHARD, (struct span){0});
        bound->shard = 7;
        bound->yes = true;
        link_note(p->link, bound, NULL);
        if (!publisher_first)
            link_note_state(p->link, NOTE_PUBLISHER, true, "");
        link_note_state(p->link, NOTE_CONSUMER, true, "");
        UNTIL(p->ups == 2);
        ck_assert(p->held[7]);
        party_end(p);
    }
}
END_TEST

START_TEST(what_was_not_done_before_a_cut_comes_again)
{
    struct link_config config = history_config();
    config.broker.url = proxy_start();
    struct party *board = party_up(board_config()), *history = party_up(config);
    link_consume(history->link, 8, true);
    say(board, EXCHANGE_HISTORY, "s08", "append");
    UNTIL(history->count == 1);
    proxy_cut();
    UNTIL(history->count == 2);
    ck_assert_str_eq(history->heard[1].text, "append");
    ck_assert_uint_ne(history->heard[0].tag, history->heard[1].tag);
    link_done(history->link, history->heard[0].tag); /* of the connection that is gone */
    link_done(history->link, history->heard[1].tag);
    say(board, EXCHANGE_HISTORY, "s08", "next");
    UNTIL(history->count == 3);
    link_done(history->link, history->heard[2].tag);
    link_consume(history->link, 8, false);
    UNTIL(!history->held[8]);
    ck_assert_uint_eq(history->downs, 1);
    link_destroy(history->link, 0);
    free(history);
    party_end(board);
    proxy_end();
}
END_TEST

static const char BLOCKED[] = "\x01\0\0\0\0\0\x0a\0\x0a\0\x3c\x05"
                              "alarm\xce";
static const char UNBLOCKED[] = "\x01\0\0\0\0\0\x04\0\x0a\0\x3d\xce";

START_TEST(a_broker_with_an_alarm_counts_as_down_until_it_is_over)
{
    struct link_config config = board_config();
    config.broker.url = proxy_start();
    struct party *p = party_up(config), *other = party_up(board_config());
    proxy_say(BLOCKED, sizeof BLOCKED - 1);
    UNTIL(p->downs == 1);
    ck_assert(link_stats(p->link)->blocked);
    ck_assert_int_eq(say(p, EXCHANGE_BOARD, p->self.text, "lost"), -ENOTCONN);
    say(other, EXCHANGE_BOARD, p->self.text, "we still hear");
    UNTIL(p->count == 1);
    proxy_say(UNBLOCKED, sizeof UNBLOCKED - 1);
    UNTIL(p->ups == 2);
    ck_assert_int_eq(say(p, EXCHANGE_BOARD, p->self.text, "after"), 0);
    UNTIL(p->count == 2);
    ck_assert_str_eq(p->heard[1].text, "after");
    ck_assert_uint_eq(link_stats(p->link)->connects, 2);
    ck_assert_uint_eq(link_stats(p->link)->dropped, 1);
    link_destroy(p->link, 0);
    free(p);
    party_end(other);
    proxy_end();
}
END_TEST

START_TEST(a_frozen_broker_never_blocks_the_loop_and_is_given_up)
{
    struct link_config config = board_config();
    config.broker.url = proxy_start();
    struct party *p = party_up(config);
    static uint8_t big[BROKER_MESSAGE_BYTES_MAX];
    proxy_freeze(BOTH, true);
    int r;
    uint64_t begun = uv_hrtime();
    while ((r = say_to(p, EXCHANGE_BOARD, p->self.text, (struct span){big, sizeof big})) == 0)
        ;
    ck_assert_int_eq(r, -ENOBUFS);
    ck_assert_uint_lt(uv_hrtime() - begun, UINT64_C(3000000000));
    ck_assert_uint_le(link_stats(p->link)->out_bytes, LINK_OUT_BYTES_MAX);
    ck_assert_uint_ge(link_stats(p->link)->dropped, 1);
    UNTIL(p->downs == 1); /* after some seconds without progress */
    UNTIL(p->ups == 2);
    ck_assert_uint_eq(link_stats(p->link)->out_bytes, 0);
    link_destroy(p->link, 0);
    free(p);
    proxy_end();
}
END_TEST

/* Nothing is under way, so neither TCP nor anybody who waits for an answer can notice. */
/* [D2] */
START_TEST(a_connection_that_carries_nothing_is_noticed_and_made_anew)
{
    struct link_config config = gateway_config();
    config.broker.url = proxy_start();
    struct party *p = party_up(config);
    const enum half halves[] = {PUBLISHING, CONSUMING, BOTH};
    for (unsigned i = 0; i < 3; i++) {
        proxy_freeze(halves[i], true);
        UNTIL(p->silent);
        ck_assert(link_stats(p->link)->silent && p->up);
        UNTIL(p->downs == i + 1);
        UNTIL(p->ups == i + 2);
        ck_assert(!link_stats(p->link)->silent);
        say(p, EXCHANGE_GATEWAY, p->self.text, "again");
        UNTIL(p->count == i + 1);
    }
    ck_assert_uint_eq(p->silences, 3);
    link_destroy(p->link, 0);
    free(p);
    proxy_end();
}
END_TEST

START_TEST(a_link_that_was_silent_for_a_moment_stays)
{
    struct link_config config = history_config();
    config.broker.url = proxy_start();
    struct party *p = party_up(config);
    proxy_freeze(BOTH, true);
    UNTIL(p->silent);
    proxy_freeze(BOTH, false);
    UNTIL(!p->silent);
    say(p, EXCHANGE_HISTORY, p->self.text, "still here");
    UNTIL(p->count == 1);
    ck_assert_uint_eq(p->downs, 0);
    ck_assert_uint_eq(link_stats(p->link)->connects, 2);
    link_destroy(p->link, 0);
    free(p);
    proxy_end();
}
END_TEST

static void on_turn(uv_timer_t *timer)
{
    (void)timer;
}

START_TEST(a_loop_that_does_not_turn_makes_the_link_stop_reading)
{
    uv_loop_t slow;
    uv_loop_init(&slow);
    struct link_config config = board_config();
    struct party *reader = party_start(&slow, &config), *writer = party_up(board_config());
    UNTIL_ON(&slow, link_stats(reader->link)->up);
    static uint8_t big[BROKER_MESSAGE_BYTES_MAX];
    memcpy(big, text_of("big").data, text_of("big").len);
    unsigned sent = 0;
    static uv_timer_t turn; /* so that the writer's loop turns while its thread works */
    uv_timer_init(&loop, &turn);
    uv_timer_start(&turn, on_turn, 1, 1);
    for (; sent < (24u << 20) / sizeof big; sent++) {
        UNTIL(link_stats(writer->link)->out_bytes < LINK_OUT_BYTES_MAX / 2);
        ck_assert_int_eq(
            say_to(writer, EXCHANGE_BOARD, reader->self.text, (struct span){big, sizeof big}), 0);
    }
    UNTIL(link_stats(reader->link)->in_bytes >= LINK_IN_BYTES_MAX);
    ck_assert_uint_lt(link_stats(reader->link)->in_bytes, LINK_IN_BYTES_MAX + 2 * sizeof big);
    UNTIL_ON(&slow, reader->count == sent);
    uv_close((uv_handle_t *)&turn, NULL);
    party_end(writer);
    party_end(reader);
    while (uv_run(&slow, UV_RUN_DEFAULT))
        ;
    ck_assert_int_eq(uv_loop_close(&slow), 0);
}
END_TEST

/* [D1] Beyond what is on its way to it, only the newest wait at the broker, and not for long. */
START_TEST(a_process_that_takes_nothing_does_not_fill_the_broker)
{
    uv_loop_t frozen;
    uv_loop_init(&frozen);
    struct link_config config = board_config();
    struct party *reader = party_start(&frozen, &config), *writer = party_up(board_config());
    UNTIL_ON(&frozen, link_stats(reader->link)->up);
    static uint8_t big[BROKER_MESSAGE_BYTES_MAX];
    memcpy(big, text_of("big").data, text_of("big").len);
    static uv_timer_t turn; /* so that the writer's loop turns while its thread works */
    uv_timer_init(&loop, &turn);
    uv_timer_start(&turn, on_turn, 1, 1);
    unsigned sent = 0;
    for (; sent < (96u << 20) / sizeof big; sent++) {
        UNTIL(link_stats(writer->link)->out_bytes < LINK_OUT_BYTES_MAX / 2);
        ck_assert_int_eq(
            say_to(writer, EXCHANGE_BOARD, reader->self.text, (struct span){big, sizeof big}), 0);
    }
    say(writer, EXCHANGE_BOARD, reader->self.text, "last");
    UNTIL(link_stats(writer->link)->out_bytes == 0);
    UNTIL_ON(&frozen,
             reader->count > 0 && strcmp(reader->heard[reader->count - 1].text, "last") == 0);
    ck_assert_uint_lt(reader->count, sent);
    uv_close((uv_handle_t *)&turn, NULL);
    party_end(writer);
    party_end(reader);
    while (uv_run(&frozen, UV_RUN_DEFAULT))
        ;
    ck_assert_int_eq(uv_loop_close(&frozen), 0);
}
END_TEST

START_TEST(destroy_first_publishes_what_waits)
{
    struct party *stays = party_up(board_config()), *leaves = party_up(board_config());
    for (unsigned i = 0; i < 1000; i++)
        say(leaves, EXCHANGE_BOARD, stays->self.text, "bye");
    party_end(leaves);
    UNTIL(stays->count == 1000);
    party_end(stays);
}
END_TEST

START_TEST(without_a_broker_the_link_is_down_and_says_why)
{
    struct link_config config = board_config();
    config.broker.url = "amqp://127.0.0.1:1/";
    struct party *p = party_start(&loop, &config);
    UNTIL(p->troubles == 1);
    ck_assert_ptr_nonnull(strstr(link_trouble(p->link), "127.0.0.1 port 1"));
    ck_assert_int_eq(say(p, EXCHANGE_BOARD, p->self.text, "lost"), -ENOTCONN);
    party_end(p);
}
END_TEST

START_TEST(a_broker_that_comes_later_is_found)
{
    struct link_config config = board_config();
    config.broker.url = proxy_start();
    proxy.deaf = true;
    struct party *p = party_start(&loop, &config);
    UNTIL(*link_trouble(p->link));
    proxy.deaf = false;
    UNTIL(p->ups == 1);
    ck_assert_uint_eq(p->downs, 0);
    link_destroy(p->link, 0);
    free(p);
    proxy_end();
}
END_TEST

START_TEST(a_wrong_password_is_named)
{
    struct link_config config = board_config();
    char url[128];
    snprintf(url, sizeof url, "amqp://easel:wrong%s", strrchr(broker_url(), '@'));
    config.broker.url = url;
    struct party *p = party_start(&loop, &config);
    UNTIL(strstr(link_trouble(p->link), "ACCESS_REFUSED"));
    party_end(p);
}
END_TEST

START_TEST(user_and_password_of_their_own_win_over_those_of_the_address)
{
    struct link_config config = board_config();
    char url[128], user[64], password[128];
    ck_assert_int_eq(sscanf(broker_url(), "amqp://%63[^:]:%127[^@]", user, password), 2);
    snprintf(url, sizeof url, "amqp://nobody:wrong%s", strrchr(broker_url(), '@'));
    config.broker.url = url;
    config.broker.user = user;
    config.broker.password = password;
    party_end(party_up(config));
}
END_TEST

START_TEST(history_queues_that_are_of_another_kind_are_named_with_the_setting)
{
    struct link_config config = board_config();
    party_end(party_up(config)); /* classic ones are there now */
    config.quorum = true;
    struct party *p = party_start(&loop, &config);
    UNTIL(strstr(link_trouble(p->link), "EASEL_QUORUM is 1 here"));
    UNTIL(p->troubles == 1);
    ck_assert_ptr_nonnull(strstr(link_trouble(p->link), "history."));
    party_end(p);
}
END_TEST

START_TEST(a_url_that_is_none_is_refused)
{
    struct link_config config = board_config();
    struct link *link;
    config.broker.url = "http://127.0.0.1/";
    ck_assert_int_eq(link_create(&loop, &config, &EVENTS, NULL, &link), -EINVAL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("link");
    TCase *c = tcase_create("link");
    tcase_add_checked_fixture(c, begin, end);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_message_to_oneself_arrives);
    tcase_add_test(c, all_gateways_hear_what_is_for_all);
    tcase_add_test(c, peers_hear_each_other);
    tcase_add_test(c, many_messages_arrive_in_order);
    tcase_add_test(c, the_longest_message_arrives_whole);
    tcase_add_test(c, a_mandatory_message_to_nobody_comes_back);
    tcase_add_test(c, a_message_to_a_process_that_left_comes_back);
    tcase_add_test(c, a_history_process_hears_what_is_for_it_and_what_is_for_nobody_comes_back);
    tcase_add_test(c, a_bound_shard_is_heard_until_it_is_unbound);
    tcase_add_test(c, shards_wanted_before_the_link_is_up_are_reported_after_up);
    tcase_add_test(c, what_is_for_history_waits_for_a_consumer);
    tcase_add_test(c, no_more_than_the_prefetch_comes_before_something_is_done);
    tcase_add_test(c, a_shard_let_go_passes_on_with_what_is_not_done);
    tcase_add_test(c, a_shard_can_be_taken_again);
    tcase_add_test(c, replay_requests_are_shared_out);
    tcase_add_test(c, after_a_cut_the_link_comes_up_again_with_all_bindings);
    tcase_add_test(c, a_shard_is_held_again_whichever_connection_is_back_first);
    tcase_add_test(c, what_was_not_done_before_a_cut_comes_again);
    tcase_add_test(c, a_broker_with_an_alarm_counts_as_down_until_it_is_over);
    tcase_add_test(c, a_frozen_broker_never_blocks_the_loop_and_is_given_up);
    tcase_add_test(c, a_connection_that_carries_nothing_is_noticed_and_made_anew);
    tcase_add_test(c, a_link_that_was_silent_for_a_moment_stays);
    tcase_add_test(c, a_loop_that_does_not_turn_makes_the_link_stop_reading);
    tcase_add_test(c, a_process_that_takes_nothing_does_not_fill_the_broker);
    tcase_add_test(c, destroy_first_publishes_what_waits);
    tcase_add_test(c, without_a_broker_the_link_is_down_and_says_why);
    tcase_add_test(c, a_broker_that_comes_later_is_found);
    tcase_add_test(c, a_wrong_password_is_named);
    tcase_add_test(c, user_and_password_of_their_own_win_over_those_of_the_address);
    tcase_add_test(c, history_queues_that_are_of_another_kind_are_named_with_the_setting);
    tcase_add_test(c, a_url_that_is_none_is_refused);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
