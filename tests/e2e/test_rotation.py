"""Secrets with files: a new content is in use within 2 s, on every connection, and without one nothing is sent."""

import os
import signal
import time

import pytest
from bridge import SECRET
from message import OK, get, post, row
from rawclient import refusal
from wire import wait_until

LOGGED_AGAIN = 10  # seconds between two lines about one fault
WITHIN = 2.0


@pytest.fixture
def token(tmp_path):
    """The file of the secret, as somebody else writes it."""
    path = tmp_path / "token"
    path.write_text("old\n")
    return path


def settings(token):
    return f"[request-headers]\nAuthorization = Bearer ${{file:{token}}}\n"


def rename(path, text):
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


def rewrite(path, text):
    path.write_text(text)


def in_pieces(path, text):
    """As a slow writer does it: empty for a moment, then half, then whole."""
    with path.open("w", buffering=1) as file:
        time.sleep(0.02)
        file.write(text[:2])
        file.flush()
        time.sleep(0.02)
        file.write(text[2:])


def values(origin):
    return [request.values(b"Authorization")[0] for request in origin.requests]


def use(client, origin):
    """One exchange; says the secret that the target was sent."""
    assert client.exchange(get()).raw == OK
    return values(origin)[-1]


class TestRotation:
    WAYS = [row("renamed over it", rename), row("rewritten", rewrite), row("rewritten slowly", in_pieces)]

    @pytest.mark.parametrize("change", WAYS)
    def test_in_use_within_two_seconds(self, connect, start_bridge, origin, token, change):
        """On a connection that lives already, and on new ones; never anything but the old one or the new one."""
        bridge = start_bridge(origin, settings(token))
        kept = connect(bridge)
        assert use(kept, origin) == b"Bearer old"
        change(token, SECRET)
        limit = time.monotonic() + WITHIN
        new = b"Bearer " + SECRET.encode()
        wait_until(lambda: use(kept, origin) == new, "the kept connection uses the new secret", WITHIN)
        wait_until(lambda: use(connect(bridge), origin) == new, "so does a new one", limit - time.monotonic())
        assert set(values(origin)) == {b"Bearer old", new}

    def test_idle_connection_has_it_at_once(self, connect, start_bridge, origin, token):
        """One that was idle for longer uses it for its next request."""
        bridge = start_bridge(origin, settings(token))
        kept = connect(bridge)
        use(kept, origin)
        rename(token, "new")
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > WITHIN, "time has passed")
        assert use(kept, origin) == b"Bearer new"
        assert use(connect(bridge), origin) == b"Bearer new"

    def test_longer_one(self, connect, start_bridge, origin, token):
        """Far longer than what was there when the connection's buffers were made."""
        bridge = start_bridge(origin, settings(token))
        kept = connect(bridge)
        use(kept, origin)
        rename(token, "n" * 60000)
        wait_until(lambda: use(kept, origin) == b"Bearer " + b"n" * 60000, "the new secret is in use", WITHIN)

    def test_one_line_in_the_log(self, connect, start_bridge, origin, token):
        bridge = start_bridge(origin, settings(token))
        clients = [connect(bridge) for _ in range(5)]
        for client in clients:
            use(client, origin)
        rename(token, SECRET)
        for client in clients:
            wait_until(lambda: use(client, origin) != b"Bearer old", "the new secret is in use", WITHIN)
        assert bridge.output().count(f"{token} has changed") == 1

    def test_credential(self, connect, start_bridge, origin, tmp_path, token):
        more = "[request-headers]\nAuthorization = Bearer ${cred:token}\n"
        bridge = start_bridge(origin, more, env={"CREDENTIALS_DIRECTORY": str(tmp_path)})
        kept = connect(bridge)
        assert use(kept, origin) == b"Bearer old"
        rename(token, "new")
        wait_until(lambda: use(kept, origin) == b"Bearer new", "the new secret is in use", WITHIN)

    def test_while_stopping(self, connect, start_bridge, origin, token):
        """A rotation does not disturb a drain."""
        bridge = start_bridge(origin, settings(token))
        use(connect(bridge), origin)
        rename(token, "new")
        bridge.signal(signal.SIGTERM)
        assert bridge.wait_exit() == 0


class TestEgress:
    def test_password_of_the_outgoing_proxy(self, connect, start_bridge, start_target, token):
        """Read again for the next connection to the target."""
        proxy = start_target()
        egress = f"egress = http://user:${{file:{token}}}@127.0.0.1:{proxy.port}\n"
        bridge = start_bridge("https://target.example", egress)

        def asked_with():
            client = connect(bridge)
            client.send(get())
            upstream = proxy.accept()
            head = upstream.read_head()
            upstream.close()
            client.close()
            return head

        assert b"Authorization: Basic dXNlcjpvbGQ=\r\n" in asked_with()  # user:old
        rename(token, "new")
        wait_until(lambda: b"Basic dXNlcjpuZXc=\r\n" in asked_with(), "the new password is in use", WITHIN)


class TestUnusable:
    FAULTS = [
        row("gone", lambda path: path.unlink(), "No such file"),
        row("empty", lambda path: rename(path, ""), "is empty"),
        row("two lines", lambda path: rename(path, f"{SECRET}\n{SECRET}\n"), "control octet"),
        row("a folder", lambda path: (path.unlink(), path.mkdir()), "is not a file"),
    ]

    def spoil(self, bridge, client, origin, change):
        """Makes the secret unusable, and waits until it is not used any more: the answer to that request."""
        change()
        limit = time.monotonic() + WITHIN
        while True:
            client.send(get())
            answer = client.read_response()
            if answer.status != 200:
                return answer
            assert time.monotonic() < limit, "the old secret is still in use"

    @pytest.mark.parametrize("change, problem", FAULTS)
    def test_nothing_is_sent(self, connect, start_bridge, origin, token, change, problem):
        bridge = start_bridge(origin, settings(token))
        kept = connect(bridge)
        use(kept, origin)
        answer = self.spoil(bridge, kept, origin, lambda: change(token))
        sent = len(origin.requests)
        assert answer.status == 502
        assert answer.values(b"Proxy-Status") == [b"authbridge; error=proxy_configuration_error"]
        assert str(token).encode() not in answer.raw
        bridge.complaint(f"{token}")
        assert problem in bridge.output()
        for client in (kept, connect(bridge)):
            client.send(get())
            refusal(client, {502})
        other = connect(bridge)
        other.send(post(b"abc"))
        refusal(other, {502})
        assert len(origin.requests) == sent
        if token.is_dir():
            token.rmdir()
        rename(token, "again")
        wait_until(lambda: kept.exchange(get()).status == 200, "it serves again", WITHIN)
        assert connect(bridge).exchange(get()).raw == OK
        assert set(values(origin)) == {b"Bearer old", b"Bearer again"}

    def test_logged_once(self, connect, start_bridge, origin, token):
        bridge = start_bridge(origin, settings(token))
        clients = [connect(bridge) for _ in range(5)]
        for client in clients:
            use(client, origin)
        began = time.monotonic()
        token.unlink()
        for client in clients:
            wait_until(lambda: client.exchange(get()).status == 502, "it is not used any more", WITHIN)
        assert [client.exchange(get()).status for client in clients] == [502] * 5
        for client in clients:
            client.close()
        bridge.stop()
        lines = sum("cannot read" in line for line in bridge.stderr.all)
        assert 1 <= lines <= 1 + (time.monotonic() - began) // LOGGED_AGAIN
        assert bridge.access(count=len(bridge.stdout.all))["error"] == "proxy_configuration_error"

    def test_at_the_start(self, start_bridge, origin, token):
        token.unlink()
        bridge = start_bridge(origin, settings(token), wait=False)
        bridge.expected_status = 78
        assert bridge.wait_exit() == 78

    def test_at_a_reload(self, connect, start_bridge, origin, token):
        """The reload fails, and the secret fails by itself."""
        bridge = start_bridge(origin, settings(token))
        token.unlink()
        bridge.signal(signal.SIGHUP)
        bridge.message("reload failed")
        rename(token, "again")
        bridge.signal(signal.SIGHUP)
        bridge.message("authbridge: reloaded")
        assert use(connect(bridge), origin) == b"Bearer again"

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to start as another user")
    def test_pipe_at_a_reload(self, connect, start_bridge, origin, token, tmp_path):
        """A pipe that nobody writes to does not keep the bridge from serving."""
        bridge = start_bridge(origin, settings(token))
        os.mkfifo(tmp_path / "pipe")
        bridge.reload(bridge.config.read_text().replace(str(token), f"{tmp_path}/pipe"))
        bridge.complaint("reload failed")
        assert use(connect(bridge), origin) == b"Bearer old"

    def test_no_permission(self, connect, start_bridge, origin, public_folder):
        token = public_folder / "token"
        token.write_text("old")
        os.chown(token, 65534, 65534)
        bridge = start_bridge(
            arguments=["--target", origin.url, "--listen", "127.0.0.1:0", "--header", f"X-A: ${{file:{token}}}"],
            through=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
        )
        kept = connect(bridge)
        assert kept.exchange(get()).status == 200
        token.chmod(0)
        wait_until(lambda: kept.exchange(get()).status == 502, "it is not used any more", WITHIN)
        bridge.complaint("Permission denied")
