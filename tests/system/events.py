#!/usr/bin/python3
"""The event log is gapless, is what was published, and leads to what the orders are."""
import random
import unittest

import msgpack

import suite

STEPS = {"PENDING": ("PAID", "CANCELLED"), "PAID": ("SHIPPED", "CANCELLED"),
         "SHIPPED": ("COMPLETED",), "COMPLETED": (), "CANCELLED": ()}


class Events(unittest.TestCase):
    def setUp(self):
        self.suite = suite.Suite()
        self.addCleanup(self.suite.destroy)
        self.suite.stock_books(100000)

    def published(self, socket, last):
        """Everything that comes up to the event of this number."""
        found = []
        while not found or found[-1]["seq"] < last:
            self.assertTrue(socket.poll(suite.PATIENCE_S * 1000), f"{last} was not published")
            found.append(msgpack.unpackb(socket.recv()))
        return found

    def move_about(self, count, dice):
        """Makes orders and moves each along some way; returns them by id with their status."""
        orders = {}
        for user_id in range(1, count + 1):
            order_id = self.suite.create(user_id=user_id)["order_id"]
            orders[order_id] = "PENDING"
            while STEPS[orders[order_id]] and dice.random() < 0.7:
                to = dice.choice(STEPS[orders[order_id]])
                self.suite.orderd.get("order.set_status", order_id=order_id, status=to,
                                      actor="test", reason=f"to {to}")
                orders[order_id] = to
        return orders

    def test_log_publication_history_and_orders_agree(self):
        socket = self.suite.subscribe()
        self.addCleanup(socket.close)
        orders = self.move_about(60, random.Random(1))
        log = self.suite.orderd.pages("event.list", "events")
        self.assertEqual([event["seq"] for event in log], list(range(1, len(log) + 1)))
        self.assertEqual(self.published(socket, len(log)), log)
        self.assertEqual({event["order_id"]: event["to"] for event in log}, orders)
        for order_id, status in orders.items():
            history = self.suite.orderd.get("order.history", order_id=order_id)
            mine = [event for event in log if event["order_id"] == order_id]
            self.assertEqual(history["events"], mine)
            self.assertEqual(history["last"], mine[-1]["seq"])
            self.assertEqual(mine[-1]["to"], status)
        self.suite.audit()
        self.suite.close()

    def test_an_event_says_who_why_and_when(self):
        made = self.suite.create(2, user_id=7)
        paid = self.suite.orderd.get("order.set_status", order_id=made["order_id"], status="PAID",
                                     actor="till 3", reason="cash")
        first, second = self.suite.orderd.get("event.list")["events"]
        self.assertEqual(first, {"seq": 1, "order_id": made["order_id"], "to": "PENDING",
                                 "actor": "user:7", "at": first["at"], "user_id": 7,
                                 "total": 11800})
        self.assertEqual(second, {"seq": 2, "order_id": made["order_id"], "from": "PENDING",
                                  "to": "PAID", "actor": "till 3", "reason": "cash",
                                  "at": paid["updated_at"], "user_id": 7, "total": 11800})
        self.assertLessEqual(made["created_at"], first["at"])
        self.suite.close()

    def test_pages_of_the_log_are_the_log(self):
        self.move_about(20, random.Random(2))
        whole = self.suite.orderd.pages("event.list", "events")
        for limit in (1, 7, len(whole), 500):
            found, after = [], 0
            while True:
                page = self.suite.orderd.get("event.list", after=after, limit=limit)
                self.assertEqual(page["last"], len(whole))
                self.assertLessEqual(len(page["events"]), limit)
                found += page["events"]
                after = page["next"]
                if not after:
                    break
            self.assertEqual(found, whole)
        self.assertEqual(self.suite.orderd.get("event.list", after=10 ** 9)["events"], [])
        self.suite.close()

    def test_the_log_goes_on_after_a_crash(self):
        self.move_about(10, random.Random(3))
        before = self.suite.orderd.pages("event.list", "events")
        self.suite.kill("orderd")
        self.suite.start("orderd")
        socket = self.suite.subscribe()
        self.addCleanup(socket.close)
        self.move_about(10, random.Random(4))
        log = self.suite.orderd.pages("event.list", "events")
        self.assertEqual(log[:len(before)], before)
        self.assertEqual([event["seq"] for event in log], list(range(1, len(log) + 1)))
        self.assertEqual(self.published(socket, len(log)), log[len(before):])
        self.suite.audit()
        self.suite.close()

    def test_a_refusal_makes_no_event(self):
        order_id = self.suite.create()["order_id"]
        for status in ("PENDING", "SHIPPED", "COMPLETED"):
            reply = self.suite.orderd.ask("order.set_status", order_id=order_id, status=status)
            self.assertEqual(reply["error"], "invalid_transition")
        reply = self.suite.orderd.ask("order.cancel", order_id=order_id, **{"from": "PAID"})
        self.assertEqual(reply["error"], "invalid_transition")
        self.assertEqual(len(self.suite.orderd.get("event.list")["events"]), 1)
        self.suite.close()


class Machine(unittest.TestCase):
    """Every state and every status asked for, over the socket."""

    def test_only_the_legal_steps_are_made(self):
        with suite.Suite() as running:
            running.stock_books(1000)
            for to in STEPS:
                for now in STEPS:
                    order_id = self.order_in(running, now)
                    reply = running.orderd.ask("order.set_status", order_id=order_id, status=to)
                    legal = to in STEPS[now]
                    self.assertEqual(reply["code"], 0 if legal else 40900, f"{now} to {to}")
                    self.assertEqual(running.status(order_id), to if legal else now)
            running.audit()

    def order_in(self, running, status):
        ways = {"PENDING": (), "PAID": ("PAID",), "SHIPPED": ("PAID", "SHIPPED"),
                "COMPLETED": ("PAID", "SHIPPED", "COMPLETED"), "CANCELLED": ("CANCELLED",)}
        order_id = running.create()["order_id"]
        for step in ways[status]:
            running.orderd.get("order.set_status", order_id=order_id, status=step)
        return order_id


class Listing(unittest.TestCase):
    """order.list: newest first, filtered, by page and by a cursor that stays right."""

    def setUp(self):
        self.suite = suite.Suite()
        self.addCleanup(self.suite.destroy)
        self.suite.stock_books(1000)
        self.ids = [self.suite.create(user_id=5)["order_id"] for _ in range(23)]
        self.suite.create(user_id=6)
        for order_id in self.ids[::3]:
            self.suite.orderd.get("order.cancel", order_id=order_id)

    def list(self, **fields):
        return self.suite.orderd.get("order.list", user_id=5, **fields)

    def test_pages(self):
        newest = self.ids[::-1]
        self.assertEqual([each["order_id"] for each in self.list()["orders"]], newest[:20])
        for page in (1, 2, 3, 4):
            reply = self.list(page=page, page_size=10)
            self.assertEqual([each["order_id"] for each in reply["orders"]],
                             newest[10 * page - 10:10 * page])
            self.assertEqual((reply["total"], reply["page"], reply["page_size"]), (23, page, 10))
        for status, wanted in (("CANCELLED", self.ids[::3]),
                               ("PENDING", sorted(set(self.ids) - set(self.ids[::3]))),
                               ("PAID", [])):
            reply = self.list(status=status, page_size=100)
            self.assertEqual([each["order_id"] for each in reply["orders"]], wanted[::-1])
            self.assertEqual(reply["total"], len(wanted))
        self.suite.close()

    def test_the_cursor_stays_right_while_orders_arrive(self):
        found, after = [], 0
        while True:
            reply = self.list(page_size=4, **({"after": after} if after else {}))
            found += [each["order_id"] for each in reply["orders"]]
            after = reply["next"]
            if not after:
                break
            self.suite.create(user_id=5)
        self.assertEqual(found, self.ids[::-1])
        self.suite.close()


if __name__ == "__main__":
    suite.main()
