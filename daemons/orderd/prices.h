#pragma once

#include "order.h"

/* Prices that catalogd has told, remembered for as long as the catalog does not change.
 *
 * They are good for the version they were told under. Which version stands is read in every tick
 * from catalogd's own store, and catalogd answers a change only after its commit: once a change of
 * a price is answered, no request that comes later is served from memory with the old one. While
 * that store is not there, catalogd is asked for every order. */

struct prices;

struct prices *prices_new(void); /* NULL: no memory */
void prices_free(struct prices *prices);

/* Fills *ret, in the arena, if every line's book is remembered and current. */
bool prices_find(struct tick *tick, const struct orderd_create *create, struct price_reply *ret);

/* Takes over what catalogd has answered; at once, for it is true whatever becomes of the tick. */
void prices_remember(struct prices *prices, const struct price_reply *told);
