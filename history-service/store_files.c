/* SPDX-License-Identifier: Apache-2.0 */
#include "store_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "limit_values.h"

static char *with_ending(const char *path, const char *ending)
{
    size_t size = strlen(path) + strlen(ending) + 1;
    char *text = xcalloc(1, size);
    snprintf(text, size, "%s%s", path, ending);
    return text;
}

void store_files_init(struct store_files *f, const char *path)
{
    *f = (struct store_files){.lock = -1,
                              .lock_path = with_ending(path, "-lock"),
                              .path = {[FILE_DATABASE] = with_ending(path, ""),
                                       [FILE_WAL] = with_ending(path, "-wal"),
                                       [FILE_SHM] = with_ending(path, "-shm")}};
}

void store_files_finish(struct store_files *f)
{
    if (f->lock >= 0)
        close(f->lock);
    for (unsigned i = 0; i < STORE_FILES; i++)
        free(f->path[i]);
    free(f->lock_path);
    *f = (struct store_files){.lock = -1};
}

/* ---- the lock -------------------------------------------------------------------------------- */

static bool is_at(const struct stat *about, const char *path)
{
    struct stat there;
    return stat(path, &there) == 0 && there.st_dev == about->st_dev &&
           there.st_ino == about->st_ino;
}

/* The descriptor is of the file that all others would lock now: it may have been removed. */
static bool lock_is_there(const struct store_files *f)
{
    struct stat ours;
    return fstat(f->lock, &ours) == 0 && is_at(&ours, f->lock_path);
}

/* 0, or -EWOULDBLOCK: another has it. */
static int try_lock(struct store_files *f)
{
    if (f->lock >= 0 && !lock_is_there(f)) {
        close(f->lock);
        f->lock = -1;
    }
    if (f->lock < 0)
        f->lock = open(f->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (f->lock < 0 || flock(f->lock, LOCK_EX | LOCK_NB) < 0)
        return errno == EINTR ? -EWOULDBLOCK : -errno;
    if (lock_is_there(f))
        return 0;
    store_files_unlock(f);
    return -EWOULDBLOCK;
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int store_files_lock(struct store_files *f)
{
    double until = seconds_now() + (double)STORE_LOCK_MS / 1000;
    int r;
    while ((r = try_lock(f)) == -EWOULDBLOCK) {
        if (seconds_now() >= until)
            return -ETIMEDOUT;
        nanosleep(&(struct timespec){.tv_nsec = STORE_LOCK_AGAIN_NS}, NULL);
    }
    return r;
}

void store_files_unlock(struct store_files *f)
{
    flock(f->lock, LOCK_UN);
}

/* ---- the files ------------------------------------------------------------------------------- */

int store_files_remember(struct store_files *f)
{
    for (unsigned i = 0; i < STORE_FILES; i++)
        if (stat(f->path[i], &f->known[i]) < 0)
            return -errno;
    return 0;
}

/* SQLite has them open: so none of their numbers can be given to another file meanwhile. */
const char *store_files_lost(const struct store_files *f)
{
    for (unsigned i = 0; i < STORE_FILES; i++)
        if (!is_at(&f->known[i], f->path[i]))
            return f->path[i];
    return NULL;
}
