"""Sockets that were opened beforehand and are handed over, as systemd does it (sd_listen_fds(3))."""

import os
import signal
import socket
import time
from contextlib import suppress

import pytest
from bridge import configuration
from message import OK, get
from rawclient import ask


def text_of(sock):
    """Where a socket listens, as the bridge writes it."""
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return f"unix:{name}"
    return f"[{name[0]}]:{name[1]}" if sock.family == socket.AF_INET6 else f"{name[0]}:{name[1]}"


@pytest.fixture
def listener():
    """Opens listening sockets that the test keeps, whatever becomes of the bridge."""
    opened = []

    def start(address=("127.0.0.1", 0), family=socket.AF_INET):
        sock = socket.socket(family)
        opened.append(sock)
        sock.bind(address)
        sock.listen(200)
        return sock

    yield start
    for sock in opened:
        sock.close()


def without_listen(target, more=""):
    return f"[proxy]\ntarget = {target.url}\n{more}"


class TestInherited:
    def test_all_where_listen_is_not_set(self, connect, start_bridge, origin, listener, tmp_path):
        sockets = [
            listener(),
            listener(("::1", 0), socket.AF_INET6),
            listener(str(tmp_path / "socket"), socket.AF_UNIX),
        ]
        bridge = start_bridge(text=without_listen(origin), sockets=sockets)
        assert bridge.addresses == [text_of(sock) for sock in sockets]
        for sock in sockets:
            assert connect(text_of(sock)).exchange(get()).raw == OK
        assert bridge.output().count("(inherited)") == 3

    def test_matched_by_address(self, connect, start_bridge, origin, listener):
        sock = listener()
        bridge = start_bridge(origin, listen=f"127.0.0.1:0, {text_of(sock)}", sockets=[sock])
        assert bridge.addresses[1] == text_of(sock) and len(bridge.addresses) == 2
        for address in bridge.addresses:
            assert connect(address).exchange(get()).raw == OK
        assert bridge.output().count("(inherited)") == 1

    def test_not_in_listen(self, connect, start_bridge, origin, listener):
        sock = listener()
        bridge = start_bridge(origin, sockets=[sock])
        bridge.complaint(f"inherited socket {text_of(sock)} is not served")
        assert connect(bridge).exchange(get()).raw == OK

    def test_reload_lets_go_and_takes_again(self, connect, start_bridge, origin, listener):
        sock = listener()
        bridge = start_bridge(text=without_listen(origin), sockets=[sock])
        bridge.reload(configuration(origin.url))
        bridge.complaint(f"inherited socket {text_of(sock)} is not served")
        waiting = connect(text_of(sock))
        waiting.send(get())
        bridge.reload(without_listen(origin))
        assert waiting.read_response().raw == OK

    def test_open_to_all_needs_allow(self, start_bridge, origin, listener):
        sock = listener(("0.0.0.0", 0))
        bridge = start_bridge(text=without_listen(origin), sockets=[sock], wait=False)
        bridge.expected_status = 78
        assert bridge.wait_exit() == 78
        assert "set allow in [access]" in bridge.output()

    def test_open_to_all_with_allow(self, connect, start_bridge, origin, listener):
        sock = listener(("0.0.0.0", 0))
        start_bridge(text=without_listen(origin, "[access]\nallow = 127.0.0.0/8\n"), sockets=[sock])
        assert connect(f"127.0.0.1:{sock.getsockname()[1]}").exchange(get()).raw == OK

    def test_no_listener(self, start_bridge, origin):
        with socket.socket() as sock:
            bridge = start_bridge(text=without_listen(origin), sockets=[sock], wait=False)
            bridge.expected_status = 78
            assert bridge.wait_exit() == 78
        bridge.complaint("is not a listening stream socket")

    def test_children_do_not_hold_it(self, connect, start_bridge, target, listener):
        """A child that outlives the master's interest must not keep the port."""
        sock = listener()
        bridge = start_bridge(text=without_listen(target), sockets=[sock])
        ask(connect(text_of(sock)), target)
        (child,) = bridge.children()
        inode = os.fstat(sock.fileno()).st_ino
        held = [os.stat(entry.path).st_ino for entry in os.scandir(f"/proc/{child}/fd")]
        assert inode not in held


class TestRestart:
    def test_queue_is_left_to_the_next(self, connect, start_bridge, origin, listener):
        """What waits when the stop begins is not reset, nor taken to the last: the next instance answers it."""
        count = 40
        sock = listener()
        first = start_bridge(text=without_listen(origin), sockets=[sock])
        with first.paused():
            waiting = [connect(text_of(sock)) for _ in range(count)]
            for client in waiting:
                client.send(get())
            first.signal(signal.SIGTERM)
        assert first.wait_exit() == 0
        assert len(origin.requests) < count
        start_bridge(text=without_listen(origin), sockets=[sock])
        assert [client.read_response().content for client in waiting] == [b"ok"] * count

    def test_unix_socket_stays_in_place(self, connect, start_bridge, origin, listener, tmp_path):
        sock = listener(str(tmp_path / "socket"), socket.AF_UNIX)
        start_bridge(text=without_listen(origin), sockets=[sock]).stop()
        assert (tmp_path / "socket").is_socket()

    def test_in_flight_finishes(self, connect, start_bridge, target, listener):
        sock = listener()
        first = start_bridge(text=without_listen(target), sockets=[sock])
        client = connect(text_of(sock))
        upstream = ask(client, target)
        first.signal(signal.SIGTERM)
        first.message("authbridge: stopping")
        upstream.send(OK)
        assert client.read_response().content == b"ok"
        client.close()
        assert first.wait_exit() == 0


class TestNotification:
    """What the manager hears, when it is a test."""

    @pytest.fixture
    def manager(self, tmp_path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.bind(str(tmp_path / "notify"))
            sock.settimeout(10)
            yield sock

    def hear(self, manager, marker):
        """Waits for a message with that line's beginning; says its lines as a dict."""
        limit = time.monotonic() + 10
        while time.monotonic() < limit:
            lines = dict(line.split("=", 1) for line in manager.recv(4096).decode().splitlines())
            if marker in lines:
                return lines
        raise AssertionError(f"no {marker}")

    def test_life(self, start_bridge, origin, manager):
        bridge = start_bridge(origin, env={"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "200000"})
        assert self.hear(manager, "READY")["STATUS"].startswith("0 of 512 connections")
        assert self.hear(manager, "WATCHDOG")
        before = time.monotonic_ns() // 1000
        bridge.reload(configuration(origin.url, "[timeouts]\nconnect = 10\n"))
        assert before <= int(self.hear(manager, "RELOADING")["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        assert f"{bridge.config}:5: connect = 10" in self.hear(manager, "READY")["STATUS"]
        bridge.reload(configuration(origin.url))
        self.hear(manager, "RELOADING")
        assert self.hear(manager, "READY")["STATUS"].startswith("0 of 512")
        bridge.signal(signal.SIGTERM)
        assert self.hear(manager, "STOPPING")["EXTEND_TIMEOUT_USEC"] == "35000000"
        assert bridge.wait_exit() == 0

    def test_reload_while_a_secret_is_gone(self, start_bridge, origin, manager, tmp_path):
        """Its message belongs to the configuration that goes."""
        secret = tmp_path / "secret"
        secret.write_text("old")
        env = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "200000"}
        bridge = start_bridge(origin, f"[request-headers]\nX-A = ${{file:{secret}}}\n", env=env)
        self.hear(manager, "READY")
        secret.unlink()
        bridge.complaint(f"cannot read {secret}")
        bridge.reload(configuration(origin.url))
        self.hear(manager, "RELOADING")
        assert self.hear(manager, "READY")["STATUS"].startswith("0 of 512")

    def test_failure(self, start_bridge, origin, manager):
        bridge = start_bridge(text="[proxy]\n", env={"NOTIFY_SOCKET": manager.getsockname()}, wait=False)
        bridge.expected_status = 78
        assert "target is missing" in self.hear(manager, "STATUS")["STATUS"]
        assert bridge.wait_exit() == 78

    def test_manager_that_does_not_read(self, connect, start_bridge, origin, manager):
        """Its queue is full; the bridge starts and serves nevertheless."""
        manager.setblocking(False)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler, suppress(BlockingIOError):
            filler.setblocking(False)
            while True:
                filler.sendto(b"X=1", manager.getsockname())
        bridge = start_bridge(origin, env={"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "100000"})
        assert connect(bridge).exchange(get()).raw == OK
