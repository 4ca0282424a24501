/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokens.h"

#define BOARD   "k3v9x2mq4t"
#define NOW_MS  UINT64_C(1800000000000)
#define SECRET  "the secret of today, long enough"
#define BEFORE  "the secret of yesterday, as long"
#define FOREIGN "somebody else's secret, also long"

static const struct tokens_config CONFIG = {SECRET, BEFORE};

static struct id board_id(void)
{
    struct id id;
    ck_assert_int_eq(id_parse(BOARD, strlen(BOARD), &id), 0);
    return id;
}

static int check_text(const char *text, enum role *ret_role)
{
    struct claims claims = {0};
    int r = token_check(&CONFIG, NOW_MS, span_of(text), &claims);
    if (r == 0)
        ck_assert_str_eq(claims.board.text, BOARD);
    if (r == 0 && ret_role)
        *ret_role = claims.role;
    return r;
}

/* Checks a token with these claims (JSON), algorithm and secret. */
static int check_claims(const char *claims, jwt_alg_t alg, const char *secret)
{
    jwt_t *jwt;
    ck_assert_int_eq(jwt_new(&jwt), 0);
    ck_assert_int_eq(jwt_add_grants_json(jwt, claims), 0);
    int len = secret ? (int)strlen(secret) : 0;
    ck_assert_int_eq(jwt_set_alg(jwt, alg, (const unsigned char *)secret, len), 0);
    char *text = jwt_encode_str(jwt);
    ck_assert_ptr_nonnull(text);
    int r = check_text(text, NULL);
    free(text);
    jwt_free(jwt);
    return r;
}

START_TEST(a_token_grants_what_it_was_made_for)
{
    struct id board = board_id();
    for (enum role made = ROLE_WATCH; made <= ROLE_OWN; made++) {
        char *text = token_make(&CONFIG, &(struct claims){board, made, 0});
        enum role role;
        ck_assert_int_eq(check_text(text, &role), 0);
        ck_assert_int_eq(role, made);
        free(text);
    }
}
END_TEST

START_TEST(the_secret_before_this_one_still_counts)
{
    const char *claims = "{\"b\":\"" BOARD "\",\"r\":\"own\"}";
    ck_assert_int_eq(check_claims(claims, JWT_ALG_HS256, SECRET), 0);
    ck_assert_int_eq(check_claims(claims, JWT_ALG_HS256, BEFORE), 0);
    ck_assert_int_eq(check_claims(claims, JWT_ALG_HS256, FOREIGN), -EACCES);
}
END_TEST

START_TEST(without_an_older_secret_only_the_present_one_counts)
{
    struct claims claims = {board_id(), ROLE_OWN, 0};
    struct tokens_config before = {BEFORE, ""}, alone = {SECRET, ""};
    char *text = token_make(&before, &claims);
    ck_assert_int_eq(token_check(&alone, NOW_MS, span_of(text), &claims), -EACCES);
    free(text);
}
END_TEST

START_TEST(a_token_that_was_made_to_expire_says_when)
{
    for (uint64_t exp_s = 1799999999; exp_s <= 1800000001; exp_s++) {
        struct claims read = {0};
        char *text = token_make(&CONFIG, &(struct claims){board_id(), ROLE_OWN, exp_s});
        int r = token_check(&CONFIG, NOW_MS, span_of(text), &read);
        ck_assert_int_eq(r, exp_s > NOW_MS / 1000 ? 0 : -ETIME);
        ck_assert_uint_eq(read.exp_s, r == 0 ? exp_s : 0);
        free(text);
    }
}
END_TEST

START_TEST(a_token_is_of_a_generation_of_its_boards_links)
{
    static const struct {
        const char *g;
        int result;
    } cases[] = {{"1", 0},
                 {"4294967295", 0},
                 {"0", -EACCES},
                 {"-1", -EACCES},
                 {"4294967296", -EACCES},
                 {"\"1\"", -EACCES},
                 {"1.5", -EACCES},
                 {"9223372036854775807", -EACCES}};
    for (uint64_t links = 0; links <= UINT32_MAX; links = links * 65535 + 3) {
        struct claims read = {0};
        char *text = token_make(&CONFIG, &(struct claims){board_id(), ROLE_OWN, 0, links});
        ck_assert_int_eq(token_check(&CONFIG, NOW_MS, span_of(text), &read), 0);
        ck_assert_uint_eq(read.links, links);
        free(text);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char claims[100];
        snprintf(claims, sizeof claims, "{\"b\":\"" BOARD "\",\"r\":\"own\",\"g\":%s}", cases[i].g);
        ck_assert_int_eq(check_claims(claims, JWT_ALG_HS256, SECRET), cases[i].result);
    }
}
END_TEST

START_TEST(the_algorithm_is_ours_to_choose)
{
    const char *claims = "{\"b\":\"" BOARD "\",\"r\":\"own\"}";
    ck_assert_int_eq(check_claims(claims, JWT_ALG_HS384, SECRET), -EACCES);
    ck_assert_int_eq(check_claims(claims, JWT_ALG_HS512, SECRET), -EACCES);
    ck_assert_int_eq(check_claims(claims, JWT_ALG_NONE, NULL), -EACCES);
}
END_TEST

START_TEST(a_token_that_says_none_is_refused_with_any_signature)
{
    /* {"alg":"none"} . {"b":"k3v9x2mq4t","r":"own"} */
    static const char text[] = "eyJhbGciOiJub25lIn0.eyJiIjoiazN2OXgybXE0dCIsInIiOiJvd24ifQ.";
    char with[200];
    ck_assert_int_eq(check_text(text, NULL), -EACCES);
    snprintf(with, sizeof with, "%sAAAA", text);
    ck_assert_int_eq(check_text(with, NULL), -EACCES);
}
END_TEST

START_TEST(a_token_is_valid_until_it_expires)
{
    ck_assert_int_eq(check_claims("{\"b\":\"" BOARD "\",\"r\":\"own\",\"exp\":1800000001}",
                                  JWT_ALG_HS256, SECRET),
                     0);
    ck_assert_int_eq(check_claims("{\"b\":\"" BOARD "\",\"r\":\"own\",\"exp\":1800000000}",
                                  JWT_ALG_HS256, SECRET),
                     -ETIME);
    ck_assert_int_eq(
        check_claims("{\"b\":\"" BOARD "\",\"r\":\"own\",\"exp\":0}", JWT_ALG_HS256, SECRET),
        -ETIME);
    ck_assert_int_eq(
        check_claims("{\"b\":\"" BOARD "\",\"r\":\"own\",\"exp\":1000000}", JWT_ALG_HS256, BEFORE),
        -ETIME);
}
END_TEST

START_TEST(a_token_does_not_count_before_its_time)
{
    static const struct {
        const char *nbf;
        int result;
    } cases[] = {{"1799999999", 0}, {"1800000000", 0},     {"1800000001", -EACCES},
                 {"0", -EACCES},    {"\"soon\"", -EACCES}, {"-5", -EACCES}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"b\":\"" BOARD "\",\"r\":\"own\",\"nbf\":%s}", cases[i].nbf);
        ck_assert_msg(check_claims(text, JWT_ALG_HS256, SECRET) == cases[i].result, "%s", text);
    }
}
END_TEST

START_TEST(an_expiry_that_is_no_time_is_over)
{
    ck_assert_int_eq(check_claims("{\"b\":\"" BOARD "\",\"r\":\"own\",\"exp\":\"never\"}",
                                  JWT_ALG_HS256, SECRET),
                     -ETIME);
    ck_assert_int_eq(
        check_claims("{\"b\":\"" BOARD "\",\"r\":\"own\",\"exp\":-5}", JWT_ALG_HS256, SECRET),
        -ETIME);
}
END_TEST

START_TEST(claims_that_are_missing_or_wrong_are_refused)
{
    static const char *const wrong[] = {
        "{}",
        "{\"b\":\"" BOARD "\"}",
        "{\"r\":\"own\"}",
        "{\"b\":\"" BOARD "\",\"r\":\"king\"}",
        "{\"b\":\"" BOARD "\",\"r\":2}",
        "{\"b\":7,\"r\":\"own\"}",
        "{\"b\":\"K3V9X2MQ4T\",\"r\":\"own\"}",
        "{\"b\":\"k3v9\",\"r\":\"own\"}",
        "{\"b\":\"k3v9x2mq4tk3v9x2mq4t\",\"r\":\"own\"}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(check_claims(wrong[i], JWT_ALG_HS256, SECRET) == -EACCES, "%s", wrong[i]);
}
END_TEST

START_TEST(a_token_with_one_character_changed_is_refused)
{
    struct id board = board_id();
    char *text = token_make(&CONFIG, &(struct claims){board, ROLE_WATCH, 0});
    for (size_t i = 0; i + 1 < strlen(text); i++) { /* the last one holds unused bits */
        char kept = text[i];
        text[i] = kept == 'x' ? 'y' : 'x';
        ck_assert_msg(check_text(text, NULL) == -EACCES, "%s", text);
        text[i] = kept;
    }
    free(text);
}
END_TEST

START_TEST(what_is_no_token_is_refused)
{
    static const char *const wrong[] = {
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "let me in",
        "eyJhbGciOiJIUzI1NiJ9..",
        "eyJhbGciOiJIUzI1NiJ9.e30.",
        ".e30.AAAA",
        "%00.%00.%00",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(check_text(wrong[i], NULL) == -EACCES, "%s", wrong[i]);
    char *large = xcalloc(1, 4001);
    memset(large, 'a', 4000);
    large[100] = large[200] = '.';
    ck_assert_int_eq(check_text(large, NULL), -EACCES);
    free(large);
}
END_TEST

/* [D23] */
START_TEST(a_member_is_known_by_the_hash_of_board_and_session)
{
    struct id board = board_id(), other;
    uint8_t session[16] = {1, 2, 3};
    struct span s = {session, sizeof session};
    struct id member = member_of(&board, s);
    /* printf 'easel memberk3v9x2mq4t\1\2\3\0…' | sha256sum, its first 60 bits in base 32 */
    ck_assert_str_eq(member.text, "cdz7h225xzd5");
    ck_assert_int_eq(id_parse("k3v9x2mq4s", 10, &other), 0);
    struct id elsewhere = member_of(&other, s);
    ck_assert(!id_equal(&member, &elsewhere));
    session[15] = 1;
    struct id somebody = member_of(&board, s);
    ck_assert(!id_equal(&member, &somebody));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gateway tokens");
    TCase *c = tcase_create("tokens");
    tcase_add_test(c, a_token_grants_what_it_was_made_for);
    tcase_add_test(c, the_secret_before_this_one_still_counts);
    tcase_add_test(c, without_an_older_secret_only_the_present_one_counts);
    tcase_add_test(c, a_token_that_was_made_to_expire_says_when);
    tcase_add_test(c, a_token_is_of_a_generation_of_its_boards_links);
    tcase_add_test(c, the_algorithm_is_ours_to_choose);
    tcase_add_test(c, a_token_that_says_none_is_refused_with_any_signature);
    tcase_add_test(c, a_token_is_valid_until_it_expires);
    tcase_add_test(c, a_token_does_not_count_before_its_time);
    tcase_add_test(c, an_expiry_that_is_no_time_is_over);
    tcase_add_test(c, claims_that_are_missing_or_wrong_are_refused);
    tcase_add_test(c, a_token_with_one_character_changed_is_refused);
    tcase_add_test(c, what_is_no_token_is_refused);
    tcase_add_test(c, a_member_is_known_by_the_hash_of_board_and_session);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
