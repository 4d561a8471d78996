"""Tunnels under strain: one direction that breaks, peers that stop reading, silence, and what the handshake carries."""

import select
import time

import pytest
from message import Head, get
from rawclient import ask
from tlsbridge import plain_alone
from wire import wait_until

ASK = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
MIB = 1 << 20


def open_tunnel(client, target):
    """Has the target switch; says its end of the tunnel."""
    upstream = ask(client, target, get(fields=ASK))
    upstream.send(SWITCH)
    client.read_head()
    return upstream


@pytest.fixture(params=["http", "https"])
def tunnel(request, connect, start_bridge, start_target, certificates):
    """Both ends of an established tunnel, over http and over https."""
    target = start_target(tls=certificates.good.server() if request.param == "https" else None)
    client = connect(start_bridge(target, f"[tls]\nca_file = {certificates.authority.pem}\n"))
    return client, open_tunnel(client, target)


def fill(wire):
    """Sends until nothing more is taken; says how much went."""
    sent = 0
    wire.sock.settimeout(0.5)
    try:
        while True:
            sent += wire.sock.send(b"a" * 65536)
    except TimeoutError:
        wire.sock.settimeout(wire.deadline)
        return sent


class TestBroken:
    """A direction that breaks ends the tunnel by a reset on both sides: neither may take it for a proper end."""

    def test_by_the_client(self, tunnel):
        client, upstream = tunnel
        client.send(b"hello")
        upstream.read(5)
        client.reset()
        assert upstream.end() == "RST"

    def test_by_the_target(self, tunnel):
        client, upstream = tunnel
        upstream.send(b"hello")
        client.read(5)
        upstream.reset()
        assert client.end() == "RST"

    def test_what_came_before_is_delivered(self, tunnel):
        """The target breaks off while the client has much to read."""
        client, upstream = tunnel
        upstream.send(b"a" * MIB)
        wait_until(lambda: len(client.unread()) == MIB, "all has gone through the bridge")
        upstream.reset()
        assert client.read_to_end() == b"a" * MIB and client.ending == "RST"

    def test_target_that_takes_nothing_more(self, tunnel):
        """The target closes, octets unread: the client's next ones cannot be delivered."""
        client, upstream = tunnel
        client.send(b"a" * MIB)
        upstream.read(1)
        wait_until(lambda: select.select([upstream.sock], [], [], 0)[0], "octets wait to be read")
        upstream.close()
        try:
            client.send(b"a" * MIB)
        except ConnectionResetError:
            return  # the kernel tells of a reset once
        assert client.end() == "RST"

    def test_after_the_client_has_finished(self, tunnel):
        """The direction that has ended well does not make a broken one good."""
        client, upstream = tunnel
        client.finish()
        if not hasattr(upstream.sock, "unwrap"):
            assert upstream.end() == "FIN"
        upstream.send(b"hello")
        client.read(5)
        upstream.reset()
        assert client.end() == "RST"

    def test_tls_without_close_notify(self, connect, start_bridge, start_target, certificates):
        target = start_target(tls=certificates.good.server())
        client = connect(start_bridge(target, f"[tls]\nca_file = {certificates.authority.pem}\n"))
        upstream = open_tunnel(client, target)
        upstream.send(b"hello")
        client.read(5)
        upstream.close()
        assert client.end() == "RST"


class TestHeldUp:
    def test_client_that_resets_while_the_target_reads_nothing(self, tunnel):
        client, upstream = tunnel
        fill(client)
        client.reset()
        poll = select.poll()
        poll.register(upstream.sock, 0)  # for a reset alone: what came before it is not read
        wait_until(lambda: poll.poll(0), "the target has been told")

    def test_client_that_resets_while_it_reads_nothing(self, tunnel):
        client, upstream = tunnel
        fill(upstream)
        client.reset()
        assert upstream.end() == "RST"

    @plain_alone
    def test_neither_reads(self, tunnel):
        """Both directions are full; what was taken arrives when the peers read again."""
        client, upstream = tunnel
        sent = fill(client), fill(upstream)
        assert len(upstream.read(sent[0])) == sent[0]
        assert len(client.read(sent[1])) == sent[1]
        client.send(b"more")
        assert upstream.read(4) == b"more"


class TestIdle:
    @pytest.mark.parametrize("speaker", ["client", "target"])
    def test_one_that_moves_stays(self, connect, start_bridge, target, speaker):
        """Octets of one side are enough, however long the other is silent."""
        client = connect(start_bridge(target, "[timeouts]\ntunnel_idle = 2s\n"))
        upstream = open_tunnel(client, target)
        source, sink = (client, upstream) if speaker == "client" else (upstream, client)
        for _ in range(8):
            source.send(b"a")
            assert sink.read(1) == b"a"
            time.sleep(0.3)
        assert sink.end() and source.end()

    def test_other_time_outs_do_not_hold(self, connect, start_bridge, target):
        settings = "[timeouts]\nresponse = 1s\nclient_idle = 1s\nclient_write = 1s\nrequest_head = 1s\n"
        client = connect(start_bridge(target, settings))
        upstream = open_tunnel(client, target)
        time.sleep(2.5)  # a while in which they could strike
        client.send(b"a")
        assert upstream.read(1) == b"a"


class TestHandshake:
    FIELDS = (
        b"Sec-WebSocket-Version: 13\r\n"
        b"sec-websocket-KEY: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Protocol: chat, superchat\r\n"
        b"Sec-WebSocket-Protocol:  other\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x;y=\"z, w\"\r\n"
    )
    ANSWER = (
        b"sec-websocket-ACCEPT: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"Sec-WebSocket-Protocol: chat\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"
    )

    @staticmethod
    def websocket_lines(head):
        return b"".join(line + b"\r\n" for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-"))

    def test_fields_are_unchanged(self, client, target):
        upstream = ask(client, target, get(fields=ASK + self.FIELDS))
        sent = bytes(upstream.received)
        assert self.websocket_lines(sent) == self.FIELDS
        upstream.send(SWITCH[:-2] + self.ANSWER + b"\r\n")
        head = client.read_head()
        assert self.websocket_lines(head) == self.ANSWER
        assert Head(head).status == 101

    def test_refusal_names_the_versions(self, client, target):
        """426 keeps its Upgrade, which says what the target would speak."""
        upstream = ask(client, target, get(fields=ASK + self.FIELDS))
        fields = b"Sec-WebSocket-Version: 13, 8\r\nUpgrade: websocket\r\n"
        upstream.send(b"HTTP/1.1 426 Upgrade Required\r\n" + fields + b"Content-Length: 0\r\n\r\n")
        answer = client.read_response()
        assert answer.status == 426
        assert answer.values(b"Sec-WebSocket-Version") == [b"13, 8"]
        assert answer.values(b"Upgrade") == [b"websocket"]
