/* SPDX-License-Identifier: Apache-2.0
 *
 * easel-gateway: the part that browsers talk to. WebSockets and the page on one port, the broker on
 * the other side; behind an ingress that ends TLS.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "shell.h"

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
    {"EASEL_HOST", SETTING_TEXT, 1, 64, "127.0.0.1", AT(host), "Where to listen.", check_host},
    {"EASEL_PORT", SETTING_UINT, 0, 65535, "8080", AT(port),
     "The port for browsers; 0: any free one.", NULL},
    {"EASEL_PUBLIC_URL", SETTING_TEXT, 0, 255, "", AT(public_url),
     "What links begin with; empty: the host that a request names.", check_url},
    {"EASEL_ALLOWED_ORIGINS", SETTING_TEXT, 0, 4096, "", AT(allowed_origins),
     "A comma list of origins whose pages may connect; empty: our own.", check_origins},
    {"EASEL_TRUSTED_PROXIES", SETTING_TEXT, 0, 4096, "", AT(trusted_proxies),
     "A comma list of addresses and CIDR ranges whose X-Forwarded-For is believed.",
     check_networks},
    {"EASEL_SECRET", SETTING_SECRET, 32, 1024, NULL, AT(secret), "Signs the links' tokens.", NULL},
    {"EASEL_SECRET_OLD", SETTING_SECRET, 32, 1024, "", AT(secret_old),
     "The secret before this one: its tokens still count.", NULL},
    {"EASEL_CREATE_TOKEN", SETTING_SECRET, 0, 1024, "", AT(create_token),
     "Who makes a board must show it; empty: anybody may.", NULL},
    {"EASEL_WEB_ROOT", SETTING_TEXT, 1, 4096, "./build/web", AT(web_root),
     "The directory of the page.", NULL},
    {"EASEL_CREATES_PER_MIN", SETTING_UINT, 1, 1000000, "30", AT(creates_per_min),
     "Boards that one address may make.", NULL},
    {"EASEL_CREATES_PER_DAY", SETTING_UINT, 1, 100000000, "1000", AT(creates_per_day),
     "Boards that one address may make in a day.", NULL},
    {"EASEL_CODES_PER_MIN", SETTING_UINT, 1, 1000000, "30", AT(codes_per_min),
     "Wrong codes of boards that one address may try.", NULL},
    {"EASEL_CONNECTIONS_MAX", SETTING_UINT, 1, 60000, "20000", AT(connections_max),
     "Connections in all.", NULL},
    {"EASEL_CONNECTIONS_PER_ADDRESS", SETTING_UINT, 1, 60000, "2000", AT(connections_per_address),
     "Connections of one address.", NULL},
    {"EASEL_HELLO_TIMEOUT_S", SETTING_UINT, 1, 3600, "10", AT(hello_timeout_s),
     "How long a new WebSocket may say nothing.", NULL},
    {"EASEL_DRAIN_DELAY_S", SETTING_UINT, 0, 600, "0", AT(drain_delay_s),
     "After SIGTERM: how long it still takes connections, until balancers know.", NULL},
    {"EASEL_DRAIN_PER_S", SETTING_UINT, 10, 100000, "500", AT(drain_per_s),
     "Then: clients that are asked to go to another gateway, in a second.", NULL},
    {"EASEL_DRAIN_GRACE_S", SETTING_UINT, 1, 3600, "25", AT(drain_grace_s),
     "After so long it has left, whoever is still there.", NULL},
    SETTINGS_END,
};

static void on_leave(void *owner)
{
    struct gateway *g = owner;
    g->leave_since_ms = gateway_now(g);
}

static void on_turn(void *owner)
{
    gateway_turn(owner);
}

static void on_metrics(void *owner, struct buf *out)
{
    gateway_metrics(owner, out);
}

static const struct service_kind KIND = {
    .name = "gateway",
    .settings = SETTINGS,
    .leave = on_leave,
    .metrics = on_metrics,
    .turn = on_turn,
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
