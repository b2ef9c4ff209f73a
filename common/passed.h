#pragma once

/* Listening sockets that the service manager holds and passes on (sd_listen_fds(3)): whoever
 * connects while the daemon is down waits there, and its first client starts it. */

/* The passed socket that is bound to `path`, each one once, or -1. It is the manager's file: to
 * be neither unlinked nor changed. */
int passed_take(const char *path);

/* 0, or -EINVAL after logging what to do when a socket was passed that nobody has taken: those who
 * connect to it would wait for ever. */
int passed_check(void);
