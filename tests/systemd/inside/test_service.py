"""Start, status, reload, watchdog and stop, as systemd sees them."""

import os
import signal
import socket
import subprocess

from conftest import ADDRESS, CONFIG, SOCKET, UNIT, journal, systemctl
from load import Load
from message import OK, get
from rawclient import ask
from wire import wait_until


class TestStart:
    def test_started_when_it_listens(self, service, origin, connect):
        """`systemctl start` returns when the first connection can be made."""
        service.configure(origin)
        service.start()
        assert connect().exchange(get()).raw == OK
        wait_until(lambda: service.show("StatusText") == service.status(), "the status is that of `systemctl status`")

    def test_faulty_configuration(self, service, origin):
        """It is not tried again, and the status says what is wrong."""
        service.configure(origin, "lisen = 8080\n")
        systemctl("start", UNIT, fails=True)
        assert service.show("ExecMainStatus") == "78" and service.show("NRestarts") == "0"
        assert f"{CONFIG}:4: lisen is not a setting" in service.status()

    def test_address_in_use(self, service, origin, connect):
        """It is tried until the other program has gone; the operator's own start is never refused."""
        service.configure(origin)
        host, _, port = ADDRESS.rpartition(":")
        with socket.create_server((host, int(port))):
            systemctl("start", UNIT, fails=True)
            assert service.show("ExecMainStatus") == "71"
            assert f"{ADDRESS}: " in service.status()
            for _ in range(8):
                systemctl("restart", UNIT, fails=True)
                assert service.show("Result") == "exit-code", "not start-limit-hit"
        service.wait_for("ActiveState", "active")
        assert connect().exchange(get()).raw == OK

    def test_status_counts(self, service, origin, connect):
        service.configure(origin, "[limits]\nconnections = 77\n")
        service.start()
        assert service.status().startswith("0 of 77 connections")
        client = connect()
        client.exchange(get())
        service.wait_status("1 of 77 connections")
        for _ in range(50):
            client.exchange(get())
        service.wait_status(" requests/s")
        wait_until(lambda: " 0 requests/s" not in service.status(), "the status has a rate")

    def test_children_tell_systemd_nothing(self, service, origin, connect):
        service.configure(origin)
        service.start()
        connect().exchange(get())
        assert service.show("NotifyAccess") == "main"
        assert "reception only permitted" not in journal()


class TestReload:
    def test_good(self, service, origin, connect):
        service.configure(origin, "[request-headers]\nX-A = old\n")
        service.start()
        connect().exchange(get())
        pid = service.pid
        service.configure(origin, "[request-headers]\nX-A = new\n")
        systemctl("reload", UNIT)
        wait_until(lambda: "reloaded" in journal(), "it has reloaded")
        connect().exchange(get())
        assert [request.values(b"X-A") for request in origin.requests[-2:]] == [[b"old"], [b"new"]]
        assert service.pid == pid and service.show("ActiveState") == "active"

    def test_bad(self, service, origin, connect):
        """It serves on, reload fails, and the status says what is wrong until a reload succeeds."""
        service.configure(origin)
        service.start()
        service.configure(origin, "[timeouts]\nconnect = 10\n")
        assert "failed" in systemctl("reload", UNIT, fails=True)
        status = service.wait_status("reload failed")
        assert f"{CONFIG}:5: connect = 10" in status
        assert connect().exchange(get()).raw == OK
        assert service.show("ActiveState") == "active" and service.show("SubState") == "running"
        service.configure(origin)
        systemctl("reload", UNIT)
        wait_until(lambda: "failed" not in service.status(), "the status is good again")

    def test_with_a_credential(self, service, origin):
        """The check has it too; and neither it nor anything else of the file goes to the journal."""
        service.configure(origin, "[request-headers]\nAuthorization = Bearer ${cred:token}\n")
        service.credential("token", "first\n")
        service.start()
        systemctl("reload", UNIT)
        wait_until(lambda: "reloaded" in journal(), "it has reloaded")
        assert "request-headers" not in journal() and "first" not in journal()


class TestWatchdog:
    def test_stopped_master_is_restarted(self, service, origin, connect):
        service.drop_in("[Service]\nWatchdogSec=2s\n")
        service.configure(origin)
        service.start()
        first = service.pid
        assert service.show("WatchdogUSec") == "2s"
        connect().exchange(get())
        os.kill(first, signal.SIGSTOP)
        service.wait_for("NRestarts", "1")
        service.wait_for("SubState", "running")
        assert service.pid != first
        assert connect().exchange(get()).raw == OK

    def test_idle_master_is_left_alone(self, service, origin):
        service.drop_in("[Service]\nWatchdogSec=1s\n")
        service.configure(origin)
        service.start()
        alive = lambda: int(service.show("WatchdogTimestampMonotonic"))  # noqa: E731
        began = alive()
        wait_until(lambda: alive() > began + 3_000_000, "three times the watchdog's time has passed")
        assert service.show("NRestarts") == "0"

    def test_killed_master_is_restarted(self, service, origin, connect):
        service.configure(origin)
        service.start()
        os.kill(service.pid, signal.SIGKILL)
        service.wait_for("NRestarts", "1")
        service.wait_for("SubState", "running")
        assert connect().exchange(get()).raw == OK


class TestStop:
    def test_drains(self, service, target, connect):
        service.configure(target)
        service.start()
        client = connect()
        upstream = ask(client, target)
        systemctl("stop", "--no-block", UNIT)
        service.wait_status("stopping: 1 connections")
        upstream.send(OK)
        assert client.read_response().content == b"ok"
        client.close()
        service.wait_for("ActiveState", "inactive")
        assert service.show("Result") == "success"

    def test_long_drain_gets_its_time(self, service, target, connect):
        """Longer than TimeoutStopSec: the service asks for it."""
        service.drop_in("[Service]\nTimeoutStopSec=1s\n")
        service.configure(target, "[timeouts]\ndrain = 20s\n")
        service.start()
        client = connect()
        upstream = ask(client, target)
        systemctl("stop", "--no-block", UNIT)
        service.wait_status("stopping")
        clock = subprocess.Popen(["sleep", "2.5"])
        clock.wait()
        upstream.send(OK)
        assert client.read_response().content == b"ok"
        client.close()
        service.wait_for("ActiveState", "inactive")
        assert service.show("Result") == "success"

    def test_no_process_is_left(self, service, target, connect):
        service.configure(target, "[timeouts]\ndrain = 200ms\n")
        service.start()
        ask(connect(), target)
        systemctl("stop", UNIT)
        assert service.show("Result") == "success"
        assert subprocess.run(["pgrep", "-x", "authbridge"], stdout=subprocess.DEVNULL).returncode == 1


class TestSocketActivation:
    def listen(self, service, origin):
        service.configure(origin, listen="")
        systemctl("start", SOCKET)

    def test_first_connection_starts_it(self, service, origin, connect):
        self.listen(service, origin)
        assert service.show("ActiveState") == "inactive"
        assert connect().exchange(get()).raw == OK
        assert f"listening on {ADDRESS} (inherited)" in journal()

    def test_restart_refuses_nobody(self, service, origin, connect):
        """Who connects while nothing serves waits in the queue, and is answered by the next instance."""
        self.listen(service, origin)
        service.start()
        first = service.pid
        systemctl("stop", UNIT)
        waiting = [connect() for _ in range(20)]
        for client in waiting:
            client.send(get())
        assert [client.read_response().raw for client in waiting] == [OK] * 20
        assert service.pid != first

    def test_restarts_under_load(self, service, origin):
        """200 clients that send without pause: none is refused, no request is lost."""
        load = Load(200)
        config = "[proxy]\ntarget = {}\n[response-headers]\nX-Generation = {}\n"
        CONFIG.write_text(config.format(load.target_url, 0))
        systemctl("start", SOCKET)
        load.start(("127.0.0.1", 8080))
        try:
            for generation in (1, 2, 3):
                before = load.counts["requests"]
                wait_until(lambda: load.counts["requests"] > before + 200, "requests are served")
                load.asked = generation
                CONFIG.write_text(config.format(load.target_url, generation))
                systemctl("restart", UNIT)
                load.loaded = generation
            assert load.finish() == []
        finally:
            load.close()

    def test_faulty_configuration(self, service, origin, connect):
        """Who waits does not start it for ever; with the fault mended it is opened again at once, as the manual says."""
        service.configure(origin, "lisen = 8080\n", listen="")
        systemctl("start", SOCKET)
        connect()
        wait_until(lambda: service.show("ActiveState", SOCKET) == "failed", "the socket is given up")
        service.configure(origin, listen="")
        systemctl("restart", SOCKET, UNIT)
        assert connect().exchange(get()).raw == OK
        assert f"listening on {ADDRESS} (inherited)" in journal()

    def test_address_that_listen_lacks(self, service, origin):
        service.configure(origin, listen="listen = 127.0.0.1:8081\n")
        systemctl("start", SOCKET)
        service.start()
        wait_until(lambda: f"inherited socket {ADDRESS} is not served" in journal(), "a warning")
