/* SPDX-License-Identifier: Apache-2.0
 *
 * How a board is ruled, as the gateway hears it and its clients do: who is let in is decided by the
 * board's service, what a client is told at once is decided here.
 */
#include "gateway_test.h"

static struct buf event;

/* An ev_rules at offset 4: by olga, who keeps her link; bob was removed. */
static void rules_with(unsigned flags, uint64_t own)
{
    struct buf removed = {0}, none = {0};
    buf_clear(&event);
    PUT(&removed, person, id_of("bob"), span_of("Bob"));
    PUT(&event, ev_rules, .offset = 4, .time = 5, .member = id_of("olga"), .what = MSG_set,
        .flags = flags, .own = own, .keeper = id_of("olga"), .removed = list_of(1, &removed),
        .inside = list_of(0, &none));
    ruled = buf_span(&event);
    buf_free(&removed);
}

static struct client *comes(const char *token, uint64_t instance)
{
    struct client *cl = hello(token, instance, 1, 5, NIL);
    owner_tells(2, 5, "olga ana", NULL);
    return cl;
}

#define SAYS(cl, name, ...)                                                                        \
    do {                                                                                           \
        struct buf b = {0};                                                                        \
        PUT(&b, name, __VA_ARGS__);                                                                \
        says(cl, &b);                                                                              \
    } while (0)

static void ends(void)
{
    buf_free(&event);
    teardown();
}

/* ---- told ------------------------------------------------------------------------------------ */

START_TEST(of_a_board_that_nobody_ruled_nothing_is_told)
{
    ck_assert_str_eq(pulls(comes("own olga", 10)), "welcome@5 state mark 5/5");
}
END_TEST

START_TEST(who_comes_is_told_the_rules_and_its_owner_all_of_them)
{
    rules_with(RULE_DOOR, 0);
    outside = "dan";
    struct client *olga = comes("own olga", 10), *ana = comes("draw ana", 11);
    ck_assert_str_eq(pulls(olga), "welcome@5 state rules 4 flags 1 removed 1 outside 1 mark 5/5");
    ck_assert_str_eq(pulls(ana), "welcome@5 state rules 4 flags 1 removed 0 outside 0 mark 5/5");
}
END_TEST

START_TEST(news_are_told_to_whom_they_concern)
{
    struct client *olga = comes("own olga", 10), *ana = comes("draw ana", 11);
    pulls(olga);
    pulls(ana);
    outside = "dan";
    owner_tells(2, 5, "olga ana", NULL);
    ck_assert_str_eq(pulls(olga), "rules 0 flags 0 removed 0 outside 1");
    ck_assert_str_eq(pulls(ana), "");
    rules_with(RULE_CLEARS, 0);
    owner_tells(2, 5, "olga ana", NULL);
    ck_assert_str_eq(pulls(olga), "rules 4 flags 2 removed 1 outside 1");
    ck_assert_str_eq(pulls(ana), "rules 4 flags 2 removed 0 outside 0");
    owner_tells(2, 5, "olga ana", NULL);
    ck_assert_str_eq(pulls(olga), "");
}
END_TEST

START_TEST(whoever_has_to_stay_out_is_told_why)
{
    const unsigned close[] = {4423, 4403, 4403, 4423, 4423};
    const char *error[] = {"full 10 error full@0", "error removed@0", "error ended@0",
                           "error closed@0", "full 10 error full@0"};
    for (unsigned i = 0; i < 5; i++) { /* the last one is of a version to come */
        struct client *cl = comes("draw ana", 11 + i);
        why_out = i;
        owner_tells(2, 5, "olga", "ana");
        ck_assert_uint_eq(close_code_of(cl), close[i]);
        ck_assert_str_eq(pulls(cl), error[i]);
    }
}
END_TEST

START_TEST(rules_that_cannot_be_read_change_nothing)
{
    struct client *olga = comes("own olga", 10);
    pulls(olga);
    rules_with(RULE_DOOR, 0);
    ruled.len--;
    uint64_t bad = gateway_core_stats(core)->bad_messages;
    owner_tells(2, 5, "olga ana", NULL);
    ck_assert_uint_eq(gateway_core_stats(core)->bad_messages, bad + 1);
    ck_assert_str_eq(pulls(olga), "");
}
END_TEST

/* ---- links ----------------------------------------------------------------------------------- */

START_TEST(who_ended_her_own_link_gets_a_new_one_on_every_connection_until_she_uses_it)
{
    struct client *olga = comes("own olga", 10), *otto = comes("own otto", 12);
    pulls(olga);
    rules_with(0, 3);
    owner_tells(2, 5, "olga otto", NULL);
    ck_assert_str_eq(pulls(olga), "state rules 4 flags 0 removed 1 outside 0 token own 3");
    ck_assert_str_eq(pulls(otto), "welcome@5 state rules 4 flags 0 removed 1 outside 0 mark 5/5");
    struct client *again = comes("own olga", 11);
    ck_assert_str_eq(pulls(again),
                     "welcome@5 state rules 4 flags 0 removed 1 outside 0 token own 3 mark 5/5");
    struct client *with_it = comes("own olga 99999 3", 13);
    ck_assert_str_eq(pulls(with_it),
                     "welcome@5 state rules 4 flags 0 removed 1 outside 0 mark 5/5");
}
END_TEST

START_TEST(the_owner_is_told_the_generation_of_each_link)
{
    comes("draw ana 99999 7", 11);
    tick(200);
    sent();
    struct list boards = last_attach.boards;
    struct msg_at_board board;
    struct msg_at_member member;
    ck_assert_int_eq(NEXT(&boards, at_board, &board), 1);
    ck_assert_int_eq(NEXT(&board.members, at_member, &member), 1);
    ck_assert_uint_eq(member.links, 7);
}
END_TEST

/* ---- deeds ----------------------------------------------------------------------------------- */

START_TEST(deeds_of_own_links_go_to_the_boards_owner)
{
    struct client *olga = comes("own olga", 10), *ana = comes("draw ana", 11);
    pulls(olga);
    pulls(ana);
    tick(200);
    sent();
    SAYS(olga, remove, 0, id_of("ana"));
    SAYS(olga, give, 0, id_of("ana"));
    SAYS(olga, refuse, 0, id_of("ana"));
    ck_assert_str_eq(sent(), "deed olga/10 remove deed olga/10 give deed olga/10 refuse ");
    ck_assert_str_eq(last_key, "b2.k3v9x2mq4t");
    SAYS(ana, set, 0, 1);
    SAYS(ana, refuse, 0, id_of("olga"));
    ck_assert_str_eq(sent(), "");
    ck_assert_str_eq(pulls(ana), "error not_allowed@3");
}
END_TEST

START_TEST(who_has_the_pen_refuses_too)
{
    two_on_a_board();
    SAYS(drawer, refuse, 3, id_of("ben"));
    ck_assert_str_eq(sent(), "deed ana/11 refuse ");
}
END_TEST

START_TEST(an_owner_of_before_is_sent_no_deeds)
{
    knows = FEATURE_RESTORE;
    struct client *olga = comes("own olga", 10);
    pulls(olga);
    tick(200);
    sent();
    SAYS(olga, set, 0, 1);
    ck_assert_str_eq(sent(), "");
    ck_assert_str_eq(pulls(olga), "error not_allowed@2");
}
END_TEST

/* ---- asking ---------------------------------------------------------------------------------- */

static void owner_refuses(uint64_t offset, const char *whom, uint64_t mark)
{
    struct buf events = {0};
    PUT(&events, ev_refuse, offset, 5, id_of("olga"), id_of(whom));
    message_from_owner(2);
    PUT(&body, events, id_of(BOARD), 2, offset, offset, mark, 0, buf_span(&events));
    deliver();
    buf_free(&events);
}

static enum pen_request listed_request(void)
{
    tick(300);
    sent();
    struct list boards = last_attach.boards;
    struct msg_at_board board;
    struct msg_at_member member;
    ck_assert_int_eq(NEXT(&boards, at_board, &board), 1);
    ck_assert_int_eq(NEXT(&board.members, at_member, &member), 1);
    return (enum pen_request)member.request;
}

START_TEST(who_is_refused_is_told_once_that_is_stored_and_may_ask_again_after_a_minute)
{
    struct client *ana = comes("draw ana", 11);
    SAYS(ana, ask);
    ck_assert_int_eq(listed_request(), REQUEST_ASK);
    pulls(ana);
    owner_refuses(6, "ana", 5);
    ck_assert_str_eq(pulls(ana), "event 6");
    ck_assert_int_eq(listed_request(), REQUEST_ASK);
    owner_sends(2, 7, 6, 6);
    ck_assert_str_eq(pulls(ana), "error refused@0");
    ck_assert_int_eq(listed_request(), REQUEST_NONE);
    SAYS(ana, ask);
    ck_assert_str_eq(pulls(ana), "error refused@3");
    ck_assert_int_eq(listed_request(), REQUEST_NONE);
    tick(REFUSED_MS);
    SAYS(ana, ask);
    ck_assert_int_eq(listed_request(), REQUEST_ASK);
}
END_TEST

START_TEST(where_the_pen_is_given_asking_is_answered_with_that)
{
    rules_with(RULE_GIVEN, 0);
    struct client *ana = comes("draw ana", 11), *olga = comes("own olga", 10);
    pulls(ana);
    pulls(olga);
    SAYS(ana, ask);
    ck_assert_str_eq(pulls(ana), "error not_allowed@2");
    ck_assert_str_eq(sentence, "On this board the pen is given, not asked for.");
    SAYS(ana, cancel);
    SAYS(olga, take);
    ck_assert_str_eq(pulls(olga), "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway rules");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, setup, ends);
    tcase_add_test(c, of_a_board_that_nobody_ruled_nothing_is_told);
    tcase_add_test(c, who_comes_is_told_the_rules_and_its_owner_all_of_them);
    tcase_add_test(c, news_are_told_to_whom_they_concern);
    tcase_add_test(c, whoever_has_to_stay_out_is_told_why);
    tcase_add_test(c, rules_that_cannot_be_read_change_nothing);
    tcase_add_test(c, who_ended_her_own_link_gets_a_new_one_on_every_connection_until_she_uses_it);
    tcase_add_test(c, the_owner_is_told_the_generation_of_each_link);
    tcase_add_test(c, deeds_of_own_links_go_to_the_boards_owner);
    tcase_add_test(c, who_has_the_pen_refuses_too);
    tcase_add_test(c, an_owner_of_before_is_sent_no_deeds);
    tcase_add_test(c, who_is_refused_is_told_once_that_is_stored_and_may_ask_again_after_a_minute);
    tcase_add_test(c, where_the_pen_is_given_asking_is_answered_with_that);
    suite_add_tcase(s, c);
    return run_suite(s);
}
