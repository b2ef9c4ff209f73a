#include "instance.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

#define PREFIX "catalogd@"

const struct program *instance_program(const struct program *owner,
	const struct operation *operations, const char *name)
{
	static char full_name[sizeof(PREFIX) + INSTANCE_MAX_BYTES];
	static char socket[sizeof(full_name) + sizeof(".sock")];
	static struct program program;

	if (!text_is_instance(name, strlen(name))) {
		log_message(MESSAGE_CANNOT_SERVE, NULL,
			"%s: an instance is named by letters, digits, _ and -", name);
		return NULL;
	}
	snprintf(full_name, sizeof(full_name), PREFIX "%s", name);
	snprintf(socket, sizeof(socket), "%s.sock", full_name);
	program = *owner;
	program.name = full_name;
	program.socket = socket;
	program.store = NULL;
	program.tables = NULL;
	program.watches = owner->store;
	program.watched_tables = owner->tables;
	program.operations = operations;
	return &program;
}
