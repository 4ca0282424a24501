/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings come from the environment. A program lists its settings in one table; a wrong value is
 * reported with the name, the value and what is allowed, and the program exits 2. `--help` prints
 * the table, `--version` the version.
 */
#ifndef EASEL_CONFIG_H
#define EASEL_CONFIG_H

#include <stddef.h>
#include <stdint.h>

enum setting_type {
    SETTING_UINT,
    SETTING_TEXT,
    SETTING_SECRET,
    SETTING_ARGUMENT, /* of the command line: uint64_t, 1 when it is given */
};

struct setting {
    const char *name; /* "EASEL_PORT", "--restored" */
    enum setting_type type;
    uint64_t low, high; /* UINT: value; TEXT and SECRET: length */
    const char *preset; /* the default; NULL: it must be set */
    size_t at;          /* offset in the settings struct: uint64_t or const char * */
    const char *what;   /* one sentence for --help */
    /* NULL, or a further check: NULL when fine, else what is allowed. */
    const char *(*check)(const char *value);
};

#define SETTINGS_END                                                                               \
    {                                                                                              \
        0                                                                                          \
    }

/* Fills `ret`. Texts stay valid until exit (SECRET values are never printed). On a wrong value
 * prints to stderr and returns -EINVAL (the caller exits 2); an EASEL_* variable that no setting
 * has is only mentioned there, since programs often share one environment. An empty preset means
 * "not given" and is subject to no bounds. `common` and `own` both end with SETTINGS_END; either
 * may be NULL. Handles --help and --version (prints, exits 0) and refuses arguments that are not in
 * `own`. */
int settings_read(int argc, char **argv, const char *program, const struct setting *common,
                  void *ret_common, const struct setting *own, void *ret_own);

/* How to reach the broker. Texts that are not given are empty. */
struct broker_address {
    const char *url;             /* amqp://host:port/vhost, or amqps://: over TLS */
    const char *user, *password; /* win over those in the URL; plain, without any encoding */
    const char *ca;              /* PEM file: whose certificates we trust */
    const char *cert, *key;      /* PEM files: our own certificate, if the broker wants one */
};

/* What all three programs have. */
struct common_settings {
    struct broker_address broker; /* EASEL_AMQP and EASEL_AMQP_... */
    uint64_t quorum;              /* EASEL_QUORUM, 0..1, 0 */
    uint64_t shards;              /* EASEL_SHARDS, 1..1024, 32 */
    uint64_t pace_ms;             /* EASEL_PACE_MS, 0..100, 4 */
    uint64_t budget;              /* EASEL_MESSAGES_PER_S, 0..1000000, 2000 */
    const char *admin_host;       /* EASEL_ADMIN_HOST, 127.0.0.1 */
    uint64_t admin_port;          /* EASEL_ADMIN_PORT, 0..65535, 0 (0: any free one) */
    const char *log_level;        /* EASEL_LOG_LEVEL, info: error, warn, info, debug */
};
extern const struct setting COMMON_SETTINGS[];

#endif
