#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Numbers as people and spreadsheets write them: 4.15, 4,15, 1.234,56, 1 234.50, 12923.0, -3.
 * Decimal arithmetic on digits, no floating point anywhere.
 *
 * "1,250" may be one thousand or one and a quarter. `mark` says which of '.' and ',' stands before
 * the decimals in this file; with 0 (not known) such a number is refused as ambiguous. */

enum amount {
	AMOUNT_OK,
	AMOUNT_MISSING,    /* empty or blank */
	AMOUNT_UNREADABLE, /* no number */
	AMOUNT_AMBIGUOUS,  /* see above */
	AMOUNT_TOO_FINE,   /* more decimals than are kept, and not all of them zero */
	AMOUNT_TOO_LARGE,  /* past int64, or below 1 where an id is wanted */
};

/* Money in the smallest unit: "4.15" is 415, "4" is 400. All three return an enum amount and leave
 * *ret alone unless it is AMOUNT_OK. */
int amount_to_money(const char *text, char mark, int64_t *ret_money);

/* A whole number; decimals are taken when they are zero ("2.0"). */
int amount_to_whole(const char *text, char mark, int64_t *ret_number);

/* A whole number above 0, as in "12923.0". */
int amount_to_id(const char *text, char mark, uint64_t *ret_id);

/* The decimal mark that this number betrays: '.' or ','; 0 where it betrays none. */
char amount_mark(const char *text);

/* "missing", "not a number" and so on, to stand behind the name of a column. */
const char *amount_text(int amount);

/* 5900 as "59.00". Returns `text`. */
char *amount_print(char text[32], int64_t money);
