"""A token endpoint (RFC 6749 4.4) that tests drive: it issues tokens, counts, checks who asks, and misbehaves when told."""

import base64
import json
import socket
import threading
import time
from contextlib import suppress
from urllib.parse import parse_qsl, unquote_plus

from bridge import SECRET
from message import Head
from wire import DEADLINE, Ended, Wire

CLIENT_ID = "the bridge/1"
CLIENT_SECRET = SECRET + " +:&=/é"


class Asked:
    """A request as the endpoint received it."""

    def __init__(self, head, content):
        self.head = Head(head)
        self.parameters = dict(parse_qsl(content.decode(), strict_parsing=True))
        self.when = time.monotonic()

    @property
    def client(self):
        """Who asks: (id, secret, by what means)."""
        fields = self.head.values(b"Authorization")
        if not fields:
            return self.parameters.get("client_id"), self.parameters.get("client_secret"), "post"
        scheme, _, pair = fields[0].partition(b" ")
        assert scheme == b"Basic"
        name, _, secret = base64.b64decode(pair, validate=True).decode("ascii").partition(":")
        return unquote_plus(name), unquote_plus(secret), "basic"


def answer(content, status="200 OK", fields=""):
    """An answer's octets; what is no text or octets becomes JSON."""
    if not isinstance(content, (bytes, str)):
        content = json.dumps(content)
    octets = content if isinstance(content, bytes) else content.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(octets)}\r\nConnection: close\r\n{fields}\r\n"
    return head.encode() + octets


def jwt(**claims):
    """A JSON Web Token that nobody has signed, and in which the secret stands."""

    def encode(part):
        return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")

    return f"{encode({'alg': 'none'})}.{encode({**claims, 'jti': SECRET})}.{SECRET}"


class TokenServer:
    """Issues tokens that are good for `lifetime` seconds, each another one, with the tests' secret in it.

    `behaviour` takes the request and says the octets to answer with, None for none at all; by default it issues a token.
    """

    def __init__(self, tls=None, lifetime=3600, address=("127.0.0.1", 0), ca_file=None):
        self.tls = tls
        self.ca_file = ca_file
        self.lifetime = lifetime
        self.behaviour = self.issue
        self.asked = []
        self.issued = {}  # token: when it expires here
        self.revoked = set()
        self.faults = []
        self.busy = self.most_busy = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(address)
        self.threads = []
        self._start(self._accept_loop)

    @property
    def port(self):
        return self.listener.getsockname()[1]

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/oauth2/token"

    def settings(self, more="", name="preprod"):
        """The sections of a proxy.ini that use it."""
        ca_file = f"ca_file = {self.ca_file}\n" if self.ca_file else ""
        return (
            f"[request-headers]\nAuthorization = Bearer ${{token:{name}}}\n[token:{name}]\ntype = oauth2\n"
            f"token_url = {self.url}\nclient_id = {CLIENT_ID}\nclient_secret = {CLIENT_SECRET}\n{ca_file}{more}"
        )

    def new_token(self):
        with self.lock:
            token = f"{SECRET}.{len(self.issued) + 1}"
            self.issued[token] = time.monotonic() + self.lifetime
        return token

    def issue(self, asked):
        """The answer of a well-behaved endpoint."""
        if asked.client[:2] != (CLIENT_ID, CLIENT_SECRET):
            return answer({"error": "invalid_client", "error_description": str(asked.client)}, "401 Unauthorized")
        if asked.parameters.get("grant_type") != "client_credentials":
            return answer({"error": "unsupported_grant_type"}, "400 Bad Request")
        token = self.new_token()
        return answer({"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime})

    def is_valid(self, token):
        """Whether a target that trusts this endpoint takes the token now."""
        return token not in self.revoked and time.monotonic() < self.issued.get(token, 0)

    def guard(self, then):
        """A target's answer to a request: that of `then` where it has a valid token, else 401."""

        def judge(request):
            values = request.values(b"Authorization")
            token = values[0].removeprefix(b"Bearer ").decode() if len(values) == 1 else ""
            if self.is_valid(token):
                return then(request) if callable(then) else then
            return b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error="invalid_token"\r\nContent-Length: 2\r\n\r\nno'

        return judge

    def close(self):
        if self.listener.fileno() >= 0:
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(DEADLINE)
        assert not self.faults, f"the token server failed: {self.faults!r}"

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept_loop(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self._start(self._serve, sock)

    def _serve(self, sock):
        with sock, suppress(OSError, Ended):
            sock.settimeout(DEADLINE)
            wire = Wire(self.tls.wrap_socket(sock, server_side=True) if self.tls else sock)
            head = wire.read_head()
            asked = Asked(head, wire.read(int(Head(head).values(b"Content-Length")[0])))
            with self.lock:
                self.asked.append(asked)
                self.busy += 1
                self.most_busy = max(self.most_busy, self.busy)
            try:
                octets = self.behaviour(asked)
            except Exception as fault:  # whatever it is, close() reports it
                self.faults.append(fault)
                octets = None
            finally:
                with self.lock:
                    self.busy -= 1
            if octets:
                wire.send(octets)
                with suppress(OSError):
                    wire.sock.shutdown(socket.SHUT_WR)
                wire.read_to_end()
