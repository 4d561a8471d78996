"""Any valid exchange reaches the other end octet for octet, but for README.md's list of changes, however it is cut."""

import random
import select

import pytest
from bridge import Bridge, configuration, with_listener
from certs import Authority
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from messages import Maker
from model import ADDED_DATE, Request, Response, Settings, canonical_messages, forwarded, passed, pattern
from rawclient import connect
from target import Target

EXCHANGES = 1000
SEEDS = (1, 2, 3)
EXAMPLES = 100
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
DATE_BYTES = len(b"Date: Mon, 23 Nov 2026 15:07:03 GMT")
FEW_PIECES = 400  # a message in more pieces than that would only take time


class Line:
    """A client, a bridge and a target on one line, driven by turns; connections are kept as long as they may be."""

    def __init__(self, bridge, target):
        self.bridge = bridge
        self.target = target
        self.settings = Settings(target.authority)
        self.client = self.upstream = None

    def exchange(self, octets, reply, ends, client_piece, target_piece):
        try:
            self._exchange(Request(octets), octets, reply, ends, client_piece, target_piece)
        except BaseException:
            self.close()  # what comes next begins anew
            raise

    def _exchange(self, request, octets, reply, ends, client_piece, target_piece):
        if self.client is None:
            self.client = connect(self.bridge.address)
        self.client.send(octets, _piece(client_piece, octets))
        seen = self._receive()
        assert canonical_messages(seen) == [forwarded(request, self.settings)]

        expected = passed(reply, request, self.settings)
        self.upstream.send(reply, _piece(target_piece, reply))
        if ends:
            self.upstream.finish()
        added = expected.head.count(ADDED_DATE) * (DATE_BYTES - len(ADDED_DATE))
        head = self.client.read(len(expected.head) + added)
        assert pattern(expected.head).fullmatch(head), f"{head!r} is not {expected.head!r}"
        assert self.client.read(len(expected.content)) == expected.content
        self._go_on(expected.persists)

    def _receive(self):
        """Reads a request where it comes: on the kept connection, or on a new one."""
        if self.upstream is not None:
            select.select([self.upstream.sock, self.target.listener], [], [], self.upstream.deadline)
            if self.upstream.unread() == b"":
                self._drop_upstream()
        if self.upstream is None:
            self.upstream = self.target.accept()
            self.target.connections.clear()
        start = self.upstream.taken
        self.upstream.read_request()
        assert self.upstream.unread() == b""
        self.target.requests.clear()
        return bytes(self.upstream.received[start:])

    def _go_on(self, persists):
        if not persists:
            assert self.client.end() == "FIN"
            self.close()
        elif self.upstream.taken > 1_000_000:
            self.close()  # `received` need not grow without end

    def _drop_upstream(self):
        if self.upstream is not None:
            self.upstream.close()
        self.upstream = None

    def close(self):
        if self.client is not None:
            self.client.close()
        self.client = None
        self._drop_upstream()


def _piece(piece, octets):
    return piece and max(piece, len(octets) // FEW_PIECES)


@pytest.fixture
def line(tmp_path):
    target = Target()
    config = tmp_path / "proxy.ini"
    text = configuration(target.url, "preconnect = off\n")
    config.write_text(with_listener(text, lambda: Authority(tmp_path).issue("listener")))
    bridge = Bridge(["-c", config], cwd=tmp_path, config=config)
    line = Line(bridge, target)
    try:
        bridge.wait_ready()
        yield line
    finally:
        line.close()
        target.close()
        bridge.stop()


def test_any_valid_exchange(line):
    """Hypothesis chooses, and finds the smallest exchange that fails."""

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=SLOW)
    @given(st.randoms(use_true_random=False))
    def holds(chance):
        line.exchange(*Maker(chance).exchange())

    holds()


@pytest.mark.parametrize("seed", SEEDS)
def test_thousands_of_exchanges(line, seed):
    maker = Maker(random.Random(seed))
    for number in range(EXCHANGES):
        exchange = maker.exchange()
        try:
            line.exchange(*exchange)
        except AssertionError as fault:
            raise AssertionError(f"exchange {number} of seed {seed}, {exchange!r}: {fault}") from fault


def test_the_model_is_strict():
    """What is not canonical at the target is not taken for it."""
    for octets in (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n05\r\nhello\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell",
        b"GET / HTTP/1.1\r\n",
    ):
        with pytest.raises(AssertionError):
            canonical_messages(octets)
    assert Response(b"HTTP/1.1 200\r\n\r\n").reason == b""
