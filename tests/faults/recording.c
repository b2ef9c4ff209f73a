#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"

static const char *const names[STORES] = { "catalogd", "stockd", "orderd" };

static void give_up(const char *path, const char *why)
{
	fprintf(stderr, "%s: %s\n", path, why);
	exit(2);
}

static void *grow(void *list, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return list;
	*room = *room ? 2 * *room : 256;
	list = reallocarray(list, *room, size);
	if (!list)
		give_up("recording", "no memory");
	return list;
}

/* --- the log -------------------------------------------------------------------------------- */

/* What a path of the recorded suite is: NULL, or the rest behind ".../state/NAME"; for the directory
 * of all stores "". */
static const char *path_find(const char *path, struct recording *recording,
	struct cut_store **ret_store)
{
	const char *rest = strstr(path, "/state");

	*ret_store = NULL;
	if (!rest)
		return NULL;
	rest += strlen("/state");
	if (!*rest)
		return rest;
	for (size_t i = 0; i < STORES; i++) {
		size_t size = strlen(names[i]);

		if (strncmp(rest + 1, names[i], size) == 0 &&
			(!rest[1 + size] || strchr("./", rest[1 + size]))) {
			*ret_store = &recording->stores[i];
			return rest + 1 + size;
		}
	}
	return NULL;
}

static void write_take(struct cut_store *store, uint64_t at, const struct record_entry *entry,
	const uint8_t *data)
{
	store->writes = grow(store->writes, store->count, &store->room, sizeof(*store->writes));
	store->writes[store->count++] =
		(struct cut_write){ at, entry->offset, data, entry->size, NEVER };
}

static void sync_take(struct recording *recording, struct cut_store *store, const char *rest,
	uint64_t at)
{
	if (!store) {
		for (size_t i = 0; i < STORES; i++) {
			store = &recording->stores[i];
			if (store->renamed_at != NEVER && store->rename_durable_at == NEVER)
				store->rename_durable_at = at;
		}
		return;
	}
	if (!strchr(rest, '/') && store->entry_durable_at == NEVER)
		store->entry_durable_at = at;
	if (!strstr(rest, "/data.mdb") || recording->forget == FORGET_SYNC)
		return;
	for (size_t i = store->count; i-- > 0;)
		if (store->writes[i].durable_at == NEVER)
			store->writes[i].durable_at = at;
}

static void durable_take(struct recording *recording, uint64_t which, uint64_t at)
{
	for (size_t i = 0; i < STORES && recording->forget != FORGET_META; i++) {
		struct cut_store *store = &recording->stores[i];

		for (size_t k = store->count; k-- > 0 && store->writes[k].at >= which;)
			if (store->writes[k].at == which)
				store->writes[k].durable_at = at;
	}
}

/* True: it matters, and the power may go before and after it. */
static bool entry_take(struct recording *recording, const struct record_entry *entry, uint64_t at)
{
	const char *path = (const char *)(entry + 1);
	struct cut_store *store;
	const char *rest = path_find(path, recording, &store);

	if (entry->kind == RECORD_DURABLE) {
		durable_take(recording, entry->offset, at);
		return true;
	}
	if (!rest || (*rest && strstr(rest, ".lock")) || strstr(rest, "lock.mdb"))
		return false;
	switch (entry->kind) {
	case RECORD_WRITE:
		write_take(store, at, entry, (const uint8_t *)path + entry->path_size);
		break;
	case RECORD_SYNC:
		sync_take(recording, store, rest, at);
		break;
	case RECORD_MKDIR:
		if (store)
			store->made_at = at;
		break;
	case RECORD_RENAME:
		store->renamed_at = at;
		break;
	case RECORD_UNLINK: /* of what an earlier first start may have left: here was none */
		if (store->count == 0)
			return false;
		/* fall through */
	default:
		give_up(path, "a store's file is changed in a way that is not understood");
	}
	return true;
}

static void cut_add(struct recording *recording, uint64_t at, int64_t wall_ms)
{
	recording->cuts = grow(recording->cuts, recording->cut_count, &recording->cut_room,
		sizeof(*recording->cuts));
	recording->cuts[recording->cut_count++] = (struct cut){ at, wall_ms, false };
}

static bool store_is_pending(const struct cut_store *store, uint64_t at)
{
	if (store->made_at < at && store->rename_durable_at >= at)
		return true;
	for (size_t i = store->count; i-- > 0;) {
		if (store->writes[i].at < at && store->writes[i].durable_at >= at)
			return true;
		if (store->writes[i].at + (UINT64_C(1) << 22) < at)
			break; /* a commit is never that long */
	}
	return false;
}

static void log_read(struct recording *recording, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat info;
	const uint8_t *map;
	uint64_t at = sizeof(struct record_head);

	if (fd < 0 || fstat(fd, &info) < 0)
		give_up(path, strerror(errno));
	map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED || ((const struct record_head *)map)->magic != RECORD_MAGIC)
		give_up(path, "is no recording");
	while (at + sizeof(struct record_entry) <= (uint64_t)info.st_size) {
		const struct record_entry *entry = (const struct record_entry *)(map + at);

		if (entry->kind == RECORD_NONE || entry->whole_size == 0)
			break;
		if (entry_take(recording, entry, at))
			cut_add(recording, at + entry->whole_size, entry->wall_ms);
		at += entry->whole_size;
	}
	for (size_t i = 0; i < recording->cut_count; i++)
		for (size_t k = 0; k < STORES; k++)
			if (store_is_pending(&recording->stores[k], recording->cuts[i].at))
				recording->cuts[i].pending = true;
}

/* --- the history ---------------------------------------------------------------------------- */

static void lines_read(struct request *request, char *text)
{
	char *rest = text, *part;

	while ((part = strsep(&rest, ",")) && request->line_count < 8) {
		struct orderd_line *line = &request->lines[request->line_count++];

		if (sscanf(part, "%" SCNu64 ":%" SCNd64, &line->book_id, &line->quantity) != 2)
			give_up(text, "no lines of an order");
	}
}

static void fields_read(struct request *request, const char *what, const char *fields)
{
	char text[256] = "";
	bool good = false;

	if (strcmp(what, "create") == 0) {
		request->kind = REQUEST_CREATE;
		good = sscanf(fields, "%" SCNu64 " %255s %" SCNd64 " %" SCNu64 " %" SCNd64,
			       &request->user_id, text, &request->expires_in_ms, &request->order_id,
			       &request->total) == 5;
		lines_read(request, text);
	} else if (strcmp(what, "move") == 0) {
		request->kind = REQUEST_MOVE;
		good = sscanf(fields, "%" SCNu64 " %255s", &request->order_id, text) == 2;
		request->status = names_find(status_names, text, strlen(text));
	} else if (strcmp(what, "price") == 0) {
		request->kind = REQUEST_PRICE;
		good = sscanf(fields, "%" SCNu64 " %" SCNd64 " %" SCNu64, &request->book_id,
			       &request->price, &request->version) == 3;
	} else if (strcmp(what, "stock") == 0) {
		request->kind = REQUEST_STOCK;
		good = sscanf(fields, "%" SCNu64 " %31s", &request->book_id, request->key) == 2;
	}
	if (!good)
		give_up(fields, "no request of a history");
}

static void history_read(struct recording *recording, const char *path)
{
	FILE *in = fopen(path, "re");
	char line[512], what[16];
	int skip = 0;

	if (!in)
		give_up(path, strerror(errno));
	while (fgets(line, sizeof(line), in)) {
		struct request request = { 0 };

		if (sscanf(line, "%15s %" SCNu64 " %" SCNu64 " %d %n", what, &request.sent,
			    &request.answered, &request.code, &skip) != 4)
			give_up(line, "no line of a history");
		if (strcmp(what, "end") == 0)
			continue;
		if (request.answered == 0)
			request.answered = NEVER;
		fields_read(&request, what, line + skip);
		recording->requests = grow(recording->requests, recording->request_count,
			&recording->request_room, sizeof(request));
		recording->requests[recording->request_count++] = request;
	}
	fclose(in);
}

void recording_read(struct recording *ret, const char *dir, enum forget forget)
{
	char path[4096];

	*ret = (struct recording){ .forget = forget };
	for (size_t i = 0; i < STORES; i++)
		ret->stores[i] = (struct cut_store){ .name = names[i],
			.made_at = NEVER,
			.entry_durable_at = NEVER,
			.renamed_at = NEVER,
			.rename_durable_at = NEVER };
	snprintf(path, sizeof(path), "%s/log", dir);
	log_read(ret, path);
	snprintf(path, sizeof(path), "%s/history", dir);
	history_read(ret, path);
}
