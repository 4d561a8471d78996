"""The configuration: what --check says about good and bad files, and the values that headers can take."""

import re

import pytest
from bridge import REPOSITORY, SECRET, configuration, run
from message import get, row

PROXY = "[proxy]\nlisten = 127.0.0.1:0\ntarget = http://127.0.0.1:9\n"
BEARER_16K = "Bearer " + "t0k3n." * 2730


class TestCheck:
    def test_says_what_the_file_means(self, check):
        done = check(
            f"""\
[proxy]
listen = 127.0.0.1:8080, [::1]:8081
target = https://preprod.example.com/base
host = other.example
[request-headers]
Authorization = Bearer {SECRET}
X-Api-Key = ${{env:KEY}}
[timeouts]
connect = 1500ms
[limits]
connections = 7
""",
            env={"KEY": SECRET},
        )
        assert done.returncode == 0 and done.stderr == ""
        for part in ("127.0.0.1:8080", "[::1]:8081", "https://preprod.example.com/base", "other.example"):
            assert part in done.stdout
        for part in ("Authorization", "X-Api-Key", "***", "1500ms", "7"):
            assert part in done.stdout
        assert SECRET not in done.stdout

    def test_opens_no_socket(self, check, tmp_path):
        assert check(f"[proxy]\nlisten = unix:{tmp_path}/socket\ntarget = http://127.0.0.1:9\n").returncode == 0
        assert not (tmp_path / "socket").exists()

    def test_quiet_one_tells_faults_alone(self, tmp_path):
        """For scripts, and for the unit's reload."""
        path = tmp_path / "proxy.ini"
        path.write_text(PROXY)
        done = run("-c", path, "--check", "--quiet")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        path.write_text(PROXY + "lisen = 1\n")
        done = run("-c", path, "--check", "-q")
        assert (done.returncode, done.stdout) == (78, "")
        assert f"{path}:4: lisen is not a setting" in done.stderr

    @pytest.mark.parametrize("others", [[], ["--check", "--live"], ["--explain", "GET /"], ["--demo"]], ids=repr)
    def test_quiet_goes_with_check(self, others):
        done = run(*([] if "--demo" in others else ["--target", "http://127.0.0.1:9"]), *others, "--quiet")
        assert done.returncode == 64 and "--quiet goes with --check" in done.stderr

    def test_shows_defaults(self, check):
        shown = check(PROXY).stdout
        for name in ("connect", "request_head", "client_idle", "client_write", "response", "drain"):
            assert name in shown
        for value in ("10s", "15s", "30s", "512", "64K", "200", "16K", "unlimited"):
            assert value in shown
        assert "60s" in shown or "1m" in shown

    def test_every_setting_is_in_the_example_and_the_manual(self, check):
        """Those that --check shows are all that there are."""
        names = re.findall(r"^([a-z_]+) = ", check(PROXY).stdout, re.MULTILINE)
        assert len(names) > 30
        example = (REPOSITORY / "proxy.ini.example").read_text()
        manual = (REPOSITORY / "docs" / "proxy.ini.5").read_text()
        for name in names:
            assert re.search(rf"^(; )?{name} = ", example, re.MULTILINE), name
            assert re.search(rf"^\.It Ic {name} No =", manual, re.MULTILINE), name

    def test_example_passes(self):
        done = run("-c", REPOSITORY / "proxy.ini.example", "--check")
        assert done.returncode == 0, done.stderr

    def test_example_shows_every_setting(self):
        text = (REPOSITORY / "proxy.ini.example").read_text()
        sections = ("proxy", "request-headers", "response-headers", "timeouts", "limits", "tls", "access", "log")
        assert all(f"[{section}]" in text for section in sections)
        proxy, timeouts = ("listen", "target", "host", "egress"), ("connect", "request_head", "client_idle")
        limits = ("connections", "request_head", "request_fields", "request_target", "request_body")
        tls = ("verify", "ca_file", "client_cert", "client_key", "server_name", "pinned_key")
        for name in (*proxy, *timeouts, "client_write", "response", "drain", *limits, *tls, "allow", "level", "access"):
            assert f"\n{name} = " in text or f"\n; {name} = " in text, name

    def test_empty_lines_and_comments(self, check):
        assert check("; one\n# two\n\n" + PROXY + "\n; three\n").returncode == 0

    def test_crlf_line_ends(self, check):
        assert check(PROXY.replace("\n", "\r\n")).returncode == 0


def faulty(name, lines, line, *says):
    """A file that fails at that line with a message that holds each of the parts."""
    return row(name, lines, line, says)


FAULTY_FILES = [
    faulty("unknown section", PROXY + "[other]\nkey = a\n", 4, "other"),
    faulty("unknown key", PROXY + "lisen = 127.0.0.1:1\n", 4, "lisen"),
    faulty("key of another section", PROXY + "connections = 5\n", 4, "connections"),
    faulty("duplicate", PROXY + "target = http://127.0.0.1:10\n", 4, "target"),
    faulty("no section", "listen = 127.0.0.1:0\n" + PROXY, 1, "section"),
    faulty("no equals sign", PROXY + "host\n", 4),
    faulty("section is not closed", PROXY + "[limits\n", 4),
    faulty("listen is a port", "[proxy]\nlisten = 8080\ntarget = http://x\n", 2, "8080", "127.0.0.1:8080"),
    faulty("listen has a bad port", "[proxy]\nlisten = 127.0.0.1:99999\ntarget = http://x\n", 2, "99999"),
    faulty("listen is a name", "[proxy]\nlisten = somewhere:80\ntarget = http://x\n", 2, "somewhere:80"),
    faulty("one of several is bad", "[proxy]\nlisten = 127.0.0.1:0, 8080\ntarget = http://x\n", 2, "8080"),
    faulty("listen is empty", "[proxy]\nlisten =\ntarget = http://x\n", 2),
    faulty("target without a scheme", "[proxy]\ntarget = example.com\n", 2, "example.com", "http"),
    faulty("target of another scheme", "[proxy]\ntarget = ftp://example.com\n", 2, "ftp", "http"),
    faulty("target without a host", "[proxy]\ntarget = http://\n", 2, "http"),
    faulty("target with a bad port", "[proxy]\ntarget = http://example.com:99999\n", 2, "99999"),
    faulty("target with a query", "[proxy]\ntarget = http://example.com/?a\n", 2, "http"),
    faulty("target with a password", "[proxy]\ntarget = http://user:pw@example.com\n", 2),
    faulty("host is no authority", PROXY + "host = a/b\n", 4, "a/b"),
    faulty("egress of another scheme", PROXY + "egress = ftp://x:1\n", 4, "egress", "http://", "socks5h://"),
    faulty("duration without a unit", PROXY + "[timeouts]\nconnect = 10\n", 5, "connect", "10s"),
    faulty("duration of another unit", PROXY + "[timeouts]\nconnect = 10parsecs\n", 5, "10parsecs", "10s"),
    faulty("duration below zero", PROXY + "[timeouts]\nconnect = -1s\n", 5, "-1s"),
    faulty("duration of zero", PROXY + "[timeouts]\nconnect = 0s\n", 5, "0s"),
    faulty("duration that overflows", PROXY + "[timeouts]\nconnect = 99999999999999999999s\n", 5, "connect"),
    faulty("size without a unit", PROXY + "[limits]\nrequest_head = 65536\n", 5, "request_head", "64K"),
    faulty("size of another unit", PROXY + "[limits]\nrequest_head = 64 bananas\n", 5, "64K"),
    faulty("size out of range", PROXY + "[limits]\nrequest_head = 99999999G\n", 5, "request_head"),
    faulty("number out of range", PROXY + "[limits]\nconnections = 0\n", 5, "connections"),
    faulty("number that is none", PROXY + "[limits]\nconnections = many\n", 5, "many"),
    faulty("neither on nor off", PROXY + "[tls]\nverify = maybe\n", 5, "maybe", "on", "off"),
    faulty("missing file", PROXY + "[tls]\nca_file = /no/such/file.pem\n", 5, "/no/such/file.pem"),
    faulty("bad pin", PROXY + "[tls]\npinned_key = abc\n", 5, "sha256//"),
    faulty("bad network", PROXY + "[access]\nallow = 10.0.0.0/33\n", 5, "10.0.0.0/33"),
    faulty("network is a name", PROXY + "[access]\nallow = localhost\n", 5, "localhost"),
    faulty("unknown level", PROXY + "[log]\nlevel = loud\n", 5, "loud", "error", "warning", "info", "debug"),
    faulty("field name is no token", PROXY + "[request-headers]\nX Y = a\n", 5, "header's name"),
    faulty("a field twice", PROXY + "[request-headers]\nX-A = a\nX-A = b\n", 6, "X-A"),
    faulty("a field twice, in another spelling", PROXY + "[request-headers]\nX-A = a\nx_a = b\n", 6, "x_a"),
    faulty("framing field", PROXY + "[request-headers]\nContent-Length = 5\n", 5, "Content-Length"),
    faulty("hop-by-hop field", PROXY + "[request-headers]\nConnection = close\n", 5, "Connection"),
    faulty(
        "framing field in a response", PROXY + "[response-headers]\nTransfer-Encoding = x\n", 5, "Transfer-Encoding"
    ),
    faulty("unset variable", PROXY + "[request-headers]\nX-A = ${env:NOT_SET_ANYWHERE}\n", 5, "NOT_SET_ANYWHERE"),
    faulty("missing value file", PROXY + "[request-headers]\nX-A = ${file:/no/such/file}\n", 5, "/no/such/file"),
    faulty("missing credential", PROXY + "[request-headers]\nX-A = ${cred:none}\n", 5, "none"),
    faulty("unknown value", PROXY + "[request-headers]\nX-A = ${other}\n", 5, "other"),
    faulty("value is not closed", PROXY + "[request-headers]\nX-A = ${env:PATH\n", 5),
    faulty("lone dollar sign", PROXY + "[request-headers]\nX-A = a$b\n", 5, "$$"),
    faulty("continued line", PROXY + "[request-headers]\nX-A = a\n  b\n", 6),
]


@pytest.mark.parametrize("text, line, says", FAULTY_FILES)
def test_faulty_file(check, text, line, says):
    done = check(text)
    assert done.returncode == 78
    first = done.stderr.splitlines()[0]
    assert f"{check.path}:{line}: " in first
    for part in says:
        assert part in first


class TestFaults:
    def test_target_is_missing(self, check):
        done = check("[proxy]\nlisten = 127.0.0.1:0\n")
        assert done.returncode == 78
        assert str(check.path) in done.stderr and "target" in done.stderr

    def test_unknown_section_without_a_setting(self, check):
        done = check(PROXY + "[other]\n")
        assert done.returncode == 78 and "other" in done.stderr

    def test_every_fault_is_reported(self, check):
        done = check(PROXY + "[timeouts]\nconnect = 10\n[limits]\nconnections = 0\n")
        assert done.returncode == 78
        assert f"{check.path}:5: " in done.stderr and f"{check.path}:7: " in done.stderr

    def test_file_is_missing(self, tmp_path):
        done = run("-c", tmp_path / "none.ini", "--check")
        assert done.returncode == 78
        assert "none.ini" in done.stderr

    def test_nul_in_the_file(self, check):
        done = check(PROXY.encode() + b"host = a\0b\n")
        assert done.returncode == 78
        assert f"{check.path}:4: " in done.stderr

    def test_non_loopback_listener_without_allow(self, check):
        for listen in ("0.0.0.0:8080", "[::]:8080", "10.1.2.3:8080"):
            done = check(configuration("http://127.0.0.1:9", listen=listen))
            assert done.returncode == 78
            assert f"{check.path}:2: " in done.stderr and "allow" in done.stderr
            allowed = configuration("http://127.0.0.1:9", "[access]\nallow = 10.0.0.0/8, ::1\n", listen)
            assert check(allowed).returncode == 0

    def test_starting_with_a_faulty_file(self, tmp_path):
        path = tmp_path / "proxy.ini"
        path.write_text(PROXY + "lisen = x\n")
        done = run("-c", path)
        assert done.returncode == 78 and f"{path}:4: " in done.stderr

    @pytest.mark.parametrize("octet", ["\r", "\n", "\0"], ids=repr)
    def test_line_end_in_a_value_file(self, check, tmp_path, octet):
        """A value must not be able to end its field."""
        (tmp_path / "value").write_bytes(b"a" + octet.encode() + b"X-Evil: b")
        done = check(PROXY + f"[request-headers]\nX-A = ${{file:{tmp_path}/value}}\n")
        assert done.returncode == 78
        assert f"{check.path}:5: " in done.stderr and "X-Evil" not in done.stderr + done.stdout

    def test_line_end_in_a_variable(self, check):
        done = check(PROXY + "[request-headers]\nX-A = ${env:VALUE}\n", env={"VALUE": "a\r\nX-Evil: b"})
        assert done.returncode == 78
        assert f"{check.path}:5: " in done.stderr and "X-Evil" not in done.stderr + done.stdout


class TestCommandLine:
    @pytest.mark.parametrize(
        "arguments",
        [["--nonsense"], ["-x"], ["surplus"], ["-c"], ["--listen", "127.0.0.1:0"], ["--header", "X-A: a"], []],
        ids=repr,
    )
    def test_usage(self, arguments, tmp_path):
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 64
        assert done.stderr.startswith("authbridge: error: ")

    def test_version_and_help(self):
        version, help_text = run("--version"), run("--help")
        assert version.returncode == 0 and version.stdout.startswith("authbridge ")
        assert help_text.returncode == 0
        assert all(name in help_text.stdout for name in ("--check", "--listen", "--target", "--header", "--demo", "-c"))

    @pytest.mark.parametrize("header", ["no colon", "X Y: a", ": a", "X-A: ${env:NOT_SET_ANYWHERE}"], ids=repr)
    def test_bad_header(self, header):
        done = run("--target", "http://127.0.0.1:9", "--header", header, "--check")
        assert done.returncode == 78
        assert done.stderr.startswith("authbridge: error: --header: ")

    def test_one_liner(self, connect, start_bridge, origin):
        arguments = ["--listen", "127.0.0.1:0", "--target", origin.url]
        headers = ["--header", "Authorization: ${env:TOKEN}", "--header", "X-A:b: c"]
        bridge = start_bridge(arguments=arguments + headers, env={"TOKEN": SECRET})
        assert connect(bridge).exchange(get()).status == 200
        assert origin.requests[0].values(b"Authorization") == [SECRET.encode()]
        assert origin.requests[0].values(b"X-A") == [b"b: c"]


class TestValues:
    VALUES = [
        row("variable", "Bearer ${env:TOKEN}", f"Bearer {SECRET}"),
        row("several variables", "${env:TOKEN}-${env:OTHER}.", f"{SECRET}-other."),
        row("dollar sign", "a$$b$$${env:OTHER}", "a$b$other"),
        row("dollar signs are no variable", "$${env:TOKEN}", "${env:TOKEN}"),
        row("a variable is not expanded again", "${env:NESTED}", "${env:TOKEN}"),
        row("semicolon", "text/html ; q=0.5", "text/html ; q=0.5"),
        row("number sign", "a # b #c", "a # b #c"),
        row("colon and equals sign", "a: b = c == d", "a: b = c == d"),
        row("quotes", "\"a\" 'b' \\", "\"a\" 'b' \\"),
        row("token of 16 KB", BEARER_16K, BEARER_16K),
        row("variable of 16 KB", "${env:LONG}", BEARER_16K),
        row("obs-text", "M\u00fcller", "M\u00fcller"),
    ]

    @pytest.mark.parametrize("written, sent", VALUES)
    def test_reaches_the_target(self, connect, start_bridge, origin, written, sent):
        env = {"TOKEN": SECRET, "OTHER": "other", "NESTED": "${env:TOKEN}", "LONG": BEARER_16K}
        bridge = start_bridge(origin, f"[request-headers]\nX-Value = {written}\n", env=env)
        assert connect(bridge).exchange(get()).status == 200
        assert origin.requests[0].values(b"X-Value") == [sent.encode()]

    @pytest.mark.parametrize("end", ["", "\n"], ids=repr)
    def test_file(self, connect, start_bridge, origin, tmp_path, end):
        (tmp_path / "value").write_text(SECRET + end)
        bridge = start_bridge(origin, f"[request-headers]\nX-Value = ${{file:{tmp_path}/value}}\n")
        assert connect(bridge).exchange(get()).status == 200
        assert origin.requests[0].values(b"X-Value") == [SECRET.encode()]

    def test_only_the_last_newline_of_a_file_is_dropped(self, check, tmp_path):
        (tmp_path / "value").write_text(SECRET + "\n\n")
        assert check(PROXY + f"[request-headers]\nX-A = ${{file:{tmp_path}/value}}\n").returncode == 78

    def test_credential(self, connect, start_bridge, origin, tmp_path):
        (tmp_path / "api-key").write_text(SECRET + "\n")
        env = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
        bridge = start_bridge(origin, "[request-headers]\nX-Value = ${cred:api-key}\n", env=env)
        assert connect(bridge).exchange(get()).status == 200
        assert origin.requests[0].values(b"X-Value") == [SECRET.encode()]
