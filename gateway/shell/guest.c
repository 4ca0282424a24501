/* SPDX-License-Identifier: Apache-2.0 */
#include "shell_private.h"

#include "log.h"

/* ---- whose request it is -------------------------------------------------------------------- */

void guest_learn_address(struct visit *v)
{
    char room[HEAD_BYTES_MAX];
    if (v->counted)
        return;
    struct span list = head_list(&v->request->head, "x-forwarded-for", room, sizeof room);
    v->address = client_address(&v->gateway->trusted, &v->peer, list);
}

/* ---- whose page it is ------------------------------------------------------------------------ */

/* At most once a minute: anybody could fill our log. */
static void log_foreign(struct visit *v, const char *what, struct span text, const char *with)
{
    struct gateway *g = v->gateway;
    uint64_t now_ms = gateway_now(g);
    g->stats.foreign++;
    if (g->foreign_logged_ms && now_ms - g->foreign_logged_ms < LOG_FOREIGN_MS)
        return;
    g->foreign_logged_ms = now_ms;
    struct span host = head_get(&v->request->head, "host");
    log_warn("refused the %s \"%.*s\" (Host \"%.*s\"): %s; EASEL_PUBLIC_URL is \"%s\", "
             "EASEL_ALLOWED_ORIGINS \"%s\"",
             what, (int)(text.len < 200 ? text.len : 200), (const char *)text.data,
             (int)(host.len < 200 ? host.len : 200), (const char *)host.data, with,
             g->settings.public_url, g->settings.allowed_origins);
}

/* A page that only loads something, an image perhaps, names no origin; browsers say over HTTPS that
 * it is a foreign one. */
static bool is_foreign_load(const struct head *h)
{
    struct span site = head_get(h, "sec-fetch-site");
    return !head_has(h, "origin") &&
           (list_names(site, "cross-site") || list_names(site, "same-site"));
}

static void refuse_origin(struct visit *v, const char *what, struct span text, const char *with)
{
    log_foreign(v, what, text, with);
    answer_refuse(v, 403,
                  "Pages of this origin may not do that: see EASEL_PUBLIC_URL and "
                  "EASEL_ALLOWED_ORIGINS.");
}

bool guest_at_home(struct visit *v)
{
    const struct gateway_settings *s = &v->gateway->settings;
    const struct head *h = &v->request->head;
    struct span host = head_get(h, "host"), origin = head_get(h, "origin");
    if (!host_valid(host)) {
        answer_refuse(v, 400, "The Host header is missing or wrong.");
        return false;
    }
    /* A proxy may name us by a name of its own; but a page says where it is from. */
    bool known = head_has(h, "origin") && origin_named(origin, s->public_url, s->allowed_origins);
    if (!known && !host_ours(host, s->public_url, s->allowed_origins)) {
        log_foreign(v, "Host", host, "it is no address, not localhost, and no name of ours");
        answer_refuse(v, 403,
                      "This host name is not ours: set EASEL_PUBLIC_URL to the address in use.");
        return false;
    }
    if (head_has(h, "origin") &&
        (origin.len == 0 || !origin_allowed(origin, host, s->public_url, s->allowed_origins))) {
        refuse_origin(v, "Origin", origin, "it is no origin of ours");
        return false;
    }
    if (is_foreign_load(h)) {
        refuse_origin(v, "Sec-Fetch-Site", head_get(h, "sec-fetch-site"), "without an Origin");
        return false;
    }
    return true;
}
