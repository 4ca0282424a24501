/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "log.h"

static const char *check_level(const char *value)
{
    enum log_level level;
    return log_level_parse(value, &level) < 0 ? "one of error, warn, info, debug" : NULL;
}

static const char *check_amqp(const char *value)
{
    if (strncmp(value, "amqp://", 7) != 0 && strncmp(value, "amqps://", 8) != 0)
        return "amqp://host:port/vhost, or amqps:// for TLS";
    return address_check(value);
}

#define AT(field) offsetof(struct common_settings, field)
const struct setting COMMON_SETTINGS[] = {
    {"EASEL_AMQP", SETTING_SECRET, 8, 1024, "amqp://127.0.0.1:5672/", AT(broker.url),
     "The broker: amqp://host:port/vhost, or amqps:// for TLS.", check_amqp},
    {"EASEL_AMQP_USER", SETTING_TEXT, 1, 255, "", AT(broker.user),
     "Who we are there; empty: whoever the address names, else guest.", NULL},
    {"EASEL_AMQP_PASSWORD", SETTING_SECRET, 1, 1024, "", AT(broker.password), "The password.",
     NULL},
    {"EASEL_AMQP_CA", SETTING_TEXT, 1, 4096, "/etc/ssl/certs/ca-certificates.crt", AT(broker.ca),
     "With amqps: the file (PEM) of the authorities whose certificates are believed.", NULL},
    {"EASEL_AMQP_CERT", SETTING_TEXT, 1, 4096, "", AT(broker.cert),
     "With amqps: the file (PEM) of our own certificate, if the broker wants one.", NULL},
    {"EASEL_AMQP_KEY", SETTING_TEXT, 1, 4096, "", AT(broker.key), "The file (PEM) of its key.",
     NULL},
    {"EASEL_QUORUM", SETTING_UINT, 0, 1, "0", AT(quorum),
     "1: the queues for history are quorum queues (a broker cluster); the same for all programs.",
     NULL},
    {"EASEL_SHARDS", SETTING_UINT, 1, 1024, "32", AT(shards),
     "Shards of the boards; the same for all programs, fixed once there is data.", NULL},
    {"EASEL_PACE_MS", SETTING_UINT, 0, 100, "4", AT(pace_ms),
     "Shortest time between two broker messages to the same destination.", NULL},
    {"EASEL_MESSAGES_PER_S", SETTING_UINT, 0, 1000000, "2000", AT(budget),
     "Most broker messages this process sends in a second; 0: no such limit.", NULL},
    {"EASEL_ADMIN_HOST", SETTING_TEXT, 1, 255, "127.0.0.1", AT(admin_host),
     "Address of the admin port (health and metrics).", NULL},
    {"EASEL_ADMIN_PORT", SETTING_UINT, 0, 65535, "0", AT(admin_port),
     "The admin port; 0: any free one, see the log.", NULL},
    {"EASEL_LOG_LEVEL", SETTING_TEXT, 1, 8, "info", AT(log_level),
     "What is logged: error, warn, info or debug.", check_level},
    SETTINGS_END};

static int parse_uint(const struct setting *s, const char *value, uint64_t *ret)
{
    char *end;
    errno = 0;
    if (*value < '0' || *value > '9')
        return -EINVAL;
    unsigned long long n = strtoull(value, &end, 10);
    if (errno || *end || n < s->low || n > s->high)
        return -EINVAL;
    *ret = n;
    return 0;
}

static const char *kind(enum setting_type type)
{
    return type == SETTING_UINT ? "a whole number" : "text with a length";
}

static int refuse(const struct setting *s, const char *value, const char *allowed)
{
    fprintf(stderr, "%s", s->name);
    if (s->type != SETTING_SECRET && value)
        fprintf(stderr, "=%s", value);
    if (allowed)
        fprintf(stderr, ": must be %s\n", allowed);
    else
        fprintf(stderr, ": must be %s in %llu..%llu\n", kind(s->type), (unsigned long long)s->low,
                (unsigned long long)s->high);
    return -EINVAL;
}

static int read_one(const struct setting *s, void *ret)
{
    if (s->type == SETTING_ARGUMENT)
        return 0; /* arguments() did that */
    const char *value = getenv(s->name);
    if (!value)
        value = s->preset;
    if (!value)
        return refuse(s, NULL, "set");
    void *at = (char *)ret + s->at;
    if (s->type == SETTING_UINT) {
        uint64_t n;
        if (parse_uint(s, value, &n) < 0)
            return refuse(s, value, NULL);
        memcpy(at, &n, sizeof n);
    } else {
        size_t len = strlen(value);
        /* An empty preset means "not given", whatever the bounds of a given one are. */
        bool absent = len == 0 && s->preset && *s->preset == '\0';
        if (!absent && (len < s->low || len > s->high))
            return refuse(s, value, NULL);
        memcpy(at, &value, sizeof value);
        if (absent)
            return 0;
    }
    const char *allowed = s->check ? s->check(value) : NULL;
    return allowed ? refuse(s, value, allowed) : 0;
}

/* All wrong ones are reported, not only the first. */
static int read_table(const struct setting *table, void *ret)
{
    int r = 0;
    for (const struct setting *s = table; s && s->name; s++)
        if (read_one(s, ret) < 0)
            r = -EINVAL;
    return r;
}

static void help_table(const struct setting *table)
{
    for (const struct setting *s = table; s && s->name; s++) {
        printf("  %s", s->name);
        if (s->type == SETTING_ARGUMENT)
            printf(" (an argument)");
        else if (!s->preset)
            printf(" (must be set)");
        else if (*s->preset)
            printf(" (%s)", s->preset);
        printf("\n      %s", s->what);
        if (s->type == SETTING_UINT)
            printf(" %llu..%llu", (unsigned long long)s->low, (unsigned long long)s->high);
        printf("\n");
    }
}

static bool take_argument(const char *argument, const struct setting *own, void *ret_own)
{
    const uint64_t given = 1;
    for (const struct setting *s = own; s && s->name; s++)
        if (s->type == SETTING_ARGUMENT && strcmp(s->name, argument) == 0) {
            memcpy((char *)ret_own + s->at, &given, sizeof given);
            return true;
        }
    return false;
}

static int arguments(int argc, char **argv, const char *program, const struct setting *common,
                     const struct setting *own, void *ret_own)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--version") == 0) {
            printf("%s %s\n", program, EASEL_VERSION);
            exit(0);
        }
        if (strcmp(argv[i], "--help") == 0) {
            printf("%s: all settings come from the environment.\n\n", program);
            help_table(own);
            help_table(common);
            exit(0);
        }
        if (take_argument(argv[i], own, ret_own))
            continue;
        fprintf(stderr, "%s: %s is not known; there are --help and --version\n", program, argv[i]);
        return -EINVAL;
    }
    return 0;
}

static bool is_in(const struct setting *table, const char *name, size_t len)
{
    for (const struct setting *s = table; s && s->name; s++)
        if (strlen(s->name) == len && strncmp(s->name, name, len) == 0)
            return true;
    return false;
}

/* Programs often share one environment, so another's setting is no error; a slip of the pen must
 * still be seen. */
static void tell_unknown(const char *program, const struct setting *common,
                         const struct setting *own)
{
    for (char **e = environ; e && *e; e++) {
        size_t len = strcspn(*e, "=");
        if (strncmp(*e, "EASEL_", 6) == 0 && !is_in(common, *e, len) && !is_in(own, *e, len))
            fprintf(stderr, "%s: %.*s is no setting of this program\n", program, (int)len, *e);
    }
}

int settings_read(int argc, char **argv, const char *program, const struct setting *common,
                  void *ret_common, const struct setting *own, void *ret_own)
{
    if (arguments(argc, argv, program, common, own, ret_own) < 0)
        return -EINVAL;
    tell_unknown(program, common, own);
    int r = read_table(common, ret_common);
    int s = read_table(own, ret_own);
    return r < 0 ? r : s;
}
