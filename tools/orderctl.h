#pragma once

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "client.h"
#include "instances.h"
#include "protocol.h"

/* orderctl: a table of verbs over common/client.h. A verb is a row in orderctl.c and a function;
 * the row's synopsis is what --help prints and what the command line is checked against. */

#ifndef RUNTIME_DIR
#define RUNTIME_DIR "/run/orderd"
#endif

/* How orderctl ends. */
enum {
	STATUS_DONE,
	STATUS_REFUSED,     /* by a daemon, or something is not as it should be */
	STATUS_USAGE,       /* of the command line, or of a file that cannot be read */
	STATUS_UNREACHABLE, /* no answer from a daemon */
};

#ifndef STATE_DIR
#define STATE_DIR "/var/lib/orderd"
#endif

/* Behind the four daemons come the instances of catalogd that ctl_members has found. */
enum neighbour { ORDERD, STOCKD, CATALOGD, REAPERD, NEIGHBOURS };
#define MEMBERS_MAX (NEIGHBOURS + INSTANCES_MAX)

struct ctl {
	const char *runtime_dir;
	bool json;
	int64_t timeout_ms;  /* 0: not given */
	struct arena *arena; /* of this run */
	const struct verb *verb;
	char **arguments; /* what is no option, in order */
	size_t argument_count;
	struct ctl_option *options; /* of the verb, in order */
	size_t option_count;
	char *instances[INSTANCES_MAX]; /* by name: "catalogd@2" */
	size_t instance_count;
	struct connection *connections[MEMBERS_MAX]; /* opened on first use */
};

/* One command. The synopsis is made of
 *     NAME [NAME]               arguments, needed or not;
 *     --name VALUE, --name      options that are needed, with and without a value;
 *     [--name VALUE] [--name]   options that are not;
 *     ...                       behind any of them: several. */
struct verb {
	const char *noun;
	const char *verb; /* NULL: the noun is the whole command */
	const char *synopsis;
	const char *help; /* one line; NULL: for programs, not listed; these rows come last */
	int (*run)(struct ctl *ctl);
	const char *notes; /* for --help of this command; NULL: none */
};

extern const struct verb verbs[]; /* ends with a row without noun */

int catalog_add(struct ctl *ctl);
int catalog_get(struct ctl *ctl);
int catalog_list(struct ctl *ctl);
int catalog_import(struct ctl *ctl);
int stock_set(struct ctl *ctl);
int stock_add(struct ctl *ctl);
int stock_show(struct ctl *ctl);
int stock_list(struct ctl *ctl);
int stock_journal(struct ctl *ctl);
int stock_import(struct ctl *ctl);
int order_create(struct ctl *ctl);
int order_get(struct ctl *ctl);
int order_list(struct ctl *ctl);
int order_pay(struct ctl *ctl);
int order_ship(struct ctl *ctl);
int order_complete(struct ctl *ctl);
int order_cancel(struct ctl *ctl);
int order_refund(struct ctl *ctl);
int order_history(struct ctl *ctl);
int order_import(struct ctl *ctl);
int events_read(struct ctl *ctl);
int saga_list(struct ctl *ctl);
int saga_show(struct ctl *ctl);
int saga_retry(struct ctl *ctl);
int stats_show(struct ctl *ctl);
int metrics_show(struct ctl *ctl);
int top_show(struct ctl *ctl);
int status_show(struct ctl *ctl);
int fsck_run(struct ctl *ctl);
int repair_run(struct ctl *ctl); /* fsck --repair */
int config_check(struct ctl *ctl);
int config_show(struct ctl *ctl);
int complete_run(struct ctl *ctl);
int backup_run(struct ctl *ctl);
int restore_run(struct ctl *ctl);
int compact_run(struct ctl *ctl);

/* --- the command line (usage.c) --------------------------------------------------------------- */

struct ctl_option {
	const char *name;  /* without dashes */
	const char *value; /* NULL: a switch */
};

/* Reads the whole command line into ctl, global options included. Returns STATUS_DONE, or the
 * status to end with after having said why (--help and --version also end there, with
 * *ret_finished set). */
int usage_read(struct ctl *ctl, int argc, char **argv, bool *ret_finished);

/* What every command takes; ends with a row without name. */
extern const struct option usage_options[];

/* Says on stderr what is wrong with the command line and where its help is. Returns
 * STATUS_USAGE. */
int usage_refuse(const struct ctl *ctl, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The value of an option, the last one where it is given twice; NULL: not given ("" for a
 * switch). */
const char *ctl_option(const struct ctl *ctl, const char *name);

/* The values of an option that may be given several times: the next one from *cursor (0 at first)
 * on, NULL after the last. */
const char *ctl_option_next(const struct ctl *ctl, const char *name, size_t *cursor);

/* Options and arguments as numbers. 0, or STATUS_USAGE after having said what is wrong with
 * `what`. An option that is not given leaves *ret alone. */
int ctl_option_u64(const struct ctl *ctl, const char *name, uint64_t *ret);
int ctl_option_i64(const struct ctl *ctl, const char *name, int64_t min, int64_t max, int64_t *ret);
int ctl_option_duration(const struct ctl *ctl, const char *name, int64_t *ret_ms);
int ctl_number(const struct ctl *ctl, const char *what, const char *text, int64_t min, int64_t max,
	int64_t *ret);

/* --- asking (session.c) ----------------------------------------------------------------------- */

#define TIMEOUT_MS 10000 /* of one command, unless --timeout says otherwise */

int64_t ctl_timeout_ms(const struct ctl *ctl);
const char *ctl_name(const struct ctl *ctl, enum neighbour who);

/* Looks which instances of catalogd there are, or are to be, and returns how many there are to ask
 * with the four: `who` from 0 on. Those found before keep their place (members.c). */
size_t ctl_members(struct ctl *ctl);

/* The connection to a daemon. 0 or a negative errno. */
int ctl_connection(struct ctl *ctl, enum neighbour who, struct connection **ret);

/* One call; as connection_call. */
int ctl_try(struct ctl *ctl, enum neighbour who, const char *operation,
	const struct record *request_record, const void *request, const struct record *reply_record,
	void *ret_reply, struct answer *ret_answer);

/* Says on stderr what a result other than 0 means and returns the status to end with. `answer` may
 * be NULL. */
int ctl_failed(const struct ctl *ctl, enum neighbour who, int result, const struct answer *answer);

/* Both: 0, or the status to end with. */
int ctl_call(struct ctl *ctl, enum neighbour who, const char *operation,
	const struct record *request_record, const void *request, const struct record *reply_record,
	void *ret_reply);

/* A BOOK argument: an id, or sku:SKU which catalogd is asked for. 0, or the status to end with. */
int ctl_book(struct ctl *ctl, const char *text, uint64_t *ret_book_id);

/* An order as people name it: by id, or by its 20-digit number. */
int ctl_order_ref(struct ctl *ctl, const char *text, struct order_ref *ret);

/* Where the stores are: --state-dir, or the usual place. */
const char *ctl_state_dir(const struct ctl *ctl);

/* Becomes the owner of the stores, so that no daemon starts on them; one that runs has some seconds
 * to end. An exchange of stores that was interrupted is brought to its end first. 0, or the status to
 * end with after having said why. */
#define CTL_LOCKS 4
int ctl_lock_stores(const char *state_dir, int ret_fds[CTL_LOCKS]);
void ctl_unlock_stores(int fds[CTL_LOCKS]);

void ctl_done(struct ctl *ctl);
