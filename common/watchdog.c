/* SPDX-License-Identifier: Apache-2.0
 *
 * The sign of life is an async handle: it wakes a loop that waits in poll, too, so there is no need
 * to know whether the loop is in poll or in a callback, ours or a library's.
 */
#include "watchdog.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"
#include "process.h"

struct watchdog {
    uv_async_t sign;
    atomic_uint signs; /* how often the loop gave one */
    pthread_t thread;
    uv_mutex_t lock;
    uv_cond_t wake;
    bool stop; /* under the lock */
};

/* ---- the pure part --------------------------------------------------------------------------- */

bool watch_tick(struct watch *w, uint64_t slept_ms, bool turned)
{
    if (turned)
        w->silent_ticks = 0;
    else if (slept_ms < WATCHDOG_LATE_MS)
        w->silent_ticks++;
    return w->silent_ticks >= WATCHDOG_TICKS_MAX;
}

/* ---- in the thread --------------------------------------------------------------------------- */

/* False: it is to stop. */
static bool sleep_a_tick(struct watchdog *w)
{
    uv_mutex_lock(&w->lock);
    while (!w->stop &&
           uv_cond_timedwait(&w->wake, &w->lock, WATCHDOG_TICK_MS * UINT64_C(1000000)) == 0)
        ;
    bool stop = w->stop;
    uv_mutex_unlock(&w->lock);
    return !stop;
}

/* At once: whatever is to be run at an exit might wait for the very thing that hangs. That may even
 * be the log, a pipe that nobody reads: then the alarm ends us. */
static void end_process(void)
{
    alarm(WATCHDOG_LAST_WORD_S);
    log_error("the loop has not turned for %u s: this process ends itself, to be started again",
              (unsigned)(WATCHDOG_TICKS_MAX * WATCHDOG_TICK_MS / 1000));
    _exit(WATCHDOG_EXIT_STATUS);
}

static void *thread_main(void *data)
{
    struct watchdog *w = data;
    struct watch watch = {0};
    unsigned seen = atomic_load(&w->signs);
    uint64_t before_ns = uv_hrtime();
    uv_async_send(&w->sign);
    while (sleep_a_tick(w)) {
        unsigned signs = atomic_load(&w->signs);
        uint64_t now_ns = uv_hrtime();
        if (watch_tick(&watch, (now_ns - before_ns) / 1000000, signs != seen))
            end_process();
        seen = signs;
        before_ns = now_ns;
        uv_async_send(&w->sign);
    }
    return NULL;
}

/* ---- on the loop ----------------------------------------------------------------------------- */

static void on_sign(uv_async_t *sign)
{
    struct watchdog *w = sign->data;
    atomic_fetch_add(&w->signs, 1);
}

static void on_closed(uv_handle_t *sign)
{
    struct watchdog *w = sign->data;
    uv_cond_destroy(&w->wake);
    uv_mutex_destroy(&w->lock);
    free(w);
}

int watchdog_start(uv_loop_t *loop, struct watchdog **ret)
{
    struct watchdog *w = xcalloc(1, sizeof *w);
    int r = uv_async_init(loop, &w->sign, on_sign);
    if (r < 0) {
        free(w);
        return r;
    }
    w->sign.data = w;
    uv_mutex_init(&w->lock);
    uv_cond_init(&w->wake);
    r = process_thread(&w->thread, thread_main, w);
    if (r < 0)
        uv_close((uv_handle_t *)&w->sign, on_closed);
    else
        *ret = w;
    return r;
}

void watchdog_stop(struct watchdog *w)
{
    if (!w)
        return;
    uv_mutex_lock(&w->lock);
    w->stop = true;
    uv_cond_signal(&w->wake);
    uv_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    uv_close((uv_handle_t *)&w->sign, on_closed);
}
