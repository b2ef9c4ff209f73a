"""RESULTS.md: the table, what was measured beside it, and on what."""
import os
import platform
import re
import statistics
import tempfile
import time

from . import sizes
from .ours import DAEMONS, HERE, program
from .process import run
from .rivals import postgres_program
from .stages import NAMES
from .table import HEADS


def sync_ms():
    """Median time of an fdatasync of 4 KiB where the stores are."""
    times = []
    with tempfile.TemporaryFile(buffering=0) as file:
        for _ in range(200):
            file.write(bytes(4096))
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def machine_facts():
    cpu = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
        cpu = next((line.split(":", 1)[1].strip() for line in lines
                    if line.startswith("model name")), cpu)
    redis = re.search(r"v=(\S+)", run(["redis-server", "--version"])).group(1)
    postgres = run([postgres_program("postgres"), "--version"]).split()[2]
    ours = run([program("orderd"), "--version"]).split()[-1]
    kind = run(["stat", "-f", "-c", "%T", tempfile.gettempdir()]).strip()
    load = os.getloadavg()[0]
    return [f"{len(os.sched_getaffinity(0))} cores ({cpu}), Linux {platform.release()}, load "
            f"average before the start {load:.2f}",
            f"stores on {kind}, fdatasync of 4 KiB {sync_ms():.2f} ms (median)",
            f"orderd {ours}, Redis {redis}, PostgreSQL {postgres}"]


def markdown(heads, rows):
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)


def median(rounds, *path, form="{:,.0f}"):
    values = []
    for found in rounds:
        for step in path:
            found = found.get(step) if isinstance(found, dict) else None
        values.append(found)
    return form.format(statistics.median(values)) if None not in values else ""


def closed_loop(rounds):
    rates = markdown(["outstanding", *NAMES.values()],
                     [[f"{shape:,}", *(median(rounds, name, "create", shape, "rate")
                                       for name in NAMES)] for shape in sizes.SHAPES])
    costs = markdown(
        ["outstanding", "p50 ms", "p99 ms", "p99.9 ms", *(f"{name} us" for name in DAEMONS),
         "client us", "syncs", "bytes"],
        [[f"{shape:,}",
          *(median(rounds, "ours", "create", shape, key, form="{:.2f}")
            for key in ("p50_ms", "p99_ms", "p999_ms")),
          *(median(rounds, "ours", "create", shape, "cpu_us_per_order", name, form="{:.1f}")
            for name in (*DAEMONS, "client")),
          median(rounds, "ours", "create", shape, "fsyncs_per_order", form="{:.3f}"),
          median(rounds, "ours", "create", shape, "write_bytes_per_order")]
         for shape in sizes.SHAPES])
    return (f"\n## Creates a second\n\n{rates}\n![creates a second over outstanding requests]"
            f"(rate.svg)\n\n## What an order costs us\n\nProcessor time by process, syncs and "
            f"bytes written, for each order.\n\n{costs}")


def open_loop(rounds):
    rates = sorted(set.intersection(*(set(found["ours"]["fixed"]) for found in rounds)))
    rows = [[f"{rate:,}", *(median(rounds, name, "fixed", rate, key, form="{:.2f}")
                            for name in ("ours", "redis") for key in ("p50_ms", "p99_ms"))]
            for rate in rates]
    half = median(rounds, "peak")
    heads = ["creates/s", "orderd p50 ms", "orderd p99 ms", "Redis p50 ms", "Redis p99 ms"]
    return (f"\n## Latency at fixed rates\n\nOpen loop: each request is timed from when it was "
            f"due. Our peak was {half}/s.\n\n{markdown(heads, rows)}\n"
            "![latency percentiles at fixed rates](latency.svg)\n")


def growth(rounds):
    rows = [[f"{step['stored']:,}", f"{step['rate']:,.0f}", f"{step['page']['p50_ms']:.3f}",
             f"{step['page']['p99_ms']:.3f}", f"{step['bytes']:,.0f}"]
            for step in rounds[0]["steps"]]
    heads = ["orders stored", "creates/s up to there", "first page p50 ms", "p99 ms",
             "bytes an order on disk"]
    return (f"\n## Growth\n\n{markdown(heads, rows)}\n![creates a second and pages over stored "
            "orders](growth.svg)\n")


INTRODUCTION = """# Beside Redis and PostgreSQL

Written by `bench/compare` after {rounds} on {date};
[README.md](README.md) says how to read it.

"""


def text(cells, found, facts, size, total):
    rounds = f"{total} {'smaller (`--quick`) ' if size.quick else ''}round{'s' * (total > 1)}"
    result = INTRODUCTION.format(rounds=rounds, date=time.strftime("%Y-%m-%d"))
    result += "".join(f"- {fact}\n" for fact in facts) + "\n" + markdown(HEADS, cells)
    for stage, part in (("side", closed_loop), ("open", open_loop), ("growth", growth)):
        result += part(found[stage])
    return result


def write(cells, found, facts, size, total):
    path = f"{HERE}/RESULTS.md"
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text(cells, found, facts, size, total))
    os.replace(f"{path}.new", path)
