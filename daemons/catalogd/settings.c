#include "settings.h"

const struct option_table catalogd_options = { .section = "catalogd" };
