"""Bodies of responses: each piece at once, under whatever framing, and answers before the request is over."""

import pytest
from message import DATE, OK, get, head_of_post, response
from rawclient import ask
from wire import wait_until

HTTP_1_0 = get(version=b"HTTP/1.0")
KEEP_ALIVE_1_0 = get(fields=b"Connection: keep-alive\r\n", version=b"HTTP/1.0")


class TestDelivery:
    def test_pieces_of_a_length(self, client, target):
        upstream = ask(client, target)
        upstream.send(response(content=b"hello world")[:-6])
        client.read_until(b"hello")
        upstream.send(b" ")
        assert client.read(1) == b" "
        upstream.send(b"world")
        assert client.read(5) == b"world"

    def test_pieces_of_a_chunk(self, client, target):
        upstream = ask(client, target)
        upstream.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello")
        client.read_until(b"b\r\nhello")
        for piece, content in ((b" ", b" "), (b"world\r\n1\r\n!", b"!"), (b"\r\n0\r\n\r\n", b"0\r\n\r\n")):
            upstream.send(piece)
            client.read_until(content)

    def test_pieces_without_a_length(self, client, target):
        upstream = ask(client, target)
        upstream.send(b"HTTP/1.1 200 OK\r\n" + DATE + b"\r\nhello")
        client.read_until(b"hello")
        upstream.send(b" world")
        assert client.read(6) == b" world"
        upstream.close()
        assert client.end() == "FIN"

    def test_head_before_the_body(self, client, target):
        upstream = ask(client, target)
        upstream.send(OK[:-2])
        assert client.read_head() == OK[:-2]
        upstream.send(b"ok")
        assert client.read(2) == b"ok"


class TestUntilClose:
    NO_LENGTH = b"HTTP/1.1 200 OK\r\n" + DATE + b"X-A: a\r\n\r\n"

    @pytest.mark.parametrize("request_octets", [get(), HTTP_1_0, KEEP_ALIVE_1_0], ids=["1.1", "1.0", "1.0 keep-alive"])
    @pytest.mark.parametrize("content", [b"", b"hello", b"a" * 300_000], ids=len)
    def test_delimited_by_close(self, client, target, request_octets, content):
        upstream = ask(client, target, request_octets)
        upstream.send(self.NO_LENGTH + content)
        upstream.close()
        answer = client.read_response()
        assert answer.content == content and client.ending == "FIN"
        assert answer.values(b"Connection") == [b"close"]
        assert answer.head.names() == [b"date", b"x-a", b"connection"]

    def test_http_1_0_target(self, client, target):
        upstream = ask(client, target)
        upstream.send(self.NO_LENGTH.replace(b"HTTP/1.1", b"HTTP/1.0") + b"hello")
        upstream.close()
        answer = client.read_response()
        assert answer.head.start_line == b"HTTP/1.1 200 OK" and answer.content == b"hello"

    @pytest.mark.parametrize("notified, ending", [(True, "FIN"), (False, "RST")], ids=["close_notify", "none"])
    def test_end_over_tls(self, connect, start_bridge, start_target, certificates, notified, ending):
        """Without TLS's own sign of the end, anybody could have cut the connection: the end is no end."""
        target = start_target(tls=certificates.good.server())
        client = connect(start_bridge(target, f"[tls]\nca_file = {certificates.authority.pem}\n"))
        upstream = ask(client, target)
        upstream.send(self.NO_LENGTH + b"hello")
        client.read_until(b"hello")
        if notified:
            upstream.sock.unwrap()
        else:
            upstream.close()
        assert client.end() == ending


class TestChunkedTo10:
    @pytest.mark.parametrize("request_octets", [HTTP_1_0, KEEP_ALIVE_1_0], ids=["close", "keep-alive"])
    @pytest.mark.parametrize("piece", [None, 1], ids=["whole", "by octets"])
    def test_decoded(self, client, target, request_octets, piece):
        body = b"5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"
        upstream = ask(client, target, request_octets)
        upstream.send(b"HTTP/1.1 200 OK\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n" + body, piece)
        answer = client.read_response()
        assert answer.content == b"hello world" and client.ending == "FIN"
        assert answer.values(b"Transfer-Encoding") == []
        assert answer.values(b"Connection") == [b"close"]

    def test_pieces_go_out_at_once(self, client, target):
        upstream = ask(client, target, HTTP_1_0)
        upstream.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
        client.read_head()
        assert client.read(3) == b"hel"
        upstream.send(b"lo\r\n0\r\n\r\n")
        assert client.read_to_end() == b"lo"

    def test_cut_short_is_a_reset(self, client, target):
        """A plain close would look like the end of the content."""
        upstream = ask(client, target, HTTP_1_0)
        upstream.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
        client.read_until(b"hel")
        upstream.close()
        assert client.end() == "RST"


class TestEarlyAnswer:
    @pytest.mark.parametrize("status", [b"413 Too Large", b"200 OK", b"401 No"], ids=repr)
    def test_is_delivered_and_ends_the_upload(self, client, target, status):
        upstream = ask(client, target, head_of_post(1_000_000) + b"some")
        upstream.read(4)
        upstream.send(response(status, content=b"enough"))
        answer = client.read_response()
        assert answer.head.start_line == b"HTTP/1.1 " + status and answer.content == b"enough"
        assert client.end() == "FIN"
        assert upstream.end()

    def test_while_the_client_goes_on_sending(self, client, target):
        """Octets under way must not turn into a reset that erases the answer."""
        upstream = ask(client, target, head_of_post(10_000_000) + b"a" * 100_000)
        upstream.send(response(b"413 Too Large", content=b"enough"))
        assert client.read_response().content == b"enough"
        client.send(b"b" * 9_900_000)
        assert client.end() == "FIN"

    def test_slow_answer_keeps_the_upload_going(self, client, target):
        """The target may answer in parallel; its answer is streamed while the request is."""
        upstream = ask(client, target, head_of_post(10) + b"hello")
        upstream.read(5)
        upstream.send(b"HTTP/1.1 200 OK\r\n" + DATE + b"Content-Length: 4\r\n\r\nab")
        client.read_until(b"ab")
        client.send(b"world")
        assert upstream.read(5) == b"world"
        upstream.send(b"cd")
        assert client.read(2) == b"cd"


def test_half_of_a_response_stays_whole_for_a_slow_client(connect, start_bridge, start_target):
    """A client that reads late gets everything that the target has sent, though the target is long gone."""
    content = b"a" * 5_000_000
    target = start_target().serve(lambda upstream: (upstream.read_request(), upstream.send(response(content=content))))
    client = connect(start_bridge(target))
    client.send(get())
    wait_until(lambda: target.requests, "the request is at the target")
    assert client.read_response().content == content
