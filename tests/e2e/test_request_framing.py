"""Request framing: lengths, chunks, limits, expectations; an incomplete request must stay so at the target."""

import pytest
from message import OK, Head, get, head_of_post, post, post_chunked, response, row
from rawclient import refusal
from target import answering


def framed(*fields, head_version=b"HTTP/1.1", content=b"0\r\n\r\n"):
    lines = b"".join(field + b"\r\n" for field in (b"Host: client.example", *fields))
    return b"POST / " + head_version + b"\r\n" + lines + b"\r\n" + content


FRAMING_REFUSED = [
    row("both framings", framed(b"Transfer-Encoding: chunked", b"Content-Length: 5"), {400}),
    row("both framings, length first", framed(b"Content-Length: 5", b"Transfer-Encoding: chunked"), {400}),
    row("both framings, length 0", framed(b"Content-Length: 0", b"Transfer-Encoding: chunked"), {400}),
    row("chunked in 1.0", framed(b"Transfer-Encoding: chunked", head_version=b"HTTP/1.0"), {400}),
    row("chunked not last", framed(b"Transfer-Encoding: chunked, gzip"), {400}),
    row("chunked twice", framed(b"Transfer-Encoding: chunked, chunked"), {400}),
    row("chunked twice in two fields", framed(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), {400}),
    row("gzip before chunked", framed(b"Transfer-Encoding: gzip, chunked"), {501}),
    row("unknown coding before chunked", framed(b"Transfer-Encoding: x-other, chunked"), {501}),
    row("gzip before chunked in two fields", framed(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"), {501}),
    row("a coding and no chunked", framed(b"Transfer-Encoding: gzip"), {400, 501}),
    row("a coding that resembles chunked", framed(b"Transfer-Encoding: xchunked"), {400, 501}),
    row("identity", framed(b"Transfer-Encoding: identity"), {400, 501}),
    row("no coding", framed(b"Transfer-Encoding:"), {400, 501}),
    row("chunked with a parameter", framed(b"Transfer-Encoding: chunked;q=1"), {400, 501}),
    row("chunked in quotes", framed(b'Transfer-Encoding: "chunked"'), {400, 501}),
    *(
        row(f"length {value!r}", framed(b"Content-Length: " + value, content=b"hello"), {400})
        for value in (b"+5", b"-5", b"5 5", b"0x5", b"5abc", b"", b"5;", b"5.0", b"5,6", b"5,", b",5", b'"5"', b"\xb2")
    ),
    row("length over 2^64", framed(b"Content-Length: 18446744073709551621"), {400}),
    row("length over 2^63", framed(b"Content-Length: 9223372036854775808"), {400}),
    row("length of fifty digits", framed(b"Content-Length: " + b"9" * 50), {400}),
    row("two lengths", framed(b"Content-Length: 5", b"Content-Length: 6", content=b"hello"), {400}),
    row("two lengths, one no number", framed(b"Content-Length: 5", b"Content-Length: x", content=b"hello"), {400}),
]


@pytest.mark.parametrize("piece", [None, 1], ids=["whole", "by octets"])
@pytest.mark.parametrize("sent, statuses", FRAMING_REFUSED)
def test_refused(client, target, sent, statuses, piece):
    client.send_until_refused(sent, piece)
    assert refusal(client, statuses).values(b"Connection") == [b"close"]
    assert client.end() == "FIN"
    assert target.received() == b""


class TestLengths:
    def test_equal_lengths_become_one(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin))
        assert client.exchange(framed(b"Content-Length: 5", b"Content-Length: 5", content=b"hello")).status == 200
        assert origin.requests[0].values(b"Content-Length") == [b"5"]
        assert origin.requests[0].content == b"hello"

    def test_length_with_leading_zeros(self, connect, start_bridge, origin):
        assert connect(start_bridge(origin)).exchange(framed(b"Content-Length: 0005", content=b"hello")).status == 200
        assert origin.requests[0].content == b"hello"

    def test_coding_name_in_any_case(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin))
        assert (
            client.exchange(framed(b"transfer-encoding:  CHUNKED ", content=b"5\r\nhello\r\n0\r\n\r\n")).status == 200
        )
        assert origin.requests[0].content == b"hello"


BAD_CHUNKS = [
    row("size is no number", b"g\r\n"),
    row("size is empty", b"\r\n"),
    row("size is signed", b"-1\r\n"),
    row("size with a plus", b"+1\r\na\r\n"),
    row("size with a prefix", b"0x1\r\na\r\n"),
    row("space before the size", b" 1\r\na\r\n"),
    row("space after the size", b"1 \r\na\r\n"),
    row("size of 17 digits", b"00000000000000001\r\na\r\n"),
    row("size over 2^63-1", b"8000000000000000\r\n"),
    row("size over 2^64", b"ffffffffffffffff1\r\n"),
    row("LF after the size", b"1\na\r\n"),
    row("CR after the size", b"1\ra\r\n"),
    row("LF after the data", b"1\r\na\n0\r\n\r\n"),
    row("data longer than its size", b"1\r\nab\r\n"),
    row("no line end after the data", b"1\r\na1\r\n"),
    row("CR in an extension", b"1;a=\rb\r\na\r\n"),
    row("LF in an extension", b"1;a=\nb\r\na\r\n"),
    row("NUL in an extension", b"1;a=\0b\r\na\r\n"),
    row("extension of 300 octets", b"1;" + b"a" * 300 + b"\r\na\r\n"),
    row("LF after the last chunk", b"0\n\r\n"),
    row("LF ends the body", b"0\r\n\n"),
    row("LF ends a trailer", b"0\r\nX-A: a\n\r\n"),
    row("trailer with a space before the colon", b"0\r\nX-A : a\r\n\r\n"),
    row("trailer without a colon", b"0\r\nX-A\r\n\r\n"),
    row("trailer folded", b"0\r\nX-A: a\r\n b\r\n\r\n"),
    row("NUL in a trailer", b"0\r\nX-A: \0\r\n\r\n"),
    row("trailers over the head limit", b"0\r\n" + b"X-A: 1234567890\r\n" * 5000 + b"\r\n"),
]


@pytest.mark.parametrize("bad", BAD_CHUNKS)
def test_bad_chunk(client, target, bad):
    client.send(post_chunked(b"3\r\nabc\r\n"))
    upstream = target.accept()
    upstream.read_until(b"abc")
    client.send(bad)
    answer = client.read_response()
    assert answer.status in ({400, 431} if b"1234567890" in bad else {400})
    assert client.end() == "FIN"
    assert not (b"abc" + upstream.read_to_end()).endswith(b"0\r\n\r\n"), "the target saw a complete request"


@pytest.mark.parametrize("bad", BAD_CHUNKS)
def test_bad_chunk_by_octets(client, target, bad):
    client.send(post_chunked())
    upstream = target.accept()
    upstream.read_head()
    client.send_until_refused(bad[:2000], piece=1)
    client.send_until_refused(bad[2000:])
    assert client.read_response().status in ({400, 431} if b"1234567890" in bad else {400})
    assert b"0\r\n\r\n" not in upstream.read_to_end()


def test_bad_chunk_together_with_the_head(client, target):
    client.send(post_chunked(b"3\r\nabc\r\nxyz\r\n") + get(b"/smuggled"))
    assert client.read_response().status == 400
    assert client.end() == "FIN"
    received = target.received()
    assert b"0\r\n\r\n" not in received and b"smuggled" not in received


GOOD_CHUNKS = [
    row("one", b"5\r\nhello\r\n0\r\n\r\n"),
    row("many", b"1\r\nh\r\n1\r\ne\r\n2\r\nll\r\n1\r\no\r\n0\r\n\r\n"),
    row("16 digits", b"0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n"),
    row("extensions", b'5;a=b;c="d e";f\r\nhello\r\n0;last\r\n\r\n'),
    row("extension of 250 octets", b"5;" + b"a" * 249 + b"\r\nhello\r\n0\r\n\r\n"),
]


@pytest.mark.parametrize("piece", [None, 1], ids=["whole", "by octets"])
@pytest.mark.parametrize("body", GOOD_CHUNKS)
def test_good_chunks(client, target, body, piece):
    client.send(post_chunked(body), piece)
    upstream = target.accept()
    head = Head(upstream.read_head())
    raw, content, _ = upstream.read_chunked()
    assert head.values(b"Transfer-Encoding") == [b"chunked"] and not head.values(b"Content-Length")
    assert content == b"hello"
    assert b";" not in raw, "an extension reached the target"
    upstream.send(OK)
    assert client.read_response().status == 200


class TestShortBody:
    """A client that closes before it sent what it announced: the target must see an incomplete request."""

    def test_length(self, client, target):
        client.send(head_of_post(10) + b"abc")
        upstream = target.accept()
        upstream.read_until(b"abc")
        client.close()
        assert upstream.end()

    def test_chunked(self, client, target):
        client.send(post_chunked(b"a\r\nabc"))
        upstream = target.accept()
        upstream.read_until(b"abc")
        client.close()
        assert b"0\r\n" not in upstream.read_to_end()

    def test_between_chunks(self, client, target):
        client.send(post_chunked(b"3\r\nabc\r\n"))
        upstream = target.accept()
        upstream.read_until(b"abc")
        client.reset()
        assert b"0\r\n" not in upstream.read_to_end()

    def test_half_close(self, client, target):
        client.send(head_of_post(10) + b"abc")
        upstream = target.accept()
        upstream.read_until(b"abc")
        client.finish()
        assert upstream.end()


class TestBodyLimit:
    SETTINGS = "[limits]\nrequest_body = 1K\n"

    @pytest.mark.parametrize("sent", [3, 500_000])
    def test_announced(self, connect, start_bridge, target, sent):
        """Content that the client sends all the same must not turn the close into a reset."""
        client = connect(start_bridge(target, self.SETTINGS))
        client.send_until_refused(head_of_post(1_000_000) + b"a" * sent)
        refusal(client, {413})
        assert client.end() == "FIN"
        assert target.received() == b""

    def test_chunked(self, connect, start_bridge, target):
        client = connect(start_bridge(target, self.SETTINGS))
        client.send(post_chunked(b"3e8\r\n" + b"a" * 1000 + b"\r\n"))
        upstream = target.accept()
        upstream.read_until(b"a" * 1000)
        client.send(b"19\r\n" + b"b" * 25 + b"\r\n0\r\n\r\n")
        refusal(client, {413})
        assert client.end() == "FIN"
        assert b"0\r\n\r\n" not in upstream.read_to_end()

    @pytest.mark.parametrize(
        "sent",
        [post(b"a" * 1024), post_chunked(b"400\r\n" + b"a" * 1024 + b"\r\n0\r\n\r\n")],
        ids=["length", "chunked"],
    )
    def test_at_the_limit(self, connect, start_bridge, origin, sent):
        assert connect(start_bridge(origin, self.SETTINGS)).exchange(sent).status == 200
        assert origin.requests[0].content == b"a" * 1024


class TestExpect:
    @pytest.mark.parametrize("expectation", [b"miracles", b"100-continue, miracles", b"100-continue=x"], ids=repr)
    def test_another_expectation(self, client, target, expectation):
        client.send(head_of_post(5, b"Expect: " + expectation + b"\r\n"))
        refusal(client, {417})
        assert target.received() == b""

    def test_target_continues(self, client, target):
        client.send(head_of_post(5, b"Expect: 100-continue\r\n"))
        upstream = target.accept()
        assert Head(upstream.read_head()).values(b"Expect") == [b"100-continue"]
        upstream.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert client.read_head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"hello")
        assert upstream.read(5) == b"hello"
        upstream.send(OK)
        assert client.read_response().content == b"ok"

    def test_target_refuses(self, client, target):
        client.send(head_of_post(5, b"Expect: 100-continue\r\n"))
        upstream = target.accept()
        upstream.read_head()
        upstream.send(response(b"403 Forbidden", content=b"no"))
        assert client.read_response().status == 403

    def test_client_that_does_not_wait(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin))
        assert client.exchange(post(b"hello", b"Expect: 100-Continue\r\n")).status == 200
        assert origin.requests[0].content == b"hello"

    def test_ignored_from_http_1_0(self, connect, start_bridge, start_target):
        target = start_target().serve(answering(b"HTTP/1.1 100 Continue\r\n\r\n" + OK))
        client = connect(start_bridge(target))
        client.send(post(b"hello", b"Expect: 100-continue\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert Head(client.read_head()).status == 200
