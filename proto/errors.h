/* SPDX-License-Identifier: Apache-2.0
 *
 * The errors of errors.def, as C has them.
 */
#ifndef EASEL_ERRORS_H
#define EASEL_ERRORS_H

enum error_code {
#define ERROR(name, close, then, sentence, meaning) ERROR_##name,
#include "errors.def"
#undef ERROR
    ERROR_CODES
};

struct error_kind {
    const char *name;     /* "full" */
    unsigned close;       /* the close code; 0: the connection goes on */
    const char *sentence; /* where nothing more is known */
};

extern const struct error_kind ERRORS[ERROR_CODES];

#endif
