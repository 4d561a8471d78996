"""Responses: what the client sees of a good one, octet for octet."""

import re

import pytest
from message import DATE, HINTS, OK, get, response, row
from rawclient import ask, refusal
from target import answering

KEEP_ALIVE_1_0 = get(fields=b"Connection: keep-alive\r\n", version=b"HTTP/1.0")


def method(name):
    return get().replace(b"GET", name, 1)


class TestUnchanged:
    RESPONSES = [
        row("plain", OK),
        row("empty reason", OK.replace(b"200 OK", b"200 ")),
        row("odd reason", OK.replace(b"200 OK", b"200 All  is\twell!")),
        row("obs-text in the reason", OK.replace(b"200 OK", b"200 \xfc\xff")),
        row("unknown status", OK.replace(b"200 OK", b"299 Odd")),
        row("status 599", OK.replace(b"200 OK", b"599 Odder")),
        row("not found", OK.replace(b"200 OK", b"404 Not Found")),
        row("server error", OK.replace(b"200 OK", b"503 Busy")),
        row("order, case and duplicates", response(fields=b"x-b: 1\r\nX-A: 2\r\nX-B:3\r\nX-B:  4  5\r\nX-Empty:\r\n")),
        row("several cookies", response(fields=b"Set-Cookie: a=b; Path=/\r\nSet-Cookie: c=d\r\nset-cookie: a=b\r\n")),
        row("obs-text", response(fields=b"X-Name: M\xfcller \x80\xff\r\n")),
        row(
            "validators and caching",
            response(fields=b'ETag: W/"x"\r\nAge: 3\r\nCache-Control: private\r\nVia: 1.1 x\r\n'),
        ),
        row("authentication", response(b"401 No", b'WWW-Authenticate: Basic realm="x"\r\n')),
        row("a redirect is not rewritten", response(b"302 Found", b"Location: http://target.example/x\r\n")),
        row("encoded content", response(fields=b"Content-Encoding: gzip\r\n", content=b"\x1f\x8b\0\r\n\r\n0\r\n\r\n")),
        row("empty content", response()),
        row("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + DATE + b"\r\n5\r\nhello\r\n0\r\n\r\n"),
        row(
            "chunk sizes in any form",
            b"HTTP/1.1 200 OK\r\n"
            + DATE
            + b"transfer-encoding: Chunked\r\n\r\n00005\r\nhello\r\nA\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n",
        ),
        row(
            "chunk extensions",
            b"HTTP/1.1 200 OK\r\n"
            + DATE
            + b'Transfer-Encoding: chunked\r\n\r\n5;a=b;c="d;e"\r\nhello\r\n0;last=1\r\n\r\n',
        ),
        row(
            "trailers",
            b"HTTP/1.1 200 OK\r\n"
            + DATE
            + b"Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nx-Other:  2\r\n\r\n",
        ),
        row("length 0 in a 304", b"HTTP/1.1 304 Not Modified\r\n" + DATE + b"Content-Length: 0\r\n\r\n"),
        row("length in a 304", b"HTTP/1.1 304 Not Modified\r\n" + DATE + b"Content-Length: 1234\r\nETag: x\r\n\r\n"),
        row("chunked in a 304", b"HTTP/1.1 304 Not Modified\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n"),
        row("204", b"HTTP/1.1 204 No Content\r\n" + DATE + b"\r\n"),
    ]

    @pytest.mark.parametrize("piece", [None, 1], ids=["whole", "by octets"])
    @pytest.mark.parametrize("sent", RESPONSES)
    def test_octet_for_octet(self, client, target, sent, piece):
        """After it the connections are in order: a second exchange uses the same ones."""
        upstream = ask(client, target)
        upstream.send(sent, piece)
        assert client.read(len(sent)) == sent
        client.send(get(b"/2"))
        assert upstream.read_head().startswith(b"GET /2 ")
        upstream.send(OK)
        assert client.read(len(OK)) == OK

    def test_head_of_200_kilobytes(self, client, target):
        upstream = ask(client, target)
        sent = response(fields=b"X-Long: " + b"a" * 200_000 + b"\r\n", content=b"ok")
        upstream.send(sent)
        assert client.read(len(sent)) == sent

    def test_large_content(self, connect, start_bridge, start_target):
        content = bytes(range(256)) * 20_000
        target = start_target().serve(answering(response(content=content)))
        client = connect(start_bridge(target))
        for _ in range(2):
            assert client.exchange(get()).content == content

    def test_http_1_0_target(self, client, target):
        upstream = ask(client, target)
        upstream.send(OK.replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert client.read_response().raw == OK


class TestHopByHop:
    @pytest.mark.parametrize(
        "fields",
        [
            b"Connection: X-A\r\nX-A: a\r\n",
            b"X-A: a\r\nconnection: , x-a, X-B\r\nX-B: b\r\n",
            b"Connection: keep-alive\r\nKeep-Alive: timeout=5, max=100\r\n",
            b"Proxy-Connection: keep-alive\r\n",
        ],
        ids=repr,
    )
    def test_stripped(self, client, target, fields):
        upstream = ask(client, target)
        upstream.send(response(fields=fields + b"X-Kept: a\r\n", content=b"ok"))
        assert client.read_response().raw == response(fields=b"X-Kept: a\r\n", content=b"ok")

    def test_close_of_the_target_is_not_ours(self, client, target):
        upstream = ask(client, target)
        upstream.send(response(fields=b"Connection: close\r\n", content=b"ok"))
        upstream.close()
        assert client.read_response().raw == response(content=b"ok")
        ask(client, target, get(b"/2")).send(OK)
        assert client.read_response().raw == OK

    def test_length_cannot_be_nominated_away(self, client, target):
        ask(client, target).send(response(fields=b"Connection: Content-Length\r\n", content=b"ok"))
        answer = client.read_response()
        assert answer.values(b"Content-Length") == [b"2"] and answer.content == b"ok"


class TestWithoutBody:
    def test_head(self, client, target):
        sent = response(fields=b"X-A: a\r\n", content=b"")[:-2].replace(b"Content-Length: 0", b"Content-Length: 1234")
        upstream = ask(client, target, method(b"HEAD"))
        upstream.send(sent + b"\r\n")
        assert client.read_head() == sent + b"\r\n"
        client.send(get())
        upstream.read_head()
        upstream.send(OK)
        assert client.read_response().raw == OK

    def test_head_of_a_chunked_resource(self, client, target):
        sent = b"HTTP/1.1 200 OK\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n"
        upstream = ask(client, target, method(b"HEAD"))
        upstream.send(sent)
        assert client.read_head() == sent
        client.send(get())
        upstream.read_head()

    @pytest.mark.parametrize("fields", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"], ids=repr)
    def test_204_loses_its_framing(self, connect, start_bridge, start_target, fields):
        no_content = b"HTTP/1.1 204 No Content\r\n" + DATE + fields + b"X-A: a\r\n\r\n"
        target = start_target().serve(answering(lambda request: OK if b"/2" in request.head.start_line else no_content))
        client = connect(start_bridge(target))
        assert client.exchange(get()).raw == b"HTTP/1.1 204 No Content\r\n" + DATE + b"X-A: a\r\n\r\n"
        assert client.exchange(get(b"/2")).raw == OK

    def test_head_that_comes_with_a_body(self, client, target):
        """The octets after the head are never delivered, and the upstream connection is not used again."""
        upstream = ask(client, target, method(b"HEAD"))
        upstream.send(OK)
        assert client.read_head() == OK[:-2]
        assert upstream.end()
        ask(client, target).send(OK)
        assert client.read_response().raw == OK


class TestInformational:
    @pytest.mark.parametrize("piece", [None, 1], ids=["whole", "by octets"])
    def test_relayed(self, client, target, piece):
        sent = HINTS + b"HTTP/1.1 102 Processing\r\n\r\n" + b"HTTP/1.1 199 \r\nX-A: a\r\n\r\n" + OK
        ask(client, target).send(sent, piece)
        assert client.read(len(sent)) == sent

    def test_relayed_at_once(self, client, target):
        upstream = ask(client, target)
        upstream.send(HINTS)
        assert client.read_head() == HINTS
        upstream.send(OK)
        assert client.read_response().raw == OK

    def test_loses_its_framing(self, client, target):
        ask(client, target).send(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nX-A: a\r\n\r\n" + OK)
        assert client.read_head() == b"HTTP/1.1 103 Early Hints\r\nX-A: a\r\n\r\n"
        assert client.read_response().raw == OK

    def test_dropped_for_1_0(self, client, target):
        ask(client, target, KEEP_ALIVE_1_0).send(HINTS * 3 + OK)
        assert client.read_head().startswith(b"HTTP/1.1 200 OK\r\n")

    def test_sixteen(self, client, target):
        ask(client, target).send(HINTS * 16 + OK)
        assert client.read(16 * len(HINTS) + len(OK)) == HINTS * 16 + OK

    def test_more_than_sixteen(self, client, target):
        upstream = ask(client, target)
        upstream.send(HINTS * 17)
        refusal(client, {502})
        assert upstream.end()

    def test_unasked_101(self, client, target):
        upstream = ask(client, target)
        upstream.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframe")
        refusal(client, {502})
        assert upstream.end()


class TestDate:
    def test_added_where_missing(self, client, target):
        ask(client, target).send(OK.replace(DATE, b"X-A: a\r\n"))
        answer = client.read_response()
        assert answer.head.names() == [b"x-a", b"content-length", b"date"]
        date = rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} 20\d\d \d\d:\d\d:\d\d GMT"
        assert re.fullmatch(date, answer.values(b"Date")[0])

    def test_not_added_to_informational_responses(self, client, target):
        ask(client, target).send(HINTS + OK)
        assert client.read_head() == HINTS


class TestResponseHeaders:
    SETTINGS = "[response-headers]\nServer =\nX-Frame-Options = DENY\nX-Id = ${request_id}\n"

    def test_set_replaced_and_removed(self, connect, start_bridge, target):
        bridge = start_bridge(target, self.SETTINGS)
        client = connect(bridge)
        ask(client, target).send(response(fields=b"server: x\r\nx-frame-options: ALLOW\r\nX-A: a\r\n", content=b"ok"))
        answer = client.read_response()
        assert answer.values(b"Server") == []
        assert answer.values(b"X-Frame-Options") == [b"DENY"]
        assert answer.values(b"X-Id") == [bridge.access()["id"].encode()]
        assert answer.values(b"X-A") == [b"a"] and answer.content == b"ok"
