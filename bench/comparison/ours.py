"""The suite from the build directory."""
import json
import os
import signal
import socket
import time

from . import sizes
from .process import (PATIENCE_S, Failure, end, last_lines, private_directory, run, say, spawn,
                      succeeds, wait_until)

DAEMONS = ("catalogd", "stockd", "orderd", "reaperd")
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("TOP_BUILDDIR", os.path.join(os.path.dirname(HERE), "build"))


def program(name):
    folder = {"orderctl": "tools", "orderd-bench": "bench",
              "redis-load": "bench"}.get(name, f"daemons/{name}")
    return os.path.join(BUILD, folder, name)


def anonymous_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1024


class Ours:
    def __init__(self, stack, **settings):
        """Settings are orderd's: payment_timeout="30d"."""
        self.stack = stack
        self.dir = private_directory(stack, "orderd-compare-")
        self.log = f"{self.dir}/log"
        self.settings = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        self.prepared = False
        self.memory_mib = dict.fromkeys(DAEMONS, 0)
        self.processes = {name: spawn(stack, self.command(name), self.log) for name in DAEMONS}
        status = [program("orderctl"), f"--runtime-dir={self.dir}/run", "--timeout=1s", "status"]
        wait_until(lambda: succeeds(status), self.processes.values(), "the suite", self.log)

    def command(self, name):
        return [program(name), f"--runtime-dir={self.dir}/run", f"--state-dir={self.dir}/state",
                *(self.settings if name == "orderd" else ())]

    def bench(self, mode, shape, count, *options, refused_max=0):
        connections, depth = shape
        command = [program("orderd-bench"), mode, f"--runtime-dir={self.dir}/run",
                   f"--connections={connections}", f"--depth={depth}", f"--orders={count}",
                   f"--titles={sizes.BOOKS}", "--json", *options]
        found = json.loads(run(command + ["--no-prepare"] * self.prepared, progress=True))
        if found["refused"] > refused_max or found["lost"]:
            raise Failure(f"{mode}: {found['done']} of {count} done, {found['refused']} refused "
                          f"or early, {found['lost']} lost")
        self.prepared = True
        for name, process in self.processes.items():
            self.memory_mib[name] = max(self.memory_mib[name], anonymous_mib(process.pid))
        return found

    def load(self, mode, outstanding, count, *options):
        return self.bench(mode, sizes.SHAPES[outstanding], count, *options)

    def open_loop(self, rate, seconds):
        """Who is told busy counts as slower than all others: p99.9 of these is p99 then, and their
        slowest where many are told so."""
        count = int(rate * seconds)
        found = self.bench("create", (sizes.OPEN_CONNECTIONS, 1), count, f"--rate={int(rate)}",
                           refused_max=count)
        if found["refused"]:
            few = found["refused"] < count * sizes.OPEN_REFUSED_FEW
            say(f"{found['refused']} of {count} told busy at {int(rate)}/s")
            found["p99_ms"] = found["p999_ms" if few else "max_ms"]
        return found

    def used_bytes(self):
        return sum(os.stat(os.path.join(folder, name)).st_blocks * 512
                   for folder, _, names in os.walk(f"{self.dir}/state") for name in names)

    def restart_orderd(self):
        """Stops orderd and starts it again; seconds from its start to READY."""
        end(self.processes["orderd"])
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            path = f"{self.dir}/notify"
            told.bind(path)
            told.settimeout(PATIENCE_S)
            try:
                return self.start_orderd(told, path)
            except TimeoutError:
                raise Failure(f"orderd did not start:\n{last_lines(self.log)}") from None
            finally:
                os.unlink(path)

    def start_orderd(self, told, path):
        began = time.perf_counter()
        self.processes["orderd"] = spawn(self.stack, self.command("orderd"), self.log,
                                         signal.SIGTERM, signal.SIGKILL,
                                         env={**os.environ, "NOTIFY_SOCKET": path})
        while b"READY=1" not in told.recv(4096).split(b"\n"):
            pass
        return time.perf_counter() - began

    def measure(self, size, wanted):
        """What is wanted of: create, read, storm, late."""
        found = {}
        if "create" in wanted:
            found["create"] = {n: self.load("create", n, size.creates[n]) for n in sizes.SHAPES}
        if "read" in wanted:
            found["read"] = {n: self.load("get", n, size.reads[n]) for n in sizes.READ_SHAPES}
        if "storm" in wanted:
            found["storm"] = self.load("expire", 256, size.storm)
        if "late" in wanted:
            found["late"] = self.load("expire", 64, 1000 * size.late_s, "--rate=1000")
        found["memory"] = self.memory_mib
        return found
