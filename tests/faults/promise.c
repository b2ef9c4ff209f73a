#include "promise.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REST_MS 30000 /* after the last fault every saga ends within */
#define REPEATS_MAX 3 /* requests repeated in one state */

static bool wrong(struct promise *promise, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool wrong(struct promise *promise, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(promise->why, sizeof(promise->why), format, list);
	va_end(list);
	return false;
}

/* --- orders --------------------------------------------------------------------------------- */

/* Each create of a recording is for a user of its own. */
static const struct orderd_order *order_of_user(const struct picture *picture, uint64_t user_id,
	size_t *ret_count)
{
	const struct orderd_order *found = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < picture->order_count; i++)
		if (picture->orders[i].user_id == user_id) {
			found = &picture->orders[i];
			++*ret_count;
		}
	return found;
}

static bool order_is_as_asked(const struct orderd_order *order, const struct request *request)
{
	if (order->item_count != request->line_count)
		return false;
	for (size_t i = 0; i < order->item_count; i++)
		if (order->items[i].book_id != request->lines[i].book_id ||
			order->items[i].quantity != request->lines[i].quantity)
			return false;
	return true;
}

static bool create_check(struct promise *promise, const struct request *request)
{
	bool answered = request_was_answered(request, promise->cut);
	const struct orderd_order *order;
	size_t count;

	order = order_of_user(&promise->picture, request->user_id, &count);
	if (count > 1)
		return wrong(promise, "user %" PRIu64 " has %zu orders", request->user_id, count);
	if (order && !order_is_as_asked(order, request))
		return wrong(promise, "order %" PRIu64 " is not whole", order->order_id);
	if (order && request->sent > promise->cut)
		return wrong(promise, "order %" PRIu64 " was never asked for", order->order_id);
	if (!answered)
		return true;
	promise->answers++;
	if (request->code == 0 &&
		(!order || order->order_id != request->order_id || order->total != request->total))
		return wrong(promise, "order %" PRIu64 " was answered and is %s", request->order_id,
			order ? "another one" : "lost");
	if (request->code != 0 && order)
		return wrong(promise, "user %" PRIu64 " was refused and has order %" PRIu64,
			request->user_id, order->order_id);
	return true;
}

static bool move_check(struct promise *promise, const struct request *request)
{
	const struct picture *picture = &promise->picture;

	if (!request_was_answered(request, promise->cut) || request->code != 0)
		return true;
	promise->answers++;
	for (size_t i = 0; i < picture->event_count; i++)
		if (picture->events[i].order_id == request->order_id &&
			picture->events[i].to == request->status)
			return true;
	return wrong(promise, "order %" PRIu64 " was told to be %s and never became it",
		request->order_id, status_names[request->status]);
}

/* Paid only before the deadline, expired only at or after it. */
static bool deadlines_check(struct promise *promise)
{
	const struct picture *picture = &promise->picture;

	for (size_t i = 0; i < picture->event_count; i++) {
		const struct orderd_event *event = &picture->events[i];
		const struct orderd_order *order = picture_order(picture, event->order_id);
		bool expiry = event->reason && strcmp(event->reason, "payment timeout") == 0;

		if (expiry && event->at < order->expires_at)
			return wrong(promise, "order %" PRIu64 " expired before its time",
				event->order_id);
		if (event->to == ORDERD_PAID && event->at >= order->expires_at)
			return wrong(promise, "order %" PRIu64 " was paid after its time",
				event->order_id);
	}
	return true;
}

/* --- stock and prices ----------------------------------------------------------------------- */

static bool stock_check(struct promise *promise, const struct request *request)
{
	const struct picture *picture = &promise->picture;
	bool answered = request_was_answered(request, promise->cut) && request->code == 0;
	size_t count = 0;

	for (size_t i = 0; i < picture->movement_count; i++)
		count += picture->movements[i].kind == MOVEMENT_ADD &&
			strcmp(picture->movements[i].reason, request->key) == 0;
	promise->answers += answered;
	if (count > 1 || (answered && count == 0))
		return wrong(promise, "stock %s was added %zu times", request->key, count);
	return true;
}

static bool price_check(struct promise *promise, struct host *host, const struct request *request)
{
	struct book_ref ref = { .book_id = request->book_id };
	struct book book = { 0 };
	int code;

	if (!request_was_answered(request, promise->cut) || request->code != 0)
		return true;
	promise->answers++;
	code = host_call(host, HOST_CATALOGD, "catalog.get", &book_ref_record, &ref,
		promise->picture.arena, &book_record, &book);
	if (code != 0 || book.version < request->version ||
		(book.version == request->version && book.price != request->price))
		return wrong(promise, "book %" PRIu64 " had price %" PRId64 " and has not",
			request->book_id, request->price);
	return true;
}

static bool request_check(struct promise *promise, struct host *host, const struct request *request)
{
	switch (request->kind) {
	case REQUEST_CREATE:
		return create_check(promise, request);
	case REQUEST_MOVE:
		return move_check(promise, request);
	case REQUEST_STOCK:
		return stock_check(promise, request);
	case REQUEST_PRICE:
		return price_check(promise, host, request);
	}
	return false;
}

/* --- repeats -------------------------------------------------------------------------------- */

static int create_again(struct host *host, struct arena *arena, const struct request *request,
	struct orderd_order *ret)
{
	struct orderd_create create = {
		.user_id = request->user_id,
		.items = (struct orderd_line *)request->lines,
		.item_count = request->line_count,
		.idempotency_key = arena_print(arena, "key-%" PRIu64, request->user_id),
		.expires_in_ms = request->expires_in_ms,
	};

	return host_call(host, HOST_ORDERD, "order.create", &create_record, &create, arena,
		&order_record, ret);
}

/* Twice under the same key: the order that is there, or one new one. */
static bool create_repeat(struct promise *promise, struct host *host, const struct request *request)
{
	struct arena *arena = promise->picture.arena;
	struct orderd_order first = { 0 }, second = { 0 };
	const struct orderd_order *there;
	size_t count;
	int code, again;

	there = order_of_user(&promise->picture, request->user_id, &count);
	code = create_again(host, arena, request, &first);
	again = create_again(host, arena, request, &second);
	promise->repeats++;
	if (there && (code != 0 || first.order_id != there->order_id))
		return wrong(promise,
			"order %" PRIu64 " is there; repeating it gave %d, order %" PRIu64,
			there->order_id, code, first.order_id);
	if (code != again || first.order_id != second.order_id)
		return wrong(promise, "user %" PRIu64 ": repeated twice, with two results",
			request->user_id);
	if (code != 0 && code / 100 != 404 && code / 100 != 409)
		return wrong(promise, "user %" PRIu64 ": repeated, and got %d %s", request->user_id,
			code, host_error(host));
	return true;
}

static bool repeats_check(struct promise *promise, struct host *host)
{
	const struct recording *recording = promise->recording;
	size_t repeats = 0;

	/* The latest are those that the cut has hit. */
	for (size_t i = recording->request_count; i-- > 0 && repeats < REPEATS_MAX;) {
		const struct request *request = &recording->requests[i];

		if (request->kind != REQUEST_CREATE || request->sent > promise->cut)
			continue;
		repeats++;
		if (!create_repeat(promise, host, request))
			return false;
	}
	return true;
}

/* --- all together --------------------------------------------------------------------------- */

static bool picture_check(struct promise *promise, struct host *host)
{
	struct picture *picture = &promise->picture;

	picture_done(picture);
	if (!audit_wait_for_rest(host, REST_MS))
		return wrong(promise, "not at rest after %d ms", REST_MS);
	if (picture_take(host, picture) < 0 || !audit_at_rest(picture))
		return wrong(promise, "%s", picture->why);
	return true;
}

bool promise_check(struct promise *promise, struct host *host)
{
	const struct recording *recording = promise->recording;
	int result = host_start_all(host);
	bool good;

	if (result < 0)
		return wrong(promise, "the daemons do not start: %s", strerror(-result));
	good = picture_check(promise, host) && deadlines_check(promise);
	for (size_t i = 0; good && i < recording->request_count; i++)
		good = request_check(promise, host, &recording->requests[i]);
	if (good && promise->cut / 8 % 2 == 0)
		good = repeats_check(promise, host) && picture_check(promise, host);
	picture_done(&promise->picture);
	return good;
}
