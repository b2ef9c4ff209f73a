#!/usr/bin/python3
"""Each daemon absent at each step of the Saga: nothing is lost, held or given back twice."""
import time
import unittest

import suite

CATALOG_S, STOCK_S, SLACK_S = 0.5, 0.8, 3
WATCH_S = 1.1  # after so long orderd has tried catalogd's store again
# A disk that other work keeps busy may hold up a commit for longer than the short times: where
# stockd is there it is given time.
WITH_STOCKD = ["--catalog-timeout", "500ms", "--settle-wait", "20s"]
SHORT = ["--catalog-timeout", "500ms", "--settle-wait", "100ms", "--stock-timeout", "800ms"]
LONG = ["--catalog-timeout", "20s", "--stock-timeout", "20s", "--settle-wait", "100ms"]
NEVER_STARTED, STOPPED, KILLED = "never started", "stopped", "killed"
REFUSALS = {
    ("catalogd", NEVER_STARTED): (50300, "catalog_unavailable"),
    ("catalogd", KILLED): (50300, "catalog_unavailable"),
    ("catalogd", STOPPED): (50400, "catalog_timeout"),
    ("stockd", NEVER_STARTED): (50300, "stock_unavailable"),
    ("stockd", KILLED): (50300, "stock_unavailable"),
    ("stockd", STOPPED): (50400, "stock_timeout"),
}
BODY = {"user_id": 7, "items": [{"book_id": 1, "quantity": 3}], "idempotency_key": "k"}


class SagaTest(unittest.TestCase):
    def begin(self, options):
        self.suite = suite.Suite(orderd=options)
        self.addCleanup(self.suite.destroy)
        self.suite.stock_books(100)

    def converge(self, client=None):
        """Asks for the order under its key until it is there."""
        def made():
            reply = (client or self.suite.orderd).ask("order.create", **BODY)
            if reply["code"] == 0:
                return reply
            self.assertIn(reply["code"] // 100, (503, 504), reply)
            return None
        return suite.wait_until(made, "the order is made under its key")

    def paid(self, **fields):
        order_id = self.suite.create(**fields)["order_id"]
        self.suite.orderd.get("order.set_status", order_id=order_id, status="PAID")
        self.suite.wait_settled()
        return order_id

    def steps(self):
        return [saga["step"] for saga in self.suite.orderd.get("saga.list")["sagas"]]


class Absent(SagaTest):
    """One daemon is not there while everything that an order can go through is asked for."""

    def take_away(self, name, how):
        if how == STOPPED:
            self.suite.freeze(name)
            return
        self.suite.kill(name)
        if how == NEVER_STARTED:
            for other in ("orderd", "reaperd"):
                if other != name:
                    self.suite.stop(other)
            for other in ("orderd", "reaperd"):
                if other != name:
                    self.suite.start(other, wait=name != "orderd")

    def bring_back(self, name, how):
        if how == STOPPED:
            self.suite.thaw(name)
        else:
            self.suite.start(name)
        for other in suite.DAEMONS:
            self.suite.wait_ready(other)

    def ask(self, op, **fields):
        """The answer, or None where orderd gives none, on a connection of its own."""
        with self.suite.client("orderd") as client:
            try:
                return client.ask(op, timeout_s=0.3 if self.absent == "orderd" else None, **fields)
            except suite.Silence:
                self.assertEqual(self.absent, "orderd")
                return None

    def check_create(self, name, how):
        started = time.monotonic()
        reply = self.ask("order.create", **BODY)
        took = time.monotonic() - started
        if name == "catalogd" and how != NEVER_STARTED:  # the price is remembered
            self.assertEqual(reply["code"], 0)
            reply = self.ask("order.create", **dict(BODY, items=[{"book_id": 2, "quantity": 1}],
                                                    idempotency_key="another book"))
            self.assertEqual((reply["code"], reply["error"]), REFUSALS[name, how])
        elif (name, how) in REFUSALS:
            self.assertEqual((reply["code"], reply["error"]), REFUSALS[name, how])
            self.assertLess(took, CATALOG_S + STOCK_S + SLACK_S)
            self.assertEqual(self.ask("order.list", user_id=7)["total"], 0)
        elif reply:
            self.assertEqual(reply["code"], 0)

    def check_moves(self, name, orders):
        """Pay, cancel and refund succeed without stockd, and say so."""
        asked = {
            "pay": ("order.set_status", {"order_id": orders["pay"], "status": "PAID"}),
            "cancel": ("order.cancel", {"order_id": orders["cancel"]}),
            "refund": ("order.cancel", {"order_id": orders["refund"], "from": "PAID"}),
        }
        for what, (op, fields) in asked.items():
            reply = self.ask(op, **fields)
            if not reply:
                continue
            self.assertEqual((reply["code"], reply["status"]),
                             (0, "PAID" if what == "pay" else "CANCELLED"))
            self.assertEqual(reply.get("stock_to_follow"), True if name == "stockd" else None)
        return asked

    def finish_moves(self, asked):
        """Repeats what got no answer; by then it may have been done."""
        for op, fields in asked.values():
            reply = self.suite.orderd.ask(op, **fields)
            self.assertIn(reply.get("error"), (None, "invalid_transition"))

    def go_through(self, name, how):
        self.absent = name
        self.begin(SHORT if name == "stockd" else WITH_STOCKD)
        if name == "catalogd":
            time.sleep(WATCH_S)  # then orderd has its store open and remembers prices
        orders = {"pay": self.suite.create()["order_id"],
                  "cancel": self.suite.create()["order_id"],
                  "refund": self.paid(),
                  "expire": self.suite.create(expires_in_ms=1000)["order_id"]}
        self.take_away(name, how)
        self.check_create(name, how)
        asked = self.check_moves(name, orders)
        time.sleep(1.1)  # the deadline of the one that expires
        if name == "reaperd":
            self.assertEqual(self.suite.status(orders["expire"]), "PENDING")
        self.bring_back(name, how)
        self.finish_moves(asked)
        made = self.converge()
        suite.wait_until(lambda: self.suite.status(orders["expire"]) == "CANCELLED", "expiry")
        self.suite.audit()
        self.assertEqual(self.suite.level(), (96, 3, 1))
        self.assertEqual({what: self.suite.status(each) for what, each in orders.items()},
                         {"pay": "PAID", "cancel": "CANCELLED", "refund": "CANCELLED",
                          "expire": "CANCELLED"})
        self.assertEqual(self.suite.orderd.get("order.list", user_id=7)["total"], 1)
        self.assertEqual(self.suite.status(made["order_id"]), "PENDING")
        self.suite.close()


def absent_test(name, how):
    return lambda self: self.go_through(name, how)


for each_name in suite.DAEMONS:
    for each_how in (NEVER_STARTED, STOPPED, KILLED):
        setattr(Absent, f"test_{each_name}_{each_how.replace(' ', '_')}",
                absent_test(each_name, each_how))


class Killed(SagaTest):
    """The Saga is held at a step, and there each daemon is killed and started again."""
    book_id = 1000

    def kill_each(self, hold, release, check):
        for name in suite.DAEMONS:
            with self.subTest(killed=name):
                held = hold()
                self.suite.kill(name)
                self.suite.start(name)
                release(name)
                check(held, name)
                self.suite.wait_settled()
        self.suite.audit()
        self.suite.close()

    def new_book(self):
        """One whose price orderd has never heard."""
        self.book_id += 1
        self.suite.catalogd.get("catalog.put", book_id=self.book_id, title="New", price=100)
        self.suite.stockd.get("stock.set", book_id=self.book_id, available=100)
        return [{"book_id": self.book_id, "quantity": 1}]

    def hold_create(self, frozen, step):
        items = self.new_book() if frozen == "catalogd" else BODY["items"]
        self.suite.freeze(frozen)
        self.body = dict(BODY, items=items, idempotency_key=f"k{time.monotonic_ns()}")
        client = self.suite.client("orderd")
        self.addCleanup(client.close)
        request = client.send("order.create", **self.body)
        suite.wait_until(lambda: self.suite.orderd.get("health")["backlog"] > 0, "it is in hand")
        if step:
            suite.wait_until(lambda: step in self.steps(), step)
        return client, request

    def check_made(self, held, name):
        client, request = held
        if name != "orderd":
            first = client.receive(request)
            self.assertEqual(first["code"], 0)
        again = self.suite.orderd.get("order.create", **self.body)
        if name != "orderd":
            self.assertEqual({**again, "id": 0}, {**first, "id": 0})

    def thaw(self, frozen):
        def release(name):
            if name != frozen:
                self.suite.thaw(frozen)
        return release

    def test_while_the_catalog_is_asked(self):
        self.begin(LONG)
        self.kill_each(lambda: self.hold_create("catalogd", None), self.thaw("catalogd"),
                       self.check_made)

    def test_while_stock_is_asked_for(self):
        self.begin(LONG)
        self.kill_each(lambda: self.hold_create("stockd", "RESERVING"), self.thaw("stockd"),
                       self.check_made)

    def test_while_it_is_compensated(self):
        self.begin(SHORT)

        def hold():
            client, request = self.hold_create("stockd", "COMPENSATING")
            self.assertIn(client.receive(request)["error"],
                          ("stock_timeout", "stock_unavailable"))

        def check(_, name):
            self.suite.wait_settled()
            self.assertEqual(self.suite.orderd.get("order.list", user_id=7)["total"], 0, name)
            self.assertEqual(self.suite.level(), (100, 0, 0))

        self.kill_each(hold, self.thaw("stockd"), check)

    def test_while_a_payment_is_settled(self):
        self.begin(SHORT)

        def hold():
            order_id = self.suite.create()["order_id"]
            self.suite.freeze("stockd")
            reply = self.suite.orderd.get("order.set_status", order_id=order_id, status="PAID")
            self.assertIs(reply.get("stock_to_follow"), True)
            self.assertEqual(self.steps(), ["COMMITTING"])
            return order_id

        self.kill_each(hold, self.thaw("stockd"),
                       lambda order_id, _: self.assertEqual(self.suite.status(order_id), "PAID"))

    def test_while_stock_is_given_back(self):
        self.begin(SHORT)

        def hold():
            order_id = self.suite.create(5)["order_id"]
            self.suite.freeze("stockd")
            reply = self.suite.orderd.get("order.cancel", order_id=order_id)
            self.assertIs(reply.get("stock_to_follow"), True)
            self.assertEqual(self.steps(), ["RETURNING"])
            return order_id

        def check(order_id, _):
            self.assertEqual(self.suite.status(order_id), "CANCELLED")
            self.suite.wait_settled()
            self.assertEqual(self.suite.level(), (100, 0, 0))

        self.kill_each(hold, self.thaw("stockd"), check)


class Open(SagaTest):
    """What is seen of a saga, and what is promised to its client."""

    def test_without_stockd_a_cancellation_succeeds_and_its_stock_follows(self):
        self.begin(SHORT)
        order_id = self.suite.create(4)["order_id"]
        self.suite.freeze("stockd")
        reply = self.suite.orderd.get("order.cancel", order_id=order_id)
        self.assertEqual((reply["status"], reply.get("stock_to_follow")), ("CANCELLED", True))
        self.suite.thaw("stockd")
        self.suite.wait_settled()
        self.assertEqual(self.suite.level(), (100, 0, 0))
        self.assertNotIn("stock_to_follow", self.suite.orderd.get("order.get", order_id=order_id))
        self.suite.audit()
        self.suite.close()

    def test_an_open_saga_is_shown_and_tried_again_on_demand(self):
        self.begin(SHORT)
        order_id = self.suite.create()["order_id"]
        self.suite.kill("stockd")
        self.suite.orderd.get("order.cancel", order_id=order_id)
        suite.wait_until(
            lambda: self.suite.orderd.get("saga.show", order_id=order_id)["attempts"] > 2,
            "it was tried three times")
        shown = self.suite.orderd.get("saga.show", order_id=order_id)
        self.assertEqual((shown["step"], shown["version"]), ("RETURNING", 2))
        self.assertTrue(shown["last_error"])
        self.assertGreater(shown["next_try_at"], shown["created_at"])
        health = self.suite.orderd.get("health")
        self.assertEqual((health["open_sagas"], health["oldest_saga_at"]),
                         (1, shown["created_at"]))
        self.suite.start("stockd")
        reply = self.suite.orderd.ask("saga.retry", order_id=order_id)
        self.assertIn(reply.get("error"), (None, "saga_not_found"))
        self.suite.wait_settled()
        self.assertEqual(self.suite.orderd.ask("saga.show", order_id=order_id)["error"],
                         "saga_not_found")
        self.suite.audit()
        self.suite.close()

    def test_a_client_that_waits_no_longer_hears_so(self):
        self.begin(LONG)
        for frozen in ("catalogd", "stockd"):
            self.suite.freeze(frozen)
            started = time.monotonic()
            reply = self.suite.orderd.ask("order.create", timeout_ms=300, **BODY)
            self.assertEqual((reply["code"], reply["error"]), (50400, "deadline_passed"))
            self.assertLess(time.monotonic() - started, SLACK_S)
            self.suite.thaw(frozen)
        self.suite.wait_settled()
        self.assertEqual(self.suite.orderd.get("order.list", user_id=7)["total"], 0)
        self.assertEqual(self.suite.level(), (100, 0, 0))
        self.converge()
        self.suite.audit()
        self.suite.close()

    def test_paid_and_cancelled_before_stockd_is_back(self):
        self.begin(SHORT)
        order_id = self.suite.create(6)["order_id"]
        self.suite.freeze("stockd")
        self.suite.orderd.get("order.set_status", order_id=order_id, status="PAID")
        self.suite.orderd.get("order.cancel", order_id=order_id)
        self.suite.thaw("stockd")
        self.suite.wait_settled()
        self.assertEqual(self.suite.level(), (100, 0, 0))
        self.suite.audit()
        self.suite.close()


if __name__ == "__main__":
    suite.main()
