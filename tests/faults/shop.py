"""A shop at work on daemons that die and stand still, and what has to be true of it.

Shop keeps a suite running whatever its failpoints (common/failpoint.h) do to it: what died is
started again, what stands still is continued, and who got no answer asks again under the same key.
It remembers what it was told. Its steps are the work; check() holds the stores against that.
"""
import itertools
import os
import shutil
import signal
import time

import msgpack
import zmq

import suite

STOCK_TIMEOUT_MS = 300
AGAIN_S = 0.4    # without an answer
STRIDE_MAX_S = 0.1
PATIENCE_S = 20  # until whatever was asked has to have come about
BOOKS = (1, 2, 3)
SCARCE = 4
CROWD = 24  # orders held at once; from 17 on entries of users' lists are gathered
SHELF = 9  # stock that nobody orders
ENDED_WELL = 0
NO_ANSWER = 42900  # codes from here on say nothing of the order: it is asked again
INTERNAL = 50000


class Broken(Exception):
    """The promise is."""


class Clock:
    """Seconds in which this process could do something: a machine that stands still, or one that
    has other work, is no fault of the daemons."""

    def __init__(self):
        self.seen = time.monotonic()
        self.now = 0

    def __call__(self):
        seen = time.monotonic()
        self.now += min(seen - self.seen, STRIDE_MAX_S)
        self.seen = seen
        return self.now


clock = Clock()


class Points:
    """The failpoints of one suite: its rules, and what the daemons wrote of them."""

    def __init__(self, path):
        self.path = path
        self.rules = []
        self.later = []
        self.passed = set()
        self.fired = []   # (action, site), all since the rules
        self.deadly = []  # of these, those whose death has not been seen
        self.still = []   # sites that stopped a process which nobody has seen to
        self.offset = 0
        self.arm([])

    def arm(self, rules, later=()):
        """`later`: rules that each take the place of one that has acted."""
        self.read()
        self.rules, self.later = list(rules), list(later)
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.writelines(rule + "\n" for rule in self.rules)
        os.rename(self.path + ".new", self.path)

    def acted(self, site):
        """After a death by that site: the next start must not die of the same rule."""
        self.arm([rule for rule in self.rules if not rule.startswith(site + "=")]
                 + self.later[:1], self.later[1:])

    def read(self):
        """Takes in what the daemons have written."""
        try:
            with open(self.path + ".log", encoding="ascii") as log:
                log.seek(self.offset)
                text = log.read()
        except FileNotFoundError:
            return
        lines = [tuple(line.split()) for line in text[:text.rfind("\n") + 1].splitlines()]
        self.offset += text.rfind("\n") + 1
        self.passed.update(site for verb, site in lines if verb == "passed")
        self.fired += [line for line in lines if line[0] != "passed"]
        self.deadly += [line for line in lines if line[0] in ("kill", "error")]
        self.still += [site for verb, site in lines if verb == "stop"]


class Shop:
    def __init__(self):
        self.numbers = itertools.count(1)
        self.restarts = 0
        self.stall_s = 0
        self.ending = set()  # daemons that were asked to stop
        self.frozen = set()  # likewise to stand still
        self.stalled = {}
        self.orders_made = 0
        self.suite = suite.Suite(absent=suite.DAEMONS, orderd=[
            "--stock-timeout", f"{STOCK_TIMEOUT_MS}ms", "--catalog-timeout", "2s",
            "--settle-wait", "50ms", "--payment-timeout", "7d"])
        self.points = Points(self.suite.dir + "/failpoints")
        self.suite.env["ORDERD_FAILPOINTS"] = self.points.path
        self.open()

    # --- the daemons ---

    def open(self):
        """Starts everything on empty stores."""
        self.orders = {}
        self.received = {}
        self.prices = {}
        for name in suite.DAEMONS:
            self.suite.start(name, wait=False)
        for name in suite.DAEMONS:
            self.wait_ready(name)
        for book in (*BOOKS, SCARCE):
            self.put_book(book)
            self.add_stock(book, 1 if book == SCARCE else 10000)

    def reset(self):
        for name in suite.DAEMONS:
            self.suite.kill(name)
        self.stalled, self.frozen, self.ending = {}, set(), set()
        shutil.rmtree(self.suite.dir + "/state")
        self.open()

    def close(self):
        self.points.arm([])
        self.suite.destroy()

    def wait_ready(self, name):
        while not self.ask(name, "health").get("ready"):
            self.tend()

    def died(self, name):
        """Whether the process that ended did so by a rule or because it was asked to."""
        status = self.suite.processes[name].wait()
        self.points.read()
        for verb, site in self.points.deadly:
            if site.startswith(name + ".") and (verb, status) in (
                    ("kill", -signal.SIGKILL), ("error", 1)):
                self.points.deadly.remove((verb, site))
                self.points.acted(site)
                return
        if name in self.ending and status == ENDED_WELL:
            return
        raise Broken(f"{name} ended with {status}, and by {self.points.fired}")

    def tend(self):
        """What a supervisor does, and whoever stopped a process at a failpoint."""
        for name in suite.DAEMONS:
            if self.suite.processes[name].poll() is not None:
                self.died(name)
                self.ending.discard(name)
                self.frozen.discard(name)
                self.stalled.pop(name, None)
                self.restarts += 1
                self.suite.start(name, wait=False)
        self.points.read()
        while self.points.still:
            name = self.points.still.pop().split(".")[0]
            self.stalled[name] = time.monotonic() + self.stall_s
        for name, until in list(self.stalled.items()):
            if time.monotonic() >= until:
                del self.stalled[name]
                self.suite.thaw(name)

    def wait_for(self, check, what, patience_s=PATIENCE_S):
        end = clock() + patience_s
        while True:
            self.tend()
            found = check()
            if found:
                return found
            if clock() > end:
                raise Broken(f"not within {patience_s} s: {what}")
            time.sleep(0.002)

    # --- asking ---

    def try_ask(self, name, op, fields):
        """The answer to one sending, or None."""
        end = clock() + AGAIN_S
        starts = self.restarts
        with self.suite.client(name) as client:
            client.send(op, **fields)
            while clock() < end and starts == self.restarts:
                if client.socket.poll(2, zmq.POLLIN):
                    return msgpack.unpackb(client.receive_frame(0))
                self.tend()
        return None

    def ask(self, name, op, **fields):
        """The answer that says what became of it, and in `again` whether it was asked twice."""
        end = clock() + PATIENCE_S
        again = False
        while clock() < end:
            reply = self.try_ask(name, op, fields)
            if reply and (reply["code"] < NO_ANSWER or reply["code"] == INTERNAL):
                reply["again"] = again
                return reply
            again = True
            self.tend()
        raise Broken(f"{name} does not answer {op} {fields}: {reply}")

    def get(self, name, op, **fields):
        reply = self.ask(name, op, **fields)
        if reply["code"] != 0:
            raise Broken(f"{op} {fields}: {reply}")
        return reply

    # --- single acts ---

    def put_book(self, book, sku=None):
        price = 100 + next(self.numbers)
        self.prices[book] = price
        fields = {"sku": sku} if sku else {}
        self.get("catalogd", "catalog.put", book_id=book, title=f"Book {book}", price=price,
                 **fields)

    def add_stock(self, book, quantity):
        key = f"add-{next(self.numbers)}"
        self.received[book] = self.received.get(book, 0) + quantity
        self.get("stockd", "stock.add", book_id=book, quantity=quantity, reason=key,
                 idempotency_key=key)

    def cart(self, books=BOOKS[:2], quantity=1, **fields):
        user = next(self.numbers)
        return {"user_id": user, "idempotency_key": f"cart-{user}",
                "items": [{"book_id": book, "quantity": quantity} for book in books], **fields}

    def create(self, body=None):
        body = body or self.cart()
        reply = self.ask("orderd", "order.create", **body)
        if reply["code"] == 0:
            order_id = reply["order_id"]
            if order_id in self.orders:
                raise Broken(f"order {order_id} was made twice")
            self.orders[order_id] = {"body": body, "first": reply, "status": {"PENDING"}}
            self.orders_made += 1
        elif reply.get("error") != "insufficient_stock" or body["items"][0]["book_id"] != SCARCE:
            raise Broken(f"order.create {body}: {reply}")
        return reply

    def move(self, order_id, status):
        """Takes the order to that status. Where an answer was lost the repeat may be refused, for
        what was asked has come about."""
        order = self.orders[order_id]
        order["status"] = order["status"] | {status}
        if status == "CANCELLED":
            reply = self.ask("orderd", "order.cancel", order_id=order_id, reason="changed my mind")
        else:
            reply = self.ask("orderd", "order.set_status", order_id=order_id, status=status)
        if reply["code"] != 0 and not reply["again"]:
            raise Broken(f"{order_id} {status}: {reply}")
        order["status"] = {status}

    # --- the steps: each is work that passes some sites ---

    def step_order(self):
        order_id = self.create()["order_id"]
        user = self.orders[order_id]["body"]["user_id"]
        self.get("orderd", "order.get", order_id=order_id)
        self.get("orderd", "order.list", user_id=user)
        self.get("orderd", "order.history", order_id=order_id)

    def step_pay(self):
        order_id = self.create()["order_id"]
        for status in ("PAID", "SHIPPED", "COMPLETED"):
            self.move(order_id, status)

    def step_cancel(self):
        order_id = self.create()["order_id"]
        self.move(order_id, "CANCELLED")
        order_id = self.create()["order_id"]
        self.move(order_id, "PAID")
        self.move(order_id, "CANCELLED")

    def step_crowd(self):
        """Orders of one user, held together: their entries of its list are written later."""
        user = next(self.numbers)
        bodies = [{**self.cart(), "user_id": user} for _ in range(CROWD)]
        reply = self.try_ask("orderd", "order.create", {"orders": bodies}) or {}
        results = reply.get("results") or [{"code": NO_ANSWER}] * CROWD
        for body, result in zip(bodies, results, strict=True):
            order_id = self.create(body)["order_id"]
            if result["code"] == 0 and result["order_id"] != order_id:
                raise Broken(f"{body}: first {result}, then order {order_id}")
        listed = self.get("orderd", "order.list", user_id=user)["total"]
        if listed != CROWD:
            raise Broken(f"user {user} has {CROWD} orders and a list of {listed}")

    def step_price(self):
        """The price is new, so that catalogd is asked."""
        self.put_book(BOOKS[0])
        self.create(self.cart(books=BOOKS))

    def step_refuse(self):
        self.create(self.cart((SCARCE,), 2))

    def step_stock(self):
        self.add_stock(BOOKS[1], 3)
        number = next(self.numbers)
        self.received[SHELF] = max(number, self.received.get(SHELF, 0))
        self.get("stockd", "stock.set", book_id=SHELF, available=number)
        self.get("stockd", "stock.show", book_id=SHELF)
        self.get("stockd", "stock.journal", book_id=SHELF, limit=1)
        self.get("stockd", "stock.list", limit=1)
        self.get("stockd", "stock.reservations", limit=1)
        self.create()
        self.get("stockd", "stock.reservation", order_id=max(self.orders))

    def step_catalog(self):
        for _ in range(2):
            self.put_book(BOOKS[2], f"sku-{next(self.numbers)}")
        self.get("catalogd", "catalog.get", book_id=BOOKS[2])
        self.get("catalogd", "catalog.list", limit=1)

    def step_look(self):
        for name in suite.DAEMONS:
            self.get(name, "health")
            self.get(name, "stats")
        self.get("orderd", "event.list", limit=1)
        self.get("orderd", "order.scan", limit=1)
        self.get("orderd", "backup.hold", hold_ms=1)

    def step_reload(self):
        for name in suite.DAEMONS:
            self.suite.signal(name, signal.SIGHUP)
            self.get(name, "health")

    def step_follow(self):
        """stockd is away while an order is paid."""
        order_id = self.create()["order_id"]
        self.freeze("stockd")
        self.move(order_id, "PAID")
        for saga in self.get("orderd", "saga.list")["sagas"]:
            self.ask("orderd", "saga.show", order_id=saga["order_id"])
            self.ask("orderd", "saga.retry", order_id=saga["order_id"])
        self.thaw("stockd")

    def step_compensate(self):
        """stockd is away for longer than an order waits for it."""
        body = self.cart()
        self.freeze("stockd")
        reply = self.try_ask("orderd", "order.create", body)
        if reply and reply["code"] == 0 and "stockd" in self.frozen:
            raise Broken(f"{body}: {reply}, and stockd stood still")
        self.thaw("stockd")
        self.create(body)

    def step_stop(self):
        for name in suite.DAEMONS:
            self.ending.add(name)
            self.suite.signal(name, signal.SIGTERM)
        self.wait_for(lambda: not self.ending, "all were stopped and started again")
        for name in suite.DAEMONS:
            self.wait_ready(name)

    def step_crash(self):
        """orderd dies with an order that stockd holds and that has no record yet."""
        self.points.arm(self.points.rules + ["orderd.put.orders=kill"], self.points.later)
        self.create()
        self.get("orderd", "order.scan", limit=1)

    def step_expire(self):
        order_id = self.create(self.cart(expires_in_ms=1000))["order_id"]
        self.orders[order_id]["status"] = {"CANCELLED"}
        self.wait_for(lambda: self.get("orderd", "order.get", order_id=order_id)["status"]
                      == "CANCELLED", f"order {order_id} expires")

    def step_first(self):
        self.reset()

    def freeze(self, name):
        self.frozen.add(name)
        self.suite.freeze(name)

    def thaw(self, name):
        if name in self.frozen:
            self.frozen.discard(name)
            self.suite.thaw(name)

    # --- what has to be true ---

    def wait_settled(self):
        """Also once orderd has made the orders that an earlier run of it has left to stockd."""
        self.wait_for(lambda: "reason" not in self.get("orderd", "health"), "orderd is well")
        self.wait_for(lambda: not self.get("orderd", "saga.list")["sagas"], "all sagas are closed")

    def snapshot(self):
        def pages(name, op, rows):
            found, after = [], 0
            while True:
                page = self.get(name, op, after=after, limit=500)
                found += page[rows]
                after = page["next"]
                if not after:
                    return found
        return {
            "levels": pages("stockd", "stock.list", "levels"),
            "reservations": pages("stockd", "stock.reservations", "reservations"),
            "movements": pages("stockd", "stock.journal", "movements"),
            "orders": pages("orderd", "order.scan", "orders"),
            "events": pages("orderd", "event.list", "events"),
            "books": pages("catalogd", "catalog.list", "books"),
        }

    def check(self):
        """All of it, when no rule stands any more."""
        self.wait_settled()
        found = self.snapshot()
        problems = (suite.audit_stock(found) + suite.audit_orders(found)
                    + suite.audit_events(found) + self.audit_told(found))
        status, out, err = self.suite.orderctl("--timeout", "60s", "fsck", timeout_s=None)
        if status != 0:
            problems.append(f"fsck: {status}\n{out}{err}")
        if problems:
            raise Broken("\n".join(problems))

    def audit_told(self, found):
        """Against what clients were told: nothing less, and nothing more."""
        problems = []
        orders = {order["order_id"]: order for order in found["orders"]}
        for order_id in orders.keys() ^ self.orders.keys():
            problems.append(f"order {order_id}: known to "
                            + ("the store alone" if order_id in orders else "its client alone"))
        for order_id in orders.keys() & self.orders.keys():
            problems += audit_order(orders[order_id], self.orders[order_id])
        levels = {level["book_id"]: level["received"] for level in found["levels"]}
        if levels != self.received:
            problems.append(f"received {levels}, told {self.received}")
        prices = {book["book_id"]: book["price"] for book in found["books"]}
        if prices != self.prices:
            problems.append(f"prices {prices}, told {self.prices}")
        return problems + self.audit_repeats()

    def audit_repeats(self):
        """A key has one result. Each is tried once."""
        problems = []
        for order_id, told in self.orders.items():
            if told.pop("repeated", None):
                continue
            told["repeated"] = True
            reply = self.get("orderd", "order.create", **told["body"])
            if any(reply[name] != told["first"][name] for name in ("order_id", "total", "items",
                                                                   "created_at", "order_no")):
                problems.append(f"{told['body']}: first {told['first']}, then {reply}")
        return problems


def audit_order(order, told):
    problems = []
    if order["status"] not in told["status"]:
        problems.append(f"order {order['order_id']} is {order['status']}, not {told['status']}")
    for name in ("user_id", "total", "items", "order_no", "created_at"):
        if order[name] != told["first"][name]:
            problems.append(f"order {order['order_id']}: {name} was told as {told['first'][name]}"
                            f" and is {order[name]}")
    if ("expires_in_ms" in told["body"] and order["status"] == "CANCELLED"
            and order["updated_at"] < order["expires_at"]):
        problems.append(f"order {order['order_id']} expired before its time: {order}")
    return problems


STEPS = [name[len("step_"):] for name in vars(Shop) if name.startswith("step_")]
