/* SPDX-License-Identifier: Apache-2.0
 *
 * What must be true by our own doing, whatever others send: a precondition where a function begins,
 * or a fact of a state machine, looked at at the end of each of its entries (the files named
 * invariants). Builds for who develops, tests and the simulator define EASEL_CHECKS; in all others
 * a check is compiled, so that it cannot rot, and leaves no code.
 *
 * A condition has no effect of its own. What comes over a wire is never checked so: it is refused.
 */
#ifndef EASEL_CHECKS_H
#define EASEL_CHECKS_H

#include <stdbool.h>

#ifdef EASEL_CHECKS
#define CHECKS_ARE_ON true
#else
#define CHECKS_ARE_ON false
#endif

/* Of lists that are longer only the ends are looked at: an entry stays as cheap as it was. */
#define CHECK_FEW 64u

#define CHECK(condition)                                                                           \
    (!CHECKS_ARE_ON || (condition) ? (void)0                                                       \
                                   : check_failed(__FILE__, __LINE__, __func__, #condition))

/* Calls a function that checks. */
#define CHECKED(call) (CHECKS_ARE_ON ? (void)(call) : (void)0)

/* Says which check failed, on stderr, and ends the process. Tests have one of their own. */
_Noreturn void check_failed(const char *file, int line, const char *function,
                            const char *condition);

#endif
