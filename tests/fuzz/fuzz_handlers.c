#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frames.h"
#include "log.h"
#include "script.h"
#include "target.h"
#include "tests/faults/audit.h"

/* The dispatchers and handlers of all daemons with real stores behind them. An input is a script
 * (script.h): frames from clients and from peers, time that passes, restarts. Every script begins
 * on a copy of the same stores, with orders in every state.
 *
 * Whatever comes: no daemon ends, every request has exactly one answer that makes sense, nothing
 * is refused after a write, and what the stores hold adds up. */

const char target_unit[] = "frames";
uint64_t target_count;
const char *target_covered;

#define STORE_BYTES (INT64_C(4) << 20)
#define BOOKS 8
#define PATIENCE_MS 200000 /* longer than any time-out that a frame may ask for */
#define WAIT_STEP_MS 500
#define FILE_MAX_BYTES (1 << 20)

static char base[64];
static const char *const stores[] = { "catalogd", "stockd", "orderd" };
static struct file {
	char bytes[FILE_MAX_BYTES];
	size_t size;
} * template;
static int64_t template_now_ms;
static struct arena *arena;

/* What came of each step of the script. */
static struct {
	uint8_t answers;
	bool asked, may_be_lost;
} told[SCRIPT_STEPS_MAX];

static struct {
	uint64_t done, refused;
	uint64_t operations;
	char text[160];
} covered;

/* --- the stores that every script begins with ----------------------------------------------- */

static void path_print(char path[128], const char *store, const char *name)
{
	snprintf(path, 128, "%s/%s%s", base, store, name);
}

static void files_read(void)
{
	char path[128];

	for (size_t i = 0; i < 3; i++) {
		FILE *in;

		path_print(path, stores[i], "/data.mdb");
		in = fopen(path, "re");
		template[i].size = in ? fread(template[i].bytes, 1, FILE_MAX_BYTES, in) : 0;
		if (!in || template[i].size == FILE_MAX_BYTES)
			target_fail("%s: cannot be read, or is too large", path);
		fclose(in);
	}
}

static void files_write(void)
{
	char path[128];

	for (size_t i = 0; i < 3; i++) {
		FILE *out;

		path_print(path, stores[i], "");
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			target_fail("%s: %s", path, strerror(errno));
		path_print(path, stores[i], "/data.mdb");
		unlink(path);
		out = fopen(path, "we");
		if (!out ||
			fwrite(template[i].bytes, 1, template[i].size, out) != template[i].size ||
			fclose(out) != 0)
			target_fail("%s: cannot be written", path);
	}
}

static int call(struct host *host, enum host_daemon which, const char *op,
	const struct record *record, const void *request, const struct record *reply_record,
	void *reply)
{
	int code = host_call(host, which, op, record, request, arena, reply_record, reply);

	if (code != 0)
		target_fail("the first stores: %s: %d %s", op, code, host_error(host));
	return code;
}

static void books_make(struct host *host)
{
	for (uint64_t i = 1; i <= BOOKS; i++) {
		char *sku = arena_print(arena, "A%d", (int)i);
		struct book_put put = { i, sku, "A book", (int64_t)i * 100, i != 7, 0 };
		struct level_set set = { .book_id = i, .available = i == 8 ? 1 : 1000000 };
		struct book_put_reply book;
		struct level level;

		call(host, HOST_CATALOGD, "catalog.put", &book_put_record, &put,
			&book_put_reply_record, &book);
		call(host, HOST_STOCKD, "stock.set", &level_set_record, &set, &level_record,
			&level);
		frames_know(strdup(sku));
	}
}

static void order_make(struct host *host, int at)
{
	static const enum orderd_status path[] = { ORDERD_PAID, ORDERD_SHIPPED, ORDERD_COMPLETED };
	struct orderd_line lines[] = { { .book_id = 1 + (uint64_t)at % 3, .quantity = 2 },
		{ .sku = "A4", .quantity = 1 } };
	struct orderd_create create = { 1 + (uint64_t)at % 4, lines, 2,
		at % 2 ? arena_print(arena, "k%d", at) : NULL, 0 };
	struct orderd_order order;

	call(host, HOST_ORDERD, "order.create", &create_record, &create, &order_record, &order);
	frames_know(strdup(order.order_no));
	for (int i = 0; at % 5 < 4 && i < at % 5; i++) {
		struct order_change change = { .order_id = order.order_id, .status = path[i] };

		call(host, HOST_ORDERD, "order.set_status", &order_set_status_record, &change,
			&order_record, &order);
	}
	if (at % 5 == 4) {
		struct order_change change = { .order_id = order.order_id };

		call(host, HOST_ORDERD, "order.cancel", &order_cancel_record, &change,
			&order_record, &order);
	}
}

static void template_make(void)
{
	struct host *host = host_new(base, STORE_BYTES);

	if (!host || host_start_all(host) < 0)
		target_fail("the first stores cannot be made in %s", base);
	books_make(host);
	for (int i = 0; i < 10; i++)
		order_make(host, i);
	if (!audit_wait_for_rest(host, PATIENCE_MS))
		target_fail("the first stores do not come to rest");
	template_now_ms = host_now(host) + 1000;
	host_free(host);
	files_read();
}

static void base_remove(void)
{
	static const char *const names[] = { "/data.mdb", "/lock.mdb", "/owner.lock" };
	char path[128];

	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; k < 3; k++) {
			path_print(path, stores[i], names[k]);
			unlink(path);
		}
		path_print(path, stores[i], "");
		rmdir(path);
	}
	rmdir(base);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *shm = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	(void)argc, (void)argv;
	log_set_level("error"); /* a warning for each answer that makes no sense */
	snprintf(base, sizeof(base), "%s/orderd-fuzz.XXXXXX", shm);
	template = calloc(3, sizeof(*template));
	arena = arena_new();
	if (!mkdtemp(base) || !template || !arena)
		return 1;
	atexit(base_remove);
	template_make();
	return 0;
}

/* --- answers -------------------------------------------------------------------------------- */

static const struct value *part(const struct value *map, const char *name, enum value_type type)
{
	const struct value *value = value_find(map, name);

	return value && value->type == type ? value : NULL;
}

static bool says(const struct value *text, const char *what)
{
	return text && text->str.size == strlen(what) &&
		memcmp(text->str.at, what, text->str.size) == 0;
}

/* A whole answer, or a result in one. */
static void check_outcome(const struct value *map)
{
	const struct value *code = part(map, "code", VALUE_UINT);
	const struct value *error = part(map, "error", VALUE_STR);
	const struct value *message = part(map, "message", VALUE_STR);

	if (!code || (code->u64 != 0 && (!error || !message)))
		target_fail("an answer without code, error or message");
	covered.done += code->u64 == 0;
	covered.refused += code->u64 != 0;
	if (says(error, "corrupt_record"))
		target_fail("a record is damaged");
	if (says(error, "internal") && says(message, outcome_text(OUTCOME_INTERNAL)))
		target_fail("a request ended as an error of our own");
}

static void heard(void *argument, uint64_t client, const void *frame, size_t size)
{
	const struct value *map, *results;

	(void)argument;
	if (client >= SCRIPT_STEPS_MAX || ++told[client].answers > 1)
		target_fail("step %" PRIu64 " was answered twice", client);
	if (codec_parse(arena, frame, size, &map) < 0 || map->type != VALUE_MAP ||
		!value_find(map, "id") || !part(map, "v", VALUE_UINT))
		target_fail("an answer that makes no sense");
	check_outcome(map);
	results = part(map, "results", VALUE_ARRAY);
	for (uint32_t i = 0; results && i < results->list.count; i++)
		check_outcome(&results->list.at[i]);
}

/* --- steps ---------------------------------------------------------------------------------- */

static void step_request(struct host *host, const struct step *step, size_t index)
{
	struct event event = { .kind = step->what == STEP_MALFORMED ? EVENT_MALFORMED
								    : EVENT_REQUEST,
		.data = step->size > 0 ? step->at : NULL,
		.size = step->size };
	uint64_t client = index;

	event.route = (struct route){ .identity = "c", .identity_size = 9, .known = true };
	memcpy(event.route.identity + 1, &client, sizeof(client));
	event.route.uid = step->what == STEP_REQUEST_AS_USER ? 12345 : geteuid();
	event.route.delimiter = index % 3 == 0;
	told[index].asked = host_runs(host, step->which);
	if (event.kind == EVENT_REQUEST && !event.data)
		event.data = "";
	host_queue(host, step->which, event);
}

static void step_result(struct host *host, const struct step *step)
{
	const struct peer *peers = host_program(step->which)->peers;
	unsigned count = 0;

	while (peers && peers[count].name)
		count++;
	if (count > 0)
		host_queue(host, step->which,
			(struct event){ .kind = EVENT_RESULT,
				.peer = step->peer % count,
				.data = step->size > 0 ? step->at : (const uint8_t *)"",
				.size = step->size });
}

/* Whoever waited may hear nothing: the process was gone. */
static void step_restart(struct host *host, enum host_daemon which, size_t index)
{
	for (size_t i = 0; i < index; i++)
		told[i].may_be_lost = true;
	host_stop(host, which);
	if (host_start(host, which) < 0)
		target_fail("%s does not start again", host_program(which)->name);
}

static void step_take(struct host *host, const struct step *step, size_t index)
{
	switch (step->what) {
	case STEP_REQUEST:
	case STEP_REQUEST_AS_USER:
	case STEP_MALFORMED:
		step_request(host, step, index);
		break;
	case STEP_RESULT:
		step_result(host, step);
		break;
	case STEP_PASS:
		host_pass(host, step->size > 0 ? 40 * step->at[0] : 1);
		break;
	case STEP_RESTART:
		step_restart(host, step->which, index);
		break;
	}
	target_count++;
	if (step->turn)
		host_turn(host);
}

static void check_all_run(const struct host *host)
{
	for (unsigned i = 0; i < HOST_DAEMONS; i++)
		if (!host_runs(host, i))
			target_fail("%s has ended", host_program(i)->name);
}

static void check_told(size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (told[i].asked && !told[i].answers && !told[i].may_be_lost)
			target_fail("step %zu was never answered", i);
}

static void check_stores(struct host *host)
{
	struct picture picture;

	if (picture_take(host, &picture) < 0 || !audit_always(&picture))
		target_fail("%s", picture.why);
	picture_done(&picture);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct script script;
	struct host *host;

	script_read(&script, at, size);
	files_write();
	memset(told, 0, sizeof(told));
	host = host_new(base, STORE_BYTES);
	if (!host)
		return 0;
	host_set_clock(host, template_now_ms);
	host_listen(host, heard, NULL);
	if (host_start_all(host) < 0)
		target_fail("the daemons do not start");
	for (size_t i = 0; i < script.count; i++)
		step_take(host, &script.steps[i], i);
	for (int passed_ms = 0; passed_ms < PATIENCE_MS; passed_ms += WAIT_STEP_MS) {
		while (host_turn(host))
			;
		if (host_parked(host, HOST_ORDERD) == 0)
			break;
		host_pass(host, WAIT_STEP_MS);
	}
	check_all_run(host);
	check_told(script.count);
	check_stores(host);
	host_free(host);
	arena_reset(arena);
	snprintf(covered.text, sizeof(covered.text), "%" PRIu64 " good, %" PRIu64 " refused",
		covered.done, covered.refused);
	target_covered = covered.text;
	return 0;
}

void target_generate(struct dice *dice, struct buffer *ret)
{
	size_t count = 1 + dice_roll(dice, SCRIPT_STEPS_MAX);

	for (size_t i = 0; i < count; i++)
		script_add(dice, template_now_ms, ret);
}
