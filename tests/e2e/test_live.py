"""--check --live: the target is tried, each step with its time, and the verdict says what is wrong and what to do."""

import re

import pytest
from bridge import SECRET, configuration, run
from message import get, response, row
from proxies import ConnectProxy, SocksProxy
from target import answering

ANSWER = response()
UNAVAILABLE = 69


@pytest.fixture
def try_target(tmp_path):
    """Tries the target with this proxy.ini; says how it went. No secret may be printed."""
    path = tmp_path / "proxy.ini"

    def run_live(target, more="", *, arguments=(), env=None):
        path.write_text(configuration(getattr(target, "url", target), more))
        done = run("-c", path, *arguments, "--check", "--live", env=env, cwd=tmp_path)
        assert SECRET not in done.stdout + done.stderr
        return done

    return run_live


@pytest.fixture
def answers(start_target):
    """Starts a target that gives this answer to everything."""
    return lambda answer=ANSWER, **settings: start_target(**settings).serve(answering(answer))


def steps(done):
    """The steps of a report, with what stands behind their times."""
    return dict(re.findall(r"^  (\w+) +\d+\.\d ms  (.*)$", done.stdout, re.MULTILINE))


def fails(done, *texts):
    """It failed: the target is unavailable, and one line of error holds all these texts."""
    assert done.returncode == UNAVAILABLE, done.stdout + done.stderr
    assert done.stderr.startswith("authbridge: error: target ")
    assert done.stderr.count("\n") == 1
    for text in texts:
        assert text in done.stderr


def greeting(octets):
    """A script that speaks first, and then takes whatever comes: a close with octets unread would be a reset."""

    def script(upstream):
        upstream.send(octets)
        upstream.read_to_end()

    return script


class TestAnswers:
    def test_plain(self, try_target, answers):
        target = answers()
        done = try_target(target)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"Trying {target.url} (")
        assert "proxy.ini:3)" in done.stdout
        found = steps(done)
        assert list(found) == ["name", "connect", "answer"]
        assert found["name"] == "127.0.0.1"
        assert found["connect"] == f"127.0.0.1 port {target.port}"
        assert found["answer"] == "200 to HEAD /"
        assert done.stdout.endswith("The target answers.\n")

    def test_addresses_of_a_name(self, try_target, answers):
        target = answers()
        assert "127.0.0.1" in steps(try_target(f"http://localhost:{target.port}"))["name"].split(", ")

    def test_without_a_file(self, answers):
        done = run("--target", answers().url, "--check", "--live")
        assert done.returncode == 0
        assert "(--target)" in done.stdout

    def test_sends_what_the_bridge_would(self, connect, start_bridge, try_target, answers):
        """The same fields as for a client of the bridge that sends Accept alone."""
        target = answers()
        settings = f"""
            host = staging.example
            forwarded = x-forwarded
            via = on
            [request-headers]
            Authorization = Bearer ${{env:TOKEN}}
            X-Removed =
            X-Client = ${{client_ip}}
            X-Id = ${{request_id}}
            """
        url = target.url + "/base"
        assert try_target(url, settings, env={"TOKEN": SECRET}).returncode == 0
        client = get(fields=b"Accept: */*\r\n").replace(b"client.example", b"localhost")
        connect(start_bridge(url, settings, env={"TOKEN": SECRET})).exchange(client)
        tried, served = target.requests
        assert tried.head.start_line == b"HEAD /base HTTP/1.1"
        assert tried.head.names() == served.head.names()
        for name in set(served.head.names()) - {b"x-id"}:
            assert tried.values(name) == served.values(name)
        assert re.fullmatch(rb"[0-9a-f]{32}", tried.values(b"X-Id")[0])

    def test_asks_once_and_follows_nothing(self, try_target, answers):
        target = answers(response(b"302 Found", b"Location: /elsewhere\r\n"))
        done = try_target(target)
        assert done.returncode == 0
        assert "redirection" in done.stdout
        assert len(target.requests) == 1

    @pytest.mark.parametrize("status", [b"401 Unauthorized", b"403 Forbidden"])
    def test_refused_credentials(self, try_target, answers, status):
        done = try_target(answers(response(status)))
        assert done.returncode == 0
        assert "refuses the credentials" in done.stdout

    @pytest.mark.parametrize("status", [b"404 Not Found", b"405 Method Not Allowed", b"500 Internal Server Error"])
    def test_other_status(self, try_target, answers, status):
        done = try_target(answers(response(status)))
        assert done.returncode == 0
        assert "The target answers" in done.stdout or "the target answers" in done.stdout

    @pytest.mark.parametrize("status", [b"502 Bad Gateway", b"503 Service Unavailable", b"504 Gateway Timeout"])
    def test_gateway_without_its_service(self, try_target, answers, status):
        fails(try_target(answers(response(status))), status[:3].decode(), "not available")

    def test_unix_socket(self, try_target, answers, tmp_path):
        answers(address=str(tmp_path / "socket"))
        done = try_target(f"unix:{tmp_path}/socket")
        assert done.returncode == 0
        assert list(steps(done)) == ["connect", "answer"]

    @pytest.mark.parametrize("kind", [ConnectProxy, SocksProxy])
    def test_through_egress(self, try_target, answers, start_proxy, kind):
        """The proxy's credentials and the target's stay apart, and both stay unseen."""
        target, proxy = answers(), start_proxy(kind)
        settings = f"egress = {proxy.url_with('user', SECRET)}\n[request-headers]\nAuthorization = {SECRET}\n"
        done = try_target(target, settings)
        assert done.returncode == 0
        assert "***@127.0.0.1" in steps(done)["connect"]
        assert proxy.asked == [target.authority.decode()]
        assert target.requests[0].values(b"Authorization") == [SECRET.encode()]


class TestTls:
    def test_chain(self, try_target, answers, certificates):
        done = try_target(answers(tls=certificates.good.server()), f"[tls]\nca_file = {certificates.authority.pem}\n")
        assert (done.returncode, done.stderr) == (0, "")
        assert re.fullmatch(r"TLSv1\.[23], TLS_\w+|TLSv1\.2, \S+", steps(done)["TLS"])
        assert re.search(r"1\. CN = good\n +by CN = authority\n +2\d{4} days left\n", done.stdout)
        assert re.search(r"2\. CN = authority\n +by CN = authority\n +[12] days left\n", done.stdout)
        assert "Warning: certificate 2 expires soon" in done.stdout

    def test_client_certificate(self, try_target, answers, certificates):
        target = answers(tls=certificates.good.server(certificates.authority))
        trust = f"[tls]\nca_file = {certificates.authority.pem}\n"
        fails(try_target(target, trust), "client_cert")
        identity = f"client_cert = {certificates.client.pem}\nclient_key = {certificates.client.key}\n"
        assert try_target(target, trust + identity).returncode == 0

    def test_server_name(self, try_target, answers, certificates):
        settings = f"[tls]\nca_file = {certificates.authority.pem}\nserver_name = other.example\n"
        assert try_target(answers(tls=certificates.wrong_name.server()), settings).returncode == 0

    def test_without_verification(self, try_target, answers, certificates):
        done = try_target(answers(tls=certificates.expired.server()), "[tls]\nverify = off\n")
        assert done.returncode == 0
        assert "Warning: verify = off" in done.stdout
        assert re.search(r"CN = expired\n.*\n +expired \d+ days ago", done.stdout)

    @pytest.mark.parametrize(
        ("name", "texts"),
        [
            row("expired", "expired", ["CN = expired", "days ago", "renew"]),
            row("another name", "wrong_name", ["is for DNS:other.example, not for 127.0.0.1", "server_name"]),
            row("unknown authority", "untrusted", ["issued by CN = stranger", "ca_file"]),
            row("self-signed", "stranger", ["CN = stranger", "is self-signed", "ca_file"]),
        ],
    )
    def test_certificate_refused(self, try_target, answers, certificates, name, texts):
        target = answers(tls=getattr(certificates, name).server())
        done = try_target(target, f"[tls]\nca_file = {certificates.authority.pem}\n")
        fails(done, *texts)
        assert steps(done)["TLS"] == "failed"
        assert "1. CN = " in done.stdout
        assert not target.requests

    def test_another_key(self, try_target, answers, certificates):
        settings = f"[tls]\nca_file = {certificates.authority.pem}\npinned_key = "
        target = answers(tls=certificates.good.server())
        done = try_target(target, settings + certificates.client.public_key_pin())
        fails(done, f"pinned_key = {certificates.good.public_key_pin()}")
        assert not target.requests
        assert try_target(target, settings + certificates.good.public_key_pin()).returncode == 0

    def test_plain_target(self, try_target, start_target):
        target = start_target().serve(greeting(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        fails(try_target(target.url.replace("http:", "https:")), "plain http://")


class TestUnavailable:
    def test_name(self, try_target):
        done = try_target("http://target.invalid")
        fails(done, "target.invalid", "resolve", "check the name")
        assert steps(done) == {"name": "failed"}

    def test_refused(self, try_target, start_target):
        target = start_target()
        url = target.url
        target.close()
        done = try_target(url)
        fails(done, "nothing listens there")
        assert steps(done)["connect"] == "failed"

    def test_no_socket(self, try_target, tmp_path):
        fails(try_target(f"unix:{tmp_path}/none"), "No such file", "nothing listens there")

    def test_silent(self, try_target, start_target):
        start = start_target()
        done = try_target(start, "[timeouts]\nresponse = 200ms\n")
        fails(done, "no answer within response = 200ms")
        assert steps(done)["answer"] == "failed"

    def test_silent_tls(self, try_target, start_target):
        done = try_target(start_target().url.replace("http:", "https:"), "[timeouts]\nconnect = 200ms\n")
        fails(done, "connect")
        assert steps(done)["TLS"] == "failed"

    def test_closes(self, try_target, start_target):
        fails(try_target(start_target().serve(lambda upstream: upstream.read_head())), "look into the target's log")

    def test_not_http(self, try_target, start_target):
        fails(try_target(start_target().serve(greeting(b"220 mail.example ESMTP\r\n"))), "HTTP/1")

    def test_proxy_refuses(self, try_target, answers, start_proxy):
        refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
        done = try_target(answers(), f"egress = {start_proxy(ConnectProxy, refusal).url}\n")
        fails(done, "407", "check egress")


class TestCommandLine:
    def test_needs_check(self):
        done = run("--target", "http://127.0.0.1:9", "--live")
        assert done.returncode == 64
        assert "--check" in done.stderr

    def test_configuration_first(self, try_target):
        done = try_target("http://127.0.0.1:9", "nonsense = 1\n")
        assert done.returncode == 78
        assert done.stdout == ""
