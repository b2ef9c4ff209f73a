#!/usr/bin/python3
"""tests/faults/matrix.py: kills the daemons of a real suite at every failpoint.

    matrix.py                  kill at every site, first hit; stand still at those of the sagas
    matrix.py --all            also second hits, errors, longer stalls, and a second kill at every
                               step of the recovery from the first
    matrix.py --pairs N        of the second kills alone, those from the Nth of the order by --seed on
    matrix.py --site S         these sites alone, [--action kill|stop|error] [--hit N] [--then S2]
    matrix.py --learn          prints the sites that the steps pass, for tests/faults/sites

A site that did not act fails the run, and so does one that is passed and not listed.
"""
import argparse
import multiprocessing
import os
import random
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.environ["TOP_SRCDIR"], "tests", "system"))
sys.path.insert(0, os.path.join(os.environ["TOP_SRCDIR"], "tests", "faults"))
import shop  # noqa: E402

LIST = os.path.join(os.environ["TOP_SRCDIR"], "tests", "faults", "sites")
ORDERS_MAX = 60  # in one store, before a new one: checking all of them takes its time
TRIES = 6
WAIT_S = 0.5  # for what comes by itself after a step
STALLS = (0.5, 1.5, 10)  # of the time-out
CAN_FAIL = (".begin", ".commit.before", ".put.", ".delete.")
SAGA = ("orderd.saga.", "orderd.send.stock.apply", "orderd.sent.stock.apply",
        "orderd.result.stock.apply", "stockd.receive.stock.apply", "stockd.commit.",
        "stockd.answer.stock.apply", "stockd.answered.stock.apply", "orderd.commit.",
        "orderd.unlisted.")


def sites_read():
    """{site: the step that passes it}"""
    with open(LIST, encoding="ascii") as lines:
        return dict(line.split() for line in lines)


def learn():
    """Every step by itself; a site belongs to the first that passes it."""
    found = {}
    work = shop.Shop()
    work.step_order()  # what only the first order does belongs to other steps
    work.wait_settled()
    for step in shop.STEPS:
        work.points.read()
        work.points.passed.clear()
        work.points.arm([])
        getattr(work, "step_" + step)()
        work.wait_settled()
        time.sleep(0.05)
        work.points.read()
        for site in work.points.passed:
            found.setdefault(site, step)
    work.check()
    work.close()
    for site in sorted(found):
        print(site, found[site])


class Case:
    def __init__(self, site, step, action="kill", hit=1, then=None, stall=0):
        self.site, self.step, self.action, self.hit = site, step, action, hit
        self.then, self.stall = then, stall

    def __eq__(self, other):
        return str(self) == str(other)

    def __str__(self):
        words = f"--site {self.site} --action {self.action} --hit {self.hit}"
        if self.then:
            words += f" --then {self.then}"
        if self.action == "stop":
            words += f" --stall {self.stall}"
        return words

    def rule(self):
        return f"{self.site}={self.action}:{self.hit}"


def run(work, case):
    if len(work.orders) > ORDERS_MAX and case.step != "first":
        work.reset()
    work.stall_s = case.stall * shop.STOCK_TIMEOUT_MS / 1000
    work.points.read()
    work.points.fired.clear()
    work.points.arm([case.rule()], [f"{case.then}=kill"] if case.then else [])

    def acted():
        work.points.read()
        fired = [site for _, site in work.points.fired]
        return case.site in fired and (
            not case.then or fired.count(case.then) > (case.then == case.site))

    for _ in range(TRIES):
        getattr(work, "step_" + case.step)()
        work.wait_settled()
        end = shop.clock() + WAIT_S
        while not acted() and shop.clock() < end:
            work.tend()
            time.sleep(0.005)
        if acted():
            break
    met = acted()
    fired = {site for _, site in work.points.fired}
    work.points.arm([])
    work.wait_for(lambda: not work.stalled, "what stood still goes on")
    work.check()
    if case.site not in fired:
        raise shop.Broken(f"{case.site} was not passed {case.hit} times in {TRIES} x {case.step}")
    return met


def worker(cases, results, until):
    work = shop.Shop()
    for case in iter(cases.get, None):
        if time.monotonic() > until:
            results.put(("late", case))
            continue
        began = time.monotonic()
        try:
            met, why = run(work, case), None
        except Exception:
            met, why = False, traceback.format_exc()
            if case.site in (site for _, site in work.points.fired):
                work.suite.print_logs()
            passed = work.points.passed
            work.close()
            work = shop.Shop()
            work.points.passed |= passed
        results.put(("case", case, met, why, time.monotonic() - began))
    results.put(("end", work.points.passed, work.restarts, work.orders_made, 0))
    work.close()


def cases_of(sites, everything):
    cases = [Case(site, step) for site, step in sites.items()]
    stalled = [site for site in sites if site.startswith(SAGA)]
    cases += [Case(site, sites[site], "stop", stall=1.5) for site in stalled]
    if not everything:
        return cases
    cases += [Case(site, step, then=site) if is_once(site) else Case(site, step, hit=2)
              for site, step in sites.items()]
    cases += [Case(site, sites[site], "stop", stall=stall)
              for site in stalled for stall in STALLS if stall != 1.5]
    cases += [Case(site, step, "error") for site, step in sites.items()
              if any(part in site for part in CAN_FAIL)]
    for site, step in sites.items():
        daemon = site.split(".")[0]
        cases += [Case(site, step, then=then) for then in sites
                  if then.startswith(daemon + ".") and is_recovery(then, sites)]
    return cases


def is_once(site):
    """Whether a process passes it no more than once: its second death there is in its next life."""
    return site.split(".")[1] in ("create", "start", "stop", "room", "watch") or (
        site == "stockd.put.meta" or "stock.fence" in site or site.startswith(
            ("orderd.saga.fenced", "orderd.saga.open", "orderd.saga.taken_up")))


def is_recovery(site, sites):
    """Of what a daemon passes when it starts again."""
    kind = site.split(".")[1]
    return (kind in ("start", "begin", "commit", "room", "watch", "result", "take", "tick")
            or sites[site] == "crash")


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--all", action="store_true")
    words.add_argument("--learn", action="store_true")
    words.add_argument("--pairs", type=int)
    words.add_argument("--site", action="append", default=[])
    words.add_argument("--action", default="kill")
    words.add_argument("--hit", type=int, default=1)
    words.add_argument("--then")
    words.add_argument("--stall", type=float, default=1.5)
    words.add_argument("--minutes", type=float, default=600, help="then no new case is begun")
    words.add_argument("--seed", type=int, default=1, help="for the order of the cases")
    words.add_argument("--verbose", action="store_true")
    words.add_argument("--jobs", type=int, default=2 * os.cpu_count(),
                       help="suites side by side: each mostly waits")
    asked = words.parse_args()
    if asked.learn:
        learn()
        return 0
    sites = sites_read()
    if asked.site:
        cases = [Case(site, sites[site], asked.action, asked.hit, asked.then, asked.stall)
                 for site in asked.site]
    else:
        cases = cases_of(sites, asked.all or asked.pairs is not None)
    random.Random(asked.seed).shuffle(cases)
    if asked.pairs is not None:
        cases = [case for case in cases if case.then][asked.pairs:]
    return report(sites, cases, asked)


def report(sites, cases, asked):
    began = time.monotonic()
    until = began + 60 * asked.minutes
    waiting, results = multiprocessing.Queue(), multiprocessing.Queue()
    # The long ones first: no worker ends much later than the others. The pairs, which may not all be
    # reached in the time, last.
    for case in sorted(cases, key=lambda case: (
            case.then is not None, case.step not in ("expire", "first", "stop"))):
        waiting.put(case)
    for _ in range(asked.jobs):
        waiting.put(None)
    workers = [multiprocessing.Process(target=worker, args=(waiting, results, until))
               for _ in range(asked.jobs)]
    for each in workers:
        each.start()
    left, failed, unmet, passed = len(workers), 0, 0, set()
    restarts = orders = late = 0
    while left:
        kind, *rest = results.get()
        if kind == "late":
            late += 1
            cases.remove(rest[0])
            continue
        if kind == "end":
            left -= 1
            passed |= rest[0]
            restarts += rest[1]
            orders += rest[2]
            continue
        case, met, why, took_s = rest
        if asked.verbose:
            print(f"{took_s:.2f} s: {case.step}: {case}", flush=True)
        if took_s > 5:
            print(f"slow: {took_s:.1f} s: {case}", flush=True)
        if why:
            failed += 1
            print(f"{why}FAILED: tests/faults/matrix.py {case}", flush=True)
        elif not met:
            unmet += 1
    for each in workers:
        each.join()
    unlisted = sorted(passed - sites.keys()) if not asked.site else []
    for site in unlisted:
        print(f"FAILED: {site} was passed and is not in tests/faults/sites (--learn prints it)")
    print(f"covered: failpoints: {len(sites)} sites, {len(cases)} cases"
          f" ({sum(case.action == 'kill' for case in cases)} kills,"
          f" {sum(case.action == 'stop' for case in cases)} stalls,"
          f" {sum(case.action == 'error' for case in cases)} errors,"
          f" {sum(case.then is not None for case in cases)} pairs, of which {unmet} did not meet);"
          f" {restarts} restarts, {orders} orders, {late} not reached in time, {failed} failed,"
          f" {time.monotonic() - began:.0f} s")
    return 1 if failed or unlisted else 0


if __name__ == "__main__":
    sys.exit(main())
