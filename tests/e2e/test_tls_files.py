"""The files and names in [tls]: unusable ones are refused when they are read, and they are read once."""

import os
import shutil

import pytest
from bridge import configuration, run
from certs import openssl
from message import OK, get, row
from rawclient import refusal
from target import answering

URL = "https://127.0.0.1:9"


@pytest.fixture
def files(certificates, tmp_path):
    """A folder with what certificate settings may name, good and bad."""
    folder = tmp_path / "files"
    folder.mkdir()
    shutil.copy(certificates.authority.pem, folder / "authority.pem")
    shutil.copy(certificates.client.pem, folder / "client.pem")
    shutil.copy(certificates.client.key, folder / "client.key")
    shutil.copy(certificates.good.key, folder / "other.key")
    pem, key = certificates.client.pem.read_text(), certificates.client.key.read_text()
    (folder / "both.pem").write_text(pem + key)
    (folder / "both-key-first.pem").write_text(key + pem)
    (folder / "garbage").write_text("garbage\n")
    (folder / "empty").touch()
    (folder / "cut.pem").write_text(pem[: len(pem) // 2])
    (folder / "cut.key").write_text(key[: len(key) // 2])
    encrypted = ("-aes256", "-passout", "pass:secret", "-out", folder / "encrypted.key")
    openssl("pkey", "-in", certificates.client.key, *encrypted)
    return folder


@pytest.fixture
def demanding(start_target, certificates):
    """A TLS target that answers those who show the client's certificate."""
    return start_target(tls=certificates.good.server(certificates.authority)).serve(answering(OK))


def settings(folder, **names):
    """A [tls] section in which settings name files of that folder."""
    return "[tls]\n" + "".join(f"{name} = {folder}/{file}\n" for name, file in names.items())


UNUSABLE = [
    row("garbage certificate", {"client_cert": "garbage", "client_key": "client.key"}, "client_cert"),
    row("empty certificate", {"client_cert": "empty", "client_key": "client.key"}, "client_cert"),
    row("certificate cut short", {"client_cert": "cut.pem", "client_key": "client.key"}, "client_cert"),
    row("folder for a certificate", {"client_cert": ".", "client_key": "client.key"}, "client_cert"),
    row("garbage key", {"client_cert": "client.pem", "client_key": "garbage"}, "client_key"),
    row("key cut short", {"client_cert": "client.pem", "client_key": "cut.key"}, "client_key"),
    row("another certificate's key", {"client_cert": "client.pem", "client_key": "other.key"}, "client_key"),
    row("encrypted key", {"client_cert": "client.pem", "client_key": "encrypted.key"}, "client_key"),
    row("no key", {"client_cert": "client.pem"}, "client_key"),
    row("no certificate", {"client_key": "client.key"}, "client_cert"),
    row("missing certificate", {"client_cert": "none", "client_key": "client.key"}, "client_cert"),
    row("missing key", {"client_cert": "client.pem", "client_key": "none"}, "client_key"),
    row("garbage authority", {"ca_file": "garbage"}, "ca_file"),
    row("empty authority", {"ca_file": "empty"}, "ca_file"),
]


class TestUnusable:
    @pytest.mark.parametrize("names, said", UNUSABLE)
    def test_by_check(self, check, files, names, said):
        done = check(configuration(URL, settings(files, **names)))
        assert done.returncode == 78
        assert said in done.stderr

    @pytest.mark.parametrize("names, said", UNUSABLE)
    def test_by_the_start(self, files, tmp_path, names, said):
        (tmp_path / "proxy.ini").write_text(configuration(URL, settings(files, **names)))
        done = run("-c", tmp_path / "proxy.ini")
        assert done.returncode == 78
        assert said in done.stderr and "ready" not in done.stderr

    def test_pass_phrase_is_not_asked_for(self, files, tmp_path):
        """Even on a terminal, where OpenSSL would wait for somebody to type it."""
        names = {"client_cert": "client.pem", "client_key": "encrypted.key"}
        (tmp_path / "proxy.ini").write_text(configuration(URL, settings(files, **names)))
        ours, terminal = os.openpty()
        done = run("-c", tmp_path / "proxy.ini", "--check", stdin=terminal, through=["setsid", "--ctty"])
        os.close(ours)
        os.close(terminal)
        assert done.returncode == 78 and "client_key" in done.stderr

    @pytest.mark.parametrize("key", ["other.key", "encrypted.key", "garbage"])
    def test_by_a_reload(self, connect, start_bridge, demanding, files, key):
        names = {"ca_file": "authority.pem", "client_cert": "client.pem"}
        bridge = start_bridge(demanding, settings(files, **names, client_key="client.key"))
        bridge.reload(configuration(demanding.url, settings(files, **names, client_key=key)))
        bridge.complaint("client_key")
        bridge.message("reload failed")
        assert connect(bridge).exchange(get()).raw == OK

    @pytest.mark.parametrize(
        "pin",
        [
            "sha256//",
            "sha256//c2hvcnQ=",
            "sha256//" + "A" * 44,
            "sha256//" + "A" * 42 + "==",
            "sha256//" + "!" * 43 + "=",
            "sha1//" + "A" * 43 + "=",
            "sha256//" + "A" * 43 + "=;",
            "sha256//" + "A" * 43 + "=;garbage",
            "relative.pem",
            "/no/such/file",
        ],
    )
    def test_pinned_key(self, check, pin):
        done = check(configuration(URL, f"[tls]\npinned_key = {pin}\n"))
        assert done.returncode == 78
        assert f"{check.path}:5: pinned_key" in done.stderr

    @pytest.mark.parametrize(
        "name", ["a b", "a:443", "[::1]", "::1", "a/b", "https://a.example", "user@a.example", "a" * 254, ""]
    )
    def test_server_name(self, check, name):
        done = check(configuration(URL, f"[tls]\nserver_name = {name}\n"))
        assert done.returncode == 78
        assert f"{check.path}:5: server_name" in done.stderr


class TestUsable:
    @pytest.mark.parametrize("file", ["both.pem", "both-key-first.pem"])
    def test_certificate_with_its_key(self, connect, start_bridge, demanding, files, file):
        bridge = start_bridge(demanding, settings(files, ca_file="authority.pem", client_cert=file))
        assert connect(bridge).exchange(get()).raw == OK

    def test_pins_beside_one_another(self, connect, start_bridge, start_target, certificates):
        target = start_target(tls=certificates.good.server()).serve(answering(OK))
        pins = f"{certificates.client.public_key_pin()};{certificates.good.public_key_pin()}"
        tls = f"[tls]\nca_file = {certificates.authority.pem}\npinned_key = {pins}\n"
        assert connect(start_bridge(target, tls)).exchange(get()).raw == OK

    @pytest.mark.usefixtures("nothing_ahead")
    def test_pinned_key_file_that_goes_lets_nothing_through(self, connect, start_bridge, start_target, certificates):
        """It is read for each connection: what cannot be compared does not match."""
        target = start_target(tls=certificates.good.server()).serve(answering(OK))
        key = certificates.good.pem.with_name("pinned.pem")
        key.write_bytes(openssl("x509", "-in", certificates.good.pem, "-noout", "-pubkey"))
        bridge = start_bridge(target, f"[tls]\nverify = off\npinned_key = {key}\n")
        assert connect(bridge).exchange(get()).raw == OK
        key.unlink()
        client = connect(bridge)
        client.send(get())
        refusal(client, {502})
        assert len(target.requests) == 1

    def test_files_may_go_after_the_start(self, connect, start_bridge, demanding, files):
        names = {"ca_file": "authority.pem", "client_cert": "client.pem", "client_key": "client.key"}
        bridge = start_bridge(demanding, settings(files, **names))
        shutil.rmtree(files)
        for _ in range(2):
            assert connect(bridge).exchange(get()).raw == OK

    def test_files_that_change_are_read_by_a_reload(self, connect, start_bridge, demanding, files, certificates):
        bridge = start_bridge(demanding, settings(files, ca_file="authority.pem", client_cert="both.pem"))
        shutil.copy(certificates.stranger.pem, files / "authority.pem")
        assert connect(bridge).exchange(get()).raw == OK
        bridge.reload(bridge.config.read_text())
        bridge.message("authbridge: reloaded")
        assert connect(bridge).exchange(get()).status == 502
