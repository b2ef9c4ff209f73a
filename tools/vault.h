#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A backup on the disk: a directory with NAME/data.mdb for each store, as the daemons have it, and
 * MANIFEST, which is written last and has each file's checksum (XXH3-128, as xxh128sum prints it).
 * A directory without MANIFEST is no backup. All functions return 0 or -errno. */

#define VAULT_STORES 3
extern const char *const vault_stores[VAULT_STORES]; /* catalogd stockd orderd */
#define VAULT_MANIFEST "MANIFEST"
#define VAULT_SUM_BYTES 33

/* A file that is written in order while its checksum is made. It must not be there before. */
struct vault_file {
	int fd;
	void *sum;
	uint64_t bytes;
};
int vault_file_open(struct vault_file *file, const char *path, unsigned mode);
int vault_file_write(struct vault_file *file, const void *at, size_t size);
int vault_file_close(struct vault_file *file, char ret_sum[VAULT_SUM_BYTES]); /* synced */
void vault_file_drop(struct vault_file *file);                                /* NULL-safe end */
int vault_write(const char *path, const char *text, unsigned mode);           /* a whole one */

/* The checksum of a file, which is copied to `to` on the way (NULL: only read). -EMEDIUMTYPE: it is no
 * plain file. */
int vault_sum(const char *path, const char *to, char ret_sum[VAULT_SUM_BYTES]);

int vault_sync(const char *path); /* a directory or a file */

/* "DIR/NAME/data.mdb" and the like into a fixed room. */
#define VAULT_PATH_BYTES 4096
int vault_path(char path[VAULT_PATH_BYTES], const char *dir, const char *name, const char *file);

int vault_write_manifest(const char *dir, char sums[VAULT_STORES][VAULT_SUM_BYTES], int64_t now_ms);
int vault_read_manifest(const char *dir, char ret_sums[VAULT_STORES][VAULT_SUM_BYTES]);

/* strerror, which has no words for what is no plain file. */
const char *vault_error(int error);

/* How many bytes the stores in `dir` take, and how many the file system of `to` has left. Where a file
 * of a store is not there or no plain one, `path` names it. */
int vault_size(const char *dir, uint64_t *ret_bytes, char path[VAULT_PATH_BYTES]);
int vault_room(const char *to, uint64_t *ret_bytes);
