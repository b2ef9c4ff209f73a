#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "failpoint.h"
#include "log.h"
#include "repair_store.h"
#include "settings.h"
#include "store.h"
#include "streams.h"
#include "transport.h"
#include "watchdog.h"

#define TICK_LONG_MS 20 /* a tick that worked longer makes the next one take in less */
#define CLIENTS_MIN 8
#define CLIENTS_FULL 16 /* requests taken into a tick that has no room for new work */
#define FULL_WAIT_MS 2  /* between such ticks */
#define EXIT_USAGE 2
#define STOP_WAIT_MS 1000 /* for calls in hand to be answered after SIGTERM */
#define STOP_QUIET_MS 20  /* without input: whoever still asks has been told to come again */

struct loop {
	const struct program *program;
	void *settings;
	int lock_fd;
	struct transport *transport;
	struct service *service;
	sd_event *event;
	sd_event_source *more;  /* runs a tick when input is left that no descriptor announces */
	sd_event_source *timer; /* runs a tick when the service wants one */
	size_t clients_max;     /* requests taken into the next tick */
	int64_t input_at_ms;    /* monotonic: when something last arrived */
	struct watchdog watchdog;
	bool stopping;
	int64_t stop_at_ms;
};

/* --- one tick of the loop ------------------------------------------------------------------- */

static int timer_arm(struct loop *loop, int64_t wait_ms)
{
	int result;

	if (loop->stopping && (wait_ms < 0 || wait_ms > STOP_QUIET_MS))
		wait_ms = STOP_QUIET_MS;
	wait_ms = watchdog_wait(&loop->watchdog, wait_ms, clock_monotonic_ms());
	if (wait_ms < 0)
		return sd_event_source_set_enabled(loop->timer, SD_EVENT_OFF);
	result = sd_event_source_set_time_relative(loop->timer, (uint64_t)wait_ms * 1000);
	if (result < 0)
		return result;
	return sd_event_source_set_enabled(loop->timer, SD_EVENT_ONESHOT);
}

/* Costly requests are taken in smaller lots, so that no tick holds up the others for long. */
static void intake_adapt(struct loop *loop, int64_t took_ms, size_t count)
{
	if (took_ms > TICK_LONG_MS && count > CLIENTS_MIN)
		loop->clients_max =
			loop->clients_max / 2 > CLIENTS_MIN ? loop->clients_max / 2 : CLIENTS_MIN;
	else if (took_ms <= TICK_LONG_MS / 2)
		loop->clients_max = 2 * loop->clients_max < TRANSPORT_CLIENTS_MAX
			? 2 * loop->clients_max
			: TRANSPORT_CLIENTS_MAX;
}

/* What libzmq has read for a daemon that is gone is lost, and its client waits until it is tired. So
 * what still arrives while stopping is taken and told to come again, until nothing does. */
static bool is_stopped(const struct loop *loop, int64_t now_ms)
{
	if (!loop->stopping)
		return false;
	return now_ms >= loop->stop_at_ms ||
		(service_counts(loop->service).parked == 0 &&
			now_ms - loop->input_at_ms >= STOP_QUIET_MS);
}

/* Copies of all stores begin: until then nothing may come in or go out. */
static void hold_wait(const struct loop *loop)
{
	int64_t left_ms = service_held_until(loop->service) - clock_monotonic_ms();

	if (left_ms > 0 && left_ms <= TICK_HOLD_MAX_MS)
		nanosleep(&(struct timespec){ left_ms / 1000, left_ms % 1000 * 1000000L }, NULL);
}

/* What there is no room for waits where it is: it costs more to read it and refuse it than it gains
 * anybody. A few are read, for among them may be what brings work to its end. */
static size_t intake(const struct loop *loop)
{
	size_t room = service_counts(loop->service).room;

	if (room < CLIENTS_FULL)
		room = CLIENTS_FULL;
	return room < loop->clients_max ? room : loop->clients_max;
}

static int loop_tick(struct loop *loop)
{
	const struct event *events;
	size_t count = transport_take(loop->transport, intake(loop), &events);
	int64_t now_ms = clock_monotonic_ms();
	int64_t cpu_ms = count >= CLIENTS_MIN ? clock_cpu_ms() : 0;
	int64_t wait_ms = -1;
	bool more;
	int result;

	if (count > 0)
		FAILPOINT("take");
	result = service_tick(loop->service, events, count, clock_wall_ms(), now_ms, &wait_ms);
	FAILPOINT("tick", "done");
	transport_release(loop->transport);
	hold_wait(loop);
	if (count >= CLIENTS_MIN)
		intake_adapt(loop, clock_cpu_ms() - cpu_ms, count);
	if (result < 0) {
		log_message(MESSAGE_TICK_FAILED, NULL,
			"the tick failed and nothing of it was kept: %s", strerror(-result));
		return sd_event_exit(loop->event, result);
	}
	if (count > 0)
		loop->input_at_ms = now_ms;
	if (is_stopped(loop, now_ms))
		return sd_event_exit(loop->event, 0);
	more = transport_has_more(loop->transport);
	watchdog_feed(&loop->watchdog, count, more, clock_monotonic_ms());
	if (more && service_counts(loop->service).room == 0) {
		more = false;
		wait_ms = wait_ms < 0 || wait_ms > FULL_WAIT_MS ? FULL_WAIT_MS : wait_ms;
	}
	result = timer_arm(loop, wait_ms);
	if (result < 0)
		return result;
	return sd_event_source_set_enabled(loop->more, more ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int on_input(sd_event_source *source, int fd, uint32_t revents, void *argument)
{
	(void)source, (void)fd, (void)revents;
	return loop_tick(argument);
}

static int on_more(sd_event_source *source, void *argument)
{
	(void)source;
	return loop_tick(argument);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *argument)
{
	(void)source, (void)usec;
	return loop_tick(argument);
}

/* --- signals -------------------------------------------------------------------------------- */

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *argument)
{
	struct loop *loop = argument;
	int result;

	(void)source, (void)info;
	if (loop->stopping)
		return sd_event_exit(loop->event, 0);
	FAILPOINT("stop", "asked");
	sd_notify(false, "STOPPING=1\nSTATUS=answering what is in hand");
	result = loop_tick(loop);
	service_stop(loop->service);
	loop->stopping = true;
	loop->stop_at_ms = clock_monotonic_ms() + STOP_WAIT_MS;
	return result < 0 ? result : loop_tick(loop);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *argument)
{
	struct loop *loop = argument;
	const struct suite_settings *suite = loop->settings;
	char fixed[512] = "";

	(void)source, (void)info;
	FAILPOINT("reload", "asked");
	sd_notify(false, "RELOADING=1");
	if (settings_reload(loop->settings, fixed, sizeof(fixed)) < 0)
		log_message(MESSAGE_NOT_RELOADED, NULL,
			"the configuration was not reloaded; the old one stays");
	else if (fixed[0])
		log_message(MESSAGE_RELOADED_PARTLY, NULL,
			"reloaded, but a restart is needed for: %s", fixed);
	else
		log_message(MESSAGE_RELOADED, NULL, "the configuration was reloaded");
	log_set_level(suite->log_level);
	service_reload(loop->service);
	FAILPOINT("reload", "done");
	sd_notify(false, "READY=1");
	return 0;
}

/* Each connection is a descriptor, and libzmq aborts where there is none left. */
static void descriptors_allow(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Before any thread exists, so that only the loop's descriptor sees them. */
static int signals_block(void)
{
	sigset_t signals;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	return sigprocmask(SIG_BLOCK, &signals, NULL) < 0 ? -errno : 0;
}

/* --- set-up --------------------------------------------------------------------------------- */

static int directory_make(const char *path, mode_t mode)
{
	struct stat there;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno == EEXIST && stat(path, &there) == 0) {
		if (S_ISDIR(there.st_mode))
			return 0;
		errno = ENOTDIR;
	}
	log_message(MESSAGE_NO_DIRECTORY, NULL,
		"cannot make the directory %s: %s; make it, or name another in the configuration",
		path, strerror(errno));
	return -errno;
}

/* Stores of different times must not meet. */
static int mark_check(const char *state_dir)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/" STORE_MARK, state_dir);
	if (access(path, F_OK) < 0)
		return 0;
	log_message(MESSAGE_HALF_RESTORED, NULL,
		"%s is there: a restore or compact did not come to its end; run it again", path);
	return -EUCLEAN;
}

/* Binding a socket silently takes it from whoever had it: the lock makes sure nobody has. Where
 * somebody has removed it, the store's own lock does, for it is opened before. */
static int lock_take(struct loop *loop, const char *runtime_dir)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.lock", runtime_dir, loop->program->name);
	loop->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (loop->lock_fd >= 0 && flock(loop->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		log_message(MESSAGE_RUNS_ALREADY, NULL,
			"another %s runs in %s; stop it first, or use another --runtime-dir",
			loop->program->name, runtime_dir);
	else
		log_message(MESSAGE_NO_LOCK, NULL, "cannot lock %s: %s", path, strerror(errno));
	return errno ? -errno : -EBUSY;
}

static int events_add(struct loop *loop)
{
	int fds[1 + PEERS_MAX];
	size_t count = transport_fds(loop->transport, fds);
	int result = sd_event_default(&loop->event);

	for (size_t i = 0; result >= 0 && i < count; i++)
		result = sd_event_add_io(loop->event, NULL, fds[i], EPOLLIN, on_input, loop);
	if (result >= 0)
		result = sd_event_add_defer(loop->event, &loop->more, on_more, loop);
	/* Else it came before every signal, as what has waited longest, for as long as it is on. */
	if (result >= 0)
		result = sd_event_source_set_priority(loop->more, SD_EVENT_PRIORITY_IDLE);
	if (result >= 0)
		result = sd_event_add_time_relative(loop->event, &loop->timer, CLOCK_MONOTONIC, 0,
			1000, on_timer, loop);
	if (result >= 0)
		result = sd_event_add_signal(loop->event, NULL, SIGTERM, on_stop, loop);
	if (result >= 0)
		result = sd_event_add_signal(loop->event, NULL, SIGINT, on_stop, loop);
	if (result >= 0)
		result = sd_event_add_signal(loop->event, NULL, SIGHUP, on_reload, loop);
	watchdog_open(&loop->watchdog, clock_monotonic_ms());
	return result;
}

static void explain(const struct loop *loop, const char *what, int result)
{
	const struct suite_settings *suite = loop->settings;

	if (result == -EBUSY)
		log_message(MESSAGE_CANNOT_SERVE, NULL, "%s in %s is in use by another process",
			what, suite->state_dir);
	else if (result == -ENAMETOOLONG)
		log_message(MESSAGE_CANNOT_SERVE, NULL,
			"%s: the path of a socket in %s is too long for a local socket", what,
			suite->runtime_dir);
	else
		log_message(MESSAGE_CANNOT_SERVE, NULL,
			"%s: %s (runtime directory %s, state directory %s)", what,
			strerror(-result), suite->runtime_dir, suite->state_dir);
}

static int loop_open(struct loop *loop)
{
	const struct suite_settings *suite = loop->settings;
	struct bus bus;
	int result = directory_make(suite->runtime_dir, 0755);

	if (result == 0)
		result = directory_make(suite->state_dir, 0750);
	if (result == 0)
		result = mark_check(suite->state_dir);
	if (result == 0)
		result = lock_take(loop, suite->runtime_dir);
	if (result < 0)
		return result;
	result = transport_open(&loop->transport, loop->program, suite->runtime_dir);
	if (result < 0) {
		explain(loop, "the sockets", result);
		return result;
	}
	bus = transport_bus(loop->transport);
	result = service_open(&loop->service, loop->program, loop->settings, &bus, clock_wall_ms(),
		clock_monotonic_ms());
	if (result < 0) {
		explain(loop, "the store", result);
		return result;
	}
	result = transport_bind(loop->transport, loop->program, suite->runtime_dir);
	if (result < 0) {
		explain(loop, "the sockets", result);
		return result;
	}
	FAILPOINT("start", "bound");
	result = events_add(loop);
	if (result < 0)
		explain(loop, "the event loop", result);
	return result;
}

static void loop_close(struct loop *loop)
{
	FAILPOINT("stop", "quiet");
	transport_close(loop->transport); /* first: what it still reads is lost */
	FAILPOINT("stop", "deaf");
	service_close(loop->service);
	sd_event_source_unref(loop->more);
	sd_event_source_unref(loop->timer);
	sd_event_unref(loop->event);
	if (loop->lock_fd >= 0)
		close(loop->lock_fd);
}

static int settings_read(struct loop *loop, int argc, char **argv)
{
	const struct program *program = loop->program;
	const struct option_table *tables[] = { &suite_options, program->options };
	const struct suite_settings *suite;
	int result;

	loop->settings = calloc(1, program->settings_size);
	if (!loop->settings)
		return -ENOMEM;
	suite = loop->settings;
	result = settings_load(argc, argv, program->name, program->summary, tables,
		program->options ? 2 : 1, loop->settings);
	if (result < 0)
		log_message(MESSAGE_WRONG_SETTINGS, NULL, "with these settings %s does not start",
			program->name);
	if (result == 0)
		result = log_set_level(suite->log_level);
	if (result == 0 && program->choose) {
		loop->program = program->choose(loop->settings);
		result = loop->program ? 0 : -EINVAL;
	}
	return result;
}

static int serve(struct loop *loop)
{
	const struct suite_settings *suite = loop->settings;
	int result = loop_open(loop);

	if (result < 0)
		return result;
	FAILPOINT("start", "ready");
	sd_notifyf(false, "READY=1\nSTATUS=serving in %s", suite->runtime_dir);
	log_message(MESSAGE_STARTED, NULL, "%s " PACKAGE_VERSION " serves in %s, store in %s",
		loop->program->name, suite->runtime_dir, suite->state_dir);
	result = sd_event_loop(loop->event);
	log_message(MESSAGE_STOPPED, NULL, "%s stops", loop->program->name);
	return result;
}

/* Whether that is the next word, which is then dropped. */
static bool word_take(int *argc, char **argv, const char *word)
{
	if (*argc < 2 || strcmp(argv[1], word) != 0)
		return false;
	memmove(argv + 1, argv + 2, (size_t)(*argc - 1) * sizeof(*argv));
	--*argc;
	return true;
}

static int repair(const struct loop *loop, bool write)
{
	int result = -ENOTSUP;

	if (loop->program->repair)
		result = repair_store(loop->program->repair, loop->settings, write);
	if (result < 0)
		explain(loop, "the store", result);
	return result;
}

int daemon_main(const struct program *program, int argc, char **argv)
{
	struct loop loop = {
		.program = program,
		.lock_fd = -1,
		.clients_max = TRANSPORT_CLIENTS_MAX,
	};
	bool mends = word_take(&argc, argv, "--repair");
	bool writes = mends && word_take(&argc, argv, "--write");
	int status = EXIT_USAGE;

	streams_keep();
	streams_check_at_exit(program->name); /* also where argp prints the help and exits */
	log_open(program->name);
	if (failpoints_open(program->name))
		log_message(MESSAGE_FAILPOINTS, NULL, "failpoints are on, by ORDERD_FAILPOINTS");
	if (signals_block() < 0)
		return EXIT_FAILURE;
	descriptors_allow();
	if (settings_read(&loop, argc, argv) >= 0)
		status = (mends ? repair(&loop, writes) : serve(&loop)) < 0 ? EXIT_FAILURE
									    : EXIT_SUCCESS;
	loop_close(&loop);
	free(loop.settings);
	return status;
}
