#include "suite.h"

#include <errno.h>
#include <stdio.h>

#include "meter.h"
#include "protocol.h"

#define PREPARE_CONNECTIONS 16
#define PREPARE_DEPTH 64
#define PAGE_SIZE 20 /* the daemon's own, where it is not asked for another */

int suite_load(struct suite *suite, const char *daemon, struct load load, struct load_result *ret)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.sock", suite->runtime_dir, daemon);
	load.wire = &orderd_wire;
	load.socket_path = path;
	load.argument = &suite->draw;
	load.quiet = suite->quiet;
	return load_run(&load, ret);
}

int suite_prepare(struct suite *suite)
{
	static struct load_result result;
	struct load load = {
		.connections = PREPARE_CONNECTIONS,
		.depth = PREPARE_DEPTH,
		.requests = suite->draw.books,
		.request = request_book,
		.what = "books",
	};
	int error = suite_load(suite, "catalogd", load, &result);

	load.request = request_stock;
	load.what = "stock";
	if (error == 0 && result.refused == 0)
		error = suite_load(suite, "stockd", load, &result);
	if (error == 0 && result.refused > 0)
		error = -EACCES;
	return error;
}

int suite_take_orders(struct suite *suite)
{
	suite->draw.first_id = 1;
	return newest_order(suite->runtime_dir, &suite->draw.last_id);
}

int suite_make_orders(struct suite *suite, uint64_t count)
{
	static struct load_result result;
	struct load load = {
		.connections = PREPARE_CONNECTIONS,
		.depth = PREPARE_DEPTH,
		.requests = count,
		.request = request_create,
		.what = "orders to work on",
	};
	struct meter meter;
	struct tally tally = { 0 };
	int error = meter_read(suite->runtime_dir, &meter);

	tally.last_event = meter.last_event;
	if (error == 0)
		error = suite_load(suite, "orderd", load, &result);
	if (error == 0)
		error = tally_read(suite->runtime_dir, &tally, NULL, NULL);
	if (error == 0 && tally.made < count)
		error = -EBADE;
	suite->draw.first_id = tally.first_id;
	suite->draw.last_id = tally.last_id;
	return error;
}

int suite_turn_to(struct suite *suite, uint64_t page)
{
	struct order_query query = { .user_id = 1, .page = 1 };
	uint64_t left = (page - 1) * PAGE_SIZE;
	int error = 0;

	for (; error == 0 && left > 0; left -= (uint64_t)query.page_size) {
		query.page_size = left < PAGE_SIZE_MAX ? (int64_t)left : PAGE_SIZE_MAX;
		error = page_next(suite->runtime_dir, &query);
	}
	suite->draw.after = query.after;
	return error;
}
