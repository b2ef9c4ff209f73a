#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "orderctl.h"

/* An instance is to be there as long as its socket is, and where systemd was told to start it: one
 * that systemd has given up has no socket any more, and is missed all the same. */

#define CATALOG "catalogd"
#define UNITS_WANTED "/etc/systemd/system/sockets.target.wants"

static bool is_known(const struct ctl *ctl, const char *name, size_t size)
{
	for (size_t i = 0; i < ctl->instance_count; i++)
		if (strncmp(ctl->instances[i], name, size) == 0 && !ctl->instances[i][size])
			return true;
	return false;
}

/* Takes the name of such a file without its ending. */
static void file_take(struct ctl *ctl, const char *file, const char *ending)
{
	size_t size = instance_in(file, CATALOG, ending);
	char *name;

	if (size <= strlen(CATALOG) || is_known(ctl, file, size) ||
		ctl->instance_count == INSTANCES_MAX)
		return;
	name = strndup(file, size);
	if (name)
		ctl->instances[ctl->instance_count++] = name;
}

static void directory_look(struct ctl *ctl, const char *path, const char *ending)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, versionsort);

	for (int i = 0; i < count; i++) {
		file_take(ctl, entries[i]->d_name, ending);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

size_t ctl_members(struct ctl *ctl)
{
	directory_look(ctl, ctl->runtime_dir, ".sock");
	if (strcmp(ctl->runtime_dir, RUNTIME_DIR) == 0)
		directory_look(ctl, UNITS_WANTED, ".socket");
	return NEIGHBOURS + ctl->instance_count;
}
