/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may do how much: network addresses, trusted proxies, token buckets, and what each address has
 * open. Pure: no I/O, no clock, no globals. (Not limits.h: C has one of that name.)
 */
#ifndef EASEL_LIMIT_H
#define EASEL_LIMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "buf.h"
#include "limit_values.h"

/* ---- addresses ------------------------------------------------------------------------------ */

/* IPv6; an IPv4 address is held in its mapped form, ::ffff:a.b.c.d. */
struct address {
    uint8_t byte[16];
};

struct network {
    struct address address;
    unsigned bits; /* of 128 */
};

struct networks {
    struct network network[NETWORKS_MAX];
    unsigned count;
};

/* "192.0.2.7", "2001:db8::1", "[2001:db8::1]:443", "192.0.2.7:443". 0 or -EINVAL. */
int address_parse(struct span text, struct address *ret);
/* 0, or -EAFNOSUPPORT when it is neither IPv4 nor IPv6. */
int address_of_socket(const struct sockaddr_storage *peer, struct address *ret);

/* A comma list of addresses and CIDR ranges. 0, -EINVAL or -E2BIG. */
int networks_parse(const char *text, struct networks *ret);
bool networks_have(const struct networks *trusted, const struct address *address);

/* Whose request it is: `peer`, unless that is a trusted proxy. Each proxy appends to
 * X-Forwarded-For whom it heard, so the right-most address that is not trusted is the last one that
 * can be believed; everything left of it is the client's own claim. */
struct address client_address(const struct networks *trusted, const struct address *peer,
                              struct span forwarded_for);

/* Equal for those whose limits are shared: an IPv6 address counts by its /64. */
uint64_t address_hash(const struct address *address);

/* ---- token buckets -------------------------------------------------------------------------- */

/* A token comes back every `each_us`; `burst` of them fit. */
struct rate {
    uint64_t each_us, burst;
};

/* The whole bucket is one number: the moment at which it is full again. */
struct bucket {
    uint64_t full_us;
};

/* Takes `n` tokens if they are there. Else returns how long until they are, in µs. */
uint64_t bucket_take(struct bucket *b, struct rate rate, uint64_t now_us, uint64_t n);
/* Takes them in any case: the bucket may owe. */
void bucket_charge(struct bucket *b, struct rate rate, uint64_t now_us, uint64_t n);
/* How long until the bucket owes nothing; 0: it does not. */
uint64_t bucket_debt_us(const struct bucket *b, struct rate rate, uint64_t now_us);

/* ---- what each address has and does --------------------------------------------------------- */

enum limit { LIMIT_CREATES, LIMIT_CREATES_DAY, LIMIT_CODES, LIMIT_COUNT };

/* What it has at once: questions that are under way, and bytes of unfinished messages. */
enum holding { HOLD_CONNECTIONS, HOLD_QUESTIONS, HOLD_BYTES, HOLD_COUNT };

struct limits_config {
    uint64_t addresses_max;   /* rows of the table; each has its memory from the start */
    uint64_t connections_max; /* over all addresses */
    uint64_t per_address[HOLD_COUNT];
    struct {
        uint64_t count, seconds; /* so many in this time; also the burst */
    } quota[LIMIT_COUNT];
};

struct limits;

struct limits *limits_create(const struct limits_config *config);
void limits_destroy(struct limits *l);

/* Counts one more connection, whose address is not known yet or does not matter (a proxy's).
 * False: there are too many; nothing was counted. */
bool limits_connect(struct limits *l);
void limits_disconnect(struct limits *l);
/* Would it? Counts nothing. */
bool limits_may_connect(const struct limits *l);
/* The same per address, and `n` more. IPv6 addresses count by their /64: one customer gets at least
 * that. */
bool limits_hold(struct limits *l, const struct address *address, enum holding what, uint64_t n);
bool limits_may_connect_from(const struct limits *l, const struct address *address);
void limits_release(struct limits *l, const struct address *address, enum holding what, uint64_t n);

/* Is there something left? 0: yes. Else after how many seconds to ask again. Takes nothing. When
 * all rows are taken by addresses with connections, one that has none is refused. */
unsigned limits_wait(struct limits *l, uint64_t now_us, const struct address *address,
                     enum limit what);
/* Takes one in any case: the address may owe, and then waits longer. */
void limits_charge(struct limits *l, uint64_t now_us, const struct address *address,
                   enum limit what);

struct limits_stats {
    uint64_t connections, addresses, forgotten, refused[LIMIT_COUNT], refused_holding[HOLD_COUNT];
};
const struct limits_stats *limits_stats(const struct limits *l);

#endif
