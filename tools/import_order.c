#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "import.h"
#include "invoice.h"
#include "refusal.h"

/* Orders under way, as many as orderd takes from one client. Each goes under its own idempotency
 * key, so whatever got no answer in its time is simply sent again: it makes no second order. */

#define WINDOW 256
#define ANSWER_MS 3000 /* then it is sent again */
#define AWAY_MS 100    /* between two tries while orderd is not there */
#define PASSES_MS 50   /* between two looks at what is due */
#define HELD_MS 500    /* the same while a daemon behind orderd is away */

struct flight {
	size_t invoice;
	int64_t due_ms; /* monotonic: when to send it, again where it was sent before */
};

struct pipeline {
	struct import *import;
	const struct invoices *invoices;
	struct connection *connection;
	struct flight flights[WINDOW];
	size_t in_flight;
	size_t next; /* invoice to take off */
	size_t done;
	int64_t now_ms;
	int64_t moved_ms;  /* the last order or refusal */
	int64_t looked_ms; /* at what is due */
	/* orderd says that it cannot reach somebody. Every try is a saga that has to be undone, so
	 * there is one at a time until one succeeds. */
	bool held;
	char trouble[240]; /* what was last in the way; "": no answer */
};

static void flight_land(struct pipeline *pipeline, struct flight *flight)
{
	*flight = pipeline->flights[--pipeline->in_flight];
	pipeline->done++;
	pipeline->held = false;
	pipeline->moved_ms = pipeline->now_ms;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* 0, or what connection_send says. */
static int flight_send(struct pipeline *pipeline, struct flight *flight)
{
	const struct invoice *invoice = &pipeline->invoices->at[flight->invoice];
	int error = connection_send(pipeline->connection, "order.create", &create_record,
		&invoice->create, ANSWER_MS, flight->invoice);

	if (!error)
		flight->due_ms = pipeline->now_ms + ANSWER_MS;
	return error;
}

static int flights_resend(struct pipeline *pipeline)
{
	int error = 0;

	if (pipeline->now_ms - pipeline->looked_ms < (pipeline->held ? HELD_MS : PASSES_MS))
		return 0;
	pipeline->looked_ms = pipeline->now_ms;
	for (size_t i = 0; i < pipeline->in_flight && !error; i++) {
		if (pipeline->flights[i].due_ms > pipeline->now_ms)
			continue;
		error = flight_send(pipeline, &pipeline->flights[i]);
		if (pipeline->held)
			break;
	}
	return error;
}

static int flights_fill(struct pipeline *pipeline)
{
	int error = flights_resend(pipeline);

	while (!error && !pipeline->held && pipeline->in_flight < WINDOW &&
		pipeline->next < pipeline->invoices->count) {
		struct flight *flight = &pipeline->flights[pipeline->in_flight];

		*flight = (struct flight){ .invoice = pipeline->next };
		error = flight_send(pipeline, flight);
		if (!error) {
			pipeline->in_flight++;
			pipeline->next++;
		}
	}
	return error;
}

/* --- answers ---------------------------------------------------------------------------------- */

static struct flight *flight_find(struct pipeline *pipeline, uint64_t invoice)
{
	for (size_t i = 0; i < pipeline->in_flight; i++)
		if (pipeline->flights[i].invoice == invoice)
			return &pipeline->flights[i];
	return NULL;
}

/* An order that is older than this run was made by an earlier one. */
static void order_made(struct import *import, const struct orderd_order *order)
{
	if (order->created_at < import->began_at)
		import->already++;
	else
		import->made++;
	import->value += order->total;
}

static void answer_take(struct pipeline *pipeline, uint64_t ref, int result,
	const struct orderd_order *order, const struct answer *answer)
{
	struct flight *flight = flight_find(pipeline, ref);
	const struct invoice *invoice = &pipeline->invoices->at[ref];

	if (!flight)
		return;
	if (result > 0 && answer_is_passing(answer)) {
		snprintf(pipeline->trouble, sizeof(pipeline->trouble), "%s (%d): %s", answer->error,
			answer->code, answer->message);
		flight->due_ms = pipeline->now_ms + answer_retry_ms(answer);
		pipeline->held = answer->code / 100 != 429;
		return;
	}
	if (result == 0)
		order_made(pipeline->import, order);
	else
		invoice_refuse(pipeline->import, invoice,
			result > 0 ? refusal_of(answer->error, answer->message) : "bad_answer");
	flight_land(pipeline, flight);
}

/* What has come, after waiting for the first. 0 or a negative errno. */
static int answers_take(struct pipeline *pipeline)
{
	int64_t wait_ms = PASSES_MS;

	for (size_t i = 0; i < WINDOW; i++, wait_ms = 0) {
		struct answer answer = { 0 };
		struct orderd_order order;
		uint64_t ref = UINT64_MAX;
		int result;

		arena_reset(pipeline->import->scratch);
		result = connection_take(pipeline->connection, pipeline->import->scratch, wait_ms,
			&order_record, &order, &ref, &answer);
		if (result == -EAGAIN)
			return 0;
		if (result < 0 && result != -EBADMSG)
			return result;
		pipeline->now_ms = clock_monotonic_ms();
		if (ref < pipeline->invoices->count)
			answer_take(pipeline, ref, result, &order, &answer);
	}
	return 0;
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool error_is_absence(int error)
{
	return error == -ENOENT || error == -ECONNREFUSED;
}

static int give_up(const struct pipeline *pipeline, int error)
{
	const struct import *import = pipeline->import;

	fprintf(stderr,
		"orderctl: gave up after %" PRId64 " s without progress: %zu of %zu orders are"
		" settled. Run it again to go on: none is made twice.\n",
		import_timeout_ms(import) / 1000, pipeline->done, pipeline->invoices->count);
	if (!error_is_absence(error) && *pipeline->trouble)
		fprintf(stderr, "orderctl: %s\n", pipeline->trouble);
	else
		ctl_failed(import->ctl, ORDERD, error ? error : -ETIMEDOUT, NULL);
	return STATUS_UNREACHABLE;
}

static int pipeline_run(struct pipeline *pipeline)
{
	struct import *import = pipeline->import;
	size_t total = pipeline->invoices->count;

	pipeline->moved_ms = clock_monotonic_ms();
	while (pipeline->done < total) {
		int error, taken;

		pipeline->now_ms = clock_monotonic_ms();
		error = flights_fill(pipeline);
		if (error && !error_is_absence(error))
			return ctl_failed(import->ctl, ORDERD, error, NULL);
		if (error)
			nanosleep(&(struct timespec){ .tv_nsec = AWAY_MS * 1000000 }, NULL);
		taken = answers_take(pipeline);
		if (taken)
			return ctl_failed(import->ctl, ORDERD, taken, NULL);
		import_progress(import, pipeline->done, total);
		if (clock_monotonic_ms() - pipeline->moved_ms > import_timeout_ms(import))
			return give_up(pipeline, error);
	}
	return STATUS_DONE;
}

static int orders_make(struct import *import, const struct invoices *invoices)
{
	struct pipeline *pipeline = arena_take(import->ctl->arena, sizeof(*pipeline));
	int status = pipeline ? STATUS_DONE : -ENOMEM;

	if (!status) {
		pipeline->import = import;
		pipeline->invoices = invoices;
		status = ctl_connection(import->ctl, ORDERD, &pipeline->connection);
	}
	if (status)
		return ctl_failed(import->ctl, ORDERD, status, NULL);
	status = pipeline_run(pipeline);
	import->left = invoices->count - pipeline->done;
	return status;
}

int order_import(struct ctl *ctl)
{
	struct import import;
	struct invoices invoices = { 0 };
	unsigned wanted = 1u << COLUMN_ORDER | 1u << COLUMN_QUANTITY;
	uint64_t default_user = 0;
	int status = ctl_option_u64(ctl, "default-user", &default_user);

	if (status)
		return status;
	if (!default_user)
		wanted |= 1u << COLUMN_USER;
	status = import_begin(&import, ctl, USE_ORDER, wanted);
	if (!status)
		status = invoices_read(&import, default_user, &invoices);
	if (!status)
		status = orders_make(&import, &invoices);
	return import_end(&import, status);
}
