"""The status listener: its resources, who may ask, how it lives beside the clients, what it says of the bridge."""

import json
import os
import signal
import time

import pytest
from bridge import SECRET, configuration
from message import OK, get, row
from rawclient import ask
from statuspage import STATUS, StatusPage
from wire import wait_until

OTHER = "[status]\nlisten = 127.0.0.2:0\n"


@pytest.fixture
def start_page(connect, start_bridge):
    """Starts a bridge with a status page: start_page(target), start_page(target, more)."""

    def start(target, more="", **settings):
        return StatusPage(start_bridge(target, more + STATUS, **settings), connect)

    return start


@pytest.fixture
def page(start_page, target):
    return start_page(target)


class TestResources:
    def test_health(self, page):
        answer = page.get("/healthz")
        assert (answer.status, answer.content) == (200, b"ok\n")

    @pytest.mark.parametrize("path", ["/", "/healthz", "/status", "/metrics", "/status?now", "/?"])
    def test_head_is_like_get(self, connect, page, path):
        client = connect(page.address)
        whole = page.get(path, client=client)
        head = client.exchange(b"HEAD " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert whole.status == head.status == 200 and head.content == b""
        assert head.head.names() == whole.head.names()
        for answer in (whole, head):
            assert answer.values(b"Cache-Control") == [b"no-store"]
            assert answer.values(b"X-Content-Type-Options") == [b"nosniff"]
            assert b"default-src 'none'" in answer.values(b"Content-Security-Policy")[0]

    @pytest.mark.parametrize(
        "line, status",
        [
            row("unknown path", b"GET /nothing HTTP/1.1", 404),
            row("a path that begins like one", b"GET /statuses HTTP/1.1", 404),
            row("POST", b"POST /status HTTP/1.1", 405),
            row("DELETE", b"DELETE / HTTP/1.1", 405),
            row("TRACE", b"TRACE / HTTP/1.1", 405),
            row("CONNECT", b"CONNECT a:1 HTTP/1.1", 405),
            row("OPTIONS", b"OPTIONS * HTTP/1.1", 405),
            row("no HTTP", b"GET / HTTP/2.0", 505),
            row("a bare CR", b"GET /\r HTTP/1.1", 400),
        ],
    )
    def test_refused(self, connect, page, line, status):
        answer = connect(page.address).exchange(line + b"\r\nHost: localhost\r\n\r\n")
        assert answer.status == status
        assert answer.values(b"Content-Type") == [b"text/plain; charset=utf-8"]
        assert answer.content.startswith(b"authbridge: ")
        if status == 405:
            assert answer.values(b"Allow") == [b"GET, HEAD"]

    def test_absolute_form(self, connect, page):
        client = connect(page.address)
        assert client.exchange(b"GET http://127.0.0.1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").status == 200

    def test_content_ends_the_connection(self, connect, page):
        client = connect(page.address)
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab"
        assert client.exchange(request).values(b"Connection") == [b"close"]
        assert client.end() == "FIN"

    def test_pipelined(self, connect, page):
        client = connect(page.address)
        client.send(get(b"/healthz").replace(b"client.example", b"localhost") * 3)
        assert [client.read_response().content for _ in range(3)] == [b"ok\n"] * 3

    def test_too_large(self, connect, page):
        client = connect(page.address)
        client.send_until_refused(get(fields=b"X: " + b"a" * 40000 + b"\r\n"))
        assert client.read_response().status == 431


class TestWhoMayAsk:
    HOSTS = ["localhost", "LocalHost:9180", "127.0.0.1", "127.0.0.1:80", "10.1.2.3", "[::1]:9180", "[fd00::1]"]
    STRANGERS = ["evil.example", "evil.example:9180", "localhost.evil.example", "127.0.0.1.evil.example", "1.2.3", "a"]

    @pytest.mark.parametrize("host, status", [(h, 200) for h in HOSTS] + [(h, 421) for h in STRANGERS])
    def test_names_that_could_be_rebound_are_refused(self, connect, page, host, status):
        client = connect(page.address)
        for path in (b"/status", b"/", b"/healthz"):
            answer = client.exchange(b"GET " + path + b" HTTP/1.1\r\nHost: " + host.encode() + b"\r\n\r\n")
            assert answer.status == status
            if status == 421:
                assert answer.values(b"Connection") == [b"close"]
                return

    def test_without_a_host(self, connect, page):
        assert connect(page.address).exchange(b"GET /healthz HTTP/1.0\r\n\r\n").status == 200

    def test_others_are_refused(self, connect, start_page, target):
        page = start_page(target, "[access]\nallow = 10.0.0.0/8\n")
        answer = page.get("/status")
        assert answer.status == 403 and b"allow" in answer.content

    def test_other_addresses_need_allow(self, check):
        text = "[proxy]\ntarget = http://127.0.0.1:9\n[status]\nlisten = 0.0.0.0:0\n"
        done = check(text)
        assert done.returncode == 78 and "proxy.ini:4: listen = 0.0.0.0:0" in done.stderr and "allow" in done.stderr
        assert check(text + "[access]\nallow = 10.0.0.0/8\n").returncode == 0

    @pytest.mark.parametrize("listen", ["9180", "somewhere:1", "127.0.0.1:1, 127.0.0.1:2", "off"])
    def test_listen_is_one_address(self, check, listen):
        done = check(f"[proxy]\ntarget = http://127.0.0.1:9\n[status]\nlisten = {listen}\n")
        assert done.returncode == 78 and "127.0.0.1:9180" in done.stderr

    def test_unix_socket(self, connect, start_bridge, target, tmp_path):
        bridge = start_bridge(target, f"[status]\nlisten = unix:{tmp_path}/status\n")
        page = StatusPage(bridge, connect)
        assert page.address == f"unix:{tmp_path}/status"
        assert page.get("/healthz").status == 200
        bridge.stop()
        assert not (tmp_path / "status").exists()

    def test_off_by_default(self, start_bridge, target):
        bridge = start_bridge(target)
        assert "status page" not in bridge.output()


class TestLife:
    def test_beside_a_full_bridge(self, connect, start_page, target):
        """Its connections do not count, and it answers when no client can be served."""
        page = start_page(target, "[limits]\nconnections = 1\n")
        client = connect(page.bridge)
        ask(client, target)
        waiting = connect(page.bridge)
        waiting.send(get())
        assert page.report()["connections"]["current"] == 1
        assert page.get("/healthz").status == 200

    def test_no_more_than_eight_at_a_time(self, connect, page):
        held = [connect(page.address) for _ in range(8)]
        for client in held:
            assert page.get("/healthz", client=client).status == 200
        ninth = connect(page.address)
        ninth.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert page.get("/metrics", client=held[0]).content.count(b'state="status"} 8') == 1
        assert ninth.unread() == b""
        held[0].close()
        assert ninth.read_response().status == 200

    def test_while_draining(self, connect, page, target):
        client = connect(page.bridge)
        upstream = ask(client, target)
        kept = connect(page.address)
        assert page.get("/healthz", client=kept).status == 200
        page.bridge.signal(signal.SIGTERM)
        page.bridge.message("authbridge: stopping")
        for asked in (kept, connect(page.address)):
            answer = page.get("/healthz", client=asked)
            assert (answer.status, answer.content) == (503, b"draining\n")
        assert json.loads(page.get("/status", client=kept).content)["draining"] is True
        upstream.send(OK)
        assert client.read_response().status == 200
        client.close()
        assert page.bridge.wait_exit() == 0

    def test_idle_status_connections_do_not_hold_a_stop(self, connect, page):
        assert page.get("/healthz", client=connect(page.address)).status == 200
        page.bridge.signal(signal.SIGTERM)
        assert page.bridge.wait_exit() == 0

    def test_killed_child_of_the_page(self, connect, page):
        kept = connect(page.address)
        assert page.get("/healthz", client=kept).status == 200
        for pid in page.bridge.status_children():
            os.kill(pid, signal.SIGKILL)
        kept.read_to_end()
        assert page.get("/healthz").status == 200

    def test_no_descriptors(self, page):
        """A shortage is waited out, not spun on."""
        before = page.bridge.limit_descriptors(3)
        client = page.connect(page.address)
        client.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        page.bridge.complaint("for the status page")
        page.bridge.limit_descriptors(before)
        assert client.read_response().status == 200


class TestReload:
    def with_status(self, target, more):
        return configuration(target.url, more)

    def test_comes_and_goes(self, connect, start_bridge, target):
        bridge = start_bridge(target)
        bridge.reload(self.with_status(target, STATUS))
        page = StatusPage(bridge, connect)
        assert page.get("/healthz").status == 200
        bridge.reload(self.with_status(target, OTHER))
        other = StatusPage(bridge, connect, bridge.message("status page on ", 2).rpartition(" ")[2])
        assert other.address.startswith("127.0.0.2:") and other.get("/healthz").status == 200
        with pytest.raises(OSError):
            connect(page.address)
        bridge.reload(self.with_status(target, ""))
        bridge.message("authbridge: reloaded", 3)
        with pytest.raises(OSError):
            connect(other.address)

    def test_figures_stay(self, connect, start_page, origin):
        page = start_page(origin)
        connect(page.bridge).exchange(get())
        before = page.wait_for("authbridge_connections_limit", 512)
        page.bridge.reload(self.with_status(origin, "[limits]\nconnections = 7\n" + STATUS))
        page.bridge.message("authbridge: reloaded")
        after = page.wait_for("authbridge_connections_limit", 7)
        assert after['authbridge_config_reloads_total{result="ok"}'] == 1
        assert after["authbridge_connections_accepted_total"] == before["authbridge_connections_accepted_total"]
        assert after["authbridge_config_last_reload_successful"] == 1
        connect(page.bridge).exchange(get())
        page.wait_for_requests(2)

    def test_kept_connections_end(self, connect, page, target):
        """They would go on showing what was in force before."""
        kept = connect(page.address)
        assert page.get("/status", client=kept).status == 200
        page.bridge.reload(self.with_status(target, STATUS))
        page.bridge.message("authbridge: reloaded")
        assert kept.end() == "FIN"

    def test_more_connections_than_before(self, connect, start_page, origin):
        page = start_page(origin, "[limits]\nconnections = 2\n")
        page.bridge.reload(self.with_status(origin, "[limits]\nconnections = 40\n" + STATUS))
        page.bridge.message("authbridge: reloaded")
        clients = [connect(page.bridge) for _ in range(40)]
        for client in clients:
            assert client.exchange(get()).status == 200
        metrics = page.wait_for_requests(40)
        assert metrics["authbridge_connections"] == 40
        for client in clients:
            client.close()
        page.wait_for("authbridge_connections", 0)

    def test_failed_one_is_shown(self, page, target):
        page.bridge.reload(self.with_status(target, "[limits]\nconnections = none\n" + STATUS))
        page.bridge.message("reload failed")
        shown = wait_until(lambda: page.report()["configuration"]["last_reload_error"], "the error is shown")
        assert f"{page.bridge.config}:5: connections = none" in shown
        metrics = page.metrics()
        assert metrics['authbridge_config_reloads_total{result="failed"}'] == 1
        assert metrics["authbridge_config_last_reload_successful"] == 0
        page.bridge.reload(self.with_status(target, STATUS))
        page.bridge.message("authbridge: reloaded")
        wait_until(lambda: page.report()["configuration"]["last_reload_error"] is None, "the error is gone")

    def test_taken_address_changes_nothing(self, connect, start_page, origin, target):
        page = start_page(origin)
        taken = f"127.0.0.1:{origin.port}"
        page.bridge.reload(configuration(target.url, f"[status]\nlisten = {taken}\n"))
        page.bridge.complaint(taken)
        page.bridge.message("reload failed")
        assert page.get("/healthz").status == 200
        assert connect(page.bridge).exchange(get()).raw == OK

    def test_taken_address_of_a_listener_keeps_the_page_away(self, connect, start_bridge, origin):
        """Nothing of a configuration that failed is left behind."""
        bridge = start_bridge(origin)
        bridge.reload(configuration(origin.url, STATUS, listen=f"127.0.0.1:{origin.port}"))
        bridge.message("reload failed")
        assert "status page on" not in bridge.output()
        assert connect(bridge).exchange(get()).raw == OK

    def test_taken_address_at_the_start(self, start_bridge, target):
        bridge = start_bridge(target, f"[status]\nlisten = 127.0.0.1:{target.port}\n", wait=False)
        bridge.expected_status = 71
        bridge.complaint(f"127.0.0.1:{target.port}")
        assert bridge.wait_exit() == 71


class TestReport:
    def test_what_it_is(self, page, target):
        report = page.report()
        version = page.bridge.message("authbridge") and report["version"]
        assert page.metrics()[f'authbridge_build_info{{version="{version}"}}'] == 1
        assert report["pid"] == page.bridge.pid
        assert abs(report["started"] - time.time()) < 60 and 0 <= report["uptime"] < 60
        made = report["configuration"]
        assert made["file"] == str(page.bridge.config) and made["listen"] == [page.bridge.address]
        assert made["target"] == target.authority.decode() and made["tls"] is False
        assert made["last_reload"] is None and made["last_reload_error"] is None
        assert report["draining"] is False and report["certificate"] is None
        assert report["connections"] == {"current": 0, "limit": 512, "accepted": 0}
        for quantile in ("p50", "p95", "p99"):
            assert report["seconds"]["total"][quantile] is None

    def test_processes(self, connect, page, target):
        client = connect(page.bridge)
        ask(client, target)
        waiting = [process for process in page.report()["processes"] if process["state"] == "waiting"]
        assert len(waiting) == 1 and waiting[0]["pid"] in page.bridge.children() and waiting[0]["seconds"] >= 0

    def test_standbys(self, start_page, target):
        """They are shown, and are nobody's connections."""
        page = start_page(target, "standby = 3\n")
        metrics = page.wait_for('authbridge_children{state="standby"}', 3)
        assert metrics["authbridge_connections"] == 0
        wait_until(lambda: page.metrics()["authbridge_forks_total"] >= 3, "they are counted")
        report = page.report()
        assert report["children"]["standby"] == 3 and report["connections"]["current"] == 0
        shown = {process["pid"] for process in report["processes"] if process["state"] == "standby"}
        assert shown == set(page.bridge.standbys())

    def test_file_names_of_all_kinds(self, connect, start_bridge, target, tmp_path):
        """JSON stays JSON."""
        name = b'a "quoted\\ name\n\xff\xc3\xa9.ini'
        path = os.fsencode(tmp_path) + b"/" + name
        with open(path, "wb") as file:
            file.write(configuration(target.url, STATUS).encode())
        bridge = start_bridge(arguments=["-c", os.fsdecode(path)], wait=False)
        page = StatusPage(bridge, connect)
        shown = page.report()["configuration"]["file"]
        assert shown.endswith('a "quoted\\ name\n\ufffd\u00e9.ini')

    def test_no_secrets(self, connect, start_page, origin):
        more = f"[request-headers]\nAuthorization = Bearer {SECRET}\n[response-headers]\nX-Served = {SECRET}\n"
        page = start_page(origin, more)
        connect(page.bridge).exchange(get(fields=b"Cookie: " + SECRET.encode() + b"\r\n"))
        page.wait_for_requests(1)
        for path in ("/", "/status", "/metrics", "/healthz"):
            assert SECRET.encode() not in page.get(path).raw
