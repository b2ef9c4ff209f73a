"""Who may order and who may administer, by the user and the groups of the process that asks."""
import os
import shutil
import signal
import subprocess
import unittest

import suite

STRANGER, OTHER, GROUP = 54321, 54322, 43210
CONFIG = "suite\n    admin_users = {admins}\n    order_groups = {groups}\n"
ORDER = ("order", "create", "--user", "1", "--item", "1=1")
STOCK = ("stock", "add", "1", "+1", "--reason", "more")


@unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
@unittest.skipUnless(shutil.which("setpriv"), "setpriv is missing (Debian: util-linux)")
class Permit(unittest.TestCase):
    def setUp(self):
        self.config = None

    def begin(self, **settings):
        """A suite whose sockets everybody may connect to, so that only its own word counts."""
        running = suite.Suite(absent=suite.DAEMONS)
        self.addCleanup(running.destroy)
        self.config = f"{running.dir}/orderd.conf"
        self.configure(**settings)
        os.chmod(running.dir, 0o755)
        running.options = {name: ["--config", self.config] for name in suite.DAEMONS}
        for name in suite.DAEMONS:
            running.start(name)
            os.chmod(f"{running.dir}/{name}.sock", 0o666)
        running.stock_books()
        return running

    def configure(self, admins="", groups=""):
        with open(self.config, "w", encoding="ascii") as file:
            file.write(CONFIG.format(admins=admins or '""', groups=groups or '""'))

    def ask_as(self, running, uid, *arguments, groups=()):
        """(exit status, stderr) of orderctl run as that user."""
        groups = ["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"]
        done = subprocess.run(
            ["setpriv", "--reuid", str(uid), "--regid", str(uid), *groups,
             shutil.which("orderctl"), "--runtime-dir", running.dir, *arguments],
            capture_output=True, check=False, timeout=60, env=running.env)
        return done.returncode, done.stderr.decode()

    def assert_denied(self, running, *asked, helps, **groups):
        status, said = self.ask_as(running, *asked, **groups)
        self.assertEqual(status, 1, said)
        self.assertIn("denied (40300)", said)
        self.assertIn(helps, said)

    def assert_done(self, running, *asked, **groups):
        status, said = self.ask_as(running, *asked, **groups)
        self.assertEqual(status, 0, said)

    def lines(self, running, name, text):
        with open(f"{running.dir}/{name}.log", encoding="utf-8") as log:
            return sum(text in line for line in log)

    def test_by_default_all_order_and_nobody_administers(self):
        running = self.begin()
        self.assert_done(running, STRANGER, *ORDER)
        for _ in range(3):
            self.assert_denied(running, STRANGER, *STOCK, helps="admin_users")
        self.assertEqual(self.lines(running, "stockd", f"uid {STRANGER} was denied stock.add"), 1)
        self.assertEqual(running.level()[0], 99)
        running.audit()
        running.close()

    def test_a_user_administers_once_a_reload_has_named_it(self):
        running = self.begin()
        self.assert_denied(running, STRANGER, *STOCK, helps="admin_users")
        self.configure(admins=str(STRANGER))
        running.signal("stockd", signal.SIGHUP)
        suite.wait_until(lambda: self.lines(running, "stockd", "was reloaded"), "it is reloaded")
        self.assert_done(running, STRANGER, *STOCK)
        self.assert_denied(running, OTHER, *STOCK, helps="admin_users")
        running.close()

    def test_only_a_group_orders_and_further_groups_count(self):
        running = self.begin(groups=str(GROUP))
        self.assert_denied(running, STRANGER, *ORDER, helps="order_groups")
        self.assert_denied(running, STRANGER, "order", "get", "1", helps="order_groups")
        self.assert_done(running, STRANGER, *ORDER, groups=(OTHER, GROUP))
        self.assert_denied(running, STRANGER, *STOCK, groups=(GROUP,), helps="admin_users")
        self.assert_done(running, STRANGER, "status")
        self.assert_done(running, 0, *ORDER)
        running.audit()
        running.close()


if __name__ == "__main__":
    suite.main()
