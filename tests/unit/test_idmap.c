/* SPDX-License-Identifier: Apache-2.0 */
#include "idmap.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define KEYS 500u

static struct idmap map;
static char values[KEYS]; /* something to point at */

static void drop(void)
{
    idmap_free(&map);
}

static struct id key(unsigned n)
{
    struct id id = {0};
    snprintf(id.text, sizeof id.text, "k%u", n);
    return id;
}

START_TEST(an_empty_map_has_nothing)
{
    struct id one = key(1);
    ck_assert_ptr_null(idmap_get(&map, &one));
    ck_assert_ptr_null(idmap_remove(&map, &one));
    ck_assert_uint_eq(map.count, 0);
}
END_TEST

START_TEST(what_was_put_last_is_what_is_got)
{
    struct id one = key(1), two = key(2);
    idmap_put(&map, &one, &values[0]);
    idmap_put(&map, &two, &values[1]);
    idmap_put(&map, &one, &values[2]);
    ck_assert_uint_eq(map.count, 2);
    ck_assert_ptr_eq(idmap_get(&map, &one), &values[2]);
    ck_assert_ptr_eq(idmap_get(&map, &two), &values[1]);
    ck_assert_ptr_eq(idmap_remove(&map, &one), &values[2]);
    ck_assert_ptr_null(idmap_get(&map, &one));
}
END_TEST

/* Every slot holds what the model holds, and nothing is there twice. */
static void expect_same(const bool *model)
{
    bool seen[KEYS] = {false};
    unsigned count = 0;
    for (size_t slot = 0; slot < map.slots; slot++) {
        const char *value = idmap_at(&map, slot);
        if (!value)
            continue;
        ck_assert(model[value - values] && !seen[value - values]);
        seen[value - values] = true;
        count++;
    }
    ck_assert_uint_eq(map.count, count);
    for (unsigned n = 0; n < KEYS; n++) {
        struct id k = key(n);
        ck_assert_ptr_eq(idmap_get(&map, &k), model[n] ? &values[n] : NULL);
    }
}

START_TEST(after_many_puts_and_removals_nothing_is_lost_or_left)
{
    bool model[KEYS] = {false};
    unsigned random = 1;
    for (unsigned i = 0; i < 20000; i++) {
        random = random * 1103515245u + 12345u;
        unsigned n = random / 65536u % KEYS;
        struct id k = key(n);
        /* Mostly growing first, then mostly shrinking. */
        if (random / 16777216u % 4 < (i < 10000 ? 3 : 1)) {
            idmap_put(&map, &k, &values[n]);
            model[n] = true;
        } else {
            ck_assert_ptr_eq(idmap_remove(&map, &k), model[n] ? &values[n] : NULL);
            model[n] = false;
        }
        if (i % 1000 == 0)
            expect_same(model);
    }
    expect_same(model);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("idmap");
    TCase *c = tcase_create("idmap");
    tcase_add_checked_fixture(c, NULL, drop);
    tcase_add_test(c, an_empty_map_has_nothing);
    tcase_add_test(c, what_was_put_last_is_what_is_got);
    tcase_add_test(c, after_many_puts_and_removals_nothing_is_lost_or_left);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
