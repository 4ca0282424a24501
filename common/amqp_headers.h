/* SPDX-License-Identifier: Apache-2.0
 *
 * The headers of rabbitmq-c, which moved.
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

#endif
