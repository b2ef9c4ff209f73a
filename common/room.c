#include <errno.h>

#include "service_inside.h"
#include "store.h"

#define KEPT_SHARE 16 /* of the store: paying, cancelling and deleting need pages, too */
#define KEPT_MIN_BYTES (2 * 1024 * 1024)
#define DISK_KEPT_MAX_BYTES (8 * 1024 * 1024) /* on the disk, for the same */
#define TELL_MS 10000 /* between two lines: at the brink it changes with every order */

/* False: the disk has no room for what brings work to its end. Asked again when half is used up. */
static bool disk_keep(struct service *service, const struct db_usage *usage, int64_t kept_bytes)
{
	int64_t bytes = kept_bytes < DISK_KEPT_MAX_BYTES ? kept_bytes : DISK_KEPT_MAX_BYTES;

	if (service->reserved_bytes >= usage->end_bytes + bytes / 2)
		return true;
	if (store_reserve(service->store_dir, usage->end_bytes + bytes) == -ENOSPC)
		return false;
	service->reserved_bytes = usage->end_bytes + bytes;
	return true;
}

static void tell(struct service *service)
{
	int64_t now_ms = service->tick.monotonic_ms;
	bool full = service->full;

	if (full == service->full_told || now_ms < service->full_tell_at_ms)
		return;
	if (full)
		log_message(MESSAGE_STORE_FULL, NULL, "%s", service->full);
	else
		log_message(MESSAGE_STORE_HAS_ROOM, NULL, "new work is taken again");
	service->full_told = full;
	service->full_tell_at_ms = now_ms + TELL_MS;
}

int64_t service_room(const struct service *service, const struct db_usage *usage)
{
	int64_t room = usage->size_max_bytes - usage->used_bytes;
	int64_t disk = store_disk_room(service->store_dir);

	if (disk < 0)
		return room;
	disk += service->reserved_bytes > usage->end_bytes ? service->reserved_bytes
							   : usage->end_bytes;
	disk -= usage->used_bytes;
	return disk < room ? disk : room;
}

void service_check_room(struct service *service)
{
	struct db_usage usage;
	int64_t kept_bytes;

	service->room_checked_ms = service->tick.monotonic_ms;
	if (db_usage(service->db, &usage) < 0)
		return;
	kept_bytes = usage.size_max_bytes / KEPT_SHARE;
	if (kept_bytes < KEPT_MIN_BYTES)
		kept_bytes = KEPT_MIN_BYTES;
	if (kept_bytes > usage.size_max_bytes / 4)
		kept_bytes = usage.size_max_bytes / 4;
	service->full = NULL;
	if (usage.used_bytes > usage.size_max_bytes - kept_bytes)
		service->full = "the store has come to store_size_max: new work is refused";
	else if (!disk_keep(service, &usage, kept_bytes))
		service->full = "the disk of the store is full: new work is refused";
	tell(service);
}
