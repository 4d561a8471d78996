"""A real systemd, booted for as long as some commands take."""

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
BINARY = Path(os.environ.get("AUTHBRIDGE", REPOSITORY / "build" / "authbridge")).absolute()
SECONDS = 240
INSIDE = "/tests/inside"


def rig(*commands, seconds=SECONDS):
    """Runs commands under a systemd of their own, with the daemon and its units installed."""
    packaging = REPOSITORY / "packaging"
    return subprocess.run(
        [
            *["bash", HERE / "rig.sh", "-q", "-T", str(seconds), "-t", str(seconds - 20)],
            *["-u", packaging / "authbridge.service", "-u", packaging / "authbridge.socket"],
            *["-c", f"{BINARY}:/usr/sbin/authbridge:755"],
            *["-c", f"{HERE / 'inside'}:{INSIDE}", "-c", f"{REPOSITORY / 'tests' / 'e2e'}:/tests/e2e"],
            *commands,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=seconds + 30,
    )
