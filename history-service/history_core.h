/* SPDX-License-Identifier: Apache-2.0
 *
 * The history service without its sockets and database: a compare-and-swap log (DESIGN §7). Pure.
 *
 * One round: take what waits, plan, insert, settle.
 *   history_core_message   queues the requests of a broker message
 *   history_core_plan      decides; names the boards whose last record must be read first, and the
 *                          records to insert (at most one per board)
 *   ... the shell reads with store_last and inserts with store_append ...
 *   history_core_settle    learns the results and fills the outbox; what hit a duplicate key is
 *                          planned again after its last record was read again
 * Nothing here needs a transaction, or that only one history service is at work.
 */
#ifndef EASEL_HISTORY_CORE_H
#define EASEL_HISTORY_CORE_H

#include "metrics.h"
#include "outbox.h"
#include "store.h"
#include "trace.h"

struct history_core;

struct history_core_config {
    struct id self; /* begins with h */
    unsigned shards;
    uint32_t pace_ms, messages_per_s_max;
    unsigned tails_max;  /* last records kept in memory, 0: TAILS_MAX */
    uint64_t boards_max; /* no board is made beyond so many; 0: no bound */
    /* Who is told its decisions; outlives the core. NULL: nobody. */
    const struct trace *trace;
};

struct history_core *history_core_create(const struct history_core_config *config);
void history_core_destroy(struct history_core *c);

/* Queues create and look requests of gateways, open and append requests of board services. Returns
 * how many of the message's items were queued; read requests are answered by history_page. */
unsigned history_core_message(struct history_core *c, uint64_t now_ms, struct span body);
bool history_core_waiting(const struct history_core *c);
/* How long the oldest request that is not answered has been here; 0: none waits. */
uint64_t history_core_age_ms(const struct history_core *c, uint64_t now_ms);

struct history_plan {
    const struct id *load; /* boards whose last record is not known: read, then plan again */
    unsigned load_count;
    const struct record *records; /* to insert, when load_count is 0 */
    unsigned record_count;
};

/* Borrowed until settle. */
const struct history_plan *history_core_plan(struct history_core *c, uint64_t now_ms);
/* The answer to a `load`: last is NULL when the board has no records; name is the board's (from
 * its first record), empty when unknown; rules: the ev_rules that the last state names. */
void history_core_loaded(struct history_core *c, const struct id *board, const struct record *last,
                         struct span name, struct span rules);
/* Or that there is one, and it is broken (record_is_sound): the board gets no answer. */
void history_core_broken(struct history_core *c, const struct id *board);
/* `results` as store_append gave them, in the order of the plan. Unknown results answer nothing:
 * the asker repeats; the tail is read again. */
void history_core_settle(struct history_core *c, uint64_t now_ms, const int *results);
/* The database cannot be asked: drops what waits (owners probe and repeat), forgets all tails. */
void history_core_unavailable(struct history_core *c);

struct outbox *history_core_outbox(struct history_core *c);

/* The store's incarnation, for all answers: as soon as it is open. */
void history_core_incarnation(struct history_core *c, uint64_t incarnation);

/* How many boards the store has, without the deleted ones, as somebody counted. From then on the
 * core keeps count of what it makes and deletes itself; others do that, too, so count again. */
void history_core_boards(struct history_core *c, uint64_t boards);
/* The next board that is known to be deleted, and perhaps not erased yet; false: none. Of those
 * that nobody takes only HISTORY_DELETED_MAX are kept. */
bool history_core_deleted(struct history_core *c, struct id *ret);

/* Replay. Collects the events from..to out of records, in order, up to about bytes_max; cuts
 * records between events. Feed it with history_page_record until it returns false. */
struct history_page {
    struct msg_read request;    /* with bounds in the place of what it leaves open */
    uint64_t from, last, epoch; /* collected so far */
    size_t passed;              /* bytes of the records looked through before */
    bool broken;                /* a record has not the events that it says: the page ends there */
    struct buf events;
};
void history_page_begin(struct history_page *p, const struct msg_read *request);
/* `page` is a history_page: so store_read can call it. */
bool history_page_record(void *page, const struct record *record);
/* The page, or behind, to the gateway that asked. `tail` is the last stored offset, as read before
 * the events; 0: there is no such board, or it is deleted (record_is_tombstone). */
void history_page_answer(struct history_page *p, uint64_t tail, uint64_t incarnation,
                         const struct id *gateway, struct outbox *out);
void history_page_free(struct history_page *p);

struct history_core_stats {
    /* requests, records and events since the start */
    uint64_t creates, opens, opens_refused, appends, appends_refused, holes, trimmed, records,
        events, bytes, duplicate_keys, unknown_results, dropped, bad_messages, rounds, tails;
    uint64_t repeats;                         /* of questions that waited already */
    uint64_t waiting_requests, waiting_bytes; /* now */
    uint64_t looks, bad_segments;             /* bad: not the events that they say, refused */
    uint64_t bad_records;                     /* last ones of boards, that are broken */
    uint64_t boards;                          /* there are now, without the deleted ones */
    uint64_t boards_made, boards_refused;     /* refused: since there are too many */
    struct histogram waited; /* seconds from a request's arrival until what it adds is stored */
};
const struct history_core_stats *history_core_stats(const struct history_core *c);

#endif
