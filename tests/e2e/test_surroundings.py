"""What the bridge is started in: closed and full descriptors, no file to reload, nohup."""

import os
import signal
from itertools import chain, combinations

import pytest
from bridge import run
from message import OK, get
from rawclient import ask, refusal
from target import answering

DEBUG = "[log]\nlevel = debug\n"


@pytest.fixture
def path(tmp_path):
    """Where a bridge listens whose messages cannot be read."""
    return tmp_path / "socket"


def through_shell(redirections):
    """The command that starts the bridge with these redirections."""
    return ["sh", "-c", f'exec "$0" "$@" {redirections}']


class TestClosedDescriptors:
    """A socket that got the number of a standard stream would be sent the log."""

    COMBINATIONS = list(chain.from_iterable(combinations((0, 1, 2), count) for count in (1, 2, 3)))

    @pytest.mark.parametrize("closed", COMBINATIONS, ids=str)
    def test_no_line_gets_into_a_connection(self, connect, start_bridge, start_target, path, closed):
        target = start_target().serve(answering(OK))
        through = through_shell(" ".join(f"{number}>&-" for number in closed))
        bridge = start_bridge(target, DEBUG, listen=f"unix:{path}", wait=False, through=through)
        bridge.wait_listening(path)
        client = connect(f"unix:{path}")
        for _ in range(3):
            assert client.exchange(get()).raw == OK
        client.finish()
        assert client.end() == "FIN"
        heads = [request.head.raw for request in target.requests]
        assert target.received() == b"".join(heads) and heads[0].startswith(b"GET / HTTP/1.1\r\n")

    @pytest.mark.parametrize("closed", COMBINATIONS, ids=str)
    def test_no_warning_gets_into_a_connection(self, connect, start_bridge, tmp_path, path, closed):
        through = through_shell(" ".join(f"{number}>&-" for number in closed))
        settings = {"listen": f"unix:{path}", "wait": False, "through": through}
        start_bridge(f"unix:{tmp_path}/nobody", DEBUG, **settings).wait_listening(path)
        client = connect(f"unix:{path}")
        for _ in range(3):
            client.send(get())
            refusal(client, {502})
        client.finish()
        assert client.end() == "FIN"


class TestFullPipes:
    """Nobody reads what the bridge writes."""

    @pytest.fixture(params=["1", "2", "12"])
    def stuffed(self, request, tmp_path):
        """The redirections of stdout, stderr or both to a pipe that takes no further octet."""
        os.mkfifo(tmp_path / "pipe")
        pipe = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)
        for size in (4096, 1):
            with pytest.raises(BlockingIOError):
                while True:
                    os.write(pipe, b"x" * size)
        yield through_shell(" ".join(f"{number}<>{tmp_path}/pipe" for number in request.param))
        os.close(pipe)

    def test_clients_are_served(self, connect, start_bridge, origin, path, stuffed):
        bridge = start_bridge(origin, listen=f"unix:{path}", wait=False, through=stuffed).wait_listening(path)
        clients = [connect(f"unix:{path}") for _ in range(3)]
        for client in clients:
            assert [client.exchange(get()).raw for _ in range(3)] == [OK] * 3
            client.close()
        bridge.signal(signal.SIGTERM)
        assert bridge.wait_exit() == 0

    def test_failures_are_answered(self, connect, start_bridge, tmp_path, path, stuffed):
        settings = {"listen": f"unix:{path}", "wait": False, "through": stuffed}
        start_bridge(f"unix:{tmp_path}/nobody", DEBUG, **settings).wait_listening(path)
        client = connect(f"unix:{path}")
        for _ in range(2):
            client.send(get())
            refusal(client, {502})


@pytest.mark.parametrize("option", ["--check", "--help", "--version"])
def test_full_disk_is_reported(option):
    """Where stdout is the result, losing it is a failure."""
    with open("/dev/full", "w", encoding="ascii") as full:
        done = run(option, "--target", "http://127.0.0.1:9", stdout=full)
    assert done.returncode == 71
    assert done.stderr.startswith("authbridge: error: ")


class TestHangUp:
    """SIGHUP where there is no file to read again: the terminal was closed."""

    @pytest.fixture
    def arguments(self, target):
        return ["--listen", "127.0.0.1:0", "--target", target.url]

    def test_stops_like_sigterm(self, connect, start_bridge, target, arguments):
        bridge = start_bridge(arguments=arguments, through=["env", "--default-signal=HUP"])
        client = connect(bridge)
        upstream = ask(client, target)
        bridge.signal(signal.SIGHUP)
        bridge.message("authbridge: stopping")
        upstream.send(OK)
        assert client.read_response().content == b"ok"
        assert client.end() == "FIN"
        client.close()
        assert bridge.wait_exit() == 0

    def test_under_nohup_it_stays(self, connect, start_bridge, target, arguments):
        bridge = start_bridge(arguments=arguments, through=["nohup"])
        bridge.signal(signal.SIGHUP)
        bridge.signal(signal.SIGUSR1)
        bridge.message("authbridge: status")
        client = connect(bridge)
        ask(client, target).send(OK)
        assert client.read_response().raw == OK
        assert "stopping" not in bridge.output()

    def test_under_nohup_a_file_is_read_again(self, start_bridge, target):
        bridge = start_bridge(target, through=["nohup"])
        bridge.signal(signal.SIGHUP)
        bridge.message("authbridge: reloaded")
