#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "metrics.h"

#define HEAD_MAX_BYTES 8192
#define HEAD_TIMEOUT_MS 5000 /* for the whole head, however slowly it comes */

/* Reads up to the empty line. 0, or -errno: nobody waits for an answer then. */
static int head_read(char head[HEAD_MAX_BYTES + 1])
{
	int64_t until_ms = clock_monotonic_ms() + HEAD_TIMEOUT_MS;
	size_t size = 0;

	head[0] = '\0';
	while (!strstr(head, "\r\n\r\n") && !strstr(head, "\n\n")) {
		struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
		int64_t left_ms = until_ms - clock_monotonic_ms();
		ssize_t got;

		if (size == HEAD_MAX_BYTES)
			return -EMSGSIZE;
		if (left_ms <= 0 || poll(&in, 1, (int)left_ms) <= 0)
			return -ETIMEDOUT;
		got = read(STDIN_FILENO, head + size, HEAD_MAX_BYTES - size);
		if (got <= 0)
			return got < 0 ? -errno : -ECONNRESET;
		size += (size_t)got;
		head[size] = '\0';
	}
	return 0;
}

/* Whether the scraper asks for this type: the Accept line names it. */
static bool head_accepts(const char *head, const char *type)
{
	const char *line = strcasestr(head, "\naccept:");
	const char *found = line ? strcasestr(line, type) : NULL;

	return found && found < line + 1 + strcspn(line + 1, "\n");
}

static void answer_write(const char *status, const char *type, const char *body, size_t size,
	bool with_body)
{
	printf("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
		status, type, size);
	if (with_body)
		fwrite(body, 1, size, stdout);
}

static int error_write(const char *status)
{
	answer_write(status, "text/plain; charset=utf-8", status, strlen(status), true);
	return STATUS_DONE;
}

static int metrics_answer(struct ctl *ctl, const char *head, bool with_body)
{
	bool open = head_accepts(head, "application/openmetrics-text");
	char *body = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&body, &size);

	if (!out)
		return error_write("500 Internal Server Error");
	metrics_write(ctl, open ? METRICS_OPENMETRICS : METRICS_PROMETHEUS, out);
	if (fclose(out) == 0)
		answer_write("200 OK",
			open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
			     : "text/plain; version=0.0.4; charset=utf-8",
			body, size, with_body);
	free(body);
	return STATUS_DONE;
}

int metrics_serve(struct ctl *ctl)
{
	char head[HEAD_MAX_BYTES + 1], method[16], path[256], version[16];
	int error = head_read(head);

	if (error == -EMSGSIZE)
		return error_write("431 Request Header Fields Too Large");
	if (error == -ETIMEDOUT)
		return error_write("408 Request Timeout");
	if (error)
		return STATUS_REFUSED;
	if (sscanf(head, "%15s %255s %15s", method, path, version) != 3 ||
		strncmp(version, "HTTP/1.", 7) != 0)
		return error_write("400 Bad Request");
	path[strcspn(path, "?")] = '\0';
	if (strcmp(path, "/metrics") != 0)
		return error_write("404 Not Found");
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return error_write("405 Method Not Allowed");
	return metrics_answer(ctl, head, strcmp(method, "GET") == 0);
}
