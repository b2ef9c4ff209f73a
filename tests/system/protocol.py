#!/usr/bin/python3
"""orderd-protocol(7) says what the daemons do: its examples to the byte, its lists to the word."""
import os
import re
import unittest

import msgpack
import zmq

import suite

SOURCE = os.environ.get("TOP_SRCDIR") or os.path.join(os.path.dirname(__file__), "../..")
PAGE = os.path.join(SOURCE, "man/orderd-protocol.7")


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


def examples():
    """[(name, daemon, request or None, reply with None for every byte that may differ)]"""
    found = []
    for part in re.split(r'^\.\\" example: ', read("man/orderd-protocol.7"), flags=re.M)[1:]:
        name, daemon = part.split("\n", 1)[0].split()
        shown = part[:part.index("\n.Ed")].splitlines()
        sent, answered = ([byte for line in shown if line.startswith(mark)
                           for byte in line[1:].split()] for mark in "><")
        request = bytes.fromhex("".join(sent)) if sent else None
        found.append((name, daemon, request,
                      [None if byte == ".." else int(byte, 16) for byte in answered]))
    return found


def hexadecimal(frame):
    return " ".join(".." if byte is None else f"{byte:02x}" for byte in frame)


class Examples(unittest.TestCase):
    """A new suite, and then the page's requests in the page's order."""

    def play(self, kind):
        with suite.Suite() as running:
            events = running.subscribe()
            running.stock_books()
            clients = {name: running.client(name, kind=kind) for name in suite.DAEMONS}
            for name, daemon, request, reply in examples():
                with self.subTest(example=name):
                    if daemon == "events":
                        got = self.event_like(events, reply)
                    else:
                        got = clients[daemon].exchange(request)
                    self.check(got, reply)
            events.close()
            for client in clients.values():
                client.close()

    def event_like(self, events, wanted):
        """The next event that is as long as the page's; there are others before it."""
        while events.poll(suite.PATIENCE_S * 1000):
            got = events.recv()
            if len(got) == len(wanted) and all(b is None or a == b for a, b in zip(got, wanted)):
                return got
        self.fail("no such event was published")

    def check(self, got, wanted):
        same = len(got) == len(wanted) and all(b is None or a == b for a, b in zip(got, wanted))
        self.assertTrue(same, f"\n  page {hexadecimal(wanted)}\n  suite {hexadecimal(got)}"
                              f"\n  {msgpack.unpackb(got)}")

    def test_the_examples_hold_for_a_dealer(self):
        self.play(zmq.DEALER)

    def test_the_examples_hold_for_a_req(self):
        self.play(zmq.REQ)

    def test_there_are_examples(self):
        self.assertGreater(len(examples()), 25)


class Words(unittest.TestCase):
    """What the sources name, the page names too, and the other way round."""

    def setUp(self):
        self.page = read("man/orderd-protocol.7")

    def documented_operations(self):
        return set(re.findall(r"^\.Ss ((?:[a-z]+\.[a-z_]+)|health)$", self.page, flags=re.M))

    def test_operations(self):
        named = {"health"}
        for name in suite.DAEMONS:
            for part in ("operations.c", "sweep.c"):
                path = f"daemons/{name}/{part}"
                if os.path.exists(os.path.join(SOURCE, path)):
                    named |= set(re.findall(r'\{\s*(?:\.name = )?"([a-z]+\.[a-z_]+)",', read(path)))
        self.assertGreater(len(named), 20)
        self.assertEqual(named, self.documented_operations())

    def test_operations_have_an_example(self):
        shown = {msgpack.unpackb(request).get("op") for name, _, request, _ in examples()
                 if request and name != "frame"}
        self.assertEqual(self.documented_operations() - shown - {"health"}, set())

    def test_errors(self):
        named = set(re.findall(r'\{ ([0-9]{5}), "([a-z_]+)",', read("common/error.c")))
        listed = self.page[self.page.index(".Sh ERROR CODES"):]
        shown = set(re.findall(r"^\.It ([0-9]{5}) Ta ([a-z_]+) Ta", listed, flags=re.M))
        self.assertGreater(len(named), 20)
        self.assertEqual(named, shown)

    def test_fields(self):
        """Every field of common/protocol.c stands on the page."""
        named = set(re.findall(r'^\t\{ "([a-z_]+)", FIELD_', read("common/protocol.c"), flags=re.M))
        shown = set(re.findall(r"\b[a-z_]+\b", " ".join(re.findall(r"^\.(?:It|Va) .*", self.page,
                                                                 flags=re.M))))
        self.assertGreater(len(named), 50)
        self.assertEqual(named - shown, set())


class Health(unittest.TestCase):
    def test_every_daemon_says_how_it_is(self):
        with suite.Suite() as running:
            for name in suite.DAEMONS:
                reply = getattr(running, name).get("health")
                self.assertEqual((reply["name"], reply["ready"], reply["pid"]),
                                 (name, True, running.pid(name)))
                self.assertGreater(reply["started_at"], 1600000000000)
                self.assertGreater(reply["requests"], 0)


if __name__ == "__main__":
    suite.main()
