/* SPDX-License-Identifier: Apache-2.0
 *
 * What only SQLite has: files, and processes that share them.
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

/* ---- SQLite ---------------------------------------------------------------------------------- */

START_TEST(sqlite_answers_unknown_while_another_process_holds_the_write_lock)
{
    sqlite3 *other;
    ck_assert_int_eq(sqlite3_open(url + strlen("sqlite:"), &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    double begun = seconds_now();
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), -EIO);
    ck_assert_double_lt(seconds_now() - begun, 10);
    ck_assert_str_ne(store_why(store), "");
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 0); /* it can be read */
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), 0);
    sqlite3_close(other);
}
END_TEST

START_TEST(sqlite_keeps_a_write_ahead_log)
{
    sqlite3_stmt *st;
    sqlite3 *other;
    ck_assert_int_eq(sqlite3_open(url + strlen("sqlite:"), &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(other, "PRAGMA journal_mode", -1, &st, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(st, 0), "wal");
    sqlite3_finalize(st);
    sqlite3_close(other);
}
END_TEST

START_TEST(sqlite_says_which_file_cannot_be_opened)
{
    struct store *s;
    const char *why = "";
    ck_assert_int_eq(store_open(&at("sqlite:/dev/null/none.db"), SHARDS, &s, &why), -EIO);
    ck_assert_msg(strstr(why, "/dev/null/none.db"), "%s", why);
}
END_TEST

START_TEST(sqlite_takes_no_count_for_another_that_it_is_in_32_bits)
{
    make_board("k3v9x2mq4t", 3);
    sql("UPDATE record SET count = 4294967297 WHERE first = 3");
    expect_last_broken("k3v9x2mq4t");
    sql("UPDATE record SET count = -4294967295 WHERE first = 3");
    expect_last_broken("k3v9x2mq4t");
}
END_TEST

START_TEST(sqlite_lists_the_boards_behind_a_row_whose_board_is_no_id)
{
    make_board("0", 2);
    make_board("zzzz", 2);
    sql("INSERT INTO record SELECT 'AAAA', first, count, epoch, opener, nonce, holder, instance,"
        " term, cseq, base, time, flags, events, state FROM record WHERE board = '0';"
        "UPDATE record SET board = 'k3v' || char(0) || 'x' WHERE board = 'AAAA' AND first = 1");
    expect_listed("0 zzzz ");
}
END_TEST

/* ---- SQLite: what is erased leaves the files ---------------------------------------------------
 */

static const char *file_at(const char *ending)
{
    static char path[4][700];
    static unsigned turn;
    char *at = path[turn++ % 4];
    snprintf(at, sizeof path[0], "%s%s", url + strlen("sqlite:"), ending);
    return at;
}

static bool file_has(const char *path, const char *text)
{
    struct stat about;
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    ck_assert_int_eq(fstat(fd, &about), 0);
    char *bytes = malloc((size_t)about.st_size + 1);
    ck_assert_int_eq(read(fd, bytes, (size_t)about.st_size), about.st_size);
    bool found = memmem(bytes, (size_t)about.st_size, text, strlen(text)) != NULL;
    free(bytes);
    close(fd); /* only of files that no store of ours has open: SQLite's locks */
    return found;
}

/* Copies, since a database that is open must not be opened and closed here. */
static bool some_file_has(const char *text)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    bool found = false;
    for (unsigned i = 0; i < 3; i++) {
        char copy[1600];
        snprintf(copy, sizeof copy, "cp -f %s %s", file_at(endings[i]), file_at(".copy"));
        ck_assert_int_eq(system(copy), 0);
        found = found || file_has(file_at(".copy"), text);
    }
    return found;
}

static void tidy_all(struct store *s)
{
    int r;
    for (unsigned steps = 0; (r = store_tidy(s)) > 0; steps++)
        ck_assert_uint_lt(steps, 1000);
    ck_assert_int_eq(r, 0);
}

static off_t size_of(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 ? about.st_size : -1;
}

/* Records of all sizes, of two boards in turns, so that they share pages. */
static void make_two_boards(struct store *s, unsigned records)
{
    static char text[6000];
    for (uint64_t first = 1; first <= records; first++)
        for (unsigned i = 0; i < 2; i++) {
            size_t len = 30 + (first * 7919 + i * 104729) % (sizeof text - 40);
            for (size_t at = 0; at < len; at += 10)
                memcpy(text + at, i ? "of another" : "strokebyte", 10);
            struct record r = record_at(i ? "another" : "deleted", first, 1, 100);
            r.state =
                log_state_pack(&(struct log_state){.holder = id_of(i ? "stays" : "holderdeleted")});
            r.events = (struct span){(const uint8_t *)text, len};
            ck_assert_int_eq(append(s, r), 0);
        }
}

static void delete_board(struct store *s, uint64_t first)
{
    struct record r = tombstone_at("deleted", first, 1);
    r.events = span_of("strokebyte, and the end");
    r.state = log_state_pack(&(struct log_state){.holder = id_of("holderdeleted")});
    ck_assert_int_eq(append(s, r), 0);
    erase_all(s, "deleted");
    tidy_all(s);
}

START_TEST(sqlite_has_nothing_of_an_erased_board_in_its_files_and_they_shrink)
{
    make_two_boards(store, 1500);
    off_t before = size_of(file_at(""));
    ck_assert(some_file_has("strokebyte"));
    delete_board(store, 1501);
    ck_assert(!some_file_has("strokebyte"));
    ck_assert(!some_file_has("holderdeleted"));
    ck_assert(some_file_has("of another"));
    ck_assert_int_lt(size_of(file_at("")), before * 6 / 10);
    ck_assert_int_eq(size_of(file_at("-wal")), 0);
    ck_assert_uint_eq(tail_of(store, "another"), 1500);
}
END_TEST

START_TEST(sqlite_rewrites_a_file_that_was_made_before_files_shrank)
{
    sqlite3 *old;
    make_two_boards(store, 300);
    store_close(store);
    ck_assert_int_eq(sqlite3_open(file_at(""), &old), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(old, "PRAGMA auto_vacuum = NONE; VACUUM", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(old);
    store = open_store();
    off_t before = size_of(file_at(""));
    delete_board(store, 301);
    ck_assert(!some_file_has("strokebyte"));
    ck_assert_int_lt(size_of(file_at("")), before * 6 / 10);
    ck_assert_uint_eq(tail_of(store, "another"), 300);
}
END_TEST

START_TEST(sqlite_tidies_when_the_last_reader_has_left)
{
    sqlite3 *reader;
    make_two_boards(store, 20);
    ck_assert_int_eq(sqlite3_open(file_at(""), &reader), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(reader, "BEGIN; SELECT * FROM record", NULL, NULL, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(append(store, tombstone_at("deleted", 21, 1)), 0);
    erase_all(store, "deleted");
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(store_tidy(store), 1);
    ck_assert_int_eq(append(store, record_at("another", 21, 1, 0)), 0);
    sqlite3_close(reader);
    tidy_all(store);
    ck_assert(!some_file_has("strokebyte"));
}
END_TEST

/* ---- SQLite: one writer at a time --------------------------------------------------------------
 */

/* Another process, which does `work` when it is told to and says when it has done it. */
struct process {
    pid_t pid;
    int to, from;
};

static struct process start_process(void (*work)(struct process *))
{
    int down[2], up[2];
    ck_assert_int_eq(pipe(down), 0);
    ck_assert_int_eq(pipe(up), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    struct process p = {pid, down[1], up[0]};
    if (pid == 0) {
        struct process parent = {0, up[1], down[0]};
        close(down[1]);
        close(up[0]);
        work(&parent);
        _exit(0);
    }
    close(down[0]);
    close(up[1]);
    return p;
}

static void say(struct process *p)
{
    ck_assert_int_eq(write(p->to, "x", 1), 1);
}

static void hear(struct process *p)
{
    char c;
    ck_assert_int_eq(read(p->from, &c, 1), 1);
}

static void end_process(struct process *p)
{
    int status;
    ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
    ck_assert_int_eq(status, 0);
    close(p->to);
    close(p->from);
}

/* As the program of another kind of store would. */
static int take_lock_file(void)
{
    int fd = open(file_at("-lock"), O_RDWR | O_CREAT, 0666);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void hold_lock(struct process *parent)
{
    int fd = take_lock_file();
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    say(parent);
    hear(parent);
    flock(fd, LOCK_UN);
    say(parent);
}

static void *append_one(void *data)
{
    (void)data;
    return (void *)(intptr_t)append(store, record_at("k3v9x2mq4t", 1, 1, 0));
}

START_TEST(sqlite_waits_with_writing_while_another_process_holds_the_lock)
{
    struct process holder = start_process(hold_lock);
    pthread_t thread;
    void *result;
    hear(&holder);
    ck_assert_int_eq(pthread_create(&thread, NULL, append_one, NULL), 0);
    usleep(300000); /* had it not to wait, it would be done by now */
    ck_assert_int_eq(pthread_tryjoin_np(thread, &result), EBUSY);
    say(&holder);
    pthread_join(thread, &result);
    ck_assert_int_eq((intptr_t)result, 0);
    end_process(&holder);
}
END_TEST

START_TEST(sqlite_gives_up_when_another_process_holds_the_lock_for_long)
{
    struct store *s;
    const char *why = "";
    make_board("deleted", 1);
    ck_assert_int_eq(append(store, tombstone_at("deleted", 2, 1)), 0);
    struct process holder = start_process(hold_lock);
    hear(&holder);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), -EIO);
    ck_assert_msg(strstr(store_why(store), "another process has held"), "%s", store_why(store));
    ck_assert_int_eq(store_erase(store, &(struct id){"deleted"}), -EIO);
    ck_assert_int_eq(store_tidy(store), -EIO);
    ck_assert_int_eq(store_open(&at(url), SHARDS, &s, &why), -EIO);
    ck_assert_msg(strstr(why, "another process has held"), "%s", why);
    ck_assert_uint_eq(tail_of(store, "deleted"), 2); /* readers do not wait */
    say(&holder);
    end_process(&holder);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), 0);
}
END_TEST

/* Its transaction cannot begin, since we hold SQLite's own lock. */
static void append_when_told(struct process *parent)
{
    struct store *s = open_store();
    say(parent);
    hear(parent);
    append(s, record_at("k3v9x2mq4t", 1, 1, 0));
    _exit(0);
}

START_TEST(sqlite_holds_the_lock_during_a_transaction_and_no_longer)
{
    sqlite3 *other;
    int fd = take_lock_file();
    struct process writer = start_process(append_when_told);
    hear(&writer);
    ck_assert_int_eq(sqlite3_open(file_at(""), &other), SQLITE_OK);
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0); /* an open store does not hold it */
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    flock(fd, LOCK_UN);
    say(&writer);
    double begun = seconds_now();
    while (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        ck_assert_double_lt(seconds_now() - begun, 10);
        flock(fd, LOCK_UN);
        usleep(1000);
    }
    sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(other);
    end_process(&writer);
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    close(fd);
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 1);
}
END_TEST

/* The last store to close checkpoints the log. */
START_TEST(sqlite_does_not_checkpoint_at_closing_while_another_process_holds_the_lock)
{
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), 0);
    off_t before = size_of(file_at("-wal"));
    struct process holder = start_process(hold_lock);
    hear(&holder);
    store_close(store);
    ck_assert_int_eq(size_of(file_at("-wal")), before);
    say(&holder);
    end_process(&holder);
    store = open_store();
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 1);
    store_close(store);
    ck_assert_int_eq(size_of(file_at("-wal")), -1);
    store = open_store();
}
END_TEST

START_TEST(sqlite_makes_a_lock_file_that_was_removed_anew_so_that_all_take_the_same)
{
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 1, 1, 0)), 0);
    ck_assert_int_eq(unlink(file_at("-lock")), 0);
    struct process holder = start_process(hold_lock);
    hear(&holder);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 2, 1, 0)), -EIO);
    say(&holder);
    end_process(&holder);
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 2, 1, 0)), 0);
}
END_TEST

/* ---- SQLite: a database that is lost -----------------------------------------------------------
 */

static void expect_refused(struct store *s)
{
    struct record last;
    struct seen seen = {0};
    struct id board = id_of("k3v9x2mq4t"), next = {0};
    ck_assert_int_eq(append(s, record_at("k3v9x2mq4t", 4, 1, 0)), -EIO);
    ck_assert_msg(strstr(store_why(s), "removed or replaced"), "%s", store_why(s));
    ck_assert(store_lost(s));
    ck_assert_int_eq(store_last(s, &board, &last), -EIO);
    ck_assert_int_eq(store_read(s, &board, 1, OFFSET_MAX, see, &seen), -EIO);
    ck_assert_int_eq(store_next_board(s, &next, &next), -EIO);
    ck_assert_int_eq(store_tidy(s), -EIO);
    ck_assert_uint_eq(seen.count, 0);
}

static void move(const char *ending, const char *to)
{
    ck_assert_int_eq(rename(file_at(ending), file_at(to)), 0);
}

static void expect_lost_while_moved(const char *ending)
{
    move(ending, ".away");
    expect_refused(store);
    move(".away", ending);
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 3);
    ck_assert(!store_lost(store));
}

START_TEST(sqlite_refuses_a_database_that_was_moved_away_until_it_is_back)
{
    make_board("k3v9x2mq4t", 3);
    expect_lost_while_moved("");
    expect_lost_while_moved("-wal");
    expect_lost_while_moved("-shm");
    ck_assert_int_eq(append(store, record_at("k3v9x2mq4t", 4, 1, 0)), 0);
}
END_TEST

START_TEST(sqlite_refuses_a_database_that_was_removed_and_leaves_the_new_one_alone)
{
    make_board("k3v9x2mq4t", 3);
    ck_assert_int_eq(unlink(file_at("")), 0);
    expect_refused(store);
    struct store *other = open_store(); /* a new, empty one is there */
    ck_assert_uint_eq(tail_of(other, "k3v9x2mq4t"), 0);
    expect_refused(store);
    ck_assert_int_eq(append(other, record_at("k3v9x2mq4u", 1, 1, 0)), 0);
    store_close(store);
    ck_assert_int_eq(append(other, record_at("k3v9x2mq4u", 2, 1, 0)), 0);
    ck_assert_uint_eq(tail_of(other, "k3v9x2mq4u"), 2);
    store = other;
}
END_TEST

START_TEST(sqlite_refuses_a_database_that_was_replaced_by_another_file)
{
    char copy[1600];
    make_board("k3v9x2mq4t", 3);
    snprintf(copy, sizeof copy, "cp %s %s", file_at(""), file_at(".backup"));
    ck_assert_int_eq(system(copy), 0);
    move(".backup", "");
    expect_refused(store);
}
END_TEST

START_TEST(sqlite_refuses_a_database_whose_directory_is_gone)
{
    char old[700], away[710];
    make_board("k3v9x2mq4t", 3);
    snprintf(old, sizeof old, "%s", file_at(""));
    *strrchr(old, '/') = '\0';
    snprintf(away, sizeof away, "%s.away", old);
    ck_assert_int_eq(rename(old, away), 0);
    expect_refused(store);
    ck_assert_int_eq(rename(away, old), 0);
}
END_TEST

START_TEST(sqlite_goes_on_when_the_full_disk_has_room_again)
{
    struct rlimit before, small;
    make_board("k3v9x2mq4t", 3);
    struct buf events = {0};
    for (uint32_t i = 0; i < RECORD_BYTES_MAX / 4; i++)
        buf_append(&events, &i, sizeof i);
    struct record r = record_at("k3v9x2mq4t", 4, 1, 0);
    r.events = buf_span(&events);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = (rlim_t)size_of(file_at("-wal")) + 10000;
    setrlimit(RLIMIT_FSIZE, &small);
    ck_assert_int_eq(append(store, r), -EIO);
    ck_assert(!store_lost(store));
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 3);
    setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_int_eq(append(store, r), 0);
    ck_assert_uint_eq(tail_of(store, "k3v9x2mq4t"), 4);
    buf_free(&events);
}
END_TEST

void add_sqlite_tests(TCase *t)
{
    tcase_add_test(t, sqlite_answers_unknown_while_another_process_holds_the_write_lock);
    tcase_add_test(t, sqlite_keeps_a_write_ahead_log);
    tcase_add_test(t, sqlite_says_which_file_cannot_be_opened);
    tcase_add_test(t, sqlite_takes_no_count_for_another_that_it_is_in_32_bits);
    tcase_add_test(t, sqlite_lists_the_boards_behind_a_row_whose_board_is_no_id);
    tcase_add_test(t, sqlite_has_nothing_of_an_erased_board_in_its_files_and_they_shrink);
    tcase_add_test(t, sqlite_rewrites_a_file_that_was_made_before_files_shrank);
    tcase_add_test(t, sqlite_tidies_when_the_last_reader_has_left);
    tcase_add_test(t, sqlite_waits_with_writing_while_another_process_holds_the_lock);
    tcase_add_test(t, sqlite_gives_up_when_another_process_holds_the_lock_for_long);
    tcase_add_test(t, sqlite_holds_the_lock_during_a_transaction_and_no_longer);
    tcase_add_test(t, sqlite_does_not_checkpoint_at_closing_while_another_process_holds_the_lock);
    tcase_add_test(t, sqlite_makes_a_lock_file_that_was_removed_anew_so_that_all_take_the_same);
    tcase_add_test(t, sqlite_refuses_a_database_that_was_moved_away_until_it_is_back);
    tcase_add_test(t, sqlite_refuses_a_database_that_was_removed_and_leaves_the_new_one_alone);
    tcase_add_test(t, sqlite_refuses_a_database_that_was_replaced_by_another_file);
    tcase_add_test(t, sqlite_refuses_a_database_whose_directory_is_gone);
    tcase_add_test(t, sqlite_goes_on_when_the_full_disk_has_room_again);
}
