#pragma once

#include "service.h"

/* A daemon's main: settings, log, locks, sockets, the loop around service_tick, readiness and
 * watchdog towards systemd, signals, one exit.
 *
 *     static const struct program stockd = { ... };
 *     int main(int argc, char **argv) { return daemon_main(&stockd, argc, argv); }
 *
 * Returns the exit status: 0 after SIGTERM or SIGINT, 1 after a failure that was logged, 2 after
 * wrong usage. */
int daemon_main(const struct program *program, int argc, char **argv);
