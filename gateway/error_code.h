/* SPDX-License-Identifier: Apache-2.0
 *
 * The codes of the errors that clients are told (PROTOCOL §9), for counting them.
 */
#ifndef EASEL_ERROR_CODE_H
#define EASEL_ERROR_CODE_H

#define ERROR_CODES 15

extern const char *const ERROR_CODE[ERROR_CODES]; /* the last one is "other" */

/* The place of that code in ERROR_CODE. */
unsigned error_index(const char *code);

#endif
