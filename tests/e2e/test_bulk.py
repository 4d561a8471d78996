"""Large bodies both ways: they arrive whole, and the memory of the child that carries them does not grow.

E2E_BULK_MIB sets their size, 1024 by default.
"""

import os
import zlib

import pytest
from message import DATE, OK, get, head_of_post, post, post_chunked
from processes import FREE_AT_ONCE, in_background, memory

MIB = int(os.environ.get("E2E_BULK_MIB", "1024"))
TUNNEL_MIB = min(MIB, 100)
GROWTH_KIB = 2048
BLOCK = os.urandom(1 << 20)
TOTAL = MIB << 20
CHECKSUM = 0
for _ in range(MIB):
    CHECKSUM = zlib.crc32(BLOCK, CHECKSUM)

CHUNK_HEAD = b"%x\r\n" % len(BLOCK)
HEAD_OF_RESPONSE = b"HTTP/1.1 200 OK\r\n" + DATE


class Sum:
    """Counts octets and sums them up, without keeping them."""

    def __init__(self):
        self.length = 0
        self.checksum = 0

    def add(self, data):
        self.length += len(data)
        self.checksum = zlib.crc32(data, self.checksum)

    def check(self, total=TOTAL, checksum=CHECKSUM):
        assert (self.length, self.checksum) == (total, checksum)


def send_blocks(wire, before=b"", after=b"", count=MIB):
    """Sends the whole content, each block between the octets that frame it."""
    for _ in range(count):
        wire.sock.sendall(before + BLOCK + after if before else BLOCK)


def read_content(wire, length):
    """Reads so much content; gives its sum."""
    got, buffer = Sum(), memoryview(bytearray(1 << 20))
    while got.length < length:
        count = wire.sock.recv_into(buffer, min(len(buffer), length - got.length))
        assert count, f"the stream ended after {got.length} octets"
        got.add(buffer[:count])
    return got


def read_chunks(wire):
    """Reads chunks up to the last one; gives the sum of their content."""
    got = Sum()
    with wire.sock.makefile("rb", buffering=1 << 20) as stream:
        while size := int(stream.readline(), 16):
            got.add(stream.read(size))
            assert stream.read(2) == b"\r\n"
        assert stream.readline() == b"\r\n"
    return got


@pytest.fixture(params=["http", "https"])
def stage(request, connect, start_bridge, start_target, certificates):
    """A client and its upstream connection, after a first small exchange.

    Under AddressSanitizer, memory that was freed would count as growth were it kept in quarantine.
    """
    target = start_target(tls=certificates.good.server() if request.param == "https" else None)
    bridge = start_bridge(target, f"[tls]\nca_file = {certificates.authority.pem}\n", env=FREE_AT_ONCE)
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


def test_upload_with_length(stage):
    client, upstream = stage
    client.send(head_of_post(TOTAL))
    upstream.read_head()
    sender = in_background(send_blocks, client)
    read_content(upstream, TOTAL).check()
    sender.join()
    upstream.send(OK)
    assert client.read_response().raw == OK


def test_upload_in_chunks(stage):
    client, upstream = stage
    client.send(post_chunked())
    upstream.read_head()
    sender = in_background(lambda: (send_blocks(client, CHUNK_HEAD, b"\r\n"), client.send(b"0\r\n\r\n")))
    read_chunks(upstream).check()
    sender.join()
    upstream.send(OK)
    assert client.read_response().raw == OK


def test_download_with_length(stage):
    client, upstream = stage
    client.send(get())
    upstream.read_head()
    upstream.send(HEAD_OF_RESPONSE + b"Content-Length: %d\r\n\r\n" % TOTAL)
    client.read_head()
    sender = in_background(send_blocks, upstream)
    read_content(client, TOTAL).check()
    sender.join()


def test_download_in_chunks(stage):
    client, upstream = stage
    client.send(get())
    upstream.read_head()
    upstream.send(HEAD_OF_RESPONSE + b"Transfer-Encoding: chunked\r\n\r\n")
    client.read_head()
    sender = in_background(lambda: (send_blocks(upstream, CHUNK_HEAD, b"\r\n"), upstream.send(b"0\r\n\r\n")))
    read_chunks(client).check()
    sender.join()


def test_tunnel_both_ways(stage):
    """Both directions at once; then each side ends its own."""
    client, upstream = stage
    client.send(get(fields=b"Connection: Upgrade\r\nUpgrade: bulk\r\n"))
    upstream.read_head()
    upstream.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: bulk\r\n\r\n")
    client.read_head()
    checksum = 0
    for _ in range(TUNNEL_MIB):
        checksum = zlib.crc32(BLOCK, checksum)
    senders = [in_background(lambda wire=wire: send_blocks(wire, count=TUNNEL_MIB)) for wire in stage]
    got = []
    readers = [in_background(lambda wire=wire: got.append(read_content(wire, TUNNEL_MIB << 20))) for wire in stage]
    for thread in senders + readers:
        thread.join()
    assert len(got) == 2
    for each in got:
        each.check(TUNNEL_MIB << 20, checksum)
    client.finish()
    assert upstream.read_to_end() == b"" and upstream.ending == "FIN"
    upstream.send(b"last words")
    assert client.read(10) == b"last words"


def test_target_that_reads_nothing_holds_the_client_back(connect, start_bridge, target):
    """What the target does not take must not pile up in the bridge."""
    bridge = start_bridge(target)
    client = connect(bridge)
    client.send(head_of_post(1 << 40))
    target.accept().read_head()
    (child,) = bridge.children()
    before = memory(child, "VmRSS")
    client.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            client.sock.sendall(BLOCK)
    assert memory(child, "VmHWM") - before < GROWTH_KIB
