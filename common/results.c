#include "failpoint.h"
#include "log.h"
#include "service_inside.h"

struct peer_envelope {
	uint64_t version;
	int64_t code;
	const char *error;
};

static const struct field peer_envelope_fields[] = {
	{ "v", FIELD_U64, FIELD_REQUIRED, AT(peer_envelope, version), .max = INT64_MAX },
	{ "code", FIELD_I64, FIELD_REQUIRED, AT(peer_envelope, code), .max = 99999 },
	{ "error", FIELD_TEXT, 0, AT(peer_envelope, error), .max = 64 },
};
static const struct record peer_envelope_record = RECORD(peer_envelope, peer_envelope_fields);

struct result_head {
	int64_t code;
	const char *error;
	const char *message;
	uint64_t ref;
};

static const struct field result_head_fields[] = {
	{ "code", FIELD_I64, FIELD_REQUIRED, AT(result_head, code), .max = 99999 },
	{ "error", FIELD_TEXT, 0, AT(result_head, error), .max = 64 },
	{ "message", FIELD_TEXT, 0, AT(result_head, message), .max = 1024 },
	{ "ref", FIELD_U64, FIELD_REQUIRED, AT(result_head, ref), .max = INT64_MAX },
};
static const struct record result_head_record = RECORD(result_head, result_head_fields);

/* What this version does not know the name of is handed on with it. */
static int refusal_of(struct service *service, const struct peer *peer, struct result_head *head)
{
	int outcome = outcome_from_name(head->error);

	if (outcome == OUTCOME_INTERNAL && !head->message)
		head->message = arena_print(service->tick.arena, "%s refused it: %s", peer->name,
			head->error ? head->error : "it did not say why");
	return outcome;
}

static enum verdict handle_result(struct service *service, const struct peer *peer,
	const struct value *map)
{
	struct arena *arena = service->tick.arena;
	uint64_t writes = service->tick.txn ? txn_writes(service->tick.txn) : 0;
	struct result_head head;
	const char *why = NULL;
	void *result = arena_take(arena, peer->result->size);
	int outcome = OUTCOME_OK;

	if (!result)
		return VERDICT_FATAL;
	if (map->type != VALUE_MAP ||
		fields_from_map(arena, &result_head_record, map, &head, &why) != 0)
		return VERDICT_GOOD;
	if (head.code != 0)
		outcome = refusal_of(service, peer, &head);
	else if (fields_from_map(arena, peer->result, map, result, &why) != 0)
		return VERDICT_GOOD;
	outcome = peer->handle(&service->tick, head.ref, outcome, head.message,
		outcome == OUTCOME_OK ? result : NULL);
	return service_judge(service, outcome, writes, &outcome);
}

enum verdict dispatch_result(struct service *service, const struct event *event)
{
	const struct peer *peer = &service->program->peers[event->peer];
	struct arena *arena = service->tick.arena;
	const struct value *map, *results;
	struct peer_envelope envelope;
	enum verdict verdict = VERDICT_GOOD;
	const char *why = "no msgpack";

	FAILPOINT("result", peer->operation);
	service->route = NULL;
	service->operation = NULL;
	service->deadline_ms = 0;
	if (codec_parse(arena, event->data, event->size, &map) < 0 || map->type != VALUE_MAP ||
		fields_from_map(arena, &peer_envelope_record, map, &envelope, &why) != 0) {
		log_message(MESSAGE_PEER_ANSWER,
			&(struct log_about){ .peer = peer->name, .error = "bad_answer" },
			"%s answered what is no reply: %s", peer->name, why);
		return VERDICT_GOOD;
	}
	if (envelope.code != 0) {
		struct log_about about = {
			.peer = peer->name,
			.operation = peer->operation,
			.error = envelope.error ? envelope.error : "?",
		};

		log_message(MESSAGE_PEER_ANSWER, &about, "%s refused %s: %s", peer->name,
			peer->operation, about.error);
		if (peer->refused)
			peer->refused(&service->tick, outcome_from_name(envelope.error));
		return VERDICT_GOOD;
	}
	results = value_find(map, "results");
	if (!results || results->type != VALUE_ARRAY)
		return VERDICT_GOOD;
	for (uint32_t i = 0; i < results->list.count && verdict == VERDICT_GOOD; i++) {
		service->part = i;
		if (service_poison(service) == OUTCOME_OK)
			verdict = handle_result(service, peer, &results->list.at[i]);
	}
	return verdict;
}
