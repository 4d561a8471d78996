"""A socket whose octets are sent and read exactly: the common ground of the raw client and the raw target."""

import select
import socket
import ssl
import struct
import time
from collections import namedtuple

DEADLINE = 10.0

Chunked = namedtuple("Chunked", "raw content trailers")


class Ended(AssertionError):
    """The stream ended before what the test was reading had come."""


class Wire:
    """One connection. Every octet that came stays in `received`; `taken` says how many the test has read.

    `ending` is "FIN" or "RST" once the stream has ended; with TLS, "FIN" stands for close_notify, and "RST" for any
    other end.
    """

    def __init__(self, sock, deadline=DEADLINE):
        self.sock = sock
        self.deadline = deadline
        self.received = bytearray()
        self.taken = 0
        self.ending = None
        sock.settimeout(deadline)
        if isinstance(sock, ssl.SSLSocket):
            sock.suppress_ragged_eofs = False
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self):
        return self.sock.fileno()

    def send(self, data, piece=None):
        """Sends all of data, whole or in pieces of that many octets."""
        for start in range(0, len(data), piece or max(len(data), 1)):
            self.sock.sendall(data[start : start + (piece or len(data))])

    def drip(self, data, pause):
        """Sends octet by octet with a pause after each, until the peer says something or is gone."""
        for octet in data:
            if self.unread() or self.ending:
                return
            try:
                self.sock.sendall(bytes([octet]))
            except (BrokenPipeError, ConnectionResetError):
                return
            time.sleep(pause)

    def read_until(self, marker):
        """Reads up to and including the marker."""
        while True:
            at = self.received.find(marker, self.taken)
            if at >= 0:
                return self._take(at + len(marker) - self.taken)
            self._need_more(f"{marker!r}")

    def read_head(self):
        """Reads one message head, with the empty line that ends it."""
        return self.read_until(b"\r\n\r\n")

    def read(self, length):
        """Reads exactly so many octets."""
        while len(self.received) - self.taken < length:
            self._need_more(f"{length} octets")
        return self._take(length)

    def read_chunked(self):
        """Reads a chunked body: as it came, its content decoded, and its trailer section with the last CRLF."""
        start, content = self.taken, b""
        while True:
            size = int(self.read_until(b"\r\n").partition(b";")[0].strip(), 16)
            if size == 0:
                break
            content += self.read(size)
            assert self.read(2) == b"\r\n", "a chunk does not end where its size says"
        trailers = b""
        while not trailers.endswith(b"\r\n\r\n") and trailers != b"\r\n":
            trailers += self.read_until(b"\r\n")
        return Chunked(bytes(self.received[start : self.taken]), content, trailers)

    def read_to_end(self):
        """Reads until the peer ends the stream; says the rest. `ending` then tells how it ended."""
        while self._read_more():
            pass
        return self._take(len(self.received) - self.taken)

    def end(self):
        """Waits for the end of the stream, which must come before any further octet: "FIN" or "RST"."""
        rest = self.read_to_end()
        assert rest == b"", f"octets before the end of the stream: {rest!r}"
        return self.ending

    def unread(self):
        """What has come and was not read yet, without waiting for more."""
        while self.ending is None and self.sock.fileno() >= 0 and self.is_readable() and self._read_more():
            pass
        return bytes(self.received[self.taken :])

    def finish(self):
        """Sends FIN; the other direction stays open."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        """Closes with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()

    def _take(self, length):
        data = bytes(self.received[self.taken : self.taken + length])
        self.taken += length
        return data

    def _need_more(self, what):
        if not self._read_more():
            raise Ended(f"{self.ending} instead of {what}; so far: {bytes(self.received[self.taken:])!r}")

    def _read_more(self):
        if self.ending is None:
            try:
                data = self.sock.recv(65536)
            except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
                self.ending = "RST"
            except TimeoutError:
                raise AssertionError(
                    f"nothing came for {self.sock.gettimeout()} s; unread: {bytes(self.received[self.taken:])!r}"
                ) from None
            else:
                self.received += data
                self.ending = None if data else "FIN"
        return self.ending is None

    def is_readable(self, seconds=0):
        """Whether something has come, or comes in that time."""
        if hasattr(self.sock, "is_readable"):
            return self.sock.is_readable(seconds)
        pending = getattr(self.sock, "pending", lambda: 0)
        return pending() > 0 or bool(select.select([self.sock], [], [], seconds)[0])


def wait_until(condition, what, deadline=DEADLINE):
    """Polls a condition for which there is no event to wait for; says the first true value."""
    limit = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < limit, f"after {deadline} s still not: {what}"
        time.sleep(0.005)
