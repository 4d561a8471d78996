"""[rewrite]: a target with TLS, redirects and strict cookies, used at http://127.0.0.1 by real clients."""

import http.cookiejar
import subprocess
import urllib.parse
import urllib.request

import pytest
from bridge import environment
from message import DATE, OK, get, response
from rawclient import refusal
from target import answering

NAME = "preprod.example.com"
HOME = f"https://{NAME}".encode()
ANYBODY = "[access]\nhosts = *\ncross_site = allow\n"
ON = "[rewrite]\nlocation = on\ncookies = on\norigin = on\n"

FORM = b"""<!DOCTYPE html><title>login</title><link rel="icon" href="data:,">
<form method="post" action="/login"><input name="user"><button id="go">go</button></form>"""


def redirect(status, path, cookies=()):
    fields = b"".join(b"Set-Cookie: " + cookie + b"\r\n" for cookie in cookies)
    return response(status, b"Location: " + HOME + path + b"\r\n" + fields)


def page(text, fields=b""):
    return response(fields=b"Content-Type: text/html\r\n" + fields, content=text)


class Shop:
    """A web application that knows itself as https://preprod.example.com and trusts nobody else's pages."""

    def __init__(self):
        self.refused = []

    def cookies(self, request):
        lists = [value.split(b"; ") for value in request.values(b"Cookie")]
        return {pair for pairs in lists for pair in pairs}

    def log_in(self, request):
        origins = request.values(b"Origin")
        if origins != [HOME] or not request.values(b"Referer")[0].startswith(HOME + b"/login"):
            self.refused.append(request.head.raw)
            return response(b"403 Forbidden", content=b"cross-site")
        session = b"__Host-sid=a%20b; Path=/; Secure; HttpOnly; SameSite=None"
        role = b"__Secure-role=buyer; Domain=" + NAME.encode() + b"; Path=/; Secure"
        return redirect(b"303 See Other", b"/", (session, role))

    def answer(self, request):
        method, target, _ = request.head.start_line.split(b" ")
        cookies = self.cookies(request)
        if target == b"/login" and method == b"POST":
            return self.log_in(request)
        if target == b"/login":
            seen = b"Set-Cookie: seen=1; Domain=" + NAME.encode() + b"; Secure; SameSite=None; Partitioned\r\n"
            return page(FORM, seen)
        if not {b"__Host-sid=a%20b", b"__Secure-role=buyer"} <= cookies:
            return redirect(b"302 Found", b"/login")
        if target == b"/":
            return page(b"one moment", b"Refresh: 0; url=" + HOME + b"/home\r\n")
        return page(b"welcome, with " + b" ".join(sorted(cookies)))


@pytest.fixture
def shop(start_bridge, start_target, certificates):
    """A bridge without TLS before a shop with it."""
    application = Shop()
    target = start_target(tls=certificates.good.server()).serve(answering(application.answer))
    more = f"host = {NAME}\n{ON}[tls]\nca_file = {certificates.authority.pem}\n[timeouts]\ndrain = 100ms\n"
    application.url = start_bridge(target, more).url
    application.open_url = start_bridge(target, more + ANYBODY).url
    return application


WELCOME = "welcome, with __Host-sid=a%20b __Secure-role=buyer seen=1"


class TestLogin:
    def test_curl(self, shop, tmp_path):
        def curl(*arguments):
            jar = tmp_path / "jar"
            command = ["curl", "-sSL", "--max-time", "20", "-b", jar, "-c", jar, *arguments]
            env = environment({"HOME": str(tmp_path)})
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=env)
            assert done.returncode == 0, done.stderr
            return done.stdout

        assert "<title>login" in curl(shop.url)
        login = f"{shop.url}/login"
        assert "one moment" in curl("-d", "user=a", "-H", f"Origin: {shop.url}", "-e", login, login)
        assert curl(f"{shop.url}/home") == WELCOME
        assert shop.refused == []

    def test_python(self, shop):
        jar = http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(jar), urllib.request.ProxyHandler({})
        )

        def fetch(path, data=None, fields=None):
            request = urllib.request.Request(shop.url + path, data, fields or {})
            with opener.open(request, timeout=20) as answer:
                assert answer.url.startswith(shop.url)
                return answer.read().decode()

        assert "<title>login" in fetch("/")
        data = urllib.parse.urlencode({"user": "a"}).encode()
        assert "one moment" in fetch("/login", data, {"Origin": shop.url, "Referer": f"{shop.url}/login"})
        assert fetch("/home") == WELCOME
        assert {cookie.name for cookie in jar} == {"seen", "authbridge__Host-sid", "authbridge__Secure-role"}

    @pytest.mark.usefixtures("nothing_ahead")
    def test_browser(self, shop, browser):
        browser.open(f"{shop.url}/")
        assert browser.wait("document.title == 'login' && location.pathname", "the form") == "/login"
        browser.run("document.getElementById('go').click()")
        text = browser.wait("document.body && document.body.innerText.startsWith('welcome') && document.body.innerText",
                            "the page behind the login")
        assert text == WELCOME
        assert browser.run("return location.href") == f"{shop.url}/home"
        assert shop.refused == []
        browser.open("about:blank")

    def test_another_sites_form(self, shop, connect):
        """Pages of others do not come to look like the target's own."""
        client = connect(shop.open_url.removeprefix("http://"))
        fields = b"Origin: http://evil.example\r\nReferer: http://evil.example/login\r\nContent-Length: 0\r\n"
        answer = client.exchange(b"POST /login HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")
        assert answer.status == 403
        assert b"Origin: http://evil.example\r\nReferer: http://evil.example/login\r\n" in shop.refused[0]


FIELDS = (
    b"Location: http://t.example/a?b#c\r\n"
    b"content-location:  http://t.example:80/a \r\n"
    b"Refresh: 5; url='http://T.example/a'\r\n"
    b"Link: <http://t.example/a,b>; rel=next, </c>; rel=\"a, <http://t.example>\"\r\n"
    b"LINK: <//t.example/a>\r\n"
    b"Set-Cookie: a=b; Domain=t.example; Path=/; Secure\r\n"
    b"X-Location: http://t.example/\r\n"
)
MAPPED = (
    b"Location: http://c.example:8/a?b#c\r\n"
    b"content-location:  http://c.example:8/a \r\n"
    b"Refresh: 5; url='http://c.example:8/a'\r\n"
    b"Link: <http://c.example:8/a,b>; rel=next, </c>; rel=\"a, <http://t.example>\"\r\n"
    b"LINK: <//c.example:8/a>\r\n"
    b"Set-Cookie: a=b; Path=/\r\n"
    b"X-Location: http://t.example/\r\n"
)


class TestFields:
    @pytest.fixture
    def ask(self, start_bridge, start_target, connect):
        """What a client with that Host gets of a response with those fields, and what the target got."""

        def exchange(settings, fields, request, base=""):
            target = start_target().serve(answering(b"HTTP/1.1 200 OK\r\n" + DATE + fields + b"\r\n"))
            bridge = start_bridge(target.url + base, settings + ANYBODY)
            client = connect(bridge)
            client.send(request.replace(b"BRIDGE", bridge.address.encode()))
            head = client.read_head().replace(bridge.address.encode(), b"BRIDGE")
            address = target.url.removeprefix("http://").encode()
            return head, target.requests[0].head.raw.replace(address, b"TARGET")

        return exchange

    @pytest.mark.parametrize("on", [True, False])
    def test_of_a_response(self, ask, on):
        """Exactly these; off, every octet stays."""
        fields = FIELDS + b"Content-Length: 0\r\n"
        settings = "host = t.example\n" + (ON if on else "")
        head, _ = ask(settings, fields, b"GET / HTTP/1.1\r\nHost: c.example:8\r\n\r\n")
        expected = MAPPED if on else FIELDS
        assert head == b"HTTP/1.1 200 OK\r\n" + DATE + expected + b"Content-Length: 0\r\n\r\n"

    @pytest.mark.parametrize("on", [True, False])
    def test_of_a_request(self, ask, on):
        fields = (
            b"Origin: http://c.example\r\nreferer:  http://C.example:80/a?http://c.example/ \r\n"
            b"Cookie: authbridge__Host-a=b; c=d\r\nX-Origin: http://c.example\r\n"
        )
        mapped = (
            b"Origin: http://t.example\r\nreferer:  http://t.example/a?http://c.example/ \r\n"
            b"Cookie: __Host-a=b; c=d\r\nX-Origin: http://c.example\r\n"
        )
        request = b"GET / HTTP/1.1\r\nHost: c.example\r\n" + fields + b"\r\n"
        _, head = ask("host = t.example\n" + (ON if on else ""), b"Content-Length: 0\r\n", request)
        assert head == b"GET / HTTP/1.1\r\nHost: t.example\r\n" + (mapped if on else fields) + b"\r\n"

    def test_without_host(self, ask):
        """An HTTP/1.0 client that names no host has reached an address."""
        head, _ = ask("host = t.example\n" + ON, b"Location: http://t.example/a\r\n", b"GET / HTTP/1.0\r\n\r\n")
        assert b"Location: http://BRIDGE/a\r\n" in head

    def test_over_a_unix_socket_without_host(self, start_bridge, start_target, connect, tmp_path):
        moved = b"HTTP/1.1 301 Moved\r\n" + DATE + b"Location: http://t.example/a\r\nContent-Length: 0\r\n\r\n"
        target = start_target().serve(answering(moved))
        bridge = start_bridge(target, "host = t.example\n" + ON, listen=f"unix:{tmp_path}/s")
        answer = connect(bridge).exchange(b"GET / HTTP/1.0\r\n\r\n")
        assert answer.values(b"Location") == [b"http://localhost/a"]

    def test_base_path(self, ask):
        request = b"GET /x HTTP/1.1\r\nHost: BRIDGE\r\nReferer: http://BRIDGE/w\r\n\r\n"
        fields = b"Location: /base/y\r\nSet-Cookie: a=b; Path=/base/z\r\nContent-Length: 0\r\n"
        head, sent = ask("host = t.example\n" + ON, fields, request, base="/base")
        assert b"Location: /y\r\nSet-Cookie: a=b; Path=/z\r\n" in head
        assert sent == b"GET /base/x HTTP/1.1\r\nHost: t.example\r\nReferer: http://t.example/base/w\r\n\r\n"

    def test_route_that_strips_its_path(self, start_bridge, start_target, connect):
        """What the target says of its paths leads the client into the route, and its pages back."""
        fields = (
            b"Location: /login?a#b\r\nContent-Location: TARGET/x\r\nLink: </y>, <z>\r\n"
            b"Set-Cookie: __Host-a=b; Path=/; Secure\r\nSet-Cookie: c=d; path=/x/\r\nSet-Cookie: e=f\r\n"
        )
        target = start_target()
        fields = fields.replace(b"TARGET", target.url.encode())
        target.serve(answering(b"HTTP/1.1 200 OK\r\n" + DATE + fields + b"Content-Length: 0\r\n\r\n"))
        route = f"[route:shop]\npath = /shop\nstrip_path = on\ntarget = {target.url}\n"
        bridge = start_bridge("http://127.0.0.1:9", ON + ANYBODY + route)
        own = bridge.url.encode()
        client = connect(bridge)
        sent = b"Host: %s\r\nReferer: %s/shop/a?b\r\nCookie: authbridge__Host-a=b\r\n" % (own[7:], own)
        client.send(b"GET /shop/x HTTP/1.1\r\n" + sent + b"\r\n")
        head = client.read_head()
        assert head == (
            b"HTTP/1.1 200 OK\r\n" + DATE + b"Location: /shop/login?a#b\r\n"
            b"Content-Location: " + own + b"/shop/x\r\nLink: </shop/y>, <z>\r\n"
            b"Set-Cookie: authbridge__Host-a=b; Path=/shop\r\nSet-Cookie: c=d; path=/shop/x/\r\nSet-Cookie: e=f\r\n"
            b"Content-Length: 0\r\n\r\n"
        )
        received = target.requests[0].head
        assert received.start_line == b"GET /x HTTP/1.1"
        assert received.values(b"Referer") == [target.url.encode() + b"/a?b"]
        assert received.values(b"Cookie") == [b"__Host-a=b"]

    @pytest.mark.parametrize(
        ("setting", "changed"),
        [("location", 0), ("cookies", 1), ("origin", 2)],
    )
    def test_each_alone(self, ask, setting, changed):
        before = [b"Location: http://t.example/a\r\n", b"Set-Cookie: a=b; Secure\r\n", b"Origin: http://c.example\r\n"]
        after = [b"Location: http://c.example/a\r\n", b"Set-Cookie: a=b\r\n", b"Origin: http://t.example\r\n"]
        expected = [*before[:changed], after[changed], *before[changed + 1 :]]
        request = b"GET / HTTP/1.1\r\nHost: c.example\r\n" + before[2] + b"\r\n"
        settings = f"host = t.example\n[rewrite]\n{setting} = on\n"
        head, sent = ask(settings, b"".join(before[:2]) + b"Content-Length: 0\r\n", request)
        assert b"".join(expected[:2]) in head
        assert expected[2] in sent

    def test_interim(self, start_bridge, start_target, connect):
        """Browsers act on the Link of 103 before the answer comes."""
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: <http://t.example/a.css>; rel=preload\r\n\r\n"
        target = start_target().serve(answering(hints + OK))
        client = connect(start_bridge(target, "host = t.example\n" + ON))
        client.send(get())
        assert b"\r\nLink: <http://client.example/a.css>; rel=preload\r\n" in client.read_head()
        assert client.read_response().content == b"ok"

    def test_head_that_outgrows_its_room(self, start_bridge, start_target, connect):
        """One answer of 502, and the client can go on."""
        links = b"".join(b"Link: <//t.example/>\r\n" for _ in range(60))
        target = start_target().serve(answering(b"HTTP/1.1 200 OK\r\n" + DATE + links + b"Content-Length: 0\r\n\r\n"))
        client = connect(start_bridge(target, "host = t.example\n" + ON))
        client.send(b"GET / HTTP/1.1\r\nHost: " + 8000 * b"c" + b"\r\n\r\n")
        answer = refusal(client, {502})
        assert answer.values(b"Proxy-Status") == [b"authbridge; error=http_response_header_section_size"]
        assert client.exchange(get()).status == 200


def test_head_that_grows_beyond_its_room(connect, start_bridge, start_target):
    """A prefix before each of many short links, and content that is decoded behind them: refused, not a crash."""
    target = start_target()
    text = f"[route:p]\npath = /pay\ntarget = {target.url}\nstrip_path = on\n[rewrite]\nlocation = on\n"
    bridge = start_bridge(text=f"[proxy]\nlisten = 127.0.0.1:0\nstandby = 0\n{text}")
    client = connect(bridge)
    client.send(b"GET /pay/x HTTP/1.0\r\nHost: localhost\r\n\r\n")
    upstream = target.accept()
    upstream.read_head()
    links = b"Link: " + 34250 * b"</>," + b"\r\n"
    upstream.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + links)
    upstream.send(b"\r\nfa0\r\n" + 4000 * b"x" + b"\r\n0\r\n\r\n")
    assert client.read_response().status in (200, 502)
    assert "signal" not in bridge.output()
