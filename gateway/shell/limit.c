/* SPDX-License-Identifier: Apache-2.0 */
#include "limit.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "idmap.h"
#include "request.h"

/* ---- addresses ------------------------------------------------------------------------------ */

static struct address address_of_ipv4(const struct in_addr *v4)
{
    struct address a = {.byte = {[10] = 0xff, [11] = 0xff}};
    memcpy(a.byte + 12, v4, 4);
    return a;
}

/* Without blanks around it, "[…]" and a port; empty: the bracket is not closed. */
static struct span address_text(struct span text)
{
    text = trimmed(text);
    struct span rest = text, host = span_cut(&rest, ':');
    if (text.len > 0 && text.data[0] == '[') {
        const uint8_t *bracket = memchr(text.data, ']', text.len);
        return (struct span){text.data + 1, bracket ? (size_t)(bracket - text.data) - 1 : 0};
    }
    /* One colon: a port. Two or more: IPv6 */
    return host.len < text.len && !memchr(rest.data, ':', rest.len) ? host : text;
}

int address_parse(struct span text, struct address *ret)
{
    struct span plain = address_text(text);
    struct in_addr v4;
    if (is_ip(AF_INET, plain, &v4)) {
        *ret = address_of_ipv4(&v4);
        return 0;
    }
    return is_ip(AF_INET6, plain, ret->byte) ? 0 : -EINVAL;
}

int address_of_socket(const struct sockaddr_storage *peer, struct address *ret)
{
    if (peer->ss_family == AF_INET) {
        *ret = address_of_ipv4(&((const struct sockaddr_in *)peer)->sin_addr);
        return 0;
    }
    if (peer->ss_family != AF_INET6)
        return -EAFNOSUPPORT;
    memcpy(ret->byte, &((const struct sockaddr_in6 *)peer)->sin6_addr, sizeof ret->byte);
    return 0;
}

static bool is_ipv4(const struct address *a)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(a->byte, mapped, sizeof mapped) == 0;
}

static int network_parse(struct span text, struct network *ret)
{
    struct span rest = trimmed(text), address = span_cut(&rest, '/');
    bool range = rest.data > address.data + address.len; /* there is a slash */
    if (address_parse(address, &ret->address) < 0)
        return -EINVAL;
    size_t offset = is_ipv4(&ret->address) ? 96 : 0, bits = 128 - offset;
    if (range && number_read(rest, 128 - offset, &bits) < 0)
        return -EINVAL;
    ret->bits = (unsigned)(offset + bits);
    return 0;
}

int networks_parse(const char *text, struct networks *ret)
{
    struct networks list = {.count = 0};
    for (struct span rest = span_of(text); rest.len > 0; list.count++) {
        if (list.count == NETWORKS_MAX)
            return -E2BIG;
        if (network_parse(span_cut(&rest, ','), &list.network[list.count]) < 0)
            return -EINVAL;
    }
    *ret = list;
    return 0;
}

static bool network_has(const struct network *n, const struct address *a)
{
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    if (memcmp(n->address.byte, a->byte, whole) != 0)
        return false;
    return rest == 0 || (n->address.byte[whole] ^ a->byte[whole]) >> (8 - rest) == 0;
}

bool networks_have(const struct networks *trusted, const struct address *address)
{
    for (unsigned i = 0; i < trusted->count; i++)
        if (network_has(&trusted->network[i], address))
            return true;
    return false;
}

struct address client_address(const struct networks *trusted, const struct address *peer,
                              struct span forwarded_for)
{
    struct address last = *peer;
    size_t end = forwarded_for.len;
    while (networks_have(trusted, &last)) {
        size_t begin = end;
        while (begin > 0 && forwarded_for.data[begin - 1] != ',')
            begin--;
        struct span item = {forwarded_for.data + begin, end - begin};
        if (end == 0 || address_parse(item, &last) < 0)
            break; /* nobody before it, or nothing that can be believed */
        end = begin > 0 ? begin - 1 : 0;
    }
    return last;
}

/* ---- token buckets -------------------------------------------------------------------------- */

void bucket_charge(struct bucket *b, struct rate rate, uint64_t now_us, uint64_t n)
{
    b->full_us = (b->full_us > now_us ? b->full_us : now_us) + n * rate.each_us;
}

uint64_t bucket_debt_us(const struct bucket *b, struct rate rate, uint64_t now_us)
{
    uint64_t empty_us = now_us + rate.burst * rate.each_us; /* full then: empty now */
    return b->full_us > empty_us ? b->full_us - empty_us : 0;
}

uint64_t bucket_take(struct bucket *b, struct rate rate, uint64_t now_us, uint64_t n)
{
    struct bucket after = *b;
    bucket_charge(&after, rate, now_us, n);
    uint64_t wait_us = bucket_debt_us(&after, rate, now_us);
    if (wait_us == 0)
        *b = after;
    return wait_us;
}

/* ---- what each address has and does --------------------------------------------------------- */

struct row {
    struct id key;
    uint64_t held[HOLD_COUNT];
    struct bucket bucket[LIMIT_COUNT];
};

struct limits {
    struct limits_config config;
    struct limits_stats stats;
    struct row *rows; /* addresses_max of them, used from the start: stats.addresses */
    struct idmap by_key;
    uint64_t hand; /* where the search for a row to forget goes on */
};

struct limits *limits_create(const struct limits_config *config)
{
    struct limits *l = xcalloc(1, sizeof *l);
    l->config = *config;
    l->rows = xcalloc(config->addresses_max, sizeof *l->rows);
    return l;
}

void limits_destroy(struct limits *l)
{
    if (!l)
        return;
    free(l->rows);
    idmap_free(&l->by_key);
    free(l);
}

static struct id key_of(const struct address *address)
{
    struct id key;
    memcpy(key.text, address->byte, sizeof key.text);
    if (!is_ipv4(address))
        memset(key.text + 8, 0, 8);
    return key;
}

uint64_t address_hash(const struct address *address)
{
    struct id key = key_of(address);
    return hash_16(&key);
}

static struct row *row_find(const struct limits *l, const struct address *address)
{
    struct id key = key_of(address);
    return idmap_get(&l->by_key, &key);
}

/* An unused row, or that of an address without anything open, whose rates are thereby forgotten.
 * Looks at a few rows only: who fills the table from many addresses must not slow the others. */
static struct row *row_free(struct limits *l)
{
    if (l->stats.addresses < l->config.addresses_max)
        return &l->rows[l->stats.addresses++];
    for (unsigned i = 0; i < 64; i++) {
        struct row *r = &l->rows[l->hand++ % l->config.addresses_max];
        if (r->held[HOLD_CONNECTIONS] > 0 || r->held[HOLD_QUESTIONS] > 0)
            continue;
        idmap_remove(&l->by_key, &r->key);
        l->stats.forgotten++;
        return r;
    }
    return NULL;
}

static struct row *row_get(struct limits *l, const struct address *address)
{
    struct row *r = row_find(l, address);
    if (r || !(r = row_free(l)))
        return r;
    *r = (struct row){.key = key_of(address)};
    idmap_put(&l->by_key, &r->key, r);
    return r;
}

bool limits_may_connect(const struct limits *l)
{
    return l->stats.connections < l->config.connections_max;
}

bool limits_connect(struct limits *l)
{
    if (!limits_may_connect(l)) {
        l->stats.refused_holding[HOLD_CONNECTIONS]++;
        return false;
    }
    l->stats.connections++;
    return true;
}

void limits_disconnect(struct limits *l)
{
    l->stats.connections--;
}

bool limits_may_connect_from(const struct limits *l, const struct address *address)
{
    const struct row *r = row_find(l, address);
    return !r || r->held[HOLD_CONNECTIONS] < l->config.per_address[HOLD_CONNECTIONS];
}

bool limits_hold(struct limits *l, const struct address *address, enum holding what, uint64_t n)
{
    struct row *r = row_get(l, address);
    if (!r || n > l->config.per_address[what] - r->held[what]) {
        l->stats.refused_holding[what]++;
        return false;
    }
    r->held[what] += n;
    return true;
}

void limits_release(struct limits *l, const struct address *address, enum holding what, uint64_t n)
{
    struct row *r = row_find(l, address);
    if (r)
        r->held[what] -= smaller(n, r->held[what]);
}

static struct rate rate_of(const struct limits *l, enum limit what)
{
    uint64_t count = l->config.quota[what].count;
    return (struct rate){l->config.quota[what].seconds * 1000000 / count, count};
}

unsigned limits_wait(struct limits *l, uint64_t now_us, const struct address *address,
                     enum limit what)
{
    struct rate rate = rate_of(l, what);
    struct row *r = row_get(l, address);
    struct bucket after = r ? r->bucket[what] : (struct bucket){0};
    uint64_t wait_us = r ? bucket_take(&after, rate, now_us, 1) : rate.each_us;
    if (wait_us == 0)
        return 0;
    l->stats.refused[what]++;
    return (unsigned)((wait_us + 999999) / 1000000);
}

void limits_charge(struct limits *l, uint64_t now_us, const struct address *address,
                   enum limit what)
{
    struct row *r = row_get(l, address);
    if (r)
        bucket_charge(&r->bucket[what], rate_of(l, what), now_us, 1);
}

const struct limits_stats *limits_stats(const struct limits *l)
{
    return &l->stats;
}
