"""Time-outs: the deadline of each step, its status, and that progress starts it anew."""

import time

import pytest
from message import HINTS, OK, get, head_of_post, post, post_chunked, response
from processes import in_background
from rawclient import ask, refusal
from target import answering
from wire import wait_until


class TestTimeouts:
    def test_client_idle(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin, "[timeouts]\nclient_idle = 300ms\n"))
        assert client.exchange(get()).raw == OK
        assert client.end() == "FIN"

    def test_a_new_request_starts_a_new_deadline(self, connect, start_bridge, origin):
        """Several exchanges, together longer than client_idle."""
        client = connect(start_bridge(origin, "[timeouts]\nclient_idle = 2s\n"))
        for _ in range(8):
            assert client.exchange(get()).status == 200
            time.sleep(0.3)

    def test_second_head_is_not_completed(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin, "[timeouts]\nrequest_head = 1s\n"))
        assert client.exchange(get()).status == 200
        client.send(b"GET /")
        refusal(client, {408})
        assert client.end() == "FIN"

    @pytest.mark.parametrize("begin", [head_of_post(10) + b"abc", post_chunked(b"a\r\nabc")], ids=["length", "chunked"])
    def test_body_that_stalls(self, connect, start_bridge, target, begin):
        client = connect(start_bridge(target, "[timeouts]\nclient_idle = 1s\nrequest_head = 1s\n"))
        client.send(begin)
        upstream = target.accept()
        upstream.read_until(b"abc")
        assert b"0\r\n" not in upstream.read_to_end()
        refusal(client, {408})
        assert client.end() == "FIN"

    def test_response_that_does_not_begin(self, connect, start_bridge, target):
        client = connect(start_bridge(target, "[timeouts]\nresponse = 300ms\n"))
        upstream = ask(client, target)
        answer = refusal(client, {504})
        assert answer.values(b"Proxy-Status")[0].startswith(b"authbridge; error=http_response_timeout")
        assert upstream.end()

    @pytest.mark.parametrize("request_octets", [get(), post(b"hello")], ids=["GET", "POST"])
    def test_response_head_that_stalls(self, connect, start_bridge, target, request_octets):
        """Half a head is nothing that could be passed on."""
        client = connect(start_bridge(target, "[timeouts]\nresponse = 300ms\n"))
        client.send(request_octets)
        upstream = target.accept()
        upstream.read_request()
        upstream.send(OK[:30])
        assert refusal(client, {504}).values(b"Proxy-Status") == [b"authbridge; error=http_response_timeout"]
        assert upstream.end()

    def test_response_head_that_drips(self, connect, start_bridge, target):
        """It moves: a head that comes octet by octet may take longer than `response`."""
        client = connect(start_bridge(target, "[timeouts]\nresponse = 2s\n"))
        upstream = ask(client, target)
        upstream.drip(OK[:8], pause=0.3)
        upstream.send(OK[8:])
        assert client.read_response().raw == OK

    def test_response_stalls_behind_an_interim_one(self, connect, start_bridge, target):
        client = connect(start_bridge(target, "[timeouts]\nresponse = 300ms\n"))
        upstream = ask(client, target)
        upstream.send(HINTS)
        refusal(client, {504})

    def test_target_that_takes_nothing_more(self, connect, start_bridge, target):
        """The client is not to blame, however long its content waits: 504, and not 408."""
        settings = "[timeouts]\nresponse = 2s\nclient_idle = 1s\nrequest_head = 1s\n"
        bridge = start_bridge(target, settings)
        client = connect(bridge)
        upstream = ask(client, target, head_of_post(1 << 40))
        client.send_until_refused(bytes(64 << 20), piece=1 << 20)
        assert refusal(client, {504}).values(b"Proxy-Status") == [b"authbridge; error=connection_write_timeout"]
        assert upstream.read_to_end().count(0) < 64 << 20

    def test_target_that_trickles_for_long(self, connect, start_bridge, target):
        """It takes a little now and then: its socket is not writable for long, and yet it moves."""
        client = connect(start_bridge(target, "[timeouts]\nresponse = 1s\nclient_idle = 1s\n"))
        length = 24 << 20
        upstream = ask(client, target, head_of_post(length))
        sender = in_background(client.send, bytes(length))
        for _ in range(15):
            upstream.read(1 << 20)
            time.sleep(0.1)
        upstream.read(length - (15 << 20))
        upstream.send(OK)
        assert client.read_response().raw == OK
        sender.join()

    @pytest.mark.parametrize("started", [b"", b"GET / HTTP/1.1\r\n", b"\r\n"], ids=repr)
    def test_first_head(self, connect, start_bridge, target, started):
        """A connection on which no request has begun is closed without an answer; a request that has begun gets 408."""
        bridge = start_bridge(target, "[timeouts]\nrequest_head = 300ms\nclient_idle = 1h\n")
        client = connect(bridge)
        client.send(started)
        if started.strip():
            refusal(client, {408})
        assert client.end() == "FIN"
        wait_until(lambda: not bridge.children(), "the child has ended")

    def test_head_that_drips(self, connect, start_bridge, target):
        """The deadline holds for the head as a whole, however many octets come."""
        client = connect(start_bridge(target, "[timeouts]\nrequest_head = 400ms\n"))
        began = time.monotonic()
        client.drip(get(fields=b"X-Long: " + b"a" * 200 + b"\r\n"), pause=0.03)
        refusal(client, {408})
        assert time.monotonic() - began >= 0.4
        assert client.end() == "FIN"

    def test_body_that_drips_is_never_too_slow(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin, "[timeouts]\nclient_idle = 1s\nresponse = 1s\n"))
        client.send(post_chunked())
        client.drip(b"".join(b"1\r\na\r\n" for _ in range(4)), pause=0.05)
        client.send(b"0\r\n\r\n")
        assert client.read_response().raw == OK

    def test_target_that_never_says_100(self, connect, start_bridge, target):
        client = connect(start_bridge(target, "[timeouts]\nresponse = 300ms\n"))
        ask(client, target, head_of_post(5, b"Expect: 100-continue\r\n"))
        refusal(client, {504})

    def test_response_that_stalls(self, connect, start_bridge, target):
        client = connect(start_bridge(target, "[timeouts]\nresponse = 1s\n"))
        upstream = ask(client, target)
        upstream.send(OK[:-1])
        client.read_head()
        assert client.read_to_end() == b"o"
        assert upstream.end()

    def test_response_that_takes_long_but_goes_on(self, connect, start_bridge, target):
        """The deadline is for each step: a stream may last longer than `response`."""
        client = connect(start_bridge(target, "[timeouts]\nresponse = 2s\n"))
        upstream = ask(client, target)
        upstream.send(response(content=b"a" * 8)[:-8])
        upstream.drip(b"a" * 8, pause=0.3)
        assert client.read_response().content == b"a" * 8

    def test_upload_that_takes_long_but_goes_on(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin, "[timeouts]\nresponse = 2s\nclient_idle = 2s\nrequest_head = 2s\n"))
        client.send(head_of_post(8))
        client.drip(b"a" * 8, pause=0.3)
        assert client.read_response().status == 200
        assert origin.requests[0].content == b"a" * 8

    def test_client_that_does_not_read(self, connect, start_bridge, start_target):
        def endless(upstream):
            upstream.read_request()
            upstream.send(response(content=b"")[:-2].replace(b"Length: 0", b"Length: 9999999999") + b"\r\n")
            while True:
                upstream.send(b"a" * 65536)

        target = start_target().serve(endless)
        bridge = start_bridge(target, "[timeouts]\nclient_write = 300ms\n")
        client = connect(bridge)
        client.send(get())
        client.read_head()
        assert bridge.access()["status"] == "200"
        wait_until(lambda: not bridge.children(), "the child has ended")

    def test_client_that_reads_slowly_is_waited_for(self, connect, start_bridge, start_target):
        """Every step makes progress within client_write, though the whole takes longer."""
        content = b"a" * 20_000_000
        target = start_target().serve(answering(response(content=content)))
        client = connect(start_bridge(target, "[timeouts]\nclient_write = 1500ms\nresponse = 1500ms\n"))
        client.send(get())
        client.read_head()
        for _ in range(8):
            time.sleep(0.25)
            assert client.read(len(content) // 8) == content[: len(content) // 8]
