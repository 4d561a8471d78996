"""connections_per_client: one client's connections are counted as they come and go, however they end."""

import os
import signal
from collections import Counter

import pytest
from message import OK, get
from rawclient import refusal
from wire import wait_until

LIMIT = "[limits]\nconnections_per_client = 2\n"
DRAIN = "[timeouts]\ndrain = 100ms\n"


def is_served(connect, bridge, source=None):
    """Whether a new connection gets an answer of the target, and ends."""
    client = connect(bridge, source)
    client.send(get(fields=b"Connection: close\r\n"))
    status = client.read_response().status
    client.read_to_end()
    client.close()
    return status == 200


def served(connect, bridge):
    """A connection that is served. One that has ended counts until its process has."""

    def attempt():
        client = connect(bridge)
        client.send(get())
        return client if client.read_response().status == 200 else None

    return wait_until(attempt, "there is room for a connection")


def test_one_more_gets_429_at_once(connect, start_bridge, origin):
    bridge = start_bridge(origin, LIMIT + DRAIN)
    kept = [connect(bridge) for _ in range(2)]
    assert [client.exchange(get()).raw for client in kept] == [OK] * 2
    surplus = connect(bridge)
    head = refusal(surplus, {429})  # it has sent nothing
    assert head.values(b"Proxy-Status") == [b"authbridge; error=connection_limit_reached"]
    assert head.values(b"Retry-After") == [b"1"] and head.values(b"Connection") == [b"close"]
    surplus.send(get())
    assert surplus.end() == "FIN", "what is sent afterwards does not reset the answer away"
    bridge.complaint("client 127.0.0.1 has 2 connections: more of them get 429; raise connections_per_client")
    assert [client.exchange(get()).raw for client in kept] == [OK] * 2
    assert is_served(connect, bridge, "127.0.0.2"), "another client is not concerned"


@pytest.mark.parametrize("settings", ["standby = 0\n", "standby = 2\n", "standby = 2\nrecycle = 50\n"], ids=repr)
def test_nothing_is_left_of_a_connection(connect, start_bridge, origin, settings):
    """Closed by the client, reset, or ended with its child: there is room for another, again and again."""
    bridge = start_bridge(origin, settings + LIMIT + DRAIN)
    for turn in range(9):
        clients = [served(connect, bridge) for _ in range(2)]
        assert not is_served(connect, bridge)
        if turn % 3 == 2:
            for child in bridge.children():
                os.kill(child, signal.SIGKILL)
        for client in clients:
            client.close() if turn % 3 else client.reset()


def test_holds_over_a_reload(connect, start_bridge, origin):
    """Connections that came before the limit was set count."""
    bridge = start_bridge(origin, DRAIN)
    kept = [connect(bridge) for _ in range(2)]
    assert [client.exchange(get()).raw for client in kept] == [OK] * 2
    bridge.reload(bridge.config.read_text() + LIMIT)
    bridge.message("reloaded")
    assert not is_served(connect, bridge)


def test_kinds_of_listeners(connect, start_bridge, origin, tmp_path):
    """By IPv6 a network counts; by a Unix socket, and where a load balancer connects, nobody does."""
    settings = LIMIT + DRAIN + "[access]\ntrusted = 127.0.0.1\n"
    listen = f"[::1]:0, unix:{tmp_path}/socket, 127.0.0.1:0 proxy_protocol"
    bridge = start_bridge(origin, settings, listen=listen)
    ipv6, unix, balanced = bridge.addresses
    kept = [connect(ipv6) for _ in range(2)]
    assert [client.exchange(get()).raw for client in kept] == [OK] * 2
    refusal(connect(ipv6), {429})
    others = [connect(unix) for _ in range(4)]
    assert [client.exchange(get()).raw for client in others] == [OK] * 4
    for _ in range(4):
        client = connect(balanced)
        client.send(b"PROXY TCP4 127.0.0.9 127.0.0.1 1 2\r\n" + get())
        assert client.read_response().raw == OK


def test_burst(connect, start_bridge, origin):
    """Of many at once exactly as many as may be are served, and each of the others has its answer."""
    bridge = start_bridge(origin, LIMIT + DRAIN)
    clients = [connect(bridge) for _ in range(100)]
    for client in clients:
        client.send_until_refused(get())
    statuses = Counter(client.read_response().status for client in clients)
    assert statuses == {200: 2, 429: 98}


def test_is_counted(connect, start_bridge, origin):
    bridge = start_bridge(origin, LIMIT + DRAIN + "[status]\nlisten = 127.0.0.1:0\n")
    kept = [connect(bridge.addresses[0]) for _ in range(2)]
    assert [client.exchange(get()).raw for client in kept] == [OK] * 2
    for _ in range(3):
        refusal(connect(bridge.addresses[0]), {429})
    status = connect(next(line.split()[-1] for line in bridge.stderr.all if "status page" in line))
    content = status.exchange(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").content
    assert b"authbridge_connections_refused_total 3\n" in content


def test_description(check):
    start = "[proxy]\ntarget = http://127.0.0.1:9\n"
    assert "connections_per_client = unlimited" in check(start).stdout
    assert "connections_per_client = 2" in check(start + LIMIT).stdout
    done = check(start + "[limits]\nconnections_per_client = 0\n")
    assert done.returncode == 78 and ":4: connections_per_client = 0: give at least 1, or unlimited" in done.stderr
