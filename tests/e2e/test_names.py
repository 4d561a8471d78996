"""Names of targets are looked up ahead of need: no client waits for a name server, and a change is followed."""

import time

import pytest
from message import OK, get, row
from nameserver import NXDOMAIN, RESOLVER_PATIENCE, SERVFAIL, NameServer, is_possible
from proxies import ConnectProxy, SocksProxy
from rawclient import refusal
from target import answering
from wire import wait_until

pytestmark = pytest.mark.skipif(not is_possible(), reason="needs root, for a mount name space and port 53")
NAME = "target.test"
QUICK = "dns_ttl = 1s\nstandby = 0\n[log]\nlevel = debug\n"


@pytest.fixture
def names(bridges, tmp_path):
    server = NameServer(tmp_path)
    yield server
    server.close()


@pytest.fixture
def two_targets(start_target):
    """Two targets on one port, each at an address of its own; each says which it is."""
    for _ in range(20):
        first = start_target(("127.0.0.2", 0))
        try:
            second = start_target(("127.0.0.3", first.port))
            break
        except OSError:
            continue
    return [target.serve(answering(said(target))) for target in (first, second)]


def said(target):
    address = target.authority.split(b":")[0]
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(address), address)


@pytest.fixture
def start(start_bridge, names):
    """Starts a bridge to a port at the name, that asks this test's name server."""

    def start_to(port, more=QUICK, **settings):
        return start_bridge(f"http://{NAME}:{port}", more, through=names.through, **settings)

    return start_to


def ask(client):
    return client.exchange(get()).content


def ask_at_once(connect, bridge):
    """A new client's answer: it did not wait for a name server that is dead."""
    began = time.monotonic()
    said = ask(connect(bridge))
    assert time.monotonic() - began < RESOLVER_PATIENCE
    return said


class TestChange:
    def test_followed(self, connect, start, names, two_targets):
        """A new address is in use without a reload, on new connections and on those that live already."""
        names.records[NAME] = ["127.0.0.2"]
        bridge = start(two_targets[0].port)
        bridge.message(f"{NAME} has the addresses 127.0.0.2")
        kept = connect(bridge)
        assert ask(kept) == ask(connect(bridge)) == b"127.0.0.2"
        names.records[NAME] = ["127.0.0.3"]
        wait_until(lambda: ask(connect(bridge)) == b"127.0.0.3", "new connections go there", 5)
        assert ask(kept) == b"127.0.0.3"

    def test_standbys_follow(self, connect, start, names, two_targets):
        """A connection that was made ahead, to where the target was, is not used."""
        names.records[NAME] = ["127.0.0.2"]
        bridge = start(two_targets[0].port, QUICK.replace("standby = 0", "standby = 2"))
        wait_until(lambda: two_targets[0].sockets, "standbys have connected")
        names.records[NAME] = ["127.0.0.3"]
        bridge.message(f"{NAME} has the addresses 127.0.0.3")
        assert ask(connect(bridge)) == b"127.0.0.3"

    def test_one_address_more_moves_nothing(self, connect, start, names, two_targets):
        """While the address of a connection is still the name's, it stays."""
        names.records[NAME] = ["127.0.0.2"]
        bridge = start(two_targets[0].port)
        bridge.message(f"{NAME} has the addresses 127.0.0.2")
        kept = connect(bridge)
        ask(kept)
        names.records[NAME] = ["127.0.0.3", "127.0.0.2"]
        wait_until(lambda: any("127.0.0.3" in line for line in bridge.stderr.all), "it is seen", 5)
        assert ask(kept) == b"127.0.0.2" and len(two_targets[0].connections) == 1

    def test_reload_keeps_them(self, connect, start, names, two_targets):
        """Children of the new configuration need no answer of a name server that is dead by then."""
        names.records[NAME] = ["127.0.0.2"]
        bridge = start(two_targets[0].port)
        bridge.message(f"{NAME} has the addresses")
        names.failure = None
        bridge.reload(bridge.config.read_text())
        bridge.message("reloaded: ")
        assert ask_at_once(connect, bridge) == b"127.0.0.2"


class TestNameServer:
    @pytest.mark.parametrize("failure", [row("dead", None), row("failing", SERVFAIL)])
    def test_failure_delays_nobody(self, connect, start, names, two_targets, failure):
        """The addresses stay in use, for as long as it takes; then it is asked again."""
        names.records[NAME] = ["127.0.0.2"]
        bridge = start(two_targets[0].port)
        bridge.message(f"{NAME} has the addresses")
        names.failure = failure
        count = len(names.asked)
        wait_until(lambda: len(names.asked) > count, "it is asked", 5)
        for _ in range(5):
            assert ask_at_once(connect, bridge) == b"127.0.0.2"
        bridge.complaint(f"cannot look up {NAME}: ")
        names.failure = names.ANSWERS
        names.records[NAME] = ["127.0.0.3"]
        wait_until(lambda: ask(connect(bridge)) == b"127.0.0.3", "it is asked again")

    def test_name_is_gone(self, connect, start, names, two_targets):
        """A name server that says so is believed."""
        names.records[NAME] = ["127.0.0.2"]
        bridge = start(two_targets[0].port)
        bridge.message(f"{NAME} has the addresses")
        del names.records[NAME]
        bridge.complaint(f"cannot look up {NAME}: ")
        client = connect(bridge)
        client.send(get())
        assert refusal(client, {502}).values(b"Proxy-Status") == [b"authbridge; error=dns_error"]

    def test_clients_ask_nobody(self, connect, start, names, two_targets):
        """Children start neither a lookup nor a thread for one."""
        names.records[NAME] = ["127.0.0.2"]
        bridge = start(two_targets[0].port, QUICK.replace("dns_ttl = 1s", "dns_ttl = 1h"))
        bridge.message(f"{NAME} has the addresses")
        count = len(names.asked)
        for _ in range(10):
            ask(connect(bridge))
        assert len(names.asked) == count

    def test_before_the_first_answer(self, connect, start, names, two_targets):
        """Until the keeper knows, a connection looks by itself, as it does with dns_ttl = off."""
        names.records[NAME] = ["127.0.0.2"]
        bridge = start(two_targets[0].port, QUICK.replace("dns_ttl = 1s", "dns_ttl = off"))
        assert ask(connect(bridge)) == b"127.0.0.2"
        assert not bridge.keepers() and names.asked
        names.records[NAME] = ["127.0.0.3"]
        assert ask(connect(bridge)) == b"127.0.0.3"


class TestAddresses:
    def test_ipv6(self, connect, start, names, start_target):
        target = start_target(("::1", 0)).serve(answering(OK))
        names.records[NAME] = ["::1"]
        bridge = start(target.port)
        bridge.message(f"{NAME} has the addresses [::1]")
        count = len(names.asked)
        assert connect(bridge).exchange(get()).raw == OK
        assert len(names.asked) == count

    def test_one_of_two_does_not_answer(self, connect, start, names, two_targets):
        """The order, and what to do about an address where nobody is, are libcurl's."""
        names.records[NAME] = ["127.0.0.9", "127.0.0.3"]
        bridge = start(two_targets[0].port)
        bridge.message(f"{NAME} has the addresses")
        assert ask(connect(bridge)) == b"127.0.0.3"

    def test_addresses_and_localhost_need_no_keeper(self, start_bridge, start_target):
        target = start_target().serve(answering(OK))
        for host in ("127.0.0.1", "localhost"):
            assert not start_bridge(f"http://{host}:{target.port}").keepers()

    def test_server_name(self, connect, start_bridge, names, start_target, certificates):
        """Where TLS has another name the target's own is still the one that is looked up."""
        target = start_target(tls=certificates.good.server()).serve(answering(OK))
        names.records[NAME] = ["127.0.0.1"]
        more = QUICK.replace("1s", "1h") + f"[tls]\nca_file = {certificates.authority.pem}\nserver_name = bridge.test\n"
        bridge = start_bridge(f"https://{NAME}:{target.port}", more, through=names.through)
        bridge.message(f"{NAME} has the addresses")
        count = len(names.asked)
        assert connect(bridge).exchange(get()).raw == OK
        assert len(names.asked) == count


class TestEgress:
    @pytest.mark.parametrize("scheme, kind", [("http", ConnectProxy), ("socks5h", SocksProxy)])
    def test_proxy_looks_the_target_up(self, connect, start, start_proxy, origin, names, scheme, kind):
        """Only the proxy's own name is ours."""
        proxy = start_proxy(kind)
        authority = f"{NAME}:{origin.port}"
        proxy.routes[authority] = f"127.0.0.1:{origin.port}"
        names.records["proxy.test"] = ["127.0.0.1"]
        port = proxy.address.rpartition(":")[2]
        bridge = start(origin.port, f"egress = {scheme}://proxy.test:{port}\n" + QUICK)
        bridge.message("proxy.test has the addresses 127.0.0.1")
        assert connect(bridge).exchange(get()).raw == OK
        assert authority in proxy.asked and set(names.asked) == {"proxy.test"}

    def test_socks5_has_both_names(self, connect, start, start_proxy, origin, names):
        proxy = start_proxy(SocksProxy)
        names.records["proxy.test"] = names.records[NAME] = ["127.0.0.1"]
        port = proxy.address.rpartition(":")[2]
        bridge = start(origin.port, f"egress = socks5://proxy.test:{port}\n" + QUICK.replace("1s", "1h"))
        bridge.message("proxy.test has the addresses")
        bridge.message(f"{NAME} has the addresses")
        count = len(names.asked)
        assert connect(bridge).exchange(get()).raw == OK
        assert f"127.0.0.1:{origin.port}" in proxy.asked and len(names.asked) == count
