"""The raw client: a connection to the bridge on which a test sends octets and reads responses exactly."""

import socket
from contextlib import suppress

from message import Head, get
from tlssocket import TlsSocket, believing
from wire import Wire


class Response:
    """A response as the client saw it: the head taken apart, the content decoded, the octets as they came."""

    def __init__(self, raw_head):
        self.head = Head(raw_head)
        self.status = self.head.status
        self.raw = raw_head
        self.content = b""
        self.trailers = b""

    def values(self, name):
        return self.head.values(name)


class RawClient(Wire):
    """One client connection."""

    def send_until_refused(self, data, piece=None):
        """Sends what may be refused before its last octet is out."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send(data, piece)

    def exchange(self, request, piece=None):
        """Sends a request and reads the final response to it."""
        self.send(request, piece)
        return self.read_response(request.lstrip(b"\r\n").partition(b" ")[0])

    def read_response(self, method=b"GET"):
        """Reads the final response to a request with that method, past informational ones, by its own framing."""
        response = Response(self.read_head())
        while 100 <= response.status < 200 and response.status != 101:
            response = Response(self.read_head())
        if method == b"HEAD" or response.status in (101, 204, 304):
            return response
        if response.values(b"Transfer-Encoding"):
            raw, response.content, response.trailers = self.read_chunked()
        elif response.values(b"Content-Length"):
            raw = response.content = self.read(int(response.values(b"Content-Length")[0]))
        else:
            raw = response.content = self.read_to_end()
        response.raw += raw
        return response


def ask(client, target, request=None):
    """Sends a request, a plain GET by default; says the target's connection once the request's head is there."""
    client.send(request or get())
    upstream = target.accept()
    upstream.read_head()
    return upstream


def refusal(client, statuses, method=b"GET"):
    """Reads an answer of the proxy itself and checks its form."""
    answer = client.read_response(method)
    assert answer.status in statuses
    assert answer.values(b"Content-Type")[0].startswith(b"text/plain")
    assert answer.values(b"Proxy-Status")[0].startswith(b"authbridge; error=")
    assert len(answer.values(b"Date")) == 1
    return answer


def connect(address, source=None, tls=None):
    """Connects to an address as Bridge.addresses has it: 127.0.0.1:43210, [::1]:43210 or unix:/path.

    source is the client's own address, or for a Unix socket its own path. To an address that begins with https:// the
    client speaks TLS, with an ssl.SSLContext or one that believes everybody.
    """
    if address.startswith("https://"):
        return RawClient(TlsSocket(connect(address[len("https://") :], source).sock, tls or believing()))
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        if source:
            sock.bind(source)
        sock.connect(address[len("unix:") :])
        return RawClient(sock)
    host, _, port = address.rpartition(":")
    return RawClient(socket.create_connection((host.strip("[]"), int(port)), 10, source and (source, 0)))
