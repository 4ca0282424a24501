/* SPDX-License-Identifier: Apache-2.0
 *
 * What only MongoDB has: a server that may answer late, or not know.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <mongoc/mongoc.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store_test.h"

/* ---- MongoDB --------------------------------------------------------------------------------- */

/* How the server fails inserts; mode is "off" or {"times": N}. */
static void fail_inserts(const char *mode, const char *how)
{
    char text[400];
    snprintf(text, sizeof text,
             "{\"configureFailPoint\": \"failCommand\", \"mode\": %s,"
             " \"data\": {\"failCommands\": [\"insert\"], %s}}",
             mode, how);
    command("admin", text);
}

START_TEST(mongo_answers_unknown_when_the_majority_was_not_reached)
{
    fail_inserts("{\"times\": 1}",
                 "\"writeConcernError\": {\"code\": 64, \"errmsg\": \"too slow\"}");
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), -EIO);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), -EEXIST);
}
END_TEST

START_TEST(mongo_tells_no_board_when_keys_are_taken_and_the_majority_was_not_reached)
{
    struct record two[] = {record_at("k3v9x2mq4t", 1, 1, 0), record_at("aaaaaaaaaa", 1, 1, 0)};
    int results[2];
    ck_assert_int_eq(append(store, two[0]), 0);
    fail_inserts("{\"times\": 1}",
                 "\"writeConcernError\": {\"code\": 64, \"errmsg\": \"too slow\"}");
    ck_assert_int_eq(store_append(store, two, 2, results), -EIO);
    ck_assert_int_eq(results[0], -EEXIST);
    ck_assert_str_ne(store_why(store), "");
    ck_assert_msg(!strstr(store_why(store), "k3v9x2mq4t"), "%s", store_why(store));
}
END_TEST

START_TEST(mongo_answers_unknown_when_the_connection_breaks)
{
    fail_inserts("{\"times\": 5}", "\"closeConnection\": true");
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), -EIO);
    fail_inserts("\"off\"", "\"closeConnection\": true");
    int r = append(store, record_at("k3v9x2mq4t", 1, 1, 0));
    ck_assert_msg(r == 0 || r == -EEXIST, "%d", r);
}
END_TEST

/* The hardest case: an error is all that we hear, and the record is stored all the same, later. */
START_TEST(mongo_answers_unknown_when_the_answer_is_late)
{
    struct record r = record_at("k3v9x2mq4t", 1, 1, 0);
    size_t len = strlen(url);
    snprintf(url + len, sizeof url - len, "%cretryWrites=false&socketTimeoutMS=500",
             strchr(url, '?') ? '&' : '?');
    struct store *hasty = open_store();
    url[len] = '\0';
    fail_inserts("{\"times\": 1}", "\"blockConnection\": true, \"blockTimeMS\": 1500");
    ck_assert_int_eq(append(hasty, r), -EIO);
    store_close(hasty);
    int again = append(store, r);
    ck_assert_msg(again == 0 || again == -EEXIST, "%d", again);
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 1);
}
END_TEST

START_TEST(mongo_refuses_a_collection_that_was_dropped)
{
    struct record last;
    struct id board = id_of("k3v9x2mq4t");
    uint64_t tail = 3;
    make_board("k3v9x2mq4t", tail);
    database_command("{\"drop\": \"record\"}");
    ck_assert_int_eq(store_last(store, &board, &last), -EIO); /* not: there is no such board */
    ck_assert(store_lost(store));
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", tail + 1, 1, 0)), -EIO);
    ck_assert_msg(strstr(store_why(store), "dropped"), "%s", store_why(store));
    struct store *other = open_store();
    ck_assert_int_eq(store_last(other, &board, &last), -ENOENT);
    ck_assert_int_eq(store_last(store, &board, &last), -EIO);
    store_close(other);
}
END_TEST

START_TEST(mongo_that_only_appends_notices_soon_that_its_collection_was_dropped)
{
    uint64_t first = 1;
    double begun = seconds_now();
    make_board("k3v9x2mq4t", first++);
    database_command("{\"drop\": \"record\"}");
    while (append(store, record_at("k3v9x2mq4t", first++, 1, 0)) == 0)
        ck_assert_double_lt(seconds_now() - begun, 20);
    ck_assert(store_lost(store));
}
END_TEST

START_TEST(mongo_lists_the_boards_behind_a_document_whose_key_names_none)
{
    make_board("aaaa", 2);
    make_board("zzzz", 2);
    database_command("{\"insert\": \"record\", \"documents\": ["
                     "{\"_id\": \"AAAA:0000000000000001\", \"board\": \"0\", \"first\": 1},"
                     "{\"_id\": \"k3v9\", \"board\": \"aaaa\", \"first\": 1}]}");
    expect_listed("aaaa zzzz ");
}
END_TEST

static void set_first(unsigned first, const char *to)
{
    char text[300];
    snprintf(text, sizeof text,
             "{\"update\": \"record\", \"updates\": [{\"q\": {\"_id\":"
             " \"k3v9x2mq4t:%016u\"}, \"u\": {\"$set\": {\"first\": %s}}}]}",
             first, to);
    database_command(text);
}

START_TEST(mongo_takes_a_document_that_is_not_what_its_key_says_for_broken)
{
    make_board("k3v9x2mq4t", 3);
    set_first(3, "2");
    expect_last_broken("k3v9x2mq4t");
    expect_read_broken("k3v9x2mq4t", 1, 2);
}
END_TEST

START_TEST(mongo_erases_a_document_that_is_not_what_its_key_says)
{
    make_board("k3v9x2mq4t", 3);
    ck_assert_int_eq(append(store, tombstone_at("k3v9x2mq4t", 4, 1)), 0);
    set_first(3, "-5");
    erase_all(store, "k3v9x2mq4t");
    expect_erased("k3v9x2mq4t", 4, 1);
}
END_TEST

START_TEST(mongo_that_does_not_answer_is_given_up_in_bounded_time)
{
    struct store *s;
    const char *why = "";
    double begun = seconds_now();
    int r = store_open(&at("mongodb://127.0.0.1:1/easel"), SHARDS, &s, &why);
    ck_assert_int_eq(r, -EIO);
    ck_assert_double_lt(seconds_now() - begun, 10);
    ck_assert_str_ne(why, "");
}
END_TEST

START_TEST(mongo_url_that_is_none_is_refused)
{
    struct store *s;
    const char *why = "";
    ck_assert_int_eq(store_open(&at("mongodb://:::/"), SHARDS, &s, &why), -EINVAL);
    ck_assert_str_ne(why, "");
}
END_TEST

START_TEST(mongo_user_without_a_password_is_refused)
{
    struct store *s;
    const char *why = "";
    ck_assert_int_eq(store_open(&at("mongodb://ann@127.0.0.1:1/easel"), SHARDS, &s, &why), -EINVAL);
    ck_assert_str_eq(why, "MongoDB: there is a user, but no password");
}
END_TEST

void add_mongo_tests(TCase *t)
{
    tcase_add_test(t, mongo_refuses_a_collection_that_was_dropped);
    tcase_add_test(t, mongo_that_only_appends_notices_soon_that_its_collection_was_dropped);
    tcase_add_test(t, mongo_answers_unknown_when_the_majority_was_not_reached);
    tcase_add_test(t, mongo_tells_no_board_when_keys_are_taken_and_the_majority_was_not_reached);
    tcase_add_test(t, mongo_answers_unknown_when_the_connection_breaks);
    tcase_add_test(t, mongo_answers_unknown_when_the_answer_is_late);
    tcase_add_test(t, mongo_lists_the_boards_behind_a_document_whose_key_names_none);
    tcase_add_test(t, mongo_takes_a_document_that_is_not_what_its_key_says_for_broken);
    tcase_add_test(t, mongo_erases_a_document_that_is_not_what_its_key_says);
    tcase_add_test(t, mongo_that_does_not_answer_is_given_up_in_bounded_time);
    tcase_add_test(t, mongo_url_that_is_none_is_refused);
    tcase_add_test(t, mongo_user_without_a_password_is_refused);
}
