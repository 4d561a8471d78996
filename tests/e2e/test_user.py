"""user = NAME: a bridge that is started as root, and serves as somebody else."""

import os
import pwd
import shutil
import signal
from pathlib import Path

import pytest
from bridge import configuration, run
from message import OK, get
from rawclient import ask
from wire import wait_until

NAME = "nobody"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")


def facts(pid):
    """/proc/PID/status: name -> text."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}


def proxy_ini(target, more=""):
    return configuration(target.url, f"user = {NAME}\n{more}")


@needs_root
class TestDropped:
    @pytest.fixture
    def start(self, start_bridge, public_folder):
        """Starts it with a proxy.ini in a folder that the user may enter."""

        def start(text):
            path = public_folder / "proxy.ini"
            path.write_text(text)
            bridge = start_bridge(arguments=["-c", path], through=["setpriv", "--groups=0,4,20"])
            bridge.config = path
            return bridge

        return start

    def test_nothing_of_root_is_left(self, connect, start, target):
        bridge = start(proxy_ini(target))
        ask(connect(bridge), target)
        user = pwd.getpwnam(NAME)
        for pid in [bridge.pid, *bridge.children()]:
            process = facts(pid)
            assert process["Uid"].split() == [str(user.pw_uid)] * 4
            assert process["Gid"].split() == [str(user.pw_gid)] * 4
            assert {int(group) for group in process["Groups"].split()} == set(os.getgrouplist(NAME, user.pw_gid))
            assert process["CapEff"] == process["CapPrm"] == "0" * 16
            assert process["NoNewPrivs"] == "1"

    @pytest.mark.skipif("sanitize" in os.environ.get("AUTHBRIDGE", ""), reason="checking builds stay traceable")
    def test_memory_stays_hidden(self, connect, start, target):
        """Which a change of user undoes by itself: the files in /proc are root's as long as it is."""
        bridge = start(proxy_ini(target))
        ask(connect(bridge), target)
        for pid in [bridge.pid, *bridge.children()]:
            assert os.stat(f"/proc/{pid}/mem").st_uid == 0

    def test_killed_master_takes_its_children_along(self, connect, start, target):
        bridge = start(proxy_ini(target))
        client = connect(bridge)
        ask(client, target)
        bridge.expected_status = -signal.SIGKILL
        bridge.signal(signal.SIGKILL)
        assert bridge.wait_exit() == -signal.SIGKILL
        assert client.read_to_end() == b""

    def test_reload(self, connect, start, origin):
        bridge = start(proxy_ini(origin))
        bridge.reload(proxy_ini(origin, "[request-headers]\nX-A = new\n"))
        bridge.message("authbridge: reloaded")
        connect(bridge).exchange(get())
        assert origin.requests[0].values(b"X-A") == [b"new"]

    def test_another_user_by_a_reload(self, connect, start, origin):
        bridge = start(proxy_ini(origin))
        bridge.reload(configuration(origin.url))
        bridge.complaint("user in [proxy] is not what it was")
        assert connect(bridge).exchange(get()).raw == OK

    def test_secret_of_root(self, connect, start, origin, public_folder):
        """It was read before, and is kept; that it cannot be read again is said at once, and by a reload."""
        secret = public_folder / "secret"
        secret.write_text("of-root")
        secret.chmod(0o600)
        bridge = start(proxy_ini(origin, f"[request-headers]\nX-A = ${{file:{secret}}}\n"))
        bridge.complaint(f"user {NAME} cannot read {secret}")
        kept = connect(bridge)
        kept.exchange(get())
        bridge.signal(signal.SIGHUP)
        bridge.complaint(f"cannot read {secret}: Permission denied")
        bridge.message("reload failed")
        connect(bridge).exchange(get())
        assert [request.values(b"X-A") for request in origin.requests] == [[b"of-root"]] * 2

    def test_key_of_root(self, connect, start, origin, public_folder, certificates):
        """The key of a listener with TLS, likewise."""
        shutil.copy(certificates.good.pem, public_folder / "cert.pem")
        shutil.copy(certificates.good.key, public_folder / "key.pem")
        (public_folder / "key.pem").chmod(0o600)
        settings = f"user = {NAME}\n[listen-tls]\ncert = {public_folder}/cert.pem\nkey = {public_folder}/key.pem\n"
        bridge = start(configuration(origin.url, settings, "https://127.0.0.1:0"))
        bridge.complaint(f"user {NAME} cannot read what [listen-tls] names")
        assert connect(bridge).exchange(get()).raw == OK
        bridge.signal(signal.SIGHUP)
        bridge.complaint("key.pem: cannot read: Permission denied")
        bridge.message("reload failed")
        assert connect(bridge).exchange(get()).raw == OK

    def test_secret_of_the_user_is_read_again(self, connect, start, origin, public_folder):
        secret = public_folder / "secret"
        secret.write_text("old")
        bridge = start(proxy_ini(origin, f"[request-headers]\nX-A = ${{file:{secret}}}\n"))
        kept = connect(bridge)

        def sent():
            kept.exchange(get())
            return origin.requests[-1].values(b"X-A")

        assert sent() == [b"old"]
        secret.write_text("new")
        wait_until(lambda: sent() == [b"new"], "the new secret is in use", 2.0)

    def test_proxy_ini_of_root(self, start, origin, public_folder):
        bridge = start(proxy_ini(origin))
        bridge.config.chmod(0o600)
        bridge.signal(signal.SIGHUP)
        bridge.message("reload failed")
        assert "Permission denied; let the user whom the bridge runs as read it" in bridge.output()

    def test_privileged_port(self, connect, start, origin):
        """Opened before root is given up."""
        port = next(port for port in range(1023, 600, -1) if self.is_free(port))
        bridge = start(f"[proxy]\nlisten = 127.0.0.1:{port}\nuser = {NAME}\ntarget = {origin.url}\n")
        assert connect(bridge).exchange(get()).raw == OK

    @staticmethod
    def is_free(port):
        listening = Path("/proc/net/tcp").read_text()
        return f":{port:04X} 00000000:0000 0A" not in listening


class TestRefused:
    def test_unknown_user(self, check):
        done = check(configuration("http://127.0.0.1:9", "user = no-such-user\n"))
        assert done.returncode == 78
        assert f"{check.path}:4: user = no-such-user: there is no user of that name" in done.stderr

    def test_root(self, check):
        done = check(configuration("http://127.0.0.1:9", "user = root\n"))
        assert done.returncode == 78 and "root keeps all privileges" in done.stderr

    @needs_root
    def test_started_by_somebody_else(self, public_folder, origin):
        path = public_folder / "proxy.ini"
        path.write_text(configuration(origin.url, "user = daemon\n"))
        through = ["setpriv", f"--reuid={NAME}", "--clear-groups"]
        done = run("-c", path, through=through)
        assert done.returncode == 78 and "only root can become another user" in done.stderr
        path.write_text(proxy_ini(origin))
        assert run("-c", path, "--check", through=through).returncode == 0
