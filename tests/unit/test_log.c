#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "log.h"
#include "scratch.h"

#define SKIPPED 77

static struct scratch scratch;
static int fd;
static int saved;

static int setup(void **state)
{
	(void)state;
	scratch = scratch_make();
	fd = scratch_open(&scratch, "stderr");
	unsetenv("JOURNAL_STREAM");
	log_open("stockd");
	return log_set_level("info");
}

static int teardown(void **state)
{
	(void)state;
	close(fd);
	scratch_remove(&scratch);
	return 0;
}

static void begin(void)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	lseek(fd, 0, SEEK_SET);
	saved = stream_swap(STDERR_FILENO, fd);
}

static void end(void)
{
	stream_restore(STDERR_FILENO, saved);
	said_read(fd);
}

__attribute__((format(printf, 1, 2))) static void assert_lines(const char *format, ...)
{
	char expected[8192];
	va_list list;

	va_start(list, format);
	vsnprintf(expected, sizeof(expected), format, list);
	va_end(list);
	assert_string_equal(said, expected);
}

static void a_line_names_program_process_and_level(void **state)
{
	int pid = (int)getpid();

	(void)state;
	begin();
	log_line(LOG_LEVEL_ERROR, NULL, "%s is %d", "this", 1);
	log_line(LOG_LEVEL_WARNING, NULL, "that");
	log_info("100 %%");
	end();
	assert_lines("stockd[%d]: error: this is 1\nstockd[%d]: warning: that\n"
		     "stockd[%d]: info: 100 %%\n",
		pid, pid, pid);
}

static void a_line_tells_what_it_is_about_as_far_as_that_is_known(void **state)
{
	struct log_about one = { .order_id = 17 };
	struct log_about last = { .operation = "order.get" };
	struct log_about all = {
		.order_id = UINT64_MAX,
		.user_id = 2,
		.book_id = 3,
		.saga_step = "RESERVING",
		.operation = "order.create",
	};
	struct log_about none = { 0 };
	int pid = (int)getpid();

	(void)state;
	begin();
	log_line(LOG_LEVEL_INFO, &one, "a");
	log_line(LOG_LEVEL_INFO, &last, "b");
	log_line(LOG_LEVEL_INFO, &all, "c");
	log_line(LOG_LEVEL_INFO, &none, "d");
	end();
	assert_lines("stockd[%d]: info: a (order 17)\n"
		     "stockd[%d]: info: b (operation order.get)\n"
		     "stockd[%d]: info: c (order 18446744073709551615, user 2, book 3, "
		     "step RESERVING, operation order.create)\n"
		     "stockd[%d]: info: d\n",
		pid, pid, pid, pid);
}

static void what_is_above_the_level_is_not_said(void **state)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		size_t lines = 0;
		assert_true(log_has_level(names[i]));
		assert_int_equal(log_set_level(names[i]), 0);
		begin();
		log_line(LOG_LEVEL_ERROR, NULL, "x");
		log_line(LOG_LEVEL_WARNING, NULL, "x");
		log_info("x");
		log_debug("x");
		end();
		for (const char *at = said; (at = strchr(at, '\n')); at++)
			lines++;
		assert_int_equal(lines, i + 1);
	}
}

static void a_level_that_is_none_changes_nothing(void **state)
{
	(void)state;
	assert_false(log_has_level("Error"));
	assert_false(log_has_level(""));
	assert_int_equal(log_set_level("loud"), -EINVAL);
	begin();
	log_debug("not said");
	log_info("said");
	end();
	assert_lines("stockd[%d]: info: said\n", (int)getpid());
}

static void a_line_stays_one_clean_line_whatever_is_in_it(void **state)
{
	struct log_about about = { .operation = "a\nb" };
	int pid = (int)getpid();

	(void)state;
	begin();
	log_line(LOG_LEVEL_INFO, &about, "one\ntwo\r\033[31m\177");
	log_info("Grüße, 你好");
	log_info("bad \xff\xc3 ü");
	log_info("c1 \xc2\x9b"
		 "31m");
	end();
	assert_lines("stockd[%d]: info: one?two??[31m? (operation a?b)\n"
		     "stockd[%d]: info: Grüße, 你好\n"
		     "stockd[%d]: info: bad ?? ??\n"
		     "stockd[%d]: info: c1 ??31m\n",
		pid, pid, pid, pid);
}

static void a_long_line_is_cut_between_characters(void **state)
{
	char text[9000] = "";
	struct log_about about = { .operation = text };

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		memset(text, 'x', shift);
		text[shift] = '\0';
		for (int i = 0; i < 2000; i++)
			strcat(text, "语");
		begin();
		log_info("%s", text);
		log_line(LOG_LEVEL_INFO, &about, "%s", text);
		end();
		assert_in_range(strlen(said), 4000, 6000);
		assert_null(strchr(said, '?'));
		assert_int_equal(said[strlen(said) - 1], '\n');
		assert_ptr_not_equal(strchr(said, '\n'), strrchr(said, '\n'));
	}
}

static void logging_leaves_errno_alone_and_can_print_it(void **state)
{
	(void)state;
	begin();
	errno = ENOSPC;
	log_line(LOG_LEVEL_ERROR, NULL, "cannot write: %m");
	end();
	assert_lines("stockd[%d]: error: cannot write: No space left on device\n", (int)getpid());
	int no_writing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	saved = stream_swap(STDERR_FILENO, no_writing);
	errno = ENOSPC;
	log_line(LOG_LEVEL_ERROR, NULL, "cannot be written");
	int kept = errno;
	stream_restore(STDERR_FILENO, saved);
	close(no_writing);
	assert_int_equal(kept, ENOSPC);
}

static void another_streams_journal_is_not_ours(void **state)
{
	static const char *const streams[] = { "1:2", "", "x", "18446744073709551616:1" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		setenv("JOURNAL_STREAM", streams[i], 1);
		begin();
		log_open("orderd");
		log_info("here");
		end();
		assert_lines("orderd[%d]: info: here\n", (int)getpid());
	}
}

/* --- the journal ---------------------------------------------------------------------------- */

static void journal_stream_set(void)
{
	struct stat info;
	char name[64];

	if (fstat(STDERR_FILENO, &info) < 0)
		_exit(1);
	snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino);
	setenv("JOURNAL_STREAM", name, 1);
}

static void file_write(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);

	if (write(file, text, strlen(text)) < 0)
		_exit(SKIPPED);
	close(file);
}

/* Mounts that nobody else sees, also for an ordinary user: as root of a namespace of its own. */
static void mounts_unshare(void)
{
	char uids[32], gids[32];

	snprintf(uids, sizeof(uids), "0 %u 1", geteuid());
	snprintf(gids, sizeof(gids), "0 %u 1", getegid());
	if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) < 0)
		_exit(SKIPPED);
	if (geteuid() != 0) {
		file_write("/proc/self/setgroups", "deny");
		file_write("/proc/self/uid_map", uids);
		file_write("/proc/self/gid_map", gids);
	}
}

/* A journal of the process's own: a socket where libsystemd looks for it. */
static int journal_make(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	mounts_unshare();
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", "/run", "tmpfs", 0, NULL) < 0)
		_exit(SKIPPED);
	strcpy(address.sun_path, "/run/systemd/journal/socket");
	int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (mkdir("/run/systemd", 0755) < 0 || mkdir("/run/systemd/journal", 0755) < 0 ||
		bind(socket_fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		_exit(SKIPPED);
	return socket_fd;
}

static void journal_child(bool with_socket)
{
	static const struct log_about about = {
		.order_id = 17,
		.book_id = 3,
		.saga_step = "RESERVING",
		.operation = "order\ncreate",
		.peer = "stockd",
		.error = "denied",
		.uid = "1000",
	};
	char entry[8192];

	alarm(30);
	int socket_fd = journal_make();
	if (!with_socket)
		unlink("/run/systemd/journal/socket");
	dup2(fd, STDERR_FILENO);
	journal_stream_set();
	log_open("stockd");
	log_message(MESSAGE_DENIED, &about, "one\ntwo");
	ssize_t size = recv(socket_fd, entry, sizeof(entry), MSG_DONTWAIT);
	ssize_t written = pwrite(fd, entry, size > 0 ? (size_t)size : 0, lseek(fd, 0, SEEK_END));
	_exit(written < 0);
}

static bool journal_run(bool with_socket)
{
	int status = 0;

	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		journal_child(with_socket);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED) {
		print_message("# not tried: this system lets nobody mount\n");
		return false;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	said_read(fd);
	return true;
}

static void the_journal_gets_fields_and_stderr_nothing(void **state)
{
	(void)state;
	if (!journal_run(true))
		return;
	assert_said("MESSAGE=one?two\n");
	assert_said("PRIORITY=4\n");
	assert_said("SYSLOG_IDENTIFIER=stockd\n");
	assert_said("ORDERD_ORDER_ID=17\n");
	assert_said("ORDERD_BOOK_ID=3\n");
	assert_said("ORDERD_PEER=stockd\n");
	assert_said("ORDERD_ERROR=denied\n");
	assert_said("ORDERD_PEER_UID=1000\n");
	assert_said("MESSAGE_ID=");
	assert_said(message_rows[MESSAGE_DENIED].id);
	assert_said("ORDERD_SAGA_STEP=RESERVING\n");
	assert_said("ORDERD_OPERATION=order?create\n");
	assert_null(strstr(said, "ORDERD_USER_ID"));
	assert_null(strstr(said, "stockd["));
}

static void without_the_journals_socket_lines_still_go_to_stderr(void **state)
{
	(void)state;
	if (!journal_run(false))
		return;
	assert_said("]: warning: one?two (order 17, book 3, step RESERVING, ");
}

static void every_message_has_an_id_of_its_own_and_says_what_to_do(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGE_COUNT; i++) {
		assert_non_null(message_rows[i].id);
		assert_int_equal(strlen(message_rows[i].id), 32);
		assert_int_equal(strspn(message_rows[i].id, "0123456789abcdef"), 32);
		assert_in_range(strlen(message_texts[i].subject), 10, 79);
		assert_in_range(strlen(message_texts[i].help), 40, 1000);
		for (int other = 0; other < i; other++)
			assert_string_not_equal(message_rows[i].id, message_rows[other].id);
	}
}

static void a_message_goes_out_at_its_own_level(void **state)
{
	(void)state;
	begin();
	log_message(MESSAGE_DENIED, NULL, "a %d", 1);
	log_message(MESSAGE_STARTED, NULL, "b");
	log_set_level("error");
	log_message(MESSAGE_DENIED, NULL, "not said");
	log_message(MESSAGE_TICK_FAILED, NULL, "c");
	log_set_level("info");
	end();
	assert_lines("stockd[%d]: warning: a 1\nstockd[%d]: info: b\nstockd[%d]: error: c\n",
		(int)getpid(), (int)getpid(), (int)getpid());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_line_names_program_process_and_level),
		TEST(a_line_tells_what_it_is_about_as_far_as_that_is_known),
		TEST(what_is_above_the_level_is_not_said),
		TEST(a_level_that_is_none_changes_nothing),
		TEST(a_line_stays_one_clean_line_whatever_is_in_it),
		TEST(a_long_line_is_cut_between_characters),
		TEST(logging_leaves_errno_alone_and_can_print_it),
		TEST(another_streams_journal_is_not_ours),
		TEST(every_message_has_an_id_of_its_own_and_says_what_to_do),
		TEST(a_message_goes_out_at_its_own_level),
		TEST(the_journal_gets_fields_and_stderr_nothing),
		TEST(without_the_journals_socket_lines_still_go_to_stderr),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
