"""tests/faults/load.py DIR SEED REQUESTS: records the suite at work, from its first start on.

Leaves DIR/log, all writes and syncs in one sequence (record.h), and DIR/history, what was asked
and what clients were told, with positions in that sequence: one request a line,
    what sent answered code fields...
answered is 0 where no answer came."""

import mmap
import os
import random
import struct
import sys
import tempfile
import time

import msgpack

sys.path.insert(0, os.path.join(os.environ["TOP_SRCDIR"], "tests", "system"))
import suite  # noqa: E402

LOG_BYTES = 1 << 30  # sparse
HEAD_BYTES = 16
MAGIC = 0x64726f6365723031
BOOKS = 6
WINDOW = 12


class Load:
    def __init__(self, directory, seed):
        self.dice = random.Random(seed)
        self.history = open(f"{directory}/history", "w", encoding="ascii")
        path = f"{directory}/log"
        with open(path, "wb") as log:
            log.write(struct.pack("<QQ", MAGIC, HEAD_BYTES))
            log.truncate(LOG_BYTES)
        with open(path, "r+b") as log:
            self.log = mmap.mmap(log.fileno(), LOG_BYTES)
        self.waiting = {}
        self.users = 0
        self.asked = 0
        self.orders = []
        self.made = 0

    def position(self):
        return struct.unpack_from("<Q", self.log, 8)[0]

    def note(self, what, sent, reply, *fields):
        answered, code = (self.position(), reply["code"]) if reply else (0, -1)
        words = " ".join(str(field) for field in fields)
        self.history.write(f"{what} {sent} {answered} {code} {words}\n")

    # --- one request each: its client, and what is noted of it ---

    def ask(self, client, what, op, fields, tell):
        sent = self.position()
        self.asked += 1
        self.waiting[client, client.send(op, **fields)] = (what, sent, tell)

    def create(self, daemons):
        self.users += 1
        user = self.users
        books = self.dice.sample(range(1, BOOKS + 1), self.dice.randint(1, 3))
        items = [{"book_id": book, "quantity": self.dice.randint(1, 3)} for book in books]
        fields = {"user_id": user, "items": items, "idempotency_key": f"key-{user}"}
        if self.dice.random() < 0.3:
            fields["expires_in_ms"] = 1000
        lines = ",".join(f"{item['book_id']}:{item['quantity']}" for item in items)

        def tell(reply):
            if reply and reply["code"] == 0:
                self.orders.append(reply["order_id"])
                self.made += 1
            return (user, lines, fields.get("expires_in_ms", 0),
                    reply and reply.get("order_id", 0) or 0, reply and reply.get("total", 0) or 0)
        self.ask(daemons.orderd, "create", "order.create", fields, tell)

    def move(self, daemons):
        order = self.dice.choice(self.orders[-20:])
        status = self.dice.choices(["PAID", "CANCELLED", "SHIPPED", "COMPLETED"], [6, 3, 2, 1])[0]
        if status == "CANCELLED":
            self.ask(daemons.orderd, "move", "order.cancel", {"order_id": order},
                     lambda reply: (order, status))
        else:
            self.ask(daemons.orderd, "move", "order.set_status",
                     {"order_id": order, "status": status}, lambda reply: (order, status))

    def price(self, daemons):
        book, price = self.dice.randint(1, BOOKS), self.dice.randint(100, 9999)
        self.ask(daemons.catalogd, "price", "catalog.put",
                 {"book_id": book, "title": f"Book {book}", "price": price},
                 lambda reply: (book, price, reply and reply.get("version", 0) or 0))

    def stock(self, daemons):
        self.users += 1
        key, book = f"add-{self.users}", self.dice.randint(1, BOOKS)
        self.ask(daemons.stockd, "stock", "stock.add",
                 {"book_id": book, "quantity": self.dice.randint(1, 20), "reason": key,
                  "idempotency_key": key}, lambda reply: (book, key))

    def step(self, daemons):
        kinds = [self.create, self.price, self.stock]
        weights = [10, 1, 1]
        if self.orders:
            kinds.append(self.move)
            weights.append(8)
        self.dice.choices(kinds, weights)[0](daemons)

    # --- all together ---

    def take(self, daemons, timeout_s):
        """Takes one answer, whoever it comes from; False: none came."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            for client in (daemons.orderd, daemons.stockd, daemons.catalogd):
                if client.socket.poll(0):
                    reply = msgpack.unpackb(client.receive_frame())
                    what, sent, tell = self.waiting.pop((client, reply["id"]))
                    self.note(what, sent, reply, *tell(reply))
                    return True
            time.sleep(0.0002)
        return False

    def begin(self, daemons):
        for book in range(1, BOOKS + 1):
            self.ask(daemons.catalogd, "price", "catalog.put",
                     {"book_id": book, "title": f"Book {book}", "price": 1000 + book},
                     lambda reply, book=book: (book, 1000 + book, reply["version"]))
            self.ask(daemons.stockd, "stock", "stock.add",
                     {"book_id": book, "quantity": 30, "reason": f"first-{book}",
                      "idempotency_key": f"first-{book}"},
                     lambda reply, book=book: (book, f"first-{book}"))
        while self.waiting:
            if not self.take(daemons, 10):
                raise AssertionError("no answer")

    def run(self, daemons, requests):
        self.begin(daemons)
        while self.asked < requests:
            window = self.dice.choice([1, 2, WINDOW])
            while len(self.waiting) < window:
                self.step(daemons)
            if not self.take(daemons, 30):
                raise AssertionError("no answer")
        while self.waiting and self.take(daemons, 2):
            pass
        for what, sent, tell in self.waiting.values():
            self.note(what, sent, None, *tell(None))

    def close(self):
        self.history.close()
        size = self.position()
        self.log.close()
        return size


def main():
    directory, seed, requests = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.makedirs(directory, exist_ok=True)
    load = Load(directory, seed)
    os.environ["ORDERD_RECORD"] = f"{directory}/log"
    os.environ["ORDERD_RECORD_DIR"] = os.path.join(tempfile.gettempdir(), "orderd-")
    os.environ["LD_PRELOAD"] = os.environ["RECORDER"]
    with suite.Suite(orderd=["--store-size-max", "64M"], stockd=["--store-size-max", "64M"],
                     catalogd=["--store-size-max", "64M"]) as daemons:
        load.run(daemons, requests)
        load.note("end", load.position(), None)
    size = load.close()
    os.truncate(f"{directory}/log", size)
    print(f"recorded seed {seed}: {load.users} requests for users or stock, {load.made} orders, "
          f"{size >> 10} KiB")


if __name__ == "__main__":
    main()
