"""The PROXY protocol on a listener: whose connection it is, who may say so, and what is no header."""

import os
import socket
import struct

import pytest
from bridge import SECRET
from message import OK, get, row
from wire import wait_until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
TRUSTED = "[access]\ntrusted = 127.0.0.1\n"
CLIENT = "[request-headers]\nX-Client = ${client_ip}\n"
V1 = b"PROXY TCP4 192.0.2.7 198.51.100.2 56324 443\r\n"


def v2(source, port=56324, command=1, extensions=b""):
    """A header of version 2 for a client with that address."""
    family, code = (socket.AF_INET6, 0x21) if ":" in source else (socket.AF_INET, 0x11)
    address = socket.inet_pton(family, source)
    rest = address + address + struct.pack("!HH", port, 443) + extensions
    return SIGNATURE + bytes((0x20 | command, code)) + struct.pack("!H", len(rest)) + rest


@pytest.fixture
def balanced(start_bridge, origin):
    """Starts a bridge whose listener expects the header; 127.0.0.1 is a load balancer, all may use the bridge."""

    def start(more="allow = 0.0.0.0/0, ::/0\n", listen="127.0.0.1:0 proxy_protocol"):
        return start_bridge(origin, CLIENT + TRUSTED + more, listen=listen)

    return start


class TestClient:
    @pytest.mark.parametrize(
        "header, name, ip",
        [
            row("version 1", V1, "192.0.2.7:56324", b"192.0.2.7"),
            row("version 2", v2("192.0.2.7"), "192.0.2.7:56324", b"192.0.2.7"),
            row("IPv6", v2("2001:db8::7"), "[2001:db8::7]:56324", b"2001:db8::7"),
            row("extensions", v2("192.0.2.7", extensions=b"\4\0\4abcd"), "192.0.2.7:56324", b"192.0.2.7"),
            row("64 KiB", v2("192.0.2.7", extensions=bytes(65_523)), "192.0.2.7:56324", b"192.0.2.7"),
        ],
    )
    @pytest.mark.parametrize("piece", [None, 1])
    def test_is_whom_the_header_names(self, connect, balanced, origin, header, name, ip, piece):
        bridge = balanced()
        client = connect(bridge)
        assert client.exchange(header + get(), piece if len(header) < 1000 else None).raw == OK
        assert client.exchange(get()).raw == OK
        assert [request.values(b"X-Client") for request in origin.requests] == [[ip], [ip]]
        assert bridge.access(2)["client"] == name

    @pytest.mark.parametrize(
        "header",
        [
            row("LOCAL", v2("192.0.2.7", command=0)),
            row("UNKNOWN", b"PROXY UNKNOWN\r\n"),
            row("unspecified", SIGNATURE + b"\x21\0\0\0"),
        ],
    )
    def test_is_the_peer(self, connect, balanced, origin, header):
        client = connect(balanced())
        assert client.exchange(header + get()).raw == OK
        assert origin.requests[0].values(b"X-Client") == [b"127.0.0.1"]

    def test_request_that_comes_later(self, connect, balanced, origin):
        bridge = balanced()
        client = connect(bridge)
        client.send(V1)
        wait_until(bridge.children, "a child waits for the request")
        assert client.exchange(get()).raw == OK
        assert origin.requests[0].values(b"X-Client") == [b"192.0.2.7"]

    def test_unix_socket_needs_no_list(self, connect, start_bridge, origin, tmp_path):
        listen = f"unix:{tmp_path}/socket proxy_protocol"
        bridge = start_bridge(origin, CLIENT + "[access]\nallow = 192.0.2.0/24\n", listen=listen)
        assert connect(f"unix:{tmp_path}/socket").exchange(V1 + get()).raw == OK
        assert origin.requests[0].values(b"X-Client") == [b"192.0.2.7"]
        assert bridge.access()["client"] == "192.0.2.7:56324"


class TestAllow:
    def test_counts_for_the_client(self, connect, balanced, origin):
        bridge = balanced("allow = 192.0.2.0/24\n")
        assert connect(bridge).exchange(v2("192.0.2.7") + get()).raw == OK
        assert connect(bridge).exchange(v2("198.51.100.7") + get()).status == 403
        assert connect(bridge).exchange(v2("127.0.0.1", command=0) + get()).status == 403
        assert len(origin.requests) == 1

    def test_default_is_loopback(self, connect, balanced, origin):
        bridge = balanced("")
        assert connect(bridge).exchange(V1 + get()).status == 403
        assert connect(bridge).exchange(v2("127.0.0.1", command=0) + get()).raw == OK
        assert len(origin.requests) == 1


class TestRefusal:
    @pytest.mark.parametrize(
        "octets",
        [
            row("a request", get()),
            row("a header behind empty lines", b"\r\n\r\n" + V1),
            row("a broken line", b"PROXY TCP4 192.0.2.256 198.51.100.2 56324 443\r\n" + get()),
            row("an unassigned command", v2("192.0.2.7", command=2) + get()),
            row("TLS", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"),
        ],
    )
    def test_no_header(self, connect, balanced, origin, octets):
        bridge = balanced()
        client = connect(bridge)
        client.send_until_refused(octets)
        assert client.end() in ("FIN", "RST")
        bridge.complaint("no valid PROXY header")
        assert not origin.requests and not bridge.stdout.all

    def test_header_that_ends(self, connect, balanced):
        bridge = balanced()
        client = connect(bridge)
        client.send(V1[:20])
        client.finish()
        assert client.end() in ("FIN", "RST")
        bridge.complaint("the connection ended within it")

    def test_header_that_does_not_come(self, connect, balanced):
        bridge = balanced("[timeouts]\nrequest_head = 100ms\n")
        client = connect(bridge)
        client.send(V1[:20])
        assert client.end() in ("FIN", "RST")
        bridge.complaint("did not come in time")

    def test_look_at_the_port_is_no_complaint(self, connect, balanced):
        bridge = balanced("allow = 0.0.0.0/0\n[log]\nlevel = debug\n")
        connect(bridge).close()
        assert bridge.message("without a PROXY header").startswith("authbridge: debug")

    def test_second_header_is_no_request(self, connect, balanced):
        assert connect(balanced()).exchange(V1 + V1 + get()).status == 400

    def test_peer_that_is_not_trusted(self, connect, start_bridge, origin):
        settings = CLIENT + f"Authorization = {SECRET}\n[access]\ntrusted = 127.0.0.2\nallow = 0.0.0.0/0\n"
        bridge = start_bridge(origin, settings, listen="127.0.0.1:0 proxy_protocol")
        for _ in range(3):
            client = connect(bridge)
            client.send_until_refused(V1 + get())
            assert client.end() in ("FIN", "RST")
        assert connect(bridge, "127.0.0.2").exchange(V1 + get()).raw == OK
        complaint = bridge.complaint("not in trusted")
        assert "127.0.0.1:" in complaint
        assert len(origin.requests) == 1
        assert len([line for line in bridge.stderr.all if "not in trusted" in line]) < 3, "the line is not limited"

    def test_header_is_no_request_elsewhere(self, connect, start_bridge, origin):
        """On a listener without the word it is a broken request, trusted or not."""
        bridge = start_bridge(origin, TRUSTED)
        assert connect(bridge).exchange(V1 + get()).status == 400


class TestListeners:
    def test_each_by_itself(self, connect, balanced, origin):
        bridge = balanced(listen="127.0.0.1:0 proxy_protocol, [::1]:0")
        assert connect(bridge.addresses[0]).exchange(V1 + get()).raw == OK
        assert connect(bridge.addresses[1]).exchange(get()).raw == OK
        assert [request.values(b"X-Client")[0] for request in origin.requests] == [b"192.0.2.7", b"::1"]

    def test_reload_turns_it_on_and_off(self, connect, balanced, origin):
        bridge = balanced()
        address = bridge.address
        with_word = bridge.config.read_text()
        bridge.reload(with_word.replace(" proxy_protocol", ""))
        bridge.message("reloaded")
        assert connect(address).exchange(get()).raw == OK
        bridge.reload(with_word)
        bridge.message("reloaded", 2)
        assert connect(address).exchange(V1 + get()).raw == OK
        assert bridge.addresses == [address], "the listener was opened anew"

    def test_stop_does_not_wait_for_a_header(self, connect, balanced):
        bridge = balanced("[timeouts]\nrequest_head = 60s\ndrain = 60s\n")
        client = connect(bridge)
        client.send(V1[:20])
        wait_until(lambda: len(bridge.children()) == 1, "a child waits for the header")
        bridge.stop()
        assert client.end() in ("FIN", "RST")


class TestCheck:
    def test_shows_it(self, check):
        shown = check(
            "[proxy]\ntarget = http://a.example\nlisten = 127.0.0.1:1, 10.0.0.5:2   proxy_protocol\n"
            "[access]\nallow = 192.0.2.0/24\ntrusted = 10.0.0.7, fd00::/8\n"
        )
        assert shown.returncode == 0, shown.stderr
        assert "listen = 127.0.0.1:1, 10.0.0.5:2 proxy_protocol\n" in shown.stdout
        assert "trusted = 10.0.0.7/32, fd00::/8\n" in shown.stdout

    @pytest.mark.parametrize(
        "listen, more, complaint",
        [
            row("nobody is trusted", "127.0.0.1:1 proxy_protocol", "", "proxy.ini:2: listen = 127.0.0.1:1 proxy_pro"),
            row("another word", "127.0.0.1:1 proxy", "", "give address:port"),
            row("no space", "127.0.0.1:1proxy_protocol", "", "give address:port"),
            row("no address", "proxy_protocol", "", "give address:port"),
            row("twice", "127.0.0.1:1, 127.0.0.1:1 proxy_protocol", "", "stands twice"),
            row(
                "trusted is no address", "127.0.0.1:1", "[access]\ntrusted = lb.example\n", "trusted = lb.example: give"
            ),
            row("host bits", "127.0.0.1:1", "[access]\ntrusted = 10.0.0.7/8\n", "trusted = 10.0.0.7/8: give"),
            row("empty", "127.0.0.1:1", "[access]\ntrusted =\n", "proxy.ini:5: trusted = : give"),
            row("no allow", "10.0.0.5:1 proxy_protocol", "[access]\ntrusted = 10.0.0.7\n", "set allow in [access]"),
        ],
    )
    def test_faults(self, check, listen, more, complaint):
        shown = check(f"[proxy]\nlisten = {listen}\ntarget = http://a.example\n{more}")
        assert shown.returncode == os.EX_CONFIG
        assert complaint in shown.stderr
