/* SPDX-License-Identifier: Apache-2.0
 *
 * Ends the process when its loop has not turned for 10 s of the process's own running time: who
 * does not answer is worse than who is gone, since nobody starts it again. A thread asks the loop
 * once a second for a sign of life, and counts only the seconds that it itself was given. So these
 * are not ended: a process that was frozen as a whole, one on a machine that gives nobody any time,
 * one that has nothing to do, and one whose other threads wait or work.
 */
#ifndef EASEL_WATCHDOG_H
#define EASEL_WATCHDOG_H

#include <stdbool.h>
#include <uv.h>

#include "limit_values.h"

#define WATCHDOG_EXIT_STATUS 70 /* as sysexits.h has it: an internal fault */

/* ---- the pure part --------------------------------------------------------------------------- */

/* How long the loop has given no sign of life, in ticks that count. */
struct watch {
    unsigned silent_ticks;
};

/* After each tick, which took `slept_ms`; `turned`: the loop gave a sign of life since the last
 * one. True: it hangs. */
bool watch_tick(struct watch *w, uint64_t slept_ms, bool turned);

/* ---- the thread ------------------------------------------------------------------------------ */

struct watchdog;

/* Watches `loop` from now on, so that it is to turn within 10 s. Negative errno. */
int watchdog_start(uv_loop_t *loop, struct watchdog **ret);
/* On the loop's thread, when it will not turn any more as it did. Closes its handle, which frees
 * `w`: run the loop once more afterwards. NULL is fine. */
void watchdog_stop(struct watchdog *w);

#endif
