"""Redis and PostgreSQL doing the same work: an order of two lines, synced before the answer."""
import csv
import glob
import json
import os
import pwd
import re
import shutil
import signal

from . import sizes
from .ours import HERE, program
from .process import Failure, private_directory, run, spawn, succeeds, wait_until

STOCK = 2000000000
ORDER = ("0", "7", "1", "2", "2", "1")  # keys; user, then a book and a quantity for each line


class Redis:
    """One script an order, every write synced before its answer."""

    def __init__(self, stack):
        self.dir = private_directory(stack, "redis-compare-")
        self.socket = f"{self.dir}/redis.sock"
        log = f"{self.dir}/log"
        server = spawn(stack, [
            "redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.dir,
            "--appendonly", "yes", "--appendfsync", "always", "--save", "",
            "--auto-aof-rewrite-percentage", "0"], log)
        wait_until(lambda: succeeds(["redis-cli", "-s", self.socket, "ping"]), [server],
                   "redis-server", log)
        self.ask(stdin="".join(
            f'HSET book:{n} price 5900 title "Go programming language"\nSET stock:{n} {STOCK}\n'
            for n in range(1, sizes.BOOKS + 1)))
        with open(f"{HERE}/rivals/redis-orders.lua", encoding="ascii") as script:
            self.script = self.ask("script", "load", script.read())

    def ask(self, *words, stdin=""):
        return run(["redis-cli", "-e", "-s", self.socket, *words], input=stdin).strip()

    def load(self, outstanding, count, *request):
        connections, depth = sizes.SHAPES[outstanding]
        said = run(["redis-benchmark", "-s", self.socket, "--csv", "-c", str(connections), "-P",
                    str(depth), "-n", str(count), *request])
        row = next(csv.DictReader(said[said.index('"test"'):].splitlines()))
        return {"rate": float(row["rps"]), "p50_ms": float(row["p50_latency_ms"]),
                "p99_ms": float(row["p99_latency_ms"])}

    def made(self):
        return int(self.ask("GET", "orders:last") or 0)

    def checked(self, count, load):
        """A load that must make so many orders: redis-benchmark does not tell errors."""
        before = self.made()
        found = load()
        if self.made() < before + count:
            raise Failure(f"Redis made {self.made() - before} orders of {count}")
        return found

    def create(self, outstanding, count):
        return self.checked(count, lambda: self.load(outstanding, count, "EVALSHA", self.script,
                                                     *ORDER))

    def read(self, outstanding, count):
        if self.made() < 100:
            self.create(64, 1000)
        return self.load(outstanding, count, "HGETALL", "order:100")

    def open_loop(self, rate, seconds):
        count = int(rate * seconds)
        command = [program("redis-load"), f"--connections={sizes.OPEN_CONNECTIONS}",
                   f"--requests={count}", f"--rate={int(rate)}", self.socket, "EVALSHA",
                   self.script, *ORDER]
        return self.checked(count, lambda: json.loads(run(command)))

    def measure(self, size, wanted):
        found = {}
        if "create" in wanted:
            found["create"] = {n: self.create(n, size.creates[n]) for n in sizes.SHAPES}
        if "read" in wanted:
            found["read"] = {n: self.read(n, size.reads[n]) for n in sizes.READ_SHAPES}
        return found


TRANSACTION = fr"""\set buyer random(1, 10000)
\set book random(1, {sizes.BOOKS - 1})
select place_order(:buyer, :book, 2, :book + 1, 1);
"""


def postgres_program(name):
    found = glob.glob(f"/usr/lib/postgresql/*/bin/{name}")
    found.sort(key=lambda path: float(path.split("/")[4]))
    return found[-1] if found else shutil.which(name)


class Postgres:
    """One stored function an order, one round trip, synchronous commit."""

    def __init__(self, stack):
        self.dir = private_directory(stack, "postgres-compare-")
        how = {"cwd": self.dir}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.dir, user.pw_uid, user.pw_gid)
            how.update(user=user.pw_uid, group=user.pw_gid, extra_groups=[])
        data, log = f"{self.dir}/data", f"{self.dir}/log"
        run([postgres_program("initdb"), "-D", data, "-A", "trust", "-U", "postgres"], **how)
        server = spawn(stack, [
            postgres_program("postgres"), "-D", data, "-k", self.dir, "-c", "listen_addresses=",
            "-c", "shared_buffers=1GB", "-c", "max_connections=200", "-c", "synchronous_commit=on"],
            log, signal.SIGINT, signal.SIGQUIT, **how)
        self.where = ["-h", self.dir, "-U", "postgres"]
        ask = [postgres_program("psql"), *self.where, "-d", "postgres", "-q", "-X"]
        wait_until(lambda: succeeds([*ask, "-c", "select 1"]), [server], "postgres", log)
        run([*ask, "-v", "ON_ERROR_STOP=1", "-f", f"{HERE}/rivals/postgres-orders.sql"],
            cwd=self.dir)

    def load(self, connections, seconds):
        """The time runs while connections are made, too: on a busy machine it may not be enough."""
        for longer in (1, 4, 16):
            said = run([postgres_program("pgbench"), *self.where, "-n", "-M", "prepared", "-c",
                        str(connections), "-j", str(min(2, connections)), "-T",
                        str(longer * seconds), "-f", "-", "postgres"], cwd=self.dir,
                       input=TRANSACTION)
            found = re.search(r"^tps = ([0-9.]+)", said, re.M)
            if found:
                return {"rate": float(found.group(1))}
        raise Failure(f"pgbench made no orders in {longer * seconds} s:\n{said}")

    def measure(self, size, wanted):
        if "create" not in wanted:
            return {}
        return {"create": {n: self.load(n, size.postgres_s) for n in sizes.POSTGRES_SHAPES}}
