"""The way to the target: outgoing proxies, Unix and IPv6 targets, client certificates and the TLS server name.

What an egress setting may hold is in test_egress_setting.py.
"""

import pytest
from bridge import SECRET
from message import OK, get
from proxies import ConnectProxy, SocksProxy
from rawclient import refusal
from target import answering

pytestmark = pytest.mark.usefixtures("nothing_ahead")


@pytest.fixture(params=["http", "https"])
def secured(request, start_target, certificates):
    """A target over http and over https, that answers."""
    tls = certificates.good.server() if request.param == "https" else None
    return start_target(tls=tls).serve(answering(OK))


@pytest.fixture
def trust(certificates):
    """The settings that make an https target's certificate good."""
    return f"[tls]\nca_file = {certificates.authority.pem}\n"


class TestProxies:
    @pytest.mark.parametrize("kind", [ConnectProxy, SocksProxy])
    def test_is_used(self, connect, start_bridge, start_proxy, secured, trust, kind):
        proxy = start_proxy(kind)
        client = connect(start_bridge(secured, f"egress = {proxy.url}\n" + trust))
        assert [client.exchange(get()).raw for _ in range(3)] == [OK] * 3
        assert proxy.asked == [secured.authority.decode()]
        assert secured.requests[0].head.start_line == b"GET / HTTP/1.1"

    @pytest.mark.parametrize("kind", [ConnectProxy, SocksProxy])
    @pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
    def test_resolves_the_name(
        self, connect, start_bridge, start_proxy, start_target, certificates, trust, kind, secure
    ):
        """A name that only the proxy knows."""
        tls = certificates.authority.issue("inner", "DNS:target.invalid").server() if secure else None
        target = start_target(tls=tls).serve(answering(OK))
        proxy = start_proxy(kind)
        authority = f"target.invalid:{target.port}"
        proxy.routes[authority] = target.authority.decode()
        url = f"http{'s' if secure else ''}://{authority}"
        assert connect(start_bridge(url, f"egress = {proxy.url}\n" + trust)).exchange(get()).raw == OK
        assert proxy.asked == [authority]
        assert target.requests[0].values(b"Host") == [authority.encode()]

    def test_connect_holds_no_secret(self, connect, start_bridge, start_proxy, secured, trust):
        """What is meant for the target is not shown to the proxy on the way."""
        proxy = start_proxy(ConnectProxy)
        settings = f"egress = {proxy.url}\n[request-headers]\nAuthorization = {SECRET}\n" + trust
        assert connect(start_bridge(secured, settings)).exchange(get()).raw == OK
        assert SECRET.encode() not in proxy.heads[0]
        assert secured.requests[0].values(b"Authorization") == [SECRET.encode()]

    def test_that_refuses(self, connect, start_bridge, start_proxy, origin):
        proxy = start_proxy(ConnectProxy, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        client = connect(start_bridge(origin, f"egress = {proxy.url}\n"))
        client.send(get())
        refusal(client, {502})
        assert origin.requests == []

    @pytest.mark.parametrize("name", ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"])
    def test_environment_is_ignored(self, connect, start_bridge, start_proxy, secured, trust, name):
        proxy = start_proxy(ConnectProxy)
        bridge = start_bridge(secured, trust, env={name: proxy.url})
        assert connect(bridge).exchange(get()).raw == OK
        assert proxy.asked == []

    def test_no_proxy_in_the_environment_is_ignored(self, connect, start_bridge, start_proxy, origin):
        proxy = start_proxy(ConnectProxy)
        bridge = start_bridge(origin, f"egress = {proxy.url}\n", env={"no_proxy": "*", "NO_PROXY": "*"})
        assert connect(bridge).exchange(get()).raw == OK
        assert proxy.asked == [origin.authority.decode()]


class TestTargets:
    def test_unix(self, connect, start_bridge, start_target, tmp_path):
        target = start_target(f"{tmp_path}/target").serve(answering(OK))
        client = connect(start_bridge(target, "host = inner.example\n"))
        assert [client.exchange(get()).raw for _ in range(2)] == [OK] * 2
        assert target.requests[0].values(b"Host") == [b"inner.example"]

    def test_unix_without_a_host_setting(self, connect, start_bridge, start_target, tmp_path):
        target = start_target(f"{tmp_path}/target").serve(answering(OK))
        assert connect(start_bridge(target)).exchange(get()).raw == OK
        assert len(target.requests[0].values(b"Host")) == 1

    @pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
    def test_ipv6(self, connect, start_bridge, start_target, certificates, trust, secure):
        target = start_target(("::1", 0), tls=certificates.good.server() if secure else None).serve(answering(OK))
        assert connect(start_bridge(target, trust)).exchange(get()).raw == OK
        assert target.requests[0].values(b"Host") == [target.authority]

    def test_name(self, connect, start_bridge, origin):
        authority = f"localhost:{origin.port}"
        assert connect(start_bridge(f"http://{authority}")).exchange(get()).raw == OK
        assert origin.requests[0].values(b"Host") == [authority.encode()]

    def test_host_is_the_authority_as_written(self, connect, start_bridge, start_proxy, origin):
        """Without a port in the target there is none in Host."""
        proxy = start_proxy(ConnectProxy)
        proxy.routes["target.invalid:80"] = origin.authority.decode()
        assert connect(start_bridge("http://target.invalid", f"egress = {proxy.url}\n")).exchange(get()).raw == OK
        assert origin.requests[0].values(b"Host") == [b"target.invalid"]


class TestClientCertificate:
    def test_is_shown(self, connect, start_bridge, start_target, certificates, trust):
        target = start_target(tls=certificates.good.server(certificates.authority)).serve(answering(OK))
        settings = f"client_cert = {certificates.client.pem}\nclient_key = {certificates.client.key}\n"
        assert connect(start_bridge(target, trust + settings)).exchange(get()).raw == OK
        subject = dict(pair[0] for pair in target.connections[0].sock.getpeercert()["subject"])
        assert subject == {"commonName": "client"}

    def test_is_missing(self, connect, start_bridge, start_target, certificates, trust):
        target = start_target(tls=certificates.good.server(certificates.authority)).serve(answering(OK))
        client = connect(start_bridge(target, trust))
        client.send(get())
        refusal(client, {502})
        assert target.requests == []


class TestServerName:
    @pytest.fixture
    def names(self, start_target, certificates):
        """A TLS target whose certificate is for other.example, and the names that it was asked for."""
        asked = []
        context = certificates.wrong_name.server()
        context.sni_callback = lambda _sock, name, _context: asked.append(name)
        return start_target(tls=context).serve(answering(OK)), asked

    def test_setting(self, connect, start_bridge, names, trust):
        """It is what TLS asks for and verifies; Host stays the target's authority."""
        target, asked = names
        assert connect(start_bridge(target, trust + "server_name = other.example\n")).exchange(get()).raw == OK
        assert asked == ["other.example"]
        assert target.requests[0].values(b"Host") == [target.authority]

    def test_default_is_the_targets_name(self, connect, start_bridge, names, trust):
        target, asked = names
        client = connect(start_bridge(f"https://localhost:{target.port}", trust))
        client.send(get())
        refusal(client, {502})
        assert asked[0] == "localhost"

    def test_wrong_setting(self, connect, start_bridge, names, trust):
        target, _ = names
        client = connect(start_bridge(target, trust + "server_name = wrong.example\n"))
        client.send(get())
        refusal(client, {502})
        assert target.requests == []
