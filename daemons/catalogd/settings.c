#include "operations.h"
#include "text.h"

static const struct option_row option_rows[] = {
	{ "instance", OPTION_TEXT, offsetof(struct catalogd_settings, instance), "", 0,
		INSTANCE_MAX_BYTES,
		"serve read-only beside the owner of the store, under this name", false },
};

const struct option_table catalogd_options = {
	.section = "catalogd",
	.rows = option_rows,
	.count = sizeof(option_rows) / sizeof(option_rows[0]),
};
