/* SPDX-License-Identifier: Apache-2.0 */
#include "limit_values.h"

#pragma GCC diagnostic ignored "-Wenum-compare" /* of one limit with another */
#define MUST(condition, why) _Static_assert(condition, why);
#include "limits.def"
