#include "settings.h"

const struct option_table stockd_options = { .section = "stockd" };
