/* SPDX-License-Identifier: Apache-2.0 */
#include "peers.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct peers *peers;
static const struct id SELF = {"bself000000"}, ONE = {"bone0000000"}, TWO = {"btwo0000000"};

static void make(void)
{
    peers = peers_create(&SELF, 1000);
}

static void unmake(void)
{
    peers_destroy(peers);
}

/* Up since 1000, alone, counting. */
static void settle(void)
{
    peers_link(peers, 1000, true);
    peers_tick(peers, 1500);
    ck_assert_uint_eq(peers_count(peers), 1);
}

/* Those whom it wants to probe now are, and nothing comes back. Returns how many. */
static unsigned probes(uint64_t now_ms)
{
    struct id to;
    unsigned count = 0;
    while (peers_probe(peers, now_ms, &to))
        count++;
    return count;
}

static void settle_with(const struct id *other)
{
    settle();
    peers_alive(peers, 1500, other);
    ck_assert_uint_eq(probes(1500), 1);
    peers_alive(peers, 1750, other);
    ck_assert(peers_alive(peers, 2000, other));
    ck_assert_uint_eq(peers_count(peers), 2);
}

/* Our own heartbeats come back from `from_ms` to `to_ms`. True if somebody was found to be silent.
 */
static bool beats(uint64_t from_ms, uint64_t to_ms)
{
    bool changed = false;
    for (uint64_t now = from_ms; now <= to_ms; now += PEER_HEARTBEAT_MS)
        changed = peers_alive(peers, now, &SELF) || changed;
    return changed;
}

START_TEST(before_two_heartbeats_with_the_broker_nobody_counts)
{
    ck_assert_uint_eq(peers_count(peers), 0);
    ck_assert(!peers_tick(peers, 5000)); /* the link is not up */
    struct id owner = peers_owner(peers, 7);
    ck_assert(id_empty(&owner));
    peers_link(peers, 6000, true);
    ck_assert_uint_eq(peers_deadline(peers), 6500);
    ck_assert(!peers_tick(peers, 6499));
    ck_assert(peers_tick(peers, 6500));
    owner = peers_owner(peers, 7);
    ck_assert_str_eq(owner.text, SELF.text);
}
END_TEST

START_TEST(a_newcomer_finds_those_who_were_there_before_it)
{
    peers_link(peers, 1000, true);
    ck_assert(peers_alive(peers, 1100, &ONE));
    ck_assert_uint_eq(peers_count(peers), 1);
    ck_assert(peers_tick(peers, 1500));
    ck_assert_uint_eq(peers_count(peers), 2);
}
END_TEST

START_TEST(a_newcomer_counts_after_two_heartbeats)
{
    settle();
    ck_assert(!peers_alive(peers, 1600, &ONE));
    ck_assert_uint_eq(probes(1600), 1);
    ck_assert_uint_eq(peers_deadline(peers), 2100);
    ck_assert(!peers_alive(peers, 1850, &ONE));
    ck_assert(!peers_tick(peers, 2099));
    ck_assert(peers_tick(peers, 2100));
    ck_assert_uint_eq(peers_count(peers), 2);
}
END_TEST

START_TEST(silence_for_a_second_is_a_departure)
{
    settle_with(&ONE);
    ck_assert(!beats(2200, 2950));
    ck_assert_uint_eq(peers_deadline(peers), 3000);
    ck_assert(!peers_tick(peers, 2999));
    ck_assert(peers_tick(peers, 3000));
    ck_assert_uint_eq(peers_count(peers), 1);
    ck_assert_uint_eq(peers_deadline(peers), UINT64_MAX);
}
END_TEST

START_TEST(while_the_broker_stands_still_nobody_is_silent)
{
    settle_with(&ONE);
    ck_assert(!beats(2200, 2700)); /* then nothing comes for five seconds */
    peers_alive(peers, 2700, &ONE);
    ck_assert_uint_eq(peers_deadline(peers), UINT64_MAX);
    ck_assert(!peers_tick(peers, 7700));
    /* What was under way comes all at once, ours first. */
    for (unsigned i = 0; i < 20; i++)
        ck_assert(!peers_alive(peers, 7700, &SELF));
    for (unsigned i = 0; i < 20; i++)
        ck_assert(!peers_alive(peers, 7701, &ONE));
    ck_assert(!beats(7950, 8450));
    ck_assert(beats(8700, 8950));
    ck_assert_uint_eq(peers_count(peers), 1);
}
END_TEST

START_TEST(who_says_goodbye_is_gone_at_once)
{
    settle_with(&ONE);
    ck_assert(peers_gone(peers, &ONE));
    ck_assert_uint_eq(peers_count(peers), 1);
    ck_assert(!peers_gone(peers, &ONE));
    ck_assert(!peers_alive(peers, 2100, &ONE)); /* and is a newcomer when it comes back */
}
END_TEST

START_TEST(others_cannot_declare_us_gone)
{
    settle();
    ck_assert(!peers_gone(peers, &SELF));
    ck_assert_uint_eq(peers_count(peers), 1);
}
END_TEST

START_TEST(replicas_of_another_kind_do_not_count)
{
    settle();
    peers_alive(peers, 1500, &(struct id){"hhistory000"});
    peers_alive(peers, 2000, &(struct id){"hhistory000"});
    ck_assert(!peers_trust(peers, 2400, &(struct id){"ggateway000"}, 9000));
    peers_tick(peers, 2400);
    ck_assert_uint_eq(peers_count(peers), 1);
}
END_TEST

START_TEST(while_the_link_is_down_nobody_is_silent)
{
    settle_with(&ONE);
    peers_link(peers, 2100, false);
    ck_assert_uint_eq(peers_deadline(peers), UINT64_MAX);
    ck_assert(!peers_tick(peers, 60000));
    peers_link(peers, 60000, true);
    ck_assert(!beats(60000, 60750));
    ck_assert_uint_eq(peers_count(peers), 2);
    ck_assert(beats(61000, 61000)); /* it really is gone */
    ck_assert_uint_eq(peers_count(peers), 1);
}
END_TEST

START_TEST(after_a_standstill_and_a_reconnect_silence_is_counted_anew)
{
    settle_with(&ONE);
    ck_assert(!beats(2200, 2950));
    peers_link(peers, 2960, false);
    peers_link(peers, 60000, true);
    ck_assert(!peers_tick(peers, 62000)); /* our own heartbeat has not come back yet */
    ck_assert(!beats(62000, 62500));
    ck_assert(beats(62750, 62750));
}
END_TEST

START_TEST(a_link_that_comes_back_does_not_make_us_a_newcomer)
{
    settle();
    peers_link(peers, 2000, false);
    peers_link(peers, 9000, true);
    ck_assert_uint_eq(peers_count(peers), 1);
}
END_TEST

START_TEST(who_is_trusted_counts_though_it_is_silent)
{
    settle();
    ck_assert(peers_trust(peers, 2000, &ONE, 31000));
    ck_assert_uint_eq(peers_count(peers), 2);
    ck_assert(!beats(2000, 30750));
    ck_assert(!peers_tick(peers, 30999));
    ck_assert(peers_tick(peers, 31000));
    ck_assert_uint_eq(peers_count(peers), 1);
}
END_TEST

START_TEST(who_is_heard_needs_no_trust)
{
    settle_with(&ONE);
    ck_assert(!peers_trust(peers, 2000, &ONE, 31000));
    ck_assert(beats(2000, 3250)); /* it is frozen: a second later it is gone */
    ck_assert_uint_eq(peers_count(peers), 1);
}
END_TEST

START_TEST(trust_is_not_shortened)
{
    settle();
    peers_trust(peers, 2000, &ONE, 31000);
    peers_trust(peers, 2000, &ONE, 5000);
    ck_assert(!beats(2000, 30750));
}
END_TEST

START_TEST(after_leaving_we_do_not_count)
{
    settle_with(&ONE);
    ck_assert(peers_leave(peers));
    ck_assert_uint_eq(peers_count(peers), 1);
    peers_alive(peers, 2500, &ONE);
    ck_assert(!peers_tick(peers, 2600));
    for (unsigned shard = 0; shard < 32; shard++) {
        struct id owner = peers_owner(peers, shard);
        ck_assert_str_eq(owner.text, ONE.text);
    }
}
END_TEST

START_TEST(all_replicas_compute_the_same_owners)
{
    struct peers *other = peers_create(&ONE, 0);
    settle_with(&ONE);
    peers_trust(peers, 2000, &TWO, 90000);
    peers_link(other, 0, true);
    peers_alive(other, 100, &TWO);
    peers_alive(other, 100, &SELF);
    peers_tick(other, 500);
    for (unsigned shard = 0; shard < 1024; shard++) {
        struct id a = peers_owner(peers, shard), b = peers_owner(other, shard);
        ck_assert_str_eq(a.text, b.text);
    }
    peers_destroy(other);
}
END_TEST

START_TEST(a_departure_moves_only_its_own_shards)
{
    struct id before[1024];
    unsigned moved = 0, has[2] = {0};
    settle_with(&ONE);
    peers_trust(peers, 2000, &TWO, 90000);
    for (unsigned shard = 0; shard < 1024; shard++)
        before[shard] = peers_owner(peers, shard);
    peers_gone(peers, &TWO);
    for (unsigned shard = 0; shard < 1024; shard++) {
        struct id owner = peers_owner(peers, shard);
        has[id_equal(&owner, &SELF)]++;
        if (id_equal(&before[shard], &TWO))
            moved++;
        else
            ck_assert_str_eq(owner.text, before[shard].text);
    }
    /* Fair shares, within what chance allows. */
    ck_assert_uint_gt(moved, 1024 / 3 - 80);
    ck_assert_uint_lt(moved, 1024 / 3 + 80);
    ck_assert_uint_gt(has[0], 1024 / 2 - 100);
    ck_assert_uint_gt(has[1], 1024 / 2 - 100);
}
END_TEST

START_TEST(one_too_many_is_ignored)
{
    settle();
    for (unsigned i = 0; i < PEERS_MAX + 10; i++) {
        struct id id = {0};
        snprintf(id.text, sizeof id.text, "b%u", i);
        peers_alive(peers, 1500, &id);
    }
    for (uint64_t at = 1500; at < 3000; at += PEER_HEARTBEAT_MS)
        probes(at);
    peers_tick(peers, 4000);
    ck_assert_uint_eq(peers_count(peers), PEERS_MAX + 1);
    peers_gone(peers, &(struct id){"b7"});
    ck_assert_uint_eq(peers_count(peers), PEERS_MAX);
}
END_TEST

/* ---- probes ---------------------------------------------------------------------------------- */

/* [D35] */
START_TEST(a_newcomer_counts_only_after_a_probe)
{
    settle();
    for (uint64_t at = 1600; at < 9000; at += PEER_HEARTBEAT_MS)
        ck_assert(!peers_alive(peers, at, &ONE));
    struct id to;
    ck_assert(peers_probe(peers, 9000, &to));
    ck_assert_str_eq(to.text, ONE.text);
    ck_assert(!peers_probe(peers, 9000, &to));
    ck_assert(!peers_tick(peers, 9499));
    ck_assert(peers_tick(peers, 9500));
}
END_TEST

START_TEST(who_has_no_queue_never_counts_however_often_it_says_that_it_is_alive)
{
    settle();
    unsigned probed = 0;
    for (uint64_t at = 1600; at < 21600; at += 10) {
        ck_assert(!peers_alive(peers, at, &ONE));
        if (probes(at) == 0)
            continue;
        probed++;
        ck_assert(!peers_returned(peers, at + 5, &ONE));
        ck_assert(!peers_tick(peers, at + 5));
    }
    ck_assert_uint_eq(peers_count(peers), 1);
    ck_assert_uint_eq(probed, 20000 / PEER_IGNORED_MS);
}
END_TEST

START_TEST(those_heard_while_we_are_new_are_probed_too)
{
    peers_link(peers, 1000, true);
    ck_assert(peers_alive(peers, 1100, &ONE));
    ck_assert_uint_eq(probes(1100), 1);
    ck_assert(peers_returned(peers, 1110, &ONE));
    ck_assert(!peers_alive(peers, 1200, &ONE));
    ck_assert(peers_tick(peers, 1500));
    ck_assert_uint_eq(peers_count(peers), 1);
}
END_TEST

START_TEST(who_is_said_to_be_gone_is_probed_and_goes_when_that_comes_back)
{
    settle_with(&ONE);
    peers_doubt(peers, 2000, &ONE);
    ck_assert_uint_eq(peers_count(peers), 2);
    ck_assert_uint_eq(probes(2000), 1);
    ck_assert_uint_eq(peers_count(peers), 2); /* it is there */
    ck_assert(peers_returned(peers, 2010, &ONE));
    ck_assert_uint_eq(peers_count(peers), 1);
}
END_TEST

START_TEST(a_thousand_doubts_are_one_probe)
{
    settle_with(&ONE);
    unsigned sent = 0;
    for (unsigned i = 0; i < 1000; i++) {
        peers_doubt(peers, 2000 + i, &ONE);
        sent += probes(2000 + i);
    }
    ck_assert_uint_eq(sent, 4);
    peers_doubt(peers, 4000, &SELF);
    peers_doubt(peers, 4000, &TWO); /* not heard of */
    ck_assert_uint_eq(probes(4000), 0);
}
END_TEST

START_TEST(a_flood_of_newcomers_is_probed_in_portions)
{
    settle();
    for (unsigned i = 0; i < 200; i++) {
        struct id id = {0};
        snprintf(id.text, sizeof id.text, "b%u", i);
        peers_alive(peers, 2000, &id);
    }
    ck_assert_uint_eq(probes(2000), PEER_PROBES_MAX);
    ck_assert_uint_eq(probes(2001), 0);
    ck_assert_uint_eq(peers_deadline(peers), 2250);
    ck_assert_uint_eq(probes(2250), PEER_PROBES_MAX);
    ck_assert_uint_eq(probes(2500), PEER_PROBES_MAX);
    ck_assert_uint_eq(probes(2750), 200 - 3 * PEER_PROBES_MAX);
    ck_assert_uint_eq(probes(3000), 0);
}
END_TEST

START_TEST(while_the_link_is_down_nobody_is_probed)
{
    settle();
    peers_alive(peers, 2000, &ONE);
    peers_link(peers, 2000, false);
    ck_assert_uint_eq(probes(2100), 0);
    peers_link(peers, 2200, true);
    ck_assert_uint_eq(probes(2200), 1);
}
END_TEST

START_TEST(whom_the_log_names_is_not_ignored)
{
    settle_with(&ONE);
    peers_returned(peers, 2000, &ONE);
    ck_assert(!peers_alive(peers, 2100, &ONE));
    ck_assert(peers_trust(peers, 2200, &ONE, 31000));
    ck_assert_uint_eq(probes(2250), 1); /* but it is looked for */
    peers_alive(peers, 2300, &ONE);
    ck_assert_uint_eq(peers_count(peers), 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("peers");
    TCase *c = tcase_create("peers");
    tcase_add_checked_fixture(c, make, unmake);
    tcase_add_test(c, before_two_heartbeats_with_the_broker_nobody_counts);
    tcase_add_test(c, a_newcomer_finds_those_who_were_there_before_it);
    tcase_add_test(c, a_newcomer_counts_after_two_heartbeats);
    tcase_add_test(c, silence_for_a_second_is_a_departure);
    tcase_add_test(c, while_the_broker_stands_still_nobody_is_silent);
    tcase_add_test(c, who_says_goodbye_is_gone_at_once);
    tcase_add_test(c, others_cannot_declare_us_gone);
    tcase_add_test(c, replicas_of_another_kind_do_not_count);
    tcase_add_test(c, while_the_link_is_down_nobody_is_silent);
    tcase_add_test(c, after_a_standstill_and_a_reconnect_silence_is_counted_anew);
    tcase_add_test(c, a_link_that_comes_back_does_not_make_us_a_newcomer);
    tcase_add_test(c, who_is_trusted_counts_though_it_is_silent);
    tcase_add_test(c, who_is_heard_needs_no_trust);
    tcase_add_test(c, trust_is_not_shortened);
    tcase_add_test(c, after_leaving_we_do_not_count);
    tcase_add_test(c, all_replicas_compute_the_same_owners);
    tcase_add_test(c, a_departure_moves_only_its_own_shards);
    tcase_add_test(c, one_too_many_is_ignored);
    tcase_add_test(c, a_newcomer_counts_only_after_a_probe);
    tcase_add_test(c, who_has_no_queue_never_counts_however_often_it_says_that_it_is_alive);
    tcase_add_test(c, those_heard_while_we_are_new_are_probed_too);
    tcase_add_test(c, who_is_said_to_be_gone_is_probed_and_goes_when_that_comes_back);
    tcase_add_test(c, a_thousand_doubts_are_one_probe);
    tcase_add_test(c, a_flood_of_newcomers_is_probed_in_portions);
    tcase_add_test(c, while_the_link_is_down_nobody_is_probed);
    tcase_add_test(c, whom_the_log_names_is_not_ignored);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
