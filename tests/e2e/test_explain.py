"""--explain: what the target would get for a request, with the reason of each change; the same as the bridge sends."""

import re

import pytest
from bridge import SECRET, configuration, run
from message import row

SETTINGS = f"""
    [request-headers]
    Authorization = Bearer {SECRET}
    X-Api-Key = {SECRET}-${{request_id}}
    X-Debug =
    [limits]
    request_body = 1K
    request_fields = 20
    """


@pytest.fixture
def explain(tmp_path):
    """Explains a request, given as its request line and its field lines. No secret may be printed."""
    path = tmp_path / "proxy.ini"

    def run_explain(line, *fields, target="https://preprod.example.com/base", more=SETTINGS):
        path.write_text(configuration(target, more, listen="127.0.0.1:8080"))
        asked = [argument for field in fields for argument in ("-H", field)]
        done = run("-c", "proxy.ini", "--explain", line, *asked, cwd=tmp_path)
        assert SECRET not in done.stdout + done.stderr
        return done

    return run_explain


class Line:
    """One line of the head, with its mark and its cause."""

    def __init__(self, mark, text, cause):
        self.mark, self.text, self.cause = mark, text, cause


def lines(done):
    """The head that is explained, line by line."""
    assert done.returncode == 0, done.stdout + done.stderr
    head = done.stdout.split("\n\n")[1].replace("\n      ; ", " ; ")
    return [Line(*re.fullmatch(r"([ ~+-]) (.*?)(?: *; (.*))?", line).groups()) for line in head.split("\n")]


def cause_of(done, mark, text):
    """Why the line with this mark and text stands there."""
    found = [line.cause for line in lines(done) if line.mark == mark and line.text == text]
    assert len(found) == 1, f"no {mark} {text} in {done.stdout}"
    return found[0]


CASES = [
    row("plain", b"GET /a?b HTTP/1.1", [b"Accept: */*", b"X-Twice: 1", b"X-Twice: 2"]),
    row("HTTP/1.0", b"GET /a HTTP/1.0", [b"Expect: 100-continue", b"Connection: keep-alive"]),
    row("absolute", b"GET http://other.example HTTP/1.1", [b"Proxy-Connection: keep-alive"]),
    row("same names", b"GET /a HTTP/1.1", [b"X_Api_Key: mine", b"x-debug: 1", b"AUTHORIZATION: Basic x"]),
    row("connection", b"GET /a HTTP/1.1", [b"Connection: close, x-hop", b"X-Hop: 1", b"Keep-Alive: 5", b"TE: trailers"]),
    row("trailers last", b"GET /a HTTP/1.1", [b"TE: trailers, gzip", b"Connection: TE"]),
    row("upgrade", b"GET /a HTTP/1.1", [b"Upgrade: websocket, h2c", b"Connection: Upgrade"]),
    row("upgrade to HTTP", b"GET /a HTTP/1.1", [b"Upgrade: h2c", b"Connection: Upgrade"]),
    row("lengths", b"POST /a HTTP/1.1", [b"Content-Length:  0", b"content-length: 0"]),
    row("chunked", b"POST /a HTTP/1.1", [b"Transfer-Encoding:chunked"]),
    row("hops", b"OPTIONS * HTTP/1.1", [b"Max-Forwards: 7"]),
    row("configured last", b"GET /a HTTP/1.1", [b"Proxy-Authorization: x", b"X-Api-Key: mine"]),
]


@pytest.mark.parametrize(("line", "fields"), CASES)
def test_is_what_is_sent(explain, connect, start_bridge, origin, line, fields):
    """The lines that are not taken out are those which the target of a running bridge gets."""
    host = [] if line.endswith(b"1.0") else [b"Host: 127.0.0.1:8080"]
    content = b"0\r\n\r\n" if b"Transfer-Encoding:chunked" in fields else b""
    request = b"\r\n".join([line, *host, *fields]) + b"\r\n\r\n" + content
    url = origin.url + "/base"
    connect(start_bridge(url, SETTINGS)).exchange(request)
    sent = origin.requests[0].head.raw.decode().replace(f"Bearer {SECRET}", "***")
    sent = re.sub(f"{SECRET}-[0-9a-f]{{32}}", "***${request_id}", sent)
    shown = lines(explain(line.decode(), *(field.decode() for field in fields), target=url))
    assert "".join(part.text + "\r\n" for part in shown if part.mark != "-") + "\r\n" == sent
    came = [part.text.encode() for part in shown if part.mark in " -"]
    assert [part for part in came if part not in [line, *host, *fields]] == []
    assert all(part.cause for part in shown if part.mark != " ")


class TestCauses:
    def test_lines_of_the_file(self, explain):
        done = explain("GET /orders", "X_Api_Key: mine", "X-Debug: 1", "Accept: */*")
        assert "  preprod.example.com:443    ; proxy.ini:3, target\n" in done.stdout
        assert cause_of(done, "~", "GET /base/orders HTTP/1.1") == "proxy.ini:3, target"
        assert cause_of(done, "~", "Host: preprod.example.com") == "proxy.ini:3, target"
        assert cause_of(done, "-", "X_Api_Key: mine") == "proxy.ini:7 replaces it"
        assert cause_of(done, "-", "X-Debug: 1") == "proxy.ini:8 removes it"
        assert cause_of(done, " ", "Accept: */*") is None
        assert cause_of(done, "+", "Authorization: ***") == "proxy.ini:6"
        assert cause_of(done, "+", "X-Api-Key: ***${request_id}") == "proxy.ini:7"

    def test_forwarding(self, explain):
        fields = ("Via: 1.1 other", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Port: 1")
        done = explain("GET /", *fields, more="forwarded = x-forwarded\nvia = on\n")
        assert cause_of(done, " ", "Via: 1.1 other") is None
        assert cause_of(done, "-", "X-Forwarded-Port: 1") == "proxy.ini:4, forwarded"
        assert cause_of(done, "~", "X-Forwarded-For: ${client_ip}") == "proxy.ini:4, forwarded"
        assert cause_of(done, "+", "X-Forwarded-Proto: http") == "proxy.ini:4, forwarded"
        assert cause_of(done, "+", "Via: 1.1 authbridge") == "proxy.ini:5, via"

    def test_host_setting(self, explain):
        done = explain("GET /", more="host = other.example\n")
        assert cause_of(done, "~", "Host: other.example") == "proxy.ini:4, host"

    def test_options(self):
        done = run("--target", "http://127.0.0.1:9", "--header", f"A: {SECRET}", "--explain", "GET /")
        assert cause_of(done, "~", "Host: 127.0.0.1:9") == "--target"
        assert cause_of(done, "+", "A: ***") == "--header"
        assert SECRET not in done.stdout

    @pytest.mark.parametrize(
        ("field", "cause"),
        [
            row("connection", "Connection: close", "is for this connection only"),
            row("named", "X-Hop: 1", "is named by Connection"),
            row("proxy", "Proxy-Authorization: Basic eDp5", "is for this proxy only"),
            row("copy", "content-length: 3", "a copy"),
            row("upgrade", "Upgrade: h2c", "not a tunnel that is passed on"),
        ],
    )
    def test_rules(self, explain, field, cause):
        done = explain("POST /", "Connection: x-hop, upgrade", "Content-Length: 3", field)
        assert cause_of(done, "-", field) == cause

    def test_localhost_mode(self, explain):
        fields = ("Origin: http://127.0.0.1:8080", "Cookie: authbridge__Host-a=b")
        done = explain("GET /", *fields, more="[rewrite]\ncookies = on\norigin = on\n")
        assert cause_of(done, "~", "Origin: https://preprod.example.com") == "as the target's own (origin in [rewrite])"
        assert cause_of(done, "~", "Cookie: __Host-a=b") == "as the target named it (cookies in [rewrite])"

    def test_guard(self, explain):
        fields = ("Accept-Encoding: gzip", "Connection: upgrade", "Upgrade: websocket")
        done = explain("GET /", *fields, more="reflect_guard = mask\n")
        assert cause_of(done, "~", "Accept-Encoding: identity") == "reflect_guard looks into what comes"
        assert cause_of(done, "-", "Upgrade: websocket") == "no tunnel with reflect_guard"
        done = explain("GET /", more="reflect_guard = mask\n")
        assert cause_of(done, "+", "Accept-Encoding: identity") == "reflect_guard looks into what comes"

    def test_fits_a_terminal(self, explain):
        """Where the request itself is not wider."""
        done = explain("GET /" + 50 * "a", "X_Api_Key: " + 60 * "b", "TE: trailers", "Connection: TE")
        assert max(map(len, done.stdout.split("\n"))) <= 80
        assert "\x1b" not in done.stdout


class TestRefused:
    @pytest.mark.parametrize(
        ("line", "fields", "status"),
        [
            row("method", "TRACE /", [], 405),
            row("target", "GET orders", [], 400),
            row("version", "GET / HTTP/2.0", [], 505),
            row("two hosts", "GET /", ["Host: a", "Host: b"], 400),
            row("name", "GET /", ["Bad Name: 1"], 400),
            row("framing", "POST /", ["Content-Length: 3", "Transfer-Encoding: chunked"], 400),
            row("content", "POST /", ["Content-Length: 1025"], 413),
            row("fields", "GET /", 20 * ["A: 1"], 431),
            row("control octet", "GET /", ["A: \x1b[31m"], 400),
            row("expectation", "POST /", ["Expect: other"], 417),
        ],
    )
    def test_status(self, explain, line, fields, status):
        done = explain(line, *fields)
        assert done.returncode == 1
        assert done.stdout.startswith("Refused, nothing goes to the target.")
        assert f"\n  {status} " in done.stdout
        assert "\x1b" not in done.stdout

    def test_answered_here(self, explain):
        done = explain("OPTIONS *", "Max-Forwards: 0")
        assert done.returncode == 0
        assert "Answered by the bridge" in done.stdout


class TestCommandLine:
    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            row("fields alone", ["--target", "http://127.0.0.1:9", "-H", "A: b"], "--explain"),
            row("with a check", ["--target", "http://127.0.0.1:9", "--check", "--explain", "GET /"], "together"),
            row("no target", ["--explain", "GET /"], "give -c FILE or --target URL"),
            row("no request", ["--target", "http://127.0.0.1:9", "--explain"], "needs a value"),
        ],
    )
    def test_wrong(self, arguments, text):
        done = run(*arguments)
        assert done.returncode == 64
        assert text in done.stderr

    def test_faulty_configuration(self, explain):
        assert explain("GET /", more="nonsense = 1\n").returncode == 78
