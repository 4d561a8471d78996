"""Broken responses: what is refused, what a response cut short looks like, and octets that belong to no response."""

from contextlib import suppress

import pytest
from message import DATE, HINTS, OK, get, post, response, row
from rawclient import ask, refusal


def lengths(*values):
    lines = b"".join(b"Content-Length: " + value + b"\r\n" for value in values)
    return b"HTTP/1.1 200 OK\r\n" + lines + b"\r\nhello"


class TestBroken:
    RESPONSES = [
        *(
            row(f"length {value!r}", lengths(value))
            for value in (b"x", b"-1", b"+5", b"5 5", b"0x5", b"", b"5, 6", b"9" * 30)
        ),
        row("two lengths", lengths(b"5", b"6")),
        row("both framings", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        row("chunked in 1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        row("chunked twice", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
        row("no status line", b"hello\r\n\r\n"),
        row("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        row("status of two digits", b"HTTP/1.1 20 OK\r\n\r\n"),
        row("status of four digits", b"HTTP/1.1 2000 OK\r\n\r\n"),
        row("status is no number", b"HTTP/1.1 2x0 OK\r\n\r\n"),
        row("status under 100", b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n"),
        row("version 2", b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
        row("NUL in a value", response(fields=b"X-A: a\0b\r\n")),
        row("NUL in a name", response(fields=b"X\0A: a\r\n")),
        row("NUL in the reason", b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n"),
        row("CR in a value", response(fields=b"X-A: a\rb\r\n")),
        row("CR in the reason", b"HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n"),
        row("no colon", response(fields=b"X-A\r\n")),
        row("empty name", response(fields=b": a\r\n")),
        row("space in a name", response(fields=b"X A: a\r\n")),
        row("space before the first field", b"HTTP/1.1 200 OK\r\n X-A: a\r\nContent-Length: 0\r\n\r\n"),
        row("head over 256 KiB", response(fields=b"X-Long: " + b"a" * 300_000 + b"\r\n")),
        row("head over 256 KiB in many fields", response(fields=b"X-Long: 1234567890\r\n" * 20_000)),
    ]

    @pytest.mark.parametrize("piece", [None, 1], ids=["whole", "by octets"])
    @pytest.mark.parametrize("sent", RESPONSES)
    def test_refused(self, client, target, sent, piece):
        upstream = ask(client, target)
        with suppress(BrokenPipeError, ConnectionResetError):  # it may be refused before the last octet is out
            upstream.send(sent, piece if len(sent) < 1000 else None)
        refusal(client, {502})
        assert upstream.end()

    @pytest.mark.parametrize("fields", [b"X-A: a\r\n b\r\n", b"X-A : a\r\n"], ids=repr)
    def test_refused_or_mended(self, client, target, fields):
        """A folded line and white space before a colon must not get through as they are."""
        ask(client, target).send(response(fields=fields))
        head = client.read_response().head
        assert head.status == 502 or head.values(b"X-A") in ([b"a   b"], [b"a b"], [b"a"])

    def test_client_connection_survives(self, client, target):
        ask(client, target).send(b"hello\r\n\r\n")
        answer = refusal(client, {502})
        if answer.values(b"Connection") != [b"close"]:
            ask(client, target).send(OK)
            assert client.read_response().raw == OK

    BAD_CHUNKS = [
        b"x\r\n",
        b"\r\n",
        b"-1\r\n",
        b"5 \r\nhello\r\n",
        b"2\r\nokX\r\n",
        b"2\r\nok\n",
        b"80000000000000000\r\n",
        b"2\nok\r\n",
    ]

    @pytest.mark.parametrize("bad", BAD_CHUNKS, ids=repr)
    def test_bad_chunk_ends_the_response(self, client, target, bad):
        upstream = ask(client, target)
        upstream.send(b"HTTP/1.1 200 OK\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        client.read_head()
        assert client.read(8) == b"3\r\nabc\r\n"
        upstream.send(bad + b"0\r\n\r\n")
        assert b"0\r\n\r\n" not in client.read_to_end()
        assert upstream.end()


class TestCutShort:
    @pytest.mark.parametrize("ending", ["close", "reset"])
    @pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"], ids=["1.1", "1.0"])
    def test_of_a_length(self, client, target, ending, version):
        upstream = ask(client, target, get(version=version))
        upstream.send(response(content=b"hello world")[:-6])
        client.read_until(b"\r\n\r\nhello")
        getattr(upstream, ending)()
        assert client.end()

    @pytest.mark.parametrize("ending", ["close", "reset"])
    @pytest.mark.parametrize(
        "sent", [b"5\r\nhel", b"5\r\nhello\r\n", b"5\r\nhello\r\n0\r\n", b"5\r\nhello\r\n0\r\nX: y\r\n"], ids=repr
    )
    def test_of_chunks(self, client, target, ending, sent):
        upstream = ask(client, target)
        upstream.send(b"HTTP/1.1 200 OK\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n" + sent)
        client.read_head()
        client.read_until(b"hel")
        getattr(upstream, ending)()
        rest = b"hel" + client.read_to_end()
        assert sent.endswith(rest) or sent.startswith(b"5\r\n" + rest)

    def test_reset_without_a_length_is_a_reset(self, client, target):
        upstream = ask(client, target)
        upstream.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        client.read_until(b"hello")
        upstream.reset()
        assert client.end() == "RST"

    @pytest.mark.parametrize("ending", ["close", "reset"])
    @pytest.mark.parametrize("sent", [b"", b"HTT", b"HTTP/1.1 200 OK\r\n", OK[:60]], ids=repr)
    def test_of_the_head(self, client, target, ending, sent):
        upstream = ask(client, target, post(b"x"))
        upstream.read(1)
        upstream.send(sent)
        getattr(upstream, ending)()
        refusal(client, {502})

    def test_after_an_informational_response(self, client, target):
        upstream = ask(client, target)
        upstream.send(HINTS)
        client.read_head()
        upstream.close()
        refusal(client, {502})


class TestSurplus:
    SMUGGLED = response(b"200 Smuggled", content=b"smuggled")

    @pytest.mark.parametrize(
        "first",
        [
            OK,
            response(),
            b"HTTP/1.1 200 OK\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            response(b"304 Not Modified"),
        ],
        ids=["length", "empty", "chunked", "304"],
    )
    def test_second_response_is_never_delivered(self, client, target, first):
        upstream = ask(client, target)
        upstream.send(first + self.SMUGGLED)
        assert client.read(len(first)) == first
        assert upstream.end()
        ask(client, target).send(OK)
        assert client.read_response().raw == OK

    def test_octets_on_an_idle_connection(self, client, target):
        upstream = ask(client, target)
        upstream.send(OK)
        assert client.read_response().raw == OK
        upstream.send(self.SMUGGLED)
        assert upstream.end()
        ask(client, target).send(OK)
        assert client.read_response().raw == OK
