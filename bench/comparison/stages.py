"""What is run, in which order, for the rows that are wanted. Every stage returns a list with what
one round found in each element; a ratio pairs two figures of one element."""
import contextlib
import os
import shutil
import tempfile

from . import sizes
from .ours import BUILD, Ours
from .process import Failure, private_directory, run, say
from .rivals import Postgres, Redis

STARTERS = {"ours": Ours, "redis": Redis, "postgres": Postgres}
NAMES = {"ours": "orderd", "redis": "Redis", "postgres": "PostgreSQL"}


def whole_round(measure, *arguments):
    """A round that the machine disturbed so much that it failed is made once more, aloud."""
    try:
        return measure(*arguments)
    except Failure as failure:
        say(f"once more, for this round failed: {failure}")
        return measure(*arguments)


def side_by_side(total, size, needs):
    """Closed loops and expiry: each system in turn on empty stores, in an order that rotates.
    needs: {"ours": {"create", ...}, ...}."""
    rounds = []
    names = [name for name in STARTERS if needs.get(name)]
    for at in range(total):
        found = {}
        for step in range(len(names)):
            name = names[(at + step) % len(names)]
            say(f"side by side, round {at + 1} of {total}: {NAMES[name]}")
            found[name] = whole_round(closed_loop, name, size, needs[name])
        rounds.append(found)
    return rounds


def closed_loop(name, size, needs):
    with contextlib.ExitStack() as stack:
        return STARTERS[name](stack).measure(size, needs)


def open_loop(total, size):
    rounds = []
    for at in range(total):
        say(f"open loop, round {at + 1} of {total}")
        rounds.append(whole_round(open_round, size))
    return rounds


def open_round(size):
    """Our peak first; then both at half of it and at the fixed rates below it, by one driver."""
    with contextlib.ExitStack() as stack:
        ours = Ours(stack)
        peak = ours.load("create", 1024, size.creates[1024])["rate"]
        rates = [rate for rate in sizes.OPEN_RATES if rate < sizes.OPEN_SHARE_MAX * peak]
        found = {"peak": peak, "ours": open_rates(ours, peak / 2, rates, size)}
    with contextlib.ExitStack() as stack:
        found["redis"] = open_rates(Redis(stack), peak / 2, rates, size)
    return found


def open_rates(server, half, rates, size):
    return {"half": server.open_loop(half, size.open_s),
            "fixed": {rate: server.open_loop(rate, size.open_s) for rate in rates}}


# --- growth ---------------------------------------------------------------------------------------

class Growth:
    """One suite that is filled step by step, and small ones to set beside it."""

    def __init__(self, stack, size, stored):
        self.size, self.stored = size, stored
        self.full = Ours(stack, payment_timeout="30d")
        self.made = 0
        self.steps = []   # while it was filled
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if free < stored * sizes.BYTES_A_STORED:
            raise Failure(f"{stored:,} orders may need {stored * sizes.BYTES_A_STORED >> 30} GiB "
                          f"below {tempfile.gettempdir()}, which has {free >> 30}: name another "
                          "directory in TMPDIR, or use --stored")

    def make(self, suite, count, users):
        return suite.load("create", 1024, count, f"--users={users}")["rate"]

    def users(self, stored):
        return max(stored // sizes.ORDERS_A_USER, 1)

    def fill(self, until):
        """In steps, each with its rate and the latency of first pages after it."""
        chunk = max(self.stored // self.size.chunks, 1)
        while self.made < until:
            count = min(chunk, until - self.made)
            say(f"growth: {self.made:,} of {self.stored:,} orders stored")
            rate = self.make(self.full, count, self.users(self.stored))
            self.made += count
            self.steps.append({"stored": self.made, "rate": rate,
                               "bytes": self.full.used_bytes() / self.made,
                               "page": self.first_pages(self.full, self.stored)})

    def first_pages(self, suite, stored):
        return suite.load("list", 1, self.size.pages, "--stored=0", f"--users={self.users(stored)}")

    def page(self, number):
        return self.full.load("list", 1, self.size.pages, "--stored=0", f"--page={number}")

    def dig(self):
        """User 1 gets as many orders as the deep page needs."""
        count = sizes.PAGE * (sizes.DEEP_PAGE + 1)
        self.make(self.full, count, 1)
        self.made += count

    def compared(self):
        """One round: the full store beside an empty one and one of few orders."""
        found = {"pages": {number: self.page(number) for number in (1, sizes.DEEP_PAGE)},
                 "many": self.first_pages(self.full, self.stored)}
        found["full"] = self.creates(self.full)
        with contextlib.ExitStack() as stack:
            found["empty"] = self.creates(Ours(stack))
        with contextlib.ExitStack() as stack:
            few = Ours(stack)
            self.make(few, sizes.FEW_STORED, self.users(sizes.FEW_STORED))
            found["few"] = self.first_pages(few, sizes.FEW_STORED)
        return found

    def creates(self, suite):
        return {n: suite.load("create", n, self.size.creates[n]) for n in sizes.GROWTH_SHAPES}


def growth(total, size, needs):
    """needs: some of start, stored. The store is filled once; starts and comparisons are repeated
    on it."""
    stored = size.stored if "stored" in needs else min(size.stored, sizes.PENDING)
    with contextlib.ExitStack() as stack:
        grown = Growth(stack, size, stored)
        rounds = [{} for _ in range(total)]
        if "stored" in needs:
            grown.dig()
        grown.fill(min(sizes.PENDING, stored))
        if "start" in needs:
            for at, found in enumerate(rounds):
                say(f"start with {grown.made:,} pending orders, {at + 1} of {total}")
                found["start_s"] = grown.full.restart_orderd()
                found["pending"] = grown.made
        if "stored" in needs:
            grown.fill(stored)
            for at, found in enumerate(rounds):
                say(f"beside {stored:,} stored orders, round {at + 1} of {total}")
                found.update(whole_round(grown.compared))
        for found in rounds:
            found["steps"] = grown.steps
        return rounds


# --- size -----------------------------------------------------------------------------------------

def installed():
    """Bytes of programs and libraries as `make install-strip` installs them."""
    with contextlib.ExitStack() as stack:
        place = private_directory(stack, "orderd-installed-")
        run(["make", "-s", "-C", BUILD, "install-strip", f"DESTDIR={place}"])
        found = {}
        for folder, _, names in os.walk(place):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    head = file.read(8)
                if head.startswith((b"\x7fELF", b"!<arch>")) and not os.path.islink(path):
                    found[name] = os.path.getsize(path)
        return [{"files": found, "bytes": sum(found.values())}]
