"""A program that the benchmark starts: waited for, accounted for with all its processes, and ended."""

import os
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from wire import wait_until

START_SECONDS = 20
STOP_SECONDS = 10
SETTLE_SECONDS = 3
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Service:
    """A running program. All its processes share the session that it was started in."""

    def __init__(self, command, port, folder, env=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port
        self.log = folder / "output.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                cwd=folder,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until(self._answers, f"{command[0]} listens on {port}", START_SECONDS)
            self.processes_at_rest = len(self._stats())
        except BaseException:
            self.stop()
            raise

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.process.args[0]} did not start:\n{self.log.read_text(errors='replace')}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        """Ends it as an operator would; what is left of its session after that is killed."""
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
        for pid in self._stats():
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        self.process.wait(STOP_SECONDS)

    def _stats(self):
        """The fields of /proc/PID/stat behind the command's name, for each of its processes."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(FileNotFoundError, ProcessLookupError):
                    stat = (entry / "stat").read_text().rpartition(")")[2].split()
                    if int(stat[3]) == self.process.pid:
                        found[int(entry.name)] = stat
        return found

    def settle(self):
        """Waits, for a while, until it has no more processes than before the load came: their ends are counted then."""
        limit = time.monotonic() + SETTLE_SECONDS
        while len(self._stats()) > self.processes_at_rest and time.monotonic() < limit:
            time.sleep(0.05)

    def cpu_seconds(self):
        """User and system time of its processes, of those that have ended and been waited for as well."""
        ticks = sum(int(field) for stat in self._stats().values() for field in stat[11:15])
        return ticks / TICKS_PER_SECOND

    def pss_bytes(self):
        """Its memory, where a page that several processes share counts in parts; None without the right to see it."""
        total = 0
        for pid in self._stats():
            try:
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except (PermissionError, FileNotFoundError, ProcessLookupError):
                return None
            total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        return total * 1024


def free_port():
    """A port of 127.0.0.1 that nothing listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
