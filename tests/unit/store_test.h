/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the stores share. One suite for all kinds: `test_store sqlite` in a directory
 * of its own, `test_store mongo` in databases of its own on the server at EASEL_TEST_MONGO (which
 * knows test commands).
 */
#ifndef EASEL_STORE_TEST_H
#define EASEL_STORE_TEST_H

#include <check.h>

#include "store.h"

#define SHARDS 32u

extern const char *kind; /* "sqlite" or "mongo" */
extern char url[600];    /* of the test under way */
extern struct store *store;

#define at(url_) ((struct store_address){.url = (url_), .user = "", .password = ""})

/* What a read gave: the `first` of each record. */
struct seen {
    uint64_t first[64];
    unsigned count, stop_after;
    struct record newest;
    struct buf events; /* of the newest */
};

struct id id_of(const char *text);
struct store *open_store(void);
struct record record_at(const char *board, uint64_t first, uint32_t count, uint64_t time);
int append(struct store *s, struct record r);
void expect_same_state(const struct record *a, const struct record *b);
bool see(void *owner, const struct record *r);
void expect_read(const char *board, uint64_t from, unsigned count, const uint64_t *first);
uint64_t tail_of(struct store *s, const char *board);
double seconds_now(void);
void make_url(void);
void set_up(void);
void make_broken(const char *board, const struct record *broken);
void expect_read_broken(const char *board, uint64_t from, unsigned count);
void expect_last_broken(const char *board);
struct record tombstone_at(const char *board, uint64_t first, uint32_t count);
void erase_all(struct store *s, const char *board);
void expect_erased(const char *board, uint64_t first, uint32_t count);
void make_board(const char *board, uint64_t tail);
void expect_listed(const char *names);
void sql(const char *text);
void command(const char *database, const char *text);
void database_command(const char *text);

#define EXPECT_READ(board, from, ...)                                                              \
    expect_read(board, from, sizeof(uint64_t[]){__VA_ARGS__} / sizeof(uint64_t),                   \
                (uint64_t[]){__VA_ARGS__})

void add_common_tests(TCase *t);
void add_schema_tests(TCase *t);
void add_sqlite_tests(TCase *t);
void add_mongo_tests(TCase *t);

#endif
