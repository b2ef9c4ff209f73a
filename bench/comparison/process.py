"""Servers in private directories that end with us, whatever happens."""
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 60    # for a start or a stop
LOAD_PATIENCE_S = 3600
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """What to tell the user in one line."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def ends_with_us(orphan_signal):
    """A hook for a new process: it gets the signal when this process is gone."""
    return lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, orphan_signal)


def run(command, status=(0,), progress=False, **how):
    """The standard output of a command that must succeed; with progress its standard error is
    ours."""
    done = subprocess.run(command, check=False, text=True, timeout=LOAD_PATIENCE_S,
                          stdout=subprocess.PIPE, stderr=None if progress else subprocess.PIPE,
                          preexec_fn=ends_with_us(signal.SIGKILL), **how)
    if done.returncode not in status:
        raise Failure(f"{os.path.basename(command[0])} ended with {done.returncode}: "
                      f"{(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


def spawn(stack, command, log, stop_signal=signal.SIGTERM, orphan_signal=signal.SIGKILL, **how):
    """Starts a server that ends with the stack, or else with this process."""
    with open(log, "ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   start_new_session=True,
                                   preexec_fn=ends_with_us(orphan_signal), **how)
    stack.callback(end, process, stop_signal)
    return process


def end(process, stop_signal=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(stop_signal)
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_lines(log):
    with open(log, encoding="utf-8", errors="replace") as said:
        return "".join(said.readlines()[-10:])


def wait_until(ready, processes, name, log):
    deadline = time.monotonic() + PATIENCE_S
    while not ready():
        if time.monotonic() > deadline or any(each.poll() is not None for each in processes):
            raise Failure(f"{name} did not start:\n{last_lines(log)}")
        time.sleep(0.05)


def succeeds(command):
    """Whether a command that only asks ends with 0."""
    return subprocess.run(command, check=False, timeout=PATIENCE_S, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def private_directory(stack, prefix):
    path = tempfile.mkdtemp(prefix=prefix)
    stack.callback(shutil.rmtree, path, ignore_errors=True)
    return path
