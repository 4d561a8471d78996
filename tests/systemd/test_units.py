"""The unit files by themselves: how exposed the service is, and where they are installed."""

import re
import subprocess

import pytest
from machine import BINARY, REPOSITORY

UNIT = REPOSITORY / "packaging" / "authbridge.service"
EXPOSURE_MAX = 1.5


def test_exposure():
    try:
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT],
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    except FileNotFoundError:
        pytest.skip("there is no systemd-analyze")
    level = re.search(r"Overall exposure level for authbridge.service: ([\d.]+)", done.stdout)
    assert float(level[1]) <= EXPOSURE_MAX, done.stdout


def test_installed(tmp_path):
    """Where the binary goes is what the unit starts."""
    subprocess.run(
        ["make", "-s", "-o", BINARY.relative_to(REPOSITORY), "install", f"DESTDIR={tmp_path}", "PREFIX=/opt/bridge"],
        cwd=REPOSITORY,
        check=True,
        timeout=120,
    )
    units = tmp_path / "opt/bridge/lib/systemd/system"
    assert (tmp_path / "opt/bridge/sbin/authbridge").exists() and (units / "authbridge.socket").exists()
    commands = re.findall(r"^Exec(?:Start|Reload)=(\S+)", (units / "authbridge.service").read_text(), re.MULTILINE)
    assert commands == ["/opt/bridge/sbin/authbridge", "/bin/kill", "/opt/bridge/sbin/authbridge"]
