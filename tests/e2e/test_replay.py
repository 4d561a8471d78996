"""A target's 401: the token is fetched at once, and the request is sent again, one time, where that can be."""

import os
import signal
import threading

import pytest
from bridge import SECRET
from message import OK, get, head_of_post, post, post_chunked, row
from processes import in_background
from rawclient import ask
from statuspage import STATUS, StatusPage
from target import answering
from tokenserver import answer
from wire import wait_until

REFUSED = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 2\r\n\r\nno"


@pytest.fixture
def tokens(start_token_server):
    return start_token_server()


@pytest.fixture
def guarded(start_target, tokens):
    """A target that wants a token that the endpoint has issued and not revoked."""
    return start_target().serve(answering(tokens.guard(OK)))


@pytest.fixture
def start(start_bridge, tokens):
    """Starts a bridge that has its first token, which the target does not take."""

    def start_to(target, more=""):
        bridge = start_bridge(target, tokens.settings(more))
        bridge.message("token preprod: fetched")
        tokens.revoked.update(tokens.issued)
        return bridge

    return start_to


LIMIT = "[limits]\nreplay_body = 1K\n"
REQUESTS = [
    row("GET", get(), b""),
    row("HEAD", get().replace(b"GET", b"HEAD"), b""),
    row("HTTP/1.0", get(version=b"HTTP/1.0", fields=b"Connection: keep-alive\r\n"), b""),
    row("DELETE", get().replace(b"GET", b"DELETE"), b""),
    row("POST", post(b"content"), b"content"),
    row("chunked", post_chunked(b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX-Sum: 1\r\n\r\n"), b"abcdefg"),
    row("empty content", post(b""), b""),
    row("as much as is kept", post(b"x" * 65536), b"x" * 65536),
    row("upgrade", get(fields=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"), b""),
]


class TestSentAgain:
    @pytest.mark.parametrize("request_octets, content", REQUESTS)
    def test_with_the_new_token(self, connect, start, guarded, tokens, request_octets, content):
        """The client sees the final answer alone; the target got the same request twice, with another token."""
        bridge = start(guarded)
        client = connect(bridge)
        assert client.exchange(request_octets).status == 200
        first, second = guarded.requests
        assert (first.content, second.content) == (content, content) and first.trailers == second.trailers
        others = [[field for field in request.head.fields if field[0] != b"Authorization"] for request in (first, second)]
        assert others[0] == others[1]
        used = [request.values(b"Authorization")[0].removeprefix(b"Bearer ").decode() for request in (first, second)]
        assert used == list(tokens.issued)
        assert client.unread() == b""
        assert bridge.access()["status"] == "200"
        bridge.message("token preprod: refused by a target (401)")

    def test_connection_goes_on(self, connect, start, guarded):
        """Both that of the client and the new one to the target."""
        client = connect(start(guarded))
        for content in (b"one", b"two", b"three"):
            assert client.exchange(post(content)).status == 200
        assert [request.content for request in guarded.requests] == [b"one", b"one", b"two", b"three"]

    def test_refused_within_the_framing(self, connect, start, start_target, tokens):
        """A chunk's size has come and its data has not, which looks like framing itself: it stays data."""
        content = b"0\r\n\r\nGET / H"

        def script(upstream):
            if f"{SECRET}.1\r\n".encode() in upstream.read_head():
                upstream.send(REFUSED)
                upstream.read_to_end()
            else:
                assert upstream.read_chunked()[1] == content
                upstream.send(OK)
                upstream.read_head()
                upstream.send(OK)

        target = start_target().serve(script)
        client = connect(start(target))
        client.send(post_chunked(b"%x\r\n" % len(content)))
        wait_until(lambda: tokens.revoked and target.used, "the target has the head")
        client.send(content + b"\r\n0\r\n\r\n")
        assert client.read_response().raw == OK
        assert client.exchange(get()).raw == OK

    def test_content_that_comes_late(self, connect, start, start_target, tokens):
        """A target that refuses on the head alone, and closes: the content is waited for, then all is sent."""

        def script(upstream):
            head = upstream.read_head()
            if f"{SECRET}.1\r\n".encode() in head:
                upstream.send(REFUSED)
                upstream.finish()
                upstream.read_to_end()
            else:
                assert upstream.read(10) == b"0123456789"
                upstream.send(OK)

        target = start_target().serve(script)
        client = connect(start(target))
        client.send(head_of_post(10) + b"01234")
        wait_until(lambda: tokens.revoked and target.used, "the target has the head")
        client.send(b"56789")
        assert client.read_response().raw == OK

    def test_expected_continue(self, connect, start, target):
        """Where the client waits for 100 the second request waits for it, too: nothing need be kept."""
        client = connect(start(target))
        upstream = ask(client, target, head_of_post(4, b"Expect: 100-continue\r\n"))
        upstream.send(REFUSED)
        again = target.accept()
        assert b"Expect: 100-continue" in again.read_head()
        again.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert client.read_head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"body")
        assert again.read(4) == b"body"
        again.send(OK)
        assert client.read_response().raw == OK

    def test_after_continue(self, connect, start, target):
        """The content that the client has sent by then goes out at once, and it hears of no other 100."""
        client = connect(start(target))
        upstream = ask(client, target, head_of_post(4, b"Expect: 100-continue\r\n"))
        upstream.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        client.read_head()
        client.send(b"body")
        assert upstream.read(4) == b"body"
        upstream.send(REFUSED)
        again = target.accept()
        assert b"Expect" not in again.read_head() and again.read(4) == b"body"
        again.send(OK)
        assert client.read_response().raw == OK

    def test_many_at_once(self, connect, start, guarded, tokens):
        """Twenty clients whose token is refused lead to one fetch, and all are served."""
        bridge = start(guarded)
        clients = [connect(bridge) for _ in range(20)]
        hold = threading.Event()
        tokens.behaviour = lambda asked: hold.wait(5) and tokens.issue(asked)
        for client in clients:
            client.send(get())
        wait_until(lambda: len(guarded.requests) == 20, "all have been refused")
        hold.set()
        assert all(client.read_response().raw == OK for client in clients)
        assert len(tokens.asked) == 2 and len(guarded.requests) == 40

    def test_command_and_file(self, connect, start_bridge, start_target, tmp_path):
        """A token that a program writes is asked for anew; one in a file is read again."""
        path = tmp_path / "token"
        path.write_text("old")
        judge = answering(lambda request: OK if request.values(b"X-Token") == [SECRET.encode()] else REFUSED)
        for source in (f"type = command\ncommand = /bin/cat {path}\n", f"type = file\nfile = {path}\n"):
            path.write_text("old")
            target = start_target().serve(judge)
            bridge = start_bridge(target, "[request-headers]\nX-Token = ${token:t}\n[token:t]\n" + source)
            bridge.message("token t: ")
            path.write_text(SECRET)
            assert connect(bridge).exchange(get()).raw == OK


class TestNotSentAgain:
    """The client gets the first 401 as it came."""

    def test_second_refusal(self, connect, start, start_target, tokens):
        """Once is enough: the answer to the second is the client's."""
        target = start_target().serve(answering(REFUSED.replace(b"no", b"x1"), REFUSED.replace(b"no", b"x2")))
        client = connect(start(target))
        answered = client.exchange(get())
        assert (answered.status, answered.content) == (401, b"x1")  # a new connection begins with x1 again
        assert len(target.requests) == 2 and len(tokens.asked) == 2

    @pytest.mark.parametrize("behaviour", [
        row("the endpoint fails", lambda asked: answer("", "500 Internal Server Error")),
        row("it has no other token", lambda asked: answer({"access_token": f"{SECRET}.1", "expires_in": 60})),
    ])
    def test_no_other_token(self, connect, start, guarded, tokens, behaviour):
        bridge = start(guarded)
        tokens.behaviour = behaviour
        client = connect(bridge)
        response = client.exchange(post(b"abc"))
        assert response.status == 401 and response.content == b"no"
        assert response.values(b"WWW-Authenticate") == [b'Bearer error="invalid_token"']
        assert len(guarded.requests) == 1
        assert bridge.access()["status"] == "401"
        assert client.exchange(get()).status == 401, "the connection goes on"

    CONTENTS = [
        row("longer than is kept", post(b"x" * 2000), LIMIT),
        row("chunked, longer than is kept", post_chunked(b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n"), LIMIT),
        row("switched off", post(b"x"), LIMIT.replace("1K", "off")),
        row("switched off, without content", get(), LIMIT.replace("1K", "0")),
    ]

    @pytest.mark.parametrize("request_octets, more", CONTENTS)
    def test_content(self, connect, start, guarded, tokens, request_octets, more):
        client = connect(start(guarded, more))
        assert client.exchange(request_octets).status == 401
        assert len(guarded.requests) == 1

    def test_content_that_is_too_long_in_the_end(self, connect, start, target):
        """A 401 that comes before it is seen to be too long is held until then."""
        client = connect(start(target, LIMIT))
        upstream = ask(client, target, head_of_post(3000) + b"x" * 500)
        upstream.send(REFUSED)
        client.send(b"x" * 2500)
        assert client.read_response().content == b"no"

    def test_client_ends_before_its_content(self, connect, start, target):
        client = connect(start(target))
        upstream = ask(client, target, head_of_post(3000) + b"x" * 500)
        upstream.send(REFUSED)
        client.finish()
        assert client.read_to_end() in (b"", client.received)

    def test_fetched_once_in_a_while(self, connect, start, start_target, tokens):
        """A target that takes no token at all does not make the bridge ask the endpoint for each request."""
        target = start_target().serve(answering(REFUSED))
        client = connect(start(target))
        for _ in range(10):
            assert client.exchange(get()).status == 401
        assert len(tokens.asked) == 2 and len(target.requests) == 11

    def test_route_without_token(self, connect, start_bridge, start_target):
        target = start_target().serve(answering(REFUSED))
        client = connect(start_bridge(target, "[request-headers]\nAuthorization = Bearer x\n"))
        assert client.exchange(get()).status == 401 and len(target.requests) == 1

    def test_client_leaves_meanwhile(self, connect, start, guarded, tokens):
        """Nothing is sent again for a client that has gone."""
        bridge = start(guarded)
        hold = threading.Event()
        tokens.behaviour = lambda asked: hold.wait(5) and tokens.issue(asked)
        client = connect(bridge)
        client.send(get())
        wait_until(lambda: len(tokens.asked) == 2, "it is asked")
        client.close()
        assert bridge.access()["error"] == "client_gone"
        hold.set()
        assert len(guarded.requests) == 1

    def test_keeper_dies_meanwhile(self, connect, start, guarded, tokens):
        """The one that takes its place fetches again, and the request is sent again after all."""
        bridge = start(guarded)
        hold = threading.Event()
        tokens.behaviour = lambda asked: hold.wait(5) and tokens.issue(asked)
        client = connect(bridge)
        client.send(get())
        wait_until(lambda: len(tokens.asked) == 2, "it is asked")
        tokens.behaviour = tokens.issue
        os.kill(bridge.keepers()[0], signal.SIGKILL)
        hold.set()
        assert client.read_response().raw == OK


def test_restart_of_the_endpoint_under_load(connect, start, guarded, tokens):
    """All tokens become void at once: no client sees it."""
    bridge = start(guarded, STATUS)
    stop = threading.Event()
    failures = []

    def load(number):
        client = connect(bridge)
        for at in range(10000):
            if stop.is_set():
                return
            if client.exchange(post(b"%d.%d" % (number, at))).raw != OK:
                failures.append((number, at))

    threads = [in_background(load, number) for number in range(4)]
    wait_until(lambda: len(guarded.requests) > 100, "there is load")
    stop.set()
    for thread in threads:
        thread.join(10)
    assert not failures and len(tokens.asked) == 2
    assert StatusPage(bridge, connect).metrics()['authbridge_token_refusals_total{token="preprod"}'] >= 1
