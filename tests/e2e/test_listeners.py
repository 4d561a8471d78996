"""The listeners: every kind of address, and the files of Unix sockets, which must not harm anybody else's."""

import os
import signal
import socket
import stat

import pytest
from bridge import ACCESS_LINE, configuration, run
from message import OK, get
from rawclient import refusal


@pytest.fixture
def path(tmp_path):
    """Where a Unix socket is to be."""
    return tmp_path / "socket"


class TestListeners:
    def test_of_every_kind_at_once(self, connect, start_bridge, origin, tmp_path):
        bridge = start_bridge(origin, listen=f"127.0.0.1:0, [::1]:0, unix:{tmp_path}/socket")
        assert len(bridge.addresses) == 3
        assert bridge.addresses[2] == f"unix:{tmp_path}/socket"
        for address in bridge.addresses:
            client = connect(address)
            assert [client.exchange(get()).raw for _ in range(2)] == [OK] * 2

    def test_client_addresses(self, connect, start_bridge, origin, tmp_path):
        settings = "[request-headers]\nX-From = ${client_ip}\n"
        bridge = start_bridge(origin, settings, listen=f"127.0.0.1:0, [::1]:0, unix:{tmp_path}/socket")
        for address in bridge.addresses:
            connect(address).exchange(get())
        values = [request.values(b"X-From")[0] for request in origin.requests]
        assert values[:2] == [b"127.0.0.1", b"::1"] and b"/" not in values[2]

    def test_socket_is_removed_at_the_end(self, start_bridge, origin, tmp_path):
        bridge = start_bridge(origin, listen=f"unix:{tmp_path}/socket")
        bridge.stop()
        assert not (tmp_path / "socket").exists()

    def test_socket_left_by_a_killed_bridge(self, connect, start_bridge, origin, tmp_path):
        """A crash must not keep its successor from starting."""
        killed = start_bridge(origin, listen=f"unix:{tmp_path}/socket")
        killed.expected_status = -signal.SIGKILL
        killed.signal(signal.SIGKILL)
        killed.wait_exit()
        bridge = start_bridge(origin, listen=f"unix:{tmp_path}/socket")
        assert connect(bridge).exchange(get()).raw == OK

    def test_socket_of_a_living_bridge_is_not_taken(self, connect, start_bridge, origin, tmp_path):
        listen = f"unix:{tmp_path}/socket"
        bridge = start_bridge(origin, listen=listen)
        done = run("--listen", listen, "--target", origin.url)
        assert done.returncode == 71 and listen in done.stderr
        assert connect(bridge).exchange(get()).raw == OK

    def test_restart_takes_the_port_at_once(self, connect, start_bridge, origin):
        """Though the kernel still remembers a connection that the bridge closed first."""
        first = start_bridge(origin)
        client = connect(first)
        client.exchange(get(fields=b"Connection: close\r\n"))
        assert client.end() == "FIN"
        client.close()
        first.stop()
        second = start_bridge(origin, listen=first.address)
        assert connect(second).exchange(get()).raw == OK


@pytest.fixture
def listen_at():
    """Listens on a Unix socket, as some other program would."""
    sockets = []

    def start(path, backlog=128):
        sockets.append(socket.socket(socket.AF_UNIX))
        sockets[-1].bind(str(path))
        sockets[-1].listen(backlog)
        return sockets[-1]

    yield start
    for sock in sockets:
        sock.close()


class TestSocketFile:
    def test_other_file_is_left_alone(self, path, origin):
        path.write_text("content")
        done = run("--listen", f"unix:{path}", "--target", origin.url)
        assert done.returncode == 71 and str(path) in done.stderr
        assert path.read_text() == "content"

    def test_link_is_left_alone(self, path, tmp_path, origin):
        """Nor is the file that it leads to touched."""
        (tmp_path / "file").write_text("content")
        path.symlink_to(tmp_path / "file")
        assert run("--listen", f"unix:{path}", "--target", origin.url).returncode == 71
        assert path.is_symlink() and (tmp_path / "file").read_text() == "content"

    def test_stale_one_is_replaced(self, connect, start_bridge, origin, listen_at, path):
        listen_at(path).close()
        assert connect(start_bridge(origin, listen=f"unix:{path}")).exchange(get()).raw == OK

    def test_one_of_another_program_with_a_full_backlog(self, origin, listen_at, path):
        """It does not take a connection, and does not refuse one either."""
        listen_at(path, backlog=0)
        filling = []
        while not filling or filling[-1].connect_ex(str(path)) == 0:
            filling.append(socket.socket(socket.AF_UNIX))
            filling[-1].setblocking(False)
        done = run("--listen", f"unix:{path}", "--target", origin.url)
        assert done.returncode == 71 and str(path) in done.stderr
        assert stat.S_ISSOCK(path.stat().st_mode)
        for sock in filling:
            sock.close()

    def test_replaced_by_a_socket_stays(self, start_bridge, origin, listen_at, path):
        bridge = start_bridge(origin, listen=f"unix:{path}")
        path.unlink()
        listen_at(path)
        before = path.stat()
        bridge.stop()
        assert path.stat().st_ino == before.st_ino

    def test_replaced_by_a_file_stays(self, start_bridge, origin, path):
        bridge = start_bridge(origin, listen=f"unix:{path}")
        path.unlink()
        path.write_text("content")
        bridge.stop()
        assert path.read_text() == "content"

    def test_replaced_one_stays_when_a_reload_drops_its_address(self, start_bridge, origin, listen_at, path):
        bridge = start_bridge(origin, listen=f"unix:{path}")
        path.unlink()
        other = listen_at(path)
        bridge.reload(configuration(origin.url))
        bridge.message("authbridge: reloaded")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            other.accept()[0].close()

    def test_successor_may_take_the_path_over(self, connect, start_bridge, origin, path):
        """The one that stops later must not cut off the one that clients reach now."""
        first = start_bridge(origin, listen=f"unix:{path}")
        path.unlink()
        second = start_bridge(origin, listen=f"unix:{path}")
        first.stop()
        assert connect(second).exchange(get()).raw == OK

    @pytest.mark.parametrize("mask", ["000", "077", "777"])
    def test_everybody_may_connect(self, start_bridge, origin, path, mask):
        """Whatever the umask: the folder's mode decides."""
        start_bridge(origin, listen=f"unix:{path}", through=["sh", "-c", f'umask {mask}; exec "$0" "$@"'])
        assert stat.S_IMODE(path.stat().st_mode) == 0o666

    def test_lost_one_is_made_again_by_a_reload(self, connect, start_bridge, origin, path):
        bridge = start_bridge(origin, listen=f"unix:{path}")
        path.unlink()
        bridge.signal(signal.SIGHUP)
        bridge.message("authbridge: reloaded")
        client = connect(bridge)
        assert client.exchange(get()).raw == OK
        client.close()
        bridge.stop()
        assert not path.exists()


class TestUnixClient:
    """The path that a client has bound is the client's to choose."""

    PATH = "a\r\nX-Evil: b\r\n\r\nauthbridge: forged"
    SETTINGS = "[request-headers]\nX-From = ${client_ip}\n"

    @pytest.fixture
    def source(self, tmp_path):
        path = os.fsencode(tmp_path / self.PATH)
        assert len(path) < 108, "a Unix socket's path is short"
        return path

    def test_gets_into_no_field(self, connect, start_bridge, origin, path, source):
        bridge = start_bridge(origin, self.SETTINGS, listen=f"unix:{path}")
        assert connect(bridge, source).exchange(get()).raw == OK
        (request,) = origin.requests
        assert request.values(b"X-From") == [b"unix:"]
        assert b"vil" not in request.head.raw

    def test_adds_no_access_line(self, connect, start_bridge, origin, path, source):
        bridge = start_bridge(origin, self.SETTINGS, listen=f"unix:{path}")
        client = connect(bridge, source)
        assert client.exchange(get()).raw == OK
        client.close()
        bridge.stop()
        (line,) = bridge.stdout.all
        assert ACCESS_LINE.fullmatch(line)["client"] == "unix:"

    def test_adds_no_message(self, connect, start_bridge, tmp_path, path, source):
        """The warning about a target that fails names the client."""
        bridge = start_bridge(f"unix:{tmp_path}/nobody", "[log]\nlevel = debug\n", listen=f"unix:{path}")
        client = connect(bridge, source)
        client.send(get())
        refusal(client, {502})
        client.close()
        bridge.stop()
        assert "forged" not in bridge.output() and "Evil" not in bridge.output()
