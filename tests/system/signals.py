#!/usr/bin/python3
"""What a service manager sees of the daemons: readiness, watchdog, stopping, reloading, and the
sockets that it holds for them."""
import os
import shutil
import signal
import socket
import time
import unittest

import suite

STOP_S = 2
CONFIG = "orderd\n    payment_timeout = {timeout}\nsuite\n    store_size_max = {size}\n"


class Manager:
    """The other end of a NOTIFY_SOCKET."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(suite.PATIENCE_S)

    def wait_for(self, wanted):
        """Everything up to the first message with this line, as lines."""
        lines = []
        while wanted not in lines:
            lines += self.socket.recv(4096).decode().splitlines()
        return lines


class Signals(unittest.TestCase):
    def setUp(self):
        self.suite = suite.Suite(absent=suite.DAEMONS)
        self.addCleanup(self.suite.destroy)

    def listen(self, name, **environment):
        path = f"{self.suite.dir}/{name}.notify"
        manager = Manager(path)
        self.addCleanup(manager.socket.close)
        self.suite.env = {**self.suite.env, "NOTIFY_SOCKET": path, **environment}
        return manager

    def log(self, name):
        with open(f"{self.suite.dir}/{name}.log", encoding="utf-8") as log:
            return log.read()

    def test_ready_when_it_answers_and_stopping_when_told(self):
        for name in ("catalogd", "stockd", "orderd", "reaperd"):
            manager = self.listen(name)
            self.suite.start(name, wait=False)
            lines = manager.wait_for("READY=1")
            self.assertTrue(any(line.startswith("STATUS=") for line in lines), lines)
            self.assertTrue(os.path.exists(f"{self.suite.dir}/{name}.sock"))
            with self.suite.client(name) as client:
                self.assertTrue(client.get("health"))
            self.suite.signal(name, signal.SIGTERM)
            manager.wait_for("STOPPING=1")
            self.assertEqual(self.suite.processes.pop(name).wait(suite.PATIENCE_S), 0)

    def test_the_watchdog_is_fed(self):
        for name in suite.DAEMONS:
            manager = self.listen(name, WATCHDOG_USEC="400000")
            self.suite.start(name, wait=False)
            for _ in range(3):
                manager.wait_for("WATCHDOG=1")
            self.suite.stop(name)

    def test_sigterm_and_sigint_stop_soon_and_cleanly(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            for name in suite.DAEMONS:
                self.suite.start(name, wait=False)
            for name in suite.DAEMONS:
                self.suite.wait_ready(name)
            for name in suite.DAEMONS:
                started = time.monotonic()
                self.suite.signal(name, number)
                self.assertEqual(self.suite.processes.pop(name).wait(suite.PATIENCE_S), 0)
                self.assertLess(time.monotonic() - started, STOP_S)

    def start_all(self, **options):
        self.suite.options = options
        for name in suite.DAEMONS:
            self.suite.start(name)
        self.suite.stock_books()

    def test_what_is_in_hand_is_answered_before_it_stops(self):
        self.start_all()
        self.suite.freeze("stockd")
        with self.suite.client("orderd") as client:
            request = client.send("order.create", user_id=1, items=[{"book_id": 1, "quantity": 1}])
            suite.wait_until(lambda: self.suite.orderd.get("saga.list")["sagas"], "it is in hand")
            self.suite.signal("orderd", signal.SIGTERM)
            self.suite.thaw("stockd")
            self.assertEqual(client.receive(request)["code"], 0)
        self.assertEqual(self.suite.processes.pop("orderd").wait(suite.PATIENCE_S), 0)
        self.suite.start("orderd")
        self.suite.audit()
        self.suite.close()

    def test_what_cannot_be_answered_does_not_keep_it_from_stopping(self):
        self.start_all(orderd=["--stock-timeout", "60s"])
        self.suite.freeze("stockd")
        with self.suite.client("orderd") as client:
            client.send("order.create", user_id=1, items=[{"book_id": 1, "quantity": 1}])
            suite.wait_until(lambda: self.suite.orderd.get("saga.list")["sagas"], "it is in hand")
            self.assertLess(self.suite.stop("orderd"), 2 * STOP_S)
        self.suite.thaw("stockd")
        self.suite.start("orderd")
        self.suite.audit()
        self.suite.close()

    def test_nobody_is_left_without_an_answer_by_a_stop(self):
        self.start_all()
        clients = [self.suite.client("orderd") for _ in range(64)]
        answers = 0
        for at, client in enumerate(clients):
            self.addCleanup(client.close)
            client.get("health")  # it is connected
            client.send("order.create", user_id=at + 1, items=[{"book_id": 1, "quantity": 1}])
        self.suite.signal("orderd", signal.SIGTERM)
        for at, client in enumerate(clients):
            client.send("order.list", user_id=at + 1)
        for client in clients:
            codes = [client.receive(number)["code"] for number in (2, 3)]
            answers += codes.count(0)
            self.assertLessEqual(set(codes), {0, 42900, 40900}, codes)
        self.assertEqual(self.suite.processes.pop("orderd").wait(suite.PATIENCE_S), 0)
        self.assertGreater(answers, 0)
        self.suite.start("orderd")
        self.suite.audit()
        self.suite.close()

    def activate(self, name, *files):
        """Starts a daemon by the first who comes to one of these sockets."""
        tool = shutil.which("systemd-socket-activate")
        if not tool:
            self.skipTest("no systemd-socket-activate (Debian: systemd)")
        paths = [f"{self.suite.dir}/{file}" for file in files]
        options = [word for path in paths for word in ("--listen", path)]
        self.suite.start(name, wait=False, through=[tool, *options])
        for path in paths:
            suite.wait_until(lambda path=path: os.path.exists(path), f"{path} is listened to")
        return [os.stat(path) for path in paths]

    def test_a_socket_that_systemd_holds_starts_its_daemon_and_stays_systemds(self):
        sockets = {"catalogd": ["catalogd.sock"], "stockd": ["stockd.sock"],
                   "orderd": ["orderd.sock", "events.sock"], "reaperd": ["reaperd.sock"]}
        for name, files in sockets.items():
            before = self.activate(name, *files)
            self.assertFalse(os.path.exists(f"{self.suite.dir}/{name}.lock"))
            self.suite.wait_ready(name)
            for file, there in zip(files, before):
                now = os.stat(f"{self.suite.dir}/{file}")
                self.assertEqual((now.st_ino, now.st_mode), (there.st_ino, there.st_mode))
        self.suite.stock_books()
        events = self.suite.subscribe()
        self.addCleanup(events.close)
        order = self.suite.create()
        self.assertTrue(events.poll(suite.PATIENCE_S * 1000))
        for name, files in sockets.items():
            self.suite.stop(name)
            for file in files:
                self.assertTrue(os.path.exists(f"{self.suite.dir}/{file}"), file)
        for name in sockets:
            self.suite.start(name)
        self.assertEqual(self.suite.status(order["order_id"]), "PENDING")
        self.suite.audit()
        self.suite.close()

    def test_a_foreign_socket_is_refused(self):
        self.activate("stockd", "stock.sock")
        with suite.Client(f"{self.suite.dir}/stock.sock") as client:
            client.send("health")
            self.assertEqual(self.suite.processes.pop("stockd").wait(suite.PATIENCE_S), 1)
        self.assertIn("stock.sock, which is none of this daemon's", self.log("stockd"))

    def configure(self, text):
        with open(f"{self.suite.dir}/orderd.conf", "w", encoding="ascii") as file:
            file.write(text)

    def wait_s(self):
        """How many seconds a new order has to be paid."""
        order = self.suite.create()
        return (order["expires_at"] - order["created_at"]) // 1000

    def reload(self, said):
        self.suite.signal("orderd", signal.SIGHUP)
        suite.wait_until(lambda: self.log("orderd").count(said), f"the log says: {said}")

    def test_sighup_reads_the_configuration_again(self):
        self.configure(CONFIG.format(timeout="5m", size="1G"))
        self.start_all(orderd=["--config", f"{self.suite.dir}/orderd.conf"])
        self.assertEqual(self.wait_s(), 300)
        self.configure(CONFIG.format(timeout="7m", size="1G"))
        self.assertEqual(self.wait_s(), 300)
        self.reload("the configuration was reloaded")
        self.assertEqual(self.wait_s(), 420)
        self.configure(CONFIG.format(timeout="9m", size="2G"))
        self.reload("a restart is needed for: store_size_max")
        self.assertEqual(self.wait_s(), 540)
        self.assertEqual(self.suite.orderd.get("health")["store_size_max_bytes"], 1 << 30)
        self.suite.close()

    def test_a_configuration_with_a_mistake_is_not_taken_over(self):
        self.configure(CONFIG.format(timeout="5m", size="1G"))
        self.start_all(orderd=["--config", f"{self.suite.dir}/orderd.conf"])
        self.configure("orderd\n    payment_timeout = 8m\n    lines_max = 0\n")
        self.reload("the configuration was not reloaded")
        self.assertEqual(self.wait_s(), 300)
        os.remove(f"{self.suite.dir}/orderd.conf")
        self.suite.signal("orderd", signal.SIGHUP)
        suite.wait_until(lambda: self.log("orderd").count("was not reloaded") == 2, "again")
        self.assertEqual(self.wait_s(), 300)
        self.suite.close()

    def test_sighup_leaves_the_others_as_they_are(self):
        self.start_all()
        for name in suite.DAEMONS:
            self.suite.signal(name, signal.SIGHUP)
            self.suite.wait_ready(name)
        self.suite.create()
        self.suite.audit()
        self.suite.close()


if __name__ == "__main__":
    suite.main()
