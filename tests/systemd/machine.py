"""A real systemd in a container of its own, over a root that stays as it is: what is changed goes
to memory and is gone afterwards. Needs root, systemd-nspawn and overlay mounts."""
import contextlib
import ctypes
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))
try:
    import suite  # noqa: E402
except ModuleNotFoundError as missing:
    print(f"skipped: {sys.executable} has no {missing.name} (Debian: python3-{missing.name})")
    sys.exit(77)

SOURCE = os.path.dirname(os.path.dirname(HERE))
BOOT_S = 120
REBOOTED = 133  # systemd-nspawn's exit status


def what_is_missing():
    """Why no machine can be booted here, or None."""
    if os.geteuid() != 0:
        return "only root can boot a container"
    for tool, package in (("systemd-nspawn", "systemd-container"), ("nsenter", "util-linux"),
                          ("dpkg-buildpackage", "dpkg-dev"), ("dh", "debhelper")):
        if not shutil.which(tool):
            return f"no {tool} here (Debian: {package})"
    with tempfile.TemporaryDirectory() as directory:
        try:
            Overlay("/", directory).close()
        except subprocess.CalledProcessError:
            return "no overlay can be mounted here"
    return None


def run(*command, **how):
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, **how)


class Overlay:
    """A root that may be written to, over one that stays as it is."""

    def __init__(self, lower, directory):
        self.mounts = []
        self.root = f"{directory}/root"
        try:
            self.mount("-t", "tmpfs", "-o", "mode=0755", "orderd-test", directory)
            for name in ("upper", "work", "root"):
                os.mkdir(f"{directory}/{name}")
            self.mount("-t", "overlay", "-o", f"lowerdir={lower},upperdir={directory}/upper,"
                       f"workdir={directory}/work", "orderd-test", self.root)
        except BaseException:
            self.close()
            raise

    def mount(self, *arguments):
        run("mount", *arguments, stderr=subprocess.DEVNULL)
        self.mounts.append(arguments[-1])

    def close(self):
        while self.mounts:
            run("umount", "--lazy", self.mounts.pop())


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


class Machine:
    """One that is booted; use it with `with`."""

    def __init__(self, lower="/", network=False, unwanted=True):
        self.stack = contextlib.ExitStack()
        self.nspawn = None
        with self.stack:
            self.directory = self.stack.enter_context(tempfile.TemporaryDirectory())
            self.name = f"orderd-test-{uuid.uuid4().hex[:12]}"
            overlay = Overlay(lower, self.directory)
            self.stack.callback(overlay.close)
            self.root = overlay.root
            self.forget(unwanted)
            self.network = network
            self.group_make()
            self.stack.callback(self.end)
            self.boot()
            self.stack = self.stack.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stack.close()

    def forget(self, unwanted):
        """What the lower root has as its own: its name, and services that belong to no test."""
        with open(f"{self.root}/etc/machine-id", "w", encoding="ascii"):
            pass
        if not unwanted:
            return
        for wants in ("multi-user", "timers", "sysinit"):
            for link in glob.glob(f"{self.root}/etc/systemd/system/{wants}.target.wants/*"):
                os.remove(link)
        with contextlib.suppress(FileNotFoundError):  # says that no package may start anything
            os.remove(f"{self.root}/usr/sbin/policy-rc.d")

    def group_make(self):
        """Two containers in one control group would end each other's processes."""
        base = "/sys/fs/cgroup"
        self.group = None
        if os.path.isdir("/run/systemd/system"):
            return  # it makes a scope of its own
        if os.path.isdir(f"{base}/unified"):
            base += "/unified"
        self.group = f"{base}/{self.name}"
        os.mkdir(self.group)
        self.stack.callback(self.forget_group)

    def boot(self):
        def enter():
            ctypes.CDLL(None).prctl(suite.PR_SET_PDEATHSIG, signal.SIGKILL)
            if self.group:
                with open(f"{self.group}/cgroup.procs", "w", encoding="ascii") as procs:
                    procs.write(str(os.getpid()))

        with open(f"{self.directory}/console", "wb") as log:
            self.nspawn = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--console=pipe",
                 f"--directory={self.root}", f"--machine={self.name}",
                 *(["--keep-unit"] if self.group else []),
                 *([] if self.network else ["--private-network"])],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=enter,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
        self.wait_booted()

    def forget_group(self):
        for directory, _, _ in os.walk(self.group, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(directory)

    def end(self):
        if not self.nspawn:
            return
        with contextlib.suppress(OSError, IndexError):
            os.kill(self.leader(), signal.SIGKILL)
        try:
            self.nspawn.wait(10)
        except subprocess.TimeoutExpired:
            self.nspawn.kill()
            self.nspawn.wait()

    def leader(self):
        return children(self.nspawn.pid)[0]

    def wait_booted(self):
        def booted():
            if self.nspawn.poll() is not None:
                with open(f"{self.directory}/console", encoding="utf-8") as console:
                    raise AssertionError(f"no boot: {console.read()}")
            with contextlib.suppress(subprocess.SubprocessError, IndexError):
                done = self.run("systemctl", "is-system-running", check=False)
                return done.stdout.strip() in ("running", "degraded")
            return False
        suite.wait_until(booted, "the machine is up", BOOT_S)

    def reboot(self):
        """In a group of ours, nspawn leaves it to its caller to start it again."""
        before = self.leader()
        self.run("systemctl", "--no-block", "reboot")

        if self.group:
            status = self.nspawn.wait(BOOT_S)
            if status != REBOOTED:
                raise AssertionError(f"systemd-nspawn ended with {status}")
            self.boot()
        else:
            suite.wait_until(lambda: before not in children(self.nspawn.pid), "it goes down",
                             BOOT_S)
            self.wait_booted()

    # --- in the machine ---

    def run(self, *command, check=True, user=None, timeout_s=300):
        """Runs a command in there. Output is text, both streams in one."""
        if user:
            command = ("runuser", "-u", user, "--", *command)
        done = subprocess.run(
            ["nsenter", f"--target={self.leader()}", "--all", "--", "env", "-i",
             "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
             "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", errors="replace", timeout=timeout_s, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}")
        return done

    def out(self, *command, **how):
        return self.run(*command, **how).stdout.strip()

    def path(self, path):
        """The same file as seen from here."""
        return f"/proc/{self.leader()}/root{path}"

    def write(self, path, text):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "w", encoding="utf-8") as file:
            file.write(text)

    def copy_in(self, files, directory):
        os.makedirs(self.path(directory), exist_ok=True)
        for file in files:
            shutil.copy(file, self.path(directory))

    def show(self, unit, name):
        """A property of a unit."""
        return self.out("systemctl", "show", "--value", f"--property={name}", unit)

    def is_active(self, unit):
        return self.out("systemctl", "is-active", unit, check=False) == "active"

    def wait_active(self, unit):
        suite.wait_until(lambda: self.is_active(unit), f"{unit} is active")


class Installed(suite.Suite):
    """The suite as it runs in a machine; asked over its own sockets, from outside."""

    def __init__(self, machine):  # the daemons are systemd's, not ours
        self.machine = machine
        self.processes = {}
        self.clients = {}

    @property
    def dir(self):
        return self.machine.path("/run/orderd")

    def pid(self, name):
        return int(self.machine.show(f"{name}.service", "MainPID"))

    def signal(self, name, number):
        self.machine.run("kill", f"-{int(number)}", str(self.pid(name)))

    def forget_connections(self):
        for client in self.clients.values():
            client.close()
        self.clients = {}

    def orderctl(self, *arguments, user="root", stdin=None):
        done = self.machine.run("orderctl", *arguments, check=False, user=user)
        return done.returncode, done.stdout, ""


def packages_find(directory):
    return [path for name in ("orderd", "liborderd0", "liborderd-dev")
            for path in glob.glob(f"{directory}/{name}_*.deb")]


def packages_of_build(directory):
    """The packages that the check made; without it, those of a build of their own in `directory`."""
    made = packages_find(os.environ.get("TOP_BUILDDIR", f"{SOURCE}/build") + "/deb")
    if not made:
        run(f"{SOURCE}/packaging/build-deb", directory, stdout=subprocess.DEVNULL)
    return made or packages_find(directory)


def package_older(package, directory, version):
    """The same package under a lower version."""
    name = os.path.basename(package).split("_")[0]
    tree = f"{directory}/{name}"
    run("dpkg-deb", "--raw-extract", package, tree)
    run("sed", "-i", f"s/^Version: .*/Version: {version}/; s/(= [^)]*)/(= {version})/",
        f"{tree}/DEBIAN/control")
    older = f"{directory}/{name}_{version}.deb"
    run("dpkg-deb", "-Zgzip", "-z1", "--build", tree, older, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    return older
