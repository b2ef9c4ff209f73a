#!/usr/bin/python3
"""A C program that knows nothing but orderd.h and liborderd works against the running suite."""
import os
import subprocess
import unittest

import suite


class Library(unittest.TestCase):
    def setUp(self):
        self.suite = suite.Suite()
        self.addCleanup(self.suite.destroy)
        self.suite.stock_books(100)

    def test_every_call(self):
        program = os.path.join(os.environ["TOP_BUILDDIR"], "tests/system/client_c")
        done = subprocess.run([program, "7", "1"], env=self.suite.env, capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.suite.wait_settled()
        self.suite.close()


if __name__ == "__main__":
    suite.main()
