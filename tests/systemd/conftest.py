"""Boots a real systemd once, runs the tests in inside/ there, and hands each one's result to a test here."""

import os
import xml.etree.ElementTree as ElementTree

import pytest
from machine import INSIDE, rig

REPORT = "/tests/report.xml"

collect_ignore = ["inside"]


@pytest.fixture(scope="session")
def systemd():
    """That a systemd can be booted here; skips with the reason where it cannot."""
    if os.geteuid() != 0:
        pytest.skip("booting a systemd needs root")
    probe = rig("true", seconds=40)
    if probe.returncode != 0:
        pytest.skip(f"no systemd can be booted here: {probe.stderr.strip().splitlines()[-1:]}")


@pytest.fixture(scope="session")
def results(systemd):
    """What became of each test inside: its name -> None, or the report of its failure."""
    done = rig(f"cd {INSIDE}; /usr/bin/python3 -m pytest -q --junitxml={REPORT} . >&2", f"echo; cat {REPORT}")
    start = done.stdout.find("<?xml")
    assert start >= 0, done.stdout + done.stderr
    cases = ElementTree.fromstring(done.stdout[start:].strip()).iter("testcase")
    return {
        f"{case.get('classname').rpartition('.')[2]}.{case.get('name')}": next(
            (trouble.text or trouble.get("message") for trouble in case if trouble.tag != "skipped"), None
        )
        for case in cases
    }
