/* SPDX-License-Identifier: Apache-2.0
 *
 * easel-gateway: the part that browsers talk to. WebSockets and the page on one port, the broker on
 * the other side; behind an ingress that ends TLS.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "shell_private.h"

static const char *check_host(const char *value)
{
    struct in6_addr v6;
    struct in_addr v4;
    return inet_pton(AF_INET, value, &v4) == 1 || inet_pton(AF_INET6, value, &v6) == 1
               ? NULL
               : "an IPv4 or IPv6 address";
}

static const char *check_networks(const char *value)
{
    struct networks list;
    return networks_parse(value, &list) == 0
               ? NULL
               : "a comma list of at most 64 addresses and CIDR ranges";
}

static const char *check_url(const char *value)
{
    size_t scheme = strncmp(value, "https://", 8) == 0  ? 8
                    : strncmp(value, "http://", 7) == 0 ? 7
                                                        : 0;
    return value[0] == '\0' || (scheme && host_valid(span_of(value + scheme)))
               ? NULL
               : "http(s)://host, without a path";
}

static const char *check_origins(const char *value)
{
    return origins_valid(value) ? NULL : "a comma list of origins: scheme://host, perhaps :port";
}

#define AT(field) offsetof(struct gateway_settings, field)

static const struct setting SETTINGS[] = {
#include "settings.def"
    SETTINGS_END,
};

static void on_leave(void *owner)
{
    struct gateway *g = owner;
    g->leave_since_ms = gateway_now(g);
}

static const struct service_kind KIND = {
    .name = "gateway",
    .settings = SETTINGS,
    .leave = on_leave,
    .metrics = gateway_metrics,
    .turn = gateway_turn,
};

int main(int argc, char **argv)
{
    struct gateway *g = xcalloc(1, sizeof *g);
    int status = 2;
    if (service_init(&g->service, &KIND, g, argc, argv, &g->settings) == 0) {
        status = gateway_start(g) < 0;
        if (status == 0)
            gateway_run(g);
        gateway_finish(g);
    }
    free(g);
    return status;
}
