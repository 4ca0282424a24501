/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs proto/vectors.txt through the codec; the page's codec runs the same file.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "messages.h"

#define LINES_MAX 2000

static char *lines[LINES_MAX];
static unsigned line_count;

static void read_lines(void)
{
    FILE *f = fopen(VECTORS, "re");
    ck_assert_msg(f != NULL, "cannot open %s", VECTORS);
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, f) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (*line == '#' || *line == '\0')
            continue;
        ck_assert_uint_lt(line_count, LINES_MAX);
        lines[line_count++] = strdup(line);
    }
    free(line);
    fclose(f);
}

static void free_lines(void)
{
    while (line_count > 0)
        free(lines[--line_count]);
}

/* The bytes that a line begins with; `ret_rest` is what stands behind them. */
static struct buf bytes_of(const char *line, const char **ret_rest)
{
    struct buf bytes = {0};
    unsigned byte;
    for (; *line != ' '; line += 2) {
        ck_assert_int_eq(sscanf(line, "%2x", &byte), 1);
        *buf_grow(&bytes, 1) = (uint8_t)byte;
    }
    *ret_rest = line + 1;
    return bytes;
}

static bool is_shard(const char *line)
{
    return strncmp(line, "shard ", 6) == 0;
}

static bool is_refusal(const char *rest)
{
    return rest[0] == '!';
}

static void check_vector(const struct buf *bytes, const char *text)
{
    char name[32];
    ck_assert_int_eq(sscanf(text, "%31[^ ]", name), 1);
    const struct description *d = description_of(name);
    ck_assert_msg(d != NULL, "no message %s", name);
    struct cursor in = cursor_of(bytes->data, bytes->len);
    void *message = xcalloc(1, d->size);
    ck_assert_int_eq(decode(&in, d, message), 0);
    ck_assert_uint_eq(cursor_left(&in), 0);

    struct buf described = {0}, encoded = {0};
    describe(&described, d, message);
    buf_append(&described, "", 1);
    ck_assert_str_eq((const char *)described.data, text);
    message_put(&encoded, d->type, message);
    ck_assert_uint_eq(encoded.len, bytes->len);
    ck_assert_mem_eq(encoded.data, bytes->data, bytes->len);
    buf_free(&described);
    buf_free(&encoded);
    free(message);
}

START_TEST(each_vector_decodes_to_its_text_and_encodes_to_its_bytes)
{
    unsigned checked = 0;
    for (unsigned i = 0; i < line_count; i++) {
        const char *rest;
        if (is_shard(lines[i]))
            continue;
        struct buf bytes = bytes_of(lines[i], &rest);
        if (!is_refusal(rest)) {
            check_vector(&bytes, rest);
            checked++;
        }
        buf_free(&bytes);
    }
    ck_assert_uint_gt(checked, 200);
}
END_TEST

START_TEST(every_message_and_tuple_has_a_vector)
{
    for (const struct description *d = DESCRIPTIONS; d->name; d++) {
        unsigned found = 0;
        for (unsigned i = 0; i < line_count; i++) {
            const char *rest = strchr(lines[i], ' ') + 1;
            size_t n = strlen(d->name);
            found += !is_shard(lines[i]) && strncmp(rest, d->name, n) == 0 &&
                     (rest[n] == ' ' || rest[n] == '\0');
        }
        ck_assert_msg(found >= 1, "%s has no vector: run vectors.py", d->name);
    }
}
END_TEST

/* As a gateway reads a frame: 0 when it takes it. */
static int read_client_frame(const struct buf *bytes)
{
    unsigned code;
    uint32_t fields;
    union any_message message;
    struct cursor in = cursor_of(bytes->data, bytes->len);
    if (message_begin(&in, &code, &fields) < 0 || code < 1 || code > 31 || !message_type(code))
        return -1;
    if (message_fields(&in, message_type(code), fields, true, &message, NULL) < 0)
        return -1;
    return cursor_left(&in) == 0 ? 0 : -1;
}

START_TEST(what_must_be_refused_is_refused)
{
    unsigned checked = 0;
    for (unsigned i = 0; i < line_count; i++) {
        const char *rest;
        if (is_shard(lines[i]))
            continue;
        struct buf bytes = bytes_of(lines[i], &rest);
        if (is_refusal(rest)) {
            ck_assert_msg(read_client_frame(&bytes) < 0, "taken:%s", rest + 1);
            checked++;
        }
        buf_free(&bytes);
    }
    ck_assert_uint_gt(checked, 50);
}
END_TEST

START_TEST(boards_fall_into_the_shards_of_the_vectors)
{
    unsigned checked = 0;
    for (unsigned i = 0; i < line_count; i++) {
        char board[16];
        unsigned shards, shard;
        if (!is_shard(lines[i]))
            continue;
        ck_assert_int_eq(sscanf(lines[i], "shard %15s %u = %u", board, &shards, &shard), 3);
        struct id id;
        ck_assert_int_eq(id_parse(board, strlen(board), &id), 0);
        ck_assert_uint_eq(board_shard(&id, shards), shard);
        checked++;
    }
    ck_assert_uint_gt(checked, 10);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vectors");
    TCase *c = tcase_create("vectors");
    tcase_add_unchecked_fixture(c, read_lines, free_lines);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, each_vector_decodes_to_its_text_and_encodes_to_its_bytes);
    tcase_add_test(c, every_message_and_tuple_has_a_vector);
    tcase_add_test(c, what_must_be_refused_is_refused);
    tcase_add_test(c, boards_fall_into_the_shards_of_the_vectors);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
