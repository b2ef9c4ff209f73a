#!/usr/bin/python3
"""Completion: orderctl's own words, and what bash, zsh and fish make of them when Tab is pressed."""
import os
import shutil
import subprocess
import time
import unittest

import suite
from pseudo import Terminal

SOURCE = os.path.abspath(os.environ.get("TOP_SRCDIR")
                         or os.path.join(os.path.dirname(__file__), "../.."))
BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"


def setUpModule():
    global running
    running = suite.Suite(orderd=["--stock-timeout", "300ms"])
    running.stock_books()
    running.catalogd.get("catalog.put", books=[
        {"book_id": 30, "title": "Colons: a History", "price": 1, "sku": "ISBN-30"}])
    running.stockd.get("stock.set", levels=[{"book_id": 30, "available": 5}])
    for user_id in (7, 7, 8):
        running.create(user_id=user_id)
    running.orderd.get("order.set_status", order_id=2, status="PAID")
    running.wait_settled()


def tearDownModule():
    running.close()


def complete(*words, where=None):
    """The lines for a command line whose last word is being typed."""
    done = subprocess.run(["orderctl", "complete", "--", *words], capture_output=True, text=True,
                          env={**running.env, **(where or {})}, check=True, timeout=10)
    return done.stdout.splitlines(), done.stderr


def words(*line):
    lines, _ = complete(*line)
    return [each.split("\t")[0] for each in lines]


class Words(unittest.TestCase):
    def test_commands(self):
        self.assertEqual(words("sa"), ["saga"])
        self.assertEqual(words("saga", ""), ["list", "show", "retry"])
        self.assertEqual(words("--json", "--timeout", "1s", "saga", "r"), ["retry"])
        self.assertNotIn("complete", words(""))

    def test_every_command_of_the_help(self):
        _, shown, _ = running.orderctl("--help")
        for noun in words(""):
            self.assertIn(f"\n  {noun}", shown)
            for verb in words(noun, "") if f"\n  {noun} " in shown else []:
                if verb.isalpha():
                    self.assertIn(f"\n  {noun} {verb}", shown)

    def test_options_once_unless_they_repeat(self):
        self.assertEqual(words("order", "list", "--st"), ["--status"])
        self.assertEqual(words("order", "list", "--status", "PAID", "--st"), [])
        self.assertEqual(words("order", "create", "--item", "1=1", "--it"), ["--item"])
        self.assertIn("--runtime-dir", words("order", "list", "--json", "--"))
        self.assertNotIn("--json", words("order", "list", "--json", "--"))

    def test_values(self):
        self.assertEqual(words("order", "list", "--status", "P"), ["PENDING", "PAID"])
        self.assertEqual(words("order", "list", "--status=S"), ["--status=SHIPPED"])
        self.assertEqual(words("order", "import", ""), [":files"])
        self.assertEqual(words("order", "import", "--rejects", "x"), [":files"])
        self.assertEqual(words("--runtime-dir", "/"), [":directories"])

    def test_orders_that_can_go_that_way(self):
        self.assertEqual(words("order", "get", ""), ["2", "3", "1"])
        self.assertEqual(words("order", "pay", ""), ["3", "1"])
        self.assertEqual(words("order", "ship", ""), ["2"])
        self.assertEqual(words("order", "complete", ""), [])
        self.assertEqual(words("order", "get", "3", ""), [])
        self.assertEqual(words("stock", "journal", "--order", ""), ["2", "3", "1"])
        self.assertEqual(complete("order", "ship", "")[0], ["2\tPAID 59.00"])

    def test_books_and_users(self):
        self.assertEqual(words("stock", "show", ""), ["1", "2", "30"])
        self.assertEqual(words("stock", "show", "3"), ["30"])
        self.assertEqual(words("stock", "show", "sku:"), ["sku:ISBN-30"])
        self.assertEqual(words("order", "create", "--item", "3"), ["30="])
        self.assertEqual(words("order", "list", "--user", ""), ["7", "8"])

    def test_a_suite_that_is_named_on_the_line(self):
        nowhere = {"ORDERD_RUNTIME_DIR": "/nonexistent"}
        self.assertEqual(complete("order", "ship", "", where=nowhere), ([], ""))
        self.assertEqual(
            complete("--runtime-dir", running.dir, "order", "ship", "", where=nowhere),
            (["2\tPAID 59.00"], ""))

    def test_sagas(self):
        running.freeze("stockd")
        try:
            reply = running.orderd.ask("order.create", user_id=1,
                                       items=[{"book_id": 1, "quantity": 1}])
            self.assertEqual(reply["error"], "stock_timeout")
            lines, _ = complete("saga", "retry", "")
            self.assertEqual([each.split("\t")[1] for each in lines], ["COMPENSATING"])
        finally:
            running.thaw("stockd")
            running.wait_settled()

    def test_a_suite_that_is_stuck_costs_no_patience(self):
        running.freeze("catalogd")
        try:
            started = time.monotonic()
            self.assertEqual(complete("stock", "show", ""), ([], ""))
            self.assertLess(time.monotonic() - started, 3)
        finally:
            running.thaw("catalogd")


class Shell(unittest.TestCase):
    """Types a line, presses Tab, and lets the shell say what the line is then."""
    CASES = [
        ("orderctl statu", "orderctl status"),
        ("orderctl order pa", "orderctl order pay"),
        ("orderctl order list --sta", "orderctl order list --status"),
        ("orderctl order list --status SH", "orderctl order list --status SHIPPED"),
        ("orderctl order ship ", "orderctl order ship 2"),
        ("orderctl stock show sku:IS", "orderctl stock show sku:ISBN-30"),
        ("orderctl order create --user 1 --item 3", "orderctl order create --user 1 --item 30="),
        ("orderctl order import rejects-h", "orderctl order import rejects-here.csv"),
    ]

    def environment(self):
        return {**running.env, "HOME": running.dir, "TERM": "dumb", "PS1": "", "INPUTRC": "/dev/null",
                "HISTFILE": "/dev/null"}

    def setUp(self):
        with open(f"{running.dir}/rejects-here.csv", "w", encoding="ascii"):
            pass

    def check_all(self, command, setup):
        with Terminal(command, self.environment(), columns=200) as terminal:
            terminal.type(setup + f" cd {running.dir}; echo be''gin\n")
            terminal.wait_for("begin")
            for typed, wanted in self.CASES:
                with self.subTest(line=typed):
                    start = len(terminal.output)
                    # The line itself is echoed with the quotes, its output has none.
                    terminal.type(f"{typed}\t END\x01echo li''ne: \n")
                    end = terminal.wait_for("line: ", start)
                    got = terminal.output[end:terminal.wait_for("END", end)]
                    self.assertEqual(got.replace(" END", "").split(), wanted.split())

    @unittest.skipUnless(os.path.exists(BASH_COMPLETION) and shutil.which("bash"),
                         "no bash with bash-completion (Debian: bash-completion)")
    def test_bash(self):
        self.check_all(["bash", "--norc", "--noprofile", "-i"],
                       f". {BASH_COMPLETION}; . {SOURCE}/completion/bash/orderctl;")

    @unittest.skipUnless(shutil.which("zsh"), "no zsh (Debian: zsh)")
    def test_zsh(self):
        self.check_all(["zsh", "-f", "-i"],
                       f"fpath=({SOURCE}/completion/zsh $fpath); autoload -U compinit;"
                       " compinit -u -D; bindkey -e; unsetopt beep;")

    @unittest.skipUnless(shutil.which("fish"), "no fish (Debian: fish)")
    def test_fish(self):
        for typed, wanted in self.CASES:
            with self.subTest(line=typed):
                done = subprocess.run(
                    ["fish", "--no-config", "-C", f"source {SOURCE}/completion/fish/orderctl.fish",
                     "-c", f"cd {running.dir}; complete -C '{typed}'"],
                    env=self.environment(), capture_output=True, text=True, check=True, timeout=60)
                got = [line.split("\t")[0] for line in done.stdout.splitlines()]
                self.assertEqual(got, [wanted.split()[-1]])


if __name__ == "__main__":
    suite.main()
