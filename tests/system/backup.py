"""Backup under load, restore, compact: copies that agree, whatever was under way."""
import fcntl
import json
import os
import shutil
import subprocess
import threading
import time
import unittest

import suite

STORES = ("catalogd", "stockd", "orderd")
BEFORE = ".before-20261124T210000Z"
STEPS = ("PAID", "CANCELLED", None)


class Load(threading.Thread):
    """Orders, every third of them paid, every third cancelled; `answered` is what it was told."""

    def __init__(self, running, user):
        super().__init__(daemon=True)
        self.running, self.user = running, user
        self.answered, self.ended = [], False

    def run(self):
        with self.running.client("orderd") as client:
            while not self.ended:
                order = client.ask("order.create", user_id=self.user,
                                   items=[{"book_id": 1 + len(self.answered) % 2, "quantity": 1}])
                if order["code"]:
                    continue
                step = STEPS[len(self.answered) % 3]
                if step:
                    client.ask("order.set_status", order_id=order["order_id"], status=step)
                self.answered.append(order["order_id"])


class Backup(unittest.TestCase):
    def setUp(self):
        self.running = suite.Suite()
        self.addCleanup(self.running.destroy)
        self.running.stock_books(available=100000)
        self.target = f"{self.running.dir}/copy"
        self.state = f"{self.running.dir}/state"

    def orderctl(self, *arguments):
        status, out, err = self.running.orderctl(*arguments)
        self.assertEqual(status, 0, f"{arguments}: {out}{err}")
        return out

    def refused(self, *arguments):
        status, out, err = self.running.orderctl(*arguments)
        self.assertIn(status, (1, 2), f"{arguments}: {out}{err}")
        return err

    def stop(self):
        for name in list(self.running.processes):
            self.running.stop(name)

    def follower(self, *arguments):
        process = subprocess.Popen(["orderctl", "--json", "events", "--follow", *arguments],
                                   env=self.running.env, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        return process

    def orders(self, running):
        return {order["order_id"]: order for order in
                running.orderd.pages("order.scan", "orders")}

    def second_suite(self):
        """A suite on what the backup holds."""
        second = suite.Suite(absent=suite.DAEMONS)
        self.addCleanup(second.destroy)
        told = self.orderctl("restore", self.target, "--state-dir", f"{second.dir}/state")
        self.assertNotIn("old_stores", told)
        return self.started(second)

    def started(self, running):
        for name in suite.DAEMONS:
            running.start(name, wait=False)
        for name in suite.DAEMONS:
            running.wait_ready(name)
        return running

    def test_copies_under_load_agree_and_have_all_that_was_answered(self):
        loads = [Load(self.running, user) for user in range(1, 9)]
        for load in loads:
            load.start()
        for turn in range(3):
            time.sleep(0.5)
            before = {order_id for load in loads for order_id in list(load.answered)}
            self.orderctl("backup", self.target)
            second = self.second_suite()
            found = second.audit()
            self.assertLessEqual(before, {order["order_id"] for order in found["orders"]})
            self.assertGreater(len(before), 10 * turn)
            for name in second.processes.copy():
                second.stop(name)
            os.rename(self.target, f"{self.target}{turn}")
        for load in loads:
            load.ended = True
        for load in loads:
            load.join()
        self.running.audit()

    def test_a_restored_suite_goes_on_and_the_old_stores_stay(self):
        kept = self.running.create(idempotency_key="kept")
        self.orderctl("backup", self.target, "--progress")
        lost = self.running.create()
        self.assertIn("Stop the suite", self.refused("restore", self.target, "--state-dir",
                                                     self.state))
        ending = threading.Timer(0.5, self.stop)  # systemctl stop may return before the last ends
        ending.start()
        told = self.orderctl("restore", self.target, "--state-dir", self.state)
        self.assertIn("old_stores .before-", told)
        ending.join()
        self.assertEqual(sum(".before-" in name for name in os.listdir(self.state)), 3)
        for name in suite.DAEMONS:
            self.running.start(name)
        self.assertEqual(set(self.orders(self.running)), {kept["order_id"]})
        self.assertNotIn(lost["order_id"], self.orders(self.running))
        again = self.running.create(idempotency_key="kept")
        self.assertEqual(again["order_id"], kept["order_id"])
        self.running.create()
        self.running.audit()

    def test_who_follows_events_is_told_that_an_older_copy_was_restored(self):
        for _ in range(3):
            self.running.create()
        self.orderctl("backup", self.target)
        for _ in range(5):
            self.running.create()
        follower = self.follower("--after", "1")
        self.assertEqual([json.loads(follower.stdout.readline())["seq"] for _ in range(7)],
                         list(range(2, 9)))
        self.stop()
        self.orderctl("restore", self.target, "--state-dir", self.state)
        for name in suite.DAEMONS:
            self.running.start(name)
        for _ in range(8):
            self.running.create(user_id=2)
        out, err = follower.communicate(timeout=suite.PATIENCE_S)
        self.assertEqual((follower.returncode, out), (1, b""))
        self.assertIn(b"does not have event 8 as it was", err)
        self.assertIn(b"--follow --after SEQ", err)
        follower = self.follower("--after", "3", "--limit", "8")
        out, err = follower.communicate(timeout=suite.PATIENCE_S)
        self.assertEqual((follower.returncode, err), (0, b""))
        self.assertEqual([json.loads(line)["user_id"] for line in out.splitlines()], [2] * 8)

    def test_nothing_is_written_over_and_a_damaged_copy_not_restored(self):
        self.running.create()
        self.orderctl("backup", self.target)
        self.assertIn("is there already", self.refused("backup", self.target))
        self.assertEqual(os.stat(self.target).st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(f"{self.target}/orderd/data.mdb").st_mode & 0o777, 0o600)
        self.stop()
        with open(f"{self.target}/stockd/data.mdb", "r+b") as file:
            file.seek(-100, os.SEEK_END)
            byte = file.read(1)
            file.seek(-100, os.SEEK_END)
            file.write(bytes([byte[0] ^ 1]))
        self.assertIn("checksum differs", self.refused("restore", self.target, "--state-dir",
                                                       self.state))
        self.assertEqual([name for name in os.listdir(self.state) if ".made" in name], [])
        os.remove(f"{self.target}/MANIFEST")
        self.assertIn("no backup", self.refused("restore", self.target, "--state-dir", self.state))
        for name in suite.DAEMONS:
            self.running.start(name)
        self.running.audit()

    def test_an_empty_directory_behind_a_link_is_taken(self):
        os.mkdir(f"{self.running.dir}/elsewhere")
        os.symlink("elsewhere", self.target)
        self.orderctl("backup", self.target)
        self.assertTrue(os.path.exists(f"{self.running.dir}/elsewhere/MANIFEST"))
        self.assertIn("not empty", self.refused("backup", self.target))

    def test_what_is_wrong_with_a_target_is_said(self):
        self.assertIn("/dev/null is there already and not a directory",
                      self.refused("backup", "/dev/null"))
        os.symlink("nowhere", self.target)
        self.assertIn("No such file", self.refused("backup", self.target))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_an_empty_file_system_is_taken_and_one_to_read_only_refused(self):
        os.mkdir(self.target)
        for options, wanted in (("rw", "bytes"), ("ro", "Read-only file system")):
            done = subprocess.run(
                ["unshare", "-m", "sh", "-c", f"mount -t tmpfs -o {options} none {self.target} &&"
                 f" orderctl --runtime-dir {self.running.dir} backup {self.target}"],
                capture_output=True, text=True, env=self.running.env, check=False, timeout=60)
            if "permission denied" in done.stderr.lower():
                self.skipTest("may not mount here")
            self.assertIn(wanted, done.stdout + done.stderr)
        self.assertEqual(os.listdir(self.target), [])

    def test_a_backup_without_a_store_or_with_a_pipe_for_one_is_refused_by_name(self):
        self.orderctl("backup", self.target)
        self.stop()
        data = f"{self.target}/stockd/data.mdb"
        manifest = f"{self.target}/MANIFEST"
        state = ("--state-dir", self.state)
        os.unlink(data)
        self.assertIn(f"{data}: No such file", self.refused("restore", self.target, *state))
        os.mkfifo(data)
        self.assertIn(f"{data}: it is not a plain file",
                      self.refused("restore", self.target, *state))
        os.unlink(manifest)
        os.mkfifo(manifest)
        self.assertIn(f"{manifest}: it is not a plain file",
                      self.refused("restore", self.target, *state))

    def test_a_manifest_with_anything_else_in_it_is_none(self):
        self.orderctl("backup", self.target)
        self.stop()
        with open(f"{self.target}/MANIFEST", encoding="ascii") as file:
            good = file.read()
        for bad in (good + "garbage\n", good + good.splitlines()[-1], good[:-1], good[:-2] + "\n",
                    good + good.splitlines()[-1] + "\n", good + "\n"):
            with open(f"{self.target}/MANIFEST", "w", encoding="ascii") as file:
                file.write(bad)
            self.assertIn("no backup", self.refused("restore", self.target, "--state-dir",
                                                    self.state))

    def test_what_is_restored_can_be_copied_before_any_daemon_starts(self):
        self.running.create()
        found = self.running.audit()
        self.orderctl("backup", self.target)
        self.stop()
        self.orderctl("restore", self.target, "--state-dir", self.state)
        again = f"{self.running.dir}/again"
        self.orderctl("backup", again, "--state-dir", self.state)
        self.orderctl("compact", "--state-dir", self.state)
        self.orderctl("restore", again, "--state-dir", self.state)
        for name in suite.DAEMONS:
            self.running.start(name)
        self.assertEqual(self.running.audit(), found)

    def test_a_stopped_suite_is_copied_and_compacted(self):
        for _ in range(200):
            self.running.create()
        self.assertIn("Stop the suite", self.refused("compact", "--state-dir", self.state))
        found = self.running.audit()
        self.stop()
        self.orderctl("backup", self.target, "--state-dir", self.state)
        size = os.path.getsize(f"{self.state}/orderd/data.mdb")
        self.orderctl("compact", "--state-dir", self.state)
        self.assertLess(os.path.getsize(f"{self.state}/orderd/data.mdb"), size)
        self.assertEqual(sorted(name for name in os.listdir(self.state) if "." in name), [])
        for name in suite.DAEMONS:
            self.running.start(name)
        self.assertEqual(self.running.audit(), found)

    def test_no_daemon_starts_on_a_half_restored_state(self):
        self.stop()
        with open(f"{self.state}/exchanging", "wb"):
            pass
        for name in suite.DAEMONS:
            self.running.start(name, wait=False)
            self.assertEqual(self.running.processes.pop(name).wait(suite.PATIENCE_S), 1)
        with open(f"{self.running.dir}/orderd.log", encoding="utf-8") as log:
            self.assertIn("a restore or compact did not come to its end", log.read())


    def interrupt(self, made, renamings):
        """Stores that were made to take the place of the old ones, and so many renamings of six."""
        for name in STORES:
            shutil.copytree(f"{made}/{name}", f"{self.state}/{name}.made")
        with open(f"{self.state}/exchanging", "w", encoding="utf-8") as mark:
            mark.write(BEFORE)
        moves = [move for name in STORES
                 for move in ((name, name + BEFORE), (f"{name}.made", name))]
        for old, new in moves[:renamings]:
            os.rename(f"{self.state}/{old}", f"{self.state}/{new}")

    def test_an_interrupted_exchange_is_brought_to_its_end_by_whoever_comes_next(self):
        self.running.create(user_id=1)
        self.orderctl("backup", self.target)
        copied = self.orders(self.running)
        self.running.create(user_id=1)
        live = self.orders(self.running)
        self.stop()
        made = f"{self.running.dir}/made"
        self.orderctl("restore", self.target, "--state-dir", made)
        for renamings in range(7):
            kept = f"{self.running.dir}/kept"
            shutil.copytree(self.state, kept)
            verb = (("compact",), ("fsck", "--repair"), ("restore", self.target),
                    ("backup", f"{self.running.dir}/copy{renamings}"))[renamings % 4]
            self.interrupt(made, renamings)
            status, _, err = self.running.orderctl(*verb, "--state-dir", self.state)
            self.assertEqual(status, 0, err)
            self.assertIn(BEFORE, err)
            self.assertFalse(os.path.exists(f"{self.state}/exchanging"))
            self.assertEqual([name for name in os.listdir(self.state) if "made" in name], [])
            for expected, suffix in ((copied, ""), (live, BEFORE)):
                with self.suite_on(suffix) as suite_:
                    self.assertEqual(self.orders(suite_), expected, (renamings, suffix))
            shutil.rmtree(self.state)
            os.rename(kept, self.state)

    def suite_on(self, suffix):
        """A suite on a copy of the stores with that suffix."""
        other = suite.Suite(absent=suite.DAEMONS)
        self.addCleanup(other.destroy)
        for name in STORES:
            shutil.copytree(f"{self.state}/{name}{suffix}", f"{other.dir}/state/{name}")
        return self.started(other)

    def test_one_restore_after_the_other(self):
        """Within one second; each leaves the stores from before it under a name of their own."""
        self.orderctl("backup", self.target)
        self.stop()
        for _ in range(3):
            self.orderctl("restore", self.target, "--state-dir", self.state)
        self.assertEqual(len([name for name in os.listdir(self.state)
                              if name.startswith("orderd.before-")]), 3)

    def test_two_who_work_on_the_stores_do_not_meet(self):
        self.orderctl("backup", self.target)
        self.stop()
        directory = os.open(self.state, os.O_RDONLY)
        self.addCleanup(os.close, directory)
        fcntl.flock(directory, fcntl.LOCK_EX)
        for verb in (("compact",), ("restore", self.target), ("fsck", "--repair")):
            self.assertIn("another orderctl", self.refused(*verb, "--state-dir", self.state))


if __name__ == "__main__":
    suite.main()
