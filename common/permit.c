#include "permit.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "text.h"

#define IDS_MAX 64         /* names in one setting */
#define GROUPS_MAX 1024    /* of a process: more are not looked at */
#define TOLD_MAX 64        /* users and operations kept apart in the log */
#define LOOKUP_BYTES 65536 /* for one entry of the user database */
#define NAME_BYTES 256

struct ids {
	id_t at[IDS_MAX];
	size_t count;
};

struct told {
	const char *operation; /* of the table of operations; NULL: free */
	uid_t uid;
	int64_t at_ms;
	uint64_t count; /* since then */
};

struct permit {
	uid_t own;
	bool everybody_orders;
	struct ids admin_users, admin_groups, order_users, order_groups;
	struct told told[TOLD_MAX];
};

struct permit *permit_new(void)
{
	return calloc(1, sizeof(struct permit));
}

void permit_free(struct permit *permit)
{
	free(permit);
}

/* --- names ---------------------------------------------------------------------------------- */

static bool user_find(const char *name, id_t *ret)
{
	static char room[LOOKUP_BYTES];
	struct passwd entry, *found = NULL;

	if (getpwnam_r(name, &entry, room, sizeof(room), &found) != 0 || !found)
		return false;
	*ret = entry.pw_uid;
	return true;
}

static bool group_find(const char *name, id_t *ret)
{
	static char room[LOOKUP_BYTES];
	struct group entry, *found = NULL;

	if (getgrnam_r(name, &entry, room, sizeof(room), &found) != 0 || !found)
		return false;
	*ret = entry.gr_gid;
	return true;
}

static void ids_read(struct ids *ids, const char *setting, const char *names,
	bool (*find)(const char *name, id_t *ret))
{
	const char *at = names ? names : "";

	ids->count = 0;
	while (*(at += strspn(at, ", "))) {
		int size = (int)strcspn(at, ", ");
		char name[NAME_BYTES];
		uint64_t number;

		snprintf(name, sizeof(name), "%.*s", size, at);
		at += size;
		if (ids->count == IDS_MAX)
			log_message(MESSAGE_NAME_UNKNOWN, NULL, "%s: only the first %d names count",
				setting, IDS_MAX);
		else if (text_to_u64(name, &number) && number < UINT32_MAX)
			ids->at[ids->count++] = (id_t)number;
		else if (find(name, &ids->at[ids->count]))
			ids->count++;
		else
			log_message(MESSAGE_NAME_UNKNOWN, NULL,
				"%s: nobody is called %s, so it is left out; correct the name,"
				" then reload",
				setting, name);
	}
}

void permit_read(struct permit *permit, const struct suite_settings *suite)
{
	permit->own = geteuid();
	permit->everybody_orders = (!suite->order_users || !*suite->order_users) &&
		(!suite->order_groups || !*suite->order_groups);
	ids_read(&permit->admin_users, "admin_users", suite->admin_users, user_find);
	ids_read(&permit->admin_groups, "admin_groups", suite->admin_groups, group_find);
	ids_read(&permit->order_users, "order_users", suite->order_users, user_find);
	ids_read(&permit->order_groups, "order_groups", suite->order_groups, group_find);
}

/* --- judging -------------------------------------------------------------------------------- */

static bool ids_have(const struct ids *ids, id_t id)
{
	for (size_t i = 0; i < ids->count; i++)
		if (ids->at[i] == id)
			return true;
	return false;
}

/* The descriptor may be another connection's by now: only one of the same process will do. */
static bool socket_is_of(const struct route *route)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return route->socket > 0 && route->pid > 0 &&
		getsockopt(route->socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
		peer.pid == route->pid && peer.uid == route->uid && peer.gid == route->gid;
}

static bool is_member(const struct ids *groups, const struct route *route)
{
	gid_t have[GROUPS_MAX];
	socklen_t size = sizeof(have);

	if (groups->count == 0)
		return false;
	if (ids_have(groups, route->gid))
		return true;
	if (!socket_is_of(route) ||
		getsockopt(route->socket, SOL_SOCKET, SO_PEERGROUPS, have, &size) < 0)
		return false;
	for (size_t i = 0; i < size / sizeof(have[0]); i++)
		if (ids_have(groups, have[i]))
			return true;
	return false;
}

bool permit_allows(const struct permit *permit, enum who who, const struct route *route)
{
	if (who == WHO_ANYBODY || (who == WHO_USER && permit->everybody_orders))
		return true;
	if (!route->known)
		return false;
	if (route->uid == 0 || route->uid == permit->own)
		return true;
	if (ids_have(&permit->admin_users, route->uid) || is_member(&permit->admin_groups, route))
		return true;
	return who == WHO_USER &&
		(ids_have(&permit->order_users, route->uid) ||
			is_member(&permit->order_groups, route));
}

/* --- telling -------------------------------------------------------------------------------- */

bool permit_tells(struct permit *permit, const struct route *route, const char *operation,
	int64_t monotonic_ms, uint64_t *ret_before)
{
	struct told *place = &permit->told[0];

	for (size_t i = 0; i < TOLD_MAX; i++) {
		struct told *told = &permit->told[i];

		if (told->operation == operation && told->uid == route->uid) {
			place = told;
			break;
		}
		if (told->at_ms < place->at_ms)
			place = told;
	}
	if (place->operation != operation || place->uid != route->uid)
		*place = (struct told){ .operation = operation, .uid = route->uid };
	else if (monotonic_ms - place->at_ms < PERMIT_LOG_MS) {
		place->count++;
		return false;
	}
	*ret_before = place->count;
	place->count = 0;
	place->at_ms = monotonic_ms;
	return true;
}
