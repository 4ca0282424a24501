/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

uint64_t process_random(void)
{
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits)
        abort();
    return bits;
}

struct id process_id(char kind)
{
    uint64_t bits = process_random();
    return id_from_bits(kind, REPLICA_CHARS - 1, (const uint8_t *)&bits);
}

static uint64_t read_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t process_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

uint64_t process_now_ms(void)
{
    static uint64_t offset_ms; /* wall clock - CLOCK_BOOTTIME */
    if (offset_ms == 0)
        offset_ms = read_ms(CLOCK_REALTIME) - read_ms(CLOCK_BOOTTIME);
    return read_ms(CLOCK_BOOTTIME) + offset_ms;
}

/* ---- what it has used ------------------------------------------------------------------------ */

static double started;

/* Before main. */
__attribute__((constructor)) static void note_start(void)
{
    started = (double)time(NULL);
}

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static double resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    if (fscanf(f, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_fds(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count > 3 ? count - 3 : 0; /* without ".", ".." and the directory itself */
}

static double max_fds(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    return (double)limit.rlim_cur;
}

void process_metrics(const char *program, struct buf *out)
{
    metric_head(out, "easel_build_info", "The program and its version.", "gauge");
    buf_print(out, "easel_build_info{program=\"%s\",version=\"%s\"} 1\n", program, EASEL_VERSION);
    metric_head(out, "process_cpu_seconds_total", "CPU time used, user and system.", "counter");
    buf_print(out, "process_cpu_seconds_total %.9g\n", cpu_seconds());
    GAUGE("process_resident_memory_bytes", "Resident memory.", resident_bytes());
    GAUGE("process_start_time_seconds", "When it started, since 1970.", started);
    GAUGE("process_open_fds", "Open file descriptors.", open_fds());
    GAUGE("process_max_fds", "The limit of these.", max_fds());
}

int process_thread(pthread_t *ret, void *(*run)(void *), void *data)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = -pthread_create(ret, NULL, run, data);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}
