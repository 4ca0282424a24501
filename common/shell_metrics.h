/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics of what all programs have.
 */
#ifndef EASEL_SHELL_METRICS_H
#define EASEL_SHELL_METRICS_H

#include "link.h"

void link_metrics(struct link *l, struct buf *out);
void outbox_metrics(const struct outbox *o, struct buf *out);

#endif
