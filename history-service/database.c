/* SPDX-License-Identifier: Apache-2.0 */
#include "database.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "process.h"

STAILQ_HEAD(job_queue, job);

struct database {
    const struct store_address *address;
    unsigned shards, jobs_max;
    database_opened *opened;
    void *owner;
    uv_async_t async;
    pthread_t thread;
    unsigned waiting; /* the loop's count */
    int told;         /* the result that `opened` was last called with */

    uv_mutex_t lock;
    uv_cond_t wake;
    struct job_queue todo, done;
    bool stop;
    int result; /* of opening; 1: not tried yet */
    uint64_t incarnation;
    char why[400];
};

/* ---- in the thread --------------------------------------------------------------------------- */

static void note_opening(struct database *db, int result, const char *why,
                         const struct store *store)
{
    uv_mutex_lock(&db->lock);
    db->result = result;
    db->incarnation = store ? store_incarnation(store) : 0;
    snprintf(db->why, sizeof db->why, "%s", why);
    uv_mutex_unlock(&db->lock);
    uv_async_send(&db->async);
}

/* False: the database is to stop. */
static bool pause_before_retry(struct database *db)
{
    uv_mutex_lock(&db->lock);
    while (!db->stop &&
           uv_cond_timedwait(&db->wake, &db->lock, STORE_OPEN_AGAIN_S * UINT64_C(1000000000)) == 0)
        ;
    bool stop = db->stop;
    uv_mutex_unlock(&db->lock);
    return !stop;
}

static struct store *open_store(struct database *db)
{
    struct store *store = NULL;
    const char *why = "";
    int r;
    do {
        r = store_open(db->address, db->shards, &store, &why);
        note_opening(db, r, why, store);
    } while (r == -EIO && pause_before_retry(db));
    return store;
}

static struct job *next_job(struct database *db)
{
    uv_mutex_lock(&db->lock);
    while (!db->stop && STAILQ_EMPTY(&db->todo))
        uv_cond_wait(&db->wake, &db->lock);
    struct job *job = db->stop ? NULL : STAILQ_FIRST(&db->todo);
    if (job)
        STAILQ_REMOVE_HEAD(&db->todo, queue);
    uv_mutex_unlock(&db->lock);
    return job;
}

static void *thread_main(void *data)
{
    struct database *db = data;
    struct store *store = open_store(db);
    struct job *job;
    while (store && (job = next_job(db))) {
        uint64_t start_ns = uv_hrtime();
        job->run(job, store);
        job->seconds = (double)(uv_hrtime() - start_ns) / 1e9;
        uv_mutex_lock(&db->lock);
        STAILQ_INSERT_TAIL(&db->done, job, queue);
        uv_mutex_unlock(&db->lock);
        uv_async_send(&db->async);
    }
    store_close(store);
    return NULL;
}

/* ---- on the loop ----------------------------------------------------------------------------- */

static void tell_opening(struct database *db)
{
    char why[sizeof db->why];
    uv_mutex_lock(&db->lock);
    int result = db->result;
    uint64_t incarnation = db->incarnation;
    snprintf(why, sizeof why, "%s", db->why);
    uv_mutex_unlock(&db->lock);
    if (result == db->told)
        return;
    db->told = result;
    db->opened(db->owner, result, why, incarnation);
}

static void on_async(uv_async_t *async)
{
    struct database *db = async->data;
    struct job_queue done = STAILQ_HEAD_INITIALIZER(done);
    struct job *job;
    tell_opening(db);
    uv_mutex_lock(&db->lock);
    STAILQ_CONCAT(&done, &db->done);
    uv_mutex_unlock(&db->lock);
    while ((job = STAILQ_FIRST(&done))) {
        STAILQ_REMOVE_HEAD(&done, queue);
        db->waiting--;
        job->done(job);
    }
}

void database_submit(struct database *db, struct job *job)
{
    if (db->waiting++ == db->jobs_max)
        abort();
    uv_mutex_lock(&db->lock);
    STAILQ_INSERT_TAIL(&db->todo, job, queue);
    uv_cond_signal(&db->wake);
    uv_mutex_unlock(&db->lock);
}

unsigned database_waiting(const struct database *db)
{
    return db->waiting;
}

static void on_closed(uv_handle_t *async)
{
    struct database *db = async->data;
    uv_cond_destroy(&db->wake);
    uv_mutex_destroy(&db->lock);
    free(db);
}

int database_create(uv_loop_t *loop, const struct store_address *address, unsigned shards,
                    unsigned jobs_max, database_opened *opened, void *owner, struct database **ret)
{
    struct database *db = xcalloc(1, sizeof *db);
    *db = (struct database){.address = address,
                            .shards = shards,
                            .jobs_max = jobs_max,
                            .opened = opened,
                            .owner = owner,
                            .told = 1,
                            .result = 1};
    STAILQ_INIT(&db->todo);
    STAILQ_INIT(&db->done);
    uv_mutex_init(&db->lock);
    uv_cond_init(&db->wake);
    int r = uv_async_init(loop, &db->async, on_async);
    if (r < 0) {
        free(db);
        return r;
    }
    db->async.data = db;
    r = process_thread(&db->thread, thread_main, db);
    if (r < 0)
        uv_close((uv_handle_t *)&db->async, on_closed);
    else
        *ret = db;
    return r;
}

void database_destroy(struct database *db)
{
    if (!db)
        return;
    uv_mutex_lock(&db->lock);
    db->stop = true;
    uv_cond_signal(&db->wake);
    uv_mutex_unlock(&db->lock);
    pthread_join(db->thread, NULL);
    uv_close((uv_handle_t *)&db->async, on_closed);
}
