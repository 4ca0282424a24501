/* SPDX-License-Identifier: Apache-2.0 */
#include "tokens.h"

#include <errno.h>
#include <jwt.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

const char *const ROLE_NAMES[] = {"watch", "draw", "own"};

char *token_make(const struct tokens_config *config, const struct claims *claims)
{
    jwt_t *jwt;
    if (jwt_new(&jwt) != 0)
        return NULL;
    char *text = NULL;
    if (jwt_add_grant(jwt, "b", claims->board.text) == 0 &&
        jwt_add_grant(jwt, "r", ROLE_NAMES[claims->role]) == 0 &&
        (claims->links == 0 || jwt_add_grant_int(jwt, "g", (long)claims->links) == 0) &&
        (claims->exp_s == 0 || jwt_add_grant_int(jwt, "exp", (long)claims->exp_s) == 0) &&
        jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)config->secret,
                    (int)strlen(config->secret)) == 0)
        text = jwt_encode_str(jwt);
    jwt_free(jwt);
    return text;
}

/* The generation; a token of before says none. */
static int links_read(jwt_t *jwt, uint64_t *ret)
{
    errno = 0;
    long links = jwt_get_grant_int(jwt, "g"); /* 0 when it is no whole number */
    *ret = 0;
    if (errno == ENOENT)
        return 0;
    if (links <= 0 || links > UINT32_MAX)
        return -EACCES;
    *ret = (uint64_t)links;
    return 0;
}

static int role_read(const char *name, enum role *ret)
{
    for (enum role role = ROLE_WATCH; role <= ROLE_OWN; role++)
        if (strcmp(name, ROLE_NAMES[role]) == 0) {
            *ret = role;
            return 0;
        }
    return -EACCES;
}

static int claims_read(jwt_t *jwt, uint64_t now_ms, struct claims *ret)
{
    const char *board = jwt_get_grant(jwt, "b"), *name = jwt_get_grant(jwt, "r");
    struct id id;
    if (!board || !name || id_parse(board, strlen(board), &id) < 0 || !id_is_board(&id))
        return -EACCES;
    enum role role;
    if (role_read(name, &role) < 0)
        return -EACCES;

    uint64_t links;
    if (links_read(jwt, &links) < 0)
        return -EACCES;

    errno = 0;
    long nbf = jwt_get_grant_int(jwt, "nbf"); /* 0 when it is no whole number: never */
    if (errno != ENOENT && (nbf <= 0 || (uint64_t)nbf > now_ms / 1000))
        return -EACCES;

    errno = 0;
    long exp = jwt_get_grant_int(jwt, "exp"); /* 0 when it is no whole number: long ago */
    bool expires = errno != ENOENT;
    if (expires && (exp < 0 || (uint64_t)exp <= now_ms / 1000))
        return -ETIME;
    *ret = (struct claims){id, role, expires ? (uint64_t)exp : 0, links};
    return 0;
}

static int check_with(const char *secret, uint64_t now_ms, const char *text, struct claims *ret)
{
    jwt_t *jwt = NULL;
    if (jwt_decode(&jwt, text, (const unsigned char *)secret, (int)strlen(secret)) != 0)
        return -EACCES;
    /* The token names its algorithm; that is the sender's choice, not ours. */
    int r = jwt_get_alg(jwt) == JWT_ALG_HS256 ? claims_read(jwt, now_ms, ret) : -EACCES;
    jwt_free(jwt);
    return r;
}

/* Three parts in base64url: nothing else reaches libjwt. */
static bool looks_like_token(struct span token)
{
    unsigned dots = 0;
    for (size_t i = 0; i < token.len; i++)
        dots += token.data[i] == '.';
    return dots == 2 && has_only(token, ".-_");
}

int token_check(const struct tokens_config *config, uint64_t now_ms, struct span token,
                struct claims *ret)
{
    char text[TOKEN_BYTES_MAX + 1];
    if (token.len > TOKEN_BYTES_MAX || !looks_like_token(token))
        return -EACCES;
    memcpy(text, token.data, token.len);
    text[token.len] = '\0';
    int r = check_with(config->secret, now_ms, text, ret);
    if (r == -EACCES && config->secret_old[0] != '\0')
        r = check_with(config->secret_old, now_ms, text, ret);
    return r;
}

struct id member_of(const struct id *board, struct span session)
{
    static const char label[] = "easel member";
    uint8_t text[sizeof label - 1 + BOARD_CHARS + 64], hash[EVP_MAX_MD_SIZE];
    size_t board_len = strnlen(board->text, BOARD_CHARS);
    size_t session_len = session.len < 64 ? session.len : 64;
    uint8_t *end = mempcpy(text, label, sizeof label - 1);
    end = mempcpy(end, board->text, board_len);
    end = mempcpy(end, session.data, session_len);
    if (EVP_Digest(text, (size_t)(end - text), hash, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* only without memory, which ends the process everywhere here */
    return id_from_bits(0, MEMBER_CHARS, hash);
}
