#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"

static const struct {
	int outcome, code;
	const char *name;
} known[] = {
	{ OUTCOME_BAD_REQUEST, 40000, "bad_request" },
	{ OUTCOME_BAD_FRAME, 40000, "bad_frame" },
	{ OUTCOME_BAD_VERSION, 40000, "unsupported_version" },
	{ OUTCOME_UNKNOWN_OPERATION, 40000, "unknown_operation" },
	{ OUTCOME_AMOUNT_OVERFLOW, 40000, "amount_overflow" },
	{ OUTCOME_DENIED, 40300, "denied" },
	{ OUTCOME_ORDER_NOT_FOUND, 40400, "order_not_found" },
	{ OUTCOME_BOOK_NOT_FOUND, 40400, "book_not_found" },
	{ OUTCOME_RESERVATION_NOT_FOUND, 40400, "reservation_not_found" },
	{ OUTCOME_SAGA_NOT_FOUND, 40400, "saga_not_found" },
	{ OUTCOME_BOOK_INACTIVE, 40900, "book_inactive" },
	{ OUTCOME_SKU_TAKEN, 40900, "sku_taken" },
	{ OUTCOME_VERSION_CONFLICT, 40900, "version_conflict" },
	{ OUTCOME_INSUFFICIENT_STOCK, 40900, "insufficient_stock" },
	{ OUTCOME_SUPERSEDED, 40900, "superseded" },
	{ OUTCOME_FENCED, 40900, "fenced" },
	{ OUTCOME_INVALID_TRANSITION, 40900, "invalid_transition" },
	{ OUTCOME_ORDER_EXPIRED, 40900, "order_expired" },
	{ OUTCOME_NOT_DUE, 40900, "not_due" },
	{ OUTCOME_IDEMPOTENCY_MISMATCH, 40900, "idempotency_mismatch" },
	{ OUTCOME_BUSY, 42900, "busy" },
	{ OUTCOME_INTERNAL, 50000, "internal" },
	{ OUTCOME_CORRUPT_RECORD, 50000, "corrupt_record" },
	{ OUTCOME_CATALOG_UNAVAILABLE, 50300, "catalog_unavailable" },
	{ OUTCOME_STOCK_UNAVAILABLE, 50300, "stock_unavailable" },
	{ OUTCOME_CATALOG_TIMEOUT, 50400, "catalog_timeout" },
	{ OUTCOME_STOCK_TIMEOUT, 50400, "stock_timeout" },
	{ OUTCOME_DEADLINE_PASSED, 50400, "deadline_passed" },
	{ OUTCOME_STORAGE_FULL, 50700, "storage_full" },
};

#define KNOWN_COUNT (sizeof(known) / sizeof(known[0]))

static void every_outcome_keeps_its_number_and_its_name(void **state)
{
	(void)state;
	assert_int_equal(KNOWN_COUNT, OUTCOME_COUNT - 1);
	for (size_t i = 0; i < KNOWN_COUNT; i++) {
		assert_int_equal(outcome_code(known[i].outcome), known[i].code);
		assert_string_equal(outcome_name(known[i].outcome), known[i].name);
	}
	assert_int_equal(outcome_code(OUTCOME_OK), 0);
}

static void a_name_leads_back_to_its_outcome(void **state)
{
	(void)state;
	for (size_t i = 0; i < KNOWN_COUNT; i++)
		assert_int_equal(outcome_from_name(known[i].name), known[i].outcome);
	assert_int_equal(outcome_from_name(outcome_name(OUTCOME_OK)), OUTCOME_OK);
}

static void a_name_of_a_later_version_counts_as_internal(void **state)
{
	(void)state;
	assert_int_equal(outcome_from_name("out_of_paper"), OUTCOME_INTERNAL);
	assert_int_equal(outcome_from_name("busy "), OUTCOME_INTERNAL);
	assert_int_equal(outcome_from_name(""), OUTCOME_INTERNAL);
	assert_int_equal(outcome_from_name(NULL), OUTCOME_INTERNAL);
}

static void what_is_no_outcome_is_told_as_internal(void **state)
{
	const int others[] = { -1, -ENOMEM, OUTCOME_COUNT, OUTCOME_LATER, 1 << 30 };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(outcome_code(others[i]), 50000);
		assert_string_equal(outcome_name(others[i]), "internal");
		assert_string_equal(outcome_text(others[i]), outcome_text(OUTCOME_INTERNAL));
	}
}

static void every_text_is_one_sentence_on_one_line(void **state)
{
	(void)state;
	for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
		const char *text = outcome_text(outcome);
		size_t size = strlen(text);

		assert_in_range(size, 4, 100);
		assert_true(isupper((unsigned char)text[0]));
		assert_int_equal(text[size - 1], '.');
		assert_null(strstr(text, ". "));
		assert_null(strchr(text, '\n'));
	}
}

static void no_two_outcomes_share_a_text(void **state)
{
	(void)state;
	for (int one = 0; one < OUTCOME_COUNT; one++)
		for (int other = 0; other < one; other++)
			assert_string_not_equal(outcome_text(one), outcome_text(other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_outcome_keeps_its_number_and_its_name),
		cmocka_unit_test(a_name_leads_back_to_its_outcome),
		cmocka_unit_test(a_name_of_a_later_version_counts_as_internal),
		cmocka_unit_test(what_is_no_outcome_is_told_as_internal),
		cmocka_unit_test(every_text_is_one_sentence_on_one_line),
		cmocka_unit_test(no_two_outcomes_share_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
