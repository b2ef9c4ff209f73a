#include "listing.h"
#include "orderctl.h"
#include "output.h"

int saga_list(struct ctl *ctl)
{
	static const struct listing listing = { ORDERD, "saga.list", &range_record,
		&saga_list_record, &saga_info_record, NULL };
	struct range range = { 0 };

	return listing_print(ctl, &listing, &range);
}

/* Sagas go by their order's id; only an order that exists has a number to look it up by. */
static int saga_call(struct ctl *ctl, const char *operation)
{
	struct order_due due = { 0 };
	struct saga_info info;
	struct order_ref ref;
	struct orderd_order order;
	int status = ctl_order_ref(ctl, ctl->arguments[0], &ref);

	if (!status && ref.order_no) {
		status = ctl_call(ctl, ORDERD, "order.get", &order_ref_record, &ref, &order_record,
			&order);
		ref.order_id = status ? 0 : order.order_id;
	}
	if (status)
		return status;
	due.order_id = ref.order_id;
	status =
		ctl_call(ctl, ORDERD, operation, &order_due_record, &due, &saga_info_record, &info);
	if (!status)
		output_record(&saga_info_record, &info);
	return status;
}

int saga_show(struct ctl *ctl)
{
	return saga_call(ctl, "saga.show");
}

int saga_retry(struct ctl *ctl)
{
	return saga_call(ctl, "saga.retry");
}
