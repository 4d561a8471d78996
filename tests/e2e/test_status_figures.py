"""The figures of the status page: each is right after traffic that is known."""

import os
import signal
import socket
import subprocess
import time

import pytest
from message import HINTS, OK, get, post, post_chunked, response, row
from rawclient import ask
from statuspage import STATUS, StatusPage, request, with_label
from target import answering
from wire import wait_until

pytestmark = pytest.mark.usefixtures("nothing_ahead")

REQUESTS = "authbridge_requests_total"
ERRORS = "authbridge_request_errors_total"
STATES = "authbridge_children"


@pytest.fixture
def start_page(connect, start_bridge):
    """Starts a bridge with a status page: start_page(target), start_page(target, more)."""

    def start(target, more="", **settings):
        return StatusPage(start_bridge(target, more + STATUS, **settings), connect)

    return start


def states(page):
    """What the children of clients do now."""
    found = with_label(page.metrics(), STATES)
    return {label[len('state="') : -1]: count for label, count in found.items() if "status" not in label}


class TestRequests:
    def test_by_status(self, connect, start_page, start_target):
        statuses = [b"200 OK", b"204 No Content", b"302 Found", b"404 Not Found", b"500 Oh", b"503 No", b"799 What"]
        target = start_target().serve(answering(*(response(status) for status in statuses), OK))
        page = start_page(target)
        client = connect(page.bridge)
        for _ in statuses:
            client.exchange(get())
        found = with_label(page.wait_for_requests(7), REQUESTS)
        assert found == {
            'method="GET",status="2xx"': 2,
            'method="GET",status="3xx"': 1,
            'method="GET",status="4xx"': 1,
            'method="GET",status="5xx"': 2,
            'method="GET",status="none"': 1,
        }

    def test_by_method(self, connect, start_page, origin):
        page = start_page(origin)
        client = connect(page.bridge)
        known = [b"GET", b"PUT", b"DELETE", b"PATCH", b"OPTIONS"]
        unknown = [b"PROPFIND", b"get", b"X-%d" % time.time(), b"M" * 32]
        for method in known + unknown:
            assert client.exchange(request(method)).status == 200
        assert client.exchange(post(b"abc")).status == 200
        metrics = page.wait_for_requests(10)
        expected = {f'method="{method.decode()}",status="2xx"': 1 for method in known}
        assert with_label(metrics, REQUESTS) == {
            **expected,
            'method="POST",status="2xx"': 1,
            'method="other",status="2xx"': 4,
        }
        assert len([key for key in metrics if key.startswith(REQUESTS)]) == 48

    def test_interim_responses_do_not_count(self, connect, start_page, start_target):
        page = start_page(start_target().serve(answering(HINTS + OK)))
        connect(page.bridge).exchange(get())
        assert with_label(page.wait_for_requests(1), REQUESTS) == {'method="GET",status="2xx"': 1}

    def test_client_that_leaves(self, connect, start_page, target):
        page = start_page(target)
        client = connect(page.bridge)
        ask(client, target)
        client.reset()
        metrics = page.wait_for_requests(1)
        assert with_label(metrics, REQUESTS) == {'method="GET",status="none"': 1}
        assert with_label(metrics, ERRORS) == {'type="client_gone"': 1}

    def test_bytes(self, connect, start_page, start_target):
        target = start_target().serve(answering(response(content=b"a" * 5000), response(content=b"b" * 70), OK))
        page = start_page(target)
        client = connect(page.bridge)
        client.exchange(post(b"c" * 300))
        client.exchange(post_chunked(b"5\r\nhello\r\n0\r\n\r\n"))
        client.exchange(get())
        metrics = page.wait_for_requests(3)
        assert metrics["authbridge_request_content_bytes_total"] == 305
        assert metrics["authbridge_response_content_bytes_total"] == 5072

    def test_bytes_count_while_they_move(self, connect, start_page, target):
        page = start_page(target)
        client = connect(page.bridge)
        upstream = ask(client, target)
        upstream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"a" * 60)
        client.read_head()
        metrics = page.wait_for("authbridge_response_content_bytes_total", 60)
        assert not with_label(metrics, REQUESTS)
        upstream.send(b"a" * 40)
        assert client.read(100) == b"a" * 100
        page.wait_for("authbridge_response_content_bytes_total", 100)

    def test_tunnel(self, connect, start_page, target):
        page = start_page(target)
        client = connect(page.bridge)
        upstream = ask(client, target, get(fields=b"Connection: upgrade\r\nUpgrade: test\r\n"))
        upstream.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n")
        client.read_head()
        client.send(b"12345")
        assert upstream.read(5) == b"12345"
        upstream.send(b"1234567")
        assert client.read(7) == b"1234567"
        page.wait_for("authbridge_request_content_bytes_total", 5)
        page.wait_for("authbridge_response_content_bytes_total", 7)
        assert states(page) == {"tunnel": 1}
        client.close()
        upstream.close()
        assert with_label(page.wait_for_requests(1), REQUESTS) == {'method="GET",status="1xx"': 1}


class TestErrors:
    @pytest.fixture
    def refusing(self):
        """The URL of a port that is taken, and at which nobody listens."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{taken.getsockname()[1]}"

    def test_refused_requests(self, connect, start_page, target):
        page = start_page(target, "[limits]\nrequest_body = 10B\n")
        for octets in (b"GET / HTTP/1.1\r\n\r\n", request(b"TRACE"), post(b"a" * 11), b"\x00\r\n\r\n"):
            client = connect(page.bridge)
            client.send(octets)
            client.read_response()
        metrics = page.wait_for_requests(4)
        assert with_label(metrics, ERRORS) == {'type="http_request_error"': 4}
        assert with_label(metrics, REQUESTS) == {
            'method="GET",status="4xx"': 1,
            'method="POST",status="4xx"': 1,
            'method="other",status="4xx"': 2,
        }

    def test_denied(self, connect, start_page, target):
        page = start_page(target, "[access]\nallow = 127.0.0.1\n")
        connect(page.bridge, source="127.0.0.2").exchange(get())
        assert with_label(page.wait_for_requests(1), ERRORS) == {'type="http_request_denied"': 1}

    @pytest.mark.parametrize(
        "script, cause, status",
        [
            row("closes", lambda upstream: upstream.read_request(), "connection_terminated", "5xx"),
            row("nonsense", answering(b"what?\r\n\r\n"), "http_protocol_error", "5xx"),
            row(
                "ends early",
                lambda up: (up.read_request(), up.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")),
                "http_response_incomplete",
                "2xx",
            ),
            row("silent", lambda upstream: (upstream.read_request(), upstream.end()), "http_response_timeout", "5xx"),
        ],
    )
    def test_of_the_target(self, connect, start_page, start_target, script, cause, status):
        settings = "[timeouts]\nresponse = 200ms\n" if cause == "http_response_timeout" else ""
        page = start_page(start_target().serve(script), settings)
        connect(page.bridge).send(get())
        metrics = page.wait_for_requests(1)
        assert with_label(metrics, ERRORS) == {f'type="{cause}"': 1}
        assert with_label(metrics, REQUESTS) == {f'method="GET",status="{status}"': 1}

    def test_unreachable(self, connect, start_page, refusing):
        page = start_page(refusing)
        connect(page.bridge).exchange(get())
        metrics = page.wait_for_requests(1)
        assert with_label(metrics, ERRORS) == {'type="connection_refused"': 1}
        assert metrics["authbridge_upstream_connect_duration_seconds_count"] == 0

    def test_certificate(self, connect, start_page, start_target, certificates):
        target = start_target(tls=certificates.untrusted.server()).serve(answering(OK))
        page = start_page(target, f"[tls]\nca_file = {certificates.authority.pem}\n")
        connect(page.bridge).exchange(get())
        metrics = page.wait_for_requests(1)
        assert with_label(metrics, ERRORS) == {'type="tls_certificate_error"': 1}
        assert "authbridge_upstream_certificate_expiry_timestamp_seconds" not in metrics

    def test_shown_in_the_report(self, connect, start_page, refusing):
        page = start_page(refusing)
        connect(page.bridge).exchange(get())
        page.wait_for_requests(1)
        report = page.report()
        assert {cause: n for cause, n in report["errors"].items() if n} == {"connection_refused": 1}
        assert report["requests"]["by_status"]["5xx"] == report["requests"]["by_method"]["GET"] == 1


class TestTimes:
    def test_histograms(self, connect, start_page, target):
        page = start_page(target)
        client = connect(page.bridge)
        upstream = ask(client, target)
        time.sleep(0.03)
        upstream.send(OK[:-1])
        client.read_head()
        time.sleep(0.03)
        upstream.send(OK[-1:])
        client.read(2)
        metrics = page.wait_for_requests(1)
        total, first = "authbridge_request_duration_seconds", "authbridge_upstream_first_byte_duration_seconds"
        connecting = "authbridge_upstream_connect_duration_seconds"
        for name, least in ((total, 0.06), (first, 0.03), (connecting, 0)):
            buckets = [value for key, value in metrics.items() if key.startswith(name + "_bucket")]
            assert len(buckets) == 17 and buckets == sorted(buckets) and buckets[-1] == 1
            assert metrics[name + "_count"] == 1 and least <= metrics[name + "_sum"] < 60
        assert metrics[total + '_bucket{le="0.05"}'] == 0 and metrics[first + '_bucket{le="0.025"}'] == 0
        assert metrics[connecting + "_sum"] <= metrics[first + "_sum"] < metrics[total + "_sum"]
        shown = page.report()["seconds"]
        assert 0.05 <= shown["total"]["p50"] <= shown["total"]["p95"] <= shown["total"]["p99"] <= 60

    def test_kept_connections_connect_once(self, connect, start_page, origin):
        page = start_page(origin)
        client = connect(page.bridge)
        for _ in range(5):
            client.exchange(get())
        metrics = page.wait_for_requests(5)
        assert metrics["authbridge_upstream_connect_duration_seconds_count"] == 1
        assert metrics["authbridge_upstream_first_byte_duration_seconds_count"] == 5

    def test_certificate_expiry(self, connect, start_page, start_target, certificates):
        target = start_target(tls=certificates.good.server()).serve(answering(OK))
        page = start_page(target, f"[tls]\nca_file = {certificates.authority.pem}\n")
        assert page.report()["certificate"] is None
        connect(page.bridge).exchange(get())
        metrics = page.wait_for_requests(1)
        expires = 4070908800  # 2099-01-01, as the certificate was made
        shown = with_label(metrics, "authbridge_upstream_certificate_expiry_timestamp_seconds")
        assert shown == {f'target="127.0.0.1:{target.port}"': expires}
        shown = page.report()["certificate"]
        assert shown["expires"] == expires
        assert abs(shown["days_left"] - (expires - time.time()) / 86400) < 1


class TestChildren:
    def test_states(self, connect, start_page, target):
        page = start_page(target)
        idle, reading, waiting, relaying = clients = [connect(page.bridge) for _ in range(4)]
        assert ask(idle, target).send(OK) is None and idle.read_response().status == 200
        reading.send(b"GET / HT")
        upstream = ask(waiting, target)
        upstream = ask(relaying, target)
        upstream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
        expected = {"idle": 1, "reading": 1, "waiting": 1, "relaying": 1}
        wait_until(lambda: states(page) == expected, "each is in its state")
        metrics = page.metrics()
        assert metrics["authbridge_connections"] == metrics["authbridge_connections_accepted_total"] == 4
        for client in clients:
            client.close()
        page.wait_for("authbridge_connections", 0)

    def test_closing(self, connect, start_page, origin):
        page = start_page(origin)
        client = connect(page.bridge)
        client.exchange(get(fields=b"Connection: close\r\n"))
        wait_until(lambda: states(page) == {"closing": 1}, "it waits for the client to close")
        client.close()
        metrics = page.wait_for('authbridge_child_exits_total{reason="served"}', 1)
        assert metrics["authbridge_forks_total"] == 1

    def test_crash(self, connect, start_page, target):
        """The counters of the dead child stay, its gauges go."""
        page = start_page(target)
        victim, other = connect(page.bridge), connect(page.bridge)
        upstream = ask(victim, target)
        upstream.send(OK)
        victim.read_response()
        before = page.wait_for_requests(1)
        ask(victim, target) if upstream.ending else victim.send(get())
        upstream.read_head()
        process = wait_until(
            lambda: [child["pid"] for child in page.report()["processes"] if child["state"] == "waiting"], "it waits"
        )
        os.kill(process[0], signal.SIGKILL)
        victim.read_to_end()
        page.bridge.complaint("was ended by signal 9")
        after = page.wait_for('authbridge_child_exits_total{reason="crashed"}', 1)
        assert after["authbridge_connections"] == 1 and after['authbridge_children{state="waiting"}'] == 0
        for name in ("_requests_total", "_upstream_connect_duration_seconds", "_response_content_bytes_total"):
            kept = {key: value for key, value in before.items() if name in key}
            assert kept and {key: after[key] for key in kept} == kept
        ask(other, target).send(OK)
        assert other.read_response().status == 200
        page.wait_for_requests(2)

    def test_slots_are_used_again(self, no_recycling, connect, start_page, origin):
        """What one child counted is not lost to the next one in its place."""
        page = start_page(origin)
        for _ in range(20):
            client = connect(page.bridge)
            client.exchange(get(fields=b"Connection: close\r\n"))
            client.close()
        metrics = page.wait_for_requests(20)
        assert metrics["authbridge_response_content_bytes_total"] == 40
        metrics = page.wait_for('authbridge_child_exits_total{reason="served"}', 20)
        assert metrics["authbridge_forks_total"] == 20 and metrics["authbridge_connections"] == 0


def test_promtool(connect, start_page, start_target, certificates):
    """Prometheus' own check of names, types, units and help texts."""
    target = start_target(tls=certificates.good.server()).serve(answering(OK))
    page = start_page(target, f"[tls]\nca_file = {certificates.authority.pem}\n")
    connect(page.bridge).exchange(get())
    page.wait_for_requests(1)
    text = page.get("/metrics").content
    assert b"certificate" in text
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
