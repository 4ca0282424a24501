/* SPDX-License-Identifier: Apache-2.0
 *
 * The link's inside, as its files share it. They stand in floors: each calls what is below it.
 *
 *   link.c            the loop's thread
 *   link_publisher.c  the publisher's thread
 *   link_consumer.c   the consumer's thread
 *   link_worker.c     what stands under `lock`, which they share; all else belongs to one of them
 *
 * Below them, and without this header: link_connection.c.
 */
#ifndef EASEL_LINK_PRIVATE_H
#define EASEL_LINK_PRIVATE_H

#include <sys/queue.h>

#include "link.h"
#include "link_connection.h"

/* From the loop to the publisher: a message to be published. */
struct post {
    STAILQ_ENTRY(post) queue;
    enum exchange exchange;
    bool mandatory;
    char key[40];
    size_t len;
    uint8_t body[];
};
STAILQ_HEAD(post_queue, post);

enum note_kind {
    NOTE_MESSAGE,
    NOTE_RETURNED,
    NOTE_SHARD,
    NOTE_PUBLISHER,
    NOTE_CONSUMER,
    NOTE_SILENT
};

/* From a thread to the loop: something for the callbacks. */
struct note {
    STAILQ_ENTRY(note) queue;
    enum note_kind kind;
    bool yes;               /* SHARD: held. PUBLISHER, CONSUMER: up. SILENT: is so */
    int shard;              /* SHARD, MESSAGE */
    uint64_t tag;           /* MESSAGE */
    enum exchange exchange; /* RETURNED */
    char key[40];           /* RETURNED */
    size_t len;
    uint8_t body[];
};
STAILQ_HEAD(note_queue, note);

/* What the process wants of a shard, or has. */
enum hold { HOLD_NONE, HOLD_BINDING, HOLD_CONSUMER };

struct worker {
    struct link *link;
    /* On a fresh connection, again and again until the link stops. Returns when its connection has
     * failed or the link stops. */
    void (*session)(struct worker *w);
    pthread_t thread;
    bool started;
    int wake;  /* eventfd: there is something to do */
    int ended; /* eventfd: the thread is done */
    struct link_connection connection;
};

struct link {
    struct link_config config;

    /* the loop's */
    const struct link_events *events;
    void *owner;
    uv_async_t async;
    bool publisher_up, consumer_up;
    bool *held, *told; /* shards in force; shards that events.shard reported */
    char trouble_copy[TROUBLE_BYTES], trouble_told[TROUBLE_BYTES];

    pthread_mutex_t lock;
    struct post_queue posts;
    struct note_queue notes;
    enum hold *wanted;  /* per shard */
    bool wants_changed; /* since the consumer looked */
    uint64_t *done;     /* tags to be acked */
    size_t done_count, done_cap;
    bool closed; /* the loop hears no more notes */
    char trouble[TROUBLE_BYTES];

    struct worker publisher, consumer;
    unsigned generation; /* the consumer's: of its channels, over all connections */

    /* The pulse: what the publisher's clock showed when it went out. */
    uint64_t pulse_clock;        /* the publisher's: ms that it ran, over all connections */
    _Atomic uint64_t pulse_back; /* as it came back to the consumer, last */
    atomic_bool consuming;       /* the consumer has declared all that it hears */

    _Atomic uint64_t stop_ms; /* 0: run; else publish until then and end */
    atomic_bool in_full;      /* the consumer reads nothing until the loop has taken its notes */
    struct link_stats stats;
};

static inline uint64_t link_now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* Hands a note over; `full` (if asked for): the loop has enough. */
struct note *note_new(enum note_kind kind, struct span body);
void link_note(struct link *l, struct note *note, bool *full);
void link_note_state(struct link *l, enum note_kind kind, bool up, const char *trouble);

void link_drop_posts(struct link *l, struct post_queue *posts);
void link_take_posts(struct link *l, struct post_queue *ret);

int worker_init(struct worker *w);
void worker_finish(struct worker *w);
int worker_start(struct worker *w, struct link *l, void (*session)(struct worker *w));
void link_wake(int eventfd);
/* False: the thread hangs in a name look-up. It and its memory are left to the process's end. */
bool worker_join(struct worker *w, uint64_t timeout_ms);
void publisher_session(struct worker *w);
void consumer_session(struct worker *w);

/* Of a pulse, which goes to our own queue. */
void pulse_key(const struct link *l, char *ret, size_t size);

#endif
