/* SPDX-License-Identifier: Apache-2.0
 *
 * A real easel-history, with a gateway and an owner who ask it over the broker.
 */
#ifndef EASEL_HISTORY_SERVICE_TEST_H
#define EASEL_HISTORY_SERVICE_TEST_H

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

static inline struct id id_of(const char *text)
{
    struct id id;
    ck_assert_int_eq(id_parse(text, strlen(text), &id), 0);
    return id;
}

static inline struct id random_id(char letter, unsigned chars)
{
    uint8_t bits[8];
    ck_assert_int_eq(getrandom(bits, sizeof bits, 0), sizeof bits);
    return id_from_bits(letter, chars, bits);
}

static inline void on_state(void *data, bool up)
{
    ((struct party *)data)->up = up;
}

static inline void take_item(struct party *p, unsigned code, uint32_t fields, struct cursor *in)
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

static inline void on_message(void *data, const struct link_delivery *d)
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

static const struct link_events EVENTS = {.state = on_state, .message = on_message};

static inline void join(struct party *p, char letter)
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

static inline void quit(struct party *p)
{
    link_destroy(p->link, 1000);
    outbox_destroy(p->out);
    buf_free(&p->events);
}

static inline void send_now(struct party *p, enum exchange exchange,
                            const struct message_type *type, const void *message)
{
    struct id shard = shard_destination(board_shard(&board, SHARDS)), none = {0};
    struct outbox_message m;
    outbox_put(p->out, exchange, exchange == EXCHANGE_REPLAY ? &none : &shard, &board, type,
               message);
    while (outbox_next(p->out, uv_now(&loop), &m))
        link_publish(p->link, &m);
}

static unsigned invented; /* so many history services that are not there say that they are alive */

static inline void say_alive(const struct id *who)
{
    struct buf body = {0};
    PUT(&body, envelope, BROKER_VERSION, *who);
    PUT(&body, alive, SHARDS);
    struct outbox_message m = {.exchange = EXCHANGE_PEERS, .body = buf_span(&body)};
    link_publish(gateway.link, &m);
    buf_free(&body);
}

static inline void on_again(uv_timer_t *timer)
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
__attribute__((noinline, unused)) static const union answer *
ask(struct party *p, const struct message_type *type, const void *message, unsigned wanted)
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
static inline void make_environment(char **ret)
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
static inline void run_history(const char *log, char **environment)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with a test that failed */
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(126);
    execve(EASEL_HISTORY, (char *[]){EASEL_HISTORY, NULL}, environment);
    _exit(127);
}

static inline bool file_says(const char *path, const char *text)
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

static inline void until_it_says(const char *text)
{
    uint64_t begun = uv_now(&loop);
    while (!file_says(log_path, text)) {
        ck_assert_msg(uv_now(&loop) - begun < PATIENCE_MS, "it did not say: %s", text);
        uv_run(&loop, UV_RUN_ONCE);
    }
}

/* It is there when it says where its admin port is: then it also knows what a signal means. */
static inline pid_t start_history(void)
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

static inline int status_of(pid_t pid)
{
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void expect_polite_end(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    ck_assert_int_eq(status_of(pid), 0);
}

static inline void make_store_url(void)
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

static inline void set_up(void)
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

static inline void tear_down(void)
{
    quit(&gateway);
    quit(&owner);
    uv_close((uv_handle_t *)&again, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

#endif
