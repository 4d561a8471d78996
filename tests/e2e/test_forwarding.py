"""Forwarding a request: which fields reach the target, in which order, and what stands in place of the others."""

import re

import pytest
from bridge import SECRET
from message import OK, Head, get, head_of_post, post, post_chunked, row

INJECT = f"""
[request-headers]
Authorization = Bearer {SECRET}
X-Api-Key = {SECRET}
"""
INJECTED = f"Authorization: Bearer {SECRET}\r\nX-Api-Key: {SECRET}\r\n".encode()
HEAD = b"GET / HTTP/1.1\r\nHost: TARGET\r\n"


def forwarded(client, target, request):
    """Sends a request; says the head that the target got, with TARGET for its authority."""
    client.send(request)
    head = target.accept().read_head()
    return head.replace(target.authority, b"TARGET")


def test_fields_stay_as_sent(client, target):
    """Order, case, duplicates and odd spacing of values stay; nothing is added."""
    before = b"X-First: 1\r\nuser-AGENT: me\r\nCookie: a=b\r\n"
    after = b"X-Two: 2\r\nACCEPT: */*\r\nx-two:3\r\nX-Two:  4 5\r\nCookie: c=d\r\nX-Empty:\r\n"
    request = b"GET /p?q HTTP/1.1\r\n" + before + b"hOsT: client.example\r\n" + after + b"\r\n"
    got = forwarded(client, target, request)
    lines = [line.lower() if line.lower().startswith(b"host") else line for line in got.split(b"\r\n")]
    assert b"\r\n".join(lines) == b"GET /p?q HTTP/1.1\r\n" + before + b"host: target\r\n" + after + b"\r\n"


def test_host_setting(connect, start_bridge, target):
    client = connect(start_bridge(target, "host = staging.example:8443\n"))
    assert forwarded(client, target, get()) == b"GET / HTTP/1.1\r\nHost: staging.example:8443\r\n\r\n"


def test_body_with_length_is_exact(client, target):
    content = bytes(range(256)) * 100
    client.send(post(content))
    upstream = target.accept()
    expected = head_of_post(len(content)).replace(b"client.example", target.authority)
    assert upstream.read(len(expected) + len(content)) == expected + content


class TestHopByHop:
    STRIPPED = [
        row("Keep-Alive", b"Keep-Alive: timeout=5\r\n"),
        row("Proxy-Connection", b"Proxy-Connection: keep-alive\r\n"),
        row("Proxy-Authorization", b"Proxy-Authorization: Basic eDp5\r\n"),
        row("TE without trailers", b"TE: gzip\r\n"),
        row("Upgrade that Connection does not name", b"Upgrade: websocket\r\n"),
        row("Upgrade to h2c", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
        row("Connection alone", b"Connection: keep-alive\r\n"),
        row("a named field", b"Connection: X-A\r\nX-A: a\r\n"),
        row("a named field before Connection", b"X-A: a\r\nConnection: X-A\r\n"),
        row("a named field, in another case", b"connection: x-A\r\nX-a: a\r\n"),
        row("a named field after an empty one", b"Connection: , X-A\r\nX-A: a\r\n"),
        row("several named fields", b"Connection: X-A ,\tX-B,X-C\r\nX-A: a\r\nX-B: b\r\nX-C: c\r\n"),
        row("two Connections", b"Connection: X-A\r\nX-A: a\r\nX-B: b\r\nConnection: X-B\r\n"),
        row("every copy of a named field", b"X-A: a\r\nConnection: X-A\r\nX-A: b\r\n"),
        row("a named field beside keep-alive", b"Connection: keep-alive, X-A\r\nX-A: a\r\n"),
        row("a named end-to-end field", b"Connection: Cookie\r\nCookie: a=b\r\n"),
        row("a named field that is not there", b"Connection: X-A\r\n"),
    ]

    @pytest.mark.parametrize("fields", STRIPPED)
    def test_stripped(self, client, target, fields):
        assert forwarded(client, target, get(fields=fields + b"X-Kept: a\r\n")) == HEAD + b"X-Kept: a\r\n\r\n"

    def test_close_is_for_our_connection(self, client, target):
        client.send(get(fields=b"Connection: close, X-A\r\nX-A: a\r\nX-Kept: a\r\n"))
        fields = Head(target.accept().read_head()).fields
        assert [name for name, _ in fields if name != b"Connection"] == [b"Host", b"X-Kept"]

    @pytest.mark.parametrize("te", [b"trailers", b"gzip, trailers", b"deflate;q=0.5,Trailers"], ids=repr)
    def test_te_keeps_trailers(self, client, target, te):
        client.send(get(fields=b"Connection: TE\r\nTE: " + te + b"\r\n"))
        assert Head(target.accept().read_head()).values(b"TE") == [b"trailers"]

    def test_trailer_stays(self, client, target):
        client.send(post_chunked(b"0\r\n\r\n", b"Trailer: X-Sum\r\n"))
        assert Head(target.accept().read_head()).values(b"Trailer") == [b"X-Sum"]

    def test_host_cannot_be_nominated_away(self, client, target):
        client.send(get(fields=b"Connection: Host\r\n"))
        assert Head(target.accept().read_head()).values(b"Host") == [target.authority]

    def test_length_cannot_be_nominated_away(self, client, target):
        client.send(post(b"hello", b"Connection: Content-Length\r\n"))
        request = target.accept().read_request()
        assert request.values(b"Content-Length") == [b"5"] and request.content == b"hello"

    def test_chunked_cannot_be_nominated_away(self, client, target):
        client.send(post_chunked(b"5\r\nhello\r\n0\r\n\r\n", b"Connection: Transfer-Encoding\r\n"))
        request = target.accept().read_request()
        assert request.values(b"Transfer-Encoding") == [b"chunked"] and request.content == b"hello"

    @pytest.mark.parametrize("named", [b"Authorization", b"authorization, x-api-key", b"X-Api_Key"], ids=repr)
    def test_injected_fields_cannot_be_nominated_away(self, connect, start_bridge, target, named):
        client = connect(start_bridge(target, INJECT))
        fields = b"Connection: " + named + b"\r\nAuthorization: evil\r\nX-Api-Key: evil\r\n"
        assert forwarded(client, target, get(fields=fields)) == HEAD + INJECTED + b"\r\n"


class TestInjection:
    def test_appended_in_the_order_of_the_file(self, connect, start_bridge, target):
        client = connect(start_bridge(target, INJECT))
        got = forwarded(client, target, get(fields=b"X-A: a\r\nX-B: b\r\n"))
        assert got == HEAD + b"X-A: a\r\nX-B: b\r\n" + INJECTED + b"\r\n"

    @pytest.mark.parametrize(
        "fields",
        [
            b"Authorization: evil\r\n",
            b"AUTHORIZATION: evil\r\nauthorization: evil\r\n",
            b"x-api-key: evil\r\n",
            b"X_Api_Key: evil\r\n",
            b"x-API_key: evil\r\nX_API-KEY: evil\r\n",
        ],
        ids=repr,
    )
    def test_the_clients_own_value_does_not_survive(self, connect, start_bridge, target, fields):
        client = connect(start_bridge(target, INJECT))
        got = forwarded(client, target, get(fields=b"X-A: a\r\n" + fields + b"X-B: b\r\n"))
        assert got == HEAD + b"X-A: a\r\nX-B: b\r\n" + INJECTED + b"\r\n"

    def test_resembling_names_stay(self, connect, start_bridge, target):
        client = connect(start_bridge(target, INJECT))
        fields = b"X-Api-Key2: a\r\nXX-Api-Key: b\r\nX-Api: c\r\nX-ApiKey: d\r\n"
        assert forwarded(client, target, get(fields=fields)) == HEAD + fields + INJECTED + b"\r\n"

    def test_empty_value_removes_the_field(self, connect, start_bridge, target):
        client = connect(start_bridge(target, "[request-headers]\nCookie =\n"))
        got = forwarded(client, target, get(fields=b"cookie: a=b\r\nX-A: a\r\n"))
        assert got == HEAD + b"X-A: a\r\n\r\n"

    def test_request_id_and_client_address(self, connect, start_bridge, origin):
        bridge = start_bridge(origin, "[request-headers]\nX-Id = ${request_id}\nX-From = <${client_ip}>\n")
        client = connect(bridge)
        for number in (1, 2):
            client.exchange(get())
            assert bridge.access(number)["id"].encode() in origin.requests[-1].values(b"X-Id")
        first, second = (request.values(b"X-Id")[0] for request in origin.requests)
        assert first != second and re.fullmatch(rb"[0-9a-f]{32}", first)
        assert origin.requests[0].values(b"X-From") == [b"<127.0.0.1>"]

    def test_every_request_of_a_connection_gets_them(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin, INJECT))
        for _ in range(3):
            assert client.exchange(get(fields=b"Authorization: evil\r\n")).status == 200
        assert [request.values(b"Authorization") for request in origin.requests] == [[f"Bearer {SECRET}".encode()]] * 3


class TestMaxForwards:
    def options(self, value, path=b"/"):
        return get(path, b"Max-Forwards: " + value + b"\r\n").replace(b"GET", b"OPTIONS", 1)

    @pytest.mark.parametrize("path", [b"/", b"*"], ids=repr)
    def test_zero_is_answered_here(self, client, target, path):
        answer = client.exchange(self.options(b"0", path))
        assert answer.status in (200, 204)
        assert b"OPTIONS" in answer.values(b"Allow")[0]
        assert target.received() == b""

    def test_is_counted_down(self, client, target):
        client.send(self.options(b"10"))
        assert Head(target.accept().read_head()).values(b"Max-Forwards") == [b"9"]

    def test_of_other_methods_stays(self, client, target):
        client.send(get(fields=b"Max-Forwards: 0\r\n"))
        assert Head(target.accept().read_head()).values(b"Max-Forwards") == [b"0"]


class TestBasePath:
    @pytest.mark.parametrize(
        "base, path, expected",
        [
            ("/base", b"/", b"/base/"),
            ("/base", b"/a?b", b"/base/a?b"),
            ("/base/", b"/a", b"/base/a"),
            ("/", b"/a", b"/a"),
            ("/two/parts", b"/../a", b"/two/parts/../a"),
            ("/base", b"http://other.example/a?b", b"/base/a?b"),
        ],
    )
    def test_is_put_before_the_path(self, connect, start_bridge, target, base, path, expected):
        client = connect(start_bridge(target.url + base))
        client.send(get(path))
        assert Head(target.accept().read_head()).start_line == b"GET " + expected + b" HTTP/1.1"


class TestPipelining:
    def test_answers_come_in_order(self, connect, start_bridge, start_target):
        target = start_target()
        client = connect(start_bridge(target))
        client.send(get(b"/1") + post(b"two", path=b"/2") + get(b"/3"))
        upstream = target.accept()
        for expected in (b"/1", b"/2", b"/3"):
            request = upstream.read_request()
            assert request.head.start_line.split()[1] == expected
            assert upstream.unread() == b"", "the next request came before this one was answered"
            upstream.send(OK.replace(b"Content-Length: 2\r\n\r\nok", b"Content-Length: 2\r\n\r\n" + expected))
            assert client.read_response().content == expected
        assert request.content == b""

    def test_next_waits_for_the_whole_response(self, client, target):
        client.send(get(b"/1") + get(b"/2"))
        upstream = target.accept()
        upstream.read_head()
        upstream.send(OK[:-1])
        assert client.read_head() + client.read(1) == OK[:-1]
        assert upstream.unread() == b""
        upstream.send(OK[-1:])
        assert upstream.read_head().startswith(b"GET /2 ")

    def test_a_hundred_at_once(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin))
        client.send(b"".join(get(b"/%d" % number) for number in range(100)))
        assert [client.read_response().status for _ in range(100)] == [200] * 100
        assert [request.head.start_line.split()[1] for request in origin.requests] == [b"/%d" % n for n in range(100)]


class TestChunkedRequest:
    def test_content_is_the_same(self, client, target):
        pieces = [bytes([number]) * (1 + number * 997 % 20_000) for number in range(50)]
        body = b"".join(b"%X;n=%d\r\n%s\r\n" % (len(piece), number, piece) for number, piece in enumerate(pieces))
        upstream = None
        for start in range(0, len(body), 60_000):
            client.send((b"" if start else post_chunked()) + body[start : start + 60_000])
        client.send(b"0\r\n\r\n")
        upstream = target.accept()
        request = upstream.read_request()
        assert request.content == b"".join(pieces)
        assert request.values(b"Transfer-Encoding") == [b"chunked"]
        assert request.values(b"Content-Length") == []

    def test_each_piece_goes_out_at_once(self, client, target):
        client.send(post_chunked(b"5\r\nhello\r\n"))
        upstream = target.accept()
        upstream.read_until(b"hello")
        client.send(b"5\r\nwor")
        upstream.read_until(b"wor")
        client.send(b"ld\r\n0\r\n\r\n")
        upstream.read_until(b"0\r\n\r\n")
        upstream.send(OK)
        assert client.read_response().status == 200

    def test_trailers_are_forwarded(self, client, target):
        client.send(post_chunked(b"2\r\nab\r\n0\r\nX-Sum: 1\r\nx-more:  2\r\nX-Sum: 3\r\n\r\n"))
        assert target.accept().read_request().trailers == b"X-Sum: 1\r\nx-more:  2\r\nX-Sum: 3\r\n\r\n"

    def test_forbidden_trailers_are_not(self, connect, start_bridge, target):
        client = connect(start_bridge(target, INJECT))
        forbidden = (
            b"Content-Length: 5\r\nTransfer-Encoding: gzip\r\nHost: evil\r\nConnection: close\r\nKeep-Alive: 1\r\n"
        )
        injected = b"Authorization: evil\r\nx_api_key: evil\r\n"
        client.send(post_chunked(b"2\r\nab\r\n0\r\n" + forbidden + b"X-Sum: 1\r\n" + injected + b"\r\n"))
        assert target.accept().read_request().trailers == b"X-Sum: 1\r\n\r\n"
