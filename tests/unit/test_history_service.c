/* SPDX-License-Identifier: Apache-2.0
 *
 * The real easel-history on the broker at EASEL_TEST_AMQP: `test_history_service sqlite` or `mongo`
 * (then on the server at EASEL_TEST_MONGO). The test is its gateway and its owner at once, and like
 * them repeats each question until it is answered.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "link.h"
#include "store.h"

#define SHARDS      32u
#define PATIENCE_MS 30000u
#define AGAIN_MS    500u

static const char *kind;
static char directory[] = "/tmp/easel-history-XXXXXX";
static char store_url[600];
static uv_loop_t loop;
static uv_timer_t again;

/* ---- the gateway and the owner --------------------------------------------------------------- */

union answer {
    struct id board; /* with which each of them begins */
    struct msg_opened opened;
    struct msg_refused refused;
    struct msg_stored stored;
    struct msg_created created;
    struct msg_looked looked;
    struct msg_page page;
    struct msg_no_board no_board;
    struct msg_hole hole;
    struct msg_behind behind;
};

struct party {
    struct link *link;
    struct outbox *out;
    struct id self;
    bool up;
    struct id asked; /* about this board */
    uint64_t nonce;  /* of the newest read */
    unsigned code;   /* of the newest answer; 0: none yet */
    unsigned pages;  /* that came, */
    unsigned before; /* and so many of them until the newest answer */
    union answer answer;
    struct buf events; /* of the newest page */
};

static struct party gateway, owner;
static struct id board;
static uint64_t epoch;

static struct id id_of(const char *text)
{
    struct id id;
    ck_assert_int_eq(id_parse(text, strlen(text), &id), 0);
    return id;
}

static struct id random_id(char letter, unsigned chars)
{
    uint8_t bits[8];
    ck_assert_int_eq(getrandom(bits, sizeof bits, 0), sizeof bits);
    return id_from_bits(letter, chars, bits);
}

static void on_up(void *data)
{
    ((struct party *)data)->up = true;
}

static void on_down(void *data)
{
    ((struct party *)data)->up = false;
}

static void take_item(struct party *p, unsigned code, uint32_t fields, struct cursor *in)
{
    const struct message_type *type = message_type(code);
    union answer answer;
    if (!type || code < MSG_no_board)
        return;
    ck_assert_int_eq(message_fields(in, type, fields, true, &answer, NULL), 0);
    p->pages += code == MSG_page;
    if (!id_equal(&answer.board, &p->asked) || (code == MSG_page && answer.page.nonce != p->nonce))
        return; /* late: to what was asked more than once before */
    p->code = code;
    p->before = p->pages;
    p->answer = answer;
    if (code == MSG_page) {
        buf_clear(&p->events);
        buf_append(&p->events, answer.page.events.data, answer.page.events.len);
    }
}

static void on_message(void *data, const struct link_delivery *d)
{
    struct cursor in = cursor_of(d->body.data, d->body.len);
    struct msg_envelope envelope;
    ck_assert_int_eq(GET(&in, envelope, &envelope), 0);
    while (cursor_left(&in) > 0) {
        struct cursor at = in;
        unsigned code;
        uint32_t fields;
        ck_assert_int_eq(wire_skip(&in), 0);
        ck_assert_int_eq(message_begin(&at, &code, &fields), 0);
        take_item(data, code, fields, &at);
    }
}

static const struct link_events EVENTS = {.up = on_up, .down = on_down, .message = on_message};

static void join(struct party *p, char letter)
{
    *p = (struct party){.self = random_id(letter, REPLICA_CHARS - 1)};
    struct link_config config = {.broker = {getenv("EASEL_TEST_AMQP"), "", "", "", "", ""},
                                 .self = p->self,
                                 .shards = SHARDS,
                                 .hears_board = letter == 'b',
                                 .hears_gateway = letter == 'g'};
    p->out = outbox_create(&(struct outbox_config){.self = p->self});
    ck_assert_int_eq(link_create(&loop, &config, &EVENTS, p, &p->link), 0);
}

static void quit(struct party *p)
{
    link_destroy(p->link, 1000);
    outbox_destroy(p->out);
    buf_free(&p->events);
}

static void send_now(struct party *p, enum exchange exchange, const struct message_type *type,
                     const void *message)
{
    struct id shard = shard_destination(board_shard(&board, SHARDS)), none = {0};
    struct outbox_message m;
    outbox_put(p->out, exchange, exchange == EXCHANGE_REPLAY ? &none : &shard, &board, type,
               message);
    while (outbox_next(p->out, uv_now(&loop), &m))
        link_publish(p->link, &m);
}

static unsigned invented; /* so many history services that are not there say that they are alive */

static void say_alive(const struct id *who)
{
    struct buf body = {0};
    PUT(&body, envelope, BROKER_VERSION, *who);
    PUT(&body, alive, SHARDS);
    struct outbox_message m = {.exchange = EXCHANGE_PEERS, .body = buf_span(&body)};
    link_publish(gateway.link, &m);
    buf_free(&body);
}

static void on_again(uv_timer_t *timer)
{
    (void)timer;
    static unsigned turns;
    if (turns++ % 4 != 0)
        return;
    for (unsigned i = 0; i < invented; i++) {
        struct id who = {0};
        snprintf(who.text, sizeof who.text, "hx%u", i);
        say_alive(&who);
    }
}

/* Asks until an answer of that kind comes, and gives it. */
static const union answer *ask(struct party *p, const struct message_type *type,
                               const void *message, unsigned wanted)
{
    enum exchange exchange = type->code == MSG_read ? EXCHANGE_REPLAY : EXCHANGE_HISTORY;
    uint64_t begun = uv_now(&loop), asked = 0;
    p->asked = *(const struct id *)message; /* each question begins with its board */
    if (type->code == MSG_read)
        p->nonce = ((const struct msg_read *)message)->nonce;
    for (p->code = 0; p->code != wanted;) {
        ck_assert_msg(uv_now(&loop) - begun < PATIENCE_MS, "%s: no answer but %u", type->name,
                      p->code);
        if (p->up && uv_now(&loop) - asked >= AGAIN_MS) {
            asked = uv_now(&loop);
            send_now(p, exchange, type, message);
        }
        uv_run(&loop, UV_RUN_ONCE);
    }
    return &p->answer;
}
#define ASK(party, name, wanted, ...)                                                              \
    (&ask(&(party), &TYPE_##name, &(struct msg_##name){__VA_ARGS__}, MSG_##wanted)->wanted)

/* ---- easel-history --------------------------------------------------------------------------- */

#define VARIABLES_MAX 200

/* What easel-history finds in its environment: ours, without what is for the tests. */
static void make_environment(char **ret)
{
    setenv("EASEL_STORE", store_url, 1);
    setenv("EASEL_AMQP", getenv("EASEL_TEST_AMQP"), 1);
    size_t count = 0;
    for (char **at = environ; *at; at++)
        if (strncmp(*at, "EASEL_TEST_", strlen("EASEL_TEST_")) != 0) {
            ck_assert_uint_lt(count, VARIABLES_MAX);
            ret[count++] = *at;
        }
    ret[count] = NULL;
}

/* In the child of a process with threads: nothing that takes a lock, or memory. */
static void run_history(const char *log, char **environment)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with a test that failed */
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(126);
    execve(EASEL_HISTORY, (char *[]){EASEL_HISTORY, NULL}, environment);
    _exit(127);
}

static bool file_says(const char *path, const char *text)
{
    char line[500];
    bool found = false;
    FILE *file = fopen(path, "r");
    while (file && !found && fgets(line, sizeof line, file))
        found = strstr(line, text) != NULL;
    if (file)
        fclose(file);
    return found;
}

static char log_path[100]; /* of the newest one */

static void until_it_says(const char *text)
{
    uint64_t begun = uv_now(&loop);
    while (!file_says(log_path, text)) {
        ck_assert_msg(uv_now(&loop) - begun < PATIENCE_MS, "it did not say: %s", text);
        uv_run(&loop, UV_RUN_ONCE);
    }
}

/* It is there when it says where its admin port is: then it also knows what a signal means. */
static pid_t start_history(void)
{
    static unsigned number;
    char *log = log_path;
    snprintf(log, sizeof log_path, "%s/%d.%u.log", directory, getpid(), number++);
    char *environment[VARIABLES_MAX + 1];
    make_environment(environment);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        run_history(log, environment);
    until_it_says("admin on");
    return pid;
}

static int status_of(pid_t pid)
{
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_polite_end(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    ck_assert_int_eq(status_of(pid), 0);
}

static void make_store_url(void)
{
    if (strcmp(kind, "sqlite") == 0) {
        snprintf(store_url, sizeof store_url, "sqlite:%s/%d.db", directory, getpid());
        return;
    }
    const char *server = getenv("EASEL_TEST_MONGO");
    size_t host = strlen("mongodb://") + strcspn(server + strlen("mongodb://"), "/?");
    const char *options = strchr(server, '?');
    snprintf(store_url, sizeof store_url, "%.*s/easel_test_%s%s", (int)host, server, board.text,
             options ? options : "");
}

static void set_up(void)
{
    ck_assert_ptr_nonnull(getenv("EASEL_TEST_AMQP"));
    uv_loop_init(&loop);
    uv_timer_init(&loop, &again);
    uv_timer_start(&again, on_again, 50, 50);
    board = random_id(0, BOARD_CHARS);
    make_store_url();
    join(&gateway, 'g');
    join(&owner, 'b');
}

static void tear_down(void)
{
    quit(&gateway);
    quit(&owner);
    uv_close((uv_handle_t *)&again, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

/* ---- what is asked --------------------------------------------------------------------------- */

static void make_and_open(void)
{
    const struct msg_created *created = ASK(gateway, create, created, board, 7, span_of("Physics"));
    ck_assert_uint_eq(created->status, 0);
    const struct msg_opened *opened = ASK(owner, open, opened, board, owner.self, 70, 0);
    ck_assert_uint_eq(opened->epoch, 2);
    ck_assert_uint_eq(opened->clean, 1);
    epoch = opened->epoch;
}

static struct msg_append segment_of(struct buf *events, uint64_t first, uint32_t count)
{
    for (uint64_t offset = first; offset < first + count; offset++)
        PUT(events, ev_points, offset, 1000, 3, (uint32_t)offset, 0, {(const uint8_t *)"1234", 4});
    return (struct msg_append){.board = board,
                               .epoch = epoch,
                               .first = first,
                               .count = count,
                               .time = 1000,
                               .term = 3,
                               .cseq = first + count,
                               .events = buf_span(events)};
}

/* Repeats the segment until the mark covers it. */
static void append(uint64_t first, uint32_t count)
{
    struct buf events = {0};
    struct msg_append m = segment_of(&events, first, count);
    uint64_t mark;
    do
        mark = ask(&owner, &TYPE_append, &m, MSG_stored)->stored.mark;
    while (mark < first + count - 1);
    ck_assert_uint_eq(mark, first + count - 1);
    buf_free(&events);
}

/* All of the log, by pages of `bytes`: there is no hole and no repeat. */
static void expect_log(uint64_t tail, uint32_t bytes)
{
    uint64_t expected = 1;
    while (expected <= tail) {
        struct msg_page page = *ASK(gateway, read, page, board, expected, expected, 0, NIL, bytes);
        ck_assert_uint_eq(page.from, expected);
        ck_assert_uint_eq(page.tail, tail);
        struct cursor in = cursor_of(gateway.events.data, gateway.events.len);
        for (; cursor_left(&in) > 0; expected++) {
            struct cursor at = in;
            unsigned code;
            uint32_t fields;
            uint64_t offset;
            ck_assert_int_eq(wire_skip(&in), 0);
            ck_assert_int_eq(message_begin(&at, &code, &fields), 0);
            ck_assert_int_eq(wire_uint(&at, &offset), 0);
            ck_assert_uint_eq(offset, expected);
        }
        ck_assert_uint_eq(page.to, expected - 1);
    }
    ck_assert_uint_eq(expected, tail + 1);
}

START_TEST(what_is_asked_again_while_it_waits_is_read_once)
{
    pid_t history = start_history();
    make_and_open();
    append(3, 10);
    struct msg_read read = {board, 77, 1, 0, NIL, 60000};
    struct outbox_message m;
    struct id none = {0};
    for (unsigned i = 0; i < 3; i++)
        outbox_put(gateway.out, EXCHANGE_REPLAY, &none, &board, &TYPE_read, &read);
    while (outbox_next(gateway.out, uv_now(&loop), &m))
        link_publish(gateway.link, &m);
    expect_log(12, 60000); /* it is read behind them */
    ck_assert_uint_eq(gateway.pages, 2);
    expect_polite_end(history);
}
END_TEST

static void put_reads(const struct id *of, uint64_t first_nonce, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        outbox_put(gateway.out, EXCHANGE_REPLAY, &(struct id){0}, of, &TYPE_read,
                   &(struct msg_read){*of, first_nonce + i, 1, 0, NIL, 60000});
}

/* More is asked of one board than may wait, and then of the other. */
START_TEST(a_board_of_which_much_is_read_makes_only_itself_wait)
{
    pid_t history = start_history();
    make_and_open();
    append(3, 10);
    struct id much = board;
    board = random_id(0, BOARD_CHARS);
    make_and_open();
    append(3, 10);
    gateway.code = 0;
    gateway.asked = board;
    gateway.nonce = 9999;
    put_reads(&much, 1, 600);
    put_reads(&board, gateway.nonce, 1);
    struct outbox_message m;
    while (outbox_next(gateway.out, uv_now(&loop), &m))
        link_publish(gateway.link, &m);
    while (gateway.code != MSG_page)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_le(gateway.before, 4);
    expect_polite_end(history);
}
END_TEST

START_TEST(a_board_is_made_opened_written_and_read)
{
    pid_t history = start_history();
    make_and_open();
    append(3, 10);
    append(13, 200);
    expect_log(212, 60000);
    expect_log(212, 500);
    const struct msg_looked *looked = ASK(gateway, look, looked, board, 1);
    ck_assert_uint_eq(looked->tail, 212);
    ck_assert_uint_eq(looked->epoch, 2);
    expect_polite_end(history);
}
END_TEST

START_TEST(who_is_not_the_newest_owner_is_refused)
{
    pid_t history = start_history();
    make_and_open();
    epoch = 1;
    struct buf events = {0};
    struct msg_append m = segment_of(&events, 3, 1);
    const struct msg_refused *refused = &ask(&owner, &TYPE_append, &m, MSG_refused)->refused;
    ck_assert_uint_eq(refused->newest, 2);
    ck_assert_str_eq(refused->replica.text, owner.self.text);
    buf_free(&events);
    expect_polite_end(history);
}
END_TEST

START_TEST(a_board_that_never_was_is_no_board)
{
    pid_t history = start_history();
    const struct msg_no_board *none = ASK(owner, open, no_board, board, owner.self, 70, 0);
    ck_assert_str_eq(none->board.text, board.text);
    none = ASK(gateway, read, no_board, board, 5, 1, 0, NIL, 60000);
    ck_assert_str_eq(none->board.text, board.text);
    expect_polite_end(history);
}
END_TEST

START_TEST(what_was_said_to_be_stored_is_there_after_a_crash)
{
    pid_t history = start_history();
    make_and_open();
    append(3, 10);
    ck_assert_int_eq(kill(history, SIGKILL), 0);
    waitpid(history, NULL, 0);
    history = start_history();
    append(13, 5);
    expect_log(17, 60000);
    expect_polite_end(history);
}
END_TEST

START_TEST(another_history_service_takes_over_from_one_that_is_killed)
{
    pid_t first = start_history();
    make_and_open();
    pid_t second = start_history();
    uint64_t offset = 3;
    for (; offset < 40; offset++)
        append(offset, 1);
    ck_assert_int_eq(kill(first, SIGKILL), 0);
    for (; offset < 80; offset++)
        append(offset, 1);
    waitpid(first, NULL, 0);
    expect_log(79, 60000);
    expect_polite_end(second);
}
END_TEST

START_TEST(services_that_come_and_go_politely_interrupt_nothing)
{
    pid_t history = start_history();
    make_and_open();
    uint64_t offset = 3;
    for (unsigned i = 0; i < 3; i++) {
        pid_t next = start_history();
        for (unsigned j = 0; j < 20; j++)
            append(offset++, 1);
        expect_polite_end(history);
        history = next;
    }
    expect_log(offset - 1, 60000);
    expect_polite_end(history);
}
END_TEST

/* Were they believed, they would have nearly all shards, and nobody would serve them. */
START_TEST(history_services_that_are_not_there_take_no_shard)
{
    pid_t history = start_history();
    invented = 200;
    for (uint64_t begun = uv_now(&loop); uv_now(&loop) - begun < 2000;)
        uv_run(&loop, UV_RUN_ONCE);
    make_and_open();
    append(3, 10);
    expect_log(12, 60000);
    invented = 0;
    expect_polite_end(history);
}
END_TEST

START_TEST(another_number_of_shards_than_the_stores_is_refused_with_exit_status_2)
{
    expect_polite_end(start_history());
    setenv("EASEL_SHARDS", "16", 1);
    pid_t history = start_history();
    unsetenv("EASEL_SHARDS");
    ck_assert_int_eq(status_of(history), 2);
}
END_TEST

START_TEST(a_service_waits_for_a_database_that_is_not_there_yet)
{
    char later[300];
    snprintf(later, sizeof later, "%s/later", directory);
    snprintf(store_url, sizeof store_url, "sqlite:%s/new/easel.db", later);
    pid_t history = start_history();
    struct msg_create create = {board, 7, span_of("Physics")};
    for (uint64_t until = uv_now(&loop) + 1500; uv_now(&loop) < until;) {
        if (gateway.up)
            send_now(&gateway, EXCHANGE_HISTORY, &TYPE_create, &create);
        uv_run(&loop, UV_RUN_ONCE);
        ck_assert_uint_eq(gateway.code, 0);
    }
    ck_assert_int_eq(mkdir(later, 0700), 0);
    make_and_open();
    expect_polite_end(history);
}
END_TEST

START_TEST(a_service_that_still_waits_for_its_database_leaves_politely)
{
    snprintf(store_url, sizeof store_url, "sqlite:%s/never/never/easel.db", directory);
    expect_polite_end(start_history());
}
END_TEST

/* Nobody else can write to it until this connection is closed. */
static sqlite3 *lock_database(void)
{
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(store_url + strlen("sqlite:"), &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

START_TEST(while_the_database_is_locked_nothing_is_lost)
{
    pid_t history = start_history();
    make_and_open();
    sqlite3 *other = lock_database();
    struct buf events = {0};
    struct msg_append m = segment_of(&events, 3, 1);
    owner.code = 0;
    for (uint64_t until = uv_now(&loop) + 3000; uv_now(&loop) < until;) {
        send_now(&owner, EXCHANGE_HISTORY, &TYPE_append, &m);
        uv_run(&loop, UV_RUN_ONCE);
        ck_assert_uint_eq(owner.code, 0);
    }
    buf_free(&events);
    expect_log(2, 60000);
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    append(3, 5);
    expect_log(7, 60000);
    expect_polite_end(history);
}
END_TEST

/* In seconds, of a process that is gone; it ended well. */
static double cpu_of(pid_t pid)
{
    struct rusage used;
    int status;
    ck_assert_int_eq(wait4(pid, &status, 0, &used), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* The lock is held for so long that what waits is given up: about 2 s. */
START_TEST(who_leaves_and_waits_for_its_database_uses_no_processor_meanwhile)
{
    pid_t history = start_history();
    make_and_open();
    sqlite3 *other = lock_database();
    struct buf events = {0};
    struct msg_append m = segment_of(&events, 3, 1);
    send_now(&owner, EXCHANGE_HISTORY, &TYPE_append, &m);
    expect_log(2, 60000); /* the append, which came before this, is under way */
    uint64_t begun = uv_now(&loop);
    ck_assert_int_eq(kill(history, SIGTERM), 0);
    double used = cpu_of(history);
    uv_update_time(&loop);
    ck_assert_uint_gt(uv_now(&loop) - begun, 1000);
    ck_assert_double_lt(used, 0.5);
    sqlite3_close(other);
    buf_free(&events);
}
END_TEST

/* ---- deleted boards, old ones, too many ---------------------------------------------------------
 */

static struct store *open_store(void)
{
    struct store *s = NULL;
    const char *why = "";
    int r = store_open(&(struct store_address){store_url, "", ""}, SHARDS, &s, &why);
    ck_assert_msg(r == 0, "%s", why);
    return s;
}

/* Waits until nothing is left of the board but its bare tombstone. */
static void until_erased(void)
{
    struct store *s = open_store();
    struct record last = {0};
    uint64_t begun = uv_now(&loop);
    while (store_last(s, &board, &last) != 0 || !(last.flags & RECORD_ERASED)) {
        ck_assert_uint_lt(uv_now(&loop) - begun, 60000);
        uv_run(&loop, UV_RUN_ONCE);
    }
    ck_assert_int_eq(store_erase(s, &board), 0);
    store_close(s);
}

/* A board of three records, as owners before us left it at that time. */
static void seed(uint64_t time, unsigned flags)
{
    struct store *s = open_store();
    struct buf events[3] = {0};
    PUT(&events[0], ev_created, 1, time, span_of("Physics"));
    PUT(&events[1], ev_open, 2, time, owner.self);
    PUT(&events[2], ev_deleted, 3, time);
    for (unsigned i = 0; i < 3; i++) {
        struct record r = {.board = board,
                           .first = i + 1,
                           .count = 1,
                           .epoch = i ? 2 : 0,
                           .opener = owner.self,
                           .time = time,
                           .flags = i < 2 ? 0 : flags,
                           .state = log_state_pack(&(struct log_state){.term = 0}),
                           .events = buf_span(&events[i])};
        int result;
        ck_assert_int_eq(store_append(s, &r, 1, &result), 0);
        buf_free(&events[i]);
    }
    store_close(s);
}

START_TEST(a_deleted_board_is_erased)
{
    pid_t history = start_history();
    make_and_open();
    append(3, 10);
    struct buf events = {0};
    struct msg_append m = segment_of(&events, 13, 2);
    m.flags = APPEND_DELETED;
    ask(&owner, &TYPE_append, &m, MSG_stored);
    until_erased();
    ck_assert_uint_eq(ASK(gateway, look, looked, board, 1)->tail, 0);
    buf_free(&events);
    expect_polite_end(history);
}
END_TEST

START_TEST(what_erasing_has_left_behind_is_found_at_the_next_start)
{
    seed(1000, APPEND_DELETED);
    pid_t history = start_history();
    until_erased();
    expect_polite_end(history);
}
END_TEST

START_TEST(a_board_that_nobody_used_for_long_is_deleted_and_its_owner_told)
{
    seed(1000, 0);
    setenv("EASEL_KEEP_DAYS", "1", 1);
    pid_t history = start_history();
    unsetenv("EASEL_KEEP_DAYS");
    until_erased();
    epoch = 2;
    struct buf events = {0};
    struct msg_append m = segment_of(&events, 4, 1);
    ask(&owner, &TYPE_append, &m, MSG_no_board);
    ck_assert_uint_eq(ASK(gateway, look, looked, board, 1)->tail, 0);
    (void)ASK(gateway, read, no_board, board, 5, 1, 0, NIL, 60000);
    buf_free(&events);
    expect_polite_end(history);
}
END_TEST

START_TEST(boards_are_kept_that_are_used_or_when_nobody_said_for_how_long)
{
    seed(1000, 0);
    pid_t history = start_history();
    struct id old = board;
    board = random_id(0, BOARD_CHARS);
    make_and_open();
    ck_assert_uint_eq(ASK(gateway, look, looked, old, 1)->tail, 3);
    expect_polite_end(history);
}
END_TEST

START_TEST(no_more_boards_are_made_than_may_be)
{
    setenv("EASEL_BOARDS_MAX", "2", 1);
    seed(1000, 0);
    pid_t history = start_history();
    unsetenv("EASEL_BOARDS_MAX");
    board = random_id(0, BOARD_CHARS);
    make_and_open();
    until_it_says("there are 2 boards, as many as EASEL_BOARDS_MAX");
    board = random_id(0, BOARD_CHARS);
    const struct msg_created *created = ASK(gateway, create, created, board, 7, span_of("Physics"));
    ck_assert_uint_eq(created->status, CREATED_FULL);
    expect_polite_end(history);
}
END_TEST

/* ---- a store in which somebody broke something --------------------------------------------------
 */

/* Asks for events that cannot be had, often, and meanwhile for those of another board. */
static void expect_others_served(const struct msg_read *without_answer)
{
    struct id broken = board, other = random_id(0, BOARD_CHARS);
    board = other;
    make_and_open();
    for (uint64_t first = 3; first < 20; first++) {
        board = broken;
        send_now(&gateway, EXCHANGE_REPLAY, &TYPE_read, without_answer);
        board = other;
        append(first, 1);
        expect_log(first, 60000);
    }
    board = broken;
}

static void add_record(uint64_t first, uint32_t count, uint64_t record_epoch)
{
    struct store *s = open_store();
    struct buf events = {0};
    struct record r = {.board = board,
                       .first = first,
                       .count = count,
                       .epoch = record_epoch,
                       .opener = owner.self,
                       .time = first * 1000,
                       .state = log_state_pack(&(struct log_state){.term = 0})};
    int result;
    for (uint32_t i = 0; i < count; i++)
        PUT(&events, ev_points, first + i, first * 1000, 3, 1, 0, {(const uint8_t *)"1234", 4});
    r.events = buf_span(&events);
    ck_assert_int_eq(store_append(s, &r, 1, &result), 0);
    buf_free(&events);
    store_close(s);
}

START_TEST(a_broken_record_in_the_middle_of_a_log_ends_nobody)
{
    seed(1000, 0);
    add_record(4, 5, OFFSET_MAX + 1);
    add_record(9, 5, 2);
    pid_t history = start_history();
    expect_others_served(&(struct msg_read){board, 5, 4, 8, NIL, 60000});
    const struct msg_page *page = ASK(gateway, read, page, board, 6, 1, 0, NIL, 60000);
    ck_assert_uint_eq(page->to, 3);
    ck_assert_uint_eq(ASK(gateway, read, page, board, 7, 9, 0, NIL, 60000)->to, 13);
    until_it_says("has numbers that cannot be");
    expect_polite_end(history);
}
END_TEST

START_TEST(a_hole_in_a_log_holds_up_no_reader_and_no_end)
{
    seed(1000, 0);
    add_record(24, 10, 2);
    pid_t history = start_history();
    expect_others_served(&(struct msg_read){board, 5, NIL, 0, 2000, 60000});
    until_it_says("has a hole");
    expect_polite_end(history);
}
END_TEST

static void sql(const char *text)
{
    sqlite3 *other;
    ck_assert_int_eq(sqlite3_open(store_url + strlen("sqlite:"), &other), SQLITE_OK);
    sqlite3_busy_timeout(other, 5000);
    int r = sqlite3_exec(other, text, NULL, NULL, NULL);
    ck_assert_msg(r == SQLITE_OK, "%s", sqlite3_errmsg(other));
    sqlite3_close(other);
}

/* Of the boards "00" .. "99" and "z", which are looked at in this order, the first can be erased by
 * nobody; and somewhere among them is a row whose board is no id. */
START_TEST(a_board_that_cannot_be_erased_keeps_nothing_else_from_being_done)
{
    for (unsigned i = 0; i < 100; i++) {
        snprintf(board.text, sizeof board.text, "%02u", i);
        seed(UINT64_C(4000000000000), i ? 0 : APPEND_DELETED);
    }
    sql("CREATE TRIGGER never BEFORE DELETE ON record WHEN old.board = '00'"
        " BEGIN SELECT raise(ABORT, 'never'); END;"
        "UPDATE record SET board = 'NO ID' WHERE board = '50'");
    board = id_of("z");
    seed(1000, 0);
    setenv("EASEL_KEEP_DAYS", "1", 1);
    pid_t history = start_history();
    unsetenv("EASEL_KEEP_DAYS");
    until_it_says("never");
    until_erased();
    expect_polite_end(history);
}
END_TEST

/* ---- a store that is lost -----------------------------------------------------------------------
 */

START_TEST(when_its_database_is_removed_nothing_is_acked_any_more)
{
    pid_t history = start_history();
    make_and_open();
    append(3, 10);
    ck_assert_int_eq(unlink(store_url + strlen("sqlite:")), 0);
    struct buf events = {0};
    struct msg_append m = segment_of(&events, 13, 1);
    owner.code = 0;
    for (uint64_t until = uv_now(&loop) + 3000; uv_now(&loop) < until;) {
        send_now(&owner, EXCHANGE_HISTORY, &TYPE_append, &m);
        send_now(&gateway, EXCHANGE_REPLAY, &TYPE_read,
                 &(struct msg_read){board, 5, 1, 0, NIL, 60000});
        uv_run(&loop, UV_RUN_ONCE);
        ck_assert_uint_eq(owner.code, 0);
    }
    until_it_says("the store is lost");
    buf_free(&events);
    expect_polite_end(history);
    history = start_history(); /* that is for people to do, and to answer for */
    (void)ASK(owner, open, no_board, board, owner.self, 71, 2);
    expect_polite_end(history);
}
END_TEST

START_TEST(a_service_that_has_nothing_to_do_says_too_that_its_database_was_removed)
{
    pid_t history = start_history();
    make_and_open();
    char away[700];
    snprintf(away, sizeof away, "%s.away", store_url + strlen("sqlite:"));
    ck_assert_int_eq(rename(store_url + strlen("sqlite:"), away), 0);
    until_it_says("the store is lost");
    ck_assert_int_eq(rename(away, store_url + strlen("sqlite:")), 0);
    until_it_says("the store is back");
    append(3, 10);
    expect_log(12, 60000);
    expect_polite_end(history);
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 */

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about, (void)type, (void)where;
    return remove(path);
}

static Suite *history_service_suite(void)
{
    Suite *suite = suite_create("history_service");
    TCase *all = tcase_create(kind);
    tcase_set_timeout(all, 120);
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, what_is_asked_again_while_it_waits_is_read_once);
    tcase_add_test(all, a_board_of_which_much_is_read_makes_only_itself_wait);
    tcase_add_test(all, a_board_is_made_opened_written_and_read);
    tcase_add_test(all, who_is_not_the_newest_owner_is_refused);
    tcase_add_test(all, a_board_that_never_was_is_no_board);
    tcase_add_test(all, what_was_said_to_be_stored_is_there_after_a_crash);
    tcase_add_test(all, another_history_service_takes_over_from_one_that_is_killed);
    tcase_add_test(all, services_that_come_and_go_politely_interrupt_nothing);
    tcase_add_test(all, history_services_that_are_not_there_take_no_shard);
    tcase_add_test(all, another_number_of_shards_than_the_stores_is_refused_with_exit_status_2);
    tcase_add_test(all, a_deleted_board_is_erased);
    tcase_add_test(all, what_erasing_has_left_behind_is_found_at_the_next_start);
    tcase_add_test(all, a_board_that_nobody_used_for_long_is_deleted_and_its_owner_told);
    tcase_add_test(all, boards_are_kept_that_are_used_or_when_nobody_said_for_how_long);
    tcase_add_test(all, no_more_boards_are_made_than_may_be);
    tcase_add_test(all, a_broken_record_in_the_middle_of_a_log_ends_nobody);
    tcase_add_test(all, a_hole_in_a_log_holds_up_no_reader_and_no_end);
    if (strcmp(kind, "sqlite") == 0) {
        tcase_add_test(all, a_board_that_cannot_be_erased_keeps_nothing_else_from_being_done);
        tcase_add_test(all, when_its_database_is_removed_nothing_is_acked_any_more);
        tcase_add_test(all,
                       a_service_that_has_nothing_to_do_says_too_that_its_database_was_removed);
        tcase_add_test(all, a_service_waits_for_a_database_that_is_not_there_yet);
        tcase_add_test(all, a_service_that_still_waits_for_its_database_leaves_politely);
        tcase_add_test(all, while_the_database_is_locked_nothing_is_lost);
        tcase_add_test(all, who_leaves_and_waits_for_its_database_uses_no_processor_meanwhile);
    }
    suite_add_tcase(suite, all);
    return suite;
}

int main(int argc, char **argv)
{
    kind = argc == 2 ? argv[1] : "";
    bool mongo = strcmp(kind, "mongo") == 0;
    if (!mongo && strcmp(kind, "sqlite") != 0) {
        fprintf(stderr, "usage: test_history_service sqlite|mongo\n");
        return 2;
    }
    if (!getenv("EASEL_TEST_AMQP") || (mongo && !getenv("EASEL_TEST_MONGO"))) {
        fprintf(stderr, "EASEL_TEST_AMQP and, for mongo, EASEL_TEST_MONGO must be set\n");
        return 1;
    }
    if (!mkdtemp(directory)) {
        perror("mkdtemp");
        return 1;
    }
    SRunner *runner = srunner_create(history_service_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return failed ? 1 : 0;
}
