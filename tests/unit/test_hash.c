/* SPDX-License-Identifier: Apache-2.0 */
#include "hash.h"

#include <check.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "idmap.h"

/* What libcrypto makes of it. */
static uint64_t siphash_1_3(const uint64_t key[2], const void *bytes)
{
    unsigned compress = 1, finish = 3;
    size_t size = sizeof(uint64_t);
    uint64_t result;
    OSSL_PARAM params[] = {OSSL_PARAM_size_t(OSSL_MAC_PARAM_SIZE, &size),
                           OSSL_PARAM_uint(OSSL_MAC_PARAM_C_ROUNDS, &compress),
                           OSSL_PARAM_uint(OSSL_MAC_PARAM_D_ROUNDS, &finish), OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    ck_assert_int_eq(EVP_MAC_init(context, (const uint8_t *)key, 16, params), 1);
    ck_assert_int_eq(EVP_MAC_update(context, bytes, 16), 1);
    ck_assert_int_eq(EVP_MAC_final(context, (uint8_t *)&result, &size, sizeof result), 1);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    return result;
}

START_TEST(it_is_siphash_1_3)
{
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t key[2] = {i * UINT64_C(0x9e3779b97f4a7c15), ~i * i};
        uint64_t bytes[2] = {~i << i % 60, i * i};
        hash_key(key[0], key[1]);
        ck_assert_uint_eq(hash_16(bytes), siphash_1_3(key, bytes));
    }
}
END_TEST

static struct id id_number(unsigned n)
{
    struct id id = {0};
    snprintf(id.text, sizeof id.text, "k%u", n);
    return id;
}

#define CHOSEN 2000u

/* Somebody chose these for the key 0, which they know. */
static void choose(struct id *chosen)
{
    hash_key(0, 0);
    for (unsigned n = 0, count = 0; count < CHOSEN; n++) {
        struct id id = id_number(n);
        if (hash_16(&id) % 256 == 0)
            chosen[count++] = id;
    }
}

START_TEST(what_was_chosen_to_fall_together_does_not_under_another_key)
{
    static struct id chosen[CHOSEN];
    unsigned together[256] = {0};
    choose(chosen);
    hash_key(1, 2);
    for (unsigned i = 0; i < CHOSEN; i++)
        together[hash_16(&chosen[i]) % 256]++;
    for (unsigned i = 0; i < 256; i++)
        ck_assert_uint_lt(together[i], 40); /* 8, by chance */
}
END_TEST

static size_t slot_of(const struct idmap *map, const void *value)
{
    size_t slot = 0;
    while (idmap_at(map, slot) != value)
        ck_assert_uint_lt(++slot, map->slots);
    return slot;
}

START_TEST(where_a_table_keeps_an_id_depends_on_the_key)
{
    static char values[100];
    struct idmap maps[2] = {0};
    unsigned same = 0;
    for (unsigned m = 0; m < 2; m++) {
        hash_key(m, 7);
        for (unsigned n = 0; n < 100; n++) {
            struct id id = id_number(n);
            idmap_put(&maps[m], &id, &values[n]);
        }
    }
    for (unsigned n = 0; n < 100; n++)
        same += slot_of(&maps[0], &values[n]) == slot_of(&maps[1], &values[n]);
    ck_assert_uint_lt(same, 20);
    idmap_free(&maps[0]);
    idmap_free(&maps[1]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hash");
    TCase *c = tcase_create("hash");
    tcase_add_test(c, it_is_siphash_1_3);
    tcase_add_test(c, what_was_chosen_to_fall_together_does_not_under_another_key);
    tcase_add_test(c, where_a_table_keeps_an_id_depends_on_the_key);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
