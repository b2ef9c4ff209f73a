#pragma once

#include "service.h"

extern const struct program orderd_program;
