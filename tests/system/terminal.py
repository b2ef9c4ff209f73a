#!/usr/bin/python3
"""What orderctl does on a terminal and nowhere else: pages, colours; and output that is lost."""
import subprocess
import unittest

import suite
from pseudo import Terminal


def setUpModule():
    global running
    running = suite.Suite()
    running.catalogd.get("catalog.put", books=[
        {"book_id": i, "title": f"Volume {i}", "price": i} for i in range(1, 61)])
    running.stockd.get("stock.set", levels=[{"book_id": 1, "available": 9}])
    running.create()


def tearDownModule():
    running.close()


def shown(*arguments, **environment):
    """What orderctl prints on a terminal."""
    env = {**running.env, "TERM": "xterm", **environment}
    for name in ("PAGER", "LESS", "NO_COLOR", "ORDERCTL_COLORS", "ORDERCTL_PAGER"):
        if name not in environment:
            env.pop(name, None)
    with Terminal(["orderctl", *arguments], env) as terminal:
        status = terminal.finish()
        if status != 0:
            raise AssertionError(f"{arguments}: {status}: {terminal.output}")
        return terminal.output


class Pages(unittest.TestCase):
    PAGER = "sed 's/^/page: /'"

    def test_a_long_list_goes_through_the_pager(self):
        lines = shown("catalog", "list", PAGER=self.PAGER).splitlines()
        self.assertEqual(len(lines), 61)
        self.assertTrue(all(line.startswith("page: ") for line in lines))

    def test_orderctls_own_pager_comes_first(self):
        self.assertIn("mine: ", shown("catalog", "list", PAGER="false",
                                      ORDERCTL_PAGER="sed 's/^/mine: /'"))
        for none in ("", "cat"):
            self.assertIn("Volume 60", shown("catalog", "list", PAGER="false", ORDERCTL_PAGER=none))

    def test_less_by_default_and_told_how(self):
        self.assertIn("how: FRSX 1", shown("catalog", "list", SUDO_UID="1", PAGER="sh -c '"
                                           "cat >/dev/null; echo how: $LESS $LESSSECURE'"))
        self.assertIn("how: Q", shown("catalog", "list", LESS="Q", PAGER="sh -c '"
                                      "cat >/dev/null; echo how: $LESS'"))

    def test_what_fits_the_screen_has_no_pages(self):
        for short in (["order", "get", "1"], ["catalog", "list", "--limit", "5"], ["status"]):
            self.assertNotIn("page: ", shown(*short, PAGER=self.PAGER))

    def test_nor_has_what_a_program_reads(self):
        self.assertNotIn("page: ", shown("--json", "catalog", "list", PAGER=self.PAGER))
        piped = subprocess.run(["orderctl", "catalog", "list"], capture_output=True, text=True,
                               env={**running.env, "PAGER": self.PAGER}, check=True, timeout=60)
        self.assertEqual(len(piped.stdout.splitlines()), 61)
        self.assertNotIn("page: ", piped.stdout)

    def test_the_whole_help_has_pages(self):
        self.assertIn("page: Usage", shown("--help", PAGER=self.PAGER))

    def test_a_reader_that_has_enough_ends_it_in_silence(self):
        with Terminal(["orderctl", "catalog", "list"],
                      {**running.env, "PAGER": "head -n 2"}) as terminal:
            terminal.finish()
            self.assertEqual(len(terminal.output.splitlines()), 2)


class Colours(unittest.TestCase):
    def check(self, wanted, **environment):
        self.assertEqual("\033[" in shown("order", "get", "1", **environment), wanted, environment)

    def test_colours_follow_the_usual_variables(self):
        self.check(True)
        self.check(False, NO_COLOR="1")
        self.check(True, NO_COLOR="")
        self.check(False, TERM="dumb")
        self.check(False, ORDERCTL_COLORS="no")
        self.check(True, ORDERCTL_COLORS="yes", NO_COLOR="1")
        self.check(True, ORDERCTL_COLORS="yes", TERM="dumb")

    def test_none_outside_a_terminal_unless_asked_for(self):
        self.assertNotIn("\033[", running.orderctl("order", "get", "1")[1])
        piped = subprocess.run(["orderctl", "order", "get", "1"], capture_output=True, text=True,
                               env={**running.env, "ORDERCTL_COLORS": "yes"}, check=True, timeout=60)
        self.assertIn("\033[", piped.stdout)


class Lost(unittest.TestCase):
    COMMANDS = (["--help"], ["--version"], ["status"], ["catalog", "list"],
                ["--json", "catalog", "list"], ["metrics"])

    def run_into(self, output, command):
        """Its exit status and what it says on stderr; `output` is for the shell."""
        done = subprocess.run(["sh", "-c", f'"$@" {output}', "sh", *command], capture_output=True,
                              text=True, env=running.env, check=False, timeout=60)
        return done.returncode, done.stderr

    def test_the_reason_is_told(self):
        for command in self.COMMANDS:
            for output, why in ((">/dev/full", "No space left on device"),
                                (">&-", "Bad file descriptor")):
                self.assertEqual(
                    self.run_into(output, ["orderctl", *command]),
                    (1, f"orderctl: cannot write the output: {why}\n"), f"{command} {output}")

    def test_daemons_that_only_print_tell_it_too(self):
        for name in suite.DAEMONS:
            for option in ("--help", "--version"):
                self.assertEqual(
                    self.run_into(">/dev/full", [name, option]),
                    (1, f"{name}: cannot write the output: No space left on device\n"))


if __name__ == "__main__":
    suite.main()
