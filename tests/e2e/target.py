"""The recording target: a raw socket server that does what a test says and keeps every octet that reaches it.

A test either drives it step by step (`upstream = target.accept()`, then read and send), or gives it a script that
serves each connection in a thread (`target.serve(answering(OK))`).
"""

import select
import socket
import threading
import time
from contextlib import suppress

from message import Head
from wire import DEADLINE, Ended, Wire


class Request:
    """A request as the target received it."""

    def __init__(self, head, content=b"", trailers=b""):
        self.head = Head(head)
        self.content = content
        self.trailers = trailers

    def values(self, name):
        return self.head.values(name)


class Upstream(Wire):
    """One connection that the target accepted."""

    def __init__(self, sock, requests):
        super().__init__(sock)
        self.requests = requests

    def read_request(self):
        """Reads a whole request by its own framing, and keeps it in the target's list."""
        head = self.read_head()
        request = Request(head)
        if request.values(b"Transfer-Encoding"):
            _, content, trailers = self.read_chunked()
            request = Request(head, content, trailers)
        elif request.values(b"Content-Length"):
            request = Request(head, self.read(int(request.values(b"Content-Length")[0])))
        self.requests.append(request)
        return request


class Target:
    """A listening socket; http, https (with an ssl.SSLContext), IPv4, IPv6 or Unix by its address."""

    def __init__(self, address=("127.0.0.1", 0), tls=None, backlog=128):
        family = (
            socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        )
        self.listener = socket.socket(family)
        self.listener.bind(address)
        self.listener.listen(backlog)
        self.listener.settimeout(DEADLINE)
        self.tls = tls
        self.closing = False
        self.sockets = []
        self.idle = []
        self.connections = []
        self.requests = []
        self.faults = []
        self.threads = []

    @property
    def port(self):
        return self.listener.getsockname()[1]

    @property
    def authority(self):
        """What belongs into the Host field of a request to this target."""
        host = self.listener.getsockname()[0]
        return b"%s:%d" % (f"[{host}]".encode() if ":" in host else host.encode(), self.port)

    @property
    def url(self):
        if self.listener.family == socket.AF_UNIX:
            return f"unix:{self.listener.getsockname()}"
        return f"{'https' if self.tls else 'http'}://{self.authority.decode()}"

    def accept(self):
        """The next connection on which a request comes, for a test that drives it itself.

        The bridge connects ahead of need: connections on which nothing has come are kept for later calls.
        """
        limit = time.monotonic() + DEADLINE
        while True:
            readable, _, _ = select.select([self.listener, *self.idle], [], [], max(0, limit - time.monotonic()))
            if not readable:
                raise TimeoutError("no request has come to the target")
            if self.listener in readable:
                self._take_up(self.listener.accept()[0])
            for upstream in [upstream for upstream in self.idle if upstream in readable]:
                self.idle.remove(upstream)
                if self._has_begun(upstream):
                    self.connections.append(upstream)
                    return upstream
                upstream.close()

    def _has_begun(self, upstream):
        """Whether a readable connection holds something of a request, which is left there; else it has ended."""
        if self.tls:
            return bool(upstream.unread())
        try:
            return bool(upstream.sock.recv(1, socket.MSG_PEEK))
        except ConnectionResetError:
            return False

    def _take_up(self, sock):
        sock.settimeout(DEADLINE)
        self.sockets.append(sock)
        with suppress(OSError):  # a child that was told to end does not finish its handshake
            self.idle.append(
                Upstream(self.tls.wrap_socket(sock, server_side=True) if self.tls else sock, self.requests)
            )

    def serve(self, script):
        """Runs script(upstream) in a thread for each connection from now on, then closes it."""
        self.listener.settimeout(None)
        self._start(self._accept_loop, script)
        return self

    def received(self):
        """Every octet that has reached the target so far, on whatever connection."""
        self._accept_waiting()
        for upstream in [*self.connections, *self.idle]:
            if not self.threads:
                upstream.unread()
        return b"".join(bytes(upstream.received) for upstream in [*self.connections, *self.idle])

    def close(self):
        """Stops listening, ends all connections and scripts; fails if a script failed."""
        self.closing = True
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        if self.threads:
            self.threads[0].join(DEADLINE)
        self.listener.close()
        for sock in [*self.sockets, *(upstream.sock for upstream in self.connections)]:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for upstream in [*self.connections, *self.idle]:
            if not self.threads:
                upstream.close()
        for thread in self.threads:
            thread.join(DEADLINE)
            assert not thread.is_alive(), "a target script does not end"
        assert not self.faults, f"a target script failed: {self.faults!r}"

    @property
    def used(self):
        """The connections on which something has come."""
        return [upstream for upstream in self.connections if upstream.received]

    def _accept_waiting(self):
        if self.threads:
            return
        self.listener.setblocking(False)
        try:
            while True:
                self._take_up(self.listener.accept()[0])
        except BlockingIOError:
            self.listener.settimeout(DEADLINE)

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept_loop(self, script):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.append(sock)
            self._start(self._run, script, sock)

    def _run(self, script, sock):
        with sock:
            try:
                sock.settimeout(DEADLINE)
                upstream = Upstream(self.tls.wrap_socket(sock, server_side=True) if self.tls else sock, self.requests)
                self.connections.append(upstream)
                with upstream.sock:
                    while not self.closing and not upstream.is_readable(0.1):
                        pass  # made ahead of need, it may be idle for long
                    if not self.closing:
                        script(upstream)
            except (OSError, Ended):
                pass  # the bridge ended the connection, which is its right
            except Exception as fault:  # whatever it is, close() reports it
                self.faults.append(fault)


def answering(*responses):
    """A script that answers each request with the next response, and with the last one ever after.

    A response is octets, or a function from the request to octets.
    """

    def script(upstream):
        left = list(responses)
        while True:
            request = upstream.read_request()
            response = left.pop(0) if len(left) > 1 else left[0]
            upstream.send(response(request) if callable(response) else response)

    return script
