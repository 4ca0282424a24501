/* SPDX-License-Identifier: Apache-2.0
 *
 * Alone, since the kernel's header and the C library's of that name exclude each other: only the
 * kernel's knows tcpi_bytes_received.
 */
#include "received.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

uint64_t received_bytes(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
    return info.tcpi_bytes_received;
}
