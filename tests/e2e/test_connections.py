"""Connections: how long they live on either side, what ends them, and when a request is sent a second time."""


import pytest
from message import DATE, OK, get, post, post_chunked, response
from rawclient import ask, refusal


def get_1_0(fields=b""):
    return get(fields=fields, version=b"HTTP/1.0")


def answered(client, target, request=None):
    """One exchange on a new upstream connection; says that connection, now idle."""
    client.send(request or get())
    upstream = target.accept()
    upstream.read_head()
    upstream.send(OK)
    assert client.read_response().status == 200
    return upstream


class TestPersistence:
    def test_1_1_stays_open(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin))
        for _ in range(5):
            assert client.exchange(get()).raw == OK
        assert len(origin.used) == 1

    @pytest.mark.parametrize("value", [b"close", b"Close", b"keep-alive, close", b"X-A,close"], ids=repr)
    def test_1_1_close(self, connect, start_bridge, origin, value):
        client = connect(start_bridge(origin))
        assert client.exchange(get(fields=b"Connection: " + value + b"\r\n")).values(b"Connection") == [b"close"]
        assert client.end() == "FIN"

    def test_1_0_closes(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin))
        assert client.exchange(get_1_0()).content == b"ok"
        assert client.end() == "FIN"

    def test_1_0_keep_alive(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin))
        for _ in range(2):
            answer = client.exchange(get_1_0(b"Connection: Keep-Alive\r\n"))
            assert [value.lower() for value in answer.values(b"Connection")] == [b"keep-alive"]
        assert client.exchange(get_1_0()).content == b"ok"
        assert client.end() == "FIN"

    def test_1_0_keep_alive_needs_a_length(self, connect, start_bridge, start_target):
        target = start_target().serve(
            lambda upstream: (upstream.read_request(), upstream.send(b"HTTP/1.1 200 OK\r\n\r\nok"))
        )
        client = connect(start_bridge(target))
        answer = client.exchange(get_1_0(b"Connection: keep-alive\r\n"))
        assert answer.values(b"Connection") == [b"close"] and answer.content == b"ok"

    def test_proxy_connection_means_nothing(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin))
        assert client.exchange(get_1_0(b"Proxy-Connection: keep-alive\r\n")).content == b"ok"
        assert client.end() == "FIN"

    def test_requests_after_close_are_not_served(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin))
        client.send(get(fields=b"Connection: close\r\n") + get(b"/2"))
        assert client.read_response().status == 200
        assert client.end() == "FIN"
        assert len(origin.requests) == 1

    def test_clients_do_not_share_upstream_connections(self, connect, start_bridge, origin):
        bridge = start_bridge(origin)
        for _ in range(3):
            assert connect(bridge).exchange(get()).status == 200
        assert len(origin.used) == 3

    def test_after_a_client_the_upstream_connection_ends(self, no_recycling, client, target):
        upstream = answered(client, target)
        client.close()
        assert upstream.end()

    def test_each_connection_has_its_child(self, connect, start_bridge, origin):
        bridge = start_bridge(origin)
        clients = [connect(bridge) for _ in range(3)]
        assert [client.exchange(get()).status for client in clients] == [200] * 3
        assert len(bridge.children()) >= 3


class TestVanishingClient:
    """The target's time-out is long: only the client's leaving can end the upstream connection soon."""

    @pytest.mark.parametrize("leave", ["close", "reset"])
    def test_while_waiting(self, client, target, leave):
        upstream = ask(client, target)
        upstream.sock.settimeout(3)
        getattr(client, leave)()
        assert upstream.end()

    @pytest.mark.parametrize("leave", ["close", "reset"])
    def test_after_its_body(self, client, target, leave):
        client.send(post(b"hello"))
        upstream = target.accept()
        upstream.read_request()
        upstream.sock.settimeout(3)
        getattr(client, leave)()
        assert upstream.end()

    @pytest.mark.parametrize("leave", ["close", "reset"])
    def test_within_the_response(self, client, target, leave):
        upstream = ask(client, target)
        upstream.send(OK[:-1])
        client.read_until(b"o")
        upstream.sock.settimeout(3)
        getattr(client, leave)()
        assert upstream.end()

    def test_with_a_pipelined_request_left(self, client, target):
        client.send(get() + get(b"/2"))
        upstream = target.accept()
        upstream.read_head()
        upstream.sock.settimeout(3)
        client.close()
        assert upstream.end()

    def test_half_closed_client_gets_a_prompt_answer(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin))
        client.send(get())
        client.finish()
        assert client.read_response().raw.endswith(b"ok")
        assert client.end() == "FIN"

    def test_half_closed_client_gets_all_its_answers(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin))
        client.send(get(b"/1") + get(b"/2") + get(b"/3"))
        client.finish()
        assert [client.read_response().status for _ in range(3)] == [200] * 3
        assert client.end() == "FIN"

    def test_half_closed_client_is_not_waited_for(self, client, target):
        upstream = ask(client, target)
        upstream.sock.settimeout(3)
        client.finish()
        assert upstream.end()


class TestUpstreamReuse:
    def test_one_that_the_target_closes_is_dropped_at_once(self, client, target):
        upstream = answered(client, target)
        upstream.finish()
        assert upstream.end()
        assert answered(client, target)

    def test_one_that_the_target_resets_is_replaced(self, client, target):
        answered(client, target).reset()
        assert answered(client, target)

    def test_close_is_honoured(self, client, target):
        upstream = ask(client, target)
        upstream.send(response(fields=b"Connection: close\r\n", content=b"ok"))
        assert client.read_response().content == b"ok"
        assert upstream.end()
        assert answered(client, target)

    def test_http_1_0_target_is_not_reused(self, client, target):
        upstream = ask(client, target)
        upstream.send(OK.replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert client.read_response().content == b"ok"
        assert upstream.end()
        assert answered(client, target)

    def test_chunked_response_leaves_it_usable(self, client, target):
        client.send(get() + get(b"/2"))
        upstream = target.accept()
        for _ in range(2):
            upstream.read_head()
            upstream.send(b"HTTP/1.1 200 OK\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
            assert client.read_response().content == b"ok"


class TestSecondSending:
    """A reused connection may turn out dead; a fresh one is proof that the target does not want the request."""

    def reused(self, client, target, request, ending):
        """The request reaches the target on a reused connection, which then ends without an octet."""
        upstream = answered(client, target)
        client.send(request)
        upstream.read_request()
        getattr(upstream, ending)()

    @pytest.mark.parametrize("ending", ["close", "reset"])
    @pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS"], ids=repr)
    def test_safe_methods_are_sent_again(self, client, target, method, ending):
        request = get(b"/again").replace(b"GET", method)
        self.reused(client, target, request, ending)
        again = target.accept()
        assert again.read_head() == target.requests[-1].head.raw
        again.send(OK[:-2] if method == b"HEAD" else OK)
        assert client.read_response(method).status == 200

    @pytest.mark.parametrize("ending", ["close", "reset"])
    @pytest.mark.parametrize(
        "request_octets",
        [
            post(b"hello"),
            post(b""),
            post_chunked(b"0\r\n\r\n"),
            post(b"hello").replace(b"POST", b"PUT"),
            get().replace(b"GET", b"DELETE"),
            get().replace(b"GET", b"POST"),
            get().replace(b"GET", b"BREW"),
            post(b"hello").replace(b"POST", b"GET"),
        ],
        ids=lambda octets: repr(octets[:12]),
    )
    def test_others_are_not(self, client, target, request_octets, ending):
        self.reused(client, target, request_octets, ending)
        refusal(client, {502})
        assert target.received().count(b" HTTP/1.1\r\n") == 2

    @pytest.mark.parametrize("ending", ["close", "reset"])
    def test_not_after_an_octet_of_the_response(self, client, target, ending):
        upstream = answered(client, target)
        client.send(get())
        upstream.read_head()
        upstream.send(b"H")
        getattr(upstream, ending)()
        refusal(client, {502})
        assert target.received().count(b" HTTP/1.1\r\n") == 2

    @pytest.mark.parametrize("ending", ["close", "reset"])
    def test_not_from_a_fresh_connection(self, client, target, ending):
        upstream = ask(client, target)
        getattr(upstream, ending)()
        refusal(client, {502})
        assert target.received().count(b" HTTP/1.1\r\n") == 1

    def test_only_once(self, client, target):
        self.reused(client, target, get(), "close")
        again = target.accept()
        again.read_head()
        again.close()
        refusal(client, {502})
        assert target.received().count(b" HTTP/1.1\r\n") == 3
