/* SPDX-License-Identifier: Apache-2.0 */
#include "web.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limit_values.h"
#include "request.h"

struct web {
    struct web_file *files; /* by name */
    unsigned count;
    size_t bytes;
};

static const char *type_of(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".txt", "text/plain; charset=utf-8"},
    };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcmp(dot, types[i].ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}

static int file_read(int fd, size_t size, struct buf *ret)
{
    uint8_t *at = buf_grow(ret, size);
    while (size > 0) {
        ssize_t n = read(fd, at, size);
        if (n <= 0)
            return n == 0 ? -EIO : -errno;
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

static int add_file(struct web *w, int dir, const char *entry, const char *name, size_t size)
{
    if (w->count == WEB_FILES_MAX || size > WEB_BYTES_MAX - w->bytes)
        return -EFBIG;
    int fd = openat(dir, entry, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    w->files = xrealloc(w->files, w->count + 1, sizeof *w->files);
    struct web_file *f = &w->files[w->count++];
    *f = (struct web_file){.name = strdup(name), .type = type_of(name)};
    w->bytes += size;
    int r = f->name ? file_read(fd, size, &f->body) : -ENOMEM;
    close(fd);
    return r;
}

static int add_directory(struct web *w, int fd, const char *prefix, unsigned depth);

static int add_entry(struct web *w, int dir, const char *entry, const char *prefix, unsigned depth)
{
    char name[WEB_NAME_MAX];
    struct stat st;
    if (entry[0] == '.')
        return 0;
    if ((size_t)snprintf(name, sizeof name, "%s%s", prefix, entry) >= sizeof name - 1)
        return -ENAMETOOLONG;
    if (fstatat(dir, entry, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (S_ISREG(st.st_mode))
        return add_file(w, dir, entry, name, (size_t)st.st_size);
    if (!S_ISDIR(st.st_mode))
        return 0;
    strcat(name, "/");
    int fd = openat(dir, entry, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
    return fd < 0 ? -errno : add_directory(w, fd, name, depth + 1);
}

/* Takes `fd`. */
static int add_directory(struct web *w, int fd, const char *prefix, unsigned depth)
{
    DIR *d = fdopendir(fd);
    if (!d) {
        int error = errno;
        close(fd);
        return -error;
    }
    int r = depth > WEB_DEPTH_MAX ? -ELOOP : 0;
    const struct dirent *e;
    while (r == 0 && (e = readdir(d)))
        r = add_entry(w, dirfd(d), e->d_name, prefix, depth);
    closedir(d);
    return r;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct web_file *)a)->name, ((const struct web_file *)b)->name);
}

static void file_free(struct web_file *f)
{
    free(f->name);
    free(f->policy);
    buf_free(&f->body);
    buf_free(&f->gzip);
}

static void tag_make(struct web_file *f)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    if (EVP_Digest(f->body.data, f->body.len, hash, NULL, EVP_sha256(), NULL) != 1)
        abort();
    char *at = stpcpy(f->tag, "W/\"");
    for (unsigned i = 0; i < 8; i++)
        at += sprintf(at, "%02x", hash[i]);
    strcpy(at, "\"");
}

/* ---- what a page may do ---------------------------------------------------------------------- */

/* The rest of `text` behind the first `what`; empty: there is none. */
static struct span behind(struct span text, const char *what)
{
    size_t len = strlen(what);
    const uint8_t *at = text.len > 0 ? memmem(text.data, text.len, what, len) : NULL;
    if (!at)
        return (struct span){text.data, 0};
    return (struct span){at + len, text.len - (size_t)(at + len - text.data)};
}

static void put_hash(struct buf *out, struct span code)
{
    uint8_t hash[EVP_MAX_MD_SIZE], base64[2 * EVP_MAX_MD_SIZE];
    unsigned len;
    if (EVP_Digest(code.data, code.len, hash, &len, EVP_sha256(), NULL) != 1)
        abort();
    int n = EVP_EncodeBlock(base64, hash, (int)len);
    buf_append(out, " 'sha256-", 9);
    buf_append(out, base64, (size_t)n);
    buf_append(out, "'", 1);
}

/* The hash of what stands in each element of this kind: that, and nothing else, may run. */
static void put_hashes(struct buf *out, const char *directive, struct span page, const char *open,
                       const char *close)
{
    buf_append(out, directive, strlen(directive));
    size_t before = out->len;
    for (struct span at = behind(page, open); at.len > 0; at = behind(at, open)) {
        struct span code = behind(at, ">"), rest = behind(code, close);
        if (rest.len == 0)
            break;
        code.len = (size_t)(rest.data - code.data) - strlen(close);
        put_hash(out, code);
        at = rest;
    }
    if (out->len == before)
        buf_append(out, " 'none'", 7);
}

static char *policy_of(const struct web_file *f)
{
    static const char BEGIN[] = "default-src 'none';",
                      END[] = "; img-src 'self' blob:; connect-src 'self'; base-uri 'none'; "
                              "form-action 'none'; frame-ancestors 'none'; "
                              "require-trusted-types-for 'script'; trusted-types 'none'";
    struct buf policy = {0};
    if (strncmp(f->type, "text/html", 9) != 0)
        return NULL;
    buf_append(&policy, BEGIN, strlen(BEGIN));
    put_hashes(&policy, " script-src", buf_span(&f->body), "<script", "</script>");
    put_hashes(&policy, "; style-src", buf_span(&f->body), "<style", "</style>");
    buf_append(&policy, END, sizeof END);
    return (char *)policy.data;
}

/* ---- both forms of a file -------------------------------------------------------------------- */

/* Each x.gz becomes the other form of x. */
static void join_gzip(struct web *w)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < w->count; i++) { /* x sorts before x.gz */
        struct web_file *f = &w->files[i], *plain = NULL;
        size_t len = strlen(f->name);
        if (len > 3 && strcmp(f->name + len - 3, ".gz") == 0)
            for (unsigned j = kept; j > 0 && !plain; j--)
                if (strncmp(w->files[j - 1].name, f->name, len - 3) == 0 &&
                    w->files[j - 1].name[len - 3] == '\0')
                    plain = &w->files[j - 1];
        if (plain) {
            plain->gzip = f->body;
            f->body = (struct buf){NULL, 0, 0};
            file_free(f);
        } else {
            tag_make(f);
            f->policy = policy_of(f);
            w->files[kept++] = *f;
        }
    }
    w->count = kept;
}

int web_load(const char *root, struct web **ret)
{
    int fd = open(root, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd < 0)
        return -errno;
    struct web *w = xcalloc(1, sizeof *w);
    int r = add_directory(w, fd, "", 0);
    if (r < 0) {
        web_destroy(w);
        return r;
    }
    if (w->count > 0)
        qsort(w->files, w->count, sizeof *w->files, by_name);
    join_gzip(w);
    *ret = w;
    return 0;
}

void web_destroy(struct web *w)
{
    if (!w)
        return;
    for (unsigned i = 0; i < w->count; i++)
        file_free(&w->files[i]);
    free(w->files);
    free(w);
}

const struct web_file *web_find(const struct web *w, struct span name)
{
    for (unsigned i = 0; i < w->count; i++)
        if (span_is(name, w->files[i].name))
            return &w->files[i];
    return NULL;
}

unsigned web_count(const struct web *w)
{
    return w->count;
}
