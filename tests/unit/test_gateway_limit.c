/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"

#define SECOND UINT64_C(1000000)

/* ---- addresses ------------------------------------------------------------------------------ */

/* As text: what IPv6 would write, with IPv4 in its mapped form. */
static const char *show(const struct address *a)
{
    static char text[INET6_ADDRSTRLEN];
    return inet_ntop(AF_INET6, a->byte, text, sizeof text);
}

static struct address address(const char *text)
{
    struct address a;
    ck_assert_msg(address_parse(span_of(text), &a) == 0, "%s", text);
    return a;
}

static void expect_address(const char *text, const char *wanted)
{
    struct address a = address(text);
    ck_assert_str_eq(show(&a), wanted);
}

START_TEST(addresses_are_read_with_and_without_ports_and_brackets)
{
    expect_address("192.0.2.7", "::ffff:192.0.2.7");
    expect_address(" 192.0.2.7\t", "::ffff:192.0.2.7");
    expect_address("192.0.2.7:443", "::ffff:192.0.2.7");
    expect_address("2001:db8::1", "2001:db8::1");
    expect_address("[2001:db8::1]", "2001:db8::1");
    expect_address("[2001:db8::1]:443", "2001:db8::1");
    expect_address("::ffff:192.0.2.7", "::ffff:192.0.2.7");
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    static const char *const wrong[] = {
        "",
        " ",
        "unknown",
        "192.0.2",
        "192.0.2.256",
        "1.2.3.4.5",
        "[2001:db8::1",
        "[]",
        ":",
        "::g",
        "192.0.2.7 x",
        "_hidden",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
    };
    struct address a;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(address_parse(span_of(wrong[i]), &a) == -EINVAL, "%s", wrong[i]);
}
END_TEST

static bool within(const char *networks, const char *a)
{
    struct networks list;
    ck_assert_msg(networks_parse(networks, &list) == 0, "%s", networks);
    struct address parsed = address(a);
    return networks_have(&list, &parsed);
}

START_TEST(a_network_holds_the_addresses_with_its_first_bits)
{
    ck_assert(within("10.0.0.0/8", "10.200.3.4"));
    ck_assert(!within("10.0.0.0/8", "11.0.0.1"));
    ck_assert(within("192.0.2.128/25", "192.0.2.129"));
    ck_assert(!within("192.0.2.128/25", "192.0.2.127"));
    ck_assert(within("192.0.2.7", "192.0.2.7"));
    ck_assert(!within("192.0.2.7", "192.0.2.6"));
    ck_assert(within("192.0.2.1, 2001:db8::/33", "2001:db8:7fff::1"));
    ck_assert(!within("192.0.2.1, 2001:db8::/33", "2001:db8:8000::1"));
    ck_assert(within("0.0.0.0/0", "203.0.113.9"));
    ck_assert(!within("0.0.0.0/0", "2001:db8::1"));
    ck_assert(within("::/0", "2001:db8::1"));
    ck_assert(!within("", "127.0.0.1"));
}
END_TEST

START_TEST(what_is_no_list_of_networks_is_refused)
{
    static const char *const wrong[] = {
        "the balancer",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/",
        "10.0.0.0/x",
        "10.0.0.0/-1",
        "10.0.0.0/8,,127.0.0.1",
        "10.0.0.0/8/8",
        "10.0.0.0/99999999999",
    };
    struct networks list;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(networks_parse(wrong[i], &list) == -EINVAL, "%s", wrong[i]);
    char many[NETWORKS_MAX * 10 + 10] = "";
    for (int i = 0; i <= NETWORKS_MAX; i++)
        strcat(many, "10.0.0.1,");
    ck_assert_int_eq(networks_parse(many, &list), -E2BIG);
}
END_TEST

static const char *client(const char *peer, const char *forwarded_for)
{
    struct networks trusted;
    ck_assert_int_eq(networks_parse("10.0.0.0/8,fd00::/8", &trusted), 0);
    struct address p = address(peer), c = client_address(&trusted, &p, span_of(forwarded_for));
    return show(&c);
}

START_TEST(the_client_is_the_rightmost_address_that_is_not_trusted)
{
    ck_assert_str_eq(client("10.0.0.1", "192.0.2.7"), "::ffff:192.0.2.7");
    ck_assert_str_eq(client("10.0.0.1", "198.51.100.1, 192.0.2.7"), "::ffff:192.0.2.7");
    ck_assert_str_eq(client("10.0.0.1", "192.0.2.7,10.0.0.2 , fd00::3"), "::ffff:192.0.2.7");
}
END_TEST

START_TEST(who_is_no_proxy_cannot_name_another_address)
{
    ck_assert_str_eq(client("203.0.113.5", "192.0.2.7"), "::ffff:203.0.113.5");
}
END_TEST

START_TEST(a_list_that_cannot_be_read_on_ends_at_the_last_proxy)
{
    ck_assert_str_eq(client("10.0.0.1", ""), "::ffff:10.0.0.1");
    ck_assert_str_eq(client("10.0.0.1", "unknown"), "::ffff:10.0.0.1");
    ck_assert_str_eq(client("10.0.0.1", "192.0.2.7, what, 10.0.0.2"), "::ffff:10.0.0.2");
    ck_assert_str_eq(client("10.0.0.1", "192.0.2.7,,10.0.0.2"), "::ffff:10.0.0.2");
    ck_assert_str_eq(client("10.0.0.1", "10.0.0.3,10.0.0.2"), "::ffff:10.0.0.3");
}
END_TEST

/* ---- buckets -------------------------------------------------------------------------------- */

static const struct rate ONE_A_SECOND = {SECOND, 3};

START_TEST(a_full_bucket_gives_its_burst_and_then_one_at_a_time)
{
    struct bucket b = {0};
    uint64_t now = 100 * SECOND;
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(bucket_take(&b, ONE_A_SECOND, now, 1), 0);
    ck_assert_uint_eq(bucket_take(&b, ONE_A_SECOND, now, 1), SECOND);
    ck_assert_uint_eq(bucket_take(&b, ONE_A_SECOND, now + SECOND / 2, 1), SECOND / 2);
    ck_assert_uint_eq(bucket_take(&b, ONE_A_SECOND, now + SECOND, 1), 0);
    ck_assert_uint_ne(bucket_take(&b, ONE_A_SECOND, now + SECOND, 1), 0);
}
END_TEST

START_TEST(a_bucket_never_holds_more_than_its_burst)
{
    struct bucket b = {0};
    ck_assert_uint_eq(bucket_take(&b, ONE_A_SECOND, 1000 * SECOND, 3), 0);
    ck_assert_uint_eq(bucket_take(&b, ONE_A_SECOND, 9000 * SECOND, 3), 0);
    ck_assert_uint_ne(bucket_take(&b, ONE_A_SECOND, 9000 * SECOND, 1), 0);
}
END_TEST

START_TEST(a_charged_bucket_owes_until_the_time_has_passed)
{
    struct bucket b = {0};
    uint64_t now = 100 * SECOND;
    bucket_charge(&b, ONE_A_SECOND, now, 3);
    ck_assert_uint_eq(bucket_debt_us(&b, ONE_A_SECOND, now), 0);
    bucket_charge(&b, ONE_A_SECOND, now, 2);
    ck_assert_uint_eq(bucket_debt_us(&b, ONE_A_SECOND, now), 2 * SECOND);
    ck_assert_uint_eq(bucket_debt_us(&b, ONE_A_SECOND, now + 2 * SECOND), 0);
}
END_TEST

/* ---- the table ------------------------------------------------------------------------------ */

static struct limits *table(uint64_t rows)
{
    struct limits_config config = {
        .addresses_max = rows,
        .connections_max = 100,
        .per_address = {[HOLD_CONNECTIONS] = 2, [HOLD_QUESTIONS] = 2, [HOLD_BYTES] = 1000},
        .quota =
            {[LIMIT_CREATES] = {2, 60}, [LIMIT_CREATES_DAY] = {4, 86400}, [LIMIT_CODES] = {3, 60}},
    };
    return limits_create(&config);
}

static struct address numbered(unsigned n)
{
    char text[32];
    snprintf(text, sizeof text, "10.%u.%u.%u", n >> 16 & 255, n >> 8 & 255, n & 255);
    return address(text);
}

START_TEST(an_address_has_at_most_so_many_connections)
{
    struct limits *l = table(10);
    struct address a = numbered(1), b = numbered(2);
    ck_assert(limits_hold(l, &a, HOLD_CONNECTIONS, 1));
    ck_assert(limits_may_connect_from(l, &a));
    ck_assert(limits_hold(l, &a, HOLD_CONNECTIONS, 1));
    ck_assert(!limits_may_connect_from(l, &a));
    ck_assert(limits_may_connect_from(l, &b));
    ck_assert(!limits_hold(l, &a, HOLD_CONNECTIONS, 1));
    ck_assert(limits_hold(l, &b, HOLD_CONNECTIONS, 1));
    limits_release(l, &a, HOLD_CONNECTIONS, 1);
    ck_assert(limits_hold(l, &a, HOLD_CONNECTIONS, 1));
    ck_assert_uint_eq(limits_stats(l)->refused_holding[HOLD_CONNECTIONS], 1);
    limits_destroy(l);
}
END_TEST

START_TEST(all_together_have_at_most_so_many_connections)
{
    struct limits *l = table(10);
    for (int i = 0; i < 100; i++) {
        ck_assert(limits_may_connect(l));
        ck_assert(limits_connect(l));
    }
    ck_assert(!limits_may_connect(l));
    ck_assert_uint_eq(limits_stats(l)->refused_holding[HOLD_CONNECTIONS], 0);
    ck_assert(!limits_connect(l));
    limits_disconnect(l);
    ck_assert(limits_connect(l));
    limits_destroy(l);
}
END_TEST

START_TEST(an_ipv6_customer_counts_as_one_address)
{
    struct limits *l = table(10);
    struct address a = address("2001:db8:0:1::1"), b = address("2001:db8:0:1:ffff::2"),
                   other = address("2001:db8:0:2::1");
    ck_assert(limits_hold(l, &a, HOLD_CONNECTIONS, 1));
    ck_assert(limits_hold(l, &b, HOLD_CONNECTIONS, 1));
    ck_assert(!limits_hold(l, &a, HOLD_CONNECTIONS, 1));
    ck_assert(limits_hold(l, &other, HOLD_CONNECTIONS, 1));
    limits_destroy(l);
}
END_TEST

static unsigned take(struct limits *l, uint64_t now_us, const struct address *a, enum limit what)
{
    unsigned seconds = limits_wait(l, now_us, a, what);
    if (seconds == 0)
        limits_charge(l, now_us, a, what);
    return seconds;
}

START_TEST(above_the_rate_it_says_after_how_many_seconds_to_ask_again)
{
    struct limits *l = table(10);
    struct address a = numbered(1), b = numbered(2);
    uint64_t now = 1000 * SECOND;
    ck_assert_uint_eq(take(l, now, &a, LIMIT_CREATES), 0);
    ck_assert_uint_eq(take(l, now, &a, LIMIT_CREATES), 0);
    ck_assert_uint_eq(take(l, now, &a, LIMIT_CREATES), 30);
    ck_assert_uint_eq(take(l, now + SECOND / 10, &a, LIMIT_CREATES), 30);
    ck_assert_uint_eq(take(l, now + 29 * SECOND, &a, LIMIT_CREATES), 1);
    ck_assert_uint_eq(take(l, now, &a, LIMIT_CODES), 0);
    ck_assert_uint_eq(take(l, now, &b, LIMIT_CREATES), 0);
    ck_assert_uint_eq(take(l, now + 30 * SECOND, &a, LIMIT_CREATES), 0);
    ck_assert_uint_eq(limits_stats(l)->refused[LIMIT_CREATES], 3);
    limits_destroy(l);
}
END_TEST

START_TEST(a_quota_of_a_day_comes_back_over_the_day)
{
    struct limits *l = table(10);
    struct address a = numbered(1);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(take(l, SECOND, &a, LIMIT_CREATES_DAY), 0);
    ck_assert_uint_eq(take(l, SECOND, &a, LIMIT_CREATES_DAY), 6 * 3600);
    ck_assert_uint_eq(take(l, (6 * 3600 + 1) * SECOND, &a, LIMIT_CREATES_DAY), 0);
    limits_destroy(l);
}
END_TEST

START_TEST(what_costs_nothing_may_be_asked_for_ever)
{
    struct limits *l = table(10);
    struct address a = numbered(1);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_eq(limits_wait(l, SECOND, &a, LIMIT_CODES), 0);
    limits_destroy(l);
}
END_TEST

START_TEST(an_address_may_owe_and_waits_longer)
{
    struct limits *l = table(10);
    struct address a = numbered(1);
    for (int i = 0; i < 5; i++) /* all were asked before the first was wrong */
        limits_charge(l, SECOND, &a, LIMIT_CREATES);
    ck_assert_uint_eq(limits_wait(l, SECOND, &a, LIMIT_CREATES), 4 * 30);
    limits_destroy(l);
}
END_TEST

START_TEST(an_address_has_so_many_questions_under_way_and_another_its_own)
{
    struct limits *l = table(2);
    struct address a = numbered(1), b = numbered(2);
    ck_assert(limits_hold(l, &a, HOLD_QUESTIONS, 1));
    ck_assert(limits_hold(l, &a, HOLD_QUESTIONS, 1));
    ck_assert(!limits_hold(l, &a, HOLD_QUESTIONS, 1));
    ck_assert(limits_hold(l, &b, HOLD_QUESTIONS, 1));
    struct address many = numbered(3); /* no row is free: those two are in use */
    ck_assert(!limits_hold(l, &many, HOLD_QUESTIONS, 1));
    limits_release(l, &a, HOLD_QUESTIONS, 1);
    ck_assert(limits_hold(l, &a, HOLD_QUESTIONS, 1));
    ck_assert_uint_eq(limits_stats(l)->refused_holding[HOLD_QUESTIONS], 2);
    limits_destroy(l);
}
END_TEST

START_TEST(an_address_has_so_many_bytes_of_unfinished_messages)
{
    struct limits *l = table(10);
    struct address a = numbered(1), b = numbered(2);
    ck_assert(limits_hold(l, &a, HOLD_BYTES, 600));
    ck_assert(!limits_hold(l, &a, HOLD_BYTES, 401));
    ck_assert(limits_hold(l, &a, HOLD_BYTES, 400));
    ck_assert(limits_hold(l, &b, HOLD_BYTES, 1000));
    limits_release(l, &a, HOLD_BYTES, 1000);
    ck_assert(limits_hold(l, &a, HOLD_BYTES, 1000));
    limits_destroy(l);
}
END_TEST

START_TEST(a_full_table_forgets_rates_but_never_connections)
{
    struct limits *l = table(8);
    struct address held = numbered(0);
    ck_assert(limits_hold(l, &held, HOLD_CONNECTIONS, 1));
    ck_assert(limits_hold(l, &held, HOLD_CONNECTIONS, 1));
    for (unsigned i = 1; i < 1000; i++) {
        struct address a = numbered(i);
        ck_assert_uint_eq(take(l, SECOND, &a, LIMIT_CODES), 0);
    }
    ck_assert_uint_eq(limits_stats(l)->addresses, 8);
    ck_assert_uint_eq(limits_stats(l)->forgotten, 992);
    ck_assert(!limits_hold(l, &held, HOLD_CONNECTIONS, 1));
    limits_destroy(l);
}
END_TEST

START_TEST(a_table_full_of_connections_refuses_new_addresses)
{
    struct limits *l = table(4);
    for (unsigned i = 0; i < 4; i++) {
        struct address a = numbered(i);
        ck_assert(limits_hold(l, &a, HOLD_CONNECTIONS, 1));
    }
    struct address late = numbered(9), first = numbered(0);
    ck_assert(!limits_hold(l, &late, HOLD_CONNECTIONS, 1));
    ck_assert_uint_gt(take(l, SECOND, &late, LIMIT_CODES), 0);
    limits_release(l, &first, HOLD_CONNECTIONS, 1);
    ck_assert(limits_hold(l, &late, HOLD_CONNECTIONS, 1));
    limits_destroy(l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway limit");
    TCase *c = tcase_create("limit");
    tcase_add_test(c, addresses_are_read_with_and_without_ports_and_brackets);
    tcase_add_test(c, what_is_no_address_is_refused);
    tcase_add_test(c, a_network_holds_the_addresses_with_its_first_bits);
    tcase_add_test(c, what_is_no_list_of_networks_is_refused);
    tcase_add_test(c, the_client_is_the_rightmost_address_that_is_not_trusted);
    tcase_add_test(c, who_is_no_proxy_cannot_name_another_address);
    tcase_add_test(c, a_list_that_cannot_be_read_on_ends_at_the_last_proxy);
    tcase_add_test(c, a_full_bucket_gives_its_burst_and_then_one_at_a_time);
    tcase_add_test(c, a_bucket_never_holds_more_than_its_burst);
    tcase_add_test(c, a_charged_bucket_owes_until_the_time_has_passed);
    tcase_add_test(c, an_address_has_at_most_so_many_connections);
    tcase_add_test(c, all_together_have_at_most_so_many_connections);
    tcase_add_test(c, an_ipv6_customer_counts_as_one_address);
    tcase_add_test(c, above_the_rate_it_says_after_how_many_seconds_to_ask_again);
    tcase_add_test(c, a_quota_of_a_day_comes_back_over_the_day);
    tcase_add_test(c, what_costs_nothing_may_be_asked_for_ever);
    tcase_add_test(c, an_address_may_owe_and_waits_longer);
    tcase_add_test(c, an_address_has_so_many_questions_under_way_and_another_its_own);
    tcase_add_test(c, an_address_has_so_many_bytes_of_unfinished_messages);
    tcase_add_test(c, a_full_table_forgets_rates_but_never_connections);
    tcase_add_test(c, a_table_full_of_connections_refuses_new_addresses);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
