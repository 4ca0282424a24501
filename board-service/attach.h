/* SPDX-License-Identifier: Apache-2.0
 *
 * The gateways' numbered lists: the newest one of each gateway and shard is in force (DESIGN §6).
 */
#ifndef EASEL_BOARD_ATTACH_H
#define EASEL_BOARD_ATTACH_H

#include "board_core_private.h"

void attachment_list(struct board_core *c, const struct id *gateway, const struct msg_attach *m);
void attachment_free(struct attachment *at);
void attachment_gateway_gone(struct board_core *c, const struct id *gateway);
void attachment_forget_all(struct board_core *c);
void attachment_link_up(struct board_core *c); /* each gateway gets its time anew */
void attachment_tick(struct board_core *c);
uint64_t attachment_deadline(const struct board_core *c);

#endif
