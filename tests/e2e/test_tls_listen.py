"""Listeners with TLS: who gets a handshake and who does not, client certificates, sessions, renewed certificates."""

import socket
import ssl
import subprocess

import pytest
from message import OK, get, row
from rawclient import refusal
from tlsbridge import TLS, context_of, host_and_port, plain
from wire import wait_until


class TestHandshake:
    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_serves_a_client_that_verifies(self, connect, start_tls, certificates, version):
        client = connect(start_tls(), tls=context_of(certificates, version=version))
        assert client.exchange(get()).raw == OK
        assert client.exchange(get()).raw == OK
        assert client.sock.tls.version() == ("TLSv1.2" if version == ssl.TLSVersion.TLSv1_2 else "TLSv1.3")

    def test_beside_a_plain_listener(self, connect, start_tls):
        bridge = start_tls("[access]\nallow = 127.0.0.0/8\n", listen=f"127.0.0.2:0, {TLS}")
        assert [address.startswith("https://") for address in bridge.addresses] == [False, True]
        for address in bridge.addresses:
            assert connect(address).exchange(get()).raw == OK

    def test_on_a_unix_socket(self, connect, start_tls, tmp_path):
        bridge = start_tls(listen=f"https://unix:{tmp_path}/socket")
        assert connect(bridge).exchange(get()).raw == OK

    @pytest.mark.parametrize("forwarded, name, value", [
        ("x-forwarded", b"X-Forwarded-Proto", b"https"),
        ("rfc7239", b"Forwarded", b"for=127.0.0.1;host=client.example;proto=https"),
    ])
    def test_target_is_told(self, connect, start_tls, origin, forwarded, name, value):
        connect(start_tls(before=f"forwarded = {forwarded}\n")).exchange(get())
        assert origin.requests[0].values(name) == [value]

    @pytest.mark.parametrize("offered, chosen", [
        row("nothing", [], None),
        row("http/1.1", ["http/1.1"], "http/1.1"),
        row("h2 first", ["h2", "http/1.1"], "http/1.1"),
    ])
    def test_alpn(self, connect, start_tls, certificates, offered, chosen):
        context = context_of(certificates)
        if offered:
            context.set_alpn_protocols(offered)
        client = connect(start_tls(), tls=context)
        assert client.sock.tls.selected_alpn_protocol() == chosen
        assert client.exchange(get()).raw == OK

    def test_alpn_of_others_is_refused(self, connect, start_tls, certificates):
        context = context_of(certificates)
        context.set_alpn_protocols(["h2"])
        bridge = start_tls()
        with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
            connect(bridge, tls=context)
        assert "no application protocol" in bridge.complaint("TLS handshake with 127.0.0.1:")

    def test_old_version_is_refused(self, start_tls):
        bridge = start_tls()
        curl = subprocess.run(["curl", "-sk", "--tls-max", "1.1", bridge.url], capture_output=True, timeout=10)
        assert curl.returncode == 35
        bridge.complaint("failed: unsupported protocol")

    def test_least_version(self, connect, start_tls, certificates):
        bridge = start_tls("min_version = 1.3\n")
        with pytest.raises(ssl.SSLError):
            connect(bridge, tls=context_of(certificates, version=ssl.TLSVersion.TLSv1_2))
        assert connect(bridge).exchange(get()).raw == OK

    def test_no_renegotiation(self, start_tls):
        """openssl s_client asks for one at a line that is R."""
        host, port = host_and_port(start_tls())
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2"], input=b"R\n", capture_output=True, timeout=10
        )
        assert b"no renegotiation" in done.stderr

    @pytest.mark.parametrize("request_octets", [get(), b"DELETE / HTTP/1.1\r\n\r\n", b"get /"])
    def test_plain_http_gets_an_answer(self, start_tls, connect, request_octets):
        bridge = start_tls()
        client = connect(bridge.address.removeprefix("https://"))
        client.send(request_octets)
        answer = refusal(client, [400])
        assert b"this port speaks TLS: use https://" in answer.content
        assert client.end() == "FIN"
        bridge.complaint("it speaks plain HTTP")

    @pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x00\x05hello", b"\x00" * 64, b"\x16" * 600, b"\x80\x2e\x01\x00\x02"])
    def test_garbage_gets_an_alert(self, start_tls, garbage):
        bridge = start_tls()
        with plain(bridge) as sock:
            sock.sendall(garbage)
            sock.shutdown(socket.SHUT_WR)
            answer = sock.makefile("rb").read()
        assert answer[:1] in (b"\x15", b"")
        bridge.complaint("TLS handshake with 127.0.0.1:")

    def test_messages_are_few(self, start_tls):
        """The failures of a second make one line, whichever processes they are in."""
        bridge = start_tls()
        for _ in range(20):
            with plain(bridge) as sock:
                sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                sock.makefile("rb").read()
        assert 1 <= bridge.output().count("TLS handshake with") <= 10

    def test_silent_visitor_is_no_failure(self, connect, start_tls):
        bridge = start_tls()
        plain(bridge).close()
        assert connect(bridge).exchange(get()).raw == OK
        wait_until(lambda: len(bridge.children()) == 1, "the visitor's process has ended")
        assert "TLS handshake with" not in bridge.output()

    @pytest.mark.parametrize("begun", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"])
    def test_slow_one_is_given_up(self, start_tls, begun):
        bridge = start_tls(before="[timeouts]\nrequest_head = 300ms\n")
        with plain(bridge) as sock:
            sock.sendall(begun)
            assert sock.makefile("rb").read() == b""
        bridge.complaint("in time (request_head)")

    def test_and_first_head_have_one_deadline(self, connect, start_tls):
        client = connect(start_tls(before="[timeouts]\nrequest_head = 300ms\n"))
        assert client.end() == "FIN"

    def test_is_counted(self, connect, start_tls):
        bridge = start_tls(before="[status]\nlisten = 127.0.0.1:0\n")
        page = bridge.message("status page on").split()[-1]
        connect(bridge).exchange(get())
        with plain(bridge) as sock:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            sock.makefile("rb").read()
        metrics = connect(page).exchange(get(b"/metrics").replace(b"client.example", b"localhost")).content
        assert b"authbridge_client_tls_certificate_expiry_timestamp_seconds 4070908800\n" in metrics
        assert b'authbridge_client_tls_handshakes_total{result="full"} 1\n' in metrics
        assert b'authbridge_client_tls_handshakes_total{result="failed"} 1\n' in metrics
