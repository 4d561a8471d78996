"""The completion for bash: sourced by bash, and asked as bash asks it."""

import re
import subprocess

from bridge import REPOSITORY, run

COMPLETION = REPOSITORY / "packaging" / "authbridge.bash"
# compopt works only while bash itself completes.
ASK = """
compopt() { :; }
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
[ "$(complete -p authbridge)" = 'complete -F _authbridge authbridge' ] || exit 9
_authbridge
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(*words, cwd=None):
    """What bash offers for the last of these words."""
    command = ["bash", "--norc", "-c", ASK, "bash", COMPLETION, "authbridge", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, cwd=cwd, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_offers_every_option():
    """Those that --help tells of, on the lines where they make sense."""
    offered = set(complete("--") + complete("--check", "") + complete("--explain", "GET /", ""))
    told = set(re.findall(r"^ +(?:-\w, )?(--\w+|-H)\b", run("--help").stdout, re.MULTILINE))
    assert offered == told


def test_completes_an_option():
    assert complete("--ex") == ["--explain"]
    assert complete("-c", "proxy.ini", "--ch") == ["--check"]


def test_offers_what_goes_together():
    assert "--live" not in complete("-")
    assert "-H" not in complete("-c", "proxy.ini", "--check", "-")
    assert "--quiet" in complete("--check", "-") and "--quiet" not in complete("--check", "--live", "-")
    assert complete("--demo", "-") == ["--listen"]


def test_files_after_config(tmp_path):
    (tmp_path / "proxy.ini").touch()
    (tmp_path / "other").touch()
    for words in (["-c", "pr"], ["--config", "pr"], ["--config", "=", "pr"]):
        assert complete(*words, cwd=tmp_path) == ["proxy.ini"]
    assert sorted(complete("--config", "=", cwd=tmp_path)) == ["other", "proxy.ini"]


def test_kinds_of_target():
    assert complete("--target", "h") == ["http://", "https://"]


def test_nothing_for_free_text():
    assert complete("--explain", "G") == []
    assert complete("-H", "A") == []
