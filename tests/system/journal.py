"""With log_orders an order's way can be told from the logs of all daemons, and without it is not
logged at all."""
import unittest

import suite


class Journal(unittest.TestCase):
    def lines(self, running, name, order_id):
        with open(f"{running.dir}/{name}.log", encoding="utf-8") as log:
            return [line.split(": ", 2)[2].strip() for line in log
                    if f"(order {order_id}," in line or f"(order {order_id})" in line]

    def test_an_orders_way_is_told_by_all_daemons(self):
        options = {name: ["--log-orders", "yes"] for name in suite.DAEMONS}
        with suite.Suite(**options) as running:
            running.stock_books()
            paid, left = running.create(), running.create(expires_in_ms=1000)
            running.orderd.get("order.set_status", order_id=paid["order_id"], status="PAID")
            suite.wait_until(lambda: running.status(left["order_id"]) == "CANCELLED", "expiry")
            running.audit()
            told = "\n".join(self.lines(running, "orderd", paid["order_id"]))
            for part in ("is PENDING by", "PENDING becomes PAID by", "step COMMITTING",
                         "step CLOSED", "user 1"):
                self.assertIn(part, told)
            told = "\n".join(self.lines(running, "stockd", paid["order_id"]))
            self.assertIn("asked for HELD", told)
            self.assertIn("asked for SOLD", told)
            self.assertTrue(self.lines(running, "reaperd", left["order_id"]))
            self.assertIn("PENDING becomes CANCELLED by",
                          "\n".join(self.lines(running, "orderd", left["order_id"])))
            self.assertIn("asked for RETURNED",
                          "\n".join(self.lines(running, "stockd", left["order_id"])))

    def test_without_the_setting_no_order_is_logged(self):
        with suite.Suite() as running:
            running.stock_books()
            order = running.create()
            running.orderd.get("order.cancel", order_id=order["order_id"])
            running.audit()
            for name in suite.DAEMONS:
                self.assertEqual(self.lines(running, name, order["order_id"]), [])


if __name__ == "__main__":
    suite.main()
