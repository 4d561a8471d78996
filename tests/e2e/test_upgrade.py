"""Upgrade: WebSocket by real peers, the raw tunnel after 101, and upgrades that are refused or not asked for."""

import asyncio
import os
import signal
import socket
import ssl

import pytest
import websockets
from message import OK, Head, get, response
from rawclient import ask, refusal
from wire import wait_until

ASK = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
TALK_SECONDS = 60
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.mark.usefixtures("nothing_ahead")
class TestWebSocket:
    @pytest.fixture(params=["http", "https"])
    def conversation(self, request, start_bridge, certificates):
        """Runs talk(websocket) between a websockets client and a server that echoes, through the bridge."""
        tls = certificates.good.server() if request.param == "https" else None
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"{request.param}://127.0.0.1:{listener.getsockname()[1]}"
        bridge = start_bridge(url, f"[tls]\nca_file = {certificates.authority.pem}\n")

        async def echo(websocket):
            async for message in websocket:
                await websocket.send(message)

        async def run(talk, compression):
            options = {"max_size": None, "ping_interval": None, "compression": compression}
            async with websockets.serve(echo, sock=listener, ssl=tls, **options):
                async with websockets.connect(f"ws://{bridge.address}/chat", **options) as websocket:
                    await talk(websocket)
            return bridge

        yield lambda talk, compression="deflate": asyncio.run(asyncio.wait_for(run(talk, compression), TALK_SECONDS))
        listener.close()

    def test_messages_come_back(self, conversation):
        async def talk(websocket):
            for message in ("hello", b"\0\r\n\r\n", "", "a" * 1_000_000, b"b" * 5_000_000):
                await websocket.send(message)
                assert await websocket.recv() == message

        conversation(talk)

    def test_bulk(self, conversation):
        """So many messages of 1 MiB each way, sent while the echo of those before is read."""
        count = min(int(os.environ.get("E2E_BULK_MIB", "100")), 100)
        block = os.urandom(1 << 20)

        async def talk(websocket):
            async def send():
                for number in range(count):
                    await websocket.send(number.to_bytes(2, "big") + block)

            sender = asyncio.ensure_future(send())
            for number in range(count):
                assert await websocket.recv() == number.to_bytes(2, "big") + block
            await sender

        line = conversation(talk, compression=None).access()
        assert min(int(line["received"]), int(line["sent"])) > count << 20

    def test_ping_and_close(self, conversation):
        async def talk(websocket):
            await (await websocket.ping())
            await websocket.close(4000, "enough")
            assert websocket.close_code == 4000

        assert conversation(talk).access()["status"] == "101"


def check_switch(client):
    """Reads the 101; its Connection is the proxy's own, wherever it stands."""
    head = Head(client.read_head())
    assert head.start_line == b"HTTP/1.1 101 Switching Protocols"
    assert sorted(head.fields) == [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]


@pytest.fixture
def tunnel(client, target):
    """Both ends of an established tunnel."""
    upstream = ask(client, target, get(fields=ASK))
    upstream.send(SWITCH)
    check_switch(client)
    return client, upstream


class TestTunnel:
    def test_octets_go_both_ways(self, tunnel):
        client, upstream = tunnel
        client.send(b"\x81\r\n\r\n\0up")
        assert upstream.read(8) == b"\x81\r\n\r\n\0up"
        upstream.send(b"HTTP/1.1 400 no\r\n\r\n")
        assert client.read(19) == b"HTTP/1.1 400 no\r\n\r\n"

    def test_client_finishes_first(self, tunnel):
        client, upstream = tunnel
        client.send(b"last words")
        client.finish()
        assert upstream.read_to_end() == b"last words" and upstream.ending == "FIN"
        upstream.send(b"answer")
        upstream.close()
        assert client.read_to_end() == b"answer" and client.ending == "FIN"

    def test_target_finishes_first(self, tunnel):
        client, upstream = tunnel
        upstream.send(b"last words")
        upstream.finish()
        assert client.read_to_end() == b"last words" and client.ending == "FIN"
        client.send(b"answer")
        client.close()
        assert upstream.read_to_end() == b"answer"

    @pytest.mark.parametrize("ending", ["close", "reset"])
    def test_end_of_one_side_ends_the_other(self, tunnel, ending):
        client, upstream = tunnel
        getattr(upstream, ending)()
        assert client.end()

    def test_reset_by_the_client(self, tunnel):
        client, upstream = tunnel
        client.reset()
        assert upstream.end()

    def test_octets_that_come_with_the_101(self, client, target):
        upstream = ask(client, target, get(fields=ASK))
        upstream.send(SWITCH + b"first frame")
        check_switch(client)
        assert client.read(11) == b"first frame"

    def test_octets_that_come_with_the_request(self, client, target):
        client.send(get(fields=ASK) + b"first frame")
        upstream = target.accept()
        upstream.read_head()
        upstream.send(SWITCH)
        check_switch(client)
        assert upstream.read(11) == b"first frame"

    def test_idle_tunnel_is_closed(self, connect, start_bridge, target):
        client = connect(start_bridge(target, "[timeouts]\ntunnel_idle = 300ms\n"))
        upstream = ask(client, target, get(fields=ASK))
        upstream.send(SWITCH)
        check_switch(client)
        assert client.end() == "FIN"
        assert upstream.end()

    def test_access_line_comes_at_the_end(self, tunnel, bridge):
        client, upstream = tunnel
        client.send(b"hello")
        upstream.read(5)
        upstream.send(b"hello world")
        client.read(11)
        assert bridge.stdout.all == []
        client.close()
        upstream.close()
        line = bridge.access()
        assert (line["status"], line["received"], line["sent"]) == ("101", "5", "11")

    def test_drain_is_bounded(self, connect, start_bridge, target):
        bridge = start_bridge(target, "[timeouts]\ndrain = 300ms\n")
        client = connect(bridge)
        client.send(get(fields=ASK))
        upstream = target.accept()
        upstream.send(SWITCH)
        client.read_head()
        bridge.signal(signal.SIGTERM)
        assert bridge.wait_exit() == 0
        assert client.end()


class TestRequest:
    @pytest.mark.parametrize(
        "fields",
        [
            ASK,
            b"connection: keep-alive, upgrade\r\nupgrade: WebSocket\r\n",
            b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
        ],
        ids=repr,
    )
    def test_is_forwarded(self, client, target, fields):
        client.send(get(fields=fields + b"Sec-WebSocket-Key: eDp5\r\n"))
        head = Head(target.accept().read_head())
        assert [value.lower() for value in head.values(b"Upgrade")] == [b"websocket"]
        assert b"upgrade" in [value.lower() for value in head.values(b"Connection")]
        assert head.values(b"Sec-WebSocket-Key") == [b"eDp5"]

    @pytest.mark.parametrize(
        "request_octets",
        [
            get(fields=b"Upgrade: websocket\r\n"),
            get(fields=b"Connection: Upgrade\r\nUpgrade: h2c\r\n"),
            get(fields=ASK, version=b"HTTP/1.0"),
        ],
        ids=["not named", "h2c", "1.0"],
    )
    def test_is_not_an_upgrade(self, client, target, request_octets):
        client.send(request_octets)
        upstream = target.accept()
        assert Head(upstream.read_head()).values(b"Upgrade") == []
        upstream.send(SWITCH)
        refusal(client, {502})

    def test_target_that_declines(self, client, target):
        """An ordinary response to an upgrade is an ordinary response; the connection goes on."""
        upstream = ask(client, target, get(fields=ASK))
        upstream.send(response(b"403 Forbidden", content=b"no"))
        assert client.read_response().content == b"no"
        client.send(get())
        upstream.read_head()
        upstream.send(OK)
        assert client.read_response().raw == OK


class TestSwitchRefused:
    @pytest.mark.parametrize(
        "switch",
        [SWITCH.replace(b"websocket", b"other"), b"HTTP/1.1 101 Switching Protocols\r\n\r\n"],
        ids=["another protocol", "no protocol"],
    )
    def test_that_does_not_match(self, client, target, switch):
        upstream = ask(client, target, get(fields=ASK))
        upstream.send(switch + b"frame")
        refusal(client, {502})
        assert upstream.end()

    def test_that_nobody_asked_for(self, client, target):
        upstream = ask(client, target)
        upstream.send(SWITCH + b"frame")
        refusal(client, {502})
        assert upstream.end()


def test_tls_target_closing_its_half(connect, start_bridge, start_target, certificates):
    """Through TLS the end of a direction is a close_notify; the octets before it arrive."""
    target = start_target(tls=certificates.good.server())
    client = connect(start_bridge(target, f"[tls]\nca_file = {certificates.authority.pem}\n"))
    upstream = ask(client, target, get(fields=ASK))
    upstream.send(SWITCH + b"last words")
    check_switch(client)
    upstream.sock.settimeout(0)
    with pytest.raises(ssl.SSLWantReadError):
        upstream.sock.unwrap()  # sends close_notify, and does not wait for the answer to it
    assert client.read_to_end() == b"last words"


def test_tunnels_leave_no_child(tunnel, bridge):
    client, upstream = tunnel
    client.close()
    upstream.close()
    wait_until(lambda: not bridge.children(), "the child has ended")
