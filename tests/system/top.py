#!/usr/bin/python3
"""orderctl top, on a screen of tmux and as lines."""
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import suite


class Batch(unittest.TestCase):
    def test_lines_for_whoever_has_no_terminal(self):
        with suite.Suite() as running:
            running.stock_books(10000)
            process = subprocess.Popen(
                ["orderctl", "top", "--count", "2", "--interval", "2s"], env=running.env,
                stdout=subprocess.PIPE, text=True)
            while process.poll() is None:
                running.create()
                time.sleep(0.05)
            text = process.communicate(timeout=60)[0]
            self.assertEqual(process.returncode, 0)
            self.assertEqual(text.count("all well"), 2)
            self.assertNotIn("\033", text)
            for name in suite.DAEMONS:
                self.assertEqual(len(re.findall(rf"^{name} +up ", text, flags=re.M)), 2)
            made = [float(rate) for rate in re.findall(r"^orders made/s .* ([0-9.]+)$", text,
                                                       flags=re.M)]
            self.assertGreater(sum(made), 0)
            self.assertRegex(text, r"(?m)^order\.create .*█")
            self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_what_it_cannot_do_is_wrong_usage(self):
        with suite.Suite(absent=suite.DAEMONS) as running:
            self.assertEqual(running.orderctl("--json", "top")[0], 2)
            self.assertEqual(running.orderctl("top", "--interval", "1ms")[0], 2)
            status, out, _ = running.orderctl("top", "--count", "1", "--interval", "100ms")
            self.assertEqual(status, 0)
            self.assertIn("4 of 4 daemons want attention", out)


@unittest.skipUnless(shutil.which("tmux"), "no tmux (Debian: tmux)")
class Screen(unittest.TestCase):
    def setUp(self):
        self.running = suite.Suite()
        self.addCleanup(self.running.close)
        self.running.stock_books()
        self.running.create()
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24",
                  "stty -g >before; sh -c 'echo $$ >pid; exec orderctl top --interval 200ms';"
                  " echo ended $?; stty -g >after; sleep 100")
        self.addCleanup(self.tmux, "kill-server")
        self.wait_for("all well")

    def tmux(self, *arguments):
        done = subprocess.run(
            ["tmux", "-S", f"{self.running.dir}/tmux", *arguments], cwd=self.running.dir,
            env={**self.running.env, "LC_ALL": "C.UTF-8"}, capture_output=True, text=True,
            check=True, timeout=60)
        return done.stdout

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def wait_for(self, *texts):
        return suite.wait_until(
            lambda: (shown := self.screen()) and all(text in shown for text in texts) and shown,
            f"{texts} on the screen")

    def read(self, name):
        with open(f"{self.running.dir}/{name}", encoding="ascii") as file:
            return file.read()

    def check_restored(self, status):
        self.wait_for(f"ended {status}")
        suite.wait_until(lambda: os.path.exists(f"{self.running.dir}/after")
                         and self.read("after"), "the shell goes on")
        self.assertEqual(self.read("before"), self.read("after"))
        self.assertEqual(self.tmux("display", "-p", "#{cursor_flag}").strip(), "1")

    def test_it_shows_what_is_wrong_at_any_size_until_q(self):
        for name in suite.DAEMONS:
            self.assertRegex(self.screen(), rf"(?m)^{name} +up ")
        self.assertIn("order.create", self.screen())
        self.running.freeze("stockd")
        self.wait_for("1 of 4 daemons want attention", "stockd does not answer")
        for columns, lines in ((120, 40), (40, 10), (80, 24)):
            self.tmux("resize-window", "-x", str(columns), "-y", str(lines))
            suite.wait_until(lambda: len(self.screen().splitlines()) == lines, "the new size")
            self.wait_for("stockd does not answer")
        self.running.thaw("stockd")
        self.wait_for("all well")
        self.tmux("send-keys", "q")
        self.check_restored(0)

    def test_a_signal_restores_the_terminal_too(self):
        os.kill(int(self.read("pid")), signal.SIGTERM)
        self.check_restored(0)


if __name__ == "__main__":
    suite.main()
