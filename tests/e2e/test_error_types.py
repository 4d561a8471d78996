"""Error types (RFC 9209): one cause for each pair of status and type that the bridge gives, and the manual's table.

A cause here is a function that brings it about; ANSWERS names them all, and the manual is held against that.
"""

import errno
import re
import ssl
import subprocess

import pytest
from bridge import REPOSITORY
from message import OK, get, head_of_post, post, post_chunked
from rawclient import ask, refusal
from target import answering
from wire import wait_until

# RFC 9209 2.3: the types, each with the status that is recommended where there is one.
REGISTERED = {
    "dns_timeout": 504,
    "dns_error": 502,
    "destination_not_found": 500,
    "destination_unavailable": 503,
    "destination_ip_prohibited": 502,
    "destination_ip_unroutable": 502,
    "connection_refused": 502,
    "connection_terminated": 502,
    "connection_timeout": 504,
    "connection_read_timeout": 504,
    "connection_write_timeout": 504,
    "connection_limit_reached": 503,
    "tls_protocol_error": 502,
    "tls_certificate_error": 502,
    "tls_alert_received": 502,
    "http_request_error": None,  # any 4xx
    "http_request_denied": 403,
    "http_response_incomplete": 502,
    "http_response_header_section_size": 502,
    "http_response_header_size": 502,
    "http_response_body_size": 502,
    "http_response_trailer_section_size": 502,
    "http_response_trailer_size": 502,
    "http_response_transfer_coding": 502,
    "http_response_content_coding": 502,
    "http_response_timeout": 504,
    "http_upgrade_failed": 502,
    "http_protocol_error": 502,
    "proxy_internal_response": None,
    "proxy_internal_error": 500,
    "proxy_configuration_error": 500,
    "proxy_loop_detected": 502,
}
ANY_HOST = "[access]\nhosts = *\n"
SHORTAGE = (503, "proxy_internal_error")  # passes, so that 503 says more than the recommended 500
UNKNOWN_USERS = (503, "proxy_configuration_error")  # nobody can be let in for now
NOT_SIGNED_IN = (401, "http_request_denied")  # says more than the recommended 403
UNUSABLE_SECRET = (502, "proxy_configuration_error")  # no fault of the program, as clients read a 500
CROWDED = (429, "connection_limit_reached")  # it is the client's limit, not that towards the target
MISDIRECTED = (421, "http_request_denied")  # says more than the recommended 403
GUARDED = (405, "http_request_denied")  # the same, and Allow says what would pass
ROUTELESS = (404, "destination_not_found")  # for a client, nothing is there; the bridge has no fault
OTHER_STATUSES = {SHORTAGE, UNUSABLE_SECRET, CROWDED, MISDIRECTED, GUARDED, ROUTELESS, UNKNOWN_USERS, NOT_SIGNED_IN}
NEEDS_A_FAULT_WITHIN = {
    (500, "proxy_internal_error"),  # should not happen
    SHORTAGE,
}
ONLY_IN_ACCESS_LINES = {(502, "http_response_transfer_coding")}


class Stage:
    """What a cause has to work with; a cause gives the client that gets the answer."""

    def __init__(self, connect, start_bridge, start_target, certificates, tmp_path):
        self.connect = connect
        self.start_bridge = start_bridge
        self.start_target = start_target
        self.certificates = certificates
        self.folder = tmp_path

    def client(self, target, more="", **settings):
        return self.connect(self.start_bridge(target, more, **settings))

    def sends(self, request, more=""):
        """A client sends this, and the target does not matter."""
        client = self.client(self.start_target(), more)
        client.send_until_refused(request)
        return client

    def routed(self, request):
        """The same, with a route by path and no target for what that is not for."""
        client = self.connect(self.start_bridge(text=f"[proxy]\nlisten = 127.0.0.1:0\n{ROUTE}"))
        client.send_until_refused(request)
        return client

    def meets(self, script, request=None, more="", tls=None):
        """A client sends a request, a GET by default, to a target that runs this script."""
        target = self.start_target(tls=tls).serve(script)
        client = self.client(target, more)
        client.send_until_refused(request or get())
        return client

    def answered(self, octets, more=""):
        """The target answers with these octets, and then ends the connection."""
        return self.meets(lambda upstream: (upstream.read_request(), upstream.send(octets)), more=more)

    def asks(self, url, more="", **settings):
        """A client sends a GET for a target with this URL."""
        client = self.client(url, more, **settings)
        client.send(get())
        return client

    def preloaded(self, url, more="", **faults):
        """The same, while system calls of the bridge fail as faulty.c says."""
        library = self.folder / "faulty.so"
        source = REPOSITORY / "tests/e2e/faulty.c"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, timeout=60)
        env = {"LD_PRELOAD": str(library), **{name: str(number) for name, number in faults.items()}}
        return self.asks(url, more, env={**env, "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0"})

    def connect_fails(self, number):
        return self.preloaded("http://127.0.0.1:9", CONNECT_ERRNO=number)


@pytest.fixture
def stage(connect, start_bridge, start_target, certificates, tmp_path):
    return Stage(connect, start_bridge, start_target, certificates, tmp_path)


def handshake_refused(stage):
    """With TLS 1.2 a missing client certificate ends the handshake itself."""
    context = stage.certificates.good.server(stage.certificates.authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return stage.meets(
        lambda upstream: upstream.read_request(),
        more=f"[tls]\nca_file = {stage.certificates.authority.pem}\n",
        tls=context,
    )


def speaks_no_tls(stage):
    target = stage.start_target().serve(lambda upstream: upstream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    return stage.asks(f"https://{target.authority.decode()}")


def socks_refuses_credentials(stage):
    proxy = stage.start_target().serve(lambda wire: (wire.read(3), wire.send(b"\5\xff"), wire.read_to_end()))
    return stage.asks("http://target.invalid", f"egress = socks5h://{proxy.authority.decode()}\n")


def socks_answers(reply):
    def cause(stage):
        def script(wire):
            wire.read(3)
            wire.send(b"\5\0")
            wire.read(4 + 1 + len("target.invalid") + 2)
            wire.send(bytes((5, reply, 0, 1)) + bytes(6))
            wire.read_to_end()

        proxy = stage.start_target().serve(script)
        return stage.asks("http://target.invalid", f"egress = socks5h://{proxy.authority.decode()}\n")

    return cause


def refuses_connect(stage):
    proxy = stage.start_target().serve(
        lambda wire: (wire.read_head(), wire.send(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"))
    )
    return stage.asks("http://target.invalid", f"egress = http://{proxy.authority.decode()}\n")


def takes_nothing(stage):
    """The target reads the head and no more of a large content."""
    target = stage.start_target()
    client = stage.client(target, "[timeouts]\nresponse = 400ms\n")
    upstream = ask(client, target, head_of_post(1 << 40))
    client.sock.settimeout(3)
    client.send_until_refused(bytes(1 << 25))
    assert upstream
    return client


def does_not_resolve_in_time(stage):
    return stage.preloaded("http://target.invalid", "[timeouts]\nconnect = 300ms\n", RESOLVE_SECONDS=5)


def is_one_too_many(stage):
    """The client has as many connections as one may have."""
    bridge = stage.start_bridge(stage.start_target().serve(answering(OK)), "[limits]\nconnections_per_client = 1\n")
    assert stage.connect(bridge).exchange(get()).raw == OK
    return stage.connect(bridge)


def users_file(stage):
    path = stage.folder / "users"
    path.write_text("alice:$5$salt$" + 43 * "." + "\n")
    return path


def is_not_signed_in(stage):
    return stage.sends(get(), f"[access]\nusers = {users_file(stage)}\n")


def loses_its_users(stage):
    """The file of users is gone: noticed within a second."""
    path = users_file(stage)
    client = stage.client(stage.start_target(), f"[access]\nusers = {path}\n")
    path.unlink()
    wait_until(lambda: client.exchange(get()).status != 401, "it is noticed")
    client.send(get())
    return client


def loses_its_secret(stage):
    """The file of a secret is gone: noticed within a second, and until then the old one is used."""
    secret = stage.folder / "secret"
    secret.write_text("secret")
    target = stage.start_target().serve(answering(OK))
    client = stage.client(target, f"[request-headers]\nAuthorization = ${{file:{secret}}}\n")
    secret.unlink()
    wait_until(lambda: client.exchange(get()).status != 200, "the old secret is not used any more")
    client.send(get())
    return client


def silent(upstream):
    upstream.read_to_end()


def broken_off(upstream):
    upstream.read_request()


FIELDS = b"".join(b"X-%d: x\r\n" % number for number in range(200))
CHUNK_OF_2K = b"800\r\n" + b"a" * 0x800
LONG_HEAD = b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000
UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

ROUTE = "[route:a]\npath = /a\ntarget = http://127.0.0.1:9\n"
COMPRESSED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"
ECHOED = b"HTTP/1.1 200 OK\r\nX-Echo: some-token\r\nContent-Length: 2\r\n\r\nok"
REFLECTED = "reflect_guard = block\n[request-headers]\nAuthorization = Bearer some-token\n"

ANSWERS = [
    (400, "http_request_error", lambda stage: stage.sends(b"GET / HTTP/1.1\r\n\r\n")),
    (400, "http_request_error", lambda stage: stage.sends(post_chunked(b"x\r\n"))),
    (401, "http_request_denied", is_not_signed_in),
    (403, "http_request_denied", lambda stage: stage.sends(get(), "[access]\nallow = 10.0.0.0/8\n")),
    (403, "http_request_denied", lambda stage: stage.sends(get(fields=b"Sec-Fetch-Site: cross-site\r\n"), ANY_HOST)),
    (400, "http_request_error", lambda stage: stage.sends(get(b"/a/.."), ROUTE)),
    (400, "http_request_error", lambda stage: stage.sends(get(b"//a"), ROUTE)),
    (404, "destination_not_found", lambda stage: stage.routed(get(b"/b"))),
    (405, "http_request_denied", lambda stage: stage.sends(post(b""), "methods = GET\n")),
    (405, "http_request_denied", lambda stage: stage.sends(get(b"/?_method=PUT"), "methods = GET\n")),
    (405, "http_request_error", lambda stage: stage.sends(get().replace(b"GET", b"TRACE"))),
    (408, "http_request_error", lambda stage: stage.sends(b"GET /", "[timeouts]\nrequest_head = 200ms\n")),
    (408, "http_request_error", lambda stage: stage.sends(head_of_post(5), "[timeouts]\nclient_idle = 200ms\n")),
    (413, "http_request_error", lambda stage: stage.sends(head_of_post(2000), "[limits]\nrequest_body = 1K\n")),
    (413, "http_request_error", lambda stage: stage.sends(post_chunked(CHUNK_OF_2K), "[limits]\nrequest_body = 1K\n")),
    (414, "http_request_error", lambda stage: stage.sends(get(b"/" + b"a" * 20_000))),
    (417, "http_request_error", lambda stage: stage.sends(post(b"", b"Expect: more\r\n"))),
    (421, "http_request_denied", lambda stage: stage.sends(get(fields=b"Accept-Language: en\r\n"))),
    (429, "connection_limit_reached", is_one_too_many),
    (431, "http_request_error", lambda stage: stage.sends(get(fields=FIELDS))),
    (501, "proxy_internal_response", lambda stage: stage.sends(get().replace(b"GET", b"A" * 40))),
    (501, "proxy_internal_response", lambda stage: stage.sends(post_chunked().replace(b"chunked", b"gzip, chunked"))),
    (505, "proxy_internal_response", lambda stage: stage.sends(get(version=b"HTTP/2.0"))),
    (502, "dns_error", lambda stage: stage.asks("http://target.invalid")),
    (502, "dns_error", lambda stage: stage.asks("http://127.0.0.1:9", "egress = http://proxy.invalid:3128\n")),
    (504, "dns_timeout", does_not_resolve_in_time),
    (502, "connection_refused", lambda stage: stage.asks(f"unix:{stage.folder}/nobody")),
    (502, "connection_refused", lambda stage: stage.connect_fails(errno.ECONNREFUSED)),
    (502, "connection_refused", socks_answers(5)),
    (502, "destination_ip_unroutable", lambda stage: stage.connect_fails(errno.ENETUNREACH)),
    (502, "destination_ip_unroutable", lambda stage: stage.connect_fails(errno.EHOSTUNREACH)),
    (502, "destination_ip_unroutable", socks_answers(3)),
    (502, "destination_ip_unroutable", socks_answers(4)),
    (502, "destination_ip_prohibited", lambda stage: stage.connect_fails(errno.EPERM)),
    (502, "destination_ip_prohibited", lambda stage: stage.connect_fails(errno.EACCES)),
    (502, "destination_ip_prohibited", socks_answers(2)),
    (504, "connection_timeout", lambda stage: stage.connect_fails(errno.ETIMEDOUT)),
    (504, "connection_timeout", socks_answers(6)),
    (503, "destination_unavailable", lambda stage: stage.connect_fails(errno.EADDRNOTAVAIL)),
    (503, "destination_unavailable", socks_answers(1)),
    (502, "connection_terminated", lambda stage: stage.connect_fails(errno.ECONNRESET)),
    (502, "connection_terminated", refuses_connect),
    (502, "connection_terminated", lambda stage: stage.meets(broken_off)),
    (500, "proxy_configuration_error", socks_refuses_credentials),
    (502, "proxy_configuration_error", loses_its_secret),
    (503, "proxy_configuration_error", loses_its_users),
    (502, "tls_certificate_error", lambda stage: stage.meets(broken_off, tls=stage.certificates.good.server())),
    (502, "tls_alert_received", handshake_refused),
    (502, "tls_protocol_error", speaks_no_tls),
    (504, "http_response_timeout", lambda stage: stage.meets(silent, more="[timeouts]\nresponse = 200ms\n")),
    (504, "connection_write_timeout", takes_nothing),
    (502, "http_response_incomplete", lambda stage: stage.answered(b"HTTP/1.1 200 OK\r\nContent-")),
    (502, "http_protocol_error", lambda stage: stage.answered(b"220 ready\r\n\r\n")),
    (502, "http_protocol_error", lambda stage: stage.answered(b"HTTP/1.1 103 Hints\r\n\r\n" * 20)),
    (502, "http_response_header_section_size", lambda stage: stage.answered(LONG_HEAD)),
    (502, "http_upgrade_failed", lambda stage: stage.answered(UPGRADE)),
    (502, "http_response_content_coding", lambda stage: stage.answered(COMPRESSED, more="reflect_guard = mask\n")),
    (502, "proxy_internal_response", lambda stage: stage.answered(ECHOED, more=REFLECTED)),
]


@pytest.mark.parametrize(("status", "error", "cause"), [pytest.param(*row, id=f"{row[0]} {row[1]}") for row in ANSWERS])
def test_answer(stage, status, error, cause):
    client = cause(stage)
    answer = refusal(client, {status})
    assert answer.values(b"Proxy-Status") == [b"authbridge; error=" + error.encode()]
    assert (answer.values(b"Retry-After") == [b"1"]) == (status in (429, 503))


class TestAccessLineOnly:
    """The target's head is with the client already: only the operator can be told."""

    @pytest.mark.parametrize(
        ("octets", "error"),
        [
            (b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nx\r\n", "http_response_transfer_coding"),
            (b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n5\r\n", "http_response_incomplete"),
            (b"Content-Length: 3\r\n\r\nok", "http_response_incomplete"),
        ],
        ids=["broken chunk", "chunks that end", "length"],
    )
    def test_cut(self, connect, start_bridge, start_target, octets, error):
        head = b"HTTP/1.1 200 OK\r\n"
        target = start_target().serve(lambda upstream: (upstream.read_request(), upstream.send(head + octets)))
        bridge = start_bridge(target)
        client = connect(bridge)
        client.send(get())
        client.read_until(b"ok")
        client.read_to_end()
        line = bridge.access()
        assert (line["status"], line["error"]) == ("200", error)
        assert "the client got a part" in bridge.complaint(target.authority.decode())


# ---- the manual, the sources and the RFC agree ----


def of_the_manual():
    """The pairs of status and type that authbridge(8) lists."""
    text = (REPOSITORY / "docs/authbridge.8").read_text()
    section = text.partition(".Sh ANSWERS OF THE BRIDGE\n")[2].partition("\n.Sh ")[0]
    return {(int(status), error) for status, error in re.findall(r"^\.It (\d{3}) (\w+)$", section, re.MULTILINE)}


def of_the_sources():
    """The types that stand in the C code, but for the list of those that are counted."""
    literals = set()
    for path in (REPOSITORY / "src").glob("*.c"):
        if path.name != "scoreboard.c":
            literals |= set(re.findall(r'"([a-z_]+)"', path.read_text()))
    return literals & set(REGISTERED)


def test_manual_lists_every_type():
    assert {error for _, error in of_the_manual()} == of_the_sources()


def test_every_answer_of_the_manual_has_a_cause_here():
    provoked = {(status, error) for status, error, _ in ANSWERS}
    assert of_the_manual() == provoked | NEEDS_A_FAULT_WITHIN | ONLY_IN_ACCESS_LINES


def test_statuses_are_those_of_the_rfc():
    """A SHOULD of RFC 9209 2.1.1."""
    for status, error in of_the_manual() - OTHER_STATUSES:
        if error == "http_request_error":
            assert 400 <= status < 500
        else:
            assert status == (REGISTERED[error] or status)


def test_every_type_is_counted():
    text = (REPOSITORY / "src/scoreboard.c").read_text()
    names = text.partition("scoreboard_cause_names[SCOREBOARD_CAUSES] = {")[2].partition("}")[0]
    of_connections = {"connection_limit_reached"}  # without an exchange: authbridge_connections_refused_total
    assert set(re.findall(r'"(\w+)"', names)) == of_the_sources() - of_connections | {"client_gone", "other"}
