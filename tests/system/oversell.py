#!/usr/bin/python3
"""Never is more sold than there is: eight processes after the same 100 books."""
import multiprocessing
import random
import unittest

import suite

PROCESSES = 8
WANTED = [3] * 10 + [2] * 5 + [1] * 10  # 50 each, 400 together; the last ones fit any rest


def order_until_content(path, user_id, start, queue):
    """Orders all it wants, one after the other or 5 at once, and says how many it got."""
    sold, refused = 0, 0
    with suite.Client(path) as client:
        start.wait()
        for at in range(0, len(WANTED), 5):
            bodies = [{"user_id": user_id, "items": [{"book_id": 1, "quantity": quantity}],
                       "idempotency_key": f"{user_id}-{at + more}"}
                      for more, quantity in enumerate(WANTED[at:at + 5])]
            if user_id % 2:
                answers = client.get("order.create", orders=bodies)["results"]
            else:
                answers = [client.ask("order.create", **body) for body in bodies]
            for answer, body in zip(answers, bodies):
                if answer["code"] == 0:
                    sold += body["items"][0]["quantity"]
                elif answer["error"] == "insufficient_stock":
                    refused += body["items"][0]["quantity"]
    queue.put((sold, refused))


def live_a_life(path, user_id, start, queue):
    """Orders, and pays, cancels, refunds or forgets what it ordered."""
    dice = random.Random(user_id)
    with suite.Client(path) as client:
        start.wait()
        for _ in range(30):
            items = [{"book_id": dice.randint(1, 2), "quantity": dice.randint(1, 30)}
                     for _ in range(dice.randint(1, 3))]
            order = client.ask("order.create", user_id=user_id, items=items, expires_in_ms=1000)
            if order["code"]:
                continue
            for status in dice.choice((["CANCELLED"], ["PAID", "CANCELLED"], ["PAID"], [])):
                client.ask("order.set_status", order_id=order["order_id"], status=status)
    queue.put((0, 0))


class Oversell(unittest.TestCase):
    def run_all(self, running, function):
        """Starts the processes together and returns the sums of what they say."""
        queue, start = multiprocessing.Queue(), multiprocessing.Event()
        processes = [multiprocessing.Process(target=function, daemon=True,
                                             args=(f"{running.dir}/orderd.sock", at, start, queue))
                     for at in range(1, PROCESSES + 1)]
        for process in processes:
            process.start()
        start.set()
        told = [queue.get(timeout=2 * suite.PATIENCE_S) for _ in processes]
        for process in processes:
            process.join(suite.PATIENCE_S)
        return [sum(column) for column in zip(*told)]

    def test_eight_processes_that_want_400_get_exactly_100(self):
        with suite.Suite() as running:
            running.stock_books(100)
            self.assertEqual(self.run_all(running, order_until_content), [100, 300])
            found = running.audit()
            self.assertEqual(running.level(), (0, 100, 0))
            self.assertEqual(sum(item["quantity"] for order in found["orders"]
                                 for item in order["items"]), 100)

    def test_the_ledger_balances_when_all_is_mixed(self):
        with suite.Suite() as running:
            running.stock_books(100)
            self.run_all(running, live_a_life)
            suite.wait_until(lambda: all(order["status"] != "PENDING"
                                         for order in running.snapshot()["orders"]),
                             "all pending orders have expired")
            found = running.audit()
            self.assertGreater(len(found["orders"]), PROCESSES)
            self.assertEqual(running.level(1)[1], 0)
            self.assertEqual(running.level(2)[1], 0)

    def test_a_book_on_two_lines_is_summed_before_the_check(self):
        with suite.Suite() as running:
            running.stock_books(10)
            items = [{"book_id": 1, "quantity": 6}, {"book_id": 2, "quantity": 1},
                     {"book_id": 1, "quantity": 5}]
            reply = running.orderd.ask("order.create", user_id=1, items=items)
            self.assertEqual(reply["error"], "insufficient_stock")
            self.assertEqual((running.level(1), running.level(2)), ((10, 0, 0), (10, 0, 0)))
            items[2]["quantity"] = 4
            self.assertEqual(running.orderd.get("order.create", user_id=1, items=items)["total"],
                             10 * 5900 + 13900)
            self.assertEqual((running.level(1), running.level(2)), ((0, 10, 0), (9, 1, 0)))
            running.audit()


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")  # nothing of ZeroMQ may be carried over
    suite.main()
