"""reflect_guard: a secret of the bridge that a target sends back does not reach the client."""

import base64
import gzip
import http.server
import json
import random
import threading
import urllib.parse

import pytest
import requests
from bridge import SECRET
from message import DATE, OK, get, response, row
from processes import FREE_AT_ONCE, in_background, memory
from rawclient import refusal
from statuspage import STATUS, StatusPage
from target import answering

TOKEN = SECRET.encode()
MASK = b"*" * len(TOKEN)
OTHER = b"another-secret-of-one-route"
HEAD = b"HTTP/1.1 200 OK\r\n" + DATE
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BULK_MIB = 50
GROWTH_KIB = 2048


def settings(action):
    return f"reflect_guard = {action}\n[request-headers]\nAuthorization = Bearer ${{env:GUARDED}}\n"


@pytest.fixture
def start_guarded(start_bridge):
    """Starts a bridge that masks, or blocks."""

    def start(target, action="mask", more="", **options):
        env = {"GUARDED": SECRET, **options.pop("env", {})}
        return start_bridge(target, settings(action) + more, env=env, **options)

    return start


@pytest.fixture
def stage(request, connect, start_guarded, target):
    """A client of a bridge that masks, and the target's connection after its request."""
    client = connect(start_guarded(target))
    client.send(get())
    upstream = target.accept()
    upstream.read_head()
    return client, upstream


@pytest.fixture
def answer_of(connect, start_guarded, start_target):
    """What a client gets, through a bridge that masks or blocks, of a response."""

    def ask(octets, action="mask", request=None):
        target = start_target().serve(answering(octets))
        return connect(start_guarded(target, action)).exchange(request or get())

    return ask


def chunk(content, extension=b""):
    return b"%x" % len(content) + extension + b"\r\n" + content + b"\r\n"


def echo_fields(request):
    return b"".join(b"%s: %s\r\n" % field for field in request.head.fields)


class TestMask:
    def test_off(self, connect, start_bridge, start_target):
        """The default: a target that echoes shows the secret."""
        target = start_target().serve(answering(lambda request: response(content=echo_fields(request))))
        bridge = start_bridge(target, settings("off"), env={"GUARDED": SECRET})
        answer = connect(bridge).exchange(get(fields=b"Accept-Encoding: gzip\r\n"))
        assert TOKEN in answer.content
        assert b"Accept-Encoding: gzip\r\n" in answer.content

    def test_echo(self, connect, start_guarded, start_target):
        target = start_target().serve(answering(lambda request: response(content=echo_fields(request))))
        answer = connect(start_guarded(target)).exchange(get())
        assert b"\r\nAuthorization: Bearer " + MASK + b"\r\n" in answer.content
        assert answer.content == echo_fields(target.requests[0]).replace(TOKEN, MASK)

    def test_fields(self, answer_of):
        head = b"HTTP/1.1 200 %s\r\n" + DATE + b"X-Echo: Bearer %s\r\nX-%s: a\r\nContent-Length: 0\r\n\r\n"
        assert answer_of(head % (TOKEN, TOKEN, TOKEN)).raw == head % (MASK, MASK, MASK)

    def test_interim(self, connect, start_guarded, start_target):
        hints = b"HTTP/1.1 103 Hints\r\nLink: <%s>\r\n\r\n"
        client = connect(start_guarded(start_target().serve(answering(hints % TOKEN + OK))))
        client.send(get())
        assert client.read_head() == hints % MASK
        assert client.read_response().raw == OK

    def test_until_close(self, stage):
        """What could have become a secret goes out with the end."""
        client, upstream = stage
        upstream.send(HEAD + b"\r\na" + TOKEN + TOKEN[:9])
        client.read_head()
        assert client.read(len(TOKEN) + 1) == b"a" + MASK
        upstream.close()
        assert client.read_to_end() == TOKEN[:9]
        assert client.ending == "FIN"

    @pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
    def test_chunked(self, answer_of, version):
        """From chunk to chunk, decoded or not, extensions and trailers left as they are."""
        chunks = chunk(b"a" + TOKEN[:5], b";x=y") + chunk(TOKEN[5:6]) + chunk(TOKEN[6:] + b"b" + TOKEN)
        trailers = b"0\r\nX-Echo: " + TOKEN + b"\r\n\r\n"
        answer = answer_of(CHUNKED + chunks + trailers, request=get(version=version))
        masked = chunk(b"a" + MASK[:5], b";x=y") + chunk(b"*") + chunk(MASK[6:] + b"b" + MASK)
        assert answer.content == b"a" + MASK + b"b" + MASK
        if version == b"HTTP/1.1":
            assert answer.raw == CHUNKED + masked + b"0\r\nX-Echo: " + MASK + b"\r\n\r\n"

    def test_chunks_of_one_octet(self, answer_of):
        content = b"a " + TOKEN + b" b " + TOKEN[:-1] + b" c"
        octets = CHUNKED + b"".join(chunk(bytes([octet])) for octet in content) + b"0\r\n\r\n"
        masked = content.replace(TOKEN, MASK)
        expected = CHUNKED + b"".join(chunk(bytes([octet])) for octet in masked) + b"0\r\n\r\n"
        assert answer_of(octets).raw == expected

    def test_every_split(self, connect, start_guarded, target):
        """The secret's two parts come one after the other; what stands before it does not wait."""
        client = connect(start_guarded(target))
        upstream = None
        for at in range(1, len(TOKEN)):
            client.send(get())
            upstream = upstream or target.accept()
            upstream.read_head()
            upstream.send(HEAD + b"Content-Length: %d\r\n\r\n" % (len(TOKEN) + 14) + b"before " + TOKEN[:at])
            client.read_head()
            assert client.read(7) == b"before "
            assert client.unread() == b""
            upstream.send(TOKEN[at:] + b" behind")
            assert client.read(len(TOKEN) + 7) == MASK + b" behind"

    def test_every_split_into_chunks(self, connect, start_guarded, target):
        client = connect(start_guarded(target))
        upstream = None
        for at in range(1, len(TOKEN)):
            client.send(get())
            upstream = upstream or target.accept()
            upstream.read_head()
            upstream.send(CHUNKED + chunk(b"before " + TOKEN[:at]))
            client.read_head()
            client.read_until(b"before ")
            upstream.send(chunk(TOKEN[at:]) + b"0\r\n\r\n")
            expected = MASK[:at] + b"\r\n" + chunk(MASK[at:]) + b"0\r\n\r\n"
            assert client.read(len(expected)) == expected

    def test_what_is_none_is_let_go(self, stage):
        """As soon as it is known, and at the end."""
        client, upstream = stage
        upstream.send(CHUNKED + chunk(b"a" + TOKEN[:9]))
        assert client.read(len(CHUNKED)) == CHUNKED
        assert client.read(4) == b"a\r\na"
        upstream.send(chunk(b"!"))
        expected = TOKEN[:9] + b"\r\n" + chunk(b"!")
        assert client.read(len(expected)) == expected
        upstream.send(chunk(TOKEN[:-1]))
        client.read_until(b"\r\n")
        upstream.send(b"0\r\n\r\n")
        assert client.read(len(TOKEN) + 6) == TOKEN[:-1] + b"\r\n0\r\n\r\n"

    def test_cut_by_the_target(self, stage):
        """It stays cut, and what could have become a secret does not go out."""
        client, upstream = stage
        upstream.send(HEAD + b"Content-Length: 100\r\n\r\na" + TOKEN + TOKEN[:4])
        upstream.close()
        client.read_head()
        assert client.read_to_end() == b"a" + MASK

    def test_head_requests_and_304(self, connect, start_guarded, start_target):
        octets = b"HTTP/1.1 304 Not Modified\r\n" + DATE + b"ETag: \"" + TOKEN + b"\"\r\nContent-Encoding: gzip\r\n\r\n"
        client = connect(start_guarded(start_target().serve(answering(octets))))
        assert client.exchange(get()).raw == octets.replace(TOKEN, MASK)
        assert client.exchange(b"HEAD" + get()[3:]).raw == octets.replace(TOKEN, MASK)

    def test_it_is_told(self, connect, start_guarded, start_target):
        """Once per response, without the secret, which the bridge's end checks."""
        target = start_target().serve(answering(response(content=TOKEN + TOKEN), OK))
        bridge = start_guarded(target, more=STATUS)
        client = connect(bridge)
        client.exchange(get())
        client.exchange(get())
        assert "target " + target.authority.decode() in bridge.complaint("is masked (reflect_guard")
        key = 'authbridge_responses_with_secret_total{action="%s"}'
        page = StatusPage(bridge, connect)
        page.wait_for(key % "masked", 1)
        assert page.metrics()[key % "blocked"] == 0


class TestForms:
    SECRET = 'pa"ss/wo\\rd+1?~' + SECRET

    @pytest.mark.parametrize(
        "coded",
        [
            row("JSON", lambda text: json.dumps({"Authorization": text}).encode()),
            row("JSON of PHP", lambda text: json.dumps({"a": text}).replace("/", "\\/").encode()),
            row("percent", lambda text: urllib.parse.quote(text, safe="").encode()),
            row("form", lambda text: urllib.parse.urlencode({"a": text, "b": "c"}).encode()),
            row("base64", lambda text: base64.b64encode(text.encode())),
            row("base64 of more", lambda text: base64.b64encode(b"user:" + text.encode() + b"@")),
            row("base64 for URLs", lambda text: base64.urlsafe_b64encode(b"Bearer " + text.encode() + b"?")),
        ],
    )
    def test_masked(self, connect, start_guarded, start_target, coded):
        content = coded(self.SECRET)
        target = start_target().serve(answering(response(content=content)))
        answer = connect(start_guarded(target, env={"GUARDED": self.SECRET})).exchange(get())
        assert len(answer.content) == len(content)
        assert answer.content.count(b"*") >= len(self.SECRET)
        kept = [octet for octet, original in zip(answer.content, content, strict=True) if octet == original]
        assert len(kept) + answer.content.count(b"*") == len(content)

    def test_literal_credentials(self, connect, start_bridge, start_target):
        """Nobody writes anything else into Authorization."""
        target = start_target().serve(answering(lambda request: response(content=echo_fields(request))))
        more = "reflect_guard = mask\n[request-headers]\nAuthorization = Basic dXNlcjpwYXNz\nX-Plain = plain-text-here\n"
        answer = connect(start_bridge(target, more)).exchange(get())
        assert b"Authorization: Basic ************\r\nX-Plain: plain-text-here\r\n" in answer.content

    def test_short_secret(self, connect, start_bridge, start_target):
        target = start_target().serve(answering(response(content=b"1234567 12345678")))
        more = "reflect_guard = mask\n[request-headers]\nX-A = ${env:SHORT}\nX-B = ${env:SHORT}${env:EIGHT}\n"
        bridge = start_bridge(target, more, env={"SHORT": "1234567", "EIGHT": "12345678"})
        assert connect(bridge).exchange(get()).content == b"1234567 ********"
        assert "X-A" in bridge.complaint("a secret of fewer than 8 characters")

    def test_rotated(self, connect, start_bridge, start_target, tmp_path):
        """The one that is sent is the one that is looked for."""
        path = tmp_path / "token"
        path.write_text("the-first-token")
        target = start_target().serve(answering(lambda request: response(content=echo_fields(request))))
        more = f"reflect_guard = mask\n[request-headers]\nX-Token = ${{file:{path}}}\n"
        client = connect(start_bridge(target, more))
        assert b"X-Token: " + b"*" * 15 + b"\r\n" in client.exchange(get()).content
        fresh = tmp_path / "fresh"
        fresh.write_text("another-token-of-another-length")
        fresh.replace(path)
        answers = (client.exchange(get()).content for _ in range(100_000))
        changed = next(content for content in answers if b"X-Token: " + b"*" * 15 + b"\r\n" not in content)
        assert b"X-Token: " + b"*" * 31 + b"\r\n" in changed

    def test_token(self, connect, start_bridge, start_target, tmp_path):
        """What the keeper has got is looked for as well, as it is at the moment."""
        path = tmp_path / "token"
        path.write_text(SECRET)
        target = start_target().serve(answering(lambda request: response(content=echo_fields(request))))
        more = "reflect_guard = mask\n[request-headers]\nAuthorization = Bearer ${token:one}\n"
        bridge = start_bridge(target, f"{more}[token:one]\ntype = file\nfile = {path}\n")
        answer = connect(bridge).exchange(get())
        assert target.requests[0].values(b"Authorization") == [b"Bearer " + TOKEN]
        assert answer.content == echo_fields(target.requests[0]).replace(TOKEN, MASK)


class TestBlock:
    @pytest.mark.parametrize(
        "octets",
        [
            row("field", HEAD + b"X-Echo: " + TOKEN + b"\r\nContent-Length: 0\r\n\r\n"),
            row("reason", b"HTTP/1.1 200 " + TOKEN + b"\r\nContent-Length: 0\r\n\r\n"),
            row("content", response(content=b"a" + TOKEN)),
            row("chunks", CHUNKED + chunk(TOKEN[:5]) + chunk(TOKEN[5:]) + b"0\r\n\r\n"),
            row("trailer", CHUNKED + b"0\r\nX: " + TOKEN + b"\r\n\r\n"),
            row("until close", HEAD + b"\r\n" + TOKEN),
        ],
    )
    def test_before_anything_was_sent(self, connect, start_guarded, start_target, octets):
        bridge = start_guarded(start_target().serve(answering(octets, OK)), "block", STATUS)
        client = connect(bridge)
        client.send(get())
        answer = refusal(client, {502})
        assert answer.values(b"Proxy-Status") == [b"authbridge; error=proxy_internal_response"]
        assert b"reflect_guard" in answer.content and TOKEN not in answer.raw
        assert bridge.access()["error"] == "proxy_internal_response"
        StatusPage(bridge, connect).wait_for('authbridge_responses_with_secret_total{action="blocked"}', 1)

    @pytest.mark.parametrize(
        ("head", "first", "more", "ending"),
        [
            row("length", HEAD + b"Content-Length: 100\r\n\r\n", b"abc", b"def" + TOKEN, "FIN"),
            row("chunks", CHUNKED, chunk(b"abc"), chunk(b"def" + TOKEN), "FIN"),
            row("until close", HEAD + b"Connection: close\r\n\r\n", b"abc", b"def" + TOKEN, "RST"),
        ],
    )
    def test_afterwards(self, connect, start_guarded, target, head, first, more, ending):
        """The client sees that the response is not whole, and no octet of the secret."""
        bridge = start_guarded(target, "block")
        client = connect(bridge)
        client.send(get())
        upstream = target.accept()
        upstream.read_head()
        upstream.send(head + first)
        assert client.read(len(head + first)) == head + first
        upstream.send(more + b"more of it")
        rest = client.read_to_end()
        assert client.ending == ending
        assert more.partition(TOKEN)[0].startswith(rest)
        line = bridge.access()
        assert (line["status"], line["error"]) == ("200", "proxy_internal_response")
        bridge.complaint("the client got a part")

    def test_http_1_0(self, connect, start_guarded, target):
        client = connect(start_guarded(target, "block"))
        client.send(get(version=b"HTTP/1.0"))
        upstream = target.accept()
        upstream.read_head()
        upstream.send(CHUNKED + chunk(b"abc"))
        client.read_head()
        assert client.read(3) == b"abc"
        upstream.send(chunk(b"de" + TOKEN[:9]) + chunk(TOKEN[9:]) + b"0\r\n\r\n")
        assert b"de".startswith(client.read_to_end())
        assert client.ending == "RST"


def test_routes(connect, start_bridge, start_target):
    """Each has its own guard, for its own secrets."""
    def echo(request):
        return response(content=b"%s %s" % (echo_fields(request), OTHER))

    target = start_target().serve(answering(echo))
    more = (
        "reflect_guard = mask\n[request-headers]\nX-All = ${env:GUARDED}\n"
        f"[route:open]\npath = /open\ntarget = {target.url}\nreflect_guard = off\n"
        f"[route:own]\npath = /own\ntarget = {target.url}\n"
        "[route:own request-headers]\nX-Own = ${env:OTHER}\n"
        f"[route:strict]\npath = /strict\ntarget = {target.url}\nreflect_guard = block\n"
    )
    client = connect(start_bridge(target, more, env={"GUARDED": SECRET, "OTHER": OTHER.decode()}))
    general, unguarded, own = (client.exchange(get(path)).content for path in (b"/", b"/open", b"/own"))
    assert (TOKEN in general, OTHER in general) == (False, True)
    assert (TOKEN in unguarded, OTHER in unguarded) == (True, True)
    assert (TOKEN in own, OTHER in own) == (False, False)
    client.send(get(b"/strict"))
    refusal(client, {502})


class TestFailsClosed:
    @pytest.mark.parametrize("action", ["mask", "block"])
    def test_compressed(self, connect, start_guarded, start_target, action):
        octets = response(fields=b"Content-Encoding: gzip\r\n", content=gzip.compress(b"a" + TOKEN))
        target = start_target().serve(answering(octets))
        client = connect(start_guarded(target, action))
        client.send(get(fields=b"Accept-Encoding: gzip, br\r\nRange: bytes=0-99\r\naccept-encoding: deflate\r\n"))
        answer = refusal(client, {502})
        assert answer.values(b"Proxy-Status") == [b"authbridge; error=http_response_content_coding"]
        assert target.requests[0].values(b"Accept-Encoding") == [b"identity"]
        assert target.requests[0].values(b"Range") == [b"bytes=0-99"]

    def test_identity(self, answer_of):
        octets = response(fields=b"Content-Encoding: identity\r\nContent-Encoding:\r\n", content=b"ok")
        assert answer_of(octets).raw == octets

    def test_asked_for(self, connect, start_guarded, origin):
        """Also where the client would have taken anything."""
        connect(start_guarded(origin)).exchange(get())
        assert origin.requests[0].values(b"Accept-Encoding") == [b"identity"]

    def test_asked_for_under_another_name(self, connect, start_guarded, origin):
        """Targets exist for which a name with an underscore is the same name."""
        connect(start_guarded(origin)).exchange(get(fields=b"Accept_Encoding: gzip\r\n"))
        assert origin.requests[0].values(b"Accept-Encoding") == [b"identity"]
        assert origin.requests[0].values(b"Accept_Encoding") == []

    @pytest.mark.parametrize("action", ["mask", "block"])
    def test_tunnel(self, connect, start_guarded, start_target, action):
        upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        target = start_target().serve(answering(b"HTTP/1.1 101 Switching Protocols\r\n" + upgrade + b"\r\n"))
        client = connect(start_guarded(target, action))
        client.send(get(fields=upgrade))
        refusal(client, {502})
        assert target.requests[0].values(b"Upgrade") == target.requests[0].values(b"Connection") == []

    @pytest.mark.parametrize("action", ["mask", "block"])
    def test_chunk_extension(self, connect, start_guarded, target, action):
        client = connect(start_guarded(target, action))
        client.send(get())
        upstream = target.accept()
        upstream.read_head()
        upstream.send(CHUNKED + chunk(b"abc"))
        assert client.read(len(CHUNKED) + 8) == CHUNKED + chunk(b"abc")
        upstream.send(b"3;x=" + TOKEN[:7])
        upstream.send(TOKEN[7:] + b"\r\ndef\r\n0\r\n\r\n")
        assert TOKEN[:4] not in client.read_to_end()
        assert client.ending == "FIN"

    @pytest.mark.parametrize("action", ["mask", "block"])
    def test_framing_field(self, connect, start_guarded, start_target, action):
        octets = HEAD + b"Content-Length: 2\r\nConnection: " + TOKEN + b"\r\n\r\nok"
        client = connect(start_guarded(start_target().serve(answering(octets)), action))
        client.send(get())
        refusal(client, {502})

    def test_more_framing_than_is_held(self, connect, start_guarded, target):
        """Masked before it is known, or cut; never sent."""
        client = connect(start_guarded(target, env={"GUARDED": SECRET}))
        client.send(get())
        upstream = target.accept()
        upstream.read_head()
        extension = b";x=" + b"y" * 16_000
        octets = CHUNKED + b"".join(chunk(bytes([octet]), extension) for octet in TOKEN) + b"0\r\n\r\n"
        sender = in_background(upstream.send, octets)
        answer = client.read_response()
        sender.join()
        assert answer.content == MASK
        assert len(answer.raw) == len(octets)


class Echo(http.server.BaseHTTPRequestHandler):
    """As echo services answer: what they were sent, as JSON."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        fields = dict(self.headers.items())
        content = json.dumps({"headers": fields, "basic": base64.b64encode(str(fields).encode()).decode()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def test_echo_service(start_guarded):
    """A real service and a real client: the answer is still JSON, and the rest of it is true."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        bridge = start_guarded(f"http://127.0.0.1:{server.server_port}")
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"{bridge.url}/headers", headers={"X-Mine": "kept"}, timeout=10)
        echoed = answer.json()
        assert echoed["headers"]["Authorization"] == "Bearer " + MASK.decode()
        assert echoed["headers"]["X-Mine"] == "kept"
        assert TOKEN not in base64.b64decode(echoed["basic"].replace("*", "A"))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def bulk_block():
    """1 MiB with secrets here and there, one of them from the end of each block to the front of the next."""
    generator = random.Random(3)
    block = bytearray(generator.randbytes(1 << 20))
    for _ in range(100):
        at = generator.randrange(100, len(block) - 100)
        block[at : at + len(TOKEN)] = TOKEN
    block[-5:] = TOKEN[:5]
    block[: len(TOKEN) - 5] = TOKEN[5:]
    return bytes(block)


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_bulk(connect, start_guarded, target, chunked):
    """50 MiB: every secret is masked, all else is the same, and the child does not grow."""
    block = bulk_block()
    size = len(block)
    masked = (3 * block).replace(TOKEN, MASK)
    blocks = [masked[:size], *[masked[size : 2 * size]] * (BULK_MIB - 2), masked[2 * size :]]
    bridge = start_guarded(target, env=FREE_AT_ONCE)
    client = connect(bridge)
    client.send(get())
    upstream = target.accept()
    upstream.read_head()
    upstream.send(response(content=b"a" * 200_000))
    client.read_response()
    (child,) = bridge.children()
    before = memory(child, "VmRSS")

    def send():
        upstream.send(CHUNKED if chunked else HEAD + b"Content-Length: %d\r\n\r\n" % (BULK_MIB * size))
        for _ in range(BULK_MIB):
            upstream.send(chunk(block) if chunked else block)
        upstream.send(b"0\r\n\r\n" if chunked else b"")

    client.send(get())
    upstream.read_head()
    sender = in_background(send)
    with client.sock.makefile("rb", buffering=1 << 20) as stream:
        while stream.readline() != b"\r\n":
            pass
        for expected in blocks:
            framed = chunk(expected) if chunked else expected
            assert stream.read(len(framed)) == framed
    sender.join()
    grown = memory(child, "VmHWM") - before
    assert grown < GROWTH_KIB, f"the child grew by {grown} KiB"
