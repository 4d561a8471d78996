"""Plays one case: a client that sends its requests, a target that replies, and every octet that either of them saw."""

import fcntl
import random
import socket
import struct
import termios
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from message import Head
from rawclient import connect
from target import Target, Upstream
from wire import Ended, wait_until

PROBE_PATH = b"/is-this-connection-kept"
PROBE = b"GET " + PROBE_PATH + b" HTTP/1.1\r\nHost: client.example\r\n\r\n"
PROBE_ANSWER = b"HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 15:07:03 GMT\r\nX-Kept: yes\r\nContent-Length: 4\r\n\r\nkept"
DELIVERIES = ("whole", "octets", "split")
OCTET_BY_OCTET = 1200  # longer messages are sent in larger pieces
PAUSE = 0.0005  # between the pieces of a split message, so that they arrive apart


def pieces(octets, delivery, seed):
    """Cuts octets for their delivery; the same seed gives the same cuts."""
    if delivery == "whole" or len(octets) < 2:
        return [octets]
    if delivery == "octets":
        size = 1 if len(octets) <= OCTET_BY_OCTET else 997
        return [octets[at : at + size] for at in range(0, len(octets), size)]
    chance = random.Random(seed)
    cuts = sorted(chance.sample(range(1, len(octets)), min(chance.randint(1, 5), len(octets) - 1)))
    return [octets[start:end] for start, end in zip([0, *cuts], [*cuts, len(octets)])]


def deliver(wire, octets, delivery, seed, behind=b""):
    """Sends octets in pieces, what stands behind them with the last; the peer may end the connection before that."""
    parts = pieces(octets, delivery, seed)
    parts[-1] += behind
    with suppress(BrokenPipeError, ConnectionResetError):
        for part in parts:
            wire.send(part)
            if delivery == "split":
                time.sleep(PAUSE)


def _unsent(sock):
    """How many octets of a socket its peer's kernel has not taken."""
    answer = fcntl.ioctl(sock, termios.TIOCOUTQ, struct.pack("i", 0))
    return struct.unpack("i", answer)[0]


@dataclass
class Seen:
    """What a case came to."""

    client: bytes = b""
    responses: list = field(default_factory=list)
    ending: str | None = None  # "FIN", "RST", or "silence" after the time that a peer is given
    kept: bool = False
    target: bytes = b""
    connections: int = 0  # to the target
    requests: int = 0  # how many the target saw whole, the probe aside
    target_left: bool = True  # whether every connection to the target ended with the client's


class _Part:
    """The target's part in one play."""

    def __init__(self, case, delivery):
        self.replies = [step.reply for step in case.steps]
        self.delivery = delivery
        self.seed = case.name
        self.connections = []
        self.running = 0
        self.requests = 0
        self.changed = threading.Condition()

    def enter(self, upstream):
        with self.changed:
            self.connections.append(upstream)
            self.running += 1
            self.changed.notify_all()

    def leave(self):
        with self.changed:
            self.running -= 1
            self.changed.notify_all()

    def count_request(self):
        with self.changed:
            self.requests += 1

    def next_reply(self):
        with self.changed:
            return self.replies.pop(0) if self.replies else None

    def wait(self, condition, patience):
        with self.changed:
            return self.changed.wait_for(condition, patience)


class Stage:
    """A target, for a proxy in front of it, on which cases are played one after another.

    Connections belong to the play during which they were accepted. A mark, a connection of the stage's own at the end
    of a play, makes sure that all that were made before it have been.
    """

    def __init__(self, patience):
        self.patience = patience
        self.part = None
        self.mark = None
        self.marked = threading.Event()
        self.target = Target(backlog=512)
        self.target.listener.settimeout(None)
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def close(self):
        self.target.close()
        self.accepting.join(self.patience)

    # ---- the target ----

    def _accept(self):
        with suppress(OSError):
            while True:
                sock, peer = self.target.listener.accept()
                if peer == self.mark:
                    sock.close()
                    self.marked.set()
                    continue
                upstream = Upstream(sock, [])
                self.part.enter(upstream)
                threading.Thread(target=self._serve, args=(self.part, upstream), daemon=True).start()

    def _set_mark(self):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.marked.clear()
            self.mark = sock.getsockname()
            sock.connect(self.target.listener.getsockname())
            assert self.marked.wait(self.patience), "the target does not accept"

    def _serve(self, part, upstream):
        try:
            with upstream.sock:
                while self._serve_one(upstream, part):
                    pass
                upstream.read_to_end()
        except (OSError, AssertionError, ValueError):
            pass  # ended by the proxy, cut short, or no request: what was received tells
        finally:
            part.leave()

    def _serve_one(self, upstream, part):
        """Serves one request; says whether another may follow."""
        head = upstream.read_head()
        is_probe = PROBE_PATH in head.partition(b"\r\n")[0]
        reply = None if is_probe else part.next_reply()
        if reply and reply.on_head:
            deliver(upstream, reply.on_head, part.delivery, part.seed)
        self._read_content(upstream, Head(head))
        if is_probe:
            upstream.send(PROBE_ANSWER)
            return True
        part.count_request()
        if reply is None:
            return False
        deliver(upstream, reply.final, part.delivery, part.seed, reply.behind)
        if reply.ends == "RST":
            wait_until(lambda: _unsent(upstream.sock) == 0, "the reply has been taken", self.patience)
            upstream.reset()
        elif reply.ends == "FIN":
            upstream.finish()
        return reply.ends is None

    @staticmethod
    def _read_content(upstream, head):
        if head.values(b"Transfer-Encoding"):
            upstream.read_chunked()
        elif head.values(b"Content-Length"):
            upstream.read(int(head.values(b"Content-Length")[0]))

    # ---- the client ----

    def play(self, case, address, delivery="whole"):
        """Plays the case against the proxy at that address."""
        self.part = part = _Part(case, delivery)
        seen = Seen()
        client = connect(address)
        client.sock.settimeout(self.patience)
        try:
            self._send(client, case, delivery)
            if case.leaves == "RST":
                part.wait(lambda: part.connections, self.patience)
                client.reset()
            else:
                self._read(client, case, seen)
        finally:
            seen.client = bytes(client.received)
            client.close()
        self._set_mark()
        seen.target_left = part.wait(lambda: part.running == 0, self.patience)
        self._note_target(seen, part)
        return seen

    def _send(self, client, case, delivery):
        octets = b""
        for step in case.steps:
            octets += step.request + step.behind
            if step.after_interim:
                deliver(client, octets, delivery, case.name)
                with suppress(AssertionError):
                    while not client.received and client._read_more():
                        pass
                octets = step.after_interim
        deliver(client, octets, delivery, case.name)
        if case.leaves == "FIN":
            with suppress(OSError):
                client.finish()

    def _read(self, client, case, seen):
        """Reads the responses, then finds out whether the connection is kept."""
        try:
            for step in case.steps:
                method = step.request.lstrip(b"\r\n").partition(b" ")[0]
                seen.responses.append(client.read_response(method))
                if client.ending or _says_close(seen.responses[-1], method):
                    break
            else:
                if case.leaves is None:
                    seen.kept = self._is_kept(client)
                if seen.kept or (client.ending is None and case.leaves is None):
                    return
            client.read_to_end()
        except Ended:
            pass  # ending says how
        except (AssertionError, ValueError, IndexError):
            if client.ending is None:
                client.ending = "silence"
        seen.ending = client.ending

    @staticmethod
    def _is_kept(client):
        client.send_until_refused(PROBE)
        with suppress(Ended):
            return client.read_response().values(b"X-Kept") == [b"yes"]
        return False

    def _note_target(self, seen, part):
        for upstream in part.connections:
            seen.target += bytes(upstream.received)
            if not seen.target_left:
                with suppress(OSError):
                    upstream.sock.close()
        seen.connections = len(part.connections)
        seen.requests = part.requests


def _says_close(response, method):
    """Whether the connection ends with that response: it says so, or its end is the end of the content."""
    options = b",".join(response.values(b"Connection")).lower()
    has_length = response.values(b"Content-Length") or response.values(b"Transfer-Encoding")
    bare = method == b"HEAD" or response.status in (204, 304)
    return b"close" in options or response.status == 101 or not (has_length or bare)
