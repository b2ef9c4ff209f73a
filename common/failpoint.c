#include "failpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_BYTES 96
#define RULES_MAX 16
#define SITES_MAX 512
#define HIT_MAX 1000000000 /* what is beyond was negative */
#define EXIT_USAGE 2

enum action { ACTION_NONE, ACTION_KILL, ACTION_STOP, ACTION_ERROR };

static const char *const action_names[] = {
	[ACTION_KILL] = "kill",
	[ACTION_STOP] = "stop",
	[ACTION_ERROR] = "error",
};

struct rule {
	char site[NAME_MAX_BYTES];
	enum action action;
	unsigned long left; /* passes until it acts; 0: it has */
};

bool failpoints_on;

static struct {
	const char *program;
	const char *path;
	int log_fd;
	struct stat read; /* the file that the rules are from */
	struct rule rules[RULES_MAX];
	size_t rule_count;
	char passed[SITES_MAX][NAME_MAX_BYTES];
	size_t passed_count;
} points;

/* A test whose rules are not what it thinks must not go on. */
static void give_up(const char *what, const char *about)
{
	dprintf(STDERR_FILENO, "%s: ORDERD_FAILPOINTS: %s: %s\n", points.program, what, about);
	_exit(EXIT_USAGE);
}

static bool is_blank(const char *text)
{
	return text[strspn(text, " \n")] == '\0';
}

static void rule_read(const char *line)
{
	struct rule *rule = &points.rules[points.rule_count];
	char action[8];
	int words, action_end = 0, end = 0;

	if (is_blank(line))
		return;
	if (points.rule_count == RULES_MAX)
		give_up("too many rules", line);
	*rule = (struct rule){ .left = 1 };
	words = sscanf(line, " %95[^= \n]=%7[a-z]%n:%lu%n", rule->site, action, &action_end,
		&rule->left, &end);
	for (enum action i = ACTION_KILL; words >= 2 && i <= ACTION_ERROR; i++)
		if (strcmp(action, action_names[i]) == 0)
			rule->action = i;
	if (rule->action == ACTION_NONE || rule->left == 0 || rule->left > HIT_MAX ||
		!is_blank(line + (words == 3 ? end : action_end)))
		give_up("write SITE=kill, stop or error, and :HIT from 1", line);
	points.rule_count++;
}

static void rules_read(void)
{
	char line[256];
	FILE *file = fopen(points.path, "re");

	points.rule_count = 0;
	points.passed_count = 0;
	while (file && fgets(line, sizeof(line), file))
		rule_read(line);
	if (file)
		fclose(file);
}

static void rules_refresh(void)
{
	struct stat now = { 0 };

	stat(points.path, &now);
	if (now.st_ino == points.read.st_ino && now.st_mtim.tv_sec == points.read.st_mtim.tv_sec &&
		now.st_mtim.tv_nsec == points.read.st_mtim.tv_nsec)
		return;
	points.read = now;
	rules_read();
}

bool failpoints_open(const char *program)
{
	char path[PATH_MAX];

	points.program = program;
	points.path = secure_getenv("ORDERD_FAILPOINTS");
	if (!points.path || !points.path[0])
		return false;
	snprintf(path, sizeof(path), "%s.log", points.path);
	points.log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (points.log_fd < 0)
		give_up(path, strerror(errno));
	failpoints_on = true;
	return true;
}

static void site_note(const char *site)
{
	for (size_t i = 0; i < points.passed_count; i++)
		if (strcmp(points.passed[i], site) == 0)
			return;
	if (points.passed_count == SITES_MAX)
		give_up("too many sites", site);
	strcpy(points.passed[points.passed_count++], site);
	dprintf(points.log_fd, "passed %s\n", site);
}

static int act(const struct rule *rule)
{
	dprintf(points.log_fd, "%s %s\n", action_names[rule->action], rule->site);
	if (rule->action == ACTION_KILL)
		raise(SIGKILL);
	if (rule->action == ACTION_STOP)
		raise(SIGSTOP);
	return rule->action == ACTION_ERROR ? -EIO : 0;
}

static void name_print(char ret[NAME_MAX_BYTES], const char *word, va_list words)
{
	size_t size = (size_t)snprintf(ret, NAME_MAX_BYTES, "%s", points.program);

	for (; word; word = va_arg(words, const char *))
		if (size < NAME_MAX_BYTES)
			size += (size_t)snprintf(ret + size, NAME_MAX_BYTES - size, ".%s", word);
}

int failpoint_pass(const char *word, ...)
{
	char site[NAME_MAX_BYTES];
	va_list words;
	int result = 0;

	va_start(words, word);
	name_print(site, word, words);
	va_end(words);
	rules_refresh();
	site_note(site);
	for (size_t i = 0; i < points.rule_count; i++) {
		struct rule *rule = &points.rules[i];

		if (rule->left > 0 && strcmp(rule->site, site) == 0 && --rule->left == 0)
			result = act(rule);
	}
	return result;
}
