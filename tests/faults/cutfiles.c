#include "cutfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/dice.h"

#define SECTOR 512
#define PATH_BYTES 512

/* A store's file: all of the writes that come before the first one that may be lost. */
struct image {
	uint8_t *bytes;
	size_t size, room;
	size_t applied; /* writes */
};

struct cut_files {
	const struct recording *recording;
	char dir[256];
	struct image images[STORES];
	uint64_t what; /* of this state, all that was left to chance */
};

enum fate { FATE_KEPT, FATE_DROPPED, FATE_WHOLE, FATE_TORN };

static void give_up(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	exit(2);
}

struct cut_files *cut_files_new(const struct recording *recording, const char *dir)
{
	struct cut_files *files = calloc(1, sizeof(*files));

	if (!files)
		return NULL;
	files->recording = recording;
	snprintf(files->dir, sizeof(files->dir), "%s", dir);
	return files;
}

/* Two states of one cut are the same if the same came to be in the same order. */
static bool came(struct cut_files *files, uint64_t what, bool there)
{
	if (there)
		files->what = (files->what ^ (what + 1)) * UINT64_C(0x100000001b3);
	return there;
}

static void path_print(char path[PATH_BYTES], const struct cut_files *files, size_t store,
	const char *rest)
{
	snprintf(path, PATH_BYTES, "%s/%s%s", files->dir, files->recording->stores[store].name,
		rest);
}

static void store_remove(const struct cut_files *files, size_t store)
{
	static const char *const rests[] = { "/data.mdb", "/lock.mdb", "/owner.lock", "",
		".new/data.mdb", ".new/lock.mdb", ".new/owner.lock", ".new" };
	char path[PATH_BYTES];

	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
		path_print(path, files, store, rests[i]);
		if (remove(path) < 0 && errno != ENOENT && errno != ENOTDIR)
			give_up(path);
	}
}

void cut_files_free(struct cut_files *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < STORES; i++) {
		store_remove(files, i);
		free(files->images[i].bytes);
	}
	rmdir(files->dir);
	free(files);
}

/* --- images --------------------------------------------------------------------------------- */

static void image_write(struct image *image, uint64_t offset, const uint8_t *data, uint64_t size)
{
	if (offset + size > image->room) {
		image->room = 2 * (offset + size);
		image->bytes = realloc(image->bytes, image->room);
		if (!image->bytes)
			give_up("an image");
	}
	if (offset + size > image->size) {
		memset(image->bytes + image->size, 0, offset + size - image->size);
		image->size = offset + size;
	}
	memcpy(image->bytes + offset, data, size);
}

/* Up to the first write that may be lost at the cut. */
static void image_advance(struct image *image, const struct cut_store *store, uint64_t at)
{
	for (; image->applied < store->count; image->applied++) {
		const struct cut_write *write = &store->writes[image->applied];

		if (write->at >= at || write->durable_at >= at)
			return;
		image_write(image, write->offset, write->data, write->size);
	}
}

/* --- what is on the disk -------------------------------------------------------------------- */

static void piece_write(int fd, const struct cut_write *write, uint64_t from, uint64_t size)
{
	if (pwrite(fd, write->data + from, size, (off_t)(write->offset + from)) != (ssize_t)size)
		give_up("a piece");
}

static void write_torn(struct cut_files *files, int fd, const struct cut_write *write,
	struct dice *dice)
{
	for (uint64_t at = 0; at < write->size;) {
		uint64_t end = (write->offset + at) / SECTOR * SECTOR + SECTOR - write->offset;

		end = end < write->size ? end : write->size;
		if (came(files, write->at + at, dice_hit(dice, 50)))
			piece_write(fd, write, at, end - at);
		at = end;
	}
}

static void data_write(struct cut_files *files, const struct image *image,
	const struct cut_store *store, uint64_t at, enum fate fate, struct dice *dice, int fd)
{
	if (image->size > 0 && pwrite(fd, image->bytes, image->size, 0) != (ssize_t)image->size)
		give_up("an image");
	for (size_t i = image->applied; i < store->count && store->writes[i].at < at; i++) {
		const struct cut_write *write = &store->writes[i];

		if (write->durable_at < at)
			piece_write(fd, write, 0, write->size);
		else if (fate == FATE_TORN)
			write_torn(files, fd, write, dice);
		else if (came(files, write->at,
				 fate == FATE_KEPT || (fate == FATE_WHOLE && dice_hit(dice, 50))))
			piece_write(fd, write, 0, write->size);
	}
}

/* What is left of the lock's file after a cut is anything; it is not synced at all. */
static void garbage_write(const char *path, struct dice *dice)
{
	uint64_t garbage[1024];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	for (size_t i = 0; i < 1024; i++)
		garbage[i] = dice_next(dice);
	if (fd < 0 || write(fd, garbage, sizeof(garbage)) != sizeof(garbage))
		give_up(path);
	close(fd);
}

static void store_make(struct cut_files *files, size_t which, const struct cut *cut, enum fate fate,
	struct dice *dice)
{
	const struct cut_store *store = &files->recording->stores[which];
	bool durable = store->rename_durable_at < cut->at;
	bool kept = fate == FATE_KEPT || (fate != FATE_DROPPED && dice_hit(dice, 50));
	bool renamed = store->renamed_at < cut->at && (durable || kept);
	bool there = durable || kept || (fate != FATE_DROPPED && dice_hit(dice, 50));
	char path[PATH_BYTES];
	int fd;

	image_advance(&files->images[which], store, cut->at);
	store_remove(files, which);
	if (store->made_at >= cut->at || !came(files, which, there))
		return;
	came(files, STORES + which, renamed);
	path_print(path, files, which, renamed ? "" : ".new");
	if (mkdir(path, 0700) < 0)
		give_up(path);
	if (store->entry_durable_at >= cut->at &&
		came(files, 2 * STORES + which, dice_hit(dice, 30)))
		return; /* the directory is on the disk, what is in it is not */
	path_print(path, files, which, renamed ? "/data.mdb" : ".new/data.mdb");
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		give_up(path);
	data_write(files, &files->images[which], store, cut->at, fate, dice, fd);
	close(fd);
	path_print(path, files, which, renamed ? "/lock.mdb" : ".new/lock.mdb");
	if (dice_hit(dice, 12))
		garbage_write(path, dice);
}

uint64_t cut_files_make(struct cut_files *files, const struct cut *cut, uint64_t variant)
{
	struct dice dice = dice_of(cut->at, variant);
	enum fate fate =
		variant < 2 ? (enum fate)variant : FATE_WHOLE + (unsigned)dice_roll(&dice, 2);
	bool apart = variant >= 2 && dice_hit(&dice, 40);

	files->what = 0;
	for (size_t i = 0; i < STORES; i++)
		store_make(files, i, cut, apart ? (enum fate)dice_roll(&dice, 4) : fate, &dice);
	return files->what;
}
