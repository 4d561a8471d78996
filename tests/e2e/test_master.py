"""The master: the limit of connections, drain, reload, signals, and who may connect."""

import itertools
import os
import re
import signal
import subprocess
import sys

import pytest
from bridge import SECRET, configuration
from message import OK, get, post
from rawclient import ask, refusal
from wire import wait_until


class TestConnectionsLimit:
    def test_next_client_is_served_when_one_ends(self, no_recycling, connect, start_bridge, target):
        bridge = start_bridge(target, "[limits]\nconnections = 2\n")
        held = [connect(bridge) for _ in range(2)]
        upstreams = [ask(client, target) for client in held]
        third = connect(bridge)
        third.send(get(b"/third"))
        upstreams[0].send(OK)
        assert held[0].read_response().raw == OK
        assert third.unread() == b"" and b"/third" not in target.received()
        held[0].close()
        upstream = target.accept()
        assert upstream.read_head().startswith(b"GET /third ")
        upstream.send(OK)
        assert third.read_response().raw == OK

    def test_a_crowd_is_served(self, connect, start_bridge, origin):
        bridge = start_bridge(origin, "[limits]\nconnections = 3\n")
        clients = [connect(bridge) for _ in range(30)]
        for client in clients:
            client.send(get(fields=b"Connection: close\r\n"))
        assert [client.read_response().status for client in clients] == [200] * 30
        wait_until(lambda: not bridge.children(), "every child has ended")


def expected_nice(own):
    """The master's, when started with that value: with 0 it goes before its children if it may."""
    lower = "import os; os.setpriority(os.PRIO_PROCESS, 0, -10)"
    may = subprocess.run([sys.executable, "-c", lower], stderr=subprocess.DEVNULL, check=False).returncode == 0
    return -10 if own == 0 and may else own


def nice_values(bridge):
    """The master's, and its children's."""
    children = bridge.children() + bridge.standbys()
    assert children
    return os.getpriority(os.PRIO_PROCESS, bridge.pid), {os.getpriority(os.PRIO_PROCESS, pid) for pid in children}


class TestPrecedence:
    """Clients that are yet to be accepted do not wait behind all that are served."""

    def test_master_goes_before_its_children(self, connect, start_bridge, origin):
        bridge = start_bridge(origin)
        assert connect(bridge).exchange(get()).status == 200
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert nice_values(bridge) == (expected_nice(own), {max(own, 0)})

    def test_a_nice_value_that_was_chosen_stays(self, connect, start_bridge, origin):
        bridge = start_bridge(origin, through=["nice", "-n", "5"])
        assert connect(bridge).exchange(get()).status == 200
        nice = min(os.getpriority(os.PRIO_PROCESS, 0) + 5, 19)
        assert nice_values(bridge) == (expected_nice(nice), {max(nice, 0)})


class TestDrain:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_in_flight_finishes_and_idle_ends(self, connect, start_bridge, target, number):
        bridge = start_bridge(target)
        idle, busy = connect(bridge), connect(bridge)
        ask(idle, target).send(OK)
        assert idle.read_response().raw == OK
        upstream = ask(busy, target)
        bridge.signal(number)
        assert idle.end() == "FIN"
        assert bridge.process.poll() is None
        with pytest.raises(OSError):
            connect(bridge)
        upstream.send(OK)
        assert busy.read_response().content == b"ok"
        assert busy.end() == "FIN"
        for client in (idle, busy):
            client.close()
        assert bridge.wait_exit() == 0

    def test_connection_without_a_request_ends(self, connect, start_bridge, target):
        bridge = start_bridge(target)
        silent, later = connect(bridge), connect(bridge)
        ask(later, target).send(OK)  # so the one before it has been accepted as well
        bridge.signal(signal.SIGTERM)
        assert silent.end() == "FIN"

    def test_upload_finishes(self, connect, start_bridge, target):
        bridge = start_bridge(target)
        client = connect(bridge)
        sent = post(b"a" * 1000)
        client.send(sent[:-500])
        upstream = target.accept()
        upstream.read_head()
        bridge.signal(signal.SIGTERM)
        client.send(sent[-500:])
        assert upstream.read(1000) == b"a" * 1000
        upstream.send(OK)
        assert client.read_response().content == b"ok"
        client.close()
        assert bridge.wait_exit() == 0

    def test_is_bounded(self, connect, start_bridge, target):
        bridge = start_bridge(target, "[timeouts]\ndrain = 300ms\n")
        client = connect(bridge)
        ask(client, target)
        bridge.signal(signal.SIGTERM)
        assert bridge.wait_exit() == 0
        client.read_to_end()

    def test_second_signal_does_not_wait(self, connect, start_bridge, target):
        bridge = start_bridge(target)
        idle, busy = connect(bridge), connect(bridge)
        ask(idle, target).send(OK)
        assert idle.read_response().raw == OK
        ask(busy, target)
        bridge.signal(signal.SIGTERM)
        assert idle.end() == "FIN"
        bridge.signal(signal.SIGTERM)
        assert bridge.wait_exit() == 0


class TestReload:
    def settings(self, target, value):
        return configuration(target.url, f"[request-headers]\nX-A = {value}\n")

    def test_new_connections_get_the_new_configuration(self, connect, start_bridge, origin):
        bridge = start_bridge(text=self.settings(origin, "old"))
        old = connect(bridge)
        old.exchange(get())
        bridge.reload(self.settings(origin, "new"))
        bridge.message("authbridge: reloaded")
        old.exchange(get())
        connect(bridge).exchange(get())
        assert [request.values(b"X-A") for request in origin.requests] == [[b"old"], [b"old"], [b"new"]]

    def test_request_in_flight_is_not_disturbed(self, connect, start_bridge, target):
        bridge = start_bridge(text=self.settings(target, "old"))
        client = connect(bridge)
        upstream = ask(client, target)
        bridge.reload(self.settings(target, "new"))
        bridge.message("authbridge: reloaded")
        upstream.send(OK)
        assert client.read_response().raw == OK

    def test_another_target(self, connect, start_bridge, start_target, origin):
        other = start_target()
        bridge = start_bridge(origin)
        assert connect(bridge).exchange(get()).raw == OK
        bridge.reload(configuration(other.url))
        bridge.message("authbridge: reloaded")
        ask(connect(bridge), other)
        assert len(origin.requests) == 1

    def test_faulty_file_changes_nothing(self, connect, start_bridge, origin):
        bridge = start_bridge(text=self.settings(origin, "old"))
        bridge.reload(self.settings(origin, "new") + "[timeouts]\nconnect = 10\n")
        bridge.message("reload")
        assert f"{bridge.config}:7: " in bridge.output()
        connect(bridge).exchange(get())
        bridge.reload(self.settings(origin, "newest"))
        bridge.message("authbridge: reloaded")
        connect(bridge).exchange(get())
        assert [request.values(b"X-A") for request in origin.requests] == [[b"old"], [b"newest"]]

    def test_missing_file_changes_nothing(self, connect, start_bridge, origin):
        bridge = start_bridge(text=self.settings(origin, "old"))
        bridge.config.unlink()
        bridge.signal(signal.SIGHUP)
        bridge.message("reload")
        assert connect(bridge).exchange(get()).raw == OK

    def test_listeners_come_and_go(self, connect, start_bridge, origin, tmp_path):
        first, second = f"unix:{tmp_path}/first", f"unix:{tmp_path}/second"
        bridge = start_bridge(origin, listen=f"{first}, 127.0.0.1:0")
        old = connect(first)
        assert old.exchange(get()).raw == OK
        bridge.reload(configuration(origin.url, listen=f"{second}, 127.0.0.1:0"))
        bridge.message("authbridge: reloaded")
        assert connect(second).exchange(get()).raw == OK
        assert old.exchange(get()).raw == OK
        assert not (tmp_path / "first").exists()

    def test_taken_port_changes_nothing(self, connect, start_bridge, origin):
        bridge = start_bridge(origin)
        listen = f"127.0.0.1:{origin.port}"
        bridge.reload(configuration(origin.url, listen=listen))
        bridge.message("reload")
        bridge.complaint(listen)
        assert connect(bridge).exchange(get()).raw == OK

    def test_secrets_are_read_again(self, connect, start_bridge, origin, tmp_path):
        secret = tmp_path / "secret"
        secret.write_text("old")
        bridge = start_bridge(text=self.settings(origin, f"${{file:{secret}}}"))
        secret.write_text(SECRET)
        bridge.signal(signal.SIGHUP)
        bridge.message("authbridge: reloaded")
        connect(bridge).exchange(get())
        assert origin.requests[0].values(b"X-A") == [SECRET.encode()]


class TestSignals:
    def test_status_line(self, connect, start_bridge, target):
        bridge = start_bridge(target)
        ask(connect(bridge), target)
        before = len(bridge.stderr.all)
        bridge.signal(signal.SIGUSR1)
        lines = wait_until(lambda: bridge.stderr.all[before:], "a status line")
        assert lines[0].startswith("authbridge: ") and "1" in lines[0]

    def test_status_line_counts(self, connect, start_bridge, origin):
        bridge = start_bridge(origin)
        assert connect(bridge).exchange(get()).status == 200
        client = connect(bridge)
        for request, status in ((get(), 200), (get(fields=b"X : a\r\n"), 400)):
            assert client.exchange(request).status == status
        bridge.access(3)
        bridge.reload(bridge.config.read_text())
        bridge.message("reloaded")
        pattern = (
            r"authbridge: status: up \d+s, [12] of 512 connections \([01] idle\), 2 accepted, 3 requests, 1 errors,"
            r" 1 reloads, 0 crashed children"
        )

        def told(_lines=itertools.count(1)):
            bridge.signal(signal.SIGUSR1)
            return re.fullmatch(
                pattern, bridge.stderr.wait(lambda line: "status: " in line, next(_lines), "status")[-1]
            )

        wait_until(told, "the one whose connection is being closed is not idle")

    def test_killed_master_takes_its_children_along(self, connect, start_bridge, target):
        bridge = start_bridge(target)
        client = connect(bridge)
        upstream = ask(client, target)
        bridge.expected_status = -signal.SIGKILL
        bridge.signal(signal.SIGKILL)
        assert bridge.wait_exit() == -signal.SIGKILL
        assert client.read_to_end() == b""
        assert upstream.end()

    def test_killed_child_harms_nobody_else(self, connect, start_bridge, target):
        bridge = start_bridge(target)
        first = connect(bridge)
        ask(first, target)
        victims = bridge.children()
        second = connect(bridge)
        upstream = ask(second, target)
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        assert first.read_to_end() == b""
        upstream.send(OK)
        assert second.read_response().raw == OK
        ask(connect(bridge), target)


class TestAccess:
    def test_others_are_refused(self, connect, start_bridge, target):
        bridge = start_bridge(target, "[access]\nallow = 127.0.0.1, 10.0.0.0/8\n")
        client = connect(bridge, source="127.0.0.2")
        client.send(get())
        refusal(client, {403})
        assert target.received() == b""
        assert bridge.access()["status"] == "403"

    @pytest.mark.parametrize("allow", ["127.0.0.2", "127.0.0.0/8", "10.0.0.0/8, 127.0.0.2/32", "::1, 0.0.0.0/0"])
    def test_allowed(self, connect, start_bridge, origin, allow):
        bridge = start_bridge(origin, f"[access]\nallow = {allow}\n")
        assert connect(bridge, source="127.0.0.2").exchange(get()).raw == OK

    @pytest.mark.parametrize("allow, status", [("::1", 200), ("::/0", 200), ("fd00::/8", 403), ("0.0.0.0/0", 403)])
    def test_ipv6(self, connect, start_bridge, origin, allow, status):
        bridge = start_bridge(origin, f"[access]\nallow = {allow}\n", listen="[::1]:0")
        assert connect(bridge).exchange(get()).status == status

    @pytest.mark.parametrize("allow", ["::/0", "::/1", "::fffe:0:0/95"])
    def test_ipv6_networks_hold_no_ipv4_address(self, connect, start_bridge, target, allow):
        """Though an IPv4 address can be written as an IPv6 one."""
        client = connect(start_bridge(target, f"[access]\nallow = {allow}\n"))
        client.send(get())
        refusal(client, {403})
        assert target.received() == b""

    def test_any_address(self, connect, start_bridge, origin):
        bridge = start_bridge(origin, "[access]\nallow = 127.0.0.1\n", listen="0.0.0.0:0")
        port = bridge.address.rpartition(":")[2]
        assert connect(f"127.0.0.1:{port}").exchange(get()).raw == OK
        assert connect(f"127.0.0.1:{port}", source="127.0.0.2").exchange(get()).status == 403

    def test_ipv4_clients_of_an_ipv6_listener(self, connect, start_bridge, origin):
        """The list means the IPv4 address, however the listener names it."""
        bridge = start_bridge(origin, "[access]\nallow = 127.0.0.1\n", listen="[::]:0")
        port = bridge.address.rpartition(":")[2]
        try:
            client = connect(f"127.0.0.1:{port}")
        except ConnectionRefusedError:
            return  # an IPv6 listener for IPv6 only is right as well
        assert client.exchange(get()).raw == OK
