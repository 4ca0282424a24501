/* SPDX-License-Identifier: Apache-2.0
 *
 * The limits of limits.def, as C has them. (Not limits.h: C has one of that name.) */
#ifndef EASEL_LIMIT_VALUES_H
#define EASEL_LIMIT_VALUES_H

#include <stdint.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic" /* one may be larger than an int */
#define LIMIT(name, value, unit, who, what) enum { name = (value) };
#include "limits.def"
#pragma GCC diagnostic pop

#endif
