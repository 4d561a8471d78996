"""The package, built once; and its life in a clean Debian: installed, edited, started, upgraded, removed, purged."""

import os
import shutil
import subprocess

import pytest
from chroot import BUILD, REPOSITORY, Missing, clean_debian, dependencies, run_inside
from story import FUNCTIONS, STEPS


@pytest.fixture(scope="session")
def package():
    """The path of the package that `make deb` builds."""
    if not shutil.which("dpkg-buildpackage"):
        pytest.skip("missing: dpkg-buildpackage")
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MODE")}
    done = subprocess.run(
        ["make", "-s", "deb"], cwd=REPOSITORY, capture_output=True, text=True, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return REPOSITORY / done.stdout.split()[-1]


@pytest.fixture(scope="session")
def story(package):
    """What each step of the story printed, with its exit status."""
    functions = BUILD / "deb" / "functions"
    functions.write_text(FUNCTIONS)
    try:
        root = clean_debian(dependencies(package))
        return run_inside(root, {package: "/given/authbridge.deb", functions: "/given/functions"}, STEPS)
    except Missing as missing:
        pytest.skip(f"missing: {missing}")
