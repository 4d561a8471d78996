"""Fields of one connection, injected fields, upgrades, and whether connections are kept."""

from case import Case, Forwarded, Reply, Step, abandons, answers, passes, refuses, response_passes, shown
from message import OK, get, post, post_chunked, response

HOST = b"Host: client.example\r\n"
HOP = "RFC 9110 7.6.1"


def fields(*lines):
    return get(fields=b"".join(line + b"\r\n" for line in lines))


def from_1_0(*lines, method=b"GET"):
    return method + b" / HTTP/1.0\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def options(*lines, target=b"*", version=b"HTTP/1.1"):
    return b"OPTIONS " + target + b" " + version + b"\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


NOMINATED = [
    passes("a nominated field", HOP, fields(b"Connection: X-A", b"X-A: a", b"X-B: b")),
    passes("a nominated field before Connection", HOP, fields(b"X-A: a", b"Connection: X-A")),
    passes("nominated in another case", HOP, fields(b"cOnnEction: x-a", b"X-A: a", b"x-A: b")),
    passes(
        "several nominated in one field", HOP, fields(b"Connection: X-A,X-B ,\tX-C", b"X-A: a", b"X-B: b", b"X-C: c")
    ),
    passes(
        "nominated in several fields",
        "Go ReverseProxy",
        fields(b"Connection: X-A", b"X-A: a", b"Connection: X-B", b"X-B: b"),
    ),
    passes("an empty element first", "Go ReverseProxy", fields(b"Connection: , X-A", b"X-A: a")),
    passes("an empty field first", "Go ReverseProxy", fields(b"Connection:", b"Connection: X-A", b"X-A: a")),
    passes("only empty elements", "RFC 9110 5.6.1", fields(b"Connection: , ,,", b"X-A: a")),
    passes("nominated beside close", HOP, fields(b"Connection: close, X-A", b"X-A: a")),
    passes("nominated beside keep-alive", HOP, fields(b"Connection: keep-alive, X-A", b"X-A: a")),
    passes("a field called Close is nominated by close", HOP, fields(b"Connection: close", b"Close: a")),
    passes("nominated twice", HOP, fields(b"Connection: X-A, X-A, x-a", b"X-A: a")),
    passes("what is nominated is not there", HOP, fields(b"Connection: X-A")),
    passes("a nominated part of a name is another name", HOP, fields(b"Connection: X-A", b"X-AB: a", b"X: b")),
    passes("a nominated name with _ is another name", HOP, fields(b"Connection: X_A", b"X-A: a")),
    passes("Host is nominated and stays right", HOP, fields(b"Connection: Host")),
    passes("Authorization is nominated", HOP, fields(b"Connection: Authorization", b"Authorization: Basic eDp5")),
    passes("Cookie is nominated", HOP, fields(b"Connection: Cookie", b"Cookie: a=b", b"Cookie: c=d")),
    passes(
        "Content-Type is nominated", HOP, post(b"hello", b"Connection: Content-Type\r\nContent-Type: text/plain\r\n")
    ),
    passes("Connection nominates itself", HOP, fields(b"Connection: Connection", b"X-A: a")),
    passes(
        "X-Forwarded-For is nominated",
        "hop-by-hop abuse (Davison 2019)",
        fields(b"Connection: X-Forwarded-For", b"X-Forwarded-For: a"),
    ),
    passes(
        "options that are no tokens name nothing", HOP, fields(b'Connection: "X-A", X-B;q=1, @', b"X-A: a", b"X-B: b")
    ),
    passes(
        "64 nominated fields",
        HOP,
        fields(b"Connection: " + b", ".join(b"X-%d" % n for n in range(64)), b"X-63: a", b"X-64: b"),
    ),
    refuses(
        "more fields nominated than are kept track of",
        HOP,
        400,
        fields(b"Connection: " + b",".join(b"X-%d" % n for n in range(100))),
    ),
    *(
        passes(f"{shown(line)} is taken out", HOP, fields(line, b"X-A: a"))
        for line in (
            *(
                b"Connection: keep-alive",
                b"Keep-Alive: timeout=5, max=100",
                b"Proxy-Connection: keep-alive",
                b"Proxy-Authorization: Basic eDp5",
            ),
            *(
                b"TE: gzip",
                b"TE: gzip;q=0.5, deflate",
                b"TE:",
                b"Upgrade: websocket",
                b"Upgrade: h2c",
                b"proxy-connection: close",
            ),
        )
    ),
    passes(
        "Proxy-Authenticate and Proxy-Foo are other fields",
        HOP,
        fields(b"Proxy-Authenticate: a", b"Proxy-Foo: b", b"Proxy: c"),
    ),
    passes("TE: trailers goes on", "RFC 9110 10.1.4", fields(b"TE: trailers", b"Connection: TE")),
    passes(
        "TE: trailers among others",
        "RFC 9110 10.1.4",
        fields(b"TE: gzip, Trailers;q=1, trailers", b"Connection: TE, X-A", b"X-A: a"),
    ),
    passes("TE in two fields", "RFC 9110 10.1.4", fields(b"TE: gzip", b"te: trailers", b"Connection: TE")),
    passes(
        "Trailer stays", "RFC 9110 6.6.2", post_chunked(b"0\r\nX-A: a\r\n\r\n", b"Trailer: X-A\r\nTrailer: X-B\r\n")
    ),
]

INJECTED = "README: what is changed"
INJECTIONS = [
    passes("a field is injected", INJECTED, get(), setting="inject"),
    passes(
        "a client's own field is replaced", INJECTED, fields(b"Authorization: Basic eDp5", b"X-A: a"), setting="inject"
    ),
    passes(
        "every copy is replaced",
        INJECTED,
        fields(b"authorization: a", b"X-A: a", b"AUTHORIZATION: b"),
        setting="inject",
    ),
    passes(
        "a client's own with _ is replaced",
        "underscore collisions",
        fields(b"X_Api_Key: a", b"x_api-key: b"),
        setting="inject",
    ),
    passes(
        "a client's own with other characters is replaced",
        "underscore collisions",
        fields(b"X.Api~Key: a", b"X'Api+Key: b"),
        setting="inject",
    ),
    passes(
        "a name that is longer stays",
        INJECTED,
        fields(b"X-Api-Key-Id: a", b"X-Api-Ke: b", b"XApiKey: c"),
        setting="inject",
    ),
    passes(
        "an empty value removes", INJECTED, fields(b"X-Debug: 1", b"x_debug: 2", b"X-Debugger: 3"), setting="inject"
    ),
    passes(
        "Connection does not nominate an injected field away",
        "hop-by-hop abuse (Davison 2019)",
        fields(b"Connection: Authorization, X-Api-Key", b"Authorization: x"),
        setting="inject",
    ),
    passes(
        "a trailer does not bring an injected field",
        "RFC 9110 6.5.1",
        post_chunked(b"0\r\nAuthorization: x\r\nX_Api_Key: y\r\nX-Debug: z\r\nX-A: a\r\n\r\n"),
        setting="inject",
    ),
    passes("injected behind TE and Connection", INJECTED, fields(b"TE: trailers", b"X-A: a"), setting="inject"),
    passes("injected from HTTP/1.0", INJECTED, from_1_0(b"Authorization: x"), setting="inject"),
    passes("injected into every request", INJECTED, [get(b"/1"), post(b"hello"), get(b"/2")], setting="inject"),
    refuses(
        "TRACE does not echo what is injected",
        "RFC 9110 9.3.8",
        405,
        b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n",
        setting="inject",
    ),
    response_passes(
        "response fields are set and removed",
        INJECTED,
        response(fields=b"Server: a\r\nX-Served-By: b\r\nx_served_by: c\r\nX-A: d\r\n"),
        setting="inject",
    ),
    response_passes(
        "response fields are not set in 1xx",
        INJECTED,
        b"HTTP/1.1 103 Early Hints\r\nServer: a\r\n\r\n" + OK,
        setting="inject",
    ),
    passes("a base path is put before the path", INJECTED, get(b"/a?b"), setting="base"),
    passes("a base path is put before //", INJECTED, get(b"//a"), setting="base"),
    passes("a base path is not cleaned away", INJECTED, get(b"/../a"), setting="base"),
    passes("a base path and absolute-form", INJECTED, get(b"http://other.example/a"), setting="base"),
    passes("a base path and absolute-form without a path", INJECTED, get(b"http://other.example?a"), setting="base"),
    passes("a base path and *", INJECTED, options(), setting="base"),
]

UPGRADE = "RFC 9110 7.8"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\nX-A: a\r\n\r\n"
WEBSOCKET = fields(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: a")


def switch(protocol, behind=b"\x81\x02hi"):
    return Reply(SWITCH % protocol + behind, ends="FIN")


UPGRADES = [
    passes("upgrade to websocket", UPGRADE, WEBSOCKET, switch(b"websocket")),
    passes(
        "upgrade in other case", UPGRADE, fields(b"connection: UPGRADE", b"upgrade: WebSocket"), switch(b"websocket")
    ),
    passes(
        "upgrade beside keep-alive",
        UPGRADE,
        fields(b"Connection: keep-alive, Upgrade", b"Upgrade: websocket"),
        switch(b"websocket"),
    ),
    passes(
        "upgrade to one of two",
        UPGRADE,
        fields(b"Connection: Upgrade", b"Upgrade: foo/2, websocket"),
        switch(b"websocket"),
    ),
    passes(
        "upgrade to another protocol", UPGRADE, fields(b"Connection: Upgrade", b"Upgrade: foo/1.0"), switch(b"foo/1.0")
    ),
    passes(
        "upgrade with TE",
        UPGRADE,
        fields(b"Connection: Upgrade, TE", b"TE: trailers", b"Upgrade: websocket"),
        switch(b"websocket"),
    ),
    passes("upgrade that the target does not want", UPGRADE, [WEBSOCKET, get(b"/2")]),
    passes(
        "upgrade that the target answers with 426",
        "RFC 9110 15.5.22",
        WEBSOCKET,
        response(b"426 Upgrade Required", b"Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    ),
    passes("upgrade without Connection: Upgrade", UPGRADE, fields(b"Upgrade: websocket")),
    passes("Connection: Upgrade without Upgrade", UPGRADE, fields(b"Connection: Upgrade")),
    passes("upgrade from HTTP/1.0", UPGRADE, from_1_0(b"Connection: Upgrade", b"Upgrade: websocket")),
    passes(
        "upgrade to h2c",
        "h2c smuggling (Bishop Fox 2020)",
        fields(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
    ),
    passes(
        "upgrade to h2c or websocket",
        "h2c smuggling (Bishop Fox 2020)",
        fields(b"Connection: Upgrade", b"Upgrade: h2c, websocket, HTTP/2.0, TLS/1.3"),
        switch(b"websocket"),
    ),
    passes(
        "upgrade to h2c in a field of its own",
        "h2c smuggling (Bishop Fox 2020)",
        fields(b"Connection: Upgrade", b"Upgrade: h2c", b"Upgrade: websocket"),
        switch(b"websocket"),
    ),
    passes("upgrade to TLS", "RFC 2817 3.1", options(b"Connection: Upgrade", b"Upgrade: TLS/1.0")),
]

PERSISTENCE = "RFC 9112 9.3"
CONNECTIONS = [
    passes("kept by default in 1.1", PERSISTENCE, [get(b"/1"), get(b"/2")]),
    passes("closed on request", "RFC 9112 9.6", fields(b"Connection: close")),
    passes("closed on request, in capitals", "RFC 9112 9.6", fields(b"Connection: CLOSE")),
    passes("closed on request, in a list", "RFC 9112 9.6", fields(b"Connection: foo, close")),
    passes("closed on request, in a second field", "RFC 9112 9.6", fields(b"Connection: foo", b"Connection: close")),
    passes("close and keep-alive", "RFC 9112 9.3", fields(b"Connection: keep-alive, close")),
    passes("closed in 1.0", PERSISTENCE, from_1_0()),
    passes("kept in 1.0 on request", "RFC 9112 C.2.2", from_1_0(b"Connection: keep-alive")),
    passes("kept in 1.0 on request, in other case", "RFC 9112 C.2.2", from_1_0(b"connection: Keep-Alive")),
    passes("kept in 1.0, then a 1.1 request", "RFC 9112 C.2.2", [from_1_0(b"Connection: keep-alive"), get(b"/2")]),
    passes("close and keep-alive in 1.0", PERSISTENCE, from_1_0(b"Connection: keep-alive, close")),
    passes("Keep-Alive alone does not keep 1.0", PERSISTENCE, from_1_0(b"Keep-Alive: timeout=5")),
    passes("Proxy-Connection does not keep 1.0", "RFC 9112 C.2.2", from_1_0(b"Proxy-Connection: keep-alive")),
    passes("HEAD in 1.0", PERSISTENCE, from_1_0(b"Connection: keep-alive", method=b"HEAD")),
    Case(
        "what follows a request that closes is not served",
        "RFC 9112 9.6",
        (Step(fields(b"Connection: close"), Forwarded(), behind=get(b"/2")),),
    ),
    abandons("client breaks off while the target thinks", "Go ReverseProxy", get(), "RST"),
    abandons("client ends while the target thinks", "PROTOCOL: connections", get(), "FIN"),
    abandons("client ends after its content", "PROTOCOL: connections", post(b"hello"), "FIN"),
]

FORWARDS = "RFC 9110 7.6.2"
MAX_FORWARDS = [
    passes("Max-Forwards is decremented", FORWARDS, options(b"Max-Forwards: 5")),
    passes("Max-Forwards: 1 becomes 0", FORWARDS, options(b"Max-Forwards: 1", target=b"/a")),
    passes("Max-Forwards: 10 becomes 9", FORWARDS, options(b"max-forwards:10")),
    answers("Max-Forwards: 0 is answered here", FORWARDS, 200, options(b"Max-Forwards: 0")),
    answers("Max-Forwards: 0 for a path", FORWARDS, 200, options(b"Max-Forwards: 0", target=b"/a")),
    passes("Max-Forwards of other methods is left alone", FORWARDS, fields(b"Max-Forwards: 5")),
    passes("Max-Forwards: 0 of other methods is left alone", FORWARDS, fields(b"Max-Forwards: 0")),
    passes("Max-Forwards that is no number is left alone", FORWARDS, options(b"Max-Forwards: x")),
    refuses("two Max-Forwards", FORWARDS, 400, options(b"Max-Forwards: 0", b"Max-Forwards: 5")),
    passes("Max-Forwards that Connection names", HOP, options(b"Connection: Max-Forwards", b"Max-Forwards: 0")),
]

CASES = NOMINATED + INJECTIONS + UPGRADES + CONNECTIONS + MAX_FORWARDS
