/* SPDX-License-Identifier: Apache-2.0
 *
 * What the limits of limits.def must be to each other, also those of different programs.
 */
#include "limit_values.h"

#define MUST(condition, why) _Static_assert(condition, why);
#include "limits.def"
