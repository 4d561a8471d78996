"""Responses: status lines, fields, framing, interim responses, what is refused, and what is cut."""

from case import Case, Forwarded, Reply, Step, response_cut, response_passes, response_refused, shown
from message import DATE, HINTS, OK, get, post, post_chunked, response

HEAD = b"HEAD / HTTP/1.1\r\nHost: client.example\r\n\r\n"
FROM_1_0 = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
SPLIT = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsplit"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def raw(*lines, status=b"HTTP/1.1 200 OK", content=b""):
    return b"".join(line + b"\r\n" for line in (status, *lines)) + b"\r\n" + content


def chunked(body=HELLO, *lines, status=b"HTTP/1.1 200 OK"):
    return raw(DATE[:-2], *lines, b"Transfer-Encoding: chunked", status=status, content=body)


def status(octets, content=b"ok"):
    return raw(DATE[:-2], b"Content-Length: %d" % len(content), status=octets, content=content)


def field(octets):
    return response(fields=octets + b"\r\n", content=b"ok")


LINE = "RFC 9112 4"
STATUS_LINES = [
    *(
        response_passes(f"response: status line {shown(octets)}", LINE, status(octets))
        for octets in (
            *(
                b"HTTP/1.1 200 OK",
                b"HTTP/1.1 200 ",
                b"HTTP/1.1 200",
                b"HTTP/1.1 200  OK",
                b"HTTP/1.1 200 All is\twell!",
                b"HTTP/1.1 200 \xfc\xff",
            ),
            *(
                b"HTTP/1.1 200 200",
                b"HTTP/1.1 200 :",
                b"HTTP/1.1 201 Created",
                b"HTTP/1.1 203 X",
                b"HTTP/1.1 299 X",
                b"HTTP/1.1 300 X",
            ),
            *(
                b"HTTP/1.1 301 Moved",
                b"HTTP/1.1 308 X",
                b"HTTP/1.1 404 Not Found",
                b"HTTP/1.1 407 X",
                b"HTTP/1.1 418 I'm a teapot",
            ),
            *(
                b"HTTP/1.1 500 Oops",
                b"HTTP/1.1 502 Bad Gateway",
                b"HTTP/1.1 504 X",
                b"HTTP/1.1 599 X",
                b"HTTP/1.1 600 X",
                b"HTTP/1.1 999 X",
            ),
            *(b"HTTP/1.0 200 OK", b"HTTP/1.2 200 OK", b"HTTP/1.1 200 " + b"a" * 5000),
        )
    ),
    *(
        response_refused(f"response: status line {shown(octets)}", LINE, status(octets))
        for octets in (
            *(
                b"HTTP/1.1  200 OK",
                b"HTTP/1.1\t200 OK",
                b"HTTP/1.1 20 OK",
                b"HTTP/1.1 2000 OK",
                b"HTTP/1.1 2x0 OK",
                b"HTTP/1.1 099 OK",
            ),
            *(
                b"HTTP/1.1 000 OK",
                b"HTTP/1.1 -20 OK",
                b"HTTP/1.1 +20 OK",
                b"HTTP/1.1 200OK",
                b"HTTP/1.1 200\tOK",
                b"HTTP/1.1 OK",
                b"HTTP/1.1",
            ),
            *(
                b"HTTP/1.1 ",
                b"http/1.1 200 OK",
                b"HTTP/2.0 200 OK",
                b"HTTP/0.9 200 OK",
                b"HTTP/1 200 OK",
                b"HTTP/11 200 OK",
                b"HTTP/1.10 200 OK",
            ),
            *(
                b"ICY 200 OK",
                b"200 OK",
                b" HTTP/1.1 200 OK",
                b"\r\nHTTP/1.1 200 OK",
                b"HTTP/1.1 200 O\0K",
                b"HTTP/1.1 200 O\rK",
                b"HTTP/1.1 200 O\nK",
            ),
            *(
                b"SSH-2.0-OpenSSH_9.2",
                b"220 smtp.example ESMTP",
                b"<html>",
                b"\x15\x03\x01\x00\x02\x02\x46",
                b"HTTP/1.1 \xb200 OK",
            ),
        )
    ),
    response_refused("response: HTTP/0.9 response", "RFC 1945 6", b"<html>hello</html>", ends="FIN"),
    response_refused("response: nothing at all", "RFC 9110 15.6.3", b"", ends="FIN"),
    response_refused("response: a reset", "RFC 9110 15.6.3", b"", ends="RST"),
    response_refused("response: end within the status line", LINE, b"HTTP/1.1 200", ends="FIN"),
    response_refused(
        "response: end within the head", "RFC 9112 8", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", ends="FIN"
    ),
    response_refused(
        "response: reset within the head", "RFC 9112 8", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", ends="RST"
    ),
]

VALUE = "RFC 9110 5.5"
FIELDS = [
    *(
        response_passes(f"response: field {shown(octets)}", VALUE, field(octets))
        for octets in (
            *(
                b"X-A:",
                b"X-A:a",
                b"X-A:  a  ",
                b"X-A:\ta\t",
                b"X-A: a  b",
                b"X-A: \xe4\x80\xff",
                b"X-A: a,,b",
                b'X-A: ;a="b',
                b"X-A: a: b",
            ),
            *(
                b"!#$%&'*+-.^_`|~: a",
                b"X_A: a",
                b"x-a: a\r\nX-A: b\r\nx-A: a",
                b"X-A: \x1b[31m",
                b"X-A: a\x01",
                b"X-A: %0d%0aX-B: b",
            ),
        )
    ),
    response_passes(
        "response: many cookies",
        "RFC 6265 3",
        field(b"\r\n".join(b"Set-Cookie: c%d=%d; Path=/" % (n, n) for n in range(50))),
    ),
    response_passes(
        "response: cookies with commas and in other case",
        "RFC 6265 3",
        field(b"set-cookie: a=b, c\r\nSet-Cookie: a=b\r\nSet-Cookie2: x"),
    ),
    response_passes(
        "response: order of fields",
        "RFC 9110 5.3",
        raw(b"B: 1", b"Content-Length: 2", b"A: 2", DATE[:-2], b"B: 3", content=b"ok"),
    ),
    response_passes(
        "response: Server, Via, Age, Warning stay",
        "README: what is changed",
        field(b"Server: x\r\nVia: 1.0 y\r\nAge: 1\r\nWarning: 199 - z"),
    ),
    response_passes(
        "response: authentication fields stay",
        "RFC 9110 11.6.1",
        response(b"401 Unauthorized", b'WWW-Authenticate: Basic realm="a"\r\nWWW-Authenticate: Negotiate\r\n'),
    ),
    response_passes(
        "response: Proxy-Authenticate stays",
        "RFC 9110 11.7.1",
        response(b"407 X", b'Proxy-Authenticate: Basic realm="a"\r\n'),
    ),
    response_passes(
        "response: redirect is passed on",
        "RFC 9110 15.4",
        response(b"302 Found", b"Location: http://other.example/?a=b\r\n"),
    ),
    response_passes(
        "response: redirect to //", "RFC 9110 10.2.2", response(b"301 Moved", b"Location: //other.example/\r\n")
    ),
    response_passes(
        "response: refresh and content location stay",
        "README: what is changed",
        field(b"Refresh: 0; url=http://a/\r\nContent-Location: /b"),
    ),
    response_passes(
        "response: encoded content stays encoded",
        "RFC 9110 8.4",
        response(fields=b"Content-Encoding: gzip\r\n", content=b"\x1f\x8b\x08\0\r\n\r\n\0\xff"),
    ),
    response_passes("response: no Date: one is added", "RFC 9110 6.6.1", raw(b"Content-Length: 2", content=b"ok")),
    response_passes(
        "response: a Date that is none stays",
        "RFC 9110 6.6.1",
        raw(b"Date: yesterday", b"Content-Length: 2", content=b"ok"),
    ),
    response_passes(
        "response: two Dates stay", "RFC 9110 5.3", raw(DATE[:-2], b"date: x", b"Content-Length: 2", content=b"ok")
    ),
    response_passes("response: no fields at all", LINE, b"HTTP/1.1 200 OK\r\n\r\nhello", ends="FIN"),
    response_passes("response: head of 100 KB", "RFC 9110 5.4", field(b"X-A: " + b"a" * 100_000)),
    response_passes("response: 500 fields", "RFC 9110 5.4", field(b"\r\n".join(b"X-%d: a" % n for n in range(500)))),
    response_refused("response: head over 256 KiB", "RFC 9110 5.4", field(b"X-A: " + b"a" * 270_000)),
    response_passes(
        "response: nominated fields are taken out",
        "RFC 9110 7.6.1",
        field(b"Connection: X-A, x-b\r\nX-A: a\r\nX-B: b\r\nX-C: c"),
    ),
    response_passes(
        "response: nominated before Connection, in two fields",
        "RFC 9110 7.6.1",
        field(b"X-A: a\r\nConnection: , X-A\r\nX-B: b\r\nConnection: X-B"),
    ),
    response_passes("response: nominated Date stays", "RFC 9110 6.6.1", field(b"Connection: Date")),
    response_passes(
        "response: nominated length stays",
        "RFC 9110 7.6.1",
        raw(DATE[:-2], b"Connection: Content-Length", b"Content-Length: 2", content=b"ok"),
    ),
    response_passes(
        "response: nominated coding stays", "RFC 9110 7.6.1", chunked(HELLO, b"Connection: Transfer-Encoding")
    ),
    response_passes(
        "response: nominated Set-Cookie is taken out",
        "RFC 9110 7.6.1",
        field(b"Connection: Set-Cookie\r\nSet-Cookie: a=b"),
    ),
    response_passes(
        "response: a field called Close is nominated by close",
        "RFC 9110 7.6.1",
        field(b"Connection: close\r\nClose: a"),
    ),
    response_passes(
        "response: Keep-Alive and Proxy-Connection are taken out",
        "RFC 9110 7.6.1",
        field(b"Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nX-A: a"),
    ),
    response_passes(
        "response: Upgrade outside of 101 and 426 is taken out",
        "RFC 9110 7.8",
        field(b"Connection: Upgrade\r\nUpgrade: h2c"),
    ),
    response_passes(
        "response: 426 keeps its Upgrade",
        "RFC 9110 15.5.22",
        response(b"426 Upgrade Required", b"Connection: Upgrade\r\nUpgrade: foo/2\r\n"),
    ),
    *(
        response_refused(f"response: field {shown(octets)}", "RFC 9110 5.5", field(octets))
        for octets in (
            *(
                b"X-A: a\0b",
                b"X\0A: a",
                b"X-A: a\rb",
                b"X-A: a\r",
                b"X-A: a\nX-B: b",
                b"X-A",
                b": a",
                b"X A: a",
                b" X-A: a",
                b"X-A : a",
            ),
            *(
                b"X-A\t: a",
                b"X-A: a\r\n b",
                b"X-A: a\r\n\tb",
                b"X(A): a",
                b"X\xe4: a",
                b"X-A: a\n",
                b"\x01: a",
                b"X-A: a\r\n ",
                b"HTTP/1.1 200 OK",
            ),
        )
    ),
    response_refused("response: LF alone throughout", "RFC 9112 2.2", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
    response_refused(
        "response: LF alone ends the head", "RFC 9112 2.2", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok"
    ),
]

LENGTH = "RFC 9112 6.3"
LENGTHS = [
    response_passes("response: content of a length", LENGTH, response(content=b"hello")),
    response_passes("response: content of length 0", LENGTH, response()),
    response_passes("response: content of 300 KB", LENGTH, response(content=bytes(range(256)) * 1200)),
    response_passes(
        "response: length with leading zeros", "RFC 9110 8.6", raw(DATE[:-2], b"Content-Length: 0002", content=b"ok")
    ),
    response_passes(
        "response: length with other white space", "RFC 9112 5", raw(DATE[:-2], b"cOntent-length:2\t ", content=b"ok")
    ),
    response_passes(
        "response: two equal lengths",
        LENGTH,
        raw(DATE[:-2], b"Content-Length: 2", b"X: y", b"content-length: 2", content=b"ok"),
    ),
    response_passes("response: content until the end", LENGTH, raw(DATE[:-2], content=b"hello"), ends="FIN"),
    response_passes("response: no content until the end", LENGTH, raw(DATE[:-2]), ends="FIN"),
    response_passes(
        "response: content until the end that looks like a response",
        "response splitting",
        raw(DATE[:-2], content=SPLIT),
        ends="FIN",
    ),
    response_passes(
        "response: content until the end, 300 KB", LENGTH, raw(DATE[:-2], content=bytes(range(256)) * 1200), ends="FIN"
    ),
    response_passes(
        "response: close with a length keeps the client",
        "RFC 9112 9.3",
        response(fields=b"Connection: close\r\n", content=b"ok"),
        ends="FIN",
    ),
    response_passes(
        "response: a length from HTTP/1.0",
        "RFC 9112 9.3",
        response(content=b"ok").replace(b"1.1", b"1.0", 1),
        ends="FIN",
    ),
    response_passes(
        "response: keep-alive from HTTP/1.0",
        "RFC 9112 C.2.2",
        response(fields=b"Connection: keep-alive\r\n", content=b"ok").replace(b"1.1", b"1.0", 1),
    ),
    response_passes(
        "response: close from the target that does not close",
        "RFC 9112 9.6",
        response(fields=b"Connection: close\r\n", content=b"ok"),
    ),
    *(
        response_refused(
            f"response: Content-Length: {shown(value)}",
            "RFC 9110 8.6",
            raw(b"Content-Length: " + value, content=b"hello"),
        )
        for value in (
            *(
                b"+5",
                b"-5",
                b"5 5",
                b"0x5",
                b"5.0",
                b"",
                b"x",
                b"5,6",
                b"5, 5",
                b"5,",
                b'"5"',
                b"5abc",
                b"\xb2",
                b"9" * 30,
                b"5;",
                b"-1",
                b"5\t5",
            ),
            *(b"9223372036854775808", b"18446744073709551616", b"1e3", b"(5)"),
        )
    ),
    response_refused(
        "response: two different lengths", LENGTH, raw(b"Content-Length: 5", b"Content-Length: 6", content=b"hello")
    ),
    response_refused(
        "response: lengths 5 and 05", LENGTH, raw(b"Content-Length: 5", b"Content-Length: 05", content=b"hello")
    ),
    response_refused(
        "response: both framings", LENGTH, raw(b"Content-Length: 5", b"Transfer-Encoding: chunked", content=HELLO)
    ),
    response_refused(
        "response: both framings, coding first",
        LENGTH,
        raw(b"Transfer-Encoding: chunked", b"Content-Length: 15", content=HELLO),
    ),
    response_refused(
        "response: both framings to HEAD", LENGTH, raw(b"Content-Length: 5", b"Transfer-Encoding: chunked"), HEAD
    ),
    response_refused(
        "response: chunked from HTTP/1.0",
        "RFC 9112 6.1",
        raw(b"Transfer-Encoding: chunked", status=b"HTTP/1.0 200 OK", content=HELLO),
    ),
    *(
        response_refused(
            f"response: Transfer-Encoding: {shown(value)}",
            "RFC 9112 6.1",
            raw(b"Transfer-Encoding: " + value, content=HELLO),
        )
        for value in (
            *(
                b"gzip",
                b"gzip, chunked",
                b"chunked, gzip",
                b"chunked, chunked",
                b"identity",
                b"",
                b"xchunked",
                b'"chunked"',
                b"chunked;q=1",
            ),
            *(b"chunked,", b",chunked", b"chunked\0", b"chunked\x0b"),
        )
    ),
    response_refused(
        "response: two codings in two fields",
        "RFC 9112 6.1",
        raw(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", content=HELLO),
    ),
    response_refused(
        "response: a coding under a name with a space",
        "RFC 9112 5.1",
        raw(b"Transfer-Encoding : chunked", b"Content-Length: 5", content=HELLO),
    ),
]

CHUNK = "RFC 9112 7.1"
CHUNKS = [
    *(
        response_passes(f"response: chunks {body!r}", CHUNK, chunked(body))
        for body in (
            *(
                HELLO,
                b"0\r\n\r\n",
                b"1\r\nh\r\n4\r\nello\r\n0\r\n\r\n",
                b"005\r\nhello\r\n00\r\n\r\n",
                b"a\r\n0123456789\r\n0\r\n\r\n",
            ),
            *(
                b"A\r\n0123456789\r\n0\r\n\r\n",
                b"5;a=b\r\nhello\r\n0;c\r\n\r\n",
                b'5;a="b;c"\r\nhello\r\n0\r\n\r\n',
                b"5 ;a\r\nhello\r\n0\r\n\r\n",
            ),
            *(
                b"5\r\nhello\r\n0\r\nX-A: a\r\nX-A:b\r\n\r\n",
                b"5\r\nhello\r\n0\r\nX-A: \xe4\x01\r\n\r\n",
                b"9\r\n\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n",
            ),
            *(b"0000000000000005\r\nhello\r\n0\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n"),
        )
    ),
    response_passes(
        "response: chunk of 300 KB", CHUNK, chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (300_000, b"abc" * 100_000))
    ),
    response_passes("response: a thousand chunks", CHUNK, chunked(b"3\r\nabc\r\n" * 1000 + b"0\r\n\r\n")),
    response_passes(
        "response: extensions of 10 KB", "RFC 9112 7.1.1", chunked(b"5;" + b"a" * 10_000 + b"\r\nhello\r\n0\r\n\r\n")
    ),
    response_passes(
        "response: chunked for HTTP/1.0 is decoded",
        "RFC 9112 6.1",
        chunked(b"1\r\nh\r\n4;a\r\nello\r\n0\r\nX-A: a\r\n\r\n"),
        FROM_1_0,
    ),
    response_passes("response: chunked, empty, for HTTP/1.0", "RFC 9112 6.1", chunked(b"0\r\n\r\n"), FROM_1_0),
    response_passes("response: chunked, then another", "RFC 9112 9.3", chunked(), [get(b"/1"), get(b"/2")]),
    response_passes("response: coding in other case", "RFC 9112 7", chunked().replace(b": chunked", b":CHUNKED ")),
    *(
        response_cut(
            f"response: chunk {shown(octets)}", CHUNK, chunked(b"3\r\nabc\r\n" + octets + b"hello\r\n0\r\n\r\n")
        )
        for octets in (
            *(
                b"0x5\r\n",
                b"+5\r\n",
                b"-5\r\n",
                b" 5\r\n",
                b"5 \r\n",
                b"5g\r\n",
                b"\r\n",
                b"5\n",
                b"5\r",
                b"5\r\r\n",
                b"x\r\n",
                b"5\0\r\n",
                b"5;\0\r\n",
            ),
            *(
                b"00000000000000005\r\n",
                b"8000000000000000\r\n",
                b"ffffffffffffffff\r\n",
                b";a\r\n",
                b"5;a\nb\r\n",
                b"5;" + b"a" * 20_000 + b"\r\n",
                b"5,\r\n",
            ),
        )
    ),
    response_cut("response: data longer than its size", CHUNK, chunked(b"4\r\nhello\r\n0\r\n\r\n")),
    response_cut("response: data shorter than its size", CHUNK, chunked(b"6\r\nhello\r\n0\r\n\r\n")),
    response_cut("response: data ends in LF", CHUNK, chunked(b"5\r\nhello\n0\r\n\r\n")),
    response_cut("response: last chunk ends in LF", CHUNK, chunked(b"5\r\nhello\r\n0\n\n")),
    response_cut("response: a broken trailer", "RFC 9112 7.1.2", chunked(b"0\r\nX-A\r\n\r\n")),
    response_cut(
        "response: a trailer with a space before its colon", "RFC 9112 7.1.2", chunked(b"0\r\nX-A : a\r\n\r\n")
    ),
    response_cut("response: a folded trailer", "RFC 9112 7.1.2", chunked(b"0\r\nX-A: a\r\n b\r\n\r\n")),
    response_cut("response: a trailer that ends in LF", "RFC 9112 7.1.2", chunked(b"0\r\nX-A: a\n\r\n")),
    response_cut("response: a trailer with NUL", "RFC 9112 7.1.2", chunked(b"0\r\nX-A: \0\r\n\r\n")),
    response_cut("response: a broken chunk for HTTP/1.0", CHUNK, chunked(b"x\r\n"), FROM_1_0, ending=("RST",)),
]

SHORT = "RFC 9112 8"
SHORTENED = [
    response_cut("response: content ends early", SHORT, response(content=b"hello")[:-2], ends="FIN", passed=3),
    response_cut("response: content ends at once", SHORT, response(content=b"hello")[:-5], ends="FIN", passed=0),
    response_cut("response: content is reset", SHORT, response(content=b"hello")[:-2], ends="RST"),
    response_cut("response: chunks end early", SHORT, chunked(b"5\r\nhel"), ends="FIN", passed=6),
    response_cut("response: chunks end before the last", SHORT, chunked(b"5\r\nhello\r\n"), ends="FIN", passed=10),
    response_cut("response: chunks end within the last", SHORT, chunked(b"5\r\nhello\r\n0\r\n"), ends="FIN"),
    response_cut("response: chunks end within a trailer", SHORT, chunked(b"0\r\nX-A: a"), ends="FIN"),
    response_cut("response: chunks are reset", SHORT, chunked(b"5\r\nhello\r\n"), ends="RST"),
    response_cut("response: chunks without any chunk", SHORT, chunked(b""), ends="FIN", passed=0),
    response_cut(
        "response: chunks for HTTP/1.0 end early", SHORT, chunked(b"5\r\nhel"), FROM_1_0, ends="FIN", ending=("RST",)
    ),
    response_cut(
        "response: content until the end is reset", SHORT, raw(DATE[:-2], content=b"hello"), ends="RST", ending=("RST",)
    ),
]

SURPLUS_RULE = "RFC 9112 6.3"
SURPLUS = [
    *(
        response_passes(f"response: {name}, behind it {shown(behind)}", source, reply, request, behind=behind)
        for name, source, reply, request in (
            ("content of a length", "response splitting", response(content=b"hello"), get()),
            ("content of length 0", "response splitting", response(), [get(b"/1"), get(b"/2")]),
            ("chunks", "response splitting", chunked(), get()),
            ("HEAD with a length", SURPLUS_RULE, raw(DATE[:-2], b"Content-Length: 5"), HEAD),
            ("HEAD with a coding", SURPLUS_RULE, chunked(b""), HEAD),
            ("204", SURPLUS_RULE, raw(DATE[:-2], status=b"HTTP/1.1 204 No Content"), get()),
            ("204 with a length", SURPLUS_RULE, raw(DATE[:-2], b"Content-Length: 5", status=b"HTTP/1.1 204 X"), get()),
            ("304 with a length", SURPLUS_RULE, raw(DATE[:-2], b"Content-Length: 5", status=b"HTTP/1.1 304 X"), get()),
            ("304 with a coding", SURPLUS_RULE, chunked(b"", status=b"HTTP/1.1 304 X"), get()),
        )
        for behind in (SPLIT, b"hello", b"\r\n", HELLO)
    ),
    response_passes(
        "response: content of 205 goes on as framed", "RFC 9110 15.3.6", response(b"205 Reset Content", content=b"ok")
    ),
]

BARE = "RFC 9112 6.3"
NO_CONTENT = [
    response_passes("response: HEAD with a length", BARE, raw(DATE[:-2], b"Content-Length: 5"), HEAD),
    response_passes("response: HEAD with a coding", BARE, chunked(b""), HEAD),
    response_passes("response: HEAD without framing", BARE, raw(DATE[:-2]), HEAD),
    response_passes(
        "response: HEAD with a coding, from HTTP/1.0",
        BARE,
        chunked(b""),
        b"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    ),
    response_passes(
        "response: HEAD answered with 404 and a length",
        BARE,
        raw(DATE[:-2], b"Content-Length: 500", status=b"HTTP/1.1 404 X"),
        HEAD,
    ),
    response_passes("response: HEAD, then GET", BARE, raw(DATE[:-2], b"Content-Length: 0"), [HEAD, get(b"/2")]),
    response_passes("response: 204", BARE, raw(DATE[:-2], status=b"HTTP/1.1 204 No Content")),
    response_passes(
        "response: 204 with a length",
        "RFC 9110 8.6",
        raw(DATE[:-2], b"Content-Length: 0", status=b"HTTP/1.1 204 No Content"),
    ),
    response_passes(
        "response: 204 with a coding",
        "RFC 9112 6.1",
        raw(DATE[:-2], b"Transfer-Encoding: chunked", status=b"HTTP/1.1 204 No Content"),
    ),
    response_passes("response: 304", BARE, raw(DATE[:-2], b'ETag: "a"', status=b"HTTP/1.1 304 Not Modified")),
    response_passes(
        "response: 304 with a length",
        BARE,
        raw(DATE[:-2], b"Content-Length: 1234", status=b"HTTP/1.1 304 Not Modified"),
    ),
    response_passes(
        "response: 304 with a coding",
        BARE,
        raw(DATE[:-2], b"Transfer-Encoding: chunked", status=b"HTTP/1.1 304 Not Modified"),
    ),
    response_passes(
        "response: 204, then another", BARE, raw(DATE[:-2], status=b"HTTP/1.1 204 No Content"), [get(b"/1"), get(b"/2")]
    ),
    response_passes(
        "response: 205 without framing, until the end",
        "RFC 9110 15.3.6",
        raw(DATE[:-2], status=b"HTTP/1.1 205 X"),
        ends="FIN",
    ),
    response_passes(
        "response: 206 of several ranges",
        "RFC 9110 15.3.7",
        response(
            b"206 Partial Content",
            b"Content-Type: multipart/byteranges; boundary=x\r\n",
            b"--x\r\nContent-Range: bytes 0-0/2\r\n\r\na\r\n--x--\r\n",
        ),
    ),
    response_passes("response: 416", "RFC 9110 15.5.17", response(b"416 X", b"Content-Range: bytes */5\r\n")),
    response_passes("response: 500 to POST", "RFC 9110 15.6.1", response(b"500 X", content=b"no"), post(b"hello")),
]

INTERIM = "RFC 9110 15.2"
INTERIMS = [
    response_refused("response: interim, then the end", INTERIM, HINTS, ends="FIN"),
    response_refused("response: interim, then a broken response", INTERIM, HINTS + b"HTTP/1.1 200\tOK\r\n\r\n"),
    response_refused(
        "response: interim with content", INTERIM, b"HTTP/1.1 103 X\r\nContent-Length: 5\r\n\r\nhello" + OK
    ),
    response_refused(
        "response: interim over 256 KiB", INTERIM, b"HTTP/1.1 103 X\r\nX-A: " + b"a" * 270_000 + b"\r\n\r\n" + OK
    ),
    response_refused("response: a broken interim", INTERIM, b"HTTP/1.1 103 X\r\nX-A : a\r\n\r\n" + OK),
    response_passes("response: 103", INTERIM, HINTS + OK),
    response_passes("response: 100 that was not asked for", INTERIM, CONTINUE + OK),
    response_passes(
        "response: 102 and 103 and 199",
        INTERIM,
        b"HTTP/1.1 102 Processing\r\n\r\n" + HINTS + b"HTTP/1.1 199 X\r\nA: b\r\n\r\n" + OK,
    ),
    response_passes("response: 16 interim responses", INTERIM, HINTS * 16 + OK),
    response_refused("response: 17 interim responses", INTERIM, HINTS * 17 + OK),
    response_refused("response: a flood of interim responses", INTERIM, CONTINUE * 500 + OK),
    response_passes(
        "response: interim with a length",
        "RFC 9110 8.6",
        b"HTTP/1.1 103 X\r\nContent-Length: 5\r\nTransfer-Encoding: x\r\nLink: a\r\n\r\n" + OK,
    ),
    response_passes(
        "response: interim with fields of one connection",
        "RFC 9110 7.6.1",
        b"HTTP/1.1 103 X\r\nConnection: X-A\r\nX-A: a\r\nKeep-Alive: 5\r\nX-B: b\r\n\r\n" + OK,
    ),
    response_passes("response: interim is left out for HTTP/1.0", INTERIM, HINTS + OK, FROM_1_0),
    response_passes("response: interim with a reason phrase missing", INTERIM, b"HTTP/1.1 103\r\n\r\n" + OK),
    response_passes("response: interim, then 204", INTERIM, HINTS + raw(DATE[:-2], status=b"HTTP/1.1 204 No Content")),
    response_passes("response: interim to HEAD", INTERIM, HINTS + raw(DATE[:-2], b"Content-Length: 5"), HEAD),
    response_passes("response: interim before each of two", INTERIM, HINTS + OK, [get(b"/1"), get(b"/2")]),
    response_refused(
        "response: 101 that was not asked for",
        "RFC 9110 15.2.2",
        b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello",
    ),
    response_refused(
        "response: 101 to another protocol",
        "Go ReverseProxy",
        b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\nhello",
        get(fields=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    ),
    response_refused(
        "response: 101 without a protocol",
        "RFC 9110 7.8",
        b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\n\r\nhello",
        get(fields=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    ),
    response_refused(
        "response: 101 to h2c, which was not passed on",
        "h2c smuggling (Bishop Fox 2020)",
        b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nhello",
        get(fields=b"Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n"),
    ),
    response_refused(
        "response: 101 to HTTP/1.0",
        "RFC 9110 7.8",
        b"HTTP/1.1 101 X\r\nUpgrade: a\r\nConnection: Upgrade\r\n\r\n",
        b"GET / HTTP/1.0\r\nConnection: keep-alive, Upgrade\r\nUpgrade: a\r\n\r\n",
    ),
    Case(
        "response: 100, and then a refusal without the content being read",
        "RFC 9110 10.1.1",
        (Step(post(b"hello", b"Expect: 100-continue\r\n"), Forwarded(), Reply(response(b"403 No"), on_head=CONTINUE)),),
    ),
]

FLOWS = [
    response_passes(
        "response: both chunked",
        CHUNK,
        chunked(b"3\r\nyes\r\n0\r\nX-A: a\r\n\r\n"),
        post_chunked(b"5\r\nhello\r\n0\r\nX-B: b\r\n\r\n"),
    ),
    response_passes(
        "response: both of a length, twice", "RFC 9112 9.3", response(content=b"yes"), [post(b"hello"), post(b"world!")]
    ),
    Case(
        "response: replies of every framing on one connection",
        "RFC 9112 9.3",
        (
            Step(get(b"/1"), Forwarded(), Reply(response(content=b"one"))),
            Step(get(b"/2"), Forwarded(), Reply(chunked())),
            Step(HEAD, Forwarded(), Reply(raw(DATE[:-2], b"Content-Length: 9"))),
            Step(get(b"/4"), Forwarded(), Reply(raw(DATE[:-2], status=b"HTTP/1.1 204 No Content"))),
            Step(get(b"/5"), Forwarded(), Reply(HINTS + OK)),
            Step(get(b"/6"), Forwarded(), Reply(raw(DATE[:-2], content=b"until the end"), ends="FIN")),
        ),
    ),
    Case(
        "response: a target that closes after each reply",
        "RFC 9112 9.3",
        tuple(
            Step(
                get(b"/%d" % n),
                Forwarded(),
                Reply(response(fields=b"Connection: close\r\n", content=b"%d" % n), ends="FIN"),
            )
            for n in range(3)
        ),
    ),
]

CASES = STATUS_LINES + FIELDS + LENGTHS + CHUNKS + SHORTENED + SURPLUS + NO_CONTENT + INTERIMS + FLOWS
