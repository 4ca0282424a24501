/* SPDX-License-Identifier: Apache-2.0
 *
 * The address of a server: scheme://[user[:password]@]rest. It is taken apart here before a library
 * sees it, since their texts about an address quote it, and go to the log and to /readyz: what a
 * library was never given, it cannot tell.
 */
#ifndef EASEL_ADDRESS_H
#define EASEL_ADDRESS_H

struct address_text {
    char *url;      /* an "x" stands for the password */
    char *password; /* decoded; NULL: there was none */
};

/* NULL when user and password can be told from the rest, else what is allowed, without a word of
 * `text`. They can when there is one @ at most, and neither / nor a second : nor a bad %XX before
 * it. */
const char *address_check(const char *text);
/* -EINVAL: see address_check; `ret` is then empty. */
int address_open(const char *text, struct address_text *ret);
void address_close(struct address_text *a); /* an empty one, too */

#endif
