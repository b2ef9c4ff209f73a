#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "report.h"
#include "text.h"

/* Drives Redis by one command as orderd-bench drives orderd, so that both are timed alike. Used by
 * bench/compare; not installed. */

#define EXIT_USAGE 2
#define EXIT_UNREACHABLE 3

struct redis_load {
	uint64_t connections, depth, requests, rate;
	char **words; /* the socket, then the command */
	int word_count;
};

static const struct argp_option options[] = {
	{ "connections", 'c', "N", 0, "connections (64)", 0 },
	{ "depth", 'd', "N", 0, "requests outstanding on each, closed loop (1)", 0 },
	{ "requests", 'n', "N", 0, "requests in all (40000)", 0 },
	{ "rate", 'r', "PER-SECOND", 0, "open loop: requests are due at this rate", 0 },
	{ 0 },
};

static void number_set(struct argp_state *state, const char *text, uint64_t *ret)
{
	if (!text_to_u64(text, ret) || *ret < 1 || *ret > 1000000000)
		argp_error(state, "%s: give a number from 1 to 1000000000", text);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct redis_load *asked = state->input;

	switch (key) {
	case 'c':
		number_set(state, text, &asked->connections);
		break;
	case 'd':
		number_set(state, text, &asked->depth);
		break;
	case 'n':
		number_set(state, text, &asked->requests);
		break;
	case 'r':
		number_set(state, text, &asked->rate);
		break;
	case ARGP_KEY_ARGS:
		asked->words = state->argv + state->next;
		asked->word_count = state->argc - state->next;
		break;
	case ARGP_KEY_END:
		if (asked->word_count < 2)
			argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* The words as Redis wants them: their number, then each with its length. */
static int command_write(char **words, int count, struct redis_command *ret)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return -ENOMEM;
	fprintf(file, "*%d\r\n", count);
	for (int i = 0; i < count; i++)
		fprintf(file, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
	if (fclose(file) != 0)
		return -ENOMEM;
	*ret = (struct redis_command){ text, size };
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "SOCKET COMMAND [WORD...]",
		"Loads Redis with one command and prints a JSON object.", NULL, NULL, NULL };
	static struct load_result result;
	struct redis_load asked = { .connections = 64, .depth = 1, .requests = 40000 };
	struct redis_command command;
	struct load load = { .wire = &redis_wire, .argument = &command, .quiet = true };
	int error;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &asked);
	load.socket_path = asked.words[0];
	load.connections = (unsigned)asked.connections;
	load.depth = (unsigned)asked.depth;
	load.requests = asked.requests;
	load.rate = (double)asked.rate;
	error = command_write(asked.words + 1, asked.word_count - 1, &command);
	if (error == 0)
		error = load_run(&load, &result);
	if (error < 0) {
		fprintf(stderr, "redis-load: %s: %s\n", load.socket_path, strerror(-error));
		return EXIT_UNREACHABLE;
	}
	putchar('{');
	report_load_json(&result);
	puts("}");
	free((void *)command.at);
	return result.lost > 0 || result.refused > 0;
}
