"""Tokens that a program writes, or that stand in a file; and what is wrong with a [token:NAME] section."""

import time
from pathlib import Path

import pytest
from bridge import REPOSITORY, SECRET, configuration
from message import OK, get, row
from rawclient import refusal
from statuspage import STATUS, StatusPage
from tokenserver import jwt
from wire import wait_until

USE = "[request-headers]\nX-Token = ${token:mine}\n[token:mine]\n"


@pytest.fixture
def program(tmp_path):
    """Writes a script of the shell's that a test gives; says its path."""

    def write(text):
        path = tmp_path / "get token"
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o700)
        return path

    return write


def command(path, more="wait = off\n"):
    return USE + f'type = command\ncommand = "{path}" one "two words" \'th"ree\'\n{more}'


def sent(origin):
    return [request.values(b"X-Token")[0].decode() for request in origin.requests]


def use(client, origin):
    assert client.exchange(get()).raw == OK
    return sent(origin)[-1]


class TestCommand:
    def test_output(self, connect, start_bridge, origin, program):
        """White space around it does not count; its words came through, without a shell; it can read nothing."""
        path = program(f'[ "$#|$2|$3" = "3|two words|th\\"ree" ] && [ -z "$(cat)" ] && printf "\\n  {SECRET}\\n\\n"')
        bridge = start_bridge(origin, command(path, "wait = 5s\nlifetime = 1h\n"))
        assert use(connect(bridge), origin) == SECRET
        bridge.message("token mine: fetched, valid for 1h")

    def test_run_again_before_its_end(self, connect, start_bridge, origin, program, tmp_path):
        count = tmp_path / "count"
        path = program(f"echo x >>'{count}'; wc -l <'{count}'")
        client = connect(start_bridge(origin, command(path, "wait = 5s\nlifetime = 1s\n")))
        first = int(use(client, origin))
        wait_until(lambda: int(use(client, origin)) >= first + 2, "it was run twice more")

    FAILURES = [
        row("status", f"echo {SECRET}; echo no such account >&2; exit 3", "it ended with status 3: no such account"),
        row("complaint with the token", f"echo {SECRET}; echo bad {SECRET} >&2; exit 3", "it ended with status 3;"),
        row(
            "complaint that holds a part of the token",
            f"echo {SECRET}{300 * 'x'} | tee /dev/stderr; exit 3",
            "it ended with status 3;",
        ),
        row("complaint of controls", "printf '\\033[1m\\n' >&2; exit 3", "it ended with status 3: ?[1m;"),
        row("signal", "kill -9 $$", "it was ended by signal 9"),
        row("nothing", "exit 0", "what came is empty"),
        row("two words", f"echo a {SECRET}", "it is not one word"),
        row("two lines", f"echo a; echo {SECRET}", "it is not one word"),
        row("control octet", "printf 'a\\001b'", "it is not one word"),
        row("too much", "head -c 70000 /dev/zero | tr '\\0' a", "its output is longer than 65536 bytes"),
        row("without end", "yes", "its output is longer than 65536 bytes"),
        row("without end, on standard error", "yes >&2", "it did not end in time"),
        row("too slow", f"echo {SECRET}; sleep 60", "it did not end in time"),
        row("deaf", "trap '' TERM HUP; sleep 60", "it did not end in time"),
    ]

    @pytest.mark.parametrize("script, says", FAILURES)
    def test_failure(self, connect, start_bridge, origin, program, script, says):
        timeout = "1s" if says == "it did not end in time" else "10s"
        bridge = start_bridge(origin, command(program(script), f"wait = off\ntimeout = {timeout}\n"))
        assert says in bridge.complaint("token mine: ")
        client = connect(bridge)
        client.send(get())
        refusal(client, {502})
        assert not origin.requests

    def test_what_it_started_ends_with_it(self, start_bridge, origin, program, tmp_path):
        """When its time is over, its own children go, too."""
        number = tmp_path / "pid"
        path = program(f"sleep 77 & echo $! >'{number}'; wait")
        bridge = start_bridge(origin, command(path, "timeout = 2s\n"))
        bridge.complaint("it did not end in time")
        sleeper = Path(f"/proc/{number.read_text().strip()}/cmdline")
        wait_until(lambda: not sleeper.exists() or b"77" not in sleeper.read_bytes(), "it has ended")

    def test_has_nothing_of_the_bridge(self, connect, start_bridge, origin, program, tmp_path):
        """No descriptor but the three, and no signal blocked or ignored."""
        seen = tmp_path / "seen"
        path = program(f"ls /proc/self/fd >'{seen}'; grep -E 'Sig(Blk|Ign)' /proc/self/status >>'{seen}'; echo {SECRET}")
        bridge = start_bridge(origin, command(path, "wait = 5s\n"))
        use(connect(bridge), origin)
        *descriptors, blocked, ignored = seen.read_text().split("\n")[:-1]
        assert len(descriptors) <= 4, "the three, and the one by which ls looks"
        assert int(blocked.split()[1], 16) == 0 and int(ignored.split()[1], 16) & (1 << 12) == 0


class TestFile:
    def test_followed(self, connect, start_bridge, origin, tmp_path):
        path = tmp_path / "token"
        path.write_text("first\n")
        bridge = start_bridge(origin, USE + f"type = file\nfile = {path}\n")
        kept = connect(bridge)
        assert use(kept, origin) == "first"
        path.write_text(SECRET)
        wait_until(lambda: use(kept, origin) == SECRET, "the new one is in use", 3)
        assert use(connect(bridge), origin) == SECRET

    def test_comes_later_and_goes(self, connect, start_bridge, origin, tmp_path):
        """It need not be there at the start; without it nothing is sent, and nobody waits."""
        path = tmp_path / "token"
        bridge = start_bridge(origin, USE + f"type = file\nfile = {path}\n" + STATUS)
        assert str(path) in bridge.complaint("token mine: cannot read")
        client = connect(bridge)
        client.send(get())
        refusal(client, {502})
        path.write_text(SECRET)
        wait_until(lambda: client.exchange(get()).status == 200, "it has come")
        path.unlink()
        wait_until(lambda: client.exchange(get()).status == 502, "it is gone")
        assert set(sent(origin)) == {SECRET}
        (token,) = StatusPage(bridge, connect).report()["tokens"]
        assert token["valid"] is False and str(path) in token["last_error"]

    def test_jwt_expires(self, connect, start_bridge, origin, tmp_path):
        """The exp of a token in a file ends it, until there is another one."""
        path = tmp_path / "token"
        path.write_text(jwt(exp=time.time() + 2))
        bridge = start_bridge(origin, USE + f"type = file\nfile = {path}\n")
        client = connect(bridge)
        assert client.exchange(get()).status == 200
        bridge.complaint("token mine: the token in the file has expired")
        assert client.exchange(get()).status == 502
        path.write_text(jwt(exp=time.time() + 60))
        wait_until(lambda: client.exchange(get()).status == 200, "another one is in use")


class TestFaults:
    OAUTH2 = "type = oauth2\ntoken_url = https://id.example/token\nclient_id = a\nclient_secret = b\n"
    FAULTS = [
        row("no section", "[request-headers]\nA = ${token:other}\n", 5, "there is no section [token:other]"),
        row("in a response", "[response-headers]\nA = ${token:t}\n[token:t]\ntype = file\nfile = /t\n", 5, "clients would get it"),
        row("no type", "[token:t]\nwait = 1s\n", 4, "needs type"),
        row("another type", "[token:t]\ntype = magic\n", 5, "give oauth2, command or file"),
        row("no name", "[token:]\ntype = file\n", 4, "a token's name has"),
        row("a name with a space", "[token:a b]\ntype = file\n", 4, ""),
        row("unknown setting", "[token:t]\ntype = file\nfile = /t\nfoo = 1\n", 7, "not a setting of [token:NAME], which has: type,"),
        row("twice", "[token:t]\ntype = file\ntype = file\nfile = /t\n", 6, "stands twice"),
        row("without its file", "[token:t]\ntype = file\n", 4, "type = file needs file"),
        row("of another type", "[token:t]\ntype = file\nfile = /t\nscope = a\n", 7, "scope does not go with type = file"),
        row("relative file", "[token:t]\ntype = file\nfile = t\n", 6, "give the whole path"),
        row("relative program", "[token:t]\ntype = command\ncommand = cat x\n", 6, "/usr/bin/cat"),
        row("no such program", "[token:t]\ntype = command\ncommand = /no/such x\n", 6, "cannot run /no/such"),
        row("open quotation", '[token:t]\ntype = command\ncommand = /bin/cat "x\n', 6, "a quotation does not end"),
        row("http", "[token:t]\n" + OAUTH2.replace("https", "http"), 6, "allow_http"),
        row("http, all but loopback", "[token:t]\n" + OAUTH2.replace("https://id", "http://127.id"), 6, "allow_http"),
        row("ftp", "[token:t]\n" + OAUTH2.replace("https", "ftp"), 6, "token_url: give"),
        row("credentials", "[token:t]\n" + OAUTH2.replace("//id", f"//a:{SECRET}@id"), 6, "client_id and client_secret"),
        row("no ca_file", "[token:t]\n" + OAUTH2 + "ca_file = /no/such\n", 9, "cannot read"),
        row("a token in a secret", "[token:t]\n" + OAUTH2.replace("= b", "= ${token:t}"), 8, "only ${env:NAME}"),
        row("a request's", "[token:t]\n" + OAUTH2.replace("= b", "= ${request_id}"), 8, "only ${env:NAME}"),
        row("no unit", "[token:t]\n" + OAUTH2 + "wait = 5\n", 9, "or off"),
        row("in egress", "egress = http://a:${token:t}@p.example:1\n[token:t]\ntype = file\nfile = /t\n", 4, "egress"),
    ]

    @pytest.mark.parametrize("more, line, says", FAULTS)
    def test_fault(self, check, more, line, says):
        done = check(configuration("http://127.0.0.1:9", more))
        assert done.returncode == 78
        assert f"{check.path}:{line}: " in done.stderr and says in done.stderr
        assert SECRET not in done.stderr

    RIGHT = [
        row("allow_http", OAUTH2.replace("https", "http") + "allow_http = on\n"),
        row("http on this machine", OAUTH2.replace("https://id.example", "http://[::1]:80")),
        row("every setting", OAUTH2 + "client_auth = post\nscope = a b\naudience = c\ntimeout = 1s\nwait = off\n"
            "lifetime = 1m\nrefresh_margin = 1s\n"),
    ]

    @pytest.mark.parametrize("text", RIGHT)
    def test_no_fault(self, check, text):
        done = check(configuration("http://127.0.0.1:9", USE + text))
        assert done.returncode == 0, done.stderr

    def test_example(self, check):
        """The example's own settings, with their comments taken off, are in order as far as they go together."""
        lines = (REPOSITORY / "proxy.ini.example").read_text().split("; [token:preprod]")[1].split("[timeouts]")[0]
        names = [line.split(" = ")[0].lstrip("; ") for line in lines.splitlines() if " = " in line and "preprod}" not in line]
        shown = check(configuration("http://127.0.0.1:9", USE + self.OAUTH2)).stdout
        shown += check(configuration("http://127.0.0.1:9", USE + "type = command\ncommand = /bin/true\n")).stdout
        shown += check(configuration("http://127.0.0.1:9", USE + "type = file\nfile = /t\n")).stdout
        for name in names:
            assert f"\n{name} = " in shown, name
        manual = (REPOSITORY / "docs" / "proxy.ini.5").read_text()
        assert all(f".It Ic {name} No =" in manual for name in names)
