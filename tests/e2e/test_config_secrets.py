"""Faults in the configuration that were once passed over, or shown with the secret in them."""

import pytest
from bridge import SECRET, configuration, run
from message import OK, get, row

PROXY = configuration("http://127.0.0.1:9")
MARK = b"\xef\xbb\xbf"


class TestMisreadLines:
    """What was taken for a comment or for nothing, so that settings were lost."""

    FILES = [
        row("misspelt first section", PROXY.replace("[proxy]", "[prxy]").encode(), 1),
        row("misspelt first section behind a mark", MARK + PROXY.replace("[proxy]", "[prxy]").encode(), 1),
        row("no section behind a mark", MARK + PROXY.replace("[proxy]\n", "").encode(), 1),
        row("mark in the middle", PROXY.encode() + MARK + b"[limits]\n", 4),
        row("setting behind a section", PROXY.encode() + b"[tls] verify = on\n", 4),
        row("word behind a section", PROXY.encode() + b"[limits]connections = 5\n", 4),
        row("section behind a section", PROXY.encode() + b"[tls][access]\n", 4),
        row("space in a section", PROXY.encode() + b"[ limits ]\nconnections = 5\n", 4),
        row("section in capitals", PROXY.encode() + b"[Limits]\nconnections = 5\n", 4),
    ]

    @pytest.mark.parametrize("content, line", FILES)
    def test_refused(self, check, content, line):
        done = check(content)
        assert done.returncode == 78
        assert f"{check.path}:{line}: " in done.stderr.splitlines()[0]

    def test_mark_alone_is_no_fault(self, check):
        assert check(MARK + PROXY.encode()).returncode == 0

    def test_white_space_behind_a_section_is_no_fault(self, check):
        assert check(PROXY.replace("[proxy]", "[proxy] \t")).returncode == 0


class TestSecretsInFaults:
    """A line that lacks its = or : may be all secret."""

    LINES = [
        f"Authorization Bearer {SECRET}==",
        f"Authorization Bearer {SECRET}",
        f"Bearer {SECRET} = x",
        f"= {SECRET}",
    ]

    @pytest.mark.parametrize("line", LINES)
    @pytest.mark.parametrize("section", ["request-headers", "response-headers", "proxy", "tls"])
    def test_in_the_file(self, check, section, line):
        more = f"{line}\n" if section == "proxy" else f"[{section}]\n{line}\n"
        done = check(configuration("http://127.0.0.1:9", more))
        assert done.returncode == 78
        assert f"{check.path}:{4 if section == 'proxy' else 5}: " in done.stderr
        assert SECRET not in done.stderr + done.stdout

    @pytest.mark.parametrize("header", [f"Bearer {SECRET}: x", f"Authorization Bearer {SECRET}", f"{SECRET} :x"])
    def test_on_the_command_line(self, header):
        done = run("--target", "http://127.0.0.1:9", "--check", "--header", header)
        assert done.returncode == 78
        assert SECRET not in done.stderr + done.stdout

    def test_faulty_reload(self, start_bridge, origin):
        """Bridge.stop looks for the secret in what it wrote."""
        bridge = start_bridge(origin)
        bridge.reload(configuration(origin.url, f"[request-headers]\nAuthorization Bearer {SECRET}==\n"))
        bridge.message("reload failed")


class TestLimits:
    def test_request_head_alone(self, check):
        """request_target, of which nothing is said, is not larger than the head that holds it."""
        done = check(PROXY + "[limits]\nrequest_head = 8K\n")
        assert done.returncode == 0, done.stderr

    def test_request_target_larger_than_request_head(self, check):
        done = check(PROXY + "[limits]\nrequest_head = 8K\nrequest_target = 9K\n")
        assert done.returncode == 78 and f"{check.path}:6: " in done.stderr

    def test_small_request_head_serves(self, connect, start_bridge, origin):
        client = connect(start_bridge(origin, "[limits]\nrequest_head = 8K\n"))
        assert client.exchange(get(b"/" + b"a" * 7000)).raw == OK
        assert client.exchange(get(b"/" + b"a" * 9000)).status in (414, 431)


class TestAddresses:
    @pytest.mark.parametrize("listen", ["[::ffff:127.0.0.1]:0", "[::ffff:0.0.0.0]:0", "[::ffff:7f00:1]:0"])
    def test_ipv4_address_as_ipv6(self, check, listen):
        done = check(configuration("http://127.0.0.1:9", "[access]\nallow = 127.0.0.1\n", listen))
        assert done.returncode == 78
        assert f"{check.path}:2: " in done.stderr and listen in done.stderr


class TestHeaderOptions:
    @pytest.mark.parametrize("second", ["X-A: b", "x-a: b", "X_A: b", "X-A:"])
    def test_one_name_twice(self, second):
        done = run("--target", "http://127.0.0.1:9", "--check", "--header", "X-A: a", "--header", second)
        assert done.returncode == 78
        assert done.stderr.startswith("authbridge: error: --header: ")

    def test_replaces_what_the_file_says(self, connect, start_bridge, origin, tmp_path):
        (tmp_path / "proxy.ini").write_text(configuration(origin.url, "[request-headers]\nX-A = file\n"))
        bridge = start_bridge(arguments=["-c", tmp_path / "proxy.ini", "--header", "X-A: option"])
        assert connect(bridge).exchange(get()).raw == OK
        assert origin.requests[0].values(b"X-A") == [b"option"]
