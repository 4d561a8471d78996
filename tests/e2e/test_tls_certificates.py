"""Listeners with TLS: clients that show certificates, sessions that are resumed, files at fault, files that are renewed."""

import os
import shutil
import ssl
import subprocess

import pytest
from bridge import configuration
from certs import openssl
from message import OK, get, row
from tlsbridge import TLS, context_of, der, host_and_port, shown
from tlssocket import TlsSocket
from wire import wait_until

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class TestClients:
    """client_ca: TLS 1.3 lets the server refuse only after the client has finished, who sees that when it reads."""

    @pytest.fixture
    def guarded(self, start_tls, certificates):
        return lambda more="": start_tls(f"client_ca = {certificates.authority.pem}\n{more}")

    def refused(self, connect, bridge, context):
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            client = connect(bridge, tls=context)
            client.sock.sendall(get())
            assert client.sock.recv(1) == b"", "it was served"
            raise ConnectionResetError

    @pytest.mark.parametrize("version", VERSIONS)
    def test_with_a_certificate(self, connect, guarded, certificates, version):
        client = connect(guarded(), tls=context_of(certificates, certificates.client, version))
        assert client.exchange(get()).raw == OK

    @pytest.mark.parametrize("version", VERSIONS)
    def test_without_one(self, connect, guarded, certificates, origin, version):
        bridge = guarded()
        self.refused(connect, bridge, context_of(certificates, version=version))
        bridge.complaint("failed: peer did not return a certificate")
        assert origin.requests == []

    @pytest.mark.parametrize("name, reason", [("untrusted", "unable to get local issuer"), ("expired", "has expired")])
    @pytest.mark.parametrize("more", ["", "client_auth = request\n"])
    def test_with_a_wrong_one(self, connect, guarded, certificates, origin, name, reason, more):
        bridge = guarded(more)
        self.refused(connect, bridge, context_of(certificates, getattr(certificates, name)))
        assert reason in bridge.complaint("TLS handshake with")
        assert origin.requests == []

    @pytest.mark.parametrize("show", [True, False])
    def test_requested(self, connect, guarded, certificates, show):
        bridge = guarded("client_auth = request\n")
        client = connect(bridge, tls=context_of(certificates, certificates.client if show else None))
        assert client.exchange(get()).raw == OK

    def test_by_curl(self, guarded, certificates):
        bridge = guarded()
        command = ["curl", "-s", "--http1.1", "--cacert", certificates.authority.pem, bridge.url]
        shows = ["--cert", certificates.client.pem, "--key", certificates.client.key]
        done = subprocess.run([*command, *shows], capture_output=True, timeout=10)
        assert done.returncode == 0 and done.stdout == b"ok"
        assert subprocess.run(command, capture_output=True, timeout=10).returncode != 0

    def test_resumed_session_was_one_with_a_certificate(self, connect, guarded, certificates):
        bridge = guarded()
        context = context_of(certificates, certificates.client)
        client = connect(bridge, tls=context)
        assert client.exchange(get()).raw == OK
        again = TlsSocket(connect(bridge.address.removeprefix("https://")).sock, context, client.sock.tls.session)
        assert again.tls.session_reused
        again.sendall(get())
        assert again.recv(100).startswith(b"HTTP/1.1 200")


class TestSessions:
    @pytest.fixture(params=[0, 2])
    def bridge(self, request, start_tls):
        return start_tls(before=f"standby = {request.param}\n")

    def visit(self, connect, bridge, context, session=None):
        """One exchange on a connection of its own: whether it resumed the session, and the one that it was given."""
        sock = TlsSocket(connect(bridge.address.removeprefix("https://")).sock, context, session)
        sock.sendall(get())
        assert sock.recv(len(OK)) == OK
        reused, given = sock.tls.session_reused, sock.tls.session
        sock.close()
        return reused, given

    @pytest.mark.parametrize("version", VERSIONS)
    def test_resumed_by_other_children(self, connect, bridge, certificates, version):
        context = context_of(certificates, version=version)
        _, session = self.visit(connect, bridge, context)
        for _ in range(4):
            reused, session = self.visit(connect, bridge, context, session)
            assert reused

    @pytest.mark.parametrize("version", VERSIONS)
    def test_ended_by_a_reload(self, connect, bridge, certificates, version):
        context = context_of(certificates, version=version)
        _, session = self.visit(connect, bridge, context)
        bridge.reload(bridge.config.read_text())
        bridge.message("reloaded")
        reused, session = self.visit(connect, bridge, context, session)
        assert not reused
        assert self.visit(connect, bridge, context, session)[0]


class TestFaults:
    @pytest.fixture
    def folder(self, tls_files, certificates):
        pem, key = certificates.good.pem.read_text(), certificates.good.key.read_text()
        (tls_files / "both.pem").write_text(pem + key)
        (tls_files / "both.pem").chmod(0o600)
        (tls_files / "garbage").write_text("garbage\n")
        shutil.copy(certificates.client.key, tls_files / "other.key")
        openssl("pkey", "-in", certificates.good.key, "-aes256", "-passout", "pass:x", "-out", tls_files / "encrypted.key")
        openssl("genpkey", "-algorithm", "RSA", "-out", tls_files / "rsa.key")
        openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=weak", "-keyout", tls_files / "weak.key",
                "-out", tls_files / "weak.pem")  # fmt: skip
        os.mkfifo(tls_files / "pipe")
        return tls_files

    def text(self, folder, **names):
        lines = "".join(f"{name} = {folder}/{file}\n" for name, file in names.items())
        return configuration("http://127.0.0.1:9", f"[listen-tls]\n{lines}", TLS)

    @pytest.mark.parametrize("names, line, says", [
        row("no certificate", {"key": "key.pem"}, 5, "key needs cert beside it"),
        row("missing", {"cert": "none", "key": "key.pem"}, 5, "cannot read: No such file"),
        row("garbage", {"cert": "garbage", "key": "key.pem"}, 5, "give a PEM file"),
        row("a folder", {"cert": ".", "key": "key.pem"}, 5, "not a file"),
        row("a pipe", {"cert": "pipe", "key": "key.pem"}, 5, "not a file"),
        row("weak", {"cert": "weak.pem", "key": "weak.key"}, 5, "ee key too small"),
        row("no key in it", {"cert": "cert.pem"}, 5, "no key in it"),
        row("garbage for a key", {"cert": "cert.pem", "key": "garbage"}, 6, "no key in it"),
        row("encrypted key", {"cert": "cert.pem", "key": "encrypted.key"}, 6, "unencrypted"),
        row("another's key", {"cert": "cert.pem", "key": "other.key"}, 6, "not the key of the certificate"),
        row("key of another kind", {"cert": "cert.pem", "key": "rsa.key"}, 6, "not the key of the certificate"),
        row("garbage for a CA", {"cert": "both.pem", "client_ca": "garbage"}, 6, "give a PEM file"),
    ])  # fmt: skip
    def test_is_told_where_it_stands(self, check, folder, names, line, says):
        done = check(self.text(folder, **names))
        assert done.returncode == 78
        assert f"proxy.ini:{line}: " in done.stderr and says in done.stderr, done.stderr

    def test_no_certificate_at_all(self, check):
        done = check(configuration("http://127.0.0.1:9", "", TLS))
        assert done.returncode == 78
        assert "proxy.ini:2: listen = https://127.0.0.1:0: TLS takes a certificate: set cert and key" in done.stderr

    def test_key_in_the_certificates_file(self, connect, start_bridge, origin, folder):
        bridge = start_bridge(origin, f"[listen-tls]\ncert = {folder}/both.pem\n", listen=TLS)
        assert connect(bridge).exchange(get()).raw == OK

    def test_expired(self, check, folder, certificates):
        shutil.copy(certificates.expired.pem, folder / "cert.pem")
        shutil.copy(certificates.expired.key, folder / "key.pem")
        done = check(self.text(folder, cert="cert.pem", key="key.pem"))
        assert done.returncode == 0
        assert "proxy.ini:5: cert = " in done.stderr and "it expired on 2020-01-02" in done.stderr

    @pytest.mark.parametrize("mode, warned", [(0o604, True), (0o640, False)])
    def test_open_key(self, check, folder, mode, warned):
        (folder / "key.pem").chmod(mode)
        done = check(self.text(folder, cert="cert.pem", key="key.pem"))
        assert done.returncode == 0
        assert ("every user of this machine can read the key" in done.stderr) == warned

    def test_check_shows_it(self, check, folder):
        done = check(self.text(folder, cert="cert.pem", key="key.pem"))
        assert "listen = https://127.0.0.1:0\n" in done.stdout
        assert f"[listen-tls]\ncert = {folder}/cert.pem\nkey = {folder}/key.pem\nclient_ca = not set\n" in done.stdout
        assert "PRIVATE" not in done.stdout

    def test_reload_changes_nothing(self, connect, start_tls, folder):
        bridge = start_tls()
        bridge.reload(bridge.config.read_text().replace("key.pem", "other.key"))
        bridge.complaint("not the key of the certificate")
        bridge.complaint("reload failed")
        assert connect(bridge).exchange(get()).raw == OK


class TestRenewal:
    def install(self, folder, certificate):
        """As a client of a certificate authority does it: each file replaced by a new one."""
        for name, source in (("cert.pem", certificate.pem), ("key.pem", certificate.key)):
            shutil.copy(source, folder / "new")
            (folder / "new").chmod(0o600)
            (folder / "new").rename(folder / name)

    @pytest.fixture(params=[0, 2])
    def bridge(self, request, start_tls):
        return start_tls(before=f"standby = {request.param}\nrecycle = {1 + request.param}\n")

    def test_by_a_reload(self, connect, bridge, tls_files, certificates):
        client = connect(bridge)
        assert client.exchange(get()).raw == OK
        self.install(tls_files, certificates.wrong_name)
        bridge.reload(bridge.config.read_text())
        bridge.message("reloaded")
        assert shown(bridge) == der(certificates.wrong_name)
        assert client.exchange(get()).raw == OK

    def test_without_one(self, connect, bridge, tls_files, certificates):
        client = connect(bridge)
        assert client.exchange(get()).raw == OK
        assert shown(bridge) == der(certificates.good)
        self.install(tls_files, certificates.wrong_name)
        wait_until(lambda: shown(bridge) == der(certificates.wrong_name), "the renewed certificate is shown")
        assert "valid until 2099-01-01" in bridge.message("cert.pem has changed, and is in use")
        assert client.exchange(get()).raw == OK

    def test_of_one_file_alone(self, connect, bridge, tls_files, certificates):
        """The old pair stays until the other file has come, too; and nothing is said twice."""
        shutil.copy(certificates.wrong_name.pem, tls_files / "cert.pem")
        wait_until(
            lambda: shown(bridge) == der(certificates.good) and "stays in force" in bridge.output(), "the fault is told"
        )
        assert "not the key of the certificate" in bridge.complaint("the certificate in use stays in force")
        self.install(tls_files, certificates.wrong_name)
        wait_until(lambda: shown(bridge) == der(certificates.wrong_name), "the renewed certificate is shown")
        assert bridge.output().count("stays in force") == 1

    def test_files_that_go_away(self, connect, bridge, tls_files, certificates):
        (tls_files / "key.pem").unlink()
        wait_until(lambda: shown(bridge) and "stays in force" in bridge.output(), "the fault is told")
        bridge.complaint("key.pem: cannot read: No such file")
        assert connect(bridge).exchange(get()).raw == OK
