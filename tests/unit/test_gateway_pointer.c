/* SPDX-License-Identifier: Apache-2.0
 *
 * The drawer's pointer: the newest place counts, any may be lost, and nothing else waits for it.
 */
#include "gateway_test.h"

static void points(struct client *cl, uint64_t x, uint64_t y)
{
    struct buf b = {0};
    PUT(&b, pointer, x, y);
    says(cl, &b);
}

static void owner_points_at(uint64_t epoch, const char *member, uint64_t x, uint64_t y)
{
    message_from("b2");
    PUT(&body, pointed, id_of(BOARD), epoch, id_of(member), x, y);
    deliver();
}

static void owner_points(uint64_t epoch, uint64_t x, uint64_t y)
{
    owner_points_at(epoch, "ana", x, y);
}

static uint64_t dropped(void)
{
    return gateway_core_stats(core)->pointers_dropped;
}

/* ---- towards the owner ----------------------------------------------------------------------- */

START_TEST(the_drawers_place_goes_to_the_owner_at_once)
{
    two_on_a_board();
    points(drawer, 1600, 900);
    ck_assert_str_eq(sent(), "pointing ana/11 1600,900 ");
    ck_assert_str_eq(last_key, "b2.k3v9x2mq4t");
    ck_assert_uint_eq(gateway_core_stats(core)->pointers, 1);
}
END_TEST

START_TEST(of_many_places_the_newest_goes_every_50_ms)
{
    two_on_a_board();
    points(drawer, 1, 1);
    ck_assert_str_eq(sent(), "pointing ana/11 1,1 ");
    for (unsigned i = 2; i < 40; i++)
        points(drawer, i, i);
    ck_assert_str_eq(sent(), "");
    tick(50);
    ck_assert_str_eq(sent(), "pointing ana/11 39,39 ");
    tick(50);
    ck_assert_str_eq(sent(), "");
    ck_assert_uint_eq(dropped(), 37);
}
END_TEST

START_TEST(who_does_not_have_the_pen_points_at_nothing_and_stays)
{
    two_on_a_board();
    points(viewer, 1, 1);
    tick(100);
    ck_assert_str_eq(sent(), "");
    ck_assert_str_eq(pulls(viewer), "");
    ck_assert_uint_eq(close_code_of(viewer), 0);
    ck_assert_uint_eq(dropped(), 1);
}
END_TEST

START_TEST(a_place_is_sent_only_while_somebody_else_is_there)
{
    two_on_a_board();
    owner_tells(2, 3, "ana", NULL);
    points(drawer, 1, 1);
    ck_assert_str_eq(sent(), "");
    owner_tells(2, 3, "ana ben", NULL);
    tick(50);
    points(drawer, 2, 2);
    ck_assert_str_eq(sent(), "pointing ana/11 2,2 ");
}
END_TEST

START_TEST(without_an_owner_or_a_broker_a_place_is_dropped)
{
    two_on_a_board();
    gateway_core_link(core, now, false);
    points(drawer, 1, 1);
    gateway_core_link(core, now, true);
    tick(50);
    gateway_core_returned(core, now, EXCHANGE_BOARD, "b2.k3v9x2mq4t");
    ck_assert_str_eq(sent(), "gone ");
    points(drawer, 2, 2);
    tick(50);
    ck_assert_str_eq(sent(), "");
    ck_assert_uint_eq(dropped(), 2);
}
END_TEST

START_TEST(who_begins_to_draw_points_no_longer)
{
    two_on_a_board();
    points(drawer, 1, 1);
    points(drawer, 2, 2);
    draws(drawer, 3, 1);
    tick(100);
    ck_assert_str_eq(sent(), "pointing ana/11 1,1 frame 3/1 ");
}
END_TEST

START_TEST(a_place_off_the_board_closes_the_connection)
{
    two_on_a_board();
    static const uint8_t frame[] = {0x93, 12, 0, 0xcd, 0x4e, 0x21}; /* y 20001 */
    client_message(drawer, now, (struct span){frame, sizeof frame});
    ck_assert_str_eq(pulls(drawer), "error bad_frame@2");
}
END_TEST

START_TEST(pointing_takes_no_cseq_and_acks_nothing)
{
    two_on_a_board();
    draws(drawer, 3, 1);
    points(drawer, 1, 1);
    draws(drawer, 3, 2);
    ck_assert_str_eq(sent(), "frame 3/1 pointing ana/11 1,1 frame 3/2 ");
    owner_sends(2, 4, 5, 5);
    ck_assert_uint_eq(gateway_core_stats(core)->frame_bytes, 0);
    ck_assert_str_eq(pulls(drawer), "own 4=1+2 mark 5/5");
}
END_TEST

/* ---- towards the clients --------------------------------------------------------------------- */

START_TEST(a_place_is_given_to_all_but_the_drawer)
{
    two_on_a_board();
    owner_points(2, 7, 8);
    ck_assert(!(drawer == gateway_core_dirty(core)));
    ck_assert_str_eq(pulls(viewer), "pointer ana 7,8");
    ck_assert_str_eq(pulls(viewer), "");
    ck_assert_str_eq(pulls(drawer), "");
    ck_assert_uint_eq(gateway_core_stats(core)->pointers_given, 1);
}
END_TEST

START_TEST(who_did_not_read_meanwhile_gets_the_newest_place)
{
    two_on_a_board();
    for (unsigned i = 1; i <= 5; i++)
        owner_points(2, i, i);
    ck_assert_str_eq(pulls(viewer), "pointer ana 5,5");
    ck_assert_uint_eq(dropped(), 4);
}
END_TEST

START_TEST(for_whom_anothers_place_waited_gets_not_its_own_instead)
{
    two_on_a_board();
    owner_points_at(2, "ben", 5, 5);
    owner_points(2, 7, 8);
    ck_assert_str_eq(pulls(drawer), "");
    ck_assert_str_eq(pulls(viewer), "pointer ana 7,8");
}
END_TEST

START_TEST(who_reads_again_after_a_while_gets_no_old_place)
{
    two_on_a_board();
    owner_points(2, 7, 8);
    now += 501;
    ck_assert_str_eq(pulls(viewer), "");
    owner_points(2, 9, 9);
    ck_assert_str_eq(pulls(viewer), "pointer ana 9,9");
}
END_TEST

START_TEST(who_lags_behind_the_events_gets_no_place)
{
    two_on_a_board();
    for (uint64_t at = 4; at < 12004; at += 500)
        owner_sends(2, at, at + 499, at + 499);
    owner_points(2, 7, 8);
    ck_assert_str_eq(pulls(viewer), "");
    ck_assert_str_eq(sent(), "read 4 ");
}
END_TEST

START_TEST(a_place_comes_after_the_events_and_the_mark)
{
    two_on_a_board();
    owner_points(2, 7, 8);
    owner_sends(2, 4, 5, 5);
    ck_assert_str_eq(pulls(viewer), "event 4 event 5 mark 5/5 pointer ana 7,8");
}
END_TEST

START_TEST(a_place_of_another_epoch_counts_for_nothing)
{
    two_on_a_board();
    owner_points(9, 7, 8);
    owner_points(1, 7, 8);
    ck_assert_str_eq(pulls(viewer), "");
}
END_TEST

START_TEST(a_place_is_not_kept_for_who_comes_later)
{
    two_on_a_board();
    owner_points(2, 7, 8);
    struct client *late = hello("watch cem", 33, 1, 3, NIL);
    owner_tells(2, 3, "ana ben cem", NULL);
    ck_assert_str_eq(pulls(late), "welcome@3 state mark 3/3");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway pointer");
    TCase *t = tcase_create("gateway pointer");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_drawers_place_goes_to_the_owner_at_once);
    tcase_add_test(t, of_many_places_the_newest_goes_every_50_ms);
    tcase_add_test(t, who_does_not_have_the_pen_points_at_nothing_and_stays);
    tcase_add_test(t, a_place_is_sent_only_while_somebody_else_is_there);
    tcase_add_test(t, without_an_owner_or_a_broker_a_place_is_dropped);
    tcase_add_test(t, who_begins_to_draw_points_no_longer);
    tcase_add_test(t, a_place_off_the_board_closes_the_connection);
    tcase_add_test(t, pointing_takes_no_cseq_and_acks_nothing);
    tcase_add_test(t, a_place_is_given_to_all_but_the_drawer);
    tcase_add_test(t, who_did_not_read_meanwhile_gets_the_newest_place);
    tcase_add_test(t, for_whom_anothers_place_waited_gets_not_its_own_instead);
    tcase_add_test(t, who_reads_again_after_a_while_gets_no_old_place);
    tcase_add_test(t, who_lags_behind_the_events_gets_no_place);
    tcase_add_test(t, a_place_comes_after_the_events_and_the_mark);
    tcase_add_test(t, a_place_of_another_epoch_counts_for_nothing);
    tcase_add_test(t, a_place_is_not_kept_for_who_comes_later);
    suite_add_tcase(s, t);
    return run_suite(s);
}
