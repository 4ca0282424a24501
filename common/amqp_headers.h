/* SPDX-License-Identifier: Apache-2.0
 *
 * The headers of rabbitmq-c, which moved, and rows of its tables.
 */
#ifndef EASEL_AMQP_HEADERS_H
#define EASEL_AMQP_HEADERS_H

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

#define AMQP_ROW(key, type, member, val)                                                           \
    ((amqp_table_entry_t){amqp_cstring_bytes(key),                                                 \
                          {.kind = AMQP_FIELD_KIND_##type, .value.member = (val)}})
#define AMQP_NUMBER(key, val) AMQP_ROW(key, I32, i32, val)
#define AMQP_TEXT(key, val)   AMQP_ROW(key, UTF8, bytes, amqp_cstring_bytes(val))
#define AMQP_YES(key)         AMQP_ROW(key, BOOLEAN, boolean, 1)

#endif
