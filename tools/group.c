#include "group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
	struct group group; /* first, so that a group is its entry */
	size_t last;
	UT_hash_handle hh;
};

struct groups {
	struct entry *by_key;
	struct entry **all;
	size_t count, room;
	size_t *next; /* of each row */
};

struct groups *groups_new(size_t row_count)
{
	struct groups *groups = calloc(1, sizeof(*groups));

	if (!groups)
		return NULL;
	groups->next = malloc((row_count + 1) * sizeof(*groups->next));
	if (groups->next)
		return groups;
	free(groups);
	return NULL;
}

void groups_free(struct groups *groups)
{
	if (!groups)
		return;
	HASH_CLEAR(hh, groups->by_key);
	for (size_t i = 0; i < groups->count; i++)
		free(groups->all[i]);
	free(groups->all);
	free(groups->next);
	free(groups);
}

static int all_reserve(struct groups *groups)
{
	size_t room = groups->room ? 2 * groups->room : 256;
	struct entry **all;

	if (groups->count < groups->room)
		return 0;
	all = realloc(groups->all, room * sizeof(struct entry *));
	if (!all)
		return -ENOMEM;
	groups->all = all;
	groups->room = room;
	return 0;
}

static int entry_new(struct groups *groups, const char *key, size_t row)
{
	struct entry *entry = all_reserve(groups) ? NULL : calloc(1, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	entry->group = (struct group){ key, groups->count, row, 1 };
	entry->last = row;
	HASH_ADD_KEYPTR(hh, groups->by_key, key, strlen(key), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return -ENOMEM;
	}
	groups->all[groups->count++] = entry;
	return 0;
}

int groups_add(struct groups *groups, const char *key, size_t row)
{
	struct entry *entry;

	groups->next[row] = GROUP_END;
	HASH_FIND_STR(groups->by_key, key, entry);
	if (!entry)
		return entry_new(groups, key, row);
	groups->next[entry->last] = row;
	entry->last = row;
	entry->group.count++;
	return 0;
}

size_t groups_count(const struct groups *groups)
{
	return groups->count;
}

const struct group *groups_at(const struct groups *groups, size_t index)
{
	return &groups->all[index]->group;
}

size_t groups_next(const struct groups *groups, size_t row)
{
	return groups->next[row];
}
