#!/usr/bin/python3
"""The examples of the manual pages work: those of a page one after another in a new suite.

What stands as .Bd -literal or .Dl in a section EXAMPLES is run by sh, and elsewhere what follows a
comment  .\\" run: NAME.  In front of an example a comment may say
    .\\" not run: REASON
    .\\" settings: FILE    it is a file for orderctl config check
    .\\" goes on           it never ends by itself
"""
import glob
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import suite

SOURCE = os.path.abspath(os.environ.get("TOP_SRCDIR")
                         or os.path.join(os.path.dirname(__file__), "../.."))
ELSEWHERE = {"orderd-protocol.7": "protocol.py plays its frames"}
GOES_ON_S = 1


def plain(line):
    """What a line of roff shows."""
    line = re.sub(r"^\.Dl (\$ )?", "", line)
    return line.replace("\\e", "\\").replace("\\-", "-").replace("\\&", "")


def examples(path):
    """[(line number, marker or "", text)]"""
    found = []
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    section, mark, block = "", "", None
    for number, line in enumerate(lines, 1):
        if block is not None:
            if line == ".Ed":
                found.append((start, mark, "\n".join(block)))
                block, mark = None, ""
            else:
                block.append(plain(line))
            continue
        if line.startswith(".Sh "):
            section, mark = line[4:], ""
        elif re.match(r'\.\\" (run: |not run: |settings: |goes on)', line):
            mark = line[4:]
        elif section != "EXAMPLES" and not mark:
            continue
        elif line.startswith(".Bd -literal"):
            start, block = number, []
        elif line.startswith(".Dl "):
            found.append((number, mark, plain(line)))
            mark = ""
    return found


class Pages(unittest.TestCase):
    def run_example(self, running, where, mark, text):
        if mark.startswith("settings: "):
            with open(f"{running.dir}/{mark[10:]}", "w", encoding="utf-8") as file:
                file.write(text + "\n")
            text = f"orderctl config check {mark[10:]}"
        process = subprocess.Popen(
            ["sh", "-eu", "-c", text], cwd=running.dir, env={**running.env, "TMPDIR": running.dir},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True)
        try:
            if mark == "goes on":
                time.sleep(GOES_ON_S)
                self.assertIsNone(process.poll(), f"{where} ended")
                return
            # What it left in the background holds the pipe: do not wait for the pipe's end.
            status = process.wait(60)
            os.set_blocking(process.stdout.fileno(), False)
            self.assertEqual(status, 0, f"{where}:\n{text}\n{process.stdout.read()}")
        finally:
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
            process.stdout.close()
            process.wait()

    def test_every_example(self):
        count = 0
        for path in sorted(glob.glob(f"{SOURCE}/man/*.[1-8]")):
            name = os.path.basename(path)
            todo = [each for each in examples(path) if not each[1].startswith("not run: ")]
            if name in ELSEWHERE or name.endswith(".3") or not todo:
                continue
            with suite.Suite() as running:
                shutil.copy(f"{SOURCE}/data/online-retail.csv", running.dir)
                for line, mark, text in todo:
                    with self.subTest(page=name, line=line):
                        self.run_example(running, f"{name}:{line}", mark, text)
                        count += 1
        self.assertGreater(count, 12)


@unittest.skipUnless(shutil.which("cc"), "no cc (Debian: gcc)")
class Code(unittest.TestCase):
    def test_the_c_of_the_pages_compiles(self):
        with suite.Suite(absent=suite.DAEMONS) as running:
            for path in glob.glob(f"{SOURCE}/man/*.3"):
                for line, _, text in examples(path):
                    with self.subTest(page=os.path.basename(path), line=line):
                        done = subprocess.run(
                            ["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                             f"-I{SOURCE}/include", "-x", "c", "-"], input=text, text=True,
                            capture_output=True, cwd=running.dir, check=False)
                        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    suite.main()
