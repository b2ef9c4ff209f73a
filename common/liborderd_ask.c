#include "liborderd_inside.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "client_socket.h"
#include "error.h"

#define ATTEMPT_FIRST_MS 500 /* then twice as long each time */
#define ATTEMPT_MAX_MS 8000
#define ABSENT_MS 100 /* between two looks for a daemon that is not there */
#define RETRY_AFTER_MAX_MS 10000

/* What to say of a failure that no daemon has told. */
static const struct failure {
	int result;
	const char *error;
	const char *message;
	bool at_socket; /* then it is told which, and why that one */
} failures[] = {
	{ -ETIMEDOUT, "no_answer",
		"orderd did not answer in time, so the outcome is not known; ask again", false },
	{ -ENOENT, "not_running", "there is no socket of orderd; is the service started?", true },
	{ -ECONNREFUSED, "not_running",
		"nobody answers behind the socket of orderd; is the service running?", true },
	{ -EACCES, "no_access",
		"the socket of orderd may not be used by this user; is a group missing?", true },
	{ -EBADMSG, "bad_answer",
		"the answer made no sense; do library and service have the same version?", false },
	{ -EMSGSIZE, "too_large", "the request is larger than orderd takes; make it smaller",
		false },
	{ -EINVAL, "bad_argument", "an argument of the call is none that can be sent", false },
	{ -ECHILD, "inherited",
		"a handle belongs to the process that opened it; open another after fork()",
		false },
	{ -EMFILE, "no_descriptor",
		"this process has no file descriptor left (ulimit -n), or a thousand connections;"
		" close some",
		false },
	{ -ENOMEM, "no_memory", "there is no memory left", false },
	{ 0, "system", "the system refused; the returned errno says why", false },
};

/* Where there is no memory, without the socket. */
static const char *failure_print(struct orderd_client *client, const struct failure *failure)
{
	const char *text = NULL;

	if (failure->at_socket)
		text = arena_print(client->arena, "%s (tried %s/%s: %s)", failure->message,
			client->runtime_dir, SOCKET_ORDERD, client->runtime_dir_from);
	return text ? text : failure->message;
}

int client_say(struct orderd_client *client, int result, const struct answer *answer)
{
	const struct failure *failure = failures;

	while (failure->result != 0 && failure->result != result)
		failure++;
	client->error = result < 0 ? failure->error : answer ? answer->error : "";
	client->message = result < 0 ? failure_print(client, failure)
		: answer             ? answer->message
				     : "";
	return result;
}

void client_sleep(int64_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

int64_t client_retry_after(const struct answer *answer)
{
	const struct value *value = value_find(answer->map, "retry_after_ms");
	int64_t wait_ms = ABSENT_MS;
	uint8_t chance = 0;

	if (value && value->type == VALUE_UINT && value->u64 > 0 && value->u64 < RETRY_AFTER_MAX_MS)
		wait_ms = (int64_t)value->u64;
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = 0;
	return wait_ms + wait_ms * chance / 512;
}

/* An answer to any of this call's requests will do: they ask for the same. */
static int ask_wait(struct orderd_client *client, struct ask *ask, int64_t until_ms,
	struct answer *ret_answer)
{
	uint64_t ref;
	int result;

	do {
		ref = client->calls;
		result = connection_take(client->connection, client->arena, deadline_left(until_ms),
			ask->reply_record, ask->reply, &ref, ret_answer);
	} while (ref != client->calls);
	if (result != -EAGAIN)
		ask->open--;
	return result;
}

static int ask_once(struct orderd_client *client, struct ask *ask, int64_t wait_ms,
	int64_t deadline_ms, struct answer *ret_answer)
{
	int64_t until_ms = deadline_in(wait_ms);
	int result = connection_send(client->connection, ask->operation, ask->request_record,
		ask->request, deadline_left(deadline_ms), client->calls);

	if (result < 0)
		return result;
	ask->sent++;
	ask->open++;
	return ask_wait(client, ask, until_ms < deadline_ms ? until_ms : deadline_ms, ret_answer);
}

/* How long to wait before asking again; -1: this is the outcome. */
static int64_t ask_pause(int result, const struct answer *answer)
{
	if (result == -EAGAIN)
		return 0;
	if (result == -ENOENT || result == -ECONNREFUSED)
		return ABSENT_MS;
	return result == outcome_code(OUTCOME_BUSY) ? client_retry_after(answer) : -1;
}

int client_ask(struct orderd_client *client, struct ask *ask, int64_t deadline_ms)
{
	int64_t wait_ms = ATTEMPT_FIRST_MS;
	struct answer answer = { .error = "", .message = "" };

	if (connection_is_inherited(client->connection))
		return client_say(client, -ECHILD, NULL);
	client->calls++;
	for (;;) {
		int result = ask_once(client, ask, wait_ms, deadline_ms, &answer);
		int64_t pause_ms = ask_pause(result, &answer);

		if (pause_ms >= 0 && deadline_left(deadline_ms) <= pause_ms) {
			result = ask->open > 0 ? -ETIMEDOUT : result;
			pause_ms = -1;
		}
		if (pause_ms < 0)
			return client_say(client, result, &answer);
		client_sleep(pause_ms);
		if (result == -EAGAIN && wait_ms < ATTEMPT_MAX_MS)
			wait_ms *= 2;
	}
}
