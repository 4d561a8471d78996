"""[route:NAME]: which target gets a request, what it gets of it, and what a client's connection keeps open."""

import itertools
import json
import re
from urllib.parse import unquote_to_bytes

import pytest
from bridge import SECRET, run, with_listener, with_process_model
from hypothesis import given, settings
from hypothesis import strategies as st
from message import OK, get, post, response, row
from rawclient import refusal
from statuspage import STATUS, StatusPage, with_label
from target import answering
from wire import wait_until

IDLE_TARGETS_KEPT = 8


def route(name, target, *settings, request="", response=""):
    """A route's sections."""
    text = f"[route:{name}]\ntarget = {getattr(target, 'url', target)}\n" + "".join(f"{one}\n" for one in settings)
    for kind, fields in (("request", request), ("response", response)):
        if fields:
            text += f"[route:{name} {kind}-headers]\n{fields}\n"
    return text


def named(name):
    """A script that answers each request with a name."""
    return answering(response(content=name.encode()))


@pytest.fixture
def start_named(start_target):
    """Starts a target that answers with a name."""
    return lambda name, *arguments, **settings: start_target(*arguments, **settings).serve(named(name))


@pytest.fixture
def start_routes(start_bridge, certificates):
    """Starts a bridge that has routes, and no target for what they are not for."""

    def start(*routes, more=""):
        text = f"[proxy]\nlisten = 127.0.0.1:0\n{more}\n" + "".join(routes)
        return start_bridge(text=with_listener(with_process_model(text), lambda: certificates.good))

    return start


def ask(client, path, host=b"client.example"):
    """Which target answers."""
    return client.exchange(get(path).replace(b"client.example", host)).content.decode()


def lines(requests):
    return [request.head.start_line for request in requests]


# ---- which one ----


def test_twenty_services(connect, start_bridge, start_named, certificates, tmp_path):
    """In one file, over http, https and a Unix socket, asked for in turn on one kept connection."""
    targets = [
        start_named("plain"),
        start_named("secure", tls=certificates.good.server()),
        start_named("socket", str(tmp_path / "socket")),
        start_named("other", tls=certificates.good.server()),
    ]
    names = ("plain", "secure", "socket", "other")
    routes = [route(f"service-{i}", targets[i % 4], f"path = /service-{i}", "strip_path = on") for i in range(20)]
    bridge = start_bridge(
        start_named("fallback"), f"[tls]\nca_file = {certificates.authority.pem}\n" + "".join(routes)
    )
    client = connect(bridge)
    for i in (*range(20), *reversed(range(20))):
        assert ask(client, b"/service-%d/x?y=%d" % (i, i)) == names[i % 4]
    assert ask(client, b"/service-20") == "fallback"
    for first, target in enumerate(targets):
        asked = [b"GET /x?y=%d HTTP/1.1" % i for i in (*range(first, 20, 4), *reversed(range(first, 20, 4)))]
        assert lines(target.requests) == asked
        assert len(target.used) == 1


CHOICES = [
    row("whole segments", b"/payments", b"h", "payments"),
    row("below", b"/payments/x", b"h", "payments"),
    row("query", b"/payments?x", b"h", "payments"),
    row("longer name", b"/paymentsx", b"h", "fallback"),
    row("case", b"/Payments", b"h", "fallback"),
    row("longest", b"/payments/v2/x", b"h", "v2"),
    row("host", b"/", b"payments.local", "host"),
    row("host in capitals, with a port", b"/", b"PAYMENTS.local:80", "host"),
    row("host before path", b"/payments", b"payments.local", "host"),
    row("both", b"/api/x", b"payments.local", "both"),
    row("one of both", b"/api/x", b"h", "fallback"),
    row("port", b"/", b"payments.local:8080", "port"),
    row("absolute target", b"http://payments.local/x", b"h", "host"),
    row("absolute target without a path", b"http://h", b"payments.local", "fallback"),
]


@pytest.mark.parametrize(("path", "host", "name"), CHOICES)
def test_choice(connect, start_bridge, start_named, path, host, name):
    names = ("fallback", "payments", "v2", "host", "both", "port")
    targets = {known: start_named(known) for known in names}
    bridge = start_bridge(
        targets["fallback"],
        route("payments", targets["payments"], "path = /payments")
        + route("v2", targets["v2"], "path = /payments/v2")
        + route("host", targets["host"], "host = payments.local")
        + route("both", targets["both"], "host = payments.local", "path = /api")
        + route("port", targets["port"], "host = payments.local:8080"),
    )
    assert ask(connect(bridge), path, host) == name
    assert bridge.access()["route"] == (None if name == "fallback" else name)


def test_no_route(connect, start_routes, start_named):
    target = start_named("a")
    bridge = start_routes(route("a", target, "path = /a"))
    client = connect(bridge)
    client.send(get(b"/b"))
    answer = refusal(client, {404})
    assert answer.values(b"Proxy-Status") == [b"authbridge; error=destination_not_found"]
    assert ask(client, b"/a") == "a", "the connection stays"
    assert (bridge.access(1)["status"], bridge.access(1)["error"]) == ("404", "destination_not_found")
    assert lines(target.requests) == [b"GET /a HTTP/1.1"]


STAR = b"OPTIONS * HTTP/1.1\r\nHost: client.example\r\n\r\n"


def test_server_as_a_whole_is_the_bridge_without_a_route_for_it(connect, start_routes, start_named):
    target = start_named("a")
    bridge = start_routes(route("a", target, "path = /a"), more="methods = GET, HEAD")
    answer = connect(bridge).exchange(STAR)
    assert (answer.status, answer.values(b"Allow")) == (200, [b"GET, HEAD"])
    assert target.requests == []


def test_server_as_a_whole_goes_to_the_fallback(connect, start_bridge, start_named):
    bridge = start_bridge(start_named("fallback"), route("a", "http://127.0.0.1:9", "path = /a"))
    assert connect(bridge).exchange(STAR).content == b"fallback"


# ---- paths that a target may read in another way ----

SEGMENTS = [b"payments", b"v2", b"x", b"", b".", b"..", b"%2e%2e", b"%2E.", b"pay%6dents", b"pay%256dents", b"%70ayments"]
SEGMENTS += [b"x%2fpayments", b"payments%2fv2", b"payments%5cv2", b"..;x", b"payments;x=y", b"v2%3bx", b"%252e%252e", b"%"]
PATH = st.lists(
    st.tuples(st.sampled_from([b"/", b"/", b"/", b"//", b"\\", b"/\\", b"%2f"]), st.sampled_from(SEGMENTS)),
    max_size=5,
).map(lambda pairs: b"/" + b"".join(itertools.chain(*pairs)).lstrip(b"/"))
PREFIXES = {"v2": b"/payments/v2", "payments": b"/payments"}


def chosen(path):
    """The model: the longest prefix of whole segments."""
    for name, prefix in PREFIXES.items():
        if path == prefix or path.startswith(prefix + b"/"):
            return name
    return "fallback"


def readings(path):
    """The ways in which targets read a path: decoded or not, other separators, no parameters, no empty segments."""
    decodings = (lambda octets: octets, unquote_to_bytes, lambda octets: unquote_to_bytes(unquote_to_bytes(octets)))
    for decode, backslash, parameters, merge, late in itertools.product(decodings, *[(False, True)] * 4):
        read = path if late else decode(path)
        if backslash:
            read = read.replace(b"\\", b"/")
        segments = read.split(b"/")[1:]
        if late:
            segments = [decode(segment) for segment in segments]
        if parameters:
            segments = [segment.partition(b";")[0] for segment in segments]
        if merge:
            segments = [segment for segment in segments if segment]
        yield [*segments]


def is_clear(path):
    """Whether no reading has dot segments, or is another route's."""
    for segments in readings(path):
        if b"." in segments or b".." in segments or chosen(b"/" + b"/".join(segments)) != chosen(path):
            return False
    return True


def test_no_way_to_write_a_path_leads_past_a_route(connect, start_bridge, start_named):
    """Against a model that reads paths in every way that targets have; what is clear goes on as it came."""
    target = start_named("x")
    marks = [route(name, target, f"path = {path.decode()}", response=f"X-Route = {name}") for name, path in PREFIXES.items()]
    bridge = start_bridge(target, "".join(marks))
    client = connect(bridge)

    @settings(deadline=None, database=None, derandomize=True, max_examples=300)
    @given(PATH)
    def holds(path):
        answer = client.exchange(get(path))
        if is_clear(path):
            assert answer.status == 200
            assert (answer.values(b"X-Route") or [b"fallback"]) == [chosen(path).encode()]
            assert target.requests[-1].head.start_line == b"GET " + path + b" HTTP/1.1"
        else:
            assert answer.status == 400
            assert answer.values(b"Proxy-Status") == [b"authbridge; error=http_request_error"]

    holds()


def test_paths_are_the_targets_own_matter_without_routes_by_path(connect, start_bridge, start_named):
    target = start_named("x")
    bridge = start_bridge(target, route("a", target, "host = a.example"))
    client = connect(bridge)
    for path in (b"/a/../b", b"//a", b"/%2e%2e/x;y"):
        assert ask(client, path) == ask(client, path, b"a.example") == "x"
        assert target.requests[-1].head.start_line == b"GET " + path + b" HTTP/1.1"


# ---- what the target gets ----

STRIPPED = [
    row("the path itself", b"/payments", b"/"),
    row("with a slash", b"/payments/", b"/"),
    row("query", b"/payments?a=/payments", b"/?a=/payments"),
    row("below", b"/payments/payments/x", b"/payments/x"),
    row("absolute", b"http://x.example/payments?a", b"/?a"),
    row("encoded octets stay", b"/payments/%41%7e?%2e", b"/%41%7e?%2e"),
]


@pytest.mark.parametrize("base", [b"", b"/base"])
@pytest.mark.parametrize(("path", "sent"), STRIPPED)
def test_strip_path(connect, start_routes, start_named, path, sent, base):
    target = start_named("x")
    bridge = start_routes(route("a", target.url + base.decode(), "path = /payments", "strip_path = on"))
    assert ask(connect(bridge), path) == "x"
    assert lines(target.requests) == [b"GET " + base + sent + b" HTTP/1.1"]


def test_path_stays_by_default(connect, start_routes, start_named):
    target = start_named("x")
    bridge = start_routes(route("a", target.url + "/base", "path = /payments"))
    ask(connect(bridge), b"/payments?x")
    assert lines(target.requests) == [b"GET /base/payments?x HTTP/1.1"]


def test_host_is_the_routes_own(connect, start_bridge, start_named):
    """What [proxy] says of its target is none of another's."""
    fallback, plain, other = start_named("f"), start_named("p"), start_named("o")
    bridge = start_bridge(
        fallback,
        "host = secret.example\n"
        + route("plain", plain, "path = /p")
        + route("other", other, "host = o.local", "send_host = o.example:81"),
    )
    client = connect(bridge)
    assert (ask(client, b"/"), ask(client, b"/p"), ask(client, b"/", b"o.local")) == ("f", "p", "o")
    hosts = [target.requests[0].values(b"Host") for target in (fallback, plain, other)]
    assert hosts == [[b"secret.example"], [plain.authority], [b"o.example:81"]]


def test_fields_are_added_replaced_and_removed(connect, start_bridge, start_named):
    fallback, own = start_named("f"), start_named("o")
    general = "[request-headers]\nAuthorization = general\nX-All = all\nX-Most = most\n[response-headers]\nX-Back = all\n"
    bridge = start_bridge(
        fallback,
        general
        + route("own", own, "path = /o", request="authorization = own\nX-Most =\nX-Own = own", response="X-Back = own"),
    )
    client = connect(bridge)
    sent = b"Authorization: client\r\nX-Most: client\r\nX-Own: client\r\n"
    answers = [client.exchange(get(path, sent)) for path in (b"/", b"/o")]
    assert [answer.values(b"X-Back") for answer in answers] == [[b"all"], [b"own"]]
    names = (b"Authorization", b"X-All", b"X-Most", b"X-Own")
    got = [[target.requests[0].values(name) for name in names] for target in (fallback, own)]
    assert got == [[[b"general"], [b"all"], [b"most"], [b"client"]], [[b"own"], [b"all"], [], [b"own"]]]


def test_secret_of_one_route_is_missed_by_that_one_alone(connect, start_routes, start_named, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    target = start_named("x")
    field = f"Authorization = ${{file:{secret}}}"
    bridge = start_routes(route("a", target, "path = /a", request=field), route("b", target, "path = /b"))
    client = connect(bridge)
    assert ask(client, b"/a") == ask(client, b"/b") == "x"
    assert [request.values(b"Authorization") for request in target.requests] == [[SECRET.encode()], []]
    secret.unlink()
    wait_until(lambda: client.exchange(get(b"/a")).status == 502, "the secret is missed")
    assert ask(client, b"/b") == "x"


# ---- connections ----


@pytest.mark.usefixtures("nothing_ahead")
def test_client_keeps_a_connection_to_each_target(connect, start_routes, start_named):
    targets = [start_named(name) for name in "abc"]
    bridge = start_routes(*(route(name, target, f"path = /{name}") for name, target in zip("abc", targets)))
    client = connect(bridge)
    for _ in range(5):
        assert [ask(client, b"/" + name.encode()) for name in "abc"] == ["a", "b", "c"]
    assert [len(target.connections) for target in targets] == [1, 1, 1]


@pytest.mark.usefixtures("nothing_ahead")
def test_routes_to_one_target_share_its_connection(connect, start_routes, start_named):
    target = start_named("x")
    bridge = start_routes(
        route("a", target.url + "/base", "path = /a"), route("b", target, "path = /b"), route("c", target, "host = c")
    )
    client = connect(bridge)
    assert ask(client, b"/a") == ask(client, b"/b") == ask(client, b"/", b"c") == "x"
    assert len(target.connections) == 1


@pytest.mark.usefixtures("nothing_ahead")
def test_so_many_idle_connections_are_kept(connect, start_routes, start_named):
    """The one that has been idle for longest makes room."""
    names = "abcdefghij"
    targets = [start_named(name) for name in names]
    bridge = start_routes(*(route(name, target, f"path = /{name}") for name, target in zip(names, targets)))
    client = connect(bridge)
    for name in names + names[-IDLE_TARGETS_KEPT:] + names[:1] + names[-IDLE_TARGETS_KEPT + 1 :]:
        assert ask(client, b"/" + name.encode()) == name
    assert [len(target.connections) for target in targets] == [2] + [1] * 9


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_connection_that_its_target_closed_meanwhile(connect, start_routes, start_named, start_target, certificates, secure):
    """It is looked at before it is used: nothing fails."""

    def once(upstream):
        upstream.read_request()
        upstream.send(OK)

    context = certificates.good.server() if secure else None
    fickle = start_target(tls=context).serve(once)
    bridge = start_routes(
        f"[tls]\nca_file = {certificates.authority.pem}\n" if secure else "",
        route("fickle", fickle, "path = /fickle"),
        route("steady", start_named("steady"), "path = /steady"),
    )
    client = connect(bridge)
    for _ in range(10):
        assert ask(client, b"/fickle") == "ok"
        assert ask(client, b"/steady") == "steady"
        client.send(post(b"x", path=b"/steady"))
        assert client.read_response().status == 200


def test_standbys_connect_to_the_target_of_proxy(connect, start_bridge, start_named):
    fallback, other = start_named("fallback"), start_named("other")
    bridge = start_bridge(fallback, "standby = 2\n" + route("a", other, "path = /a"))
    wait_until(lambda: len(fallback.connections) >= 2, "they are connected")
    assert ask(connect(bridge), b"/a") == "other"
    wait_until(lambda: len(fallback.connections) >= 3, "another one is made")
    assert len(other.connections) == 1


@pytest.mark.usefixtures("no_recycling")
def test_standbys_connect_to_the_target_that_was_used_last(connect, start_routes, start_named):
    """By any child before they were made: the first client's may have been made too early."""
    first, second = start_named("first"), start_named("second")
    bridge = start_routes(route("a", first, "path = /a"), route("b", second, "path = /b"), more="standby = 1")
    for _ in range(2):
        client = connect(bridge)
        assert ask(client, b"/b") == "second"
        client.close()
    wait_until(lambda: len(second.connections) > len(second.used), "one goes there ahead of a client")


def test_session_of_one_target_is_not_offered_to_another(connect, start_routes, start_target, certificates):
    """Both take each other's, for they have one key for them."""
    context = certificates.good.server()
    resumed = {"a": [], "b": []}

    def script(name):
        def run_script(upstream):
            upstream.read_request()
            resumed[name].append(upstream.sock.session_reused)
            upstream.send(response(content=name.encode()))

        return run_script

    targets = {name: start_target(tls=context).serve(script(name)) for name in "ab"}
    bridge = start_routes(
        f"[tls]\nca_file = {certificates.authority.pem}\n",
        *(route(name, target, f"path = /{name}") for name, target in targets.items()),
        more="preconnect = off",
    )
    for name in "aabba":
        client = connect(bridge)
        assert ask(client, b"/" + name.encode()) == name
        client.close()
    assert resumed == {"a": [False, True, True], "b": [False, True]}


# ---- around it ----


def test_reload_changes_routes(connect, start_bridge, start_named):
    """A connection keeps the routes that it began with."""
    fallback, first, second = (start_named(name) for name in ("fallback", "first", "second"))
    bridge = start_bridge(fallback, route("a", first, "path = /a"))
    kept = connect(bridge)
    assert ask(kept, b"/a") == "first"
    before = bridge.config.read_text()
    bridge.reload(before.replace(first.url, second.url).replace("path = /a", "path = /b"))
    bridge.message("reloaded")
    client = connect(bridge)
    assert [ask(client, path) for path in (b"/a", b"/b")] == ["fallback", "second"]
    assert [ask(kept, path) for path in (b"/a", b"/b")] == ["first", "fallback"]
    bridge.reload(before.replace("path = /a", "path = a"))
    bridge.complaint("begin it with a slash")
    assert ask(connect(bridge), b"/b") == "second", "the faulty one is not used"


def test_json_line_names_the_route(connect, start_bridge, start_named):
    bridge = start_bridge(start_named("f"), "[log]\nformat = json\n" + route("a", start_named("a"), "path = /a"))
    client = connect(bridge)
    assert (ask(client, b"/"), ask(client, b"/a")) == ("f", "a")
    logged = [json.loads(line) for line in bridge.stdout.wait(lambda line: line.startswith("{"), 2, "lines")]
    assert [line.get("authbridge.route") for line in logged] == [None, "a"]


def test_certificates_are_told_by_target(connect, start_routes, start_named, certificates):
    context = certificates.good.server()
    first, second = start_named("a", tls=context), start_named("b", tls=context)
    bridge = start_routes(
        STATUS + f"[tls]\nca_file = {certificates.authority.pem}\n",
        route("a", first, "path = /a"),
        route("b", second, "path = /b"),
        route("c", start_named("c"), "path = /c"),
        more="preconnect = off",
    )
    page = StatusPage(bridge, connect)
    assert ask(connect(bridge), b"/b") == "b"
    shown = with_label(page.metrics(), "authbridge_upstream_certificate_expiry_timestamp_seconds")
    assert list(shown) == [f'target="127.0.0.1:{second.port}"']
    report = page.report()
    assert [(target["name"], target["tls"], target["certificate"] is None) for target in report["targets"]] == [
        (f"127.0.0.1:{first.port}", True, True),
        (f"127.0.0.1:{second.port}", True, False),
        (report["targets"][2]["name"], False, True),
    ]
    assert report["configuration"]["target"] == "3 targets by 3 routes"
    assert report["certificate"]["expires"] == next(iter(shown.values()))


FILE = f"""[proxy]
target = https://preprod.example.com/base
methods = GET, HEAD
[request-headers]
Authorization = {SECRET}
[route:payments]
path = /payments
target = https://payments.example.com
strip_path = on
[route:payments request-headers]
X-Key = {SECRET}
[route:v2]
path = /payments/v2
target = http://127.0.0.1:9
methods = all
[route:search]
host = search.local
target = unix:/run/search.sock
send_host = search.example
"""


def test_check_prints_the_routes_in_their_order(check):
    done = check(FILE)
    assert done.returncode == 0 and SECRET not in done.stdout
    table = done.stdout.partition("; route")[2].partition("\n\n")[0].splitlines()[1:]
    assert [re.split(r"  +", line) for line in table] == [
        ["search", "search.local", "any", "GET, HEAD", "unix:/run/search.sock"],
        ["v2", "any", "/payments/v2", "all", "http://127.0.0.1:9"],
        ["payments", "any", "/payments", "GET, HEAD", "https://payments.example.com, without the path"],
        ["[proxy]", "any", "any", "GET, HEAD", "https://preprod.example.com/base"],
    ]
    assert len({line.index("GET, HEAD") for line in table if "GET, HEAD" in line}) == 1, "columns stand below each other"
    assert "[route:payments request-headers]\nX-Key = ***" in done.stdout
    assert "[route:search]\nsend_host = search.example\n" in done.stdout


def test_check_says_who_gets_404(check):
    assert "; all others get 404\n" in check(route("a", "http://127.0.0.1:9", "path = /a")).stdout


def explain(path, *arguments):
    done = run("-c", path, "--explain", *arguments)
    assert SECRET not in done.stdout + done.stderr
    return done.stdout


def test_explain_tells_which_route_and_why(tmp_path):
    path = tmp_path / "proxy.ini"
    path.write_text(FILE)
    shown = explain(path, "GET /payments/x")
    assert f"It takes the route payments:\n  the path is /payments, or below it    ; {path}:7\n" in shown
    assert f"payments.example.com:443    ; {path}:8, target\n" in shown
    assert re.search(rf"^~ GET /x HTTP/1.1 +; .*{path}:9, strip_path$", shown.replace("\n      ; ", " ; "), re.MULTILINE)
    shown = explain(path, "GET /", "-H", "Host: SEARCH.local:81")
    assert f"  Host is search.local    ; {path}:17\n" in shown
    assert f"~ Host: search.example" in shown and f"{path}:19, send_host" in shown
    assert "No route is for it" in explain(path, "GET /other")
    assert "405 Method Not Allowed" in explain(path, "POST /payments/x")
    assert "400 Bad Request" in explain(path, "GET /payments/../x")
    assert "404 Not Found" not in shown


def test_target_of_the_command_line_is_for_what_no_route_is_for(connect, start_bridge, start_named, tmp_path):
    fallback, own = start_named("fallback"), start_named("own")
    path = tmp_path / "routes.ini"
    path.write_text("[proxy]\nlisten = 127.0.0.1:0\ntarget = http://127.0.0.1:9\n" + route("a", own, "path = /a"))
    bridge = start_bridge(arguments=["-c", path, "--target", fallback.url])
    client = connect(bridge)
    assert (ask(client, b"/"), ask(client, b"/a")) == ("fallback", "own")


def test_live_check_tries_each_target_once(start_named, tmp_path):
    first, second = start_named("a"), start_named("b")
    path = tmp_path / "proxy.ini"
    path.write_text(
        route("a", first, "path = /a")
        + route("b", first.url + "/base", "path = /b")
        + route("c", second, "path = /c", request=f"Authorization = {SECRET}")
    )
    done = run("-c", path, "--check", "--live")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^Trying (\S+)", done.stdout, re.MULTILINE) == [first.url, second.url]
    assert (len(first.requests), len(second.requests)) == (1, 1)
    assert first.requests[0].values(b"Authorization") == []
    path.write_text(path.read_text().replace(first.url + "\n", "http://127.0.0.1:9\n"))
    done = run("-c", path, "--check", "--live")
    assert done.returncode == 69 and "connection_refused" not in done.stdout
