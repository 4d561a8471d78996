"""Time-outs: the deadline of each step, its status, and that progress starts it anew."""

import time

import pytest
from message import OK, get, head_of_post, post_chunked, response
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
        client = connect(start_bridge(origin, "[timeouts]\nclient_idle = 400ms\n"))
        for _ in range(6):
            assert client.exchange(get()).status == 200
            time.sleep(0.1)

    def test_second_head_is_not_completed(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin, "[timeouts]\nrequest_head = 300ms\n"))
        assert client.exchange(get()).status == 200
        client.send(b"GET /")
        refusal(client, {408})
        assert client.end() == "FIN"

    @pytest.mark.parametrize("begin", [head_of_post(10) + b"abc", post_chunked(b"a\r\nabc")], ids=["length", "chunked"])
    def test_body_that_stalls(self, connect, start_bridge, target, begin):
        client = connect(start_bridge(target, "[timeouts]\nclient_idle = 300ms\nrequest_head = 300ms\n"))
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

    def test_target_that_never_says_100(self, connect, start_bridge, target):
        client = connect(start_bridge(target, "[timeouts]\nresponse = 300ms\n"))
        ask(client, target, head_of_post(5, b"Expect: 100-continue\r\n"))
        refusal(client, {504})

    def test_response_that_stalls(self, connect, start_bridge, target):
        client = connect(start_bridge(target, "[timeouts]\nresponse = 300ms\n"))
        upstream = ask(client, target)
        upstream.send(OK[:-1])
        client.read_head()
        assert client.read_to_end() == b"o"
        assert upstream.end()

    def test_response_that_takes_long_but_goes_on(self, connect, start_bridge, target):
        """The deadline is for each step: a stream may last longer than `response`."""
        client = connect(start_bridge(target, "[timeouts]\nresponse = 400ms\n"))
        upstream = ask(client, target)
        upstream.send(response(content=b"a" * 8)[:-8])
        upstream.drip(b"a" * 8, pause=0.1)
        assert client.read_response().content == b"a" * 8

    def test_upload_that_takes_long_but_goes_on(self, connect, start_bridge, origin):
        client = connect(
            start_bridge(origin, "[timeouts]\nresponse = 400ms\nclient_idle = 400ms\nrequest_head = 400ms\n")
        )
        client.send(head_of_post(8))
        client.drip(b"a" * 8, pause=0.1)
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
        client = connect(start_bridge(target, "[timeouts]\nclient_write = 500ms\nresponse = 500ms\n"))
        client.send(get())
        client.read_head()
        for _ in range(8):
            time.sleep(0.1)
            assert client.read(len(content) // 8) == content[: len(content) // 8]
