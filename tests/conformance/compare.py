"""Plays every case through authbridge and other proxies, and prints where they differ: make conformance PEERS=1."""

import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

from bench import Bench
from case import Abandoned, EarlyAnswer, Forwarded, ResponseCut
from corpus import GROUPS, settings
from judge import judge
from peers import PEERS, SETTINGS
from play import PROBE_PATH, Stage

PATIENCE = 2.0  # how long a peer may be silent before it counts as waiting
SAME, OTHER_OCTETS, OTHER, PASSED_ON = "=", "~", "other", "passed on"
COLUMN = 27


def verdict(case, seen):
    """What it came to, in words: statuses, what became of the connection, what reached the target.

    A reset is told from a close only where that is the point: otherwise it depends on what was under way.
    """
    is_reset = seen.ending == "RST" and any(
        isinstance(step.expect, ResponseCut) and step.expect.ending == {"RST"} for step in case.steps
    )
    statuses = " ".join(str(response.status) for response in seen.responses) or "no answer"
    endings = {"FIN": "closed", "RST": "reset" if is_reset else "closed", "silence": "waits"}
    end = "kept" if seen.kept else endings.get(seen.ending, "open")
    is_probe = PROBE_PATH in seen.target.partition(b"\r\n")[0]
    target = f"{seen.requests} seen" if seen.requests else "none seen" if is_probe or not seen.target else "part seen"
    return f"{statuses}, {end}, {target}" + ("" if seen.target_left else ", left open")


def is_passed(case):
    """Whether all octets on both sides are given: none of the steps is answered by the proxy itself."""
    return all(isinstance(step.expect, (Forwarded, EarlyAnswer, ResponseCut, Abandoned)) for step in case.steps)


def holds(case, seen, means):
    """Whether everything that the table expects is so."""
    try:
        judge(case, seen, means)
    except (AssertionError, ValueError, IndexError, KeyError, TypeError):
        return False
    return True


class Column:
    """One proxy's results."""

    def __init__(self, peer, folder):
        self.name = peer.named_version()
        self.stages = {setting: Stage(PATIENCE) for setting in SETTINGS}
        self.services = {}
        self.results = {}
        try:
            for setting, stage in self.stages.items():
                self.services[setting] = peer.start(setting, stage.target.port, folder)
        except BaseException:
            self._end()
            raise
        self.thread = threading.Thread(target=self._play_all, daemon=True)
        self.thread.start()

    def _play_all(self):
        for cases in GROUPS.values():
            for case in cases:
                if case.setting in SETTINGS:
                    self.results[case.name] = self._play(case)

    def _play(self, case):
        stage = self.stages[case.setting]
        seen = stage.play(case, f"127.0.0.1:{self.services[case.setting].port}")
        return verdict(case, seen), holds(case, seen, settings(case.setting, stage.target.authority))

    def finish(self):
        self.thread.join()
        self._end()

    def _end(self):
        for service in self.services.values():
            service.stop()
        for stage in self.stages.values():
            stage.close()


def play_ours(folder):
    """authbridge's verdicts, and the cases that it does not pass."""
    benches = {}
    verdicts, failed = {}, []
    try:
        for cases in GROUPS.values():
            for case in cases:
                if case.setting not in benches:
                    benches[case.setting] = Bench(case.setting, folder)
                bench = benches[case.setting]
                seen = bench.play(case, "whole")
                verdicts[case.name] = verdict(case, seen)
                if not holds(case, seen, bench.settings):
                    failed.append(case.name)
    finally:
        for bench in benches.values():
            bench.close()
    return verdicts, failed


def compare(column, case, ours):
    """How a peer's result compares with authbridge's; None where the case was not played."""
    if case.name not in column.results:
        return None
    theirs, is_exact = column.results[case.name]
    if theirs != ours[case.name]:
        return OTHER
    return SAME if is_exact or not is_passed(case) else OTHER_OCTETS


def cell(column, case, ours):
    kind = compare(column, case, ours)
    if kind is None:
        return "-"
    return column.results[case.name][0] if kind == OTHER else kind


def print_row(name, cells):
    print(f"{name[:58]:58}", *(f"{text[:COLUMN]:{COLUMN}}" for text in cells), sep=" | ", flush=True)


def passes_on(column, case, ours):
    """Whether something of a request reaches the target through the peer of which authbridge lets nothing through."""
    theirs = column.results.get(case.name, ("none seen",))[0]
    return "none seen" in ours[case.name] and "none seen" not in theirs


def print_table(columns, ours):
    print_row("case", ["authbridge", *(column.name for column in columns)])
    counts = {column.name: Counter() for column in columns}
    for group, cases in GROUPS.items():
        print(f"\n{group}: {len(cases)} cases")
        for case in cases:
            kinds = [compare(column, case, ours) for column in columns]
            for column, kind in zip(columns, kinds):
                counts[column.name][kind] += 1
                counts[column.name][PASSED_ON] += passes_on(column, case, ours)
            if OTHER in kinds:
                print_row(case.name, [ours[case.name], *(cell(column, case, ours) for column in columns)])
    titles = ("the same", "other octets", "another verdict", "passes on what is refused", "not played")
    print(f"\n{'':24}", *(f"{title:>16}" for title in titles), sep="  ")
    for name, count in counts.items():
        numbers = (count[SAME], count[OTHER_OCTETS], count[OTHER], count[PASSED_ON], count[None])
        print(f"{name:24}", *(f"{number:{max(16, len(title))}}" for number, title in zip(numbers, titles)), sep="  ")


def main():
    with tempfile.TemporaryDirectory(prefix="authbridge-conformance-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # a peer's own user works below it
        columns = []
        try:
            for peer in PEERS:
                columns.append(Column(peer, folder))
            ours, failed = play_ours(folder)
        finally:
            for column in columns:
                column.finish()
    print_table(columns, ours)
    print(f"\nauthbridge: {len(ours) - len(failed)} of {len(ours)} cases as the table has them")
    for case in failed:
        print(f"  not so: {case}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
