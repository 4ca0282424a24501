/* SPDX-License-Identifier: Apache-2.0
 *
 * Who owns the board rules it: each deed becomes one event, and counts once that is stored. There
 * are 3 seats, and one for an own link. olga owns the board; ann, bob and cat came by draw links.
 * [D38]
 */
#include "board_test.h"

#define CLASS "olga/10 own, ann/11, bob/12"

#define DOES(who, name, ...)                                                                       \
    do {                                                                                           \
        struct buf frame = {0};                                                                    \
        PUT(&frame, name, __VA_ARGS__);                                                            \
        deed(who, &frame);                                                                         \
    } while (0)

static void deed(const char *who, struct buf *frame)
{
    char id[16];
    unsigned instance;
    ck_assert_int_eq(sscanf(who, "%15[a-z0-9]/%u", id, &instance), 2);
    FROM("g1", deed, id_of(BOARD), id_of(id), instance, buf_span(frame));
    buf_free(frame);
}

/* The rules, with the newest state. */
static struct msg_ev_rules rules(void)
{
    struct cursor in = cursor_of(told_rules.data, told_rules.len);
    struct msg_ev_rules m;
    ck_assert_int_eq(GET(&in, ev_rules, &m), 0);
    return m;
}

static void expect_removed(const char *members)
{
    char text[2048] = "";
    struct list list = rules().removed;
    struct msg_person p;
    while (NEXT(&list, person, &p) > 0)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", text[0] ? " " : "",
                 p.member.text);
    ck_assert_str_eq(text, members);
}

/* What the newest segment ends with. */
static unsigned last_event(void)
{
    struct cursor in = cursor_of(append_events, append.events.len);
    unsigned code = 0;
    while (cursor_left(&in) > 0) {
        struct cursor at = in;
        uint32_t fields;
        ck_assert_int_eq(message_begin(&at, &code, &fields), 0);
        ck_assert_int_eq(wire_skip(&in), 0);
    }
    return code;
}

/* ---- a deed ---------------------------------------------------------------------------------- */

START_TEST(a_deed_becomes_an_event_and_counts_once_that_is_stored)
{
    open_board(CLASS);
    DOES("olga/10", remove, 0, id_of("bob"));
    expect("history append 3..3 epoch 2");
    ck_assert_uint_eq(last_event(), MSG_ev_rules);
    expect_no("removed:bob");
    stored(2, 3);
    expect("g1 state nobody/0 term 0 base 0 olga ann removed:bob");
    ck_assert_uint_eq(rules().offset, 3);
    ck_assert_str_eq(rules().member.text, "olga");
    ck_assert_uint_eq(rules().what, MSG_remove);
    ck_assert_str_eq(rules().whom.text, "bob");
}
END_TEST

START_TEST(only_own_links_rule)
{
    open_board(CLASS);
    DOES("ann/11", remove, 0, id_of("bob"));
    DOES("ann/11", set, 0, RULE_DOOR);
    DOES("nina/99", set, 0, RULE_DOOR);
    pass(200);
    expect_no("append");
}
END_TEST

START_TEST(a_deed_that_comes_twice_or_knows_older_rules_changes_nothing)
{
    open_board(CLASS);
    DOES("olga/10", set, 0, RULE_DOOR);
    DOES("olga/10", set, 0, RULE_DOOR);
    DOES("olga/10", set, 0, RULE_IDLE);
    stored(2, 3);
    DOES("olga/10", set, 0, RULE_IDLE);
    pass(200);
    expect_count("append", 1);
    ck_assert_uint_eq(rules().flags, RULE_DOOR);
    DOES("olga/10", set, 3, RULE_IDLE);
    stored(2, 4);
    ck_assert_uint_eq(rules().flags, RULE_IDLE);
}
END_TEST

START_TEST(what_is_no_deed_is_counted_as_that)
{
    open_board(CLASS);
    uint64_t bad = board_core_stats(core)->bad_messages;
    DOES("olga/10", ask);
    DOES("olga/10", clear, 3, 1);
    struct buf frame = {0};
    PUT(&frame, set, 0, 0);
    *buf_grow(&frame, 1) = 0;
    deed("olga/10", &frame);
    ck_assert_uint_eq(board_core_stats(core)->bad_messages, bad + 3);
}
END_TEST

START_TEST(the_board_has_the_name_that_its_owner_gave_it)
{
    open_board(CLASS);
    DOES("olga/10", rename, 0, span_of("Biology"));
    stored(2, 3);
    ck_assert_str_eq(told_name, "Biology");
}
END_TEST

START_TEST(frames_are_answered_though_a_deed_stands_between_them)
{
    open_board(CLASS);
    attach("g1", 2, 2, "olga/10 own, ann/11 ask, bob/12");
    stored(2, 3);
    attach("g1", 2, 3, CLASS);
    draw("g1", "ann", 11, 3, 1);
    DOES("olga/10", rename, 0, span_of("Biology"));
    draw("g1", "ann", 11, 3, 2);
    forget_lines();
    pass(1000);
    draw("g1", "ann", 11, 3, 1); /* it came already, and is event 4 */
    expect_count("g1 events 4..6", 1);
}
END_TEST

/* ---- removed --------------------------------------------------------------------------------- */

START_TEST(who_is_removed_loses_the_pen_at_once)
{
    open_board(CLASS);
    attach("g1", 2, 2, "olga/10 own, ann/11 ask, bob/12");
    stored(2, 3);
    attach("g1", 2, 3, "olga/10 own, ann/11, bob/12 ask");
    DOES("olga/10", remove, 0, id_of("ann"));
    stored(2, 4);
    pass(100);
    expect_grant("bob", 12);
}
END_TEST

START_TEST(who_was_removed_stays_out_of_the_next_epoch_too)
{
    open_board(CLASS);
    DOES("olga/10", remove, 0, id_of("bob"));
    stored(2, 3);
    uint8_t bytes[RULES_BYTES_MAX];
    struct span event = {bytes, told_rules.len};
    memcpy(bytes, told_rules.data, told_rules.len);
    struct state_bytes state = log_state_pack(&(struct log_state){.rules = 3});
    FROM("h1", refused, .board = id_of(BOARD), .asked = 2, .newest = 4, .replica = id_of("b7"));
    pass(15000);
    attach("g1", 2, 3, CLASS);
    forget_lines();
    opened_as((struct msg_opened){.epoch = 5, .state = state_span(&state)});
    expect_no("state"); /* without the rules nobody is let in */
    pass(2000);
    opened_as((struct msg_opened){.epoch = 5, .state = state_span(&state), .rules = event});
    attach("g1", 5, 5, CLASS);
    pass(3000);
    expect("g1 state nobody/0 term 0 base 0 olga ann removed:bob");
}
END_TEST

START_TEST(who_was_removed_may_be_let_in_again)
{
    open_board(CLASS);
    DOES("olga/10", remove, 0, id_of("bob"));
    stored(2, 3);
    DOES("olga/10", let_in, 3, id_of("bob"));
    stored(2, 4);
    attach("g1", 2, 4, CLASS);
    expect("g1 state nobody/0 term 0 base 0 olga ann bob");
    expect_removed("");
}
END_TEST

START_TEST(nobody_removes_herself)
{
    open_board(CLASS);
    DOES("olga/10", remove, 0, id_of("olga"));
    pass(100);
    expect_no("append");
}
END_TEST

START_TEST(of_more_than_can_be_remembered_the_first_may_come_back)
{
    open_board(CLASS);
    for (unsigned i = 0; i <= RULES_REMOVED_MAX; i++) {
        char member[8];
        snprintf(member, sizeof member, "x%u", i);
        DOES("olga/10", remove, i ? 2 + i : 0, id_of(member));
        stored(2, 3 + i);
        pass_with_lists(1000, 3 + i, CLASS);
    }
    ck_assert_uint_eq(rules().removed.count, RULES_REMOVED_MAX);
    struct list list = rules().removed;
    struct msg_person first;
    NEXT(&list, person, &first);
    ck_assert_str_eq(first.member.text, "x1");
}
END_TEST

/* ---- the door -------------------------------------------------------------------------------- */

START_TEST(while_the_door_is_closed_nobody_new_comes_in_and_its_owner_sees_who_waits)
{
    open_board(CLASS);
    DOES("olga/10", set, 0, RULE_DOOR);
    stored(2, 3);
    attach("g1", 2, 3, CLASS ", dan/14");
    expect("g1 state nobody/0 term 0 base 0 olga ann bob closed:dan outside:dan");
    forget_lines();
    attach("g1", 2, 3, CLASS); /* it was sent away */
    expect("g1 state nobody/0 term 0 base 0 olga ann bob outside:dan");
    DOES("olga/10", let_in, 3, id_of("dan"));
    stored(2, 4);
    attach("g1", 2, 4, CLASS ", dan/14 conn2");
    expect("g1 state nobody/0 term 0 base 0 olga ann bob dan");
}
END_TEST

START_TEST(who_does_not_come_again_is_outside_no_longer)
{
    open_board(CLASS);
    DOES("olga/10", set, 0, RULE_DOOR);
    stored(2, 3);
    attach("g1", 2, 3, CLASS ", dan/14");
    pass_with_lists(OUTSIDE_MS - 1000, 3, CLASS);
    forget_lines();
    pass_with_lists(2000, 3, CLASS);
    expect("g1 state nobody/0 term 0 base 0 olga ann bob");
}
END_TEST

START_TEST(who_finds_no_place_is_outside_too)
{
    open_board("olga/10 own, ann/11, bob/12, cat/13");
    attach("g1", 2, 2, "olga/10 own, ann/11, bob/12, cat/13, dan/14");
    expect("g1 state nobody/0 term 0 base 0 olga ann bob cat full:dan");
    ck_assert_uint_eq(told_outside, 1);
}
END_TEST

START_TEST(who_was_in_comes_back_through_a_closed_door)
{
    open_board(CLASS);
    DOES("olga/10", set, 0, RULE_DOOR);
    stored(2, 3);
    attach("g1", 2, 3, "olga/10 own, ann/11");
    attach("g1", 2, 3, "olga/10 own, ann/11, bob/22 conn2");
    expect("g1 state nobody/0 term 0 base 0 olga ann bob");
}
END_TEST

START_TEST(an_own_link_opens_a_closed_door)
{
    open_board(CLASS);
    DOES("olga/10", set, 0, RULE_DOOR);
    stored(2, 3);
    attach("g1", 2, 3, CLASS ", otto/14 own");
    expect("g1 state nobody/0 term 0 base 0 olga ann bob otto");
}
END_TEST

START_TEST(an_opened_door_forgets_who_was_inside)
{
    open_board(CLASS);
    DOES("olga/10", set, 0, RULE_DOOR);
    stored(2, 3);
    ck_assert_uint_eq(rules().inside.count, 3);
    DOES("olga/10", set, 3, 0);
    stored(2, 4);
    ck_assert_uint_eq(rules().inside.count, 0);
}
END_TEST

/* ---- links ----------------------------------------------------------------------------------- */

START_TEST(an_ended_link_opens_the_board_no_longer_a_new_one_does)
{
    open_board("olga/10 own, ann/11, wim/12 watch");
    DOES("olga/10", end_links, 0, 1 << ROLE_DRAW);
    stored(2, 3);
    expect("g1 state nobody/0 term 0 base 0 olga wim ended:ann");
    attach("g1", 2, 3, "olga/10 own, ann/11 links1 conn2, wim/12 watch");
    expect("g1 state nobody/0 term 0 base 0 olga ann wim");
    ck_assert_uint_eq(rules().draw, 1);
    ck_assert_uint_eq(rules().flags, 0);
}
END_TEST

START_TEST(with_the_links_to_watch_ends_the_code)
{
    open_board(CLASS);
    DOES("olga/10", end_links, 0, 1 << ROLE_WATCH | 1 << ROLE_DRAW);
    stored(2, 3);
    ck_assert_uint_eq(rules().flags, RULE_CODE_ENDS);
}
END_TEST

START_TEST(who_ends_the_own_links_keeps_hers)
{
    open_board("olga/10 own, otto/11 own");
    DOES("olga/10", end_links, 0, 7);
    stored(2, 3);
    expect("g1 state nobody/0 term 0 base 0 olga ended:otto");
    DOES("otto/11", end_links, 3, 7);
    pass(100);
    expect_no("append 4");
    DOES("olga/10", end_links, 3, 7);
    stored(2, 4);
    ck_assert_uint_eq(rules().own, 2);
    ck_assert_str_eq(rules().keeper.text, "olga");
}
END_TEST

/* ---- drawing --------------------------------------------------------------------------------- */

static void clear_by(const char *member, uint64_t instance, uint64_t term, uint64_t cseq,
                     enum role role)
{
    struct buf body = {0};
    PUT(&body, clear, term, cseq);
    FROM("g1", frame, id_of(BOARD), id_of(member), instance, buf_span(&body), role);
    buf_free(&body);
}

START_TEST(where_only_its_owner_clears_a_clear_of_others_changes_nothing)
{
    open_board(CLASS);
    attach("g1", 2, 2, "olga/10 own, ann/11 ask, bob/12");
    stored(2, 3);
    attach("g1", 2, 3, CLASS);
    DOES("olga/10", set, 0, RULE_CLEARS);
    stored(2, 4);
    clear_by("ann", 11, 3, 1, ROLE_DRAW);
    pass(100);
    ck_assert_uint_eq(last_event(), MSG_ev_void);
    draw("g1", "ann", 11, 3, 2);
    pass(100);
    ck_assert_uint_eq(last_event(), MSG_ev_begin);
    clear_by("ann", 11, 3, 3, ROLE_OWN);
    pass(100);
    ck_assert_uint_eq(last_event(), MSG_ev_clear);
}
END_TEST

START_TEST(where_the_pen_is_given_nobody_gets_it_by_asking)
{
    open_board(CLASS);
    DOES("olga/10", set, 0, RULE_GIVEN);
    stored(2, 3);
    forget_lines();
    attach("g1", 2, 3, "olga/10 own, ann/11 ask, bob/12");
    pass(100);
    expect_no_grant();
    DOES("olga/10", give, 0, id_of("bob"));
    expect_grant("bob", 12);
    stored(2, 4);
    attach("g1", 2, 4, "olga/10 own take, ann/11 ask, bob/12");
    expect_grant("olga", 10);
}
END_TEST

START_TEST(who_owns_the_board_gives_the_pen_to_whom_she_picks)
{
    open_board("olga/10 own, ann/11, bob/12, wim/13 watch");
    attach("g1", 2, 2, "olga/10 own, ann/11 ask, bob/12, wim/13 watch");
    stored(2, 3);
    DOES("ann/11", give, 3, id_of("ann"));
    DOES("olga/10", give, 3, id_of("wim"));
    DOES("olga/10", give, 3, id_of("ann"));
    DOES("olga/10", give, 2, id_of("bob"));
    pass(100);
    expect_grant("ann", 11);
    DOES("olga/10", give, 3, id_of("bob"));
    expect_grant("bob", 12);
    DOES("olga/10", give, 3, id_of("ann")); /* late */
    stored(2, 4);
    DOES("olga/10", give, 4, id_of(""));
    expect_grant("", 0);
}
END_TEST

START_TEST(who_is_refused_waits_no_longer_and_cannot_ask_again_for_a_minute)
{
    open_board(CLASS);
    attach("g1", 2, 2, "olga/10 own take, ann/11, bob/12");
    stored(2, 3);
    attach("g1", 2, 3, "olga/10 own, ann/11 ask, bob/12");
    expect("g1 state olga/10 term 3 base 0 olga ann-1 bob");
    DOES("bob/12", refuse, 3, id_of("ann"));
    DOES("olga/10", refuse, 2, id_of("ann"));
    pass(100);
    expect_no("append 4");
    forget_lines();
    DOES("olga/10", refuse, 3, id_of("ann"));
    expect("history append 4..4 epoch 2");
    expect("g1 state olga/10 term 3 base 0 olga ann bob");
    stored(2, 4);
    DOES("olga/10", refuse, 3, id_of("ann"));
    pass(100);
    expect_count("append", 1);
    forget_lines();
    pass_with_lists(REFUSED_MS - 2500, 4, "olga/10 own, ann/11 ask, bob/12");
    expect_no("ann-1");
    pass_with_lists(4000, 4, "olga/10 own, ann/11 ask, bob/12");
    attach("g1", 2, 4, "olga/10 own, ann/11, bob/12");
    attach("g1", 2, 4, "olga/10 own, ann/11 ask, bob/12");
    expect("g1 state olga/10 term 3 base 0 olga ann-1 bob");
}
END_TEST

START_TEST(who_has_the_pen_may_refuse_too)
{
    open_with_ann_drawing();
    attach("g1", 2, 3, "ann/11, bob/12 ask, cat/13");
    DOES("cat/13", refuse, 3, id_of("bob"));
    DOES("ann/99", refuse, 3, id_of("bob"));
    pass(100);
    expect_no("append");
    DOES("ann/11", refuse, 3, id_of("bob"));
    expect("history append 4..4 epoch 2");
}
END_TEST

START_TEST(while_its_owner_is_there_an_idle_pen_stays_unless_she_wants_it_to_pass)
{
    open_board(CLASS);
    attach("g1", 2, 2, "olga/10 own, ann/11 ask, bob/12");
    stored(2, 3);
    forget_lines();
    pass_with_lists(2 * IDLE_MS, 3, "olga/10 own, ann/11, bob/12 ask");
    expect_no_grant();
    DOES("olga/10", set, 0, RULE_IDLE);
    stored(2, 4);
    pass_with_lists(200, 4, "olga/10 own, ann/11, bob/12 ask");
    expect_grant("bob", 12);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rules");
    TCase *c = add_case(s, "all");
    tcase_add_test(c, a_deed_becomes_an_event_and_counts_once_that_is_stored);
    tcase_add_test(c, only_own_links_rule);
    tcase_add_test(c, a_deed_that_comes_twice_or_knows_older_rules_changes_nothing);
    tcase_add_test(c, what_is_no_deed_is_counted_as_that);
    tcase_add_test(c, the_board_has_the_name_that_its_owner_gave_it);
    tcase_add_test(c, frames_are_answered_though_a_deed_stands_between_them);
    tcase_add_test(c, who_is_removed_loses_the_pen_at_once);
    tcase_add_test(c, who_was_removed_stays_out_of_the_next_epoch_too);
    tcase_add_test(c, who_was_removed_may_be_let_in_again);
    tcase_add_test(c, nobody_removes_herself);
    tcase_add_test(c, of_more_than_can_be_remembered_the_first_may_come_back);
    tcase_add_test(c, while_the_door_is_closed_nobody_new_comes_in_and_its_owner_sees_who_waits);
    tcase_add_test(c, who_does_not_come_again_is_outside_no_longer);
    tcase_add_test(c, who_finds_no_place_is_outside_too);
    tcase_add_test(c, who_was_in_comes_back_through_a_closed_door);
    tcase_add_test(c, an_own_link_opens_a_closed_door);
    tcase_add_test(c, an_opened_door_forgets_who_was_inside);
    tcase_add_test(c, an_ended_link_opens_the_board_no_longer_a_new_one_does);
    tcase_add_test(c, with_the_links_to_watch_ends_the_code);
    tcase_add_test(c, who_ends_the_own_links_keeps_hers);
    tcase_add_test(c, where_only_its_owner_clears_a_clear_of_others_changes_nothing);
    tcase_add_test(c, where_the_pen_is_given_nobody_gets_it_by_asking);
    tcase_add_test(c, who_owns_the_board_gives_the_pen_to_whom_she_picks);
    tcase_add_test(c, who_is_refused_waits_no_longer_and_cannot_ask_again_for_a_minute);
    tcase_add_test(c, who_has_the_pen_may_refuse_too);
    tcase_add_test(c, while_its_owner_is_there_an_idle_pen_stays_unless_she_wants_it_to_pass);
    return run_suite(s);
}
