#!/usr/bin/python3
"""One idempotency key, one order: repeated, at once, after a crash, with another body."""
import unittest

import msgpack

import suite

BODY = {"user_id": 1, "items": [{"book_id": 1, "quantity": 2}], "idempotency_key": "cart-1"}
OPTIONS = ["--catalog-timeout", "10s", "--stock-timeout", "10s"]


def request(request_id, **changes):
    return msgpack.packb({"v": 1, "id": request_id, "op": "order.create", **BODY, **changes})


def without_id(frame, request_id):
    """The answer's bytes with 0 in the place of the id, which is checked."""
    packed = b"\xa2id" + msgpack.packb(request_id)
    if frame.count(packed) != 1:
        raise AssertionError(f"id {request_id} is not in {frame.hex()}")
    return frame.replace(packed, b"\xa2id\0")


class Idempotency(unittest.TestCase):
    def setUp(self):
        self.suite = suite.Suite(orderd=OPTIONS)
        self.addCleanup(self.suite.destroy)
        self.suite.stock_books()

    def ask(self, request_id, **changes):
        return without_id(self.suite.orderd.exchange(request(request_id, **changes)), request_id)

    def one_order(self, answer, count=1):
        reply = msgpack.unpackb(answer)
        self.assertEqual((reply["code"], reply["status"]), (0, "PENDING"))
        self.assertEqual(len(self.suite.audit()["orders"]), count)
        self.assertEqual(self.suite.level(), (100 - 2 * count, 2 * count, 0))
        self.suite.close()

    def test_a_repeat_gets_the_same_answer(self):
        first = self.ask("a")
        for repeat in range(3):
            self.assertEqual(self.ask(repeat), first)
        self.one_order(first)

    def test_a_repeat_gets_the_order_as_it_was_made(self):
        first = self.ask(1)
        order_id = msgpack.unpackb(first)["order_id"]
        self.suite.catalogd.get("catalog.put", book_id=1, title="Renamed", price=1)
        self.suite.orderd.get("order.set_status", order_id=order_id, status="PAID")
        self.suite.orderd.get("order.set_status", order_id=order_id, status="SHIPPED")
        self.assertEqual(self.ask(2), first)
        self.suite.orderd.get("order.set_status", order_id=order_id, status="COMPLETED")
        self.assertEqual(self.ask(3), first)
        self.suite.close()

    def test_a_repeat_while_the_first_is_being_reserved_waits_for_it(self):
        self.suite.freeze("stockd")
        self.repeat_while_waiting(lambda: self.suite.orderd.get("saga.list")["sagas"])
        self.suite.thaw("stockd")
        self.check_all_the_same()

    def test_a_repeat_while_the_first_is_being_priced_waits_for_it(self):
        self.suite.freeze("catalogd")
        self.repeat_while_waiting(lambda: self.suite.orderd.get("health")["backlog"] > 0)
        self.suite.thaw("catalogd")
        self.check_all_the_same()

    def repeat_while_waiting(self, is_waiting):
        self.clients = [self.suite.client("orderd") for _ in range(4)]
        for at, client in enumerate(self.clients):
            self.addCleanup(client.close)
            client.send_frames(request(100 + at))
            suite.wait_until(is_waiting, "the first is in hand")
        self.clients[0].send_frames(request(99))
        for client in self.clients:
            self.assertFalse(client.socket.poll(50))

    def check_all_the_same(self):
        answers = {without_id(client.receive_frame(), 100 + at)
                   for at, client in enumerate(self.clients[1:], 1)}
        both = [self.clients[0].receive_frame() for _ in range(2)]
        for frame in both:
            answers.add(without_id(frame, msgpack.unpackb(frame)["id"]))
        self.assertEqual({msgpack.unpackb(frame)["id"] for frame in both}, {99, 100})
        self.assertEqual(len(answers), 1)
        self.one_order(answers.pop())

    def test_another_body_while_the_first_is_running_is_a_mismatch(self):
        self.suite.freeze("stockd")
        with self.suite.client("orderd") as client:
            client.send_frames(request(1))
            suite.wait_until(lambda: self.suite.orderd.get("saga.list")["sagas"], "it is in hand")
            self.mismatch(items=[{"book_id": 1, "quantity": 1}])
            self.suite.thaw("stockd")
            self.one_order(without_id(client.receive_frame(), 1))

    def test_a_repeat_after_a_crash_gets_the_same_answer(self):
        first = self.ask(1)
        for name in suite.DAEMONS:
            self.suite.kill(name)
        for name in suite.DAEMONS:
            self.suite.start(name)
        self.assertEqual(self.ask(2), first)
        self.one_order(first)

    def test_a_repeat_after_a_crash_in_the_middle_makes_one_order(self):
        self.suite.freeze("stockd")
        with self.suite.client("orderd") as client:
            client.send_frames(request(1))
            suite.wait_until(lambda: self.suite.orderd.get("saga.list")["sagas"], "it is in hand")
        self.suite.kill("orderd")
        self.suite.start("orderd")
        with self.suite.client("orderd") as client:
            client.send_frames(request(2))
            self.assertFalse(client.socket.poll(50))
            self.suite.thaw("stockd")
            answer = without_id(client.receive_frame(), 2)
        self.assertEqual(self.ask(3), answer)
        self.one_order(answer)

    def test_another_body_is_a_mismatch(self):
        first = self.ask(1)
        for changes in ({"items": [{"book_id": 1, "quantity": 1}]},
                        {"items": [{"book_id": 2, "quantity": 2}]},
                        {"items": BODY["items"] * 2},
                        {"expires_in_ms": 60000}):
            self.mismatch(**changes)
        self.assertEqual(self.ask(2), first)
        self.one_order(first)

    def mismatch(self, **changes):
        reply = msgpack.unpackb(self.suite.orderd.exchange(request(1, **changes)))
        self.assertEqual((reply["code"], reply["error"]), (40900, "idempotency_mismatch"))

    def test_a_key_belongs_to_its_user(self):
        first, other = self.ask(1), self.ask(2, user_id=2)
        self.assertNotEqual(first, other)
        self.one_order(other, 2)

    def test_a_refusal_frees_the_key(self):
        many = [{"book_id": 1, "quantity": 99}, {"book_id": 1, "quantity": 2}]
        reply = msgpack.unpackb(self.suite.orderd.exchange(request(1, items=many)))
        self.assertEqual(reply["error"], "insufficient_stock")
        self.one_order(self.ask(2))

    def test_the_same_key_twice_in_one_request_makes_one_order(self):
        reply = self.suite.orderd.get("order.create", orders=[BODY, BODY, BODY])
        self.assertEqual([result["code"] for result in reply["results"]], [0, 0, 0])
        self.assertEqual(len({result["order_id"] for result in reply["results"]}), 1)
        self.one_order(self.ask(2))

    def test_a_key_is_forgotten_after_its_time(self):
        self.suite.stop("orderd")
        self.suite.options = {"orderd": ["--key-retention", "1s"]}
        self.suite.start("orderd")
        first = self.ask(1)
        again = suite.wait_until(
            lambda: (answer := self.ask(2)) != first and answer, "the key is forgotten")
        self.one_order(again, 2)

    def test_stock_is_added_once(self):
        body = {"book_id": 1, "quantity": 7, "reason": "delivery", "idempotency_key": "d-1"}
        first = self.suite.stockd.get("stock.add", **body)
        self.suite.kill("stockd")
        self.suite.start("stockd")
        again = self.suite.stockd.get("stock.add", **body)
        self.assertEqual({**again, "id": 0}, {**first, "id": 0})
        self.assertEqual(self.suite.level(), (107, 0, 0))
        for changes in ({"quantity": 8}, {"book_id": 2}):
            reply = self.suite.stockd.ask("stock.add", **{**body, **changes})
            self.assertEqual(reply["error"], "idempotency_mismatch")
        self.suite.close()


if __name__ == "__main__":
    suite.main()
