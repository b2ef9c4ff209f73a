#include "vault.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <xxhash.h>

#include "clock.h"

#define CHUNK_BYTES (1024 * 1024)

const char *const vault_stores[VAULT_STORES] = { "catalogd", "stockd", "orderd" };

int vault_path(char path[VAULT_PATH_BYTES], const char *dir, const char *name, const char *file)
{
	int size = snprintf(path, VAULT_PATH_BYTES, "%s/%s%s", dir, name, file);

	return size < 0 || size >= VAULT_PATH_BYTES ? -ENAMETOOLONG : 0;
}

int vault_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int error = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return error;
}

const char *vault_error(int error)
{
	return error == -EMEDIUMTYPE ? "it is not a plain file" : strerror(-error);
}

/* To read. Opening a pipe would wait for somebody to write there. */
static int plain_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat info;
	int error;

	if (fd < 0)
		return -errno;
	error = fstat(fd, &info) < 0 ? -errno : S_ISREG(info.st_mode) ? 0 : -EMEDIUMTYPE;
	if (!error)
		return fd;
	close(fd);
	return error;
}

/* --- one file ----------------------------------------------------------------------------------- */

int vault_file_open(struct vault_file *file, const char *path, unsigned mode)
{
	*file = (struct vault_file){ .fd = -1, .sum = XXH3_createState() };
	if (!file->sum)
		return -ENOMEM;
	XXH3_128bits_reset(file->sum);
	file->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (file->fd >= 0 && fchmod(file->fd, mode) == 0)
		return 0;
	int error = -errno;
	vault_file_drop(file);
	return error;
}

int vault_file_write(struct vault_file *file, const void *at, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t written = write(file->fd, (const char *)at + done, size - done);

		if (written < 0 && errno != EINTR)
			return -errno;
		done += written > 0 ? (size_t)written : 0;
	}
	XXH3_128bits_update(file->sum, at, size);
	file->bytes += size;
	return 0;
}

void vault_file_drop(struct vault_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->sum)
		XXH3_freeState(file->sum);
	file->fd = -1;
	file->sum = NULL;
}

static void sum_print(const XXH3_state_t *sum, char ret_sum[VAULT_SUM_BYTES])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(sum));
	for (size_t i = 0; i < sizeof(canonical.digest); i++)
		snprintf(ret_sum + 2 * i, 3, "%02x", canonical.digest[i]);
}

int vault_file_close(struct vault_file *file, char ret_sum[VAULT_SUM_BYTES])
{
	int error = fsync(file->fd) < 0 ? -errno : 0;

	sum_print(file->sum, ret_sum);
	vault_file_drop(file);
	return error;
}

static int file_copy(int from, struct vault_file *to, XXH3_state_t *sum)
{
	char *room = malloc(CHUNK_BYTES);
	ssize_t size = 0;
	int error = room ? 0 : -ENOMEM;

	while (!error && (size = read(from, room, CHUNK_BYTES)) != 0) {
		if (size < 0) {
			error = errno == EINTR ? 0 : -errno;
			continue;
		}
		XXH3_128bits_update(sum, room, (size_t)size);
		if (to)
			error = vault_file_write(to, room, (size_t)size);
	}
	free(room);
	return error;
}

int vault_sum(const char *path, const char *to, char ret_sum[VAULT_SUM_BYTES])
{
	int fd = plain_open(path);
	XXH3_state_t *sum = XXH3_createState();
	struct vault_file copy = { .fd = -1 };
	char written[VAULT_SUM_BYTES];
	int error = fd < 0 ? fd : sum ? 0 : -ENOMEM;

	if (!error && to)
		error = vault_file_open(&copy, to, 0640);
	if (!error) {
		XXH3_128bits_reset(sum);
		error = file_copy(fd, to ? &copy : NULL, sum);
	}
	if (!error && to)
		error = vault_file_close(&copy, written);
	if (!error)
		sum_print(sum, ret_sum);
	vault_file_drop(&copy);
	XXH3_freeState(sum);
	if (fd >= 0)
		close(fd);
	return error;
}

/* --- the manifest ------------------------------------------------------------------------------- */

int vault_write(const char *path, const char *text, unsigned mode)
{
	char sum[VAULT_SUM_BYTES];
	struct vault_file file;
	int error = vault_file_open(&file, path, mode);

	if (error)
		return error;
	error = vault_file_write(&file, text, strlen(text));
	if (!error)
		return vault_file_close(&file, sum);
	vault_file_drop(&file);
	return error;
}

int vault_write_manifest(const char *dir, char sums[VAULT_STORES][VAULT_SUM_BYTES], int64_t now_ms)
{
	char path[VAULT_PATH_BYTES], text[1024], when[32];
	int size = snprintf(text, sizeof(text), "# orderd backup 1\n# made %s by %s\n",
		clock_print_utc(when, now_ms), PACKAGE_VERSION);

	for (size_t i = 0; i < VAULT_STORES; i++)
		size += snprintf(text + size, sizeof(text) - (size_t)size, "%s  %s/data.mdb\n",
			sums[i], vault_stores[i]);
	int error = vault_path(path, dir, VAULT_MANIFEST, "");
	if (!error)
		error = vault_write(path, text, 0600);
	return error ? error : vault_sync(dir);
}

/* A comment, or one store's checksum, which is put in its place. */
static int manifest_line(const char *line, char ret_sums[VAULT_STORES][VAULT_SUM_BYTES])
{
	char sum[VAULT_SUM_BYTES], name[64], again[256];

	if (line[0] == '#')
		return 0;
	if (sscanf(line, "%32[0-9a-f]  %63[a-z]/data.mdb", sum, name) != 2)
		return -EBADMSG;
	snprintf(again, sizeof(again), "%s  %s/data.mdb\n", sum, name);
	if (strcmp(line, again) != 0)
		return -EBADMSG;
	for (size_t i = 0; i < VAULT_STORES; i++) {
		if (strcmp(name, vault_stores[i]) != 0 || ret_sums[i][0])
			continue;
		memcpy(ret_sums[i], sum, sizeof(sum));
		return 0;
	}
	return -EBADMSG;
}

int vault_read_manifest(const char *dir, char ret_sums[VAULT_STORES][VAULT_SUM_BYTES])
{
	char path[VAULT_PATH_BYTES], line[256];
	int error = vault_path(path, dir, VAULT_MANIFEST, "");
	int fd = error ? error : plain_open(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (fd < 0)
		return fd;
	if (!file) {
		error = -errno;
		close(fd);
		return error;
	}
	memset(ret_sums, 0, VAULT_STORES * VAULT_SUM_BYTES);
	if (!fgets(line, sizeof(line), file) || strcmp(line, "# orderd backup 1\n") != 0)
		error = -EBADMSG;
	while (!error && fgets(line, sizeof(line), file))
		error = manifest_line(line, ret_sums);
	for (size_t i = 0; i < VAULT_STORES && !error; i++)
		error = ret_sums[i][0] ? 0 : -EBADMSG;
	fclose(file);
	return error;
}

/* --- room --------------------------------------------------------------------------------------- */

int vault_size(const char *dir, uint64_t *ret_bytes, char path[VAULT_PATH_BYTES])
{
	struct stat info;
	uint64_t bytes = 0;

	for (size_t i = 0; i < VAULT_STORES; i++) {
		int error = vault_path(path, dir, vault_stores[i], "/data.mdb");
		if (error)
			return error;
		if (stat(path, &info) < 0)
			return -errno;
		if (!S_ISREG(info.st_mode))
			return -EMEDIUMTYPE;
		bytes += (uint64_t)info.st_size;
	}
	*ret_bytes = bytes;
	return 0;
}

int vault_room(const char *to, uint64_t *ret_bytes)
{
	struct statvfs info;

	if (statvfs(to, &info) < 0)
		return -errno;
	*ret_bytes = (uint64_t)info.f_bavail * info.f_frsize;
	return 0;
}
