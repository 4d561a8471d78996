"""Reloads and restarts while 200 clients send without pause: nothing is lost, and nobody is refused."""

import os
import signal
import socket

import pytest
from bridge import configuration
from load import Load
from wire import wait_until

CLIENTS = int(os.environ.get("E2E_LOAD_CLIENTS", "200"))
RELOADS = CLIENTS // 4
RESTARTS = max(CLIENTS // 20, 3)


@pytest.fixture
def load(bridges):
    load = Load(CLIENTS)
    yield load
    load.close()


def serve_some(load):
    """Waits until each client has had a request or so."""
    before = load.counts["requests"]
    wait_until(lambda: load.counts["requests"] >= before + CLIENTS, "requests are served")


def settings(generation):
    return f"[response-headers]\nX-Generation = {generation}\n"


def judge(load, at_least):
    assert load.finish() == []
    assert load.counts["requests"] >= at_least, load.counts
    # Such a client sends its next request at once, so that one that found its connection closed is an exception.
    assert load.counts["closed between requests"] <= load.counts["requests"] // 100, load.counts


def test_reloads(start_bridge, load):
    """Each connection is served by the configuration that was in force when it began."""
    bridge = start_bridge(load.target_url, settings(0))
    host, _, port = bridge.address.rpartition(":")
    load.start((host, int(port)))
    for generation in range(1, RELOADS + 1):
        load.asked = generation
        bridge.reload(configuration(load.target_url, settings(generation)))
        bridge.message("authbridge: reloaded", generation)
        load.loaded = generation
        if generation % 10 == 0:
            serve_some(load)
    judge(load, 2 * CLIENTS)


def test_faulty_reloads(start_bridge, load):
    bridge = start_bridge(load.target_url, settings(0))
    host, _, port = bridge.address.rpartition(":")
    load.start((host, int(port)))
    for attempt in range(1, 11):
        bridge.reload(configuration(load.target_url, settings(1) + "[timeouts]\nconnect = 10\n"))
        bridge.message("reload failed", attempt)
    judge(load, CLIENTS)


def test_restarts(start_bridge, load):
    """With a listening socket that outlives the bridge, as systemd has it."""
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        text = f"[proxy]\ntarget = {load.target_url}\n"
        bridge = start_bridge(text=text + settings(0), sockets=[listener])
        load.start(listener.getsockname())
        for generation in range(1, RESTARTS + 1):
            serve_some(load)
            load.asked = generation
            bridge.signal(signal.SIGTERM)
            assert bridge.wait_exit() == 0
            bridge = start_bridge(text=text + settings(generation), sockets=[listener])
            load.loaded = generation
        judge(load, RESTARTS * CLIENTS)
