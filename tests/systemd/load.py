"""Clients that make orders at a steady rate and ask again, under the same key, for what got no
answer; and what they saw while the daemons were restarted."""
import heapq
import threading
import time

import msgpack
import zmq

AGAIN_S = 0.5      # as liborderd: no answer by then, twice as long each time
AGAIN_MAX_S = 8
FINISH_S = 60
CONNECTIONS = 16
AGAIN = {42900, 50300, 50400}  # the daemon says that nothing was done


class Load(threading.Thread):
    """Runs until finish(). Afterwards `orders` has the order of each key, as many as were asked."""

    def __init__(self, path, rate, book_id=1):
        super().__init__(daemon=True)
        self.path = path
        self.rate = rate
        self.book_id = book_id
        self.orders = {}     # key number -> order id
        self.doubled = []
        self.repeats = 0     # because no answer came
        self.put_off = 0     # because the daemon said so
        self.pause_s = 0
        self.asked = 0
        self.over = threading.Event()
        self.problem = None
        self.first_sent = {}
        self.waiting = []  # a heap of (when to ask again, key number); what is not `due` is void
        self.due = {}
        self.told = set()
        self.patience_s = {}

    def run(self):
        context = zmq.Context()
        sockets = []
        try:
            sockets = self.connect(context)
            self.work(sockets)
        except Exception as problem:  # pylint: disable=broad-except
            self.problem = problem
        for socket in sockets:
            socket.close(0)
        context.term()

    def connect(self, context):
        sockets = []
        for _ in range(CONNECTIONS):
            socket = context.socket(zmq.DEALER)
            socket.setsockopt(zmq.RECONNECT_IVL, 20)
            socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
            socket.connect("ipc://" + self.path)
            sockets.append(socket)
        return sockets

    def work(self, sockets):
        poller = zmq.Poller()
        for socket in sockets:
            poller.register(socket, zmq.POLLIN)
        started = time.monotonic()
        end = None
        while end is None or (len(self.orders) < self.asked and time.monotonic() < end):
            now = time.monotonic()
            if self.over.is_set() and end is None:
                end = now + FINISH_S
            while end is None and self.asked < (now - started) * self.rate:
                self.asked += 1
                self.first_sent[self.asked] = now
                self.send(sockets, self.asked, now)
            while self.waiting and self.waiting[0][0] <= now:
                at, number = heapq.heappop(self.waiting)
                if number not in self.orders and self.due[number] == at:
                    self.lose_patience(number)
                    self.send(sockets, number, now)
            for socket, _ in poller.poll(2):
                self.take(socket)

    def send(self, sockets, number, now):
        sockets[number % CONNECTIONS].send(msgpack.packb({
            "v": 1, "id": number, "op": "order.create", "user_id": 1 + number % 1000,
            "timeout_ms": 10000, "idempotency_key": f"load-{self.name}-{number}",
            "items": [{"book_id": self.book_id, "quantity": 1}]}))
        patience_s = self.patience_s.get(number, AGAIN_S)
        self.wait(number, now + patience_s)

    def lose_patience(self, number):
        if number in self.told:
            self.told.remove(number)
            self.put_off += 1
        else:
            self.repeats += 1
            self.patience_s[number] = min(2 * self.patience_s.get(number, AGAIN_S), AGAIN_MAX_S)

    def wait(self, number, until):
        self.due[number] = until
        heapq.heappush(self.waiting, (until, number))

    def take(self, socket):
        while True:
            try:
                reply = msgpack.unpackb(socket.recv(zmq.DONTWAIT))
            except zmq.Again:
                return
            number = reply["id"]
            if reply["code"] == 0:
                if self.orders.setdefault(number, reply["order_id"]) != reply["order_id"]:
                    self.doubled.append(number)
                if number in self.first_sent:
                    self.pause_s = max(self.pause_s,
                                       time.monotonic() - self.first_sent.pop(number))
            elif reply["code"] in AGAIN:
                wait_s = reply.get("retry_after_ms", 100) / 1000
                self.told.add(number)
                self.wait(number, time.monotonic() + wait_s)
            elif number not in self.orders:
                raise AssertionError(f"key {number}: {reply}")

    def finish(self):
        """Waits until every key has its order."""
        self.over.set()
        self.join(2 * FINISH_S)
        if self.problem:
            raise self.problem
        if self.is_alive() or len(self.orders) != self.asked:
            raise AssertionError(f"{self.asked - len(self.orders)} of {self.asked} keys got none")
        if self.doubled or len(set(self.orders.values())) != self.asked:
            raise AssertionError(f"{len(set(self.orders.values()))} orders for {self.asked} keys")


def restart_under_load(machine, suite, rate, times, pause_s=0.5):
    """Restarts each service so many times while orders are made, and holds the keys against the
    orders that there are. Returns one line of what was seen."""
    known = {order["order_id"] for order in suite.orderd.pages("order.scan", "orders")}
    load = Load(f"{suite.dir}/orderd.sock", rate)
    started = time.monotonic()
    load.start()
    time.sleep(pause_s)
    for _ in range(times):
        for name in ("catalogd", "stockd", "orderd", "reaperd"):
            machine.run("systemctl", "restart", f"{name}.service")
            time.sleep(pause_s)
    load.finish()
    took_s = time.monotonic() - started
    there = {order["order_id"] for order in suite.orderd.pages("order.scan", "orders")} - known
    if there != set(load.orders.values()):
        raise AssertionError(f"{len(there)} orders were made for {load.asked} keys")
    return (f"{load.asked} keys at {load.asked / took_s:.0f}/s, each service restarted {times} "
            f"times: {len(there)} orders, {load.repeats} asked again unanswered, "
            f"{load.put_off} told to come again, "
            f"longest pause {load.pause_s * 1000:.0f} ms")
