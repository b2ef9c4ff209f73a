#include "settings.h"

const struct option_table reaperd_options = { .section = "reaperd" };
