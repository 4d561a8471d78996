"""The demo: one command shows a newcomer what the bridge does."""

import re
import shlex
import signal
import subprocess

import pytest
from wire import DEADLINE


@pytest.fixture
def demo(start_bridge):
    return start_bridge(arguments=["--demo", "--listen", "127.0.0.1:0"])


def suggested_command(demo):
    """The curl line that the demo prints."""
    (line,) = demo.stdout.wait(lambda line: re.search(r"\bcurl\b.*http", line), 1, "curl line")
    return shlex.split(line[line.index("curl ") :])


def test_suggested_command_shows_the_rewriting(demo):
    command = suggested_command(demo)
    assert any(demo.address in part for part in command)
    done = subprocess.run([*command, "-sS"], capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert re.search(r"^GET \S+ HTTP/1.1$", done.stdout, re.MULTILINE)
    assert re.search(r"^Authorization: \S+", done.stdout, re.MULTILINE)
    (host,) = re.findall(r"^Host: (\S+)", done.stdout, re.MULTILINE)
    assert host != demo.address


def test_echo_shows_the_exact_head(demo, connect):
    answer = connect(demo).exchange(b"GET /a?b HTTP/1.1\r\nHost: x\r\nx-oDD:  1\r\nAuthorization: mine\r\n\r\n")
    assert answer.status == 200
    assert b"GET /a?b HTTP/1.1\r\n" in answer.content and b"\r\nx-oDD:  1\r\n" in answer.content
    assert b"mine" not in answer.content and answer.content.count(b"Authorization: ") == 1


def test_several_requests_on_one_connection(demo, connect):
    client = connect(demo)
    for path in (b"/1", b"/2", b"/3"):
        assert path in client.exchange(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n").content


def test_several_clients(demo, connect):
    clients = [connect(demo) for _ in range(10)]
    assert {client.exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").status for client in clients} == {200}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly(demo, connect, number):
    client = connect(demo)
    assert client.exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
    client.close()
    demo.signal(number)
    assert demo.wait_exit() == 0
