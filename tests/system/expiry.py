#!/usr/bin/python3
"""Deadlines: none early, all soon, payment or expiry but never both, completion by itself."""
import random
import threading
import time
import unittest

import suite

LATE_MS = 2000  # what a test may ask of a busy machine; bench/expiry measures what is promised
COUNT = 60


class Expiry(unittest.TestCase):
    def setUp(self):
        self.suite = suite.Suite(orderd=["--complete-after", "1s"])
        self.addCleanup(self.suite.destroy)
        self.suite.stock_books(10000)

    def wait_status(self, order_ids, *wanted):
        def all_there():
            reply = self.suite.orderd.get("order.get",
                                          orders=[{"order_id": each} for each in order_ids])
            return all(each["status"] in wanted for each in reply["results"])
        suite.wait_until(all_there, f"all orders are {wanted}")

    def events_to(self, status):
        return {event["order_id"]: event
                for event in self.suite.orderd.pages("event.list", "events")
                if event["to"] == status}

    def check_cancelled(self, orders, late_ms=LATE_MS):
        self.wait_status([order["order_id"] for order in orders], "CANCELLED")
        events = self.events_to("CANCELLED")
        for order in orders:
            event = events[order["order_id"]]
            late = event["at"] - order["expires_at"]
            self.assertGreaterEqual(late, 0, "cancelled early")
            self.assertLessEqual(late, late_ms, "cancelled late")
            self.assertEqual((event["actor"], event["from"]), ("reaperd", "PENDING"))

    def test_pending_orders_are_cancelled_at_their_deadline(self):
        dice = random.Random(1)
        orders = [self.suite.create(expires_in_ms=dice.randint(1000, 2000)) for _ in range(COUNT)]
        for order in orders:
            wait = order["expires_at"] - order["created_at"]
            self.assertTrue(1000 <= wait <= 2000)
        self.suite.create(expires_in_ms=600000)
        self.check_cancelled(orders)
        self.suite.audit()
        self.assertEqual(self.suite.level(), (9999, 1, 0))
        self.suite.close()

    def test_one_deadline_for_many(self):
        reply = self.suite.orderd.get("order.create", orders=[
            {"user_id": 1, "items": [{"book_id": 1, "quantity": 1}], "expires_in_ms": 1200}] * 200)
        self.assertEqual({each["code"] for each in reply["results"]}, {0})
        self.check_cancelled(reply["results"])
        self.suite.audit()
        self.assertEqual(self.suite.level(), (10000, 0, 0))
        self.suite.close()

    def test_a_deadline_that_comes_earlier_than_the_one_waited_for(self):
        late = self.suite.create(expires_in_ms=5000)
        time.sleep(0.3)
        self.check_cancelled([self.suite.create(expires_in_ms=1000)])
        self.assertEqual(self.suite.status(late["order_id"]), "PENDING")
        self.suite.close()

    def test_what_was_paid_does_not_expire(self):
        orders = [self.suite.create(expires_in_ms=1000) for _ in range(20)]
        for order in orders[::2]:
            self.suite.orderd.get("order.set_status", order_id=order["order_id"], status="PAID")
        self.check_cancelled(orders[1::2])
        self.wait_status([order["order_id"] for order in orders[::2]], "PAID")
        self.suite.audit()
        self.assertEqual(self.suite.level(), (9990, 0, 10))
        self.suite.close()

    def test_a_payment_after_the_deadline_is_refused(self):
        self.suite.freeze("reaperd")
        order = self.suite.create(expires_in_ms=1000)
        while time.time() * 1000 < order["expires_at"]:
            time.sleep(0.01)
        reply = self.suite.orderd.ask("order.set_status", order_id=order["order_id"],
                                      status="PAID")
        self.assertEqual((reply["code"], reply["error"]), (40900, "order_expired"))
        self.assertEqual(self.suite.status(order["order_id"]), "PENDING")
        self.suite.thaw("reaperd")
        self.check_cancelled([order], 1000 * suite.PATIENCE_S)
        self.suite.audit()
        self.suite.close()

    def test_expire_before_the_deadline_is_refused(self):
        order = self.suite.create(expires_in_ms=60000)
        reply = self.suite.orderd.ask("order.expire", order_id=order["order_id"])
        self.assertEqual((reply["code"], reply["error"]), (40900, "not_due"))
        self.suite.orderd.get("order.set_status", order_id=order["order_id"], status="PAID")
        reply = self.suite.orderd.get("order.expire", order_id=order["order_id"])
        self.assertEqual(reply["status"], "PAID")
        self.suite.close()

    def test_payment_and_expiry_never_both_win(self):
        orders = [self.suite.create(expires_in_ms=1000 + 10 * at) for at in range(COUNT)]
        answers = {}

        def pay_at_the_deadline():
            dice = random.Random(2)
            with self.suite.client("orderd") as client:
                for order in orders:
                    at_s = (order["expires_at"] + dice.uniform(-6, 6)) / 1000
                    time.sleep(max(0, at_s - time.time()))
                    answers[order["order_id"]] = client.ask(
                        "order.set_status", order_id=order["order_id"], status="PAID")

        payer = threading.Thread(target=pay_at_the_deadline)
        payer.start()
        payer.join()
        self.wait_status(answers, "PAID", "CANCELLED")
        found = self.suite.audit()
        paid, cancelled = self.events_to("PAID"), self.events_to("CANCELLED")
        self.assertEqual(set(paid) & set(cancelled), set())
        for order in found["orders"]:
            answer = answers[order["order_id"]]
            self.assertEqual(answer["code"] == 0, order["status"] == "PAID", answer)
            if answer["code"]:
                self.assertIn(answer["error"], ("order_expired", "invalid_transition"))
        for event in paid.values():
            self.assertLess(event["at"], orders[event["order_id"] - 1]["expires_at"])
        self.suite.close()

    def test_shipped_orders_complete_by_themselves(self):
        order_id = self.suite.create()["order_id"]
        self.suite.orderd.get("order.set_status", order_id=order_id, status="PAID")
        shipped = self.suite.orderd.get("order.set_status", order_id=order_id, status="SHIPPED")
        self.wait_status([order_id], "COMPLETED")
        event = self.events_to("COMPLETED")[order_id]
        late = event["at"] - shipped["updated_at"] - 1000
        self.assertTrue(0 <= late <= LATE_MS, f"{late} ms late")
        self.suite.audit()
        self.assertEqual(self.suite.level(), (9999, 0, 1))
        self.suite.close()

    def test_what_was_due_while_reaperd_was_away_is_done_when_it_is_back(self):
        self.suite.kill("reaperd")
        orders = [self.suite.create(expires_in_ms=1000) for _ in range(10)]
        time.sleep(1.2)
        self.assertEqual({self.suite.status(order["order_id"]) for order in orders}, {"PENDING"})
        self.suite.start("reaperd")
        self.check_cancelled(orders, 1000 * suite.PATIENCE_S)
        self.suite.audit()
        self.suite.close()

    def test_what_was_due_while_orderd_was_away_is_done_when_it_is_back(self):
        orders = [self.suite.create(expires_in_ms=1000) for _ in range(10)]
        self.suite.kill("orderd")
        time.sleep(1.2)
        self.suite.start("orderd")
        self.check_cancelled(orders, 1000 * suite.PATIENCE_S)
        self.suite.audit()
        self.suite.close()


if __name__ == "__main__":
    suite.main()
