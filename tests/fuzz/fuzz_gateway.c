/* SPDX-License-Identifier: Apache-2.0
 *
 * The input is what one client sends and what the broker delivers, in turn: a byte that says which
 * and how long, then so many bytes. A second client sits at the same board; whatever the first one
 * sends, the second stays connected.
 */
#include <stdlib.h>

#include "gateway_core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct id BOARD = {"k3v9x2mq4t"};

static char *make_token(void *owner, const struct identity *who)
{
    (void)owner, (void)who;
    return strdup("a new one");
}

/* The first byte of the token names the member. */
static int authenticate(void *owner, uint64_t now_ms, struct span token, struct span session,
                        struct identity *ret)
{
    (void)owner, (void)now_ms, (void)session;
    *ret = (struct identity){BOARD, {{(char)('a' + token.data[0] % 26)}}, ROLE_OWN};
    return 0;
}

static struct client *join(struct gateway_core *c, const char *token, uint64_t instance)
{
    static const uint8_t session[16];
    struct client *cl = client_open(c, 1000, 0, NULL);
    struct buf b = {0};
    PUT(&b, hello, span_of(token), {session, 16}, instance, 1, span_of("x"), 0, NIL);
    client_message(cl, 1000, buf_span(&b));
    buf_free(&b);
    return cl;
}

/* The owner seats both and gives the first one the pen. */
static void seat_both(struct gateway_core *c)
{
    struct buf events = {0}, members = {0}, body = {0};
    PUT(&events, ev_grant, 3, 5, {"a"}, 11, {0}, 0, 0);
    PUT(&members, member, {"a"}, {0}, ROLE_OWN, 0, 0);
    PUT(&members, member, {"b"}, {0}, ROLE_OWN, 0, 0);
    PUT(&body, envelope, BROKER_VERSION, {"b1"});
    PUT(&body, events, BOARD, 2, 3, 3, 3, 0, buf_span(&events));
    PUT(&body, board_state, .board = BOARD, .epoch = 2, .number = 1, .head = 3, .mark = 3,
        .seats = 10, .holder = {"a"}, .instance = 11, .term = 3, .members = list_of(2, &members));
    gateway_core_message(c, 1000, buf_span(&body));
    buf_free(&events);
    buf_free(&members);
    buf_free(&body);
}

static void pull_all(struct gateway_core *c, uint64_t now)
{
    static struct pull pull;
    struct outbox_message m;
    struct client *cl;
    while ((cl = gateway_core_dirty(c))) {
        client_pull(cl, now, &pull);
        client_pulled(cl, &pull, pull.count);
    }
    while (outbox_next(gateway_core_outbox(c), now, &m))
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gateway_core_config config = {.self = {"g1"},
                                         .seed = 7,
                                         .shards = 1,
                                         .dead_ms = 60000,
                                         .authenticate = authenticate,
                                         .make_token = make_token};
    struct gateway_core *c = gateway_core_create(&config, 1000);
    gateway_core_link(c, 1000, true);
    struct client *guest = join(c, "a", 11), *other = join(c, "b", 22);
    seat_both(c);
    bool from_broker = false; /* what the broker delivers may end the other, too */
    uint64_t now = 1000;
    while (size > 0) {
        size_t len = (size_t)(data[0] & 0x7f) < size - 1 ? data[0] & 0x7f : size - 1;
        struct span bytes = {data + 1, len};
        from_broker = from_broker || data[0] & 0x80;
        if (data[0] & 0x80)
            gateway_core_message(c, now, bytes);
        else
            client_message(guest, now, bytes);
        data += 1 + len;
        size -= 1 + len;
        now += 100;
        gateway_core_tick(c, now);
        pull_all(c, now);
    }
    if (!from_broker && client_ends(other, NULL))
        abort();
    client_closed(guest, now);
    client_closed(other, now);
    gateway_core_destroy(c);
    return 0;
}
