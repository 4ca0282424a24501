/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EASEL_BOARD_METRICS_H
#define EASEL_BOARD_METRICS_H

#include "board_core.h"

void board_metrics(const struct board_core *core, struct buf *out);

#endif
