#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A file in the state directory while stores are being exchanged, as a restore does. Where it was
 * left behind the stores may be a mixture, and no daemon starts. */
#define STORE_MARK "exchanging"

/* The files of a store: one directory with data.mdb, lock.mdb and owner.lock. Who may open it, and
 * how a new one comes to be. All return 0 or -errno. */

/* Whether the data file is there. */
int store_find(const char *dir, bool *ret_there);

/* Whether `fd` is open on the data file of the store in `dir`. */
bool store_has(const char *dir, int fd);

/* Root only: what it makes at `path` for a store, as a repair does, belongs to whom `dir` belongs. */
int store_give(const char *dir, const char *path);

/* An empty lock.mdb in `dir`, so that the store can be read before its owner has opened it. */
int store_make_lock(const char *dir);

/* Becomes the owner until *ret_fd is closed. -EBUSY: there is one. */
int store_lock(const char *dir, int *ret_fd);

/* -EROFS, -EACCES: lock.mdb cannot be opened for writing; -ENOENT. */
int store_probe(const char *dir);

/* First start: makes `dir`.new, whatever an earlier attempt left there, lets fill(path,
 * argument) put data.mdb and lock.mdb into it, syncs, renames it to `dir`; store_settle is to
 * follow. The owner's lock is taken beside and moves along, so of two first starts one wins. A
 * power cut at any point leaves no `dir` or a whole one. -EBUSY: another start was first;
 * -ENOTEMPTY: `dir` holds something that is no store; fill's own. */
int store_create(const char *dir, int (*fill)(const char *path, const void *argument),
	const void *argument, int *ret_fd);

/* At every start of an owner, since an earlier one may have died half-way: the name of `dir` made
 * durable, and modes of 0640 for the data, 0660 for lock.mdb, whatever the umask: watchers run as
 * other users of the same group, and a reader writes its place into lock.mdb. */
int store_settle(const char *dir);

/* What the disk of the store has left, or -errno. */
int64_t store_disk_room(const char *dir);

/* Sees to it that the disk has room for the store's data up to so many bytes, and keeps it for the
 * store. 0, also where the file system cannot do that; -ENOSPC; another -errno. */
int store_reserve(const char *dir, int64_t bytes);
