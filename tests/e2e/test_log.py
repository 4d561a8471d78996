"""The log: the access line and its fields, messages and their levels, the journal's prefixes, and no secret in any."""

import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from bridge import SECRET
from message import OK, get, post, post_chunked, response
from target import answering
from wire import wait_until


def access_of(connect, bridge, request):
    """The access line of one exchange."""
    client = connect(bridge)
    client.exchange(request)
    return bridge.access(), client


class TestAccessLine:
    def test_fields(self, connect, start_bridge, start_target):
        target = start_target().serve(answering(response(b"404 Not Found", content=b"nothing here")))
        line, client = access_of(connect, start_bridge(target), post(b"hello", path=b"/p?q=1"))
        assert line["client"] == "{}:{}".format(*client.sock.getsockname())
        assert line["request"] == "POST /p?q=1 HTTP/1.1"
        assert (line["status"], line["received"], line["sent"]) == ("404", "5", "12")
        assert float(line["total"]) >= float(line["upstream"].removesuffix("ms")) >= 0
        assert line["error"] is None

    def test_time_is_utc(self, connect, start_bridge, origin):
        line, _ = access_of(connect, start_bridge(origin), get())
        time = datetime.strptime(line["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
        assert abs(datetime.now(timezone.utc) - time) < timedelta(seconds=60)

    @pytest.mark.parametrize(
        "request_octets, answer, counts",
        [
            (get(), OK, ("0", "2")),
            (get().replace(b"GET", b"HEAD"), OK[:-2], ("0", "0")),
            (post_chunked(b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-A: a\r\n\r\n"), OK, ("5", "2")),
            (
                get(),
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-A: a\r\n\r\n",
                ("0", "3"),
            ),
            (get(), b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", ("0", "0")),
        ],
        ids=["GET", "HEAD", "chunked request", "chunked response", "304"],
    )
    def test_counts_content(self, connect, start_bridge, start_target, request_octets, answer, counts):
        bridge = start_bridge(start_target().serve(answering(answer)))
        line, _ = access_of(connect, bridge, request_octets)
        assert (line["received"], line["sent"]) == counts

    def test_one_for_each_exchange(self, connect, start_bridge, origin):
        bridge = start_bridge(origin)
        client = connect(bridge)
        for number in range(3):
            client.exchange(get(b"/%d" % number))
        bridge.access(3)
        assert [line.split('"')[1] for line in bridge.stdout.all] == [f"GET /{number} HTTP/1.1" for number in range(3)]
        assert len({line.partition(" id=")[2] for line in bridge.stdout.all}) == 3

    def test_original_request_line(self, connect, start_bridge, origin):
        line, _ = access_of(
            connect, start_bridge(origin), b"GET http://x.example/a HTTP/1.0\r\nHost: x.example\r\n\r\n"
        )
        assert line["request"] == "GET http://x.example/a HTTP/1.0"

    def test_ipv6_client(self, connect, start_bridge, origin):
        line, client = access_of(connect, start_bridge(origin, listen="[::1]:0"), get())
        assert line["client"] == f"[::1]:{client.sock.getsockname()[1]}"

    def test_unix_client(self, connect, start_bridge, origin, tmp_path):
        line, _ = access_of(connect, start_bridge(origin, listen=f"unix:{tmp_path}/socket"), get())
        assert line["client"].startswith("unix")

    def test_refusal(self, connect, start_bridge, target):
        line, _ = access_of(connect, start_bridge(target), get(fields=b"X-A : a\r\n"))
        assert (line["status"], line["upstream"]) == ("400", "-")
        assert line["error"]

    def test_off(self, connect, start_bridge, origin):
        bridge = start_bridge(origin, "[log]\naccess = off\n")
        client = connect(bridge)
        assert client.exchange(get()).raw == OK
        client.close()
        bridge.stop()
        assert bridge.stdout.all == []


class TestOddOctets:
    """A line is one line of printable ASCII, and a quotation mark in the request cannot end the quoted part."""

    @pytest.mark.parametrize(
        "request_octets",
        [
            get(b'/a"b'),
            get(b"/a\\b\\"),
            get(b"/a\x1b[31mb"),
            get(b"/a\0b"),
            get(b"/\xff\xfe"),
            get(b"/\xe2\x80\xae"),
            get(b"/a\x7fb"),
            b"GET /a\rb HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n",
        ],
        ids=repr,
    )
    def test_are_escaped(self, connect, start_bridge, origin, request_octets):
        bridge = start_bridge(origin)
        client = connect(bridge)
        client.send(request_octets)
        client.read_response()
        bridge.access()
        assert len(bridge.stdout.all) == 1
        assert all(re.fullmatch(r"[\x20-\x7e]*", line) for line in bridge.stdout.all + bridge.stderr.all)

    def test_quotation_mark(self, connect, start_bridge, origin):
        line, _ = access_of(connect, start_bridge(origin), get(b'/a"b'))
        assert line["request"].startswith("GET /a") and line["request"].endswith("b HTTP/1.1")

    def test_long_target_stays_one_line(self, connect, start_bridge, origin):
        line, _ = access_of(connect, start_bridge(origin), get(b"/" + b"a" * 16_000))
        assert line["request"].startswith("GET /aaaa")


FORMATS = ["text", "json", "combined"]
COMBINED = re.compile(
    r'(?P<client>\S+) - - \[(?P<time>[^]]*)\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}|-) (?P<sent>\d+|-)'
    r' "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)"'
)


def line_in(connect, start_bridge, origin, settings, request):
    """The line of one exchange with these [log] settings; a browser may ask under the name that all tests use."""
    bridge = start_bridge(origin, f"[log]\n{settings}\n[access]\nhosts = *\n")
    client = connect(bridge)
    client.send(request)
    client.read_head()
    line = bridge.stdout.wait(lambda _: True, 1, "access line")[0]
    return line, client


class TestFormats:
    FIELDS = b'Referer: http://staging.example/?token=t\r\nUser-Agent: agent (x) "y"\r\n'

    def test_json(self, connect, start_bridge, start_target):
        target = start_target().serve(answering(response(b"404 Not Found", content=b"nothing here")))
        line, client = line_in(connect, start_bridge, target, "format = json", post(b"hello", self.FIELDS, b"/p?q=1"))
        shown = json.loads(line)
        host, port = client.sock.getsockname()
        time = datetime.strptime(shown.pop("@timestamp"), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
        assert abs(datetime.now(timezone.utc) - time) < timedelta(seconds=60)
        assert re.fullmatch("[0-9a-f]{32}", shown.pop("http.request.id"))
        assert shown.pop("event.duration") >= shown.pop("authbridge.upstream.duration") > 0
        assert shown == {
            "client.address": host,
            "client.ip": host,
            "client.port": port,
            "http.request.method": "POST",
            "url.original": "/p?q=1",
            "http.version": "1.1",
            "http.request.referrer": "http://staging.example/?token=t",
            "user_agent.original": 'agent (x) "y"',
            "http.request.body.bytes": 5,
            "http.response.status_code": 404,
            "http.response.body.bytes": 12,
        }

    def test_combined(self, connect, start_bridge, start_target):
        target = start_target().serve(answering(response(content=b"something")))
        line, client = line_in(connect, start_bridge, target, "format = combined", get(b"/p?q=1", self.FIELDS))
        shown = COMBINED.fullmatch(line).groupdict()
        time = datetime.strptime(shown.pop("time"), "%d/%b/%Y:%H:%M:%S %z")
        assert abs(datetime.now(timezone.utc) - time) < timedelta(seconds=60)
        assert shown == {
            "client": "127.0.0.1",
            "request": "GET /p?q=1 HTTP/1.1",
            "status": "200",
            "sent": "9",
            "referer": "http://staging.example/?token=t",
            "agent": r"agent (x) \"y\"",
        }

    @pytest.mark.parametrize("form", FORMATS)
    def test_without_queries(self, connect, start_bridge, origin, form):
        settings = f"format = {form}\nlog_query = off"
        line, _ = line_in(connect, start_bridge, origin, settings, get(b"/path?q=1?2", self.FIELDS))
        assert "/path" in line and "q=1" not in line and "token" not in line
        assert form == "text" or "http://staging.example/" in line
        assert origin.requests[0].head.start_line == b"GET /path?q=1?2 HTTP/1.1"

    @pytest.mark.parametrize(
        "request_octets",
        [
            get(b'/"\\\xff\x7f\xe2\x80\xae\xed\xa0\x80', b'Referer: "\\\xff\r\nUser-Agent: \t"\xc0\r\n'),
            get(b"/" + b'"' * 8000, b"Referer: " + b"\xff" * 8000 + b"\r\nUser-Agent: " + b"\\" * 8000 + b"\r\n"),
            get(b"/" + b"a" * 16_000, b"Referer: " + b"b" * 8000 + b"\r\nUser-Agent: " + b"c" * 8000 + b"\r\n"),
            get(b"/a\0b"),
            get(b"/", b"X : a\r\nUser-Agent: a\r\n"),
            get(b"/", b"Content-Length: x\r\nUser-Agent: a\r\n"),
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n",
            b"BREW /a HTTP/1.0\r\n\r\n",
        ],
        ids=["odd octets", "escapes", "long", "NUL", "bad field", "bad framing", "TLS", "1.0"],
    )
    @pytest.mark.parametrize("form", FORMATS[1:])
    def test_can_be_read_whatever_comes(self, connect, start_bridge, origin, form, request_octets):
        line, _ = line_in(connect, start_bridge, origin, f"format = {form}", request_octets)
        assert len(line.encode()) < 4096
        if form == "json":
            shown = json.loads(line, parse_constant=pytest.fail)
            assert {"@timestamp", "client.ip", "event.duration", "http.request.id"} <= shown.keys()
        else:
            assert COMBINED.fullmatch(line)
            assert re.fullmatch(r"[\x20-\x7e]*", line)

    @pytest.mark.parametrize("form", FORMATS)
    def test_full_disk_stops_nothing(self, connect, start_bridge, origin, form):
        bridge = start_bridge(origin, f"[log]\nformat = {form}\n", through=["sh", "-c", 'exec "$@" >/dev/full', "sh"])
        client = connect(bridge)
        for _ in range(3):
            assert client.exchange(get()).raw == OK
        assert bridge.stdout.all == []


class TestSecrets:
    @pytest.mark.parametrize("form", FORMATS)
    def test_are_in_no_output(self, connect, start_bridge, start_target, form):
        """The most talkative level, with exchanges that succeed, fail and are refused."""
        secret = SECRET.encode()
        settings = f"[request-headers]\nAuthorization = Bearer {SECRET}\n[log]\nlevel = debug\nformat = {form}\n"
        own = b"Authorization: own-" + secret + b"\r\nCookie: own-" + secret + b"\r\n"
        broken = b"HTTP/1.1 200 OK\r\nSet-Cookie: " + secret + b"\r\nX-A : a\r\nX\0: \r\n\r\n"
        target = start_target().serve(answering(response(fields=b"Set-Cookie: " + secret + b"\r\n"), broken))
        bridge = start_bridge(target, settings)
        for request in (get(fields=own) + get(fields=own), get(fields=own + b"X-A : a\r\n"), post(secret, own)):
            client = connect(bridge)
            client.send(request)
            client.read_head()
            client.close()
        bridge.stdout.wait(lambda _: True, 3, "access line")
        bridge.stop()
        assert SECRET not in bridge.output()


class TestMessages:
    @pytest.mark.parametrize("level", ["info", "debug"])
    def test_failing_target_is_named(self, connect, start_bridge, tmp_path, level):
        bridge = start_bridge(f"unix:{tmp_path}/nobody", f"[log]\nlevel = {level}\n")
        connect(bridge).exchange(get())
        bridge.complaint(f"{tmp_path}/nobody")

    @pytest.mark.parametrize("level", ["error", "warning"])
    def test_quiet_levels(self, connect, start_bridge, origin, tmp_path, level):
        """Nothing but complaints: not even that it is ready."""
        settings = f"[log]\nlevel = {level}\n"
        bridge = start_bridge(origin, settings, listen=f"unix:{tmp_path}/socket", wait=False)
        bridge.wait_listening(tmp_path / "socket")
        client = connect(f"unix:{tmp_path}/socket")
        assert client.exchange(get()).raw == OK
        client.close()
        bridge.stop()
        assert bridge.stderr.all == []

    def test_journal_prefixes(self, connect, start_bridge, tmp_path):
        bridge = start_bridge(f"unix:{tmp_path}/nobody", journal=True)
        connect(bridge).exchange(get())
        wait_until(lambda: any(re.match(r"<[34]>", line) for line in bridge.stderr.all), "an error or a warning")
        assert all(re.match(r"<[3-7]>\w", line) for line in bridge.stderr.all)
        assert bridge.message("ready")[:3] in ("<5>", "<6>")

    def test_no_prefixes_for_another_stderr(self, start_bridge, origin):
        bridge = start_bridge(origin, env={"JOURNAL_STREAM": "1:1"})
        assert not any(line.startswith("<") for line in bridge.stderr.all)
