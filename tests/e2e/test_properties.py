"""Properties that hold for any message: found by hypothesis, which makes up bodies, fields and broken requests."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from message import OK, get, post, post_chunked, response
from target import answering

settings.register_profile("e2e", deadline=None, database=None, derandomize=True, max_examples=150)
settings.load_profile("e2e")

PIECES = st.lists(st.binary(min_size=1, max_size=3000), max_size=20)
SEGMENT = st.integers(min_value=1, max_value=4000)
NAME = st.lists(st.sampled_from(b"!#$%&'*+-.^_`|~09azAZ"), min_size=1, max_size=20).map(
    lambda name: b"X-" + bytes(name)
)
VALUE_OCTETS = [9, *range(32, 127), *range(128, 256)]
VALUE = st.lists(st.sampled_from(VALUE_OCTETS), max_size=30).map(bytes)
FIELDS = st.lists(st.tuples(NAME, VALUE), max_size=20).map(
    lambda pairs: b"".join(name + b": " + value.strip(b" \t") + b"\r\n" for name, value in pairs)
)
REQUESTS = [get(b"/a?b", b"X-A: a\r\n"), post(b"hello", b"X-A: a\r\n"), post_chunked(b"5\r\nhello\r\n0\r\n\r\n")]
ODD = st.sampled_from([b"\r", b"\n", b"\0", b" ", b"\t", b":", b",", b";", b"\x7f", b"\xff", b"#", b"0", b"x", b"\r\n"])


def chunked(pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_chunked_request_arrives_whole(connect, start_bridge, origin):
    bridge = start_bridge(origin)

    @given(PIECES, SEGMENT)
    def holds(pieces, segment):
        client = connect(bridge)
        client.send(post_chunked(chunked(pieces)), segment)
        assert client.read_response().status == 200
        assert origin.requests[-1].content == b"".join(pieces)
        client.close()

    holds()


def test_chunked_response_is_the_same(connect, start_bridge, start_target):
    sent = []
    head = response()[:-2].replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"\r\n"

    def script(upstream):
        while upstream.read_request():
            upstream.send(sent[0], sent[1])

    client = connect(start_bridge(start_target().serve(script)))

    @given(PIECES, SEGMENT)
    def holds(pieces, segment):
        sent[:] = [head + chunked(pieces), segment]
        assert client.exchange(get()).raw == sent[0]

    holds()


def test_request_fields_are_the_same(connect, start_bridge, origin):
    client = connect(start_bridge(origin))

    @given(FIELDS)
    def holds(fields):
        assert client.exchange(get(fields=fields)).status == 200
        expected = get(fields=fields).replace(b"client.example", origin.authority, 1)
        assert origin.requests[-1].head.raw == expected

    holds()


def test_response_fields_are_the_same(connect, start_bridge, start_target):
    sent = [b""]
    client = connect(start_bridge(start_target().serve(answering(lambda _: sent[0]))))

    @given(FIELDS)
    def holds(fields):
        sent[0] = response(fields=fields, content=b"ok")
        assert client.exchange(get()).raw == sent[0]

    holds()


def test_odd_requests_are_refused_or_clean(connect, start_bridge, origin):
    """A request with something odd put in somewhere is refused, or what the target gets cannot be misread."""
    bridge = start_bridge(origin)

    @settings(max_examples=500)
    @given(st.sampled_from(REQUESTS), st.integers(min_value=0, max_value=130), ODD, st.booleans())
    def holds(request, at, odd, replace):
        before = len(origin.requests)
        client = connect(bridge)
        client.send_until_refused(request[:at] + odd + request[at + replace :])
        client.finish()
        answers = re.findall(rb"HTTP/1\.1 (\d\d\d) ", client.read_to_end())
        assert set(answers) <= {b"200", b"400", b"405", b"413", b"414", b"417", b"431", b"501", b"505"}
        for got in origin.requests[before:]:
            assert re.fullmatch(rb"([\x20-\x7e\x80-\xff\t]*\r\n)*", got.head.raw)
            assert re.fullmatch(rb"[!-~]+ [!-\"$-~]+ HTTP/1\.1", got.head.start_line)
            assert all(re.fullmatch(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) for name, _ in got.head.fields)
            assert got.values(b"Host") == [origin.authority]
            assert len(got.values(b"Content-Length") + got.values(b"Transfer-Encoding")) <= 1
        client.close()

    holds()


def test_any_octets_do_no_harm(connect, start_bridge, origin):
    bridge = start_bridge(origin)

    @given(st.binary(max_size=500))
    def holds(octets):
        client = connect(bridge)
        client.send_until_refused(octets)
        client.finish()
        client.read_to_end()
        client.close()

    holds()
    assert origin.requests == []
    assert connect(bridge).exchange(get()).raw == OK
