"""The guards on the way in: whose Host is served (DNS rebinding), and what pages of other sites may have sent."""

import pytest
from bridge import run
from message import OK, row
from rawclient import refusal

LANGUAGE = b"Accept-Language: en\r\n"
AGENT = b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
CROSS_SITE = b"Sec-Fetch-Site: cross-site\r\n"
HOSTS = "[access]\nhosts = staging.example, bridge.internal:8080, *.dev.example\n"


def request(host, fields=b"", line=b"GET / HTTP/1.1"):
    """A request for that host; None: without one."""
    return line + b"\r\n" + (b"" if host is None else b"Host: " + host + b"\r\n") + fields + b"\r\n"


def check_refused(client, status, part):
    """Reads a refusal, whose cause is the request and whose text holds that part."""
    head = refusal(client, {status})
    assert head.values(b"Proxy-Status") == [b"authbridge; error=http_request_denied"]
    assert part in client.received


SERVED = [
    row("a program under any name", "", b"whatever.example", b""),
    row("an agent that is no browser", "", b"whatever.example", b"User-Agent: curl/8.0\r\n"),
    row("a browser at localhost", "", b"localhost:1234", LANGUAGE),
    row("a browser below localhost", "", b"api.localhost", LANGUAGE),
    row("a browser at an address", "", b"192.0.2.1", LANGUAGE),
    row("a browser at an IPv6 address", "", b"[2001:db8::1]:80", LANGUAGE),
    row("a program that calls itself a browser", "", b"evil.example", AGENT + b"Referer: http://a.example/\r\n"),
    row("a listed name", HOSTS, b"staging.example", LANGUAGE),
    row("a listed name, written in another way", HOSTS, b"Staging.EXAMPLE.:99", LANGUAGE),
    row("a listed name and port", HOSTS, b"bridge.internal:8080", b""),
    row("below a listed name", HOSTS, b"a.b.dev.example", b""),
    row("localhost beside a list", HOSTS, b"localhost", b""),
    row("loopback beside a list", HOSTS, b"127.0.0.9:1", b""),
    row("everything listed", "[access]\nhosts = *\n", b"evil.example", LANGUAGE),
]
MISDIRECTED = [
    row("Accept-Language", "", b"evil.example", LANGUAGE),
    row("Accept-Language, emptied", "", b"evil.example", b"accept-language:\r\n"),
    row("Origin", "", b"evil.example", b"Origin: http://evil.example\r\n"),
    row("Sec-Fetch-Mode", "", b"evil.example", b"Sec-Fetch-Mode: no-cors\r\n"),
    row("no address", "", b"127.0.0.1.evil.example", LANGUAGE),
    row("a name that is not listed", HOSTS, b"evil.example", b""),
    row("a listed name with another port", HOSTS, b"bridge.internal:8081", b""),
    row("the name above", HOSTS, b"dev.example", b""),
    row("an address that is not the bridge's", HOSTS, b"192.0.2.1", b""),
]
FROM_HERE = [
    row("same-origin", b"Sec-Fetch-Site: same-origin\r\nOrigin: http://127.0.0.1\r\n"),
    row("same-site", b"Sec-Fetch-Site: same-site\r\nOrigin: http://127.0.0.1:3000\r\n"),
    row("typed in", b"Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n"),
    row("the same host, as older browsers say it", b"Origin: http://127.0.0.1:3000\r\n"),
]
FROM_ELSEWHERE = [
    row("cross-site", CROSS_SITE),
    row("a link that was followed", CROSS_SITE + b"Sec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\n"),
    row("another host, as older browsers say it", b"Origin: http://evil.example\r\n"),
    row("nobody knows", b"Origin: null\r\n"),
    row("nonsense", b"Sec-Fetch-Site: here\r\n"),
    row("twice", b"Sec-Fetch-Site: none\r\nSec-Fetch-Site: none\r\n"),
    row("two origins", b"Origin: http://127.0.0.1\r\nOrigin: http://127.0.0.1\r\n"),
    row("no origin", b"Origin: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\n"),
]


class TestHost:
    @pytest.mark.parametrize(("settings", "host", "fields"), SERVED)
    def test_served(self, connect, start_bridge, origin, settings, host, fields):
        assert connect(start_bridge(origin, settings)).exchange(request(host, fields)).raw == OK

    @pytest.mark.parametrize(("settings", "host", "fields"), MISDIRECTED)
    def test_misdirected(self, connect, start_bridge, origin, settings, host, fields):
        bridge = start_bridge(origin, settings)
        client = connect(bridge)
        client.send(request(host, fields))
        check_refused(client, 421, host + b" is not a name of this bridge; if it should be, add it to hosts in [access]")
        assert bridge.access()["error"] == "http_request_denied"
        assert client.exchange(request(b"localhost")).raw == OK, "the connection goes on"
        assert len(origin.requests) == 1

    @pytest.mark.parametrize("settings", ["", HOSTS], ids=["default", "hosts"])
    def test_host_of_a_route_is_one_of_the_bridges(self, connect, start_bridge, origin, settings):
        route = f"[route:payments]\nhost = payments.local\ntarget = {origin.url}\n"
        client = connect(start_bridge(origin, settings + route))
        assert client.exchange(request(b"Payments.local:99", LANGUAGE)).raw == OK
        client.send(request(b"a.payments.local", LANGUAGE))
        check_refused(client, 421, b"a.payments.local")

    def test_absolute_form_goes_before_host(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin))
        line = b"GET http://evil.example/ HTTP/1.1"
        client.send(request(b"localhost", LANGUAGE, line))
        check_refused(client, 421, b"evil.example")

    def test_without_host(self, connect, start_bridge, origin):
        old = b"GET / HTTP/1.0"
        bridge, strict = start_bridge(origin), start_bridge(origin, HOSTS)
        assert connect(bridge).exchange(request(None, line=old)).content == b"ok"
        for to, fields in ((bridge, LANGUAGE), (strict, b"")):
            client = connect(to)
            client.send(request(None, fields, old))
            check_refused(client, 421, b"the request does not say")

    def test_unix_socket_has_no_name(self, connect, start_bridge, origin, tmp_path):
        """A browser cannot reach it; what stands before it asks under any name. A list holds there as well."""
        listen = f"unix:{tmp_path}/socket"
        assert connect(start_bridge(origin, listen=listen)).exchange(request(b"any.example", LANGUAGE)).raw == OK
        client = connect(start_bridge(origin, HOSTS, listen=f"{listen}-2"))
        client.send(request(b"any.example"))
        check_refused(client, 421, b"any.example")

    def test_address_where_the_connection_came_in(self, connect, start_bridge, origin):
        """Of a listener on all addresses, a request may name the one that it came to, with that port."""
        settings = HOSTS + "allow = 127.0.0.0/8\n"
        bridge = start_bridge(origin, settings, listen="0.0.0.0:0")
        port = bridge.address.rpartition(":")[2]
        client = connect(f"127.0.0.5:{port}")
        for host in (b"127.0.0.5", f"127.0.0.5:{port}".encode(), b"0.0.0.0"):
            assert client.exchange(request(host)).raw == OK
        client.send(request(b"192.0.2.5:80"))
        check_refused(client, 421, b"192.0.2.5")


class TestSite:
    @pytest.mark.parametrize("fields", FROM_HERE)
    def test_from_here(self, connect, start_bridge, origin, fields):
        assert connect(start_bridge(origin)).exchange(request(b"127.0.0.1:8080", fields)).raw == OK

    @pytest.mark.parametrize("fields", FROM_ELSEWHERE)
    def test_from_elsewhere(self, connect, start_bridge, origin, fields):
        bridge = start_bridge(origin)
        client = connect(bridge)
        client.send(request(b"127.0.0.1:8080", fields))
        check_refused(client, 403, b"set cross_site = allow in [access]")
        assert bridge.access()["error"] == "http_request_denied"
        assert client.exchange(request(b"127.0.0.1:8080")).raw == OK
        assert len(origin.requests) == 1

    @pytest.mark.parametrize("fields", FROM_ELSEWHERE)
    def test_allowed(self, connect, start_bridge, origin, fields):
        bridge = start_bridge(origin, "[access]\ncross_site = allow\n")
        assert connect(bridge).exchange(request(b"127.0.0.1", fields)).raw == OK


def test_explained(tmp_path):
    """--explain says what would be refused, and why."""
    for host, status in (("evil.example", 421), ("localhost", 403)):
        asked = ["-H", f"Host: {host}", "-H", "Sec-Fetch-Site: cross-site"]
        done = run("--target", "http://target.example", "--explain", "GET /", *asked)
        assert done.returncode == 1 and f"{status} " in done.stdout and "[access]" in done.stdout


class TestBrowser:
    """Chromium itself: every name below `example` leads to loopback, as an attacker's name server would have it."""

    @pytest.fixture
    def bridge(self, start_bridge, origin):
        return start_bridge(origin, "[timeouts]\ndrain = 100ms\n")

    @pytest.fixture
    def port(self, bridge):
        return bridge.address.rpartition(":")[2]

    @pytest.fixture
    def evil(self, browser, start_target):
        """A page of another site is open in the browser."""
        content = b"<!DOCTYPE html><title>evil</title><link rel=icon href=data:,>"
        page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(content) + content
        site = start_target().serve(lambda upstream: (upstream.read_request(), upstream.send(page)))
        browser.open(f"http://evil.example:{site.port}/")
        yield browser
        browser.open("about:blank")
        browser.complaints()

    def test_serves_who_asks_by_address(self, browser, bridge, port):
        for host in ("127.0.0.1", "localhost"):
            assert browser.open(f"http://{host}:{port}/").text() == "ok"

    def test_rebound_name_is_refused(self, browser, bridge, port, origin):
        """The page at the attacker's name, and whatever its scripts send there, is answered by the bridge alone."""
        assert "421 Misdirected Request" in browser.open(f"http://evil.example:{port}/").text()
        script = """
            const bare = { headers: { 'Accept-Language': '' }, referrerPolicy: 'no-referrer', credentials: 'omit' };
            const answers = await Promise.all(
                [fetch('/'), fetch('/', bare), fetch('/', { method: 'POST', body: 'a' })]);
            return answers.map(answer => answer.status);
        """
        assert browser.settle(script) == [421, 421, 421]
        assert not any(request.values(b"Host") for request in origin.requests)
        browser.complaints()

    def test_page_of_another_site_reaches_nobody(self, evil, bridge, port, origin):
        script = f"""
            const url = 'http://127.0.0.1:{port}/';
            const form = {{ method: 'POST', mode: 'no-cors', body: 'a=b' }};
            const sent = await Promise.allSettled([fetch(url, {{ mode: 'no-cors' }}), fetch(url, form), fetch(url)]);
            return sent.map(result => result.value ? result.value.type : 'blocked');
        """
        assert evil.settle(script) == ["opaque", "opaque", "blocked"]
        evil.run(f"location = 'http://127.0.0.1:{port}/link'")
        evil.wait("document.body && document.body.innerText.includes('403 Forbidden')", "the link is refused")
        assert not [seen for seen in origin.requests if b"/favicon.ico" not in seen.head.start_line]
