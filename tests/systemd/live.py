#!/usr/bin/python3
"""The installed packages under a real systemd: installation, the order of start, sockets, watchdog,
crashes, reload, restarts under load, a reboot, an upgrade, removal and purge.

One machine goes through all of it, so the tests run in the order in which they stand.
"""
import contextlib
import os
import re
import signal
import sys
import tempfile
import unittest

import machine as machines
from load import Load, restart_under_load
from suite import DAEMONS, main, wait_until

LOAD_RATE = 1000
KEYS = {"at": 0}


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        cls.packages = machines.packages_of_build(directory)
        older = [machines.package_older(package, directory, "0.0.1") for package in cls.packages]
        cls.machine = stack.enter_context(machines.Machine())
        cls.suite = machines.Installed(cls.machine)
        cls.machine.copy_in(older, "/root/old")
        cls.machine.copy_in(cls.packages, "/root/new")
        stack.callback(cls.suite.forget_connections)

    def tearDown(self):
        outcome = self._outcome.result
        if outcome.failures or outcome.errors:
            print(self.machine.run("journalctl", "--no-pager", "-n", "60", check=False).stdout)

    # --- what the tests ask ---

    def install(self, directory):
        return self.machine.out("sh", "-c", f"dpkg --install {directory}/*.deb")

    def systemctl(self, *arguments, **how):
        return self.machine.out("systemctl", *arguments, **how)

    def order(self, user="shopper"):
        """Makes an order as a person does, and returns its id."""
        KEYS["at"] += 1
        out = self.machine.out("orderctl", "--json", "order", "create", "--user", "1", "--item",
                               "1=1", "--key", f"person-{KEYS['at']}", user=user)
        return int(re.search(r'"order_id": ?(\d+)', out).group(1))

    def assert_active(self, *units):
        for unit in units:
            self.assertTrue(self.machine.is_active(unit), unit)

    # --- the way through ---

    def test_01_installation_starts_the_suite_in_order(self):
        self.machine.run("useradd", "stranger")
        self.install("/root/old")
        self.machine.run("useradd", "--groups", "orderd", "shopper")
        self.machine.wait_active("orderd.target")
        self.assert_active("orderd.target", *[f"{name}.service" for name in DAEMONS],
                           *[f"{name}.socket" for name in DAEMONS])
        self.assertEqual(self.systemctl("is-enabled", "orderd.target"), "enabled")
        begun = {name: int(self.machine.show(f"{name}.service", "InactiveExitTimestampMonotonic"))
                 for name in DAEMONS}
        ready = {name: int(self.machine.show(f"{name}.service", "ActiveEnterTimestampMonotonic"))
                 for name in DAEMONS}
        self.assertLess(max(ready["catalogd"], ready["stockd"]), begun["orderd"])
        self.assertLess(ready["orderd"], begun["reaperd"])
        for name in DAEMONS:
            self.assertEqual(self.machine.out("stat", "-c", "%a %G", f"/run/orderd/{name}.sock"),
                             "660 orderd")
        self.assertEqual(self.machine.out("stat", "-c", "%a %U", "/var/lib/orderd"), "750 orderd")
        for pid in map(self.suite.pid, DAEMONS):
            self.assertEqual(self.machine.out("stat", "-c", "%U", f"/proc/{pid}"), "orderd")

    def test_02_a_member_of_the_group_orders_and_a_stranger_does_not(self):
        self.suite.stock_books(available=1000000)
        self.suite.first = self.order()
        self.assertEqual(self.suite.status(self.suite.first), "PENDING")
        status, out, _ = self.suite.orderctl("order", "create", "--user", "1", "--item", "1=1",
                                             user="stranger")
        self.assertNotEqual(status, 0)
        self.assertIn("group", out)
        self.suite.audit()

    def test_02b_instances_of_the_catalog_come_and_go_with_the_suite(self):
        self.systemctl("enable", "--now", "catalogd@2")
        self.assert_active("catalogd@2.service", "catalogd@2.socket")
        with self.suite.client("catalogd@2") as client:
            self.assertEqual(client.get("health")["name"], "catalogd@2")
            self.suite.signal("catalogd", signal.SIGKILL)
            self.assertTrue(client.get("catalog.get", book_id=1)["title"])
        before = self.suite.pid("catalogd@2")
        self.suite.signal("catalogd@2", signal.SIGKILL)
        with self.suite.client("catalogd@2") as client:
            self.assertTrue(client.get("catalog.get", book_id=1)["title"])
        self.assertNotIn(self.suite.pid("catalogd@2"), (before, 0))

    def test_02c_an_instance_that_is_enabled_is_missed_even_without_a_socket(self):
        def status():
            return self.machine.run("orderctl", "status", check=False)
        wait_until(lambda: status().returncode == 0, "all is well")
        self.assertRegex(status().stdout, r"(?m)^catalogd@2 +up ")
        self.systemctl("stop", "catalogd@2.socket", "catalogd@2.service")
        away = status()
        self.assertEqual(away.returncode, 3)
        self.assertRegex(away.stdout, r"(?m)^catalogd@2 +down ")
        self.systemctl("disable", "--now", "catalogd@2.service", "catalogd@2.socket")
        self.assertEqual(status().returncode, 0)
        self.assertNotIn("catalogd@2", status().stdout)
        self.systemctl("enable", "--now", "catalogd@2")

    def test_03_the_first_use_starts_what_it_needs(self):
        self.systemctl("stop", "orderd.target")  # which returns before the last one has ended
        wait_until(lambda: not any(self.machine.is_active(f"{name}.service") for name in
                                   (*DAEMONS, "catalogd@2")), "all are stopped")
        for name in DAEMONS:
            self.assertFalse(os.path.exists(f"{self.suite.dir}/{name}.sock"), name)
        self.systemctl("start", *[f"{name}.socket" for name in DAEMONS])
        self.assertFalse(self.machine.is_active("orderd.service"))
        self.order()
        self.assert_active("orderd.service", "catalogd.service", "stockd.service")
        self.machine.wait_active("reaperd.service")
        self.systemctl("start", "orderd.target")

    def test_04_the_watchdog_restarts_a_daemon_that_hangs_and_the_order_goes_through(self):
        for name in ("stockd", "orderd"):
            self.assertEqual(self.machine.show(f"{name}.service", "WatchdogUSec"), "30s")
            self.machine.write(f"/run/systemd/system/{name}.service.d/test.conf",
                               "[Service]\nWatchdogSec=2\n")
        self.systemctl("daemon-reload")
        for name in ("stockd", "orderd"):
            self.systemctl("restart", f"{name}.service")
            before = self.suite.pid(name)
            self.suite.signal(name, signal.SIGSTOP)
            order = self.order()
            self.assertEqual(self.suite.status(order), "PENDING")
            self.assertNotIn(self.suite.pid(name), (before, 0))
            self.assertEqual(self.machine.show(f"{name}.service", "NRestarts"), "1")
            os.remove(self.machine.path(f"/run/systemd/system/{name}.service.d/test.conf"))
        self.systemctl("daemon-reload")
        self.systemctl("restart", "orderd.target")
        self.suite.audit()

    def test_05_a_crash_loop_ends_and_the_others_go_on(self):
        crashes = 0
        self.systemctl("reset-failed")

        def given_up():
            nonlocal crashes
            pid = self.suite.pid("reaperd")
            if pid:
                crashes += self.machine.run("kill", "-KILL", str(pid), check=False).returncode == 0
            return self.systemctl("is-failed", "reaperd.service", check=False) == "failed"
        wait_until(given_up, "systemd gives up", 60)
        self.assertGreater(crashes, 3)
        self.assertLessEqual(crashes, 12)
        self.order()
        self.systemctl("reset-failed", "reaperd.service", "reaperd.socket")
        self.systemctl("start", "orderd.target")
        self.assert_active("reaperd.service", "reaperd.socket")

    def test_06_wrong_settings_end_in_a_reason_and_live_ones_are_taken(self):
        config = "/etc/orderd/orderd.conf"
        packaged = self.machine.out("cat", config)
        self.machine.write(config, "orderd\n    payment_timeout = soon\n")
        self.systemctl("restart", "orderd.service", check=False)
        # Its neighbours still come to its socket, until systemd gives up on that, too.
        wait_until(lambda: self.systemctl("is-failed", "orderd.socket", check=False) == "failed",
                   "systemd gives up")
        self.assertEqual(self.systemctl("is-failed", "orderd.service", check=False), "failed")
        self.assertEqual(self.machine.show("orderd.service", "NRestarts"), "0")
        told = self.machine.out("journalctl", "-xu", "orderd.service")
        self.assertIn("payment_timeout", told)
        self.assertIn("its settings are wrong", told)
        self.machine.write(config, "orderd\n    payment_timeout = 9m\n")
        self.systemctl("reset-failed", "orderd.service", "orderd.socket")
        self.systemctl("start", "orderd.target")
        self.machine.run("orderctl", "status")
        self.suite.forget_connections()

        def wait_s():
            order = self.suite.create()
            return (order["expires_at"] - order["created_at"]) // 1000
        self.assertEqual(wait_s(), 540)
        self.machine.write(config, "orderd\n    payment_timeout = 7m\n")
        self.systemctl("reload", "orderd.service")
        wait_until(lambda: wait_s() == 420, "the new setting is in force")
        self.assert_active("orderd.service")
        self.machine.write(config, packaged + "\n")
        self.systemctl("reload", "orderd.service")

    def test_06b_a_scrape_is_answered_once_its_socket_is_enabled(self):
        self.systemctl("enable", "--now", "orderd-metrics.socket")
        found = self.machine.out("/usr/bin/python3", "-c", "import urllib.request; print(urllib"
                                 ".request.urlopen('http://127.0.0.1:9617/metrics').read().decode())")
        for name in DAEMONS:
            self.assertIn(f'orderd_up{{daemon="{name}"}} 1\n', found)
        self.systemctl("disable", "--now", "orderd-metrics.socket")

    def test_06c_what_root_does_to_a_stopped_suite_leaves_it_to_its_user(self):
        self.systemctl("stop", "orderd.target")
        self.machine.run("orderctl", "compact")
        self.machine.run("orderctl", "fsck", "--repair", "--write")
        self.systemctl("start", "orderd.target")
        self.suite.forget_connections()
        self.order()

    def test_07_restarts_under_load_cost_no_order_and_double_none(self):
        print(restart_under_load(self.machine, self.suite, LOAD_RATE, 1), flush=True)
        self.suite.audit()

    def test_08_after_a_reboot_all_is_as_it_was(self):
        self.suite.forget_connections()
        self.machine.reboot()
        self.machine.wait_active("orderd.target")
        self.assert_active(*[f"{name}.service" for name in DAEMONS])
        self.assertEqual(self.suite.status(self.suite.first), "PENDING")
        self.order()

    def test_09_an_upgrade_keeps_the_data_and_whoever_connects_waits(self):
        self.machine.run("orderctl", "order", "pay", str(self.suite.first))
        load = Load(f"{self.suite.dir}/orderd.sock", 200)
        load.start()
        self.systemctl("start", "catalogd@3")  # that nobody has enabled
        running = (*DAEMONS, "catalogd@2", "catalogd@3")
        before = {name: self.suite.pid(name) for name in running}
        self.install("/root/new")
        load.finish()
        print(f"longest pause in an upgrade: {load.pause_s * 1000:.0f} ms", flush=True)
        for name in running:
            self.assertNotIn(self.suite.pid(name), (before[name], 0))
        self.assertNotEqual(self.machine.out("dpkg-query", "-Wf", "${Version}", "orderd"), "0.0.1")
        self.assertEqual(self.suite.status(self.suite.first), "PAID")
        self.suite.audit()

    def test_10_the_package_tests_itself(self):
        self.machine.copy_in([f"{machines.SOURCE}/packaging/debian/tests/place-order"], "/root")
        self.machine.run("sh", "/root/place-order")

    def test_11_a_removal_keeps_the_data_and_a_purge_does_not(self):
        self.suite.forget_connections()
        self.machine.run("dpkg", "--remove", "orderd")
        self.assertEqual(self.systemctl("list-units", "--plain", "--no-legend", "--state=active",
                                        "orderd*", "stockd*", "catalogd*", "reaperd*"), "")
        self.assertFalse([file for file in self.machine.out("ls", "/run/orderd").split()
                          if file.endswith(".sock")])
        self.assertIn("data.mdb", self.machine.out("ls", "/var/lib/orderd/orderd"))
        self.assertTrue(os.path.exists(self.machine.path("/etc/orderd/orderd.conf")))
        said = self.machine.out("dpkg", "--purge", "orderd")
        self.assertIn("/var/lib/orderd", said)
        for path in ("/var/lib/orderd", "/etc/orderd"):
            self.assertFalse(os.path.exists(self.machine.path(path)), path)
        self.assertEqual(self.machine.out("find", "/etc/systemd/system", "-name", "catalogd*"), "")


if __name__ == "__main__":
    missing = machines.what_is_missing()
    if missing:
        print(f"skipped: {missing}")
        sys.exit(77)
    main(failfast=True)
