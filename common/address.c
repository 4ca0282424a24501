/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

static const char ALLOWED[] =
    "scheme://host, or scheme://user:password@host with user and password "
    "percent-encoded (or in settings of their own)";

/* Where user and password begin, and the @ that ends them; NULL: there are none. */
struct credentials {
    const char *begin, *end;
};

static bool is_encoded(const char *at)
{
    return isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2]) &&
           strncmp(at, "%00", 3) != 0; /* texts end there */
}

static bool find_credentials(const char *text, struct credentials *ret)
{
    const char *begin = strstr(text, "://");
    if (!begin)
        return false;
    begin += strlen("://");
    const char *end = strchr(begin, '@');
    *ret = (struct credentials){begin, end};
    if (!end)
        return true;
    unsigned colons = 0;
    for (const char *at = begin; at < end; at++) {
        if (*at == '/' || (*at == '%' && !is_encoded(at)))
            return false;
        colons += *at == ':';
    }
    return colons <= 1 && !strchr(end + 1, '@');
}

static char *decode(const char *begin, const char *end)
{
    char *text = xcalloc(1, (size_t)(end - begin) + 1), *to = text;
    for (const char *at = begin; at < end; at++) {
        char decoded = *at;
        if (decoded == '%') {
            decoded = (char)strtoul((const char[]){at[1], at[2], '\0'}, NULL, 16);
            at += 2;
        }
        *to++ = decoded;
    }
    return text;
}

const char *address_check(const char *text)
{
    struct credentials c;
    return find_credentials(text, &c) ? NULL : ALLOWED;
}

int address_open(const char *text, struct address_text *ret)
{
    struct credentials c;
    *ret = (struct address_text){0};
    if (!find_credentials(text, &c))
        return -EINVAL;
    const char *colon = c.end ? memchr(c.begin, ':', (size_t)(c.end - c.begin)) : NULL;
    size_t size = strlen(text) + sizeof "x";
    ret->url = xcalloc(1, size);
    if (colon) {
        snprintf(ret->url, size, "%.*sx%s", (int)(colon + 1 - text), text, c.end);
        ret->password = decode(colon + 1, c.end);
    } else {
        snprintf(ret->url, size, "%s", text);
    }
    return 0;
}

void address_close(struct address_text *a)
{
    free(a->url);
    free(a->password);
    *a = (struct address_text){0};
}
