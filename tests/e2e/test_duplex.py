"""Full duplex: answers that come during an upload, peers that are slow or stop or leave, long connections."""

import os
import random
import socket
import time
import zlib
from contextlib import suppress

import pytest
from message import DATE, OK, get, head_of_post, post, post_chunked, response
from processes import FREE_AT_ONCE, in_background, memory
from rawclient import ask, refusal
from target import answering
from tlsbridge import plain_alone
from wire import wait_until

MIB = 1 << 20
REFUSAL = response(b"413 Content Too Large", b"Connection: close\r\n", b"enough")
GONE_SECONDS = 0.1  # in which the request of a client that left must have ended at the target
GROWTH_KIB = 2048


@pytest.fixture(params=["http", "https"])
def either(request, connect, start_bridge, start_target, certificates):
    """Starts a bridge in front of a target over http and over https; gives (target, bridge)."""
    target = start_target(tls=certificates.good.server() if request.param == "https" else None)
    return target, start_bridge(target, f"[tls]\nca_file = {certificates.authority.pem}\n")


class TestEarlyAnswer:
    """The client gets the answer, and no reset that erases it, however the target closes."""

    @pytest.mark.parametrize("ending", ["finish", "close"])
    @pytest.mark.parametrize(
        "head", [head_of_post(40 * MIB), post_chunked(b"%x\r\n" % (40 * MIB))], ids=["length", "chunked"]
    )
    def test_client_that_sends_all_before_it_reads(self, connect, either, ending, head):
        """close() with octets unread is a reset by the target."""
        target, bridge = either
        client = connect(bridge)
        client.send(head + b"a" * MIB)
        upstream = target.accept()
        upstream.read_head()
        upstream.send(REFUSAL)
        if ending == "close" or not target.tls:  # a Python TLS socket has no half-close
            getattr(upstream, ending)()
        client.send_until_refused(b"a" * (39 * MIB))
        answer = client.read_response()
        assert (answer.status, answer.content) == (413, b"enough")
        assert client.end() == "FIN"

    def test_answer_that_no_buffer_holds(self, connect, either):
        """The target reads no more, the client reads nothing until all is sent: only the bridge can give way."""
        target, bridge = either
        content = bytes(range(256)) * (8 * MIB // 256)
        client = connect(bridge)
        upstream = ask(client, target, head_of_post(64 * MIB))
        sender = in_background(upstream.send, response(b"403 Forbidden", content=content))
        client.send(bytes(64 * MIB))
        answer = client.read_response()
        assert (answer.status, answer.content) == (403, content)
        assert client.end() == "FIN"
        sender.join()

    def test_client_that_sends_for_longer_than_a_moment(self, client, target):
        """It is read from as long as it sends: a reset could overtake the answer on the way."""
        ask(client, target, head_of_post(1 << 40)).send(REFUSAL)
        until = time.monotonic() + 3
        while time.monotonic() < until:
            client.send(b"a" * 10_000)
            time.sleep(0.05)
        assert client.read_response().content == b"enough"
        assert client.end() == "FIN"

    def test_refusal_of_the_bridge_itself(self, connect, start_bridge, target):
        client = connect(start_bridge(target, "[limits]\nrequest_body = 1K\n"))
        client.send(head_of_post(40 * MIB))
        client.send_until_refused(b"a" * (40 * MIB))
        refusal(client, {413})
        assert client.end() == "FIN"

    def test_expectation_that_the_target_declines(self, client, target):
        upstream = ask(client, target, head_of_post(10, b"Expect: 100-continue\r\n"))
        upstream.send(REFUSAL)
        assert client.read_response().status == 413
        assert client.end() == "FIN"
        assert upstream.end()

    @pytest.mark.parametrize("ending", ["close", "reset"])
    def test_cut_short_during_the_upload(self, client, target, ending):
        """An answer without a length that ends by a reset is not whole, whichever pump is the first to meet it."""
        upstream = ask(client, target, head_of_post(40 * MIB) + b"a" * MIB)
        upstream.send(b"HTTP/1.1 200 OK\r\n" + DATE + b"\r\npart")
        client.read_until(b"part")
        getattr(upstream, ending)()
        try:
            client.send(b"a" * MIB)
        except ConnectionResetError:
            return  # the kernel tells of a reset once
        assert client.end() == "RST"

    def test_without_a_length(self, client, target):
        """Where the target has ended its answer before it resets what comes later, the answer is whole."""
        upstream = ask(client, target, head_of_post(40 * MIB) + b"a" * 1000)
        upstream.read(1000)
        upstream.send(b"HTTP/1.1 413 Content Too Large\r\n" + DATE + b"\r\nenough")
        upstream.close()
        client.send_until_refused(b"a" * (39 * MIB))
        assert client.read_response().content == b"enough"
        assert client.ending == "FIN"


class TestBothWays:
    def test_echo_while_both_pause(self, connect, start_bridge, start_target):
        """The target answers each chunk as it comes; both sides pause, neither for as long as a time-out."""
        chance = random.Random(4)
        chunks = [bytes([chance.randrange(256)]) * chance.choice([1, 7, 300, 20_000]) for _ in range(60)]

        def echo(upstream):
            upstream.read_head()
            upstream.send(b"HTTP/1.1 200 OK\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n")
            got = b""
            while size := int(upstream.read_until(b"\r\n"), 16):
                piece = upstream.read(size + 2)
                got += piece[:-2]
                upstream.send(b"%x\r\n" % size + piece)
                time.sleep(chance.random() / 100)
            upstream.read_until(b"\r\n")
            upstream.send(b"0\r\n\r\n")
            assert got == b"".join(chunks)

        target = start_target().serve(echo)
        client = connect(start_bridge(target, "[timeouts]\nresponse = 2s\nclient_idle = 2s\nclient_write = 2s\n"))

        def send():
            for chunk in chunks:
                client.send(b"%x\r\n%s\r\n" % (len(chunk), chunk), piece=chance.choice([None, 4096]))
                time.sleep(chance.random() / 100)
            client.send(b"0\r\n\r\n")

        client.send(post_chunked())
        sender = in_background(send)
        answer = client.read_response()
        sender.join()
        assert answer.content == b"".join(chunks)

    def test_one_octet_at_a_time(self, connect, start_bridge, start_target):
        """Each side takes one octet at a time from a small window, and sends in octets."""

        def drip(upstream):
            upstream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            request = bytearray()
            while not request.endswith(b"0\r\n\r\n"):
                request += upstream.sock.recv(1)
            upstream.send(response(content=b"b" * 300), piece=1)

        client = connect(start_bridge(start_target().serve(drip)))
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.send(post_chunked(b"".join(b"1\r\na\r\n" for _ in range(300)) + b"0\r\n\r\n"), piece=1)
        got = bytearray()
        while not got.endswith(b"b" * 300):
            octet = client.sock.recv(1)
            assert octet
            got += octet
        assert got.startswith(b"HTTP/1.1 200 OK\r\n")

    @pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
    def test_client_that_stops_reading_holds_the_target_back(
        self, connect, start_bridge, start_target, certificates, secure
    ):
        total, sent = 64 * MIB, [0]
        block = bytes(range(256)) * 256

        def send(upstream):
            upstream.read_request()
            upstream.send(b"HTTP/1.1 200 OK\r\n" + DATE + b"Content-Length: %d\r\n\r\n" % total)
            while sent[0] < total:
                upstream.send(block)
                sent[0] += len(block)

        target = start_target(tls=certificates.good.server() if secure else None).serve(send)
        bridge = start_bridge(target, f"[tls]\nca_file = {certificates.authority.pem}\n", env=FREE_AT_ONCE)
        client = connect(bridge)
        client.send(get())
        client.read_head()
        client.read(4 * MIB)
        (child,) = bridge.children()
        before = memory(child, "VmRSS")
        wait_until(lambda: stands_still(sent), "the target has been held back")
        assert sent[0] < total
        assert memory(child, "VmHWM") - before < GROWTH_KIB
        assert zlib.crc32(client.read(total - 4 * MIB)) == zlib.crc32(block * (60 * MIB // len(block)))
        assert client.unread() == b""


def stands_still(counter):
    """Whether a counter has not changed for a while."""
    before = counter[0]
    time.sleep(0.3)
    return counter[0] == before


class TestVanishingClient:
    """Its request ends at the target within 100 ms. Of several attempts the best counts: the machine may be loaded."""

    @staticmethod
    def waiting(client, target):
        return ask(client, target)

    @staticmethod
    def after_its_content(client, target):
        client.send(post(b"a" * 100_000))
        upstream = target.accept()
        upstream.read_request()
        return upstream

    @staticmethod
    def within_its_content(client, target):
        client.send(head_of_post(1000) + b"a" * 500)
        upstream = target.accept()
        upstream.read_until(b"a" * 500)
        return upstream

    @staticmethod
    def within_a_chunk(client, target):
        client.send(post_chunked(b"5\r\nhel"))
        upstream = target.accept()
        upstream.read_until(b"hel")
        return upstream

    @staticmethod
    def within_the_response(client, target):
        upstream = ask(client, target)
        upstream.send(OK[:-1])
        client.read_until(b"o")
        return upstream

    @staticmethod
    def between_exchanges(client, target):
        upstream = ask(client, target)
        upstream.send(OK)
        client.read_response()
        return upstream

    @staticmethod
    def with_requests_left(client, target):
        client.send(get() * 1000)
        upstream = target.accept()
        upstream.read_head()
        return upstream

    MOMENTS = [
        "waiting",
        "after_its_content",
        "within_its_content",
        "within_a_chunk",
        "within_the_response",
        "between_exchanges",
        "with_requests_left",
    ]

    @pytest.mark.parametrize("leave", ["close", "reset"])
    @pytest.mark.parametrize("moment", MOMENTS)
    def test_ends_the_request(self, no_recycling, connect, either, moment, leave):
        target, bridge = either

        def leaving():
            client = connect(bridge)
            upstream = getattr(self, moment)(client, target)
            getattr(client, leave)()
            began = time.monotonic()
            upstream.read_to_end()
            return time.monotonic() - began

        assert any(leaving() < GONE_SECONDS for _ in range(20))

    @pytest.mark.parametrize("leave", ["close", "reset"])
    def test_while_the_connection_is_made(self, nothing_ahead, connect, start_bridge, target, leave):
        """The target accepts, and does not take up the TLS handshake.

        A connection made ahead of need would begin with the same octets.
        """
        bridge = start_bridge(f"https://{target.authority.decode()}")

        def leaving():
            client = connect(bridge)
            client.send(get())
            upstream = target.accept()
            upstream.read(1)
            getattr(client, leave)()
            began = time.monotonic()
            upstream.read_to_end()
            return time.monotonic() - began

        assert any(leaving() < GONE_SECONDS for _ in range(20))
        assert bridge.access()["error"] == "client_gone"


class TestHalfClosedClient:
    def test_upload_to_a_target_that_takes_its_time(self, connect, start_bridge, start_target):
        """A client that has sent all and ended its direction is not given up while the target still takes it.

        The target reads little at a time, so that its socket takes nothing new for longer than the grace of 50 ms. A
        loaded machine may make it pause for as long: it comes first there if it may, and of several attempts the best
        counts.
        """
        content = bytes(range(256)) * (12 * MIB // 256)

        def slow(upstream):
            with suppress(PermissionError):
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))  # of this thread
            upstream.read_head()
            for _ in range(60):
                upstream.received += upstream.sock.recv(32 * 1024)
                time.sleep(0.005)
            upstream.read(len(content))
            upstream.send(OK)

        target = start_target()
        target.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)  # as on a real network
        target.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        bridge = start_bridge(target.serve(slow))

        def is_answered():
            client = connect(bridge)
            sender = in_background(lambda: (client.send(post(content)), client.finish()))
            answer = client.read_to_end()
            sender.join()
            return answer.startswith(b"HTTP/1.1 200 OK\r\n")

        assert any(is_answered() for _ in range(10))


class TestLongConnection:
    def test_pipeline_in_one_write(self, connect, start_bridge, start_target):
        """Thousands of requests at once, with and without content, come back in order."""
        target = start_target().serve(
            answering(lambda request: response(content=request.head.start_line + b"|" + request.content))
        )
        client = connect(start_bridge(target))
        paths = [b"/%d" % number for number in range(3000)]
        requests = [post(path[1:], path=path) if number % 3 == 0 else get(path) for number, path in enumerate(paths)]
        sender = in_background(client.send, b"".join(requests))
        for number, path in enumerate(paths):
            method, content = (b"POST", path[1:]) if number % 3 == 0 else (b"GET", b"")
            assert client.read_response().content == method + b" " + path + b" HTTP/1.1|" + content
        sender.join()
        assert len(target.used) == 1

    def test_ten_thousand_exchanges(self, connect, start_bridge, origin):
        """One connection on either side, and a child that does not grow."""
        bridge = start_bridge(origin, "[log]\naccess = off\n", env=FREE_AT_ONCE)
        client = connect(bridge)
        for _ in range(1000):
            assert client.exchange(get()).raw == OK
        (child,) = bridge.children()
        before = memory(child, "VmRSS")
        for _ in range(90):
            client.send(get() * 100)
            for _ in range(100):
                assert client.read_response().raw == OK
        assert memory(child, "VmHWM") - before < GROWTH_KIB
        assert len(origin.requests) == 10_000 and len(origin.used) == 1


class TestUrgentData:
    """TCP's out-of-band octet is no part of the stream: it neither reaches the target nor disturbs the exchange."""

    @plain_alone
    def test_from_the_client(self, client, target):
        client.send(b"GET / HT")
        client.sock.send(b"!", socket.MSG_OOB)
        client.send(b"TP/1.1\r\nHost: x\r\n\r\n")
        upstream = target.accept()
        assert upstream.read_head().startswith(b"GET / HTTP/1.1\r\n")
        client.sock.send(b"!", socket.MSG_OOB)
        upstream.send(OK)
        assert client.read_response().raw == OK

    def test_from_the_target(self, client, target):
        upstream = ask(client, target)
        upstream.send(OK[:20])
        upstream.sock.send(b"!", socket.MSG_OOB)
        upstream.send(OK[20:])
        assert client.read_response().raw == OK
