#!/usr/bin/python3
"""Whatever a client sends that orderd-protocol(7) does not allow is refused and has no effect."""
import random
import struct
import time
import unittest

import msgpack

import suite

U63 = (1 << 63) - 1
MANY_MAX = 4096
FRAME_MAX = 65536
STATUSES = ("PENDING", "PAID", "SHIPPED", "COMPLETED", "CANCELLED")
RSS_GROWTH_KIB = 8192


class Raw(bytes):
    """Bytes that stand in a frame as they are."""


class Twice(tuple):
    """A field that is there two times, with these two values."""


def pack(value):
    """MessagePack as msgpack.packb makes it, and what that would refuse to make."""
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, dict):
        pairs = []
        for key, one in value.items():
            for each in one if isinstance(one, Twice) else (one,):
                pairs.append(pack(key) + pack(each))
        return struct.pack(">BH", 0xde, len(pairs)) + b"".join(pairs)
    if isinstance(value, (list, tuple)):
        return struct.pack(">BH", 0xdc, len(value)) + b"".join(map(pack, value))
    return msgpack.packb(value)


def text(raw):
    return Raw(struct.pack(">BB", 0xd9, len(raw)) + raw)


NO_TEXTS = (Raw(b"\xc0"), 0, 7, 1.5, True, [], {}, ["a"], b"a", Raw(b"\xd4\x01a"))
NO_UTF8 = tuple(text(raw) for raw in (
    b"\xff", b"a\x80", b"\xc3", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80", b"\xe8\xaf", b"a\xc3b"))
CONTROLS = ("\0", "a\0b", "a\nb", "\x1b[31m", "\x7f", "\r")
NO_NUMBERS = (Raw(b"\xc0"), 1.5, 1.0, float("nan"), float("inf"), "1", "", True, False, [], [1],
              {}, b"\x01", Raw(b"\xd4\x01\x01"), -1 << 63, (1 << 64) - 1, 1 << 63)


def number(low, high):
    bad = list(NO_NUMBERS)
    if low > -1 << 63:
        bad += [low - 1]
    if high < U63:
        bad += [high + 1]
    if low >= 0:
        bad += [-1, -U63]
    return bad


def words(low, high):
    bad = [*NO_TEXTS, *NO_UTF8, *CONTROLS, "a" * (high + 1), "a" * 40000,
           "é" * (high // 2 + 1)]
    return bad + [""] if low else bad


def names(*known):
    return [*words(1, 1000), "PENDING ", "pending", "0", "Nothing", "A" * 300]


UINT = number(0, U63)
ID = number(1, U63)
SKU = [*words(1, 64), " ", "a b", "-a", ".a", "_a", "/a", "a*", "ä", "a" * 65, "a,b", "a\u00a0"]
BOOL = (Raw(b"\xc0"), 0, 1, "true", "", 1.0, [], {}, b"\x01")
LIMIT = number(1, 500)
RANGE = {"after": UINT, "limit": LIMIT}
REASON = words(0, 200)
ACTOR = words(1, 64)
KEY = words(1, 64)
NUMBER = words(20, 20) + ["1" * 19, "1" * 21]
STATUS = names(*STATUSES)


def list_of(fields, required, good, most):
    """What is wrong for a list of maps with these fields."""
    bad = [Raw(b"\xc0"), 1, "a", {}, True, [1], [[]], ["a"], [Raw(b"\xc0")], [good] * (most + 1),
           [good, 1]]
    bad += [[{name: value for name, value in good.items() if name != gone}] for gone in required]
    bad += [[{**good, name: value}] for name, values in fields.items() for value in values]
    bad += [[{**good, name: Twice((good[name], good[name]))}] for name in good]
    return bad


LINE = {"book_id": ID, "quantity": number(1, 1000000)}
LINES = list_of(LINE, ("book_id", "quantity"), {"book_id": 1, "quantity": 1}, 100)
LINES += [[], [{"book_id": 1, "sku": "A", "quantity": 1}]]
LINES += [[{"sku": value, "quantity": 1}] for value in SKU]
HELD = list_of({"book_id": ID, "quantity": number(1, 10 ** 12)}, ("book_id", "quantity"),
               {"book_id": 1, "quantity": 1}, 100)

# Operation: daemon, name of the many-form's list, a good request, the fields that have to be
# there, and for every field what may not stand in it.
ORDER_REF = {"order_id": ID, "order_no": NUMBER}
CHANGE = {**ORDER_REF, "from": STATUS, "actor": ACTOR, "reason": REASON}
OPERATIONS = {
    "catalog.get": ("catalogd", "books", {"book_id": 1}, ("book_id",),
                    {"book_id": ID, "sku": SKU}),
    "catalog.put": ("catalogd", "books", {"book_id": 9, "title": "a", "price": 1},
                    ("title", "price"),
                    {"book_id": ID, "sku": SKU, "title": words(1, 200),
                     "price": number(0, 10 ** 15), "active": BOOL, "version": UINT}),
    "catalog.list": ("catalogd", None, {}, (), RANGE),
    "catalog.price": ("catalogd", "orders", {"items": [{"book_id": 1, "quantity": 1}]},
                      ("items",), {"items": LINES}),
    "stock.show": ("stockd", "books", {"book_id": 1}, ("book_id",), {"book_id": ID}),
    "stock.list": ("stockd", None, {}, (), RANGE),
    "stock.set": ("stockd", "levels", {"book_id": 1, "available": 5}, ("book_id", "available"),
                  {"book_id": ID, "available": number(0, 10 ** 12), "actor": ACTOR,
                   "reason": REASON}),
    "stock.add": ("stockd", "levels", {"book_id": 1, "quantity": 1, "reason": "a"},
                  ("book_id", "quantity", "reason"),
                  {"book_id": ID, "quantity": [*number(-10 ** 12, 10 ** 12), 0], "actor": ACTOR,
                   "reason": words(1, 200), "idempotency_key": KEY}),
    "stock.journal": ("stockd", None, {}, (), {**RANGE, "book_id": UINT, "order_id": UINT}),
    "stock.reservation": ("stockd", "orders", {"order_id": 1}, ("order_id",), {"order_id": ID}),
    "stock.reservations": ("stockd", None, {}, (), RANGE),
    "stock.apply": ("stockd", "moves",
                    {"order_id": 900, "version": 1, "goal": "HELD",
                     "items": [{"book_id": 1, "quantity": 1}]},
                    ("order_id", "version", "goal", "items"),
                    {"order_id": ID, "version": number(1, 10 ** 15), "goal": [*names(), "REFUSED"], "items": HELD,
                     "actor": ACTOR, "reason": REASON}),
    "order.create": ("orderd", "orders",
                     {"user_id": 1, "items": [{"book_id": 1, "quantity": 1}]},
                     ("user_id", "items"),
                     {"user_id": ID, "items": LINES + [[{"book_id": 1, "quantity": 100}],
                                                       [{"book_id": 1, "quantity": 1}] * 21],
                      "idempotency_key": KEY, "expires_in_ms": number(1000, 31622400000)}),
    "order.get": ("orderd", "orders", {"order_id": 1}, ("order_id",), ORDER_REF),
    "order.set_status": ("orderd", "orders", {"order_id": 1, "status": "PAID"},
                         ("order_id", "status"),
                         {**CHANGE, "status": [*STATUS, "PENDING", "SHIPPED", "COMPLETED"]}),
    "order.cancel": ("orderd", "orders", {"order_id": 1}, ("order_id",), CHANGE),
    "order.list": ("orderd", None, {"user_id": 1}, ("user_id",),
                   {"user_id": ID, "status": STATUS, "page": number(1, 10 ** 9),
                    "page_size": number(1, 100), "after": UINT}),
    "order.history": ("orderd", None, {"order_id": 1}, ("order_id",), ORDER_REF),
    "order.scan": ("orderd", None, {}, (), RANGE),
    "order.expire": ("orderd", "orders", {"order_id": 1}, ("order_id",), {"order_id": ID}),
    "event.list": ("orderd", None, {}, (), RANGE),
    "saga.list": ("orderd", None, {}, (), RANGE),
    "saga.show": ("orderd", None, {"order_id": 1}, ("order_id",), {"order_id": ID}),
    "saga.retry": ("orderd", None, {"order_id": 1}, ("order_id",), {"order_id": ID}),
}
EXCLUSIVE = {"book_id": "sku", "sku": "book_id", "order_id": "order_no", "order_no": "order_id"}
ENVELOPE = {
    "v": [0, 2, *NO_NUMBERS],
    "id": [Raw(b"\xc0"), -1, 1.0, True, [], {}, b"a", "a" * 65, 1 << 63, (1 << 64) - 1],
    "op": [*words(1, 64), "order", "order.", "nothing", "order.create2", "ORDER.GET"],
    "timeout_ms": number(1, 3600000),
}


def bad_requests(op):
    """Every wrong form of one operation's own fields: (what is wrong, fields)."""
    _, _, good, required, fields = OPERATIONS[op]
    for name in required:
        yield f"no {name}", {key: value for key, value in good.items() if key != name}
    for name, values in fields.items():
        base = good
        if EXCLUSIVE.get(name) in good and op != "catalog.put":
            base = {key: value for key, value in good.items() if key != EXCLUSIVE[name]}
        for value in values:
            yield f"{name} {value!r:.60}", {**base, name: value}
        one = good.get(name, values[0])
        yield f"{name} twice", {**base, name: Twice((one, one))}
        yield f"{name} twice, the second wrong", {**base, name: Twice((one, values[0]))}
    if op in ("catalog.get", "order.get", "order.history", "order.set_status", "order.cancel"):
        other = {"book_id": ("sku", "A"), "order_id": ("order_no", "1" * 20)}
        name, value = other["book_id" if "book_id" in good else "order_id"]
        yield "both", {**good, name: value}


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.suite = suite.Suite()
        cls.suite.stock_books()
        cls.suite.create()

    @classmethod
    def tearDownClass(cls):
        cls.suite.close()

    def setUp(self):
        self.problems = []
        self.before = self.suite.snapshot()

    def tearDown(self):
        problems = "".join(f"\n  {problem}" for problem in self.problems[:20])
        self.assertFalse(self.problems, f"{len(self.problems)} problems:{problems}")
        self.check_nothing_happened()

    def check_nothing_happened(self, what=""):
        after = self.suite.snapshot()
        for name, value in self.before.items():
            self.assertEqual(after[name], value, f"{name} {what}")

    def check_refusal(self, what, reply):
        if not 40000 <= reply["code"] <= 49999 or not reply.get("error") \
                or not reply.get("message"):
            self.problems.append(f"{what}: {reply}")

    def refuse(self, what, name, frame, request_id=7):
        """Sends what has to be refused, under this id."""
        reply = msgpack.unpackb(getattr(self.suite, name).exchange(frame))
        self.check_refusal(what, reply)
        if reply["id"] != request_id or reply["v"] != 1:
            self.problems.append(f"{what}: not under its id: {reply}")

    def refuse_or_ignore(self, what, name, *frames):
        """Sends what may have no answer, since there is nothing to answer to."""
        with self.suite.client(name) as client:
            client.send_frames(*frames)
            try:
                reply = client.receive_frames(0.2)
                self.assertEqual(len(reply), 2 if len(frames) > 1 and not frames[0] else 1, what)
                self.check_refusal(what, msgpack.unpackb(reply[-1]))
            except suite.Silence:
                pass
        self.check_alive(name)

    def check_alive(self, name):
        self.assertEqual(getattr(self.suite, name).ask("health")["code"], 0)

    # --- what is wrong in a field ---

    def test_every_field_of_every_operation(self):
        for op, (name, *_) in OPERATIONS.items():
            for what, fields in bad_requests(op):
                frame = pack({"v": 1, "id": 7, "op": op, **fields})
                if len(frame) <= FRAME_MAX:
                    self.refuse(f"{op}: {what}", name, frame)
            self.check_alive(name)
            self.check_nothing_happened(f"after {op}")

    def test_every_field_of_every_element_of_the_many_form(self):
        for op, (name, many, *_) in OPERATIONS.items():
            if not many:
                continue
            bad = list(bad_requests(op))
            for at in range(0, len(bad), 40):
                self.refuse_elements(op, bad[at:at + 40])
            self.check_nothing_happened(f"after {op}")

    def refuse_elements(self, op, bad):
        name, many = OPERATIONS[op][:2]
        elements = [pack(fields) for _, fields in bad]
        kept = [(what, element) for (what, _), element in zip(bad, elements)
                if len(element) < 1400]
        frame = pack({"v": 1, "id": 7, "op": op, many: [Raw(element) for _, element in kept]})
        reply = msgpack.unpackb(getattr(self.suite, name).exchange(frame))
        if reply["code"] != 0 or len(reply["results"]) != len(kept):
            self.problems.append(f"{op}: many: {reply}")
            return
        for (what, _), result in zip(kept, reply["results"]):
            self.check_refusal(f"{op}: in a list: {what}", result)

    def test_lists_of_the_many_form(self):
        for op, (name, many, good, *_) in OPERATIONS.items():
            if not many:
                continue
            for value in (Raw(b"\xc0"), 1, "a", True, {}, [], b"a", [{}] * (MANY_MAX + 1),
                          Raw(b"\xdd\x00\x00\x00\x00"), Twice(([], [])),
                          Twice(([good], [good]))):
                self.refuse(f"{op}: {many} {value!r:.60}", name,
                            pack({"v": 1, "id": 7, "op": op, many: value}))
            for element in (1, Raw(b"\xc0"), [], "a", {}, {**good, "ref": -1},
                            {**good, "ref": "1"}, {**good, "ref": 1.0}, {**good, "ref": 1 << 63},
                            {**good, "ref": Raw(b"\xc0")}, {**good, "ref": Twice((1, 2))}):
                reply = msgpack.unpackb(getattr(self.suite, name).exchange(
                    pack({"v": 1, "id": 7, "op": op, many: [element]})))
                for result in reply.get("results", [reply]):
                    self.check_refusal(f"{op}: {many} [{element!r:.60}]", result)

    def test_the_envelope(self):
        good = {"v": 1, "id": 7, "op": "order.create", **OPERATIONS["order.create"][2]}
        for name in suite.DAEMONS:
            for field, values in ENVELOPE.items():
                for value in [*values, Twice((good.get(field, 1000), good.get(field, 1000)))]:
                    self.refuse(f"{name}: {field} {value!r:.60}", name,
                                pack({**good, field: value}), None if field == "id" else 7)
                if field != "timeout_ms":
                    self.refuse(f"{name}: no {field}", name,
                                pack({key: good[key] for key in good if key != field}),
                                None if field == "id" else 7)

    def test_operations_of_other_daemons(self):
        for op, (owner, _, good, *_) in OPERATIONS.items():
            for name in suite.DAEMONS:
                if name != owner:
                    self.refuse(f"{op} at {name}", name, pack({"v": 1, "id": 7, "op": op, **good}))

    # --- what is wrong in a frame ---

    def test_every_beginning_of_a_good_request(self):
        for op in ("catalog.put", "stock.set", "order.create"):
            name, _, good, *_ = OPERATIONS[op]
            frame = pack({"v": 1, "id": 7, "op": op, **good})
            for size in range(len(frame)):
                self.refuse(f"{op}, {size} bytes of it", name, frame[:size], None)
            for tail in (b"\0", b"\xc0", b"\xc1", frame):
                self.refuse(f"{op} and {tail!r:.20}", name, frame + tail, None)

    def test_what_is_no_map(self):
        for name in suite.DAEMONS:
            for frame in (b"", b"\xc1", b"\xc0", b"\x01", b"\xa1a", b"\x90", b"\x91\x80",
                          b"GET / HTTP/1.1\r\n\r\n", b'{"v":1,"id":1,"op":"health"}',
                          b"\xd9", b"\xc7\xff", b"\xca\0"):
                self.refuse_or_ignore(f"{name}: {frame!r}", name, frame)

    def test_nesting(self):
        for name in suite.DAEMONS:
            for depth in (8, 9, 33, 1000, 60000):
                for opener in (b"\x91", b"\x81\xa1a", b"\xdc\0\1"):
                    deep = opener * depth + b"\xc0"
                    frame = b"\x84\xa1v\1\xa2id\7\xa2op\xa4nope\xa1x" + deep
                    if len(frame) <= FRAME_MAX:
                        self.refuse_or_ignore(f"{name}: {depth} deep", name, frame)

    def test_huge_counts(self):
        heads = [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdf\x7f\xff\xff\xff",
                 b"\xdf\x80\0\0\0", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
                 b"\xc9\xff\xff\xff\xff\1", b"\xdc\xff\xff", b"\xde\xff\xff", b"\xda\xff\xff"]
        for name in suite.DAEMONS:
            for head in heads:
                for body in (b"", b"\xc0" * 40000):
                    self.refuse_or_ignore(f"{name}: {head!r}", name, head + body)
                    self.refuse_or_ignore(f"{name}: within, {head!r}", name,
                                          b"\x84\xa1v\1\xa2id\7\xa2op\xa4nope\xa1x" + head + body)

    def test_more_frames_than_one(self):
        good = pack({"v": 1, "id": 7, "op": "order.create", **OPERATIONS["order.create"][2]})
        for name in suite.DAEMONS:
            for frames in ((good, good), (b"", good, good), (good, b""), (b"", b"", good),
                           (b"", b""), (b"",), (good,) * 1000, (b"",) + (b"x" * 1000,) * 1000):
                self.refuse_or_ignore(f"{name}: {len(frames)} frames", name, *frames)

    def test_the_largest_frame(self):
        for name in suite.DAEMONS:
            frame = pack({"v": 1, "id": 7, "op": "health", "pad": ""})
            frame = frame[:-1] + struct.pack(">BH", 0xda, FRAME_MAX - len(frame) - 2)
            frame += b"a" * (FRAME_MAX - len(frame))
            reply = msgpack.unpackb(getattr(self.suite, name).exchange(frame))
            self.assertEqual(reply["code"], 0)
            self.refuse_or_ignore(f"{name}: a byte more", name, frame + b"a")
            for size in (FRAME_MAX + 1, 1 << 20, 4 << 20):
                self.refuse_or_ignore(f"{name}: {size} bytes", name, b"\xc4" * size)

    def test_noise(self):
        dice = random.Random(1)
        good = [pack({"v": 1, "id": 7, "op": op, **row[2]}) for op, row in OPERATIONS.items()
                if row[2] and op not in ("order.set_status", "order.cancel", "stock.add",
                                         "stock.set", "stock.apply", "catalog.put",
                                         "order.create")]
        for name in suite.DAEMONS:
            client = getattr(self.suite, name)
            for _ in range(400):
                frame = bytearray(dice.choice(good))
                for _ in range(dice.randint(1, 4)):
                    frame[dice.randrange(len(frame))] = dice.randrange(256)
                reply = msgpack.unpackb(client.exchange(bytes(frame)), strict_map_key=False)
                self.assertTrue(reply["code"] < 50000, reply)
                client.exchange(dice.randbytes(dice.randint(1, 300)))

    # --- what that costs ---

    def test_memory_does_not_grow(self):
        frames = [pack({"v": 1, "id": 7, "op": "order.create", **fields})
                  for _, fields in bad_requests("order.create")]
        frames += [b"\xdf\xff\xff\xff\xff", b"\x91" * 60000, b"\xc1" * FRAME_MAX, b"a" * (1 << 20)]
        for name in suite.DAEMONS:
            if self.suite.is_sanitized(name):
                continue
            self.feed(name, frames)
            before = self.suite.memory_kib(name)
            for _ in range(5):
                self.feed(name, frames)
            self.assertLess(self.suite.memory_kib(name) - before, RSS_GROWTH_KIB, name)

    def feed(self, name, frames):
        for frame in frames:
            getattr(self.suite, name).exchange(frame)

    def test_what_is_not_known_is_ignored(self):
        for name in suite.DAEMONS:
            reply = getattr(self.suite, name).ask("health", tomorrow={"a": [1, None, 2.5]})
            self.assertEqual(reply["code"], 0)


if __name__ == "__main__":
    suite.main()
