"""Fixtures: a target, a bridge in front of it and a client of that bridge, each ended after its test."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from bridge import Bridge, configuration, run, with_listener, with_process_model
from browser import Browser
from certs import Certificates
from message import OK
from rawclient import connect as connect_raw
from target import Target, answering
from tokenserver import TokenServer


@pytest.fixture
def bridges():
    """The daemons that a test started; stopped last, when clients and targets are gone."""
    started = []
    yield started
    _end_all(started, Bridge.stop)


@pytest.fixture
def start_target(bridges):
    """Starts a target: start_target(), start_target(tls=context), start_target(("::1", 0)), start_target("/path")."""
    started = []

    def start(*arguments, **settings):
        started.append(Target(*arguments, **settings))
        return started[-1]

    yield start
    _end_all(started, Target.close)


@pytest.fixture
def nothing_ahead(monkeypatch):
    """No process connects to the target before a client asks: none is made ahead, and none comes back.

    For tests that count connections to the target, or whose target does not end while it has some.
    """
    monkeypatch.setenv("E2E_STANDBY", "0")
    monkeypatch.setenv("E2E_RECYCLE", "1")


@pytest.fixture
def no_recycling(monkeypatch):
    """For tests of what ends with a client: its child, and the connection to the target."""
    monkeypatch.setenv("E2E_RECYCLE", "1")


@pytest.fixture
def connect(start_target):
    """Connects a raw client to a bridge: connect(bridge), connect(bridge.addresses[1])."""
    clients = []

    def start(to, source=None, tls=None):
        clients.append(connect_raw(to if isinstance(to, str) else to.address, source, tls))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


@pytest.fixture
def start_bridge(bridges, tmp_path, request):
    """Starts a bridge: start_bridge(target, more) where `more` is the text of proxy.ini after the target's line.

    target is a Target or a URL. With text=... the whole of proxy.ini is given, with arguments=... the command line.
    """

    def good():
        return request.getfixturevalue("certificates").good

    def start(target=None, more="", *, listen="127.0.0.1:0", text=None, arguments=None, wait=True, **settings):
        config = tmp_path / f"proxy-{len(bridges)}.ini"
        if arguments is None:
            made = configuration(getattr(target, "url", target), more, listen)
            config.write_text(text or with_listener(with_process_model(made), good))
            arguments = ["-c", config]
        bridges.append(Bridge(arguments, cwd=tmp_path, config=config, **settings))
        return bridges[-1].wait_ready() if wait else bridges[-1]

    return start


@pytest.fixture
def tls_files(certificates, tmp_path):
    """The certificate and key of the listener, as files of the test's own, only for their owner."""
    shutil.copy(certificates.good.pem, tmp_path / "cert.pem")
    shutil.copy(certificates.good.key, tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(0o600)
    return tmp_path


@pytest.fixture
def start_tls(start_bridge, tls_files, origin):
    """Starts a bridge whose clients speak TLS: start_tls(what stands in [listen-tls] behind cert and key, before it)."""

    def start(more="", before="", listen="https://127.0.0.1:0", target=None, **settings):
        text = before + f"[listen-tls]\ncert = {tls_files}/cert.pem\nkey = {tls_files}/key.pem\n" + more
        return start_bridge(target or origin, text, listen=listen, **settings)

    return start


@pytest.fixture
def target(start_target):
    """A target that the test drives itself: upstream = target.accept()."""
    return start_target()


@pytest.fixture
def origin(start_target):
    """A target that answers every request with 200 and "ok"; the requests are in origin.requests."""
    return start_target().serve(answering(OK))


@pytest.fixture
def bridge(start_bridge, target):
    """A bridge with default settings in front of `target`."""
    return start_bridge(target)


@pytest.fixture
def client(connect, bridge):
    """A raw client of `bridge`."""
    return connect(bridge)


@pytest.fixture
def check(tmp_path):
    """Writes a proxy.ini and says what --check makes of it."""
    path = tmp_path / "proxy.ini"

    def run_check(text, env=None):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return run("-c", path, "--check", env=env, cwd=tmp_path)

    run_check.path = path
    return run_check


@pytest.fixture
def start_proxy(start_target):
    """Starts an outgoing proxy of a kind."""
    started = []

    def start(kind, *arguments):
        started.append(kind(*arguments))
        return started[-1]

    yield start
    for proxy in started:
        proxy.close()


@pytest.fixture
def start_token_server(bridges):
    """Starts a token endpoint: start_token_server(lifetime=2)."""
    started = []

    def start(**settings):
        started.append(TokenServer(**settings))
        return started[-1]

    yield start
    _end_all(started, TokenServer.close)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Headless Chromium, one for all tests: each opens a page of its own."""
    chromium = Browser(tmp_path_factory.mktemp("browser"))
    yield chromium
    chromium.close()


@pytest.fixture
def public_folder():
    """A folder that every user may enter, which those of tmp_path are not."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


def _end_all(things, end):
    """Ends each of the things, whatever happens to the others, and then reports the first failure."""
    failures = []
    for thing in reversed(things):
        try:
            end(thing)
        except Exception as failure:
            failures.append(failure)
    if failures:
        raise failures[0]
