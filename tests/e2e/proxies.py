"""Outgoing proxies for the tests: one for CONNECT and one for SOCKS5; each records what it was asked for."""

import base64
import socket
import threading
from contextlib import suppress

from message import Head
from target import Target
from wire import DEADLINE


class EgressProxy:
    """What both have in common: `routes` says where a requested authority really leads.

    `credentials` are what it was shown, as b"user:password".
    """

    def __init__(self):
        self.target = Target().serve(self.serve_connection)
        self.address = f"127.0.0.1:{self.target.port}"
        self.asked = []
        self.credentials = []
        self.routes = {}

    def url_with(self, user, password):
        """Its URL with these as they stand."""
        return self.url.replace("://", f"://{user}:{password}@")

    def close(self):
        self.target.close()

    def connect(self, authority):
        """Notes the authority that was asked for, and connects to where it leads."""
        self.asked.append(authority)
        host, _, port = self.routes.get(authority, authority).rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), DEADLINE)

    @staticmethod
    def join(left, right):
        """Passes octets both ways until both directions have ended."""
        back = threading.Thread(target=EgressProxy.pump, args=(right, left), daemon=True)
        back.start()
        EgressProxy.pump(left, right)
        back.join(DEADLINE)
        right.close()

    @staticmethod
    def pump(source, sink):
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


class ConnectProxy(EgressProxy):
    """An HTTP proxy that knows CONNECT alone; it can refuse with a status."""

    def __init__(self, refusal=None):
        super().__init__()
        self.refusal = refusal
        self.heads = []
        self.url = f"http://{self.address}"

    def serve_connection(self, wire):
        head = wire.read_head()
        self.heads.append(head)
        for value in Head(head).values(b"Proxy-Authorization"):
            assert value.startswith(b"Basic ")
            self.credentials.append(base64.b64decode(value[len(b"Basic ") :], validate=True))
        method, authority, _ = head.split(b"\r\n")[0].split()
        assert method == b"CONNECT", "only tunnels are asked of an outgoing proxy"
        if self.refusal:
            wire.send(self.refusal)
            return
        outgoing = self.connect(authority.decode())
        wire.send(b"HTTP/1.1 200 Connected\r\n\r\n")
        self.join(wire.sock, outgoing)


class SocksProxy(EgressProxy):
    """A SOCKS5 proxy (RFC 1928) that takes user and password (RFC 1929) where they are offered."""

    ADDRESS_LENGTHS = {1: 4, 4: 16}
    NO_AUTHENTICATION, USER_AND_PASSWORD = 0, 2

    def __init__(self):
        super().__init__()
        self.kinds = []
        self.url = f"socks5h://{self.address}"

    def serve_connection(self, wire):
        version, count = wire.read(2)
        assert version == 5
        if self.USER_AND_PASSWORD in wire.read(count):
            wire.send(bytes((5, self.USER_AND_PASSWORD)))
            self.credentials.append(self.read_credentials(wire))
            wire.send(b"\1\0")
        else:
            wire.send(bytes((5, self.NO_AUTHENTICATION)))
        version, command, _, kind = wire.read(4)
        assert (version, command) == (5, 1)
        address = wire.read(self.ADDRESS_LENGTHS.get(kind) or wire.read(1)[0])
        port = int.from_bytes(wire.read(2), "big")
        self.kinds.append("name" if kind == 3 else "address")
        host = (
            address.decode() if kind == 3 else socket.inet_ntop({1: socket.AF_INET, 4: socket.AF_INET6}[kind], address)
        )
        outgoing = self.connect(f"{host}:{port}")
        wire.send(b"\5\0\0\1" + bytes(6))
        self.join(wire.sock, outgoing)

    @staticmethod
    def read_credentials(wire):
        version, user_length = wire.read(2)
        assert version == 1
        user = wire.read(user_length)
        return user + b":" + wire.read(wire.read(1)[0])
