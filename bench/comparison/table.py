"""The rows: what is compared, what must be reached, what was."""
import statistics

from . import sizes
from .ours import DAEMONS


class Row:
    """One comparison: a figure of our side over one of the other in each round; a row without
    another side is a figure by itself. `needs` names what has to run, as stage.part."""

    def __init__(self, work, needs, must, aim, ours, other=None, least=True, form="{:,.0f}/s"):
        self.work, self.must, self.aim, self.least, self.form = work, must, aim, least, form
        self.stage = needs[0].split(".")[0]
        self.needs, self.ours, self.other = needs, ours, other

    def values(self, rounds):
        if not self.other:
            return [self.ours(each) for each in rounds]
        return [self.ours(each) / self.other(each) for each in rounds]

    def verdict(self, median):
        for name, bound in (("aim", self.aim), ("must", self.must)):
            if median >= bound if self.least else median <= bound:
                return name
        return "missed"

    def cells(self, found):
        rounds = found[self.stage]
        values = self.values(rounds)
        median = statistics.median(values)
        sides = [self.form.format(statistics.median(side(each) for each in rounds)) if side else ""
                 for side in ((self.ours, self.other) if self.other else (None, None))]
        spread = [f"{value:.2f}" for value in (median, min(values), max(values))]
        sign = "≥" if self.least else "≤"
        return [self.work, *sides, *spread, f"{sign} {self.must}", f"{sign} {self.aim}",
                self.verdict(median)]


HEADS = ("work", "ours", "other", "median", "lowest", "highest", "must", "aim", "reached")


def pick(*path):
    def value(found):
        for step in path:
            found = found[step]
        return found
    return value


def against(work, rival, kind, shape, must, aim):
    return Row(work, (f"side.ours.{kind}", f"side.{rival}.{kind}"), must, aim,
               pick("ours", kind, shape, "rate"), pick(rival, kind, shape, "rate"))


def latency(work, needs, must, aim, ours, other):
    return Row(work, needs, must, aim, ours, other, least=False, form="{:.3f} ms")


def figure(work, needs, must, aim, value):
    return Row(work, needs, must, aim, value, least=False)


def all_rows(size):
    stored, late = f"{size.stored:,}", ("side.ours.late",)
    storm = pick("ours", "storm", "rate")
    return [
        against("creates, 64 outstanding, against Redis", "redis", "create", 64, 0.7, 1.2),
        against("creates, 1,024 outstanding, against Redis", "redis", "create", 1024, 1.3, 3.0),
        against("creates, 64 outstanding, against PostgreSQL", "postgres", "create", 64, 3, 6),
        latency("p50 of a create, 1 outstanding, against Redis",
                ("side.ours.create", "side.redis.create"), 4, 2.5,
                pick("ours", "create", 1, "p50_ms"), pick("redis", "create", 1, "p50_ms")),
        latency("p99 at half of our peak rate, open loop, against Redis", ("open",), 1.0, 0.5,
                pick("ours", "half", "p99_ms"), pick("redis", "half", "p99_ms")),
        against("reads, 64 outstanding, against Redis", "redis", "read", 64, 1.0, 1.5),
        against("reads, 1,024 outstanding, against Redis", "redis", "read", 1024, 0.5, 1.0),
        *(Row(f"creates, {shape:,} outstanding, {stored} orders stored, against none",
              ("growth.stored",), 0.8, 0.95, pick("full", shape, "rate"),
              pick("empty", shape, "rate")) for shape in sizes.GROWTH_SHAPES),
        latency(f"p99 of a first page, {stored} orders, against {sizes.FEW_STORED:,}",
                ("growth.stored",), 1.5, 1.0, pick("many", "p99_ms"), pick("few", "p99_ms")),
        latency(f"p50 of page {sizes.DEEP_PAGE:,} by cursor, against page 1", ("growth.stored",),
                1.2, 1.0, pick("pages", sizes.DEEP_PAGE, "p50_ms"), pick("pages", 1, "p50_ms")),
        *(Row(f"expiry storm of {size.storm:,}: cancels/s against creates/s at {shape:,}",
              ("side.ours.storm", "side.ours.create"), 1.0, 2.0, storm,
              pick("ours", "create", shape, "rate")) for shape in (64, 1024)),
        figure("p99 of lateness (ms), 1,000/s expire and 1,000/s are made", late, 100, 20,
               pick("ours", "late", "p99_ms")),
        figure(f"start of orderd with {min(size.stored, sizes.PENDING):,} pending orders (s)",
               ("growth.start",), 1, 0.2, pick("start_s")),
        *(figure(f"anonymous memory of {name} (MiB)", ("side.ours.create",), 32, 16,
                 pick("ours", "memory", name)) for name in DAEMONS),
        figure("programs and libraries installed, stripped (MB)", ("size",), 1, 0.5,
               lambda found: found["bytes"] / 1e6),
    ]


def print_table(cells):
    table = [list(HEADS), *cells]
    widths = [max(len(row[at]) for row in table) for at in range(len(HEADS))]
    for row in table:
        print("  ".join(text.ljust(width) if at in (0, len(HEADS) - 1) else text.rjust(width)
                        for at, (text, width) in enumerate(zip(row, widths))).rstrip())
