"""The egress setting: credentials arrive exactly, and one that cannot be read or used never leads around the proxy."""

import base64

import pytest
from bridge import SECRET, configuration, run
from message import OK, get, row
from proxies import ConnectProxy, SocksProxy
from rawclient import refusal

KINDS = pytest.mark.parametrize("kind", [ConnectProxy, SocksProxy])
VARIABLES = ("${env:EGRESS_USER}", "${env:EGRESS_PASSWORD}")
DEBUG = "[log]\nlevel = debug\n"

pytestmark = pytest.mark.usefixtures("nothing_ahead")


def egress(url):
    """The line, and the most talkative log."""
    return f"egress = {url}\n" + DEBUG


def fails_closed(connect, bridge, target):
    """The client gets a 502 without a secret, the target not so much as a connection."""
    client = connect(bridge)
    client.send(get())
    refusal(client, {502})
    target.received()
    assert target.connections == [], "the target was reached without the proxy"
    assert SECRET.encode() not in client.received


@KINDS
class TestCredentials:
    ODD = ["%12", "%41", "%00", "%", "%zz", "a/b", "a@b", "a#b", "a:b", " a  b ", "a?b", "[a]", "\\", "$", "\u00fc"]

    @pytest.mark.parametrize("odd", ODD, ids=ascii)
    def test_variables_arrive_as_they_are(self, connect, start_bridge, start_proxy, origin, kind, odd):
        proxy = start_proxy(kind)
        env = {"EGRESS_USER": odd + SECRET, "EGRESS_PASSWORD": SECRET + odd}
        bridge = start_bridge(origin, egress(proxy.url_with(*VARIABLES)), env=env)
        assert connect(bridge).exchange(get()).raw == OK
        assert proxy.credentials == [f"{odd}{SECRET}:{SECRET}{odd}".encode()]
        assert proxy.asked == [origin.authority.decode()]

    def test_file_arrives_as_it_is(self, connect, start_bridge, start_proxy, origin, tmp_path, kind):
        (tmp_path / "password").write_text(f"{SECRET}/@#: %41\n")
        proxy = start_proxy(kind)
        bridge = start_bridge(origin, egress(proxy.url_with("user", f"${{file:{tmp_path}/password}}")))
        assert connect(bridge).exchange(get()).raw == OK
        assert proxy.credentials == [f"user:{SECRET}/@#: %41".encode()]

    def test_written_out_are_decoded_once(self, connect, start_bridge, start_proxy, origin, kind):
        proxy = start_proxy(kind)
        bridge = start_bridge(origin, egress(proxy.url_with("us%40er%2541", f"{SECRET}%2F%3A%23")))
        assert connect(bridge).exchange(get()).raw == OK
        assert proxy.credentials == [f"us@er%41:{SECRET}/:#".encode()]

    def test_whole_url_in_a_variable(self, connect, start_bridge, start_proxy, origin, kind):
        proxy = start_proxy(kind)
        env = {"WHOLE_URL": proxy.url_with("user%40", f"{SECRET}%2F")}
        bridge = start_bridge(origin, egress("${env:WHOLE_URL}"), env=env)
        assert connect(bridge).exchange(get()).raw == OK
        assert proxy.credentials == [f"user@:{SECRET}/".encode()]
        assert proxy.asked == [origin.authority.decode()]


@KINDS
class TestProxyThatFails:
    def test_is_down(self, connect, start_bridge, start_proxy, target, kind):
        proxy = start_proxy(kind)
        proxy.close()
        env = {"EGRESS_USER": f"%12{SECRET}", "EGRESS_PASSWORD": SECRET}
        fails_closed(connect, start_bridge(target, egress(proxy.url_with(*VARIABLES)), env=env), target)

    def test_does_not_resolve(self, connect, start_bridge, start_proxy, target, kind):
        url = start_proxy(kind).url_with("user", SECRET).replace("127.0.0.1", "proxy.invalid")
        fails_closed(connect, start_bridge(target, egress(url)), target)

    def test_ends_at_once(self, connect, start_bridge, start_proxy, target, kind):
        proxy = start_proxy(kind)
        proxy.serve_connection = lambda wire: None
        proxy.target.close()
        fails_closed(connect, start_bridge(target, egress(proxy.url_with("user", SECRET))), target)


def test_refused_credentials_are_not_shown(connect, start_bridge, start_proxy, target):
    proxy = start_proxy(ConnectProxy, b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    bridge = start_bridge(target, egress(proxy.url_with("user", SECRET)))
    fails_closed(connect, bridge, target)
    assert base64.b64encode(f"user:{SECRET}".encode()).decode() not in bridge.output()


class TestUnreadable:
    URLS = [
        row("escaped NUL", f"http://user:{SECRET}%00@127.0.0.1:9"),
        row("escaped NUL in the user", f"http://{SECRET}%00:password@127.0.0.1:9"),
        row("escaped control octet", f"http://user:{SECRET}%12@127.0.0.1:9"),
        row("no port", f"http://user:{SECRET}@127.0.0.1"),
        row("no port, socks5h", f"socks5h://user:{SECRET}@127.0.0.1"),
        row("port 0 to 65535 only", f"http://user:{SECRET}@127.0.0.1:65536"),
        row("no host", f"http://user:{SECRET}@:9"),
        row("bare slash", f"http://user:{SECRET}/x@127.0.0.1:9"),
        row("bare number sign", f"http://user:{SECRET}#x@127.0.0.1:9"),
        row("bare question mark", f"http://user:{SECRET}?x@127.0.0.1:9"),
        row("space", f"http://user:{SECRET} x@127.0.0.1:9"),
        row("path", f"http://user:{SECRET}@127.0.0.1:9/path"),
        row("query", f"http://user:{SECRET}@127.0.0.1:9?{SECRET}"),
        row("https", f"https://user:{SECRET}@127.0.0.1:9"),
        row("no scheme", f"user:{SECRET}@127.0.0.1:9"),
        row("secret alone", SECRET),
        row("variable of a request", f"http://user:{SECRET}${{request_id}}@127.0.0.1:9"),
        row("variable of a client", f"http://user:{SECRET}${{client_ip}}@127.0.0.1:9"),
        row("variable of a request alone", "${request_id}"),
        row("unset variable", f"http://user:{SECRET}${{env:NOT_SET_ANYWHERE}}@127.0.0.1:9"),
    ]

    @pytest.mark.parametrize("url", URLS)
    def test_in_the_file(self, check, url):
        done = check(configuration("http://127.0.0.1:9", f"egress = {url}\n"))
        assert done.returncode == 78
        assert f"{check.path}:4: egress" in done.stderr.splitlines()[0]
        assert SECRET not in done.stderr + done.stdout

    @pytest.mark.parametrize("url", [url for url in URLS if "${" not in url.values[0]])
    def test_in_a_variable(self, check, url):
        text = configuration("http://127.0.0.1:9", "egress = ${env:WHOLE_URL}\n")
        done = check(text, env={"WHOLE_URL": url})
        assert done.returncode == 78
        assert f"{check.path}:4: egress" in done.stderr.splitlines()[0]
        assert SECRET not in done.stderr + done.stdout

    def test_host_in_a_variable(self, check):
        """What a variable holds is not taken apart: it cannot bring a port or another host."""
        text = configuration("http://127.0.0.1:9", "egress = http://${env:EGRESS_HOST}\n")
        assert check(text, env={"EGRESS_HOST": "127.0.0.1:9"}).returncode == 78

    def test_does_not_start(self, tmp_path):
        (tmp_path / "proxy.ini").write_text(configuration("http://127.0.0.1:9", f"egress = http://u:{SECRET}@h\n"))
        done = run("-c", tmp_path / "proxy.ini")
        assert done.returncode == 78 and SECRET not in done.stderr

    def test_reload_keeps_the_proxy(self, connect, start_bridge, start_proxy, origin):
        proxy = start_proxy(ConnectProxy)
        bridge = start_bridge(origin, egress(proxy.url))
        bridge.reload(configuration(origin.url, egress(f"http://user:{SECRET}%00@127.0.0.1:9")))
        bridge.message("reload failed")
        assert connect(bridge).exchange(get()).raw == OK
        assert proxy.asked == [origin.authority.decode()]

    def test_readable_one_is_shown_without_its_credentials(self, check):
        text = configuration("http://127.0.0.1:9", f"egress = http://{SECRET}:{SECRET}@127.0.0.1:3128\n")
        done = check(text)
        assert done.returncode == 0 and "127.0.0.1:3128" in done.stdout
        assert SECRET not in done.stdout + done.stderr
