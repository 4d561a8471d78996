"""Exchanges with clients that speak TLS: records cut in any way, large bodies, ends that are ends and ends that are not."""

import asyncio
import os
import re
import signal
import socket
import ssl
import subprocess
import zlib

import pytest
import websockets
from bridge import Lines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from message import DATE, HINTS, OK, get, head_of_post, post, post_chunked, response
from processes import FREE_AT_ONCE, in_background, memory, writable_memory
from rawclient import ask, refusal
from target import answering
from tlsbridge import TLS, context_of, host_and_port, plain
from tlssocket import TlsSocket, believing
from wire import DEADLINE, wait_until

MIB = min(int(os.environ.get("E2E_BULK_MIB", "100")), 100)
if "sanitize" in os.environ.get("AUTHBRIDGE", ""):
    MIB = min(MIB, 8)
GROWTH_KIB = 2048
BLOCK = os.urandom(1 << 20)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: bulk\r\n\r\n"
UPGRADE = get(fields=b"Connection: Upgrade\r\nUpgrade: bulk\r\n")


@pytest.fixture
def bridge(start_tls, target):
    return start_tls(target=target)


@pytest.fixture
def tls_client(connect, bridge):
    return connect(bridge)


def switched(client, target):
    """A tunnel: the client's upstream connection behind a 101."""
    upstream = ask(client, target, UPGRADE)
    upstream.send(SWITCH)
    assert client.read_head() == SWITCH or client.received.startswith(b"HTTP/1.1 101")
    return upstream


class TestRecords:
    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    @pytest.mark.parametrize("octets", [post(b"content"), post_chunked(b"7\r\ncontent\r\n0\r\n\r\n")])
    def test_of_one_octet(self, connect, start_tls, certificates, origin, octets, version):
        client = connect(start_tls(), tls=context_of(certificates, version=version))
        client.send(octets, 1)
        assert client.read_response().raw == OK
        assert origin.requests[0].content == b"content"

    @pytest.mark.parametrize("size", [1, 100, 5000, 16384])
    def test_many_in_one_segment(self, connect, start_tls, origin, size):
        """What OpenSSL has taken from the socket, poll(2) does not show."""
        content = os.urandom(40 * size)
        client = connect(start_tls())
        for octets in (post(content), post_chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content))):
            client.sock.send_together([octets[at : at + size] for at in range(0, len(octets), size)])
            assert client.read_response().raw == OK
            assert origin.requests[-1].content == content

    def test_requests_of_a_pipeline_each_in_its_own(self, connect, start_tls, origin):
        client = connect(start_tls())
        client.sock.send_together([get(b"/%d" % number) for number in range(50)])
        for _ in range(50):
            assert client.read_response().raw == OK
        assert [request.head.start_line for request in origin.requests] == [b"GET /%d HTTP/1.1" % n for n in range(50)]

    def test_of_a_tunnel(self, tls_client, target):
        upstream = switched(tls_client, target)
        pieces = [os.urandom(size) for size in (1, 2, 3000, 16384, 16384, 1) * 3]
        tls_client.sock.send_together(pieces)
        assert upstream.read(sum(map(len, pieces))) == b"".join(pieces)
        upstream.send(pieces[3])
        assert tls_client.read(16384) == pieces[3]

    def test_of_an_answer_with_its_content(self, tls_client, target):
        """Head and content come in one record, and not in one each."""
        answer = response(content=b"a" * 1000)
        upstream = ask(tls_client, target)
        upstream.send(answer)
        assert tls_client.read_response().raw == answer
        assert tls_client.sock.records == [len(answer)]

    @pytest.mark.parametrize("line", ["k", "K"])
    def test_key_update(self, start_tls, line):
        """openssl s_client sends one, which with K asks for one in return, at a line of that letter."""
        host, port = host_and_port(start_tls())
        command = ["openssl", "s_client", "-tls1_3", "-connect", f"{host}:{port}"]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        process = subprocess.Popen(command, **pipes, text=True, bufsize=1)
        output, errors = Lines(process.stdout), Lines(process.stderr)
        try:
            for number in range(1, 4):
                process.stdin.write(f"{line}\n")
                errors.wait(lambda line: "KEYUPDATE" in line, number, "key update")
                process.stdin.write(get(b"/%d" % number).decode())
                output.wait(lambda line: "HTTP/1.1 200 OK" in line, number, "answer")
        finally:
            process.stdin.close()
            process.wait(DEADLINE)
            output.thread.join()
            errors.thread.join()

class TestExchanges:
    def test_expectation(self, tls_client, target):
        tls_client.send(head_of_post(5, b"Expect: 100-continue\r\n"))
        upstream = target.accept()
        upstream.read_head()
        upstream.send(b"HTTP/1.1 100 Continue\r\n\r\n" + HINTS)
        assert tls_client.read_head().startswith(b"HTTP/1.1 100 ")
        tls_client.send(b"hello")
        assert upstream.read(5) == b"hello"
        upstream.send(OK)
        assert tls_client.read_response().raw.endswith(OK)

    def test_early_answer_to_one_that_sends_all_before_it_reads(self, tls_client, target):
        size = 3 << 20
        tls_client.send(head_of_post(size))
        upstream = target.accept()
        upstream.read_head()
        answer = response(b"413 Content Too Large", b"Connection: close\r\n", b"no")
        upstream.send(answer)
        tls_client.send_until_refused(b"a" * size)
        assert tls_client.read_response().content == b"no"
        assert tls_client.end() == "FIN"

    def test_answers_of_the_bridge_itself(self, connect, start_bridge, tls_files, tmp_path):
        text = f"[listen-tls]\ncert = {tls_files}/cert.pem\nkey = {tls_files}/key.pem\n"
        client = connect(start_bridge(f"unix:{tmp_path}/nobody", text, listen=TLS))
        for _ in range(2):
            client.send(get())
            refusal(client, [502])
        client.send(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n")
        refusal(client, [400])
        assert client.end() == "FIN"

    def test_late_head(self, connect, start_tls):
        client = connect(start_tls(before="[timeouts]\nrequest_head = 500ms\n"))
        client.send(b"GET / HTTP/1.1\r\nHo")
        refusal(client, [408])
        assert client.end() == "FIN"

    def test_websocket(self, start_tls, certificates):
        """wss with a websockets client and server, messages of all sizes."""
        listener = socket.create_server(("127.0.0.1", 0))
        bridge = start_tls(target=f"http://127.0.0.1:{listener.getsockname()[1]}", before="standby = 0\n")

        async def echo(websocket):
            async for message in websocket:
                await websocket.send(message)

        async def talk():
            options = {"max_size": None, "ping_interval": None}
            url = bridge.address.replace("https", "wss")
            async with websockets.serve(echo, sock=listener, **options):
                async with websockets.connect(url, ssl=context_of(certificates), **options) as websocket:
                    for message in ("hello", b"\0\r\n\r\n", "a" * 1_000_000, os.urandom(3_000_000)):
                        await websocket.send(message)
                        assert await websocket.recv() == message

        asyncio.run(asyncio.wait_for(talk(), 60))
        assert bridge.access()["status"] == "101"

    def test_differ_in_nothing_from_plain_ones(self, connect, start_tls, start_target):
        """The same exchange by either listener: the same octets at both ends."""
        plan, seen = [], []

        def script(upstream):
            while True:
                start = upstream.taken
                upstream.read_request()
                seen.append(bytes(upstream.received[start : upstream.taken]))
                upstream.send(plan[0], plan[1])

        target = start_target().serve(script)
        bridge = start_tls("[access]\nallow = 127.0.0.0/8\n", listen=f"127.0.0.2:0, {TLS}", target=target)
        clients = [connect(address) for address in bridge.addresses]
        pieces = st.lists(st.binary(min_size=1, max_size=20_000), max_size=5)
        sizes = st.integers(min_value=1, max_value=40_000)

        def chunked(parts):
            return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\nX: trailer\r\n\r\n"

        @settings(
            deadline=None, database=None, derandomize=True, max_examples=60, suppress_health_check=list(HealthCheck)
        )
        @given(pieces, pieces, sizes, sizes, st.booleans(), st.booleans())
        def holds(up, down, up_size, down_size, up_chunked, down_chunked):
            request = post_chunked(chunked(up)) if up_chunked else post(b"".join(up))
            head = b"HTTP/1.1 200 OK\r\n" + DATE
            plan[:] = [response(content=b"".join(down)), max(down_size, 40)]
            if down_chunked:
                plan[0] = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(down)
            answers = [client.exchange(request, max(up_size, len(request) // 400 + 1)).raw for client in clients]
            assert answers == [plan[0], plan[0]]
            assert canonical(seen[-1]) == canonical(seen[-2])

        holds()


def canonical(request):
    """The request with its chunks as one: their borders depend on how it was cut on its way."""
    head, end, body = request.partition(b"\r\n\r\n")
    if b"chunked" not in head:
        return request
    content, start = b"", 0
    while match := re.compile(rb"([0-9a-f]+)\r\n").match(body, start):
        size = int(match[1], 16)
        content += body[match.end() : match.end() + size]
        start = match.end() + size + 2
        if size == 0:
            return head, end, content, body[match.end() :]
    raise AssertionError(body)


class TestBulk:
    @pytest.fixture
    def stage(self, connect, start_tls, start_target, certificates):
        """A client and its upstream connection, after a first small exchange; the child must not grow from there."""
        target = start_target()
        bridge = start_tls(target=target, env=FREE_AT_ONCE)
        client = connect(bridge)
        client.send(post(b"a" * 200_000))
        upstream = target.accept()
        upstream.read_request()
        upstream.send(OK.replace(b"Length: 2", b"Length: 200000") + b"a" * 199_998)
        client.read_response()
        (child,) = bridge.children()
        before = memory(child, "VmRSS")
        yield client, upstream
        grown = memory(child, "VmHWM") - before
        assert grown < GROWTH_KIB, f"the child grew by {grown} KiB"

    def send(self, wire):
        for _ in range(MIB):
            wire.sock.sendall(BLOCK)

    def check(self, wire):
        """Reads it all, and compares sums."""
        want = got = 0
        for _ in range(MIB):
            want = zlib.crc32(BLOCK, want)
        left, buffer = MIB << 20, memoryview(bytearray(1 << 18))
        while left > 0:
            count = wire.sock.recv_into(buffer, min(len(buffer), left))
            assert count, f"the stream ended {left} octets early"
            got = zlib.crc32(buffer[:count], got)
            left -= count
        assert got == want

    def test_up_and_down(self, stage):
        client, upstream = stage
        client.send(head_of_post(MIB << 20))
        upstream.read_head()
        sender = in_background(self.send, client)
        self.check(upstream)
        sender.join()
        upstream.send(b"HTTP/1.1 200 OK\r\n" + DATE + b"Content-Length: %d\r\n\r\n" % (MIB << 20))
        client.read_head()
        sender = in_background(self.send, upstream)
        self.check(client)
        sender.join()

    def test_both_ways_at_once(self, stage, target):
        client, upstream = stage
        client.send(UPGRADE)
        upstream.read_head()
        upstream.send(SWITCH)
        client.read_head()
        threads = [in_background(self.send, wire) for wire in stage]
        threads.append(in_background(self.check, upstream))
        self.check(client)
        for thread in threads:
            thread.join()
        client.sock.notify_close()
        assert upstream.end() == "FIN"
        upstream.send(b"last words")
        assert client.read(10) == b"last words"


class TestEnds:
    """close_notify says that all is there; without it something was cut."""

    def test_of_a_response_without_a_length(self, tls_client, target):
        upstream = ask(tls_client, target)
        upstream.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        upstream.close()
        assert tls_client.read_response().content == b"hello"
        assert tls_client.ending == "FIN"

    def test_of_one_that_was_cut(self, tls_client, target):
        upstream = ask(tls_client, target)
        upstream.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        tls_client.read_until(b"hello")
        upstream.reset()
        assert tls_client.end() == "RST"

    def test_of_a_child_that_dies(self, tls_client, target, bridge):
        upstream = ask(tls_client, target)
        upstream.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        tls_client.read_until(b"hello")
        os.kill(bridge.children()[0], signal.SIGKILL)
        assert tls_client.end() == "RST"

    def test_of_an_idle_connection(self, connect, start_tls):
        client = connect(start_tls(before="[timeouts]\nclient_idle = 200ms\n"))
        assert client.exchange(get()).raw == OK
        assert client.end() == "FIN"

    def test_for_one_that_reads_late(self, connect, start_tls, target):
        """Its socket is full: close_notify waits for it."""
        client = connect(start_tls(target=target))
        upstream = ask(client, target)
        upstream.sock.settimeout(0.5)
        upstream.send(b"HTTP/1.1 200 OK\r\n\r\n")
        sent = 0
        with pytest.raises(TimeoutError):
            while True:
                sent += upstream.sock.send(BLOCK)
        upstream.finish()
        assert len(client.read_response().content) == sent
        assert client.ending == "FIN"

    @pytest.mark.parametrize("finish", ["notify_close", "finish"])
    def test_of_the_clients_own_direction(self, tls_client, target, finish):
        """A client that has said close_notify is answered; with its FIN, by a target that is quick."""
        tls_client.send(get())
        upstream = target.accept()
        upstream.read_head()
        tls_client.finish() if finish == "finish" else tls_client.sock.notify_close()
        upstream.send(OK)
        assert tls_client.read_response().raw == OK
        assert tls_client.end() == "FIN"

    def test_of_a_client_within_its_content(self, tls_client, target):
        upstream = ask(tls_client, target, head_of_post(100) + b"half")
        tls_client.sock.notify_close()
        upstream.read_to_end()

    def test_of_each_direction_of_a_tunnel(self, tls_client, target):
        upstream = switched(tls_client, target)
        upstream.finish()
        assert tls_client.end() == "FIN"
        tls_client.send(b"still here")
        assert upstream.read(10) == b"still here"
        tls_client.sock.notify_close()
        assert upstream.end() == "FIN"

    def test_of_a_tunnel_that_the_client_breaks_off(self, tls_client, target):
        """A FIN without close_notify is no end of what was sent."""
        upstream = switched(tls_client, target)
        tls_client.send(b"half of")
        assert upstream.read(7) == b"half of"
        tls_client.sock.raw.shutdown(socket.SHUT_WR)
        assert upstream.end() == "RST"

    def test_of_a_tunnel_that_the_target_breaks_off(self, tls_client, target):
        upstream = switched(tls_client, target)
        upstream.reset()
        assert tls_client.end() == "RST"

    def test_garbage_for_a_record(self, tls_client, target, bridge):
        upstream = ask(tls_client, target, head_of_post(100) + b"half")
        tls_client.sock.raw.sendall(b"garbage, garbage, garbage")
        upstream.read_to_end()
        assert bridge.access()["error"] == "client_gone"


class TestProcesses:
    def test_drain(self, tls_client, target, bridge):
        upstream = ask(tls_client, target)
        bridge.signal(signal.SIGTERM)
        bridge.message("stopping")
        upstream.send(OK)
        assert tls_client.read_response().values(b"Connection") == [b"close"]
        assert tls_client.end() == "FIN"
        assert bridge.wait_exit() == 0

    def test_drain_within_a_handshake(self, bridge):
        """Half a ClientHello holds nothing up for longer than a moment."""
        with plain(bridge) as sock:
            sock.sendall(b"\x16\x03\x01\x02")
            wait_until(bridge.children, "the handshake has begun")
            bridge.signal(signal.SIGTERM)
            assert bridge.wait_exit() == 0

    @pytest.mark.parametrize("standby, recycle", [(0, 1), (1, 1), (2, 5)])
    def test_one_client_after_another(self, connect, start_tls, origin, standby, recycle):
        bridge = start_tls(before=f"standby = {standby}\nrecycle = {recycle}\n")
        for number in range(8):
            client = connect(bridge)
            assert client.exchange(post(b"%d" % number)).raw == OK
            assert origin.requests[-1].content == b"%d" % number
            client.finish()
            assert client.end() == "FIN"

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may read the memory of the daemon's processes")
    @pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="AddressSanitizer keeps copies of what it looks at")
    def test_nothing_of_a_client_stays_in_memory(self, connect, start_tls, target):
        bridge = start_tls(before="standby = 1\nrecycle = 10\n", target=target)
        (child,) = wait_until(bridge.standbys, "a standby")
        client = connect(bridge)
        client.send(post(b"only-his-content" * 5000, b"X: only-his-field\r\n", b"/only-his-target"))
        upstream = target.accept()
        upstream.read_request()
        upstream.send(response(fields=b"X: only-his-answer\r\n", content=b"only-his-answer" * 5000))
        assert client.read_response().status == 200
        client.close()
        wait_until(lambda: child in bridge.standbys() and not bridge.children(), "the child has come back")
        assert set(re.findall(rb"only-his-\w+", writable_memory(child))) == set()

    def test_behind_a_load_balancer(self, connect, start_tls, origin):
        """The PROXY header comes in clear, before the handshake, and takes not one octet of it."""
        bridge = start_tls(
            before="forwarded = x-forwarded\n[access]\ntrusted = 127.0.0.1\nallow = 192.0.2.0/24\n",
            listen=f"{TLS} proxy_protocol",
        )
        wire = connect(bridge.address.removeprefix("https://"))
        wire.send(b"PROXY TCP4 192.0.2.7 198.51.100.2 56324 443\r\n")
        sock = TlsSocket(wire.sock, believing())
        sock.sendall(get())
        assert sock.recv(len(OK)) == OK
        assert origin.requests[0].values(b"X-Forwarded-For") == [b"192.0.2.7"]
        assert origin.requests[0].values(b"X-Forwarded-Proto") == [b"https"]
        assert bridge.access()["client"] == "192.0.2.7:56324"

    def test_inherited_socket(self, connect, start_bridge, tls_files, origin):
        """It has TLS when listen names its address so."""
        with socket.create_server(("127.0.0.1", 0), backlog=50) as sock:
            address = f"https://127.0.0.1:{sock.getsockname()[1]}"
            text = f"[listen-tls]\ncert = {tls_files}/cert.pem\nkey = {tls_files}/key.pem\n"
            bridge = start_bridge(origin, text, listen=address, sockets=[sock])
            assert "with TLS (inherited)" in bridge.message("listening on")
            assert connect(address).exchange(get()).raw == OK

    def test_memory_of_an_idle_client(self, connect, start_tls):
        """Buffers of OpenSSL are given back between records."""
        bridge = start_tls()
        client = connect(bridge)
        assert client.exchange(post(b"a" * 100_000)).raw == OK
        assert memory(bridge.children()[0], "VmRSS") < 40_000


def test_browser(browser, start_tls, start_target):
    """A page over https, and what its script asks for: on connections that offer h2 as well."""
    page = response(fields=b"Content-Type: text/html\r\n", content=b"<!DOCTYPE html><link rel=icon href=data:,><p>hello")
    target = start_target().serve(answering(page))
    bridge = start_tls(target=target, before="[timeouts]\ndrain = 100ms\n")
    try:
        assert browser.believe(True).open(bridge.url).text() == "hello"
        script = "const answer = await fetch('/', {method: 'POST', body: 'a'.repeat(1e6)}); return answer.status"
        assert browser.settle(script) == 200
        assert browser.run("return performance.getEntriesByType('navigation')[0].nextHopProtocol") == "http/1.1"
    finally:
        browser.believe(False)
    assert target.requests[-1].content == b"a" * 1_000_000
