"""Children made ahead of need: connected before a client comes, handed one each, replaced, ended at a reload or a stop."""

import os
import re
import signal
import socket
import time

import pytest
from message import OK, get, post
from processes import cpu_seconds, writable_memory
from rawclient import refusal
from target import answering
from wire import wait_until


def started(bridge, count):
    """Waits until there are so many standbys."""
    return wait_until(lambda: len(bridge.standbys()) == count and bridge.standbys(), f"{count} standbys")


def connected(target, count):
    """Waits until so many connections to the target stand on which nothing has come."""

    def settled():
        target._accept_waiting()
        return len(target.idle) >= count

    wait_until(settled, f"{count} connections ahead")


@pytest.fixture(params=["http", "https"])
def secured(request, start_target, certificates):
    return start_target(tls=certificates.good.server() if request.param == "https" else None)


def settings(certificates, standby):
    return f"standby = {standby}\n[tls]\nca_file = {certificates.authority.pem}\n"


class TestConnections:
    def test_are_made_ahead(self, start_bridge, secured, certificates):
        start_bridge(secured, settings(certificates, 3))
        connected(secured, 3)
        assert secured.received() == b""

    def test_carry_the_first_request(self, connect, start_bridge, secured, certificates):
        bridge = start_bridge(secured, settings(certificates, 1))
        connected(secured, 1)
        (ahead,) = secured.idle
        client = connect(bridge)
        client.send(get())
        assert secured.accept() is ahead
        ahead.read_request()
        ahead.send(OK)
        assert client.read_response().raw == OK

    def test_not_without_preconnect(self, connect, start_bridge, target):
        bridge = start_bridge(target, "standby = 2\npreconnect = off\n")
        started(bridge, 2)
        client = connect(bridge)
        client.send(get())
        upstream = target.accept()
        assert target.idle == []
        upstream.read_request()
        upstream.send(OK)
        assert client.read_response().raw == OK

    def test_that_the_target_closes_are_not_used(self, connect, start_bridge, target):
        bridge = start_bridge(target, "standby = 1\n")
        connected(target, 1)
        (ahead,) = target.idle
        ahead.close()
        target.idle.clear()
        client = connect(bridge)
        client.send(post(b"hello"))
        upstream = target.accept()
        assert upstream.read_request().content == b"hello"
        upstream.send(OK)
        assert client.read_response().raw == OK

    def test_octets_on_an_idle_one_are_not_an_answer(self, connect, start_bridge, target):
        bridge = start_bridge(target, "standby = 1\n")
        connected(target, 1)
        (ahead,) = target.idle
        ahead.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        assert ahead.end()
        target.idle.clear()
        client = connect(bridge)
        client.send(get())
        upstream = target.accept()
        upstream.read_request()
        upstream.send(OK)
        assert client.read_response().raw == OK

    def test_to_a_target_that_is_down(self, connect, start_bridge, start_target):
        target = start_target()
        port = target.port
        target.close()
        bridge = start_bridge(f"http://127.0.0.1:{port}", "standby = 2\n")
        standbys = started(bridge, 2)
        client = connect(bridge)
        client.send(get())
        refusal(client, {502})
        assert started(bridge, 2) != standbys
        start_target(("127.0.0.1", port)).serve(answering(OK))
        assert connect(bridge).exchange(get()).raw == OK


class TestChildren:
    def test_each_serves_one_client(self, connect, start_bridge, origin):
        bridge = start_bridge(origin, "standby = 2\nrecycle = 1\n")
        seen = set()
        for _ in range(6):
            started(bridge, 2)
            client = connect(bridge)
            assert client.exchange(get()).raw == OK
            (child,) = bridge.children()
            assert child not in seen
            seen.add(child)
            client.close()
            wait_until(lambda: not bridge.children(), "the child has ended")

    def test_more_clients_than_standbys(self, connect, start_bridge, origin):
        bridge = start_bridge(origin, "standby = 2\n")
        clients = [connect(bridge) for _ in range(12)]
        assert [client.exchange(get()).raw for client in clients] == [OK] * 12
        wait_until(lambda: len(bridge.children()) == 12, "a child for each client")
        started(bridge, 2)

    def test_do_not_count_towards_the_limit(self, connect, start_bridge, origin):
        bridge = start_bridge(origin, "standby = 4\n[limits]\nconnections = 2\n")
        started(bridge, 4)
        clients = [connect(bridge) for _ in range(2)]
        assert [client.exchange(get()).raw for client in clients] == [OK] * 2

    def test_one_that_dies_is_replaced(self, connect, start_bridge, origin):
        bridge = start_bridge(origin, "standby = 1\n")
        (victim,) = started(bridge, 1)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: bridge.standbys() not in ([], [victim]), "another standby")
        assert connect(bridge).exchange(get()).raw == OK

    def test_have_no_sockets_of_others(self, start_bridge, target):
        bridge = start_bridge(target, "standby = 3\npreconnect = off\n")

        def sockets(child):
            links = (os.readlink(f"/proc/{child}/fd/{fd}") for fd in os.listdir(f"/proc/{child}/fd") if int(fd) > 2)
            return [link for link in links if link.startswith("socket:")]

        children = started(bridge, 3)
        of_master = sockets(bridge.pid)
        for child in children:
            # its channel, the socket by which it comes back, and libcurl's pair for wake-ups
            assert len(sockets(child)) <= 4
            assert len(set(sockets(child)) & set(of_master)) <= 1

    def test_a_reload_replaces_them(self, connect, start_bridge, start_target, origin):
        bridge = start_bridge(origin, "standby = 2\n")
        old = started(bridge, 2)
        other = start_target().serve(answering(OK))
        bridge.reload(bridge.config.read_text().replace(origin.url, other.url))
        bridge.message("reloaded")
        wait_until(lambda: len(bridge.standbys()) == 2 and not set(old) & set(bridge.standbys()), "new standbys")
        assert connect(bridge).exchange(get()).raw == OK
        assert len(other.requests) == 1 and not origin.requests

    def test_a_stop_ends_them(self, start_bridge, origin):
        bridge = start_bridge(origin, "standby = 4\n")
        started(bridge, 4)
        bridge.signal(signal.SIGTERM)
        assert bridge.wait_exit() == 0

    def test_client_that_waits_for_the_connection(self, connect, start_bridge):
        """It came while its standby's handshake with the target was under way."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            bridge = start_bridge(f"https://127.0.0.1:{listener.getsockname()[1]}", "standby = 1\n[timeouts]\nconnect = 1s\n")
            started(bridge, 1)
            client = connect(bridge)
            client.send(get())
            assert client.read_response().status == 504


class TestRecycling:
    def test_one_child_serves_some(self, connect, start_bridge, origin):
        bridge = start_bridge(origin, "standby = 1\nrecycle = 3\n")
        (child,) = started(bridge, 1)
        for number in range(3):
            client = connect(bridge)
            assert client.exchange(get()).raw == OK
            assert bridge.children() == [child]
            client.close()
            if number < 2:
                wait_until(lambda: bridge.processes() == {bridge.pid, child}, "it is back, and alone")
        wait_until(lambda: child not in bridge.processes(), "it has ended")

    @pytest.mark.parametrize(
        ("settings", "fields", "connections"),
        [
            ("", b"", 1),
            ("", b"Cookie: a=b\r\n", 1),
            ("", b"Authorization: Negotiate a\r\n", 2),
            ("", b"authorization: Basic a\r\n", 2),
            ("[request-headers]\nAuthorization = Bearer b\n", b"Authorization: Negotiate a\r\n", 1),
        ],
        ids=repr,
    )
    def test_the_targets_connection_stays(self, connect, start_bridge, origin, settings, fields, connections):
        """Unless it may belong to the client that has gone."""
        bridge = start_bridge(origin, "standby = 0\nrecycle = 10\n" + settings)
        for _ in range(5):  # a child that comes back is ended after 2 s
            wait_until(lambda: not bridge.standbys(), "there is none from before")
            before = len(origin.used)
            children = []
            for request in (get(fields=fields), get()):
                client = connect(bridge)
                assert client.exchange(request).raw == OK
                children += bridge.children()
                client.close()
                wait_until(lambda: not bridge.children(), "the child has come back")
            if len(set(children)) == 1:
                break
        assert len(set(children)) == 1 and len(origin.used) - before == connections

    def test_the_targets_connection_ended_meanwhile(self, connect, start_bridge, target):
        """The next client's request goes over a new one, whatever it is."""
        bridge = start_bridge(target, "standby = 0\nrecycle = 10\n")
        for request in (get(), post(b"a"), post(b"b")):
            client = connect(bridge)
            client.send(request)
            upstream = target.accept()
            upstream.read_request()
            upstream.send(OK)
            assert client.read_response().status == 200
            client.close()
            wait_until(lambda: not bridge.children(), "the child has come back")
            upstream.close()

    def test_a_crowd_without_standbys(self, connect, start_bridge, origin):
        bridge = start_bridge(origin, "standby = 0\nrecycle = 10\n")
        for _ in range(3):
            clients = [connect(bridge) for _ in range(5)]
            assert [client.exchange(get()).raw for client in clients] == [OK] * 5
            for client in clients:
                client.close()
            wait_until(lambda: not bridge.children(), "the children have come back")
        wait_until(lambda: not bridge.standbys(), "those that are not wanted have ended")

    def test_a_stop_waits_for_one_that_would_come_back(self, connect, start_bridge, target):
        bridge = start_bridge(target, "standby = 1\nrecycle = 10\n")
        started(bridge, 1)
        client = connect(bridge)
        client.send(get())
        upstream = target.accept()
        bridge.signal(signal.SIGTERM)
        bridge.message("stopping")
        upstream.read_request()
        upstream.send(OK)
        assert client.read_response().values(b"Connection") == [b"close"]
        client.close()
        assert bridge.wait_exit() == 0

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may read the memory of the daemon's processes")
    @pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="AddressSanitizer keeps copies of what it looks at")
    def test_nothing_of_a_client_stays_in_memory(self, connect, start_bridge, target):
        bridge = start_bridge(target, "standby = 1\nrecycle = 10\n")
        (child,) = started(bridge, 1)
        client = connect(bridge)
        client.send(
            b"POST /only-his-target HTTP/1.1\r\nHost: a\r\nX: only-his-field\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"10\r\nonly-his-content\r\n0\r\nFirst: a\r\nSecond: " + 9 * b"only-his-trailer " + b"\r\n\r\n"
        )
        upstream = target.accept()
        assert upstream.read_request().content == b"only-his-content"
        upstream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\nX: only-his-answer\r\n\r\nonly-his-answer")
        assert client.read_response().content == b"only-his-answer"
        client.close()
        wait_until(lambda: child in bridge.standbys() and not bridge.children(), "the child has come back")
        assert set(re.findall(rb"only-his-\w+", writable_memory(child))) == set()

    @pytest.fixture
    def under_way(self, connect, start_bridge, target):
        """A bridge with two requests under way, each in a child that would come back, and how to end one of them."""
        bridge = start_bridge(target, "standby = 0\nrecycle = 10\n[timeouts]\ndrain = 60s\n")
        requests = []
        for _ in range(2):
            client = connect(bridge)
            client.send(get())
            requests.append((client, target.accept()))

        def end_one():
            client, upstream = requests.pop()
            upstream.read_request()
            upstream.send(OK)
            assert client.read_response().status == 200
            client.close()
            wait_until(lambda: len(bridge.children()) == len(requests) and not bridge.standbys(), "the child has ended")

        return bridge, end_one

    def sleeps(self, bridge):
        spent = cpu_seconds(bridge.pid)
        time.sleep(1.0)  # a while in which it could spin
        return cpu_seconds(bridge.pid) - spent < 0.3

    def test_after_a_reload_none_comes_back(self, under_way):
        bridge, end_one = under_way
        bridge.reload(bridge.config.read_text())
        bridge.message("reloaded")
        end_one()
        assert self.sleeps(bridge), "it spins"

    def test_during_a_stop_none_comes_back(self, under_way):
        bridge, end_one = under_way
        bridge.signal(signal.SIGTERM)
        bridge.message("stopping")
        end_one()
        assert self.sleeps(bridge), "it spins"
        end_one()
        assert bridge.wait_exit() == 0
