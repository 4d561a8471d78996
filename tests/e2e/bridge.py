"""The daemon under test: started, read from, reloaded and stopped without leaving anything behind."""

import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from wire import DEADLINE, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("AUTHBRIDGE", REPOSITORY / "build" / "authbridge")).absolute()
SECRET = "Zx9-only-the-target-may-see-this"
STOP_SECONDS = 20
SANITIZER_REPORTS = ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer")
NOT_INHERITED = (
    "JOURNAL_STREAM",
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)

# Becomes a program whose descriptors from 3 on are the sockets (sd_listen_fds(3)).
HAND_OVER = """
import os, sys
spare = [os.dup2(int(fd), 100 + at) for at, fd in enumerate(sys.argv[1].split(","))]
os.closerange(3, 100)
for at, fd in enumerate(spare):
    os.dup2(fd, 3 + at)
    os.close(fd)
os.environ.update(LISTEN_FDS=str(len(spare)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="web")
os.execvp(sys.argv[2], sys.argv[2:])
"""

ACCESS_LINE = re.compile(
    r'(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<client>\S+) "(?P<request>[^"]*)" (?P<status>\d{3}|-)'
    r" in=(?P<received>\d+) out=(?P<sent>\d+) total=(?P<total>\d+\.\d)ms upstream=(?P<upstream>\d+\.\dms|-)"
    r" id=(?P<id>[0-9a-f]{32})(?: route=(?P<route>\S+))?(?: user=(?P<user>\S+))?(?: error=(?P<error>\w+))?"
)


def environment(extra=None):
    """The environment for a daemon: ours, without what would change its behaviour."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    return {**kept, **(extra or {})}


def run(*arguments, env=None, cwd=None, stdin=None, stdout=subprocess.PIPE, through=()):
    """Runs the binary to its end; for --check and for what must fail to start."""
    return subprocess.run(
        [*through, BINARY, *map(str, arguments)],
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=DEADLINE,
        env=environment(env),
        cwd=cwd,
    )


def configuration(target, more="", listen="127.0.0.1:0"):
    """A proxy.ini text; `more` starts inside the [proxy] section."""
    return f"[proxy]\nlisten = {listen}\ntarget = {target}\n" + textwrap.dedent(more)


def with_process_model(text):
    """The proxy.ini text with E2E_STANDBY and E2E_RECYCLE for the settings of that name, where it has none itself."""
    for name in ("standby", "recycle"):
        value = os.environ.get(f"E2E_{name.upper()}")
        if value and not re.search(rf"^{name} =", text, re.MULTILINE):
            text += f"\n[proxy]\n{name} = {value}\n"
    return text


def with_listener(text, certificate):
    """With E2E_LISTEN=https, the proxy.ini text with TLS on every address of [proxy] listen that has none.

    certificate() gives what is shown there.
    """
    if os.environ.get("E2E_LISTEN") != "https":
        return text
    return with_tls(text, certificate())


def with_tls(text, certificate):
    """The proxy.ini text with TLS on every address of [proxy] listen that has none, and that certificate for it."""
    head, line, rest = re.match(r"(.*?^listen = )([^\n]*)(.*)", text, re.DOTALL | re.MULTILINE).groups()
    addresses = [address if address.startswith("https://") else f"https://{address}" for address in line.split(", ")]
    return f"{head}{', '.join(addresses)}{rest}\n[listen-tls]\ncert = {certificate.pem}\nkey = {certificate.key}\n"


class Lines:
    """The lines of a pipe. A thread reads on, so that its writer never waits; who asks gets all that was written."""

    def __init__(self, pipe):
        os.set_blocking(pipe.fileno(), False)
        self.lines = []
        self.begun = b""
        self.ended = False
        self.changed = threading.Condition()
        self.pipe = pipe
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    @property
    def all(self):
        """What has been written so far, by whomever."""
        with self.changed:
            self._take_up()
            return list(self.lines)

    def wait(self, matches, count, what):
        """The first `count` lines that match; fails when they do not come."""
        limit = time.monotonic() + DEADLINE
        with self.changed:
            while True:
                self._take_up()
                found = [line for line in self.lines if matches(line)]
                if len(found) >= count:
                    return found[:count]
                assert not self.ended, f"the daemon ended; no {what} in {self.lines!r}"
                left = limit - time.monotonic()
                assert left > 0, f"no {what} in {self.lines!r}"
                self.changed.wait(left)

    def _read(self):
        with self.pipe:
            while not self.ended:
                select.select([self.pipe], [], [])
                with self.changed:
                    self._take_up()

    def _take_up(self):
        while not self.ended:
            try:
                data = os.read(self.pipe.fileno(), 65536)
            except BlockingIOError:
                return
            self.ended = not data
            *whole, self.begun = (self.begun + data).split(b"\n")
            if self.ended and self.begun:
                whole.append(self.begun)
            self.lines += [line.decode(errors="surrogateescape") for line in whole]
            self.changed.notify_all()


class Bridge:
    """A running daemon. Its processes share the session that it was started in.

    `through` is the command that turns into it: through=["nohup"]. `sockets` are handed over as systemd does it.
    """

    def __init__(self, arguments, env=None, cwd=None, config=None, journal=False, through=(), sockets=()):
        self.config = config
        stderr, to_stderr = os.pipe()
        extra = dict(env or {})
        if journal:
            pipe = os.fstat(to_stderr)
            extra["JOURNAL_STREAM"] = f"{pipe.st_dev}:{pipe.st_ino}"
        if sockets:
            through = [sys.executable, "-c", HAND_OVER, ",".join(str(sock.fileno()) for sock in sockets), *through]
        self.process = subprocess.Popen(
            [*through, BINARY, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=to_stderr,
            env=environment(extra),
            cwd=cwd,
            start_new_session=True,
            pass_fds=[sock.fileno() for sock in sockets],
        )
        os.close(to_stderr)
        self.stdout = Lines(self.process.stdout)
        self.stderr = Lines(os.fdopen(stderr))
        self.expected_status = 0

    @property
    def pid(self):
        return self.process.pid

    def wait_ready(self):
        self.stderr.wait(lambda line: re.match(r"(<\d>|authbridge: )ready", line), 1, "message that it is ready")
        return self

    def wait_listening(self, path):
        """Waits until it takes connections on that Unix socket; for one whose messages cannot be read."""
        with socket.socket(socket.AF_UNIX) as probe:
            wait_until(lambda: probe.connect_ex(str(path)) == 0, f"it listens on {path}")
        return self

    @property
    def addresses(self):
        """Where it listens, in the order of the messages that say so; https://ADDRESS where clients speak TLS."""
        found = [re.search(r"listening on (\S+)( with TLS)?", line) for line in self.stderr.all]
        return [("https://" if match[2] else "") + match[1] for match in found if match]

    @property
    def address(self):
        return self.addresses[0]

    @property
    def url(self):
        return self.address if self.address.startswith("https://") else f"http://{self.address}"

    def message(self, text, count=1):
        """Waits for a line on stderr that holds this text; says the line, or the last of so many."""
        return self.stderr.wait(lambda line: text in line, count, f"message {text!r}")[-1]

    def complaint(self, text):
        """Waits for an error or a warning that holds this text."""
        start = ("authbridge: error: ", "authbridge: warning: ")
        return self.stderr.wait(lambda line: line.startswith(start) and text in line, 1, f"complaint {text!r}")[0]

    def access(self, count=1):
        """Waits for so many access lines; says the last one taken apart. Each must have the form of the contract."""
        line = self.stdout.wait(lambda line: " id=" in line, count, f"access line number {count}")[-1]
        match = ACCESS_LINE.fullmatch(line)
        assert match, f"not an access line: {line!r}"
        return match.groupdict()

    def output(self):
        """Everything it has written so far."""
        return "\n".join(self.stdout.all + self.stderr.all)

    def children(self):
        """The processes that serve a client now."""
        return [pid for pid, parent, _, name in _processes() if parent == self.pid and name == "ab-client"]

    def status_children(self):
        """The processes that serve the status page now."""
        return [pid for pid, parent, _, name in _processes() if parent == self.pid and name == "ab-status"]

    def standbys(self):
        """The processes that wait for a client."""
        return [pid for pid, parent, _, name in _processes() if parent == self.pid and name == "ab-standby"]

    def keepers(self):
        """The process that gets tokens, if there is one."""
        return [pid for pid, parent, _, name in _processes() if parent == self.pid and name == "ab-keeper"]

    def signal(self, number):
        self.process.send_signal(number)

    @contextmanager
    def paused(self):
        """Keeps the master from running: what comes meanwhile, connections and signals, waits in the kernel."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def reload(self, text):
        """Replaces proxy.ini and has the daemon read it; the test then waits for the message it expects."""
        self.config.write_text(text)
        self.signal(signal.SIGHUP)

    def limit_descriptors(self, soft):
        """Sets the master's soft limit of open files; says the one before."""
        before, hard = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (soft, hard))
        return before

    def wait_exit(self):
        """Waits for the master's own end and for the end of its output; says its exit status."""
        status = self.process.wait(STOP_SECONDS)
        wait_until(lambda: not self.processes(), "every process of the daemon has ended")
        self.stdout.thread.join(DEADLINE)
        self.stderr.thread.join(DEADLINE)
        return status

    def stop(self):
        """Ends it the way an operator does, and checks that it went as it should."""
        try:
            if self.process.poll() is None:
                self.signal(signal.SIGTERM)
            status = self.wait_exit()
        finally:
            self._kill_survivors()
        reports = [line for line in self.stderr.all if any(report in line for report in SANITIZER_REPORTS)]
        assert not reports, "\n".join(self.stderr.all)
        assert status == self.expected_status, f"exit status {status}: {self.stderr.all!r}"
        assert SECRET not in self.output(), "the daemon wrote a secret"

    def processes(self):
        """All of them, the master too."""
        return {pid for pid, _, session, _ in _processes() if session == self.pid}

    def _kill_survivors(self):
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(DEADLINE)


def _processes():
    """Every process that runs: (pid, parent, session, name); the dead that nobody has waited for yet do not count."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name, _, fields = (entry / "stat").read_text().partition("(")[2].rpartition(")")
                state, parent, _, session = fields.split()[:4]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state not in "ZX":
                yield int(entry.name), int(parent), int(session), name
