/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program that is wrong, or lies, can do to a board service through the broker: nothing that
 * ends or hangs it, and nothing to a board as long as it does not lie plausibly.
 */
#include "board_test.h"
#include "messages.h"

#define FAR (OFFSET_MAX - 1)

static uint64_t bad(void)
{
    return board_core_stats(core)->bad_messages;
}

/* Ann's next frame gets its place, and is stored. */
static void expect_board_is_well(void)
{
    forget_lines();
    draw("g1", "ann", 11, 3, 1);
    expect("g1 events 4..4 mark 3 head 4 epoch 2");
    pass(100);
    expect("history append 4..4 epoch 2");
    stored(2, 4);
    attach("g1", 2, 4, "ann/11, bob/12, cat/13");
}

/* ---- peers ----------------------------------------------------------------------------------- */

static void invented_say_alive(unsigned count)
{
    struct buf body = {0};
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "bx%u", i);
        buf_clear(&body);
        PUT(&body, envelope, BROKER_VERSION, id_of(name));
        PUT(&body, alive, 1);
        board_core_message(core, now, buf_span(&body));
    }
    buf_free(&body);
}

/* What was sent to an invented one comes back. */
static void return_probes(void)
{
    for (unsigned i = 0; i < line_count; i++) {
        char name[16], key[32];
        if (sscanf(lines[i], "bx%12[0-9] alive", name) != 1)
            continue;
        snprintf(key, sizeof key, "bx%s.many", name);
        board_core_returned(core, now, EXCHANGE_BOARD, key);
    }
}

/* [D35] */
START_TEST(invented_replicas_take_no_shard)
{
    open_with_ann_drawing();
    for (unsigned i = 0; i < 100; i++) {
        forget_lines();
        invented_say_alive(200);
        pass(100);
        return_probes();
        ck_assert(board_core_wants(core, 0));
        if (i % 10 == 0)
            attach("g1", 2, 3, "ann/11, bob/12, cat/13");
    }
    ck_assert_uint_eq(board_core_stats(core)->peers, 1);
    expect_board_is_well();
}
END_TEST

START_TEST(invented_replicas_are_probed_seldom)
{
    unsigned probes = 0;
    for (unsigned i = 0; i < 100; i++) {
        forget_lines();
        invented_say_alive(200);
        pass(100);
        return_probes();
        probes += count_lines("bx");
    }
    ck_assert_uint_le(probes, 3 * 200); /* in 10 s, in which they spoke 20,000 times */
}
END_TEST

START_TEST(nobody_can_say_that_a_gateway_is_gone)
{
    open_with_ann_drawing();
    FROM("g7", gone, id_of("g1"));
    FROM("b7", gone, id_of("g1"));
    FROM("h7", gone, id_of("g1"));
    pass(1000);
    expect_no("state");
    expect_board_is_well();
}
END_TEST

/* ---- senders --------------------------------------------------------------------------------- */

START_TEST(each_kind_says_only_its_own)
{
    open_with_ann_drawing();
    uint64_t before = bad();
    FROM("g1", stored, id_of(BOARD), 2, 3);
    FROM("b2", hole, id_of(BOARD), 2, 3);
    FROM("g1", refused, .board = id_of(BOARD), .asked = 2, .newest = 9);
    FROM("b2", no_board, id_of(BOARD));
    FROM("g1", no_board, id_of(BOARD));
    FROM("g1", alive, 1);
    FROM("h1", pointing, id_of(BOARD), id_of("ann"), 11, 1, 1);
    FROM("b2", attach, 0, 1000, 1, 1, {0});
    ck_assert_uint_eq(bad(), before + 8);
    expect_board_is_well();
}
END_TEST

START_TEST(a_bad_item_harms_no_other)
{
    open_with_ann_drawing();
    struct buf body = {0};
    PUT(&body, envelope, BROKER_VERSION, id_of("h1"));
    static const uint8_t junk[] = {0x92, MSG_stored, 0x01, 0xa1, 'x'};
    buf_append(&body, junk, sizeof junk);
    draw("g1", "ann", 11, 3, 1);
    PUT(&body, stored, id_of(BOARD), 2, 4);
    board_core_message(core, now, buf_span(&body));
    pass(200);
    expect("g1 mark 4 head 4 epoch 2");
    buf_free(&body);
}
END_TEST

/* ---- numbers --------------------------------------------------------------------------------- */

START_TEST(marks_and_holes_outside_of_the_log_move_nothing)
{
    open_with_ann_drawing();
    FROM("h1", stored, id_of(BOARD), 2, OFFSET_MAX);
    FROM("h1", stored, id_of(BOARD), 2, 0);
    FROM("h1", hole, id_of(BOARD), 2, OFFSET_MAX);
    FROM("h1", hole, id_of(BOARD), 2, 1);
    expect_board_is_well();
}
END_TEST

START_TEST(an_open_at_the_end_of_all_numbers_opens_nothing)
{
    attach("g1", 0, 0, "ann/11 ask");
    uint64_t before = bad();
    opened_as((struct msg_opened){.epoch = OFFSET_MAX});
    opened_as((struct msg_opened){.epoch = OFFSET_MAX - JUMP_MAX + 1});
    opened_as((struct msg_opened){.epoch = 2, .term = 2});
    opened_as((struct msg_opened){.epoch = 2, .base = OFFSET_MAX});
    ck_assert_uint_eq(bad(), before + 4);
    ck_assert_uint_eq(board_core_stats(core)->boards_open, 0);
    pass(3000);
    opened_as((struct msg_opened){.epoch = 2, .clean = 1});
    ck_assert_uint_eq(board_core_stats(core)->boards_open, 1);
}
END_TEST

START_TEST(the_last_cseq_of_all_is_followed_by_none)
{
    attach("g1", 0, 0, "ann/11, bob/12");
    opened_as((struct msg_opened){
        .epoch = 4, .holder = id_of("ann"), .instance = 11, .term = 3, .cseq = UINT32_MAX - 1});
    attach("g1", 4, 4, "ann/11, bob/12");
    for (unsigned i = 0; i < 2; i++) {
        draw("g1", "ann", 11, 3, UINT32_MAX);
        pass(200);
    }
    expect("g1 events 5..5 mark 4 head 5 epoch 4");
    draw("g1", "ann", 11, 3, 1);
    pass(2000);
}
END_TEST

START_TEST(an_epoch_that_jumps_in_a_list_is_not_asked_for)
{
    open_with_ann_drawing();
    uint64_t before = bad();
    attach("g9", FAR, FAR, "eve/66");
    ck_assert_uint_eq(bad(), before + 1);
    expect_no("probe");
    expect_board_is_well();
}
END_TEST

/* [D31] */
START_TEST(a_board_is_not_opened_over_an_epoch_that_jumps)
{
    attach("g9", FAR, FAR, "eve/66");
    expect("history open over 0");
}
END_TEST

START_TEST(a_refusal_that_nobody_asked_for_names_no_epoch_that_jumps)
{
    open_with_ann_drawing();
    FROM("h9", refused, .board = id_of(BOARD), .asked = 2, .newest = FAR, .replica = id_of("b9"));
    expect_board_is_well();
}
END_TEST

/* ---- floods ---------------------------------------------------------------------------------- */

/* [D36] */
START_TEST(a_list_makes_us_repeat_and_ask_at_most_once_a_second)
{
    open_with_ann_drawing();
    for (unsigned i = 1; i <= 20; i++)
        draw("g1", "ann", 11, 3, i);
    pass(1500);
    forget_lines();
    for (unsigned i = 0; i < 100; i++) {
        attach("g1", 5 + i, 3, "ann/11, bob/12, cat/13"); /* lacks all, and knows a newer epoch */
        stored(2, 3);                                     /* history answers each probe at once */
        pass(10);
    }
    ck_assert_uint_le(count_lines("g1 events"), 3);
    ck_assert_uint_le(count_lines("history probe"), 3);
}
END_TEST

START_TEST(many_invented_gateways_with_many_people_hang_nothing)
{
    open_with_ann_drawing();
    char people[1024] = "";
    for (unsigned i = 0; i < SEATS * 4; i++) /* more of a list would not count */
        sprintf(people + strlen(people), "%sp%u/%u", i ? ", " : "", i, i + 100);
    in_one_turn = true;
    for (unsigned i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof name, "gx%u", i);
        attach(name, 2, 3, people);
    }
    in_one_turn = false;
    turn(); /* within check's 4 s, also with a sanitizer: entries are compared with each other */
    ck_assert_uint_gt(board_core_stats(core)->list_bytes, 1000);
    attach("g1", 2, 3, "ann/11 seated, bob/12 seated, cat/13 seated");
    for (unsigned i = 0; i < 7; i++) { /* they fall silent */
        pass(1000);
        attach("g1", 2, 3, "ann/11 seated, bob/12 seated, cat/13 seated");
    }
    ck_assert_uint_lt(board_core_stats(core)->list_bytes, 2000);
    expect_board_is_well();
}
END_TEST

/* Within check's 4 s: each goodbye costs what its sender had told us. */
START_TEST(goodbyes_beside_many_lists_hang_nothing)
{
    struct board_core_config config = {.self = id_of("b1"), .shards = 32, .seats = SEATS};
    struct board_core *wide = board_core_create(&config, now);
    struct buf body = {0}, boards = {0};
    board_core_link(wide, now, true);
    for (unsigned ms = 0; ms < 1000; ms += 100) /* it counts itself, and takes all shards */
        board_core_tick(wide, now += 100);
    for (unsigned i = 0; i < 32; i++)
        board_core_bound(wide, now, i, true);
    for (unsigned i = 0; i < 32 * 1024; i++) {
        char name[16];
        snprintf(name, sizeof name, "gx%u", i / 32);
        buf_clear(&body);
        PUT(&body, envelope, BROKER_VERSION, id_of(name));
        PUT(&body, attach, i % 32, 1, 1, 1, list_of(0, &boards));
        board_core_message(wide, now, buf_span(&body));
    }
    buf_clear(&body);
    PUT(&body, envelope, BROKER_VERSION, id_of("g9"));
    while (body.len < BROKER_MESSAGE_BYTES_MAX - 10)
        PUT(&body, bye, );
    for (unsigned i = 0; i < 10; i++)
        board_core_message(wide, now, buf_span(&body));
    buf_free(&body);
    board_core_destroy(wide);
}
END_TEST

START_TEST(a_list_that_comes_again_is_not_read_again)
{
    open_with_ann_drawing();
    list_number--;
    attach("g1", 2, 3, "ann/11, bob/12");
    expect_no("state");
}
END_TEST

START_TEST(of_a_flood_of_places_the_newest_of_a_turn_is_told)
{
    open_with_ann_drawing();
    attach("g2", 2, 3, "dan/14 watch");
    forget_lines();
    in_one_turn = true;
    for (unsigned i = 0; i < 1000; i++)
        point("g1", "ann", 11, i, 7);
    in_one_turn = false;
    turn();
    expect("g1 pointed ann 999,7 epoch 2");
    expect("g2 pointed ann 999,7 epoch 2");
    expect_count("pointed", 2);
    forget_lines();
    pass(100);
    expect_no("pointed");
}
END_TEST

START_TEST(lists_are_bounded_in_bytes)
{
    static const uint8_t junk[60000] = {0xc5, 59997 >> 8, 59997 & 255}; /* one long value */
    struct buf boards = {0};
    buf_append(&boards, junk, sizeof junk);
    in_one_turn = true;
    for (unsigned i = 0; i < 1000; i++)
        for (unsigned part = 1; part <= 8; part++) {
            char name[16];
            snprintf(name, sizeof name, "gx%u", i);
            FROM(name, attach, 0, 1, part, 64, list_of(1, &boards));
        }
    in_one_turn = false;
    ck_assert_uint_le(board_core_stats(core)->list_bytes, LISTS_BYTES_MAX);
    ck_assert_uint_gt(board_core_stats(core)->dropped, 0);
    buf_free(&boards);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("board rogue");
    TCase *t = add_case(s, "peers");
    tcase_add_test(t, invented_replicas_take_no_shard);
    tcase_add_test(t, invented_replicas_are_probed_seldom);
    tcase_add_test(t, nobody_can_say_that_a_gateway_is_gone);
    t = add_case(s, "senders");
    tcase_add_test(t, each_kind_says_only_its_own);
    tcase_add_test(t, a_bad_item_harms_no_other);
    t = add_case(s, "numbers");
    tcase_add_test(t, marks_and_holes_outside_of_the_log_move_nothing);
    tcase_add_test(t, an_open_at_the_end_of_all_numbers_opens_nothing);
    tcase_add_test(t, the_last_cseq_of_all_is_followed_by_none);
    tcase_add_test(t, an_epoch_that_jumps_in_a_list_is_not_asked_for);
    tcase_add_test(t, a_board_is_not_opened_over_an_epoch_that_jumps);
    tcase_add_test(t, a_refusal_that_nobody_asked_for_names_no_epoch_that_jumps);
    t = add_case(s, "floods");
    tcase_add_test(t, a_list_makes_us_repeat_and_ask_at_most_once_a_second);
    tcase_add_test(t, many_invented_gateways_with_many_people_hang_nothing);
    tcase_add_test(t, goodbyes_beside_many_lists_hang_nothing);
    tcase_add_test(t, a_list_that_comes_again_is_not_read_again);
    tcase_add_test(t, of_a_flood_of_places_the_newest_of_a_turn_is_told);
    tcase_add_test(t, lists_are_bounded_in_bytes);
    return run_suite(s);
}
