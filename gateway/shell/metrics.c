/* SPDX-License-Identifier: Apache-2.0 */
#include "shell_private.h"

void gateway_metrics(void *gateway, struct buf *out)
{
    struct gateway *g = gateway;
    static const char *const CODES[] = {"2xx", "3xx", "4xx", "5xx"};
    static const char *const LIMITS[LIMIT_COUNT] = {
        [LIMIT_CREATES] = "create", [LIMIT_CREATES_DAY] = "create_day", [LIMIT_CODES] = "code"};
    const struct gateway_core_stats *t = gateway_core_stats(g->core);
    const struct shell_stats *s = &g->stats;
    const struct limits_stats *l = limits_stats(g->limits);
    uint64_t errors[ERROR_CODES];
    const char *names[ERROR_CODES];
    for (unsigned i = 0; i < ERROR_CODES; i++) {
        errors[i] = t->errors[i] + s->errors[i];
        names[i] = ERRORS[i].name;
    }
#include "metrics.def"
    shell_metrics("gateway", gateway_core_outbox(g->core), g->service.link, &g->service.turns, out);
}
