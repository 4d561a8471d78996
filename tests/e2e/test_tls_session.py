"""TLS sessions with the target: connections of different children resume one, and it opens no door."""

import subprocess

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


@pytest.fixture
def ticket_server(certificates):
    """A target that keeps no sessions, with TLS 1.2: it resumes those alone whose ticket it is shown, and tells."""
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-tls1_2", "-no_cache", "-www"]
    files = ["-cert", certificates.good.pem, "-key", certificates.good.key]
    process = subprocess.Popen(
        [*command, *files], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    lines = Lines(process.stdout)
    try:
        yield "https://" + lines.wait(lambda line: line.startswith("ACCEPT "), 1, "address")[0].split()[1]
    finally:
        process.kill()
        process.wait()
        lines.thread.join()


def test_is_resumed_by_its_ticket(connect, start_bridge, ticket_server, certificates):
    bridge = start_bridge(ticket_server, settings(certificates))
    answers = [connect(bridge).exchange(get()).raw for _ in range(3)]
    assert [b"Reused, TLSv1.2" in answer for answer in answers] == [False, True, True]
    assert b"New, TLSv1.2" in answers[0]


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
