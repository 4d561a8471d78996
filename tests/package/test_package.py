"""The Debian package: what lintian says, and how it is to live with."""

import re
import subprocess

import pytest
from chroot import REPOSITORY
from story import SECRET


def output(story, step, status=0):
    """What a step printed; it must have ended with that status."""
    assert story[step][0] == status, f"{step}: {story[step]}"
    return story[step][1]


def echoed(story, step):
    """The request as the target received it."""
    answer = output(story, step)
    assert answer.startswith("HTTP/1.1 200 "), answer
    return answer


def test_lintian(package):
    """No error, and no warning either."""
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", package], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_version(package):
    """It is the Makefile's."""
    (version,) = re.findall(r"^VERSION := (\S+)", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert package.name.startswith(f"authbridge_{version}_")


def test_install_starts_nothing(story):
    """The target has to be edited first."""
    output(story, "install")
    assert output(story, "installed").split("\n")[:2] == ["disabled", "inactive"]


def test_installed_files(story):
    text = output(story, "installed")
    assert "640 root:_authbridge" in text
    assert len(re.findall(r"^644 /usr/share/", text, re.MULTILINE)) == 3


def test_configuration_is_valid_as_shipped(story):
    assert "target = https://preprod.example.com" in output(story, "check")


def test_configuration_is_not_for_everybody(story):
    assert "Permission denied" in output(story, "unreadable", status=1)


def test_start(story):
    output(story, "edit")
    output(story, "start")
    answer = echoed(story, "ask")
    assert "GET /first HTTP/1.1" in answer
    assert f"X-Api-Key: {SECRET}" in answer


def test_try(story):
    assert "The target answers" in output(story, "try")


def test_reload_reads_the_file(story):
    assert "X-More: 1" in echoed(story, "reload")


def test_upgrade(story):
    """The service runs the new binary, and the file is as the operator left it."""
    assert output(story, "upgrade").split()[-3:] == ["1", "640", "root:_authbridge"]
    assert output(story, "after-upgrade").startswith("active\n")
    assert "X-More: 1" in story["after-upgrade"][1]


def test_remove(story):
    """The service ends, the configuration stays."""
    output(story, "remove")
    assert output(story, "removed") == "inactive\n640 root:_authbridge\n"


def test_install_again(story):
    """The configuration that stayed is used, and its group is right."""
    assert "X-More: 1" in output(story, "again")


def test_purge_leaves_nothing(story):
    output(story, "purge")
    assert output(story, "purged") == ""


@pytest.mark.parametrize("step", ["install", "upgrade", "remove", "purge"])
def test_is_quiet(story, step):
    """Nothing fails on the way without being noticed."""
    assert not re.search(r"warning|error|fail|cannot", output(story, step), re.IGNORECASE)
