"""A program on a terminal of its own, for tests of what people see and type."""
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

from suite import PATIENCE_S


class Terminal:
    """Starts a command there. output is everything it has printed."""

    def __init__(self, command, env, lines=24, columns=80):
        self.output = ""
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            # The terminal gets its size before the program asks for it.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.execvpe(command[0], command, env)

    def type(self, text):
        os.write(self.file, text.encode())

    def read(self, patience_s):
        """Adds what comes within that time; False at the end."""
        if not select.select([self.file], [], [], patience_s)[0]:
            return True
        try:
            got = os.read(self.file, 65536)
        except OSError:  # EIO: nobody holds the other side any more
            return False
        self.output += got.decode(errors="replace")
        return bool(got)

    def wait_for(self, text, start=0):
        """Reads until text stands behind start in the output, and returns where it ends."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.output[start:]:
            if not self.read(0.1) or time.monotonic() > deadline:
                raise AssertionError(f"no {text!r} in {self.output[start:]!r}")
        return self.output.index(text, start) + len(text)

    def finish(self):
        """Reads to the end and returns the exit status."""
        deadline = time.monotonic() + PATIENCE_S
        while self.read(0.1):
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"it does not end: {self.output!r}")
        os.close(self.file)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.pid = None
        return status

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.close(self.file)
            os.waitpid(self.pid, 0)
            self.pid = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
