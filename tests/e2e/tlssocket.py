"""A client's TLS by hand: what ssl.SSLSocket hides, records and how they end, is the test's to choose."""

import functools
import io
import select
import socket
import ssl
import threading
import time
from contextlib import suppress


@functools.cache
def believing():
    """A client's context that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class TlsSocket:
    """A connected socket with TLS on it: what a Wire needs of a socket.

    An end that close_notify announced is an end, as on a plain socket; any other raises ssl.SSLEOFError. Unlike an
    ssl.SSLSocket it can end its own direction and go on reading, can be told how to cut records, and may be written to
    by one thread while another reads.
    """

    def __init__(self, sock, context, session=None, server_hostname="localhost"):
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # which Python sets, so that no end is told from another
        self.raw = sock
        self.family = sock.family
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=server_hostname, session=session)
        self.lock, self.sending = threading.RLock(), threading.Lock()
        self.ready, self.unsent = bytearray(), bytearray()
        self.records = []  # the lengths of what has come, record by record
        self.ended = False  # by close_notify
        self._until_done(self.tls.do_handshake)

    # ---- reading ----

    def recv(self, length):
        limit = None if self.raw.gettimeout() is None else time.monotonic() + self.raw.gettimeout()
        while not self.ready and not self.ended:
            self._decrypt()
            if not self.ready and not self.ended:
                self._receive(limit)
        data = bytes(self.ready[:length])
        del self.ready[:length]
        return data

    def recv_into(self, buffer, length):
        data = self.recv(length)
        buffer[: len(data)] = data
        return len(data)

    def makefile(self, mode, buffering):
        assert mode == "rb"
        return io.BufferedReader(_Reader(self), buffering)

    def is_readable(self, seconds=0):
        """Whether octets, or an end, have come, or come in that time; what is TLS's own does not count."""
        limit = time.monotonic() + seconds
        while True:
            try:
                self._decrypt()
                if self.ready or self.ended:
                    return True
                if not select.select([self.raw], [], [], max(0, limit - time.monotonic()))[0]:
                    return False
                self._receive(None)
            except (ssl.SSLError, OSError):
                return True

    def _receive(self, limit):
        if limit is not None and not select.select([self.raw], [], [], max(0, limit - time.monotonic()))[0]:
            raise TimeoutError
        data = self.raw.recv(1 << 18)
        with self.lock:
            if data:
                self.incoming.write(data)
            else:
                self.incoming.write_eof()

    def _decrypt(self):
        with self.lock:
            try:
                while data := self.tls.read(1 << 18):
                    self.ready += data
                    self.records.append(len(data))
                self.ended = True
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError) as state:
                self.ended = self.ended or isinstance(state, ssl.SSLZeroReturnError)
            except ssl.SSLEOFError:
                if not self.ready:
                    raise
        self._flush()

    # ---- writing ----

    def sendall(self, data):
        """Sends data, one record for each 16 KiB of it."""
        view = memoryview(data)
        while view:
            with self.lock:
                view = view[self.tls.write(view[: 1 << 18]) :]
            self._flush()

    def send(self, data):
        """Sends data unless what was sent before has not gone yet: what does not go now, goes first later."""
        self._flush()
        with self.lock:
            count = self.tls.write(data)
        with suppress(TimeoutError, BlockingIOError):
            self._flush()
        return count

    def send_together(self, records):
        """Sends each of these as a record of its own, all in one segment if that can be."""
        with self.lock:
            for record in records:
                self.tls.write(record)
        self._flush()

    def notify_close(self):
        """Sends close_notify, and nothing else."""
        with self.lock:
            with suppress(ssl.SSLError):  # it waits for the peer's
                self.tls.unwrap()
        self._flush()

    def _flush(self):
        with self.sending:
            with self.lock:
                self.unsent += self.outgoing.read()
            while self.unsent:
                del self.unsent[: self.raw.send(self.unsent)]

    # ---- the rest of a socket ----

    def shutdown(self, how):
        if how != socket.SHUT_RD:
            self.notify_close()
        self.raw.shutdown(how)

    def _until_done(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._flush()
                self._receive(None)
            finally:
                self._flush()

    def __getattr__(self, name):
        return getattr(self.raw, name)


class _Reader(io.RawIOBase):
    """What a buffered file reads a TlsSocket by."""

    def __init__(self, sock):
        super().__init__()
        self.sock = sock

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.sock.recv_into(buffer, len(buffer))
