#pragma once

#include "service.h"

extern const struct program orderd_program;
extern const char *const orderd_tables[];
