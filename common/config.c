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
#include "common_settings.def"
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

static int refuse(const struct setting *s, const char *value, const char *allowed)
{
    fprintf(stderr, "%s", s->name);
    if (s->type != SETTING_SECRET && value)
        fprintf(stderr, "=%s", value);
    if (allowed)
        fprintf(stderr, ": must be %s\n", allowed);
    else
        fprintf(stderr, ": must be %s in %llu..%llu\n",
                s->type == SETTING_UINT ? "a whole number" : "text with a length",
                (unsigned long long)s->low, (unsigned long long)s->high);
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

static const struct setting *find(const struct setting *table, const char *name, size_t len)
{
    for (const struct setting *s = table; s && s->name; s++)
        if (strlen(s->name) == len && strncmp(s->name, name, len) == 0)
            return s;
    return NULL;
}

static bool take_argument(const char *argument, const struct setting *own, void *ret_own)
{
    const struct setting *s = find(own, argument, strlen(argument));
    if (!s || s->type != SETTING_ARGUMENT)
        return false;
    memcpy((char *)ret_own + s->at, &(uint64_t){1}, sizeof(uint64_t));
    return true;
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

/* Programs often share one environment, so another's setting is no error; a slip of the pen must
 * still be seen. */
static void tell_unknown(const char *program, const struct setting *common,
                         const struct setting *own)
{
    for (char **e = environ; e && *e; e++) {
        size_t len = strcspn(*e, "=");
        if (strncmp(*e, "EASEL_", 6) == 0 && !find(common, *e, len) && !find(own, *e, len))
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
