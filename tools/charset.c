#include "charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static bool char_is_control(char c)
{
	return ((unsigned char)c < 0x20) || c == 0x7f;
}

/* text_is_clean refuses control characters; here they are what stands between two clean texts. */
static bool bytes_are_utf8(const char *bytes, size_t size)
{
	size_t begin = 0;

	for (size_t i = 0; i <= size; i++) {
		if (i < size && !char_is_control(bytes[i]))
			continue;
		if (!text_is_clean(bytes + begin, i - begin))
			return false;
		begin = i + 1;
	}
	return true;
}

/* Windows puts printable characters where Latin-1 has the C1 controls; '?' where it has none. */
static unsigned latin1_point(unsigned char byte)
{
	static const unsigned short points[32] = {
		0x20ac,
		'?',
		0x201a,
		0x0192,
		0x201e,
		0x2026,
		0x2020,
		0x2021,
		0x02c6,
		0x2030,
		0x0160,
		0x2039,
		0x0152,
		'?',
		0x017d,
		'?',
		'?',
		0x2018,
		0x2019,
		0x201c,
		0x201d,
		0x2022,
		0x2013,
		0x2014,
		0x02dc,
		0x2122,
		0x0161,
		0x203a,
		0x0153,
		'?',
		0x017e,
		0x0178,
	};

	return byte >= 0x80 && byte < 0xa0 ? points[byte - 0x80] : byte;
}

static char *point_put(char *to, unsigned point)
{
	if (point < 0x80) {
		*to++ = (char)point;
	} else if (point < 0x800) {
		*to++ = (char)(0xc0 | point >> 6);
		*to++ = (char)(0x80 | (point & 0x3f));
	} else {
		*to++ = (char)(0xe0 | point >> 12);
		*to++ = (char)(0x80 | (point >> 6 & 0x3f));
		*to++ = (char)(0x80 | (point & 0x3f));
	}
	return to;
}

char *charset_utf8(struct arena *arena, const char *bytes, size_t size)
{
	char *text, *to;

	if (bytes_are_utf8(bytes, size))
		return arena_text(arena, bytes, size);
	text = arena_take(arena, 3 * size + 1);
	if (!text)
		return NULL;
	to = text;
	for (size_t i = 0; i < size; i++)
		to = point_put(to, latin1_point((unsigned char)bytes[i]));
	*to = '\0';
	return text;
}

char *charset_tidy(char *text)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		if (*at != ' ' && !char_is_control(*at))
			*to++ = *at;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	if (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
	return text;
}

bool charset_is_utf16(const char *bytes, size_t size)
{
	return size >= 2 && (!memcmp(bytes, "\xff\xfe", 2) || !memcmp(bytes, "\xfe\xff", 2));
}

int charset_from_utf16(char **bytes, size_t *size)
{
	size_t in_left = *size, out_left = 2 * *size, failed;
	char *in = *bytes, *out = malloc(out_left), *to = out;
	iconv_t converter = out ? iconv_open("UTF-8", "UTF-16") : (iconv_t)-1;

	if (converter == (iconv_t)-1) {
		free(out);
		return -ENOMEM;
	}
	failed = iconv(converter, &in, &in_left, &to, &out_left);
	iconv_close(converter);
	if (failed == (size_t)-1) {
		free(out);
		return -EILSEQ;
	}
	free(*bytes);
	*bytes = out;
	*size = (size_t)(to - out);
	return 0;
}
