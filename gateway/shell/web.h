/* SPDX-License-Identifier: Apache-2.0
 *
 * The page's files, all read at the start: they are few and small, and so a request touches no disk
 * and no path, and the loop never waits for one. New files are served after a restart.
 */
#ifndef EASEL_WEB_H
#define EASEL_WEB_H

#include "buf.h"

struct web_file {
    char *name;       /* "board.html" */
    const char *type; /* Content-Type */
    char *policy; /* of a page: Content-Security-Policy, which lets it run what is in it; or NULL */
    struct buf body;
    struct buf gzip; /* from name.gz; empty: there is none */
    char tag[24];    /* entity tag, weak since both forms share it */
};

struct web;

/* 0, -ENOENT and other errors of the file system, -EFBIG above a limit. */
int web_load(const char *root, struct web **ret);
void web_destroy(struct web *w);
const struct web_file *web_find(const struct web *w, struct span name);
unsigned web_count(const struct web *w);

#endif
