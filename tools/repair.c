#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "orderctl.h"
#include "output.h"
#include "vault.h"

#define FOUND_MAX 1000 /* told one by one; all are counted */

/* fsck --repair: each daemon looks through its own store and says what it finds. */

struct told {
	const char *store, *table, *key, *what;
	bool mended;
};
static const struct field told_fields[] = {
	{ "store", FIELD_TEXT, 0, AT(told, store) },
	{ "table", FIELD_TEXT, 0, AT(told, table) },
	{ "key", FIELD_TEXT, 0, AT(told, key) },
	{ "what", FIELD_TEXT, 0, AT(told, what) },
	{ "mended", FIELD_BOOL, 0, AT(told, mended) },
};
static const struct record told_record = RECORD(told, told_fields);

struct mending {
	struct ctl *ctl;
	bool written;
	uint64_t mended, left;
	struct told *found;
	size_t told;
};
static const struct field mending_fields[] = {
	{ "written", FIELD_BOOL, 0, AT(mending, written) },
	{ "mended_count", FIELD_U64, 0, AT(mending, mended) },
	{ "left_count", FIELD_U64, 0, AT(mending, left) },
	{ "found", FIELD_LIST, 0, AT(mending, found), .of = &told_record, COUNT_AT(mending, told) },
};
static const struct record mending_record = RECORD(mending, mending_fields);

static void add(struct mending *mending, const struct told *told)
{
	*(told->mended ? &mending->mended : &mending->left) += 1;
	if (mending->told < FOUND_MAX)
		mending->found[mending->told++] = *told;
}

/* A line as common/repair_store.h says. */
static void take(struct mending *mending, const char *store, const char *line)
{
	char *rest = arena_text(mending->ctl->arena, line, strcspn(line, "\n"));
	struct told told = { .store = store };
	const char *mended;

	told.table = strsep(&rest, "\t");
	told.key = strsep(&rest, "\t");
	told.what = strsep(&rest, "\t");
	mended = strsep(&rest, "\t");
	if (!mended)
		return;
	told.mended = *mended == '1';
	add(mending, &told);
}

static int spawn(const char *daemon, const char *state_dir, bool write, int out, pid_t *ret)
{
	const char *words[] = { daemon, "--repair", "--state-dir", state_dir, NULL, NULL };
	posix_spawn_file_actions_t actions;
	int error;

	if (write) {
		words[2] = "--write";
		words[3] = "--state-dir";
		words[4] = state_dir;
	}
	error = posix_spawn_file_actions_init(&actions);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!error)
		error = posix_spawnp(ret, daemon, &actions, NULL, (char *const *)words, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* What a daemon told that did not come to its end is not written: nothing is mended of it. */
static void take_back(struct mending *mending, size_t told_before, uint64_t mended_before)
{
	for (size_t i = told_before; i < mending->told; i++)
		mending->found[i].mended = false;
	mending->left += mending->mended - mended_before;
	mending->mended = mended_before;
}

/* LMDB trusts the links inside of its pages, and follows a wrong one to anywhere. */
static bool is_crash(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT || signal == SIGFPE ||
		signal == SIGILL;
}

static void tell_end(const char *daemon, int status)
{
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (!signal)
		fprintf(stderr,
			"orderctl: %s could not look through its store, see above.\n"
			"Where it says Input/output error, pages of the store are damaged, and no"
			" repair can read them:\nrestore a backup (orderctl restore).\n",
			daemon);
	else if (!is_crash(signal))
		fprintf(stderr,
			"orderctl: %s was ended by signal %d (%s) while it read its store.\n",
			daemon, signal, strsignal(signal));
	else
		fprintf(stderr,
			"orderctl: %s was ended by signal %d (%s) while it read its store: its"
			" pages are damaged,\nand no repair can read them; restore a backup"
			" (orderctl restore).\n",
			daemon, signal, strsignal(signal));
}

/* Its lines until it ends, which it does by itself. */
static int daemon_hear(struct mending *mending, const char *daemon, int in, pid_t pid)
{
	size_t told_before = mending->told;
	uint64_t mended_before = mending->mended;
	FILE *lines = fdopen(in, "r");
	char *line = NULL;
	size_t room = 0;
	int status = 0;

	while (lines && getline(&line, &room, lines) > 0)
		take(mending, daemon, line);
	free(line);
	if (lines)
		fclose(lines);
	else
		close(in);
	if (waitpid(pid, &status, 0) == pid && status == 0)
		return STATUS_DONE;
	take_back(mending, told_before, mended_before);
	add(mending,
		&(struct told){ .store = daemon,
			.table = "",
			.key = "",
			.what = "not looked through to its end" });
	tell_end(daemon, status);
	return STATUS_REFUSED;
}

static int daemon_ask(struct mending *mending, const char *daemon)
{
	int pipes[2], error = pipe(pipes) < 0 ? errno : 0;
	pid_t pid;

	if (!error) {
		error = spawn(daemon, ctl_state_dir(mending->ctl), mending->written, pipes[1],
			&pid);
		close(pipes[1]);
		if (!error)
			return daemon_hear(mending, daemon, pipes[0], pid);
		close(pipes[0]);
	}
	fprintf(stderr, "orderctl: cannot run %s: %s\nIt has to be in $PATH.\n", daemon,
		strerror(error));
	return STATUS_REFUSED;
}

int repair_run(struct ctl *ctl)
{
	struct mending mending = { .ctl = ctl, .written = ctl_option(ctl, "write") };
	int locks[CTL_LOCKS], status, unread = STATUS_DONE;

	mending.found = arena_take(ctl->arena, FOUND_MAX * sizeof(*mending.found));
	if (!mending.found)
		return STATUS_REFUSED;
	status = ctl_lock_stores(ctl_state_dir(ctl), locks);
	if (status)
		return status;
	ctl_unlock_stores(locks); /* the daemons that are asked take them */
	for (size_t i = 0; i < VAULT_STORES; i++) {
		status = daemon_ask(&mending, vault_stores[i]);
		unread = unread ? unread : status;
	}
	output_record(&mending_record, &mending);
	return unread || mending.left > 0 || (mending.mended > 0 && !mending.written)
		? STATUS_REFUSED
		: STATUS_DONE;
}
