/* SPDX-License-Identifier: Apache-2.0 */
#include "error_code.h"

#include <string.h>

const char *const ERROR_CODE[ERROR_CODES] = {
    "bad_frame", "too_long",    "not_drawer", "not_allowed", "forbidden",
    "expired",   "no_board",    "no_hello",   "replaced",    "full",
    "too_many",  "start_fresh", "waiting",    "restart",     "other",
};

unsigned error_index(const char *code)
{
    unsigned i = 0;
    while (i < ERROR_CODES - 1 && strcmp(ERROR_CODE[i], code) != 0)
        i++;
    return i;
}
