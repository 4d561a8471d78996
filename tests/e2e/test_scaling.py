"""docs/SCALING.md: two bridges behind HAProxy, with the configurations as they stand there."""

import http.client
import json
import os
import re
import socket
import threading

import pytest
from bridge import REPOSITORY, SECRET
from haproxy import Haproxy
from message import OK
from target import answering
from wire import wait_until

DOCUMENT = (REPOSITORY / "docs" / "SCALING.md").read_text()
CLIENTS = 4
REQUESTS_MAX = 4000

# Addresses that no other run of the tests uses, so that the ports can stay as they are in the document.
OWN = f"{64 + os.getpid() // 256 % 64}.{os.getpid() % 256}"
BALANCER, FIRST, SECOND = f"127.{OWN}.7", f"127.{OWN}.11", f"127.{OWN}.12"
STAGING = f"127.{128 + os.getpid() % 64}"


def block(kind):
    """The document's block of that kind."""
    return re.search(rf"^```{kind}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)[1]


def with_addresses(text, replacements):
    """The text with each of the document's addresses replaced; each must be there."""
    for address, own in replacements.items():
        assert address in text, f"the document has no {address}"
        text = text.replace(address, own)
    return text


def client_address(number):
    return f"{STAGING}.0.{number + 1}"


class Site:
    """HAProxy and the two bridges of the document."""

    def __init__(self, folder, start_bridge, target):
        self.slow_may_end = threading.Event()
        self.target = target.serve(answering(self.answer))
        self.start_bridge = start_bridge
        own = {
            "10.20.0.0": f"{STAGING}.0.0",
            "10.0.0.7": BALANCER,
            "10.0.0.11": FIRST,
            "https://preprod.example.com": target.url,
        }
        text = with_addresses(block("ini"), own)
        self.texts = [text, with_addresses(text, {FIRST: SECOND})]
        self.bridges = [self.start(0), self.start(1)]
        socket_path = folder / "admin.sock"
        config = {
            "10.0.0.7": BALANCER,
            "10.0.0.11": FIRST,
            "10.0.0.12": SECOND,
            "/run/haproxy/admin.sock": str(socket_path),
        }
        self.haproxy = Haproxy(folder, with_addresses(block("haproxy"), config), socket_path)
        self.address = (BALANCER, 8080)

    def answer(self, request):
        """What the target says: for /slow, not before it may."""
        if b"/slow" in request.head.start_line:
            self.slow_may_end.wait(20)
        return OK

    def start(self, number):
        """Starts one of the bridges, or starts it again."""
        return self.start_bridge(text=self.texts[number], env={"PREPROD_TOKEN": SECRET})

    def connect(self, number=0):
        """A connection of one of staging's clients."""
        return http.client.HTTPConnection(*self.address, timeout=20, source_address=(client_address(number), 0))

    def get(self, number=0, headers=None):
        connection = self.connect(number)
        try:
            connection.request("GET", "/", headers=headers or {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@pytest.fixture
def site(tmp_path, start_bridge, start_target):
    site = Site(tmp_path, start_bridge, start_target())
    try:
        site.haproxy.wait_for(bridge1="UP", bridge2="UP")
        yield site
    finally:
        site.slow_may_end.set()
        site.haproxy.stop()


class Load:
    """Clients that send requests until they are told to stop; each answer but 200 is a failure."""

    def __init__(self, site):
        self.site = site
        self.served = 0
        self.failures = []
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(number,), daemon=True) for number in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)

    def run(self, number):
        """On kept connections of 20 requests each, and on ones of a single request, in turn."""
        connection = None
        for count in range(REQUESTS_MAX):
            if self.stopping.is_set():
                break
            if connection is None or count % 40 > 20:
                if connection:
                    connection.close()
                connection = self.site.connect(number)
            self.note(self.ask(connection, count))
        connection.close()

    @staticmethod
    def ask(connection, count):
        try:
            connection.request("GET", f"/{count}")
            response = connection.getresponse()
            content = response.read()
            return None if (response.status, content) == (200, b"ok") else (response.status, content)
        except (OSError, http.client.HTTPException) as failure:
            connection.close()
            return repr(failure)

    def note(self, failure):
        with self.lock:
            self.served += 1
            if failure:
                self.failures.append(failure)

    def more(self, count):
        """Waits until so many more have been served."""
        wanted = self.served + count
        wait_until(lambda: self.served >= wanted or not any(t.is_alive() for t in self.threads), "more requests", 30)


def requests_of(bridge):
    return [json.loads(line) for line in list(bridge.stdout.all)]


class TestClient:
    def test_is_the_real_one(self, site):
        forged = {"X-Forwarded-For": "10.9.9.9"}
        assert [site.get(number, forged) for number in range(4)] == [(200, b"ok")] * 4
        addresses = {client_address(number).encode() for number in range(4)}
        assert {value for request in site.target.requests for value in request.values(b"X-Forwarded-For")} == addresses
        lines = wait_until(lambda: (found := sum(map(requests_of, site.bridges), []))[3:] and found, "access lines")
        assert {line["client.ip"].encode() for line in lines} == addresses

    def test_outside_the_list_is_refused(self, site):
        connection = http.client.HTTPConnection(*site.address, timeout=20)
        connection.request("GET", "/")
        assert connection.getresponse().status == 403
        connection.close()
        assert not site.target.requests

    def test_cannot_reach_a_bridge_by_itself(self, site):
        with socket.create_connection((FIRST, 8081), 10, (client_address(0), 0)) as direct:
            direct.sendall(b"PROXY TCP4 10.20.0.1 10.0.0.11 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
            try:
                assert direct.recv(1) == b""
            except ConnectionResetError:
                pass
        site.bridges[0].complaint("not in trusted")


class TestRemoval:
    def test_restart_under_load(self, site):
        """Each bridge is stopped and started again while requests come: none fails."""
        with Load(site) as load:
            for number in range(2):
                load.more(50)
                site.bridges[number].signal(15)
                assert site.bridges[number].wait_exit() == 0
                load.more(50)
                site.bridges[number] = site.start(number)
                site.haproxy.wait_for(bridge1="UP", bridge2="UP")
                wait_until(lambda: requests_of(site.bridges[number]), "the bridge that is back gets requests", 30)
        assert load.failures == []
        assert load.served >= 200

    def test_by_the_admin_socket(self, site):
        with Load(site) as load:
            load.more(20)
            site.haproxy.command("set server bridges/bridge1 state drain")
            site.haproxy.wait_for(bridge1="DRAIN")
            load.more(100)  # connections that were kept have ended by then
            before = len(requests_of(site.bridges[0]))
            load.more(50)
            assert len(requests_of(site.bridges[0])) == before, "a drained server got requests"
            site.haproxy.command("set server bridges/bridge1 state ready")
            wait_until(lambda: len(requests_of(site.bridges[0])) > before, "it gets requests again", 30)
        assert load.failures == []

    def test_response_under_way_is_finished(self, site):
        """The bridge that is being stopped finishes it while HAProxy sends the next requests elsewhere."""
        site.haproxy.command("set server bridges/bridge2 state maint")
        slow = site.connect()
        slow.request("POST", "/slow", b"content")
        wait_until(lambda: site.target.requests, "the target has the request")
        site.bridges[0].signal(15)
        site.haproxy.wait_for(bridge1="DOWN")
        site.haproxy.command("set server bridges/bridge2 state ready")
        site.haproxy.wait_for(bridge2="UP")
        assert [site.get(number) for number in range(3)] == [(200, b"ok")] * 3
        site.slow_may_end.set()
        response = slow.getresponse()
        assert (response.status, response.read()) == (200, b"ok")
        slow.close()
        assert site.bridges[0].wait_exit() == 0

    def test_crashed_bridge_is_not_used(self, site):
        site.bridges[0].expected_status = -9
        site.bridges[0].signal(9)
        site.haproxy.wait_for(bridge1="DOWN")
        assert [site.get(number) for number in range(6)] == [(200, b"ok")] * 6
