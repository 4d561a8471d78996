"""A web page in a real browser that talks to its service through the bridge: fetch, events, WebSocket."""

import asyncio
import socket
import threading
from http import HTTPStatus

import pytest
import websockets
from bridge import SECRET
from wire import DEADLINE

pytestmark = pytest.mark.usefixtures("nothing_ahead")

# With an icon of its own: the browser asks for no /favicon.ico, whose answer it might complain about in a later test.
PAGE = b'<!DOCTYPE html><title>page</title><link rel="icon" href="data:,"><p>hello from the target</p>'
EVENTS = b"data: one\n\nevent: last\ndata: two\n\n"


class Site:
    """A target on one port: a page, a stream of events, and WebSocket that echoes; it keeps the heads it saw."""

    def __init__(self, tls=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.listener.getsockname()[1]}"
        self.tls = tls
        self.heads = {}
        self.loop = asyncio.new_event_loop()
        self.started = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.started.wait(DEADLINE)

    def close(self):
        self.loop.call_soon_threadsafe(self.done.set)
        self.thread.join(DEADLINE)
        assert not self.thread.is_alive()

    def _run(self):
        self.loop.run_until_complete(self._serve())
        self.loop.close()

    async def _serve(self):
        self.done = asyncio.Event()
        options = {"sock": self.listener, "ssl": self.tls, "process_request": self._answer, "max_size": None}
        async with websockets.serve(self._echo, subprotocols=["echo"], **options):
            self.started.set()
            await self.done.wait()

    async def _answer(self, path, headers):
        self.heads[path] = headers
        if path == "/":
            return HTTPStatus.OK, {"Content-Type": "text/html"}, PAGE
        if path == "/events":
            return HTTPStatus.OK, {"Content-Type": "text/event-stream"}, EVENTS
        return None  # goes on to a WebSocket

    async def _echo(self, websocket):
        async for message in websocket:
            await websocket.send(message)


@pytest.fixture(params=["http", "https"])
def site(request, certificates):
    target = Site(certificates.good.server() if request.param == "https" else None)
    yield target
    target.close()


@pytest.fixture
def page(browser, start_bridge, site, certificates):
    """The site's page, loaded through the bridge."""
    settings = f"[tls]\nca_file = {certificates.authority.pem}\n[timeouts]\ndrain = 100ms\n"
    bridge = start_bridge(site, settings + f"[request-headers]\nAuthorization = Bearer {SECRET}\n")
    return browser.open(bridge.url)


def test_page_and_fetch(page):
    assert page.text() == "hello from the target"
    assert page.settle("return await (await fetch('/')).text()").encode() == PAGE
    assert SECRET not in page.run("return document.documentElement.outerHTML")


def test_websocket(page, site):
    """Text and octets come back, a large message too; the browser negotiates a subprotocol, and closes as it likes."""
    script = """
        const socket = new WebSocket(`ws://${location.host}/chat?room=1`, ['other', 'echo']);
        socket.binaryType = 'arraybuffer';
        const next = name => new Promise((resolve, reject) => {
            socket.addEventListener(name, resolve, { once: true });
            socket.addEventListener('error', () => reject('the WebSocket failed'), { once: true });
        });
        await next('open');
        const echoed = async message => {
            const answer = next('message');
            socket.send(message);
            return (await answer).data;
        };
        const text = await echoed('grüße');
        const large = new Uint8Array(3000000).map((_, at) => at % 251);
        const returned = new Uint8Array(await echoed(large));
        const same = returned.length === large.length && returned.every((octet, at) => octet === large[at]);
        const closed = next('close');
        socket.close(4001, 'enough');
        const { code, reason, wasClean } = await closed;
        return { text, same, protocol: socket.protocol, code, reason, wasClean };
    """
    assert page.settle(script) == {
        "text": "grüße",
        "same": True,
        "protocol": "echo",
        "code": 4001,
        "reason": "enough",
        "wasClean": True,
    }
    head = site.heads["/chat?room=1"]
    assert head["Sec-WebSocket-Protocol"] == "other, echo" and head["Origin"].startswith("http://127.0.0.1:")
    assert head["Authorization"] == f"Bearer {SECRET}"


def test_events(page):
    script = """
        const source = new EventSource('/events');
        const heard = await new Promise((resolve, reject) => {
            const all = [];
            source.onmessage = event => all.push(event.data);
            source.onerror = () => reject('the stream failed');
            source.addEventListener('last', event => resolve([...all, event.data]));
        });
        source.close();
        return heard;
    """
    assert page.settle(script) == ["one", "two"]
