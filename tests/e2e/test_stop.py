"""Stopping: by force nothing looks whole that is not, nobody who waits is turned away, and load keeps no signal out."""

import os
import signal
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from bridge import configuration
from message import DATE, OK, get, row
from rawclient import ask
from wire import DEADLINE, wait_until

CHUNKED = b"HTTP/1.1 200 OK\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"


class TestForcedEnd:
    """A response that ends with its connection: cut short it ends with RST, for FIN would make it whole."""

    RESPONSES = [
        row("no length", (get(), b"HTTP/1.1 200 OK\r\n\r\nhello", b"")),
        row("HTTP/1.0 target", (get(), b"HTTP/1.0 200 OK\r\n\r\nhello", b"")),
        row("chunked for HTTP/1.0", (get(version=b"HTTP/1.0"), CHUNKED, b"0\r\n\r\n")),
    ]

    @pytest.fixture(params=RESPONSES)
    def begun(self, request, connect, start_bridge, target):
        """Begins the response: the bridge, the client, the target's connection, and what completes the response."""
        question, answer, rest = request.param

        def begin(settings=""):
            bridge = start_bridge(target, settings)
            client = connect(bridge)
            upstream = ask(client, target, question)
            upstream.send(answer)
            client.read_until(b"hello")
            return bridge, client, upstream, rest

        return begin

    def test_second_signal(self, begun):
        bridge, client, _, _ = begun()
        bridge.signal(signal.SIGTERM)
        bridge.message("authbridge: stopping")
        bridge.signal(signal.SIGTERM)
        assert client.end() == "RST"
        assert bridge.wait_exit() == 0

    def test_drain_runs_out(self, begun):
        bridge, client, _, _ = begun("[timeouts]\ndrain = 300ms\n")
        bridge.signal(signal.SIGTERM)
        assert client.end() == "RST"
        assert bridge.wait_exit() == 0

    def test_killed_child(self, begun):
        bridge, client, _, _ = begun()
        (child,) = bridge.children()
        os.kill(child, signal.SIGKILL)
        assert client.end() == "RST"

    def test_killed_master(self, begun):
        bridge, client, _, _ = begun()
        bridge.expected_status = -signal.SIGKILL
        bridge.signal(signal.SIGKILL)
        assert client.end() == "RST"

    def test_complete(self, begun):
        _, client, upstream, rest = begun()
        upstream.send(rest)
        upstream.close()
        assert client.end() == "FIN"

    def test_complete_for_one_that_reads_late(self, connect, start_bridge, start_target):
        """It has ended its own direction, so that nothing of it is waited for; what it gets is whole nevertheless."""
        content = b"a" * 2_000_000
        answer = b"HTTP/1.1 200 OK\r\n\r\n" + content
        target = start_target().serve(lambda upstream: (upstream.read_head(), upstream.send(answer)))
        bridge = start_bridge(target)
        client = connect(bridge)
        client.send(get())
        client.finish()
        client.read_head()
        read = b""
        while not bridge.stdout.all:  # the exchange is over when the rest is in the kernel
            read += client.read(1000)
            time.sleep(0.001)
        wait_until(lambda: not bridge.children(), "the child has ended")
        assert read + client.read_to_end() == content
        assert client.ending == "FIN"

    def test_complete_while_draining(self, begun):
        bridge, client, upstream, rest = begun()
        bridge.signal(signal.SIGTERM)
        bridge.message("authbridge: stopping")
        upstream.send(rest)
        upstream.close()
        assert client.end() == "FIN"
        client.close()
        assert bridge.wait_exit() == 0


class TestOtherSignals:
    """What comes besides while it stops."""

    @pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
    @pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
    def test_again(self, connect, start_bridge, target, first, second):
        bridge = start_bridge(target)
        client = connect(bridge)
        ask(client, target)
        bridge.signal(first)
        bridge.message("authbridge: stopping")
        bridge.signal(second)
        assert bridge.wait_exit() == 0
        assert client.end() in ("FIN", "RST")

    def test_reload(self, connect, start_bridge, target):
        """It is not done any more, whatever the file says, and what is under way finishes."""
        bridge = start_bridge(target)
        client = connect(bridge)
        upstream = ask(client, target)
        bridge.signal(signal.SIGTERM)
        bridge.message("authbridge: stopping")
        bridge.reload("no configuration\n")
        bridge.signal(signal.SIGUSR1)
        bridge.message("authbridge: status")
        upstream.send(OK)
        assert client.read_response().content == b"ok"
        client.close()
        assert bridge.wait_exit() == 0
        assert "reload" not in bridge.output().replace("reloads", "")


class TestKeptConnections:
    """Between two requests, when the stop begins: the next one may be on its way."""

    def test_used_just_now(self, connect, start_bridge, origin):
        bridge = start_bridge(origin)
        client = connect(bridge)
        client.exchange(get())
        bridge.signal(signal.SIGTERM)
        bridge.message("authbridge: stopping")
        answer = client.exchange(get())
        assert answer.content == b"ok" and answer.values(b"Connection") == [b"close"]
        assert client.end() == "FIN"

    def test_idle_for_longer(self, connect, start_bridge, origin):
        bridge = start_bridge(origin)
        client = connect(bridge)
        client.exchange(get())
        began = time.monotonic()
        wait_until(lambda: time.monotonic() > began + 1.1, "a second has passed")
        bridge.signal(signal.SIGTERM)
        bridge.message("authbridge: stopping")
        assert client.end() == "FIN"
        client.close()
        assert bridge.wait_exit() == 0


class TestWaitingConnections:
    """Who has connected before the signal is answered, though the master has not yet taken the connection."""

    COUNT = 20

    def sent(self, connect, addresses):
        clients = [connect(address) for address in addresses for _ in range(self.COUNT)]
        for client in clients:
            client.send(get())
        return clients

    def answered(self, clients):
        assert [client.read_response().content for client in clients] == [b"ok"] * len(clients)
        for client in clients:
            client.close()

    def test_in_the_queue(self, connect, start_bridge, origin, tmp_path):
        bridge = start_bridge(origin, listen=f"127.0.0.1:0, unix:{tmp_path}/socket")
        with bridge.paused():
            clients = self.sent(connect, bridge.addresses)
            bridge.signal(signal.SIGTERM)
        self.answered(clients)
        assert bridge.wait_exit() == 0

    def test_in_the_queue_of_an_address_that_a_reload_drops(self, connect, start_bridge, origin, tmp_path):
        bridge = start_bridge(origin, listen=f"127.0.0.1:0, unix:{tmp_path}/socket")
        with bridge.paused():
            clients = self.sent(connect, bridge.addresses)
            bridge.reload(bridge.config.read_text().replace("127.0.0.1:0, ", "127.0.0.2:0, "))
        self.answered(clients)

    def test_on_their_way(self, connect, start_bridge, origin):
        bridge = start_bridge(origin)
        clients = self.sent(connect, bridge.addresses)
        bridge.signal(signal.SIGTERM)
        self.answered(clients)
        assert bridge.wait_exit() == 0


class TestFlood:
    """A listener that always has a connection ready."""

    @pytest.fixture
    def path(self, tmp_path):
        return str(tmp_path / "socket")

    @contextmanager
    def flood(self, path):
        """Connects without pause, from several threads, until the block ends or nobody listens; says the threads."""
        over = threading.Event()
        limit = time.monotonic() + DEADLINE

        def connect_on():
            while not over.is_set() and time.monotonic() < limit:
                with socket.socket(socket.AF_UNIX) as sock:
                    if sock.connect_ex(path) != 0:
                        return

        threads = [threading.Thread(target=connect_on, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield threads
        finally:
            over.set()
            for thread in threads:
                thread.join(DEADLINE)

    def test_stop(self, start_bridge, origin, path):
        bridge = start_bridge(origin, listen=f"unix:{path}")
        with self.flood(path):
            bridge.signal(signal.SIGTERM)
            assert bridge.wait_exit() == 0

    def test_reload(self, start_bridge, origin, path):
        bridge = start_bridge(origin, listen=f"unix:{path}")
        with self.flood(path) as threads:
            bridge.reload(configuration(origin.url, listen=f"unix:{path}"))
            bridge.message("authbridge: reloaded")
            assert all(thread.is_alive() for thread in threads), "the flood was over before"
