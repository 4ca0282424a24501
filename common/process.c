/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

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

int process_thread(pthread_t *ret, void *(*run)(void *), void *data)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = -pthread_create(ret, NULL, run, data);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}
