#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec.h"

/* One table of fields a record. The same table reads the record from the wire (a map with these
 * names), writes it there, stores it (an array in this order) and is what orderctl prints.
 *
 * The C side is a plain struct:
 *   FIELD_U64, FIELD_TIME_MS  uint64_t / int64_t
 *   FIELD_I64                 int64_t
 *   FIELD_BOOL                bool
 *   FIELD_TEXT                const char *, NUL-terminated in the arena; NULL when absent
 *   FIELD_BYTES               const void *, in the frame or the arena, and a size_t at count_offset
 *   FIELD_ENUM                an enum or int, an index into `names` (0 is never a value)
 *   FIELD_LIST                a pointer to the first element, and a size_t at count_offset
 *   FIELD_RECORD              the struct itself, in place
 *
 * Appending a field to a stored record is compatible: a shorter stored array leaves the new
 * fields at their `otherwise`. Removing or reordering needs a new record version. */

enum field_type {
	FIELD_U64,
	FIELD_I64,
	FIELD_TIME_MS, /* int64_t, milliseconds since 1970 UTC */
	FIELD_BOOL,
	FIELD_TEXT,
	FIELD_SKU,   /* text that must satisfy text_is_sku */
	FIELD_BYTES, /* another's record, carried and not looked into */
	FIELD_ENUM,  /* on the wire its name */
	FIELD_LIST,
	FIELD_RECORD,
};

enum field_flags {
	FIELD_REQUIRED = 1, /* a request without it is refused */
	FIELD_HIDDEN = 2,   /* stored, never on the wire */
	FIELD_SPARSE = 4,   /* left out on the wire when zero, NULL or empty */
};

struct record {
	const char *name; /* for messages: "order" */
	size_t size;      /* of the C struct */
	const struct field *fields;
	size_t count;
};

struct field {
	const char *name;
	enum field_type type;
	unsigned flags;
	size_t offset;
	/* Inclusive bounds: of the number (0, 0: any for I64; 0 up to INT64_MAX for U64 and
	 * TIME_MS), the bytes of a text (0, 0: 0 to 255) or of BYTES, the elements of a list. */
	int64_t min, max;
	int64_t otherwise;        /* number, bool or enum when absent */
	const struct record *of;  /* LIST and RECORD; a LIST of NULL holds uint64_t */
	size_t count_offset;      /* LIST, BYTES */
	const char *const *names; /* ENUM: names[1] ... NULL-terminated; names[0] is "" */
};

#define RECORD(type, table) \
	{ \
		.name = #type, .size = sizeof(struct type), .fields = (table), \
		.count = sizeof(table) / sizeof((table)[0]), \
	}
#define AT(type, member) .offset = offsetof(struct type, member)
#define COUNT_AT(type, member) .count_offset = offsetof(struct type, member)

/* Fills *ret_record (zeroed first) from a map. Unknown names are ignored.
 *
 * Returns OUTCOME_OK; OUTCOME_BAD_REQUEST with *ret_why (arena text that names the field and its
 * bounds) for a missing, doubled, mistyped or out-of-range field, for text that is not clean
 * UTF-8, for a map key that is no string; -ENOMEM. */
int fields_from_map(struct arena *arena, const struct record *record, const struct value *map,
	void *ret_record, const char **ret_why);

/* Writes the record's visible fields as `name, value` pairs into a map that the caller opened and
 * returns how many pairs. An absent text (NULL) is left out. */
uint32_t fields_to_map(struct buffer *buffer, const struct record *record, const void *from);

/* Whether fields_to_map writes the field: visible, and there. */
bool field_is_shown(const struct field *field, const void *from);

/* The stored form: an array of all fields in the table's order, of `size` bytes. Types are checked,
 * the wire's bounds are not: what was stored under wider ones stays readable. Texts and bytes are
 * copied. 0; -EUCLEAN: not that record; -ENOMEM. */
int fields_from_array(struct arena *arena, const struct record *record, const void *bytes,
	size_t size, void *ret_record);
void fields_to_array(struct buffer *buffer, const struct record *record, const void *from);

/* The field of that name, or NULL. */
const struct field *record_field(const struct record *record, const char *name);

/* Bytes of one element of a FIELD_LIST. */
size_t field_element_size(const struct field *field);

/* The value of a name in an enum's names, or 0. */
int names_find(const char *const *names, const char *name, size_t size);
