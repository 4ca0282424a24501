/* SPDX-License-Identifier: Apache-2.0
 *
 * What a link grants: JSON Web Tokens, HS256 only, with the claims b (board), r (own, draw, watch)
 * g (the generation of the link; without it 0), and, if somebody made it so, exp and nbf (before
 * which it does not count). Two secrets count, so
 * that they can be changed while links live: tokens are made with the first and checked with both.
 */
#ifndef EASEL_TOKENS_H
#define EASEL_TOKENS_H

#include <stdint.h>

#include "messages.h"

struct tokens_config {
    const char *secret;     /* at least 32 characters */
    const char *secret_old; /* "" when there is none */
};

struct claims {
    struct id board;
    enum role role;
    uint64_t exp_s; /* since 1970; 0: it does not expire */
    uint64_t links; /* which generation of the board's links it is of */
};

/* A JWT, to be freed; NULL when out of memory. */
char *token_make(const struct tokens_config *config, const struct claims *claims);

/* 0, -EACCES (not one of ours) or -ETIME (it was, until exp). */
int token_check(const struct tokens_config *config, uint64_t now_ms, struct span token,
                struct claims *ret);

/* The member that others see: 12 base-32 characters of SHA-256 of board and session, since the
 * session itself is a secret. */
struct id member_of(const struct id *board, struct span session);

extern const char *const ROLE_NAMES[]; /* of enum role */

#endif
