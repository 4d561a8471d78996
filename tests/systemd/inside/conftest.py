"""The service under systemd: these tests run as root in a container whose systemd is theirs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, "/tests/e2e")

from message import OK  # noqa: E402
from rawclient import connect as connect_raw  # noqa: E402
from target import Target, answering  # noqa: E402
from wire import wait_until  # noqa: E402

UNIT = "authbridge.service"
SOCKET = "authbridge.socket"
CONFIG = Path("/etc/authbridge/proxy.ini")
STORE = Path("/etc/credstore")
DROP_IN = Path(f"/run/systemd/system/{UNIT}.d/test.conf")
ADDRESS = "127.0.0.1:8080"


def systemctl(*arguments, fails=False):
    done = subprocess.run(["systemctl", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert fails or done.returncode == 0, done.stdout + journal()
    return done.stdout.strip()


def journal():
    done = subprocess.run(["journalctl", "-u", UNIT, "-o", "cat", "--no-pager", "-n", "60"], stdout=subprocess.PIPE)
    return done.stdout.decode(errors="replace")


def status_of(pid):
    """What /proc/PID/status says: name -> text."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}


class Service:
    """The unit, with a configuration of the test's own."""

    def configure(self, target, more="", listen=f"listen = {ADDRESS}\n"):
        CONFIG.parent.mkdir(exist_ok=True)
        CONFIG.write_text(f"[proxy]\n{listen}target = {target.url}\n{more}")
        CONFIG.chmod(0o644)

    def credential(self, name, text):
        STORE.mkdir(exist_ok=True)
        path = STORE / f"authbridge.{name}"
        path.write_text(text)
        path.chmod(0o600)

    def drop_in(self, text):
        DROP_IN.parent.mkdir(parents=True, exist_ok=True)
        DROP_IN.write_text(text)
        systemctl("daemon-reload")

    def start(self):
        systemctl("start", UNIT)
        return self

    def show(self, name, unit=UNIT):
        return systemctl("show", "-P", name, unit)

    @property
    def pid(self):
        return int(self.show("MainPID"))

    def status(self):
        """The line that systemctl status shows."""
        found = re.search(r'Status: "(.*)"', systemctl("status", "-l", "--no-pager", UNIT, fails=True))
        return found[1] if found else ""

    def wait_status(self, text):
        return wait_until(lambda: text in self.status() and self.status(), f"status with {text!r}; {self.status()!r}")

    def wait_for(self, name, value):
        wait_until(lambda: self.show(name) == value, f"{name} is {value}, not {self.show(name)}")

    def process(self):
        """The master, as status_of() has it."""
        return status_of(self.pid)


@pytest.fixture
def service():
    yield Service()
    systemctl("stop", SOCKET, UNIT, fails=True)
    systemctl("reset-failed", UNIT, SOCKET, fails=True)
    for path in STORE.glob("authbridge.*"):
        path.unlink()
    if DROP_IN.exists():
        DROP_IN.unlink()
        systemctl("daemon-reload")


@pytest.fixture
def origin():
    target = Target().serve(answering(OK))
    yield target
    target.close()


@pytest.fixture
def target():
    target = Target()
    yield target
    target.close()


@pytest.fixture
def connect():
    clients = []

    def start(address=ADDRESS):
        clients.append(connect_raw(address))
        return clients[-1]

    yield start
    for client in clients:
        client.close()
