"""orderctl fsck --repair over the stores of a stopped suite: named first, then put right."""
import json
import os
import unittest

import suite


class Repair(unittest.TestCase):
    def setUp(self):
        self.running = suite.Suite()
        self.addCleanup(self.running.destroy)
        self.running.stock_books(available=1000)
        self.state = f"{self.running.dir}/state"

    def repair(self, *options):
        """Its status, what it found, and what it said on stderr."""
        status, out, err = self.running.orderctl("--json", "fsck", "--repair", "--state-dir",
                                                 self.state, *options)
        return status, json.loads(out) if out else None, err

    def stop(self):
        for name in list(self.running.processes):
            self.running.stop(name)

    def flip(self, store, pattern, offset):
        """Flips a bit behind the pattern, wherever it stands in the file."""
        path = f"{self.state}/{store}/data.mdb"
        with open(path, "rb") as file:
            data = bytearray(file.read())
        at, count = data.find(pattern), 0
        while at >= 0:
            data[at + len(pattern) + offset] ^= 1
            count += 1
            at = data.find(pattern, at + 1)
        self.assertGreater(count, 0)
        with open(path, "r+b") as file:
            file.write(data)

    def test_a_running_suite_is_left_alone(self):
        status, _, err = self.repair()
        self.assertEqual(status, 1)
        self.assertIn("Stop the suite first", err)

    def test_a_whole_suite_needs_nothing(self):
        for _ in range(50):
            self.running.create()
        self.running.wait_settled()
        self.stop()
        status, told, err = self.repair()
        self.assertEqual(status, 0, f"{told} {err}")
        self.assertEqual((told["mended_count"], told["left_count"]), (0, 0))

    def test_a_flipped_status_is_named_and_put_right(self):
        order = self.running.create(user_id=7)
        self.running.wait_settled()
        found = self.running.audit()
        self.stop()
        key = (7).to_bytes(8, "big") + (2 ** 64 - 1 - order["order_id"]).to_bytes(8, "big")
        self.flip("orderd", key, 0)
        status, told, _ = self.repair()
        self.assertEqual(status, 1)
        self.assertEqual(told["found"], [{"store": "orderd", "table": "users", "key": key.hex(),
                                          "what": "was wrong", "mended": True}])
        self.assertEqual(self.repair()[1], told)  # nothing was changed
        status, _, err = self.repair("--write")
        self.assertEqual(status, 0, err)
        self.assertEqual(self.repair()[0], 0)
        for name in suite.DAEMONS:
            self.running.start(name)
        self.assertEqual(self.running.audit(), found)
        self.assertEqual(self.running.orderctl("fsck")[0], 0)

    def test_what_is_called_mended_is_not_found_again(self):
        orders = [self.running.create(user_id=7)["order_id"] for _ in range(3)]
        self.running.wait_settled()
        found = self.running.audit()
        self.stop()
        # The second entry of user 7 says user 6, and stands where that user's are not.
        self.flip("orderd", (7).to_bytes(8, "big") + (2 ** 64 - 1 - orders[1]).to_bytes(8, "big"),
                  -9)
        status, told, err = self.repair("--write")
        self.assertEqual((status, told["left_count"]), (0, 0), err)
        self.assertGreater(told["mended_count"], 1)
        status, told, err = self.repair()
        self.assertEqual((status, told["found"]), (0, []), err)
        for name in suite.DAEMONS:
            self.running.start(name)
        self.assertEqual(self.running.audit(), found)

    def test_a_store_that_cannot_be_read_is_said_to_be_so_and_the_others_are_looked_at(self):
        order = self.running.create(user_id=7)
        self.running.wait_settled()
        self.stop()
        self.flip("orderd", (7).to_bytes(8, "big") +
                  (2 ** 64 - 1 - order["order_id"]).to_bytes(8, "big"), 0)
        os.truncate(f"{self.state}/catalogd/data.mdb", 8192)
        for options in ((), ("--write",)):
            status, told, err = self.repair(*options)
            self.assertEqual(status, 1)
            self.assertIn("catalogd was ended by signal 7", err)
            self.assertIn("its pages are damaged", err)
            self.assertIn("restore", err)
            self.assertEqual([(one["store"], one["table"], one["mended"]) for one in told["found"]],
                             [("catalogd", "", False), ("orderd", "users", True)])
            self.assertEqual((told["mended_count"], told["left_count"]), (1, 1))


if __name__ == "__main__":
    suite.main()
