"""methods: what would change something does not reach the target, also where a request names its method elsewhere."""

import pytest
from bridge import configuration, run
from message import OK, get, head_of_post, post, post_chunked, row
from rawclient import refusal
from target import answering

SERVED = b"GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS"
READ_ONLY = "methods = GET, HEAD, OPTIONS\n"


def request(method, path=b"/", fields=b""):
    return get(path, fields).replace(b"GET", method, 1)


def refused(client, octets, allow=b"GET, HEAD, OPTIONS"):
    """Sends what is refused, and checks what is said about that."""
    client.send(octets)
    answer = refusal(client, {405}, octets.partition(b" ")[0])
    assert answer.values(b"Proxy-Status") == [b"authbridge; error=http_request_denied"]
    assert answer.values(b"Allow") == [allow]
    return answer


@pytest.mark.usefixtures("nothing_ahead")
def test_nothing_reaches_the_target(connect, start_bridge, origin):
    """Not even a connection."""
    bridge = start_bridge(origin, READ_ONLY)
    client = connect(bridge)
    for method in (b"DELETE", b"PUT", b"POST", b"PATCH", b"PROPFIND", b"get", b"GETS"):
        refused(client, request(method))
    refused(connect(bridge), post(b"content"))
    refused(connect(bridge), head_of_post(5, b"Expect: 100-continue\r\n"))
    assert origin.connections == []
    assert client.exchange(get()).raw == OK, "the connection stays"


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS"])
def test_what_is_listed_goes_on(connect, start_bridge, start_target, method):
    target = start_target().serve(answering(OK[:-2] if method == b"HEAD" else OK))
    assert connect(start_bridge(target, READ_ONLY)).exchange(request(method)).status == 200
    assert target.requests[0].head.start_line.startswith(method + b" ")


def test_all_by_default(connect, start_bridge, origin):
    client = connect(start_bridge(origin))
    for method in (b"DELETE", b"PROPFIND"):
        assert client.exchange(request(method, b"/?_method=PUT", b"X-HTTP-Method-Override: PUT\r\n")).raw == OK


def test_trace_is_never_served(connect, start_bridge, origin):
    for settings, allow in (("", SERVED), (READ_ONLY, b"GET, HEAD, OPTIONS")):
        client = connect(start_bridge(origin, settings))
        client.send(request(b"TRACE"))
        assert refusal(client, {405}).values(b"Allow") == [allow]
    assert origin.requests == []


def test_routes_narrow_and_widen(connect, start_bridge, origin):
    def route(name, *settings):
        return f"[route:{name}]\npath = /{name}\ntarget = {origin.url}\n" + "".join(f"{one}\n" for one in settings)

    routes = route("same") + route("all", "methods = all") + route("one", "methods = GET")
    bridge = start_bridge(origin, READ_ONLY + routes + route("other", "methods = PURGE, POST"))
    client = connect(bridge)
    refused(client, request(b"POST", b"/"))
    refused(client, request(b"POST", b"/same"))
    refused(client, request(b"HEAD", b"/one"), b"GET")
    refused(client, request(b"GET", b"/other"), b"PURGE, POST")
    assert origin.requests == []
    for method, path in ((b"POST", b"/all"), (b"BREW", b"/all"), (b"OPTIONS", b"/same"), (b"PURGE", b"/other")):
        assert client.exchange(request(method, path)).raw == OK


OVERRIDES = [
    row("field", b"/", b"X-HTTP-Method-Override: DELETE\r\n"),
    row("another field", b"/", b"x-http-method: delete\r\n"),
    row("a third field", b"/", b"X-Method-Override: MERGE\r\n"),
    row("as CGI reads names", b"/", b"X_HTTP_METHOD_OVERRIDE: PUT\r\n"),
    row("a list", b"/", b"X-HTTP-Method-Override: GET, PUT\r\n"),
    row("query", b"/?a&_method=DELETE", b""),
    row("encoded query", b"/?%5F%6dethod=%44elete", b""),
    row("as PHP reads names", b"/?.method=DELETE", b""),
]


@pytest.mark.parametrize(("path", "fields"), OVERRIDES)
def test_override(connect, start_bridge, origin, path, fields):
    client = connect(start_bridge(origin, READ_ONLY))
    answer = refused(client, get(path, fields))
    assert b"in place of its own" in answer.content
    assert client.exchange(get(b"/?method=DELETE", b"X-HTTP-Method-Override: HEAD\r\n")).raw == OK
    assert len(origin.requests) == 1


def test_override_in_a_trailer_stays_here(connect, start_bridge, origin):
    body = b"0\r\nX-HTTP-Method-Override: DELETE\r\nX-Other: 1\r\n\r\n"
    client = connect(start_bridge(origin, "methods = POST\n"))
    assert client.exchange(post_chunked(body)).raw == OK
    assert origin.requests[0].trailers == b"X-Other: 1\r\n\r\n"


@pytest.mark.parametrize("settings", ["methods = GET\n", "methods = GET, OPTIONS\n"])
def test_options_for_the_bridge_itself(connect, start_bridge, origin, settings):
    client = connect(start_bridge(origin, settings))
    for path in (b"*", b"/x"):
        answer = client.exchange(request(b"OPTIONS", path, b"Max-Forwards: 0\r\n"))
        assert (answer.status, answer.values(b"Allow")) == (200, [settings[len("methods = ") : -1].encode()])
    assert origin.requests == []


def test_upgrade_is_a_get(connect, start_bridge, start_target):
    """A tunnel goes both ways: that a list with GET allows it is for the operator to know."""

    def script(upstream):
        upstream.read_head()
        upstream.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        upstream.send(upstream.read(4))

    client = connect(start_bridge(start_target().serve(script), READ_ONLY))
    client.send(get(fields=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"))
    assert b" 101 " in client.read_head()
    client.send(b"ping")
    assert client.read(4) == b"ping"


def test_explain(tmp_path):
    path = tmp_path / "proxy.ini"
    path.write_text(configuration("http://127.0.0.1:9", READ_ONLY))
    for line in ("DELETE /", "GET /?_method=PUT"):
        done = run("-c", path, "--explain", line)
        assert done.returncode == 1 and "405 Method Not Allowed" in done.stdout
