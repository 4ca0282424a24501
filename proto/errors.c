/* SPDX-License-Identifier: Apache-2.0 */
#include "errors.h"

const struct error_kind ERRORS[ERROR_CODES] = {
#define ERROR(name, close, then, sentence, meaning) [ERROR_##name] = {#name, close, sentence},
#include "errors.def"
#undef ERROR
};
