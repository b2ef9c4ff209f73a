#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"
#include "service.h"

/* For tests of a daemon: a directory of its own with either a store and one write transaction,
 * for its rules, or the whole service but its sockets, for its operations. */

#define NOW_MS INT64_C(1700000000000)
#define STORE_MAX_BYTES (INT64_C(64) << 20)

struct fixture {
	char dir[64];
	struct arena *arena;
	struct db *db;                 /* for rules */
	struct txn *txn;               /* likewise */
	const struct program *program; /* for operations */
	struct service *service;       /* likewise */
	const struct value *reply;     /* the last one */
	size_t reply_count;
};

/* --- begin and end -------------------------------------------------------------------------- */

static inline struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct scratch scratch = scratch_make();

	assert_non_null(f);
	strcpy(f->dir, scratch.path);
	f->arena = arena_new();
	assert_non_null(f->arena);
	return f;
}

static inline int fixture_free(void **state)
{
	struct fixture *f = *state;

	txn_abort(f->txn);
	db_close(f->db);
	service_close(f->service);
	arena_free(f->arena);
	tree_remove(f->dir);
	free(f);
	return 0;
}

static inline struct fixture *fixture_with_store(const char *const *tables)
{
	struct fixture *f = fixture_new();
	struct db_spec spec = { .tables = tables, .size_max_bytes = STORE_MAX_BYTES };
	char path[80];

	snprintf(path, sizeof(path), "%s/store", f->dir);
	assert_int_equal(db_open(&f->db, path, &spec, DB_OWN), 0);
	assert_int_equal(txn_begin(f->db, true, &f->txn), 0);
	return f;
}

static inline void reply_take(void *argument, const struct route *route, const void *data,
	size_t size)
{
	struct fixture *f = argument;
	void *copy = arena_text(f->arena, data, size);

	(void)route;
	assert_non_null(copy);
	assert_int_equal(codec_parse(f->arena, copy, size, &f->reply), 0);
	f->reply_count++;
}

static inline void service_start(struct fixture *f)
{
	static struct suite_settings settings;
	struct bus bus = { .argument = f, .reply = reply_take };

	settings = (struct suite_settings){
		.runtime_dir = f->dir,
		.state_dir = f->dir,
		.log_level = "error",
		.store_size_max_bytes = STORE_MAX_BYTES,
	};
	assert_int_equal(service_open(&f->service, f->program, &settings, &bus, NOW_MS, 0), 0);
}

static inline struct fixture *fixture_with_service(const struct program *program)
{
	struct fixture *f = fixture_new();

	f->program = program;
	service_start(f);
	return f;
}

static inline void service_restart(struct fixture *f)
{
	service_close(f->service);
	f->service = NULL;
	service_start(f);
}

/* --- asking --------------------------------------------------------------------------------- */

/* A request's envelope; `fields` more pairs are to follow. */
static inline struct buffer request_begin(const char *op, uint32_t fields)
{
	struct buffer buffer = { 0 };

	pack_map(&buffer, 3 + fields);
	pack_str(&buffer, "v");
	pack_u64(&buffer, 1);
	pack_str(&buffer, "id");
	pack_u64(&buffer, 5);
	pack_str(&buffer, "op");
	pack_str(&buffer, op);
	return buffer;
}

static inline void pack_number(struct buffer *buffer, const char *name, int64_t number)
{
	pack_str(buffer, name);
	pack_i64(buffer, number);
}

static inline void pack_text(struct buffer *buffer, const char *name, const char *text)
{
	pack_str(buffer, name);
	pack_str(buffer, text);
}

/* One tick with one request, from that user. The reply; the frame is given back. */
static inline const struct value *ask_as(struct fixture *f, struct buffer *frame, uid_t uid)
{
	struct event event = {
		.kind = EVENT_REQUEST,
		.route = { .identity = "c", .identity_size = 1, .uid = uid, .known = true },
		.data = frame->at,
		.size = frame->size,
	};
	int64_t wait_ms;

	assert_int_equal(frame->error, 0);
	f->reply_count = 0;
	assert_int_equal(service_tick(f->service, &event, 1, NOW_MS, 0, &wait_ms), 0);
	buffer_done(frame);
	assert_int_equal(f->reply_count, 1);
	return f->reply;
}

static inline const struct value *ask(struct fixture *f, struct buffer *frame)
{
	return ask_as(f, frame, geteuid());
}

/* --- looking -------------------------------------------------------------------------------- */

static inline uint64_t number_of(const struct value *map, const char *name)
{
	const struct value *value = value_find(map, name);

	assert_non_null(value);
	assert_int_equal(value->type, VALUE_UINT);
	return value->u64;
}

static inline const struct value *list_of(const struct value *map, const char *name, uint32_t count)
{
	const struct value *value = value_find(map, name);

	assert_non_null(value);
	assert_int_equal(value->type, VALUE_ARRAY);
	assert_int_equal(value->list.count, count);
	return value->list.at;
}

static inline void assert_text(const struct value *map, const char *name, const char *text)
{
	const struct value *value = value_find(map, name);

	assert_non_null(value);
	assert_int_equal(value->type, VALUE_STR);
	assert_int_equal(value->str.size, strlen(text));
	assert_memory_equal(value->str.at, text, value->str.size);
}

static inline void assert_says(const char *text, const char *part)
{
	assert_non_null(text);
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}
