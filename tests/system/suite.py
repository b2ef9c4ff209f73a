"""The suite under test, and a client for it that was written from orderd-protocol(7) alone.

Suite starts the daemons in a private directory below TMPDIR, and whatever happens to the test
ends them and removes it. Client asks one daemon. audit() reads everything there is and checks it
against itself without any help of the suite's own tools.
"""
import collections
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import msgpack
import zmq

DAEMONS = ("catalogd", "stockd", "orderd", "reaperd")
GO = "Go语言编程"
CSAPP = "深入理解计算机系统"
PATIENCE_S = 30  # for anything that is not itself what is measured
PR_SET_PDEATHSIG = 1


class Silence(Exception):
    """No answer came in time."""


def wait_until(check, what, patience_s=PATIENCE_S):
    """Calls check until it returns something true, and returns that."""
    deadline = time.monotonic() + patience_s
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience_s} s: {what}")
        time.sleep(0.02)


class Client:
    """One connection to one daemon."""

    def __init__(self, path, timeout_s=PATIENCE_S, kind=zmq.DEALER):
        self.kind = kind
        self.timeout_s = timeout_s
        self.last_id = 0
        self.early = {}
        self.socket = zmq.Context.instance().socket(kind)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect("ipc://" + path)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def send_frames(self, *frames):
        self.socket.send_multipart(frames)

    def receive_frames(self, timeout_s=None):
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        if not self.socket.poll(int(timeout_s * 1000)):
            raise Silence(f"no answer within {timeout_s} s")
        return self.socket.recv_multipart()

    def receive_frame(self, timeout_s=None):
        frames = self.receive_frames(timeout_s)
        if len(frames) != 1:
            raise AssertionError(f"an answer of {len(frames)} frames")
        return frames[0]

    def exchange(self, frame, timeout_s=None):
        """The bytes of the answer to these bytes."""
        self.send_frames(frame)
        return self.receive_frame(timeout_s)

    def send(self, op, **fields):
        """Sends a request and returns its id, for receive()."""
        self.last_id += 1
        self.send_frames(msgpack.packb({"v": 1, "id": self.last_id, "op": op, **fields}))
        return self.last_id

    def receive(self, request_id, timeout_s=None):
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        deadline = time.monotonic() + timeout_s
        while request_id not in self.early:
            reply = msgpack.unpackb(self.receive_frame(max(0, deadline - time.monotonic())))
            self.early[reply["id"]] = reply
        return self.early.pop(request_id)

    def ask(self, op, timeout_s=None, **fields):
        return self.receive(self.send(op, **fields), timeout_s)

    def get(self, op, **fields):
        """The answer to a request that must succeed."""
        reply = self.ask(op, **fields)
        if reply["code"] != 0:
            raise AssertionError(f"{op} {fields}: {reply}")
        return reply

    def pages(self, op, name, **fields):
        """All elements of a list that is read by a cursor."""
        found, after = [], 0
        while True:
            page = self.get(op, after=after, limit=500, **fields)
            found += page[name]
            after = page["next"]
            if not after:
                return found


class Suite:
    """The daemons in a directory of their own. Options are given by daemon:
    Suite(orderd=["--stock-timeout", "800ms"]). absent names those that are not started."""

    def __init__(self, absent=(), **options):
        self.dir = tempfile.mkdtemp(prefix="orderd-")
        self.options = options
        self.processes = {}
        self.clients = {}
        self.env = {name: value for name, value in os.environ.items()
                    if name not in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")}
        self.env["ORDERD_RUNTIME_DIR"] = self.dir
        try:
            for name in DAEMONS:
                if name not in absent:
                    self.start(name, wait=False)
            for name in self.processes:
                self.wait_ready(name, whole=not absent)
        except BaseException:
            self.destroy()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            self.print_logs()
            self.destroy()
        else:
            self.close()

    # --- daemons ---

    def start(self, name, wait=True, through=()):
        """Starts a daemon, by the command `through` where one is given; "catalogd@2" is that
        instance of it."""
        def die_with_the_test():
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        kind, _, instance = name.partition("@")
        program = shutil.which(kind)
        if not program:
            raise AssertionError(f"{name} is not in PATH")
        with open(f"{self.dir}/{os.path.basename(name)}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                [*through, program, "--runtime-dir", self.dir, "--state-dir", f"{self.dir}/state",
                 *(["--instance", instance] if instance else []), *self.options.get(name, ())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env,
                preexec_fn=die_with_the_test)
        if wait:
            self.wait_ready(name)

    def wait_ready(self, name, whole=False):
        """`whole`: its neighbours, too, can be reached."""
        def ready():
            if self.processes[name].poll() is not None:
                raise AssertionError(f"{name} ended with {self.processes[name].returncode}")
            try:
                with Client(f"{self.dir}/{name}.sock", 0.25) as client:
                    health = client.ask("health")
                    return health.get("ready") and not (whole and health.get("reason"))
            except Silence:
                return False
        wait_until(ready, f"{name} is ready")

    def pid(self, name):
        return self.processes[name].pid

    def signal(self, name, number):
        self.processes[name].send_signal(number)

    def freeze(self, name):
        self.signal(name, signal.SIGSTOP)

    def thaw(self, name):
        self.signal(name, signal.SIGCONT)

    def kill(self, name):
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def stop(self, name):
        """Ends a daemon as systemd would, and returns how many seconds that took."""
        process = self.processes.pop(name)
        started = time.monotonic()
        process.terminate()
        status = process.wait(PATIENCE_S)
        if status != 0:
            raise AssertionError(f"{name} stopped with {status}")
        return time.monotonic() - started

    # --- the end ---

    def close(self):
        """Stops everything, which has to go well."""
        try:
            for name in list(self.processes):
                self.thaw(name)
                self.stop(name)
        except BaseException:
            self.print_logs()
            raise
        finally:
            self.destroy()

    def destroy(self):
        for client in self.clients.values():
            client.close()
        self.clients = {}
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.processes = {}
        shutil.rmtree(self.dir, ignore_errors=True)

    def print_logs(self):
        for name in DAEMONS:
            try:
                with open(f"{self.dir}/{name}.log", encoding="utf-8", errors="replace") as log:
                    lines = log.readlines()[-20:]
            except FileNotFoundError:
                continue
            sys.stderr.write(f"--- {name}\n" + "".join(lines))

    # --- asking ---

    def client(self, name, **how):
        """A new connection, for its user to close."""
        return Client(f"{self.dir}/{name}.sock", **how)

    def __getattr__(self, name):
        """suite.orderd and so on: the connection kept for the test itself."""
        if name not in DAEMONS:
            raise AttributeError(name)
        if name not in self.clients:
            self.clients[name] = self.client(name)
        return self.clients[name]

    def subscribe(self):
        """A connected SUB socket for all events. The subscription itself is still on its way then:
        the first event after it may be missed when it is made at once."""
        socket = zmq.Context.instance().socket(zmq.SUB)
        socket.setsockopt(zmq.LINGER, 0)
        monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        socket.subscribe(b"")
        socket.connect(f"ipc://{self.dir}/events.sock")
        connected = monitor.poll(PATIENCE_S * 1000)
        socket.disable_monitor()
        monitor.close(0)
        if not connected:
            raise Silence("no connection to events.sock")
        time.sleep(0.3)
        return socket

    def stock_books(self, available=100):
        """The two books of the document's table."""
        self.catalogd.get("catalog.put", books=[
            {"book_id": 1, "title": GO, "price": 5900},
            {"book_id": 2, "title": CSAPP, "price": 13900}])
        self.stockd.get("stock.set", levels=[
            {"book_id": 1, "available": available}, {"book_id": 2, "available": available}])

    def create(self, quantity=1, book_id=1, user_id=1, **fields):
        return self.orderd.get("order.create", user_id=user_id,
                               items=[{"book_id": book_id, "quantity": quantity}], **fields)

    def level(self, book_id=1):
        level = self.stockd.get("stock.show", book_id=book_id)
        return level["available"], level["reserved"], level["sold"]

    def status(self, order_id):
        return self.orderd.get("order.get", order_id=order_id)["status"]

    def wait_settled(self, patience_s=PATIENCE_S):
        wait_until(lambda: not self.orderd.get("saga.list")["sagas"], "all sagas are closed",
                   patience_s)

    def orderctl(self, *arguments, stdin=None, timeout_s=120):
        """Runs orderctl and returns (exit status, stdout, stderr)."""
        done = subprocess.run(["orderctl", "--runtime-dir", self.dir, *arguments], input=stdin,
                              capture_output=True, env=self.env, check=False, timeout=timeout_s)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def orderctl_json(self, *arguments):
        """The objects that orderctl --json prints, one a line."""
        status, out, err = self.orderctl("--json", *arguments)
        if status != 0:
            raise AssertionError(f"orderctl {arguments}: {status}\n{out}{err}")
        return [json.loads(line) for line in out.splitlines()]

    def memory_kib(self, name, row="VmRSS"):
        """A row of /proc/PID/status: RssAnon is without the pages of files, as stores have them."""
        with open(f"/proc/{self.pid(name)}/status", encoding="ascii") as status:
            rows = dict(line.split(":", 1) for line in status)
        return int(rows[row].split()[0])

    def is_sanitized(self, name):
        """The shadow memory of a sanitizer takes more than a TiB of addresses."""
        return self.memory_kib(name, "VmSize") > 1 << 30

    # --- everything there is ---

    def snapshot(self):
        return {
            "books": self.catalogd.pages("catalog.list", "books"),
            "levels": self.stockd.pages("stock.list", "levels"),
            "reservations": self.stockd.pages("stock.reservations", "reservations"),
            "movements": self.stockd.pages("stock.journal", "movements"),
            "orders": self.orderd.pages("order.scan", "orders"),
            "events": self.orderd.pages("event.list", "events"),
            "sagas": self.orderd.pages("saga.list", "sagas"),
        }

    def audit(self):
        """Waits until nothing is open, then checks all data against each other: by the client
        and by orderctl fsck. Returns the snapshot."""
        self.wait_settled()
        found = self.snapshot()
        problems = audit_stock(found) + audit_orders(found) + audit_events(found)
        if problems:
            raise AssertionError("\n".join(problems))
        status, out, err = self.orderctl("fsck")
        if status != 0:
            raise AssertionError(f"fsck: {status}\n{out}{err}")
        return found


STOCK_OF = {"PENDING": "HELD", "PAID": "SOLD", "SHIPPED": "SOLD", "COMPLETED": "SOLD",
            "CANCELLED": "RETURNED"}


def audit_stock(found):
    problems = []
    sums = collections.Counter()
    last = {}
    received = collections.Counter()
    for reservation in found["reservations"]:
        for item in reservation["items"]:
            sums[item["book_id"], reservation["state"]] += item["quantity"]
    for at, movement in enumerate(found["movements"], 1):
        if movement["seq"] != at:
            problems.append(f"movement {movement['seq']} stands at {at}")
        last[movement["book_id"]] = movement
        if movement["kind"] in ("set", "add"):
            received[movement["book_id"]] += movement["quantity"]
    for level in found["levels"]:
        book_id = level["book_id"]
        three = [level[name] for name in ("available", "reserved", "sold")]
        if (min(three) < 0 or sum(three) != level["received"]
                or level["received"] != received[book_id]
                or level["reserved"] != sums[book_id, "HELD"]
                or level["sold"] != sums[book_id, "SOLD"]
                or book_id in last
                and three != [last[book_id][name] for name in ("available", "reserved", "sold")]):
            problems.append(f"{level}: held {sums[book_id, 'HELD']}, sold "
                            f"{sums[book_id, 'SOLD']}, received {received[book_id]}")
    return problems


def audit_orders(found):
    problems = []
    reservations = {each["order_id"]: each for each in found["reservations"]}
    for order in found["orders"]:
        wanted = collections.Counter()
        for item in order["items"]:
            wanted[item["book_id"]] += item["quantity"]
        reservation = reservations.pop(order["order_id"], {"state": None, "items": []})
        held = {item["book_id"]: item["quantity"] for item in reservation["items"]}
        if reservation["state"] != STOCK_OF[order["status"]] or held != wanted:
            problems.append(f"order {order} has {reservation}")
        if order["total"] != sum(item["quantity"] * item["price"] for item in order["items"]):
            problems.append(f"order {order}: wrong total")
    for reservation in reservations.values():
        if reservation["state"] not in ("RETURNED", "REFUSED"):
            problems.append(f"no order for {reservation}")
    numbers = {order["order_no"] for order in found["orders"]}
    if len(numbers) != len(found["orders"]):
        problems.append("an order number stands twice")
    return problems


def audit_events(found):
    problems = []
    status = {}
    for at, event in enumerate(found["events"], 1):
        if event["seq"] != at:
            problems.append(f"event {event['seq']} stands at {at}")
        if event.get("from") != status.get(event["order_id"]):
            problems.append(f"{event} came to an order that was {status.get(event['order_id'])}")
        status[event["order_id"]] = event["to"]
    if status != {order["order_id"]: order["status"] for order in found["orders"]}:
        problems.append("the events do not lead to what the orders are")
    return problems


def main(failfast=False):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    unittest.main(verbosity=2, failfast=failfast)
