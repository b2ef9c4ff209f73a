"""A real small file system, filled to the brim and freed again: new orders are refused with a code,
what brings orders to their end goes on, and nothing is broken after."""

import os
import subprocess
import tempfile
import time
import unittest

import suite

SIZE = "48m"
ORDERS = 120
MANY = 200
MOST = 200  # requests of MANY orders; the room that is kept is used up before
AT_ONCE_S = 1  # the time-out of stockd is 5


class Full(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="orderd-full-")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", self.place],
                              capture_output=True, check=False)
        if done.returncode != 0:
            os.rmdir(self.place)
            self.skipTest(f"no file system of our own without root: {done.stderr.decode()}")
        self.addCleanup(self.unmount)

    def unmount(self):
        subprocess.run(["umount", self.place], check=True)
        os.rmdir(self.place)

    def fill(self):
        """Every block that is left."""
        with open(f"{self.place}/filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass

    def create_until_refused(self, daemons):
        order = {"user_id": 1, "items": [{"book_id": 1, "quantity": 1}]}
        for _ in range(MOST):
            reply = daemons.orderd.ask("order.create", orders=[order] * MANY)
            errors = {result.get("error") for result in reply.get("results", [reply])}
            if errors != {None}:
                return errors - {None}
        self.fail("new orders are taken for ever")

    def test_a_full_disk(self):
        place = ["--state-dir", self.place]
        with suite.Suite(orderd=place, stockd=place, catalogd=place, reaperd=place) as daemons:
            daemons.stock_books(1000000)
            orders = [daemons.create()["order_id"] for _ in range(ORDERS)]
            soon = daemons.create(expires_in_ms=1000)["order_id"]
            daemons.wait_settled()
            room = daemons.orderd.get("health")["store_room_bytes"]
            self.assertLess(room, 48 << 20)
            self.fill()
            self.assertLess(daemons.orderd.get("health")["store_room_bytes"], min(room, 16 << 20))
            errors = self.create_until_refused(daemons)
            self.assertEqual(errors, {"storage_full"})
            why = "the disk of the store is full: new work is refused"
            self.assertIn(f"orderd is degraded: {why}\n", daemons.orderctl("status")[1])
            with open(f"{daemons.dir}/orderd.log", encoding="utf-8") as log:
                self.assertEqual(log.read().count(why), 1)
            for at, order in enumerate(orders):
                if at % 2:
                    daemons.orderd.get("order.set_status", order_id=order, status="PAID")
                else:
                    daemons.orderd.get("order.cancel", order_id=order)
            suite.wait_until(lambda: daemons.status(soon) == "CANCELLED", "an order expires")
            os.unlink(f"{self.place}/filler")
            suite.wait_until(lambda: daemons.orderd.ask(
                "order.create", user_id=2,
                items=[{"book_id": 2, "quantity": 1}])["code"] == 0, "new orders are taken again")
            daemons.audit()

    def test_a_full_disk_of_stockd_alone(self):
        with suite.Suite(stockd=["--state-dir", self.place]) as daemons:
            daemons.stock_books(1000000)
            paid, cancelled = [daemons.create()["order_id"] for _ in range(2)]
            daemons.wait_settled()
            self.fill()
            errors = self.create_until_refused(daemons)
            self.assertEqual(errors, {"storage_full"})
            began = time.monotonic()
            reply = daemons.orderd.ask("order.create", user_id=1,
                                       items=[{"book_id": 1, "quantity": 1}])
            self.assertEqual(reply["error"], "storage_full")
            self.assertLess(time.monotonic() - began, AT_ONCE_S)
            daemons.orderd.get("order.set_status", order_id=paid, status="PAID")
            daemons.orderd.get("order.cancel", order_id=cancelled)
            daemons.wait_settled()
            os.unlink(f"{self.place}/filler")
            suite.wait_until(lambda: daemons.orderd.ask(
                "order.create", user_id=2,
                items=[{"book_id": 2, "quantity": 1}])["code"] == 0, "new orders are taken again")
            daemons.audit()


if __name__ == "__main__":
    suite.main()
