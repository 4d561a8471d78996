"""What goes wrong outside the bridge: the status, the error in Proxy-Status, the message that names the target."""

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from bridge import SECRET, run
from message import OK, get
from processes import cpu_seconds
from rawclient import ask, refusal
from target import answering
from wire import Wire

INJECT = f"[request-headers]\nAuthorization = Bearer {SECRET}\n"
TLS_ERRORS = {b"tls_certificate_error", b"tls_protocol_error"}
ENDED_ERRORS = {b"connection_terminated", b"http_response_incomplete"}


def error_of(client, status, errors):
    """Reads a refusal and checks the error's name in Proxy-Status."""
    field = refusal(client, {status}).values(b"Proxy-Status")[0]
    name = field.partition(b"error=")[2].partition(b";")[0]
    assert name in errors, field
    return name.decode()


def fails(connect, bridge, status, errors, named):
    """A GET fails with this status and error, a complaint on stderr holds `named`, the access line the error."""
    client = connect(bridge)
    client.send(get(fields=b"Cookie: " + SECRET.encode() + b"\r\n"))
    error = error_of(client, status, errors)
    bridge.complaint(named)
    line = bridge.access()
    assert (line["status"], line["error"]) == (str(status), error)
    assert SECRET.encode() not in client.received


class TestConnecting:
    def test_refused(self, connect, start_bridge):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can take it
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            bridge = start_bridge(f"http://{address}", INJECT)
            fails(connect, bridge, 502, {b"connection_refused"}, address)

    def test_missing_socket(self, connect, start_bridge, tmp_path):
        bridge = start_bridge(f"unix:{tmp_path}/nobody", INJECT)
        fails(
            connect,
            bridge,
            502,
            {b"connection_refused", b"destination_unavailable", b"destination_not_found"},
            f"{tmp_path}/nobody",
        )

    def test_name_does_not_resolve(self, connect, start_bridge):
        bridge = start_bridge("http://target.invalid:8080", INJECT)
        fails(connect, bridge, 502, {b"dns_error"}, "target.invalid")

    def test_slow(self, connect, start_bridge, start_target):
        """A listener with a full backlog drops what would open a further connection."""
        target = start_target(backlog=0)
        filling = [socket.socket() for _ in range(3)]
        for sock in filling:
            sock.setblocking(False)
            sock.connect_ex(target.listener.getsockname())
        bridge = start_bridge(target, INJECT + "[timeouts]\nconnect = 300ms\n")
        fails(connect, bridge, 504, {b"connection_timeout"}, target.authority.decode())
        for sock in filling:
            sock.close()

    def test_silent_tls(self, connect, start_bridge, start_target, certificates):
        """A target that accepts and never takes up the handshake."""
        target = start_target()
        url = f"https://{target.authority.decode()}"
        bridge = start_bridge(url, INJECT + "[timeouts]\nconnect = 300ms\n")
        fails(connect, bridge, 504, {b"connection_timeout"}, target.authority.decode())

    def test_no_tls(self, connect, start_bridge, start_target):
        target = start_target().serve(lambda upstream: upstream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        bridge = start_bridge(f"https://{target.authority.decode()}", INJECT)
        fails(connect, bridge, 502, TLS_ERRORS, target.authority.decode())

    def test_the_next_request_tries_again(self, connect, start_bridge):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            client = connect(start_bridge(f"http://127.0.0.1:{listener.getsockname()[1]}", "preconnect = off\n"))
            client.send(get())
            error_of(client, 502, {b"connection_refused"})
            listener.listen()
            client.send(get(b"/again"))
            upstream = Wire(listener.accept()[0])
            assert upstream.read_head().startswith(b"GET /again ")
            upstream.send(OK)
            assert client.read_response().raw == OK

    def test_answer_to_head_has_no_content(self, connect, start_bridge, tmp_path):
        """Its head says what a GET would have got; the next answer follows it at once."""
        client = connect(start_bridge(f"unix:{tmp_path}/nobody"))
        client.send(get().replace(b"GET", b"HEAD") + get())
        first, second = client.read_response(b"HEAD"), client.read_response()
        assert (first.status, second.status) == (502, 502)
        assert first.values(b"Content-Length") == [b"%d" % len(second.content)]


class TestCertificates:
    @pytest.mark.parametrize("name", ["untrusted", "expired", "wrong_name"])
    def test_refused(self, connect, start_bridge, start_target, certificates, name):
        target = start_target(tls=getattr(certificates, name).server()).serve(answering(OK))
        bridge = start_bridge(target, INJECT + f"[tls]\nca_file = {certificates.authority.pem}\n")
        fails(connect, bridge, 502, TLS_ERRORS, target.authority.decode())
        assert target.requests == []

    def test_refused_without_a_ca_file(self, connect, start_bridge, start_target, certificates):
        target = start_target(tls=certificates.good.server()).serve(answering(OK))
        fails(connect, start_bridge(target, INJECT), 502, TLS_ERRORS, target.authority.decode())

    def test_good(self, connect, start_bridge, start_target, certificates):
        target = start_target(tls=certificates.good.server()).serve(answering(OK))
        bridge = start_bridge(target, f"[tls]\nca_file = {certificates.authority.pem}\n")
        client = connect(bridge)
        assert [client.exchange(get()).raw for _ in range(2)] == [OK] * 2

    def test_verify_off(self, connect, start_bridge, start_target, certificates):
        target = start_target(tls=certificates.untrusted.server()).serve(answering(OK))
        assert connect(start_bridge(target, "[tls]\nverify = off\n")).exchange(get()).raw == OK

    def test_pinned_key(self, connect, start_bridge, start_target, certificates):
        target = start_target(tls=certificates.good.server()).serve(answering(OK))
        settings = f"[tls]\nca_file = {certificates.authority.pem}\npinned_key = "
        good = start_bridge(target, settings + certificates.good.public_key_pin() + "\n")
        assert connect(good).exchange(get()).raw == OK
        other = start_bridge(target, INJECT + settings + certificates.client.public_key_pin() + "\n")
        fails(connect, other, 502, TLS_ERRORS, target.authority.decode())

    @pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=repr)
    def test_name_in_it_adds_no_line(self, connect, start_bridge, start_target, certificates, end):
        """The message quotes the name that is not the target's, and the answer quotes the message."""
        name = f"x{end}authbridge: forged"
        certificate = certificates.authority.issue("forged", alternative_names=None, common_name=name)
        target = start_target(tls=certificate.server()).serve(answering(OK))
        bridge = start_bridge(target, INJECT + f"[tls]\nca_file = {certificates.authority.pem}\n")
        fails(connect, bridge, 502, {b"tls_certificate_error"}, "forged")
        assert not any(line.startswith("authbridge: forged") for line in bridge.stderr.all)
        assert all(line.startswith("authbridge: ") for line in bridge.stderr.all)


class TestExchange:
    @pytest.mark.parametrize("ending", ["close", "reset"])
    @pytest.mark.parametrize("sent", [b"", OK[:30]], ids=["nothing", "half a head"])
    def test_ends_too_early(self, connect, start_bridge, start_target, ending, sent):
        def script(upstream):
            upstream.read_request()
            upstream.send(sent)
            getattr(upstream, ending)()

        target = start_target().serve(script)
        fails(connect, start_bridge(target, INJECT), 502, ENDED_ERRORS, target.authority.decode())

    def test_no_http(self, connect, start_bridge, start_target):
        target = start_target().serve(lambda upstream: (upstream.read_request(), upstream.send(b"220 ready\r\n\r\n")))
        errors = {b"http_protocol_error"}
        fails(connect, start_bridge(target, INJECT), 502, errors, target.authority.decode())

    def test_head_too_long(self, connect, start_bridge, start_target):
        endless = b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000
        target = start_target().serve(lambda upstream: (upstream.read_request(), upstream.send(endless)))
        errors = {b"http_response_header_section_size", b"http_response_header_size", b"http_protocol_error"}
        fails(connect, start_bridge(target, INJECT), 502, errors, target.authority.decode())

    def test_cut_short_is_in_the_access_line(self, connect, start_bridge, target):
        bridge = start_bridge(target)
        client = connect(bridge)
        upstream = ask(client, target)
        upstream.send(OK[:-1])
        upstream.close()
        client.read_to_end()
        line = bridge.access()
        assert (line["status"], line["sent"], line["error"]) == ("200", "1", "http_response_incomplete")


class TestStarting:
    @pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
    def test_port_is_taken(self, address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.create_server((address.strip("[]"), 0), family=family) as taken:
            listen = f"{address}:{taken.getsockname()[1]}"
            done = run("--listen", listen, "--target", "http://127.0.0.1:9")
        assert done.returncode == 71
        assert done.stderr.startswith("authbridge: error: ") and listen in done.stderr

    def test_socket_folder_is_missing(self, tmp_path):
        done = run("--listen", f"unix:{tmp_path}/no/socket", "--target", "http://127.0.0.1:9")
        assert done.returncode == 71
        assert f"{tmp_path}/no/socket" in done.stderr


class TestDescriptorLimit:
    def test_nothing_is_lost(self, connect, start_bridge, origin):
        """While the master can open nothing more, clients wait; when it can again, all are served."""
        bridge = start_bridge(origin)
        standard_streams_and_listener = 4
        before = bridge.limit_descriptors(standard_streams_and_listener)
        clients = [connect(bridge) for _ in range(5)]
        for client in clients:
            client.send(get())
        bridge.complaint("open files")
        spent = cpu_seconds(bridge.pid)
        time.sleep(1.5)  # a while in which it could spin or flood
        assert cpu_seconds(bridge.pid) - spent < 0.5, "it spins"
        assert sum("open files" in line for line in bridge.stderr.all) <= 4, "it floods the log"
        assert origin.requests == []
        bridge.limit_descriptors(before)
        with ThreadPoolExecutor(5) as pool:
            assert [answer.raw for answer in pool.map(lambda client: client.read_response(), clients)] == [OK] * 5

    @pytest.fixture
    def starved(self, connect, start_bridge, origin):
        """A bridge that may not even wait for its listeners any more, a client, and the limit there was before."""
        bridge = start_bridge(origin, listen=", ".join(f"127.0.0.{number}:0" for number in range(1, 9)))
        before = bridge.limit_descriptors(4)
        client = connect(bridge)
        client.send(get())
        bridge.complaint("cannot wait for connections")
        return bridge, client, before

    def test_below_the_listeners_it_does_not_spin(self, starved):
        bridge, _, _ = starved
        spent = cpu_seconds(bridge.pid)
        bridge.message("cannot wait for connections", 3)  # one a second
        assert cpu_seconds(bridge.pid) - spent < 0.5

    def test_below_the_listeners_it_stops(self, starved):
        bridge, client, _ = starved
        bridge.signal(signal.SIGTERM)
        assert bridge.wait_exit() == 0
        assert client.end()

    def test_below_the_listeners_and_back(self, connect, starved):
        bridge, client, before = starved
        bridge.limit_descriptors(before)
        assert client.read_response().raw == OK
        assert [connect(address).exchange(get()).raw for address in bridge.addresses] == [OK] * 8
