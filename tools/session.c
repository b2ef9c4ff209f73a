#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "orderctl.h"
#include "text.h"

static const char *const names[NEIGHBOURS] = {
	[ORDERD] = "orderd",
	[STOCKD] = "stockd",
	[CATALOGD] = "catalogd",
	[REAPERD] = "reaperd",
};

int64_t ctl_timeout_ms(const struct ctl *ctl)
{
	return ctl->timeout_ms ? ctl->timeout_ms : TIMEOUT_MS;
}

const char *ctl_name(const struct ctl *ctl, enum neighbour who)
{
	return who < NEIGHBOURS ? names[who] : ctl->instances[who - NEIGHBOURS];
}

int ctl_connection(struct ctl *ctl, enum neighbour who, struct connection **ret)
{
	char *path = arena_print(ctl->arena, "%s/%s.sock", ctl->runtime_dir, ctl_name(ctl, who));
	int error = path ? 0 : -ENOMEM;

	if (!error && !ctl->connections[who])
		error = connection_open(&ctl->connections[who], path);
	if (!error)
		*ret = ctl->connections[who];
	return error;
}

int ctl_try(struct ctl *ctl, enum neighbour who, const char *operation,
	const struct record *request_record, const void *request, const struct record *reply_record,
	void *ret_reply, struct answer *ret_answer)
{
	struct connection *connection;
	int error = ctl_connection(ctl, who, &connection);

	if (error)
		return error;
	return connection_call(connection, ctl->arena, operation, request_record, request,
		ctl_timeout_ms(ctl), reply_record, ret_reply, ret_answer);
}

/* What cannot be reached, why, and what to do about it. */
static void unreachable_print(const struct ctl *ctl, enum neighbour who, int error)
{
	const char *name = ctl_name(ctl, who);

	fprintf(stderr, "orderctl: %s does not answer on %s/%s.sock: ", name, ctl->runtime_dir,
		name);
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
		fprintf(stderr,
			"there is no such socket.\nStart it (systemctl reset-failed %s.service"
			" %s.socket; systemctl start %s), see why it ended\n(journalctl -u %s),"
			" or say where the sockets are with --runtime-dir.\n",
			name, name, name, name);
		break;
	case -EACCES:
	case -EPERM:
		fprintf(stderr,
			"permission denied.\nRun this as root or as a member of the socket's"
			" group.\n");
		break;
	case -ECONNREFUSED:
		fprintf(stderr,
			"nobody answers there.\nStart it (systemctl start %s) or see why it"
			" ended (journalctl -u %s).\n",
			name, name);
		break;
	case -ETIMEDOUT:
		fprintf(stderr,
			"no answer within %" PRId64 " ms.\nWhether it was done is not known:"
			" look first, then repeat it, perhaps with a longer --timeout.\n",
			ctl_timeout_ms(ctl));
		break;
	default:
		fprintf(stderr, "%s.\nCheck that %s is of this version (orderctl status).\n",
			strerror(-error), name);
	}
	if (who >= NEIGHBOURS)
		fprintf(stderr,
			"If it is not wanted any more: systemctl disable --now %s.service"
			" %s.socket\n",
			name, name);
}

/* An outcome with that code, where nothing more is known. */
static int outcome_of(int code)
{
	int outcome = OUTCOME_OK;

	while (outcome < OUTCOME_COUNT && outcome_code(outcome) != code)
		outcome++;
	return outcome;
}

int ctl_failed(const struct ctl *ctl, enum neighbour who, int result, const struct answer *answer)
{
	if (result > 0) {
		int outcome = outcome_of(result);

		fprintf(stderr, "orderctl: %s (%d): %s\n",
			answer ? answer->error : outcome_name(outcome), result,
			answer ? answer->message : outcome_text(outcome));
		return STATUS_REFUSED;
	}
	if (result == -ENOMEM || result == -EMSGSIZE) {
		fprintf(stderr, "orderctl: %s\n", strerror(-result));
		return STATUS_REFUSED;
	}
	unreachable_print(ctl, who, result);
	return STATUS_UNREACHABLE;
}

int ctl_call(struct ctl *ctl, enum neighbour who, const char *operation,
	const struct record *request_record, const void *request, const struct record *reply_record,
	void *ret_reply)
{
	struct answer answer = { 0 };
	int result = ctl_try(ctl, who, operation, request_record, request, reply_record, ret_reply,
		&answer);

	return result ? ctl_failed(ctl, who, result, &answer) : STATUS_DONE;
}

int ctl_book(struct ctl *ctl, const char *text, uint64_t *ret_book_id)
{
	struct book_ref ref = { 0 };
	struct book book;
	int64_t number;
	int status;

	if (strncmp(text, "sku:", 4) != 0) {
		status = ctl_number(ctl, "BOOK", text, 1, INT64_MAX, &number);
		if (!status)
			*ret_book_id = (uint64_t)number;
		return status;
	}
	ref.sku = text + 4;
	if (!text_is_sku(ref.sku, strlen(ref.sku)))
		return usage_refuse(ctl, "%s: no sku (letters, digits and . _ - /)", text);
	status =
		ctl_call(ctl, CATALOGD, "catalog.get", &book_ref_record, &ref, &book_record, &book);
	if (!status)
		*ret_book_id = book.book_id;
	return status;
}

int ctl_order_ref(struct ctl *ctl, const char *text, struct order_ref *ret)
{
	uint64_t order_id;

	if (strlen(text) == ORDER_NO_DIGITS && strspn(text, "0123456789") == ORDER_NO_DIGITS) {
		*ret = (struct order_ref){ .order_no = text };
		return STATUS_DONE;
	}
	if (!text_to_u64(text, &order_id) || order_id < 1 || order_id > INT64_MAX)
		return usage_refuse(ctl, "%s: neither an order's id nor its %d-digit number", text,
			ORDER_NO_DIGITS);
	*ret = (struct order_ref){ .order_id = order_id };
	return STATUS_DONE;
}

void ctl_done(struct ctl *ctl)
{
	for (size_t i = 0; i < MEMBERS_MAX; i++)
		connection_close(ctl->connections[i]);
	for (size_t i = 0; i < ctl->instance_count; i++)
		free(ctl->instances[i]);
	arena_free(ctl->arena);
}
