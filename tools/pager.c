#include "pager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t pager;

/* NULL: none is wanted. */
static const char *pager_command(void)
{
	const char *command = getenv("ORDERCTL_PAGER");

	if (!command)
		command = getenv("PAGER");
	if (!command)
		command = "command -v less >/dev/null && exec less; exec cat";
	return *command && strcmp(command, "cat") != 0 ? command : NULL;
}

/* less keeps colours, scrolls sideways, ends by itself where one screen is enough, and, when root lends it to
 * somebody, starts no shell. */
static void pager_run(const char *command, int from)
{
	setenv("LESS", "FRSX", 0);
	setenv("LESSCHARSET", "utf-8", 0);
	if (getenv("SUDO_UID"))
		setenv("LESSSECURE", "1", 1);
	dup2(from, STDIN_FILENO);
	close(from);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

void pager_begin(void)
{
	const char *command = pager_command();
	int ends[2];

	if (pager || !command || !isatty(STDOUT_FILENO) || pipe(ends) < 0)
		return;
	fflush(stdout);
	pager = fork();
	if (pager == 0) {
		close(ends[1]);
		pager_run(command, ends[0]);
	}
	if (pager > 0)
		dup2(ends[1], STDOUT_FILENO);
	close(ends[0]);
	close(ends[1]);
}

void pager_end(void)
{
	if (pager <= 0)
		return;
	close(STDOUT_FILENO);
	waitpid(pager, NULL, 0);
	pager = 0;
}
