/* SPDX-License-Identifier: Apache-2.0
 *
 * What an HTTP request says: its route and the few headers that matter. Pure. Text that came from a
 * client is a span, and none of these functions trusts it.
 */
#ifndef EASEL_REQUEST_H
#define EASEL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "id.h"

/* As bits, so that a route can say which of them it takes. */
enum method {
    METHOD_GET = 1,
    METHOD_HEAD = 2,
    METHOD_POST = 4,
    METHOD_DELETE = 8,
    METHOD_OTHER = 16,
};

enum route_kind {
    ROUTE_NOTHING, /* 404 */
    ROUTE_FILE,    /* ret.file: the name below the web root */
    ROUTE_SOCKET,  /* /ws */
    ROUTE_BOARDS,  /* /api/boards */
    ROUTE_BOARD,   /* /api/boards/<id> */
    ROUTE_WATCH,   /* /api/boards/<id>/watch */
    ROUTE_LINKS,   /* /api/boards/<id>/links */
    ROUTE_MOVED,   /* /b/<id>, with capitals in it: ret.board is the right one */
};

struct route {
    enum route_kind kind;
    unsigned methods; /* those it takes */
    struct span file;
    struct id board;
};

struct route route_of(struct span path);
/* "GET, HEAD", for the Allow header. */
const char *methods_text(unsigned methods);

/* What stands before the next `at`, which is dropped; all when there is none. */
struct span span_cut(struct span *rest, char at);
bool span_is(struct span s, const char *text);
bool same_word(struct span s, const char *word); /* in capitals or not */
struct span trimmed(struct span s);              /* without the blanks around it */

/* Letters, digits, and `others`. */
bool has_only(struct span s, const char *others);
/* Digits only. 0, -EINVAL, or -E2BIG above `max`. */
int number_read(struct span text, size_t max, size_t *ret);
/* An address of AF_INET or AF_INET6, as inet_pton gives it. */
bool is_ip(int family, struct span s, void *ret);

/* Does a comma list name `token`? Upper and lower case are the same. */
bool list_names(struct span list, const char *token);
/* The same, but they differ. */
bool list_has(struct span list, const char *token);
/* Accept-Encoding: gzip, and not with q=0. */
bool accepts_gzip(struct span accept_encoding);
/* The entity tag is in If-None-Match. */
bool tag_matches(struct span if_none_match, const char *tag);
/* The token of "Bearer <token>"; empty when there is none. */
struct span bearer_token(struct span authorization);

/* What may stand in a Host header, since we repeat it in links: name or address, and port. */
bool host_valid(struct span host);

/* A comma list of scheme, "://", host, and perhaps a port; it may be empty. */
bool origins_valid(const char *list);

/* May a request name this host? An address and localhost always: no foreign page can make a
 * browser send these to us. A name only if it is that of the public URL or of an allowed origin:
 * else a foreign page, whose name was made to lead to us, is taken for ours (DNS rebinding). */
bool host_ours(struct span host, const char *public_url, const char *allowed);

/* May a page of this origin use us? Without an Origin header it is no page (and says so itself, as
 * any program may: this protects people, whose browsers do not lie, from foreign pages). `allowed`:
 * a comma list; when empty, our own host and public URL count. Compared as origins: capitals, a
 * default port, and the form of an IPv6 address do not matter. */
bool origin_allowed(struct span origin, struct span host, const char *public_url,
                    const char *allowed);
/* Do the settings name it? Then it does not matter which host the request names: a proxy may name
 * us by a name of its own. */
bool origin_named(struct span origin, const char *public_url, const char *allowed);

#endif
