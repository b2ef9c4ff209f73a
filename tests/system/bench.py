"""orderd-bench measures what it did: every kind of load, closed and open loop."""
import json
import os
import subprocess
import time
import unittest

import suite

BENCH = os.path.join(os.environ["TOP_BUILDDIR"], "bench", "orderd-bench")
TITLES = 20


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.suite = suite.Suite()
        cls.addClassCleanup(cls.suite.close)

    def ended(self, *words):
        return subprocess.run([BENCH, f"--runtime-dir={self.suite.dir}", *words],
                              check=False, text=True, capture_output=True,
                              timeout=suite.PATIENCE_S)

    def measured(self, mode, count, *options):
        """What a load says of itself after all that was asked for was done."""
        ended = self.ended(mode, f"--orders={count}", f"--titles={TITLES}", "--users=5", "--json",
                           *options)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        found = json.loads(ended.stdout)
        self.assertEqual((found["mode"], found["refused"], found["lost"]), (mode, 0, 0))
        return found

    def orders(self):
        return sum(event["to"] == "PENDING"
                   for event in self.suite.orderd.pages("event.list", "events"))

    def test_creates_are_orders_and_their_costs_are_told(self):
        before = self.orders()
        found = self.measured("create", 300, "--connections=8", "--depth=2")
        self.assertEqual(found["done"], 300)
        self.assertEqual(self.orders() - before, 300)
        self.assertGreater(found["rate"], 0)
        self.assertLessEqual(0 < found["p50_ms"], found["p99_ms"])
        self.assertLessEqual(found["p99_ms"], found["p999_ms"])
        self.assertGreater(found["fsyncs_per_order"], 0)
        self.assertEqual(set(found["cpu_us_per_order"]),
                         {"orderd", "stockd", "catalogd", "reaperd", "client"})

    def test_the_open_loop_keeps_its_rate(self):
        found = self.measured("create", 200, "--rate=200")
        self.assertEqual(found["done"], 200)
        self.assertGreaterEqual(found["seconds"], 0.99)

    def test_a_pause_is_felt_by_all_that_were_due_meanwhile(self):
        with subprocess.Popen([BENCH, f"--runtime-dir={self.suite.dir}", "get", "--json",
                               "--stored=10", "--rate=200", "--orders=500", f"--titles={TITLES}"],
                              stdout=subprocess.PIPE, text=True) as bench:
            suite.wait_until(lambda: self.gets() > 20, "it reads")
            self.suite.freeze("orderd")
            time.sleep(1)
            self.suite.thaw("orderd")
            found = json.loads(bench.communicate(timeout=suite.PATIENCE_S)[0])
        self.assertEqual((bench.returncode, found["done"]), (0, 500))
        self.assertGreater(found["max_ms"], 900)
        self.assertGreater(found["p90_ms"], 300, "200 of the 500 were due in the pause")

    def gets(self):
        stats = self.suite.orderd.get("stats")
        return next(row["handled"] for row in stats["operations"]
                    if row["operation"] == "order.get")

    def test_reads_pages_and_mixes(self):
        self.assertEqual(self.measured("get", 200, "--books=zipf")["done"], 200)
        self.assertEqual(self.measured("list", 50, "--stored=0")["done"], 50)
        self.assertEqual(self.measured("list", 50, "--stored=0", "--page=3")["done"], 50)
        self.assertEqual(self.measured("mix", 100, "--stored=20", "--books=zipf:0.8")["done"], 100)

    def test_a_page_that_is_not_there(self):
        ended = self.ended("list", "--orders=1", "--stored=5", "--page=5000", f"--titles={TITLES}")
        self.assertEqual(ended.returncode, 3)
        self.assertIn("no page 5000", ended.stderr)

    def test_cancellations(self):
        self.assertEqual(self.measured("cancel", 100)["done"], 100)

    def test_a_storm_and_a_steady_stream_of_expiries(self):
        self.assertEqual(self.measured("expire", 200)["done"], 200)
        found = self.measured("expire", 300, "--rate=100", "--lifetime=1000")
        self.assertGreater(found["done"], 100)
        self.assertLess(found["done"], 300)

    def test_wrong_usage_ends_with_2(self):
        for words in (["nonsense"], ["create", "--books=nonsense"], ["create", "--orders=0"], []):
            self.assertEqual(self.ended(*words).returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
