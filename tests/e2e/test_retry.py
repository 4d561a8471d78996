"""The rule for a second sending, against a target that closes kept connections at the worst moments, by chance.

No request with content or with an unsafe method reaches the target twice; a GET, HEAD or OPTIONS without content whose
reused connection ended before any octet of an answer does not fail. The first request on a connection is always
answered, so that a fresh connection is proof. Chance is seeded: a failure can be repeated.
"""

import random
import re
import time
from collections import Counter

import pytest
from message import OK, get, post
from target import answering
from wire import Ended

EXCHANGES = 150
SAFE = (b"GET", b"HEAD", b"OPTIONS")
METHODS = (*SAFE, *SAFE, b"POST", b"PUT", b"DELETE", b"PATCH", b"BREW")
CONTENTS = (None, None, b"", b"hello", b"a" * 300_000)


class Unreliable:
    """A script that answers some requests on a connection, then fails at a moment drawn by chance."""

    MOMENTS = ("before a request", "within its head", "after its head", "after all of it", "within the answer's head")
    ENDINGS = ("finish", "close", "reset")

    def __init__(self, seed):
        self.seed = seed
        self.connections = 0
        self.half_answered = set()

    def __call__(self, upstream):
        self.connections += 1
        chance = random.Random(f"{self.seed} {self.connections}")
        moment, ending = chance.choice(self.MOMENTS), chance.choice(self.ENDINGS)
        for _ in range(chance.randrange(1, 5)):
            self.answer(upstream)
        try:
            self.fail(upstream, moment, chance)
        except Ended:
            return  # the bridge was the first to end it
        self.end(upstream, ending)

    @staticmethod
    def answer(upstream):
        request = upstream.read_request()
        upstream.send(OK[:-2] if request.head.start_line.startswith(b"HEAD ") else OK)

    def fail(self, upstream, moment, chance):
        if moment == "before a request":
            time.sleep(chance.choice([0, 0.0005, 0.002]))
        elif moment == "within its head":
            upstream.read(chance.randrange(1, 40))
        elif moment == "after its head":
            upstream.read_head()
        else:
            request = upstream.read_request()
            if moment == "within the answer's head":
                self.half_answered.add(request.head.start_line.split()[1])
                upstream.send(OK[: chance.randrange(1, 60)])

    @staticmethod
    def end(upstream, ending):
        if ending == "finish" and hasattr(upstream.sock, "unwrap"):
            upstream.sock.unwrap()  # close_notify, where a mere close says nothing
        elif ending == "finish":
            upstream.finish()
            upstream.read_to_end()
        else:
            getattr(upstream, ending)()


def draw(chance, number):
    """A request by chance, and whether it may be sent twice."""
    method, content = chance.choice(METHODS), chance.choice(CONTENTS)
    path = b"/%d" % number
    octets = get(path).replace(b"GET", method) if content is None else post(content, path=path).replace(b"POST", method)
    return method, path, octets, method in SAFE and not content


def times_seen(target):
    """How often each request has reached the target, by its path."""
    received = b"\n".join(bytes(connection.received) for connection in target.connections)
    return Counter(re.findall(rb"[A-Z] (/\d+) HTTP/1\.1\r\n", received))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_by_chance(connect, start_bridge, start_target, certificates, secure, seed):
    script = Unreliable(seed)
    target = start_target(tls=certificates.good.server() if secure else None).serve(script)
    bridge = start_bridge(target, f"[tls]\nca_file = {certificates.authority.pem}\n")
    chance = random.Random(seed)
    client = connect(bridge)
    outcomes = []
    for number in range(EXCHANGES):
        method, path, octets, repeatable = draw(chance, number)
        client.send_until_refused(octets)
        answer = client.read_response(method)
        if b"close" in answer.values(b"Connection"):
            client.close()
            client = connect(bridge)
        elif chance.random() < 0.3:
            time.sleep(0.001)
        outcomes.append((path, repeatable, answer.status))
    check(target, script, outcomes)


def check(target, script, outcomes):
    seen = times_seen(target)
    for path, repeatable, status in outcomes:
        assert status in (200, 502)
        assert seen[path] <= (2 if repeatable else 1), f"{path!r} was sent {seen[path]} times"
        assert not repeatable or status == 200 or path in script.half_answered, f"{path!r} failed"
        assert path not in script.half_answered or status == 502
    assert max(seen.values()) == 2, "nothing was sent again: the test has proved nothing"
    assert any(status == 502 for _, _, status in outcomes)


def test_answered_connections_are_kept(connect, start_bridge, start_target):
    """The same requests against a reliable target: one connection, nothing twice."""
    target = start_target().serve(answering(lambda request: OK[:-2] if b"HEAD " in request.head.start_line else OK))
    client = connect(start_bridge(target))
    chance = random.Random(0)
    for number in range(EXCHANGES):
        method, _, octets, _ = draw(chance, number)
        client.send(octets)
        assert client.read_response(method).status == 200
    assert times_seen(target) == Counter(b"/%d" % number for number in range(EXCHANGES))
    assert len(target.used) == 1
