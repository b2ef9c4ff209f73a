#include "orderctl.h"

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "streams.h"

#define IMPORT_OPTIONS " [--column NAME=HEADING]... [--rejects FILE] [--strict] [--progress]"

#define IMPORT_NOTES \
	"FILE is what a spreadsheet writes, or - for standard input: any of , ; tab | between\n" \
	"the fields, decimal point or comma, UTF-8, UTF-16 or Latin-1, quotes, CRLF. The first\n" \
	"line names the columns; --column sku=StockCode says where a name is not understood.\n" \
	"A row that cannot be used is refused with a reason: the summary counts them, --rejects\n" \
	"writes them to FILE with line number and reason, --strict makes them exit status 1.\n"

static const char catalog_import_notes[] = IMPORT_NOTES
	"\nColumns: sku or id (both may be there), title, price with up to two decimals. One book\n"
	"a sku: of its rows with a price above zero the last price and the last title win. A\n"
	"second run of the same file changes nothing.\n";

static const char stock_import_notes[] = IMPORT_NOTES
	"\nColumns: sku or id, available; the rows of one book are added up. With --from-orders\n"
	"the file is one of orders: a book gets as many as its orders want, with --scale 80 only\n"
	"80 percent of that. What was added is remembered for 24 hours by the file's content,\n"
	"book and quantity: until then a second run of the same file changes nothing.\n";

static const char order_import_notes[] = IMPORT_NOTES
	"\nColumns: order, user, sku or book_id, quantity. Rows with the same order make one\n"
	"order, wherever they stand; prices come from the catalog. Each is made under the\n"
	"idempotency key import:ORDER, so that a second run within 24 hours makes none twice;\n"
	"after that it would. An order without a user is refused unless --default-user says who.\n";

static const char fsck_notes[] =
	"Checks every level of stock, every reservation and every order against each other and\n"
	"the journal of stock. What disagrees is looked at again for 5 seconds: only what stays\n"
	"is reported, with exit status 1. Orders with an open saga are in transit.\n\n"
	"--repair is for stores whose daemons are stopped. It derives levels from the journal, and\n"
	"users' lists, deadlines, numbers and skus from orders and books, and says where the stores\n"
	"differ. Nothing is changed unless --write is given. What is damaged and stands nowhere\n"
	"else is named and left; exit status 1 while anything is.\n";

static const char backup_notes[] =
	"DIR is made and must not be there before, or be empty and yours. The copies agree: orderd\n"
	"waits for some milliseconds while they begin. Needs to read the stores: run it as root or\n"
	"as the daemons' own user. Without --state-dir a running orderd says where they are.\n";

static const char restore_notes[] =
	"Refuses while a daemon runs. Every file is checked against the manifest first. The old\n"
	"stores stay beside the new ones, as NAME.before-TIME. Run `orderctl fsck` after the start.\n";

static const char compact_notes[] =
	"Refuses while a daemon runs. Needs as much free disk as the stores take, for a moment.\n";

static const char status_notes[] =
	"up, degraded (it serves and something is amiss: a store 90 % full, a saga open for a\n"
	"minute, a deadline 5 s overdue), not ready, or down. Exit status 0 when all are up, 1\n"
	"when one is degraded or not ready, 3 when one does not answer.\n";

static const char top_notes[] =
	"A screen that is drawn anew every 2 seconds; q ends it, the space bar looks at once.\n"
	"Rates and means are of the last interval, P99 since the daemon's start. --batch, or an\n"
	"output that is no terminal, prints it --count times, or until it is stopped.\n";

static const char metrics_notes[] =
	"OpenMetrics, or with --output the text format that node_exporter's textfile collector\n"
	"reads; the file is replaced as a whole. A daemon that is down is a metric too: the exit\n"
	"status is 0. --http answers one request on the standard input and output.\n";

static const char config_notes[] =
	"Reads FILE, or " SYSCONFDIR "/orderd/orderd.conf, as the daemons do at their start,\n"
	"without asking one. Exit status 0 when they would take it, 1 when not.\n";

const struct verb verbs[] = {
	{ "catalog", "add", "--id N --title T --price P [--sku S] [--inactive]",
		"put a book or change it", catalog_add,
		"P is a whole number of the smallest unit (5900) or has decimals (59.00).\n" },
	{ "catalog", "get", "ID|SKU", "show a book", catalog_get,
		"Digits are an id, or a sku where no book has that id; sku:S is always a sku.\n" },
	{ "catalog", "list", "[--after ID] [--limit N]", "all books by id", catalog_list, NULL },
	{ "catalog", "import", "FILE" IMPORT_OPTIONS, "put the books of a file", catalog_import,
		catalog_import_notes },
	{ "stock", "set", "BOOK N [--reason R]", "make N available", stock_set, NULL },
	{ "stock", "add", "BOOK +N|-N --reason R [--key K]", "add N, or take -N away", stock_add,
		"Under the same --key within 24 hours nothing is added again.\n" },
	{ "stock", "show", "BOOK", "available, reserved, sold", stock_show, NULL },
	{ "stock", "list", "[--after ID] [--limit N]", "the stock of all books", stock_list, NULL },
	{ "stock", "journal", "[--book BOOK] [--order ID] [--after SEQ] [--limit N]",
		"every movement of stock", stock_journal, NULL },
	{ "stock", "import", "FILE [--from-orders] [--scale PERCENT]" IMPORT_OPTIONS,
		"add the stock of a file", stock_import, stock_import_notes },
	{ "order", "create", "--user U --item BOOK=QTY... [--key K] [--expires-in TIME]",
		"make an order", order_create,
		"Without --key one is made up, so that a lost answer never makes two orders.\n" },
	{ "order", "get", "ORDER", "show an order", order_get, NULL },
	{ "order", "list", "--user U [--status STATUS] [--page N] [--page-size N] [--after ID]",
		"a user's orders, newest first", order_list,
		"--after goes on behind the order of that id, whatever was made meanwhile.\n" },
	{ "order", "pay", "ORDER [--reason R]", "PENDING becomes PAID", order_pay, NULL },
	{ "order", "ship", "ORDER [--reason R]", "PAID becomes SHIPPED", order_ship, NULL },
	{ "order", "complete", "ORDER [--reason R]", "SHIPPED becomes COMPLETED", order_complete,
		NULL },
	{ "order", "cancel", "ORDER [--reason R]", "cancel, stock goes back", order_cancel, NULL },
	{ "order", "refund", "ORDER [--reason R]", "PAID becomes CANCELLED", order_refund, NULL },
	{ "order", "history", "ORDER", "every change of an order", order_history, NULL },
	{ "order", "import", "FILE [--default-user N]" IMPORT_OPTIONS, "make the orders of a file",
		order_import, order_import_notes },
	{ "events", NULL, "[--after SEQ] [--limit N] [--follow]", "changes of all orders",
		events_read,
		"From the first one, or from the one behind --after; --follow waits for more.\n" },
	{ "saga", "list", "[--after ID] [--limit N]", "what is still to be settled", saga_list,
		NULL },
	{ "saga", "show", "ORDER", "one of them", saga_show, NULL },
	{ "saga", "retry", "ORDER", "try it again now", saga_retry, NULL },
	{ "status", NULL, "", "health of the four daemons", status_show, status_notes },
	{ "stats", NULL, "", "what the daemons have counted and timed", stats_show,
		"Since the start of each; times in microseconds.\n" },
	{ "top", NULL, "[--interval TIME] [--count N] [--batch]", "the same live", top_show,
		top_notes },
	{ "metrics", NULL, "[--output FILE] [--format FORMAT] [--http]", "the same for Prometheus",
		metrics_show, metrics_notes },
	{ "fsck", NULL, "[--repair] [--write] [--state-dir DIR]",
		"check all data, live; or repair it", fsck_run, fsck_notes },
	{ "backup", NULL, "DIR [--state-dir DIR] [--progress]", "copy all stores, live", backup_run,
		backup_notes },
	{ "restore", NULL, "DIR [--state-dir DIR]", "put a backup in place of the stores",
		restore_run, restore_notes },
	{ "compact", NULL, "[--state-dir DIR]", "give free room in the stores back", compact_run,
		compact_notes },
	{ "config", "check", "[FILE]", "name every mistake in the settings", config_check,
		config_notes },
	{ "config", "show", "[FILE]", "every setting and where it comes from", config_show,
		"What a daemon's own command line says overrides it and is not seen here.\n" },
	{ "complete", NULL, "[WORD]...", NULL, complete_run, NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};

/* All text is UTF-8, whatever the environment says; numbers keep their point. */
static void locale_begin(void)
{
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static const char *runtime_dir(void)
{
	const char *given = getenv("ORDERD_RUNTIME_DIR");

	return given && *given ? given : RUNTIME_DIR;
}

static int output_finish(int status)
{
	int error = output_end();

	if (!error)
		return status;
	fprintf(stderr, "orderctl: cannot write the output: %s\n", strerror(-error));
	return status ? status : STATUS_REFUSED;
}

static int verb_run(struct ctl *ctl)
{
	int status;

	output_begin(ctl->json);
	status = ctl->verb->run(ctl);
	return output_finish(status);
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .runtime_dir = runtime_dir(), .arena = arena_new() };
	bool finished = false;
	int status;

	streams_keep();
	signal(SIGPIPE, SIG_DFL); /* a reader that has enough ends this without a word */
	locale_begin();
	if (!ctl.arena) {
		fputs("orderctl: no memory\n", stderr);
		return STATUS_REFUSED;
	}
	status = usage_read(&ctl, argc, argv, &finished);
	if (!status)
		status = finished ? output_finish(status) : verb_run(&ctl);
	ctl_done(&ctl);
	return status;
}
