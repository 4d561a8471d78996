"""Request heads: what is refused, with which status, and what reaches the target of the rest."""

import pytest
from message import OK, get, row
from rawclient import refusal

HOST = b"Host: client.example\r\n"


def with_field(line):
    return get(fields=line + b"\r\n")


def to(request_target, method=b"GET"):
    return method + b" " + request_target + b" HTTP/1.1\r\n" + HOST + b"\r\n"


def with_host(*hosts):
    return b"GET / HTTP/1.1\r\n" + b"".join(b"Host: " + host + b"\r\n" for host in hosts) + b"\r\n"


def version(octets):
    return b"GET / " + octets + b"\r\n" + HOST + b"\r\n"


MALFORMED_HEADS = [
    row("three empty lines", b"\r\n\r\n\r\n" + get()),
    row("empty line of LF alone", b"\n" + get()),
    row("LF ends the request line", b"GET / HTTP/1.1\n" + HOST + b"\r\n"),
    row("LF ends a field", b"GET / HTTP/1.1\r\nHost: client.example\n\r\n"),
    row("LF ends the head", b"GET / HTTP/1.1\r\n" + HOST + b"\n"),
    row("only LF", b"GET / HTTP/1.1\nHost: client.example\n\n"),
    row("CR in the request line", b"GET /\rx HTTP/1.1\r\n" + HOST + b"\r\n"),
    row("CR after the request line", b"GET / HTTP/1.1\r\r\n" + HOST + b"\r\n"),
    row("CR in a value", with_field(b"X-A: a\rb")),
    row("CR at the end of a value", with_field(b"X-A: a\r")),
    row("CR in a name", with_field(b"X\rA: a")),
    row("NUL in a value", with_field(b"X-A: a\0b")),
    row("NUL in a name", with_field(b"X\0A: a")),
    row("NUL in the target", to(b"/a\0b")),
    row("NUL in the method", to(b"/", b"G\0T")),
    row("control octet 01 in a value", with_field(b"X-A: a\x01b")),
    row("vertical tab in a value", with_field(b"X-A: a\x0bb")),
    row("escape in a value", with_field(b"X-A: a\x1b[31m")),
    row("DEL in a value", with_field(b"X-A: a\x7fb")),
    row("control octet in the target", to(b"/a\x02b")),
    row("DEL in the target", to(b"/a\x7fb")),
    row("tab in the request line", b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n"),
    row("white space before the first field", b"GET / HTTP/1.1\r\n " + HOST + b"\r\n"),
    row("tab before the first field", b"GET / HTTP/1.1\r\n\t" + HOST + b"\r\n"),
    row("folded with a space", with_field(b"X-A: a\r\n b")),
    row("folded with a tab", with_field(b"X-A: a\r\n\tb")),
    row("folded to nothing", with_field(b"X-A: a\r\n ")),
    row("space before the colon", with_field(b"X-A : a")),
    row("tab before the colon", with_field(b"X-A\t: a")),
    row("space before the colon of Host", b"GET / HTTP/1.1\r\nHost : client.example\r\n\r\n"),
    row("empty name", with_field(b": a")),
    row("no colon", with_field(b"X-A")),
    row("space in a name", with_field(b"X A: a")),
    row("parenthesis in a name", with_field(b"X(A): a")),
    row("obs-text in a name", with_field(b"X\xe4: a")),
    row("method is no token", to(b"/", b"G@T")),
    row("method with braces", to(b"/", b"{GET}")),
    row("method is empty", b" / HTTP/1.1\r\n" + HOST + b"\r\n"),
    row("two spaces after the method", b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n"),
    row("two spaces after the target", b"GET /  HTTP/1.1\r\n" + HOST + b"\r\n"),
    row("space after the version", b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n"),
    row("no version", b"GET /\r\n" + HOST + b"\r\n"),
    row("method alone", b"GET\r\n" + HOST + b"\r\n"),
    row("target without a slash", to(b"index.html")),
    row("asterisk with GET", to(b"*")),
    row("authority-form with GET", to(b"client.example:80")),
    row("fragment in the target", to(b"/a#b")),
    row("obs-text in the target", to(b"/\xc3\xa4")),
    row("space in the target", to(b"/a b")),
    row("absolute-form without a host", to(b"http:///x")),
]

HOSTS_REFUSED = [
    row("no Host", with_host()),
    row("two Hosts", with_host(b"a.example", b"b.example")),
    row("two equal Hosts", with_host(b"a.example", b"a.example")),
    row("Host is empty", with_host(b"")),
    row("Host with a space", with_host(b"a b")),
    row("Host with a slash", with_host(b"a.example/x")),
    row("Host is a list", with_host(b"a.example, b.example")),
    row("Host with userinfo", with_host(b"user@a.example")),
    row("Host with an open bracket", with_host(b"[::1")),
    row("Host with a port that is no number", with_host(b"a.example:http")),
    row("Host with two ports", with_host(b"a.example:80:80")),
    row("Host with a scheme", with_host(b"http://a.example")),
    row("Host with obs-text", with_host(b"\xc3\xa4.example")),
    row("absolute-form does not mend two Hosts", b"GET http://x.example/ HTTP/1.1\r\n" + HOST + HOST + b"\r\n"),
]

OTHERWISE_REFUSED = [
    row("method over 32 octets", to(b"/", b"M" * 33), {501}),
    row("CONNECT", b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", {405}),
    row("TRACE", to(b"/", b"TRACE"), {405}),
    row("version 2.0", version(b"HTTP/2.0"), {505}),
    row("version 0.9", version(b"HTTP/0.9"), {505}),
    row("version 3.0", version(b"HTTP/3.0"), {505}),
    row("lower case version", version(b"http/1.1"), {400, 505}),
    row("version of two digits", version(b"HTTP/1.10"), {400, 505}),
    row("version of another protocol", version(b"HTCPCP/1.0"), {400, 505}),
    row("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
]


@pytest.mark.parametrize("piece", [None, 1], ids=["whole", "by octets"])
@pytest.mark.parametrize("sent", MALFORMED_HEADS + HOSTS_REFUSED)
def test_malformed(client, target, sent, piece):
    client.send_until_refused(sent, piece)
    assert refusal(client, {400}).values(b"Connection") == [b"close"]
    assert client.end() == "FIN"
    assert target.received() == b""


@pytest.mark.parametrize("piece", [None, 1], ids=["whole", "by octets"])
@pytest.mark.parametrize("sent, statuses", OTHERWISE_REFUSED)
def test_otherwise_refused(client, target, sent, statuses, piece):
    client.send_until_refused(sent, piece)
    refusal(client, statuses)
    assert target.received() == b""


def test_405_says_what_is_allowed(client):
    allow = client.exchange(to(b"/", b"TRACE")).values(b"Allow")
    assert len(allow) == 1
    assert b"GET" in allow[0] and b"TRACE" not in allow[0]


def test_refusal_ends_pipelining(client, target):
    """What follows a refused head is not served: nobody knows where the next request starts."""
    client.send(with_field(b"X-A : a") + get(b"/smuggled"))
    assert refusal(client, {400})
    assert client.end() == "FIN"
    assert target.received() == b""


PLAIN = b"GET / HTTP/1.1\r\nHost: TARGET\r\n\r\n"
FORWARDED_HEADS = [
    row("one empty line before", b"\r\n" + get(), PLAIN),
    row("two empty lines before", b"\r\n\r\n" + get(), PLAIN),
    row(
        "obs-text in a value",
        with_field(b"X-A: \xe4\xff\x80"),
        b"GET / HTTP/1.1\r\nHost: TARGET\r\nX-A: \xe4\xff\x80\r\n\r\n",
    ),
    row("tab in a value", with_field(b"X-A: a\tb"), b"GET / HTTP/1.1\r\nHost: TARGET\r\nX-A: a\tb\r\n\r\n"),
    row("empty value", with_field(b"X-A:"), b"GET / HTTP/1.1\r\nHost: TARGET\r\nX-A:\r\n\r\n"),
    row("no space after the colon", with_field(b"X-A:a"), b"GET / HTTP/1.1\r\nHost: TARGET\r\nX-A:a\r\n\r\n"),
    row(
        "all token octets",
        with_field(b"!#$%&'*+-.^_`|~09: a"),
        b"GET / HTTP/1.1\r\nHost: TARGET\r\n!#$%&'*+-.^_`|~09: a\r\n\r\n",
    ),
    row("version 1.2", version(b"HTTP/1.2"), PLAIN),
    row("version 1.9", version(b"HTTP/1.9"), PLAIN),
    row("lower case method", to(b"/", b"get"), b"get / HTTP/1.1\r\nHost: TARGET\r\n\r\n"),
    row("unknown method", to(b"/", b"BREW"), b"BREW / HTTP/1.1\r\nHost: TARGET\r\n\r\n"),
    row("method of 32 octets", to(b"/", b"M" * 32), b"M" * 32 + b" / HTTP/1.1\r\nHost: TARGET\r\n\r\n"),
    row("OPTIONS for the server", to(b"*", b"OPTIONS"), b"OPTIONS * HTTP/1.1\r\nHost: TARGET\r\n\r\n"),
    row("absolute-form", to(b"http://other.example/a?b"), b"GET /a?b HTTP/1.1\r\nHost: TARGET\r\n\r\n"),
    row("absolute-form without a path", to(b"http://other.example"), PLAIN),
    row("absolute-form, only a query", to(b"http://other.example?q"), b"GET /?q HTTP/1.1\r\nHost: TARGET\r\n\r\n"),
    row("absolute-form with a port", to(b"http://other.example:8080/a"), b"GET /a HTTP/1.1\r\nHost: TARGET\r\n\r\n"),
    row("absolute-form, scheme in capitals", to(b"HTTP://other.example/a"), b"GET /a HTTP/1.1\r\nHost: TARGET\r\n\r\n"),
    row(
        "OPTIONS of a bare authority",
        to(b"http://other.example", b"OPTIONS"),
        b"OPTIONS * HTTP/1.1\r\nHost: TARGET\r\n\r\n",
    ),
]


@pytest.mark.parametrize("piece", [None, 1], ids=["whole", "by octets"])
@pytest.mark.parametrize("sent, expected", FORWARDED_HEADS)
def test_forwarded(client, target, sent, expected, piece):
    client.send(sent, piece)
    upstream = target.accept()
    assert upstream.read_head() == expected.replace(b"TARGET", target.authority)
    upstream.send(OK)
    assert client.read_response().status == 200
    assert upstream.unread() == b""


@pytest.mark.parametrize(
    "path",
    [
        b"/a/../b/./c",
        b"//a//b",
        b"/%2e%2e/%2F%zz",
        b"/?",
        b"/a?b=c&d=?/;",
        b"/a;b=1,c",
        b"/\"<>\\^`{|}'",
        b"/%00",
        b"/a?http://x/",
    ],
    ids=repr,
)
def test_origin_form_is_forwarded_verbatim(connect, start_bridge, origin, path):
    client = connect(start_bridge(origin))
    assert client.exchange(get(path)).status == 200
    assert origin.requests[0].head.start_line == b"GET " + path + b" HTTP/1.1"


@pytest.mark.parametrize(
    "host",
    [
        b"a.example",
        b"a.example:8080",
        b"a.example:",
        b"127.0.0.1",
        b"[::1]",
        b"[::1]:80",
        b"a_b-c.example",
        b"%41.example",
    ],
    ids=repr,
)
def test_hosts_accepted(connect, start_bridge, origin, host):
    assert connect(start_bridge(origin)).exchange(with_host(host)).status == 200
    assert origin.requests[0].values(b"Host") == [origin.authority]


def test_http_1_0_without_host_is_served(connect, start_bridge, origin):
    assert connect(start_bridge(origin)).exchange(b"GET /a HTTP/1.0\r\n\r\n").content == b"ok"
    assert origin.requests[0].head.start_line == b"GET /a HTTP/1.1"
    assert origin.requests[0].values(b"Host") == [origin.authority]


def test_http_1_0_with_two_hosts_is_refused(client, target):
    client.send(with_host(b"a.example", b"a.example").replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert refusal(client, {400})
    assert target.received() == b""


class TestLimits:
    def test_target_at_the_limit(self, connect, start_bridge, origin):
        path = b"/" + b"a" * (16 * 1024 - 1)
        assert connect(start_bridge(origin)).exchange(get(path)).status == 200
        assert origin.requests[0].head.start_line == b"GET " + path + b" HTTP/1.1"

    @pytest.mark.parametrize("length", [16 * 1024, 60_000, 200_000])
    def test_target_over_the_limit(self, client, target, length):
        client.send(get(b"/" + b"a" * length))
        refusal(client, {414})
        assert target.received() == b""

    def test_target_limit_is_configurable(self, connect, start_bridge, target):
        client = connect(start_bridge(target, "[limits]\nrequest_target = 1K\n"))
        client.send(get(b"/" + b"a" * 1024))
        refusal(client, {414})

    def test_head_within_the_limit(self, connect, start_bridge, origin):
        assert connect(start_bridge(origin)).exchange(get(fields=b"X-A: " + b"a" * 60_000 + b"\r\n")).status == 200
        assert len(origin.requests[0].values(b"X-A")[0]) == 60_000

    @pytest.mark.parametrize(
        "fields", [b"X-A: " + b"a" * 70_000 + b"\r\n", b"X-A: 1234567890\r\n" * 5000], ids=["one", "many"]
    )
    def test_head_over_the_limit(self, client, target, fields):
        client.send(get(fields=fields))
        refusal(client, {431})
        assert target.received() == b""

    def test_head_that_never_ends(self, client, target):
        client.send(b"GET / HTTP/1.1\r\n" + b"a" * 70_000)
        refusal(client, {431})

    def test_two_hundred_fields(self, connect, start_bridge, origin):
        assert connect(start_bridge(origin)).exchange(get(fields=b"X-A: a\r\n" * 199)).status == 200
        assert len(origin.requests[0].values(b"X-A")) == 199

    def test_more_than_two_hundred_fields(self, client, target):
        client.send(get(fields=b"X-A: a\r\n" * 200))
        refusal(client, {431})
        assert target.received() == b""


class TestDeadline:
    SETTINGS = "[timeouts]\nrequest_head = 300ms\n"

    @pytest.mark.parametrize("sent", [b"G", b"GET / HTTP/1.1", b"GET / HTTP/1.1\r\n" + HOST], ids=repr)
    def test_head_that_is_not_completed(self, connect, start_bridge, target, sent):
        client = connect(start_bridge(target, self.SETTINGS))
        client.send(sent)
        assert refusal(client, {408}).values(b"Connection") == [b"close"]
        assert client.end() == "FIN"
        assert target.received() == b""

    def test_head_that_drips(self, connect, start_bridge, target):
        """The deadline is for the whole head: an octet now and then does not extend it."""
        client = connect(start_bridge(target, self.SETTINGS))
        client.send(b"GET / HTTP/1.1\r\nX-A: ")
        client.drip(b"a" * 100, pause=0.05)
        refusal(client, {408})

    def test_connection_without_an_octet_is_closed_silently(self, connect, start_bridge, target):
        assert connect(start_bridge(target, self.SETTINGS)).end() == "FIN"
        assert target.received() == b""

    def test_client_that_leaves_within_its_head(self, client, bridge, target):
        client.send(b"GET / HTTP/1.1\r\nHost:")
        client.close()
        assert target.received() == b""
