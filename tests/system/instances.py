#!/usr/bin/python3
"""catalogd in several read-only instances beside the owner of its store: what they answer, how
liborderd turns through them, and what a program sees of it when some of them are away."""
import ctypes
import os
import sys
import time
import unittest

import suite

INSTANCES = ("catalogd", "catalogd@1", "catalogd@2")
READS = 30
PAUSE_S = 1.5  # what a read may take: one attempt at each of two that are away, and some


class Reader:
    """A program that reads the catalog through liborderd."""

    def __init__(self, library, directory):
        self.library = library
        self.library.orderd_message.restype = ctypes.c_char_p
        self.client = ctypes.c_void_p()
        assert library.orderd_open(ctypes.byref(self.client), directory.encode()) == 0
        library.orderd_set_timeout(self.client, ctypes.c_int64(2500))

    def read(self, book_id=1):
        """How long it took; a failure is raised."""
        books = ctypes.c_void_p()
        started = time.monotonic()
        result = self.library.orderd_book(self.client, ctypes.c_uint64(book_id), None,
                                          ctypes.byref(books))
        took_s = time.monotonic() - started
        if result != 0:
            raise AssertionError(f"{result}: {self.message()}")
        self.library.orderd_books_free(books)
        return took_s

    def message(self):
        return self.library.orderd_message(self.client).decode()

    def close(self):
        self.library.orderd_close(self.client)


class Instances(unittest.TestCase):
    def setUp(self):
        self.suite = suite.Suite(absent=("stockd", "orderd", "reaperd"))
        self.addCleanup(self.suite.destroy)
        self.put(price=5900)

    def put(self, **fields):
        return self.suite.catalogd.get("catalog.put", book_id=1, title="Charts", **fields)

    def start_instances(self):
        for name in INSTANCES[1:]:
            self.suite.start(name)
        reader = Reader(LIBRARY, self.suite.dir)
        self.addCleanup(reader.close)
        return reader

    def reads(self, name):
        """How many reads a daemon has answered."""
        with self.suite.client(name) as client:
            for operation in client.get("stats")["operations"]:
                if operation["operation"] == "catalog.get":
                    return operation["handled"]
        return 0

    def answered(self, reader, names):
        """Reads for a while, and by how many of them each of these daemons answered."""
        before = {name: self.reads(name) for name in names}
        for _ in range(READS):
            self.assertLess(reader.read(), PAUSE_S)
        return [self.reads(name) - before[name] for name in names]

    def test_an_instance_shows_what_the_owner_has_answered_and_changes_nothing(self):
        self.start_instances()
        for name in INSTANCES[1:]:
            with self.suite.client(name) as client:
                self.assertEqual(client.get("health")["name"], name)
                for price in range(1, 50):
                    version = self.put(price=price)["version"]
                    book = client.get("catalog.get", book_id=1)
                    self.assertEqual((book["price"], book["version"]), (price, version))
                self.assertEqual(len(client.get("catalog.list")["books"]), 1)
                priced = client.get("catalog.price", items=[{"book_id": 1, "quantity": 2}])
                self.assertEqual(priced["items"][0]["price"], 49)
                refused = client.ask("catalog.put", book_id=1, title="Mine", price=1)
                self.assertEqual(refused["error"], "unknown_operation")
        self.assertEqual(self.suite.catalogd.get("catalog.get", book_id=1)["title"], "Charts")

    def test_an_instance_without_a_store_says_so_until_there_is_one(self):
        other = suite.Suite(absent=suite.DAEMONS)
        self.addCleanup(other.destroy)
        other.start("catalogd@1", wait=False)
        suite.wait_until(lambda: os.path.exists(f"{other.dir}/catalogd@1.sock"), "its socket")
        with other.client("catalogd@1") as client:
            health = client.get("health")
            self.assertEqual((health["ready"], health["reason"]),
                             (False, "the store is not there yet"))
            self.assertEqual(client.ask("catalog.get", book_id=1)["error"], "catalog_unavailable")
            other.start("catalogd")
            other.catalogd.get("catalog.put", book_id=1, title="Charts", price=5900)
            other.wait_ready("catalogd@1")
            self.assertEqual(client.get("catalog.get", book_id=1)["price"], 5900)

    def test_reads_are_answered_in_turn(self):
        reader = self.start_instances()
        reader.read()
        self.assertEqual(self.answered(reader, INSTANCES), [READS / len(INSTANCES)] * 3)

    def test_the_answers_go_on_while_instances_are_killed_and_come_back(self):
        reader = self.start_instances()
        reader.read()
        for name in INSTANCES:
            others = [other for other in INSTANCES if other != name]
            self.suite.kill(name)
            self.assertEqual(sum(self.answered(reader, others)), READS, name)
            self.suite.start(name)
            suite.wait_until(lambda: min(self.answered(reader, INSTANCES)) > 0,
                             f"{name} is asked again")

    def test_one_that_hangs_is_passed_over_until_it_goes_on(self):
        reader = self.start_instances()
        reader.read()
        self.suite.freeze("catalogd@1")
        self.assertEqual(sum(self.answered(reader, ("catalogd", "catalogd@2"))), READS)
        self.suite.thaw("catalogd@1")
        suite.wait_until(lambda: self.answered(reader, ("catalogd@1",))[0] > 0,
                         "it is asked again")

    def test_when_nobody_is_left_every_socket_that_was_tried_is_named(self):
        reader = self.start_instances()
        reader.read()
        for name in INSTANCES:
            self.suite.kill(name)
        with self.assertRaises(AssertionError):
            reader.read()
        for name in INSTANCES:
            self.assertIn(f"{self.suite.dir}/{name}.sock (nobody answers there)",
                          reader.message())

    def test_orderctl_looks_after_every_instance_and_misses_one_whose_socket_is_left(self):
        reader = self.start_instances()
        for _ in INSTANCES:
            reader.read()

        def shown(*words):
            return self.suite.orderctl(*words)[1]
        for name in INSTANCES:
            self.assertRegex(shown("status"), rf"(?m)^{name} +up ")
            self.assertIn(f"\n{name}, since its start:", shown("stats"))
            self.assertIn(f'orderd_up{{daemon="{name}"}} 1\n', shown("metrics"))
        live = shown("top", "--count", "1", "--interval", "100ms")
        self.assertRegex(live, r"(?m)^catalogd@2 +up ")
        self.assertIn("\ncatalog.get@2 ", live)
        self.assertIn("3 of 6 daemons want attention", live)
        self.suite.kill("catalogd@2")
        status, out, err = self.suite.orderctl("status")
        self.assertEqual(status, 3)
        self.assertRegex(out, r"(?m)^catalogd@2 +down ")
        self.assertIn("systemctl disable --now catalogd@2.service catalogd@2.socket", err)
        self.assertIn('orderd_up{daemon="catalogd@2"} 0\n', shown("metrics"))
        os.remove(f"{self.suite.dir}/catalogd@2.sock")
        with open(f"{self.suite.dir}/catalogd@\".sock", "w", encoding="ascii"):
            pass
        self.assertEqual([row.split()[0] for row in shown("status").splitlines()[-3:]],
                         ["catalogd", "reaperd", "catalogd@1"])

    def test_the_name_of_an_instance_is_checked(self):
        self.suite.start("catalogd@../x", wait=False)
        self.assertEqual(self.suite.processes.pop("catalogd@../x").wait(suite.PATIENCE_S), 2)


if __name__ == "__main__":
    shared = os.path.join(os.environ["TOP_BUILDDIR"], ".libs/liborderd.so")
    if not os.path.exists(shared):
        print("skipped: this build has no shared liborderd")
        sys.exit(77)
    LIBRARY = ctypes.CDLL(shared)
    suite.main()
