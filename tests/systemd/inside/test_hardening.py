"""What the unit forbids is in force, and the daemon does all of its work under it."""

import os
import subprocess
from pathlib import Path

import pytest
from conftest import CONFIG, STORE, status_of, systemctl
from message import OK, get
from target import Target, answering
from wire import wait_until

CAP_SYS_NICE = 23  # capabilities(7)


def children(service):
    """The one that serves the client, and the standbys."""
    found = subprocess.check_output(["pgrep", "-P", str(service.pid)], text=True).split()
    assert len(found) > 1
    return [int(child) for child in found]


def manager_has(capability):
    return int(status_of(1)["CapEff"], 16) >> capability & 1 == 1


class TestIdentity:
    def test_user_of_its_own(self, service, origin):
        service.configure(origin)
        service.start()
        ids = service.process()["Uid"].split()
        assert len(set(ids)) == 1 and 61184 <= int(ids[0]) <= 65519, "DynamicUser, systemd.exec(5)"

    def test_no_privileges(self, service, origin):
        service.configure(origin)
        service.start()
        process = service.process()
        assert process["NoNewPrivs"] == "1" and process["Seccomp"] == "2"
        assert {process[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}

    def test_children_have_no_more(self, service, origin, connect):
        service.configure(origin)
        service.start()
        connect().exchange(get())
        for child in children(service):
            status = status_of(child)
            assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"

    def test_children_run_as_batch(self, service, origin, connect):
        """What the filter lets through besides @system-service."""
        service.configure(origin)
        service.start()
        connect().exchange(get())
        wait_until(
            lambda: {os.sched_getscheduler(child) for child in children(service)} == {os.SCHED_BATCH},
            "all do, those that have just been made, too",
        )

    def test_master_goes_before_children(self, service, origin, connect):
        """What the filter lets through for Nice=."""
        if not manager_has(CAP_SYS_NICE):
            pytest.skip("systemd itself may not")
        service.configure(origin)
        service.start()
        connect().exchange(get())
        assert os.getpriority(os.PRIO_PROCESS, service.pid) == -10
        wait_until(
            lambda: {os.getpriority(os.PRIO_PROCESS, child) for child in children(service)} == {0},
            "all have 0, those that have just been made, too",
        )


class TestFileSystem:
    def test_read_only(self, service, origin):
        """As the mount table of the service's own namespace has it."""
        service.configure(origin)
        service.start()
        lines = Path(f"/proc/{service.pid}/mountinfo").read_text().splitlines()
        options = {line.split()[4]: line.split()[5].split(",") for line in lines}
        assert "ro" in options["/"] and "rw" in options["/tmp"]
        assert os.stat(f"/proc/{service.pid}/ns/mnt").st_ino != os.stat("/proc/self/ns/mnt").st_ino

    def test_memory_is_not_to_be_read(self, service, origin):
        """No core file, no ptrace: the process's files in /proc are root's."""
        service.configure(origin)
        service.start()
        assert os.stat(f"/proc/{service.pid}/mem").st_uid == 0

    def test_proxy_ini_of_root(self, service, origin):
        """The status says what to do."""
        service.configure(origin)
        CONFIG.chmod(0o600)
        systemctl("start", "authbridge.service", fails=True)
        wait_until(lambda: f"{CONFIG}: cannot read: Permission denied; let the user" in service.status(), "it says so")

    def test_unix_socket_in_the_runtime_directory(self, service, origin, connect):
        service.configure(origin, listen="listen = unix:/run/authbridge/socket\n")
        service.start()
        assert connect("unix:/run/authbridge/socket").exchange(get()).raw == OK


class TestCredentials:
    def test_injected(self, service, origin, connect):
        """The file is root's alone; the service reads systemd's copy."""
        service.configure(origin, "[request-headers]\nAuthorization = Bearer ${cred:token}\n")
        service.credential("token", "first\n")
        service.start()
        connect().exchange(get())
        assert origin.requests[-1].values(b"Authorization") == [b"Bearer first"]
        assert (STORE / "authbridge.token").stat().st_mode & 0o77 == 0

    def test_rotated_by_a_restart(self, service, origin, connect):
        service.configure(origin, "[request-headers]\nAuthorization = Bearer ${cred:token}\n")
        service.credential("token", "first\n")
        service.start()
        service.credential("token", "second\n")
        systemctl("restart", "authbridge.service")
        connect().exchange(get())
        assert origin.requests[-1].values(b"Authorization") == [b"Bearer second"]

    def test_missing(self, service, origin):
        service.configure(origin, "[request-headers]\nAuthorization = Bearer ${cred:token}\n")
        systemctl("start", "authbridge.service", fails=True)
        assert service.show("ExecMainStatus") == "78"
        wait_until(lambda: "cannot start" in service.status(), "the status says so")


class TestWork:
    def test_name_of_the_target_is_looked_up(self, service, connect):
        """A thread, getaddrinfo and the address families that are allowed."""
        origin = Target(("127.0.0.1", 0)).serve(answering(OK))
        service.configure(origin)
        text = Path("/etc/authbridge/proxy.ini")
        text.write_text(text.read_text().replace("http://127.0.0.1:", "http://localhost:"))
        service.start()
        assert connect().exchange(get()).raw == OK
        origin.close()

    def test_tls(self, service, connect, tmp_path):
        """The CA bundle is read, and a certificate of our own is refused by it: OpenSSL did its work."""
        from certs import Certificates

        certificates = Certificates(tmp_path)
        origin = Target(tls=certificates.good.server()).serve(answering(OK))
        service.configure(origin)
        service.start()
        assert connect().exchange(get()).status == 502
        service.configure(origin, "[tls]\nverify = off\n")
        systemctl("restart", "authbridge.service")
        assert connect().exchange(get()).raw == OK
        origin.close()
