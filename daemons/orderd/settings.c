#include "settings.h"

#include "order.h"
#include "protocol.h"

#define DURATION(option, value, low, high, text) \
	{ \
#option, OPTION_DURATION, offsetof(struct orderd_settings, option##_ms), value, \
			low, high, text, true \
	}
#define NUMBER(option, value, low, high, text) \
	{ \
#option, OPTION_NUMBER, offsetof(struct orderd_settings, option), value, low, \
			high, text, true \
	}
#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)

static const struct option_row option_rows[] = {
	DURATION(payment_timeout, "15m", EXPIRES_IN_MIN_MS, EXPIRES_IN_MAX_MS,
		"how long an order may stay unpaid"),
	DURATION(complete_after, "7d", 1000, 3650 * DAY,
		"how long after shipping an order completes by itself"),
	NUMBER(lines_max, "20", 1, LINES_MAX, "lines in one order"),
	NUMBER(quantity_max, "99", 1, QUANTITY_MAX, "pieces of one book in a line"),
	DURATION(catalog_timeout, "3s", 10, MINUTE, "how long catalogd may take for the prices"),
	DURATION(stock_timeout, "5s", 10, MINUTE, "how long stockd may take to hold the lines"),
	DURATION(key_retention, "24h", 1000, 365 * DAY,
		"how long an idempotency key is remembered"),
	DURATION(settle_wait, "250ms", 0, MINUTE,
		"how long a payment or a cancellation waits for stockd before it is answered"),
};

const struct option_table orderd_options = {
	.section = "orderd",
	.rows = option_rows,
	.count = sizeof(option_rows) / sizeof(option_rows[0]),
};
