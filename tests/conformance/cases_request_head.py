"""Request lines, targets, hosts, field lines and sizes of heads."""

from case import passes, refuses, refuses_later, shown
from message import get

HOST = b"Host: client.example\r\n"


def line(octets, fields=HOST):
    """A request with that request line, given whole."""
    return octets + b"\r\n" + fields + b"\r\n"


def to(target, method=b"GET"):
    return line(method + b" " + target + b" HTTP/1.1")


def version(octets):
    return line(b"GET / " + octets)


def host(*values):
    return b"GET / HTTP/1.1\r\n" + b"".join(b"Host:" + value + b"\r\n" for value in values) + b"\r\n"


def field(octets, name=b"X-A"):
    return get(fields=name + octets + b"\r\n")


LINE = "RFC 9112 2.2"
REQUEST_LINE = [
    refuses("line ends: LF alone after the request line", LINE, 400, b"GET / HTTP/1.1\n" + HOST + b"\r\n"),
    refuses("line ends: LF alone after a field", LINE, 400, b"GET / HTTP/1.1\r\nHost: client.example\n\r\n"),
    refuses("line ends: LF alone ends the head", LINE, 400, b"GET / HTTP/1.1\r\n" + HOST + b"\n"),
    refuses("line ends: LF alone throughout", LINE, 400, b"GET / HTTP/1.1\nHost: client.example\n\n"),
    refuses("line ends: CR alone after the request line", LINE, 400, b"GET / HTTP/1.1\r" + HOST + b"\r\n"),
    refuses("line ends: CR alone after a field", LINE, 400, b"GET / HTTP/1.1\r\nHost: client.example\r\r\n"),
    refuses("line ends: CR CR LF", LINE, 400, b"GET / HTTP/1.1\r\r\n" + HOST + b"\r\n"),
    refuses("line ends: LF CR", LINE, 400, b"GET / HTTP/1.1\n\r" + HOST + b"\n\r"),
    refuses("a field hidden behind CR", "RFC 9110 5.5", 400, field(b": a\rContent-Length: 5")),
    refuses("a field hidden behind LF", "RFC 9110 5.5", 400, field(b": a\nContent-Length: 5")),
    passes("one empty line before the request", LINE, b"\r\n" + get()),
    passes("two empty lines before the request", LINE, b"\r\n\r\n" + get()),
    refuses("three empty lines before the request", LINE, 400, b"\r\n\r\n\r\n" + get()),
    refuses("an empty line of LF before the request", LINE, 400, b"\n" + get()),
    refuses("an empty line of CR before the request", LINE, 400, b"\r" + get()),
    refuses("a space before the request", LINE, 400, b" " + get()),
    passes("an empty line between two requests", LINE, [get(b"/1"), b"\r\n" + get(b"/2")]),
    refuses("request line: two spaces after the method", "RFC 9112 3", 400, line(b"GET  / HTTP/1.1")),
    refuses("request line: two spaces before the version", "RFC 9112 3", 400, line(b"GET /  HTTP/1.1")),
    refuses("request line: a space at its end", "RFC 9112 3", 400, line(b"GET / HTTP/1.1 ")),
    refuses("request line: tabs for spaces", "RFC 9112 3", 400, line(b"GET\t/\tHTTP/1.1")),
    refuses("request line: a vertical tab for a space", "RFC 9112 3", 400, line(b"GET\x0b/\x0bHTTP/1.1")),
    refuses("request line: a form feed for a space", "RFC 9112 3", 400, line(b"GET / \x0cHTTP/1.1")),
    refuses("request line: a no-break space", "RFC 9112 3", 400, line(b"GET\xa0/ HTTP/1.1")),
    refuses("request line: a space in the target", "RFC 9112 3.2", 400, to(b"/a b")),
    refuses("request line: a second request in it", "smuggling", 400, line(b"GET / HTTP/1.1 GET /b HTTP/1.1")),
    refuses("request line: nothing but the method", "RFC 9112 3", 400, line(b"GET")),
    refuses("request line: a field in its place", "RFC 9112 3", 400, HOST + b"\r\n"),
    refuses(
        "PROXY line where none is expected", "PROXY protocol 2.1", 400, b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n" + get()
    ),
    refuses("TLS hello in clear", "RFC 9112 2.1", 400, b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\0" * 40),
]

METHOD = "RFC 9110 9.1"
METHODS = [
    *(
        passes(f"method {shown(name)}", METHOD, to(b"/", name))
        for name in (b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"PROPFIND", b"QUERY", b"PURGE", b"get")
    ),
    passes("method HEAD", METHOD, to(b"/", b"HEAD")),
    passes("method of all token characters", "RFC 9110 5.6.2", to(b"/", b"!#$%&'*+-.^_`|~9Az")),
    passes("method of 32 characters", METHOD, to(b"/", b"M" * 32)),
    refuses("method of 33 characters", METHOD, 501, to(b"/", b"M" * 33)),
    *(
        refuses(f"method {shown(name)}", METHOD, 400, to(b"/", name))
        for name in (b"G@T", b"GE(T", b'"GET"', b"GET:", b"GET,POST", b"G\0T", b"G\x7fT", b"G\xc4T", b"<script>")
    ),
    refuses("method is missing", METHOD, 400, line(b"/ HTTP/1.1")),
    refuses("CONNECT in authority-form", "RFC 9110 9.3.6", 405, line(b"CONNECT a.example:443 HTTP/1.1")),
    refuses("CONNECT in origin-form", "RFC 9110 9.3.6", 405, to(b"/", b"CONNECT")),
    refuses("TRACE", "RFC 9110 9.3.8", 405, to(b"/", b"TRACE")),
    refuses("TRACE with Max-Forwards", "RFC 9110 9.3.8", 405, line(b"TRACE / HTTP/1.1", HOST + b"Max-Forwards: 0\r\n")),
    passes("trace in lower case is another method", METHOD, to(b"/", b"trace")),
]

VERSION = "RFC 9112 2.3"
VERSIONS = [
    passes("HTTP/1.0", VERSION, version(b"HTTP/1.0")),
    passes("HTTP/1.0 without Host", "RFC 9112 3.2", b"GET / HTTP/1.0\r\n\r\n"),
    passes("HTTP/1.0 without Host, with fields", "RFC 9112 3.2", b"GET /a HTTP/1.0\r\nX-A: a\r\n\r\n"),
    passes("HTTP/1.2", "RFC 9110 6.2", version(b"HTTP/1.2")),
    passes("HTTP/1.9", "RFC 9110 6.2", version(b"HTTP/1.9")),
    refuses("HTTP/1.2 without Host", "RFC 9112 3.2", 400, b"GET / HTTP/1.2\r\n\r\n"),
    refuses("HTTP/2.0", VERSION, 505, version(b"HTTP/2.0")),
    refuses("HTTP/0.9 spelled out", VERSION, 505, version(b"HTTP/0.9")),
    refuses("HTTP/3.0", VERSION, 505, version(b"HTTP/3.0")),
    refuses("HTTP/9.9", VERSION, 505, version(b"HTTP/9.9")),
    refuses("HTTP/0.9", "RFC 1945 4.1", 400, b"GET /\r\n\r\n"),
    refuses("HTTP/2 preface", "RFC 9113 3.4", 505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    *(
        refuses(f"version {shown(octets)}", VERSION, 400, version(octets))
        for octets in (
            *(b"http/1.1", b"Http/1.1", b"HTTP/1", b"HTTP/1.", b"HTTP/1.10", b"HTTP/01.1", b"HTTP/11", b"HTTP/1,1"),
            *(
                b"HTTP 1.1",
                b"HTTP/+1.1",
                b"HTTP/-1.1",
                b"HTTP/1.1a",
                b"HTTP/1.\xb2",
                b"HTTPS/1.1",
                b"XTTP/1.1",
                b"HTTP/",
            ),
            *(b"ICY", b"HTCPCP/1.0", b"RTSP/1.0", b"HTTP/1.1\x00", b"HTTP/1.1\x0b", b"HTTP/a.b", b"HTTP/1.1.1"),
        )
    ),
]

ORIGIN = "RFC 9112 3.2.1"
ABSOLUTE = "RFC 9112 3.2.2"
TARGETS = [
    *(
        passes(f"target {shown(target)}", ORIGIN, to(target))
        for target in (
            *(b"/", b"//", b"//a//b", b"//evil.example/a", b"/a/../b", b"/../../etc/passwd", b"/./a/.", b"/a/%2e%2e/b"),
            *(b"/%2F%2f", b"/%41%7e%7E", b"/%00", b"/%0d%0aX:%20y", b"/%zz", b"/%", b"/a%", b"/a?", b"/?", b"/??a=?"),
            *(b"/a?b=c&d=e;f", b"/a?http://x/", b"/a;b=c,d", b"/a:b@c", b"/*", b"/a+b", b"/!$&'()*+,;=:@-._~"),
            *(b"/a?b=%26&c=+", b"/a\\b", b'/"<>', b"/^`{|}", b"/[a]", b"/http://other.example/", b"/.", b"/a/"),
        )
    ),
    refuses("target with a fragment", "RFC 9112 3.2", 400, to(b"/a#b")),
    refuses("target is a fragment", "RFC 9112 3.2", 400, to(b"#")),
    refuses("target with obs-text", "RFC 9112 3.2", 400, to(b"/\xc3\xa4")),
    refuses("target with NUL", "RFC 9112 3.2", 400, to(b"/a\0b")),
    refuses("target with a tab", "RFC 9112 3.2", 400, to(b"/a\tb")),
    refuses("target with a control character", "RFC 9112 3.2", 400, to(b"/a\x01")),
    refuses("target with DEL", "RFC 9112 3.2", 400, to(b"/a\x7f")),
    refuses("target with CR", "RFC 9112 3.2", 400, to(b"/a\rb")),
    refuses("target without a slash", "RFC 9112 3.2", 400, to(b"index.html")),
    refuses("target begins with a query", "RFC 9112 3.2", 400, to(b"?a=b")),
    refuses("target is @authority", "smuggling: routing", 400, to(b"@other.example/")),
    refuses("target is :port and path", "smuggling: routing", 400, to(b":80/")),
    refuses("target begins with a backslash", "smuggling: routing", 400, to(b"\\a")),
    refuses("target is empty", "RFC 9112 3.2", 400, line(b"GET  HTTP/1.1")),
    refuses("* with GET", "RFC 9112 3.2.4", 400, to(b"*")),
    refuses("** with OPTIONS", "RFC 9112 3.2.4", 400, to(b"**", b"OPTIONS")),
    refuses("authority-form with GET", "RFC 9112 3.2.3", 400, to(b"client.example:80")),
    passes("OPTIONS *", "RFC 9112 3.2.4", to(b"*", b"OPTIONS")),
    passes("OPTIONS of an absolute URI without a path", "RFC 9112 3.2.4", to(b"http://other.example:8001", b"OPTIONS")),
    passes("OPTIONS of an absolute URI with /", "RFC 9112 3.2.4", to(b"http://other.example/", b"OPTIONS")),
    passes("OPTIONS of an absolute URI with a query", "RFC 9112 3.2.4", to(b"http://other.example?a", b"OPTIONS")),
    *(
        passes(f"absolute-form {shown(target)}", ABSOLUTE, to(target))
        for target in (
            *(
                b"http://client.example/",
                b"http://other.example/a?b",
                b"http://other.example",
                b"HTTP://other.example/A",
            ),
            *(
                b"https://other.example/a",
                b"http://other.example:8080/",
                b"http://other.example:/a",
                b"http://[::1]:80/a",
            ),
            *(b"http://other.example?q", b"http://other.example//a", b"http://127.0.0.1/a/../b", b"http://a%20b/"),
        )
    ),
    passes("absolute-form from HTTP/1.0", ABSOLUTE, line(b"GET http://other.example/a HTTP/1.0")),
    passes("absolute-form from HTTP/1.0 without Host", ABSOLUTE, b"GET http://other.example/a HTTP/1.0\r\n\r\n"),
    refuses("absolute-form without Host", "RFC 9112 3.2", 400, b"GET http://other.example/ HTTP/1.1\r\n\r\n"),
    refuses(
        "absolute-form with two Hosts", "RFC 9112 3.2", 400, line(b"GET http://other.example/ HTTP/1.1", HOST + HOST)
    ),
    refuses(
        "absolute-form with a bad Host", "RFC 9112 3.2", 400, line(b"GET http://b.example/ HTTP/1.1", b"Host: a b\r\n")
    ),
    *(
        refuses(f"absolute-form {shown(target)}", ABSOLUTE, 400, to(target))
        for target in (
            *(
                b"http:///a",
                b"http://",
                b"http:/a",
                b"http:a",
                b"http://user@other.example/",
                b"http://u:p@other.example/",
            ),
            *(
                b"ftp://other.example/",
                b"file:///etc/passwd",
                b"http://other.example:x/",
                b"http://other.example:99999/",
            ),
            *(
                b"http://other.example/a#b",
                b"http://[::1/",
                b"http://a,b.example/",
                b"http://:80/",
                b"javascript:alert(1)",
            ),
            *(
                b"http://other.example\\@client.example/",
                b"://other.example/",
                b"http//other.example/",
                b"http://[::g]/",
            ),
        )
    ),
    passes("target at its limit of 16 KiB", "RFC 9112 3", to(b"/" + b"a" * 16383)),
    refuses("target one character over its limit", "RFC 9112 3", 414, to(b"/" + b"a" * 16384)),
    refuses("target of 100 KB", "RFC 9112 3", 414, to(b"/" + b"a" * 100_000)),
]

HOST_RULE = "RFC 9112 3.2"
HOSTS = [
    *(
        passes(f"Host:{shown(value)}", "RFC 9110 7.2", host(value))
        for value in (
            *(b" a.example", b" a.example:8080", b" a.example:", b" A.EXAMPLE", b" 127.0.0.1", b" [::1]", b" [::1]:80"),
            *(
                b" a_b-c.example",
                b" a.example.",
                b" %41.example",
                b"a.example",
                b"\ta.example\t",
                b"   a.example  ",
                b" 0",
            ),
        )
    ),
    refuses("no Host", HOST_RULE, 400, host()),
    refuses("two Hosts", HOST_RULE, 400, host(b" a.example", b" b.example")),
    refuses("two equal Hosts", HOST_RULE, 400, host(b" a.example", b" a.example")),
    refuses("Host and host", HOST_RULE, 400, b"GET / HTTP/1.1\r\nHost: a.example\r\nhOST: b.example\r\n\r\n"),
    refuses("two Hosts, one empty", HOST_RULE, 400, host(b" a.example", b"")),
    refuses("two Hosts from HTTP/1.0", HOST_RULE, 400, host(b" a", b" b").replace(b"/1.1", b"/1.0")),
    refuses("Host from HTTP/1.0 with a space", HOST_RULE, 400, host(b" a b").replace(b"/1.1", b"/1.0")),
    refuses("Host under a name with a space", "RFC 9112 5.1", 400, b"GET / HTTP/1.1\r\nHost : a.example\r\n\r\n"),
    refuses("Host indented", "RFC 9112 5.2", 400, b"GET / HTTP/1.1\r\n Host: a.example\r\n\r\n"),
    *(
        refuses(f"Host:{shown(value)}", HOST_RULE, 400, host(value))
        for value in (
            *(
                b"",
                b" ",
                b" a b",
                b" user@a.example",
                b" u:p@a.example",
                b" a.example/x",
                b" a.example?x",
                b" a.example#x",
            ),
            *(
                b" a.example:http",
                b" a.example:80:80",
                b" a.example:-1",
                b" a.example:+80",
                b" a.example:99999",
                b" :80",
            ),
            *(b" a.example, b.example", b" http://a.example", b" [::1", b" ::1", b" [::1]x", b" []", b" [a]", b" a\tb"),
            *(
                b" \xc3\xa4.example",
                b" a\0b",
                b" a%2",
                b" a%zz",
                b" <a>",
                b' "a.example"',
                b" a\\b",
                b" a.example:80 ;",
                b" {a}",
            ),
        )
    ),
]

NAME = "RFC 9112 5.1"
VALUE = "RFC 9110 5.5"
FIELDS = [
    *(
        refuses(f"field name {shown(octets)}", NAME, 400, field(b": a", name=octets))
        for octets in (
            *(b"X-A ", b"X-A\t", b"", b"X A", b"X(A", b"X,A", b"X/A", b'X"A', b"X@A", b"X[A]", b"X{A}", b"X=A", b"X;A"),
            *(
                b"X\0A",
                b"X\x01A",
                b"X\x7fA",
                b"X\x80A",
                b"X\xc3\xa4",
                b"\xef\xbb\xbfX",
                b"X\rA",
                b"X\x0bA",
                b"X\\A",
                b"<X>",
            ),
        )
    ),
    refuses("field line without a colon", NAME, 400, field(b"")),
    refuses("field line begins with a colon", NAME, 400, get(fields=b": a\r\n")),
    refuses("field line is a colon", NAME, 400, get(fields=b":\r\n")),
    refuses("space before the first field", "RFC 9112 2.2", 400, b"GET / HTTP/1.1\r\n X-A: a\r\n" + HOST + b"\r\n"),
    refuses("folded with a space", "RFC 9112 5.2", 400, field(b": a\r\n b")),
    refuses("folded with a tab", "RFC 9112 5.2", 400, field(b": a\r\n\tb")),
    refuses("folded to nothing", "RFC 9112 5.2", 400, field(b": a\r\n ")),
    refuses("folded with a field in the fold", "smuggling", 400, field(b": a\r\n Transfer-Encoding: chunked")),
    refuses("Host folded", "RFC 9112 5.2", 400, b"GET / HTTP/1.1\r\nHost:\r\n client.example\r\n\r\n"),
    *(
        refuses(f"control character {shown(octet)} in a value", VALUE, 400, field(b": a" + octet + b"b"))
        for octet in (b"\0", b"\x01", b"\x08", b"\x0b", b"\x0c", b"\x0e", b"\x1b", b"\x1f", b"\x7f", b"\r")
    ),
    *(
        passes(f"field X-A{shown(octets)}", VALUE, field(octets))
        for octets in (
            *(
                b":",
                b": ",
                b":a",
                b":  a  ",
                b":\ta\t",
                b": \t ",
                b": a\tb",
                b": a  b",
                b": :",
                b": a: b",
                b": a,,b",
                b":::",
            ),
            *(
                b': "a',
                b": a;b",
                b": a#b",
                b": \\",
                b": \xe4\xff\x80",
                b": \xc3\xa4",
                b": \x80",
                b": (a",
                b": %0d%0aX: y",
                b": a ; b",
            ),
        )
    ),
    passes("field name of all token characters", "RFC 9110 5.6.2", get(fields=b"!#$%&'*+-.^_`|~09aZ: a\r\n")),
    passes("field name of one character", NAME, get(fields=b"X: a\r\n-: b\r\n_: c\r\n1: d\r\n")),
    passes("field name with _ beside one with -", "underscore collisions", get(fields=b"X_A: a\r\nX-A: b\r\n")),
    passes("order, case and duplicates", "RFC 9110 5.3", get(fields=b"b: 1\r\nA: 2\r\nB: 3\r\na: 4\r\nb: 1\r\n")),
    passes(
        "duplicates of fields that are no lists",
        "RFC 9110 5.3",
        get(fields=b"Cookie: a=1\r\nCookie: b=2\r\nReferer: /\r\nReferer: /\r\n"),
    ),
    passes("User-Agent that is absent stays absent", "Go ReverseProxy", get(fields=b"Accept: */*\r\n")),
    passes(
        "User-Agent that is empty stays empty", "Go ReverseProxy", get(fields=b"User-Agent:\r\nAccept-Encoding:\r\n")
    ),
    passes(
        "Accept-Encoding and Range stay",
        "RFC 9110 14.2",
        get(fields=b"Accept-Encoding: br;q=1\r\nRange: bytes=0-1,3-\r\n"),
    ),
    passes(
        "X-Forwarded-For and Via stay as they are",
        "README: what is changed",
        get(fields=b"X-Forwarded-For: 1.2.3.4\r\nVia: 1.0 a\r\nForwarded: for=x\r\n"),
    ),
    passes(
        "Authorization stays where none is injected", "RFC 9110 11.6.2", get(fields=b"Authorization: Basic eDp5\r\n")
    ),
    passes(
        "Host behind other fields stays in its place",
        "RFC 9110 5.3",
        b"GET / HTTP/1.1\r\nA: 1\r\nhOsT:x\r\nB: 2\r\n\r\n",
    ),
    passes("a query in a value is left alone", VALUE, get(fields=b'Referer: http://a/?b="c"#d\r\n')),
]

SIZE = "RFC 9110 5.4"
SIZES = [
    passes("value of 60,000 octets", SIZE, field(b": " + b"a" * 60_000)),
    passes("200 fields", SIZE, get(fields=b"X-A: a\r\n" * 199)),
    refuses("201 fields", SIZE, 431, get(fields=b"X-A: a\r\n" * 200)),
    passes("head of exactly 64 KiB", SIZE, get(fields=b"X-A: " + b"a" * (65536 - len(get()) - 7) + b"\r\n")),
    refuses("head of 64 KiB and an octet", SIZE, 431, get(fields=b"X-A: " + b"a" * (65537 - len(get()) - 7) + b"\r\n")),
    refuses("value of 70,000 octets", SIZE, 431, field(b": " + b"a" * 70_000)),
    refuses("name of 70,000 octets", SIZE, 431, get(fields=b"a" * 70_000 + b": a\r\n")),
    passes("name of 8,000 octets", SIZE, get(fields=b"a" * 8_000 + b": a\r\n")),
]

SIZES += [
    passes("target at a limit of 64", "RFC 9112 3", to(b"/" + b"a" * 63), setting="small"),
    refuses("target over a limit of 64", "RFC 9112 3", 414, to(b"/" + b"a" * 64), setting="small"),
    passes("5 fields of 5", SIZE, get(fields=b"X-A: a\r\n" * 4), setting="small"),
    refuses("6 fields of 5", SIZE, 431, get(fields=b"X-A: a\r\n" * 5), setting="small"),
    passes(
        "head of 1024 octets of 1 KiB",
        SIZE,
        get(fields=b"X-A: " + b"a" * (1024 - len(get()) - 7) + b"\r\n"),
        setting="small",
    ),
    refuses(
        "head of 1025 octets of 1 KiB",
        SIZE,
        431,
        get(fields=b"X-A: " + b"a" * (1025 - len(get()) - 7) + b"\r\n"),
        setting="small",
    ),
]

PIPELINED = [
    passes("two requests at once", "RFC 9112 9.3.2", [get(b"/1"), get(b"/2")]),
    passes("five requests at once", "RFC 9112 9.3.2", [get(b"/%d" % n) for n in range(5)]),
    passes("HEAD, then GET", "RFC 9112 9.3.2", [to(b"/1", b"HEAD"), get(b"/2")]),
    refuses_later("a bad request behind a good one", "RFC 9112 9.3.2", 400, get(b"/1"), field(b" : a") + get(b"/3")),
    refuses_later(
        "no Host in the second request", "RFC 9112 3.2", 400, get(b"/1"), b"GET /2 HTTP/1.1\r\n\r\n" + get(b"/3")
    ),
    refuses_later(
        "octets that are no request behind a good one", "RFC 9112 9.3.2", 400, get(b"/1"), b"\0\1\2\3\r\n\r\n"
    ),
    refuses_later(
        "HTTP/2 preface behind a request", "RFC 9113 3.4", 505, get(b"/1"), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    ),
    refuses_later("TRACE behind a request", "RFC 9110 9.3.8", 405, get(b"/1"), to(b"/2", b"TRACE")),
    refuses_later(
        "a target over its limit in the second request", "RFC 9112 3", 414, get(b"/1"), to(b"/" + b"a" * 16384)
    ),
    refuses_later("three empty lines between requests", "RFC 9112 2.2", 400, get(b"/1"), b"\r\n\r\n\r\n" + get(b"/2")),
]

CASES = REQUEST_LINE + METHODS + VERSIONS + TARGETS + HOSTS + FIELDS + SIZES + PIPELINED
