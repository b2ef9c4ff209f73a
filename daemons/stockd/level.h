#pragma once

#include "stock.h"

/* Between stock.c and reservation.c: the records both work on. */

struct key stock_key(uint64_t id); /* of a level or a reservation */

/* What a lookup that found nothing means: the outcome, unless the transaction has failed. */
int stock_absent(const struct stock *stock, int outcome);

bool level_is_sound(const struct level *level); /* it adds up, within bounds */

/* OUTCOME_BOOK_NOT_FOUND; -EUCLEAN where the stored level does not add up. */
int level_get(struct stock *stock, uint64_t book_id, struct level *ret);

/* The one place that writes a level, together with the line that says why. The line has its kind,
 * order, quantity, actor and reason. */
void level_write(struct stock *stock, struct level *level, struct movement *line);

/* OUTCOME_RESERVATION_NOT_FOUND. */
int reservation_get(struct stock *stock, uint64_t order_id, struct reservation *ret);
