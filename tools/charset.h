#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"

/* Whatever a file is written in, read as UTF-8. */

/* A field as UTF-8 in the arena: as it is where it is UTF-8 already, else read as Latin-1 in the
 * way of Windows (0x80 is the euro sign). NULL: no memory. */
char *charset_utf8(struct arena *arena, const char *bytes, size_t size);

/* Whether the bytes begin with the byte order mark of UTF-16. */
bool charset_is_utf16(const char *bytes, size_t size);

/* Puts UTF-8 from malloc in place of such bytes. 0, -EILSEQ: they are no UTF-16, -ENOMEM. */
int charset_from_utf16(char **bytes, size_t *size);

/* Makes one line of a text: each run of spaces, line breaks and other control characters becomes
 * one space, those around it go. Returns `text`. */
char *charset_tidy(char *text);
