#!/usr/bin/python3
"""tests/faults/overload.py [--seconds S] [--times N]: more than the suite can take.

Measures the most creates a second that the suite answers, then offers N (10) times as many to
another suite, for about S (80) seconds, 60 at least, by clients that never slow down. Meanwhile
orders are made, paid, cancelled and left to expire by a client that does as it is told: it waits
retry_after_ms when it is told that the suite is busy. Wants

- goodput of at least 80 % of the peak, both while the same number of orders is stored, for an
  order costs more in a store that has grown;
- an answer to every request, one, 0 or busy;
- memory that levels off;
- every payment and cancellation answered OK, none of them busy, and every unpaid order expired;
- stores that add up (with --fsck, which takes its time).
"""
import argparse
import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ["TOP_SRCDIR"], "tests", "system"))
import suite  # noqa: E402

CONNECTIONS = 64
DEPTH = 16
BUSY = 42900
STEP_ORDERS = 250000
GOODPUT_MIN = 0.8
MEMORY_GROWTH_MAX = 1.25  # from the middle of the run to its end
LATE_MAX_MS = 1000
SETTLE_MAX_MS = 2000


def bench(daemons, *arguments):
    return subprocess.Popen(
        ["orderd-bench", "create", f"--runtime-dir={daemons.dir}", "--json",
         f"--connections={CONNECTIONS}", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=daemons.env)


def result_of(process):
    out, _ = process.communicate()
    if not out:
        raise AssertionError(f"orderd-bench ended with {process.returncode}")
    return json.loads(out)


class Polite(threading.Thread):
    """Makes orders and takes them to their ends, one after the other."""

    def __init__(self, daemons):
        super().__init__()
        self.daemons = daemons
        self.over = threading.Event()
        self.busy = {"order.create": 0, "order.set_status": 0, "order.cancel": 0}
        self.took_ms = {name: [] for name in self.busy}
        self.expiring = []
        self.failed = []

    def ask(self, op, **fields):
        while True:
            began = time.monotonic()
            reply = self.client.ask(op, **fields)
            self.took_ms[op].append((time.monotonic() - began) * 1000)
            if reply["code"] != BUSY:
                if reply["code"] != 0:
                    self.failed.append((op, reply))
                return reply
            self.busy[op] += 1
            time.sleep(reply["retry_after_ms"] / 1000)

    def make(self, number, **fields):
        return self.ask("order.create", user_id=1 << 40, idempotency_key=f"polite-{number}",
                        items=[{"book_id": 1, "quantity": 1}], **fields)

    def run(self):
        with self.daemons.client("orderd") as self.client:
            number = 0
            while not self.over.is_set():
                number += 3
                self.expiring.append(self.make(number, expires_in_ms=1000)["order_id"])
                paid = self.make(number + 1)["order_id"]
                self.ask("order.set_status", order_id=paid, status="PAID")
                cancelled = self.make(number + 2)["order_id"]
                self.ask("order.cancel", order_id=cancelled)

    def problems(self):
        """What was not as it has to be; says what was."""
        found = [f"{op}: {reply}" for op, reply in self.failed]
        for op, took in self.took_ms.items():
            took.sort()
            print(f"{op}: {len(took)} asked, {self.busy[op]} told busy, median"
                  f" {took[len(took) // 2]:.1f} ms, longest {took[-1]:.0f} ms")
            if op != "order.create" and self.busy[op]:
                found.append(f"{op} was told busy {self.busy[op]} times")
            if op != "order.create" and took[-1] > SETTLE_MAX_MS:
                found.append(f"{op} took up to {took[-1]:.0f} ms")
        late = []
        with self.daemons.client("orderd") as client:
            for order_id in self.expiring:
                order = suite.wait_until(
                    lambda: is_cancelled(client.get("order.get", order_id=order_id)),
                    f"order {order_id} expires")
                late.append(order["updated_at"] - order["expires_at"])
        print(f"expiry: {len(late)} orders, up to {max(late)} ms late")
        if min(late) < 0 or max(late) > LATE_MAX_MS:
            found.append(f"expired {min(late)} to {max(late)} ms after the deadline")
        return found


def is_cancelled(order):
    return order if order["status"] == "CANCELLED" else None


class Progress:
    """How many orders were made by when: samples of (seconds, orders), both rising."""

    def __init__(self):
        self.samples = []

    def note(self, daemons):
        operations = daemons.orderd.get("stats")["operations"]
        made = next(row["handled"] - row["refused"] for row in operations
                    if row["operation"] == "order.create")
        if not self.samples or made > self.samples[-1][1]:
            self.samples.append((time.monotonic(), made))

    def rate(self, first, last):
        """Orders a second while that many are stored."""
        return (last - first) / (self.when(last) - self.when(first))

    def when(self, orders):
        for (before, low), (after, high) in zip(self.samples, self.samples[1:]):
            if low <= orders <= high:
                return before + (after - before) * (orders - low) / (high - low)
        raise AssertionError(f"{orders} orders were not seen")


def watch(daemons, process):
    """MiB of each daemon, once a second, and the progress."""
    seen, progress = [], Progress()
    while process.poll() is None:
        seen.append(anonymous_mib(daemons))
        progress.note(daemons)
        time.sleep(1)
    progress.note(daemons)
    return seen, progress


def share_of_peak(before, load, after):
    """The load's rate by the mean of the peaks', over all the orders that all have made."""
    runs = (before, load, after)
    first = max(progress.samples[0][1] for progress in runs)
    last = min(progress.samples[-1][1] for progress in runs)
    if last <= first:
        raise AssertionError(f"{last} orders are too few to compare: give more --seconds")
    for step in range(first, last - STEP_ORDERS, STEP_ORDERS):
        rates = [progress.rate(step, step + STEP_ORDERS) for progress in runs]
        print(f"from {step / 1e6:.2f} million orders stored: peak {rates[0]:.0f}/s, overloaded"
              f" {rates[1]:.0f}/s, peak {rates[2]:.0f}/s,"
              f" {200 * rates[1] / (rates[0] + rates[2]):.0f} %")
    peaks = [progress.rate(first, last) for progress in (before, after)]
    print(f"the peak afterwards was {100 * peaks[1] / peaks[0]:.0f} % of the one before")
    return 2 * load.rate(first, last) / sum(peaks)


def anonymous_mib(daemons):
    return {name: daemons.memory_kib(name, "RssAnon") / 1024 for name in suite.DAEMONS}


def costs(result):
    """Where the processors' time went: the client has its share of the machine, too."""
    return "us of processor time an order: " + ", ".join(
        f"{name} {us:.1f}" for name, us in result["cpu_us_per_order"].items())


def peak_rate(seconds):
    os.sync()  # what an earlier suite has written is not for this one to wait for
    with suite.Suite() as daemons:
        first = result_of(bench(daemons, f"--depth={DEPTH}", "--orders=20000"))
        process = bench(daemons, f"--depth={DEPTH}", "--no-prepare",
                        f"--orders={int(first['rate'] * seconds)}")
        _, progress = watch(daemons, process)
        measured = result_of(process)
    print(f"peak: {measured['rate']:.0f} creates/s, {CONNECTIONS} connections, {DEPTH} deep,"
          f" p99 {measured['p99_ms']:.0f} ms; {costs(measured)}")
    return measured["rate"], progress


def overload(peak, seconds, times, fsck):
    problems = []
    os.sync()
    with suite.Suite() as daemons:
        result_of(bench(daemons, "--depth=1", "--orders=1000"))
        polite = Polite(daemons)
        polite.start()
        # What is due and cannot be sent stays due: the load lasts until all of them are sent.
        process = bench(daemons, "--no-prepare", f"--rate={int(peak * times)}",
                        f"--orders={int(peak * seconds)}")
        memory, progress = watch(daemons, process)
        result = result_of(process)
        polite.over.set()
        polite.join()
        asked = result["done"] + result["refused"] + result["lost"]
        print(f"offered {times:.0f} times as much: {result['done']} made,"
              f" {result['refused']} refused, {result['lost']} without an answer"
              f" in {result['seconds']:.1f} s: {result['rate']:.0f}/s,"
              f" {100 * result['rate'] / peak:.0f} % of the peak, p50 {result['p50_ms']:.0f} ms,"
              f" {costs(result)}")
        for name in suite.DAEMONS:
            half, end = memory[len(memory) // 2][name], memory[-1][name]
            print(f"{name}: {half:.0f} MiB half way, {end:.0f} at the end")
            if end > MEMORY_GROWTH_MAX * half + 4:
                problems.append(f"{name} grew from {half:.0f} to {end:.0f} MiB")
        if result["lost"]:
            problems.append(f"{result['lost']} of {asked} requests got no answer")
        problems += polite.problems()
        if fsck:
            status, out, err = daemons.orderctl("fsck")
            if status != 0:
                problems.append(f"fsck: {status}\n{out}{err}")
    return problems, progress


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--seconds", type=float, default=80)
    words.add_argument("--times", type=float, default=10)
    words.add_argument("--fsck", action="store_true")
    asked = words.parse_args()
    # As long as the load will be, for a store that has grown takes more time for each order; before
    # it and after it, for so does a disk on which a suite was just at work.
    peak, before = peak_rate(asked.seconds)
    problems, progress = overload(peak, asked.seconds, asked.times, asked.fsck)
    _, after = peak_rate(asked.seconds)
    share = share_of_peak(before, progress, after)
    print(f"goodput: {100 * share:.0f} % of the peak with as many orders stored")
    if share < GOODPUT_MIN:
        problems.append(f"goodput {share:.2f} of the peak is less than {GOODPUT_MIN}")
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
