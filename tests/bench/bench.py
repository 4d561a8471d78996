"""make bench: authbridge beside nginx, HAProxy, Apache and Caddy, in one run on one machine.

Exit status: 0 the run counts, 1 it is void since requests went wrong, 2 it could not be made.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "e2e"))
os.environ["PATH"] = f"/usr/sbin:{os.environ['PATH']}"

# pylint: disable=wrong-import-position # the helpers of the end-to-end tests are used
import chart  # noqa: E402
import peers  # noqa: E402
import report  # noqa: E402
import targets  # noqa: E402
from table import errors  # noqa: E402
from workloads import FULL, QUICK, RUNS, Bench  # noqa: E402

WARM_UP_SECONDS = 1


class Runner:
    """Puts every load on every proxy, round by round, and gathers what was measured."""

    def __init__(self, stack, plan, binary, tools, folder):
        self.stack = stack
        self.plan = plan
        self.binary = binary
        self.tools = tools
        self.folder = folder
        self.services = {}
        self.results = {}
        self.targets = targets.start(stack, folder / "target", tools, plan.bulk_bytes)
        self.can_recycle = peers.recycles(binary, folder)

    def peers_of(self, run):
        """Who takes part."""
        recycling = (peers.RECYCLING,) if run.is_fresh and self.can_recycle else ()
        return (peers.OURS, *recycling, *peers.OTHERS, *run.floors)

    def _service(self, name, peer):
        """The proxy, started and warmed up when it is first needed, and kept until the end."""
        run = RUNS[name]
        key = (peer.name, run.target, run.clients)
        if key not in self.services:
            target = self.targets[run.target]
            service = peer.start(target, run.clients, self.folder, self.tools, self.binary)
            self.stack.callback(service.stop)
            self.services[key] = service
            if not run.is_once:
                self._measure(name, peer, replace(self.plan, seconds=WARM_UP_SECONDS))
        return self.services[key]

    def _measure(self, name, peer, plan):
        """One load on one proxy; errors are kept whatever becomes of the figures."""
        run = RUNS[name]
        bench = Bench(self._service(name, peer), peer, self.targets[run.target], plan, self.tools)
        figures, errors_seen = run.measure(bench)
        empty = {"figures": {}, "errors": Counter(), "is_floor": peer.is_floor}
        result = self.results.setdefault(name, {}).setdefault(peer.name, empty)
        result["errors"] += errors_seen
        return result, figures

    def _note(self, name, peer):
        result, figures = self._measure(name, peer, self.plan)
        for figure, value in figures.items():
            result["figures"].setdefault(figure, []).append(value)

    def run(self, names):
        """All rounds. Whoever was first in one is last in the next."""
        began = time.monotonic()
        for number in range(self.plan.rounds):
            for name in names:
                run = RUNS[name]
                if run.is_once and number > 0:
                    continue
                everybody = self.peers_of(run)
                shift = number % len(everybody)
                elapsed = time.monotonic() - began
                say(f"{elapsed:4.0f} s: round {number + 1} of {self.plan.rounds}: {name}")
                for peer in (*everybody[shift:], *everybody[:shift]):
                    self._note(name, peer)

    def ordered_results(self, names):
        """By run and proxy in the order of the table, however the rounds were turned."""
        return {
            name: {peer.name: self.results[name][peer.name] for peer in self.peers_of(RUNS[name])} for name in names
        }


def say(words):
    print(words, file=sys.stderr, flush=True)


def first_line(*command):
    """What a program says about itself."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def machine():
    """The processor, how many of it, and the kernel."""
    names = [line.partition(":")[2].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    cores = len(os.sched_getaffinity(0))
    return f"{names[0] if names else platform.machine()}, {cores} cores, {memory:.0f} GiB, Linux {platform.release()}"


def revision():
    """Which commit this is, where git knows; with a + where files differ from it."""
    command = ["git", "-C", REPOSITORY, "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f" ({done.stdout.strip()})" if done.returncode == 0 else ""


def gather_facts(plan, is_quick, binary):
    versions = [first_line(binary, "--version") + revision(), *(peer.named_version() for peer in peers.OTHERS)]
    versions += [first_line("curl-config", "--version"), " ".join(first_line("openssl", "version").split()[:2])]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "plan": asdict(plan),
        "is_quick": is_quick,
        "versions": versions,
        "load": os.getloadavg()[0],
    }


def measure(options):
    """Makes the run; says the facts and the results."""
    plan = QUICK if options.quick else FULL
    plan = replace(plan, rounds=options.rounds or plan.rounds, seconds=options.seconds or plan.seconds)
    names = options.only.split(",") if options.only else list(RUNS)
    facts = gather_facts(plan, options.quick, options.binary)
    with ExitStack() as stack:
        runner = Runner(stack, plan, options.binary, options.tools, options.output / "run")
        runner.run(names)
        return {"facts": facts, "results": runner.ordered_results(names)}


def parse_options():
    parser = argparse.ArgumentParser(description="Measures authbridge beside other proxies.")
    parser.add_argument("--binary", type=Path, default=REPOSITORY / "build" / "authbridge")
    parser.add_argument("--tools", type=Path, default=REPOSITORY / "build" / "bench", help="where the C helpers are")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "build" / "bench", help="where the results go")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int, help="that one load lasts")
    parser.add_argument("--only", help=f"some of: {','.join(RUNS)}")
    parser.add_argument("--readme", action="store_true", help="put table and chart into README.md and docs/")
    parser.add_argument("--again", action="store_true", help="do not measure: report the results that are there")
    options = parser.parse_args()
    for name in (options.only or "").split(",") if options.only else ():
        if name not in RUNS:
            parser.error(f"--only: there is no {name}")
    for name in ("binary", "tools", "output"):
        setattr(options, name, getattr(options, name).absolute())
    return options


def end_on_signal(number, _frame):
    raise SystemExit(128 + number)


def main():
    signal.signal(signal.SIGTERM, end_on_signal)
    options = parse_options()
    options.output.mkdir(parents=True, exist_ok=True)
    record = options.output / "results.json"
    try:
        found = json.loads(record.read_text()) if options.again else measure(options)
    except (AssertionError, OSError, RuntimeError, subprocess.SubprocessError) as failure:
        say(f"bench: {failure}")
        return 2
    facts, results = found["facts"], found["results"]
    record.write_text(json.dumps(found, indent=1) + "\n")
    picture = chart.svg(facts, results)
    (options.output / "chart.svg").write_text(picture)
    print(report.text(facts, results))
    say(f"results: {record}; chart: {options.output / 'chart.svg'}")
    is_void = bool(errors(results))
    if options.readme and not is_void:
        report.update(REPOSITORY / "README.md", report.markdown(facts, results))
        (REPOSITORY / "docs" / "benchmarks.svg").write_text(picture)
    return 1 if is_void else 0


if __name__ == "__main__":
    sys.exit(main())
