"""forwarded and via: what the target is told about the client, and what a client cannot make it believe."""

import pytest
from message import OK, get, post_chunked, response
from target import answering

FORGED = b"X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n"
FORGED += b"Forwarded: for=10.0.0.1\r\n"
NAMES = (b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host", b"Forwarded", b"Via")


def told(request):
    """What a request says about the client and the way."""
    return {name: value for name in NAMES for value in request.values(name)}


class TestForwarded:
    def test_off_by_default(self, connect, start_bridge, origin):
        bridge = start_bridge(origin)
        connect(bridge).exchange(get())
        connect(bridge).exchange(get(fields=FORGED + b"Via: 1.0 a\r\n"))
        assert told(origin.requests[0]) == {}
        assert told(origin.requests[1])[b"X-Forwarded-For"] == b"10.0.0.1"
        assert told(origin.requests[1])[b"Via"] == b"1.0 a"

    @pytest.mark.parametrize("fields", [b"", FORGED])
    def test_x_forwarded(self, connect, start_bridge, origin, fields):
        connect(start_bridge(origin, "forwarded = x-forwarded\n")).exchange(get(fields=fields))
        assert told(origin.requests[0]) == {
            b"X-Forwarded-For": b"127.0.0.1",
            b"X-Forwarded-Proto": b"http",
            b"X-Forwarded-Host": b"client.example",
        }

    @pytest.mark.parametrize("fields", [b"", FORGED])
    def test_rfc7239(self, connect, start_bridge, origin, fields):
        bridge = start_bridge(origin, "forwarded = rfc7239\n", listen="[::1]:0")
        connect(bridge).exchange(get(fields=fields))
        assert told(origin.requests[0]) == {b"Forwarded": b'for="[::1]";host=client.example;proto=http'}

    def test_trusted_peer_is_believed(self, connect, start_bridge, origin):
        bridge = start_bridge(origin, "forwarded = x-forwarded\n[access]\ntrusted = 127.0.0.2\n")
        connect(bridge, "127.0.0.2").exchange(get(fields=FORGED))
        connect(bridge).exchange(get(fields=FORGED))
        assert told(origin.requests[0])[b"X-Forwarded-For"] == b"10.0.0.1, 127.0.0.2"
        assert told(origin.requests[0])[b"X-Forwarded-Proto"] == b"https"
        assert told(origin.requests[1])[b"X-Forwarded-For"] == b"127.0.0.1"
        assert told(origin.requests[1])[b"X-Forwarded-Proto"] == b"http"

    def test_client_behind_a_load_balancer_is_not_trusted_with_it(self, connect, start_bridge, origin):
        """The PROXY header is the load balancer's word, what follows it is the client's."""
        settings = "forwarded = x-forwarded\n[access]\ntrusted = 127.0.0.1\nallow = 192.0.2.0/24\n"
        bridge = start_bridge(origin, settings, listen="127.0.0.1:0 proxy_protocol")
        header = b"PROXY TCP4 192.0.2.7 198.51.100.2 56324 443\r\n"
        assert connect(bridge).exchange(header + get(fields=FORGED)).raw == OK
        assert told(origin.requests[0])[b"X-Forwarded-For"] == b"192.0.2.7"

    def test_forged_trailer(self, connect, start_bridge, origin):
        body = b"1\r\na\r\n0\r\nX-Forwarded-For: 10.0.0.1\r\nX-A: b\r\n\r\n"
        connect(start_bridge(origin, "forwarded = x-forwarded\n")).exchange(post_chunked(body))
        assert origin.requests[0].trailers == b"X-A: b\r\n\r\n"

    def test_largest_head(self, connect, start_bridge, origin):
        """A head at its limit has room for what is added."""
        settings = "forwarded = x-forwarded\nvia = on\n[access]\ntrusted = 127.0.0.1\n[limits]\nrequest_head = 4K\n"
        fields = b"X-Forwarded-For: " + b"a" * 2000 + b"\r\nX-Forwarded-For: " + b"b" * 1950 + b"\r\n"
        assert 4000 < len(get(fields=fields)) <= 4096
        assert connect(start_bridge(origin, settings)).exchange(get(fields=fields)).status == 200
        assert len(told(origin.requests[0])[b"X-Forwarded-For"]) == 2000 + 1950 + len(", , 127.0.0.1")


class TestVia:
    def test_both_ways(self, connect, start_bridge, start_target):
        target = start_target().serve(answering(response(fields=b"Via: 1.1 b\r\n")))
        answer = connect(start_bridge(target, "via = on\n")).exchange(get(fields=b"Via: 1.0 a\r\n"))
        assert target.requests[0].values(b"Via") == [b"1.0 a", b"1.1 authbridge"]
        assert answer.values(b"Via") == [b"1.1 b", b"1.1 authbridge"]

    def test_version_that_was_received(self, connect, start_bridge, start_target):
        target = start_target().serve(answering(OK.replace(b"HTTP/1.1", b"HTTP/1.0")))
        answer = connect(start_bridge(target, "via = on\n")).exchange(get(version=b"HTTP/1.0"))
        assert target.requests[0].values(b"Via") == [b"1.0 authbridge"]
        assert answer.values(b"Via") == [b"1.0 authbridge"]


@pytest.mark.parametrize("setting", ["forwarded = on", "forwarded = X-Forwarded", "via = yes"])
def test_faults(check, setting):
    shown = check(f"[proxy]\ntarget = http://a.example\n{setting}\n")
    assert shown.returncode == 78
    assert f"proxy.ini:3: {setting}: give " in shown.stderr
