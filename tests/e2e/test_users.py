"""[access] users: Basic authentication, which ends at the bridge; the file behind it, and what is told of failures."""

import base64
import json
import os
import subprocess
import time

import pytest
from bridge import SECRET, configuration, run
from message import OK, get, post_chunked, response, row
from rawclient import refusal
from statuspage import STATUS, StatusPage
from target import answering
from wire import wait_until

PASSWORD = SECRET + ": Grüße"
CHALLENGE = [b'Basic realm="authbridge", charset="UTF-8"']


def hashed(password, method="-6"):
    """As `openssl passwd` makes it."""
    done = subprocess.run(["openssl", "passwd", method, "-stdin"], input=password, capture_output=True, text=True, check=True)
    return done.stdout.strip()


HASH = hashed(PASSWORD)


def basic(name, password=PASSWORD):
    token = base64.b64encode(f"{name}:{password}".encode())
    return b"Authorization: Basic " + token + b"\r\n"


@pytest.fixture
def users(tmp_path):
    """The file of users, with one of them."""
    path = tmp_path / "users"
    path.write_text(f"# who may\nalice:{HASH}\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def start(start_bridge, users):
    """Starts a bridge that asks for its users."""
    return lambda target, more="", **settings: start_bridge(target, f"[access]\nusers = {users}\n{more}", **settings)


class TestSigningIn:
    def test_credentials_end_here(self, connect, start, origin):
        client = connect(start(origin))
        assert client.exchange(get(fields=basic("alice") + b"X-A: b\r\n")).raw == OK
        assert client.exchange(get(fields=basic("alice"))).raw == OK
        assert [seen.values(b"Authorization") for seen in origin.requests] == [[], []]
        assert origin.requests[0].values(b"X-A") == [b"b"]

    def test_trailer_is_no_way_around(self, connect, start, origin):
        trailers = b"0\r\nAuthorization: Basic eDp5\r\nX-A: b\r\n\r\n"
        assert connect(start(origin)).exchange(post_chunked(trailers, basic("alice"))).raw == OK
        assert origin.requests[0].trailers == b"X-A: b\r\n\r\n"

    def test_injected_credentials_go_on(self, connect, start, origin):
        bridge = start(origin, f"[request-headers]\nAuthorization = Bearer {SECRET}\n")
        assert connect(bridge).exchange(get(fields=basic("alice"))).raw == OK
        assert origin.requests[0].values(b"Authorization") == [b"Bearer " + SECRET.encode()]

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            row("none", b"", b"asks for a user name"),
            row("another scheme", b"Authorization: Bearer abc\r\n", b"asks for a user name"),
            row("two of them", basic("alice") * 2, b"asks for a user name"),
            row("wrong password", basic("alice", "Password"), b"is wrong"),
            row("unknown name", basic("bob"), b"is wrong"),
            row("no base64", b"Authorization: Basic a:b\r\n", b"is wrong"),
        ],
    )
    def test_refused(self, connect, start, origin, fields, says):
        bridge = start(origin)
        client = connect(bridge)
        client.send(get(fields=fields))
        answer = refusal(client, {401})
        assert answer.values(b"WWW-Authenticate") == CHALLENGE and says in answer.content
        assert answer.values(b"Proxy-Status") == [b"authbridge; error=http_request_denied"]
        assert bridge.access()["user"] is None
        assert client.exchange(get(fields=basic("alice"))).raw == OK, "the connection goes on"
        assert len(origin.requests) == 1

    def test_each_request_is_asked(self, connect, start, origin):
        """That one on the same connection was right says nothing about the next."""
        client = connect(start(origin))
        for _ in range(2):
            assert client.exchange(get(fields=basic("alice"))).raw == OK
            client.send(get())
            refusal(client, {401})
            client.send(get(fields=basic("alice", "no")))
            refusal(client, {401})

    @pytest.mark.parametrize("settings", ["standby = 0\n", "standby = 2\nrecycle = 50\n"], ids=repr)
    def test_nothing_is_left_for_the_next_client(self, connect, start, origin, settings):
        bridge = start(origin, f"[proxy]\n{settings}")
        for _ in range(4):
            first = connect(bridge)
            assert first.exchange(get(fields=basic("alice"))).raw == OK
            first.close()
            second = connect(bridge)
            second.send(get())
            refusal(second, {401})
            second.close()

    def test_methods(self, connect, start_bridge, origin, users):
        """What htpasswd and crypt(3) make of them, each for a user."""
        made = subprocess.run(
            ["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", PASSWORD, "$y$j75$F5Jx5fExrKuPp53xLKQ..1$"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        bcrypt = subprocess.run(
            ["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", PASSWORD, "$2b$05$abcdefghijklmnopqrstuu"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        users.write_text(f"sha256:{hashed(PASSWORD, '-5')}\r\nyescrypt:{made}\nbcrypt:{bcrypt}\nblank in:{HASH}\n")
        client = connect(start_bridge(origin, f"[access]\nusers = {users}\n"))
        for name in ("sha256", "yescrypt", "bcrypt", "blank in"):
            assert client.exchange(get(fields=basic(name))).raw == OK

    def test_preflight_comes_first(self, connect, start, origin):
        """It has no credentials; the request after it has."""
        bridge = start(origin, "hosts = *\n[cors]\norigins = https://app.example\ncredentials = on\n")
        page = b"Origin: https://app.example\r\n"
        asks = b"Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: authorization\r\n"
        client = connect(bridge)
        answer = client.exchange(get(fields=page + asks).replace(b"GET", b"OPTIONS"))
        assert answer.status == 204 and answer.values(b"Access-Control-Allow-Headers") == [b"authorization"]
        client.send(get(fields=page))
        assert refusal(client, {401}).values(b"Access-Control-Allow-Origin") == [b"https://app.example"]
        assert client.exchange(get(fields=page + basic("alice"))).status == 200

    def test_explained(self, tmp_path, users):
        """Nobody is asked there; what would become of the credentials is said."""
        path = tmp_path / "proxy.ini"
        path.write_text(configuration("http://127.0.0.1:9", f"[access]\nusers = {users}\n", listen="127.0.0.1:8080"))
        done = run("-c", path, "--explain", "GET /", "-H", "Authorization: Basic abc")
        assert done.returncode == 0 and "- Authorization: Basic abc" in done.stdout
        assert "is for this bridge (users)" in done.stdout


class TestFile:
    def test_is_followed(self, connect, start, origin, users):
        bridge = start(origin)
        kept = connect(bridge)
        assert kept.exchange(get(fields=basic("alice"))).raw == OK
        users.write_text(f"bob:{HASH}\n")
        wait_until(lambda: kept.exchange(get(fields=basic("bob"))).status == 200, "bob may")
        for client in (kept, connect(bridge)):
            client.send(get(fields=basic("alice")))
            refusal(client, {401})
            assert client.exchange(get(fields=basic("bob"))).raw == OK
        bridge.message(f"{users} has changed, and is in use")

    @pytest.mark.parametrize("spoil", [os.unlink, lambda path: path.write_text("alice:secret\n")], ids=["gone", "faulty"])
    def test_that_cannot_be_used_lets_nobody_in(self, connect, start, origin, users, spoil):
        bridge = start(origin)
        client = connect(bridge)
        assert client.exchange(get(fields=basic("alice"))).raw == OK
        spoil(users)
        wait_until(lambda: client.exchange(get(fields=basic("alice"))).status != 200, "nobody is let in")
        client.send(get(fields=basic("alice")))
        answer = refusal(client, {503})
        assert answer.values(b"Proxy-Status") == [b"authbridge; error=proxy_configuration_error"]
        assert "requests are answered with 503" in bridge.complaint(str(users))
        users.write_text(f"alice:{HASH}\n")
        wait_until(lambda: client.exchange(get(fields=basic("alice"))).status == 200, "it can be used again")

    @pytest.mark.parametrize(
        ("content", "line", "says"),
        [
            row("DES", "a:ab1x2y3z4w5v6\n", 1, "weak or an unknown method; make one by htpasswd -nB NAME"),
            row("MD5", "a:$1$salt$qJH7.N4xYta3aEG/dfqo/0\n", 1, "openssl passwd -6"),
            row("no colon", "#\nalice\n", 2, "give name:hash"),
        ],
    )
    def test_fault_at_load(self, check, users, content, line, says):
        users.write_text(content)
        done = check(f"[proxy]\ntarget = http://127.0.0.1:9\n[access]\nusers = {users}\n")
        assert done.returncode == 78
        assert f"{check.path}:4: users: {users}:{line}: " in done.stderr and says in done.stderr

    def test_missing_at_load(self, check):
        done = check("[proxy]\ntarget = http://127.0.0.1:9\n[access]\nusers = /no/such/file\n")
        assert done.returncode == 78 and "/no/such/file: No such file" in done.stderr

    def test_open_to_all(self, check, users):
        text = f"[proxy]\ntarget = http://127.0.0.1:9\n[access]\nusers = {users}\n"
        done = check(text)
        assert done.returncode == 0 and "everybody" not in done.stderr
        assert f"users = {users}" in done.stdout and "$6$" not in done.stdout
        users.chmod(0o644)
        done = check(text)
        assert done.returncode == 0 and f"{users} can be read by everybody" in done.stderr


class TestToldOf:
    def test_failures_in_the_log(self, connect, start, origin):
        """The name of a user who is known, never what was typed in its place, and not more than one a second."""
        bridge = start(origin)
        client = connect(bridge)
        for name, password in (("alice", "wrong-" + SECRET), (SECRET, "alice")):
            told = "alice" if name == "alice" else "that is not in"

            def complaint(name=name, password=password, told=told):
                client.send(get(fields=basic(name, password)))
                refusal(client, {401})
                return [line for line in bridge.stderr.all if "gave a" in line and told in line]

            wait_until(complaint, f"a message about {told}")
        assert SECRET not in bridge.output()

    def test_rate_of_messages(self, connect, start, origin):
        bridge = start(origin)
        begun = time.monotonic()
        for _ in range(5):
            client = connect(bridge)
            for _ in range(4):
                client.send(get(fields=basic("alice", "no")))
                refusal(client, {401})
        seconds = time.monotonic() - begun
        bridge.message("gave a wrong password for user alice")
        messages = [line for line in bridge.stderr.all if "gave a wrong password" in line]
        assert len(messages) <= 2 + seconds

    def test_failures_are_counted(self, connect, start, origin):
        bridge = start(origin, STATUS)
        client = connect(bridge.addresses[0])
        for name in ("alice", "bob"):
            client.send(get(fields=basic(name, "no")))
            refusal(client, {401})
        client.send(get())
        refusal(client, {401})
        page = StatusPage(bridge, connect)
        page.wait_for("authbridge_sign_ins_failed_total", 2)

    @pytest.mark.parametrize("form", ["text", "json", "combined"])
    def test_name_in_the_access_line(self, connect, start, origin, users, form):
        users.write_text(f"Zoë B:{HASH}\n")
        bridge = start(origin, f"[log]\nformat = {form}\n")
        assert connect(bridge).exchange(get(fields=basic("Zoë B"))).raw == OK
        line = bridge.stdout.wait(lambda _: True, 1, "access line")[0]
        assert "Authorization" not in line
        if form == "json":
            assert json.loads(line)["user.name"] == "Zoë B"
        else:
            name = r"Zo\xC3\xAB\x20B" if form == "text" else r"Zo\xc3\xab\x20B"
            assert (f" user={name}" if form == "text" else f" - {name} [") in line


def test_browser_signs_in(browser, start, start_target):
    """Chromium answers the challenge with what stands in the URL, and a page's fetch goes on with it."""
    page = b'<!DOCTYPE html><title>in</title><link rel="icon" href="data:,"><p>hello</p>'
    target = start_target().serve(answering(response(fields=b"Content-Type: text/html\r\n", content=page)))
    bridge = start(target, "[timeouts]\ndrain = 100ms\n")
    browser.open(f"http://alice:{SECRET}%3A%20Gr%C3%BC%C3%9Fe@{bridge.address}/")
    assert browser.text() == "hello"
    browser.open(bridge.url)  # from a page without them in its URL, which may fetch
    assert browser.settle("return (await fetch('/again')).status") == 200
    assert not any(seen.values(b"Authorization") for seen in target.requests)
    browser.complaints()
