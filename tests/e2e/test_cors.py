"""[cors]: preflights are answered by the bridge, responses carry its fields, and pages in Chromium see that it works."""

import pytest
from bridge import SECRET, configuration, run
from message import get, response, row
from rawclient import refusal
from target import answering

APP = b"Origin: https://app.example\r\n"
OTHER = b"Origin: https://other.example\r\n"
CORS = """
    [cors]
    origins = https://app.example, http://localhost:3000
    methods = GET, PUT
    headers = X-Key
    expose = X-Count
    credentials = on
    max_age = 5m
    """
PREFLIGHT_VARY = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def preflight(fields=APP, method=b"PUT"):
    asks = b"Access-Control-Request-Method: " + method + b"\r\nAccess-Control-Request-Headers: x-key\r\n"
    return b"OPTIONS /a HTTP/1.1\r\nHost: client.example\r\n" + fields + asks + b"\r\n"


def cors_fields(answer):
    """The fields of an answer that browsers go by."""
    return {
        name.lower().removeprefix(b"access-control-"): answer.values(name)
        for name, _ in answer.head.fields
        if name.lower().startswith(b"access-control-") or name.lower() == b"vary"
    }


ALLOWED = {
    b"allow-origin": [b"https://app.example"],
    b"allow-credentials": [b"true"],
    b"expose-headers": [b"X-Count"],
    b"vary": [b"Origin"],
}


@pytest.fixture
def any_host():
    return "[access]\nhosts = *\n"


class TestPreflight:
    def test_is_answered_here(self, connect, start_bridge, origin, any_host):
        bridge = start_bridge(origin, any_host + CORS)
        client = connect(bridge)
        answer = client.exchange(preflight())
        assert answer.status == 204 and len(answer.values(b"Date")) == 1
        assert not answer.values(b"Content-Length") and not answer.values(b"Proxy-Status")
        assert cors_fields(answer) == {
            b"allow-origin": [b"https://app.example"],
            b"allow-credentials": [b"true"],
            b"allow-methods": [b"GET, PUT"],
            b"allow-headers": [b"X-Key"],
            b"max-age": [b"300"],
            b"vary": [PREFLIGHT_VARY],
        }
        assert bridge.access()["status"] == "204"
        assert client.exchange(get()).status == 200, "the connection goes on"
        assert len(origin.requests) == 1

    def test_from_elsewhere_is_refused(self, connect, start_bridge, origin, any_host):
        """Also where cross-site requests are let through: the answer could only be no."""
        for more in ("", "cross_site = allow\n"):
            client = connect(start_bridge(origin, any_host + more + CORS))
            client.send(preflight(OTHER))
            answer = refusal(client, {403})
            assert b"add it to origins in [cors]" in answer.content
            assert cors_fields(answer) == {b"vary": [b"Origin"]}
        assert origin.requests == []

    def test_without_cors_it_is_the_targets(self, connect, start_bridge, start_target, any_host):
        answer = response(fields=b"Access-Control-Allow-Origin: *\r\nVary: X\r\n", content=b"ok")
        target = start_target().serve(answering(answer))
        bridge = start_bridge(target, any_host + "cross_site = allow\n")
        assert connect(bridge).exchange(preflight()).raw == answer
        assert target.requests[0].values(b"Access-Control-Request-Method") == [b"PUT"]

    def test_asks_for_nonsense(self, connect, start_bridge, origin, any_host):
        client = connect(start_bridge(origin, any_host + "[cors]\norigins = https://app.example\n"))
        client.send(preflight(method=b"P T"))
        refusal(client, {403})

    def test_long_list_of_fields(self, connect, start_bridge, origin, any_host):
        """What is echoed is as long as what may be sent."""
        client = connect(start_bridge(origin, any_host + "[cors]\norigins = *\n"))
        names = b",".join(b"x-%d" % at for at in range(8000))
        answer = client.exchange(preflight().replace(b"x-key", names))
        assert answer.values(b"Access-Control-Allow-Headers") == [names]


class TestResponses:
    TARGETS = b"Access-Control-Allow-Origin: *\r\nvary: Accept\r\naccess-control-expose-headers: X-Mine\r\n"

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            row("allowed", APP, ALLOWED | {b"vary": [b"Accept, Origin"]}),
            row("from here", OTHER.replace(b"https://other", b"http://client"), {b"vary": [b"Accept, Origin"]}),
            row("without Origin", b"", {b"vary": [b"Accept, Origin"]}),
        ],
    )
    def test_fields_are_replaced(self, connect, start_bridge, start_target, any_host, fields, expected):
        target = start_target().serve(answering(response(fields=self.TARGETS, content=b"ok")))
        answer = connect(start_bridge(target, any_host + CORS)).exchange(get(fields=fields))
        assert answer.content == b"ok" and cors_fields(answer) == expected
        assert target.requests[0].values(b"Origin") == [fields[8:-2]] if fields else True

    def test_every_origin(self, connect, start_bridge, start_target, any_host):
        target = start_target().serve(answering(response(fields=self.TARGETS)))
        client = connect(start_bridge(target, any_host + "[cors]\norigins = *\n"))
        for fields in (OTHER, b"Sec-Fetch-Site: cross-site\r\n" + APP, b""):
            answer = client.exchange(get(fields=fields))
            assert cors_fields(answer) == {b"allow-origin": [b"*"], b"vary": [b"Accept"]}

    def test_untouched_without_cors(self, connect, start_bridge, start_target, any_host):
        answer = response(fields=self.TARGETS, content=b"ok")
        target = start_target().serve(answering(answer))
        assert connect(start_bridge(target, any_host)).exchange(get()).raw == answer

    def test_of_another_origin_are_refused(self, connect, start_bridge, origin, any_host):
        client = connect(start_bridge(origin, any_host + CORS))
        for fields in (OTHER, OTHER + b"Sec-Fetch-Site: cross-site\r\n", b"Sec-Fetch-Site: cross-site\r\n"):
            client.send(get(fields=fields))
            assert cors_fields(refusal(client, {403})) == {b"vary": [b"Origin"]}
        assert origin.requests == []

    @pytest.mark.parametrize(
        ("status", "request_octets"),
        [
            row("502", 502, get(fields=APP)),
            row("413", 413, get(fields=APP + b"Content-Length: 2000\r\n").replace(b"GET", b"PUT")),
            row("200", 200, b"OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n" + APP + b"\r\n"),
        ],
    )
    def test_bridges_own_answers(self, connect, start_bridge, tmp_path, any_host, status, request_octets):
        bridge = start_bridge(f"unix:{tmp_path}/nobody", any_host + CORS + "[limits]\nrequest_body = 1K\n")
        client = connect(bridge)
        client.send(request_octets)
        answer = client.read_response()
        assert answer.status == status and cors_fields(answer) == ALLOWED


@pytest.mark.parametrize(("site", "status", "says"), [("app", 0, "with 204: a preflight"), ("other", 1, "403 Forbidden")])
def test_explained(tmp_path, site, status, says):
    """--explain says that a preflight is answered here, or refused."""
    config = tmp_path / "proxy.ini"
    config.write_text(configuration("http://127.0.0.1:9", CORS, listen="127.0.0.1:8080"))
    asked = ["-H", f"Origin: https://{site}.example", "-H", "Access-Control-Request-Method: PUT"]
    done = run("-c", config, "--explain", "OPTIONS /a", *asked)
    assert done.returncode == status and says in done.stdout


PAGE = b"<!DOCTYPE html><title>page</title><link rel=icon href=data:,>"


class TestBrowser:
    """Pages in Chromium, of app.example and other.example, call an API that knows nothing of CORS."""

    API = response(fields=b"X-Count: 7\r\nSet-Cookie: s=1\r\nContent-Type: application/json\r\n", content=b'{"a": 1}')
    COUNT = "[answer.status, answer.headers.get('X-Count'), (await answer.json()).a]"

    @pytest.fixture
    def api(self, start_target):
        return start_target().serve(answering(self.API))

    @pytest.fixture
    def pages(self, start_target):
        return start_target().serve(answering(response(fields=b"Content-Type: text/html\r\n", content=PAGE)))

    @pytest.fixture
    def start(self, start_bridge, api, pages):
        """A bridge to the API; app.example is the one site whose pages may call it."""

        def start(more):
            settings = f"""
                [timeouts]
                drain = 100ms
                [access]
                hosts = *
                [request-headers]
                Authorization = Bearer {SECRET}
                [cors]
                origins = http://app.example:{pages.port}
                """
            return start_bridge(api, settings + more)

        return start

    @pytest.fixture
    def open_page(self, browser, pages):
        yield lambda site: browser.open(f"http://{site}.example:{pages.port}/")
        browser.open("about:blank")
        browser.driver.delete_all_cookies()
        browser.complaints()

    def test_without_credentials(self, open_page, start, api):
        bridge = start("expose = X-Count\nmethods = GET, PUT\nheaders = X-Key\n")
        page = open_page("app")
        script = f"""
            const plain = await fetch('{bridge.url}/plain');
            const put = await fetch('{bridge.url}/put', {{ method: 'PUT', body: 'a', headers: {{ 'X-Key': 'k' }} }});
            return await Promise.all([plain, put].map(async answer => {self.COUNT}));
        """
        assert page.settle(script) == [[200, "7", 1]] * 2
        assert [seen.head.start_line for seen in api.requests] == [b"GET /plain HTTP/1.1", b"PUT /put HTTP/1.1"]
        assert api.requests[1].values(b"X-Key") == [b"k"]
        assert api.requests[1].values(b"Authorization") == [b"Bearer " + SECRET.encode()]

    def test_what_is_not_allowed_is_not_sent(self, open_page, start, api):
        bridge = start("methods = GET, PUT\nheaders = X-Key\n")
        page = open_page("app")
        script = f"""
            const tries = [{{ method: 'DELETE' }}, {{ headers: {{ 'X-Other': 'a' }} }}, {{ credentials: 'include' }}];
            const done = await Promise.allSettled(tries.map(options => fetch('{bridge.url}/', options)));
            const hidden = (await fetch('{bridge.url}/last')).headers.get('X-Count');
            return [...done.map(result => result.status), hidden];
        """
        assert page.settle(script) == ["rejected", "rejected", "rejected", None]
        assert {seen.head.start_line.split()[0] for seen in api.requests} == {b"GET"}
        assert not any(seen.values(b"X-Other") for seen in api.requests)

    def test_with_credentials(self, open_page, start, api, pages):
        """A cookie of the API's name comes along, after it was set by a response; both need to be of one site."""
        bridge = start("credentials = on\nexpose = X-Count\n")
        page = open_page("app")
        url = f"http://api.app.example:{bridge.address.rpartition(':')[2]}"
        script = f"""
            const options = {{ credentials: 'include', method: 'PUT', body: 'a', headers: {{ 'X-Key': 'k' }} }};
            const first = await fetch('{url}/', options);
            const second = await fetch('{url}/', options);
            return await Promise.all([first, second].map(async answer => {self.COUNT}));
        """
        assert page.settle(script) == [[200, "7", 1]] * 2
        assert [seen.values(b"Cookie") for seen in api.requests] == [[], [b"s=1"]]

    def test_page_of_another_origin_is_refused(self, open_page, start, api):
        bridge = start("")
        page = open_page("other")
        script = f"""
            const tries = [{{}}, {{ method: 'PUT', body: 'a' }}, {{ mode: 'no-cors', method: 'POST', body: 'a' }}];
            const done = await Promise.allSettled(tries.map(options => fetch('{bridge.url}/', options)));
            return done.map(result => result.value ? result.value.type : result.status);
        """
        assert page.settle(script) == ["rejected", "rejected", "opaque"]
        assert api.requests == []

    def test_page_reads_the_bridges_own_answer(self, open_page, start, start_bridge, pages, tmp_path):
        settings = f"[timeouts]\ndrain = 100ms\n[access]\nhosts = *\n[cors]\norigins = http://app.example:{pages.port}\n"
        bridge = start_bridge(f"unix:{tmp_path}/nobody", settings)
        script = f"const answer = await fetch('{bridge.url}/'); return [answer.status, await answer.text()];"
        status, text = open_page("app").settle(script)
        assert status == 502 and text.startswith("authbridge: 502 Bad Gateway")
