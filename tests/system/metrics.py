#!/usr/bin/python3
"""orderctl metrics: both formats, the file, the scrape over a socket that systemd passes on."""
import http.client
import os
import re
import shutil
import socket
import stat
import subprocess
import unittest

import suite

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
except ImportError:
    open_metrics = None

SOURCE = os.environ.get("TOP_SRCDIR") or os.path.join(os.path.dirname(__file__), "../..")
ACTIVATE = shutil.which("systemd-socket-activate")


def setUpModule():
    global running
    running = suite.Suite()
    running.stock_books()
    for _ in range(3):
        running.create()
    running.orderd.ask("order.create", user_id=1, items=[{"book_id": 77, "quantity": 1}])
    running.wait_settled()


def tearDownModule():
    running.close()


def metrics(*options):
    status, out, err = running.orderctl("metrics", *options)
    if status != 0 or err:
        raise AssertionError(f"{status}: {err}")
    return out


def samples(text):
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in text.splitlines() if not line.startswith("#")}


class Text(unittest.TestCase):
    def test_the_numbers_are_the_suites(self):
        found = samples(metrics())
        for name in suite.DAEMONS:
            self.assertEqual(found[f'orderd_up{{daemon="{name}"}}'], 1)
            self.assertEqual(found[f'orderd_ready{{daemon="{name}"}}'], 1)
        create = 'daemon="orderd",operation="order.create"'
        self.assertEqual(found[f"orderd_operation_handled_total{{{create}}}"], 4)
        self.assertEqual(found[f"orderd_operation_refused_total{{{create}}}"], 1)
        self.assertEqual(found[f"orderd_operation_latency_seconds_count{{{create}}}"], 4)
        self.assertGreater(
            found[f'orderd_operation_latency_seconds{{{create},quantile="0.99"}}'], 0)
        started = running.orderd.get("health")["started_at"]
        self.assertEqual(found['orderd_start_time_seconds{daemon="orderd"}'], started / 1000)
        self.assertEqual(found['orderd_store_limit_bytes{daemon="stockd"}'], 64 << 30)
        self.assertEqual(found['orderd_open_sagas{daemon="orderd"}'], 0)

    @unittest.skipUnless(open_metrics, "no parser (Debian: python3-prometheus-client)")
    def test_it_is_openmetrics(self):
        text = metrics()
        families = {family.name: family for family in open_metrics(text)}
        self.assertEqual(families["orderd_requests"].type, "counter")
        self.assertEqual(families["orderd_commit_seconds"].type, "summary")
        self.assertTrue(text.endswith("# EOF\n"))

    @unittest.skipUnless(shutil.which("promtool"), "no promtool (Debian: prometheus)")
    def test_promtool_has_no_remark(self):
        done = subprocess.run(["promtool", "check", "metrics"], text=True, check=False,
                              input=metrics("--format", "prometheus"), capture_output=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_a_counter_is_named_as_each_format_wants_it(self):
        self.assertIn("# TYPE orderd_requests counter\n", metrics())
        self.assertIn("# TYPE orderd_requests_total counter\n", metrics("--format", "prometheus"))
        self.assertEqual(running.orderctl("metrics", "--format", "xml")[0], 2)

    def test_a_daemon_that_is_gone_is_a_metric_too(self):
        running.kill("reaperd")
        try:
            found = samples(metrics())
        finally:
            running.start("reaperd")
        self.assertEqual(found['orderd_up{daemon="reaperd"}'], 0)
        self.assertEqual(found['orderd_up{daemon="orderd"}'], 1)
        self.assertNotIn('orderd_ready{daemon="reaperd"}', found)

    def test_dashboard_and_rules_speak_of_metrics_that_there_are(self):
        there = {re.split(r"[ {]", line)[0] for line in metrics().splitlines()}
        for name in ("orderd-dashboard.json", "orderd.rules.yml"):
            with open(f"{SOURCE}/packaging/monitoring/{name}", encoding="utf-8") as file:
                named = set(re.findall(r"\borderd_[a-z_]+", file.read()))
            self.assertGreater(len(named), 5)
            self.assertEqual(named - there, set(), name)


class File(unittest.TestCase):
    def test_it_is_replaced_as_a_whole(self):
        path = f"{running.dir}/textfile/orderd.prom"
        os.mkdir(os.path.dirname(path))
        self.assertEqual(metrics("--output", path), "")
        with open(path, encoding="utf-8") as old:
            metrics("--output", path)
            with open(path, encoding="utf-8") as new:
                self.assertNotEqual(os.fstat(old.fileno()).st_ino, os.fstat(new.fileno()).st_ino)
                self.assertIn("orderd_requests_total counter", new.read())
            self.assertIn("orderd_saga_step_seconds", old.read())
        self.assertEqual(os.listdir(os.path.dirname(path)), ["orderd.prom"])
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o644)

    def test_what_is_no_file_is_not_replaced_by_one(self):
        path = f"{running.dir}/fifo"
        os.mkfifo(path)
        self.addCleanup(os.unlink, path)
        status, _, err = running.orderctl("metrics", "--output", path)
        self.assertEqual(status, 2)
        self.assertIn("not a plain file", err)
        self.assertTrue(stat.S_ISFIFO(os.stat(path).st_mode))

    def test_a_place_that_cannot_be_written_is_named(self):
        status, _, err = running.orderctl("metrics", "--output", "/proc/nowhere/orderd.prom")
        self.assertEqual(status, 1)
        self.assertIn("/proc/nowhere/orderd.prom", err)


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(suite.PATIENCE_S)
        self.sock.connect(f"{running.dir}/scrape.sock")


@unittest.skipUnless(ACTIVATE, "no systemd-socket-activate (Debian: systemd)")
class Scrape(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.listener = subprocess.Popen(
            [ACTIVATE, "-l", f"{running.dir}/scrape.sock", "--accept", "--inetd",
             "-E", "ORDERD_RUNTIME_DIR", "-E", "PATH", shutil.which("orderctl"), "metrics",
             "--http"], env=running.env, stderr=subprocess.DEVNULL)
        suite.wait_until(lambda: os.path.exists(f"{running.dir}/scrape.sock"), "it listens")

    @classmethod
    def tearDownClass(cls):
        cls.listener.terminate()
        cls.listener.wait()

    def ask(self, path, method="GET", **headers):
        connection = Connection("localhost")
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer, body

    def test_the_format_is_the_scrapers(self):
        answer, body = self.ask("/metrics")
        self.assertEqual(answer.status, 200)
        self.assertIn("text/plain; version=0.0.4", answer.headers["Content-Type"])
        self.assertIn("# TYPE orderd_requests_total counter\n", body)
        answer, body = self.ask("/metrics?x=1", Accept="application/openmetrics-text;version=1.0.0")
        self.assertIn("application/openmetrics-text", answer.headers["Content-Type"])
        self.assertTrue(body.endswith("# EOF\n"))

    def test_head_has_no_body(self):
        answer, body = self.ask("/metrics", "HEAD")
        self.assertGreater(int(answer.headers["Content-Length"]), 1000)
        self.assertEqual(body, "")

    def test_everything_else_is_refused(self):
        self.assertEqual(self.ask("/")[0].status, 404)
        self.assertEqual(self.ask("/metrics", "POST")[0].status, 405)
        self.assertEqual(self.ask("/metrics", Long="x" * 9000)[0].status, 431)
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(suite.PATIENCE_S)
            raw.connect(f"{running.dir}/scrape.sock")
            raw.sendall(b"hello\r\n\r\n")
            self.assertIn(b"400 Bad Request", raw.recv(4096))


if __name__ == "__main__":
    suite.main()
