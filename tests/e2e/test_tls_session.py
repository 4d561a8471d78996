"""TLS sessions with the target: connections of different children resume one, and it opens no door."""

import subprocess
from contextlib import ExitStack, closing

import pytest
from bridge import Lines
from certs import openssl
from message import OK, get
from rawclient import refusal

pytestmark = pytest.mark.usefixtures("nothing_ahead")


@pytest.fixture
def resumed():
    """Whether each connection that carried a request was a resumed one."""
    return []


@pytest.fixture
def start_secure(start_target, certificates, resumed):
    def start():
        def script(upstream):
            upstream.read_request()
            resumed.append(upstream.sock.session_reused)
            upstream.send(OK)

        return start_target(tls=certificates.good.server()).serve(script)

    return start


def settings(certificates):
    return f"[tls]\nca_file = {certificates.authority.pem}\n"


def ask_once(connect, bridge):
    client = connect(bridge)
    assert client.exchange(get()).raw == OK
    client.close()


def test_is_resumed_by_other_children(connect, start_bridge, start_secure, certificates, resumed):
    bridge = start_bridge(start_secure(), settings(certificates))
    for _ in range(4):
        ask_once(connect, bridge)
    assert resumed == [False, True, True, True]


class OpenSSLServer:
    """openssl s_server with TLS 1.2, as a target; without -www it shows what comes, and sends what is written."""

    def __init__(self, certificate, *options):
        command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-tls1_2", *options]
        files = ["-cert", certificate.pem, "-key", certificate.key]
        self.process = subprocess.Popen(
            [*command, *files], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.lines = Lines(self.process.stdout)
        self.url = "https://" + self.wait("ACCEPT ").split()[1]

    def wait(self, beginning):
        return self.lines.wait(lambda line: line.startswith(beginning), 1, beginning)[0]

    def write(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.lines.thread.join()


@pytest.fixture
def start_openssl(certificates):
    with ExitStack() as servers:
        yield lambda *options: servers.enter_context(closing(OpenSSLServer(certificates.good, *options)))


def test_is_resumed_by_its_ticket(connect, start_bridge, start_openssl, certificates):
    """A target that keeps no sessions resumes those alone whose ticket it is shown, and tells."""
    bridge = start_bridge(start_openssl("-no_cache", "-www").url, settings(certificates))
    answers = [connect(bridge).exchange(get()).raw for _ in range(3)]
    assert [b"Reused, TLSv1.2" in answer for answer in answers] == [False, True, True]
    assert b"New, TLSv1.2" in answers[0]


def test_target_renegotiates(connect, start_bridge, start_openssl, certificates):
    """With TLS 1.2 it may, to ask for a certificate for some path: the session that is kept is none of that."""
    server = start_openssl("-crlf")
    client = connect(start_bridge(server.url, settings(certificates)))
    client.send(get())
    server.wait("GET / HTTP/1.1")
    server.write(b"r\n")
    server.wait("SSL_do_handshake -> 1")
    server.write(OK.replace(b"\r\n", b"\n"))
    assert client.read_response().raw == OK


def test_a_reload_begins_anew(connect, start_bridge, start_secure, certificates, resumed):
    """What a session was verified by may have changed."""
    bridge = start_bridge(start_secure(), settings(certificates))
    ask_once(connect, bridge)
    bridge.reload(bridge.config.read_text())
    bridge.message("reloaded")
    ask_once(connect, bridge)
    assert resumed == [False, False]


def test_another_target_is_verified(connect, start_bridge, start_secure, certificates, resumed):
    """One that took the address over does not know the session, and shows its certificate."""
    target = start_secure()
    bridge = start_bridge(target, settings(certificates))
    ask_once(connect, bridge)
    target.tls = certificates.untrusted.server()
    client = connect(bridge)
    client.send(get())
    refusal(client, {502})
    assert resumed == [False]


def test_pinned_key_is_compared_again(connect, start_bridge, start_secure, certificates, resumed, tmp_path):
    """The key of a resumed connection's certificate, too."""
    pin = tmp_path / "pin.pem"
    pin.write_bytes(openssl("x509", "-in", certificates.good.pem, "-noout", "-pubkey"))
    bridge = start_bridge(start_secure(), f"[tls]\nca_file = {certificates.authority.pem}\npinned_key = {pin}\n")
    ask_once(connect, bridge)
    ask_once(connect, bridge)
    pin.write_bytes(openssl("x509", "-in", certificates.untrusted.pem, "-noout", "-pubkey"))
    client = connect(bridge)
    client.send(get())
    refusal(client, {502})
    assert resumed == [False, True]
