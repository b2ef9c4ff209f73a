#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fields.h"

/* What a command prints, from the field table of the record that came over the wire: tables for
 * people, JSON for programs (the wire's names; money in the smallest unit, times in ms since 1970).
 *
 * In a table money stands as 59.00, times in UTC, and a list as its count. Long tables go through
 * a pager (pager.h). */

void output_begin(bool json);

/* Whether this terminal, or who uses it, wants colours. */
bool output_has_colours(void);

/* Flushes and waits for the pager. 0, or -errno when not everything could be written. */
int output_end(void);

bool output_is_json(void);

/* One record: as JSON one object, for people a line for each field and a table for each list. */
void output_record(const struct record *record, const void *from);

/* Many records: as JSON one object a line, for people one table. `columns` names those of the
 * table, separated by blanks; NULL: all. Rows are copied when they are added. */
struct rows;
struct rows *rows_begin(const struct record *record, const char *columns); /* NULL: no memory */
void rows_add(struct rows *rows, const void *from);
void rows_end(struct rows *rows); /* prints what is left and frees */
