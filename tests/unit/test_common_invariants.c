/* SPDX-License-Identifier: Apache-2.0
 *
 * What is true of the parts that all programs share, broken fact by fact.
 */
#include "invariants_test.h"

#include "idmap.h"
#include "outbox_private.h"
#include "peers_private.h"

static struct idmap map;
static struct outbox *box;
static struct peers *peers;

static struct id id_of(const char *text)
{
    struct id id;
    ck_assert_int_eq(id_parse(text, strlen(text), &id), 0);
    return id;
}

static void look_at_map(void)
{
    idmap_invariants(&map);
}

static void look_at_box(void)
{
    outbox_invariants(box);
}

static void look_at_peers(void)
{
    peers_invariants(peers);
}

START_TEST(a_map)
{
    struct id a = id_of("a"), b = id_of("b");
    map = (struct idmap){0};
    look = look_at_map;
    IS_WELL();
    idmap_put(&map, &a, &map);
    idmap_put(&map, &b, &map);
    BREAKS(map.slots, 17, "(m->slots & (m->slots - 1)) == 0");
    BREAKS(map.slot, NULL, "(m->slots == 0) == (m->slot == NULL)");
    BREAKS(map.count, 13, "m->count * 4 <= m->slots * 3");
    BREAKS(map.count, 3, "found == m->count");
    size_t at = 0;
    while (!map.slot[at].value || !id_equal(&map.slot[at].key, &a))
        at++;
    size_t away = (at + 8) & 15;
    struct idmap_entry was = map.slot[at];
    map.slot[at].value = NULL;
    map.slot[away] = was; /* from its home one comes to a free slot, and looks no further */
    ck_assert_str_eq(hears(), "m->slot[i].value != NULL");
    map.slot[away].value = NULL;
    map.slot[at] = was;
    IS_WELL();
    idmap_free(&map);
}
END_TEST

static void put(const char *destination)
{
    struct id to = id_of(destination);
    outbox_put(box, EXCHANGE_GATEWAY, &to, NULL, &TYPE_not_owner, &(struct msg_not_owner){1});
}

/* Something waits for g1, and g2 was sent what waited. */
static void boxes(void)
{
    struct outbox_message m;
    box = outbox_create(&(struct outbox_config){.self = id_of("b1")});
    put("g2");
    ck_assert(outbox_next(box, 1000, &m));
    put("g1");
    look = look_at_box;
    IS_WELL();
}

START_TEST(an_outbox)
{
    boxes();
    struct destination *d = TAILQ_FIRST(&box->waiting), *idle = TAILQ_FIRST(&box->idle);
    struct part *part = &d->parts[0];
    BREAKS(box->envelope.len, 0, "o->envelope.len > 0");
    BREAKS(part->items, 0, "part->items > 0");
    BREAKS(part->len, BROKER_MESSAGE_BYTES_MAX + 1, "part->len <= BROKER_MESSAGE_BYTES_MAX");
    BREAKS(part->len, 1, "bytes == d->bytes.len");
    BREAKS(d->taken_bytes, 1, "taken == d->taken_bytes");
    BREAKS(d->taken, 2, "d->taken <= d->part_count");
    BREAKS(d->part_cap, 0, "d->part_count <= d->part_cap");
    BREAKS(d->taken_bytes, d->bytes.len + 1, "d->taken_bytes <= d->bytes.len");
    BREAKS(d->bytes.len, 2 * (size_t)OUTBOX_DESTINATION_BYTES_MAX,
           "d->bytes.len - d->taken_bytes <= "
           "OUTBOX_DESTINATION_BYTES_MAX + BROKER_MESSAGE_BYTES_MAX");
    BREAKS(idle->flush, true, "!d->flush && !d->has_items");
    BREAKS(box->stats.waiting_bytes, 1, "bytes == o->stats.waiting_bytes");
    BREAKS(box->stats.destinations, 9, "count == o->stats.destinations");
    outbox_destroy(box);
}
END_TEST

START_TEST(an_outbox_with_destinations_in_the_wrong_line)
{
    boxes();
    struct destination *d = TAILQ_FIRST(&box->waiting), *idle = TAILQ_FIRST(&box->idle);
    TAILQ_REMOVE(&box->waiting, d, queue);
    TAILQ_INSERT_HEAD(&box->idle, d, queue);
    ck_assert_str_eq(hears(), "d->taken == d->part_count");
    TAILQ_REMOVE(&box->idle, d, queue);
    TAILQ_INSERT_HEAD(&box->waiting, d, queue);
    IS_WELL();
    TAILQ_REMOVE(&box->idle, idle, queue);
    TAILQ_INSERT_TAIL(&box->waiting, idle, queue);
    ck_assert_str_eq(hears(), "d->taken < d->part_count");
    TAILQ_REMOVE(&box->waiting, idle, queue);
    TAILQ_INSERT_TAIL(&box->idle, idle, queue);
    IS_WELL();
    outbox_destroy(box);
}
END_TEST

START_TEST(replicas)
{
    struct id self = id_of("b1"), b2 = id_of("b2"), b3 = id_of("b3");
    peers = peers_create(&self, 1000);
    peers_link(peers, 1000, true);
    peers_alive(peers, 1000, &b2);
    peers_alive(peers, 1000, &b3);
    look = look_at_peers;
    BREAKS(peers->count, 0, "p->count >= 1 && p->count <= 1 + PEERS_MAX");
    BREAKS(peers->peer[1].id, id_of("g1"), "peer->id.text[0] == p->peer[0].id.text[0]");
    BREAKS(peers->peer[1].id, self, "i == 0 || !id_equal(&peer->id, &p->peer[0].id)");
    BREAKS(peers->peer[2].id, b2, "!id_equal(&peer->id, &p->peer[j].id)");
    peers->peer[0].counts = true;
    BREAKS(peers->left, true, "!p->left || !p->peer[0].counts");
    BREAKS(peers->peer[0].doubted, true,
           "!p->peer[0].doubted && !p->peer[0].probed_ms"); /* [D35] */
    BREAKS(peers->probes, PEER_PROBES_MAX + 1, "p->probes <= PEER_PROBES_MAX");
    BREAKS(peers->next_ignored, PEERS_MAX, "p->next_ignored < PEERS_MAX");
    peers_destroy(peers);
}
END_TEST

START_TEST(each_check_bites)
{
    ck_assert_str_eq(unheard(INVARIANTS "common/common_invariants.c"), "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("common invariants");
    TCase *t = tcase_create("facts");
    tcase_add_test(t, a_map);
    tcase_add_test(t, an_outbox);
    tcase_add_test(t, an_outbox_with_destinations_in_the_wrong_line);
    tcase_add_test(t, replicas);
    tcase_add_test(t, each_check_bites);
    suite_add_tcase(s, t);
    return run_invariants(s);
}
