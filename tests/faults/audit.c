#include "audit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool wrong(struct picture *picture, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool wrong(struct picture *picture, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(picture->why, sizeof(picture->why), format, list);
	va_end(list);
	return false;
}

/* --- taking --------------------------------------------------------------------------------- */

/* A list that is read by a cursor. Every reply begins with the elements and their count. */
struct listing {
	enum host_daemon which;
	const char *op;
	const struct record *reply;
	size_t element_size, next_offset;
};

union page {
	struct {
		void *elements;
		size_t count;
	} list;
	struct level_list levels;
	struct reservation_list reservations;
	struct movement_list movements;
	struct order_list orders;
	struct event_list events;
	struct saga_list sagas;
};

#define LISTING(daemon, name, record, element, list) \
	{ \
		daemon, name, &(record), sizeof(struct element), offsetof(struct list, next) \
	}

static const struct listing listings[] = {
	LISTING(HOST_STOCKD, "stock.list", level_list_record, level, level_list),
	LISTING(HOST_STOCKD, "stock.reservations", reservation_list_record, reservation,
		reservation_list),
	LISTING(HOST_STOCKD, "stock.journal", movement_list_record, movement, movement_list),
	LISTING(HOST_ORDERD, "order.scan", order_list_record, orderd_order, order_list),
	LISTING(HOST_ORDERD, "event.list", event_list_record, orderd_event, event_list),
	LISTING(HOST_ORDERD, "saga.list", saga_list_record, saga_info, saga_list),
};

static int list_take(struct host *host, struct picture *picture, const struct listing *listing,
	void **ret, size_t *ret_count)
{
	struct range range = { .limit = LIST_LIMIT_MAX };
	union page page;
	char *all = NULL, *more;
	int result;

	do {
		result = host_call(host, listing->which, listing->op, &range_record, &range,
			picture->arena, listing->reply, &page);
		if (result != 0) {
			wrong(picture, "%s: %d %s", listing->op, result, host_error(host));
			return -EIO;
		}
		more = reallocarray(all, *ret_count + page.list.count + 1, listing->element_size);
		if (!more)
			return -ENOMEM;
		*ret = all = more;
		if (page.list.count > 0)
			memcpy(all + *ret_count * listing->element_size, page.list.elements,
				page.list.count * listing->element_size);
		*ret_count += page.list.count;
		memcpy(&range.after, (const char *)&page + listing->next_offset,
			sizeof(range.after));
	} while (range.after > 0);
	return 0;
}

int picture_take(struct host *host, struct picture *ret)
{
	*ret = (struct picture){ .arena = arena_new() };

	void *lists[] = { &ret->levels, &ret->reservations, &ret->movements, &ret->orders,
		&ret->events, &ret->sagas };
	size_t *counts[] = { &ret->level_count, &ret->reservation_count, &ret->movement_count,
		&ret->order_count, &ret->event_count, &ret->saga_count };
	int result = ret->arena ? 0 : -ENOMEM;

	host_drain(host); /* then reading moves nothing */
	for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]) && result == 0; i++)
		result = list_take(host, ret, &listings[i], lists[i], counts[i]);
	return result;
}

void picture_done(struct picture *picture)
{
	free(picture->levels);
	free(picture->reservations);
	free(picture->movements);
	free(picture->orders);
	free(picture->events);
	free(picture->sagas);
	arena_free(picture->arena);
	*picture = (struct picture){ 0 };
}

/* Every element begins with the id that its list is sorted by. */
static int id_compare(const void *key, const void *element)
{
	uint64_t one = *(const uint64_t *)key, other = *(const uint64_t *)element;

	return one < other ? -1 : one > other;
}

const struct orderd_order *picture_order(const struct picture *picture, uint64_t order_id)
{
	return bsearch(&order_id, picture->orders, picture->order_count, sizeof(*picture->orders),
		id_compare);
}

static struct level *picture_level(const struct picture *picture, uint64_t book_id)
{
	return bsearch(&book_id, picture->levels, picture->level_count, sizeof(*picture->levels),
		id_compare);
}

/* --- stock ---------------------------------------------------------------------------------- */

/* What a level has to be by the reservations, and by the journal. */
struct sums {
	int64_t reserved, sold, received;
	const struct movement *last;
};

static bool reservations_add(struct picture *picture, struct sums *sums)
{
	for (size_t i = 0; i < picture->reservation_count; i++) {
		const struct reservation *reservation = &picture->reservations[i];

		for (size_t k = 0; k < reservation->item_count; k++) {
			const struct stock_line *line = &reservation->items[k];
			const struct level *level = picture_level(picture, line->book_id);
			struct sums *sum = level ? &sums[level - picture->levels] : NULL;

			if (!sum)
				return wrong(picture,
					"order %" PRIu64 " holds book %" PRIu64
					", which has no level",
					reservation->order_id, line->book_id);
			sum->reserved += reservation->state == GOAL_HELD ? line->quantity : 0;
			sum->sold += reservation->state == GOAL_SOLD ? line->quantity : 0;
		}
	}
	return true;
}

static bool movements_add(struct picture *picture, struct sums *sums)
{
	for (size_t i = 0; i < picture->movement_count; i++) {
		const struct movement *movement = &picture->movements[i];
		const struct level *level = picture_level(picture, movement->book_id);

		if (movement->seq != i + 1)
			return wrong(picture, "movement %" PRIu64 " stands at %zu", movement->seq,
				i + 1);
		if (!level)
			return wrong(picture, "movement %" PRIu64 ": its book has no level",
				movement->seq);
		sums[level - picture->levels].last = movement;
		if (movement->kind == MOVEMENT_SET || movement->kind == MOVEMENT_ADD)
			sums[level - picture->levels].received += movement->quantity;
	}
	return true;
}

static bool level_check(struct picture *picture, const struct level *level, const struct sums *sums)
{
	const struct movement *last = sums->last;

	if (level->available < 0 || level->reserved < 0 || level->sold < 0 ||
		level->available + level->reserved + level->sold != level->received)
		return wrong(picture,
			"book %" PRIu64 ": %" PRId64 " + %" PRId64 " + %" PRId64 " of %" PRId64,
			level->book_id, level->available, level->reserved, level->sold,
			level->received);
	if (level->reserved != sums->reserved || level->sold != sums->sold)
		return wrong(picture,
			"book %" PRIu64 ": reserved %" PRId64 ", held %" PRId64 "; sold %" PRId64
			", by reservations %" PRId64,
			level->book_id, level->reserved, sums->reserved, level->sold, sums->sold);
	if (level->received != sums->received ||
		(last &&
			(last->available != level->available || last->reserved != level->reserved ||
				last->sold != level->sold)))
		return wrong(picture,
			"book %" PRIu64 ": the journal does not lead to where it stands",
			level->book_id);
	return true;
}

static bool stock_check(struct picture *picture)
{
	struct sums *sums = calloc(picture->level_count + 1, sizeof(*sums));
	bool good = sums && reservations_add(picture, sums) && movements_add(picture, sums);

	for (size_t i = 0; good && i < picture->level_count; i++)
		good = level_check(picture, &picture->levels[i], &sums[i]);
	free(sums);
	return good;
}

/* --- orders --------------------------------------------------------------------------------- */

static bool order_check(struct picture *picture, const struct orderd_order *order)
{
	int64_t total = 0;

	for (size_t i = 0; i < order->item_count; i++)
		total += order->items[i].quantity * order->items[i].price;
	if (total != order->total || order->item_count == 0)
		return wrong(picture, "order %" PRIu64 ": its lines do not make its total",
			order->order_id);
	return true;
}

static int text_compare(const void *one, const void *other)
{
	return strcmp(*(const char *const *)one, *(const char *const *)other);
}

static bool numbers_check(struct picture *picture)
{
	const char **numbers = calloc(picture->order_count + 1, sizeof(*numbers));
	bool good = numbers != NULL;

	for (size_t i = 0; good && i < picture->order_count; i++)
		numbers[i] = picture->orders[i].order_no;
	if (good)
		qsort(numbers, picture->order_count, sizeof(*numbers), text_compare);
	for (size_t i = 1; good && i < picture->order_count; i++)
		if (strcmp(numbers[i - 1], numbers[i]) == 0)
			good = wrong(picture, "order number %s stands twice", numbers[i]);
	free(numbers);
	return good;
}

static bool events_check(struct picture *picture)
{
	enum orderd_status *reached = calloc(picture->order_count + 1, sizeof(*reached));
	bool good = reached != NULL;

	for (size_t i = 0; good && i < picture->event_count; i++) {
		const struct orderd_event *event = &picture->events[i];
		const struct orderd_order *order = picture_order(picture, event->order_id);

		if (event->seq != i + 1)
			good = wrong(picture, "event %" PRIu64 " stands at %zu", event->seq, i + 1);
		else if (!order)
			good = wrong(picture, "event %" PRIu64 ": there is no order %" PRIu64,
				event->seq, event->order_id);
		else if (reached[order - picture->orders] != event->from)
			good = wrong(picture, "event %" PRIu64 " came to an order that was %s",
				event->seq, status_names[reached[order - picture->orders]]);
		else
			reached[order - picture->orders] = event->to;
	}
	for (size_t i = 0; good && i < picture->order_count; i++)
		if (reached[i] != picture->orders[i].status)
			good = wrong(picture, "order %" PRIu64 " is %s, its events say %s",
				picture->orders[i].order_id,
				status_names[picture->orders[i].status], status_names[reached[i]]);
	free(reached);
	return good;
}

bool audit_always(struct picture *picture)
{
	if (!stock_check(picture))
		return false;
	for (size_t i = 0; i < picture->order_count; i++)
		if (!order_check(picture, &picture->orders[i]))
			return false;
	return numbers_check(picture) && events_check(picture);
}

/* --- both, at rest -------------------------------------------------------------------------- */

static const enum goal goals[] = {
	[ORDERD_PENDING] = GOAL_HELD,
	[ORDERD_PAID] = GOAL_SOLD,
	[ORDERD_SHIPPED] = GOAL_SOLD,
	[ORDERD_COMPLETED] = GOAL_SOLD,
	[ORDERD_CANCELLED] = GOAL_RETURNED,
};

static int64_t quantity_of(const struct orderd_order *order, uint64_t book_id)
{
	int64_t quantity = 0;

	for (size_t i = 0; i < order->item_count; i++)
		if (order->items[i].book_id == book_id)
			quantity += order->items[i].quantity;
	return quantity;
}

static bool has_lines(const struct reservation *reservation, const struct orderd_order *order)
{
	int64_t ordered = 0, held = 0;

	for (size_t i = 0; i < order->item_count; i++)
		ordered += order->items[i].quantity;
	for (size_t i = 0; i < reservation->item_count; i++) {
		const struct stock_line *line = &reservation->items[i];

		if (line->quantity != quantity_of(order, line->book_id))
			return false;
		held += line->quantity;
	}
	return held == ordered;
}

static bool reservation_check(struct picture *picture, const struct reservation *reservation)
{
	const struct orderd_order *order = picture_order(picture, reservation->order_id);

	if (!order && (reservation->state == GOAL_RETURNED || reservation->state == GOAL_REFUSED))
		return true;
	if (!order)
		return wrong(picture, "a reservation is %s and there is no order %" PRIu64,
			goal_names[reservation->state], reservation->order_id);
	if (reservation->state != goals[order->status] || !has_lines(reservation, order))
		return wrong(picture,
			"order %" PRIu64 " is %s, its reservation is %s or has other lines",
			order->order_id, status_names[order->status],
			goal_names[reservation->state]);
	return true;
}

bool audit_at_rest(struct picture *picture)
{
	size_t matched = 0;

	if (!audit_always(picture))
		return false;
	if (picture->saga_count > 0)
		return wrong(picture, "the saga of order %" PRIu64 " is open: %s",
			picture->sagas[0].order_id, saga_names[picture->sagas[0].step]);
	for (size_t i = 0; i < picture->reservation_count; i++) {
		if (!reservation_check(picture, &picture->reservations[i]))
			return false;
		matched += picture_order(picture, picture->reservations[i].order_id) != NULL;
	}
	if (matched != picture->order_count)
		return wrong(picture, "%zu orders have no reservation",
			picture->order_count - matched);
	return true;
}

bool audit_wait_for_rest(struct host *host, int64_t most_ms)
{
	struct range first = { .limit = 1 };
	struct saga_list sagas;

	for (int64_t passed_ms = 0, step_ms = 1; passed_ms <= most_ms; step_ms *= 2) {
		struct arena *arena = arena_new();
		int code = arena ? host_call(host, HOST_ORDERD, "saga.list", &range_record, &first,
					   arena, &saga_list_record, &sagas)
				 : -ENOMEM;

		arena_free(arena);
		if (code == 0 && sagas.count == 0 && host_parked(host, HOST_ORDERD) == 0)
			return true;
		host_pass(host, step_ms);
		passed_ms += step_ms;
	}
	return false;
}
