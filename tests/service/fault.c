/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults that no program can be asked for, by LD_PRELOAD. A file in FAULT_DIR makes one, named
 * after the process: PID.spin: its loop turns no more, and uses a core; PID.block: nor does it, and
 * uses nothing; PID.deaf: its loop turns, but nobody is let in any more; PID.full: its disk is
 * full; PID.slow: each write to its disk takes a tenth of a second; PID.alone: it can start no
 * process.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static bool has(const char *fault)
{
    const char *dir = getenv("FAULT_DIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/%d.%s", dir ? dir : "", (int)getpid(), fault);
    return access(path, F_OK) == 0;
}

static void hang_if_told(void)
{
    if (gettid() != getpid())
        return;
    while (has("spin"))
        ;
    while (has("block"))
        pause();
}

int epoll_wait(int fd, struct epoll_event *events, int count, int timeout)
{
    static int (*real)(int, struct epoll_event *, int, int);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
    hang_if_told();
    return real(fd, events, count, timeout);
}

int epoll_pwait(int fd, struct epoll_event *events, int count, int timeout, const sigset_t *mask)
{
    static int (*real)(int, struct epoll_event *, int, int, const sigset_t *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "epoll_pwait");
    hang_if_told();
    return real(fd, events, count, timeout, mask);
}

int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    static int (*real)(int, struct sockaddr *, socklen_t *, int);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "accept4");
    if (has("deaf")) {
        errno = EAGAIN;
        return -1;
    }
    return real(fd, address, len, flags);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
    if (has("slow"))
        usleep(100000);
    if (has("full")) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, bytes, count, at);
}

pid_t fork(void)
{
    static pid_t (*real)(void);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fork");
    if (has("alone")) {
        errno = EAGAIN;
        return -1;
    }
    return real();
}

/* What 64-bit programs call by either name. */
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    return pwrite64(fd, bytes, count, at);
}
