/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of an SQLite database: whose turn it is to write, and whether they are still those that
 * were opened.
 *
 * The lock. SQLite before 3.51.3 can lose committed pages when two connections commit and
 * checkpoint one write-ahead log at nearly the same time (Debian 12 has 3.40.1). So whoever may do
 * either, in whichever process or thread, holds the advisory lock PATH-lock meanwhile. It is a file
 * of its own, since closing any descriptor of the database itself would drop SQLite's locks on it.
 *
 * The files. A database that was removed goes on working for who has it open: all is acked, and
 * gone at the next start. And SQLite's locks are in PATH-shm, its newest commits in PATH-wal: with
 * another file in the place of one of those, two processes no longer see each other.
 */
#ifndef EASEL_STORE_FILES_H
#define EASEL_STORE_FILES_H

#include <stdbool.h>
#include <sys/stat.h>

enum store_file { FILE_DATABASE, FILE_WAL, FILE_SHM, STORE_FILES };

struct store_files {
    char *path[STORE_FILES], *lock_path;
    int lock; /* a descriptor of its own, so stores of one process exclude each other; -1: none */
    struct stat known[STORE_FILES];
};

/* `path`: of the database. Nothing is touched. */
void store_files_init(struct store_files *f, const char *path);
void store_files_finish(struct store_files *f);

/* 0, -ETIMEDOUT after STORE_LOCK_MS, or why the lock's file cannot be used. */
int store_files_lock(struct store_files *f);
void store_files_unlock(struct store_files *f);

/* Notes which files these are, after the database was opened. Negative errno. */
int store_files_remember(struct store_files *f);
/* The path of the first that is not what was opened, or is not there; NULL: all are. */
const char *store_files_lost(const struct store_files *f);

#endif
