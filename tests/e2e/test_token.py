"""Tokens from an OAuth 2.0 endpoint: fetched ahead of need, again before they expire, and never when it is too late."""

import os
import re
import signal
import threading
import time

import pytest
from bridge import SECRET, configuration, run
from message import OK, get, row
from processes import in_background
from proxies import ConnectProxy
from rawclient import refusal
from statuspage import STATUS, StatusPage
from target import answering
from tokenserver import CLIENT_ID, CLIENT_SECRET, answer, jwt
from wire import wait_until

NOW = "wait = off\n"
LEEWAY = 1  # seconds that a request may be on its way on a busy machine


@pytest.fixture
def tokens(start_token_server):
    """An endpoint whose tokens are good for an hour."""
    return start_token_server()


def sent(origin):
    """The tokens that the target was sent, in order."""
    return [request.values(b"Authorization")[0].removeprefix(b"Bearer ").decode() for request in origin.requests]


def use(client, origin):
    """One exchange; says the token that the target was sent."""
    assert client.exchange(get()).raw == OK
    return sent(origin)[-1]


def no_token(client):
    """One request that finds no token: 502, and nothing was sent."""
    client.send(get())
    answer_of_ours = refusal(client, {502})
    assert answer_of_ours.values(b"Proxy-Status") == [b"authbridge; error=proxy_configuration_error"]
    assert b"no valid token" in answer_of_ours.content


class TestFetch:
    @pytest.mark.parametrize("means", ["basic", "post"])
    def test_request(self, connect, start_bridge, origin, tokens, means):
        """The endpoint learns who asks, by the means that is set, and nothing else of it stands in the request."""
        bridge = start_bridge(origin, tokens.settings(f"client_auth = {means}\nscope = a:b c&d\naudience = https://x/?y\n"))
        token = use(connect(bridge), origin)
        assert token in tokens.issued
        (asked,) = tokens.asked
        assert asked.client == (CLIENT_ID, CLIENT_SECRET, means)
        mine = {"grant_type": "client_credentials", "scope": "a:b c&d", "audience": "https://x/?y"}
        assert mine.items() <= asked.parameters.items()
        assert len(asked.parameters) == (3 if means == "basic" else 5)
        assert asked.head.start_line == b"POST /oauth2/token HTTP/1.1"
        assert asked.head.values(b"Content-Type") == [b"application/x-www-form-urlencoded"]
        bridge.message("token preprod: fetched, valid for 1h")

    def test_tls(self, connect, start_bridge, start_token_server, origin, certificates):
        tokens = start_token_server(tls=certificates.good.server(), ca_file=certificates.authority.pem)
        bridge = start_bridge(origin, tokens.settings())
        assert use(connect(bridge), origin) in tokens.issued

    @pytest.mark.parametrize("name", ["untrusted", "expired", "wrong_name"])
    def test_certificate_is_verified(self, connect, start_bridge, start_token_server, origin, certificates, name):
        tokens = start_token_server(
            tls=getattr(certificates, name).server(), ca_file=certificates.authority.pem
        )
        bridge = start_bridge(origin, tokens.settings(NOW))
        bridge.complaint("token preprod: ")
        no_token(connect(bridge))
        assert not tokens.asked and not origin.requests

    def test_one_fetch_for_twenty_clients(self, connect, start_bridge, origin, tokens):
        """Clients that come before the first token wait for it, all for the same."""
        may_answer = threading.Event()
        tokens.behaviour = lambda asked: may_answer.wait(5) and tokens.issue(asked)
        bridge = start_bridge(origin, tokens.settings())
        clients = [connect(bridge) for _ in range(20)]
        for client in clients:
            client.send(get())
        wait_until(lambda: len(bridge.children()) == 20, "each client has its process")
        assert not origin.requests
        may_answer.set()
        assert all(client.read_response().raw == OK for client in clients)
        assert len(tokens.asked) == 1 and set(sent(origin)) == set(tokens.issued)

    def test_rotated_client_secret(self, connect, start_bridge, origin, tokens, tmp_path):
        """A file in client_secret is read again for the next fetch."""
        secret = tmp_path / "secret"
        secret.write_text("old")
        settings = tokens.settings(NOW).replace(f"client_secret = {CLIENT_SECRET}", f"client_secret = ${{file:{secret}}}")
        bridge = start_bridge(origin, settings)
        bridge.complaint("the token endpoint answers 401, invalid_client")
        secret.write_text(CLIENT_SECRET)
        bridge.message("token preprod: fetched")
        assert use(connect(bridge), origin) in tokens.issued

    def test_egress(self, connect, start_bridge, start_proxy, origin, tokens):
        """The endpoint is reached by the way that is set for targets."""
        proxy = start_proxy(ConnectProxy)
        bridge = start_bridge(origin, f"egress = {proxy.url}\n" + tokens.settings())
        assert use(connect(bridge), origin) in tokens.issued
        assert f"127.0.0.1:{tokens.port}" in proxy.asked


class TestExpiry:
    def test_under_load(self, connect, start_bridge, start_token_server, start_target):
        """Through several lifetimes no request fails, none carries a token that has expired, and fetches are few."""
        tokens = start_token_server(lifetime=2)
        late = []

        def judge(request):
            token = request.values(b"Authorization")[0].removeprefix(b"Bearer ").decode()
            if time.monotonic() > tokens.issued[token] + LEEWAY:
                late.append(token)
            return OK

        target = start_target().serve(answering(judge))
        bridge = start_bridge(target, tokens.settings())
        limit = time.monotonic() + 7
        failures = []

        def load():
            client = connect(bridge)
            while time.monotonic() < limit:
                if client.exchange(get()).raw != OK:
                    failures.append(client)

        threads = [in_background(load) for _ in range(4)]
        for thread in threads:
            thread.join(20)
        assert not failures and not late
        assert 3 <= len(tokens.issued) <= 12 and tokens.most_busy == 1

    def test_requests_do_not_wait_for_a_refresh(self, connect, start_bridge, start_token_server, origin):
        """While the endpoint takes its time the token that is valid still stays in use."""
        tokens = start_token_server(lifetime=6)
        client = connect(start_bridge(origin, tokens.settings("refresh_margin = 5500ms\n")))
        first = use(client, origin)
        hold = threading.Event()
        tokens.behaviour = lambda asked: hold.wait(8) and tokens.issue(asked)
        wait_until(lambda: len(tokens.asked) == 2, "it is fetched again", 20)
        assert use(client, origin) == first
        hold.set()
        wait_until(lambda: use(client, origin) != first, "the new one is in use")

    def test_nothing_is_sent_after_its_end(self, connect, start_bridge, start_token_server, origin):
        tokens = start_token_server(lifetime=3)
        bridge = start_bridge(origin, tokens.settings(NOW))
        client = connect(bridge)
        bridge.message("token preprod: fetched")
        use(client, origin)
        tokens.behaviour = lambda asked: answer("", "500 Internal Server Error")
        bridge.complaint("the token endpoint answers 500")
        wait_until(lambda: client.exchange(get()).status == 502, "it has expired")
        assert all(token in tokens.issued for token in sent(origin))
        tokens.behaviour = tokens.issue
        wait_until(lambda: client.exchange(get()).status == 200, "there is a new one")

    LIFETIMES = [
        row("a number in a string", lambda: {"access_token": SECRET, "expires_in": "120"}, "valid for 2m"),
        row("a fraction", lambda: {"access_token": SECRET, "expires_in": 120.9}, "valid for 2m"),
        row("not told", lambda: {"access_token": SECRET}, "valid for 7m"),
        row("null", lambda: {"access_token": SECRET, "expires_in": None}, "valid for 7m"),
        row("too long to be true", lambda: {"access_token": SECRET, "expires_in": 1e300}, "valid for 87600h"),
        row("exp of a JWT", lambda: {"access_token": jwt(exp=time.time() + 3600)}, "valid for 35"),
        row("expires_in before exp", lambda: {"access_token": jwt(exp=1), "expires_in": 60}, "valid for 1m"),
        row("bearer", lambda: {"access_token": SECRET, "expires_in": 60, "token_type": "bEARER"}, "valid for 1m"),
    ]

    @pytest.mark.parametrize("content, says", LIFETIMES)
    def test_lifetime(self, start_bridge, origin, tokens, content, says):
        tokens.behaviour = lambda asked: answer(content())
        bridge = start_bridge(origin, tokens.settings("lifetime = 7m\n"))
        bridge.message(f"token preprod: fetched, {says}")


class TestMisbehaviour:
    WAYS = [
        row("nothing", lambda asked: None, ""),
        row("an error", lambda asked: answer({"error": "invalid_scope"}, "400 Bad Request"), "answers 400, invalid_scope"),
        row("an error that tells", lambda asked: answer({"error": CLIENT_SECRET}, "400 Bad Request"), "answers 400"),
        row("a failure", lambda asked: answer("oops " + CLIENT_SECRET, "500 Internal Server Error"), "answers 500"),
        row("a page", lambda asked: answer(f"<html>{SECRET}</html>"), "no JSON"),
        row("half an answer", lambda asked: answer({"access_token": SECRET})[:-9], ""),
        row("an array", lambda asked: answer([SECRET]), "no JSON object"),
        row("no token", lambda asked: answer({"token": SECRET}), "no access_token"),
        row("an empty token", lambda asked: answer({"access_token": ""}), "access_token"),
        row("a line end in it", lambda asked: answer({"access_token": f"a\r\nX: {SECRET}"}), "access_token"),
        row("a space in it", lambda asked: answer({"access_token": f"a {SECRET}"}), "access_token"),
        row("two of them", lambda asked: answer('{"access_token":"a","access_token":"b"}'), "no JSON"),
        row("another type", lambda asked: answer({"access_token": SECRET, "token_type": "mac"}), "not Bearer"),
        row("expired", lambda asked: answer({"access_token": SECRET, "expires_in": 0}), "expired already"),
        row("expired by its exp", lambda asked: answer({"access_token": jwt(exp=1000)}), "expired already"),
        row("no number", lambda asked: answer({"access_token": SECRET, "expires_in": "soon"}), "expires_in"),
        row("below zero", lambda asked: answer({"access_token": SECRET, "expires_in": -5}), "expires_in"),
        row("a huge answer", lambda asked: answer({"access_token": "a" * 200000}), "longer than"),
        row("a huge token", lambda asked: answer({"access_token": "a" * 70000}), "too long"),
        row("deep", lambda asked: answer("[" * 100000), "no JSON"),
        row("no HTTP", lambda asked: b"220 smtp ready\r\n", ""),
    ]

    @pytest.mark.parametrize("behaviour, says", WAYS)
    def test_no_token_comes_of_it(self, connect, start_bridge, origin, tokens, behaviour, says):
        """It is logged without what came, nothing goes to the target, and all is well once the endpoint is."""
        tokens.behaviour = behaviour
        bridge = start_bridge(origin, tokens.settings(NOW))
        assert says in bridge.complaint("token preprod: ")
        client = connect(bridge)
        no_token(client)
        assert not origin.requests
        tokens.behaviour = tokens.issue
        wait_until(lambda: client.exchange(get()).status == 200, "there is a token")

    def test_redirect_is_not_followed(self, connect, start_bridge, start_token_server, origin, tokens):
        other = start_token_server()
        tokens.behaviour = lambda asked: answer("", "307 Temporary Redirect", f"Location: {other.url}\r\n")
        bridge = start_bridge(origin, tokens.settings(NOW))
        bridge.complaint("answers 307: redirects are not followed")
        no_token(connect(bridge))
        assert not other.asked

    def test_slow_answer_ends_in_time(self, connect, start_bridge, origin, tokens):
        """A request waits for `wait`, and the fetch for `timeout`."""
        hold = threading.Event()
        tokens.behaviour = lambda asked: hold.wait(8) and None
        bridge = start_bridge(origin, tokens.settings("timeout = 1s\nwait = 200ms\n"))
        wait_until(lambda: tokens.asked, "it is asked")
        no_token(connect(bridge))
        bridge.complaint("token preprod: ")
        hold.set()

    def test_retry_after(self, start_bridge, origin, tokens):
        """An endpoint that wants to be left alone is."""
        tokens.behaviour = lambda asked: answer("", "429 Too Many Requests", "Retry-After: 3\r\n")
        bridge = start_bridge(origin, tokens.settings())
        assert "tried again in 3s" in bridge.complaint("answers 429")
        wait_until(lambda: len(tokens.asked) == 2, "it is asked again")
        assert tokens.asked[1].when - tokens.asked[0].when >= 3

    def test_tries_less_and_less_often(self, start_bridge, origin, tokens):
        tokens.behaviour = lambda asked: answer("", "500 Internal Server Error")
        start_bridge(origin, tokens.settings())
        wait_until(lambda: len(tokens.asked) == 4, "it is asked four times", 20)
        times = [asked.when for asked in tokens.asked]
        first, second, third = (b - a for a, b in zip(times, times[1:]))
        assert first >= 0.7 and second >= 1.4 and third >= 2.9

    def test_endpoint_restarts(self, connect, start_bridge, start_token_server, origin):
        """While it is away the token lives on; once it is back, on the same port, the next one comes."""
        tokens = start_token_server(lifetime=5)
        bridge = start_bridge(origin, tokens.settings("refresh_margin = 4500ms\n"))
        client = connect(bridge)
        first = use(client, origin)
        port = tokens.port
        tokens.close()
        bridge.complaint("the one in use is still valid")
        assert use(client, origin) == first
        again = start_token_server(address=("127.0.0.1", port))
        wait_until(lambda: use(client, origin) in again.issued and again.asked, "the new one is in use")


class TestProcess:
    def test_none_without_work(self, start_bridge, origin):
        bridge = start_bridge(origin)
        assert not bridge.keepers()

    def test_killed(self, connect, start_bridge, origin, tokens):
        """Another one takes its place, and clients do not notice."""
        bridge = start_bridge(origin, tokens.settings(STATUS))
        client = connect(bridge)
        token = use(client, origin)
        (keeper,) = bridge.keepers()
        os.kill(keeper, signal.SIGKILL)
        bridge.message("the keeper, process")
        assert use(client, origin) == use(connect(bridge), origin) == token
        wait_until(lambda: bridge.keepers() not in ([], [keeper]), "there is another one")
        assert len(tokens.asked) == 1, "a token that is valid is not fetched again"
        page = StatusPage(bridge, connect)
        assert page.metrics()["authbridge_keepers_lost_total"] == 1

    def test_killed_while_it_fetches(self, connect, start_bridge, origin, tokens):
        hold = threading.Event()
        tokens.behaviour = lambda asked: hold.wait(8) and tokens.issue(asked)
        bridge = start_bridge(origin, tokens.settings())
        client = connect(bridge)
        client.send(get())
        wait_until(lambda: tokens.asked, "it is asked")
        os.kill(bridge.keepers()[0], signal.SIGKILL)
        hold.set()
        assert client.read_response().raw == OK

    def test_reload_keeps_the_token(self, connect, start_bridge, origin, tokens):
        """Other settings may change: a token whose own are as before is not fetched again."""
        bridge = start_bridge(origin, tokens.settings())
        kept = connect(bridge)
        token = use(kept, origin)
        before = bridge.keepers()
        bridge.reload(configuration(origin.url, tokens.settings("[timeouts]\ndrain = 7s\n")))
        bridge.message("reloaded: ")
        wait_until(lambda: bridge.keepers() not in ([], before), "the keeper is another one")
        assert use(connect(bridge), origin) == use(kept, origin) == token
        assert len(tokens.asked) == 1

    def test_reload_with_another_scope(self, connect, start_bridge, origin, tokens):
        """A token whose settings changed is another one; old connections end with their next response."""
        bridge = start_bridge(origin, tokens.settings())
        kept = connect(bridge)
        token = use(kept, origin)
        bridge.reload(configuration(origin.url, tokens.settings("scope = other\n")))
        bridge.message("reloaded: ")
        assert use(connect(bridge), origin) != token
        answer_to_old = kept.exchange(get())
        assert answer_to_old.status == 200 and answer_to_old.values(b"Connection") == [b"close"]
        assert sent(origin)[-1] == token

    def test_old_connections_get_new_tokens(self, connect, start_bridge, start_token_server, origin):
        """A connection from before the reload is given what the new keeper fetches."""
        tokens = start_token_server(lifetime=1)
        bridge = start_bridge(origin, tokens.settings())
        kept = connect(bridge)
        use(kept, origin)
        bridge.reload(configuration(origin.url, tokens.settings()))
        bridge.message("reloaded: ")
        count = len(tokens.issued)
        wait_until(lambda: len(tokens.issued) > count + 1, "it is fetched again")
        wait_until(lambda: tokens.is_valid(use(kept, origin)), "it has a new one")

    def test_ends_with_the_bridge(self, start_bridge, origin, tokens):
        bridge = start_bridge(origin, tokens.settings())
        wait_until(bridge.keepers, "the keeper runs")
        bridge.signal(signal.SIGTERM)
        assert bridge.wait_exit() == 0

    def test_drain_has_tokens(self, connect, start_bridge, origin, tokens):
        """A request that comes while the bridge stops is served with its token."""
        bridge = start_bridge(origin, tokens.settings())
        client = connect(bridge)
        use(client, origin)
        bridge.signal(signal.SIGTERM)
        bridge.message("stopping: ")
        assert client.exchange(get()).status == 200
        assert bridge.wait_exit() == 0


class TestShown:
    def test_status_and_metrics(self, connect, start_bridge, origin, tokens):
        bridge = start_bridge(origin, tokens.settings(STATUS))
        use(connect(bridge), origin)
        page = StatusPage(bridge, connect)
        (token,) = page.report()["tokens"]
        assert (token["name"], token["type"], token["valid"], token["last_error"]) == ("preprod", "oauth2", True, None)
        assert 3500 < token["expires_in"] <= 3600 and 0 <= token["age"] < 60 and 3400 < token["next_fetch_in"] < 3600
        metrics = page.metrics()
        assert metrics['authbridge_token_valid{token="preprod"}'] == 1
        assert 3500 < metrics['authbridge_token_expires_seconds{token="preprod"}'] <= 3600
        assert metrics['authbridge_token_fetches_total{token="preprod",result="ok"}'] == 1
        assert SECRET not in page.get("/status").raw.decode() + page.get("/metrics").raw.decode()
        bridge.signal(signal.SIGUSR1)
        bridge.message("1 of 1 tokens valid")

    def test_failure_is_shown(self, connect, start_bridge, origin, tokens):
        tokens.behaviour = lambda asked: answer({"error": "invalid_client"}, "401 Unauthorized")
        bridge = start_bridge(origin, tokens.settings(STATUS))
        bridge.complaint("token preprod: ")
        page = StatusPage(bridge, connect)
        (token,) = page.report()["tokens"]
        assert not token["valid"] and token["expires_in"] is None and token["failures"] >= 1
        assert token["last_error"] == "the token endpoint answers 401, invalid_client"
        metrics = page.metrics()
        assert metrics['authbridge_token_valid{token="preprod"}'] == 0
        assert metrics['authbridge_token_fetches_total{token="preprod",result="failed"}'] >= 1

    def test_check_and_explain(self, tmp_path, tokens):
        path = tmp_path / "proxy.ini"
        path.write_text(configuration("http://127.0.0.1:9", tokens.settings()))
        done = run("-c", path, "--check")
        assert done.returncode == 0 and "client_secret = ***\n" in done.stdout
        assert "Authorization = ***" in done.stdout
        explained = run("-c", path, "--explain", "GET /")
        assert explained.returncode == 0 and "Authorization: ***" in explained.stdout
        assert SECRET not in done.stdout + done.stderr + explained.stdout + explained.stderr
        assert not tokens.asked

    def test_live(self, tmp_path, origin, tokens):
        path = tmp_path / "proxy.ini"
        path.write_text(configuration(origin.url, tokens.settings()))
        done = run("-c", path, "--check", "--live")
        assert done.returncode == 0 and re.search("^Token preprod: there is one, valid for 35..s$", done.stdout, re.MULTILINE)
        assert sent(origin) == list(tokens.issued)
        tokens.behaviour = lambda asked: answer({"error": "invalid_client"}, "401 Unauthorized")
        failed = run("-c", path, "--check", "--live")
        assert failed.returncode == 69
        assert failed.stderr == "authbridge: error: token preprod: the token endpoint answers 401, invalid_client\n"
        assert len(origin.requests) == 1, "nothing goes to the target without its token"
        assert SECRET not in done.stdout + done.stderr + failed.stdout + failed.stderr
